//! Short words for changed fields: `image a:1 → a:2, env LOG_LEVEL, 3 more`. Values are shown only where they
//! cannot be secrets: numbers, switches, images, sizes, ports and types.

use serde_json::Value;

use super::fields::{FieldChange, FieldPath, Step};
use super::noise;

/// How many fields a summary names before it counts.
const NAMED: usize = 2;

/// Describes fields, the most telling first.
pub(super) fn of(fields: &[&FieldChange]) -> String {
    let mut described: Vec<(u8, String)> =
        fields.iter().map(|field| (weight(&field.path), describe(field))).collect();
    described.sort_by_key(|(weight, _)| *weight);
    let mut words: Vec<String> = Vec::new();
    for (_, text) in described {
        if !words.contains(&text) {
            words.push(text);
        }
    }
    let more = words.len().saturating_sub(NAMED);
    words.truncate(NAMED);
    if more > 0 {
        words.push(format!("{more} more"));
    }
    words.join(", ")
}

/// What a reader wants to know first.
fn weight(path: &FieldPath) -> u8 {
    if path.last_key() == Some("image") {
        return 0;
    }
    if path.0.iter().any(|step| matches!(step, Step::Key(key) if key == "labels" || key == "annotations")) {
        return 3;
    }
    let told = |key: &str| matches!(key, "env" | "envFrom" | "resources" | "args" | "command" | "data");
    if path.0.iter().any(|step| matches!(step, Step::Key(key) if told(key))) { 1 } else { 2 }
}

fn describe(field: &FieldChange) -> String {
    let path = &field.path;
    if path.last_key() == Some("image")
        && let (Some(Value::String(before)), Some(Value::String(after))) = (&field.before, &field.after)
    {
        let (before, after) = images(before, after);
        return format!("image {before} → {after}");
    }
    if path.last_key().is_some_and(noise::is_checksum) {
        return "configuration (checksum)".to_owned();
    }
    if let Some(name) = env_name(path) {
        return format!("env {name}{}", verb(field));
    }
    let name = short(path);
    if field.reordered {
        return format!("{name} in another order");
    }
    if may_show(path)
        && let (Some(before), Some(after)) =
            (field.before.as_ref().and_then(plain), field.after.as_ref().and_then(plain))
    {
        return format!("{name} {before} → {after}");
    }
    format!("{name}{}", verb(field))
}

fn verb(field: &FieldChange) -> &'static str {
    match (&field.before, &field.after) {
        (None, Some(_)) => " added",
        (Some(_), None) => " removed",
        _ => "",
    }
}

/// The two images without the folders that they share.
fn images<'a>(before: &'a str, after: &'a str) -> (&'a str, &'a str) {
    match (before.rsplit_once('/'), after.rsplit_once('/')) {
        (Some((folder, before)), Some((other, after))) if folder == other => (before, after),
        _ => (before, after),
    }
}

/// The variable of `…env[NAME]…`.
fn env_name(path: &FieldPath) -> Option<&str> {
    path.0.windows(2).find_map(|pair| match pair {
        [Step::Key(key), Step::Item { is, .. }] if key == "env" => Some(is.as_str()),
        _ => None,
    })
}

/// The path without what every workload has in front.
fn short(path: &FieldPath) -> String {
    let text = path.to_string();
    for front in ["spec.jobTemplate.spec.template.", "spec.template."] {
        if let Some(rest) = text.strip_prefix(front) {
            return rest.strip_prefix("spec.").unwrap_or(rest).to_owned();
        }
    }
    text
}

/// Fields under which free text stands are named without their values, and so is what sounds like a secret.
fn may_show(path: &FieldPath) -> bool {
    path.0.iter().all(|step| match step {
        Step::Key(key) => {
            let lower = key.to_ascii_lowercase();
            !matches!(
                key.as_str(),
                "data" | "stringData" | "binaryData" | "annotations" | "env" | "args" | "command" | "value"
            ) && !["password", "token", "secret", "credential"].iter().any(|word| lower.contains(word))
        }
        _ => true,
    })
}

/// A value that fits into a summary.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::String(text) if text.chars().count() <= 40 && !text.contains(char::is_control) => {
            Some(text.clone())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::fields::compare;
    use serde_json::json;

    fn summary(before: &Value, after: &Value) -> String {
        let fields = compare(before, after);
        of(&fields.iter().collect::<Vec<_>>())
    }

    #[test]
    fn images_come_first_and_the_rest_is_counted() {
        let pod = |image: &str, log: &str, cpu: &str, port: u16| {
            json!({"spec": {"template": {"spec": {"containers": [{"name": "web",
                "env": [{"name": "LOG", "value": log}], "image": image,
                "resources": {"limits": {"cpu": cpu}}, "ports": [{"name": "http", "containerPort": port}]}]}}}})
        };
        assert_eq!(
            summary(&pod("r/a:1", "x", "1", 80), &pod("r/a:2", "y", "2", 81)),
            "image a:1 → a:2, env LOG, 2 more"
        );
        assert_eq!(
            summary(&pod("r/a:1", "x", "1", 80), &pod("r/a:1", "x", "2", 80)),
            "containers[web].resources.limits.cpu 1 → 2"
        );
        assert_eq!(summary(&pod("r/a:1", "x", "1", 80), &pod("q/a:1", "x", "1", 80)), "image r/a:1 → q/a:1");
    }

    #[test]
    fn values_that_may_be_secret_are_only_named() {
        let text = summary(
            &json!({"data": {"password": "aGk="}, "spec": {"apiToken": "abc"}}),
            &json!({"data": {"password": "aG8="}, "spec": {"apiToken": "abd"}}),
        );
        assert_eq!(text, "data.password, spec.apiToken");
    }
}

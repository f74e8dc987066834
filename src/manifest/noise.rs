//! What usually changes without meaning: the chart's own labels and checksums. Hiding it never hides what it does:
//! a checksum on a pod template still counts as a restart.

use serde_json::Value;

use super::fields::FieldPath;

/// Whether a field is noise: `helm.sh/chart`, `app.kubernetes.io/version`, the old `chart` label, and checksum
/// annotations, wherever labels and annotations stand.
pub fn is_noise(path: &FieldPath) -> bool {
    let Some(key) = path.last_key() else { return false };
    let above = path.0.len().checked_sub(2).and_then(|place| path.key_at(place));
    match above {
        Some("labels") => matches!(key, "helm.sh/chart" | "app.kubernetes.io/version" | "chart"),
        Some("annotations") => is_checksum(key),
        _ => false,
    }
}

/// Whether an annotation holds a checksum of configuration.
pub(super) fn is_checksum(annotation: &str) -> bool {
    annotation.to_ascii_lowercase().contains("checksum")
}

/// Takes a noise field out of a document.
pub(super) fn remove(root: &mut Value, path: &FieldPath) {
    let mut above = path.clone();
    above.0.pop();
    if let (Some(key), Some(Value::Object(map))) = (path.last_key(), above.get_mut(root)) {
        map.shift_remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::fields::compare;
    use serde_json::json;

    #[test]
    fn chart_labels_and_checksums_are_noise() {
        let before = json!({"spec": {"template": {"metadata": {
            "labels": {"helm.sh/chart": "a-1", "app": "x"}, "annotations": {"checksum/config": "1"}}}}});
        let after = json!({"spec": {"template": {"metadata": {
            "labels": {"helm.sh/chart": "a-2", "app": "y"}, "annotations": {"checksum/config": "2"}}}}});
        let fields = compare(&before, &after);
        let noise: Vec<_> =
            fields.iter().filter(|field| is_noise(&field.path)).map(|field| field.path.to_string()).collect();
        assert_eq!(
            noise,
            [
                "spec.template.metadata.labels[\"helm.sh/chart\"]",
                "spec.template.metadata.annotations.checksum/config"
            ]
        );
        let mut cleaned = after;
        for field in &fields {
            if is_noise(&field.path) {
                remove(&mut cleaned, &field.path);
            }
        }
        assert_eq!(
            cleaned["spec"]["template"]["metadata"],
            json!({"labels": {"app": "y"}, "annotations": {}})
        );
    }
}

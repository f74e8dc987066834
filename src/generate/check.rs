//! The last looks: credentials in the operator's own values, and everything against the schemas of the charts.

use std::path::PathBuf;

use serde_json::Value;

use super::draft::{self, Document, Draft};
use super::{Site, Wish};
use crate::base::{Problem, credential};
use crate::values::{Layer, LayerKind, LayerSet};
use crate::yaml::{KeyPath, Segment};

/// Credentials in plain text among values: a generated file is read by more people than a Secret.
pub(super) fn credentials(layers: &[Layer]) -> Vec<Problem> {
    let mut problems = Vec::new();
    for layer in layers {
        let mut found = Vec::new();
        collect(&KeyPath::root(), layer.value(), &mut found);
        for path in found {
            let words = "holds a credential in plain text: name a Secret instead, or give it to helm itself";
            let file = layer.file.clone().unwrap_or_else(|| PathBuf::from("--set"));
            problems.push(Problem::error(words).at(file, layer.spans().line(&path)).key(path.to_string()));
        }
    }
    problems
}

fn collect(path: &KeyPath, value: &Value, found: &mut Vec<KeyPath>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                let below = path.key(key);
                if credential::is_in(key) {
                    found.push(path.clone());
                    continue;
                }
                let named = credential::is_name(key)
                    || (key == "value"
                        && map.get("name").and_then(Value::as_str).is_some_and(credential::is_name));
                let plain = match value {
                    Value::String(text) => !text.is_empty() && !credential::is_reference(text),
                    Value::Number(_) => true,
                    _ => false,
                };
                if named && plain && !names_secret(&below, map) {
                    found.push(below);
                } else {
                    collect(&below, value, found);
                }
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| collect(&path.index(at), item, found));
        }
        Value::String(text) if credential::is_in(text) => found.push(path.clone()),
        _ => {}
    }
}

/// Whether a text whose key sounds like a credential is only the name of a Secret or of a key in one: that is how the
/// charts take them.
fn names_secret(path: &KeyPath, beside: &serde_json::Map<String, Value>) -> bool {
    let key = path.name();
    let in_list = |name: &str| path.0.iter().any(|segment| *segment == Segment::Key(name.into()));
    let is_key_of = matches!(key.as_str(), "secretKey" | "tokenKey" | "instanceIdKey" | "key")
        && ["existingSecret", "name", "secret", "enabled"].iter().any(|other| beside.contains_key(*other));
    let is_header = key == "secret" && beside.contains_key("key") && in_list("headers");
    // `secrets: [{name, env: {DB_PASSWORD: db-password}}]`
    let is_variable = in_list("secrets") && in_list("env");
    let is_selector = in_list("secretKeyRef") || in_list("existingSecret");
    (is_key_of || is_header || is_variable || is_selector)
        && path_text(beside, &key).is_none_or(|text| !credential::is_in(text) && !credential::is_random(text))
}

fn path_text<'v>(map: &'v serde_json::Map<String, Value>, key: &str) -> Option<&'v str> {
    map.get(key).and_then(Value::as_str)
}

/// The values that helm would get, against the schemas: what is wrong is told at the field of the artifact (or of the
/// operator's own values) that causes it.
pub(super) fn schema(wish: &Wish, site: &Site, draft: &Draft, layers: &LayerSet) -> Vec<Problem> {
    let mut problems: Vec<Problem> = layers.problems().to_vec();
    let merged = layers.merge();
    problems.extend(merged.problems().iter().cloned());
    let locate = |path: &KeyPath| -> Option<(PathBuf, usize)> {
        let winner = merged.setters(path).pop()?;
        if winner.kind != LayerKind::Generated {
            return Some((PathBuf::from(winner.label), winner.line?));
        }
        if let Some((layer, line)) = wish.overrides.iter().rev().find_map(|layer| {
            path.get(layer.value())?;
            Some((layer, layer.spans().line(path)))
        }) {
            let file = layer.file.clone().unwrap_or_else(|| PathBuf::from(&layer.name));
            return Some((file, line.unwrap_or(1)));
        }
        draft::locate(wish, site, &draft.origin(path)?)
    };
    problems.extend(site.schema.check(&merged.value, &locate));
    problems.retain(|problem| !layers.is_about_cipher(problem));
    for problem in &mut problems {
        let Some(path) = KeyPath::parse(&problem.key) else { continue };
        let is_ours = problem.file.as_deref() == Some(wish.artifact.file());
        if let Some(field) =
            draft.origin(&path).filter(|field| is_ours && field.document == Document::Artifact)
        {
            problem.message.push_str(&format!(" (from {})", draft::shown(wish.artifact, &field)));
        }
    }
    problems
}

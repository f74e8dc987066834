//! Validation errors in the words of whoever edits values.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value;

use crate::yaml::KeyPath;

use super::entry;

/// What is wrong and at which key, below the section. One error can name several keys (unknown ones).
pub(super) fn tell(error: &ValidationError, at: &KeyPath, schema: &Value) -> Vec<(KeyPath, String)> {
    let one = |message: String| vec![(at.clone(), message)];
    match error.kind() {
        Kind::Minimum { limit } => one(format!("must be at least {limit}")),
        Kind::ExclusiveMinimum { limit } => one(format!("must be more than {limit}")),
        Kind::Maximum { limit } => one(format!("must be at most {limit}")),
        Kind::ExclusiveMaximum { limit } => one(format!("must be less than {limit}")),
        Kind::MinLength { limit: 1 } => one("must not be empty".to_owned()),
        Kind::MinLength { limit } => one(format!("must be at least {limit} characters long")),
        Kind::MaxLength { limit } => one(format!("must be at most {limit} characters long")),
        Kind::MinItems { limit } => one(format!("must have at least {limit} items")),
        Kind::MaxItems { limit } => one(format!("must have at most {limit} items")),
        Kind::MinProperties { limit } => one(format!("must have at least {limit} keys")),
        Kind::MaxProperties { limit } => one(format!("must have at most {limit} keys")),
        Kind::UniqueItems => one("must not hold the same item twice".to_owned()),
        Kind::Pattern { pattern } => one(format!("must match {pattern}")),
        Kind::Format { format } => one(format!("must be a valid {format}")),
        Kind::Enum { options } => one(allowed(options, error.instance())),
        Kind::Constant { expected_value } => one(format!("must be {}", show(expected_value))),
        Kind::Type { kind } => one(format!("must be {}, is {}", types(kind), is(error.instance()))),
        Kind::Required { property } => {
            let key = property.as_str().map_or_else(|| property.to_string(), str::to_owned);
            vec![(at.key(key), "is required".to_owned())]
        }
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            let known = entry::keys(schema, at);
            unexpected
                .iter()
                .map(|key| {
                    let near = nearest(key, known.iter().map(String::as_str));
                    let hint = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
                    (at.key(key.clone()), format!("is not a known key{hint}"))
                })
                .collect()
        }
        Kind::PropertyNames { error } => {
            let name = error.instance().as_str().unwrap_or_default().to_owned();
            let why = tell(error, &KeyPath::root(), schema).into_iter().map(|(_, m)| m).next();
            vec![(at.key(name), format!("is not allowed as a key: {}", why.unwrap_or_default()))]
        }
        Kind::FalseSchema => one("is not allowed here".to_owned()),
        // Of several ways to be right, the one that got furthest says most: fewest complaints, deepest place.
        Kind::AnyOf { context } | Kind::OneOfNotValid { context } => {
            // `null` is how something is left out: who gives something else does not mean it.
            type Branches<'b> = Vec<&'b Vec<ValidationError<'static>>>;
            let (none, others): (Branches, Branches) = context.iter().partition(|branch| wants_null(branch));
            let meant = if others.is_empty() { none } else { others };
            // Errors of a branch name their place from the document's root.
            let outer = error.instance_path().as_str();
            let inside = |inner: &ValidationError<'static>| {
                let path = inner.instance_path().as_str();
                path.strip_prefix(outer).unwrap_or(path).to_owned()
            };
            let deepest = |branch: &Vec<ValidationError<'static>>| {
                branch.iter().map(|e| inside(e).matches('/').count()).max().unwrap_or(0)
            };
            let best = meant
                .iter()
                .copied()
                .filter(|branch| !branch.is_empty())
                .max_by_key(|branch| (deepest(branch), std::cmp::Reverse(branch.len())));
            match best {
                Some(branch) if deepest(branch) > 0 || meant.len() == 1 => branch
                    .iter()
                    .flat_map(|inner| {
                        let place = KeyPath::from_pointer(&inside(inner), error.instance());
                        let full = KeyPath(at.0.iter().chain(&place.0).cloned().collect());
                        tell(inner, &full, schema)
                    })
                    .collect(),
                _ => {
                    let mut ways: Vec<String> = meant
                        .iter()
                        .filter_map(|branch| branch.first())
                        .flat_map(|inner| tell(inner, at, schema))
                        .map(|(_, message)| message)
                        .collect();
                    ways.dedup();
                    one(ways.join(", or "))
                }
            }
        }
        Kind::OneOfMultipleValid { .. } => one("fits several of the allowed shapes, must fit one".to_owned()),
        _ => one(error.to_string()),
    }
}

/// Whether all that a branch asks for is null.
fn wants_null(branch: &[ValidationError<'static>]) -> bool {
    let is_null = |kind: &TypeKind| matches!(kind, TypeKind::Single(one) if one.to_string() == "null");
    matches!(branch, [only] if matches!(only.kind(), Kind::Type { kind } if is_null(kind)))
}

fn allowed(options: &Value, instance: &Value) -> String {
    let words: Vec<String> = options.as_array().into_iter().flatten().map(show).collect();
    let list = match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "nothing".to_owned(),
    };
    let near = instance.as_str().and_then(|typed| nearest(typed, words.iter().map(String::as_str)));
    let hint = near.map(|near| format!(" (did you mean {near}?)")).unwrap_or_default();
    format!("must be {list}{hint}")
}

fn show(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn types(kind: &TypeKind) -> String {
    let names: Vec<String> = match kind {
        TypeKind::Single(one) => vec![one.to_string()],
        TypeKind::Multiple(set) => set.iter().map(|t| t.to_string()).collect(),
    };
    let words: Vec<&str> = names.iter().map(|name| entry::type_words(name)).collect();
    match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} or {last}", rest.join(", ")),
        None => "something else".to_owned(),
    }
}

/// What a value is; strings and numbers are quoted shortly because `"3"` and `3` look alike in YAML.
fn is(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(value) => format!("{value}"),
        Value::Number(number) => format!("the number {number}"),
        Value::String(text) if text.chars().count() <= 24 => format!("the string \"{text}\""),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a map".to_owned(),
    }
}

/// The known word that a typing mistake most likely meant.
pub fn nearest<'a>(typed: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    known
        .map(|word| (similar::TextDiff::from_chars(typed, word).ratio(), word))
        .filter(|(ratio, _)| *ratio >= 0.7)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

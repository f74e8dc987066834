//! What a schema says of one key: for the side pane, and for an input that fits the type.

use serde_json::{Map, Value};

use crate::yaml::{KeyPath, Segment};

/// A JSON type as the schema names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    String,
    Integer,
    Number,
    Boolean,
    Map,
    List,
    Null,
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::String,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "object" => Self::Map,
            "array" => Self::List,
            "null" => Self::Null,
            _ => return None,
        })
    }

    /// One word for a title: `integer`, `map`.
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::Boolean => "true or false",
            Self::Map => "map",
            Self::List => "list",
            Self::Null => "null",
        }
    }

    /// The type of a value, for a chart without a schema.
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() => Self::Number,
            Value::Number(_) => Self::Integer,
            Value::String(_) => Self::String,
            Value::Array(_) => Self::List,
            Value::Object(_) => Self::Map,
        }
    }
}

/// A JSON type's name with its article.
pub(super) fn type_words(name: &str) -> &'static str {
    match name {
        "string" => "a string",
        "integer" => "an integer",
        "number" => "a number",
        "boolean" => "true or false",
        "object" => "a map",
        "array" => "a list",
        _ => "null",
    }
}

/// Everything that is known of a key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    pub kinds: Vec<Kind>,
    pub description: Option<String>,
    pub default: Option<Value>,
    /// The allowed values, in the schema's order; empty when any fits.
    pub options: Vec<Value>,
    pub minimum: Option<Value>,
    pub maximum: Option<Value>,
    pub pattern: Option<String>,
    pub format: Option<String>,
    pub examples: Vec<Value>,
    /// The parent requires it.
    pub required: bool,
    /// `writeOnly` or a password: never shown.
    pub secret: bool,
    pub deprecated: bool,
}

impl Entry {
    /// Fills what this entry leaves open from another schema's entry of the same key.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            kinds: if self.kinds.is_empty() { other.kinds } else { self.kinds },
            description: self.description.or(other.description),
            default: self.default.or(other.default),
            options: if self.options.is_empty() { other.options } else { self.options },
            minimum: self.minimum.or(other.minimum),
            maximum: self.maximum.or(other.maximum),
            pattern: self.pattern.or(other.pattern),
            format: self.format.or(other.format),
            examples: if self.examples.is_empty() { other.examples } else { self.examples },
            required: self.required || other.required,
            secret: self.secret || other.secret,
            deprecated: self.deprecated || other.deprecated,
        }
    }

    /// The one line above the description: `integer 1..20, default 1`.
    pub fn headline(&self) -> String {
        let kinds: Vec<&str> = self
            .kinds
            .iter()
            .filter(|k| **k != Kind::Null || self.kinds.len() == 1)
            .map(|k| k.word())
            .collect();
        let mut line = if self.options.is_empty() {
            kinds.join(" or ")
        } else {
            let options: Vec<String> = self.options.iter().map(show).collect();
            format!("one of {}", options.join(", "))
        };
        match (&self.minimum, &self.maximum) {
            (Some(least), Some(most)) => line.push_str(&format!(" {least}..{most}")),
            (Some(least), None) => line.push_str(&format!(" from {least}")),
            (None, Some(most)) => line.push_str(&format!(" up to {most}")),
            (None, None) => {}
        }
        if let Some(format) = &self.format {
            line.push_str(&format!(", {format}"));
        }
        if let Some(default) = self.default.as_ref().filter(|default| is_short(default)) {
            line.push_str(&format!(", default {}", show(default)));
        }
        if self.required {
            line.push_str(", required");
        }
        if self.deprecated {
            line.push_str(", deprecated");
        }
        line.trim_start_matches([' ', ',']).to_owned()
    }
}

fn is_short(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty() && text.len() <= 40,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => true,
    }
}

fn show(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Schemas nest references at most so deep before we stop following them.
const DEPTH: usize = 32;

/// A schema that refers to itself has endless keys; whoever searches them all gives up after so many.
const SECRETS_VISITED: usize = 20_000;

/// All schema objects that speak of a path: the node itself, what it refers to, and the branches of its
/// combinators.
fn nodes<'s>(root: &'s Value, path: &KeyPath) -> Vec<(&'s Map<String, Value>, bool)> {
    let mut here = expand(root, root, DEPTH);
    let mut required = false;
    for segment in &path.0 {
        let mut below = Vec::new();
        required = false;
        for node in here {
            match segment {
                Segment::Key(key) => {
                    let named = node.get("properties").and_then(|p| p.get(key));
                    let child = named.or_else(|| {
                        let patterns = node.get("patternProperties")?.as_object()?;
                        let fits =
                            |pattern: &String| regex::Regex::new(pattern).is_ok_and(|r| r.is_match(key));
                        patterns.iter().find(|(pattern, _)| fits(pattern)).map(|(_, schema)| schema)
                    });
                    let child = child.or_else(|| node.get("additionalProperties").filter(|v| v.is_object()));
                    required |= node
                        .get("required")
                        .and_then(Value::as_array)
                        .is_some_and(|names| names.iter().any(|name| name.as_str() == Some(key)));
                    below.extend(child.map(|child| expand(root, child, DEPTH)).unwrap_or_default());
                }
                Segment::Index(index) => {
                    let child = node
                        .get("prefixItems")
                        .and_then(|items| items.get(index))
                        .or_else(|| node.get("items").filter(|items| items.is_object()));
                    below.extend(child.map(|child| expand(root, child, DEPTH)).unwrap_or_default());
                }
            }
        }
        here = below;
    }
    here.into_iter().map(|node| (node, required)).collect()
}

fn expand<'s>(root: &'s Value, schema: &'s Value, depth: usize) -> Vec<&'s Map<String, Value>> {
    let (Some(node), false) = (schema.as_object(), depth == 0) else { return Vec::new() };
    let mut all = vec![node];
    if let Some(reference) = node.get("$ref").and_then(Value::as_str)
        && let Some(target) = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer))
    {
        all.extend(expand(root, target, depth - 1));
    }
    for combinator in ["allOf", "anyOf", "oneOf"] {
        for branch in node.get(combinator).and_then(Value::as_array).into_iter().flatten() {
            all.extend(expand(root, branch, depth - 1));
        }
    }
    all
}

/// What a schema says of a path.
pub(super) fn describe(schema: &Value, path: &KeyPath) -> Option<Entry> {
    nodes(schema, path).into_iter().map(|(node, required)| read(node, required)).reduce(Entry::or)
}

fn read(node: &Map<String, Value>, required: bool) -> Entry {
    let text = |key: &str| node.get(key).and_then(Value::as_str).map(str::to_owned);
    let flag = |key: &str| node.get(key).and_then(Value::as_bool).unwrap_or(false);
    let kinds = match node.get("type") {
        Some(Value::String(name)) => Kind::named(name).into_iter().collect(),
        Some(Value::Array(names)) => names.iter().filter_map(|n| Kind::named(n.as_str()?)).collect(),
        _ => Vec::new(),
    };
    let list = |key: &str| node.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let options = node.get("const").map_or_else(|| list("enum"), |only| vec![only.clone()]);
    let format = text("format");
    Entry {
        kinds,
        description: text("description").or_else(|| text("title")),
        default: node.get("default").cloned(),
        options,
        minimum: node.get("minimum").or_else(|| node.get("exclusiveMinimum")).cloned(),
        maximum: node.get("maximum").or_else(|| node.get("exclusiveMaximum")).cloned(),
        pattern: text("pattern"),
        secret: flag("writeOnly") || format.as_deref() == Some("password"),
        format,
        examples: list("examples"),
        required,
        deprecated: flag("deprecated"),
    }
}

/// The keys that a schema names below a path.
pub(super) fn keys(schema: &Value, path: &KeyPath) -> Vec<String> {
    let mut keys = Vec::new();
    for (node, _) in nodes(schema, path) {
        for key in node.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys) {
            if !keys.contains(key) {
                keys.push(key.clone());
            }
        }
    }
    keys
}

/// The paths that a schema marks as secret.
pub(super) fn secrets(schema: &Value) -> Vec<KeyPath> {
    let mut found = Vec::new();
    let mut pending = vec![(KeyPath::root(), 0)];
    let mut visited = 0;
    while let Some((path, depth)) = pending.pop() {
        visited += 1;
        if visited > SECRETS_VISITED {
            break;
        }
        if describe(schema, &path).is_some_and(|entry| entry.secret) {
            found.push(path.clone());
        }
        if depth < DEPTH {
            pending.extend(keys(schema, &path).into_iter().map(|key| (path.key(key), depth + 1)));
        }
    }
    found.sort();
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(text: &str) -> KeyPath {
        KeyPath::parse(text).unwrap()
    }

    #[test]
    fn references_and_combinators_are_followed_and_the_nearest_word_wins() {
        let schema = json!({
            "properties": {
                "web": {"allOf": [{"$ref": "#/$defs/component"}], "description": "The web server."},
                "extra": {"additionalProperties": {"type": "string"}},
                "list": {"items": {"$ref": "#/$defs/component"}},
            },
            "$defs": {"component": {
                "description": "A component.",
                "required": ["replicas"],
                "properties": {"replicas": {"type": "integer", "minimum": 1, "maximum": 20, "default": 1}},
            }}
        });
        assert_eq!(describe(&schema, &path("web")).unwrap().description.unwrap(), "The web server.");
        let replicas = describe(&schema, &path("web.replicas")).unwrap();
        assert_eq!(replicas.headline(), "integer 1..20, default 1, required");
        assert!(describe(&schema, &path("list[3].replicas")).is_some());
        assert_eq!(describe(&schema, &path("extra.any")).unwrap().kinds, [Kind::String]);
        assert_eq!(describe(&schema, &path("web.none")), None);
        assert_eq!(keys(&schema, &path("web")), ["replicas"]);
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"properties": {"child": {"$ref": "#"}, "password": {"format": "password"}}});
        assert!(describe(&schema, &path("child.child.child")).is_some());
        assert!(secrets(&schema).contains(&path("child.password")));
    }
}

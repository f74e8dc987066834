//! Reading values as helm does: go-yaml v2's meaning of every scalar, the last of duplicate keys, merge keys in
//! the order they are written, keys as strings, everything through the JSON data model.

use std::fmt;

use base64::Engine;
use serde_json::{Map, Value};

use super::node::{Kind, NodeId, Style, Tree, parse_all, parse_first};
use super::plain;
use super::scalar;
use super::spans::Spans;

/// More nodes than any values file has; a document that aliases itself larger than this is an attack or a typo.
pub(super) const MAX_NODES: usize = 4_000_000;

/// Text that is not YAML, or YAML that helm cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct YamlError {
    /// Counted from 1.
    pub line: usize,
    /// In characters, counted from 1.
    pub column: usize,
    /// Lower case, no full stop, without the place.
    pub message: String,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} column {}: {}", self.line, self.column, self.message)
    }
}

impl std::error::Error for YamlError {}

/// A document's value and where everything stands, from one parse.
#[derive(Debug, Clone)]
pub struct Parsed {
    pub value: Value,
    pub spans: Spans,
    /// Bytes at which the top-level keys begin, where the text can be read again in part.
    pub(super) starts: Vec<usize>,
}

impl Parsed {
    /// A value that stands nowhere.
    pub fn nowhere(value: Value) -> Self {
        Self { value, spans: Spans::of(""), starts: Vec::new() }
    }
}

/// The first document's value; `Null` for an empty text.
pub fn read(text: &str) -> Result<Value, YamlError> {
    match plain::read(text) {
        Some(value) => Ok(value),
        None => closely(text),
    }
}

/// With a tree in between, which knows where everything stands.
fn closely(text: &str) -> Result<Value, YamlError> {
    value_of(text, &parse_first(text)?)
}

/// The values of all documents; ones without content are `Null`.
pub fn read_all(text: &str) -> Result<Vec<Value>, YamlError> {
    parse_all(text)?.into_iter().map(|tree| value_of(text, &tree)).collect()
}

/// A values file: the root must be a map; an empty file or `null` is an empty map.
pub fn read_values(text: &str) -> Result<Value, YamlError> {
    parse_values(text).map(|parsed| parsed.value)
}

/// As [`read`], with the positions.
pub fn parse(text: &str) -> Result<Parsed, YamlError> {
    let tree = parse_all(text)?.into_iter().next().unwrap_or_default();
    let value = value_of(text, &tree)?;
    Ok(Parsed { value, spans: Spans::new(text, tree), starts: Vec::new() })
}

/// The documents of a values file: cut at lines of three dashes.
pub fn documents(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if line.strip_prefix("---").is_some_and(|rest| rest.trim().is_empty()) && at > start {
            found.extend(text.get(start..at));
            start = at;
        }
        at += line.len();
    }
    found.extend(text.get(start..));
    found
}

/// As [`read_values`], with the positions of the first document. The further ones are laid over it, as helm 4 does.
pub fn parse_values(text: &str) -> Result<Parsed, YamlError> {
    match plain::read_alone(text) {
        Some((value @ Value::Object(_), starts)) => Ok(Parsed { value, spans: Spans::of(text), starts }),
        _ => parse_values_closely(text),
    }
}

/// As [`parse_values`], after an edit of a text that was parsed `before`; `None` where that is no help.
pub fn parse_values_again(text: &str, before: &Parsed) -> Option<Parsed> {
    super::again::read(text, before)
}

fn parse_values_closely(text: &str) -> Result<Parsed, YamlError> {
    let mut trees = parse_all(text)?.into_iter();
    let tree = trees.next().unwrap_or_default();
    let mut value = value_of(text, &tree)?;
    for further in trees {
        match (&mut value, value_of(text, &further)?) {
            (Value::Object(below), Value::Object(above)) => over(below, &above),
            (Value::Null, above) => value = above,
            _ => {}
        }
    }
    let mut parsed = Parsed { value, spans: Spans::new(text, tree), starts: Vec::new() };
    match &parsed.value {
        Value::Object(_) => {}
        Value::Null => parsed.value = Value::Object(Map::new()),
        other => {
            let (line, column) = parsed.spans.root_place();
            let message = format!("values must be a map of keys, this is {}", kind_name(other));
            return Err(YamlError { line, column, message });
        }
    }
    Ok(parsed)
}

/// A map over another, maps merged; null is a value like others.
pub fn over(below: &mut Map<String, Value>, above: &Map<String, Value>) {
    for (key, value) in above {
        match (below.get_mut(key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => over(below, above),
            _ => {
                below.insert(key.clone(), value.clone());
            }
        }
    }
}

/// Equality that looks no key up as long as both have them in the same order, as two merges nearly always do.
pub fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && (a.iter().zip(b).all(|((k, a), (l, b))| k == l && is_same(a, b))
                    || (!a.keys().eq(b.keys()) && a == b))
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        _ => a == b,
    }
}

/// `a string`, `an integer`, …: the kind of a value in a sentence.
pub fn kind_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a number",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

fn value_of(text: &str, tree: &Tree) -> Result<Value, YamlError> {
    let mut reader = Reader { text, tree, left: MAX_NODES, expanding: Vec::new() };
    tree.root.map_or(Ok(Value::Null), |root| reader.value(root))
}

struct Reader<'t> {
    text: &'t str,
    tree: &'t Tree,
    left: usize,
    expanding: Vec<NodeId>,
}

impl Reader<'_> {
    fn error(&self, id: NodeId, message: impl Into<String>) -> YamlError {
        let at = self.tree.node(id).range.start.min(self.text.len());
        let before = &self.text[..at];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        YamlError {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
        }
    }

    fn value(&mut self, id: NodeId) -> Result<Value, YamlError> {
        self.left =
            self.left.checked_sub(1).ok_or_else(|| self.error(id, "aliases make this document too large"))?;
        let node = self.tree.node(id);
        match &node.kind {
            Kind::Scalar { style, text } => self.scalar(id, *style, text),
            Kind::List { items, .. } => {
                items.iter().map(|item| self.value(*item)).collect::<Result<_, _>>().map(Value::Array)
            }
            Kind::Map { .. } => {
                let mut map = Map::new();
                self.map_into(id, &mut map)?;
                Ok(Value::Object(map))
            }
            Kind::Alias(target) => self.expand(id, *target, Self::value),
        }
    }

    fn expand<T>(
        &mut self,
        alias: NodeId,
        target: NodeId,
        then: impl FnOnce(&mut Self, NodeId) -> Result<T, YamlError>,
    ) -> Result<T, YamlError> {
        let inside = self.tree.node(target).range.contains(&self.tree.node(alias).range.start);
        if inside || self.expanding.contains(&target) {
            return Err(self.error(alias, "the anchor's value contains its own alias"));
        }
        self.expanding.push(target);
        let result = then(self, target);
        self.expanding.pop();
        result
    }

    fn map_into(&mut self, id: NodeId, map: &mut Map<String, Value>) -> Result<(), YamlError> {
        let tree = self.tree;
        let Kind::Map { entries, .. } = &tree.node(id).kind else {
            return Err(self.error(id, "only a map can be merged with <<"));
        };
        for (key, value) in entries {
            if is_merge(tree, *key) {
                self.merge(*value, map)?;
                continue;
            }
            let name = self.key(*key)?;
            let value = self.value(*value)?;
            map.insert(name, value);
        }
        Ok(())
    }

    /// go-yaml v2 writes merged keys over what stands before the `<<`, and lets later keys write over them.
    fn merge(&mut self, id: NodeId, map: &mut Map<String, Value>) -> Result<(), YamlError> {
        match &self.tree.node(id).kind {
            Kind::Map { .. } => self.map_into(id, map),
            Kind::Alias(target) => self.expand(id, *target, |reader, target| reader.map_into(target, map)),
            Kind::List { items, .. } => {
                items.iter().rev().try_for_each(|item| match &self.tree.node(*item).kind {
                    Kind::Alias(target) => {
                        self.expand(*item, *target, |reader, target| reader.map_into(target, map))
                    }
                    _ => self.map_into(*item, map),
                })
            }
            Kind::Scalar { .. } => Err(self.error(id, "only a map can be merged with <<")),
        }
    }

    fn key(&mut self, id: NodeId) -> Result<String, YamlError> {
        let value = self.value(id)?;
        key_of(value).map_err(|message| self.error(id, message))
    }

    fn scalar(&self, id: NodeId, style: Style, text: &str) -> Result<Value, YamlError> {
        let tag = self.tree.node(id).tag.as_ref().map(|(tag, _)| tag.as_str());
        let not = |what: &str| Err(self.error(id, format!("`{text}` is not {what}")));
        match tag {
            None if style != Style::Plain => Ok(Value::String(text.to_owned())),
            None if scalar::is_not_finite(text) => not("a number JSON can hold"),
            None => Ok(scalar::resolve(text)),
            Some("bool") => match scalar::resolve(text) {
                value @ Value::Bool(_) => Ok(value),
                _ => not("a boolean"),
            },
            Some("int") => match scalar::resolve(text) {
                Value::Number(number) if !number.is_f64() => Ok(Value::Number(number)),
                _ => not("an integer"),
            },
            Some("float") => match scalar::resolve(text) {
                value @ Value::Number(_) => Ok(value),
                _ => not("a number"),
            },
            Some("null") => match scalar::resolve(text) {
                Value::Null => Ok(Value::Null),
                _ => not("null"),
            },
            Some("binary") => {
                let packed: String = text.chars().filter(|c| !c.is_whitespace()).collect();
                match base64::engine::general_purpose::STANDARD.decode(packed) {
                    Ok(bytes) => Ok(Value::String(String::from_utf8_lossy(&bytes).into_owned())),
                    Err(_) => not("base64"),
                }
            }
            Some(_) => Ok(Value::String(text.to_owned())),
        }
    }
}

/// A value as a key, or why it can be none.
pub(super) fn key_of(value: Value) -> Result<String, &'static str> {
    match value {
        Value::String(text) => Ok(text),
        Value::Bool(flag) => Ok(flag.to_string()),
        Value::Number(number) => Ok(number.to_string()),
        Value::Null => Err("a key cannot be null"),
        Value::Array(_) | Value::Object(_) => Err("a key cannot be a list or a map"),
    }
}

/// Whether this key is a plain `<<`.
pub(super) fn is_merge(tree: &Tree, key: NodeId) -> bool {
    let node = tree.node(key);
    matches!(&node.kind, Kind::Scalar { style: Style::Plain, text } if text == "<<")
        && node.tag.as_ref().is_none_or(|(tag, _)| tag == "merge")
}

/// The key as it appears in the value: `on:` is the key `true`. `None` for keys that cannot be read.
pub(super) fn key_name(text: &str, tree: &Tree, key: NodeId) -> Option<String> {
    Reader { text, tree, left: MAX_NODES, expanding: Vec::new() }.key(key).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn as_helm_reads() {
        let text = "\u{feff}a: yes\r\nb: 0777\r\nb: last\r\n8080: web\r\non: off\r\nempty:\r\nquoted: 'yes'\r\n\
                    tagged: !!str 12\r\nblock: |\r\n  one\r\n  two\r\n";
        assert_eq!(
            read(text).unwrap(),
            json!({"a": true, "b": "last", "8080": "web", "true": false, "empty": null, "quoted": "yes",
                   "tagged": "12", "block": "one\ntwo\n"})
        );
    }

    #[test]
    fn merge_keys_in_written_order() {
        let text = "base: &b {x: 1, w: 1}\nfirst: {<<: *b, x: 2}\nlast: {x: 2, <<: *b}\nmany: {<<: [*b, {x: 9, z: 9}]}\n";
        let value = read(text).unwrap();
        assert_eq!(value["first"], json!({"x": 2, "w": 1}));
        assert_eq!(value["last"], json!({"x": 1, "w": 1}));
        assert_eq!(value["many"], json!({"x": 1, "z": 9, "w": 1}));
    }

    #[test]
    fn values_need_a_map() {
        for empty in ["", "# only a comment\n", "---\n", "null\n", "{}"] {
            assert_eq!(read_values(empty).unwrap(), json!({}), "{empty:?}");
        }
        let error = read_values("# c\n- a\n").unwrap_err();
        assert_eq!((error.line, error.column), (2, 1));
        assert_eq!(error.message, "values must be a map of keys, this is a list");
    }

    #[test]
    fn errors_say_where() {
        let error = read("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert!(error.line >= 2, "{error}");
        let error = read("a: .inf\n").unwrap_err();
        assert_eq!((error.line, error.column), (1, 4));
        assert!(read("a: &x\n  b: *x\n").unwrap_err().message.contains("its own alias"));
        assert!(read("~: 1\n").unwrap_err().message.contains("cannot be null"));
        assert!(read("a: *nowhere\n").is_err());
    }

    #[test]
    fn the_quick_way_gives_the_same_or_nothing() {
        let same = |text: &str| {
            let quick = plain::read(text);
            assert!(quick.is_none() || quick.as_ref() == closely(text).ok().as_ref(), "{text:?}: {quick:?}");
            quick.is_some()
        };
        for text in [
            "a: 1\nb: [x, {y: ~}]\nc: |\n  text\nd:\n- 'q'\n-\n",
            "8080: web\non: off\n",
            "\u{feff}a: 0777\n",
            "a: 1\nb: 2\na: 3\n",
            "# comment\n--- \na: 1 # more\n...\n",
            "a: 1\n---\nb: [",
            "just text\n",
        ] {
            assert!(same(text), "{text:?}");
        }
        for text in [
            "",
            "a: &x 1\nb: *x\n",
            "a: !!str 1\n",
            "<<: {a: 1}\n",
            "a: .inf\n",
            "~: 1\n",
            "[a]: 1\n",
            "a: 1\n]\n",
            "a: [1\n",
            "a: 1\n  b: 2\n",
            "\"a\" b\n",
            "a: b: c\n",
            "? {a: 1}\n: 2\n",
        ] {
            assert!(!same(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn the_quick_way_agrees_on_any_text(
            text in "([a-c]: |- |  |\\[|\\]|\\{|\\}|, |\n|'|\"|&x |\\*x|!!str |<<: |\\||>|#|\\?|---\n|\\.\\.\\.\n|[a-z0-9.~]{1,4}|\t|: ){0,24}",
        ) {
            if let Some(quick) = plain::read(&text) {
                prop_assert_eq!(closely(&text), Ok(quick));
            }
        }
    }

    #[test]
    fn laughing_documents_stop() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let alias = format!("*a{}, ", level - 1).repeat(10);
            text.extend([format!("a{level}: &a{level} [{}]\n", alias.trim_end_matches(", "))]);
        }
        assert!(read(&text).unwrap_err().message.contains("too large"));
        assert!(read(&"[".repeat(100_000)).is_err());
        assert!(read(&format!("a: {}", "- ".repeat(50_000))).is_err());
    }

    #[test]
    fn documents() {
        assert_eq!(
            read_all("a: 1\n---\n---\nb: 2\n").unwrap(),
            [json!({"a": 1}), json!(null), json!({"b": 2})]
        );
    }
}

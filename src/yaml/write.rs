//! Values as YAML: block style, two spaces, quotes only where a reader would otherwise see something else.

use serde_json::Value;

use super::scalar::{Quote, quoted};

/// A whole document; ends with a line break.
pub fn write(value: &Value) -> String {
    let mut text = String::new();
    if is_nested(value) {
        block(value, 0, &mut text);
        text.remove(0);
    } else {
        scalar(value, 0, &mut text);
    }
    text.push('\n');
    text
}

/// A map or list that needs lines of its own.
fn is_nested(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => false,
    }
}

/// A line break, and so many spaces.
fn line(indent: usize, out: &mut String) {
    out.push('\n');
    out.extend(std::iter::repeat_n(' ', indent));
}

/// The lines of a map or list, each indented by `indent` spaces and behind a line break.
pub(super) fn block(value: &Value, indent: usize, out: &mut String) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| entry(key, value, indent, out)),
        Value::Array(list) => list.iter().for_each(|value| item(value, indent, out)),
        _ => {}
    }
}

/// The lines of `key: value`, each behind a line break.
pub(super) fn entry(key: &str, value: &Value, indent: usize, out: &mut String) {
    line(indent, out);
    out.push_str(&quoted(key, Quote::Plain, false));
    out.push(':');
    if is_nested(value) {
        block(value, indent + 2, out);
    } else {
        out.push(' ');
        scalar(value, indent + 2, out);
    }
}

/// The lines of `- value`, each behind a line break.
pub(super) fn item(value: &Value, indent: usize, out: &mut String) {
    if is_nested(value) {
        let dash = out.len() + 1 + indent;
        block(value, indent + 2, out);
        out.replace_range(dash..=dash, "-");
    } else {
        line(indent, out);
        out.push_str("- ");
        scalar(value, indent + 2, out);
    }
}

/// A scalar or an empty collection; text of several lines becomes a literal block.
fn scalar(value: &Value, indent: usize, out: &mut String) {
    let block = match value {
        Value::String(text) => literal(text, indent),
        _ => None,
    };
    match block {
        Some((header, lines)) => out.extend([header, &lines]),
        None => out.push_str(&inline(value, Quote::Plain, false)),
    }
}

/// `|` and its lines, each behind a line break, for text of several lines that a block can hold.
pub(super) fn literal(text: &str, indent: usize) -> Option<(&'static str, String)> {
    let body = text.trim_end_matches('\n');
    let trailing = text.len() - body.len();
    if !body.contains('\n')
        || body.starts_with([' ', '\n', '\t'])
        // Blank ends of lines are invisible in a block.
        || body.split('\n').any(|line| line.ends_with([' ', '\t']))
        || body.chars().any(|c| {
            (c.is_control() && !matches!(c, '\n' | '\t')) || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}')
        })
    {
        return None;
    }
    let header = match trailing {
        0 => "|-",
        1 => "|",
        _ => return None,
    };
    let mut out = String::with_capacity(text.len());
    for part in body.split('\n') {
        line(if part.is_empty() { 0 } else { indent }, &mut out);
        out.push_str(part);
    }
    Some((header, out))
}

/// A value on one line: scalars as they are, collections in flow style.
pub(super) fn inline(value: &Value, wish: Quote, flow: bool) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => quoted(text, wish, flow),
        Value::Array(list) => {
            let items: Vec<_> = list.iter().map(|value| inline(value, Quote::Plain, true)).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let entries: Vec<_> = map
                .iter()
                .map(|(key, value)| {
                    format!("{}: {}", quoted(key, Quote::Plain, true), inline(value, Quote::Plain, true))
                })
                .collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use super::*;
    use crate::yaml::read;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn looks_written_by_hand() {
        let value = json!({
            "a": {"b": 1, "on": "on", "list": [1, {"x": 1, "z": [true]}, []]},
            "text": "one\n\n  two\n", "empty": {}, "none": null, "multi": "x\ny"
        });
        let text = "a:\n  b: 1\n  \"on\": \"on\"\n  list:\n    - 1\n    - x: 1\n      z:\n        - true\n    - []\n\
                    text: |\n  one\n\n    two\nempty: {}\nnone: null\nmulti: |-\n  x\n  y\n";
        assert_eq!(write(&value), text);
        assert_eq!(read(text).unwrap(), value);
    }

    /// Any value helm could hold, nested three deep.
    pub(in crate::yaml) fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i32>().prop_map(Value::from),
            (-1.0e6..1.0e6).prop_map(|f: f64| Value::Number(crate::yaml::scalar::number(f))),
            "[a-z0-9:#,\\[\\]{}&*!|>'\"%@` .\\-_/~\\\\=<]{0,12}".prop_map(Value::String),
            "(yes|no|on|off|y|null|~|0x1f|0777|1e3|10:30|1_0|<<|\\.inf|---|2024-01-01)"
                .prop_map(Value::String),
            "([a-z# ]{0,6}\n){1,3}[a-z ]{0,5}".prop_map(Value::String),
            any::<String>().prop_map(Value::String),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map("[a-zA-Z0-9_.: -]{1,8}|on|yes|~|8080", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(value in any_value()) {
            let text = write(&value);
            prop_assert_eq!(read(&text).unwrap(), value, "{}", text);
        }
    }
}

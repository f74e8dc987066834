//! Values as YAML: block style, two spaces, quotes only where a reader would otherwise see something else.

use serde_json::Value;

use super::scalar::{Quote, quoted};

/// A whole document; ends with a line break.
pub fn write(value: &Value) -> String {
    let mut lines = Vec::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(value, 0, &mut lines),
        Value::Array(list) if !list.is_empty() => block(value, 0, &mut lines),
        other => {
            let mut entry = String::new();
            scalar_into(other, &mut entry, 0, &mut lines);
            return format!("{}\n", std::iter::once(entry).chain(lines).collect::<Vec<_>>().join("\n"));
        }
    }
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

/// The lines of a non-empty map or list, each indented by `indent` spaces, without line breaks.
pub(super) fn block(value: &Value, indent: usize, lines: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                entry(key, value, indent, lines);
            }
        }
        Value::Array(list) => {
            for value in list {
                item(value, indent, lines);
            }
        }
        _ => {}
    }
}

/// The lines of `key: value`.
pub(super) fn entry(key: &str, value: &Value, indent: usize, lines: &mut Vec<String>) {
    let mut first = format!("{}{}:", " ".repeat(indent), quoted(key, Quote::Plain, false));
    match value {
        Value::Object(map) if !map.is_empty() => {
            lines.push(first);
            block(value, indent + 2, lines);
        }
        Value::Array(list) if !list.is_empty() => {
            lines.push(first);
            block(value, indent + 2, lines);
        }
        other => {
            let mut rest = Vec::new();
            if other.is_null() {
                first.push_str(" null");
            } else {
                first.push(' ');
                scalar_into(other, &mut first, indent + 2, &mut rest);
            }
            lines.push(first);
            lines.append(&mut rest);
        }
    }
}

/// The lines of `- value`.
pub(super) fn item(value: &Value, indent: usize, lines: &mut Vec<String>) {
    let nested = matches!(value, Value::Object(map) if !map.is_empty())
        || matches!(value, Value::Array(list) if !list.is_empty());
    if nested {
        let from = lines.len();
        block(value, indent + 2, lines);
        if let Some(first) = lines.get_mut(from) {
            first.replace_range(indent..=indent, "-");
        }
        return;
    }
    let mut first = format!("{}- ", " ".repeat(indent));
    let mut rest = Vec::new();
    scalar_into(value, &mut first, indent + 2, &mut rest);
    lines.push(first);
    lines.append(&mut rest);
}

/// A scalar or an empty collection; text of several lines becomes a literal block whose lines go to `rest`.
fn scalar_into(value: &Value, first: &mut String, indent: usize, rest: &mut Vec<String>) {
    if let Value::String(text) = value
        && let Some((header, lines)) = literal(text, indent)
    {
        first.push_str(&header);
        rest.extend(lines);
        return;
    }
    first.push_str(&inline(value, Quote::Plain, false));
}

/// `|` with its lines, for text of several lines that a block can hold.
pub(super) fn literal(text: &str, indent: usize) -> Option<(String, Vec<String>)> {
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
    let pad = " ".repeat(indent);
    let lines = body
        .split('\n')
        .map(|line| if line.is_empty() { String::new() } else { format!("{pad}{line}") })
        .collect();
    Some((header.to_owned(), lines))
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

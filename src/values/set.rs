//! `--set a.b=1,c[0]=x,d={p,q}` as helm's `strvals` reads it.

use serde_json::{Number, Value};

use crate::base::{Error, Result};
use crate::yaml::KeyPath;

/// The assignments of one `--set` argument.
///
/// # Errors
/// A part without `=`, an unclosed `{` or a path that cannot be read.
pub fn parse(argument: &str) -> Result<Vec<(KeyPath, Value)>> {
    let wrong = |what: &str| Error::new(what).at(format!("--set {argument}"));
    let mut assignments = Vec::new();
    let mut rest = argument;
    while !rest.is_empty() {
        let (path, after) = split_at(rest, '=').ok_or_else(|| wrong("a key without a value"))?;
        let path = KeyPath::parse(path).filter(|path| !path.0.is_empty());
        let path = path.ok_or_else(|| wrong("a key that cannot be read"))?;
        if let Some(list) = after.strip_prefix('{') {
            let (items, after) =
                split_at(list, '}').ok_or_else(|| wrong("a list without its closing brace"))?;
            let mut values = Vec::new();
            let mut items = items;
            while !items.is_empty() {
                let (item, next) = split_at(items, ',').unwrap_or((items, ""));
                values.push(typed(item));
                items = next;
            }
            assignments.push((path, Value::Array(values)));
            rest = after.strip_prefix(',').unwrap_or(after);
        } else {
            let (value, after) = split_at(after, ',').unwrap_or((after, ""));
            assignments.push((path, typed(value)));
            rest = after;
        }
    }
    Ok(assignments)
}

/// Splits at the first separator that no backslash escapes.
fn split_at(text: &str, separator: char) -> Option<(&str, &str)> {
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == separator => return Some((&text[..at], &text[at + c.len_utf8()..])),
            _ => {}
        }
    }
    None
}

/// helm's `typedVal`: booleans, null and integers without a leading zero; all else is text.
fn typed(raw: &str) -> Value {
    let mut text = String::with_capacity(raw.len());
    let mut chars = raw.chars();
    while let Some(c) = chars.next() {
        text.push(if c == '\\' { chars.next().unwrap_or('\\') } else { c });
    }
    match text.to_ascii_lowercase().as_str() {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "null" => Value::Null,
        "0" => Value::from(0),
        _ if !text.starts_with('0') => {
            text.parse::<i64>().map_or(Value::String(text), |number| Value::Number(Number::from(number)))
        }
        _ => Value::String(text),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn assignments() {
        let set = |text: &str| {
            parse(text)
                .unwrap()
                .into_iter()
                .map(|(path, value)| (path.to_string(), value))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            set("a.b=1,c=yes,d=007,e=null,f=true,g=a\\,b,h={x,2},i[0].j=,k\\.l=1.5"),
            [
                ("a.b", json!(1)),
                ("c", json!("yes")),
                ("d", json!("007")),
                ("e", json!(null)),
                ("f", json!(true)),
                ("g", json!("a,b")),
                ("h", json!(["x", 2])),
                ("i[0].j", json!("")),
                ("[\"k.l\"]", json!("1.5")),
            ]
            .map(|(path, value)| (path.to_owned(), value))
        );
        assert!(parse("novalue").is_err());
        assert!(parse("a={x").is_err());
    }
}

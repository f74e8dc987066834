//! Go's `encoding/json`: sorted keys, HTML characters escaped, floats in the shortest form.

use std::borrow::Cow;
use std::fmt::Write as _;

use base64::Engine as _;

use super::super::template::limits::NESTING;
use super::super::template::printf::format_float;
use super::super::template::value::Value;

/// A value as JSON.
///
/// # Errors
/// In Go's words: what JSON cannot hold, or a value that contains itself.
pub fn encode(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    Writer { out: &mut out, escape_html: true }.value(value, 0)?;
    Ok(out)
}

/// As [`encode`], without escaping `<`, `>` and `&` (`toRawJson`).
///
/// # Errors
/// As [`encode`].
pub fn encode_raw(value: &Value) -> Result<String, String> {
    let mut out = String::new();
    Writer { out: &mut out, escape_html: false }.value(value, 0)?;
    Ok(out)
}

/// Go's `json.Indent`: what `toPrettyJson` does to the result.
pub fn indented(json: &str, indent: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let mut depth = 0_usize;
    let mut in_string = false;
    let mut escaped = false;
    let mut chars = json.chars().peekable();
    let newline = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&indent.repeat(depth));
    };
    while let Some(c) = chars.next() {
        if in_string {
            out.push(c);
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match c {
            '"' => {
                in_string = true;
                out.push(c);
            }
            '{' | '[' => {
                out.push(c);
                if matches!(chars.peek(), Some('}' | ']')) {
                    out.extend(chars.next());
                } else {
                    depth += 1;
                    newline(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                newline(&mut out, depth);
                out.push(c);
            }
            ',' => {
                out.push(c);
                newline(&mut out, depth);
            }
            ':' => out.push_str(": "),
            c => out.push(c),
        }
    }
    out
}

/// A float as Go's JSON writes it.
pub fn float(n: f64) -> String {
    let size = n.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format_float(n, 'e', None);
        // Go shortens e-09 to e-9.
        return match text.split_once("e-0") {
            Some((mantissa, power)) => format!("{mantissa}e-{power}"),
            None => text,
        };
    }
    format_float(n, 'f', None)
}

/// Text as JSON holds it: every byte that is no UTF-8 becomes U+FFFD.
pub fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(std::iter::repeat_n(char::REPLACEMENT_CHARACTER, chunk.invalid().len()));
    }
    Cow::Owned(out)
}

struct Writer<'o> {
    out: &'o mut String,
    escape_html: bool,
}

impl Writer<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        if depth > NESTING {
            return Err(format!("json: unsupported value: encountered a cycle via {}", value.go_type()));
        }
        match value {
            Value::Invalid | Value::Nil => self.out.push_str("null"),
            Value::Bool(on) => self.out.push_str(if *on { "true" } else { "false" }),
            Value::Int(n) | Value::Int64(n) => {
                let _ = write!(self.out, "{n}");
            }
            Value::Uint8(n) => {
                let _ = write!(self.out, "{n}");
            }
            Value::Uint32(n) => {
                let _ = write!(self.out, "{n}");
            }
            Value::Float(n) if !n.is_finite() => {
                return Err(format!("json: unsupported value: {}", format_float(*n, 'g', None)));
            }
            Value::Float(n) => self.out.push_str(&float(*n)),
            Value::Str(text) => self.string(text),
            Value::Bytes(bytes) => {
                self.out.push('"');
                base64::engine::general_purpose::STANDARD.encode_string(bytes, self.out);
                self.out.push('"');
            }
            Value::List(list) if list.is_nil() => self.out.push_str("null"),
            Value::List(list) => {
                self.out.push('[');
                for (index, item) in list.iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.value(item, depth + 1)?;
                }
                self.out.push(']');
            }
            Value::Map(map) if map.is_nil() => self.out.push_str("null"),
            Value::Map(map) => {
                self.out.push('{');
                for (index, (key, value)) in map.entries().into_iter().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.string(&key);
                    self.out.push(':');
                    self.value(&value, depth + 1)?;
                }
                self.out.push('}');
            }
            Value::Object(object) => match object.json_fields() {
                Some(fields) => {
                    self.out.push('{');
                    for (index, (key, value)) in fields.iter().enumerate() {
                        if index > 0 {
                            self.out.push(',');
                        }
                        self.string(key.as_bytes());
                        self.out.push(':');
                        self.value(value, depth + 1)?;
                    }
                    self.out.push('}');
                }
                None => self.value(&object.plain(), depth + 1)?,
            },
        }
        Ok(())
    }

    fn string(&mut self, bytes: &[u8]) {
        self.out.push('"');
        for chunk in bytes.utf8_chunks() {
            self.text(chunk.valid());
            chunk.invalid().iter().for_each(|_| self.out.push_str("\\ufffd"));
        }
        self.out.push('"');
    }

    fn text(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                '\x08' => self.out.push_str("\\b"),
                '\x0c' => self.out.push_str("\\f"),
                '<' | '>' | '&' if self.escape_html => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c));
                }
                '\0'..='\x1f' | '\u{2028}' | '\u{2029}' => {
                    let _ = write!(self.out, "\\u{:04x}", u32::from(c));
                }
                c => self.out.push(c),
            }
        }
    }
}

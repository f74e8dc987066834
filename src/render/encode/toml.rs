//! TOML as helm writes it (`BurntSushi`'s encoder) and reads it.

use toml::Value as Toml;
use toml::value::{Datetime, Offset};

use super::super::template::limits::NESTING;
use super::super::template::printf::format_float;
use super::super::template::value::{Str, Value};
use super::json::lossy;

/// What a time is among TOML's four kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// With its offset.
    Absolute,
    LocalDateTime,
    LocalDate,
    LocalTime,
}

/// A time read from TOML: nanoseconds since 1970 as if the clock showed UTC, the offset in seconds.
pub type MakeTime = fn(jiff::civil::DateTime, i32, Clock) -> Value;

/// A value as TOML.
///
/// # Errors
/// In the library's words: what TOML cannot hold.
pub fn encode(value: &Value) -> Result<String, String> {
    if value.is_nil() {
        return Err("reflect: call of reflect.Value.Type on zero Value".to_owned());
    }
    let mut writer = Writer { out: String::new() };
    writer.value(&[], value, 0)?;
    Ok(writer.out)
}

struct Writer {
    out: String,
}

/// What decides where a value stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    Nothing,
    Direct,
    Table,
    Tables,
}

fn entries_of(value: &Value) -> Option<Vec<(Str, Value)>> {
    match value {
        Value::Map(map) if !map.is_nil() => Some(map.entries()),
        Value::Object(object) if object.json_fields().is_some() => {
            Some(object.fields().into_iter().map(|(name, value)| (Str::from(name), value)).collect())
        }
        _ => None,
    }
}

fn shape(value: &Value, depth: usize) -> Result<Shape, String> {
    if depth > NESTING {
        return Err("toml: the value contains itself".to_owned());
    }
    Ok(match value {
        Value::Invalid | Value::Nil => Shape::Nothing,
        Value::List(list) if list.is_nil() => Shape::Nothing,
        Value::Map(map) if map.is_nil() => Shape::Nothing,
        Value::List(list) => {
            let mut tables = !list.is_empty();
            for item in list.iter() {
                match shape(item, depth + 1)? {
                    Shape::Nothing => return Err("toml: cannot encode array with nil element".to_owned()),
                    found => tables &= found == Shape::Table,
                }
            }
            if tables { Shape::Tables } else { Shape::Direct }
        }
        other if entries_of(other).is_some() => Shape::Table,
        _ => Shape::Direct,
    })
}

impl Writer {
    fn line_break(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn value(&mut self, key: &[String], value: &Value, depth: usize) -> Result<(), String> {
        let header = |open: &str, close: &str| {
            let path: Vec<String> = key.iter().map(|part| quoted_key(part)).collect();
            format!("{}{open}{}{close}\n", "  ".repeat(key.len().saturating_sub(1)), path.join("."))
        };
        match (shape(value, depth)?, value) {
            (Shape::Nothing, _) => {}
            (Shape::Tables, Value::List(items)) => {
                if key.is_empty() {
                    return Err("toml: top-level values must be Go maps or structs".to_owned());
                }
                for item in items.iter() {
                    self.line_break();
                    self.out.push_str(&header("[[", "]]"));
                    self.table(key, item, depth + 1)?;
                }
            }
            (Shape::Table, table) => {
                if key.len() == 1 {
                    self.line_break();
                }
                if !key.is_empty() {
                    self.out.push_str(&header("[", "]"));
                }
                self.table(key, table, depth + 1)?;
            }
            (_, value) => match key.split_last() {
                None => self.element(value, depth)?,
                Some((last, outer)) => {
                    self.out.push_str(&"  ".repeat(outer.len()));
                    self.out.push_str(&quoted_key(last));
                    self.out.push_str(" = ");
                    self.element(value, depth)?;
                    self.out.push('\n');
                }
            },
        }
        Ok(())
    }

    /// Keys without tables below them first.
    fn table(&mut self, key: &[String], table: &Value, depth: usize) -> Result<(), String> {
        for (name, value) in in_order(table, depth)?.into_iter().flatten() {
            let mut path = key.to_vec();
            path.push(lossy(&name).into_owned());
            self.value(&path, &value, depth + 1)?;
        }
        Ok(())
    }

    fn element(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        if depth > NESTING {
            return Err("toml: the value contains itself".to_owned());
        }
        match value {
            Value::Bool(on) => self.out.push_str(if *on { "true" } else { "false" }),
            Value::Int(n) | Value::Int64(n) => self.out.push_str(&n.to_string()),
            Value::Uint8(n) => self.out.push_str(&n.to_string()),
            Value::Uint32(n) => self.out.push_str(&n.to_string()),
            Value::Float(n) => self.out.push_str(&float(*n)),
            Value::Str(text) => self.out.push_str(&quoted(&lossy(text))),
            Value::Bytes(bytes) => {
                let items: Vec<String> = bytes.iter().map(u8::to_string).collect();
                self.out.push_str(&format!("[{}]", items.join(", ")));
            }
            Value::List(items) => {
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.out.push_str(", ");
                    }
                    self.element(item, depth + 1)?;
                }
                self.out.push(']');
            }
            Value::Object(object) if object.json_fields().is_none() => {
                match (object.toml(), object.plain()) {
                    (Some(text), _) => self.out.push_str(&text),
                    (None, Value::Str(text)) => self.out.push_str(&quoted(&lossy(&text))),
                    (None, plain) => self.element(&plain, depth + 1)?,
                }
            }
            Value::Map(_) | Value::Object(_) => self.inline(value, depth)?,
            Value::Invalid | Value::Nil => {
                return Err("reflect: call of reflect.Value.Interface on zero Value".to_owned());
            }
        }
        Ok(())
    }

    fn inline(&mut self, table: &Value, depth: usize) -> Result<(), String> {
        self.out.push('{');
        let [direct, below] = in_order(table, depth)?;
        for (entries, follows) in [(&direct, !below.is_empty()), (&below, false)] {
            for (at, (name, value)) in entries.iter().enumerate() {
                if shape(value, depth)? == Shape::Nothing {
                    continue;
                }
                self.out.push_str(&quoted_key(&lossy(name)));
                self.out.push_str(" = ");
                self.element(value, depth + 1)?;
                if follows || at + 1 < entries.len() {
                    self.out.push_str(", ");
                }
            }
        }
        self.out.push('}');
        Ok(())
    }
}

type Entries = Vec<(Str, Value)>;

fn in_order(table: &Value, depth: usize) -> Result<[Entries; 2], String> {
    let (mut direct, mut below) = (Vec::new(), Vec::new());
    for (name, value) in entries_of(table).unwrap_or_default() {
        match shape(&value, depth + 1)? {
            Shape::Table | Shape::Tables => below.push((name, value)),
            Shape::Nothing | Shape::Direct => direct.push((name, value)),
        }
    }
    Ok([direct, below])
}

fn float(n: f64) -> String {
    if n.is_nan() {
        return "nan".to_owned();
    }
    if n.is_infinite() {
        return if n > 0.0 { "inf" } else { "-inf" }.to_owned();
    }
    let text = format_float(n, 'g', None);
    if text.contains(['e', '.']) { text } else { format!("{text}.0") }
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

fn quoted_key(key: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(is_bare) { key.to_owned() } else { quoted(key) }
}

/// A TOML document as a map; `time` makes Go's times.
///
/// # Errors
/// It is no TOML. The words are ours, with the line as the library tells it.
pub fn decode(text: &[u8], time: MakeTime) -> Result<Value, String> {
    let text = lossy(text);
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let at = error.span().map_or(0, |span| span.start);
        let line = text.get(..at).unwrap_or_default().matches('\n').count() + 1;
        format!("toml: line {line}: {}", error.message())
    })?;
    Ok(read(&Toml::Table(table), time))
}

fn read(toml: &Toml, time: MakeTime) -> Value {
    match toml {
        Toml::String(text) => Value::str(text),
        Toml::Integer(n) => Value::Int64(*n),
        Toml::Float(n) => Value::Float(*n),
        Toml::Boolean(on) => Value::Bool(*on),
        Toml::Datetime(at) => moment(at, time),
        Toml::Array(items) => Value::list(items.iter().map(|item| read(item, time)).collect()),
        Toml::Table(table) => Value::map(table.iter().map(|(key, value)| (key.as_str(), read(value, time)))),
    }
}

/// The date of a time that has none.
const START: jiff::civil::Date = jiff::civil::date(0, 1, 1);

fn moment(at: &Datetime, time: MakeTime) -> Value {
    let small = |n: u8| i8::try_from(n).unwrap_or_default();
    let date = at.date.and_then(|date| {
        let year = i16::try_from(date.year).unwrap_or_default();
        jiff::civil::Date::new(year, small(date.month), small(date.day)).ok()
    });
    let clock = at.time.and_then(|time| {
        let second = small(time.second.unwrap_or(0)).min(59);
        let nanosecond = i32::try_from(time.nanosecond.unwrap_or(0)).unwrap_or_default();
        jiff::civil::Time::new(small(time.hour), small(time.minute), second, nanosecond).ok()
    });
    let (offset, kind) = match (at.offset, at.date, at.time) {
        (Some(Offset::Z), ..) => (0, Clock::Absolute),
        (Some(Offset::Custom { minutes }), ..) => (i32::from(minutes) * 60, Clock::Absolute),
        (None, Some(_), Some(_)) => (0, Clock::LocalDateTime),
        (None, Some(_), None) => (0, Clock::LocalDate),
        (None, None, _) => (0, Clock::LocalTime),
    };
    time(jiff::civil::DateTime::from_parts(date.unwrap_or(START), clock.unwrap_or_default()), offset, kind)
}

//! YAML as helm writes it: a value goes through JSON and comes out of go-yaml v2. Keys in natural order, sequences
//! not indented under their key, plain text folded past column 80, literal blocks for lines. `toYamlPretty` is go-yaml
//! v3 without the way through JSON: sequences indented, nothing folded, numbers as they are.
//!
//! The emitter's state (column, white space, indentation) is go-yaml's, because its line breaks depend on it.

use std::cmp::Ordering;

use super::super::template::limits::NESTING;
use super::super::template::printf::format_float;
use super::super::template::value::Value;
use super::json;
use crate::yaml::scalar;

/// Lines are folded at the first space past this column.
const WIDTH: usize = 80;

/// A simple key has at most so many bytes; a longer one is written `? key`.
const SIMPLE_KEY: usize = 128;

/// A value as YAML, with its final line break.
///
/// # Errors
/// In Go's words: what JSON cannot hold, or a value that contains itself.
pub fn encode(value: &Value) -> Result<String, String> {
    written(value, false).map_err(|words| format!("error marshaling into JSON: {words}"))
}

/// A value as go-yaml v3 writes it, with its final line break.
///
/// # Errors
/// The value contains itself, or nests too deep.
pub fn pretty(value: &Value) -> Result<String, String> {
    written(value, true)
}

fn written(value: &Value, pretty: bool) -> Result<String, String> {
    let mut emitter =
        Emitter { out: String::new(), column: 0, indent: None, whitespace: true, indention: true, pretty };
    emitter.node(value, Place::default(), 0)?;
    emitter.indent = None;
    emitter.write_indent();
    Ok(emitter.out)
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, Default)]
struct Place {
    in_map: bool,
    simple_key: bool,
}

struct Emitter {
    out: String,
    column: usize,
    indent: Option<usize>,
    whitespace: bool,
    indention: bool,
    /// go-yaml v3.
    pretty: bool,
}

impl Emitter {
    fn is_too_long(&self) -> bool {
        !self.pretty && self.column > WIDTH
    }

    fn node(&mut self, value: &Value, place: Place, depth: usize) -> Result<(), String> {
        if depth > NESTING {
            return Err(format!("json: unsupported value: encountered a cycle via {}", value.go_type()));
        }
        match value {
            Value::Invalid | Value::Nil => self.plain("null"),
            Value::Bool(on) => self.plain(if *on { "true" } else { "false" }),
            Value::Int(n) | Value::Int64(n) => self.plain(&n.to_string()),
            Value::Uint8(n) => self.plain(&n.to_string()),
            Value::Uint32(n) => self.plain(&n.to_string()),
            Value::Float(n) if self.pretty => self.plain(&pretty_number(*n)),
            Value::Float(n) if !n.is_finite() => {
                return Err(format!("json: unsupported value: {}", format_float(*n, 'g', None)));
            }
            Value::Float(n) => self.plain(&number(*n)),
            Value::Str(text) if self.pretty && std::str::from_utf8(text).is_err() => {
                use base64::Engine as _;
                self.plain("!!binary");
                self.text(&base64::engine::general_purpose::STANDARD.encode(&**text), place);
            }
            Value::Str(text) => self.text(&json::lossy(text), place),
            Value::Bytes(bytes) if self.pretty => {
                let items: Vec<Value> = bytes.iter().map(|byte| Value::Uint8(*byte)).collect();
                self.sequence(&items, place, depth)?;
            }
            Value::Bytes(bytes) => {
                use base64::Engine as _;
                self.text(&base64::engine::general_purpose::STANDARD.encode(bytes), place);
            }
            Value::List(list) if list.is_nil() && !self.pretty => self.plain("null"),
            Value::List(list) => self.sequence(list, place, depth)?,
            Value::Map(map) if map.is_nil() && !self.pretty => self.plain("null"),
            Value::Map(map) => {
                let entries = map.entries();
                let mut entries: Vec<(String, Value)> =
                    entries.into_iter().map(|(key, value)| (json::lossy(&key).into_owned(), value)).collect();
                entries.sort_by(|(a, _), (b, _)| natural(a, b, self.pretty));
                self.mapping(&entries, depth)?;
            }
            Value::Object(object) if self.pretty && object.json_fields().is_some() => {
                let fields = object.fields().into_iter();
                let fields: Vec<(String, Value)> =
                    fields.map(|(name, value)| (name.to_lowercase(), value)).collect();
                self.mapping(&fields, depth)?;
            }
            Value::Object(object) => self.node(&object.plain(), place, depth + 1)?,
        }
        Ok(())
    }

    fn sequence(&mut self, items: &[Value], place: Place, depth: usize) -> Result<(), String> {
        if items.is_empty() {
            self.indicator("[", true, true, false);
            self.indicator("]", false, false, false);
            return Ok(());
        }
        let outer = self.indent;
        self.deeper(false, place.in_map && !self.indention && !self.pretty);
        for item in items {
            self.write_indent();
            self.indicator("-", true, false, true);
            self.node(item, Place::default(), depth + 1)?;
        }
        self.indent = outer;
        Ok(())
    }

    fn mapping(&mut self, entries: &[(String, Value)], depth: usize) -> Result<(), String> {
        if entries.is_empty() {
            self.indicator("{", true, true, false);
            self.indicator("}", false, false, false);
            return Ok(());
        }
        let outer = self.indent;
        self.deeper(false, false);
        for (key, value) in entries {
            self.write_indent();
            if key.len() <= SIMPLE_KEY && !key.contains(is_break) {
                self.text(key, Place { in_map: true, simple_key: true });
                self.indicator(":", false, false, false);
            } else {
                self.indicator("?", true, false, true);
                self.text(key, Place { in_map: true, simple_key: false });
                self.write_indent();
                self.indicator(":", true, false, true);
            }
            self.node(value, Place { in_map: true, simple_key: false }, depth + 1)?;
        }
        self.indent = outer;
        Ok(())
    }

    // ---- scalars

    fn text(&mut self, text: &str, place: Place) {
        let facts = Facts::of(text, self.pretty);
        let plain = !means_something_else(text);
        let mut style = if text.contains('\n') {
            Style::Literal
        } else if plain {
            Style::Plain
        } else {
            Style::Double
        };
        if place.simple_key && facts.multiline {
            style = Style::Double;
        }
        if style == Style::Plain && (!facts.plain_allowed || (text.is_empty() && place.simple_key)) {
            style = Style::Single;
        }
        if style == Style::Single && !facts.single_allowed {
            style = Style::Double;
        }
        if style == Style::Literal && (!facts.block_allowed || place.simple_key) {
            style = Style::Double;
        }
        let outer = self.indent;
        self.deeper(true, false);
        match style {
            Style::Plain => self.write_plain(text, !place.simple_key),
            Style::Single => self.write_single(text, !place.simple_key),
            Style::Double => self.write_double(text, !place.simple_key),
            Style::Literal => self.write_literal(text),
        }
        self.indent = outer;
    }

    /// A scalar of another type: never folded, never quoted.
    fn plain(&mut self, text: &str) {
        if !self.whitespace {
            self.put(' ');
        }
        self.out.push_str(text);
        self.column += text.len();
        self.whitespace = false;
        self.indention = false;
    }

    fn write_plain(&mut self, text: &str, may_break: bool) {
        if !self.whitespace {
            self.put(' ');
        }
        let mut after_space = false;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            if c == ' ' {
                if may_break && !after_space && self.is_too_long() && chars.peek() != Some(&' ') {
                    self.write_indent();
                } else {
                    self.put(c);
                }
                after_space = true;
            } else {
                self.put(c);
                self.indention = false;
                after_space = false;
            }
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn write_single(&mut self, text: &str, may_break: bool) {
        self.indicator("'", true, false, false);
        let (mut after_space, mut after_break) = (false, false);
        let last = text.len().saturating_sub(1);
        for (at, c) in text.char_indices() {
            if c == ' ' {
                let next_is_space = text.as_bytes().get(at + 1) == Some(&b' ');
                if may_break && !after_space && self.is_too_long() && at > 0 && at < last && !next_is_space {
                    self.write_indent();
                } else {
                    self.put(c);
                }
                after_space = true;
            } else if is_break(c) {
                if !after_break && c == '\n' {
                    self.put_break();
                }
                self.write_break(c);
                self.indention = true;
                after_break = true;
            } else {
                if after_break {
                    self.write_indent();
                }
                if c == '\'' {
                    self.put(c);
                }
                self.put(c);
                self.indention = false;
                after_space = false;
                after_break = false;
            }
        }
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn write_double(&mut self, text: &str, may_break: bool) {
        self.indicator("\"", true, false, false);
        let mut after_space = false;
        let last = text.len().saturating_sub(1);
        // go-yaml looks for the byte order mark at the start of the text whatever the character.
        let marked = text.starts_with('\u{feff}');
        for (at, c) in text.char_indices() {
            if marked || !is_printable(c) || is_break(c) || c == '"' || c == '\\' {
                for c in escaped(c).chars() {
                    self.put(c);
                }
                after_space = false;
            } else if c == ' ' {
                if may_break && !after_space && self.is_too_long() && at > 0 && at < last {
                    self.write_indent();
                    if text.as_bytes().get(at + 1) == Some(&b' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                after_space = true;
            } else {
                self.put(c);
                after_space = false;
            }
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn write_literal(&mut self, text: &str) {
        self.indicator("|", true, false, false);
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.indicator("2", false, false, false);
        }
        let mut ends = text.chars().rev();
        match (ends.next().is_some_and(is_break), ends.next()) {
            (false, _) => self.indicator("-", false, false, false),
            (true, None) => self.indicator("+", false, false, false),
            (true, Some(c)) if is_break(c) => self.indicator("+", false, false, false),
            _ => {}
        }
        self.put_break();
        self.indention = true;
        self.whitespace = true;
        let mut after_break = true;
        for c in text.chars() {
            if is_break(c) {
                self.write_break(c);
                self.indention = true;
                after_break = true;
            } else {
                if after_break {
                    self.write_indent();
                }
                self.put(c);
                self.indention = false;
                after_break = false;
            }
        }
    }

    // ---- characters

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    fn write_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
    }

    fn indicator(&mut self, text: &str, needs_space: bool, is_whitespace: bool, is_indention: bool) {
        if needs_space && !self.whitespace {
            self.put(' ');
        }
        self.out.push_str(text);
        self.column += text.len();
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
    }

    fn write_indent(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn deeper(&mut self, flow: bool, indentless: bool) {
        self.indent = Some(match self.indent {
            None if flow => 2,
            None => 0,
            Some(indent) if indentless => indent,
            Some(indent) => indent + 2,
        });
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

/// go-yaml's `yaml_emitter_analyze_scalar`, for block context.
struct Facts {
    multiline: bool,
    plain_allowed: bool,
    single_allowed: bool,
    block_allowed: bool,
}

impl Facts {
    fn of(text: &str, pretty: bool) -> Self {
        if text.is_empty() {
            return Self {
                multiline: false,
                plain_allowed: true,
                single_allowed: true,
                block_allowed: false,
            };
        }
        let mut indicators = text.starts_with("---") || text.starts_with("...");
        let (mut breaks, mut special, mut tabs) = (false, false, false);
        let (mut break_space, mut space_break) = (false, false);
        let (mut before_space, mut before_break) = (false, false);
        let mut after_blank = true;
        for (at, c) in text.char_indices() {
            let next = text.as_bytes().get(at + c.len_utf8());
            let before_blank = matches!(next, None | Some(b' ' | b'\t'));
            indicators |= match c {
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@'
                | '`'
                    if at == 0 =>
                {
                    true
                }
                '?' | '-' if at == 0 => before_blank,
                ':' => before_blank,
                '#' => after_blank,
                _ => false,
            };
            if c == '\t' && pretty {
                tabs = true;
            } else {
                special |= !is_printable(c);
            }
            if c == ' ' {
                break_space |= before_break;
                before_space = true;
                before_break = false;
            } else if is_break(c) {
                breaks = true;
                space_break |= before_space;
                before_space = false;
                before_break = true;
            } else {
                before_space = false;
                before_break = false;
            }
            after_blank = matches!(c, ' ' | '\t' | '\0') || is_break(c);
        }
        let edge = |c: char| c == ' ' || is_break(c);
        let edges = text.starts_with(edge) || text.ends_with(edge);
        Self {
            multiline: breaks,
            plain_allowed: !(edges || break_space || space_break || special || tabs || breaks || indicators),
            single_allowed: !(break_space || space_break || special || tabs),
            block_allowed: !(text.ends_with(' ') || space_break || special),
        }
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

fn escaped(c: char) -> String {
    match c {
        '\0' => "\\0".to_owned(),
        '\x07' => "\\a".to_owned(),
        '\x08' => "\\b".to_owned(),
        '\t' => "\\t".to_owned(),
        '\n' => "\\n".to_owned(),
        '\x0b' => "\\v".to_owned(),
        '\x0c' => "\\f".to_owned(),
        '\r' => "\\r".to_owned(),
        '\x1b' => "\\e".to_owned(),
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\u{85}' => "\\N".to_owned(),
        '\u{a0}' => "\\_".to_owned(),
        '\u{2028}' => "\\L".to_owned(),
        '\u{2029}' => "\\P".to_owned(),
        c if u32::from(c) <= 0xff => format!("\\x{:02X}", u32::from(c)),
        c if u32::from(c) <= 0xffff => format!("\\u{:04X}", u32::from(c)),
        c => format!("\\U{:08X}", u32::from(c)),
    }
}

/// A float on its way through JSON and back: whole numbers that fit become integers.
fn number(n: f64) -> String {
    let text = json::float(n);
    if let Ok(int) = text.parse::<i64>() {
        return int.to_string();
    }
    if text.parse::<u64>().is_ok() {
        return text;
    }
    format_float(n, 'g', None)
}

/// A float as version 3 writes it.
fn pretty_number(n: f64) -> String {
    if n.is_nan() {
        ".nan".to_owned()
    } else if n.is_infinite() {
        if n > 0.0 { ".inf" } else { "-.inf" }.to_owned()
    } else {
        format_float(n, 'g', None)
    }
}

/// Whether text without quotes would be read as something else than text, or as a date or a base-60 number.
pub(super) fn means_something_else(text: &str) -> bool {
    !scalar::resolve(text).is_string()
        || scalar::is_not_finite(text)
        || is_timestamp(text)
        || is_base_60(text)
}

fn all_digits(text: &str, lengths: std::ops::RangeInclusive<usize>) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The four forms that go-yaml takes for a time.
fn is_timestamp(text: &str) -> bool {
    let is_date_start = text.len() > 5 && all_digits(&text.as_bytes()[..4].escape_ascii().to_string(), 4..=4);
    if !is_date_start || text.as_bytes()[4] != b'-' {
        return false;
    }
    let (date, time) = match text.find(['T', 't', ' ']) {
        Some(at) => (&text[..at], Some((text.as_bytes()[at], &text[at + 1..]))),
        None => (text, None),
    };
    let parts: Vec<&str> = date.split('-').collect();
    let [year, month, day] = parts[..] else { return false };
    if !(all_digits(year, 4..=4) && all_digits(month, 1..=2) && all_digits(day, 1..=2)) {
        return false;
    }
    let number = |text: &str| text.parse::<i8>().unwrap_or_default();
    let year: i16 = year.parse().unwrap_or_default();
    if jiff::civil::Date::new(year, number(month), number(day)).is_err() {
        return false;
    }
    let Some((separator, time)) = time else { return true };
    let clock = if separator == b' ' {
        time
    } else if let Some(clock) = time.strip_suffix('Z') {
        clock
    } else {
        let Some(at) = time.rfind(['+', '-']) else { return false };
        let zone = &time[at + 1..];
        let fits = zone
            .split_once(':')
            .is_some_and(|(hours, minutes)| all_digits(hours, 2..=2) && all_digits(minutes, 2..=2));
        if !fits {
            return false;
        }
        &time[..at]
    };
    let (clock, fraction) = match clock.split_once(['.', ',']) {
        Some((clock, fraction)) => (clock, Some(fraction)),
        None => (clock, None),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let [hour, minute, second] = parts[..] else { return false };
    all_digits(hour, 1..=2)
        && all_digits(minute, 1..=2)
        && all_digits(second, 1..=2)
        && number(hour) < 24
        && number(minute) < 60
        && number(second) < 60
        && fraction.is_none_or(|fraction| all_digits(fraction, 1..=usize::MAX))
}

/// `^[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?$`
fn is_base_60(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let (whole, fraction) = match unsigned.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (unsigned, None),
    };
    let digits_or_underscores = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    let mut parts = whole.split(':');
    let first = parts.next().unwrap_or_default();
    let mut count = 0;
    let sixty = |part: &str| match part.as_bytes() {
        [digit] | [b'0'..=b'5', digit] => digit.is_ascii_digit(),
        _ => false,
    };
    first.starts_with(|c: char| c.is_ascii_digit())
        && digits_or_underscores(first)
        && parts.inspect(|_| count += 1).all(sixty)
        && count > 0
        && fraction.is_none_or(digits_or_underscores)
}

/// go-yaml's order of keys: numbers inside text by their value, letters after everything else.
/// Version 3 sorts letters before everything else right after digits.
pub(super) fn natural(a: &str, b: &str, pretty: bool) -> Ordering {
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut after_digit = false;
    for at in 0..left.len().min(right.len()) {
        let (x, y) = (left[at], right[at]);
        if x == y {
            after_digit = pretty && x.is_ascii_digit();
            continue;
        }
        match (x.is_alphabetic(), y.is_alphabetic()) {
            (true, true) => return x.cmp(&y),
            (x, y) if x != y => return if x == after_digit { Ordering::Less } else { Ordering::Greater },
            _ => {}
        }
        let mut start = 0_i64;
        if x == '0' || y == '0' {
            let before = left[..at].iter().rev().take_while(|c| c.is_ascii_digit());
            if before.into_iter().any(|c| *c != '0') {
                start = 1;
            }
        }
        let run = |chars: &[char]| {
            let mut value = start;
            let mut end = at;
            while let Some(digit) = chars.get(end).and_then(|c| c.to_digit(10)) {
                value = value.wrapping_mul(10).wrapping_add(i64::from(digit));
                end += 1;
            }
            (value, end)
        };
        return run(&left).cmp(&run(&right)).then(x.cmp(&y));
    }
    left.len().cmp(&right.len())
}

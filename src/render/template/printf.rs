//! Go's `fmt`: `%v` of every value, all verbs and flags, and the marks for verbs that do not fit.

mod float;
mod integer;

use std::io::Write as _;

use super::quote;
use super::value::{Map, Value};

pub use float::format as format_float;

/// Printing a value nested deeper stops with `...`: a map may contain itself.
const DEPTH: usize = 1000;

/// `fmt.Sprint` of one value: `%v`.
pub fn sprint(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    print_into(value, &mut out);
    out
}

/// `fmt.Sprint` as text.
pub fn sprint_text(value: &Value) -> String {
    String::from_utf8_lossy(&sprint(value)).into_owned()
}

/// What an action prints: as `%v`, with `<no value>` for reflect's zero value.
pub(super) fn print_action(value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Invalid => out.extend_from_slice(b"<no value>"),
        Value::Object(object) => match object.printed() {
            Some(text) => out.extend_from_slice(text.as_bytes()),
            None => print_into(value, out),
        },
        _ => print_into(value, out),
    }
}

fn print_into(value: &Value, out: &mut Vec<u8>) {
    match value {
        // The common ones without a printer.
        Value::Str(text) => out.extend_from_slice(text),
        Value::Int(n) | Value::Int64(n) => {
            let _ = write!(out, "{n}");
        }
        Value::Bool(on) => {
            let _ = write!(out, "{on}");
        }
        _ => {
            let mut printer = Printer { out, flags: Flags::default(), erroring: false };
            printer.arg(value, 'v');
        }
    }
}

/// `fmt.Sprint`: a space between operands when neither is a string.
pub fn sprint_all(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut after_string = false;
    for (index, value) in values.iter().enumerate() {
        let is_string = matches!(value, Value::Str(_));
        if index > 0 && !is_string && !after_string {
            out.push(b' ');
        }
        print_into(value, &mut out);
        after_string = is_string;
    }
    out
}

/// `fmt.Sprintln`.
pub fn sprintln(values: &[Value]) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, value) in values.iter().enumerate() {
        if index > 0 {
            out.push(b' ');
        }
        print_into(value, &mut out);
    }
    out.push(b'\n');
    out
}

/// `fmt.Sprintf`.
pub fn sprintf(format: &[u8], args: &[Value]) -> Vec<u8> {
    let mut out = Vec::with_capacity(format.len() + 16);
    let mut printer = Printer { out: &mut out, flags: Flags::default(), erroring: false };
    printer.format(format, args);
    out
}

#[derive(Debug, Clone, Copy, Default)]
struct Flags {
    width: Option<usize>,
    precision: Option<usize>,
    minus: bool,
    plus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    /// `%+v`
    plus_v: bool,
    /// `%#v`
    sharp_v: bool,
}

struct Printer<'o> {
    out: &'o mut Vec<u8>,
    flags: Flags,
    erroring: bool,
}

/// Widths and precisions beyond it are refused, as in Go.
const TOO_LARGE: i64 = 1_000_000;

fn number(format: &[u8], at: usize) -> (Option<usize>, usize) {
    let mut end = at;
    let mut value = 0_usize;
    while let Some(digit @ b'0'..=b'9') = format.get(end) {
        if value > 1_000_000 {
            return (None, format.len());
        }
        value = value * 10 + usize::from(digit - b'0');
        end += 1;
    }
    ((end > at).then_some(value), end)
}

/// Where the next argument comes from: `[3]`.
struct Cursor {
    arg: usize,
    reordered: bool,
    good: bool,
    after_index: bool,
}

impl Cursor {
    fn index(&mut self, format: &[u8], at: usize, count: usize) -> usize {
        self.after_index = false;
        if format.get(at) != Some(&b'[') {
            return at;
        }
        self.reordered = true;
        let Some(close) = format[at..].iter().position(|byte| *byte == b']') else {
            self.good = false;
            return at + 1;
        };
        let close = at + close;
        let (value, end) = number(format, at + 1);
        match value {
            Some(value) if end == close && (1..=count).contains(&value) => {
                self.arg = value - 1;
                self.after_index = true;
            }
            found => {
                self.good = false;
                self.after_index = found.is_some() && end == close;
            }
        }
        close + 1
    }

    fn int(&mut self, args: &[Value]) -> Option<i64> {
        let value = args.get(self.arg)?.as_int();
        self.arg += 1;
        value.filter(|n| (-TOO_LARGE..=TOO_LARGE).contains(n))
    }
}

impl Printer<'_> {
    fn format(&mut self, format: &[u8], args: &[Value]) {
        let mut cursor = Cursor { arg: 0, reordered: false, good: true, after_index: false };
        let mut at = 0;
        while at < format.len() {
            cursor.good = true;
            let percent = format[at..].iter().position(|byte| *byte == b'%').map(|found| at + found);
            let end = percent.unwrap_or(format.len());
            self.out.extend_from_slice(&format[at..end]);
            if percent.is_none() {
                break;
            }
            at = self.flags(format, end + 1);
            at = cursor.index(format, at, args.len());
            at = self.width(format, at, args, &mut cursor);
            at = self.precision(format, at, args, &mut cursor);
            if !cursor.after_index {
                at = cursor.index(format, at, args.len());
            }
            if at >= format.len() {
                self.out.extend_from_slice(b"%!(NOVERB)");
                break;
            }
            let length = quote::char_length(&format[at..]);
            let verb = std::str::from_utf8(&format[at..at + length])
                .ok()
                .and_then(|text| text.chars().next())
                .unwrap_or(char::REPLACEMENT_CHARACTER);
            at += length;
            if verb == '%' {
                self.out.push(b'%');
            } else if !cursor.good {
                let _ = write!(self.out, "%!{verb}(BADINDEX)");
            } else if let Some(arg) = args.get(cursor.arg) {
                if matches!(verb, 'v' | 'w') {
                    self.flags.sharp_v = std::mem::take(&mut self.flags.sharp);
                    self.flags.plus_v = std::mem::take(&mut self.flags.plus);
                }
                self.arg(arg, verb);
                cursor.arg += 1;
            } else {
                let _ = write!(self.out, "%!{verb}(MISSING)");
            }
        }
        if !cursor.reordered && cursor.arg < args.len() {
            self.flags = Flags::default();
            self.out.extend_from_slice(b"%!(EXTRA ");
            for (index, arg) in args[cursor.arg..].iter().enumerate() {
                if index > 0 {
                    self.out.extend_from_slice(b", ");
                }
                if arg.is_nil() {
                    self.out.extend_from_slice(b"<nil>");
                } else {
                    let _ = write!(self.out, "{}=", arg.go_type());
                    self.arg(arg, 'v');
                }
            }
            self.out.push(b')');
        }
    }

    fn flags(&mut self, format: &[u8], mut at: usize) -> usize {
        self.flags = Flags::default();
        while let Some(byte) = format.get(at) {
            match byte {
                b'#' => self.flags.sharp = true,
                b'0' => self.flags.zero = true,
                b'+' => self.flags.plus = true,
                b'-' => self.flags.minus = true,
                b' ' => self.flags.space = true,
                _ => break,
            }
            at += 1;
        }
        at
    }

    fn width(&mut self, format: &[u8], at: usize, args: &[Value], cursor: &mut Cursor) -> usize {
        if format.get(at) == Some(&b'*') {
            match cursor.int(args) {
                None => self.out.extend_from_slice(b"%!(BADWIDTH)"),
                Some(width) => {
                    if width < 0 {
                        self.flags.minus = true;
                        self.flags.zero = false;
                    }
                    self.flags.width = usize::try_from(width.unsigned_abs()).ok();
                }
            }
            cursor.after_index = false;
            return at + 1;
        }
        let (width, end) = number(format, at);
        if cursor.after_index && width.is_some() {
            cursor.good = false;
        }
        self.flags.width = width;
        end
    }

    fn precision(&mut self, format: &[u8], at: usize, args: &[Value], cursor: &mut Cursor) -> usize {
        if format.get(at) != Some(&b'.') || at + 1 >= format.len() {
            return at;
        }
        if cursor.after_index {
            cursor.good = false;
        }
        let at = cursor.index(format, at + 1, args.len());
        if format.get(at) == Some(&b'*') {
            match cursor.int(args) {
                None => self.out.extend_from_slice(b"%!(BADPREC)"),
                Some(precision) => {
                    self.flags.precision = usize::try_from(precision).ok();
                    if precision < 0 {
                        self.out.extend_from_slice(b"%!(BADPREC)");
                    }
                }
            }
            cursor.after_index = false;
            return at + 1;
        }
        let (precision, end) = number(format, at);
        self.flags.precision = Some(precision.unwrap_or(0));
        end
    }

    // ---- values

    fn bad_verb(&mut self, value: &Value, verb: char) {
        self.erroring = true;
        let _ = write!(self.out, "%!{verb}(");
        if value.is_nil() {
            self.out.extend_from_slice(b"<nil>");
        } else {
            let _ = write!(self.out, "{}=", value.go_type());
            self.arg(value, 'v');
        }
        self.out.push(b')');
        self.erroring = false;
    }

    fn arg(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Invalid | Value::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (Value::Invalid | Value::Nil, _) => self.bad_verb(value, verb),
            (_, 'T') => self.string(value.go_type().as_bytes()),
            (Value::Map(_) | Value::List(_) | Value::Bytes(_), 'p') => self.pad(b"0xc000000000"),
            (_, 'p' | 'w') => self.bad_verb(value, verb),
            _ => self.value(value, verb, 0),
        }
    }

    fn value(&mut self, value: &Value, verb: char, depth: usize) {
        if depth > DEPTH {
            self.out.extend_from_slice(b"...");
            return;
        }
        match value {
            Value::Invalid | Value::Nil if self.flags.sharp_v => {
                self.out.extend_from_slice(b"interface {}(nil)");
            }
            // Inside a list or map.
            Value::Invalid | Value::Nil => self.out.extend_from_slice(b"<nil>"),
            Value::Bool(on) => match verb {
                't' | 'v' => self.pad(if *on { b"true" } else { b"false" }),
                _ => self.bad_verb(value, verb),
            },
            Value::Int(n) | Value::Int64(n) => self.integer(value, n.unsigned_abs(), *n < 0, true, verb),
            Value::Uint8(n) => self.integer(value, u64::from(*n), false, false, verb),
            Value::Uint32(n) => self.integer(value, u64::from(*n), false, false, verb),
            Value::Float(n) => self.float(value, *n, verb),
            Value::Str(text) => self.text(value, text, verb),
            Value::Bytes(bytes) => self.bytes(value, bytes, verb, depth),
            Value::List(list) => {
                if self.flags.sharp_v {
                    let _ = write!(self.out, "{}", list.kind().go_type());
                    if list.is_nil() {
                        self.out.extend_from_slice(b"(nil)");
                        return;
                    }
                }
                self.sequence(list, verb, depth);
            }
            Value::Map(map) => self.map(map, verb, depth),
            Value::Object(object) => {
                let stringable = matches!(verb, 'v' | 's' | 'x' | 'X' | 'q') && !self.flags.sharp_v;
                if let (true, false, Some(text)) = (stringable, self.erroring, object.string()) {
                    self.text(value, text.as_bytes(), verb);
                    return;
                }
                if object.kind() == super::value::Kind::Ptr {
                    if depth > 0 {
                        self.pad(b"0xc000000000");
                        return;
                    }
                    self.out.push(b'&');
                }
                if self.flags.sharp_v {
                    let _ = write!(self.out, "{}", object.go_type().trim_start_matches('*'));
                }
                self.out.push(b'{');
                for (index, (name, field)) in object.fields().iter().enumerate() {
                    if index > 0 {
                        self.out.extend_from_slice(if self.flags.sharp_v { b", " } else { b" " });
                    }
                    if self.flags.plus_v || self.flags.sharp_v {
                        let _ = write!(self.out, "{name}:");
                    }
                    self.value(field, verb, depth + 1);
                }
                self.out.push(b'}');
            }
        }
    }

    fn sequence(&mut self, items: &[Value], verb: char, depth: usize) {
        let (open, between, close): (u8, &[u8], u8) =
            if self.flags.sharp_v { (b'{', b", ", b'}') } else { (b'[', b" ", b']') };
        self.out.push(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.out.extend_from_slice(between);
            }
            self.element(item, verb, depth + 1);
        }
        self.out.push(close);
    }

    fn element(&mut self, value: &Value, verb: char, depth: usize) {
        if value.is_nil() && verb != 'v' {
            // An interface inside a container prints `<nil>` whatever the verb.
            self.out.extend_from_slice(b"<nil>");
            return;
        }
        self.value(value, verb, depth);
    }

    fn map(&mut self, map: &Map, verb: char, depth: usize) {
        let sharp = self.flags.sharp_v;
        if sharp {
            let _ = write!(self.out, "{}", map.kind().go_type());
            if map.is_nil() {
                self.out.extend_from_slice(b"(nil)");
                return;
            }
        }
        self.out.extend_from_slice(if sharp { b"{" } else { b"map[" });
        for (index, (key, value)) in map.entries().into_iter().enumerate() {
            if index > 0 {
                self.out.extend_from_slice(if sharp { b", " } else { b" " });
            }
            self.value(&Value::Str(key), verb, depth + 1);
            self.out.push(b':');
            self.element(&value, verb, depth + 1);
        }
        self.out.push(if sharp { b'}' } else { b']' });
    }

    fn text(&mut self, value: &Value, text: &[u8], verb: char) {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => self.string(text),
            'x' => self.hex(text, false),
            'X' => self.hex(text, true),
            'q' => self.quoted(text),
            _ => self.bad_verb(value, verb),
        }
    }

    fn bytes(&mut self, value: &Value, bytes: &[u8], verb: char, depth: usize) {
        match verb {
            's' => self.string(bytes),
            'x' => self.hex(bytes, false),
            'X' => self.hex(bytes, true),
            'q' => self.quoted(bytes),
            'v' if self.flags.sharp_v => {
                self.out.extend_from_slice(if depth == 0 { b"[]byte{" } else { b"[]uint8{" });
                for (index, byte) in bytes.iter().enumerate() {
                    let between = if index > 0 { ", " } else { "" };
                    let _ = write!(self.out, "{between}{byte:#x}");
                }
                self.out.push(b'}');
            }
            'v' | 'd' => {
                self.out.push(b'[');
                for (index, byte) in bytes.iter().enumerate() {
                    if index > 0 {
                        self.out.push(b' ');
                    }
                    self.integer(value, u64::from(*byte), false, false, 'd');
                }
                self.out.push(b']');
            }
            _ => {
                let items: Vec<Value> = bytes.iter().map(|byte| Value::Uint8(*byte)).collect();
                self.sequence(&items, verb, depth);
            }
        }
    }

    // ---- padding

    fn padding(&mut self, count: usize) {
        let byte = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        self.out.resize(self.out.len() + count, byte);
    }

    fn pad(&mut self, text: &[u8]) {
        let length = String::from_utf8_lossy(text).chars().count();
        let missing = self.flags.width.unwrap_or(0).saturating_sub(length);
        if self.flags.minus {
            self.out.extend_from_slice(text);
            self.padding(missing);
        } else {
            self.padding(missing);
            self.out.extend_from_slice(text);
        }
    }

    fn string(&mut self, text: &[u8]) {
        let text = match self.flags.precision {
            Some(precision) => quote::first_chars(text, precision),
            None => text,
        };
        self.pad(text);
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = match self.flags.precision {
            Some(precision) => quote::first_chars(text, precision),
            None => text,
        };
        let can_backquote = || {
            std::str::from_utf8(text).is_ok_and(|text| {
                !text.contains(|c: char| (c.is_control() && c != '\t') || c == '`' || c == '\u{feff}')
            })
        };
        let shown = if self.flags.sharp && can_backquote() {
            format!("`{}`", String::from_utf8_lossy(text))
        } else if self.flags.plus {
            quote::quoted_ascii(text)
        } else {
            quote::quoted(text)
        };
        self.pad(shown.as_bytes());
    }

    fn hex(&mut self, bytes: &[u8], upper: bool) {
        let length = self.flags.precision.map_or(bytes.len(), |precision| precision.min(bytes.len()));
        let prefix = if upper { "0X" } else { "0x" };
        let mut shown = String::new();
        for (index, byte) in bytes[..length].iter().enumerate() {
            if self.flags.space && index > 0 {
                shown.push(' ');
            }
            if self.flags.sharp && (index == 0 || self.flags.space) {
                shown.push_str(prefix);
            }
            shown.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        self.pad(shown.as_bytes());
    }
}

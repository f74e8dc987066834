//! `.Files`: what lies in the chart beside its templates.

use std::rc::Rc;
use std::sync::Arc;

use base64::Engine as _;
use regex::Regex;

use super::super::encode::yaml;
use super::super::template::Context;
use super::super::template::function::{FnError, Function, Type};
use super::super::template::value::{Map, MapKind, Str, Value};

/// Methods of helm's `files`.
pub const METHODS: &[Function] = &[
    Function::new("Get", &[Type::Str], get),
    Function::new("GetBytes", &[Type::Str], get_bytes),
    Function::new("Lines", &[Type::Str], lines),
    Function::new("Glob", &[Type::Str], glob),
    Function::new("AsConfig", &[], as_config),
    Function::new("AsSecrets", &[], as_secrets),
];

/// `.Files` from paths and contents.
pub fn files<'f>(entries: impl IntoIterator<Item = (&'f str, Arc<[u8]>)>) -> Value {
    let entries = entries.into_iter().map(|(path, bytes)| (path, Value::Bytes(bytes)));
    Value::Map(Rc::new(Map::new(MapKind::Files, entries)))
}

fn found(args: &[Value]) -> Result<Arc<[u8]>, FnError> {
    match args {
        [Value::Map(files), Value::Str(name)] => Ok(match files.get(name) {
            Some(Value::Bytes(bytes)) => bytes,
            _ => Arc::from([]),
        }),
        _ => Err("not the chart's files".into()),
    }
}

fn get(_: &mut Context, args: &[Value]) -> Result<Value, FnError> {
    found(args).map(Value::str)
}

fn get_bytes(_: &mut Context, args: &[Value]) -> Result<Value, FnError> {
    found(args).map(Value::Bytes)
}

fn all(args: &[Value]) -> Result<&Rc<Map>, FnError> {
    args.first().and_then(Value::as_map).ok_or_else(|| "not the chart's files".into())
}

/// The files whose path fits a pattern; one that cannot be read fits everything.
fn glob(_: &mut Context, args: &[Value]) -> Result<Value, FnError> {
    let pattern = args.get(1).and_then(Value::as_str).cloned().unwrap_or_default();
    let fits = pattern_of(&pattern.text());
    let found = all(args)?
        .entries()
        .into_iter()
        .filter(|(path, _)| fits.as_ref().is_none_or(|fits| fits.is_match(&path.text())));
    Ok(Value::Map(Rc::new(Map::new(MapKind::Files, found))))
}

/// The pattern language of gobwas/glob with `/` as separator: `*`, `**`, `?`, classes and alternatives.
fn pattern_of(pattern: &str) -> Option<Regex> {
    let mut out = String::from("(?s)^");
    let mut chars = pattern.chars().peekable();
    let mut open = 0;
    while let Some(c) = chars.next() {
        match c {
            '*' if chars.peek() == Some(&'*') => {
                chars.next();
                out.push_str(".*");
            }
            '*' => out.push_str("[^/]*"),
            '?' => out.push_str("[^/]"),
            '[' => {
                out.push('[');
                if chars.peek() == Some(&'!') {
                    chars.next();
                    out.push('^');
                }
                for c in chars.by_ref() {
                    match c {
                        ']' => break,
                        '-' => out.push('-'),
                        c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
                    }
                }
                out.push(']');
            }
            '{' => {
                open += 1;
                out.push_str("(?:");
            }
            '}' if open > 0 => {
                open -= 1;
                out.push(')');
            }
            ',' if open > 0 => out.push('|'),
            '\\' => out.push_str(&regex::escape(chars.next()?.encode_utf8(&mut [0; 4]))),
            c => out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    out.push('$');
    Regex::new(&out).ok()
}

/// The files as a YAML map by their names without folders.
fn mapped(args: &[Value], content: impl Fn(Arc<[u8]>) -> Value) -> Result<Value, FnError> {
    let entries = all(args)?.entries().into_iter().filter_map(|(path, bytes)| {
        let base = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
        let Value::Bytes(bytes) = bytes else { return None };
        Some((Str::from(base), content(bytes)))
    });
    let mut text = yaml::encode(&Value::map(entries)).unwrap_or_default();
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(Value::str(text))
}

fn as_config(_: &mut Context, args: &[Value]) -> Result<Value, FnError> {
    mapped(args, Value::str)
}

fn as_secrets(_: &mut Context, args: &[Value]) -> Result<Value, FnError> {
    mapped(args, |bytes| Value::str(base64::engine::general_purpose::STANDARD.encode(bytes)))
}

fn lines(context: &mut Context, args: &[Value]) -> Result<Value, FnError> {
    let bytes = found(args)?;
    let profile = context.profile();
    let is_there = || matches!(args, [Value::Map(files), Value::Str(name)] if files.get(name).is_some());
    if bytes.is_empty() {
        return match is_there() {
            true if profile.lines_break_on_nothing() => Err("runtime error: index out of range [-1]".into()),
            true if !profile.lines_end() => Ok(Value::strings([""])),
            _ => Ok(Value::strings::<&str>([])),
        };
    }
    let text = bytes.strip_suffix(b"\n").filter(|_| profile.lines_end()).unwrap_or(&bytes);
    Ok(Value::strings(text.split(|byte| *byte == b'\n')))
}

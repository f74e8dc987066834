//! How sprig makes numbers and texts of anything, and the functions that are nothing else: `int`, `int64`, `float64`,
//! `toString`, `toStrings`, `atoi`, `toDecimal`.

use super::{Called, args_error};
use crate::render::template::Context;
use crate::render::template::function::{Function, Type};
use crate::render::template::numbers::{go_float, go_int};
use crate::render::template::printf;
use crate::render::template::value::{Str, Value};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("int", &[Type::Any], |_, args| Ok(Value::Int(integer(one(args))))),
    Function::new("int64", &[Type::Any], |_, args| Ok(Value::Int64(integer(one(args))))),
    Function::new("float64", &[Type::Any], |_, args| Ok(Value::Float(float(one(args))))),
    Function::new("toString", &[Type::Any], |_, args| Ok(Value::Str(text(one(args))))),
    Function::new("toStrings", &[Type::Any], |_, args| Ok(Value::strings(texts(one(args))))),
    Function::new("atoi", &[Type::Str], atoi),
    Function::new("toDecimal", &[Type::Any], to_decimal),
];

fn one(args: &[Value]) -> &Value {
    args.first().unwrap_or(&Value::Nil)
}

/// An integer of anything: what is none is 0.
pub(super) fn integer(value: &Value) -> i64 {
    match value {
        Value::Float(n) => truncated(*n),
        Value::Bool(on) => i64::from(*on),
        Value::Str(text) => parse_integer(without_zero_decimals(&text.text())).unwrap_or(0),
        other => other.as_int().unwrap_or(0),
    }
}

/// A float of anything: what is none is 0.
#[allow(clippy::cast_precision_loss, reason = "as Go converts")]
pub(super) fn float(value: &Value) -> f64 {
    match value {
        Value::Float(n) => *n,
        Value::Bool(on) => f64::from(u8::from(*on)),
        Value::Str(text) => go_float(&text.text()).unwrap_or(0.0),
        other => other.as_int().unwrap_or(0) as f64,
    }
}

/// Go's conversion on amd64: what does not fit becomes the smallest integer.
#[allow(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(super) fn truncated(n: f64) -> i64 {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if (-LIMIT..LIMIT).contains(&n) { n as i64 } else { i64::MIN }
}

/// Go's `strconv.ParseInt` with base 0.
fn parse_integer(text: &str) -> Option<i64> {
    let (negative, size) = go_int(text.as_bytes())?;
    if negative { 0_i64.checked_sub_unsigned(size) } else { i64::try_from(size).ok() }
}

/// `12.00` counts as the integer 12, `12.50` does not.
fn without_zero_decimals(text: &str) -> &str {
    let zeros = text.trim_end_matches('0');
    match zeros.strip_suffix('.') {
        Some(whole) if zeros.len() < text.len() => whole,
        _ => text,
    }
}

/// sprig's `strval`.
pub(super) fn text(value: &Value) -> Str {
    match value {
        Value::Str(text) => text.clone(),
        Value::Bytes(bytes) => Str::from(bytes.clone()),
        other => Str::from(printf::sprint(other)),
    }
}

/// sprig's `strslice`: the texts of a list's elements without the nils, or the one text of anything else.
pub(super) fn texts(value: &Value) -> Vec<Str> {
    match value {
        Value::List(list) => list.iter().filter(|item| !item.is_nil()).map(text).collect(),
        Value::Bytes(bytes) => bytes.iter().map(|byte| Str::from(byte.to_string())).collect(),
        nothing if nothing.is_nil() => Vec::new(),
        other => vec![text(other)],
    }
}

fn atoi(_: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(text)] = args else { return Err(args_error()) };
    let text = text.text();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
    let valid = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    // Out of range Go gives the nearest number along with the error that sprig drops.
    let nearest = if text.starts_with('-') { i64::MIN } else { i64::MAX };
    Ok(Value::Int(if valid { text.parse().unwrap_or(nearest) } else { 0 }))
}

fn to_decimal(_: &mut Context, args: &[Value]) -> Called {
    let text = printf::sprint_text(one(args));
    Ok(Value::Int64(i64::from_str_radix(&text, 8).unwrap_or(0)))
}

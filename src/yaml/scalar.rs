//! Plain scalars by the rules of go-yaml v2, the reader behind helm's values (YAML 1.1 words, octals, `_` in
//! numbers), and the quoting that keeps text text under those rules and under YAML 1.2's.

use serde_json::{Number, Value};

/// What a plain (unquoted) scalar means.
pub fn resolve(text: &str) -> Value {
    special(text).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// As [`resolve`], of a text that may be kept.
pub(super) fn resolve_owned(text: String) -> Value {
    special(&text).unwrap_or(Value::String(text))
}

/// What is no text.
fn special(text: &str) -> Option<Value> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Some(Value::Null),
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            return Some(Value::Bool(true));
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            return Some(Value::Bool(false));
        }
        _ => {}
    }
    let number = match text.as_bytes().first() {
        Some(b'.') => float(text),
        Some(b'0'..=b'9' | b'+' | b'-') => {
            let plain = text.replace('_', "");
            integer(&plain).or_else(|| float(&plain))
        }
        _ => None,
    };
    number.map(Value::Number)
}

/// Whether a plain scalar means infinity or not-a-number, which JSON, and so helm, cannot hold.
pub fn is_not_finite(text: &str) -> bool {
    matches!(text.trim_start_matches(['+', '-']), ".inf" | ".Inf" | ".INF")
        || matches!(text, ".nan" | ".NaN" | ".NAN")
}

/// Go's `ParseInt(text, 0, 64)`, then `ParseUint`: `0x`, `0o`, `0b` and a plain leading zero for octal.
fn integer(text: &str) -> Option<Number> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(rest) = lower.strip_prefix("0x") {
        (16, rest)
    } else if let Some(rest) = lower.strip_prefix("0o") {
        (8, rest)
    } else if let Some(rest) = lower.strip_prefix("0b") {
        (2, rest)
    } else if lower.len() > 1 && lower.starts_with('0') {
        (8, &lower[1..])
    } else {
        (10, lower.as_str())
    };
    if digits.is_empty() || !digits.chars().all(|c| c.is_digit(radix)) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    if negative {
        // i64::MIN has no positive twin.
        let value = i128::from(magnitude).checked_neg()?;
        i64::try_from(value).ok().map(Number::from)
    } else if text.starts_with('+') {
        i64::try_from(magnitude).ok().map(Number::from)
    } else {
        Some(Number::from(magnitude))
    }
}

/// `[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?`. Whole values become integers, as they do on helm's
/// way through JSON.
fn float(text: &str) -> Option<Number> {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = |s: &str| !s.is_empty() && s.bytes().all(|b| b.is_ascii_digit());
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let mantissa_fits = match mantissa.split_once('.') {
        Some(("", fraction)) => digits(fraction),
        Some((whole, fraction)) => digits(whole) && (fraction.is_empty() || digits(fraction)),
        None => digits(mantissa),
    };
    let exponent_fits =
        exponent.is_none_or(|exponent| digits(exponent.strip_prefix(['-', '+']).unwrap_or(exponent)));
    if !mantissa_fits || !exponent_fits {
        return None;
    }
    let value: f64 = text.parse().ok().filter(|value: &f64| value.is_finite())?;
    Some(number(value))
}

/// A float as JSON writes it: without a fraction it is an integer.
pub fn number(value: f64) -> Number {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[allow(clippy::float_cmp)] // a whole number is exactly its own truncation
    if value.trunc() == value && value.abs() < EXACT {
        #[allow(clippy::cast_possible_truncation)] // bounded by EXACT just above
        return Number::from(value as i64);
    }
    Number::from_f64(value).unwrap_or_else(|| Number::from(0))
}

/// How a string is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    Plain,
    Single,
    Double,
}

/// A string on one line. `wish` is kept where it can hold this text; `flow` says that brackets and commas around
/// it have a meaning.
pub fn quoted(text: &str, wish: Quote, flow: bool) -> String {
    match wish {
        Quote::Plain if is_plain_safe(text, flow) => text.to_owned(),
        Quote::Single if is_printable(text) => format!("'{}'", text.replace('\'', "''")),
        _ => double(text),
    }
}

fn is_printable(text: &str) -> bool {
    !text.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}'))
}

/// Whether text may stand without quotes and still be a string: for helm's reader, for YAML 1.2 readers and for
/// readers that know base-60 numbers.
pub fn is_plain_safe(text: &str, flow: bool) -> bool {
    let bytes = text.as_bytes();
    let Some(first) = bytes.first() else { return false };
    if !is_printable(text)
        || text.starts_with(char::is_whitespace)
        || text.ends_with(char::is_whitespace)
        || matches!(text, "<<" | "=" | "---" | "...")
        || text.starts_with("---")
        || text.contains(": ")
        || text.contains(" #")
        || text.ends_with(':')
        || is_not_finite(text)
        || (flow && text.contains([',', '[', ']', '{', '}']))
    {
        return false;
    }
    if matches!(
        first,
        b'?' | b':'
            | b','
            | b'['
            | b']'
            | b'{'
            | b'}'
            | b'#'
            | b'&'
            | b'*'
            | b'!'
            | b'|'
            | b'>'
            | b'\''
            | b'"'
            | b'%'
            | b'@'
            | b'`'
    ) || (*first == b'-' && (bytes.len() == 1 || bytes[1] == b' '))
    {
        return false;
    }
    if special(text).is_some() {
        return false;
    }
    // Base-60 numbers (`10:30`) and dates mean something to other readers.
    let numeric = matches!(first, b'0'..=b'9' | b'+' | b'-' | b'.');
    let like_base_60 = numeric
        && text.contains(':')
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b':' | b'.' | b'_' | b'+' | b'-'));
    let like_a_date = first.is_ascii_digit() && text.len() >= 10 && bytes.get(4) == Some(&b'-');
    !like_base_60 && !like_a_date
}

fn double(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\u{2028}' | '\u{2029}' | '\u{feff}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c if c.is_control() => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn yaml_1_1_words_and_numbers() {
        let cases = [
            ("yes", json!(true)),
            ("on", json!(true)),
            ("y", json!(true)),
            ("Off", json!(false)),
            ("tRue", json!("tRue")),
            ("~", json!(null)),
            ("0777", json!(511)),
            ("0o17", json!(15)),
            ("08", json!(8)),
            ("0x1F", json!(31)),
            ("0b11", json!(3)),
            ("-0b11", json!(-3)),
            ("1_000", json!(1000)),
            ("+12", json!(12)),
            ("-7", json!(-7)),
            ("1e3", json!(1000)),
            ("1.0", json!(1)),
            ("1.", json!(1)),
            (".5", json!(0.5)),
            ("1.5e-3", json!(0.0015)),
            ("1e400", json!("1e400")),
            ("1.2.3", json!("1.2.3")),
            ("10:30", json!("10:30")),
            ("2024-01-02", json!("2024-01-02")),
            ("-", json!("-")),
            ("0x", json!("0x")),
            ("18446744073709551615", json!(18_446_744_073_709_551_615_u64)),
            ("-9223372036854775808", json!(i64::MIN)),
            ("100m", json!("100m")),
            ("1Gi", json!("1Gi")),
            ("1e", json!("1e")),
            ("_1", json!("_1")),
        ];
        for (text, value) in cases {
            assert_eq!(resolve(text), value, "{text}");
        }
    }

    #[test]
    fn quotes_only_where_needed() {
        for safe in [
            "info",
            "100m",
            "1.7.0",
            "a:b",
            "http://x/y",
            "-x",
            "a#b",
            "v1.2.3-rc",
            "ünïcode",
            "a b",
            "/path",
        ] {
            assert_eq!(quoted(safe, Quote::Plain, false), safe);
        }
        for unsafe_text in [
            "",
            "on",
            "3",
            "0777",
            "1e3",
            "10:30",
            "2024-01-02",
            "a: b",
            "a #b",
            " a",
            "- a",
            "*x",
            "null",
            ".inf",
            "---",
            "a:",
        ] {
            assert_eq!(quoted(unsafe_text, Quote::Plain, false), format!("\"{unsafe_text}\""));
        }
        assert_eq!(quoted("it's", Quote::Single, false), "'it''s'");
        assert_eq!(quoted("a\nb", Quote::Single, false), "\"a\\nb\"");
        assert_eq!(quoted("a,b", Quote::Plain, true), "\"a,b\"");
    }
}

//! Go's own functions, and those of helm that run templates or end them. `and` and `or` are here for the parser: the
//! evaluator runs them, because they stop early.

#![allow(clippy::unnecessary_wraps, reason = "all functions of templates have one type")]

use super::Context;
use super::function::{FnError, Function, Reads, Type};
use super::printf;
use super::value::{MapKind, Str, Value};

use Type::{Any, Reflect, Str as Text};

type Called = Result<Value, FnError>;

/// Go's builtins.
pub const FUNCTIONS: &[Function] = &[
    Function::new("and", &[Reflect], unreachable).rest(Reflect).reads(Reads::Nothing),
    Function::new("or", &[Reflect], unreachable).rest(Reflect).reads(Reads::Nothing),
    Function::new("not", &[Reflect], not).reads(Reads::Nothing),
    Function::new("eq", &[Reflect], eq).rest(Reflect),
    Function::new("ne", &[Reflect, Reflect], ne),
    Function::new("lt", &[Reflect, Reflect], lt),
    Function::new("le", &[Reflect, Reflect], le),
    Function::new("gt", &[Reflect, Reflect], gt),
    Function::new("ge", &[Reflect, Reflect], ge),
    Function::new("len", &[Reflect], len).reads(Reads::Told),
    Function::new("index", &[Reflect], index).rest(Reflect).reads(Reads::Told),
    Function::new("call", &[Reflect], call).rest(Reflect),
    Function::new("print", &[], print).rest(Any),
    Function::new("printf", &[Text], printf_).rest(Any),
    Function::new("println", &[], println).rest(Any),
    Function::new("html", &[], html).rest(Any),
    Function::new("js", &[], js).rest(Any),
    Function::new("urlquery", &[], urlquery).rest(Any),
    Function::new("slice", &[Reflect], slice).rest(Reflect),
];

/// Helm's functions that the evaluator has a part in.
pub const HELM: &[Function] = &[
    Function::new("include", &[Text, Any], include).reads(Reads::Nothing),
    Function::new("tpl", &[Text, Any], tpl).reads(Reads::Nothing),
    Function::new("required", &[Text, Any], required).reads(Reads::Nothing),
    Function::new("fail", &[Text], fail),
    Function::new("lookup", &[Text, Text, Text, Text], lookup),
    Function::new("getHostByName", &[Text], host_by_name),
];

/// Marks the words of `fail` and `required`: only they are shown, whatever called them.
pub const WARN_START: &str = "HELM_ERR_START";
/// The end of those words.
pub const WARN_END: &str = "HELM_ERR_END";

fn wrong() -> FnError {
    "the arguments do not fit the function's parameters".into()
}

fn unreachable(_: &mut Context, _: &[Value]) -> Called {
    Err(wrong())
}

fn not(_: &mut Context, args: &[Value]) -> Called {
    Ok(Value::Bool(!args.first().is_some_and(Value::is_true)))
}

// ---- comparing

#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Invalid,
    Bool,
    Int,
    Float,
    String,
    Uint,
}

fn basic(value: &Value) -> Basic {
    match value {
        Value::Bool(_) => Basic::Bool,
        Value::Int(_) | Value::Int64(_) => Basic::Int,
        Value::Uint8(_) | Value::Uint32(_) => Basic::Uint,
        Value::Float(_) => Basic::Float,
        Value::Str(_) => Basic::String,
        _ => Basic::Invalid,
    }
}

fn shown(value: &Value) -> String {
    printf::sprint_text(value)
}

/// Go's `%s`, with its marks for what is no string.
fn as_string(value: &Value) -> String {
    String::from_utf8_lossy(&printf::sprintf(b"%s", std::slice::from_ref(value))).into_owned()
}

fn equal(first: &Value, others: &[Value]) -> Result<bool, FnError> {
    if others.is_empty() {
        return Err("missing argument for comparison".into());
    }
    let kind = basic(first);
    for other in others {
        let same = match (kind, basic(other)) {
            (Basic::Int, Basic::Uint) | (Basic::Uint, Basic::Int) => first.as_int() == other.as_int(),
            (a, b) if a != b => {
                if !first.is_nil() && !other.is_nil() {
                    return Err(format!(
                        "incompatible types for comparison: {} and {}",
                        first.go_type(),
                        other.go_type()
                    )
                    .into());
                }
                false
            }
            (Basic::Invalid, _) => equal_others(first, other)?,
            _ => match (first, other) {
                (Value::Bool(a), Value::Bool(b)) => a == b,
                #[allow(clippy::float_cmp, reason = "as Go compares")]
                (Value::Float(a), Value::Float(b)) => a == b,
                (Value::Str(a), Value::Str(b)) => a == b,
                _ => first.as_int() == other.as_int(),
            },
        };
        if same {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Lists, maps, structs and nothing.
fn equal_others(a: &Value, b: &Value) -> Result<bool, FnError> {
    let is_nil = |value: &Value| match value {
        Value::List(list) => list.is_nil(),
        Value::Map(map) => map.is_nil(),
        other => other.is_nil(),
    };
    if a.kind() != b.kind() && !a.is_nil() && !b.is_nil() {
        return Err(format!(
            "non-comparable types {}: {}, {}: {}",
            as_string(a),
            a.go_type(),
            b.go_type(),
            shown(b)
        )
        .into());
    }
    if is_nil(a) || is_nil(b) {
        return Ok(is_nil(a) == is_nil(b));
    }
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => Ok(x.equals(y.as_ref())),
        _ => Err(format!("non-comparable type {}: {}", as_string(b), b.go_type()).into()),
    }
}

fn less(a: &Value, b: &Value) -> Result<bool, FnError> {
    let bad = || FnError::from("invalid type for comparison");
    let (x, y) = (basic(a), basic(b));
    if x == Basic::Invalid || y == Basic::Invalid {
        return Err(bad());
    }
    match (x, y) {
        (Basic::Int | Basic::Uint, Basic::Int | Basic::Uint) => Ok(a.as_int() < b.as_int()),
        _ if x != y => {
            Err(format!("incompatible types for comparison: {} and {}", a.go_type(), b.go_type()).into())
        }
        _ => match (a, b) {
            (Value::Float(a), Value::Float(b)) => Ok(a < b),
            (Value::Str(a), Value::Str(b)) => Ok(a < b),
            _ => Err(bad()),
        },
    }
}

fn two(args: &[Value]) -> Result<(&Value, &Value), FnError> {
    match args {
        [a, b] => Ok((a, b)),
        _ => Err(wrong()),
    }
}

fn eq(_: &mut Context, args: &[Value]) -> Called {
    let (first, others) = args.split_first().ok_or_else(wrong)?;
    equal(first, others).map(Value::Bool)
}

fn ne(_: &mut Context, args: &[Value]) -> Called {
    let (a, b) = two(args)?;
    Ok(Value::Bool(!equal(a, std::slice::from_ref(b))?))
}

fn lt(_: &mut Context, args: &[Value]) -> Called {
    let (a, b) = two(args)?;
    less(a, b).map(Value::Bool)
}

fn less_or_equal(a: &Value, b: &Value) -> Result<bool, FnError> {
    Ok(less(a, b)? || equal(a, std::slice::from_ref(b))?)
}

fn le(_: &mut Context, args: &[Value]) -> Called {
    let (a, b) = two(args)?;
    less_or_equal(a, b).map(Value::Bool)
}

fn gt(_: &mut Context, args: &[Value]) -> Called {
    let (a, b) = two(args)?;
    Ok(Value::Bool(!less_or_equal(a, b)?))
}

fn ge(_: &mut Context, args: &[Value]) -> Called {
    let (a, b) = two(args)?;
    Ok(Value::Bool(!less(a, b)?))
}

// ---- looking inside

/// The number of elements, for what has any.
fn length(value: &Value) -> Option<usize> {
    match value {
        Value::Str(text) => Some(text.len()),
        Value::Bytes(bytes) => Some(bytes.len()),
        Value::List(list) => Some(list.len()),
        Value::Map(map) => Some(map.len()),
        _ => None,
    }
}

fn len(context: &mut Context, args: &[Value]) -> Called {
    let value = args.first().ok_or_else(wrong)?;
    context.read_keys(value);
    match value {
        Value::Nil => Err("len of nil pointer".into()),
        Value::Invalid => Err("reflect: call of reflect.Value.Type on zero Value".into()),
        _ => match length(value) {
            Some(length) => Ok(Value::Int(i64::try_from(length).unwrap_or(i64::MAX))),
            None => Err(format!("len of type {}", value.go_type()).into()),
        },
    }
}

/// Go's `indexArg`.
fn position(index: &Value, cap: usize) -> Result<usize, FnError> {
    let n = match index {
        Value::Invalid | Value::Nil => return Err("cannot index slice/array with nil".into()),
        _ => index.as_int().ok_or_else(|| {
            FnError::from(format!("cannot index slice/array with type {}", index.go_type()))
        })?,
    };
    match usize::try_from(n) {
        Ok(at) if at <= cap => Ok(at),
        _ => Err(format!("index out of range: {n}").into()),
    }
}

fn index(context: &mut Context, args: &[Value]) -> Called {
    let (item, indexes) = args.split_first().ok_or_else(wrong)?;
    if item.is_nil() {
        return Err("index of untyped nil".into());
    }
    let mut item = item.clone();
    for index in indexes {
        let at = |length: usize| {
            let at = position(index, length)?;
            // Go's own bounds check panics one further.
            if at == length { Err(FnError::from("reflect: slice index out of range")) } else { Ok(at) }
        };
        let next = match &item {
            Value::Invalid | Value::Nil => return Err("index of nil pointer".into()),
            Value::Str(text) => {
                let at = position(index, text.len())?;
                match text.get(at) {
                    Some(byte) => Value::Uint8(*byte),
                    None => return Err("reflect: string index out of range".into()),
                }
            }
            Value::Bytes(bytes) => bytes.get(at(bytes.len())?).map_or(Value::Nil, |byte| Value::Uint8(*byte)),
            Value::List(list) => {
                context.read_keys(&item);
                list.get(at(list.len())?).cloned().unwrap_or(Value::Nil)
            }
            Value::Map(map) => {
                let key = match index {
                    Value::Str(key) => key,
                    Value::Invalid | Value::Nil => {
                        return Err("value is nil; should be of type string".into());
                    }
                    other => {
                        return Err(format!("value has type {}; should be string", other.go_type()).into());
                    }
                };
                context.read(&item, key);
                map.get(key).unwrap_or_else(|| map.kind().zero())
            }
            other => return Err(format!("can't index item of type {}", other.go_type()).into()),
        };
        item = next;
    }
    Ok(item)
}

/// Go's own `slice`; sprig's has the same name and hides it.
fn slice(_: &mut Context, args: &[Value]) -> Called {
    let (item, indexes) = args.split_first().ok_or_else(wrong)?;
    if item.is_nil() {
        return Err("slice of untyped nil".into());
    }
    if indexes.len() > 3 {
        return Err(format!("too many slice indexes: {}", indexes.len()).into());
    }
    let length = match item {
        Value::Str(_) if indexes.len() == 3 => return Err("cannot 3-index slice a string".into()),
        Value::Str(text) => text.len(),
        Value::List(list) => list.len(),
        other => return Err(format!("can't slice item of type {}", other.go_type()).into()),
    };
    let mut range = [0, length];
    for (slot, index) in range.iter_mut().zip(indexes) {
        *slot = position(index, length)?;
    }
    let [from, to] = range;
    if from > to {
        return Err(format!("invalid slice index: {from} > {to}").into());
    }
    Ok(match item {
        Value::Str(text) => Value::str(&text[from..to]),
        Value::List(list) => {
            Value::List(super::value::List::new(list.kind(), list[from..to].to_vec()).into())
        }
        other => other.clone(),
    })
}

fn call(_: &mut Context, args: &[Value]) -> Called {
    match args.first() {
        None | Some(Value::Invalid | Value::Nil) => Err("call of nil".into()),
        Some(other) => Err(format!("non-function {} of type {}", shown(other), other.go_type()).into()),
    }
}

// ---- text

fn print(_: &mut Context, args: &[Value]) -> Called {
    Ok(Value::str(printf::sprint_all(args)))
}

fn println(_: &mut Context, args: &[Value]) -> Called {
    Ok(Value::str(printf::sprintln(args)))
}

fn printf_(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(format), rest @ ..] = args else { return Err(wrong()) };
    let out = printf::sprintf(format, rest);
    context.charge(out.len())?;
    Ok(Value::str(out))
}

/// Go's `evalArgs`: one string as it is, else as `print` puts them together.
fn joined(args: &[Value]) -> Str {
    if let [Value::Str(text)] = args {
        return text.clone();
    }
    let shown = |arg: &Value| if arg.is_nil() { Value::str("<no value>") } else { arg.clone() };
    let args: Vec<Value> = args.iter().map(shown).collect();
    Str::from(printf::sprint_all(&args))
}

fn html(_: &mut Context, args: &[Value]) -> Called {
    let mut out = Vec::new();
    for byte in joined(args).iter() {
        match byte {
            0 => out.extend_from_slice("\u{fffd}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            other => out.push(*other),
        }
    }
    Ok(Value::str(out))
}

fn js(_: &mut Context, args: &[Value]) -> Called {
    use std::fmt::Write as _;
    let text = joined(args);
    let mut out = String::new();
    for c in text.text().chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '"' => out.push_str("\\\""),
            '<' => out.push_str("\\u003C"),
            '>' => out.push_str("\\u003E"),
            '&' => out.push_str("\\u0026"),
            '=' => out.push_str("\\u003D"),
            c if c < ' ' || !super::quote::is_print(c) => {
                let _ = write!(out, "\\u{:04X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    Ok(Value::str(out))
}

fn urlquery(_: &mut Context, args: &[Value]) -> Called {
    use std::fmt::Write as _;
    let mut out = String::new();
    for byte in joined(args).iter() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(*byte));
            }
            b' ' => out.push('+'),
            other => {
                let _ = write!(out, "%{other:02X}");
            }
        }
    }
    Ok(Value::str(out))
}

// ---- helm's

fn include(context: &mut Context, args: &[Value]) -> Called {
    match args {
        [Value::Str(name), dot] => context.include(name, dot.clone()).map(Value::Str),
        _ => Err(wrong()),
    }
}

fn tpl(context: &mut Context, args: &[Value]) -> Called {
    match args {
        [Value::Str(text), dot] => context.tpl(text, dot.clone()).map(Value::Str),
        _ => Err(wrong()),
    }
}

fn required(_: &mut Context, args: &[Value]) -> Called {
    match args {
        [Value::Str(words), value] => {
            let empty = match value {
                Value::Str(text) => text.is_empty(),
                other => other.is_nil(),
            };
            if empty { Err(format!("{WARN_START}{words}{WARN_END}").into()) } else { Ok(value.clone()) }
        }
        _ => Err(wrong()),
    }
}

fn fail(_: &mut Context, args: &[Value]) -> Called {
    match args {
        [Value::Str(words)] => Err(format!("{WARN_START}{words}{WARN_END}").into()),
        _ => Err(wrong()),
    }
}

/// Without a cluster: an empty map.
fn lookup(_: &mut Context, _: &[Value]) -> Called {
    Ok(Value::Map(super::value::Map::new::<Str>(MapKind::Any, []).into()))
}

/// Helm asks no name server unless told to.
fn host_by_name(_: &mut Context, _: &[Value]) -> Called {
    Ok(Value::str(""))
}

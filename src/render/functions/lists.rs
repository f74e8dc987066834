//! sprig's functions on lists. All make new lists; the `must…` twins fail in the same words, because Go turns a panic
//! into the error that they return.

use super::cast::integer;
use super::{Called, args_error};
use crate::render::template::Context;
use crate::render::template::function::{FnError, Function, Reads, Type};
use crate::render::template::value::{Kind, List, ListKind, Value};

use Type::{Any, Int};

/// A function under its name and that of its twin.
macro_rules! twins {
    ($name:literal, $must:literal, $params:expr, $code:expr) => {
        [Function::new($name, $params, $code), Function::new($must, $params, $code)]
    };
}

const FIRST: [Function; 2] = twins!("first", "mustFirst", &[Any], |_, args| {
    Ok(items(args, "find first")?.first().cloned().unwrap_or(Value::Nil))
});
const LAST: [Function; 2] = twins!("last", "mustLast", &[Any], |_, args| {
    Ok(items(args, "find last")?.last().cloned().unwrap_or(Value::Nil))
});
const REST: [Function; 2] = twins!("rest", "mustRest", &[Any], |_, args| {
    Ok(part(&items(args, "find rest")?, |list| list.get(1..)))
});
const INITIAL: [Function; 2] = twins!("initial", "mustInitial", &[Any], |_, args| {
    Ok(part(&items(args, "find initial")?, |list| list.get(..list.len().saturating_sub(1))))
});
const REVERSE: [Function; 2] = twins!("reverse", "mustReverse", &[Any], |_, args| {
    Ok(Value::list(items(args, "find reverse")?.into_iter().rev().collect()))
});
const COMPACT: [Function; 2] = twins!("compact", "mustCompact", &[Any], |_, args| {
    Ok(Value::list(items(args, "compact on")?.into_iter().filter(Value::is_true).collect()))
});
const UNIQ: [Function; 2] = twins!("uniq", "mustUniq", &[Any], uniq);
const HAS: [Function; 2] = twins!("has", "mustHas", &[Any, Any], has);
const APPEND: [Function; 2] = twins!("append", "mustAppend", &[Any, Any], |_, args| push(args));
const PUSH: [Function; 2] = twins!("push", "mustPush", &[Any, Any], |_, args| push(args));
const PREPEND: [Function; 2] = twins!("prepend", "mustPrepend", &[Any, Any], |_, args| {
    let [list, item] = args else { return Err(args_error()) };
    let old = items(std::slice::from_ref(list), "prepend on")?;
    Ok(Value::list(std::iter::once(item.clone()).chain(old).collect()))
});
const CHUNK: [Function; 2] = twins!("chunk", "mustChunk", &[Int, Any], chunk);

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("list", &[], |_, args| Ok(Value::list(args.to_vec()))).rest(Any).reads(Reads::Nothing),
    Function::new("tuple", &[], |_, args| Ok(Value::list(args.to_vec()))).rest(Any).reads(Reads::Nothing),
    Function::new("without", &[Any], without).rest(Any),
    Function::new("mustWithout", &[Any], without).rest(Any),
    Function::new("slice", &[Any], slice).rest(Any),
    Function::new("mustSlice", &[Any], slice).rest(Any),
    Function::new("concat", &[], concat).rest(Any),
];

pub(super) const TWINS: &[&[Function]] =
    &[&FIRST, &LAST, &REST, &INITIAL, &REVERSE, &COMPACT, &UNIQ, &HAS, &APPEND, &PUSH, &PREPEND, &CHUNK];

/// The elements of Go's slices; `None` for everything else.
fn elements(value: &Value) -> Option<Vec<Value>> {
    match value {
        Value::List(list) => Some(list.to_vec()),
        Value::Bytes(bytes) => Some(bytes.iter().copied().map(Value::Uint8).collect()),
        _ => None,
    }
}

/// The elements of the first argument, or sprig's words: `Cannot find first on type map`.
fn items(args: &[Value], deed: &str) -> Result<Vec<Value>, FnError> {
    let Some(value) = args.first() else { return Err(args_error()) };
    let on = if deed.ends_with(" on") || deed == "chunk" { "" } else { " on" };
    elements(value).ok_or_else(|| match value.kind() {
        Kind::Invalid => nil_pointer(),
        kind => format!("Cannot {deed}{on} type {}", kind.name()).into(),
    })
}

/// What Go says when sprig asks nothing for its type.
fn nil_pointer() -> FnError {
    "runtime error: invalid memory address or nil pointer dereference".into()
}

/// A part of a list; of an empty one Go's nil list.
fn part(list: &[Value], cut: impl Fn(&[Value]) -> Option<&[Value]>) -> Value {
    if list.is_empty() {
        return Value::List(List::nil(ListKind::Any).into());
    }
    Value::list(cut(list).unwrap_or_default().to_vec())
}

fn push(args: &[Value]) -> Called {
    let [list, item] = args else { return Err(args_error()) };
    let mut all = items(std::slice::from_ref(list), "push on")?;
    all.push(item.clone());
    Ok(Value::list(all))
}

fn contains(list: &[Value], wanted: &Value) -> bool {
    list.iter().any(|item| item.deep_equal(wanted))
}

fn uniq(context: &mut Context, args: &[Value]) -> Called {
    let mut kept: Vec<Value> = Vec::new();
    for item in items(args, "find uniq")? {
        context.work()?;
        if !contains(&kept, &item) {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

fn has(_: &mut Context, args: &[Value]) -> Called {
    let [wanted, list] = args else { return Err(args_error()) };
    if list.is_nil() {
        return Ok(Value::Bool(false));
    }
    Ok(Value::Bool(contains(&items(std::slice::from_ref(list), "find has")?, wanted)))
}

fn without(_: &mut Context, args: &[Value]) -> Called {
    let left = items(args, "find without")?;
    let omitted = args.get(1..).unwrap_or_default();
    Ok(Value::list(left.into_iter().filter(|item| !contains(omitted, item)).collect()))
}

fn chunk(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Int(size), list] = args else { return Err(args_error()) };
    let all = items(std::slice::from_ref(list), "chunk")?;
    let Some(size) = usize::try_from(*size).ok().filter(|size| *size > 0) else {
        return Err("runtime error: makeslice: len out of range".into());
    };
    context.charge(all.len().saturating_mul(size_of::<Value>()))?;
    // Go makes one empty chunk of an empty list, as long as was asked for, and fails to fill it.
    let chunks = all.chunks(size).map(|chunk| Value::list(chunk.to_vec())).collect();
    Ok(Value::List(List::new(ListKind::Lists, chunks).into()))
}

fn slice(_: &mut Context, args: &[Value]) -> Called {
    let [list, bounds @ ..] = args else { return Err(args_error()) };
    let Some(all) = elements(list) else {
        return Err(match list.kind() {
            Kind::Invalid => nil_pointer(),
            kind => format!("list should be type of slice or array but {}", kind.name()).into(),
        });
    };
    if all.is_empty() {
        return Ok(Value::Nil);
    }
    let start = bounds.first().map_or(0, integer);
    let end = bounds.get(1).map_or(i64::try_from(all.len()).unwrap_or(i64::MAX), integer);
    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let Some(kept) = range.and_then(|(start, end)| all.get(start..end)) else {
        return Err("reflect.Value.Slice: slice index out of bounds".into());
    };
    Ok(match list {
        Value::List(list) => Value::List(List::new(list.kind(), kept.to_vec()).into()),
        Value::Bytes(bytes) => {
            Value::Bytes(range.and_then(|(start, end)| bytes.get(start..end)).unwrap_or_default().into())
        }
        _ => Value::list(kept.to_vec()),
    })
}

fn concat(_: &mut Context, args: &[Value]) -> Called {
    let mut all = Vec::new();
    for list in args {
        all.extend(elements(list).ok_or_else(|| match list.kind() {
            Kind::Invalid => nil_pointer(),
            kind => format!("Cannot concat type {} as list", kind.name()).into(),
        })?);
    }
    if all.is_empty() {
        return Ok(Value::List(List::nil(ListKind::Any).into()));
    }
    Ok(Value::list(all))
}

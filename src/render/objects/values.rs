//! `.Values` and the other maps of helm's type `Values`: maps with methods, which hide keys of the same name.

use std::rc::Rc;

use super::super::template::Context;
use super::super::template::function::{FnError, Function, Reads, Type};
use super::super::template::value::{Map, MapKind, Str, Value};

/// Methods of helm's `Values`.
pub const METHODS: &[Function] = &[
    Function::new("AsMap", &[], as_map),
    Function::new("Table", &[Type::Str], table).reads(Reads::Told),
    Function::new("PathValue", &[Type::Str], path_value).reads(Reads::Told),
];

fn receiver(args: &[Value]) -> Result<&Rc<Map>, FnError> {
    args.first().and_then(Value::as_map).ok_or_else(|| "not a map of values".into())
}

fn as_map(_: &mut Context, args: &[Value]) -> Result<Value, FnError> {
    Ok(Value::Map(Rc::new(receiver(args)?.viewed_as(MapKind::Any))))
}

fn below(context: &mut Context, map: &Rc<Map>, path: &[u8]) -> Result<Rc<Map>, FnError> {
    let mut at = map.clone();
    for name in path.split(|byte| *byte == b'.') {
        let shown = Str::from(name);
        context.read(&Value::Map(at.clone()), &shown);
        at = match at.get(name) {
            Some(Value::Map(next)) => next,
            _ => return Err(format!("\"{shown}\" is not a table").into()),
        };
    }
    Ok(at)
}

fn table(context: &mut Context, args: &[Value]) -> Result<Value, FnError> {
    let path = args.get(1).and_then(Value::as_str).cloned().unwrap_or_default();
    let MapKind::Values(name) = receiver(args)?.kind() else { return Err("not a map of values".into()) };
    let found = below(context, receiver(args)?, &path)?;
    Ok(Value::Map(Rc::new(found.viewed_as(MapKind::Values(name)))))
}

fn path_value(context: &mut Context, args: &[Value]) -> Result<Value, FnError> {
    let path = args.get(1).and_then(Value::as_str).cloned().unwrap_or_default();
    if path.is_empty() {
        return Err("YAML path cannot be empty".into());
    }
    let (parent, key) = match path.iter().rposition(|byte| *byte == b'.') {
        Some(dot) => (below(context, receiver(args)?, &path[..dot])?, &path[dot + 1..]),
        None => (receiver(args)?.clone(), &path[..]),
    };
    context.read(&Value::Map(parent.clone()), &Str::from(key));
    match parent.get(key) {
        Some(value) if value.as_map().is_none() => Ok(value),
        _ => Err(format!("{} is not a value", Str::from(key)).into()),
    }
}

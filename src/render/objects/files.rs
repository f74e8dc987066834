//! `.Files`: what lies in the chart beside its templates.

use std::rc::Rc;
use std::sync::Arc;

use super::super::template::Context;
use super::super::template::function::{FnError, Function, Type};
use super::super::template::value::{Map, MapKind, Value};

/// Methods of helm's `files`.
pub const METHODS: &[Function] = &[
    Function::new("Get", &[Type::Str], get),
    Function::new("GetBytes", &[Type::Str], get_bytes),
    Function::new("Lines", &[Type::Str], lines),
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

fn lines(_: &mut Context, args: &[Value]) -> Result<Value, FnError> {
    let bytes = found(args)?;
    let text = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    Ok(Value::strings(text.split(|byte| *byte == b'\n')))
}

//! `.Capabilities`: what the cluster can do.

use super::super::template::Context;
use super::super::template::function::{FnError, Function, Type};
use super::super::template::value::Value;

/// Methods of `.Capabilities.APIVersions`.
pub const SET_METHODS: &[Function] = &[Function::new("Has", &[Type::Str], has)];

fn has(_: &mut Context, args: &[Value]) -> Result<Value, FnError> {
    match args {
        [Value::List(set), Value::Str(wanted)] => {
            Ok(Value::Bool(set.iter().any(|version| version.as_str() == Some(wanted))))
        }
        _ => Err("not a set of versions".into()),
    }
}

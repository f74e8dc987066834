//! sprig's functions that choose between values, and those that ask a value for its type.

use super::{Called, args_error};
use crate::render::template::Context;
use crate::render::template::function::{Function, Reads, Type};
use crate::render::template::value::Value;

use Type::{Any, Bool, Str as Text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("default", &[Any], default).rest(Any).reads(Reads::Nothing),
    Function::new("empty", &[Any], |_, args| Ok(Value::Bool(!args.first().is_some_and(Value::is_true))))
        .reads(Reads::Nothing),
    Function::new("coalesce", &[], |_, args| {
        Ok(args.iter().find(|value| value.is_true()).cloned().unwrap_or(Value::Nil))
    })
    .rest(Any)
    .reads(Reads::Nothing),
    Function::new("all", &[], |_, args| Ok(Value::Bool(args.iter().all(Value::is_true))))
        .rest(Any)
        .reads(Reads::Nothing),
    Function::new("any", &[], |_, args| Ok(Value::Bool(args.iter().any(Value::is_true))))
        .rest(Any)
        .reads(Reads::Nothing),
    Function::new("ternary", &[Any, Any, Bool], ternary).reads(Reads::Nothing),
    Function::new("typeOf", &[Any], |_, args| Ok(Value::str(&*type_of(args)))).reads(Reads::Nothing),
    Function::new("typeIs", &[Text, Any], |_, args| is(args, |wanted, value| *wanted == *value.go_type()))
        .reads(Reads::Nothing),
    Function::new("typeIsLike", &[Text, Any], |_, args| {
        is(args, |wanted, value| {
            let found = value.go_type();
            *wanted == *found || found.strip_prefix('*') == Some(wanted)
        })
    })
    .reads(Reads::Nothing),
    Function::new("kindOf", &[Any], |_, args| {
        Ok(Value::str(args.first().unwrap_or(&Value::Nil).kind().name()))
    })
    .reads(Reads::Nothing),
    Function::new("kindIs", &[Text, Any], |_, args| is(args, |wanted, value| wanted == value.kind().name()))
        .reads(Reads::Nothing),
    Function::new("deepEqual", &[Any, Any], |_, args| match args {
        [a, b] => Ok(Value::Bool(a.deep_equal(b))),
        _ => Err(args_error()),
    }),
];

fn default(_: &mut Context, args: &[Value]) -> Called {
    match args {
        [_, given, ..] if given.is_true() => Ok(given.clone()),
        [default, ..] => Ok(default.clone()),
        [] => Err(args_error()),
    }
}

fn ternary(_: &mut Context, args: &[Value]) -> Called {
    match args {
        [yes, _, Value::Bool(true)] => Ok(yes.clone()),
        [_, no, Value::Bool(false)] => Ok(no.clone()),
        _ => Err(args_error()),
    }
}

fn type_of(args: &[Value]) -> String {
    args.first().unwrap_or(&Value::Nil).go_type().into_owned()
}

fn is(args: &[Value], holds: impl Fn(&str, &Value) -> bool) -> Called {
    let [Value::Str(wanted), value] = args else { return Err(args_error()) };
    Ok(Value::Bool(holds(&wanted.text(), value)))
}

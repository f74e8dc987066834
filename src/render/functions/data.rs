//! YAML, JSON and TOML: helm's functions, and sprig's for JSON in its other forms.

use super::super::encode::read::{self, Wanted};
use super::super::encode::{json, toml, yaml};
use super::super::template::Context;
use super::super::template::function::{FnError, Function, Type};
use super::super::template::value::Value;
use super::{Called, args_error, dates};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("toYaml", &[Type::Any], to_yaml),
    Function::new("mustToYaml", &[Type::Any], must_to_yaml),
    Function::new("toYamlPretty", &[Type::Any], to_yaml_pretty),
    Function::new("fromYaml", &[Type::Str], from_yaml),
    Function::new("fromYamlArray", &[Type::Str], from_yaml_array),
    Function::new("toJson", &[Type::Any], to_json),
    Function::new("mustToJson", &[Type::Any], must_to_json),
    Function::new("fromJson", &[Type::Str], from_json),
    Function::new("fromJsonArray", &[Type::Str], from_json_array),
    Function::new("mustFromJson", &[Type::Str], must_from_json),
    Function::new("toPrettyJson", &[Type::Any], to_pretty_json),
    Function::new("mustToPrettyJson", &[Type::Any], must_to_pretty_json),
    Function::new("toRawJson", &[Type::Any], to_raw_json),
    Function::new("mustToRawJson", &[Type::Any], to_raw_json),
    Function::new("toToml", &[Type::Any], to_toml),
    Function::new("mustToToml", &[Type::Any], must_to_toml),
    Function::new("fromToml", &[Type::Str], from_toml),
];

fn first(args: &[Value]) -> Result<&Value, FnError> {
    args.first().ok_or_else(|| "an argument is missing".into())
}

fn text(args: &[Value]) -> Result<&[u8], FnError> {
    first(args)?.as_str().map(|text| &**text).ok_or_else(|| "the argument is no string".into())
}

fn yaml_of(value: &Value) -> Result<Value, String> {
    let mut text = yaml::encode(value)?;
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(Value::str(text))
}

/// Errors are swallowed, as helm does.
fn to_yaml(_: &mut Context, args: &[Value]) -> Called {
    Ok(yaml_of(first(args)?).unwrap_or_else(|_| Value::str("")))
}

fn must_to_yaml(_: &mut Context, args: &[Value]) -> Called {
    yaml_of(first(args)?).map_err(FnError::Words)
}

fn to_yaml_pretty(_: &mut Context, args: &[Value]) -> Called {
    let mut text = yaml::pretty(first(args)?).unwrap_or_default();
    if text.ends_with('\n') {
        text.pop();
    }
    Ok(Value::str(text))
}

/// The error's words are the result, as with helm; nothing at all makes it panic.
fn to_toml(context: &mut Context, args: &[Value]) -> Called {
    if first(args)?.is_nil() {
        return must_to_toml(context, args);
    }
    Ok(Value::str(toml::encode(first(args)?).unwrap_or_else(|words| words)))
}

fn must_to_toml(_: &mut Context, args: &[Value]) -> Called {
    toml::encode(first(args)?).map(Value::str).map_err(FnError::Words)
}

fn from_toml(_: &mut Context, args: &[Value]) -> Called {
    Ok(or_error_map(toml::decode(text(args)?, dates::of_toml)))
}

fn to_json(_: &mut Context, args: &[Value]) -> Called {
    Ok(Value::str(json::encode(first(args)?).unwrap_or_default()))
}

fn must_to_json(_: &mut Context, args: &[Value]) -> Called {
    json::encode(first(args)?).map(Value::str).map_err(FnError::Words)
}

/// A map with the error's words under `Error`.
fn or_error_map(read: Result<Value, String>) -> Value {
    read.unwrap_or_else(|words| Value::map([("Error", Value::str(words))]))
}

fn or_error_list(read: Result<Value, String>) -> Value {
    read.unwrap_or_else(|words| Value::list(vec![Value::str(words)]))
}

fn from_yaml(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(text)] = args else { return Err(args_error()) };
    Ok(or_error_map(read::from_yaml(&context.yaml(text), text, Wanted::Map)))
}

fn from_yaml_array(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(text)] = args else { return Err(args_error()) };
    Ok(or_error_list(read::from_yaml(&context.yaml(text), text, Wanted::List)))
}

fn from_json(_: &mut Context, args: &[Value]) -> Called {
    Ok(or_error_map(read::from_json(text(args)?, Wanted::Map)))
}

fn from_json_array(_: &mut Context, args: &[Value]) -> Called {
    Ok(or_error_list(read::from_json(text(args)?, Wanted::List)))
}

fn must_from_json(_: &mut Context, args: &[Value]) -> Called {
    let json: serde_json::Value =
        serde_json::from_slice(text(args)?).map_err(|error| FnError::Words(read::json_words(&error)))?;
    Ok(read::value(&json))
}

fn pretty(value: &Value) -> Result<Value, String> {
    Ok(Value::str(json::indented(&json::encode(value)?, "  ")))
}

fn to_pretty_json(_: &mut Context, args: &[Value]) -> Called {
    Ok(pretty(first(args)?).unwrap_or_else(|_| Value::str("")))
}

fn must_to_pretty_json(_: &mut Context, args: &[Value]) -> Called {
    pretty(first(args)?).map_err(FnError::Words)
}

fn to_raw_json(_: &mut Context, args: &[Value]) -> Called {
    json::encode_raw(first(args)?).map(Value::str).map_err(FnError::Words)
}

//! sprig's functions on maps. `set`, `unset` and the `merge` family change the map that everybody holds.

use std::rc::Rc;

use super::cast::text;
use super::{Called, args_error};
use crate::render::template::Context;
use crate::render::template::function::{FnError, Function, Reads, Type};
use crate::render::template::limits::NESTING;
use crate::render::template::value::{Map as GoMap, MapKind, Value};

use Type::{Any, Map, Str as Text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("dict", &[], dict).rest(Any).reads(Reads::Nothing),
    Function::new("get", &[Map, Text], get).reads(Reads::Told),
    Function::new("hasKey", &[Map, Text], has_key).reads(Reads::Told),
    Function::new("set", &[Map, Text, Any], set).reads(Reads::Nothing),
    Function::new("unset", &[Map, Text], unset).reads(Reads::Nothing),
    Function::new("pluck", &[Text], pluck).rest(Map).reads(Reads::Told),
    Function::new("keys", &[], keys).rest(Map).reads(Reads::Told),
    Function::new("values", &[Map], values).reads(Reads::Told),
    Function::new("pick", &[Map], pick).rest(Text).reads(Reads::Told),
    Function::new("omit", &[Map], omit).rest(Text).reads(Reads::Told),
    Function::new("merge", &[Map], |context, args| merged(context, args, false)).rest(Map),
    Function::new("mustMerge", &[Map], |context, args| merged(context, args, false)).rest(Map),
    Function::new("mergeOverwrite", &[Map], |context, args| merged(context, args, true)).rest(Map),
    Function::new("mustMergeOverwrite", &[Map], |context, args| merged(context, args, true)).rest(Map),
    Function::new("dig", &[], dig).rest(Any).reads(Reads::Told),
    Function::new("deepCopy", &[Any], deep_copy).reads(Reads::Nothing),
    Function::new("mustDeepCopy", &[Any], deep_copy).reads(Reads::Nothing),
];

fn dict(_: &mut Context, args: &[Value]) -> Called {
    let pairs = args.chunks(2).map(|pair| {
        let value = pair.get(1).cloned().unwrap_or_else(|| Value::str(""));
        (pair.first().map(text).unwrap_or_default(), value)
    });
    Ok(Value::map(pairs))
}

fn get(context: &mut Context, args: &[Value]) -> Called {
    let [dict @ Value::Map(map), Value::Str(key)] = args else { return Err(args_error()) };
    context.read(dict, key);
    Ok(map.get(key).unwrap_or_else(|| Value::str("")))
}

fn has_key(context: &mut Context, args: &[Value]) -> Called {
    let [dict @ Value::Map(map), Value::Str(key)] = args else { return Err(args_error()) };
    context.read(dict, key);
    Ok(Value::Bool(map.contains(key)))
}

fn set(context: &mut Context, args: &[Value]) -> Called {
    let [dict @ Value::Map(map), Value::Str(key), value] = args else { return Err(args_error()) };
    if map.is_nil() {
        return Err("assignment to entry in nil map".into());
    }
    context.changed(dict);
    map.insert(key, value.clone());
    Ok(dict.clone())
}

fn unset(context: &mut Context, args: &[Value]) -> Called {
    let [dict @ Value::Map(map), Value::Str(key)] = args else { return Err(args_error()) };
    context.changed(dict);
    map.remove(key);
    Ok(dict.clone())
}

fn pluck(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(key), dicts @ ..] = args else { return Err(args_error()) };
    let mut found = Vec::new();
    for dict in dicts {
        context.read(dict, key);
        found.extend(dict.as_map().and_then(|map| map.get(key)));
    }
    Ok(Value::list(found))
}

fn keys(context: &mut Context, args: &[Value]) -> Called {
    for map in args {
        context.read_keys(map);
    }
    // Go's order is random; sorted is one of the possible ones, and the same each time.
    Ok(Value::strings(args.iter().filter_map(Value::as_map).flat_map(|map| map.keys())))
}

fn values(context: &mut Context, args: &[Value]) -> Called {
    let [dict @ Value::Map(map)] = args else { return Err(args_error()) };
    context.read_keys(dict);
    Ok(Value::list(map.values()))
}

fn pick(context: &mut Context, args: &[Value]) -> Called {
    let [dict @ Value::Map(map), keys @ ..] = args else { return Err(args_error()) };
    let mut kept = Vec::new();
    for key in keys.iter().filter_map(Value::as_str) {
        context.read(dict, key);
        kept.extend(map.get(key).map(|value| (key, value)));
    }
    Ok(Value::map(kept))
}

fn omit(context: &mut Context, args: &[Value]) -> Called {
    let [dict @ Value::Map(map), keys @ ..] = args else { return Err(args_error()) };
    context.read_keys(dict);
    let omitted: Vec<_> = keys.iter().filter_map(Value::as_str).collect();
    Ok(Value::map(map.entries().into_iter().filter(|(key, _)| !omitted.contains(&key))))
}

fn merged(context: &mut Context, args: &[Value], overwrite: bool) -> Called {
    let [first, sources @ ..] = args else { return Err(args_error()) };
    let Value::Map(map) = first else { return Err(args_error()) };
    // mergo makes a map where there is none.
    let into = if map.is_nil() && sources.iter().filter_map(Value::as_map).any(|source| !source.is_nil()) {
        Rc::new(GoMap::new::<&str>(map.kind(), []))
    } else {
        map.clone()
    };
    for source in sources.iter().filter_map(Value::as_map) {
        merge(context, &into, source, overwrite, NESTING)?;
    }
    Ok(Value::Map(into))
}

/// mergo's merge of maps: without `overwrite` only what is missing or empty is taken, with it everything but empty
/// maps into full ones; maps on both sides are merged.
fn merge(
    context: &mut Context,
    into: &Rc<GoMap>,
    from: &Rc<GoMap>,
    overwrite: bool,
    depth: usize,
) -> Result<(), FnError> {
    let Some(depth) = depth.checked_sub(1) else {
        return Err("the maps nest too deep to be merged".into());
    };
    context.changed(&Value::Map(into.clone()));
    for (key, new) in from.entries() {
        context.work()?;
        let old = into.get(&key);
        if new.is_nil() {
            if overwrite {
                into.insert(key, Value::Nil);
            }
            continue;
        }
        if let (Some(Value::Map(old)), Value::Map(new)) = (&old, &new)
            && !old.is_nil()
        {
            merge(context, old, new, overwrite, depth)?;
        }
        let old_is_full = old.as_ref().is_some_and(|old| !is_empty(old));
        let both_maps = matches!((&old, &new), (Some(Value::Map(_)), Value::Map(_)));
        if old_is_full && both_maps {
            continue;
        }
        if overwrite || !old_is_full {
            into.insert(key, new);
        }
    }
    Ok(())
}

/// mergo's `isEmptyValue`: zero, false, no elements, nothing.
fn is_empty(value: &Value) -> bool {
    !value.is_true()
}

fn dig(context: &mut Context, args: &[Value]) -> Called {
    let ([path @ .., default, dict], true) = (args, args.len() >= 3) else {
        return Err("dig needs at least three arguments".into());
    };
    let mut keys = Vec::with_capacity(path.len());
    let mut current = dict.clone();
    let conversion = |value: &Value, wanted: &str| -> FnError {
        let found = if value.is_nil() { "nil".into() } else { value.go_type() };
        format!("interface conversion: interface {{}} is {found}, not {wanted}").into()
    };
    // Go's type assertion: `.Values` itself has a type of its own and is refused.
    let plain = |value: &Value| match value {
        Value::Map(map) if map.kind() == MapKind::Any => Ok(map.clone()),
        other => Err(conversion(other, "map[string]interface {}")),
    };
    plain(&current)?;
    for key in path {
        keys.push(key.as_str().ok_or_else(|| conversion(key, "string"))?);
    }
    for key in keys {
        let map = plain(&current)?;
        context.read(&current, key);
        let Some(next) = map.get(key) else { return Ok(default.clone()) };
        current = next;
    }
    Ok(current)
}

fn deep_copy(context: &mut Context, args: &[Value]) -> Called {
    let [value] = args else { return Err(args_error()) };
    if value.nests_deeper_than(NESTING) {
        return Err("the value nests too deep to be copied".into());
    }
    context.work()?;
    Ok(value.deep_copy(NESTING))
}

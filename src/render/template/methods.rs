//! Methods that values of templates have. Go looks for a method before it looks for a field or key.

use super::function::Function;
use super::value::{ListKind, MapKind, Str, Value};

/// Methods by the kind of value that has them; filled by whoever makes such values.
pub(super) fn find(value: &Value, name: &Str) -> Option<&'static Function> {
    let table: &'static [Function] = match value {
        Value::Map(map) => match map.kind() {
            MapKind::Files => super::super::objects::files::METHODS,
            MapKind::Values(_) => super::super::objects::values::METHODS,
            MapKind::Any | MapKind::Strings => return None,
        },
        Value::List(list) => match list.kind() {
            ListKind::VersionSet(_) => super::super::objects::capabilities::SET_METHODS,
            _ => return None,
        },
        Value::Object(object) => return object.method(name),
        _ => return None,
    };
    table.iter().find(|method| **name == *method.name.as_bytes())
}

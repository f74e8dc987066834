//! Text as values: what Go's JSON library, and sigs.k8s.io/yaml in front of it, make of documents. Every number
//! becomes a float.

use std::rc::Rc;

use serde_json::Value as Json;

use super::super::template::value::{List, ListKind, Map, MapKind, Origin, Str, Value};
use crate::yaml::YamlError;

/// Numbers the places in the values, for the trace.
pub trait Places {
    /// The place of a key below a place.
    fn key(&mut self, parent: Origin, key: &str) -> Origin;
    /// The place of an element below a place.
    fn index(&mut self, parent: Origin, index: usize) -> Origin;
    /// Whether the whole number here is an `int64` (set by `--set`) instead of a float.
    fn is_int(&self, parent: Origin, key: &str) -> bool;
    /// As [`Places::is_int`], for an element of a list.
    fn is_int_at(&self, parent: Origin, index: usize) -> bool;
}

/// No places: for documents that templates read.
pub struct Nowhere;

impl Places for Nowhere {
    fn key(&mut self, _: Origin, _: &str) -> Origin {
        0
    }

    fn index(&mut self, _: Origin, _: usize) -> Origin {
        0
    }

    fn is_int(&self, _: Origin, _: &str) -> bool {
        false
    }

    fn is_int_at(&self, _: Origin, _: usize) -> bool {
        false
    }
}

/// A JSON value as Go decodes it.
pub fn value(json: &Json) -> Value {
    placed(json, 0, &mut Nowhere)
}

/// As [`value`], each map and list with its place.
pub fn placed(json: &Json, at: Origin, places: &mut impl Places) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(on) => Value::Bool(*on),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or_default()),
        Json::String(text) => Value::str(text),
        Json::Array(items) => {
            let items = items.iter().enumerate().map(|(index, item)| {
                if let Some(int) = item.as_i64().filter(|_| places.is_int_at(at, index)) {
                    return Value::Int64(int);
                }
                let below = if is_container(item) { places.index(at, index) } else { 0 };
                placed(item, below, places)
            });
            let items = items.collect();
            Value::List(Rc::new(List::new(ListKind::Any, items).with_origin(at)))
        }
        Json::Object(_) => Value::Map(Rc::new(map(json, at, places, MapKind::Any))),
    }
}

/// A JSON object as a map of a kind.
pub fn map(json: &Json, at: Origin, places: &mut impl Places, kind: MapKind) -> Map {
    let entries = json.as_object().into_iter().flatten().map(|(key, value)| {
        let value = match value {
            Json::Number(number) if places.is_int(at, key) => match number.as_i64() {
                Some(int) => Value::Int64(int),
                None => Value::Float(number.as_f64().unwrap_or_default()),
            },
            other => {
                let below = if is_container(other) { places.key(at, key) } else { 0 };
                placed(other, below, places)
            }
        };
        (Str::from(key), value)
    });
    Map::new(kind, entries).with_origin(at)
}

fn is_container(json: &Json) -> bool {
    json.is_array() || json.is_object()
}

/// What Go's JSON calls a value's kind in its errors.
pub fn kind_of(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "bool",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

/// Whether a list or a map is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    Map,
    List,
}

impl Wanted {
    fn go_type(self) -> &'static str {
        match self {
            Self::Map => "map[string]interface {}",
            Self::List => "[]interface {}",
        }
    }

    fn of(self, json: &Json) -> Result<Value, String> {
        match (self, json) {
            (Self::Map, Json::Object(_)) | (Self::List, Json::Array(_)) => Ok(value(json)),
            _ => Err(format!(
                "json: cannot unmarshal {} into Go value of type {}",
                kind_of(json),
                self.go_type()
            )),
        }
    }
}

/// A YAML document as it was read.
///
/// # Errors
/// It is not YAML, or not of the wanted shape; in Go's words as far as they are ours to know.
pub fn from_yaml(read: &Result<Json, YamlError>, text: &[u8], wanted: Wanted) -> Result<Value, String> {
    let json = read.as_ref().map_err(|error| {
        format!("error converting YAML to JSON: {}", error.in_go_words(&super::json::lossy(text)))
    })?;
    // null leaves the empty map or list that helm starts with.
    match (wanted, json) {
        (Wanted::Map, Json::Null) => return Ok(Value::map::<Str>([])),
        (Wanted::List, Json::Null) => return Ok(Value::list(Vec::new())),
        _ => {}
    }
    wanted.of(json).map_err(|words| format!("error unmarshaling JSON: while decoding JSON: {words}"))
}

/// What Go says about text that is no JSON, as far as its words are known.
pub fn json_words(error: &serde_json::Error) -> String {
    if error.is_eof() { "unexpected end of JSON input".to_owned() } else { error.to_string() }
}

/// A JSON document.
///
/// # Errors
/// It is not JSON, or not of the wanted shape.
pub fn from_json(text: &[u8], wanted: Wanted) -> Result<Value, String> {
    if text.trim_ascii().is_empty() {
        return Err("unexpected end of JSON input".to_owned());
    }
    let json: Json = serde_json::from_slice(text).map_err(|error| json_words(&error))?;
    match (wanted, &json) {
        (Wanted::Map, Json::Null) => Ok(Value::Map(Rc::new(Map::nil(MapKind::Any)))),
        (Wanted::List, Json::Null) => Ok(Value::List(Rc::new(List::nil(ListKind::Any)))),
        _ => wanted.of(&json),
    }
}

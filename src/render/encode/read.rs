//! Text as values: what Go's JSON library, and sigs.k8s.io/yaml in front of it, make of documents. Every number
//! becomes a float.

use std::rc::Rc;

use serde_json::Value as Json;

use super::super::template::value::{List, ListKind, Map, MapKind, Str, Value};
use crate::yaml::YamlError;

/// A JSON value as Go decodes it.
pub fn value(json: &Json) -> Value {
    match json {
        Json::Null => Value::Nil,
        Json::Bool(on) => Value::Bool(*on),
        Json::Number(number) => Value::Float(number.as_f64().unwrap_or_default()),
        Json::String(text) => Value::str(text),
        Json::Array(items) => Value::list(items.iter().map(value).collect()),
        Json::Object(map) => Value::map(map.iter().map(|(key, json)| (key, value(json)))),
    }
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

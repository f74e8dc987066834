//! The quick way to a value, for documents without anchors, tags and merge keys: nearly all. Whatever is not plain, or
//! wrong, is left to the reader that keeps positions.

use serde_json::{Map, Value};
use serde_saphyr::granit_parser::{Event, ScalarStyle};

use super::node::events;
use super::read::{MAX_NODES, key_of};
use super::scalar;

/// A map or list that is being read.
enum Open {
    Map(Map<String, Value>, Option<String>),
    List(Vec<Value>),
}

/// The first document; `None` for one that must be looked at more closely.
pub(super) fn read(text: &str) -> Option<Value> {
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    let mut left = MAX_NODES;
    for event in events(text) {
        left = left.checked_sub(1)?;
        let value = match event.ok()?.0 {
            Event::Scalar(text, style, 0, None) => {
                let is_plain = style == ScalarStyle::Plain;
                if is_plain && (text == "<<" || scalar::is_not_finite(&text)) {
                    return None;
                }
                if is_plain {
                    scalar::resolve_owned(text.into_owned())
                } else {
                    Value::String(text.into_owned())
                }
            }
            Event::MappingStart(_, 0, None) => {
                open.push(Open::Map(Map::new(), None));
                continue;
            }
            Event::SequenceStart(_, 0, None) => {
                open.push(Open::List(Vec::new()));
                continue;
            }
            Event::MappingEnd | Event::SequenceEnd => match open.pop()? {
                Open::Map(map, None) => Value::Object(map),
                Open::List(list) => Value::Array(list),
                Open::Map(_, Some(_)) => return None,
            },
            Event::StreamStart | Event::DocumentStart(..) => continue,
            Event::DocumentEnd => return root,
            _ => return None,
        };
        match open.last_mut() {
            Some(Open::List(list)) => list.push(value),
            Some(Open::Map(map, key)) => match key.take() {
                Some(key) => drop(map.insert(key, value)),
                None => *key = Some(key_of(value).ok()?),
            },
            None => root = Some(value),
        }
    }
    None
}

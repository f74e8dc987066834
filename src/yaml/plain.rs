//! The quick way to a value, for documents without anchors, tags and merge keys: nearly all. Whatever is not plain, or
//! wrong, is left to the reader that keeps positions.

use serde_json::{Map, Value};
use serde_saphyr::granit_parser::{Event, ScalarStyle, ScanError, Span};

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
    document(&mut events(text)).map(|(value, _)| value)
}

/// The only document of a text, and the bytes at which its top-level keys begin: in a block map without keys that are
/// written twice, otherwise none.
pub(super) fn read_alone(text: &str) -> Option<(Value, Vec<usize>)> {
    let mut events = events(text);
    let (value, mut starts) = document(&mut events)?;
    if !matches!(events.next(), None | Some(Ok((Event::StreamEnd, _)))) {
        return None;
    }
    let begins_line = |at: &usize| *at == 0 || text.as_bytes().get(*at - 1) == Some(&b'\n');
    let is_block = !text.starts_with('\u{feff}')
        && value.as_object().is_some_and(|map| map.len() == starts.len())
        && starts.iter().all(begins_line)
        && starts.is_sorted();
    if !is_block {
        starts.clear();
    }
    Some((value, starts))
}

/// A document with the bytes at which keys of its root begin.
fn document<'t>(
    events: &mut impl Iterator<Item = Result<(Event<'t>, Span), ScanError>>,
) -> Option<(Value, Vec<usize>)> {
    let mut open: Vec<Open> = Vec::new();
    let mut root = None;
    let mut starts = Vec::new();
    let mut left = MAX_NODES;
    for event in events {
        left = left.checked_sub(1)?;
        let (event, span) = event.ok()?;
        let value = match event {
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
            Event::DocumentEnd => return Some((root?, starts)),
            _ => return None,
        };
        if let [Open::Map(_, None)] = &open[..] {
            starts.push(span.byte_range()?.start);
        }
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

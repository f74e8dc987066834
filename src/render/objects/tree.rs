//! The merged values as templates walk them. A map is made when somebody looks into it: a template reads a few keys of
//! thousands, and a rendering after an edit runs a few templates.

use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value as Json;

use super::super::encode::read;
use super::super::places::{self, Table};
use super::super::template::value::{List, ListKind, Map, MapKind, Origin, Str, Value};
use crate::values::{LayerKind, Merged};
use crate::yaml::{KeyPath, Segment};

/// All of `.Values`.
pub fn values(merged: &Arc<Merged>, places: &Table, kind: MapKind) -> Map {
    let mut ints = Vec::new();
    for layer in merged.layers().iter().filter(|layer| layer.kind == LayerKind::Set) {
        whole_numbers(layer.value(), &KeyPath::root(), &mut ints);
    }
    let tree = Tree { merged: merged.clone(), places: places.clone(), ints };
    map(&Rc::new(tree), places::ROOT, kind)
}

struct Tree {
    merged: Arc<Merged>,
    places: Table,
    /// Whole numbers that `--set` gave: `int64` to Go, where all others are floats.
    ints: Vec<KeyPath>,
}

fn whole_numbers(json: &Json, at: &KeyPath, found: &mut Vec<KeyPath>) {
    match json {
        Json::Object(map) => map.iter().for_each(|(key, value)| whole_numbers(value, &at.key(key), found)),
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                whole_numbers(item, &at.index(index), found);
            }
        }
        Json::Number(number) if number.is_i64() => found.push(at.clone()),
        _ => {}
    }
}

/// A key or an index.
#[derive(Clone, Copy)]
enum Step<'t> {
    Key(&'t str),
    Index(usize),
}

impl Step<'_> {
    fn segment(self) -> Segment {
        match self {
            Self::Key(key) => Segment::Key(key.to_owned()),
            Self::Index(index) => Segment::Index(index),
        }
    }
}

impl Tree {
    /// The number of the map or list below a place; nearly always it has one.
    fn place(&self, outer: Origin, step: Step<'_>) -> Origin {
        let known = match step {
            Step::Key(key) => self.places.read().find_key(outer, key),
            Step::Index(index) => self.places.read().find_item(outer, index),
        };
        known.unwrap_or_else(|| match step {
            Step::Key(key) => self.places.write().key(outer, key),
            Step::Index(index) => self.places.write().item(outer, index),
        })
    }

    fn is_int(&self, outer: Origin, step: Step<'_>) -> bool {
        !self.ints.is_empty() && {
            let mut path = self.places.read().path(outer);
            path.0.push(step.segment());
            self.ints.contains(&path)
        }
    }
}

/// The map at a place: its number leads to it.
fn map(tree: &Rc<Tree>, at: Origin, kind: MapKind) -> Map {
    let tree = tree.clone();
    let entries = move || {
        let path = tree.places.read().path(at);
        let entries = path.get(&tree.merged.value).and_then(Json::as_object).into_iter().flatten();
        let entry = |(key, json): (&String, &Json)| (Str::from(key), value(&tree, json, at, Step::Key(key)));
        entries.map(entry).collect()
    };
    Map::later(kind, entries).with_origin(at)
}

/// What lies one step below a map or list that is at `outer`.
fn value(tree: &Rc<Tree>, json: &Json, outer: Origin, step: Step<'_>) -> Value {
    match json {
        Json::Number(number) => match number.as_i64().filter(|_| tree.is_int(outer, step)) {
            Some(int) => Value::Int64(int),
            None => read::value(json),
        },
        Json::Array(items) => {
            let at = tree.place(outer, step);
            let item = |(index, item)| value(tree, item, at, Step::Index(index));
            let items = items.iter().enumerate().map(item).collect();
            Value::List(Rc::new(List::new(ListKind::Any, items).with_origin(at)))
        }
        Json::Object(_) => Value::Map(Rc::new(map(tree, tree.place(outer, step), MapKind::Any))),
        Json::Null | Json::Bool(_) | Json::String(_) => read::value(json),
    }
}

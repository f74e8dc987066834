//! Numbers for the places of maps and lists in values. A place keeps its number from one rendering to the next, so that
//! what was read then can be held against what changed since.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::Value as Json;

use super::template::trace::{Part, Read};
use super::template::value::Origin;
use crate::base::path::below;
use crate::yaml::{KeyPath, Segment, is_same};

/// The number of the values themselves.
pub const ROOT: Origin = 1;

/// When a table is given up: charts have thousands of places, a hostile one has as many as it likes.
const LIMIT: usize = 4_000_000;

#[derive(Debug, Default)]
struct Row {
    parent: Origin,
    segment: Option<Segment>,
    keys: HashMap<Box<str>, Origin>,
    items: Vec<Origin>,
}

/// The numbers. Places are added, never removed.
#[derive(Debug)]
pub struct Places {
    rows: Vec<Row>,
}

impl Default for Places {
    fn default() -> Self {
        // Number 0 means no place.
        Self { rows: vec![Row::default(), Row::default()] }
    }
}

impl Places {
    fn push(&mut self, parent: Origin, segment: Segment) -> Origin {
        self.rows.push(Row { parent, segment: Some(segment), ..Row::default() });
        Origin::try_from(self.rows.len() - 1).unwrap_or_default()
    }

    pub(super) fn find_key(&self, parent: Origin, key: &str) -> Option<Origin> {
        self.rows.get(parent as usize)?.keys.get(key).copied()
    }

    pub(super) fn find_item(&self, parent: Origin, index: usize) -> Option<Origin> {
        self.rows.get(parent as usize)?.items.get(index).copied().filter(|found| *found != 0)
    }

    /// The number of the map or list below a key.
    pub fn key(&mut self, parent: Origin, key: &str) -> Origin {
        if let Some(known) = self.find_key(parent, key) {
            return known;
        }
        let new = self.push(parent, Segment::Key(key.to_owned()));
        if let Some(row) = self.rows.get_mut(parent as usize) {
            row.keys.insert(key.into(), new);
        }
        new
    }

    /// The number of an element that is a map or list.
    pub fn item(&mut self, parent: Origin, index: usize) -> Origin {
        if let Some(known) = self.find_item(parent, index) {
            return known;
        }
        let new = self.push(parent, Segment::Index(index));
        if let Some(row) = self.rows.get_mut(parent as usize) {
            if row.items.len() <= index {
                row.items.resize(index + 1, 0);
            }
            row.items[index] = new;
        }
        new
    }

    /// The path of a number.
    pub fn path(&self, mut at: Origin) -> KeyPath {
        let mut path = Vec::new();
        while at > ROOT {
            let Some(Row { parent, segment: Some(segment), .. }) = self.rows.get(at as usize) else { break };
            path.push(segment.clone());
            at = *parent;
        }
        path.reverse();
        KeyPath(path)
    }

    /// The number of a path, if somebody ever looked at the map or list there.
    pub fn find(&self, path: &KeyPath) -> Option<Origin> {
        path.0.iter().try_fold(ROOT, |at, segment| self.below(at, segment))
    }

    /// The number of a path, or of the nearest around it that has one.
    pub fn nearest(&self, path: &KeyPath) -> Origin {
        let mut at = ROOT;
        for segment in &path.0 {
            let Some(below) = self.below(at, segment) else { break };
            at = below;
        }
        at
    }

    fn below(&self, at: Origin, segment: &Segment) -> Option<Origin> {
        match segment {
            Segment::Key(key) => self.find_key(at, key),
            Segment::Index(index) => self.find_item(at, *index),
        }
    }

    /// Whether a number is `outer` or below it.
    pub fn is_within(&self, mut at: Origin, outer: Origin) -> bool {
        while at != outer && at > ROOT {
            at = self.rows.get(at as usize).map_or(0, |row| row.parent);
        }
        at == outer
    }

    pub(super) fn parent(&self, at: Origin) -> Origin {
        self.rows.get(at as usize).map_or(0, |row| row.parent)
    }
}

/// A table that renderings share.
#[derive(Debug, Clone, Default)]
pub struct Table(Arc<RwLock<Places>>);

impl Table {
    pub fn read(&self) -> RwLockReadGuard<'_, Places> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, Places> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_full(&self) -> bool {
        self.read().rows.len() > LIMIT
    }

    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// What differs between two values, as [`Read`]s see it.
#[derive(Debug, Default)]
pub struct Changes {
    /// Keys that came, went, or whose scalar, type or emptiness is another.
    keys: HashMap<Origin, HashSet<Box<[u8]>>>,
    /// Maps and lists with such a key or element.
    direct: HashSet<Origin>,
    /// Those and everything around them.
    around: HashSet<Origin>,
    /// Nobody reads the root itself by a key; whether it is empty is told apart.
    pub root_emptied: bool,
}

impl Changes {
    /// Of values that are the same outside of these paths of keys; of any values where none are given.
    pub fn within(paths: Option<&[KeyPath]>, (old, new): (&Json, &Json), places: &Places) -> Self {
        let mut changes = Self { root_emptied: is_empty(old) != is_empty(new), ..Self::default() };
        match paths {
            Some(paths) => {
                let paths: Vec<&[Segment]> = paths.iter().map(|path| &*path.0).collect();
                changes.walk(old, new, ROOT, places, Some(&paths));
            }
            None if is_same(old, new) => {}
            None => {
                changes.walk(old, new, ROOT, places, None);
            }
        }
        changes
    }

    pub fn is_empty(&self) -> bool {
        self.around.is_empty() && !self.root_emptied
    }

    fn key(&mut self, at: Origin, key: &str) {
        self.keys.entry(at).or_default().insert(key.as_bytes().into());
        self.direct.insert(at);
    }

    /// Whether anything differs, at these paths where some are given.
    fn walk(
        &mut self,
        old: &Json,
        new: &Json,
        at: Origin,
        places: &Places,
        paths: Option<&[&[Segment]]>,
    ) -> bool {
        let mut changed = false;
        match (old, new) {
            (Json::Object(old), Json::Object(new)) => {
                let came = new.keys().filter(|key| !old.contains_key(*key));
                for key in old.keys().chain(came) {
                    let inside = paths.map(|paths| below(paths, key));
                    if inside.as_ref().is_some_and(Vec::is_empty) {
                        continue;
                    }
                    let inside = inside.as_deref().filter(|paths| paths.iter().all(|path| !path.is_empty()));
                    let (Some(before), Some(after)) = (old.get(key), new.get(key)) else {
                        self.key(at, key);
                        changed = true;
                        continue;
                    };
                    let place = || places.find_key(at, key).unwrap_or(0);
                    let (is_key, is_below) = self.pair(before, after, place, places, inside);
                    if is_key {
                        self.key(at, key);
                    }
                    changed |= is_key || is_below;
                }
            }
            (Json::Array(old), Json::Array(new)) => {
                let mut is_direct = old.len() != new.len();
                for (index, (before, after)) in old.iter().zip(new).enumerate() {
                    let below = || places.find_item(at, index).unwrap_or(0);
                    let (is_item, is_below) = self.pair(before, after, below, places, None);
                    is_direct |= is_item;
                    changed |= is_below;
                }
                if is_direct {
                    self.direct.insert(at);
                    changed = true;
                }
            }
            _ => changed = old != new,
        }
        if changed {
            self.around.insert(at);
        }
        changed
    }

    /// Whether what lies at a key or index is something else, and whether something below it is.
    fn pair(
        &mut self,
        before: &Json,
        after: &Json,
        below: impl FnOnce() -> Origin,
        places: &Places,
        paths: Option<&[&[Segment]]>,
    ) -> (bool, bool) {
        match (before, after) {
            (Json::Object(_), Json::Object(_)) | (Json::Array(_), Json::Array(_)) => {
                if paths.is_none() && is_same(before, after) {
                    return (false, false);
                }
                // A place that has no number was never read.
                let changed = self.walk(before, after, below(), places, paths);
                (changed && is_empty(before) != is_empty(after), changed)
            }
            _ => (before != after, false),
        }
    }

    /// Whether a read would find something else.
    pub fn hit(&self, read: &Read) -> bool {
        match &read.part {
            Part::Key(key) => self.keys.get(&read.origin).is_some_and(|keys| keys.contains(&**key)),
            Part::Keys => self.direct.contains(&read.origin),
            Part::Whole => self.around.contains(&read.origin),
        }
    }
}

fn is_empty(json: &Json) -> bool {
    match json {
        Json::Object(map) => map.is_empty(),
        Json::Array(items) => items.is_empty(),
        _ => false,
    }
}

/// One key of the values, as reads see it.
#[derive(Debug)]
pub struct Key {
    /// Of what is around it, or of the nearest around that which has a number.
    around: Origin,
    /// `None` where nobody looked into what is around it: only who took all of that can have read it.
    last: Option<Segment>,
    own: Option<Origin>,
}

impl Key {
    pub fn of(path: &KeyPath, places: &Places) -> Self {
        let Some((last, before)) = path.0.split_last() else {
            return Self { around: 0, last: None, own: Some(ROOT) };
        };
        let before = KeyPath(before.to_vec());
        match places.find(&before) {
            Some(around) => Self { around, last: Some(last.clone()), own: places.find(path) },
            None => Self { around: places.nearest(&before), last: None, own: None },
        }
    }

    /// Whether a read looked at this key, at something in it, or at everything around it.
    pub fn read_by(&self, read: &Read, places: &Places) -> bool {
        if self.own.is_some_and(|own| places.is_within(read.origin, own)) {
            return true;
        }
        match &read.part {
            Part::Key(key) => {
                read.origin == self.around
                    && matches!(&self.last, Some(Segment::Key(last)) if **key == *last.as_bytes())
            }
            Part::Keys => read.origin == self.around && self.last.is_some(),
            Part::Whole => {
                let mut at = self.around;
                while at != 0 && at != read.origin {
                    at = places.parent(at);
                }
                at != 0
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn number(json: &Json, at: Origin, places: &mut Places) {
        let is_container = |json: &Json| json.is_object() || json.is_array();
        for (key, value) in json.as_object().into_iter().flatten().filter(|(_, value)| is_container(value)) {
            let below = places.key(at, key);
            number(value, below, places);
        }
        let items = json.as_array().into_iter().flatten().enumerate();
        for (index, value) in items.filter(|(_, value)| is_container(value)) {
            let below = places.item(at, index);
            number(value, below, places);
        }
    }

    fn read(path: &[&str], part: Part, places: &Places) -> Read {
        let origin = places.find(&KeyPath::of(path.iter().copied())).unwrap();
        Read { origin, part, absent: false, container: false, way: false }
    }

    #[test]
    fn numbers_stay_and_lead_back() {
        let mut places = Places::default();
        let a = places.key(ROOT, "a");
        let item = places.item(a, 3);
        assert_eq!((places.key(ROOT, "a"), places.item(a, 3)), (a, item));
        assert_eq!(places.path(item).to_string(), "a[3]");
        assert!(places.find_item(a, 1).is_none());
        assert!(places.is_within(item, a) && places.is_within(a, ROOT) && !places.is_within(a, item));
    }

    #[test]
    fn a_change_hits_what_looked_there_and_nothing_else() {
        let old = json!({"a": {"x": 1, "m": {"k": 1}, "e": {}}, "b": [{"n": 1}, 2]});
        let mut places = Places::default();
        number(&old, ROOT, &mut places);
        let key = |key: &str| Part::Key(key.into());
        // (changed, what is read where, hit)
        let table: [(Json, &[&str], Part, bool); 12] = [
            (json!({"a": {"x": 2, "m": {"k": 1}, "e": {}}, "b": [{"n": 1}, 2]}), &["a"], key("x"), true),
            (json!({"a": {"x": 2, "m": {"k": 1}, "e": {}}, "b": [{"n": 1}, 2]}), &["a"], key("m"), false),
            (json!({"a": {"x": 2, "m": {"k": 1}, "e": {}}, "b": [{"n": 1}, 2]}), &["a"], Part::Keys, true),
            (
                json!({"a": {"x": 2, "m": {"k": 1}, "e": {}}, "b": [{"n": 1}, 2]}),
                &["a", "m"],
                Part::Whole,
                false,
            ),
            (json!({"a": {"x": 1, "m": {"k": 2}, "e": {}}, "b": [{"n": 1}, 2]}), &["a"], Part::Keys, false),
            (json!({"a": {"x": 1, "m": {"k": 2}, "e": {}}, "b": [{"n": 1}, 2]}), &["a"], Part::Whole, true),
            (json!({"a": {"x": 1, "m": {}, "e": {}}, "b": [{"n": 1}, 2]}), &["a"], key("m"), true),
            (
                json!({"a": {"x": 1, "m": {"k": 1}, "e": {"q": 0}}, "b": [{"n": 1}, 2]}),
                &["a"],
                key("e"),
                true,
            ),
            (json!({"a": {"x": 1, "m": {"k": 1}, "e": {}}, "b": [{"n": 2}, 2]}), &["b"], Part::Keys, false),
            (json!({"a": {"x": 1, "m": {"k": 1}, "e": {}}, "b": [{"n": 2}, 2]}), &["b"], Part::Whole, true),
            (json!({"a": {"x": 1, "m": {"k": 1}, "e": {}}, "b": [{"n": 1}]}), &["b"], Part::Keys, true),
            (
                json!({"a": {"x": 1, "m": {"k": 1}, "e": {}, "y": 1}, "b": [{"n": 1}, 2]}),
                &["a"],
                key("y"),
                true,
            ),
        ];
        for (new, path, part, hit) in table {
            let read = read(path, part, &places);
            assert_eq!(Changes::within(None, (&old, &new), &places).hit(&read), hit, "{new} {read:?}");
        }
        assert!(Changes::within(None, (&old, &old), &places).is_empty());
    }
}

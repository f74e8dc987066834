//! Go's maps with string keys: shared, and changed in place by `set`, `unset` and `merge`.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Origin, Str, Value, unravel};

/// The type of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MapKind {
    /// `map[string]interface {}`
    Any,
    /// `map[string]string`
    Strings,
    /// Helm's named `map[string]interface {}` with methods: its name with the package (`common.Values`).
    Values(&'static str),
    /// `engine.files`, a `map[string][]byte` with methods.
    Files,
}

impl MapKind {
    /// As Go prints it.
    pub fn go_type(self) -> &'static str {
        match self {
            Self::Any => "map[string]interface {}",
            Self::Strings => "map[string]string",
            Self::Values(name) => name,
            Self::Files => "engine.files",
        }
    }

    /// Whether elements are interfaces: a missing key is then nil, else the element type's zero.
    pub fn is_any(self) -> bool {
        matches!(self, Self::Any | Self::Values(_))
    }

    /// What a missing key gives (`missingkey=zero`).
    pub fn zero(self) -> Value {
        match self {
            Self::Any | Self::Values(_) => Value::Nil,
            Self::Strings => Value::Str(Str::default()),
            Self::Files => Value::Bytes([].into()),
        }
    }
}

/// What a map holds.
#[derive(Default)]
struct Entries {
    made: RefCell<BTreeMap<Str, Value>>,
    /// Makes them when somebody looks for the first time.
    later: Cell<Option<Box<Later>>>,
}

type Later = dyn FnOnce() -> Vec<(Str, Value)>;

impl Entries {
    fn get(&self) -> &RefCell<BTreeMap<Str, Value>> {
        if let Some(later) = self.later.take() {
            *self.made.borrow_mut() = later().into_iter().collect();
        }
        &self.made
    }
}

/// A map. No method hands out a borrow, so that a map can be merged into itself.
pub struct Map {
    kind: MapKind,
    origin: Origin,
    is_nil: Cell<bool>,
    /// A template changed it: what it holds is no longer only what its origin says.
    is_mixed: Cell<bool>,
    /// Shared by the views of one map under several types.
    entries: Rc<Entries>,
}

impl Map {
    /// A map of a type; the values must be of its element type.
    pub fn new<K: Into<Str>>(kind: MapKind, entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        let made = entries.into_iter().map(|(key, value)| (key.into(), value)).collect();
        Self::holding(kind, Entries { made: RefCell::new(made), later: Cell::default() })
    }

    /// A map whose entries are made when somebody looks into it. Their making looks into no map.
    pub fn later(kind: MapKind, entries: impl FnOnce() -> Vec<(Str, Value)> + 'static) -> Self {
        Self::holding(kind, Entries { later: Cell::new(Some(Box::new(entries))), ..Entries::default() })
    }

    fn holding(kind: MapKind, entries: Entries) -> Self {
        Self {
            kind,
            origin: 0,
            is_nil: Cell::default(),
            is_mixed: Cell::default(),
            entries: Rc::new(entries),
        }
    }

    /// A nil map: empty, and `null` in JSON. Go panics when something is set in it.
    pub fn nil(kind: MapKind) -> Self {
        let map = Self::new::<Str>(kind, []);
        map.is_nil.set(true);
        map
    }

    /// The same map under another type: what is set in one is seen in the other.
    #[must_use]
    pub fn viewed_as(&self, kind: MapKind) -> Self {
        Self {
            kind,
            origin: self.origin,
            is_nil: self.is_nil.clone(),
            is_mixed: self.is_mixed.clone(),
            entries: self.entries.clone(),
        }
    }

    /// Whether it is the same map, perhaps under another type.
    pub fn is_same(&self, other: &Self) -> bool {
        Rc::ptr_eq(&self.entries, &other.entries)
    }

    /// Says where in the chart's values it stands.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    /// Tells maps apart, as long as they live; views of one map have one.
    pub(in super::super) fn address(&self) -> usize {
        Rc::as_ptr(&self.entries).cast::<u8>() as usize
    }

    pub fn kind(&self) -> MapKind {
        self.kind
    }

    pub fn origin(&self) -> Origin {
        self.origin
    }

    pub fn is_nil(&self) -> bool {
        self.is_nil.get()
    }

    pub fn is_mixed(&self) -> bool {
        self.is_mixed.get()
    }

    /// Says that a template changed it.
    pub fn mix(&self) {
        self.is_mixed.set(true);
    }

    pub fn len(&self) -> usize {
        self.entries.get().borrow().len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.get().borrow().is_empty()
    }

    pub fn get(&self, key: &[u8]) -> Option<Value> {
        self.entries.get().borrow().get(key).cloned()
    }

    pub fn contains(&self, key: &[u8]) -> bool {
        self.entries.get().borrow().contains_key(key)
    }

    /// Sets a key for everybody who holds the map. Functions tell the trace by `Context::changed`.
    pub fn insert(&self, key: impl Into<Str>, value: Value) {
        // What was there is dropped after the borrow: it may be a large tree.
        let old = self.entries.get().borrow_mut().insert(key.into(), value);
        drop(old);
    }

    /// Removes a key for everybody who holds the map.
    pub fn remove(&self, key: &[u8]) {
        let old = self.entries.get().borrow_mut().remove(key);
        drop(old);
    }

    /// The keys, sorted by bytes.
    pub fn keys(&self) -> Vec<Str> {
        self.entries.get().borrow().keys().cloned().collect()
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> Vec<Value> {
        self.entries.get().borrow().values().cloned().collect()
    }

    /// Keys and values, sorted by key.
    pub fn entries(&self) -> Vec<(Str, Value)> {
        self.entries.get().borrow().iter().map(|(key, value)| (key.clone(), value.clone())).collect()
    }

    /// The values of a map that nobody else holds.
    pub(super) fn take(&mut self) -> Vec<Value> {
        let entries = Rc::get_mut(&mut self.entries).map(|entries| std::mem::take(entries.made.get_mut()));
        entries.unwrap_or_default().into_values().collect()
    }
}

impl Drop for Map {
    fn drop(&mut self) {
        let nests = |entries: &mut Entries| entries.made.get_mut().values().any(Value::is_container);
        if Rc::get_mut(&mut self.entries).is_some_and(nests) {
            unravel(self.take());
        }
    }
}

//! What templates compute with: Go's values as `reflect` shows them, with their dynamic types.
//!
//! Three kinds of nothing are kept apart, because Go's errors and output do: [`Value::Invalid`] is reflect's zero
//! `Value` (printed `<no value>`, a field of it is invalid again), [`Value::Nil`] an interface that holds nothing (a
//! field of it is an error), and nil lists and maps are empty but print as `null` in JSON. Functions never see
//! `Invalid` unless their parameter is [`Type::Reflect`](super::function::Type).
//!
//! Strings are bytes. Lists are immutable and shared. Maps are shared and mutable, as in Go: `set` is seen by
//! everybody who holds the map.

mod list;
mod map;
mod object;
mod text;

use std::borrow::Cow;
use std::rc::Rc;
use std::sync::Arc;

pub use list::{List, ListKind};
pub use map::{Map, MapKind};
pub use object::Object;
pub use text::Str;

/// Where a map or list stands in the chart's values: a number of `render::places`, 0 for everything a template made
/// itself.
pub type Origin = u32;

/// Origin of maps that all templates of a chart share and that hold no values: the scope, `.Chart`, `.Release`.
pub const SCOPE: Origin = Origin::MAX >> 1;

/// Added to the origin of a copy: it still says where its contents came from, but changing it changes nobody else's.
const COPY: Origin = 1 << 31;

/// The place in the values, for what has one.
pub fn in_values(origin: Origin) -> Option<Origin> {
    let place = origin & !COPY;
    (place != 0 && place != SCOPE).then_some(place)
}

/// Whether others hold it, too.
pub fn is_shared(origin: Origin) -> bool {
    origin != 0 && origin & COPY == 0
}

fn copied(origin: Origin) -> Origin {
    in_values(origin).map_or(0, |place| place | COPY)
}

/// A value of a template.
#[derive(Clone)]
pub enum Value {
    /// reflect's zero `Value`: nothing, not even a type.
    Invalid,
    /// A nil interface.
    Nil,
    Bool(bool),
    /// `int`: literals, `len`, `int`, loop indexes.
    Int(i64),
    /// `int64`: what sprig's arithmetic returns.
    Int64(i64),
    /// `uint8`: a byte of an indexed string.
    Uint8(u8),
    Uint32(u32),
    /// `float64`: every number of values, JSON and YAML.
    Float(f64),
    Str(Str),
    /// `[]uint8`.
    Bytes(Arc<[u8]>),
    List(Rc<List>),
    Map(Rc<Map>),
    /// A Go struct, or a pointer to one: capabilities, times, versions, certificates.
    Object(Rc<dyn Object>),
}

/// Kinds as `kindOf` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Invalid,
    Bool,
    Int,
    Int64,
    Uint8,
    Uint32,
    Float64,
    String,
    Slice,
    Map,
    Struct,
    Ptr,
}

impl Kind {
    /// Go's word: `float64`, `slice`, `ptr`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint8 => "uint8",
            Self::Uint32 => "uint32",
            Self::Float64 => "float64",
            Self::String => "string",
            Self::Slice => "slice",
            Self::Map => "map",
            Self::Struct => "struct",
            Self::Ptr => "ptr",
        }
    }
}

impl Value {
    /// A string.
    pub fn str(text: impl Into<Str>) -> Self {
        Self::Str(text.into())
    }

    /// A `[]interface {}`.
    pub fn list(items: Vec<Self>) -> Self {
        Self::List(Rc::new(List::new(ListKind::Any, items)))
    }

    /// A `[]string`.
    pub fn strings<S: Into<Str>>(items: impl IntoIterator<Item = S>) -> Self {
        let items = items.into_iter().map(Self::str).collect();
        Self::List(Rc::new(List::new(ListKind::Strings, items)))
    }

    /// A `map[string]interface {}`.
    pub fn map<K: Into<Str>>(entries: impl IntoIterator<Item = (K, Self)>) -> Self {
        Self::Map(Rc::new(Map::new(MapKind::Any, entries)))
    }

    /// A `map[string]string`.
    pub fn map_of_strings<K: Into<Str>, V: Into<Str>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        let entries = entries.into_iter().map(|(key, value)| (key.into(), Self::str(value)));
        Self::Map(Rc::new(Map::new(MapKind::Strings, entries)))
    }

    /// Nothing at all, or a nil interface.
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Invalid | Self::Nil)
    }

    /// Go's truth in `if`, `and`, `or`, `not`.
    pub fn is_true(&self) -> bool {
        match self {
            Self::Invalid | Self::Nil => false,
            Self::Bool(on) => *on,
            Self::Int(n) | Self::Int64(n) => *n != 0,
            Self::Uint8(n) => *n != 0,
            Self::Uint32(n) => *n != 0,
            Self::Float(n) => *n != 0.0,
            Self::Str(text) => !text.is_empty(),
            Self::Bytes(bytes) => !bytes.is_empty(),
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Object(_) => true,
        }
    }

    /// reflect's kind.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Invalid | Self::Nil => Kind::Invalid,
            Self::Bool(_) => Kind::Bool,
            Self::Int(_) => Kind::Int,
            Self::Int64(_) => Kind::Int64,
            Self::Uint8(_) => Kind::Uint8,
            Self::Uint32(_) => Kind::Uint32,
            Self::Float(_) => Kind::Float64,
            Self::Str(_) => Kind::String,
            Self::Bytes(_) | Self::List(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Object(object) => object.kind(),
        }
    }

    /// The dynamic type as Go prints it: `map[string]interface {}`; `<nil>` for nothing.
    pub fn go_type(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Invalid | Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Int64(_) => "int64",
            Self::Uint8(_) => "uint8",
            Self::Uint32(_) => "uint32",
            Self::Float(_) => "float64",
            Self::Str(_) => "string",
            Self::Bytes(_) => "[]uint8",
            Self::List(list) => list.kind().go_type(),
            Self::Map(map) => map.kind().go_type(),
            Self::Object(object) => return object.go_type(),
        })
    }

    /// The bytes of a string.
    pub fn as_str(&self) -> Option<&Str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The number of an `int` or `int64`.
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(n) | Self::Int64(n) => Some(*n),
            Self::Uint8(n) => Some(i64::from(*n)),
            Self::Uint32(n) => Some(i64::from(*n)),
            _ => None,
        }
    }

    /// A list, whatever its elements' type; `[]uint8` is none.
    pub fn as_list(&self) -> Option<&Rc<List>> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// A map, whatever its elements' type.
    pub fn as_map(&self) -> Option<&Rc<Map>> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// A Go struct of a known Rust type.
    pub fn as_object<T: Object>(&self) -> Option<&T> {
        match self {
            Self::Object(object) => object.as_any().downcast_ref(),
            _ => None,
        }
    }

    /// The same, with every map marked as one that all templates of a chart share.
    #[must_use]
    pub fn in_scope(&self) -> Self {
        match self {
            Self::Map(map) => {
                let entries = map.entries().into_iter().map(|(key, value)| (key, value.in_scope()));
                Self::Map(Rc::new(Map::new(map.kind(), entries).with_origin(SCOPE)))
            }
            Self::List(list) if !list.is_nil() => {
                let items = list.iter().map(Self::in_scope).collect();
                Self::List(Rc::new(List::new(list.kind(), items)))
            }
            other => other.clone(),
        }
    }

    /// How deep lists and maps nest in it: stops at `limit`, so that a map that contains itself has an answer.
    pub fn nests_deeper_than(&self, limit: usize) -> bool {
        let inner: Vec<Self> = match self {
            Self::List(list) => list.iter().filter(|item| item.is_container()).cloned().collect(),
            Self::Map(map) => map.values().into_iter().filter(Self::is_container).collect(),
            _ => return false,
        };
        limit == 0 || inner.iter().any(|item| item.nests_deeper_than(limit - 1))
    }

    fn is_container(&self) -> bool {
        matches!(self, Self::List(_) | Self::Map(_))
    }

    /// Go's `reflect.DeepEqual`: types count, nil and empty differ.
    pub fn deep_equal(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Invalid | Self::Nil, Self::Invalid | Self::Nil) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::Int(a), Self::Int(b)) | (Self::Int64(a), Self::Int64(b)) => a == b,
            (Self::Uint8(a), Self::Uint8(b)) => a == b,
            (Self::Uint32(a), Self::Uint32(b)) => a == b,
            #[allow(clippy::float_cmp, reason = "as Go compares")]
            (Self::Float(a), Self::Float(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::List(a), Self::List(b)) => {
                Rc::ptr_eq(a, b)
                    || (a.kind() == b.kind()
                        && a.is_nil() == b.is_nil()
                        && a.len() == b.len()
                        && a.iter().zip(b.iter()).all(|(a, b)| a.deep_equal(b)))
            }
            (Self::Map(a), Self::Map(b)) => {
                (a.is_same(b) && a.kind() == b.kind())
                    || (a.kind() == b.kind()
                        && a.is_nil() == b.is_nil()
                        && a.len() == b.len()
                        && a.entries()
                            .iter()
                            .zip(&b.entries())
                            .all(|((k, a), (l, b))| k == l && a.deep_equal(b)))
            }
            (Self::Object(a), Self::Object(b)) => a.equals(b.as_ref()),
            _ => false,
        }
    }

    /// A copy that shares no map or list with the original. Nested deeper than `depth` it is shared after all.
    #[must_use]
    pub fn deep_copy(&self, depth: usize) -> Self {
        let Some(depth) = depth.checked_sub(1) else { return self.clone() };
        match self {
            Self::List(list) if list.is_nil() => self.clone(),
            Self::List(list) => {
                let items = list.iter().map(|item| item.deep_copy(depth)).collect();
                Self::List(Rc::new(List::new(list.kind(), items).with_origin(copied(list.origin()))))
            }
            Self::Map(map) => {
                let entries = map.entries().into_iter().map(|(key, value)| (key, value.deep_copy(depth)));
                Self::Map(Rc::new(Map::new(map.kind(), entries).with_origin(copied(map.origin()))))
            }
            other => other.clone(),
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::str(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::str(text)
    }
}

impl From<Str> for Value {
    fn from(text: Str) -> Self {
        Self::Str(text)
    }
}

impl From<bool> for Value {
    fn from(on: bool) -> Self {
        Self::Bool(on)
    }
}

impl std::fmt::Debug for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = super::printf::sprintf(b"%T %#v", &[self.clone(), self.clone()]);
        f.write_str(&String::from_utf8_lossy(&text))
    }
}

/// Drops nested values one after the other instead of one inside the other: a template may nest them a million
/// deep, the stack is not that large.
fn unravel(mut waiting: Vec<Value>) {
    while let Some(value) = waiting.pop() {
        match value {
            Value::List(list) => {
                if let Ok(mut list) = Rc::try_unwrap(list) {
                    waiting.append(&mut list.take());
                }
            }
            Value::Map(map) => {
                if let Ok(mut map) = Rc::try_unwrap(map) {
                    waiting.append(&mut map.take());
                }
            }
            _ => {}
        }
    }
}

//! Go's slices: never changed once made.

use std::ops::Deref;

use super::{Origin, Value, unravel};

/// The type of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// `[]interface {}`
    Any,
    /// `[]string`
    Strings,
    /// `[]int`
    Ints,
    /// `[][]interface {}`
    Lists,
    /// `[]map[string]interface {}`
    Maps,
    /// Helm's set of API versions, a `[]string` with the method `Has`: the name of its package.
    VersionSet(&'static str),
}

impl ListKind {
    /// As Go prints it.
    pub fn go_type(self) -> &'static str {
        match self {
            Self::Any => "[]interface {}",
            Self::Strings => "[]string",
            Self::Ints => "[]int",
            Self::Lists => "[][]interface {}",
            Self::Maps => "[]map[string]interface {}",
            Self::VersionSet(name) => name,
        }
    }

    /// Whether elements are interfaces: decides the words of some errors.
    pub fn is_any(self) -> bool {
        self == Self::Any
    }
}

/// A list; reads like a slice.
pub struct List {
    kind: ListKind,
    is_nil: bool,
    origin: Origin,
    items: Vec<Value>,
}

impl List {
    /// A list of a type; the items must be of its element type.
    pub fn new(kind: ListKind, items: Vec<Value>) -> Self {
        Self { kind, is_nil: false, origin: 0, items }
    }

    /// A nil slice: empty, and `null` in JSON.
    pub fn nil(kind: ListKind) -> Self {
        Self { kind, is_nil: true, origin: 0, items: Vec::new() }
    }

    /// Says where in the chart's values it stands.
    #[must_use]
    pub fn with_origin(mut self, origin: Origin) -> Self {
        self.origin = origin;
        self
    }

    pub fn kind(&self) -> ListKind {
        self.kind
    }

    pub fn is_nil(&self) -> bool {
        self.is_nil
    }

    pub fn origin(&self) -> Origin {
        self.origin
    }

    pub(super) fn take(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.items)
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        &self.items
    }
}

impl Drop for List {
    fn drop(&mut self) {
        if self.items.iter().any(Value::is_container) {
            unravel(self.take());
        }
    }
}

//! What a function of templates is: its name, Go's types of its parameters, and the Rust code behind it. The evaluator
//! checks count and types of the arguments with Go's rules and words before the code runs, so the code may rely on
//! them.

use super::Context;
use super::errors::Fault;
use super::value::{ListKind, MapKind, Value};

/// The Go type of a parameter or result. What a parameter of the type hands to the code is in brackets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// `interface {}` (anything but `Invalid`)
    Any,
    /// `reflect.Value` (anything, `Invalid` included)
    Reflect,
    /// `bool` (`Bool`)
    Bool,
    /// `int` (`Int`)
    Int,
    /// `int64` (`Int64`)
    Int64,
    /// `uint32` (`Uint32`)
    Uint32,
    /// `float64` (`Float`)
    Float,
    /// `string` (`Str`)
    Str,
    /// `[]interface {}` (`List`, perhaps nil)
    List,
    /// `[]string` (`List` of strings, perhaps nil)
    Strings,
    /// `map[string]interface {}` (`Map`, perhaps nil; also Helm's named map types)
    Map,
    /// `map[string]string` (`Map` of strings, perhaps nil)
    MapOfStrings,
    /// A struct by its Go name (`Object`)
    Object(&'static str),
}

impl Type {
    /// As Go prints it in errors.
    pub fn go_type(self) -> &'static str {
        match self {
            Self::Any => "interface {}",
            Self::Reflect => "reflect.Value",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int64 => "int64",
            Self::Uint32 => "uint32",
            Self::Float => "float64",
            Self::Str => "string",
            Self::List => "[]interface {}",
            Self::Strings => "[]string",
            Self::Map => "map[string]interface {}",
            Self::MapOfStrings => "map[string]string",
            Self::Object(name) => name,
        }
    }

    /// Go's `canBeNil`.
    pub(super) fn can_be_nil(self) -> bool {
        matches!(
            self,
            Self::Any | Self::Reflect | Self::List | Self::Strings | Self::Map | Self::MapOfStrings
        )
    }

    /// The type's nil.
    pub(super) fn nil(self) -> Value {
        use super::value::{List, Map};
        match self {
            Self::List => Value::List(List::nil(ListKind::Any).into()),
            Self::Strings => Value::List(List::nil(ListKind::Strings).into()),
            Self::Map => Value::Map(Map::nil(MapKind::Any).into()),
            Self::MapOfStrings => Value::Map(Map::nil(MapKind::Strings).into()),
            Self::Reflect => Value::Invalid,
            _ => Value::Nil,
        }
    }

    /// Go's `AssignableTo` for a value that holds something.
    pub(super) fn takes(self, value: &Value) -> bool {
        match self {
            Self::Any | Self::Reflect => true,
            Self::Bool => matches!(value, Value::Bool(_)),
            Self::Int => matches!(value, Value::Int(_)),
            Self::Int64 => matches!(value, Value::Int64(_)),
            Self::Uint32 => matches!(value, Value::Uint32(_)),
            Self::Float => matches!(value, Value::Float(_)),
            Self::Str => matches!(value, Value::Str(_)),
            Self::List => value.as_list().is_some_and(|list| list.kind() == ListKind::Any),
            Self::Strings => value
                .as_list()
                .is_some_and(|list| matches!(list.kind(), ListKind::Strings | ListKind::VersionSet(_))),
            Self::Map => value.as_map().is_some_and(|map| map.kind().is_any()),
            Self::MapOfStrings => value.as_map().is_some_and(|map| map.kind() == MapKind::Strings),
            Self::Object(name) => matches!(value, Value::Object(object) if object.go_type() == name),
        }
    }
}

/// What a function looks at in the maps and lists that it gets: decides what the trace counts as read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reads {
    /// Everything below its arguments: the safe default.
    Deep,
    /// Nothing: it passes its arguments on (`dict`, `list`, `default`, `include`).
    Nothing,
    /// It tells by itself with [`Context::read`].
    Told,
}

/// The code of a function.
pub type Code = fn(&mut Context, &[Value]) -> Result<Value, FnError>;

/// A function of templates. Make one with [`Function::new`] and the methods that follow.
pub struct Function {
    pub name: &'static str,
    /// Types of the fixed parameters.
    pub params: &'static [Type],
    /// Type of the parameters after those, any number of them.
    pub rest: Option<Type>,
    pub reads: Reads,
    pub code: Code,
}

impl Function {
    /// A function with a fixed number of parameters.
    pub const fn new(name: &'static str, params: &'static [Type], code: Code) -> Self {
        Self { name, params, rest: None, reads: Reads::Deep, code }
    }

    /// With any number of further parameters.
    #[must_use]
    pub const fn rest(mut self, rest: Type) -> Self {
        self.rest = Some(rest);
        self
    }

    /// Says what it looks at.
    #[must_use]
    pub const fn reads(mut self, reads: Reads) -> Self {
        self.reads = reads;
        self
    }

    /// The type of the parameter at an index.
    pub(super) fn param(&self, index: usize) -> Type {
        self.params.get(index).copied().or(self.rest).unwrap_or(Type::Any)
    }
}

impl std::fmt::Debug for Function {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Why a function refused: the words after `error calling NAME: `.
#[derive(Debug)]
pub enum FnError {
    /// The function's own words.
    Words(String),
    /// A template failed inside (`include`, `tpl`): words in front of it, and its error.
    Nested(String, Box<Fault>),
    /// A limit was reached: nothing goes on.
    Limit(Box<Fault>),
}

impl From<String> for FnError {
    fn from(words: String) -> Self {
        Self::Words(words)
    }
}

impl From<&str> for FnError {
    fn from(words: &str) -> Self {
        Self::Words(words.to_owned())
    }
}

impl From<Fault> for FnError {
    fn from(fault: Fault) -> Self {
        if fault.is_limit() {
            Self::Limit(Box::new(fault))
        } else {
            Self::Nested(String::new(), Box::new(fault))
        }
    }
}

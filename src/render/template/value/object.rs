//! Go structs that templates can get hold of: what they need to be printed, compared and asked for fields.

use std::any::Any;
use std::borrow::Cow;

use super::super::function::Function;
use super::{Kind, Value};

/// A Go struct, or a pointer to one.
pub trait Object: Any {
    /// The type as Go prints it: `*common.Capabilities`, `time.Time`.
    fn go_type(&self) -> Cow<'static, str>;

    /// [`Kind::Struct`], or [`Kind::Ptr`] for a pointer.
    fn kind(&self) -> Kind {
        Kind::Struct
    }

    /// An exported field.
    fn field(&self, name: &[u8]) -> Option<Value>;

    /// A method; its first argument is the object itself and is not among its parameters.
    fn method(&self, _name: &[u8]) -> Option<&'static Function> {
        None
    }

    /// What `String()` or `Error()` returns, if the type has one: `%v` and `%s` print it.
    fn string(&self) -> Option<String> {
        None
    }

    /// What an action prints, where that is not `%v`: a field that can be addressed has its pointer's methods, too.
    fn printed(&self) -> Option<String> {
        None
    }

    /// The fields in order, as `%v` prints them and JSON writes them.
    fn fields(&self) -> Vec<(&'static str, Value)>;

    /// The fields as `json.Marshal` writes them: names by their tags, empty ones left out. `None` for what writes
    /// itself as something else: [`Object::plain`].
    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        Some(self.fields())
    }

    /// What `json.Marshal` makes of it, as a value of plain types.
    fn plain(&self) -> Value {
        Value::map(self.json_fields().unwrap_or_else(|| self.fields()))
    }

    /// What TOML writes for it where that is no table: a time.
    fn toml(&self) -> Option<String> {
        None
    }

    /// Go's deep equality.
    fn equals(&self, other: &dyn Object) -> bool;

    /// For [`Value::as_object`].
    fn as_any(&self) -> &dyn Any;
}

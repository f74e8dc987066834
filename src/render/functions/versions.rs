//! sprig's `semver` and `semverCompare`, on the versions of [`crate::chart::semver`].

use std::any::Any as StdAny;
use std::borrow::Cow;
use std::rc::Rc;

use super::{Called, args_error};
use crate::chart::semver::{Constraint, Version};
use crate::render::template::Context;
use crate::render::template::function::{Function, Type};
use crate::render::template::value::{Kind, Object, Value};

use Type::Str as Text;

pub(super) const FUNCTIONS: &[Function] =
    &[Function::new("semver", &[Text], semver), Function::new("semverCompare", &[Text, Text], compare)];

/// Go's `*semver.Version`.
struct GoVersion(Version);

const TYPE: Type = Type::Object("*semver.Version");

const METHODS: &[Function] = &[
    Function::new("Major", &[], |_, args| Ok(number(version(args)?.major))),
    Function::new("Minor", &[], |_, args| Ok(number(version(args)?.minor))),
    Function::new("Patch", &[], |_, args| Ok(number(version(args)?.patch))),
    Function::new("Prerelease", &[], |_, args| Ok(Value::str(&version(args)?.prerelease))),
    Function::new("Metadata", &[], |_, args| Ok(Value::str(&version(args)?.metadata))),
    Function::new("Original", &[], |_, args| Ok(Value::str(&version(args)?.original))),
    Function::new("String", &[], |_, args| Ok(Value::str(version(args)?.to_string()))),
    Function::new("Compare", &[TYPE], |_, args| {
        let [this, other] = args else { return Err(args_error()) };
        let (this, other) = (one(this)?, one(other)?);
        Ok(Value::Int(this.precedence(other) as i64))
    }),
    Function::new("LessThan", &[TYPE], |_, args| ordered(args, std::cmp::Ordering::is_lt)),
    Function::new("GreaterThan", &[TYPE], |_, args| ordered(args, std::cmp::Ordering::is_gt)),
    Function::new("Equal", &[TYPE], |_, args| ordered(args, std::cmp::Ordering::is_eq)),
];

/// Go's `uint64`, which templates compute with like any other integer.
fn number(n: u64) -> Value {
    Value::Int64(i64::try_from(n).unwrap_or(i64::MAX))
}

fn one(value: &Value) -> Result<&Version, crate::render::template::function::FnError> {
    value.as_object::<GoVersion>().map(|version| &version.0).ok_or_else(args_error)
}

fn version(args: &[Value]) -> Result<&Version, crate::render::template::function::FnError> {
    one(args.first().unwrap_or(&Value::Nil))
}

fn ordered(args: &[Value], holds: fn(std::cmp::Ordering) -> bool) -> Called {
    let [this, other] = args else { return Err(args_error()) };
    Ok(Value::Bool(holds(one(this)?.precedence(one(other)?))))
}

impl Object for GoVersion {
    fn go_type(&self) -> Cow<'static, str> {
        "*semver.Version".into()
    }

    fn kind(&self) -> Kind {
        Kind::Ptr
    }

    fn field(&self, _: &[u8]) -> Option<Value> {
        None
    }

    fn method(&self, name: &[u8]) -> Option<&'static Function> {
        METHODS.iter().find(|method| method.name.as_bytes() == name)
    }

    fn string(&self) -> Option<String> {
        Some(self.0.to_string())
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    fn plain(&self) -> Value {
        Value::str(self.0.to_string())
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| self.0 == other.0)
    }

    fn as_any(&self) -> &dyn StdAny {
        self
    }
}

fn semver(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(text)] = args else { return Err(args_error()) };
    Ok(Value::Object(Rc::new(GoVersion(Version::parse_by(context.profile().semver(), &text.text())?))))
}

fn compare(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(constraint), Value::Str(version)] = args else { return Err(args_error()) };
    let library = context.profile().semver();
    let constraint = Constraint::parse_by(library, &constraint.text())?;
    Ok(Value::Bool(constraint.check(&Version::parse_by(library, &version.text())?)))
}

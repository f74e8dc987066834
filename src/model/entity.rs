//! What every entity has in common: it is described by a JSON Schema made from its type, read strictly by that very
//! schema, and frozen once it was read.

use std::fmt;
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;

use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::base::Problem;
use crate::schema::{ChartSchema, Locate};
use crate::yaml::KeyPath;

/// A type of the domain model.
pub trait Entity: JsonSchema + DeserializeOwned {
    /// As the requirements call it.
    const NAME: &'static str;

    /// The rules over several fields, which no schema can say: what is wrong, each with its field.
    fn faults(&self) -> Vec<(KeyPath, String)> {
        Vec::new()
    }
}

/// The JSON Schema (draft 2020-12) of an entity.
pub fn schema<E: Entity>() -> Value {
    let mut schema = SchemaGenerator::default().into_root_schema_for::<E>().to_value();
    words(&mut schema);
    schema
}

/// One of several words, each described, is a list of words with one description: what is wrong can then be told with all
/// of them.
fn words(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::Array(branches)) = map.get("oneOf")
                && branches.iter().all(|branch| branch.get("const").is_some_and(Value::is_string))
            {
                let all: Vec<Value> =
                    branches.iter().filter_map(|branch| branch.get("const").cloned()).collect();
                let described = branches.iter().filter_map(|branch| {
                    let word = branch.get("const")?.as_str()?;
                    Some(format!("`{word}`: {}", branch.get("description")?.as_str()?))
                });
                let own = map.get("description").and_then(Value::as_str).unwrap_or_default();
                let description =
                    std::iter::once(own.to_owned()).chain(described).collect::<Vec<_>>().join("\n");
                map.shift_remove("oneOf");
                map.insert("description".to_owned(), description.into());
                map.insert("type".to_owned(), "string".into());
                map.insert("enum".to_owned(), Value::Array(all));
            }
            map.values_mut().for_each(words);
        }
        Value::Array(items) => items.iter_mut().for_each(words),
        _ => {}
    }
}

/// An entity that was checked whole when it was read. Nobody can change it, so it stays right. Cheap to clone.
pub struct Frozen<E>(Arc<E>);

impl<E> Clone for Frozen<E> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<E> Deref for Frozen<E> {
    type Target = E;

    fn deref(&self) -> &E {
        &self.0
    }
}

impl<E: fmt::Debug> fmt::Debug for Frozen<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<E: Entity> Frozen<E> {
    /// Checks a value against the entity's schema and rules. `locate` says where a field stands.
    ///
    /// # Errors
    /// Everything that is wrong, each with its place.
    pub fn read(value: &Value, locate: &Locate) -> Result<Self, Vec<Problem>> {
        let text = schema::<E>().to_string();
        let (checker, mut problems) =
            ChartSchema::compile([(KeyPath::root(), PathBuf::from(E::NAME), text.as_str())]);
        problems.extend(checker.check(value, locate));
        if !problems.is_empty() {
            return Err(problems);
        }
        let entity: E = serde_json::from_value(value.clone())
            .map_err(|error| vec![Problem::error(format!("is no {}: {error}", E::NAME))])?;
        let faults: Vec<Problem> = entity
            .faults()
            .into_iter()
            .map(|(path, message)| place(Problem::error(message).key(path.to_string()), &path, locate))
            .collect();
        if faults.is_empty() { Ok(Self(Arc::new(entity))) } else { Err(faults) }
    }
}

/// Puts the place of a path, or of the nearest one above it that has a place, on a problem.
pub fn place(problem: Problem, path: &KeyPath, locate: &Locate) -> Problem {
    let mut here = Some(path.clone());
    while let Some(path) = here {
        if let Some((file, line)) = locate(&path) {
            return problem.at(file, Some(line));
        }
        here = path.parent();
    }
    problem
}

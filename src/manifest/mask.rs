//! Random functions (`randAlphaNum`, `genCA`, `now`) must not show as changes. The same input is rendered twice;
//! what differs between the two is unstable and masked wherever the two sides of a diff are compared.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::diff::Side;
use super::fields::{FieldPath, compare};
use super::object::{Object, ObjectKey};

/// What stands in a text instead of an unstable value.
pub const UNSTABLE: &str = "‹unstable›";

/// What differs between two renderings of the same input.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mask {
    fields: HashMap<ObjectKey, Vec<FieldPath>>,
    /// Objects whose names are random: everything with the same kind and the same beginning of the name.
    names: HashSet<ObjectKey>,
}

/// Compares two renderings of the same input.
pub fn mask_unstable(a: &[Object], b: &[Object]) -> Mask {
    Mask::of(a, b, &Side::default())
}

impl Mask {
    /// As [`mask_unstable`], for a side of a diff that has a namespace and release of its own.
    pub fn of(a: &[Object], b: &[Object], side: &Side) -> Self {
        let mut mask = Self::default();
        let second: HashMap<ObjectKey, &Object> =
            b.iter().map(|object| (side.key(&object.id), object)).collect();
        let mut alone = Vec::new();
        for object in a {
            let key = side.key(&object.id);
            match second.get(&key) {
                Some(other) => {
                    let paths: Vec<_> =
                        compare(&object.value, &other.value).into_iter().map(|change| change.path).collect();
                    if !paths.is_empty() {
                        mask.fields.insert(key, paths);
                    }
                }
                None => alone.push(key),
            }
        }
        let first: HashSet<ObjectKey> = a.iter().map(|object| side.key(&object.id)).collect();
        let others: Vec<_> =
            b.iter().map(|object| side.key(&object.id)).filter(|key| !first.contains(key)).collect();
        for key in alone {
            let best = others
                .iter()
                .filter(|other| same_but_name(&key, other))
                .map(|other| common_start(&key.name, &other.name))
                .max_by_key(|start| start.len());
            if let Some(start) = best.filter(|start| !start.is_empty()) {
                mask.names.insert(ObjectKey { name: start.to_owned(), ..key.clone() });
            }
        }
        mask
    }

    /// Whether nothing is unstable.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty() && self.names.is_empty()
    }

    /// Adds what another mask knows (the other side of a diff).
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        for (key, paths) in other.fields {
            let own = self.fields.entry(key).or_default();
            for path in paths {
                if !own.contains(&path) {
                    own.push(path);
                }
            }
        }
        self.names.extend(other.names);
        self
    }

    /// Whether an object's very name is unstable.
    pub(super) fn is_unstable_name(&self, key: &ObjectKey) -> bool {
        self.names.iter().any(|known| same_but_name(known, key) && key.name.starts_with(&known.name))
    }

    /// Both values with their unstable fields replaced, and how many of them differed; `None` when the object has
    /// none.
    pub(super) fn apply(
        &self,
        key: &ObjectKey,
        before: &Value,
        after: &Value,
    ) -> Option<(Value, Value, usize)> {
        let paths = self.fields.get(key)?;
        let (mut old, mut new, mut differed) = (before.clone(), after.clone(), 0);
        for path in paths {
            if path.get(before) != path.get(after) {
                differed += 1;
            }
            for side in [&mut old, &mut new] {
                if let Some(value) = path.get_mut(side) {
                    *value = Value::String(UNSTABLE.to_owned());
                }
            }
        }
        Some((old, new, differed))
    }
}

fn same_but_name(a: &ObjectKey, b: &ObjectKey) -> bool {
    a.group == b.group && a.kind == b.kind && a.namespace == b.namespace
}

fn common_start<'a>(a: &'a str, b: &str) -> &'a str {
    let end = a
        .char_indices()
        .zip(b.chars())
        .find(|((_, x), y)| x != y)
        .map_or_else(|| a.len().min(b.len()), |((at, _), _)| at);
    &a[..end]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::manifest::{DiffOptions, diff};
    use serde_json::json;

    fn secret(password: &str, plain: &str) -> Object {
        Object::from_value(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"},
            "stringData": {"password": password, "user": plain}}))
        .unwrap()
    }

    fn named(name: &str) -> Object {
        Object::from_value(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name}}))
            .unwrap()
    }

    #[test]
    fn random_values_are_masked_and_counted_but_nothing_else() {
        let mask = mask_unstable(&[secret("r1", "u")], &[secret("r2", "u")]);
        let options = DiffOptions { mask, ..DiffOptions::default() };
        let set = diff(&[secret("r1", "u")], &[secret("r3", "u")], &options);
        assert!(set.changes.is_empty());
        assert_eq!((set.unstable, set.unchanged), (1, 1));
        let set = diff(&[secret("r1", "u")], &[secret("r3", "v")], &options);
        assert_eq!(set.changes.len(), 1);
        assert_eq!(set.changes[0].fields.len(), 1);
        assert!(set.changes[0].after.as_deref().unwrap().contains(UNSTABLE));
        assert!(!set.changes[0].after.as_deref().unwrap().contains("r3"));
    }

    #[test]
    fn random_names_are_no_additions() {
        let mask = mask_unstable(&[named("init-aaaa")], &[named("init-bbbb")]);
        let options = DiffOptions { mask, ..DiffOptions::default() };
        let set = diff(&[named("init-cccc")], &[named("init-dddd"), named("other")], &options);
        let names: Vec<_> = set.changes.iter().map(|change| change.id.name.as_str()).collect();
        assert_eq!(names, ["other"]);
        assert_eq!(set.unstable, 1);
    }

    #[test]
    fn a_stable_rendering_needs_no_mask() {
        assert!(mask_unstable(&[secret("a", "b")], &[secret("a", "b")]).is_empty());
    }

    #[test]
    fn beginnings_are_cut_at_characters() {
        assert_eq!(common_start("aé1", "aé2"), "aé");
        assert_eq!(common_start("ab", "abc"), "ab");
    }
}

//! Field by field comparison. Lists of maps that carry a key of their own (containers, env, ports, volumes) are
//! matched by it, so that an insertion in front does not make everything after it a change.

use std::collections::HashSet;
use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::yaml::KeyPath;

/// One step to a field.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// A key of a map.
    Key(String),
    /// The item of a list whose own key has this value: `containers[web]`.
    Item {
        /// The item's key: `name`, `mountPath`, …
        by: &'static str,
        /// Its value as text.
        is: String,
    },
    /// A place in a list, from 0.
    Index(usize),
}

/// Where a field is: `spec.template.spec.containers[web].image`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct FieldPath(pub Vec<Step>);

impl FieldPath {
    /// Whether the path begins with these map keys.
    pub fn is_under(&self, keys: &[&str]) -> bool {
        self.0.len() >= keys.len()
            && self.0.iter().zip(keys).all(|(step, key)| matches!(step, Step::Key(own) if own == key))
    }

    /// Whether the path is exactly these map keys.
    pub fn is(&self, keys: &[&str]) -> bool {
        self.0.len() == keys.len() && self.is_under(keys)
    }

    /// The last step as a map key.
    pub fn last_key(&self) -> Option<&str> {
        match self.0.last() {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// The map key at a place.
    pub(super) fn key_at(&self, place: usize) -> Option<&str> {
        match self.0.get(place) {
            Some(Step::Key(key)) => Some(key),
            _ => None,
        }
    }

    /// The path in a given document, with items as indexes; `None` when it is not there.
    pub fn in_document(&self, root: &Value) -> Option<KeyPath> {
        let mut path = KeyPath::root();
        let mut here = root;
        for step in &self.0 {
            let (next, segment) = down(here, step)?;
            path = match segment {
                Ok(key) => path.key(key),
                Err(index) => path.index(index),
            };
            here = next;
        }
        Some(path)
    }

    /// The value at this path.
    pub fn get<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(root, |here, step| down(here, step).map(|(next, _)| next))
    }

    /// The place in a document, to change it.
    pub(super) fn get_mut<'v>(&self, root: &'v mut Value) -> Option<&'v mut Value> {
        self.0.iter().try_fold(root, |here, step| match step {
            Step::Key(key) => here.as_object_mut()?.get_mut(key),
            Step::Index(index) => here.as_array_mut()?.get_mut(*index),
            Step::Item { by, is } => here
                .as_array_mut()?
                .iter_mut()
                .find(|item| item.get(by).and_then(scalar).as_deref() == Some(is.as_str())),
        })
    }

    fn with(&self, step: Step) -> Self {
        let mut path = self.clone();
        path.0.push(step);
        path
    }
}

/// One step down, and that step as a key or an index.
fn down<'v>(here: &'v Value, step: &Step) -> Option<(&'v Value, Result<String, usize>)> {
    match step {
        Step::Key(key) => Some((here.as_object()?.get(key)?, Ok(key.clone()))),
        Step::Index(index) => Some((here.as_array()?.get(*index)?, Err(*index))),
        Step::Item { by, is } => here.as_array()?.iter().enumerate().find_map(|(index, item)| {
            (item.get(by).and_then(scalar).as_deref() == Some(is.as_str())).then_some((item, Err(index)))
        }),
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, step) in self.0.iter().enumerate() {
            match step {
                Step::Key(key) if key.contains(['.', '[', ']', '"']) || key.is_empty() => {
                    write!(f, "[\"{}\"]", key.replace('\\', "\\\\").replace('"', "\\\""))?;
                }
                Step::Key(key) => {
                    if place > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(key)?;
                }
                Step::Item { is, .. } => write!(f, "[{is}]")?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

impl Serialize for FieldPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One field that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    /// Where.
    pub path: FieldPath,
    /// The value before; `None` when the field was not there.
    pub before: Option<Value>,
    /// The value after; `None` when the field is gone.
    pub after: Option<Value>,
    /// Set when only the order of a list changed: `before` and `after` are the items' keys in order.
    pub reordered: bool,
}

/// The keys by which list items know themselves, in the order in which they are tried.
const ITEM_KEYS: [&str; 8] =
    ["name", "mountPath", "containerPort", "port", "devicePath", "host", "key", "topologyKey"];

/// Maps whose entries stand each for themselves: with one side missing they are compared entry by entry.
const ENTRIES: [&str; 7] =
    ["labels", "annotations", "data", "stringData", "binaryData", "nodeSelector", "matchLabels"];

/// All fields that differ, in the order of the documents. `null` counts as absent, as the API server takes it,
/// and so do empty labels and annotations.
pub fn compare(before: &Value, after: &Value) -> Vec<FieldChange> {
    let mut changes = Vec::new();
    walk(&FieldPath::default(), Some(before), Some(after), &mut changes);
    changes
}

fn walk(path: &FieldPath, before: Option<&Value>, after: Option<&Value>, changes: &mut Vec<FieldChange>) {
    let before = before.filter(|value| !value.is_null());
    let after = after.filter(|value| !value.is_null());
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => maps(path, old, new, changes),
        (Some(Value::Array(old)), Some(Value::Array(new))) => lists(path, old, new, changes),
        (None, Some(Value::Object(new))) if is_entries(path) => maps(path, &Map::new(), new, changes),
        (Some(Value::Object(old)), None) if is_entries(path) => maps(path, old, &Map::new(), changes),
        _ => changes.push(FieldChange {
            path: path.clone(),
            before: before.cloned(),
            after: after.cloned(),
            reordered: false,
        }),
    }
}

fn is_entries(path: &FieldPath) -> bool {
    path.last_key().is_some_and(|key| ENTRIES.contains(&key))
}

fn maps(
    path: &FieldPath,
    before: &Map<String, Value>,
    after: &Map<String, Value>,
    changes: &mut Vec<FieldChange>,
) {
    for (key, old) in before {
        if after.get(key) == Some(old) {
            continue;
        }
        walk(&path.with(Step::Key(key.clone())), Some(old), after.get(key), changes);
    }
    for (key, new) in after.iter().filter(|(key, _)| !before.contains_key(*key)) {
        walk(&path.with(Step::Key(key.clone())), None, Some(new), changes);
    }
}

fn lists(path: &FieldPath, before: &[Value], after: &[Value], changes: &mut Vec<FieldChange>) {
    let Some(by) = item_key(before, after) else {
        // Without keys only equal lengths can be told apart item by item; else the list as a whole is the change.
        if before.len() == after.len() && before.iter().chain(after).all(Value::is_object) {
            for (index, (old, new)) in before.iter().zip(after).enumerate() {
                walk(&path.with(Step::Index(index)), Some(old), Some(new), changes);
            }
        } else {
            changes.push(FieldChange {
                path: path.clone(),
                before: Some(Value::Array(before.to_vec())),
                after: Some(Value::Array(after.to_vec())),
                reordered: false,
            });
        }
        return;
    };
    let key_of = |item: &Value| item.get(by).and_then(scalar).unwrap_or_default();
    let find = |items: &'_ [Value], is: &str| items.iter().position(|item| key_of(item) == is);
    let mut common_before = Vec::new();
    for old in before {
        let is = key_of(old);
        let new = find(after, &is).map(|index| &after[index]);
        if new.is_some() {
            common_before.push(is.clone());
        }
        walk(&path.with(Step::Item { by, is }), Some(old), new, changes);
    }
    let mut common_after = Vec::new();
    for new in after {
        let is = key_of(new);
        if find(before, &is).is_some() {
            common_after.push(is);
        } else {
            walk(&path.with(Step::Item { by, is }), None, Some(new), changes);
        }
    }
    if common_before != common_after {
        let names = |keys: Vec<String>| Some(Value::Array(keys.into_iter().map(Value::String).collect()));
        changes.push(FieldChange {
            path: path.clone(),
            before: names(common_before),
            after: names(common_after),
            reordered: true,
        });
    }
}

/// The key that every item of both lists has, without repeats inside a list.
pub(super) fn item_key(before: &[Value], after: &[Value]) -> Option<&'static str> {
    ITEM_KEYS.into_iter().find(|by| [before, after].into_iter().all(|items| is_keyed(items, by)))
}

fn is_keyed(items: &[Value], by: &str) -> bool {
    let mut seen = HashSet::new();
    items.iter().all(|item| item.get(by).and_then(scalar).is_some_and(|is| seen.insert(is)))
}

/// A scalar as the text of an item's key.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn paths(before: &Value, after: &Value) -> Vec<String> {
        compare(before, after).iter().map(|change| change.path.to_string()).collect()
    }

    #[test]
    fn an_item_inserted_in_front_is_one_change() {
        let before = json!({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]});
        let after = json!({"env": [{"name": "N", "value": "0"}, {"name": "A", "value": "1"}, {"name": "B", "value": "3"}]});
        assert_eq!(paths(&before, &after), ["env[B].value", "env[N]"]);
    }

    #[test]
    fn another_order_is_one_change_of_its_own() {
        let before = json!({"env": [{"name": "A"}, {"name": "B"}]});
        let after = json!({"env": [{"name": "B"}, {"name": "A"}]});
        let changes = compare(&before, &after);
        assert_eq!(changes.len(), 1);
        assert!(changes[0].reordered);
        assert_eq!(changes[0].after, Some(json!(["B", "A"])));
    }

    #[test]
    fn repeated_keys_fall_back_to_places() {
        let before = json!({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]});
        let after = json!({"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "3"}]});
        assert_eq!(paths(&before, &after), ["env[1].value"]);
    }

    #[test]
    fn null_and_empty_labels_count_as_absent() {
        assert!(compare(&json!({"a": null, "labels": {}}), &json!({})).is_empty());
        assert_eq!(paths(&json!({}), &json!({"labels": {"x.y/z": "1"}})), ["labels[\"x.y/z\"]"]);
        assert_eq!(paths(&json!({}), &json!({"emptyDir": {}})), ["emptyDir"]);
    }

    #[test]
    fn a_path_finds_its_value_in_either_document() {
        let document = json!({"c": [{"name": "x", "image": "a"}, {"name": "y", "image": "b"}]});
        let change =
            compare(&document, &json!({"c": [{"name": "x", "image": "a"}, {"name": "y", "image": "c"}]}));
        assert_eq!(change[0].path.get(&document), Some(&json!("b")));
        assert_eq!(change[0].path.in_document(&document).unwrap().to_string(), "c[1].image");
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c]{0,2}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::vec(("[a-c]|name|labels", inner), 0..4)
                    .prop_map(|pairs| Value::Object(pairs.into_iter().collect())),
            ]
        })
    }

    /// `null` and empty labels taken out, as `compare` sees a document.
    fn seen(value: &Value) -> Value {
        match value {
            Value::Object(map) => Value::Object(
                map.iter()
                    .filter(|(_, value)| !value.is_null())
                    .map(|(key, value)| (key.clone(), seen(value)))
                    .filter(|(key, value)| key != "labels" || value != &json!({}))
                    .collect(),
            ),
            Value::Array(items) => Value::Array(items.iter().map(seen).collect()),
            other => other.clone(),
        }
    }

    proptest! {
        #[test]
        fn nothing_differs_from_itself(value in any_value()) {
            prop_assert!(compare(&value, &value).is_empty());
        }

        #[test]
        fn what_differs_is_found(a in any_value(), b in any_value()) {
            let changes = compare(&a, &b);
            if seen(&a) != seen(&b) {
                prop_assert!(!changes.is_empty());
            }
            for change in &changes {
                if !change.reordered {
                    prop_assert_eq!(change.path.get(&a).filter(|value| !value.is_null()), change.before.as_ref());
                    prop_assert_eq!(change.path.get(&b).filter(|value| !value.is_null()), change.after.as_ref());
                }
                prop_assert_ne!(&change.before, &change.after);
            }
        }
    }
}

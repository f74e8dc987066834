//! Helm's own merge, function by function: `pkg/chart/common/util/coalesce.go` and
//! `pkg/chart/v2/util/dependencies.go` of helm 4.2. The names of its functions are given at ours.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::Layer;
use crate::base::Problem;
use crate::yaml::{KeyPath, kind_name};

/// Whose rules for null in a chart's own defaults hold; all else is the same in both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Rules {
    /// Up to helm 4.1, all of helm 3: such a null stays, and deletes a subchart's default.
    Helm3,
    /// Helm 4.2 and later: such a null is dropped.
    #[default]
    Helm4,
}

/// How two tables meet.
#[derive(Clone, Copy)]
struct Mode {
    /// Nulls are kept, because a later pass still needs them.
    merge: bool,
    rules: Rules,
}

impl Mode {
    fn cleans(self) -> bool {
        !self.merge && self.rules == Rules::Helm4
    }
}

/// A chart in the tree of subcharts, with what decides whether it takes part.
#[derive(Debug, Clone, Default)]
pub(super) struct Node {
    /// Alias or name: its section in the parent's values. Empty for the root.
    pub name: String,
    /// Index of its `values.yaml` among the layers.
    pub defaults: Option<usize>,
    pub children: Vec<Node>,
    pub condition: Option<String>,
    pub tags: Vec<String>,
    pub import_values: Vec<Value>,
    /// Lies in `charts/` only: never switched off.
    pub declared: bool,
    /// Switched off for these values.
    pub disabled: bool,
    /// Its values after imports; before them its defaults hold.
    pub values: Option<Map<String, Value>>,
}

impl Node {
    fn own<'a>(&'a self, layers: &'a [Layer]) -> Option<&'a Map<String, Value>> {
        let defaults = || layers.get(self.defaults?)?.value().as_object();
        self.values.as_ref().or_else(defaults)
    }

    pub(super) fn enabled(&self) -> impl Iterator<Item = &Node> {
        self.children.iter().filter(|child| !child.disabled)
    }

    /// Imports as (path in the child, path in this chart), both below their charts.
    pub(super) fn imports_of(child: &Node) -> Vec<(KeyPath, KeyPath)> {
        child
            .import_values
            .iter()
            .filter_map(|import| match import {
                Value::String(name) => Some((KeyPath::of(["exports", name]), KeyPath::root())),
                Value::Object(map) => {
                    let path = |key: &str| map.get(key).and_then(Value::as_str).map(dotted);
                    Some((path("child")?, path("parent")?))
                }
                _ => None,
            })
            .collect()
    }
}

/// `a.b.c`, where `.` alone is the root.
fn dotted(path: &str) -> KeyPath {
    KeyPath::of(path.split('.').filter(|part| !part.is_empty()))
}

/// Several values files over each other (`MergeMaps`): null stays, it still has to delete a default.
pub(super) fn over_each_other<'v>(files: impl Iterator<Item = &'v Value>) -> Map<String, Value> {
    let mut merged = Map::new();
    for file in files {
        if let Value::Object(map) = file {
            crate::yaml::over(&mut merged, map);
        }
    }
    merged
}

/// `ProcessDependencies` and `CoalesceValues`: the values templates see.
pub(super) fn values(
    root: &mut Node,
    layers: &[Layer],
    user: Map<String, Value>,
    rules: Rules,
    problems: &mut Vec<Problem>,
) -> Value {
    switch(root, layers, &user, &KeyPath::root(), rules);
    import(root, layers, rules);
    let mut merged = user;
    coalesce(root, layers, &mut merged, Mode { merge: false, rules }, &KeyPath::root(), problems);
    let mut value = Value::Object(merged);
    order(&mut value, &KeyPath::root(), root, layers);
    value
}

/// `processDependencyEnabled`: tags first, then the first condition that holds a boolean.
fn switch(node: &mut Node, layers: &[Layer], given: &Map<String, Value>, prefix: &KeyPath, rules: Rules) {
    if node.children.is_empty() {
        return;
    }
    let mut merged = given.clone();
    coalesce(node, layers, &mut merged, Mode { merge: false, rules }, prefix, &mut Vec::new());
    let merged = Value::Object(merged);
    for child in &mut node.children {
        if !child.declared {
            continue;
        }
        let tags: Vec<bool> =
            child.tags.iter().filter_map(|tag| merged.get("tags")?.get(tag)?.as_bool()).collect();
        let mut on = tags.is_empty() || tags.contains(&true);
        for condition in child.condition.iter().flat_map(|condition| condition.trim().split(',')) {
            let path = KeyPath(prefix.0.iter().cloned().chain(dotted(condition).0).collect());
            if let Some(Value::Bool(decided)) = path.get(&merged) {
                on = *decided;
                break;
            }
        }
        child.disabled = !on;
    }
    let Value::Object(merged) = merged else { return };
    for child in node.children.iter_mut().filter(|child| !child.disabled) {
        let prefix = prefix.key(&child.name);
        switch(child, layers, &merged, &prefix, rules);
    }
}

/// `processDependencyImportValues`: children first; what a child exports lies below the chart's own values.
fn import(node: &mut Node, layers: &[Layer], rules: Rules) {
    for child in node.children.iter_mut().filter(|child| !child.disabled) {
        import(child, layers, rules);
    }
    // Not only where something is imported: helm replaces the values of every chart that has dependencies, and the
    // merged nulls then delete again.
    if !node.enabled().any(|child| child.declared) {
        return;
    }
    let mut own = Map::new();
    coalesce(node, layers, &mut own, Mode { merge: true, rules }, &KeyPath::root(), &mut Vec::new());
    let mut imported = Map::new();
    for child in node.enabled() {
        for (from, to) in Node::imports_of(child) {
            let source = own.get(&child.name).and_then(|section| from.get(section));
            let Some(Value::Object(table)) = source else { continue };
            let nested =
                to.0.iter().rev().fold(Value::Object(table.clone()), |inner, segment| match segment {
                    crate::yaml::Segment::Key(key) => Value::Object(Map::from_iter([(key.clone(), inner)])),
                    crate::yaml::Segment::Index(_) => inner,
                });
            if let Value::Object(mut nested) = nested {
                tables(&mut imported, &mut nested, true);
            }
        }
    }
    tables(&mut own, &mut imported, true);
    node.values = Some(own);
}

/// `coalesce`: the chart's defaults below what is given, then its subcharts.
fn coalesce(
    node: &Node,
    layers: &[Layer],
    given: &mut Map<String, Value>,
    mode: Mode,
    prefix: &KeyPath,
    problems: &mut Vec<Problem>,
) {
    own_values(node, layers, given, mode);
    for child in node.enabled() {
        let section = prefix.key(&child.name);
        let entry = given.entry(child.name.clone()).or_insert_with(|| Value::Object(Map::new()));
        let Value::Object(below) = entry else {
            let is = kind_name(entry);
            problems.push(
                Problem::error(format!(
                    "must be a map, is {is}: it holds the values of the subchart {}",
                    child.name
                ))
                .key(section.to_string()),
            );
            return;
        };
        let mut below = std::mem::take(below);
        globals(&mut below, given);
        coalesce(child, layers, &mut below, mode, &section, problems);
        given.insert(child.name.clone(), Value::Object(below));
    }
}

/// `coalesceValues`.
fn own_values(node: &Node, layers: &[Layer], given: &mut Map<String, Value>, mode: Mode) {
    for (key, default) in node.own(layers).into_iter().flatten() {
        match given.get_mut(key) {
            Some(Value::Null) if !mode.merge => {
                given.shift_remove(key);
            }
            Some(Value::Object(above)) => {
                if let Value::Object(below) = default {
                    let mut below = below.clone();
                    let merge = mode.merge || node.enabled().any(|child| child.name == *key);
                    if (Mode { merge, ..mode }).cleans() {
                        clean(&mut below);
                    }
                    tables(above, &mut below, merge);
                }
            }
            Some(_) => {}
            None => {
                let mut default = default.clone();
                if mode.cleans() {
                    match &mut default {
                        Value::Null => continue,
                        Value::Object(map) => clean(map),
                        _ => {}
                    }
                }
                given.insert(key.clone(), default);
            }
        }
    }
}

/// `coalesceTablesFullKey`: `above` wins.
fn tables(above: &mut Map<String, Value>, below: &mut Map<String, Value>, merge: bool) {
    let defined: HashSet<String> =
        below.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.clone()).collect();
    for (key, value) in above.iter() {
        if value.is_null() {
            below.insert(key.clone(), Value::Null);
        }
    }
    for (key, value) in std::mem::take(below) {
        match (above.get_mut(&key), value) {
            (Some(Value::Null), _) if !merge && defined.contains(&key) => {
                above.shift_remove(&key);
            }
            (None, value) => {
                above.insert(key, value);
            }
            (Some(Value::Object(above)), Value::Object(mut below)) => tables(above, &mut below, merge),
            _ => {}
        }
    }
}

/// `coalesceGlobals`: the parent's globals win over the subchart's; tables are merged.
fn globals(child: &mut Map<String, Value>, parent: &Map<String, Value>) {
    let empty = Map::new();
    let source = match parent.get("global") {
        None => &empty,
        Some(Value::Object(map)) => map,
        Some(_) => return,
    };
    let mut target = match child.get("global") {
        None => Map::new(),
        Some(Value::Object(map)) => map.clone(),
        Some(_) => return,
    };
    for (key, value) in source {
        match (value, target.get_mut(key)) {
            (Value::Object(table), Some(Value::Object(below))) => {
                let mut above = table.clone();
                tables(&mut above, below, true);
                target.insert(key.clone(), Value::Object(above));
            }
            // A table and something else: helm warns and keeps the subchart's.
            (Value::Object(_), Some(_)) | (_, Some(Value::Object(_))) => {}
            _ => {
                target.insert(key.clone(), value.clone());
            }
        }
    }
    child.insert("global".to_owned(), Value::Object(target));
}

/// `cleanNilValues`.
fn clean(map: &mut Map<String, Value>) {
    map.retain(|_, value| match value {
        Value::Null => false,
        Value::Object(map) => {
            clean(map);
            true
        }
        _ => true,
    });
}

/// Keys in the order in which the chart's own `values.yaml` introduces them, then as they came: the tree must not
/// be shuffled by which file happens to set what.
fn order(value: &mut Value, section: &KeyPath, node: &Node, layers: &[Layer]) {
    let root = layers.iter().find(|layer| layer.kind == super::LayerKind::Defaults).map(Layer::value);
    let own = node.defaults.and_then(|index| layers.get(index)).map(Layer::value);
    if let Some(own) = own {
        arrange(value, own);
    }
    for child in node.enabled() {
        if let Some(below) = value.get_mut(&child.name) {
            order(below, &section.key(&child.name), child, layers);
        }
    }
    if section.0.is_empty()
        && let Some(root) = root
    {
        arrange(value, root);
    }
}

fn arrange(value: &mut Value, model: &Value) {
    let (Value::Object(map), Value::Object(model)) = (value, model) else { return };
    let mut rest = std::mem::take(map);
    for (key, model) in model {
        if let Some(mut value) = rest.shift_remove(key) {
            arrange(&mut value, model);
            map.insert(key.clone(), value);
        }
    }
    map.extend(rest);
}

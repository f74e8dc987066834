//! Helm's own merge, function by function: `pkg/chart/common/util/coalesce.go` and
//! `pkg/chart/v2/util/dependencies.go` of helm 4.2. The names of its functions are given at ours.

mod import;
mod shared;

use std::sync::Arc;

use serde_json::{Map, Value};

use super::Layer;
use crate::base::Problem;
use crate::base::path::below;
use crate::yaml::{KeyPath, Segment, kind_name};

/// How helm puts values together, by the release of helm 3 that began it (4.2 for the last): each changed one thing,
/// mostly about null. Helm 4.0 began as 3.19.5, and 4.1.3 is as 3.20.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Rules {
    /// A null is dropped wherever it has deleted something, before anybody below could see it; and tables are not
    /// copied, see `coalesce::shared`.
    V3_12_0,
    /// Nulls are kept until the last pass; what is imported wins over the chart's own values.
    V3_13_0,
    /// What is imported lies below the chart's own values, as before 3.13.0.
    V3_13_1,
    /// Nulls for a subchart are kept for the subchart.
    V3_17_1,
    /// A null in a table goes, whether or not there is a default for it to delete.
    V3_19_5,
    /// A null in a table stays unless there is a default for it to delete.
    V3_20_1,
    /// A null in a chart's own defaults is dropped.
    #[default]
    V4_2_0,
}

/// How two tables meet.
#[derive(Clone, Copy)]
struct Mode {
    /// Nulls are kept, because a later pass still needs them.
    merge: bool,
    rules: Rules,
}

impl Mode {
    /// Nulls stay, for a later pass.
    fn keeping(rules: Rules) -> Self {
        Self { merge: true, rules }
    }

    fn cleans(self) -> bool {
        !self.merge && self.rules >= Rules::V4_2_0
    }

    /// Whether a null above takes itself away, and what is below.
    fn deletes(self, below: Option<&Value>) -> bool {
        !self.merge
            && match below {
                None => self.rules == Rules::V3_19_5,
                Some(below) => self.rules <= Rules::V3_19_5 || !below.is_null(),
            }
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
    pub values: Option<Arc<Map<String, Value>>>,
}

impl Node {
    fn own<'a>(&'a self, layers: &'a [Layer]) -> Option<&'a Map<String, Value>> {
        let defaults = || layers.get(self.defaults?)?.value().as_object();
        self.values.as_deref().or_else(defaults)
    }

    pub(super) fn enabled(&self) -> impl Iterator<Item = &Node> {
        self.children.iter().filter(|child| !child.disabled)
    }

    /// The keys that decide, the first one that holds a boolean, where the parent's values are at `prefix`.
    pub(super) fn conditions(&self, prefix: &KeyPath) -> impl Iterator<Item = KeyPath> {
        let conditions = self.condition.iter().flat_map(|condition| condition.trim().split(','));
        conditions.map(|path| KeyPath(prefix.0.iter().cloned().chain(dotted(path).0).collect()))
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

/// What charts hand down to their subcharts.
pub(super) fn global() -> Segment {
    Segment::Key("global".to_owned())
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

/// `ProcessDependencies` and `CoalesceValues`: the values templates see, their keys in any order.
pub(super) fn values(
    root: &mut Node,
    layers: &[Layer],
    user: Map<String, Value>,
    rules: Rules,
    problems: &mut Vec<Problem>,
) -> Value {
    if rules == Rules::V3_12_0 {
        shared::values(root, layers, &user, problems)
    } else {
        switch(root, layers, &user, &KeyPath::root(), rules);
        import::all(root, layers, rules);
        let mut merged = user;
        coalesce(root, layers, &mut merged, Mode { merge: false, rules }, &KeyPath::root(), problems);
        Value::Object(merged)
    }
}

/// As [`values`], of a part of the layers that lies in the charts' `values`; what takes part is decided. `None` where
/// helm refuses.
pub(super) fn part(root: &mut Node, user: Map<String, Value>, rules: Rules) -> Option<Value> {
    import::import(root, &[], rules);
    let (mut merged, mut problems) = (user, Vec::new());
    coalesce(root, &[], &mut merged, Mode { merge: false, rules }, &KeyPath::root(), &mut problems);
    problems.is_empty().then_some(Value::Object(merged))
}

/// `processDependencyEnabled`: tags first, then the first condition that holds a boolean.
fn switch(node: &mut Node, layers: &[Layer], given: &Map<String, Value>, prefix: &KeyPath, rules: Rules) {
    if node.children.is_empty() {
        return;
    }
    let mode = Mode { merge: false, rules };
    // What subcharts are given for theirs is everything.
    let is_deep = node.children.iter().any(|child| !child.children.is_empty());
    let part = if is_deep { None } else { deciding(node, layers, given, prefix) };
    let (part, mut merged) = part.unwrap_or_else(|| (node.clone(), given.clone()));
    coalesce(&part, layers, &mut merged, mode, prefix, &mut Vec::new());
    let merged = Value::Object(merged);
    decide(node, &merged, prefix);
    let Value::Object(merged) = merged else { return };
    for child in node.children.iter_mut().filter(|child| !child.disabled) {
        let prefix = prefix.key(&child.name);
        switch(child, layers, &merged, &prefix, rules);
    }
}

/// The part of a chart and of what is given that tags and conditions look at: the rest need not be merged to decide. `None`
/// where nothing less than everything will do: below the root helm looks at all, globals wander between charts, and
/// what is no table ends the merge.
fn deciding(
    node: &Node,
    layers: &[Layer],
    given: &Map<String, Value>,
    prefix: &KeyPath,
) -> Option<(Node, Map<String, Value>)> {
    if !prefix.0.is_empty() {
        return None;
    }
    let tags = KeyPath::of(["tags"]);
    let conditions: Vec<KeyPath> = node.children.iter().flat_map(|child| child.conditions(prefix)).collect();
    if conditions.iter().any(|path| path.0.iter().skip(1).any(|segment| *segment == global())) {
        return None;
    }
    let wanted: Vec<&[Segment]> =
        conditions.iter().chain([&tags]).map(|path| &*path.0).filter(|path| !path.is_empty()).collect();
    let own = node.own(layers);
    let is_table = |map: &Map<String, Value>, key: &str| map.get(key).is_none_or(Value::is_object);
    if !node
        .children
        .iter()
        .all(|child| is_table(given, &child.name) && own.is_none_or(|own| is_table(own, &child.name)))
    {
        return None;
    }
    let children = node.children.iter().filter_map(|child| {
        let below = below(&wanted, &child.name);
        let values = child.own(layers).map(|own| only(own, &below)).unwrap_or_default();
        let part = Node {
            name: child.name.clone(),
            disabled: child.disabled,
            values: Some(Arc::new(values)),
            ..Node::default()
        };
        (!below.is_empty()).then_some(part)
    });
    let values = Some(Arc::new(own.map(|own| only(own, &wanted)).unwrap_or_default()));
    Some((Node { children: children.collect(), values, ..Node::default() }, only(given, &wanted)))
}

/// The part of a table that lies on or below these paths. What is no table on the way stays as it is.
pub(super) fn only(map: &Map<String, Value>, paths: &[&[Segment]]) -> Map<String, Value> {
    let part = |(key, value): (&String, &Value)| {
        let below = below(paths, key);
        let value = match value {
            _ if below.is_empty() => return None,
            Value::Object(map) if below.iter().all(|path| !path.is_empty()) => {
                Value::Object(only(map, &below))
            }
            whole => whole.clone(),
        };
        Some((key.clone(), value))
    };
    map.iter().filter_map(part).collect()
}

/// `processDependencyTags` and `processDependencyConditions`.
fn decide(node: &mut Node, merged: &Value, prefix: &KeyPath) {
    for child in node.children.iter_mut().filter(|child| child.declared) {
        let tags: Vec<bool> =
            child.tags.iter().filter_map(|tag| merged.get("tags")?.get(tag)?.as_bool()).collect();
        let mut on = tags.is_empty() || tags.contains(&true);
        for path in child.conditions(prefix) {
            if let Some(Value::Bool(decided)) = path.get(merged) {
                on = *decided;
                break;
            }
        }
        child.disabled = !on;
    }
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
    descend(node, layers, given, mode, prefix, problems);
    hand_down(node, given);
}

fn descend(
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
            problems.push(not_a_table(entry, &child.name, &section));
            return;
        };
        let mut below = std::mem::take(below);
        globals(&mut below, given, mode.rules);
        descend(child, layers, &mut below, mode, &section, problems);
        share(&below, given);
        given.insert(child.name.clone(), Value::Object(below));
    }
}

/// Helm copies the globals' tables for a subchart, not the tables in them: those are one and the same in all charts, so
/// the defaults of a subchart show in its parent, too.
fn share(from: &Map<String, Value>, to: &mut Map<String, Value>) {
    let (Some(Value::Object(from)), Some(Value::Object(to))) = (from.get("global"), to.get_mut("global"))
    else {
        return;
    };
    for (key, table) in to {
        let (Value::Object(table), Some(Value::Object(from))) = (table, from.get(key)) else { continue };
        for (key, inner) in table {
            if let (Value::Object(inner), Some(Value::Object(from))) = (inner, from.get(key))
                && inner != from
            {
                inner.clone_from(from);
            }
        }
    }
}

/// What later subcharts did to those tables shows in earlier ones.
fn hand_down(node: &Node, given: &mut Map<String, Value>) {
    if !matches!(given.get("global"), Some(Value::Object(globals)) if globals.values().any(Value::is_object))
    {
        return;
    }
    for child in node.enabled() {
        let Some(Value::Object(below)) = given.get_mut(&child.name) else { continue };
        let mut below = std::mem::take(below);
        share(given, &mut below);
        hand_down(child, &mut below);
        given.insert(child.name.clone(), Value::Object(below));
    }
}

fn not_a_table(found: &Value, child: &str, section: &KeyPath) -> Problem {
    let is = kind_name(found);
    Problem::error(format!("must be a map, is {is}: it holds the values of the subchart {child}"))
        .key(section.to_string())
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
                    let is_childs = || node.enabled().any(|child| child.name == *key);
                    let merge = mode.merge || (mode.rules >= Rules::V3_17_1 && is_childs());
                    let mode = Mode { merge, ..mode };
                    if mode.cleans() {
                        clean(&mut below);
                    }
                    tables(above, &mut below, mode);
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
fn tables(above: &mut Map<String, Value>, below: &mut Map<String, Value>, mode: Mode) {
    above.retain(|key, value| {
        let goes = value.is_null() && mode.deletes(below.get(key));
        if goes {
            below.shift_remove(key);
        }
        !goes
    });
    for (key, value) in std::mem::take(below) {
        match (above.get_mut(&key), value) {
            (None, value) => {
                above.insert(key, value);
            }
            (Some(Value::Object(above)), Value::Object(mut below)) => tables(above, &mut below, mode),
            _ => {}
        }
    }
}

/// `coalesceGlobals`: the parent's globals win over the subchart's; tables are merged.
fn globals(child: &mut Map<String, Value>, parent: &Map<String, Value>, rules: Rules) {
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
                tables(&mut above, below, Mode::keeping(rules));
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
pub(super) fn order(value: &mut Value, section: &KeyPath, node: &Node, layers: &[Layer]) {
    let root = layers.iter().find(|layer| layer.kind == super::LayerKind::Defaults).map(Layer::value);
    let own = node.defaults.and_then(|index| layers.get(index)).map(Layer::value);
    // The root's own come last, over the order of its subcharts.
    if let Some(own) = own.filter(|_| !section.0.is_empty()) {
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
    let is_arranged = {
        let mut keys = map.keys();
        model.keys().filter(|key| map.contains_key(*key)).all(|key| keys.next() == Some(key))
    };
    if !is_arranged {
        let mut before = std::mem::take(map);
        for key in model.keys() {
            if let Some(value) = before.get_mut(key) {
                map.insert(key.clone(), value.take());
            }
        }
        map.extend(before.into_iter().filter(|(key, _)| !model.contains_key(key)));
    }
    for (key, value) in map.iter_mut().filter(|(_, value)| value.is_object()) {
        if let Some(model) = model.get(key) {
            arrange(value, model);
        }
    }
}

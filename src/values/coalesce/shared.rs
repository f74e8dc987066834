//! Where helm's merges change tables that somebody else holds. Up to 3.12 no table of a chart is copied before others
//! are merged into it: what one pass adds or deletes is seen by the next. In all versions what is imported is merged into
//! the tables that it comes from. So tables are shared here too.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::{Layer, Node, Rules, decide, dotted, not_a_table};
use crate::base::Problem;
use crate::yaml::{KeyPath, Segment};

/// A table may come to hold itself: helm would not end, we stop here.
const DEEPEST: usize = 256;

/// A value whose tables are the same ones wherever they stand.
#[derive(Debug, Clone)]
enum Item {
    Table(Table),
    Plain(Value),
}

/// Go's `map[string]interface{}`.
#[derive(Debug, Clone, Default)]
pub(super) struct Table(Rc<RefCell<BTreeMap<String, Item>>>);

impl Item {
    fn of(value: &Value) -> Self {
        match value {
            Value::Object(map) => Self::Table(Table::of(map)),
            other => Self::Plain(other.clone()),
        }
    }

    fn plain(&self, depth: usize) -> Value {
        match self {
            Self::Table(table) => Value::Object(table.plain(depth)),
            Self::Plain(value) => value.clone(),
        }
    }
}

impl Table {
    pub(super) fn of(map: &Map<String, Value>) -> Self {
        let items = map.iter().map(|(key, value)| (key.clone(), Item::of(value)));
        Self(Rc::new(RefCell::new(items.collect())))
    }

    pub(super) fn whole(&self) -> Map<String, Value> {
        self.plain(0)
    }

    fn plain(&self, depth: usize) -> Map<String, Value> {
        if depth > DEEPEST {
            return Map::new();
        }
        self.entries().into_iter().map(|(key, item)| (key, item.plain(depth + 1))).collect()
    }

    /// A table of its own, down to the last one.
    fn copy(&self) -> Self {
        Self::of(&self.whole())
    }

    /// A table of its own, that holds the same tables.
    fn shallow(&self) -> Self {
        Self(Rc::new(RefCell::new(self.0.borrow().clone())))
    }

    fn entries(&self) -> Vec<(String, Item)> {
        self.0.borrow().iter().map(|(key, item)| (key.clone(), item.clone())).collect()
    }

    fn get(&self, key: &str) -> Option<Item> {
        self.0.borrow().get(key).cloned()
    }

    fn insert(&self, key: &str, item: Item) {
        self.0.borrow_mut().insert(key.to_owned(), item);
    }

    /// The table at a path.
    fn table(&self, path: &KeyPath) -> Option<Self> {
        path.0.iter().try_fold(self.clone(), |table, segment| match segment {
            Segment::Key(key) => match table.get(key)? {
                Item::Table(table) => Some(table),
                Item::Plain(_) => None,
            },
            Segment::Index(_) => None,
        })
    }

    /// `CoalesceTables`: this one wins, and a null of it goes with what it deletes.
    fn over(&self, below: &Self, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        for (key, item) in below.entries() {
            match (self.get(&key), item) {
                (Some(Item::Plain(Value::Null)), _) => {
                    self.0.borrow_mut().remove(&key);
                }
                (None, item) => self.insert(&key, item),
                (Some(Item::Table(above)), Item::Table(below)) => above.over(&below, depth + 1),
                _ => {}
            }
        }
    }
}

impl Table {
    /// `MergeTables`: this one wins, and nulls stay. Since 3.19.5 they are written into the lower one, too.
    fn merge(&self, below: &Self, rules: Rules, depth: usize) {
        if depth > DEEPEST {
            return;
        }
        if rules >= Rules::V3_19_5 {
            for (key, item) in self.entries() {
                if matches!(item, Item::Plain(Value::Null)) {
                    below.insert(&key, item);
                }
            }
        }
        for (key, item) in below.entries() {
            match (self.get(&key), item) {
                (None, item) => self.insert(&key, item),
                (Some(Item::Table(above)), Item::Table(below)) => above.merge(&below, rules, depth + 1),
                _ => {}
            }
        }
    }

    fn meet(&self, below: &Self, rules: Rules) {
        if rules == Rules::V3_12_0 { self.over(below, 0) } else { self.merge(below, rules, 0) }
    }
}

/// The values of a node, which all passes share, and of its children.
struct Chart {
    values: Table,
    children: Vec<Chart>,
}

impl Chart {
    fn of(node: &Node, layers: &[Layer]) -> Self {
        Self {
            values: node.own(layers).map(Table::of).unwrap_or_default(),
            children: node.children.iter().map(|child| Self::of(child, layers)).collect(),
        }
    }
}

/// As [`super::values`].
pub(super) fn values(
    root: &mut Node,
    layers: &[Layer],
    user: &Map<String, Value>,
    problems: &mut Vec<Problem>,
) -> Value {
    let mut chart = Chart::of(root, layers);
    let user = Table::of(user);
    switch(root, &chart, &user, &KeyPath::root());
    import(root, &mut chart);
    coalesce(root, &chart, &user, &KeyPath::root(), problems);
    Value::Object(user.whole())
}

/// `processDependencyEnabled`.
fn switch(node: &mut Node, chart: &Chart, given: &Table, prefix: &KeyPath) {
    if !node.children.iter().any(|child| child.declared) {
        return;
    }
    let merged = given.copy();
    coalesce(node, chart, &merged, prefix, &mut Vec::new());
    decide(node, &Value::Object(merged.whole()), prefix);
    for (child, chart) in node.children.iter_mut().zip(&chart.children) {
        if !child.disabled {
            let prefix = prefix.key(&child.name);
            switch(child, chart, &merged, &prefix);
        }
    }
}

/// `processDependencyImportValues`.
fn import(node: &mut Node, chart: &mut Chart) {
    for (child, chart) in node.children.iter_mut().zip(&mut chart.children) {
        if !child.disabled {
            import(child, chart);
        }
    }
    if !node.enabled().any(|child| child.declared) {
        return;
    }
    let own = Table::default();
    coalesce(node, chart, &own, &KeyPath::root(), &mut Vec::new());
    let imported = imports(node, &own, Rules::V3_12_0);
    own.over(&imported, 0);
    node.values = Some(std::sync::Arc::new(own.whole()));
    chart.values = own;
}

/// What a chart imports from its subcharts, whose values are in its `own`.
pub(super) fn imports(node: &Node, own: &Table, rules: Rules) -> Table {
    let mut imported = Table::default();
    for child in node.enabled().filter(|child| child.declared) {
        for import in &child.import_values {
            let text = |key: &str| import.get(key).and_then(Value::as_str).map(dotted);
            let (from, to) = match (import, text("child"), text("parent")) {
                (Value::String(name), ..) => (dotted(&format!("exports.{name}")), None),
                (Value::Object(_), Some(from), Some(to)) => (from, Some(to)),
                _ => continue,
            };
            let Some(found) = own.table(&KeyPath::root().key(&child.name)).and_then(|own| own.table(&from))
            else {
                continue;
            };
            let Some(to) = to else {
                imported.meet(&found, rules);
                continue;
            };
            let nested = to.0.iter().rev().fold(found, |inner, segment| {
                let outer = Table::default();
                if let Segment::Key(key) = segment {
                    outer.insert(key, Item::Table(inner));
                }
                outer
            });
            if rules == Rules::V3_12_0 {
                // Helm's slip: what was imported so far is forgotten, the chart's own values take its place.
                own.over(&nested, 0);
                imported = own.clone();
            } else {
                imported.merge(&nested, rules, 0);
            }
        }
    }
    imported
}

/// `coalesce`.
fn coalesce(node: &Node, chart: &Chart, given: &Table, prefix: &KeyPath, problems: &mut Vec<Problem>) {
    for (key, default) in chart.values.entries() {
        match (given.get(&key), default) {
            (Some(Item::Plain(Value::Null)), _) => {
                given.0.borrow_mut().remove(&key);
            }
            (Some(Item::Table(above)), Item::Table(below)) => above.over(&below, 0),
            (Some(_), _) => {}
            (None, default) => given.insert(&key, default),
        }
    }
    for (child, chart) in node.children.iter().zip(&chart.children).filter(|(child, _)| !child.disabled) {
        let section = prefix.key(&child.name);
        let below = match given.get(&child.name) {
            None => Table::default(),
            Some(Item::Table(below)) => below,
            Some(Item::Plain(other)) => {
                problems.push(not_a_table(&other, &child.name, &section));
                return;
            }
        };
        given.insert(&child.name, Item::Table(below.clone()));
        globals(&below, given);
        coalesce(child, chart, &below, &section, problems);
    }
}

/// `coalesceGlobals`.
fn globals(child: &Table, parent: &Table) {
    let table = |item: Option<Item>| match item {
        None => Some(Table::default()),
        Some(Item::Table(table)) => Some(table),
        Some(Item::Plain(_)) => None,
    };
    let Some(target) = table(child.get("global")) else { return };
    let Some(source) = table(parent.get("global")) else { return };
    for (key, item) in source.entries() {
        match (item, target.get(&key)) {
            (Item::Table(above), None) => target.insert(&key, Item::Table(above.shallow())),
            (Item::Table(above), Some(Item::Table(below))) => {
                let above = above.shallow();
                above.over(&below, 0);
                target.insert(&key, Item::Table(above));
            }
            (Item::Table(_), Some(Item::Plain(_))) | (Item::Plain(_), Some(Item::Table(_))) => {}
            (item, _) => target.insert(&key, item),
        }
    }
    child.insert("global", Item::Table(target));
}

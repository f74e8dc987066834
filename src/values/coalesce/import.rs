//! `import-values`: what subcharts export lies below a chart's own values. It depends on the charts' defaults and on which
//! of them take part, not on what is given, so the last results are kept: five environments that are merged at
//! every key press share them.

use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::shared::{self, Table};
use super::{Mode, Node, Rules, coalesce, tables};
use crate::base::latest::Latest;
use crate::values::Layer;
use crate::yaml::{KeyPath, Parsed};

/// How many results are kept: a few charts with the ways to switch their subcharts.
const KEPT: usize = 16;

/// What decides the result.
#[derive(PartialEq)]
struct Key {
    rules: Rules,
    /// Of the charts that take part, parents first.
    charts: Vec<Chart>,
}

struct Chart {
    name: String,
    is_declared: bool,
    imports: Vec<Value>,
    /// The same defaults are the same parse.
    defaults: Option<Arc<Parsed>>,
    children: usize,
}

impl PartialEq for Chart {
    fn eq(&self, other: &Self) -> bool {
        let defaults = match (&self.defaults, &other.defaults) {
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            (None, None) => true,
            _ => false,
        };
        defaults
            && (&self.name, self.is_declared, self.children, &self.imports)
                == (&other.name, other.is_declared, other.children, &other.imports)
    }
}

type Values = Option<Arc<Map<String, Value>>>;

/// Gives every chart that takes part its values with what it imports.
pub(super) fn all(root: &mut Node, layers: &[Layer], rules: Rules) {
    static KNOWN: Mutex<Latest<(Key, Vec<Values>), KEPT>> = Mutex::new(Latest::new());
    let known = || KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut key = Key { rules, charts: Vec::new() };
    walk(root, &mut |node| {
        key.charts.push(Chart {
            name: node.name.clone(),
            is_declared: node.declared,
            imports: node.import_values.clone(),
            defaults: node.defaults.and_then(|at| layers.get(at)).map(|layer| layer.parsed.clone()),
            children: node.enabled().count(),
        });
    });
    let found = known().find(|(other, _)| *other == key).map(|(_, values)| values.clone());
    if let Some(values) = found {
        let mut values = values.into_iter();
        walk(root, &mut |node| node.values = values.next().flatten());
        return;
    }
    import(root, layers, rules);
    let mut values = Vec::new();
    walk(root, &mut |node| values.push(node.values.clone()));
    known().keep((key, values));
}

/// Charts that take part, parents first.
fn walk(node: &mut Node, with: &mut impl FnMut(&mut Node)) {
    with(node);
    node.children.iter_mut().filter(|child| !child.disabled).for_each(|child| walk(child, with));
}

/// `processDependencyImportValues`: children first; what a child exports lies below the chart's own values.
pub(super) fn import(node: &mut Node, layers: &[Layer], rules: Rules) {
    for child in node.children.iter_mut().filter(|child| !child.disabled) {
        import(child, layers, rules);
    }
    // Not only where something is imported: helm replaces the values of every chart that has dependencies, and the
    // merged nulls then delete again.
    if !node.enabled().any(|child| child.declared) {
        return;
    }
    let mut own = Map::new();
    let mode = Mode::keeping(rules);
    coalesce(node, layers, &mut own, mode, &KeyPath::root(), &mut Vec::new());
    let mut imported = Map::new();
    if node.enabled().any(|child| !child.import_values.is_empty()) {
        let shared = Table::of(&own);
        imported = shared::imports(node, &shared, rules).whole();
        own = shared.whole();
    }
    if rules == Rules::V3_13_0 {
        std::mem::swap(&mut own, &mut imported);
    }
    tables(&mut own, &mut imported, mode);
    node.values = Some(Arc::new(own));
}

//! The keys of all environments as one tree, and what stands in each cell. The nodes are made once a change of
//! the texts; cells only for the rows that are drawn.

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use crate::base::redact::Redactor;
use crate::session::EnvironmentView;
use crate::ui::list::Keys;
use crate::ui::table::{Fold, Row, Rows};
use crate::ui::{Filter, Rich, Role};
use crate::yaml::KeyPath;

/// One key of the merge.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub path: KeyPath,
    /// The path as text: identity of the row, and what the filter reads.
    pub key: String,
    pub depth: usize,
    /// Has keys or items below.
    pub branch: bool,
}

/// Every key that any environment has, depth first, in the order of the first environment that has it.
pub(super) fn nodes(environments: &[EnvironmentView]) -> Vec<Node> {
    let roots: Vec<&Value> = environments.iter().map(|view| &view.merged.value).collect();
    let mut found = Vec::new();
    collect(&roots, &KeyPath::root(), 0, &mut found);
    found
}

fn collect(values: &[&Value], path: &KeyPath, depth: usize, found: &mut Vec<Node>) {
    let mut seen = HashSet::new();
    for value in values {
        let keys: Vec<KeyPath> = match value {
            Value::Object(map) => map.keys().map(|key| path.key(key.clone())).collect(),
            Value::Array(items) => (0..items.len()).map(|index| path.index(index)).collect(),
            _ => Vec::new(),
        };
        for child in keys {
            if !seen.insert(child.clone()) {
                continue;
            }
            let below: Vec<&Value> = values
                .iter()
                .filter_map(|value| KeyPath(child.0.last().cloned().into_iter().collect()).get(value))
                .collect();
            let branch = below.iter().any(|value| match value {
                Value::Object(map) => !map.is_empty(),
                Value::Array(items) => !items.is_empty(),
                _ => false,
            });
            found.push(Node { key: child.to_string(), path: child.clone(), depth, branch });
            if branch {
                collect(&below, &child, depth + 1, found);
            }
        }
    }
}

/// Whether the environments do not all have the same value, or one of them sets it in its own file.
pub(super) fn differs(environments: &[EnvironmentView], path: &KeyPath) -> bool {
    let mut values = environments.iter().map(|view| path.get(&view.merged.value));
    let first = values.next().flatten();
    values.any(|value| value != first) || environments.iter().any(|view| is_own(view, path))
}

/// Whether one of the environment's own files sets the key or something below it.
pub(super) fn is_own(view: &EnvironmentView, path: &KeyPath) -> bool {
    let own = view.merged.layers().iter().filter(|layer| layer.kind.is_given());
    own.into_iter().any(|layer| path.get(layer.value()).is_some())
}

/// The rows of the table: the visible nodes with their fold marks.
pub(super) struct TreeRows<'a> {
    pub nodes: &'a [Node],
    pub visible: &'a [(usize, Fold)],
    pub environments: &'a [EnvironmentView],
    /// Which environments have a column.
    pub columns: &'a [usize],
    pub filter: &'a Filter,
    pub redactor: &'a Redactor,
    pub problems: &'a HashSet<String>,
    /// Keys that no template reads.
    pub unread: &'a HashSet<String>,
}

impl Keys for TreeRows<'_> {
    fn len(&self) -> usize {
        self.visible.len()
    }

    fn key(&self, index: usize) -> Cow<'_, str> {
        self.node(index).map_or("".into(), |node| node.key.as_str().into())
    }
}

impl TreeRows<'_> {
    fn node(&self, index: usize) -> Option<&Node> {
        self.nodes.get(self.visible.get(index)?.0)
    }
}

impl Rows for TreeRows<'_> {
    fn row(&self, index: usize) -> Row {
        let Some((node, fold)) = self.node(index).zip(self.visible.get(index).map(|(_, fold)| *fold)) else {
            return Row::default();
        };
        let bad = self.problems.contains(&node.key);
        let unread = self.unread.contains(&node.key);
        let role = if bad {
            Role::Bad
        } else if unread {
            Role::Warn
        } else {
            Role::Text
        };
        let mut name = Rich::of(role, node.path.name());
        if !self.filter.is_empty()
            && let Some(ranges) = self.filter.matches(&node.path.name())
        {
            name = name.mark(&ranges, Role::Match);
        }
        if bad {
            name.push(Role::Bad, " !");
        } else if unread {
            name.push(Role::Warn, " unread");
        }
        let differs = !node.branch && differs(self.environments, &node.path);
        let mut cells = vec![name];
        cells.extend(
            self.columns
                .iter()
                .filter_map(|column| self.environments.get(*column))
                .map(|view| cell(view, node, differs, self.redactor)),
        );
        Row::tree(node.depth, fold, cells)
    }
}

/// What a cell shows: own values plain, inherited ones dimmed, `…` for what is folded away.
fn cell(view: &EnvironmentView, node: &Node, differs: bool, redactor: &Redactor) -> Rich {
    let Some(value) = node.path.get(&view.merged.value) else { return Rich::of(Role::Muted, "–") };
    if node.branch && matches!(value, Value::Object(_) | Value::Array(_)) {
        let own = is_own(view, &node.path);
        return Rich::of(if own { Role::Text } else { Role::Muted }, "…");
    }
    let text = shown(value, &node.path, redactor);
    let role = match (is_own(view, &node.path), differs) {
        (true, _) => Role::Changed,
        (false, true) => Role::Text,
        (false, false) => Role::Muted,
    };
    Rich::of(role, text)
}

/// A value on one line, secrets redacted.
pub(super) fn shown(value: &Value, path: &KeyPath, redactor: &Redactor) -> String {
    match redactor.value(path, value) {
        Value::String(text) if text.is_empty() => "\"\"".to_owned(),
        Value::String(text) => crate::base::text::one_line(&text),
        Value::Array(items) if items.is_empty() => "[]".to_owned(),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        other => crate::base::text::one_line(&other.to_string()),
    }
}

//! The merged values and, for any key of them, every layer that sets it, the winner last.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use super::coalesce::{self, Node, Rules};
use super::{Layer, LayerKind};
use crate::base::Problem;
use crate::yaml::{KeyPath, Segment};

/// A place that sets a key.
#[derive(Debug, Clone, PartialEq)]
pub struct Origin {
    /// Index among the layers, lowest first.
    pub layer: usize,
    pub kind: LayerKind,
    /// As the user knows the layer: `values-prod.yaml`.
    pub label: String,
    /// Absolute; `None` for what is no file that can be opened.
    pub file: Option<PathBuf>,
    /// Counted from 1.
    pub line: Option<usize>,
    /// What it sets; null deletes the key.
    pub value: Value,
}

impl Origin {
    /// `values-prod.yaml:12`.
    pub fn place(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.label),
            None => self.label.clone(),
        }
    }
}

/// What templates see as `.Values`. Origins are worked out when they are asked for.
#[derive(Debug, Clone)]
pub struct Merged {
    /// A map.
    pub value: Value,
    layers: Arc<Vec<Layer>>,
    /// With what was switched off.
    pub(super) root: Node,
    pub(super) rules: Rules,
    problems: Vec<Problem>,
}

impl Merged {
    pub(super) fn new(
        value: Value,
        layers: Arc<Vec<Layer>>,
        root: Node,
        rules: Rules,
        problems: Vec<Problem>,
    ) -> Self {
        let mut merged = Self { value, layers, root, rules, problems: Vec::new() };
        merged.problems = problems
            .into_iter()
            .map(|problem| {
                let path = KeyPath::parse(&problem.key).unwrap_or_default();
                match merged.locate(&path) {
                    Some((file, line)) => problem.at(file, Some(line)),
                    None => problem,
                }
            })
            .collect();
        merged
    }

    /// Puts keys into the order of the chart's own values.
    pub(super) fn arrange(&mut self) {
        coalesce::order(&mut self.value, &KeyPath::root(), &self.root, &self.layers);
    }

    /// What helm refuses about the merge itself: a subchart's section that is no map.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// All layers, lowest first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The value at a path.
    pub fn get(&self, path: &KeyPath) -> Option<&Value> {
        path.get(&self.value)
    }

    /// Whether the subchart in this section (`otel-collector`, `a.b` for nested ones) takes part; `None` when
    /// there is no such subchart.
    pub fn is_enabled(&self, section: &KeyPath) -> Option<bool> {
        let mut node = &self.root;
        let mut on = true;
        for segment in &section.0 {
            let Segment::Key(key) = segment else { return None };
            node = node.children.iter().find(|child| child.name == *key)?;
            on &= !node.disabled;
        }
        Some(on)
    }

    /// The sections of the subcharts that take part, outer before inner.
    pub fn enabled_sections(&self) -> Vec<KeyPath> {
        fn collect(node: &Node, at: &KeyPath, found: &mut Vec<KeyPath>) {
            for child in node.enabled() {
                let section = at.key(&child.name);
                found.push(section.clone());
                collect(child, &section, found);
            }
        }
        let mut found = Vec::new();
        collect(&self.root, &KeyPath::root(), &mut found);
        found
    }

    /// Every layer that sets the path, the winner last; what a higher layer replaced whole (a list, a map set to
    /// null) is left out. Empty for keys that only helm puts there.
    pub fn setters(&self, path: &KeyPath) -> Vec<Origin> {
        let mut found = Vec::new();
        self.imported(path, &mut found);
        for (index, layer) in self.layers.iter().enumerate() {
            let Some(inside) = below(path, &layer.section) else { continue };
            if self.is_off(&layer.section) {
                continue;
            }
            match look(layer.value(), &inside) {
                Look::Found(value) => found.push(Origin {
                    layer: index,
                    kind: layer.kind,
                    label: layer.name.clone(),
                    file: layer.file.clone(),
                    line: layer.spans().line(&KeyPath(inside)),
                    value: value.clone(),
                }),
                Look::FoundInList(value) => {
                    found.clear();
                    found.push(Origin {
                        layer: index,
                        kind: layer.kind,
                        label: layer.name.clone(),
                        file: layer.file.clone(),
                        line: layer.spans().line(&KeyPath(inside)),
                        value: value.clone(),
                    });
                }
                Look::Replaced => found.clear(),
                Look::Absent => {}
            }
        }
        // A parent's globals win over those set for the subchart.
        if let Some(outer) = self.outer_global(path) {
            found.extend(self.setters(&outer));
        }
        found
    }

    /// Where templates find what this key sets: itself, the globals of the subcharts that take part, and where
    /// `import-values` puts it.
    pub fn reached(&self, path: &KeyPath) -> Vec<KeyPath> {
        let mut found = vec![path.clone()];
        let mut next = 0;
        // Imports may lead on from where others put something; a loop of them ends at what is known.
        while let Some(path) = found.get(next).cloned() {
            next += 1;
            let mut more = Vec::new();
            spread(&self.root, &KeyPath::root(), &path, &mut more);
            for path in more {
                if !found.contains(&path) && found.len() < 1000 {
                    found.push(path);
                }
            }
        }
        found
    }

    /// File (as the user knows it) and line of the winner of this very path.
    pub fn locate(&self, path: &KeyPath) -> Option<(PathBuf, usize)> {
        let winner = self.setters(path).pop()?;
        Some((PathBuf::from(winner.label), winner.line?))
    }

    fn is_off(&self, section: &KeyPath) -> bool {
        !section.0.is_empty() && self.is_enabled(section) == Some(false)
    }

    /// `a.global.x` for `a.b.global.x`, when `a.b` is a subchart's section.
    fn outer_global(&self, path: &KeyPath) -> Option<KeyPath> {
        let at = path.0.iter().position(|segment| *segment == Segment::Key("global".into()))?;
        if at == 0 || self.is_enabled(&KeyPath(path.0[..at].to_vec())) != Some(true) {
            return None;
        }
        Some(KeyPath(path.0[..at - 1].iter().chain(&path.0[at..]).cloned().collect()))
    }

    /// What the charts' `import-values` put here: the lowest of all.
    fn imported(&self, path: &KeyPath, found: &mut Vec<Origin>) {
        let mut node = &self.root;
        let mut section = KeyPath::root();
        loop {
            for child in node.enabled() {
                for (from, to) in Node::imports_of(child) {
                    let target = KeyPath(section.0.iter().chain(&to.0).cloned().collect());
                    let Some(inside) = below(path, &target) else { continue };
                    let source = section.key(&child.name).0.into_iter().chain(from.0).chain(inside).collect();
                    let source = KeyPath(source);
                    // `exports.x` to the root would lead from the subchart's section to itself.
                    if !path.starts_with(&section.key(&child.name)) {
                        found.extend(
                            self.setters(&source).into_iter().filter(|origin| !origin.kind.is_given()),
                        );
                    }
                }
            }
            let Some(Segment::Key(key)) = path.0.get(section.0.len()) else { return };
            let Some(child) = node.enabled().find(|child| child.name == *key) else { return };
            section = section.key(key);
            node = child;
        }
    }
}

/// Where else a chart's subcharts find what a path holds.
fn spread(node: &Node, section: &KeyPath, path: &KeyPath, found: &mut Vec<KeyPath>) {
    let global = section.key("global");
    for child in node.enabled() {
        let own = section.key(&child.name);
        if let Some(inside) = below(path, &global) {
            found.push(KeyPath(own.key("global").0.into_iter().chain(inside).collect()));
        }
        for (from, to) in Node::imports_of(child) {
            let source = KeyPath(own.0.iter().chain(&from.0).cloned().collect());
            if let Some(inside) = below(path, &source) {
                found.push(KeyPath(section.0.iter().chain(&to.0).cloned().chain(inside).collect()));
            }
        }
        spread(child, &own, path, found);
    }
}

/// The path below a section.
fn below(path: &KeyPath, section: &KeyPath) -> Option<Vec<Segment>> {
    path.starts_with(section).then(|| path.0[section.0.len()..].to_vec())
}

enum Look<'v> {
    Found(&'v Value),
    /// Inside a list, which replaces the lower layers' lists whole.
    FoundInList(&'v Value),
    /// Something on the way down is no container: nothing lower shows through.
    Replaced,
    Absent,
}

fn look<'v>(root: &'v Value, path: &[Segment]) -> Look<'v> {
    let mut here = root;
    let mut in_list = false;
    for segment in path {
        here = match (segment, here) {
            (Segment::Key(key), Value::Object(map)) => match map.get(key) {
                Some(value) => value,
                None if in_list => return Look::Replaced,
                None => return Look::Absent,
            },
            (Segment::Index(index), Value::Array(list)) => {
                in_list = true;
                match list.get(*index) {
                    Some(value) => value,
                    None => return Look::Replaced,
                }
            }
            _ => return Look::Replaced,
        };
    }
    if in_list { Look::FoundInList(here) } else { Look::Found(here) }
}

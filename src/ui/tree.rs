//! Folding: which branches are open, and a nested structure flattened into the rows of a [`super::table::Table`].

use std::collections::HashSet;

use super::table::Fold;

/// Which branches are open. Remembers only what differs from the default depth, so that new branches follow it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Folds {
    /// Branches above this depth are open unless toggled.
    pub open_to: usize,
    toggled: HashSet<String>,
}

impl Folds {
    /// Branches of depth below `open_to` start open.
    pub fn open_to(depth: usize) -> Self {
        Self { open_to: depth, toggled: HashSet::new() }
    }

    /// Whether a branch is open.
    pub fn is_open(&self, key: &str, depth: usize) -> bool {
        (depth < self.open_to) != self.toggled.contains(key)
    }

    /// Opens a closed branch and closes an open one.
    pub fn toggle(&mut self, key: &str) {
        if !self.toggled.remove(key) {
            self.toggled.insert(key.to_owned());
        }
    }

    /// Opens or closes a branch.
    pub fn set(&mut self, key: &str, depth: usize, open: bool) {
        if self.is_open(key, depth) != open {
            self.toggle(key);
        }
    }

    /// Everything open to `depth`, nothing toggled.
    pub fn reset(&mut self, depth: usize) {
        self.open_to = depth;
        self.toggled.clear();
    }
}

/// A node as [`flatten`] sees it: its depth, its key and whether it has children.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Node<'a> {
    pub key: &'a str,
    pub depth: usize,
    pub branch: bool,
}

/// The positions of the visible nodes among `nodes` (given in depth-first order) with their fold marks.
///
/// With `matched` (a filter is on) the nodes it holds are shown with all their parents, opened; else the folds
/// decide.
pub fn flatten<'a>(
    nodes: impl Iterator<Item = Node<'a>>,
    folds: &Folds,
    matched: Option<&dyn Fn(usize) -> bool>,
) -> Vec<(usize, Fold)> {
    match matched {
        None => flatten_folded(nodes, folds),
        Some(matched) => flatten_matched(nodes, matched),
    }
}

fn flatten_folded<'a>(nodes: impl Iterator<Item = Node<'a>>, folds: &Folds) -> Vec<(usize, Fold)> {
    let mut shown = Vec::new();
    let mut closed_at: Option<usize> = None;
    for (index, node) in nodes.enumerate() {
        if let Some(depth) = closed_at {
            if node.depth > depth {
                continue;
            }
            closed_at = None;
        }
        let fold = match node.branch {
            false => Fold::Leaf,
            true if folds.is_open(node.key, node.depth) => Fold::Open,
            true => {
                closed_at = Some(node.depth);
                Fold::Closed
            }
        };
        shown.push((index, fold));
    }
    shown
}

fn flatten_matched<'a>(
    nodes: impl Iterator<Item = Node<'a>>,
    matched: &dyn Fn(usize) -> bool,
) -> Vec<(usize, Fold)> {
    let mut shown: Vec<(usize, usize, Fold)> = Vec::new();
    // The path to the current node, and which of it is shown already.
    let mut path: Vec<(usize, Node<'a>, bool)> = Vec::new();
    for (index, node) in nodes.enumerate() {
        path.retain(|(_, above, _)| above.depth < node.depth);
        path.push((index, node, false));
        if matched(index) {
            for (place, part, done) in path.iter_mut().filter(|(_, _, done)| !done) {
                *done = true;
                shown.push((*place, part.depth, if part.branch { Fold::Closed } else { Fold::Leaf }));
            }
        }
    }
    // A branch that matched without any of its children stays closed.
    for place in 1..shown.len() {
        if shown[place].1 > shown[place - 1].1 {
            shown[place - 1].2 = Fold::Open;
        }
    }
    shown.into_iter().map(|(index, _, fold)| (index, fold)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // dagster { webserver { replicas, image }, daemon }, polaris { image }
    const NODES: [(&str, usize, bool); 7] = [
        ("dagster", 0, true),
        ("dagster.webserver", 1, true),
        ("dagster.webserver.replicas", 2, false),
        ("dagster.webserver.image", 2, false),
        ("dagster.daemon", 1, false),
        ("polaris", 0, true),
        ("polaris.image", 1, false),
    ];

    fn nodes() -> impl Iterator<Item = Node<'static>> {
        NODES.iter().map(|(key, depth, branch)| Node { key, depth: *depth, branch: *branch })
    }

    #[test]
    fn folds_follow_the_default_depth_until_toggled() {
        let mut folds = Folds::open_to(1);
        let shown = |folds: &Folds| -> Vec<&str> {
            flatten(nodes(), folds, None).into_iter().map(|(index, _)| NODES[index].0).collect()
        };
        assert_eq!(
            shown(&folds),
            ["dagster", "dagster.webserver", "dagster.daemon", "polaris", "polaris.image"]
        );
        folds.toggle("dagster");
        assert_eq!(shown(&folds), ["dagster", "polaris", "polaris.image"]);
        folds.set("dagster", 0, true);
        folds.set("dagster.webserver", 1, true);
        assert_eq!(shown(&folds).len(), 7);
    }

    #[test]
    fn a_filter_shows_matches_with_their_parents() {
        let matched = |index: usize| NODES[index].0.ends_with("image");
        let shown = flatten(nodes(), &Folds::default(), Some(&matched));
        assert_eq!(
            shown,
            [(0, Fold::Open), (1, Fold::Open), (3, Fold::Leaf), (5, Fold::Open), (6, Fold::Leaf)]
        );
    }

    #[test]
    fn a_branch_that_matches_alone_is_closed() {
        let matched = |index: usize| matches!(NODES[index].0, "dagster" | "polaris");
        let shown = flatten(nodes(), &Folds::default(), Some(&matched));
        assert_eq!(shown, [(0, Fold::Closed), (5, Fold::Closed)]);
    }
}

//! Where every key and value of a document stands, and which key a line belongs to.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::node::{Kind, NodeId, Tree};
use super::read::{is_merge, key_name};
use super::{KeyPath, Segment};

/// Where one path is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Bytes of the key; `None` for list items and the root.
    pub key: Option<Range<usize>>,
    /// Bytes of the value; empty where nothing is written after the colon.
    pub value: Range<usize>,
    /// Line of the key (of the value for list items), counted from 1.
    pub line: usize,
    /// Column of the key in characters, counted from 1.
    pub column: usize,
    /// Line where the value begins.
    pub value_line: usize,
    /// Last line of the value.
    pub last_line: usize,
    /// The value is written elsewhere: this is an alias, or it came in by a merge key.
    pub shared: bool,
}

/// The positions of one document. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Spans {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    text: Arc<str>,
    // All are made at the first look-up: many texts are read for their values only.
    tree: OnceLock<Tree>,
    /// Byte at which each line starts.
    lines: OnceLock<Vec<usize>>,
    /// Maps of thousands of keys are asked for each of them.
    keys: OnceLock<HashMap<NodeId, Keys>>,
}

/// The entries of one map by position.
#[derive(Debug, Default)]
struct Keys {
    /// The last position of each name that is written in the map itself.
    last: HashMap<String, usize>,
    /// Positions of merge keys.
    merges: Vec<usize>,
}

impl Spans {
    /// The positions of the first document of a text; of a text that is not valid YAML only its lines are known.
    pub fn of(text: &str) -> Self {
        let (tree, lines, keys) = (OnceLock::new(), OnceLock::new(), OnceLock::new());
        Self { inner: Arc::new(Inner { text: text.into(), tree, lines, keys }) }
    }

    pub(super) fn new(text: &str, tree: Tree) -> Self {
        let (tree, lines, keys) = (tree.into(), OnceLock::new(), OnceLock::new());
        Self { inner: Arc::new(Inner { text: text.into(), tree, lines, keys }) }
    }

    pub(super) fn tree(&self) -> &Tree {
        let first = || super::node::parse_all(&self.inner.text).ok()?.into_iter().next();
        self.inner.tree.get_or_init(|| first().unwrap_or_default())
    }

    fn lines(&self) -> &[usize] {
        let breaks = || memchr::memchr_iter(b'\n', self.inner.text.as_bytes()).map(|at| at + 1);
        self.inner.lines.get_or_init(|| std::iter::once(0).chain(breaks()).collect())
    }

    pub(super) fn text(&self) -> &Arc<str> {
        &self.inner.text
    }

    /// Line and column of a byte, both counted from 1, columns in characters.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let byte = byte.min(self.inner.text.len());
        let line = self.line_of(byte);
        let start = self.lines()[line.saturating_sub(1)];
        let column = self.inner.text.get(start..byte).map_or(0, |before| before.chars().count());
        (line, column + 1)
    }

    fn line_of(&self, byte: usize) -> usize {
        self.lines().partition_point(|start| *start <= byte.min(self.inner.text.len()))
    }

    /// Bytes of a line (counted from 1), its line break included.
    pub fn line_range(&self, line: usize) -> Range<usize> {
        let start = self.lines().get(line.wrapping_sub(1)).copied().unwrap_or(self.inner.text.len());
        let end = self.lines().get(line).copied().unwrap_or(self.inner.text.len());
        start..end
    }

    /// How many lines the text has; a final line break does not start another one.
    pub fn line_count(&self) -> usize {
        let count = self.lines().len();
        if self.inner.text.ends_with('\n') || self.inner.text.is_empty() { count - 1 } else { count }
    }

    pub(super) fn root_place(&self) -> (usize, usize) {
        self.tree().root.map_or((1, 1), |root| self.line_column(self.tree().node(root).range.start))
    }

    /// The place of a path; of duplicate keys the last, as it is the one that counts.
    pub fn get(&self, path: &KeyPath) -> Option<Place> {
        let (key, value, shared) = self.find(path)?;
        Some(self.place(key, value, shared))
    }

    /// The line of a path, counted from 1.
    pub fn line(&self, path: &KeyPath) -> Option<usize> {
        self.get(path).map(|place| place.line)
    }

    /// The place of the path or of its nearest ancestor that is written here.
    pub fn nearest(&self, path: &KeyPath) -> Option<Place> {
        let mut path = path.clone();
        loop {
            match self.get(&path) {
                Some(place) => return Some(place),
                None => path = path.parent()?,
            }
        }
    }

    /// The deepest path whose key or value covers this line (counted from 1); for blank lines and comments the
    /// map they lie in. The root when nothing does.
    pub fn path_at(&self, line: usize) -> KeyPath {
        let mut path = KeyPath::root();
        let Some(mut here) = self.tree().root else { return path };
        loop {
            let begins = |id: NodeId| self.line_of(self.tree().node(id).range.start);
            let ends = |id: NodeId| self.line_of(self.tree().node(id).range.end);
            let found = match &self.tree().node(here).kind {
                Kind::Map { entries, .. } => {
                    let at = entries.partition_point(|(key, _)| begins(*key) < line);
                    let starts_here = entries.get(at).filter(|(key, _)| begins(*key) == line);
                    let reaches_here =
                        || entries.get(at.checked_sub(1)?).filter(|(_, value)| ends(*value) >= line);
                    starts_here.or_else(reaches_here).and_then(|(key, value)| {
                        let name = key_name(&self.inner.text, self.tree(), *key)?;
                        Some((Segment::Key(name), *value))
                    })
                }
                Kind::List { items, .. } => {
                    let at = items.partition_point(|item| ends(*item) < line);
                    let item = items.get(at).filter(|item| begins(**item) <= line);
                    item.map(|item| (Segment::Index(at), *item))
                }
                Kind::Scalar { .. } | Kind::Alias(_) => None,
            };
            let Some((segment, next)) = found else { return path };
            path.0.push(segment);
            here = next;
        }
    }

    /// The comment lines right above a key (no blank line between), without their `#`; `None` without any.
    pub fn comment_above(&self, path: &KeyPath) -> Option<String> {
        let place = self.get(path).filter(|place| !place.shared)?;
        let mut lines = Vec::new();
        for line in (1..place.line).rev() {
            match self.inner.text[self.line_range(line)].trim().strip_prefix('#') {
                Some(comment) => lines.push(comment.trim_start_matches('#').trim()),
                None => break,
            }
        }
        lines.reverse();
        let comment = lines.join("\n").trim().to_owned();
        (!comment.is_empty()).then_some(comment)
    }

    /// Keys that are written more than once in one map, each with the lines, the one that counts last.
    pub fn duplicates(&self) -> Vec<(KeyPath, Vec<usize>)> {
        let mut found = Vec::new();
        if let Some(root) = self.tree().root {
            self.collect_duplicates(&KeyPath::root(), root, &mut found);
        }
        found
    }

    fn collect_duplicates(&self, path: &KeyPath, id: NodeId, found: &mut Vec<(KeyPath, Vec<usize>)>) {
        match &self.tree().node(id).kind {
            Kind::Map { entries, .. } => {
                let mut seen: HashMap<String, Vec<usize>> = HashMap::new();
                let mut order = Vec::new();
                for (key, value) in entries {
                    let Some(name) = key_name(&self.inner.text, self.tree(), *key) else { continue };
                    if is_merge(self.tree(), *key) {
                        continue;
                    }
                    let line = self.line_column(self.tree().node(*key).range.start).0;
                    let lines = seen.entry(name.clone()).or_default();
                    lines.push(line);
                    if lines.len() == 2 {
                        order.push(name.clone());
                    }
                    self.collect_duplicates(&path.key(name), *value, found);
                }
                for name in order {
                    let lines = seen.remove(&name).unwrap_or_default();
                    found.push((path.key(name), lines));
                }
            }
            Kind::List { items, .. } => {
                for (index, item) in items.iter().enumerate() {
                    self.collect_duplicates(&path.index(index), *item, found);
                }
            }
            Kind::Scalar { .. } | Kind::Alias(_) => {}
        }
    }

    fn find(&self, path: &KeyPath) -> Option<(Option<NodeId>, NodeId, bool)> {
        let tree = self.tree();
        let mut here = (None, tree.root?, false);
        for segment in &path.0 {
            let (_, id, mut shared) = here;
            let target = tree.follow(id);
            shared |= target != id;
            here = match (segment, &tree.node(target).kind) {
                (Segment::Key(name), Kind::Map { .. }) => {
                    let (key, value, merged) = self.entry(target, name, 0)?;
                    (Some(key), value, shared || merged)
                }
                (Segment::Index(index), Kind::List { items, .. }) => (None, *items.get(*index)?, shared),
                _ => return None,
            };
        }
        Some(here)
    }

    /// The entry that counts for a key: the last written, where a merge key writes everything it brings.
    fn entry(&self, map: NodeId, name: &str, depth: usize) -> Option<(NodeId, NodeId, bool)> {
        let tree = self.tree();
        let Kind::Map { entries, .. } = &tree.node(map).kind else { return None };
        // Merges nest only as deep as anchors do; the limit keeps a malicious document from exhausting the stack.
        if depth > 64 {
            return None;
        }
        let keys = self.keys(map)?;
        let own = keys.last.get(name).copied();
        // A merge key that stands below the key itself writes over it.
        let (above, below) = keys.merges.split_at(keys.merges.partition_point(|at| Some(*at) < own));
        let merged = |at: &usize| {
            let (_, value) = entries.get(*at)?;
            let sources = match &tree.node(*value).kind {
                Kind::List { items, .. } => items.as_slice(),
                _ => std::slice::from_ref(value),
            };
            let found = sources.iter().find_map(|source| self.entry(tree.follow(*source), name, depth + 1));
            found.map(|(key, value, _)| (key, value, true))
        };
        let written = || own.and_then(|at| entries.get(at)).map(|(key, value)| (*key, *value, false));
        below.iter().rev().find_map(merged).or_else(written).or_else(|| above.iter().rev().find_map(merged))
    }

    fn keys(&self, map: NodeId) -> Option<&Keys> {
        let tree = self.tree();
        let index = self.inner.keys.get_or_init(|| {
            let mut all = HashMap::new();
            for (id, entries) in tree.maps() {
                let keys: &mut Keys = all.entry(id).or_default();
                for (at, (key, _)) in entries.iter().enumerate() {
                    if is_merge(tree, *key) {
                        keys.merges.push(at);
                    } else if let Some(name) = key_name(&self.inner.text, tree, *key) {
                        keys.last.insert(name, at);
                    }
                }
            }
            all
        });
        index.get(&map)
    }

    fn place(&self, key: Option<NodeId>, value: NodeId, shared: bool) -> Place {
        let tree = self.tree();
        let node = tree.node(value);
        let key = key.map(|key| tree.node(key).range.clone());
        let start = key.as_ref().map_or(node.range.start, |key| key.start);
        let (line, column) = self.line_column(start);
        Place {
            value: node.range.clone(),
            line,
            column,
            value_line: self.line_column(node.range.start).0,
            last_line: self.line_column(node.range.end).0,
            shared: shared || matches!(node.kind, Kind::Alias(_)),
            key,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn path(text: &str) -> KeyPath {
        KeyPath::parse(text).unwrap()
    }

    #[test]
    fn lines_columns_and_bytes() {
        let text = "\u{feff}# head\r\na:\r\n  b: 1 # note\r\n  \"c.d\": {e: [1, 2]}\r\nlist:\r\n- x: 1\r\n  z: 2\r\nempty:\r\n";
        let spans = Spans::of(text);
        let slice = |p: &str| &text[spans.get(&path(p)).unwrap().value];
        assert_eq!(slice("a.b"), "1");
        assert_eq!(slice("a[\"c.d\"].e[1]"), "2");
        assert_eq!(slice("list[0].z"), "2");
        assert_eq!(slice("empty"), "");
        let b = spans.get(&path("a.b")).unwrap();
        assert_eq!((b.line, b.column, b.value_line, b.last_line), (3, 3, 3, 3));
        let a = spans.get(&path("a")).unwrap();
        assert_eq!((a.line, a.value_line, a.last_line), (2, 3, 4));
        assert_eq!(spans.path_at(3), path("a.b"));
        assert_eq!(spans.path_at(7), path("list[0].z"));
        assert_eq!(spans.path_at(6), path("list[0].x"));
        assert_eq!(spans.path_at(1), KeyPath::root());
        assert_eq!(spans.path_at(8), path("empty"));
        assert_eq!(spans.line_count(), 8);
    }

    #[test]
    fn every_line_belongs_to_the_deepest_key_that_covers_it() {
        let text = "a: {x: 1, y: [2,\n  3], z: {q: 4,\n    r: 5}}\nb:\n\n# note\n- [1, 2]\n-\n  c: |\n    d\n\n    e\n- f\ng: 'h\n\n  i'\n\n";
        let spans = Spans::of(text);
        let found: Vec<String> = (1..=17).map(|line| spans.path_at(line).to_string()).collect();
        assert_eq!(
            found,
            [
                "a.x", "a.z.q", "a.z.r", "b", "b", "b", "b[0][0]", "b", "b[1].c", "b[1].c", "b[1].c",
                "b[1].c", "b[2]", "g", "g", "g", ""
            ]
        );
    }

    #[test]
    fn anchors_merges_and_duplicates() {
        let text = "base: &b\n  x: 1\nuse:\n  <<: *b\n  z: 2\nalias: *b\ndup: 1\ndup: 2\n";
        let spans = Spans::of(text);
        let x = spans.get(&path("use.x")).unwrap();
        assert_eq!((x.line, x.shared), (2, true));
        assert_eq!(spans.line(&path("use.z")), Some(5));
        assert!(spans.get(&path("alias.x")).unwrap().shared);
        assert_eq!(spans.line(&path("dup")), Some(8));
        assert_eq!(spans.duplicates(), [(path("dup"), vec![7, 8])]);
        assert_eq!(spans.nearest(&path("use.missing.deep")).unwrap().line, 3);
        assert!(spans.get(&path("nothing")).is_none());
    }

    #[test]
    fn comments_above() {
        let text = "# file header\n\n# How many pods.\n# At least one.\nreplicas: 1\n# -- Docs style\nimage: x\nbare: 1\n";
        let spans = Spans::of(text);
        assert_eq!(spans.comment_above(&path("replicas")).unwrap(), "How many pods.\nAt least one.");
        assert_eq!(spans.comment_above(&path("image")).unwrap(), "-- Docs style");
        assert_eq!(spans.comment_above(&path("bare")), None);
    }
}

//! The difference of two texts as a reader wants it: hunks with three lines around, the YAML path of each hunk, and
//! the words that differ inside a line.

use serde::Serialize;
use similar::{ChangeTag, DiffOp, TextDiff};

/// Lines around a change.
const CONTEXT: usize = 3;

/// A stretch of changed lines with what stands around it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Hunk {
    /// The YAML path of the first changed line: `spec.template.spec.containers[web].image`; empty at the root.
    pub path: String,
    /// In order.
    pub lines: Vec<DiffLine>,
}

impl Hunk {
    /// Added and removed lines.
    pub fn counts(&self) -> (usize, usize) {
        let count = |kind| self.lines.iter().filter(|line| line.kind == kind).count();
        (count(LineKind::Added), count(LineKind::Removed))
    }

    /// Whether two hunks say the same: path and changed lines, not line numbers and surroundings.
    pub fn is_same_change(&self, other: &Self) -> bool {
        fn changed(hunk: &Hunk) -> impl Iterator<Item = (LineKind, String)> + '_ {
            hunk.lines
                .iter()
                .filter(|line| line.kind != LineKind::Context)
                .map(|line| (line.kind, line.text()))
        }
        self.path == other.path && changed(self).eq(changed(other))
    }
}

/// What a line of a hunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum LineKind {
    /// On both sides.
    Context,
    /// Only after.
    Added,
    /// Only before.
    Removed,
}

/// One line of a hunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DiffLine {
    /// What it is.
    pub kind: LineKind,
    /// Its number before, from 1.
    pub old_no: Option<usize>,
    /// Its number after, from 1.
    pub new_no: Option<usize>,
    /// Its text in pieces, without the line end.
    pub spans: Vec<Span>,
}

impl DiffLine {
    /// The whole line.
    pub fn text(&self) -> String {
        self.spans.iter().map(|span| span.text.as_str()).collect()
    }
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The text.
    pub text: String,
    /// Whether these words are what differs.
    pub emphasised: bool,
}

/// The hunks between two texts; none when they are equal.
pub fn text_diff(before: &str, after: &str) -> Vec<Hunk> {
    let diff = TextDiff::from_lines(before, after);
    let (old_lines, new_lines): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    diff.grouped_ops(CONTEXT)
        .iter()
        .map(|ops| {
            let lines = ops.iter().flat_map(|op| diff.iter_inline_changes(op)).map(|change| DiffLine {
                kind: match change.tag() {
                    ChangeTag::Equal => LineKind::Context,
                    ChangeTag::Insert => LineKind::Added,
                    ChangeTag::Delete => LineKind::Removed,
                },
                old_no: change.old_index().map(|index| index + 1),
                new_no: change.new_index().map(|index| index + 1),
                spans: spans(change.values()),
            });
            Hunk { path: hunk_path(ops, &old_lines, &new_lines), lines: lines.collect() }
        })
        .collect()
}

fn spans(values: &[(bool, &str)]) -> Vec<Span> {
    let mut spans: Vec<Span> = values
        .iter()
        .map(|(emphasised, text)| Span {
            text: text.trim_end_matches(['\n', '\r']).to_owned(),
            emphasised: *emphasised,
        })
        .filter(|span| !span.text.is_empty())
        .collect();
    // A line that differs as a whole needs no emphasis.
    if spans.len() == 1 {
        spans[0].emphasised = false;
    }
    spans
}

fn hunk_path(ops: &[DiffOp], old: &[&str], new: &[&str]) -> String {
    for op in ops {
        match op {
            DiffOp::Equal { .. } => {}
            DiffOp::Delete { old_index, .. } => return path_at(old, *old_index),
            DiffOp::Insert { new_index, .. } | DiffOp::Replace { new_index, .. } => {
                return path_at(new, *new_index);
            }
        }
    }
    String::new()
}

/// The YAML path of a line, from the indentation of the lines above it. Lines inside a block scalar belong to the
/// scalar's key.
pub fn path_at(lines: &[&str], index: usize) -> String {
    let mut steps: Vec<String> = Vec::new();
    // How far left a line must begin to hold what was found so far: its key before `limit`, or at it for a list.
    let mut limit = usize::MAX;
    let mut in_list = false;
    for at in (0..=index.min(lines.len().saturating_sub(1))).rev() {
        let Some(line) = lines.get(at).and_then(|line| Line::read(line)) else { continue };
        let is_parent = match line.dash {
            Some(dash) => dash < limit,
            None => line.column < limit || (in_list && line.column == limit),
        };
        if !is_parent {
            continue;
        }
        let own_key = line.column < limit || (in_list && line.dash.is_none());
        if own_key && let Some(key) = line.key {
            if line.opens_block && at != index {
                steps.clear();
            }
            steps.push(if key.contains(['.', '[', '"']) {
                format!("[\"{key}\"]")
            } else {
                format!(".{key}")
            });
        }
        in_list = false;
        limit = line.column;
        if let Some(dash) = line.dash {
            steps.push(format!("[{}]", item_label(lines, at, dash, line.column)));
            limit = dash;
            in_list = true;
        }
        if limit == 0 && !in_list {
            break;
        }
    }
    steps.reverse();
    steps.concat().trim_start_matches('.').to_owned()
}

/// How an item is called: its name, else its place.
fn item_label(lines: &[&str], start: usize, dash: usize, column: usize) -> String {
    for (at, text) in lines.iter().enumerate().skip(start) {
        let Some(line) = Line::read(text) else { continue };
        if at > start && (line.column < column || line.dash.is_some_and(|other| other <= dash)) {
            break;
        }
        if line.column == column && line.key == Some("name") && !line.value.is_empty() {
            return line.value.trim_matches(['"', '\'']).to_owned();
        }
    }
    let before = lines[..start].iter().rev().filter_map(|text| Line::read(text));
    let place = before
        .take_while(|line| line.column > dash || line.dash == Some(dash))
        .filter(|line| line.dash == Some(dash))
        .count();
    place.to_string()
}

/// What a line of YAML shows of the structure.
struct Line<'l> {
    /// Where a `- ` stands.
    dash: Option<usize>,
    /// Where the content begins.
    column: usize,
    key: Option<&'l str>,
    value: &'l str,
    opens_block: bool,
}

impl<'l> Line<'l> {
    /// `None` for blank lines, comments and markers.
    fn read(line: &'l str) -> Option<Self> {
        let text = line.trim_start_matches(' ');
        if text.trim().is_empty() || text.starts_with('#') || text.starts_with("---") {
            return None;
        }
        let start = line.len() - text.len();
        let (dash, column, text) = match text.strip_prefix("- ") {
            Some(rest) => {
                let content = rest.trim_start_matches(' ');
                (Some(start), start + 2 + (rest.len() - content.len()), content)
            }
            None if text.trim_end() == "-" => (Some(start), start + 2, ""),
            None => (None, start, text),
        };
        let (key, value) =
            match text.split_once(": ").or_else(|| text.trim_end().strip_suffix(':').map(|key| (key, ""))) {
                Some((key, value)) => (Some(key.trim_matches(['"', '\''])), value.trim()),
                None => (None, ""),
            };
        let opens_block = value.starts_with(['|', '>']);
        Some(Self { dash, column, key, value, opens_block })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const POD: &str = "kind: Deployment\nspec:\n  replicas: 1\n  template:\n    spec:\n      containers:\n      - image: a:1\n        name: web\n        env:\n          - name: LOG\n            value: x\n        args:\n        - one\n        - two\n      - name: side\n        image: b\ndata:\n  app.yaml: |\n    log:\n      level: info\n  z: 1\n";

    #[test]
    fn paths_of_lines() {
        let lines: Vec<&str> = POD.lines().collect();
        let path =
            |needle: &str| path_at(&lines, lines.iter().position(|line| line.contains(needle)).unwrap());
        assert_eq!(path("replicas"), "spec.replicas");
        assert_eq!(path("a:1"), "spec.template.spec.containers[web].image");
        assert_eq!(path("value: x"), "spec.template.spec.containers[web].env[LOG].value");
        assert_eq!(path("- two"), "spec.template.spec.containers[web].args[1]");
        assert_eq!(path("image: b"), "spec.template.spec.containers[side].image");
        assert_eq!(path("level: info"), "data[\"app.yaml\"]");
        assert_eq!(path("z: 1"), "data.z");
        assert_eq!(path("kind"), "kind");
    }

    #[test]
    fn a_hunk_has_context_numbers_and_words() {
        let hunks = text_diff(POD, &POD.replace("a:1", "a:2"));
        assert_eq!(hunks.len(), 1);
        assert_eq!(hunks[0].path, "spec.template.spec.containers[web].image");
        assert_eq!(hunks[0].counts(), (1, 1));
        assert_eq!(hunks[0].lines.len(), 8);
        let removed = hunks[0].lines.iter().find(|line| line.kind == LineKind::Removed).unwrap();
        assert_eq!((removed.old_no, removed.new_no), (Some(7), None));
        assert_eq!(removed.text(), "      - image: a:1");
        let words: Vec<_> =
            removed.spans.iter().filter(|span| span.emphasised).map(|span| span.text.as_str()).collect();
        assert!(!words.is_empty() && !words.concat().contains("image"), "{words:?}");
    }

    #[test]
    fn the_same_change_elsewhere_is_recognised() {
        let a = text_diff("a: 1\nb: 2\n", "a: 1\nb: 3\n");
        let b = text_diff("x: 0\nb: 2\n", "x: 0\nb: 3\n");
        let c = text_diff("a: 1\nb: 2\n", "a: 1\nb: 4\n");
        assert!(a[0].is_same_change(&b[0]));
        assert!(!a[0].is_same_change(&c[0]));
    }

    proptest! {
        #[test]
        fn hunks_turn_before_into_after(before in "([a-c]: [12]\n){0,12}", after in "([a-c]: [12]\n){0,12}") {
            let hunks = text_diff(&before, &after);
            prop_assert_eq!(hunks.is_empty(), before == after);
            let mut lines: Vec<String> = before.lines().map(str::to_owned).collect();
            // From the end, so that numbers stay right.
            for hunk in hunks.iter().rev() {
                let old: Vec<usize> = hunk.lines.iter().filter_map(|line| line.old_no).collect();
                let new: Vec<String> =
                    hunk.lines.iter().filter(|line| line.kind != LineKind::Removed).map(DiffLine::text).collect();
                let start = old.first().map_or(0, |first| first - 1);
                lines.splice(start..start + old.len(), new);
            }
            prop_assert_eq!(lines, after.lines().map(str::to_owned).collect::<Vec<_>>());
        }

        #[test]
        fn any_line_has_a_path(text in "([ ]{0,6}(- )?[a-z:#|\"]{0,6}\n){0,10}", line in 0usize..12) {
            let lines: Vec<&str> = text.lines().collect();
            let _ = path_at(&lines, line);
        }
    }
}

//! Where one edit touches the text. Nothing here is trusted: the guard one level up reads every result again.

use std::ops::Range;

use serde_json::{Map, Value};

use super::Refused;
use crate::yaml::node::{Kind, Node, NodeId, Style, Tree};
use crate::yaml::read::{Parsed, is_merge, key_name};
use crate::yaml::scalar::{Quote, quoted};
use crate::yaml::{KeyPath, Segment, write};

/// Replace these bytes by this text, whose lines end with `\n`.
#[derive(Debug)]
pub(super) struct Splice {
    range: Range<usize>,
    with: String,
}

impl Splice {
    fn new(range: Range<usize>, with: impl Into<String>) -> Self {
        Self { range, with: with.into() }
    }

    fn insert(at: usize, with: impl Into<String>) -> Self {
        Self::new(at..at, with)
    }

    /// How many lines this may change, on the side where it is more.
    pub(super) fn lines(&self, text: &str) -> usize {
        let old = text.get(self.range.clone()).map_or(0, |old| old.matches('\n').count());
        old.max(self.with.matches('\n').count()) + 1
    }
}

/// The text with all splices made; `None` if they overlap or cut a character.
pub(super) fn apply(text: &str, mut splices: Vec<Splice>, crlf: bool) -> Option<String> {
    splices.sort_by_key(|splice| (splice.range.start, splice.range.end));
    let mut out = String::with_capacity(text.len() + 64);
    let mut done = 0;
    for splice in &splices {
        out.push_str(text.get(done..splice.range.start)?);
        if crlf {
            out.push_str(&splice.with.replace('\n', "\r\n"));
        } else {
            out.push_str(&splice.with);
        }
        done = splice.range.end;
    }
    out.push_str(text.get(done..)?);
    Some(out)
}

/// One step of the way from the root to the edited node.
#[derive(Clone, Copy)]
enum Slot {
    Root,
    Entry { map: NodeId, key: NodeId },
    Item { list: NodeId },
}

struct Document<'d> {
    text: &'d str,
    tree: &'d Tree,
    parsed: &'d Parsed,
}

enum Found {
    Node(NodeId, Slot),
    /// The container that exists, its slot, and how many segments of the path it answers.
    Missing(NodeId, Slot, usize),
    Empty,
}

pub(super) fn set(parsed: &Parsed, path: &KeyPath, value: &Value) -> Result<Vec<Splice>, Refused> {
    let document = Document::new(parsed);
    match document.find(path)? {
        Found::Node(id, slot) => document.replace(id, slot, value, path),
        Found::Missing(id, slot, depth) => document.add(id, slot, path, depth, value),
        Found::Empty => Ok(vec![document.append_to_empty(&wrap(&path.0, value)?)]),
    }
}

pub(super) fn remove(parsed: &Parsed, path: &KeyPath) -> Result<Vec<Splice>, Refused> {
    let document = Document::new(parsed);
    match document.find(path)? {
        Found::Node(id, slot) => document.take_out(id, slot, path),
        Found::Missing(..) => {
            Err(Refused::new(format!("{path} comes from a merge key")).at(document.line_of(path)))
        }
        Found::Empty => Ok(Vec::new()),
    }
}

/// `value` under the remaining segments.
fn wrap(segments: &[Segment], value: &Value) -> Result<Value, Refused> {
    segments.iter().rev().try_fold(value.clone(), |inner, segment| match segment {
        Segment::Key(key) => Ok(Value::Object(Map::from_iter([(key.clone(), inner)]))),
        Segment::Index(0) => Ok(Value::Array(vec![inner])),
        Segment::Index(index) => Err(Refused::new(format!("there is no list with a place for item {index}"))),
    })
}

fn is_filled(value: &Value) -> bool {
    matches!(value, Value::Object(map) if !map.is_empty())
        || matches!(value, Value::Array(list) if !list.is_empty())
}

fn is_flow(kind: &Kind) -> bool {
    matches!(kind, Kind::Map { flow: true, .. } | Kind::List { flow: true, .. })
}

impl<'d> Document<'d> {
    fn new(parsed: &'d Parsed) -> Self {
        Self { text: parsed.spans.text(), tree: parsed.spans.tree(), parsed }
    }

    fn node(&self, id: NodeId) -> &'d Node {
        self.tree.node(id)
    }

    fn line_of(&self, path: &KeyPath) -> usize {
        self.parsed.spans.nearest(path).map_or(1, |place| place.line)
    }

    fn line_at(&self, byte: usize) -> usize {
        self.parsed.spans.line_column(byte).0
    }

    fn line_start(&self, byte: usize) -> usize {
        self.text[..byte].rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// Where the line's content ends: before its line break.
    fn line_end(&self, byte: usize) -> usize {
        let end = self.text[byte..].find('\n').map_or(self.text.len(), |newline| byte + newline);
        if self.text[byte..end].ends_with('\r') { end - 1 } else { end }
    }

    /// Where the next line starts.
    fn next_line(&self, byte: usize) -> usize {
        self.text[byte..].find('\n').map_or(self.text.len(), |newline| byte + newline + 1)
    }

    /// Column as a count of characters; what stands before a key is spaces and dashes (or a byte order mark).
    fn column(&self, byte: usize) -> usize {
        let start = self.line_start(byte);
        self.text[start..byte].trim_start_matches('\u{feff}').chars().count()
    }

    /// The end of a node with everything that belongs to it.
    fn end(&self, id: NodeId) -> usize {
        let node = self.node(id);
        node.anchor.as_ref().map_or(node.range.end, |anchor| anchor.end.max(node.range.end))
    }

    fn name(&self, key: NodeId) -> Option<String> {
        (!is_merge(self.tree, key)).then(|| key_name(self.text, self.tree, key)).flatten()
    }

    /// Refuses to write into what another place of the file shows as well.
    fn own(&self, id: NodeId, path: &KeyPath) -> Result<(), Refused> {
        let node = self.node(id);
        if let Kind::Alias(target) = node.kind {
            let line = self.line_at(self.node(target).range.start);
            let name = &self.text[node.range.clone()];
            return Err(Refused::new(format!("{path} is {name}, written at line {line} for several places"))
                .at(self.line_at(node.range.start)));
        }
        if let (Some(anchor), Some(alias)) = (&node.anchor, self.tree.alias_of(id)) {
            let line = self.line_at(self.node(alias).range.start);
            let name = &self.text[anchor.start + 1..anchor.end];
            return Err(Refused::new(format!("{path} is shared: line {line} uses it as *{name}"))
                .at(self.line_at(anchor.start)));
        }
        Ok(())
    }

    fn find(&self, path: &KeyPath) -> Result<Found, Refused> {
        let Some(root) = self.tree.root else { return Ok(Found::Empty) };
        let (mut id, mut slot) = (root, Slot::Root);
        let mut walked = KeyPath::root();
        for (depth, segment) in path.0.iter().enumerate() {
            self.own(id, &walked)?;
            let next = match (segment, &self.node(id).kind) {
                (Segment::Key(name), Kind::Map { entries, .. }) => entries
                    .iter()
                    .rev()
                    .find(|(key, _)| self.name(*key).as_ref() == Some(name))
                    .map(|(key, value)| (*value, Slot::Entry { map: id, key: *key })),
                (Segment::Index(index), Kind::List { items, .. }) => {
                    items.get(*index).map(|item| (*item, Slot::Item { list: id }))
                }
                _ => None,
            };
            match next {
                Some(next) => (id, slot) = next,
                None => return Ok(Found::Missing(id, slot, depth)),
            }
            walked.0.push(segment.clone());
        }
        self.own(id, path)?;
        Ok(Found::Node(id, slot))
    }

    /// Whether what stands in this slot is inside brackets, where a block cannot be.
    fn in_flow(&self, slot: Slot) -> bool {
        match slot {
            Slot::Root => false,
            Slot::Entry { map, .. } => is_flow(&self.node(map).kind),
            Slot::Item { list } => is_flow(&self.node(list).kind),
        }
    }

    /// The byte after an entry's colon.
    fn after_colon(&self, key: NodeId) -> Result<usize, Refused> {
        let end = self.node(key).range.end;
        let rest = &self.text[end..];
        let spaces = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if rest[spaces..].starts_with(':') {
            Ok(end + spaces + 1)
        } else {
            Err(Refused::new("the key is written in a form that only the text editor can change")
                .at(self.line_at(end)))
        }
    }

    /// The byte of the dash in front of a list item.
    fn dash(&self, item: NodeId) -> Result<usize, Refused> {
        let before = self.text[..self.tree.start(item)].trim_end();
        if before.ends_with('-') {
            Ok(before.len() - 1)
        } else {
            Err(Refused::new("the list is written in a form that only the text editor can change")
                .at(self.line_at(before.len())))
        }
    }

    fn replace(&self, id: NodeId, slot: Slot, value: &Value, path: &KeyPath) -> Result<Vec<Splice>, Refused> {
        let node = self.node(id);
        if let Some((tag, range)) = &node.tag {
            return Err(Refused::new(format!("{path} carries the tag {tag}")).at(self.line_at(range.start)));
        }
        if self.in_flow(slot) {
            let wish = Self::wish(node, value);
            return Ok(vec![self.inline_over(node, write::inline(value, wish, true))]);
        }
        let spread = matches!(node.kind, Kind::Map { flow: false, .. } | Kind::List { flow: false, .. });
        if is_filled(value) {
            return self.replace_by_block(node, slot, value, spread);
        }
        if spread {
            let inline = write::inline(value, Quote::Plain, false);
            return match slot {
                Slot::Entry { key, .. } => {
                    let colon = self.after_colon(key)?;
                    let from = self.line_end(colon);
                    if node.range.start < from {
                        return Ok(vec![Splice::new(node.range.clone(), inline)]);
                    }
                    Ok(vec![
                        Splice::insert(colon, format!(" {inline}")),
                        Splice::new(from..node.range.end, ""),
                    ])
                }
                _ => Ok(vec![Splice::new(node.range.clone(), inline)]),
            };
        }
        Ok(self.replace_scalar(node, slot, value))
    }

    fn replace_scalar(&self, node: &Node, slot: Slot, value: &Value) -> Vec<Splice> {
        let style = match &node.kind {
            Kind::Scalar { style, .. } => Some(*style),
            _ => None,
        };
        let keeps_quotes = matches!(style, Some(Style::Single | Style::Double));
        if let (Value::String(text), false) = (value, keeps_quotes) {
            let indent = match style {
                Some(Style::Block) => self.block_indent(node),
                _ => None,
            }
            .or_else(|| self.indent_below(slot).ok());
            if let Some((header, lines)) = indent.and_then(|indent| write::literal(text, indent)) {
                if style == Some(Style::Block) {
                    return vec![Splice::new(node.range.clone(), format!("{header}{lines}"))];
                }
                return vec![
                    self.inline_over(node, header.to_owned()),
                    Splice::insert(self.line_end(node.range.end), lines),
                ];
            }
        }
        vec![self.inline_over(node, write::inline(value, Self::wish(node, value), false))]
    }

    /// Writes over a node on its line; what was empty gets a space before it.
    fn inline_over(&self, node: &Node, inline: String) -> Splice {
        let glued = node.range.is_empty() && !self.text[..node.range.start].ends_with(' ');
        // `a: &anchor` with nothing behind it: the value goes after the anchor.
        let start = node.anchor.as_ref().map_or(node.range.start, |anchor| node.range.start.max(anchor.end));
        let range = start..node.range.end.max(start);
        Splice::new(range, if glued { format!(" {inline}") } else { inline })
    }

    /// The quotes that stand there now, when text follows text.
    fn wish(node: &Node, value: &Value) -> Quote {
        match (&node.kind, value) {
            (Kind::Scalar { style: Style::Single, .. }, Value::String(_)) => Quote::Single,
            (Kind::Scalar { style: Style::Double, .. }, Value::String(_)) => Quote::Double,
            _ => Quote::Plain,
        }
    }

    fn block_indent(&self, node: &Node) -> Option<usize> {
        let lines = self.text.get(node.range.clone())?.split('\n').skip(1);
        lines
            .map(|line| line.trim_end_matches('\r'))
            .find(|line| !line.trim().is_empty())
            .map(|line| line.len() - line.trim_start_matches(' ').len())
    }

    /// Indentation of lines that belong to the value in this slot.
    fn indent_below(&self, slot: Slot) -> Result<usize, Refused> {
        match slot {
            Slot::Root => Ok(0),
            Slot::Entry { key, .. } => Ok(self.column(self.tree.start(key)) + 2),
            Slot::Item { list } => match &self.node(list).kind {
                Kind::List { items, .. } if !items.is_empty() => Ok(self.column(self.dash(items[0])?) + 2),
                _ => Err(Refused::new("there is no item to stand under")),
            },
        }
    }

    fn replace_by_block(
        &self,
        node: &Node,
        slot: Slot,
        value: &Value,
        spread: bool,
    ) -> Result<Vec<Splice>, Refused> {
        let indent = match slot {
            // What is spread out already keeps its column, also a list that is not indented under its key.
            Slot::Entry { .. } if spread && matches!(node.kind, Kind::List { .. }) == value.is_array() => {
                self.column(node.range.start)
            }
            _ => self.indent_below(slot)?,
        };
        let mut lines = String::new();
        write::block(value, indent, &mut lines);
        match slot {
            Slot::Entry { key, .. } if !spread => {
                let colon = self.after_colon(key)?;
                let anchored = node.anchor.as_ref().map_or(colon, |anchor| anchor.end);
                let end = self.line_end(node.range.end.max(anchored));
                let mut splices = vec![Splice::insert(end, lines)];
                if node.range.end > anchored {
                    splices.push(Splice::new(anchored..node.range.end, ""));
                }
                Ok(splices)
            }
            // A comment behind the last replaced line goes too: behind a block's text it would become text.
            Slot::Entry { .. } => {
                let range = self.line_start(node.range.start)..self.line_end(node.range.end);
                Ok(vec![Splice::new(range, lines.strip_prefix('\n').unwrap_or_default())])
            }
            Slot::Root | Slot::Item { .. } => {
                let glue = if node.range.is_empty() && matches!(slot, Slot::Item { .. }) { " " } else { "" };
                let lines = lines.trim_start_matches(['\n', ' ']);
                if spread {
                    let range = node.range.start..self.line_end(node.range.end);
                    return Ok(vec![Splice::new(range, lines)]);
                }
                let (first, rest) = lines.split_at(lines.find('\n').unwrap_or(lines.len()));
                Ok(vec![
                    Splice::new(node.range.clone(), format!("{glue}{first}")),
                    Splice::insert(self.line_end(node.range.end), rest),
                ])
            }
        }
    }

    /// Adds what is missing below the container `id`.
    fn add(
        &self,
        id: NodeId,
        slot: Slot,
        path: &KeyPath,
        depth: usize,
        value: &Value,
    ) -> Result<Vec<Splice>, Refused> {
        let (segment, rest) =
            path.0[depth..].split_first().ok_or_else(|| Refused::new(format!("{path} is there already")))?;
        let inner = wrap(rest, value)?;
        let node = self.node(id);
        let whole = || wrap(&path.0[depth..], value);
        match (&node.kind, segment) {
            (Kind::Map { entries, flow }, Segment::Key(key)) => match (entries.last(), entries.first()) {
                (Some((last_key, last)), Some((first, _))) => {
                    let end = self.end(*last).max(self.node(*last_key).range.end);
                    if *flow {
                        let entry = format!(
                            ", {}: {}",
                            quoted(key, Quote::Plain, true),
                            write::inline(&inner, Quote::Plain, true)
                        );
                        return Ok(vec![Splice::insert(end, entry)]);
                    }
                    let mut lines = String::new();
                    write::entry(key, &inner, self.column(self.tree.start(*first)), &mut lines);
                    Ok(vec![Splice::insert(self.line_end(end), lines)])
                }
                _ => self.replace(id, slot, &whole()?, path),
            },
            (Kind::List { items, flow }, Segment::Index(_)) => match (items.last(), items.first()) {
                (Some(last), Some(first)) => {
                    let end = self.end(*last);
                    if *flow {
                        let item = format!(", {}", write::inline(&inner, Quote::Plain, true));
                        return Ok(vec![Splice::insert(end, item)]);
                    }
                    let mut lines = String::new();
                    write::item(&inner, self.column(self.dash(*first)?), &mut lines);
                    Ok(vec![Splice::insert(self.line_end(end), lines)])
                }
                _ => self.replace(id, slot, &wrap_items(rest, value)?, path),
            },
            // Null (written or not): the guard's value edit has already refused every other scalar.
            _ => self.replace(id, slot, &whole()?, path),
        }
    }

    fn append_to_empty(&self, value: &Value) -> Splice {
        let mut text = String::new();
        if !self.text.is_empty() && !self.text.ends_with('\n') && self.text != "\u{feff}" {
            text.push('\n');
        }
        text.push_str(&write(value));
        Splice::insert(self.text.len(), text)
    }

    fn take_out(&self, id: NodeId, slot: Slot, path: &KeyPath) -> Result<Vec<Splice>, Refused> {
        match slot {
            Slot::Root => Err(Refused::new("the whole document cannot be removed as a key")),
            Slot::Entry { map, key } => {
                let Kind::Map { entries, flow } = &self.node(map).kind else { return Ok(Vec::new()) };
                let at = entries.iter().position(|(other, _)| *other == key).unwrap_or(0);
                if entries.len() == 1 {
                    return self.empty(map, path, *flow, "{}");
                }
                let starts: Vec<_> = entries.iter().map(|(key, _)| self.tree.start(*key)).collect();
                let ends: Vec<_> = entries
                    .iter()
                    .map(|(key, value)| self.end(*value).max(self.node(*key).range.end))
                    .collect();
                Ok(vec![self.cut(at, &starts, &ends, *flow)])
            }
            Slot::Item { list } => {
                let Kind::List { items, flow } = &self.node(list).kind else { return Ok(Vec::new()) };
                let at = items.iter().position(|other| *other == id).unwrap_or(0);
                if items.len() == 1 {
                    return self.empty(list, path, *flow, "[]");
                }
                let starts = items
                    .iter()
                    .map(|item| if *flow { Ok(self.tree.start(*item)) } else { self.dash(*item) })
                    .collect::<Result<Vec<_>, _>>()?;
                let ends: Vec<_> = items.iter().map(|item| self.end(*item)).collect();
                Ok(vec![self.cut(at, &starts, &ends, *flow)])
            }
        }
    }

    /// Cuts one of several entries.
    fn cut(&self, at: usize, starts: &[usize], ends: &[usize], flow: bool) -> Splice {
        if flow {
            return match at {
                0 => Splice::new(starts[0]..starts[1], ""),
                _ => Splice::new(ends[at - 1]..ends[at], ""),
            };
        }
        let line = self.line_start(starts[at]);
        if !self.text[line..starts[at]].trim_matches([' ', '\u{feff}']).is_empty() {
            // `- first: 1` shares its line with the dash: the next entry moves up to it.
            return match starts.get(at + 1) {
                Some(next) => Splice::new(starts[at]..*next, ""),
                None => Splice::new(starts[at]..ends[at], ""),
            };
        }
        let from = if self.text[line..].starts_with('\u{feff}') { line + 3 } else { line };
        let to = self.next_line(ends[at]);
        if to == self.text.len() && !self.text.ends_with('\n') && from > 0 {
            // The file ends without a line break, and keeps doing so.
            return Splice::new(self.line_end(self.line_start(from - 1))..to, "");
        }
        Splice::new(from..to, "")
    }

    /// The last entry goes: its container stays, empty.
    fn empty(&self, id: NodeId, path: &KeyPath, flow: bool, nothing: &str) -> Result<Vec<Splice>, Refused> {
        let node = self.node(id);
        if flow {
            return Ok(vec![Splice::new(node.range.clone(), nothing)]);
        }
        if self.tree.root == Some(id) {
            if nothing == "[]" {
                return Ok(vec![Splice::new(node.range.clone(), nothing)]);
            }
            let from = self.line_start(node.range.start);
            let from = if self.text[from..].starts_with('\u{feff}') { from + 3 } else { from };
            return Ok(vec![Splice::new(from..self.next_line(node.range.end), "")]);
        }
        let parent = path.parent().unwrap_or_default();
        let value = if nothing == "{}" { Value::Object(Map::new()) } else { Value::Array(Vec::new()) };
        match self.find(&parent)? {
            Found::Node(found, slot) if found == id => self.replace(id, slot, &value, &parent),
            _ => Err(Refused::new(format!("{parent} cannot be emptied")).at(self.line_at(node.range.start))),
        }
    }
}

fn wrap_items(rest: &[Segment], value: &Value) -> Result<Value, Refused> {
    Ok(Value::Array(vec![wrap(rest, value)?]))
}

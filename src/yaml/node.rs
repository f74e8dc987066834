//! The document as it was written: every node with its bytes, style, anchor and tag. Values, positions and edits
//! are all made from this one parse, so they cannot disagree.

use std::collections::HashMap;
use std::ops::Range;

use serde_saphyr::granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span, StructureStyle};

use super::read::YamlError;

/// Index of a node in its [`Tree`].
pub type NodeId = usize;

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Single,
    Double,
    /// `|` or `>`.
    Block,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    Scalar {
        style: Style,
        text: String,
    },
    Map {
        flow: bool,
        entries: Vec<(NodeId, NodeId)>,
    },
    List {
        flow: bool,
        items: Vec<NodeId>,
    },
    /// `*name`; the node it stands for.
    Alias(NodeId),
}

/// One node of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub kind: Kind,
    /// Bytes of the content, without anchor and tag. An empty value has an empty range after its key's colon;
    /// a block collection ends with its last content, a block scalar without its final line break.
    pub range: Range<usize>,
    /// Bytes of `&name`.
    pub anchor: Option<Range<usize>>,
    /// The tag's suffix (`str`, `int`) with the bytes where it stands; other tags keep their full name.
    pub tag: Option<(String, Range<usize>)>,
}

/// One document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tree {
    pub nodes: Vec<Node>,
    /// `None` for an empty or comment-only text.
    pub root: Option<NodeId>,
    /// Bytes of the whole document, markers and comments included.
    pub range: Range<usize>,
}

impl Tree {
    /// The node; indexes come from the same tree.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    /// The node itself or what its alias stands for.
    pub fn follow(&self, id: NodeId) -> NodeId {
        match self.nodes[id].kind {
            Kind::Alias(target) => target,
            _ => id,
        }
    }

    /// Every map with its entries.
    pub fn maps(&self) -> impl Iterator<Item = (NodeId, &[(NodeId, NodeId)])> {
        self.nodes.iter().enumerate().filter_map(|(id, node)| match &node.kind {
            Kind::Map { entries, .. } => Some((id, entries.as_slice())),
            _ => None,
        })
    }

    /// Whether any alias stands for this node.
    pub fn alias_of(&self, id: NodeId) -> Option<NodeId> {
        self.nodes.iter().position(|node| node.kind == Kind::Alias(id))
    }

    /// Where the whole node starts: its anchor or tag if it has one before the content.
    pub fn start(&self, id: NodeId) -> usize {
        let node = &self.nodes[id];
        [node.anchor.as_ref(), node.tag.as_ref().map(|(_, range)| range)]
            .into_iter()
            .flatten()
            .map(|range| range.start)
            .fold(node.range.start, usize::min)
    }
}

/// Parses every document of a text.
pub fn parse_all(text: &str) -> Result<Vec<Tree>, YamlError> {
    documents(text, usize::MAX)
}

/// The first document; what follows it may be anything.
pub fn parse_first(text: &str) -> Result<Tree, YamlError> {
    Ok(documents(text, 1)?.into_iter().next().unwrap_or_default())
}

/// How many bytes of a mark are before the text.
fn skipped(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

/// What the parser tells of a text.
pub(super) fn events(text: &str) -> impl Iterator<Item = Result<(Event<'_>, Span), ScanError>> {
    let mut options = Options::default();
    options.set_emit_comments(false);
    options.emit_anchor_events = true;
    Parser::new_from_str_with_options(&text[skipped(text)..], options)
}

fn documents(text: &str, most: usize) -> Result<Vec<Tree>, YamlError> {
    let skip = skipped(text);
    let mut builder = Builder { text, ..Builder::default() };
    for event in events(text) {
        let (event, span) = event.map_err(|error| YamlError {
            line: error.marker().line().max(1),
            column: error.marker().col() + 1,
            message: error.info().clone(),
        })?;
        let range = span.byte_range().unwrap_or_default();
        let range = range.start + skip..range.end + skip;
        let tag_range = span
            .tag_span()
            .and_then(|span| span.byte_range())
            .map_or(range.start..range.start, |tag| tag.start + skip..tag.end + skip);
        builder.event(event, range, tag_range);
        if builder.documents.len() >= most {
            break;
        }
    }
    Ok(builder.documents)
}

#[derive(Default)]
struct Builder<'t> {
    text: &'t str,
    documents: Vec<Tree>,
    tree: Tree,
    open: Vec<Open>,
    anchors: HashMap<usize, NodeId>,
    last: Option<NodeId>,
}

struct Open {
    id: NodeId,
    /// The key that waits for its value.
    key: Option<NodeId>,
}

impl Builder<'_> {
    fn event(&mut self, event: Event<'_>, range: Range<usize>, tag_range: Range<usize>) {
        let name = |tag: Option<std::borrow::Cow<'_, serde_saphyr::granit_parser::Tag>>| {
            tag.map(|tag| {
                let name = tag
                    .suffix_in_namespace("tag:yaml.org,2002:")
                    .map_or_else(|| tag.original(), std::borrow::Cow::into_owned);
                (name, tag_range.clone())
            })
        };
        match event {
            Event::DocumentStart(..) => {
                self.tree = Tree { range: range.start..range.end, ..Tree::default() };
                self.anchors.clear();
            }
            Event::DocumentEnd => {
                self.tree.range.end = range.end;
                self.documents.push(std::mem::take(&mut self.tree));
            }
            Event::Scalar(text, style, anchor, tag) => {
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::Single,
                    ScalarStyle::DoubleQuoted => Style::Double,
                    ScalarStyle::Literal | ScalarStyle::Folded => Style::Block,
                };
                let kind = Kind::Scalar { style, text: text.into_owned() };
                let range = self.tidy(style, range);
                self.add(kind, range, anchor, name(tag));
            }
            Event::MappingStart(style, anchor, tag) => {
                let kind = Kind::Map { flow: style == StructureStyle::Flow, entries: Vec::new() };
                let id = self.add(kind, range, anchor, name(tag));
                self.open.push(Open { id, key: None });
            }
            Event::SequenceStart(style, anchor, tag) => {
                let kind = Kind::List { flow: style == StructureStyle::Flow, items: Vec::new() };
                let id = self.add(kind, range, anchor, name(tag));
                self.open.push(Open { id, key: None });
            }
            Event::MappingEnd | Event::SequenceEnd => self.close(range.end),
            Event::Alias(anchor) => {
                // An unknown anchor is the parser's error; the fallback only keeps this total.
                let target = self.anchors.get(&anchor).copied().unwrap_or(0);
                self.add(Kind::Alias(target), range, 0, None);
            }
            Event::Anchor(..) => {
                if let Some(last) = self.last {
                    self.tree.nodes[last].anchor = Some(range);
                }
            }
            _ => {}
        }
    }

    /// The range a person would select: without the line break that ends a block scalar; an implicit empty value
    /// sits right after its key's colon or dash instead of at the next token.
    fn tidy(&self, style: Style, range: Range<usize>) -> Range<usize> {
        match style {
            Style::Block => {
                let Some(header) = self.block_header(range.start) else { return range };
                let content =
                    self.text[header.end..range.end.max(header.end)].trim_end_matches(['\n', '\r', ' ']);
                header.start..header.end + content.len()
            }
            Style::Plain if range.is_empty() => {
                let from = match self.open.last() {
                    Some(Open { key: Some(key), .. }) => self.tree.nodes[*key].range.end,
                    Some(Open { key: None, id })
                        if matches!(self.tree.nodes[*id].kind, Kind::List { flow: false, .. }) =>
                    {
                        let before = self.text[..range.start].trim_end().len();
                        return if self.text[..before].ends_with('-') { before..before } else { range };
                    }
                    _ => return range,
                };
                match self.text[from..].find(':') {
                    Some(colon) => from + colon + 1..from + colon + 1,
                    None => range,
                }
            }
            _ => range,
        }
    }

    /// The `|2-` that opens the block scalar whose content starts here: the parser's span leaves it out.
    fn block_header(&self, content: usize) -> Option<Range<usize>> {
        // An empty block's content is said to start after it, so the last line that opens a block is looked for.
        let before = self.text.get(..content)?.trim_end();
        let line = before.rfind('\n').map_or(0, |newline| newline + 1);
        before[line..].char_indices().filter(|(_, c)| matches!(c, '|' | '>')).find_map(|(at, _)| {
            let glued = !before[line..line + at].ends_with([' ', '\t']) && at > 0;
            let start = line + at;
            let rest = before[start + 1..]
                .trim_start_matches(['+', '-', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
            let comment = rest.starts_with([' ', '\t']) && rest.trim_start().starts_with('#');
            (!glued && (rest.is_empty() || comment)).then(|| start..before.len() - rest.len())
        })
    }

    fn add(
        &mut self,
        kind: Kind,
        range: Range<usize>,
        anchor: usize,
        tag: Option<(String, Range<usize>)>,
    ) -> NodeId {
        let id = self.tree.nodes.len();
        self.tree.nodes.push(Node { kind, range, anchor: None, tag });
        self.last = Some(id);
        if anchor != 0 {
            self.anchors.insert(anchor, id);
        }
        match self.open.last_mut() {
            None => self.tree.root = Some(id),
            Some(open) => match &mut self.tree.nodes[open.id].kind {
                Kind::Map { entries, .. } => match open.key.take() {
                    None => open.key = Some(id),
                    Some(key) => entries.push((key, id)),
                },
                Kind::List { items, .. } => items.push(id),
                _ => {}
            },
        }
        id
    }

    fn close(&mut self, end: usize) {
        let Some(Open { id, .. }) = self.open.pop() else { return };
        let last_child = match &self.tree.nodes[id].kind {
            Kind::Map { flow: false, entries } => entries.last().map(|(key, value)| (*key, *value)),
            Kind::List { flow: false, items } => items.last().map(|item| (*item, *item)),
            _ => None,
        };
        let first_child = match &self.tree.nodes[id].kind {
            Kind::Map { flow: false, entries } => entries.first().map(|(key, _)| *key),
            _ => None,
        };
        // A block map starts with its first key, wherever the parser saw its indentation.
        if let Some(first) = first_child {
            let start = self.tree.start(first);
            self.tree.nodes[id].range.start = start;
        }
        self.tree.nodes[id].range.end = match last_child {
            Some((key, value)) => {
                let end = |node: NodeId| {
                    let node = &self.tree.nodes[node];
                    // An empty anchored value ends with its anchor.
                    node.anchor.as_ref().map_or(node.range.end, |anchor| anchor.end.max(node.range.end))
                };
                end(value).max(end(key))
            }
            None => end.max(self.tree.nodes[id].range.start),
        };
    }
}

//! The lines of one file's output, each followed to the actions that wrote it.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use std::rc::Rc;

use super::super::places::Places;
use super::super::template::trace::{Event, FileTrace, Part, Piece, PieceId, Read};
use super::{Extent, KeyUse, Role, TemplateLine};
use crate::values::Merged;
use crate::yaml::{KeyPath, Spans};

/// How deep includes are followed.
const DEPTH: usize = 64;

/// What is known of one line.
#[derive(Debug, Default)]
pub(super) struct Line {
    pub(super) templates: Vec<TemplateLine>,
    pub(super) keys: BTreeSet<KeyUse>,
    pub(super) unstable: bool,
    /// Something in it came from the caller of the template.
    argument: bool,
}

/// A file's trace, made ready for questions about lines.
pub(super) struct Lines<'t> {
    trace: &'t FileTrace,
    places: &'t Places,
    merged: Option<&'t Merged>,
    /// Texts and actions of each frame, in the order of what they wrote.
    pieces: Vec<Vec<usize>>,
    /// The frames that an action called.
    called: HashMap<PieceId, Vec<usize>>,
    /// Bytes of the lines of each frame's output.
    ranges: Vec<Vec<Range<usize>>>,
    /// Where keys stand in what an action wrote.
    spans: RefCell<HashMap<usize, Rc<Spans>>>,
    owners: Vec<PieceId>,
}

/// The innermost piece of each event.
pub(super) fn owners(trace: &FileTrace) -> Vec<PieceId> {
    let mut owners = vec![PieceId::MAX; trace.events.len()];
    // What lies inside comes later.
    for (id, piece) in (0..).zip(&trace.pieces) {
        if let Some(own) = owners.get_mut(piece.events.0..piece.events.1) {
            own.fill(id);
        }
    }
    owners
}

/// The place of a piece; of a text that `tpl` was given the place of that call.
pub(super) fn place(trace: &FileTrace, id: usize) -> Option<TemplateLine> {
    place_at(trace, id, 0)
}

fn place_at(trace: &FileTrace, mut id: usize, mut offset: usize) -> Option<TemplateLine> {
    for _ in 0..DEPTH {
        let piece = trace.pieces.get(id)?;
        let source = trace.sources.get(piece.source as usize)?;
        if &*source.name != "gotpl" {
            let at = u32::try_from(piece.at as usize + offset).ok()?;
            return Some(TemplateLine { template: source.name.clone(), line: source.place(at).0 });
        }
        id = trace.frames.get(piece.frame as usize)?.caller? as usize;
        offset = 0;
    }
    None
}

fn line_ranges(text: &[u8]) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut start = 0;
    for end in memchr::memchr_iter(b'\n', text) {
        found.push(start..end);
        start = end + 1;
    }
    found.push(start..text.len());
    found
}

impl<'t> Lines<'t> {
    pub(super) fn of(trace: &'t FileTrace, places: &'t Places, merged: Option<&'t Merged>) -> Self {
        let mut pieces = vec![Vec::new(); trace.frames.len()];
        for (id, piece) in trace.pieces.iter().enumerate() {
            if !piece.is_control
                && piece.end > piece.start
                && let Some(own) = pieces.get_mut(piece.frame as usize)
            {
                own.push(id);
            }
        }
        let mut called: HashMap<PieceId, Vec<usize>> = HashMap::new();
        for (id, frame) in trace.frames.iter().enumerate() {
            if let Some(caller) = frame.caller {
                called.entry(caller).or_default().push(id);
            }
        }
        let ranges = trace.frames.iter().map(|frame| line_ranges(&frame.output)).collect();
        Self {
            trace,
            places,
            merged,
            pieces,
            called,
            ranges,
            spans: RefCell::default(),
            owners: owners(trace),
        }
    }

    /// A line of the file's output, counted from 0.
    pub(super) fn of_file(&self, line: usize) -> Option<Line> {
        let mut found = Line::default();
        self.follow(0, line, DEPTH, &mut found)?;
        Some(found)
    }

    fn follow(&self, frame: usize, line: usize, depth: usize, found: &mut Line) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let output: &[u8] = &self.trace.frames.get(frame)?.output;
        let range = self.ranges.get(frame)?.get(line)?.clone();
        let text = output.get(range.clone())?;
        let first = text
            .iter()
            .position(|byte| !byte.is_ascii_whitespace())
            .map_or(range.start, |at| range.start + at);
        let end = range.end.max(range.start + 1);
        let pieces = self.pieces.get(frame)?;
        let from = pieces.partition_point(|id| self.trace.pieces[*id].end <= range.start);
        for id in &pieces[from..] {
            let piece = &self.trace.pieces[*id];
            if piece.start >= end {
                break;
            }
            let is_first = (piece.start..piece.end).contains(&first);
            self.conditions(piece.control, &mut BTreeSet::new(), found);
            found.unstable |= piece.unstable && !piece.is_text;
            if piece.is_text {
                if is_first {
                    found.templates.extend(place_at(self.trace, *id, first - piece.start));
                }
                continue;
            }
            if is_first {
                found.templates.extend(place(self.trace, *id));
            }
            self.action(*id, &range, depth, is_first, found);
        }
        Some(())
    }

    /// What an action contributed to a line of its frame.
    fn action(&self, id: usize, line: &Range<usize>, depth: usize, is_first: bool, found: &mut Line) {
        let piece = &self.trace.pieces[id];
        let output: &[u8] = &self.trace.frames[piece.frame as usize].output;
        let written = output.get(piece.start..piece.end).unwrap_or_default();
        let written_lines = line_ranges(written);
        let at = written_lines
            .iter()
            .rposition(|own| piece.start + own.start <= line.end.max(line.start))
            .unwrap_or(0);
        let at = written_lines
            .iter()
            .position(|own| piece.start + own.end >= line.start)
            .map_or(at, |first| first.min(at));
        let calls: &[usize] =
            PieceId::try_from(id).ok().and_then(|id| self.called.get(&id)).map_or(&[], Vec::as_slice);
        let mut inner = Line::default();
        let mut is_matched = false;
        for frame in calls {
            if let Some(inside) = self.aligned(written, &written_lines, at, *frame)
                && self.follow(*frame, inside, depth, &mut inner).is_some()
            {
                is_matched = true;
            }
        }
        let is_outside = |event: usize| {
            !calls.iter().any(|frame| {
                let events = self.trace.frames[*frame].events;
                (events.0..events.1).contains(&event)
            })
        };
        let narrow = Some((id, at));
        if is_matched {
            if is_first {
                found.templates.append(&mut inner.templates);
            }
            found.keys.append(&mut inner.keys);
            found.unstable |= inner.unstable;
            // The text of a `tpl` is an argument that is in every line.
            let is_tpl = calls.iter().any(|frame| &*self.trace.frames[*frame].name == "gotpl");
            if inner.argument || is_tpl {
                self.events(piece, Role::Feeds, &is_outside, true, narrow, &mut BTreeSet::new(), found);
            }
        } else {
            self.events(piece, Role::Feeds, &|_| true, false, narrow, &mut BTreeSet::new(), found);
        }
    }

    /// The line of a called template that a line of the action's text is.
    fn aligned(&self, written: &[u8], lines: &[Range<usize>], at: usize, frame: usize) -> Option<usize> {
        let output: &[u8] = &self.trace.frames[frame].output;
        let inner = &self.ranges[frame];
        let trimmed = |text: &'_ [u8], range: &Range<usize>| text[range.clone()].trim_ascii().to_vec();
        let wanted = trimmed(written, lines.get(at)?);
        if wanted.is_empty() {
            return None;
        }
        let full = |text: &[u8], lines: &[Range<usize>]| {
            lines.iter().position(|line| !text[line.clone()].trim_ascii().is_empty())
        };
        let (outer_first, inner_first) = (full(written, lines)?, full(output, inner)?);
        let straight = (at + inner_first).checked_sub(outer_first);
        let is = |line: usize| inner.get(line).is_some_and(|range| trimmed(output, range) == wanted);
        if let Some(straight) = straight.filter(|line| is(*line)) {
            return Some(straight);
        }
        if let Some(found) = (0..inner.len()).find(|line| is(*line)) {
            return Some(found);
        }
        // One line in the middle of another: a name with a suffix, a value in quotes.
        let only =
            inner.iter().filter(|range| !output[(*range).clone()].trim_ascii().is_empty()).count() == 1;
        let part = trimmed(output, &inner[inner_first]);
        (only && memchr::memmem::find(&wanted, &part).is_some()).then_some(inner_first)
    }

    /// The control structures around a piece.
    fn conditions(&self, mut control: Option<PieceId>, seen: &mut BTreeSet<usize>, found: &mut Line) {
        while let Some(id) = control {
            let Some(piece) = self.trace.pieces.get(id as usize) else { return };
            if seen.insert(id as usize) {
                self.events(piece, Role::Decides, &|_| true, false, None, seen, found);
            }
            control = piece.control;
        }
    }

    #[allow(clippy::too_many_arguments, reason = "one walk over events, asked for in two ways")]
    fn events(
        &self,
        piece: &Piece,
        role: Role,
        counts: &dyn Fn(usize) -> bool,
        only_scalars: bool,
        narrow: Option<(usize, usize)>,
        seen: &mut BTreeSet<usize>,
        found: &mut Line,
    ) {
        for at in (piece.events.0..piece.events.1).filter(|at| counts(*at)) {
            match &self.trace.events[at] {
                Event::Read(read) if only_scalars && read.container => {}
                Event::Read(read) => self.read(read, role, at, narrow, found),
                Event::Via(other) => {
                    let Some(origin) = self.trace.pieces.get(*other as usize) else { continue };
                    if seen.insert(*other as usize) {
                        self.events(origin, role, &|_| true, false, None, seen, found);
                        self.conditions(origin.control, seen, found);
                    }
                }
                Event::Argument => found.argument = true,
            }
        }
    }

    fn read(&self, read: &Read, role: Role, event: usize, narrow: Option<(usize, usize)>, found: &mut Line) {
        // A map on the way to a key below it: that key tells.
        if read.container && self.goes_on(read, event) {
            return;
        }
        let base = self.places.path(read.origin);
        let (path, extent) = match &read.part {
            Part::Key(key) => (base.key(key.text()), Extent::Itself),
            Part::Keys => (base, Extent::Children),
            Part::Whole => match narrow.and_then(|(piece, line)| self.narrowed(&base, piece, line)) {
                Some(path) => (path, Extent::Itself),
                None => (base, Extent::Whole),
            },
        };
        let Some(at) = self.owners.get(event).and_then(|id| place(self.trace, *id as usize)) else { return };
        found.keys.insert(KeyUse { role, path, at, extent, absent: read.absent });
    }

    /// Whether the next thing that was read lies in what this read found.
    fn goes_on(&self, read: &Read, event: usize) -> bool {
        let Part::Key(key) = &read.part else { return false };
        let Some(Event::Read(next)) = self.trace.events.get(event + 1) else { return false };
        let own = self.places.path(read.origin).key(key.text());
        self.places.path(next.origin) == own
    }

    /// The key below `base` that a line of an action's YAML is about.
    fn narrowed(&self, base: &KeyPath, piece: usize, line: usize) -> Option<KeyPath> {
        let merged = self.merged?;
        let spans = self.spans.borrow().get(&piece).cloned();
        let spans = spans.unwrap_or_else(|| {
            let own = &self.trace.pieces[piece];
            let output: &[u8] = &self.trace.frames[own.frame as usize].output;
            let text =
                String::from_utf8_lossy(output.get(own.start..own.end).unwrap_or_default()).into_owned();
            let spans = Rc::new(Spans::of(&text));
            self.spans.borrow_mut().insert(piece, spans.clone());
            spans
        });
        let inside = spans.path_at(line + 1);
        if inside.0.is_empty() {
            return None;
        }
        let path = KeyPath(base.0.iter().chain(&inside.0).cloned().collect());
        merged.get(&path).map(|_| path)
    }
}

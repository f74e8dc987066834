//! What a template read while it ran, and where its output came from.
//!
//! Reads are kept at every level but [`Level::Nothing`]: they decide which templates an edit reaches. They are complete
//! in this sense: if nothing in them changes, the template writes the same again (unless somebody changed a shared
//! map, see [`Trace::changed`]). A value that was copied, merged or put into another map was read at that moment, so it
//! does not matter where it goes.
//!
//! Pieces are kept at [`Level::Pieces`]: one for every action, text and control structure that ran, with its place, the
//! bytes it wrote and what it read. A value that took a detour (a variable, the dot of a loop, an argument of an
//! `include`) leaves an [`Event::Via`] or [`Event::Argument`] where it is used.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use super::ast::Source;
use super::value::{Origin, Str, Value, in_values};

/// Index of a [`Piece`] in its [`FileTrace`].
pub type PieceId = u32;

/// How much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Level {
    /// Nothing: for templates that stand alone.
    #[default]
    Nothing,
    /// What was read.
    Reads,
    /// What was read and written by which action.
    Pieces,
}

/// What of a map or list was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Part {
    /// One key; of what lies there only whether it is there, its type and whether it is empty, as far as it is a map
    /// or list.
    Key(Str),
    /// Which keys there are, and the scalars among their values.
    Keys,
    /// Everything below.
    Whole,
}

/// A place of the values that was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Read {
    /// The map or list.
    pub origin: Origin,
    pub part: Part,
    /// It was a key that is not there.
    pub absent: bool,
    /// What was found is a map or list with a place of its own: what is taken out of it is told apart.
    pub container: bool,
    /// Only on the way to something in it: whether it is empty does not matter.
    pub way: bool,
}

/// What an action did with values.
#[derive(Debug, Clone)]
pub enum Event {
    Read(Read),
    /// It used what another piece had computed: a variable, the dot of a loop.
    Via(PieceId),
    /// It used what the caller of its frame had given.
    Argument,
}

/// An action, control structure or text that was run.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Index into [`FileTrace::sources`].
    pub source: u32,
    /// Byte in the source.
    pub at: u32,
    /// The bytes it wrote into its frame's output.
    pub start: usize,
    pub end: usize,
    /// The frame (file, `include`, `tpl`) it belongs to.
    pub frame: u32,
    /// The control structure, or the `template` action, around it in the same frame.
    pub control: Option<PieceId>,
    /// What it did, as a range of [`FileTrace::events`]; of a control structure only its condition.
    pub events: (usize, usize),
    /// Written as it stands in the template.
    pub is_text: bool,
    /// Others lie inside it: it wrote nothing itself.
    pub is_control: bool,
    /// A random or clock function was called.
    pub unstable: bool,
}

/// One execution of a template with output of its own. The first one of a file is the file.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The template's name.
    pub name: Arc<str>,
    /// The piece that called it.
    pub caller: Option<PieceId>,
    /// The events while it ran.
    pub events: (usize, usize),
    /// What it wrote.
    pub output: Str,
}

/// What running one file left behind.
#[derive(Debug, Default)]
pub struct FileTrace {
    pub sources: Vec<Arc<Source>>,
    pub pieces: Vec<Piece>,
    pub frames: Vec<Frame>,
    pub events: Vec<Event>,
}

/// The trace of a rendering at work.
#[derive(Debug, Default)]
pub struct Trace {
    level: Level,
    file: FileTrace,
    /// At [`Level::Reads`]: what was read, each once as far as the same place of a template read it.
    reads: Vec<Read>,
    known: HashSet<(Origin, usize), BuildHasherDefault<Mix>>,
    /// Somebody changed a map of the values or of the shared scope: later templates may depend on earlier ones.
    pub changed: bool,
    frame: u32,
    control: Option<PieceId>,
    open: Vec<PieceId>,
}

/// Hashes numbers that are no secret and come from nobody who wants collisions.
#[derive(Default)]
struct Mix(u64);

impl Hasher for Mix {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(23) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Trace {
    pub fn new(level: Level) -> Self {
        Self { level, ..Self::default() }
    }

    pub fn is_on(&self) -> bool {
        self.level > Level::Nothing
    }

    fn has_pieces(&self) -> bool {
        self.level == Level::Pieces
    }

    /// What the file that just ran read (sorted, each once), and its pieces where they are kept.
    pub fn take_file(&mut self) -> (Vec<Read>, Option<FileTrace>) {
        (self.frame, self.control) = (0, None);
        self.open.clear();
        self.known.clear();
        let file = std::mem::take(&mut self.file);
        let mut reads = std::mem::take(&mut self.reads);
        let told = file.events.iter().filter_map(|event| match event {
            Event::Read(read) => Some(read.clone()),
            _ => None,
        });
        reads.extend(told);
        reads.sort_unstable();
        reads.dedup();
        (reads, self.has_pieces().then_some(file))
    }

    fn source(&mut self, source: &Arc<Source>) -> u32 {
        // The latest one is nearly always the one.
        let known = self.file.sources.iter().rposition(|other| Arc::ptr_eq(other, source));
        let index = known.unwrap_or_else(|| {
            self.file.sources.push(source.clone());
            self.file.sources.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    fn push(&mut self, source: &Arc<Source>, at: u32, start: usize, end: usize) -> PieceId {
        let source = self.source(source);
        let id = u32::try_from(self.file.pieces.len()).unwrap_or(u32::MAX);
        let now = self.file.events.len();
        self.file.pieces.push(Piece {
            source,
            at,
            start,
            end,
            frame: self.frame,
            control: self.control,
            events: (now, now),
            is_text: false,
            is_control: false,
            unstable: false,
        });
        id
    }

    /// `at` is where the text begins in its source.
    pub(super) fn text(&mut self, source: &Arc<Source>, at: usize, start: usize, end: usize) {
        if self.has_pieces() && end > start {
            let id = self.push(source, u32::try_from(at).unwrap_or(u32::MAX), start, end);
            if let Some(piece) = self.file.pieces.get_mut(id as usize) {
                piece.is_text = true;
            }
        }
    }

    pub(super) fn begin(&mut self, source: &Arc<Source>, at: u32, start: usize) -> Option<PieceId> {
        if !self.has_pieces() {
            return None;
        }
        let id = self.push(source, at, start, start);
        self.open.push(id);
        Some(id)
    }

    /// A control structure begins; what is read until [`Trace::decided`] is its condition's.
    pub(super) fn control(&mut self, source: &Arc<Source>, at: u32, start: usize) -> Option<PieceId> {
        let id = self.begin(source, at, start)?;
        if let Some(piece) = self.file.pieces.get_mut(id as usize) {
            piece.is_control = true;
        }
        self.control = Some(id);
        Some(id)
    }

    pub(super) fn decided(&mut self, control: Option<PieceId>) {
        if let Some(piece) = control.and_then(|id| self.file.pieces.get_mut(id as usize)) {
            piece.events.1 = self.file.events.len();
        }
    }

    pub(super) fn end(&mut self, id: Option<PieceId>, end: usize) {
        let Some(id) = id else { return };
        while let Some(open) = self.open.pop() {
            if open == id {
                break;
            }
        }
        let events = self.file.events.len();
        if let Some(piece) = self.file.pieces.get_mut(id as usize) {
            piece.end = end;
            if piece.is_control {
                self.control = piece.control;
            } else {
                piece.events.1 = events;
            }
        }
    }

    /// The piece at work.
    pub(super) fn current(&self) -> Option<PieceId> {
        self.open.last().copied()
    }

    /// A template with output of its own begins. Returns what [`Trace::leave`] needs.
    pub(super) fn enter(&mut self, name: &Arc<str>) -> (u32, Option<PieceId>) {
        let outer = (self.frame, self.control);
        if self.has_pieces() {
            self.control = None;
            self.frame = u32::try_from(self.file.frames.len()).unwrap_or(u32::MAX);
            let (caller, now) = (self.current(), self.file.events.len());
            self.file.frames.push(Frame {
                name: name.clone(),
                caller,
                events: (now, now),
                output: Str::default(),
            });
        }
        outer
    }

    pub(super) fn leave(&mut self, outer: (u32, Option<PieceId>), output: &Str) {
        if self.has_pieces() {
            let now = self.file.events.len();
            if let Some(frame) = self.file.frames.get_mut(self.frame as usize) {
                frame.output = output.clone();
                frame.events.1 = now;
            }
            (self.frame, self.control) = outer;
        }
    }

    fn tell(&mut self, origin: Origin, key: usize, read: impl FnOnce() -> Read) {
        match self.level {
            Level::Nothing => {}
            Level::Reads => {
                // The key is known by its allocation, which the read that is kept keeps alive.
                if self.known.insert((origin, key)) {
                    self.reads.push(read());
                }
            }
            Level::Pieces => self.file.events.push(Event::Read(read())),
        }
    }

    /// A key of a map was looked at, and this is what was there.
    pub(super) fn read(&mut self, origin: Origin, key: &Str, found: Option<&Value>, way: bool) {
        let Some(origin) = in_values(origin) else { return };
        self.tell(origin, key.address(), || Read {
            origin,
            part: Part::Key(key.clone()),
            absent: found.is_none(),
            container: found.is_some_and(is_placed),
            way,
        });
    }

    /// The keys of a map or the elements of a list were looked at.
    pub(super) fn read_keys(&mut self, origin: Origin) {
        let Some(origin) = in_values(origin) else { return };
        self.tell(origin, 1, || Read {
            origin,
            part: Part::Keys,
            absent: false,
            container: false,
            way: false,
        });
    }

    /// Everything below was looked at.
    pub(super) fn read_whole(&mut self, origin: Origin) {
        let Some(origin) = in_values(origin) else { return };
        self.tell(origin, 2, || Read {
            origin,
            part: Part::Whole,
            absent: false,
            container: false,
            way: false,
        });
    }

    /// A value was used that came from another piece, or from the caller of the frame.
    pub(super) fn flows(&mut self, from: Option<PieceId>) {
        if self.has_pieces() {
            self.file.events.push(from.map_or(Event::Argument, Event::Via));
        }
    }

    pub(super) fn unstable(&mut self) {
        for id in &self.open {
            if let Some(piece) = self.file.pieces.get_mut(*id as usize) {
                piece.unstable = true;
            }
        }
    }
}

/// A map or list that stands in the values as it is: whatever is taken out of it tells so itself.
pub(super) fn is_placed(value: &Value) -> bool {
    match value {
        Value::Map(map) => in_values(map.origin()).is_some() && !map.is_mixed(),
        Value::List(list) => in_values(list.origin()).is_some(),
        _ => false,
    }
}

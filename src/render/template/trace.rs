//! Where output came from and what was read to make it: a piece for every action that wrote or decided something,
//! with its place, the bytes it wrote, and the values it read. Off unless asked for; then it costs a few numbers an
//! action.

use std::sync::Arc;

use super::ast::Source;
use super::value::{Origin, Str};

/// Index of a [`Piece`].
pub type PieceId = u32;

/// An action, control structure or text that was run.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Index into [`Trace::sources`].
    pub source: u32,
    /// Byte in the source.
    pub at: u32,
    /// The bytes it wrote into its frame's output.
    pub start: usize,
    pub end: usize,
    /// The frame (file, `include`, `tpl`) it belongs to.
    pub frame: u32,
    /// The control structure around it in the same frame.
    pub control: Option<PieceId>,
    /// What it read, as a range of [`Trace::reads`]; for a control structure only its condition.
    pub reads: (usize, usize),
    /// A random or clock function was called.
    pub unstable: bool,
}

/// One execution of a template with output of its own.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The template's name.
    pub name: Arc<str>,
    /// The piece that called it.
    pub caller: Option<PieceId>,
    /// What it wrote, for frames that a function returned; the files' output is with the rendering.
    pub output: Option<Str>,
}

/// A key of the values that was read.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Read {
    /// The map or list.
    pub origin: Origin,
    /// The key; `None` for everything below.
    pub key: Option<Str>,
}

/// What a rendering leaves behind for questions about it.
#[derive(Debug, Default)]
pub struct Trace {
    on: bool,
    pub sources: Vec<Arc<Source>>,
    pub pieces: Vec<Piece>,
    pub frames: Vec<Frame>,
    pub reads: Vec<Read>,
    /// Somebody changed a map of the values or of the shared scope: later templates may depend on earlier ones.
    pub changed: bool,
    frame: u32,
    control: Option<PieceId>,
    open: Vec<PieceId>,
}

impl Trace {
    /// A trace that records, or one that does nothing.
    pub fn new(on: bool) -> Self {
        Self { on, ..Self::default() }
    }

    pub fn is_on(&self) -> bool {
        self.on
    }

    fn source(&mut self, source: &Arc<Source>) -> u32 {
        // The latest one is nearly always the one.
        let known = self.sources.iter().rposition(|other| Arc::ptr_eq(other, source));
        let index = known.unwrap_or_else(|| {
            self.sources.push(source.clone());
            self.sources.len() - 1
        });
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    fn push(&mut self, source: &Arc<Source>, at: u32, start: usize, end: usize) -> PieceId {
        let source = self.source(source);
        let id = u32::try_from(self.pieces.len()).unwrap_or(u32::MAX);
        let reads = (self.reads.len(), self.reads.len());
        let (frame, control) = (self.frame, self.control);
        self.pieces.push(Piece { source, at, start, end, frame, control, reads, unstable: false });
        id
    }

    pub(super) fn text(&mut self, source: &Arc<Source>, at: u32, start: usize, end: usize) {
        if self.on && end > start {
            self.push(source, at, start, end);
        }
    }

    pub(super) fn begin(&mut self, source: &Arc<Source>, at: u32, start: usize) -> Option<PieceId> {
        if !self.on {
            return None;
        }
        let id = self.push(source, at, start, start);
        self.open.push(id);
        Some(id)
    }

    /// A control structure begins; what is read until [`Trace::decided`] is its condition's.
    pub(super) fn control(&mut self, source: &Arc<Source>, at: u32, start: usize) -> Option<PieceId> {
        let id = self.begin(source, at, start)?;
        self.control = Some(id);
        Some(id)
    }

    pub(super) fn decided(&mut self, control: Option<PieceId>) {
        if let Some(piece) = control.and_then(|id| self.pieces.get_mut(id as usize)) {
            piece.reads.1 = self.reads.len();
        }
    }

    pub(super) fn end(&mut self, id: Option<PieceId>, end: usize) {
        let Some(id) = id else { return };
        while let Some(open) = self.open.pop() {
            if open == id {
                break;
            }
        }
        let reads = self.reads.len();
        if let Some(piece) = self.pieces.get_mut(id as usize) {
            piece.end = end;
            if self.control == Some(id) {
                self.control = piece.control;
            } else {
                piece.reads.1 = reads;
            }
        }
    }

    /// A template with output of its own begins. Returns what [`Trace::leave`] needs.
    pub(super) fn enter(&mut self, name: &Arc<str>) -> (u32, Option<PieceId>) {
        let outer = (self.frame, self.control);
        if self.on {
            self.control = None;
            self.frame = u32::try_from(self.frames.len()).unwrap_or(u32::MAX);
            let caller = self.open.last().copied();
            self.frames.push(Frame { name: name.clone(), caller, output: None });
        }
        outer
    }

    pub(super) fn leave(&mut self, outer: (u32, Option<PieceId>), output: Option<&Str>) {
        if self.on {
            if let Some(frame) = self.frames.get_mut(self.frame as usize) {
                frame.output = output.cloned();
            }
            (self.frame, self.control) = outer;
        }
    }

    pub(super) fn read(&mut self, origin: Origin, key: &Str) {
        if self.on && origin != 0 {
            self.reads.push(Read { origin, key: Some(key.clone()) });
        }
    }

    pub(super) fn read_whole(&mut self, origin: Origin) {
        if self.on && origin != 0 {
            self.reads.push(Read { origin, key: None });
        }
    }

    pub(super) fn unstable(&mut self) {
        for id in &self.open {
            if let Some(piece) = self.pieces.get_mut(*id as usize) {
                piece.unstable = true;
            }
        }
    }
}

//! Questions and lists above the rooms, as data. Whoever opens one says with [`Then`] what the answer is for;
//! the answer comes back to the frame or to the room as [`super::Action::Answered`].

use std::path::PathBuf;

use super::command::Command;
use crate::operations::OperationId;
use crate::ui::Rich;

/// What is asked.
#[derive(Debug, Clone)]
pub enum Ask {
    /// A yes or no. The focus starts on no.
    Confirm {
        title: String,
        body: Vec<String>,
        /// The deed, on the button: `Upgrade: 2 restarts, 1 recreate`.
        deed: String,
        /// What has to be typed before yes counts: `floe@prod`.
        typed: Option<String>,
    },
    /// One of several, filtered by typing.
    Choose { title: String, choices: Vec<Choice> },
    /// A line of text.
    Line { title: String, text: String },
    /// Several of several: `Space` marks, `Enter` takes the marked. Below the choices stand their
    /// [`Choice::lines`], all in one, scrolled to those of the choice under the cursor.
    Mark { title: String, choices: Vec<Choice> },
}

/// A row of a menu.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    pub label: String,
    /// Beside the label, muted.
    pub detail: String,
    /// Whether it is the present one (or marked, in [`Ask::Mark`]).
    pub current: bool,
    /// More about it, below the list.
    pub lines: Vec<Rich>,
}

impl Choice {
    /// A row without detail.
    pub fn new(label: impl Into<String>) -> Self {
        Self { label: label.into(), ..Self::default() }
    }

    /// With words beside it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// With lines below the list.
    #[must_use]
    pub fn lines(mut self, lines: Vec<Rich>) -> Self {
        self.lines = lines;
        self
    }

    /// Marks the present one.
    #[must_use]
    pub fn current(mut self, current: bool) -> Self {
        self.current = current;
        self
    }
}

/// What an answer is for. Data, so that an overlay can live in the state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// `e`: the names of the environments in the order of the choices.
    Environment(Vec<String>),
    /// `y`: what each choice copies: its name and the text.
    Copy(Vec<(String, String)>),
    /// The palette's rows.
    Command(Vec<Command>),
    /// Names of themes, and the one that comes back when none is chosen.
    Theme { names: Vec<String>, before: String },
    /// `S`: paths in the order of the choices.
    SaveMarked(Vec<PathBuf>),
    /// A file changed on disk: keep ours, take theirs, or look at both.
    Conflict(PathBuf),
    /// Take the edits that an earlier run left unsaved.
    Recover { aside: PathBuf, edits: Vec<super::Unsaved> },
    /// Quit though something would be lost.
    Quit,
    /// The confirm of the plan in Run.
    LaunchPlan,
    /// `x` in Run.
    Interrupt(OperationId),
    /// Which context is meant by a cluster's name.
    WhichContext { cluster: String, contexts: Vec<String> },
    /// Pin the identity of a cluster anew.
    Pin { context: String },
    /// A question of the room that is open; the number is the room's own.
    Room(u16),
}

/// The answer to an [`Ask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Yes, or the typed name matched.
    Yes,
    /// No, or closed.
    No,
    /// Index into the choices.
    Chosen(usize),
    /// Indexes into the choices, ascending.
    Marked(Vec<usize>),
    /// The line that was typed.
    Typed(String),
}

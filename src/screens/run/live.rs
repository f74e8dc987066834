//! An operation that is shown: its panes, their cursors, whose log is followed, and when something moved last.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use jiff::Timestamp;
use ratatui::layout::{Position, Rect};

use super::objects::{self, Absent, ObjectRows};
use super::pods;
use super::texts::{Events, Log, Output};
use crate::cluster::health::Health;
use crate::cluster::objects::{ObjectRow, ObjectsSnapshot};
use crate::cluster::root_cause::{RootCause, root_cause};
use crate::operations::{OperationId, OperationView, Verb};
use crate::screens::{nothing_to, scroll_text};
use crate::session::{Command, Goto, LogRef, LogView, Session};
use crate::ui::glyphs::Glyphs;
use crate::ui::list::Keys as _;
use crate::ui::text_view::TextState;
use crate::ui::tree::Folds;
use crate::ui::{Filter, ListState};

/// The panes of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Focus {
    #[default]
    Objects,
    Output,
    Log,
    Events,
}

impl Focus {
    pub(super) const ALL: [Self; 4] = [Self::Objects, Self::Output, Self::Log, Self::Events];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Objects => "Objects",
            Self::Output => "Output",
            Self::Log => "Log",
            Self::Events => "Events",
        }
    }
}

/// What is shown of one operation.
#[derive(Debug)]
pub(super) struct Live {
    pub(super) id: OperationId,
    pub(super) focus: Focus,
    pub(super) list: ListState,
    pub(super) folds: Folds,
    /// Everything is folded because it did not fit; it stays so, rows must not jump.
    pub(super) dense: bool,
    /// The cursor stands on what blocks until the user moves it.
    pub(super) steer: bool,
    pub(super) filter: Filter,
    pub(super) output: TextState,
    pub(super) log: TextState,
    pub(super) events: TextState,
    /// Where the last frame drew each pane, for the mouse.
    pub(super) areas: Vec<(Focus, Rect)>,
    /// The log that the user chose.
    pinned: Option<LogRef>,
    /// The log that is followed by itself.
    automatic: Option<LogRef>,
    /// What the objects looked like, and since when.
    moved: Option<(u64, Timestamp)>,
}

impl Live {
    /// An operation from its first look on.
    pub(super) fn new(id: OperationId) -> Self {
        Self {
            id,
            focus: Focus::Objects,
            list: ListState::default(),
            folds: Folds::open_to(usize::MAX),
            dense: false,
            steer: true,
            filter: Filter::default(),
            output: following(true),
            log: TextState::following(),
            events: TextState::following(),
            areas: Vec::new(),
            pinned: None,
            automatic: None,
            moved: None,
        }
    }

    /// The operation.
    pub(super) fn view_of<'s>(&self, session: &'s Session) -> Option<&'s Arc<OperationView>> {
        session.world.operations.get(&self.id)
    }

    /// The objects of its release.
    pub(super) fn snapshot<'s>(&self, session: &'s Session) -> Option<&'s Arc<ObjectsSnapshot>> {
        session.world.objects.get(&self.view_of(session)?.spec.release)
    }

    /// The root cause, if there is one.
    pub(super) fn cause(&self, session: &Session) -> Option<RootCause> {
        cause(self.view_of(session)?, self.snapshot(session)?)
    }

    /// The log that is shown.
    pub(super) fn log_ref(&self) -> Option<&LogRef> {
        self.pinned.as_ref().or(self.automatic.as_ref())
    }

    /// Whether the user chose the log.
    pub(super) fn is_pinned(&self) -> bool {
        self.pinned.is_some()
    }

    /// Its lines.
    pub(super) fn log_view<'s>(&self, session: &'s Session) -> Option<&'s LogView> {
        session.world.log(self.log_ref()?)
    }

    /// The logs to watch: the one that is shown and the one that the root cause speaks of.
    pub(super) fn logs(&self, session: &Session) -> Vec<LogRef> {
        let release = self.view_of(session).map(|view| view.spec.release.clone());
        let of_cause = release.and_then(|release| pods::of_cause(&release, &self.cause(session)?));
        let mut logs: Vec<LogRef> = self.log_ref().cloned().into_iter().chain(of_cause).collect();
        logs.dedup();
        logs
    }

    /// The last line of the log that the root cause speaks of.
    pub(super) fn last_words(&self, session: &Session, cause: &RootCause) -> Option<String> {
        let release = &self.view_of(session)?.spec.release;
        let log = session.world.log(&pods::of_cause(release, cause)?)?;
        log.lines.iter().rev().find(|line| !line.trim().is_empty()).cloned()
    }

    /// When helm or an object of the release moved last.
    pub(super) fn progress(&self, view: &OperationView) -> Timestamp {
        let line = view.lines.back().map(|line| line.at);
        let start = view.started.unwrap_or(view.spec.created);
        line.max(self.moved.map(|(_, at)| at)).unwrap_or(start).max(start)
    }

    /// Follows the world: what moved, whose log speaks, where the cursor belongs.
    pub(super) fn refresh(&mut self, session: &Session) {
        let (Some(view), Some(snapshot)) = (self.view_of(session).cloned(), self.snapshot(session).cloned())
        else {
            return;
        };
        let digest = digest(&snapshot);
        match self.moved {
            Some((old, _)) if old == digest => {}
            // The first look is no progress.
            None => self.moved = Some((digest, view.started.unwrap_or(view.spec.created))),
            Some(_) => self.moved = Some((digest, session.now)),
        }
        let cause = cause(&view, &snapshot);
        let next = pods::automatic(&view.spec.release, &snapshot, cause.as_ref(), self.automatic.as_ref());
        if next != self.automatic {
            self.automatic = next;
            if self.pinned.is_none() {
                self.log = following(self.log.wrap);
            }
        }
        if self.steer {
            let at = cause.map(|cause| cause.row).or_else(|| {
                let row = blocking(&view, &snapshot)?;
                snapshot.rows.iter().position(|own| std::ptr::eq(own, row))
            });
            let rows = self.rows(session, &view, &snapshot);
            if let Some(key) = at.and_then(|at| rows.shown_key(at)).map(str::to_owned) {
                self.list.select(key);
            }
        }
    }

    /// The rows of the objects as they are folded and filtered.
    pub(super) fn rows<'s>(
        &self,
        session: &Session,
        view: &OperationView,
        snapshot: &'s ObjectsSnapshot,
    ) -> ObjectRows<'s> {
        let absent = match view.spec.verb {
            Verb::Uninstall => Absent::Gone,
            _ if view.is_running() => Absent::Awaited,
            _ => Absent::Missing,
        };
        ObjectRows::of(snapshot, &self.folds, &self.filter, absent, session.now, &Glyphs::UNICODE)
    }

    /// The row under the cursor: its place in the snapshot.
    fn selected(&self, session: &Session) -> Option<usize> {
        let (view, snapshot) = (self.view_of(session)?, self.snapshot(session)?);
        self.rows(session, view, snapshot).position(self.list.selected()?)
    }

    /// The object under the cursor.
    pub(super) fn selected_row<'s>(&self, session: &'s Session) -> Option<&'s ObjectRow> {
        self.snapshot(session)?.rows.get(self.selected(session)?)
    }

    /// The pane at a place of the screen gets the focus; `false` where there is none.
    pub(super) fn point(&mut self, at: Position) -> bool {
        let found = self.areas.iter().find(|(_, area)| area.contains(at)).map(|(focus, _)| *focus);
        self.focus = found.unwrap_or(self.focus);
        found.is_some()
    }

    /// Puts the cursor on the object at a place of the screen.
    pub(super) fn click(&mut self, session: &Session, at: Position) {
        let area = self.areas.iter().find(|(focus, _)| *focus == Focus::Objects).map(|(_, area)| *area);
        // The border and the line of column heads are above the first row.
        let line = area.filter(|area| area.contains(at)).and_then(|area| at.y.checked_sub(area.y + 2));
        let (Some(line), Some(view), Some(snapshot)) = (line, self.view_of(session), self.snapshot(session))
        else {
            return;
        };
        let rows = self.rows(session, view, snapshot);
        let index = self.list.offset() + usize::from(line);
        if index < rows.len() {
            self.list.put(&rows, index);
            self.steer = false;
        }
    }

    /// What moves inside of the panes.
    pub(super) fn command(&mut self, session: &mut Session, command: Command) {
        match command {
            Command::PaneNext | Command::PanePrevious => {
                let at = Focus::ALL.iter().position(|focus| *focus == self.focus).unwrap_or(0);
                let step = if command == Command::PaneNext { 1 } else { Focus::ALL.len() - 1 };
                self.focus = Focus::ALL.get((at + step) % Focus::ALL.len()).copied().unwrap_or_default();
            }
            Command::RunLogs => self.pin_log(session),
            Command::RunJump => self.jump(session),
            command => {
                if !self.in_pane(session, command) {
                    nothing_to(session, command);
                }
            }
        }
    }

    /// A command of the pane that has the focus. `false` when the pane does not know it.
    fn in_pane(&mut self, session: &Session, command: Command) -> bool {
        match self.focus {
            Focus::Objects => self.in_objects(session, command),
            Focus::Output => self
                .view_of(session)
                .cloned()
                .is_some_and(|view| scroll_text(&mut self.output, &Output::of(&view), command)),
            Focus::Log => self
                .log_ref()
                .and_then(|log| session.world.log(log))
                .is_some_and(|log| scroll_text(&mut self.log, &Log(log), command)),
            Focus::Events => self.snapshot(session).cloned().is_some_and(|snapshot| {
                let events = Events { rows: &snapshot.events, now: session.now };
                scroll_text(&mut self.events, &events, command)
            }),
        }
    }

    fn in_objects(&mut self, session: &Session, command: Command) -> bool {
        let (Some(view), Some(snapshot)) = (self.view_of(session).cloned(), self.snapshot(session).cloned())
        else {
            return false;
        };
        let rows = self.rows(session, &view, &snapshot);
        let moves = matches!(
            command,
            Command::Up
                | Command::Down
                | Command::PageUp
                | Command::PageDown
                | Command::Top
                | Command::Bottom
        );
        if moves {
            self.steer = false;
        }
        match command {
            Command::Up => self.list.step(&rows, -1),
            Command::Down => self.list.step(&rows, 1),
            Command::PageUp => self.list.page(&rows, -1),
            Command::PageDown => self.list.page(&rows, 1),
            Command::Top => self.list.first(&rows),
            Command::Bottom => self.list.last(&rows),
            Command::Fold | Command::Left | Command::Right => {
                let Some(key) = self.list.selected().map(str::to_owned) else { return false };
                let depth =
                    rows.position(&key).and_then(|at| snapshot.rows.get(at)).map_or(0, |row| row.depth);
                match command {
                    Command::Left => self.folds.set(&key, depth, false),
                    Command::Right => self.folds.set(&key, depth, true),
                    _ => self.folds.toggle(&key),
                }
            }
            Command::FoldAll => {
                let open = if self.folds.open_to > 0 { 0 } else { usize::MAX };
                self.folds.reset(open);
            }
            _ => return false,
        }
        true
    }

    /// The log of the pod under the cursor; pressed again, of its next container.
    fn pin_log(&mut self, session: &mut Session) {
        let logs = self.view_of(session).zip(self.snapshot(session)).and_then(|(view, snapshot)| {
            let row = pods::pod_below(snapshot, self.selected(session)?)?;
            Some(pods::of_pod(&view.spec.release, row))
        });
        let Some(logs) = logs.filter(|logs| !logs.is_empty()) else {
            session.say("nothing under the cursor has a log yet");
            return;
        };
        let here = self.pinned.as_ref().and_then(|pinned| logs.iter().position(|log| log == pinned));
        let next = here.map_or(0, |at| (at + 1) % logs.len());
        if logs.len() > 1 {
            session.say(format!("container {} of {}, o shows the next", next + 1, logs.len()));
        }
        self.pinned = logs.into_iter().nth(next);
        self.log = following(self.log.wrap);
        self.focus = Focus::Log;
    }

    /// Goes to what the root cause names, else to what blocks.
    fn jump(&self, session: &mut Session) {
        let Some((view, snapshot)) = self.view_of(session).zip(self.snapshot(session)) else {
            session.say("nothing is known of its objects yet");
            return;
        };
        let cause = cause(view, snapshot);
        let row = match &cause {
            Some(cause) => snapshot.rows.get(cause.row),
            None => blocking(view, snapshot),
        };
        let Some(row) = row else {
            session.say("nothing blocks and nothing fails");
            return;
        };
        let container = cause.and_then(|cause| cause.container);
        let goto = Goto::Object { release: view.spec.release.clone(), object: objects::id(row), container };
        session.goto = Some(goto);
    }

    /// Goes to the object under the cursor.
    pub(super) fn open(&self, session: &mut Session) {
        let release = self.view_of(session).map(|view| view.spec.release.clone());
        if let Some((row, release)) = self.selected_row(session).zip(release) {
            let object = objects::id(row);
            session.goto = Some(Goto::Object { release, object, container: None });
        }
    }

    /// Out of what is chosen, step by step; `false` when there is nothing to leave but the operation.
    pub(super) fn back(&mut self) -> bool {
        if !self.filter.is_empty() {
            self.filter = Filter::default();
        } else if self.focus == Focus::Log && self.pinned.take().is_some() {
            self.log = following(self.log.wrap);
        } else if self.focus != Focus::Objects {
            self.focus = Focus::Objects;
        } else {
            return false;
        }
        true
    }
}

/// A text that follows at its end.
fn following(wrap: bool) -> TextState {
    let mut state = TextState::following();
    state.wrap = wrap;
    state
}

/// Why it does not work. An object that helm has not sent yet is no cause, nor is one that an uninstall removed.
pub(super) fn cause(view: &OperationView, snapshot: &ObjectsSnapshot) -> Option<RootCause> {
    if view.spec.verb == Verb::Uninstall {
        return None;
    }
    let cause = root_cause(&snapshot.rows, &snapshot.events)?;
    let missing = snapshot.rows.get(cause.row).is_some_and(|row| row.health == Health::Missing);
    (!missing || !view.is_running()).then_some(cause)
}

/// What everything waits for: the worst that is there, the deepest of it.
pub(super) fn blocking<'s>(view: &OperationView, snapshot: &'s ObjectsSnapshot) -> Option<&'s ObjectRow> {
    let waits = |row: &&ObjectRow| match row.health {
        Health::Missing => !view.is_running(),
        health => health < Health::Unknown,
    };
    if view.spec.verb == Verb::Uninstall {
        return snapshot
            .rows
            .iter()
            .find(|row| row.depth == 0 && row.health != Health::Missing && !row.uid.is_empty());
    }
    snapshot
        .rows
        .iter()
        .filter(|row| row.new_revision)
        .filter(waits)
        .min_by(|a, b| a.health.cmp(&b.health).then(b.depth.cmp(&a.depth)))
}

fn digest(snapshot: &ObjectsSnapshot) -> u64 {
    let mut hasher = DefaultHasher::new();
    for row in &snapshot.rows {
        (row.uid.as_str(), row.health, row.reason.as_str()).hash(&mut hasher);
    }
    hasher.finish()
}

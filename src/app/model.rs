//! The whole state of the running program, and nothing else: the session, the rooms, and what the overlays need
//! between two key presses.

use crossterm::event::KeyEvent;
use ratatui::layout::Rect;

use crate::screens::{Room as _, Rooms};
use crate::session::{Action, Effect, Fetched, Place, PreviewState, RoomId, Session, Watch};

use super::overlays::Open;

/// One owner of everything that can be seen.
#[derive(Debug)]
pub struct Model {
    pub session: Session,
    pub rooms: Rooms,
    /// The overlays that the frame itself shows above the rooms, innermost last.
    pub open: Vec<Open>,
    /// One pane without borders.
    pub zoomed: bool,
    pub mouse: bool,
    /// Names of the themes that can be chosen.
    pub themes: Vec<String>,
    pub theme: String,
    /// Clusters whose context was asked for in this session.
    pub asked_contexts: std::collections::BTreeSet<String>,
    /// Where the last frame drew what the mouse can hit.
    pub places_drawn: Drawn,
    /// Set by [`Effect::Quit`].
    pub done: bool,
}

/// Geometry of the frame, written while drawing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Drawn {
    pub tabs: Rect,
    /// The parts of the innermost menu.
    pub menu: Option<crate::ui::menu::Places>,
}

impl Model {
    /// The program as it opens.
    pub fn new(session: Session, themes: Vec<String>, theme: String, mouse: bool) -> Self {
        Self {
            session,
            rooms: Rooms::default(),
            open: Vec::new(),
            zoomed: false,
            mouse,
            themes,
            theme,
            asked_contexts: std::collections::BTreeSet::new(),
            places_drawn: Drawn::default(),
            done: false,
        }
    }

    /// What the first frame asks of the world.
    pub fn start(&mut self) -> Vec<Effect> {
        vec![self.session.reload(), Effect::LoadContexts, Effect::FindHelm, Effect::LoadOperations]
    }

    /// Where a key is pressed, innermost first.
    pub fn places(&self) -> Vec<Place> {
        if let Some(open) = self.open.last() {
            return vec![open.place()];
        }
        let mut places = self.rooms.peek(self.session.room).places(&self.session);
        places.push(Place::Everywhere);
        places
    }

    /// What a key means where it is pressed; `None` for nothing.
    pub fn meaning(&self, key: KeyEvent) -> Option<Action> {
        let places = self.places();
        match self.session.keymap.resolve(&places, key) {
            Some(command) => Some(Action::Command(command)),
            None => places.first().is_some_and(|place| place.takes_text()).then_some(Action::Text(key)),
        }
    }

    /// Whether something on the screen shows that it is being worked on.
    pub fn is_working(&self) -> bool {
        let session = &self.session;
        let awaited = matches!(session.workspace, Fetched::Awaited { .. });
        let previews =
            session.environments.iter().any(|view| matches!(view.preview, PreviewState::Working { .. }));
        awaited || previews || self.rooms.peek(session.room).is_working(session)
    }

    /// Whether a question is open that was not drawn yet: input that comes now was typed before it could be read.
    pub fn asks_unseen(&self) -> bool {
        matches!(self.open.last(), Some(Open::Question(question)) if !question.drawn)
    }

    /// What should be watched in this state: the workspace's files, the operations that run, what the room shows.
    pub fn watches(&self) -> Vec<Watch> {
        let session = &self.session;
        let mut watches = vec![Watch::Files];
        watches.extend(
            session
                .world
                .operations
                .values()
                .filter(|view| view.is_running())
                .map(|view| Watch::Journal(view.id())),
        );
        watches.extend(self.rooms.releases.lists(session));
        watches.extend(self.rooms.peek(session.room).watches(session));
        if session.room != RoomId::Run {
            // A running operation's objects stay watched wherever the user looks, unless the room that is shown
            // watches the same thing in its own way: two watches of one release would take turns on the screen.
            let others = self.rooms.run.watches(session).into_iter().filter(|other| !covers(&watches, other));
            watches.extend(others.collect::<Vec<_>>());
        }
        watches.sort();
        watches.dedup();
        watches
    }
}

/// Whether one of the watches fills the same place of the session.
fn covers(watches: &[Watch], other: &Watch) -> bool {
    watches.iter().any(|watch| match (watch, other) {
        (Watch::Objects { release: a, .. }, Watch::Objects { release: b, .. }) => a == b,
        (Watch::Releases { context: a, .. }, Watch::Releases { context: b, .. }) => a == b,
        (a, b) => a == b,
    })
}

//! Releases: every release of the contexts that the workspace maps, worst first, with why and since when; then
//! one of them from the inside. The header follows the row under the cursor.

pub(in crate::screens) mod applied;
mod components;
mod deeds;
mod events;
mod foot;
mod history;
mod hooks;
mod inside;
mod jobs;
mod list;
mod logs;
mod memory;
mod moving;
mod overview;
mod resources;
mod rows;
mod search;
mod state;
mod texts;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value)]
mod tests;

use crossterm::event::{MouseButton, MouseEventKind};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::helm::record::Status;
use crate::session::{
    Action, Answer, Ask, Choice, Command, Effect, Goto, Message, Place, ReleaseRef, RoomId, Selection,
    Session, Setting, Then, Watch,
};

use super::{Look, Room};
use deeds::{ASK_JOB, Deeds};
use inside::{ASK_LOG, Inside, View};
use list::List;
use memory::Memory;
use rows::Kind;

/// The question which contexts to ask where nothing maps one; see [`Then::Room`].
const ASK_CONTEXTS: u16 = 2;

/// The room's own state.
#[derive(Debug, Default)]
pub struct Releases {
    list: List,
    /// The release that was opened last; shown when `is_inside`.
    inside: Option<Inside>,
    is_inside: bool,
    memory: Memory,
    deeds: Deeds,
    /// The choices of the open question.
    offered: Vec<String>,
}

impl Releases {
    /// The release that is open, if one is.
    fn opened(&self) -> Option<&Inside> {
        self.inside.as_ref().filter(|_| self.is_inside)
    }

    fn opened_mut(&mut self) -> Option<&mut Inside> {
        self.inside.as_mut().filter(|_| self.is_inside)
    }

    /// Brings rows and the open release up to date, and asks for the records that they need.
    fn refresh(&mut self, session: &mut Session) -> Vec<Effect> {
        self.list.refresh(session, &mut self.memory, &session.ticked);
        let mut effects = Vec::new();
        if self.is_inside
            && let Some(inside) = &mut self.inside
        {
            let entry =
                self.list.entries().iter().find(|entry| entry.release.as_ref() == Some(&inside.release));
            if let Some(entry) = entry {
                inside.describe(entry.title(), entry.applied.clone());
            }
            effects.extend(inside.ask(session, &mut self.memory));
            inside.sync(session, &self.memory);
        }
        let urgent = self.urgent();
        effects.extend(self.memory.ask_all(session, &urgent));
        effects
    }

    /// Whose records the list wants: the selected row's, those of mapped targets, those of what failed.
    fn urgent(&self) -> Vec<ReleaseRef> {
        let mut urgent: Vec<ReleaseRef> = Vec::new();
        let mut add = |release: Option<&ReleaseRef>| {
            if let Some(release) = release.filter(|release| !urgent.contains(release)) {
                urgent.push(release.clone());
            }
        };
        add(self.list.selected().and_then(|entry| entry.release.as_ref()));
        for entry in self.list.entries().iter().filter(|entry| matches!(entry.kind, Kind::Mapped(_))) {
            add(entry.release.as_ref());
        }
        for entry in self.list.entries() {
            if entry.row.as_ref().is_some_and(|row| row.status == Status::Failed || row.status.is_pending()) {
                add(entry.release.as_ref());
            }
        }
        urgent
    }

    /// The header names the row under the cursor.
    fn follow(&mut self, session: &mut Session) {
        if let Some(inside) = self.opened() {
            session.copyable = inside.copyable(session, &self.memory);
            return;
        }
        let Some(entry) = self.list.selected() else {
            session.copyable.clear();
            return;
        };
        match &entry.kind {
            Kind::Mapped(mapped) => {
                session.selection.foreign = None;
                if session.selection.mapped.as_ref() != Some(mapped) {
                    session.selection.mapped = Some(mapped.clone());
                }
            }
            Kind::Foreign => session.selection.foreign.clone_from(&entry.release),
            // A login or a check is meant for this cluster: the header names a target on it, if there is one.
            Kind::Cluster => {
                let on_it = self.list.entries().iter().find_map(|other| match &other.kind {
                    Kind::Mapped(mapped) if other.context == entry.context => Some(mapped.clone()),
                    _ => None,
                });
                if let Some(mapped) = on_it {
                    session.selection = Selection { mapped: Some(mapped), foreign: None };
                }
            }
        }
        let mut copyable = Vec::new();
        if let Some(release) = &entry.release {
            copyable.push(("release".to_owned(), release.release.clone()));
            copyable.push((
                "helm command".to_owned(),
                format!(
                    "helm --kube-context {} --namespace {} status {}",
                    release.context, release.namespace, release.release
                ),
            ));
        }
        if !entry.why.is_empty() {
            copyable.push(("why".to_owned(), entry.why.clone()));
        }
        if let Some(error) = &entry.error {
            copyable.push(("error".to_owned(), error.to_string()));
        }
        session.copyable = copyable;
    }

    /// Puts the cursor on the row that the header names.
    fn go_to_selection(&mut self, session: &Session) {
        let selection = &session.selection;
        let key = match (&selection.foreign, &selection.mapped) {
            (Some(release), _) => self.key_of(release),
            (None, Some(mapped)) => self
                .list
                .entries()
                .iter()
                .find(|entry| matches!(&entry.kind, Kind::Mapped(own) if own == mapped))
                .map(|entry| entry.key.clone()),
            (None, None) => None,
        };
        if let Some(key) = key {
            self.list.select(&key);
        }
    }

    fn key_of(&self, release: &ReleaseRef) -> Option<String> {
        let entry = self.list.entries().iter().find(|entry| entry.release.as_ref() == Some(release));
        entry.map(|entry| entry.key.clone())
    }

    /// Opens a release; the one that was open before keeps its views.
    fn open(&mut self, session: &mut Session, release: ReleaseRef) {
        match self.key_of(&release) {
            Some(key) => {
                self.list.select(&key);
                self.list.refresh(session, &mut self.memory, &session.ticked);
                self.is_inside = false;
                self.follow(session);
            }
            None => session.selection.foreign = Some(release.clone()),
        }
        if self.inside.as_ref().is_none_or(|inside| inside.release != release) {
            self.inside = Some(Inside::new(release));
        }
        self.is_inside = true;
    }

    /// Another target was chosen while a release was open: that one is opened at the same view, or the list is
    /// shown where there is nothing to open.
    fn follow_inside(&mut self, session: &mut Session) {
        let Some((open, view)) = self.opened().map(|inside| (inside.release.clone(), inside.view)) else {
            return;
        };
        let chosen = session.release();
        if chosen.as_ref() == Some(&open) {
            return;
        }
        match chosen.filter(|release| self.memory.row(release).is_some()) {
            Some(release) => {
                self.open(session, release);
                if let Some(inside) = &mut self.inside {
                    inside.view = view;
                }
            }
            None => self.is_inside = false,
        }
    }

    fn open_selected(&mut self, session: &mut Session) {
        if self.list.entries().is_empty() {
            self.ask_contexts(session);
            return;
        }
        let Some(entry) = self.list.selected() else { return };
        match (&entry.release, &entry.row) {
            (Some(release), Some(_)) => {
                let release = release.clone();
                self.open(session, release);
            }
            (Some(_), None) if entry.word == "not installed" => {
                let name = entry.title();
                session.say(format!("{name} is not installed: I plans the install"));
            }
            _ => {
                let error = entry.error.clone();
                match error {
                    Some(error) => session.fail(&error),
                    None => session.say("nothing is known of it yet"),
                }
            }
        }
    }

    fn ask_contexts(&mut self, session: &mut Session) {
        let Some(contexts) = session.contexts.ready() else { return };
        self.offered = contexts.iter().map(|context| context.name.clone()).collect();
        let choices = contexts
            .iter()
            .map(|context| {
                Choice::new(&context.name)
                    .detail(&context.server)
                    .current(session.ticked.contains(&context.name))
            })
            .collect();
        if self.offered.is_empty() {
            session.say("the kubeconfig has no contexts");
            return;
        }
        let title = "Contexts to ask for releases: Space marks, Enter asks the marked".to_owned();
        session.ask(Ask::Mark { title, choices }, Then::Room(ASK_CONTEXTS));
    }

    fn command(&mut self, session: &mut Session, command: Command) -> Vec<Effect> {
        if self.is_inside
            && let Some(inside) = &mut self.inside
        {
            let stays = inside.command(session, &self.memory, command);
            self.is_inside = stays;
            let mut effects = Vec::new();
            if let Some(request) = inside.wanted_job.take() {
                effects.extend(self.deeds.plan(session, request));
            }
            if command == Command::Reload {
                self.memory.forget_asked();
                effects.push(Effect::LoadContexts);
            }
            return effects;
        }
        if self.list.command(command) {
            return Vec::new();
        }
        match command {
            Command::Enter => self.open_selected(session),
            Command::Reload if !self.list.accept_order() => {
                self.memory.forget_asked();
                session.say("workspace, kubeconfig and records are read again");
                return vec![session.reload(), Effect::LoadContexts];
            }
            Command::Reload => {}
            Command::AskContexts => self.ask_contexts(session),
            command => super::nothing_to(session, command),
        }
        Vec::new()
    }

    fn mouse(&mut self, session: &mut Session, action: &Action) -> Vec<Effect> {
        let Action::Mouse(mouse) = action else { return Vec::new() };
        let at = Position::new(mouse.column, mouse.row);
        let command = match mouse.kind {
            MouseEventKind::ScrollDown => Command::Down,
            MouseEventKind::ScrollUp => Command::Up,
            MouseEventKind::Down(MouseButton::Left) if !self.is_inside => {
                if self.list.click(at) {
                    self.open_selected(session);
                }
                return Vec::new();
            }
            MouseEventKind::Down(MouseButton::Left) => {
                if let Some(inside) = self.inside.as_mut()
                    && inside.click(session, &self.memory, at)
                {
                    return self.command(session, Command::Enter);
                }
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        if self.is_inside {
            return (0..3).flat_map(|_| self.command(session, command)).collect();
        }
        self.list.wheel(if command == Command::Down { 3 } else { -3 });
        Vec::new()
    }

    fn answered(&mut self, session: &mut Session, then: &Then, answer: &Answer) -> Vec<Effect> {
        match (then, answer) {
            (Then::Room(ASK_LOG), Answer::Chosen(row)) => {
                if let Some(inside) = self.opened_mut() {
                    inside.picked(*row);
                }
            }
            (Then::Room(ASK_JOB), Answer::Yes) => return self.deeds.confirmed(session).into_iter().collect(),
            (Then::Room(ASK_CONTEXTS), Answer::Marked(rows)) => {
                session.ticked = rows.iter().filter_map(|row| self.offered.get(*row).cloned()).collect();
                return vec![Effect::Remember(Setting::Ticked(session.ticked.clone()))];
            }
            _ => {}
        }
        Vec::new()
    }

    /// A plan is asked about where it was asked for; what was made is where the cursor goes.
    fn hear_jobs(&mut self, session: &mut Session, message: &Message) {
        match message {
            Message::JobPlanned { generation, result } => {
                let shown = self.opened().filter(|inside| inside.view == View::Jobs);
                let release = shown.filter(|_| session.room == RoomId::Releases).map(|i| i.release.clone());
                self.deeds.take(session, *generation, result, release.as_ref());
            }
            Message::JobDone(result) => {
                let made = self.deeds.done(result);
                if let Some((release, done)) = made
                    && let Some(inside) = self.inside.as_mut().filter(|inside| inside.release == release)
                {
                    inside.expect_job(&done.namespace, &done.name);
                }
            }
            _ => {}
        }
    }

    /// The search of what is shown, while it is typed.
    fn typing(&mut self, session: &Session, action: &Action) -> bool {
        if self.is_inside
            && let Some(inside) = &mut self.inside
        {
            if !inside.search().typing {
                return false;
            }
            if inside.search_mut().update(action) {
                inside.searched(session);
            }
            return true;
        }
        let typing = self.list.search.typing;
        if typing {
            self.list.search.update(action);
        }
        typing
    }
}

impl Releases {
    /// The lists of releases of every context that the workspace maps. Metadata only, so cheap enough to be watched
    /// wherever the user looks: the footer then knows whether an install or an upgrade makes sense.
    pub fn lists(&self, session: &Session) -> Vec<Watch> {
        let contexts = rows::contexts(&rows::targets(session), &session.ticked);
        contexts.into_iter().map(|(context, namespaces)| Watch::Releases { context, namespaces }).collect()
    }
}

impl Room for Releases {
    fn places(&self, _: &Session) -> Vec<Place> {
        let typing = match self.opened() {
            Some(inside) => inside.search().typing,
            None => self.list.search.typing,
        };
        match self.opened() {
            _ if typing => vec![Place::Filter],
            Some(inside) if inside.view == View::Jobs => vec![Place::Jobs, Place::Release, Place::Pane],
            Some(_) => vec![Place::Release, Place::Pane],
            None => vec![Place::Releases, Place::Pane],
        }
    }

    fn enter(&mut self, session: &mut Session) -> Vec<Effect> {
        self.list.refresh(session, &mut self.memory, &session.ticked);
        match session.goto.clone() {
            Some(Goto::Release { release, history }) => {
                self.open(session, release);
                if history && let Some(inside) = &mut self.inside {
                    inside.open_history();
                }
            }
            Some(Goto::Object { release, object, container }) => {
                self.open(session, release);
                if let Some(inside) = &mut self.inside {
                    inside.open_object(object, container);
                }
            }
            _ => {
                self.go_to_selection(session);
                self.follow_inside(session);
            }
        }
        let effects = self.refresh(session);
        self.follow(session);
        effects
    }

    fn update(&mut self, session: &mut Session, action: &Action) -> Vec<Effect> {
        let mut effects = match action {
            _ if self.typing(session, action) => Vec::new(),
            Action::Command(command) => self.command(session, *command),
            Action::Mouse(_) => self.mouse(session, action),
            Action::Answered(then, answer) => self.answered(session, then, answer),
            Action::Text(_) | Action::Paste(_) => Vec::new(),
        };
        effects.extend(self.refresh(session));
        self.follow(session);
        effects
    }

    fn hear(&mut self, session: &mut Session, message: &Message) -> Vec<Effect> {
        self.memory.hear(session, message);
        self.hear_jobs(session, message);
        if session.room != RoomId::Releases {
            return Vec::new();
        }
        // Lines of a log change what is drawn, nothing else; they can come in great numbers.
        if matches!(message, Message::LogLines { .. } | Message::LogStarted { .. }) {
            return Vec::new();
        }
        let effects = self.refresh(session);
        self.follow(session);
        effects
    }

    fn watches(&self, session: &Session) -> Vec<Watch> {
        let mut watches = self.lists(session);
        if let Some(inside) = self.opened() {
            let context = &inside.release.context;
            let known = watches
                .iter()
                .any(|watch| matches!(watch, Watch::Releases { context: c, .. } if c == context));
            if !known {
                let namespaces = vec![inside.release.namespace.clone()];
                watches.push(Watch::Releases { context: context.clone(), namespaces });
            }
            watches.extend(inside.watches(session, &self.memory));
            return watches;
        }
        let selected = self.list.selected().and_then(|entry| entry.release.clone().zip(entry.row.as_ref()));
        watches.extend(selected.and_then(|(release, row)| {
            let ids = self.memory.wanted(&release, row.revision)?;
            Some(Watch::Objects { release, ids })
        }));
        watches
    }

    fn is_working(&self, session: &Session) -> bool {
        let contexts = rows::contexts(&rows::targets(session), &session.ticked);
        rows::is_loading(session, &contexts) || self.deeds.is_working()
    }

    fn offers(&self, session: &Session, command: Command) -> bool {
        match command {
            Command::RunJob | Command::RetryJob | Command::SuspendJob => {
                self.opened().is_some_and(|inside| inside.offers_job(session, &self.memory, command))
            }
            _ => true,
        }
    }

    fn view(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        match self.inside.as_mut().filter(|_| self.is_inside) {
            Some(inside) => {
                let busy = self.deeds.busy(session.now);
                inside.view(session, &self.memory, busy.as_deref(), frame, area, look);
            }
            None => self.list.view(session, &self.memory, frame, area, look),
        }
    }
}

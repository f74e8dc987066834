//! From an action or an answer to the next state: what belongs to the frame is done here, the rest goes to the
//! room that is shown. Never waits, never reads a clock, never touches the terminal.

mod answers;
mod files;

use std::path::PathBuf;

use answers::check_clusters;

use crate::operations::Verb;
use crate::session::{
    Action, Answer, Ask, Choice, Command, Effect, Goto, Level, Message, Place, RoomId, Setting, Side, Then,
};
use crate::workspace::ContextChoice;

use super::model::Model;
use super::overlays::{Open, Outcome, Question};

impl Model {
    /// Handles one action to its end: jumps, questions and recomputation included.
    pub fn act(&mut self, action: &Action) -> Vec<Effect> {
        if let Action::Mouse(mouse) = action
            && let Some(mut effects) = self.frame_mouse(*mouse)
        {
            effects.extend(self.settle());
            return effects;
        }
        let mut effects = match self.open.last_mut() {
            Some(open) => match open.update(action) {
                Outcome::Stays => Vec::new(),
                Outcome::Closes => {
                    self.open.pop();
                    Vec::new()
                }
                Outcome::Answers(then, answer) => {
                    self.open.pop();
                    self.answered(then, answer)
                }
            },
            None => self.in_room(action),
        };
        self.preview_theme();
        effects.extend(self.settle());
        effects
    }

    /// The theme under the cursor of the list is the one that is seen.
    fn preview_theme(&mut self) {
        if let Some(Open::Question(question)) = self.open.last()
            && let Then::Theme { names, .. } = &question.then
            && let Some(name) = question.rows().get(question.cursor).and_then(|row| names.get(*row))
        {
            self.theme.clone_from(name);
        }
    }

    /// Takes an answer of the world.
    pub fn hear(&mut self, message: &Message) -> Vec<Effect> {
        let mut effects = self.take(message);
        effects.extend(self.rooms.hear(&mut self.session, message));
        effects.extend(self.settle());
        effects
    }

    /// What follows from any change: environments, jumps, questions that rooms opened.
    fn settle(&mut self) -> Vec<Effect> {
        let mut effects = self.session.refresh_environments();
        effects.extend(self.session.keep_unsaved());
        effects.extend(self.rooms.get(self.session.room).settle(&mut self.session));
        self.ask_context(false);
        if let Some(goto) = &self.session.goto {
            let room = match goto {
                Goto::Value(_) | Goto::Line { .. } => RoomId::Values,
                Goto::Template(_) => RoomId::Charts,
                Goto::Diff { .. } => RoomId::Diff,
                Goto::Release { .. } | Goto::Object { .. } => RoomId::Releases,
                Goto::Plan(_) => RoomId::Run,
            };
            effects.extend(self.enter(room));
            self.session.goto = None;
        }
        if let Some((title, lines)) = self.session.reading.take() {
            self.open.push(Open::Reading { title, lines, offset: 0 });
        }
        for overlay in std::mem::take(&mut self.session.overlays) {
            self.open.push(Open::Question(Question::new(overlay)));
        }
        effects
    }

    /// When several contexts lead to the selected cluster: asks which is meant, once, or `again` when it is needed.
    fn ask_context(&mut self, again: bool) -> bool {
        let Some(target) = self.session.target() else { return false };
        let ContextChoice::Ask(contexts) = &target.choice else { return false };
        let (cluster, contexts) = (target.cluster.clone(), contexts.clone());
        if !self.asked_contexts.insert(cluster.clone()) && !again {
            return false;
        }
        let known = self.session.contexts.ready().map_or(&[][..], Vec::as_slice);
        let choices = contexts
            .iter()
            .map(|name| {
                let detail = known
                    .iter()
                    .find(|context| context.name == *name)
                    .map(|context| format!("user {} · {}", context.user, context.server));
                Choice::new(name).detail(detail.unwrap_or_default())
            })
            .collect();
        let title = format!("Which context is {cluster} for you?");
        self.session.ask(Ask::Choose { title, choices }, Then::WhichContext { cluster, contexts });
        true
    }

    pub(super) fn enter(&mut self, room: RoomId) -> Vec<Effect> {
        self.session.room = room;
        self.session.copyable.clear();
        self.session.verdict = None;
        self.session.focused_file = None;
        self.session.focused_line = None;
        self.rooms.get(room).enter(&mut self.session)
    }

    pub(super) fn in_room(&mut self, action: &Action) -> Vec<Effect> {
        let room = self.session.room;
        match action {
            Action::Command(command) => match self.frame_command(*command) {
                Some(effects) => effects,
                None => self.rooms.get(room).update(&mut self.session, action),
            },
            _ => self.rooms.get(room).update(&mut self.session, action),
        }
    }

    /// The commands that mean the same in every room; `None` for the others.
    fn frame_command(&mut self, command: Command) -> Option<Vec<Effect>> {
        let info = command.info();
        if info.writes && self.session.given.read_only {
            self.session.warn(format!("{}: floe-tui was started with --read-only", info.title));
            return Some(Vec::new());
        }
        let effects = match command {
            Command::RoomCharts => self.enter(RoomId::Charts),
            Command::RoomValues => self.enter(RoomId::Values),
            Command::RoomClusters => self.enter(RoomId::Clusters),
            Command::RoomDiff => self.enter(RoomId::Diff),
            Command::RoomReleases => self.enter(RoomId::Releases),
            Command::RoomRun => self.enter(RoomId::Run),
            Command::Environment => self.ask_environment(),
            Command::Palette => self.ask_palette(),
            Command::Help => {
                let mut places = self.rooms.peek(self.session.room).places(&self.session);
                places.push(Place::Everywhere);
                self.open.push(Open::Help { places, offset: 0 });
                Vec::new()
            }
            Command::Worth => {
                self.explain_worth();
                Vec::new()
            }
            Command::Messages => {
                self.open.push(Open::Messages { offset: 0 });
                Vec::new()
            }
            Command::Zoom => {
                self.zoomed = !self.zoomed;
                Vec::new()
            }
            Command::Copy => self.ask_copy(),
            Command::Save | Command::EditorSave => self.save_focused(),
            Command::SaveAll => self.ask_save_all(),
            Command::Undo | Command::EditorUndo => self.undo(true),
            Command::Redo | Command::EditorRedo => self.undo(false),
            Command::Diff => {
                self.session.goto = Some(Goto::Diff { left: Side::Saved, right: Side::Edited });
                Vec::new()
            }
            Command::Install => self.plan(Verb::Install),
            Command::Upgrade => self.plan(Verb::Upgrade),
            Command::Test => self.plan(Verb::Test),
            Command::Uninstall => self.plan(Verb::Uninstall),
            Command::Rollback => self.choose_rollback(),
            Command::Login => {
                if let Some(release) = self.session.release() {
                    vec![Effect::Login { context: release.context }]
                } else {
                    self.session.warn("no cluster is selected");
                    Vec::new()
                }
            }
            Command::Theme => self.ask_theme(),
            Command::Mouse => {
                self.mouse = !self.mouse;
                let word = if self.mouse { "floe-tui's" } else { "the terminal's: select text as usual" };
                self.session.say(format!("the mouse is {word}"));
                vec![Effect::CaptureMouse(self.mouse)]
            }
            Command::ExternalEditor | Command::EditorExternal => self.hand_over(),
            Command::Dismiss => {
                let now = self.session.now;
                self.session.notices.dismiss(now);
                Vec::new()
            }
            Command::Suspend => vec![Effect::Suspend],
            Command::Redraw => vec![Effect::Redraw],
            Command::Quit => self.quit(),
            _ => return None,
        };
        Some(effects)
    }

    fn explain_worth(&mut self) {
        match &self.session.verdict {
            Some(verdict) => {
                let lines = self.session.worth_lines(verdict);
                self.open.push(Open::Reading { title: "This preview".to_owned(), lines, offset: 0 });
            }
            None => self.session.say("there is no preview here"),
        }
    }

    fn ask_environment(&mut self) -> Vec<Effect> {
        let selected = self.session.selection.mapped.as_ref().map(|mapped| mapped.environment.clone());
        let (names, choices): (Vec<String>, Vec<Choice>) = self
            .session
            .environments
            .iter()
            .map(|view| {
                let place = match &view.target {
                    Ok(target) => format!("{} / {}", target.cluster, target.namespace),
                    Err(error) => error.what.clone(),
                };
                let protected = if view.protected { " · PROTECTED" } else { "" };
                let choice = Choice::new(&view.name)
                    .detail(format!("{place}{protected}"))
                    .current(selected.as_deref() == Some(&view.name));
                (view.name.clone(), choice)
            })
            .unzip();
        if names.is_empty() {
            self.session
                .say("this chart has no environments: add clusterMapping to its values.yaml (room 3)");
        } else {
            let ask = Ask::Choose { title: "Environment".to_owned(), choices };
            self.session.ask(ask, Then::Environment(names));
        }
        Vec::new()
    }

    fn ask_copy(&mut self) -> Vec<Effect> {
        let mut copyable = self.session.copyable.clone();
        let error = self.session.notices.shown(self.session.now).filter(|n| n.level == Level::Error).last();
        copyable.extend(error.map(|notice| ("error".to_owned(), notice.lines.join("\n"))));
        if copyable.is_empty() {
            self.session.say("nothing to copy here");
            return Vec::new();
        }
        let choices = copyable
            .iter()
            .map(|(label, text)| Choice::new(label).detail(text.lines().next().unwrap_or_default()))
            .collect();
        self.session.ask(Ask::Choose { title: "Copy".to_owned(), choices }, Then::Copy(copyable));
        Vec::new()
    }

    fn ask_theme(&mut self) -> Vec<Effect> {
        let choices = self.themes.iter().map(|name| Choice::new(name).current(*name == self.theme)).collect();
        let then = Then::Theme { names: self.themes.clone(), before: self.theme.clone() };
        self.session.ask(Ask::Choose { title: "Theme".to_owned(), choices }, then);
        Vec::new()
    }

    fn plan(&mut self, verb: Verb) -> Vec<Effect> {
        if self.session.selection.foreign.is_none() && self.ask_context(true) {
            return Vec::new();
        }
        match self.session.plan_request(verb, None) {
            Ok(request) => self.session.goto = Some(Goto::Plan(Box::new(request))),
            Err(error) => self.session.fail(&error),
        }
        Vec::new()
    }

    fn choose_rollback(&mut self) -> Vec<Effect> {
        // In Run keys are about the operation that is shown, whatever the header has moved on to.
        let shown = self.rooms.run.target(&self.session).filter(|_| self.session.room == RoomId::Run);
        let header = self.session.release();
        if let Some(release) = shown.as_ref().filter(|shown| Some(*shown) != header.as_ref()) {
            self.session.say(format!("the operation's own target: {release}"));
        }
        match shown.or(header) {
            Some(release) => self.session.goto = Some(Goto::Release { release, history: true }),
            None => self.session.warn("no release is selected: choose one in Releases (5)"),
        }
        Vec::new()
    }

    fn quit(&mut self) -> Vec<Effect> {
        let unsaved: Vec<String> =
            self.session.documents.dirty().map(|document| document.path.display().to_string()).collect();
        if unsaved.is_empty() {
            return self.leave();
        }
        let mut body = vec!["These files have edits that are not saved:".to_owned()];
        body.extend(unsaved.into_iter().map(|path| format!("  {path}")));
        body.push("They are kept in the recovery log and offered at the next start.".to_owned());
        let ask = Ask::Confirm {
            title: "Quit".to_owned(),
            body,
            deed: "Quit without saving".to_owned(),
            typed: None,
        };
        self.session.ask(ask, Then::Quit);
        Vec::new()
    }

    fn leave(&mut self) -> Vec<Effect> {
        self.done = true;
        vec![Effect::Quit]
    }

    fn answered(&mut self, then: Then, answer: Answer) -> Vec<Effect> {
        match (then, answer) {
            (Then::Environment(names), Answer::Chosen(row)) => {
                if let Some(name) = names.get(row) {
                    self.session.select_environment(name);
                }
                self.enter(self.session.room)
            }
            (Then::Copy(texts), Answer::Chosen(row)) => match texts.into_iter().nth(row) {
                Some((what, text)) => vec![Effect::Copy { what, text }],
                None => Vec::new(),
            },
            (Then::Command(commands), Answer::Chosen(row)) => match commands.get(row) {
                Some(command) => self.run_command(*command),
                None => Vec::new(),
            },
            (Then::Theme { before, .. }, Answer::No) => {
                self.theme = before;
                Vec::new()
            }
            (Then::Theme { names, .. }, Answer::Chosen(row)) => match names.get(row) {
                Some(name) => {
                    self.theme.clone_from(name);
                    vec![Effect::Remember(Setting::Theme(name.clone()))]
                }
                None => Vec::new(),
            },
            (Then::SaveMarked(paths), Answer::Marked(rows)) => {
                let chosen: Vec<PathBuf> = rows.iter().filter_map(|row| paths.get(*row).cloned()).collect();
                chosen.iter().flat_map(|path| self.save(path)).collect()
            }
            (Then::Conflict(path), Answer::Chosen(row)) => self.resolve_conflict(&path, row),
            (Then::Recover { aside, edits }, Answer::Yes) => {
                let texts: Vec<_> =
                    edits.iter().map(|edit| (edit.path.clone(), edit.text.as_str().into())).collect();
                self.session.documents.edit("taking back unsaved edits", texts);
                for edit in &edits {
                    self.session.documents.moved_since(&edit.path, &edit.base);
                }
                self.session.keep_again();
                vec![Effect::UnsavedAnswered { aside, taken: true }]
            }
            (Then::Recover { aside, .. }, Answer::No) => {
                vec![Effect::UnsavedAnswered { aside, taken: false }]
            }
            (Then::Quit, Answer::Yes) => self.leave(),
            (Then::WhichContext { cluster, contexts }, Answer::Chosen(row)) => match contexts.get(row) {
                Some(context) => {
                    self.session.settings.clusters.insert(cluster.clone(), context.clone());
                    self.session.invalidate_environments();
                    let mut effects = self.session.refresh_environments();
                    effects.extend(check_clusters(&mut self.session));
                    effects.push(Effect::Remember(Setting::Context { cluster, context: context.clone() }));
                    effects
                }
                None => Vec::new(),
            },
            (Then::Interrupt(id), Answer::Chosen(choice)) => match choice {
                1 => {
                    self.session.say("detached: helm goes on, the journal is picked up at the next start");
                    self.enter(RoomId::Releases)
                }
                2 => vec![Effect::Interrupt(id)],
                3 => vec![Effect::Kill(id)],
                _ => Vec::new(),
            },
            (_, Answer::No) => Vec::new(),
            (then, answer) => {
                let room = self.session.room;
                self.rooms.get(room).update(&mut self.session, &Action::Answered(then, answer))
            }
        }
    }
}

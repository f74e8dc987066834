//! From an action or an answer to the next state: what belongs to the frame is done here, the rest goes to the
//! room that is shown. Never waits, never reads a clock, never touches the terminal.

use std::path::PathBuf;

use crate::base::Error;
use crate::base::redact::Redactor;
use crate::operations::Verb;
use crate::session::{
    Action, Answer, Ask, Choice, Command, Document, Effect, Goto, Level, Message, Place, RoomId, SaveFailure,
    Session, Setting, Side, Then,
};

use crate::ui::{Rich, Role};
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
                Goto::Diff { .. } => RoomId::Diff,
                Goto::Release { .. } | Goto::Object { .. } => RoomId::Releases,
                Goto::Plan(_) => RoomId::Run,
            };
            effects.extend(self.enter(room));
            self.session.goto = None;
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

    /// The operator's editor sees the disk: what is not saved would be in its way.
    fn hand_over(&mut self) -> Vec<Effect> {
        let Some(path) = self.session.focused_file.clone() else {
            self.session.say("no file has the focus here");
            return Vec::new();
        };
        if self.session.documents.get(&path).is_some_and(Document::is_dirty) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.session.warn(format!(
                "{name} has unsaved edits that your editor would not see: save (s) or undo (u) them first"
            ));
            return Vec::new();
        }
        vec![Effect::OpenEditor { path, line: self.session.focused_line }]
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

    fn save_focused(&mut self) -> Vec<Effect> {
        let dirty: Vec<PathBuf> = self.session.documents.dirty().map(|d| d.path.clone()).collect();
        let focused = self.session.focused_file.clone().filter(|path| dirty.contains(path));
        match (focused, dirty.as_slice()) {
            (Some(path), _) => self.save(&path),
            (None, []) => {
                self.session.say("nothing to save");
                Vec::new()
            }
            (None, [only]) => self.save(&only.clone()),
            (None, _) => self.ask_save_all(),
        }
    }

    fn save(&mut self, path: &std::path::Path) -> Vec<Effect> {
        match self.session.documents.get(path) {
            Some(document) if document.theirs.is_some() => {
                ask_conflict(&mut self.session, path);
                Vec::new()
            }
            Some(document) => {
                let (text, expect) = (document.text.clone(), document.disk);
                self.session.disk_moves();
                vec![Effect::Save { path: path.to_owned(), text, expect }]
            }
            None => Vec::new(),
        }
    }

    fn ask_save_all(&mut self) -> Vec<Effect> {
        let (paths, choices): (Vec<PathBuf>, Vec<Choice>) =
            self.session.documents.dirty().map(|document| self.unsaved_choice(document)).unzip();
        if paths.is_empty() {
            self.session.say("nothing to save");
        } else {
            let title = "Save: Space marks, Enter saves the marked".to_owned();
            self.session.ask(Ask::Mark { title, choices }, Then::SaveMarked(paths));
        }
        Vec::new()
    }

    /// A file of the list to save, with the lines that would be written and those that would go.
    fn unsaved_choice(&self, document: &Document) -> (PathBuf, Choice) {
        let lines = document.changed_lines();
        let added = lines.iter().filter(|line| line.added).count();
        let root = &self.session.given.root;
        let name = document.path.strip_prefix(root).unwrap_or(&document.path).display().to_string();
        // What was just typed may be a secret that the redactor has not learned from the disk.
        let redactor = Redactor::clone(&self.session.redactor);
        let redactor = [&document.saved, &document.text]
            .into_iter()
            .filter_map(|text| crate::yaml::read(text).ok())
            .fold(redactor, |redactor, values| redactor.learn(&values));
        let digits = lines.iter().map(|line| line.number).max().unwrap_or(1).to_string().len();
        let shown = lines.iter().map(|line| {
            let (role, mark) = if line.added { (Role::Added, '+') } else { (Role::Removed, '-') };
            let text = crate::base::text::neutralise(&redactor.text(&line.text)).into_owned();
            Rich::of(Role::Gutter, format!("{:>digits$} ", line.number)).then(role, format!("{mark} {text}"))
        });
        let detail = format!("+{added} -{} lines", lines.len() - added);
        (document.path.clone(), Choice::new(name).detail(detail).current(true).lines(shown.collect()))
    }

    fn undo(&mut self, back: bool) -> Vec<Effect> {
        let path = self.session.focused_file.clone().or_else(|| {
            let mut dirty = self.session.documents.dirty();
            dirty.next().map(|document| document.path.clone()).filter(|_| dirty.next().is_none())
        });
        let Some(path) = path else {
            self.session.say("no file has the focus here");
            return Vec::new();
        };
        let done = if back { self.session.documents.undo(&path) } else { self.session.documents.redo(&path) };
        let word = if back { "undid" } else { "redid" };
        match done {
            Some((what, files)) => {
                let names: Vec<String> = files
                    .iter()
                    .filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()))
                    .collect();
                self.session.say(format!("{word} {what} in {}", names.join(", ")));
            }
            None => self.session.say(format!("nothing to {}", if back { "undo" } else { "redo" })),
        }
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

    /// 0 ours, 1 theirs, 2 both in the editor with marks.
    fn resolve_conflict(&mut self, path: &std::path::Path, choice: usize) -> Vec<Effect> {
        let Some(document) = self.session.documents.get(path) else { return Vec::new() };
        let Some(theirs) = document.theirs.clone() else { return Vec::new() };
        let ours = document.text.clone();
        self.session.documents.keep_ours(path);
        match choice {
            0 => self.save(path),
            1 => {
                self.session.documents.edit("taking the file from disk", [(path.to_owned(), theirs.0)]);
                Vec::new()
            }
            _ => {
                let both = crate::session::document::both_with_marks(&ours, &theirs.0);
                self.session.documents.edit("merging with the file on disk", [(path.to_owned(), both)]);
                self.session.goto = Some(Goto::Line { file: path.to_owned(), line: 1 });
                Vec::new()
            }
        }
    }

    /// Puts an answer where it belongs in the session.
    fn take(&mut self, message: &Message) -> Vec<Effect> {
        let session = &mut self.session;
        let now = session.now;
        match message {
            Message::Workspace { generation, .. } if session.is_stale(*generation) => {
                return vec![session.reload()];
            }
            Message::Workspace { result, .. } => return self.take_workspace(result),
            Message::Helm(result) => {
                if let Err(error) = result {
                    session.fail(error);
                }
                session.helm.take(now, result.clone());
                session.invalidate_environments();
            }
            Message::Contexts(result) => {
                session.contexts.take(now, result.clone());
                session.invalidate_environments();
                let effects = session.refresh_environments();
                return effects.into_iter().chain(check_clusters(session)).collect();
            }
            Message::Saved { path, text, result } => {
                session.disk_moves();
                match result {
                    Ok(hash) => {
                        session.documents.saved(path, text.clone(), *hash);
                        let name =
                            path.strip_prefix(&session.given.root).unwrap_or(path).display().to_string();
                        session.say(format!("saved {name}"));
                    }
                    // Somebody wrote the very same text; most often we did, a key press earlier.
                    Err(SaveFailure::ChangedOnDisk { text: theirs, hash: Some(hash) }) if theirs == text => {
                        session.documents.saved(path, text.clone(), *hash);
                    }
                    Err(SaveFailure::ChangedOnDisk { text: theirs, hash }) => {
                        session.documents.conflicts(path, theirs.clone(), *hash);
                        ask_conflict(session, path);
                    }
                    Err(SaveFailure::Failed(error)) => session.fail(error),
                }
            }
            Message::Preview { target, generation, result } => {
                session.take_preview(target, *generation, result.clone());
            }
            Message::DependenciesBuilt { result, .. } => {
                match result {
                    Ok(said) => session.say(said.clone()),
                    Err(error) => session.fail(error),
                }
                return vec![session.reload()];
            }
            Message::Cluster { cluster, context, result } => session.take_cluster(cluster, context, result),
            Message::Releases { context, snapshot } => {
                session.world.releases.insert(context.clone(), snapshot.clone());
            }
            Message::Objects { release, snapshot } => {
                session.world.objects.insert(release.clone(), snapshot.clone());
            }
            Message::Record { release, revision, result } => {
                let fetched = match result {
                    Ok(record) => crate::session::Fetched::Ready { value: record.clone(), at: now },
                    Err(error) => crate::session::Fetched::Failed { error: error.clone(), at: now },
                };
                session.world.records.insert((release.clone(), *revision), fetched);
            }
            Message::Operations(all) => {
                session.world.operations = all.iter().map(|view| (view.id(), view.clone())).collect();
                let news: Vec<String> =
                    all.iter().filter(|view| !view.is_running() && !view.seen).map(|v| headline(v)).collect();
                for line in news {
                    session.warn(format!("meanwhile: {line} (6 shows it)"));
                }
            }
            Message::Operation(view) => {
                session.world.operations.insert(view.id(), view.clone());
            }
            Message::Launched(Err(error)) | Message::Failed(error) => {
                session.fail(error);
            }
            Message::LogStarted { log } => session.world.log_started(log),
            Message::LogLines { log, lines, dropped } => {
                session.world.log_lines(log.clone(), lines.clone(), *dropped);
            }
            Message::LogEnded { log, error } => session.world.log_ended(log, error.clone()),
            Message::Unsaved { aside, edits } => return ask_recover(session, aside, edits),
            Message::FilesChanged => return vec![session.reload()],
            Message::Said(text) => session.say(text.clone()),
            Message::Launched(Ok(_))
            | Message::Compared { .. }
            | Message::Template { .. }
            | Message::Planned { .. } => {}
        }
        Vec::new()
    }

    fn take_workspace(&mut self, result: &Result<crate::session::Loaded, Error>) -> Vec<Effect> {
        let session = &mut self.session;
        let loaded = match result {
            Ok(loaded) => loaded,
            Err(error) => {
                session.workspace.take(session.now, Err(error.clone()));
                session.fail(error);
                return Vec::new();
            }
        };
        let first = session.workspace.ready().is_none();
        for (path, text, hash) in &loaded.texts {
            let before = session.documents.get(path).and_then(|document| document.theirs.clone());
            session.documents.loaded(path, text.clone(), Some(*hash));
            let theirs = session.documents.get(path).and_then(|document| document.theirs.clone());
            if theirs.is_some() && theirs != before {
                let name = path.strip_prefix(&session.given.root).unwrap_or(path).display();
                let words =
                    format!("{name} changed on disk while it is edited here: saving asks which to keep");
                session.notices.warn(session.now, words);
            }
        }
        for path in &loaded.gone {
            let Some(dirty) = session.documents.gone(path) else { continue };
            let name = path.strip_prefix(&session.given.root).unwrap_or(path).display();
            let words = if dirty {
                format!("{name} was deleted on disk: the edits here are kept, saving makes it anew")
            } else {
                format!("{name} was deleted on disk: its values are gone (undo there brings the text back)")
            };
            session.notices.warn(session.now, words);
        }
        session.problems.clone_from(&loaded.problems);
        session.redactor = loaded.redactor.clone();
        session.workspace.take(session.now, Ok(loaded.workspace.clone()));
        session.invalidate_environments();
        let charts = &loaded.workspace.charts;
        let selected = session.selection.mapped.as_ref().map(|mapped| mapped.chart.clone());
        if !charts.iter().any(|chart| Some(&chart.dir) == selected.as_ref()) {
            // The chart that maps environments is what people come for.
            let best = charts.iter().find(|chart| chart.mapping.is_some()).or_else(|| charts.first());
            match best.map(|chart| chart.dir.clone()) {
                Some(dir) => session.select_chart(&dir),
                None => session.selection.mapped = None,
            }
        }
        let mut effects = session.refresh_environments();
        effects.extend(check_clusters(session));
        if first {
            effects.push(Effect::LoadUnsaved);
        }
        if first && charts.is_empty() {
            effects.extend(self.enter(RoomId::Releases));
        } else if first {
            effects.extend(self.enter(self.session.room));
        }
        effects
    }
}

/// Asks every cluster that the workspace maps who it is; those only.
fn check_clusters(session: &mut Session) -> Vec<Effect> {
    let mut effects = Vec::new();
    for view in &session.environments {
        let Ok(target) = &view.target else { continue };
        let Some(context) = target.context.clone() else { continue };
        let known = session.world.clusters.get(&target.cluster).is_some_and(|c| c.context == context);
        if known {
            continue;
        }
        let answer = crate::session::Fetched::Awaited { since: session.now };
        session
            .world
            .clusters
            .insert(target.cluster.clone(), crate::session::ClusterView { context: context.clone(), answer });
        effects.push(Effect::CheckCluster {
            cluster: target.cluster.clone(),
            context,
            namespace: Some(target.namespace.clone()),
        });
    }
    effects
}

fn ask_conflict(session: &mut Session, path: &std::path::Path) {
    let name = path.strip_prefix(&session.given.root).unwrap_or(path).display().to_string();
    let choices = vec![
        Choice::new("save ours").detail("write the edited text over what is on disk now"),
        Choice::new("take theirs").detail("the edits stay one undo away"),
        Choice::new("both, with marks").detail("open the text with both versions where they differ"),
    ];
    let title = format!("{name} changed on disk while it was edited here");
    session.ask(Ask::Choose { title, choices }, Then::Conflict(path.to_owned()));
}

/// Offers what an earlier run left unsaved.
fn ask_recover(
    session: &mut Session,
    aside: &std::path::Path,
    unsaved: &[crate::session::Unsaved],
) -> Vec<Effect> {
    // What was saved after all is no loss.
    let differs = |edit: &&crate::session::Unsaved| {
        session.documents.get(&edit.path).is_none_or(|document| *document.text != *edit.text)
    };
    let unsaved: Vec<crate::session::Unsaved> = unsaved.iter().filter(differs).cloned().collect();
    if unsaved.is_empty() {
        session.keep_again();
        return vec![Effect::UnsavedAnswered { aside: aside.to_owned(), taken: true }];
    }
    let mut body = vec!["An earlier run ended with edits that were not saved:".to_owned()];
    for edit in &unsaved {
        let name = edit.path.strip_prefix(&session.given.root).unwrap_or(&edit.path).display().to_string();
        let disk =
            session.documents.get(&edit.path).and_then(|document| document.disk).map(|hash| hash.hex());
        let moved = if disk.unwrap_or_default() == edit.base {
            ""
        } else {
            "  (the file changed since: saving asks which to keep)"
        };
        body.push(format!("  {name}{moved}"));
        if !edit.left_out.is_empty() {
            body.push(format!("    secret, so not kept: {}", edit.left_out.join(", ")));
        }
    }
    body.push("Taken back they are unsaved edits again: look at them, save or undo them.".to_owned());
    let ask = Ask::Confirm {
        title: "Unsaved edits".to_owned(),
        body,
        deed: "Take the edits back".to_owned(),
        typed: None,
    };
    session.ask(ask, Then::Recover { aside: aside.to_owned(), edits: unsaved });
    Vec::new()
}

/// One line about an operation that ended while nobody looked.
fn headline(view: &crate::operations::OperationView) -> String {
    format!("{} {}", view.spec.title(), view.state.word())
}

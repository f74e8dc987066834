//! One release from the inside: its views as tabs, the one root-cause line above them, and what a key in a view
//! asks for.

mod copy;
mod look;

use std::collections::HashMap;
use std::sync::Arc;

use crate::cluster::objects::ObjectsSnapshot;
use crate::cluster::releases::ReleaseRow;
use crate::cluster::{RootCause, root_cause};
use crate::helm::record::Record;
use crate::manifest::ObjectId;
use crate::operations::life::{self, Evidence, Watched};
use crate::operations::{Deed, JobRequest, Life, OperationView, Verb};
use crate::session::{Ask, Choice, Command, Effect, Goto, LogRef, ReleaseRef, Session, Side, Then, Watch};
use jiff::Timestamp;
use ratatui::layout::{Position, Rect};

use super::applied::{self, Applied};
use super::components::Components;
use super::events::Events;
use super::history::{self, History};
use super::hooks::Hooks;
use super::jobs::{Jobs, Target};
use super::logs::{Logs, Source};
use super::memory::{self, Memory};
use super::overview::Overview;
use super::resources::{self, Resources};
use super::search::Search;
use super::texts::{self, Text};

pub(super) use look::summary;

/// The question which log is meant; see [`Then::Room`].
pub(super) const ASK_LOG: u16 = 1;

/// What can be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(super) enum View {
    #[default]
    Overview,
    Components,
    Resources,
    History,
    Values,
    Manifest,
    Hooks,
    Jobs,
    Events,
    Logs,
    Notes,
}

impl View {
    pub(super) const ALL: [Self; 11] = [
        Self::Overview,
        Self::Components,
        Self::Resources,
        Self::History,
        Self::Values,
        Self::Manifest,
        Self::Hooks,
        Self::Jobs,
        Self::Events,
        Self::Logs,
        Self::Notes,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Components => "Components",
            Self::Resources => "Resources",
            Self::History => "History",
            Self::Values => "Values",
            Self::Manifest => "Manifest",
            Self::Hooks => "Hooks",
            Self::Jobs => "Jobs",
            Self::Events => "Events",
            Self::Logs => "Logs",
            Self::Notes => "Notes",
        }
    }

    fn step(self, by: usize) -> Self {
        let here = Self::ALL.iter().position(|view| *view == self).unwrap_or(0);
        Self::ALL.get((here + by) % Self::ALL.len()).copied().unwrap_or_default()
    }
}

/// What a key in a view wants; the view itself changes nothing around it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    Nothing,
    /// The view does not know the command.
    Unhandled,
    Say(String),
    /// The next view.
    Next,
    Plan(Verb, Option<u32>),
    /// The revision against the deployed one.
    Diff(u32),
    /// Logs of one of these; asked when there are several.
    Logs(Vec<Source>),
    /// Choose among all containers of the release.
    PickLog,
    /// Resources, at a row.
    Jump(String),
    /// A deed on a job, to be planned.
    Job(Deed, Target),
}

/// Everything that is known of the release that is open.
pub(super) struct Known<'a> {
    pub(super) session: &'a Session,
    pub(super) release: &'a ReleaseRef,
    pub(super) row: Option<&'a ReleaseRow>,
    pub(super) stale: Option<Timestamp>,
    /// Of the last revision.
    pub(super) record: Option<&'a Arc<Record>>,
    pub(super) objects: Option<&'a ObjectsSnapshot>,
    /// What was seen of its records while they were watched.
    watched: Option<&'a Watched>,
    pub(super) cause: Option<RootCause>,
}

impl<'a> Known<'a> {
    pub(super) fn of(session: &'a Session, memory: &'a Memory, release: &'a ReleaseRef) -> Self {
        let row = memory.row(release);
        let objects = session.world.objects.get(release).map(Arc::as_ref);
        Self {
            session,
            release,
            row,
            stale: memory.releases(&release.context).and_then(|(_, stale)| stale),
            record: row.and_then(|row| memory::record(session, release, row.revision)),
            objects,
            watched: memory.watched(release),
            cause: objects.and_then(|objects| root_cause(&objects.rows, &objects.events)),
        }
    }

    /// The kept revisions as the state machine saw them, newest first.
    pub(super) fn lives(&self) -> Vec<Life> {
        let operations: Vec<&OperationView> =
            self.session.world.operations.values().map(Arc::as_ref).collect();
        let view = applied::environment_of(self.session, self.release);
        life::lives(&Evidence {
            release: self.release,
            environment: view.map(|view| view.name.as_str()).unwrap_or_default(),
            kept: self.row.map(|row| &row.history[..]).unwrap_or_default(),
            record: &|revision| memory::record(self.session, self.release, revision).map(Arc::as_ref),
            operations: &operations,
            watched: self.watched,
        })
    }

    /// When the last revision is a rollback: what of the revision before it the workspace still has.
    pub(super) fn brings_back(&self) -> Vec<String> {
        let Some((row, record)) = self.row.zip(self.record).filter(|(_, record)| record.is_rollback()) else {
            return Vec::new();
        };
        let left =
            row.history.get(1).and_then(|kept| memory::record(self.session, self.release, kept.revision));
        match (left, applied::environment_of(self.session, self.release)) {
            (Some(left), Some(view)) => applied::brings_back(self.session, view, left, record),
            _ => Vec::new(),
        }
    }

    /// The log that holds the last words of what is to blame.
    fn cause_log(&self) -> Option<LogRef> {
        let cause = self.cause.as_ref()?;
        Some(LogRef {
            context: self.release.context.clone(),
            namespace: cause.namespace.clone(),
            pod: cause.pod.clone()?,
            container: cause.container.clone()?,
            previous: cause.previous,
        })
    }
}

/// The release that is open.
#[derive(Debug)]
pub(super) struct Inside {
    pub(super) release: ReleaseRef,
    pub(super) view: View,
    /// `floe @ dev`.
    title: String,
    applied: Applied,
    overview: Overview,
    components: Components,
    resources: Resources,
    pub(super) history: History,
    values: Text,
    manifest: Text,
    notes: Text,
    hooks: Hooks,
    jobs: Jobs,
    events: Events,
    pub(super) logs: Logs,
    searches: HashMap<View, Search>,
    picker: Vec<Source>,
    /// Where the last frame drew the names of the views, for the mouse.
    tabs: Vec<(Rect, View)>,
    /// To be done as soon as the rows are there: the cursor of a jump.
    pending_object: Option<(ObjectId, Option<String>)>,
    pending_history: bool,
    /// A deed on a job that was asked for.
    pub(super) wanted_job: Option<JobRequest>,
}

impl Inside {
    pub(super) fn new(release: ReleaseRef) -> Self {
        Self {
            title: format!("{} in {}", release.release, release.namespace),
            release,
            view: View::Overview,
            applied: Applied::Unknown,
            overview: Overview::default(),
            components: Components::default(),
            resources: Resources::default(),
            history: History::default(),
            values: Text::default(),
            manifest: Text::default(),
            notes: Text::default(),
            hooks: Hooks::default(),
            jobs: Jobs::default(),
            events: Events::default(),
            logs: Logs::default(),
            searches: HashMap::new(),
            picker: Vec::new(),
            tabs: Vec::new(),
            pending_object: None,
            pending_history: false,
            wanted_job: None,
        }
    }

    /// What the list knows of it.
    pub(super) fn describe(&mut self, title: String, applied: Applied) {
        self.title = title;
        self.applied = applied;
    }

    /// Opens the history with the cursor where a rollback would go to.
    pub(super) fn open_history(&mut self) {
        self.view = View::History;
        self.pending_history = true;
    }

    /// Goes to an object, and to the log of a container of it.
    pub(super) fn open_object(&mut self, object: ObjectId, container: Option<String>) {
        self.view = View::Resources;
        self.pending_object = Some((object, container));
    }

    pub(super) fn search(&self) -> &Search {
        static NONE: std::sync::LazyLock<Search> = std::sync::LazyLock::new(Search::default);
        self.searches.get(&self.view).unwrap_or(&NONE)
    }

    pub(super) fn search_mut(&mut self) -> &mut Search {
        self.searches.entry(self.view).or_default()
    }

    /// The search of the view was changed by typing.
    pub(super) fn searched(&mut self, session: &Session) {
        let search = self.search().clone();
        match self.view {
            View::Values => self.values.find(&search, true),
            View::Manifest => self.manifest.find(&search, true),
            View::Notes => self.notes.find(&search, true),
            View::Logs => self.logs.find(session, &search),
            _ => {}
        }
    }

    /// Brings the shown view up to date with what is known.
    pub(super) fn sync(&mut self, session: &Session, memory: &Memory) {
        let release = self.release.clone();
        let known = Known::of(session, memory, &release);
        let search = self.search().clone();
        self.jump_pending(&known);
        let stamp = known.row.map(|row| {
            let has = if known.record.is_some() { "read" } else { "awaited" };
            format!("{} {} {has}", row.revision, row.resource_version)
        });
        let stamp = stamp.unwrap_or_default();
        match self.view {
            View::Overview => self.overview.sync(&known),
            View::Resources => self.resources.sync(&known, &search),
            View::History => {
                self.history.sync(&known);
                if self.pending_history
                    && let Some(row) = known.row
                {
                    self.history.go_to_candidate(row);
                    self.pending_history = false;
                }
            }
            View::Values => {
                let stamp = format!("{stamp} {}", session.documents.generation());
                self.values.make(stamp, || texts::values(&known, &self.applied));
            }
            View::Manifest => self.manifest.make(stamp, || texts::manifest(&known)),
            View::Notes => self.notes.make(stamp, || texts::notes(&known)),
            View::Jobs => self.jobs.sync(&known),
            View::Components | View::Hooks | View::Events | View::Logs => {}
        }
    }

    fn jump_pending(&mut self, known: &Known) {
        let Some((object, container)) = self.pending_object.clone() else { return };
        let row = known.objects.and_then(|objects| {
            objects.rows.iter().find(|row| {
                row.kind == object.kind
                    && row.name == object.name
                    && object.namespace.as_ref().is_none_or(|namespace| *namespace == row.namespace)
            })
        });
        let Some(row) = row else { return };
        self.pending_object = None;
        self.resources.sync(known, &Search::default());
        self.resources.select(
            &container
                .as_ref()
                .map_or_else(|| resources::key(row), |container| resources::container_key(row, container)),
        );
        let log = resources::sources(known, row)
            .into_iter()
            .find(|source| container.as_ref() == Some(&source.log.container));
        if let Some(source) = log {
            self.logs.open(source.log);
            self.view = View::Logs;
        }
    }

    /// The records that the view needs.
    pub(super) fn ask(&self, session: &mut Session, memory: &mut Memory) -> Vec<Effect> {
        let Some(row) = memory.row(&self.release).cloned() else { return Vec::new() };
        let history = self.view == View::History;
        let rolled_back =
            memory::record(session, &self.release, row.revision).is_some_and(|record| record.is_rollback());
        let needed = row.history.iter().enumerate().filter(|(index, kept)| {
            kept.revision == row.revision
                || (rolled_back && *index == 1)
                || (history && (*index < history::RECORDS || row.deployed == Some(kept.revision)))
        });
        needed
            .filter_map(|(_, kept)| memory.ask(session, &self.release, kept.revision, &kept.resource_version))
            .collect()
    }

    /// The objects, the logs that are open, and the log with the last words of the root cause.
    pub(super) fn watches(&self, session: &Session, memory: &Memory) -> Vec<Watch> {
        let known = Known::of(session, memory, &self.release);
        let mut logs: Vec<LogRef> = self.logs.watched().cloned().collect();
        logs.extend(known.cause_log().filter(|log| !logs.contains(log)));
        let mut watches: Vec<Watch> = logs.into_iter().map(Watch::Log).collect();
        watches.extend(known.row.and_then(|row| {
            let ids = memory.wanted(&self.release, row.revision)?;
            Some(Watch::Objects { release: self.release.clone(), ids })
        }));
        watches
    }

    /// A command of the release or of its view. `false` when it means to leave.
    pub(super) fn command(&mut self, session: &mut Session, memory: &Memory, command: Command) -> bool {
        let release = self.release.clone();
        match command {
            Command::NextView => self.view = self.view.step(1),
            Command::PreviousView => self.view = self.view.step(View::ALL.len() - 1),
            Command::Filter => self.search_mut().start(),
            Command::Back if !self.search().is_empty() => self.search_mut().clear(),
            Command::Back => return false,
            Command::JumpToCause => self.jump_to_cause(session, memory),
            Command::RollbackHere if self.view != View::History => self.open_history(),
            Command::Reload => {
                self.resources.accept_order();
            }
            _ => {
                let wish = {
                    let known = Known::of(session, memory, &release);
                    self.in_view(&known, command)
                };
                match (wish, command) {
                    // Wherever it is pressed, it is clear what is wanted.
                    (Wish::Unhandled, Command::ShowLogs) => self.grant(session, memory, Wish::PickLog),
                    // A view is one pane, so the next pane is the next view.
                    (Wish::Unhandled, Command::PaneNext) => self.view = self.view.step(1),
                    (Wish::Unhandled, Command::PanePrevious) => {
                        self.view = self.view.step(View::ALL.len() - 1);
                    }
                    (Wish::Unhandled, command) => crate::screens::nothing_to(session, command),
                    (wish, _) => self.grant(session, memory, wish),
                }
            }
        }
        true
    }

    /// A click chooses a view, or puts the cursor on a row. `true` on the row that had it already.
    pub(super) fn click(&mut self, session: &Session, memory: &Memory, at: Position) -> bool {
        if let Some((_, view)) = self.tabs.iter().find(|(area, _)| area.contains(at)) {
            self.view = *view;
            return false;
        }
        let release = self.release.clone();
        let known = Known::of(session, memory, &release);
        let search = self.search().clone();
        match self.view {
            View::Components => self.components.click(&known, at),
            View::Resources => self.resources.click(at),
            View::History => self.history.click(at),
            View::Hooks => self.hooks.click(&known, at),
            View::Jobs => self.jobs.click(&known, at),
            View::Events => self.events.click(&known, &search, at),
            View::Overview | View::Values | View::Manifest | View::Logs | View::Notes => false,
        }
    }

    fn in_view(&mut self, known: &Known, command: Command) -> Wish {
        let search = self.search().clone();
        let wish = |handled: bool| if handled { Wish::Nothing } else { Wish::Unhandled };
        match self.view {
            View::Overview => self.overview.command(command),
            View::Components => self.components.command(known, command),
            View::Resources => self.resources.command(known, command),
            View::History => self.history.command(known, command),
            View::Values => wish(self.values.command(command, &search)),
            View::Manifest => wish(self.manifest.command(command, &search)),
            View::Notes => wish(self.notes.command(command, &search)),
            View::Hooks => self.hooks.command(known, command),
            View::Jobs => self.jobs.command(known, command),
            View::Events => self.events.command(known, &search, command),
            View::Logs => self.logs.command(known.session, &search, command),
        }
    }

    fn grant(&mut self, session: &mut Session, memory: &Memory, wish: Wish) {
        match wish {
            Wish::Nothing | Wish::Unhandled => {}
            Wish::Say(words) => session.say(words),
            Wish::Next => self.view = self.view.step(1),
            Wish::Diff(revision) => {
                session.goto = Some(Goto::Diff { left: Side::Deployed, right: Side::Revision(revision) });
            }
            Wish::Plan(verb, _) if session.given.read_only => {
                session.warn(format!("{verb}: floe-tui was started with --read-only"));
            }
            Wish::Plan(verb, revision) => match session.plan_request(verb, revision) {
                Ok(request) => session.goto = Some(Goto::Plan(Box::new(request))),
                Err(error) => session.fail(&error),
            },
            Wish::Logs(sources) => self.choose_log(session, sources),
            Wish::PickLog => {
                let release = self.release.clone();
                let known = Known::of(session, memory, &release);
                let rows = known.objects.map(|objects| &objects.rows[..]).unwrap_or_default();
                let sources: Vec<Source> =
                    rows.iter().flat_map(|row| resources::sources(&known, row)).collect();
                if sources.is_empty() {
                    session.say("this release has no pods now");
                } else {
                    self.choose_log(session, sources);
                }
            }
            Wish::Job(deed, target) => self.want_job(session, deed, target),
            Wish::Jump(key) => {
                self.view = View::Resources;
                self.sync(session, memory);
                self.resources.select(&key);
            }
        }
    }

    fn want_job(&mut self, session: &Session, deed: Deed, target: Target) {
        let view = applied::environment_of(session, &self.release);
        self.wanted_job = Some(JobRequest {
            deed,
            release: self.release.clone(),
            environment: view.map(|view| view.name.clone()),
            protected: view.is_some_and(|view| session.asks_for_name(view)),
            kind: target.kind,
            namespace: target.namespace,
            name: target.name,
            uid: Some(target.uid).filter(|uid| !uid.is_empty()),
        });
    }

    /// Whether a deed on jobs would do something at the cursor.
    pub(super) fn offers_job(&self, session: &Session, memory: &Memory, command: Command) -> bool {
        self.view == View::Jobs
            && self.jobs.deed(&Known::of(session, memory, &self.release), command).is_some()
    }

    /// The cursor goes to a job as soon as it is seen.
    pub(super) fn expect_job(&mut self, namespace: &str, name: &str) {
        self.jobs.expect(namespace, name);
    }

    fn choose_log(&mut self, session: &mut Session, sources: Vec<Source>) {
        if let [only] = sources.as_slice() {
            self.logs.open(only.log.clone());
            self.view = View::Logs;
            return;
        }
        let shown = self.logs.shown();
        let choices = sources
            .iter()
            .map(|source| {
                let detail = format!("{}  {}", source.log.pod, source.note);
                Choice::new(source.title()).detail(detail).current(shown == Some(&source.log))
            })
            .collect();
        self.picker = sources;
        session.ask(Ask::Choose { title: "Logs of".to_owned(), choices }, Then::Room(ASK_LOG));
    }

    /// The answer to [`ASK_LOG`].
    pub(super) fn picked(&mut self, row: usize) {
        if let Some(source) = self.picker.get(row) {
            self.logs.open(source.log.clone());
            self.view = View::Logs;
        }
    }

    /// First to the object that is to blame; from there to its log.
    fn jump_to_cause(&mut self, session: &mut Session, memory: &Memory) {
        let release = self.release.clone();
        let (key, log) = {
            let known = Known::of(session, memory, &release);
            let Some((cause, objects)) = known.cause.as_ref().zip(known.objects) else {
                session.say("nothing is to blame: no object is degraded or missing");
                return;
            };
            let Some(row) = objects.rows.get(cause.row) else { return };
            let key = match &cause.container {
                Some(container) => resources::container_key(row, container),
                None => resources::key(row),
            };
            (key, known.cause_log())
        };
        let there = self.view == View::Resources && self.resources.cursor.selected() == Some(key.as_str());
        if let Some(log) = log.filter(|_| there) {
            self.logs.open(log);
            self.view = View::Logs;
        } else {
            self.searches.remove(&View::Resources);
            self.grant(session, memory, Wish::Jump(key));
        }
    }
}

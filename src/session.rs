//! What the rooms share: the selection, the documents, what is known of every environment and cluster, the
//! overlays and messages. Plain data with pure transitions; effects ask the world, messages bring its answers.

pub mod command;
pub mod document;
pub mod effect;
pub mod environments;
mod generated;
pub mod keymap;
pub mod message;
pub mod notice;
pub mod overlay;
pub mod selection;
pub mod trace;
pub mod world;
mod worth;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossterm::event::{KeyEvent, MouseEvent};
use jiff::Timestamp;

use crate::base::redact::Redactor;
use crate::base::{Error, Problem};
use crate::helm::{Helm, Loaded as LoadedChart, Source, Verdict};
use crate::operations::{ChartSource, PlanRequest, Verb};
use crate::render::{Request, ValuesSource};
use crate::workspace::{Confirm, ContextInfo, Settings, Target, Workspace, WorkspaceChart};

pub use command::{Command, Place};
pub use document::{Document, Documents};
pub use effect::{
    CompareRequest, Effect, ExplainRequest, LogRef, PreviewRequest, Setting, Side, SideSource, TraceRequest,
    Unsaved, Watch,
};
pub use environments::{EnvironmentView, PreviewState};
pub use generated::{GenerateRequest, GeneratedKey, GeneratedValues};
pub use keymap::Keymap;
pub use message::{Cause, Comparison, Explained, Judged, Loaded, Message, Preview, SaveFailure, Traced};
pub use notice::{Level, Notice, Notices};
pub use overlay::{Answer, Ask, Choice, Then};
pub use selection::{Mapped, ReleaseRef, RoomId, Selection};
pub use world::{ClusterView, Fetched, LogView, World};

/// What a key press, the mouse, a paste or an answered question means.
#[derive(Debug, Clone)]
pub enum Action {
    Command(Command),
    /// A key that is text where the focus is.
    Text(KeyEvent),
    Paste(String),
    /// Coordinates are the screen's.
    Mouse(MouseEvent),
    Answered(Then, Answer),
}

/// An overlay that is open: the question and what its answer is for.
#[derive(Debug, Clone)]
pub struct Overlay {
    pub ask: Ask,
    pub then: Then,
}

/// What the command line gave.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// The folder that floe-tui was opened on, absolute.
    pub root: PathBuf,
    pub kubeconfig: Option<PathBuf>,
    pub helm: Option<PathBuf>,
    /// Verbs that change a cluster are refused.
    pub read_only: bool,
}

/// The shared state.
#[derive(Debug)]
pub struct Session {
    pub given: Given,
    pub settings: Settings,
    pub keymap: Keymap,
    /// The moment of the event that is being handled; nothing below reads a clock.
    pub now: Timestamp,
    pub room: RoomId,
    pub selection: Selection,
    pub workspace: Fetched<Arc<Workspace>>,
    pub helm: Fetched<Arc<Helm>>,
    pub contexts: Fetched<Vec<ContextInfo>>,
    pub documents: Documents,
    /// Of the selected chart, in the mapping's order.
    pub environments: Vec<EnvironmentView>,
    /// What reads the keys of the selected chart, as far as it is known.
    pub traced: Option<Arc<Traced>>,
    /// What a trace was asked for last.
    trace_asked: Option<(PathBuf, u64, usize)>,
    /// What the sources of generated values give, as far as it is known; see [`Session::generated`].
    generated: Option<Arc<GeneratedValues>>,
    /// What it was asked for last.
    generate_asked: Option<(PathBuf, u64, usize)>,
    /// What the environments were computed for.
    computed: Option<(PathBuf, u64)>,
    /// Which state of the texts was asked to be kept in the recovery log; `None` asks again.
    kept: Option<u64>,
    /// Counts what we do to the disk: a look at it from before is out of date.
    disk: u64,
    /// Problems that belong to no environment: mapping, chart, unreadable files.
    pub problems: Vec<Problem>,
    pub world: World,
    pub notices: Notices,
    pub overlays: Vec<Overlay>,
    /// Something to read, with its title, that opens above the room.
    pub reading: Option<(String, Vec<String>)>,
    pub redactor: Arc<Redactor>,
    /// A file that a room wants to be the one that `s`, `u` and Ctrl-E act on.
    pub focused_file: Option<PathBuf>,
    /// The line under the cursor there, counted from 1, for the operator's own editor.
    pub focused_line: Option<usize>,
    /// What `y` offers, set by the room from what is under the cursor: label and text.
    pub copyable: Vec<(String, String)>,
    /// What the preview that the room shows is worth; none where there is no preview.
    pub verdict: Option<Verdict>,
    /// Contexts that no chart maps and that were ticked once to be asked for their releases.
    pub ticked: BTreeSet<String>,
    /// A request of one room to another: where to go and what to show there.
    pub goto: Option<Goto>,
}

/// A jump between rooms. The room that it names takes it when it is shown next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goto {
    /// Values, at a key.
    Value(crate::yaml::KeyPath),
    /// Values, the text editor at a line.
    Line { file: PathBuf, line: usize },
    /// Charts, at a line of a template of the selected chart.
    Template(crate::render::why::TemplateLine),
    /// Diff, with these sides.
    Diff { left: Side, right: Side },
    /// Releases, inside one; with the rollback's history when `history`.
    Release { release: ReleaseRef, history: bool },
    /// Releases, at an object, with its logs when a container is named.
    Object { release: ReleaseRef, object: crate::manifest::ObjectId, container: Option<String> },
    /// Run, with a plan to be worked out.
    Plan(Box<PlanRequest>),
}

impl Session {
    /// The state before anything was read.
    pub fn new(
        given: Given,
        settings: Settings,
        keymap: Keymap,
        redactor: Arc<Redactor>,
        now: Timestamp,
    ) -> Self {
        Self {
            given,
            settings,
            keymap,
            now,
            room: RoomId::Charts,
            selection: Selection::default(),
            workspace: Fetched::Awaited { since: now },
            helm: Fetched::Awaited { since: now },
            contexts: Fetched::Awaited { since: now },
            documents: Documents::default(),
            environments: Vec::new(),
            traced: None,
            trace_asked: None,
            generated: None,
            generate_asked: None,
            computed: None,
            kept: Some(0),
            disk: 0,
            problems: Vec::new(),
            world: World::default(),
            notices: Notices::default(),
            overlays: Vec::new(),
            reading: None,
            redactor,
            focused_file: None,
            focused_line: None,
            copyable: Vec::new(),
            verdict: None,
            ticked: BTreeSet::new(),
            goto: None,
        }
    }

    /// Opens a question.
    pub fn ask(&mut self, ask: Ask, then: Then) {
        self.overlays.push(Overlay { ask, then });
    }

    /// Opens something to read.
    pub fn read(&mut self, title: impl Into<String>, lines: Vec<String>) {
        self.reading = Some((title.into(), lines));
    }

    /// Says something in passing.
    pub fn say(&mut self, text: impl Into<String>) {
        self.notices.say(self.now, text);
    }

    /// Says something that deserves a longer look.
    pub fn warn(&mut self, text: impl Into<String>) {
        self.notices.warn(self.now, text);
    }

    /// Shows a failure until it is dismissed.
    pub fn fail(&mut self, error: &Error) {
        self.notices.fail(self.now, error);
    }

    /// The selected chart.
    pub fn chart(&self) -> Option<&WorkspaceChart> {
        let mapped = self.selection.mapped.as_ref()?;
        self.workspace.ready()?.charts.iter().find(|chart| chart.dir == mapped.chart)
    }

    /// Whether a file holds values: it was read as such, or a chart would read them from it if it were there.
    pub fn is_values_file(&self, file: &Path) -> bool {
        let named = |chart: &WorkspaceChart| {
            let files = chart.environments.iter().flat_map(|environment| &environment.values_files);
            chart.dir.join("values.yaml") == file || files.into_iter().any(|own| own == file)
        };
        self.documents.get(file).is_some()
            || self.workspace.ready().is_some_and(|workspace| workspace.charts.iter().any(named))
    }

    /// The selected environment with everything known of it.
    pub fn environment(&self) -> Option<&EnvironmentView> {
        let mapped = self.selection.mapped.as_ref()?;
        self.environments.iter().find(|view| view.name == mapped.environment)
    }

    /// The selected mapped target, resolved as far as it can be.
    pub fn target(&self) -> Option<&Target> {
        self.environment().and_then(|view| view.target.as_ref().ok())
    }

    /// The release that a key would act on: the foreign one, else the mapped target's.
    pub fn release(&self) -> Option<ReleaseRef> {
        self.selection.foreign.clone().or_else(|| self.target().and_then(release_of))
    }

    /// Moves the selection to an environment of the selected chart.
    pub fn select_environment(&mut self, environment: &str) {
        self.selection.foreign = None;
        if let Some(mapped) = &mut self.selection.mapped {
            environment.clone_into(&mut mapped.environment);
        }
    }

    /// Moves the selection to a chart; the environment stays if that chart has it.
    pub fn select_chart(&mut self, chart: &Path) {
        let Some(found) = self.workspace.ready().and_then(|w| w.charts.iter().find(|c| c.dir == chart))
        else {
            return;
        };
        let names: Vec<&str> = found.environments.iter().map(|e| e.name.as_str()).collect();
        let keep = self.selection.mapped.as_ref().map(|m| m.environment.clone());
        let environment = keep
            .filter(|name| names.contains(&name.as_str()))
            .or_else(|| names.first().map(|name| (*name).to_owned()))
            .unwrap_or_default();
        self.selection.foreign = None;
        self.selection.mapped = Some(Mapped { chart: chart.to_owned(), environment });
    }

    /// A verb on what is selected: on the selected release, with the chart where it is a mapped one.
    ///
    /// # Errors
    /// Nothing is selected, its cluster has no context here, or the verb needs a chart and there is none.
    pub fn plan_request(&self, verb: Verb, revision: Option<u32>) -> Result<PlanRequest, Error> {
        if let Some(release) = &self.selection.foreign {
            if verb.needs_chart() {
                return Err(Error::new(format!("{} needs a chart of this workspace", verb.word()))
                    .at(release.to_string())
                    .next("roll back, test and uninstall work without one"));
            }
            let mut request = PlanRequest::new(verb, release.clone());
            request.revision = revision;
            request.options.timeout = self.settings.timeout;
            return Ok(request);
        }
        let nothing = || Error::new("no environment is selected").next("choose one with e");
        let view = self.environment().ok_or_else(nothing)?;
        let target = view.target.as_ref().map_err(Clone::clone)?;
        let context = target.context()?;
        let release = ReleaseRef {
            context: context.to_owned(),
            namespace: target.namespace.clone(),
            release: target.release.clone(),
        };
        let mut request = PlanRequest::new(verb, release);
        request.environment = Some(view.name.clone());
        request.protected = self.asks_for_name(view);
        request.revision = revision;
        request.options.timeout = self.settings.timeout;
        // A first install is done when its tests have passed.
        request.options.test_after = verb == Verb::Install;
        if verb.needs_chart() {
            let loaded = self.chart().ok_or_else(nothing)?;
            let metadata = &loaded.chart.metadata;
            request.chart = Some(ChartSource {
                dir: loaded.chart.dir.clone(),
                values: view.files.clone(),
                unreadable: loaded
                    .environment(&view.name)
                    .map(|environment| environment.unreadable.clone())
                    .unwrap_or_default(),
                label: format!("{}-{}", metadata.name, metadata.version),
            });
            let own =
                |path: &Path| path.starts_with(&loaded.chart.dir) || view.files.iter().any(|f| f == path);
            request.unsaved = self
                .documents
                .dirty()
                .map(|document| document.path.clone())
                .filter(|path| own(path))
                .collect();
            request.unsaved_problems = self.unsaved_problems(&loaded.dir, &view.name);
        }
        Ok(request)
    }

    /// Whether a deed on an environment wants its name typed: it is protected, or the operator wants that everywhere.
    pub fn asks_for_name(&self, view: &EnvironmentView) -> bool {
        view.protected || self.settings.confirm == Confirm::Always
    }

    /// Takes what a cluster answered about itself.
    pub fn take_cluster(
        &mut self,
        cluster: &str,
        context: &str,
        result: &Result<(crate::cluster::Identity, crate::cluster::Pinned), Error>,
    ) {
        let now = self.now;
        let view = self.world.clusters.entry(cluster.to_owned()).or_insert_with(|| ClusterView {
            context: context.to_owned(),
            answer: Fetched::Awaited { since: now },
        });
        context.clone_into(&mut view.context);
        view.answer.take(now, result.clone());
    }

    /// Asks for the recovery log to follow the texts.
    pub fn keep_unsaved(&mut self) -> Option<Effect> {
        let generation = self.documents.generation();
        if self.kept == Some(generation) || self.workspace.ready().is_none() {
            return None;
        }
        self.kept = Some(generation);
        let unsaved = |document: &Document| Unsaved {
            path: document.path.clone(),
            base: document.disk.map(|hash| hash.hex()).unwrap_or_default(),
            saved: document.saved.clone(),
            text: document.text.to_string(),
            left_out: Vec::new(),
        };
        Some(Effect::KeepUnsaved(self.documents.dirty().map(unsaved).collect()))
    }

    /// Asks for the recovery log to be written again though no text changed.
    pub fn keep_again(&mut self) {
        self.kept = None;
    }

    /// Reads the disk. An answer from before a save began or ended is dropped and asked for anew: it would undo that
    /// save in memory, or call our own bytes somebody else's.
    pub fn reload(&self) -> Effect {
        let there = self.documents.iter().filter(|document| document.disk.is_some());
        Effect::LoadWorkspace { generation: self.disk, known: there.map(|one| one.path.clone()).collect() }
    }

    /// Notes that we begin or have ended to write.
    pub fn disk_moves(&mut self) {
        self.disk += 1;
    }

    /// Whether an answer about the disk is older than what we did to it.
    pub fn is_stale(&self, generation: u64) -> bool {
        generation != self.disk
    }

    /// What a text is: the edited one if the session holds it. A file that is neither there nor written has none.
    pub fn text(&self, path: &Path) -> Option<Arc<str>> {
        let document = self.documents.get(path)?;
        let exists = document.disk.is_some() || document.is_dirty() || !document.text.is_empty();
        exists.then(|| document.text.clone())
    }

    /// As [`Session::render_request`], with what is in memory: the chart and the texts on disk.
    pub fn render_source(&self, view: &EnvironmentView, edited: bool) -> Option<Source> {
        let request = self.render_request(view, edited)?;
        let texts = view.files.iter().filter_map(|file| {
            let document = self.documents.get(file).filter(|document| document.disk.is_some())?;
            Some((file.clone(), document.saved.clone()))
        });
        let chart = LoadedChart(self.chart()?.chart.clone());
        Some(Source { chart: Some(chart), texts: texts.collect(), ..Source::of(request) })
    }

    /// How a mapped target is rendered, from the edited texts or from the files on disk.
    pub fn render_request(&self, view: &EnvironmentView, edited: bool) -> Option<Request> {
        let chart = self.chart()?;
        let (release, namespace) = match &view.target {
            Ok(target) => (target.release.clone(), target.namespace.clone()),
            Err(_) => (chart.name.clone(), "default".to_owned()),
        };
        let mut request = Request::new(chart.dir.clone(), release, namespace);
        for file in &view.files {
            let document = self.documents.get(file);
            request.values.push(match document {
                Some(document)
                    if crate::values::is_encrypted(if edited { &document.text } else { &document.saved }) =>
                {
                    continue;
                }
                Some(document) if edited && document.is_dirty() => {
                    ValuesSource::Inline { name: file.clone(), text: document.text.clone() }
                }
                Some(document) if document.disk.is_none() => continue,
                _ => ValuesSource::File(file.clone()),
            });
        }
        if edited {
            request.overlay = self
                .documents
                .dirty()
                // Values files of environments reach helm by `-f` or not at all.
                .filter(|document| {
                    !chart.environments.iter().any(|e| e.values_files.contains(&document.path))
                })
                .filter_map(|document| {
                    let inside = document.path.strip_prefix(&chart.dir).ok()?;
                    Some((inside.to_owned(), document.text.clone()))
                })
                .collect();
        }
        Some(request)
    }
}

/// The release of a target whose context is known.
pub fn release_of(target: &Target) -> Option<ReleaseRef> {
    Some(ReleaseRef {
        context: target.context.clone()?,
        namespace: target.namespace.clone(),
        release: target.release.clone(),
    })
}

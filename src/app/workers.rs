//! Everything that waits: files, helm, clusters, supervisors. Each effect becomes a task whose answer is a
//! message; the rooms never see a task. One slot a job, latest wins.

mod clusters;
pub(super) mod files;
mod operations;
mod recovery;
mod rendering;
mod slot;
pub(super) mod ticked;
mod watches;

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::base::Result;
use crate::base::folders::Folders;
use crate::base::redact::Redactor;
use crate::helm::renderer::CliRenderer;
use crate::helm::{Helm, Previewer};
use crate::operations::Store;
use crate::session::{Effect, Given, Mapped, Message, ReleaseRef, Watch};

use clusters::Connections;
use slot::Slots;
use watches::Watches;

/// What reads which key is worked out when nothing was typed for so long.
const TRACE_PAUSE: Duration = Duration::from_millis(400);

/// Unsaved edits are written down at most so much later.
const RECOVERY_PAUSE: Duration = Duration::from_millis(400);

/// How long the end of the program waits for what must not be lost.
const LAST_WORK: Duration = Duration::from_secs(2);

/// What a slot is for; a newer wish for the same one replaces the older.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Slot {
    Workspace,
    Helm,
    Contexts,
    Save(PathBuf),
    Preview(Mapped),
    Compare(String),
    Template,
    Trace,
    /// Whether it is taken over.
    Generate(bool),
    Explain,
    Dependencies(PathBuf),
    Cluster(String),
    Record(ReleaseRef, Option<u32>),
    Plan,
    PlanJob,
    Recovery,
    /// Never replaced: each launch, interrupt and setting has a number of its own.
    Once(u64),
    Watch(Watch),
}

/// What tasks share: cheap to clone.
#[derive(Clone)]
struct Shared {
    given: Arc<Given>,
    folders: Arc<Folders>,
    /// Learns what the workspace's schemas and values say is secret.
    redactor: Arc<Mutex<Arc<Redactor>>>,
    connections: Connections,
    store: Arc<Store>,
    /// What renders; with helm once that was found.
    previewer: Arc<Mutex<Previewer>>,
    config_file: Arc<PathBuf>,
    /// Files outside of the workspace's charts that it depends on: what values are generated from.
    sources: Arc<Mutex<Vec<PathBuf>>>,
    answers: mpsc::Sender<Message>,
}

impl Shared {
    async fn answer(&self, message: Message) {
        // A closed channel means that the program ends.
        let _ = self.answers.send(message).await;
    }

    fn redactor(&self) -> Arc<Redactor> {
        self.redactor.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn previewer(&self) -> Previewer {
        self.previewer.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn helm(&self) -> Result<(Arc<Helm>, Arc<CliRenderer>)> {
        self.previewer().helm()
    }
}

/// The side of the program that waits.
pub(super) struct Workers {
    shared: Shared,
    slots: Slots<Slot>,
    watches: Watches,
    once: u64,
    /// Logs of earlier runs whose edits were taken back.
    taken: Vec<PathBuf>,
}

impl Workers {
    /// Nothing runs until the first effect.
    pub(super) fn new(
        given: Given,
        folders: Folders,
        redactor: Arc<Redactor>,
        config_file: PathBuf,
        answers: mpsc::Sender<Message>,
    ) -> Self {
        let store = Arc::new(Store::new(&folders));
        let connections = Connections::new(given.kubeconfig.clone());
        let shared = Shared {
            given: Arc::new(given),
            folders: Arc::new(folders),
            redactor: Arc::new(Mutex::new(redactor)),
            connections,
            store,
            previewer: Arc::default(),
            config_file: Arc::new(config_file),
            sources: Arc::default(),
            answers,
        };
        Self { shared, slots: Slots::default(), watches: Watches::default(), once: 0, taken: Vec::new() }
    }

    /// Starts what an effect asks for.
    pub(super) fn dispatch(&mut self, effect: Effect) {
        let shared = self.shared.clone();
        let now = Duration::ZERO;
        match effect {
            Effect::LoadWorkspace { generation, known } => {
                self.slots.start(Slot::Workspace, now, files::load(shared, generation, known));
            }
            Effect::FindHelm => self.slots.start(Slot::Helm, now, rendering::find_helm(shared)),
            Effect::LoadContexts => self.slots.start(Slot::Contexts, now, clusters::load_contexts(shared)),
            Effect::Save { path, text, expect } => {
                self.slots.start(Slot::Save(path.clone()), now, files::save(shared, path, text, expect));
            }
            Effect::Preview(request) => {
                let slot = Slot::Preview(request.target.clone());
                self.slots.start(slot, now, rendering::preview(shared, *request));
            }
            Effect::Compare(request) => {
                let slot = Slot::Compare(request.environment.clone());
                self.slots.start(slot, now, rendering::compare(shared, *request));
            }
            Effect::RenderTemplate { generation, source, template } => {
                let work = rendering::template(shared, generation, *source, template);
                self.slots.start(Slot::Template, now, work);
            }
            Effect::Trace(request) => {
                self.slots.start(Slot::Trace, TRACE_PAUSE, rendering::trace(shared, *request));
            }
            Effect::Generate(request) => {
                let pause = if request.apply { now } else { TRACE_PAUSE };
                self.slots.start(Slot::Generate(request.apply), pause, files::generate(shared, *request));
            }
            Effect::Explain(request) => {
                self.slots.start(Slot::Explain, now, rendering::explain(shared, *request));
            }
            Effect::BuildDependencies { chart } => {
                let slot = Slot::Dependencies(chart.clone());
                self.slots.start(slot, now, rendering::build_dependencies(shared, chart));
            }
            Effect::CheckCluster { cluster, context, namespace } => {
                let slot = Slot::Cluster(cluster.clone());
                self.slots.start(slot, now, clusters::check(shared, cluster, context, namespace, false));
            }
            Effect::PinCluster { cluster, context, namespace } => {
                let slot = Slot::Cluster(cluster.clone());
                self.slots.start(slot, now, clusters::check(shared, cluster, context, namespace, true));
            }
            Effect::FetchRecord { release, revision } => {
                let slot = Slot::Record(release.clone(), revision);
                self.slots.start(slot, now, clusters::fetch_record(shared, release, revision));
            }
            Effect::Plan { generation, request } => {
                self.slots.start(Slot::Plan, now, operations::plan(shared, generation, *request));
            }
            Effect::Launch(plan) => self.once(operations::launch(shared, *plan)),
            Effect::PlanJob { generation, request } => {
                self.slots.start(Slot::PlanJob, now, operations::plan_job(shared, generation, *request));
            }
            Effect::DoJob(plan) => self.once(operations::do_job(shared, plan)),
            Effect::Interrupt(id) => self.once(operations::interrupt(shared, id, false)),
            Effect::Kill(id) => self.once(operations::interrupt(shared, id, true)),
            Effect::LoadOperations => self.once(operations::load(shared)),
            Effect::MarkSeen(id) => self.once(operations::mark_seen(shared, id)),
            Effect::KeepUnsaved(edits) => {
                let taken = self.taken.clone();
                self.slots.start(Slot::Recovery, RECOVERY_PAUSE, recovery::keep(shared, edits, taken));
            }
            Effect::LoadUnsaved => self.once(recovery::load(shared)),
            // The next log that is written holds what it holds.
            Effect::UnsavedAnswered { aside, taken: true } => self.taken.push(aside),
            Effect::UnsavedAnswered { aside, taken: false } => self.once(recovery::declined(shared, aside)),
            Effect::Remember(setting) => self.once(files::remember(shared, setting)),
            // The loop's own.
            Effect::Copy { .. }
            | Effect::OpenEditor { .. }
            | Effect::Login { .. }
            | Effect::CaptureMouse(_)
            | Effect::Suspend
            | Effect::Redraw
            | Effect::Quit => {}
        }
    }

    fn once(&mut self, work: impl Future<Output = ()> + Send + 'static) {
        self.once += 1;
        self.slots.start(Slot::Once(self.once), Duration::ZERO, work);
    }

    /// Starts and ends watches until they are those that are wanted; says which tasks died by a fault of ours.
    pub(super) fn reconcile(&mut self, wanted: &[Watch]) -> Vec<String> {
        for (watch, token) in self.watches.reconcile(wanted, Instant::now()) {
            let shared = self.shared.clone();
            let slot = Slot::Watch(watch.clone());
            let work = async move {
                match watch {
                    Watch::Releases { context, namespaces } => {
                        clusters::watch_releases(shared, context, namespaces, token).await;
                    }
                    Watch::Objects { release, ids } => {
                        clusters::watch_objects(shared, release, ids, token).await;
                    }
                    Watch::Log(log) => clusters::watch_log(shared, log, token).await,
                    Watch::Journal(id) => operations::watch(shared, id, token).await,
                    Watch::Files => files::watch(shared, token).await,
                }
            };
            self.slots.start(slot, Duration::ZERO, work);
        }
        self.slots.reap()
    }

    /// Whether [`Workers::reconcile`] has to be called again soon though nothing happened.
    pub(super) fn lingers(&self) -> bool {
        self.watches.lingers()
    }

    /// Waits for what must not be lost when the program ends: the recovery log, settings, a launch.
    pub(super) async fn finish(&mut self) {
        let keeps = |slot: &Slot| matches!(slot, Slot::Recovery | Slot::Save(_) | Slot::Once(_));
        let _ = tokio::time::timeout(LAST_WORK, self.slots.finish(keeps)).await;
    }

    /// After a login or a new kubeconfig: connect anew.
    pub(super) fn forget_connection(&mut self, context: &str) {
        self.shared.connections.forget();
        self.watches.restart(|watch| match watch {
            Watch::Releases { context: of, .. } => of == context,
            Watch::Objects { release, .. } => release.context == context,
            Watch::Log(log) => log.context == context,
            Watch::Journal(_) | Watch::Files => false,
        });
    }
}

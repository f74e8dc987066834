//! What a state change asks of the world. Plain data: a test says "this key in this state asks for that".
//! Every effect is answered by a [`super::Message`]; nothing here runs anything.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::base::hash::Hash;
use crate::cluster::objects::Wanted;
use crate::helm::Source;
use crate::manifest::ObjectId;
use crate::operations::{JobPlan, JobRequest, OperationId, Plan, PlanRequest};
use crate::schema::ChartSchema;
use crate::yaml::KeyPath;

use super::generated::GenerateRequest;
use super::selection::{Mapped, ReleaseRef};

/// A wish. Where a slot is named, a newer wish for the same slot replaces the one that still waits or runs.
#[derive(Debug, Clone)]
pub enum Effect {
    /// Read the workspace and its files from disk, see [`super::Session::reload`]; `known` are files that were there
    /// before.
    LoadWorkspace { generation: u64, known: Vec<PathBuf> },
    /// Find the helm program and ask its version.
    FindHelm,
    /// Read the kubeconfig.
    LoadContexts,
    /// Write one file; `expect` is what the disk must hold.
    Save { path: PathBuf, text: Arc<str>, expect: Option<Hash> },
    /// Render the saved and the edited text, and diff them; then ask helm whether it is so. Slot: the target.
    Preview(Box<PreviewRequest>),
    /// Two sides for the Diff room. Slot: the environment.
    Compare(Box<CompareRequest>),
    /// One template for the Charts room. Slot: one.
    RenderTemplate { generation: u64, source: Box<Source>, template: PathBuf },
    /// Say what reads the keys of a chart, in all its environments. Slot: one.
    Trace(Box<TraceRequest>),
    /// Make the values of a chart that come from compiled artifacts. Slot: one to be looked at, one to be taken over.
    Generate(Box<GenerateRequest>),
    /// Say where fields of an object come from. Slot: one.
    Explain(Box<ExplainRequest>),
    /// Run `helm dependency build`. Slot: the chart.
    BuildDependencies { chart: PathBuf },
    /// Ask a cluster who it is and compare with the pin.
    CheckCluster { cluster: String, context: String, namespace: Option<String> },
    /// Accept the cluster that answers now as the one that is meant.
    PinCluster { cluster: String, context: String, namespace: Option<String> },
    /// One revision's record; the highest without a number. Slot: release and revision.
    FetchRecord { release: ReleaseRef, revision: Option<u32> },
    /// Work out a plan. Slot: one.
    Plan { generation: u64, request: Box<PlanRequest> },
    /// Start the supervisor for a confirmed plan.
    Launch(Box<Plan>),
    /// Work out what a deed on a job would do. Slot: one.
    PlanJob { generation: u64, request: Box<JobRequest> },
    /// Do a confirmed deed on a job.
    DoJob(Arc<JobPlan>),
    /// Ask helm to stop, as Ctrl-C would.
    Interrupt(OperationId),
    /// End helm at once; only after an interrupt went unanswered.
    Kill(OperationId),
    /// Read all journals: what runs, what happened meanwhile.
    LoadOperations,
    /// The result was seen.
    MarkSeen(OperationId),
    /// Put text into the clipboard.
    Copy { what: String, text: String },
    /// Hand a file to the operator's editor.
    OpenEditor { path: PathBuf, line: Option<usize> },
    /// Run the credential program of a context in the foreground.
    Login { context: String },
    /// Take the mouse or give it back.
    CaptureMouse(bool),
    /// Write the unsaved edits to the recovery log; none removes it.
    KeepUnsaved(Vec<Unsaved>),
    /// Read what an earlier run left in the recovery log, and set it aside until it is answered for.
    LoadUnsaved,
    /// What was set aside in this file was taken back, so it goes when the log holds it again; or it is to be kept.
    UnsavedAnswered { aside: PathBuf, taken: bool },
    /// Write a setting of the user.
    Remember(Setting),
    /// Stop the process as Ctrl-Z does in a shell.
    Suspend,
    /// Draw everything anew.
    Redraw,
    /// Leave.
    Quit,
}

/// Edits of one file that are not saved.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Unsaved {
    /// Absolute.
    pub path: PathBuf,
    /// What the disk held, as hex; empty for a file that did not exist.
    pub base: String,
    /// The text on disk that the edits were made on; not written down.
    #[serde(skip)]
    pub saved: Arc<str>,
    /// The edited text; in the log without what is secret.
    pub text: String,
    /// Keys whose edits were left out of the log.
    #[serde(default)]
    pub left_out: Vec<String>,
}

/// A setting that is kept for the next start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    Theme(String),
    /// Which context a cluster's name means to this operator.
    Context {
        cluster: String,
        context: String,
    },
    /// Contexts that are asked for releases though no chart maps them; all of them. Kept with the state.
    Ticked(BTreeSet<String>),
}

/// What an edit would do to one target.
#[derive(Debug, Clone)]
pub struct PreviewRequest {
    pub target: Mapped,
    /// [`super::Documents::generation`] that it is computed for.
    pub generation: u64,
    /// From the files on disk.
    pub saved: Source,
    /// From the edited texts; `None` when nothing that this target reads is edited.
    pub edited: Option<Source>,
    /// It is the one that is looked at: helm judges it before the others.
    pub first: bool,
}

/// What the environments of a chart read.
#[derive(Debug, Clone)]
pub struct TraceRequest {
    /// Its folder.
    pub chart: PathBuf,
    pub schema: Arc<ChartSchema>,
    /// [`super::Documents::generation`] that it is asked for.
    pub generation: u64,
    /// Environment and its rendering, of the edited texts.
    pub environments: Vec<(String, Source)>,
}

/// Fields of one object of a rendering.
#[derive(Debug, Clone)]
pub struct ExplainRequest {
    pub generation: u64,
    /// The side that has the fields.
    pub source: Source,
    /// The side that it is compared with, where that is rendered too: keys that differ there are named first.
    pub other: Option<Source>,
    pub object: ObjectId,
    /// Each with the text of its line.
    pub fields: Vec<(KeyPath, String)>,
}

/// A side of a comparison as the user names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Side {
    /// What the files on disk render to.
    Saved,
    /// What the edited texts render to.
    Edited,
    /// The manifest of the deployed revision.
    Deployed,
    /// What runs.
    Live,
    /// The edited texts of another environment.
    Environment(String),
    /// A revision of the selected release.
    Revision(u32),
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Saved => f.write_str("saved"),
            Self::Edited => f.write_str("edited"),
            Self::Deployed => f.write_str("deployed"),
            Self::Live => f.write_str("live"),
            Self::Environment(name) => f.write_str(name),
            Self::Revision(revision) => write!(f, "revision {revision}"),
        }
    }
}

/// A side with everything that is needed to get its objects.
#[derive(Debug, Clone)]
pub enum SideSource {
    Render(Box<Source>),
    /// A stored revision; the deployed one without a number.
    Revision {
        release: ReleaseRef,
        revision: Option<u32>,
    },
    /// The live counterparts of the other side's objects.
    Live {
        release: ReleaseRef,
    },
}

/// Two sides of one target.
#[derive(Debug, Clone)]
pub struct CompareRequest {
    pub generation: u64,
    pub environment: String,
    pub left: (Side, SideSource),
    pub right: (Side, SideSource),
    /// Whether chart labels and checksums are hidden.
    pub hide_noise: bool,
}

/// What the loop keeps watching while the state wants it. Derived from the model after every update, never
/// started by a room.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Watch {
    /// The releases of a context: of the cluster, or of these namespaces where the cluster-wide list is refused.
    Releases { context: String, namespaces: Vec<String> },
    /// The objects of a release with everything they own. The ids come from the record or the plan.
    Objects { release: ReleaseRef, ids: Arc<[Wanted]> },
    /// The journal of an operation.
    Journal(OperationId),
    /// The log of a container.
    Log(LogRef),
    /// The workspace's files on disk.
    Files,
}

/// A container's log.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LogRef {
    pub context: String,
    pub namespace: String,
    pub pod: String,
    pub container: String,
    /// The container's previous life.
    pub previous: bool,
}

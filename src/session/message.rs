//! What the workers answer. Each answer names what it is for, so that one that comes too late is dropped.

use std::path::PathBuf;
use std::sync::Arc;

use crate::base::hash::Hash;
use crate::base::redact::Redactor;
use crate::base::{Error, Problem};
use crate::cluster::objects::ObjectsSnapshot;
use crate::cluster::releases::ReleasesSnapshot;
use crate::cluster::{Identity, Pinned};
use crate::helm::record::Record;
use crate::helm::{Helm, Verdict};
use crate::manifest::ChangeSet;
use crate::operations::{JobDone, JobPlan, OperationId, OperationView, Plan};
use crate::render::Output;
use crate::render::unread::UnreadKey;
use crate::render::why::{Role, TemplateLine};
use crate::values::Origin;
use crate::workspace::{ContextInfo, Workspace};
use crate::yaml::KeyPath;

use super::effect::{LogRef, Side, Unsaved};
use super::generated::GeneratedValues;
use super::selection::{Mapped, ReleaseRef};

/// An answer from the world.
#[derive(Debug)]
pub enum Message {
    /// The workspace with the text of every values file (absolute path, text, hash).
    /// `generation` as it was asked for.
    Workspace {
        generation: u64,
        result: Result<Loaded, Error>,
    },
    Helm(Result<Arc<Helm>, Error>),
    Contexts(Result<Vec<ContextInfo>, Error>),
    Saved {
        path: PathBuf,
        text: Arc<str>,
        result: Result<Hash, SaveFailure>,
    },
    Preview {
        target: Mapped,
        generation: u64,
        result: Result<Arc<Preview>, Error>,
        verdict: Verdict,
    },
    Compared {
        generation: u64,
        result: Result<Arc<Comparison>, Error>,
        verdict: Verdict,
    },
    Explained {
        generation: u64,
        result: Result<Arc<Explained>, Error>,
    },
    Template {
        generation: u64,
        template: PathBuf,
        result: Result<Arc<str>, Error>,
        verdict: Verdict,
    },
    /// What something that was answered before is worth; it stays as it is. When helm gives something else, that is
    /// answered anew instead.
    Verdict {
        of: Judged,
        generation: u64,
        verdict: Verdict,
    },
    Traced(Arc<Traced>),
    /// What a chart's sources give; `apply` as it was asked.
    Generated {
        values: Arc<GeneratedValues>,
        apply: bool,
    },
    DependenciesBuilt {
        chart: PathBuf,
        result: Result<String, Error>,
    },
    Cluster {
        cluster: String,
        context: String,
        result: Result<(Identity, Pinned), Error>,
    },
    Releases {
        context: String,
        snapshot: Arc<ReleasesSnapshot>,
    },
    Objects {
        release: ReleaseRef,
        snapshot: Arc<ObjectsSnapshot>,
    },
    Record {
        release: ReleaseRef,
        revision: Option<u32>,
        result: Result<Arc<Record>, Error>,
    },
    Planned {
        generation: u64,
        result: Result<Arc<Plan>, Error>,
    },
    Launched(Result<OperationId, Error>),
    JobPlanned {
        generation: u64,
        result: Result<Arc<JobPlan>, Error>,
    },
    JobDone(Result<JobDone, Error>),
    Operations(Vec<Arc<OperationView>>),
    Operation(Arc<OperationView>),
    /// A log is read from its tail on; what was known of it is replaced.
    LogStarted {
        log: LogRef,
    },
    /// New lines of a log; `dropped` counts those that came faster than they could be taken.
    LogLines {
        log: LogRef,
        lines: Vec<String>,
        dropped: usize,
    },
    LogEnded {
        log: LogRef,
        error: Option<Error>,
    },
    /// Files of the workspace changed on disk.
    FilesChanged,
    /// What an earlier run left unsaved, and the file that it waits in.
    Unsaved {
        aside: PathBuf,
        edits: Vec<Unsaved>,
    },
    /// Something to say in passing: what was copied and where to.
    Said(String),
    /// An effect without an answer of its own failed.
    Failed(Error),
}

/// What helm was asked about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Judged {
    Preview(Mapped),
    Comparison,
    Template,
}

/// What the disk holds.
#[derive(Debug)]
pub struct Loaded {
    pub workspace: Arc<Workspace>,
    /// Knows what schemas and values say is secret.
    pub redactor: Arc<Redactor>,
    /// Absolute path, text, hash.
    pub texts: Vec<(PathBuf, Arc<str>, Hash)>,
    /// Known files that are not there any more.
    pub gone: Vec<PathBuf>,
    /// What could not be read.
    pub problems: Vec<Problem>,
}

/// Why a file was not written. The text is still in its document.
#[derive(Debug)]
pub enum SaveFailure {
    /// The disk holds something else than was read: its text and hash.
    ChangedOnDisk {
        text: Arc<str>,
        hash: Option<Hash>,
    },
    Failed(Error),
}

/// What the edited texts of one target would change.
#[derive(Debug)]
pub struct Preview {
    /// The edited text against the saved one.
    pub changes: ChangeSet,
    /// The same without chart labels and checksums.
    pub quiet: ChangeSet,
    /// What helm warned about, and what makes this preview incomplete.
    pub warnings: Vec<String>,
}

/// What reads the keys of a chart, and which nothing reads.
#[derive(Debug)]
pub struct Traced {
    /// The chart's folder.
    pub chart: PathBuf,
    pub generation: u64,
    /// Of each environment that renders.
    pub outputs: Vec<(String, Output)>,
    /// Empty when an environment does not render: what it reads is not known.
    pub unread: Vec<UnreadKey>,
}

/// Where fields of an object come from.
#[derive(Debug, Default)]
pub struct Explained {
    /// Each once: those that differ between the sides first, then those that feed a field, then those that decide whether
    /// it is there.
    pub keys: Vec<Cause>,
    /// Of each template that writes them the first such line.
    pub templates: Vec<TemplateLine>,
    /// Something random, or the time, is in them.
    pub unstable: bool,
}

/// A key that has a part in a field.
#[derive(Debug)]
pub struct Cause {
    /// In the merged values of the rendered chart.
    pub path: KeyPath,
    pub role: Role,
    /// Its value, without what is secret; `not set` when there is none.
    pub value: String,
    /// The same of the other side, where that is another one.
    pub other: Option<String>,
    /// The layer that sets it.
    pub origin: Option<Origin>,
}

/// Two sides and what differs.
#[derive(Debug)]
pub struct Comparison {
    pub left: Side,
    pub right: Side,
    pub changes: ChangeSet,
    pub warnings: Vec<String>,
}

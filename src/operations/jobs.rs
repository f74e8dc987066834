//! What is done to the jobs of a release without helm: suspend and resume a schedule, run it now, try a failed job
//! again. Planned and confirmed like every operation. It is one request to the API server, which does all of it or
//! nothing, so neither a supervisor nor a journal stands behind it.

mod make;
mod plan;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::plan::{Check, CheckLevel};
use super::request::{name_words, target_words};
use crate::base::folders::Folders;
use crate::base::redact::Redactor;
use crate::base::{Error, Hash};
use crate::cluster::write::Write;
use crate::cluster::{Identity, Kubeconfig};
use crate::helm::ReleaseRef;

/// What can be done to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Deed {
    /// A schedule starts nothing any more.
    Suspend,
    /// It starts runs again.
    Resume,
    /// A run of a schedule, now.
    Run,
    /// Another try of a job that failed.
    Retry,
}

impl Deed {
    /// One word, as on the command line: `suspend`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Run => "run",
            Self::Retry => "retry",
        }
    }

    /// For a heading: `Suspend`, `Run now`.
    pub fn title(self) -> &'static str {
        match self {
            Self::Suspend => "Suspend",
            Self::Resume => "Resume",
            Self::Run => "Run now",
            Self::Retry => "Retry",
        }
    }

    /// Whether it makes a job; the others change a schedule.
    pub fn makes_a_job(self) -> bool {
        matches!(self, Self::Run | Self::Retry)
    }

    /// What is needed to do it: verb and resource of the group `batch`.
    fn right(self) -> (&'static str, &'static str) {
        if self.makes_a_job() { ("create", "jobs") } else { ("patch", "cronjobs") }
    }
}

/// One deed on one job of a release. Plain data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobRequest {
    pub deed: Deed,
    pub release: ReleaseRef,
    /// The logical environment; `None` for a release that no chart of the workspace maps.
    pub environment: Option<String>,
    /// The name that has to be typed is asked for.
    pub protected: bool,
    /// `CronJob`, or for a retry also `Job`.
    pub kind: String,
    pub namespace: String,
    pub name: String,
    /// Of the object that was looked at; another one of that name is refused.
    pub uid: Option<String>,
}

impl JobRequest {
    /// `CronJob floe-nightly`.
    pub fn subject(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }
}

/// A deed before it is done: the one request that would be sent, and every reason not to send it.
#[derive(Debug, Clone)]
pub struct JobPlan {
    pub request: JobRequest,
    /// `None` when it is refused before it could be made, or there is nothing to do.
    pub write: Option<Write>,
    /// The job that it makes.
    pub makes: Option<String>,
    /// What it does, in words.
    pub does: String,
    /// The manifest or the patch as YAML, secrets masked.
    pub shown: String,
    /// It is so already.
    pub nothing_to_do: bool,
    /// Worst first.
    pub checks: Vec<Check>,
    /// `None` when the cluster could not be asked.
    pub identity: Option<Identity>,
    /// What it was made from, and must still be there unchanged.
    seen: Vec<Seen>,
    pub made: Timestamp,
}

/// An object as the plan saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    kind: String,
    name: String,
    uid: String,
    /// Of what was decided by: its spec, labels, annotations and owners. The status of a schedule moves by itself.
    hash: Hash,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct JobDone {
    pub deed: Deed,
    pub kind: String,
    pub namespace: String,
    pub name: String,
    pub uid: String,
    /// One sentence.
    #[serde(skip)]
    pub words: String,
}

impl JobPlan {
    /// One of which nothing is known yet.
    pub fn new(request: JobRequest, made: Timestamp) -> Self {
        Self {
            request,
            write: None,
            makes: None,
            does: String::new(),
            shown: String::new(),
            nothing_to_do: false,
            checks: Vec::new(),
            identity: None,
            seen: Vec::new(),
            made,
        }
    }

    /// The checks that refuse it.
    pub fn blockers(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.level == CheckLevel::Blocked)
    }

    /// Whether it is refused.
    pub fn is_blocked(&self) -> bool {
        self.blockers().next().is_some()
    }

    /// `Run now: CronJob floe-nightly, floe @ dev`.
    pub fn title(&self) -> String {
        format!("{}: {}, {}", self.request.deed.title(), self.request.subject(), self.target_words())
    }

    /// What the button says.
    pub fn deed(&self) -> String {
        match self.request.deed {
            Deed::Suspend => "Suspend the schedule",
            Deed::Resume => "Resume the schedule",
            Deed::Run | Deed::Retry => "Create 1 Job",
        }
        .to_owned()
    }

    /// The target in words: `floe @ prod`.
    pub fn target_words(&self) -> String {
        target_words(&self.request.release, self.request.environment.as_deref())
    }

    /// The target's name as it is typed: `floe@prod`.
    pub fn name_words(&self) -> String {
        name_words(&self.request.release, self.request.environment.as_deref())
    }

    /// What has to be typed before it is done, on a protected target.
    pub fn confirm_words(&self) -> Option<String> {
        self.request.protected.then(|| self.name_words())
    }

    /// Where: context, namespace and cluster.
    pub fn place(&self) -> String {
        let identity = self.identity.as_ref().map_or_else(|| "not asked".to_owned(), Identity::short);
        format!(
            "context {}, namespace {}, cluster {identity}",
            self.request.release.context, self.request.namespace
        )
    }

    /// The whole plan, for a person: what, where, the checks, and what is sent.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.title(), format!("  {}", self.place())];
        if !self.does.is_empty() {
            lines.push(self.does.clone());
        }
        if !self.checks.is_empty() {
            lines.push("checks:".to_owned());
            lines.extend(self.checks.iter().flat_map(Check::lines));
        }
        if let Some(write) = &self.write {
            lines.push(match write {
                Write::Create(_) => "manifest:".to_owned(),
                Write::Patch { .. } => "patch:".to_owned(),
            });
            lines.extend(self.shown.lines().map(|line| format!("  {line}")));
        }
        lines
    }

    /// Why it is refused, one error a reason.
    pub fn refusals(&self) -> Vec<Error> {
        self.blockers()
            .map(|check| {
                let mut error = Error::new(check.title.clone()).at(self.request.subject());
                error.cause.clone_from(&check.detail);
                error.next.clone_from(&check.next);
                error
            })
            .collect()
    }
}

/// What plans of jobs are made and done with. Cheap to clone.
#[derive(Clone)]
pub struct JobPlanner {
    pub kubeconfig: Arc<Kubeconfig>,
    pub redactor: Arc<Redactor>,
    pub folders: Folders,
    /// Refuses everything that changes a cluster.
    pub read_only: bool,
}

impl std::fmt::Debug for JobPlanner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JobPlanner")
    }
}

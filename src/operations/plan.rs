//! A plan: the exact commands, everything they would change, and every reason not to run them, before anything runs.
//!
//! Each question to the cluster may fail on its own: a plan that could not see something says so instead of
//! looking complete.

pub(super) mod checks;
pub(super) mod preflight;
mod sides;

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use super::recovery::{self, Known, Way};
use super::request::{PlanRequest, Verb};
use super::spec::{OperationId, OperationSpec, Step, WantedObject};
use super::store::Store;
use crate::base::folders::Folders;
use crate::base::redact::Redactor;
use crate::base::{Hash, Problem, Result, who};
use crate::cluster::releases::{Driver, RevisionRow};
use crate::cluster::{Connection, Identity, Kubeconfig};
use crate::helm::Helm;
use crate::helm::argv::{self, Destination, Waiting};
use crate::helm::record::{Record, Status};
use crate::manifest::{ChangeSet, Object, Redact};
use crate::render::Renderer;
use crate::yaml::{KeyPath, Value};

pub use checks::{Check, CheckLevel};

/// The last revision when a plan was made: a plan for another one is out of date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastRevision {
    pub revision: u32,
    pub status: Status,
    /// Changes whenever the record is written.
    pub resource_version: String,
}

impl From<&RevisionRow> for LastRevision {
    fn from(row: &RevisionRow) -> Self {
        Self { revision: row.revision, status: row.status, resource_version: row.resource_version.clone() }
    }
}

/// One operation on one target, before it runs.
#[derive(Debug, Clone)]
pub struct Plan {
    pub request: PlanRequest,
    /// One after the other; the first failure ends the operation.
    pub steps: Vec<Step>,
    pub helm: Arc<Helm>,
    /// What changes, worst first, secrets masked. Empty for a test.
    pub changes: ChangeSet,
    /// The objects that will be there afterwards (before, for an uninstall), hooks and tests included. Not redacted.
    pub objects: Arc<[Object]>,
    /// Worst first.
    pub checks: Vec<Check>,
    /// `None` when the cluster could not be asked.
    pub identity: Option<Identity>,
    /// `None` when there is no release, or it could not be seen.
    pub last: Option<LastRevision>,
    /// The files that it was made from; it stops if one differs at launch.
    pub files: Vec<(PathBuf, Option<Hash>)>,
    /// Ways out, when the release is stuck.
    pub ways: Vec<Way>,
    /// Key paths of values that hold secrets, for the journal's redaction.
    pub secret_paths: Vec<KeyPath>,
    /// Why the changes are not the whole truth, if they are not.
    pub incomplete: Option<String>,
    pub made: Timestamp,
}

impl Plan {
    /// The checks that refuse it.
    pub fn blockers(&self) -> impl Iterator<Item = &Check> {
        self.checks.iter().filter(|check| check.level == CheckLevel::Blocked)
    }

    /// Whether it is refused.
    pub fn is_blocked(&self) -> bool {
        self.blockers().next().is_some()
    }

    /// Whether it would change nothing that runs.
    pub fn is_empty(&self) -> bool {
        self.request.verb != Verb::Test && self.changes.is_empty()
    }

    /// What the button says: `Upgrade: 2 restarts, 1 recreate`.
    pub fn deed(&self) -> String {
        match self.request.verb {
            Verb::Test => "Test".to_owned(),
            verb => format!("{}: {}", verb.title(), self.changes.headline()),
        }
    }

    /// The exact commands, as they could be typed.
    pub fn commands(&self) -> Vec<String> {
        self.steps.iter().map(|step| argv::shell(&self.helm.path, &step.argv)).collect()
    }

    /// What has to be typed before it runs, on a protected target.
    pub fn confirm_words(&self) -> Option<String> {
        self.request.confirm_words()
    }

    /// The operation as it is written down when it is launched now.
    pub fn spec(&self, folder: PathBuf) -> OperationSpec {
        let created = Timestamp::now();
        let chart = self.request.chart.as_ref();
        let mut values: Vec<PathBuf> =
            chart.map(|chart| vec![chart.dir.join("values.yaml")]).unwrap_or_default();
        values.extend(chart.iter().flat_map(|chart| chart.values.iter().cloned()));
        OperationSpec {
            id: OperationId::new(created, self.request.verb, &self.request.release.release),
            verb: self.request.verb,
            release: self.request.release.clone(),
            environment: self.request.environment.clone(),
            identity: self.identity.as_ref().map(Identity::short).unwrap_or_default(),
            cluster_key: self.identity.as_ref().map(|identity| identity.trust.clone()).unwrap_or_default(),
            program: self.helm.path.clone(),
            helm_version: self.helm.version.to_string(),
            steps: self.steps.clone(),
            options: self.request.options.clone(),
            chart: chart.map(|chart| chart.label.clone()),
            before: self.last.as_ref().map(|last| last.revision),
            revision: self.request.revision,
            headline: self.changes.headline(),
            values,
            secret_paths: self.secret_paths.iter().map(ToString::to_string).collect(),
            objects: self.objects.iter().map(wanted).collect(),
            created,
            by: who::am_i(),
            folder,
        }
    }
}

fn wanted(object: &Object) -> WantedObject {
    WantedObject {
        api_version: object.id.api_version.clone(),
        kind: object.id.kind.clone(),
        namespace: object.id.namespace.clone(),
        name: object.id.name.clone(),
        hook: object.hook.is_some(),
    }
}

/// What plans are made with. Cheap to clone.
#[derive(Clone)]
pub struct Planner {
    pub helm: Arc<Helm>,
    pub kubeconfig: Arc<Kubeconfig>,
    /// `--kubeconfig`, if the operator gave one.
    pub kubeconfig_path: Option<PathBuf>,
    pub renderer: Arc<dyn Renderer>,
    pub redactor: Arc<Redactor>,
    pub folders: Folders,
    /// Refuses everything that changes a cluster.
    pub read_only: bool,
}

impl std::fmt::Debug for Planner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Planner({})", self.helm)
    }
}

/// What is known of the saved values, from whoever knows the workspace.
#[derive(Debug, Clone, Default)]
pub struct ValuesVerdict {
    /// Of schema, mapping and files; errors refuse an install or upgrade with the same words.
    pub problems: Vec<Problem>,
    /// Where the schema says that secrets are.
    pub secret_paths: Vec<KeyPath>,
}

/// What the cluster answered.
#[derive(Debug, Default)]
pub(super) struct Facts {
    pub(super) connection: Option<Connection>,
    pub(super) identity: Option<Identity>,
    /// Newest first; `None` when it could not be read.
    pub(super) history: Option<Vec<RevisionRow>>,
    pub(super) namespace: Option<bool>,
    pub(super) driver: Option<Driver>,
    /// The record that runs: the deployed one, else the last.
    pub(super) current: Option<Arc<Record>>,
    /// The last revision's record, when that is another one: a failed upgrade has changed what runs.
    pub(super) last: Option<Arc<Record>>,
    /// The record that a rollback goes back to.
    pub(super) target: Option<Arc<Record>>,
}

impl Planner {
    /// Works a plan out. A plan that may not run is still a plan, with the reasons in its checks; an error means
    /// that not even that could be made.
    pub async fn plan(&self, request: &PlanRequest, verdict: &ValuesVerdict) -> Result<Plan> {
        let mut request = request.clone();
        let mut checks = checks::Checks::default();
        checks.request(&request, &self.helm, self.read_only);
        checks.problems(&request, &verdict.problems);
        let mut facts = preflight::ask(self, &request, &mut checks).await;
        if request.verb == Verb::Rollback && request.revision.is_none() {
            request.revision = facts.history.as_deref().and_then(previous);
        }
        preflight::records(&request, &mut facts, &mut checks).await;
        let history = facts.history.clone().unwrap_or_default();
        checks.history(&request, &facts);
        checks.running(&request.release, &Store::new(&self.folders), facts.identity.as_ref());
        checks.namespace(&request, &facts);
        checks.owners(&facts);
        let known: Vec<Known> = history.iter().map(known).collect();
        let made = Timestamp::now();
        // Whoever rolls back or uninstalls is on a way already.
        let ways = if request.verb.needs_chart() {
            let ways = recovery::ways(&known, request.options.timeout, made);
            ways.into_iter().filter(|way| way.verb != Some(request.verb)).collect()
        } else {
            Vec::new()
        };
        let sides = sides::sides(self, &request, &facts, &mut checks).await;
        let mut changes = sides.changes;
        preflight::objects(self, &request, &facts, &sides.new, &mut changes, &mut checks).await;
        let steps = self.steps(&request);
        Ok(Plan {
            steps,
            helm: Arc::clone(&self.helm),
            changes,
            objects: sides.objects.into(),
            checks: checks.sorted(),
            identity: facts.identity,
            last: history.first().map(LastRevision::from),
            files: sides::files(&request),
            ways,
            secret_paths: verdict.secret_paths.clone(),
            incomplete: incomplete(&request, sides.incomplete),
            made,
            request,
        })
    }

    /// The commands of a request.
    fn steps(&self, request: &PlanRequest) -> Vec<Step> {
        let major = self.helm.major;
        let release = request.release.release.as_str();
        let to = Destination {
            // The supervisor's folder need not be ours for ever.
            kubeconfig: self
                .kubeconfig_path
                .as_ref()
                .map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone())),
            context: request.release.context.clone(),
            namespace: request.release.namespace.clone(),
        };
        let options = &request.options;
        let waiting = Waiting {
            wait: options.wait,
            timeout: options.timeout,
            rollback_on_failure: options.rollback_on_failure,
        };
        let (chart, values) = match &request.chart {
            Some(chart) => (
                chart.dir.clone(),
                chart.values.iter().filter(|file| file.exists()).cloned().collect::<Vec<_>>(),
            ),
            None => (PathBuf::new(), Vec::new()),
        };
        let argv = match request.verb {
            Verb::Install => {
                argv::install(major, &to, release, &chart, &values, waiting, options.create_namespace)
            }
            Verb::Upgrade => argv::upgrade(major, &to, release, &chart, &values, waiting),
            Verb::Rollback => {
                argv::rollback(major, &to, release, request.revision.unwrap_or_default(), waiting)
            }
            Verb::Test => argv::test(&to, release, waiting),
            Verb::Uninstall => argv::uninstall(major, &to, release, waiting, options.keep_history),
        };
        let mut steps = vec![Step { verb: request.verb, argv }];
        if options.test_after && matches!(request.verb, Verb::Install | Verb::Upgrade | Verb::Rollback) {
            steps.push(Step { verb: Verb::Test, argv: argv::test(&to, release, waiting) });
        }
        steps
    }

    /// Masks the secrets of whole objects.
    pub(super) fn redact(&self, paths: &[KeyPath]) -> Redact {
        let redactor = Redactor::clone(&self.redactor).with_paths(paths.iter().cloned());
        Redact::new(move |object| mask(&redactor, object))
    }
}

/// An object without its secrets: everything of a Secret, and what looks like one elsewhere.
pub fn mask(redactor: &Redactor, object: &Value) -> Value {
    let mut shown = redactor.value(&KeyPath::root(), object);
    if object.get("kind").and_then(Value::as_str) == Some("Secret") {
        for section in ["data", "stringData"] {
            let (Some(Value::Object(from)), Some(Value::Object(to))) =
                (object.get(section), shown.get_mut(section))
            else {
                continue;
            };
            for (key, value) in from {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                to.insert(key.clone(), redactor.fingerprint(&text).into());
            }
        }
    }
    shown
}

/// Why the changes are not the whole truth: what was declared and is not run, then what could not be asked.
fn incomplete(request: &PlanRequest, asked: Option<String>) -> Option<String> {
    let source = request.chart.as_ref().filter(|_| request.verb.needs_chart());
    let declared =
        source.into_iter().flat_map(|source| source.unreadable.iter().map(|why| why.words.clone()));
    let all: Vec<String> = declared.chain(asked).collect();
    (!all.is_empty()).then(|| all.join("; "))
}

fn known(row: &RevisionRow) -> Known {
    Known { revision: row.revision, status: row.status, modified: row.modified }
}

/// What a rollback without a revision goes back to: the newest superseded one before the deployed one, else the
/// newest that is not the last.
fn previous(history: &[RevisionRow]) -> Option<u32> {
    let last = history.first()?;
    if last.status != Status::Deployed
        && let Some(deployed) = history.iter().find(|row| row.status == Status::Deployed)
    {
        return Some(deployed.revision);
    }
    history
        .iter()
        .skip(1)
        .find(|row| row.status == Status::Superseded)
        .or_else(|| history.get(1))
        .map(|row| row.revision)
}

#[cfg(test)]
#[path = "plan/tests.rs"]
mod tests;

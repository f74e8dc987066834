//! A deployed platform and its state machine. A state is a type, and each transition takes the state it leaves by
//! value: one that the model does not have cannot be written down.
//!
//! ```
//! # use floe_tui::model::deployment::{PlatformDeployment, Release, Superseded};
//! # fn try_it(at: jiff::Timestamp, release: Release) -> PlatformDeployment<Superseded> {
//! PlatformDeployment::begin(release, at).fail(at, "no image").retry(at).succeed(at).supersede(at)
//! # }
//! ```
//! ```compile_fail
//! # use floe_tui::model::deployment::{Deployed, PlatformDeployment};
//! # fn try_it(at: jiff::Timestamp, running: PlatformDeployment<Deployed>) {
//! running.fail(at, "what is deployed cannot fail: its next revision can");
//! # }
//! ```
//! ```compile_fail
//! # use floe_tui::model::deployment::{PlatformDeployment, Superseded};
//! # fn try_it(at: jiff::Timestamp, old: PlatformDeployment<Superseded>) {
//! old.retry(at);
//! # }
//! ```
//! ```compile_fail
//! # use floe_tui::model::deployment::{Failed, PlatformDeployment};
//! # fn try_it(at: jiff::Timestamp, failed: PlatformDeployment<Failed>) {
//! failed.succeed(at);
//! # }
//! ```
//! ```compile_fail
//! # use floe_tui::model::deployment::{Pending, PlatformDeployment};
//! # fn try_it(at: jiff::Timestamp, pending: PlatformDeployment<Pending>) {
//! pending.succeed(at);
//! pending.fail(at, "a state that was left is gone");
//! # }
//! ```

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entity::Entity;

/// The release's status in the platform's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum DeploymentStatus {
    /// helm is at work.
    Pending,
    /// This revision runs.
    Deployed,
    /// It could not be brought up.
    Failed,
    /// A later revision took its place.
    Superseded,
}

impl DeploymentStatus {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Deployed, Self::Failed, Self::Superseded];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Deployed => "deployed",
            Self::Failed => "failed",
            Self::Superseded => "superseded",
        }
    }
}

impl fmt::Display for DeploymentStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One workload of a platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeployedComponent {
    /// Without the release's name in front: `dagster-webserver`.
    #[schemars(length(min = 1))]
    pub name: String,
    /// What Kubernetes calls it.
    #[serde(rename = "type")]
    pub kind: WorkloadKind,
    /// How many there are.
    pub replicas: Replicas,
    /// How it does.
    pub health: ComponentHealth,
}

impl Entity for DeployedComponent {
    const NAME: &'static str = "DeployedComponent";
}

/// What Kubernetes calls a workload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
#[allow(missing_docs)]
pub enum WorkloadKind {
    Deployment,
    StatefulSet,
    DaemonSet,
    Job,
    CronJob,
}

impl WorkloadKind {
    /// From an object's kind; `None` for what is no workload.
    pub fn parse(kind: &str) -> Option<Self> {
        Some(match kind {
            "Deployment" => Self::Deployment,
            "StatefulSet" => Self::StatefulSet,
            "DaemonSet" => Self::DaemonSet,
            "Job" => Self::Job,
            "CronJob" => Self::CronJob,
            _ => return None,
        })
    }

    /// As Kubernetes writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Deployment => "Deployment",
            Self::StatefulSet => "StatefulSet",
            Self::DaemonSet => "DaemonSet",
            Self::Job => "Job",
            Self::CronJob => "CronJob",
        }
    }
}

/// How many of a component there are. For a `Deployment`, `StatefulSet` or `DaemonSet` its pods. For a Job its
/// completions: ready counts pods that are at work as well, available those that succeeded. The schedule of a `CronJob`
/// stands for one: wanted unless it is suspended, there unless its last run failed or is overdue.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replicas {
    /// Wanted.
    #[schemars(range(min = 0))]
    pub desired: i64,
    /// Ready.
    #[schemars(range(min = 0))]
    pub ready: i64,
    /// Available.
    #[schemars(range(min = 0))]
    pub available: i64,
}

/// A component's health in the platform's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum ComponentHealth {
    /// It does its work.
    Healthy,
    /// It is on its way, or stopped on purpose.
    Degraded,
    /// It does not do its work.
    Unhealthy,
    /// Nothing can be said.
    Unknown,
}

/// A deployed platform as data: what lists show and `status --json` prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "PlatformDeployment")]
pub struct DeploymentRecord {
    /// The release's name.
    #[schemars(length(min = 1))]
    pub release_name: String,
    /// Its namespace.
    #[schemars(regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"), length(max = 63))]
    pub namespace: String,
    /// Version of the chart.
    pub chart_version: String,
    /// Version of the compiled artifacts; `unknown` where nothing names one.
    pub artifact_version: String,
    /// The logical environment.
    #[schemars(length(min = 1))]
    pub environment: String,
    /// Where it is in its life.
    pub status: DeploymentStatus,
    /// Its workloads.
    pub components: Vec<DeployedComponent>,
    /// When; null where helm's record does not say.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub deployed_at: Option<Timestamp>,
    /// Who, where that is known: helm does not write it down.
    pub deployed_by: Option<String>,
}

impl Entity for DeploymentRecord {
    const NAME: &'static str = "PlatformDeployment";
}

/// helm is at work since then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// When it began.
    pub since: Timestamp,
}

/// It runs since then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    /// When it was up.
    pub at: Timestamp,
}

/// It could not be brought up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// When that was seen.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// A later revision took its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Superseded {
    /// When.
    pub at: Timestamp,
}

/// What does not change while a deployment lives.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Release {
    pub release_name: String,
    pub namespace: String,
    pub chart_version: String,
    pub artifact_version: String,
    pub environment: String,
    pub deployed_by: Option<String>,
}

/// One revision of a platform in one state of its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlatformDeployment<S> {
    release: Release,
    state: S,
}

impl<S> PlatformDeployment<S> {
    /// What it is.
    pub fn release(&self) -> &Release {
        &self.release
    }

    /// Where it is in its life.
    pub fn state(&self) -> &S {
        &self.state
    }

    fn into<T>(self, state: T) -> PlatformDeployment<T> {
        PlatformDeployment { release: self.release, state }
    }
}

impl PlatformDeployment<Pending> {
    /// The only way in: a deployment begins.
    pub fn begin(release: Release, since: Timestamp) -> Self {
        Self { release, state: Pending { since } }
    }

    /// It is up.
    #[must_use]
    pub fn succeed(self, at: Timestamp) -> PlatformDeployment<Deployed> {
        self.into(Deployed { at })
    }

    /// It could not be brought up.
    #[must_use]
    pub fn fail(self, at: Timestamp, reason: impl Into<String>) -> PlatformDeployment<Failed> {
        self.into(Failed { at, reason: reason.into() })
    }
}

impl PlatformDeployment<Deployed> {
    /// An upgrade took its place.
    #[must_use]
    pub fn supersede(self, at: Timestamp) -> PlatformDeployment<Superseded> {
        self.into(Superseded { at })
    }
}

impl PlatformDeployment<Failed> {
    /// It is tried again.
    #[must_use]
    pub fn retry(self, since: Timestamp) -> PlatformDeployment<Pending> {
        self.into(Pending { since })
    }

    /// It is tried again with what was mended, which may be its chart: helm keeps that as another revision.
    #[must_use]
    pub fn retry_as(self, release: Release, since: Timestamp) -> PlatformDeployment<Pending> {
        PlatformDeployment { release, ..self.retry(since) }
    }
}

/// A deployment in whatever state it was found, for what is only seen from outside.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Observed {
    Pending(PlatformDeployment<Pending>),
    Deployed(PlatformDeployment<Deployed>),
    Failed(PlatformDeployment<Failed>),
    Superseded(PlatformDeployment<Superseded>),
}

impl Observed {
    /// The first look: whatever was found had a beginning, and came to where it is by the transitions of the model.
    pub fn first(release: Release, status: DeploymentStatus, at: Timestamp, reason: &str) -> Self {
        let pending = PlatformDeployment::begin(release, at);
        match status {
            DeploymentStatus::Pending => Self::Pending(pending),
            DeploymentStatus::Deployed => Self::Deployed(pending.succeed(at)),
            DeploymentStatus::Failed => Self::Failed(pending.fail(at, reason)),
            DeploymentStatus::Superseded => Self::Superseded(pending.succeed(at).supersede(at)),
        }
    }

    /// The next look. Several transitions may have happened since the last (a retry that was up at once); they are
    /// taken one by one.
    ///
    /// # Errors
    /// No way leads there: what was seen belongs to another revision, or somebody wrote the record by hand. The state
    /// stays what it was.
    pub fn next(
        self,
        seen: DeploymentStatus,
        at: Timestamp,
        reason: &str,
    ) -> Result<Self, Box<(Self, String)>> {
        use DeploymentStatus as To;
        Ok(match (self, seen) {
            (Self::Pending(own), To::Deployed) => Self::Deployed(own.succeed(at)),
            (Self::Pending(own), To::Failed) => Self::Failed(own.fail(at, reason)),
            (Self::Pending(own), To::Superseded) => Self::Superseded(own.succeed(at).supersede(at)),
            (Self::Deployed(own), To::Superseded) => Self::Superseded(own.supersede(at)),
            (Self::Failed(own), To::Pending) => Self::Pending(own.retry(at)),
            (Self::Failed(own), To::Deployed) => Self::Deployed(own.retry(at).succeed(at)),
            (Self::Failed(own), To::Superseded) => Self::Superseded(own.retry(at).succeed(at).supersede(at)),
            (own, seen) if own.status() == seen => own,
            (own, seen) => {
                let words = format!("a deployment that is {} cannot become {seen}", own.status());
                return Err(Box::new((own, words)));
            }
        })
    }

    /// The states that a deployment went through between two looks; `None` for the first look is before it began.
    /// Nothing where no way leads there.
    pub fn between(from: Option<DeploymentStatus>, to: DeploymentStatus) -> &'static [DeploymentStatus] {
        use DeploymentStatus::{Deployed, Failed, Pending, Superseded};
        match (from, to) {
            (None, Deployed | Failed) | (Some(Failed), Deployed) => &[Pending],
            (None | Some(Failed), Superseded) => &[Pending, Deployed],
            (Some(Pending), Superseded) => &[Deployed],
            _ => &[],
        }
    }

    /// What does not change while it lives.
    pub fn release(&self) -> &Release {
        match self {
            Self::Pending(own) => &own.release,
            Self::Deployed(own) => &own.release,
            Self::Failed(own) => &own.release,
            Self::Superseded(own) => &own.release,
        }
    }

    /// The state as data.
    pub fn status(&self) -> DeploymentStatus {
        match self {
            Self::Pending(_) => DeploymentStatus::Pending,
            Self::Deployed(_) => DeploymentStatus::Deployed,
            Self::Failed(_) => DeploymentStatus::Failed,
            Self::Superseded(_) => DeploymentStatus::Superseded,
        }
    }

    /// The deployment as data, with what is known of its components.
    pub fn record(&self, components: Vec<DeployedComponent>) -> DeploymentRecord {
        let release = self.release();
        let at = match self {
            Self::Pending(own) => own.state.since,
            Self::Deployed(own) => own.state.at,
            Self::Failed(own) => own.state.at,
            Self::Superseded(own) => own.state.at,
        };
        DeploymentRecord {
            release_name: release.release_name.clone(),
            namespace: release.namespace.clone(),
            chart_version: release.chart_version.clone(),
            artifact_version: release.artifact_version.clone(),
            environment: release.environment.clone(),
            status: self.status(),
            components,
            deployed_at: Some(at),
            deployed_by: release.deployed_by.clone(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::model::Frozen;

    fn release() -> Release {
        Release {
            release_name: "floe".into(),
            namespace: "floe-dev".into(),
            chart_version: "0.2.0".into(),
            artifact_version: "0.10.0".into(),
            environment: "dev".into(),
            deployed_by: None,
        }
    }

    #[test]
    fn every_pair_of_states_is_a_way_or_refused() {
        use DeploymentStatus as S;
        let at = Timestamp::UNIX_EPOCH;
        for from in S::ALL {
            for to in S::ALL {
                let seen = Observed::first(release(), from, at, "why");
                assert_eq!(seen.status(), from);
                let may = from == to
                    || matches!(
                        (from, to),
                        (S::Pending, _)
                            | (S::Deployed, S::Superseded)
                            | (S::Failed, S::Pending | S::Deployed | S::Superseded)
                    );
                match seen.clone().next(to, at, "why") {
                    Ok(next) => {
                        assert!(may && next.status() == to, "{from} to {to}");
                        // One by one the same way.
                        let steps = Observed::between(Some(from), to).iter().chain([&to]);
                        let walked = steps.fold(seen.clone(), |seen, step| {
                            let next = seen.clone().next(*step, at, "why").unwrap();
                            assert!(Observed::between(Some(seen.status()), *step).is_empty());
                            next
                        });
                        assert_eq!(walked, next);
                    }
                    Err(refused) => {
                        let (same, words) = *refused;
                        assert!(!may && same == seen, "{from} to {to}");
                        assert_eq!(words, format!("a deployment that is {from} cannot become {to}"));
                    }
                }
            }
        }
    }

    #[test]
    fn as_data_it_reads_back_and_nothing_else_does() {
        let replicas = Replicas { desired: 2, ready: 1, available: 1 };
        let component = DeployedComponent {
            name: "polaris".into(),
            kind: WorkloadKind::Deployment,
            replicas,
            health: ComponentHealth::Degraded,
        };
        let record = Observed::first(release(), DeploymentStatus::Deployed, Timestamp::UNIX_EPOCH, "")
            .record(vec![component]);
        let mut value = serde_json::to_value(&record).unwrap();
        assert_eq!(*Frozen::<DeploymentRecord>::read(&value, &|_| None).unwrap(), record);
        value["components"][0]["replicas"]["ready"] = (-1).into();
        value["color"] = "red".into();
        value["status"] = "running".into();
        let problems = Frozen::<DeploymentRecord>::read(&value, &|_| None).unwrap_err();
        let keys: Vec<&str> = problems.iter().map(|problem| problem.key.as_str()).collect();
        assert!(keys.contains(&"components[0].replicas.ready") && keys.contains(&"color"), "{problems:?}");
        assert!(keys.contains(&"status") && keys.len() == 3, "{problems:?}");
    }
}

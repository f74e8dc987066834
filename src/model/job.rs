//! A job of a data product, and the state machine of one run. As with deployments a state is a type.
//!
//! The diagram of the requirements starts in `Created`, which is before the object exists: [`Run::create`] gives the
//! first state there is. A run may fail before it ran (an image that cannot be pulled, a deadline) and while it runs.
//!
//! ```
//! # use floe_tui::model::job::{Failed, Run, Succeeded};
//! # fn try_it(at: jiff::Timestamp) -> (Run<Succeeded>, Run<Failed>) {
//! (Run::create().start(at).succeed(at), Run::create().fail(at, String::new()))
//! # }
//! ```
//! ```compile_fail
//! # use floe_tui::model::job::{Pending, Run};
//! # fn try_it(at: jiff::Timestamp, run: Run<Pending>) {
//! run.succeed(at); // it never ran
//! # }
//! ```
//! ```compile_fail
//! # use floe_tui::model::job::{Run, Succeeded};
//! # fn try_it(at: jiff::Timestamp, run: Run<Succeeded>) {
//! run.fail(at, String::new());
//! # }
//! ```

use std::fmt;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::entity::{Entity, Frozen};
use super::resources::ResourceRequirements;
use crate::base::{Hash, Problem};
use crate::yaml::KeyPath;

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[schemars(inline)]
pub enum JobPhase {
    /// Its object is there, no pod works yet.
    Pending,
    /// A pod works.
    Running,
    /// It did what it had to.
    Succeeded,
    /// It gave up.
    Failed,
}

impl JobPhase {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Pending, Self::Running, Self::Succeeded, Self::Failed];
}

impl fmt::Display for JobPhase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pending => "Pending",
            Self::Running => "Running",
            Self::Succeeded => "Succeeded",
            Self::Failed => "Failed",
        })
    }
}

/// How a run does, as data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobStatus {
    /// Where it is.
    pub phase: JobPhase,
    /// When its first pod began.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub start_time: Option<Timestamp>,
    /// When it ended.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub completion_time: Option<Timestamp>,
    /// What its container said, of a run that failed.
    pub logs: Option<String>,
}

impl Entity for JobStatus {
    const NAME: &'static str = "JobStatus";

    fn faults(&self) -> Vec<(KeyPath, String)> {
        let mut faults = Vec::new();
        let mut say = |field: &str, words: &str| faults.push((KeyPath::of([field]), words.to_owned()));
        let ended = matches!(self.phase, JobPhase::Succeeded | JobPhase::Failed);
        if self.phase == JobPhase::Pending && self.start_time.is_some() {
            say("startTime", "a run that is Pending has not started");
        }
        if matches!(self.phase, JobPhase::Running | JobPhase::Succeeded) && self.start_time.is_none() {
            say("startTime", "a run that ran has a start");
        }
        if ended != self.completion_time.is_some() {
            say("completionTime", "belongs to runs that ended, and only to them");
        }
        if self.start_time.zip(self.completion_time).is_some_and(|(start, end)| end < start) {
            say("completionTime", "is before startTime");
        }
        if self.logs.is_some() && self.phase != JobPhase::Failed {
            say("logs", "are kept of runs that failed only");
        }
        faults
    }
}

/// A job that runs dbt or another tool of a data product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DataProductJob {
    /// Its name, made of the dbt model's.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]*$"), length(max = 63))]
    pub name: String,
    /// Its namespace.
    #[schemars(regex(pattern = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"), length(max = 63))]
    pub namespace: String,
    /// The image that holds the data product.
    #[schemars(length(min = 1))]
    pub image: String,
    /// Program and arguments.
    #[schemars(length(min = 1))]
    pub command: Vec<String>,
    /// The `ConfigMap` with the compiled artifacts.
    pub artifacts: ConfigMapRef,
    /// The Secrets that it reads.
    pub secrets: Vec<SecretRef>,
    /// What it may use.
    pub resources: ResourceRequirements,
    /// How its run does; null before there is one.
    pub status: Option<JobStatus>,
}

impl Entity for DataProductJob {
    const NAME: &'static str = "DataProductJob";

    fn faults(&self) -> Vec<(KeyPath, String)> {
        let at = KeyPath::of(["status"]);
        let faults = self.status.iter().flat_map(Entity::faults);
        faults.map(|(path, words)| (KeyPath(at.0.iter().chain(&path.0).cloned().collect()), words)).collect()
    }
}

impl DataProductJob {
    /// A `Job`, or what a `CronJob` makes, as Kubernetes has it: its first container with what the chart `floe-jobs` mounts.
    /// Of a run that failed `logs` are the last words of its container, which the object does not hold.
    ///
    /// # Errors
    /// It is none of ours: no artifact, no resources, no command.
    pub fn of_object(object: &Value, logs: &str) -> Result<Frozen<Self>, Vec<Problem>> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str);
        let spec =
            object.pointer("/spec/jobTemplate/spec").or_else(|| object.get("spec")).unwrap_or(&Value::Null);
        let pod = spec.pointer("/template/spec").unwrap_or(&Value::Null);
        let container = pod.pointer("/containers/0").unwrap_or(&Value::Null);
        let list = |of: &Value, key: &str| of.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let command: Vec<Value> = [list(container, "command"), list(container, "args")].concat();
        let volumes = list(pod, "volumes");
        let artifacts = volumes.iter().find(|volume| volume["name"] == "artifacts");
        let artifacts = artifacts.and_then(|volume| volume.pointer("/configMap/name"));
        let reference = |at: &Value, name: &str| -> Option<SecretRef> {
            let key = at.get("key").and_then(Value::as_str).map(str::to_owned);
            Some(SecretRef { name: at.get(name)?.as_str()?.to_owned(), key })
        };
        let env = list(container, "env");
        let from = list(container, "envFrom");
        let mut secrets: Vec<SecretRef> = env
            .iter()
            .filter_map(|own| reference(own.pointer("/valueFrom/secretKeyRef")?, "name"))
            .chain(from.iter().filter_map(|own| reference(own.get("secretRef")?, "name")))
            .chain(volumes.iter().filter_map(|own| reference(own.get("secret")?, "secretName")))
            .collect();
        secrets.sort();
        secrets.dedup();
        let mut value = json!({
            "name": text("/metadata/name"), "namespace": text("/metadata/namespace"), "image": container.get("image"),
            "command": command, "secrets": secrets, "resources": container.get("resources"),
            "status": JobStatus::of_object(object, logs),
        });
        if let Some(name) = artifacts {
            value["artifacts"] = json!({"name": name, "key": null});
        }
        Frozen::read(&value, &|_| None)
    }
}

impl JobStatus {
    /// Where a `Job` is by what Kubernetes says of it; `None` for what never runs itself (a `CronJob`), and for a `Job`
    /// that no controller has seen. Of a run that failed `logs` are the last words of its container.
    pub fn of_object(object: &Value, logs: &str) -> Option<Self> {
        let status = object.get("status").filter(|_| object["kind"] == "Job")?;
        let time = |value: Option<&Value>| value?.as_str()?.parse::<Timestamp>().ok();
        // A condition counts only when its status says True: a False one is history, not a verdict.
        let condition = |kind: &str| {
            let all = status.get("conditions").and_then(Value::as_array)?;
            all.iter().find(|own| own["type"] == kind && own["status"] == "True")
        };
        let count = |key: &str| status.get(key).and_then(Value::as_i64).unwrap_or_default();
        let start = time(status.get("startTime"));
        let since = |condition: &Value| time(condition.get("lastTransitionTime")).or(start);
        // A pod that has ended is not ready any more, and for a moment not counted yet.
        let is_uncounted = |key: &str| {
            let uids = status.get("uncountedTerminatedPods").and_then(|pods| pods.get(key)?.as_array());
            uids.is_some_and(|uids| !uids.is_empty())
        };
        let has_ended = ["succeeded", "failed"].iter().any(|key| count(key) > 0 || is_uncounted(key));
        let ran =
            start.filter(|_| count("ready") > 0 || has_ended || condition("SuccessCriteriaMet").is_some());
        // The verdict comes before the last pods have ended.
        let failed = condition("Failed").or_else(|| condition("FailureTarget"));
        let done = condition("Complete").and_then(|done| time(status.get("completionTime")).or(since(done)));
        Some(match (failed.and_then(since), done, ran) {
            (Some(end), _, Some(start)) => Run::create().start(start).fail(end, logs.to_owned()).status(),
            (Some(end), _, None) => Run::create().fail(end, logs.to_owned()).status(),
            (None, Some(end), _) => Run::create().start(start.unwrap_or(end)).succeed(end).status(),
            (None, None, Some(start)) => Run::create().start(start).status(),
            (None, None, None) => Run::create().status(),
        })
    }
}

/// A `ConfigMap`, and a key of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigMapRef {
    /// Its name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key; null means all.
    pub key: Option<String>,
}

/// A Secret, and a key of it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretRef {
    /// Its name.
    #[schemars(regex(pattern = r"^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"), length(max = 253))]
    pub name: String,
    /// The key; null means all.
    pub key: Option<String>,
}

/// A name that Kubernetes takes and that begins with a letter, of at most `max` characters: `daily_orders` becomes
/// `daily-orders`. What is too long is cut and gets a hash of the whole. The chart `floe-jobs` names its jobs by the same
/// rule; a test holds them equal.
pub fn valid_name(name: &str, max: usize) -> String {
    let mut valid = String::with_capacity(name.len() + 2);
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_lowercase() || c.is_ascii_digit() {
            valid.push(c);
        } else if !valid.ends_with('-') {
            valid.push('-');
        }
    }
    let mut valid = valid.trim_matches('-').to_owned();
    if !valid.starts_with(|c: char| c.is_ascii_lowercase()) {
        valid.insert_str(0, "j-");
    }
    if valid.len() > max {
        let kept: String = valid.chars().take(max.saturating_sub(9)).collect();
        let hash: String = Hash::of(name).hex().chars().take(8).collect();
        valid = format!("{}-{hash}", kept.strip_suffix('-').unwrap_or(&kept));
    }
    valid
}

/// No pod works yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending;

/// A pod works since then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    start: Timestamp,
}

/// It did what it had to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succeeded {
    start: Timestamp,
    end: Timestamp,
}

/// It gave up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    start: Option<Timestamp>,
    end: Timestamp,
    logs: String,
}

/// One run of a job in one state of its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run<S>(S);

impl Run<Pending> {
    /// Its object was made.
    pub fn create() -> Self {
        Self(Pending)
    }

    /// Its first pod works.
    #[must_use]
    pub fn start(self, at: Timestamp) -> Run<Running> {
        Run(Running { start: at })
    }

    /// It never ran.
    #[must_use]
    pub fn fail(self, at: Timestamp, logs: String) -> Run<Failed> {
        Run(Failed { start: None, end: at, logs })
    }

    /// As data.
    pub fn status(&self) -> JobStatus {
        JobStatus { phase: JobPhase::Pending, start_time: None, completion_time: None, logs: None }
    }
}

impl Run<Running> {
    /// It did what it had to.
    #[must_use]
    pub fn succeed(self, at: Timestamp) -> Run<Succeeded> {
        Run(Succeeded { start: self.0.start, end: at.max(self.0.start) })
    }

    /// It gave up; `logs` are the last words of its container.
    #[must_use]
    pub fn fail(self, at: Timestamp, logs: String) -> Run<Failed> {
        Run(Failed { start: Some(self.0.start), end: at.max(self.0.start), logs })
    }

    /// As data.
    pub fn status(&self) -> JobStatus {
        JobStatus {
            phase: JobPhase::Running,
            start_time: Some(self.0.start),
            completion_time: None,
            logs: None,
        }
    }
}

impl Run<Succeeded> {
    /// As data.
    pub fn status(&self) -> JobStatus {
        JobStatus {
            phase: JobPhase::Succeeded,
            start_time: Some(self.0.start),
            completion_time: Some(self.0.end),
            logs: None,
        }
    }
}

impl Run<Failed> {
    /// As data.
    pub fn status(&self) -> JobStatus {
        JobStatus {
            phase: JobPhase::Failed,
            start_time: self.0.start,
            completion_time: Some(self.0.end),
            logs: Some(self.0.logs.clone()),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_way_through_the_machine_is_a_status_that_reads_back() {
        let (start, end) = (Timestamp::UNIX_EPOCH, Timestamp::from_second(60).unwrap());
        let all = [
            Run::create().status(),
            Run::create().start(start).status(),
            Run::create().start(start).succeed(end).status(),
            Run::create().start(end).fail(start, "no such table".into()).status(),
            Run::create().fail(end, String::new()).status(),
        ];
        for status in &all {
            let value = serde_json::to_value(status).unwrap();
            assert_eq!(&*Frozen::<JobStatus>::read(&value, &|_| None).unwrap(), status);
        }
        for phase in JobPhase::ALL {
            assert!(all.iter().any(|status| status.phase == phase));
        }
    }

    #[test]
    fn a_status_that_no_run_can_have_is_refused() {
        let told = |value: Value| {
            let problems = Frozen::<JobStatus>::read(&value, &|_| None).unwrap_err();
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
        };
        let now = "2026-01-01T00:00:00Z";
        assert!(told(json!({"phase": "Pending", "startTime": now})).contains("has not started"));
        assert!(told(json!({"phase": "Running"})).contains("has a start"));
        assert!(told(json!({"phase": "Succeeded", "startTime": now})).contains("completionTime"));
        assert!(told(json!({"phase": "Running", "startTime": now, "logs": "x"})).contains("logs"));
        assert!(told(json!({"phase": "Created"})).contains("must be Pending, Running"));
    }

    #[test]
    fn names_are_valid_and_stay_apart() {
        assert_eq!(valid_name("daily_orders", 63), "daily-orders");
        assert_eq!(valid_name("__Daily.Orders__", 63), "daily-orders");
        assert_eq!(valid_name("2024_orders", 63), "j-2024-orders");
        let (long, other) = (format!("{}_a", "x".repeat(80)), format!("{}_b", "x".repeat(80)));
        let (first, second) = (valid_name(&long, 52), valid_name(&other, 52));
        assert!(first.len() <= 52 && second.len() <= 52 && first != second, "{first} {second}");
    }
}

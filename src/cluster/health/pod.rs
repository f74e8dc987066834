//! Pods and their containers: where nearly every root cause is found.

use jiff::Timestamp;
use serde_json::Value;

use super::look::{condition, count, int, list, text, time};
use super::{Assessment, Surroundings};

/// How long a pod may be unschedulable before it counts: autoscalers and late volumes need some seconds.
const UNSCHEDULABLE_GRACE_SECONDS: i64 = 15;

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Termination {
    /// `Error`, `OOMKilled`, `Completed`.
    pub reason: String,
    pub exit_code: i64,
    pub message: String,
    pub at: Option<Timestamp>,
}

impl Termination {
    /// `OOMKilled, exit code 137`.
    pub fn words(&self) -> String {
        if self.reason.is_empty() || self.reason == "Error" {
            format!("exit code {}", self.exit_code)
        } else {
            format!("{}, exit code {}", self.reason, self.exit_code)
        }
    }
}

/// What a container does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContainerState {
    Waiting,
    Running,
    Terminated,
}

/// One container of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerRow {
    pub name: String,
    pub image: String,
    /// Runs before the others and ends; a sidecar (an init container that is restarted always) is not one.
    pub init: bool,
    /// `None` while the kubelet has said nothing about it.
    pub state: Option<ContainerState>,
    /// The reason of the state: `CrashLoopBackOff`, `ImagePullBackOff`, `Completed`.
    pub reason: String,
    pub message: String,
    pub ready: bool,
    pub restarts: i64,
    pub since: Option<Timestamp>,
    /// How it ended the last time, if it ran before or ended for good.
    pub last_terminated: Option<Termination>,
    /// Why it does not work: `CrashLoopBackOff, 3 restarts (exit code 1)`; `None` if nothing is wrong.
    pub problem: Option<String>,
}

/// The containers of a pod in the order of its spec, init containers first.
pub fn containers(pod: &Value) -> Vec<ContainerRow> {
    let restarts_failed = text(pod, "/spec/restartPolicy") != Some("Never");
    let mut rows = Vec::new();
    for (spec, statuses, init) in [
        ("/spec/initContainers", "/status/initContainerStatuses", true),
        ("/spec/containers", "/status/containerStatuses", false),
    ] {
        for container in list(pod, spec) {
            let Some(name) = text(container, "/name") else { continue };
            let status = list(pod, statuses).iter().find(|status| text(status, "/name") == Some(name));
            let sidecar = text(container, "/restartPolicy") == Some("Always");
            let image = text(container, "/image").unwrap_or_default();
            rows.push(row(name, image, init && !sidecar, status, restarts_failed));
        }
    }
    rows
}

impl ContainerRow {
    fn read_words(&mut self, state: &Value) {
        text(state, "/reason").unwrap_or_default().clone_into(&mut self.reason);
        text(state, "/message").unwrap_or_default().clone_into(&mut self.message);
    }
}

fn row(name: &str, image: &str, init: bool, status: Option<&Value>, restarts_failed: bool) -> ContainerRow {
    let mut row = ContainerRow {
        name: name.to_owned(),
        image: image.to_owned(),
        init,
        state: None,
        reason: String::new(),
        message: String::new(),
        ready: false,
        restarts: 0,
        since: None,
        last_terminated: None,
        problem: None,
    };
    let Some(status) = status else { return row };
    row.ready = status.pointer("/ready").and_then(Value::as_bool).unwrap_or(false);
    row.restarts = count(status, "/restartCount");
    row.last_terminated = status.pointer("/lastState/terminated").map(termination);
    if let Some(state) = status.pointer("/state/waiting") {
        row.state = Some(ContainerState::Waiting);
        row.read_words(state);
    } else if let Some(state) = status.pointer("/state/running") {
        row.state = Some(ContainerState::Running);
        row.since = time(state, "/startedAt");
    } else if let Some(state) = status.pointer("/state/terminated") {
        row.state = Some(ContainerState::Terminated);
        row.read_words(state);
        row.since = time(state, "/finishedAt");
        row.last_terminated = Some(termination(state));
    }
    row.problem = problem(&row, restarts_failed);
    row
}

fn termination(state: &Value) -> Termination {
    Termination {
        reason: text(state, "/reason").unwrap_or_default().to_owned(),
        exit_code: int(state, "/exitCode").unwrap_or(0),
        message: text(state, "/message").unwrap_or_default().to_owned(),
        at: time(state, "/finishedAt"),
    }
}

/// Waiting reasons that do not go away by waiting.
fn is_bad_wait(reason: &str) -> bool {
    reason.starts_with("Err")
        || reason.ends_with("Error")
        || reason.ends_with("BackOff")
        || matches!(reason, "InvalidImageName" | "ImageInspectError" | "RegistryUnavailable")
}

fn restarts(count: i64) -> String {
    match count {
        1 => "1 restart".to_owned(),
        count => format!("{count} restarts"),
    }
}

fn problem(row: &ContainerRow, restarts_failed: bool) -> Option<String> {
    match row.state? {
        ContainerState::Waiting if is_bad_wait(&row.reason) => {
            let mut words = row.reason.clone();
            if row.restarts > 0 {
                words.push_str(", ");
                words.push_str(&restarts(row.restarts));
            }
            if row.reason == "CrashLoopBackOff" {
                if let Some(last) = &row.last_terminated {
                    words = format!("{words} ({})", last.words());
                }
            } else if !row.message.is_empty() {
                words.push_str(": ");
                words.push_str(&row.message);
            }
            Some(words)
        }
        ContainerState::Terminated if row.reason == "OOMKilled" => {
            Some("OOMKilled, exit code 137".to_owned())
        }
        ContainerState::Terminated => {
            let last = row.last_terminated.as_ref()?;
            (last.exit_code != 0).then(|| {
                let again = if restarts_failed && row.restarts > 0 {
                    format!(", {}", restarts(row.restarts))
                } else {
                    String::new()
                };
                format!("{}{again}", last.words())
            })
        }
        ContainerState::Running if !row.ready && row.restarts > 0 => {
            let last = row.last_terminated.as_ref().filter(|last| last.exit_code != 0)?;
            Some(format!("not ready after {} ({})", restarts(row.restarts), last.words()))
        }
        _ => None,
    }
}

/// The container to name for a pod in trouble: the first that has a problem, init containers before the others.
pub(crate) fn culprit(rows: &[ContainerRow]) -> Option<&ContainerRow> {
    rows.iter().find(|row| row.problem.is_some())
}

fn at_container(row: &ContainerRow) -> String {
    let what = if row.init { "init container" } else { "container" };
    format!("{what} {}: {}", row.name, row.problem.as_deref().unwrap_or_default())
}

pub(super) fn pod(object: &Value, around: &Surroundings<'_>) -> Assessment {
    let rows = containers(object);
    let phase = text(object, "/status/phase").unwrap_or_default();
    let ready = condition(object, "Ready");
    match phase {
        "Succeeded" => {
            return Assessment::healthy("completed").since(rows.iter().filter_map(|row| row.since).max());
        }
        "Failed" => {
            let message = text(object, "/status/message").map(str::to_owned);
            let reason = text(object, "/status/reason");
            let words = match (reason, message, culprit(&rows)) {
                (Some(reason), Some(message), _) => format!("{reason}: {message}"),
                (_, Some(message), _) => message,
                (_, None, Some(row)) => at_container(row),
                (Some(reason), None, None) => reason.to_owned(),
                (None, None, None) => "failed".to_owned(),
            };
            return Assessment::degraded(words).since(rows.iter().filter_map(|row| row.since).max());
        }
        _ => {}
    }
    if let Some(row) = culprit(&rows) {
        let since = row.since.or(row.last_terminated.as_ref().and_then(|last| last.at));
        // A job's pod that is restarted in place has its own limit; the job says when it is over.
        let retries = row.state != Some(ContainerState::Waiting) || row.reason == "CrashLoopBackOff";
        if text(object, "/spec/restartPolicy") == Some("OnFailure") && retries {
            return Assessment::progressing(at_container(row)).since(since);
        }
        return Assessment::degraded(at_container(row)).since(since);
    }
    if let Some(scheduled) = condition(object, "PodScheduled").filter(|scheduled| scheduled.is_false()) {
        let late = match (around.now, scheduled.since()) {
            (Some(now), Some(since)) => now.as_second() - since.as_second() >= UNSCHEDULABLE_GRACE_SECONDS,
            _ => false,
        };
        let verdict = if late && scheduled.reason() == "Unschedulable" {
            Assessment::degraded(scheduled.words())
        } else {
            Assessment::progressing(scheduled.words())
        };
        return verdict.since(scheduled.since());
    }
    if phase == "Running" && ready.is_some_and(super::look::Condition::is_true) {
        return Assessment::healthy("running").since(ready.and_then(super::look::Condition::since));
    }
    if phase == "Running" && text(object, "/spec/restartPolicy").is_some_and(|policy| policy != "Always") {
        return Assessment::progressing("running").since(rows.iter().filter_map(|row| row.since).min());
    }
    if phase != "Running"
        && let Some(warning) = around.warnings.iter().find(|warning| is_stuck(&warning.reason))
    {
        return Assessment::degraded(format!("{}: {}", warning.reason, warning.message)).since(warning.at);
    }
    Assessment::progressing(not_ready(phase, &rows)).since(
        ready.and_then(super::look::Condition::since).or_else(|| time(object, "/metadata/creationTimestamp")),
    )
}

/// Events of the kubelet that keep a pod from starting.
fn is_stuck(reason: &str) -> bool {
    matches!(reason, "FailedMount" | "FailedAttachVolume" | "FailedCreatePodSandBox" | "FailedMapVolume")
}

fn not_ready(phase: &str, rows: &[ContainerRow]) -> String {
    if let Some(row) = rows.iter().find(|row| row.init && row.state == Some(ContainerState::Running)) {
        return format!("init container {} runs", row.name);
    }
    if let Some(row) =
        rows.iter().find(|row| row.state == Some(ContainerState::Waiting) && !row.reason.is_empty())
    {
        return format!("container {}: {}", row.name, row.reason);
    }
    let main: Vec<&ContainerRow> = rows.iter().filter(|row| !row.init).collect();
    let ready = main.iter().filter(|row| row.ready).count();
    match phase {
        "Running" => format!("{ready} of {} containers ready", main.len()),
        "Pending" => "starting".to_owned(),
        "" => "created".to_owned(),
        phase => phase.to_owned(),
    }
}

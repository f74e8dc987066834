//! One line that says why a release does not work: from the object of the manifest down to the container, with the
//! reason that stands lowest, because everything above it only repeats that something below is wrong.

use super::events::EventRow;
use super::health::{ContainerRow, Health, culprit};
use super::objects::ObjectRow;

/// The most telling failure of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootCause {
    /// `Deployment floe-webserver`, `Pod floe-webserver-7c9-x`, `container webserver`: replica sets between them are
    /// left out.
    pub path: Vec<String>,
    /// `CrashLoopBackOff, 3 restarts (exit code 1)`.
    pub reason: String,
    /// The row of the lowest object.
    pub row: usize,
    pub namespace: String,
    /// A hook or test failed; the release itself may do well.
    pub hook: bool,
    /// The pod to read logs of.
    pub pod: Option<String>,
    pub container: Option<String>,
    /// Whether its last words are in the log of its previous run.
    pub previous: bool,
    /// The newest warning about the lowest object, if it says more than the reason.
    pub event: Option<String>,
}

impl RootCause {
    /// `Deployment w › Pod w-1 › container web: CrashLoopBackOff, 3 restarts`.
    pub fn render(&self) -> String {
        format!("{}: {}", self.path.join(" › "), self.reason)
    }
}

/// Finds the root cause; `None` if nothing of the release is degraded or missing.
pub fn root_cause(rows: &[ObjectRow], events: &[EventRow]) -> Option<RootCause> {
    let mut best: Option<(Score, usize)> = None;
    for (at, row) in rows.iter().enumerate() {
        if row.health > Health::Missing || !row.new_revision || row.is_watcher() || !root_suffers(rows, row) {
            continue;
        }
        let score = score(row);
        // The first of equals: the order of rows is stable, so the line does not jump.
        if best.as_ref().is_none_or(|(found, _)| score > *found) {
            best = Some((score, at));
        }
    }
    let (_, at) = best?;
    let row = rows.get(at)?;
    let culprit = culprit(&row.containers);
    let mut path = path_to(rows, at);
    let mut reason = row.reason.clone();
    if let Some(container) = culprit {
        path.push(format!(
            "{} {}",
            if container.init { "init container" } else { "container" },
            container.name
        ));
        if let Some(problem) = &container.problem {
            reason.clone_from(problem);
        }
    }
    let event = events
        .iter()
        .find(|event| event.warning && !row.uid.is_empty() && event.uid == row.uid)
        .map(|event| format!("{}: {}", event.reason, event.message))
        .filter(|event| !reason.contains(event.as_str()));
    Some(RootCause {
        path,
        reason,
        row: at,
        namespace: row.namespace.clone(),
        hook: row.hook,
        pod: (row.kind == "Pod").then(|| row.name.clone()),
        container: culprit.map(|container| container.name.clone()),
        previous: culprit.is_some_and(needs_previous),
        event,
    })
}

/// A container that waits to be started again has said its last words in the run before.
fn needs_previous(container: &ContainerRow) -> bool {
    use super::health::ContainerState;
    container.restarts > 0 && container.state != Some(ContainerState::Terminated)
}

/// What decides: what the release runs before its hooks and tests, a failed object before a missing one, a container
/// with a verdict before a pod without one, and the deepest.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Score {
    own: bool,
    degraded: bool,
    container: bool,
    depth: usize,
}

fn score(row: &ObjectRow) -> Score {
    Score {
        own: !row.hook,
        degraded: row.health == Health::Degraded,
        container: culprit(&row.containers).is_some(),
        depth: row.depth,
    }
}

/// A pod that fails while its job tries again, or that a rollout replaces, is not why a release fails.
fn root_suffers(rows: &[ObjectRow], row: &ObjectRow) -> bool {
    let mut here = row;
    let mut steps = 0;
    while let Some(parent) = here.parent.and_then(|parent| rows.get(parent)) {
        here = parent;
        steps += 1;
        if steps > rows.len() {
            return false;
        }
    }
    here.health <= Health::Missing
}

fn path_to(rows: &[ObjectRow], at: usize) -> Vec<String> {
    let mut path = Vec::new();
    let mut next = Some(at);
    while let Some(row) = next.and_then(|at| rows.get(at)) {
        let between = row.kind == "ReplicaSet" && row.parent.is_some() && !path.is_empty();
        if !between {
            path.push(row.title());
        }
        if path.len() > rows.len() {
            break;
        }
        next = row.parent;
    }
    path.reverse();
    path
}

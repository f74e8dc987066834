//! Whose log is worth reading: the test or hook at work, else the container that the root cause names, else the
//! pods of jobs.

use crate::cluster::health::{ContainerRow, ContainerState, Health};
use crate::cluster::objects::{ObjectRow, ObjectsSnapshot};
use crate::cluster::root_cause::RootCause;
use crate::session::{LogRef, ReleaseRef};

/// The log of a container of a pod.
fn log(release: &ReleaseRef, row: &ObjectRow, container: &ContainerRow) -> LogRef {
    LogRef {
        context: release.context.clone(),
        namespace: row.namespace.clone(),
        pod: row.name.clone(),
        container: container.name.clone(),
        // A container that waits to be started again said its last words in the run before.
        previous: container.restarts > 0 && container.state == Some(ContainerState::Waiting),
    }
}

/// The logs of a pod's containers: what fails first, then what runs, in the order of its spec.
pub(super) fn of_pod(release: &ReleaseRef, row: &ObjectRow) -> Vec<LogRef> {
    let mut containers: Vec<&ContainerRow> =
        row.containers.iter().filter(|container| container.state.is_some()).collect();
    containers.sort_by_key(|container| {
        (container.problem.is_none(), container.state != Some(ContainerState::Running))
    });
    containers.into_iter().map(|container| log(release, row, container)).collect()
}

/// The first pod at or below a row that has something to say.
pub(super) fn pod_below(snapshot: &ObjectsSnapshot, row: usize) -> Option<&ObjectRow> {
    let own = snapshot.rows.get(row)?;
    if own.kind == "Pod" {
        return own.has_logs().then_some(own);
    }
    let mut found: Vec<&ObjectRow> = snapshot
        .rows
        .iter()
        .enumerate()
        .filter(|(at, pod)| pod.has_logs() && is_below(snapshot, *at, row))
        .map(|(_, pod)| pod)
        .collect();
    found.sort_by_key(|pod| (!pod.new_revision, pod.health));
    found.into_iter().next()
}

fn is_below(snapshot: &ObjectsSnapshot, at: usize, above: usize) -> bool {
    let mut next = snapshot.rows.get(at).and_then(|row| row.parent);
    for _ in 0..snapshot.rows.len() {
        match next {
            Some(parent) if parent == above => return true,
            Some(parent) => next = snapshot.rows.get(parent).and_then(|row| row.parent),
            None => return false,
        }
    }
    false
}

/// The log that the root cause speaks of.
pub(super) fn of_cause(release: &ReleaseRef, cause: &RootCause) -> Option<LogRef> {
    Some(LogRef {
        context: release.context.clone(),
        namespace: cause.namespace.clone(),
        pod: cause.pod.clone()?,
        container: cause.container.clone()?,
        previous: cause.previous,
    })
}

/// The log to follow without being told; `present` stays as long as nothing better speaks.
pub(super) fn automatic(
    release: &ReleaseRef,
    snapshot: &ObjectsSnapshot,
    cause: Option<&RootCause>,
    present: Option<&LogRef>,
) -> Option<LogRef> {
    let speaking: Vec<&ObjectRow> =
        snapshot.rows.iter().filter(|row| row.has_logs() && (row.hook || is_of_job(snapshot, row))).collect();
    let is_at_work =
        |row: &&ObjectRow| row.health == Health::Progressing || row.phase.as_deref() == Some("Running");
    // What is followed stays while it is at work: two tests at once do not take turns.
    if let Some(present) = present
        && speaking.iter().any(|row| is_at_work(row) && row.name == present.pod)
    {
        return Some(present.clone());
    }
    let newest = |rows: Vec<&ObjectRow>| {
        rows.into_iter().max_by_key(|row| row.created).and_then(|row| of_pod(release, row).into_iter().next())
    };
    let at_work: Vec<&ObjectRow> = speaking.iter().copied().filter(|row| is_at_work(row)).collect();
    newest(at_work)
        .or_else(|| cause.and_then(|cause| of_cause(release, cause)))
        .or_else(|| present.cloned())
        .or_else(|| newest(speaking.clone()))
}

fn is_of_job(snapshot: &ObjectsSnapshot, row: &ObjectRow) -> bool {
    row.parent.and_then(|parent| snapshot.rows.get(parent)).is_some_and(|owner| owner.kind == "Job")
}

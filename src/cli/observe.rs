//! What a cluster tells of one release: its records, its objects with their health, and why it does not do well.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::args;
use crate::base::redact::Redactor;
use crate::base::{Error, Result};
use crate::cluster::logs::LogRequest;
use crate::cluster::objects::watch::WatchRequest;
use crate::cluster::objects::{self, ObjectRow, ObjectsSnapshot, Wanted};
use crate::cluster::releases::{Driver, RevisionRow};
use crate::cluster::{Connection, Health, RootCause, root_cause};
use crate::helm::ReleaseRef;
use crate::helm::record::{Record, Status};
use crate::manifest::{self, Object};

/// How long the objects may take to be listed.
const LIST: Duration = Duration::from_secs(20);

/// Lines of a failing container's log that are shown below the root cause.
const LAST_LINES: i64 = 3;

/// Where helm keeps its records here.
pub(super) fn driver() -> Result<Driver> {
    Ok(Driver::from_env()?)
}

/// The kept revisions, newest first.
pub(super) async fn history(connection: &Connection, release: &ReleaseRef) -> Result<Vec<RevisionRow>> {
    Ok(connection.history(driver()?, &release.namespace, &release.release).await?)
}

/// The kept revisions, newest first and at least one; without one an error that says how to install.
pub(super) async fn revisions(
    connection: &Connection,
    release: &ReleaseRef,
    place: &args::Place,
) -> Result<Revisions> {
    let mut rows = history(connection, release).await?.into_iter();
    let missing = || {
        Error::new("there is no such release").at(release.to_string()).next(format!(
            "install it: floe-tui apply {} --env {}",
            place.dir.display(),
            place.env
        ))
    };
    Ok(Revisions { last: rows.next().ok_or_else(missing)?, before: rows.collect() })
}

/// What helm keeps of a release.
pub(super) struct Revisions {
    /// The newest.
    pub(super) last: RevisionRow,
    /// The others, newest first.
    before: Vec<RevisionRow>,
}

impl Revisions {
    /// All of them.
    pub(super) fn newest_first(self) -> Vec<RevisionRow> {
        std::iter::once(self.last).chain(self.before).collect()
    }
}

/// The live objects of a record, complete or as far as they are to be had in time.
pub(super) async fn objects(
    connection: &Connection,
    release: &ReleaseRef,
    wanted: Vec<Wanted>,
) -> Result<Arc<ObjectsSnapshot>> {
    let cancel = CancellationToken::new();
    let _guard = cancel.clone().drop_guard();
    let request = WatchRequest { namespace: release.namespace.clone(), wanted };
    let mut snapshots = objects::watch::watch(connection.clone(), request, cancel);
    Ok(until(&mut snapshots, LIST, |shown| !shown.is_loading()).await)
}

/// One revision's record.
pub(super) async fn record(
    connection: &Connection,
    release: &ReleaseRef,
    row: &RevisionRow,
) -> Result<Record> {
    Ok(connection.record(driver()?, &release.namespace, &row.storage).await?)
}

/// The record of what runs: the deployed one, else the last.
pub(super) async fn current(connection: &Connection, release: &ReleaseRef) -> Result<Option<Record>> {
    let history = history(connection, release).await?;
    let row = history.iter().find(|row| row.status == Status::Deployed).or_else(|| history.first());
    match row {
        Some(row) => record(connection, release, row).await.map(Some),
        None => Ok(None),
    }
}

/// Everything of a record: its manifest, hooks and tests.
pub(super) fn objects_of(record: &Record) -> Result<Vec<Object>> {
    let mut objects = manifest::parse(&record.manifest)?;
    for hook in &record.hooks {
        objects.extend(manifest::parse_from(&hook.manifest, Some(&hook.path))?);
    }
    Ok(objects)
}

/// The release's health; unknown while it is not seen whole.
pub(super) fn health(snapshot: &ObjectsSnapshot) -> Health {
    if snapshot.is_loading() { Health::Unknown } else { snapshot.health() }
}

/// Waits until a watch shows what is waited for, or the time is up; what it shows then.
pub(super) async fn until(
    snapshots: &mut watch::Receiver<Arc<ObjectsSnapshot>>,
    limit: Duration,
    reached: impl Fn(&ObjectsSnapshot) -> bool,
) -> Arc<ObjectsSnapshot> {
    let deadline = Instant::now() + limit;
    // Past the deadline, and when the watch ended, what is there is all there is.
    let _ = tokio::time::timeout_at(deadline, snapshots.wait_for(|shown| reached(shown))).await;
    snapshots.borrow().clone()
}

/// Why a release does not do well.
pub(super) struct Cause {
    /// One line.
    pub(super) line: String,
    /// The newest warning, and the last words of the container.
    pub(super) more: Vec<String>,
}

/// The root cause in words; a container's last lines are fetched.
pub(super) async fn cause(
    connection: &Connection,
    snapshot: &ObjectsSnapshot,
    redactor: &Redactor,
) -> Option<Cause> {
    let cause = root_cause(&snapshot.rows, &snapshot.events)?;
    Some(Cause { line: redactor.text(&cause.render()), more: more(connection, &cause, redactor).await })
}

/// What stands below a root cause.
pub(super) async fn more(connection: &Connection, cause: &RootCause, redactor: &Redactor) -> Vec<String> {
    let mut more = Vec::new();
    if let Some(event) = &cause.event {
        more.push(format!("event: {}", redactor.text(event)));
    }
    if let (Some(pod), Some(container)) = (&cause.pod, &cause.container) {
        let request = LogRequest {
            follow: false,
            previous: cause.previous,
            ..LogRequest::follow(&cause.namespace, pod, Some(container), LAST_LINES)
        };
        // A container that never ran has no log: the line above says why.
        let lines = connection.last_lines(&request, LAST_LINES).await.unwrap_or_default();
        more.extend(lines.iter().map(|line| format!("log: {}", redactor.text(&line.text))));
    }
    more
}

/// An object in one line: `Deployment web: 1 of 2 ready`.
pub(super) fn words(row: &ObjectRow) -> String {
    if row.reason.is_empty() { row.title() } else { format!("{}: {}", row.title(), row.reason) }
}

//! Waiting for the end of a run (`jobs run --wait`, `jobs retry --wait`), and the last words of one that failed.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::{Found, RunOf};
use crate::base::redact::Redactor;
use crate::base::{Error, Result};
use crate::cli::{DEGRADED, FAILED, OK, PENDING, out};
use crate::cluster::Connection;
use crate::cluster::health::{Run, RunPhase};
use crate::cluster::logs::LogRequest;
use crate::cluster::objects::watch::{WatchRequest, watch};
use crate::cluster::objects::{ObjectRow, ObjectsSnapshot};
use crate::operations::JobDone;

/// Lines of the log of a run that failed.
const LAST_LINES: i64 = 20;

/// How a run that was waited for came out.
pub(super) struct Waited {
    pub(super) run: RunOf,
    /// 0 succeeded, 3 failed, 4 still at work.
    pub(super) code: u8,
}

/// Where a run stands in a snapshot.
fn find<'s>(snapshot: &'s ObjectsSnapshot, done: &JobDone) -> Option<(usize, &'s ObjectRow, &'s Run)> {
    snapshot.rows.iter().enumerate().find_map(|(at, row)| {
        let same = row.kind == "Job" && row.name == done.name && row.namespace == done.namespace;
        Some((at, row, row.batch.as_ref()?.run()?)).filter(|_| same)
    })
}

/// Waits until a run has ended, or the time is up; each new phase is a line beside the result.
///
/// # Errors
/// It was never seen, or somebody removed it.
pub(super) async fn wait(
    found: &Found,
    redactor: &Redactor,
    done: &JobDone,
    limit: Duration,
) -> Result<Waited> {
    let cancel = CancellationToken::new();
    let _guard = cancel.clone().drop_guard();
    let request = WatchRequest { namespace: found.release.namespace.clone(), wanted: found.wanted.clone() };
    let mut snapshots = watch(found.connection.clone(), request, cancel);
    let mut told = None;
    let mut gone = false;
    let watching = async {
        loop {
            let snapshot = snapshots.borrow_and_update().clone();
            match find(&snapshot, done) {
                Some((_, _, run)) => {
                    if told.replace(run.phase) != Some(run.phase) {
                        out::note(&format!("{}: {}", done.name, run.phase.word()));
                    }
                    if matches!(run.phase, RunPhase::Succeeded | RunPhase::Failed) {
                        return;
                    }
                }
                None if told.is_some() && !snapshot.is_loading() => {
                    gone = true;
                    return;
                }
                None => {}
            }
            if snapshots.changed().await.is_err() {
                return;
            }
        }
    };
    let in_time = tokio::time::timeout(limit, watching).await.is_ok();
    let snapshot: Arc<ObjectsSnapshot> = snapshots.borrow().clone();
    let Some((at, row, run)) = find(&snapshot, done).filter(|_| !gone) else {
        let error = Error::new(format!("Job {} is not to be seen", done.name)).at(done.namespace.clone());
        return Err(match snapshot.fault() {
            Some(fault) => error.because(Error::from(fault.clone()).headline()),
            None if gone => error.because("somebody removed it before it ended"),
            None => error.because("it did not show in time"),
        });
    };
    let mut shown = RunOf::of(row, run, Timestamp::now(), redactor);
    shown.logs = last_words(&found.connection, &snapshot, at, redactor).await;
    let code = match run.phase {
        RunPhase::Succeeded => OK,
        RunPhase::Failed => DEGRADED,
        _ if in_time => FAILED,
        _ => PENDING,
    };
    Ok(Waited { run: shown, code })
}

/// What the container of a run that failed said last; `None` of any other, and where its pod is gone.
pub(super) async fn last_words(
    connection: &Connection,
    snapshot: &ObjectsSnapshot,
    run: usize,
    redactor: &Redactor,
) -> Option<String> {
    let row = snapshot.rows.get(run)?;
    row.batch.as_ref()?.run().filter(|run| run.phase == RunPhase::Failed)?;
    let below = snapshot.rows.iter().skip(run + 1).take_while(|own| own.depth > row.depth);
    let pods = below.filter(|own| own.kind == "Pod" && own.parent == Some(run));
    let pod = pods.max_by_key(|pod| (pod.phase.as_deref() == Some("Failed"), pod.created))?;
    let mut containers: Vec<_> = pod.containers.iter().collect();
    containers.sort_by_key(|container| (container.problem.is_none(), container.init));
    let container = containers.first().map(|container| container.name.as_str());
    let request =
        LogRequest { follow: false, ..LogRequest::follow(&pod.namespace, &pod.name, container, LAST_LINES) };
    let lines = connection.last_lines(&request, LAST_LINES).await.ok()?;
    let lines: Vec<String> = lines.iter().map(|line| redactor.text(&line.text)).collect();
    Some(lines.join("\n")).filter(|text| !text.trim().is_empty())
}

//! What asks a cluster: identity, releases, records, objects, logs. A cluster that does not answer is a state of
//! what was asked for, never an end of the program; watches connect again by themselves.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use crate::base::Error;
use crate::cluster::logs::{self, LogEnd, LogItem, LogRequest};
use crate::cluster::objects::watch::WatchRequest;
use crate::cluster::objects::{self, KindState, ObjectsSnapshot, WatchState};
use crate::cluster::releases::{self, Driver, ReleasesSnapshot};
use crate::cluster::{Connection, Fault, Kubeconfig, Pinned, Pins};
use crate::helm::record::Record;
use crate::session::{LogRef, Message, ReleaseRef};

use super::Shared;

/// After a failed connection it is tried again, each time later, up to the last.
const RETRY: [Duration; 4] =
    [Duration::from_secs(2), Duration::from_secs(5), Duration::from_secs(15), Duration::from_secs(30)];

/// The last lines of a log that are shown first.
const TAIL: i64 = 500;

/// One connection a context, opened at first use.
#[derive(Clone)]
pub(super) struct Connections {
    explicit: Option<PathBuf>,
    open: Arc<Mutex<HashMap<String, Connection>>>,
}

impl Connections {
    pub(super) fn new(explicit: Option<PathBuf>) -> Self {
        Self { explicit, open: Arc::default() }
    }

    pub(super) async fn open(&self, context: &str) -> Result<Connection, Fault> {
        if let Some(known) = self.open.lock().unwrap_or_else(PoisonError::into_inner).get(context) {
            return Ok(known.clone());
        }
        let kubeconfig = Kubeconfig::read(self.explicit.as_deref())?;
        let connection = Connection::open(&kubeconfig, context).await?;
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(context.to_owned(), connection.clone());
        Ok(connection)
    }

    /// The next use reads the kubeconfig again.
    pub(super) fn forget(&self) {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

/// Reads the kubeconfig.
pub(super) async fn kubeconfig(shared: &Shared) -> Result<Arc<Kubeconfig>, Error> {
    let explicit = shared.given.kubeconfig.clone();
    let read = tokio::task::spawn_blocking(move || Kubeconfig::read(explicit.as_deref())).await;
    let read = read.map_err(|error| Error::new("reading the kubeconfig failed").because(error))?;
    Ok(Arc::new(read?))
}

/// Reads the kubeconfig's contexts.
pub(super) async fn load_contexts(shared: Shared) {
    shared.connections.forget();
    let result = kubeconfig(&shared).await.map(|kubeconfig| kubeconfig.contexts());
    shared.answer(Message::Contexts(result)).await;
}

/// Asks a cluster who it is. At first use, and by the operator's will, it is pinned.
pub(super) async fn check(
    shared: Shared,
    cluster: String,
    context: String,
    namespace: Option<String>,
    pin_anew: bool,
) {
    let result = async {
        let connection = shared.connections.open(&context).await?;
        let found = connection.identity(namespace.as_deref()).await?;
        let mut pins = Pins::load(&shared.folders.state)?;
        let mut verdict = pins.check(&context, &found);
        if pin_anew || verdict == Pinned::New {
            pins.pin(&context, connection.server(), &found, Timestamp::now())?;
            verdict = pins.check(&context, &found);
        } else if matches!(verdict, Pinned::Matches { .. }) {
            pins.learn(&context, &found)?;
        }
        Ok((found, verdict))
    }
    .await;
    shared.answer(Message::Cluster { cluster, context, result }).await;
}

/// One revision's record; the highest, or the deployed one, without a number.
pub(super) async fn record(
    shared: &Shared,
    release: &ReleaseRef,
    revision: Option<u32>,
) -> Result<Record, Error> {
    let connection = shared.connections.open(&release.context).await?;
    let driver = Driver::from_env()?;
    let history = connection.history(driver, &release.namespace, &release.release).await?;
    let row = match revision {
        Some(wanted) => history.iter().find(|row| row.revision == wanted),
        None => history
            .iter()
            .find(|row| row.status == crate::helm::record::Status::Deployed)
            .or_else(|| history.first()),
    };
    let row = row.ok_or_else(|| {
        let what =
            revision.map_or("has no revisions".to_owned(), |n| format!("has no revision {n} (any more)"));
        Error::new(format!("the release {what}")).at(release.to_string())
    })?;
    Ok(connection.record(driver, &release.namespace, &row.storage).await?)
}

pub(super) async fn fetch_record(shared: Shared, release: ReleaseRef, revision: Option<u32>) {
    let result = record(&shared, &release, revision).await.map(Arc::new);
    shared.answer(Message::Record { release, revision, result }).await;
}

/// Connects, however long it takes; `None` when the watch is not wanted any more.
async fn connect(
    shared: &Shared,
    context: &str,
    token: &CancellationToken,
    failed: impl Fn(Fault) -> Message + Send,
) -> Option<Connection> {
    let mut tries = 0;
    loop {
        match shared.connections.open(context).await {
            Ok(connection) => return Some(connection),
            Err(fault) => shared.answer(failed(fault)).await,
        }
        let pause = RETRY.get(tries).or(RETRY.last()).copied().unwrap_or_default();
        tries += 1;
        tokio::select! {
            () = token.cancelled() => return None,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

pub(super) async fn watch_releases(
    shared: Shared,
    context: String,
    namespaces: Vec<String>,
    token: CancellationToken,
) {
    let failed = |fault: Fault| {
        let (state, at) = (WatchState::Failed(fault), Some(Timestamp::now()));
        let snapshot = ReleasesSnapshot { state, at, ..ReleasesSnapshot::default() };
        Message::Releases { context: context.clone(), snapshot: Arc::new(snapshot) }
    };
    let Some(connection) = connect(&shared, &context, &token, failed).await else { return };
    let driver = match Driver::from_env() {
        Ok(driver) => driver,
        Err(fault) => return shared.answer(failed(fault)).await,
    };
    let mut snapshots = releases::watch(connection, driver, namespaces, token);
    while snapshots.changed().await.is_ok() {
        let snapshot = snapshots.borrow_and_update().clone();
        shared.answer(Message::Releases { context: context.clone(), snapshot }).await;
    }
}

pub(super) async fn watch_objects(
    shared: Shared,
    release: ReleaseRef,
    ids: Arc<[objects::Wanted]>,
    token: CancellationToken,
) {
    // A state of the objects, like any other: the rows say it, no notice repeats it.
    let failed = |fault: Fault| {
        let state = WatchState::Failed(fault);
        let kind = KindState { state, namespace: release.namespace.clone(), ..KindState::default() };
        let snapshot =
            ObjectsSnapshot { kinds: vec![kind], at: Some(Timestamp::now()), ..ObjectsSnapshot::default() };
        Message::Objects { release: release.clone(), snapshot: Arc::new(snapshot) }
    };
    let Some(connection) = connect(&shared, &release.context, &token, failed).await else { return };
    let request = WatchRequest { namespace: release.namespace.clone(), wanted: ids.to_vec() };
    let mut snapshots = objects::watch::watch(connection, request, token);
    while snapshots.changed().await.is_ok() {
        let snapshot = snapshots.borrow_and_update().clone();
        shared.answer(Message::Objects { release: release.clone(), snapshot }).await;
    }
}

pub(super) async fn watch_log(shared: Shared, log: LogRef, token: CancellationToken) {
    let failed = |fault: Fault| Message::LogEnded { log: log.clone(), error: Some(Error::from(fault)) };
    let Some(connection) = connect(&shared, &log.context, &token, failed).await else { return };
    let mut request = LogRequest::follow(&log.namespace, &log.pod, Some(&log.container), TAIL);
    request.previous = log.previous;
    request.follow = !log.previous;
    let mut items = logs::stream(connection, request, token);
    // The watch may be wanted again after a pause: what is read now replaces what was shown before.
    shared.answer(Message::LogStarted { log: log.clone() }).await;
    let mut batch = Vec::new();
    while items.recv_many(&mut batch, 512).await > 0 {
        let (mut lines, mut dropped, mut end) = (Vec::new(), 0, None);
        for item in batch.drain(..) {
            match item {
                LogItem::Line(line) => lines.push(shared.redactor().text(&line.text)),
                LogItem::Note(note) => lines.push(format!("· {note}")),
                LogItem::Dropped(count) => dropped += count,
                LogItem::End(reason) => end = Some(reason),
            }
        }
        if !lines.is_empty() || dropped > 0 {
            shared.answer(Message::LogLines { log: log.clone(), lines, dropped }).await;
        }
        if let Some(reason) = end {
            let error = match reason {
                LogEnd::Complete => None,
                LogEnd::Gone => Some(Error::new("the pod is gone").at(log.pod.clone())),
                LogEnd::Failed(fault) => Some(Error::from(fault)),
            };
            shared.answer(Message::LogEnded { log: log.clone(), error }).await;
        }
    }
}

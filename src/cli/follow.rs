//! A running operation as lines: helm's steps and output, the health of objects as it changes, the logs of jobs, hooks
//! and tests, the root cause as soon as there is one. Following only reads: whoever stops leaves helm alone.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{observe, out};
use crate::base::redact::Redactor;
use crate::base::{Context as _, Result, time};
use crate::cluster::health::is_static;
use crate::cluster::logs::{self, LogEnd, LogItem, LogRequest};
use crate::cluster::objects::watch::{WatchRequest, watch as watch_objects};
use crate::cluster::objects::{ObjectRow, ObjectsSnapshot, Wanted};
use crate::cluster::{Connection, Health, root_cause};
use crate::operations::journal::{JournalKind, Reader};
use crate::operations::{OperationId, OperationState, OperationView, Store, Verb};

/// How long is waited for a first picture of the objects before helm is started.
const BASELINE: Duration = Duration::from_secs(5);

/// How long after helm's end the objects may take to show what it did, and logs to arrive.
const SETTLE: Duration = Duration::from_secs(30);

/// The same where helm was not to wait: then on its way is an answer.
const GLANCE: Duration = Duration::from_secs(2);

/// How long a failure may take to show its root cause.
const EXPLAIN: Duration = Duration::from_secs(4);

/// How long something must be degraded before that is the outcome: a pod may fail once and recover.
const DEGRADED: Duration = Duration::from_secs(4);

/// How long the last log lines may take.
const LAST_LOGS: Duration = Duration::from_secs(2);

/// After so much silence a line says what is waited for.
const SILENCE: Duration = Duration::from_secs(15);

/// Lines of a log that was there before it was followed.
const TAIL: i64 = 200;

/// How following ended.
pub(super) enum End {
    /// The operation is over.
    Over(Arc<OperationView>),
    /// Somebody wanted to leave; the operation goes on.
    Detached(Arc<OperationView>),
}

/// The signals by which somebody leaves. Made before helm is started, so that none ends us half-way.
pub(super) struct Leave {
    signals: [Signal; 3],
}

impl Leave {
    pub(super) fn new() -> Result<Self> {
        let of = |kind| signal(kind).context("cannot listen to signals");
        Ok(Self {
            signals: [of(SignalKind::interrupt())?, of(SignalKind::terminate())?, of(SignalKind::hangup())?],
        })
    }

    async fn wanted(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

/// What is watched of one operation.
pub(super) struct Follower {
    connection: Connection,
    redactor: Redactor,
    verb: Verb,
    /// Progress goes beside the result.
    aside: bool,
    pub(super) snapshots: watch::Receiver<Arc<ObjectsSnapshot>>,
    cancel: CancellationToken,
    /// What was last said of each object.
    known: HashMap<Key, (Health, String)>,
    /// Pods that were there before.
    before: HashSet<String>,
    /// Containers whose logs are read.
    reading: HashSet<(String, String)>,
    open_logs: usize,
    logs: (mpsc::Sender<Said>, mpsc::Receiver<Said>),
    cause: String,
    /// The path of the root cause that was explained last.
    explained: Vec<String>,
    degraded: Option<Instant>,
    begun: Instant,
    last_said: Instant,
}

type Key = (String, String, String);

/// What a task that reads says.
enum Said {
    Line(String),
    LogEnd(Option<String>),
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Follower {
    /// Begins to watch before helm is started, so that what is old is known.
    pub(super) async fn new(
        connection: Connection,
        redactor: Redactor,
        verb: Verb,
        namespace: &str,
        wanted: Vec<Wanted>,
        aside: bool,
    ) -> Self {
        let cancel = CancellationToken::new();
        let request = WatchRequest { namespace: namespace.to_owned(), wanted };
        let mut snapshots = watch_objects(connection.clone(), request, cancel.clone());
        let first = observe::until(&mut snapshots, BASELINE, |shown| !shown.is_loading()).await;
        let known =
            first.rows.iter().filter(|row| row.depth == 0).map(|row| (key(row), state(row))).collect();
        let before = first.rows.iter().filter(|row| row.kind == "Pod").map(|row| row.uid.clone()).collect();
        let now = Instant::now();
        let this = Self {
            connection,
            redactor,
            verb,
            aside,
            snapshots,
            cancel,
            known,
            before,
            reading: HashSet::new(),
            open_logs: 0,
            logs: mpsc::channel(256),
            cause: String::new(),
            explained: Vec::new(),
            degraded: None,
            begun: now,
            last_said: now,
        };
        let well =
            first.rows.iter().filter(|row| row.depth == 0 && !row.hook && row.health == Health::Healthy);
        let well = well.count();
        if well > 0 {
            this.print(&format!("{well} objects are there and healthy already"));
        }
        this
    }

    fn print(&self, words: &str) {
        let elapsed = match self.begun.elapsed() {
            short if short.as_secs() == 0 => "0s".to_owned(),
            long => time::duration(long),
        };
        let line = format!("{elapsed:>6}  {words}");
        if self.aside { out::note(&line) } else { out::line(&line) }
    }

    fn say(&mut self, words: &str) {
        self.last_said = Instant::now();
        self.print(words);
    }

    /// Follows an operation to its end, or until somebody leaves.
    pub(super) async fn follow(&mut self, store: &Store, id: &OperationId, leave: &mut Leave) -> Result<End> {
        self.begun = Instant::now();
        self.last_said = self.begun;
        let mut tail = store.tail(id)?;
        let mut entries = Reader::new(store.folder(id).join("journal.jsonl"));
        let mut view = Arc::new(tail.view().clone());
        // In a task of its own: what comes in meanwhile must not start its waiting anew.
        let (send, mut views) = mpsc::channel(16);
        let tailing = tokio::spawn(async move {
            while let Some(next) = tail.changed().await.transpose() {
                if send.send(next).await.is_err() {
                    return;
                }
            }
        });
        let mut clock = tokio::time::interval(Duration::from_secs(1));
        self.entries(&mut entries, &view)?;
        let mut over: Option<Instant> = None;
        let end = loop {
            if over.is_none() && view.state.is_over() {
                over = Some(Instant::now());
            }
            if let Some(at) = over
                && self.is_told(&view, at)
            {
                break End::Over(view);
            }
            tokio::select! {
                next = views.recv(), if over.is_none() => {
                    match next {
                        Some(next) => view = next?,
                        // The tail ends only when the operation is over.
                        None => over = Some(Instant::now()),
                    }
                    self.entries(&mut entries, &view)?;
                }
                Ok(()) = self.snapshots.changed() => {
                    let snapshot = self.snapshots.borrow_and_update().clone();
                    self.objects(&snapshot);
                }
                Some(said) = self.logs.1.recv() => self.said(said),
                () = leave.wanted(), if over.is_none() => break End::Detached(view),
                _ = clock.tick() => self.waiting(&view, over.is_some()),
            }
        };
        tailing.abort();
        Ok(end)
    }

    /// Whether everything of an operation that is over was told: its logs, and objects that show what it did.
    fn is_told(&mut self, view: &OperationView, over: Instant) -> bool {
        let elapsed = over.elapsed();
        if self.open_logs > 0 && elapsed < LAST_LOGS {
            return false;
        }
        let snapshot = self.snapshots.borrow().clone();
        let health = observe::health(&snapshot);
        let bad = health <= Health::Missing;
        self.degraded = bad.then(|| self.degraded.unwrap_or_else(Instant::now));
        match view.state {
            OperationState::Running => false,
            OperationState::Interrupted => true,
            OperationState::Failed { .. } => {
                elapsed >= EXPLAIN || root_cause(&snapshot.rows, &snapshot.events).is_some()
            }
            OperationState::Succeeded if matches!(self.verb, Verb::Test | Verb::Uninstall) => true,
            OperationState::Succeeded if !view.spec.options.wait => elapsed >= GLANCE,
            OperationState::Succeeded => {
                let settled = !snapshot.is_loading() && health >= Health::Unknown;
                let broken = self.degraded.is_some_and(|since| since.elapsed() >= DEGRADED);
                settled || broken || elapsed >= SETTLE
            }
        }
    }

    /// What the journal tells.
    fn entries(&mut self, reader: &mut Reader, view: &OperationView) -> Result<()> {
        for entry in reader.read()? {
            let steps = view.steps.len();
            let verb = |step: usize| view.spec.steps.get(step).map_or(view.spec.verb, |step| step.verb);
            match entry.kind {
                JournalKind::Started { .. } | JournalKind::Ended { .. } => {}
                JournalKind::Helm { step, pid, .. } => {
                    let release = &view.spec.release.release;
                    let words = format!(
                        "step {} of {steps}: helm {} {release} runs (pid {pid})",
                        step + 1,
                        verb(step)
                    );
                    self.say(&words);
                }
                JournalKind::Output { line, .. } if line.trim().is_empty() => {}
                JournalKind::Output { line, .. } => self.say(&format!("helm │ {line}")),
                JournalKind::Dropped { lines, .. } => {
                    self.say(&format!("helm │ … {lines} lines were not kept"));
                }
                JournalKind::InterruptAsked { .. } => self.say("an interrupt was asked for"),
                JournalKind::KillAsked { .. } => self.say("helm is killed"),
                JournalKind::StepEnded { step, code, signal } => {
                    let how = match (code, signal) {
                        (Some(code), _) => format!("exit {code}"),
                        (None, Some(signal)) => format!("signal {signal}"),
                        (None, None) => "no exit".to_owned(),
                    };
                    self.say(&format!("step {} of {steps}: helm {} ended ({how})", step + 1, verb(step)));
                }
                JournalKind::StepFailed { error, .. } => self.say(&format!("helm did not start: {error}")),
            }
        }
        Ok(())
    }

    /// What changed about the objects.
    fn objects(&mut self, snapshot: &ObjectsSnapshot) {
        for row in snapshot.rows.iter().filter(|row| row.depth == 0) {
            let now = state(row);
            let old = self.known.insert(key(row), now.clone());
            if let Some(words) = self.transition(row, old.as_ref()) {
                self.say(&words);
            }
        }
        for (index, row) in snapshot.rows.iter().enumerate() {
            if row.kind == "Pod" && row.has_logs() && is_task(snapshot, index) {
                self.read_logs(row);
            }
        }
        // What does not decide the outcome has had its own line.
        let decides = observe::health(snapshot) <= Health::Missing;
        let cause = root_cause(&snapshot.rows, &snapshot.events)
            .filter(|cause| decides || cause.hook)
            .filter(|cause| snapshot.rows.get(cause.row).is_some_and(|row| row.health == Health::Degraded));
        if let Some(cause) = cause {
            let line = self.redactor.text(&cause.render());
            // The next restart is a line; what the container says is told once.
            let known = std::mem::replace(&mut self.explained, cause.path.clone()) == cause.path;
            if line != self.cause {
                self.cause.clone_from(&line);
                self.say(&format!("{} {line}", Health::Degraded.glyph()));
                if known {
                    return;
                }
                let (connection, redactor) = (self.connection.clone(), self.redactor.clone());
                let send = self.logs.0.clone();
                tokio::spawn(async move {
                    for line in observe::more(&connection, &cause, &redactor).await {
                        let _ = send.send(Said::Line(format!("    {line}"))).await;
                    }
                });
            }
        }
    }

    /// What to say of an object; nothing where nothing new is worth a line.
    fn transition(&self, row: &ObjectRow, old: Option<&(Health, String)>) -> Option<String> {
        let same = old.is_some_and(|(health, reason)| {
            *health == row.health && (row.health != Health::Progressing || *reason == row.reason)
        });
        let was_bad = old.is_some_and(|(health, _)| matches!(health, Health::Degraded | Health::Progressing));
        let group = row.api_version.split_once('/').map_or("", |(group, _)| group);
        // That a configuration exists is no news; what has a life of its own is.
        let living = !is_static(group, &row.kind);
        let said = match row.health {
            _ if same => false,
            Health::Missing if self.verb == Verb::Uninstall => living && old.is_some(),
            // Not made yet, or a hook that is gone after its work.
            Health::Missing | Health::Unknown => false,
            Health::Healthy | Health::Suspended => living || was_bad,
            Health::Progressing | Health::Degraded => true,
        };
        let gone = row.health == Health::Missing;
        let words = self.redactor.text(&observe::words(row));
        said.then(|| {
            if gone {
                format!("  {} is gone", row.title())
            } else {
                format!("{} {:<11} {words}", row.health.glyph(), row.health.word())
            }
        })
    }

    /// Reads the logs of a pod that came with this operation, each container once.
    fn read_logs(&mut self, row: &ObjectRow) {
        if self.before.contains(&row.uid) {
            return;
        }
        for container in row.containers.iter().filter(|container| container.state.is_some()) {
            if !self.reading.insert((row.uid.clone(), container.name.clone())) {
                continue;
            }
            let request = LogRequest::follow(&row.namespace, &row.name, Some(&container.name), TAIL);
            let mut items = logs::stream(self.connection.clone(), request, self.cancel.clone());
            let (send, redactor) = (self.logs.0.clone(), self.redactor.clone());
            let label = format!("{}/{}", row.name, container.name);
            self.open_logs += 1;
            tokio::spawn(async move {
                let mut fault = None;
                while let Some(item) = items.recv().await {
                    let words = match item {
                        LogItem::Line(line) if line.text.trim().is_empty() => continue,
                        LogItem::Line(line) => redactor.text(&line.text),
                        LogItem::Dropped(count) => format!("… {count} lines were not read in time"),
                        LogItem::Note(_) | LogItem::End(LogEnd::Complete | LogEnd::Gone) => continue,
                        LogItem::End(LogEnd::Failed(end)) => {
                            fault = Some(format!("{label}: {}", crate::base::Error::from(end).headline()));
                            continue;
                        }
                    };
                    if send.send(Said::Line(format!("{label} │ {words}"))).await.is_err() {
                        return;
                    }
                }
                let _ = send.send(Said::LogEnd(fault)).await;
            });
        }
    }

    fn said(&mut self, said: Said) {
        match said {
            Said::Line(line) => self.say(&line),
            Said::LogEnd(fault) => {
                self.open_logs = self.open_logs.saturating_sub(1);
                if let Some(fault) = fault {
                    self.say(&fault);
                }
            }
        }
    }

    /// After a while of silence: what is waited for.
    fn waiting(&mut self, view: &OperationView, over: bool) {
        if self.last_said.elapsed() < SILENCE {
            return;
        }
        let snapshot = self.snapshots.borrow().clone();
        let words = match (snapshot.blocking(), snapshot.fault()) {
            (_, Some(fault)) => crate::base::Error::from(fault.clone()).headline(),
            (Some(row), None) => self.redactor.text(&observe::words(row)),
            (None, None) if over => "the last words".to_owned(),
            (None, None) => "helm".to_owned(),
        };
        let elapsed = time::duration(view.elapsed(Timestamp::now()));
        let limit = time::duration(view.spec.options.timeout);
        self.say(&format!("waiting, {elapsed} of {limit}: {words}"));
    }
}

fn key(row: &ObjectRow) -> Key {
    (row.kind.clone(), row.namespace.clone(), row.name.clone())
}

fn state(row: &ObjectRow) -> (Health, String) {
    (row.health, row.reason.clone())
}

/// Whether a pod works for a hook, a test or a job of the release: something with an end, whose log tells how it went.
fn is_task(snapshot: &ObjectsSnapshot, index: usize) -> bool {
    let Some(mut row) = snapshot.rows.get(index) else { return false };
    while let Some(parent) = row.parent.and_then(|parent| snapshot.rows.get(parent)) {
        row = parent;
    }
    row.hook || row.kind == "Job"
}

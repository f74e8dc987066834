//! Following a running operation on the terminal line by line: helm's words, the objects' health as it changes, the
//! logs of hooks, jobs and tests; and what it all came to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::out;
use crate::base::redact::Redactor;
use crate::base::{Result, time};
use crate::cluster::health::is_static;
use crate::cluster::logs::{self, LogItem, LogRequest};
use crate::cluster::objects::watch::WatchRequest;
use crate::cluster::objects::{ObjectRow, ObjectsSnapshot, Wanted, watch as watch_objects};
use crate::cluster::releases::Driver;
use crate::cluster::{Connection, Health, root_cause};
use crate::helm::ReleaseRef;
use crate::operations::outcome::{Witness, judge};
use crate::operations::store::Tail;
use crate::operations::{OperationView, Outcome, Verb};

/// How long a release that helm called ready may take to show as healthy, or to show that it is not.
const SETTLE: Duration = Duration::from_secs(30);

/// How long something must be degraded before that is the outcome: a pod may fail once and recover.
const DEGRADED: Duration = Duration::from_secs(4);

/// Log lines printed of one container.
const LOG_LINES: usize = 200;

/// How following ended.
pub(super) enum Followed {
    /// The operation is over.
    Over(Box<Outcome>),
    /// The operator left; helm goes on.
    Detached,
}

/// Follows operations of one release.
pub(super) struct Follower {
    pub(super) connection: Connection,
    pub(super) redactor: Arc<Redactor>,
    /// Print nothing while it runs.
    pub(super) quiet: bool,
    pub(super) cancel: CancellationToken,
    shown: BTreeMap<(String, String), (Health, String)>,
    logged: BTreeSet<(String, String)>,
    logs_out: mpsc::Sender<String>,
    logs_in: mpsc::Receiver<String>,
    started: Timestamp,
    /// Whether the first whole snapshot was seen.
    begun: bool,
}

impl Drop for Follower {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Follower {
    pub(super) fn new(connection: Connection, redactor: Arc<Redactor>, quiet: bool) -> Self {
        let (logs_out, logs_in) = mpsc::channel(256);
        Self {
            connection,
            redactor,
            quiet,
            cancel: CancellationToken::new(),
            shown: BTreeMap::new(),
            logged: BTreeSet::new(),
            logs_out,
            logs_in,
            started: Timestamp::now(),
            begun: false,
        }
    }

    /// Follows to the end and judges.
    pub(super) async fn follow(&mut self, mut tail: Tail) -> Result<Followed> {
        let spec = tail.view().spec.clone();
        let mut snapshots = watch_release(
            &self.connection,
            &spec.release,
            spec.objects.iter().map(Wanted::from).collect(),
            self.cancel.clone(),
        );
        let mut printed = 0;
        let mut view = Arc::new(tail.view().clone());
        self.print_output(&view, &mut printed);
        while view.is_running() {
            tokio::select! {
                changed = tail.changed() => match changed? {
                    Some(next) => {
                        view = next;
                        self.print_output(&view, &mut printed);
                    }
                    None => break,
                },
                Ok(()) = snapshots.changed() => {
                    let snapshot = snapshots.borrow_and_update().clone();
                    self.print_objects(&snapshot, &spec.release);
                }
                Some(line) = self.logs_in.recv() => self.say(&line),
                _ = tokio::signal::ctrl_c() => return Ok(Followed::Detached),
            }
        }
        let witness = self.witness(&view, &mut snapshots).await;
        while let Ok(line) = self.logs_in.try_recv() {
            self.say(&line);
        }
        Ok(Followed::Over(Box::new(judge(&view, &witness))))
    }

    /// What the record and the objects say after helm ended.
    async fn witness(
        &mut self,
        view: &OperationView,
        snapshots: &mut watch::Receiver<Arc<ObjectsSnapshot>>,
    ) -> Witness {
        let mut witness = Witness::default();
        let release = view.spec.release.clone();
        if let Ok(driver) = Driver::from_env()
            && let Ok(history) = self.connection.history(driver, &release.namespace, &release.release).await
        {
            witness.looked = true;
            witness.last = history.first().map(|row| (row.revision, row.status));
        }
        if view.spec.verb == Verb::Uninstall
            || (view.spec.verb == Verb::Test && judge(view, &witness).verdict.exit_code() == 0)
        {
            return witness;
        }
        // A failure is explained by what is to be seen now; a success has to show itself.
        let succeeded = judge(view, &witness).verdict.exit_code() == 0;
        let limit = match (succeeded, view.spec.options.wait) {
            (false, _) => Duration::from_secs(5),
            (true, true) => SETTLE,
            (true, false) => view.spec.options.timeout,
        };
        let deadline = Instant::now() + limit;
        let mut degraded: Option<Instant> = None;
        loop {
            let snapshot = snapshots.borrow_and_update().clone();
            self.print_objects(&snapshot, &release);
            witness.look(&snapshot);
            if let Some(health) = witness.health.filter(|_| !snapshot.is_loading()) {
                degraded = (health <= Health::Missing).then(|| degraded.unwrap_or_else(Instant::now));
                let bad = degraded.is_some_and(|since| since.elapsed() >= DEGRADED);
                let done = if succeeded {
                    bad || health >= Health::Unknown
                } else {
                    root_cause(&snapshot.rows, &snapshot.events).is_some()
                };
                if done {
                    break;
                }
            }
            if Instant::now() >= deadline {
                break;
            }
            let step = Duration::from_millis(500).min(deadline.saturating_duration_since(Instant::now()));
            let _ = tokio::time::timeout(step, snapshots.changed()).await;
        }
        let snapshot = snapshots.borrow().clone();
        witness.cause = cause(&self.connection, &snapshot, &self.redactor).await;
        witness
    }

    fn print_output(&self, view: &OperationView, printed: &mut u64) {
        let total = view.lost + view.lines.len() as u64;
        let new = usize::try_from(total - *printed).unwrap_or(usize::MAX).min(view.lines.len());
        for line in view.lines.iter().skip(view.lines.len() - new) {
            self.say(&format!("helm | {}", line.text));
        }
        *printed = total;
    }

    fn say(&self, text: &str) {
        if !self.quiet {
            let elapsed =
                Duration::try_from(Timestamp::now().duration_since(self.started)).unwrap_or_default();
            let elapsed = if elapsed.as_secs() == 0 { "0s".to_owned() } else { time::duration(elapsed) };
            out::line(&format!("{elapsed:>6}  {text}"));
        }
    }

    /// Prints every object whose health or reason is another one, and starts the logs of hooks, tests and failures.
    fn print_objects(&mut self, snapshot: &ObjectsSnapshot, release: &ReleaseRef) {
        if snapshot.is_loading() {
            return;
        }
        if !std::mem::replace(&mut self.begun, true) {
            self.take_for_granted(snapshot);
        }
        for row in &snapshot.rows {
            let fails = row.kind == "Pod" && row.health == Health::Degraded;
            if row.has_logs() && (row.hook || fails) {
                self.start_logs(row);
            }
            // Of what the manifest does not name only failures are told. A hook that is not there yet is no news.
            if (row.depth > 0 && !fails && !(row.hook && row.kind == "Pod"))
                || (row.hook && row.uid.is_empty())
            {
                continue;
            }
            let key = (row.kind.clone(), row.name.clone());
            let now = (row.health, row.reason.clone());
            let before = self.shown.get(&key);
            // What is not there yet is no news, nor that a configuration exists: that it goes again is.
            let group = row.api_version.split_once('/').map_or("", |(group, _)| group);
            let expected = row.health == Health::Missing
                || row.health == Health::Unknown
                || (row.health == Health::Healthy && is_static(group, &row.kind));
            if before == Some(&now) || (before.is_none() && expected) {
                if before.is_none() && !row.uid.is_empty() {
                    self.shown.insert(key, now);
                }
                continue;
            }
            // The reason alone changes often while something rolls out; its health tells more.
            let quiet =
                before.is_some_and(|(health, _)| *health == row.health) && row.health >= Health::Progressing;
            self.shown.insert(key, now);
            if !quiet {
                self.say(&line(row, release));
            }
        }
    }

    /// What was well before is no news, and what earlier hooks and tests said was told then.
    fn take_for_granted(&mut self, snapshot: &ObjectsSnapshot) {
        let mut well = 0;
        for row in &snapshot.rows {
            let age = row.created.map(|at| self.started.duration_since(at).as_secs());
            let old = age.is_some_and(|age| age > 3);
            if old && row.hook {
                for container in &row.containers {
                    self.logged.insert((row.uid.clone(), container.name.clone()));
                }
            }
            if old && (row.hook || row.health == Health::Healthy) {
                well += usize::from(row.depth == 0 && !row.hook);
                self.shown.insert((row.kind.clone(), row.name.clone()), (row.health, row.reason.clone()));
            }
        }
        if well > 0 {
            self.say(&format!("{well} objects are there and healthy already"));
        }
    }

    fn start_logs(&mut self, row: &ObjectRow) {
        for container in row.containers.iter().filter(|container| container.state.is_some()) {
            if !self.logged.insert((row.uid.clone(), container.name.clone())) {
                continue;
            }
            let request = LogRequest::follow(&row.namespace, &row.name, Some(&container.name), 20);
            let mut items = logs::stream(self.connection.clone(), request, self.cancel.clone());
            let (send, redactor) = (self.logs_out.clone(), Arc::clone(&self.redactor));
            let name = format!("{}/{}", row.name, container.name);
            tokio::spawn(async move {
                let mut lines = 0;
                while let Some(item) = items.recv().await {
                    if let LogItem::Line(line) = item {
                        lines += 1;
                        if lines > LOG_LINES
                            || send.send(format!("{name} | {}", redactor.text(&line.text))).await.is_err()
                        {
                            return;
                        }
                    }
                }
            });
        }
    }
}

/// `✓ Deployment web healthy: 1/1`.
pub(super) fn line(row: &ObjectRow, release: &ReleaseRef) -> String {
    let place = if row.namespace.is_empty() || row.namespace == release.namespace {
        String::new()
    } else {
        format!(" in {}", row.namespace)
    };
    let hook = if row.hook { " (hook)" } else { "" };
    let replicas =
        row.replicas.map(|replicas| format!(" {}/{}", replicas.ready, replicas.desired)).unwrap_or_default();
    let reason = if row.reason.is_empty() { String::new() } else { format!(": {}", row.reason) };
    format!("{} {}{place}{hook} {}{replicas}{reason}", row.health.glyph(), row.title(), row.health)
}

/// Watches the objects of a release.
pub(super) fn watch_release(
    connection: &Connection,
    release: &ReleaseRef,
    wanted: Vec<Wanted>,
    cancel: CancellationToken,
) -> watch::Receiver<Arc<ObjectsSnapshot>> {
    let request = WatchRequest { namespace: release.namespace.clone(), wanted };
    watch_objects::watch(connection.clone(), request, cancel)
}

/// The root cause in one line, with the container's last words.
pub(super) async fn cause(
    connection: &Connection,
    snapshot: &ObjectsSnapshot,
    redactor: &Redactor,
) -> Option<String> {
    let cause = root_cause(&snapshot.rows, &snapshot.events)?;
    let mut text = cause.render();
    let mut words = None;
    if let Some(pod) = &cause.pod {
        let request = LogRequest {
            container: cause.container.clone(),
            follow: false,
            tail: Some(5),
            since: None,
            previous: cause.previous,
            namespace: cause.namespace.clone(),
            pod: pod.clone(),
        };
        if let Ok(lines) = connection.last_lines(&request, 5).await {
            words = lines.into_iter().rev().map(|line| line.text).find(|line| !line.trim().is_empty());
        }
    }
    if let Some(words) = words {
        text = format!("{text}; last line: {}", redactor.text(&words));
    } else if let Some(event) = &cause.event {
        text = format!("{text}; {event}");
    }
    Some(text)
}

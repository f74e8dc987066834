//! Logs of a container as lines: bounded, neutralised, and kept up when the connection is cut.
//!
//! The server is asked for timestamps, so that after a cut the stream goes on behind the last line without
//! repeating it. A reader that is slower than the container loses lines, never memory, and is told how many.

use std::time::Duration;

use futures::{AsyncBufReadExt as _, StreamExt as _};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::{ListParams, LogParams};
use serde_json::Value;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::fault::{Fault, clean};
use super::feed::Backoff;
use super::health::{ContainerState, containers, text};

/// How many lines wait for a slow reader before lines are dropped.
const BUFFER: usize = 2048;

/// Longer lines are cut: they are data, not text, and one must not fill the memory.
const LINE_LIMIT: usize = 16 * 1024;

/// How often a container that has not started is looked at.
const WAIT: Duration = Duration::from_secs(1);

/// What to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogRequest {
    pub namespace: String,
    pub pod: String,
    /// `None` for the only container, or the first.
    pub container: Option<String>,
    /// Stay at the end, and wait for a container that has not started.
    pub follow: bool,
    /// The last lines only.
    pub tail: Option<i64>,
    /// Only what is newer.
    pub since: Option<Duration>,
    /// The container's run before this one.
    pub previous: bool,
}

impl LogRequest {
    /// The last lines of a container, then whatever comes.
    pub fn follow(namespace: &str, pod: &str, container: Option<&str>, tail: i64) -> Self {
        Self {
            namespace: namespace.to_owned(),
            pod: pod.to_owned(),
            container: container.map(str::to_owned),
            follow: true,
            tail: Some(tail),
            since: None,
            previous: false,
        }
    }
}

/// What comes out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogItem {
    Line(LogLine),
    /// So many lines were dropped here, because the reader was slower than the container.
    Dropped(usize),
    /// What happens meanwhile: `waiting: ContainerCreating`, `connection lost, reading on`.
    Note(String),
    /// Nothing comes after it.
    End(LogEnd),
}

/// One line, without its line end, neutralised.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// When the container wrote it, where the server says so.
    pub at: Option<Timestamp>,
    pub text: String,
}

/// Why a log ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogEnd {
    /// All there is, or the container ended for good.
    Complete,
    /// The pod is gone.
    Gone,
    Failed(Fault),
}

/// Streams a log until it ends, the token is cancelled, or the receiver is dropped.
pub fn stream(
    connection: Connection,
    request: LogRequest,
    cancel: CancellationToken,
) -> mpsc::Receiver<LogItem> {
    let (send, receive) = mpsc::channel(BUFFER);
    tokio::spawn(async move {
        let closed = send.clone();
        tokio::select! {
            biased;
            () = cancel.cancelled() => {}
            () = closed.closed() => {}
            () = read_all(&connection, &request, send) => {}
        }
    });
    receive
}

/// As [`stream`], for the newest pod of a job, which is waited for.
pub fn stream_job(
    connection: Connection,
    namespace: String,
    job: String,
    container: Option<String>,
    cancel: CancellationToken,
) -> mpsc::Receiver<LogItem> {
    let (send, receive) = mpsc::channel(BUFFER);
    tokio::spawn(async move {
        let closed = send.clone();
        let work = async {
            let mut waiting = false;
            loop {
                match connection.pods_of_job(&namespace, &job).await {
                    Ok(pods) => {
                        if let Some(pod) = pods.into_iter().next() {
                            let request = LogRequest {
                                container: container.clone(),
                                tail: None,
                                ..LogRequest::follow(&namespace, &pod, None, 0)
                            };
                            return read_all(&connection, &request, send).await;
                        }
                    }
                    Err(fault) => {
                        let _ = send.send(LogItem::End(LogEnd::Failed(fault))).await;
                        return;
                    }
                }
                if !waiting {
                    waiting = true;
                    let _ = send.send(LogItem::Note(format!("waiting for a pod of job {job}"))).await;
                }
                tokio::time::sleep(WAIT).await;
            }
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => {}
            () = closed.closed() => {}
            () = work => {}
        }
    });
    receive
}

impl Connection {
    /// The pods of a job, newest first.
    pub async fn pods_of_job(&self, namespace: &str, job: &str) -> Result<Vec<String>, Fault> {
        let api: Api<Pod> = Api::namespaced(self.client(), namespace);
        let params = ListParams::default().labels(&format!("job-name={job}"));
        let mut pods = self.once(&format!("list pods in {namespace}"), api.list(&params)).await?.items;
        pods.sort_by_key(|pod| std::cmp::Reverse(pod.metadata.creation_timestamp.clone().map(|at| at.0)));
        Ok(pods.into_iter().filter_map(|pod| pod.metadata.name).collect())
    }

    /// The last lines of a container at once: for the line below a root cause.
    pub async fn last_lines(&self, request: &LogRequest, count: i64) -> Result<Vec<LogLine>, Fault> {
        let api: Api<Pod> = Api::namespaced(self.client(), &request.namespace);
        let params = LogParams { follow: false, tail_lines: Some(count), ..params(request, None) };
        let doing = format!("read the log of {}", request.pod);
        let text = self.once(&doing, api.logs(&request.pod, &params)).await?;
        Ok(text.lines().map(|line| split(line.as_bytes())).collect())
    }
}

/// Hands lines to a reader that may be slow.
struct Outlet {
    send: mpsc::Sender<LogItem>,
    dropped: usize,
}

impl Outlet {
    /// `Err` when nobody reads any more.
    fn line(&mut self, line: LogLine) -> Result<(), ()> {
        // One place stays free for the word that lines were dropped.
        if self.dropped > 0 && self.send.capacity() >= BUFFER / 4 {
            self.send.try_send(LogItem::Dropped(self.dropped)).map_err(|_| ())?;
            self.dropped = 0;
        }
        if self.dropped > 0 {
            self.dropped += 1;
            return Ok(());
        }
        match self.send.try_send(LogItem::Line(line)) {
            Ok(()) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => {
                self.dropped += 1;
                Ok(())
            }
            Err(mpsc::error::TrySendError::Closed(_)) => Err(()),
        }
    }

    async fn say(&mut self, item: LogItem) {
        if self.dropped > 0 {
            let _ = self.send.send(LogItem::Dropped(std::mem::take(&mut self.dropped))).await;
        }
        let _ = self.send.send(item).await;
    }
}

/// Where the reader stands: the time of the last line and how many lines had that very time.
#[derive(Default)]
struct Mark {
    at: Option<Timestamp>,
    same: usize,
    /// Lines to skip after a cut: those of the mark's time come again.
    skip: usize,
}

impl Mark {
    /// Whether a line is new.
    fn pass(&mut self, line: &LogLine) -> bool {
        let Some(at) = line.at else { return true };
        match self.at {
            Some(last) if at < last => return false,
            Some(last) if at == last => {
                if self.skip > 0 {
                    self.skip -= 1;
                    return false;
                }
                self.same += 1;
            }
            _ => {
                self.at = Some(at);
                self.same = 1;
                self.skip = 0;
            }
        }
        true
    }

    fn cut(&mut self) {
        self.skip = self.same;
    }
}

async fn read_all(connection: &Connection, request: &LogRequest, send: mpsc::Sender<LogItem>) {
    let api: Api<Pod> = Api::namespaced(connection.client(), &request.namespace);
    let doing = format!("read the log of {}", request.pod);
    let mut outlet = Outlet { send, dropped: 0 };
    let mut mark = Mark::default();
    let mut backoff = Backoff::default();
    let mut said = String::new();
    loop {
        let mut fault = None;
        match api.log_stream(&request.pod, &params(request, mark.at)).await {
            Ok(reader) => {
                let mut lines = reader.lines_limited();
                mark.cut();
                while let Some(line) = lines.next().await {
                    let Ok(line) = line else { break };
                    backoff.reset();
                    let line = split(&line);
                    if mark.pass(&line) && outlet.line(line).is_err() {
                        return;
                    }
                }
                if !request.follow || request.previous {
                    return outlet.say(LogItem::End(LogEnd::Complete)).await;
                }
            }
            Err(error) => fault = Some(connection.fault(&doing, &error)),
        }
        // The stream ended or did not begin: the pod tells why.
        let pod = connection.once(&doing, api.get_opt(&request.pod)).await;
        let end = match (pod, fault) {
            (Ok(None), _) => Some(LogEnd::Gone),
            (_, Some(fault @ (Fault::Forbidden { .. } | Fault::NeedsLogin { .. }))) => {
                Some(LogEnd::Failed(fault))
            }
            (Ok(Some(pod)), fault) => match standing(&pod, request) {
                Standing::Ended if fault.is_none() || request.follow => Some(LogEnd::Complete),
                Standing::Waiting(reason) if request.follow => {
                    let note = format!("waiting: {reason}");
                    if note != said {
                        said.clone_from(&note);
                        outlet.say(LogItem::Note(note)).await;
                    }
                    tokio::time::sleep(WAIT).await;
                    continue;
                }
                _ => fault.filter(|_| !request.follow).map(LogEnd::Failed),
            },
            (Err(fault), _) if !request.follow => Some(LogEnd::Failed(fault)),
            (Err(fault), _) => {
                let note = format!("{}, trying again", fault.word());
                if note != said {
                    said.clone_from(&note);
                    outlet.say(LogItem::Note(note)).await;
                }
                None
            }
        };
        if let Some(end) = end {
            return outlet.say(LogItem::End(end)).await;
        }
        tokio::time::sleep(backoff.next()).await;
    }
}

/// How the container whose log is read does.
enum Standing {
    Running,
    Waiting(String),
    /// It will not write any more.
    Ended,
}

fn standing(pod: &Pod, request: &LogRequest) -> Standing {
    let Ok(mut value) = serde_json::to_value(pod) else { return Standing::Running };
    if let Some(map) = value.as_object_mut() {
        map.insert("kind".to_owned(), Value::String("Pod".to_owned()));
    }
    let phase = text(&value, "/status/phase").unwrap_or_default();
    if matches!(phase, "Succeeded" | "Failed") {
        return Standing::Ended;
    }
    let rows = containers(&value);
    let row = match &request.container {
        Some(name) => rows.iter().find(|row| row.name == *name),
        None => rows.iter().find(|row| !row.init),
    };
    let Some(row) = row else { return Standing::Waiting("no such container yet".to_owned()) };
    match row.state {
        Some(ContainerState::Running) => Standing::Running,
        Some(ContainerState::Waiting) if row.reason == "CrashLoopBackOff" => {
            Standing::Waiting(clean(row.problem.as_deref().unwrap_or("CrashLoopBackOff")))
        }
        Some(ContainerState::Waiting) => Standing::Waiting(clean(&row.reason)),
        Some(ContainerState::Terminated)
            if row.init || text(&value, "/spec/restartPolicy") == Some("Never") =>
        {
            Standing::Ended
        }
        Some(ContainerState::Terminated) => Standing::Waiting("it is started again".to_owned()),
        None => Standing::Waiting("it is not started yet".to_owned()),
    }
}

fn params(request: &LogRequest, mark: Option<Timestamp>) -> LogParams {
    LogParams {
        container: request.container.clone(),
        follow: request.follow && !request.previous,
        previous: request.previous,
        timestamps: true,
        tail_lines: if mark.is_some() { None } else { request.tail },
        since_time: mark,
        since_seconds: if mark.is_some() {
            None
        } else {
            request.since.and_then(|since| i64::try_from(since.as_secs()).ok())
        },
        ..LogParams::default()
    }
}

/// Takes the timestamp off a line; without one the whole line is text.
fn split(line: &[u8]) -> LogLine {
    let line = String::from_utf8_lossy(line);
    let line = line.trim_end_matches(['\n', '\r']);
    let (at, words) = match line.split_once(' ') {
        Some((head, rest)) => match head.parse::<Timestamp>() {
            Ok(at) => (Some(at), rest),
            Err(_) => (None, line),
        },
        None => match line.parse::<Timestamp>() {
            Ok(at) => (Some(at), ""),
            Err(_) => (None, line),
        },
    };
    LogLine { at, text: clean(words) }
}

/// Lines of at most [`LINE_LIMIT`] bytes.
trait LinesLimited: futures::AsyncBufRead + Unpin + Sized {
    fn lines_limited(self) -> impl futures::Stream<Item = std::io::Result<Vec<u8>>> + Unpin {
        Box::pin(futures::stream::unfold(Some(self), |reader| async move {
            let mut reader = reader?;
            let mut line = Vec::new();
            loop {
                let (taken, done) = match reader.fill_buf().await {
                    Ok([]) => {
                        return if line.is_empty() { None } else { Some((Ok(line), None)) };
                    }
                    Ok(bytes) => {
                        let end = bytes.iter().position(|byte| *byte == b'\n');
                        let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or_default();
                        let room = LINE_LIMIT.saturating_sub(line.len());
                        line.extend_from_slice(part.get(..room.min(part.len())).unwrap_or_default());
                        (end.map_or(bytes.len(), |end| end + 1), end.is_some())
                    }
                    Err(error) => return Some((Err(error), None)),
                };
                std::pin::Pin::new(&mut reader).consume(taken);
                if done {
                    return Some((Ok(line), Some(reader)));
                }
            }
        }))
    }
}

impl<R: futures::AsyncBufRead + Unpin> LinesLimited for R {}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
mod tests {
    use super::*;

    fn line(at: &str, text: &str) -> LogLine {
        LogLine { at: Some(at.parse().unwrap()), text: text.to_owned() }
    }

    #[test]
    fn the_timestamp_is_taken_off_and_control_is_taken_out() {
        assert_eq!(
            split(b"2026-11-21T10:00:00.5Z hello \x1b[31mred\r\n").at,
            Some("2026-11-21T10:00:00.5Z".parse().unwrap())
        );
        assert!(!split(b"2026-11-21T10:00:00Z \x1b[31mred").text.contains('\u{1b}'));
        assert_eq!(split(b"no time here"), LogLine { at: None, text: "no time here".into() });
        assert_eq!(split(b"2026-11-21T10:00:00Z "), line("2026-11-21T10:00:00Z", ""));
    }

    #[test]
    fn after_a_cut_no_line_comes_twice_and_none_is_lost() {
        let (t1, t2, t3) = ("2026-11-21T10:00:01Z", "2026-11-21T10:00:02Z", "2026-11-21T10:00:03Z");
        let mut mark = Mark::default();
        for seen in [line(t1, "a"), line(t2, "b"), line(t2, "c")] {
            assert!(mark.pass(&seen));
        }
        mark.cut();
        let again = [line(t2, "b"), line(t2, "c"), line(t2, "d"), line(t3, "e")];
        let new: Vec<&str> =
            again.iter().filter(|line| mark.pass(line)).map(|line| line.text.as_str()).collect();
        assert_eq!(new, ["d", "e"]);
    }

    #[tokio::test]
    async fn a_slow_reader_loses_lines_and_is_told_how_many() {
        let (send, mut receive) = mpsc::channel(BUFFER);
        let mut outlet = Outlet { send, dropped: 0 };
        for number in 0..BUFFER + 100 {
            outlet.line(LogLine { at: None, text: number.to_string() }).unwrap();
        }
        for _ in 0..BUFFER {
            assert!(matches!(receive.recv().await, Some(LogItem::Line(_))));
        }
        outlet.line(LogLine { at: None, text: "last".into() }).unwrap();
        assert_eq!(receive.recv().await, Some(LogItem::Dropped(100)));
        assert_eq!(receive.recv().await, Some(LogItem::Line(LogLine { at: None, text: "last".into() })));
    }

    #[tokio::test]
    async fn a_line_without_end_is_cut_and_the_next_one_is_whole() {
        let mut bytes = vec![b'x'; LINE_LIMIT * 3];
        bytes.extend_from_slice(b"\nnext\nopen");
        let lines: Vec<Vec<u8>> =
            futures::io::BufReader::new(&bytes[..]).lines_limited().map(Result::unwrap).collect().await;
        assert_eq!(lines[0].len(), LINE_LIMIT);
        assert_eq!(&lines[1..], [b"next".to_vec(), b"open".to_vec()]);
    }

    /// Everything until the end; fails when it does not come.
    async fn collect(mut items: mpsc::Receiver<LogItem>) -> Vec<LogItem> {
        let mut all = Vec::new();
        let read = async {
            while let Some(item) = items.recv().await {
                all.push(item);
            }
        };
        assert!(tokio::time::timeout(Duration::from_mins(10), read).await.is_ok(), "the log never ended");
        all
    }

    fn texts(items: &[LogItem]) -> Vec<&str> {
        items
            .iter()
            .filter_map(|item| match item {
                LogItem::Line(line) => Some(line.text.as_str()),
                _ => None,
            })
            .collect()
    }

    fn pod(phase: &str, state: Value) -> Value {
        serde_json::json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "n"},
            "spec": {"restartPolicy": "Always", "containers": [{"name": "web"}]},
            "status": {"phase": phase, "containerStatuses": [
                {"name": "web", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state}]}})
    }

    #[tokio::test(start_paused = true)]
    async fn a_cut_stream_goes_on_behind_its_last_line_until_the_pod_is_gone() {
        use crate::cluster::fake::{Reply, connection};
        use std::sync::atomic::{AtomicUsize, Ordering};
        let (reads, looks) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let (connection, calls) = connection(move |_, path, _| {
            if path.ends_with("/log") {
                return Reply::Text(match reads.fetch_add(1, Ordering::SeqCst) {
                    0 => "2026-11-21T10:00:01Z one\n2026-11-21T10:00:02Z two\n".to_owned(),
                    _ => "2026-11-21T10:00:02Z two\n2026-11-21T10:00:03Z three\n".to_owned(),
                });
            }
            match looks.fetch_add(1, Ordering::SeqCst) {
                0 => Reply::Json(200, pod("Running", serde_json::json!({"running": {}}))),
                _ => Reply::refuse(404, "NotFound", "pods \"p\" not found"),
            }
        });
        let request = LogRequest::follow("n", "p", Some("web"), 100);
        let items = collect(stream(connection, request, CancellationToken::new())).await;
        assert_eq!(texts(&items), ["one", "two", "three"]);
        assert_eq!(items.last(), Some(&LogItem::End(LogEnd::Gone)));
        let calls = calls.lock().unwrap();
        let reads: Vec<&String> = calls.iter().filter(|call| call.contains("/log?")).collect();
        assert!(reads[0].contains("tailLines=100") && reads[0].contains("follow=true"), "{reads:?}");
        assert!(reads[1].contains("sinceTime=2026-11-21T10") && !reads[1].contains("tailLines"), "{reads:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_container_that_has_not_started_is_waited_for_and_the_reason_is_said_once() {
        use crate::cluster::fake::{Reply, connection};
        use std::sync::atomic::{AtomicUsize, Ordering};
        let reads = AtomicUsize::new(0);
        let (connection, _) = connection(move |_, path, _| {
            let read = reads.load(Ordering::SeqCst);
            if path.ends_with("/log") {
                return match reads.fetch_add(1, Ordering::SeqCst) {
                    0..=4 => Reply::refuse(400, "BadRequest", "container \"web\" is waiting to start"),
                    _ => Reply::Text("2026-11-21T10:00:01Z up\n".to_owned()),
                };
            }
            match read {
                0..=5 => Reply::Json(
                    200,
                    pod("Pending", serde_json::json!({"waiting": {"reason": "ContainerCreating"}})),
                ),
                _ => Reply::Json(200, pod("Succeeded", serde_json::json!({"terminated": {"exitCode": 0}}))),
            }
        });
        let request = LogRequest::follow("n", "p", None, 10);
        let items = collect(stream(connection, request, CancellationToken::new())).await;
        assert_eq!(
            items,
            [
                LogItem::Note("waiting: ContainerCreating".into()),
                LogItem::Line(line("2026-11-21T10:00:01Z", "up")),
                LogItem::End(LogEnd::Complete),
            ]
        );
    }

    #[tokio::test(start_paused = true)]
    async fn without_the_right_to_read_logs_it_ends_with_that() {
        use crate::cluster::fake::{Reply, connection};
        let (connection, _) = connection(|_, path, _| {
            if path.ends_with("/log") {
                Reply::refuse(403, "Forbidden", "cannot get resource pods/log")
            } else {
                Reply::Json(200, pod("Running", serde_json::json!({"running": {}})))
            }
        });
        let request = LogRequest::follow("n", "p", None, 10);
        let items = collect(stream(connection, request, CancellationToken::new())).await;
        assert!(
            matches!(items.as_slice(), [LogItem::End(LogEnd::Failed(Fault::Forbidden { .. }))]),
            "{items:?}"
        );
    }
}

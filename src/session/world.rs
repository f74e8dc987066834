//! What the world last answered: clusters, releases, records, objects, logs, operations. Everything here is a
//! cache with an age; losing it loses nothing the user typed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;

use crate::base::Error;
use crate::cluster::objects::ObjectsSnapshot;
use crate::cluster::releases::ReleasesSnapshot;
use crate::cluster::{Identity, Pinned};
use crate::helm::record::Record;
use crate::operations::{OperationId, OperationView};

use super::effect::LogRef;
use super::selection::ReleaseRef;

/// Something that is asked for once: the faces that a pane owes.
#[derive(Debug, Clone)]
pub enum Fetched<T> {
    /// Not asked yet, or the answer is on its way.
    Awaited {
        since: Timestamp,
    },
    Ready {
        value: T,
        at: Timestamp,
    },
    Failed {
        error: Error,
        at: Timestamp,
    },
}

impl<T> Fetched<T> {
    /// The value, if it is there.
    pub fn ready(&self) -> Option<&T> {
        match self {
            Self::Ready { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The failure, if it failed.
    pub fn error(&self) -> Option<&Error> {
        match self {
            Self::Failed { error, .. } => Some(error),
            _ => None,
        }
    }

    /// Takes an answer.
    pub fn take(&mut self, now: Timestamp, result: Result<T, Error>) {
        *self = match result {
            Ok(value) => Self::Ready { value, at: now },
            Err(error) => Self::Failed { error, at: now },
        };
    }
}

/// A cluster as the mapping names it.
#[derive(Debug, Clone)]
pub struct ClusterView {
    pub context: String,
    pub answer: Fetched<(Identity, Pinned)>,
}

/// The log of one container, bounded.
#[derive(Debug, Clone, Default)]
pub struct LogView {
    pub lines: VecDeque<String>,
    /// Lines that fell out at the front or came too fast.
    pub lost: usize,
    /// Counts every line that ever came, for `paused, 214 new`.
    pub total: usize,
    pub ended: bool,
    pub error: Option<Error>,
}

/// Lines kept of one log.
const LOG_LINES: usize = 5_000;
/// Logs kept; the one asked for longest ago goes first.
const LOGS: usize = 24;

/// All of it.
#[derive(Debug, Default)]
pub struct World {
    /// By the cluster's shared name.
    pub clusters: BTreeMap<String, ClusterView>,
    /// By context.
    pub releases: BTreeMap<String, Arc<ReleasesSnapshot>>,
    pub objects: BTreeMap<ReleaseRef, Arc<ObjectsSnapshot>>,
    /// By release and revision (`None`: the latest).
    pub records: BTreeMap<(ReleaseRef, Option<u32>), Fetched<Arc<Record>>>,
    logs: BTreeMap<LogRef, LogView>,
    log_order: VecDeque<LogRef>,
    pub operations: BTreeMap<OperationId, Arc<OperationView>>,
}

impl World {
    /// What is known of a log.
    pub fn log(&self, log: &LogRef) -> Option<&LogView> {
        self.logs.get(log)
    }

    /// Takes new lines.
    pub fn log_lines(&mut self, log: LogRef, lines: Vec<String>, dropped: usize) {
        if !self.logs.contains_key(&log) {
            self.log_order.push_back(log.clone());
            if self.log_order.len() > LOGS
                && let Some(oldest) = self.log_order.pop_front()
            {
                self.logs.remove(&oldest);
            }
        }
        let view = self.logs.entry(log).or_default();
        view.total += lines.len() + dropped;
        view.lost += dropped;
        view.ended = false;
        view.lines.extend(lines);
        while view.lines.len() > LOG_LINES {
            view.lines.pop_front();
            view.lost += 1;
        }
    }

    /// A log is read anew.
    pub fn log_started(&mut self, log: &LogRef) {
        if let Some(view) = self.logs.get_mut(log) {
            *view = LogView::default();
        } else {
            self.log_lines(log.clone(), Vec::new(), 0);
        }
    }

    /// Notes the end of a log.
    pub fn log_ended(&mut self, log: &LogRef, error: Option<Error>) {
        if !self.logs.contains_key(log) {
            self.log_lines(log.clone(), Vec::new(), 0);
        }
        if let Some(view) = self.logs.get_mut(log) {
            view.ended = true;
            view.error = error;
        }
    }

    /// The operation that holds a release now, if one does.
    pub fn running_on(&self, release: &ReleaseRef) -> Option<&Arc<OperationView>> {
        self.operations.values().find(|view| view.is_running() && view.release() == *release)
    }
}

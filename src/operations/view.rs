//! An operation as it stands: the confirmed plan with what the journal tells so far.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use super::journal::{JournalEntry, JournalKind, Stream};
use super::request::Verb;
use super::spec::{OperationId, OperationSpec};
use crate::helm::ReleaseRef;

/// Lines of helm's kept of one operation.
const LINES: usize = 5_000;

/// Where an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationState {
    /// The supervisor, or a helm that lost it, is at work.
    Running,
    /// Every helm ended with 0. Whether the release does well is another question, see `outcome`.
    Succeeded,
    /// A helm ended with another code, or did not start.
    Failed { code: Option<i32> },
    /// An interrupt or a kill ended it, or the supervisor died without an exit.
    Interrupted,
}

impl OperationState {
    /// `running`, `succeeded`, `failed`, `interrupted`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed { .. } => "failed",
            Self::Interrupted => "interrupted",
        }
    }

    /// Whether it is over.
    pub fn is_over(self) -> bool {
        self != Self::Running
    }
}

/// A line of helm's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputLine {
    pub at: Timestamp,
    pub step: usize,
    pub stream: Stream,
    pub text: String,
}

/// One step's progress.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct StepView {
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub pid: Option<u32>,
    /// With the pid: which process it was.
    pub start: Option<String>,
    pub code: Option<i32>,
    pub signal: Option<i32>,
    /// Why helm did not start.
    pub error: Option<String>,
}

/// An operation as it stands.
#[derive(Debug, Clone)]
pub struct OperationView {
    pub spec: OperationSpec,
    pub state: OperationState,
    pub steps: Vec<StepView>,
    /// The last lines of helm's.
    pub lines: VecDeque<OutputLine>,
    /// Lines that are not kept any more.
    pub lost: u64,
    pub started: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    /// When an interrupt was asked for.
    pub interrupted: Option<Timestamp>,
    pub killed: Option<Timestamp>,
    /// Whether somebody has looked at its result.
    pub seen: bool,
}

impl OperationView {
    /// Before its first journal entry.
    pub fn new(spec: OperationSpec) -> Self {
        let steps = vec![StepView::default(); spec.steps.len()];
        Self {
            spec,
            state: OperationState::Running,
            steps,
            lines: VecDeque::new(),
            lost: 0,
            started: None,
            ended: None,
            interrupted: None,
            killed: None,
            seen: false,
        }
    }

    /// Its name.
    pub fn id(&self) -> OperationId {
        self.spec.id.clone()
    }

    /// The release that it is about.
    pub fn release(&self) -> ReleaseRef {
        self.spec.release.clone()
    }

    /// Whether it is not over.
    pub fn is_running(&self) -> bool {
        !self.state.is_over()
    }

    /// The step at work, or the last one that was.
    pub fn step(&self) -> usize {
        self.steps.iter().rposition(|step| step.started.is_some()).unwrap_or(0)
    }

    /// What that step does.
    pub fn verb(&self) -> Verb {
        self.spec.steps.get(self.step()).map_or(self.spec.verb, |step| step.verb)
    }

    /// helm's process while it runs: pid and start time.
    pub fn helm(&self) -> Option<(u32, Option<&str>)> {
        let step = self.steps.get(self.step()).filter(|step| step.ended.is_none())?;
        Some((step.pid?, step.start.as_deref()))
    }

    /// How long it has been at work, or was.
    pub fn elapsed(&self, now: Timestamp) -> Duration {
        let from = self.started.unwrap_or(self.spec.created);
        let until = self.ended.unwrap_or(now);
        Duration::try_from(until.duration_since(from)).unwrap_or_default()
    }

    /// How long an interrupt has gone unanswered; a kill is offered after ten seconds.
    pub fn unanswered(&self, now: Timestamp) -> Option<Duration> {
        let since = self.interrupted.filter(|_| self.is_running())?;
        Some(Duration::try_from(now.duration_since(since)).unwrap_or_default())
    }

    /// helm's words of a step on one stream, joined.
    pub fn words(&self, stream: Stream) -> String {
        let step = self.step();
        let lines = self.lines.iter().filter(|line| line.step == step && line.stream == stream);
        lines.map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
    }

    /// Takes the next entry of the journal.
    pub fn take(&mut self, entry: JournalEntry) {
        let at = entry.at;
        match entry.kind {
            JournalKind::Started { .. } => self.started = Some(at),
            JournalKind::Helm { step, pid, start } => {
                if let Some(view) = self.steps.get_mut(step) {
                    view.started = Some(at);
                    view.pid = Some(pid);
                    view.start = start;
                }
            }
            JournalKind::Output { step, stream, line } => {
                if self.lines.len() == LINES {
                    self.lines.pop_front();
                    self.lost += 1;
                }
                self.lines.push_back(OutputLine { at, step, stream, text: line });
            }
            JournalKind::Dropped { lines, .. } => self.lost += lines,
            JournalKind::InterruptAsked { .. } => {
                self.interrupted.get_or_insert(at);
            }
            JournalKind::KillAsked { .. } => {
                self.killed.get_or_insert(at);
            }
            JournalKind::StepEnded { step, code, signal } => {
                if let Some(view) = self.steps.get_mut(step) {
                    view.ended = Some(at);
                    view.code = code;
                    view.signal = signal;
                }
            }
            JournalKind::StepFailed { step, error } => {
                if let Some(view) = self.steps.get_mut(step) {
                    view.started.get_or_insert(at);
                    view.ended = Some(at);
                    view.error = Some(error);
                }
            }
            JournalKind::Ended { code, signal } => self.end(at, code, signal),
        }
    }

    /// Notes the end.
    pub fn end(&mut self, at: Timestamp, code: Option<i32>, signal: Option<i32>) {
        self.ended = Some(at);
        let asked = self.interrupted.is_some() || self.killed.is_some();
        self.state = match (code, signal) {
            (Some(0), _) => OperationState::Succeeded,
            (_, Some(_)) => OperationState::Interrupted,
            _ if asked => OperationState::Interrupted,
            (code, None) => OperationState::Failed { code },
        };
    }

    /// Nobody works on it any more and no exit was written.
    pub fn abandon(&mut self) {
        if self.is_running() {
            self.state = OperationState::Interrupted;
            self.ended = self.lines.back().map(|line| line.at).or(self.started);
        }
    }
}

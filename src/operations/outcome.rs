//! What an operation came to. helm's exit is one witness; the release's record and the health of our revision are
//! the others: a helm that ended with 0 has not always done what was asked.

use super::journal::Stream;
use super::request::Verb;
use super::view::{OperationState, OperationView};
use crate::cluster::Health;
use crate::cluster::objects::ObjectsSnapshot;
use crate::helm::errors::{self, Failure};
use crate::helm::record::Status;

/// The verdict, in the words of exit codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Still at work, or still rolling out.
    Pending,
    /// Done, and everything is healthy.
    Good,
    /// Done, but what runs is not healthy.
    Degraded,
    /// Not done.
    Failed,
    /// Stopped before its end.
    Interrupted,
}

impl Verdict {
    /// As headless commands exit: 0, 1, 3 or 4.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Good => 0,
            Self::Failed | Self::Interrupted => 1,
            Self::Degraded => 3,
            Self::Pending => 4,
        }
    }
}

/// What is known beside the journal.
#[derive(Debug, Clone, Default)]
pub struct Witness {
    /// The last revision and its status; `None` when there is none, or it was not looked at.
    pub last: Option<(u32, Status)>,
    /// Whether `last` was looked at.
    pub looked: bool,
    /// The health of the release's objects, if they were seen.
    pub health: Option<Health>,
    /// The root cause in one line.
    pub cause: Option<String>,
    /// What is not well and does not decide, see [`ObjectsSnapshot::remarks`].
    pub remarks: Vec<String>,
}

impl Witness {
    /// Takes over what the objects of the release show. Nothing while they are not seen whole.
    pub fn look(&mut self, snapshot: &ObjectsSnapshot) {
        if snapshot.is_loading() {
            return;
        }
        self.health = Some(snapshot.health());
        self.remarks = snapshot.remarks();
    }
}

/// What an operation came to.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Outcome {
    pub verdict: Verdict,
    /// One line.
    pub headline: String,
    /// helm's words, the root cause.
    pub details: Vec<String>,
    /// What to do.
    pub next: Option<String>,
    #[serde(skip)]
    pub failure: Option<Failure>,
}

impl Outcome {
    fn new(verdict: Verdict, headline: impl Into<String>) -> Self {
        Self { verdict, headline: headline.into(), details: Vec::new(), next: None, failure: None }
    }
}

/// Judges an operation by all that is known.
pub fn judge(view: &OperationView, witness: &Witness) -> Outcome {
    let verb = view.verb();
    let release = &view.spec.release.release;
    let mut outcome = match view.state {
        OperationState::Running => Outcome::new(Verdict::Pending, format!("{verb} of {release} is at work")),
        OperationState::Failed { code } => failed(view, code),
        OperationState::Interrupted => interrupted(view, witness),
        OperationState::Succeeded => succeeded(view, witness),
    };
    if let Some(cause) = witness.cause.as_ref().filter(|_| outcome.verdict != Verdict::Good) {
        outcome.details.insert(0, cause.clone());
    }
    if view.state.is_over() && view.spec.verb.changes_release() {
        outcome.details.extend(witness.remarks.iter().cloned());
    }
    outcome
}

fn failed(view: &OperationView, code: Option<i32>) -> Outcome {
    let step = &view.steps[view.step().min(view.steps.len().saturating_sub(1))];
    if let Some(error) = &step.error {
        return Outcome::new(Verdict::Failed, error.clone());
    }
    let words = view.words(Stream::Stderr);
    let words = if words.trim().is_empty() { view.words(Stream::Stdout) } else { words };
    let (failure, error) = errors::explain(&words);
    let code = code.map_or_else(|| "a signal".to_owned(), |code| format!("exit {code}"));
    let mut outcome =
        Outcome::new(Verdict::Failed, format!("{} failed ({code}): {}", view.verb(), error.what));
    outcome.details.extend(error.cause.iter().flat_map(|cause| cause.lines()).map(str::to_owned));
    outcome.next = error.next;
    outcome.failure = Some(failure);
    outcome
}

fn interrupted(view: &OperationView, witness: &Witness) -> Outcome {
    let signal = view.steps.get(view.step()).and_then(|step| step.signal);
    let what = match signal {
        _ if view.killed.is_some() => "was killed".to_owned(),
        _ if view.interrupted.is_some() => "was interrupted".to_owned(),
        Some(signal) => format!("was cut off: somebody else ended helm (signal {signal})"),
        None => "was cut off without an exit".to_owned(),
    };
    if let Some(outcome) = finished_alone(view, witness) {
        return outcome;
    }
    let mut outcome = Outcome::new(Verdict::Interrupted, format!("{} {what}", view.verb()));
    if witness.looked {
        outcome.details.push(match witness.last {
            Some((revision, status)) => format!("the release's last revision is {revision}, {status}"),
            None => "there is no such release now".to_owned(),
        });
    }
    outcome.next = Some(match witness.last {
        Some((_, status)) if status.is_pending() => {
            "the release is stuck: roll back to the last deployed revision (see the ways out in Run)"
                .to_owned()
        }
        Some((_, Status::Failed)) => "upgrade again, or roll back".to_owned(),
        Some((_, Status::Uninstalling)) => "run uninstall again".to_owned(),
        _ => "look at the release before anything else".to_owned(),
    });
    outcome
}

/// A helm that lost its supervisor goes on; its exit is known to nobody, but the release's record may say that it came
/// to its end: exactly our revision is deployed, or the release is gone.
fn finished_alone(view: &OperationView, witness: &Witness) -> Option<Outcome> {
    let untouched = view.interrupted.is_none() && view.killed.is_none();
    let unknown =
        view.steps.get(view.step()).is_some_and(|step| step.started.is_some() && step.ended.is_none());
    if !(untouched && unknown && witness.looked) {
        return None;
    }
    let done = match (view.verb(), witness.last) {
        (Verb::Install | Verb::Upgrade | Verb::Rollback, Some((revision, Status::Deployed))) => {
            revision == view.spec.before.unwrap_or_default() + 1
        }
        (Verb::Uninstall, None) => true,
        _ => false,
    };
    done.then(|| {
        let mut outcome = succeeded(view, witness);
        let words =
            "its supervisor was ended before helm was: what helm said is lost, the release's record tells";
        outcome.details.push(words.to_owned());
        outcome
    })
}

fn succeeded(view: &OperationView, witness: &Witness) -> Outcome {
    let verb = view.spec.verb;
    let release = &view.spec.release.release;
    match verb {
        Verb::Uninstall => {
            return match witness.last {
                Some((revision, status)) if witness.looked && status != Status::Uninstalled => Outcome::new(
                    Verdict::Failed,
                    format!("helm said that {release} is uninstalled, but revision {revision} is {status}"),
                ),
                _ => Outcome::new(Verdict::Good, format!("{release} is uninstalled")),
            };
        }
        Verb::Test => return Outcome::new(Verdict::Good, format!("the tests of {release} passed")),
        Verb::Install | Verb::Upgrade | Verb::Rollback => {}
    }
    let mut done = format!("{release}: {verb} done");
    if witness.looked {
        match witness.last {
            Some((revision, Status::Deployed)) if Some(revision) > view.spec.before => {
                done = format!("{release} revision {revision} is deployed");
            }
            Some((revision, status)) => {
                return Outcome::new(
                    Verdict::Failed,
                    format!("helm ended well, but the last revision is {revision}, {status}"),
                );
            }
            None => {
                return Outcome::new(Verdict::Failed, "helm ended well, but there is no release now");
            }
        }
    }
    match witness.health {
        Some(Health::Degraded | Health::Missing) => {
            let mut outcome = Outcome::new(Verdict::Degraded, format!("{done}, but it is not healthy"));
            outcome.next = Some("see the root cause; roll back if it does not heal".to_owned());
            outcome
        }
        Some(Health::Progressing) => Outcome::new(Verdict::Pending, format!("{done}, and still rolling out")),
        Some(Health::Healthy) => Outcome::new(Verdict::Good, format!("{done} and healthy")),
        Some(Health::Suspended) => Outcome::new(Verdict::Good, format!("{done}; parts of it are suspended")),
        Some(Health::Unknown) | None => {
            Outcome::new(Verdict::Good, format!("{done}; its health was not observed"))
        }
    }
}

//! The life of a release as the platform's state machine sees it: for every revision that helm keeps, the transitions
//! with their times, who began it, and what does not fit the machine.
//!
//! Three witnesses are heard. The record proves when a revision began and where it is now. The journals of our own
//! operations say when helm ended and who asked for it, also after a restart. And what was seen while the records were
//! watched ([`Watched`]). Each is put before the state machine in the order in which it must have happened; what the
//! machine refuses is kept as refused: somebody wrote the record by hand. Nothing here reads a clock.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use super::journal::Stream;
use super::request::Verb;
use super::view::{OperationState, OperationView};
use crate::base::time;
use crate::cluster::releases::{Kept, ReleaseRow};
use crate::helm::ReleaseRef;
use crate::helm::record::{Record, Status};
use crate::model::DeploymentStatus;
use crate::model::deployment::{Observed, PlatformDeployment, Release};

/// How far a record may seem to be made outside of the helm that made it: the API server writes whole seconds by a
/// clock of its own. Where the clocks differ by more, it is not said to be ours.
const SLACK: SignedDuration = SignedDuration::from_secs(2);

/// Looks kept of one revision.
const LOOKS: usize = 64;

/// What is said where nothing names a version.
pub const UNKNOWN: &str = "unknown";

/// Who tells of a transition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Witness {
    /// The release's record.
    Record,
    /// The journal of an operation of ours.
    Journal,
    /// It was seen while the records were watched.
    Watch,
}

/// One step of a revision's life.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Transition {
    /// Where it came to.
    pub status: DeploymentStatus,
    /// When; null when nothing tells.
    pub at: Option<Timestamp>,
    /// Whether it happened then; else it had happened by then.
    pub exact: bool,
    pub witness: Witness,
    /// States on the way there that nobody saw.
    pub through: &'static [DeploymentStatus],
    /// Why, of what failed: helm's words, not redacted.
    pub reason: Option<String>,
    /// Why the state machine does not go there. The state stays what it was.
    pub refused: Option<String>,
}

impl Transition {
    /// `at 2026-11-21 11:03:55 UTC`, `since …`, or `no later than …`.
    pub fn when(&self) -> String {
        let Some(at) = self.at else { return "nothing tells when".to_owned() };
        let lead = match (self.status, self.exact) {
            (DeploymentStatus::Pending, true) => "since",
            (_, true) => "at",
            (_, false) => "no later than",
        };
        format!("{lead} {}", time::absolute(at))
    }

    /// What was not seen on the way, and who tells: `by way of pending, not seen; told by the journal`.
    pub fn how(&self) -> String {
        let told = match self.witness {
            Witness::Record => "told by the record",
            Witness::Journal => "told by the journal",
            Witness::Watch => "seen",
        };
        if self.through.is_empty() {
            return told.to_owned();
        }
        let through: Vec<&str> = self.through.iter().map(|status| status.word()).collect();
        format!("by way of {}, not seen; {told}", through.join(" and "))
    }
}

/// What a revision came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "kind", content = "of")]
pub enum Beginning {
    /// An install or an upgrade.
    New,
    /// The revision that failed is tried again.
    Retry(u32),
    /// It goes back to a revision, where the record says to which.
    Rollback(Option<u32>),
}

/// One revision of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Life {
    pub revision: u32,
    /// Where the state machine is; what helm's record says may differ by what was refused.
    pub status: DeploymentStatus,
    pub beginning: Beginning,
    /// The revision that tries it again, of one that failed.
    pub retried_as: Option<u32>,
    /// `user@host` where a floe-tui of this user did it, else the program that wrote the record last.
    pub deployed_by: Option<String>,
    /// The operation of ours that made it.
    pub operation: Option<String>,
    pub transitions: Vec<Transition>,
    #[serde(skip)]
    state: Observed,
}

impl Life {
    /// What it is beside its number: `install or upgrade`, `retry of revision 2`, `rollback to revision 1`.
    pub fn origin(&self) -> String {
        match self.beginning {
            Beginning::New if self.revision == 1 => "install".to_owned(),
            Beginning::New => "install or upgrade".to_owned(),
            Beginning::Retry(of) => format!("retry of revision {of}, which failed"),
            Beginning::Rollback(Some(to)) => format!("rollback to revision {to}"),
            Beginning::Rollback(None) => "rollback".to_owned(),
        }
    }

    /// Who, and how that is known.
    pub fn who(&self) -> (&str, &'static str) {
        match (&self.deployed_by, &self.operation) {
            (Some(by), Some(_)) => (by, "with floe-tui"),
            (Some(by), None) => (by, "the program that wrote the record (helm notes no person)"),
            (None, _) => (UNKNOWN, "neither a journal nor the record says"),
        }
    }

    /// The deployment in its state.
    pub fn state(&self) -> &Observed {
        &self.state
    }

    /// The last transition that the machine took.
    pub fn last(&self) -> Option<&Transition> {
        self.transitions.iter().rfind(|transition| transition.refused.is_none())
    }
}

/// The version of the compiled artifacts that a record was made from, where anything names it.
pub fn artifact_version(record: &Record) -> &str {
    [&record.config, &record.chart_values]
        .into_iter()
        .find_map(|values| values.pointer("/global/artifactVersion")?.as_str())
        .or_else(|| record.chart.annotations.get("floe.dev/artifact-version").map(String::as_str))
        .unwrap_or(UNKNOWN)
}

/// What was seen of a release's records while they were watched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Watched {
    revisions: BTreeMap<u32, Seen>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen {
    created: Option<Timestamp>,
    looks: Vec<SeenLook>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct SeenLook {
    status: Status,
    at: Option<Timestamp>,
    /// It came about while the records were watched; else it was there when the watch began.
    live: bool,
}

impl Watched {
    /// Takes two looks that follow each other: `before` is empty when the release was not there. `now` is the time of
    /// the second, for a change that its record has no time for.
    pub fn look(&mut self, before: &[Kept], after: &[Kept], now: Timestamp) {
        self.revisions.retain(|revision, seen| {
            after.iter().any(|kept| kept.revision == *revision && kept.created == seen.created)
        });
        for kept in after {
            let old = before.iter().find(|old| old.revision == kept.revision && old.created == kept.created);
            if old.is_some_and(|old| old.status == kept.status) {
                continue;
            }
            let written = kept.modified.filter(|at| old.is_none_or(|old| old.modified < Some(*at)));
            let seen = self.revisions.entry(kept.revision).or_insert_with(|| Seen {
                created: kept.created,
                looks: old
                    .map(|old| SeenLook { status: old.status, at: old.modified, live: false })
                    .into_iter()
                    .collect(),
            });
            if seen.looks.len() < LOOKS {
                seen.looks.push(SeenLook { status: kept.status, at: written.or(Some(now)), live: true });
            }
        }
    }

    /// Takes two lists of releases of one context that follow each other.
    pub fn compare<'r>(
        before: &'r [ReleaseRow],
        after: &'r [ReleaseRow],
    ) -> impl Iterator<Item = (&'r [Kept], &'r ReleaseRow)> {
        let place = |row: &'r ReleaseRow| (row.namespace.as_str(), row.name.as_str());
        let mut old = before.iter().peekable();
        after.iter().filter_map(move |row| {
            while old.next_if(|old| place(old) < place(row)).is_some() {}
            let old = old.next_if(|old| place(old) == place(row));
            let history = old.map(|old| &old.history[..]).unwrap_or_default();
            (history != row.history).then_some((history, row))
        })
    }
}

/// All that is known of a release.
pub struct Evidence<'e> {
    pub release: &'e ReleaseRef,
    /// The logical environment; empty for a release that no chart maps.
    pub environment: &'e str,
    /// In any order.
    pub kept: &'e [Kept],
    /// The record of a revision, as far as it was read.
    pub record: &'e dyn Fn(u32) -> Option<&'e Record>,
    pub operations: &'e [&'e OperationView],
    pub watched: Option<&'e Watched>,
}

/// The kept revisions with their lives, newest first.
pub fn lives(evidence: &Evidence) -> Vec<Life> {
    let mut kept: Vec<&Kept> = evidence.kept.iter().collect();
    kept.sort_by_key(|kept| kept.revision);
    let mut lives: Vec<Life> = Vec::with_capacity(kept.len());
    for kept in kept {
        let case = Case::of(evidence, kept);
        let failed = lives.last_mut().filter(|last| matches!(last.state, Observed::Failed(_)));
        let beginning = match (case.rollback(), &failed) {
            (Some(rollback), _) => rollback,
            (None, Some(failed)) => Beginning::Retry(failed.revision),
            (None, None) => Beginning::New,
        };
        let mut before = None;
        if let (Beginning::Retry(_), Some(failed)) = (beginning, failed) {
            failed.retried_as = Some(kept.revision);
            before = Some(failed.state.clone());
        }
        lives.push(case.life(beginning, before));
    }
    lives.reverse();
    lives
}

/// One revision before the machine.
struct Case<'e> {
    kept: &'e Kept,
    record: Option<&'e Record>,
    /// The operation of ours that made it, and whether it made more than this one.
    operation: Option<&'e OperationView>,
    release: Release,
    watched: Option<&'e Seen>,
}

/// What a witness says.
struct Look {
    status: DeploymentStatus,
    at: Option<Timestamp>,
    exact: bool,
    witness: Witness,
}

impl<'e> Case<'e> {
    fn of(evidence: &Evidence<'e>, kept: &'e Kept) -> Self {
        let record = (evidence.record)(kept.revision);
        let made = |view: &&&OperationView| view.spec.release == *evidence.release && made(view, kept);
        let operation = evidence.operations.iter().find(made).copied();
        let version =
            record.map(|record| record.chart.version.as_str()).filter(|version| !version.is_empty());
        let release = Release {
            release_name: evidence.release.release.clone(),
            namespace: evidence.release.namespace.clone(),
            chart_version: version.unwrap_or(UNKNOWN).to_owned(),
            artifact_version: record.map_or(UNKNOWN, artifact_version).to_owned(),
            environment: evidence.environment.to_owned(),
            deployed_by: operation.and_then(|view| view.spec.by.clone()).or_else(|| kept.writer.clone()),
        };
        let watched = evidence.watched.and_then(|watched| watched.revisions.get(&kept.revision));
        let watched = watched.filter(|seen| seen.created == kept.created);
        Self { kept, record, operation, release, watched }
    }

    /// A rollback, if it is one.
    fn rollback(&self) -> Option<Beginning> {
        let ours = self.operation.filter(|view| view.spec.verb == Verb::Rollback);
        let is = self.record.is_some_and(Record::is_rollback)
            || ours.is_some()
            || self.kept.status == Status::PendingRollback;
        let to = || self.record.and_then(Record::rollback_to).or_else(|| ours?.spec.revision);
        is.then(|| Beginning::Rollback(to()))
    }

    fn life(self, beginning: Beginning, before: Option<Observed>) -> Life {
        let mut state = before;
        let mut transitions = Vec::new();
        let mut first = true;
        for look in self.looks() {
            let from = state.as_ref().map(Observed::status).filter(|_| !first);
            if from == Some(look.status) {
                continue;
            }
            // A machine has no state without a time; one that nobody knows is never shown.
            let at = look.at.unwrap_or(Timestamp::UNIX_EPOCH);
            let reason = (look.status == DeploymentStatus::Failed).then(|| self.reason()).flatten();
            let why = reason.as_deref().unwrap_or_default();
            let next = match state.take() {
                Some(Observed::Failed(failed)) if first => {
                    let pending = Observed::Pending(failed.retry_as(self.release.clone(), at));
                    pending.next(look.status, at, why)
                }
                Some(own) => own.next(look.status, at, why),
                None => Ok(Observed::first(self.release.clone(), look.status, at, why)),
            };
            first = false;
            let (next, refused) = match next {
                Ok(next) => (next, None),
                Err(refused) => (refused.0, Some(self.refusal(&refused.1))),
            };
            let through = if refused.is_some() { &[] } else { Observed::between(from, look.status) };
            let Look { status, at, exact, witness } = look;
            transitions.push(Transition { status, at, exact, witness, through, reason, refused });
            state = Some(next);
        }
        // Without any look (helm takes the revision away, and nothing else is known) it began at least.
        let state = state.unwrap_or_else(|| {
            let began = self.kept.created.unwrap_or(Timestamp::UNIX_EPOCH);
            Observed::Pending(PlatformDeployment::begin(self.release.clone(), began))
        });
        Life {
            revision: self.kept.revision,
            status: state.status(),
            beginning,
            retried_as: None,
            deployed_by: self.release.deployed_by.clone(),
            operation: self.operation.map(|view| view.spec.id.to_string()),
            transitions,
            state,
        }
    }

    /// What the witnesses say, in the order in which it must have happened: clocks of several machines do not tell.
    fn looks(&self) -> Vec<Look> {
        use DeploymentStatus::{Deployed, Failed, Pending, Superseded};
        let mut looks = Vec::new();
        let look = |status, at, exact, witness| Look { status, at, exact, witness };
        if let Some(created) = self.kept.created {
            looks.push(look(Pending, Some(created), true, Witness::Record));
        }
        let seen = self.watched.map(|seen| &seen.looks[..]).unwrap_or_default();
        for seen in seen {
            let witness = if seen.live { Witness::Watch } else { Witness::Record };
            looks.extend(stage(seen.status).map(|status| look(status, seen.at, seen.live, witness)));
        }
        let now = stage(self.kept.status);
        if let Some((result, at)) = self.result()
            && now.is_some_and(|now| now == result || result == Deployed || now == Superseded)
            && !looks.iter().any(|look| look.status == result)
        {
            let place = looks.iter().position(|look| look.status != Pending).unwrap_or(looks.len());
            looks.insert(place, look(result, at, true, Witness::Journal));
        }
        if let Some(now) = now
            && looks.last().is_none_or(|last| last.status != now)
        {
            // A test writes the record of what is deployed once more; a rollback copies tests that ran before it.
            let ran = |started: Timestamp| self.kept.created.is_none_or(|created| created <= started);
            let tested = || {
                self.record.is_none_or(|record| {
                    record.hooks.iter().any(|hook| hook.is_test() && hook.last_run.started.is_some_and(ran))
                })
            };
            let exact = match now {
                Failed | Superseded => true,
                Deployed => !tested(),
                Pending => false,
            };
            looks.push(look(now, self.kept.modified, exact, Witness::Record));
        }
        looks
    }

    /// How our helm ended, where it says something of this revision.
    fn result(&self) -> Option<(DeploymentStatus, Option<Timestamp>)> {
        let view = self.operation?;
        let step = view.spec.steps.iter().zip(&view.steps).find(|(step, _)| deploys(step.verb))?.1;
        let first = self.kept.revision == view.spec.before.unwrap_or_default() + 1;
        match (step.ended, step.code) {
            (Some(_), Some(0)) => Some((DeploymentStatus::Deployed, step.ended)),
            // A helm that goes back by itself makes a second revision; it is the first that failed.
            (Some(_), _) if first && !view.spec.options.rollback_on_failure => {
                Some((DeploymentStatus::Failed, step.ended))
            }
            _ => None,
        }
    }

    /// Why it failed: helm's description of it, else helm's last word.
    fn reason(&self) -> Option<String> {
        let described = self.record.filter(|record| record.status == Status::Failed);
        let described = described.map(|record| record.description.clone()).filter(|words| !words.is_empty());
        described.or_else(|| {
            let view = self.operation.filter(|view| view.state != OperationState::Succeeded)?;
            let line = view.lines.iter().rfind(|line| line.stream == Stream::Stderr)?;
            Some(line.text.clone()).filter(|text| !text.trim().is_empty())
        })
    }

    fn refusal(&self, words: &str) -> String {
        match &self.kept.writer {
            Some(writer) if !writer.eq_ignore_ascii_case("helm") => {
                format!("{words}; the record was written by {writer}")
            }
            _ => format!("{words}; the record was written by hand, or is another deployment's"),
        }
    }
}

/// Where helm's word stands in the machine. While helm takes a revision away it stays where it is.
fn stage(status: Status) -> Option<DeploymentStatus> {
    (status != Status::Uninstalling).then(|| status.into())
}

fn deploys(verb: Verb) -> bool {
    matches!(verb, Verb::Install | Verb::Upgrade | Verb::Rollback)
}

/// Whether an operation made a revision: it is the next after the one that the plan knew (the one behind it, where helm
/// goes back by itself), and was made while that helm worked.
fn made(view: &OperationView, kept: &Kept) -> bool {
    let mut steps = view.spec.steps.iter().zip(&view.steps).filter(|(step, _)| deploys(step.verb));
    let most = if view.spec.options.rollback_on_failure { 2 } else { 1 };
    let place = kept.revision.checked_sub(view.spec.before.unwrap_or_default());
    place.is_some_and(|place| (1..=most).contains(&place))
        && kept.created.is_some_and(|created| {
            steps.any(|(_, step)| {
                let began = step.started.is_some_and(|began| began - SLACK <= created);
                // One that lost its end may have gone on: what came later is not said to be its work.
                let over = step.ended.or(view.ended).filter(|_| view.state.is_over());
                began && over.map_or(!view.state.is_over(), |over| created <= over + SLACK)
            })
        })
}

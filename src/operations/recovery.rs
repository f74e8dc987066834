//! The ways out of a release that helm refuses to touch, safest first. helm refuses an upgrade while the last
//! revision is pending; a rollback or an uninstall does not ask.

use std::time::Duration;

use jiff::Timestamp;

use super::request::Verb;
use crate::base::time;
use crate::helm::record::Status;

/// A revision as far as recovery cares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    pub revision: u32,
    pub status: Status,
    /// When its record was last written.
    pub modified: Option<Timestamp>,
}

/// One way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// `roll back to revision 3`.
    pub title: String,
    /// What to plan; `None` for waiting and for what floe-tui does not do by itself.
    pub verb: Option<Verb>,
    /// The revision, for a rollback.
    pub revision: Option<u32>,
    /// Why this helps.
    pub why: String,
    /// What to know before.
    pub caveats: Vec<String>,
}

impl Way {
    fn new(title: impl Into<String>, verb: Option<Verb>, why: impl Into<String>) -> Self {
        Self { title: title.into(), verb, revision: None, why: why.into(), caveats: Vec::new() }
    }

    fn to(mut self, revision: u32) -> Self {
        self.revision = Some(revision);
        self
    }

    fn but(mut self, caveat: impl Into<String>) -> Self {
        self.caveats.push(caveat.into());
        self
    }
}

/// Whether the last revision keeps helm from upgrading.
pub fn is_stuck(history: &[Known]) -> bool {
    last(history).is_some_and(|last| last.status.is_pending() || last.status == Status::Uninstalling)
}

/// The ways out of what the history shows, safest first; empty when nothing is in the way. `timeout` is what an
/// operation may take: a younger pending record may still be worked on.
pub fn ways(history: &[Known], timeout: Duration, now: Timestamp) -> Vec<Way> {
    let Some(last) = last(history) else { return Vec::new() };
    let mut ways = Vec::new();
    match last.status {
        Status::PendingInstall | Status::PendingUpgrade | Status::PendingRollback => {
            let age = last.modified.map(|at| Duration::try_from(now.duration_since(at)).unwrap_or_default());
            let written = last.modified.map_or_else(
                || "its age is not known".to_owned(),
                |at| format!("last written {} ago", time::relative(at, now)),
            );
            let wait = Way::new(
                "wait",
                None,
                format!(
                    "revision {} is {} ({written}): a helm elsewhere may still work on it",
                    last.revision, last.status
                ),
            );
            ways.push(if age.is_none_or(|age| age < timeout) {
                wait.but("younger than the time-out: stepping in now can leave two deployed revisions")
            } else {
                wait.but("older than the time-out: most likely its helm is gone")
            });
            pending(history, last, &mut ways);
        }
        Status::Uninstalling => ways.push(
            Way::new(
                "uninstall again",
                Some(Verb::Uninstall),
                "an uninstall that was cut off is finished by another",
            )
            .but("pre-delete hooks run again"),
        ),
        Status::Failed | Status::Superseded
            if !history.iter().any(|known| known.status == Status::Deployed) =>
        {
            ways.push(Way::new(
                "upgrade",
                Some(Verb::Upgrade),
                format!(
                    "no revision is deployed; an upgrade goes on from the last one, which is {}",
                    last.status
                ),
            ));
            if last.status == Status::Superseded {
                ways.push(again(last, "applies it again, and its record says deployed"));
            } else if let Some(target) = fallback(history, last) {
                ways.push(back(target));
            }
            if last.revision == 1 {
                ways.push(from_nothing());
            }
        }
        Status::Uninstalled => {
            ways.push(again(last, "brings the release back as it was"));
            ways.push(
                Way::new("uninstall again", Some(Verb::Uninstall), "removes the history that was kept")
                    .but("there is no way back from that"),
            );
        }
        Status::Deployed if deployed(history) > 1 => {
            let words = "helm marks every other deployed revision as superseded";
            ways.push(again(last, words).but("applies what the record says over what runs"));
        }
        _ => {}
    }
    ways
}

fn pending(history: &[Known], last: &Known, ways: &mut Vec<Way>) {
    if let Some(target) = fallback(history, last) {
        ways.push(
            back(target)
                .but(format!("revision {} stays in the history as {}", last.revision, last.status))
                .but("what its hooks did is not undone"),
        );
    }
    if last.status == Status::PendingInstall && last.revision == 1 {
        ways.push(
            Way::new(
                "roll back to revision 1",
                Some(Verb::Rollback),
                "applies the same revision again as revision 2, and keeps what is there",
            )
            .to(1),
        );
        ways.push(from_nothing());
    }
}

fn from_nothing() -> Way {
    Way::new("uninstall, then install", Some(Verb::Uninstall), "starts from nothing")
        .but("claims that the chart owns go; those of StatefulSets and with resource-policy keep stay")
}

/// To the last revision itself, as a new one.
fn again(last: &Known, why: &str) -> Way {
    Way::new(format!("roll back to revision {}", last.revision), Some(Verb::Rollback), why).to(last.revision)
}

/// How many revisions are recorded as deployed: more than one after two writers at a time.
pub fn deployed(history: &[Known]) -> usize {
    history.iter().filter(|known| known.status == Status::Deployed).count()
}

fn back(target: &Known) -> Way {
    Way::new(
        format!("roll back to revision {}", target.revision),
        Some(Verb::Rollback),
        format!(
            "revision {} is {}; a rollback does not mind the pending one",
            target.revision, target.status
        ),
    )
    .to(target.revision)
}

fn last(history: &[Known]) -> Option<&Known> {
    history.iter().max_by_key(|known| known.revision)
}

/// What to go back to: the newest deployed one, else the newest that once was, else the newest failed one.
fn fallback<'h>(history: &'h [Known], last: &Known) -> Option<&'h Known> {
    let older = || history.iter().filter(|known| known.revision < last.revision);
    [Status::Deployed, Status::Superseded, Status::Failed]
        .into_iter()
        .find_map(|status| older().filter(|known| known.status == status).max_by_key(|known| known.revision))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn history(rows: &[(u32, Status)]) -> Vec<Known> {
        let at = Some("2026-01-01T00:00:00Z".parse().unwrap());
        rows.iter()
            .map(|(revision, status)| Known { revision: *revision, status: *status, modified: at })
            .collect()
    }

    fn found(rows: &[(u32, Status)], now: &str) -> Vec<Way> {
        ways(&history(rows), Duration::from_mins(10), now.parse().unwrap())
    }

    fn verbs(ways: &[Way]) -> Vec<(Option<Verb>, Option<u32>)> {
        ways.iter().map(|way| (way.verb, way.revision)).collect()
    }

    const SOON: &str = "2026-01-01T00:05:00Z";
    const LATE: &str = "2026-01-01T02:00:00Z";

    #[test]
    fn a_pending_upgrade_goes_back_to_what_was_deployed() {
        let rows = [(1, Status::Superseded), (2, Status::Deployed), (3, Status::PendingUpgrade)];
        let ways = found(&rows, SOON);
        assert_eq!(verbs(&ways), [(None, None), (Some(Verb::Rollback), Some(2))]);
        assert!(ways[0].caveats[0].contains("younger"));
        assert!(found(&rows, LATE)[0].caveats[0].contains("older"));
        assert!(ways[1].caveats[0].contains("revision 3 stays"));
    }

    #[test]
    fn without_a_deployed_one_the_newest_superseded_then_failed() {
        let rows = [(1, Status::Superseded), (2, Status::Failed), (3, Status::PendingRollback)];
        assert_eq!(found(&rows, LATE)[1].revision, Some(1));
        let rows = [(1, Status::Failed), (2, Status::Failed), (3, Status::PendingUpgrade)];
        assert_eq!(found(&rows, LATE)[1].revision, Some(2));
    }

    #[test]
    fn a_first_install_has_two_ways() {
        let ways = found(&[(1, Status::PendingInstall)], LATE);
        assert_eq!(
            verbs(&ways),
            [(None, None), (Some(Verb::Rollback), Some(1)), (Some(Verb::Uninstall), None)]
        );
    }

    #[test]
    fn what_is_not_stuck_needs_no_way() {
        assert!(found(&[(1, Status::Deployed)], LATE).is_empty());
        assert!(found(&[(1, Status::Deployed), (2, Status::Failed)], LATE).is_empty());
        assert_eq!(
            verbs(&found(&[(1, Status::Failed)], LATE)),
            [(Some(Verb::Upgrade), None), (Some(Verb::Uninstall), None)]
        );
        assert_eq!(
            verbs(&found(&[(1, Status::Superseded), (2, Status::Superseded)], LATE)),
            [(Some(Verb::Upgrade), None), (Some(Verb::Rollback), Some(2))]
        );
        assert_eq!(
            verbs(&found(&[(1, Status::Superseded), (2, Status::Uninstalled)], LATE)),
            [(Some(Verb::Rollback), Some(2)), (Some(Verb::Uninstall), None)]
        );
        assert_eq!(
            verbs(&found(&[(1, Status::Deployed), (2, Status::Deployed)], LATE)),
            [(Some(Verb::Rollback), Some(2))]
        );
        assert_eq!(verbs(&found(&[(1, Status::Uninstalling)], LATE)), [(Some(Verb::Uninstall), None)]);
        assert!(is_stuck(&history(&[(1, Status::Deployed), (2, Status::PendingUpgrade)])));
        assert!(!is_stuck(&history(&[(2, Status::Deployed), (1, Status::PendingInstall)])));
        assert!(found(&[], LATE).is_empty());
    }
}

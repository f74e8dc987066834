//! What only jobs have: a schedule and its next time, a run and how it went.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::look::{Condition, boolean, condition, count, text, time};
use crate::model::{JobPhase, JobStatus};

/// The batch side of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Batch {
    /// A `CronJob`.
    Schedule(Schedule),
    /// A `Job`.
    Run(Run),
}

/// When a `CronJob` runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// As it stands in the object: `0 6 * * *`, `@daily`.
    pub expression: String,
    /// An IANA name; `None` leaves it to the controller, whose clock is UTC nearly everywhere.
    pub time_zone: Option<String>,
    pub suspended: bool,
    pub last_scheduled: Option<Timestamp>,
    pub last_successful: Option<Timestamp>,
}

/// One run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub phase: RunPhase,
    pub started: Option<Timestamp>,
    /// When it succeeded or failed.
    pub ended: Option<Timestamp>,
    /// Pods that failed.
    pub failed: i64,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum RunPhase {
    Pending,
    Running,
    Suspended,
    Failed,
    Succeeded,
}

impl RunPhase {
    /// One word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Suspended => "suspended",
            Self::Failed => "failed",
            Self::Succeeded => "succeeded",
        }
    }

    /// Whether it has begun and not ended.
    pub fn is_at_work(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }
}

impl fmt::Display for Schedule {
    /// `0 6 * * * Europe/Berlin`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.expression)?;
        self.time_zone.as_ref().map_or(Ok(()), |zone| write!(f, " {zone}"))
    }
}

impl Batch {
    /// Of a live object; `None` for everything that is neither `Job` nor `CronJob`.
    pub fn of(object: &Value) -> Option<Self> {
        match text(object, "/kind")? {
            "CronJob" => Some(Self::Schedule(Schedule {
                expression: text(object, "/spec/schedule").unwrap_or_default().to_owned(),
                time_zone: text(object, "/spec/timeZone").map(str::to_owned),
                suspended: boolean(object, "/spec/suspend"),
                last_scheduled: time(object, "/status/lastScheduleTime"),
                last_successful: time(object, "/status/lastSuccessfulTime"),
            })),
            "Job" => Some(Self::Run(Run::of(object))),
            _ => None,
        }
    }
}

impl Batch {
    /// The run, if it is one.
    pub fn run(&self) -> Option<&Run> {
        match self {
            Self::Run(run) => Some(run),
            Self::Schedule(_) => None,
        }
    }

    /// The schedule, if it is one.
    pub fn schedule(&self) -> Option<&Schedule> {
        match self {
            Self::Schedule(schedule) => Some(schedule),
            Self::Run(_) => None,
        }
    }
}

impl Run {
    fn of(object: &Value) -> Self {
        let status = JobStatus::of_object(object, "");
        let suspended = condition(object, "Suspended").is_some_and(Condition::is_true);
        let phase = match status.as_ref().map_or(JobPhase::Pending, |status| status.phase) {
            JobPhase::Failed => RunPhase::Failed,
            JobPhase::Succeeded => RunPhase::Succeeded,
            _ if suspended || boolean(object, "/spec/suspend") => RunPhase::Suspended,
            JobPhase::Running => RunPhase::Running,
            JobPhase::Pending => RunPhase::Pending,
        };
        Self {
            phase,
            started: time(object, "/status/startTime"),
            ended: status.and_then(|status| status.completion_time),
            failed: count(object, "/status/failed"),
        }
    }

    /// How long it took, or takes until `now`.
    pub fn took(&self, now: Timestamp) -> Option<Duration> {
        let end = match self.phase {
            RunPhase::Succeeded | RunPhase::Failed => self.ended?,
            RunPhase::Running | RunPhase::Pending => now,
            RunPhase::Suspended => return None,
        };
        Duration::try_from(end.duration_since(self.started?)).ok()
    }
}

impl Schedule {
    /// The first time after `moment`; `None` while it is suspended, and for what cannot be read (`@every`).
    pub fn next(&self, moment: Timestamp) -> Option<Timestamp> {
        if self.suspended { None } else { self.after(moment) }
    }

    /// Whether a time of it lies after `since` and not after `now`, suspended or not.
    pub fn came_due(&self, since: Timestamp, now: Timestamp) -> bool {
        self.after(since).is_some_and(|due| due <= now)
    }

    fn after(&self, moment: Timestamp) -> Option<Timestamp> {
        let fields = match self.expression.trim() {
            "@hourly" => "0 * * * *",
            "@daily" | "@midnight" => "0 0 * * *",
            "@weekly" => "0 0 * * 0",
            "@monthly" => "0 0 1 * *",
            "@yearly" | "@annually" => "0 0 1 1 *",
            other => other,
        };
        // Older clusters take the zone in front of the fields.
        let (own, fields) = match fields.split_once(char::is_whitespace) {
            Some((lead, rest)) if lead.starts_with("TZ=") || lead.starts_with("CRON_TZ=") => {
                (lead.split_once('=').map(|(_, zone)| zone), rest)
            }
            _ => (None, fields),
        };
        let zone = self.time_zone.as_deref().or(own).unwrap_or("UTC");
        let line = format!("{} {zone}", fields.trim().replace('?', "*"));
        let crontab = cronexpr::parse_crontab(&line).ok()?;
        let from = cronexpr::MakeTimestamp::from_second(moment.as_second()).ok()?;
        crontab.find_next(from).ok().map(|next| next.timestamp())
    }

    /// Whether two scheduled times have passed since the last run, with `grace` on top.
    pub fn is_overdue(&self, now: Timestamp, grace: Duration) -> bool {
        let second =
            self.last_scheduled.and_then(|last| self.after(last)).and_then(|first| self.after(first));
        second.is_some_and(|second| {
            Duration::try_from(now.duration_since(second)).is_ok_and(|late| late > grace)
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn schedule(expression: &str, zone: Option<&str>) -> Schedule {
        Schedule {
            expression: expression.to_owned(),
            time_zone: zone.map(str::to_owned),
            suspended: false,
            last_scheduled: None,
            last_successful: None,
        }
    }

    #[test]
    fn the_next_time_is_in_the_zone_of_the_schedule() {
        let next = |expression, zone| schedule(expression, zone).next(at("2026-03-28T12:00:00Z"));
        assert_eq!(next("0 6 * * *", None), Some(at("2026-03-29T06:00:00Z")));
        assert_eq!(next("0 6 * * *", Some("Europe/Berlin")), Some(at("2026-03-29T04:00:00Z")));
        assert_eq!(next("TZ=Europe/Berlin 0 6 * * *", None), Some(at("2026-03-29T04:00:00Z")));
        assert_eq!(next("@daily", None), Some(at("2026-03-29T00:00:00Z")));
        assert_eq!(next("*/15 12-14 ? * MON-FRI", None), Some(at("2026-03-30T12:00:00Z")));
        assert_eq!(next("@every 1h", None), None);
        assert_eq!(next("rubbish", None), None);
        let stopped = Schedule { suspended: true, ..schedule("@daily", None) };
        assert_eq!(stopped.next(at("2026-03-28T12:00:00Z")), None);
    }

    #[test]
    fn a_schedule_is_overdue_after_its_second_time() {
        let mut schedule = schedule("0 * * * *", None);
        assert!(!schedule.is_overdue(at("2026-03-28T12:00:00Z"), Duration::ZERO), "it never ran");
        schedule.last_scheduled = Some(at("2026-03-28T10:00:00Z"));
        assert!(!schedule.is_overdue(at("2026-03-28T12:00:00Z"), Duration::ZERO));
        assert!(schedule.is_overdue(at("2026-03-28T12:02:00Z"), Duration::from_mins(1)));
        assert!(!schedule.is_overdue(at("2026-03-28T12:02:00Z"), Duration::from_mins(10)));
    }

    #[test]
    fn a_run_is_where_its_conditions_say() {
        let run = |status: Value| match Batch::of(&json!({"kind": "Job", "status": status})) {
            Some(Batch::Run(run)) => run,
            _ => unreachable!("a job has a run"),
        };
        assert_eq!(run(json!({})).phase, RunPhase::Pending);
        assert_eq!(run(json!({"active": 1, "ready": 0})).phase, RunPhase::Pending);
        assert_eq!(
            run(json!({"active": 1, "ready": 1, "startTime": "2026-03-28T10:00:00Z"})).phase,
            RunPhase::Running
        );
        // Its pod has ended, and is not counted yet.
        for (key, ended) in [
            ("uncountedTerminatedPods", json!({"succeeded": ["a-uid"]})),
            ("uncountedTerminatedPods", json!({"failed": ["a-uid"]})),
            ("conditions", json!([{"type": "SuccessCriteriaMet", "status": "True"}])),
        ] {
            let status = json!({"ready": 0, "startTime": "2026-03-28T10:00:00Z", key: ended});
            assert_eq!(run(status).phase, RunPhase::Running);
        }
        let done = run(json!({"startTime": "2026-03-28T10:00:00Z", "completionTime": "2026-03-28T10:00:42Z",
            "conditions": [{"type": "Complete", "status": "True"}]}));
        assert_eq!(
            (done.phase, done.took(at("2026-04-01T00:00:00Z"))),
            (RunPhase::Succeeded, Some(Duration::from_secs(42)))
        );
        let failed = run(
            json!({"failed": 3, "conditions": [{"type": "Failed", "status": "True", "lastTransitionTime": "2026-03-28T10:05:00Z"}]}),
        );
        assert_eq!(
            (failed.phase, failed.failed, failed.ended),
            (RunPhase::Failed, 3, Some(at("2026-03-28T10:05:00Z")))
        );
    }
}

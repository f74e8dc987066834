//! Jobs and cron jobs.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::look::{Condition, boolean, condition, count, int, list, text, time};
use super::{Assessment, Batch, Health, Surroundings};

/// A job's condition counts only when its status says True: a False one is history, not a verdict.
fn holds<'v>(object: &'v Value, kind: &str) -> Option<Condition<'v>> {
    condition(object, kind).filter(|condition| condition.is_true())
}

pub(super) fn job(object: &Value, around: &Surroundings<'_>) -> Assessment {
    if let Some(failed) = holds(object, "Failed").or_else(|| holds(object, "FailureTarget")) {
        let mut reason = failed.words();
        if reason.is_empty() {
            "failed".clone_into(&mut reason);
        }
        if let Some(retry) = newest(around.jobs) {
            return retried(retry, around);
        }
        if let Some((pod, cause)) = around.new_pods.iter().find(|(_, pod)| pod.health == Health::Degraded) {
            reason = format!("{reason}; pod {pod}: {}", cause.reason);
        }
        return Assessment::degraded(reason).since(failed.since());
    }
    if let Some(complete) = holds(object, "Complete") {
        return Assessment::healthy("completed").since(complete.since());
    }
    if let Some(suspended) = holds(object, "Suspended") {
        return Assessment::suspended("suspended").since(suspended.since());
    }
    let started = time(object, "/status/startTime");
    if let Some(warning) = around.warnings.iter().find(|warning| warning.reason == "FailedCreate") {
        return Assessment::degraded(format!("FailedCreate: {}", warning.message)).since(warning.at);
    }
    // Its pods cannot even start: waiting does not help before the deadline.
    if let Some((pod, cause)) =
        around.new_pods.iter().find(|(_, pod)| pod.health == Health::Degraded && will_not_start(&pod.reason))
    {
        return Assessment::degraded(format!("pod {pod}: {}", cause.reason)).since(cause.since);
    }
    let (active, failed, succeeded) = (
        count(object, "/status/active"),
        count(object, "/status/failed"),
        count(object, "/status/succeeded"),
    );
    let completions = int(object, "/spec/completions").unwrap_or(1);
    let mut reason = if completions > 1 {
        format!("{succeeded} of {completions} completed")
    } else if active > 0 {
        "running".to_owned()
    } else if started.is_none() {
        "not started".to_owned()
    } else {
        "between attempts".to_owned()
    };
    if failed > 0 {
        let limit = int(object, "/spec/backoffLimit").unwrap_or(6);
        reason = format!("{reason}, {failed} of {} attempts failed", limit + 1);
    }
    Assessment::progressing(reason).since(started)
}

/// A failed job does as the last try of it does.
fn retried(retry: &Value, around: &Surroundings<'_>) -> Assessment {
    let name = text(retry, "/metadata/name").unwrap_or_default();
    let run = job(retry, &Surroundings { now: around.now, ..Surroundings::default() });
    let words = |how: &str| format!("failed; its retry {name} {how}");
    match run.health {
        Health::Healthy => Assessment::healthy(words("completed")),
        Health::Degraded => Assessment::degraded(words(&format!("failed too: {}", run.reason))),
        Health::Suspended => Assessment::degraded(words("is suspended")),
        _ => Assessment::progressing(words("is at work")),
    }
    .since(run.since)
}

fn newest<'v>(jobs: &[&'v Value]) -> Option<&'v Value> {
    jobs.iter().copied().max_by_key(|job| time(job, "/metadata/creationTimestamp"))
}

fn will_not_start(reason: &str) -> bool {
    ["ImagePull", "ErrImage", "InvalidImageName", "CreateContainer", "FailedMount", "Unschedulable"]
        .iter()
        .any(|word| reason.contains(word))
}

pub(super) fn cron_job(object: &Value, around: &Surroundings<'_>) -> Assessment {
    let last_scheduled = time(object, "/status/lastScheduleTime");
    let last_successful = time(object, "/status/lastSuccessfulTime");
    if boolean(object, "/spec/suspend") {
        return Assessment::suspended("suspended").since(last_scheduled);
    }
    if let Some(newest) = newest(around.jobs) {
        let name = text(newest, "/metadata/name").unwrap_or_default();
        let run = job(newest, &Surroundings { now: around.now, ..Surroundings::default() });
        match run.health {
            Health::Degraded => {
                return Assessment::degraded(format!("last run {name} failed: {}", run.reason))
                    .since(run.since);
            }
            Health::Progressing => {
                return Assessment::healthy(format!("run {name} in progress")).since(run.since);
            }
            _ => {}
        }
    } else if !list(object, "/status/active").is_empty() {
        return Assessment::healthy("a run is in progress").since(last_scheduled);
    } else if let (Some(scheduled), successful) = (last_scheduled, last_successful)
        && successful.is_none_or(|successful| successful < scheduled)
    {
        return Assessment::degraded("the last run did not succeed").since(Some(scheduled));
    }
    if let Some(overdue) = overdue(object, around.now) {
        return Assessment::degraded(overdue).since(last_scheduled);
    }
    match (last_scheduled, last_successful) {
        (None, _) => Assessment::healthy("not scheduled yet"),
        (_, Some(successful)) => Assessment::healthy("last run succeeded").since(Some(successful)),
        (scheduled, None) => Assessment::healthy("scheduled").since(scheduled),
    }
}

/// Whether two scheduled times and the starting deadline passed without a run.
fn overdue(object: &Value, now: Option<Timestamp>) -> Option<String> {
    let Some(Batch::Schedule(schedule)) = Batch::of(object) else { return None };
    let deadline = int(object, "/spec/startingDeadlineSeconds").unwrap_or(0);
    let grace = Duration::from_secs(u64::try_from(deadline).unwrap_or(0).saturating_add(60));
    schedule.is_overdue(now?, grace).then(|| "overdue: a scheduled run did not start".to_owned())
}

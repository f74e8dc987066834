//! Deployments, stateful sets, daemon sets and replica sets.

use serde_json::Value;

use super::look::{Condition, boolean, condition, count, int, observed, text};
use super::{Assessment, Health, Surroundings};

/// A pod of the newest revision that cannot work makes its owner degraded now, not at the progress deadline.
fn lifted(around: &Surroundings<'_>) -> Option<Assessment> {
    let (name, worst) = around
        .new_pods
        .iter()
        .filter(|(_, pod)| pod.health == Health::Degraded)
        .min_by(|(a, _), (b, _)| a.cmp(b))?;
    Some(Assessment::degraded(format!("pod {name}: {}", worst.reason)).since(worst.since))
}

/// A controller that may not create its pods says so only in events (admission, quota) until its condition follows.
fn cannot_create(object: &Value, around: &Surroundings<'_>) -> Option<Assessment> {
    if let Some(failure) = condition(object, "ReplicaFailure").filter(|failure| failure.is_true()) {
        return Some(Assessment::degraded(failure.words()).since(failure.since()));
    }
    let warning = around.warnings.iter().find(|warning| warning.reason == "FailedCreate")?;
    Some(Assessment::degraded(format!("FailedCreate: {}", warning.message)).since(warning.at))
}

fn since(condition: Option<Condition<'_>>) -> Option<jiff::Timestamp> {
    condition.and_then(Condition::since)
}

const NOT_OBSERVED: &str = "waiting for the controller to see the change";

/// Not done yet: degraded if something below says it will not get done, else progressing for `reason`.
fn not_done(object: &Value, around: &Surroundings<'_>, reason: String) -> Assessment {
    lifted(around)
        .or_else(|| cannot_create(object, around))
        .unwrap_or_else(|| Assessment::progressing(reason))
}

pub(super) fn deployment(object: &Value, around: &Surroundings<'_>) -> Assessment {
    let progressing = condition(object, "Progressing");
    if boolean(object, "/spec/paused") {
        return Assessment::suspended("paused").since(since(progressing));
    }
    if !observed(object) {
        return Assessment::progressing(NOT_OBSERVED);
    }
    if let Some(progressing) =
        progressing.filter(|progressing| progressing.reason() == "ProgressDeadlineExceeded")
    {
        let reason = lifted(around).or_else(|| cannot_create(object, around)).map_or_else(
            || "no progress within the deadline".to_owned(),
            |cause| format!("no progress within the deadline; {}", cause.reason),
        );
        return Assessment::degraded(reason).since(progressing.since());
    }
    let desired = int(object, "/spec/replicas").unwrap_or(1);
    let (total, updated, ready, available) = (
        count(object, "/status/replicas"),
        count(object, "/status/updatedReplicas"),
        count(object, "/status/readyReplicas"),
        count(object, "/status/availableReplicas"),
    );
    let reason = if updated < desired {
        format!("{updated} of {desired} updated")
    } else if total > updated {
        format!("{} old to go", total - updated)
    } else if ready < desired {
        format!("{ready} of {desired} ready")
    } else if available < desired {
        format!("{available} of {desired} available")
    } else if desired == 0 {
        return Assessment::healthy("scaled to zero").since(since(progressing));
    } else {
        return Assessment::healthy(format!("{ready} of {desired} ready"))
            .since(since(condition(object, "Available")));
    };
    let assessment = not_done(object, around, reason);
    if assessment.since.is_none() { assessment.since(since(progressing)) } else { assessment }
}

pub(super) fn stateful_set(object: &Value, around: &Surroundings<'_>) -> Assessment {
    if !observed(object) {
        return Assessment::progressing(NOT_OBSERVED);
    }
    let desired = int(object, "/spec/replicas").unwrap_or(1);
    let (total, ready, updated) = (
        count(object, "/status/replicas"),
        count(object, "/status/readyReplicas"),
        count(object, "/status/updatedReplicas"),
    );
    let revisions_differ = text(object, "/status/currentRevision") != text(object, "/status/updateRevision");
    let on_delete = text(object, "/spec/updateStrategy/type") == Some("OnDelete");
    let partition = int(object, "/spec/updateStrategy/rollingUpdate/partition").unwrap_or(0);

    let wanted = (desired - partition).max(0);
    if total > desired {
        return not_done(object, around, format!("{} to go", total - desired));
    }
    if ready < desired {
        return not_done(object, around, format!("{ready} of {desired} ready"));
    }
    if desired == 0 {
        return Assessment::healthy("scaled to zero");
    }
    if on_delete {
        let old = desired - updated;
        return Assessment::healthy(if revisions_differ && old > 0 {
            format!("{ready} of {desired} ready; manual step needed: {old} old pods update when deleted")
        } else {
            format!("{ready} of {desired} ready")
        });
    }
    if partition > 0 {
        if updated < wanted && revisions_differ {
            return not_done(
                object,
                around,
                format!("{updated} of {wanted} updated (partition {partition})"),
            );
        }
        return Assessment::healthy(format!("{ready} of {desired} ready (partition {partition})"));
    }
    if revisions_differ {
        return not_done(object, around, format!("{updated} of {desired} updated"));
    }
    Assessment::healthy(format!("{ready} of {desired} ready"))
}

pub(super) fn daemon_set(object: &Value, around: &Surroundings<'_>) -> Assessment {
    if !observed(object) {
        return Assessment::progressing(NOT_OBSERVED);
    }
    let desired = count(object, "/status/desiredNumberScheduled");
    let (updated, ready, available) = (
        count(object, "/status/updatedNumberScheduled"),
        count(object, "/status/numberReady"),
        count(object, "/status/numberAvailable"),
    );
    let on_delete = text(object, "/spec/updateStrategy/type") == Some("OnDelete");
    if !on_delete && updated < desired {
        return not_done(object, around, format!("{updated} of {desired} updated"));
    }
    if available < desired {
        return not_done(object, around, format!("{available} of {desired} available"));
    }
    if on_delete && updated < desired {
        return Assessment::healthy(format!(
            "{ready} of {desired} ready; manual step needed: {} old pods update when deleted",
            desired - updated
        ));
    }
    if desired == 0 {
        return Assessment::healthy("no node matches");
    }
    Assessment::healthy(format!("{ready} of {desired} ready"))
}

pub(super) fn replica_set(object: &Value, around: &Surroundings<'_>) -> Assessment {
    if !observed(object) {
        return Assessment::progressing(NOT_OBSERVED);
    }
    let desired = int(object, "/spec/replicas").unwrap_or(1);
    let (total, ready, available) = (
        count(object, "/status/replicas"),
        count(object, "/status/readyReplicas"),
        count(object, "/status/availableReplicas"),
    );
    if available < desired {
        return not_done(object, around, format!("{available} of {desired} available"));
    }
    if total > desired {
        return Assessment::progressing(format!("{} to go", total - desired));
    }
    if desired == 0 {
        return Assessment::healthy("scaled to zero");
    }
    Assessment::healthy(format!("{ready} of {desired} ready"))
}

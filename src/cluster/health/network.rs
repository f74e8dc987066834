//! Claims, services, ingresses, autoscalers, budgets, definitions, and everything without a rule of its own.

use serde_json::Value;

use super::look::{Condition, condition, count, int, list, observed, text};
use super::{Assessment, Surroundings};

pub(super) fn claim(object: &Value, around: &Surroundings<'_>) -> Assessment {
    match text(object, "/status/phase") {
        Some("Bound") => Assessment::healthy(match text(object, "/status/capacity/storage") {
            Some(size) => format!("bound, {size}"),
            None => "bound".to_owned(),
        }),
        Some("Lost") => Assessment::degraded("lost: its volume is gone"),
        _ => {
            if let Some(warning) =
                around.warnings.iter().find(|warning| warning.reason == "ProvisioningFailed")
            {
                return Assessment::degraded(format!("ProvisioningFailed: {}", warning.message))
                    .since(warning.at);
            }
            Assessment::progressing("waiting for a volume")
                .since(text(object, "/metadata/creationTimestamp").and_then(super::parse_time))
        }
    }
}

pub(super) fn service(object: &Value) -> Assessment {
    if text(object, "/spec/type") != Some("LoadBalancer") {
        return Assessment::healthy(match text(object, "/spec/type") {
            Some(kind) => kind.to_owned(),
            None => "exists".to_owned(),
        });
    }
    let external = list(object, "/spec/externalIPs");
    match list(object, "/status/loadBalancer/ingress").first() {
        Some(ingress) => Assessment::healthy(
            text(ingress, "/ip")
                .or_else(|| text(ingress, "/hostname"))
                .unwrap_or("has an address")
                .to_owned(),
        ),
        None if !external.is_empty() => Assessment::healthy("has external addresses"),
        None => Assessment::progressing("waiting for a load balancer address"),
    }
}

pub(super) fn ingress(object: &Value) -> Assessment {
    match list(object, "/status/loadBalancer/ingress").first() {
        Some(ingress) => Assessment::healthy(
            text(ingress, "/ip")
                .or_else(|| text(ingress, "/hostname"))
                .unwrap_or("has an address")
                .to_owned(),
        ),
        None => Assessment::progressing("waiting for an address"),
    }
}

/// An autoscaler that cannot measure leaves the replicas as they are: what that means is not known, and nothing is
/// broken. One that cannot change its target does not do its work.
pub(super) fn autoscaler(object: &Value) -> Assessment {
    let bad = ["AbleToScale", "ScalingActive"]
        .into_iter()
        .filter_map(|kind| condition(object, kind))
        .find(|condition| condition.is_false());
    if let Some(bad) = bad {
        // Scaled to zero by hand switches an autoscaler off on purpose.
        if bad.reason() == "ScalingDisabled" {
            return Assessment::suspended("scaling is disabled: the target has zero replicas")
                .since(bad.since());
        }
        if bad.reason().contains("Metric") {
            let words = format!("no measurement, the replicas stay as they are: {}", bad.words());
            return Assessment::unknown(words).since(bad.since());
        }
        return Assessment::degraded(bad.words()).since(bad.since());
    }
    if list(object, "/status/conditions").is_empty() {
        return Assessment::progressing("waiting for the first measurement");
    }
    let (current, desired) =
        (count(object, "/status/currentReplicas"), count(object, "/status/desiredReplicas"));
    let limited = condition(object, "ScalingLimited")
        .filter(|limited| limited.is_true() && limited.reason() == "TooManyReplicas");
    if current != desired {
        return Assessment::progressing(format!("scaling {current} to {desired}"));
    }
    Assessment::healthy(match limited {
        Some(_) => format!("{current} replicas, at its maximum"),
        None => format!("{current} replicas"),
    })
}

pub(super) fn disruption_budget(object: &Value) -> Assessment {
    if !observed(object) {
        return Assessment::progressing("waiting for the controller to see the change");
    }
    if let Some(failed) =
        condition(object, "DisruptionAllowed").filter(|allowed| allowed.reason() == "SyncFailed")
    {
        return Assessment::degraded(failed.words()).since(failed.since());
    }
    let (current, desired) =
        (count(object, "/status/currentHealthy"), count(object, "/status/desiredHealthy"));
    if current < desired {
        return Assessment::progressing(format!("{current} healthy pods of {desired} needed"));
    }
    let allowed = count(object, "/status/disruptionsAllowed");
    Assessment::healthy(format!("{allowed} disruptions allowed"))
}

pub(super) fn definition(object: &Value) -> Assessment {
    if let Some(names) = condition(object, "NamesAccepted").filter(|names| names.is_false()) {
        return Assessment::degraded(names.words()).since(names.since());
    }
    match condition(object, "Established") {
        Some(established) if established.is_true() => {
            Assessment::healthy("established").since(established.since())
        }
        _ => Assessment::progressing("waiting to be established"),
    }
}

pub(super) fn api_service(object: &Value) -> Assessment {
    match condition(object, "Available") {
        Some(available) if available.is_true() => Assessment::healthy("available").since(available.since()),
        Some(available) => Assessment::degraded(available.words()).since(available.since()),
        None => Assessment::progressing("waiting to be available"),
    }
}

pub(super) fn namespace(object: &Value) -> Assessment {
    match text(object, "/status/phase") {
        Some("Terminating") => Assessment::progressing("being deleted"),
        _ => Assessment::healthy("active"),
    }
}

/// Anything else: the properties that kstatus reads, then `Ready`/`Available`, then an honest "no status".
pub(super) fn generic(object: &Value) -> Assessment {
    if int(object, "/status/observedGeneration").is_some() && !observed(object) {
        return Assessment::progressing("waiting for the controller to see the change");
    }
    let holds = |kind: &str| condition(object, kind).filter(|condition| condition.is_true());
    if let Some(stalled) = holds("Stalled") {
        return Assessment::degraded(stalled.words()).since(stalled.since());
    }
    if let Some(reconciling) = holds("Reconciling") {
        return Assessment::progressing(reconciling.words()).since(reconciling.since());
    }
    for kind in ["Ready", "Available", "Synced", "Healthy"] {
        let Some(found) = condition(object, kind) else { continue };
        if found.is_true() {
            return Assessment::healthy(kind.to_lowercase()).since(found.since());
        }
        if found.is_false() {
            let settled = ["Fail", "Error", "Invalid", "Denied", "NotFound"];
            let words = found.words();
            let bad = settled.iter().any(|word| found.reason().contains(word));
            let verdict = if bad { Assessment::degraded(words) } else { Assessment::progressing(words) };
            return verdict.since(found.since());
        }
        return Assessment::progressing(words_or(found, kind)).since(found.since());
    }
    match text(object, "/status/phase").or_else(|| text(object, "/status/state")) {
        Some(word) => by_word(word),
        None => Assessment::unknown("no status"),
    }
}

fn words_or(found: Condition<'_>, kind: &str) -> String {
    let words = found.words();
    if words.is_empty() { format!("{kind} is not known yet") } else { words }
}

fn by_word(word: &str) -> Assessment {
    match word.to_ascii_lowercase().as_str() {
        "ready" | "running" | "active" | "available" | "healthy" | "bound" | "succeeded" | "completed"
        | "complete" | "established" | "valid" => Assessment::healthy(word),
        "failed" | "error" | "degraded" | "unhealthy" | "invalid" | "lost" => Assessment::degraded(word),
        "pending" | "creating" | "provisioning" | "updating" | "progressing" | "reconciling"
        | "initializing" | "upgrading" | "terminating" => Assessment::progressing(word),
        "paused" | "suspended" | "stopped" => Assessment::suspended(word),
        _ => Assessment::unknown(word),
    }
}

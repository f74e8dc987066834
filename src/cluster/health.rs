//! The health of an object: what it is, why, and since when.
//!
//! The rules follow Argo CD's where operators know them and are stricter where those call a half-finished rollout
//! healthy. Reasons of pods are lifted to their owner at once, long before a progress deadline passes. helm's own
//! wait decides whether an operation succeeded; this verdict stands beside it and never waits.

mod batch;
mod jobs;
mod look;
mod network;
mod pod;
mod workload;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
mod tests;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::model::deployment::ComponentHealth;

pub use jobs::{Batch, Run, RunPhase, Schedule};
pub(crate) use pod::culprit;
pub use pod::{ContainerRow, ContainerState, Termination, containers};

pub(crate) use look::{count, int, list, observed, parse_time, text, time};

/// How an object does. The order is worst first, so that sorting puts what needs attention on top; `Unknown`
/// stands behind `Progressing` because a custom resource that reports nothing must not hide a real rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// It does not do its work and will not by waiting.
    Degraded,
    /// It should exist and does not.
    Missing,
    /// On its way.
    Progressing,
    /// Nothing can be said: no rights, no status, cluster unreachable.
    Unknown,
    /// Stopped on purpose: paused, suspended.
    Suspended,
    Healthy,
}

impl Health {
    /// Every health, worst first.
    pub const ALL: [Self; 6] =
        [Self::Degraded, Self::Missing, Self::Progressing, Self::Unknown, Self::Suspended, Self::Healthy];

    /// One cell for lists; the same everywhere, and telling without colour.
    pub fn glyph(self) -> char {
        match self {
            Self::Degraded => '✗',
            Self::Missing => '∅',
            Self::Progressing => '◐',
            Self::Unknown => '?',
            Self::Suspended => '‖',
            Self::Healthy => '✓',
        }
    }

    /// The word beside the glyph.
    pub fn word(self) -> &'static str {
        match self {
            Self::Degraded => "degraded",
            Self::Missing => "missing",
            Self::Progressing => "progressing",
            Self::Unknown => "unknown",
            Self::Suspended => "suspended",
            Self::Healthy => "healthy",
        }
    }

    /// The worst of several; `Healthy` for none.
    pub fn worst(all: impl IntoIterator<Item = Self>) -> Self {
        all.into_iter().min().unwrap_or(Self::Healthy)
    }
}

impl std::fmt::Display for Health {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

/// The verdict in the platform's words.
impl From<Health> for ComponentHealth {
    fn from(health: Health) -> Self {
        match health {
            Health::Healthy => Self::Healthy,
            Health::Progressing | Health::Suspended => Self::Degraded,
            Health::Degraded | Health::Missing => Self::Unhealthy,
            Health::Unknown => Self::Unknown,
        }
    }
}

/// A verdict about one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assessment {
    pub health: Health,
    /// One line without a full stop: `2 of 3 ready`, `container web: CrashLoopBackOff, 3 restarts`.
    pub reason: String,
    /// Since when, where the object says it.
    pub since: Option<Timestamp>,
}

impl Assessment {
    pub(crate) fn new(health: Health, reason: impl Into<String>) -> Self {
        Self { health, reason: reason.into(), since: None }
    }

    pub(crate) fn healthy(reason: impl Into<String>) -> Self {
        Self::new(Health::Healthy, reason)
    }

    pub(crate) fn progressing(reason: impl Into<String>) -> Self {
        Self::new(Health::Progressing, reason)
    }

    pub(crate) fn degraded(reason: impl Into<String>) -> Self {
        Self::new(Health::Degraded, reason)
    }

    pub(crate) fn suspended(reason: impl Into<String>) -> Self {
        Self::new(Health::Suspended, reason)
    }

    pub(crate) fn unknown(reason: impl Into<String>) -> Self {
        Self::new(Health::Unknown, reason)
    }

    #[must_use]
    pub(crate) fn since(mut self, since: Option<Timestamp>) -> Self {
        self.since = since;
        self
    }
}

/// A warning event about the object under assessment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// `FailedCreate`, `FailedMount`, …
    pub reason: String,
    pub message: String,
    pub at: Option<Timestamp>,
}

/// What is known around an object when it is assessed.
#[derive(Debug, Clone, Default)]
pub struct Surroundings<'a> {
    /// The time of the assessment; `None` leaves rules out that need a clock.
    pub now: Option<Timestamp>,
    /// Pods below the object that belong to its newest revision, already assessed: (name, assessment). Only
    /// these count against the owner, an old revision's crashing pod is what the rollout replaces.
    pub new_pods: &'a [(String, Assessment)],
    /// The Jobs of a `CronJob`.
    pub jobs: &'a [&'a Value],
    /// Warning events about this very object, newest first.
    pub warnings: &'a [Warning],
}

/// The verdict about a live object by its kind.
pub fn assess(object: &Value, around: &Surroundings<'_>) -> Assessment {
    if let Some(deleted) = text(object, "/metadata/deletionTimestamp") {
        let held =
            object.pointer("/metadata/finalizers").and_then(Value::as_array).filter(|list| !list.is_empty());
        let reason = match held.and_then(|list| list.first()).and_then(Value::as_str) {
            Some(finalizer) if kind(object) != "Pod" => {
                format!("being deleted, held by finalizer {finalizer}")
            }
            _ => "being deleted".to_owned(),
        };
        return Assessment::progressing(reason).since(parse_time(deleted));
    }
    let api = text(object, "/apiVersion").unwrap_or_default();
    let group = api.split_once('/').map_or("", |(group, _)| group);
    match (group, kind(object)) {
        ("apps", "Deployment") => workload::deployment(object, around),
        ("apps", "StatefulSet") => workload::stateful_set(object, around),
        ("apps", "DaemonSet") => workload::daemon_set(object, around),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => workload::replica_set(object, around),
        ("batch", "Job") => batch::job(object, around),
        ("batch", "CronJob") => batch::cron_job(object, around),
        ("", "Pod") => pod::pod(object, around),
        ("", "PersistentVolumeClaim") => network::claim(object, around),
        ("", "Service") => network::service(object),
        ("networking.k8s.io" | "extensions", "Ingress") => network::ingress(object),
        ("autoscaling", "HorizontalPodAutoscaler") => network::autoscaler(object),
        ("policy", "PodDisruptionBudget") => network::disruption_budget(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => network::definition(object),
        ("apiregistration.k8s.io", "APIService") => network::api_service(object),
        ("", "Namespace") => network::namespace(object),
        (group, kind) if is_static(group, kind) => Assessment::healthy("exists"),
        _ => network::generic(object),
    }
}

/// Kinds that carry no status: there is nothing about them but that they exist, so their payload is never fetched.
pub fn is_static(group: &str, kind: &str) -> bool {
    match group {
        "" => matches!(
            kind,
            "ConfigMap"
                | "Secret"
                | "ServiceAccount"
                | "LimitRange"
                | "ResourceQuota"
                | "Endpoints"
                | "PersistentVolume"
                | "PodTemplate"
        ),
        "rbac.authorization.k8s.io"
        | "scheduling.k8s.io"
        | "storage.k8s.io"
        | "admissionregistration.k8s.io"
        | "node.k8s.io"
        | "coordination.k8s.io"
        | "discovery.k8s.io" => true,
        "networking.k8s.io" => matches!(kind, "NetworkPolicy" | "IngressClass"),
        _ => false,
    }
}

fn kind(object: &Value) -> &str {
    text(object, "/kind").unwrap_or_default()
}

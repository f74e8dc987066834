//! The live objects of a release: what its manifest names, what those objects made, how each does and why.
//!
//! [`join`] is pure: it takes what is in the stores and makes rows. [`watch`] fills the stores from the cluster and
//! publishes a new [`ObjectsSnapshot`] at most every 100 ms.

pub mod components;
pub mod jobs;
pub mod join;
mod trim;
pub mod watch;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::needless_pass_by_value)]
mod tests;

use jiff::Timestamp;

use super::events::EventRow;
use super::fault::Fault;
use super::health::{Batch, ContainerRow, Health};
use crate::base::Result;
use crate::helm::record::Record;
use crate::manifest;

/// Of a job that was made to try another one again: that one's name. It is not owned by it: whoever clears the failed
/// one away must not end the try that is at work.
pub const RETRY_OF: &str = "floe.dev/retry-of";

/// An object that should exist, because the manifest (or a hook) of a release says so.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Wanted {
    pub api_version: String,
    pub kind: String,
    /// `None` takes the release's namespace where the kind is namespaced.
    pub namespace: Option<String>,
    pub name: String,
    /// A hook may be absent: not run yet, or deleted by its policy.
    pub hook: bool,
}

impl Wanted {
    /// What a release record says should exist: its manifest and its hooks. Objects that the server names itself
    /// (`generateName`) cannot be looked for.
    pub fn of_record(record: &Record) -> Result<Vec<Self>> {
        let mut wanted: Vec<Self> = manifest::parse(&record.manifest)?.iter().map(Self::from).collect();
        for hook in &record.hooks {
            let objects = manifest::parse(&hook.manifest)?;
            wanted.extend(objects.iter().map(|object| Self { hook: true, ..Self::from(object) }));
        }
        wanted.retain(|wanted| !wanted.name.ends_with('*'));
        Ok(wanted)
    }

    /// The API group; empty for the core.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }
}

impl From<&manifest::Object> for Wanted {
    fn from(object: &manifest::Object) -> Self {
        let id = object.id.clone();
        Self {
            api_version: id.api_version,
            kind: id.kind,
            namespace: id.namespace,
            name: id.name,
            hook: object.hook.is_some(),
        }
    }
}

/// How many replicas an object wants and has; only workloads have it. A job wants its completions: those that
/// succeeded are available, with the pods that are ready now they are ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Replicas {
    pub desired: i64,
    pub ready: i64,
    pub available: i64,
    pub updated: i64,
}

/// One object of a release.
#[derive(Debug, Clone, PartialEq)]
pub struct ObjectRow {
    pub api_version: String,
    pub kind: String,
    /// Empty for cluster-wide objects.
    pub namespace: String,
    pub name: String,
    /// Empty while the object does not exist.
    pub uid: String,
    /// The row of the owner in the same snapshot; `None` for what the manifest names.
    pub parent: Option<usize>,
    /// How many owners are above: 0 for what the manifest names.
    pub depth: usize,
    pub health: Health,
    /// One line, neutralised.
    pub reason: String,
    pub since: Option<Timestamp>,
    pub created: Option<Timestamp>,
    pub replicas: Option<Replicas>,
    /// Jobs and their schedules only.
    pub batch: Option<Batch>,
    /// Pods only.
    pub containers: Vec<ContainerRow>,
    /// Pods only: `Pending`, `Running`, …
    pub phase: Option<String>,
    /// Pods only.
    pub node: Option<String>,
    /// A hook or test of the release, or below one.
    pub hook: bool,
    /// Belongs to the newest revision of its owner; only such pods count against the owner.
    pub new_revision: bool,
}

impl ObjectRow {
    /// What the manifest names, when nothing more is known of it: without API version, namespace and UID.
    pub fn bare(
        kind: impl Into<String>,
        name: impl Into<String>,
        health: Health,
        reason: impl Into<String>,
    ) -> Self {
        Self {
            api_version: String::new(),
            kind: kind.into(),
            namespace: String::new(),
            name: name.into(),
            uid: String::new(),
            parent: None,
            depth: 0,
            health,
            reason: reason.into(),
            since: None,
            created: None,
            replicas: None,
            batch: None,
            containers: Vec::new(),
            phase: None,
            node: None,
            hook: false,
            new_revision: true,
        }
    }

    /// `Deployment floe-webserver`.
    pub fn title(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    /// Whether it only watches over workloads. What is wrong with it is a remark: it decides neither the health of
    /// its release nor an outcome, because what it watches over runs all the same.
    pub fn is_watcher(&self) -> bool {
        matches!(self.kind.as_str(), "HorizontalPodAutoscaler" | "VerticalPodAutoscaler")
    }

    /// Whether its logs can be read.
    pub fn has_logs(&self) -> bool {
        self.kind == "Pod" && self.containers.iter().any(|container| container.state.is_some())
    }

    /// The sum of restarts of its containers.
    pub fn restarts(&self) -> i64 {
        self.containers.iter().map(|container| container.restarts).sum()
    }
}

/// How a watch does.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum WatchState {
    /// The first list is under way.
    #[default]
    Loading,
    /// Complete and live.
    Live,
    /// Not to be had; what was seen before stays, with its age. It is tried again by itself.
    Failed(Fault),
}

impl WatchState {
    /// The fault, if it failed.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            Self::Failed(fault) => Some(fault),
            Self::Loading | Self::Live => None,
        }
    }
}

/// The watch of one kind in one namespace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KindState {
    pub api_version: String,
    pub kind: String,
    /// Empty for cluster-wide kinds.
    pub namespace: String,
    pub state: WatchState,
}

/// Everything known about the objects of a release at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ObjectsSnapshot {
    /// A tree in order: every owner stands before what it owns, siblings by kind and name.
    pub rows: Vec<ObjectRow>,
    /// Events about these objects, newest first.
    pub events: Vec<EventRow>,
    pub kinds: Vec<KindState>,
    /// When it was put together; `None` before the first answer.
    pub at: Option<Timestamp>,
}

impl ObjectsSnapshot {
    /// Whether any list is still awaited.
    pub fn is_loading(&self) -> bool {
        self.at.is_none() || self.kinds.iter().any(|kind| kind.state == WatchState::Loading)
    }

    /// The first fault that keeps the whole picture from being current, if any.
    pub fn fault(&self) -> Option<&Fault> {
        self.kinds.iter().filter_map(|kind| kind.state.fault()).find(|fault| fault.is_unreachable())
    }

    /// The release's health: the worst of what the manifest names. Hooks are left out (they have an end of their own),
    /// and what only watches over workloads.
    pub fn health(&self) -> Health {
        if self.at.is_none() {
            return Health::Unknown;
        }
        let own = self.rows.iter().filter(|row| row.depth == 0 && !row.hook && !row.is_watcher());
        Health::worst(own.map(|row| row.health))
    }

    /// What is not well and decides nothing, see [`ObjectRow::is_watcher`]: one line each.
    pub fn remarks(&self) -> Vec<String> {
        let well = |health| matches!(health, Health::Healthy | Health::Suspended | Health::Progressing);
        let rows = self.rows.iter().filter(|row| row.depth == 0 && row.is_watcher() && !well(row.health));
        rows.map(|row| format!("{} is {}: {}", row.title(), row.health, row.reason)).collect()
    }

    /// How many of the manifest's objects are in each health, worst first, without zeros.
    pub fn counts(&self) -> Vec<(Health, usize)> {
        Health::ALL
            .into_iter()
            .map(|health| {
                let rows = self.rows.iter().filter(|row| row.depth == 0 && !row.hook);
                (health, rows.filter(|row| row.health == health).count())
            })
            .filter(|(_, count)| *count > 0)
            .collect()
    }

    /// The children of a row.
    pub fn children(&self, parent: usize) -> impl Iterator<Item = (usize, &ObjectRow)> {
        self.rows.iter().enumerate().filter(move |(_, row)| row.parent == Some(parent))
    }

    /// The object that everything waits for: the worst row that is neither healthy nor suspended, the deepest one
    /// under it, for the line at the top of a running operation.
    pub fn blocking(&self) -> Option<&ObjectRow> {
        self.rows
            .iter()
            .filter(|row| row.health < Health::Unknown && row.new_revision && !row.is_watcher())
            .min_by(|a, b| a.health.cmp(&b.health).then(b.depth.cmp(&a.depth)))
    }
}

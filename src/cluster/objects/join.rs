//! From what lies in the stores to rows: the manifest's objects, what they made (joined by the UID of the owner),
//! and the verdict about each, from the bottom up.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde_json::Value;

use super::{ObjectRow, RETRY_OF, Replicas, Wanted, WatchState};
use crate::base::text::one_line;
use crate::cluster::events::{self, EventRow};
use crate::cluster::fault::clean;
use crate::cluster::health::{self, Assessment, Batch, Health, Surroundings, Warning, containers};
use crate::cluster::health::{count, int, list, text, time};

/// Older words of a controller that could not create pods say nothing about now.
const CREATE_WARNING_SECONDS: i64 = 600;

/// An object the release should have, and how the watch of its kind does.
#[derive(Debug, Clone)]
pub struct Expected {
    pub wanted: Wanted,
    /// The namespace it is looked for in; empty for cluster-wide kinds.
    pub namespace: String,
    pub state: WatchState,
}

/// What there is.
pub struct Input<'a> {
    pub expected: &'a [Expected],
    /// Live objects with `apiVersion` and `kind`; anything else of the namespace may be among them.
    pub objects: &'a [&'a Value],
    pub events: &'a [EventRow],
    pub now: Timestamp,
}

/// Makes the rows and picks the events that are about them.
pub fn join(input: &Input<'_>) -> (Vec<ObjectRow>, Vec<EventRow>) {
    let mut joiner = Joiner::new(input);
    let mut expected: Vec<&Expected> = input.expected.iter().collect();
    expected.sort_by(|a, b| order_of(&a.wanted).cmp(&order_of(&b.wanted)));
    expected.dedup_by(|a, b| a.wanted == b.wanted);
    let roots: Vec<(&Expected, Option<&Value>)> = expected
        .into_iter()
        .map(|expected| {
            let wanted = &expected.wanted;
            let key =
                (wanted.group(), wanted.kind.as_str(), expected.namespace.as_str(), wanted.name.as_str());
            (expected, joiner.by_key.get(&key).copied())
        })
        .collect();
    // What the manifest names is a root, even if something else of the manifest owns it.
    joiner.seen.extend(roots.iter().filter_map(|(_, live)| uid((*live)?)));
    for (expected, live) in roots {
        match live {
            Some(live) => {
                joiner.visit(live, &Place { parent: None, depth: 0, hook: expected.wanted.hook, new: true });
            }
            None => joiner.rows.extend(absent(expected)),
        }
    }
    let uids: HashSet<&str> =
        joiner.rows.iter().map(|row| row.uid.as_str()).filter(|uid| !uid.is_empty()).collect();
    let about = |event: &&EventRow| {
        uids.contains(event.uid.as_str())
            || joiner.rows.iter().any(|row| {
                row.depth == 0
                    && row.kind == event.kind
                    && row.name == event.name
                    && row.namespace == event.namespace
            })
    };
    let events = events::fold(input.events.iter().filter(about).cloned());
    (joiner.rows, events)
}

/// The row of an object that is not there; none for a hook, which comes and goes.
fn absent(expected: &Expected) -> Option<ObjectRow> {
    let (health, reason) = match &expected.state {
        WatchState::Live | WatchState::Failed(_) if expected.wanted.hook => return None,
        WatchState::Live => (Health::Missing, "it does not exist".to_owned()),
        WatchState::Loading => (Health::Unknown, "looking".to_owned()),
        WatchState::Failed(fault) => (Health::Unknown, fault.word().to_owned()),
    };
    Some(ObjectRow {
        api_version: expected.wanted.api_version.clone(),
        namespace: expected.namespace.clone(),
        hook: expected.wanted.hook,
        ..ObjectRow::bare(&expected.wanted.kind, &expected.wanted.name, health, reason)
    })
}

/// Workloads first, then what serves them, then the rest; hooks last.
fn order_of(wanted: &Wanted) -> (bool, usize, &str, &str, Option<&str>) {
    (wanted.hook, rank(&wanted.kind), &wanted.kind, &wanted.name, wanted.namespace.as_deref())
}

fn rank(kind: &str) -> usize {
    const FIRST: [&str; 12] = [
        "StatefulSet",
        "Deployment",
        "DaemonSet",
        "ReplicaSet",
        "Pod",
        "Job",
        "CronJob",
        "PersistentVolumeClaim",
        "Service",
        "Ingress",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
    ];
    FIRST.iter().position(|first| *first == kind).unwrap_or(FIRST.len())
}

fn uid(object: &Value) -> Option<&str> {
    text(object, "/metadata/uid")
}

fn kind_of(object: &Value) -> &str {
    text(object, "/kind").unwrap_or_default()
}

fn name_of(object: &Value) -> &str {
    text(object, "/metadata/name").unwrap_or_default()
}

fn retry_of(object: &Value) -> Option<&str> {
    let annotations = object.get("metadata")?.get("annotations")?;
    annotations.get(RETRY_OF).and_then(Value::as_str).filter(|_| kind_of(object) == "Job")
}

/// Where an object hangs in the tree.
struct Place {
    parent: Option<usize>,
    depth: usize,
    hook: bool,
    new: bool,
}

/// What an object's branch tells its owner.
#[derive(Default)]
struct Below<'a> {
    /// Pods of the newest revision.
    pods: Vec<(String, Assessment)>,
    /// `FailedCreate` of the newest replica set.
    warnings: Vec<Warning>,
    /// Names of claims that pods mount.
    claims: Vec<&'a str>,
}

type Key<'a> = (&'a str, &'a str, &'a str, &'a str);

struct Joiner<'a> {
    by_key: HashMap<Key<'a>, &'a Value>,
    by_owner: HashMap<&'a str, Vec<&'a Value>>,
    /// Jobs that try another one again, by that one's namespace and name.
    retries: HashMap<(&'a str, &'a str), Vec<&'a Value>>,
    warnings: HashMap<&'a str, Vec<Warning>>,
    seen: HashSet<&'a str>,
    rows: Vec<ObjectRow>,
    now: Timestamp,
}

impl<'a> Joiner<'a> {
    fn new(input: &Input<'a>) -> Self {
        let mut by_key = HashMap::with_capacity(input.objects.len());
        let mut by_owner: HashMap<&str, Vec<&Value>> = HashMap::new();
        let mut retries: HashMap<(&str, &str), Vec<&Value>> = HashMap::new();
        for object in input.objects {
            let api = text(object, "/apiVersion").unwrap_or_default();
            let group = api.split_once('/').map_or("", |(group, _)| group);
            let namespace = text(object, "/metadata/namespace").unwrap_or_default();
            by_key.insert((group, kind_of(object), namespace, name_of(object)), *object);
            if let Some(of) = retry_of(object) {
                retries.entry((namespace, of)).or_default().push(object);
            }
            for owner in list(object, "/metadata/ownerReferences") {
                if let Some(owner) = text(owner, "/uid") {
                    by_owner.entry(owner).or_default().push(object);
                }
            }
        }
        let mut warnings: HashMap<&str, Vec<Warning>> = HashMap::new();
        let mut newest: Vec<&EventRow> = input.events.iter().filter(|event| event.warning).collect();
        newest.sort_by_key(|event| std::cmp::Reverse(event.at));
        for event in newest {
            warnings.entry(event.uid.as_str()).or_default().push(event.as_warning());
        }
        Self { by_key, by_owner, retries, warnings, seen: HashSet::new(), rows: Vec::new(), now: input.now }
    }

    fn visit(&mut self, object: &'a Value, place: &Place) -> Below<'a> {
        let at = self.rows.len();
        self.rows.push(row(object, place));
        let own_uid = uid(object).unwrap_or_default();
        let mut children: Vec<&Value> = self.by_owner.get(own_uid).cloned().unwrap_or_default();
        if kind_of(object) == "Job" {
            let namespace = text(object, "/metadata/namespace").unwrap_or_default();
            children.extend(self.retries.get(&(namespace, name_of(object))).into_iter().flatten());
        }
        children.sort_by_key(|child| (rank(kind_of(child)), name_of(child)));

        let mut below = Below::default();
        let mut jobs = Vec::new();
        for child in children {
            let Some(child_uid) = uid(child) else { continue };
            if is_spent(child) && !self.by_owner.contains_key(child_uid) {
                continue;
            }
            if !self.seen.insert(child_uid) {
                continue;
            }
            let is_job = kind_of(child) == "Job";
            if is_job {
                jobs.push(child);
            }
            let new = place.new && is_newest(object, child);
            let found =
                self.visit(child, &Place { parent: Some(at), depth: place.depth + 1, hook: place.hook, new });
            below.claims.extend(found.claims);
            // A run answers for its own pods.
            if new && !is_job {
                below.pods.extend(found.pods);
                below.warnings.extend(found.warnings);
            }
        }
        if place.depth == 0 && kind_of(object) != "Pod" {
            self.add_claims(object, &below.claims, at, place);
        }

        let now = self.now;
        let recent = |warning: &Warning| {
            warning.reason != "FailedCreate"
                || warning.at.is_none_or(|at| now.as_second() - at.as_second() < CREATE_WARNING_SECONDS)
        };
        let mut warnings: Vec<Warning> = self
            .warnings
            .get(own_uid)
            .into_iter()
            .flatten()
            .filter(|warning| recent(warning))
            .cloned()
            .collect();
        let own_failures: Vec<Warning> =
            warnings.iter().filter(|warning| warning.reason == "FailedCreate").cloned().collect();
        warnings.append(&mut below.warnings);
        let around = Surroundings { now: Some(now), new_pods: &below.pods, jobs: &jobs, warnings: &warnings };
        let assessment = health::assess(object, &around);
        if let Some(row) = self.rows.get_mut(at) {
            row.health = assessment.health;
            row.reason = one_line(&assessment.reason);
            row.since = assessment.since;
        }
        match kind_of(object) {
            "Pod" => {
                let claims = list(object, "/spec/volumes")
                    .iter()
                    .filter_map(|volume| text(volume, "/persistentVolumeClaim/claimName"));
                Below {
                    pods: vec![(name_of(object).to_owned(), assessment)],
                    warnings: Vec::new(),
                    claims: claims.collect(),
                }
            }
            // A cron job's runs are past or have their own verdict.
            "CronJob" => Below::default(),
            _ => Below { pods: below.pods, warnings: own_failures, claims: below.claims },
        }
    }

    /// Claims belong to no object by UID; they are shown below the workload whose pods mount them.
    fn add_claims(&mut self, owner: &'a Value, claims: &[&'a str], parent: usize, place: &Place) {
        let namespace = text(owner, "/metadata/namespace").unwrap_or_default();
        let mut names: Vec<&str> = claims.to_vec();
        names.sort_unstable();
        names.dedup();
        for name in names {
            let claim = self.by_key.get(&("", "PersistentVolumeClaim", namespace, name)).copied();
            let Some(claim) = claim else { continue };
            if uid(claim).is_some_and(|uid| self.seen.insert(uid)) {
                let place =
                    Place { parent: Some(parent), depth: place.depth + 1, hook: place.hook, new: place.new };
                self.visit(claim, &place);
            }
        }
    }
}

/// An old replica set without pods is only a bookmark for `kubectl rollout undo`.
fn is_spent(object: &Value) -> bool {
    kind_of(object) == "ReplicaSet"
        && int(object, "/spec/replicas") == Some(0)
        && count(object, "/status/replicas") == 0
}

const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";

/// Whether a child belongs to what its owner is rolling out now. Unknown counts as yes; not yet observed as no,
/// because then the newest children are still those of the spec before.
fn is_newest(owner: &Value, child: &Value) -> bool {
    match (kind_of(owner), kind_of(child)) {
        ("Deployment", "ReplicaSet") => {
            health::observed(owner)
                && match (text(owner, REVISION), text(child, REVISION)) {
                    (Some(owner), Some(child)) => owner == child,
                    _ => true,
                }
        }
        ("StatefulSet", "Pod") => {
            let wanted = text(owner, "/status/updateRevision");
            let has = text(child, "/metadata/labels/controller-revision-hash");
            health::observed(owner) && (wanted.is_none() || has.is_none() || wanted == has)
        }
        ("DaemonSet", "Pod") => {
            let wanted = text(owner, "/metadata/annotations/deprecated.daemonset.template.generation");
            let has = text(child, "/metadata/labels/pod-template-generation");
            health::observed(owner) && (wanted.is_none() || has.is_none() || wanted == has)
        }
        _ => true,
    }
}

fn row(object: &Value, place: &Place) -> ObjectRow {
    let kind = kind_of(object);
    let is_pod = kind == "Pod";
    let words = |pointer: &str| text(object, pointer).map(clean);
    let mut containers = if is_pod { containers(object) } else { Vec::new() };
    for container in &mut containers {
        container.reason = clean(&container.reason);
        container.message = clean(&container.message);
        container.problem = container.problem.as_deref().map(one_line);
    }
    ObjectRow {
        api_version: words("/apiVersion").unwrap_or_default(),
        kind: clean(kind),
        namespace: words("/metadata/namespace").unwrap_or_default(),
        name: clean(name_of(object)),
        uid: uid(object).unwrap_or_default().to_owned(),
        parent: place.parent,
        depth: place.depth,
        health: Health::Unknown,
        reason: String::new(),
        since: None,
        created: time(object, "/metadata/creationTimestamp"),
        replicas: replicas(object),
        batch: Batch::of(object),
        containers,
        phase: if is_pod { words("/status/phase") } else { None },
        node: if is_pod { words("/spec/nodeName") } else { None },
        hook: place.hook,
        new_revision: place.new,
    }
}

fn replicas(object: &Value) -> Option<Replicas> {
    let status = |field: &str| count(object, &format!("/status/{field}"));
    match kind_of(object) {
        "Deployment" | "StatefulSet" | "ReplicaSet" => Some(Replicas {
            desired: int(object, "/spec/replicas").unwrap_or(1),
            ready: status("readyReplicas"),
            available: status("availableReplicas"),
            updated: if kind_of(object) == "ReplicaSet" {
                status("replicas")
            } else {
                status("updatedReplicas")
            },
        }),
        // A work queue has no number of completions: it is done when one pod succeeded and the others end.
        "Job" => Some(Replicas {
            desired: int(object, "/spec/completions").unwrap_or(1),
            ready: status("succeeded") + status("ready"),
            available: status("succeeded"),
            updated: status("succeeded") + status("active"),
        }),
        "DaemonSet" => Some(Replicas {
            desired: status("desiredNumberScheduled"),
            ready: status("numberReady"),
            available: status("numberAvailable"),
            updated: status("updatedNumberScheduled"),
        }),
        _ => None,
    }
}

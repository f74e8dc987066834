//! Fills the stores behind a release's rows: one feed for each kind and namespace of the manifest, and for what
//! workloads make (replica sets, pods, jobs, claims, events).

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{Event, PersistentVolumeClaim, Pod};
use kube::core::{ApiResource, DynamicObject, PartialObjectMeta};
use kube::{Api, Resource};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::join::{Expected, Input, join};
use super::trim::trim;
use super::{KindState, ObjectsSnapshot, Wanted, WatchState};
use crate::cluster::connection::Connection;
use crate::cluster::discovery::Served;
use crate::cluster::events::EventRow;
use crate::cluster::feed::{self, Backoff, Feed, Plan};
use crate::cluster::health::{Health, is_static, text};

/// The least time between two snapshots.
const SPACING: Duration = Duration::from_millis(100);

/// How often verdicts that depend on the clock are looked at again while something is not healthy.
const CLOCK: Duration = Duration::from_secs(5);

/// What to watch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WatchRequest {
    /// The release's namespace.
    pub namespace: String,
    /// The manifest's objects and its hooks.
    pub wanted: Vec<Wanted>,
}

/// Watches the objects of a release until the token is cancelled or the receiver is dropped.
pub fn watch(
    connection: Connection,
    request: WatchRequest,
    cancel: CancellationToken,
) -> watch::Receiver<Arc<ObjectsSnapshot>> {
    let (out, receiver) = watch::channel(Arc::default());
    tokio::spawn(run(connection, request, out, cancel));
    receiver
}

/// One list of one kind.
struct Source {
    api_version: String,
    kind: String,
    /// As asked for: `None` takes the release's.
    namespace: Option<String>,
    state: WatchState,
    /// Set when discovery has answered.
    namespaced: bool,
    objects: HashMap<String, Value>,
}

impl Source {
    fn new(api_version: &str, kind: &str, namespace: Option<&str>) -> Self {
        Self {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: namespace.map(str::to_owned),
            state: WatchState::Loading,
            namespaced: true,
            objects: HashMap::new(),
        }
    }
}

/// What every source's task works with.
#[derive(Clone)]
struct Pipes {
    connection: Connection,
    send: mpsc::Sender<(usize, Note)>,
    cancel: CancellationToken,
}

/// A message of a source's task.
enum Note {
    Feed(Feed<Value>),
    /// Discovery says that the kind is cluster-wide.
    ClusterWide,
}

async fn run(
    connection: Connection,
    request: WatchRequest,
    out: watch::Sender<Arc<ObjectsSnapshot>>,
    cancel: CancellationToken,
) {
    let cancel = cancel.child_token();
    let _guard = cancel.clone().drop_guard();
    let (send, mut receive) = mpsc::channel(1024);
    let pipes = Pipes { connection, send, cancel: cancel.clone() };
    let mut state = State::start(&pipes, request);
    let mut dirty = false;
    let mut due = Instant::now();
    let mut clock = tokio::time::interval(CLOCK);
    clock.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => return,
            () = out.closed() => return,
            () = tokio::time::sleep_until(due), if dirty => {
                dirty = false;
                due = Instant::now() + SPACING;
                let snapshot = state.snapshot();
                state.unsettled = snapshot.rows.iter().any(|row| row.health != Health::Healthy);
                // The time of a snapshot alone is no news.
                out.send_if_modified(|shown| {
                    let same = shown.at.is_some()
                        && shown.rows == snapshot.rows
                        && shown.events == snapshot.events
                        && shown.kinds == snapshot.kinds;
                    if !same {
                        *shown = Arc::new(snapshot);
                    }
                    !same
                });
            }
            Some((source, note)) = receive.recv() => {
                state.take(source, note);
                dirty = true;
            }
            _ = clock.tick(), if state.unsettled => dirty = true,
        }
    }
}

struct State {
    request: WatchRequest,
    sources: Vec<Source>,
    /// Something is not healthy: its verdict may change by time alone.
    unsettled: bool,
}

impl State {
    fn start(pipes: &Pipes, request: WatchRequest) -> Self {
        let mut state = Self { request, sources: Vec::new(), unsettled: false };
        let mut names: BTreeMap<(String, String, Option<String>), Vec<String>> = BTreeMap::new();
        for wanted in &state.request.wanted {
            let namespace =
                wanted.namespace.clone().filter(|namespace| *namespace != state.request.namespace);
            let key = (wanted.api_version.clone(), wanted.kind.clone(), namespace);
            let names = names.entry(key).or_default();
            if !names.contains(&wanted.name) {
                names.push(wanted.name.clone());
            }
        }
        let mut namespaces: Vec<Option<String>> =
            names.keys().map(|(_, _, namespace)| namespace.clone()).collect();
        namespaces.push(None);
        namespaces.sort();
        namespaces.dedup();
        for ((api_version, kind, namespace), names) in &names {
            if !is_joined(api_version, kind) {
                state.watch_wanted(pipes, api_version, kind, namespace.as_deref(), names);
            }
        }
        for namespace in &namespaces {
            state.watch_made::<ReplicaSet>(pipes, namespace.as_deref());
            state.watch_made::<Pod>(pipes, namespace.as_deref());
            state.watch_made::<Job>(pipes, namespace.as_deref());
            state.watch_made::<PersistentVolumeClaim>(pipes, namespace.as_deref());
            state.watch_made::<Event>(pipes, namespace.as_deref());
        }
        state
    }

    /// A kind of the manifest: discovered first, and only its metadata where nothing else matters (a Secret's data
    /// never leaves the server for this).
    fn watch_wanted(
        &mut self,
        pipes: &Pipes,
        api_version: &str,
        kind: &str,
        namespace: Option<&str>,
        names: &[String],
    ) {
        let source = self.sources.len();
        self.sources.push(Source::new(api_version, kind, namespace));
        let (api_version, kind) = (api_version.to_owned(), kind.to_owned());
        let namespace = namespace.unwrap_or(&self.request.namespace).to_owned();
        let fields = match names {
            [name] => Some(format!("metadata.name={name}")),
            _ => None,
        };
        let pipes = pipes.clone();
        tokio::spawn(async move {
            let Pipes { connection, send, cancel } = pipes.clone();
            let discover = discover(&connection, &api_version, &kind, source, &send);
            let served = tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                served = discover => served,
            };
            let Some(served) = served else { return };
            let plan = Plan {
                source,
                doing: if served.namespaced {
                    format!("list {} in {namespace}", served.resource.plural)
                } else {
                    format!("list {}", served.resource.plural)
                },
                labels: None,
                fields,
                writers: false,
            };
            let group = served.resource.group.clone();
            if is_static(&group, &kind) {
                let api: Api<PartialObjectMeta<DynamicObject>> = if served.namespaced {
                    Api::namespaced_with(connection.client(), &namespace, &served.resource)
                } else {
                    Api::all_with(connection.client(), &served.resource)
                };
                pump(api, plan, served.resource, pipes).await;
            } else {
                let api = connection.dynamic(&served, &namespace);
                pump(api, plan, served.resource, pipes).await;
            }
        });
    }

    /// A kind that workloads make, whole namespaces of it: what belongs to the release is found by owner.
    fn watch_made<K>(&mut self, pipes: &Pipes, namespace: Option<&str>)
    where
        K: Resource<DynamicType = ()>,
    {
        let resource = ApiResource::erase::<K>(&());
        let source = self.sources.len();
        self.sources.push(Source::new(&resource.api_version, &resource.kind, namespace));
        let namespace = namespace.unwrap_or(&self.request.namespace);
        let plan = Plan {
            source,
            doing: format!("list {} in {namespace}", resource.plural),
            labels: None,
            fields: None,
            writers: false,
        };
        let api: Api<DynamicObject> = Api::namespaced_with(pipes.connection.client(), namespace, &resource);
        tokio::spawn(pump(api, plan, resource, pipes.clone()));
    }

    fn take(&mut self, source: usize, note: Note) {
        let Some(source) = self.sources.get_mut(source) else { return };
        match note {
            Note::ClusterWide => source.namespaced = false,
            Note::Feed(Feed::State(state)) => source.state = state,
            Note::Feed(Feed::Replace(objects)) => {
                source.state = WatchState::Live;
                source.objects = objects.into_iter().map(|object| (uid(&object), object)).collect();
            }
            Note::Feed(Feed::Apply(object)) => {
                source.objects.insert(uid(&object), *object);
            }
            Note::Feed(Feed::Delete(object)) => {
                source.objects.remove(&uid(&object));
            }
        }
    }

    fn snapshot(&self) -> ObjectsSnapshot {
        let release = self.request.namespace.as_str();
        let mut states: HashMap<(&str, &str, Option<&str>), &Source> = HashMap::new();
        for source in &self.sources {
            states.insert((&source.api_version, &source.kind, source.namespace.as_deref()), source);
        }
        let expected: Vec<Expected> = self
            .request
            .wanted
            .iter()
            .map(|wanted| {
                let namespace = wanted.namespace.as_deref().filter(|namespace| *namespace != release);
                let source = states.get(&(wanted.api_version.as_str(), wanted.kind.as_str(), namespace));
                Expected {
                    wanted: wanted.clone(),
                    namespace: match source {
                        Some(source) if !source.namespaced => String::new(),
                        _ => namespace.unwrap_or(release).to_owned(),
                    },
                    state: source.map(|source| source.state.clone()).unwrap_or_default(),
                }
            })
            .collect();
        let of_events = |source: &&Source| source.kind == "Event";
        let objects: Vec<&Value> = self
            .sources
            .iter()
            .filter(|source| !of_events(source))
            .flat_map(|source| source.objects.values())
            .collect();
        let events: Vec<EventRow> = self
            .sources
            .iter()
            .filter(of_events)
            .flat_map(|source| source.objects.values())
            .filter_map(EventRow::read)
            .collect();
        let now = Timestamp::now();
        let (rows, events) = join(&Input { expected: &expected, objects: &objects, events: &events, now });
        let kinds = self.sources.iter().map(|source| KindState {
            api_version: source.api_version.clone(),
            kind: source.kind.clone(),
            namespace: if source.namespaced {
                source.namespace.clone().unwrap_or_else(|| release.to_owned())
            } else {
                String::new()
            },
            state: source.state.clone(),
        });
        ObjectsSnapshot { rows, events, kinds: kinds.collect(), at: Some(now) }
    }
}

/// Kinds that are watched for every release, wherever they come from.
fn is_joined(api_version: &str, kind: &str) -> bool {
    matches!(
        (api_version, kind),
        ("apps/v1", "ReplicaSet") | ("v1", "Pod" | "PersistentVolumeClaim" | "Event") | ("batch/v1", "Job")
    )
}

fn uid(object: &Value) -> String {
    text(object, "/metadata/uid").unwrap_or_default().to_owned()
}

/// Asks until the kind is served; `None` when nobody listens any more.
async fn discover(
    connection: &Connection,
    api_version: &str,
    kind: &str,
    source: usize,
    send: &mpsc::Sender<(usize, Note)>,
) -> Option<Served> {
    let mut backoff = Backoff::default();
    loop {
        match connection.served(api_version, kind).await {
            Ok(served) => {
                if !served.namespaced {
                    send.send((source, Note::ClusterWide)).await.ok()?;
                }
                return Some(served);
            }
            Err(fault) => {
                let state = Note::Feed(Feed::State(WatchState::Failed(fault)));
                send.send((source, state)).await.ok()?;
                tokio::time::sleep(backoff.next()).await;
            }
        }
    }
}

/// Runs a feed and passes its objects on as plain values with their kind (lists leave it out).
async fn pump<K>(api: Api<K>, plan: Plan, resource: ApiResource, pipes: Pipes)
where
    K: Resource + Clone + serde::de::DeserializeOwned + Serialize + std::fmt::Debug + Send + 'static,
{
    let Pipes { connection, send, cancel } = pipes;
    let (feed_out, mut feed_in) = mpsc::channel(64);
    let passing = async {
        while let Some((source, feed)) = feed_in.recv().await {
            let feed = match feed {
                Feed::Replace(objects) => {
                    Feed::Replace(objects.iter().filter_map(|object| plain(object, &resource)).collect())
                }
                Feed::Apply(object) => match plain(&*object, &resource) {
                    Some(object) => Feed::Apply(Box::new(object)),
                    None => continue,
                },
                Feed::Delete(object) => match plain(&*object, &resource) {
                    Some(object) => Feed::Delete(Box::new(object)),
                    None => continue,
                },
                Feed::State(state) => Feed::State(state),
            };
            if send.send((source, Note::Feed(feed))).await.is_err() {
                return;
            }
        }
    };
    tokio::join!(feed::run(api, plan, connection, feed_out, cancel), passing);
}

fn plain<K: Serialize>(object: &K, resource: &ApiResource) -> Option<Value> {
    let mut value = serde_json::to_value(object).ok()?;
    let map = value.as_object_mut()?;
    map.insert("apiVersion".to_owned(), Value::String(resource.api_version.clone()));
    map.insert("kind".to_owned(), Value::String(resource.kind.clone()));
    trim(&mut value, &resource.group, &resource.kind);
    Some(value)
}

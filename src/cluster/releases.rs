//! Every release of a cluster, live, from the metadata of helm's records alone: name, revision, status and time
//! stand in labels, so ten thousand records cost no payload. A record's payload is fetched when it is looked at.

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ConfigMap, Secret};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::core::{ObjectMeta, PartialObjectMeta};
use kube::{Api, Resource};
use serde::de::DeserializeOwned;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connection::Connection;
use super::fault::{Fault, clean};
use super::feed::{self, Feed, Plan};
use super::objects::WatchState;
use crate::helm::record::{self, Record, STORAGE_PREFIX, Status};

/// What every record is labelled with.
const LABELS: &str = "owner=helm";

/// The least time between two snapshots.
const SPACING: Duration = Duration::from_millis(100);

/// Where helm keeps its records (`HELM_DRIVER`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Driver {
    #[default]
    Secret,
    ConfigMap,
}

impl Driver {
    /// As helm reads `HELM_DRIVER`; `Err` for a driver that cannot be read here.
    pub fn from_env() -> Result<Self, Fault> {
        Self::parse(&std::env::var("HELM_DRIVER").unwrap_or_default())
    }

    fn parse(word: &str) -> Result<Self, Fault> {
        match word {
            "" | "secret" | "secrets" => Ok(Self::Secret),
            "configmap" | "configmaps" => Ok(Self::ConfigMap),
            other => Err(Fault::Driver { name: clean(other) }),
        }
    }

    /// The resource that holds its records.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Secret => "secrets",
            Self::ConfigMap => "configmaps",
        }
    }
}

/// One revision as its record's metadata tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevisionRow {
    pub namespace: String,
    pub release: String,
    pub revision: u32,
    pub status: Status,
    /// When the record was last written.
    pub modified: Option<Timestamp>,
    /// When the record was made: the revision is pending since then.
    pub created: Option<Timestamp>,
    /// Who wrote the record last, as the API server notes it: the program (`Helm`), not the person.
    pub writer: Option<String>,
    /// The object that holds the record.
    pub storage: String,
    pub resource_version: String,
}

impl RevisionRow {
    /// `None` for an object that only looks like a record.
    fn read(meta: &ObjectMeta) -> Option<Self> {
        let storage = meta.name.as_deref()?;
        if !storage.starts_with(STORAGE_PREFIX) {
            return None;
        }
        let labels = meta.labels.as_ref()?;
        let seconds =
            |label: &str| labels.get(label)?.parse().ok().and_then(|at| Timestamp::from_second(at).ok());
        let created = meta.creation_timestamp.as_ref().map(|at| at.0);
        let (writer, written) = last_write(meta);
        Some(Self {
            namespace: meta.namespace.clone().unwrap_or_default(),
            release: clean(labels.get("name")?),
            revision: labels.get("version")?.parse().ok()?,
            status: Status::parse(labels.get("status").map(String::as_str).unwrap_or_default()),
            // A new record starts with the labels of the one before, and helm does not renew them with every write:
            // the latest of all tells.
            modified: seconds("modifiedAt").max(seconds("createdAt")).max(created).max(written),
            created,
            writer,
            storage: storage.to_owned(),
            resource_version: meta.resource_version.clone().unwrap_or_default(),
        })
    }
}

/// Who wrote a record's payload last, and when, by the API server's own notes. Labels and annotations are anybody's.
fn last_write(meta: &ObjectMeta) -> (Option<String>, Option<Timestamp>) {
    let entries = meta.managed_fields.iter().flatten();
    let payload = entries
        .filter(|entry| entry.fields_v1.as_ref().is_some_and(|fields| fields.0.get("f:data").is_some()));
    let time = |entry: &ManagedFieldsEntry| entry.time.as_ref().map(|at| at.0);
    let last = payload.max_by_key(|entry| time(entry));
    (last.and_then(|entry| Some(clean(entry.manager.as_ref()?))), last.and_then(time))
}

/// A revision that helm still keeps, as far as metadata tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub revision: u32,
    pub status: Status,
    /// When its record was last written.
    pub modified: Option<Timestamp>,
    /// When its record was made.
    pub created: Option<Timestamp>,
    /// Who wrote its record last, see [`RevisionRow::writer`].
    pub writer: Option<String>,
    /// Changes whenever its record is written.
    pub resource_version: String,
}

impl From<&RevisionRow> for Kept {
    fn from(row: &RevisionRow) -> Self {
        Self {
            revision: row.revision,
            status: row.status,
            modified: row.modified,
            created: row.created,
            writer: row.writer.clone(),
            resource_version: row.resource_version.clone(),
        }
    }
}

/// One release: its last revision, and what the others add.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseRow {
    pub context: String,
    pub namespace: String,
    pub name: String,
    /// The last revision.
    pub revision: u32,
    /// The status of the last revision.
    pub status: Status,
    /// When the last revision was last written.
    pub modified: Option<Timestamp>,
    /// How many revisions are kept.
    pub revisions: usize,
    /// The revisions that are kept, newest first.
    pub history: Vec<Kept>,
    /// The newest revision whose status is deployed: what runs, if the last one failed or is pending.
    pub deployed: Option<u32>,
    /// The object that holds the last revision's record.
    pub storage: String,
    /// Changes whenever the record is written; a plan made for another one is out of date.
    pub resource_version: String,
}

/// What could not be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unseen {
    /// `None` for the whole cluster.
    pub namespace: Option<String>,
    pub fault: Fault,
}

/// Every release of a context at one moment.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ReleasesSnapshot {
    /// By namespace and name.
    pub rows: Vec<ReleaseRow>,
    pub state: WatchState,
    /// Whether only some namespaces are seen, because the whole cluster may not be listed.
    pub partial: bool,
    pub unseen: Vec<Unseen>,
    /// When it was put together; `None` before the first answer.
    pub at: Option<Timestamp>,
}

/// Folds revisions into releases.
pub fn fold<'r>(context: &str, revisions: impl IntoIterator<Item = &'r RevisionRow>) -> Vec<ReleaseRow> {
    let mut releases: BTreeMap<(&str, &str), ReleaseRow> = BTreeMap::new();
    for revision in revisions {
        let row = releases.entry((&revision.namespace, &revision.release)).or_insert_with(|| ReleaseRow {
            context: context.to_owned(),
            namespace: revision.namespace.clone(),
            name: revision.release.clone(),
            revision: 0,
            status: Status::Unknown,
            modified: None,
            revisions: 0,
            history: Vec::new(),
            deployed: None,
            storage: String::new(),
            resource_version: String::new(),
        });
        row.revisions += 1;
        row.history.push(revision.into());
        if revision.status == Status::Deployed {
            row.deployed = row.deployed.max(Some(revision.revision));
        }
        if revision.revision >= row.revision {
            row.revision = revision.revision;
            row.status = revision.status;
            row.modified = revision.modified;
            row.storage.clone_from(&revision.storage);
            row.resource_version.clone_from(&revision.resource_version);
        }
    }
    let mut releases: Vec<ReleaseRow> = releases.into_values().collect();
    for release in &mut releases {
        release.history.sort_by_key(|kept| std::cmp::Reverse(kept.revision));
    }
    releases
}

/// Watches every release of a context until the token is cancelled or the receiver is dropped: the whole cluster
/// if that is allowed, else each of `namespaces`.
pub fn watch(
    connection: Connection,
    driver: Driver,
    namespaces: Vec<String>,
    cancel: CancellationToken,
) -> watch::Receiver<Arc<ReleasesSnapshot>> {
    let (out, receiver) = watch::channel(Arc::default());
    tokio::spawn(async move {
        match driver {
            Driver::Secret => Watcher::<Secret>::run(connection, driver, namespaces, out, cancel).await,
            Driver::ConfigMap => Watcher::<ConfigMap>::run(connection, driver, namespaces, out, cancel).await,
        }
    });
    receiver
}

type Meta<K> = PartialObjectMeta<K>;

/// One list: the whole cluster or a namespace.
struct Scope {
    namespace: Option<String>,
    state: WatchState,
    revisions: HashMap<String, RevisionRow>,
}

struct Watcher<K> {
    connection: Connection,
    driver: Driver,
    namespaces: Vec<String>,
    scopes: Vec<Scope>,
    send: mpsc::Sender<(usize, Feed<Meta<K>>)>,
    cancel: CancellationToken,
}

impl<K> Watcher<K>
where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug
        + Send
        + Sync
        + 'static,
{
    async fn run(
        connection: Connection,
        driver: Driver,
        namespaces: Vec<String>,
        out: watch::Sender<Arc<ReleasesSnapshot>>,
        cancel: CancellationToken,
    ) {
        let cancel = cancel.child_token();
        let _guard = cancel.clone().drop_guard();
        let (send, mut receive) = mpsc::channel(1024);
        let mut this =
            Self { connection, driver, namespaces, scopes: Vec::new(), send, cancel: cancel.clone() };
        this.start(None);
        let mut dirty = false;
        let mut due = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = cancel.cancelled() => return,
                () = out.closed() => return,
                () = tokio::time::sleep_until(due), if dirty => {
                    dirty = false;
                    due = Instant::now() + SPACING;
                    out.send_replace(Arc::new(this.snapshot()));
                }
                Some((source, feed)) = receive.recv() => dirty |= this.take(source, feed),
            }
        }
    }

    fn start(&mut self, namespace: Option<String>) {
        let api: Api<Meta<K>> = match &namespace {
            Some(namespace) => Api::namespaced(self.connection.client(), namespace),
            None => Api::all(self.connection.client()),
        };
        let what = self.driver.plural();
        let plan = Plan {
            source: self.scopes.len(),
            doing: match &namespace {
                Some(namespace) => format!("list {what} in {namespace}"),
                None => format!("list {what} of the whole cluster"),
            },
            labels: Some(LABELS.to_owned()),
            fields: None,
            writers: true,
        };
        self.scopes.push(Scope { namespace, state: WatchState::Loading, revisions: HashMap::new() });
        tokio::spawn(feed::run(api, plan, self.connection.clone(), self.send.clone(), self.cancel.clone()));
    }

    /// Whether it changed what is to be shown.
    fn take(&mut self, source: usize, feed: Feed<Meta<K>>) -> bool {
        let forbidden = matches!(&feed, Feed::State(WatchState::Failed(Fault::Forbidden { .. })));
        // The whole cluster may not be listed: each mapped namespace by itself, once.
        if forbidden && source == 0 && self.scopes.len() == 1 {
            for namespace in std::mem::take(&mut self.namespaces) {
                self.start(Some(namespace));
            }
        }
        let Some(scope) = self.scopes.get_mut(source) else { return false };
        match feed {
            Feed::Replace(objects) => {
                scope.state = WatchState::Live;
                scope.revisions = objects
                    .iter()
                    .filter_map(|object| RevisionRow::read(&object.metadata))
                    .map(|row| (key(&row), row))
                    .collect();
                true
            }
            Feed::Apply(object) => match RevisionRow::read(&object.metadata) {
                Some(row) => {
                    scope.revisions.insert(key(&row), row);
                    true
                }
                None => false,
            },
            Feed::Delete(object) => RevisionRow::read(&object.metadata)
                .is_some_and(|row| scope.revisions.remove(&key(&row)).is_some()),
            Feed::State(state) => {
                let changed = scope.state != state;
                scope.state = state;
                changed
            }
        }
    }

    fn snapshot(&self) -> ReleasesSnapshot {
        let whole = self.scopes.first().map(|scope| scope.state.clone()).unwrap_or_default();
        let partial = self.scopes.len() > 1 && whole != WatchState::Live;
        // Once the whole cluster may be listed again, the single namespaces say nothing more.
        let shown = if partial {
            self.scopes.get(1..).unwrap_or_default()
        } else {
            self.scopes.get(..1).unwrap_or_default()
        };
        let revisions = shown.iter().flat_map(|scope| scope.revisions.values());
        let state = if partial {
            if shown.iter().any(|scope| scope.state == WatchState::Loading) {
                WatchState::Loading
            } else if shown.iter().any(|scope| scope.state == WatchState::Live) {
                WatchState::Live
            } else {
                shown.first().map(|scope| scope.state.clone()).unwrap_or_default()
            }
        } else {
            whole
        };
        let unseen = self.scopes.iter().filter_map(|scope| {
            Some(Unseen { namespace: scope.namespace.clone(), fault: scope.state.fault()?.clone() })
        });
        ReleasesSnapshot {
            rows: fold(self.connection.context(), revisions),
            state,
            partial,
            unseen: unseen.collect(),
            at: Some(Timestamp::now()),
        }
    }
}

fn key(row: &RevisionRow) -> String {
    format!("{}/{}", row.namespace, row.storage)
}

impl Connection {
    /// The kept revisions of a release, newest first, without their payloads.
    pub async fn history(
        &self,
        driver: Driver,
        namespace: &str,
        release: &str,
    ) -> Result<Vec<RevisionRow>, Fault> {
        let doing = format!("list {} in {namespace}", driver.plural());
        let params = kube::api::ListParams::default().labels(&format!("{LABELS},name={release}"));
        let metas = match driver {
            Driver::Secret => self.metas::<Secret>(namespace, &params, &doing).await?,
            Driver::ConfigMap => self.metas::<ConfigMap>(namespace, &params, &doing).await?,
        };
        let mut rows: Vec<RevisionRow> = metas.iter().filter_map(RevisionRow::read).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.revision));
        Ok(rows)
    }

    async fn metas<K>(
        &self,
        namespace: &str,
        params: &kube::api::ListParams,
        doing: &str,
    ) -> Result<Vec<ObjectMeta>, Fault>
    where
        K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + std::fmt::Debug,
    {
        let api: Api<Meta<K>> = Api::namespaced(self.client(), namespace);
        let found = self.once(doing, api.list(params)).await?;
        Ok(found.items.into_iter().map(|item| item.metadata).collect())
    }

    /// One revision's record; `storage` as its row names it.
    pub async fn record(&self, driver: Driver, namespace: &str, storage: &str) -> Result<Record, Fault> {
        let doing = format!("read the release record {namespace}/{storage}");
        let collection = match driver {
            Driver::Secret => Secret::url_path(&(), Some(namespace)),
            Driver::ConfigMap => ConfigMap::url_path(&(), Some(namespace)),
        };
        let unreadable = |cause: String| Fault::Unreadable { doing: doing.clone(), cause: clean(&cause) };
        let object = self.get_plain(&collection, storage, &doing).await?.ok_or_else(|| Fault::NotFound {
            doing: doing.clone(),
            cause: format!("{} \"{storage}\" not found", driver.plural()),
        })?;
        // Unpacking a large record takes tens of milliseconds.
        tokio::task::spawn_blocking(move || record::decode_object(&object))
            .await
            .map_err(|error| unreadable(error.to_string()))?
            .map_err(|error| unreadable(error.to_string()))
    }
}

//! A release record: what helm remembers of one revision of a release.
//!
//! helm keeps each revision in one Secret (or `ConfigMap`) of the release's namespace, as JSON in gzip in base64.
//! Records are written by every helm since 3.0, by hand repairs and by other tools, so reading is tolerant:
//! absent, `null` and empty fields are the same, and a time that cannot be read is no time. Templates and files
//! of the chart are not kept: nothing shows them, and a history of large charts would hold hundreds of MB.

use std::collections::BTreeMap;
use std::fmt;
use std::io::Read;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::base::error::Context as _;
use crate::base::{Error, Hash, Result};
use crate::model::DeploymentStatus;

/// What helm puts in front of a record's name: `sh.helm.release.v1.<release>.v<revision>`.
pub const STORAGE_PREFIX: &str = "sh.helm.release.v1.";

/// The type of the Secrets that hold records.
pub const SECRET_TYPE: &str = "helm.sh/release.v1";

/// No record is larger once unpacked: the API server limits a Secret to 1 MiB, gzip packs YAML at most about 50:1.
const UNPACKED_LIMIT: u64 = 64 * 1024 * 1024;

/// The name of the object that holds a revision.
pub fn storage_name(release: &str, revision: u32) -> String {
    format!("{STORAGE_PREFIX}{release}.v{revision}")
}

/// helm's word in the platform's: what helm is at work on is pending, what it took away is superseded, and what it
/// cannot tell has failed.
impl From<Status> for DeploymentStatus {
    fn from(status: Status) -> Self {
        match status {
            Status::Deployed => Self::Deployed,
            Status::PendingInstall
            | Status::PendingUpgrade
            | Status::PendingRollback
            | Status::Uninstalling => Self::Pending,
            Status::Superseded | Status::Uninstalled => Self::Superseded,
            Status::Failed | Status::Unknown => Self::Failed,
        }
    }
}

/// The status of a revision, in helm's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    #[default]
    Unknown,
    Deployed,
    Uninstalled,
    Superseded,
    Failed,
    Uninstalling,
    PendingInstall,
    PendingUpgrade,
    PendingRollback,
}

impl Status {
    /// From helm's word; what helm does not say is `Unknown`.
    pub fn parse(word: &str) -> Self {
        match word {
            "deployed" => Self::Deployed,
            "uninstalled" => Self::Uninstalled,
            "superseded" => Self::Superseded,
            "failed" => Self::Failed,
            "uninstalling" => Self::Uninstalling,
            "pending-install" => Self::PendingInstall,
            "pending-upgrade" => Self::PendingUpgrade,
            "pending-rollback" => Self::PendingRollback,
            _ => Self::Unknown,
        }
    }

    /// helm's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Deployed => "deployed",
            Self::Uninstalled => "uninstalled",
            Self::Superseded => "superseded",
            Self::Failed => "failed",
            Self::Uninstalling => "uninstalling",
            Self::PendingInstall => "pending-install",
            Self::PendingUpgrade => "pending-upgrade",
            Self::PendingRollback => "pending-rollback",
        }
    }

    /// Whether helm refuses an upgrade because of it.
    pub fn is_pending(self) -> bool {
        matches!(self, Self::PendingInstall | Self::PendingUpgrade | Self::PendingRollback)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Who applies the objects of a release: decided at install, carried by later revisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ApplyMethod {
    /// helm computes a three-way patch (helm 3; a record without the field).
    #[default]
    ClientSide,
    /// Server-side apply (the default of helm 4 for new releases).
    ServerSide,
}

/// One dependency as the record's `Chart.yaml` declares it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ChartDependency {
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    #[serde(deserialize_with = "nullable")]
    pub version: String,
    #[serde(deserialize_with = "nullable")]
    pub repository: String,
    #[serde(deserialize_with = "nullable")]
    pub alias: String,
    #[serde(deserialize_with = "nullable")]
    pub condition: String,
}

/// What the record tells of its chart.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(default)]
pub struct ChartInfo {
    #[serde(deserialize_with = "nullable")]
    pub name: String,
    #[serde(deserialize_with = "nullable")]
    pub version: String,
    #[serde(rename = "appVersion", deserialize_with = "nullable")]
    pub app_version: String,
    #[serde(deserialize_with = "nullable")]
    pub description: String,
    #[serde(deserialize_with = "nullable")]
    pub annotations: BTreeMap<String, String>,
    #[serde(deserialize_with = "nullable")]
    pub dependencies: Vec<ChartDependency>,
}

impl ChartInfo {
    /// `name-version`, as `helm list` writes it.
    pub fn label(&self) -> String {
        if self.version.is_empty() { self.name.clone() } else { format!("{}-{}", self.name, self.version) }
    }
}

/// How a hook ended, in helm's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HookPhase {
    /// It never ran, or the record does not say.
    #[default]
    Unknown,
    Running,
    Succeeded,
    Failed,
}

impl HookPhase {
    fn parse(word: &str) -> Self {
        match word {
            "Running" => Self::Running,
            "Succeeded" => Self::Succeeded,
            "Failed" => Self::Failed,
            _ => Self::Unknown,
        }
    }

    /// A word for the screen.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "not run",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// The last time a hook ran.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HookRun {
    pub phase: HookPhase,
    pub started: Option<Timestamp>,
    pub completed: Option<Timestamp>,
}

/// A hook of a revision; tests are hooks with the event `test`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HookRecord {
    pub name: String,
    pub kind: String,
    /// The template it came from: `chart/templates/job.yaml`.
    pub path: String,
    /// `pre-install`, `post-upgrade`, `test`, …
    pub events: Vec<String>,
    /// Lower runs first.
    pub weight: i64,
    pub delete_policies: Vec<String>,
    pub manifest: String,
    pub last_run: HookRun,
}

impl HookRecord {
    /// Whether `helm test` runs it.
    pub fn is_test(&self) -> bool {
        self.events.iter().any(|event| event == "test" || event == "test-success" || event == "test-failure")
    }
}

/// One revision of a release. Manifest, values and notes are as helm stored them: redact before showing.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    pub name: String,
    pub namespace: String,
    pub revision: u32,
    pub status: Status,
    /// helm's sentence: `Install complete`, `Upgrade "web" failed: …`, `Rollback to 2`.
    pub description: String,
    pub first_deployed: Option<Timestamp>,
    pub last_deployed: Option<Timestamp>,
    /// When it was uninstalled, if its history was kept.
    pub deleted: Option<Timestamp>,
    pub notes: String,
    pub chart: ChartInfo,
    /// The values the user gave (files and `--set`), merged; `{}` when none.
    pub config: Value,
    /// The chart's own defaults, subcharts' not included.
    pub chart_values: Value,
    /// The chart's own templates by their path, subcharts' not included.
    pub templates: BTreeMap<String, Hash>,
    /// The rendered objects, without hooks and CRDs.
    pub manifest: String,
    pub hooks: Vec<HookRecord>,
    pub apply_method: ApplyMethod,
    /// Labels the user gave with `--labels`.
    pub labels: BTreeMap<String, String>,
    /// The revision this one was rolled back to, where helm says it.
    pub rollback_revision: Option<u32>,
}

impl Record {
    /// The name of the object that holds it.
    pub fn storage_name(&self) -> String {
        storage_name(&self.name, self.revision)
    }

    /// Whether a rollback made it, as helm says it in every version.
    pub fn is_rollback(&self) -> bool {
        self.rollback_revision.is_some()
            || self.description.starts_with("Rollback to ")
            || self.description.starts_with("Rollback \"")
    }

    /// The revision that it was rolled back to, where helm says it.
    pub fn rollback_to(&self) -> Option<u32> {
        self.rollback_revision.or_else(|| self.description.strip_prefix("Rollback to ")?.trim().parse().ok())
    }
}

/// Reads the payload of a record: the value of `data.release` of a Secret after the API's own base64 is taken
/// off, or of a `ConfigMap` as it is. Also accepts a Secret's payload with the API's base64 still on.
pub fn decode(payload: &[u8]) -> Result<Record> {
    let mut bytes = from_base64(payload)?;
    if !bytes.starts_with(&GZIP) && !starts_json(&bytes) {
        bytes = from_base64(&bytes)?;
    }
    let json = if bytes.starts_with(&GZIP) { unpack(&bytes)? } else { bytes };
    from_json(&json)
}

/// Reads a record from a Secret or `ConfigMap` as the API returns it in JSON.
pub fn decode_object(object: &Value) -> Result<Record> {
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("release record");
    let payload = object
        .pointer("/data/release")
        .and_then(Value::as_str)
        .ok_or_else(|| Error::new("is not a release record: it has no data.release").at(name))?;
    let mut record = decode(payload.as_bytes()).map_err(|error| error.at(name))?;
    if let Some(labels) = object.pointer("/metadata/labels").and_then(Value::as_object) {
        for (key, value) in labels {
            if !RESERVED_LABELS.contains(&key.as_str())
                && let Some(value) = value.as_str()
            {
                record.labels.insert(key.clone(), value.to_owned());
            }
        }
    }
    Ok(record)
}

/// helm's own labels on a record; the rest is the user's.
pub const RESERVED_LABELS: [&str; 6] = ["owner", "name", "version", "status", "createdAt", "modifiedAt"];

const GZIP: [u8; 3] = [0x1f, 0x8b, 0x08];

fn starts_json(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'{')
}

fn from_base64(bytes: &[u8]) -> Result<Vec<u8>> {
    STANDARD.decode(bytes.trim_ascii()).context("cannot read the release record: it is not base64")
}

fn unpack(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut json = Vec::new();
    flate2::read::GzDecoder::new(bytes)
        .take(UNPACKED_LIMIT + 1)
        .read_to_end(&mut json)
        .context("cannot read the release record: it does not unpack")?;
    if json.len() as u64 > UNPACKED_LIMIT {
        return Err(Error::new(format!(
            "cannot read the release record: it is larger than {} MiB unpacked",
            UNPACKED_LIMIT / 1024 / 1024
        )));
    }
    Ok(json)
}

/// Reads the JSON of a record, as `helm status -o json` and `helm upgrade -o json` also print it.
pub fn from_json(json: &[u8]) -> Result<Record> {
    let raw: RawRecord =
        serde_json::from_slice(json).context("cannot read the release record: unexpected JSON")?;
    if raw.name.is_empty() {
        return Err(Error::new("cannot read the release record: it has no release name"));
    }
    let hooks = raw.hooks.into_iter().map(RawHook::into_hook).collect();
    Ok(Record {
        name: raw.name,
        namespace: raw.namespace,
        revision: u32::try_from(raw.version).unwrap_or_default(),
        status: Status::parse(&raw.info.status),
        description: raw.info.description,
        first_deployed: time(raw.info.first_deployed.as_ref()),
        last_deployed: time(raw.info.last_deployed.as_ref()),
        deleted: time(raw.info.deleted.as_ref()),
        notes: raw.info.notes,
        chart: raw.chart.metadata,
        config: map_or_empty(raw.config),
        chart_values: map_or_empty(raw.chart.values),
        templates: raw
            .chart
            .templates
            .into_iter()
            .filter_map(|file| Some((file.name, Hash::of(STANDARD.decode(file.data).ok()?))))
            .collect(),
        manifest: raw.manifest,
        hooks,
        apply_method: if raw.apply_method == "ssa" {
            ApplyMethod::ServerSide
        } else {
            ApplyMethod::ClientSide
        },
        labels: raw.labels,
        rollback_revision: u32::try_from(raw.info.rollback_revision).ok().filter(|revision| *revision > 0),
    })
}

fn map_or_empty(value: Value) -> Value {
    if value.is_object() { value } else { Value::Object(serde_json::Map::new()) }
}

/// helm's zero time (`0001-01-01T00:00:00Z`), `""`, `null` and what is no time are all "not known".
fn time(value: Option<&Value>) -> Option<Timestamp> {
    let time: Timestamp = value?.as_str()?.parse().ok()?;
    (time.as_second() > 0).then_some(time)
}

fn nullable<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawRecord {
    #[serde(deserialize_with = "nullable")]
    name: String,
    #[serde(deserialize_with = "nullable")]
    namespace: String,
    #[serde(deserialize_with = "nullable")]
    version: i64,
    #[serde(deserialize_with = "nullable")]
    info: RawInfo,
    #[serde(deserialize_with = "nullable")]
    chart: RawChart,
    config: Value,
    #[serde(deserialize_with = "nullable")]
    manifest: String,
    #[serde(deserialize_with = "nullable")]
    hooks: Vec<RawHook>,
    #[serde(deserialize_with = "nullable")]
    apply_method: String,
    #[serde(deserialize_with = "nullable")]
    labels: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawInfo {
    first_deployed: Option<Value>,
    last_deployed: Option<Value>,
    deleted: Option<Value>,
    #[serde(deserialize_with = "nullable")]
    description: String,
    #[serde(deserialize_with = "nullable")]
    status: String,
    #[serde(deserialize_with = "nullable")]
    notes: String,
    #[serde(deserialize_with = "nullable")]
    rollback_revision: i64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawChart {
    #[serde(deserialize_with = "nullable")]
    metadata: ChartInfo,
    values: Value,
    #[serde(deserialize_with = "nullable")]
    templates: Vec<RawFile>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawFile {
    #[serde(deserialize_with = "nullable")]
    name: String,
    #[serde(deserialize_with = "nullable")]
    data: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawHook {
    #[serde(deserialize_with = "nullable")]
    name: String,
    #[serde(deserialize_with = "nullable")]
    kind: String,
    #[serde(deserialize_with = "nullable")]
    path: String,
    #[serde(deserialize_with = "nullable")]
    manifest: String,
    #[serde(deserialize_with = "nullable")]
    events: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    weight: i64,
    #[serde(deserialize_with = "nullable")]
    delete_policies: Vec<String>,
    #[serde(deserialize_with = "nullable")]
    last_run: RawRun,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawRun {
    #[serde(deserialize_with = "nullable")]
    phase: String,
    started_at: Option<Value>,
    completed_at: Option<Value>,
}

impl RawHook {
    fn into_hook(self) -> HookRecord {
        HookRecord {
            name: self.name,
            kind: self.kind,
            path: self.path,
            events: self.events,
            weight: self.weight,
            delete_policies: self.delete_policies,
            manifest: self.manifest,
            last_run: HookRun {
                phase: HookPhase::parse(&self.last_run.phase),
                started: time(self.last_run.started_at.as_ref()),
                completed: time(self.last_run.completed_at.as_ref()),
            },
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::io::Write;

    use serde_json::json;

    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn sample() -> Value {
        json!({
            "name": "floe", "namespace": "floe-dev", "version": 3, "apply_method": "ssa",
            "info": {
                "first_deployed": "2026-11-20T10:00:00.123456789+01:00", "last_deployed": "2026-11-21T10:00:00Z",
                "deleted": "", "description": "Upgrade complete", "status": "pending-upgrade", "notes": "hello",
            },
            "chart": {
                "metadata": {"name": "floe-platform", "version": "1.2.0", "appVersion": "7",
                             "dependencies": [{"name": "otel-collector", "version": "0.1.0", "repository": "file://../x"}]},
                "templates": [{"name": "templates/a.yaml", "data": "YQ=="}], "values": {"replicas": 1},
            },
            "config": {"replicas": 3}, "manifest": "---\n",
            "hooks": [{"name": "migrate", "kind": "Job", "path": "floe/templates/m.yaml", "manifest": "kind: Job\n",
                       "events": ["pre-upgrade"], "weight": -5, "delete_policies": ["before-hook-creation"],
                       "last_run": {"started_at": "2026-11-21T09:59:00Z", "completed_at": "", "phase": "Failed"}},
                      {"name": "t", "kind": "Pod", "events": ["test"], "last_run": null}],
        })
    }

    #[test]
    fn a_secret_as_the_api_returns_it_is_read() {
        let json = serde_json::to_vec(&sample()).unwrap();
        let payload = STANDARD.encode(STANDARD.encode(gzip(&json)));
        let record = decode_object(&json!({
            "metadata": {"name": "sh.helm.release.v1.floe.v3", "labels": {"owner": "helm", "team": "data"}},
            "data": {"release": payload},
        }))
        .unwrap();
        assert_eq!((record.name.as_str(), record.revision), ("floe", 3));
        assert_eq!(record.status, Status::PendingUpgrade);
        assert!(record.status.is_pending());
        assert_eq!(record.apply_method, ApplyMethod::ServerSide);
        assert_eq!(record.first_deployed, Some("2026-11-20T09:00:00.123456789Z".parse().unwrap()));
        assert_eq!(record.deleted, None);
        assert_eq!(record.chart.label(), "floe-platform-1.2.0");
        assert_eq!(record.chart.dependencies[0].name, "otel-collector");
        assert_eq!(record.config, json!({"replicas": 3}));
        assert_eq!(record.chart_values, json!({"replicas": 1}));
        assert_eq!(record.labels, BTreeMap::from([("team".to_owned(), "data".to_owned())]));
        assert_eq!(record.hooks[0].last_run.phase, HookPhase::Failed);
        assert_eq!(record.hooks[0].last_run.completed, None);
        assert_eq!(record.hooks[0].weight, -5);
        assert!(record.hooks[1].is_test() && !record.hooks[0].is_test());
        assert_eq!(record.storage_name(), "sh.helm.release.v1.floe.v3");
    }

    #[test]
    fn typed_clients_config_maps_and_old_records_have_one_layer_less() {
        let json = serde_json::to_vec(&sample()).unwrap();
        for payload in [STANDARD.encode(gzip(&json)), STANDARD.encode(&json)] {
            assert_eq!(decode(payload.as_bytes()).unwrap().revision, 3);
        }
    }

    #[test]
    fn what_is_missing_or_null_is_empty() {
        let record =
            from_json(br#"{"name":"a","info":null,"chart":{"metadata":null},"config":null,"hooks":null}"#)
                .unwrap();
        assert_eq!(record.status, Status::Unknown);
        assert_eq!(record.config, json!({}));
        assert_eq!(record.apply_method, ApplyMethod::ClientSide);
        let zero = from_json(br#"{"name":"a","info":{"last_deployed":"0001-01-01T00:00:00Z"}}"#).unwrap();
        assert_eq!(zero.last_deployed, None);
    }

    #[test]
    fn what_is_no_record_is_refused_with_a_reason() {
        for (payload, says) in [
            (b"%%%".to_vec(), "not base64"),
            (STANDARD.encode(b"{\"name\": 1}").into_bytes(), "unexpected JSON"),
            (STANDARD.encode(b"{}").into_bytes(), "no release name"),
            (STANDARD.encode(&gzip(b"{}")[..12]).into_bytes(), "does not unpack"),
        ] {
            let error = decode(&payload).unwrap_err();
            assert!(error.what.contains(says), "{error}");
        }
    }

    #[test]
    fn a_bomb_is_refused_before_it_fills_the_memory() {
        let bomb = gzip(&vec![b' '; usize::try_from(UNPACKED_LIMIT).unwrap() + 10]);
        let error = decode(STANDARD.encode(bomb).as_bytes()).unwrap_err();
        assert!(error.what.contains("larger than 64 MiB"), "{error}");
    }

    #[test]
    fn every_status_reads_back() {
        for status in [
            Status::Deployed,
            Status::Uninstalled,
            Status::Superseded,
            Status::Failed,
            Status::Uninstalling,
            Status::PendingInstall,
            Status::PendingUpgrade,
            Status::PendingRollback,
        ] {
            assert_eq!(Status::parse(status.word()), status);
        }
    }
}

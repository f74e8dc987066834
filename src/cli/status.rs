//! `floe-tui status DIR --env E [--json]`: the health of a release. The JSON speaks the data model: a
//! `PlatformDeployment` with its `DeployedComponent`s.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::args::{Global, StatusArgs};
use super::context::{self, Context};
use super::{ERROR, OK, follow, out};
use crate::base::{Error, Result, time};
use crate::cluster::Connection;
use crate::cluster::Health;
use crate::cluster::objects::{ObjectRow, ObjectsSnapshot, Wanted};
use crate::cluster::releases::Driver;
use crate::helm::record::{Record, Status};
use crate::manifest::{self, Object};

/// How long the objects are waited for.
const LOOK: Duration = Duration::from_secs(20);

/// Degraded, missing or failed.
const DEGRADED: u8 = 3;
/// On its way.
const PENDING: u8 = 4;

/// Kinds that are components in the data model.
const WORKLOADS: [&str; 5] = ["Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"];

/// As in the data model.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PlatformDeployment {
    release_name: String,
    namespace: String,
    chart_version: String,
    artifact_version: String,
    environment: String,
    status: &'static str,
    components: Vec<DeployedComponent>,
    deployed_at: Option<Timestamp>,
    /// Beyond the data model: what it is worth knowing beside it.
    revision: u32,
    health: Health,
    #[serde(skip_serializing_if = "Option::is_none")]
    root_cause: Option<String>,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct DeployedComponent {
    name: String,
    #[serde(rename = "type")]
    kind: String,
    replicas: ComponentReplicas,
    health: &'static str,
}

#[derive(Debug, PartialEq, Eq, Serialize)]
struct ComponentReplicas {
    desired: i64,
    ready: i64,
    available: i64,
}

pub(super) async fn run(args: &StatusArgs, global: &Global) -> Result<u8> {
    let mut context = Context::new(global)?;
    let workspace = context::open(&args.dir)?;
    let kubeconfig = context.kubeconfig()?;
    let place = context.place(&workspace, args.chart.as_deref(), &args.env, Some(&kubeconfig))?;
    context.learn(&place);
    let release = context::release_of(&place.target)?;
    let connection = Connection::open(&kubeconfig, &release.context).await?;
    let driver = Driver::from_env()
        .map_err(|name| Error::new(format!("HELM_DRIVER={name}: release records cannot be read here")))?;
    let history = connection.history(driver, &release.namespace, &release.release).await?;
    let Some(last) = history.first() else {
        out::error(&Error::new("there is no such release").at(release.to_string()).next("install it first"));
        return Ok(ERROR);
    };
    let record = connection.record(driver, &release.namespace, &last.storage).await?;
    let cancel = CancellationToken::new();
    let _guard = cancel.clone().drop_guard();
    let mut snapshots = follow::watch_release(&connection, &release, wanted(&record)?, cancel);
    let deadline = tokio::time::Instant::now() + LOOK;
    while snapshots.borrow().is_loading() {
        if tokio::time::timeout_at(deadline, snapshots.changed()).await.is_err() {
            out::note(&format!("warning: not every object could be seen within {} s", LOOK.as_secs()));
            break;
        }
    }
    let snapshot: Arc<ObjectsSnapshot> = snapshots.borrow().clone();
    let health = snapshot.health();
    let cause = follow::cause(&connection, &snapshot, &context.redactor).await;
    if args.json {
        out::json(&PlatformDeployment {
            release_name: release.release.clone(),
            namespace: release.namespace.clone(),
            chart_version: record.chart.version.clone(),
            artifact_version: artifact_version(&record),
            environment: args.env.clone(),
            status: model_status(record.status),
            components: snapshot.rows.iter().filter_map(component).collect(),
            deployed_at: record.last_deployed,
            revision: record.revision,
            health,
            root_cause: cause,
        })?;
    } else {
        let when = record
            .last_deployed
            .map(|at| format!(", {} ago ({})", time::relative(at, Timestamp::now()), time::absolute(at)))
            .unwrap_or_default();
        out::line(&format!(
            "{} @ {}: revision {} {}, {health}  {}{when}",
            release.release,
            args.env,
            record.revision,
            record.status,
            record.chart.label()
        ));
        out::line(&format!("  context {}, namespace {}", release.context, release.namespace));
        if let Some(cause) = cause {
            out::line(&format!("  {cause}"));
        }
        for row in snapshot.rows.iter().filter(|row| row.depth == 0 && !(row.hook && row.uid.is_empty())) {
            out::line(&follow::line(row, &release));
        }
        for kind in &snapshot.kinds {
            if let Some(fault) = kind.state.fault() {
                out::note(&format!("warning: {} cannot be seen: {fault}", kind.kind));
            }
        }
    }
    Ok(code(record.status, health))
}

fn code(status: Status, health: Health) -> u8 {
    match (status, health) {
        (Status::Failed, _) | (_, Health::Degraded | Health::Missing) => DEGRADED,
        (status, _) if status.is_pending() || status == Status::Uninstalling => PENDING,
        (_, Health::Progressing) => PENDING,
        _ => OK,
    }
}

/// Everything that the record says should be there.
fn wanted(record: &Record) -> Result<Vec<Wanted>> {
    let mut objects = manifest::parse(&record.manifest)?;
    for hook in &record.hooks {
        objects.extend(manifest::parse_from(&hook.manifest, Some(&hook.path))?);
    }
    Ok(objects.iter().map(want).collect())
}

fn want(object: &Object) -> Wanted {
    Wanted {
        api_version: object.id.api_version.clone(),
        kind: object.id.kind.clone(),
        namespace: object.id.namespace.clone(),
        name: object.id.name.clone(),
        hook: object.hook.is_some(),
    }
}

/// The version of the artifacts that the values were made from: the chart says so, else its application version.
fn artifact_version(record: &Record) -> String {
    record
        .chart
        .annotations
        .get("floe.dev/artifact-version")
        .cloned()
        .unwrap_or_else(|| record.chart.app_version.clone())
}

/// The data model knows four of helm's statuses.
fn model_status(status: Status) -> &'static str {
    match status {
        Status::Deployed => "deployed",
        Status::Superseded | Status::Uninstalled | Status::Uninstalling => "superseded",
        Status::Failed | Status::Unknown => "failed",
        Status::PendingInstall | Status::PendingUpgrade | Status::PendingRollback => "pending",
    }
}

/// The data model knows four healths: what is on its way or stopped on purpose is degraded, what fails is unhealthy.
fn model_health(health: Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::Progressing | Health::Suspended => "degraded",
        Health::Degraded | Health::Missing => "unhealthy",
        Health::Unknown => "unknown",
    }
}

fn component(row: &ObjectRow) -> Option<DeployedComponent> {
    if row.depth > 0 || row.hook || !WORKLOADS.contains(&row.kind.as_str()) {
        return None;
    }
    let replicas = row.replicas.unwrap_or_default();
    Some(DeployedComponent {
        name: row.name.clone(),
        kind: row.kind.clone(),
        replicas: ComponentReplicas {
            desired: replicas.desired,
            ready: replicas.ready,
            available: replicas.available,
        },
        health: model_health(row.health),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes() {
        assert_eq!(code(Status::Deployed, Health::Healthy), 0);
        assert_eq!(code(Status::Deployed, Health::Unknown), 0);
        assert_eq!(code(Status::Deployed, Health::Degraded), 3);
        assert_eq!(code(Status::Failed, Health::Healthy), 3);
        assert_eq!(code(Status::Deployed, Health::Progressing), 4);
        assert_eq!(code(Status::PendingUpgrade, Health::Healthy), 4);
    }

    #[test]
    fn the_data_models_words() {
        assert_eq!(model_health(Health::Suspended), "degraded");
        assert_eq!(model_health(Health::Missing), "unhealthy");
        assert_eq!(model_status(Status::PendingRollback), "pending");
    }
}

//! `floe-tui status`: how a release and its components do, why, and what was last done to it. As data it speaks the
//! platform's model: a `PlatformDeployment` with its `DeployedComponent`s.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::args::{Global, Status as Args};
use super::observe::{self, Cause};
use super::setup::{Place, Setup};
use super::{DEGRADED, FAILED, OK, PENDING, out};
use crate::base::{Result, time};
use crate::cluster::Health;
use crate::cluster::objects::{ObjectRow, ObjectsSnapshot};
use crate::helm::ReleaseRef;
use crate::helm::record::{Record, Status};
use crate::model::deployment::{DeploymentRecord, Replicas, WorkloadKind};
use crate::model::{DeployedComponent, DeploymentStatus};
use crate::operations::{OperationView, Store};

/// A deployed platform with what is known beside the model's own fields.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Deployment {
    #[serde(flatten)]
    record: DeploymentRecord,
    #[serde(skip)]
    rows: Vec<Component>,
    chart: String,
    revision: u32,
    helm_status: Status,
    description: String,
    context: String,
    health: Health,
    root_cause: Option<String>,
    root_cause_details: Vec<String>,
    /// What is not well and decides nothing.
    remarks: Vec<String>,
    operation: Option<Operation>,
}

/// One workload of the platform, with its own name and reason.
#[derive(Debug, Serialize)]
struct Component {
    #[serde(flatten)]
    model: DeployedComponent,
    object: String,
    reason: String,
}

fn replicas(row: &ObjectRow) -> Replicas {
    if row.kind == "CronJob" {
        let desired = i64::from(row.health != Health::Suspended);
        let works = i64::from(row.health == Health::Healthy);
        return Replicas { desired, ready: desired * works, available: desired * works };
    }
    let counted = row.replicas.unwrap_or_default();
    Replicas { desired: counted.desired, ready: counted.ready, available: counted.available }
}

/// The last operation of ours on the release.
#[derive(Debug, Serialize)]
struct Operation {
    id: String,
    verb: crate::operations::Verb,
    /// `running`, `succeeded`, `failed`, `interrupted`.
    state: &'static str,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
    /// helm's process while it runs.
    pid: Option<u32>,
    #[serde(skip)]
    seconds: Duration,
}

pub(super) async fn run(global: Global, args: Args) -> Result<u8> {
    let setup = Setup::new(global)?;
    let place = Place::find(&args.place)?;
    let redactor = place.redactor(&[&place.environment]);
    let kubeconfig = setup.kubeconfig()?;
    let (target, release) = place.target(&kubeconfig, &setup.settings)?;
    let operation = last_operation(&Store::new(&setup.folders), &release);
    let connection = setup.connect(&kubeconfig, &release).await?;
    let last = observe::last(&connection, &release, &args.place).await.inspect_err(|_| {
        if let Some(operation) = &operation {
            out::note(&operation.words());
        }
    })?;
    let record = observe::record(&connection, &release, &last).await?;
    let snapshot = observe::objects(&connection, &release, &record).await?;
    // What only watches over workloads is in the list, and no cause of anything.
    let cause = if observe::health(&snapshot) <= Health::Missing || last.status == Status::Failed {
        observe::cause(&connection, &snapshot, &redactor).await
    } else {
        None
    };
    let mut deployment = deployment(&target.environment, &release, &record, &snapshot, cause, operation);
    // The record may be a moment older than the list of revisions.
    deployment.helm_status = last.status;
    deployment.record.status = last.status.into();
    if args.json {
        out::json(&data(&deployment));
    } else {
        print(&deployment, &snapshot);
    }
    if let Some(fault) = snapshot.fault() {
        out::error(&fault.clone().into());
    }
    Ok(code(&deployment, snapshot.fault().is_some() || snapshot.is_loading()))
}

/// The exit code: at work before not healthy before failed.
fn code(deployment: &Deployment, unseen: bool) -> u8 {
    let running = deployment.operation.as_ref().is_some_and(|operation| operation.state == "running");
    if running || deployment.record.status == DeploymentStatus::Pending {
        return PENDING;
    }
    match deployment.health {
        Health::Degraded | Health::Missing => DEGRADED,
        _ if deployment.record.status != DeploymentStatus::Deployed || unseen => FAILED,
        Health::Progressing => PENDING,
        Health::Healthy | Health::Suspended | Health::Unknown => OK,
    }
}

fn deployment(
    environment: &str,
    release: &ReleaseRef,
    record: &Record,
    snapshot: &ObjectsSnapshot,
    cause: Option<Cause>,
    operation: Option<Operation>,
) -> Deployment {
    let artifact = [&record.config, &record.chart_values]
        .into_iter()
        .find_map(|values| values.pointer("/global/artifactVersion")?.as_str())
        .or_else(|| record.chart.annotations.get("floe.dev/artifact-version").map(String::as_str))
        .unwrap_or("unknown");
    let (root_cause, root_cause_details) =
        cause.map_or((None, Vec::new()), |cause| (Some(cause.line), cause.more));
    let rows: Vec<Component> =
        snapshot.rows.iter().filter_map(|row| component(row, &release.release)).collect();
    Deployment {
        record: DeploymentRecord {
            release_name: release.release.clone(),
            namespace: release.namespace.clone(),
            chart_version: record.chart.version.clone(),
            artifact_version: artifact.to_owned(),
            environment: environment.to_owned(),
            status: record.status.into(),
            components: rows.iter().map(|row| row.model.clone()).collect(),
            deployed_at: record.last_deployed,
            deployed_by: None,
        },
        rows,
        chart: record.chart.label(),
        revision: record.revision,
        helm_status: record.status,
        description: record.description.clone(),
        context: release.context.clone(),
        health: observe::health(snapshot),
        root_cause,
        root_cause_details,
        remarks: snapshot.remarks(),
        operation,
    }
}

/// The deployment as data: the model's, each component with its object and reason beside it.
fn data(deployment: &Deployment) -> serde_json::Value {
    let mut data = serde_json::to_value(deployment).unwrap_or_default();
    data["components"] = serde_json::to_value(&deployment.rows).unwrap_or_default();
    data
}

/// What the release's manifest names and what has pods; hooks and tests come and go.
fn component(row: &ObjectRow, release: &str) -> Option<Component> {
    let kind = WorkloadKind::parse(&row.kind).filter(|_| row.depth == 0 && !row.hook)?;
    let short = row.name.strip_prefix(release).and_then(|rest| rest.strip_prefix('-'));
    let model = DeployedComponent {
        name: short.filter(|short| !short.is_empty()).unwrap_or(&row.name).to_owned(),
        kind,
        replicas: replicas(row),
        health: row.health.into(),
    };
    Some(Component { model, object: row.name.clone(), reason: row.reason.clone() })
}

/// The newest operation on a release, whoever of the cluster's contexts it used.
fn last_operation(store: &Store, release: &ReleaseRef) -> Option<Operation> {
    let (views, _) = store.list();
    let is_ours = |view: &&OperationView| view.spec.release == *release;
    views.iter().filter(is_ours).max_by_key(|view| (view.is_running(), view.spec.created)).map(|view| {
        Operation {
            id: view.spec.id.to_string(),
            verb: view.spec.verb,
            state: view.state.word(),
            started: view.started,
            ended: view.ended,
            pid: view.helm().filter(|_| view.is_running()).map(|(pid, _)| pid),
            seconds: view.elapsed(Timestamp::now()),
        }
    })
}

impl Operation {
    fn words(&self) -> String {
        let elapsed = time::duration(self.seconds);
        match (self.state, self.ended) {
            ("running", _) => {
                let pid = self.pid.map(|pid| format!(", helm's pid is {pid}")).unwrap_or_default();
                format!("operation: {} at work since {elapsed}{pid}", self.verb)
            }
            (state, Some(ended)) => {
                let ago = time::relative(ended, Timestamp::now());
                format!("operation: {} {state} after {elapsed}, {ago} ago", self.verb)
            }
            (state, None) => format!("operation: {} {state}", self.verb),
        }
    }
}

fn print(deployment: &Deployment, snapshot: &ObjectsSnapshot) {
    let when =
        deployment.record.deployed_at.map(|at| format!(", {}", time::absolute(at))).unwrap_or_default();
    out::line(&format!(
        "{} @ {}: {}",
        deployment.record.release_name, deployment.record.environment, deployment.health
    ));
    out::line(&format!("  context {}, namespace {}", deployment.context, deployment.record.namespace));
    out::line(&format!(
        "  revision {} is {}, {}{when}",
        deployment.revision, deployment.helm_status, deployment.chart
    ));
    if deployment.record.status == DeploymentStatus::Failed && !deployment.description.is_empty() {
        out::line(&format!("  {}", crate::base::text::one_line(&deployment.description)));
    }
    if let Some(operation) = &deployment.operation {
        out::line(&format!("  {}", operation.words()));
    }
    let counts: Vec<String> =
        snapshot.counts().iter().map(|(health, count)| format!("{count} {health}")).collect();
    out::line(&format!(
        "  objects: {}",
        if counts.is_empty() { "none".to_owned() } else { counts.join(", ") }
    ));
    let width = deployment.rows.iter().map(|row| row.model.name.len()).max().unwrap_or_default();
    for row in &snapshot.rows {
        let Some(component) = component(row, &deployment.record.release_name) else { continue };
        out::line(&format!(
            "{} {:<12} {:<width$}  {:<11} {}",
            row.health.glyph(),
            component.model.kind.word(),
            component.model.name,
            row.health.word(),
            component.reason
        ));
    }
    for remark in &deployment.remarks {
        out::line(&format!("remark: {remark}"));
    }
    // What is no component and does not do well.
    for row in &snapshot.rows {
        if !row.is_watcher()
            && row.depth == 0
            && !row.hook
            && row.health < Health::Unknown
            && component(row, "").is_none()
        {
            out::line(&format!(
                "{} {:<12} {}  {:<11} {}",
                row.health.glyph(),
                row.kind,
                row.name,
                row.health.word(),
                row.reason
            ));
        }
    }
    if let Some(cause) = &deployment.root_cause {
        out::line(&format!("root cause: {cause}"));
        for line in &deployment.root_cause_details {
            out::line(&format!("  {line}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::deployment::ComponentHealth;

    fn row(kind: &str, health: Health) -> ObjectRow {
        ObjectRow {
            api_version: "apps/v1".into(),
            kind: kind.into(),
            namespace: "n".into(),
            name: "floe-web".into(),
            uid: "u".into(),
            parent: None,
            depth: 0,
            health,
            reason: "0 of 1 ready".into(),
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

    fn made(status: Status, health: Health) -> Deployment {
        let release = ReleaseRef { context: "c".into(), namespace: "n".into(), release: "floe".into() };
        let record = Record { status, ..Record::default() };
        let mut made = deployment("dev", &release, &record, &ObjectsSnapshot::default(), None, None);
        made.health = health;
        made
    }

    #[test]
    fn exit_codes_say_what_matters_most() {
        let code = |status, health| code(&made(status, health), false);
        assert_eq!(code(Status::Deployed, Health::Healthy), OK);
        assert_eq!(code(Status::Deployed, Health::Suspended), OK);
        assert_eq!(code(Status::Deployed, Health::Progressing), PENDING);
        assert_eq!(code(Status::Deployed, Health::Missing), DEGRADED);
        assert_eq!(code(Status::Failed, Health::Degraded), DEGRADED);
        assert_eq!(code(Status::Failed, Health::Healthy), FAILED);
        assert_eq!(code(Status::PendingUpgrade, Health::Degraded), PENDING);
        assert_eq!(super::code(&made(Status::Deployed, Health::Unknown), true), FAILED);
    }

    #[test]
    fn the_model_has_its_names_and_words() {
        let data = data(&made(Status::PendingInstall, Health::Progressing));
        for field in [
            "releaseName",
            "namespace",
            "chartVersion",
            "artifactVersion",
            "environment",
            "components",
            "deployedAt",
        ] {
            assert!(data.get(field).is_some(), "{field} in {data}");
        }
        assert_eq!(data["status"], "pending");
        let words = Health::ALL.map(|health| (health, ComponentHealth::from(health)));
        for (health, word) in words {
            let wanted = match health {
                Health::Healthy => ComponentHealth::Healthy,
                Health::Progressing | Health::Suspended => ComponentHealth::Degraded,
                Health::Degraded | Health::Missing => ComponentHealth::Unhealthy,
                Health::Unknown => ComponentHealth::Unknown,
            };
            assert_eq!(word, wanted);
        }
    }

    #[test]
    fn jobs_count_completions_and_a_schedule_is_one() {
        let mut row = row("CronJob", Health::Healthy);
        let counts = |row: &ObjectRow| {
            let counted = replicas(row);
            (counted.desired, counted.ready, counted.available)
        };
        assert_eq!(counts(&row), (1, 1, 1));
        row.health = Health::Degraded;
        assert_eq!(counts(&row), (1, 0, 0));
        row.health = Health::Suspended;
        assert_eq!(counts(&row), (0, 0, 0));
    }

    #[test]
    fn a_component_is_named_without_its_release() {
        let mut row = row("Deployment", Health::Progressing);
        let named = |row: &ObjectRow| component(row, "floe").map(|component| component.model.name);
        assert_eq!(named(&row).as_deref(), Some("web"));
        row.name = "floes".into();
        assert_eq!(named(&row).as_deref(), Some("floes"));
        row.hook = true;
        assert_eq!(named(&row), None);
    }
}

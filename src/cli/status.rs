//! `floe-tui status`: how a release and its components do, why, and what was last done to it. As data it speaks the
//! platform's model: a `PlatformDeployment` with its `DeployedComponent`s, and beside it the history as its state machine
//! saw it (see [`crate::operations::life`]).

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::args::{Global, Status as Args};
use super::observe::{self, Cause};
use super::setup::{Place, Setup};
use super::{DEGRADED, FAILED, OK, PENDING, out};
use crate::base::{Error, Result, time};
use crate::cluster::Connection;
use crate::cluster::Health;
use crate::cluster::objects::{ObjectsSnapshot, Wanted, components};
use crate::cluster::releases::{Kept, RevisionRow};
use crate::helm::ReleaseRef;
use crate::helm::record::{Record, Status};
use crate::model::deployment::DeploymentRecord;
use crate::model::{DeployedComponent, DeploymentStatus};
use crate::operations::life::{self, Evidence};
use crate::operations::{Life, OperationView, Store};

/// Records read to tell why revisions failed.
const RECORDS: usize = 10;

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
    /// The kept revisions with their lives, newest first.
    history: Vec<Life>,
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

impl From<components::Component<'_>> for Component {
    fn from(own: components::Component) -> Self {
        Self { model: own.model, object: own.row.name.clone(), reason: own.row.reason.clone() }
    }
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
    let (operations, _) = Store::new(&setup.folders).list();
    let operation = last_operation(&operations, &release);
    let connection = setup.connect(&kubeconfig, &release).await?;
    let revisions = observe::revisions(&connection, &release, &args.place).await.inspect_err(|_| {
        if let Some(operation) = &operation {
            out::note(&operation.words());
        }
    })?;
    let record = observe::record(&connection, &release, &revisions.last).await?;
    let (last, rows) = (revisions.last.status, revisions.newest_first());
    let snapshot = observe::objects(&connection, &release, Wanted::of_record(&record)?).await?;
    // What only watches over workloads is in the list, and no cause of anything.
    let cause = if observe::health(&snapshot) <= Health::Missing || last == Status::Failed {
        observe::cause(&connection, &snapshot, &redactor).await
    } else {
        None
    };
    let mut records = if args.json { failures(&connection, &release, &rows).await } else { BTreeMap::new() };
    records.insert(record.revision, record.clone());
    let mut history = history(&target.environment, &release, &rows, &records, &operations);
    for transition in history.iter_mut().flat_map(|life| &mut life.transitions) {
        transition.reason = transition.reason.as_ref().map(|words| redactor.text(words));
    }
    let components = snapshot.components(&release.release).into_iter().map(|own| own.model).collect();
    let Some(mut model) = history.first().map(|life| life.state().record(components)) else {
        return Err(Error::new("helm keeps no revision of this release").at(release.to_string()));
    };
    // helm's own words: when it began this revision, and where it is now, also while it takes it away. The record may be
    // a moment older than the list of revisions.
    (model.deployed_at, model.status) = (record.last_deployed, last.into());
    let mut deployment = deployment(model, history, &release, &record, &snapshot, cause, operation);
    deployment.helm_status = last;
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

/// Records whose payload tells why a revision failed, and whether the next one went back or tried again: at most as many
/// as helm keeps by itself. What cannot be read is not told.
async fn failures(
    connection: &Connection,
    release: &ReleaseRef,
    rows: &[RevisionRow],
) -> BTreeMap<u32, Record> {
    let failed = |row: Option<&RevisionRow>| row.is_some_and(|row| row.status == Status::Failed);
    let wanted = rows.iter().enumerate().filter(|(at, row)| failed(Some(row)) || failed(rows.get(at + 1)));
    let mut records = BTreeMap::new();
    for (_, row) in wanted.take(RECORDS) {
        if let Ok(record) = observe::record(connection, release, row).await {
            records.insert(row.revision, record);
        }
    }
    records
}

fn history(
    environment: &str,
    release: &ReleaseRef,
    rows: &[RevisionRow],
    records: &BTreeMap<u32, Record>,
    operations: &[OperationView],
) -> Vec<Life> {
    let kept: Vec<Kept> = rows.iter().map(Kept::from).collect();
    let operations: Vec<&OperationView> = operations.iter().collect();
    life::lives(&Evidence {
        release,
        environment,
        kept: &kept,
        record: &|revision| records.get(&revision),
        operations: &operations,
        watched: None,
    })
}

fn deployment(
    model: DeploymentRecord,
    history: Vec<Life>,
    release: &ReleaseRef,
    record: &Record,
    snapshot: &ObjectsSnapshot,
    cause: Option<Cause>,
    operation: Option<Operation>,
) -> Deployment {
    let (root_cause, root_cause_details) =
        cause.map_or((None, Vec::new()), |cause| (Some(cause.line), cause.more));
    Deployment {
        record: model,
        rows: snapshot.components(&release.release).into_iter().map(Into::into).collect(),
        chart: record.chart.label(),
        revision: record.revision,
        history,
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

/// The newest operation on a release, whoever of the cluster's contexts it used.
fn last_operation(views: &[OperationView], release: &ReleaseRef) -> Option<Operation> {
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
    if let Some(life) = deployment.history.first() {
        let (who, how) = life.who();
        out::line(&format!("  by {who}, {how}, artifacts {}", deployment.record.artifact_version));
        for transition in &life.transitions {
            let refused = transition.refused.as_ref().map(|words| format!("refused: {words}; "));
            let refused = refused.unwrap_or_default();
            out::line(&format!(
                "  {} {} ({refused}{})",
                transition.status,
                transition.when(),
                transition.how()
            ));
        }
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
    for component in snapshot.components(&deployment.record.release_name) {
        let row = component.row;
        out::line(&format!(
            "{} {:<12} {:<width$}  {:<11} {}",
            row.health.glyph(),
            component.model.kind.word(),
            component.model.name,
            row.health.word(),
            row.reason
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
            && components::Component::of(row, "").is_none()
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

    fn made(status: Status, health: Health) -> Deployment {
        let release = ReleaseRef { context: "c".into(), namespace: "n".into(), release: "floe".into() };
        let record = Record { status, ..Record::default() };
        let kept = Kept {
            revision: 1,
            status,
            modified: None,
            created: Some(Timestamp::UNIX_EPOCH),
            writer: None,
            resource_version: "1".into(),
        };
        let history = life::lives(&Evidence {
            release: &release,
            environment: "dev",
            kept: &[kept],
            record: &|_| Some(&record),
            operations: &[],
            watched: None,
        });
        let model = history[0].state().record(Vec::new());
        let mut made = deployment(model, history, &release, &record, &ObjectsSnapshot::default(), None, None);
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
}

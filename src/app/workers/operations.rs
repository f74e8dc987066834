//! Plans, launches and journals.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::base::redact::Redactor;
use crate::base::{Error, Problem, Result};
use crate::operations::plan::ValuesVerdict;
use crate::operations::{JobPlan, JobPlanner, JobRequest, OperationId, Plan, PlanRequest, Planner};
use crate::session::Message;
use crate::workspace::{self, Workspace, WorkspaceChart};

use super::Shared;
use super::clusters::kubeconfig;

async fn job_planner(shared: &Shared) -> Result<JobPlanner> {
    Ok(JobPlanner {
        kubeconfig: kubeconfig(shared).await?,
        redactor: shared.redactor(),
        folders: (*shared.folders).clone(),
        read_only: shared.given.read_only,
    })
}

/// Works out what a deed on a job would do.
pub(super) async fn plan_job(shared: Shared, generation: u64, request: JobRequest) {
    let result = match job_planner(&shared).await {
        Ok(planner) => Ok(Arc::new(planner.plan(&request).await)),
        Err(error) => Err(error),
    };
    shared.answer(Message::JobPlanned { generation, result }).await;
}

/// Does it.
pub(super) async fn do_job(shared: Shared, plan: Arc<JobPlan>) {
    let result = async { job_planner(&shared).await?.run(&plan).await }.await;
    shared.answer(Message::JobDone(result)).await;
}

async fn planner(shared: &Shared, redactor: Arc<Redactor>) -> Result<Planner> {
    let (helm, renderer) = shared.helm()?;
    Ok(Planner {
        helm,
        kubeconfig: kubeconfig(shared).await?,
        kubeconfig_path: shared.given.kubeconfig.clone(),
        renderer,
        redactor,
        folders: (*shared.folders).clone(),
        read_only: shared.given.read_only,
    })
}

/// Works a plan out, from what is saved.
pub(super) async fn plan(shared: Shared, generation: u64, request: PlanRequest) {
    let result = plan_of(&shared, &request).await.map(Arc::new);
    shared.answer(Message::Planned { generation, result }).await;
}

async fn plan_of(shared: &Shared, request: &PlanRequest) -> Result<Plan> {
    let verdict = match (&request.chart, &request.environment) {
        (Some(chart), Some(environment)) => {
            let (root, dir, environment) =
                (shared.given.root.clone(), chart.dir.clone(), environment.clone());
            tokio::task::spawn_blocking(move || judge(&root, &dir, &environment))
                .await
                .map_err(|error| Error::new("checking the values failed").because(error))??
        }
        _ => ValuesVerdict::default(),
    };
    planner(shared, shared.redactor()).await?.plan(request, &verdict).await
}

/// What is wrong with the saved values of an environment, in the words of the Values room.
fn judge(root: &std::path::Path, dir: &std::path::Path, environment: &str) -> Result<ValuesVerdict> {
    let workspace = workspace::discover(root)?;
    let chart = workspace.charts.iter().find(|chart| chart.dir == dir);
    let secret_paths = chart.map(|chart| chart.schema.secret_paths()).unwrap_or_default();
    let problems = workspace::validate(&workspace, Some(environment))
        .into_iter()
        .filter(|problem| concerns(&workspace, chart, problem))
        .collect();
    Ok(ValuesVerdict { problems, secret_paths })
}

/// Problems of other charts do not hold this one back.
fn concerns(workspace: &Workspace, chart: Option<&WorkspaceChart>, problem: &Problem) -> bool {
    let Some(file) = &problem.file else { return true };
    let path = workspace.root.join(file);
    let of_other = |other: &&WorkspaceChart| {
        let is_other = Some(&other.dir) != chart.map(|chart| &chart.dir);
        let mut environments = other.environments.iter();
        is_other
            && (path.starts_with(&other.dir) || environments.any(|own| own.generated.as_ref() == Some(&path)))
    };
    !workspace.charts.iter().any(|other| of_other(&other))
}

/// Starts the supervisor.
pub(super) async fn launch(shared: Shared, plan: Plan) {
    let result = async { planner(&shared, shared.redactor()).await?.launch(&plan).await }.await;
    if let Ok(id) = &result
        && let Ok(view) = shared.store.load(id)
    {
        shared.answer(Message::Operation(Arc::new(view))).await;
    }
    shared.answer(Message::Launched(result)).await;
}

/// Asks helm to stop, or ends it.
pub(super) async fn interrupt(shared: Shared, id: OperationId, kill: bool) {
    let done = if kill { shared.store.kill(&id) } else { shared.store.interrupt(&id) };
    if let Err(error) = done {
        shared.answer(Message::Failed(error)).await;
    }
}

/// All operations with what their journals say.
pub(super) async fn load(shared: Shared) {
    let store = shared.store.clone();
    let Ok((views, errors)) = tokio::task::spawn_blocking(move || store.list()).await else { return };
    shared.answer(Message::Operations(views.into_iter().map(Arc::new).collect())).await;
    for error in errors {
        shared.answer(Message::Failed(error)).await;
    }
}

/// Notes that somebody looked at the result.
pub(super) async fn mark_seen(shared: Shared, id: OperationId) {
    if let Err(error) = shared.store.mark_seen(&id) {
        shared.answer(Message::Failed(error)).await;
    } else if let Ok(view) = shared.store.load(&id) {
        shared.answer(Message::Operation(Arc::new(view))).await;
    }
}

/// Tails a journal until the operation is over.
pub(super) async fn watch(shared: Shared, id: OperationId, token: CancellationToken) {
    let mut tail = match shared.store.tail(&id) {
        Ok(tail) => tail,
        Err(error) => return shared.answer(Message::Failed(error)).await,
    };
    shared.answer(Message::Operation(Arc::new(tail.view().clone()))).await;
    loop {
        let changed = tokio::select! {
            () = token.cancelled() => return,
            changed = tail.changed() => changed,
        };
        match changed {
            Ok(Some(view)) => shared.answer(Message::Operation(view)).await,
            Ok(None) => return,
            Err(error) => return shared.answer(Message::Failed(error)).await,
        }
    }
}

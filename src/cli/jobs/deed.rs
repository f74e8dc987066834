//! `floe-tui jobs run`, `retry`, `suspend` and `resume`: plan, confirm, do, and where it is asked for wait for the end.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Found, RunOf, wait};
use crate::base::{Error, Result};
use crate::cli::args::{self, OneJob};
use crate::cli::confirm;
use crate::cli::setup::Setup;
use crate::cli::{CHANGES, FAILED, OK, PENDING, out};
use crate::cluster::health::RunPhase;
use crate::cluster::objects::{ObjectRow, ObjectsSnapshot};
use crate::operations::{Deed, JobDone, JobPlan, JobPlanner, JobRequest};
use crate::workspace::Confirm;

pub(super) async fn run(setup: &Setup, deed: Deed, args: &OneJob, limit: Option<Duration>) -> Result<u8> {
    let found = Found::at(setup, &args.place).await?;
    let row = meant(&found.snapshot, deed, &args.name)?;
    let request = JobRequest {
        deed,
        environment: Some(found.target.environment.clone()),
        protected: found.target.protected || setup.settings.confirm == Confirm::Always,
        kind: row.kind.clone(),
        namespace: row.namespace.clone(),
        name: row.name.clone(),
        uid: Some(row.uid.clone()).filter(|uid| !uid.is_empty()),
        release: found.release.clone(),
    };
    let planner = JobPlanner {
        kubeconfig: Arc::new(found.kubeconfig.clone()),
        redactor: found.redactor.clone(),
        folders: setup.folders.clone(),
        // What a dry run says is the same for who only looks.
        read_only: setup.read_only && !args.dry_run,
    };
    let plan = planner.plan(&request).await;
    if !args.json {
        for line in plan.lines() {
            out::line(&line);
        }
    }
    let tell = |done: Option<&JobDone>, run: Option<&RunOf>| {
        if args.json {
            out::json(&data(&plan, done, run));
        }
    };
    if plan.is_blocked() {
        tell(None, None);
        for error in plan.refusals() {
            out::error(&error);
        }
        return Ok(FAILED);
    }
    if args.dry_run || plan.write.is_none() {
        tell(None, None);
        return Ok(if plan.write.is_some() { CHANGES } else { OK });
    }
    let question = confirm::Deed {
        words: format!("{} {}", deed.title(), request.subject()),
        target: plan.target_words(),
        name: plan.name_words(),
        protected: request.protected,
    };
    if let Some(code) = question.unless_confirmed(&args.answer, args.json) {
        return Ok(code);
    }
    let done = planner.run(&plan).await?;
    if !args.json {
        out::line(&done.words);
    }
    let Some(limit) = limit else {
        tell(Some(&done), None);
        if !args.json {
            out::note(&format!("→ see how it does: {}", look(&args.place)));
        }
        return Ok(OK);
    };
    let waited = wait::wait(&found, &planner.redactor, &done, limit).await.inspect_err(|_| {
        tell(Some(&done), None);
    })?;
    tell(Some(&done), Some(&waited.run));
    if !args.json {
        out::line(&format!("{}: {}", waited.run.name, waited.run.words(Timestamp::now())));
        if waited.code != OK && !waited.run.reason.is_empty() {
            out::line(&format!("  {}", waited.run.reason));
        }
        for line in waited.run.logs.iter().flat_map(|logs| logs.lines()) {
            out::line(&format!("  log: {line}"));
        }
        if waited.code == PENDING {
            out::note(&format!("→ it goes on; see how it does: {}", look(&args.place)));
        }
    }
    Ok(waited.code)
}

fn look(place: &args::Place) -> String {
    let chart = place.chart.as_ref().map(|chart| format!(" --chart {chart}")).unwrap_or_default();
    format!("floe-tui jobs {} --env {}{chart}", place.dir.display(), place.env)
}

/// The object that is meant by a name: a schedule, or what failed. Of a schedule that is to be tried again, its newest
/// run.
fn meant<'s>(snapshot: &'s ObjectsSnapshot, deed: Deed, name: &str) -> Result<&'s ObjectRow> {
    let jobs = snapshot.jobs();
    let schedule = jobs.iter().find(|job| job.row.kind == "CronJob" && job.row.name == name);
    let runs = || jobs.iter().flat_map(|job| job.runs.iter().map(|run| run.row));
    let own = jobs.iter().find(|job| job.row.kind == "Job" && job.row.name == name).map(|job| job.row);
    let run = own.or_else(|| runs().find(|row| row.name == name));
    let missing = |what: &str, names: Vec<String>| {
        let error = Error::new(format!("the release has no {what} {name}"));
        Err(if names.is_empty() {
            error.next(format!("there is nothing to {}", deed.word()))
        } else {
            error.next(format!("choose one of: {}", names.join(", ")))
        })
    };
    if deed != Deed::Retry {
        let schedules =
            || jobs.iter().filter(|job| job.row.kind == "CronJob").map(|job| job.row.name.clone());
        return match (schedule, run) {
            (Some(schedule), _) => Ok(schedule.row),
            (None, Some(run)) => Err(Error::new(format!("{} is no schedule", run.title()))
                .next("name a CronJob; a job that failed is tried again with jobs retry")),
            (None, None) => missing("CronJob", schedules().collect()),
        };
    }
    if let Some(run) = run {
        return Ok(run);
    }
    match schedule.map(|schedule| schedule.runs.first()) {
        Some(Some(run)) => Ok(run.row),
        Some(None) => {
            Err(Error::new(format!("CronJob {name} has no run that is kept"))
                .next("run it now with jobs run"))
        }
        None => {
            let failed = jobs.iter().flat_map(|job| {
                let own = job.batch.run().filter(|run| run.phase == RunPhase::Failed).map(|_| job.row);
                let runs = job.runs.iter().filter(|run| run.run.phase == RunPhase::Failed).map(|run| run.row);
                own.into_iter().chain(runs)
            });
            missing("job", failed.map(|row| row.name.clone()).collect())
        }
    }
}

/// Plan and result, for a program.
fn data(plan: &JobPlan, done: Option<&JobDone>, run: Option<&RunOf>) -> Value {
    let request = &plan.request;
    json!({
        "deed": request.deed,
        "environment": request.environment,
        "context": request.release.context,
        "namespace": request.namespace,
        "releaseName": request.release.release,
        "kind": request.kind,
        "name": request.name,
        "protected": request.protected,
        "confirm": plan.confirm_words(),
        "cluster": plan.identity,
        "blocked": plan.is_blocked(),
        "nothingToDo": plan.nothing_to_do,
        "does": plan.does,
        "creates": plan.makes,
        "sends": plan.shown,
        "checks": plan.checks,
        "done": done,
        "run": run,
    })
}

//! `floe-tui jobs`: the jobs and schedules of a release: what runs, how the last runs went, what runs next; and what
//! is done to one of them (`jobs run`, `retry`, `suspend`, `resume`).

mod deed;
mod wait;

use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::args::{self, Global, Jobs as Args, JobsDeed};
use super::setup::{Place, Setup};
use super::{DEGRADED, FAILED, OK, observe, out};
use crate::base::redact::Redactor;
use crate::base::{Error, Result, time};
use crate::cluster::health::{Batch, Run, RunPhase};
use crate::cluster::objects::jobs::JobRows;
use crate::cluster::objects::{ObjectRow, ObjectsSnapshot, Wanted};
use crate::cluster::{Connection, Health, Kubeconfig};
use crate::helm::ReleaseRef;
use crate::operations::Deed;
use crate::workspace::Target;

/// A schedule, or a job of its own.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    name: String,
    /// `CronJob` or `Job`.
    kind: String,
    health: Health,
    reason: String,
    /// Of a `CronJob`: its five fields, and its time zone where it has one.
    schedule: Option<String>,
    suspended: bool,
    next_run: Option<Timestamp>,
    last_success: Option<Timestamp>,
    /// Newest first; of a `Job` its retries and the run that it is.
    runs: Vec<RunOf>,
}

/// One run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RunOf {
    name: String,
    phase: RunPhase,
    start_time: Option<Timestamp>,
    completion_time: Option<Timestamp>,
    seconds: Option<u64>,
    /// Pods that failed.
    failed: i64,
    reason: String,
    /// What its container said last, of a run that failed; of a list only the newest of each job.
    logs: Option<String>,
}

pub(super) async fn run(global: Global, args: Args) -> Result<u8> {
    let setup = Setup::new(global)?;
    let wait = args.deed.as_ref().and_then(JobsDeed::wait);
    let (deed, args) = match (args.deed, args.place) {
        (None, Some(place)) => return list(&setup, &place, args.json).await,
        (Some(JobsDeed::Run(args)), _) => (Deed::Run, args.job),
        (Some(JobsDeed::Retry(args)), _) => (Deed::Retry, args.job),
        (Some(JobsDeed::Suspend(args)), _) => (Deed::Suspend, args),
        (Some(JobsDeed::Resume(args)), _) => (Deed::Resume, args),
        (None, None) => return Err(Error::new("no place was named").next("floe-tui jobs DIR --env E")),
    };
    deed::run(&setup, deed, &args, wait).await
}

/// What a release runs, now.
struct Found {
    target: Target,
    release: ReleaseRef,
    kubeconfig: Kubeconfig,
    redactor: Arc<Redactor>,
    connection: Connection,
    /// What the release's record names.
    wanted: Vec<Wanted>,
    snapshot: Arc<ObjectsSnapshot>,
}

impl Found {
    async fn at(setup: &Setup, args: &args::Place) -> Result<Self> {
        let place = Place::find(args)?;
        let redactor = place.redactor(&[&place.environment]);
        let kubeconfig = setup.kubeconfig()?;
        let (target, release) = place.target(&kubeconfig, &setup.settings)?;
        let connection = setup.connect(&kubeconfig, &release).await?;
        let last = observe::revisions(&connection, &release, args).await?.last;
        let record = observe::record(&connection, &release, &last).await?;
        let wanted = Wanted::of_record(&record)?;
        let snapshot = observe::objects(&connection, &release, wanted.clone()).await?;
        Ok(Self { target, release, kubeconfig, redactor: Arc::new(redactor), connection, wanted, snapshot })
    }
}

async fn list(setup: &Setup, place: &args::Place, json: bool) -> Result<u8> {
    let Found { redactor, snapshot, connection, .. } = Found::at(setup, place).await?;
    let now = Timestamp::now();
    let rows = snapshot.jobs();
    let mut jobs: Vec<Job> = rows.iter().map(|job| Job::of(job, now, &redactor)).collect();
    if json {
        // The order of `Job::of`: the runs of a schedule or the retries of a job, then the job itself.
        for (job, rows) in jobs.iter_mut().zip(&rows) {
            let places = rows.runs.iter().map(|run| run.at).chain([rows.at]);
            if let Some((run, at)) =
                job.runs.iter_mut().zip(places).find(|(run, _)| run.phase == RunPhase::Failed)
            {
                run.logs = wait::last_words(&connection, &snapshot, at, &redactor).await;
            }
        }
        out::json(&serde_json::to_value(&jobs).unwrap_or_default());
    } else {
        print(&jobs, now);
    }
    if let Some(fault) = snapshot.fault() {
        out::error(&fault.clone().into());
    }
    Ok(match jobs.iter().any(|job| job.health == Health::Degraded) {
        _ if snapshot.fault().is_some() || snapshot.is_loading() => FAILED,
        true => DEGRADED,
        false => OK,
    })
}

impl Job {
    fn of(job: &JobRows, now: Timestamp, redactor: &Redactor) -> Self {
        let row = job.row;
        let mut own = Self {
            name: row.name.clone(),
            kind: row.kind.clone(),
            health: row.health,
            reason: redactor.text(&row.reason),
            schedule: None,
            suspended: false,
            next_run: None,
            last_success: None,
            runs: job.runs.iter().map(|run| RunOf::of(run.row, run.run, now, redactor)).collect(),
        };
        match job.batch {
            Batch::Schedule(schedule) => {
                own.schedule = Some(schedule.to_string());
                own.suspended = schedule.suspended;
                own.next_run = schedule.next(now);
                own.last_success = schedule.last_successful;
            }
            Batch::Run(run) => {
                own.suspended = run.phase == RunPhase::Suspended;
                own.runs.push(RunOf::of(row, run, now, redactor));
            }
        }
        own
    }
}

impl RunOf {
    fn of(row: &ObjectRow, run: &Run, now: Timestamp, redactor: &Redactor) -> Self {
        Self {
            name: row.name.clone(),
            phase: run.phase,
            start_time: run.started,
            completion_time: run.ended,
            seconds: run.took(now).map(|took| took.as_secs()),
            failed: run.failed,
            reason: redactor.text(&row.reason),
            logs: None,
        }
    }

    fn words(&self, now: Timestamp) -> String {
        let took = self.seconds.map(std::time::Duration::from_secs).map(time::duration);
        let took = took.map(|took| format!(", took {took}")).unwrap_or_default();
        let ago = self.start_time.map(|at| format!(", began {} ago", time::relative(at, now)));
        format!("{}{}{took}", self.phase.word(), ago.unwrap_or_default())
    }
}

fn print(jobs: &[Job], now: Timestamp) {
    if jobs.is_empty() {
        out::line("the release has neither jobs nor schedules");
    }
    for job in jobs {
        out::line(&format!("{} {} {}: {}", job.health.glyph(), job.kind, job.name, job.reason));
        if let Some(schedule) = &job.schedule {
            let next = match job.next_run {
                Some(next) => format!(", next {}", time::absolute(next)),
                None if job.suspended => ", suspended: nothing runs by itself".to_owned(),
                None => String::new(),
            };
            out::line(&format!("    schedule {schedule}{next}"));
        }
        for run in &job.runs {
            out::line(&format!("    {}  {}", run.name, run.words(now)));
        }
    }
}

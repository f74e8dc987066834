//! How a deed is planned and done: what is looked at, what refuses it, the trial on the server, and the same look
//! once more right before the one request that does it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::launch::elsewhere;
use super::super::plan::checks::{CheckLevel, Checks};
use super::super::plan::{mask, preflight};
use super::super::store::Store;
use super::{Deed, JobDone, JobPlan, JobPlanner, JobRequest, Seen, make};
use crate::base::text::neutralise;
use crate::base::{Error, Hash, Result, time};
use crate::cluster::access::{Ask, DryRun, Refusal, RefusalKind};
use crate::cluster::health::{Batch, RunPhase, Schedule};
use crate::cluster::write::{FIELD_MANAGER, Write};
use crate::cluster::{Connection, Fault};
use crate::yaml;

const API: &str = "batch/v1";

impl JobPlanner {
    /// Works a deed out. One that may not be done is still a plan, with the reasons in its checks.
    pub async fn plan(&self, request: &JobRequest) -> JobPlan {
        let mut checks = Checks::default();
        checks.read_only(self.read_only);
        let mut plan = JobPlan::new(request.clone(), Timestamp::now());
        if let Err(fault) = self.work_out(&mut plan, &mut checks).await {
            checks.error(CheckLevel::Blocked, &fault.into());
        }
        plan.checks = checks.sorted();
        plan
    }

    /// An error is a question that was not answered and without whose answer nothing is done.
    async fn work_out(&self, plan: &mut JobPlan, checks: &mut Checks) -> Result<(), Fault> {
        let request = plan.request.clone();
        let release = &request.release;
        let connection = Connection::open(&self.kubeconfig, &release.context).await?;
        let identity = connection.identity(Some(&request.namespace)).await?;
        preflight::pin(&self.folders, &connection, &identity, checks);
        checks.running(release, &Store::new(&self.folders), Some(&identity));
        plan.identity = Some(identity);
        let Some(object) = read(&connection, &request.namespace, &request.kind, &request.name).await? else {
            checks.add(CheckLevel::Blocked, format!("{} does not exist", request.subject())).next =
                Some("look at the jobs again: it was removed, or has another name".to_owned());
            return Ok(());
        };
        let uid = text(&object, "/metadata/uid");
        if request.uid.as_deref().is_some_and(|seen| seen != uid) {
            checks
                .add(CheckLevel::Blocked, format!("{} is not the one that was shown", request.subject()))
                .next = Some("it was deleted and made anew: look at it again".to_owned());
        }
        if object.pointer("/metadata/deletionTimestamp").is_some() {
            checks.add(CheckLevel::Blocked, format!("{} is being deleted", request.subject()));
        }
        plan.seen.push(Seen::of(&object));
        match request.deed {
            Deed::Suspend | Deed::Resume => {
                let at_work = at_work(&connection, &object, &request.namespace, checks).await;
                suspend(plan, &object, &at_work, checks);
            }
            Deed::Run => {
                let at_work = at_work(&connection, &object, &request.namespace, checks).await;
                run(plan, &object, &at_work, checks);
            }
            Deed::Retry => retry(&connection, plan, &object, checks).await?,
        }
        let Some(write) = plan.write.clone() else { return Ok(()) };
        let value = match &write {
            Write::Create(value) | Write::Patch { patch: value, .. } => value,
        };
        plan.shown = yaml::write(&mask(&self.redactor, value));
        let (verb, resource) = request.deed.right();
        let ask = Ask {
            verb: verb.to_owned(),
            group: "batch".to_owned(),
            resource: resource.to_owned(),
            namespace: Some(request.namespace.clone()),
        };
        preflight::may(&connection, &[ask], checks).await;
        match connection.write(&write, &request.namespace, true).await {
            Ok(DryRun { outcome, warnings }) => {
                for warning in warnings {
                    checks.add(CheckLevel::Warning, warning);
                }
                match outcome {
                    Ok(_) => {
                        checks.add(CheckLevel::Ok, "the server accepts it (tried without storing it)");
                    }
                    Err(refusal) => refused(&refusal, checks),
                }
            }
            Err(fault) => checks.error(CheckLevel::Blocked, &fault.into()),
        }
        Ok(())
    }

    /// Does a confirmed plan, if everything is still as it was seen.
    ///
    /// # Errors
    /// It is refused, something moved on (then nothing was done), or the server did not answer (then it is not known
    /// whether it was done, and the error says so).
    pub async fn run(&self, plan: &JobPlan) -> Result<JobDone> {
        if let Some(error) = plan.refusals().into_iter().next() {
            return Err(error);
        }
        if self.read_only {
            return Err(
                Error::new("floe-tui was started with --read-only").next("start it without --read-only")
            );
        }
        let request = &plan.request;
        let Some(mut write) = plan.write.clone() else {
            return Err(Error::new("there is nothing to do").at(request.subject()));
        };
        let moved = |what: String| {
            Err(Error::new(format!("nothing was done: {what}"))
                .at(request.subject())
                .next("plan again, look at it, and confirm anew"))
        };
        let release = &request.release;
        let connection = Connection::open(&self.kubeconfig, &release.context).await?;
        if let Some(why) = elsewhere(&self.folders, &connection, release, plan.identity.as_ref()).await? {
            return moved(why);
        }
        let held = plan.identity.as_ref().and_then(|identity| {
            Store::new(&self.folders).running_on(&identity.trust, &release.namespace, &release.release)
        });
        if let Some(view) = held {
            return moved(format!("{} is at work on this release", view.spec.title()));
        }
        for seen in &plan.seen {
            let subject = format!("{} {}", seen.kind, seen.name);
            match read(&connection, &request.namespace, &seen.kind, &seen.name).await? {
                None => return moved(format!("{subject} is gone")),
                Some(now) if Seen::of(&now) != *seen => {
                    return moved(format!("{subject} changed since the plan was made"));
                }
                Some(now) => {
                    if let Write::Patch { patch, .. } = &mut write {
                        // The version of this very look: what happens in between is refused by the server.
                        patch["metadata"] =
                            json!({"uid": seen.uid, "resourceVersion": now["metadata"]["resourceVersion"]});
                    }
                }
            }
        }
        let answer = connection.write(&write, &request.namespace, false).await;
        let object = match answer.map(|answer| answer.outcome) {
            Ok(Ok(object)) => object,
            Ok(Err(refusal)) => {
                return Err(Error::new(format!("the server refused to {}", write.doing()))
                    .at(format!("{} / {}", release.context, request.namespace))
                    .because(refusal.message)
                    .next("plan again to see what changed"));
            }
            Err(fault) => {
                let unsure = fault.is_unreachable() && !matches!(fault, Fault::NeedsLogin { .. });
                let mut error = Error::from(fault);
                if unsure {
                    error.next = Some(format!(
                        "it is not known whether the server did it: look at the jobs before you {} again",
                        request.deed.word()
                    ));
                }
                return Err(error);
            }
        };
        let part = |pointer| text(&object, pointer).to_owned();
        let (kind, name) = (part("/kind"), part("/metadata/name"));
        let words = match request.deed {
            Deed::Suspend => format!("suspended {kind} {name}: it starts nothing by itself"),
            Deed::Resume => format!("resumed {kind} {name}"),
            Deed::Run | Deed::Retry => format!("created {kind} {name} in {}", request.namespace),
        };
        Ok(JobDone {
            deed: request.deed,
            kind,
            namespace: request.namespace.clone(),
            name,
            uid: part("/metadata/uid"),
            words,
        })
    }
}

impl Seen {
    fn of(object: &Value) -> Self {
        let metadata = &object["metadata"];
        let decides = json!([
            object["spec"],
            metadata["labels"],
            metadata["annotations"],
            metadata["ownerReferences"],
            // A job that is to be tried again has failed, and stays failed.
            phase(object).map(RunPhase::word),
        ]);
        Self {
            kind: text(object, "/kind").to_owned(),
            name: text(object, "/metadata/name").to_owned(),
            uid: text(object, "/metadata/uid").to_owned(),
            hash: Hash::of(decides.to_string()),
        }
    }
}

async fn read(
    connection: &Connection,
    namespace: &str,
    kind: &str,
    name: &str,
) -> Result<Option<Value>, Fault> {
    connection.live(API, kind, namespace, name).await
}

fn text<'v>(object: &'v Value, pointer: &str) -> &'v str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn phase(object: &Value) -> Option<RunPhase> {
    Batch::of(object)?.run().map(|run| run.phase)
}

fn schedule_of(object: &Value) -> Option<Schedule> {
    Batch::of(object)?.schedule().cloned()
}

/// Says which runs of a schedule are at work, started by whomever.
async fn at_work(
    connection: &Connection,
    object: &Value,
    namespace: &str,
    checks: &mut Checks,
) -> Vec<String> {
    let jobs = match connection.list_plain(API, "Job", namespace).await {
        Ok(jobs) => jobs,
        Err(fault) => {
            checks.add(CheckLevel::Note, "whether it runs already could not be seen").detail =
                Some(fault.to_string());
            return Vec::new();
        }
    };
    let uid = object.pointer("/metadata/uid");
    let own = |job: &&Value| {
        let owners = job.pointer("/metadata/ownerReferences").and_then(Value::as_array);
        owners.into_iter().flatten().any(|owner| owner.get("uid") == uid)
    };
    let at_work = |job: &&Value| phase(job).is_some_and(RunPhase::is_at_work);
    jobs.iter()
        .filter(own)
        .filter(at_work)
        .map(|job| neutralise(text(job, "/metadata/name")).into_owned())
        .collect()
}

fn not_a_schedule(request: &JobRequest, checks: &mut Checks) {
    let what = request.deed.word();
    checks
        .add(CheckLevel::Blocked, format!("{} is no schedule: there is nothing to {what}", request.subject()))
        .next = Some("only CronJobs have a schedule".to_owned());
}

fn suspend(plan: &mut JobPlan, object: &Value, at_work: &[String], checks: &mut Checks) {
    let request = &plan.request;
    let Some(schedule) = schedule_of(object) else { return not_a_schedule(request, checks) };
    let wanted = request.deed == Deed::Suspend;
    if schedule.suspended == wanted {
        plan.nothing_to_do = true;
        let how = if wanted { "suspended already" } else { "not suspended" };
        plan.does = format!("{} is {how}", request.subject());
        return;
    }
    let next = Schedule { suspended: false, ..schedule.clone() }.next(plan.made);
    let next = next.map(|next| format!(", next {}", time::absolute(next))).unwrap_or_default();
    plan.does = if wanted {
        format!(
            "sets spec.suspend of {} to true: {schedule}{next} and all later runs do not start",
            request.subject()
        )
    } else {
        format!("sets spec.suspend of {} to false: it runs at {schedule}{next}", request.subject())
    };
    if wanted && !at_work.is_empty() {
        checks.add(CheckLevel::Note, format!("what is at work goes on: {}", at_work.join(", ")));
    }
    if !wanted && missed(&schedule, object, plan.made) {
        let deadline = object.pointer("/spec/startingDeadlineSeconds").and_then(Value::as_i64);
        let why = deadline.map_or_else(
            || "it has no startingDeadlineSeconds".to_owned(),
            |deadline| format!("startingDeadlineSeconds is {deadline}"),
        );
        let title = "a time that was missed while it was suspended starts a run at once";
        checks.add(CheckLevel::Warning, format!("{title}: {why}"));
    }
    for (tool, of) in preflight::keepers(object) {
        checks.add(CheckLevel::Blocked, format!("{} belongs to {tool}: {of}", request.subject())).next =
            Some(format!("change it where {tool} reads it; {tool} would undo what is done here"));
    }
    managers(object, wanted, checks);
    plan.write = Some(Write::Patch {
        api_version: API.to_owned(),
        kind: request.kind.clone(),
        name: request.name.clone(),
        patch: json!({"spec": {"suspend": wanted}}),
    });
}

/// Whether the controller makes up for a missed run as soon as it may: only times within the deadline count.
fn missed(schedule: &Schedule, object: &Value, now: Timestamp) -> bool {
    let created = text(object, "/metadata/creationTimestamp").parse::<Timestamp>().ok();
    let Some(since) = schedule.last_scheduled.or(created) else { return false };
    let deadline = object.pointer("/spec/startingDeadlineSeconds").and_then(Value::as_i64);
    let earliest = deadline.map(|seconds| now - jiff::SignedDuration::from_secs(seconds));
    schedule.came_due(earliest.map_or(since, |earliest| earliest.max(since)), now)
}

/// Who set `spec.suspend` before, and what that means for what we set.
fn managers(object: &Value, wanted: bool, checks: &mut Checks) {
    let all = object.pointer("/metadata/managedFields").and_then(Value::as_array);
    let set = |entry: &&Value| entry.pointer("/fieldsV1/f:spec/f:suspend").is_some();
    let all: Vec<&Value> = all.into_iter().flatten().filter(set).collect();
    if let [only] = all.as_slice()
        && text(only, "/manager") == FIELD_MANAGER
        && wanted
    {
        let title = "floe-tui set spec.suspend last, so what the chart says of it is not seen here";
        checks.add(CheckLevel::Note, format!("{title}: where the two differ, helm 4 refuses an upgrade"));
    }
    for entry in all {
        let manager = text(entry, "/manager");
        if manager == FIELD_MANAGER {
            continue;
        }
        let (title, next) = match (manager, text(entry, "/operation")) {
            ("helm", "Apply") => (
                "the chart sets spec.suspend too: helm 4 refuses an upgrade as a conflict while the two differ",
                "set it in the values as well if it is to last",
            ),
            ("helm", _) => (
                "the chart sets spec.suspend too: the next upgrade sets it back to what stands there",
                "set it in the values as well if it is to last",
            ),
            (other, _) => {
                checks.add(CheckLevel::Note, format!("{other} has set spec.suspend before"));
                continue;
            }
        };
        // Going back to what the chart says is in nobody's way.
        let level = if wanted { CheckLevel::Warning } else { CheckLevel::Note };
        checks.add(level, title).next = Some(next.to_owned());
    }
}

fn run(plan: &mut JobPlan, object: &Value, at_work: &[String], checks: &mut Checks) {
    let Some(schedule) = schedule_of(object) else { return not_a_schedule(&plan.request, checks) };
    let policy = text(object, "/spec/concurrencyPolicy").to_owned();
    if !at_work.is_empty() {
        let title = match policy.as_str() {
            "Forbid" | "Replace" => format!(
                "it runs already ({}), and concurrencyPolicy {policy} holds for the schedule only: both will run",
                at_work.join(", ")
            ),
            _ => format!("it runs already: {}", at_work.join(", ")),
        };
        checks.add(CheckLevel::Warning, title).next =
            Some("wait until that run has ended, if two of them are in each other's way".to_owned());
    }
    if schedule.suspended {
        checks.add(CheckLevel::Note, "it is suspended: a run by hand runs all the same");
    }
    if object.pointer("/spec/jobTemplate/spec/suspend") == Some(&Value::Bool(true)) {
        checks.add(
            CheckLevel::Warning,
            "its template suspends the jobs that are made of it: this one will not start",
        );
    }
    let limit = |key: &str, default: i64| {
        object.pointer("/spec").and_then(|spec| spec.get(key)).and_then(Value::as_i64).unwrap_or(default)
    };
    checks.add(
        CheckLevel::Note,
        format!(
            "it counts in the schedule's history: {} succeeded and {} failed runs are kept",
            limit("successfulJobsHistoryLimit", 3),
            limit("failedJobsHistoryLimit", 1)
        ),
    );
    let name = name_for(plan, text(object, "/metadata/name"), Deed::Run);
    let of = format!("CronJob {}", text(object, "/metadata/name"));
    plan.does = match plan.request.deed {
        Deed::Retry => format!(
            "creates Job {name} from the template of {of} as it is now; {} stays with its logs as long as the schedule keeps it",
            plan.request.subject()
        ),
        _ => format!("creates Job {name} from the template of {of}, which owns it"),
    };
    plan.write = Some(Write::Create(make::run_of(object, &name)));
    plan.makes = Some(name);
}

async fn retry(
    connection: &Connection,
    plan: &mut JobPlan,
    job: &Value,
    checks: &mut Checks,
) -> Result<(), Fault> {
    let subject = plan.request.subject();
    match phase(job) {
        Some(RunPhase::Failed) => {}
        Some(other) => {
            let title = format!("{subject} has not failed: it is {}", other.word());
            checks.add(CheckLevel::Blocked, title).next =
                Some("only what has failed is tried again; run a schedule now instead".to_owned());
            return Ok(());
        }
        None => {
            checks.add(CheckLevel::Blocked, format!("{subject} is no run")).next =
                Some("name the run that failed".to_owned());
            return Ok(());
        }
    }
    if !text(job, "/metadata/annotations/helm.sh~1hook").is_empty() {
        checks.add(CheckLevel::Blocked, format!("{subject} is a hook of the release")).next =
            Some("it runs with the release's next operation: do that again".to_owned());
        return Ok(());
    }
    let owners = job.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let owner =
        owners.into_iter().flatten().find(|owner| owner.get("controller") == Some(&Value::Bool(true)));
    if let Some(owner) = owner {
        let (kind, name) = (text(owner, "/kind"), text(owner, "/name"));
        if kind != "CronJob" {
            checks.add(CheckLevel::Blocked, format!("{subject} belongs to {kind} {name}")).next =
                Some(format!("try it again there: {kind} {name} decides what runs"));
            return Ok(());
        }
        let schedule = read(connection, &plan.request.namespace, kind, name).await?;
        match schedule.filter(|schedule| text(schedule, "/metadata/uid") == text(owner, "/uid")) {
            Some(schedule) => {
                plan.seen.push(Seen::of(&schedule));
                let at_work = at_work(connection, &schedule, &plan.request.namespace, checks).await;
                run(plan, &schedule, &at_work, checks);
            }
            None => {
                checks.add(CheckLevel::Blocked, format!("CronJob {name}, which made {subject}, is gone"));
            }
        }
        return Ok(());
    }
    for (tool, of) in preflight::keepers(job) {
        checks.add(
            CheckLevel::Note,
            format!("it belongs to {tool} ({of}), which knows nothing of the new one"),
        );
    }
    let name = name_for(plan, make::root_of(job), Deed::Retry);
    plan.does = format!("creates Job {name} from the spec of {subject}, which stays with its logs");
    let removal = match job.pointer("/spec/ttlSecondsAfterFinished").and_then(Value::as_i64) {
        Some(seconds) => format!("it removes itself {seconds} s after its end"),
        None => "helm does not know it: delete it yourself when it is not needed any more".to_owned(),
    };
    checks.add(CheckLevel::Note, removal);
    plan.write = Some(Write::Create(make::retry_of(job, &name)));
    plan.makes = Some(name);
    Ok(())
}

/// Another name for every plan, so that what was planned twice is not made once by mistake.
fn name_for(plan: &JobPlan, stem: &str, deed: Deed) -> String {
    let seed = format!("{} {} {}", plan.request.namespace, plan.request.name, plan.made.as_nanosecond());
    make::name_of(stem, deed.word(), &Hash::of(seed))
}

fn refused(refusal: &Refusal, checks: &mut Checks) {
    let (level, title, next) = match refusal.kind {
        RefusalKind::Admission if refusal.message.contains("does not support dry run") => (
            CheckLevel::Note,
            "a webhook does not take part in trials",
            "what it says shows only when it is done",
        ),
        RefusalKind::Admission => {
            (CheckLevel::Blocked, "a policy refuses it", "change what the policy names")
        }
        RefusalKind::Forbidden => {
            (CheckLevel::Blocked, "we may not do this", "ask for the right, or use a context that has it")
        }
        RefusalKind::Quota => {
            (CheckLevel::Blocked, "the quota does not allow it", "lower requests or ask for more quota")
        }
        RefusalKind::Conflict => {
            (CheckLevel::Blocked, "it is not as it was seen", "look again, and plan again")
        }
        RefusalKind::Immutable
        | RefusalKind::NoNamespace
        | RefusalKind::NotServed
        | RefusalKind::Invalid
        | RefusalKind::Other => (CheckLevel::Blocked, "the server refuses it", "see its words"),
    };
    let check = checks.add(level, title);
    check.detail = Some(refusal.message.clone());
    check.next = Some(next.to_owned());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::helm::ReleaseRef;

    fn plan(deed: Deed) -> JobPlan {
        let release =
            ReleaseRef { context: "c".to_owned(), namespace: "n".to_owned(), release: "floe".to_owned() };
        let request = JobRequest {
            deed,
            release,
            environment: Some("dev".to_owned()),
            protected: false,
            kind: "CronJob".to_owned(),
            namespace: "n".to_owned(),
            name: "nightly".to_owned(),
            uid: None,
        };
        JobPlan::new(request, "2026-11-21T12:00:00Z".parse().unwrap_or_default())
    }

    fn schedule(spec: &Value) -> Value {
        let mut object = json!({"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"schedule": "0 * * * *"},
            "metadata": {"name": "nightly", "namespace": "n", "uid": "u", "creationTimestamp": "2026-11-01T00:00:00Z"},
            "status": {"lastScheduleTime": "2026-11-21T11:00:00Z"}});
        for (key, value) in spec.as_object().into_iter().flatten() {
            object["spec"][key] = value.clone();
        }
        object
    }

    fn told(checks: Checks) -> String {
        let all = checks.sorted();
        let lines = all.iter().map(|check| format!("{}: {}", check.level.word(), check.title));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn resuming_says_when_a_missed_time_starts_a_run_at_once() {
        let resumed = |spec: &Value| {
            let (mut plan, mut checks) = (plan(Deed::Resume), Checks::default());
            suspend(&mut plan, &schedule(spec), &[], &mut checks);
            assert!(plan.does.contains("next 2026-11-21 13:00:00"), "{}", plan.does);
            told(checks)
        };
        // Noon was due right now; half past would not have been.
        assert!(
            resumed(&json!({"suspend": true}))
                .contains("starts a run at once: it has no startingDeadlineSeconds")
        );
        assert!(
            resumed(&json!({"suspend": true, "startingDeadlineSeconds": 60}))
                .contains("starts a run at once")
        );
        let mut late = plan(Deed::Resume);
        late.made += jiff::SignedDuration::from_mins(30);
        let mut checks = Checks::default();
        let object = schedule(&json!({"suspend": true, "startingDeadlineSeconds": 600}));
        suspend(&mut late, &object, &[], &mut checks);
        assert_eq!(told(checks), "", "the missed time is past its deadline");
    }

    #[test]
    fn suspending_says_what_goes_on_and_who_keeps_the_field() {
        let mut object = schedule(&json!({}));
        object["metadata"]["managedFields"] = json!([
            {"manager": "helm", "operation": "Apply", "fieldsV1": {"f:spec": {"f:suspend": {}}}},
            {"manager": "floe-tui", "operation": "Update", "fieldsV1": {"f:spec": {"f:suspend": {}}}},
            {"manager": "helm", "operation": "Update", "fieldsV1": {"f:spec": {"f:suspend": {}}}},
            {"manager": "someone", "operation": "Update", "fieldsV1": {"f:spec": {"f:suspend": {}}}},
            {"manager": "kube-controller-manager", "operation": "Update", "fieldsV1": {"f:status": {}}}]);
        object["metadata"]["labels"] = json!({"argocd.argoproj.io/instance": "floe"});
        let (mut plan, mut checks) = (plan(Deed::Suspend), Checks::default());
        suspend(&mut plan, &object, &["nightly-1".to_owned()], &mut checks);
        let told = told(checks);
        for words in [
            "blocked: CronJob nightly belongs to Argo CD: floe",
            "warning: the chart sets spec.suspend too: helm 4 refuses an upgrade",
            "warning: the chart sets spec.suspend too: the next upgrade sets it back",
            "note: someone has set spec.suspend before",
            "note: what is at work goes on: nightly-1",
        ] {
            assert!(told.contains(words), "no `{words}` in {told}");
        }
        assert!(!told.contains("floe-tui") && !told.contains("kube-controller"), "{told}");
        let Some(Write::Patch { patch, .. }) = plan.write else { unreachable!("a patch") };
        assert_eq!(patch, json!({"spec": {"suspend": true}}));
    }

    #[test]
    fn what_is_so_already_is_nothing_to_do() {
        let (mut plan, mut checks) = (plan(Deed::Resume), Checks::default());
        suspend(&mut plan, &schedule(&json!({"suspend": false})), &[], &mut checks);
        assert!(plan.nothing_to_do && plan.write.is_none());
        assert_eq!(plan.does, "CronJob nightly is not suspended");
    }

    #[test]
    fn a_run_beside_another_is_a_remark_and_only_the_status_may_move() {
        let object = schedule(&json!({"concurrencyPolicy": "Forbid", "suspend": true,
            "jobTemplate": {"spec": {"template": {}}}}));
        let (mut plan, mut checks) = (plan(Deed::Run), Checks::default());
        run(&mut plan, &object, &["nightly-1".to_owned()], &mut checks);
        let told = told(checks);
        assert!(
            told.contains("warning: it runs already (nightly-1), and concurrencyPolicy Forbid holds"),
            "{told}"
        );
        assert!(told.contains("note: it is suspended: a run by hand runs all the same"), "{told}");
        assert!(plan.makes.is_some_and(|name| name.starts_with("nightly-run-")));

        let mut later = object.clone();
        later["status"]["lastScheduleTime"] = json!("2026-11-21T12:00:00Z");
        later["metadata"]["resourceVersion"] = json!("8");
        assert_eq!(Seen::of(&later), Seen::of(&object));
        later["spec"]["schedule"] = json!("@daily");
        assert_ne!(Seen::of(&later), Seen::of(&object));
        later = object.clone();
        later["metadata"]["uid"] = json!("another");
        assert_ne!(Seen::of(&later), Seen::of(&object));
    }
}

//! What is done to jobs, on real planes: run now, retry, suspend and resume, by the command line and by keys.

use std::sync::Arc;

use floe_tui::base::folders::Folders;
use floe_tui::base::redact::Redactor;
use floe_tui::cluster::Kubeconfig;
use floe_tui::operations::{Deed, JobPlanner, JobRequest, ReleaseRef};
use rstest::rstest;
use serde_json::{Value, json};

use super::support::operator::{CLUSTER, Operator, active_room, header};
use super::support::process::{Output, eventually};
use super::support::pty::{SOON, has, has_row};
use super::support::sandbox::{HelmMajor, sandbox};
use super::support::workspace::Workspace;

/// The chart of jobs as the release `orders`, with a schedule that works, one whose runs fail, one whose runs take
/// their time, and a job of its own that fails.
struct Orders(Workspace);

const VALUES: &str = "global: {environment: dev}
defaults:
  image: {registry: '', repository: registry.example.com/floe/orders, tag: 1.4.0}
artifacts:
  content:
    version: 0.10.0
    metadata: {product_name: orders, product_version: 1.4.0}
jobs:
  nightly: {type: dbt, schedule: '0 4 * * *'}
  flaky: {type: custom, command: ['false'], schedule: '@yearly', backoffLimit: 0, podAnnotations: {sim.floe.dev/outcome: fail}}
  slow: {type: custom, command: ['true'], schedule: '@yearly', concurrencyPolicy: Forbid, podAnnotations: {sim.floe.dev/outcome: never-ends}}
  steps: {type: custom, command: ['true'], schedule: '@yearly', podAnnotations: {sim.floe.dev/ready-after: 2s, sim.floe.dev/run-for: 5s}}
  broken: {type: custom, command: ['false'], backoffLimit: 0, podAnnotations: {sim.floe.dev/outcome: fail}}
";

const NIGHTLY: &str = "orders-floe-jobs-nightly";
const FLAKY: &str = "orders-floe-jobs-flaky";
const SLOW: &str = "orders-floe-jobs-slow";
const STEPS: &str = "orders-floe-jobs-steps";

impl Orders {
    #[track_caller]
    fn new(name: &str, major: HelmMajor, protected: bool) -> Self {
        let workspace = Workspace::on_planes(name, major, &["dev"]);
        let namespace = workspace.namespace("dev");
        let template = namespace.replace("-dev", "-{{.environment}}");
        let settings = format!(
            "[charts.floe-jobs]\nrelease = \"orders\"\n[charts.floe-jobs.environments.dev]\nprotected = {protected}\n\
             [charts.floe-jobs.clusterMapping.all]\ncluster = \"aks-shared-nonprod\"\nenvironments = [\"dev\"]\n\
             namespaceTemplate = \"{template}\"\n"
        );
        std::fs::write(workspace.charts().join("floe-tui.toml"), settings).expect("settings");
        std::fs::write(workspace.charts().join("floe-jobs/values-dev.yaml"), VALUES).expect("values");
        let orders = Self(workspace);
        orders.helm(&["install", "orders"]).ok();
        orders
    }

    #[track_caller]
    fn helm(&self, what: &[&str]) -> Output {
        let chart = self.0.charts().join("floe-jobs");
        let values = chart.join("values-dev.yaml");
        let [chart, values] = [&chart, &values].map(|path| path.to_str().expect("UTF-8"));
        let mut args = what.to_vec();
        args.extend([chart, "-f", values]);
        self.0.helm("dev", &args)
    }

    /// `jobs` with what stands between it and the place.
    #[track_caller]
    fn jobs(&self, what: &[&str], more: &[&str]) -> Output {
        let charts = self.0.charts();
        let mut args = vec!["jobs"];
        args.extend(what);
        args.extend([charts.to_str().expect("UTF-8"), "--env", "dev", "--chart", "floe-jobs"]);
        args.extend(more);
        self.0.floe(&args)
    }

    /// A job of the list.
    #[track_caller]
    fn listed(&self, name: &str) -> Value {
        let all = self.jobs(&[], &["--json"]).json();
        let found = all.as_array().expect("a list").iter().find(|job| {
            job["name"].as_str().is_some_and(|own| own == name || own.starts_with(&format!("{name}-")))
        });
        found.unwrap_or_else(|| panic!("no {name} in {all}")).clone()
    }

    /// Waits until a job's newest run is somewhere, and gives its name.
    #[track_caller]
    fn until(&self, name: &str, phase: &str) -> String {
        eventually(&format!("{name}: {phase}"), CLUSTER, || {
            let job = self.listed(name);
            let run = &job["runs"][0];
            if run["phase"] == phase {
                Ok(run["name"].as_str().expect("a name").to_owned())
            } else {
                Err(job.to_string())
            }
        })
    }

    fn job(&self, name: &str) -> Value {
        self.0.get("dev", &["job", name])
    }

    /// Names of the jobs in the namespace.
    fn all(&self) -> Vec<String> {
        let all = self.0.get("dev", &["jobs"]);
        let names = all["items"].as_array().expect("a list").iter();
        names.map(|job| job["metadata"]["name"].as_str().expect("a name").to_owned()).collect()
    }

    #[track_caller]
    fn kubectl(&self, args: &[&str]) {
        let namespace = self.0.namespace("dev");
        let mut all = vec!["--namespace", &namespace];
        all.extend(args);
        sandbox().kubectl("nonprod", &all).ok();
    }
}

#[test]
fn planes_a_schedule_is_run_suspended_and_resumed() {
    let orders = Orders::new("jobs-run", HelmMajor::Four, false);
    // The plan alone changes nothing.
    let plan = orders.jobs(&["run", NIGHTLY], &["--dry-run"]).expect_code(2);
    for words in [
        "Run now: CronJob orders-floe-jobs-nightly, orders @ dev",
        "cronjob.kubernetes.io/instantiate: manual",
        "the server accepts it",
        &orders.0.namespace("dev"),
    ] {
        assert!(plan.stdout.contains(words), "no `{words}` in {plan}");
    }
    assert_eq!(orders.listed(NIGHTLY)["runs"], json!([]));
    let refused = orders.jobs(&["run", NIGHTLY], &[]).expect_code(64);
    assert!(refused.stderr.contains("--yes"), "{refused}");
    assert_eq!(orders.listed(NIGHTLY)["runs"], json!([]));

    let done = orders.jobs(&["run", NIGHTLY], &["--yes", "--json"]).ok().json();
    let name = done["done"]["name"].as_str().expect("a name").to_owned();
    assert!(name.starts_with("orders-floe-jobs-nightly-run-") && name.len() <= 63, "{name}");
    assert_eq!(done["creates"], json!(name), "what was planned is what was made");
    assert_eq!(orders.until(NIGHTLY, "succeeded"), name);
    let (job, schedule) = (orders.job(&name), orders.0.get("dev", &["cronjob", NIGHTLY]));
    assert_eq!(
        job["metadata"]["ownerReferences"],
        json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": NIGHTLY, "uid": schedule["metadata"]["uid"],
            "controller": true}])
    );
    assert_eq!(job["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"], "manual");
    assert_eq!(
        job["spec"]["template"]["spec"]["containers"][0]["env"],
        schedule["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]["env"]
    );

    // Suspended, nothing comes next; that helm keeps the field is said.
    assert!(orders.listed(NIGHTLY)["nextRun"].is_string());
    let done = orders.jobs(&["suspend", NIGHTLY], &["--yes"]).ok();
    assert!(
        done.stdout.contains("suspend: true") && done.stdout.contains("helm 4 refuses an upgrade"),
        "{done}"
    );
    let listed = orders.listed(NIGHTLY);
    assert_eq!((&listed["suspended"], &listed["nextRun"]), (&json!(true), &Value::Null), "{listed}");
    let again = orders.jobs(&["suspend", NIGHTLY], &["--yes"]).ok();
    assert!(again.stdout.contains("is suspended already"), "{again}");
    // It is as the plan said.
    let upgrade = orders.helm(&["upgrade", "orders"]);
    assert!(upgrade.code != Some(0) && upgrade.stderr.contains("conflict"), "{upgrade}");
    orders.jobs(&["resume", NIGHTLY], &["--dry-run"]).expect_code(2);
    orders.jobs(&["resume", NIGHTLY], &["--yes"]).ok();
    let listed = orders.listed(NIGHTLY);
    assert!(listed["suspended"] == false && listed["nextRun"].is_string(), "{listed}");
    orders.helm(&["upgrade", "orders"]).ok();

    // One that runs already, whose policy is Forbid: a remark.
    orders.jobs(&["run", SLOW], &["--yes"]).ok();
    let first = orders.until(SLOW, "running");
    let second = orders.jobs(&["run", SLOW], &["--dry-run"]).expect_code(2);
    let words =
        format!("it runs already ({first}), and concurrencyPolicy Forbid holds for the schedule only");
    assert!(second.stdout.contains(&words), "{second}");
}

/// Every way through the state machine of a run, told by the program: Pending, Running, Succeeded; Pending, Failed; and
/// `--wait` ends as the run does.
#[rstest]
#[case::helm_3(HelmMajor::Three)]
#[case::helm_4(HelmMajor::Four)]
fn planes_a_run_goes_through_its_phases(#[case] major: HelmMajor) {
    let orders = Orders::new("jobs-phases", major, false);
    let done = orders.jobs(&["run", STEPS], &["--yes", "--json"]).ok().json();
    let name = done["done"]["name"].as_str().expect("a name").to_owned();
    let mut phases: Vec<String> = Vec::new();
    eventually("the end of the run", CLUSTER, || {
        let job = orders.listed(STEPS);
        let run = &job["runs"][0];
        let phase = run["phase"].as_str().unwrap_or("nothing").to_owned();
        if run["name"] == json!(name) && phases.last() != Some(&phase) {
            // Times come with the phases that have them, and only with them.
            let is = |field: &str| run[field].is_string();
            assert_eq!(is("completionTime"), phase == "succeeded", "{run}");
            assert!(phase == "pending" || is("startTime"), "{run}");
            assert_eq!(run["logs"], Value::Null, "{run}");
            phases.push(phase);
        }
        if phases.last().is_some_and(|phase| phase == "succeeded") { Ok(()) } else { Err(job.to_string()) }
    });
    assert_eq!(phases, ["pending", "running", "succeeded"]);

    // Waited for: what was seen on the way, its end, and the code of it.
    let waited = orders.jobs(&["run", STEPS], &["--yes", "--wait", "--timeout", "1m"]).ok();
    for phase in ["pending", "running", "succeeded"] {
        assert!(waited.stderr.contains(&format!(": {phase}")), "{waited}");
    }
    assert!(waited.stdout.contains(": succeeded, began "), "{waited}");
    let failed = orders.jobs(&["run", FLAKY], &["--yes", "--wait", "--json"]).expect_code(3).json();
    let run = &failed["run"];
    assert_eq!((&run["phase"], &run["name"]), (&json!("failed"), &failed["done"]["name"]), "{failed}");
    let logs = run["logs"].as_str().unwrap_or_else(|| panic!("the last words: {failed}"));
    assert!(!logs.trim().is_empty());
    // The list keeps them, as long as the pod is kept.
    assert_eq!(orders.listed(FLAKY)["runs"][0]["logs"], json!(logs));
    let again = orders.jobs(&["retry", FLAKY], &["--yes", "--wait"]).expect_code(3);
    assert!(again.stdout.contains(": failed, began ") && again.stdout.contains("  log: "), "{again}");
    // One that does not end in time goes on.
    let late = orders.jobs(&["run", SLOW], &["--yes", "--wait", "--timeout", "3s"]).expect_code(4);
    assert!(late.stderr.contains("it goes on"), "{late}");
    assert!(["pending", "running"].contains(&orders.listed(SLOW)["runs"][0]["phase"].as_str().unwrap()));
}

#[test]
fn planes_what_failed_is_tried_again_and_nothing_else() {
    let orders = Orders::new("jobs-retry", HelmMajor::Three, false);
    // A job of its own: a new one, the failed one stays.
    let broken = orders.until("orders-floe-jobs-broken", "failed");
    let done = orders.jobs(&["retry", &broken], &["--yes"]).ok();
    assert!(done.stdout.contains("which stays with its logs"), "{done}");
    let retry = eventually("its end", CLUSTER, || {
        let job = orders.listed(&broken);
        let runs = job["runs"].as_array().cloned().unwrap_or_default();
        match runs.as_slice() {
            [retry, own] if retry["phase"] == "failed" && own["name"] == json!(broken) => {
                Ok(retry["name"].as_str().expect("a name").to_owned())
            }
            _ => Err(job.to_string()),
        }
    });
    let (old, new) = (orders.job(&broken), orders.job(&retry));
    assert!(retry.starts_with(&format!("{broken}-retry-")) && retry.len() <= 63, "{retry}");
    assert_ne!(old["spec"]["selector"], new["spec"]["selector"]);
    assert_eq!(new["metadata"]["annotations"]["floe.dev/retry-of"], json!(broken));
    assert_eq!(new["metadata"]["annotations"].get("meta.helm.sh/release-name"), None);
    assert!(orders.listed(&broken)["reason"].as_str().expect("why").contains("failed too"));
    // The second try is of the same job, and what works in the end is well.
    orders.kubectl(&["delete", "job", &retry]);
    let mut works = new;
    works["metadata"] = json!({"name": retry, "annotations": works["metadata"]["annotations"]});
    works["spec"].as_object_mut().expect("a spec").remove("selector");
    let template =
        works.pointer_mut("/spec/template/metadata").expect("a template").as_object_mut().expect("a map");
    template.remove("labels");
    template.insert("annotations".into(), json!({}));
    let file = orders.0.folder().join("works.json");
    std::fs::write(&file, works.to_string()).expect("a file");
    orders.kubectl(&["create", "-f", file.to_str().expect("UTF-8")]);
    eventually("a good end", CLUSTER, || {
        let job = orders.listed(&broken);
        if job["health"] == "healthy" { Ok(()) } else { Err(job.to_string()) }
    });
    orders.jobs(&[], &[]).ok();

    // One of a schedule: another run of it, named by its schedule or by itself.
    let none = orders.jobs(&["retry", FLAKY], &["--yes"]).expect_code(1);
    assert!(none.stderr.contains("has no run that is kept"), "{none}");
    orders.jobs(&["run", FLAKY], &["--yes"]).ok();
    let failed = orders.until(FLAKY, "failed");
    let again = orders.jobs(&["retry", FLAKY], &["--dry-run", "--json"]).expect_code(2).json();
    assert_eq!((&again["kind"], &again["name"]), (&json!("Job"), &json!(failed)));
    let done = orders.jobs(&["retry", &failed], &["--yes", "--json"]).ok().json();
    let name = done["done"]["name"].as_str().expect("a name");
    assert!(name.starts_with(&format!("{FLAKY}-run-")), "{name}");
    assert_eq!(orders.job(name)["metadata"]["ownerReferences"][0]["name"], FLAKY);

    // helm 3 takes back what was suspended, as the plan says.
    let done = orders.jobs(&["suspend", NIGHTLY], &["--yes"]).ok();
    assert!(done.stdout.contains("the next upgrade sets it back"), "{done}");
    assert_eq!(orders.listed(NIGHTLY)["suspended"], true);
    orders.helm(&["upgrade", "orders"]).ok();
    assert_eq!(orders.listed(NIGHTLY)["suspended"], false);

    // What has not failed, what is no schedule, what is not there.
    orders.jobs(&["run", NIGHTLY], &["--yes"]).ok();
    let good = orders.until(NIGHTLY, "succeeded");
    let refused = orders.jobs(&["retry", &good], &["--yes"]).expect_code(1);
    assert!(refused.stderr.contains("has not failed: it is succeeded"), "{refused}");
    let refused = orders.jobs(&["suspend", &broken], &["--yes"]).expect_code(1);
    assert!(refused.stderr.contains("is no schedule"), "{refused}");
    let refused = orders.jobs(&["run", "nothing"], &["--yes"]).expect_code(1);
    assert!(refused.stderr.contains("choose one of: orders-floe-jobs-flaky"), "{refused}");
}

#[test]
fn planes_a_deed_that_may_not_be_done_is_refused_before_it_is_tried() {
    let orders = Orders::new("jobs-refused", HelmMajor::Four, true);
    let before = orders.all();
    // A protected target wants its name.
    let refused = orders.jobs(&["run", NIGHTLY], &["--yes"]).expect_code(64);
    assert!(refused.stderr.contains("add --confirm orders@dev"), "{refused}");
    let refused = orders.jobs(&["run", NIGHTLY], &["--confirm", "orders@prod"]).expect_code(64);
    assert!(refused.stderr.contains("the target is orders@dev"), "{refused}");
    let refused = orders.jobs(&["run", NIGHTLY], &["--confirm", "orders@dev", "--read-only"]).expect_code(1);
    assert!(refused.stderr.contains("--read-only"), "{refused}");
    // What is secret is not shown, whoever put it there.
    orders.kubectl(&["set", "env", &format!("cronjob/{NIGHTLY}"), "WAREHOUSE_PASSWORD=hunter2"]);
    let plan = orders.jobs(&["run", NIGHTLY], &["--dry-run"]).expect_code(2);
    assert!(plan.stdout.contains("WAREHOUSE_PASSWORD") && !plan.stdout.contains("hunter2"), "{plan}");
    // A quota is the server's word, and the trial brings it before the confirm.
    orders.kubectl(&["create", "quota", "few", "--hard=count/jobs.batch=1"]);
    let refused = eventually("a refusal by the quota", CLUSTER, || {
        let output = orders.jobs(&["run", NIGHTLY], &["--dry-run"]);
        if output.code == Some(1) { Ok(output) } else { Err(output.to_string()) }
    });
    assert!(
        refused.stderr.contains("the quota does not allow it")
            && refused.stderr.contains("exceeded quota: few"),
        "{refused}"
    );
    orders.kubectl(&["delete", "quota", "few"]);
    // A right that is missing is named.
    let config = orders.0.config().join("config.toml");
    let text =
        std::fs::read_to_string(&config).expect("settings").replace("nonprod-deployer", "nonprod-limited");
    std::fs::write(&config, text).expect("settings");
    let limited = limited(&orders);
    let args = ["--confirm", "orders@dev", "--kubeconfig", limited.to_str().expect("UTF-8")];
    let refused = orders.jobs(&["suspend", NIGHTLY], &args).expect_code(1);
    assert!(refused.stderr.contains("nonprod-limited may not patch cronjobs.batch in"), "{refused}");
    assert_eq!(orders.all(), before);
    assert_eq!(orders.0.get("dev", &["cronjob", NIGHTLY])["spec"]["suspend"], false);
}

/// Between the plan and its deed the cluster moves on: what the operator did not see is not done, and nothing is done
/// twice.
#[test]
fn planes_a_plan_of_what_has_moved_on_is_refused() {
    let orders = Orders::new("jobs-moved", HelmMajor::Four, false);
    let namespace = orders.0.namespace("dev");
    let folders = Folders::resolve_with(|name| {
        let own = orders.0.environment();
        own.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    });
    let planner = JobPlanner {
        kubeconfig: Arc::new(Kubeconfig::read(Some(&sandbox().kubeconfig)).expect("a kubeconfig")),
        redactor: Arc::new(Redactor::new()),
        folders: folders.expect("folders"),
        read_only: false,
    };
    let request = |deed: Deed| JobRequest {
        deed,
        release: ReleaseRef {
            context: "nonprod-deployer".to_owned(),
            namespace: namespace.clone(),
            release: "orders".to_owned(),
        },
        environment: Some("dev".to_owned()),
        protected: false,
        kind: "CronJob".to_owned(),
        namespace: namespace.clone(),
        name: NIGHTLY.to_owned(),
        uid: None,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let plan = |deed: Deed| {
        let plan = runtime.block_on(planner.plan(&request(deed)));
        assert!(!plan.is_blocked(), "{:#?}", plan.checks);
        plan
    };
    let refused = |plan: &_| runtime.block_on(planner.run(plan)).expect_err("a refusal").to_string();

    // Somebody else changed the schedule.
    let (run, suspend) = (plan(Deed::Run), plan(Deed::Suspend));
    orders.kubectl(&["patch", "cronjob", NIGHTLY, "-p", r#"{"spec":{"schedule":"0 5 * * *"}}"#]);
    for stale in [&run, &suspend] {
        let words = refused(stale);
        assert!(
            words.contains("nothing was done: CronJob orders-floe-jobs-nightly changed since"),
            "{words}"
        );
    }
    assert_eq!(orders.0.get("dev", &["cronjob", NIGHTLY])["spec"]["suspend"], false);

    // The same plan twice makes one job.
    let run = plan(Deed::Run);
    let done = runtime.block_on(planner.run(&run)).expect("a run");
    assert_eq!(Some(&done.name), run.makes.as_ref());
    let words = refused(&run);
    assert!(words.contains("already exists"), "{words}");
    let made = orders.all().into_iter().filter(|name| name.starts_with(&format!("{NIGHTLY}-run-"))).count();
    assert_eq!(made, 1);

    // The context leads to another cluster than when it was pinned: neither the deed nor a new plan.
    let suspend = plan(Deed::Suspend);
    let pins = orders.0.state().join("pins.toml");
    let text = std::fs::read_to_string(&pins).expect("pins");
    let trust = text.lines().find(|line| line.starts_with("trust")).expect("a pin").to_owned();
    std::fs::write(&pins, text.replace(&trust, "trust = \"0000\"")).expect("pins");
    let words = refused(&suspend);
    assert!(words.contains("is pinned to another cluster"), "{words}");
    let blocked = orders.jobs(&["suspend", NIGHTLY], &["--yes"]).expect_code(1);
    assert!(blocked.stderr.contains("leads to another cluster than before"), "{blocked}");
    assert_eq!(orders.0.get("dev", &["cronjob", NIGHTLY])["spec"]["suspend"], false);

    // Made anew under its name, it is another one.
    std::fs::write(&pins, text).expect("pins");
    let suspend = plan(Deed::Suspend);
    let file = orders.0.folder().join("anew.json");
    let mut anew = orders.0.get("dev", &["cronjob", NIGHTLY]);
    let metadata = anew["metadata"].as_object_mut().expect("metadata");
    metadata.retain(|key, _| ["name", "labels", "annotations"].contains(&key.as_str()));
    std::fs::write(&file, anew.to_string()).expect("a file");
    orders.kubectl(&["delete", "cronjob", NIGHTLY]);
    orders.kubectl(&["create", "-f", file.to_str().expect("UTF-8")]);
    let words = refused(&suspend);
    assert!(words.contains("changed since the plan was made"), "{words}");
    orders.kubectl(&["delete", "cronjob", NIGHTLY]);
    let words = refused(&suspend);
    assert!(words.contains("CronJob orders-floe-jobs-nightly is gone"), "{words}");
}

/// By keys: a schedule is run now, a failed job is tried again, a schedule is suspended and resumed; each is planned,
/// confirmed and seen in the view.
#[test]
fn planes_jobs_are_dealt_with_by_keys() {
    let orders = Orders::new("jobs-keys", HelmMajor::Four, false);
    let broken = orders.until("orders-floe-jobs-broken", "failed");
    let mut operator = Operator { terminal: orders.0.terminal().size(200, 50).open() };
    operator.terminal.wait_for("the rooms", SOON, |screen| active_room(screen).is_some());
    operator.room("Releases");
    operator.filter("release:orders");
    operator.terminal.wait_for("the release under the cursor", CLUSTER, |screen| {
        header(screen).contains("floe-jobs") && has_row(screen, &["degraded", "orders", "dev"])
    });
    operator.terminal.press("Enter");
    operator
        .terminal
        .wait_for("its inside", CLUSTER, |screen| has(screen, "Overview") && has(screen, "Jobs"));
    for _ in 0..7 {
        operator.terminal.press("]");
    }
    operator.terminal.wait_for("the jobs", CLUSTER, |screen| has_row(screen, &[NIGHTLY, "0 4 * * *"]));

    // Run now.
    operator.down_to("the schedule", |screen| has_row(screen, &["▌", NIGHTLY, "waiting"]));
    operator.terminal.wait_for("its keys", SOON, |screen| {
        has_row(screen, &["J run now", "P suspend or resume"]) && !has(screen, "A retry")
    });
    operator.terminal.press("J");
    operator.terminal.wait_for("the plan", CLUSTER, |screen| {
        has(screen, "Run now · orders @ dev")
            && has(screen, "the server accepts it")
            && has(screen, "Create 1 Job")
    });
    // Enter is no: it is on Cancel.
    operator.terminal.press("Enter");
    operator.terminal.wait_for("no plan", SOON, |screen| !has(screen, "Create 1 Job"));
    assert_eq!(orders.listed(NIGHTLY)["runs"], json!([]));
    operator.terminal.press("J");
    operator.terminal.wait_for("the plan again", CLUSTER, |screen| has(screen, "Create 1 Job"));
    operator.terminal.press("y");
    operator.terminal.wait_for("what was done", CLUSTER, |screen| {
        has(screen, "created Job orders-floe-jobs-nightly-run-")
    });
    operator.terminal.wait_for("the new run under the cursor, and its end", CLUSTER, |screen| {
        has_row(screen, &["▌", "-run-", "succeeded"])
    });
    assert_eq!(orders.listed(NIGHTLY)["runs"][0]["phase"], "succeeded");

    // A failed job, and its retry.
    operator.down_to("the failed job", |screen| has_row(screen, &["▌", "broken", "failed"]));
    operator.terminal.wait_for("its key", SOON, |screen| has(screen, "A retry") && !has(screen, "J run now"));
    operator.terminal.press("A");
    operator.terminal.wait_for("the plan of the retry", CLUSTER, |screen| {
        has(screen, "Retry · orders @ dev") && has(screen, "stays with its logs")
    });
    operator.terminal.press("y");
    operator.terminal.wait_for("the retry under the cursor", CLUSTER, |screen| {
        has_row(screen, &["▌", "-retry-", "failed"])
    });
    let retries =
        orders.all().into_iter().filter(|name| name.starts_with(&format!("{broken}-retry-"))).count();
    assert_eq!(retries, 1);

    // Suspend and resume.
    operator.down_to("the schedule", |screen| has_row(screen, &["▌", NIGHTLY, "0 4 * * *"]));
    for (deed, word) in [("Suspend the schedule", "suspended"), ("Resume the schedule", "waiting")] {
        operator.terminal.press("P");
        operator.terminal.wait_for(deed, CLUSTER, |screen| has(screen, deed));
        operator.terminal.press("y");
        operator.terminal.wait_for(word, CLUSTER, |screen| has_row(screen, &["▌", NIGHTLY, word]));
    }
    operator.quit();
}

/// A kubeconfig with somebody who may read everything here, records too, and change nothing.
fn limited(orders: &Orders) -> std::path::PathBuf {
    orders.kubectl(&["create", "serviceaccount", "limited"]);
    orders.kubectl(&[
        "create",
        "role",
        "records",
        "--verb=get,list,watch",
        "--resource=secrets,pods,events,jobs.batch,cronjobs.batch,configmaps",
    ]);
    let account = format!("--serviceaccount={}:limited", orders.0.namespace("dev"));
    orders.kubectl(&["create", "rolebinding", "records", "--role=records", &account]);
    let namespace = orders.0.namespace("dev");
    let token = sandbox().kubectl("nonprod", &["--namespace", &namespace, "create", "token", "limited"]).ok();
    let text = std::fs::read_to_string(&sandbox().kubeconfig).expect("a kubeconfig");
    let mut config = floe_tui::yaml::read(&text).expect("YAML");
    let contexts = config["contexts"].as_array_mut().expect("contexts");
    let mut own =
        contexts.iter().find(|context| context["name"] == "nonprod-deployer").expect("a context").clone();
    own["name"] = json!("nonprod-limited");
    own["context"]["user"] = json!("limited");
    contexts.push(own);
    let users = config["users"].as_array_mut().expect("users");
    users.push(json!({"name": "limited", "user": {"token": token.stdout.trim()}}));
    let path = orders.0.folder().join("limited.kubeconfig");
    std::fs::write(&path, floe_tui::yaml::write(&config)).expect("a kubeconfig");
    path
}

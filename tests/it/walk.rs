//! From a compiled artifact to a job that is tried again, in one walk through a real terminal on real planes: generate,
//! look at the consequences, save, install, run now, a failed job with its last words, retry.

use rstest::rstest;
use serde_json::Value;

use super::support::operator::{CLUSTER, Operator, active_room, header};
use super::support::pty::{SOON, has, has_row};
use super::support::root;
use super::support::sandbox::{HelmMajor, sandbox};
use super::support::workspace::Workspace;

const ARTIFACT: &str = "tests/it/artifacts/centralized.json";
const SPEC: &str = "tests/it/artifacts/floe.yaml";
const SCHEDULED: &str = "orders-floe-jobs-stg-orders";
const FLAKY: &str = "orders-floe-jobs-flaky";

/// What stands in the environment's own file, below what is generated: the image, and a schedule whose runs fail.
const VALUES: &str = "global: {environment: dev}
defaults:
  image: {registry: '', repository: registry.example.com/floe/orders, tag: 1.4.0}
jobs:
  flaky: {type: custom, command: ['false'], schedule: '@yearly', backoffLimit: 0, podAnnotations: {sim.floe.dev/outcome: fail}}
";

/// The chart of jobs alone, for an artifact that becomes its values.
fn product(major: HelmMajor) -> Workspace {
    let workspace = Workspace::on_planes("walk", major, &["dev"]);
    for chart in ["floe-platform", "otel-collector", "core-pipeline", "dataspoke"] {
        std::fs::remove_dir_all(workspace.charts().join(chart)).expect("a chart");
    }
    let template = workspace.namespace("dev").replace("-dev", "-{{.environment}}");
    let settings = format!(
        "[charts.floe-jobs]\nrelease = \"orders\"\n[charts.floe-jobs.generate]\nartifacts = \"{}\"\nspec = \"{}\"\noutput = \
         \"../generated\"\n[charts.floe-jobs.clusterMapping.all]\ncluster = \"aks-shared-nonprod\"\nenvironments = \
         [\"dev\"]\nnamespaceTemplate = \"{template}\"\nisolation = \"namespace\"\nresources = {{preset = \"small\"}}\n",
        root().join(ARTIFACT).display(),
        root().join(SPEC).display()
    );
    std::fs::write(workspace.charts().join("floe-tui.toml"), settings).expect("settings");
    std::fs::write(workspace.charts().join("floe-jobs/values-dev.yaml"), VALUES).expect("values");
    workspace
}

#[rstest]
#[case::helm_3(HelmMajor::Three)]
#[case::helm_4(HelmMajor::Four)]
fn planes_from_an_artifact_to_a_retry(#[case] major: HelmMajor) {
    let workspace = product(major);
    let mut operator = Operator { terminal: workspace.terminal().size(160, 50).open() };
    operator.terminal.wait_for("the rooms", SOON, |screen| active_room(screen).is_some());
    generates_looks_and_saves(&mut operator, &workspace);
    installs(&mut operator, &workspace);
    runs_fails_and_tries_again(&mut operator, &workspace);
    operator.quit();
}

fn generates_looks_and_saves(operator: &mut Operator, workspace: &Workspace) {
    let made = workspace.folder().join("generated/floe-jobs-dev.yaml");
    operator.room("Values");
    operator.terminal.wait_for("what is not made yet", CLUSTER, |screen| {
        header(screen).contains("· dev ") && has(screen, "is not generated") && has(screen, "1 stale")
    });
    operator.terminal.press("m");
    // The Secrets that the values point to are named, with the command that makes them.
    operator.terminal.wait_all(&["generated: 1 of 1 files changed", "orders-dbt"], CLUSTER);
    operator.terminal.press("Esc");
    operator.terminal.wait_for("its consequences", CLUSTER, |screen| {
        header(screen).contains("1 unsaved") && has(screen, SCHEDULED) && !made.exists()
    });
    operator.terminal.press("S");
    operator.terminal.wait_text("Enter saves the marked");
    operator.terminal.press("Enter");
    operator.terminal.wait_for("nothing unsaved", CLUSTER, |screen| !header(screen).contains("unsaved"));
    let text = std::fs::read_to_string(&made).expect("what was saved");
    assert!(text.contains("stg-orders") && text.contains("orders-dbt"), "{text}");
    let namespace = workspace.namespace("dev");
    let secret = ["--namespace", &namespace, "create", "secret", "generic", "orders-dbt"];
    let key = "--from-literal=dbt-env-secret-warehouse-password=of-the-test";
    sandbox().kubectl("nonprod", &[&secret[..], &[key]].concat()).ok();
}

fn installs(operator: &mut Operator, workspace: &Workspace) {
    let screen = operator.plan("I", "install");
    assert!(has(&screen, "generated/floe-jobs-dev.yaml"), "helm is given what was generated");
    operator.confirm();
    operator.terminal.wait_text_within(" and healthy", CLUSTER);
    let schedule = workspace.get("dev", &["cronjob", SCHEDULED]);
    assert_eq!(
        (&schedule["spec"]["schedule"], &schedule["spec"]["timeZone"]),
        (&Value::from("0 4 * * *"), &Value::from("Europe/Berlin")),
        "as floe.yaml says: {schedule}"
    );
}

fn runs_fails_and_tries_again(operator: &mut Operator, workspace: &Workspace) {
    operator.room("Releases");
    operator.terminal.wait_for("the release under the cursor", CLUSTER, |screen| {
        has_row(screen, &["▌", "deployed", "orders", "dev"])
    });
    operator.terminal.press("Enter");
    operator.terminal.wait_for("its state, and the artifact's version", CLUSTER, |screen| {
        has_row(screen, &["state", "deployed at"])
            && has_row(screen, &["by", "with floe-tui"])
            && has_row(screen, &["chart", "artifacts 0.10.0"])
    });
    for _ in 0..7 {
        operator.terminal.press("]");
    }
    operator.terminal.wait_for("the jobs", CLUSTER, |screen| has_row(screen, &[SCHEDULED, "0 4 * * *"]));

    let deed = |operator: &mut Operator, key: &str, planned: &str| {
        operator.terminal.press(key);
        operator.terminal.wait_for(planned, CLUSTER, |screen| has(screen, planned));
        operator.terminal.press("y");
    };
    operator.down_to("the schedule", |screen| has_row(screen, &["▌", SCHEDULED, "waiting"]));
    deed(operator, "J", "Run now · orders @ dev");
    operator.terminal.wait_for("the run and its good end", CLUSTER, |screen| {
        has_row(screen, &["▌", "stg-orders-run-", "succeeded"])
    });

    operator.down_to("the schedule whose runs fail", |screen| has_row(screen, &["▌", FLAKY, "@yearly"]));
    deed(operator, "J", "Run now · orders @ dev");
    operator.terminal.wait_for("the run and its bad end", CLUSTER, |screen| {
        has_row(screen, &["▌", "flaky-run-", "failed"])
    });
    operator.terminal.press("Enter");
    operator.terminal.wait_for("its last words", CLUSTER, |screen| has(screen, "FATAL exit status 1"));
    operator.terminal.press("[").press("[");
    operator.terminal.wait_for("the jobs again", CLUSTER, |screen| {
        has_row(screen, &["▌", "flaky-run-", "failed"]) && has(screen, "A retry")
    });
    deed(operator, "A", "Retry · orders @ dev");
    eventually_two_failed(operator, workspace);
}

/// The retry is another run of its schedule; the first stays with its logs.
fn eventually_two_failed(operator: &Operator, workspace: &Workspace) {
    operator.terminal.wait_for("the retry under the cursor, and its end", CLUSTER, |screen| {
        let failed = super::support::pty::rows(screen);
        failed.iter().filter(|row| row.contains("flaky-run-") && row.contains("failed")).count() == 2
            && has_row(screen, &["▌", "flaky-run-", "failed"])
    });
    let jobs = workspace.get("dev", &["jobs", "-l", "floe.dev/job=flaky"]);
    let owned = jobs["items"].as_array().expect("a list").iter();
    assert_eq!(owned.filter(|job| job["metadata"]["ownerReferences"][0]["name"] == FLAKY).count(), 2);
}

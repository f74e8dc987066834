//! The deployment as its state machine sees it, on real planes with both helms: every transition is driven and told by
//! `status --json`, by the rooms while it happens, and after a restart.

use std::process::Stdio;
use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};

use super::operations::Small;
use super::support::operator::{CLUSTER, Operator, active_room, header};
use super::support::process::{self, eventually};
use super::support::pty::{SOON, has, has_row};
use super::support::sandbox::HelmMajor;

/// A deployment that takes its time, and a hook that fails where it is asked to.
fn release(major: HelmMajor) -> Small {
    let small = Small::new("states", major);
    small.workspace.write(
        "templates/web.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: floe-platform-web}\nspec:\n  replicas: 1\n  selector: \
         {matchLabels: {app: web}}\n  template:\n    metadata:\n      labels: {app: web}\n      annotations: \
         {text: {{ .Values.text | quote }}, sim.floe.dev/ready-after: 4s}\n    spec: {containers: [{name: web, image: \
         web:1}]}\n{{- if eq .Values.text \"broken\" }}\n---\napiVersion: batch/v1\nkind: Job\nmetadata:\n  name: \
         floe-platform-migrate\n  annotations: {helm.sh/hook: pre-upgrade}\nspec:\n  backoffLimit: 0\n  template:\n    \
         metadata: {annotations: {sim.floe.dev/outcome: fail}}\n    spec: {restartPolicy: Never, containers: [{name: \
         migrate, image: migrate:1}]}\n{{- end }}\n",
    );
    set(&small, "one");
    small
}

fn set(small: &Small, text: &str) {
    let values = format!("global: {{environment: dev, artifactVersion: 0.10.0}}\ntext: {text}\n");
    small.workspace.write("values-dev.yaml", &values);
}

fn status(small: &Small) -> Value {
    small.floe("status", "", &["--json"]).json()
}

/// States of a revision in the order of its life, with their witnesses.
fn life(status: &Value, revision: u32) -> Vec<(String, String)> {
    let lives = status["history"].as_array().unwrap_or_else(|| panic!("a history: {status}"));
    let life = lives.iter().find(|life| life["revision"] == revision);
    let life = life.unwrap_or_else(|| panic!("no revision {revision}: {status}"));
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    let mut last: Option<jiff::Timestamp> = None;
    let transitions = life["transitions"].as_array().expect("transitions").iter();
    transitions
        .map(|own| {
            assert_eq!((&own["refused"], &own["exact"]), (&Value::Null, &json!(true)), "{life}");
            // Each by another clock, of one machine: whole seconds.
            let at: jiff::Timestamp = word(&own["at"]).parse().expect("a time");
            assert!(last.is_none_or(|last| last.as_second() <= at.as_second() + 1), "{life}");
            last = Some(at);
            (word(&own["status"]), word(&own["witness"]))
        })
        .collect()
}

fn told(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(status, witness)| ((*status).to_owned(), (*witness).to_owned())).collect()
}

#[rstest]
#[case::helm_3(HelmMajor::Three)]
#[case::helm_4(HelmMajor::Four)]
fn planes_every_transition_of_a_deployment_is_told(#[case] major: HelmMajor) {
    let small = release(major);
    begins_and_is_deployed(&small);
    fails_is_tried_again_and_supersedes(&small);
    is_watched_by_the_room_and_a_forged_record_is_refused(&small);
}

/// Pending while helm works, then deployed: with who, and with its components.
fn begins_and_is_deployed(small: &Small) {
    let charts = small.workspace.charts();
    let args = ["apply", charts.to_str().expect("UTF-8"), "--env", "dev", "--operation", "install", "--yes"];
    let mut install = small.workspace.floe_command(&args);
    let mut install =
        install.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let pending = eventually("a pending deployment", CLUSTER, || {
        let output = small.floe("status", "", &["--json"]);
        if output.code != Some(4) || output.stdout.is_empty() {
            return Err(output.to_string());
        }
        let status = output.json();
        if status["status"] == "pending" { Ok(status) } else { Err(status.to_string()) }
    });
    assert_eq!(life(&pending, 1), told(&[("pending", "record")]));
    assert!(install.wait().expect("its end").success());

    let status = small.floe("status", "", &["--json"]).ok().json();
    assert_eq!((&status["status"], &status["artifactVersion"]), (&json!("deployed"), &json!("0.10.0")));
    assert_eq!(life(&status, 1), told(&[("pending", "record"), ("deployed", "journal")]));
    assert_eq!(status["history"][0]["beginning"], json!({"kind": "new"}));
    // Who did it stands in the journal, and nowhere else.
    assert!(status["deployedBy"].as_str().is_some_and(|by| !by.is_empty() && by != "Helm"), "{status}");
    assert!(
        status["history"][0]["operation"].as_str().is_some_and(|id| id.contains("-install-")),
        "{status}"
    );
    let web = &status["components"][0];
    assert_eq!(
        (&web["name"], &web["type"], &web["replicas"], &web["health"]),
        (
            &json!("web"),
            &json!("Deployment"),
            &json!({"desired": 1, "ready": 1, "available": 1}),
            &json!("healthy")
        )
    );
}

/// Failed with helm's words, the retry that helm keeps as another revision, and what that supersedes.
fn fails_is_tried_again_and_supersedes(small: &Small) {
    set(small, "broken");
    let failed = small.apply("upgrade", &[]);
    assert_ne!(failed.code, Some(0), "{failed}");
    let status = small.floe("status", "", &["--json"]).expect_code(1).json();
    assert_eq!(status["status"], "failed");
    assert_eq!(life(&status, 2), told(&[("pending", "record"), ("failed", "journal")]));
    let reason = status["history"][0]["transitions"][1]["reason"].as_str().expect("why").to_owned();
    assert!(reason.contains("hook"), "{reason}");
    assert_eq!(status["history"][1]["status"], "deployed", "what runs is still the first");

    set(small, "two");
    small.apply("upgrade", &[]).ok();
    let status = small.floe("status", "", &["--json"]).ok().json();
    assert_eq!(life(&status, 3), told(&[("pending", "record"), ("deployed", "journal")]));
    assert_eq!(status["history"][0]["beginning"], json!({"kind": "retry", "of": 2}));
    assert_eq!(
        (&status["history"][1]["retriedAs"], &status["history"][1]["status"]),
        (&json!(3), &json!("failed"))
    );
    assert_eq!(
        life(&status, 1),
        told(&[("pending", "record"), ("deployed", "journal"), ("superseded", "record")])
    );
    let words = small.floe("status", "", &[]).ok().stdout;
    assert!(words.contains("with floe-tui, artifacts 0.10.0") && words.contains("  deployed at "), "{words}");
}

/// An upgrade by a plain helm, seen live; then a record that is written by hand.
fn is_watched_by_the_room_and_a_forged_record_is_refused(small: &Small) {
    let mut operator = Operator::open(&small.workspace, 140, 44);
    operator.environment("dev");
    operator.room("Releases");
    operator.terminal.wait_for("the release under the cursor", CLUSTER, |screen| {
        header(screen).contains("· dev ") && has_row(screen, &["deployed", "floe-platform", "dev"])
    });
    operator.terminal.press("Enter");
    operator.terminal.wait_for("its state", CLUSTER, |screen| {
        active_room(screen) == Some("Releases")
            && has_row(screen, &["state", "deployed", "told by the journal"])
            && has_row(screen, &["by", "with floe-tui"])
            && has_row(screen, &["chart", "floe-platform-1.0.0", "artifacts 0.10.0"])
    });
    set(small, "three");
    let chart = small.workspace.platform();
    let values = chart.join("values-dev.yaml");
    let mut helm = small.workspace.helm_command(
        "dev",
        &["upgrade", "floe-platform", chart.to_str().unwrap(), "-f", values.to_str().unwrap(), "--wait"],
    );
    let upgrade = std::thread::spawn(move || process::run(&mut helm, Duration::from_mins(2)));
    operator.terminal.wait_for("the upgrade at work", CLUSTER, |screen| {
        has_row(screen, &["revision", "4", "pending-upgrade"]) && has_row(screen, &["state", "pending since"])
    });
    upgrade.join().expect("helm").ok();
    operator.terminal.wait_for("it is up, as it was seen", CLUSTER, |screen| {
        has_row(screen, &["state", "deployed at", "seen"]) && has_row(screen, &["by", "helm notes no person"])
    });
    operator.terminal.press("]");
    operator.terminal.wait_for("its components", CLUSTER, |screen| {
        has_row(screen, &["component", "desired", "ready", "available"])
            && has_row(screen, &["web", "Deployment", "1", "healthy"])
    });
    small.mark(4, "failed");
    operator.terminal.press("R");
    operator.terminal.press("Home");
    let refused = "a deployment that is deployed cannot become failed";
    operator.terminal.wait_for("the record of somebody else, refused", CLUSTER, |screen| {
        has_row(screen, &["refused", refused]) && has(screen, "kubectl")
    });
    small.mark(4, "deployed");
    // The revision before was superseded before our eyes, and its journal still says when it came up.
    operator.terminal.press("Down");
    operator.terminal.wait_for("the one before", SOON, |screen| {
        has_row(screen, &["began", "retry of revision 2, which failed", "with floe-tui"])
            && has_row(screen, &["superseded", "seen"])
    });
    operator.quit();
    let status = status(small);
    assert_eq!(status["history"][1]["status"], "superseded", "{status}");
}

//! The first five minutes of a newcomer, through a real terminal, on real control planes, with both helms: what the
//! screen says is held against what `helm history` and `kubectl` say.

use std::time::Duration;

use rstest::rstest;

use super::cli::{crash_the_webserver, revisions};
use super::support::operator::{CLUSTER, Operator, active_room, header, says};
use super::support::process::eventually;
use super::support::pty::{SOON, has, has_row, row_with, text};
use super::support::sandbox::HelmMajor;
use super::support::workspace::Workspace;

const WEBSERVER: &str = "floe-platform-dagster-webserver";
const KEY: &str = "dagster.webserver.replicas";

#[rstest]
#[case::helm_3(HelmMajor::Three)]
#[case::helm_4(HelmMajor::Four)]
fn planes_the_first_five_minutes(#[case] major: HelmMajor) {
    let workspace = Workspace::on_planes("story", major, &["dev", "qa", "uat", "staging", "prod"]);
    let mut operator = Operator::open(&workspace, 140, 44);
    opens_in_charts(&operator, major);
    a_changed_value_shows_its_consequences_everywhere(&mut operator);
    saving_changes_one_line(&mut operator, &workspace);
    an_unsaved_value_is_no_part_of_a_plan(&mut operator);
    an_impossible_value_is_refused_by_the_plan_too(&mut operator, &workspace);
    installs_dev(&mut operator, &workspace);
    tests_pass(&mut operator, &workspace);
    a_crashing_upgrade_says_why(&mut operator, &workspace);
    the_upgrade_is_interrupted(&mut operator, &workspace);
    rolls_back_from_the_history(&mut operator, &workspace);
    operator.quit();
    the_next_start_knows(&workspace);
}

fn opens_in_charts(operator: &Operator, major: HelmMajor) {
    let version = format!("helm {}.", major.number());
    operator
        .terminal
        .wait_for("the helm version in the header", CLUSTER, |screen| header(screen).contains(&version));
    operator.terminal.wait_for("Charts with the charts and the newcomer's notice", SOON, |screen| {
        active_room(screen) == Some("Charts")
            && has(screen, "otel-collector")
            && has_row(screen, &["? help", "1-6", "everything else"])
    });
}

fn a_changed_value_shows_its_consequences_everywhere(operator: &mut Operator) {
    operator.room("Values");
    operator.terminal.press("/").type_text("replic");
    operator
        .terminal
        .wait_for("a narrower tree", SOON, |screen| has(screen, "replicas") && !has(screen, "tokenLifetime"));
    operator.terminal.press("Enter");
    operator.environment("prod");
    operator.down_to(KEY, |screen| has(screen, KEY));
    operator.terminal.wait_all(&["1..20", "values-prod.yaml:12", "values.yaml:"], SOON);
    operator.edit("3");
    let screen = operator.terminal.wait_for("consequences for all environments", CLUSTER, |screen| {
        has(screen, "2 to 3")
            && ["dev", "qa", "uat", "staging"].iter().all(|env| has_row(screen, &[env, "no change"]))
    });
    assert!(says(&screen, &["dagster-webserver"]), "which object: {}", text(&screen));
    assert!(says(&screen, &["scale"]), "what happens to it: {}", text(&screen));
}

fn saving_changes_one_line(operator: &mut Operator, workspace: &Workspace) {
    operator.save();
    assert_eq!(
        workspace.changed_lines(),
        [("values-prod.yaml".to_owned(), vec!["    replicas: 3".to_owned()])]
    );
}

/// What is typed and not saved: an error refuses the plan, a good value is said to be left out.
fn an_unsaved_value_is_no_part_of_a_plan(operator: &mut Operator) {
    operator.edit("-1").terminal.press("I");
    operator.terminal.wait_for("a refusal because of the unsaved text", CLUSTER, |screen| {
        active_room(screen) == Some("Run")
            && has(screen, "refused")
            && has(
                screen,
                "values-prod.yaml:12 dagster.webserver.replicas: must be at least 1 (not saved yet)",
            )
    });
    operator.room("Values").terminal.press("u");
    operator.edit("4").terminal.press("I");
    operator.terminal.wait_for("a plan from what is saved", CLUSTER, |screen| {
        active_room(screen) == Some("Run")
            && has(screen, "it uses what is saved: unsaved edits are not part of it: values-prod.yaml")
            && !has(screen, "must be at least 1")
    });
    operator.room("Values").terminal.press("u");
    operator.terminal.wait_for("nothing unsaved", SOON, |screen| !header(screen).contains("unsaved"));
}

fn an_impossible_value_is_refused_by_the_plan_too(operator: &mut Operator, workspace: &Workspace) {
    operator.edit("-1");
    let problem = "must be at least 1";
    operator.terminal.wait_for("the problem with file and line", SOON, |screen| {
        has(screen, problem) && has(screen, "values-prod.yaml:12")
    });
    // Plans are of saved bytes; a wrong value may be saved, never planned.
    operator.save();
    operator.terminal.press("I");
    operator.terminal.wait_for("a refusal in the same words", CLUSTER, |screen| {
        active_room(screen) == Some("Run") && has(screen, "refused") && has(screen, problem)
    });
    operator.terminal.press("Enter");
    assert!(
        !says(&operator.terminal.wait_quiet(Duration::from_millis(200), SOON), &["cancel"]),
        "nothing to confirm"
    );
    operator.room("Values");
    operator.terminal.press("u");
    operator.save();
    assert_eq!(workspace.changed_lines()[0].1, ["    replicas: 3"]);
}

fn installs_dev(operator: &mut Operator, workspace: &Workspace) {
    operator.environment("dev");
    operator.plan("I", "install");
    operator
        .terminal
        .wait_all(&["nonprod-deployer", "values-dev.yaml", "Deployment", "66 added", "ready"], CLUSTER);
    operator.confirm();
    operator.terminal.wait_for("objects with their health", CLUSTER, |screen| {
        has_row(screen, &["postgresql"]) && says(screen, &["progressing", "healthy"])
    });
    operator.terminal.wait_for("the hook's log", CLUSTER, |screen| says(screen, &["db-migrate"]));
    operator.terminal.wait_text_within(" and healthy", CLUSTER);
    assert_eq!(revisions(workspace), ["deployed"]);
    let deployment = workspace.get("dev", &["deployment", WEBSERVER]);
    assert_eq!(deployment["status"]["readyReplicas"], 1, "{deployment}");
    assert_eq!(
        workspace.get("dev", &["statefulset", "floe-platform-postgresql"])["status"]["readyReplicas"],
        1
    );
}

fn tests_pass(operator: &mut Operator, workspace: &Workspace) {
    operator.plan("T", "test");
    operator.confirm();
    operator
        .terminal
        .wait_all(&["the tests of floe-platform passed", "test-dagster", "test-polaris"], CLUSTER);
    assert_eq!(revisions(workspace), ["deployed"]);
}

fn a_crashing_upgrade_says_why(operator: &mut Operator, workspace: &Workspace) {
    crash_the_webserver(workspace);
    operator.room("Values");
    operator.terminal.press("r");
    operator.plan("U", "upgrade");
    operator.terminal.wait_all(&["--reset-values", "dagster-webserver", "ready"], CLUSTER);
    operator.confirm();
    let screen = operator.terminal.wait_for("the root cause in one line", CLUSTER, |screen| {
        has_row(screen, &["dev › Deployment", "dagster-webserver"]) && has(screen, "CrashLoopBackOff, ")
    });
    let cause = row_with(&screen, "CrashLoopBackOff").expect("just seen");
    for part in ["Pod", "restart"] {
        assert!(text(&screen).contains(part), "no `{part}` with the cause `{cause}`:\n{}", text(&screen));
    }
    // The same is true on the cluster: the screen did not make it up.
    eventually("a crashing pod", CLUSTER, || {
        let pods = workspace
            .get("dev", &["pods", "-l", "app.kubernetes.io/component=dagster-webserver"])
            .to_string();
        if pods.contains("CrashLoopBackOff") { Ok(()) } else { Err(pods) }
    });
    operator.terminal.press("c");
    operator.terminal.wait_for("the container that the line names", SOON, |screen| {
        active_room(screen) == Some("Releases") && has(screen, "webserver")
    });
    operator.room("Run");
}

fn the_upgrade_is_interrupted(operator: &mut Operator, workspace: &Workspace) {
    operator.interrupt("upgrade");
    eventually("a failed revision", CLUSTER, || {
        let states = revisions(workspace);
        if states.last().is_some_and(|state| state == "failed") { Ok(()) } else { Err(format!("{states:?}")) }
    });
}

fn rolls_back_from_the_history(operator: &mut Operator, workspace: &Workspace) {
    operator.terminal.press("R");
    operator.terminal.wait_for("the history with both revisions", CLUSTER, |screen| {
        has_row(screen, &["2", "failed"]) && has_row(screen, &["1", "deployed"])
    });
    // The cursor is on the last good one already.
    operator.terminal.wait_text("revision 1 ");
    operator.terminal.press("R");
    operator.terminal.wait_for("the plan of the way back with its difference", CLUSTER, |screen| {
        active_room(screen) == Some("Run")
            && has(screen, "rollback floe-platform 1 --kube-context")
            && has_row(screen, &["-dagster-webserver", "rolling restart"])
    });
    operator.confirm();
    operator.terminal.wait_text_within(" and healthy", CLUSTER);
    operator.terminal.wait_for("what would bring the fault back, with its place", CLUSTER, |screen| {
        has(screen, "dagster.webserver.podAnnotations") && has(screen, "(values-dev.yaml:")
    });
    assert_eq!(revisions(workspace).last().map(String::as_str), Some("deployed"));
    assert_eq!(revisions(workspace).len(), 3);
    let template = workspace.get("dev", &["deployment", WEBSERVER])["spec"]["template"].to_string();
    assert!(!template.contains("crash-loop"), "{template}");
}

fn the_next_start_knows(workspace: &Workspace) {
    let mut operator = Operator::open(workspace, 140, 44);
    operator.room("Run");
    operator.terminal.wait_for("what was done", CLUSTER, |screen| {
        ["install", "test", "upgrade", "roll back"].iter().all(|verb| says(screen, &[verb]))
    });
    operator.quit();
}

/// Quitting and killing the program while helm works: helm is never touched, the next start picks it up.
#[rstest]
#[case::quit(false)]
#[case::kill(true)]
fn planes_helm_outlives_the_program(#[case] killed: bool) {
    let workspace = Workspace::on_planes("outlive", HelmMajor::Four, &["dev"]);
    // A pod that takes a while, so that helm certainly waits when the program ends.
    let text = workspace.read("values-dev.yaml");
    let slow = "dagster:\n  webserver:\n    podAnnotations: {sim.floe.dev/ready-after: 20s}\n";
    workspace.write("values-dev.yaml", &text.replace("dagster:\n", slow));
    let mut operator = Operator::open(&workspace, 160, 50);
    operator.environment("dev");
    operator.plan("I", "install");
    operator.confirm();
    operator
        .terminal
        .wait_for("helm at work", CLUSTER, |screen| has_row(screen, &["-webserver", "progressing"]));
    if killed {
        operator.terminal.kill();
        operator.terminal.wait_exit(SOON);
    } else {
        operator.terminal.press("q");
        operator.terminal.wait_exit(SOON);
        operator.terminal.assert_restored();
        let said = operator.terminal.raw();
        assert!(said.contains("pid") || said.contains("process"), "how to come back: {said}");
    }
    assert_eq!(revisions(&workspace), ["pending-install"]);
    let mut operator = Operator::open(&workspace, 160, 50);
    operator.room("Run");
    operator.terminal.wait_for("the operation that went on", CLUSTER, |screen| {
        says(screen, &["install"]) && has(screen, " and healthy")
    });
    assert_eq!(revisions(&workspace), ["deployed"]);
    operator.quit();
}

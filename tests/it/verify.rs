//! Helm is the judge: what `verify` says, and that the rooms say what a preview is worth.

use std::time::Duration;

use rstest::rstest;

use super::support::operator::{CLUSTER, Operator};
use super::support::process::Output;
use super::support::pty::{SOON, has, has_row, text};
use super::support::root;
use super::support::sandbox::{self, HelmMajor};
use super::support::workspace::{Workspace, copy};

/// Runs the real helm, and does something else with what it renders.
fn altered(alter: &str) -> String {
    let real = sandbox::helm(HelmMajor::Four);
    format!("case \"$1\" in template) {alter} ;; *) exec '{0}' \"$@\" ;; esac", real.display())
        .replace("HELM", &format!("'{}'", real.display()))
}

fn verify(workspace: &Workspace, more: &[&str]) -> Output {
    let chart = workspace.platform();
    workspace.floe(&[&["verify", chart.to_str().expect("utf-8")], more].concat())
}

#[rstest]
#[case::helm_3(HelmMajor::Three)]
#[case::helm_4(HelmMajor::Four)]
fn the_platform_is_identical_and_what_is_random_is_left_out(#[case] major: HelmMajor) {
    let workspace = Workspace::new("identical").with_helm(major);
    for environment in ["dev", "prod"] {
        let output = verify(&workspace, &["--env", environment]).ok();
        assert!(output.stdout.starts_with(&format!("identical to helm {}.", major.number())), "{output}");
        assert!(output.stdout.contains("random"), "passwords are drawn: {output}");
    }
    let more = ["--env", "dev", "--set", "dagster.webserver.replicas=7", "--json"];
    let json = verify(&workspace, &more).ok().json();
    assert_eq!((&json["identical"], &json["proven"]), (&true.into(), &true.into()), "{json}");
}

#[test]
fn a_version_that_no_test_compares_is_told() {
    let real = sandbox::helm(HelmMajor::Four);
    let script = format!(
        "case \"$1\" in version) '{0}' \"$@\" | sed 's/v4[.0-9]*/v4.2.1/' ;; *) exec '{0}' \"$@\" ;; esac",
        real.display()
    );
    let workspace = Workspace::new("unproven").with_helm_script(&script);
    let output = verify(&workspace, &["--env", "prod", "--json"]);
    assert_eq!(output.json()["proven"], false, "{output}");
    let output = verify(&workspace, &["--env", "prod"]);
    let told = "helm 4.2.1 is not one of the versions that the engine is tested with";
    assert!(output.stdout.contains(told), "{output}");
}

#[test]
fn both_refuse_is_identical_with_both_messages() {
    let workspace = Workspace::new("refuse").with_helm(HelmMajor::Four);
    let chart = workspace.folder().join("broken");
    copy(&root().join("tests/fixtures/charts/broken-template"), &chart);
    let output = workspace.floe(&["verify", chart.to_str().expect("utf-8")]).ok();
    assert!(output.stdout.contains("both refuse"), "{output}");
    let told: Vec<&str> = output.stdout.lines().filter(|line| line.contains("configmap.yaml")).collect();
    assert_eq!(told.len(), 2, "helm's words and the engine's: {output}");
    assert_eq!(told[0], told[1], "they are the same: {output}");
}

#[test]
fn a_difference_has_template_line_and_cause() {
    let script = altered("HELM \"$@\" | sed 's/^  replicas: 2$/  replicas: 3/'");
    let workspace = Workspace::new("different").with_helm_script(&script);
    let output = verify(&workspace, &["--env", "prod"]).expect_code(2);
    assert!(output.stdout.contains("different from helm 4."), "{output}");
    for word in ["templates/", "  helm      replicas: 3", "  engine    replicas: 2", "  cause   "] {
        assert!(output.stdout.contains(word), "no `{word}` in {output}");
    }
    let json = verify(&workspace, &["--env", "prod", "--json"]).expect_code(2).json();
    assert_eq!(json["outcome"], "different", "{json}");
    assert!(json["differences"][0]["template"].as_str().is_some_and(|name| name.contains("templates/")));
}

#[test]
fn one_that_refuses_alone_is_an_error() {
    let script = altered("echo 'Error: execution error at (x/templates/a.yaml:1:1): not today' >&2; exit 1");
    let workspace = Workspace::new("alone").with_helm_script(&script);
    let output = verify(&workspace, &["--env", "dev"]).expect_code(1);
    assert!(output.stdout.contains("the engine renders it, helm 4.") && output.stdout.contains("not today"));
    // A helm that was killed has not refused anything.
    let script = altered("kill -9 $$");
    let workspace = Workspace::new("killed").with_helm_script(&script);
    let output = verify(&workspace, &["--env", "dev"]).expect_code(1);
    assert!(output.stdout.is_empty() && output.stderr.contains("error: "), "{output}");
}

#[test]
fn without_helm_it_renders_and_cannot_be_verified() {
    let workspace = Workspace::new("no-helm");
    let chart = workspace.platform();
    let chart = chart.to_str().expect("utf-8");
    let output = workspace.floe(&["render", chart, "--env", "dev"]).ok();
    assert!(output.stdout.contains("kind: Deployment"), "{output}");
    assert!(output.stderr.contains("as helm 4."), "it says whose rendering that is: {output}");
    let output = workspace.floe(&["verify", chart, "--env", "dev"]).expect_code(1);
    assert!(output.stderr.contains("--helm"), "{output}");
    let charts = workspace.charts();
    let output =
        workspace.floe(&["diff", charts.to_str().expect("utf-8"), "--env", "prod", "--against", "dev"]);
    assert_eq!(output.code, Some(2), "{output}");
}

const KEY: &str = "dagster.webserver.replicas";

fn is_verified(screen: &vt100::Screen) -> bool {
    has(screen, "verified") && !has(screen, "not yet verified") && !has(screen, "not verified")
}

#[rstest]
#[case::helm_3_in_80x24(HelmMajor::Three, 80, 24)]
#[case::helm_4_in_120x40(HelmMajor::Four, 120, 40)]
fn a_preview_is_verified_once_nothing_is_typed(
    #[case] major: HelmMajor,
    #[case] columns: u16,
    #[case] rows: u16,
) {
    let workspace = Workspace::new("idle").with_helm(major);
    let mut operator = Operator::open(&workspace, columns, rows);
    operator.value(KEY, "prod").edit("4");
    operator.terminal.wait_for("the consequence", SOON, |screen| has(screen, "2 to 4"));
    let screen = operator.terminal.wait_for("helm's verdict in Values", CLUSTER, is_verified);
    assert!(has(&screen, "2 to 4"), "the consequence stays: {}", text(&screen));
    operator.room("Diff");
    operator.terminal.wait_for("the same verdict in Diff", SOON, is_verified);
    operator.terminal.press("=");
    operator.terminal.wait_for("who said so", SOON, |screen| {
        has(screen, "helm printed the same") && has(screen, &format!("identical to helm {}.", major.number()))
    });
    operator.terminal.press("Esc");
    // Another text is another question.
    operator.value(KEY, "prod").edit("5");
    operator.terminal.wait_for("the next consequence", SOON, |screen| has(screen, "2 to 5"));
    operator.terminal.wait_for("its own verdict", CLUSTER, is_verified);
}

#[test]
fn a_template_is_verified_too() {
    let workspace = Workspace::new("template").with_helm(HelmMajor::Four);
    let mut operator = Operator::open(&workspace, 80, 24);
    operator.filter("networkpolicies.yaml");
    operator.down_to("a template", |screen| has_row(screen, &["▌", "networkpolicies."]));
    operator.terminal.press("v");
    operator.terminal.press("Enter");
    operator.terminal.wait_for("helm's verdict on the template", CLUSTER, is_verified);
}

#[test]
fn a_helm_that_gives_something_else_has_the_last_word() {
    let script = altered("HELM \"$@\" | sed 's/^  replicas: 4$/  replicas: 7/'");
    let workspace = Workspace::new("judge").with_helm_script(&script);
    let mut operator = Operator::open(&workspace, 80, 24);
    operator.value(KEY, "prod").edit("4");
    operator.terminal.wait_for("the engine's consequence", SOON, |screen| has(screen, "2 to 4"));
    operator
        .terminal
        .wait_for("helm's own", CLUSTER, |screen| has(screen, "2 to 7") && has(screen, "differs"));
    operator.terminal.press("=");
    operator.terminal.wait_for("where", SOON, |screen| {
        has(screen, "helm      replicas: 7") && has(screen, "engine    replicas: 4") && has(screen, "cause")
    });
    operator.terminal.press("Esc");
    operator.room("Diff");
    operator.terminal.wait_for("that it is helm's", SOON, |screen| {
        has(screen, "the engine gives something else") && has(screen, "differs")
    });
}

#[test]
fn previews_need_no_helm() {
    let workspace = Workspace::new("alone");
    let mut operator = Operator::open(&workspace, 80, 24);
    // The message that there is none lies over the consequences.
    operator.terminal.wait_text("no helm found");
    for _ in 0..5 {
        // The oldest goes first, and there may be others.
        operator.terminal.press("Ctrl-X");
        let screen = operator.terminal.wait_quiet(Duration::from_millis(100), SOON);
        if !has(&screen, "no helm found") {
            break;
        }
    }
    operator.value(KEY, "prod").edit("4");
    operator.terminal.wait_for("the consequence, and that nobody judges it", SOON, |screen| {
        has(screen, "2 to 4") && has(screen, "not verified: no helm")
    });
}

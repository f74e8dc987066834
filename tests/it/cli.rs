//! The headless commands: what they print, and the exit codes that scripts rely on.

use rstest::rstest;

use super::support::process::{self, Output, eventually};
use super::support::sandbox::{self, HelmMajor};
use super::support::workspace::{Workspace, copy};
use super::support::{program, root};

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Runs the program with nothing around it.
fn bare(args: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(program());
    command
        .args(args)
        .current_dir(folder.path())
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", folder.path());
    process::run(&mut command, Duration::from_secs(30))
}

/// The number of the only line of a text that holds a part.
fn line_of(text: &str, part: &str) -> usize {
    let lines: Vec<usize> =
        text.lines().enumerate().filter(|(_, l)| l.contains(part)).map(|(i, _)| i + 1).collect();
    assert_eq!(lines.len(), 1, "`{part}` should stand in one line: {lines:?}");
    lines[0]
}

/// The webserver's replicas of production, which the story changes.
const REPLICAS: &str = "    replicas: 2";

fn with_replicas(workspace: &Workspace, value: &str) -> usize {
    let text = workspace.read("values-prod.yaml");
    let line = line_of(&text, REPLICAS);
    workspace.write("values-prod.yaml", &text.replace(REPLICAS, &format!("    replicas: {value}")));
    line
}

#[test]
fn help_names_every_command() {
    let help = bare(&["--help"]).ok();
    for word in [
        "validate",
        "render",
        "verify",
        "diff",
        "plan",
        "apply",
        "status",
        "generate",
        "schema",
        "jobs",
        "--kubeconfig",
        "--helm",
        "--theme",
        "--read-only",
    ] {
        assert!(help.stdout.contains(word), "no `{word}` in {help}");
    }
    assert!(!help.stdout.contains("__"), "a hidden command shows: {help}");
    let version = bare(&["--version"]).ok();
    assert_eq!(version.stdout.trim(), format!("floe-tui {}", env!("CARGO_PKG_VERSION")));
}

#[rstest]
#[case::unknown_option(&["--nonsense"])]
#[case::plan_without_an_environment(&["plan", "."])]
#[case::apply_of_nothing_known(&["apply", ".", "--env", "dev", "--operation", "explode"])]
#[case::diff_with_one_side(&["diff", ".", "--env", "dev"])]
#[case::render_without_a_chart(&["render"])]
#[case::generate_for_nobody(&["generate", "--artifacts", "a.json"])]
fn wrong_usage_is_64_and_says_what_is_right(#[case] args: &[&str]) {
    let output = bare(args).expect_code(64);
    assert!(output.stdout.is_empty(), "usage errors go to standard error: {output}");
    assert!(output.stderr.contains("Usage") || output.stderr.contains("--help"), "{output}");
}

#[test]
fn a_folder_that_is_not_there_is_an_error_with_its_name() {
    let output = bare(&["validate", "/no/such/folder"]).expect_code(1);
    assert!(output.stderr.contains("/no/such/folder"), "{output}");
}

#[test]
fn the_projects_own_charts_are_valid() {
    let workspace = Workspace::new("valid");
    let charts = workspace.charts();
    let output = workspace.floe(&["validate", charts.to_str().expect("utf-8")]).ok();
    assert!(!output.stdout.contains("values-"), "problems in valid charts: {output}");
    let json = workspace.floe(&["validate", charts.to_str().expect("utf-8"), "--json"]).ok().json();
    assert!(json.is_object() || json.is_array(), "{json}");
}

#[test]
fn a_value_below_its_minimum_is_told_with_file_and_line() {
    let workspace = Workspace::new("minimum");
    let line = with_replicas(&workspace, "-1");
    let charts = workspace.charts();
    let charts = charts.to_str().expect("utf-8");
    let output = workspace.floe(&["validate", charts]).expect_code(1);
    let place = format!("values-prod.yaml:{line}: ");
    let told = output
        .stdout
        .lines()
        .find(|l| l.contains(&place))
        .unwrap_or_else(|| panic!("no `{place}` in {output}"));
    assert!(told.contains("dagster.webserver.replicas: must be at least 1"), "{told}");
    // Only production is wrong.
    workspace.floe(&["validate", charts, "--env", "dev"]).ok();
    let only =
        workspace.floe(&["validate", charts, "--env", "prod", "--json"]).expect_code(1).json().to_string();
    assert!(only.contains("dagster.webserver.replicas") && only.contains(&line.to_string()), "{only}");
}

#[test]
fn a_value_that_only_the_subcharts_schema_forbids_is_found() {
    let workspace = Workspace::new("subchart");
    let text = workspace.read("values-dev.yaml");
    assert!(
        text.contains("      verbosity: detailed"),
        "the test edits what the collector's debug exporter says"
    );
    let broken = text.replace("      verbosity: detailed", "      verbosity: shouting");
    workspace.write("values-dev.yaml", &broken);
    let charts = workspace.charts();
    let output = workspace.floe(&["validate", charts.to_str().expect("utf-8")]).expect_code(1);
    let place = format!("values-dev.yaml:{}: ", line_of(&broken, "shouting"));
    assert!(
        output.stdout.contains(&place) && output.stdout.contains("verbosity"),
        "no `{place}` in {output}"
    );
}

#[test]
fn an_environment_in_two_mappings_is_a_problem() {
    let workspace = Workspace::new("mapping");
    let text = workspace.read("values.yaml");
    assert!(text.contains("    environments: [prod]"), "the test adds dev to the second mapping");
    workspace
        .write("values.yaml", &text.replace("    environments: [prod]", "    environments: [prod, dev]"));
    let charts = workspace.charts();
    let output = workspace.floe(&["validate", charts.to_str().expect("utf-8")]).expect_code(1);
    let told = output.stdout.lines().find(|l| l.contains("values.yaml:") && l.contains("dev"));
    assert!(told.is_some(), "which environment, and where: {output}");
}

#[test]
fn text_that_is_no_yaml_is_told_with_its_line() {
    let workspace = Workspace::new("no-yaml");
    let text = workspace.read("values-qa.yaml") + "broken: [1, 2\nnext: 3\n";
    workspace.write("values-qa.yaml", &text);
    let charts = workspace.charts();
    let output = workspace.floe(&["validate", charts.to_str().expect("utf-8")]).expect_code(1);
    assert!(output.stdout.contains("values-qa.yaml:"), "{output}");
    // The other environments are still judged.
    workspace.floe(&["validate", charts.to_str().expect("utf-8"), "--env", "prod"]).ok();
}

#[rstest]
#[case::helm_3(HelmMajor::Three)]
#[case::helm_4(HelmMajor::Four)]
fn render_is_what_helm_renders(#[case] major: HelmMajor) {
    let workspace = Workspace::new("render").with_helm(major);
    let chart = workspace.platform();
    let chart = chart.to_str().expect("utf-8");
    let ours = workspace
        .floe(&["render", chart, "--env", "prod", "--release", "floe", "--namespace", "some-where"])
        .ok();
    let values = workspace.platform().join("values-prod.yaml");
    let mut command = Command::new(sandbox::helm(major));
    command
        .args(["template", "floe", chart, "--namespace", "some-where", "-f"])
        .arg(values)
        .env_clear()
        .envs(workspace.environment());
    let helms = process::run(&mut command, Duration::from_mins(1)).ok();
    // Generated passwords differ from rendering to rendering, and what is made from them.
    let stable = |text: &str| -> Vec<String> {
        let mut lines: Vec<String> = text
            .lines()
            .filter(|line| !line.trim().is_empty() && !line.starts_with("---") && !line.starts_with('#'))
            .filter(|line| !random(line))
            .map(str::to_owned)
            .collect();
        lines.sort();
        lines
    };
    let (ours, helms) = (stable(&ours.stdout), stable(&helms.stdout));
    assert!(helms.len() > 500, "helm rendered only {} lines", helms.len());
    let diff = similar::TextDiff::from_slices(
        &helms.iter().map(String::as_str).collect::<Vec<_>>(),
        &ours.iter().map(String::as_str).collect::<Vec<_>>(),
    );
    assert!(diff.ratio() > 0.999, "{}", diff.unified_diff());
}

/// Whether a line of a manifest holds what a template drew at random: a checksum or a generated secret.
fn random(line: &str) -> bool {
    let value = line.split_once(": ").map_or("", |(_, value)| value.trim_matches('"'));
    value.len() >= 16 && value.chars().all(|c| c.is_ascii_alphanumeric() || "+/=_-".contains(c))
}

#[test]
fn render_takes_files_in_the_order_given() {
    let workspace = Workspace::new("files").with_helm(HelmMajor::Four);
    let tiny = workspace.folder().join("tiny");
    copy(&root().join("tests/fixtures/charts/tiny"), &tiny);
    let (first, second) = (workspace.folder().join("first.yaml"), workspace.folder().join("second.yaml"));
    std::fs::write(&first, "commonLabels: {a: first}\n").expect("a file");
    std::fs::write(&second, "commonLabels: {a: second}\n").expect("a file");
    let chart = workspace.platform();
    let path = |path: &std::path::Path| path.to_str().expect("utf-8").to_owned();
    let output = workspace.floe(&["render", &path(&chart), "-f", &path(&first), "-f", &path(&second)]).ok();
    assert!(output.stdout.contains("a: second") && !output.stdout.contains("a: first"), "{output}");
    let output = workspace.floe(&["render", &path(&tiny)]).ok();
    assert!(output.stdout.contains("kind: "), "{output}");
}

#[test]
fn render_of_a_broken_chart_keeps_helms_words() {
    let workspace = Workspace::new("broken").with_helm(HelmMajor::Four);
    let chart = root().join("tests/fixtures/charts/broken-template");
    let output = workspace.floe(&["render", chart.to_str().expect("utf-8"), "--env", "dev"]).expect_code(1);
    assert!(output.stdout.is_empty(), "half a manifest is worse than none: {output}");
    assert!(output.stderr.contains("templates/configmap.yaml"), "file and line of the fault: {output}");
}

#[test]
fn diff_says_by_exit_code_whether_there_is_one() {
    let workspace = Workspace::new("diff").with_helm(HelmMajor::Four);
    let charts = workspace.charts();
    let charts = charts.to_str().expect("utf-8");
    let output = workspace.floe(&["diff", charts, "--env", "prod", "--against", "dev"]).expect_code(2);
    assert!(output.stdout.contains("dagster-webserver") && output.stdout.contains("1 to 2"), "{output}");
    // Random passwords are no difference: both sides are the same environment.
    let output = workspace.floe(&["diff", charts, "--env", "dev", "--against", "dev"]).ok();
    assert!(!output.stdout.contains("Secret"), "{output}");
}

#[test]
fn diff_shows_no_secret() {
    let workspace = Workspace::new("secret").with_helm(HelmMajor::Four);
    let text = workspace.read("values-prod.yaml");
    workspace.write(
        "values-prod.yaml",
        &text.replace("polaris:\n", "polaris:\n  auth: {rootClientSecret: hunter2-hunter2}\n"),
    );
    let charts = workspace.charts();
    let output = workspace
        .floe(&["diff", charts.to_str().expect("utf-8"), "--env", "prod", "--against", "dev"])
        .expect_code(2);
    // base64 of it begins with aHVudGVyM
    for text in [&output.stdout, &output.stderr] {
        assert!(!text.contains("hunter2") && !text.contains("aHVudGVyM"), "{output}");
    }
    assert!(output.stdout.contains("Secret"), "that the Secret differs is told: {output}");
}

/// The whole life of a release without a terminal.
#[rstest]
#[case::helm_3(HelmMajor::Three)]
#[case::helm_4(HelmMajor::Four)]
fn planes_a_release_lives_headless(#[case] major: HelmMajor) {
    let workspace = Workspace::on_planes("life", major, &["dev"]);
    let charts = workspace.charts();
    let charts = charts.to_str().expect("utf-8");
    let namespace = workspace.namespace("dev");
    let operate = |operation: &str, more: &[&str]| {
        let mut args = vec!["apply", charts, "--env", "dev", "--operation", operation];
        args.extend(more);
        workspace.floe(&args)
    };

    // A plan changes nothing, and says the exact command.
    let plan = workspace.floe(&["plan", charts, "--env", "dev", "--operation", "install"]).expect_code(2);
    for part in
        ["install", "--kube-context", "nonprod-deployer", &namespace, "values-dev.yaml", "dagster-webserver"]
    {
        assert!(plan.stdout.contains(part), "no `{part}` in the {plan}");
    }
    let refused = operate("install", &[]);
    assert_ne!(refused.code, Some(0), "without --yes nothing is done: {refused}");
    assert!(refused.stderr.contains("--yes"), "{refused}");
    assert_eq!(workspace.get("dev", &["deployments"])["items"].as_array().map(Vec::len), Some(0));

    operate("install", &["--yes"]).ok();
    assert_eq!(revisions(&workspace), ["deployed"]);
    let status = workspace.floe(&["status", charts, "--env", "dev", "--json"]).ok().json();
    let components =
        status["components"].as_array().unwrap_or_else(|| panic!("a PlatformDeployment: {status}"));
    let webserver = components
        .iter()
        .find(|c| c["name"].as_str().is_some_and(|name| name.ends_with("dagster-webserver")))
        .unwrap_or_else(|| panic!("no webserver in {status}"));
    assert_eq!(webserver["type"], "Deployment");
    assert_eq!(webserver["health"], "healthy");
    assert_eq!(webserver["replicas"]["ready"], 1);
    assert_eq!(status["releaseName"], "floe-platform");
    assert_eq!(status["namespace"], namespace.as_str());
    assert_eq!(status["status"], "deployed");

    operate("test", &["--yes"]).ok();

    let text = workspace.read("values-dev.yaml");
    workspace.write("values-dev.yaml", &text.replace("dagster:\n", "dagster:\n  webserver: {replicas: 2}\n"));
    let plan = workspace.floe(&["plan", charts, "--env", "dev", "--operation", "upgrade"]).expect_code(2);
    assert!(plan.stdout.contains("1 to 2"), "{plan}");
    for against in ["deployed", "live"] {
        let diff = workspace.floe(&["diff", charts, "--env", "dev", "--against", against]).expect_code(2);
        assert!(diff.stdout.contains("1 to 2"), "{diff}");
    }
    operate("upgrade", &["--yes"]).ok();
    for against in ["deployed", "live"] {
        workspace.floe(&["diff", charts, "--env", "dev", "--against", against]).ok();
    }
    assert_eq!(revisions(&workspace), ["superseded", "deployed"]);
    assert_eq!(
        workspace.get("dev", &["deployment", "floe-platform-dagster-webserver"])["spec"]["replicas"],
        2
    );

    operate("rollback", &["--yes"]).ok();
    assert_eq!(revisions(&workspace), ["superseded", "superseded", "deployed"]);
    assert_eq!(
        workspace.get("dev", &["deployment", "floe-platform-dagster-webserver"])["spec"]["replicas"],
        1
    );

    operate("uninstall", &["--yes"]).ok();
    assert_eq!(workspace.get("dev", &["deployments"])["items"].as_array().map(Vec::len), Some(0));
}

/// The states of a release's revisions, oldest first, as helm says.
pub fn revisions(workspace: &Workspace) -> Vec<String> {
    let history = workspace.helm("dev", &["history", "floe-platform", "--output", "json"]).ok().json();
    history
        .as_array()
        .expect("a history")
        .iter()
        .map(|revision| revision["status"].as_str().expect("a status").to_owned())
        .collect()
}

#[test]
fn planes_a_failing_upgrade_is_degraded_and_says_why() {
    let workspace = Workspace::on_planes("fault", HelmMajor::Four, &["dev"]);
    let charts = workspace.charts();
    let charts = charts.to_str().expect("utf-8");
    workspace.floe(&["apply", charts, "--env", "dev", "--operation", "install", "--yes"]).ok();
    crash_the_webserver(&workspace);
    // helm itself does not see it without waiting: the health of our revision decides.
    let mut command =
        workspace.floe_command(&["apply", charts, "--env", "dev", "--operation", "upgrade", "--yes"]);
    command.arg("--timeout").arg("20s");
    let output = process::run(&mut command, Duration::from_mins(3));
    assert!(matches!(output.code, Some(1 | 3)), "{output}");
    let told = format!("{}{}", output.stdout, output.stderr);
    assert!(
        told.contains("CrashLoopBackOff") && told.contains("dagster-webserver"),
        "the root cause: {output}"
    );
    let status = workspace.floe(&["status", charts, "--env", "dev"]).expect_code(3);
    assert!(status.stdout.contains("CrashLoopBackOff"), "{status}");
}

/// Whoever leaves `apply`, by Ctrl-C or by force, leaves helm alone; `status` knows what goes on.
#[rstest]
#[case::interrupted(rustix::process::Signal::INT)]
#[case::hung_up(rustix::process::Signal::HUP)]
#[case::killed(rustix::process::Signal::KILL)]
fn planes_helm_outlives_apply(#[case] signal: rustix::process::Signal) {
    let workspace = Workspace::on_planes("leave", HelmMajor::Four, &["dev"]);
    // A pod that takes a while, so that helm certainly waits when the program ends.
    let text = workspace.read("values-dev.yaml");
    let slow = "dagster:\n  webserver:\n    podAnnotations: {sim.floe.dev/ready-after: 15s}\n";
    workspace.write("values-dev.yaml", &text.replace("dagster:\n", slow));
    let charts = workspace.charts();
    let charts = charts.to_str().expect("utf-8");
    let mut child = workspace
        .floe_command(&["apply", charts, "--env", "dev", "--yes"])
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program");
    let stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let waits = stdout
        .lines()
        .map_while(Result::ok)
        .find(|line| line.contains("progressing Deployment") && line.contains("dagster-webserver"));
    assert!(waits.is_some(), "apply ended before its objects were on their way");
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, signal).expect("a running program");
    let output = child.wait_with_output().expect("its end");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if signal != rustix::process::Signal::KILL {
        assert_eq!(output.status.code(), Some(4), "{said}");
        assert!(said.contains("pid") && said.contains("floe-tui status"), "how to come back: {said}");
    }
    let status = workspace.floe(&["status", charts, "--env", "dev"]).expect_code(4);
    assert!(status.stdout.contains("install at work") && status.stdout.contains("pid"), "{status}");
    assert_eq!(revisions(&workspace), ["pending-install"]);
    eventually("helm's end", Duration::from_mins(2), || {
        let status = workspace.floe(&["status", charts, "--env", "dev"]);
        if status.code == Some(0) { Ok(()) } else { Err(status.to_string()) }
    });
    assert_eq!(revisions(&workspace), ["deployed"]);
    let status = workspace.floe(&["status", charts, "--env", "dev", "--json"]).ok().json();
    assert_eq!(status["operation"]["state"], "succeeded", "{status}");
}

/// Gives the webserver of dev the annotation that makes the sandbox's pods crash.
pub fn crash_the_webserver(workspace: &Workspace) {
    let text = workspace.read("values-dev.yaml");
    let crash = "dagster:\n  webserver:\n    podAnnotations: {sim.floe.dev/outcome: crash-loop}\n";
    assert!(text.contains("dagster:\n"), "{text}");
    workspace.write("values-dev.yaml", &text.replace("dagster:\n", crash));
}

#[test]
fn planes_production_wants_its_name() {
    let workspace = Workspace::on_planes("protected", HelmMajor::Four, &["prod"]);
    let charts = workspace.charts();
    let apply =
        ["apply", charts.to_str().expect("utf-8"), "--env", "prod", "--operation", "install", "--yes"];
    let refused = workspace.floe(&apply);
    assert_ne!(refused.code, Some(0), "{refused}");
    assert!(refused.stderr.contains("floe-platform@prod"), "says what to type: {refused}");
    let wrong = workspace.floe(&[&apply[..], &["--confirm", "floe-platform@dev"]].concat());
    assert_ne!(wrong.code, Some(0), "{wrong}");
    assert_eq!(workspace.get("prod", &["deployments"])["items"].as_array().map(Vec::len), Some(0));
    workspace.floe(&[&apply[..], &["--confirm", "floe-platform@prod"]].concat()).ok();
    let webserver = workspace.get("prod", &["deployment", "floe-platform-dagster-webserver"]);
    assert_eq!(webserver["spec"]["replicas"], 2);
}

#[test]
fn planes_a_viewer_learns_what_is_forbidden_before_helm_runs() {
    let workspace = Workspace::on_planes("viewer", HelmMajor::Four, &["dev"]);
    let config = workspace.config().join("config.toml");
    std::fs::write(&config, "[clusters]\naks-shared-nonprod = \"nonprod-viewer\"\n")
        .expect("a configuration");
    let charts = workspace.charts();
    let output = workspace.floe(&[
        "apply",
        charts.to_str().expect("utf-8"),
        "--env",
        "dev",
        "--operation",
        "install",
        "--yes",
    ]);
    assert_eq!(output.code, Some(1), "{output}");
    assert!(
        output.stderr.contains("viewer") && output.stderr.contains("may not"),
        "who may not do what: {output}"
    );
    assert_eq!(workspace.get("dev", &["deployments"])["items"].as_array().map(Vec::len), Some(0));
}

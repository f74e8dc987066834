//! What bad things get: a clear message, the rest of the program works on, no keystroke or byte lost, the terminal
//! restored. One test a row of the table; none needs the planes unless its name says so.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::support::operator::{CLUSTER, Operator, active_room, header, says};
use super::support::process::{self, eventually};
use super::support::pty::{SOON, Start, has, has_row, text};
use super::support::sandbox::{HelmMajor, sandbox};
use super::support::workspace::{Workspace, copy};
use super::support::{program, root};

const KEY: &str = "dagster.webserver.replicas";

/// A kubeconfig whose deployers live at an address.
fn kubeconfig(folder: &Path, server: &str) -> PathBuf {
    let path = folder.join("kubeconfig");
    let contexts = ["nonprod", "prod"].map(|plane| {
        format!("- {{name: {plane}-deployer, context: {{cluster: far-away, user: somebody}}}}\n")
    });
    let config = format!(
        "apiVersion: v1\nkind: Config\nclusters:\n- {{name: far-away, cluster: {{server: '{server}', \
         insecure-skip-tls-verify: true}}}}\nusers:\n- {{name: somebody, user: {{token: xyz}}}}\ncontexts:\n{}",
        contexts.concat()
    );
    std::fs::write(&path, config).expect("a kubeconfig");
    path
}

/// The rest of the program works: rooms open and a value can be changed and saved.
#[track_caller]
fn works_on(operator: &mut Operator, workspace: &Workspace) {
    for room in ["Charts", "Clusters", "Diff", "Releases", "Run"] {
        operator.room(room);
    }
    operator.value(KEY, "prod").edit("4").save();
    assert_eq!(
        workspace.changed_lines(),
        [("values-prod.yaml".to_owned(), vec!["    replicas: 4".to_owned()])]
    );
    operator.quit();
}

#[test]
fn no_kubeconfig() {
    let workspace = Workspace::new("no-kubeconfig").with_helm(HelmMajor::Four);
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.room("Releases");
    operator.terminal.wait_for("the paths that were tried", SOON, |screen| {
        says(screen, &["kubeconfig"]) && says(screen, &["no-kubeconfig"])
    });
    works_on(&mut operator, &workspace);
}

#[test]
fn a_dead_cluster() {
    let workspace = Workspace::new("dead").with_helm(HelmMajor::Four);
    // A port that was free a moment ago: nobody listens.
    let port = TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
    let config = kubeconfig(workspace.folder(), &format!("https://127.0.0.1:{port}"));
    let workspace = workspace.with_kubeconfig(config);
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.room("Clusters");
    operator
        .terminal
        .wait_for("why it cannot be reached", CLUSTER, |screen| says(screen, &["unreachable", "refused"]));
    operator.environment("dev");
    operator.terminal.press("I");
    operator.terminal.wait_for("a plan that says why not", CLUSTER, |screen| {
        active_room(screen) == Some("Run") && says(screen, &["unreachable", "refused"])
    });
    works_on(&mut operator, &workspace);
}

#[test]
fn a_cluster_that_never_answers() {
    let workspace = Workspace::new("silent").with_helm(HelmMajor::Four);
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let server = format!("https://127.0.0.1:{}", listener.local_addr().expect("an address").port());
    // Accepts, and says nothing until the test ends.
    std::thread::spawn(move || listener.incoming().collect::<Vec<_>>());
    let config = kubeconfig(workspace.folder(), &server);
    let workspace = workspace.with_kubeconfig(config);
    let mut operator = Operator::open(&workspace, 120, 40);
    // Keys are answered while connections hang.
    works_on(&mut operator, &workspace);
}

#[test]
fn planes_an_expired_token() {
    let workspace = Workspace::on_planes("expired", HelmMajor::Four, &["dev"]);
    let text = std::fs::read_to_string(&sandbox().kubeconfig).expect("the planes' kubeconfig");
    let expired: Vec<String> = text
        .lines()
        .map(|line| match line.split_once("token: ") {
            Some((before, _)) => format!("{before}token: expired0123456789"),
            None => line.to_owned(),
        })
        .collect();
    let path = workspace.folder().join("expired");
    std::fs::write(&path, expired.join("\n")).expect("a kubeconfig");
    let workspace = workspace.with_kubeconfig(path);
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.room("Clusters");
    operator.terminal.wait_for("that a login is needed", CLUSTER, |screen| {
        says(screen, &["login", "log in", "unauthorized", "credentials"])
    });
    assert!(!operator.terminal.raw().contains("expired0123456789"), "a token reached the screen");
    works_on(&mut operator, &workspace);
}

#[test]
fn planes_viewer_rights() {
    let workspace = Workspace::on_planes("look-only", HelmMajor::Four, &["dev"]);
    let clusters = "[clusters]\naks-shared-nonprod = \"nonprod-viewer\"\naks-shared-prod = \"prod-viewer\"\n";
    std::fs::write(workspace.config().join("config.toml"), clusters).expect("a configuration");
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.environment("dev");
    operator.terminal.press("I");
    operator.terminal.wait_for("what is not allowed", CLUSTER, |screen| {
        active_room(screen) == Some("Run") && says(screen, &["may not", "forbidden", "not allowed"])
    });
    works_on(&mut operator, &workspace);
    assert_eq!(workspace.get("dev", &["deployments"])["items"].as_array().map(Vec::len), Some(0));
}

#[test]
fn no_helm() {
    let workspace = Workspace::new("no-helm");
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.terminal.wait_for("that helm is missing, and what to do", SOON, |screen| {
        says(screen, &["helm was not found", "no helm", "helm is not", "helm not found"])
    });
    works_on(&mut operator, &workspace);
    let charts = workspace.charts();
    let output =
        workspace.floe(&["plan", charts.to_str().expect("utf-8"), "--env", "dev", "--operation", "install"]);
    assert_eq!(output.code, Some(1), "{output}");
    assert!(output.stderr.contains("--helm"), "says what to do: {output}");
}

#[test]
fn an_ancient_helm() {
    let workspace = Workspace::new("ancient").with_helm_script("echo 'Client: v2.17.0+ga690bad'");
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.terminal.wait_for("the version, and which is needed", SOON, |screen| has(screen, "2.17"));
    works_on(&mut operator, &workspace);
}

#[test]
fn a_helm_that_fails_at_everything() {
    let workspace = Workspace::new("failing")
        .with_helm_script("echo 'Error: the \u{1b}[31mred\u{1b}[2J sky fell' >&2; exit 1");
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.terminal.wait_for("helm's own words", SOON, |screen| has(screen, "sky fell"));
    assert!(
        !operator.terminal.raw().contains("\u{1b}[31mred\u{1b}[2J"),
        "helm's output controls the terminal"
    );
    works_on(&mut operator, &workspace);
}

#[test]
fn a_chart_that_does_not_render() {
    let workspace = Workspace::new("broken").with_helm(HelmMajor::Four);
    copy(&root().join("tests/fixtures/charts/broken-template"), &workspace.charts().join("broken-template"));
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.filter("configmap.yaml");
    operator.down_to("the template of the broken chart", |screen| has_row(screen, &["▌", "configmap.yaml"]));
    operator.terminal.press("v");
    operator
        .terminal
        .wait_for("helm's words with the file", SOON, |screen| says(screen, &["configmap.yaml:"]));
    works_on(&mut operator, &workspace);
}

#[test]
fn planes_invalid_yaml_while_typing() {
    let workspace = Workspace::on_planes("typing", HelmMajor::Four, &["prod"]);
    let before = workspace.read("values-prod.yaml");
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.value(KEY, "prod");
    operator.terminal.press("E");
    operator.terminal.wait_all(&["replicas: 2", "Esc leave"], SOON);
    // As fast as a paste, with keys that are commands elsewhere.
    operator.terminal.press("Home").type_text("q: [1, !s{ :");
    operator.terminal.wait_for("every key is text, and the problem is told", SOON, |screen| {
        has(screen, "q: [1, !s{ :") && has(screen, "values-prod.yaml:12")
    });
    // Invalid text may be saved, never planned.
    operator.terminal.press("Ctrl-S");
    operator.terminal.wait_for("nothing unsaved", SOON, |screen| !header(screen).contains("unsaved"));
    assert!(workspace.read("values-prod.yaml").contains("q: [1, !s{ :"));
    operator.terminal.press("Esc").press("I");
    operator.terminal.wait_for("a refused plan", SOON, |screen| {
        active_room(screen) == Some("Run") && has(screen, "values-prod.yaml:12")
    });
    operator.room("Values");
    eventually("the file as it was", SOON, || {
        operator.terminal.press("u").press("s");
        operator.terminal.wait_quiet(Duration::from_millis(150), SOON);
        let now = workspace.read("values-prod.yaml");
        if now == before { Ok(()) } else { Err(now) }
    });
    operator.quit();
}

#[test]
fn a_values_file_of_a_megabyte() {
    let workspace = Workspace::new("huge").with_helm(HelmMajor::Four);
    let text = workspace.write_a_megabyte("values-dev.yaml");
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.value("commonLabels.label-21999", "dev");
    // One key only: the first one replaces the value, and each is a whole edit of the megabyte (slow unoptimised).
    operator.terminal.press("Enter");
    operator.terminal.wait_text("Enter accept");
    operator.terminal.type_text("x").press("Enter");
    operator.terminal.wait_for("the input to close", CLUSTER, |screen| !has(screen, "Enter accept"));
    operator.save();
    let lines = workspace.changed_lines();
    let changed =
        lines[0].1.iter().find(|line| line.contains("label-21999")).expect("the line is still there");
    assert!(changed.ends_with(": x") || changed.ends_with("\"x\""), "{changed}");
    assert_eq!(workspace.read("values-dev.yaml").lines().count(), text.lines().count());
    operator.quit();
}

#[test]
fn a_file_changed_on_disk_meanwhile() {
    let workspace = Workspace::new("meanwhile").with_helm(HelmMajor::Four);
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.value(KEY, "prod").edit("5");
    operator.terminal.wait_for("an unsaved file", SOON, |screen| header(screen).contains("unsaved"));
    let theirs = workspace.read("values-prod.yaml").replace("    replicas: 2", "    replicas: 7");
    workspace.write("values-prod.yaml", &theirs);
    operator.terminal.press("s");
    operator.terminal.wait_for("a choice", SOON, |screen| says(screen, &["changed on disk"]));
    assert_eq!(workspace.read("values-prod.yaml"), theirs, "nothing was overwritten");
    operator.terminal.press("Esc");
    operator.terminal.wait_for("our edit is still there", SOON, |screen| {
        !says(screen, &["keep theirs"]) && header(screen).contains("unsaved")
    });
    assert_eq!(workspace.read("values-prod.yaml"), theirs);
}

#[test]
fn a_folder_that_cannot_be_written() {
    let workspace = Workspace::new("unwritable").with_helm(HelmMajor::Four);
    // Root may write anywhere, so as root the program runs as somebody else.
    let mut start = Start::program();
    if rustix::process::geteuid().is_root() {
        let ours = workspace.folder().join("floe-tui");
        std::fs::copy(program(), &ours).expect("a copy that everybody may run");
        let mut chown = std::process::Command::new("chown");
        chown.args(["-R", "65534:65534"]).arg(workspace.folder());
        process::run(&mut chown, SOON).ok();
        start = Start::command(Path::new("/usr/bin/setpriv"))
            .args(["--reuid=65534", "--regid=65534", "--clear-groups", "--"])
            .args([ours]);
    }
    let before = workspace.read("values-prod.yaml");
    let mut chmod = std::process::Command::new("chmod");
    chmod.args(["-R", "a-w"]).arg(workspace.charts());
    process::run(&mut chmod, SOON).ok();
    let terminal = start
        .envs(workspace.environment())
        .folder(workspace.folder())
        .args([workspace.charts()])
        .size(120, 40)
        .open();
    let mut operator = Operator { terminal };
    operator.terminal.wait_text("floe-platform");
    operator.value(KEY, "prod").edit("5");
    operator.terminal.press("s");
    operator.terminal.wait_for("why it cannot be saved, and where", SOON, |screen| {
        says(screen, &["permission denied", "read-only", "cannot be written"])
            && has(screen, "values-prod.yaml")
    });
    assert!(header(&operator.terminal.screen()).contains("unsaved"), "{}", operator.terminal.picture());
    assert_eq!(workspace.read("values-prod.yaml"), before);
    let mut chmod = std::process::Command::new("chmod");
    chmod.args(["-R", "u+w"]).arg(workspace.charts());
    process::run(&mut chmod, SOON).ok();
    operator.terminal.press("s");
    operator.terminal.wait_for("saved after all", SOON, |screen| !header(screen).contains("unsaved"));
    assert!(workspace.read("values-prod.yaml").contains("    replicas: 5"));
    operator.quit();
}

#[test]
fn a_terminal_of_20_by_5() {
    let workspace = Workspace::new("small").with_helm(HelmMajor::Four);
    let mut terminal = workspace.terminal().size(20, 5).open();
    terminal
        .wait_for("a word about the size", SOON, |screen| says(screen, &["small", "larger", "20x5", "20×5"]));
    // No Esc with another key behind it: read at once the two are one key with Alt.
    for key in ["1", "2", "3", "4", "5", "6", ":", "e", "x"] {
        terminal.press(key);
    }
    for (columns, rows) in [(1, 1), (2, 30), (300, 2), (80, 24)] {
        terminal.resize(columns, rows);
    }
    // The palette was asked for; a question that was never shown takes no answer, so it is still there.
    terminal.wait_text("Everything");
    terminal.press("Esc");
    let screen = terminal.wait_for("the whole program", SOON, |screen| {
        !has(screen, "Everything") && has(screen, "floe-platform") && active_room(screen).is_some()
    });
    assert_eq!(screen.size().1.get(), 80);
    terminal.resize(120, 40);
    let mut operator = Operator { terminal };
    works_on(&mut operator, &workspace);
}

#[test]
fn killed_with_unsaved_edits() {
    let workspace = Workspace::new("killed").with_helm(HelmMajor::Four);
    let before = workspace.read("values-prod.yaml");
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.value(KEY, "prod").edit("6");
    operator.terminal.wait_for("an unsaved file", SOON, |screen| header(screen).contains("unsaved"));
    eventually("a recovery log in the state folder", SOON, || {
        let mut found = false;
        super::support::walk(&workspace.state(), &mut |file| {
            // Not the one that is still being written.
            let whole = !file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            found |= whole && std::fs::read_to_string(file).is_ok_and(|text| text.contains("replicas: 6"));
        });
        if found { Ok(()) } else { Err("no file holds the edit".to_owned()) }
    });
    operator.terminal.kill();
    operator.terminal.wait_exit(SOON);
    assert_eq!(workspace.read("values-prod.yaml"), before, "nothing was saved");

    let mut operator = Operator::open(&workspace, 120, 40);
    operator.terminal.wait_for("an offer of what was not saved", SOON, |screen| {
        says(screen, &["recover", "unsaved edits"]) && has(screen, "values-prod.yaml")
    });
    operator.terminal.press("y");
    operator
        .terminal
        .wait_for("the edit is back, unsaved", SOON, |screen| header(screen).contains("unsaved"));
    operator.room("Values");
    operator.save();
    assert_eq!(
        workspace.changed_lines(),
        [("values-prod.yaml".to_owned(), vec!["    replicas: 6".to_owned()])]
    );
    operator.quit();
}

#[test]
fn no_secret_is_left_in_the_files_of_the_program() {
    let workspace = Workspace::new("secrets").with_helm(HelmMajor::Four);
    let text = workspace.read("values-prod.yaml");
    let secret = "correct-horse-battery";
    let with = text.replace("polaris:\n", &format!("polaris:\n  auth: {{rootClientSecret: {secret}}}\n"));
    workspace.write("values-prod.yaml", &with);
    let mut operator = Operator::open(&workspace, 140, 44);
    operator.room("Diff").environment("prod");
    operator.terminal.wait_for("a rendered difference or none", CLUSTER, |screen| {
        says(screen, &["no change", "no difference", "secret", "changed"])
    });
    operator.value(KEY, "prod").edit("6");
    operator.terminal.wait_for("a consequence", CLUSTER, |screen| has(screen, "2 to 6"));
    assert!(!operator.terminal.raw().contains(secret), "a secret reached the screen");
    operator.terminal.kill();
    operator.terminal.wait_exit(SOON);
    for folder in
        [workspace.state(), workspace.runtime(), workspace.config(), workspace.folder().join("cache")]
    {
        super::support::walk(&folder, &mut |file| {
            let bytes = std::fs::read(file).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&bytes).contains(secret), "{} holds a secret", file.display());
            let mode = std::fs::metadata(file).expect("metadata").permissions().mode();
            let ours = file.starts_with(workspace.state()) || file.starts_with(workspace.runtime());
            assert!(!ours || mode & 0o777 == 0o600, "{}: mode {:o}", file.display(), mode & 0o777);
        });
    }
}

#[test]
fn suspend_and_resume() {
    let workspace = Workspace::new("suspend").with_helm(HelmMajor::Four);
    // What is typed before the prompt is there stands before it on the screen.
    let at_prompt = |screen: &vt100::Screen| {
        text(screen).lines().rfind(|line| !line.trim().is_empty()).is_some_and(|line| line.trim() == "ready>")
    };
    let mut shell = Start::command(Path::new("/bin/bash"))
        // Without readline, which switches bracketed paste on by itself.
        .args(["--norc", "--noprofile", "--noediting", "-i"])
        .envs(workspace.environment())
        .env("PS1", "ready> ")
        .folder(workspace.folder())
        .size(120, 40)
        .open();
    shell.wait_text("ready>");
    let line = format!(
        "stty -a | grep -o 'icanon.*iexten'; {} {}",
        program().display(),
        workspace.charts().display()
    );
    shell.type_text(&line).press("Enter");
    shell.wait_for("the program", SOON, |screen| active_room(screen) == Some("Charts"));
    shell.press("Ctrl-Z");
    shell.wait_for("the shell", SOON, |screen| {
        !screen.alternate_screen() && has(screen, "Stopped") && at_prompt(screen)
    });
    shell.assert_restored();
    shell.type_text("stty -a | grep -c ' icanon'").press("Enter");
    shell.wait_for("a terminal that reads lines", SOON, |screen| {
        text(screen).lines().any(|line| line.trim() == "1")
    });
    shell.type_text("fg").press("Enter");
    shell.wait_for("the program again, drawn anew", SOON, |screen| {
        screen.alternate_screen() && active_room(screen) == Some("Charts")
    });
    shell.press("q");
    shell.wait_for("the shell at last", SOON, |screen| !screen.alternate_screen() && at_prompt(screen));
    shell.assert_restored();
}

#[test]
fn a_bad_setting_is_announced() {
    let workspace = Workspace::new("setting").with_helm(HelmMajor::Four);
    workspace
        .configure("theme = \"no-such-theme\"\nunknown-setting = 3\n[keys]\n\"no.such.command\" = [\"x\"]\n");
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.terminal.press("!");
    operator.terminal.wait_all(&["no-such-theme", "unknown-setting", "no.such.command"], SOON);
    operator.terminal.press("Esc");
    works_on(&mut operator, &workspace);
}

#[test]
fn no_terminal_is_an_error_not_a_hang() {
    let workspace = Workspace::new("no-terminal");
    let charts = workspace.charts();
    let output = workspace.floe(&[charts.to_str().expect("utf-8")]);
    assert_ne!(output.code, Some(0), "{output}");
    assert!(output.stderr.contains("terminal"), "{output}");
    assert!(!output.stdout.contains('\u{1b}'), "no escape sequences into a file: {output}");
}

#[test]
fn planes_idle_draws_nothing() {
    let workspace = Workspace::on_planes("idle", HelmMajor::Four, &["dev"]);
    let operator = Operator::open(&workspace, 120, 40);
    // What comes in at the start, notices that fade among it, has come.
    operator.terminal.wait_quiet(Duration::from_secs(4), Duration::from_mins(1));
    let before = operator.terminal.changes();
    operator.terminal.wait_quiet(Duration::from_secs(3), Duration::from_secs(4));
    assert_eq!(operator.terminal.changes(), before, "an idle program draws\n{}", operator.terminal.picture());
}

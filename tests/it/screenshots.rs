//! The rooms as pictures for the README, drawn by the real program at work: `make screenshots`.

use std::time::Duration;

use super::cli::crash_the_webserver;
use super::support::operator::{CLUSTER, Operator, header, says};
use super::support::pty::{SOON, has, has_row, text};
use super::support::sandbox::HelmMajor;
use super::support::workspace::Workspace;
use super::support::{root, svg};

/// Writes what is on the screen once it is still.
fn shoot(operator: &Operator, name: &str, title: &str) {
    let screen = operator.terminal.wait_quiet(Duration::from_millis(1500), Duration::from_secs(20));
    let file = root().join("assets").join(format!("{name}.svg"));
    std::fs::create_dir_all(file.parent().expect("a folder")).expect("assets/");
    std::fs::write(&file, svg::draw(&screen, title)).expect("a writable assets/");
    println!("assets/{name}.svg\n{}", text(&screen));
}

#[test]
#[ignore = "draws pictures into assets/: make screenshots"]
fn the_rooms() {
    let workspace = Workspace::as_shipped(HelmMajor::Four);
    let mut operator = Operator::open(&workspace, 120, 36);

    operator.terminal.wait_for("a connection", CLUSTER, |screen| header(screen).contains("connected"));
    operator.environment("dev");
    shoot(&operator, "charts", "floe-tui charts: what the chart is made of");

    operator.value("dagster.webserver.replicas", "prod").edit("3");
    operator.terminal.wait_for("the consequences", CLUSTER, |screen| has(screen, "2 to 3"));
    shoot(&operator, "values", "floe-tui charts: one value, every environment, every consequence");

    operator.room("Diff");
    operator.terminal.wait_for("the objects that change", CLUSTER, |screen| has(screen, "dagster-webserver"));
    shoot(&operator, "diff", "floe-tui charts: what the unsaved text would change");
    operator.room("Values");
    operator.terminal.press("u");
    operator.terminal.wait_for("nothing unsaved", SOON, |screen| !header(screen).contains("unsaved"));

    operator.room("Clusters");
    shoot(&operator, "clusters", "floe-tui charts: which environment lives where");

    operator.environment("dev");
    operator.plan("I", "install");
    shoot(&operator, "plan", "floe-tui charts: the plan of an install");
    operator.confirm();
    operator.terminal.wait_for("some healthy, some not yet", CLUSTER, |screen| {
        says(screen, &["progressing"]) && has_row(screen, &["healthy"])
    });
    let screen = operator.terminal.screen();
    std::fs::write(root().join("assets/run.svg"), svg::draw(&screen, "floe-tui charts: an install, live"))
        .expect("a writable assets/");
    // The tests that follow an install are part of it.
    operator.terminal.wait_text_within(" and healthy", CLUSTER);

    crash_the_webserver(&workspace);
    operator.terminal.press("r");
    operator.plan("U", "upgrade");
    operator.confirm();
    operator.terminal.wait_for("the root cause", CLUSTER, |screen| has(screen, "CrashLoopBackOff"));
    operator.room("Releases");
    operator.terminal.press("Enter");
    operator.terminal.wait_for("the root cause", CLUSTER, |screen| has(screen, "CrashLoopBackOff"));
    shoot(&operator, "release", "floe-tui charts: why an upgrade does not come up");
    // helm works in a process of its own, which would outlive the planes.
    operator.room("Run").interrupt("upgrade");
    operator.quit();
}

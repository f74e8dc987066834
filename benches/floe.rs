//! The budgets, measured on the real program in a terminal and on a real API server: key press to frame, first frame,
//! renderings against `helm template`, a thousand releases against `helm list`, what an idle program costs. Another program is the measure where there is
//! one, and both run in the same minute; the rest is set against its budget. `UPDATE=1` writes the table to the README.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::missing_panics_doc,
    unreachable_pub,
    reason = "a measurement that cannot be made ends the run"
)]

/// The folder, so that the modules of the support module are found where they are.
#[path = "../tests/it"]
mod it {
    pub mod support;
}

#[path = "floe/rendering.rs"]
mod rendering;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use floe_tui::cluster::releases::{Driver, watch};
use floe_tui::cluster::{Connection, Kubeconfig};
use it::support;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;

use it::support::operator::{Operator, active_room, header};
use it::support::process;
use it::support::pty::{SOON, has};
use it::support::sandbox::{self, HelmMajor, sandbox};
use it::support::workspace::Workspace;

/// What the listing is measured with.
const RELEASES: usize = 1000;
const RECORD: usize = 50_000;
const NAMESPACES: usize = 10;

/// One line of the result.
struct Line {
    what: &'static str,
    measured: String,
    against: String,
    ratio: String,
}

fn main() {
    // `cargo bench` says `--bench`; a word chooses one part: `cargo bench --bench floe -- listing`.
    let parts: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|word| word == part);
    let mut lines = Vec::new();
    if wanted("first") {
        eprintln!("first frame: 20 starts");
        lines.push(first_frame());
    }
    if wanted("keys") {
        eprintln!("key press to frame: 400 presses in Values, 200 letters in the editor");
        lines.extend(keys());
    }
    if wanted("rendering") {
        eprintln!("rendering: engine and both helms, 300 edits");
        lines.extend(rendering::lines());
    }
    if wanted("large") {
        eprintln!("a values file of a megabyte: 40 letters");
        lines.push(large());
    }
    if wanted("idle") {
        eprintln!("idle: 10 s on a running release");
        lines.extend(idle());
    }
    if wanted("listing") {
        eprintln!("listing: {RELEASES} releases of {} kB on a real API server", RECORD / 1000);
        lines.push(listing());
    }

    let mut table =
        format!("Measured on {}.\n\n| what | measured | measure | ratio |\n|---|---|---|---|\n", machine());
    for Line { what, measured, against, ratio } in lines {
        let _ = writeln!(table, "| {what} | {measured} | {against} | {ratio} |");
    }
    println!("{table}");
    if std::env::var_os("UPDATE").is_some() {
        support::generated("README.md", "bench", &table);
    }
}

/// The chart on the planes, without a release, and without waiting for a cluster's answers.
fn workspace(name: &str) -> Workspace {
    Workspace::on_planes(name, HelmMajor::Four, &["dev", "qa", "uat", "staging", "prod"])
}

fn first_frame() -> Line {
    let workspace = workspace("first");
    let mut times: Vec<Duration> = (0..20)
        .map(|_| {
            let begun = Instant::now();
            let mut terminal = workspace.terminal().size(120, 40).open();
            terminal.wait_for("the rooms", SOON, |screen| active_room(screen).is_some());
            let took = begun.elapsed();
            terminal.press("q");
            terminal.wait_exit(SOON);
            took
        })
        .collect();
    times.sort();
    against_budget("start to first frame, median of 20", times[times.len() / 2], Duration::from_millis(50))
}

/// Presses a key and waits for whatever the program writes.
fn frame_after(operator: &mut Operator, key: &str) -> Duration {
    let before = operator.terminal.changes();
    let begun = Instant::now();
    operator.terminal.press(key);
    operator.terminal.wait_change(before, SOON);
    let took = begun.elapsed();
    // What a worker adds to this frame must not be taken for the next key's.
    operator.terminal.wait_quiet(Duration::from_millis(25), Duration::from_secs(2));
    took
}

/// Opens the text at the key under the cursor, in the line that says `line`, and begins a comment at its end.
fn begin_comment(operator: &mut Operator, line: &str) {
    operator.terminal.press("E");
    operator.terminal.wait_for("the text", SOON, |screen| has(screen, line) && !screen.hide_cursor());
    operator.terminal.press("End");
    operator.terminal.type_text(" # ");
    operator.terminal.wait_for("an unsaved file", SOON, |screen| header(screen).contains("unsaved"));
    operator.terminal.wait_quiet(Duration::from_secs(2), Duration::from_secs(30));
}

fn keys() -> Vec<Line> {
    let workspace = workspace("keys");
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.room("Values").environment("prod");
    operator.terminal.wait_quiet(Duration::from_secs(2), Duration::from_secs(30));
    let mut moves = Vec::new();
    for _ in 0..10 {
        for key in ["Down", "Up"] {
            moves.extend((0..20).map(|_| frame_after(&mut operator, key)));
        }
    }
    operator.value("dagster.webserver.replicas", "prod");
    begin_comment(&mut operator, "replicas: 2");
    // Letters into a comment: each is parsed, checked against the schema and shown; renderings start and are given up.
    let mut letters = Vec::new();
    for _ in 0..10 {
        letters.extend((0..10).map(|_| frame_after(&mut operator, "x")));
        letters.extend((0..10).map(|_| frame_after(&mut operator, "Backspace")));
    }
    let budget = Duration::from_millis(16);
    [("key press to frame in Values, p99", moves), ("letter typed into a values file to frame, p99", letters)]
        .into_iter()
        .map(|(what, mut times)| {
            times.sort();
            let line = against_budget(what, times[times.len() * 99 / 100], budget);
            Line {
                measured: format!("{} (median {})", line.measured, milliseconds(times[times.len() / 2])),
                ..line
            }
        })
        .collect()
}

/// A letter into a values file of 1 MB that one environment reads: the whole of it is parsed, merged and checked.
fn large() -> Line {
    let workspace = workspace("large");
    workspace.write_a_megabyte("values-dev.yaml");
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.value("commonLabels.label-21999", "dev");
    begin_comment(&mut operator, "label-21999: ");
    let mut times: Vec<Duration> = (0..40).map(|_| frame_after(&mut operator, "x")).collect();
    times.sort();
    against_budget(
        "letter typed into a values file of 1 MB to frame, median of 40",
        times[times.len() / 2],
        Duration::from_millis(16),
    )
}

fn idle() -> Vec<Line> {
    let workspace = workspace("idle");
    workspace.helm("dev", &install(&workspace).iter().map(String::as_str).collect::<Vec<_>>()).ok();
    let mut operator = Operator::open(&workspace, 120, 40);
    operator.environment("dev").room("Releases");
    operator.terminal.wait_quiet(Duration::from_secs(5), Duration::from_mins(1));
    let (ticks, begun) = (ticks(operator.terminal.pid()), Instant::now());
    operator.terminal.wait_quiet(Duration::from_secs(10), Duration::from_secs(11));
    let used = f64::from(self::ticks(operator.terminal.pid()) - ticks) / 100.0;
    let share = 100.0 * used / begun.elapsed().as_secs_f64();
    let memory = memory(operator.terminal.pid());
    vec![
        Line {
            what: "processor while idle with watches on",
            measured: format!("{share:.2} %"),
            against: "budget 0.5 %".to_owned(),
            ratio: format!("{:.2}", share / 0.5),
        },
        Line {
            what: "memory with one release watched",
            measured: format!("{memory:.0} MB"),
            against: "budget 150 MB (5,000 pods)".to_owned(),
            ratio: format!("{:.2}", memory / 150.0),
        },
    ]
}

fn install(workspace: &Workspace) -> Vec<String> {
    let chart = workspace.platform();
    let values = chart.join("values-dev.yaml");
    ["install", "floe-platform", &chart.to_string_lossy(), "-f", &values.to_string_lossy(), "--wait"]
        .map(str::to_owned)
        .to_vec()
}

fn listing() -> Line {
    let prefix = format!("bench{:x}", std::process::id());
    let namespaces: Vec<String> = (0..NAMESPACES).map(|i| format!("{prefix}-{i}")).collect();
    let planes = sandbox();
    planes.grant("nonprod", &namespaces);
    seed(&namespaces);

    let kubeconfig = planes.kubeconfig.clone();
    let helm = || {
        let mut command = Command::new(sandbox::helm(HelmMajor::Four));
        command.args([
            "list",
            "--all-namespaces",
            "--max",
            "0",
            "--output",
            "json",
            "--kube-context",
            "nonprod-admin",
        ]);
        command.arg("--kubeconfig").arg(&kubeconfig);
        let begun = Instant::now();
        let output = process::run(&mut command, Duration::from_mins(5)).ok();
        let took = begun.elapsed();
        let rows = output.json().as_array().map_or(0, Vec::len);
        assert!(rows >= RELEASES, "helm listed {rows} releases");
        took
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let ours = || {
        runtime.block_on(async {
            let begun = Instant::now();
            let config = Kubeconfig::read(Some(&kubeconfig)).expect("a kubeconfig");
            let connection = Connection::open(&config, "nonprod-admin").await.expect("a connection");
            let cancel = CancellationToken::new();
            let mut rows = watch(connection, Driver::Secret, Vec::new(), cancel.clone());
            let all = async {
                while rows.borrow_and_update().rows.len() < RELEASES {
                    rows.changed().await.expect("a living watch");
                }
            };
            tokio::time::timeout(Duration::from_mins(2), all).await.expect("all releases within two minutes");
            cancel.cancel();
            begun.elapsed()
        })
    };
    // One of each to warm the server's caches, then in turn.
    let (_, _) = (helm(), ours());
    let (mut theirs, mut mine) = (Vec::new(), Vec::new());
    for _ in 0..5 {
        theirs.push(helm());
        mine.push(ours());
    }
    theirs.sort();
    mine.sort();
    let (theirs, mine) = (theirs[2], mine[2]);
    for namespace in &namespaces {
        planes.kubectl("nonprod", &["delete", "namespace", namespace, "--wait=false"]);
    }
    Line {
        what: "all of 1,000 releases with records of 50 kB",
        measured: milliseconds(mine),
        against: format!("`helm list -A` {}", milliseconds(theirs)),
        ratio: format!("{:.0} times faster", theirs.as_secs_f64() / mine.as_secs_f64()),
    }
}

/// Makes a real record by helm, and from it a thousand that differ in name and namespace.
fn seed(namespaces: &[String]) {
    let workspace =
        Workspace::new("seed").with_helm(HelmMajor::Four).with_kubeconfig(sandbox().kubeconfig.clone());
    // Letters that do not compress to less than the size wanted: base64 costs a third, twice, and gzip takes one back.
    let mut noise = Vec::new();
    while noise.len() < RECORD * 3 / 4 - 3_000 {
        noise.extend(Sha256::digest(noise.len().to_le_bytes()));
    }
    let chart = support::root().join("tests/fixtures/charts/no-schema");
    let mut command = Command::new(sandbox::helm(HelmMajor::Four));
    command
        .args(["install", "model", "--kube-context", "nonprod-admin", "--namespace", &namespaces[0]])
        .arg(&chart)
        .env_clear()
        .envs(workspace.environment());
    process::run(&mut command, Duration::from_mins(1)).ok();
    let model = sandbox().get("nonprod", &["secret", "-n", &namespaces[0], "sh.helm.release.v1.model.v1"]);
    let data = model["data"]["release"].as_str().expect("a record");
    let inner = BASE64_STANDARD.decode(BASE64_STANDARD.decode(data).expect("base64")).expect("base64");
    let mut text = String::new();
    flate2::read::GzDecoder::new(inner.as_slice()).read_to_string(&mut text).expect("gzip");
    let mut record: Value = serde_json::from_str(&text).expect("a record in JSON");
    // Where the operator's own values stand.
    record["config"] = json!({"noise": BASE64_STANDARD.encode(noise)});

    let mut sizes = 0;
    for chunk in 0..(RELEASES / 100) {
        let items: Vec<Value> = (0..100)
            .map(|i| {
                let number = chunk * 100 + i;
                let (name, namespace) =
                    (format!("release-{number:04}"), &namespaces[number % namespaces.len()]);
                record["name"] = json!(name);
                record["namespace"] = json!(namespace);
                let mut zip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
                zip.write_all(record.to_string().as_bytes()).expect("gzip");
                let payload = BASE64_STANDARD.encode(zip.finish().expect("gzip"));
                sizes += payload.len();
                json!({
                    "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
                    "metadata": {
                        "name": format!("sh.helm.release.v1.{name}.v1"), "namespace": namespace,
                        "labels": {"owner": "helm", "name": name, "status": "deployed", "version": "1",
                                   "modifiedAt": "1760000000"},
                    },
                    "data": {"release": BASE64_STANDARD.encode(payload)},
                })
            })
            .collect();
        let file = workspace.folder().join("chunk.json");
        std::fs::write(&file, json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string())
            .expect("a file");
        sandbox().kubectl("nonprod", &["create", "-f", file.to_str().expect("utf-8")]).ok();
    }
    let size = sizes / RELEASES;
    assert!((RECORD * 9 / 10..RECORD * 11 / 10).contains(&size), "records of {size} bytes, wanted {RECORD}");
}

fn against_budget(what: &'static str, measured: Duration, budget: Duration) -> Line {
    Line {
        what,
        measured: milliseconds(measured),
        against: format!("budget {}", milliseconds(budget)),
        ratio: format!("{:.2}", measured.as_secs_f64() / budget.as_secs_f64()),
    }
}

fn milliseconds(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1000.0;
    if milliseconds < 10.0 { format!("{milliseconds:.1} ms") } else { format!("{milliseconds:.0} ms") }
}

/// Processor time of a process in hundredths of a second.
fn ticks(pid: u32) -> u32 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("a living process");
    let fields: Vec<&str> = stat.rsplit(')').next().expect("fields").split_whitespace().collect();
    fields[11].parse::<u32>().expect("utime") + fields[12].parse::<u32>().expect("stime")
}

/// Resident memory of a process in megabytes.
fn memory(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("a living process");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("resident memory");
    line.split_whitespace().nth(1).expect("a number").parse::<f64>().expect("a number") / 1024.0
}

fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("?", |(_, m)| m);
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes: f64 = memory
        .lines()
        .next()
        .and_then(|line| line.split_whitespace().nth(1))
        .and_then(|number| number.parse().ok())
        .unwrap_or(0.0);
    let build = if cfg!(debug_assertions) { "DEBUG build, not for comparing" } else { "release build" };
    format!("{cores} cores of {model}, {:.0} GB, Linux, {build}", kilobytes / 1024.0 / 1024.0)
}

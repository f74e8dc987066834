//! The pair of real control planes, started once a test run by the first test that asks.
//!
//! `sandbox run` is the planes' supervisor: it ends them when its standard input closes. We hold the other end for as
//! long as this process lives, so they end however it ends. Tests of several binaries or copies have planes of their own.
//!
//! For work on tests: `FLOE_TEST_SANDBOX_KUBECONFIG` and `FLOE_TEST_BIN` use planes that run already
//! (`tests/sandbox/sandbox up` and `tests/sandbox/sandbox build` print both).

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, OnceLock, mpsc};
use std::time::Duration;

use super::process::{self, Output};
use super::root;

/// Which helm: the tests of operations run with both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HelmMajor {
    Three,
    Four,
}

impl HelmMajor {
    /// `3` or `4`.
    pub fn number(self) -> u8 {
        match self {
            Self::Three => 3,
            Self::Four => 4,
        }
    }
}

/// The names of the two planes; also the stems of the contexts `<plane>-admin`, `<plane>-deployer`, `<plane>-viewer`.
pub const PLANES: [&str; 2] = ["nonprod", "prod"];

/// How the folders of planes begin that a run of tests makes.
const PLANES_FOLDER: &str = "floe-planes-";

/// Running planes and the programs to work with them.
pub struct Sandbox {
    /// Holds the contexts of both planes.
    pub kubeconfig: PathBuf,
    /// The planes' folder of state.
    folder: PathBuf,
    _supervisor: Option<(Child, Mutex<ChildStdin>)>,
}

/// The programs built from Go modules: `helm3/helm`, `helm4/helm`, `kubectl` and the chart tools.
pub fn bin() -> &'static Path {
    static BIN: OnceLock<PathBuf> = OnceLock::new();
    BIN.get_or_init(|| {
        if let Some(bin) = std::env::var_os("FLOE_TEST_BIN") {
            return PathBuf::from(bin);
        }
        // Warm this takes no time; cold it builds for ten minutes and says so on standard error.
        let output = Command::new(script())
            .args(["build", "core"])
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .unwrap_or_else(|error| panic!("{}: {error}", script().display()));
        assert!(output.status.success(), "tests/sandbox/sandbox build failed; see above");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let bin = PathBuf::from(text.lines().last().unwrap_or_default().trim());
        assert!(bin.join("kubectl").is_file(), "no kubectl in `{}`, which the build printed", bin.display());
        bin
    })
}

/// The helm program of a major version.
pub fn helm(major: HelmMajor) -> PathBuf {
    bin().join(format!("helm{}/helm", major.number()))
}

/// Helms besides [`helm`] that the full proof compares with, and their versions. Built on first use, a minute each.
pub fn older_helms() -> Vec<(semver::Version, PathBuf)> {
    let output = Command::new(root().join("tests/sandbox/older-helms.sh"))
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .unwrap_or_else(|error| panic!("older-helms.sh: {error}"));
    assert!(output.status.success(), "older-helms.sh failed; see above");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let helms = text.lines().map(|line| {
        let (version, program) = line.split_once(' ').expect("a version and a program");
        (version.trim_start_matches('v').parse().expect("a version"), PathBuf::from(program))
    });
    helms.collect()
}

fn script() -> PathBuf {
    root().join("tests/sandbox/sandbox")
}

/// The planes; the first call starts them.
pub fn sandbox() -> &'static Sandbox {
    static SANDBOX: OnceLock<Sandbox> = OnceLock::new();
    SANDBOX.get_or_init(start)
}

fn start() -> Sandbox {
    if let Some(kubeconfig) = std::env::var_os("FLOE_TEST_SANDBOX_KUBECONFIG") {
        // `sandbox up` writes the kubeconfig into the folder of its planes.
        let kubeconfig = PathBuf::from(kubeconfig);
        let folder = kubeconfig.parent().expect("a folder").to_owned();
        return Sandbox { kubeconfig, folder, _supervisor: None };
    }
    bin();
    sweep();
    // `--fresh` removes the folder with the planes: nothing of ours runs after the last test.
    let folder = tempfile::Builder::new().prefix(PLANES_FOLDER).tempdir().expect("a temporary folder").keep();
    let mut supervisor = Command::new(script())
        .args(["run", "--fresh"])
        .env("FLOE_SANDBOX_DIR", &folder)
        // Every test makes its own.
        .env("FLOE_SANDBOX_NAMESPACES_NONPROD", "")
        .env("FLOE_SANDBOX_NAMESPACES_PROD", "")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        // Ctrl-C at `cargo test` reaches us alone; the closed pipe then ends the planes in good order.
        .process_group(0)
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", script().display()));
    let stdin = supervisor.stdin.take().expect("piped");
    let stdout = supervisor.stdout.take().expect("piped");
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if let Some(kubeconfig) = line.strip_prefix("ready ") {
                let _ = sender.send(PathBuf::from(kubeconfig.trim()));
            }
        }
    });
    let kubeconfig = receiver
        .recv_timeout(Duration::from_mins(3))
        .unwrap_or_else(|error| panic!("the sandbox did not say `ready` ({error}); its messages are above"));
    Sandbox { kubeconfig, folder, _supervisor: Some((supervisor, Mutex::new(stdin))) }
}

/// Removes the folders of planes whose supervisor was killed before it could.
fn sweep() {
    let Ok(entries) = std::fs::read_dir(std::env::temp_dir()) else { return };
    for folder in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let ours = folder.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PLANES_FOLDER));
        let Some(owner) = ours.then(|| std::fs::read_to_string(folder.join(".run")).ok()).flatten() else {
            continue;
        };
        let pid = owner.split_whitespace().next().unwrap_or_default().to_owned();
        if !pid.is_empty() && !Path::new("/proc").join(pid).exists() {
            process::run(
                Command::new(script()).arg("reset").env("FLOE_SANDBOX_DIR", &folder),
                Duration::from_mins(1),
            );
        }
    }
}

impl Sandbox {
    /// Creates namespaces on a plane and lets the deployers work in them.
    #[track_caller]
    pub fn grant(&self, plane: &str, namespaces: &[String]) {
        let mut command = Command::new(script());
        command.arg("grant").arg(plane).args(namespaces).env("FLOE_SANDBOX_DIR", &self.folder);
        process::run(&mut command, Duration::from_mins(1)).ok();
    }

    /// kubectl as admin of a plane.
    #[track_caller]
    pub fn kubectl(&self, plane: &str, args: &[&str]) -> Output {
        let mut command = Command::new(bin().join("kubectl"));
        command
            .arg("--kubeconfig")
            .arg(&self.kubeconfig)
            .args(["--context", &format!("{plane}-admin")])
            .args(args);
        process::run(&mut command, Duration::from_mins(1))
    }

    /// What kubectl says about objects, as JSON: `get(plane, &["deployments", "-n", namespace])`.
    #[track_caller]
    pub fn get(&self, plane: &str, args: &[&str]) -> serde_json::Value {
        let mut all = vec!["get", "-o", "json"];
        all.extend(args);
        self.kubectl(plane, &all).ok().json()
    }
}

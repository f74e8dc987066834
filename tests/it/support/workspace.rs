//! A workspace of a test's own: copied charts, folders for state, and where asked for namespaces on the planes.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tempfile::TempDir;

use super::process::{self, Output};
use super::pty::Start;
use super::sandbox::{self, HelmMajor, sandbox};
use super::{program, root};

/// The environments of `charts/floe-platform` and the plane that each lives on.
pub const ENVIRONMENTS: [(&str, &str); 5] =
    [("dev", "nonprod"), ("qa", "nonprod"), ("uat", "nonprod"), ("staging", "nonprod"), ("prod", "prod")];

/// A folder of charts, opened by nobody else, with its own configuration, state, cache and namespaces.
pub struct Workspace {
    folder: TempDir,
    charts: PathBuf,
    prefix: String,
    namespaces: Vec<(&'static str, String)>,
    kubeconfig: Option<PathBuf>,
    helm: Option<PathBuf>,
}

impl Workspace {
    /// The project's charts, copied, with their dependencies built; without clusters: no kubeconfig exists.
    #[track_caller]
    pub fn new(name: &str) -> Self {
        let workspace = Self::empty(name);
        for (name, bytes) in charts() {
            let file = workspace.charts().join(name);
            std::fs::create_dir_all(file.parent().expect("a parent")).expect("a folder");
            std::fs::write(&file, bytes).expect("a writable copy");
        }
        let values = workspace.platform().join("values.yaml");
        let text = std::fs::read_to_string(&values).expect("the platform's values.yaml");
        let mut found = 0;
        let lines: Vec<String> = text
            .split('\n')
            .map(|line| match line.split_once("namespaceTemplate:") {
                Some((before, _)) if before.trim().is_empty() => {
                    found += 1;
                    format!("{before}namespaceTemplate: \"{}-{{{{.environment}}}}\"", workspace.prefix)
                }
                _ => line.to_owned(),
            })
            .collect();
        assert!(
            found >= 2,
            "{found} namespace templates in the platform's values.yaml, expected one a cluster"
        );
        std::fs::write(&values, lines.join("\n")).expect("a writable copy");
        workspace
    }

    /// A workspace without charts.
    #[track_caller]
    pub fn empty(name: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        // Two copies of the tests may share planes: the process number keeps their namespaces apart.
        let prefix = format!("t{:x}-{number}-{name}", std::process::id());
        assert!(prefix.len() < 50, "{prefix}: too long for a namespace");
        let folder = tempfile::Builder::new().prefix("floe-it-").tempdir().expect("a temporary folder");
        for part in ["charts", "config", "state", "cache", "runtime", "home", "tmp"] {
            std::fs::create_dir(folder.path().join(part)).expect("a folder");
        }
        let charts = folder.path().join("charts");
        let workspace = Self { folder, charts, prefix, namespaces: Vec::new(), kubeconfig: None, helm: None };
        workspace.configure("");
        workspace
    }

    /// The project's charts on the sandbox: namespaces of these environments exist and deployers may work in them.
    #[track_caller]
    pub fn on_planes(name: &str, helm: HelmMajor, environments: &[&str]) -> Self {
        let mut workspace = Self::new(name).with_helm(helm);
        workspace.kubeconfig = Some(sandbox().kubeconfig.clone());
        workspace.namespaces = ENVIRONMENTS
            .iter()
            .filter(|(environment, _)| environments.contains(environment))
            .map(|(environment, plane)| (*plane, workspace.namespace(environment)))
            .collect();
        assert_eq!(
            workspace.namespaces.len(),
            environments.len(),
            "an unknown environment in {environments:?}"
        );
        for plane in sandbox::PLANES {
            let names: Vec<String> = workspace
                .namespaces
                .iter()
                .filter(|(on, _)| *on == plane)
                .map(|(_, name)| name.clone())
                .collect();
            if !names.is_empty() {
                sandbox().grant(plane, &names);
            }
        }
        workspace
    }

    /// The charts on the sandbox as a newcomer has them: namespaces `floe-dev` and so on, release names, the whole of
    /// the clusters. For pictures; no two can exist at once on the same planes.
    #[track_caller]
    pub fn as_shipped(helm: HelmMajor) -> Self {
        let mut workspace = Self::new("shipped").with_helm(helm);
        for (name, bytes) in charts() {
            std::fs::write(workspace.charts().join(name), bytes).expect("a writable copy");
        }
        "floe".clone_into(&mut workspace.prefix);
        // All below the home folder, as at a newcomer's: commands then show no path of this machine.
        let at_home = |name: &str| workspace.folder.path().join("home").join(name);
        for folder in ["bin", ".kube", "platform"] {
            std::fs::create_dir_all(at_home(folder)).expect("a folder");
        }
        std::os::unix::fs::symlink(sandbox::helm(helm), at_home("bin/helm")).expect("a link");
        std::fs::copy(&sandbox().kubeconfig, at_home(".kube/config")).expect("a copy");
        std::fs::rename(workspace.charts(), at_home("platform/charts")).expect("a new place");
        workspace.helm = Some(at_home("bin/helm"));
        workspace.kubeconfig = Some(at_home(".kube/config"));
        workspace.charts = at_home("platform/charts");
        workspace.namespaces = ENVIRONMENTS
            .iter()
            .map(|(environment, plane)| (*plane, workspace.namespace(environment)))
            .collect();
        for (plane, namespace) in &workspace.namespaces {
            sandbox().grant(plane, std::slice::from_ref(namespace));
        }
        workspace
    }

    /// The same with this helm.
    pub fn with_helm(self, major: HelmMajor) -> Self {
        self.with_helm_at(sandbox::helm(major))
    }

    /// With a shell script in helm's place.
    #[track_caller]
    pub fn with_helm_script(self, script: &str) -> Self {
        let folder = self.folder().join("fake");
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("helm");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("a script");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("an executable");
        self.with_helm_at(path)
    }

    /// The same with any program in helm's place.
    pub fn with_helm_at(mut self, helm: PathBuf) -> Self {
        self.helm = Some(helm);
        self
    }

    /// The same with this kubeconfig.
    pub fn with_kubeconfig(mut self, kubeconfig: PathBuf) -> Self {
        self.kubeconfig = Some(kubeconfig);
        self
    }

    /// What the operator's configuration file says beside the map of clusters.
    pub fn configure(&self, more: &str) {
        let clusters =
            "[clusters]\naks-shared-nonprod = \"nonprod-deployer\"\naks-shared-prod = \"prod-deployer\"\n";
        std::fs::write(self.config().join("config.toml"), format!("{more}\n{clusters}"))
            .expect("a configuration");
    }

    /// The workspace's folder of charts: what the program is opened on.
    pub fn charts(&self) -> PathBuf {
        self.charts.clone()
    }

    /// The chart that the story is about.
    pub fn platform(&self) -> PathBuf {
        self.charts().join("floe-platform")
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("config")
    }

    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    pub fn runtime(&self) -> PathBuf {
        self.folder.path().join("runtime")
    }

    /// For what a test needs besides.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The namespace of an environment.
    pub fn namespace(&self, environment: &str) -> String {
        format!("{}-{environment}", self.prefix)
    }

    /// A file of the platform chart.
    #[track_caller]
    pub fn read(&self, file: &str) -> String {
        let path = self.platform().join(file);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Replaces a file of the platform chart.
    #[track_caller]
    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.platform().join(file), text).expect("a writable chart");
    }

    /// Appends a megabyte of `commonLabels`, `label-00000` to `label-21999`, to a values file; gives its text.
    #[track_caller]
    pub fn write_a_megabyte(&self, file: &str) -> String {
        let mut text = self.read(file);
        text.push_str("commonLabels:\n");
        for i in 0..22_000 {
            let _ = writeln!(text, "  label-{i:05}: \"value-of-about-forty-bytes-{i}\"");
        }
        assert!(text.len() > 1_000_000, "{}", text.len());
        self.write(file, &text);
        text
    }

    /// Files of the chart that differ from the project's own, with the lines that are new; the namespace templates,
    /// which every copy has changed, are left out.
    pub fn changed_lines(&self) -> Vec<(String, Vec<String>)> {
        let mut all = Vec::new();
        super::walk(&self.platform(), &mut |file| {
            let name = file.strip_prefix(self.platform()).expect("below the chart").to_owned();
            let Ok(now) = std::fs::read_to_string(file) else { return };
            let before = charts().get(&Path::new("floe-platform").join(&name)).cloned().unwrap_or_default();
            let before = String::from_utf8_lossy(&before).into_owned();
            let diff = similar::TextDiff::from_lines(before.as_str(), now.as_str());
            let lines: Vec<String> = diff
                .iter_all_changes()
                .filter(|change| change.tag() == similar::ChangeTag::Insert)
                .map(|change| change.value().trim_end().to_owned())
                .filter(|line| !line.contains("namespaceTemplate:"))
                .collect();
            if before.lines().count() != now.lines().count() || !lines.is_empty() {
                all.push((name.to_string_lossy().into_owned(), lines));
            }
        });
        all.sort();
        all
    }

    /// The environment that the program sees: nothing of the developer's own.
    pub fn environment(&self) -> Vec<(String, OsString)> {
        let folder = |name: &str| self.folder.path().join(name).into_os_string();
        let kubeconfig = match &self.kubeconfig {
            Some(path) => path.clone().into_os_string(),
            None => folder("home/no-kubeconfig"),
        };
        let mut all = vec![
            ("FLOE_TUI_CONFIG_DIR", folder("config")),
            ("FLOE_TUI_STATE_DIR", folder("state")),
            ("FLOE_TUI_CACHE_DIR", folder("cache")),
            ("FLOE_TUI_RUNTIME_DIR", folder("runtime")),
            ("HOME", folder("home")),
            ("TMPDIR", folder("tmp")),
            ("HELM_CACHE_HOME", folder("cache")),
            ("HELM_CONFIG_HOME", folder("config")),
            ("HELM_DATA_HOME", folder("cache")),
            ("KUBECONFIG", kubeconfig),
            // No helm, kubectl or editor of the machine: only what a test gives.
            ("PATH", "/usr/bin:/bin".into()),
            ("TZ", "UTC".into()),
            ("LANG", "C.UTF-8".into()),
        ];
        if let Some(folder) = self.helm.as_ref().and_then(|helm| helm.parent()) {
            let mut path = folder.as_os_str().to_owned();
            path.push(":/usr/bin:/bin");
            all.retain(|(name, _)| *name != "PATH");
            all.push(("PATH", path));
        }
        all.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
    }

    /// The program on this workspace in a terminal; `--helm` is given when the workspace has one.
    pub fn terminal(&self) -> Start {
        let mut start =
            Start::program().envs(self.environment()).folder(self.folder.path()).args([self.charts()]);
        if let Some(helm) = &self.helm {
            start = start.args(["--helm".into(), helm.clone()]);
        }
        start
    }

    /// The program headless: `floe(&["validate"])`, with helm and the workspace's environment.
    #[track_caller]
    pub fn floe(&self, args: &[&str]) -> Output {
        process::run(&mut self.floe_command(args), Duration::from_mins(5))
    }

    /// `floe-tui generate` for a chart, with what stands after that.
    #[track_caller]
    pub fn generate(&self, artifacts: &Path, chart: &Path, more: &[&str]) -> Output {
        let (artifacts, chart) = (artifacts.to_str().expect("UTF-8"), chart.to_str().expect("UTF-8"));
        let mut args = vec!["generate", "--artifacts", artifacts, "--chart", chart];
        args.extend(more);
        self.floe(&args)
    }

    /// The command of [`Workspace::floe`], for tests that start it themselves.
    pub fn floe_command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program());
        command.args(args).current_dir(self.folder.path()).env_clear().envs(self.environment());
        if let Some(helm) = &self.helm {
            command.arg("--helm").arg(helm);
        }
        command
    }

    /// helm as the deployer of an environment's plane, in its namespace.
    #[track_caller]
    pub fn helm(&self, environment: &str, args: &[&str]) -> Output {
        process::run(&mut self.helm_command(environment, args), Duration::from_mins(5))
    }

    /// The command of [`Workspace::helm`], for tests that start it themselves.
    pub fn helm_command(&self, environment: &str, args: &[&str]) -> Command {
        let plane = ENVIRONMENTS.iter().find(|(name, _)| *name == environment).expect("an environment").1;
        let mut command = Command::new(self.helm.as_ref().expect("a workspace with helm"));
        command
            .args(args)
            .args([
                "--kube-context",
                &format!("{plane}-deployer"),
                "--namespace",
                &self.namespace(environment),
            ])
            .env_clear()
            .envs(self.environment());
        command
    }

    /// Objects in an environment's namespace as JSON.
    #[track_caller]
    pub fn get(&self, environment: &str, args: &[&str]) -> serde_json::Value {
        let plane = ENVIRONMENTS.iter().find(|(name, _)| *name == environment).expect("an environment").1;
        let namespace = self.namespace(environment);
        let mut all = vec!["--namespace", &namespace];
        all.extend(args);
        sandbox().get(plane, &all)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        // Not waited for: the namespaces are nobody else's, and the planes go at the end anyway.
        for (plane, namespace) in &self.namespaces {
            let _ = sandbox()
                .kubectl(plane, &["delete", "namespace", namespace, "--wait=false", "--ignore-not-found"]);
        }
    }
}

/// The project's charts with their dependencies built, once a run: files below `charts/` and what they hold. In
/// memory, because nothing of ours runs after the last test to remove a folder.
fn charts() -> &'static BTreeMap<PathBuf, Vec<u8>> {
    static CHARTS: OnceLock<BTreeMap<PathBuf, Vec<u8>>> = OnceLock::new();
    CHARTS.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("floe-charts-").tempdir().expect("a temporary folder");
        copy(&root().join("charts"), folder.path());
        let _ = std::fs::remove_dir_all(folder.path().join("floe-platform/charts"));
        let mut command = Command::new(sandbox::helm(HelmMajor::Three));
        command.args(["dependency", "build", "--skip-refresh"]).arg(folder.path().join("floe-platform"));
        process::run(&mut command, Duration::from_mins(2)).ok();
        let mut all = BTreeMap::new();
        super::walk(folder.path(), &mut |file| {
            let name = file.strip_prefix(folder.path()).expect("below").to_owned();
            all.insert(name, std::fs::read(file).expect("a readable chart"));
        });
        all
    })
}

/// Copies a folder with everything in it.
pub fn copy(from: &Path, to: &Path) {
    super::walk(from, &mut |file| {
        let target = to.join(file.strip_prefix(from).expect("below"));
        std::fs::create_dir_all(target.parent().expect("a parent")).expect("a folder");
        std::fs::copy(file, &target).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    });
}

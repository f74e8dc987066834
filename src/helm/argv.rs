//! The exact arguments of every helm command that is run, for both generations. Nothing else builds arguments, so
//! that what a plan shows is what runs.
//!
//! The context and the namespace are always named: the ambient ones are never used. All values files are given in
//! order, and an upgrade says `--reset-values`, so that what was given to an earlier revision does not linger.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::program::Major;
use crate::base::folders;
use crate::values::SetForm;

/// Variables that would make helm act on something else than its arguments say (`HELM_KUBEAPISERVER` beats
/// `--kube-context`). They are removed from the environment of every helm.
pub const SCRUBBED: [&str; 2] = ["HELM_KUBE", "HELM_NAMESPACE"];

/// Whether a variable is kept from helm.
pub fn is_scrubbed(name: &str) -> bool {
    SCRUBBED.iter().any(|prefix| name.starts_with(prefix))
}

/// Where a command acts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// `--kubeconfig`, if the operator gave one.
    pub kubeconfig: Option<PathBuf>,
    /// `--kube-context`.
    pub context: String,
    /// `--namespace`.
    pub namespace: String,
}

impl Destination {
    fn push(&self, argv: &mut Vec<String>) {
        if let Some(kubeconfig) = &self.kubeconfig {
            argv.extend(["--kubeconfig".to_owned(), text(kubeconfig)]);
        }
        argv.extend(["--kube-context".to_owned(), self.context.clone()]);
        argv.extend(["--namespace".to_owned(), self.namespace.clone()]);
    }
}

/// How long and for what a command waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Until the objects are ready, not only until they are sent.
    pub wait: bool,
    /// `--timeout`.
    pub timeout: Duration,
    /// Undo by itself what failed: `--atomic` of helm 3, `--rollback-on-failure` of helm 4.
    pub rollback_on_failure: bool,
}

impl Waiting {
    fn push(self, major: Major, argv: &mut Vec<String>) {
        if self.wait {
            argv.push(wait_flag(major).to_owned());
        }
        if self.rollback_on_failure {
            argv.push(
                match major {
                    Major::Three => "--atomic",
                    Major::Four => "--rollback-on-failure",
                }
                .to_owned(),
            );
        }
        self.push_timeout(argv);
    }

    fn push_timeout(self, argv: &mut Vec<String>) {
        argv.extend(["--timeout".to_owned(), go_duration(self.timeout)]);
    }
}

/// `helm install RELEASE CHART`. The namespace is created by helm only when `create_namespace` is set.
pub fn install(
    major: Major,
    to: &Destination,
    release: &str,
    chart: &Path,
    values: &[PathBuf],
    waiting: Waiting,
    create_namespace: bool,
) -> Vec<String> {
    let mut argv = start(&["install", release], chart);
    to.push(&mut argv);
    push_values(values, &mut argv);
    if create_namespace {
        argv.push("--create-namespace".to_owned());
    }
    waiting.push(major, &mut argv);
    argv
}

/// `helm upgrade RELEASE CHART --reset-values`.
pub fn upgrade(
    major: Major,
    to: &Destination,
    release: &str,
    chart: &Path,
    values: &[PathBuf],
    waiting: Waiting,
) -> Vec<String> {
    let mut argv = start(&["upgrade", release], chart);
    to.push(&mut argv);
    push_values(values, &mut argv);
    argv.push("--reset-values".to_owned());
    waiting.push(major, &mut argv);
    argv
}

/// `helm rollback RELEASE REVISION`.
pub fn rollback(
    major: Major,
    to: &Destination,
    release: &str,
    revision: u32,
    waiting: Waiting,
) -> Vec<String> {
    let mut argv = vec!["rollback".to_owned(), release.to_owned(), revision.to_string()];
    to.push(&mut argv);
    // Neither generation can undo a rollback by itself.
    Waiting { rollback_on_failure: false, ..waiting }.push(major, &mut argv);
    argv
}

/// `helm test RELEASE`.
pub fn test(to: &Destination, release: &str, waiting: Waiting) -> Vec<String> {
    let mut argv = vec!["test".to_owned(), release.to_owned()];
    to.push(&mut argv);
    waiting.push_timeout(&mut argv);
    argv
}

/// `helm uninstall RELEASE`.
pub fn uninstall(
    major: Major,
    to: &Destination,
    release: &str,
    waiting: Waiting,
    keep_history: bool,
) -> Vec<String> {
    let mut argv = vec!["uninstall".to_owned(), release.to_owned()];
    to.push(&mut argv);
    if keep_history {
        argv.push("--keep-history".to_owned());
    }
    Waiting { rollback_on_failure: false, ..waiting }.push(major, &mut argv);
    argv
}

/// What `helm template` is asked for.
#[derive(Debug, Clone, Default)]
pub struct Template<'a> {
    pub release: &'a str,
    pub namespace: &'a str,
    /// As given to `-f`, in order; `-` is the standard input.
    pub values: Vec<PathBuf>,
    pub set: &'a [String],
    /// The other forms of `--set`.
    pub given: &'a [(SetForm, String)],
    pub is_upgrade: bool,
    pub include_crds: bool,
    pub skip_tests: bool,
    pub show_only: &'a [PathBuf],
    pub kube_version: Option<&'a str>,
    pub api_versions: &'a [String],
    /// The cluster to ask: kubeconfig and context.
    pub server: Option<(Option<&'a Path>, &'a str)>,
}

/// `helm template RELEASE CHART`.
pub fn template(chart: &Path, what: &Template<'_>) -> Vec<String> {
    let mut argv = start(&["template", what.release], chart);
    argv.extend(["--namespace".to_owned(), what.namespace.to_owned()]);
    push_values(&what.values, &mut argv);
    for set in what.set {
        argv.extend(["--set".to_owned(), set.clone()]);
    }
    for (form, argument) in what.given {
        argv.extend([form.flag().to_owned(), argument.clone()]);
    }
    for (flag, on) in [
        ("--is-upgrade", what.is_upgrade),
        ("--include-crds", what.include_crds),
        ("--skip-tests", what.skip_tests),
    ] {
        if on {
            argv.push(flag.to_owned());
        }
    }
    for path in what.show_only {
        argv.extend(["--show-only".to_owned(), text(path)]);
    }
    if let Some(version) = what.kube_version {
        argv.extend(["--kube-version".to_owned(), version.to_owned()]);
    }
    for version in what.api_versions {
        argv.extend(["--api-versions".to_owned(), version.clone()]);
    }
    if let Some((kubeconfig, context)) = what.server {
        if let Some(kubeconfig) = kubeconfig {
            argv.extend(["--kubeconfig".to_owned(), text(kubeconfig)]);
        }
        argv.extend(["--kube-context".to_owned(), context.to_owned(), "--dry-run=server".to_owned()]);
    }
    argv
}

/// `helm dependency build CHART`.
pub fn dependency_build(chart: &Path) -> Vec<String> {
    start(&["dependency", "build"], chart)
}

/// `helm lint CHART`.
pub fn lint(chart: &Path, values: &[PathBuf], strict: bool) -> Vec<String> {
    let mut argv = start(&["lint"], chart);
    push_values(values, &mut argv);
    if strict {
        argv.push("--strict".to_owned());
    }
    argv
}

/// A command line as it could be typed into a shell; paths below the operator's home folder begin with `~`.
pub fn shell(program: &Path, argv: &[String]) -> String {
    shell_at(folders::home(), program, argv)
}

fn shell_at(home: Option<&Path>, program: &Path, argv: &[String]) -> String {
    let word = |word: &String| match home.and_then(|home| Path::new(word).strip_prefix(home).ok()) {
        // A shell expands the tilde only outside of quotes, and only before a slash.
        Some(below) if !below.as_os_str().is_empty() => format!("~/{}", quote(&text(below))),
        _ => quote(word),
    };
    std::iter::once(&text(program)).chain(argv).map(word).collect::<Vec<_>>().join(" ")
}

/// A duration as Go reads it: `10m0s`, `45s`.
pub fn go_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s}s"),
        (0, m, s) => format!("{m}m{s}s"),
        (h, m, s) => format!("{h}h{m}m{s}s"),
    }
}

/// The flag that makes a generation wait for the objects.
pub fn wait_flag(major: Major) -> &'static str {
    match major {
        Major::Three => "--wait",
        // Bare `--wait` means the same today, but its default has changed before.
        Major::Four => "--wait=watcher",
    }
}

fn start(words: &[&str], chart: &Path) -> Vec<String> {
    let mut argv: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    argv.push(text(chart));
    argv
}

fn push_values(values: &[PathBuf], argv: &mut Vec<String>) {
    for file in values {
        argv.extend(["-f".to_owned(), list_item(&text(file))]);
    }
}

/// helm reads `-f` as a line of comma-separated values: a path with a comma has to be quoted as such.
fn list_item(word: &str) -> String {
    if word.contains([',', '"']) { format!("\"{}\"", word.replace('"', "\"\"")) } else { word.to_owned() }
}

/// Plans refuse paths that are not UTF-8 before they get here.
fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to() -> Destination {
        Destination {
            kubeconfig: Some("/k/config".into()),
            context: "nonprod".into(),
            namespace: "floe-dev".into(),
        }
    }

    fn waiting() -> Waiting {
        Waiting { wait: true, timeout: Duration::from_mins(10), rollback_on_failure: true }
    }

    #[test]
    fn both_generations() {
        let values = [PathBuf::from("/c/values-dev.yaml"), PathBuf::from("/c/a,b.yaml")];
        let three = install(Major::Three, &to(), "floe", Path::new("/c"), &values, waiting(), true).join(" ");
        assert_eq!(
            three,
            "install floe /c --kubeconfig /k/config --kube-context nonprod --namespace floe-dev \
             -f /c/values-dev.yaml -f \"/c/a,b.yaml\" --create-namespace --wait --atomic --timeout 10m0s"
        );
        let four = upgrade(Major::Four, &to(), "floe", Path::new("/c"), &values[..1], waiting()).join(" ");
        assert_eq!(
            four,
            "upgrade floe /c --kubeconfig /k/config --kube-context nonprod --namespace floe-dev \
             -f /c/values-dev.yaml --reset-values --wait=watcher --rollback-on-failure --timeout 10m0s"
        );
        let back = rollback(Major::Four, &to(), "floe", 3, waiting()).join(" ");
        assert!(back.starts_with("rollback floe 3 ") && back.ends_with("--wait=watcher --timeout 10m0s"));
        let gone = uninstall(Major::Three, &to(), "floe", waiting(), true).join(" ");
        assert!(gone.ends_with("--keep-history --wait --timeout 10m0s"), "{gone}");
        let quick = Waiting { wait: false, timeout: Duration::from_secs(45), rollback_on_failure: false };
        assert!(
            upgrade(Major::Three, &to(), "f", Path::new("/c"), &[], quick)
                .join(" ")
                .ends_with("floe-dev --reset-values --timeout 45s")
        );
        assert!(test(&to(), "floe", waiting()).join(" ").ends_with("--timeout 10m0s"));
    }

    #[test]
    fn the_cluster_is_named_only_when_it_is_asked() {
        let mut what = Template { release: "r", namespace: "n", ..Template::default() };
        assert_eq!(template(Path::new("/c"), &what).join(" "), "template r /c --namespace n");
        what.is_upgrade = true;
        what.server = Some((None, "prod"));
        assert_eq!(
            template(Path::new("/c"), &what).join(" "),
            "template r /c --namespace n --is-upgrade --kube-context prod --dry-run=server"
        );
    }

    #[test]
    fn words_survive_a_shell() {
        let argv = ["a b".to_owned(), "it's".to_owned(), String::new(), "-f".to_owned()];
        assert_eq!(shell(Path::new("/usr/bin/helm"), &argv), r"/usr/bin/helm 'a b' 'it'\''s' '' -f");
        let argv = ["/home/me", "/home/me/my charts/a", "/home/menu/b"].map(str::to_owned);
        assert_eq!(
            shell_at(Some(Path::new("/home/me")), Path::new("/home/me/bin/helm"), &argv),
            "~/bin/helm /home/me ~/'my charts/a' /home/menu/b"
        );
        assert_eq!(go_duration(Duration::from_secs(3725)), "1h2m5s");
    }

    #[test]
    fn what_is_scrubbed() {
        assert!(is_scrubbed("HELM_KUBEAPISERVER") && is_scrubbed("HELM_NAMESPACE"));
        assert!(!is_scrubbed("HELM_DRIVER") && !is_scrubbed("KUBECONFIG"));
    }
}

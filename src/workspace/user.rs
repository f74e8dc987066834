//! The operator's own `config.toml`: contexts for shared cluster names, theme, keys, mouse. A bad value is announced
//! with its line and the default is used; nothing in it can stop the program.
//!
//! ```toml
//! theme = "dark"            # the name of a theme, or a path to one
//! mouse = true
//! confirm = "protected"     # or "always": type release@environment for every target
//! timeout = "10m"           # how long an operation waits unless its plan says otherwise
//! log = "info"              # error, warn, info, debug or trace
//!
//! [clusters]                # shared name of a mapping = context of the kubeconfig
//! aks-shared-nonprod = "my-context"
//!
//! [keys]                    # command = key, or several
//! quit = ["q", "Ctrl-Q"]
//! ```

mod edit;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::located::Located;
use crate::base::Problem;
use crate::yaml::KeyPath;

pub use edit::{with_cluster, with_theme};

/// The file's name in the configuration folder.
pub const FILE: &str = "config.toml";

/// When the target's name has to be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Confirm {
    /// For protected targets.
    #[default]
    Protected,
    /// For every target.
    Always,
}

/// How much the log says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum LogLevel {
    /// Failures.
    Error,
    /// And what may become one.
    Warn,
    /// And what is done.
    #[default]
    Info,
    /// And how.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// As it is written, and as `tracing` reads it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }

    const ALL: [Self; 5] = [Self::Error, Self::Warn, Self::Info, Self::Debug, Self::Trace];
}

/// What the operator configured, with defaults for the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The file, whether or not it exists.
    pub file: Option<PathBuf>,
    /// Shared cluster names to contexts; what was asked once and remembered is added by the caller.
    pub clusters: BTreeMap<String, String>,
    /// The theme's name or path; `None` follows the terminal.
    pub theme: Option<String>,
    /// Command names to keys. Names and keys are checked by the key map.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Whether the mouse is captured at start.
    pub mouse: bool,
    /// When a name has to be typed.
    pub confirm: Confirm,
    /// How long operations wait by default.
    pub timeout: Duration,
    /// How much the log says.
    pub log: LogLevel,
    /// What is wrong with the file (warnings).
    pub problems: Vec<Problem>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            file: None,
            clusters: BTreeMap::new(),
            theme: None,
            keys: BTreeMap::new(),
            mouse: true,
            confirm: Confirm::default(),
            timeout: Duration::from_mins(10),
            log: LogLevel::default(),
            problems: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads the operator's file. A missing one means defaults, unless it was named (`--config`): then that is
    /// announced.
    pub fn load(file: &Path, was_named: bool) -> Self {
        let mut settings = match std::fs::read_to_string(file) {
            Ok(text) => Self::read(file, &text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && !was_named => Self::default(),
            Err(error) => Self {
                problems: vec![
                    Problem::warning(format!("cannot be read, defaults are used: {error}")).at(file, None),
                ],
                ..Self::default()
            },
        };
        settings.file = Some(file.to_owned());
        settings
    }

    /// Reads the file's text.
    pub fn read(file: &Path, text: &str) -> Self {
        let mut document = Located::toml(file, text);
        let root = KeyPath::root();
        let at = |key: &str| root.key(key);
        document.only(&root, &["theme", "mouse", "confirm", "timeout", "log", "clusters", "keys"]);
        let mut settings = Self { file: Some(file.to_owned()), ..Self::default() };
        settings.theme = document.text(&at("theme"));
        settings.mouse = document.switch(&at("mouse")).unwrap_or(settings.mouse);
        match document.text(&at("confirm")).as_deref() {
            None | Some("protected") => {}
            Some("always") => settings.confirm = Confirm::Always,
            Some(_) => document.warn(&at("confirm"), "must be one of protected, always"),
        }
        if let Some(text) = document.text(&at("timeout")) {
            match duration(&text) {
                Some(timeout) => settings.timeout = timeout,
                None => document.warn(&at("timeout"), "must be a time such as 10m, 90s or 1h30m"),
            }
        }
        if let Some(text) = document.text(&at("log")) {
            match LogLevel::ALL.into_iter().find(|level| level.word() == text) {
                Some(level) => settings.log = level,
                None => document.warn(&at("log"), "must be one of error, warn, info, debug, trace"),
            }
        }
        for cluster in document.map(&at("clusters")).keys() {
            if let Some(context) = document.text(&at("clusters").key(cluster)) {
                settings.clusters.insert(cluster.clone(), context);
            }
        }
        commands(&mut document, &at("keys"), "", &mut settings.keys);
        settings.problems = document.problems;
        settings
    }
}

/// Command names may be written as tables (`[keys.values]`) or with dots in quotes.
fn commands(document: &mut Located, path: &KeyPath, front: &str, found: &mut BTreeMap<String, Vec<String>>) {
    for (name, value) in document.map(path) {
        let (path, name) = (path.key(&name), format!("{front}{name}"));
        if matches!(value, Value::Object(_)) {
            commands(document, &path, &format!("{name}."), found);
        } else if let Some(keys) = document.texts(&path) {
            found.insert(name, keys);
        }
    }
}

/// Reads Go's notation of a time (`1h30m`, `90s`), as helm's `--timeout` takes it; more than nothing, at most a day.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut total = 0_u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        let unit = match rest[digits..].chars().next()? {
            'h' => 3600,
            'm' => 60,
            's' => 1,
            _ => return None,
        };
        total = total.checked_add(number.checked_mul(unit)?)?;
        rest = &rest[digits + 1..];
    }
    (1..=86_400).contains(&total).then(|| Duration::from_secs(total))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> Settings {
        Settings::read(Path::new(FILE), text)
    }

    #[test]
    fn everything_that_can_be_set() {
        let settings = read(
            "theme = \"light\"\nmouse = false\nconfirm = \"always\"\ntimeout = \"1h30m\"\nlog = \"debug\"\n[clusters]\na = \"ctx\"\n[keys]\nquit = [\"q\", \"Ctrl-Q\"]\nhelp = \"?\"\n[keys.values]\nedit = \"e\"\n",
        );
        assert_eq!(settings.problems, []);
        assert_eq!(settings.theme.as_deref(), Some("light"));
        assert!(!settings.mouse);
        assert_eq!(settings.confirm, Confirm::Always);
        assert_eq!(settings.timeout, Duration::from_mins(90));
        assert_eq!(settings.log, LogLevel::Debug);
        assert_eq!(settings.clusters["a"], "ctx");
        assert_eq!(settings.keys["quit"], ["q", "Ctrl-Q"]);
        assert_eq!(settings.keys["help"], ["?"]);
        assert_eq!(settings.keys["values.edit"], ["e"]);
    }

    #[test]
    fn every_bad_value_is_announced_and_replaced_by_its_default() {
        let settings = read(
            "theme = 1\nmouse = \"no\"\nconfirm = \"never\"\ntimeout = \"soon\"\nlog = \"loud\"\ncolour = 1\n[clusters]\na = 1\n[keys]\nquit = 1\n",
        );
        let mut lines: Vec<_> = settings.problems.iter().map(|problem| problem.line.unwrap()).collect();
        lines.sort_unstable();
        assert_eq!(lines, [1, 2, 3, 4, 5, 6, 8, 10]);
        let expected = Settings {
            file: settings.file.clone(),
            problems: settings.problems.clone(),
            ..Settings::default()
        };
        assert_eq!(settings, expected);
    }

    #[test]
    fn a_missing_file_is_silent_unless_it_was_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        assert_eq!(Settings::load(&file, false).problems, []);
        assert_eq!(Settings::load(&file, true).problems.len(), 1);
        std::fs::write(&file, "mouse = false\n").unwrap();
        assert!(!Settings::load(&file, true).mouse);
        // A folder where the file should be.
        assert_eq!(Settings::load(folder.path(), false).problems.len(), 1);
    }

    #[test]
    fn times() {
        assert_eq!(duration("90s"), Some(Duration::from_secs(90)));
        for bad in ["", "10", "m", "0s", "-1m", "1d", "25h", "99999999999999999999h"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }
}

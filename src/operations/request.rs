//! What is asked for: one verb on one target. Plain data, so that a room can hold it, change an option and ask again.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::base::Problem;
use crate::helm::{Major, ReleaseRef};
use crate::workspace::Unreadable;

/// What changes a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    Install,
    Upgrade,
    Rollback,
    Test,
    Uninstall,
}

impl Verb {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Install, Self::Upgrade, Self::Rollback, Self::Test, Self::Uninstall];

    /// helm's word: `install`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Install => "install",
            Self::Upgrade => "upgrade",
            Self::Rollback => "rollback",
            Self::Test => "test",
            Self::Uninstall => "uninstall",
        }
    }

    /// For a button or a heading: `Install`, `Roll back`.
    pub fn title(self) -> &'static str {
        match self {
            Self::Install => "Install",
            Self::Upgrade => "Upgrade",
            Self::Rollback => "Roll back",
            Self::Test => "Test",
            Self::Uninstall => "Uninstall",
        }
    }

    /// From helm's word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }

    /// Whether it renders the chart.
    pub fn needs_chart(self) -> bool {
        matches!(self, Self::Install | Self::Upgrade)
    }

    /// Whether it changes objects of the release (a test only makes and removes test pods).
    pub fn changes_release(self) -> bool {
        self != Self::Test
    }

    /// What an interrupt leaves behind: helm catches it in some verbs and dies in others.
    pub fn interrupted_leaves(self, major: Major) -> &'static str {
        match (self, major) {
            (Self::Install | Self::Upgrade, _) => {
                "helm marks the revision as failed; what it has sent already stays, an upgrade or a rollback follows"
            }
            (Self::Rollback, _) => {
                "helm does not catch an interrupt while it rolls back: the release stays pending-rollback and \
                 needs another rollback"
            }
            (Self::Test, _) => "the release keeps its revision; test pods may stay behind",
            (Self::Uninstall, _) => {
                "the release stays in the state uninstalling; running uninstall again finishes it"
            }
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What the operator may choose about an operation; each is a field of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Options {
    /// `--timeout`, whole seconds.
    pub timeout: Duration,
    /// Wait until the objects are ready.
    pub wait: bool,
    /// Let helm undo what failed.
    pub rollback_on_failure: bool,
    /// Let helm create the namespace (install only).
    pub create_namespace: bool,
    /// Run the release's tests after a successful install or upgrade, as a second step.
    pub test_after: bool,
    /// Keep the release's history (uninstall only).
    pub keep_history: bool,
}

impl Default for Options {
    /// As the design has it: wait, ten minutes, nothing undone by itself.
    fn default() -> Self {
        Self {
            timeout: Duration::from_mins(10),
            wait: true,
            rollback_on_failure: false,
            create_namespace: false,
            test_after: false,
            keep_history: false,
        }
    }
}

/// The chart of an install or upgrade.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChartSource {
    /// The chart's folder, absolute.
    pub dir: PathBuf,
    /// The values files after the chart's own `values.yaml`, absolute, lowest first. Those that do not exist are
    /// left out of the command.
    pub values: Vec<PathBuf>,
    /// What is declared to stand between these files and the cluster and is not run here: refuses a plan.
    pub unreadable: Vec<Unreadable>,
    /// Its name and version, for words: `floe-platform-0.1.0`.
    pub label: String,
}

/// One verb on one target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRequest {
    pub verb: Verb,
    pub release: ReleaseRef,
    /// The logical environment; `None` for a release that no chart of the workspace maps.
    pub environment: Option<String>,
    /// The name that has to be typed is asked for.
    pub protected: bool,
    /// Needed by install and upgrade.
    pub chart: Option<ChartSource>,
    /// The revision that a rollback goes back to.
    pub revision: Option<u32>,
    pub options: Options,
    /// Files of the chart or its values with edits that are not saved: a plan uses saved bytes only and says so.
    pub unsaved: Vec<PathBuf>,
    /// What those edits do that is wrong: whoever types an error does not mean the plan without it.
    pub unsaved_problems: Vec<Problem>,
}

impl PlanRequest {
    /// A request with the default options.
    pub fn new(verb: Verb, release: ReleaseRef) -> Self {
        Self {
            verb,
            release,
            environment: None,
            protected: false,
            chart: None,
            revision: None,
            options: Options::default(),
            unsaved: Vec::new(),
            unsaved_problems: Vec::new(),
        }
    }

    /// `floe @ prod`, or `floe @ context/namespace` for a release without an environment.
    pub fn target_words(&self) -> String {
        target_words(&self.release, self.environment.as_deref())
    }

    /// The target's name as it is typed: `floe@prod`.
    pub fn name_words(&self) -> String {
        name_words(&self.release, self.environment.as_deref())
    }

    /// What has to be typed before a protected target is changed: its name.
    pub fn confirm_words(&self) -> Option<String> {
        self.protected.then(|| self.name_words())
    }
}

/// `floe @ prod`, or `floe @ context/namespace` for a release without an environment.
pub(super) fn target_words(release: &ReleaseRef, environment: Option<&str>) -> String {
    match environment {
        Some(environment) => format!("{} @ {environment}", release.release),
        None => format!("{} @ {}/{}", release.release, release.context, release.namespace),
    }
}

/// A target's name as it is typed: `floe@prod`.
pub(super) fn name_words(release: &ReleaseRef, environment: Option<&str>) -> String {
    format!("{}@{}", release.release, environment.unwrap_or(&release.namespace))
}

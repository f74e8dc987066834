//! What the supervisor is told and everybody reads later: the operation as it was confirmed. Holds no values and no
//! secrets, only where they were read from.

use std::fmt;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::request::{Options, Verb};
use crate::cluster::objects::Wanted;
use crate::helm::ReleaseRef;

/// The name of an operation: sorts by time, and is the name of its folder.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct OperationId(String);

impl OperationId {
    /// A new one: `20261121T112233123-upgrade-floe-3f9a`.
    pub fn new(at: Timestamp, verb: Verb, release: &str) -> Self {
        let time = at.strftime("%Y%m%dT%H%M%S%3f");
        let random = crate::base::redact::random_key();
        Self(format!("{time}-{verb}-{release}-{:02x}{:02x}", random[0], random[1]))
    }

    /// From a folder's name; `None` for what cannot be one.
    pub fn parse(name: &str) -> Option<Self> {
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.' || c == '_');
        (plain && name.len() > 19 && name.starts_with(|c: char| c.is_ascii_digit()))
            .then(|| Self(name.to_owned()))
    }

    /// The folder's name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One helm command of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    pub verb: Verb,
    /// The arguments after the program.
    pub argv: Vec<String>,
}

/// An object that the operation is about, for watching it later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WantedObject {
    pub api_version: String,
    pub kind: String,
    pub namespace: Option<String>,
    pub name: String,
    pub hook: bool,
}

impl From<&WantedObject> for Wanted {
    fn from(object: &WantedObject) -> Self {
        Self {
            api_version: object.api_version.clone(),
            kind: object.kind.clone(),
            namespace: object.namespace.clone(),
            name: object.name.clone(),
            hook: object.hook,
        }
    }
}

/// An operation as it was confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperationSpec {
    pub id: OperationId,
    pub verb: Verb,
    pub release: ReleaseRef,
    pub environment: Option<String>,
    /// Who the cluster is, in short, as it was shown in the plan.
    pub identity: String,
    /// What the cluster is trusted by: the same for every context of a cluster, and part of the lock's name.
    pub cluster_key: String,
    /// The helm program, absolute.
    pub program: PathBuf,
    /// `4.2.4`.
    pub helm_version: String,
    /// Run one after the other; the first failure ends the operation.
    pub steps: Vec<Step>,
    pub options: Options,
    /// Name and version of the chart, for an install or upgrade.
    pub chart: Option<String>,
    /// The last revision when it was planned; `None` when there was none.
    pub before: Option<u32>,
    /// The revision that a rollback goes back to.
    pub revision: Option<u32>,
    /// `2 restarts, 1 recreate`.
    pub headline: String,
    /// The values files that the supervisor learns secrets from, so that none reaches the journal.
    pub values: Vec<PathBuf>,
    /// Key paths that hold secrets, in the notation of key paths.
    pub secret_paths: Vec<String>,
    /// What is watched while it runs.
    pub objects: Vec<WantedObject>,
    pub created: Timestamp,
    /// Who confirmed it, as `user@host`; older journals do not say.
    #[serde(default)]
    pub by: Option<String>,
    /// The folder that helm runs in.
    pub folder: PathBuf,
}

impl OperationSpec {
    /// `Upgrade floe @ prod`.
    pub fn title(&self) -> String {
        let place = self
            .environment
            .clone()
            .unwrap_or_else(|| format!("{}/{}", self.release.context, self.release.namespace));
        format!("{} {} @ {place}", self.verb.title(), self.release.release)
    }

    /// The command of a step as it could be typed.
    pub fn command(&self, step: usize) -> String {
        self.steps
            .get(step)
            .map(|step| crate::helm::argv::shell(&self.program, &step.argv))
            .unwrap_or_default()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_read_back() {
        let early = OperationId::new("2026-11-21T11:22:33.1Z".parse().unwrap(), Verb::Upgrade, "floe");
        let late = OperationId::new("2026-11-21T11:22:33.2Z".parse().unwrap(), Verb::Install, "floe");
        assert!(early < late);
        assert!(early.as_str().starts_with("20261121T112233100-upgrade-floe-"), "{early}");
        assert_eq!(OperationId::parse(early.as_str()), Some(early));
        assert!(OperationId::parse("../../etc").is_none() && OperationId::parse("lost+found").is_none());
    }
}

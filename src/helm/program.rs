//! Finding the operator's helm and knowing its version: everything that differs between helm 3 and helm 4 is
//! decided by what is learned here.

use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use semver::Version;

use super::run::{self, Call};
use crate::base::{Context as _, Error, Result};

/// The oldest helm that is driven: older ones lack flags and outputs that plans rely on.
const OLDEST: Version = Version::new(3, 12, 0);

/// The first helm whose `template` can ask the cluster.
const SERVER_DRY_RUN: Version = Version::new(3, 13, 0);

/// The two generations of helm that are driven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Major {
    Three,
    Four,
}

/// The helm program of the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Helm {
    /// Absolute.
    pub path: PathBuf,
    pub version: Version,
    pub major: Major,
}

impl Helm {
    /// The helm that was named, else the first in `PATH`; runs it once to ask its version. Errors: none there, not
    /// executable, no version in its answer, too old, or newer than any that is known.
    pub async fn find(explicit: Option<&Path>) -> Result<Self> {
        let path = match explicit {
            Some(path) => check_program(path)?,
            None => search(std::env::var_os("PATH").as_deref())?,
        };
        Self::at(path).await
    }

    /// The helm at this place.
    async fn at(path: PathBuf) -> Result<Self> {
        let mut call = Call::new(&path, ["version", "--template", "{{.Version}}"]);
        call.timeout = Duration::from_secs(10);
        let place = path.display().to_string();
        let output = run::run(&call).await.map_err(|error| error.at(place.clone()))?;
        if !output.success() {
            return Err(Error::new("this helm does not tell its version")
                .at(place)
                .because(output.stderr.trim())
                .next("name a working helm with --helm PATH"));
        }
        let words = output.stdout.trim();
        let version = Version::parse(words.trim_start_matches('v'))
            .context_at(format!("this program answers {words:?} instead of helm's version"), &place)
            .map_err(|error| error.next("name a working helm with --helm PATH"))?;
        let major = match version.major {
            3 => Major::Three,
            4 => Major::Four,
            // A newer generation renames flags again: guessing them on somebody's production is no option.
            _ if version.major > 4 => {
                return Err(Error::new(format!("helm {version} is newer than floe-tui knows (3 and 4)"))
                    .at(place)
                    .next("name a helm 3 or 4 with --helm PATH"));
            }
            _ => Major::Three,
        };
        if version < OLDEST {
            return Err(Error::new(format!("helm {version} is too old, {OLDEST} or newer is needed"))
                .at(place)
                .next("update helm, or name a newer one with --helm PATH"));
        }
        Ok(Self { path, version, major })
    }

    /// Whether `template --dry-run=server` works.
    pub fn renders_with_cluster(&self) -> bool {
        self.version >= SERVER_DRY_RUN
    }

    /// What the operator should know about exactly this version.
    pub fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if self.version == Version::new(4, 2, 1) {
            warnings.push(
                "helm 4.2.1 waits wrongly for deletions (hooks with before-hook-creation may hang, --wait ignores \
                 the time-out); 4.2.2 and newer do not"
                    .to_owned(),
            );
        }
        warnings
    }
}

impl fmt::Display for Helm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "helm {}", self.version)
    }
}

fn check_program(path: &Path) -> Result<PathBuf> {
    let place = path.display().to_string();
    let metadata = std::fs::metadata(path)
        .context_at("there is no helm at the path that was given", &place)
        .map_err(|error| error.next("correct --helm PATH, or leave it away to use the helm in PATH"))?;
    if !metadata.is_file() || metadata.permissions().mode() & 0o111 == 0 {
        return Err(Error::new("this is not an executable program").at(place).next("correct --helm PATH"));
    }
    std::path::absolute(path).context_at("cannot make the path absolute", place)
}

fn search(path: Option<&std::ffi::OsStr>) -> Result<PathBuf> {
    let folders = path.map(|path| std::env::split_paths(path).collect::<Vec<_>>()).unwrap_or_default();
    folders.iter().find_map(|folder| check_program(&folder.join("helm")).ok()).ok_or_else(|| {
        Error::new("no helm found in PATH").next(
            "install helm 3.12 or newer (https://helm.sh/docs/intro/install), or name one with --helm PATH",
        )
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::helm::run::testing::script;

    async fn version(answer: &str) -> Result<Helm> {
        let folder = tempfile::tempdir().unwrap();
        let path = script(folder.path(), "helm", &format!("printf '%s' '{answer}'"));
        Helm::find(Some(&path)).await
    }

    #[tokio::test]
    async fn versions_decide() {
        assert_eq!(version("v3.21.4").await.unwrap().major, Major::Three);
        let four = version("v4.2.4+gabc").await.unwrap();
        assert_eq!((four.major, four.warnings().len()), (Major::Four, 0));
        assert_eq!(version("v4.2.1").await.unwrap().warnings().len(), 1);
        assert!(!version("v3.12.3").await.unwrap().renders_with_cluster());
        assert!(version("v3.11.9").await.unwrap_err().what.contains("too old"));
        assert!(version("v2.17.0").await.unwrap_err().what.contains("too old"));
        assert!(version("v5.0.0").await.unwrap_err().what.contains("newer than"));
        assert!(version("hello").await.unwrap_err().what.contains("instead of helm's version"));
    }

    #[tokio::test]
    async fn what_is_not_there_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let missing = Helm::find(Some(&folder.path().join("helm"))).await.unwrap_err();
        assert!(missing.next.unwrap().contains("--helm"));
        std::fs::write(folder.path().join("plain"), "x").unwrap();
        assert!(
            Helm::find(Some(&folder.path().join("plain"))).await.unwrap_err().what.contains("executable")
        );
        assert!(search(Some(folder.path().as_os_str())).unwrap_err().next.unwrap().contains("--helm"));
        script(folder.path(), "helm", "exit 0");
        assert_eq!(search(Some(folder.path().as_os_str())).unwrap(), folder.path().join("helm"));
    }
}

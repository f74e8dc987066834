//! Where the program keeps its own things, by the platform's conventions, each overridable by a variable.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{Context, Error, Result};

/// The program's own folders. None is created by resolving; see [`Folders::ensure`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// `config.toml`, themes, keys. `FLOE_TUI_CONFIG_DIR`.
    pub config: PathBuf,
    /// Journals, pins, recovery log, log file. `FLOE_TUI_STATE_DIR`.
    pub state: PathBuf,
    /// What can be made again. `FLOE_TUI_CACHE_DIR`.
    pub cache: PathBuf,
    /// Locks and overlays, gone after a reboot. `FLOE_TUI_RUNTIME_DIR`.
    pub runtime: PathBuf,
}

/// The operator's home folder, asked for once: it does not move while the program runs.
pub fn home() -> Option<&'static Path> {
    static HOME: OnceLock<Option<PathBuf>> = OnceLock::new();
    HOME.get_or_init(|| std::env::home_dir().filter(|home| home.is_absolute() && home.parent().is_some()))
        .as_deref()
}

impl Folders {
    /// From this process' environment. Error: neither a home folder nor the variables are there.
    pub fn resolve() -> Result<Self> {
        Self::resolve_with(|name| std::env::var_os(name))
    }

    /// As [`Folders::resolve`], with the variables from `env`; empty ones count as unset.
    pub fn resolve_with(env: impl Fn(&str) -> Option<OsString>) -> Result<Self> {
        let platform = directories::ProjectDirs::from("", "", "floe-tui");
        let pick = |name: &str, default: Option<PathBuf>| {
            env(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
                .or(default)
                .ok_or_else(|| Error::new("no home folder found").next(format!("set HOME or {name}")))
        };
        let of = |get: fn(&directories::ProjectDirs) -> PathBuf| platform.as_ref().map(get);
        let cache = pick("FLOE_TUI_CACHE_DIR", of(|dirs| dirs.cache_dir().to_owned()))?;
        Ok(Self {
            config: pick("FLOE_TUI_CONFIG_DIR", of(|dirs| dirs.config_dir().to_owned()))?,
            state: pick(
                "FLOE_TUI_STATE_DIR",
                of(|dirs| dirs.state_dir().unwrap_or(dirs.data_local_dir()).to_owned()),
            )?,
            // Without a session's runtime folder (cron, containers) locks still need one shared place.
            runtime: pick(
                "FLOE_TUI_RUNTIME_DIR",
                platform
                    .as_ref()
                    .and_then(|dirs| dirs.runtime_dir().map(Path::to_owned))
                    .or_else(|| Some(cache.join("run"))),
            )?,
            cache,
        })
    }

    /// Creates a folder and its parents, readable by the owner only, and returns it.
    pub fn ensure(folder: &Path) -> Result<&Path> {
        if !folder.is_dir() {
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(folder)
                .context_at("cannot create a folder of our own", folder.display())?;
            // The mode above is cut by the umask only, but an existing parent may have been made in between.
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))
                .context_at("cannot protect a folder of our own", folder.display())?;
        }
        Ok(folder)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_folder_can_be_moved() {
        let folders = Folders::resolve_with(|name| {
            Some(format!("/x/{}", name.trim_start_matches("FLOE_TUI_").to_lowercase()).into())
        })
        .unwrap();
        assert_eq!(folders.config, Path::new("/x/config_dir"));
        assert_eq!(folders.state, Path::new("/x/state_dir"));
        assert_eq!(folders.cache, Path::new("/x/cache_dir"));
        assert_eq!(folders.runtime, Path::new("/x/runtime_dir"));
    }

    #[test]
    fn own_folders_are_private() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("a/b");
        Folders::ensure(&folder).unwrap();
        assert_eq!(fs::metadata(&folder).unwrap().permissions().mode() & 0o777, 0o700);
        Folders::ensure(&folder).unwrap();
        fs::write(parent.path().join("file"), "").unwrap();
        assert!(Folders::ensure(&parent.path().join("file/x")).is_err());
    }
}

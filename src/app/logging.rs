//! The log: a file in the state folder that only the user can read, never the screen. `FLOE_TUI_LOG` sets the
//! level (`info`, `debug`, or a filter such as `floe_tui::cluster=debug`).

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

use crate::base::Result;
use crate::base::error::Context;

/// The variable that sets the level.
pub const LEVEL_VARIABLE: &str = "FLOE_TUI_LOG";
/// A log longer than this starts anew; the last one is kept beside it.
const LIMIT: u64 = 5 * 1024 * 1024;

/// The running log. Dropping it writes what is still queued.
#[derive(Debug)]
pub struct Log {
    pub path: PathBuf,
    /// What was wrong with the level, for a notice.
    pub warning: Option<String>,
    _writer: WorkerGuard,
}

/// Starts logging into `folder`. Call it once, first.
pub fn start(folder: &Path, level: Option<&str>) -> Result<Log> {
    let path = folder.join("floe-tui.log");
    let file = open(&path)?;
    let (writer, guard) = tracing_appender::non_blocking(file);
    let (filter, warning) = filter(level);
    let subscriber =
        tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(writer).finish();
    tracing::subscriber::set_global_default(subscriber).context("the log was started twice")?;
    Ok(Log { path, warning, _writer: guard })
}

fn filter(level: Option<&str>) -> (EnvFilter, Option<String>) {
    // kube logs whole answers that it cannot read, and those may hold secrets.
    let fallback = || EnvFilter::new("info,kube_client=error");
    match level.filter(|level| !level.trim().is_empty()) {
        None => (fallback(), None),
        Some(level) => match EnvFilter::try_new(format!("{level},kube_client=error")) {
            Ok(filter) => (filter, None),
            Err(error) => (fallback(), Some(format!("{LEVEL_VARIABLE}={level}: {error}; info is used"))),
        },
    }
}

fn open(path: &Path) -> Result<File> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).context_at("cannot make the folder of the log", folder.display())?;
    }
    if std::fs::metadata(path).is_ok_and(|meta| meta.len() > LIMIT) {
        let older = path.with_extension("log.1");
        std::fs::rename(path, &older).context_at("cannot put the old log aside", path.display())?;
    }
    let opened = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
    let file = opened.context_at("cannot write the log", path.display())?;
    // The mode above counts for new files only.
    let private = std::fs::Permissions::from_mode(0o600);
    file.set_permissions(private).context_at("cannot make the log private", path.display())?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_log_is_private_even_when_an_older_one_was_not_and_a_long_one_is_put_aside() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state/floe-tui.log");
        open(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        open(&path).unwrap().set_len(LIMIT + 1).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        open(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 0);
        assert_eq!(std::fs::metadata(path.with_extension("log.1")).unwrap().len(), LIMIT + 1);
    }

    #[test]
    fn a_bad_level_warns_and_info_is_used() {
        assert!(filter(Some("debug")).1.is_none());
        assert!(filter(None).1.is_none());
        let (used, warning) = filter(Some("floe_tui=loud"));
        assert!(used.to_string().contains("info") && used.to_string().contains("kube_client=error"));
        assert!(warning.unwrap().contains("floe_tui=loud"));
    }
}

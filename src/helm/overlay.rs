//! A chart with edits that are not saved, for programs that read charts from disk: a private folder of links to the
//! real files, with the edited ones in their place. Removed when it is dropped, and what a crash left at the next
//! start.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::base::folders::Folders;
use crate::base::{Context as _, Error, Result, atomic};

/// Overlays of a process lie in a folder of its own.
const PREFIX: &str = "overlay-";

/// A chart folder with edits.
#[derive(Debug)]
pub struct Overlay {
    folder: tempfile::TempDir,
    name: OsString,
}

impl Overlay {
    /// Puts edited texts (paths inside the chart) over a chart. `runtime` is the program's runtime folder.
    pub fn new(runtime: &Path, chart: &Path, files: &[(PathBuf, Arc<str>)]) -> Result<Self> {
        Folders::ensure(runtime)?;
        // Links are read from where they lie.
        let chart = &std::path::absolute(chart).context_at("cannot find the chart", chart.display())?;
        let folder = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{}-", std::process::id()))
            .tempdir_in(runtime)
            .context_at("cannot make a folder for unsaved edits", runtime.display())?;
        // The chart's folder keeps its name: helm shows it in places of errors.
        let name = chart.file_name().unwrap_or("chart".as_ref()).to_owned();
        let mut tree = Node::default();
        for (path, text) in files {
            tree.insert(path, text)?;
        }
        tree.write(&folder.path().join(&name), chart)?;
        Ok(Self { folder, name })
    }

    /// The chart's folder as helm gets it.
    pub fn chart(&self) -> PathBuf {
        self.folder.path().join(&self.name)
    }
}

/// Removes overlays of processes that are gone.
pub fn sweep(runtime: &Path) {
    let Ok(entries) = fs::read_dir(runtime) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let Some(pid) =
            name.to_str().and_then(|name| name.strip_prefix(PREFIX)?.split('-').next()?.parse().ok())
        else {
            continue;
        };
        let gone = rustix::process::Pid::from_raw(pid)
            .is_none_or(|pid| rustix::process::test_kill_process(pid).is_err());
        if gone {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

#[derive(Default)]
struct Node {
    text: Option<Arc<str>>,
    children: BTreeMap<OsString, Node>,
}

impl Node {
    fn insert(&mut self, path: &Path, text: &Arc<str>) -> Result<()> {
        let mut node = self;
        for part in path.components() {
            let Component::Normal(part) = part else {
                return Err(
                    Error::new("an unsaved file lies outside of its chart").at(path.display().to_string())
                );
            };
            node = node.children.entry(part.to_owned()).or_default();
        }
        node.text = Some(text.clone());
        Ok(())
    }

    fn write(&self, to: &Path, from: &Path) -> Result<()> {
        if let Some(text) = &self.text {
            atomic::write_private(to, text.as_bytes())?;
            return Ok(());
        }
        Folders::ensure(to)?;
        for entry in fs::read_dir(from).into_iter().flatten().flatten() {
            let name = entry.file_name();
            if !self.children.contains_key(&name) {
                let place = entry.path();
                symlink(&place, to.join(&name))
                    .context_at("cannot link a file of the chart", place.display())?;
            }
        }
        for (name, child) in &self.children {
            child.write(&to.join(name), &from.join(name))?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn edited_files_stand_in_place_of_the_real_ones_and_go_again() {
        let real = tempfile::tempdir().unwrap();
        let chart = real.path().join("web");
        fs::create_dir_all(chart.join("templates/sub")).unwrap();
        for (name, text) in [
            ("Chart.yaml", "c"),
            ("values.yaml", "v"),
            ("templates/a.yaml", "a"),
            ("templates/sub/b.yaml", "b"),
        ] {
            fs::write(chart.join(name), text).unwrap();
        }
        let runtime = tempfile::tempdir().unwrap();
        let edits = [
            (PathBuf::from("values.yaml"), Arc::from("edited")),
            (PathBuf::from("templates/a.yaml"), Arc::from("edited a")),
            (PathBuf::from("templates/new/c.yaml"), Arc::from("new")),
        ];
        let overlay = Overlay::new(runtime.path(), &chart, &edits).unwrap();
        let read = |name: &str| fs::read_to_string(overlay.chart().join(name)).unwrap();
        assert_eq!(
            [
                read("Chart.yaml"),
                read("values.yaml"),
                read("templates/a.yaml"),
                read("templates/sub/b.yaml"),
                read("templates/new/c.yaml")
            ],
            ["c", "edited", "edited a", "b", "new"]
        );
        assert!(overlay.chart().ends_with("web"));
        assert_eq!(fs::read_to_string(chart.join("values.yaml")).unwrap(), "v");
        drop(overlay);
        assert_eq!(fs::read_dir(runtime.path()).unwrap().count(), 0);
        let outside = [(PathBuf::from("../x"), Arc::from(""))];
        assert!(Overlay::new(runtime.path(), &chart, &outside).is_err());
    }

    #[test]
    fn what_a_dead_process_left_goes() {
        let runtime = tempfile::tempdir().unwrap();
        let mut child = std::process::Command::new("sh").args(["-c", "exit 0"]).spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        for name in
            [format!("overlay-{dead}-x"), format!("overlay-{}-y", std::process::id()), "other".to_owned()]
        {
            fs::create_dir(runtime.path().join(name)).unwrap();
        }
        sweep(runtime.path());
        assert_eq!(fs::read_dir(runtime.path()).unwrap().count(), 2);
    }
}

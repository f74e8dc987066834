//! The files of a chart, from a folder or an archive, as helm would load them: `.helmignore` honoured, limits on
//! number and size, nothing outside of the chart's folder.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::base::{Error, Problem, Result};

use super::ignore::Ignore;

/// Bounds on what is read; helm has the same kind of bounds for archives.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    pub files: usize,
    /// Bytes of one file.
    pub file: u64,
    /// Bytes of all files.
    pub total: u64,
    pub depth: usize,
}

/// Far above any real chart (the largest known has a few thousand files).
pub const LIMITS: Limits = Limits { files: 20_000, file: 5 << 20, total: 100 << 20, depth: 32 };

/// Bytes by path inside the chart.
#[derive(Debug, Clone, Default)]
pub struct ChartFiles {
    by_path: BTreeMap<PathBuf, Arc<[u8]>>,
    /// Packed or unpacked subcharts under `charts/`, by path inside the chart; only folders' own.
    pub subcharts: Vec<PathBuf>,
    pub problems: Vec<Problem>,
    /// What is left out, and where this folder lies below the one whose rules they are.
    ignore: Arc<Ignore>,
    prefix: PathBuf,
}

impl ChartFiles {
    /// The files of a chart folder without `charts/`.
    pub fn of_folder(dir: &Path) -> Result<Self> {
        let rules = std::fs::read(dir.join(".helmignore")).unwrap_or_default();
        let ignore = Ignore::parse(&String::from_utf8_lossy(&rules));
        Self::walked(dir, Arc::new(ignore), PathBuf::new())
    }

    /// Whether a file is left out of the chart by its rules, or a folder around it.
    pub fn leaves_out(&self, inside: &Path) -> bool {
        let mut parts = inside.ancestors().filter(|part| !part.as_os_str().is_empty());
        parts.any(|part| self.ignore.ignores(&self.prefix.join(part), part != inside))
    }

    /// The files of a chart folder in the `charts/` of another, whose rules on what is left out hold.
    pub(super) fn inside(parent: &Self, dir: &Path, inside: &Path) -> Result<Self> {
        Self::walked(dir, parent.ignore.clone(), parent.prefix.join(inside))
    }

    fn walked(dir: &Path, ignore: Arc<Ignore>, prefix: PathBuf) -> Result<Self> {
        let mut files = Self { ignore, prefix, ..Self::default() };
        let mut total = 0;
        let mut left = 2 * LIMITS.files;
        // With each folder: how deep it is, and the links that led there.
        let mut pending = vec![(dir.to_owned(), 0, Vec::new())];
        'folders: while let Some((folder, depth, links)) = pending.pop() {
            let entries = std::fs::read_dir(&folder).map_err(|error| {
                Error::new("cannot list the chart's files").at(folder.display().to_string()).because(error)
            })?;
            for entry in entries.flatten() {
                let path = entry.path();
                let Ok(inside) = path.strip_prefix(dir) else { continue };
                let Some(rest) = left.checked_sub(1) else {
                    let most = 2 * LIMITS.files;
                    let message =
                        format!("holds more than {most} files and folders; the others are left out");
                    files.problems.push(Problem::warning(message));
                    break 'folders;
                };
                left = rest;
                let Ok(meta) = std::fs::metadata(&path) else { continue };
                if files.ignore.ignores(&files.prefix.join(inside), meta.is_dir()) {
                    continue;
                }
                if inside.parent() == Some(Path::new("charts")) {
                    files.subcharts.push(inside.to_owned());
                    continue;
                }
                if meta.is_dir() {
                    let mut links = links.clone();
                    if entry.file_type().is_ok_and(|kind| kind.is_symlink()) {
                        let Ok(real) = path.canonicalize() else { continue };
                        let is_above =
                            dir.canonicalize().is_ok_and(|dir| dir.join(inside).starts_with(&real));
                        if is_above || links.contains(&real) {
                            let message = "is a link that leads into itself; it is not followed";
                            files.problems.push(Problem::warning(message).at(inside, None));
                            continue;
                        }
                        links.push(real);
                    }
                    if depth < LIMITS.depth {
                        pending.push((path, depth + 1, links));
                    }
                } else if meta.is_file() && files.admits(inside, meta.len(), &mut total) {
                    match std::fs::read(&path) {
                        Ok(bytes) => {
                            files.by_path.insert(inside.to_owned(), bytes.into());
                        }
                        Err(error) => {
                            files
                                .problems
                                .push(Problem::warning(format!("cannot be read: {error}")).at(inside, None));
                        }
                    }
                }
            }
        }
        files.subcharts.sort();
        Ok(files)
    }

    /// The files of a packaged chart (`.tgz`), without its top folder.
    pub fn of_archive(archive: &Path) -> Result<Self> {
        let bytes = std::fs::read(archive).map_err(|error| {
            Error::new("cannot read the packaged chart").at(archive.display().to_string()).because(error)
        })?;
        Self::of_bytes(&bytes, archive)
    }

    /// The files of a packaged chart; `archive` is the file that it came from.
    pub(super) fn of_bytes(bytes: &[u8], archive: &Path) -> Result<Self> {
        let name = archive.display().to_string();
        let bad = |error: std::io::Error| {
            Error::new("cannot read the packaged chart").at(name.clone()).because(error)
        };
        let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(bytes).take(LIMITS.total));
        let mut files = Self::default();
        let mut total = 0;
        for entry in tar.entries().map_err(bad)? {
            let mut entry = entry.map_err(bad)?;
            let path = entry.path().map_err(bad)?.into_owned();
            let inside: PathBuf = path.components().skip(1).collect();
            let is_safe = inside.components().all(|part| matches!(part, Component::Normal(_)));
            if !entry.header().entry_type().is_file() || inside.as_os_str().is_empty() {
                continue;
            }
            if !is_safe || !files.admits(&inside, entry.size(), &mut total) {
                continue;
            }
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).map_err(bad)?;
            files.by_path.insert(inside, bytes.into());
        }
        Ok(files)
    }

    fn admits(&mut self, inside: &Path, size: u64, total: &mut u64) -> bool {
        *total = total.saturating_add(size);
        let fits = size <= LIMITS.file && *total <= LIMITS.total && self.by_path.len() < LIMITS.files;
        if !fits && self.problems.len() < 20 {
            let message = format!("is left out: {size} bytes, a chart's files may have {} each", LIMITS.file);
            self.problems.push(Problem::warning(message).at(inside, None));
        }
        fits
    }

    /// Whether both hold the same bytes under the same paths.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.by_path == other.by_path && self.subcharts == other.subcharts
    }

    /// Puts a text in the place of a file's bytes, or adds the file.
    pub fn replace(&mut self, path: &Path, text: &str) {
        self.by_path.insert(path.to_owned(), Arc::from(text.as_bytes()));
    }

    /// Paths in order.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.by_path.keys().map(PathBuf::as_path)
    }

    /// Bytes of a file.
    pub fn bytes(&self, path: impl AsRef<Path>) -> Option<&Arc<[u8]>> {
        self.by_path.get(path.as_ref())
    }

    /// A file as text; `None` when it is not there or not UTF-8.
    pub fn text(&self, path: impl AsRef<Path>) -> Option<Arc<str>> {
        self.bytes(path).and_then(|bytes| std::str::from_utf8(bytes).ok()).map(Arc::from)
    }

    /// The files below a folder of this chart as a chart of its own (a packaged chart's `charts/x`).
    pub(super) fn below(&self, folder: &Path) -> Self {
        let by_path = self
            .by_path
            .iter()
            .filter_map(|(path, bytes)| Some((path.strip_prefix(folder).ok()?.to_owned(), bytes.clone())))
            .collect();
        Self { by_path, ..Self::default() }
    }

    /// The first file that differs between two charts, and how; `None` when they hold the same. `Chart.yaml` is
    /// compared by content, because packaging writes it anew; locks and folders of dependencies do not count.
    pub fn first_difference(&self, other: &Self) -> Option<String> {
        let counts = |path: &Path| {
            !path.starts_with("charts") && path != Path::new("Chart.lock") && path != Path::new(".helmignore")
        };
        let same_metadata = |path: &Path| {
            path == Path::new("Chart.yaml")
                && self.text(path).and_then(|t| super::Metadata::read(&t).ok()).map(|(m, _)| m)
                    == other.text(path).and_then(|t| super::Metadata::read(&t).ok()).map(|(m, _)| m)
        };
        for (path, bytes) in self.by_path.iter().filter(|(path, _)| counts(path)) {
            match other.by_path.get(path) {
                None => return Some(format!("{} is missing", path.display())),
                Some(theirs) if theirs != bytes && !same_metadata(path) => {
                    return Some(format!("{} differs", path.display()));
                }
                Some(_) => {}
            }
        }
        let extra = other.by_path.keys().find(|path| counts(path) && !self.by_path.contains_key(*path));
        extra.map(|path| format!("{} is no longer there", path.display()))
    }
}

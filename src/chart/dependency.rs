//! What a chart depends on, and whether what helm would use is there and current. `helm dependency list` calls a
//! packaged copy of an edited sibling "ok"; here it is compared by content.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use crate::base::Problem;
use crate::yaml::{self, KeyPath};

use super::files::ChartFiles;
use super::metadata::{Declared, Metadata};
use super::semver::{Constraint, Version};
use super::{Chart, is_chart};

/// Whether helm would find the dependency, and the right one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DependencyState {
    /// It is in `charts/`, and the same as its source where that can be seen.
    Current,
    /// It is in `charts/` and its `file://` source has changed since: what and where.
    Stale(String),
    /// It is not in `charts/`: helm refuses to render.
    Missing,
    /// What is in `charts/` has another version than is asked for.
    WrongVersion { found: String },
    /// What is in `charts/` cannot be read.
    Unreadable(String),
    /// It lies in `charts/` and is not declared.
    Undeclared,
}

impl DependencyState {
    /// Whether rendering is refused or shows something old.
    pub fn is_bad(&self) -> bool {
        !matches!(self, Self::Current | Self::Undeclared)
    }

    /// For a list: `current`, `stale: templates/x.yaml differs`.
    pub fn words(&self) -> String {
        match self {
            Self::Current => "current".to_owned(),
            Self::Stale(why) => format!("stale: {why}"),
            Self::Missing => "missing: build the dependencies".to_owned(),
            Self::WrongVersion { found } => format!("wrong version: {found} is there"),
            Self::Unreadable(why) => format!("unreadable: {why}"),
            Self::Undeclared => "not declared in Chart.yaml".to_owned(),
        }
    }
}

/// One dependency.
#[derive(Debug, Clone)]
pub struct Dependency {
    pub name: String,
    /// The declared constraint; empty when there is none.
    pub version: String,
    pub repository: String,
    pub alias: Option<String>,
    /// Values path (or several, separated by commas) that switches it on or off.
    pub condition: Option<String>,
    pub tags: Vec<String>,
    pub import_values: Vec<Value>,
    pub state: DependencyState,
    /// What helm would use; the `file://` source when that is missing.
    pub chart: Option<Arc<Chart>>,
}

impl Dependency {
    /// The section of the parent's values that is this subchart's: alias or name.
    pub fn key(&self) -> &str {
        self.alias.as_deref().unwrap_or(&self.name)
    }

    /// Whether the subchart is rendered with these merged values, by helm's rules: the first condition that holds
    /// a boolean decides, else a tag that is true among those that are set, else on.
    pub fn is_enabled(&self, values: &Value) -> bool {
        for path in self.condition.iter().flat_map(|condition| condition.split(',')) {
            let found = KeyPath::parse(path.trim()).and_then(|path| path.get(values)?.as_bool());
            if let Some(on) = found {
                return on;
            }
        }
        let tags: Vec<bool> =
            self.tags.iter().filter_map(|tag| values.get("tags")?.get(tag)?.as_bool()).collect();
        tags.is_empty() || tags.contains(&true)
    }

    /// The folder of a `file://` repository.
    pub fn sibling(&self, parent: &Path) -> Option<PathBuf> {
        let path = self.repository.strip_prefix("file://")?;
        let path = Path::new(path);
        Some(if path.is_absolute() { path.to_owned() } else { parent.join(path) })
    }
}

/// What `Chart.yaml` (or `requirements.yaml` of the old format) declares, and what lies in `charts/` undeclared.
pub(super) fn declared(
    metadata: &Metadata,
    files: &ChartFiles,
    problems: &mut Vec<Problem>,
) -> Vec<Declared> {
    // Helm still hears it whatever the format.
    let Some(text) = files.text("requirements.yaml") else { return metadata.dependencies.clone() };
    let read =
        yaml::read(&text).map_err(|error| error.message).and_then(|value| match value.get("dependencies") {
            Some(list) => serde_json::from_value(list.clone()).map_err(|error| error.to_string()),
            None => Ok(metadata.dependencies.clone()),
        });
    read.unwrap_or_else(|message| {
        problems.push(Problem::error(format!("cannot be read: {message}")).at("requirements.yaml", None));
        Vec::new()
    })
}

/// Finds a declared dependency where helm would.
pub(super) fn resolve(parent: &Chart, declared: Declared, depth: usize) -> Dependency {
    let mut dependency = Dependency {
        version: declared.version.unwrap_or_default(),
        name: declared.name,
        repository: declared.repository,
        alias: declared.alias,
        condition: declared.condition,
        tags: declared.tags,
        import_values: declared.import_values,
        state: DependencyState::Missing,
        chart: None,
    };
    let sibling = (!parent.is_packaged).then(|| dependency.sibling(&parent.dir)).flatten();
    let sibling = sibling.filter(|dir| is_chart(dir)).and_then(|dir| dir.canonicalize().ok());
    let (state, chart) = match packaged(parent, &dependency, depth) {
        Some(Ok(chart)) => {
            let state = state_of(&dependency, &chart, sibling.as_deref());
            (state, Some(chart))
        }
        Some(Err(why)) => (DependencyState::Unreadable(why), None),
        // A dependency without a repository lives in charts/ or nowhere.
        None => (DependencyState::Missing, None),
    };
    dependency.state = state;
    dependency.chart =
        chart.or_else(|| sibling.and_then(|dir| Chart::load_folder_at(&dir, depth + 1).ok())).map(Arc::new);
    dependency
}

/// Charts that lie in `charts/` without being declared: helm renders them as they are.
pub(super) fn undeclared(parent: &Chart, depth: usize) -> Vec<Dependency> {
    let mut charts = archives_inside(parent, depth);
    if parent.is_packaged {
        let inside = |path: &Path| Some(path.strip_prefix("charts").ok()?.parent()?.to_owned());
        let folders = parent.files.paths().filter(|path| path.ends_with("Chart.yaml")).filter_map(inside);
        for folder in folders.filter(|folder| folder.components().count() == 1) {
            let files = parent.files.below(&Path::new("charts").join(&folder));
            charts.push((folder, Chart::build(parent.dir.clone(), true, files, depth + 1)));
        }
    }
    for inside in &parent.files.subcharts {
        let path = parent.dir.join(inside);
        let loaded = if path.is_dir() && is_chart(&path) {
            Chart::load_inside(parent, inside, depth + 1)
        } else if path.extension().is_some_and(|end| end == "tgz") {
            Chart::load_archive(&path, depth + 1)
        } else {
            continue;
        };
        charts.push((PathBuf::from(inside.file_name().unwrap_or_default()), loaded));
    }
    let is_meant = |name: &Path| !name.to_string_lossy().starts_with(['_', '.']);
    charts
        .into_iter()
        .filter(|(name, _)| is_meant(name))
        .filter_map(|(_, loaded)| loaded.ok())
        .filter(|chart| {
            !parent.dependencies.iter().any(|declared| {
                declared.name == chart.metadata.name && fits(&declared.version, &chart.metadata.version)
            })
        })
        .map(|chart| Dependency {
            name: chart.metadata.name.clone(),
            version: String::new(),
            repository: String::new(),
            alias: None,
            condition: None,
            tags: Vec::new(),
            import_values: Vec::new(),
            state: DependencyState::Undeclared,
            chart: Some(Arc::new(chart)),
        })
        .collect()
}

/// Archives in the `charts/` of an archive.
fn archives_inside(parent: &Chart, depth: usize) -> Vec<(PathBuf, crate::base::Result<Chart>)> {
    let is_archive = |path: &&Path| {
        parent.is_packaged
            && path.parent() == Some(Path::new("charts"))
            && path.extension().is_some_and(|end| end == "tgz")
    };
    let load = |path: &Path| {
        let bytes = parent.files.bytes(path)?;
        let files = ChartFiles::of_bytes(bytes, &parent.dir);
        let name = PathBuf::from(path.file_name()?);
        Some((name, files.and_then(|files| Chart::build(parent.dir.clone(), true, files, depth + 1))))
    };
    parent.files.paths().filter(is_archive).filter_map(load).collect()
}

/// The chart in `charts/` that helm would take for a dependency.
fn packaged(parent: &Chart, dependency: &Dependency, depth: usize) -> Option<Result<Chart, String>> {
    if parent.is_packaged {
        let folder = Path::new("charts").join(&dependency.name);
        if parent.files.bytes(folder.join("Chart.yaml")).is_none() {
            let mut found: Vec<Chart> = archives_inside(parent, depth)
                .into_iter()
                .filter_map(|(_, chart)| chart.ok())
                .filter(|chart| chart.metadata.name == dependency.name)
                .collect();
            let at = found.iter().position(|chart| fits(&dependency.version, &chart.metadata.version));
            return (!found.is_empty()).then(|| Ok(found.swap_remove(at.unwrap_or(0))));
        }
        let chart = Chart::build(parent.dir.clone(), true, parent.files.below(&folder), depth + 1);
        return Some(chart.map_err(|error| error.headline()));
    }
    let mut unreadable = None;
    let mut found: Option<Chart> = None;
    for inside in &parent.files.subcharts {
        let path = parent.dir.join(inside);
        let name = inside.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let loaded = if path.is_dir() && is_chart(&path) {
            Chart::load_inside(parent, inside, depth + 1)
        } else if name.strip_suffix(".tgz").is_some_and(|stem| stem.starts_with(&dependency.name)) {
            Chart::load_archive(&path, depth + 1)
        } else {
            continue;
        };
        match loaded {
            Ok(chart) if chart.metadata.name == dependency.name => {
                // Of several versions the one that fits is the one that is meant.
                if found.is_none() || fits(&dependency.version, &chart.metadata.version) {
                    found = Some(chart);
                }
            }
            Ok(_) => {}
            Err(error) => unreadable = Some(error.headline()),
        }
    }
    found.map(Ok).or(unreadable.map(Err))
}

fn state_of(dependency: &Dependency, chart: &Chart, sibling: Option<&Path>) -> DependencyState {
    if !fits(&dependency.version, &chart.metadata.version) {
        return DependencyState::WrongVersion { found: chart.metadata.version.clone() };
    }
    let source = sibling.and_then(|dir| ChartFiles::of_folder(dir).ok());
    match source.and_then(|source| source.first_difference(&chart.files)) {
        Some(why) => DependencyState::Stale(why),
        None => DependencyState::Current,
    }
}

/// Whether a version satisfies a constraint. A constraint we cannot read is helm's to judge.
fn fits(constraint: &str, version: &str) -> bool {
    match (Constraint::parse(constraint), Version::parse(version)) {
        (Ok(constraint), Ok(version)) => constraint.check(&version),
        _ => true,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn chart(dir: &Path, yaml: &str, template: &str) {
        std::fs::create_dir_all(dir.join("templates")).unwrap();
        std::fs::write(dir.join("Chart.yaml"), yaml).unwrap();
        std::fs::write(dir.join("templates/x.yaml"), template).unwrap();
    }

    /// As `helm package` does: one top folder, `Chart.yaml` written anew.
    fn package(dir: &Path, to: &Path, chart_yaml: &str) {
        let file = std::fs::File::create(to).unwrap();
        let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(file, flate2::Compression::fast()));
        for (name, bytes) in [
            ("Chart.yaml", chart_yaml.as_bytes().to_vec()),
            ("templates/x.yaml", std::fs::read(dir.join("templates/x.yaml")).unwrap()),
        ] {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, format!("sub/{name}"), bytes.as_slice()).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
    }

    #[test]
    fn a_packaged_sibling_is_compared_by_content() {
        let root = tempfile::tempdir().unwrap();
        let (parent, sub) = (root.path().join("parent"), root.path().join("sub"));
        chart(&sub, "apiVersion: v2\nname: sub\nversion: 1.0.0 # comment\n", "a: 1\n");
        chart(
            &parent,
            "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n- {name: sub, version: 1.0.0, repository: 'file://../sub'}\n",
            "",
        );
        let state = || Chart::load(&parent).unwrap().dependencies.remove(0);
        assert_eq!(state().state, DependencyState::Missing);
        assert!(state().chart.is_some(), "the sibling stands in for its values and schema");

        std::fs::create_dir_all(parent.join("charts")).unwrap();
        let archive = parent.join("charts/sub-1.0.0.tgz");
        package(&sub, &archive, "apiVersion: v2\nversion: 1.0.0\nname: sub\n");
        assert_eq!(state().state, DependencyState::Current);
        std::fs::write(sub.join("templates/x.yaml"), "a: 2\n").unwrap();
        assert_eq!(state().state, DependencyState::Stale("templates/x.yaml differs".to_owned()));
        std::fs::write(&archive, "not an archive").unwrap();
        assert!(matches!(state().state, DependencyState::Unreadable(_)));
    }

    #[test]
    fn conditions_come_before_tags_and_silence_means_on() {
        let root = tempfile::tempdir().unwrap();
        chart(
            root.path(),
            "apiVersion: v2\nname: p\nversion: 1.0.0\ndependencies:\n- {name: a, version: 1.x.x, condition: 'a.enabled,b.on', tags: [t]}\n",
            "",
        );
        let dependency = Chart::load(root.path()).unwrap().dependencies.remove(0);
        assert!(dependency.is_enabled(&json!({})));
        assert!(!dependency.is_enabled(&json!({"a": {"enabled": false}, "tags": {"t": true}})));
        assert!(dependency.is_enabled(&json!({"b": {"on": true}, "tags": {"t": false}})));
        assert!(!dependency.is_enabled(&json!({"tags": {"t": false}})));
    }

    #[test]
    fn versions_fit_as_helm_reads_them() {
        let table = [
            ("1.0.0", "1.0.0", true),
            ("1.0.0", "1.0.1", false),
            ("^1.0.0", "1.4.0", true),
            ("~1.2", "1.3.0", false),
            (">=1.0.0 <2.0.0", "1.9.9", true),
            ("1.x.x", "1.7.0", true),
            ("", "0.1.0", true),
        ];
        for (constraint, version, expected) in table {
            assert_eq!(fits(constraint, version), expected, "{constraint} {version}");
        }
    }
}

//! A Helm chart as it lies on disk or in an archive: metadata, files, schema, defaults, and the state of what it
//! depends on. Reading never runs helm and never fails because of one odd file: what cannot be read is a problem.

pub mod dependency;
pub mod files;
mod ignore;
pub mod metadata;
pub mod semver;
pub mod strict;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::{Error, Problem, Result};
use crate::yaml::{self, KeyPath, Segment};

pub use dependency::{Dependency, DependencyState};
pub use files::{ChartFiles, Limits};
pub use metadata::Metadata;

/// Subcharts nest at most so deep; deeper ones are left out with a problem.
const DEPTH: usize = 8;

/// A chart with everything but the bytes of its templates.
#[derive(Debug, Clone)]
pub struct Chart {
    /// The folder that holds `Chart.yaml`, absolute; for a packaged subchart the archive.
    pub dir: PathBuf,
    /// Comes from an archive: its files are not on disk.
    pub is_packaged: bool,
    pub metadata: Metadata,
    pub dependencies: Vec<Dependency>,
    /// All files by their path inside the chart, `charts/` left out.
    pub files: ChartFiles,
    /// `values.yaml`: the name that problems use and its text.
    pub values: Option<(PathBuf, Arc<str>)>,
    /// `values.schema.json`.
    pub schema: Option<(PathBuf, Arc<str>)>,
    /// What is wrong with the chart itself.
    pub problems: Vec<Problem>,
}

impl Chart {
    /// Reads a chart folder with its dependencies.
    ///
    /// # Errors
    /// There is no readable `Chart.yaml`, or it names no chart.
    pub fn load(dir: &Path) -> Result<Self> {
        let dir = dir.canonicalize().map_err(|error| {
            Error::new("cannot open the chart's folder").at(dir.display().to_string()).because(error)
        })?;
        let files = ChartFiles::of_folder(&dir)?;
        Self::build(dir, false, files, 0)
    }

    pub(crate) fn load_archive(archive: &Path, depth: usize) -> Result<Self> {
        let files = ChartFiles::of_archive(archive)?;
        Self::build(archive.to_owned(), true, files, depth)
    }

    fn load_folder_at(dir: &Path, depth: usize) -> Result<Self> {
        Self::build(dir.to_owned(), false, ChartFiles::of_folder(dir)?, depth)
    }

    /// A folder in the `charts/` of another chart's folder: that chart's rules on what is ignored hold.
    fn load_inside(parent: &Self, inside: &Path, depth: usize) -> Result<Self> {
        let dir = parent.dir.join(inside);
        let files = ChartFiles::inside(&parent.files, &dir, inside)?;
        Self::build(dir, false, files, depth)
    }

    fn build(dir: PathBuf, is_packaged: bool, files: ChartFiles, depth: usize) -> Result<Self> {
        let place = |name: &str| if is_packaged { dir.clone() } else { dir.join(name) };
        let text = files
            .text("Chart.yaml")
            .ok_or_else(|| Error::new("there is no readable Chart.yaml").at(dir.display().to_string()))?;
        let (metadata, mut problems) =
            Metadata::read(&text).map_err(|error| error.at(place("Chart.yaml").display().to_string()))?;
        problems.extend(files.problems.iter().cloned());
        let declared = dependency::declared(&metadata, &files, &mut problems);
        let values = files.text("values.yaml").map(|text| (place("values.yaml"), text));
        let schema = files.text("values.schema.json").map(|text| (place("values.schema.json"), text));
        let mut chart =
            Self { dir, is_packaged, metadata, dependencies: Vec::new(), files, values, schema, problems };
        chart.dependencies = if depth < DEPTH {
            declared.into_iter().map(|declared| dependency::resolve(&chart, declared, depth)).collect()
        } else {
            chart
                .problems
                .push(Problem::warning(format!("subcharts deeper than {DEPTH} levels are not shown")));
            Vec::new()
        };
        if depth < DEPTH {
            let undeclared = dependency::undeclared(&chart, depth);
            chart.dependencies.extend(undeclared);
        }
        Ok(chart)
    }

    /// Whether a second look found the same: every file of it and of what it depends on.
    pub fn is_same(&self, other: &Self) -> bool {
        let same = |a: &Dependency, b: &Dependency| {
            a.state == b.state
                && a.key() == b.key()
                && match (&a.chart, &b.chart) {
                    (Some(a), Some(b)) => a.is_same(b),
                    (a, b) => a.is_none() && b.is_none(),
                }
        };
        self.dir == other.dir
            && self.files.is_same(&other.files)
            && self.dependencies.len() == other.dependencies.len()
            && self.dependencies.iter().zip(&other.dependencies).all(|(a, b)| same(a, b))
    }

    /// The dependencies as helm takes them, with the keys of their values and whether their declarations count.
    ///
    /// Helm looks at declarations only below charts that declare something themselves (`is_heard`, true for the root):
    /// elsewhere aliases, conditions and tags mean nothing. What does not fit its declaration is there as one that is
    /// not declared, too.
    pub fn taken(&self, is_heard: bool) -> Vec<(&Dependency, &str, bool)> {
        let mut taken: Vec<(&Dependency, &str, bool)> = Vec::new();
        for dependency in &self.dependencies {
            let is_declared = is_heard && dependency.state != DependencyState::Undeclared;
            let key = if is_declared { dependency.key() } else { dependency.name.as_str() };
            let is_other = matches!(dependency.state, DependencyState::WrongVersion { .. });
            // Of one name there may be a declared version and another one.
            if !is_other && (is_heard || taken.iter().all(|(_, known, _)| *known != key)) {
                taken.push((dependency, key, is_declared));
            }
        }
        taken
    }

    /// Whether the declarations of subcharts are heard, when this chart's are.
    pub fn is_heard_below(&self, is_heard: bool) -> bool {
        is_heard && self.dependencies.iter().any(|dependency| dependency.state != DependencyState::Undeclared)
    }

    /// Template files by their path inside the chart, `templates/` included.
    pub fn templates(&self) -> impl Iterator<Item = &Path> {
        self.files.paths().filter(|path| path.starts_with("templates"))
    }

    /// The values files of environments (`values-<env>.yaml`) as (environment, path inside the chart).
    pub fn values_files(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.files.paths().filter_map(|path| {
            let name = path.file_name()?.to_str()?;
            let environment = name.strip_prefix("values-")?.strip_suffix(".yaml")?;
            (path.parent() == Some(Path::new("")) && !environment.is_empty()).then_some((environment, path))
        })
    }

    /// Whether what helm would render is not what lies beside it: the first dependency that is missing or stale.
    pub fn stale_dependency(&self) -> Option<&Dependency> {
        self.dependencies.iter().find(|dependency| dependency.state.is_bad())
    }

    /// Places in the templates that name a values key literally (`.Values.a.b`), as `templates/x.yaml:9`. A key
    /// reached through `with`, `include` or a loop is not found.
    pub fn mentions(&self, path: &KeyPath) -> Vec<String> {
        let mut keys: Vec<&str> = Vec::new();
        for segment in &path.0 {
            match segment {
                Segment::Key(key) => keys.push(key),
                Segment::Index(_) => break,
            }
        }
        if keys.is_empty() {
            return Vec::new();
        }
        if let Some(dependency) =
            self.dependencies.iter().find(|dependency| Some(&dependency.key()) == keys.first())
        {
            let below = KeyPath(path.0.get(1..).unwrap_or_default().to_vec());
            return dependency
                .chart
                .iter()
                .flat_map(|chart| chart.mentions(&below))
                .map(|place| format!("{}/{place}", dependency.key()))
                .collect();
        }
        let needle = format!(".Values.{}", keys.join("."));
        let mut found = Vec::new();
        for template in self.templates() {
            let Some(text) = template.to_str().and_then(|name| self.files.text(name)) else { continue };
            for (number, line) in text.lines().enumerate() {
                let named = line.match_indices(&needle).any(|(at, _)| {
                    let next = line.get(at + needle.len()..).and_then(|rest| rest.chars().next());
                    next.is_none_or(|c| !c.is_alphanumeric() && c != '_')
                });
                if named {
                    found.push(format!("{}:{}", template.display(), number + 1));
                }
            }
        }
        found
    }

    /// The chart's own values as Helm reads them; empty when there are none or they are broken.
    pub fn default_values(&self) -> yaml::Value {
        let empty = || yaml::Value::Object(serde_json::Map::new());
        let read = self.values.as_ref().and_then(|(_, text)| yaml::read(text).ok());
        read.filter(serde_json::Value::is_object).unwrap_or_else(empty)
    }
}

/// Whether a folder is a chart.
pub fn is_chart(dir: &Path) -> bool {
    dir.join("Chart.yaml").is_file()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn write(dir: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = dir.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn a_chart_with_its_files_environments_and_mentions() {
        let dir = tempfile::tempdir().unwrap();
        write(
            dir.path(),
            &[
                ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.2.3\nappVersion: 2.0\n"),
                ("values.yaml", "replicas: 1\n"),
                ("values-dev.yaml", "replicas: 2\n"),
                ("templates/web.yaml", "a: {{ .Values.replicas }}\nb: {{ .Values.replicasMax }}\n"),
                ("README.md", "# web\n"),
                (".helmignore", "*.md\n"),
            ],
        );
        let chart = Chart::load(dir.path()).unwrap();
        assert_eq!((chart.metadata.name.as_str(), chart.metadata.version.as_str()), ("web", "1.2.3"));
        // As helm reads it: a number, written shortly.
        assert_eq!(chart.metadata.app_version.as_deref(), Some("2"));
        assert_eq!(chart.values_files().map(|(env, _)| env).collect::<Vec<_>>(), ["dev"]);
        assert_eq!(chart.mentions(&KeyPath::of(["replicas"])), ["templates/web.yaml:1"]);
    }

    #[test]
    fn without_chart_yaml_the_error_says_so() {
        let dir = tempfile::tempdir().unwrap();
        let error = Chart::load(dir.path()).unwrap_err();
        assert!(error.headline().contains("no readable Chart.yaml"), "{error}");
        write(dir.path(), &[("Chart.yaml", "version: [")]);
        assert!(Chart::load(dir.path()).is_err());
    }
}

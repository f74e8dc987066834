//! The workspace's `floe-tui.toml`: what the team agreed on about charts and environments, next to the charts.
//! Nothing wrong in it is fatal.
//!
//! ```toml
//! [charts.floe-platform]
//! release = "floe"
//! [charts.floe-platform.environments.prod]
//! values = ["values-prod.yaml", "secrets-prod.yaml"]
//! protected = true
//! post-renderer = ["kustomize-post", "--env", "prod"]   # also for a whole chart
//! [charts.floe-platform.environments.prod.decrypt]         # also for a whole chart
//! "secrets-prod.yaml" = ["sops", "--decrypt"]
//! [charts.floe-platform.generate]          # values from what floe compile wrote, one file for each environment
//! artifacts = "target/compiled_artifacts.json"   # all paths from the folder of this file
//! manifest = "manifest.yaml"
//! spec = "floe.yaml"
//! jobs = "per-model"                       # or "single"
//! output = "generated"                     # floe-platform-prod.yaml is made there
//! [charts.other.clusterMapping.non-prod]   # only for a chart whose values have none
//! cluster = "aks-shared-nonprod"
//! environments = ["dev", "qa"]
//! ```

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::located::Located;
use super::mapping::{self, Mapping, MappingOrigin};
use crate::base::Problem;
use crate::generate::JobsMode;
use crate::model::rules;
use crate::yaml::KeyPath;

/// The file's name in the workspace's root.
pub const FILE: &str = "floe-tui.toml";

/// What `floe-tui.toml` says.
#[derive(Debug, Clone, Default)]
pub struct WorkspaceSettings {
    /// The file, when there is one, relative to the workspace.
    pub file: Option<PathBuf>,
    /// By the chart's name.
    pub charts: BTreeMap<String, ChartSettings>,
    /// Values that cannot be used (warnings).
    pub problems: Vec<Problem>,
}

/// What it says about one chart.
#[derive(Debug, Clone, Default)]
pub struct ChartSettings {
    /// The release's name instead of the chart's.
    pub release: Option<String>,
    /// By the environment's name.
    pub environments: BTreeMap<String, EnvironmentSettings>,
    /// The mapping of a chart whose values have none.
    pub mapping: Option<Mapping>,
    /// What stands between the chart and what helm sends, in every environment.
    pub between: Between,
    /// What its values are generated from.
    pub generate: Option<GenerateSettings>,
    /// What is wrong with that mapping.
    pub mapping_problems: Vec<Problem>,
    /// Where the chart's table stands, from 1.
    pub line: Option<usize>,
}

/// What it says about one environment of a chart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EnvironmentSettings {
    /// The release's name in this environment, used as it is.
    pub release: Option<String>,
    /// The values files after `values.yaml`, lowest first, instead of `values-<environment>.yaml`.
    pub values: Option<Vec<PathBuf>>,
    /// Whether the environment's name has to be typed before something changes there.
    pub protected: Option<bool>,
    /// What stands between the chart and what helm sends, here; goes before what the chart says for all.
    pub between: Between,
    /// Where `values` stands, from 1.
    pub line: Option<usize>,
}

/// What a chart's values are generated from. Paths are as they are written: from the folder of `floe-tui.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GenerateSettings {
    /// `compiled_artifacts.json`.
    pub artifacts: PathBuf,
    /// `manifest.yaml`, for the order of environments.
    pub manifest: Option<PathBuf>,
    /// `floe.yaml`, for the schedule.
    pub spec: Option<PathBuf>,
    /// How models become jobs.
    pub jobs: JobsMode,
    /// The folder of the files that are made; `None` for [`OUTPUT`].
    pub output: Option<PathBuf>,
    /// Where the table stands, from 1.
    pub line: Option<usize>,
}

/// Where generated files are made unless `floe-tui.toml` says otherwise: beside it, so outside of every chart of a folder
/// of charts, where helm would pack them.
pub const OUTPUT: &str = "generated";

impl GenerateSettings {
    fn read(document: &mut Located, path: &KeyPath) -> Option<Self> {
        if !path.get(&document.value)?.is_object() {
            document.map(path);
            return None;
        }
        document.only(path, &["artifacts", "manifest", "spec", "jobs", "output"]);
        let named = document.text(&path.key("jobs"));
        let jobs = named.and_then(|word| {
            let jobs = JobsMode::parse(&word);
            if jobs.is_none() {
                let words = JobsMode::ALL.map(JobsMode::word).join(", ");
                document.warn(&path.key("jobs"), format!("must be one of {words}"));
            }
            jobs
        });
        let mut file = |key: &str| document.text(&path.key(key)).map(PathBuf::from);
        let (artifacts, manifest, spec, output) =
            (file("artifacts"), file("manifest"), file("spec"), file("output"));
        if artifacts.is_none() && path.key("artifacts").get(&document.value).is_none() {
            document.warn(path, "names no artifacts: artifacts = \"target/compiled_artifacts.json\"");
        }
        let jobs = jobs.unwrap_or_default();
        Some(Self { artifacts: artifacts?, manifest, spec, jobs, output, line: document.line(path) })
    }
}

/// Commands that stand between the files and what helm sends to the cluster. They are not run here, so whatever they
/// touch is not known: that is said, and no plan is made on top of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Between {
    /// Changes what helm has rendered.
    pub post_renderer: Option<Declared>,
    /// Makes a values file readable, by the file as it is listed.
    pub decrypt: Vec<(PathBuf, Declared)>,
}

/// A command and where it is declared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// Program and arguments; never empty.
    pub command: Vec<String>,
    /// In `floe-tui.toml`, from 1.
    pub line: Option<usize>,
}

impl Declared {
    /// `` `sops --decrypt` (floe-tui.toml:7) ``
    pub fn words(&self) -> String {
        let line = self.line.map(|line| format!(":{line}")).unwrap_or_default();
        format!("`{}` ({FILE}{line})", self.command.join(" "))
    }

    fn read(document: &mut Located, path: &KeyPath) -> Option<Self> {
        let command = document.texts(path)?;
        if command.first().is_none_or(|program| program.trim().is_empty()) {
            document.warn(path, "must name a program");
            return None;
        }
        Some(Self { command, line: document.line(path) })
    }
}

impl Between {
    fn read(document: &mut Located, path: &KeyPath) -> Self {
        let list = path.key("decrypt");
        let files: Vec<String> = document.map(&list).keys().cloned().collect();
        let mut decrypt = Vec::new();
        for file in files {
            decrypt.extend(
                Declared::read(document, &list.key(&file)).map(|declared| (PathBuf::from(file), declared)),
            );
        }
        Self { post_renderer: Declared::read(document, &path.key("post-renderer")), decrypt }
    }

    /// This, and what `other` says where this says nothing.
    #[must_use]
    pub fn over(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.post_renderer = both.post_renderer.or_else(|| other.post_renderer.clone());
        for (file, declared) in &other.decrypt {
            if !both.decrypt.iter().any(|(known, _)| known == file) {
                both.decrypt.push((file.clone(), declared.clone()));
            }
        }
        both
    }
}

impl WorkspaceSettings {
    /// Reads the file's text; `file` is how messages name it.
    pub fn read(file: &Path, text: &str) -> Self {
        let mut document = Located::toml(file, text);
        let root = KeyPath::root();
        document.only(&root, &["charts"]);
        let charts = root.key("charts");
        let mut settings = Self { file: Some(file.to_owned()), ..Self::default() };
        for name in document.map(&charts).keys() {
            let chart = read_chart(&mut document, &charts.key(name));
            settings.charts.insert(name.clone(), chart);
        }
        settings.problems = document.problems;
        settings
    }
}

fn read_chart(document: &mut Located, path: &KeyPath) -> ChartSettings {
    document.only(path, &["release", "environments", "post-renderer", "decrypt", "generate", mapping::KEY]);
    let release = release(document, &path.key("release"));
    let mut environments = BTreeMap::new();
    let list = path.key("environments");
    for name in document.map(&list).keys() {
        let path = list.key(name);
        if let Some(why) = mapping::environment_fault(name) {
            document.warn(&path, format!("\"{name}\" is no name for an environment: {why}"));
            continue;
        }
        document.only(&path, &["release", "values", "protected", "post-renderer", "decrypt"]);
        let values = document.texts(&path.key("values"));
        let environment = EnvironmentSettings {
            release: self::release(document, &path.key("release")),
            values: values.map(|files| files.into_iter().map(PathBuf::from).collect()),
            protected: document.switch(&path.key("protected")),
            between: Between::read(document, &path),
            line: document.line(&path.key("values")),
        };
        environments.insert(name.clone(), environment);
    }
    let between = Between::read(document, path);
    let generate = GenerateSettings::read(document, &path.key("generate"));
    let base = path.key(mapping::KEY);
    let (mapping, mut mapping_problems) = Mapping::read(document, &base, MappingOrigin::Settings);
    if let Some(mapping) = &mapping {
        mapping_problems.extend(rules::check(mapping, document, &base));
    }
    let line = document.line(path);
    ChartSettings { release, environments, mapping, between, generate, mapping_problems, line }
}

fn release(document: &mut Located, path: &KeyPath) -> Option<String> {
    let name = document.text(path)?;
    match super::target::release_fault(&name) {
        None => Some(name),
        Some(why) => {
            document.warn(path, format!("\"{name}\" is no name for a release: {why}"));
            None
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn read(text: &str) -> WorkspaceSettings {
        WorkspaceSettings::read(Path::new(FILE), text)
    }

    #[test]
    fn the_example_of_the_readme() {
        let settings = read(
            "[charts.floe-platform]\nrelease = \"floe\"\n[charts.floe-platform.environments.prod]\nvalues = [\"values-prod.yaml\", \"secrets-prod.yaml\"]\nprotected = true\n",
        );
        assert_eq!(settings.problems, []);
        let chart = &settings.charts["floe-platform"];
        assert_eq!(chart.release.as_deref(), Some("floe"));
        let prod = &chart.environments["prod"];
        assert_eq!(prod.protected, Some(true));
        assert_eq!(prod.values.as_ref().unwrap().len(), 2);
        assert_eq!(prod.line, Some(4));
    }

    #[test]
    fn commands_between_the_files_and_the_cluster_are_read_with_their_lines() {
        let settings = read(
            "[charts.a]\npost-renderer = \"patch\"\n[charts.a.decrypt]\n\"all.yaml\" = [\"age\", \"-d\"]\n[charts.a.environments.prod]\npost-renderer = [\"patch\", \"--prod\"]\n[charts.a.environments.prod.decrypt]\n\"secrets.yaml\" = [\"sops\", \"-d\"]\n[charts.b]\npost-renderer = []\n",
        );
        let warned: Vec<_> = settings.problems.iter().map(ToString::to_string).collect();
        assert_eq!(warned, ["floe-tui.toml:10 charts.b.post-renderer: must name a program"]);
        let chart = &settings.charts["a"];
        let prod = chart.environments["prod"].between.over(&chart.between);
        assert_eq!(prod.post_renderer.unwrap().words(), "`patch --prod` (floe-tui.toml:6)");
        let files: Vec<_> =
            prod.decrypt.iter().map(|(file, how)| format!("{} {}", file.display(), how.words())).collect();
        assert_eq!(
            files,
            ["secrets.yaml `sops -d` (floe-tui.toml:8)", "all.yaml `age -d` (floe-tui.toml:4)"]
        );
        assert_eq!(chart.between.post_renderer.as_ref().unwrap().command, ["patch"]);
    }

    #[test]
    fn what_values_are_generated_from_is_read_and_checked() {
        let settings = read(
            "[charts.a.generate]\nartifacts = \"target/a.json\"\nspec = \"floe.yaml\"\njobs = \"single\"\n[charts.b.generate]\njobs = \"some\"\nartifact = \"a.json\"\n[charts.c.generate]\nartifacts = 1\n[charts.d]\ngenerate = true\n",
        );
        let expected = GenerateSettings {
            artifacts: "target/a.json".into(),
            spec: Some("floe.yaml".into()),
            jobs: JobsMode::Single,
            line: Some(1),
            ..GenerateSettings::default()
        };
        assert_eq!(settings.charts["a"].generate, Some(expected));
        assert!(["b", "c", "d"].iter().all(|name| settings.charts[*name].generate.is_none()));
        let warned: Vec<_> = settings.problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            warned,
            [
                "floe-tui.toml:7 charts.b.generate.artifact: unknown key, known are artifacts, manifest, spec, jobs, output",
                "floe-tui.toml:6 charts.b.generate.jobs: must be one of per-model, single",
                "floe-tui.toml:5 charts.b.generate: names no artifacts: artifacts = \"target/compiled_artifacts.json\"",
                "floe-tui.toml:9 charts.c.generate.artifacts: must be text in quotes",
                "floe-tui.toml:11 charts.d.generate: must be a table",
            ]
        );
    }

    #[test]
    fn a_mapping_keeps_the_order_of_the_file_and_is_checked() {
        let settings = read(
            "[charts.a.clusterMapping.z]\ncluster = \"one\"\nenvironments = [\"dev\"]\n[charts.a.clusterMapping.b]\ncluster = \"two\"\nenvironments = [\"dev\", \"prod\"]\nisolation = \"none\"\n",
        );
        let chart = &settings.charts["a"];
        let mapping = chart.mapping.as_ref().unwrap();
        assert_eq!(mapping.environments(), ["dev", "prod"]);
        assert_eq!(mapping.origin, MappingOrigin::Settings);
        let problems: Vec<_> = chart.mapping_problems.iter().map(ToString::to_string).collect();
        assert_eq!(
            problems,
            [
                "floe-tui.toml:7 charts.a.clusterMapping.b.isolation: must be one of namespace, label",
                "floe-tui.toml:6 charts.a.clusterMapping.b.environments[0]: dev is already in the mapping z; an environment belongs to exactly one"
            ]
        );
    }

    #[test]
    fn wrong_values_are_warned_and_left_out() {
        let settings = read(
            "colour = 1\n[charts.a]\nrelease = \"Bad_Name\"\nextra = 1\n[charts.a.environments.prod]\nprotected = \"yes\"\nvalues = 3\n[charts.a.environments.Bad]\n",
        );
        let chart = &settings.charts["a"];
        assert_eq!((chart.release.as_ref(), chart.environments["prod"].protected), (None, None));
        let lines: Vec<_> = settings.problems.iter().map(|problem| problem.line.unwrap()).collect();
        assert_eq!(lines, [1, 4, 3, 7, 6, 8]);
        assert!(settings.problems.iter().all(|problem| problem.severity == crate::base::Severity::Warning));
    }
}

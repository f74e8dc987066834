//! Generated values in a workspace: from which sources, for which target, into which file, and whether a file is still
//! what its sources give. The command and the rooms do the same by this.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::discover::{Workspace, WorkspaceChart, read_mapping};
use super::target::resolve;
use super::user::Settings;
use super::validate::merge;
use crate::base::{Error, Problem, Severity, atomic};
use crate::generate::{self, Artifact, Generated, JobsMode, Site, Wish};
use crate::model::manifest::FromYaml;
use crate::model::{ClusterMapping, FloeSpec, Isolation, Manifest, Mapping, mapping};
use crate::values::{self, Layer, LayerKind, LayerSet, Texts};

/// The files that are generated from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFiles {
    /// `compiled_artifacts.json`.
    pub artifacts: PathBuf,
    /// `manifest.yaml`, for the order of environments.
    pub manifest: Option<PathBuf>,
    /// `floe.yaml`, for the schedule.
    pub spec: Option<PathBuf>,
}

impl SourceFiles {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&self.artifacts).chain(&self.manifest).chain(&self.spec).map(PathBuf::as_path)
    }
}

/// What `floe-tui.toml` says of a chart's generated values, with absolute paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateFrom {
    /// The sources.
    pub files: SourceFiles,
    /// How models become jobs.
    pub jobs: JobsMode,
    /// The folder of the files that are made.
    pub output: PathBuf,
    /// Where it is said in `floe-tui.toml`, from 1.
    pub line: Option<usize>,
}

/// The name of the file that is made for an environment of a chart.
pub fn file_name(chart: &str, environment: &str) -> String {
    format!("{chart}-{environment}.yaml")
}

/// Sources that were read.
#[derive(Debug)]
pub struct Sources {
    /// Without its credentials.
    pub artifact: Artifact,
    /// The manifest, where one is named.
    pub manifest: Option<FromYaml<Manifest>>,
    /// The schedule, where one is named.
    pub spec: Option<FromYaml<FloeSpec>>,
}

impl Sources {
    /// Reads all of them.
    ///
    /// # Errors
    /// Everything that is wrong with any of them, with file and line.
    pub fn read(files: &SourceFiles) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        let artifact = Artifact::read(&files.artifacts).map_err(|found| problems.extend(found)).ok();
        let manifest = files.manifest.as_deref().map(FromYaml::read).transpose();
        let manifest = manifest.map_err(|found| problems.extend(found)).ok();
        let spec = files.spec.as_deref().map(FromYaml::read).transpose();
        let spec = spec.map_err(|found| problems.extend(found)).ok();
        match (artifact, manifest, spec) {
            (Some(artifact), Some(manifest), Some(spec)) if problems.is_empty() => {
                Ok(Self { artifact, manifest, spec })
            }
            _ => Err(problems),
        }
    }
}

/// What is asked of a [`Generator`].
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// For which environments.
    pub environments: &'a [String],
    /// Whether somebody named just these: then one that the manifest does not know is an error.
    pub named: bool,
    /// The operator's own values that are written into the files, lowest first.
    pub overrides: &'a [Layer],
    /// How models become jobs.
    pub jobs: JobsMode,
    /// The texts of files as the editor has them.
    pub texts: &'a Texts<'a>,
}

/// The values of one environment, and where they go.
#[derive(Debug, Clone)]
pub struct Made {
    /// What was generated.
    pub generated: Generated,
    /// The namespace it is for.
    pub namespace: String,
    /// The release it is for.
    pub release: String,
    /// Its file, where the workspace names one.
    pub file: Option<PathBuf>,
}

impl Made {
    /// The Secrets that have to exist, in words and commands without values: a headline, then for each its command and
    /// below it, indented, its keys. `None` where none is needed.
    pub fn secrets(&self) -> Option<(String, Vec<String>)> {
        let needed = &self.generated.needed;
        let lines = needed.iter().flat_map(|needed| {
            let keys = needed.keys.iter().map(|(key, about)| format!("  {key}: {about}"));
            std::iter::once(needed.command(&self.namespace)).chain(keys)
        });
        let head = format!(
            "{} needs these Secrets; put each value into a file of its own:",
            self.generated.environment
        );
        (!needed.is_empty()).then(|| (head, lines.collect()))
    }
}

/// Everything that was made for a chart.
#[derive(Debug, Clone, Default)]
pub struct MadeAll {
    /// By environment, in the order of promotion.
    pub made: Vec<Made>,
    /// Errors first; with one of them nothing may be used.
    pub problems: Vec<Problem>,
}

impl MadeAll {
    /// Whether it may be used.
    pub fn is_usable(&self) -> bool {
        self.problems.iter().all(|problem| problem.severity != Severity::Error)
    }

    /// Only problems.
    pub fn failed(problems: Vec<Problem>) -> Self {
        Self { made: Vec::new(), problems: sorted(problems) }
    }

    /// What was made for an environment.
    pub fn of(&self, environment: &str) -> Option<&Made> {
        self.made.iter().find(|made| made.generated.environment == environment)
    }
}

/// The same problem of several environments is one problem of all of them; errors first.
fn sorted(problems: Vec<Problem>) -> Vec<Problem> {
    let mut merged = merge(problems);
    merged.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
    merged
}

/// A chart that gets generated values, with the mapping that says where its environments live.
#[derive(Debug)]
pub struct Generator {
    chart: WorkspaceChart,
    /// The chart beside it whose mapping holds, when it has none.
    beside: Option<WorkspaceChart>,
    mapping_problems: Vec<Problem>,
}

impl Generator {
    /// For a chart; where it has no mapping, that of a chart around it holds which maps one of the environments, the
    /// platform's first.
    pub fn new(chart: &WorkspaceChart, around: &[&Workspace], environments: &[String]) -> Self {
        let holds = |own: &&WorkspaceChart| {
            let mapping = own.mapping.as_ref();
            mapping.is_some_and(|mapping| environments.iter().any(|name| mapping.of(name).is_some()))
        };
        let charts = || around.iter().flat_map(|workspace| &workspace.charts).filter(holds);
        let beside = if chart.mapping.is_some() {
            None
        } else {
            charts().find(|own| own.name == generate::PLATFORM).or_else(|| charts().next())
        };
        let is_mapping = |problem: &&Problem| {
            problem.key == mapping::KEY || problem.key.starts_with(&format!("{}.", mapping::KEY))
        };
        let owner = beside.unwrap_or(chart);
        let mapping_problems = owner.problems.iter().filter(is_mapping).cloned().collect();
        Self { chart: chart.clone(), beside: beside.cloned(), mapping_problems }
    }

    /// For a chart of a workspace whose texts may be edited: the mapping is that of the edited text.
    pub fn edited(workspace: &Workspace, chart: &WorkspaceChart, texts: &Texts<'_>) -> Self {
        let environments: Vec<String> = chart.environments.iter().map(|own| own.name.clone()).collect();
        let mut generator = Self::new(chart, &[workspace], &environments);
        let owner = generator.beside.as_mut().unwrap_or(&mut generator.chart);
        if let Some(text) = texts(&owner.dir.join("values.yaml")) {
            let settings = workspace.settings.charts.get(&owner.name);
            (owner.mapping, generator.mapping_problems) = read_mapping(&owner.values_name(), &text, settings);
        }
        generator
    }

    /// The chart that gets the values.
    pub fn chart(&self) -> &WorkspaceChart {
        &self.chart
    }

    /// The chart whose mapping holds.
    fn owner(&self) -> &WorkspaceChart {
        self.beside.as_ref().unwrap_or(&self.chart)
    }

    fn mapping(&self) -> Option<&Mapping> {
        self.owner().mapping.as_ref()
    }

    /// The environments of the chart that have a generated file and live somewhere.
    pub fn environments(&self) -> Vec<String> {
        let lives = |name: &str| self.mapping().is_none_or(|mapping| mapping.of(name).is_some());
        let own = self.chart.environments.iter().filter(|own| own.generated.is_some());
        own.map(|own| own.name.clone()).filter(|name| lives(name)).collect()
    }

    /// Generates.
    pub fn make(&self, sources: &Sources, asked: &Asked, settings: &Settings) -> MadeAll {
        let Some(mapping) = self.mapping() else {
            let words = format!(
                "neither {} nor a chart beside it has a {}: nothing says where an environment lives",
                self.chart.name,
                mapping::KEY
            );
            return MadeAll::failed(vec![Problem::error(words).at(self.chart.values_name(), None)]);
        };
        let mut problems = self.mapping_problems.clone();
        let manifest = sources.manifest.as_ref();
        let (environments, faults) = generate::order(asked.environments, manifest, mapping);
        problems.extend(if asked.named { faults } else { generate::order(&[], manifest, mapping).1 });
        let mut made = Vec::new();
        for environment in &environments {
            match self.one(sources, asked, settings, environment, mapping) {
                Ok(one) => {
                    problems.extend(one.generated.problems.iter().cloned());
                    made.push(one);
                }
                Err(problem) => problems.push(problem),
            }
        }
        MadeAll { made, problems: sorted(problems) }
    }

    fn one(
        &self,
        sources: &Sources,
        asked: &Asked,
        settings: &Settings,
        environment: &str,
        mapping: &Mapping,
    ) -> Result<Made, Problem> {
        let target = self.target(settings, environment, mapping)?;
        let own = self.chart.environment(environment);
        let files = own.map(|own| own.values_files.as_slice()).unwrap_or_default();
        let named = own.and_then(|own| own.generated.as_ref());
        let text = |file: &Path| (asked.texts)(file).or_else(|| on_disk(file));
        // What was generated before is no source of what is generated now.
        let is_generated = |file: &PathBuf| {
            Some(file) == named || text(file).is_some_and(|text| values::made_from(&text).is_some())
        };
        let at = files.iter().position(is_generated).unwrap_or(files.len());
        let (below, above) = files.split_at(at);
        let is_readable = |file: &&PathBuf| {
            !is_generated(file) && text(file).is_some_and(|text| !values::is_encrypted(&text))
        };
        let below: Vec<PathBuf> = below.iter().filter(is_readable).cloned().collect();
        let chart = &self.chart;
        let layers = LayerSet::for_environment(&chart.chart, &below, asked.texts);
        let above: Vec<Layer> = above
            .iter()
            .filter(is_readable)
            .filter_map(|file| {
                let name = file.strip_prefix(&chart.dir).unwrap_or(file).display().to_string();
                values::layer(name, LayerKind::Environment, Some(file.clone()), text(file)?).ok()
            })
            .collect();
        let wish = Wish {
            artifact: &sources.artifact,
            spec: sources.spec.as_ref(),
            overrides: asked.overrides,
            jobs: asked.jobs,
        };
        let site = Site {
            chart: &chart.chart,
            schema: &chart.schema,
            environment,
            namespace: &target.namespace,
            release: &target.release,
            cluster: &target.cluster,
            mapping_file: &mapping.file,
            below: &layers,
            above: &above,
            platform: target.platform.as_deref(),
        };
        Ok(Made {
            generated: generate::generate(&wish, &site),
            namespace: target.namespace,
            release: target.release,
            file: named.cloned(),
        })
    }

    fn target(&self, settings: &Settings, name: &str, mapping: &Mapping) -> Result<Place, Problem> {
        let owner = self.owner();
        let fault = |error: &Error| {
            let next = error.next.as_ref().map(|next| format!("; {next}")).unwrap_or_default();
            Problem::error(format!("{}{next}", error.what)).at(&mapping.file, None).environment(name)
        };
        let unmapped = || {
            let known = mapping.environments().join(", ");
            fault(
                &Error::new(format!("{name} is in no cluster mapping"))
                    .next(format!("choose one of: {known}")),
            )
        };
        let cluster = mapping.of(name).cloned().ok_or_else(unmapped)?;
        let environment = owner.environment(name).ok_or_else(unmapped)?;
        let resolved = resolve(owner, environment, &[], settings).map_err(|error| fault(&error))?;
        let chart = &self.chart;
        let release = if self.beside.is_none() {
            resolved.release.clone()
        } else {
            let named = chart.environment(name).and_then(|own| own.release.clone());
            let stem = named.or_else(|| chart.release.clone()).unwrap_or_else(|| chart.name.clone());
            if resolved.isolation == Isolation::Label { format!("{stem}-{name}") } else { stem }
        };
        let platform = (owner.name == generate::PLATFORM).then_some(resolved.release);
        Ok(Place { cluster, namespace: resolved.namespace, release, platform })
    }
}

/// Where an environment's values go.
struct Place {
    cluster: ClusterMapping,
    namespace: String,
    release: String,
    /// The platform's release in the same namespace.
    platform: Option<String>,
}

/// What generating does to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileState {
    /// There is none yet.
    Created,
    /// It was generated, and is something else now.
    Changed,
    /// It is the same.
    Unchanged,
    /// Somebody wrote it: it is left alone.
    Foreign,
}

impl FileState {
    /// Of a file's text as it is.
    pub fn of(before: Option<&str>, generated: &str) -> Self {
        match before {
            None => Self::Created,
            Some(text) if text == generated => Self::Unchanged,
            Some(text) if text.trim().is_empty() || values::made_from(text).is_some() => Self::Changed,
            Some(_) => Self::Foreign,
        }
    }

    /// One word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
            Self::Foreign => "not generated",
        }
    }
}

/// Why a file is not what its sources give, in words; `None` when it is.
pub fn staleness(before: Option<&str>, made: &Generated) -> Option<String> {
    let short = |hash: &str| hash.chars().take(12).collect::<String>();
    match FileState::of(before, &made.text) {
        FileState::Unchanged => None,
        FileState::Created => Some("is not generated yet".to_owned()),
        FileState::Foreign => {
            Some("stands where generated values belong and was written by somebody: move it".to_owned())
        }
        FileState::Changed => {
            let (old, new) = (before.and_then(values::made_from), values::made_from(&made.text));
            Some(match (old, new) {
                (Some(old), Some(new)) if old != new => {
                    format!("is stale: made from artifact {}, which is {} now", short(old), short(new))
                }
                _ => "is stale: edited by hand, or made with another mapping, schedule or version".to_owned(),
            })
        }
    }
}

/// What has to be done about it, after [`staleness`].
fn remedy(chart: &WorkspaceChart) -> String {
    let dir = if chart.shown.as_os_str().is_empty() { Path::new(".") } else { &chart.shown };
    format!("generate in Values, or floe-tui generate --chart {}", dir.display())
}

/// The text of a file; `None` when there is none that can be read.
fn on_disk(file: &Path) -> Option<Arc<str>> {
    atomic::read(file).ok().map(|file| file.text)
}

/// What is wrong with a chart's generated files, as warnings: those that are not what their sources give, and sources that
/// cannot be read, so that nobody knows.
pub(super) fn problems(workspace: &Workspace, chart: &WorkspaceChart) -> Vec<Problem> {
    let Some(from) = &chart.generate else { return Vec::new() };
    let made = make(workspace, chart, from, &|_| None);
    let found = stale(workspace, &made, &on_disk).into_iter();
    found
        .map(|mut problem| {
            if problem.environment.is_some() {
                problem.message = format!("{}; {}", problem.message, remedy(chart));
            }
            problem
        })
        .collect()
}

/// Generates as `floe-tui.toml` says, for all environments that have a generated file.
pub fn make(
    workspace: &Workspace,
    chart: &WorkspaceChart,
    from: &GenerateFrom,
    texts: &Texts<'_>,
) -> MadeAll {
    let generator = Generator::edited(workspace, chart, texts);
    let environments = generator.environments();
    match Sources::read(&from.files) {
        Err(problems) => MadeAll::failed(problems),
        Ok(sources) => {
            let asked =
                Asked { environments: &environments, named: false, overrides: &[], jobs: from.jobs, texts };
            // Contexts of the operator have no part in it.
            generator.make(&sources, &asked, &Settings::default())
        }
    }
}

/// Compares what was made with the files as they are; what is no matter of one environment is a matter of the sources.
pub fn stale(workspace: &Workspace, made: &MadeAll, text: &Texts<'_>) -> Vec<Problem> {
    let mut errors = made.problems.iter().filter(|problem| problem.severity == Severity::Error);
    if let Some(first) = errors.next() {
        let more = match errors.count() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        let words =
            format!("nothing can be generated from it, so whether files are stale is not known{more}");
        let mut told = Problem::warning(format!("{}; {words}", first.message)).key(first.key.clone());
        told.file = first.file.as_deref().map(|file| workspace.shown(file));
        told.line = first.line;
        return vec![told];
    }
    let stale = made.made.iter().filter_map(|one| {
        let file = one.file.as_ref()?;
        let words = staleness(text(file).as_deref(), &one.generated)?;
        let told = Problem::warning(words).at(workspace.shown(file), None);
        Some(told.environment(&*one.generated.environment))
    });
    stale.collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "generated_tests.rs"]
mod tests;

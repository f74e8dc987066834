//! What a folder holds: its charts, the environments of each, and what is wrong with how they are mapped.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::generated::{GenerateFrom, SourceFiles, file_name};
use super::located::Located;
use super::mapping::{self, KEY, Mapping, MappingOrigin};
use super::settings::{self, Between, ChartSettings, GenerateSettings, WorkspaceSettings};
use crate::base::{Error, Problem, Result, Severity};
use crate::chart::Chart;
use crate::generate;
use crate::model::manifest::FromYaml;
use crate::model::{Manifest, rules};
use crate::schema::ChartSchema;
use crate::yaml::{self, KeyPath};

/// A logical environment of a chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// `dev`, `prod`.
    pub name: String,
    /// Whether a cluster mapping holds it; without one it can be edited and rendered, not installed.
    pub mapped: bool,
    /// The values files after the chart's own `values.yaml`, absolute, lowest first. An edit of this environment
    /// writes the last that is not generated; it may not exist yet.
    pub values_files: Vec<PathBuf>,
    /// Whether its name has to be typed before something changes there: `prod` and `production` unless
    /// `floe-tui.toml` says otherwise.
    pub protected: bool,
    /// The release's name, when `floe-tui.toml` gives one for this environment.
    pub release: Option<String>,
    /// What `floe-tui.toml` declares and is not run here.
    pub unreadable: Vec<Unreadable>,
    /// The one of its values files that is generated, when `floe-tui.toml` says from what. It may not exist yet.
    pub generated: Option<PathBuf>,
}

/// Why what helm gets or sends cannot be known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// The values file that it is about, absolute; `None` when it is about everything that is rendered.
    pub file: Option<PathBuf>,
    /// What, and where it is declared.
    pub words: String,
}

/// A chart of the workspace.
#[derive(Debug, Clone)]
pub struct WorkspaceChart {
    /// The chart itself.
    pub chart: Arc<Chart>,
    /// Its schema with those of its subcharts.
    pub schema: Arc<ChartSchema>,
    /// Its folder, absolute.
    pub dir: PathBuf,
    /// Its folder as messages name it: relative to the workspace, empty when the workspace is the chart.
    pub shown: PathBuf,
    /// The name that `Chart.yaml` gives, else the folder's.
    pub name: String,
    /// The release's name, when `floe-tui.toml` gives one.
    pub release: Option<String>,
    /// Which environments run where; `None` when nothing says.
    pub mapping: Option<Mapping>,
    /// In the order of the mapping, then those that have only a values file, by name.
    pub environments: Vec<Environment>,
    /// What its values are generated from, when `floe-tui.toml` says so.
    pub generate: Option<GenerateFrom>,
    /// The manifest that `floe-tui.toml` names for it: the order of environments and their gates.
    pub manifest: Option<Arc<FromYaml<Manifest>>>,
    /// What is wrong with mapping, environments and settings. Values and schemas are checked by
    /// `super::validate`.
    pub problems: Vec<Problem>,
}

impl WorkspaceChart {
    /// The chart's `values.yaml` as messages name it.
    pub fn values_name(&self) -> PathBuf {
        self.shown.join("values.yaml")
    }

    /// An environment by name.
    pub fn environment(&self, name: &str) -> Option<&Environment> {
        self.environments.iter().find(|environment| environment.name == name)
    }
}

/// The folder that floe-tui was opened on.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// The folder, absolute.
    pub root: PathBuf,
    /// By folder.
    pub charts: Vec<WorkspaceChart>,
    /// Folders that hold a `Chart.yaml` that cannot be used, and why.
    pub broken: Vec<(PathBuf, Error)>,
    /// What `floe-tui.toml` says.
    pub settings: WorkspaceSettings,
    /// What is wrong with the workspace as such; what is wrong with a chart is there.
    pub problems: Vec<Problem>,
}

impl Workspace {
    /// A chart by its name.
    pub fn chart(&self, name: &str) -> Option<&WorkspaceChart> {
        self.charts.iter().find(|chart| chart.name == name)
    }

    /// A file as messages name it: relative to the workspace where it lies inside.
    pub fn shown(&self, file: &Path) -> PathBuf {
        file.strip_prefix(&self.root).unwrap_or(file).to_owned()
    }
}

/// Looks at a folder: it is one chart, or holds charts in `charts/` or directly. No chart is no error.
///
/// Fails only when the folder cannot be read.
pub fn discover(dir: &Path) -> Result<Workspace> {
    let root = fs::canonicalize(dir).map_err(|error| {
        Error::new("cannot open this folder").at(dir.display().to_string()).because(error)
    })?;
    fs::read_dir(&root).map_err(|error| {
        Error::new("cannot read this folder").at(dir.display().to_string()).because(error)
    })?;
    let mut problems = Vec::new();
    let settings = match fs::read_to_string(root.join(settings::FILE)) {
        Ok(text) => WorkspaceSettings::read(Path::new(settings::FILE), &text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => WorkspaceSettings::default(),
        Err(error) => {
            problems.push(Problem::warning(format!("cannot be read: {error}")).at(settings::FILE, None));
            WorkspaceSettings::default()
        }
    };
    problems.extend(settings.problems.iter().cloned());
    let (mut charts, mut broken) = (Vec::new(), Vec::new());
    for dir in chart_folders(&root) {
        match Chart::load(&dir) {
            Ok(chart) => charts.push(read_chart(&root, dir, chart, &settings)),
            Err(error) => {
                let file = dir.strip_prefix(&root).unwrap_or(&dir).join("Chart.yaml");
                let words = error.cause.as_deref().map(|cause| format!(": {cause}")).unwrap_or_default();
                problems.push(Problem::error(format!("{}{words}", error.what)).at(file, None));
                broken.push((dir, error));
            }
        }
    }
    for (name, chart) in &settings.charts {
        if !charts.iter().any(|known| &known.name == name) {
            let file = settings.file.clone().unwrap_or_default();
            let key = KeyPath::of(["charts", name]).to_string();
            problems.push(
                Problem::warning(format!("no chart here is called {name}")).at(file, chart.line).key(key),
            );
        }
    }
    Ok(Workspace { root, charts, broken, settings, problems })
}

/// The workspace that a chart belongs to which was opened by itself, and its place there: the folder above it, or above
/// `charts/`, whose `floe-tui.toml` says something of it. Where there is none, the chart is its own.
pub fn discover_around(own: Workspace) -> (Workspace, usize) {
    let above = own.root.ancestors().skip(1).take(2);
    let mut settled = above
        .filter(|folder| folder.join(settings::FILE).is_file())
        .filter_map(|folder| discover(folder).ok())
        .filter_map(|found| {
            let index = found.charts.iter().position(|chart| chart.dir == own.root)?;
            found.settings.charts.contains_key(&found.charts[index].name).then_some((found, index))
        });
    let found = settled.next();
    drop(settled);
    found.unwrap_or((own, 0))
}

fn chart_folders(root: &Path) -> Vec<PathBuf> {
    if root.join("Chart.yaml").is_file() {
        return vec![root.to_owned()];
    }
    let mut folders: Vec<PathBuf> = [root.join("charts"), root.to_owned()]
        .iter()
        .filter_map(|parent| fs::read_dir(parent).ok())
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.join("Chart.yaml").is_file())
        .collect();
    folders.sort();
    folders.dedup();
    folders
}

fn read_chart(root: &Path, dir: PathBuf, chart: Chart, settings: &WorkspaceSettings) -> WorkspaceChart {
    let shown = dir.strip_prefix(root).unwrap_or(&dir).to_owned();
    let read = |file: &Path| fs::read_to_string(file).ok();
    let name = chart.metadata.name.clone();
    let own = settings.charts.get(&name);
    let values = read(&dir.join("values.yaml")).unwrap_or_default();
    let (mapping, mut problems) = read_mapping(&shown.join("values.yaml"), &values, own);
    let (schema, schema_problems) = ChartSchema::compile(schemas(&chart, root));
    problems.extend(schema_problems);
    problems.extend(chart.problems.iter().cloned().map(|problem| relative(problem, root)));
    problems.extend(chart.dependencies.iter().filter(|dependency| dependency.state.is_bad()).map(
        |dependency| {
            let words = format!("dependency {} is {}", dependency.name, dependency.state.words());
            Problem::warning(words).at(shown.join("Chart.yaml"), None).key(dependency.key())
        },
    ));
    let files = environment_files(&dir);
    for (environment, file) in &files {
        if let Some(text) = read(file) {
            let shown = file.strip_prefix(root).unwrap_or(file);
            problems.extend(check_environment_file(shown, &text, environment, mapping.as_ref()));
        }
    }
    let mut names: Vec<String> = mapping.iter().flat_map(Mapping::environments).map(str::to_owned).collect();
    let mapped = names.len();
    names.extend(
        files.iter().map(|(name, _)| name.clone()).filter(|name| !names.contains(name)).collect::<Vec<_>>(),
    );
    let generate = own.and_then(|own| own.generate.as_ref()).filter(|_| generate::is_for(&chart));
    let generate = generate.map(|said| generate_from(root, said));
    let environments: Vec<Environment> = names
        .into_iter()
        .enumerate()
        .map(|(index, environment)| {
            let is_mapped = index < mapped;
            let made = generate.as_ref().filter(|_| is_mapped || mapping.is_none());
            let made = made.map(|from| from.output.join(file_name(&name, &environment)));
            self::environment(root, &dir, environment, is_mapped, made, own)
        })
        .collect();
    if let (Some(own), Some(file)) = (own, &settings.file) {
        problems.extend(check_settings(root, file, own, &name, &environments));
        problems.extend(check_generate(file, own, &chart, generate.as_ref()));
    }
    let manifest = generate.as_ref().and_then(|from| from.files.manifest.as_deref()).map(FromYaml::read);
    let manifest = manifest.and_then(|read| match read {
        Ok(mut manifest) => {
            let file = &mut manifest.document.file;
            *file = file.strip_prefix(root).map_or(file.clone(), Path::to_owned);
            Some(Arc::new(manifest))
        }
        Err(faults) => {
            // Without it nothing is refused: it says in which order, not what.
            let faults = faults.into_iter().map(|fault| Problem { severity: Severity::Warning, ..fault });
            problems.extend(faults.map(|fault| relative(fault, root)));
            None
        }
    });
    problems.extend(promotion_problems(manifest.as_deref(), mapping.as_ref()));
    WorkspaceChart {
        chart: Arc::new(chart),
        schema: Arc::new(schema),
        release: own.and_then(|own| own.release.clone()),
        dir,
        shown,
        name,
        mapping,
        environments,
        generate,
        manifest,
        problems,
    }
}

/// Where a manifest and a mapping disagree about environments, as warnings.
pub fn promotion_problems(manifest: Option<&FromYaml<Manifest>>, mapping: Option<&Mapping>) -> Vec<Problem> {
    let both = manifest.zip(mapping);
    both.map(|(manifest, mapping)| generate::order(&[], Some(manifest), mapping).1).unwrap_or_default()
}

fn generate_from(root: &Path, said: &GenerateSettings) -> GenerateFrom {
    let at = |file: &PathBuf| plain(&root.join(file));
    let files = SourceFiles {
        artifacts: at(&said.artifacts),
        manifest: said.manifest.as_ref().map(at),
        spec: said.spec.as_ref().map(at),
    };
    let output = at(&said.output.clone().unwrap_or_else(|| settings::OUTPUT.into()));
    GenerateFrom { files, jobs: said.jobs, output, line: said.line }
}

/// A path without `.` and `..`, so that one file has one path.
fn plain(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            part => plain.push(part),
        }
    }
    plain
}

/// What is wrong with where values are to be generated.
fn check_generate(
    file: &Path,
    own: &ChartSettings,
    chart: &Chart,
    from: Option<&GenerateFrom>,
) -> Option<Problem> {
    let said = own.generate.as_ref()?;
    let name = &chart.metadata.name;
    let words = match from {
        None => format!(
            "nothing is generated for {name}: it neither is nor contains {} or {}",
            generate::PLATFORM,
            generate::JOBS
        ),
        // What is in the chart's folder is part of the chart, unless it is ignored.
        Some(from) => {
            let inside = from.output.strip_prefix(&chart.dir).ok()?;
            if chart.files.leaves_out(&inside.join(file_name(name, "any"))) {
                return None;
            }
            let folder =
                if inside.as_os_str().is_empty() { "*.yaml".into() } else { inside.display().to_string() };
            format!(
                "helm would pack what is generated into the chart: name another output, or add {folder}/ to .helmignore"
            )
        }
    };
    let key = KeyPath::of(["charts", name, "generate"]);
    Some(Problem::warning(words).at(file, said.line).key(key.to_string()))
}

/// The schema texts of a chart and of what it depends on, each with the section of the values that it checks.
fn schemas<'c>(chart: &'c Chart, root: &Path) -> Vec<(KeyPath, PathBuf, &'c str)> {
    fn collect<'c>(
        chart: &'c Chart,
        section: &KeyPath,
        root: &Path,
        texts: &mut Vec<(KeyPath, PathBuf, &'c str)>,
    ) {
        if let Some((file, text)) = &chart.schema {
            texts.push((section.clone(), file.strip_prefix(root).unwrap_or(file).to_owned(), &**text));
        }
        for dependency in &chart.dependencies {
            if let Some(chart) = &dependency.chart {
                collect(chart, &section.key(dependency.key()), root, texts);
            }
        }
    }
    let mut texts = Vec::new();
    collect(chart, &KeyPath::root(), root, &mut texts);
    texts
}

/// A problem with its file relative to the workspace.
fn relative(mut problem: Problem, root: &Path) -> Problem {
    if let Some(file) = &problem.file
        && let Ok(inside) = file.strip_prefix(root)
    {
        problem.file = Some(inside.to_owned());
    }
    problem
}

/// The mapping of a chart from the text of its `values.yaml` (edited or saved), else from `floe-tui.toml`, with
/// everything that is wrong with it. `file` is how messages name the values.
pub fn read_mapping(
    file: &Path,
    values: &str,
    settings: Option<&ChartSettings>,
) -> (Option<Mapping>, Vec<Problem>) {
    let base = KeyPath::of([KEY]);
    let (mut mapping, mut problems) = (None, Vec::new());
    // Text that is no YAML is reported with the values; there is no mapping in it.
    if let Ok(parsed) = yaml::parse(values) {
        let document = Located::yaml(file, parsed);
        (mapping, problems) = Mapping::read(&document, &base, MappingOrigin::Values);
        if let Some(mapping) = &mapping {
            problems.extend(rules::check(mapping, &document, &base));
        }
    }
    let Some(other) = settings.and_then(|settings| settings.mapping.as_ref()) else {
        return (mapping, problems);
    };
    if mapping.as_ref().is_some_and(|mapping| !mapping.clusters.is_empty()) {
        let line = other.clusters.first().and_then(|cluster| cluster.line);
        let message = format!("not used, {} has a {KEY} of its own", file.display());
        problems.push(Problem::warning(message).at(&other.file, line).key(KEY));
        (mapping, problems)
    } else {
        let faults = settings.map(|settings| settings.mapping_problems.clone()).unwrap_or_default();
        problems.extend(faults);
        (Some(other.clone()), problems)
    }
}

/// `values-<environment>.yaml` files, by environment.
fn environment_files(dir: &Path) -> Vec<(String, PathBuf)> {
    let mut files: Vec<(String, PathBuf)> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let name = path.file_name()?.to_str()?.strip_prefix("values-")?.strip_suffix(".yaml")?.to_owned();
            (path.is_file() && mapping::environment_fault(&name).is_none()).then_some((name, path))
        })
        .collect();
    files.sort();
    files
}

fn environment(
    root: &Path,
    dir: &Path,
    name: String,
    mapped: bool,
    generated: Option<PathBuf>,
    own: Option<&ChartSettings>,
) -> Environment {
    let said = own.and_then(|own| own.environments.get(&name));
    let by_convention = || vec![dir.join(format!("values-{name}.yaml"))];
    let mut values_files = match said.and_then(|said| said.values.as_ref()) {
        Some(files) => {
            let files: Vec<PathBuf> = files
                .iter()
                .map(|file| listed(root, dir, file, generated.as_deref()))
                .filter(|file| *file != dir.join("values.yaml"))
                .collect();
            if files.is_empty() { by_convention() } else { files }
        }
        None => by_convention(),
    };
    // Where it is listed it stands, so that others may follow it.
    values_files.extend(generated.clone().filter(|file| !values_files.contains(file)));
    let none = Between::default();
    let between = said.map_or(&none, |said| &said.between).over(own.map_or(&none, |own| &own.between));
    let is_prod = matches!(name.as_str(), "prod" | "production");
    Environment {
        protected: said.and_then(|said| said.protected).unwrap_or(is_prod),
        release: said.and_then(|said| said.release.clone()),
        mapped,
        unreadable: unreadable(root, dir, &between, &values_files),
        values_files,
        generated,
        name,
    }
}

/// The commands that stand between the files of an environment and the cluster, in words.
fn unreadable(root: &Path, dir: &Path, between: &Between, files: &[PathBuf]) -> Vec<Unreadable> {
    let of_file = between.decrypt.iter().filter_map(|(file, declared)| {
        let path = listed(root, dir, file, None);
        files.contains(&path).then(|| Unreadable {
            words: format!("{} is decrypted by {}, which is not run here", file.display(), declared.words()),
            file: Some(path),
        })
    });
    let of_all = between.post_renderer.iter().map(|declared| Unreadable {
        file: None,
        words: format!(
            "the post-renderer {} changes what helm renders and is not run here",
            declared.words()
        ),
    });
    of_file.chain(of_all).collect()
}

/// A file that `floe-tui.toml` lists: in the chart's folder, else in the workspace's. What is generated need not be there
/// yet.
fn listed(root: &Path, dir: &Path, file: &Path, generated: Option<&Path>) -> PathBuf {
    let in_root = root.join(file);
    let in_chart = dir.join(file);
    if let Some(found) = [&in_root, &in_chart]
        .into_iter()
        .map(|path| plain(path))
        .find(|path| Some(path.as_path()) == generated)
    {
        return found;
    }
    if !in_chart.exists() && in_root.exists() { in_root } else { in_chart }
}

/// What is wrong with one `values-<environment>.yaml` as far as environments are concerned.
fn check_environment_file(
    file: &Path,
    text: &str,
    environment: &str,
    mapping: Option<&Mapping>,
) -> Vec<Problem> {
    let Ok(parsed) = yaml::parse(text) else { return Vec::new() };
    let document = Located::yaml(file, parsed);
    let mut problems = Vec::new();
    let base = KeyPath::of([KEY]);
    if base.get(&document.value).is_some() {
        let fault = Problem::error(format!("{KEY} is read from the chart's values.yaml only, move it there"));
        problems.push(document.place(fault, &base).environment(environment));
    }
    let Some(mapping) = mapping else { return problems };
    if mapping.of(environment).is_none() {
        let fault = format!("{environment} is in no cluster mapping: it can be rendered, not installed");
        problems.push(Problem::warning(fault).at(file, None).environment(environment));
    } else if mapping.origin == MappingOrigin::Values {
        let path = KeyPath::of(["global", "environment"]);
        match path.get(&document.value) {
            Some(Value::String(said)) if said == environment => {}
            Some(said) => {
                let said = said.as_str().map_or_else(|| said.to_string(), str::to_owned);
                let fault = Problem::error(format!("says {said}, but this file is for {environment}"));
                problems.push(document.place(fault, &path).environment(environment));
            }
            None => {
                let fault = format!(
                    "does not set global.environment, the chart cannot know that it is {environment}"
                );
                problems.push(Problem::warning(fault).at(file, None).environment(environment));
            }
        }
    }
    problems
}

/// What `floe-tui.toml` says about a chart and is not so.
fn check_settings(
    root: &Path,
    file: &Path,
    own: &ChartSettings,
    chart: &str,
    environments: &[Environment],
) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (name, said) in &own.environments {
        let key = KeyPath::of(["charts", chart, "environments", name]);
        match environments.iter().find(|environment| &environment.name == name) {
            None => problems.push(
                Problem::warning(format!("{name} is in no cluster mapping and has no values-{name}.yaml"))
                    .at(file, own.line)
                    .key(key.to_string()),
            ),
            Some(environment) => {
                let missing = environment.values_files.iter().filter(|path| {
                    said.values.is_some() && Some(*path) != environment.generated.as_ref() && !path.exists()
                });
                problems.extend(missing.map(|path| {
                    let shown = path.strip_prefix(root).unwrap_or(path);
                    Problem::error(format!("{} does not exist", shown.display()))
                        .at(file, said.line)
                        .key(key.key("values").to_string())
                        .environment(name)
                }));
            }
        }
    }
    problems
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "discover_tests.rs"]
mod tests;

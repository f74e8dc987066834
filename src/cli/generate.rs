//! `floe-tui generate`: values files from compiled artifacts, for the environments that are named. Nothing is written
//! before all of them are right, and only what changed.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::args::{Generate, Global};
use super::setup::Setup;
use super::validate::words;
use super::{CHANGES, FAILED, OK, out};
use crate::base::{Context as _, Error, Hash, Problem, Result, Severity, atomic};
use crate::generate::{self, Artifact, Generated, JobsMode, Site, Wish};
use crate::model::manifest::FromYaml;
use crate::model::{ClusterMapping, FloeSpec, Isolation, Manifest, mapping};
use crate::values::{self, Layer, LayerKind, LayerSet, SetForm};
use crate::workspace::{self, Workspace, WorkspaceChart};

pub(super) fn run(global: Global, args: &Generate) -> Result<u8> {
    let setup = Setup::new(global)?;
    let charts = Charts::find(args.chart.as_deref(), &args.env)?;
    let (sources, mut problems) = Sources::read(args)?;
    let Some(sources) = sources else { return Ok(tell(args, &problems)) };
    let mut made: Vec<(Generated, Target)> = Vec::new();
    match charts.mapping() {
        Some(mapping) => {
            problems.extend(charts.mapping_problems());
            let (environments, faults) = generate::order(&args.env, sources.manifest.as_ref(), mapping);
            problems.extend(faults);
            for environment in &environments {
                match charts.target(&setup, environment) {
                    Ok(target) => {
                        let generated = one(&charts, &sources, args, environment, &target);
                        problems.extend(generated.problems.iter().cloned());
                        made.push((generated, target));
                    }
                    Err(problem) => problems.push(problem),
                }
            }
        }
        None => problems.push(
            Problem::error(format!(
                "neither {} nor a chart beside it has a {}: nothing says where an environment lives",
                charts.chart().name,
                mapping::KEY
            ))
            .at(charts.chart().values_name(), None),
        ),
    }
    let problems = merged(problems);
    if problems.iter().any(|problem| problem.severity == Severity::Error) {
        return Ok(tell(args, &problems));
    }
    deliver(args, &charts, &made, &problems)
}

/// Only problems: nothing can be made.
fn tell(args: &Generate, problems: &[Problem]) -> u8 {
    if args.json {
        out::json(&json!({"environments": [], "problems": problems}));
    } else {
        for problem in problems {
            out::note(&words(problem));
        }
        let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        out::note(&format!("nothing is generated: {errors} error{}", if errors == 1 { "" } else { "s" }));
    }
    FAILED
}

/// The chart that gets values, and the one whose cluster mapping holds.
struct Charts {
    workspace: Workspace,
    index: usize,
    /// Where the mapping is, when the chart has none: a chart in the folder beside it.
    beside: Option<(Workspace, usize)>,
}

impl Charts {
    fn find(dir: Option<&Path>, environments: &[String]) -> Result<Self> {
        let dir = dir.unwrap_or(Path::new("."));
        let workspace = workspace::discover(dir)?;
        let place = dir.display().to_string();
        let fitting: Vec<usize> =
            (0..workspace.charts.len()).filter(|at| generate::is_for(&workspace.charts[*at].chart)).collect();
        let index = match fitting.as_slice() {
            [only] => *only,
            [] => {
                if let Some((_, error)) = workspace.broken.first() {
                    return Err(error.clone());
                }
                let words = format!(
                    "no chart here reads what is generated ({} and {} do)",
                    generate::PLATFORM,
                    generate::JOBS
                );
                return Err(Error::new(words).at(place).next("name one with --chart"));
            }
            several => {
                let names: Vec<String> =
                    several.iter().map(|at| workspace.charts[*at].dir.display().to_string()).collect();
                return Err(Error::new("several charts here read what is generated")
                    .at(place)
                    .next(format!("name one with --chart: {}", names.join(", "))));
            }
        };
        let mut charts = Self { workspace, index, beside: None };
        if charts.chart().mapping.is_none()
            && let Some(parent) = charts.chart().dir.parent()
            && let Ok(around) = workspace::discover(parent)
        {
            let holds = |chart: &WorkspaceChart| {
                let mapping = chart.mapping.as_ref();
                mapping.is_some_and(|mapping| environments.iter().any(|name| mapping.of(name).is_some()))
            };
            let found =
                around.charts.iter().position(|chart| chart.name == generate::PLATFORM && holds(chart));
            let found = found.or_else(|| around.charts.iter().position(holds));
            charts.beside = found.map(|at| (around, at));
        }
        Ok(charts)
    }

    fn chart(&self) -> &WorkspaceChart {
        &self.workspace.charts[self.index]
    }

    /// The chart whose mapping holds.
    fn owner(&self) -> &WorkspaceChart {
        self.beside.as_ref().map_or_else(|| self.chart(), |(workspace, at)| &workspace.charts[*at])
    }

    fn mapping(&self) -> Option<&mapping::Mapping> {
        self.owner().mapping.as_ref()
    }

    /// What the Clusters room and `validate` say of the mapping.
    fn mapping_problems(&self) -> impl Iterator<Item = Problem> {
        let is_mapping = |problem: &&Problem| {
            problem.key == mapping::KEY || problem.key.starts_with(&format!("{}.", mapping::KEY))
        };
        self.owner().problems.iter().filter(is_mapping).cloned()
    }

    fn target(&self, setup: &Setup, name: &str) -> Result<Target, Problem> {
        let owner = self.owner();
        let fault = |error: &Error| {
            let next = error.next.as_ref().map(|next| format!("; {next}")).unwrap_or_default();
            Problem::error(format!("{}{next}", error.what))
                .at(owner.mapping.as_ref().map(|own| own.file.clone()).unwrap_or_default(), None)
                .environment(name)
        };
        let environment =
            owner.environment(name).filter(|environment| environment.mapped).ok_or_else(|| {
                let known =
                    self.mapping().map(|mapping| mapping.environments().join(", ")).unwrap_or_default();
                fault(
                    &Error::new(format!("{name} is in no cluster mapping"))
                        .next(format!("choose one of: {known}")),
                )
            })?;
        let resolved =
            workspace::resolve(owner, environment, &[], &setup.settings).map_err(|error| fault(&error))?;
        let chart = self.chart();
        let own = chart.environment(name);
        let release = if self.beside.is_none() {
            resolved.release.clone()
        } else {
            let named = own.and_then(|own| own.release.clone()).or_else(|| chart.release.clone());
            let stem = named.unwrap_or_else(|| chart.name.clone());
            if resolved.isolation == Isolation::Label { format!("{stem}-{name}") } else { stem }
        };
        let files = own.map(|own| own.values_files.clone()).unwrap_or_default();
        let platform = (owner.name == generate::PLATFORM).then(|| resolved.release.clone());
        let cluster = self.mapping().and_then(|mapping| mapping.of(name)).cloned();
        let cluster =
            cluster.ok_or_else(|| fault(&Error::new(format!("{name} is in no cluster mapping"))))?;
        let files = values::readable(&files).collect();
        Ok(Target { cluster, namespace: resolved.namespace, release, platform, files })
    }
}

/// Where an environment's values go.
struct Target {
    cluster: ClusterMapping,
    namespace: String,
    release: String,
    /// The platform's release in the same namespace.
    platform: Option<String>,
    files: Vec<PathBuf>,
}

/// What is generated from.
struct Sources {
    artifact: Artifact,
    manifest: Option<FromYaml<Manifest>>,
    spec: Option<FromYaml<FloeSpec>>,
    overrides: Vec<Layer>,
}

impl Sources {
    /// Reads everything, and says of everything what is wrong.
    fn read(args: &Generate) -> Result<(Option<Self>, Vec<Problem>)> {
        let mut problems = Vec::new();
        let artifact = Artifact::read(&args.artifacts).map_err(|found| problems.extend(found)).ok();
        let manifest = args.manifest.as_deref().map(FromYaml::read).transpose();
        let manifest = manifest.map_err(|found| problems.extend(found)).ok();
        let spec = args.spec.as_deref().map(FromYaml::read).transpose();
        let spec = spec.map_err(|found| problems.extend(found)).ok();
        let mut layers = Vec::new();
        for file in &args.values {
            let text = atomic::read(file)?.text;
            match values::layer(file.display().to_string(), LayerKind::Environment, Some(file.clone()), text)
            {
                Ok(layer) => layers.push(layer),
                Err(error) => problems.push(
                    Problem::error(format!("not valid YAML: {}", error.message)).at(file, Some(error.line)),
                ),
            }
        }
        // What could not be read is not repeated: it may hold a credential.
        let set: Vec<_> = args.set.iter().map(|argument| (SetForm::Typed, argument.clone())).collect();
        let overrides = LayerSet::of_files(layers).with_set(&set).map_err(|_| {
            Error::new("an argument that cannot be read")
                .at("--set")
                .next("write --set KEY=VALUE; commas and dots in a value need a backslash")
        })?;
        let overrides = overrides.layers().to_vec();
        let (Some(artifact), Some(manifest), Some(spec)) = (artifact, manifest, spec) else {
            return Ok((None, problems));
        };
        if !problems.is_empty() {
            return Ok((None, problems));
        }
        Ok((Some(Self { artifact, manifest, spec, overrides }), problems))
    }
}

fn one(charts: &Charts, sources: &Sources, args: &Generate, environment: &str, target: &Target) -> Generated {
    let wish = Wish {
        artifact: &sources.artifact,
        spec: sources.spec.as_ref(),
        overrides: &sources.overrides,
        jobs: if args.jobs == "single" { JobsMode::Single } else { JobsMode::PerModel },
    };
    let chart = charts.chart();
    let empty = PathBuf::new();
    let site = Site {
        chart: &chart.chart,
        schema: &chart.schema,
        environment,
        namespace: &target.namespace,
        release: &target.release,
        cluster: &target.cluster,
        mapping_file: charts.mapping().map_or(&empty, |mapping| &mapping.file),
        files: &target.files,
        platform: target.platform.as_deref(),
    };
    generate::generate(&wish, &site)
}

/// The same problem of several environments is one problem of all of them; errors first.
fn merged(problems: Vec<Problem>) -> Vec<Problem> {
    let mut merged: Vec<Problem> = workspace::merge_problems(problems);
    merged.sort_by_key(|problem| std::cmp::Reverse(problem.severity));
    merged
}

/// What happens to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Created,
    Changed,
    Unchanged,
}

impl State {
    fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Changed => "changed",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A file that is to be written.
struct Plan {
    path: PathBuf,
    state: State,
    before: Option<(std::sync::Arc<str>, Hash)>,
}

fn deliver(
    args: &Generate,
    charts: &Charts,
    made: &[(Generated, Target)],
    problems: &[Problem],
) -> Result<u8> {
    let plans = match &args.output {
        Some(output) => Some(plan(output, charts, made)?),
        None => None,
    };
    let changes = plans.iter().flatten().any(|plan| plan.state != State::Unchanged);
    if !args.dry_run {
        for (plan, (generated, _)) in plans.iter().flatten().zip(made) {
            write(plan, generated)?;
        }
    }
    if args.json {
        let environments: Vec<Value> = made
            .iter()
            .enumerate()
            .map(|(at, (generated, target))| {
                data(generated, target, plans.as_ref().and_then(|plans| plans.get(at)))
            })
            .collect();
        out::json(&json!({"environments": environments, "problems": problems}));
    } else {
        for problem in problems {
            out::note(&words(problem));
        }
        match &plans {
            Some(plans) => summary(args, plans, made),
            None => print(made),
        }
        for (generated, target) in made {
            secrets(generated, target);
        }
    }
    Ok(if args.dry_run && changes { CHANGES } else { OK })
}

fn plan(output: &Path, charts: &Charts, made: &[(Generated, Target)]) -> Result<Vec<Plan>> {
    let is_folder = output.is_dir() || made.len() > 1 || output.as_os_str().to_string_lossy().ends_with('/');
    if is_folder && output.is_file() {
        return Err(
            Error::new("is a file, and several environments need a folder").at(output.display().to_string())
        );
    }
    made.iter()
        .map(|(generated, _)| {
            let name = format!("{}-{}.yaml", charts.chart().name, generated.environment);
            let path = if is_folder { output.join(name) } else { output.to_owned() };
            let before = if path.exists() { Some(atomic::read(&path)?) } else { None };
            let before = before.map(|file| (file.text, file.hash));
            let state = match &before {
                None => State::Created,
                Some((text, _)) if **text == *generated.text => State::Unchanged,
                Some((text, _)) if text.trim().is_empty() || generate::made_from(text).is_some() => {
                    State::Changed
                }
                Some(_) => {
                    return Err(Error::new("was not generated, and is left alone")
                        .at(path.display().to_string())
                        .next("choose another --output, or remove the file"));
                }
            };
            Ok(Plan { path, state, before })
        })
        .collect()
}

fn write(plan: &Plan, generated: &Generated) -> Result<()> {
    let bytes = generated.text.as_bytes();
    match (&plan.state, &plan.before) {
        (State::Unchanged, _) => {}
        (_, Some((_, hash))) => {
            atomic::write(&plan.path, bytes, Some(*hash))?;
        }
        (_, None) => {
            if let Some(folder) = plan.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
                std::fs::create_dir_all(folder).context_at("cannot make the folder", folder.display())?;
            }
            atomic::create(&plan.path, bytes)?;
        }
    }
    Ok(())
}

/// The files on the standard output, as helm takes them.
fn print(made: &[(Generated, Target)]) {
    for (at, (generated, _)) in made.iter().enumerate() {
        if at > 0 {
            out::raw("---\n");
        }
        out::raw(&generated.text);
    }
}

fn summary(args: &Generate, plans: &[Plan], made: &[(Generated, Target)]) {
    for (plan, (generated, _)) in plans.iter().zip(made) {
        let path = plan.path.display();
        if !args.dry_run {
            out::line(&format!("{path}: {}", plan.state.word()));
            continue;
        }
        match (plan.state, &plan.before) {
            (State::Unchanged, _) => out::line(&format!("{path}: unchanged")),
            (state, before) => {
                out::line(&format!("{path}: would be {}", state.word()));
                let before = before.as_ref().map(|(text, _)| &**text).unwrap_or_default();
                let diff = similar::TextDiff::from_lines(before, &generated.text);
                for line in diff.unified_diff().context_radius(3).to_string().lines() {
                    out::line(line);
                }
            }
        }
    }
}

/// Which Secrets must exist, and how they are made.
fn secrets(generated: &Generated, target: &Target) {
    if generated.needed.is_empty() {
        return;
    }
    out::note(&format!(
        "{} needs these Secrets; put each value into a file of its own:",
        generated.environment
    ));
    for needed in &generated.needed {
        out::note(&format!("  {}", needed.command(&target.namespace)));
        for (key, about) in &needed.keys {
            out::note(&format!("    {key}: {about}"));
        }
    }
}

fn data(generated: &Generated, target: &Target, plan: Option<&Plan>) -> Value {
    let secrets: Vec<Value> = generated
        .needed
        .iter()
        .map(|needed| {
            let keys: Vec<Value> =
                needed.keys.iter().map(|(key, about)| json!({"key": key, "about": about})).collect();
            json!({"name": needed.name, "keys": keys, "command": needed.command(&target.namespace)})
        })
        .collect();
    json!({
        "environment": generated.environment,
        "namespace": target.namespace,
        "release": target.release,
        "file": plan.map(|plan| plan.path.display().to_string()),
        "state": plan.map(|plan| plan.state.word()),
        "values": generated.values,
        "origins": generated.origins,
        "secrets": secrets,
    })
}

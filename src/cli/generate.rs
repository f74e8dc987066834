//! `floe-tui generate`: values files from compiled artifacts, for the environments that are named. Nothing is written
//! before all of them are right, and only what changed.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::args::{Generate, Global};
use super::setup::Setup;
use super::validate::words;
use super::{CHANGES, FAILED, OK, out};
use crate::base::{Context as _, Error, Hash, Problem, Result, Severity, atomic};
use crate::generate::{self, Generated, JobsMode};
use crate::values::{self, Layer, LayerKind, LayerSet, SetForm};
use crate::workspace::generated::{self, Asked, FileState, Generator, Made, Sources};
use crate::workspace::{self, MadeAll, SourceFiles, Workspace, WorkspaceChart, settings};

pub(super) fn run(global: Global, args: &Generate) -> Result<u8> {
    let setup = Setup::new(global)?;
    let found = Found::find(args.chart.as_deref())?;
    let from = From::of(args, &found)?;
    let (overrides, mut problems) = overrides(args)?;
    let sources = Sources::read(&from.files).map_err(|faults| problems.splice(..0, faults)).ok();
    let Some(sources) = sources.filter(|_| problems.is_empty()) else { return Ok(tell(args, &problems)) };
    let asked = Asked {
        environments: &from.environments,
        named: !args.env.is_empty(),
        overrides: &overrides,
        jobs: from.jobs,
        texts: &|_| None,
    };
    let around: Vec<&Workspace> = std::iter::once(&found.workspace).chain(&found.around).collect();
    let generator = Generator::new(found.chart(), &around, &from.environments);
    let all = generator.make(&sources, &asked, &setup.settings);
    if !all.is_usable() {
        return Ok(tell(args, &all.problems));
    }
    deliver(args, from.output.as_deref(), &found.chart().name, &all)
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

/// The chart that gets values, in the workspace that says how.
struct Found {
    workspace: Workspace,
    index: usize,
    /// The folder beside the chart: a chart there may hold the mapping.
    around: Option<Workspace>,
}

impl Found {
    fn find(dir: Option<&Path>) -> Result<Self> {
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
        let dir = workspace.charts[index].dir.clone();
        let around = dir.parent().and_then(|parent| workspace::discover(parent).ok());
        let (workspace, index) =
            if workspace.root == dir { workspace::discover_around(workspace) } else { (workspace, index) };
        Ok(Self { workspace, index, around })
    }

    fn chart(&self) -> &WorkspaceChart {
        &self.workspace.charts[self.index]
    }
}

/// What is generated from and where to: as the arguments say, else as `floe-tui.toml` does.
struct From {
    files: SourceFiles,
    jobs: JobsMode,
    environments: Vec<String>,
    output: Option<PathBuf>,
}

impl From {
    fn of(args: &Generate, found: &Found) -> Result<Self> {
        let chart = found.chart();
        let jobs = args.jobs.as_deref().and_then(JobsMode::parse);
        let Some(artifacts) = args.artifacts.clone() else {
            let Some(said) = &chart.generate else {
                return Err(Error::new("nothing says what to generate from").at(chart.name.clone()).next(
                    format!(
                        "give --artifacts FILE, or name it in {} under [charts.{}.generate]",
                        settings::FILE,
                        chart.name
                    ),
                ));
            };
            let mut files = said.files.clone();
            files.manifest = args.manifest.clone().or(files.manifest);
            files.spec = args.spec.clone().or(files.spec);
            let mut environments = args.env.clone();
            if environments.is_empty() {
                environments = Generator::edited(&found.workspace, chart, &|_| None).environments();
            }
            let mut output = said.output.clone().into_os_string();
            output.push("/");
            let output = args.output.clone().unwrap_or_else(|| output.into());
            return Ok(Self { files, jobs: jobs.unwrap_or(said.jobs), environments, output: Some(output) });
        };
        Ok(Self {
            files: SourceFiles { artifacts, manifest: args.manifest.clone(), spec: args.spec.clone() },
            jobs: jobs.unwrap_or_default(),
            environments: args.env.clone(),
            output: args.output.clone(),
        })
    }
}

/// The operator's own values, and what is wrong with their files.
fn overrides(args: &Generate) -> Result<(Vec<Layer>, Vec<Problem>)> {
    let (mut layers, mut problems) = (Vec::new(), Vec::new());
    for file in &args.values {
        let text = atomic::read(file)?.text;
        match values::layer(file.display().to_string(), LayerKind::Environment, Some(file.clone()), text) {
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
    Ok((overrides.layers().to_vec(), problems))
}

/// A file that is to be written.
struct Plan {
    path: PathBuf,
    state: FileState,
    before: Option<(std::sync::Arc<str>, Hash)>,
}

fn deliver(args: &Generate, output: Option<&Path>, chart: &str, all: &MadeAll) -> Result<u8> {
    let made = &all.made;
    let plans = match output {
        Some(output) => Some(plan(output, chart, made)?),
        None => None,
    };
    let changes = plans.iter().flatten().any(|plan| plan.state != FileState::Unchanged);
    if !args.dry_run {
        for (plan, one) in plans.iter().flatten().zip(made) {
            write(plan, &one.generated)?;
        }
    }
    if args.json {
        let environments: Vec<Value> = made
            .iter()
            .enumerate()
            .map(|(at, one)| data(one, plans.as_ref().and_then(|plans| plans.get(at))))
            .collect();
        out::json(&json!({"environments": environments, "problems": all.problems}));
    } else {
        for problem in &all.problems {
            out::note(&words(problem));
        }
        match &plans {
            Some(plans) => summary(args, plans, made),
            None => print(made),
        }
        for one in made {
            secrets(one);
        }
    }
    Ok(if args.dry_run && changes { CHANGES } else { OK })
}

fn plan(output: &Path, chart: &str, made: &[Made]) -> Result<Vec<Plan>> {
    let is_folder = output.is_dir() || made.len() > 1 || output.as_os_str().to_string_lossy().ends_with('/');
    if is_folder && output.is_file() {
        return Err(
            Error::new("is a file, and several environments need a folder").at(output.display().to_string())
        );
    }
    made.iter()
        .map(|Made { generated, .. }| {
            let name = generated::file_name(chart, &generated.environment);
            let path = if is_folder { output.join(name) } else { output.to_owned() };
            let before = if path.exists() { Some(atomic::read(&path)?) } else { None };
            let before = before.map(|file| (file.text, file.hash));
            let state = FileState::of(before.as_ref().map(|(text, _)| &**text), &generated.text);
            if state == FileState::Foreign {
                return Err(Error::new("was not generated, and is left alone")
                    .at(path.display().to_string())
                    .next("choose another --output, or remove the file"));
            }
            Ok(Plan { path, state, before })
        })
        .collect()
}

fn write(plan: &Plan, generated: &Generated) -> Result<()> {
    let bytes = generated.text.as_bytes();
    match (&plan.state, &plan.before) {
        (FileState::Unchanged, _) => {}
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
fn print(made: &[Made]) {
    for (at, one) in made.iter().enumerate() {
        if at > 0 {
            out::raw("---\n");
        }
        out::raw(&one.generated.text);
    }
}

fn summary(args: &Generate, plans: &[Plan], made: &[Made]) {
    for (plan, Made { generated, .. }) in plans.iter().zip(made) {
        let path = plan.path.display();
        if !args.dry_run {
            out::line(&format!("{path}: {}", plan.state.word()));
            continue;
        }
        match (plan.state, &plan.before) {
            (FileState::Unchanged, _) => out::line(&format!("{path}: unchanged")),
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
fn secrets(one: &Made) {
    let Some((head, lines)) = one.secrets() else { return };
    out::note(&head);
    for line in lines {
        out::note(&format!("  {line}"));
    }
}

fn data(one: &Made, plan: Option<&Plan>) -> Value {
    let generated = &one.generated;
    let secrets: Vec<Value> = generated
        .needed
        .iter()
        .map(|needed| {
            let keys: Vec<Value> =
                needed.keys.iter().map(|(key, about)| json!({"key": key, "about": about})).collect();
            json!({"name": needed.name, "keys": keys, "command": needed.command(&one.namespace)})
        })
        .collect();
    json!({
        "environment": generated.environment,
        "namespace": one.namespace,
        "release": one.release,
        "file": plan.map(|plan| plan.path.display().to_string()),
        "state": plan.map(|plan| plan.state.word()),
        "values": generated.values,
        "origins": generated.origins,
        "secrets": secrets,
    })
}

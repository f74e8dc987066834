//! Generated values of the selected chart: made beside the loop from what its workspace names, compared with the files as
//! they are edited, and put into them as one edit. Whether a file is stale is a comparison of two texts, so it follows
//! every key press.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Command, Effect, EnvironmentView, Session};
use crate::base::{Error, Problem, Severity};
use crate::generate;
use crate::ui::text;
use crate::values::{self, LayerKind};
use crate::workspace::generated::{self, FileState, Made, MadeAll};
use crate::workspace::{Workspace, WorkspaceChart};
use crate::yaml::KeyPath;

/// A chart's values are to be generated.
#[derive(Debug, Clone)]
pub struct GenerateRequest {
    /// Its folder.
    pub chart: PathBuf,
    pub workspace: Arc<Workspace>,
    /// The texts as they are edited; all other files are as the disk has them.
    pub texts: Vec<(PathBuf, Arc<str>)>,
    /// [`super::Documents::generation`] of them.
    pub generation: u64,
    /// Whether what comes out goes into the files.
    pub apply: bool,
}

/// What a chart's sources give.
#[derive(Debug)]
pub struct GeneratedValues {
    /// Its folder.
    pub chart: PathBuf,
    pub generation: u64,
    pub all: MadeAll,
}

/// Why a key is not edited here: a generated file wins over the file that an edit would write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GeneratedKey {
    /// The generated file.
    pub file: PathBuf,
    /// The field behind the key, when it is known: `plugins.catalog.type`, and where it stands.
    pub origin: Option<generate::Origin>,
}

impl Session {
    /// Asks for the generated values of the selected chart, once for each state of its texts and of the disk.
    pub fn want_generated(&mut self) -> Option<Effect> {
        let chart = self.chart().filter(|chart| chart.generate.is_some())?.dir.clone();
        let read = self.workspace.ready().map_or(0, |workspace| Arc::as_ptr(workspace) as usize);
        let asked = (chart, self.documents.generation(), read);
        if self.generate_asked.as_ref() == Some(&asked) {
            return None;
        }
        self.generate_asked = Some(asked);
        self.generate_request(false)
    }

    /// Asks for the generated values of the selected chart, to be put into its files.
    ///
    /// # Errors
    /// Nothing says what they are made from.
    pub fn generate(&self) -> Result<Effect, Error> {
        self.generate_request(true).ok_or_else(|| {
            let name = self.chart().map(|chart| chart.name.clone()).unwrap_or_default();
            let table = format!("[charts.{name}.generate]");
            let what = if self.chart().is_some_and(|chart| generate::is_for(&chart.chart)) {
                format!(
                    "floe-tui.toml does not say what {name} is generated from: {table} artifacts = \"FILE\""
                )
            } else {
                format!("no values are generated for {name}")
            };
            Error::new(what)
        })
    }

    fn generate_request(&self, apply: bool) -> Option<Effect> {
        let chart = self.chart()?;
        chart.generate.as_ref()?;
        let texts = self.documents.iter().filter_map(|own| Some((own.path.clone(), self.text(&own.path)?)));
        Some(Effect::Generate(Box::new(GenerateRequest {
            chart: chart.dir.clone(),
            workspace: self.workspace.ready()?.clone(),
            texts: texts.collect(),
            generation: self.documents.generation(),
            apply,
        })))
    }

    /// Takes what was made: from now on files are compared with it.
    pub fn take_generated(&mut self, values: Arc<GeneratedValues>) {
        self.generated = Some(values);
        self.mark_generated();
    }

    /// What was made for the selected chart last; perhaps of texts that were edited since.
    pub fn generated(&self) -> Option<&GeneratedValues> {
        let chart = self.chart()?;
        self.generated.as_deref().filter(|values| values.chart == chart.dir && chart.generate.is_some())
    }

    /// Marks the environments whose generated file is not what its sources give.
    pub(super) fn mark_generated(&mut self) {
        let mut stale: Vec<Problem> = Vec::new();
        let mut unknown: Option<Problem> = None;
        if let (Some(values), Some(workspace)) = (self.generated(), self.workspace.ready()) {
            let found = generated::stale(workspace, &values.all, &|file| self.text(file));
            let (own, all): (Vec<_>, Vec<_>) = found.into_iter().partition(|one| one.environment.is_some());
            (stale, unknown) = (own, all.into_iter().next());
        }
        for view in &mut self.environments {
            let own = stale.iter().find(|problem| problem.environment.as_ref() == Some(&view.name));
            view.stale = view.generated.as_ref().and_then(|_| own.or(unknown.as_ref()).cloned());
        }
    }

    /// The field that a key of an environment's generated file comes from.
    pub fn generated_origin(&self, environment: &str, key: &KeyPath) -> Option<&generate::Origin> {
        self.generated()?.all.of(environment)?.generated.origin(key)
    }

    /// Whether a file of values is one that was generated, or will be.
    pub fn is_generated(&self, file: &Path) -> bool {
        let named = |chart: &WorkspaceChart| {
            chart.environments.iter().any(|own| own.generated.as_deref() == Some(file))
        };
        self.text(file).is_some_and(|text| values::made_from(&text).is_some())
            || self.workspace.ready().is_some_and(|workspace| workspace.charts.iter().any(named))
    }

    /// Whether an edit of a key would be in vain, because what is generated lies above the file that it writes.
    pub fn generated_over(&self, view: &EnvironmentView, key: &KeyPath) -> Option<GeneratedKey> {
        let winner = view.merged.setters(key).pop().filter(|origin| origin.kind == LayerKind::Generated)?;
        let file = winner.file?;
        let place = |path: &PathBuf| view.files.iter().position(|own| own == path);
        let own = view.own.as_ref().and_then(place);
        if place(&file) < own {
            return None;
        }
        let origin = self.generated_origin(&view.name, key).cloned();
        Some(GeneratedKey { file, origin })
    }

    /// What to do instead of editing a generated key, in lines to read.
    pub fn generated_words(&self, view: &EnvironmentView, key: &KeyPath, over: &GeneratedKey) -> Vec<String> {
        let shown = |file: &Path| file.strip_prefix(&self.given.root).unwrap_or(file).display().to_string();
        let file = shown(&over.file);
        let mut lines = vec![format!(
            "{key} of {} is generated: {file} sets it, and what is edited there is lost.",
            view.name
        )];
        lines.push(String::new());
        let press = self.keymap.hint(Command::Generate).unwrap_or_else(|| "generate".to_owned());
        match &over.origin {
            Some(origin) => {
                lines.push(format!("Change {} and generate again ({press}):", origin.field));
                lines.push(format!("  {}:{}", shown(&origin.file), origin.line));
            }
            None => lines.push(
                "Change what it is made from, and make it again; floe-tui.toml does not say from what."
                    .to_owned(),
            ),
        }
        lines.push(String::new());
        lines.push(
            "Or give this environment a file of its own that follows, in floe-tui.toml; edits then go there:"
                .to_owned(),
        );
        let chart = self.chart().map(|chart| chart.name.clone()).unwrap_or_default();
        let mut files: Vec<String> = view
            .files
            .iter()
            .map(|file| {
                let inside = self.chart().and_then(|chart| file.strip_prefix(&chart.dir).ok());
                inside.map_or_else(|| shown(file), |inside| inside.display().to_string())
            })
            .collect();
        files.push(format!("overrides-{}.yaml", view.name));
        lines.push(format!("  [charts.{chart}.environments.{}]", view.name));
        lines.push("  values = [".to_owned());
        lines.extend(files.iter().map(|file| format!("    \"{file}\",")));
        lines.push("  ]".to_owned());
        lines
    }

    /// Puts what was made into the files, as one edit; says what came of it. Nothing is touched when something is wrong.
    pub fn apply_generated(&mut self) {
        let Some(values) = self.generated.clone() else { return };
        let all = &values.all;
        let mut lines: Vec<String> = self.problem_lines(&all.problems);
        if !all.is_usable() {
            let errors = all.problems.iter().filter(|problem| problem.severity == Severity::Error).count();
            let title = format!("Nothing is generated: {}", text::count(errors, "error"));
            return self.read(title, lines);
        }
        let states: Vec<(&Made, &PathBuf, FileState)> = all
            .made
            .iter()
            .filter_map(|made| {
                let file = made.file.as_ref()?;
                Some((made, file, FileState::of(self.text(file).as_deref(), &made.generated.text)))
            })
            .collect();
        let name = |file: &Path| file.strip_prefix(&self.given.root).unwrap_or(file).display().to_string();
        if let Some((_, file, _)) = states.iter().find(|(_, _, state)| *state == FileState::Foreign) {
            let error = Error::new("was not generated, and is left alone: nothing is generated")
                .at(name(file))
                .next("move it, or name another output in floe-tui.toml");
            return self.fail(&error);
        }
        let edits: Vec<(PathBuf, Arc<str>)> = states
            .iter()
            .filter(|(_, _, state)| *state != FileState::Unchanged)
            .map(|(made, file, _)| ((*file).clone(), made.generated.text.as_str().into()))
            .collect();
        let said = match (edits.len(), states.len()) {
            (0, 0) => "no environment of this chart has generated values".to_owned(),
            (0, count) => {
                let files = text::count(count, "generated file");
                format!("nothing to change: {files} as the sources give")
            }
            (changed, count) => format!("generated: {changed} of {count} files changed, not saved yet"),
        };
        let secrets = all.made.iter().filter_map(Made::secrets);
        let secrets = secrets.flat_map(|(head, lines)| [String::new(), head].into_iter().chain(lines));
        let secrets: Vec<String> = secrets.collect();
        if !(lines.is_empty() && secrets.is_empty()) {
            let mut head = vec![said.clone()];
            head.extend(states.iter().map(|(_, file, state)| format!("  {}: {}", name(file), state.word())));
            if !lines.is_empty() {
                head.push(String::new());
            }
            head.append(&mut lines);
            head.extend(secrets);
            self.read("Generated values", head);
        }
        self.documents.edit("generating", edits);
        self.say(said);
    }

    fn problem_lines(&self, problems: &[Problem]) -> Vec<String> {
        let shown = problems.iter().cloned().map(|mut problem| {
            let inside =
                |file: PathBuf| file.strip_prefix(&self.given.root).map_or(file.clone(), Path::to_owned);
            problem.file = problem.file.map(inside);
            let environment =
                problem.environment.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
            let word = if problem.severity == Severity::Error { "error" } else { "warning" };
            format!("{word}: {problem}{environment}")
        });
        shown.collect()
    }
}

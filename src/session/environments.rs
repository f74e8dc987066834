//! Every environment of the selected chart as the edited texts have it now: merged values with their origins,
//! problems, and what the edit would do. Recomputed whole after each change of a text: pure and a few
//! milliseconds for a large chart.

use std::cell::RefCell;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::base::{Error, Problem, Severity};
use crate::helm::Verdict;
use crate::render::Profile;
use crate::values::{LayerSet, Merged, Rules};
use crate::workspace::{self, Target, WorkspaceChart};
use crate::yaml::KeyPath;

use super::{Effect, Mapped, Preview, PreviewRequest, Session};

/// One environment.
#[derive(Debug, Clone)]
pub struct EnvironmentView {
    pub name: String,
    pub protected: bool,
    /// Where it lives, or why that is not known.
    pub target: Result<Target, Error>,
    /// The values files after the chart's own `values.yaml`, absolute, lowest first.
    pub files: Vec<PathBuf>,
    /// The one of them that an edit of this column writes: the last that is not generated. It may not exist yet.
    pub own: Option<PathBuf>,
    /// The one of them that the workspace says how to generate.
    pub generated: Option<PathBuf>,
    /// Why that one is not what its sources give, or why that is not known.
    pub stale: Option<Problem>,
    /// Without a file that is not valid YAML right now: as of the last text that was.
    pub merged: Arc<Merged>,
    /// Why a preview of it is not the whole truth: stale dependencies, encrypted layers.
    pub incomplete: Vec<String>,
    /// Of this environment only.
    pub problems: Vec<Problem>,
    pub preview: PreviewState,
    /// What the preview is worth.
    pub verdict: Verdict,
    /// The documents that it was computed from, with their texts; `None` where the disk was asked instead.
    inputs: Vec<(PathBuf, Option<Arc<str>>)>,
}

impl EnvironmentView {
    /// What the preview is worth, when there is one.
    pub fn worth(&self) -> Option<&Verdict> {
        match &self.preview {
            PreviewState::Ready(_)
            | PreviewState::Failed(_)
            | PreviewState::Working { last: Some(_), .. } => Some(&self.verdict),
            PreviewState::Unchanged | PreviewState::Blocked(_) | PreviewState::Working { last: None, .. } => {
                None
            }
        }
    }

    /// Whether the preview is waited for longer than nobody notices.
    pub fn is_late(&self, now: Timestamp) -> bool {
        const NOTICED: SignedDuration = SignedDuration::from_millis(200);
        matches!(self.preview, PreviewState::Working { since, .. } if now.duration_since(since) >= NOTICED)
    }

    /// Whether a plan is refused.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }
}

/// What is known about the consequences of the unsaved text.
#[derive(Debug, Clone, Default)]
pub enum PreviewState {
    /// Nothing that this environment reads is edited.
    #[default]
    Unchanged,
    /// It cannot be rendered, and why: problems, no helm.
    Blocked(String),
    /// Being worked out; `last` is the result for an older text.
    Working {
        since: Timestamp,
        last: Option<Arc<Preview>>,
    },
    Ready(Arc<Preview>),
    Failed(Error),
}

impl Session {
    /// Brings the environments up to date with documents, workspace and selection, and asks for the previews
    /// that this makes necessary. Cheap when nothing changed. The loop calls it after every update.
    pub fn refresh_environments(&mut self) -> Vec<Effect> {
        let Some(mapped) = self.selection.mapped.clone() else {
            self.environments.clear();
            return Vec::new();
        };
        let stamp = (mapped.chart.clone(), self.documents.generation());
        if self.computed.as_ref() == Some(&stamp) {
            return Vec::new();
        }
        let Some(workspace) = self.workspace.ready().cloned() else { return Vec::new() };
        let Some(chart) = workspace.charts.iter().find(|c| c.dir == mapped.chart) else {
            return Vec::new();
        };
        let same_chart = self.computed.as_ref().is_some_and(|(chart, _)| *chart == mapped.chart);
        self.computed = Some(stamp);
        let mut old = if same_chart { std::mem::take(&mut self.environments) } else { Vec::new() };
        self.environments = chart
            .environments
            .iter()
            .map(|environment| {
                let last = old.iter().position(|view| view.name == environment.name);
                match last.map(|at| old.swap_remove(at)) {
                    // An edit of one environment's file leaves the others as they are.
                    Some(last) if self.is_current(&last) => last,
                    last => self.compute(chart, environment, last.as_ref()),
                }
            })
            .collect();
        self.mark_generated();
        self.ask_for_previews()
    }

    /// Forgets what was computed: after the workspace was read again or contexts became known.
    pub fn invalidate_environments(&mut self) {
        self.computed = None;
    }

    fn is_current(&self, view: &EnvironmentView) -> bool {
        view.inputs.iter().all(|(path, then)| match (then, self.documents.get(path)) {
            (Some(then), Some(document)) => Arc::ptr_eq(then, &document.text),
            (None, None) => true,
            _ => false,
        })
    }

    fn compute(
        &self,
        chart: &WorkspaceChart,
        environment: &workspace::Environment,
        last: Option<&EnvironmentView>,
    ) -> EnvironmentView {
        let inputs = RefCell::new(Vec::new());
        let provider = |path: &std::path::Path| {
            let text = self.text(path);
            inputs.borrow_mut().push((path.to_owned(), text.clone()));
            text
        };
        let layers = LayerSet::for_environment(&chart.chart, &environment.values_files, &provider)
            .with_rules(self.rules());
        let mut problems = layers.problems().to_vec();
        let merged = match last {
            // While a file is no YAML the tree stays as it was, instead of falling back to the layers below.
            Some(last) if !problems.is_empty() => last.merged.clone(),
            _ => Arc::new(layers.merge()),
        };
        if problems.is_empty() {
            let locate = |path: &KeyPath| {
                let winner = merged.setters(path).last().cloned()?;
                Some((shown(&chart.dir, &winner.file?), winner.line?))
            };
            problems.extend(merged.problems().iter().cloned());
            problems.extend(chart.schema.check(&merged.value, &locate));
            problems.retain(|problem| !layers.is_about_cipher(problem));
        }
        let stale = chart
            .chart
            .stale_dependency()
            .map(|dependency| format!("dependency {} is {}", dependency.key(), dependency.state.words()));
        let declared: Vec<PathBuf> =
            environment.unreadable.iter().filter_map(|why| why.file.clone()).collect();
        let contexts = self.contexts.ready().map_or(&[][..], Vec::as_slice);
        let target = workspace::resolve(chart, environment, contexts, &self.settings);
        EnvironmentView {
            name: environment.name.clone(),
            protected: environment.protected,
            target,
            own: environment.values_files.iter().rev().find(|file| !self.is_generated(file)).cloned(),
            generated: environment.generated.clone(),
            stale: None,
            files: environment.values_files.clone(),
            merged,
            incomplete: stale
                .into_iter()
                .chain(environment.unreadable.iter().map(|why| why.words.clone()))
                .chain(layers.incomplete(&declared))
                .collect(),
            problems: problems.into_iter().map(|problem| problem.environment(&*environment.name)).collect(),
            preview: last.map(|view| view.preview.clone()).unwrap_or_default(),
            verdict: last.map(|view| view.verdict.clone()).unwrap_or_default(),
            inputs: inputs.into_inner(),
        }
    }

    /// What is wrong with the edited texts of an environment and not with its saved ones alone: errors that a plan
    /// would have if they were saved, with files relative to the workspace.
    pub fn unsaved_problems(&self, chart: &std::path::Path, environment: &str) -> Vec<Problem> {
        let Some(chart) =
            self.workspace.ready().and_then(|workspace| workspace.charts.iter().find(|own| own.dir == chart))
        else {
            return Vec::new();
        };
        let Some(found) = chart.environment(environment) else { return Vec::new() };
        let is_read = |document: &super::Document| {
            document.path.starts_with(&chart.dir) || found.values_files.contains(&document.path)
        };
        if !self.documents.dirty().any(is_read) {
            return Vec::new();
        }
        let problems = self.compute(chart, found, None).problems.into_iter();
        problems
            .filter(|problem| problem.severity == Severity::Error)
            .map(|mut problem| {
                problem.file = problem.file.map(|file| chart.shown.join(file));
                problem
            })
            .collect()
    }

    /// How values are put together differs between versions; without a helm the newest rules hold.
    fn rules(&self) -> Rules {
        self.helm.ready().map_or_else(Rules::default, |helm| Profile::of(&helm.version).rules())
    }

    fn ask_for_previews(&mut self) -> Vec<Effect> {
        let generation = self.documents.generation();
        let Some(mapped) = self.selection.mapped.clone() else { return Vec::new() };
        let mut effects = Vec::new();
        for i in 0..self.environments.len() {
            let Some(view) = self.environments.get(i) else { continue };
            let (saved, edited) = (self.render_source(view, false), self.render_source(view, true));
            let state = if view.has_errors() {
                let count = view.problems.iter().filter(|p| p.severity == Severity::Error).count();
                PreviewState::Blocked(format!(
                    "not rendered: {count} problem{}",
                    if count == 1 { "" } else { "s" }
                ))
            } else if saved.as_ref().map(|own| &own.request) == edited.as_ref().map(|own| &own.request) {
                PreviewState::Unchanged
            } else if let Some(saved) = saved {
                let target = Mapped { chart: mapped.chart.clone(), environment: view.name.clone() };
                let first = mapped.environment == view.name;
                let request = PreviewRequest { target, generation, saved, edited, first };
                effects.push(Effect::Preview(Box::new(request)));
                let last = match &view.preview {
                    PreviewState::Ready(preview) | PreviewState::Working { last: Some(preview), .. } => {
                        Some(preview.clone())
                    }
                    _ => None,
                };
                PreviewState::Working { since: self.now, last }
            } else {
                PreviewState::Unchanged
            };
            if let Some(view) = self.environments.get_mut(i) {
                view.preview = state;
                view.verdict = Verdict::Pending;
            }
        }
        effects
    }

    /// Takes a finished preview, unless the text moved on meanwhile.
    pub fn take_preview(
        &mut self,
        target: &Mapped,
        generation: u64,
        result: Result<Arc<Preview>, Error>,
        verdict: &Verdict,
    ) {
        if let Some(view) = self.previewed(target, generation) {
            view.preview = match result {
                Ok(preview) => PreviewState::Ready(preview),
                Err(error) => PreviewState::Failed(error),
            };
            view.verdict = verdict.clone();
        }
    }

    /// Takes what helm says of a preview, unless the text moved on meanwhile.
    pub fn take_verdict(&mut self, target: &Mapped, generation: u64, verdict: &Verdict) {
        if let Some(view) = self.previewed(target, generation) {
            view.verdict = verdict.clone();
        }
    }

    /// The environment that an answer is for, when it is for the present text.
    fn previewed(&mut self, target: &Mapped, generation: u64) -> Option<&mut EnvironmentView> {
        let selected = self.selection.mapped.as_ref().is_some_and(|mapped| mapped.chart == target.chart);
        if generation != self.documents.generation() || !selected {
            return None;
        }
        self.environments.iter_mut().find(|view| view.name == target.environment)
    }
}

/// A file as problems name it: relative to the chart.
fn shown(chart: &std::path::Path, file: &std::path::Path) -> PathBuf {
    file.strip_prefix(chart).unwrap_or(file).to_owned()
}

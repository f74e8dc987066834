//! What headless commands stand on: folders, settings, workspace, kubeconfig and helm, each read when it is needed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{Global, OperationArgs};
use crate::base::folders::Folders;
use crate::base::redact::Redactor;
use crate::base::{Error, Problem, Result};
use crate::cluster::Kubeconfig;
use crate::helm::renderer::CliRenderer;
use crate::helm::{Helm, ReleaseRef, overlay};
use crate::operations::plan::ValuesVerdict;
use crate::operations::{ChartSource, Options, PlanRequest, Planner, Verb};
use crate::values::LayerSet;
use crate::workspace::{self, Confirm, Environment, Settings, Target, Workspace, WorkspaceChart, user};

use super::out;

/// What a command stands on.
pub(super) struct Context {
    pub(super) folders: Folders,
    pub(super) settings: Settings,
    pub(super) redactor: Arc<Redactor>,
    global: Global,
}

/// An environment of a chart with everything that was read for it.
pub(super) struct Place<'w> {
    pub(super) chart: &'w WorkspaceChart,
    pub(super) environment: &'w Environment,
    pub(super) target: Target,
}

impl Context {
    /// Reads the settings; what is wrong with them is said and never stops anything.
    pub(super) fn new(global: &Global) -> Result<Self> {
        let folders = Folders::resolve()?;
        overlay::sweep(&folders.runtime);
        let file = global.config.clone().unwrap_or_else(|| folders.config.join(user::FILE));
        let settings = Settings::load(&file, global.config.is_some());
        for problem in &settings.problems {
            out::note(&format!("warning: {problem}"));
        }
        Ok(Self { folders, settings, redactor: Arc::new(Redactor::new()), global: global.clone() })
    }

    /// A copy that also masks what the values of a place mark as secret.
    pub(super) fn learn(&mut self, place: &Place<'_>) {
        let layers =
            LayerSet::for_environment(&place.chart.chart, &place.environment.values_files, &|_| None);
        let mut redactor = Redactor::clone(&self.redactor).with_paths(place.chart.schema.secret_paths());
        redactor = redactor.learn(&layers.merge().value);
        self.redactor = Arc::new(redactor);
    }

    pub(super) async fn helm(&self) -> Result<Arc<Helm>> {
        Helm::find(self.global.helm.as_deref()).await.map(Arc::new)
    }

    pub(super) fn kubeconfig(&self) -> Result<Arc<Kubeconfig>> {
        Ok(Arc::new(Kubeconfig::read(self.global.kubeconfig.as_deref())?))
    }

    /// `--kubeconfig`, absolute.
    pub(super) fn kubeconfig_path(&self) -> Option<PathBuf> {
        self.global.kubeconfig.as_ref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.clone()))
    }

    pub(super) fn renderer(&self, helm: &Arc<Helm>) -> CliRenderer {
        CliRenderer::new(Arc::clone(helm), self.folders.runtime.clone(), Arc::clone(&self.redactor))
    }

    pub(super) async fn planner(&self, kubeconfig: &Arc<Kubeconfig>) -> Result<Planner> {
        let helm = self.helm().await?;
        Ok(Planner {
            renderer: Arc::new(self.renderer(&helm)),
            helm,
            kubeconfig: Arc::clone(kubeconfig),
            kubeconfig_path: self.kubeconfig_path(),
            redactor: Arc::clone(&self.redactor),
            folders: self.folders.clone(),
            read_only: self.global.read_only,
        })
    }

    /// Resolves an environment. With several charts that map it, `chart` says which is meant. A kubeconfig that
    /// cannot be read leaves the context open.
    pub(super) fn place<'w>(
        &self,
        workspace: &'w Workspace,
        chart: Option<&str>,
        environment: &str,
        kubeconfig: Option<&Kubeconfig>,
    ) -> Result<Place<'w>> {
        let chart = choose(workspace, chart, environment)?;
        let found = chart.environment(environment).ok_or_else(|| unknown(chart, environment))?;
        let contexts = kubeconfig.map(Kubeconfig::contexts).unwrap_or_default();
        let target = workspace::resolve(chart, found, &contexts, &self.settings)?;
        Ok(Place { chart, environment: found, target })
    }

    /// What an operation on a place is asked as.
    pub(super) fn request(&self, place: &Place<'_>, verb: Verb, args: &OperationArgs) -> Result<PlanRequest> {
        let release = release_of(&place.target)?;
        let metadata = &place.chart.chart.metadata;
        Ok(PlanRequest {
            verb,
            release,
            environment: Some(place.environment.name.clone()),
            protected: place.environment.protected || self.settings.confirm == Confirm::Always,
            chart: Some(ChartSource {
                dir: place.chart.dir.clone(),
                values: place.environment.values_files.clone(),
                label: format!("{}-{}", metadata.name, metadata.version),
            }),
            revision: args.revision,
            options: Options {
                timeout: args.timeout.unwrap_or(self.settings.timeout),
                wait: !args.no_wait,
                rollback_on_failure: args.rollback_on_failure,
                create_namespace: args.create_namespace,
                test_after: args.test,
                keep_history: args.keep_history,
            },
            unsaved: Vec::new(),
        })
    }
}

/// Opens a folder. A folder without a chart is an error here: there is nothing a command could do.
pub(super) fn open(dir: &Path) -> Result<Workspace> {
    let workspace = workspace::discover(dir)?;
    if workspace.charts.is_empty() && workspace.broken.is_empty() {
        return Err(Error::new("there is no chart here")
            .at(dir.display().to_string())
            .next("name the folder of a chart, or one with charts/*/Chart.yaml"));
    }
    Ok(workspace)
}

/// Where a target's release lives.
pub(super) fn release_of(target: &Target) -> Result<ReleaseRef> {
    Ok(ReleaseRef {
        context: target.context()?.to_owned(),
        namespace: target.namespace.clone(),
        release: target.release.clone(),
    })
}

/// What is wrong with the saved values of an environment.
pub(super) fn verdict(workspace: &Workspace, place: &Place<'_>) -> ValuesVerdict {
    let mut problems: Vec<Problem> = workspace::validate(workspace, Some(&place.environment.name));
    // Another chart's files say nothing about this one.
    problems.retain(|problem| {
        let Some(file) = &problem.file else { return true };
        let of = workspace
            .charts
            .iter()
            .filter(|chart| file.starts_with(&chart.shown))
            .max_by_key(|chart| chart.shown.as_os_str().len());
        of.is_none_or(|chart| chart.dir == place.chart.dir)
    });
    ValuesVerdict { problems, secret_paths: place.chart.schema.secret_paths() }
}

fn choose<'w>(workspace: &'w Workspace, name: Option<&str>, environment: &str) -> Result<&'w WorkspaceChart> {
    let names = |charts: &[&WorkspaceChart]| {
        charts.iter().map(|chart| chart.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let all: Vec<&WorkspaceChart> = workspace.charts.iter().collect();
    if let Some(name) = name {
        return workspace.chart(name).ok_or_else(|| {
            Error::new(format!("there is no chart {name} here"))
                .at(workspace.root.display().to_string())
                .next(format!("the charts are: {}", names(&all)))
        });
    }
    let has = |mapped: bool| {
        let fits = |environment: &Environment| environment.mapped || !mapped;
        all.iter()
            .copied()
            .filter(|chart| chart.environment(environment).is_some_and(fits))
            .collect::<Vec<_>>()
    };
    let mapped = has(true);
    let candidates = if mapped.is_empty() { has(false) } else { mapped };
    match (candidates.as_slice(), all.as_slice()) {
        ([only], _) => Ok(only),
        ([], [only]) => Err(unknown(only, environment)),
        ([], _) => Err(Error::new(format!("no chart here has the environment {environment}"))
            .at(workspace.root.display().to_string())
            .next(format!("the charts are: {}", names(&all)))),
        (several, _) => Err(Error::new(format!("several charts have the environment {environment}"))
            .at(workspace.root.display().to_string())
            .next(format!("say which one with --chart: {}", names(several)))),
    }
}

fn unknown(chart: &WorkspaceChart, environment: &str) -> Error {
    let known: Vec<&str> = chart.environments.iter().map(|environment| environment.name.as_str()).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Error::new(format!("{} has no environment {environment}", chart.name))
        .at(chart.dir.display().to_string())
        .next(format!("its environments are: {known}"))
}

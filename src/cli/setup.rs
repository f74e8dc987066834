//! What commands start from: the operator's settings, the workspace, the chart and environment that are meant, the
//! helm program, the kubeconfig, and what must not be shown.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::args::{self, Global};
use super::out;
use crate::base::folders::Folders;
use crate::base::redact::Redactor;
use crate::base::{Context as _, Error, Result};
use crate::cluster::{Connection, Kubeconfig, Pinned, Pins};
use crate::helm::renderer::CliRenderer;
use crate::helm::{Helm, Previewer, ReleaseRef, overlay};
use crate::values::LayerSet;
use crate::workspace::{self, Environment, Settings, Target, Workspace, WorkspaceChart, user};

/// The operator's side.
pub(super) struct Setup {
    pub(super) folders: Folders,
    pub(super) settings: Settings,
    /// `--kubeconfig`, absolute.
    pub(super) kubeconfig: Option<PathBuf>,
    pub(super) read_only: bool,
    helm: Option<PathBuf>,
}

impl Setup {
    /// Reads the operator's settings; what is wrong with them is said, and defaults are used.
    pub(super) fn new(global: Global) -> Result<Self> {
        let folders = Folders::resolve()?;
        overlay::sweep(&folders.runtime);
        let named = global.config.is_some();
        let file = global.config.unwrap_or_else(|| folders.config.join(user::FILE));
        let settings = Settings::load(&file, named);
        for problem in &settings.problems {
            out::note(&format!("warning: {problem}"));
        }
        let kubeconfig = global
            .kubeconfig
            .map(|path| {
                std::path::absolute(&path).context_at("cannot make the path absolute", path.display())
            })
            .transpose()?;
        Ok(Self { folders, settings, kubeconfig, read_only: global.read_only, helm: global.helm })
    }

    /// Finds helm and what renders by it.
    pub(super) async fn helm(&self, redactor: &Redactor) -> Result<(Arc<Helm>, Arc<CliRenderer>)> {
        let helm = Arc::new(Helm::find(self.helm.as_deref()).await?);
        let renderer =
            CliRenderer::new(helm.clone(), self.folders.runtime.clone(), Arc::new(redactor.clone()));
        Ok((helm, Arc::new(renderer)))
    }

    /// What renders to look at: the engine, as the helm that is here would. Without one as the newest known helm,
    /// which is said.
    pub(super) async fn previewer(&self, redactor: &Redactor) -> Previewer {
        let previewer = Previewer::default();
        match self.helm(redactor).await {
            Ok((helm, renderer)) => previewer.with_helm(helm, renderer),
            Err(error) => {
                let version = previewer.profile().version();
                out::note(&format!("note: {}: rendered as helm {version} would", error.headline()));
                previewer
            }
        }
    }

    /// Reads the kubeconfig.
    pub(super) fn kubeconfig(&self) -> Result<Kubeconfig> {
        Ok(Kubeconfig::read(self.kubeconfig.as_deref())?)
    }

    /// Opens a connection for reading. A context that leads elsewhere than when it was pinned is said, not refused:
    /// only what writes is.
    pub(super) async fn connect(&self, kubeconfig: &Kubeconfig, release: &ReleaseRef) -> Result<Connection> {
        let connection = Connection::open(kubeconfig, &release.context).await?;
        let found = connection.identity(Some(&release.namespace)).await?;
        if let Pinned::Mismatch { expected, found } =
            Pins::load(&self.folders.state)?.check(&release.context, &found)
        {
            out::note(&format!("warning: {}", expected.difference(&release.context, &found)));
        }
        Ok(connection)
    }
}

/// A chart and one of its environments.
pub(super) struct Place {
    /// The workspace with nothing but this chart.
    pub(super) workspace: Workspace,
    pub(super) environment: Environment,
}

impl Place {
    /// Finds the chart and environment that are meant.
    pub(super) fn find(place: &args::Place) -> Result<Self> {
        let mut workspace = workspace::discover(&place.dir)?;
        let index = choose(&workspace, &place.dir, place.chart.as_deref(), &place.env)?;
        let chart = workspace.charts.swap_remove(index);
        let environment =
            chart.environment(&place.env).cloned().ok_or_else(|| unknown(&chart, &place.env))?;
        workspace.charts = vec![chart];
        Ok(Self { workspace, environment })
    }

    /// The chart.
    pub(super) fn chart(&self) -> &WorkspaceChart {
        &self.workspace.charts[0]
    }

    /// Another environment of the same chart.
    pub(super) fn other(&self, name: &str) -> Result<&Environment> {
        self.chart().environment(name).ok_or_else(|| unknown(self.chart(), name))
    }

    /// The environment with everything that a helm command needs.
    pub(super) fn target(
        &self,
        kubeconfig: &Kubeconfig,
        settings: &Settings,
    ) -> Result<(Target, ReleaseRef)> {
        let target = workspace::resolve(self.chart(), &self.environment, &kubeconfig.contexts(), settings)?;
        let release = ReleaseRef {
            context: target.context()?.to_owned(),
            namespace: target.namespace.clone(),
            release: target.release.clone(),
        };
        Ok((target, release))
    }

    /// What must not be shown of these environments.
    pub(super) fn redactor(&self, environments: &[&Environment]) -> Redactor {
        environments.iter().fold(Redactor::new(), |redactor, environment| {
            redactor_of(self.chart(), &environment.values_files, redactor)
        })
    }
}

/// Release and namespace of an environment for a rendering: an environment that no mapping holds has the chart's name.
pub(super) fn names(
    chart: &WorkspaceChart,
    environment: &Environment,
    settings: &Settings,
) -> Result<(String, String)> {
    if !environment.mapped {
        let release = environment.release.clone().or_else(|| chart.release.clone());
        return Ok((release.unwrap_or_else(|| chart.name.clone()), "default".to_owned()));
    }
    let target = workspace::resolve(chart, environment, &[], settings)?;
    Ok((target.release, target.namespace))
}

/// Why what is rendered of an environment is not what helm would send, in words.
pub(super) fn incomplete(chart: &WorkspaceChart, environment: &Environment) -> Vec<String> {
    let layers = LayerSet::for_environment(&chart.chart, &environment.values_files, &|_| None);
    let declared: Vec<PathBuf> = environment.unreadable.iter().filter_map(|why| why.file.clone()).collect();
    let words = environment.unreadable.iter().map(|why| why.words.clone());
    words.chain(layers.incomplete(&declared)).collect()
}

/// Adds what the schemas declare secret, and the secrets that the values hold.
pub(super) fn redactor_of(chart: &WorkspaceChart, files: &[PathBuf], redactor: Redactor) -> Redactor {
    let layers = LayerSet::for_environment(&chart.chart, files, &|_| None);
    redactor.with_paths(chart.schema.secret_paths()).learn(&layers.merge().value)
}

/// The chart that is meant: the one that was named, the only one that has the environment mapped, the only one that
/// has it at all.
fn choose(workspace: &Workspace, dir: &Path, named: Option<&str>, environment: &str) -> Result<usize> {
    let place = dir.display().to_string();
    let list = |charts: &mut dyn Iterator<Item = &WorkspaceChart>| {
        charts.map(|chart| chart.name.as_str()).collect::<Vec<_>>().join(", ")
    };
    if workspace.charts.is_empty() {
        if let Some((_, error)) = workspace.broken.first() {
            return Err(error.clone());
        }
        return Err(Error::new("there is no chart here")
            .at(place)
            .next("name a chart's folder, or one that holds charts"));
    }
    let all = |keep: &dyn Fn(&WorkspaceChart) -> bool| -> Vec<usize> {
        (0..workspace.charts.len()).filter(|index| keep(&workspace.charts[*index])).collect()
    };
    if let Some(name) = named {
        return all(&|chart| chart.name == name).first().copied().ok_or_else(|| {
            Error::new(format!("there is no chart {name} here"))
                .at(place)
                .next(format!("choose one of: {}", list(&mut workspace.charts.iter())))
        });
    }
    let has = all(&|chart| chart.environment(environment).is_some());
    let mapped = all(&|chart| chart.environment(environment).is_some_and(|own| own.mapped));
    match (mapped.as_slice(), has.as_slice()) {
        ([only], _) | ([], [only]) => Ok(*only),
        ([], []) if workspace.charts.len() == 1 => Err(unknown(&workspace.charts[0], environment)),
        ([], []) => Err(Error::new(format!("no chart here has the environment {environment}")).at(place)),
        _ => Err(Error::new(format!("several charts here have the environment {environment}"))
            .at(place)
            .next(format!(
                "name one with --chart: {}",
                list(&mut has.iter().map(|index| &workspace.charts[*index]))
            ))),
    }
}

fn unknown(chart: &WorkspaceChart, name: &str) -> Error {
    let names: Vec<&str> = chart.environments.iter().map(|own| own.name.as_str()).collect();
    let error = Error::new(format!("the chart has no environment {name}")).at(chart.name.clone());
    if names.is_empty() {
        error.next(format!("add values-{name}.yaml, or map it in clusterMapping"))
    } else {
        error.next(format!("choose one of: {}", names.join(", ")))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;

    fn workspace(charts: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, values) in charts {
            let chart = folder.path().join("charts").join(name);
            fs::create_dir_all(&chart).unwrap();
            fs::write(chart.join("Chart.yaml"), format!("apiVersion: v2\nname: {name}\nversion: 0.1.0\n"))
                .unwrap();
            fs::write(chart.join("values.yaml"), values).unwrap();
        }
        folder
    }

    fn found(folder: &tempfile::TempDir, env: &str, chart: Option<&str>) -> Result<String> {
        let place = args::Place {
            dir: folder.path().to_owned(),
            env: env.to_owned(),
            chart: chart.map(str::to_owned),
        };
        Place::find(&place).map(|place| place.chart().name.clone())
    }

    const MAPPED: &str = "clusterMapping:\n  all: {cluster: c, environments: [dev]}\n";

    #[test]
    fn the_chart_that_maps_the_environment_is_meant() {
        let folder = workspace(&[("collector", "a: 1\n"), ("platform", MAPPED)]);
        fs::write(folder.path().join("charts/collector/values-dev.yaml"), "").unwrap();
        assert_eq!(found(&folder, "dev", None).unwrap(), "platform");
        assert_eq!(found(&folder, "dev", Some("collector")).unwrap(), "collector");
        let error = found(&folder, "qa", None).unwrap_err();
        assert!(error.what.contains("qa"), "{error}");
        assert!(found(&folder, "dev", Some("nothing")).unwrap_err().to_string().contains("platform"));
    }

    #[test]
    fn two_that_map_it_are_asked_about() {
        let folder = workspace(&[("one", MAPPED), ("two", MAPPED)]);
        let error = found(&folder, "dev", None).unwrap_err().to_string();
        assert!(error.contains("--chart: one, two"), "{error}");
        let empty = tempfile::tempdir().unwrap();
        assert!(found(&empty, "dev", None).unwrap_err().what.contains("no chart"));
    }
}

//! A target: an environment of a chart with everything a helm command needs. The context comes from the operator's
//! settings, else the context of the cluster's name, else the contexts whose cluster has that name or address; the
//! kubeconfig's current context is never looked at.

use std::path::PathBuf;

use serde::Serialize;

use super::discover::{Environment, WorkspaceChart};
use super::user::Settings;
use crate::base::{Error, Result};
use crate::model::{Isolation, Preset};

/// A context as the kubeconfig declares it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContextInfo {
    /// The context's name.
    pub name: String,
    /// The name of its cluster entry.
    pub cluster: String,
    /// The API server's address; empty if the cluster is not declared.
    pub server: String,
    /// The name of its user entry.
    pub user: String,
    /// Its default namespace, which floe-tui never uses.
    pub namespace: Option<String>,
}

/// How a cluster's shared name became a context.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ContextChoice {
    /// The operator's settings say so (or it was asked once and remembered).
    Setting,
    /// A context has that name.
    SameName,
    /// One context's cluster has that name or address.
    Cluster,
    /// Several contexts fit: ask, then remember.
    Ask(Vec<String>),
    /// None fits, and why.
    Missing(String),
}

/// An environment resolved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Target {
    /// The chart's folder.
    pub chart: PathBuf,
    /// The chart's name.
    pub chart_name: String,
    /// The logical environment.
    pub environment: String,
    /// The mapping that holds it.
    pub mapping: String,
    /// The shared name of the cluster.
    pub cluster: String,
    /// The context to use; `None` while it has to be asked or is missing, see `choice`.
    pub context: Option<String>,
    /// How the context was found.
    pub choice: ContextChoice,
    /// The namespace.
    pub namespace: String,
    /// The release's name.
    pub release: String,
    /// How environments are kept apart on that cluster.
    pub isolation: Isolation,
    /// The size of components.
    pub preset: Preset,
    /// The values files after the chart's own `values.yaml`, absolute, lowest first.
    pub values_files: Vec<PathBuf>,
    /// Whether its name has to be typed before something changes there.
    pub protected: bool,
}

impl Target {
    /// What has to be typed to confirm: `floe@prod`.
    pub fn phrase(&self) -> String {
        format!("{}@{}", self.release, self.environment)
    }

    /// The context, or an error that says what to do.
    pub fn context(&self) -> Result<&str> {
        if let Some(context) = &self.context {
            return Ok(context);
        }
        let setting =
            format!("set `{} = \"CONTEXT\"` under [clusters] in config.toml", quoted(&self.cluster));
        Err(match &self.choice {
            ContextChoice::Ask(contexts) => Error::new(format!(
                "several contexts lead to the cluster {}: {}",
                self.cluster,
                contexts.join(", ")
            ))
            .next(setting),
            ContextChoice::Missing(why) => Error::new(why.clone()).next(setting),
            _ => Error::new(format!("the cluster {} has no context", self.cluster)).next(setting),
        })
    }
}

/// A TOML key as it has to be written.
fn quoted(key: &str) -> String {
    let is_bare = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if is_bare { key.to_owned() } else { format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\"")) }
}

/// Resolves an environment as far as it can be: a context that is missing or has to be asked is part of the result.
///
/// Fails when the environment is in no mapping, or namespace or release would have no valid name.
pub fn resolve(
    chart: &WorkspaceChart,
    environment: &Environment,
    contexts: &[ContextInfo],
    settings: &Settings,
) -> Result<Target> {
    let name = &environment.name;
    let mapping = chart.mapping.as_ref();
    let cluster = mapping.and_then(|mapping| mapping.of(name)).ok_or_else(|| {
        Error::new(format!("{name} is in no cluster mapping"))
            .at(mapping.map_or_else(
                || chart.values_name().display().to_string(),
                |mapping| mapping.file.display().to_string(),
            ))
            .next(format!("add {name} to the environments of a mapping in Clusters"))
    })?;
    let namespace = cluster.namespace(name).map_err(|why| {
        Error::new(format!("the namespace template of {} {why}", cluster.name))
            .at(mapping.map(|mapping| mapping.file.display().to_string()).unwrap_or_default())
    })?;
    let base = chart.release.as_deref().unwrap_or(&chart.name);
    let release = match (&environment.release, cluster.isolation) {
        (Some(release), _) => release.clone(),
        (None, Isolation::Namespace) => base.to_owned(),
        (None, Isolation::Label) => format!("{base}-{name}"),
    };
    if let Some(why) = release_fault(&release) {
        return Err(Error::new(format!("\"{release}\" is no name for a release: {why}"))
            .next("set a release in floe-tui.toml under [charts.NAME] or its environment"));
    }
    let (context, choice) = choose(&cluster.cluster, contexts, settings);
    Ok(Target {
        chart: chart.dir.clone(),
        chart_name: chart.name.clone(),
        environment: name.clone(),
        mapping: cluster.name.clone(),
        cluster: cluster.cluster.clone(),
        context,
        choice,
        namespace,
        release,
        isolation: cluster.isolation,
        preset: cluster.preset(),
        values_files: environment.values_files.clone(),
        protected: environment.protected,
    })
}

fn choose(cluster: &str, contexts: &[ContextInfo], settings: &Settings) -> (Option<String>, ContextChoice) {
    let has = |name: &str| contexts.iter().any(|context| context.name == name);
    if let Some(context) = settings.clusters.get(cluster) {
        return if has(context) {
            (Some(context.clone()), ContextChoice::Setting)
        } else {
            let why = format!(
                "the settings name the context {context} for {cluster}, the kubeconfig has none of that name"
            );
            (None, ContextChoice::Missing(why))
        };
    }
    if has(cluster) {
        return (Some(cluster.to_owned()), ContextChoice::SameName);
    }
    let address = |text: &str| text.trim_end_matches('/').to_ascii_lowercase();
    let host = |text: &str| {
        address(text).split_once("://").map_or_else(|| address(text), |(_, host)| host.to_owned())
    };
    let fits = |context: &&ContextInfo| {
        context.cluster == cluster
            || (!context.server.is_empty()
                && (address(&context.server) == address(cluster)
                    || host(&context.server) == address(cluster)))
    };
    let fitting: Vec<String> = contexts.iter().filter(fits).map(|context| context.name.clone()).collect();
    match fitting.as_slice() {
        [] if contexts.is_empty() => (
            None,
            ContextChoice::Missing(format!("there is no kubeconfig context for the cluster {cluster}")),
        ),
        [] => (
            None,
            ContextChoice::Missing(format!(
                "no context has the name {cluster}, nor a cluster of that name or address"
            )),
        ),
        [only] => (Some(only.clone()), ContextChoice::Cluster),
        _ => (None, ContextChoice::Ask(fitting)),
    }
}

/// Why a text is no release's name as helm checks it; `None` when it is one.
pub fn release_fault(name: &str) -> Option<&'static str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if name.is_empty() {
        Some("it is empty")
    } else if name.len() > 53 {
        Some("it is longer than 53 characters")
    } else if !name.chars().all(|c| fits(c) || matches!(c, '-' | '.')) {
        Some("only a-z, 0-9, - and . may be in it")
    } else if !name.split('.').all(|part| part.starts_with(fits) && part.ends_with(fits)) {
        Some("each part must begin and end with a-z or 0-9")
    } else {
        None
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn context(name: &str, cluster: &str, server: &str) -> ContextInfo {
        ContextInfo {
            name: name.to_owned(),
            cluster: cluster.to_owned(),
            server: server.to_owned(),
            ..ContextInfo::default()
        }
    }

    fn contexts() -> Vec<ContextInfo> {
        vec![
            context("mine", "kube-a", "https://a.example:6443"),
            context("admin", "kube-b", "https://b.example"),
            context("viewer", "kube-b", "https://b.example"),
            context("shared", "kube-c", "https://c.example"),
        ]
    }

    fn with_setting(cluster: &str, context: &str) -> Settings {
        let mut settings = Settings::default();
        settings.clusters.insert(cluster.to_owned(), context.to_owned());
        settings
    }

    #[rstest]
    #[case::by_setting("shared", with_setting("shared", "admin"), Some("admin"), ContextChoice::Setting)]
    #[case::by_name("shared", Settings::default(), Some("shared"), ContextChoice::SameName)]
    #[case::by_cluster("kube-a", Settings::default(), Some("mine"), ContextChoice::Cluster)]
    #[case::by_server("https://a.example:6443/", Settings::default(), Some("mine"), ContextChoice::Cluster)]
    #[case::by_host("a.example:6443", Settings::default(), Some("mine"), ContextChoice::Cluster)]
    #[case::ask("kube-b", Settings::default(), None, ContextChoice::Ask(vec!["admin".to_owned(), "viewer".to_owned()]))]
    fn contexts_are_chosen(
        #[case] cluster: &str,
        #[case] settings: Settings,
        #[case] context: Option<&str>,
        #[case] choice: ContextChoice,
    ) {
        assert_eq!(choose(cluster, &contexts(), &settings), (context.map(str::to_owned), choice));
    }

    #[test]
    fn a_setting_that_names_no_context_is_not_guessed_around() {
        let (context, choice) = choose("shared", &contexts(), &with_setting("shared", "gone"));
        assert_eq!(context, None);
        assert!(matches!(choice, ContextChoice::Missing(why) if why.contains("gone")));
        let (context, choice) = choose("nowhere", &contexts(), &Settings::default());
        assert_eq!(context, None);
        assert!(matches!(choice, ContextChoice::Missing(_)));
        let (_, choice) = choose("", &[context_without_server()], &Settings::default());
        assert!(matches!(choice, ContextChoice::Missing(_)), "an empty address fits nothing");
    }

    fn context_without_server() -> ContextInfo {
        context("x", "y", "")
    }

    #[test]
    fn release_names_are_those_of_helm() {
        assert_eq!(release_fault("floe-platform.v1"), None);
        for bad in ["", "Floe", "a_b", "-a", "a-", "a..b", &"x".repeat(54)] {
            assert!(release_fault(bad).is_some(), "{bad}");
        }
    }
}

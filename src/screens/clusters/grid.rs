//! The mapping as the edited text has it now, as a grid: a column for each mapping, a row for each environment and
//! for each thing that a mapping says of its cluster.

use std::path::PathBuf;

use crate::base::{Error, Problem};
use crate::cluster::Pinned;
use crate::model::resources;
use crate::session::{ClusterView, Fetched, Session};
use crate::ui::glyphs::Glyphs;
use crate::ui::{Rich, Role};
use crate::workspace::{
    self, ClusterMapping, ContextChoice, Environment, Mapping, Preset, Target, WorkspaceChart,
    promotion_problems, read_mapping,
};

/// What a mapping says, or what is known of its cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Attribute {
    Cluster,
    Context,
    Reachable,
    Identity,
    Template,
    Isolation,
    Preset,
    /// A component of [`resources::ROWS`].
    Resources(&'static str),
}

impl Attribute {
    const ALL: [Self; 7] = [
        Self::Cluster,
        Self::Context,
        Self::Reachable,
        Self::Identity,
        Self::Template,
        Self::Isolation,
        Self::Preset,
    ];

    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Cluster => "cluster",
            Self::Context => "context",
            Self::Reachable => "reachable",
            Self::Identity => "identity",
            Self::Template => "namespaces",
            Self::Isolation => "isolation",
            Self::Preset => "preset",
            Self::Resources(row) => row,
        }
    }
}

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Line {
    Environment(Environment),
    Attribute(Attribute),
}

impl Line {
    /// Its identity.
    pub(super) fn key(&self) -> String {
        match self {
            Self::Environment(environment) => format!("environment {}", environment.name),
            Self::Attribute(attribute) => format!("attribute {}", attribute.title()),
        }
    }
}

/// The grid of the selected chart.
#[derive(Debug, Clone, Default)]
pub(super) struct Grid {
    /// The chart's `values.yaml`, absolute.
    pub(super) file: PathBuf,
    pub(super) mapping: Option<Mapping>,
    pub(super) problems: Vec<Problem>,
    /// The text is no YAML, so nothing can be said of a mapping.
    pub(super) unreadable: Option<Error>,
    pub(super) lines: Vec<Line>,
    /// Of each mapping's first environment: how its cluster becomes a context.
    pub(super) targets: Vec<Option<Target>>,
}

impl Grid {
    /// Reads the mapping in the edited text; `None` without a chart.
    pub(super) fn of(session: &Session) -> Option<Self> {
        let chart = session.chart()?;
        let workspace = session.workspace.ready()?;
        let file = chart.dir.join("values.yaml");
        let text = session.text(&file).unwrap_or_default();
        let settings = workspace.settings.charts.get(&chart.name);
        let unreadable = crate::yaml::read(&text).err().map(|error| {
            Error::new("the text is no YAML now, so nothing can be said of the mapping")
                .at(format!("{}:{}", chart.values_name().display(), error.line))
                .because(error.message)
                .next("correct the line, or undo with u")
        });
        let (mapping, mut problems) = read_mapping(&chart.values_name(), &text, settings);
        let manifest = chart.manifest.as_deref();
        problems.extend(promotion_problems(manifest, mapping.as_ref()));
        let contexts = session.contexts.ready().map_or(&[][..], Vec::as_slice);
        let mut environments = environments(chart, mapping.as_ref());
        if let Some(manifest) = manifest {
            let promoted = manifest.entity.environments();
            let place = |name: &str| promoted.iter().position(|own| *own == name).unwrap_or(promoted.len());
            environments.sort_by_key(|own| place(&own.name));
        }
        let edited = WorkspaceChart { mapping: mapping.clone(), ..chart.clone() };
        let clusters = mapping.as_ref().map_or(&[][..], |mapping| mapping.clusters.as_slice());
        let targets = clusters
            .iter()
            .map(|cluster| {
                let first = environments.iter().find(|own| cluster.environments.contains(&own.name))?;
                workspace::resolve(&edited, first, contexts, &session.settings).ok()
            })
            .collect();
        let mut lines: Vec<Line> = environments.into_iter().map(Line::Environment).collect();
        if !clusters.is_empty() {
            lines.extend(Attribute::ALL.map(Line::Attribute));
        }
        if clusters.iter().any(|cluster| cluster.preset() == Preset::Custom) {
            lines.extend(resources::ROWS.map(|row| Line::Attribute(Attribute::Resources(row))));
        }
        Some(Self { file, mapping, problems, unreadable, lines, targets })
    }

    /// The mappings, in the order of the file.
    pub(super) fn clusters(&self) -> &[ClusterMapping] {
        self.mapping.as_ref().map_or(&[], |mapping| mapping.clusters.as_slice())
    }

    /// The context of a column, with a namespace that it maps.
    pub(super) fn context(&self, column: usize) -> Option<(&str, &str)> {
        let target = self.targets.get(column)?.as_ref()?;
        Some((target.context.as_deref()?, &target.namespace))
    }

    /// What the cell says.
    pub(super) fn cell(&self, session: &Session, line: &Line, column: usize, glyphs: &Glyphs) -> Rich {
        let Some(cluster) = self.clusters().get(column) else { return Rich::default() };
        match line {
            Line::Environment(environment) => {
                if !cluster.environments.contains(&environment.name) {
                    return Rich::of(Role::Muted, glyphs.dot);
                }
                match cluster.namespace(&environment.name) {
                    Ok(namespace) => {
                        Rich::of(Role::Good, format!("{} ", glyphs.good)).then(Role::Text, namespace)
                    }
                    Err(_) => Rich::of(Role::Bad, format!("{} no namespace", glyphs.bad)),
                }
            }
            Line::Attribute(attribute) => self.attribute(session, *attribute, cluster, column, glyphs),
        }
    }

    fn attribute(
        &self,
        session: &Session,
        attribute: Attribute,
        cluster: &ClusterMapping,
        column: usize,
        glyphs: &Glyphs,
    ) -> Rich {
        let target = self.targets.get(column).and_then(Option::as_ref);
        let known = known(session, cluster, self.context(column).map(|(context, _)| context));
        match attribute {
            Attribute::Cluster if cluster.cluster.is_empty() => {
                Rich::of(Role::Bad, format!("{} none", glyphs.bad))
            }
            Attribute::Cluster => Rich::from(cluster.cluster.as_str()),
            Attribute::Context => match target.map(|target| (&target.context, &target.choice)) {
                Some((Some(context), _)) => Rich::from(context.as_str()),
                Some((None, ContextChoice::Ask(fitting))) => {
                    Rich::of(Role::Warn, format!("{} which of {}? Enter", glyphs.warn, fitting.len()))
                }
                _ if session.contexts.error().is_some() => Rich::of(Role::Warn, "no kubeconfig"),
                _ => Rich::of(Role::Warn, format!("{} none fits", glyphs.warn)),
            },
            Attribute::Reachable => match known.map(|view| &view.answer) {
                None => Rich::of(Role::Muted, "not asked"),
                Some(Fetched::Awaited { since }) => {
                    let spent = crate::screens::elapsed(*since, session.now);
                    Rich::of(Role::Busy, format!("{} asking", glyphs.spin(spent.as_millis())))
                }
                Some(Fetched::Ready { at, .. }) => {
                    let age = crate::base::time::relative(*at, session.now);
                    Rich::of(Role::Good, format!("{} answered", glyphs.good))
                        .then(Role::Muted, format!(" {age} ago"))
                }
                Some(Fetched::Failed { error, .. }) => {
                    Rich::of(Role::Bad, format!("{} {}", glyphs.bad, error.what))
                }
            },
            Attribute::Identity => match known.and_then(|view| view.answer.ready()) {
                None => Rich::of(Role::Muted, "not known"),
                Some((identity, pinned)) => {
                    let (role, words) = match pinned {
                        Pinned::New => (Role::Warn, "not pinned yet, p"),
                        Pinned::Matches { weak: false } => (Role::Good, "pinned"),
                        Pinned::Matches { weak: true } => (Role::Warn, "pinned, weak"),
                        Pinned::Mismatch { .. } => (Role::Bad, "ANOTHER CLUSTER, p"),
                    };
                    Rich::of(role, words).then(Role::Muted, format!(" {}", identity.short()))
                }
            },
            Attribute::Template => Rich::of(Role::Template, cluster.namespace_template.clone()),
            Attribute::Isolation => Rich::from(cluster.isolation.word()),
            Attribute::Preset => Rich::from(cluster.preset().word()),
            Attribute::Resources(row) => {
                let is_own = cluster.preset() == Preset::Custom && cluster.resources.gives(row);
                let numbers = cluster.resources.resolve(row).map(|row| row.to_string());
                Rich::of(if is_own { Role::Text } else { Role::Muted }, numbers.unwrap_or_default())
            }
        }
    }
}

/// What is known of a mapping's cluster, if it was asked under the context that it has now.
pub(super) fn known<'s>(
    session: &'s Session,
    cluster: &ClusterMapping,
    context: Option<&str>,
) -> Option<&'s ClusterView> {
    session.world.clusters.get(&cluster.cluster).filter(|view| Some(view.context.as_str()) == context)
}

/// The environments of the edited mapping, then those that have only a values file.
fn environments(chart: &WorkspaceChart, mapping: Option<&Mapping>) -> Vec<Environment> {
    let names = mapping.map(Mapping::environments).unwrap_or_default();
    let mut all: Vec<Environment> = names
        .iter()
        .map(|name| {
            chart.environment(name).cloned().unwrap_or_else(|| Environment {
                unreadable: Vec::new(),
                generated: None,
                name: (*name).to_owned(),
                mapped: true,
                values_files: vec![chart.dir.join(format!("values-{name}.yaml"))],
                protected: matches!(*name, "prod" | "production"),
                release: None,
            })
        })
        .collect();
    all.extend(chart.environments.iter().filter(|own| !names.contains(&own.name.as_str())).cloned());
    all
}

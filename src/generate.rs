//! Values from compiled artifacts: what floe compiled for a data product becomes the values of the platform's charts, for
//! one environment at a time.
//!
//! The order is the chart's defaults, what the environment's cluster mapping says, the plugins in the artifact's order
//! with the rest of the artifact, and the operator's own values; maps are merged, lists replaced, null deletes, as helm
//! does with several `-f`. What is written is everything above the chart's defaults: one more values file for helm.
//! Credentials are taken out when the artifact is read, and every key remembers the field that it comes from.

mod check;
mod draft;
mod environment;
pub mod jobs;
mod plugins;
pub mod source;
mod telemetry;

use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use crate::base::{Problem, Severity, text};
use crate::chart::Chart;
use crate::model::manifest::FromYaml;
use crate::model::{ClusterMapping, FloeSpec, Manifest, Mapping};
use crate::schema::ChartSchema;
use crate::values::{self, Layer, LayerKind, LayerSet};
use crate::yaml::{self, KeyPath};

pub use crate::values::{MADE, made_from};
pub use draft::Needed;
pub use source::Artifact;

/// The chart of the platform.
pub const PLATFORM: &str = "floe-platform";

/// The chart of jobs.
pub const JOBS: &str = "floe-jobs";

/// How models become jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum JobsMode {
    /// One job for each model.
    #[default]
    PerModel,
    /// One job for all of them, in dbt's order.
    Single,
}

impl JobsMode {
    /// All of them, the default first.
    pub const ALL: [Self; 2] = [Self::PerModel, Self::Single];

    /// As it is written on the command line and in `floe-tui.toml`.
    pub fn word(self) -> &'static str {
        match self {
            Self::PerModel => "per-model",
            Self::Single => "single",
        }
    }

    /// By its word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }
}

/// What is to be generated from.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'w> {
    /// The artifact.
    pub artifact: &'w Artifact,
    /// `floe.yaml`, for the schedule.
    pub spec: Option<&'w FromYaml<FloeSpec>>,
    /// The operator's own values, lowest first.
    pub overrides: &'w [Layer],
    /// How models become jobs.
    pub jobs: JobsMode,
}

/// What it is generated for.
#[derive(Debug, Clone, Copy)]
pub struct Site<'s> {
    /// The chart that gets the values.
    pub chart: &'s Chart,
    /// Its schema with those of its subcharts.
    pub schema: &'s ChartSchema,
    /// The logical environment.
    pub environment: &'s str,
    /// Its namespace.
    pub namespace: &'s str,
    /// The release's name.
    pub release: &'s str,
    /// The mapping that holds the environment.
    pub cluster: &'s ClusterMapping,
    /// Where that was read.
    pub mapping_file: &'s Path,
    /// The chart's defaults with the environment's own values files that lie below what is generated.
    pub below: &'s LayerSet,
    /// Its values files that helm gets after what is generated, lowest first. Nothing of them is written; they say what
    /// is switched off, or named already.
    pub above: &'s [Layer],
    /// The stem of the platform's object names in the same namespace, for jobs that talk to it.
    pub platform: Option<&'s str>,
}

/// Where a generated key comes from.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Origin {
    /// The key.
    pub key: String,
    /// The document it comes from, as the user knows it.
    pub file: PathBuf,
    /// The line there.
    pub line: usize,
    /// The field there.
    pub field: String,
}

/// Values of one environment.
#[derive(Debug, Clone)]
pub struct Generated {
    /// The environment.
    pub environment: String,
    /// The values, a map.
    pub values: Map<String, Value>,
    /// The values file: a head that says what it is, then the values. The same for the same input.
    pub text: String,
    /// Where each key comes from; the operator's own values are left out.
    pub origins: Vec<Origin>,
    /// The Secrets that have to exist.
    pub needed: Vec<Needed>,
    /// What is wrong; with an error among them the text must not be used.
    pub problems: Vec<Problem>,
}

impl Generated {
    /// Where a key comes from: its own field, or that of the map or list that was taken over whole and holds it.
    pub fn origin(&self, key: &KeyPath) -> Option<&Origin> {
        let mut path = Some(key.clone());
        while let Some(here) = path {
            let name = here.to_string();
            // A later assignment of the same key wins.
            if let Some(found) = self.origins.iter().rev().find(|own| own.key == name) {
                return Some(found);
            }
            path = here.parent();
        }
        None
    }
}

/// The sections of a chart's values that are generated.
#[derive(Debug)]
struct Sections {
    platform: Option<KeyPath>,
    jobs: Option<KeyPath>,
}

impl Sections {
    /// Of the chart itself, and of what it contains.
    fn of(chart: &Chart) -> Self {
        let mut found = Self { platform: None, jobs: None };
        found.look(chart, &KeyPath::root(), 0);
        found
    }

    fn look(&mut self, chart: &Chart, section: &KeyPath, depth: usize) {
        match chart.metadata.name.as_str() {
            PLATFORM if self.platform.is_none() => self.platform = Some(section.clone()),
            JOBS if self.jobs.is_none() => self.jobs = Some(section.clone()),
            _ => {}
        }
        for dependency in chart.dependencies.iter().filter(|_| depth < 4) {
            if let Some(below) = &dependency.chart {
                self.look(below, &section.key(dependency.key()), depth + 1);
            }
        }
    }
}

/// Whether values can be generated for a chart: it is one of the platform's charts, or contains one.
pub fn is_for(chart: &Chart) -> bool {
    let sections = Sections::of(chart);
    sections.platform.is_some() || sections.jobs.is_some()
}

/// Generates the values of one environment.
pub fn generate(wish: &Wish, site: &Site) -> Generated {
    let mut problems = check::credentials(wish.overrides);
    let mut sections = Sections::of(site.chart);
    let base = site.below;
    let given = wish.overrides.iter().chain(site.above).cloned();
    let given = given.fold(base.clone(), LayerSet::with_layer).merge();
    // Jobs in the platform's release only where they are switched on; releases of their own are the usual way.
    sections.jobs = sections.jobs.filter(|jobs| jobs.0.is_empty() || given.is_enabled(jobs) == Some(true));
    let mut draft = draft::Draft::default();
    environment::draft(&mut draft, wish, site, &sections);
    if let Some(platform) = &sections.platform {
        plugins::draft(&mut draft, wish, site, platform, &mut problems);
        telemetry::draft(&mut draft, wish, site, platform, &mut problems);
    }
    if let Some(section) = &sections.jobs {
        let given = jobs::Given { values: &given.value, section };
        // In the same release the platform is the release itself.
        jobs::draft(&mut draft, wish, section, &given, site.platform, &mut problems);
    }
    if let Some(platform) = &sections.platform {
        let all = Value::Object(overlaid(&draft, wish));
        environment::prune(&mut draft, platform, |switch| {
            let above = site.above.iter().rev().find_map(|layer| switch.get(layer.value()));
            let value = above.or_else(|| switch.get(&all)).or_else(|| given.get(switch));
            value == Some(&Value::Bool(false))
        });
    }
    let drafted = Value::Object(overlaid(&draft, wish));
    let text = format!("{}{}", head(wish, site, &draft.needed), yaml::write(&drafted));
    let layer = values::layer("generated values", LayerKind::Generated, None, text.as_str().into());
    // As helm will read them: a number that is written `1.0` is 1.
    let read = layer.as_ref().map_or(&drafted, Layer::value);
    let values = read.as_object().cloned().unwrap_or_default();
    // What a credential would do to the words of a problem is not tried out.
    if problems.iter().all(|problem| problem.severity != Severity::Error) {
        problems.extend(match layer {
            Ok(layer) => {
                let all = std::iter::once(layer).chain(site.above.iter().cloned());
                check::schema(wish, site, &draft, &all.fold(base.clone(), LayerSet::with_layer))
            }
            Err(error) => vec![Problem::error(format!("what was generated cannot be read back: {error}"))],
        });
        problems.extend(missing(wish, site, &sections, &values, &given.value));
    }
    if wish.artifact.leaks_into(&text) {
        problems.push(
            Problem::error(
                "a credential of the artifact stands in another field as plain text: take it out there",
            )
            .at(wish.artifact.file(), None),
        );
    }
    let problems = problems.into_iter().map(|problem| problem.environment(site.environment)).collect();
    let origins = draft.assignments.iter().filter_map(|own| {
        let (file, line) = draft::locate(wish, site, &own.from)?;
        let field = draft::shown(wish.artifact, &own.from);
        Some(Origin { key: own.key.to_string(), file, line, field })
    });
    let origins = origins.collect();
    Generated {
        environment: site.environment.to_owned(),
        values,
        text,
        origins,
        needed: draft.needed,
        problems,
    }
}

/// What is drafted, with the operator's own values over it.
fn overlaid(draft: &draft::Draft, wish: &Wish) -> Map<String, Value> {
    let mut values = draft.value();
    for layer in wish.overrides {
        if let Value::Object(map) = layer.value() {
            values::overlay(&mut values, map);
        }
    }
    values
}

/// What jobs need and the artifact cannot say.
fn missing(
    wish: &Wish,
    site: &Site,
    sections: &Sections,
    values: &Map<String, Value>,
    given: &Value,
) -> Vec<Problem> {
    let Some(section) = &sections.jobs else { return Vec::new() };
    let values = Value::Object(values.clone());
    let mut problems = Vec::new();
    let has_jobs =
        section.key("jobs").get(&values).and_then(Value::as_object).is_some_and(|jobs| !jobs.is_empty());
    let repository = draft::join(section, &KeyPath::of(["defaults", "image", "repository"]));
    let is_named = [&values, given].iter().any(|values| {
        repository.get(values).and_then(Value::as_str).is_some_and(|repository| !repository.is_empty())
    });
    if has_jobs && !is_named {
        let words = format!(
            "{} names no image, and jobs need one: --set {repository}=…,{}=…",
            site.chart.metadata.name,
            draft::join(section, &KeyPath::of(["defaults", "image", "tag"]))
        );
        problems.push(Problem::warning(words).key(repository.to_string()));
    }
    let secrets = draft::join(section, &KeyPath::of(["defaults", "secrets"]));
    let listed = secrets.get(&values).map(Value::to_string).unwrap_or_default();
    for taken in &wish.artifact.taken {
        if has_jobs && !listed.contains(&format!("\"{}\"", taken.variable)) {
            let words = format!(
                "the operator's own values replace the list, and nobody gives jobs the variable {} any more: add Secret {} with key {}",
                taken.variable, taken.secret, taken.key
            );
            problems.push(Problem::warning(words).key(secrets.to_string()));
        }
    }
    let env = draft::join(section, &KeyPath::of(["defaults", "env"]));
    for (variable, field) in &wish.artifact.variables {
        let is_given = [&values, given].iter().any(|values| env.key(variable).get(values).is_some());
        if has_jobs && !is_given && !listed.contains(&format!("\"{variable}\"")) {
            let (file, line) = wish.artifact.locate(field);
            let words =
                format!("reads the variable {variable}, which nobody sets: --set {}=…", env.key(variable));
            problems.push(Problem::warning(words).at(file, Some(line)).key(field.to_string()));
        }
    }
    problems
}

/// What stands on top of the file.
fn head(wish: &Wish, site: &Site, needed: &[Needed]) -> String {
    let model = &wish.artifact.model;
    let file =
        wish.artifact.file().file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let metadata = &site.chart.metadata;
    let mut lines = vec![
        format!(
            "{MADE} {} from {file}. Change that and make this again; what is edited here is lost.",
            env!("CARGO_PKG_VERSION")
        ),
        format!(
            "artifact: sha256:{}, contract {}, product {} {}",
            wish.artifact.hash.hex(),
            model.version,
            model.metadata.product_name,
            model.metadata.product_version
        ),
        format!(
            "for: {} {}, environment {}, namespace {}, release {}",
            metadata.name, metadata.version, site.environment, site.namespace, site.release
        ),
    ];
    for needed in needed {
        let keys: Vec<&str> = needed.keys.iter().map(|(key, _)| key.as_str()).collect();
        lines.push(format!("needs: Secret {} with {}", needed.name, keys.join(", ")));
    }
    lines.iter().fold(String::new(), |head, line| format!("{head}# {}\n", text::one_line(line)))
}

/// Environments in the order of the manifest's promotion, those that it does not know last, and where manifest and
/// cluster mapping disagree: an error for environments that were asked for, a warning for the others.
pub fn order(
    asked: &[String],
    manifest: Option<&FromYaml<Manifest>>,
    mapping: &Mapping,
) -> (Vec<String>, Vec<Problem>) {
    let mut order: Vec<String> = Vec::new();
    for name in asked {
        if !order.contains(name) {
            order.push(name.clone());
        }
    }
    let Some(manifest) = manifest else { return (order, Vec::new()) };
    let promoted = manifest.entity.environments();
    order.sort_by_key(|name| promoted.iter().position(|own| own == name).unwrap_or(promoted.len()));
    let mapped = mapping.environments();
    let list = KeyPath::of(["artifacts", "promotion", "environments"]);
    let document = &manifest.document;
    let grade = |name: &str, words: String| {
        let is_asked = order.iter().any(|own| own == name);
        if is_asked { Problem::error(words) } else { Problem::warning(words) }
    };
    let unmapped =
        promoted.iter().enumerate().filter(|(_, name)| !mapped.contains(name)).map(|(index, name)| {
            let words =
                format!("{name} is promoted to and in no cluster mapping of {}", mapping.file.display());
            document.place(grade(name, words), &list.index(index))
        });
    let unknown = mapped.iter().filter(|name| !promoted.contains(name)).map(|name| {
        let line = mapping.of(name).and_then(|cluster| cluster.line);
        let words = format!(
            "{name} is mapped to a cluster and nothing is promoted there by {}",
            document.file.display()
        );
        grade(name, words).at(&mapping.file, line)
    });
    let problems = unmapped.chain(unknown).collect();
    (order, problems)
}

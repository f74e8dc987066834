//! The cluster mapping: which logical environments run on which cluster, in which namespaces, how far apart, and
//! how large. It is read from the chart's `values.yaml`, or for a chart without one from `floe-tui.toml`.

use std::fmt;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entity::{Entity, Frozen};
use super::located::Located;
use super::resources::{self, Preset, ResourceRequirements, Tier};
use crate::base::Problem;
use crate::yaml::KeyPath;

/// The key in values.
pub const KEY: &str = "clusterMapping";

/// The namespace of an environment when the mapping names none.
pub const DEFAULT_TEMPLATE: &str = "floe-{{.environment}}";

/// How environments on one cluster are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Isolation {
    /// A namespace each.
    #[default]
    Namespace,
    /// Labels within one namespace; release names carry the environment.
    Label,
}

impl Isolation {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Namespace, Self::Label];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Label => "label",
        }
    }
}

impl fmt::Display for Isolation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One cluster and the environments that run there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ClusterMapping {
    /// The mapping's own name: `non-prod`. In values it is the key that the rest stands under.
    #[schemars(regex(pattern = r"^[a-z][a-zA-Z0-9-]*$"))]
    pub name: String,
    /// The shared name of the cluster; each operator's settings map it to a context.
    #[schemars(length(min = 1))]
    pub cluster: String,
    /// Logical environments, in order; each belongs to exactly one mapping.
    #[schemars(length(min = 1), inner(regex(pattern = r"^[a-z][a-z0-9-]*$"), length(max = 40)), extend("uniqueItems" = true))]
    pub environments: Vec<String>,
    /// Namespace of an environment. A template that knows `{{.environment}}` only; the result must be a DNS label.
    #[serde(default = "default_template")]
    #[schemars(length(min = 1))]
    pub namespace_template: String,
    /// How environments are kept apart.
    #[serde(default)]
    pub isolation: Isolation,
    /// The size of components that set no resources of their own.
    #[serde(default)]
    pub resources: Tier,
    /// Where the mapping stands in its file, from 1.
    #[serde(skip)]
    pub line: Option<usize>,
}

fn default_template() -> String {
    DEFAULT_TEMPLATE.to_owned()
}

impl Entity for ClusterMapping {
    const NAME: &'static str = "ClusterMapping";

    fn faults(&self) -> Vec<(KeyPath, String)> {
        let template = KeyPath::of(["namespaceTemplate"]);
        let namespaces = self.environments.iter().filter_map(|name| self.namespace(name).err());
        namespaces.map(|why| (template.clone(), why)).collect()
    }
}

impl ClusterMapping {
    /// The size.
    pub fn preset(&self) -> Preset {
        self.resources.preset
    }

    /// The namespace of an environment; fails with a sentence when the template asks for something else than
    /// `.environment`, does not close, or gives no DNS label.
    pub fn namespace(&self, environment: &str) -> Result<String, String> {
        let namespace = expand(&self.namespace_template, environment)?;
        match label_fault(&namespace) {
            None => Ok(namespace),
            Some(fault) => Err(format!("gives the namespace \"{namespace}\" for {environment}: {fault}")),
        }
    }
}

/// Where a mapping was read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MappingOrigin {
    /// `clusterMapping` of the chart's `values.yaml`.
    Values,
    /// `[charts.NAME.clusterMapping]` of the workspace's `floe-tui.toml`.
    Settings,
}

/// All mappings of a chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mapping {
    /// The file it was read from, as the user knows it.
    pub file: PathBuf,
    /// Which kind of file that is.
    pub origin: MappingOrigin,
    /// In the order of the file.
    pub clusters: Vec<ClusterMapping>,
}

impl Mapping {
    /// Reads the mapping at `base`; `None` when nothing stands there. What cannot be used is left out and
    /// reported; what is left out falls back to its default.
    pub fn read(document: &Located, base: &KeyPath, origin: MappingOrigin) -> (Option<Self>, Vec<Problem>) {
        let value = match base.get(&document.value) {
            None | Some(Value::Null) => return (None, Vec::new()),
            Some(value) => value,
        };
        let mut problems = Vec::new();
        let Value::Object(entries) = value else {
            let fault = Problem::error("must be a map of mappings, each with cluster and environments");
            return (None, vec![document.place(fault, base)]);
        };
        let mut clusters = Vec::new();
        for (name, entry) in entries {
            let path = base.key(name);
            if !name.starts_with(|c: char| c.is_ascii_lowercase())
                || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            {
                let words = "is no name for a mapping: it must begin with a-z, and only letters, digits and - may be in it";
                problems.push(document.place(Problem::error(words), &path));
            }
            if entry.is_object() {
                clusters.push(read_one(document, &path, name, &mut problems));
            } else {
                let fault = Problem::error("must be a map with cluster and environments");
                problems.push(document.place(fault, &path));
            }
        }
        (Some(Self { file: document.file.clone(), origin, clusters }), problems)
    }

    /// The first mapping that has an environment.
    pub fn of(&self, environment: &str) -> Option<&ClusterMapping> {
        self.clusters.iter().find(|cluster| cluster.environments.iter().any(|own| own == environment))
    }

    /// The environments in the order of the file, without repeats.
    pub fn environments(&self) -> Vec<&str> {
        let mut seen = Vec::new();
        for name in self.clusters.iter().flat_map(|cluster| &cluster.environments) {
            if !seen.contains(&name.as_str()) {
                seen.push(name.as_str());
            }
        }
        seen
    }
}

fn read_one(document: &Located, path: &KeyPath, name: &str, problems: &mut Vec<Problem>) -> ClusterMapping {
    const FIELDS: [&str; 5] = ["cluster", "environments", "namespaceTemplate", "isolation", "resources"];
    let at = |key: &str| path.key(key);
    let get = |key: &str| at(key).get(&document.value).filter(|value| !value.is_null()).cloned();
    let mut fault = |path: &KeyPath, message: String| {
        problems.push(document.place(Problem::error(message), path));
    };
    if let Some(Value::Object(map)) = path.get(&document.value) {
        for key in map.keys().filter(|key| !FIELDS.contains(&key.as_str())) {
            fault(&at(key), format!("unknown field, known are {}", FIELDS.join(", ")));
        }
    }
    let cluster = match get("cluster") {
        Some(Value::String(text)) if !text.trim().is_empty() => text,
        None => {
            fault(path, "names no cluster".to_owned());
            String::new()
        }
        Some(_) => {
            fault(&at("cluster"), "must be the name of a cluster".to_owned());
            String::new()
        }
    };
    let environments = match get("environments") {
        Some(Value::Array(items)) => {
            let list = at("environments");
            if items.is_empty() {
                fault(&list, "must name at least one environment".to_owned());
            }
            let mut names = Vec::new();
            for (index, item) in items.iter().enumerate() {
                match item.as_str().map(|name| (name, environment_fault(name))) {
                    Some((name, None)) => names.push(name.to_owned()),
                    Some((name, Some(why))) => {
                        fault(&list.index(index), format!("\"{name}\" is no name for an environment: {why}"));
                    }
                    None => fault(&list.index(index), "must be the name of an environment".to_owned()),
                }
            }
            names
        }
        None => {
            fault(path, "names no environments, at least one is needed".to_owned());
            Vec::new()
        }
        Some(_) => {
            fault(&at("environments"), "must be a list of names".to_owned());
            Vec::new()
        }
    };
    let namespace_template = match get("namespaceTemplate") {
        Some(Value::String(text)) => text,
        None => DEFAULT_TEMPLATE.to_owned(),
        Some(_) => {
            fault(&at("namespaceTemplate"), format!("must be a template such as {DEFAULT_TEMPLATE}"));
            DEFAULT_TEMPLATE.to_owned()
        }
    };
    let isolation = match word(get("isolation"), &Isolation::ALL, Isolation::word) {
        Ok(isolation) => isolation.unwrap_or_default(),
        Err(message) => {
            fault(&at("isolation"), message);
            Isolation::default()
        }
    };
    let resources = read_tier(document, path, &mut fault);
    ClusterMapping {
        name: name.to_owned(),
        cluster,
        environments,
        namespace_template,
        isolation,
        resources,
        line: document.line(path),
    }
}

fn read_tier(document: &Located, path: &KeyPath, fault: &mut dyn FnMut(&KeyPath, String)) -> Tier {
    let path = path.key("resources");
    let map = match path.get(&document.value) {
        None | Some(Value::Null) => return Tier::default(),
        Some(Value::Object(map)) => map,
        Some(_) => {
            fault(&path, "must be a map with a preset".to_owned());
            return Tier::default();
        }
    };
    let preset = word(map.get("preset").cloned(), &Preset::ALL, Preset::word).unwrap_or_else(|message| {
        fault(&path.key("preset"), message);
        None
    });
    let mut tier = Tier { preset: preset.unwrap_or_default(), ..Tier::default() };
    let is_custom = tier.preset == Preset::Custom;
    let missing: Vec<&str> = resources::ROWS[..resources::REQUIRED]
        .iter()
        .copied()
        .filter(|row| map.get(*row).is_none_or(Value::is_null))
        .collect();
    if is_custom && !missing.is_empty() {
        let words = format!("custom needs the resources of components beside it: {}", missing.join(", "));
        fault(&path.key("preset"), words);
    }
    for (key, value) in map.iter().filter(|(key, value)| *key != "preset" && !value.is_null()) {
        let here = path.key(key);
        if !resources::ROWS.contains(&key.as_str()) {
            fault(&here, format!("unknown field, known are preset, {}", resources::ROWS.join(", ")));
        } else if !is_custom {
            fault(&here, "resources of a component count only with the preset custom".to_owned());
        } else {
            match Frozen::<ResourceRequirements>::read(value, &|_| None) {
                Ok(row) => tier.set(key, &row),
                Err(problems) => problems.into_iter().for_each(|problem| {
                    let inside = KeyPath::parse(&problem.key).unwrap_or_default();
                    fault(&KeyPath(here.0.iter().chain(&inside.0).cloned().collect()), problem.message);
                }),
            }
        }
    }
    tier
}

/// One of several words; `Ok(None)` when nothing is given.
fn word<T: Copy>(value: Option<Value>, all: &[T], word: fn(T) -> &'static str) -> Result<Option<T>, String> {
    let Some(value) = value.filter(|value| !value.is_null()) else { return Ok(None) };
    let found = value.as_str().and_then(|text| all.iter().copied().find(|one| word(*one) == text));
    let known = || all.iter().map(|one| word(*one)).collect::<Vec<_>>().join(", ");
    found.map(Some).ok_or_else(|| format!("must be one of {}", known()))
}

/// Fills a namespace template.
fn expand(template: &str, environment: &str) -> Result<String, String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        let (inside, after) = after.split_once("}}").ok_or("opens {{ without }}")?;
        // `{{-` and `-}}` trim blanks around them.
        let (left, inside) = inside.strip_prefix('-').map_or((false, inside), |inside| (true, inside));
        let (right, inside) = inside.strip_suffix('-').map_or((false, inside), |inside| (true, inside));
        text.push_str(if left { before.trim_end() } else { before });
        if inside.trim() != ".environment" {
            return Err(format!("knows .environment and nothing else, not \"{}\"", inside.trim()));
        }
        text.push_str(environment);
        rest = if right { after.trim_start() } else { after };
    }
    if rest.contains("}}") {
        return Err("closes }} without {{".to_owned());
    }
    text.push_str(rest);
    Ok(text)
}

/// Why a text is no DNS label; `None` when it is one.
pub fn label_fault(text: &str) -> Option<&'static str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.is_empty() {
        Some("it is empty")
    } else if text.len() > 63 {
        Some("it is longer than 63 characters")
    } else if !text.chars().all(fits) {
        Some("only a-z, 0-9 and - may be in it")
    } else if text.starts_with('-') || text.ends_with('-') {
        Some("it must not begin or end with -")
    } else {
        None
    }
}

/// Why a text is no environment's name. The name becomes a part of file names, namespaces and labels.
pub fn environment_fault(name: &str) -> Option<&'static str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        Some("it must begin with a-z")
    } else if !name.chars().all(fits) {
        Some("only a-z, 0-9 and - may be in it")
    } else if name.len() > 40 {
        Some("it is longer than 40 characters")
    } else {
        None
    }
}

//! The cluster mapping: which logical environments run on which cluster, in which namespaces, how far apart, and
//! how large. It is read from the chart's `values.yaml`, or for a chart without one from `floe-tui.toml`.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use serde_json::Value;

use super::located::Located;
use crate::base::Problem;
use crate::yaml::KeyPath;

/// The key in values.
pub const KEY: &str = "clusterMapping";

/// The namespace of an environment when the mapping names none.
pub const DEFAULT_TEMPLATE: &str = "floe-{{.environment}}";

/// How environments on one cluster are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
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

/// The size of components that set no resources of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Preset {
    /// The smallest.
    #[default]
    Small,
    /// The middle.
    Medium,
    /// The largest.
    Large,
    /// What stands beside it.
    Custom,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Small, Self::Medium, Self::Large, Self::Custom];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
            Self::Custom => "custom",
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// One cluster and the environments that run there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterMapping {
    /// The mapping's own name: `non-prod`.
    pub name: String,
    /// The shared name of the cluster; each operator's settings map it to a context.
    pub cluster: String,
    /// Logical environments, in order.
    pub environments: Vec<String>,
    /// A template that knows `.environment` only.
    pub namespace_template: String,
    /// How environments are kept apart.
    pub isolation: Isolation,
    /// The size.
    pub preset: Preset,
    /// Where the mapping stands in its file, from 1.
    pub line: Option<usize>,
}

impl ClusterMapping {
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
    let preset = read_preset(document, path, &mut fault);
    ClusterMapping {
        name: name.to_owned(),
        cluster,
        environments,
        namespace_template,
        isolation,
        preset,
        line: document.line(path),
    }
}

fn read_preset(document: &Located, path: &KeyPath, fault: &mut dyn FnMut(&KeyPath, String)) -> Preset {
    let path = path.key("resources");
    match path.get(&document.value) {
        None | Some(Value::Null) => Preset::default(),
        Some(Value::Object(map)) => {
            let preset =
                word(map.get("preset").cloned(), &Preset::ALL, Preset::word).unwrap_or_else(|message| {
                    fault(&path.key("preset"), message);
                    None
                });
            let is_custom = preset == Some(Preset::Custom);
            if is_custom && map.len() == 1 {
                fault(&path.key("preset"), "custom needs the resources of components beside it".to_owned());
            }
            for (key, value) in map.iter().filter(|(key, _)| *key != "preset") {
                if !value.is_object() {
                    fault(
                        &path.key(key),
                        "unknown field, known are preset and components with their resources".to_owned(),
                    );
                } else if !is_custom {
                    fault(
                        &path.key(key),
                        "resources of a component count only with the preset custom".to_owned(),
                    );
                }
            }
            preset.unwrap_or_default()
        }
        Some(_) => {
            fault(&path, "must be a map with a preset".to_owned());
            Preset::default()
        }
    }
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

/// Why a text is no environment's name. The name becomes a part of a file name, so no path may be in it.
pub fn environment_fault(name: &str) -> Option<&'static str> {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        Some("it must begin with a-z")
    } else if name.chars().all(fits) {
        None
    } else {
        Some("only a-z, 0-9, - and _ may be in it")
    }
}

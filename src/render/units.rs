//! A chart with its enabled subcharts as helm renders it: names and paths, templates, files, and the scope that all
//! templates of one chart share.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value as Json;

use super::objects::chart::{self as metadata, Metadata, Part};
use super::objects::{files, tree};
use super::places::Table;
use super::profile::Profile;
use super::template::value::{Map, MapKind, SCOPE, Str, Value};
use crate::chart::{Chart, ChartFiles};
use crate::values::Merged;
use crate::yaml::{self, KeyPath};

/// A chart that takes part. Depends on no values but those that switch subcharts on, so it serves many renderings.
#[derive(Debug)]
pub struct Unit {
    pub chart: Arc<Chart>,
    /// Alias, else name: also its section in the parent's values.
    pub name: String,
    /// `parent/charts/name`: what templates' names begin with.
    pub path: String,
    pub section: KeyPath,
    pub children: Vec<Unit>,
    metadata: Arc<Metadata>,
    /// What `.Files` holds.
    others: Vec<(String, Arc<[u8]>)>,
}

/// A template file with its name in the rendering.
#[derive(Debug, Clone)]
pub struct File {
    pub name: String,
    pub text: Arc<[u8]>,
    /// The unit's `path`.
    pub unit: String,
}

impl Unit {
    /// The chart and the subcharts that the values switch on.
    pub fn of(chart: &Arc<Chart>, merged: &Merged) -> Self {
        let name = chart.metadata.name.clone();
        Self::build(chart, merged, name.clone(), name, KeyPath::root(), true)
    }

    fn build(
        chart: &Arc<Chart>,
        merged: &Merged,
        name: String,
        path: String,
        section: KeyPath,
        is_heard: bool,
    ) -> Self {
        let mut children = Vec::new();
        let mut parts = Vec::new();
        // Helm keeps what is not declared in front.
        let taken = chart.taken(is_heard).into_iter();
        let (declared, undeclared): (Vec<_>, Vec<_>) = taken.partition(|(.., is_declared)| *is_declared);
        for (dependency, key, is_declared) in undeclared.into_iter().chain(declared) {
            let key = key.to_owned();
            let below = section.key(&key);
            if merged.is_enabled(&below) != Some(true) {
                continue;
            }
            let Some(sub) = &dependency.chart else { continue };
            if is_declared {
                parts.push(Part { name: key.clone(), declared: declaration(chart, &dependency.name, &key) });
            }
            let is_heard = chart.is_heard_below(is_heard);
            let path = format!("{path}/charts/{key}");
            children.push(Self::build(sub, merged, key.clone(), path, below, is_heard));
        }
        let json = chart.files.text("Chart.yaml").and_then(|text| yaml::read(&text).ok()).unwrap_or_default();
        let is_root = section.0.is_empty();
        let metadata = Arc::new(Metadata { json, name: name.clone(), is_root, parts });
        let others = other_files(chart);
        Self { chart: chart.clone(), name, path, section, children, metadata, others }
    }

    fn is_library(&self) -> bool {
        self.chart.metadata.kind.as_deref().is_some_and(|kind| kind.eq_ignore_ascii_case("library"))
    }

    /// The templates of this chart and its subcharts.
    pub fn templates(&self, found: &mut Vec<File>) {
        for path in self.chart.files.paths().filter(|path| path.starts_with("templates")) {
            let Some(inside) = slashed(path) else { continue };
            let base = inside.rsplit('/').next().unwrap_or(&inside);
            if self.is_library() && !base.starts_with('_') {
                continue;
            }
            if let Some(bytes) = self.chart.files.bytes(path) {
                let name = format!("{}/{inside}", self.path);
                found.push(File { name, text: without_mark(bytes), unit: self.path.clone() });
            }
        }
        for child in &self.children {
            child.templates(found);
        }
    }

    /// What lies in `crds/`, subcharts after their parent: file (with the chart's path, if wanted) and text.
    pub fn crds(&self, with_path: bool, found: &mut Vec<(String, String)>) {
        let is_manifest = |path: &Path| {
            path.extension().is_some_and(|end| {
                ["yaml", "yml", "json"].iter().any(|known| end.eq_ignore_ascii_case(known))
            })
        };
        for path in self.chart.files.paths().filter(|path| path.starts_with("crds") && is_manifest(path)) {
            if let (Some(inside), Some(bytes)) = (slashed(path), self.chart.files.bytes(path)) {
                let text = String::from_utf8_lossy(&without_mark(bytes)).into_owned();
                let name = if with_path { format!("{}/{inside}", self.path) } else { inside };
                found.push((name, text));
            }
        }
        for child in &self.children {
            child.crds(with_path, found);
        }
    }
}

/// The declaration of a dependency as `Chart.yaml` (or `requirements.yaml`) has it.
fn declaration(chart: &Chart, name: &str, key: &str) -> Json {
    let read = |file: &str| chart.files.text(file).and_then(|text| yaml::read(&text).ok());
    let list = |json: Option<Json>| json.and_then(|json| json.get("dependencies").cloned());
    let found = list(read("requirements.yaml")).or_else(|| list(read("Chart.yaml"))).unwrap_or_default();
    let fits = |item: &&Json| {
        let text = |key: &str| metadata::text(item.get(key)).filter(|text| !text.is_empty());
        text("name").as_deref() == Some(name) && text("alias").as_deref().unwrap_or(name) == key
    };
    found.as_array().and_then(|items| items.iter().find(fits)).cloned().unwrap_or(Json::Null)
}

fn slashed(path: &Path) -> Option<String> {
    path.to_str().map(str::to_owned)
}

/// Helm strips the byte order mark of every file.
fn without_mark(bytes: &Arc<[u8]>) -> Arc<[u8]> {
    match bytes.strip_prefix(b"\xef\xbb\xbf") {
        Some(rest) => Arc::from(rest),
        None => bytes.clone(),
    }
}

/// `.Files`: everything that helm does not give a meaning of its own.
fn other_files(chart: &Chart) -> Vec<(String, Arc<[u8]>)> {
    let is_v1 = chart.metadata.api_version.is_empty() || chart.metadata.api_version == "v1";
    let counts = |path: &Path| {
        let known = ["Chart.yaml", "Chart.lock", "values.yaml", "values.schema.json"];
        let old = ["requirements.yaml", "requirements.lock"];
        !(path.starts_with("templates")
            || path.starts_with("charts")
            || known.iter().any(|name| path == Path::new(name))
            || (!is_v1 && old.iter().any(|name| path == Path::new(name))))
    };
    let other = chart.files.paths().filter(|path| counts(path));
    other.filter_map(|path| Some((slashed(path)?, without_mark(chart.files.bytes(path)?)))).collect()
}

/// What all charts of a rendering share.
pub struct Shared {
    pub profile: Profile,
    /// `.Release`
    pub release: Value,
    /// `.Capabilities`
    pub capabilities: Value,
}

/// The scopes of all units, by path: helm's `recAllTpls`.
pub fn scopes(
    root: &Unit,
    shared: &Shared,
    merged: &Arc<Merged>,
    places: &Table,
) -> HashMap<String, Rc<Map>> {
    let kind = MapKind::Values(shared.profile.values_type());
    let values = tree::values(merged, places, kind);
    let mut by_unit = HashMap::new();
    scope(root, shared, &Rc::new(values), &mut by_unit);
    by_unit
}

fn scope(unit: &Unit, shared: &Shared, values: &Rc<Map>, found: &mut HashMap<String, Rc<Map>>) -> Rc<Map> {
    let values_kind = MapKind::Values(shared.profile.values_type());
    let subcharts = unit.children.iter().map(|child| {
        let own = match values.get(child.name.as_bytes()) {
            Some(Value::Map(section)) => section.viewed_as(values_kind),
            _ => Map::new::<Str>(values_kind, []).with_origin(SCOPE),
        };
        let scope = scope(child, shared, &Rc::new(own), found);
        (Str::from(&child.name), Value::Map(Rc::new(scope.viewed_as(MapKind::Any))))
    });
    let subcharts = Map::new(MapKind::Any, subcharts.collect::<Vec<_>>()).with_origin(SCOPE);
    let files = unit.others.iter().map(|(path, bytes)| (path.as_str(), bytes.clone()));
    let entries = [
        ("Chart", metadata::chart(shared.profile, &unit.metadata)),
        ("Files", files::files(files)),
        ("Release", shared.release.clone()),
        ("Capabilities", shared.capabilities.clone()),
        ("Values", Value::Map(values.clone())),
        ("Subcharts", Value::Map(Rc::new(subcharts))),
    ];
    let scope = Rc::new(Map::new(values_kind, entries).with_origin(SCOPE));
    found.insert(unit.path.clone(), scope.clone());
    scope
}

/// Puts unsaved texts over a chart's files. `false` when one of them decides more than a file's content: then only
/// helm itself knows.
pub fn overlay(chart: &mut Chart, texts: &[(PathBuf, Arc<str>)]) -> bool {
    for (path, text) in texts {
        let decides = path.starts_with("charts")
            || ["Chart.yaml", "Chart.lock", "requirements.yaml", ".helmignore", "values.schema.json"]
                .iter()
                .any(|name| path == Path::new(name));
        if decides {
            return false;
        }
        ChartFiles::replace(&mut chart.files, path, text);
        if path == Path::new("values.yaml") {
            chart.values = Some((chart.dir.join(path), text.clone()));
        }
    }
    true
}

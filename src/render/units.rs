//! A chart with its enabled subcharts as helm renders it: names and paths, templates, files, and the scope that all
//! templates of one chart share.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::Value as Json;

use super::encode::read::{self, Places};
use super::objects::chart::{self as metadata, Part};
use super::objects::files;
use super::profile::Profile;
use super::template::value::{Map, MapKind, Origin, Str, Value};
use crate::chart::{Chart, ChartFiles, DependencyState};
use crate::values::{LayerKind, Merged};
use crate::yaml::{self, KeyPath, Segment};

/// A chart that takes part.
#[derive(Debug)]
pub struct Unit<'c> {
    pub chart: &'c Chart,
    /// Alias, else name: also its section in the parent's values.
    pub name: String,
    /// `parent/charts/name`: what templates' names begin with.
    pub path: String,
    pub section: KeyPath,
    pub children: Vec<Unit<'c>>,
    parts: Vec<Part>,
}

/// A template file with its name in the rendering.
#[derive(Debug, Clone)]
pub struct File {
    pub name: String,
    pub text: Arc<[u8]>,
    /// The unit's `path`.
    pub unit: String,
}

impl<'c> Unit<'c> {
    /// The chart and the subcharts that the values switch on.
    pub fn of(chart: &'c Chart, merged: &Merged) -> Self {
        let name = chart.metadata.name.clone();
        Self::build(chart, merged, name.clone(), name, KeyPath::root())
    }

    fn build(chart: &'c Chart, merged: &Merged, name: String, path: String, section: KeyPath) -> Self {
        let mut children = Vec::new();
        let mut parts = Vec::new();
        // Helm keeps what is not declared in front.
        let (undeclared, declared): (Vec<_>, Vec<_>) =
            chart.dependencies.iter().partition(|dependency| dependency.state == DependencyState::Undeclared);
        for dependency in undeclared.into_iter().chain(declared) {
            let key = dependency.key().to_owned();
            let below = section.key(&key);
            if merged.is_enabled(&below) != Some(true) {
                continue;
            }
            let Some(sub) = &dependency.chart else { continue };
            if dependency.state != DependencyState::Undeclared {
                parts.push(Part { name: key.clone(), declared: declaration(chart, &dependency.name, &key) });
            }
            children.push(Self::build(sub, merged, key.clone(), format!("{path}/charts/{key}"), below));
        }
        Self { chart, name, path, section, children, parts }
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

    /// What lies in `crds/`, subcharts after their parent: file and text.
    pub fn crds(&self, found: &mut Vec<(String, String)>) {
        let is_manifest = |path: &Path| {
            path.extension().is_some_and(|end| {
                ["yaml", "yml", "json"].iter().any(|known| end.eq_ignore_ascii_case(known))
            })
        };
        for path in self.chart.files.paths().filter(|path| path.starts_with("crds") && is_manifest(path)) {
            if let (Some(inside), Some(bytes)) = (slashed(path), self.chart.files.bytes(path)) {
                let text = String::from_utf8_lossy(&without_mark(bytes)).into_owned();
                found.push((format!("{}/{inside}", self.path), text));
            }
        }
        for child in &self.children {
            child.crds(found);
        }
    }
}

/// The declaration of a dependency as `Chart.yaml` (or `requirements.yaml`) has it.
fn declaration(chart: &Chart, name: &str, key: &str) -> Json {
    let read = |file: &str| chart.files.text(file).and_then(|text| yaml::read(&text).ok());
    let list = |json: Option<Json>| json.and_then(|json| json.get("dependencies").cloned());
    let found = list(read("Chart.yaml")).or_else(|| list(read("requirements.yaml"))).unwrap_or_default();
    let fits = |item: &&Json| {
        let text = |key: &str| item.get(key).and_then(Json::as_str);
        text("name") == Some(name) && (text("alias").unwrap_or(name) == key)
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
fn other_files(chart: &Chart) -> Value {
    let is_v1 = chart.metadata.api_version.is_empty() || chart.metadata.api_version == "v1";
    let counts = |path: &Path| {
        let known = ["Chart.yaml", "Chart.lock", "values.yaml", "values.schema.json"];
        let old = ["requirements.yaml", "requirements.lock"];
        !(path.starts_with("templates")
            || path.starts_with("charts")
            || known.iter().any(|name| path == Path::new(name))
            || (!is_v1 && old.iter().any(|name| path == Path::new(name))))
    };
    let entries: Vec<(String, Arc<[u8]>)> = chart
        .files
        .paths()
        .filter(|path| counts(path))
        .filter_map(|path| Some((slashed(path)?, without_mark(chart.files.bytes(path)?))))
        .collect();
    files::files(entries.iter().map(|(path, bytes)| (path.as_str(), bytes.clone())))
}

/// Numbers of places in the values: 1 is the root.
#[derive(Debug, Default)]
pub struct Origins {
    rows: Vec<(Origin, Segment)>,
    /// Whole numbers that `--set` gave, by the place of their map and key.
    ints: Vec<KeyPath>,
}

impl Origins {
    fn new(merged: &Merged) -> Self {
        let mut ints = Vec::new();
        for layer in merged.layers().iter().filter(|layer| layer.kind == LayerKind::Set) {
            whole_numbers(layer.value(), &KeyPath::root(), &mut ints);
        }
        Self { rows: vec![(0, Segment::Index(0)), (0, Segment::Index(0))], ints }
    }

    fn push(&mut self, parent: Origin, segment: Segment) -> Origin {
        self.rows.push((parent, segment));
        Origin::try_from(self.rows.len() - 1).unwrap_or_default()
    }

    /// The path of a place in the values.
    pub fn path(&self, mut at: Origin) -> KeyPath {
        let mut path = Vec::new();
        while at > 1 {
            let Some((parent, segment)) = self.rows.get(at as usize) else { break };
            path.push(segment.clone());
            at = *parent;
        }
        path.reverse();
        KeyPath(path)
    }
}

fn whole_numbers(json: &Json, at: &KeyPath, found: &mut Vec<KeyPath>) {
    match json {
        Json::Object(map) => map.iter().for_each(|(key, value)| whole_numbers(value, &at.key(key), found)),
        Json::Number(number) if number.is_i64() => found.push(at.clone()),
        _ => {}
    }
}

impl Places for Origins {
    fn key(&mut self, parent: Origin, key: &str) -> Origin {
        self.push(parent, Segment::Key(key.to_owned()))
    }

    fn index(&mut self, parent: Origin, index: usize) -> Origin {
        self.push(parent, Segment::Index(index))
    }

    fn is_int(&self, parent: Origin, key: &str) -> bool {
        !self.ints.is_empty() && self.ints.contains(&self.path(parent).key(key))
    }
}

/// What all charts of a rendering share.
pub struct Shared {
    pub profile: Profile,
    /// `.Release`
    pub release: Value,
    /// `.Capabilities`
    pub capabilities: Value,
}

/// The scopes of all units, by path.
pub struct Scopes {
    pub by_unit: HashMap<String, Rc<Map>>,
    pub origins: Origins,
}

impl Scopes {
    /// Makes the scopes: helm's `recAllTpls`.
    pub fn of(root: &Unit<'_>, shared: &Shared, merged: &Merged) -> Self {
        let mut origins = Origins::new(merged);
        let values = read::map(&merged.value, 1, &mut origins, MapKind::Values(shared.profile.values_type()));
        let mut by_unit = HashMap::new();
        scope(root, shared, &Rc::new(values), true, &mut by_unit);
        Self { by_unit, origins }
    }
}

fn scope(
    unit: &Unit<'_>,
    shared: &Shared,
    values: &Rc<Map>,
    is_root: bool,
    found: &mut HashMap<String, Rc<Map>>,
) -> Rc<Map> {
    let values_kind = MapKind::Values(shared.profile.values_type());
    let subcharts = unit.children.iter().map(|child| {
        let own = match values.get(child.name.as_bytes()) {
            Some(Value::Map(section)) => section.viewed_as(values_kind),
            _ => Map::new::<Str>(values_kind, []),
        };
        let scope = scope(child, shared, &Rc::new(own), false, found);
        (Str::from(&child.name), Value::Map(Rc::new(scope.viewed_as(MapKind::Any))))
    });
    let subcharts = Map::new(MapKind::Any, subcharts.collect::<Vec<_>>());
    let json =
        unit.chart.files.text("Chart.yaml").and_then(|text| yaml::read(&text).ok()).unwrap_or_default();
    let entries = [
        ("Chart", metadata::chart(shared.profile, &json, &unit.name, is_root, &unit.parts)),
        ("Files", other_files(unit.chart)),
        ("Release", shared.release.clone()),
        ("Capabilities", shared.capabilities.clone()),
        ("Values", Value::Map(values.clone())),
        ("Subcharts", Value::Map(Rc::new(subcharts))),
    ];
    let scope = Rc::new(Map::new(values_kind, entries));
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

//! Keys that are set and that nothing reads: typing mistakes, leftovers, and keys of a feature that is off.
//!
//! What was read is known from renderings, so a loop, `tpl` or a merged map hides nothing. What they did not come to (a
//! branch that is off, a subchart that is switched off) may read more: a key that some template names there is told
//! apart from one that no template knows. When in doubt a key counts as read.

mod mentions;

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;

use serde_json::Value as Json;

use super::Output;
use super::places::Places;
use super::template::trace::Part;
use super::template::value::{Origin, Str};
use crate::chart::Chart;
use crate::schema::{self, ChartSchema};
use crate::values::{LayerKind, Merged};
use crate::yaml::{KeyPath, Segment};
use mentions::Mentions;

/// A key that a layer sets for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadKey {
    /// In the merged values: the key itself, or the map that holds nothing but such keys.
    pub path: KeyPath,
    /// The layer as the user knows it: `values-prod.yaml`.
    pub layer: String,
    /// Absolute; `None` for `--set`.
    pub file: Option<PathBuf>,
    pub line: Option<usize>,
    /// Some template reads it with other values: in a branch or a subchart that is off.
    pub dormant: bool,
    /// The key that was probably meant.
    pub meant: Option<KeyPath>,
}

impl UnreadKey {
    /// What is wrong with it, in a sentence that follows the key.
    pub fn words(&self) -> String {
        if self.dormant {
            return "is not read with these values".to_owned();
        }
        match &self.meant {
            Some(meant) => format!("no template reads it (did you mean {meant}?)"),
            None => "no template reads it".to_owned(),
        }
    }
}

/// The keys that these renderings of one chart (with trace, all by one engine: one for each environment) leave unread.
/// `is_known` are keys that others than templates read.
pub fn unread(
    outputs: &[&Output],
    schema: &ChartSchema,
    is_known: &dyn Fn(&KeyPath) -> bool,
) -> Vec<UnreadKey> {
    let Some(table) = outputs.last().map(|output| output.places.clone()) else { return Vec::new() };
    let outputs: Vec<&Output> =
        outputs.iter().copied().filter(|output| output.places.is_same(&table)).collect();
    // Without templates there is nothing to tell from.
    if outputs.iter().all(|output| output.files.is_empty()) {
        return Vec::new();
    }
    let places = table.read();
    let mut search = Search {
        reads: Reads::of(&outputs),
        mentions: Mentions::of(&outputs),
        switches: HashSet::new(),
        sources: Vec::new(),
        sections: Vec::new(),
        outputs: &outputs,
        places: &places,
        schema,
        is_known,
        found: Vec::new(),
    };
    if let Some(chart) = outputs.last().and_then(|output| output.chart.as_deref()) {
        search.switches(chart, &KeyPath::root());
    }
    let mut seen = HashSet::new();
    for output in &outputs {
        let Some(merged) = output.merged.as_deref() else { continue };
        for layer in merged.layers().iter().filter(|layer| layer.kind != LayerKind::SubchartDefaults) {
            if !seen.insert((layer.name.clone(), layer.file.clone())) {
                continue;
            }
            let mut unread = Vec::new();
            search.walk(layer.value(), &KeyPath::root(), merged, &mut unread);
            for path in unread {
                let (dormant, meant) = search.judge(&path);
                search.found.push(UnreadKey {
                    layer: layer.name.clone(),
                    file: layer.file.clone(),
                    line: layer.spans().line(&path),
                    path,
                    dormant,
                    meant,
                });
            }
        }
    }
    search.found
}

/// What all renderings together read.
#[derive(Debug, Default)]
struct Reads {
    /// Keys, and whether one was more than the way to another.
    keys: HashMap<Origin, HashMap<Str, bool>>,
    listed: HashSet<Origin>,
    whole: HashSet<Origin>,
}

impl Reads {
    fn of(outputs: &[&Output]) -> Self {
        let mut reads = Self::default();
        for read in outputs.iter().flat_map(|output| &output.files).flat_map(|file| &file.reads) {
            match &read.part {
                Part::Key(key) => {
                    let known = reads.keys.entry(read.origin).or_default().entry(key.clone()).or_default();
                    *known |= !read.way;
                }
                Part::Keys => {
                    reads.listed.insert(read.origin);
                }
                Part::Whole => {
                    reads.whole.insert(read.origin);
                }
            }
        }
        reads
    }

    /// Whether a key was asked for: `Some(true)` when for itself.
    fn key(&self, origin: Origin, key: &str) -> Option<bool> {
        self.keys.get(&origin)?.get(key.as_bytes()).copied()
    }

    fn touches(&self, origin: Origin) -> bool {
        self.keys.contains_key(&origin) || self.listed.contains(&origin)
    }
}

/// How far a place was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Extent {
    Not,
    /// Something in it may be: look at each key.
    Partly,
    Wholly,
}

struct Search<'s> {
    reads: Reads,
    mentions: Mentions,
    /// Conditions of dependencies, and tags.
    switches: HashSet<KeyPath>,
    /// What `import-values` takes from.
    sources: Vec<KeyPath>,
    /// Sections of all subcharts.
    sections: Vec<KeyPath>,
    outputs: &'s [&'s Output],
    places: &'s Places,
    schema: &'s ChartSchema,
    is_known: &'s dyn Fn(&KeyPath) -> bool,
    found: Vec<UnreadKey>,
}

impl Search<'_> {
    fn switches(&mut self, chart: &Chart, section: &KeyPath) {
        for dependency in &chart.dependencies {
            let own = section.key(dependency.key());
            for condition in dependency.condition.iter().flat_map(|all| all.split(',')) {
                let parts = condition.trim().split('.').filter(|part| !part.is_empty());
                self.switches.insert(parts.fold(section.clone(), |path, part| path.key(part)));
            }
            for import in &dependency.import_values {
                let child = import.get("child").and_then(Json::as_str);
                let inside = match import.as_str() {
                    Some(name) => own.key("exports").key(name),
                    None => child
                        .into_iter()
                        .flat_map(|child| child.split('.'))
                        .fold(own.clone(), |path, part| path.key(part)),
                };
                self.sources.push(inside);
            }
            for tag in &dependency.tags {
                self.switches.insert(KeyPath::of(["tags", tag]));
            }
            if let Some(chart) = &dependency.chart {
                self.switches(chart, &own);
            }
            self.sections.push(own);
        }
    }

    fn walk(&self, value: &Json, at: &KeyPath, merged: &Merged, unread: &mut Vec<KeyPath>) {
        let entries: Vec<(KeyPath, &Json)> = match value {
            Json::Object(map) => map.iter().map(|(key, value)| (at.key(key), value)).collect(),
            Json::Array(items) => items
                .iter()
                .enumerate()
                .filter(|(_, item)| item.is_object() || item.is_array())
                .map(|(index, item)| {
                    (KeyPath(at.0.iter().cloned().chain([Segment::Index(index)]).collect()), item)
                })
                .collect(),
            _ => return,
        };
        for (path, value) in entries {
            // Null takes a default away; what others read is theirs to judge.
            if value.is_null() || (self.is_known)(&path) {
                continue;
            }
            let extent = merged.reached(&path).iter().map(|path| self.extent(path, value, merged)).max();
            match extent.unwrap_or(Extent::Not) {
                Extent::Wholly => {}
                Extent::Partly => self.walk(value, &path, merged, unread),
                Extent::Not if self.holds_known(value, &path) => self.walk(value, &path, merged, unread),
                Extent::Not => unread.push(path),
            }
        }
    }

    fn holds_known(&self, value: &Json, at: &KeyPath) -> bool {
        value.as_object().into_iter().flatten().any(|(key, value)| {
            let path = at.key(key);
            (self.is_known)(&path) || self.holds_known(value, &path)
        })
    }

    fn extent(&self, path: &KeyPath, value: &Json, merged: &Merged) -> Extent {
        let Some((last, before)) = path.0.split_last() else { return Extent::Partly };
        let before = KeyPath(before.to_vec());
        let is_full = match value {
            Json::Object(map) => !map.is_empty(),
            Json::Array(items) => !items.is_empty(),
            _ => false,
        };
        if self.switches.contains(path) {
            return Extent::Wholly;
        }
        let inside = is_full
            && (self.switches.iter().chain(&self.sources).any(|inside| inside.starts_with(path))
                || self.sections.iter().any(|section| section.starts_with(path) && self.is_on(section)));
        let mut around = self.places.nearest(&before);
        while around != 0 {
            if self.reads.whole.contains(&around) {
                return Extent::Wholly;
            }
            around = self.places.parent(around);
        }
        let Some(parent) = self.places.find(&before) else {
            return if inside { Extent::Partly } else { Extent::Not };
        };
        let asked = match last {
            Segment::Key(key) => self.reads.key(parent, key),
            Segment::Index(_) => None,
        };
        let listed = self.reads.listed.contains(&parent);
        // Without it the map around it would be empty, which somebody looks at.
        let is_only = merged
            .get(&before)
            .is_some_and(|map| map.as_object().is_some_and(|map| map.len() == 1))
            && matches!(before.0.last(), Some(Segment::Key(key)) if self.reads.key(self.places.parent(parent), key) == Some(true));
        let own = self.places.find(path).filter(|_| is_full);
        if own.is_some_and(|own| self.reads.whole.contains(&own)) {
            return Extent::Wholly;
        }
        let read = || self.reads.keys.keys().chain(&self.reads.listed).chain(&self.reads.whole);
        let is_entered = own
            .is_some_and(|own| self.reads.touches(own) || read().any(|at| self.places.is_within(*at, own)));
        if is_entered || inside {
            return Extent::Partly;
        }
        // Asked for, and nothing in it: that it is there is what counts.
        if asked.is_some() || listed || is_only { Extent::Wholly } else { Extent::Not }
    }

    fn is_on(&self, section: &KeyPath) -> bool {
        let on = |output: &&Output| {
            output.merged.as_ref().is_some_and(|merged| merged.is_enabled(section) == Some(true))
        };
        self.outputs.iter().any(on)
    }

    fn judge(&self, path: &KeyPath) -> (bool, Option<KeyPath>) {
        let is_off = self.sections.iter().any(|section| path.starts_with(section) && !self.is_on(section));
        if is_off || self.mentions.may_read(path) {
            return (true, None);
        }
        (false, self.meant(path))
    }

    /// A key with a similar name beside it, else the only one of its name elsewhere.
    fn meant(&self, path: &KeyPath) -> Option<KeyPath> {
        let Some((Segment::Key(last), before)) = path.0.split_last() else { return None };
        let before = KeyPath(before.to_vec());
        let merged = self.outputs.last().and_then(|output| output.merged.as_ref());
        let around = merged.map_or_else(|| vec![before.clone()], |merged| merged.reached(&before));
        let beside = around.iter().filter_map(|path| self.reads.keys.get(&self.places.find(path)?));
        let read = beside.flat_map(HashMap::keys).map(|key| key.text().into_owned());
        let mut names: Vec<String> =
            read.chain(self.schema.keys(&before)).filter(|name| name != last).collect();
        names.sort();
        names.dedup();
        if let Some(name) = schema::nearest(last, names.iter().map(String::as_str)) {
            return Some(before.key(name));
        }
        let mut elsewhere = self.reads.keys.iter().filter(|(_, keys)| keys.contains_key(last.as_bytes()));
        match (elsewhere.next(), elsewhere.next()) {
            (Some((origin, _)), None) => Some(self.places.path(*origin).key(last.as_str())),
            _ => None,
        }
    }
}

/// Keys that templates ask for and that no layer sets, in these renderings: each once, sorted.
pub fn unset(outputs: &[&Output]) -> Vec<KeyPath> {
    let mut found: Vec<KeyPath> = Vec::new();
    for output in outputs {
        let places = output.places.read();
        for read in output.files.iter().flat_map(|file| &file.reads).filter(|read| read.absent) {
            if let Part::Key(key) = &read.part {
                found.push(places.path(read.origin).key(key.text()));
            }
        }
    }
    found.sort_by_key(ToString::to_string);
    found.dedup();
    found.retain(|path| {
        outputs.iter().all(|output| output.merged.as_ref().is_none_or(|merged| merged.get(path).is_none()))
    });
    found
}

#[cfg(test)]
mod tests;

//! Whether what lies in the workspace is what a release runs on. Known without rendering: helm keeps the values
//! that it was given, the chart's version, its templates and its defaults in the record. Of subcharts it keeps only
//! what they rendered to: a change there shows by their version in the chart's lock, or in Diff.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::base::Hash;
use crate::chart::Chart;
use crate::helm::record::Record;
use crate::session::{EnvironmentView, ReleaseRef, Session};
use crate::ui::text;
use crate::yaml::{self, KeyPath};

/// What is known of changes that are not applied.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Applied {
    /// The record was not read, or a values file cannot be.
    #[default]
    Unknown,
    Same,
    /// The chart's version there and here, and the values that differ.
    Differs {
        chart: Option<(String, String)>,
        /// The chart's own files that are not what the release was made from.
        files: Vec<String>,
        values: Vec<KeyPath>,
    },
}

impl Applied {
    /// For a column: `3 values`, `chart`, `same`; empty when it is not known.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Unknown => String::new(),
            Self::Same => "same".to_owned(),
            Self::Differs { chart, files, values } => match (chart, files.len(), values.len()) {
                (Some((_, here)), _, 0) => format!("chart {here}"),
                (None, 0, count) => text::count(count, "value"),
                (None, count, 0) => text::count(count, "chart file"),
                (_, _, count) => format!("chart + {count}"),
            },
        }
    }
}

/// The values that the files of an environment give to helm, merged as helm merges several `-f`.
pub(super) fn given(session: &Session, files: &[PathBuf]) -> Option<Value> {
    let mut merged = Map::new();
    for file in files {
        // A file that does not exist is left out of the command as well.
        let Some(text) = session.text(file) else { continue };
        match yaml::read(&text).ok()? {
            Value::Object(map) => merge(&mut merged, map),
            Value::Null => {}
            _ => return None,
        }
    }
    Some(Value::Object(merged))
}

fn merge(base: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(Value::Object(below)), Value::Object(above)) => merge(below, above),
            (_, value) => {
                base.insert(key, value);
            }
        }
    }
}

/// Compares a record with the workspace's values and chart version.
pub(super) fn compare(
    session: &Session,
    files: &[PathBuf],
    chart: Option<&Chart>,
    record: &Record,
) -> Applied {
    let Some(here) = given(session, files) else { return Applied::Unknown };
    let values = differing(&record.config, &here);
    let files = chart.map(|chart| other_files(chart, record)).unwrap_or_default();
    let chart = chart
        .map(|chart| chart.metadata.version.clone())
        .filter(|version| *version != record.chart.version)
        .map(|version| (record.chart.version.clone(), version));
    if chart.is_none() && files.is_empty() && values.is_empty() {
        Applied::Same
    } else {
        Applied::Differs { chart, files, values }
    }
}

/// The files of a chart that differ from those that a record was made from. A record without templates (written by
/// something else than helm) says nothing.
fn other_files(chart: &Chart, record: &Record) -> Vec<String> {
    if record.templates.is_empty() {
        return Vec::new();
    }
    let here: BTreeMap<String, Hash> = chart
        .templates()
        .filter_map(|path| Some((path.to_str()?.to_owned(), Hash::of(chart.files.bytes(path)?))))
        .collect();
    let changed = here.iter().filter(|(name, hash)| record.templates.get(*name) != Some(*hash));
    let gone = record.templates.keys().filter(|name| !here.contains_key(*name));
    let mut names: Vec<String> = changed.map(|(name, _)| name).chain(gone).cloned().collect();
    let defaults = chart.values.as_ref().and_then(|(_, text)| yaml::read(text).ok());
    // helm merges subcharts' values into what it keeps: only what this file sets is compared.
    if defaults.is_some_and(|defaults| !holds(&record.chart_values, &defaults)) {
        names.push("values.yaml".to_owned());
    }
    names.sort();
    names
}

/// Whether everything that `wanted` sets stands in `values` as well.
fn holds(values: &Value, wanted: &Value) -> bool {
    match (values, wanted) {
        (_, Value::Null) => true,
        (Value::Object(values), Value::Object(wanted)) => {
            wanted.iter().all(|(key, wanted)| holds(values.get(key).unwrap_or(&Value::Null), wanted))
        }
        (values, Value::Object(wanted)) => values.is_null() && wanted.is_empty(),
        (values, wanted) => differing(values, wanted).is_empty(),
    }
}

/// After a rollback: what the workspace still sets as the revision did that was left, so that the next upgrade brings it
/// back: `dagster.webserver.podAnnotations (values-dev.yaml:9)`.
pub(in crate::screens) fn brings_back(
    session: &Session,
    view: &EnvironmentView,
    left: &Record,
    back: &Record,
) -> Vec<String> {
    let Some(here) = given(session, &view.files) else { return Vec::new() };
    let value = |values: &Value, path: &KeyPath| path.get(values).cloned().unwrap_or(Value::Null);
    let mut found: Vec<String> = differing(&back.config, &left.config)
        .iter()
        .filter(|path| differing(&value(&here, path), &value(&left.config, path)).is_empty())
        .map(|path| only_key_below(path.clone(), &left.config))
        .map(|path| {
            let setters = view.merged.setters(&path);
            match setters.iter().rev().find(|origin| origin.kind.is_given()) {
                Some(origin) => format!("{path} ({})", origin.place()),
                None => format!("{path} (not set any more)"),
            }
        })
        .collect();
    let chart = session.chart().map(|chart| chart.chart.metadata.version.as_str());
    if left.chart.version != back.chart.version && chart == Some(left.chart.version.as_str()) {
        found.push(format!("the chart {}", left.chart.label()));
    }
    found
}

/// Down from a section that holds one key only: the key says more, and its line is where to go.
fn only_key_below(path: KeyPath, values: &Value) -> KeyPath {
    match path.get(values) {
        Some(Value::Object(map)) if map.len() == 1 => match map.keys().next() {
            Some(key) => only_key_below(path.key(key), values),
            None => path,
        },
        _ => path,
    }
}

/// The environment here that leads to a release.
pub(in crate::screens) fn environment_of<'s>(
    session: &'s Session,
    release: &ReleaseRef,
) -> Option<&'s EnvironmentView> {
    session
        .environments
        .iter()
        .find(|view| view.target.as_ref().ok().and_then(crate::session::release_of).as_ref() == Some(release))
}

/// The paths at which two values differ; a key that one side lacks is one path, whatever lies below it. A null
/// is the same as nothing.
pub(super) fn differing(there: &Value, here: &Value) -> Vec<KeyPath> {
    let mut found = Vec::new();
    walk(&KeyPath::root(), there, here, &mut found);
    found
}

fn walk(path: &KeyPath, there: &Value, here: &Value, found: &mut Vec<KeyPath>) {
    match (there, here) {
        (Value::Object(there), Value::Object(here)) => {
            for (key, value) in there {
                walk(&path.key(key), value, here.get(key).unwrap_or(&Value::Null), found);
            }
            for (key, value) in here.iter().filter(|(key, _)| !there.contains_key(*key)) {
                walk(&path.key(key), &Value::Null, value, found);
            }
        }
        (Value::Number(a), Value::Number(b)) if a.as_f64() == b.as_f64() => {}
        (a, b) if a == b => {}
        _ => found.push(path.clone()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn differing_values_are_named_by_their_paths() {
        let there = json!({"a": 1, "b": {"c": "x", "d": [1, 2]}, "gone": {"e": 1}, "n": null});
        let here = json!({"a": 1.0, "b": {"c": "y", "d": [1, 2]}, "new": true});
        let paths: Vec<String> = differing(&there, &here).iter().map(ToString::to_string).collect();
        assert_eq!(paths, ["b.c", "gone", "new"]);
        assert!(differing(&there, &there).is_empty());
    }

    #[test]
    fn the_only_key_of_a_section_is_named() {
        let values = json!({"a": {"b": {"c.d": 1}}, "e": {"f": 1, "g": 2}});
        let below = |path: &str| only_key_below(KeyPath::parse(path).unwrap(), &values).to_string();
        assert_eq!((below("a"), below("e")), ("a.b[\"c.d\"]".to_owned(), "e".to_owned()));
    }

    #[test]
    fn later_files_win_and_maps_merge() {
        let mut base = Map::new();
        for value in [json!({"a": {"x": 1, "y": 1}, "l": [1]}), json!({"a": {"y": 2}, "l": [2]})] {
            if let Value::Object(map) = value {
                merge(&mut base, map);
            }
        }
        assert_eq!(Value::Object(base), json!({"a": {"x": 1, "y": 2}, "l": [2]}));
    }

    #[test]
    fn a_template_that_was_edited_without_a_new_version_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n");
        write("values.yaml", "a: 1\nsub: {}\n");
        write("templates/x.yaml", "x: 1\n");
        write("templates/_y.tpl", "y\n");
        let templates = [("templates/x.yaml", "x: 1\n"), ("templates/_y.tpl", "y\n")]
            .map(|(name, text)| (name.to_owned(), Hash::of(text)));
        let record = Record {
            templates: templates.into_iter().collect(),
            // With a subchart's own, as helm keeps it.
            chart_values: json!({"a": 1, "sub": {"b": 2}}),
            ..Record::default()
        };
        let files = || other_files(&Chart::load(folder.path()).unwrap(), &record);
        assert_eq!(files(), Vec::<String>::new());
        write("templates/x.yaml", "x: 2\n");
        write("templates/new.yaml", "z: 2\n");
        std::fs::remove_file(folder.path().join("templates/_y.tpl")).unwrap();
        write("values.yaml", "a: 2\n");
        assert_eq!(files(), ["templates/_y.tpl", "templates/new.yaml", "templates/x.yaml", "values.yaml"]);
    }

    #[test]
    fn the_words_fit_a_column() {
        let paths = |count: usize| vec![KeyPath::root(); count];
        let chart = || Some(("1.0.0".to_owned(), "1.1.0".to_owned()));
        let words = |chart, files: usize, count| {
            let files = vec!["templates/x.yaml".to_owned(); files];
            Applied::Differs { chart, files, values: paths(count) }.words()
        };
        assert_eq!((words(None, 0, 1), words(None, 0, 3)), ("1 value".to_owned(), "3 values".to_owned()));
        assert_eq!((words(chart(), 3, 0), words(chart(), 0, 2)), ("chart 1.1.0".into(), "chart + 2".into()));
        assert_eq!((words(None, 1, 0), words(None, 2, 5)), ("1 chart file".into(), "chart + 5".into()));
        assert_eq!((Applied::Same.words(), Applied::Unknown.words()), ("same".to_owned(), String::new()));
    }
}

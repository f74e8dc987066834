//! Whether what lies in the workspace is what a release runs on. Known without rendering: helm keeps the values
//! that it was given and the chart's version in the record; the templates of one version are taken to be the same.

use std::path::PathBuf;

use serde_json::{Map, Value};

use crate::helm::record::Record;
use crate::session::Session;
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
        values: Vec<KeyPath>,
    },
}

impl Applied {
    /// For a column: `3 values`, `chart`, `same`; empty when it is not known.
    pub(super) fn words(&self) -> String {
        match self {
            Self::Unknown => String::new(),
            Self::Same => "same".to_owned(),
            Self::Differs { chart, values } => match (chart, values.len()) {
                (Some((_, here)), 0) => format!("chart {here}"),
                (None, 1) => "1 value".to_owned(),
                (None, count) => format!("{count} values"),
                (Some(_), count) => format!("chart + {count}"),
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
    version: Option<&str>,
    record: &Record,
) -> Applied {
    let Some(here) = given(session, files) else { return Applied::Unknown };
    let values = differing(&record.config, &here);
    let chart = version
        .filter(|version| *version != record.chart.version)
        .map(|version| (record.chart.version.clone(), version.to_owned()));
    if chart.is_none() && values.is_empty() { Applied::Same } else { Applied::Differs { chart, values } }
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
    fn the_words_fit_a_column() {
        let paths = |count: usize| vec![KeyPath::root(); count];
        let chart = || Some(("1.0.0".to_owned(), "1.1.0".to_owned()));
        assert_eq!(Applied::Differs { chart: None, values: paths(1) }.words(), "1 value");
        assert_eq!(Applied::Differs { chart: None, values: paths(3) }.words(), "3 values");
        assert_eq!(Applied::Differs { chart: chart(), values: paths(0) }.words(), "chart 1.1.0");
        assert_eq!(Applied::Differs { chart: chart(), values: paths(2) }.words(), "chart + 2");
        assert_eq!((Applied::Same.words(), Applied::Unknown.words()), ("same".to_owned(), String::new()));
    }
}

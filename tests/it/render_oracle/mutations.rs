//! The project's charts with values changed at random, against both helms: at least 2,000 renderings in the full proof.
//! The seed is fixed and printed; `MUTATION_SEED=new` tries another, and a number repeats a run.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;

use super::{BOTH, by_engine, by_helm, differences, engine};
use crate::support::random::Random;
use crate::support::sandbox::{HelmMajor, helm};
use crate::support::{root, workspace};

/// What a key is set to, beside what it was.
const REPLACEMENTS: &str = "null\n0\n1\n-1\n3\n1.5\n1000000\ntrue\nfalse\n''\ntext\n'12'\n'yes'\n\"a: b\"\n\"two\\nlines\"\n[]\n{}\n\
[a, 1, null]\n[{name: x, value: y}]\n{a: 1, b: {c: d}}\n'{{ .Release.Name }}'\n'{{ .Values.nope.nope }}'\n100m\nä€😀\n\
words that are long enough to be folded somewhere after the eightieth column of a line\n";

/// Paths of all keys, maps included.
fn paths(value: &Value, at: &[String], found: &mut Vec<Vec<String>>) {
    let Value::Object(map) = value else { return };
    for (key, value) in map {
        let path = [at, std::slice::from_ref(key)].concat();
        paths(value, &path, found);
        found.push(path);
    }
}

/// A values file that sets some keys.
fn mutation(random: &mut Random, paths: &[Vec<String>]) -> String {
    let replacements: Vec<&str> = REPLACEMENTS.lines().collect();
    let mut file = Value::Object(serde_json::Map::new());
    for _ in 0..=random.below(3) {
        let path = &paths[random.below(paths.len())];
        let new = floe_tui::yaml::read(replacements[random.below(replacements.len())]).expect("YAML");
        let mut at = &mut file;
        for key in path {
            if !at.is_object() {
                *at = Value::Object(serde_json::Map::new());
            }
            at = at.as_object_mut().expect("a map").entry(key.clone()).or_insert(Value::Null);
        }
        *at = new;
    }
    file.to_string()
}

/// The charts with their dependencies and without their schemas, which refuse most of what is tried.
fn charts(folder: &Path) -> Vec<PathBuf> {
    workspace::copy(&root().join("charts"), folder);
    let mut charts: Vec<PathBuf> =
        std::fs::read_dir(folder).expect("charts").flatten().map(|entry| entry.path()).collect();
    charts.retain(|chart| chart.join("Chart.yaml").is_file());
    charts.sort();
    for chart in &charts {
        let _ = std::fs::remove_file(chart.join("values.schema.json"));
    }
    for chart in &charts {
        let built = Command::new(helm(HelmMajor::Four))
            .args(["dependency", "build", "--skip-refresh"])
            .arg(chart)
            .env_clear()
            .env("HOME", folder)
            .output()
            .expect("helm runs");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }
    charts
}

/// Who refused, where the words are a library's own: the schema's, or those of the YAML or JSON reader about a document
/// of a template. That both refuse for it is what counts.
fn refused_by(words: &str) -> Option<&str> {
    const SCHEMA: &str = "Error: values don't meet the specifications";
    if words.starts_with(SCHEMA) {
        return Some(SCHEMA);
    }
    let readers = [
        "error converting YAML to JSON: ",
        "error unmarshaling JSON: while decoding JSON: ",
        "is not a JSON object: ",
    ];
    readers.iter().find_map(|reader| words.find(reader).and_then(|at| words.get(..at + reader.len())))
}

#[test]
fn planes_charts_with_values_changed_at_random_are_what_helm_prints() {
    let folder = tempfile::tempdir().expect("a folder");
    let charts = charts(folder.path());
    assert!(charts.len() >= 4, "{charts:?}");
    let count = if std::env::var("CHARTS_PROOF").as_deref() == Ok("full") { 1_000 } else { 30 };
    let mut random = Random::seeded("MUTATION_SEED");
    println!("MUTATION_SEED={}", random.seed());
    let known: Vec<Vec<Vec<String>>> = charts
        .iter()
        .map(|chart| {
            let text = std::fs::read_to_string(chart.join("values.yaml")).expect("values");
            let mut found = Vec::new();
            paths(&floe_tui::yaml::read(&text).expect("YAML"), &[], &mut found);
            found
        })
        .collect();
    let mut work: Vec<(usize, String)> = (0..count)
        .map(|_| {
            // The umbrella takes as long as all others together: it is tried every tenth time.
            let is_large = |at: usize| charts[at].ends_with("floe-platform");
            let mut at = random.below(charts.len());
            while is_large(at) && random.below(3) > 0 {
                at = random.below(charts.len());
            }
            (at, mutation(&mut random, &known[at]))
        })
        .collect();
    work.reverse();
    let (work, found) = (Mutex::new(work), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for worker in 0..2 {
            let (work, found, charts) = (&work, &found, &charts);
            let file = folder.path().join(format!("mutation-{worker}.yaml"));
            scope.spawn(move || {
                let engines = BOTH.map(|major| (major, engine(major)));
                loop {
                    let Some((at, text)) = work.lock().unwrap_or_else(PoisonError::into_inner).pop() else {
                        return;
                    };
                    std::fs::write(&file, &text).expect("a file");
                    let files = [file.clone()];
                    for (major, engine) in &engines {
                        let chart = &charts[at];
                        let theirs = by_helm(*major, chart, &files, &[]);
                        let ours = by_engine(engine, chart, &files, &[]);
                        let differ = differences(&ours, &theirs, || by_helm(*major, chart, &files, &[]));
                        let explained =
                            refused_by(&ours.2).is_some_and(|who| refused_by(&theirs.2) == Some(who));
                        if !differ.is_empty() && !explained {
                            let entry = format!(
                                "helm {}, {} {text}\n{}",
                                major.number(),
                                chart.display(),
                                differ.join("\n")
                            );
                            found.lock().unwrap_or_else(PoisonError::into_inner).push(entry);
                        }
                    }
                }
            });
        }
    });
    let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
    assert!(found.is_empty(), "{} of {} differ:\n{}", found.len(), count * 2, found.join("\n"));
}

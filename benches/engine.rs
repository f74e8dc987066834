//! The engine against `helm template`: full renderings, renderings after one edit, all environments, in one run.
//!
//! `cargo bench --bench engine -- CHART HELM [VALUES…]`; the chart's dependencies are built already.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot be made ends the run"
)]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use floe_tui::render::{Engine, Profile, Request, Session, ValuesSource};

fn main() {
    let mut args = std::env::args().skip(1).filter(|arg| !arg.starts_with('-'));
    let (Some(chart), Some(helm)) = (args.next(), args.next()) else {
        println!("usage: cargo bench --bench engine -- CHART HELM [VALUES…]");
        return;
    };
    let chart = std::fs::canonicalize(chart).unwrap();
    let mut files: Vec<PathBuf> = args.map(PathBuf::from).collect();
    if files.is_empty() {
        files = environments(&chart);
    }
    // A chart without environments has its own values.
    let files: Vec<Option<PathBuf>> =
        if files.is_empty() { vec![None] } else { files.into_iter().map(Some).collect() };
    let request = |file: Option<&PathBuf>| {
        let mut request = Request::new(&chart, "rel", "default");
        request.values.extend(file.cloned().map(ValuesSource::File));
        request
    };
    let first = request(files[0].as_ref());
    let by_helm = sample(7, || {
        let mut command = Command::new(&helm);
        command.arg("template").arg("rel").arg(&chart);
        if let Some(file) = &files[0] {
            command.arg("-f").arg(file);
        }
        assert!(command.output().unwrap().status.success());
    });
    show("helm template", &by_helm, None);
    let cold = sample(7, || {
        Engine::new(Profile::FOUR, Session::default()).render(&first, false).unwrap();
    });
    show("engine, first rendering", &cold, Some(&by_helm));

    let engine = Engine::new(Profile::FOUR, Session::default());
    let mut flip = 0_u64;
    // Other capabilities: nothing of the last result is used.
    let full = sample(60, || {
        flip += 1;
        let mut request = first.clone();
        request.api_versions = vec![format!("bench.example/v{flip}")];
        let output = engine.render(&request, false).unwrap();
        assert!(output.ran > 0 && !output.manifest().is_empty());
    });
    show("engine, warm full rendering", &full, Some(&by_helm));
    let traced = sample(30, || {
        flip += 1;
        let mut request = first.clone();
        request.api_versions = vec![format!("bench.example/v{flip}")];
        assert!(!engine.render(&request, true).unwrap().manifest().is_empty());
    });
    show("engine, warm full rendering with trace", &traced, Some(&by_helm));
    engine.render(&first, false).unwrap();
    let same = sample(60, || {
        assert_eq!(engine.render(&first, false).unwrap().ran, 0);
    });
    show("engine, the same again", &same, Some(&by_helm));

    // One key after the other is edited, for all environments.
    let edits = leaves(&chart);
    let mut one = Vec::new();
    let mut all = Vec::new();
    let mut ran = Vec::new();
    for text in &edits {
        let begun = Instant::now();
        for (index, file) in files.iter().enumerate() {
            let mut request = request(file.as_ref());
            request.values.push(ValuesSource::Inline { name: "edited.yaml".into(), text: text.clone() });
            let begun = Instant::now();
            let output = engine.render(&request, false);
            if index == 0 {
                one.push(begun.elapsed());
                ran.extend(output.ok().map(|output| output.ran));
            }
        }
        all.push(begun.elapsed());
    }
    ran.sort_unstable();
    show("engine, one environment after an edit", &one, None);
    show("engine, all environments after an edit", &all, None);
    if let (Some(median), Some(most)) = (ran.get(ran.len() / 2), ran.last()) {
        println!("files run after an edit: median {median}, most {most}, {} edits", edits.len());
    }
}

fn environments(chart: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(chart)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("values-")))
        .collect();
    found.sort();
    found
}

/// A values text for every scalar of the chart's defaults, each with another value of the same type.
fn leaves(chart: &Path) -> Vec<Arc<str>> {
    fn walk(json: &serde_json::Value, path: &mut Vec<String>, found: &mut Vec<Arc<str>>) {
        let new = match json {
            serde_json::Value::Object(map) => {
                for (key, value) in map {
                    path.push(key.clone());
                    walk(value, path, found);
                    path.pop();
                }
                return;
            }
            serde_json::Value::Bool(on) => serde_json::Value::Bool(!on),
            serde_json::Value::Number(number) => (number.as_i64().unwrap_or(0) + 1).into(),
            serde_json::Value::String(text) => format!("{text}x").into(),
            _ => return,
        };
        let text = path.iter().rev().fold(new, |inner, key| serde_json::json!({ key: inner }));
        found.push(Arc::from(text.to_string()));
    }
    let text = std::fs::read_to_string(chart.join("values.yaml")).unwrap();
    let mut found = Vec::new();
    walk(&floe_tui::yaml::read(&text).unwrap(), &mut Vec::new(), &mut found);
    found
}

fn sample(count: usize, mut work: impl FnMut()) -> Vec<Duration> {
    let timed = |_| {
        let begun = Instant::now();
        work();
        begun.elapsed()
    };
    (0..count).map(timed).collect()
}

fn show(what: &str, times: &[Duration], against: Option<&[Duration]>) {
    let median = |times: &[Duration]| {
        let mut times = times.to_vec();
        times.sort();
        times[times.len() / 2]
    };
    let mut sorted = times.to_vec();
    sorted.sort();
    let (middle, late) = (median(times), sorted[(sorted.len() * 99 / 100).min(sorted.len() - 1)]);
    let ratio = against.map_or(String::new(), |against| {
        format!(", {:.0}x faster than helm", median(against).as_secs_f64() / middle.as_secs_f64())
    });
    println!("{what:45} median {:8.2} ms, p99 {:8.2} ms{ratio}", ms(middle), ms(late));
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

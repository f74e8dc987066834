//! Merge, origins and unsaved texts. That the merge is helm's own is held against both helm programs by
//! `tests/it/values_oracle.rs`.

#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::json;

fn write(dir: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = dir.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

const CHART: &[(&str, &str)] = &[
    (
        "Chart.yaml",
        "apiVersion: v2\nname: parent\nversion: 1.0.0\ndependencies:\n- {name: sub, version: 1.0.0, condition: sub.enabled, \
         import-values: [shared, {child: exported.deep, parent: from}]}\n- {name: sub, version: 1.0.0, alias: twin, tags: [extra]}\n",
    ),
    (
        "values.yaml",
        "replicas: 1\nimage:\n  name: web\n  tag: \"1\"\nlist: [a, b]\nglobal:\n  environment: none\n  \
         labels: {team: core}\nsub:\n  port: 80\n  table: {x: 9}\ntags:\n  extra: false\n",
    ),
    ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
    (
        "charts/sub/values.yaml",
        "enabled: true\nport: 8080\ntable: {w: 1, x: 2}\nnothing: null\nglobal:\n  environment: sub\n  \
         labels: {sub: only}\nexports:\n  shared: {fromSub: 1, replicas: 7}\nexported:\n  deep: {key: v}\n",
    ),
    (
        "values-prod.yaml",
        "replicas: 3\nimage:\n  tag: null\nlist: [c]\nglobal: {environment: prod}\nsub:\n  table:\n    w: null\n",
    ),
];

fn merged(dir: &Path, files: &[&str], texts: &Texts<'_>) -> Merged {
    let chart = Chart::load(dir).unwrap();
    let files: Vec<_> = files.iter().map(|file| chart.dir.join(file)).collect();
    let set = LayerSet::for_environment(&chart, &files, texts);
    assert_eq!(set.problems(), []);
    set.merge()
}

fn places(merged: &Merged, path: &str) -> Vec<String> {
    merged.setters(&KeyPath::parse(path).unwrap()).iter().map(Origin::place).collect()
}

#[test]
fn as_helm_coalesces() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), CHART);
    let merged = merged(dir.path(), &["values-prod.yaml"], &|_| None);
    assert_eq!(
        merged.value,
        json!({
            "replicas": 3, "image": {"name": "web"}, "list": ["c"],
            "global": {"environment": "prod", "labels": {"team": "core"}},
            "sub": {
                "enabled": true, "port": 80, "table": {"x": 9},
                "global": {"environment": "prod", "labels": {"team": "core", "sub": "only"}},
                "exports": {"shared": {"fromSub": 1, "replicas": 7}}, "exported": {"deep": {"key": "v"}}
            },
            "tags": {"extra": false}, "fromSub": 1, "from": {"key": "v"}
        })
    );
    let keys: Vec<_> = merged.value.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys[..6], ["replicas", "image", "list", "global", "sub", "tags"]);
    assert_eq!(merged.is_enabled(&KeyPath::of(["twin"])), Some(false));
    assert_eq!(merged.is_enabled(&KeyPath::of(["sub"])), Some(true));
    assert_eq!(merged.enabled_sections(), [KeyPath::of(["sub"])]);
}

#[test]
fn every_setter_with_file_and_line_the_winner_last() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), CHART);
    let merged = merged(dir.path(), &["values-prod.yaml"], &|_| None);
    assert_eq!(places(&merged, "replicas"), ["sub/values.yaml:9", "values.yaml:1", "values-prod.yaml:1"]);
    assert_eq!(places(&merged, "sub.port"), ["sub/values.yaml:2", "values.yaml:10"]);
    assert_eq!(places(&merged, "image.tag"), ["values.yaml:4", "values-prod.yaml:3"]);
    assert_eq!(
        places(&merged, "sub.global.environment"),
        ["sub/values.yaml:6", "values.yaml:7", "values-prod.yaml:5"]
    );
    assert_eq!(places(&merged, "list[0]"), ["values-prod.yaml:4"]);
    assert_eq!(places(&merged, "from.key"), ["sub/values.yaml:11"]);
    assert_eq!(places(&merged, "nowhere"), [""; 0]);
    let winner = merged.setters(&KeyPath::of(["replicas"])).pop().unwrap();
    assert!(winner.file.unwrap().is_absolute());
    assert_eq!(winner.value, json!(3));
    assert_eq!(merged.locate(&KeyPath::of(["replicas"])), Some(("values-prod.yaml".into(), 1)));
}

#[test]
fn unsaved_texts_win_over_the_disk_and_missing_files_are_empty() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), CHART);
    let texts = |path: &Path| {
        path.ends_with("values.yaml")
            .then(|| Arc::from("replicas: 9\n"))
            .filter(|_| !path.to_string_lossy().contains("sub"))
    };
    let merged = merged(dir.path(), &["values-new.yaml"], &texts);
    assert_eq!(merged.value["replicas"], json!(9));
    assert_eq!(merged.value["sub"]["port"], json!(8080));
}

#[test]
fn conditions_switch_subcharts_off_with_their_defaults() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), CHART);
    write(dir.path(), &[("values-off.yaml", "sub: {enabled: false}\ntags: {extra: true}\n")]);
    let merged = merged(dir.path(), &["values-off.yaml"], &|_| None);
    assert_eq!(merged.is_enabled(&KeyPath::of(["sub"])), Some(false));
    assert_eq!(merged.value["sub"], json!({"enabled": false, "port": 80, "table": {"x": 9}}));
    assert_eq!(merged.value["twin"]["port"], json!(8080));
    assert_eq!(places(&merged, "sub.port"), ["values.yaml:10"]);
    assert_eq!(places(&merged, "twin.port"), ["twin/values.yaml:2"]);
}

#[test]
fn broken_layers_are_problems_with_their_place() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), CHART);
    write(dir.path(), &[("values-bad.yaml", "a: 1\nb: [\n"), ("values-map.yaml", "\nsub: 5\n")]);
    let chart = Chart::load(dir.path()).unwrap();
    let set = LayerSet::for_environment(&chart, &[chart.dir.join("values-bad.yaml")], &|_| None);
    let problem = &set.problems()[0];
    assert_eq!(problem.file.as_deref(), Some(Path::new("values-bad.yaml")));
    assert!(problem.line.is_some());
    assert_eq!(set.merge().value["replicas"], json!(1));
    let set = LayerSet::for_environment(&chart, &[chart.dir.join("values-map.yaml")], &|_| None);
    assert_eq!(
        set.merge().problems()[0].to_string(),
        "values-map.yaml:2 sub: must be a map, is an integer: it holds the values of the subchart sub"
    );
}

#[test]
fn set_arguments_are_the_highest_layer() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), CHART);
    let chart = Chart::load(dir.path()).unwrap();
    let files = [chart.dir.join("values-prod.yaml")];
    let set = LayerSet::for_environment(&chart, &files, &|_| None)
        .with_set(&[(SetForm::Typed, "replicas=5,image.tag=x".to_owned())])
        .unwrap();
    let merged = set.merge();
    assert_eq!((&merged.value["replicas"], &merged.value["image"]["tag"]), (&json!(5), &json!("x")));
    assert_eq!(places(&merged, "replicas").last().unwrap(), "--set replicas=5,image.tag=x");
}

#[test]
fn five_environments_are_merged_with_every_key_press() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), CHART);
    let mut defaults = String::new();
    for section in 0..200 {
        defaults.extend([format!("section{section}:\n  enabled: true\n  image: {{name: a, tag: b}}\n  env:\n  - name: A\n    value: x\n")]);
    }
    write(dir.path(), &[("values.yaml", &defaults)]);
    let chart = Chart::load(dir.path()).unwrap();
    let file = chart.dir.join("values-prod.yaml");
    let defaults: Arc<str> = defaults.into();
    for press in 0..10 {
        let edited: Arc<str> = format!("section7:\n  enabled: {}\n", press % 2 == 0).into();
        let texts = |path: &Path| {
            if path == file {
                Some(edited.clone())
            } else {
                path.ends_with("parent/values.yaml").then(|| defaults.clone())
            }
        };
        for _ in 0..5 {
            let merged = LayerSet::for_environment(&chart, std::slice::from_ref(&file), &texts).merge();
            assert_eq!(merged.value["section7"]["enabled"], json!(press % 2 == 0));
        }
    }
}

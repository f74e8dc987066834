//! What is remembered never shows: every rendering is what a first rendering would have given.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::*;
use crate::render::Profile;
use crate::yaml::{KeyPath, Segment};

fn put(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let (path, target) = (entry.path(), to.join(entry.file_name()));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).unwrap();
        }
    }
}

/// The charts of this repository with what they depend on, as `helm dependency build` would place it.
fn repository() -> (tempfile::TempDir, Vec<PathBuf>) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts");
    let folder = tempfile::tempdir().unwrap();
    let mut charts = Vec::new();
    for name in ["core-pipeline", "dataspoke", "floe-jobs", "otel-collector", "floe-platform"] {
        let own = folder.path().join(name);
        copy(&source.join(name), &own);
        let _ = fs::remove_dir_all(own.join("charts"));
        let metadata = crate::yaml::read(&fs::read_to_string(own.join("Chart.yaml")).unwrap()).unwrap();
        for dependency in metadata["dependencies"].as_array().into_iter().flatten() {
            let from = dependency["repository"].as_str().unwrap().strip_prefix("file://").unwrap();
            copy(
                &source.join(name).join(from),
                &own.join("charts").join(dependency["name"].as_str().unwrap()),
            );
        }
        charts.push(own);
    }
    (folder, charts)
}

fn engine() -> Engine {
    Engine::new(Profile::FOUR, Session::default())
}

fn request(chart: &Path, values: &Json) -> Request {
    let mut request = Request::new(chart, "rel", "space");
    request.values =
        vec![ValuesSource::Inline { name: "edited.yaml".into(), text: Arc::from(values.to_string()) }];
    request
}

type Shown = Result<(Rendered, Vec<(Arc<str>, Arc<str>)>), Refusal>;

fn shown(result: Result<Output, Refusal>) -> Shown {
    result.map(|output| {
        let files = output.files.iter().map(|file| (file.name.clone(), file.output.clone())).collect();
        (output.into_rendered(), files)
    })
}

/// One edit of values: where (by its number among all keys) and how.
type Edit = (prop::sample::Index, u8, u8);

fn paths(json: &Json, at: &KeyPath, found: &mut Vec<KeyPath>) {
    match json {
        Json::Object(map) => {
            for (key, value) in map {
                found.push(at.key(key));
                paths(value, &at.key(key), found);
            }
        }
        Json::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                let below = KeyPath(at.0.iter().cloned().chain([Segment::Index(index)]).collect());
                found.push(below.clone());
                paths(value, &below, found);
            }
        }
        _ => {}
    }
}

fn at<'j>(json: &'j mut Json, path: &[Segment]) -> Option<&'j mut Json> {
    path.iter().try_fold(json, |here, segment| match segment {
        Segment::Key(key) => here.get_mut(key),
        Segment::Index(index) => here.get_mut(index),
    })
}

/// Applies an edit to what the values are now and gives the text to be layered over the defaults.
fn edit(values: &mut Json, (which, how, what): &Edit) {
    let mut all = Vec::new();
    paths(values, &KeyPath::root(), &mut all);
    if all.is_empty() {
        *values = json!({"new": 1});
        return;
    }
    let path = which.get(&all);
    let Some((last, before)) = path.0.split_last() else { return };
    let old = at(values, &path.0).cloned().unwrap_or_default();
    let new = match (how % 8, &old) {
        (0 | 1, Json::Bool(on)) => json!(!on),
        (0 | 1, Json::Number(_)) => json!(what % 7),
        (0 | 1, Json::String(text)) => json!(format!("{text}{}", what % 3)),
        (2, _) => Json::Null,
        (3, Json::Object(_)) => json!({}),
        (3, Json::Array(_)) => json!([]),
        (4, Json::Object(map)) => {
            let mut map = map.clone();
            map.insert(format!("added{}", what % 3), json!(what));
            Json::Object(map)
        }
        (4, Json::Array(items)) => {
            let mut items = items.clone();
            items.extend(items.first().cloned());
            Json::Array(items)
        }
        (5, _) => json!({"other": "type"}),
        (6, _) => json!("text"),
        (_, Json::Array(items)) => Json::Array(items.iter().rev().cloned().collect()),
        (_, Json::Object(_)) => old.clone(),
        _ => json!(format!("v{what}")),
    };
    match (at(values, before), last) {
        (Some(Json::Object(map)), Segment::Key(key)) if *how == 7 => {
            map.shift_remove(key);
        }
        (Some(Json::Object(map)), Segment::Key(key)) => {
            map.insert(key.clone(), new);
        }
        (Some(Json::Array(items)), Segment::Index(index)) => items[*index] = new,
        _ => {}
    }
}

fn defaults(chart: &Path) -> Json {
    let loaded = Chart::load(chart).unwrap();
    loaded.default_values()
}

#[track_caller]
fn incremental_is_full(chart: &Path, edits: &[Edit]) {
    let session = Session::default();
    let one = Engine::new(Profile::FOUR, session.clone());
    let other = Engine::new(Profile::FOUR, session);
    let mut values = defaults(chart);
    for (number, step) in edits.iter().enumerate() {
        let request = request(chart, &values);
        let ours = shown(one.render(&request, number % 3 == 1));
        other.forget_results();
        let full = shown(other.render(&request, false));
        assert_eq!(ours, full, "{} after {number} edits: {values}", chart.display());
        let kept = values.clone();
        edit(&mut values, step);
        if full.is_err() {
            // On from where something is rendered.
            values = kept;
            edit(&mut values, &(step.0, step.1.wrapping_add(1), step.2));
        }
    }
}

const TRAPS: &[(&str, &str)] = &[
    (
        "Chart.yaml",
        "apiVersion: v2\nname: trap\nversion: 0.1.0\ndependencies:\n- {name: sub, version: 0.1.0, condition: sub.enabled, import-values: [data]}\n",
    ),
    (
        "values.yaml",
        "a: {x: 1, m: {k: v, n: {}}, e: {}}\nlist: [1, two, {n: 3}]\nmap: {p: {port: 1}, q: {port: 2}}\ntext: '{{ .Values.a.x }}-{{ .Values.name }}'\nname: n\nflag: false\nglobal: {env: dev, t: {u: 1}}\nsub: {enabled: true, own: 2}\n",
    ),
    ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 0.1.0\n"),
    ("charts/sub/values.yaml", "own: 1\nexports: {data: {imported: yes-it-is}}\n"),
    (
        "charts/sub/templates/s.yaml",
        "kind: S\nv: {{ .Values.own | quote }}\ng: {{ .Values.global | toJson }}\n",
    ),
    (
        "templates/_h.tpl",
        "{{ define \"h\" }}{{ .k }}{{ with .v }}[{{ . | toJson }}]{{ end }}{{ end }}{{ define \"n\" }}{{ .Values.name }}{{ end }}",
    ),
    (
        "templates/a.yaml",
        "kind: A\nx: {{ .Values.a.x }}\nh: {{ hasKey .Values.a \"y\" }}\nd: {{ dig \"m\" \"k\" \"none\" .Values.a | toJson }}\n",
    ),
    (
        "templates/b.yaml",
        "kind: B\n{{ range $i, $e := .Values.list }}i{{ $i }}: {{ $e | toJson }}\n{{ end }}l: {{ len .Values.list }}\n",
    ),
    (
        "templates/c.yaml",
        "kind: C\n{{ range $k, $v := .Values.map }}{{ $k }}: {{ $v.port | toJson }}\n{{ end }}k: {{ keys .Values.map | sortAlpha | toJson }}\n",
    ),
    (
        "templates/d.yaml",
        "kind: D\nt: {{ tpl (toString .Values.text) . | quote }}\ni: {{ include \"h\" (dict \"k\" .Values.name \"v\" .Values.a.m) | quote }}\n",
    ),
    (
        "templates/e.yaml",
        "kind: E\ne: {{ if .Values.a.e }}full{{ else }}empty{{ end }}\nf: {{ default \"none\" .Values.a.m | toJson }}\n",
    ),
    (
        "templates/f.yaml",
        "kind: F\n{{ $c := deepCopy .Values.a }}{{ $_ := set $c \"z\" .Values.name }}c: {{ $c | toJson }}\nm: {{ merge (dict \"q\" 1) .Values.map | toJson }}\n",
    ),
    (
        "templates/g.yaml",
        "kind: G\no: {{ omit .Values.a \"m\" | toJson }}\np: {{ pick .Values.a \"x\" | toJson }}\nu: {{ pluck \"x\" .Values.a .Values | toJson }}\nr: {{ randAlphaNum 5 }}\n",
    ),
    (
        "templates/h.yaml",
        "kind: H\n{{ if .Values.flag }}{{ $_ := set .Values.a \"x\" \"set\" }}{{ end }}n: {{ include \"n\" . }}\ni: {{ .Values.imported }}\n",
    ),
    (
        "templates/i.yaml",
        "kind: I\nq: {{ index .Values.list 0 | toJson }}\nw: {{ .Values.AsMap | toJson | sha256sum }}\nenv: {{ .Values.global.env }}\nr: {{ randAlphaNum 5 }}\n",
    ),
    (
        "templates/j.yaml",
        "kind: J\nv: {{ .Values.a.m | quote }}\n{{ with .Values.a }}{{ with .m }}k: {{ .k | quote }}{{ end }}{{ end }}\nc: {{ printf \"%v\" .Values.map }}\n",
    ),
];

fn traps() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), TRAPS);
    folder
}

fn edits(count: usize) -> impl Strategy<Value = Vec<Edit>> {
    prop::collection::vec(any::<Edit>(), 1..count)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_any_edits_of_traps_the_result_is_a_full_one(edits in edits(12)) {
        let folder = traps();
        incremental_is_full(folder.path(), &edits);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_any_edits_of_our_charts_the_result_is_a_full_one(edits in edits(10)) {
        let (_folder, charts) = repository();
        for chart in charts {
            incremental_is_full(&chart, &edits);
        }
    }
}

#[test]
fn an_edit_runs_what_it_reaches() {
    let folder = traps();
    let engine = engine();
    let mut values = defaults(folder.path());
    let mut ran = |change: &dyn Fn(&mut Json)| {
        change(&mut values);
        let output = engine.render(&request(folder.path(), &values), false).unwrap();
        (output.ran, output.changed)
    };
    assert_eq!(ran(&|_| {}), (11, false));
    assert_eq!(ran(&|_| {}), (0, false));
    // c reads ports by name, f and j the whole map, i hashes everything.
    assert_eq!(ran(&|values| values["map"]["p"]["port"] = json!(9)), (4, false));
    // Nobody asks for this key but i, f and j.
    assert_eq!(ran(&|values| values["map"]["p"]["prot"] = json!(9)), (3, false));
    // What is shared is changed: everything runs, and again the next time.
    assert_eq!(ran(&|values| values["flag"] = json!(true)), (11, true));
    assert_eq!(ran(&|_| {}), (11, true));
    assert_eq!(ran(&|values| values["flag"] = json!(false)), (11, false));
    // Another choice of subcharts.
    assert_eq!(ran(&|values| values["sub"]["enabled"] = json!(false)), (10, false));
}

#[test]
fn another_release_or_set_or_session_is_another_rendering() {
    let folder = traps();
    let engine = engine();
    let mut request = request(folder.path(), &json!({}));
    assert_eq!(engine.render(&request, false).unwrap().ran, 11);
    // Only what is random runs for another session.
    assert_eq!(engine.other().render(&request, false).unwrap().ran, 2);
    assert_eq!(engine.render(&request, false).unwrap().ran, 0);
    request.set = vec!["a.x=1".to_owned()];
    let output = engine.render(&request, false).unwrap();
    assert_eq!(output.ran, 11);
    request.is_upgrade = true;
    assert_eq!(engine.render(&request, false).unwrap().ran, 11);
    request.namespace = "other".to_owned();
    assert_eq!(engine.render(&request, false).unwrap().ran, 11);
    request.kube_version = Some("1.30.0".to_owned());
    assert_eq!(engine.render(&request, false).unwrap().ran, 11);
    // Pieces are made where they were not.
    let traced = engine.render(&request, true).unwrap();
    assert!(traced.ran == 11 && traced.files.iter().all(|file| file.trace.is_some()));
}

#[test]
fn what_changed_on_disk_or_is_unsaved_counts() {
    let folder = traps();
    let engine = engine();
    let mut request = Request::new(folder.path(), "rel", "space");
    let text = |request: &Request| engine.render(request, false).unwrap().into_rendered().manifest;
    assert!(text(&request).contains("x: 1\n"));
    // The same size, at once.
    put(folder.path(), &[("templates/a.yaml", "kind: A\nx: {{ .Values.a.x }}{{/* the same */}}\n")]);
    let first = text(&request);
    put(folder.path(), &[("templates/a.yaml", "kind: A\ny: {{ .Values.a.x }}{{/* the same */}}\n")]);
    let second = text(&request);
    assert!(first.contains("x: 1\n") && second.contains("y: 1\n") && !second.contains("x: 1\n"), "{second}");
    request.overlay = vec![("templates/a.yaml".into(), Arc::from("kind: A\nz: {{ .Values.a.x }}\n"))];
    assert!(text(&request).contains("z: 1\n"));
    request.overlay =
        vec![("values.yaml".into(), Arc::from("a: {x: 5, m: {}}\nmap: {}\nlist: [1]\nglobal: {}\n"))];
    assert!(text(&request).contains("y: 5\n"));
    request.overlay.clear();
    assert!(text(&request).contains("y: 1\n"));
    fs::remove_file(folder.path().join("templates/a.yaml")).unwrap();
    assert!(!text(&request).contains("kind: A\n"));
    put(folder.path(), &[("charts/sub/templates/s.yaml", "kind: S\nn: new\n")]);
    assert!(text(&request).contains("n: new\n"));
}

#[test]
fn a_schema_judges_every_edit() {
    let folder = traps();
    put(folder.path(), &[("values.schema.json", r#"{"properties": {"name": {"type": "string"}}}"#)]);
    let engine = engine();
    assert!(engine.render(&request(folder.path(), &json!({"name": "a"})), false).is_ok());
    assert!(engine.render(&request(folder.path(), &json!({"name": 1})), false).is_err());
    assert_eq!(engine.render(&request(folder.path(), &json!({"name": "b"})), false).unwrap().ran, 4);
}

/// All files of a chart, in order and side by side.
fn both_ways(
    chart: &Path,
    values: &Json,
) -> (Result<files::Ran, Refusal>, Option<Result<files::Ran, Refusal>>) {
    let (engine, chart, request) = (engine(), Arc::new(Chart::load(chart).unwrap()), request(chart, values));
    deep::run(move || {
        let work = engine.prepare(&chart, &request, true)?;
        let blank = vec![None; work.prepared.files.len()];
        Ok((work.in_order(&blank), work.side_by_side(&blank, 4)))
    })
    .unwrap()
}

#[test]
fn side_by_side_gives_what_helms_order_gives() {
    let (_folder, charts) = repository();
    for chart in charts {
        let (in_order, side_by_side) = both_ways(&chart, &json!({}));
        let in_order = in_order.unwrap();
        assert_eq!(in_order.changed, side_by_side.is_none(), "{}", chart.display());
        let Some(side_by_side) = side_by_side else { continue };
        let side_by_side = side_by_side.unwrap();
        assert_eq!(in_order.count, side_by_side.count);
        for (one, other) in in_order.files.iter().zip(&side_by_side.files) {
            let told = |file: &Option<Arc<RanFile>>| {
                file.as_ref().map(|file| (file.output.clone(), format!("{:?}", file.reads), file.unstable))
            };
            assert_eq!(told(one), told(other));
        }
    }
}

#[test]
fn side_by_side_the_first_refusal_in_helms_order_counts() {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path();
    put(chart, &[("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n")]);
    for number in 10..60 {
        let text = match number {
            // The later it comes in helm's order, the sooner it fails.
            20 | 30 | 40 => format!(
                "{{{{ range until {} }}}}{{{{ end }}}}{{{{ fail \"number {number}\" }}}}",
                number * number * number
            ),
            _ => format!("kind: A\nmetadata: {{name: n{number}}}\n"),
        };
        put(chart, &[(&format!("templates/{number}.yaml"), &text)]);
    }
    let (in_order, side_by_side) = both_ways(chart, &json!({}));
    let refusal = in_order.err().unwrap();
    assert!(format!("{refusal:?}").contains("number 40"), "{refusal:?}");
    assert_eq!(side_by_side.unwrap().err().unwrap(), refusal);
}

#[test]
fn what_is_too_much_for_a_share_is_rendered_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path();
    put(chart, &[("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n")]);
    for number in 10..30 {
        // One file alone makes more than a quarter of what a rendering may.
        let times = if number == 15 { 20 } else { 1 };
        let text = format!(
            "{{{{ range until {times} }}}}{{{{ $_ := repeat 67108864 \"x\" }}}}{{{{ end }}}}kind: A\nmetadata: {{name: n{number}}}\n"
        );
        put(chart, &[(&format!("templates/{number}.yaml"), &text)]);
    }
    let (in_order, side_by_side) = both_ways(chart, &json!({}));
    assert!(in_order.is_ok() && side_by_side.is_none());
}

#[test]
fn what_all_share_is_changed_in_order_only() {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path();
    put(chart, &[("Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"), ("values.yaml", "n: 0\n")]);
    for number in 10..60 {
        // Every file counts on from the one before.
        let text =
            "{{ $_ := set .Values \"n\" (add1 .Values.n) }}kind: A\nmetadata: {name: n{{ .Values.n }}}\n";
        put(chart, &[(&format!("templates/{number}.yaml"), text)]);
    }
    assert!(both_ways(chart, &json!({})).1.is_none());
    let output = engine().render(&request(chart, &json!({})), false).unwrap();
    assert!((1..=50).all(|number| output.manifest().contains(&format!("{{name: n{number}}}"))));
}

//! A key that is called unread has no effect: taking it away changes nothing, on our charts and on traps.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::render::test_chart::test_chart;
use crate::render::{Engine, Profile, Request, Session, ValuesSource};

fn render(engine: &Engine, chart: &Path, values: &Json, trace: bool) -> Output {
    let mut request = Request::new(chart, "rel", "space");
    request.values =
        vec![ValuesSource::Inline { name: chart.join("edited.yaml"), text: Arc::from(values.to_string()) }];
    engine.render(&request, trace).unwrap()
}

fn engine() -> Engine {
    Engine::new(Profile::FOUR, Session::default())
}

/// `key`, with `?` when dormant and what was meant.
fn told(outputs: &[&Output]) -> Vec<String> {
    let found = unread(outputs, &ChartSchema::default(), &|path| path.to_string() == "clusterMapping");
    let mut told: Vec<String> = found
        .iter()
        .map(|key| {
            let mark = if key.dormant { "?" } else { "" };
            let meant = key.meant.as_ref().map(|meant| format!(" -> {meant}")).unwrap_or_default();
            format!("{}{mark}{meant}", key.path)
        })
        .collect();
    told.sort();
    told
}

const SUBCHART: &[(&str, &str)] = &[
    (
        "Chart.yaml",
        "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies:\n- {name: sub, version: 0.1.0, condition: sub.enabled, tags: [extra], import-values: [data]}\n- {name: spare, version: 0.1.0, condition: spare.enabled}\n",
    ),
    ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 0.1.0\n"),
    ("charts/sub/values.yaml", "size: 1\nexports: {data: {imported: 1}}\n"),
    ("charts/sub/templates/s.yaml", "kind: Sub\nsize: {{ .Values.size }}\nenv: {{ .Values.global.env }}\n"),
    ("charts/spare/Chart.yaml", "apiVersion: v2\nname: spare\nversion: 0.1.0\n"),
    ("charts/spare/templates/o.yaml", "kind: Off\nsize: {{ .Values.size }}\n"),
    ("templates/a.yaml", "kind: A\ni: {{ .Values.imported }}\n"),
];

#[test]
fn what_has_an_effect_is_read() {
    let templates = "kind: A\nname: {{ .Values.name }}\nall: {{ toYaml .Values.config | nindent 2 }}\n{{- range $k, $v := .Values.ports }}\n{{ $k }}: {{ $v.port }}\n{{- end }}\n{{- with .Values.image }}\ntag: {{ .tag }}\n{{- end }}\ntpl: {{ tpl .Values.text . }}\nmerged: {{ (merge (deepCopy .Values.over) .Values.under).x }}\n{{- if .Values.flags }}\nflags: yes\n{{- end }}\n{{- if .Values.feature }}\noff: {{ .Values.hidden.key }} {{ index .Values \"quoted\" }}\n{{- end }}\nand: {{ and .Values.feature .Values.late }}\nsum: {{ .Values.hashed | toJson | sha256sum }}\n";
    let folder = test_chart(&[
        (
            "values.yaml",
            "name: own\nconfig: {}\nports: {}\nimage: {tag: v}\ntext: '{{ .Values.deep.down }}'\nover: {x: 1}\nunder: {x: 2}\nflags: {}\nfeature: false\n",
        ),
        ("templates/a.yaml", templates),
    ]);
    let engine = engine();
    let values = json!({
        "name": "n", "config": {"any": {"thing": 1}}, "ports": {"web": {"port": 1, "prot": 2}},
        "image": {"tag": "v", "tagg": "w"}, "deep": {"down": 1, "up": 2}, "over": {"x": 1, "y": 2}, "under": {"z": 3},
        "flags": {"only": 1}, "hidden": {"key": 1}, "quoted": 1, "late": 1, "hashed": {"a": [1, {"b": 2}]},
        "nmae": "typo", "tag": "elsewhere", "clusterMapping": {"a": 1}, "gone": null, "list": [{"a": 1}],
    });
    let output = render(&engine, folder.path(), &values, true);
    assert_eq!(
        told(&[&output]),
        [
            "deep.up",
            "hidden?",
            "image.tagg -> image.tag",
            "late?",
            "list",
            "nmae -> name",
            "ports.web.prot -> ports.web.port",
            "quoted?",
            "tag -> image.tag",
        ]
    );
    // Where the switch is on it is read.
    let mut on = values.clone();
    on["feature"] = json!(true);
    let other = render(&engine, folder.path(), &on, true);
    assert!(!told(&[&output, &other]).iter().any(|key| key.ends_with('?')));
    assert_eq!(unset(&[&output]), []);
    let without = render(&engine, folder.path(), &json!({"ports": {"web": {}}, "deep": {}}), true);
    let unset: Vec<String> = unset(&[&without]).iter().map(ToString::to_string).collect();
    assert_eq!(unset, ["deep.down", "hashed", "ports.web.port"]);
}

#[test]
fn subcharts_have_switches_globals_and_exports() {
    let folder = test_chart(SUBCHART);
    let engine = engine();
    let values = json!({
        "global": {"env": "dev", "envv": "typo"}, "tags": {"extra": true, "other": true},
        "sub": {"enabled": true, "size": 2, "seize": 3, "global": {"env": "x"}, "exports": {"data": {"imported": 3}}},
        "spare": {"enabled": false, "size": 2, "seize": 2}, "size": 5,
    });
    let output = render(&engine, folder.path(), &values, true);
    assert_eq!(
        told(&[&output]),
        [
            "global.envv -> global.env",
            "size -> sub.size",
            "spare.seize?",
            "spare.size?",
            "sub.seize -> sub.size",
            "tags.other"
        ]
    );
}

#[test]
fn taking_an_unread_key_away_changes_nothing() {
    fn without(values: &mut Json, path: &[Segment]) {
        let Some((last, before)) = path.split_last() else { return };
        let parent = before.iter().try_fold(values, |here, segment| match segment {
            Segment::Key(key) => here.get_mut(key),
            Segment::Index(index) => here.get_mut(index),
        });
        if let (Some(Json::Object(map)), Segment::Key(key)) = (parent, last) {
            map.shift_remove(key);
        }
    }
    // Something that nobody reads, at every level.
    fn salt(values: &mut Json, depth: usize) {
        let Json::Object(map) = values else { return };
        map.values_mut().for_each(|value| salt(value, depth + 1));
        if depth < 3 && !map.is_empty() {
            map.insert(format!("nobodyReads{depth}"), json!({"a": 1}));
        }
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("charts");
    for name in ["core-pipeline", "dataspoke", "floe-jobs", "otel-collector"] {
        let engine = engine();
        let dir = source.join(name);
        let mut values = Chart::load(&dir).unwrap().default_values();
        salt(&mut values, 0);
        let render = |values: &Json, trace: bool| {
            let mut chart = Chart::load(&dir).unwrap();
            chart.schema = None;
            chart.values = Some((dir.join("values.yaml"), Arc::from(values.to_string())));
            engine.render_loaded(&Arc::new(chart), &Request::new(&dir, "rel", "space"), trace)
        };
        let Ok(output) = render(&values, true) else { continue };
        let found = unread(&[&output], &ChartSchema::default(), &|_| false);
        assert!(found.iter().any(|key| key.path.to_string() == "nobodyReads0"), "{name}");
        for key in found {
            let mut changed = values.clone();
            without(&mut changed, &key.path.0);
            let again = render(&changed, false).unwrap();
            let all = |output: &Output| {
                (output.manifest().to_owned(), output.notes.clone(), output.warnings.clone())
            };
            assert_eq!(all(&again), all(&output), "{name}: {}", key.path);
        }
    }
}

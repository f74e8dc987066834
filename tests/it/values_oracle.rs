//! What helm itself reads and merges, against ours: both helm programs print the values templates see, for a table of
//! scalars, a chart that has every odd rule of the merge, the platform in all its environments and the fixtures.

use std::path::{Path, PathBuf};
use std::process::Command;

use floe_tui::chart::Chart;
use floe_tui::render::Profile;
use floe_tui::values::LayerSet;
use serde_json::Value;

use crate::support::sandbox::{HelmMajor, helm};
use crate::support::{root, workspace};

const BOTH: [HelmMajor; 2] = [HelmMajor::Three, HelmMajor::Four];
const PROBE: &str = "templates/zz-probe.yaml";

/// Plain scalars, keys and structures whose meaning differs between YAML readers.
const SCALARS: &str = "\
words: [yes, Yes, on, y, n, Off, 'yes', tRue, ~, null, Null, '', true]\n\
octal: [0777, 0o17, 08, 00, -017]\nradix: [0x1F, 0b11, -0b11, 0x, 0xG]\nunder: [1_000, 1_0.5, _1]\n\
float: [1e3, 1.0, 1., .5, -.5, 1.5e-3, 1e400, +1.5, 6.02e23]\nsigned: [+12, -7, +]\n\
large: [9007199254740993, 18446744073709551615, -9223372036854775808]\n\
text: [1.2.3, 10:30, 2024-01-02, 2024-01-02T03:04:05Z, 100m, 1Gi, 1e, 0.0.0.0, 'a: b', \"tab\\tx\"]\n\
on: key of on\n8080: web\n1.5: float key\n010: octal key\nno: key of no\n\
dup: first\ndup: last\ntagged: [!!str 12, !!int '3', !!float 3, !!binary aGVsbG8=, !custom 12, !!bool 'true']\n\
base: &base {x: 1, w: 1}\nmerged: {<<: *base, x: 2}\noverwritten: {x: 2, <<: *base}\nmany: {<<: [*base, {x: 9, z: 9}]}\n\
copy: *base\nliteral: |\n  one\n    two\n\n  three\nstripped: |-\n  one\nkept: |+\n  one\n\nfolded: >\n  a\n  b\n\n  c\n\
plain: word\n  continued\nempty:\nflow: {a: [1, {b: 2}], 'c': \"d\"}\n";

/// A chart with every rule of the merge that surprises.
const CHART: &[(&str, &str)] = &[
    (
        "Chart.yaml",
        "apiVersion: v2\nname: odd\nversion: 1.0.0\ndependencies:\n\
         - {name: sub, version: 1.0.0, condition: 'sub.enabled,never.set', tags: [front], import-values: [shared, {child: out.deep, parent: got.here}]}\n\
         - {name: sub, version: 1.0.0, alias: twin, tags: [extra, more]}\n\
         - {name: nest, version: 1.x.x, condition: nest.on}\n",
    ),
    (
        "values.yaml",
        "a: {b: {c: 1, d: null, e: {}}}\nnulled: null\nscalar: 1\ntable: {x: 1}\nlist: [1, 2]\n\
         global: {env: none, labels: {team: core, gone: 1}, scalar: 1, onlyParent: {p: 1}}\n\
         sub: {port: 80, table: {x: 9}, nothing: null}\nnest: {leaf: {v: parent}}\ntags: {extra: false}\n",
    ),
    ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n"),
    (
        "charts/sub/values.yaml",
        "enabled: true\nport: 8080\ntable: {w: 1, x: 2}\nnothing: 1\nnull_default: null\ndeep: {n: null, m: {o: null, p: 1}}\n\
         global: {env: sub, labels: {sub: only, team: sub}, scalar: {not: scalar}}\n\
         exports: {shared: {scalar: 7, fromSub: 1, a: {b: {c: 5, z: 6}}}}\nout: {deep: {key: v, list: [1]}}\n",
    ),
    (
        "charts/nest/Chart.yaml",
        "apiVersion: v2\nname: nest\nversion: 1.4.0\ndependencies:\n- {name: leaf, version: '*', condition: leaf.on, tags: [more]}\n",
    ),
    ("charts/nest/values.yaml", "leaf: {v: middle, on: true}\nglobal: {middle: 1}\n"),
    ("charts/nest/charts/leaf/Chart.yaml", "apiVersion: v2\nname: leaf\nversion: 0.1.0\n"),
    ("charts/nest/charts/leaf/values.yaml", "v: own\nw: {t: 1}\n"),
];

const GIVEN: &[(&str, &str)] = &[
    ("nothing", ""),
    ("comment", "# nothing\n"),
    (
        "nulls",
        "a: {b: {c: null, new: null}}\nnulled: null\nabsent: null\nabsentTable: {x: null}\nsub: {table: null, port: null}\n",
    ),
    ("whole", "a: null\ntable: null\nlist: null\nglobal: {labels: {gone: null}}\n"),
    ("shapes", "scalar: {now: table}\ntable: scalar\nlist: {now: table}\nsub: {table: scalar, deep: [1]}\n"),
    (
        "globals",
        "global: {env: prod, labels: {more: 1}, scalar: {t: 1}}\nsub: {global: {env: mine, labels: {own: 1}}}\n",
    ),
    ("off", "sub: {enabled: false}\ntags: {extra: true}\nnest: {on: false}\n"),
    ("tags", "tags: {front: false, extra: true, more: false}\n"),
    ("notboolean", "sub: {enabled: 'false'}\nnever: {set: false}\ntags: {more: true}\n"),
    ("leafoff", "nest: {leaf: {on: false, w: null}}\n"),
    (
        "imports",
        "fromSub: mine\ngot: {here: {key: null, list: []}}\nsub: {exports: {shared: {fromSub: given}}}\n",
    ),
];

fn put(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a written file");
    }
}

fn run(program: &Path, chart: &Path, args: &[&str]) -> String {
    let home = tempfile::tempdir().expect("a folder");
    let output = Command::new(program)
        .args(args)
        .current_dir(chart)
        .env_clear()
        .env("HOME", home.path())
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}", program.display()));
    assert!(output.status.success(), "helm {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The values templates see, as helm prints them.
fn printed(major: HelmMajor, chart: &Path, files: &[PathBuf]) -> Value {
    put(chart, &[(PROBE, "values: {{ .Values | toJson | b64enc }}\n")]);
    let mut args = vec!["template", "probe", ".", "--show-only", PROBE, "--skip-schema-validation"];
    let files: Vec<&str> = files.iter().map(|file| file.to_str().expect("UTF-8")).collect();
    for file in &files {
        args.extend(["-f", file]);
    }
    let text = run(&helm(major), chart, &args);
    let packed = text.lines().find_map(|line| line.strip_prefix("values: ")).expect("the probe's line");
    let bytes = base64_decode(packed);
    numbers(serde_json::from_slice(&bytes).expect("JSON from helm"))
}

fn base64_decode(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text.trim()).expect("base64 from helm")
}

fn ours(major: HelmMajor, chart: &Path, files: &[PathBuf]) -> Value {
    let rules = match major {
        HelmMajor::Three => Profile::THREE.rules(),
        HelmMajor::Four => Profile::FOUR.rules(),
    };
    let chart = Chart::load(chart).expect("a chart");
    let layers = LayerSet::for_environment(&chart, files, &|_| None).with_rules(rules);
    assert_eq!(layers.problems(), []);
    numbers(layers.merge().value)
}

/// helm holds every number as a float; whole numbers beyond 2^53 stay exact with us.
fn numbers(value: Value) -> Value {
    match value {
        Value::Number(number) => number.as_f64().map_or(Value::Null, Value::from),
        Value::Array(list) => list.into_iter().map(numbers).collect(),
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, numbers(value))).collect(),
        other => other,
    }
}

/// Compares key by key, so that a failure names the key and not two pages of JSON.
fn differences(at: &str, helm: &Value, ours: &Value, found: &mut Vec<String>) {
    match (helm, ours) {
        (Value::Object(theirs), Value::Object(own)) => {
            for key in theirs.keys().chain(own.keys().filter(|key| !theirs.contains_key(*key))) {
                match (theirs.get(key), own.get(key)) {
                    (Some(theirs), Some(own)) => differences(&format!("{at}.{key}"), theirs, own, found),
                    (theirs, own) => found.push(format!("{at}.{key}: helm {theirs:?}, ours {own:?}")),
                }
            }
        }
        _ if helm == ours => {}
        _ => found.push(format!("{at}: helm {helm}, ours {ours}")),
    }
}

#[track_caller]
fn same(what: &str, chart: &Path, files: &[PathBuf]) {
    for major in BOTH {
        let own = ours(major, chart, files);
        let mut found = Vec::new();
        differences("", &printed(major, chart, files), &own, &mut found);
        assert!(found.is_empty(), "{what}, helm {}:\n{}", major.number(), found.join("\n"));
    }
}

#[test]
fn planes_scalars_mean_what_they_mean_to_helm() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), &[("Chart.yaml", "apiVersion: v2\nname: scalars\nversion: 0.1.0\n")]);
    for (name, text) in [
        ("unix", SCALARS.to_owned()),
        ("dos", SCALARS.replace('\n', "\r\n")),
        ("mark", format!("\u{feff}{SCALARS}")),
    ] {
        let file = folder.path().join(format!("given-{name}.yaml"));
        std::fs::write(&file, text).expect("a written file");
        same(name, folder.path(), &[file]);
    }
}

#[test]
fn planes_the_merge_is_helms() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), CHART);
    let mut previous = None;
    for (name, text) in GIVEN {
        let file = folder.path().join(format!("given-{name}.yaml"));
        std::fs::write(&file, text).expect("a written file");
        same(name, folder.path(), std::slice::from_ref(&file));
        // Two files: the later over the earlier.
        if let Some(previous) = previous.replace(file.clone()) {
            same(&format!("{name} over another"), folder.path(), &[previous, file]);
        }
    }
}

#[test]
fn planes_the_platform_and_the_fixtures_merge_as_helm_merges_them() {
    let folder = tempfile::tempdir().expect("a folder");
    workspace::copy(&root().join("charts"), folder.path());
    let platform = folder.path().join("floe-platform");
    run(&helm(HelmMajor::Four), &platform, &["dependency", "build", "--skip-refresh"]);
    let fixtures = root().join("tests/fixtures/charts");
    for name in ["no-schema", "tiny", "crlf"] {
        workspace::copy(&fixtures.join(name), &folder.path().join(name));
    }
    let mut compared = 0;
    for name in ["floe-platform", "otel-collector", "no-schema", "tiny", "crlf"] {
        let dir = folder.path().join(name);
        let chart = Chart::load(&dir).expect("a chart");
        same(name, &dir, &[]);
        for (environment, file) in chart.values_files() {
            same(&format!("{name} {environment}"), &dir, &[dir.join(file)]);
            compared += 1;
        }
    }
    assert!(compared >= 8, "only {compared} environments were found");
}

//! Lines to keys and keys to lines, on charts that do what charts do.
#![allow(clippy::unwrap_used, clippy::panic)]

use crate::render::test_chart::test_chart;
use crate::render::{Engine, Output, Profile, Request, Session};
use crate::yaml::KeyPath;

fn rendered(files: &[(&str, &str)]) -> Output {
    let folder = test_chart(files);
    let engine = Engine::new(Profile::FOUR, Session::default());
    engine.render(&Request::new(folder.path(), "rel", "space"), true).unwrap()
}

/// `line text | templates | keys` of the printed line that holds `needle`.
fn why(output: &Output, needle: &str) -> String {
    let manifest = output.manifest();
    let at = manifest
        .lines()
        .position(|line| line.contains(needle))
        .unwrap_or_else(|| panic!("{needle} in {manifest}"));
    let why = output.why(manifest, at + 1).unwrap();
    let templates: Vec<String> = why.templates.iter().map(ToString::to_string).collect();
    let keys: Vec<String> = why
        .keys
        .iter()
        .map(|key| {
            let mark = if key.absent { " absent" } else { "" };
            format!("{} {} {}{mark}", key.role.word(), key.path, key.at)
        })
        .collect();
    format!("{} | {}", templates.join(" > "), keys.join(", "))
}

/// `kind:line role` of all that a key reaches.
fn reach(output: &Output, key: &str) -> String {
    let found = output.reach(&KeyPath::parse(key).unwrap());
    let lines: Vec<String> = found
        .lines
        .iter()
        .map(|line| format!("{}:{} {}", line.document.head.kind, line.line, line.role.word()))
        .collect();
    lines.join(", ")
}

const HELPERS: (&str, &str) = (
    "templates/_helpers.tpl",
    "{{- define \"labels\" -}}\napp: {{ .Values.name }}\n{{- if .Values.team }}\nteam: {{ .Values.team }}\n{{- end }}\nchart: {{ .Chart.Name }}\n{{- end }}\n{{- define \"port\" -}}\n{{ .port }}\n{{- end }}\n",
);

#[test]
fn a_line_knows_its_templates_and_keys() {
    let output = rendered(&[
        HELPERS,
        (
            "values.yaml",
            "name: own\nteam: t\nreplicas: 3\nimage: {repo: r, tag: v}\nports: {web: 80, admin: 81}\nresources:\n  limits: {cpu: 1, memory: 2}\n  requests: {cpu: 5}\nnote: 'x {{ .Values.name }}'\n",
        ),
        (
            "templates/web.yaml",
            "kind: Web\nmetadata:\n  labels:\n    {{- include \"labels\" . | nindent 4 }}\nspec:\n  replicas: {{ .Values.replicas }}\n  image: \"{{ .Values.image.repo }}:{{ .Values.image.tag | default .Chart.AppVersion }}\"\n  ports:\n  {{- range $name, $port := .Values.ports }}\n  - {name: {{ $name }}, port: {{ $port }}}\n  {{- end }}\n  single: {{ include \"port\" (dict \"port\" .Values.ports.web) }}\n  resources:\n    {{- toYaml .Values.resources | nindent 4 }}\n  {{- $kept := .Values.extra | default .Values.replicas }}\n  {{- with .Values.image }}\n  kept: {{ $kept }} {{ .tag }}\n  {{- end }}\n  note: {{ tpl .Values.note . }}\n",
        ),
    ]);
    let table = [
        ("kind: Web", "templates/web.yaml:1 | "),
        ("app: own", "templates/web.yaml:4 > templates/_helpers.tpl:2 | feeds name templates/_helpers.tpl:2"),
        (
            "team: t",
            "templates/web.yaml:4 > templates/_helpers.tpl:4 | feeds team templates/_helpers.tpl:4, decides team templates/_helpers.tpl:3",
        ),
        ("chart: web", "templates/web.yaml:4 > templates/_helpers.tpl:6 | "),
        ("replicas: 3", "templates/web.yaml:6 | feeds replicas templates/web.yaml:6"),
        (
            "image: ",
            "templates/web.yaml:7 | feeds image.repo templates/web.yaml:7, feeds image.tag templates/web.yaml:7",
        ),
        (
            "{name: web",
            "templates/web.yaml:10 | feeds ports templates/web.yaml:9, decides ports templates/web.yaml:9",
        ),
        ("single: 80", "templates/web.yaml:12 | feeds ports.web templates/web.yaml:12"),
        ("memory: 2", "templates/web.yaml:14 | feeds resources.limits.memory templates/web.yaml:14"),
        ("cpu: 5", "templates/web.yaml:14 | feeds resources.requests.cpu templates/web.yaml:14"),
        (
            "kept: 3 v",
            "templates/web.yaml:17 | feeds extra templates/web.yaml:15 absent, feeds image.tag templates/web.yaml:17, feeds replicas templates/web.yaml:15, decides image templates/web.yaml:16",
        ),
        (
            "note: x own",
            "templates/web.yaml:19 | feeds name templates/web.yaml:19, feeds note templates/web.yaml:19",
        ),
    ];
    for (needle, wanted) in table {
        assert_eq!(why(&output, needle), wanted, "{needle}");
    }
    assert_eq!(reach(&output, "team"), "Web:5 feeds");
    assert_eq!(reach(&output, "replicas"), "Web:8 feeds, Web:20 feeds");
    assert_eq!(reach(&output, "resources.limits.cpu"), "Web:16 feeds");
    assert_eq!(reach(&output, "resources.limits"), "Web:15 feeds, Web:16 feeds, Web:17 feeds");
    assert_eq!(reach(&output, "image.tag"), "Web:9 feeds, Web:20 feeds");
    assert_eq!(reach(&output, "nothing"), "");
    let read_at: Vec<String> =
        output.reach(&KeyPath::of(["name"])).read_at.iter().map(ToString::to_string).collect();
    assert_eq!(read_at, ["templates/_helpers.tpl:2", "templates/web.yaml:19"]);
    assert!(
        output.reads(&KeyPath::of(["resources", "limits", "cpu"])) && !output.reads(&KeyPath::of(["nme"]))
    );
}

#[test]
fn documents_of_one_file_and_globals_of_a_subchart() {
    let output = rendered(&[
        HELPERS,
        (
            "Chart.yaml",
            "apiVersion: v2\nname: web\nversion: 0.1.0\ndependencies: [{name: sub, version: 0.1.0}]\n",
        ),
        ("values.yaml", "name: own\nglobal: {env: dev}\nsub: {size: 2}\n"),
        ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 0.1.0\n"),
        ("charts/sub/values.yaml", "size: 1\n"),
        (
            "charts/sub/templates/s.yaml",
            "kind: Sub\nsize: {{ .Values.size }}\nenv: {{ .Values.global.env }}\n",
        ),
        (
            "templates/two.yaml",
            "kind: Service\nmetadata: {name: a}\nv: {{ .Values.name }}\n---\nkind: ConfigMap\nmetadata: {name: b}\nv: {{ .Values.name }}\nr: {{ randAlphaNum 4 }}\n---\n# Source: not really\nkind: Other\nw: {{ .Values.name }}\n",
        ),
    ]);
    assert_eq!(
        why(&output, "size: 2"),
        "charts/sub/templates/s.yaml:2 | feeds sub.size charts/sub/templates/s.yaml:2"
    );
    assert_eq!(
        why(&output, "env: dev"),
        "charts/sub/templates/s.yaml:3 | feeds sub.global.env charts/sub/templates/s.yaml:3"
    );
    assert_eq!(reach(&output, "global.env"), "Sub:3 feeds");
    assert_eq!(reach(&output, "name"), "Service:3 feeds, ConfigMap:3 feeds, Other:3 feeds");
    assert_eq!(why(&output, "w: own"), "templates/two.yaml:12 | feeds name templates/two.yaml:12");
    let random = output.why_object("web/templates/two.yaml", "ConfigMap", "b", 4).unwrap();
    assert!(random.unstable && random.keys.is_empty());
    assert!(output.why(output.manifest(), 1).is_none());
    let of_field = |path: &str, text: &str| {
        let why = output.why_field("ConfigMap", "b", &KeyPath::parse(path).unwrap(), text)?;
        Some((why.line, why.unstable))
    };
    assert_eq!((of_field("v", "v: own"), of_field("r", "")), (Some((3, false)), Some((4, true))));
    // What is not written counts as what is around it.
    assert_eq!(of_field("metadata.labels.app", "app: x"), Some((2, false)));
    assert!(output.why_field("ConfigMap", "c", &KeyPath::of(["v"]), "").is_none());
}

#[test]
fn a_line_inside_a_value_of_several_lines_is_found_by_its_text() {
    let output = rendered(&[
        ("values.yaml", "one: 1\ntwo: 2\n"),
        (
            "templates/map.yaml",
            "kind: ConfigMap\nmetadata: {name: a}\ndata:\n  conf: |\n    one = {{ .Values.one }}\n    two = {{ .Values.two }}\n",
        ),
    ]);
    let keys = |text: &str| -> Vec<String> {
        let why = output.why_field("ConfigMap", "a", &KeyPath::of(["data", "conf"]), text).unwrap();
        why.keys.iter().map(|key| key.path.to_string()).collect()
    };
    assert_eq!((keys("    two = 2"), keys("  one = 1")), (vec!["two".to_owned()], vec!["one".to_owned()]));
}

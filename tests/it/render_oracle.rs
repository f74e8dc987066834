//! The engine against the real helm 3 and helm 4: what it prints, what it refuses, and in which words. Whatever helm
//! itself gives differently in two runs is random and left out.

mod mutations;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use floe_tui::render::{Engine, Profile, Refusal, Request, Session, ValuesSource};

use crate::support::root;
use crate::support::sandbox::{HelmMajor, helm};
use crate::support::workspace;

const BOTH: [HelmMajor; 2] = [HelmMajor::Three, HelmMajor::Four];

fn engine(major: HelmMajor) -> Engine {
    let profile = match major {
        HelmMajor::Three => Profile::THREE,
        HelmMajor::Four => Profile::FOUR,
    };
    Engine::new(profile, Session::default())
}

/// What a run printed: exit, standard output, standard error.
type Printed = (bool, String, String);

fn by_helm(major: HelmMajor, chart: &Path, values: &[PathBuf], set: &[&str]) -> Printed {
    let home = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(helm(major));
    command.args(["template", "rel"]).arg(chart).env_clear().env("HOME", home.path());
    for file in values {
        command.arg("-f").arg(file);
    }
    for argument in set {
        command.args(["--set", argument]);
    }
    let output = command.output().expect("helm runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("UTF-8 from helm");
    // Helm tells what it finds odd on the same stream.
    let words: String = text(output.stderr)
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("level=") && !line.contains(".go:"))
        .collect();
    (output.status.success(), text(output.stdout), words)
}

fn by_engine(engine: &Engine, chart: &Path, values: &[PathBuf], set: &[&str]) -> Printed {
    let mut request = Request::new(chart, "rel", "default");
    request.values = values.iter().cloned().map(ValuesSource::File).collect();
    request.set = set.iter().map(|argument| (*argument).to_owned()).collect();
    match engine.render(&request, false) {
        Ok(output) => (true, output.into_rendered().manifest, String::new()),
        Err(refusal) => {
            let words = refusal.printed().unwrap_or_else(|| panic!("{}: {refusal:?}", chart.display()));
            (false, String::new(), words)
        }
    }
}

/// The first lines that differ, without those in which helm differs from itself.
fn differences(ours: &Printed, theirs: &Printed, again: impl FnOnce() -> Printed) -> Vec<String> {
    if ours == theirs {
        return Vec::new();
    }
    if (ours.0, &ours.2) != (theirs.0, &theirs.2) {
        return vec![format!("helm:   {}{}\nengine: {}{}", theirs.2, theirs.0, ours.2, ours.0)];
    }
    let again = again();
    let (a, b, c): (Vec<_>, Vec<_>, Vec<_>) =
        (ours.1.lines().collect(), theirs.1.lines().collect(), again.1.lines().collect());
    let mut found = Vec::new();
    for at in 0..a.len().max(b.len()) {
        let (ours, theirs, again) = (a.get(at), b.get(at), c.get(at));
        if ours != theirs && theirs == again && found.len() < 20 {
            found.push(format!("line {}:\n  helm   {theirs:?}\n  engine {ours:?}", at + 1));
        }
    }
    if found.is_empty() && a.len() != b.len() {
        found.push(format!("helm prints {} lines, the engine {}", b.len(), a.len()));
    }
    found
}

#[track_caller]
fn same(engine: &Engine, major: HelmMajor, chart: &Path, values: &[PathBuf], set: &[&str]) {
    let theirs = by_helm(major, chart, values, set);
    let ours = by_engine(engine, chart, values, set);
    let found = differences(&ours, &theirs, || by_helm(major, chart, values, set));
    assert!(
        found.is_empty(),
        "helm {}, {} {values:?} {set:?}:\n{}",
        major.number(),
        chart.display(),
        found.join("\n")
    );
}

fn put(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let path = folder.join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a written file");
    }
}

/// Values files of a chart: those of environments and those for its tests.
fn values_files(chart: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in [chart.to_owned(), chart.join("ci")] {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let in_ci = folder != chart;
            if path.extension().is_some_and(|end| end == "yaml") && (in_ci || name.starts_with("values-")) {
                files.push(path);
            }
        }
    }
    files.sort();
    files
}

#[test]
fn planes_every_chart_with_every_values_file_is_what_helm_prints() {
    let folder = tempfile::tempdir().expect("a folder");
    workspace::copy(&root().join("charts"), folder.path());
    let mut compared = 0;
    for entry in std::fs::read_dir(folder.path()).expect("charts").flatten() {
        let chart = entry.path();
        if !chart.join("Chart.yaml").is_file() {
            continue;
        }
        let home = tempfile::tempdir().expect("a folder");
        let built = Command::new(helm(HelmMajor::Four))
            .args(["dependency", "build", "--skip-refresh"])
            .arg(&chart)
            .env_clear()
            .env("HOME", home.path())
            .output()
            .expect("helm runs");
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        for major in BOTH {
            let engine = engine(major);
            same(&engine, major, &chart, &[], &[]);
            for file in values_files(&chart) {
                same(&engine, major, &chart, &[file], &[]);
                compared += 1;
            }
        }
    }
    assert!(compared >= 20, "only {compared} values files were found");
}

/// Values in every shape that `toYaml`, `toJson` and printing treat in a way of their own.
const SHAPES: &str = "str: hello\nnum: 3\nflt: 1.5\nbig: 1000000\nlist: [a, 1, null, {x: 1}]\n\
map: {b: 1, a: {z: 2, y: [1, 2]}, a10: 1, a2: 2, _x: 1, B: 2}\nempty: {}\nnothing: null\n\
long: aaaaaaaaaa bbbbbbbbbb cccccccccc dddddddddd eeeeeeeeee ffffffffff gggggggggg hhhhhhhhhh iiiiiiiiii jjjjjjjjj kkkkkkkk\n\
quoted: \"it's: a 'long' string with # comment and quotes aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbb ccccccccc ddddd\"\n\
double: \"tab\\tand more words so that the line is longer than eighty columns and must be folded somewhere  twice\"\n\
multi: \"a\\n  b\\n\\nc\\n\"\nmulti2: \"\\n x\\ny\"\nmulti3: \"a\\n\\n\"\ntrail: \"a \\nb\"\ntrail2: \"a \"\ncr: \"a\\r\\nb\"\n\
emoji: \"\\U0001F600 x\"\numl: \"äöü\"\nnbsp: \"a\\u00a0b\"\nls: \"a\\u2028b\"\nbom: \"\\ufeffx\"\nnul: \"a\\0b\"\n\
words: ['yes', 'no', 'y', 'on', 'true', 'null', '~', '', '<<', '.inf', '.nan', '-.inf']\n\
numbers: ['1', '1.5', '1e3', '0x1f', '0777', '1_000', '0b11', '+1', '.5', '1.', '-', '1:30', '10:30:00.5', '190:20']\n\
dates: ['2024-01-02', '2024-1-2', '2024-13-01', '2024-01-02T03:04:05Z', '2024-01-02 03:04:05', '2024-01-02T03:04:05+02:00', '12024-01-02']\n\
marks: ['- x', '-x', '*x', '&x', '!x', '%x', '@x', '`x', '|x', '>x', '? x', '?x', ': x', ':x', 'a: b', 'a:', 'a #b', 'a#b', '#a', ',a', '[a', '{a', 'a]', ' x', '---', '--- a', '...', \"'x\", '\"x']\n\
floats: [0.1, 1.0e-7, 1.5e-9, 1e21, 1e20, 123456789.5, -0.5, 12345678901234567890, 9007199254740993, 0777]\n\
nested: [[1, 2], [{a: 1, b: [x]}], [], {}, [[[]]]]\nhtml: '<a&b>'\n\
? aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n: 1\n\
keys: {'a b': 1, 'yes': 2, '1': 3, 'a:b': 4, '': 5, 'ä': 6, a-b: 7, a.b: 8, a_b: 9, 'x01': 1, x1: 2, x10: 3, x001: 4}\n";

const SHAPED: &[(&str, &str)] = &[
    (
        "Chart.yaml",
        "apiVersion: v2\nname: shapes\nversion: 1.0.0+b.1\nappVersion: 2.0\ndescription: d\nkeywords: [k]\nhome: h\n\
         maintainers: [{name: n, email: e}]\nannotations: {k: 1}\nkubeVersion: '>=1.20.0-0'\n\
         dependencies: [{name: sub, version: 1.x.x, alias: other, condition: other.enabled}]\n",
    ),
    ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.2.3\n"),
    ("charts/sub/values.yaml", "enabled: true\nx: 1\nglobal: {g: 1}\n"),
    (
        "charts/sub/templates/s.yaml",
        "sub: |\n  {{ toJson .Values }} {{ .Chart.Name }} {{ .Template.Name }} {{ include \"shared\" . }}\n",
    ),
    ("charts/sub/templates/_h.tpl", "{{ define \"shared\" }}sub{{ end }}"),
    ("charts/extra/Chart.yaml", "apiVersion: v2\nname: extra\nversion: 0.1.0\n"),
    ("charts/extra/templates/e.yaml", "kind: Extra\n"),
    ("templates/_h.tpl", "{{ define \"shared\" }}parent{{ end }}"),
    ("files/a.txt", "line1\nline2\n"),
    ("files/b.conf", "x: <y>\n"),
    ("values.yaml", SHAPES),
    (
        "templates/a.yaml",
        "{{- define \"indented\" }}\nx: {{ . }}\n{{- end }}\n# {{ .Template.BasePath }}\nkind: ConfigMap\ndata:\n{{ toYaml .Values | indent 2 }}\n\
         json: {{ toJson .Values | quote }}\nchart: {{ toJson .Chart | quote }}\nrelease: {{ toJson .Release | quote }}\n\
         text: {{ printf \"%v|%s|%q|%d|%5.1f|%t|%x|%T|%+v|%#v|%v\" .Values.map .Values.str .Values.str 3 .Values.flt true .Values.str .Values.list .Values.map .Values.map .Values.floats | quote }}\n\
         bad: {{ printf \"%d %s %z %!\" .Values.num 5 1 | quote }} \n\
         files: |\n  {{ .Files.Get \"files/a.txt\" | quote }} {{ range $p, $b := .Files.Glob \"files/*\" }}{{ $p }}={{ len $b }},{{ end }}\n\
         {{ (.Files.Glob \"**.conf\").AsConfig | indent 2 }}\n{{ (.Files.Glob \"files/{a,b}.*\").AsSecrets | indent 2 }}\n\
         caps: {{ .Capabilities.KubeVersion }} {{ .Capabilities.KubeVersion.Minor }} {{ .Capabilities.APIVersions.Has \"apps/v1\" }} {{ len .Capabilities.APIVersions }}\n\
         read: |\n  {{ (fromYaml \"a: {b: [1, yes]}\").a }} {{ fromYaml \"- a\" }} {{ fromYamlArray \"- 1\" }} {{ fromJson \"{\\\"a\\\":1.5}\" }} {{ fromYaml \"\" | toJson }}\n\
         tpl: {{ tpl \"{{ .Values.str }}-{{ include \\\"shared\\\" . }}{{ .Values.nope }}\" . }}\n\
         scope: |\n  {{ (.Subcharts.other | default dict).Values }} {{ .Values.other.x }} {{ include \"indented\" 1 | nindent 2 | quote }}\n\
         {{- $_ := set .Values \"added\" \"later\" }}\n",
    ),
    (
        "templates/0.yaml",
        "kind: Secret\nsees: {{ .Values.added }}{{ .Values.nothing }}\n---\nkind: Namespace\n---\n# only a comment\n---\nkind: Unknown\n\n",
    ),
    ("templates/NOTES.txt", "notes {{ .Release.Name }}\n"),
    (
        "templates/hook.yaml",
        "kind: Job\nmetadata:\n  annotations: {helm.sh/hook: 'post-install, test'}\n---\nkind: Job\nmetadata: {annotations: {helm.sh/hook: nonsense}}\n",
    ),
];

#[test]
fn planes_a_chart_of_every_shape_is_what_helm_prints() {
    let folder = tempfile::tempdir().expect("a folder");
    put(folder.path(), SHAPED);
    for major in BOTH {
        let engine = engine(major);
        for set in [
            &[][..],
            &["other.enabled=false"],
            &["num=5", "list[0]=7", "str=null", "map.a=1"],
            &["str=x\\,y", "list={a,1,true,null}", "deep.er.key=0012"],
        ] {
            same(&engine, major, folder.path(), &[], set);
        }
    }
}

/// Templates that fail, one a line, with what they need in `_h.tpl` and `values.yaml` below.
const FAILING: &str = include_str!("render_oracle/failing.txt");

const HELPERS: &str = "{{ define \"h0\" }}x{{ end }}\n{{ define \"h1\" }}\n {{ .Values.a.b.c }}{{ end }}\n\
{{ define \"hf\" }}{{ fail \"from helper\" }}{{ end }}\n{{ define \"h2\" }}{{ .s.t }}{{ end }}\n\
{{ define \"h3\" }}{{ include \"h1\" . }}{{ end }}\n{{ define \"rec\" }}{{ include \"rec\" . }}{{ end }}\n";

#[test]
fn planes_failures_have_helms_words() {
    let mut found = Vec::new();
    for major in BOTH {
        let engine = engine(major);
        for template in FAILING.lines() {
            let folder = tempfile::tempdir().expect("a folder");
            put(
                folder.path(),
                &[
                    ("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"),
                    ("values.yaml", "s: str\nn: 1\nl: [a, {t: 1}]\na: {}\n"),
                    ("templates/_h.tpl", HELPERS),
                    ("templates/x.yaml", &format!("a: 1\nx: |\n  {template}\n")),
                ],
            );
            let theirs = by_helm(major, folder.path(), &[], &[]);
            let ours = by_engine(&engine, folder.path(), &[], &[]);
            if ours != theirs {
                found.push(format!(
                    "helm {} {template}\n  helm   {:?}\n  engine {:?}",
                    major.number(),
                    theirs.2,
                    ours.2
                ));
            }
        }
    }
    assert!(found.is_empty(), "{} differ:\n{}", found.len(), found.join("\n"));
}

#[test]
fn what_would_never_end_is_stopped() {
    let engine = engine(HelmMajor::Four);
    for (template, why) in [
        ("{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}", "levels deep"),
        ("{{ range 1000000000 }}{{ range 1000000000 }}{{ end }}{{ end }}", "longer than"),
        ("{{ repeat 1000000000 \"x\" }}", "MiB at once"),
        ("{{ until 1000000000000 }}", "MiB at once"),
        ("{{ range 100000 }}{{ repeat 1000000 \"x\" }}{{ end }}", "MiB"),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        put(
            folder.path(),
            &[("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"), ("templates/x.yaml", template)],
        );
        let mut request = Request::new(folder.path(), "rel", "default");
        request.timeout = Duration::from_secs(3);
        match engine.render(&request, false) {
            Err(Refusal::Limit(words)) => assert!(words.contains(why), "{template}: {words}"),
            other => panic!("{template}: {:?}", other.map(|output| output.manifest().len())),
        }
    }
}

#[test]
fn what_nests_deeply_ends_in_words_and_not_in_a_crash() {
    let engine = engine(HelmMajor::Four);
    for template in [
        "{{ $x := list }}{{ range 300000 }}{{ $x = list $x }}{{ end }}ok: {{ len $x }}",
        "{{ $d := dict }}{{ $_ := set $d \"self\" $d }}ok: {{ toYaml $d | len }} {{ toJson $d | len }}",
        "{{ $d := dict }}{{ $c := $d }}{{ range 300000 }}{{ $n := dict }}{{ $_ := set $c \"x\" $n }}{{ $c = $n }}{{ end }}ok: 1",
        "{{ $d := dict }}{{ $_ := set $d \"self\" $d }}ok: {{ merge $d $d | len }}",
        "{{ $d := dict }}{{ $_ := set $d \"self\" $d }}ok: {{ printf \"%v\" $d | trunc 3 }}",
        &"{{ (".repeat(100_000),
        &"{{ if true }}".repeat(100_000),
    ] {
        let folder = tempfile::tempdir().expect("a folder");
        put(
            folder.path(),
            &[("Chart.yaml", "apiVersion: v2\nname: c\nversion: 1.0.0\n"), ("templates/x.yaml", template)],
        );
        // Whatever it says: it comes back and says it.
        match engine.render(&Request::new(folder.path(), "rel", "default"), false) {
            Ok(output) => assert!(output.manifest().contains("ok: ")),
            Err(Refusal::Helm { words, .. } | Refusal::Limit(words)) => assert!(!words.is_empty()),
            Err(Refusal::Unsupported(why)) => panic!("{why}"),
        }
    }
}

#[test]
fn planes_the_command_prints_the_same_with_the_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    let chart = folder.path().join("shapes");
    put(&chart, SHAPED);
    let run = |which: &str| {
        let home = tempfile::tempdir().expect("a folder");
        let output = Command::new(crate::support::program())
            .arg("--helm")
            .arg(helm(HelmMajor::Four))
            .args(["render", "--engine", which])
            .arg(&chart)
            .env_clear()
            .env("HOME", home.path())
            .output()
            .expect("the program runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let own = run("own");
    assert!(own.contains("kind: Namespace"));
    assert_eq!(own, run("helm"));
}

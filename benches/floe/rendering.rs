//! Rendering: the engine against a `helm template` of the same minute, on the platform and on an umbrella of the size
//! of kube-prometheus-stack; and the whole way from an edited value to the changes of five environments.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use floe_tui::chart::Chart;
use floe_tui::helm::{Loaded, Prepared, Previewer, Source};
use floe_tui::manifest::DiffOptions;
use floe_tui::render::{Engine, Profile, Request, Session, ValuesSource};
use floe_tui::yaml::{self, KeyPath};
use serde_json::{Value, json};

use super::support::sandbox::{self, HelmMajor};
use super::support::workspace::{ENVIRONMENTS, Workspace};
use super::{Line, against_budget, memory, milliseconds};

/// The umbrella: its subcharts, templates of each, and about what it prints.
const SUBCHARTS: usize = 10;
const TEMPLATES: usize = 23;
const PRINTED: usize = 650_000;

pub fn lines() -> Vec<Line> {
    let workspace = Workspace::new("rendering");
    let platform = workspace.platform();
    let umbrella = workspace.folder().join("umbrella");
    write_umbrella(&umbrella);
    let mut lines = vec![
        full(
            "full warm render of floe-platform, every document another, median of 30",
            &platform,
            Some(&platform.join("values-prod.yaml")),
            "commonLabels.round",
        ),
        full(
            "full warm render of 230 templates, 650 kB, every document another, median of 30",
            &umbrella,
            None,
            "global.round",
        ),
    ];
    lines.extend(edits(&platform));
    lines
}

fn request(chart: &Path, values: Option<&Path>) -> Request {
    let mut request = Request::new(chart, "rel", "default");
    request.values = values.map(|file| ValuesSource::File(file.to_owned())).into_iter().collect();
    request
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// `key` is one that the chart's schema allows.
fn full(what: &'static str, dir: &Path, values: Option<&Path>, key: &str) -> Line {
    let helm = |major| {
        let once = || {
            let mut command = Command::new(sandbox::helm(major));
            command.args(["template", "rel"]).arg(dir);
            if let Some(file) = values {
                command.arg("-f").arg(file);
            }
            let begun = Instant::now();
            let output = command.output().expect("helm runs");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            begun.elapsed()
        };
        median((0..9).map(|_| once()).collect())
    };
    let chart = Arc::new(Chart::load(dir).expect("a chart"));
    let engine = Engine::new(Profile::FOUR, Session::default());
    let once = |round: usize| {
        let mut request = request(dir, values);
        // Types of numbers depend on what is set, so that nothing of the last rendering may be used again.
        request.set = vec![format!("{key}=x{round}")];
        let begun = Instant::now();
        let output = engine.render_loaded(&chart, &request, false).expect("a rendering");
        let printed = output.manifest().len();
        let took = begun.elapsed();
        assert!(printed > 100_000, "{printed} bytes");
        took
    };
    once(0);
    let ours = median((1..=30).map(once).collect());
    let (four, three) = (helm(HelmMajor::Four), helm(HelmMajor::Three));
    let times = |theirs: Duration| theirs.as_secs_f64() / ours.as_secs_f64();
    Line {
        what,
        measured: milliseconds(ours),
        against: format!("`helm template` 4: {}, 3: {}", milliseconds(four), milliseconds(three)),
        ratio: format!("{:.0} and {:.0} times faster", times(four), times(three)),
    }
}

/// The chart's own values.yaml as it is edited: one value of every environment 300 times, then every scalar once.
fn edits(dir: &Path) -> Vec<Line> {
    let defaults = std::fs::read_to_string(dir.join("values.yaml")).expect("values");
    let path = KeyPath::parse("dagster.webserver.podAnnotations").expect("a path");
    let typed = |round: usize| yaml::edit::set(&defaults, &path, &json!({ "edited": round.to_string() }));
    let one: Vec<Arc<str>> = (0..300).map(|round| typed(round).expect("an edit").into()).collect();
    let mut every = Vec::new();
    scalars(&yaml::read(&defaults).expect("values"), &KeyPath::root(), &mut |path, value| {
        every.extend(yaml::edit::set(&defaults, path, &value).ok().map(Arc::from));
    });
    let before = memory(std::process::id());
    let mut lines = vec![
        edit_line("edit of one value to the changes of five environments, p99 of 300", dir, one, true),
        edit_line("edit of each value once to the changes of five environments, p99", dir, every, false),
    ];
    let used = memory(std::process::id()) - before;
    lines.push(Line {
        what: "memory that these edits leave behind",
        measured: format!("{used:.0} MB"),
        against: "budget 100 MB".to_owned(),
        ratio: format!("{:.2}", used / 100.0),
    });
    lines
}

/// Every scalar with another one of its type.
fn scalars(json: &Value, at: &KeyPath, found: &mut impl FnMut(&KeyPath, Value)) {
    match json {
        Value::Object(map) => map.iter().for_each(|(key, value)| scalars(value, &at.key(key), found)),
        Value::Bool(on) => found(at, json!(!on)),
        Value::Number(number) => found(at, json!(number.as_i64().unwrap_or(0) + 1)),
        Value::String(text) => found(at, json!(format!("{text}x"))),
        Value::Null | Value::Array(_) => {}
    }
}

/// From each text of values.yaml to the changes: rendering, reading and comparing for five environments. What a schema or
/// a template refuses does not count, unless each text is said to change something in every environment.
fn edit_line(what: &'static str, dir: &Path, texts: Vec<Arc<str>>, everywhere: bool) -> Line {
    let chart = Arc::new(Chart::load(dir).expect("a chart"));
    let source = |environment: &str, edited: Option<&Arc<str>>| {
        let file = dir.join(format!("values-{environment}.yaml"));
        let text: Arc<str> = std::fs::read_to_string(&file).expect("values").into();
        let mut request = request(dir, Some(&file));
        let edited = edited.map(|text| (PathBuf::from("values.yaml"), text.clone()));
        request.overlay = edited.into_iter().collect();
        Source { chart: Some(Loaded(chart.clone())), texts: vec![(file, text)], ..Source::of(request) }
    };
    let previewer = Previewer::default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let count = texts.len();
    let edit = |edited: Arc<str>| {
        let sources: Vec<(Source, Source)> =
            ENVIRONMENTS.iter().map(|(name, _)| (source(name, None), source(name, Some(&edited)))).collect();
        let begun = Instant::now();
        let changed: Option<Vec<usize>> = runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for (saved, edited) in sources {
                let previewer = previewer.clone();
                tasks.spawn(async move {
                    let before = previewer.prepare(&saved).await.expect("a rendering");
                    let after = previewer.prepare(&edited).await.ok()?;
                    let (all, quiet) = Prepared::compare_both(&before, &after, DiffOptions::default());
                    Some(all.changes.len().max(quiet.changes.len()))
                });
            }
            tasks.join_all().await.into_iter().collect()
        });
        let took = begun.elapsed();
        let is_everywhere = changed.as_ref().is_some_and(|all| all.iter().all(|changes| *changes > 0));
        assert!(is_everywhere || !everywhere, "the edit changes something everywhere");
        changed.map(|changes| (took, changes.iter().sum()))
    };
    let edits: Vec<(Duration, usize)> = texts.into_iter().filter_map(edit).collect();
    let is_seen = edits.iter().filter(|(_, changes)| *changes > 0).count();
    assert!(is_seen > count / 2, "{is_seen} of {count} edits change something");
    let mut times: Vec<Duration> = edits.into_iter().map(|(took, _)| took).collect();
    times.sort();
    let late = times[times.len() * 99 / 100];
    let line = against_budget(what, late, Duration::from_millis(16));
    let median = milliseconds(times[times.len() / 2]);
    Line {
        measured: format!("{} (median {median}, {} edits)", line.measured, times.len()),
        against: format!("{} (median 5 ms)", line.against),
        ..line
    }
}

/// A chart with subcharts whose templates do what large charts do: labels by include, blocks by toYaml, loops, tpl,
/// long texts.
fn write_umbrella(dir: &Path) {
    let put = |path: PathBuf, text: &str| {
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, text).expect("a file");
    };
    put(dir.join("Chart.yaml"), "apiVersion: v2\nname: umbrella\nversion: 1.0.0\n");
    put(dir.join("values.yaml"), "global: {team: platform, tier: gold}\n");
    for sub in 0..SUBCHARTS {
        let chart = dir.join(format!("charts/part{sub}"));
        put(chart.join("Chart.yaml"), &format!("apiVersion: v2\nname: part{sub}\nversion: 0.{sub}.0\n"));
        put(chart.join("values.yaml"), &values());
        put(chart.join("templates/_helpers.tpl"), &HELPERS.replace("PART", &format!("part{sub}")));
        for number in 0..TEMPLATES {
            let text = [WORKLOAD, RULES, BOARD, ACCESS][number % 4];
            let text = text.replace("PART", &format!("part{sub}")).replace("NUMBER", &number.to_string());
            put(chart.join(format!("templates/t{number:02}.yaml")), &text);
        }
    }
    let engine = Engine::new(Profile::FOUR, Session::default());
    let printed =
        engine.render(&request(dir, None), false).expect("the umbrella renders").into_rendered().manifest;
    let templates = SUBCHARTS * TEMPLATES;
    assert_eq!(printed.matches("\n# Source: ").count(), templates, "each template prints one document");
    assert!(
        (PRINTED * 9 / 10..PRINTED * 11 / 10).contains(&printed.len()),
        "it prints {} bytes",
        printed.len()
    );
}

fn values() -> String {
    let mut text = "replicas: 2\nimage: {repository: registry.example/app, tag: 1.2.3}\nlabels: {app: web, zone: a}\n\
                    resources: {limits: {cpu: 500m, memory: 256Mi}, requests: {cpu: 100m, memory: 128Mi}}\n\
                    env: {LEVEL: info, MODE: \"{{ .Release.Name }}-mode\", HOME_PAGE: https://example.org}\n\
                    affinity: {podAntiAffinity: {preferredDuringSchedulingIgnoredDuringExecution: [{weight: 1, \
                    podAffinityTerm: {topologyKey: zone, labelSelector: {matchLabels: {app: web}}}}]}}\nrules:\n"
        .to_owned();
    for rule in 0..8 {
        let _ = writeln!(
            text,
            "- {{name: Rule{rule}, expr: 'sum(rate(requests_total{{code=\"5{rule}\"}}[5m])) > {rule}', for: {rule}m, severity: warning}}"
        );
    }
    text + "panels: [requests, errors, latency, saturation, queue, memory, cpu, restarts, disk, network, gc, threads]\n"
}

const HELPERS: &str = r#"{{- define "PART.name" -}}{{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}{{- end }}
{{- define "PART.labels" -}}
app.kubernetes.io/name: {{ include "PART.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
team: {{ .Values.global.team | default "nobody" }}
{{- range $key, $value := .Values.labels }}
{{ $key }}: {{ $value | quote }}
{{- end }}
{{- end }}
"#;

const WORKLOAD: &str = r#"{{- if .Values.replicas }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "PART.name" . }}-NUMBER
  labels:
    {{- include "PART.labels" . | nindent 4 }}
spec:
  replicas: {{ .Values.replicas }}
  selector:
    matchLabels: {run: PART-NUMBER}
  template:
    metadata:
      labels:
        run: PART-NUMBER
        {{- include "PART.labels" . | nindent 8 }}
      annotations:
        checksum/values: {{ toJson .Values | sha256sum }}
    spec:
      affinity:
        {{- toYaml .Values.affinity | nindent 8 }}
      containers:
      {{- range $index, $name := list "main" "proxy" "agent" }}
      - name: {{ $name }}
        image: "{{ $.Values.image.repository }}/{{ $name }}:{{ $.Values.image.tag | default $.Chart.Version }}"
        env:
        {{- range $key, $value := $.Values.env }}
        - name: {{ $key }}
          value: {{ tpl $value $ | quote }}
        {{- end }}
        ports:
        - name: http-{{ $index }}
          containerPort: {{ add 8080 $index }}
        resources:
          {{- toYaml $.Values.resources | nindent 10 }}
      {{- end }}
{{- end }}
"#;

const RULES: &str = r#"apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: {{ include "PART.name" . }}-NUMBER
  labels:
    {{- include "PART.labels" . | nindent 4 }}
spec:
  groups:
  - name: PART.NUMBER
    rules:
    {{- range .Values.rules }}
    - alert: {{ .name }}
      expr: {{ .expr | quote }}
      for: {{ .for }}
      labels:
        severity: {{ .severity }}
        tier: {{ $.Values.global.tier }}
      annotations:
        summary: {{ printf "%s of %s is too high" (.name | kebabcase) (include "PART.name" $) }}
        runbook_url: https://runbooks.example.org/{{ .name | lower }}
    {{- end }}
"#;

const BOARD: &str = r#"apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ include "PART.name" . }}-NUMBER
  labels:
    grafana_dashboard: "1"
    {{- include "PART.labels" . | nindent 4 }}
data:
  board.json: |-
    {
      "title": "{{ .Chart.Name | title }} / NUMBER",
      "panels": [
        {{- range $index, $panel := .Values.panels }}
        {{- if $index }},{{ end }}
        {
          "id": {{ $index }},
          "title": {{ $panel | title | quote }},
          "type": "timeseries",
          "gridPos": {"h": 8, "w": 12, "x": {{ mul 12 (mod $index 2) }}, "y": {{ div $index 2 }}},
          "targets": [{"expr": "sum by (pod) (rate({{ $panel }}_total{namespace=\"$namespace\"}[$__rate_interval]))", "legendFormat": "{{ "{{" }}pod{{ "}}" }}"}]
        }
        {{- end }}
      ]
    }
"#;

const ACCESS: &str = r#"apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: {{ include "PART.name" . }}-NUMBER
  labels:
    {{- include "PART.labels" . | nindent 4 }}
rules:
{{- range $group, $resources := dict "apps" (list "deployments" "statefulsets" "daemonsets") "batch" (list "jobs" "cronjobs") "core" (list "pods" "services" "configmaps" "secrets" "endpoints") }}
{{- range $resources }}
- apiGroups: [{{ if eq $group "core" }}""{{ else }}{{ $group | quote }}{{ end }}]
  resources: [{{ . }}, {{ . }}/status]
  resourceNames: {{ list (include "PART.name" $) (printf "%s-%s" (include "PART.name" $) .) | toJson }}
  verbs: [get, list, watch, create, update, patch, delete]
{{- end }}
{{- end }}
"#;

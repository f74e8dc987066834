//! Charts, Values and Diff as they look, at the sizes the design names.

use super::*;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];

const BEFORE: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: floe-web, namespace: floe-dev, labels: {helm.sh/chart: floe-1}}
spec:
  replicas: 1
  selector: {matchLabels: {app: web}}
  template:
    metadata:
      labels: {app: web}
    spec:
      containers:
        - name: web
          image: registry.example.com/web:1.0
---
apiVersion: v1
kind: ConfigMap
metadata: {name: floe-settings, namespace: floe-dev}
data:
  level: info
---
apiVersion: v1
kind: ConfigMap
metadata: {name: floe-other, namespace: floe-dev}
data:
  level: info
";

const VALUES: &str = "# Values common to all environments.
global:
  # -- Set by each values file
  environment: \"\"
clusterMapping:
  non-prod:
    cluster: aks-shared-nonprod
    environments: [dev, qa, uat, staging]
    namespaceTemplate: \"floe-{{.environment}}\"
    isolation: namespace
    resources: {preset: small}
  prod:
    cluster: aks-shared-prod
    environments: [prod]
    namespaceTemplate: \"floe-{{.environment}}\"
    isolation: namespace
    resources: {preset: large}
web:
  enabled: true
  logLevel: info
  webserver:
    # -- Number of webserver pods
    replicas: 1
    resources: {}
  password: planted-canary
collector:
  replicas: 1
";

const SCHEMA: &str = r#"{"type": "object", "properties": {"web": {"type": "object", "properties": {
  "logLevel": {"enum": ["debug", "info", "warning"], "default": "info", "description": "Level of the logs"},
  "webserver": {"type": "object", "properties": {"replicas": {
    "type": "integer", "minimum": 1, "maximum": 20, "default": 1, "description": "Number of webserver pods"}}}}}}}"#;

const TEMPLATE: &str = "{{- if .Values.web.enabled }}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}-web
spec:
  replicas: {{ .Values.web.webserver.replicas }}
{{- end }}
";

/// A chart that only these pictures change with: five environments, a dependency that is missing.
fn platform() -> Flow {
    let folder = tempfile::tempdir().unwrap();
    let chart = folder.path().join("ws/charts/floe-platform");
    std::fs::create_dir_all(chart.join("templates/web")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(chart.join(name), text).unwrap();
    write(
        "Chart.yaml",
        "apiVersion: v2\nname: floe-platform\nversion: 0.1.0\nappVersion: 0.3.0\ntype: application\n\
         description: The floe data platform\ndependencies:\n- name: collector\n  version: 0.1.0\n  \
         repository: file://../collector\n",
    );
    write("values.yaml", VALUES);
    write("values.schema.json", SCHEMA);
    write("templates/web/deployment-webserver.yaml", TEMPLATE);
    write("templates/web/service.yaml", "apiVersion: v1\nkind: Service\n");
    write("README.md", "# floe-platform\n\nThe platform.\n");
    for (name, more) in [
        ("dev", "web:\n  logLevel: debug\n"),
        ("qa", ""),
        ("uat", ""),
        ("staging", "web:\n  webserver:\n    replicas: 2\n"),
        ("prod", "# two at least\nweb:\n  logLevel: warning\n  webserver:\n    replicas: 2\n"),
    ] {
        write(&format!("values-{name}.yaml"), &format!("global:\n  environment: {name}\n{more}"));
    }
    Flow::on(folder)
}

pub(super) fn pictures(name: &str, flow: &mut Flow) {
    // What was said in passing fades.
    flow.model.session.now += jiff::SignedDuration::from_secs(60);
    for (width, height) in SIZES {
        insta::assert_snapshot!(format!("{name}_{width}x{height}"), flow.styled(width, height));
    }
}

#[test]
fn charts() {
    let mut flow = platform();
    flow.press("1 Down");
    pictures("charts", &mut flow);
}

#[test]
fn charts_source_of_a_template() {
    let mut flow = platform();
    flow.press("1 / 'deployment-webserver Enter Enter");
    pictures("charts_template", &mut flow);
}

#[test]
fn values_with_a_field_and_its_consequences() {
    let mut flow = platform();
    flow.press("2 / 'webserver.replicas Enter Enter '3");
    flow.previewed("dev", BEFORE, &BEFORE.replace("replicas: 1", "replicas: 3"));
    pictures("values", &mut flow);
}

#[test]
fn diff() {
    let mut flow = platform();
    flow.press("2 / 'webserver.replicas Enter Enter '3 Enter 4");
    let after = BEFORE
        .replace("replicas: 1", "replicas: 3")
        .replace("level: info", "level: debug")
        .replace("floe-1", "floe-2");
    flow.previewed("dev", BEFORE, &after);
    flow.sees("scale 1 to 3").sees("same change in 2 objects").sees("noise");
    pictures("diff", &mut flow);
    flow.press("a").sees("helm.sh/chart");
}

#[test]
fn a_diff_of_an_older_text_says_so() {
    let mut flow = platform();
    flow.press("2 / 'webserver.replicas Enter Enter '3 Enter");
    flow.previewed("dev", BEFORE, &BEFORE.replace("replicas: 1", "replicas: 3"));
    flow.press("4").misses("of an older text");
    flow.press("2 Enter '4 Enter 4").misses("of an older text");
    // What takes longer than nobody notices is said.
    flow.model.session.now += jiff::SignedDuration::from_millis(250);
    flow.sees("of an older text").sees("scale 1 to 3");
    flow.previewed("dev", BEFORE, &BEFORE.replace("replicas: 1", "replicas: 4"));
    flow.misses("of an older text").sees("scale 1 to 4");
    flow.press("Enter Space").sees("1 reviewed");
}

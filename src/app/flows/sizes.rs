//! Clusters: what a size means in numbers and for what renders, and what the manifest says of environments.

use super::*;

const TEMPLATE: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-sized}
spec:
  template:
    spec:
      containers:
        - name: main
          resources:
            requests: {cpu: 150m, memory: 300Mi}
            limits: {memory: 1Gi}
";

const MANIFEST: &str = "apiVersion: floe.dev/v1
kind: Manifest
metadata: {name: company}
artifacts:
  promotion:
    environments:
      - {name: prod, gates: {policy_compliance: true, tests: true}}
      - {name: preview}
";

#[test]
fn a_preset_has_numbers_and_says_what_containers_get() {
    let mut flow = generated::open("", "{}");
    generated::write(flow.folder.path(), "charts/floe-platform/templates/sized.yaml", TEMPLATE);
    flow.reload();
    flow.press("3")
        .wait("a rendering", |model| model.session.trace().is_some_and(|own| own.outputs.len() == 2));
    flow.press("G").sees("userCode").sees("250m/512Mi").sees("1000m/1Gi");
    flow.sees("dev as it renders:").sees("sized main").sees("150m/300Mi").sees("–/1Gi");
    flow.press("l").sees("1000m/2Gi").press("Enter").sees("custom");
}

#[test]
fn environments_follow_the_manifest_and_where_it_disagrees_is_told() {
    let settings = "[charts.floe-platform.generate]\nartifacts = \"a.json\"\nmanifest = \"manifest.yaml\"\n";
    let mut flow = generated::open(settings, "{}");
    generated::write(flow.folder.path(), "manifest.yaml", MANIFEST);
    flow.reload();
    flow.press("3").sees("manifest.yaml:8 artifacts.promotion").sees("manifest.yaml promotes nothing there");
    let screen = flow.screen(120, 40);
    let row = |name: &str| screen.lines().position(|line| line.contains(name)).unwrap();
    assert!(row(" prod PROTECTED") < row("▌dev "), "{screen}");
    flow.press("g").sees("1 of 2 in manifest.yaml").sees("gates: policy_compliance, tests");
    let told = crate::workspace::validate(flow.model.session.workspace.ready().unwrap(), None);
    assert!(told.iter().any(|problem| problem.to_string().starts_with("manifest.yaml:8 ")), "{told:?}");
    let words = "dev is mapped to a cluster and nothing is promoted there";
    assert!(told.iter().any(|problem| problem.message.starts_with(words)), "{told:?}");
}

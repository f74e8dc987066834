//! Values that come from compiled artifacts: where they come from, made again for all environments as one edit, stale when
//! their sources moved on, and never a credential on the way.

use super::*;

const VALUES: &str = "clusterMapping:
  non-prod:
    cluster: aks-shared-nonprod
    environments: [dev]
    namespaceTemplate: \"floe-{{.environment}}\"
    isolation: namespace
    resources: {preset: small}
  prod:
    cluster: aks-shared-prod
    environments: [prod]
    namespaceTemplate: \"floe-{{.environment}}\"
    isolation: namespace
    resources: {preset: large}
dagster:
  enabled: true
  logLevel: info
  webserver:
    # -- Number of webserver pods
    replicas: 1
polaris: {enabled: false}
marquez: {enabled: true}
otel-collector: {enabled: false}
";

const TEMPLATE: &str = "apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Release.Name }}-web}
spec: {replicas: {{ .Values.dagster.webserver.replicas }}}
";

const SETTINGS: &str = "[charts.floe-platform.generate]\nartifacts = \"target/compiled_artifacts.json\"\n";

/// What `mesh.json` holds and nobody may see.
const CANARY: &str = "Zq8-PLANTED-TOKEN-OF-THE-MESH";

fn artifact() -> String {
    of_tests("simple")
}

fn of_tests(name: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(root.join(format!("tests/it/artifacts/{name}.json"))).unwrap()
}

pub(super) fn write(folder: &Path, name: &str, text: &str) {
    let file = folder.join("ws").join(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(file, text).unwrap();
}

/// A platform of two environments, and what its values come from.
pub(super) fn open(settings: &str, artifact: &str) -> Flow {
    let folder = tempfile::tempdir().unwrap();
    let chart = |name: &str, text: &str| write(folder.path(), &format!("charts/floe-platform/{name}"), text);
    chart("Chart.yaml", "apiVersion: v2\nname: floe-platform\nversion: 0.1.0\n");
    chart("values.yaml", VALUES);
    chart("values-dev.yaml", "global:\n  environment: dev\n");
    chart("values-prod.yaml", "global:\n  environment: prod\n");
    chart("templates/web.yaml", TEMPLATE);
    write(folder.path(), "floe-tui.toml", settings);
    write(folder.path(), "target/compiled_artifacts.json", artifact);
    let mut flow = Flow::on(folder);
    flow.press("2");
    flow
}

fn generated(flow: &Flow, environment: &str) -> PathBuf {
    flow.folder.path().join(format!("ws/generated/floe-platform-{environment}.yaml"))
}

fn text(flow: &Flow, environment: &str) -> String {
    let root = flow.model.session.given.root.join(format!("generated/floe-platform-{environment}.yaml"));
    flow.model.session.text(&root).map(|text| text.to_string()).unwrap_or_default()
}

fn is_known(model: &Model) -> bool {
    let generation = model.session.documents.generation();
    model.session.generated().is_some_and(|values| values.generation == generation)
}

fn is_stale(model: &Model) -> bool {
    model.session.environments.iter().all(|view| view.stale.is_some())
}

/// Why an environment's file is stale, on one line.
fn stale(flow: &Flow, environment: &str) -> String {
    let view = flow.model.session.environments.iter().find(|view| view.name == environment).unwrap();
    view.stale.as_ref().map(ToString::to_string).unwrap_or_default()
}

fn is_edited(model: &Model) -> bool {
    model.session.documents.dirty().count() == 2
}

fn is_saved(model: &Model) -> bool {
    model.session.documents.dirty().next().is_none()
}

/// With the generated files on disk.
fn made() -> Flow {
    let mut flow = open(SETTINGS, &artifact());
    flow.press("m").wait("the values", is_edited).press("S Enter").wait("both saved", is_saved);
    flow.wait("a comparison", is_known);
    flow
}

#[test]
fn all_environments_are_made_as_one_edit_with_its_consequences_and_undone_whole() {
    let mut flow = open(SETTINGS, &artifact());
    flow.wait("a comparison", is_stale).sees("generated yet").sees("2 stale");
    flow.press("m").wait("the values", is_edited);
    flow.sees("generated: 2 of 2 files changed").sees("2 unsaved");
    assert!(text(&flow, "prod").contains("replicas: 2"), "{}", text(&flow, "prod"));
    let asked: Vec<&str> = flow.previews.iter().map(|one| one.target.environment.as_str()).collect();
    assert_eq!(asked, ["dev", "prod"], "the consequences of both are worked out");
    flow.press("u");
    assert_eq!(flow.notice(), "undid generating in floe-platform-dev.yaml, floe-platform-prod.yaml");
    assert_eq!((text(&flow, "dev"), text(&flow, "prod")), (String::new(), String::new()));
    flow.press("Ctrl-R").wait("both again", is_edited);
    assert!(!generated(&flow, "dev").exists(), "nothing is written before it is saved");
    flow.press("S Enter").wait("both saved", is_saved);
    for environment in ["dev", "prod"] {
        assert_eq!(std::fs::read_to_string(generated(&flow, environment)).unwrap(), text(&flow, environment));
    }
    flow.wait("a comparison", is_known).misses("stale");
    let generation = flow.model.session.documents.generation();
    let said = |model: &Model| {
        let last = model.session.notices.all().last();
        last.is_some_and(|notice| {
            notice.lines[0] == "nothing to change: 2 generated files as the sources give"
        })
    };
    flow.press("m").wait("the answer", said);
    assert_eq!(flow.model.session.documents.generation(), generation, "no edit");
}

#[test]
fn a_generated_key_names_its_field_and_says_what_to_change_instead() {
    let mut flow = made();
    flow.press("l / 'artifactVersion Enter").sees("generated/floe-platform-prod.yaml:6").sees("from version");
    flow.sees("target/compiled_artifacts.json:2").sees("─ generated ");
    flow.press("Enter")
        .sees("global.artifactVersion is generated")
        .sees("Change version and generate again (m):");
    flow.sees("overrides-prod.yaml").press("Esc");
    // What the mapping says comes from the mapping.
    flow.press("Esc / 'webserver.replicas Enter").sees("from clusterMapping.prod.environments");
    flow.sees("charts/floe-platform/values.yaml:8").press("Delete");
    assert!(flow.notice().contains("is generated for prod: Enter says"), "{}", flow.notice());
    // Its text is shown, and typed into nowhere.
    flow.press("o").sees("is generated, so it is").press("Enter").type_text("9");
    flow.press("a").type_text("replicas: 7").press("Enter").sees("would win over");
    assert_eq!(flow.model.session.documents.dirty().count(), 0);
    // dev has no replicas of its own there: the key is edited as ever.
    flow.press("Esc Esc Esc h / 'webserver.replicas Enter Enter '3 Enter").sees("values-dev.yaml *");
}

#[test]
fn a_file_that_follows_what_is_generated_takes_the_edits() {
    let listed = "[charts.floe-platform.environments.prod]\nvalues = [\"values-prod.yaml\", \"generated/floe-platform-prod.yaml\", \"over.yaml\"]\n";
    let mut flow = open(&format!("{SETTINGS}{listed}"), &artifact());
    write(flow.folder.path(), "charts/floe-platform/over.yaml", "# ours\n");
    flow.reload();
    flow.press("m").wait("the values", is_edited).press("S Enter").wait("both saved", is_saved);
    flow.press("l / 'webserver.replicas Enter Enter '5 Enter").sees("over.yaml *").sees("over.yaml:4");
    let over = flow.file("over.yaml");
    assert_eq!(
        flow.model.session.text(&over).unwrap().to_string(),
        "# ours\ndagster:\n  webserver:\n    replicas: 5\n"
    );
    // What follows is no source: nothing is stale by it.
    flow.wait("a comparison", is_known).misses("stale");
}

#[test]
fn what_moved_on_is_stale_and_what_cannot_be_read_is_said() {
    let mut flow = made();
    flow.misses("stale");
    write(flow.folder.path(), "target/compiled_artifacts.json", &artifact().replace("1.4.0", "1.5.0"));
    flow.reload();
    flow.press("2").wait("a comparison", is_stale).sees("2 stale").sees("is stale: made");
    assert!(
        stale(&flow, "dev").starts_with("generated/floe-platform-dev.yaml: is stale: made from artifact ")
    );
    flow.press("n").sees("┏▸generated/floe-platform-dev.yaml");
    flow.press("Esc m").wait("the values", is_edited).misses("is stale");
    assert!(text(&flow, "dev").contains("product Web_Orders 1.5.0"));
    flow.press("S Enter").wait("both saved", is_saved);
    // An edit of the mapping is a change of what is made.
    let edited = VALUES.replace(
        "isolation: namespace\n    resources: {preset: large}",
        "isolation: label\n    resources: {preset: large}",
    );
    assert_ne!(edited, VALUES);
    flow.model.session.documents.edit("set", [(flow.file("values.yaml"), edited.into())]);
    flow.press("2").wait("a comparison", is_known).sees("1 stale");
    assert!(stale(&flow, "prod").contains("is stale: edited by hand, or made with another mapping"));
    let values = flow.file("values.yaml");
    flow.model.session.documents.undo(&values);
    flow.press("2").wait("a comparison", is_known).misses("1 stale");
    std::fs::remove_file(flow.folder.path().join("ws/target/compiled_artifacts.json")).unwrap();
    flow.reload();
    flow.press("2").wait("a comparison", is_stale);
    assert!(stale(&flow, "dev").contains("whether files are stale is not known"), "{}", stale(&flow, "dev"));
    assert!(
        flow.model.session.environments.iter().all(|view| !view.has_errors()),
        "nothing is blocked by it"
    );
}

#[test]
fn a_broken_source_changes_nothing_and_names_its_line() {
    let mut flow = made();
    let before = text(&flow, "dev");
    let broken = artifact().replace("\"prod\": 0.07", "\"prod\": 7");
    assert_ne!(broken, artifact());
    write(flow.folder.path(), "target/compiled_artifacts.json", &broken);
    flow.press("m").wait("the problems", |model| !model.open.is_empty());
    flow.sees("Nothing is generated: 1 error").sees("target/compiled_artifacts.json:16");
    assert_eq!((text(&flow, "dev"), flow.model.session.documents.dirty().count()), (before, 0));
    // What somebody wrote there himself is left alone.
    write(flow.folder.path(), "target/compiled_artifacts.json", &artifact());
    std::fs::write(generated(&flow, "dev"), "mine: true\n").unwrap();
    flow.press("Esc").reload();
    let failed =
        |model: &Model| model.session.notices.all().iter().any(|n| n.level == crate::session::Level::Error);
    flow.press("m").wait("the refusal", failed).sees("was not generated, and is");
    assert_eq!(flow.model.session.documents.dirty().count(), 0);
}

#[test]
fn a_workspace_that_names_no_source_says_how_to() {
    let mut flow = open("", &artifact());
    flow.press("m").sees("[charts.floe-platform.generate] artifacts = \"FILE\"");
    let mut other = Flow::open("tiny");
    other.press("2 m").sees("no values are generated for tiny");
}

#[test]
fn what_is_needed_is_listed_and_no_credential_of_the_artifact_comes_out() {
    let planted = of_tests("mesh");
    assert!(planted.contains(CANARY));
    let mut flow = open(SETTINGS, &planted);
    flow.press("m").wait("the values", is_edited);
    flow.sees("needs these Secrets")
        .sees("kubectl --namespace floe-dev create secret generic")
        .misses(CANARY);
    flow.press("PageDown").misses(CANARY).press("Esc");
    let log = flow.folder.path().to_owned();
    let holds = |folder: &Path| {
        let mut pending = vec![folder.to_owned()];
        let mut found = Vec::new();
        while let Some(folder) = pending.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    pending.push(path);
                } else if String::from_utf8_lossy(&std::fs::read(&path).unwrap()).contains(CANARY) {
                    found.push(path);
                }
            }
        }
        found
    };
    for keys in ["/ 'secret Enter", "Esc Tab Tab", "Enter", "Esc 4", "2 y", "Down Enter", "! Esc", "S"] {
        flow.press(keys).misses(CANARY);
    }
    // The recovery log has the edits by now, and what is saved is on disk: only the artifact itself holds it.
    flow.press("Enter").wait("both saved", is_saved);
    flow.runtime.block_on(async { flow.workers.finish().await });
    assert_eq!(holds(&log), [log.join("ws/target/compiled_artifacts.json")]);
    for effect in &flow.asked {
        assert!(!format!("{effect:?}").contains(CANARY), "{effect:?}");
    }
    // Nor where the source is refused for it.
    let mut refused: serde_json::Value = serde_json::from_str(&planted).unwrap();
    refused["metadata"]["product_version"] = CANARY.into();
    let refused = refused.to_string();
    write(flow.folder.path(), "target/compiled_artifacts.json", &refused);
    flow.press("m").wait("the problems", |model| !model.open.is_empty());
    flow.sees("Nothing is generated").misses(CANARY);
}

#[test]
fn generated_values_as_they_look() {
    let mut flow = made();
    flow.press("l / 'webserver.replicas Enter");
    pictures::pictures("generated", &mut flow);
    write(flow.folder.path(), "target/compiled_artifacts.json", &artifact().replace("1.4.0", "1.5.0"));
    flow.reload();
    flow.press("2").wait("a comparison", is_stale);
    pictures::pictures("generated_stale", &mut flow);
    flow.press("Enter");
    pictures::pictures("generated_instead", &mut flow);
}

use super::*;
use crate::values::LayerKind::{Defaults, Environment, Generated};
use crate::workspace::{discover, validate};
use std::fs;
use tempfile::TempDir;

const VALUES: &str = "clusterMapping:\n  all:\n    cluster: shared\n    environments: [dev, prod]\n    namespaceTemplate: \"floe-{{.environment}}\"\n    isolation: namespace\n    resources: {preset: small}\ndagster: {enabled: true}\npolaris: {enabled: false}\nmarquez: {enabled: true}\notel-collector: {enabled: false}\n";
const SETTINGS: &str = "[charts.floe-platform.generate]\nartifacts = \"target/a.json\"\n";

/// A platform without templates, and an artifact.
fn folder(settings: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let artifact = fs::read_to_string(root.join("tests/it/artifacts/simple.json")).unwrap();
    let files = [
        ("charts/floe-platform/Chart.yaml", "apiVersion: v2\nname: floe-platform\nversion: 0.1.0\n"),
        ("charts/floe-platform/values.yaml", VALUES),
        ("charts/floe-platform/values-dev.yaml", "global: {environment: dev}\n"),
        ("charts/floe-platform/values-prod.yaml", "global: {environment: prod}\n"),
        ("floe-tui.toml", settings),
        ("target/a.json", &artifact),
    ];
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn made(workspace: &Workspace) -> MadeAll {
    let chart = &workspace.charts[0];
    make(workspace, chart, chart.generate.as_ref().unwrap(), &|_| None)
}

/// Writes what is made, as the command and the rooms do.
fn write(folder: &TempDir) -> MadeAll {
    let made = made(&discover(folder.path()).unwrap());
    assert!(made.is_usable(), "{:?}", made.problems);
    for one in &made.made {
        let file = one.file.as_ref().unwrap();
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, &one.generated.text).unwrap();
    }
    made
}

fn files(workspace: &Workspace, environment: &str) -> Vec<String> {
    let own = workspace.charts[0].environment(environment).unwrap();
    own.values_files.iter().map(|file| workspace.shown(file).display().to_string()).collect()
}

fn told(folder: &TempDir) -> Vec<String> {
    let problems = validate(&discover(folder.path()).unwrap(), None).into_iter();
    let about = |problem: &Problem| problem.file.as_ref().is_some_and(|file| !file.starts_with("charts"));
    problems.filter(about).map(|problem| format!("{:?}: {problem}", problem.severity)).collect()
}

#[test]
fn the_generated_file_comes_last_or_where_it_is_listed() {
    let folder = folder(&format!(
        "{SETTINGS}[charts.floe-platform.environments.prod]\nvalues = [\"values-prod.yaml\", \"generated/floe-platform-prod.yaml\", \"over.yaml\"]\n"
    ));
    fs::write(folder.path().join("charts/floe-platform/over.yaml"), "marquez: {enabled: false}\n").unwrap();
    let workspace = discover(folder.path()).unwrap();
    assert_eq!(
        files(&workspace, "dev"),
        ["charts/floe-platform/values-dev.yaml", "generated/floe-platform-dev.yaml"]
    );
    assert_eq!(
        files(&workspace, "prod"),
        [
            "charts/floe-platform/values-prod.yaml",
            "generated/floe-platform-prod.yaml",
            "charts/floe-platform/over.yaml"
        ]
    );
    write(&folder);
    let workspace = discover(folder.path()).unwrap();
    let chart = &workspace.charts[0];
    let prod = chart.environment("prod").unwrap();
    let layers = LayerSet::for_environment(&chart.chart, &prod.values_files, &|_| None);
    let kinds: Vec<_> = layers.layers().iter().map(|layer| layer.kind).collect();
    assert_eq!(kinds, [Defaults, Environment, Generated, Environment]);
    // What follows says that the component is off: nothing is generated for it, and writing that is no staleness.
    let own = made(&workspace);
    let values = |environment: &str| own.of(environment).unwrap().generated.values.clone();
    assert_eq!(values("prod")["marquez"], serde_json::json!({"enabled": true}));
    assert!(values("prod")["otel-collector"].get("autoscaling").is_some(), "what runs is scaled");
    assert_eq!(told(&folder), Vec::<String>::new());
}

#[test]
fn a_file_that_is_not_what_its_sources_give_is_stale() {
    let folder = folder(SETTINGS);
    let dev = "Warning: generated/floe-platform-dev.yaml: is not generated yet; generate in Values, or floe-tui generate --chart charts/floe-platform";
    assert_eq!(told(&folder).first().map(String::as_str), Some(dev));
    assert_eq!(told(&folder).len(), 2);
    write(&folder);
    assert_eq!(told(&folder), Vec::<String>::new());
    let file = folder.path().join("generated/floe-platform-dev.yaml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}mine: 1\n")).unwrap();
    assert!(
        told(&folder)[0].contains("floe-platform-dev.yaml: is stale: edited by hand"),
        "{:?}",
        told(&folder)
    );
    fs::write(&file, "mine: 1\n").unwrap();
    assert!(told(&folder)[0].contains("was written by somebody: move it"), "{:?}", told(&folder));
    fs::write(&file, &text).unwrap();
    let artifact = folder.path().join("target/a.json");
    let json = fs::read_to_string(&artifact).unwrap();
    fs::write(&artifact, json.replace("\"1.4.0\"", "\"1.5.0\"")).unwrap();
    let stale = told(&folder);
    assert_eq!(stale.len(), 2, "{stale:?}");
    assert!(stale.iter().all(|words| words.contains("is stale: made from artifact ")), "{stale:?}");
    // The mapping as it is edited decides, not the one on disk.
    let workspace = discover(folder.path()).unwrap();
    let chart = &workspace.charts[0];
    let values: Arc<str> = VALUES.replace("isolation: namespace", "isolation: label").into();
    let texts = |file: &Path| file.ends_with("floe-platform/values.yaml").then(|| values.clone());
    let edited = make(&workspace, chart, chart.generate.as_ref().unwrap(), &texts);
    assert!(edited.of("dev").unwrap().generated.text.contains("release floe-platform-dev"));
}

#[test]
fn sources_that_cannot_be_read_are_said_and_block_nothing() {
    let folder = folder(SETTINGS);
    write(&folder);
    fs::remove_file(folder.path().join("target/a.json")).unwrap();
    let words = told(&folder);
    assert_eq!(words.len(), 1, "{words:?}");
    assert!(
        words[0].starts_with("Warning: target/a.json: ")
            && words[0].contains("nothing can be generated from it"),
        "{words:?}"
    );
    fs::write(folder.path().join("target/a.json"), "{\"version\": \"99.0.0\"}").unwrap();
    assert!(told(&folder)[0].starts_with("Warning: target/a.json:1 version: "), "{:?}", told(&folder));
}

#[test]
fn a_place_that_helm_would_pack_and_a_chart_that_reads_nothing_generated_are_told() {
    let inside = "[charts.floe-platform.generate]\nartifacts = \"target/a.json\"\noutput = \"charts/floe-platform/made\"\n";
    let folder = folder(inside);
    let packed = |folder: &TempDir| {
        let problems = discover(folder.path()).unwrap().charts[0].problems.clone();
        problems
            .iter()
            .map(ToString::to_string)
            .filter(|words| words.contains("generate"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        packed(&folder),
        [
            "floe-tui.toml:1 charts.floe-platform.generate: helm would pack what is generated into the chart: name another output, or add made/ to .helmignore"
        ]
    );
    fs::write(folder.path().join("charts/floe-platform/.helmignore"), "made/\n").unwrap();
    assert_eq!(packed(&folder), Vec::<String>::new());
    let chart = folder.path().join("charts/floe-platform/Chart.yaml");
    fs::write(&chart, "apiVersion: v2\nname: other\nversion: 0.1.0\n").unwrap();
    fs::write(
        folder.path().join("floe-tui.toml"),
        inside.replace("floe-platform]", "x]").replace("charts.floe-platform.", "charts.other."),
    )
    .unwrap();
    assert_eq!(
        packed(&folder),
        [
            "floe-tui.toml:1 charts.other.generate: nothing is generated for other: it neither is nor contains floe-platform or floe-jobs"
        ]
    );
}

use super::*;
use crate::workspace::{ContextInfo, Settings, resolve};
use tempfile::TempDir;

const MAPPING: &str = "clusterMapping:\n  non-prod:\n    cluster: shared\n    environments: [qa, dev]\n  prod:\n    cluster: other\n    environments: [prod]\n";

fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn told(chart: &WorkspaceChart) -> Vec<String> {
    chart.problems.iter().map(ToString::to_string).collect()
}

#[test]
fn one_chart_a_folder_of_charts_and_nothing() {
    let one = folder(&[
        ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 0.1.0\n"),
        ("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 0.1.0\n"),
    ]);
    let workspace = discover(one.path()).unwrap();
    assert_eq!(workspace.charts.len(), 1);
    assert_eq!(
        (workspace.charts[0].name.as_str(), workspace.charts[0].shown.as_path()),
        ("a", Path::new(""))
    );

    let many = folder(&[
        ("charts/b/Chart.yaml", "apiVersion: v2\nname: bee\nversion: 0.1.0\n"),
        ("charts/a/Chart.yaml", ": no yaml ["),
        ("c/Chart.yaml", "apiVersion: v2\nname: c\nversion: 0.1.0\n"),
        ("docs/readme.md", ""),
    ]);
    let workspace = discover(many.path()).unwrap();
    let names: Vec<_> = workspace.charts.iter().map(|chart| chart.name.as_str()).collect();
    assert_eq!(names, ["c", "bee"]);
    assert!(workspace.broken[0].0.ends_with("charts/a"));
    assert_eq!(workspace.problems[0].file.as_deref(), Some(Path::new("charts/a/Chart.yaml")));
    assert!(workspace.chart("bee").is_some());

    assert!(discover(folder(&[]).path()).unwrap().charts.is_empty());
    assert!(discover(Path::new("/no/such/folder")).is_err());
}

#[test]
fn environments_come_in_the_order_of_the_mapping() {
    let folder = folder(&[
        ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 0.1.0\n"),
        ("values.yaml", MAPPING),
        ("values-dev.yaml", "global: {environment: dev}\n"),
        ("values-demo.yaml", "x: 1\n"),
        ("values-prod.yaml", "global:\n  environment: dev\n"),
        ("values-qa.yaml", "x: 1\nclusterMapping: {}\n"),
        ("values-Not-one.yaml", ""),
    ]);
    let workspace = discover(folder.path()).unwrap();
    let chart = &workspace.charts[0];
    let names: Vec<_> = chart.environments.iter().map(|environment| environment.name.as_str()).collect();
    assert_eq!(names, ["qa", "dev", "prod", "demo"]);
    assert!(chart.environment("prod").unwrap().protected && !chart.environment("dev").unwrap().protected);
    assert!(!chart.environment("demo").unwrap().mapped);
    assert_eq!(
        told(chart),
        [
            "values-demo.yaml: demo is in no cluster mapping: it can be rendered, not installed",
            "values-prod.yaml:2 global.environment: says dev, but this file is for prod",
            "values-qa.yaml:2 clusterMapping: clusterMapping is read from the chart's values.yaml only, move it there",
            "values-qa.yaml: does not set global.environment, the chart cannot know that it is qa",
        ]
    );
}

#[test]
fn a_values_file_that_is_not_there_yet_is_named() {
    let folder =
        folder(&[("Chart.yaml", "apiVersion: v2\nname: a\nversion: 0.1.0\n"), ("values.yaml", MAPPING)]);
    let workspace = discover(folder.path()).unwrap();
    let file = &workspace.charts[0].environment("dev").unwrap().values_files[0];
    assert!(file.ends_with("values-dev.yaml") && !file.exists());
    assert_eq!(workspace.shown(file), Path::new("values-dev.yaml"));
}

#[test]
fn the_workspace_settings_name_release_files_and_protection() {
    let folder = folder(&[
        ("charts/a/Chart.yaml", "apiVersion: v2\nname: a\nversion: 0.1.0\n"),
        ("charts/a/values.yaml", MAPPING),
        ("charts/a/values-dev.yaml", "global: {environment: dev}\n"),
        ("secrets-dev.yaml", ""),
        (
            "floe-tui.toml",
            "[charts.a]\nrelease = \"floe\"\n[charts.a.environments.dev]\nvalues = [\"values.yaml\", \"values-dev.yaml\", \"secrets-dev.yaml\"]\nprotected = true\n[charts.a.environments.qa]\nvalues = [\"gone.yaml\"]\n[charts.a.environments.nowhere]\n[charts.zz]\n",
        ),
    ]);
    let workspace = discover(folder.path()).unwrap();
    let chart = &workspace.charts[0];
    let dev = chart.environment("dev").unwrap();
    let files: Vec<_> = dev.values_files.iter().map(|file| workspace.shown(file)).collect();
    assert_eq!(files, [Path::new("charts/a/values-dev.yaml"), Path::new("secrets-dev.yaml")]);
    assert!(dev.protected);
    let target = resolve(chart, dev, &[], &Settings::default()).unwrap();
    assert_eq!((target.release.as_str(), target.namespace.as_str()), ("floe", "floe-dev"));
    assert_eq!(
        told(chart),
        [
            "floe-tui.toml:1 charts.a.environments.nowhere: nowhere is in no cluster mapping and has no values-nowhere.yaml",
            "floe-tui.toml:7 charts.a.environments.qa.values: charts/a/gone.yaml does not exist",
        ]
    );
    assert_eq!(workspace.problems[0].to_string(), "floe-tui.toml:9 charts.zz: no chart here is called zz");
}

#[test]
fn a_chart_without_a_mapping_takes_that_of_the_workspace() {
    let toml = "[charts.a.clusterMapping.all]\ncluster = \"kube\"\nenvironments = [\"dev\", \"prod\"]\nisolation = \"label\"\nnamespaceTemplate = \"shared\"\n";
    let without = folder(&[
        ("a/Chart.yaml", "apiVersion: v2\nname: a\nversion: 0.1.0\n"),
        ("a/values.yaml", "x: 1\n"),
        ("floe-tui.toml", toml),
    ]);
    let workspace = discover(without.path()).unwrap();
    let chart = &workspace.charts[0];
    assert_eq!(told(chart), Vec::<String>::new());
    let context = ContextInfo { name: "kube".to_owned(), ..ContextInfo::default() };
    let target = resolve(chart, &chart.environments[0], &[context], &Settings::default()).unwrap();
    assert_eq!((target.release.as_str(), target.namespace.as_str()), ("a-dev", "shared"));
    assert_eq!(target.context().unwrap(), "kube");
    assert_eq!(target.phrase(), "a-dev@dev");

    let with = folder(&[
        ("a/Chart.yaml", "apiVersion: v2\nname: a\nversion: 0.1.0\n"),
        ("a/values.yaml", MAPPING),
        ("floe-tui.toml", toml),
    ]);
    let chart = &discover(with.path()).unwrap().charts[0].clone();
    assert_eq!(chart.environments.len(), 3);
    assert_eq!(
        told(chart),
        ["floe-tui.toml:1 clusterMapping: not used, a/values.yaml has a clusterMapping of its own"]
    );
}

#[test]
fn what_cannot_be_resolved_says_what_to_do() {
    let folder = folder(&[
        ("Chart.yaml", "apiVersion: v2\nname: a\nversion: 0.1.0\n"),
        ("values.yaml", MAPPING),
        ("values-demo.yaml", ""),
    ]);
    let workspace = discover(folder.path()).unwrap();
    let chart = &workspace.charts[0];
    let error = resolve(chart, chart.environment("demo").unwrap(), &[], &Settings::default()).unwrap_err();
    assert_eq!(error.headline(), "values.yaml: demo is in no cluster mapping");
    let target = resolve(chart, chart.environment("dev").unwrap(), &[], &Settings::default()).unwrap();
    let error = target.context().unwrap_err();
    assert_eq!(error.what, "there is no kubeconfig context for the cluster shared");
    assert_eq!(error.next.as_deref(), Some("set `shared = \"CONTEXT\"` under [clusters] in config.toml"));
}

#[test]
fn text_being_typed_has_no_mapping_but_does_no_harm() {
    assert_eq!(read_mapping(Path::new("values.yaml"), "clusterMapping: {a: [", None), (None, Vec::new()));
}

#[test]
fn the_charts_of_this_repository_are_found_with_their_environments() {
    let workspace = discover(&Path::new(env!("CARGO_MANIFEST_DIR")).join("charts")).unwrap();
    let chart = workspace.chart("floe-platform").unwrap();
    let names: Vec<_> = chart.environments.iter().map(|environment| environment.name.as_str()).collect();
    assert_eq!(names, ["dev", "qa", "uat", "staging", "prod"]);
    assert!(!chart.schema.is_empty());
    let errors: Vec<_> =
        chart.problems.iter().filter(|problem| problem.severity == Severity::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let contexts = [ContextInfo { name: "aks-shared-prod".to_owned(), ..ContextInfo::default() }];
    let target = resolve(chart, chart.environment("prod").unwrap(), &contexts, &Settings::default()).unwrap();
    assert_eq!(
        (target.phrase().as_str(), target.namespace.as_str(), target.context.as_deref()),
        ("floe-platform@prod", "floe-prod", Some("aks-shared-prod"))
    );
}

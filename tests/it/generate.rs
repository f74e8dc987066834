//! Values from compiled artifacts: through the program for what operators see, through the library where thousands of
//! artifacts are tried. Charts are rendered by the engine, which `render_oracle` holds to both helms.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

use floe_tui::chart::Chart;
use floe_tui::generate::{self, Artifact, Generated, JobsMode, Site, Wish};
use floe_tui::model::json::Json;
use floe_tui::model::mapping::Mapping;
use floe_tui::render::{Engine, Profile, Refusal, Request, Session, ValuesSource};
use floe_tui::schema::{ChartSchema, Kind};
use floe_tui::values::{self, Layer, LayerKind, LayerSet, SetForm};
use floe_tui::workspace::read_mapping;
use floe_tui::yaml::{self, KeyPath, Segment};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};

use super::support::process::eventually;
use super::support::root;
use super::support::sandbox::{HelmMajor, sandbox};
use super::support::workspace::{ENVIRONMENTS, Workspace};

const ALL: [&str; 5] = ["dev", "qa", "uat", "staging", "prod"];
const IMAGE: &str = "defaults.image.repository=acme/orders,defaults.image.tag=2.1.0";
/// Makes what the chart would else make up at random the same in every rendering.
const FIXED: &str = "postgresql:\n  auth: {existingSecret: fixed}\nexternalPostgresql: {existingSecret: fixed}\npolaris:\n  auth: {existingSecret: fixed}\ngrafana:\n  auth: {existingSecret: fixed}\n";

fn artifact_file(name: &str) -> PathBuf {
    root().join("tests/it/artifacts").join(name)
}

fn document(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(artifact_file(name)).unwrap()).unwrap()
}

/// The charts and the mapping, loaded once.
struct Bench {
    chart: Chart,
    schema: ChartSchema,
    mapping: Mapping,
}

static PLATFORM: LazyLock<Bench> = LazyLock::new(|| Bench::of("floe-platform"));
static JOBS: LazyLock<Bench> = LazyLock::new(|| Bench::of("floe-jobs"));

impl Bench {
    fn of(chart: &str) -> Self {
        Self::at(&root().join("charts").join(chart))
    }

    fn at(dir: &Path) -> Self {
        let chart = Chart::load(dir).unwrap();
        let (schema, problems) = ChartSchema::load(&chart);
        assert!(problems.is_empty(), "{problems:?}");
        let text = std::fs::read_to_string(root().join("charts/floe-platform/values.yaml")).unwrap();
        let (mapping, problems) = read_mapping(Path::new("values.yaml"), &text, None);
        assert!(problems.is_empty(), "{problems:?}");
        Self { chart, schema, mapping: mapping.unwrap() }
    }

    fn generate(
        &self,
        artifact: &Artifact,
        environment: &str,
        overrides: &[Layer],
        jobs: JobsMode,
    ) -> Generated {
        let cluster = self.mapping.of(environment).unwrap();
        let namespace = cluster.namespace(environment).unwrap();
        let files: Vec<PathBuf> = [self.chart.dir.join(format!("values-{environment}.yaml"))]
            .into_iter()
            .filter(|file| file.exists())
            .collect();
        let site = Site {
            chart: &self.chart,
            schema: &self.schema,
            environment,
            namespace: &namespace,
            release: &self.chart.metadata.name,
            cluster,
            mapping_file: Path::new("values.yaml"),
            files: &files,
            platform: Some("floe-platform"),
        };
        generate::generate(&Wish { artifact, spec: None, overrides, jobs }, &site)
    }
}

fn artifact(value: &Value) -> Result<Artifact, Vec<String>> {
    let json =
        Json::parse(Path::new("a.json"), format!("{value:#}")).map_err(|error| vec![error.to_string()])?;
    Artifact::of(json).map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

fn set(arguments: &[&str]) -> Vec<Layer> {
    let arguments: Vec<String> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    let arguments: Vec<_> = arguments.iter().map(|argument| (SetForm::Typed, argument.clone())).collect();
    LayerSet::of_files(Vec::new()).with_set(&arguments).unwrap().layers().to_vec()
}

fn errors(generated: &Generated) -> Vec<String> {
    let errors =
        generated.problems.iter().filter(|problem| problem.severity == floe_tui::base::Severity::Error);
    errors.map(ToString::to_string).collect()
}

/// What helm would send; `Err` with its words when it refuses.
fn rendered(
    engine: &Engine,
    chart: &Path,
    environment: &str,
    generated: &str,
    more: &str,
) -> Result<String, String> {
    let mut request =
        Request::new(chart, chart.file_name().unwrap().to_str().unwrap(), format!("floe-{environment}"));
    let own = chart.join(format!("values-{environment}.yaml"));
    request.values.extend(own.exists().then_some(ValuesSource::File(own)));
    for (name, text) in [("generated.yaml", generated), ("more.yaml", more)] {
        request.values.push(ValuesSource::Inline { name: name.into(), text: text.into() });
    }
    match engine.render(&request, false) {
        Ok(output) => Ok(output.rendered.manifest),
        Err(Refusal::Helm { words, .. }) => Err(words),
        Err(refusal) => panic!("{refusal:?}"),
    }
}

fn engine() -> Engine {
    Engine::new(Profile::FOUR, Session::default())
}

#[test]
fn every_version_and_mode_becomes_values_that_render_in_every_environment() {
    let workspace = Workspace::new("gen-all");
    let engine = engine();
    for name in ["oldest.json", "simple.json", "centralized.json", "mesh.json"] {
        let file = artifact_file(name);
        for chart in ["floe-platform", "floe-jobs"] {
            let dir = workspace.charts().join(chart);
            let out = workspace.folder().join(format!("{chart}-{name}"));
            let mut args: Vec<&str> =
                vec!["generate", "--artifacts", file.to_str().unwrap(), "--chart", dir.to_str().unwrap()];
            for environment in ALL {
                args.extend(["--env", environment]);
            }
            let given = if chart == "floe-jobs" { IMAGE } else { "nameOverride=" };
            args.extend(["--set", given, "--output", out.to_str().unwrap()]);
            let first = workspace.floe(&args).ok();
            assert_eq!(first.stdout.matches(": created").count(), 5, "{first}");
            // The same again: nothing is written, not even the same bytes.
            let inode = |environment: &str| {
                std::fs::metadata(out.join(format!("{chart}-{environment}.yaml"))).unwrap().ino()
            };
            let before: Vec<u64> = ALL.iter().map(|environment| inode(environment)).collect();
            let again = workspace.floe(&args).ok();
            assert_eq!(again.stdout.matches(": unchanged").count(), 5, "{again}");
            assert_eq!(before, ALL.iter().map(|environment| inode(environment)).collect::<Vec<_>>());
            for environment in ALL {
                let text = std::fs::read_to_string(out.join(format!("{chart}-{environment}.yaml"))).unwrap();
                let head =
                    format!("environment {environment}, namespace {},", workspace.namespace(environment));
                assert!(text.contains(&head), "{text}");
                if let Err(words) = rendered(&engine, &dir, environment, &text, "") {
                    panic!("{name}, {chart}, {environment}: {words}\n{text}");
                }
            }
        }
    }
}

#[test]
fn every_contract_from_0_1_to_0_10_is_read_and_a_newer_one_is_refused_by_its_name() {
    for minor in 1..=9 {
        let mut value = document("simple.json");
        value["version"] = json!(format!("0.{minor}.3"));
        assert!(artifact(&value).is_ok(), "0.{minor}");
        assert!(
            artifact(&{
                let mut old = document("oldest.json");
                old["version"] = value["version"].clone();
                old
            })
            .is_ok()
        );
    }
    let mut value = document("simple.json");
    value["version"] = json!("0.10.0");
    assert_eq!(artifact(&value).unwrap_err(), ["a.json:1 identity: is required from contract 0.10.0"]);
    for (version, words) in [
        ("0.11.0", "has contract version 0.11.0, this program reads 0.1.0 to 0.10.x"),
        ("1.0.0", "has contract version 1.0.0"),
        ("0.0.9", "has contract version 0.0.9"),
        ("ten", "is not x.y.z"),
    ] {
        value["version"] = json!(version);
        // What else is unknown in it does not matter.
        value["from_the_future"] = json!(true);
        let told = artifact(&value).unwrap_err();
        assert!(
            told.len() == 1 && told[0].contains(words) && told[0].starts_with("a.json:2 version"),
            "{told:?}"
        );
    }
}

#[rstest]
#[case::unknown("/color", json!("red"), "color: is not a known key")]
#[case::unknown_inside("/observability/telemetry/sampling/qa", json!(1), "observability.telemetry.sampling.qa: is not a known key")]
#[case::kind("/transforms/models/0/name", json!(7), "transforms.models[0].name: must be a string, is the number 7")]
#[case::range("/observability/telemetry/sampling/dev", json!(1.5), "observability.telemetry.sampling.dev: must be at most 1")]
#[case::word("/mode", json!("complex"), "mode: must be simple, centralized or mesh")]
#[case::twice("/transforms/models/1/name", json!("stg_orders"), "transforms.models[1].name: stg_orders is listed twice")]
#[case::target("/dbt_profiles/orders/target", json!("nowhere"), "dbt_profiles.orders.target: is no output of the profile")]
#[case::product("/metadata/product_name", json!("9 lives"), "metadata.product_name: must match")]
#[case::address("/observability/lineage_endpoint", json!("http://u:hunter22@lineage:5000"), "observability.lineage_endpoint: holds a credential")]
#[case::no_profile("/dbt_profiles/orders", json!({"target": "x"}), "dbt_profiles.orders.outputs: is required")]
fn what_breaks_a_rule_is_told_with_its_line(
    #[case] pointer: &str,
    #[case] wrong: Value,
    #[case] words: &str,
) {
    let mut value = document("centralized.json");
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = value.pointer_mut(parent).unwrap();
    match parent {
        Value::Array(items) => items[key.parse::<usize>().unwrap()] = wrong,
        other => other[key] = wrong,
    }
    let told = artifact(&value).unwrap_err();
    let line = told.iter().find(|line| line.contains(words)).unwrap_or_else(|| panic!("{words} in {told:?}"));
    let number: usize = line.strip_prefix("a.json:").unwrap().split(' ').next().unwrap().parse().unwrap();
    let text = format!("{value:#}");
    let there = text.lines().nth(number - 1).unwrap();
    let parent = pointer.rsplit('/').nth(1).unwrap();
    assert!(
        there.contains(&format!("\"{key}\"")) || there.contains(&format!("\"{parent}\"")),
        "{line}: {there}"
    );
}

/// Other values of the same kind that the schema takes.
fn other_values(bench: &Bench, all: &Value, path: &KeyPath, value: &Value) -> Vec<Value> {
    let mut candidates: Vec<Value> = match value {
        Value::Bool(on) => vec![json!(!on)],
        Value::Number(number) => {
            let number = number.as_f64().unwrap();
            vec![json!(number as i64 + 1), json!(number as i64 - 1), json!(number / 2.0)]
        }
        Value::String(text) => [
            "7s",
            "300m",
            "333Mi",
            "@hourly",
            "0 5 * * *",
            "Etc/UTC",
            "zz",
            "zz-9",
            "Zz9",
            "http/protobuf",
            "quality",
        ]
        .iter()
        .map(|other| json!(other))
        .chain([json!(format!("{text}x")), json!(format!("x{text}"))])
        .collect(),
        _ => return Vec::new(),
    };
    let options = bench.schema.describe(path).map(|entry| entry.options).unwrap_or_default();
    candidates.splice(0..0, options);
    candidates.retain(|candidate| {
        if candidate == value {
            return false;
        }
        let mut changed = all.clone();
        *slot(&mut changed, path) = candidate.clone();
        let layer = values::layer("g", LayerKind::Generated, None, yaml::write(&changed).into()).unwrap();
        let merged = LayerSet::for_environment(&bench.chart, &[], &|_| None).with_layer(layer).merge();
        bench.schema.check(&merged.value, &|_| None).is_empty()
    });
    candidates
}

fn slot<'v>(value: &'v mut Value, path: &KeyPath) -> &'v mut Value {
    path.0.iter().fold(value, |value, segment| match segment {
        Segment::Key(key) => &mut value[key.as_str()],
        Segment::Index(index) => &mut value[*index],
    })
}

fn leaves(path: &KeyPath, value: &Value, found: &mut Vec<KeyPath>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, value)| leaves(&path.key(key), value, found));
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(at, value)| leaves(&path.index(at), value, found));
        }
        Value::Object(_) | Value::Array(_) => {}
        _ => found.push(path.clone()),
    }
}

/// Changes every generated key to something else that is allowed, and looks whether what is rendered changes.
#[rstest]
#[case("floe-platform", "centralized.json", "prod")]
#[case("floe-platform", "simple.json", "staging")]
#[case("floe-platform", "mesh.json", "prod")]
#[case("floe-jobs", "centralized.json", "staging")]
#[case("floe-jobs", "mesh.json", "dev")]
#[case("floe-jobs", "simple.json", "prod")]
fn every_generated_key_is_read_by_the_charts(
    #[case] chart: &str,
    #[case] name: &str,
    #[case] environment: &str,
) {
    let workspace = Workspace::new("gen-read");
    let dir = workspace.charts().join(chart);
    let (bench, engine) = (Bench::at(&dir), engine());
    let artifact = Artifact::read(&artifact_file(name)).unwrap();
    let overrides = if chart == "floe-jobs" { set(&[IMAGE]) } else { Vec::new() };
    let generated = bench.generate(&artifact, environment, &overrides, JobsMode::PerModel);
    assert_eq!(errors(&generated), Vec::<String>::new());
    let all = Value::Object(generated.values.clone());
    // Where the mesh gives Polaris' Secret a name, the fixed one would hide it.
    let fixed = if chart == "floe-jobs" || all.pointer("/polaris/auth/existingSecret").is_some() {
        "postgresql: {auth: {existingSecret: fixed}}\ngrafana: {auth: {existingSecret: fixed}}\n"
    } else {
        FIXED
    };
    let fixed = if chart == "floe-jobs" { "" } else { fixed };
    let render = |values: &Value| rendered(&engine, &dir, environment, &yaml::write(values), fixed);
    let before = render(&all).unwrap_or_else(|words| panic!("{words}"));
    assert_eq!(render(&all).as_ref(), Ok(&before), "nothing here is random");
    let mut paths = Vec::new();
    leaves(&KeyPath::root(), &all, &mut paths);
    assert!(paths.len() > 10, "{paths:?}");
    let mut unread = Vec::new();
    for path in &paths {
        // Read from the release's record: `floe-tui status` tells it.
        if path.to_string() == "global.artifactVersion" {
            continue;
        }
        let others = other_values(&bench, &all, path, path.get(&all).unwrap());
        assert!(!others.is_empty(), "{path}: no other value is allowed, so nothing can be tried");
        let makes_a_difference = others.iter().any(|other| {
            let mut changed = all.clone();
            *slot(&mut changed, path) = other.clone();
            render(&changed).as_ref() != Ok(&before)
        });
        if !makes_a_difference {
            unread.push(format!("{path}: {} or {others:?}, it makes no difference", path.get(&all).unwrap()));
        }
    }
    assert!(unread.is_empty(), "{chart}, {name}, {environment}:\n{}", unread.join("\n"));
}

#[test]
fn the_merge_order_is_environment_then_plugins_then_the_operator() {
    let bench = &*PLATFORM;
    let artifact = Artifact::read(&artifact_file("centralized.json")).unwrap();
    let at = |generated: &Generated, key: &str| {
        KeyPath::parse(key).unwrap().get(&Value::Object(generated.values.clone())).cloned()
    };
    let plain = bench.generate(&artifact, "prod", &[], JobsMode::PerModel);
    // The environment says 2, the plugin 3.
    assert_eq!(at(&plain, "dagster.webserver.replicas"), Some(json!(3)));
    assert_eq!(at(&plain, "dagster.logLevel"), Some(json!("warning")));
    assert_eq!(at(&plain, "otel-collector.config.sampling.percentage"), Some(json!(10)));
    assert_eq!(at(&plain, "polaris.storageTypes"), Some(json!(["S3"])));
    let text = "dagster: {logLevel: null, runs: {maxRetries: 1}}\npolaris: {storageTypes: [GCS]}\n";
    let mut overrides = vec![values::layer("mine.yaml", LayerKind::Environment, None, text.into()).unwrap()];
    overrides.extend(set(&["dagster.webserver.replicas=4"]));
    let mine = bench.generate(&artifact, "prod", &overrides, JobsMode::PerModel);
    assert_eq!(errors(&mine), Vec::<String>::new());
    assert_eq!(at(&mine, "dagster.webserver.replicas"), Some(json!(4)));
    // Lists are replaced, maps merged, null is left for helm to delete the default with.
    assert_eq!(at(&mine, "polaris.storageTypes"), Some(json!(["GCS"])));
    assert_eq!(at(&mine, "dagster.runs"), Some(json!({"maxConcurrent": 17, "maxRetries": 1})));
    assert_eq!(at(&mine, "dagster.logLevel"), Some(Value::Null));
    // Only production is scaled; staging and production shut their networks.
    for (environment, scaled, shut) in
        [("dev", false, false), ("qa", false, false), ("staging", false, true), ("prod", true, true)]
    {
        let generated = bench.generate(&artifact, environment, &[], JobsMode::PerModel);
        assert_eq!(at(&generated, "polaris.autoscaling.enabled").is_some(), scaled, "{environment}");
        assert_eq!(at(&generated, "polaris.podDisruptionBudget.enabled").is_some(), scaled, "{environment}");
        assert_eq!(at(&generated, "networkPolicies.enabled").is_some(), shut, "{environment}");
        assert_eq!(at(&generated, "global.environment"), Some(json!(environment)));
    }
    let origin = plain.origins.iter().find(|origin| origin.key == "dagster.runs.maxConcurrent").unwrap();
    assert_eq!(origin.field, "plugins.orchestrator.config.runs.max_concurrent");
    let text = std::fs::read_to_string(artifact_file("centralized.json")).unwrap();
    assert!(text.lines().nth(origin.line - 1).unwrap().contains("max_concurrent"), "{origin:?}");
}

/// Every backend that telemetry may name, with what it asks for.
#[test]
fn every_telemetry_backend_has_its_exporter() {
    let workspace = Workspace::new("gen-backends");
    let dir = workspace.platform();
    let (bench, engine) = (Bench::at(&dir), engine());
    for (kind, config, exporter, secret, jaeger) in [
        ("console", json!({}), "debug", None, false),
        ("JAEGER", json!({}), "jaeger", None, true),
        ("jaeger", json!({"endpoint": "jaeger.example.com:4317"}), "jaeger", None, false),
        (
            "otlp",
            json!({"endpoint": "otlp.example.com:4317", "token": "plain-word-canary"}),
            "otlp",
            Some("authorization"),
            false,
        ),
        (
            "datadog",
            json!({"api_key": "plain-word-canary", "site": "datadoghq.eu"}),
            "datadog",
            Some("datadog-api-key"),
            false,
        ),
        (
            "grafana_cloud",
            json!({"endpoint": "https://otlp.example.com/otlp", "token": "plain-word-canary"}),
            "grafanaCloud",
            Some("grafana-cloud-token"),
            false,
        ),
        ("prometheus", json!({"port": 9123}), "prometheus", None, false),
    ] {
        let mut value = document("simple.json");
        value["plugins"]["telemetry_backend"] = json!({"type": kind, "version": "1.0.0", "config": config});
        let made = bench.generate(&artifact(&value).unwrap(), "dev", &[], JobsMode::PerModel);
        assert_eq!(errors(&made), Vec::<String>::new(), "{kind}");
        let exporters = &made.values["otel-collector"]["exporters"];
        assert_eq!(exporters[exporter]["enabled"], true, "{kind}: {exporters}");
        assert_eq!(made.values["jaeger"]["enabled"], jaeger, "{kind}");
        let manifest =
            rendered(&engine, &dir, "dev", &made.text, "").unwrap_or_else(|words| panic!("{kind}: {words}"));
        assert!(!manifest.contains("canary"), "{kind}");
        let keys: Vec<&str> =
            made.needed.iter().flat_map(|needed| &needed.keys).map(|(key, _)| key.as_str()).collect();
        assert_eq!(keys.first().copied(), secret, "{kind}: {:?}", made.needed);
        for key in keys {
            assert!(
                manifest.contains(&format!("\"{key}\"")) || manifest.contains(&format!("key: {key}")),
                "{kind}: {key}"
            );
        }
    }
    let mut value = document("simple.json");
    value["plugins"]["telemetry_backend"] = json!({"type": "none", "version": "1.0.0"});
    let made = bench.generate(&artifact(&value).unwrap(), "dev", &[], JobsMode::PerModel);
    assert_eq!(made.values["otel-collector"], json!({"enabled": false}));
    value["plugins"]["telemetry_backend"]["type"] = json!("smoke-signals");
    let told = errors(&bench.generate(&artifact(&value).unwrap(), "dev", &[], JobsMode::PerModel));
    assert!(
        told.len() == 1
            && told[0].contains("plugins.telemetry_backend.type: the collector has no exporter for it"),
        "{told:?}"
    );
}

#[test]
fn a_setting_that_the_schema_refuses_is_told_at_its_field() {
    let bench = &*PLATFORM;
    let mut value = document("centralized.json");
    value["plugins"]["orchestrator"]["config"]["webserver"]["replicas"] = json!(99);
    value["plugins"]["catalog"]["config"]["token_lifetme"] = json!("PT2H");
    let generated = bench.generate(&artifact(&value).unwrap(), "dev", &[], JobsMode::PerModel);
    let told = errors(&generated);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("dagster.webserver.replicas: must be at most 20 (from plugins.orchestrator.config.webserver.replicas)"), "{told:?}");
    let line: usize = told[0].strip_prefix("a.json:").unwrap().split(' ').next().unwrap().parse().unwrap();
    assert!(format!("{value:#}").lines().nth(line - 1).unwrap().contains("99"), "{told:?}");
    let warned: Vec<String> = generated.problems.iter().map(ToString::to_string).collect();
    assert!(
        warned
            .iter()
            .any(|words| words.contains("token_lifetme: the chart has no such key in polaris: left out")),
        "{warned:?}"
    );
}

#[test]
fn models_become_jobs_with_valid_names_a_schedule_and_their_order_is_told() {
    let workspace = Workspace::new("gen-jobs");
    let dir = workspace.charts().join("floe-jobs");
    let (artifact, spec) = (artifact_file("centralized.json"), artifact_file("floe.yaml"));
    let mut args =
        vec!["generate", "--artifacts", artifact.to_str().unwrap(), "--chart", dir.to_str().unwrap()];
    args.extend(["--env", "uat", "--spec", spec.to_str().unwrap(), "--set", IMAGE, "--json"]);
    let made = workspace.floe(&args).ok().json();
    let jobs = made["environments"][0]["values"]["jobs"].as_object().unwrap().clone();
    for (name, job) in &jobs {
        assert!(name.len() <= 63 && name.starts_with(|c: char| c.is_ascii_lowercase()), "{name}");
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{name}");
        assert_eq!((&job["schedule"], &job["timeZone"]), (&json!("0 4 * * *"), &json!("Europe/Berlin")));
    }
    assert_eq!(jobs.len(), 3);
    assert_eq!(jobs["stg-orders"]["dbt"], json!({"select": ["stg_orders"], "target": "warehouse"}));
    // `elsewhere` is no output of a profile.
    assert_eq!(jobs["returns-2024"]["dbt"], json!({"select": ["Returns.2024"]}));
    let text = yaml::write(&made["environments"][0]["values"]);
    let manifest = rendered(&engine(), &dir, "uat", &text, "").unwrap();
    let crons: Vec<Value> =
        yaml::read_all(&manifest).unwrap().into_iter().filter(|object| object["kind"] == "CronJob").collect();
    assert_eq!(crons.len(), 3);
    for cron in &crons {
        assert!(cron["metadata"]["name"].as_str().unwrap().len() <= 52, "{cron}");
        let pod = &cron["spec"]["jobTemplate"]["spec"]["template"]["spec"];
        let mounts = pod["containers"][0]["volumeMounts"].to_string();
        assert!(mounts.contains("profiles") && mounts.contains("artifacts"), "{mounts}");
        let env = pod["containers"][0]["env"].as_array().unwrap();
        let password = env.iter().find(|own| own["name"] == "DBT_ENV_SECRET_WAREHOUSE_PASSWORD").unwrap();
        assert_eq!(password["valueFrom"]["secretKeyRef"]["name"], "orders-dbt", "{password}");
    }
    assert_eq!(made["environments"][0]["secrets"][0]["name"], "orders-dbt");
    let command = made["environments"][0]["secrets"][0]["command"].as_str().unwrap();
    assert_eq!(
        command,
        format!(
            "kubectl --namespace {} create secret generic orders-dbt --from-file=dbt-env-secret-warehouse-password=dbt-env-secret-warehouse-password.txt",
            workspace.namespace("uat")
        )
    );
    // Models that depend on others: told once, and gone with one job for all.
    let simple = artifact_file("simple.json");
    args[2] = simple.to_str().unwrap();
    let told = workspace.floe(&args).ok().json()["problems"].to_string();
    assert!(told.contains("1 of the models depend on others"), "{told}");
    args.extend(["--jobs", "single"]);
    let single = workspace.floe(&args).ok().json();
    assert_eq!(single["problems"], json!([]), "{single}");
    assert_eq!(
        single["environments"][0]["values"]["jobs"]["web-orders"]["dbt"]["select"],
        json!(["stg_orders", "orders"])
    );
}

#[test]
fn two_models_with_one_job_name_and_an_artifact_that_no_config_map_holds_are_refused() {
    let bench = &*JOBS;
    let mut value = document("oldest.json");
    value["transforms"]["models"] = json!([{"name": "a_b"}, {"name": "a.b"}]);
    let told = errors(&bench.generate(&artifact(&value).unwrap(), "dev", &[], JobsMode::PerModel));
    assert!(
        told.len() == 1
            && told[0].contains("transforms.models[1].name: its job would be called a-b, as that of a_b"),
        "{told:?}"
    );
    let mut value = document("oldest.json");
    value["version"] = json!("0.9.0");
    value["data_contracts"] = json!([{"note": "x".repeat(generate::jobs::CONFIG_MAP)}]);
    let large = artifact(&value).unwrap();
    let told = errors(&bench.generate(&large, "dev", &[], JobsMode::PerModel));
    assert!(told.len() == 1 && told[0].contains("a ConfigMap holds 1048576: put it on a volume and name the claim (--set artifacts.existingClaim=CLAIM)"), "{told:?}");
    let elsewhere =
        bench.generate(&large, "dev", &set(&["artifacts.existingClaim=big", IMAGE]), JobsMode::PerModel);
    assert_eq!(errors(&elsewhere), Vec::<String>::new());
    assert!(elsewhere.text.len() < 3000);
}

/// One credential of a kind, the way it is found in the wild. They are put together here so that no scanner mistakes
/// this file for a leak.
fn planted() -> Vec<(String, String)> {
    let x = |prefix: &str, length: usize| {
        let alphabet = b"aB3dE5gH7jK9mN1pQrS4tUvW";
        let body: String =
            (0..length).map(|i| char::from(alphabet[(i * 7 + length) % alphabet.len()])).collect();
        format!("{prefix}{body}")
    };
    let hex = |prefix: &str, length: usize| {
        format!("{prefix}{}", "0123456789abcdef".repeat(4)[..length].to_owned())
    };
    let pem = |kind: &str| {
        format!(
            "-----BEGIN {kind}PRIVATE KEY-----\nMIIEpLANTED{}\n-----END {kind}PRIVATE KEY-----\n",
            "x7Q".repeat(12)
        )
    };
    let named = [
        "password",
        "passwd",
        "pass",
        "pwd",
        "passphrase",
        "secret",
        "client_secret",
        "api_key",
        "apikey",
        "apiKey",
        "token",
        "access_token",
        "refresh_token",
        "private_key",
        "secret_access_key",
        "aws_secret_access_key",
        "session_token",
        "account_key",
        "signing_key",
        "encryption_key",
        "credential",
        "dsn",
        "sas",
        "authorization",
        "connection_string",
        "keyfile_json",
        "webhook_url",
        "ssh_key",
        "rootClientSecret",
        "cookie",
        "pin",
    ];
    let mut all: Vec<(String, String)> = named
        .iter()
        .enumerate()
        .map(|(i, name)| ((*name).to_owned(), format!("plain-word-{i}-canary")))
        .collect();
    let looks = [
        format!("postgres://user:{}@db/x", x("pw", 10)),
        format!("Server=db;Database=x;Pwd={};", x("", 14)),
        format!("DefaultEndpointsProtocol=https;AccountName=a;AccountKey={}", x("", 40)),
        format!("https://a.blob.core.windows.net/c?sv=1&sig={}", x("", 30)),
        pem("RSA "),
        pem("EC "),
        pem("OPENSSH "),
        pem(""),
        format!("AKIA{}", "QWERTYUIOPASDFGH"),
        x("ghp_", 36),
        x("github_pat_", 30),
        x("glpat-", 20),
        x("xoxb-", 24),
        x("AIza", 35),
        x("sk-", 32),
        x("sk_live_", 24),
        x("hvs.", 24),
        hex("dapi", 32),
        x("dckr_pat_", 24),
        x("npm_", 36),
        x("hf_", 30),
        hex("SK", 32),
        hex("key-", 32),
        format!("eyJhbGciOi.{}.sig", x("eyJz", 20)),
        format!("Bearer {}", x("", 24)),
        format!("Basic {}", x("", 20)),
        format!("$2b$12${}", x("", 40)),
        format!("$argon2id$v=19${}", x("", 30)),
        x("", 40),
        format!("https://hooks.slack.com/services/{}", x("T0/B0/", 20)),
        x("AGE-SECRET-KEY-1", 30).to_uppercase(),
        format!("SG.{}.{}", x("", 20), x("", 30)),
        x("ya29.", 30),
        x("GOCSPX-", 24),
        x("pypi-", 40),
    ];
    all.extend(looks.into_iter().enumerate().map(|(i, look)| (format!("field_{i}"), look)));
    all
}

#[test]
fn fifty_kinds_of_credentials_are_planted_and_none_comes_out() {
    let planted = planted();
    assert!(planted.len() >= 50, "{}", planted.len());
    let kinds: BTreeSet<&String> = planted.iter().map(|(_, secret)| secret).collect();
    assert_eq!(kinds.len(), planted.len());
    let workspace = Workspace::new("gen-canary");
    let mut value = document("mesh.json");
    let output = value["dbt_profiles"]["crm"]["outputs"]["prod"].as_object_mut().unwrap();
    for (at, (key, secret)) in planted.iter().enumerate() {
        match at % 3 {
            0 => output.insert(key.clone(), json!(secret)),
            1 => output.insert(format!("nested_{at}"), json!({"list": [{key.clone(): secret}]})),
            _ => output.insert(
                format!("deep_{at}"),
                json!({key.clone(): {"inner": [secret]}, "env": [{"name": "DB_PASSWORD", "value": secret}]}),
            ),
        };
    }
    let again: serde_json::Map<String, Value> =
        planted.iter().map(|(key, secret)| (format!("x_{key}"), json!(secret))).collect();
    value["plugins"]["compute"] = json!({"type": "spark", "version": "1.0.0", "config": again});
    value["governance"] = json!({"audit_logging": planted[40].1});
    value["quality_config"] = json!({"auth": planted[0].1, "more": planted.iter().map(|(_, secret)| json!({"token": secret})).collect::<Vec<_>>()});
    value["observability"]["telemetry"]["authentication"] =
        json!({"auth_type": "api_key", "api_key": "plain-word-api-canary", "header_name": "x-key"});
    let file = workspace.folder().join("canary.json");
    std::fs::write(&file, format!("{value:#}")).unwrap();
    let look = |what: &str, text: &str| {
        for (key, secret) in planted.iter().chain(&[
            ("api_key".to_owned(), "plain-word-api-canary".to_owned()),
            ("password".to_owned(), "Zq8-PLANTED".to_owned()),
            ("number".to_owned(), "48151623".to_owned()),
        ]) {
            // Not even a line of it.
            for part in secret.lines().filter(|line| line.len() >= 8 && !line.starts_with("-----")) {
                assert!(!text.contains(part), "{key}: {part} in {what}");
            }
        }
    };
    for chart in ["floe-platform", "floe-jobs"] {
        let (dir, out) = (workspace.charts().join(chart), workspace.folder().join(format!("out-{chart}")));
        let base = [
            "generate",
            "--artifacts",
            file.to_str().unwrap(),
            "--chart",
            dir.to_str().unwrap(),
            "--env",
            "dev",
            "--env",
            "prod",
        ];
        let image = if chart == "floe-jobs" { IMAGE } else { "nameOverride=" };
        for more in [
            vec![],
            vec!["--json"],
            vec!["--dry-run", "--output", out.to_str().unwrap()],
            vec!["--output", out.to_str().unwrap()],
        ] {
            let mut args = base.to_vec();
            args.extend(["--set", image]);
            args.extend(&more);
            let printed = workspace.floe(&args);
            let wanted = if more.contains(&"--dry-run") { 2 } else { 0 };
            let printed = printed.expect_code(wanted);
            look("the standard output", &printed.stdout);
            look("the standard error", &printed.stderr);
        }
        for environment in ["dev", "prod"] {
            let text = std::fs::read_to_string(out.join(format!("{chart}-{environment}.yaml"))).unwrap();
            look("the values", &text);
            // The chart's own look finds nothing either.
            look(
                "the manifests",
                &rendered(&engine(), &dir, environment, &text, "").unwrap_or_else(|words| panic!("{words}")),
            );
        }
    }
    // Broken in every other way: no error quotes one.
    for (pointer, wrong) in [
        ("/mode", json!(planted[45].1)),
        ("/metadata/product_name", json!(planted[33].1)),
        ("/unknown", json!({"password": "plain-word-x-canary"})),
        ("/transforms", json!("plain-word-0-canary")),
    ] {
        let mut broken = value.clone();
        let key = pointer.rsplit('/').next().unwrap();
        broken.pointer_mut(pointer.rsplit_once('/').unwrap().0).unwrap()[key] = wrong;
        std::fs::write(&file, format!("{broken:#}")).unwrap();
        let dir = workspace.charts().join("floe-platform");
        let printed = workspace
            .floe(&[
                "generate",
                "--artifacts",
                file.to_str().unwrap(),
                "--chart",
                dir.to_str().unwrap(),
                "--env",
                "dev",
            ])
            .expect_code(1);
        let quoted = pointer == "/transforms";
        if !quoted {
            look(pointer, &printed.stderr);
        }
        assert!(printed.stdout.is_empty(), "{printed}");
    }
    // Nothing lasts in the program's own folders.
    for folder in [workspace.state(), workspace.runtime(), workspace.config()] {
        super::support::walk(&folder, &mut |file| {
            look(&file.display().to_string(), &std::fs::read_to_string(file).unwrap_or_default());
        });
    }
}

#[test]
fn the_operators_own_credentials_are_refused_as_well() {
    let bench = &*PLATFORM;
    let artifact = Artifact::read(&artifact_file("simple.json")).unwrap();
    for (argument, refused) in [
        ("polaris.auth.rootClientSecret=hunter2hunter2", true),
        ("postgresql.auth.password=hunter2hunter2", true),
        ("lineageEndpoint=http://u:hunter2hunter2@x", true),
        ("polaris.auth.rootClientSecret=", false),
        ("polaris.auth.existingSecret=mine", false),
        (
            "otel-collector.exporters.datadog.secretKey=my-key,otel-collector.exporters.datadog.existingSecret=x",
            false,
        ),
        ("polaris.auth.tokenLifetime=PT2H", false),
    ] {
        let told = errors(&bench.generate(&artifact, "dev", &set(&[argument]), JobsMode::PerModel));
        assert_eq!(
            told.iter().any(|words| words.contains("holds a credential in plain text")),
            refused,
            "{argument}: {told:?}"
        );
        assert!(!told.join(" ").contains("hunter2"), "{told:?}");
    }
}

#[test]
fn a_secret_that_the_artifact_names_is_used_by_its_name() {
    let mut value = document("simple.json");
    value["plugins"]["catalog"] = json!({"type": "polaris", "version": "1.0.0",
        "config": {"auth": {"existing_secret": "my-polaris"}, "credentials": {"existing_secret": "mine", "user": "u"}}});
    let artifact = artifact(&value).unwrap();
    let fields: Vec<String> = artifact.taken.iter().map(|taken| taken.field.to_string()).collect();
    assert_eq!(fields, ["plugins.catalog.config.credentials.user"]);
    let made = PLATFORM.generate(&artifact, "dev", &[], JobsMode::PerModel);
    assert_eq!(errors(&made), Vec::<String>::new());
    assert_eq!(made.values["polaris"]["auth"]["existingSecret"], "my-polaris");
    // Jobs have no use for it, and their chart refuses what sounds like a credential.
    let made = JOBS.generate(&artifact, "dev", &set(&[IMAGE]), JobsMode::PerModel);
    assert!(!made.text.contains("my-polaris") && !made.text.contains("existing_secret"), "{}", made.text);
    rendered(&engine(), &root().join("charts/floe-jobs"), "dev", &made.text, "").unwrap();
}

#[test]
fn credentials_that_nothing_can_stand_for_are_refused() {
    let bench = &*PLATFORM;
    let mut value = document("centralized.json");
    value["plugins"]["orchestrator"]["config"]["extra_env"] =
        json!([{"name": "DB_PASSWORD", "value": "hunter2hunter2"}]);
    let told = errors(&bench.generate(&artifact(&value).unwrap(), "dev", &[], JobsMode::PerModel));
    assert!(
        told.len() == 1
            && told[0]
                .contains("is a credential, and the chart's dagster.extraEnv takes no Secret in its place"),
        "{told:?}"
    );
    for (pointer, field) in [
        ("/identity/repository", "https://u:hunter2hunter2@git.example.com/x"),
        ("/metadata/floe_version", "Bearer hunter2hunter2hunter2"),
    ] {
        let mut value = document("centralized.json");
        *value.pointer_mut(pointer).unwrap() = json!(field);
        let told = artifact(&value).unwrap_err();
        assert!(
            told.len() == 1
                && told[0].contains("nothing can stand for it here")
                && !told[0].contains("hunter2"),
            "{told:?}"
        );
    }
}

#[test]
fn what_is_there_is_only_replaced_when_it_was_generated_and_a_dry_run_writes_nothing() {
    let workspace = Workspace::new("gen-files");
    let (artifact, out) = (artifact_file("simple.json"), workspace.folder().join("dev.yaml"));
    let dir = workspace.platform();
    let args = [
        "generate",
        "--artifacts",
        artifact.to_str().unwrap(),
        "--chart",
        dir.to_str().unwrap(),
        "--env",
        "dev",
        "--output",
        out.to_str().unwrap(),
    ];
    let mut dry = args.to_vec();
    dry.push("--dry-run");
    let told = workspace.floe(&dry).expect_code(2);
    assert!(
        told.stdout.contains("dev.yaml: would be created") && told.stdout.contains("+  environment: dev"),
        "{told}"
    );
    assert!(!out.exists());
    workspace.floe(&args).ok();
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(generate::made_from(&text).is_some_and(|hash| hash.len() == 64), "{text}");
    workspace.floe(&dry).ok();
    // Of another artifact it is another file.
    std::fs::write(&out, text.replace("environment: dev", "environment: elsewhere")).unwrap();
    let told = workspace.floe(&dry).expect_code(2);
    assert!(
        told.stdout.contains("-  environment: elsewhere") && told.stdout.contains("would be changed"),
        "{told}"
    );
    workspace.floe(&args).ok();
    assert_eq!(std::fs::read_to_string(&out).unwrap(), text);
    std::fs::write(&out, "mine: true\n").unwrap();
    let refused = workspace.floe(&args).expect_code(1);
    assert!(refused.stderr.contains("was not generated, and is left alone"), "{refused}");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "mine: true\n");
    // One broken environment: none is written.
    let folder = workspace.folder().join("all/");
    workspace.write("values-qa.yaml", "global: {environment: qa}\ndagster: {logLevel: loud}\n");
    let mut args =
        vec!["generate", "--artifacts", artifact.to_str().unwrap(), "--chart", dir.to_str().unwrap()];
    args.extend(["--env", "dev", "--env", "qa", "--output", folder.to_str().unwrap()]);
    let refused = workspace.floe(&args).expect_code(1);
    assert!(refused.stderr.contains("values-qa.yaml:2: dagster.logLevel: must be"), "{refused}");
    assert!(!folder.exists());
}

#[test]
fn environments_follow_the_manifest_and_disagreement_is_told() {
    let workspace = Workspace::new("gen-order");
    let (artifact, dir) = (artifact_file("simple.json"), workspace.platform());
    let run = |manifest: &str, environments: &[&str]| {
        let file = workspace.folder().join("manifest.yaml");
        std::fs::write(&file, manifest).unwrap();
        let mut args = vec![
            "generate",
            "--artifacts",
            artifact.to_str().unwrap(),
            "--chart",
            dir.to_str().unwrap(),
            "--json",
        ];
        args.extend(["--manifest", file.to_str().unwrap()]);
        for environment in environments {
            args.extend(["--env", environment]);
        }
        workspace.floe(&args)
    };
    let text = std::fs::read_to_string(artifact_file("manifest.yaml")).unwrap();
    let made = run(&text, &["prod", "dev", "staging"]).ok().json();
    let order: Vec<&str> = made["environments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| own["environment"].as_str().unwrap())
        .collect();
    assert_eq!(order, ["dev", "staging", "prod"]);
    assert!(!made["problems"].to_string().contains("promoted"), "{}", made["problems"]);
    // uat is mapped and nothing is promoted there: an error once it is asked for.
    let without = text.replace("      - {name: uat}\n", "      - {name: preview}\n");
    let told = run(&without, &["dev"]).ok().json()["problems"].to_string();
    assert!(
        told.contains("preview is promoted to and in no cluster mapping")
            && told.contains("uat is mapped to a cluster and nothing is promoted there"),
        "{told}"
    );
    run(&without, &["uat"]).expect_code(1);
    let broken =
        run(&text.replace("gate_timeout_seconds: 600", "gate_timeout_seconds: 5"), &["dev"]).expect_code(1);
    assert!(
        broken.stdout.contains("must be at least 30") && broken.stdout.contains("\"line\": 16"),
        "{broken}"
    );
    let unknown = run(&text, &["nowhere"]).expect_code(1);
    assert!(
        unknown
            .stdout
            .contains("nowhere is in no cluster mapping; choose one of: dev, qa, uat, staging, prod"),
        "{unknown}"
    );
}

#[test]
fn files_that_are_no_artifact_are_told_quickly() {
    let workspace = Workspace::empty("gen-bad");
    let file = workspace.folder().join("bad.json");
    let charts = root().join("charts/floe-platform");
    let run = || {
        workspace
            .floe(&[
                "generate",
                "--artifacts",
                file.to_str().unwrap(),
                "--chart",
                charts.to_str().unwrap(),
                "--env",
                "dev",
            ])
            .expect_code(1)
            .stderr
    };
    for (text, words) in [
        ("{\n \"version\": \"0.5.0\",\n", "bad.json:3: not valid JSON"),
        ("[]", "bad.json:1: is no map"),
        ("{\"a\": 1}", "names no version"),
        (
            "{\"version\": \"0.5.0\",\n \"mode\": \"simple\",\n \"mode\": \"mesh\"}",
            "bad.json:3: the key mode stands twice",
        ),
        (&"{\"a\":".repeat(5000), "nests deeper than 128"),
    ] {
        std::fs::write(&file, text).unwrap();
        let told = run();
        assert!(told.contains(words), "{words} in {told}");
    }
    // A hundred megabytes, without anything in them and with.
    std::fs::File::create(&file).unwrap().set_len(100 << 20).unwrap();
    assert!(run().contains("larger than 8 MiB"));
    std::fs::remove_file(&file).unwrap();
    assert!(run().contains("cannot read"));
}

/// Any artifact that the contract allows, with credentials anywhere that it allows them.
fn any_artifact() -> impl Strategy<Value = Value> {
    let word = "[a-z][a-z0-9_]{0,12}";
    let plain = prop_oneof![
        Just(json!(true)),
        (0..1000).prop_map(|n| json!(n)),
        "[a-zA-Z0-9 ._/-]{0,20}".prop_map(|s| json!(s))
    ];
    let config = prop::collection::btree_map(word, plain, 0..4);
    let orchestrator = prop_oneof![Just("dagster"), Just("airflow"), Just("prefect")];
    let catalog = prop_oneof![Just("polaris"), Just("glue")];
    let backend = prop_oneof![Just("console"), Just("jaeger"), Just("prometheus"), Just("none")];
    let models = prop::collection::btree_set("[a-z][a-z0-9]{0,30}(_[a-z0-9]{1,40})?", 1..6);
    (
        (word, 1..=9u32, orchestrator, catalog, backend),
        (any::<bool>(), any::<bool>(), 0..=100u32, models, config.clone(), config),
        "Zq9[A-Z]{12}[0-9]{6}",
    )
        .prop_map(|((product, minor, orchestrator, catalog, backend), (lineage, enabled, share, models, one, two), secret)| {
            json!({
                "version": format!("0.{minor}.0"),
                "metadata": {"compiled_at": "2026-01-01T00:00:00Z", "floe_version": "0.3.0", "source_hash": "sha256:ab",
                    "product_name": product, "product_version": "1.0.0"},
                "observability": {
                    "telemetry": {"enabled": enabled, "sampling": {"dev": f64::from(share) / 100.0, "prod": 0.1}, "backend": backend,
                        "authentication": {"auth_type": "api_key", "api_key": secret, "header_name": "x-key"}},
                    "lineage": lineage, "lineage_endpoint": "http://lineage.example.com"},
                "plugins": {
                    "orchestrator": {"type": orchestrator, "version": "1.0.0", "config": {"zz_unknown": one}},
                    "catalog": {"type": catalog, "version": "1.0.0", "config": {"zz_unknown": two, "client_secret": secret}}},
                "transforms": {"models": models.iter().map(|name| json!({"name": name})).collect::<Vec<_>>()},
                "dbt_profiles": {"p": {"target": "t", "outputs": {"t": {"type": "postgres", "password": secret, "x": {"token": secret}}}}},
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn any_artifact_becomes_values_that_are_valid_stable_and_without_credentials(value in any_artifact()) {
        let secret = value["observability"]["telemetry"]["authentication"]["api_key"].as_str().unwrap();
        let first = artifact(&value).unwrap();
        for (chart, overrides) in [("floe-platform", Vec::new()), ("floe-jobs", set(&[IMAGE]))] {
            let bench = if chart == "floe-jobs" { &*JOBS } else { &*PLATFORM };
            for environment in ["dev", "prod"] {
                let made = bench.generate(&first, environment, &overrides, JobsMode::PerModel);
                // Two models may want one job name; nothing else is wrong.
                let told: Vec<String> = errors(&made).into_iter().filter(|words| !words.contains("its job would be called")).collect();
                prop_assert_eq!(told, Vec::<String>::new());
                prop_assert!(!made.text.contains(secret) && !format!("{:?}", made.problems).contains(secret), "{}", made.text);
                let again = bench.generate(&artifact(&value).unwrap(), environment, &overrides, JobsMode::PerModel);
                prop_assert_eq!(&made.text, &again.text);
                prop_assert_eq!(&yaml::read_values(&made.text).unwrap(), &Value::Object(made.values.clone()));
            }
        }
    }

    #[test]
    fn layers_without_scalars_against_maps_merge_the_same_however_they_are_grouped(
        a in table(), b in table(), c in table()
    ) {
        let over = |below: &Value, above: &Value| {
            let mut merged = below.as_object().unwrap().clone();
            values::overlay(&mut merged, above.as_object().unwrap());
            Value::Object(merged)
        };
        prop_assert_eq!(over(&over(&a, &b), &c), over(&a, &over(&b, &c)));
    }
}

/// Values of one shape: a key is always a map, or always something else.
fn table() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        (0..5).prop_map(|n| json!(n)),
        prop::collection::vec(0..3, 0..3).prop_map(|l| json!(l))
    ];
    let inner = prop::collection::btree_map("[a-c]", leaf.clone(), 0..3);
    let maps = prop::collection::btree_map("[m-o]", inner, 0..3);
    (maps, prop::collection::btree_map("[a-c]", leaf, 0..3)).prop_map(|(maps, leaves)| {
        let mut map: serde_json::Map<String, Value> =
            maps.into_iter().map(|(key, map)| (key, json!(map))).collect();
        map.extend(leaves);
        Value::Object(map)
    })
}

#[test]
fn kinds_of_the_schema_are_what_the_generator_asks_for() {
    // The translation of settings relies on the charts' schemas naming their keys.
    let bench = &*PLATFORM;
    for key in ["dagster.webserver", "polaris.auth", "marquez.web", "otel-collector.exporters.otlp"] {
        assert!(!bench.schema.keys(&KeyPath::parse(key).unwrap()).is_empty(), "{key}");
    }
    let entry = bench.schema.describe(&KeyPath::parse("polaris.auth.rootClientSecret").unwrap()).unwrap();
    assert_eq!(entry.kinds, [Kind::String]);
    assert_eq!(ENVIRONMENTS.map(|(name, _)| name), ALL);
}

/// What is generated for an environment, installed with helm 4: both charts run, jobs get what the artifact says, and the
/// deployment knows its artifact.
#[test]
fn planes_generated_values_install_the_platform_and_its_jobs() {
    let workspace = Workspace::on_planes("gen", HelmMajor::Four, &["dev"]);
    let (file, out) = (artifact_file("centralized.json"), workspace.folder().join("generated/"));
    let namespace = workspace.namespace("dev");
    for chart in ["floe-platform", "floe-jobs"] {
        let dir = workspace.charts().join(chart);
        let image = if chart == "floe-jobs" { IMAGE } else { "dagster.runs.maxRetries=1" };
        let args = [
            "generate",
            "--artifacts",
            file.to_str().unwrap(),
            "--chart",
            dir.to_str().unwrap(),
            "--env",
            "dev",
            "--set",
            image,
        ];
        let mut written = args.to_vec();
        written.extend(["--output", out.to_str().unwrap(), "--json"]);
        let made = workspace.floe(&written).ok().json();
        for secret in made["environments"][0]["secrets"].as_array().unwrap() {
            let mut command = vec![
                "--namespace",
                &namespace,
                "create",
                "secret",
                "generic",
                secret["name"].as_str().unwrap(),
            ];
            let keys: Vec<String> = secret["keys"]
                .as_array()
                .unwrap()
                .iter()
                .map(|key| format!("--from-literal={}=of-the-test", key["key"].as_str().unwrap()))
                .collect();
            command.extend(keys.iter().map(String::as_str));
            sandbox().kubectl("nonprod", &command).ok();
        }
        let values = out.join(format!("{chart}-dev.yaml"));
        let own = dir.join("values-dev.yaml");
        let mut install = vec!["install", chart, dir.to_str().unwrap()];
        if own.exists() {
            install.extend(["-f", own.to_str().unwrap()]);
        }
        install.extend(["-f", values.to_str().unwrap(), "--wait", "--timeout", "4m"]);
        workspace.helm("dev", &install).ok();
    }
    let platform = workspace.platform();
    let status = workspace.floe(&["status", platform.to_str().unwrap(), "--env", "dev", "--json"]).json();
    assert_eq!(
        (&status["artifactVersion"], &status["status"]),
        (&json!("0.10.0"), &json!("deployed")),
        "{status}"
    );
    let config = workspace.get("dev", &["configmap"]).to_string();
    assert!(
        config.contains("http://lineage.example.com:5000") || config.contains("data_retention_days"),
        "{config}"
    );
    let jobs = eventually("all jobs of the product succeed", Duration::from_mins(2), || {
        let jobs = workspace.get("dev", &["jobs", "-l", "app.kubernetes.io/instance=floe-jobs"]);
        let items = jobs["items"].as_array().unwrap().clone();
        let done = items.iter().filter(|job| job["status"]["succeeded"] == 1).count();
        if done == 3 { Ok(items) } else { Err(format!("{done} of {}", items.len())) }
    });
    for job in jobs {
        let container = &job["spec"]["template"]["spec"]["containers"][0];
        let env = container["env"].to_string();
        assert!(
            env.contains("orders-dbt") && env.contains("http://floe-platform-otel-collector:4317"),
            "{env}"
        );
    }
    // The names that jobs were told are Services that are there.
    let services = workspace.get("dev", &["services"]).to_string();
    for name in ["\"floe-platform-otel-collector\"", "\"floe-platform-marquez\""] {
        assert!(services.contains(name), "{name}");
    }
}

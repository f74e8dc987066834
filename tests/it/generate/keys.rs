//! What becomes of an artifact's fields: every key is read by the charts, in the order of merging.

use super::*;

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

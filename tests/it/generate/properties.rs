//! Any artifact: valid, stable, without credentials.

use super::*;

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

//! What an artifact may be: versions of the contract, its rules, and files that are none.

use super::*;

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

#[test]
fn files_that_are_no_artifact_are_told_quickly() {
    let workspace = Workspace::empty("gen-bad");
    let file = workspace.folder().join("bad.json");
    let charts = root().join("charts/floe-platform");
    let run = || workspace.generate(&file, &charts, &["--env", "dev"]).expect_code(1).stderr;
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

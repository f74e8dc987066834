//! The domain model against everything else that knows its rules: the Clusters room, `validate`, the generator, the
//! charts' schema and their templates judge the same mappings, and the charts have the same numbers and names.

use std::path::Path;

use floe_tui::base::{Problem, Severity};
use floe_tui::chart::Chart;
use floe_tui::model::{
    self, ClusterMapping, DataProductJob, FloeHelmChart, Frozen, Preset, ResourcePreset, job, resources,
};
use floe_tui::render::{Engine, Profile, Refusal, Request, Session, ValuesSource};
use floe_tui::schema::ChartSchema;
use floe_tui::values::LayerSet;
use floe_tui::workspace::{discover, read_mapping, validate};
use floe_tui::yaml;
use rstest::rstest;
use serde_json::{Value, json};

use super::support::root;
use super::support::workspace::Workspace;

fn is_error(problem: &Problem) -> bool {
    problem.severity == Severity::Error
}

const GOOD: &str = "clusterMapping:\n  non-prod:\n    cluster: shared\n    environments: [dev, qa]\n    resources: {preset: small}\n  prod:\n    cluster: other\n    environments: [prod]\n    namespaceTemplate: \"floe-{{ .environment }}\"\n    isolation: namespace\n    resources: {preset: large}\n";

/// The mapping in `values.yaml` of a copy of the platform.
fn with_mapping(workspace: &Workspace, mapping: &str) {
    let text = workspace.read("values.yaml");
    let start = text.find("\nclusterMapping:").unwrap() + 1;
    let end = start + text[start..].find("\ndagster:").unwrap() + 1;
    workspace.write("values.yaml", &format!("{}{mapping}{}", &text[..start], &text[end..]));
}

const ROW: &str = "{requests: {cpu: 100m, memory: 128Mi}, limits: {cpu: \"1\", memory: 1Gi}}";

/// Every rule of a mapping once kept and once broken.
fn mappings() -> Vec<(&'static str, bool, String)> {
    let custom = |row: &str| {
        GOOD.replace(
            "{preset: large}",
            &format!("{{preset: custom, webserver: {row}, daemon: {ROW}, userCode: {ROW}, jobs: {ROW}}}"),
        )
    };
    let change = |from: &str, to: &str| {
        assert!(GOOD.contains(from), "{from}");
        GOOD.replace(from, to)
    };
    vec![
        ("good", true, GOOD.to_owned()),
        ("custom with its rows", true, custom(ROW)),
        (
            "custom with a row of another component",
            true,
            custom(ROW).replace("jobs:", &format!("polaris: {ROW}, jobs:")),
        ),
        (
            "label isolation in one namespace",
            true,
            change(
                "environments: [dev, qa]",
                "environments: [dev, qa]\n    namespaceTemplate: floe\n    isolation: label",
            ),
        ),
        ("no environment", false, change("[dev, qa]", "[]")),
        ("environments left out", false, change("    environments: [dev, qa]\n", "")),
        ("an environment twice in one", false, change("[dev, qa]", "[dev, dev]")),
        ("an environment in two", false, change("[prod]", "[prod, dev]")),
        ("a name with an underscore", false, change("qa]", "my_qa]")),
        ("a name in capitals", false, change("qa]", "QA]")),
        ("a name that begins with a digit", false, change("qa]", "1qa]")),
        ("a name of 41 characters", false, change("qa]", &format!("{}]", "q".repeat(41)))),
        ("no cluster", false, change("    cluster: shared\n", "")),
        ("an empty cluster", false, change("cluster: shared", "cluster: ''")),
        ("an unknown field", false, change("cluster: shared", "cluster: shared\n    region: west")),
        ("an unknown isolation", false, change("isolation: namespace", "isolation: pod")),
        ("an unknown preset", false, change("preset: large", "preset: huge")),
        ("a namespace in capitals", false, change("floe-{{ .environment }}", "Floe-{{ .environment }}")),
        (
            "a namespace of two environments",
            false,
            change("environments: [dev, qa]", "environments: [dev, qa]\n    namespaceTemplate: floe"),
        ),
        ("custom without rows", false, change("preset: large", "preset: custom")),
        ("custom without one row", false, custom(ROW).replace("daemon:", "grafana:")),
        (
            "a row without custom",
            false,
            change("{preset: large}", &format!("{{preset: large, jobs: {ROW}}}")),
        ),
        ("a row of nobody", false, custom(ROW).replace("jobs:", &format!("scheduler: {ROW}, jobs:"))),
        (
            "half a core",
            false,
            custom("{requests: {cpu: \"0.5\", memory: 128Mi}, limits: {cpu: \"1\", memory: 1Gi}}"),
        ),
        (
            "memory in K",
            false,
            custom("{requests: {cpu: 100m, memory: 128Ki}, limits: {cpu: \"1\", memory: 1Gi}}"),
        ),
        ("requests alone", false, custom("{requests: {cpu: 100m, memory: 128Mi}}")),
        (
            "a row with an unknown field",
            false,
            custom("{requests: {cpu: 100m, memory: 128Mi, gpu: \"1\"}, limits: {cpu: \"1\", memory: 1Gi}}"),
        ),
        ("a mapping's name with an underscore", false, change("non-prod:", "non_prod:")),
    ]
}

#[test]
fn room_validate_generator_schema_and_templates_agree_on_every_mapping() {
    let workspace = Workspace::new("model");
    let engine = Engine::new(Profile::FOUR, Session::default());
    let artifact = root().join("tests/it/artifacts/simple.json");
    let mut wrong = Vec::new();
    for (name, good, mapping) in mappings() {
        with_mapping(&workspace, &mapping);
        let text = workspace.read("values.yaml");
        // The Clusters room reads it so.
        let (read, problems) = read_mapping(Path::new("values.yaml"), &text, None);
        let room = !problems.iter().any(is_error);
        // `validate` of the workspace.
        let found = discover(&workspace.platform()).unwrap();
        let validated = !validate(&found, None).iter().any(is_error);
        // The generator.
        let dir = workspace.platform();
        let output = workspace.generate(&artifact, &dir, &["--env", "dev"]);
        let generator = output.code == Some(0);
        // The chart: its schema, then its templates, which know the rules over several mappings.
        let chart = Chart::load(&dir).unwrap();
        let (schema, _) = ChartSchema::load(&chart);
        let merged = LayerSet::for_environment(&chart, &[], &|_| None).merge();
        let by_schema = schema.check(&merged.value, &|_| None).is_empty();
        let mut request = Request::new(&dir, "floe", "floe-dev");
        request.values =
            vec![ValuesSource::Inline { name: "e.yaml".into(), text: "global: {environment: dev}\n".into() }];
        let charts = by_schema
            && match engine.render(&request, false) {
                Ok(_) => true,
                Err(Refusal::Helm { .. }) => false,
                Err(other) => panic!("{other:?}"),
            };
        // The entity by itself: what is true of one mapping alone.
        let entity =
            yaml::read(&mapping).unwrap()["clusterMapping"].as_object().unwrap().iter().all(|(name, own)| {
                let mut value = own.clone();
                value["name"] = json!(name);
                Frozen::<ClusterMapping>::read(&value, &|_| None).is_ok()
            });
        let over_several = ["an environment in two", "a namespace of two environments"].contains(&name);
        let verdicts = [
            ("room", room),
            ("validate", validated),
            ("generator", generator),
            ("charts", charts),
            ("entity", entity || over_several),
        ];
        let expected = |judge: &str| good || (judge == "entity" && over_several);
        for (judge, verdict) in verdicts {
            if verdict != expected(judge) {
                wrong.push(format!("{name}: {judge} says {verdict}: {problems:?} {output}"));
            }
        }
        if good {
            let read = read.unwrap();
            assert_eq!(
                read.of("prod").unwrap().preset() == Preset::Custom,
                name.starts_with("custom"),
                "{name}"
            );
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_presets_have_the_numbers_of_the_charts_templates() {
    let text = std::fs::read_to_string(root().join("charts/floe-platform/templates/_presets.tpl")).unwrap();
    let start = text.find("define \"floe-platform.presets\" -}}").unwrap();
    let body = &text[start..][text[start..].find('\n').unwrap()..];
    let table = yaml::read(&body[..body.find("{{- end }}").unwrap()]).unwrap();
    for preset in [Preset::Small, Preset::Medium, Preset::Large] {
        let rows = table[preset.word()].as_object().unwrap();
        assert_eq!(rows.len(), resources::ROWS.len());
        for (row, numbers) in rows {
            assert_eq!(json!(ResourcePreset::row_of(preset, row).unwrap()), *numbers, "{preset} {row}");
        }
        let whole = json!(ResourcePreset::of(preset).unwrap());
        assert!(Frozen::<ResourcePreset>::read(&whole, &|_| None).is_ok());
        let mut other = whole.clone();
        other["jobs"]["requests"]["cpu"] = json!("101m");
        let told = Frozen::<ResourcePreset>::read(&other, &|_| None).unwrap_err();
        assert!(told[0].to_string().contains("jobs: is not what the preset"), "{told:?}");
    }
    // The requirements' table.
    for (preset, row, cpu, memory) in [
        ("small", "userCode", "250m", "512Mi"),
        ("medium", "daemon", "250m", "512Mi"),
        ("large", "userCode", "1000m", "2Gi"),
    ] {
        assert_eq!(table[preset][row]["requests"], json!({"cpu": cpu, "memory": memory}));
    }
    // The jobs chart has the row of jobs.
    let chart = Chart::load(&root().join("charts/floe-jobs")).unwrap();
    let text = "jobs: {a: {type: custom, command: [x]}}\ndefaults: {image: {repository: a/b, tag: c}}\n";
    for preset in [Preset::Small, Preset::Medium, Preset::Large] {
        let mut request = Request::new(&chart.dir, "r", "n");
        request.values = vec![ValuesSource::Inline {
            name: "v".into(),
            text: format!("{text}resourcesPreset: {preset}\n").into(),
        }];
        let Ok(output) = Engine::new(Profile::FOUR, Session::default()).render(&request, false) else {
            panic!("{preset}")
        };
        let objects = yaml::read_all(output.manifest()).unwrap();
        let made = objects.iter().find(|object| object["kind"] == "Job").unwrap();
        let given = &made["spec"]["template"]["spec"]["containers"][0]["resources"];
        assert_eq!(*given, json!(ResourcePreset::row_of(preset, "jobs").unwrap()), "{preset}");
    }
}

#[test]
fn jobs_are_named_as_the_chart_names_them() {
    let names = [
        "daily_orders",
        "A.b-C_d",
        "9lives",
        "x",
        "Ends_",
        "a__b",
        "0",
        "j-1",
        "a_name_of_more_than_sixty_three_characters_that_has_to_be_cut_somewhere_in_it",
        "a_name_of_more_than_sixty_three_characters_that_has_to_be_cut_somewhere_else",
    ];
    let jobs: serde_json::Map<String, Value> =
        names.iter().map(|name| ((*name).to_owned(), json!({"type": "custom", "command": ["x"]}))).collect();
    let text = yaml::write(&json!({"jobs": jobs, "defaults": {"image": {"repository": "a/b", "tag": "c"}}}));
    let mut request = Request::new(root().join("charts/floe-jobs"), "r", "n");
    request.values = vec![ValuesSource::Inline { name: "v".into(), text: text.into() }];
    let output = Engine::new(Profile::FOUR, Session::default())
        .render(&request, false)
        .unwrap_or_else(|r| panic!("{r:?}"));
    let mut found = 0;
    for object in yaml::read_all(output.manifest()).unwrap() {
        let Some(name) = object["spec"]["template"]["metadata"]["annotations"]["floe.dev/job-name"].as_str()
        else {
            continue;
        };
        let label = object["spec"]["template"]["metadata"]["labels"]["floe.dev/job"].as_str().unwrap();
        assert_eq!(label, job::valid_name(name, 63), "{name}");
        found += 1;
    }
    assert_eq!(found, names.len());
}

#[rstest]
fn our_charts_are_what_the_model_asks_for(
    #[values("floe-platform", "floe-jobs", "otel-collector", "dataspoke")] name: &str,
) {
    let chart = Chart::load(&root().join("charts").join(name)).unwrap();
    assert!(FloeHelmChart::is_claimed(&chart));
    let entity = FloeHelmChart::of(&chart).unwrap_or_else(|problems| panic!("{problems:?}"));
    assert_eq!(entity.name, name);
    assert_eq!(entity.dependencies.len(), chart.metadata.dependencies.len());
    assert!(entity.compatibility_matrix[&entity.version].starts_with(">=0.3.0"));
}

#[test]
fn jobs_of_the_chart_are_data_product_jobs() {
    let text = "global: {environment: dev}\nartifacts: {content: {version: 0.5.0, metadata: {product_name: x}}}\n\
                defaults: {image: {repository: a/b, tag: c}, secrets: [{name: db, env: {PGPASSWORD: pw}}, {name: all, envFrom: true}]}\n\
                jobs: {now: {type: dbt, dbt: {select: [a]}}, daily: {type: custom, command: [run], schedule: \"@daily\"}}\n";
    let mut request = Request::new(root().join("charts/floe-jobs"), "r", "n");
    request.values = vec![ValuesSource::Inline { name: "v".into(), text: text.into() }];
    let output = Engine::new(Profile::FOUR, Session::default())
        .render(&request, false)
        .unwrap_or_else(|r| panic!("{r:?}"));
    let objects = yaml::read_all(output.manifest()).unwrap();
    let of = |kind: &str| {
        let mut object = objects.iter().find(|object| object["kind"] == kind).unwrap().clone();
        // As the API server has it.
        object["metadata"]["namespace"] = json!("floe-dev");
        object
    };
    let mut job = of("Job");
    let at = |seconds: u32| format!("2026-01-01T00:00:{seconds:02}Z");
    let status = |value: Value| -> Value {
        let mut seen = job.clone();
        seen["status"] = value;
        json!(DataProductJob::of_object(&seen, "no such table").unwrap().status)
    };
    let phase = |value: Value| status(value)["phase"].as_str().unwrap().to_owned();
    assert_eq!(phase(json!({})), "Pending");
    assert_eq!(phase(json!({"startTime": at(1), "active": 1, "ready": 0})), "Pending");
    assert_eq!(phase(json!({"startTime": at(1), "active": 1, "ready": 1})), "Running");
    let condition = |kind: &str| json!([{"type": kind, "status": "True", "lastTransitionTime": at(9)}]);
    let done = status(
        json!({"startTime": at(1), "succeeded": 1, "completionTime": at(8), "conditions": condition("Complete")}),
    );
    assert_eq!(
        done,
        json!({"phase": "Succeeded", "startTime": at(1), "completionTime": at(8), "logs": null})
    );
    let failed = status(json!({"startTime": at(1), "failed": 3, "conditions": condition("Failed")}));
    assert_eq!(
        failed,
        json!({"phase": "Failed", "startTime": at(1), "completionTime": at(9), "logs": "no such table"})
    );
    assert_eq!(
        status(json!({"startTime": at(1), "conditions": condition("Failed")}))["startTime"],
        Value::Null
    );
    let read = DataProductJob::of_object(&job, "").unwrap();
    assert_eq!(read.command, ["dbt", "build", "--select", "a"]);
    assert_eq!(read.image, "docker.io/a/b:c");
    let secrets: Vec<(&str, Option<&str>)> =
        read.secrets.iter().map(|own| (own.name.as_str(), own.key.as_deref())).collect();
    assert_eq!(secrets, [("all", None), ("db", Some("pw"))]);
    let cron = DataProductJob::of_object(&of("CronJob"), "").unwrap();
    assert_eq!((cron.status.is_none(), cron.command.len()), (true, 1));
    // What is somebody else's job is told apart by what it lacks.
    job["spec"]["template"]["spec"]["containers"][0]["resources"] = Value::Null;
    job["spec"]["template"]["spec"]["volumes"] = json!([]);
    let told = DataProductJob::of_object(&job, "").unwrap_err();
    let keys: Vec<&str> = told.iter().map(|problem| problem.key.as_str()).collect();
    assert!(keys.contains(&"artifacts") && keys.contains(&"resources"), "{told:?}");
}

#[test]
fn a_chart_that_breaks_the_model_is_told_with_the_line() {
    let folder = tempfile::tempdir().unwrap();
    let text = "apiVersion: v2\nname: Floe_Platform\nversion: \"1.0\"\nappVersion: \"1\"\nannotations:\n  floe.dev/floe-core-version: soon\ndependencies:\n  - name: x\n    version: latest\n    repository: ftp://x\n";
    std::fs::write(folder.path().join("Chart.yaml"), text).unwrap();
    std::fs::write(folder.path().join("values.schema.json"), "{}").unwrap();
    let chart = Chart::load(folder.path()).unwrap();
    let told: Vec<String> = FloeHelmChart::of(&chart).unwrap_err().iter().map(ToString::to_string).collect();
    for words in [
        "Chart.yaml:2 name: must match",
        "Chart.yaml:3 version: must match",
        "Chart.yaml:10 dependencies[0].repository: must match",
    ] {
        assert!(told.iter().any(|line| line.starts_with(words)), "{words} in {told:?}");
    }
    std::fs::write(
        folder.path().join("Chart.yaml"),
        text.replace("Floe_Platform", "x")
            .replace("version: \"1.0\"\n", "version: 1.0.0\n")
            .replace("ftp:", "oci:"),
    )
    .unwrap();
    let chart = Chart::load(folder.path()).unwrap();
    let told: Vec<String> = FloeHelmChart::of(&chart).unwrap_err().iter().map(ToString::to_string).collect();
    assert!(told.iter().any(|line| line.contains("`latest` is neither a version nor a range")), "{told:?}");
    assert!(told.iter().any(|line| line.contains("`soon` is no range of versions")), "{told:?}");
}

#[test]
fn every_entity_prints_its_schema_and_refuses_unknown_fields() {
    let workspace = Workspace::empty("model-schema");
    let names = workspace.floe(&["schema"]).ok().stdout;
    assert_eq!(names.lines().count(), model::ENTITIES.len());
    for name in names.lines() {
        let schema = workspace.floe(&["schema", &name.to_lowercase()]).ok().json();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{name}");
        assert_eq!(schema["title"], name);
        assert_eq!(schema["additionalProperties"], false, "{name}");
        assert!(schema["description"].as_str().is_some_and(|words| !words.is_empty()), "{name}");
        // Every object below it as well, but for maps of names.
        for (definition, body) in schema["$defs"].as_object().into_iter().flatten() {
            let closed = body["type"] != "object" || body["additionalProperties"] == false;
            assert!(closed, "{name}: {definition}");
        }
    }
    let told = workspace.floe(&["schema", "Nothing"]).expect_code(1);
    assert!(told.stderr.contains("choose one of: FloeHelmChart"), "{told}");
}

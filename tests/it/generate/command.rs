//! The command with its files, environments and an install of what it wrote.

use super::*;

#[test]
fn what_is_there_is_only_replaced_when_it_was_generated_and_a_dry_run_writes_nothing() {
    let workspace = Workspace::new("gen-files");
    let (artifact, out) = (artifact_file("simple.json"), workspace.folder().join("dev.yaml"));
    let dir = workspace.platform();
    let write = || workspace.generate(&artifact, &dir, &["--env", "dev", "--output", out.to_str().unwrap()]);
    let dry = || {
        let more = ["--env", "dev", "--output", out.to_str().unwrap(), "--dry-run"];
        workspace.generate(&artifact, &dir, &more)
    };
    let told = dry().expect_code(2);
    assert!(
        told.stdout.contains("dev.yaml: would be created") && told.stdout.contains("+  environment: dev"),
        "{told}"
    );
    assert!(!out.exists());
    write().ok();
    let text = std::fs::read_to_string(&out).unwrap();
    assert!(generate::made_from(&text).is_some_and(|hash| hash.len() == 64), "{text}");
    dry().ok();
    // Of another artifact it is another file.
    std::fs::write(&out, text.replace("environment: dev", "environment: elsewhere")).unwrap();
    let told = dry().expect_code(2);
    assert!(
        told.stdout.contains("-  environment: elsewhere") && told.stdout.contains("would be changed"),
        "{told}"
    );
    write().ok();
    assert_eq!(std::fs::read_to_string(&out).unwrap(), text);
    std::fs::write(&out, "mine: true\n").unwrap();
    let refused = write().expect_code(1);
    assert!(refused.stderr.contains("was not generated, and is left alone"), "{refused}");
    assert_eq!(std::fs::read_to_string(&out).unwrap(), "mine: true\n");
    // One broken environment: none is written.
    let folder = workspace.folder().join("all/");
    workspace.write("values-qa.yaml", "global: {environment: qa}\ndagster: {logLevel: loud}\n");
    let more = ["--env", "dev", "--env", "qa", "--output", folder.to_str().unwrap()];
    let refused = workspace.generate(&artifact, &dir, &more).expect_code(1);
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
        let mut more = vec!["--json", "--manifest", file.to_str().unwrap()];
        for environment in environments {
            more.extend(["--env", environment]);
        }
        workspace.generate(&artifact, &dir, &more)
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

/// What is generated for the five environments, installed by each helm: both charts run everywhere, jobs get what the
/// artifact says, and each deployment knows its artifact.
#[rstest]
#[case::helm_3(HelmMajor::Three)]
#[case::helm_4(HelmMajor::Four)]
fn planes_generated_values_install_the_platform_and_its_jobs(#[case] major: HelmMajor) {
    let workspace = Workspace::on_planes("gen", major, &ALL);
    let (file, out) = (artifact_file("centralized.json"), workspace.folder().join("generated/"));
    let mut with_secrets = BTreeSet::new();
    for chart in ["floe-platform", "floe-jobs"] {
        let dir = workspace.charts().join(chart);
        let image = if chart == "floe-jobs" { IMAGE } else { "dagster.runs.maxRetries=1" };
        let mut more = vec!["--set", image, "--output", out.to_str().unwrap(), "--json"];
        more.extend(ALL.iter().flat_map(|environment| ["--env", environment]));
        let made = workspace.generate(&file, &dir, &more).ok().json();
        for (environment, made) in ALL.iter().zip(made["environments"].as_array().unwrap()) {
            assert_eq!(made["environment"], *environment);
            let (_, plane) = ENVIRONMENTS.iter().find(|(name, _)| name == environment).unwrap();
            let namespace = workspace.namespace(environment);
            for secret in made["secrets"].as_array().unwrap() {
                let name = secret["name"].as_str().unwrap();
                let mut command = vec!["--namespace", &namespace, "create", "secret", "generic", name];
                let keys: Vec<String> = secret["keys"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|key| format!("--from-literal={}=of-the-test", key["key"].as_str().unwrap()))
                    .collect();
                command.extend(keys.iter().map(String::as_str));
                sandbox().kubectl(plane, &command).ok();
                with_secrets.insert(*environment);
            }
        }
        // Side by side, because most of it is waiting for hooks; whether all is well is looked at below.
        let install = &|environment: &str| {
            let values = out.join(format!("{chart}-{environment}.yaml"));
            let own = dir.join(format!("values-{environment}.yaml"));
            let mut install = vec!["install", chart, dir.to_str().unwrap()];
            if own.exists() {
                install.extend(["-f", own.to_str().unwrap()]);
            }
            install.extend(["-f", values.to_str().unwrap(), "--timeout", "4m"]);
            workspace.helm(environment, &install).ok();
        };
        std::thread::scope(|scope| {
            for environment in ALL {
                scope.spawn(move || install(environment));
            }
        });
    }
    assert_eq!(with_secrets, BTreeSet::from(ALL), "what an artifact needs it needs everywhere");
    let platform = workspace.platform();
    for environment in ALL {
        let status = eventually("a healthy platform", Duration::from_mins(3), || {
            let output =
                workspace.floe(&["status", platform.to_str().unwrap(), "--env", environment, "--json"]);
            if output.code == Some(0) { Ok(output.json()) } else { Err(output.to_string()) }
        });
        assert_eq!(
            (&status["artifactVersion"], &status["status"], &status["environment"]),
            (&json!("0.10.0"), &json!("deployed"), &json!(environment)),
            "{status}"
        );
        let replicas = status["components"].as_array().unwrap().iter().map(|own| &own["replicas"]);
        assert!(replicas.clone().count() > 5, "{status}");
        for replicas in replicas {
            assert_eq!(replicas["desired"], replicas["available"], "{environment}: {status}");
        }
    }
    let config = workspace.get("dev", &["configmap"]).to_string();
    assert!(
        config.contains("http://lineage.example.com:5000") || config.contains("data_retention_days"),
        "{config}"
    );
    let jobs = ALL.map(|environment| {
        eventually("all jobs of the product succeed", Duration::from_mins(2), || {
            let jobs = workspace.get(environment, &["jobs", "-l", "app.kubernetes.io/instance=floe-jobs"]);
            let items = jobs["items"].as_array().unwrap().clone();
            let done = items.iter().filter(|job| job["status"]["succeeded"] == 1).count();
            if done == 3 { Ok(items) } else { Err(format!("{done} of {}: {jobs}", items.len())) }
        })
    });
    for job in jobs.iter().flatten() {
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

/// What `floe-tui.toml` says of sources and output is enough, and `validate` says which files are stale.
#[test]
fn a_workspace_that_names_its_sources_is_generated_and_judged_by_them() {
    let workspace = Workspace::new("gen-settings");
    let folder = workspace.folder();
    let settings = format!(
        "[charts.floe-platform]\nrelease = \"floe\"\n[charts.floe-platform.generate]\nartifacts = \"{}\"\nmanifest = \"{}\"\n",
        artifact_file("centralized.json").display(),
        artifact_file("manifest.yaml").display()
    );
    std::fs::write(folder.join("floe-tui.toml"), settings).unwrap();
    let platform = workspace.platform();
    let place = folder.to_str().unwrap();
    let told = workspace.floe(&["validate", place, "--env", "prod"]).ok();
    let about = "generated/floe-platform-prod.yaml: warning: is not generated yet; generate in Values, or floe-tui generate --chart charts/floe-platform";
    assert!(told.stdout.contains(about), "{told}");
    let made = workspace.floe(&["generate", "--chart", platform.to_str().unwrap()]).ok();
    assert_eq!(made.stdout.matches(": created").count(), 5, "{made}");
    let again = workspace.floe(&["generate", "--chart", platform.to_str().unwrap(), "--dry-run"]).ok();
    assert_eq!(again.stdout.matches(": unchanged").count(), 5, "{again}");
    let text = std::fs::read_to_string(folder.join("generated/floe-platform-prod.yaml")).unwrap();
    assert!(text.contains("release floe\n"), "the settings of the workspace hold: {text}");
    let told = workspace.floe(&["validate", place, "--json"]);
    assert!(!told.stdout.contains("stale") && !told.stdout.contains("not generated"), "{told}");
    // helm gets the file, where it stands.
    let rendered = workspace.floe(&["render", platform.to_str().unwrap(), "--env", "prod"]).ok();
    assert!(rendered.stdout.contains("SALES"), "what was generated is a layer: {rendered}");
    std::fs::write(folder.join("generated/floe-platform-qa.yaml"), text).unwrap();
    let told = workspace.floe(&["validate", place, "--env", "qa"]);
    assert!(told.stdout.contains("generated/floe-platform-qa.yaml: warning: is stale: "), "{told}");
    let nothing =
        workspace.floe(&["generate", "--chart", workspace.charts().join("floe-jobs").to_str().unwrap()]);
    assert!(nothing.stderr.contains("[charts.floe-jobs.generate]"), "{nothing}");
}

/// What an operator sees of it: generate by a key, the consequences for all environments, save; the files are those of the
/// command.
#[test]
fn the_room_generates_what_the_command_writes() {
    let workspace = Workspace::new("gen-room");
    let artifact = artifact_file("centralized.json");
    let settings = format!(
        "[charts.floe-platform.generate]\nartifacts = \"{}\"\noutput = \"../out\"\n",
        artifact.display()
    );
    std::fs::write(workspace.charts().join("floe-tui.toml"), settings).unwrap();
    let out = workspace.folder().join("out");
    let mut operator = Operator::open(&workspace, 140, 40);
    operator.room("Values");
    operator.terminal.wait_all(&["generated yet", "5 stale"], CLUSTER);
    operator.terminal.press("m");
    operator.terminal.wait_all(&["generated: 5 of 5 files changed", "left out"], CLUSTER);
    assert!(!out.exists(), "nothing is written before it is saved");
    operator.terminal.press("Esc");
    operator.terminal.wait_for("the consequences for every environment", CLUSTER, |screen| {
        let told = ALL.iter().filter(|name| has_row(screen, &[name, "restarts"]));
        told.count() == 5 && header(screen).contains("5 unsaved") && !has(screen, "5 stale")
    });
    operator.terminal.press("S");
    operator.terminal.wait_text("Enter saves the marked");
    operator.terminal.press("Enter");
    operator.terminal.wait_for("nothing unsaved", CLUSTER, |screen| !header(screen).contains("unsaved"));
    let expected = workspace.folder().join("expected/");
    let mut more = vec!["--output", expected.to_str().unwrap()];
    more.extend(ALL.iter().flat_map(|environment| ["--env", environment]));
    workspace.generate(&artifact, &workspace.platform(), &more).ok();
    for environment in ALL {
        let name = format!("floe-platform-{environment}.yaml");
        let read = |folder: &Path| std::fs::read(folder.join(&name)).unwrap();
        assert!(read(&out) == read(&expected), "{name} differs");
    }
    // A field behind a key, and what the artifact's next version does.
    operator.value("polaris.realm", "prod");
    operator.terminal.wait_all(&["from plugins.catalog.config.realm", "centralized.json:"], CLUSTER);
    operator.quit();
}

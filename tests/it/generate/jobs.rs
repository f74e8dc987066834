//! Models become jobs.

use super::*;

#[test]
fn models_become_jobs_with_valid_names_a_schedule_and_their_order_is_told() {
    let workspace = Workspace::new("gen-jobs");
    let dir = workspace.charts().join("floe-jobs");
    let (artifact, spec) = (artifact_file("centralized.json"), artifact_file("floe.yaml"));
    let mut more = vec!["--env", "uat", "--spec", spec.to_str().unwrap(), "--set", IMAGE, "--json"];
    let made = workspace.generate(&artifact, &dir, &more).ok().json();
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
    let told = workspace.generate(&simple, &dir, &more).ok().json()["problems"].to_string();
    assert!(told.contains("1 of the models depend on others"), "{told}");
    more.extend(["--jobs", "single"]);
    let single = workspace.generate(&simple, &dir, &more).ok().json();
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

//! No credential comes out, however it is planted.

use super::*;

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
        let image = if chart == "floe-jobs" { IMAGE } else { "nameOverride=" };
        for more in [
            vec![],
            vec!["--json"],
            vec!["--dry-run", "--output", out.to_str().unwrap()],
            vec!["--output", out.to_str().unwrap()],
        ] {
            let mut all = vec!["--env", "dev", "--env", "prod", "--set", image];
            all.extend(&more);
            let printed = workspace.generate(&file, &dir, &all);
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
        let printed = workspace.generate(&file, &dir, &["--env", "dev"]).expect_code(1);
        let quoted = pointer == "/transforms";
        if !quoted {
            look(pointer, &printed.stderr);
        }
        assert!(printed.stdout.is_empty(), "{printed}");
    }
    // Nothing lasts in the program's own folders.
    for folder in [workspace.state(), workspace.runtime(), workspace.config()] {
        crate::support::walk(&folder, &mut |file| {
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

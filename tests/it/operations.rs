//! Plans and ways out on real control planes: what refuses a plan, who owns a release, how every stuck release gets out.

use rstest::rstest;

use super::support::sandbox::HelmMajor;
use super::support::workspace::Workspace;

/// A declared post-renderer and an encrypted layer are named everywhere and never planned over.
#[rstest]
#[case::helm_3(HelmMajor::Three)]
#[case::helm_4(HelmMajor::Four)]
fn planes_what_cannot_be_read_is_named_and_refuses_the_plan(#[case] major: HelmMajor) {
    let workspace = Workspace::on_planes("unreadable", major, &["dev"]);
    let charts = workspace.charts();
    let charts = charts.to_str().expect("utf-8");
    workspace.floe(&["plan", charts, "--env", "dev"]).expect_code(2);
    let settings = workspace.charts().join("floe-tui.toml");
    std::fs::write(
        &settings,
        "[charts.floe-platform.environments.dev]\npost-renderer = [\"patch-images\", \"--dev\"]\n",
    )
    .expect("settings");
    let words = "the post-renderer `patch-images --dev` (floe-tui.toml:2) changes what helm renders";
    let plan = workspace.floe(&["plan", charts, "--env", "dev"]).expect_code(1);
    assert!(plan.stderr.contains(words) && plan.stdout.contains("blocked"), "{plan}");
    let data = workspace.floe(&["plan", charts, "--env", "dev", "--json"]).expect_code(1).json();
    assert!(data["incomplete"].as_str().is_some_and(|why| why.contains(words)), "{data}");
    let diff = workspace.floe(&["diff", charts, "--env", "dev", "--against", "prod"]).expect_code(2);
    assert!(diff.stderr.contains(&format!("incomplete: {words}")), "{diff}");
    let refused = workspace.floe(&["apply", charts, "--env", "dev", "--yes"]).expect_code(1);
    assert!(refused.stderr.contains(words), "{refused}");

    std::fs::remove_file(&settings).expect("settings");
    let text = workspace.read("values-dev.yaml");
    let cipher = "sops:\n  mac: ENC[AES256_GCM,data:bWFj,type:str]\n  version: 3.9.0\n";
    workspace.write("values-dev.yaml", &format!("{text}{cipher}"));
    let plan = workspace.floe(&["plan", charts, "--env", "dev"]).expect_code(1);
    assert!(plan.stderr.contains("values-dev.yaml is encrypted with sops"), "{plan}");
    let diff = workspace.floe(&["diff", charts, "--env", "dev", "--against", "prod"]);
    assert!(diff.stderr.contains("incomplete: values-dev.yaml is encrypted with sops"), "{diff}");
    std::fs::write(
        &settings,
        "[charts.floe-platform.decrypt]\n\"values-dev.yaml\" = [\"sops\", \"--decrypt\"]\n",
    )
    .expect("settings");
    let plan = workspace.floe(&["plan", charts, "--env", "dev"]).expect_code(1);
    let words = "values-dev.yaml is decrypted by `sops --decrypt` (floe-tui.toml:2), which is not run here";
    assert!(plan.stderr.contains(words) && !plan.stderr.contains("is encrypted with"), "{plan}");
}

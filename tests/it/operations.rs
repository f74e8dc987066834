//! Plans and ways out on real control planes: what refuses a plan, who owns a release, how every stuck release gets out.

use std::io::{Read as _, Write as _};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rstest::rstest;
use serde_json::{Value, json};

use super::support::process::{self, Output, eventually};
use super::support::sandbox::{HelmMajor, sandbox};
use super::support::workspace::Workspace;

const RELEASE: &str = "floe-platform";

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

/// A small chart in the platform's place: what is tested is the release, not what it holds.
pub struct Small {
    pub workspace: Workspace,
    /// Further variables of the program's and helm's environment.
    env: Vec<(&'static str, &'static str)>,
}

impl Small {
    pub fn new(name: &str, major: HelmMajor) -> Self {
        let workspace = Workspace::on_planes(name, major, &["dev"]);
        let platform = workspace.platform();
        std::fs::remove_dir_all(&platform).expect("the platform");
        std::fs::remove_dir_all(workspace.charts().join("otel-collector")).expect("its neighbour");
        std::fs::create_dir_all(platform.join("templates")).expect("a folder");
        let namespace = workspace.namespace("dev");
        let prefix = namespace.strip_suffix("-dev").expect("an environment");
        workspace.write("Chart.yaml", "apiVersion: v2\nname: floe-platform\nversion: 1.0.0\n");
        workspace.write(
            "values.yaml",
            &format!(
                "clusterMapping:\n  non-prod:\n    cluster: aks-shared-nonprod\n    environments: [dev]\n    \
                 namespaceTemplate: \"{prefix}-{{{{.environment}}}}\"\n    isolation: namespace\n    resources: \
                 {{preset: small}}\ntext: one\n"
            ),
        );
        workspace.write("values-dev.yaml", "global: {environment: dev}\n");
        workspace.write(
            "templates/map.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: words}\ndata: {text: {{ .Values.text | quote }}}\n",
        );
        Self { workspace, env: Vec::new() }
    }

    #[track_caller]
    pub fn floe(&self, command: &str, operation: &str, more: &[&str]) -> Output {
        let charts = self.workspace.charts();
        let mut args = vec![command, charts.to_str().expect("utf-8"), "--env", "dev"];
        if !operation.is_empty() {
            args.extend(["--operation", operation]);
        }
        args.extend(more);
        let mut command = self.workspace.floe_command(&args);
        command.envs(self.env.iter().copied());
        process::run(&mut command, Duration::from_mins(3))
    }

    #[track_caller]
    pub fn apply(&self, operation: &str, more: &[&str]) -> Output {
        let mut args = vec!["--yes"];
        args.extend(more);
        self.floe("apply", operation, &args)
    }

    fn set(&self, text: &str) {
        self.workspace.write("values-dev.yaml", &format!("global: {{environment: dev}}\ntext: {text}\n"));
    }

    fn text(&self) -> Value {
        self.workspace.get("dev", &["configmap", "words"])["data"]["text"].clone()
    }

    /// The states of the kept revisions, oldest first.
    fn states(&self) -> Vec<String> {
        super::cli::revisions(&self.workspace)
    }

    /// Two revisions: text one, then two.
    fn upgraded(self) -> Self {
        self.apply("install", &[]).ok();
        self.set("two");
        self.apply("upgrade", &[]).ok();
        assert_eq!(self.states(), ["superseded", "deployed"]);
        self
    }

    fn storage(revision: u32) -> String {
        format!("sh.helm.release.v1.{RELEASE}.v{revision}")
    }

    fn patch(&self, revision: u32, patch: &Value) {
        let namespace = self.workspace.namespace("dev");
        let (storage, patch) = (Self::storage(revision), patch.to_string());
        let args = ["-n", &namespace, "patch", "secret", &storage, "--type=merge", "-p", &patch];
        sandbox().kubectl("nonprod", &args).ok();
    }

    /// What a helm leaves that dies, or that two at a time leave: the record with another status, in the label and in the
    /// payload.
    pub fn mark(&self, revision: u32, status: &str) {
        let secret = self.workspace.get("dev", &["secret", &Self::storage(revision)]);
        let stored = STANDARD.decode(secret["data"]["release"].as_str().expect("a record")).expect("base64");
        let packed = STANDARD.decode(stored).expect("helm's own base64");
        let mut text = String::new();
        flate2::read::GzDecoder::new(packed.as_slice()).read_to_string(&mut text).expect("a packed record");
        let mut record: Value = serde_json::from_str(&text).expect("a record");
        record["info"]["status"] = json!(status);
        let mut pack = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        pack.write_all(record.to_string().as_bytes()).expect("packing");
        let packed = STANDARD.encode(STANDARD.encode(pack.finish().expect("packing")));
        self.patch(
            revision,
            &json!({"metadata": {"labels": {"status": status}}, "data": {"release": packed}}),
        );
    }

    /// A plan that helm would not survive names these ways out.
    #[track_caller]
    fn refused(&self, operation: &str, words: &[&str]) {
        let plan = self.floe("plan", operation, &[]).expect_code(1);
        for words in words {
            assert!(plan.stderr.contains(words), "no `{words}` in {plan}");
        }
    }

    /// The way leads out: afterwards the release is one that is upgraded like any other.
    #[track_caller]
    fn is_out(&self) {
        assert_eq!(self.states().last().map(String::as_str), Some("deployed"));
        self.set("after");
        self.apply("upgrade", &[]).ok();
        assert_eq!(self.text(), "after");
        assert_eq!(self.states().iter().filter(|state| *state == "deployed").count(), 1);
    }
}

/// Every state that keeps helm from a release is shown, and each way out that is offered really leads out.
#[rstest]
fn planes_every_stuck_release_gets_out(
    #[values(HelmMajor::Three, HelmMajor::Four)] major: HelmMajor,
    #[values(
        "pending-install",
        "pending-install-again",
        "pending-upgrade",
        "pending-rollback",
        "uninstalling",
        "failed-install",
        "superseded-only",
        "superseded-back",
        "uninstalled",
        "two-deployed",
        "corrupt",
        "no-namespace"
    )]
    state: &str,
) {
    let small = Small::new("stuck", major);
    match state {
        "pending-install" | "pending-install-again" => {
            small.apply("install", &[]).ok();
            small.mark(1, "pending-install");
            let ways =
                ["way out: wait", "way out: roll back to revision 1", "way out: uninstall, then install"];
            small.refused("upgrade", &ways);
            small.refused("install", &ways);
            if state == "pending-install" {
                small.apply("rollback", &["--revision", "1"]).ok();
            } else {
                small.apply("uninstall", &[]).ok();
                small.apply("install", &[]).ok();
            }
        }
        "pending-upgrade" => {
            let small = small.upgraded();
            small.mark(1, "deployed");
            small.mark(2, "pending-upgrade");
            small.refused("upgrade", &["revision 2 is pending-upgrade", "way out: roll back to revision 1"]);
            small.apply("rollback", &[]).ok();
            assert_eq!(small.text(), "one");
            return small.is_out();
        }
        "pending-rollback" => {
            let small = small.upgraded();
            small.apply("rollback", &[]).ok();
            small.mark(3, "pending-rollback");
            small.refused("upgrade", &["revision 3 is pending-rollback", "way out: roll back to revision 2"]);
            small.apply("rollback", &["--revision", "2"]).ok();
            assert_eq!(small.text(), "two");
            return small.is_out();
        }
        "uninstalling" => {
            let small = small.upgraded();
            small.mark(2, "uninstalling");
            small.refused("upgrade", &["the release is uninstalling", "way out: uninstall again"]);
            small.apply("uninstall", &[]).ok();
            small.apply("install", &[]).ok();
            return small.is_out();
        }
        "failed-install" => {
            small.apply("install", &[]).ok();
            small.mark(1, "failed");
            small.refused("install", &["way out: upgrade", "way out: uninstall, then install"]);
            small.set("two");
            small.apply("upgrade", &[]).ok();
        }
        "superseded-only" | "superseded-back" => {
            let small = small.upgraded();
            small.mark(2, "superseded");
            small.refused("install", &["way out: upgrade", "way out: roll back to revision 2"]);
            if state == "superseded-back" {
                small.apply("rollback", &["--revision", "2"]).ok();
                return small.is_out();
            }
            small.apply("upgrade", &[]).ok();
            return small.is_out();
        }
        "uninstalled" => {
            small.apply("install", &[]).ok();
            small.apply("uninstall", &["--keep-history"]).ok();
            let ways = ["way out: roll back to revision 1", "way out: uninstall again"];
            small.refused("upgrade", &ways);
            small.refused("install", &ways);
            small.apply("rollback", &["--revision", "1"]).ok();
            assert_eq!(small.text(), "one");
        }
        "two-deployed" => {
            let small = small.upgraded();
            small.mark(1, "deployed");
            let plan = small.floe("plan", "upgrade", &["--json"]).json();
            assert!(plan["checks"].to_string().contains("are all recorded as deployed"), "{plan}");
            small.apply("rollback", &["--revision", "2"]).ok();
            return small.is_out();
        }
        "corrupt" => {
            let small = small.upgraded();
            let broken = STANDARD.encode(STANDARD.encode("no record"));
            small.patch(2, &json!({"data": {"release": broken}}));
            small.mark(1, "deployed");
            let storage = Small::storage(2);
            small.refused(
                "upgrade",
                &["the record of revision 2 cannot be read", &format!("delete secret {storage}")],
            );
            let namespace = small.workspace.namespace("dev");
            sandbox().kubectl("nonprod", &["-n", &namespace, "delete", "secret", &storage]).ok();
            small.apply("upgrade", &[]).ok();
            return small.is_out();
        }
        "no-namespace" => {
            let namespace = small.workspace.namespace("dev");
            small.apply("install", &[]).ok();
            sandbox().kubectl("nonprod", &["delete", "namespace", &namespace]).ok();
            // The deployer's rights went with it.
            small.refused("upgrade", &["may not read the release's records", &namespace]);
            sandbox().grant("nonprod", &[namespace]);
            // To somebody who may not read kube-system it could as well be another cluster.
            small.refused("install", &["it was deleted and made anew", "pin it anew in Clusters"]);
            std::fs::remove_file(small.workspace.state().join("pins.toml")).expect("the pins");
            small.refused("upgrade", &["there is no such release", "install it"]);
            small.apply("install", &[]).ok();
        }
        other => panic!("no state {other}"),
    }
    small.is_out();
}

/// Who owns an object or a release is named, and the plan refused.
#[rstest]
#[case::helm_3(HelmMajor::Three)]
#[case::helm_4(HelmMajor::Four)]
fn planes_other_owners_are_named_and_refuse_the_plan(#[case] major: HelmMajor) {
    let small = Small::new("owner", major);
    small.apply("install", &[]).ok();
    small.set("two");
    let namespace = small.workspace.namespace("dev");
    let mark = |what: &str, pair: &str| {
        sandbox()
            .kubectl("nonprod", &["-n", &namespace, what, "configmap", "words", "--overwrite", pair])
            .ok();
    };
    for (what, key, value, owner) in [
        (
            "annotate",
            "argocd.argoproj.io/tracking-id",
            "shop:/ConfigMap:x/words",
            "belongs to Argo CD: shop:",
        ),
        ("label", "argocd.argoproj.io/instance", "shop", "belongs to Argo CD: shop"),
        ("annotate", "argocd.argoproj.io/instance", "shop", "belongs to Argo CD: shop"),
        ("label", "kustomize.toolkit.fluxcd.io/name", "fleet", "belongs to Flux: fleet"),
        ("label", "helm.toolkit.fluxcd.io/name", "fleet", "belongs to Flux: fleet"),
        ("annotate", "meta.helm.sh/release-name", "another", "belongs to the release"),
    ] {
        small.floe("plan", "upgrade", &[]).expect_code(2);
        mark(what, &format!("{key}={value}"));
        small.refused("upgrade", &["ConfigMap words", owner]);
        if key.starts_with("meta.helm.sh") {
            mark(what, &format!("{key}={RELEASE}"));
        } else {
            mark(what, &format!("{key}-"));
        }
    }
    // Flux marks the record as well: then every verb is its own.
    small.patch(
        1,
        &json!({"metadata": {"labels": {"helm.toolkit.fluxcd.io/name": "fleet",
        "helm.toolkit.fluxcd.io/namespace": "flux-system"}}}),
    );
    for operation in ["upgrade", "uninstall", "test"] {
        small.refused(operation, &["this release belongs to Flux: HelmRelease flux-system/fleet"]);
    }
    small.patch(
        1,
        &json!({"metadata": {"labels": {"helm.toolkit.fluxcd.io/name": null,
        "helm.toolkit.fluxcd.io/namespace": null}}}),
    );
    // An object that is there before the release is somebody's.
    small.apply("uninstall", &[]).ok();
    sandbox().kubectl("nonprod", &["-n", &namespace, "create", "configmap", "words"]).ok();
    small.refused("install", &["ConfigMap words exists already and belongs to nobody's release"]);
    mark("label", "app.kubernetes.io/managed-by=terraform");
    small.refused("install", &["ConfigMap words exists already and belongs to terraform"]);
}

/// Releases that helm keeps in config maps live like those in secrets; other drivers are named as not readable.
#[rstest]
#[case::helm_3(HelmMajor::Three)]
#[case::helm_4(HelmMajor::Four)]
fn planes_releases_in_config_maps(#[case] major: HelmMajor) {
    let mut small = Small::new("driver", major);
    small.env = vec![("HELM_DRIVER", "configmap")];
    small.apply("install", &[]).ok();
    small.set("two");
    let plan = small.floe("plan", "upgrade", &[]).expect_code(2);
    assert!(plan.stdout.contains("last revision 1, deployed"), "{plan}");
    small.apply("upgrade", &[]).ok();
    assert_eq!(small.text(), "two");
    let stored = small.workspace.get("dev", &["configmaps", "-l", "owner=helm"]);
    assert_eq!(stored["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(
        small.workspace.get("dev", &["secrets", "-l", "owner=helm"])["items"].as_array().map(Vec::len),
        Some(0)
    );
    let status = small.floe("status", "", &["--json"]).ok().json();
    assert_eq!((&status["revision"], &status["status"]), (&json!(2), &json!("deployed")));
    small.floe("diff", "", &["--against", "deployed"]).ok();
    small.apply("rollback", &[]).ok();
    assert_eq!(small.text(), "one");
    small.apply("uninstall", &[]).ok();
    for (driver, words) in
        [("sql", "in a database that floe-tui cannot read"), ("memory", "in its own memory")]
    {
        small.env = vec![("HELM_DRIVER", driver)];
        small.refused("install", &[&format!("HELM_DRIVER={driver}"), words]);
        let status = small.floe("status", "", &[]).expect_code(1);
        assert!(status.stderr.contains(words), "{status}");
    }
}

/// A supervisor that is killed takes neither helm nor the truth along.
#[rstest]
#[case::helm_3(HelmMajor::Three, false)]
#[case::helm_4(HelmMajor::Four, false)]
#[case::helm_3_and_helm_too(HelmMajor::Three, true)]
#[case::helm_4_and_helm_too(HelmMajor::Four, true)]
fn planes_a_killed_supervisor(#[case] major: HelmMajor, #[case] helm_too: bool) {
    let small = Small::new("orphan", major);
    // helm speaks after its wait: whoever listened is gone by then.
    small.workspace.write(
        "templates/slow.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: slow}\nspec:\n  selector: {matchLabels: {app: slow}}\n  \
         template:\n    metadata: {labels: {app: slow}, annotations: {sim.floe.dev/ready-after: 30s}}\n    spec: \
         {containers: [{name: slow, image: example.org/slow:1}]}\n",
    );
    let charts = small.workspace.charts();
    let mut apply = small
        .workspace
        .floe_command(&["apply", charts.to_str().expect("utf-8"), "--env", "dev", "--yes"])
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("the program");
    let pids = eventually("helm at work", Duration::from_mins(1), || {
        let mut journal = String::new();
        super::support::walk(&small.workspace.state(), &mut |file| {
            if file.ends_with("journal.jsonl") {
                journal = std::fs::read_to_string(file).unwrap_or_default();
            }
        });
        let find = |key: &str| {
            journal
                .lines()
                .filter_map(|line| serde_json::from_str::<Value>(line).ok())
                .find_map(|line| line[key].as_i64())
        };
        find("supervisor").zip(find("pid")).ok_or(journal)
    });
    eventually("the release's record", Duration::from_mins(1), || {
        let history = small.workspace.helm("dev", &["history", RELEASE]);
        if history.code == Some(0) { Ok(()) } else { Err(history.to_string()) }
    });
    let kill = |pid: i64| {
        let pid = rustix::process::Pid::from_raw(i32::try_from(pid).expect("a pid")).expect("a pid");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("a process of ours");
    };
    kill(pids.0);
    if helm_too {
        kill(pids.1);
        apply.wait().expect("its end");
        let status = small.floe("status", "", &[]);
        assert!(status.stdout.contains("install interrupted"), "{status}");
        assert_eq!(small.states(), ["pending-install"]);
        small.refused("upgrade", &["way out: roll back to revision 1", "way out: uninstall, then install"]);
        small.apply("uninstall", &[]).ok();
        small.apply("install", &[]).ok();
    } else {
        // helm goes on alone, and holds the release.
        let status = small.floe("status", "", &[]).expect_code(4);
        assert!(status.stdout.contains(&format!("helm's pid is {}", pids.1)), "{status}");
        small.refused("upgrade", &["is at work on this release"]);
        let code = apply.wait().expect("its end").code();
        assert_eq!(code, Some(0), "the one that watched judges by the record: our revision is deployed");
        let status = small.floe("status", "", &[]).ok();
        assert!(status.stdout.contains("revision 1 is deployed"), "{status}");
    }
    assert_eq!(small.states(), ["deployed"]);
}

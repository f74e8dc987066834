//! `floe_tui::cluster` against real control planes: identities, rights, releases of both helms, objects with their
//! root cause, dry runs and logs. The module's own tests play the faults that a real server will not give on demand.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use floe_tui::cluster::access::{Ask, RefusalKind};
use floe_tui::cluster::logs::{self, LogEnd, LogItem, LogRequest};
use floe_tui::cluster::objects::watch::{WatchRequest, watch as watch_objects};
use floe_tui::cluster::objects::{ObjectsSnapshot, Wanted};
use floe_tui::cluster::releases::{Driver, ReleasesSnapshot, watch as watch_releases};
use floe_tui::cluster::{Connection, Health, Kubeconfig, Pinned, Pins, root_cause};
use floe_tui::helm::record::Status;
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;
use tokio_util::sync::CancellationToken;

use crate::support::process::run;
use crate::support::root;
use crate::support::sandbox::{HelmMajor, helm, sandbox};

const SOON: Duration = Duration::from_mins(2);

/// A namespace of the test's own on a plane; removed at the end.
struct Space {
    plane: &'static str,
    name: String,
}

impl Space {
    #[track_caller]
    fn new(plane: &'static str, name: &str) -> Self {
        let name = format!("live-{name}-{}", std::process::id());
        sandbox().grant(plane, std::slice::from_ref(&name));
        Self { plane, name }
    }

    #[track_caller]
    fn apply(&self, object: &Value) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), object.to_string()).unwrap();
        let path = file.path().to_str().unwrap();
        sandbox().kubectl(self.plane, &["-n", &self.name, "apply", "--server-side", "-f", path]).ok();
    }
}

impl Drop for Space {
    fn drop(&mut self) {
        sandbox().kubectl(self.plane, &["delete", "namespace", &self.name, "--wait=false"]);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

async fn connect(context: &str) -> Connection {
    let kubeconfig = Kubeconfig::read(Some(&sandbox().kubeconfig)).unwrap();
    Connection::open(&kubeconfig, context).await.unwrap()
}

/// The first snapshot that is as wanted; the last one seen is in the message otherwise.
async fn until<T: std::fmt::Debug>(
    receiver: &mut Receiver<Arc<T>>,
    what: &str,
    mut wanted: impl FnMut(&T) -> bool,
) -> Arc<T> {
    let found = tokio::time::timeout(SOON, receiver.wait_for(|value| wanted(value)))
        .await
        .map(|found| Arc::clone(&found.expect("the watch is alive")));
    if let Ok(found) = found {
        return found;
    }
    panic!("never came: {what}; last seen: {:#?}", receiver.borrow());
}

fn wanted(api_version: &str, kind: &str, name: &str) -> Wanted {
    Wanted {
        api_version: api_version.to_owned(),
        kind: kind.to_owned(),
        namespace: None,
        name: name.to_owned(),
        hook: false,
    }
}

fn deployment(name: &str, outcome: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {
            "replicas": 1, "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": {"app": name}, "annotations": {"sim.floe.dev/outcome": outcome}},
                "spec": {"containers": [{"name": "web", "image": "example.org/web:1"}]},
            },
        },
    })
}

#[test]
fn planes_identities_are_strong_for_an_admin_weak_for_a_deployer_and_differ_between_planes() {
    let space = Space::new("nonprod", "identity");
    runtime().block_on(async {
        let (admin, deployer, prod) =
            (connect("nonprod-admin").await, connect("nonprod-deployer").await, connect("prod-admin").await);
        let version = admin.version().await.unwrap();
        assert!(version.starts_with("v1."), "{version}");

        let strong = admin.identity(Some(&space.name)).await.unwrap();
        let uid = sandbox().get("nonprod", &["namespace", "kube-system"])["metadata"]["uid"].clone();
        assert_eq!(strong.uid.as_deref(), uid.as_str());
        let weak = deployer.identity(Some(&space.name)).await.unwrap();
        assert!(weak.is_weak());
        assert_eq!(weak.namespaces.get(&space.name), strong.namespaces.get(&space.name));

        let state = tempfile::tempdir().unwrap();
        let mut pins = Pins::load(state.path()).unwrap();
        pins.pin("work", admin.server(), &strong, jiff::Timestamp::now()).unwrap();
        assert_eq!(pins.check("work", &strong), Pinned::Matches { weak: false });
        assert_eq!(pins.check("work", &weak), Pinned::Matches { weak: true });
        let other = prod.identity(None).await.unwrap();
        assert!(matches!(pins.check("work", &other), Pinned::Mismatch { .. }));
    });
}

#[test]
fn planes_a_viewer_is_told_what_is_forbidden() {
    let space = Space::new("nonprod", "viewer");
    runtime().block_on(async {
        let (viewer, deployer) = (connect("nonprod-viewer").await, connect("nonprod-deployer").await);
        let ask = |verb: &str, group: &str, resource: &str| Ask {
            verb: verb.to_owned(),
            group: group.to_owned(),
            resource: resource.to_owned(),
            namespace: Some(space.name.clone()),
        };
        let asks =
            [ask("list", "", "secrets"), ask("patch", "apps", "deployments"), ask("get", "", "pods/log")];
        let allowed = |answers: Vec<floe_tui::cluster::access::Answer>| {
            answers.into_iter().map(|answer| answer.allowed).collect::<Vec<_>>()
        };
        assert_eq!(allowed(viewer.can_i(&asks).await.unwrap()), [false, false, true]);
        assert_eq!(allowed(deployer.can_i(&asks).await.unwrap()), [true, true, true]);

        let cancel = CancellationToken::new();
        let namespaces = vec![space.name.clone()];
        let mut releases = watch_releases(viewer, Driver::Secret, namespaces, cancel.clone());
        let seen =
            until(&mut releases, "the refusal", |snapshot: &ReleasesSnapshot| snapshot.unseen.len() == 2)
                .await;
        assert!(seen.unseen.iter().all(|unseen| unseen.fault.word() == "forbidden"), "{seen:?}");
        cancel.cancel();
    });
}

#[test]
fn planes_releases_of_both_helms_are_seen_live_and_read() {
    for major in [HelmMajor::Three, HelmMajor::Four] {
        let space = Space::new("nonprod", &format!("helm{}", major.number()));
        let helm_run = |args: &[&str]| {
            let mut command = Command::new(helm(major));
            command
                .args(args)
                .arg("--kubeconfig")
                .arg(&sandbox().kubeconfig)
                .args(["--kube-context", "nonprod-deployer", "--namespace", &space.name])
                .stdin(Stdio::null());
            run(&mut command, SOON).ok()
        };
        runtime().block_on(async {
            // A deployer may not list the whole cluster: this is the fallback, on a real server.
            let connection = connect("nonprod-deployer").await;
            let cancel = CancellationToken::new();
            let namespaces = vec![space.name.clone()];
            let mut releases = watch_releases(connection.clone(), Driver::Secret, namespaces, cancel.clone());
            until(&mut releases, "an empty namespace", |seen: &ReleasesSnapshot| {
                seen.partial && seen.at.is_some()
            })
            .await;

            let chart = root().join("charts/otel-collector");
            let chart = chart.to_str().unwrap();
            helm_run(&["install", "otel", chart, "--set", "config.logLevel=warn"]);
            helm_run(&["upgrade", "otel", chart, "--reset-values", "--set", "config.logLevel=debug"]);
            let seen = until(&mut releases, "revision 2", |seen| {
                seen.rows
                    .iter()
                    .any(|row| row.name == "otel" && row.revision == 2 && row.status == Status::Deployed)
            })
            .await;
            let row = seen.rows.iter().find(|row| row.name == "otel").unwrap();
            assert_eq!((row.revisions, row.deployed), (2, Some(2)));

            let history = connection.history(Driver::Secret, &space.name, "otel").await.unwrap();
            let known: Vec<_> = history.iter().map(|row| (row.revision, row.status)).collect();
            assert_eq!(known, [(2, Status::Deployed), (1, Status::Superseded)]);

            let record = connection.record(Driver::Secret, &space.name, &row.storage).await.unwrap();
            assert_eq!(record.chart.name, "otel-collector");
            assert_eq!(record.config, json!({"config": {"logLevel": "debug"}}));
            assert_eq!(record.manifest.trim(), helm_run(&["get", "manifest", "otel"]).stdout.trim());
            assert!(record.last_deployed >= record.first_deployed && record.first_deployed.is_some());
            let server_side = record.apply_method == floe_tui::helm::record::ApplyMethod::ServerSide;
            assert_eq!(server_side, major == HelmMajor::Four);

            helm_run(&["uninstall", "otel"]);
            until(&mut releases, "its end", |seen| seen.rows.is_empty()).await;
            cancel.cancel();
        });
    }
}

#[test]
fn planes_a_crash_loop_is_lifted_to_one_line_and_the_repair_turns_green() {
    let space = Space::new("nonprod", "crash");
    space.apply(&deployment("shop", "crash-loop"));
    space.apply(
        &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "shop"}, "data": {"a": "b"}}),
    );
    runtime().block_on(async {
        let connection = connect("nonprod-deployer").await;
        let request = WatchRequest {
            namespace: space.name.clone(),
            wanted: vec![
                wanted("apps/v1", "Deployment", "shop"),
                wanted("v1", "ConfigMap", "shop"),
                wanted("v1", "Service", "absent"),
                wanted("no.such.group/v1", "Thing", "x"),
            ],
        };
        let cancel = CancellationToken::new();
        let mut objects = watch_objects(connection.clone(), request, cancel.clone());
        let seen = until(&mut objects, "the crash loop", |seen: &ObjectsSnapshot| {
            // Each kind has a watch of its own: the quiet ones may answer later.
            let listed = seen.rows.iter().any(|row| row.kind == "ConfigMap" && row.health == Health::Healthy);
            listed
                && root_cause(&seen.rows, &seen.events)
                    .is_some_and(|cause| cause.reason.contains("CrashLoopBackOff"))
        })
        .await;
        let cause = root_cause(&seen.rows, &seen.events).unwrap();
        assert_eq!(cause.path.len(), 3, "{cause:?}");
        assert_eq!(cause.path[0], "Deployment shop");
        assert!(cause.path[1].starts_with("Pod shop-"));
        assert_eq!(cause.path[2], "container web");
        assert!(cause.previous, "{cause:?}");
        assert_eq!(seen.health(), Health::Degraded);
        let health_of = |kind: &str| seen.rows.iter().find(|row| row.kind == kind).map(|row| row.health);
        assert_eq!(health_of("ConfigMap"), Some(Health::Healthy));
        assert_eq!(health_of("Service"), Some(Health::Missing));
        assert_eq!(health_of("Thing"), Some(Health::Unknown));
        assert_eq!(health_of("ReplicaSet"), Some(Health::Degraded));

        let request = LogRequest {
            previous: cause.previous,
            follow: false,
            ..LogRequest::follow(&space.name, cause.pod.as_deref().unwrap(), cause.container.as_deref(), 5)
        };
        let last = connection.last_lines(&request, 5).await.unwrap();
        assert!(!last.is_empty(), "a crashed container has last words");

        space.apply(&deployment("shop", ""));
        let seen = until(&mut objects, "the repaired rollout", |seen| {
            seen.rows.iter().any(|row| row.kind == "Deployment" && row.health == Health::Healthy)
        })
        .await;
        let root = seen.rows.iter().find(|row| row.kind == "Deployment").unwrap();
        assert_eq!(root.replicas.map(|replicas| (replicas.desired, replicas.ready)), Some((1, 1)));
        cancel.cancel();
    });
}

#[test]
fn planes_every_way_a_pod_fails_is_named() {
    let space = Space::new("nonprod", "fails");
    let outcomes = [
        ("oom", "OOMKilled"),
        ("pull-error", "ImagePull"),
        ("init-error", "init container setup"),
        ("unschedulable", "Unschedulable"),
    ];
    for (outcome, _) in outcomes {
        let mut object = deployment(outcome, outcome);
        object["spec"]["template"]["spec"]["initContainers"] =
            json!([{"name": "setup", "image": "example.org/s:1"}]);
        space.apply(&object);
    }
    // The policy's refusal of the pods stands in an event of the replica set only.
    let strict = Space::new("nonprod", "strict");
    let label = "pod-security.kubernetes.io/enforce=restricted";
    sandbox().kubectl("nonprod", &["label", "namespace", &strict.name, label]).ok();
    strict.apply(&deployment("rootful", ""));
    runtime().block_on(async {
        let connection = connect("nonprod-deployer").await;
        let cancel = CancellationToken::new();
        let follow = |space: &Space, name: &str| {
            let wanted = vec![wanted("apps/v1", "Deployment", name)];
            let request = WatchRequest { namespace: space.name.clone(), wanted };
            watch_objects(connection.clone(), request, cancel.clone())
        };
        for (outcome, word) in outcomes {
            let mut objects = follow(&space, outcome);
            let seen = until(&mut objects, outcome, |seen: &ObjectsSnapshot| {
                root_cause(&seen.rows, &seen.events).is_some_and(|cause| cause.render().contains(word))
            })
            .await;
            assert_eq!(seen.health(), Health::Degraded);
            assert!(root_cause(&seen.rows, &seen.events).unwrap().pod.is_some());
        }
        let mut objects = follow(&strict, "rootful");
        let seen = until(&mut objects, "PodSecurity", |seen: &ObjectsSnapshot| {
            root_cause(&seen.rows, &seen.events)
                .is_some_and(|cause| cause.reason.contains("violates PodSecurity"))
        })
        .await;
        let cause = root_cause(&seen.rows, &seen.events).unwrap();
        assert_eq!(cause.path[0], "Deployment rootful");
        cancel.cancel();
    });
}

#[test]
fn planes_a_dry_run_says_what_a_plan_could_not_know() {
    let space = Space::new("nonprod", "dryrun");
    space.apply(&deployment("shop", ""));
    runtime().block_on(async {
        let connection = connect("nonprod-deployer").await;
        let mut object = deployment("shop", "");
        let accepted = connection.dry_run(&object, &space.name, true).await.unwrap();
        assert_eq!(accepted.outcome.unwrap()["metadata"]["namespace"], json!(space.name));

        object["spec"]["replicas"] = json!(3);
        let conflict = connection.dry_run(&object, &space.name, false).await.unwrap().outcome.unwrap_err();
        assert_eq!(conflict.kind, RefusalKind::Conflict, "{conflict:?}");
        assert_eq!(conflict.manager.as_deref(), Some("kubectl"));
        assert!(conflict.fields.iter().any(|field| field.contains("replicas")), "{conflict:?}");

        object["spec"]["selector"]["matchLabels"] = json!({"app": "other"});
        object["spec"]["template"]["metadata"]["labels"] = json!({"app": "other"});
        let refused = connection.dry_run(&object, &space.name, true).await.unwrap().outcome.unwrap_err();
        assert_eq!(refused.kind, RefusalKind::Immutable, "{refused:?}");

        let admin = connect("nonprod-admin").await;
        let nowhere = admin.dry_run(&deployment("x", ""), "no-such-namespace", true).await.unwrap();
        assert_eq!(nowhere.outcome.unwrap_err().kind, RefusalKind::NoNamespace);
        assert!(!admin.namespace_exists("no-such-namespace").await.unwrap());
        let thing = json!({"apiVersion": "no.such.group/v1", "kind": "Thing", "metadata": {"name": "x"}});
        let unknown = admin.dry_run(&thing, &space.name, true).await.unwrap();
        assert_eq!(unknown.outcome.unwrap_err().kind, RefusalKind::NotServed);

        let live = connection.live("apps/v1", "Deployment", &space.name, "shop").await.unwrap().unwrap();
        assert_eq!(live["spec"]["replicas"], json!(1), "a dry run changes nothing");
        assert_eq!(connection.live("v1", "Service", &space.name, "shop").await.unwrap(), None);
    });
}

#[test]
fn planes_a_jobs_log_is_followed_to_its_end() {
    let space = Space::new("nonprod", "joblog");
    runtime().block_on(async {
        let connection = connect("nonprod-deployer").await;
        let cancel = CancellationToken::new();
        // Asked for before the job exists.
        let mut log = logs::stream_job(connection, space.name.clone(), "migrate".to_owned(), None, cancel.clone());
        space.apply(&json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate"},
            "spec": {"template": {
                "metadata": {"annotations": {"sim.floe.dev/run-for": "2s"}},
                "spec": {"restartPolicy": "Never", "containers": [{"name": "migrate", "image": "example.org/m:1"}]},
            }},
        }));
        let (mut lines, mut end) = (Vec::new(), None);
        let read = async {
            while let Some(item) = log.recv().await {
                match item {
                    LogItem::Line(line) => lines.push(line),
                    LogItem::End(why) => end = Some(why),
                    LogItem::Dropped(_) | LogItem::Note(_) => {}
                }
            }
        };
        tokio::time::timeout(SOON, read).await.expect("the log ends with the job");
        assert_eq!(end, Some(LogEnd::Complete));
        assert!(!lines.is_empty());
        let mut texts: Vec<_> = lines.iter().map(|line| (line.at, line.text.as_str())).collect();
        let count = texts.len();
        texts.dedup();
        assert_eq!(texts.len(), count, "no line comes twice");
        cancel.cancel();
    });
}

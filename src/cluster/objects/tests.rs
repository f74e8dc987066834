use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::join::{Expected, Input, join};
use super::watch::{WatchRequest, watch};
use super::*;
use crate::cluster::fake::{Reply, connection, until};
use crate::cluster::root_cause::root_cause;

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

fn owned(mut object: Value, owner: &str) -> Value {
    object["metadata"]["ownerReferences"] = json!([{"uid": owner, "controller": true}]);
    object
}

fn deployment(uid: &str, revision: &str) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "n", "uid": uid, "generation": 2, "resourceVersion": "5",
                     "annotations": {"deployment.kubernetes.io/revision": revision}},
        "spec": {"replicas": 1},
        "status": {"observedGeneration": 2, "replicas": 2, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}})
}

fn replica_set(name: &str, revision: &str, replicas: i64) -> Value {
    owned(
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {"name": name, "namespace": "n", "uid": name, "generation": 1, "resourceVersion": "5",
                         "annotations": {"deployment.kubernetes.io/revision": revision}},
            "spec": {"replicas": replicas}, "status": {"observedGeneration": 1, "replicas": replicas}}),
        "d",
    )
}

fn pod(name: &str, owner: &str, status: Value) -> Value {
    owned(
        json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "namespace": "n", "uid": name, "resourceVersion": "5"},
            "spec": {"restartPolicy": "Always", "containers": [{"name": "webserver"}],
                     "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data-0"}}]},
            "status": status}),
        owner,
    )
}

fn crashing() -> Value {
    json!({"phase": "Running", "containerStatuses": [{"name": "webserver", "restartCount": 3, "ready": false,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "finishedAt": "2026-11-21T11:59:00Z"}}}]})
}

fn ready() -> Value {
    json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
        "containerStatuses": [{"name": "webserver", "restartCount": 0, "ready": true, "state": {"running": {}}}]})
}

fn want(api_version: &str, kind: &str, name: &str) -> Expected {
    Expected {
        wanted: Wanted {
            api_version: api_version.to_owned(),
            kind: kind.to_owned(),
            namespace: None,
            name: name.to_owned(),
            hook: false,
        },
        namespace: "n".to_owned(),
        state: WatchState::Live,
    }
}

fn rows(expected: &[Expected], objects: &[Value], events: &[EventRow]) -> Vec<ObjectRow> {
    let objects: Vec<&Value> = objects.iter().collect();
    join(&Input { expected, objects: &objects, events, now: now() }).0
}

fn find<'r>(rows: &'r [ObjectRow], name: &str) -> &'r ObjectRow {
    rows.iter().find(|row| row.name == name).unwrap()
}

#[test]
fn a_new_pods_crash_degrades_the_deployment_and_the_line_names_every_step() {
    let objects = [
        deployment("d", "2"),
        replica_set("web-old", "1", 1),
        replica_set("web-new", "2", 1),
        replica_set("web-spent", "0", 0),
        pod("web-old-a", "web-old", ready()),
        pod("web-new-b", "web-new", crashing()),
        pod("stranger", "nobody", crashing()),
    ];
    let rows = rows(&[want("apps/v1", "Deployment", "web")], &objects, &[]);
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["web", "web-new", "web-new-b", "web-old", "web-old-a"]);
    assert_eq!(rows[2].parent, Some(1));
    assert_eq!((rows[0].depth, rows[1].depth, rows[2].depth), (0, 1, 2));
    assert_eq!(rows[0].health, Health::Degraded);
    assert!(
        rows[0].reason.contains("pod web-new-b: container webserver: CrashLoopBackOff"),
        "{}",
        rows[0].reason
    );
    assert!(rows[2].new_revision && !rows[4].new_revision);

    let cause = root_cause(&rows, &[]).unwrap();
    assert_eq!(
        cause.render(),
        "Deployment web › Pod web-new-b › container webserver: CrashLoopBackOff, 3 restarts (exit code 1)"
    );
    assert_eq!((cause.pod.as_deref(), cause.container.as_deref()), (Some("web-new-b"), Some("webserver")));
    assert!(cause.previous);
}

#[test]
fn an_old_revisions_crash_is_what_the_rollout_replaces() {
    let objects = [
        deployment("d", "2"),
        replica_set("web-old", "1", 1),
        replica_set("web-new", "2", 1),
        pod("web-old-a", "web-old", crashing()),
        pod("web-new-b", "web-new", ready()),
    ];
    let rows = rows(&[want("apps/v1", "Deployment", "web")], &objects, &[]);
    assert_eq!(find(&rows, "web").health, Health::Progressing);
    assert_eq!(find(&rows, "web-old-a").health, Health::Degraded);
    assert_eq!(root_cause(&rows, &[]), None);
}

#[test]
fn before_the_controller_has_seen_the_change_no_pod_counts_as_new() {
    let mut unseen = deployment("d", "1");
    unseen["metadata"]["generation"] = json!(3);
    let objects = [unseen, replica_set("web-old", "1", 1), pod("web-old-a", "web-old", crashing())];
    let rows = rows(&[want("apps/v1", "Deployment", "web")], &objects, &[]);
    assert_eq!(find(&rows, "web").health, Health::Progressing);
    assert!(!find(&rows, "web-old-a").new_revision);
}

fn event(uid: &str, reason: &str, message: &str, at: &str) -> EventRow {
    EventRow::read(&json!({
        "involvedObject": {"kind": "ReplicaSet", "name": uid, "namespace": "n", "uid": uid}, "type": "Warning",
        "reason": reason, "message": message, "lastTimestamp": at,
    }))
    .unwrap()
}

#[test]
fn a_replica_set_that_may_not_create_pods_is_lifted_from_its_event() {
    let objects = [deployment("d", "2"), replica_set("web-new", "2", 1)];
    let message = "pods \"web\" is forbidden: violates PodSecurity \"restricted:latest\"";
    let events = [event("web-new", "FailedCreate", message, "2026-11-21T11:59:30Z")];
    let expected = [want("apps/v1", "Deployment", "web")];
    let found = rows(&expected, &objects, &events);
    assert_eq!(found[0].health, Health::Degraded);
    let cause = root_cause(&found, &events).unwrap();
    assert_eq!(cause.path, ["Deployment web", "ReplicaSet web-new"]);
    assert!(cause.reason.contains("violates PodSecurity"), "{}", cause.reason);
    assert_eq!(cause.event, None, "the event says nothing that the reason does not");
    // An hour later the same words are history.
    let old = [event("web-new", "FailedCreate", message, "2026-11-21T10:00:00Z")];
    assert_eq!(rows(&expected, &objects, &old)[0].health, Health::Progressing);
}

#[test]
fn what_is_not_there_is_missing_unknown_or_a_hook_that_comes_and_goes() {
    let mut hook = want("batch/v1", "Job", "migrate");
    hook.wanted.hook = true;
    let mut forbidden = want("v1", "Secret", "s");
    forbidden.state = WatchState::Failed(Fault::Forbidden { doing: "list".into(), cause: "no".into() });
    let mut loading = want("v1", "Service", "svc");
    loading.state = WatchState::Loading;
    let rows = rows(&[hook, forbidden, loading, want("v1", "ConfigMap", "c")], &[], &[]);
    let seen: Vec<_> = rows.iter().map(|row| (row.kind.as_str(), row.health, row.reason.as_str())).collect();
    assert_eq!(
        seen,
        [
            ("Service", Health::Unknown, "looking"),
            ("ConfigMap", Health::Missing, "it does not exist"),
            ("Secret", Health::Unknown, "forbidden"),
        ]
    );
    let cause = root_cause(&rows, &[]).unwrap();
    assert_eq!(cause.render(), "ConfigMap c: it does not exist");
}

#[test]
fn a_failed_hook_is_named_only_when_nothing_of_the_release_itself_fails() {
    let job = json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate", "namespace": "n", "uid": "j"},
        "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]}});
    let mut hook = want("batch/v1", "Job", "migrate");
    hook.wanted.hook = true;
    let found = rows(&[hook.clone()], std::slice::from_ref(&job), &[]);
    let cause = root_cause(&found, &[]).unwrap();
    assert!(cause.hook && cause.render().contains("BackoffLimitExceeded"));
    let found = rows(&[hook, want("v1", "ConfigMap", "c")], &[job], &[]);
    assert_eq!(root_cause(&found, &[]).unwrap().path, ["ConfigMap c"]);
    let snapshot = ObjectsSnapshot { rows: found, at: Some(now()), ..ObjectsSnapshot::default() };
    assert_eq!(snapshot.counts(), [(Health::Missing, 1)]);
}

#[test]
fn a_record_names_its_objects_and_hooks() {
    let record = Record {
        manifest: "apiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: other}\n---\napiVersion: batch/v1\nkind: Job\nmetadata: {generateName: j-}\n".to_owned(),
        hooks: vec![crate::helm::record::HookRecord {
            manifest: "apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n".to_owned(),
            ..crate::helm::record::HookRecord::default()
        }],
        ..Record::default()
    };
    let wanted = Wanted::of_record(&record).unwrap();
    let seen: Vec<_> = wanted
        .iter()
        .map(|wanted| (wanted.kind.as_str(), wanted.namespace.as_deref(), wanted.hook))
        .collect();
    assert_eq!(seen, [("Service", Some("other"), false), ("Pod", None, true)]);
}

#[test]
fn claims_hang_below_the_workload_whose_pods_mount_them() {
    let set = json!({"apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "n", "uid": "s", "generation": 1}, "spec": {"replicas": 1},
        "status": {"observedGeneration": 1, "replicas": 1, "readyReplicas": 0, "currentRevision": "a", "updateRevision": "a"}});
    let claim = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data-0", "namespace": "n", "uid": "c"}, "status": {"phase": "Pending"}});
    let other = json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data-0", "namespace": "m", "uid": "x"}, "status": {"phase": "Bound"}});
    let objects = [set, claim, other, pod("db-0", "s", json!({"phase": "Pending"}))];
    let rows = rows(&[want("apps/v1", "StatefulSet", "db")], &objects, &[]);
    let kinds: Vec<_> = rows.iter().map(|row| (row.kind.as_str(), row.depth)).collect();
    assert_eq!(kinds, [("StatefulSet", 0), ("Pod", 1), ("PersistentVolumeClaim", 1)]);
    assert_eq!(rows[2].health, Health::Progressing);
}

#[test]
fn text_of_the_cluster_is_one_harmless_line() {
    let status = json!({"phase": "Failed", "message": "line one\nline \u{1b}[2Jtwo"});
    let objects = [pod("p", "nobody", status)];
    let rows = rows(&[want("v1", "Pod", "p")], &objects, &[]);
    assert!(rows[0].reason.starts_with("line one line "), "{:?}", rows[0].reason);
    assert!(!rows[0].reason.contains(char::is_control));
}

fn list(items: &[Value]) -> Reply {
    Reply::list("List", items)
}

fn resources(version: &str, entries: &[(&str, &str, bool)]) -> Reply {
    let resources: Vec<Value> = entries
        .iter()
        .map(|(name, kind, namespaced)| {
            json!({"name": name, "kind": kind, "namespaced": namespaced, "singularName": "", "verbs": ["list", "watch"]})
        })
        .collect();
    Reply::Json(
        200,
        json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": resources}),
    )
}

#[tokio::test(start_paused = true)]
async fn a_release_is_watched_joined_and_published_a_few_times_a_second() {
    let events = AtomicUsize::new(0);
    let (connection, calls) = connection(move |_, path, query| {
        let watching = query.contains("watch=true");
        match path {
            "/apis/apps/v1" => resources(
                "apps/v1",
                &[("deployments", "Deployment", true), ("deployments/scale", "Scale", true)],
            ),
            "/api/v1" => resources("v1", &[("secrets", "Secret", true)]),
            "/apis/gone/v1" => Reply::refuse(404, "", "404 page not found"),
            "/apis/apps/v1/namespaces/n/deployments" if !watching => list(&[deployment("d", "2")]),
            "/apis/apps/v1/namespaces/n/replicasets" if !watching => list(&[replica_set("web-new", "2", 1)]),
            "/api/v1/namespaces/n/pods" if !watching => list(&[pod("web-new-b", "web-new", ready())]),
            "/api/v1/namespaces/n/pods" => match events.fetch_add(1, Ordering::SeqCst) {
                0 => Reply::Events(
                    (0..500)
                        .map(|number| {
                            let mut pod = pod("web-new-b", "web-new", crashing());
                            pod["status"]["containerStatuses"][0]["restartCount"] = json!(number);
                            json!({"type": "MODIFIED", "object": pod})
                        })
                        .collect(),
                ),
                _ => Reply::Hang,
            },
            "/api/v1/namespaces/n/secrets" => Reply::refuse(403, "Forbidden", "secrets is forbidden"),
            _ if !watching => list(&[]),
            _ => Reply::Hang,
        }
    });
    let wanted = ["Deployment web", "Secret s", "Thing x"].map(|title| {
        let (kind, name) = title.split_once(' ').unwrap();
        let version = match kind {
            "Deployment" => "apps/v1",
            "Secret" => "v1",
            _ => "gone/v1",
        };
        want(version, kind, name).wanted
    });
    let request = WatchRequest { namespace: "n".to_owned(), wanted: wanted.to_vec() };
    let cancel = CancellationToken::new();
    let mut objects = watch(connection, request, cancel.clone());
    let start = tokio::time::Instant::now();
    let mut published = 0;
    let snapshot = loop {
        objects.changed().await.unwrap();
        published += 1;
        let snapshot = objects.borrow_and_update().clone();
        let restarts = snapshot.rows.iter().map(ObjectRow::restarts).max();
        if restarts == Some(499) && !snapshot.is_loading() {
            break snapshot;
        }
        assert!(start.elapsed().as_secs() < 120, "{snapshot:#?}");
    };
    assert!(published < 40, "{published} snapshots of 500 events");
    assert_eq!(find(&snapshot.rows, "web").health, Health::Degraded);
    assert_eq!(
        (find(&snapshot.rows, "s").health, find(&snapshot.rows, "s").reason.as_str()),
        (Health::Unknown, "forbidden")
    );
    assert_eq!(find(&snapshot.rows, "x").reason, "not served");
    assert_eq!(snapshot.health(), Health::Degraded);
    assert_eq!(snapshot.blocking().map(|row| row.name.as_str()), Some("web-new-b"));
    let secrets: Vec<String> = {
        let calls = calls.lock().unwrap();
        calls.iter().filter(|call| call.contains("/secrets?")).cloned().collect()
    };
    assert!(secrets.iter().all(|call| call.contains("fieldSelector=metadata.name%3Ds")), "{secrets:?}");
    cancel.cancel();
    let mut objects = objects;
    let ended = tokio::time::timeout(std::time::Duration::from_secs(5), async {
        while objects.changed().await.is_ok() {}
    });
    assert!(ended.await.is_ok(), "a cancelled watch ends");
}

#[tokio::test(start_paused = true)]
async fn rows_come_back_after_the_cluster_was_away() {
    let lists = AtomicUsize::new(0);
    let (connection, _) = connection(move |_, path, query| {
        let watching = query.contains("watch=true");
        match path {
            "/api/v1/namespaces/n/pods" if !watching => match lists.fetch_add(1, Ordering::SeqCst) {
                0 => list(&[pod("p", "nobody", ready())]),
                1 => Reply::refuse(503, "ServiceUnavailable", "etcd is away"),
                _ => list(&[pod("p", "nobody", crashing())]),
            },
            "/api/v1/namespaces/n/pods" => match lists.load(Ordering::SeqCst) {
                1 => Reply::refuse(503, "ServiceUnavailable", "etcd is away"),
                _ => Reply::Hang,
            },
            _ if !watching => list(&[]),
            _ => Reply::Hang,
        }
    });
    let request = WatchRequest { namespace: "n".to_owned(), wanted: vec![want("v1", "Pod", "p").wanted] };
    let mut objects = watch(connection, request, CancellationToken::new());
    let away = until(&mut objects, "the fault", |snapshot| {
        snapshot.kinds.iter().any(|kind| kind.state.fault().is_some())
    })
    .await;
    assert_eq!(away.rows.len(), 1, "what was seen stays");
    let back = until(&mut objects, "the newer pod", |snapshot| snapshot.health() == Health::Degraded).await;
    assert!(back.kinds.iter().all(|kind| kind.state.fault().is_none()));
}

/// A job of its own that was tried again: the tries stand below it, and it does as the last of them does.
#[test]
fn retries_stand_below_the_job_that_failed_and_decide_how_it_does() {
    let job = |name: &str, made: &str, kind: Option<&str>, retry_of: Option<&str>| {
        let status = match kind {
            Some(kind) => json!({"startTime": made, "completionTime": made,
                "conditions": [{"type": kind, "status": "True", "reason": "Why", "lastTransitionTime": made}]}),
            None => json!({"active": 1, "ready": 1, "startTime": made}),
        };
        let mut job = json!({"apiVersion": "batch/v1", "kind": "Job", "spec": {}, "status": status,
            "metadata": {"name": name, "namespace": "n", "uid": name, "creationTimestamp": made}});
        if let Some(of) = retry_of {
            job["metadata"]["annotations"] = json!({RETRY_OF: of});
        }
        job
    };
    let expected = [want("batch/v1", "Job", "load")];
    let failed = job("load", "2026-11-21T10:00:00Z", Some("Failed"), None);
    let first = job("load-retry-1", "2026-11-21T10:10:00Z", Some("Failed"), Some("load"));
    let health = |objects: &[Value]| {
        let rows = rows(&expected, objects, &[]);
        let load = find(&rows, "load").clone();
        (load.health, load.reason)
    };
    let tried = [failed.clone(), first.clone()];
    assert_eq!(health(&tried[..1]).0, Health::Degraded);
    let (how, why) = health(&tried);
    assert!(how == Health::Degraded && why.contains("its retry load-retry-1 failed too: Why"), "{why}");
    let at_work =
        [failed.clone(), first.clone(), job("load-retry-2", "2026-11-21T10:20:00Z", None, Some("load"))];
    assert_eq!(health(&at_work).0, Health::Progressing);
    let good = [failed, first, job("load-retry-2", "2026-11-21T10:20:00Z", Some("Complete"), Some("load"))];
    assert_eq!(health(&good), (Health::Healthy, "failed; its retry load-retry-2 completed".to_owned()));
    let snapshot =
        ObjectsSnapshot { rows: rows(&expected, &good, &[]), at: Some(now()), ..ObjectsSnapshot::default() };
    let jobs = snapshot.jobs();
    let names: Vec<&str> = jobs[0].runs.iter().map(|run| run.row.name.as_str()).collect();
    assert_eq!((jobs.len(), names), (1, vec!["load-retry-2", "load-retry-1"]));
    // What was tried again elsewhere is nobody's here.
    let elsewhere = [good[0].clone(), {
        let mut other = good[1].clone();
        other["metadata"]["namespace"] = json!("m");
        other
    }];
    assert!(!health(&elsewhere).1.contains("retry"));
}

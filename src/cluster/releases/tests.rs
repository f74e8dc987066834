use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use super::*;
use crate::cluster::fake::{Reply, connection, until};

fn record(namespace: &str, release: &str, revision: u32, status: &str) -> Value {
    json!({
        "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
        "metadata": {
            "name": record::storage_name(release, revision), "namespace": namespace,
            "uid": format!("{namespace}-{release}-{revision}"), "resourceVersion": format!("{revision}"),
            "creationTimestamp": "2026-11-21T10:00:00Z",
            "labels": {"owner": "helm", "name": release, "version": revision.to_string(), "status": status,
                       "modifiedAt": "1795255200"},
        },
    })
}

fn secrets(items: &[Value]) -> Reply {
    Reply::list("PartialObjectMetadataList", items)
}

fn is_watch(query: &str) -> bool {
    query.contains("watch=true")
}

#[test]
fn the_last_revision_is_the_release_and_the_deployed_one_is_known() {
    let meta = |value: Value| serde_json::from_value::<ObjectMeta>(value["metadata"].clone()).unwrap();
    let revisions: Vec<RevisionRow> = [
        record("n", "a", 9, "superseded"),
        record("n", "a", 11, "pending-upgrade"),
        record("n", "a", 10, "deployed"),
        record("m", "z", 1, "failed"),
    ]
    .into_iter()
    .filter_map(|value| RevisionRow::read(&meta(value)))
    .collect();
    let rows = fold("c", &revisions);
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].namespace.as_str(), rows[0].name.as_str()), ("m", "z"));
    let a = &rows[1];
    assert_eq!((a.revision, a.status, a.revisions, a.deployed), (11, Status::PendingUpgrade, 3, Some(10)));
    assert_eq!(a.modified, Some(Timestamp::from_second(1_795_255_200).unwrap()));
    let kept: Vec<(u32, Status)> = a.history.iter().map(|kept| (kept.revision, kept.status)).collect();
    assert_eq!(kept, [(11, Status::PendingUpgrade), (10, Status::Deployed), (9, Status::Superseded)]);
    assert_eq!(a.storage, "sh.helm.release.v1.a.v11");
    let mut other = record("n", "a", 1, "deployed");
    other["metadata"]["name"] = json!("some-secret");
    assert_eq!(RevisionRow::read(&meta(other)), None);
}

#[test]
fn the_driver_is_helms_word() {
    assert_eq!(Driver::parse(""), Ok(Driver::Secret));
    assert_eq!(Driver::parse("configmap"), Ok(Driver::ConfigMap));
    assert_eq!(Driver::parse("sql"), Err(Fault::Driver { name: "sql".to_owned() }));
    let words = crate::base::Error::from(Fault::Driver { name: "sql".to_owned() });
    assert!(words.what.contains("HELM_DRIVER=sql") && words.what.contains("database"), "{words}");
}

#[tokio::test(start_paused = true)]
async fn only_metadata_is_listed_and_changes_arrive() {
    let watches = AtomicUsize::new(0);
    let (connection, calls) = connection(move |_, path, query| {
        assert_eq!(path, "/api/v1/secrets");
        if !is_watch(query) {
            return secrets(&[record("n", "a", 1, "deployed")]);
        }
        match watches.fetch_add(1, Ordering::SeqCst) {
            0 => Reply::Events(vec![
                json!({"type": "MODIFIED", "object": record("n", "a", 1, "superseded")}),
                json!({"type": "ADDED", "object": record("n", "a", 2, "deployed")}),
            ]),
            _ => Reply::Hang,
        }
    });
    let mut rows = watch(connection, Driver::Secret, Vec::new(), CancellationToken::new());
    let snapshot =
        until(&mut rows, "revision 2", |snapshot| snapshot.rows.first().is_some_and(|row| row.revision == 2))
            .await;
    assert_eq!(snapshot.state, WatchState::Live);
    assert!(!snapshot.partial && snapshot.unseen.is_empty());
    assert_eq!(snapshot.rows[0].revisions, 2);
    assert!(calls.lock().unwrap().iter().all(|call| call.contains("labelSelector=owner%3Dhelm")));
}

#[tokio::test(start_paused = true)]
async fn without_the_right_to_the_cluster_the_mapped_namespaces_are_listed_and_the_rest_is_said() {
    let (connection, _) = connection(|_, path, query| match path {
        "/api/v1/secrets" => Reply::refuse(403, "Forbidden", "secrets is forbidden"),
        "/api/v1/namespaces/dev/secrets" if !is_watch(query) => secrets(&[record("dev", "a", 1, "deployed")]),
        "/api/v1/namespaces/prod/secrets" => Reply::refuse(403, "Forbidden", "not in prod"),
        _ => Reply::Hang,
    });
    let namespaces = vec!["dev".to_owned(), "prod".to_owned()];
    let mut rows = watch(connection, Driver::Secret, namespaces, CancellationToken::new());
    let snapshot =
        until(&mut rows, "the fallback", |snapshot| snapshot.unseen.len() == 2 && !snapshot.rows.is_empty())
            .await;
    assert!(snapshot.partial);
    assert_eq!(snapshot.state, WatchState::Live);
    assert_eq!(snapshot.rows[0].namespace, "dev");
    assert_eq!(snapshot.unseen[0].namespace, None);
    assert_eq!(snapshot.unseen[1].namespace.as_deref(), Some("prod"));
    assert_eq!(snapshot.unseen[1].fault.word(), "forbidden");
}

#[tokio::test(start_paused = true)]
async fn a_version_too_old_is_listed_anew_without_losing_rows() {
    let lists = AtomicUsize::new(0);
    let watches = AtomicUsize::new(0);
    let (connection, _) = connection(move |_, _, query| {
        if is_watch(query) {
            return match watches.fetch_add(1, Ordering::SeqCst) {
                0 => Reply::Events(vec![json!({"type": "ERROR", "object": {
                    "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                    "message": "too old resource version", "reason": "Expired", "code": 410}})]),
                _ => Reply::Hang,
            };
        }
        match lists.fetch_add(1, Ordering::SeqCst) {
            0 => secrets(&[record("n", "a", 1, "deployed"), record("n", "b", 1, "deployed")]),
            _ => secrets(&[record("n", "a", 2, "deployed")]),
        }
    });
    let mut rows = watch(connection, Driver::Secret, Vec::new(), CancellationToken::new());
    let snapshot = until(&mut rows, "the second list", |snapshot| {
        assert!(snapshot.state.fault().is_none(), "410 is no fault");
        snapshot.rows.len() == 1
    })
    .await;
    assert_eq!(snapshot.rows[0].revision, 2);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_is_a_state_and_the_rows_come_when_it_wakes() {
    let calls = AtomicUsize::new(0);
    let (connection, _) = connection(move |_, _, query| match calls.fetch_add(1, Ordering::SeqCst) {
        0 => Reply::Hang,
        _ if !is_watch(query) => secrets(&[record("n", "a", 1, "deployed")]),
        _ => Reply::Hang,
    });
    let mut rows = watch(connection, Driver::Secret, Vec::new(), CancellationToken::new());
    let silent = until(&mut rows, "the time-out", |snapshot| snapshot.state.fault().is_some()).await;
    assert_eq!(silent.state.fault().map(Fault::word), Some("no answer"));
    let awake = until(&mut rows, "the rows", |snapshot| !snapshot.rows.is_empty()).await;
    assert_eq!(awake.state, WatchState::Live);
}

#[tokio::test(start_paused = true)]
async fn rows_stay_when_the_cluster_goes_away() {
    let lists = AtomicUsize::new(0);
    let (connection, _) = connection(move |_, _, query| {
        if is_watch(query) {
            return Reply::refuse(401, "Unauthorized", "token expired");
        }
        match lists.fetch_add(1, Ordering::SeqCst) {
            0 => secrets(&[record("n", "a", 1, "deployed")]),
            _ => Reply::refuse(401, "Unauthorized", "token expired"),
        }
    });
    let mut rows = watch(connection, Driver::Secret, Vec::new(), CancellationToken::new());
    let snapshot = until(&mut rows, "the login", |snapshot| {
        snapshot.state.fault().is_some_and(|fault| fault.word() == "needs login")
    })
    .await;
    assert_eq!(snapshot.rows.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_watch_ends() {
    let (connection, _) = connection(|_, _, _| Reply::Hang);
    let cancel = CancellationToken::new();
    let mut rows = watch(connection, Driver::Secret, Vec::new(), cancel.clone());
    cancel.cancel();
    let ended =
        tokio::time::timeout(Duration::from_secs(5), async { while rows.changed().await.is_ok() {} }).await;
    assert!(ended.is_ok());
}

//! A table a kind: what the API says, and the verdict it must give.

use rstest::rstest;
use serde_json::{Value, json};

use super::*;

fn now() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// An object with generation 2 observed, unless `rest` says otherwise.
fn object(api: &str, kind: &str, spec: Value, status: Value) -> Value {
    let mut status = status;
    if status.get("observedGeneration").is_none() {
        status["observedGeneration"] = json!(2);
    }
    json!({"apiVersion": api, "kind": kind, "metadata": {"name": "x", "generation": 2}, "spec": spec, "status": status})
}

fn verdict(object: &Value) -> (Health, String) {
    let around = Surroundings { now: Some(now()), ..Surroundings::default() };
    let found = assess(object, &around);
    (found.health, found.reason)
}

#[track_caller]
fn expect(object: &Value, health: Health, words: &str) {
    let (found, reason) = verdict(object);
    assert_eq!(found, health, "{reason}");
    assert!(reason.contains(words), "{reason:?} should contain {words:?}");
}

#[rstest]
#[case::done(json!({"replicas": 3}), json!({"replicas": 3, "updatedReplicas": 3, "readyReplicas": 3, "availableReplicas": 3}), Health::Healthy, "3 of 3 ready")]
#[case::default_replicas(json!({}), json!({"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}), Health::Healthy, "1 of 1")]
#[case::zero(json!({"replicas": 0}), json!({}), Health::Healthy, "scaled to zero")]
#[case::not_observed(json!({"replicas": 1}), json!({"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}), Health::Progressing, "see the change")]
#[case::updating(json!({"replicas": 3}), json!({"replicas": 4, "updatedReplicas": 1, "readyReplicas": 3, "availableReplicas": 3}), Health::Progressing, "1 of 3 updated")]
#[case::old_left(json!({"replicas": 3}), json!({"replicas": 4, "updatedReplicas": 3, "readyReplicas": 4, "availableReplicas": 4}), Health::Progressing, "1 old to go")]
#[case::not_ready(json!({"replicas": 2}), json!({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 1, "availableReplicas": 1}), Health::Progressing, "1 of 2 ready")]
#[case::not_available(json!({"replicas": 2}), json!({"replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 1}), Health::Progressing, "1 of 2 available")]
#[case::paused(json!({"paused": true, "replicas": 2}), json!({}), Health::Suspended, "paused")]
#[case::deadline(json!({"replicas": 1}), json!({"conditions": [{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]}), Health::Degraded, "deadline")]
#[case::replica_failure(json!({"replicas": 1}), json!({"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "violates PodSecurity"}]}), Health::Degraded, "violates PodSecurity")]
#[case::old_failure(json!({"replicas": 1}), json!({"replicas": 1, "updatedReplicas": 1, "conditions": [{"type": "ReplicaFailure", "status": "False", "reason": "FailedCreate"}]}), Health::Progressing, "0 of 1 ready")]
fn deployments(#[case] spec: Value, #[case] status: Value, #[case] health: Health, #[case] words: &str) {
    expect(&object("apps/v1", "Deployment", spec, status), health, words);
}

#[rstest]
#[case::done(json!({"replicas": 2}), json!({"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2, "currentRevision": "a", "updateRevision": "a"}), Health::Healthy, "2 of 2")]
#[case::zero(json!({"replicas": 0}), json!({"replicas": 0}), Health::Healthy, "zero")]
#[case::not_ready(json!({"replicas": 2}), json!({"replicas": 2, "readyReplicas": 1, "currentRevision": "a", "updateRevision": "a"}), Health::Progressing, "1 of 2 ready")]
#[case::revisions_differ(json!({"replicas": 2, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}}), json!({"replicas": 2, "readyReplicas": 2, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"}), Health::Progressing, "1 of 2 updated")]
#[case::partition_done(json!({"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}}), json!({"replicas": 3, "readyReplicas": 3, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"}), Health::Healthy, "partition 2")]
#[case::partition_open(json!({"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 1}}}), json!({"replicas": 3, "readyReplicas": 3, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"}), Health::Progressing, "1 of 2 updated")]
#[case::on_delete(json!({"replicas": 2, "updateStrategy": {"type": "OnDelete"}}), json!({"replicas": 2, "readyReplicas": 2, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"}), Health::Healthy, "manual step needed: 1 old pods")]
#[case::scaling_down(json!({"replicas": 1}), json!({"replicas": 3, "readyReplicas": 3, "currentRevision": "a", "updateRevision": "a"}), Health::Progressing, "2 to go")]
#[case::not_observed(json!({"replicas": 1}), json!({"observedGeneration": 1, "replicas": 1, "readyReplicas": 1}), Health::Progressing, "see the change")]
fn stateful_sets(#[case] spec: Value, #[case] status: Value, #[case] health: Health, #[case] words: &str) {
    expect(&object("apps/v1", "StatefulSet", spec, status), health, words);
}

#[rstest]
#[case::done(json!({}), json!({"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberReady": 3, "numberAvailable": 3}), Health::Healthy, "3 of 3")]
#[case::no_node(json!({}), json!({"desiredNumberScheduled": 0}), Health::Healthy, "no node")]
#[case::updating(json!({}), json!({"desiredNumberScheduled": 3, "updatedNumberScheduled": 2, "numberReady": 3, "numberAvailable": 3}), Health::Progressing, "2 of 3 updated")]
#[case::unavailable(json!({}), json!({"desiredNumberScheduled": 3, "updatedNumberScheduled": 3, "numberReady": 2, "numberAvailable": 2}), Health::Progressing, "2 of 3 available")]
#[case::on_delete(json!({"updateStrategy": {"type": "OnDelete"}}), json!({"desiredNumberScheduled": 3, "updatedNumberScheduled": 1, "numberReady": 3, "numberAvailable": 3}), Health::Healthy, "manual step needed: 2 old pods")]
fn daemon_sets(#[case] spec: Value, #[case] status: Value, #[case] health: Health, #[case] words: &str) {
    expect(&object("apps/v1", "DaemonSet", spec, status), health, words);
}

#[rstest]
#[case::done(json!({"replicas": 2}), json!({"replicas": 2, "readyReplicas": 2, "availableReplicas": 2}), Health::Healthy, "2 of 2")]
#[case::failure(json!({"replicas": 2}), json!({"conditions": [{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}]}), Health::Degraded, "exceeded quota")]
#[case::going_down(json!({"replicas": 0}), json!({"replicas": 1}), Health::Progressing, "1 to go")]
fn replica_sets(#[case] spec: Value, #[case] status: Value, #[case] health: Health, #[case] words: &str) {
    expect(&object("apps/v1", "ReplicaSet", spec, status), health, words);
}

fn condition_of(kind: &str, status: &str, reason: &str) -> Value {
    json!({"conditions": [{"type": kind, "status": status, "reason": reason, "lastTransitionTime": "2026-11-21T11:00:00Z"}]})
}

#[rstest]
#[case::complete(condition_of("Complete", "True", ""), Health::Healthy, "completed")]
#[case::failed(
    condition_of("Failed", "True", "BackoffLimitExceeded"),
    Health::Degraded,
    "BackoffLimitExceeded"
)]
#[case::failed_is_false(
    condition_of("Failed", "False", "BackoffLimitExceeded"),
    Health::Progressing,
    "not started"
)]
#[case::complete_is_false(condition_of("Complete", "False", ""), Health::Progressing, "not started")]
#[case::suspended(condition_of("Suspended", "True", ""), Health::Suspended, "suspended")]
#[case::running(json!({"startTime": "2026-11-21T11:00:00Z", "active": 1}), Health::Progressing, "running")]
#[case::retrying(json!({"startTime": "2026-11-21T11:00:00Z", "failed": 2}), Health::Progressing, "between attempts, 2 of 7 attempts failed")]
fn jobs(#[case] status: Value, #[case] health: Health, #[case] words: &str) {
    expect(&object("batch/v1", "Job", json!({}), status), health, words);
}

fn run(name: &str, created: &str, status: &Value) -> Value {
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "creationTimestamp": created}, "status": status})
}

#[test]
fn cron_jobs_are_what_their_last_run_was() {
    let cron = |spec: Value, status: Value| object("batch/v1", "CronJob", spec, status);
    let ok = run("x-1", "2026-11-21T10:00:00Z", &condition_of("Complete", "True", ""));
    let bad = run("x-2", "2026-11-21T11:00:00Z", &condition_of("Failed", "True", "BackoffLimitExceeded"));
    let busy = run("x-3", "2026-11-21T11:30:00Z", &json!({"active": 1}));
    let hourly = json!({"schedule": "0 * * * *"});
    let recent = json!({"lastScheduleTime": "2026-11-21T11:00:00Z"});
    let check = |cron: &Value, jobs: &[&Value]| {
        let found = assess(cron, &Surroundings { now: Some(now()), jobs, ..Surroundings::default() });
        (found.health, found.reason)
    };
    assert_eq!(check(&cron(hourly.clone(), recent.clone()), &[&ok]).0, Health::Healthy);
    let (health, reason) = check(&cron(hourly.clone(), recent.clone()), &[&bad, &ok]);
    assert_eq!(health, Health::Degraded);
    assert!(reason.contains("x-2 failed: BackoffLimitExceeded"), "{reason}");
    assert_eq!(check(&cron(hourly.clone(), recent.clone()), &[&ok, &bad, &busy]).0, Health::Healthy);
    assert_eq!(
        check(&cron(json!({"schedule": "0 * * * *", "suspend": true}), recent), &[&bad]).0,
        Health::Suspended
    );
    assert_eq!(
        check(&cron(hourly.clone(), json!({})), &[]),
        (Health::Healthy, "not scheduled yet".to_owned())
    );
    let late = cron(
        hourly,
        json!({"lastScheduleTime": "2026-11-21T06:00:00Z", "lastSuccessfulTime": "2026-11-21T06:00:30Z"}),
    );
    let (health, reason) = check(&late, &[]);
    assert_eq!(health, Health::Degraded);
    assert!(reason.contains("overdue"), "{reason}");
    let daily = cron(
        json!({"schedule": "30 2 * * *"}),
        json!({"lastScheduleTime": "2026-11-21T02:30:00Z", "lastSuccessfulTime": "2026-11-21T02:31:00Z"}),
    );
    assert_eq!(check(&daily, &[]).0, Health::Healthy);
}

fn pod(policy: &str, status: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}, "status": status, "spec": {
        "restartPolicy": policy, "initContainers": [{"name": "setup"}], "containers": [{"name": "web"}, {"name": "side"}]}})
}

fn main_container(state: &Value, ready: bool, restarts: i64, last: &Value) -> Value {
    json!({"phase": "Running", "containerStatuses": [
        {"name": "web", "ready": ready, "restartCount": restarts, "state": state, "lastState": last},
        {"name": "side", "ready": true, "restartCount": 0, "state": {"running": {}}}]})
}

#[rstest]
#[case::ready("Always", json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}), Health::Healthy, "running")]
#[case::crash_loop("Always", main_container(&json!({"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s"}}), false, 3, &json!({"terminated": {"exitCode": 1, "reason": "Error"}})), Health::Degraded, "container web: CrashLoopBackOff, 3 restarts (exit code 1)")]
#[case::image_pull("Always", main_container(&json!({"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}), false, 0, &json!({})), Health::Degraded, "container web: ImagePullBackOff: no such image")]
#[case::config_error("Always", main_container(&json!({"waiting": {"reason": "CreateContainerConfigError", "message": "secret \"s\" not found"}}), false, 0, &json!({})), Health::Degraded, "secret \"s\" not found")]
#[case::oom("Always", main_container(&json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}}), false, 0, &json!({})), Health::Degraded, "container web: OOMKilled")]
#[case::oom_loop("Always", main_container(&json!({"waiting": {"reason": "CrashLoopBackOff"}}), false, 1, &json!({"terminated": {"exitCode": 137, "reason": "OOMKilled"}})), Health::Degraded, "1 restart (OOMKilled, exit code 137)")]
#[case::restarted_not_ready("Always", main_container(&json!({"running": {}}), false, 2, &json!({"terminated": {"exitCode": 3, "reason": "Error"}})), Health::Degraded, "not ready after 2 restarts (exit code 3)")]
#[case::starting("Always", main_container(&json!({"running": {}}), false, 0, &json!({})), Health::Progressing, "1 of 2 containers ready")]
#[case::creating("Always", json!({"phase": "Pending", "containerStatuses": [{"name": "web", "state": {"waiting": {"reason": "ContainerCreating"}}}]}), Health::Progressing, "container web: ContainerCreating")]
#[case::init_fails("Always", json!({"phase": "Pending", "initContainerStatuses": [{"name": "setup", "restartCount": 2, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 7}}}]}), Health::Degraded, "init container setup: CrashLoopBackOff, 2 restarts (exit code 7)")]
#[case::init_runs("Always", json!({"phase": "Pending", "initContainerStatuses": [{"name": "setup", "state": {"running": {}}}]}), Health::Progressing, "init container setup runs")]
#[case::unschedulable("Always", json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/3 nodes are available", "lastTransitionTime": "2026-11-21T11:59:00Z"}]}), Health::Degraded, "0/3 nodes")]
#[case::unschedulable_young("Always", json!({"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "lastTransitionTime": "2026-11-21T11:59:50Z"}]}), Health::Progressing, "Unschedulable")]
#[case::succeeded("Never", json!({"phase": "Succeeded"}), Health::Healthy, "completed")]
#[case::failed("Never", json!({"phase": "Failed", "containerStatuses": [{"name": "web", "state": {"terminated": {"exitCode": 2, "reason": "Error"}}}]}), Health::Degraded, "container web: exit code 2")]
#[case::evicted("Always", json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}), Health::Degraded, "Evicted: low on memory")]
#[case::job_runs("Never", json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "False"}]}), Health::Progressing, "running")]
#[case::job_retries_in_place("OnFailure", main_container(&json!({"waiting": {"reason": "CrashLoopBackOff"}}), false, 1, &json!({"terminated": {"exitCode": 1}})), Health::Progressing, "CrashLoopBackOff, 1 restart")]
#[case::job_image("OnFailure", main_container(&json!({"waiting": {"reason": "ErrImagePull"}}), false, 0, &json!({})), Health::Degraded, "ErrImagePull")]
fn pods(#[case] policy: &str, #[case] status: Value, #[case] health: Health, #[case] words: &str) {
    expect(&pod(policy, status), health, words);
}

#[test]
fn a_pod_that_cannot_mount_is_degraded_by_its_event() {
    let warnings =
        [Warning { reason: "FailedMount".into(), message: "no such secret".into(), at: Some(now()) }];
    let stuck = pod("Always", json!({"phase": "Pending"}));
    let found = assess(&stuck, &Surroundings { warnings: &warnings, ..Surroundings::default() });
    assert_eq!((found.health, found.reason.as_str()), (Health::Degraded, "FailedMount: no such secret"));
    let running =
        pod("Always", json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}));
    let found = assess(&running, &Surroundings { warnings: &warnings, ..Surroundings::default() });
    assert_eq!(found.health, Health::Healthy, "an old event says nothing about a running pod");
}

#[test]
fn a_pods_failure_degrades_its_owner_before_the_deadline_but_not_a_finished_rollout() {
    let pods = [("w-1".to_owned(), Assessment::degraded("container web: CrashLoopBackOff, 3 restarts"))];
    let around = Surroundings { new_pods: &pods, ..Surroundings::default() };
    let rolling = object(
        "apps/v1",
        "Deployment",
        json!({"replicas": 1}),
        json!({"replicas": 2, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1}),
    );
    let found = assess(&rolling, &around);
    assert_eq!(found.health, Health::Degraded);
    assert_eq!(found.reason, "pod w-1: container web: CrashLoopBackOff, 3 restarts");
    let unseen = object("apps/v1", "Deployment", json!({"replicas": 1}), json!({"observedGeneration": 1}));
    assert_eq!(assess(&unseen, &around).health, Health::Progressing);
    let failed =
        [Warning { reason: "FailedCreate".into(), message: "violates PodSecurity".into(), at: None }];
    let around = Surroundings { warnings: &failed, ..Surroundings::default() };
    assert_eq!(assess(&rolling, &around).health, Health::Degraded);
}

#[rstest]
#[case("v1", "PersistentVolumeClaim", json!({}), json!({"phase": "Bound", "capacity": {"storage": "1Gi"}}), Health::Healthy, "bound, 1Gi")]
#[case("v1", "PersistentVolumeClaim", json!({}), json!({"phase": "Pending"}), Health::Progressing, "waiting for a volume")]
#[case("v1", "PersistentVolumeClaim", json!({}), json!({"phase": "Lost"}), Health::Degraded, "lost")]
#[case("v1", "Service", json!({"type": "ClusterIP"}), json!({}), Health::Healthy, "ClusterIP")]
#[case("v1", "Service", json!({"type": "LoadBalancer"}), json!({"loadBalancer": {}}), Health::Progressing, "load balancer address")]
#[case("v1", "Service", json!({"type": "LoadBalancer"}), json!({"loadBalancer": {"ingress": [{"ip": "1.2.3.4"}]}}), Health::Healthy, "1.2.3.4")]
#[case("networking.k8s.io/v1", "Ingress", json!({}), json!({"loadBalancer": {}}), Health::Progressing, "waiting for an address")]
#[case("networking.k8s.io/v1", "Ingress", json!({}), json!({"loadBalancer": {"ingress": [{"hostname": "h"}]}}), Health::Healthy, "h")]
#[case("autoscaling/v2", "HorizontalPodAutoscaler", json!({}), json!({"conditions": [{"type": "ScalingActive", "status": "False", "reason": "FailedGetResourceMetric", "message": "no metrics"}]}), Health::Unknown, "no metrics")]
#[case("autoscaling/v2", "HorizontalPodAutoscaler", json!({}), json!({"conditions": [{"type": "AbleToScale", "status": "False", "reason": "FailedGetScale", "message": "no target"}]}), Health::Degraded, "no target")]
#[case("autoscaling/v2", "HorizontalPodAutoscaler", json!({}), json!({"conditions": [{"type": "ScalingActive", "status": "False", "reason": "ScalingDisabled"}]}), Health::Suspended, "zero replicas")]
#[case("autoscaling/v2", "HorizontalPodAutoscaler", json!({}), json!({"currentReplicas": 2, "desiredReplicas": 2, "conditions": [{"type": "AbleToScale", "status": "True"}]}), Health::Healthy, "2 replicas")]
#[case("autoscaling/v2", "HorizontalPodAutoscaler", json!({}), json!({}), Health::Progressing, "first measurement")]
#[case("policy/v1", "PodDisruptionBudget", json!({}), json!({"currentHealthy": 1, "desiredHealthy": 2}), Health::Progressing, "1 healthy pods of 2")]
#[case("policy/v1", "PodDisruptionBudget", json!({}), json!({"currentHealthy": 2, "desiredHealthy": 2, "disruptionsAllowed": 1}), Health::Healthy, "1 disruptions")]
#[case("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({}), json!({"conditions": [{"type": "Established", "status": "True"}]}), Health::Healthy, "established")]
#[case("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({}), json!({"conditions": [{"type": "NamesAccepted", "status": "False", "message": "taken"}]}), Health::Degraded, "taken")]
#[case("v1", "ConfigMap", json!({}), json!({}), Health::Healthy, "exists")]
#[case("rbac.authorization.k8s.io/v1", "Role", json!({}), json!({}), Health::Healthy, "exists")]
#[case("a.b/v1", "Widget", json!({}), json!({}), Health::Unknown, "no status")]
#[case("a.b/v1", "Widget", json!({}), json!({"observedGeneration": 1}), Health::Progressing, "see the change")]
#[case("a.b/v1", "Widget", json!({}), json!({"conditions": [{"type": "Ready", "status": "True"}]}), Health::Healthy, "ready")]
#[case("a.b/v1", "Widget", json!({}), json!({"conditions": [{"type": "Ready", "status": "False", "reason": "Waiting"}]}), Health::Progressing, "Waiting")]
#[case("a.b/v1", "Widget", json!({}), json!({"conditions": [{"type": "Ready", "status": "False", "reason": "ReconcileFailed", "message": "no"}]}), Health::Degraded, "ReconcileFailed: no")]
#[case("a.b/v1", "Widget", json!({}), json!({"conditions": [{"type": "Stalled", "status": "True", "message": "stuck"}, {"type": "Ready", "status": "True"}]}), Health::Degraded, "stuck")]
#[case("a.b/v1", "Widget", json!({}), json!({"phase": "Failed"}), Health::Degraded, "Failed")]
#[case("a.b/v1", "Widget", json!({}), json!({"phase": "Purple"}), Health::Unknown, "Purple")]
fn others(
    #[case] api: &str,
    #[case] kind: &str,
    #[case] spec: Value,
    #[case] status: Value,
    #[case] health: Health,
    #[case] words: &str,
) {
    expect(&object(api, kind, spec, status), health, words);
}

#[test]
fn what_is_being_deleted_is_on_its_way() {
    let mut claim = object("v1", "PersistentVolumeClaim", json!({}), json!({"phase": "Bound"}));
    claim["metadata"]["deletionTimestamp"] = json!("2026-11-21T11:00:00Z");
    claim["metadata"]["finalizers"] = json!(["kubernetes.io/pvc-protection"]);
    expect(&claim, Health::Progressing, "held by finalizer kubernetes.io/pvc-protection");
}

#[test]
fn worst_first_and_every_state_has_its_own_glyph_and_word() {
    let mut sorted = Health::ALL;
    sorted.sort();
    assert_eq!(sorted, Health::ALL);
    assert_eq!(Health::worst([Health::Healthy, Health::Unknown, Health::Progressing]), Health::Progressing);
    assert_eq!(Health::worst([]), Health::Healthy);
    let glyphs: std::collections::HashSet<char> = Health::ALL.iter().map(|health| health.glyph()).collect();
    assert_eq!(glyphs.len(), Health::ALL.len());
}

//! Every rule with the smallest object that shows it.

use super::*;
use crate::manifest::fields::compare;
use rstest::rstest;
use serde_json::json;

fn object(api: &str, kind: &str, rest: &Value) -> Object {
    let mut value = json!({"apiVersion": api, "kind": kind, "metadata": {"name": "x"}});
    for (key, part) in rest.as_object().unwrap() {
        if key == "metadata" {
            for (key, part) in part.as_object().unwrap() {
                value["metadata"][key] = part.clone();
            }
        } else {
            value[key] = part.clone();
        }
    }
    Object::from_value(value).unwrap()
}

fn effects(api: &str, kind: &str, before: &Value, after: &Value) -> Vec<Effect> {
    let (before, after) = (object(api, kind, before), object(api, kind, after));
    changed(&before, &after, &compare(&before.value, &after.value))
}

fn worst(api: &str, kind: &str, before: &Value, after: &Value) -> (Consequence, String) {
    let first = effects(api, kind, before, after).into_iter().next().unwrap();
    (first.consequence, first.text)
}

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "x"}}, "spec": {"containers": [{"name": "c", "image": image}]}})
}

#[rstest]
#[case("Deployment", json!({}), Consequence::RollingRestart, "rolling restart: image a:1 → a:2")]
#[case("DaemonSet", json!({}), Consequence::RollingRestart, "rolling restart: image a:1 → a:2")]
#[case("StatefulSet", json!({}), Consequence::RollingRestart, "rolling restart: image a:1 → a:2")]
#[case("Deployment", json!({"strategy": {"type": "Recreate"}}), Consequence::Recreate, "recreate, all pods stop first: image a:1 → a:2")]
#[case("Deployment", json!({"paused": true}), Consequence::InPlace, "waits, the rollout is paused: image a:1 → a:2")]
#[case("StatefulSet", json!({"updateStrategy": {"type": "OnDelete"}}), Consequence::InPlace, "waits until its pods are deleted (OnDelete): image a:1 → a:2")]
fn templates(#[case] kind: &str, #[case] spec: Value, #[case] consequence: Consequence, #[case] text: &str) {
    let with = |image: &str| {
        let mut spec = spec.clone();
        spec["template"] = template(image);
        json!({"spec": spec})
    };
    assert_eq!(worst("apps/v1", kind, &with("a:1"), &with("a:2")), (consequence, text.to_owned()));
}

#[test]
fn scaling() {
    let with = |replicas: Value| json!({"spec": {"replicas": replicas, "template": template("a:1")}});
    let text = |before: Value, after: Value| worst("apps/v1", "Deployment", &with(before), &with(after));
    assert_eq!(text(json!(2), json!(3)), (Consequence::Scale, "scale 2 to 3".to_owned()));
    assert_eq!(text(json!(null), json!(3)).1, "replicas set to 3, were not set");
    assert_eq!(text(json!(3), json!(null)).1, "replicas no longer set, were 3");
    let both = effects(
        "apps/v1",
        "Deployment",
        &json!({"spec": {"replicas": 1, "template": template("a:1")}}),
        &json!({"spec": {"replicas": 2, "template": template("a:2")}}),
    );
    let found: Vec<_> = both.iter().map(|effect| effect.consequence).collect();
    assert_eq!(found, [Consequence::RollingRestart, Consequence::Scale]);
}

#[test]
fn scaling_down_can_delete_claims() {
    let with = |replicas: u8| json!({"spec": {"replicas": replicas, "persistentVolumeClaimRetentionPolicy": {"whenScaled": "Delete"}}});
    assert_eq!(worst("apps/v1", "StatefulSet", &with(3), &with(1)).0, Consequence::DataAtRisk);
    assert_eq!(worst("apps/v1", "StatefulSet", &with(1), &with(3)).0, Consequence::Scale);
}

#[rstest]
#[case("apps/v1", "Deployment", json!({"spec": {"selector": {"matchLabels": {"app": "a"}}}}), json!({"spec": {"selector": {"matchLabels": {"app": "b"}}}}))]
#[case("apps/v1", "DaemonSet", json!({"spec": {"selector": {"matchLabels": {"app": "a"}}}}), json!({"spec": {"selector": {"matchLabels": {"app": "b"}}}}))]
#[case("apps/v1", "StatefulSet", json!({"spec": {"serviceName": "a"}}), json!({"spec": {"serviceName": "b"}}))]
#[case("apps/v1", "StatefulSet", json!({"spec": {"podManagementPolicy": "Parallel"}}), json!({"spec": {}}))]
#[case("apps/v1", "StatefulSet",
    json!({"spec": {"volumeClaimTemplates": [{"metadata": {"name": "d", "labels": {"helm.sh/chart": "c-1"}}}]}}),
    json!({"spec": {"volumeClaimTemplates": [{"metadata": {"name": "d", "labels": {"helm.sh/chart": "c-2"}}}]}}))]
#[case("batch/v1", "Job", json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "a:1"}]}}}}), json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": "a:2"}]}}}}))]
#[case("batch/v1", "Job", json!({"spec": {"completions": 1}}), json!({"spec": {"completions": 2}}))]
#[case("v1", "Service", json!({"spec": {"clusterIP": "None"}}), json!({"spec": {}}))]
#[case("v1", "PersistentVolumeClaim", json!({"spec": {"resources": {"requests": {"storage": "10Gi"}}}}), json!({"spec": {"resources": {"requests": {"storage": "9000Mi"}}}}))]
#[case("v1", "PersistentVolumeClaim", json!({"spec": {"storageClassName": "a"}}), json!({"spec": {"storageClassName": "b"}}))]
#[case("v1", "ConfigMap", json!({"immutable": true, "data": {"a": "1"}}), json!({"immutable": true, "data": {"a": "2"}}))]
#[case("v1", "Secret", json!({"type": "Opaque"}), json!({"type": "kubernetes.io/tls"}))]
#[case("v1", "Pod", json!({"spec": {"nodeName": "a"}}), json!({"spec": {"nodeName": "b"}}))]
#[case("rbac.authorization.k8s.io/v1", "RoleBinding", json!({"roleRef": {"name": "a"}}), json!({"roleRef": {"name": "b"}}))]
#[case("storage.k8s.io/v1", "StorageClass", json!({"provisioner": "a"}), json!({"provisioner": "b"}))]
#[case("apiextensions.k8s.io/v1", "CustomResourceDefinition", json!({"spec": {"scope": "Cluster"}}), json!({"spec": {"scope": "Namespaced"}}))]
#[case("scheduling.k8s.io/v1", "PriorityClass", json!({"value": 1}), json!({"value": 2}))]
#[case("networking.k8s.io/v1", "IngressClass", json!({"spec": {"controller": "a"}}), json!({"spec": {"controller": "b"}}))]
fn immutable(#[case] api: &str, #[case] kind: &str, #[case] before: Value, #[case] after: Value) {
    let (consequence, text) = worst(api, kind, &before, &after);
    assert_eq!(consequence, Consequence::Immutable, "{text}");
    assert!(text.starts_with("will fail: "), "{text}");
}

#[rstest]
#[case("v1", "ConfigMap", json!({"data": {"a": "1"}}), json!({"data": {"a": "2"}}), "data.a")]
#[case("v1", "Service", json!({"spec": {"ports": [{"name": "http", "port": 80}]}}), json!({"spec": {"ports": [{"name": "http", "port": 81}]}}), "spec.ports[http].port 80 → 81")]
#[case("v1", "Service", json!({"spec": {"type": "ClusterIP", "clusterIP": "10.0.0.1"}}), json!({"spec": {"type": "ExternalName"}}), "spec.type ClusterIP → ExternalName, spec.clusterIP removed")]
#[case("v1", "PersistentVolumeClaim", json!({"spec": {"resources": {"requests": {"storage": "10Gi"}}}}), json!({"spec": {"resources": {"requests": {"storage": "20Gi"}}}}), "grows 10Gi to 20Gi (needs a storage class that allows it, cannot be undone)")]
#[case("batch/v1", "Job", json!({"spec": {"parallelism": 1}}), json!({"spec": {"parallelism": 2}}), "spec.parallelism 1 → 2")]
#[case("batch/v1", "CronJob", json!({"spec": {"schedule": "0 1 * * *"}}), json!({"spec": {"schedule": "0 2 * * *"}}), "from its next run: spec.schedule 0 1 * * * → 0 2 * * *")]
#[case("apps/v1", "Deployment", json!({"spec": {"revisionHistoryLimit": 1}}), json!({"spec": {"revisionHistoryLimit": 2}}), "spec.revisionHistoryLimit 1 → 2")]
#[case("example.com/v1", "Service", json!({"spec": {"clusterIP": "a"}}), json!({"spec": {"clusterIP": "b"}}), "spec.clusterIP a → b")]
fn in_place(
    #[case] api: &str,
    #[case] kind: &str,
    #[case] before: Value,
    #[case] after: Value,
    #[case] text: &str,
) {
    assert_eq!(worst(api, kind, &before, &after), (Consequence::InPlace, text.to_owned()));
}

#[test]
fn labels_that_leave_the_selector_fail() {
    let with = |label: &str| json!({"spec": {"selector": {"matchLabels": {"app": "x"}}, "template": {"metadata": {"labels": {"app": label}}}}});
    let (consequence, text) = worst("apps/v1", "Deployment", &with("x"), &with("y"));
    assert_eq!(consequence, Consequence::Immutable);
    assert_eq!(text, "will fail: the pod labels no longer match the selector");
}

#[test]
fn a_version_of_a_definition_that_goes_puts_data_at_risk() {
    let with = |served: bool| json!({"spec": {"versions": [{"name": "v1", "served": true}, {"name": "v1beta1", "served": served}]}});
    let (consequence, text) =
        worst("apiextensions.k8s.io/v1", "CustomResourceDefinition", &with(true), &with(false));
    assert_eq!(consequence, Consequence::DataAtRisk);
    assert!(text.contains("v1beta1"), "{text}");
}

#[rstest]
#[case("v1", "PersistentVolumeClaim", Consequence::DataAtRisk)]
#[case("v1", "Namespace", Consequence::DataAtRisk)]
#[case("apps/v1", "StatefulSet", Consequence::DataAtRisk)]
#[case("apiextensions.k8s.io/v1", "CustomResourceDefinition", Consequence::DataAtRisk)]
#[case("v1", "Service", Consequence::InPlace)]
fn removals(#[case] api: &str, #[case] kind: &str, #[case] consequence: Consequence) {
    let plain = removed(&object(api, kind, &json!({})));
    assert_eq!(plain.consequence, consequence);
    assert!(plain.text.starts_with("removed"));
    let kept = object(api, kind, &json!({"metadata": {"annotations": {"helm.sh/resource-policy": "keep"}}}));
    assert_eq!(removed(&kept).consequence, Consequence::InPlace);
}

#[test]
fn hooks_and_tests() {
    let hook = |event: &str, image: &str| {
        json!({"metadata": {"annotations": {"helm.sh/hook": event}},
            "spec": {"template": template(image)}})
    };
    let (consequence, text) =
        worst("batch/v1", "Job", &hook("pre-upgrade", "a:1"), &hook("pre-upgrade", "a:2"));
    assert_eq!(
        (consequence, text.as_str()),
        (Consequence::HookRuns, "pre-upgrade hook changed: image a:1 → a:2")
    );
    assert_eq!(worst("v1", "Pod", &hook("test", "a:1"), &hook("test", "a:2")).0, Consequence::None);
    assert_eq!(
        added(&object("batch/v1", "Job", &hook("pre-install", "a"))).consequence,
        Consequence::HookRuns
    );
}

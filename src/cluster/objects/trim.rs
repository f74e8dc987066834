//! What a store keeps of an object: the fields that verdicts, rows and joins read. Thousands of pods with their
//! whole specs would hold more memory than the rest of the program, and values of unknown resources may be secret.
//! The whole object is fetched when it is looked at.

use serde_json::{Map, Value, json};

use super::RETRY_OF;
use crate::cluster::health::list;

/// Drops what nothing reads.
pub(super) fn trim(object: &mut Value, group: &str, kind: &str) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.retain(|key, _| {
                key.starts_with("deployment.kubernetes.io/")
                    || key == "deprecated.daemonset.template.generation"
                    || key == RETRY_OF
            });
        }
    }
    match (group, kind) {
        ("", "Pod") => pod(object),
        ("apps", _) => without(object, &["template", "volumeClaimTemplates", "selector"]),
        ("batch", _) => without(object, &["template", "jobTemplate", "selector"]),
        ("", "Service" | "PersistentVolumeClaim" | "Event" | "Namespace" | "ReplicationController") => {}
        (
            "networking.k8s.io"
            | "autoscaling"
            | "policy"
            | "apiextensions.k8s.io"
            | "apiregistration.k8s.io",
            _,
        ) => {
            without(object, &["versions", "rules", "tls"]);
        }
        // Their rules read the status alone.
        _ => {
            if let Some(map) = object.as_object_mut() {
                map.retain(|key, _| matches!(key.as_str(), "apiVersion" | "kind" | "metadata" | "status"));
            }
        }
    }
}

fn without(object: &mut Value, fields: &[&str]) {
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        for field in fields {
            spec.remove(*field);
        }
    }
}

fn pod(object: &mut Value) {
    let pick = |from: &Value, fields: &[&str]| {
        let mut kept = Map::new();
        for field in fields {
            if let Some(value) = from.get(*field) {
                kept.insert((*field).to_owned(), value.clone());
            }
        }
        Value::Object(kept)
    };
    let containers = |pointer: &str| -> Vec<Value> {
        list(object, pointer).iter().map(|from| pick(from, &["name", "image", "restartPolicy"])).collect()
    };
    let claims: Vec<Value> = list(object, "/spec/volumes")
        .iter()
        .filter(|volume| volume.get("persistentVolumeClaim").is_some())
        .map(|volume| pick(volume, &["name", "persistentVolumeClaim"]))
        .collect();
    let spec = object.get("spec").unwrap_or(&Value::Null);
    let spec = json!({
        "containers": containers("/spec/containers"),
        "initContainers": containers("/spec/initContainers"),
        "volumes": claims,
        "restartPolicy": spec.get("restartPolicy"),
        "nodeName": spec.get("nodeName"),
    });
    if let Some(map) = object.as_object_mut() {
        map.insert("spec".to_owned(), spec);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::health::{Surroundings, assess, containers};

    #[test]
    fn a_trimmed_pod_reads_as_the_whole_one() {
        let whole = json!({"apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": "p", "uid": "u", "annotations": {"checksum/config": "long"}},
            "spec": {"restartPolicy": "Always", "nodeName": "n1",
                "volumes": [{"name": "t", "secret": {"secretName": "s"}}, {"name": "d", "persistentVolumeClaim": {"claimName": "c"}}],
                "initContainers": [{"name": "i", "restartPolicy": "Always", "env": [{"name": "PASSWORD", "value": "secret"}]}],
                "containers": [{"name": "web", "image": "w:1", "env": [{"name": "PASSWORD", "value": "secret"}]}]},
            "status": {"phase": "Running", "containerStatuses": [{"name": "web", "restartCount": 2,
                "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}});
        let mut trimmed = whole.clone();
        trim(&mut trimmed, "", "Pod");
        assert_eq!(containers(&trimmed), containers(&whole));
        assert_eq!(assess(&trimmed, &Surroundings::default()), assess(&whole, &Surroundings::default()));
        assert_eq!(
            trimmed["spec"]["volumes"],
            json!([{"name": "d", "persistentVolumeClaim": {"claimName": "c"}}])
        );
        let text = trimmed.to_string();
        assert!(!text.contains("secret") && !text.contains("checksum"), "{text}");
    }

    #[test]
    fn of_unknown_kinds_only_the_status_is_kept() {
        let mut object = json!({"apiVersion": "a.b/v1", "kind": "T", "metadata": {"name": "x"}, "spec": {"password": "p"}, "status": {"phase": "Ready"}});
        trim(&mut object, "a.b", "T");
        assert_eq!(object.get("spec"), None);
        assert_eq!(object["status"]["phase"], "Ready");
    }
}

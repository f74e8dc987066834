//! The jobs that we make, as plain objects: a run of a schedule as `kubectl create job --from` makes it, and another
//! try of a job that failed.

use serde_json::{Map, Value, json};

use crate::cluster::objects::RETRY_OF;
use crate::model::job::valid_name;

/// The longest name of a job: its pods carry it in a label.
const LONGEST: usize = 63;

/// Signs of a name's own end. No vowels and nothing that is read as something else, as Kubernetes does it.
const SIGNS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Signs at the end of a name.
const MARK: usize = 5;

/// A run of a `CronJob` by hand: its template, its owner, and the mark that says that nobody scheduled it.
pub(super) fn run_of(schedule: &Value, name: &str) -> Value {
    let text = |key: &str| schedule["metadata"].get(key).and_then(Value::as_str).unwrap_or_default();
    let template = schedule.pointer("/spec/jobTemplate").unwrap_or(&Value::Null);
    let mut annotations = Map::new();
    annotations.insert("cronjob.kubernetes.io/instantiate".to_owned(), json!("manual"));
    annotations.extend(map(template, "/metadata/annotations"));
    let mut metadata = json!({"name": name, "namespace": text("namespace"), "annotations": annotations});
    let labels = map(template, "/metadata/labels");
    if !labels.is_empty() {
        metadata["labels"] = labels.into();
    }
    // Nothing that blocks the owner's deletion: that would need a right on its finalizers.
    metadata["ownerReferences"] = json!([{"apiVersion": "batch/v1", "kind": "CronJob", "name": text("name"),
        "uid": text("uid"), "controller": true}]);
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": template.get("spec")})
}

/// Another try of a job of its own: its spec without what the server gave it, and who it is a retry of. What says
/// that helm or another tool keeps the object does not go with it: none of them knows of this one.
pub(super) fn retry_of(job: &Value, name: &str) -> Value {
    let text = |key: &str| job["metadata"].get(key).and_then(Value::as_str).unwrap_or_default();
    let mut annotations = map(job, "/metadata/annotations");
    annotations.retain(|key, _| {
        const KEPT_BY: [&str; 6] = [
            "meta.helm.sh/",
            "helm.sh/",
            "argocd.argoproj.io/",
            "kubectl.kubernetes.io/",
            "batch.kubernetes.io/",
            "cronjob.kubernetes.io/",
        ];
        !KEPT_BY.iter().any(|prefix| key.starts_with(prefix))
    });
    annotations.insert(RETRY_OF.to_owned(), json!(root_of(job)));
    let mut labels = map(job, "/metadata/labels");
    without_server_labels(&mut labels);
    labels.retain(|key, _| {
        key != "app.kubernetes.io/managed-by"
            && !["argocd.argoproj.io/", "helm.toolkit.fluxcd.io/", "kustomize.toolkit.fluxcd.io/"]
                .iter()
                .any(|prefix| key.starts_with(prefix))
    });
    let mut metadata = json!({"name": name, "namespace": text("namespace"), "annotations": annotations});
    if !labels.is_empty() {
        metadata["labels"] = labels.into();
    }
    let mut spec = job.get("spec").cloned().unwrap_or_default();
    if let Some(spec) = spec.as_object_mut() {
        spec.remove("selector");
        spec.remove("manualSelector");
    }
    if let Some(template) = spec.pointer_mut("/template/metadata").and_then(Value::as_object_mut) {
        template.remove("creationTimestamp");
        if let Some(labels) = template.get_mut("labels").and_then(Value::as_object_mut) {
            without_server_labels(labels);
        }
    }
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec})
}

/// The job that a row of retries began with.
pub(super) fn root_of(job: &Value) -> &str {
    let metadata = &job["metadata"];
    let of = metadata["annotations"].get(RETRY_OF).or_else(|| metadata.get("name"));
    of.and_then(Value::as_str).unwrap_or_default()
}

/// `nightly-run-x7k2p`: valid, at most 63 signs, and another one for every `seed`.
pub(super) fn name_of(stem: &str, word: &str, seed: &crate::base::Hash) -> String {
    let mark: String = seed
        .bytes()
        .iter()
        .take(MARK)
        .map(|byte| char::from(SIGNS[usize::from(*byte) % SIGNS.len()]))
        .collect();
    let most = LONGEST - word.len() - MARK - 2;
    format!("{}-{word}-{mark}", valid_name(stem, most))
}

/// Labels by which the server ties pods to the one job that they are of.
fn without_server_labels(labels: &mut Map<String, Value>) {
    for key in
        ["controller-uid", "job-name", "batch.kubernetes.io/controller-uid", "batch.kubernetes.io/job-name"]
    {
        labels.remove(key);
    }
}

fn map(value: &Value, pointer: &str) -> Map<String, Value> {
    value.pointer(pointer).and_then(Value::as_object).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Hash;

    #[test]
    fn a_run_is_what_kubectl_makes_of_the_schedule() {
        let schedule = json!({"apiVersion": "batch/v1", "kind": "CronJob",
            "metadata": {"name": "nightly", "namespace": "floe-dev", "uid": "u-1", "labels": {"of": "the schedule"}},
            "spec": {"schedule": "@daily", "suspend": true, "jobTemplate": {
                "metadata": {"labels": {"app": "dbt"}, "annotations": {"team": "data"}},
                "spec": {"backoffLimit": 2, "template": {"spec": {"containers": []}}}}}});
        let want = json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "nightly-run-1", "namespace": "floe-dev",
                "annotations": {"cronjob.kubernetes.io/instantiate": "manual", "team": "data"},
                "labels": {"app": "dbt"},
                "ownerReferences": [{"apiVersion": "batch/v1", "kind": "CronJob", "name": "nightly", "uid": "u-1",
                    "controller": true}]},
            "spec": {"backoffLimit": 2, "template": {"spec": {"containers": []}}}});
        assert_eq!(run_of(&schedule, "nightly-run-1"), want);
    }

    #[test]
    fn a_retry_carries_nothing_that_ties_it_to_the_failed_one() {
        let server = json!({"controller-uid": "u", "job-name": "load", "batch.kubernetes.io/controller-uid": "u",
            "batch.kubernetes.io/job-name": "load", "app": "dbt"});
        let mut labels = server.clone();
        labels["app.kubernetes.io/managed-by"] = json!("Helm");
        labels["argocd.argoproj.io/instance"] = json!("floe");
        let job = json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "load", "namespace": "floe-dev", "uid": "u", "resourceVersion": "7", "labels": labels,
                "annotations": {"meta.helm.sh/release-name": "floe", "batch.kubernetes.io/job-tracking": "", "team": "data"},
                "managedFields": [{}], "ownerReferences": []},
            "spec": {"backoffLimit": 0, "manualSelector": false, "selector": {"matchLabels": {"controller-uid": "u"}},
                "template": {"metadata": {"creationTimestamp": null, "labels": server}, "spec": {"restartPolicy": "Never"}}},
            "status": {"failed": 1}});
        let want = json!({"apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "load-retry-1", "namespace": "floe-dev",
                "annotations": {"team": "data", "floe.dev/retry-of": "load"}, "labels": {"app": "dbt"}},
            "spec": {"backoffLimit": 0,
                "template": {"metadata": {"labels": {"app": "dbt"}}, "spec": {"restartPolicy": "Never"}}}});
        let first = retry_of(&job, "load-retry-1");
        assert_eq!(first, want);
        // A retry of a retry belongs to the same job.
        assert_eq!(root_of(&first), "load");
        assert_eq!(retry_of(&first, "load-retry-2")["metadata"]["annotations"][RETRY_OF], "load");
    }

    #[test]
    fn names_are_valid_whatever_they_begin_with_and_differ() {
        let long = "x".repeat(52);
        for stem in ["nightly", "Daily.Orders", "2024-load", long.as_str(), &"y".repeat(63), "a-"] {
            let [one, two] = ["1", "2"].map(|seed| name_of(stem, "retry", &Hash::of(seed)));
            for name in [&one, &two] {
                assert!(name.len() <= 63, "{name}");
                let valid = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
                assert!(
                    name.starts_with(|c: char| c.is_ascii_lowercase()) && name.chars().all(valid),
                    "{name}"
                );
                assert!(name.contains("-retry-") && !name.ends_with('-') && !name.contains("--"), "{name}");
            }
            assert_ne!(one, two);
        }
    }
}

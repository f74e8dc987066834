//! What a change does, kind by kind: which fields restart pods, which the API server refuses to change, where data
//! can be lost. The lists of immutable fields are those of the API server's update validation.

use serde_json::Value;

use super::consequence::Consequence;
use super::fields::FieldChange;
use super::object::Object;
use super::{quantity, summary};

/// One thing that a change does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) consequence: Consequence,
    pub(super) text: String,
}

impl Effect {
    fn new(consequence: Consequence, text: impl Into<String>) -> Self {
        Self { consequence, text: text.into() }
    }
}

type Fields<'f> = Vec<&'f FieldChange>;

/// What changing an object does, worst first. `fields` are all fields that differ, noise included.
pub(super) fn changed(before: &Object, after: &Object, fields: &[FieldChange]) -> Vec<Effect> {
    let all: Fields<'_> = fields.iter().collect();
    if all.is_empty() {
        return Vec::new();
    }
    if let Some(hook) = &after.hook {
        let words = summary::of(&all);
        return vec![if hook.is_test() {
            Effect::new(Consequence::None, format!("test changed: {words}"))
        } else {
            Effect::new(Consequence::HookRuns, format!("{} hook changed: {words}", hook.words()))
        }];
    }
    let (old, new) = (&before.value, &after.value);
    let group = after.id.group();
    let mut effects = match (group, after.id.kind.as_str()) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet") => workload(&after.id.kind, old, new, &all),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => replica_set(&all),
        ("batch", "Job") => job(new, &all),
        ("batch", "CronJob") => cron_job(new, &all),
        ("", "Pod") => pod(&all),
        ("", "PersistentVolumeClaim") => claim(old, new, &all),
        ("", "ConfigMap" | "Secret") => configuration(old, &all),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(old, new, &all),
        (group, kind) => {
            let new_type = new.pointer("/spec/type").and_then(Value::as_str);
            simple(&all, |field| is_frozen(group, kind, new_type, field))
        }
    };
    effects.sort_by_key(|effect| std::cmp::Reverse(effect.consequence));
    effects
}

/// What removing an object does.
pub(super) fn removed(object: &Object) -> Effect {
    if object.hook.is_some() {
        return Effect::new(Consequence::None, "removed: the hook runs no more");
    }
    if object.is_kept() {
        return Effect::new(
            Consequence::InPlace,
            "removed from the release, kept in the cluster (resource-policy: keep)",
        );
    }
    let risk = match (object.id.group(), object.id.kind.as_str()) {
        ("", "PersistentVolumeClaim") => Some("the volume goes with its claim"),
        ("", "PersistentVolume") => Some("the volume is given up"),
        ("", "Namespace") => Some("everything in it is deleted"),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => Some("all objects of its kind are deleted"),
        ("apps", "StatefulSet") => Some(
            match object
                .value
                .pointer("/spec/persistentVolumeClaimRetentionPolicy/whenDeleted")
                .and_then(Value::as_str)
            {
                Some("Delete") => "its claims are deleted with it",
                _ => "its claims stay behind, nothing uses them",
            },
        ),
        _ => None,
    };
    match risk {
        Some(risk) => Effect::new(Consequence::DataAtRisk, format!("removed (data at risk: {risk})")),
        None => Effect::new(Consequence::InPlace, "removed"),
    }
}

/// What adding an object does.
pub(super) fn added(object: &Object) -> Effect {
    match &object.hook {
        Some(hook) if hook.is_test() => Effect::new(Consequence::None, "added: test"),
        Some(hook) => Effect::new(Consequence::HookRuns, format!("added: {} hook", hook.words())),
        None => Effect::new(Consequence::None, "added"),
    }
}

/// Splits fields in those that match and the rest.
fn part<'f>(fields: &[&'f FieldChange], matches: impl Fn(&FieldChange) -> bool) -> (Fields<'f>, Fields<'f>) {
    fields.iter().copied().partition(|field| matches(field))
}

fn push(effects: &mut Vec<Effect>, consequence: Consequence, before: &str, fields: &[&FieldChange]) {
    if !fields.is_empty() {
        effects.push(Effect::new(consequence, format!("{before}{}", summary::of(fields))));
    }
}

fn frozen(effects: &mut Vec<Effect>, fields: &[&FieldChange], remedy: &str) {
    if !fields.is_empty() {
        let words = summary::of(fields);
        effects.push(Effect::new(
            Consequence::Immutable,
            format!("will fail: {words} cannot be changed{remedy}"),
        ));
    }
}

fn workload(kind: &str, old: &Value, new: &Value, fields: &[&FieldChange]) -> Vec<Effect> {
    // What a StatefulSet's spec may change; everything else in it is frozen.
    const FREE: [&str; 7] = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
    ];
    let mut effects = Vec::new();
    let (template, rest) = part(fields, |field| field.path.is_under(&["spec", "template"]));
    let (scale, rest) = part(&rest, |field| field.path.is(&["spec", "replicas"]));
    let (fixed, rest) = part(&rest, |field| match kind {
        "StatefulSet" => {
            field.path.is_under(&["spec"]) && field.path.key_at(1).is_some_and(|key| !FREE.contains(&key))
        }
        _ => field.path.is_under(&["spec", "selector"]),
    });
    frozen(&mut effects, &fixed, &format!(" on a {kind}"));
    if !template.is_empty() && !selects_its_pods(new) {
        effects.push(Effect::new(
            Consequence::Immutable,
            "will fail: the pod labels no longer match the selector",
        ));
    }
    let strategy = new
        .pointer("/spec/strategy/type")
        .or_else(|| new.pointer("/spec/updateStrategy/type"))
        .and_then(Value::as_str);
    let paused = new.pointer("/spec/paused") == Some(&Value::Bool(true));
    match strategy {
        _ if paused => push(&mut effects, Consequence::InPlace, "waits, the rollout is paused: ", &template),
        Some("Recreate") => {
            push(&mut effects, Consequence::Recreate, "recreate, all pods stop first: ", &template);
        }
        Some("OnDelete") => {
            push(
                &mut effects,
                Consequence::InPlace,
                "waits until its pods are deleted (OnDelete): ",
                &template,
            );
        }
        _ => push(&mut effects, Consequence::RollingRestart, "rolling restart: ", &template),
    }
    if let Some(field) = scale.first() {
        effects.push(scaled(old, field));
    }
    push(&mut effects, Consequence::InPlace, "", &rest);
    effects
}

fn scaled(old: &Value, field: &FieldChange) -> Effect {
    let count = |value: &Option<Value>| value.as_ref().and_then(Value::as_u64);
    match (count(&field.before), count(&field.after)) {
        (Some(before), Some(after)) => {
            let deletes =
                old.pointer("/spec/persistentVolumeClaimRetentionPolicy/whenScaled").and_then(Value::as_str)
                    == Some("Delete");
            if after < before && deletes {
                Effect::new(
                    Consequence::DataAtRisk,
                    format!(
                        "scale {before} to {after} (data at risk: claims of the removed pods are deleted)"
                    ),
                )
            } else {
                Effect::new(Consequence::Scale, format!("scale {before} to {after}"))
            }
        }
        (None, Some(after)) => {
            Effect::new(Consequence::Scale, format!("replicas set to {after}, were not set"))
        }
        (Some(before), None) => {
            Effect::new(Consequence::Scale, format!("replicas no longer set, were {before}"))
        }
        (None, None) => Effect::new(Consequence::Immutable, "will fail: replicas is not a number"),
    }
}

/// Whether the selector's labels are all on the pod template.
fn selects_its_pods(workload: &Value) -> bool {
    let labels = workload.pointer("/spec/template/metadata/labels");
    workload.pointer("/spec/selector/matchLabels").and_then(Value::as_object).is_none_or(|wanted| {
        wanted.iter().all(|(key, is)| labels.and_then(|labels| labels.get(key)) == Some(is))
    })
}

fn replica_set(fields: &[&FieldChange]) -> Vec<Effect> {
    let mut effects = Vec::new();
    let (fixed, rest) = part(fields, |field| field.path.is_under(&["spec", "selector"]));
    let (scale, rest) = part(&rest, |field| field.path.is(&["spec", "replicas"]));
    frozen(&mut effects, &fixed, "");
    effects.extend(scale.first().map(|field| scaled(&Value::Null, field)));
    push(&mut effects, Consequence::InPlace, "holds for new pods only: ", &rest);
    effects
}

fn job(new: &Value, fields: &[&FieldChange]) -> Vec<Effect> {
    const FIXED: [&str; 8] = [
        "template",
        "selector",
        "completionMode",
        "podFailurePolicy",
        "successPolicy",
        "backoffLimitPerIndex",
        "manualSelector",
        "managedBy",
    ];
    let indexed = new.pointer("/spec/completionMode").and_then(Value::as_str) == Some("Indexed");
    let mut effects = Vec::new();
    let (fixed, rest) = part(fields, |field| {
        field.path.is_under(&["spec"])
            && field
                .path
                .key_at(1)
                .is_some_and(|key| FIXED.contains(&key) || (key == "completions" && !indexed))
    });
    frozen(&mut effects, &fixed, " on a Job (delete it first, or make it a hook)");
    push(&mut effects, Consequence::InPlace, "", &rest);
    effects
}

fn cron_job(new: &Value, fields: &[&FieldChange]) -> Vec<Effect> {
    let (run, rest) = part(fields, |field| field.path.is_under(&["spec"]));
    let mut effects = Vec::new();
    let suspended = new.pointer("/spec/suspend") == Some(&Value::Bool(true));
    let words = if suspended { "suspended, holds for runs after it: " } else { "from its next run: " };
    push(&mut effects, Consequence::InPlace, words, &run);
    push(&mut effects, Consequence::InPlace, "", &rest);
    effects
}

fn pod(fields: &[&FieldChange]) -> Vec<Effect> {
    let mut effects = Vec::new();
    let (images, rest) =
        part(fields, |field| field.path.is_under(&["spec"]) && field.path.last_key() == Some("image"));
    let (fixed, rest) = part(&rest, |field| {
        field.path.is_under(&["spec"])
            && field.path.key_at(1).is_some_and(|key| !matches!(key, "activeDeadlineSeconds" | "tolerations"))
    });
    frozen(&mut effects, &fixed, " on a Pod");
    push(&mut effects, Consequence::RollingRestart, "its container restarts: ", &images);
    push(&mut effects, Consequence::InPlace, "", &rest);
    effects
}

fn claim(old: &Value, new: &Value, fields: &[&FieldChange]) -> Vec<Effect> {
    const STORAGE: &str = "/spec/resources/requests/storage";
    let mut effects = Vec::new();
    let (size, rest) = part(fields, |field| field.path.is_under(&["spec", "resources", "requests"]));
    if !size.is_empty() {
        let text = |value: Option<&Value>| {
            value.map_or_else(
                || "unset".to_owned(),
                |value| value.as_str().map_or_else(|| value.to_string(), str::to_owned),
            )
        };
        let (before, after) = (old.pointer(STORAGE), new.pointer(STORAGE));
        let words = format!("{} to {}", text(before), text(after));
        let grows = before.and_then(quantity::size) <= after.and_then(quantity::size);
        effects.push(if grows {
            Effect::new(
                Consequence::InPlace,
                format!("grows {words} (needs a storage class that allows it, cannot be undone)"),
            )
        } else {
            Effect::new(Consequence::Immutable, format!("will fail: a claim cannot shrink, {words}"))
        });
    }
    let (fixed, rest) = part(&rest, |field| {
        field.path.is_under(&["spec"]) && field.path.key_at(1) != Some("volumeAttributesClassName")
    });
    frozen(&mut effects, &fixed, " on a claim");
    push(&mut effects, Consequence::InPlace, "", &rest);
    effects
}

fn configuration(old: &Value, fields: &[&FieldChange]) -> Vec<Effect> {
    let sealed = old.get("immutable") == Some(&Value::Bool(true));
    simple(fields, |field| {
        field.path.is(&["type"])
            || (sealed
                && field
                    .path
                    .key_at(0)
                    .is_some_and(|key| matches!(key, "data" | "stringData" | "binaryData" | "immutable")))
    })
}

fn definition(old: &Value, new: &Value, fields: &[&FieldChange]) -> Vec<Effect> {
    let served = |value: &Value| -> Vec<String> {
        let versions = value.pointer("/spec/versions").and_then(Value::as_array);
        versions
            .into_iter()
            .flatten()
            .filter(|version| version.get("served") != Some(&Value::Bool(false)))
            .filter_map(|version| version.get("name").and_then(Value::as_str).map(str::to_owned))
            .collect()
    };
    let mut effects = simple(fields, |field| {
        ["scope", "group"].iter().any(|key| field.path.is_under(&["spec", key]))
            || ["kind", "plural"].iter().any(|key| field.path.is_under(&["spec", "names", key]))
    });
    let now = served(new);
    let gone: Vec<_> = served(old).into_iter().filter(|version| !now.contains(version)).collect();
    if !gone.is_empty() {
        effects.push(Effect::new(
            Consequence::DataAtRisk,
            format!("data at risk: version {} is served no more", gone.join(", ")),
        ));
    }
    effects
}

/// Frozen fields of kinds that have no rules besides.
fn is_frozen(group: &str, kind: &str, new_type: Option<&str>, field: &FieldChange) -> bool {
    let under = |keys: &[&str]| field.path.is_under(keys);
    match (group, kind) {
        ("", "Service") => {
            new_type != Some("ExternalName")
                && (under(&["spec", "clusterIP"]) || under(&["spec", "clusterIPs"]))
        }
        ("", "PersistentVolume") => {
            under(&["spec"])
                && field.path.key_at(1).is_some_and(|key| {
                    !matches!(
                        key,
                        "capacity"
                            | "accessModes"
                            | "persistentVolumeReclaimPolicy"
                            | "mountOptions"
                            | "claimRef"
                            | "storageClassName"
                            | "volumeAttributesClassName"
                    )
                })
        }
        ("rbac.authorization.k8s.io", "RoleBinding" | "ClusterRoleBinding") => under(&["roleRef"]),
        ("storage.k8s.io", "StorageClass") => {
            ["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"]
                .iter()
                .any(|key| under(&[key]))
        }
        ("networking.k8s.io", "IngressClass") => under(&["spec", "controller"]),
        ("scheduling.k8s.io", "PriorityClass") => under(&["value"]) || under(&["preemptionPolicy"]),
        ("node.k8s.io", "RuntimeClass") => under(&["handler"]),
        ("discovery.k8s.io", "EndpointSlice") => under(&["addressType"]),
        _ => false,
    }
}

fn simple(fields: &[&FieldChange], is_fixed: impl Fn(&FieldChange) -> bool) -> Vec<Effect> {
    let mut effects = Vec::new();
    let (fixed, rest) = part(fields, is_fixed);
    frozen(&mut effects, &fixed, "");
    push(&mut effects, Consequence::InPlace, "", &rest);
    effects
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "rules_tests.rs"]
mod tests;

//! Live objects as one side of a diff. The API server adds a status, defaults and bookkeeping; only what the chart
//! rendered is compared, so that what shows is drift.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::diff::Side;
use super::fields::{item_key, scalar};
use super::object::{Object, ObjectKey};
use super::quantity;

/// Maps that belong to the chart as a whole: an entry that only the cluster has was put there by somebody.
const OWNED: [&str; 6] = ["data", "binaryData", "stringData", "matchLabels", "nodeSelector", "limits"];

/// The live objects that belong to `rendered`, each reduced to what the chart renders; those that are missing are
/// left out (they show as added).
pub fn live_side(rendered: &[Object], live: &[Value], side: &Side) -> Vec<Object> {
    let mut found: HashMap<ObjectKey, &Value> = HashMap::new();
    for value in live {
        if let Some(object) = Object::from_value(value.clone()) {
            found.insert(side.key(&object.id), value);
        }
    }
    rendered
        .iter()
        .filter_map(|object| {
            let value = found.get(&side.key(&object.id))?;
            Some(Object::from_value(normalise_live(value, &object.value))?.with_origin_of(object))
        })
        .collect()
}

/// A live object with only the fields that `rendered` has, in the same order and spelling. Entries that somebody
/// added to configuration data, a selector, or a list whose items have names are kept.
pub fn normalise_live(live: &Value, rendered: &Value) -> Value {
    let mut live = live.clone();
    decode_string_data(&mut live, rendered);
    reduce("", &live, rendered)
}

fn reduce(key: &str, live: &Value, rendered: &Value) -> Value {
    match (live, rendered) {
        (Value::Object(live), Value::Object(rendered)) => {
            let mut reduced = Map::new();
            for (key, wanted) in rendered {
                match live.get(key) {
                    Some(is) => {
                        reduced.insert(key.clone(), reduce(key, is, wanted));
                    }
                    // The API server drops what is empty.
                    None if is_empty(wanted) => {
                        reduced.insert(key.clone(), wanted.clone());
                    }
                    None => {}
                }
            }
            if OWNED.contains(&key) {
                for (key, is) in live {
                    if !rendered.contains_key(key) {
                        reduced.insert(key.clone(), is.clone());
                    }
                }
            }
            Value::Object(reduced)
        }
        (Value::Array(live), Value::Array(rendered)) => Value::Array(reduce_list(key, live, rendered)),
        (live, rendered) if live != rendered && quantity::same(live, rendered) && is_quantity(key) => {
            rendered.clone()
        }
        _ => live.clone(),
    }
}

fn reduce_list(key: &str, live: &[Value], rendered: &[Value]) -> Vec<Value> {
    let Some(by) = item_key(live, rendered) else {
        // Items without names are taken by place.
        return live
            .iter()
            .enumerate()
            .map(|(index, is)| {
                rendered.get(index).map_or_else(|| is.clone(), |wanted| reduce(key, is, wanted))
            })
            .collect();
    };
    let find = |items: &[Value], item: &Value| {
        let is = item.get(by).and_then(scalar);
        items.iter().position(|other| other.get(by).and_then(scalar) == is)
    };
    live.iter()
        .map(|is| find(rendered, is).map_or_else(|| is.clone(), |index| reduce(key, is, &rendered[index])))
        .collect()
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Object(map) => map.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Bool(set) => !set,
        Value::Number(number) => number.as_f64() == Some(0.0),
    }
}

/// Keys below which quantities stand.
fn is_quantity(key: &str) -> bool {
    matches!(key, "cpu" | "memory" | "storage" | "ephemeral-storage" | "sizeLimit" | "pods" | "divisor")
        || key.contains("requests.")
        || key.contains("limits.")
        || key.starts_with("hugepages-")
}

/// `stringData` is write-only: the API server moves it to `data`. Moves it back for the keys that the chart gives.
fn decode_string_data(live: &mut Value, rendered: &Value) {
    let Some(given) = rendered.get("stringData").and_then(Value::as_object) else { return };
    let mut texts = Map::new();
    if let Some(data) = live.get_mut("data").and_then(Value::as_object_mut) {
        for key in given.keys() {
            let text =
                data.get(key).and_then(Value::as_str).and_then(|encoded| STANDARD.decode(encoded).ok());
            if let Some(text) = text.and_then(|bytes| String::from_utf8(bytes).ok()) {
                data.shift_remove(key);
                texts.insert(key.clone(), Value::String(text));
            }
        }
    }
    live["stringData"] = Value::Object(texts);
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::manifest::{DiffOptions, diff};
    use serde_json::json;

    fn rendered() -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "w", "labels": {"app": "w"}, "annotations": {}},
            "spec": {"replicas": 2, "template": {"spec": {"hostNetwork": false, "containers": [
                {"name": "c", "image": "i:1", "resources": {"limits": {"cpu": "1000m", "memory": "1Gi"}}}]}}}})
    }

    fn live() -> Value {
        json!({"kind": "Deployment", "apiVersion": "apps/v1",
            "metadata": {"name": "w", "namespace": "n", "uid": "1", "managedFields": [{}], "resourceVersion": "9",
                "labels": {"app": "w", "app.kubernetes.io/managed-by": "Helm"}, "annotations": {"meta.helm.sh/release-name": "r"}},
            "spec": {"progressDeadlineSeconds": 600, "replicas": 2, "template": {"spec": {"restartPolicy": "Always",
                "containers": [{"image": "i:1", "imagePullPolicy": "IfNotPresent", "name": "c",
                    "resources": {"limits": {"memory": "1Gi", "cpu": "1"}}}]}}},
            "status": {"replicas": 2}})
    }

    fn drift(live: Value) -> Vec<String> {
        let rendered = [Object::from_value(rendered()).unwrap()];
        let side = Side { namespace: Some("n".to_owned()), release: None };
        let old = live_side(&rendered, &[live], &side);
        let set = diff(&old, &rendered, &DiffOptions { old: side, ..DiffOptions::default() });
        set.changes.iter().flat_map(|change| &change.fields).map(|field| field.path.to_string()).collect()
    }

    #[test]
    fn defaults_and_bookkeeping_are_no_drift() {
        assert_eq!(drift(live()), Vec::<String>::new());
    }

    #[test]
    fn what_somebody_changed_is() {
        let mut scaled = live();
        scaled["spec"]["replicas"] = json!(5);
        assert_eq!(drift(scaled), ["spec.replicas"]);
        let mut sidecar = live();
        sidecar["spec"]["template"]["spec"]["containers"]
            .as_array_mut()
            .unwrap()
            .push(json!({"name": "debug"}));
        assert_eq!(drift(sidecar), ["spec.template.spec.containers[debug]"]);
        let mut limited = live();
        limited["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["cpu"] = json!("2");
        assert_eq!(drift(limited), ["spec.template.spec.containers[c].resources.limits.cpu"]);
    }

    #[test]
    fn a_missing_object_is_added() {
        let rendered = [Object::from_value(rendered()).unwrap()];
        let old = live_side(&rendered, &[], &Side::default());
        assert_eq!(diff(&old, &rendered, &DiffOptions::default()).headline(), "1 added");
    }

    #[test]
    fn string_data_is_compared_with_what_the_cluster_made_of_it() {
        let rendered = json!({"kind": "Secret", "metadata": {"name": "s"}, "stringData": {"a": "x"}});
        let live = json!({"kind": "Secret", "metadata": {"name": "s"}, "data": {"a": "eA=="}});
        assert_eq!(normalise_live(&live, &rendered), rendered);
        let extra =
            json!({"kind": "ConfigMap", "metadata": {"name": "s"}, "data": {"a": "1", "by-hand": "2"}});
        let chart = json!({"kind": "ConfigMap", "metadata": {"name": "s"}, "data": {"a": "1"}});
        assert_eq!(normalise_live(&extra, &chart)["data"]["by-hand"], "2");
    }
}

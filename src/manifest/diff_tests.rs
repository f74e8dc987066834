use super::*;
use crate::manifest::parse;
use proptest::prelude::*;
use serde_json::json;

fn object(value: Value) -> Object {
    Object::from_value(value).unwrap()
}

fn deployment(name: &str, image: &str, checksum: &str) -> Object {
    object(json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "labels": {"helm.sh/chart": format!("c-{checksum}")}},
        "spec": {"replicas": 2, "template": {
            "metadata": {"annotations": {"checksum/config": checksum}},
            "spec": {"containers": [{"name": "c", "image": image,
                "envFrom": [{"configMapRef": {"name": "settings"}}]}]}}}}))
}

fn config(value: &str) -> Object {
    object(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": value}}),
    )
}

fn plain(old: &[Object], new: &[Object]) -> ChangeSet {
    diff(old, new, &DiffOptions::default())
}

fn quiet(old: &[Object], new: &[Object]) -> ChangeSet {
    diff(old, new, &DiffOptions { hide_noise: true, ..DiffOptions::default() })
}

#[test]
fn worst_first_and_a_headline() {
    let claim =
        object(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "d"}}));
    let old = [deployment("a", "i:1", "1"), deployment("b", "i:1", "1"), claim, config("1")];
    let new =
        [deployment("a", "i:2", "1"), deployment("b", "i:2", "1"), config("1"), deployment("n", "i:1", "1")];
    let set = plain(&old, &new);
    assert_eq!(set.headline(), "1 data at risk, 2 restarts, 1 added");
    assert_eq!(set.changes[0].summary, "removed (data at risk: the volume goes with its claim)");
    assert_eq!(set.changes[1].summary, "rolling restart: image i:1 → i:2");
    assert_eq!(set.worst(), Consequence::DataAtRisk);
    assert_eq!(set.unchanged, 1);
    assert_eq!(set.counts()[&Consequence::RollingRestart], 2);
    assert_eq!(plain(&old, &old).headline(), "no change");
}

#[test]
fn same_changes_are_one_group() {
    let old = [deployment("a", "i:1", "1"), deployment("b", "i:1", "1"), deployment("c", "i:1", "1")];
    let new = [deployment("a", "i:2", "1"), deployment("b", "i:3", "1"), deployment("c", "i:2", "1")];
    let groups = plain(&old, &new).groups();
    assert_eq!(groups.len(), 2);
    assert_eq!(groups[0].label().as_deref(), Some("same change in 2 objects"));
    assert_eq!(groups[1].label(), None);
}

#[test]
fn noise_is_hidden_and_counted_but_a_restart_is_not() {
    let old = [object(
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "labels": {"helm.sh/chart": "c-1"}}}),
    )];
    let new = [object(
        json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "s", "labels": {"helm.sh/chart": "c-2"}}}),
    )];
    assert_eq!(plain(&old, &new).changes.len(), 1);
    let set = quiet(&old, &new);
    assert!(set.is_empty());
    assert_eq!((set.hidden, set.unchanged), (1, 1));
    assert_eq!(set.footnotes(), ["1 noise field hidden"]);

    let set = quiet(&[deployment("a", "i:1", "1")], &[deployment("a", "i:1", "2")]);
    assert_eq!(set.changes[0].consequence, Consequence::RollingRestart);
    assert!(
        set.changes[0].summary.starts_with("rolling restart: configuration (checksum)"),
        "{}",
        set.changes[0].summary
    );
    assert!(set.changes[0].after.as_deref().unwrap().contains("checksum/config"));

    let set = quiet(&[deployment("a", "i:1", "1")], &[deployment("a", "i:2", "2")]);
    assert_eq!(set.changes[0].hidden, 2);
    assert!(!set.changes[0].after.as_deref().unwrap().contains("checksum/config"));
}

#[test]
fn namespaces_and_releases_of_the_sides_do_not_matter() {
    let at = |namespace: Option<&str>, name: &str| {
        let mut value =
            json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": {"x": 1}});
        if let Some(namespace) = namespace {
            value["metadata"]["namespace"] = json!(namespace);
        }
        object(value)
    };
    let side = |namespace: &str, release: &str| Side {
        namespace: Some(namespace.to_owned()),
        release: Some(release.to_owned()),
    };
    let options = DiffOptions {
        old: side("floe-dev", "floe-dev"),
        new: side("floe-qa", "floe-qa"),
        ..DiffOptions::default()
    };
    let set = diff(&[at(Some("floe-dev"), "floe-dev-web")], &[at(None, "floe-qa-web")], &options);
    assert_eq!(set.changes.len(), 1);
    assert_eq!(set.changes[0].kind, ChangeKind::Changed);
    let set = diff(&[at(None, "floe-devel")], &[at(None, "floe-qael")], &options);
    assert_eq!(set.count_of(ChangeKind::Added), 1, "a name that only begins alike is another object");
}

#[test]
fn pods_that_keep_old_configuration_are_named() {
    let set = plain(&[config("1"), deployment("a", "i:1", "1")], &[config("2"), deployment("a", "i:1", "1")]);
    assert_eq!(set.changes[0].notes, ["running pods keep the old content until restarted: Deployment a"]);
    let set = plain(&[config("1"), deployment("a", "i:1", "1")], &[config("2"), deployment("a", "i:1", "2")]);
    assert!(set.changes.iter().all(|change| change.notes.is_empty()), "the checksum restarts them");
}

#[test]
fn mounted_configuration_follows_unless_it_is_a_sub_path() {
    let with = |mount: Value| {
        object(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "m"}, "spec": {"template": {"spec": {
            "volumes": [{"name": "v", "configMap": {"name": "settings"}}],
            "containers": [{"name": "c", "volumeMounts": [mount]}]}}}}),
        )
    };
    let note = |workload: Object| {
        plain(&[config("1"), workload.clone()], &[config("2"), workload]).changes[0].notes[0].clone()
    };
    assert!(note(with(json!({"name": "v", "mountPath": "/a"}))).starts_with("mounted files follow"));
    assert!(
        note(with(json!({"name": "v", "mountPath": "/a", "subPath": "x"}))).starts_with("running pods keep")
    );
}

#[test]
fn another_kind_or_name_is_a_recreate() {
    let spec = json!({"template": {"spec": {"containers": [{"name": "c", "image": "i"}]}}});
    let of = |kind: &str, name: &str| {
        object(json!({"apiVersion": "apps/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}))
    };
    let set = plain(&[of("Deployment", "a")], &[of("DaemonSet", "a")]);
    assert_eq!(set.changes[0].consequence, Consequence::Recreate);
    assert_eq!(set.changes[0].summary, "recreate: removed, DaemonSet a takes its place");
    let set = plain(&[of("Deployment", "a")], &[of("Deployment", "b")]);
    assert_eq!(set.headline(), "1 recreate, 1 added");
    let set = plain(&[of("StatefulSet", "a")], &[of("Deployment", "a")]);
    assert_eq!(set.changes[0].consequence, Consequence::DataAtRisk);
    assert_eq!(set.changes[0].notes, ["Deployment a takes its place"]);
}

#[test]
fn secrets_are_masked_everywhere_and_still_differ() {
    let secret = |value: &str| {
        object(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"p": value, "q": "same"}}),
        )
    };
    let redact = Redact::new(|value| {
        let mut masked = value.clone();
        for (_, entry) in masked["data"].as_object_mut().unwrap() {
            *entry = json!(format!("‹{}›", entry.as_str().unwrap().len()));
        }
        masked
    });
    let options = DiffOptions { redact: Some(redact), ..DiffOptions::default() };
    let set = diff(&[secret("hunter2")], &[secret("hunter22")], &options);
    let change = &set.changes[0];
    assert_eq!(change.fields.len(), 1);
    assert_eq!(change.fields[0].before, Some(json!("‹7›")));
    let everything = serde_json::to_string(&set).unwrap();
    assert!(!everything.contains("hunter"), "{everything}");
    assert_ne!(change.before, change.after);
    let added = diff(&[], &[secret("hunter2")], &options);
    assert!(!serde_json::to_string(&added).unwrap().contains("hunter"));
}

#[test]
fn the_programs_redaction_hides_secrets_and_keeps_names() {
    let pod = |password: &str| {
        object(
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"template": {"spec": {
            "containers": [{"name": "c", "env": [{"name": "DB_PASSWORD", "value": password}],
                "envFrom": [{"secretRef": {"name": "credentials"}}]}],
            "volumes": [{"name": "v", "secret": {"secretName": "tls-secret"}}]}}}}),
        )
    };
    let secret = |text: &str| {
        object(
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"plain": text, "same": "c2FtZQ=="}}),
        )
    };
    let options = DiffOptions { redact: Some(Redact::by(Redactor::new())), ..DiffOptions::default() };
    let set =
        diff(&[pod("hunter2"), secret("aHVudGVyMg==")], &[pod("hunter3"), secret("aHVudGVyMw==")], &options);
    let everything = serde_json::to_string(&set).unwrap();
    assert!(!everything.contains("hunter") && !everything.contains("aHVudGVy"), "{everything}");
    assert!(everything.contains("credentials") && everything.contains("tls-secret"), "{everything}");
    for change in &set.changes {
        assert_eq!(change.fields.len(), 1, "{everything}");
        assert_ne!(change.fields[0].before, change.fields[0].after);
    }
}

#[test]
fn a_cluster_can_raise_a_consequence() {
    let mut set =
        plain(&[config("1"), deployment("a", "i:1", "1")], &[config("2"), deployment("a", "i:2", "1")]);
    assert!(set.annotate(&config("1").id, Consequence::Conflict, "owned by argocd"));
    assert_eq!(set.changes[0].id.kind, "ConfigMap");
    assert_eq!(set.headline(), "1 conflict, 1 restart");
    assert!(!set.annotate(&deployment("zz", "i", "1").id, Consequence::Conflict, ""));
}

#[test]
fn hooks_can_be_left_out_and_are_no_objects_of_the_release() {
    let hook = object(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings",
        "annotations": {"helm.sh/hook": "pre-install"}}}));
    let set = plain(&[config("1")], std::slice::from_ref(&hook));
    assert_eq!((set.count_of(ChangeKind::Added), set.count_of(ChangeKind::Removed)), (1, 1));
    let set = diff(&[], &[hook], &DiffOptions { skip_hooks: true, ..DiffOptions::default() });
    assert!(set.is_empty());
}

#[test]
fn the_same_name_twice_is_compared_in_order() {
    let set = plain(&[config("1"), config("2")], &[config("1"), config("3")]);
    assert_eq!((set.changes.len(), set.unchanged), (1, 1));
    let set = plain(&[config("1"), config("2")], &[config("1")]);
    assert_eq!((set.count_of(ChangeKind::Removed), set.unchanged), (1, 1));
}

fn manifests() -> impl Strategy<Value = Vec<Object>> {
    prop::collection::vec(("[ab]{1,2}", "[12]", 0u8..3), 0..6).prop_map(|items| {
        let mut text = String::new();
        for (name, value, kind) in items {
            let kind = ["ConfigMap", "Service", "Deployment"][usize::from(kind)];
            let api = if kind == "Deployment" { "apps/v1" } else { "v1" };
            text.push_str(&format!(
                "---\napiVersion: {api}\nkind: {kind}\nmetadata:\n  name: {name:?}\nspec:\n  a: {value}\n  replicas: {value}\n"
            ));
        }
        parse(&text).unwrap()
    })
}

proptest! {
    #[test]
    fn nothing_changes_against_itself(objects in manifests(), hide_noise in any::<bool>()) {
        let set = diff(&objects, &objects, &DiffOptions { hide_noise, ..DiffOptions::default() });
        prop_assert!(set.is_empty());
        prop_assert_eq!(set.unchanged, objects.len());
    }

    #[test]
    fn every_object_is_accounted_for(old in manifests(), new in manifests()) {
        let set = plain(&old, &new);
        let (added, removed) = (set.count_of(ChangeKind::Added), set.count_of(ChangeKind::Removed));
        let changed = set.count_of(ChangeKind::Changed);
        prop_assert_eq!(set.unchanged + changed + added, new.len());
        prop_assert_eq!(set.unchanged + changed + removed, old.len());
        // There and back: what one way adds, the other removes.
        let back = plain(&new, &old);
        prop_assert_eq!((back.count_of(ChangeKind::Added), back.count_of(ChangeKind::Removed)), (removed, added));
    }

    #[test]
    fn texts_of_a_change_are_the_objects(old in manifests(), new in manifests()) {
        for change in plain(&old, &new).changes {
            for (text, side) in [(change.before, &old), (change.after, &new)] {
                if let Some(text) = text {
                    let objects = parse(&text).unwrap();
                    prop_assert!(side.iter().any(|object| object.value == objects[0].value));
                }
            }
        }
    }
}

//! One Kubernetes object of a manifest: who it is, where it came from, whether it is a hook.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::Serialize;
use serde_json::Value;

use crate::yaml;

/// Who an object is, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct ObjectId {
    /// `apps/v1`, `v1`.
    pub api_version: String,
    /// `Deployment`.
    pub kind: String,
    /// `None` when the manifest leaves it to the release's namespace, and for cluster-wide kinds.
    pub namespace: Option<String>,
    /// `metadata.name`; a `generateName` ends in `*`.
    pub name: String,
}

/// kubectl's short name of a kind, for columns; a kind without one keeps its own.
pub fn short_kind(kind: &str) -> &str {
    match kind {
        "ConfigMap" => "cm",
        "CronJob" => "cj",
        "CustomResourceDefinition" => "crd",
        "DaemonSet" => "ds",
        "Deployment" => "deploy",
        "HorizontalPodAutoscaler" => "hpa",
        "Ingress" => "ing",
        "LimitRange" => "limits",
        "NetworkPolicy" => "netpol",
        "PersistentVolume" => "pv",
        "PersistentVolumeClaim" => "pvc",
        "Pod" => "po",
        "PodDisruptionBudget" => "pdb",
        "ReplicaSet" => "rs",
        "ResourceQuota" => "quota",
        "Service" => "svc",
        "ServiceAccount" => "sa",
        "StatefulSet" => "sts",
        own => own,
    }
}

impl ObjectId {
    /// The API group; empty for the core group.
    pub fn group(&self) -> &str {
        self.api_version.split_once('/').map_or("", |(group, _)| group)
    }

    /// `Deployment web`: without the namespace, for lists of one release.
    pub fn short(&self) -> String {
        format!("{} {}", self.kind, self.name)
    }

    /// What makes it the same object in helm's eyes: group, kind, namespace and name, not the version.
    pub fn key(&self) -> ObjectKey {
        ObjectKey {
            group: self.group().to_owned(),
            kind: self.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.kind, self.name),
            None => write!(f, "{} {}", self.kind, self.name),
        }
    }
}

/// The identity by which two sets of objects are matched.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectKey {
    /// The API group; empty for the core group.
    pub group: String,
    /// The kind.
    pub kind: String,
    /// The namespace, `None` for that of the release.
    pub namespace: Option<String>,
    /// The name.
    pub name: String,
}

/// When helm runs a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HookEvent {
    /// Before anything of an install.
    PreInstall,
    /// After an install.
    PostInstall,
    /// Before anything of an upgrade.
    PreUpgrade,
    /// After an upgrade.
    PostUpgrade,
    /// Before a rollback.
    PreRollback,
    /// After a rollback.
    PostRollback,
    /// Before an uninstall.
    PreDelete,
    /// After an uninstall.
    PostDelete,
    /// On `helm test` only.
    Test,
}

impl HookEvent {
    /// Helm's word; `test-success` is the old word for `test`. `None` for a word helm does not know.
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "pre-install" => Self::PreInstall,
            "post-install" => Self::PostInstall,
            "pre-upgrade" => Self::PreUpgrade,
            "post-upgrade" => Self::PostUpgrade,
            "pre-rollback" => Self::PreRollback,
            "post-rollback" => Self::PostRollback,
            "pre-delete" => Self::PreDelete,
            "post-delete" => Self::PostDelete,
            "test" | "test-success" => Self::Test,
            _ => return None,
        })
    }

    /// Helm's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::PreInstall => "pre-install",
            Self::PostInstall => "post-install",
            Self::PreUpgrade => "pre-upgrade",
            Self::PostUpgrade => "post-upgrade",
            Self::PreRollback => "pre-rollback",
            Self::PostRollback => "post-rollback",
            Self::PreDelete => "pre-delete",
            Self::PostDelete => "post-delete",
            Self::Test => "test",
        }
    }
}

/// What `helm.sh/hook*` annotations say.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Hook {
    /// When it runs; words that helm does not know are left out.
    pub events: Vec<HookEvent>,
    /// Lower runs first; 0 when not given.
    pub weight: i64,
    /// `before-hook-creation` when none is given, as helm does.
    pub delete_policies: Vec<String>,
}

impl Hook {
    /// Whether it only runs on `helm test`.
    pub fn is_test(&self) -> bool {
        !self.events.is_empty() && self.events.iter().all(|event| *event == HookEvent::Test)
    }

    /// `pre-install, pre-upgrade`.
    pub fn words(&self) -> String {
        self.events.iter().map(|event| event.word()).collect::<Vec<_>>().join(", ")
    }

    fn of(object: &Value) -> Option<Self> {
        let words = annotation(object, "helm.sh/hook")?;
        let list = |text: &str| -> Vec<String> {
            text.split(',').map(|word| word.trim().to_owned()).filter(|word| !word.is_empty()).collect()
        };
        let delete_policies = annotation(object, "helm.sh/hook-delete-policy").map(list).unwrap_or_default();
        Some(Self {
            events: list(words).iter().filter_map(|word| HookEvent::parse(word)).collect(),
            weight: annotation(object, "helm.sh/hook-weight")
                .and_then(|text| text.trim().parse().ok())
                .unwrap_or(0),
            delete_policies: if delete_policies.is_empty() {
                vec!["before-hook-creation".to_owned()]
            } else {
                delete_policies
            },
        })
    }
}

/// One object of a manifest. Not redacted. Cheap to clone: most objects are the same from one rendering to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct Object(Arc<Content>);

/// What an object is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Content {
    /// Who it is.
    pub id: ObjectId,
    /// The template it came from, as in `# Source: floe/templates/web.yaml`.
    pub source: Option<String>,
    /// Set when helm treats it as a hook.
    pub hook: Option<Hook>,
    /// The document as it was rendered, without its `---` and `# Source:` lines.
    pub text: Arc<str>,
    /// The same, read.
    pub value: Arc<Value>,
}

impl Deref for Object {
    type Target = Content;

    fn deref(&self) -> &Content {
        &self.0
    }
}

impl Object {
    /// An object from a value that has no text of its own (a list's item, a live object). `None` when it has no
    /// kind or no name.
    pub fn from_value(value: Value) -> Option<Self> {
        let text = yaml::write(&value);
        Self::read(Arc::new(value), Arc::from(text), None)
    }

    /// An object from a document; `None` when it has no kind or no name.
    pub(super) fn read(value: Arc<Value>, text: Arc<str>, source: Option<String>) -> Option<Self> {
        let text_at = |of: &Value, key: &str| of.get(key).and_then(Value::as_str).map(str::to_owned);
        let metadata = value.get("metadata")?;
        let name = text_at(metadata, "name")
            .or_else(|| text_at(metadata, "generateName").map(|prefix| format!("{prefix}*")))
            .filter(|name| !name.is_empty())?;
        let id = ObjectId {
            api_version: text_at(&value, "apiVersion").unwrap_or_default(),
            kind: text_at(&value, "kind").filter(|kind| !kind.is_empty())?,
            namespace: text_at(metadata, "namespace").filter(|namespace| !namespace.is_empty()),
            name,
        };
        let hook = Hook::of(&value);
        Some(Self(Arc::new(Content { id, source, hook, text, value })))
    }

    /// As the other object has it: the template it comes from and whether it is a hook.
    pub(super) fn with_origin_of(mut self, other: &Self) -> Self {
        let content = Arc::make_mut(&mut self.0);
        content.source.clone_from(&other.source);
        content.hook.clone_from(&other.hook);
        self
    }

    /// With the template it comes from.
    pub(super) fn of_template(mut self, source: Option<&str>) -> Self {
        Arc::make_mut(&mut self.0).source = source.map(str::to_owned);
        self
    }

    /// Whether it is the very same, not only equal.
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether `helm.sh/resource-policy: keep` makes helm leave it in the cluster.
    pub fn is_kept(&self) -> bool {
        annotation(&self.value, "helm.sh/resource-policy").is_some_and(|policy| policy.trim() == "keep")
    }

    /// The images of its containers, init containers first, without repeats.
    pub fn images(&self) -> Vec<String> {
        let mut images = Vec::new();
        for pod in pod_specs(&self.value) {
            for list in ["initContainers", "containers"] {
                for container in pod.get(list).and_then(Value::as_array).into_iter().flatten() {
                    if let Some(image) = container.get("image").and_then(Value::as_str)
                        && !images.iter().any(|known| known == image)
                    {
                        images.push(image.to_owned());
                    }
                }
            }
        }
        images
    }
}

/// The hooks that run on one event, in helm's order: weight, then name, then kind.
pub fn hooks_on(objects: &[Object], event: HookEvent) -> Vec<&Object> {
    let mut hooks: Vec<(&Object, i64)> = objects
        .iter()
        .filter_map(|object| {
            object.hook.as_ref().filter(|hook| hook.events.contains(&event)).map(|hook| (object, hook.weight))
        })
        .collect();
    hooks.sort_by(|(a, wa), (b, wb)| {
        wa.cmp(wb).then_with(|| a.id.name.cmp(&b.id.name)).then_with(|| a.id.kind.cmp(&b.id.kind))
    });
    hooks.into_iter().map(|(object, _)| object).collect()
}

/// An annotation of an object.
pub(super) fn annotation<'v>(object: &'v Value, name: &str) -> Option<&'v str> {
    object.get("metadata")?.get("annotations")?.get(name)?.as_str()
}

/// The pod specs inside a workload (one, or none).
pub(super) fn pod_specs(object: &Value) -> Vec<&Value> {
    let kind = object.get("kind").and_then(Value::as_str).unwrap_or_default();
    let pointer = match kind {
        "Pod" => "/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        _ => "/spec/template/spec",
    };
    object.pointer(pointer).into_iter().collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Object {
        Object::read(Arc::new(value), Arc::from(""), None).unwrap()
    }

    #[test]
    fn hooks_are_read_as_helm_reads_them() {
        let job = object(
            json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "m", "annotations": {
            "helm.sh/hook": "pre-install, pre-upgrade", "helm.sh/hook-weight": "-5"}}}),
        );
        let hook = job.hook.as_ref().unwrap();
        assert_eq!(hook.events, [HookEvent::PreInstall, HookEvent::PreUpgrade]);
        assert_eq!(hook.weight, -5);
        assert_eq!(hook.delete_policies, ["before-hook-creation"]);
        assert!(!hook.is_test());
        let test = object(
            json!({"kind": "Pod", "metadata": {"name": "t", "annotations": {"helm.sh/hook": "test-success"}}}),
        );
        assert!(test.hook.as_ref().unwrap().is_test());
    }

    #[test]
    fn hooks_run_by_weight_then_name() {
        let hook = |name: &str, weight: &str| {
            object(json!({"kind": "Job", "metadata": {"name": name, "annotations": {
                "helm.sh/hook": "pre-upgrade", "helm.sh/hook-weight": weight}}}))
        };
        let objects = [hook("b", "0"), hook("a", "0"), hook("z", "-1")];
        let names: Vec<_> =
            hooks_on(&objects, HookEvent::PreUpgrade).iter().map(|object| object.id.name.clone()).collect();
        assert_eq!(names, ["z", "a", "b"]);
        assert!(hooks_on(&objects, HookEvent::PostUpgrade).is_empty());
    }

    #[test]
    fn identity_ignores_the_version_but_not_the_group() {
        let id = |api: &str| {
            object(json!({"apiVersion": api, "kind": "Ingress", "metadata": {"name": "i"}})).id.key()
        };
        assert_eq!(id("networking.k8s.io/v1"), id("networking.k8s.io/v1beta1"));
        assert_ne!(id("networking.k8s.io/v1"), id("extensions/v1beta1"));
    }

    #[test]
    fn images_of_any_workload() {
        let cron = object(
            json!({"kind": "CronJob", "metadata": {"name": "c"}, "spec": {"jobTemplate": {"spec": {
            "template": {"spec": {"initContainers": [{"image": "i:1"}], "containers": [{"image": "a:1"}, {"image": "i:1"}]}}}}}}),
        );
        assert_eq!(cron.images(), ["i:1", "a:1"]);
    }
}

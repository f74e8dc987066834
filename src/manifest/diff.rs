//! Two sets of objects against each other: what was added, removed and changed, what each change does, worst first.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::consequence::Consequence;
use super::fields::{FieldChange, compare};
use super::mask::{Mask, UNSTABLE};
use super::object::{Object, ObjectId, ObjectKey, pod_specs};
use super::{noise, rules};
use crate::base::redact::Redactor;
use crate::yaml::{self, KeyPath};

/// Whose objects one side of a diff are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Side {
    /// The release's namespace: an object that names it and one that names none are the same.
    pub namespace: Option<String>,
    /// The release's name; needed only when the two sides are releases of different names, so that
    /// `floe-dev-web` and `floe-qa-web` are matched.
    pub release: Option<String>,
}

impl Side {
    /// An object's identity with this side's own namespace and release taken out.
    pub(super) fn key(&self, id: &ObjectId) -> ObjectKey {
        let mut key = id.key();
        if key.namespace.is_some() && key.namespace == self.namespace {
            key.namespace = None;
        }
        if let Some(release) = self.release.as_deref().filter(|release| !release.is_empty())
            && let Some(rest) = key.name.strip_prefix(release)
            && (rest.is_empty() || rest.starts_with('-'))
        {
            key.name = format!("\u{0}{rest}");
        }
        key
    }
}

/// Masks secrets of one object before anything of it is put into a change. Equal values must give equal masks and
/// different ones different masks, so that a changed secret still shows as changed.
#[derive(Clone)]
pub struct Redact(Arc<dyn Fn(&Value) -> Value + Send + Sync>);

impl Redact {
    /// From a function that masks a whole object.
    pub fn new(mask: impl Fn(&Value) -> Value + Send + Sync + 'static) -> Self {
        Self(Arc::new(mask))
    }

    /// By the one redaction of the program: everything in a Secret, and elsewhere what is declared or named like a
    /// secret.
    pub fn by(redactor: impl Into<Arc<Redactor>>) -> Self {
        let redactor = redactor.into();
        Self::new(move |object| {
            let mut masked = redactor.value(&KeyPath::root(), object);
            if object.get("kind").and_then(Value::as_str) == Some("Secret") {
                for part in ["data", "stringData"] {
                    let Some(Value::Object(given)) = object.get(part) else { continue };
                    for (key, value) in given {
                        // Masked from the value itself, so that base64 of equal secrets stays equal.
                        let shown = match value {
                            Value::String(text) if text.is_empty() || text == UNSTABLE => value.clone(),
                            Value::String(text) => Value::String(redactor.fingerprint(text)),
                            other => Value::String(redactor.fingerprint(&other.to_string())),
                        };
                        masked[part][key] = shown;
                    }
                }
            }
            masked
        })
    }
}

impl fmt::Debug for Redact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redact")
    }
}

/// How two sets are compared.
#[derive(Debug, Clone, Default)]
pub struct DiffOptions {
    /// Leaves noise out of fields and texts, and objects of which nothing else changed and nothing restarts.
    pub hide_noise: bool,
    /// What is unstable, see [`super::mask_unstable`].
    pub mask: Mask,
    /// Whose objects are before.
    pub old: Side,
    /// Whose objects are after.
    pub new: Side,
    /// Leaves hooks out on both sides (a live cluster and a release record's manifest have none).
    pub skip_hooks: bool,
    /// Masks secrets in fields and texts; without it they are in clear.
    pub redact: Option<Redact>,
}

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It goes.
    Removed,
    /// It stays and differs.
    Changed,
}

/// One object that differs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    /// Who it is (after the change, where there is one).
    pub id: ObjectId,
    /// The template it comes from.
    pub source: Option<String>,
    /// Whether it is a hook or a test.
    pub hook: bool,
    /// What happens to it.
    pub kind: ChangeKind,
    /// The worst that it does.
    pub consequence: Consequence,
    /// In words: `scale 2 to 3`, `rolling restart: image a:1 → a:2`, `removed (data at risk: …)`.
    pub summary: String,
    /// What else a reader should know, one sentence each.
    pub notes: Vec<String>,
    /// The fields that differ, without what is hidden; empty for added and removed objects.
    pub fields: Vec<FieldChange>,
    /// How many noise fields are hidden.
    pub hidden: usize,
    /// How many unstable fields are masked.
    pub unstable: usize,
    /// The object before.
    pub before: Option<Written>,
    /// The object after.
    pub after: Option<Written>,
}

/// An object as YAML, written when somebody looks at it.
#[derive(Debug, Clone)]
pub struct Written {
    value: Arc<Value>,
    text: OnceLock<String>,
}

impl From<Arc<Value>> for Written {
    fn from(value: Arc<Value>) -> Self {
        Self { value, text: OnceLock::new() }
    }
}

impl Deref for Written {
    type Target = str;

    fn deref(&self) -> &str {
        self.text.get_or_init(|| yaml::write(&self.value))
    }
}

impl PartialEq for Written {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl Serialize for Written {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).serialize(serializer)
    }
}

impl Change {
    /// The order on a list: data at risk, failures and conflicts, then what goes, what restarts, …
    fn rank(&self) -> u8 {
        let removed = self.kind == ChangeKind::Removed;
        match self.consequence {
            Consequence::DataAtRisk => 9,
            Consequence::Immutable => 8,
            Consequence::Conflict => 7,
            Consequence::Recreate => 6,
            Consequence::InPlace if removed => 5,
            Consequence::RollingRestart => 4,
            Consequence::Scale => 3,
            Consequence::InPlace => 2,
            Consequence::HookRuns => 1,
            Consequence::None => 0,
        }
    }
}

/// Changes that are the same in several objects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Group {
    /// Indexes into [`ChangeSet::changes`], at least one, in their order.
    pub members: Vec<usize>,
}

impl Group {
    /// `same change in 14 objects`; `None` for a single one.
    pub fn label(&self) -> Option<String> {
        (self.members.len() > 1).then(|| format!("same change in {} objects", self.members.len()))
    }
}

/// All that differs between two sets of objects.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct ChangeSet {
    /// Worst first.
    pub changes: Vec<Change>,
    /// How many unstable fields and objects were masked.
    pub unstable: usize,
    /// How many objects do not differ, those with only hidden or masked differences included.
    pub unchanged: usize,
    /// How many noise fields are hidden.
    pub hidden: usize,
}

impl ChangeSet {
    /// Whether nothing differs (apart from what is hidden or masked).
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The worst consequence; [`Consequence::None`] when nothing changes.
    pub fn worst(&self) -> Consequence {
        self.changes.iter().map(|change| change.consequence).max().unwrap_or_default()
    }

    /// How many changes have each consequence. Added objects count as [`Consequence::None`].
    pub fn counts(&self) -> BTreeMap<Consequence, usize> {
        let mut counts = BTreeMap::new();
        for change in &self.changes {
            *counts.entry(change.consequence).or_default() += 1;
        }
        counts
    }

    /// How many changes are of a kind.
    pub fn count_of(&self, kind: ChangeKind) -> usize {
        self.changes.iter().filter(|change| change.kind == kind).count()
    }

    /// One line for a button or a status: `2 restarts, 1 recreate, 3 added`, `no change`.
    pub fn headline(&self) -> String {
        const ORDER: [Consequence; 8] = [
            Consequence::DataAtRisk,
            Consequence::Immutable,
            Consequence::Conflict,
            Consequence::RollingRestart,
            Consequence::Recreate,
            Consequence::Scale,
            Consequence::InPlace,
            Consequence::HookRuns,
        ];
        // Added and harmlessly removed objects are counted by what happens to them, everything else by what it does.
        let by_kind = |change: &&Change| {
            change.kind == ChangeKind::Added
                || (change.kind == ChangeKind::Removed && change.consequence <= Consequence::InPlace)
        };
        let mut words = Vec::new();
        for consequence in ORDER {
            let count = self
                .changes
                .iter()
                .filter(|change| change.consequence == consequence && !by_kind(change))
                .count();
            if count > 0 {
                words.push(consequence.counted(count));
            }
        }
        for (kind, word) in [(ChangeKind::Removed, "removed"), (ChangeKind::Added, "added")] {
            let count = self.changes.iter().filter(by_kind).filter(|change| change.kind == kind).count();
            if count > 0 {
                words.push(format!("{count} {word}"));
            }
        }
        let rest = self
            .changes
            .iter()
            .filter(|change| change.consequence == Consequence::None && !by_kind(change))
            .count();
        if rest > 0 {
            // Only a changed test does nothing.
            words.push(format!("{rest} test{}", if rest == 1 { "" } else { "s" }));
        }
        if words.is_empty() { "no change".to_owned() } else { words.join(", ") }
    }

    /// What is not shown, in words: `3 noise fields hidden`, `1 unstable masked`.
    pub fn footnotes(&self) -> Vec<String> {
        let mut notes = Vec::new();
        if self.hidden > 0 {
            notes.push(format!(
                "{} noise field{} hidden",
                self.hidden,
                if self.hidden == 1 { "" } else { "s" }
            ));
        }
        if self.unstable > 0 {
            notes.push(format!("{} unstable masked", self.unstable));
        }
        notes
    }

    /// Changes with the same fields, before and after, taken together; in the order of their first members.
    pub fn groups(&self) -> Vec<Group> {
        let mut groups: Vec<Group> = Vec::new();
        for (index, change) in self.changes.iter().enumerate() {
            let same = groups.iter_mut().find(|group| {
                let first = &self.changes[group.members[0]];
                change.kind == ChangeKind::Changed
                    && first.kind == ChangeKind::Changed
                    && !change.fields.is_empty()
                    && first.consequence == change.consequence
                    && first.fields == change.fields
            });
            match same {
                Some(group) => group.members.push(index),
                None => groups.push(Group { members: vec![index] }),
            }
        }
        groups
    }

    /// Adds what only a cluster knows (an owner, a refused dry run) to an object's change; raises its consequence,
    /// never lowers it. Returns whether the object has a change here.
    pub fn annotate(&mut self, id: &ObjectId, consequence: Consequence, note: impl Into<String>) -> bool {
        let key = id.key();
        let Some(change) = self.changes.iter_mut().find(|change| change.id.key() == key) else {
            return false;
        };
        change.consequence = change.consequence.max(consequence);
        change.notes.push(note.into());
        self.sort();
        true
    }

    fn sort(&mut self) {
        self.changes.sort_by(|a, b| b.rank().cmp(&a.rank()).then_with(|| a.id.cmp(&b.id)));
    }
}

/// Compares two sets of objects.
pub fn diff(old: &[Object], new: &[Object], options: &DiffOptions) -> ChangeSet {
    let mut set = ChangeSet::default();
    let keep = |object: &&Object| !(options.skip_hooks && object.hook.is_some());
    let (mut former, mut latter) = (old.iter().filter(keep).peekable(), new.iter().filter(keep).peekable());
    // Two renderings of the same release nearly always hold the same objects in the same order.
    while options.old == options.new
        && let (Some(one), Some(other)) = (former.peek(), latter.peek())
        && (one.is_same(other) || (one.id == other.id && one.hook.is_some() == other.hook.is_some()))
    {
        set.pair(one, other, options);
        former.next();
        latter.next();
    }
    let former: Vec<&Object> = former.collect();
    // A hook and an object of the release that have the same name are two things to helm.
    let mut before: HashMap<(ObjectKey, bool), Vec<&Object>> = HashMap::new();
    for object in former.iter().rev() {
        before.entry((options.old.key(&object.id), object.hook.is_some())).or_default().push(object);
    }
    for object in latter {
        let key = (options.new.key(&object.id), object.hook.is_some());
        let former = before.get_mut(&key).and_then(Vec::pop);
        match former {
            Some(former) => set.pair(former, object, options),
            None if options.mask.is_unstable_name(&key.0) => set.unstable += 1,
            None => set.changes.push(alone(object, ChangeKind::Added, options)),
        }
    }
    for object in former {
        let key = (options.old.key(&object.id), object.hook.is_some());
        let is_left =
            before.get(&key).is_some_and(|left| left.iter().any(|other| std::ptr::eq(*other, object)));
        if is_left && !options.mask.is_unstable_name(&key.0) {
            set.changes.push(alone(object, ChangeKind::Removed, options));
        }
    }
    replacements(&mut set, old, new);
    consumers(&mut set, new);
    set.sort();
    set
}

impl ChangeSet {
    /// Compares two states of one object.
    fn pair(&mut self, old: &Object, new: &Object, options: &DiffOptions) {
        if Arc::ptr_eq(&old.value, &new.value) || old.value == new.value {
            self.unchanged += 1;
            return;
        }
        let masked = options.mask.apply(&options.new.key(&new.id), &old.value, &new.value);
        let unstable = masked.as_ref().map_or(0, |(_, _, count)| *count);
        self.unstable += unstable;
        let (mut before, mut after) = masked
            .map_or_else(|| (old.value.clone(), new.value.clone()), |(old, new, _)| (old.into(), new.into()));
        let all = compare(&before, &after);
        if all.is_empty() {
            self.unchanged += 1;
            return;
        }
        let effects = rules::changed(old, new, &all);
        let consequence = effects.iter().map(|effect| effect.consequence).max().unwrap_or_default();
        let (noisy, mut fields): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|field| options.hide_noise && noise::is_noise(&field.path));
        self.hidden += noisy.len();
        if fields.is_empty() && consequence <= Consequence::InPlace {
            self.unchanged += 1;
            return;
        }
        // Hidden noise is no part of the summary, unless it alone does what happens.
        let quiet = if noisy.is_empty() || fields.is_empty() {
            Vec::new()
        } else {
            rules::changed(old, new, &fields)
        };
        let told =
            if quiet.iter().any(|effect| effect.consequence == consequence) { &quiet } else { &effects };
        let summary = told.iter().map(|effect| effect.text.as_str()).collect::<Vec<_>>().join("; ");
        // When only noise makes the pods restart, the noise is the text.
        if !fields.is_empty() {
            for field in &noisy {
                noise::remove(Arc::make_mut(&mut before), &field.path);
                noise::remove(Arc::make_mut(&mut after), &field.path);
            }
        }
        if let Some(Redact(mask)) = &options.redact {
            (before, after) = (mask(&before).into(), mask(&after).into());
            for field in fields.iter_mut().filter(|field| !field.reordered) {
                field.before = field.path.get(&before).cloned();
                field.after = field.path.get(&after).cloned();
            }
        }
        self.changes.push(Change {
            id: new.id.clone(),
            source: new.source.clone().or_else(|| old.source.clone()),
            hook: new.hook.is_some(),
            kind: ChangeKind::Changed,
            consequence,
            summary,
            notes: Vec::new(),
            fields,
            hidden: noisy.len(),
            unstable,
            before: Some(before.into()),
            after: Some(after.into()),
        });
    }
}

/// A change of an object that is on one side only.
fn alone(object: &Object, kind: ChangeKind, options: &DiffOptions) -> Change {
    let effect = if kind == ChangeKind::Added { rules::added(object) } else { rules::removed(object) };
    let value = match &options.redact {
        Some(Redact(mask)) => Arc::new(mask(&object.value)),
        None => object.value.clone(),
    };
    let written = Some(Written::from(value));
    let (before, after) = if kind == ChangeKind::Added { (None, written) } else { (written, None) };
    Change {
        id: object.id.clone(),
        source: object.source.clone(),
        hook: object.hook.is_some(),
        kind,
        consequence: effect.consequence,
        summary: effect.text,
        notes: Vec::new(),
        fields: Vec::new(),
        hidden: 0,
        unstable: 0,
        before,
        after,
    }
}

fn is_workload(id: &ObjectId) -> bool {
    id.group() == "apps" && matches!(id.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet")
}

/// A workload that goes while another with the same name and kind of its own, or the same content under another
/// name, comes: that is a recreate.
fn replacements(set: &mut ChangeSet, old: &[Object], new: &[Object]) {
    let find = |objects: &[Object], id: &ObjectId| {
        objects.iter().find(|object| &object.id == id).map(|object| object.value.get("spec").cloned())
    };
    let of_kind = |kind: ChangeKind| -> Vec<usize> {
        let changes = set.changes.iter().enumerate();
        changes
            .filter(|(_, change)| change.kind == kind && is_workload(&change.id))
            .map(|(index, _)| index)
            .collect()
    };
    let mut pairs = Vec::new();
    for gone in of_kind(ChangeKind::Removed) {
        for came in of_kind(ChangeKind::Added) {
            let (from, to) = (&set.changes[gone].id, &set.changes[came].id);
            let other_kind = from.kind != to.kind && from.name == to.name && from.namespace == to.namespace;
            let renamed = from.kind == to.kind
                && pod_of(find(old, from).flatten().as_ref()) == pod_of(find(new, to).flatten().as_ref());
            if other_kind || renamed {
                pairs.push((gone, came));
                break;
            }
        }
    }
    for (gone, came) in pairs {
        let (from, to) = (set.changes[gone].id.short(), set.changes[came].id.short());
        let removed = &mut set.changes[gone];
        if removed.consequence < Consequence::Recreate {
            removed.consequence = Consequence::Recreate;
            removed.summary = format!("recreate: removed, {to} takes its place");
        } else {
            removed.notes.push(format!("{to} takes its place"));
        }
        set.changes[came].notes.push(format!("takes the place of {from}"));
    }
}

/// The containers of a workload's spec, for comparison.
fn pod_of(spec: Option<&Value>) -> Option<&Value> {
    spec?.pointer("/template/spec/containers")
}

/// How a pod uses a configuration object.
#[derive(PartialEq)]
enum Use {
    /// The files change below the running program.
    Files,
    /// The pod keeps what it started with.
    Fixed,
}

/// Says for changed configuration which running pods keep the old content.
fn consumers(set: &mut ChangeSet, new: &[Object]) {
    let restarting: Vec<ObjectId> = set
        .changes
        .iter()
        .filter(|change| {
            change.kind == ChangeKind::Added
                || matches!(change.consequence, Consequence::RollingRestart | Consequence::Recreate)
        })
        .map(|change| change.id.clone())
        .collect();
    for change in &mut set.changes {
        let is_configuration = change.id.group().is_empty()
            && matches!(change.id.kind.as_str(), "ConfigMap" | "Secret")
            && change.kind == ChangeKind::Changed
            && change.fields.iter().any(|field| {
                field.path.key_at(0).is_some_and(|key| matches!(key, "data" | "stringData" | "binaryData"))
            });
        if !is_configuration {
            continue;
        }
        let (mut keep, mut reload) = (Vec::new(), Vec::new());
        for object in new.iter().filter(|object| is_workload(&object.id) && !restarting.contains(&object.id))
        {
            let pods = pod_specs(&object.value);
            match pods.iter().find_map(|pod| usage(pod, &change.id.kind, &change.id.name)) {
                Some(Use::Fixed) => keep.push(object.id.short()),
                Some(Use::Files) => reload.push(object.id.short()),
                None => {}
            }
        }
        if !keep.is_empty() {
            change
                .notes
                .push(format!("running pods keep the old content until restarted: {}", keep.join(", ")));
        }
        if !reload.is_empty() {
            change.notes.push(format!(
                "mounted files follow within about a minute, programs that read them once do not: {}",
                reload.join(", ")
            ));
        }
    }
}

fn usage(pod: &Value, kind: &str, name: &str) -> Option<Use> {
    let (volume_key, name_key, reference, source) = if kind == "Secret" {
        ("secret", "secretName", "secretRef", "secretKeyRef")
    } else {
        ("configMap", "name", "configMapRef", "configMapKeyRef")
    };
    let list =
        |value: &Value, key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let is_named = |value: Option<&Value>, key: &str| {
        value.and_then(|value| value.get(key)).and_then(Value::as_str) == Some(name)
    };
    let volumes: Vec<String> = list(pod, "volumes")
        .iter()
        .filter(|volume| {
            is_named(volume.get(volume_key), name_key)
                || volume.pointer("/projected/sources").and_then(Value::as_array).is_some_and(|sources| {
                    sources.iter().any(|source| is_named(source.get(volume_key), "name"))
                })
        })
        .filter_map(|volume| volume.get("name").and_then(Value::as_str).map(str::to_owned))
        .collect();
    let mut found = None;
    for containers in ["initContainers", "containers"] {
        for container in list(pod, containers) {
            let from_env =
                list(&container, "envFrom").iter().any(|from| is_named(from.get(reference), "name"))
                    || list(&container, "env")
                        .iter()
                        .any(|variable| is_named(variable.pointer(&format!("/valueFrom/{source}")), "name"));
            if from_env {
                return Some(Use::Fixed);
            }
            for mount in list(&container, "volumeMounts") {
                let is_ours = mount
                    .get("name")
                    .and_then(Value::as_str)
                    .is_some_and(|mounted| volumes.iter().any(|volume| volume == mounted));
                if is_ours {
                    if mount.get("subPath").is_some() || mount.get("subPathExpr").is_some() {
                        return Some(Use::Fixed);
                    }
                    found = Some(Use::Files);
                }
            }
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::format_push_string)]
#[path = "diff_tests.rs"]
mod tests;

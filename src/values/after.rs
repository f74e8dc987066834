//! The merge after an edit: only what the edit reaches is merged again, all else is as it was. Helm's merge treats every
//! key by itself, apart from globals, imports and what switches subcharts on, and as long as what is around the key is
//! a map in all layers. Where an edit touches one of these, everything is merged.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::coalesce::{self, Node, Rules};
use super::{Layer, LayerSet, Merged};
use crate::base::path::below;
use crate::yaml::{KeyPath, Segment, is_same};

/// An edit of more keys than this is merged as a whole.
const MOST: usize = 16;

impl LayerSet {
    /// As [`LayerSet::merge_in_any_order`], from an earlier merge; and the keys outside of which nothing differs from it,
    /// where that is known.
    pub fn merge_after(&self, before: &Merged) -> (Merged, Option<Vec<KeyPath>>) {
        let edited = self.edited(before);
        let part = edited.and_then(|edited| Some((self.merge_part(before, &edited)?, Some(edited))));
        part.unwrap_or_else(|| (self.merge_in_any_order(), None))
    }

    /// The keys that layers set to something else now; `None` where others may depend on them.
    fn edited(&self, before: &Merged) -> Option<Vec<KeyPath>> {
        let is_comparable = self.rules == before.rules
            && self.rules != Rules::V3_12_0
            && before.problems().is_empty()
            && self.layers.len() == before.layers().len()
            && self.root.is_like(&before.root)
            && self.root.has_sections(&KeyPath::root(), &self.layers);
        if !is_comparable {
            return None;
        }
        let mut edited = Vec::new();
        for (layer, former) in self.layers.iter().zip(before.layers()) {
            if (layer.kind, &layer.section) != (former.kind, &former.section) {
                return None;
            }
            if !Arc::ptr_eq(&layer.parsed, &former.parsed) {
                differences(former.value(), layer.value(), &layer.section, &mut edited);
            }
            if edited.len() > MOST {
                return None;
            }
        }
        let is_alone = |path: &KeyPath| {
            !path.0.contains(&coalesce::global())
                && !path.starts_with(&KeyPath::of(["tags"]))
                && self.root.is_alone(&KeyPath::root(), path)
                && self.layers.iter().all(|layer| is_within_maps(layer, path))
        };
        edited.iter().all(is_alone).then_some(edited)
    }

    /// Merges what lies at these keys, and puts it in the place of what was there before.
    fn merge_part(&self, before: &Merged, edited: &[KeyPath]) -> Option<Merged> {
        let paths: Vec<&[Segment]> = edited.iter().map(|path| &*path.0).collect();
        let given = self.layers.iter().filter(|layer| layer.kind.is_given());
        let given: Vec<Value> = given
            .filter_map(|layer| Some(Value::Object(coalesce::only(layer.value().as_object()?, &paths))))
            .collect();
        let mut root = before.root.part(&self.layers, &paths);
        let part = coalesce::part(&mut root, coalesce::over_each_other(given.iter()), self.rules)?;
        let mut value = before.value.clone();
        for path in edited {
            put(&mut value, path, path.get(&part))?;
        }
        Some(Merged::new(value, self.layers.clone(), before.root.clone(), self.rules, Vec::new()))
    }
}

impl Node {
    /// Whether it is the same chart with the same subcharts, whatever their values.
    fn is_like(&self, other: &Self) -> bool {
        (&self.name, self.defaults, &self.condition, &self.tags, &self.import_values, self.declared)
            == (
                &other.name,
                other.defaults,
                &other.condition,
                &other.tags,
                &other.import_values,
                other.declared,
            )
            && self.children.len() == other.children.len()
            && self.children.iter().zip(&other.children).all(|(one, other)| one.is_like(other))
    }

    /// Whether the subcharts' values are maps wherever they are set: what is none ends helm's merge.
    fn has_sections(&self, section: &KeyPath, layers: &[Layer]) -> bool {
        self.children.iter().all(|child| {
            let below = section.key(&child.name);
            let any = below.key("");
            layers.iter().all(|layer| is_within_maps(layer, &any)) && child.has_sections(&below, layers)
        })
    }

    /// Whether a key neither switches a subchart nor is imported, nor holds the values of a whole one.
    fn is_alone(&self, section: &KeyPath, path: &KeyPath) -> bool {
        let overlaps = |other: &KeyPath| path.starts_with(other) || other.starts_with(path);
        self.children.iter().all(|child| {
            let below = section.key(&child.name);
            child.import_values.is_empty()
                && !below.starts_with(path)
                && !child.conditions(section).any(|condition| overlaps(&condition))
                && child.is_alone(&below, path)
        })
    }

    /// The charts that take part with what of their own values lies at these keys.
    fn part(&self, layers: &[Layer], paths: &[&[Segment]]) -> Self {
        let own = self.defaults.and_then(|at| layers.get(at)?.value().as_object());
        Self {
            name: self.name.clone(),
            declared: self.declared,
            values: Some(Arc::new(own.map(|own| coalesce::only(own, paths)).unwrap_or_default())),
            children: self.enabled().map(|child| child.part(layers, &below(paths, &child.name))).collect(),
            ..Self::default()
        }
    }
}

/// The nearest keys below which two values differ, as paths below `at`.
fn differences(old: &Value, new: &Value, at: &KeyPath, found: &mut Vec<KeyPath>) {
    let (Value::Object(old), Value::Object(new)) = (old, new) else {
        found.push(at.clone());
        return;
    };
    for (key, before) in old {
        if found.len() > MOST {
            return;
        }
        match new.get(key) {
            None => found.push(at.key(key)),
            Some(after) if is_same(before, after) => {}
            Some(after) => differences(before, after, &at.key(key), found),
        }
    }
    found.extend(new.keys().filter(|key| !old.contains_key(*key)).map(|key| at.key(key)));
}

/// Whether a layer has maps all around a key, as far as it goes.
fn is_within_maps(layer: &Layer, path: &KeyPath) -> bool {
    if !path.starts_with(&layer.section) {
        return true;
    }
    let mut here = layer.value();
    for segment in &path.0[layer.section.0.len()..] {
        let (Segment::Key(key), Value::Object(map)) = (segment, here) else { return false };
        let Some(below) = map.get(key) else { return true };
        here = below;
    }
    true
}

/// Puts a value, or nothing, at a key. `None` where there is nothing around the key to put a value into.
fn put(root: &mut Value, path: &KeyPath, value: Option<&Value>) -> Option<()> {
    let (Segment::Key(last), around) = path.0.split_last()? else { return None };
    let around = around.iter().try_fold(root, |here, segment| match segment {
        Segment::Key(key) => here.as_object_mut()?.get_mut(key),
        Segment::Index(_) => None,
    });
    let around: Option<&mut Map<String, Value>> = around.and_then(Value::as_object_mut);
    match (around, value) {
        (Some(around), Some(value)) => {
            around.insert(last.clone(), value.clone());
        }
        (Some(around), None) => {
            around.shift_remove(last);
        }
        (None, Some(_)) => return None,
        (None, None) => {}
    }
    Some(())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::chart::Chart;

    /// A chart with subcharts in a subchart, switched by conditions and tags.
    const CHART: &[(&str, &str)] = &[
        (
            "Chart.yaml",
            "apiVersion: v2\nname: top\nversion: 1.0.0\ndependencies:\n- {name: a, version: 1.0.0, condition: a.on}\n\
             - {name: b, version: 1.0.0, tags: [b]}\n",
        ),
        (
            "charts/a/Chart.yaml",
            "apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies:\n- {name: b, version: 1.0.0, condition: 'b.on,a.on'}\n",
        ),
        ("charts/a/charts/b/Chart.yaml", "apiVersion: v2\nname: b\nversion: 1.0.0\n"),
        ("charts/b/Chart.yaml", "apiVersion: v2\nname: b\nversion: 1.0.0\n"),
    ];

    const FILES: [&str; 6] = [
        "values.yaml",
        "charts/a/values.yaml",
        "charts/a/charts/b/values.yaml",
        "charts/b/values.yaml",
        "values-dev.yaml",
        "values-more.yaml",
    ];

    const RULES: [Rules; 7] = [
        Rules::V3_12_0,
        Rules::V3_13_0,
        Rules::V3_13_1,
        Rules::V3_17_1,
        Rules::V3_19_5,
        Rules::V3_20_1,
        Rules::V4_2_0,
    ];

    /// Values in which the same few keys meet on all levels.
    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            3 => (0..4).prop_map(|number| json!(number)),
            2 => any::<bool>().prop_map(|on| json!(on)),
            2 => Just(Value::Null),
            1 => Just(json!([1, {"x": 2}])),
        ];
        let tree = leaf.prop_recursive(4, 24, 5, |inner| {
            let key = prop::sample::select(vec!["x", "y", "z", "a", "b", "on", "global", "tags"]);
            prop::collection::vec((key, inner), 0..5).prop_map(Value::from_iter)
        });
        tree.prop_map(|value| if value.is_object() { value } else { json!({"x": value}) })
    }

    /// Puts something at the place that `which` leads to: through the maps that are there, at last to one of their keys or
    /// a new one.
    fn edit(values: &mut Value, which: &[u8], new: &Value) {
        let Value::Object(map) = values else { return };
        let Some((first, rest)) = which.split_first() else { return };
        let at = usize::from(*first) % (map.len() + 1);
        match map.values_mut().nth(at) {
            Some(below @ Value::Object(_)) if !rest.is_empty() => edit(below, rest, new),
            Some(there) => *there = new.clone(),
            None => {
                map.insert("new".to_owned(), new.clone());
            }
        }
    }

    fn layers(dir: &Path, texts: &[Value], rules: Rules) -> LayerSet {
        let chart = Chart::load(dir).unwrap();
        let files: Vec<PathBuf> = FILES[4..].iter().map(|file| chart.dir.join(file)).collect();
        let text = |path: &Path| {
            let at = FILES.iter().position(|file| chart.dir.join(file) == path)?;
            Some(texts[at].to_string().into())
        };
        LayerSet::for_environment(&chart, &files, &text).with_rules(rules)
    }

    /// What is there outside of some keys.
    fn outside(value: &Value, edited: &[KeyPath]) -> Value {
        let mut value = value.clone();
        for path in edited {
            put(&mut value, path, None).unwrap();
        }
        value
    }

    #[test]
    fn merged_again_is_merged_whole() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in CHART {
            std::fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        for file in &FILES[..4] {
            std::fs::write(dir.path().join(file), "{}").unwrap();
        }
        let in_part = AtomicUsize::new(0);
        let texts = prop::collection::vec(values(), FILES.len());
        let edits =
            prop::collection::vec((0..FILES.len(), prop::collection::vec(any::<u8>(), 1..5), values()), 1..4);
        let config = ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() };
        let strategy = (texts, edits, prop::sample::select(RULES.to_vec()), any::<bool>());
        proptest!(config, |((mut texts, edits, rules, is_leaf) in strategy)| {
            let mut before = layers(dir.path(), &texts, rules).merge();
            for (file, which, new) in edits {
                // Most edits change a leaf.
                let new = if is_leaf { new.as_object().and_then(|map| map.values().next()).cloned().unwrap_or(json!(9)) } else { new };
                edit(&mut texts[file], &which, &new);
                let set = layers(dir.path(), &texts, rules);
                let whole = set.merge();
                let (again, edited) = set.merge_after(&before);
                prop_assert_eq!(&again.value, &whole.value, "{:?}", edited);
                prop_assert_eq!(again.enabled_sections(), whole.enabled_sections());
                prop_assert_eq!(again.problems(), whole.problems());
                if let Some(edited) = edited {
                    in_part.fetch_add(1, Ordering::Relaxed);
                    prop_assert_eq!(outside(&before.value, &edited), outside(&again.value, &edited));
                }
                before = again;
            }
        });
        assert!(in_part.into_inner() > 100, "edits that reach a part are merged in part");
    }
}

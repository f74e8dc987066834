//! Values as helm puts them together: layers, the merge, and for every key who sets it and who wins.
//!
//! The merge follows helm's own code step by step (values files over each other, dependencies switched by tags
//! and conditions, imported values, defaults coalesced from the subcharts up with globals coming down), because
//! its treatment of null, of globals and of tables against scalars cannot be guessed. While somebody types, `after`
//! merges only what an edit reaches; properties hold it against the whole merge.

mod after;
mod coalesce;
mod layer;
mod merged;
pub mod set;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::base::{Problem, atomic};
use crate::chart::Chart;
use crate::yaml::{KeyPath, parse_values};

use coalesce::Node;
pub use coalesce::Rules;
pub use layer::{Layer, LayerKind, MADE, made_from};
pub use merged::{Merged, Origin};
pub use set::SetForm;

/// Gives the text of a file as the editor has it; `None` when the editor does not hold the file.
pub type Texts<'t> = dyn Fn(&Path) -> Option<Arc<str>> + 't;

/// Everything that decides the values of one environment of one chart.
#[derive(Debug, Clone)]
pub struct LayerSet {
    layers: Arc<Vec<Layer>>,
    root: Node,
    problems: Vec<Problem>,
    rules: Rules,
}

impl LayerSet {
    /// The layers of a chart with its subcharts' defaults, and the values files that come after `values.yaml`
    /// (absolute, lowest first). A file comes from `texts`, else from the chart as it was loaded, else from disk;
    /// one that does not exist is left out, as an environment's file may not exist yet.
    pub fn for_environment(chart: &Chart, files: &[PathBuf], texts: &Texts<'_>) -> Self {
        let mut builder = Builder { layers: Vec::new(), problems: Vec::new(), dir: &chart.dir, texts };
        let root = builder.node(chart, &KeyPath::root(), "", true);
        for file in files {
            builder.file(file);
        }
        Self { layers: Arc::new(builder.layers), root, problems: builder.problems, rules: Rules::default() }
    }

    /// Layers without a chart, lowest first: files over each other as several `-f` are.
    pub fn of_files(layers: Vec<Layer>) -> Self {
        Self {
            layers: Arc::new(layers),
            root: Node::default(),
            problems: Vec::new(),
            rules: Rules::default(),
        }
    }

    /// Merges as the helm that will run does; the newest rules unless said.
    #[must_use]
    pub fn with_rules(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// Adds `--set` arguments and their relatives as the highest layers, in the order in which helm applies them.
    ///
    /// # Errors
    /// An argument helm would not read either, in its words.
    pub fn with_set(mut self, arguments: &[(SetForm, String)]) -> Result<Self, String> {
        let mut arguments: Vec<&(SetForm, String)> = arguments.iter().collect();
        arguments.sort_by_key(|(form, _)| *form);
        if arguments.is_empty() {
            return Ok(self);
        }
        let given = self.layers.iter().filter(|layer| layer.kind.is_given()).map(Layer::value);
        let Value::Object(mut before) = set::floats(Value::Object(coalesce::over_each_other(given))) else {
            return Ok(self);
        };
        for (form, argument) in arguments {
            let layer = Layer::set(*form, argument, &before)?;
            set::apply(*form, argument, &mut before)?;
            Arc::make_mut(&mut self.layers).push(layer);
        }
        Ok(self)
    }

    /// Adds a layer above all others.
    #[must_use]
    pub fn with_layer(mut self, layer: Layer) -> Self {
        Arc::make_mut(&mut self.layers).push(layer);
        self
    }

    /// Files that cannot be read or are not YAML; the merge leaves them out.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Given layers whose values cannot be read here, in words: the merge has their ciphers in place of values.
    /// Not those that `declared` says how to decrypt: they are named with that command.
    pub fn incomplete(&self, declared: &[PathBuf]) -> Vec<String> {
        self.encrypted()
            .filter(|(layer, _)| layer.file.as_ref().is_none_or(|file| !declared.contains(file)))
            .map(|(layer, by)| {
                format!(
                    "{} is encrypted with {by}, is not decrypted here and left out of previews",
                    layer.name
                )
            })
            .collect()
    }

    /// Whether a problem is about a cipher, or what encrypted it, instead of a value.
    pub fn is_about_cipher(&self, problem: &Problem) -> bool {
        let file = problem.file.as_ref();
        self.encrypted().any(|(layer, _)| {
            file.is_some_and(|file| {
                file.as_os_str() == layer.name.as_str() || Some(file) == layer.file.as_ref()
            })
        })
    }

    fn encrypted(&self) -> impl Iterator<Item = (&Layer, &'static str)> {
        self.layers.iter().filter_map(|layer| Some((layer, encryption(layer.value())?)))
    }

    /// All layers, lowest first.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The values the templates see, with their origins; keys in the order of the chart's own values.
    pub fn merge(&self) -> Merged {
        let mut merged = self.merge_in_any_order();
        merged.arrange();
        merged
    }

    /// As [`LayerSet::merge`], for whoever shows no list of keys: helm and its templates know no order of keys.
    pub fn merge_in_any_order(&self) -> Merged {
        let user = coalesce::over_each_other(
            self.layers.iter().filter(|layer| layer.kind.is_given()).map(Layer::value),
        );
        let mut root = self.root.clone();
        let mut problems = Vec::new();
        let value = coalesce::values(&mut root, &self.layers, user, self.rules, &mut problems);
        Merged::new(value, self.layers.clone(), root, self.rules, problems)
    }
}

struct Builder<'b> {
    layers: Vec<Layer>,
    problems: Vec<Problem>,
    dir: &'b Path,
    texts: &'b Texts<'b>,
}

impl Builder<'_> {
    /// A chart with its subcharts; their layers come first, as they are lower.
    fn node(&mut self, chart: &Chart, section: &KeyPath, name: &str, is_heard: bool) -> Node {
        let mut node = Node { name: name.to_owned(), ..Node::default() };
        for (dependency, key, is_declared) in chart.taken(is_heard) {
            let Some(sub) = &dependency.chart else { continue };
            let mut child = self.node(sub, &section.key(key), key, chart.is_heard_below(is_heard));
            if is_declared {
                child.condition.clone_from(&dependency.condition);
                child.tags.clone_from(&dependency.tags);
            }
            child.import_values.clone_from(&dependency.import_values);
            child.declared = is_declared;
            node.children.push(child);
        }
        if let Some((file, loaded)) = &chart.values {
            let text = (self.texts)(file).unwrap_or_else(|| loaded.clone());
            let kind = if section.0.is_empty() { LayerKind::Defaults } else { LayerKind::SubchartDefaults };
            let label =
                if section.0.is_empty() { self.label(file) } else { format!("{section}/values.yaml") };
            node.defaults = self.add(kind, label, file.clone(), section.clone(), text, chart.is_packaged);
        }
        node
    }

    fn file(&mut self, file: &Path) {
        let label = self.label(file);
        let text = (self.texts)(file).map_or_else(
            || match atomic::read(file) {
                Ok(read) => Some(read.text),
                Err(error) => {
                    if file.exists() {
                        let cause = error.cause.unwrap_or(error.what);
                        self.problems
                            .push(Problem::error(format!("cannot be read: {cause}")).at(&label, None));
                    }
                    None
                }
            },
            Some,
        );
        if let Some(text) = text {
            let kind = if made_from(&text).is_some() { LayerKind::Generated } else { LayerKind::Environment };
            self.add(kind, label, file.to_owned(), KeyPath::root(), text, false);
        }
    }

    fn add(
        &mut self,
        kind: LayerKind,
        label: String,
        file: PathBuf,
        section: KeyPath,
        text: Arc<str>,
        is_packaged: bool,
    ) -> Option<usize> {
        match layer::parsed(&text) {
            Ok(parsed) => {
                // What lies in an archive cannot be opened: it has a name, no file.
                let file = (!is_packaged).then_some(file);
                self.layers.push(Layer { name: label, kind, file, text, section, parsed });
                Some(self.layers.len() - 1)
            }
            Err(error) => {
                let words = format!("not valid YAML: {}", error.message);
                self.problems.push(Problem::error(words).at(label, Some(error.line)));
                None
            }
        }
    }

    /// The file as the user knows it: relative to the chart where it lies inside.
    fn label(&self, file: &Path) -> String {
        file.strip_prefix(self.dir).unwrap_or(file).display().to_string()
    }
}

/// A layer from a text that stands alone; the parse error when it is not YAML.
///
/// # Errors
/// The text is not YAML, or no map.
pub fn layer(
    name: impl Into<String>,
    kind: LayerKind,
    file: Option<PathBuf>,
    text: Arc<str>,
) -> Result<Layer, crate::yaml::YamlError> {
    let parsed = layer::parsed(&text)?;
    Ok(Layer { name: name.into(), kind, file, text, section: KeyPath::root(), parsed })
}

/// Merges files without a chart, lowest first.
pub fn merge(layers: Vec<Layer>) -> Merged {
    LayerSet::of_files(layers).merge()
}

/// Puts a values file over others, as several `-f` are: maps are merged, all else is replaced, and null stays, because it
/// still has to delete a chart's default.
pub fn overlay(below: &mut Map<String, Value>, above: &Map<String, Value>) {
    crate::yaml::over(below, above);
}

/// The values of one file, for whoever needs no positions.
///
/// # Errors
/// The text is not YAML, or no map.
pub fn read(text: &str) -> Result<Value, crate::yaml::YamlError> {
    parse_values(text).map(|parsed| parsed.value)
}

/// The program that encrypted a values file, if one did.
pub fn encryption(values: &Value) -> Option<&'static str> {
    let sops = values.get("sops")?.as_object()?;
    (sops.contains_key("mac") || sops.contains_key("version") || has_cipher(values)).then_some("sops")
}

/// Whether a values file is one that nobody but its program can read. Such a file is left out of what is rendered here:
/// its ciphers are not the values that helm would get, and rarely fit a schema.
pub fn is_encrypted(text: &str) -> bool {
    encryption_of(text).is_some()
}

/// The program that encrypted a text, if one did.
pub fn encryption_of(text: &str) -> Option<&'static str> {
    // Most files are told apart without parsing them.
    text.contains("sops").then(|| read(text).ok()).flatten().as_ref().and_then(encryption)
}

/// The files that helm can be given here: those that are there and not encrypted.
pub fn readable(files: &[PathBuf]) -> impl Iterator<Item = PathBuf> {
    let fits =
        |file: &&PathBuf| file.exists() && !atomic::read(file).is_ok_and(|read| is_encrypted(&read.text));
    files.iter().filter(fits).cloned()
}

/// Whether some text is one of sops' ciphers.
fn has_cipher(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with("ENC[") && text.ends_with(']'),
        Value::Array(items) => items.iter().any(has_cipher),
        Value::Object(map) => map.values().any(has_cipher),
        _ => false,
    }
}

#[cfg(test)]
mod tests;

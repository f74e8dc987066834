//! One source of values, parsed once however many environments read it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value};

use super::set;
use crate::base::Result;
use crate::yaml::{KeyPath, Parsed, Spans, YamlError, edit, parse_values};

/// What a layer is, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerKind {
    /// A subchart's own `values.yaml`.
    SubchartDefaults,
    /// The chart's `values.yaml`.
    Defaults,
    /// A values file of the environment.
    Environment,
    /// Values made by another program.
    Generated,
    /// `--set`.
    Set,
}

impl LayerKind {
    /// Given to helm by `-f` or `--set`, in contrast to what charts bring along.
    pub fn is_given(self) -> bool {
        matches!(self, Self::Environment | Self::Generated | Self::Set)
    }
}

/// One source of values. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Layer {
    /// As the user knows it: `values-prod.yaml`, `otel-collector/values.yaml`, `--set a=1`.
    pub name: String,
    pub kind: LayerKind,
    /// Absolute; `None` for what is no file that can be opened.
    pub file: Option<PathBuf>,
    pub text: Arc<str>,
    /// Where the layer's root lies in the merged values: the root, or a subchart's section.
    pub section: KeyPath,
    pub(super) parsed: Arc<Parsed>,
}

impl Layer {
    /// The layer's own values, a map.
    pub fn value(&self) -> &Value {
        &self.parsed.value
    }

    /// Where its keys stand.
    pub fn spans(&self) -> &Spans {
        &self.parsed.spans
    }

    /// A `--set` argument.
    pub(super) fn set(argument: &str) -> Result<Self> {
        let mut value = Value::Object(Map::new());
        for (path, new) in set::parse(argument)? {
            value = edit::applied(value, &path, &new)
                .map_err(|reason| crate::base::Error::new(reason).at(format!("--set {argument}")))?;
        }
        let parsed = Parsed { value, spans: Spans::of("") };
        Ok(Self {
            name: format!("--set {argument}"),
            kind: LayerKind::Set,
            file: None,
            text: argument.into(),
            section: KeyPath::root(),
            parsed: Arc::new(parsed),
        })
    }
}

/// How many parsed texts are kept: more than the files of a few charts with all their environments.
const KEPT: usize = 64;

/// The parse of a text. Five environments read the same defaults at every key press, so the last parses are kept;
/// a text is found by its allocation or, after a reload, by its content.
pub(super) fn parsed(text: &Arc<str>) -> std::result::Result<Arc<Parsed>, YamlError> {
    type Kept = Vec<(Arc<str>, std::result::Result<Arc<Parsed>, YamlError>)>;
    static CACHE: Mutex<Kept> = Mutex::new(Vec::new());
    {
        let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(at) = cache.iter().position(|(kept, _)| Arc::ptr_eq(kept, text) || kept == text) {
            let entry = cache.remove(at);
            let result = entry.1.clone();
            cache.push(entry);
            return result;
        }
    }
    let result = parse_values(text).map(Arc::new);
    let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
    if cache.len() >= KEPT {
        drop(cache.remove(0));
    }
    cache.push((text.clone(), result.clone()));
    result
}

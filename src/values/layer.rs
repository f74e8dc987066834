//! One source of values, parsed once however many environments read it.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::{Map, Value};

use super::set::{self, SetForm};
use crate::base::latest::Latest;
use crate::yaml::{KeyPath, Parsed, Spans, YamlError, parse_values, parse_values_again};

/// What a layer is, lowest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LayerKind {
    /// A subchart's own `values.yaml`.
    SubchartDefaults,
    /// The chart's `values.yaml`.
    Defaults,
    /// A values file of the environment.
    Environment,
    /// A file that was generated from compiled artifacts: its head says so.
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

/// How a file begins that was generated from compiled artifacts, after the mark of a comment.
pub const MADE: &str = "Made by floe-tui";

/// The hash of the artifact that a generated file was made from; `None` for files that nobody generated.
pub fn made_from(text: &str) -> Option<&str> {
    let mut lines = text.lines();
    lines.next()?.strip_prefix("# ")?.starts_with(MADE).then_some(())?;
    lines.next()?.strip_prefix("# artifact: sha256:")?.split(',').next()
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

    /// A `--set` argument over the values that were given before it. A list that it changes is the whole list.
    pub(super) fn set(form: SetForm, argument: &str, before: &Map<String, Value>) -> Result<Self, String> {
        let mut own = Map::new();
        // What only fails over nothing is no failure.
        let alone = set::apply(form, argument, &mut own);
        let mut after = before.clone();
        set::apply(form, argument, &mut after)?;
        let value = if alone.is_ok() { below(&own, &after) } else { Value::Object(after) };
        Ok(Self {
            name: format!("{} {argument}", form.flag()),
            kind: LayerKind::Set,
            file: None,
            text: argument.into(),
            section: KeyPath::root(),
            parsed: Arc::new(Parsed::nowhere(value)),
        })
    }
}

/// What an argument sets, as it is afterwards.
fn below(own: &Map<String, Value>, after: &Map<String, Value>) -> Value {
    let entries = own.iter().map(|(key, own)| {
        let value = match (own, after.get(key)) {
            (Value::Object(own), Some(Value::Object(after))) => below(own, after),
            (own, after) => after.unwrap_or(own).clone(),
        };
        (key.clone(), value)
    });
    Value::Object(entries.collect())
}

/// How many parsed texts are kept: more than the files of a few charts with all their environments.
const KEPT: usize = 64;

/// How many of them are tried when a text is parsed: the one that it was before is among those that begin alike.
const TRIED: usize = 3;

type Parse = Arc<OnceLock<Result<Arc<Parsed>, YamlError>>>;

/// The parse of a text. Five environments read the same defaults at every key press, so the last parses are kept;
/// a text is found by its allocation or, after a reload, by its content. Who asks while it is being parsed waits.
pub(super) fn parsed(text: &Arc<str>) -> Result<Arc<Parsed>, YamlError> {
    static CACHE: Mutex<Latest<(Arc<str>, Parse), KEPT>> = Mutex::new(Latest::new());
    let mut alike = Vec::new();
    let parse = {
        let mut cache = CACHE.lock().unwrap_or_else(PoisonError::into_inner);
        // Texts that are typed are long and differ late: their contents are compared last.
        let mut known = cache.find(|(kept, _)| Arc::ptr_eq(kept, text)).map(|(_, parse)| parse.clone());
        if known.is_none() {
            known = cache.find(|(kept, _)| kept == text).map(|(_, parse)| parse.clone());
        }
        known.unwrap_or_else(|| {
            let is_alike = |(kept, _): &&(Arc<str>, Parse)| begins_alike(kept, text);
            alike = cache.latest().filter(is_alike).take(TRIED).map(|(_, parse)| parse.clone()).collect();
            let parse = Parse::default();
            cache.keep((text.clone(), parse.clone()));
            parse
        })
    };
    let before = |parse: &Parse| parse.get().and_then(|known| known.as_ref().ok().cloned());
    let again = || alike.iter().filter_map(before).find_map(|before| parse_values_again(text, &before));
    parse.get_or_init(|| again().map_or_else(|| parse_values(text), Ok).map(Arc::new)).clone()
}

fn begins_alike(one: &str, other: &str) -> bool {
    const ENOUGH: usize = 32;
    one.len() > ENOUGH && one.as_bytes().get(..ENOUGH) == other.as_bytes().get(..ENOUGH)
}

//! YAML as Helm sees it: values, positions, lossless edits, colours. Knows nothing of charts.

pub mod path;

pub use path::{KeyPath, Segment};
/// A YAML value after Helm's reading: the JSON data model, keys in file order.
pub use serde_json::Value;

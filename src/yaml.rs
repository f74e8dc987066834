//! YAML as Helm sees it: values, positions, lossless edits, colours. Knows nothing of charts.

mod again;
pub mod edit;
mod go;
pub mod lex;
pub mod node;
mod plain;
pub mod read;
pub mod scalar;
pub mod spans;
pub mod write;

pub use crate::base::path::{KeyPath, Segment};
pub use edit::Refused;
pub use read::{
    Parsed, YamlError, documents, is_same, kind_name, over, parse, parse_values, parse_values_again, read,
    read_all, read_values,
};
/// A YAML value after Helm's reading: the JSON data model, keys in file order.
pub use serde_json::Value;
pub use spans::{Place, Spans};
pub use write::write;

//! Values as text, byte for byte as Go's libraries write them, and text as values.

pub mod json;
pub mod read;
pub mod toml;
pub mod yaml;

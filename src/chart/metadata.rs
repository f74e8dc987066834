//! `Chart.yaml`, and the rules of the data model for names and versions.

use serde::Deserialize;
use serde_json::Value;

use crate::base::{Error, Problem, Result};
use crate::yaml;

/// What `Chart.yaml` says.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    #[serde(deserialize_with = "text")]
    pub api_version: String,
    #[serde(deserialize_with = "text")]
    pub name: String,
    #[serde(deserialize_with = "text")]
    pub version: String,
    #[serde(deserialize_with = "scalar")]
    pub app_version: Option<String>,
    pub kube_version: Option<String>,
    pub description: Option<String>,
    /// `application` or `library`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    pub icon: Option<String>,
    pub home: Option<String>,
    pub deprecated: bool,
    pub dependencies: Vec<Declared>,
}

/// A dependency as it is declared.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct Declared {
    #[serde(deserialize_with = "text")]
    pub name: String,
    #[serde(deserialize_with = "scalar")]
    pub version: Option<String>,
    #[serde(deserialize_with = "text")]
    pub repository: String,
    #[serde(deserialize_with = "scalar")]
    pub alias: Option<String>,
    #[serde(deserialize_with = "scalar")]
    pub condition: Option<String>,
    pub tags: Vec<String>,
    pub import_values: Vec<Value>,
}

/// Versions are often written without quotes and arrive as numbers.
fn scalar<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

fn text<'de, D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<String, D::Error> {
    scalar(deserializer).map(Option::unwrap_or_default)
}

impl Metadata {
    /// Reads `Chart.yaml` and says what breaks the rules.
    ///
    /// # Errors
    /// It is not YAML, or names no chart.
    pub fn read(text: &str) -> Result<(Self, Vec<Problem>)> {
        let value = yaml::read(text).map_err(|error| {
            Error::new(format!("Chart.yaml is not valid YAML (line {}): {}", error.line, error.message))
        })?;
        let metadata: Self = serde_json::from_value(value)
            .map_err(|error| Error::new("Chart.yaml is not a chart's").because(error))?;
        if metadata.name.is_empty() {
            return Err(Error::new("Chart.yaml has no name").next("add `name:` and `version:`"));
        }
        let line = |key: &str| text.lines().position(|line| line.starts_with(key)).map(|index| index + 1);
        let mut problems = Vec::new();
        let mut say = |key: &str, message: String| {
            problems.push(Problem::warning(message).at("Chart.yaml", line(key)).key(key));
        };
        let name_is_valid = metadata.name.starts_with(|c: char| c.is_ascii_lowercase())
            && metadata.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !name_is_valid {
            say("name", format!("{} should be lower case letters, digits and dashes", metadata.name));
        }
        if semver::Version::parse(metadata.version.trim_start_matches('v')).is_err() {
            say("version", format!("`{}` is not a semantic version", metadata.version));
        }
        Ok((metadata, problems))
    }
}

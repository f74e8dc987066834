//! A chart of the platform as the domain model sees it: stricter than what Helm accepts.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::entity::{Entity, Frozen};
use crate::base::Problem;
use crate::chart::{Chart, semver};
use crate::yaml::KeyPath;

/// The annotation of `Chart.yaml` that says which floe-core versions a chart fits.
pub const COMPATIBLE: &str = "floe.dev/floe-core-version";

/// A chart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FloeHelmChart {
    /// Its name: `floe-platform`.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9-]*$"))]
    pub name: String,
    /// Its version.
    #[schemars(regex(pattern = r"^\d+\.\d+\.\d+(-[a-z0-9.]+)?$"))]
    pub version: String,
    /// Version of what it deploys.
    #[schemars(length(min = 1))]
    pub app_version: String,
    /// The charts that it contains.
    #[serde(default)]
    pub dependencies: Vec<ChartDependency>,
    /// The schema of its values.
    pub values_schema: serde_json::Map<String, Value>,
    /// Range of floe-core versions by chart version.
    #[schemars(length(min = 1))]
    pub compatibility_matrix: BTreeMap<String, String>,
}

/// A chart that another one contains.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChartDependency {
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The version it must have: exact, or a range.
    #[schemars(length(min = 1))]
    pub version: String,
    /// Where it comes from.
    #[schemars(regex(pattern = r"^(https?://|oci://|file://)"))]
    pub repository: String,
    /// The values key that switches it.
    pub condition: Option<String>,
    /// The key that its values stand under, instead of its name.
    pub alias: Option<String>,
}

impl Entity for ChartDependency {
    const NAME: &'static str = "ChartDependency";

    fn faults(&self) -> Vec<(KeyPath, String)> {
        let is_range = semver::Constraint::parse(&self.version).is_ok();
        let words = || format!("`{}` is neither a version nor a range of versions", self.version);
        (!is_range).then(|| (KeyPath::of(["version"]), words())).into_iter().collect()
    }
}

impl Entity for FloeHelmChart {
    const NAME: &'static str = "FloeHelmChart";

    fn faults(&self) -> Vec<(KeyPath, String)> {
        let mut faults: Vec<(KeyPath, String)> = Vec::new();
        for (index, dependency) in self.dependencies.iter().enumerate() {
            let at = KeyPath::of(["dependencies"]).index(index);
            faults.extend(
                dependency
                    .faults()
                    .into_iter()
                    .map(|(path, words)| (KeyPath(at.0.iter().chain(&path.0).cloned().collect()), words)),
            );
        }
        for (version, range) in &self.compatibility_matrix {
            let at = KeyPath::of(["compatibilityMatrix", version]);
            if semver::Version::parse(version).is_err() {
                faults.push((at, "the key must be a version of the chart".to_owned()));
            } else if semver::Constraint::parse(range).is_err() {
                faults.push((at, format!("`{range}` is no range of versions")));
            }
        }
        faults
    }
}

impl FloeHelmChart {
    /// Whether a chart says which floe it fits, and so wants to be one of floe's.
    pub fn is_claimed(chart: &Chart) -> bool {
        annotation(chart).is_some()
    }

    /// A chart of the workspace in the model's terms.
    ///
    /// # Errors
    /// What the chart lacks or breaks, in `Chart.yaml`.
    pub fn of(chart: &Chart) -> Result<Frozen<Self>, Vec<Problem>> {
        let text = chart.files.text("Chart.yaml").unwrap_or_default();
        let parsed = crate::yaml::parse(&text).ok();
        let range = annotation(chart);
        let mut dependencies = Vec::new();
        for declared in &chart.metadata.dependencies {
            let mut entry = json!({"name": declared.name, "repository": declared.repository});
            entry["version"] = json!(declared.version);
            entry["condition"] = json!(declared.condition);
            entry["alias"] = json!(declared.alias);
            dependencies.push(entry);
        }
        let mut value = json!({
            "name": chart.metadata.name, "version": chart.metadata.version, "dependencies": dependencies,
            "compatibilityMatrix": {},
        });
        if let Some(version) = &chart.metadata.app_version {
            value["appVersion"] = json!(version);
        }
        if let Some(range) = range {
            value["compatibilityMatrix"][chart.metadata.version.as_str()] = json!(range);
        }
        if let Some(schema) = chart.schema.as_ref().and_then(|(_, text)| serde_json::from_str(text).ok()) {
            let schema: Value = schema;
            value["valuesSchema"] = schema;
        }
        Frozen::read(&value, &|path| {
            let here =
                if path.0.first().is_some_and(|first| *first == KeyPath::of(["compatibilityMatrix"]).0[0]) {
                    KeyPath::of(["annotations"])
                } else {
                    path.clone()
                };
            let line = parsed.as_ref().and_then(|parsed| parsed.spans.line(&here));
            line.or(path.0.is_empty().then_some(1)).map(|line| ("Chart.yaml".into(), line))
        })
    }
}

/// What the chart says of the floe that it fits.
fn annotation(chart: &Chart) -> Option<String> {
    let value = crate::yaml::read(&chart.files.text("Chart.yaml")?).ok()?;
    Some(KeyPath::of(["annotations", COMPATIBLE]).get(&value)?.as_str()?.to_owned())
}

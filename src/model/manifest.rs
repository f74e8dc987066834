//! What floe is told: `manifest.yaml` (the platform) and `floe.yaml` (a data product), as far as values depend on them.

use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::artifacts::Tier;
use super::entity::{Entity, Frozen};
use super::located::Located;
use crate::base::{Problem, atomic};
use crate::yaml::{self, KeyPath};

/// The environments of a manifest that names none.
pub const DEFAULT_ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];

/// `manifest.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// `floe.dev/v1`.
    #[serde(rename = "apiVersion")]
    #[schemars(extend("const" = "floe.dev/v1"))]
    pub api_version: String,
    /// `Manifest`.
    #[schemars(extend("const" = "Manifest"))]
    pub kind: String,
    /// Name, version, owner.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// Whose it is.
    pub scope: Option<String>,
    /// The manifest that this one inherits from.
    pub parent_manifest: Option<String>,
    /// The plugins that are offered.
    #[serde(default)]
    pub plugins: Map<String, Value>,
    /// What products have to keep to.
    pub governance: Option<Map<String, Value>>,
    /// The plugins that products may choose.
    pub approved_plugins: Option<Map<String, Value>>,
    /// What holds where a product says nothing.
    pub defaults: Option<Map<String, Value>>,
    /// Where artifacts are kept, and how they are promoted.
    pub artifacts: Option<ArtifactStore>,
    /// Tracing, lineage and logging.
    pub observability: Option<Map<String, Value>>,
    /// Sizes by name.
    pub resource_presets: Option<Map<String, Value>>,
}

/// Where artifacts are kept, and how they are promoted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactStore {
    /// The registry.
    pub registry: Option<Value>,
    /// From environment to environment.
    pub promotion: Option<Promotion>,
}

/// How artifacts are promoted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Promotion {
    /// In the order of promotion.
    #[schemars(length(min = 1))]
    pub environments: Option<Vec<PromotionEnvironment>>,
    /// Where promotions are written down.
    pub audit_backend: Option<String>,
    /// What happens to what is not signed.
    pub signature_enforcement: Option<String>,
    /// Where artifacts are copied to.
    pub secondary_registries: Option<Vec<Value>>,
}

/// One environment of a promotion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromotionEnvironment {
    /// Its name.
    #[schemars(regex(pattern = r"^[a-z][a-z0-9_-]*$"))]
    pub name: String,
    /// What has to be passed to get there.
    #[serde(default)]
    pub gates: Gates,
    /// How long a gate may take, in seconds.
    #[schemars(range(min = 30, max = 3600))]
    pub gate_timeout_seconds: Option<u32>,
    /// Who may.
    pub authorization: Option<Map<String, Value>>,
    /// Whether nothing is promoted there at the moment.
    pub lock: Option<Value>,
}

/// What has to be passed to get to an environment.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[allow(missing_docs)]
pub struct Gates {
    #[schemars(extend("const" = true))]
    pub policy_compliance: bool,
    pub tests: Value,
    pub security_scan: Value,
    pub cost_analysis: Value,
    pub performance_baseline: Value,
}

impl Default for Gates {
    fn default() -> Self {
        let off = Value::Bool(false);
        Self {
            policy_compliance: true,
            tests: off.clone(),
            security_scan: off.clone(),
            cost_analysis: off.clone(),
            performance_baseline: off,
        }
    }
}

impl Entity for Manifest {
    const NAME: &'static str = "Manifest";

    fn faults(&self) -> Vec<(KeyPath, String)> {
        let list = KeyPath::of(["artifacts", "promotion", "environments"]);
        let names = self.promoted();
        let repeats = names.iter().enumerate().filter(|(index, name)| names[..*index].contains(*name));
        repeats
            .map(|(index, name)| (list.index(index).key("name"), format!("{name} is listed twice")))
            .collect()
    }
}

impl Manifest {
    fn promoted(&self) -> Vec<&str> {
        let promotion = self.artifacts.as_ref().and_then(|own| own.promotion.as_ref());
        let listed = promotion.and_then(|own| own.environments.as_ref());
        listed.into_iter().flatten().map(|environment| environment.name.as_str()).collect()
    }

    /// The environments in the order of promotion.
    pub fn environments(&self) -> Vec<&str> {
        let names = self.promoted();
        if names.is_empty() { DEFAULT_ENVIRONMENTS.to_vec() } else { names }
    }
}

/// `floe.yaml`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FloeSpec {
    /// `floe.dev/v1`.
    #[serde(rename = "apiVersion")]
    #[schemars(extend("const" = "floe.dev/v1"))]
    pub api_version: String,
    /// `FloeSpec`.
    #[schemars(extend("const" = "FloeSpec"))]
    pub kind: String,
    /// Name, version, owner.
    #[serde(default)]
    pub metadata: Map<String, Value>,
    /// The platform that the product runs on.
    pub platform: Option<PlatformReference>,
    /// What dbt builds.
    #[serde(default)]
    pub transforms: Vec<SpecTransform>,
    /// When.
    pub schedule: Option<Schedule>,
}

/// The platform that a product runs on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PlatformReference {
    /// Its manifest: a file or `oci://…`.
    pub manifest: String,
}

/// A model as a product lists it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SpecTransform {
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Its tags.
    #[serde(default)]
    pub tags: Vec<String>,
    /// How good it is.
    pub tier: Option<Tier>,
    /// The models that are built before it.
    #[serde(default)]
    pub depends_on: Vec<String>,
}

/// When a product runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Five fields, or `@daily` and the like.
    #[schemars(regex(
        pattern = r"^@(yearly|annually|monthly|weekly|daily|midnight|hourly)$|^\S+(\s+\S+){4}$"
    ))]
    pub cron: String,
    /// An IANA name.
    #[schemars(regex(pattern = r"^[A-Za-z]+([_+-]?[A-Za-z0-9]+)*(/[A-Za-z0-9_+-]+)*$"))]
    pub timezone: Option<String>,
    /// Whether it is kept.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

impl Entity for FloeSpec {
    const NAME: &'static str = "FloeSpec";

    fn faults(&self) -> Vec<(KeyPath, String)> {
        let zone = self.schedule.as_ref().and_then(|schedule| schedule.timezone.as_deref());
        let unknown = zone.filter(|zone| jiff::tz::TimeZone::get(zone).is_err());
        let words =
            |zone: &str| (KeyPath::of(["schedule", "timezone"]), format!("{zone} is no known time zone"));
        unknown.map(words).into_iter().collect()
    }
}

/// An entity from a YAML file, with its lines.
#[derive(Debug, Clone)]
pub struct FromYaml<E> {
    /// What it says.
    pub entity: Frozen<E>,
    /// The document with its lines.
    pub document: Located,
}

impl<E: Entity> FromYaml<E> {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, is no YAML, holds a key twice, or is not what the entity asks for.
    pub fn read(file: &Path) -> Result<Self, Vec<Problem>> {
        let text = atomic::read(file).map_err(|error| {
            let cause = error.cause.map(|cause| format!(": {cause}")).unwrap_or_default();
            vec![Problem::error(format!("{}{cause}", error.what)).at(file, None)]
        })?;
        let parsed = yaml::parse(&text.text).map_err(|error| {
            vec![Problem::error(format!("not valid YAML: {}", error.message)).at(file, Some(error.line))]
        })?;
        if let Some((path, lines)) = parsed.spans.duplicates().into_iter().next() {
            let fault = Problem::error("stands twice in one map").at(file, lines.last().copied());
            return Err(vec![fault.key(path.to_string())]);
        }
        let document = Located::yaml(file, parsed);
        let entity = Frozen::read(&document.value, &|path| {
            document.line(path).map(|line| (document.file.clone(), line))
        })?;
        Ok(Self { entity, document })
    }
}

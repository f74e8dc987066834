//! What `floe compile` writes: `CompiledArtifacts`, contract 0.1.0 to 0.10.0. The fields are those of 0.10.0; an older
//! document may lack what later versions require. A newer one is refused by its version before anything else is said.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::entity::Entity;
use crate::base::{Error, Result};
use crate::yaml::KeyPath;

/// The newest contract that is read, with all its patch versions.
pub const NEWEST: (u64, u64) = (0, 10);

/// The oldest contract that is read.
pub const OLDEST: (u64, u64) = (0, 1);

/// A whole document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompiledArtifacts {
    /// Version of the contract.
    #[schemars(regex(pattern = r"^\d+\.\d+\.\d+$"))]
    pub version: String,
    /// Where the document comes from.
    pub metadata: Metadata,
    /// Who the product is; required from contract 0.10.0.
    pub identity: Option<Identity>,
    /// How the product gets its platform.
    #[serde(default)]
    pub mode: Mode,
    /// The manifests that this one inherits from, outermost first.
    #[serde(default)]
    pub inheritance_chain: Vec<Ancestor>,
    /// Telemetry and lineage; required from contract 0.10.0.
    pub observability: Option<Observability>,
    /// The plugins that were chosen.
    pub plugins: Option<Plugins>,
    /// What dbt builds.
    pub transforms: Option<Transforms>,
    /// Content of dbt's `profiles.yml`: profiles by name, each with `target` and `outputs`.
    pub dbt_profiles: Option<Map<String, Value>>,
    /// What the product has to keep to.
    pub governance: Option<Governance>,
    /// What checking it gave.
    pub enforcement_result: Option<Map<String, Value>>,
    /// Contracts of the product's data.
    #[serde(default)]
    pub data_contracts: Vec<Map<String, Value>>,
    /// Settings of quality checks.
    pub quality_config: Option<Map<String, Value>>,
}

/// Where a document comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Metadata {
    /// When it was compiled.
    #[schemars(length(min = 1))]
    pub compiled_at: String,
    /// By which floe.
    #[schemars(length(min = 1))]
    pub floe_version: String,
    /// Hash of what was compiled: `sha256:…`.
    #[schemars(regex(pattern = r"^sha256:[0-9a-zA-Z]+$"))]
    pub source_hash: String,
    /// Name of the data product.
    #[schemars(regex(pattern = r"^[a-zA-Z][a-zA-Z0-9_-]*$"), length(max = 128))]
    pub product_name: String,
    /// Version of the data product.
    #[schemars(length(min = 1))]
    pub product_version: String,
}

/// Who a data product is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    /// `domain.name`.
    #[schemars(regex(pattern = r"^[^.\s]+(\.[^.\s]+)+$"))]
    pub product_id: String,
    /// The domain.
    #[schemars(length(min = 1))]
    pub domain: String,
    /// Where its source lies.
    #[schemars(length(min = 1))]
    pub repository: String,
    /// Whether its namespace is registered.
    #[serde(default)]
    pub namespace_registered: bool,
    /// Since when.
    pub registration_timestamp: Option<String>,
}

/// How a product gets its platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Mode {
    /// One manifest for one product.
    #[default]
    Simple,
    /// A company's manifest.
    Centralized,
    /// Manifests of a company and its domains.
    Mesh,
}

/// A manifest that another one inherits from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ancestor {
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Its version.
    #[schemars(length(min = 1))]
    pub version: String,
    /// Whose it is.
    pub scope: Scope,
    /// Where it was taken from: `oci://…`.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
}

/// Whose manifest it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Scope {
    /// The company's.
    Enterprise,
    /// A domain's.
    Domain,
}

/// Telemetry and lineage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observability {
    /// Traces, metrics and logs.
    pub telemetry: Telemetry,
    /// Whether lineage is sent.
    #[serde(default)]
    pub lineage: bool,
    /// Namespace of lineage events.
    pub lineage_namespace: Option<String>,
    /// Where lineage is sent.
    pub lineage_endpoint: Option<String>,
    /// How.
    pub lineage_transport: Option<LineageTransport>,
}

/// How lineage is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum LineageTransport {
    /// To an endpoint.
    Http,
    /// Into the log.
    Console,
    /// Not at all.
    Noop,
}

/// Traces, metrics and logs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Telemetry {
    /// Whether any is sent.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Where it is sent.
    #[serde(default = "local_otlp")]
    #[schemars(regex(pattern = r"^[a-z][a-z0-9+.-]*://\S+$|^[^\s/]+:\d+$"))]
    pub otlp_endpoint: String,
    /// How.
    #[serde(default)]
    pub otlp_protocol: OtlpProtocol,
    /// Share of traces that is kept, 0 to 1.
    #[serde(default)]
    pub sampling: Sampling,
    /// What is said of everything that is sent.
    pub resource_attributes: Option<ResourceAttributes>,
    /// What the receiver asks for.
    pub authentication: Option<Authentication>,
    /// How spans are gathered.
    pub batch_processor: Option<BatchProcessor>,
    /// What is logged.
    pub logging: Option<Logging>,
    /// What receives it: `console`, `jaeger`, ….
    pub backend: Option<String>,
}

/// OTLP's protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum OtlpProtocol {
    /// gRPC.
    #[default]
    Grpc,
    /// HTTP with protobuf.
    Http,
}

/// Share of traces by the telemetry's own environments.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sampling {
    /// Development.
    #[serde(default = "all")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub dev: f64,
    /// Staging, and every other environment in front of production.
    #[serde(default = "half")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub staging: f64,
    /// Production.
    #[serde(default = "tenth")]
    #[schemars(range(min = 0.0, max = 1.0))]
    pub prod: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self { dev: all(), staging: half(), prod: tenth() }
    }
}

/// What is said of everything that is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct ResourceAttributes {
    pub service_name: Option<String>,
    pub service_version: Option<String>,
    pub deployment_environment: Option<TelemetryEnvironment>,
    pub floe_namespace: Option<String>,
    pub floe_product_name: Option<String>,
    pub floe_product_version: Option<String>,
    pub floe_mode: Option<String>,
}

/// The environments that telemetry knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[allow(missing_docs)]
pub enum TelemetryEnvironment {
    Dev,
    Staging,
    Prod,
}

/// What a receiver of telemetry asks for. The credentials themselves never leave the document: what is read is a
/// reference.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Authentication {
    /// Which of the two.
    pub auth_type: AuthType,
    /// The key.
    #[schemars(extend("writeOnly" = true))]
    pub api_key: Option<String>,
    /// The token.
    #[schemars(extend("writeOnly" = true))]
    pub bearer_token: Option<String>,
    /// The header that carries it.
    #[schemars(regex(pattern = r"^[A-Za-z0-9-]+$"))]
    pub header_name: Option<String>,
}

/// Ways to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub enum AuthType {
    /// A key in a header of its own.
    ApiKey,
    /// A token in `Authorization`.
    Bearer,
}

/// How spans are gathered before they are sent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BatchProcessor {
    /// Spans that wait at most.
    #[schemars(range(min = 1))]
    pub max_queue_size: Option<u32>,
    /// Spans in one batch.
    #[schemars(range(min = 1))]
    pub max_export_batch_size: Option<u32>,
    /// Time between two batches, in milliseconds.
    #[schemars(range(min = 1))]
    pub schedule_delay_millis: Option<u32>,
    /// Time for one batch, in milliseconds.
    #[schemars(range(min = 1))]
    pub export_timeout_millis: Option<u32>,
}

/// What is logged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Logging {
    /// From this level.
    #[serde(default)]
    pub log_level: LogLevel,
    /// As JSON.
    #[serde(default = "yes")]
    pub json_output: bool,
}

/// Levels of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
#[schemars(inline)]
#[allow(missing_docs)]
pub enum LogLevel {
    Debug,
    #[default]
    Info,
    Warning,
    Error,
    Critical,
}

/// The plugins that were chosen, by what they do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Plugins {
    pub compute: Option<Plugin>,
    pub orchestrator: Option<Plugin>,
    pub catalog: Option<Plugin>,
    pub storage: Option<Plugin>,
    pub ingestion: Option<Plugin>,
    pub semantic: Option<Plugin>,
    pub lineage_backend: Option<Plugin>,
    /// Where telemetry goes; wins over `observability.telemetry.backend`.
    pub telemetry_backend: Option<Plugin>,
}

/// One plugin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plugin {
    /// Which: `dagster`, `polaris`, ….
    #[serde(rename = "type")]
    #[schemars(length(min = 1))]
    pub kind: String,
    /// Version of the plugin.
    #[schemars(regex(pattern = r"^\d+\.\d+\.\d+([-+].+)?$"))]
    pub version: String,
    /// Its settings.
    pub config: Option<Map<String, Value>>,
}

/// What dbt builds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Transforms {
    /// The models.
    #[schemars(length(min = 1))]
    pub models: Vec<Model>,
    /// Where models without one of their own are built.
    pub default_compute: Option<String>,
}

/// A model of dbt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Its name, as dbt selects it.
    #[schemars(regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$"), length(max = 128))]
    pub name: String,
    /// Where it is built.
    pub compute: Option<String>,
    /// Its tags.
    pub tags: Option<Vec<String>>,
    /// The models that are built before it.
    pub depends_on: Option<Vec<String>>,
    /// Its checks.
    pub quality_checks: Option<Vec<Value>>,
    /// How good it is.
    pub quality_tier: Option<Tier>,
}

/// How good data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[allow(missing_docs)]
pub enum Tier {
    Bronze,
    Silver,
    Gold,
}

/// What a product has to keep to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(missing_docs)]
pub struct Governance {
    pub pii_encryption: Option<String>,
    pub audit_logging: Option<String>,
    pub policy_enforcement_level: Option<Enforcement>,
    #[schemars(range(min = 1))]
    pub data_retention_days: Option<u32>,
    #[schemars(range(min = 1))]
    pub default_ttl_hours: Option<u32>,
    #[schemars(range(min = 1))]
    pub snapshot_keep_last: Option<u32>,
    pub stale_table_recovery_mode: Option<String>,
}

/// What happens to what breaks a policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
#[allow(missing_docs)]
pub enum Enforcement {
    Off,
    Warn,
    Strict,
}

fn yes() -> bool {
    true
}

fn all() -> f64 {
    1.0
}

fn half() -> f64 {
    0.5
}

fn tenth() -> f64 {
    0.1
}

fn local_otlp() -> String {
    "http://localhost:4317".to_owned()
}

/// Looks at the version alone: what a newer contract holds cannot be judged by this one.
///
/// # Errors
/// There is none, or it is one that is not read; without a place.
pub fn check_version(document: &Value) -> Result<(u64, u64)> {
    let supported = format!("{}.{}.0 to {}.{}.x", OLDEST.0, OLDEST.1, NEWEST.0, NEWEST.1);
    let Some(text) = document.get("version").and_then(Value::as_str) else {
        return Err(Error::new("names no version: it is not what floe compile writes")
            .next("compile the product again: floe compile"));
    };
    let parts: Vec<u64> = text.split('.').map_while(|part| part.parse().ok()).collect();
    let &[major, minor, _] = parts.as_slice() else {
        return Err(Error::new(format!("the version \"{}\" is not x.y.z", short(text))));
    };
    if (major, minor) > NEWEST {
        return Err(Error::new(format!("has contract version {text}, this program reads {supported}"))
            .next("take a newer floe-tui, or compile with a floe that writes an older contract"));
    }
    if (major, minor) < OLDEST {
        return Err(Error::new(format!("has contract version {text}, this program reads {supported}"))
            .next("compile the product again with a newer floe"));
    }
    Ok((major, minor))
}

fn short(text: &str) -> String {
    text.chars().take(20).filter(|c| !c.is_control()).collect()
}

impl Entity for CompiledArtifacts {
    const NAME: &'static str = "CompiledArtifacts";

    fn faults(&self) -> Vec<(KeyPath, String)> {
        let mut faults = Vec::new();
        let mut say = |path: KeyPath, words: String| faults.push((path, words));
        let is_current =
            check_version(&serde_json::json!({"version": self.version})).is_ok_and(|v| v == NEWEST);
        if is_current && self.identity.is_none() {
            say(KeyPath::of(["identity"]), "is required from contract 0.10.0".to_owned());
        }
        if is_current && self.observability.is_none() {
            say(KeyPath::of(["observability"]), "is required from contract 0.10.0".to_owned());
        }
        if let Some(authentication) =
            self.observability.as_ref().and_then(|own| own.telemetry.authentication.as_ref())
        {
            let at = KeyPath::of(["observability", "telemetry", "authentication"]);
            let (field, given) = match authentication.auth_type {
                AuthType::ApiKey => ("api_key", authentication.api_key.is_some()),
                AuthType::Bearer => ("bearer_token", authentication.bearer_token.is_some()),
            };
            if !given {
                say(at.key(field), "is required by this auth_type".to_owned());
            }
        }
        let models = self.transforms.iter().flat_map(|own| own.models.iter().enumerate());
        let mut seen: Vec<&str> = Vec::new();
        for (index, model) in models {
            let at = KeyPath::of(["transforms", "models"]).index(index).key("name");
            if seen.contains(&model.name.as_str()) {
                say(at, format!("{} is listed twice", model.name));
            } else {
                seen.push(&model.name);
            }
        }
        for (name, profile) in self.dbt_profiles.iter().flatten() {
            let at = KeyPath::of(["dbt_profiles", name]);
            let Some(outputs) = profile.get("outputs").and_then(Value::as_object) else {
                // The key `config` of profiles.yml is no profile.
                if name != "config" {
                    say(at.key("outputs"), "is required: a map of outputs by name".to_owned());
                }
                continue;
            };
            for (output, value) in outputs {
                if value.get("type").and_then(Value::as_str).is_none_or(str::is_empty) {
                    say(at.key("outputs").key(output).key("type"), "is required".to_owned());
                }
            }
            if let Some(target) = profile.get("target").and_then(Value::as_str)
                && !target.contains("{{")
                && !outputs.contains_key(target)
            {
                let known = outputs.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                say(at.key("target"), format!("is no output of the profile, known are {known}"));
            }
        }
        faults
    }
}

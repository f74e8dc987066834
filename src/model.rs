//! The platform's domain model: what floe compiles, how environments are mapped to clusters and sized, what is
//! deployed and what runs. Each entity is read strictly (unknown fields and broken rules are refused with their file
//! and line), cannot be changed afterwards, and describes itself as JSON Schema: the schema is made from the same
//! type that is read, so there is one source for each rule.

pub mod artifacts;
pub mod chart;
pub mod deployment;
pub mod entity;
pub mod job;
pub mod json;
pub mod located;
pub mod manifest;
pub mod mapping;
pub mod resources;
pub mod rules;

pub use artifacts::CompiledArtifacts;
pub use chart::{ChartDependency, FloeHelmChart};
pub use deployment::{DeployedComponent, DeploymentRecord, DeploymentStatus, PlatformDeployment};
pub use entity::{Entity, Frozen};
pub use job::{DataProductJob, JobPhase, JobStatus};
pub use manifest::{FloeSpec, Manifest};
pub use mapping::{ClusterMapping, Isolation, Mapping, MappingOrigin};
pub use resources::{Preset, ResourcePreset, ResourceRequirements, ResourceSpec};

use serde_json::Value;

/// An entity's name and how its JSON Schema is made.
type Described = (&'static str, fn() -> Value);

/// Every entity, by name.
pub const ENTITIES: [Described; 13] = [
    described::<FloeHelmChart>(),
    described::<ChartDependency>(),
    described::<ClusterMapping>(),
    described::<ResourcePreset>(),
    described::<ResourceRequirements>(),
    described::<ResourceSpec>(),
    described::<CompiledArtifacts>(),
    described::<Manifest>(),
    described::<FloeSpec>(),
    described::<DeploymentRecord>(),
    described::<DeployedComponent>(),
    described::<DataProductJob>(),
    described::<JobStatus>(),
];

const fn described<E: Entity>() -> Described {
    (E::NAME, entity::schema::<E>)
}

/// The JSON Schema of an entity by its name, in whatever case it is written.
pub fn schema_of(name: &str) -> Option<Value> {
    ENTITIES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, schema)| schema())
}

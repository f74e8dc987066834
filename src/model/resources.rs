//! Sizes: requests and limits, the presets that name them, and what a mapping says of them. The numbers of the
//! presets are here and, for the templates, in `charts/floe-platform/templates/_presets.tpl`; a test holds them equal.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Frozen;
use super::entity::Entity;
use crate::yaml::KeyPath;

/// The size of components that set no resources of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Preset {
    /// The smallest.
    #[default]
    Small,
    /// The middle.
    Medium,
    /// The largest.
    Large,
    /// What stands beside it.
    Custom,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Small, Self::Medium, Self::Large, Self::Custom];

    /// As it is written.
    pub fn word(self) -> &'static str {
        match self {
            Self::Small => "small",
            Self::Medium => "medium",
            Self::Large => "large",
            Self::Custom => "custom",
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.word())
    }
}

/// CPU and memory.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceSpec {
    /// CPU in cores or millicores: `500m`, `2`.
    #[schemars(regex(pattern = r"^\d+m?$"))]
    pub cpu: String,
    /// Memory in Mi or Gi: `512Mi`.
    #[schemars(regex(pattern = r"^\d+(Mi|Gi)$"))]
    pub memory: String,
}

impl fmt::Display for ResourceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.cpu, self.memory)
    }
}

impl ResourceSpec {
    fn new(cpu: &str, memory: &str) -> Self {
        Self { cpu: cpu.to_owned(), memory: memory.to_owned() }
    }
}

impl Entity for ResourceSpec {
    const NAME: &'static str = "ResourceSpec";
}

/// What a container is guaranteed and what it may use at most.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ResourceRequirements {
    /// Guaranteed to the container.
    pub requests: ResourceSpec,
    /// Never exceeded by the container.
    pub limits: ResourceSpec,
}

impl Entity for ResourceRequirements {
    const NAME: &'static str = "ResourceRequirements";
}

/// Requests, then limits, each as CPU/memory: `100m/256Mi 500m/512Mi`.
impl fmt::Display for ResourceRequirements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.requests, self.limits)
    }
}

impl ResourceRequirements {
    /// Reads what [`fmt::Display`] writes, by the rules of the model.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn parse(text: &str) -> Result<Self, String> {
        let spec = |part: &str| {
            let (cpu, memory) = part.split_once('/')?;
            Some(ResourceSpec::new(cpu, memory))
        };
        let parts: Vec<ResourceSpec> = text.split_whitespace().filter_map(spec).collect();
        let [requests, limits] = parts.as_slice() else {
            return Err(
                "needs requests and limits as CPU/memory, for example 100m/256Mi 500m/512Mi".to_owned()
            );
        };
        let both = Self { requests: requests.clone(), limits: limits.clone() };
        if text.split_whitespace().count() != 2 {
            return Err("needs requests and limits and nothing else".to_owned());
        }
        let value = serde_json::to_value(&both).map_err(|error| error.to_string())?;
        Frozen::<Self>::read(&value, &|_| None).map_err(|problems| {
            let words: Vec<String> =
                problems.iter().map(|problem| format!("{} {}", problem.key, problem.message)).collect();
            words.join("; ")
        })?;
        Ok(both)
    }
}

/// A tier with its numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourcePreset {
    /// Which tier.
    pub name: Preset,
    /// Webserver pods.
    pub webserver: ResourceRequirements,
    /// Daemon pods.
    pub daemon: ResourceRequirements,
    /// Pods of user code.
    pub user_code: ResourceRequirements,
    /// Pods of jobs.
    pub jobs: ResourceRequirements,
}

impl Entity for ResourcePreset {
    const NAME: &'static str = "ResourcePreset";

    fn faults(&self) -> Vec<(KeyPath, String)> {
        let differs = |row: &str| {
            let wanted = Self::row_of(self.name, row)?;
            (self.row(row) != Some(&wanted)).then(|| {
                (KeyPath::of([row]), format!("is not what the preset {} gives; use custom", self.name))
            })
        };
        ROWS[..REQUIRED].iter().copied().filter_map(differs).collect()
    }
}

/// The rows that a mapping may give with the preset `custom`: those of the platform's model, then those of components
/// that the model does not know.
pub const ROWS: [&str; 10] = [
    "webserver",
    "daemon",
    "userCode",
    "jobs",
    "polaris",
    "postgresql",
    "marquez",
    "jaeger",
    "grafana",
    "web",
];

/// So many rows, from the first, the preset `custom` has to give.
pub const REQUIRED: usize = 4;

impl ResourcePreset {
    /// A tier with the platform's numbers; `None` for `custom`, whose numbers stand in the mapping.
    pub fn of(preset: Preset) -> Option<Self> {
        Some(Self {
            name: preset,
            webserver: Self::row_of(preset, "webserver")?,
            daemon: Self::row_of(preset, "daemon")?,
            user_code: Self::row_of(preset, "userCode")?,
            jobs: Self::row_of(preset, "jobs")?,
        })
    }

    /// One of the four rows of the model.
    pub fn row(&self, row: &str) -> Option<&ResourceRequirements> {
        match row {
            "webserver" => Some(&self.webserver),
            "daemon" => Some(&self.daemon),
            "userCode" => Some(&self.user_code),
            "jobs" => Some(&self.jobs),
            _ => None,
        }
    }

    /// What a tier gives a row; `None` for `custom` and for rows that do not exist.
    pub fn row_of(preset: Preset, row: &str) -> Option<ResourceRequirements> {
        let tier = match preset {
            Preset::Small => 0,
            Preset::Medium => 1,
            Preset::Large => 2,
            Preset::Custom => return None,
        };
        // Requests as the model has them; limits are twice the memory and two to five times the CPU.
        let (requests, limits) = match row {
            "webserver" | "daemon" | "jobs" | "postgresql" | "jaeger" => (
                [("100m", "256Mi"), ("250m", "512Mi"), ("500m", "1Gi")],
                [("500m", "512Mi"), ("1000m", "1Gi"), ("2000m", "2Gi")],
            ),
            "userCode" => (
                [("250m", "512Mi"), ("500m", "1Gi"), ("1000m", "2Gi")],
                [("1000m", "1Gi"), ("1500m", "2Gi"), ("4000m", "4Gi")],
            ),
            "polaris" => (
                [("250m", "512Mi"), ("500m", "1Gi"), ("1000m", "2Gi")],
                [("1000m", "1Gi"), ("2000m", "2Gi"), ("4000m", "4Gi")],
            ),
            "marquez" => (
                [("100m", "512Mi"), ("250m", "512Mi"), ("500m", "1Gi")],
                [("500m", "1Gi"), ("1000m", "1Gi"), ("2000m", "2Gi")],
            ),
            "grafana" => (
                [("100m", "128Mi"), ("100m", "256Mi"), ("250m", "512Mi")],
                [("500m", "256Mi"), ("500m", "512Mi"), ("1000m", "1Gi")],
            ),
            "web" => (
                [("50m", "64Mi"), ("50m", "128Mi"), ("100m", "256Mi")],
                [("250m", "128Mi"), ("250m", "256Mi"), ("500m", "512Mi")],
            ),
            _ => return None,
        };
        let spec = |(cpu, memory): (&str, &str)| ResourceSpec::new(cpu, memory);
        Some(ResourceRequirements { requests: spec(requests[tier]), limits: spec(limits[tier]) })
    }
}

/// What a mapping says of sizes: a tier, or `custom` with rows of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
#[schemars(inline, extend(
    "if" = {"properties": {"preset": {"const": "custom"}}, "required": ["preset"]},
    "then" = {"required": ["webserver", "daemon", "userCode", "jobs"]},
    "else" = {"properties": {
        "webserver": false, "daemon": false, "userCode": false, "jobs": false, "polaris": false, "postgresql": false,
        "marquez": false, "jaeger": false, "grafana": false, "web": false,
    }},
))]
pub struct Tier {
    /// The tier; `custom` reads the rows beside it.
    pub preset: Preset,
    /// Webserver pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webserver: Option<ResourceRequirements>,
    /// Daemon pods.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daemon: Option<ResourceRequirements>,
    /// Pods of user code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_code: Option<ResourceRequirements>,
    /// Pods of jobs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jobs: Option<ResourceRequirements>,
    /// Pods of Polaris.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polaris: Option<ResourceRequirements>,
    /// Pods of `PostgreSQL`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postgresql: Option<ResourceRequirements>,
    /// Pods of Marquez.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub marquez: Option<ResourceRequirements>,
    /// Pods of Jaeger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jaeger: Option<ResourceRequirements>,
    /// Pods of Grafana.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grafana: Option<ResourceRequirements>,
    /// Pods of Marquez' web interface.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub web: Option<ResourceRequirements>,
}

impl Tier {
    fn slot(&mut self, row: &str) -> Option<&mut Option<ResourceRequirements>> {
        Some(match row {
            "webserver" => &mut self.webserver,
            "daemon" => &mut self.daemon,
            "userCode" => &mut self.user_code,
            "jobs" => &mut self.jobs,
            "polaris" => &mut self.polaris,
            "postgresql" => &mut self.postgresql,
            "marquez" => &mut self.marquez,
            "jaeger" => &mut self.jaeger,
            "grafana" => &mut self.grafana,
            "web" => &mut self.web,
            _ => return None,
        })
    }

    /// Whether it has numbers of its own for a row.
    pub fn gives(&self, row: &str) -> bool {
        self.clone().slot(row).is_some_and(|slot| slot.is_some())
    }

    /// Gives a row; rows that do not exist are left out.
    pub(super) fn set(&mut self, row: &str, requirements: &ResourceRequirements) {
        if let Some(slot) = self.slot(row) {
            *slot = Some(requirements.clone());
        }
    }

    /// What a component of this row gets: the tier's numbers, with `custom` its own or those of the smallest tier.
    pub fn resolve(&self, row: &str) -> Option<ResourceRequirements> {
        let own = self.clone().slot(row).and_then(Option::take);
        own.filter(|_| self.preset == Preset::Custom).or_else(|| {
            let preset = if self.preset == Preset::Custom { Preset::Small } else { self.preset };
            ResourcePreset::row_of(preset, row)
        })
    }
}

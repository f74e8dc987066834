//! What the environment itself says: its name, its size, and how much care it needs. These are the lowest of what is
//! generated; the artifact and the operator's own values win over them.
//!
//! Only what an environment adds is written (production is scaled and kept through disruptions, staging and production
//! shut their networks), never `false` for the others: a values file that switches something on stays right.

use serde_json::json;

use super::draft::{Draft, Field};
use super::{Sections, Site, Wish};
use crate::model::{Isolation, Preset};
use crate::yaml::KeyPath;

/// How much care an environment needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Dev,
    Staging,
    Prod,
}

impl Stage {
    /// By the environment's name.
    pub(super) fn of(environment: &str) -> Self {
        match environment {
            "prod" | "production" => Self::Prod,
            "staging" | "stage" => Self::Staging,
            _ => Self::Dev,
        }
    }
}

pub(super) fn draft(draft: &mut Draft, wish: &Wish, site: &Site, sections: &Sections) {
    let mapping = KeyPath::of(["clusterMapping", &site.cluster.name]);
    let from = |key: &str| Field::mapping(mapping.key(key));
    let stage = Stage::of(site.environment);
    let root = KeyPath::root();
    draft.set(&root, "global.environment", site.environment, from("environments"));
    draft.set(
        &root,
        "global.artifactVersion",
        wish.artifact.model.version.as_str(),
        Field::artifact("version"),
    );
    if let Some(platform) = &sections.platform {
        let mut set =
            |key: &str, value: serde_json::Value| draft.set(platform, key, value, from("environments"));
        if stage == Stage::Prod {
            set("dagster.webserver.replicas", json!(2));
            set("dagster.webserver.podDisruptionBudget.enabled", json!(true));
            for component in ["polaris", "marquez", "otel-collector"] {
                set(&format!("{component}.autoscaling.enabled"), json!(true));
                set(&format!("{component}.podDisruptionBudget.enabled"), json!(true));
            }
        }
        if stage != Stage::Dev {
            set("networkPolicies.enabled", json!(true));
            set("otel-collector.networkPolicies.enabled", json!(true));
        }
        if site.cluster.isolation == Isolation::Label {
            // They bound a whole namespace, which this environment shares.
            for key in ["resourceQuota.enabled", "limitRange.enabled"] {
                draft.set(platform, key, false, from("isolation"));
            }
        }
    }
    if let Some(jobs) = &sections.jobs {
        let tier = &site.cluster.resources;
        if tier.preset == Preset::Custom {
            let resources = tier.resolve("jobs").map(|row| json!(row)).unwrap_or_default();
            draft.set(jobs, "defaults.resources", resources, from("resources"));
        } else {
            draft.set(jobs, "resourcesPreset", tier.preset.word(), from("resources"));
        }
        if stage != Stage::Dev {
            draft.set(jobs, "networkPolicies.enabled", true, from("environments"));
        }
    }
}

/// Takes back what is said of components that do not run: nobody would read it.
pub(super) fn prune(draft: &mut Draft, platform: &KeyPath, is_off: impl Fn(&KeyPath) -> bool) {
    for component in ["dagster", "polaris", "marquez", "otel-collector"] {
        let section = platform.key(component);
        if is_off(&section.key("enabled")) {
            draft.assignments.retain(|own| {
                own.from.document != super::draft::Document::Mapping || !own.key.starts_with(&section)
            });
            if component == "dagster" {
                // Only its runs send lineage.
                draft.assignments.retain(|own| own.key != platform.key("lineageEndpoint"));
            }
        }
    }
}

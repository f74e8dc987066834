//! The components among the objects of a release: its workloads, as the platform's model has them.

use super::{ObjectRow, ObjectsSnapshot};
use crate::cluster::Health;
use crate::model::DeployedComponent;
use crate::model::deployment::{Replicas, WorkloadKind};

/// A workload that the release's manifest names.
#[derive(Debug, Clone)]
pub struct Component<'s> {
    pub model: DeployedComponent,
    /// Its row, with the object's own name and why it does as it does.
    pub row: &'s ObjectRow,
}

impl ObjectsSnapshot {
    /// What has pods, in the order of the rows; hooks and tests come and go and are no components.
    pub fn components(&self, release: &str) -> Vec<Component<'_>> {
        self.rows.iter().filter_map(|row| Component::of(row, release)).collect()
    }
}

impl<'s> Component<'s> {
    /// `None` for what is no component.
    pub fn of(row: &'s ObjectRow, release: &str) -> Option<Self> {
        let kind = WorkloadKind::parse(&row.kind).filter(|_| row.depth == 0 && !row.hook)?;
        let short = row.name.strip_prefix(release).and_then(|rest| rest.strip_prefix('-'));
        let model = DeployedComponent {
            name: short.filter(|short| !short.is_empty()).unwrap_or(&row.name).to_owned(),
            kind,
            replicas: replicas(row),
            health: row.health.into(),
        };
        Some(Self { model, row })
    }
}

fn replicas(row: &ObjectRow) -> Replicas {
    if row.kind == "CronJob" {
        let desired = i64::from(row.health != Health::Suspended);
        let works = i64::from(row.health == Health::Healthy);
        return Replicas { desired, ready: desired * works, available: desired * works };
    }
    let counted = row.replicas.unwrap_or_default();
    Replicas { desired: counted.desired, ready: counted.ready, available: counted.available }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &str, health: Health) -> ObjectRow {
        ObjectRow::bare(kind, "floe-web", health, "0 of 1 ready")
    }

    #[test]
    fn jobs_count_completions_and_a_schedule_is_one() {
        let mut row = row("CronJob", Health::Healthy);
        let counts = |row: &ObjectRow| {
            let counted = replicas(row);
            (counted.desired, counted.ready, counted.available)
        };
        assert_eq!(counts(&row), (1, 1, 1));
        row.health = Health::Degraded;
        assert_eq!(counts(&row), (1, 0, 0));
        row.health = Health::Suspended;
        assert_eq!(counts(&row), (0, 0, 0));
    }

    #[test]
    fn a_component_is_named_without_its_release() {
        let mut row = row("Deployment", Health::Progressing);
        let named = |row: &ObjectRow| Component::of(row, "floe").map(|component| component.model.name);
        assert_eq!(named(&row).as_deref(), Some("web"));
        row.name = "floes".into();
        assert_eq!(named(&row).as_deref(), Some("floes"));
        row.hook = true;
        assert_eq!(named(&row), None);
    }
}

//! The line that says which target a plan or an operation is about: its own, not the one that is selected.

use crate::operations::{OperationSpec, Plan, PlanRequest};
use crate::session::{ReleaseRef, Session};
use crate::ui::Role;
use crate::ui::chrome::{Header, Part};

/// The header of a plan; `plan` adds what was learned while it was made.
pub(super) fn of_plan(request: &PlanRequest, plan: Option<&Plan>) -> Header {
    let mut header = header(request.verb.title(), &request.release, request.environment.as_deref());
    header.protected = request.protected;
    if let Some(plan) = plan {
        let identity = plan.identity.as_ref().map(crate::cluster::Identity::short);
        header.right.extend(identity.map(|identity| Part::spare("", identity, 1).role(Role::Muted)));
        header.right.push(Part::spare(" · ", format!("helm {}", plan.helm.version), 3).role(Role::Muted));
    }
    if let Some(chart) = &request.chart {
        header.right.push(Part::spare(" · ", chart.label.clone(), 2).role(Role::Muted));
    }
    header
}

/// The header of an operation.
pub(super) fn of_operation(session: &Session, spec: &OperationSpec) -> Header {
    let mut header = header(spec.verb.title(), &spec.release, spec.environment.as_deref());
    header.protected = is_protected(session, spec).unwrap_or(false);
    if !spec.identity.is_empty() {
        header.right.push(Part::spare("", spec.identity.clone(), 1).role(Role::Muted));
    }
    header.right.push(Part::spare(" · ", format!("helm {}", spec.helm_version), 3).role(Role::Muted));
    if let Some(chart) = &spec.chart {
        header.right.push(Part::spare(" · ", chart.clone(), 2).role(Role::Muted));
    }
    header
}

fn header(verb: &str, release: &ReleaseRef, environment: Option<&str>) -> Header {
    let mut left = vec![Part::fixed("", verb), Part::name(" ", release.release.clone())];
    if let Some(environment) = environment {
        left.push(Part::fixed(" @ ", environment));
    }
    left.push(Part::middle(" → ", release.context.clone()));
    left.push(Part::fixed(" / ", release.namespace.clone()));
    Header { left, right: Vec::new(), protected: false }
}

/// Whether the environment of an operation is a protected one; `None` when this workspace does not know it.
pub(super) fn is_protected(session: &Session, spec: &OperationSpec) -> Option<bool> {
    let name = spec.environment.as_ref()?;
    session.environments.iter().find(|view| view.name == *name).map(|view| view.protected)
}

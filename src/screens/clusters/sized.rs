//! What the containers of an environment get, read off what renders: once for a rendering, not once a frame.

use std::sync::Arc;

use crate::manifest;
use crate::render::Output;
use crate::session::{Session, Traced};
use crate::workspace::ClusterMapping;

/// The containers of one environment.
#[derive(Debug)]
pub(super) struct Sized {
    traced: Arc<Traced>,
    environment: String,
    /// Component, requests and limits, each as CPU/memory.
    pub(super) containers: Vec<(String, String, String)>,
}

impl Sized {
    /// Reads the rendering; `None` when there is none.
    pub(super) fn read(session: &Session, environment: &str) -> Option<Self> {
        let output = session.traced_output(environment)?;
        let containers = rendered(output);
        Some(Self { traced: session.traced.clone()?, environment: environment.to_owned(), containers })
    }

    /// Whether it is of what renders now.
    pub(super) fn is_of(&self, session: &Session, environment: &str) -> bool {
        let is_same = session.traced.as_ref().is_some_and(|traced| Arc::ptr_eq(traced, &self.traced));
        is_same && self.environment == environment && session.trace().is_some()
    }
}

/// The environment of a mapping that is shown: the selected one, else the first.
pub(super) fn environment<'c>(session: &Session, cluster: &'c ClusterMapping) -> Option<&'c String> {
    let here = session.selection.mapped.as_ref().map(|mapped| &mapped.environment);
    let selected = cluster.environments.iter().find(|name| Some(*name) == here);
    selected.or(cluster.environments.first())
}

/// The containers of a rendering with their requests and limits.
fn rendered(output: &Output) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    for object in manifest::of_output(output).unwrap_or_default() {
        let places = ["/spec/template/spec/containers", "/spec/jobTemplate/spec/template/spec/containers"];
        let containers = places.iter().filter_map(|place| object.value.pointer(place)?.as_array()).flatten();
        for container in containers.filter(|_| object.hook.is_none()) {
            let words = |kind: &str| {
                let own = container.pointer(&format!("/resources/{kind}"));
                let part = |key: &str| match own.and_then(|own| own.get(key)) {
                    Some(serde_json::Value::String(text)) => text.clone(),
                    Some(other) => other.to_string(),
                    None => "–".to_owned(),
                };
                format!("{}/{}", part("cpu"), part("memory"))
            };
            let name = container.get("name").and_then(serde_json::Value::as_str).unwrap_or_default();
            let owner = &object.id.name;
            let component = if owner.ends_with(name) { owner.clone() } else { format!("{owner} {name}") };
            found.push((component, words("requests"), words("limits")));
        }
    }
    found
}

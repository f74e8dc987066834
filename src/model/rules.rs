//! The data model's rules over all mappings of a chart: each environment in exactly one, every namespace a DNS
//! label, no two environments in one namespace unless labels keep them apart.

use super::located::Located;
use super::mapping::{Isolation, Mapping};
use crate::base::Problem;
use crate::yaml::KeyPath;

/// What was seen so far.
struct Seen<'m> {
    environment: &'m str,
    mapping: &'m str,
    cluster: &'m str,
    namespace: String,
    isolation: Isolation,
}

/// What is wrong with a mapping as a whole.
pub fn check(mapping: &Mapping, document: &Located, base: &KeyPath) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut fault = |path: &KeyPath, message: String, environment: &str| {
        problems.push(document.place(Problem::error(message), path).environment(environment));
    };
    let mut seen: Vec<Seen<'_>> = Vec::new();
    for cluster in &mapping.clusters {
        let list = base.key(&cluster.name).key("environments");
        let template = base.key(&cluster.name).key("namespaceTemplate");
        for (index, environment) in cluster.environments.iter().enumerate() {
            if let Some(other) = seen.iter().find(|other| other.environment == environment) {
                let message = if other.mapping == cluster.name {
                    format!("{environment} is listed twice")
                } else {
                    format!(
                        "{environment} is already in the mapping {}; an environment belongs to exactly one",
                        other.mapping
                    )
                };
                let nth = cluster.environments[..index].iter().filter(|other| *other == environment).count();
                fault(
                    &list.index(place(document, &list, environment, nth).unwrap_or(index)),
                    message,
                    environment,
                );
                continue;
            }
            let namespace = match cluster.namespace(environment) {
                Ok(namespace) => namespace,
                Err(why) => {
                    fault(&template, why, environment);
                    String::new()
                }
            };
            let by_labels = |other: &Seen<'_>| {
                other.isolation == Isolation::Label && cluster.isolation == Isolation::Label
            };
            let shared = seen.iter().find(|other| {
                !namespace.is_empty()
                    && other.cluster == cluster.cluster
                    && other.namespace == namespace
                    && !by_labels(other)
            });
            if let Some(other) = shared {
                let message = format!(
                    "{} and {environment} both get the namespace {namespace}; use isolation label or a template with .environment",
                    other.environment
                );
                fault(&template, message, environment);
            }
            seen.push(Seen {
                environment,
                mapping: &cluster.name,
                cluster: &cluster.cluster,
                namespace,
                isolation: cluster.isolation,
            });
        }
    }
    problems
}

/// Where an environment stands in the file's list, which may hold names that were refused.
fn place(document: &Located, list: &KeyPath, environment: &str, nth: usize) -> Option<usize> {
    let items = list.get(&document.value)?.as_array()?.iter().enumerate();
    items.filter(|(_, item)| item.as_str() == Some(environment)).map(|(at, _)| at).nth(nth)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
#[path = "rules_tests.rs"]
mod tests;

use std::path::Path;

use rstest::rstest;

use super::*;
use crate::model::Preset;
use crate::model::mapping::{KEY, MappingOrigin};
use crate::yaml;

fn problems_of(text: &str) -> (Option<Mapping>, Vec<String>) {
    let document = Located::yaml(Path::new("values.yaml"), yaml::parse(text).unwrap());
    let base = KeyPath::of([KEY]);
    let (mapping, mut problems) = Mapping::read(&document, &base, MappingOrigin::Values);
    if let Some(mapping) = &mapping {
        problems.extend(check(mapping, &document, &base));
    }
    (mapping, problems.iter().map(ToString::to_string).collect())
}

fn only_problem(text: &str) -> String {
    let (_, problems) = problems_of(text);
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems.into_iter().next().unwrap()
}

const GOOD: &str = "a: 1\nclusterMapping:\n  non-prod:\n    cluster: shared\n    environments: [dev, qa]\n    isolation: namespace\n  prod:\n    cluster: other\n    environments:\n      - prod\n    namespaceTemplate: \"platform-{{ .environment }}\"\n    resources:\n      preset: large\n";

#[test]
fn a_good_mapping_has_defaults_order_and_lines() {
    let (mapping, problems) = problems_of(GOOD);
    assert_eq!(problems, Vec::<String>::new());
    let mapping = mapping.unwrap();
    assert_eq!(mapping.environments(), ["dev", "qa", "prod"]);
    let first = &mapping.clusters[0];
    assert_eq!((first.line, first.preset(), first.isolation), (Some(3), Preset::Small, Isolation::Namespace));
    assert_eq!(first.namespace("dev").unwrap(), "floe-dev");
    assert_eq!(mapping.of("prod").unwrap().namespace("prod").unwrap(), "platform-prod");
    assert_eq!(mapping.of("nowhere"), None);
    assert_eq!(problems_of("a: 1\n").0, None);
}

#[test]
fn an_environment_belongs_to_exactly_one_mapping() {
    let text = GOOD.replace("- prod", "- dev");
    assert_eq!(
        only_problem(&text),
        "values.yaml:10 clusterMapping.prod.environments[0]: dev is already in the mapping non-prod; an environment belongs to exactly one"
    );
    assert!(only_problem(&GOOD.replace("[dev, qa]", "[dev, dev]")).ends_with("dev is listed twice"));
}

#[rstest]
#[case("[dev, qa]", "[]", "clusterMapping.non-prod.environments: must name at least one environment")]
#[case(
    "    environments: [dev, qa]\n",
    "",
    "clusterMapping.non-prod: names no environments, at least one is needed"
)]
#[case("[dev, qa]", "dev", "clusterMapping.non-prod.environments: must be a list of names")]
#[case(
    "[dev, qa]",
    "[Dev]",
    "environments[0]: \"Dev\" is no name for an environment: it must begin with a-z"
)]
#[case("[dev, qa]", "[dev/qa]", "only a-z, 0-9 and - may be in it")]
#[case("[dev, qa]", "[1]", "must be the name of an environment")]
#[case("cluster: shared", "cluster: ''", "clusterMapping.non-prod.cluster: must be the name of a cluster")]
#[case("    cluster: shared\n", "", "clusterMapping.non-prod: names no cluster")]
#[case(
    "isolation: namespace",
    "isolation: pod",
    "clusterMapping.non-prod.isolation: must be one of namespace, label"
)]
#[case(
    "preset: large",
    "preset: huge",
    "clusterMapping.prod.resources.preset: must be one of small, medium, large, custom"
)]
#[case("preset: large", "preset: custom", "custom needs the resources of components beside it")]
#[case("preset: large", "jobs: {}", "resources of a component count only with the preset custom")]
#[case("isolation: namespace", "isolated: namespace", "clusterMapping.non-prod.isolated: unknown field")]
#[case(
    "{{ .environment }}",
    "{{ .Release.Name }}",
    "knows .environment and nothing else, not \".Release.Name\""
)]
#[case("{{ .environment }}", "{{ .environment", "opens {{ without }}")]
#[case(
    "platform-{{ .environment }}",
    "Platform-{{ .environment }}",
    "gives the namespace \"Platform-prod\" for prod: only a-z, 0-9 and - may be in it"
)]
#[case("platform-{{ .environment }}", "{{ .environment }}-", "it must not begin or end with -")]
fn rules(#[case] good: &str, #[case] bad: &str, #[case] message: &str) {
    assert!(GOOD.contains(good));
    let problem = only_problem(&GOOD.replace(good, bad));
    assert!(problem.contains(message), "{problem}");
    assert!(problem.starts_with("values.yaml:"), "{problem}");
}

#[test]
fn a_namespace_is_at_most_63_characters_long() {
    let text = |length: usize| GOOD.replace("platform-", &"x".repeat(length));
    assert!(problems_of(&text(59)).1.is_empty());
    assert!(only_problem(&text(60)).contains("longer than 63"));
}

#[test]
fn two_environments_share_a_namespace_only_with_labels() {
    let shared = GOOD.replace("isolation: namespace", "namespaceTemplate: floe");
    assert!(only_problem(&shared).contains("dev and qa both get the namespace floe"));
    let labels = GOOD.replace("isolation: namespace", "namespaceTemplate: floe\n    isolation: label");
    assert!(problems_of(&labels).1.is_empty());
    // The same namespace on another cluster is another namespace.
    let apart = GOOD
        .replace(
            "environments: [dev, qa]\n    isolation: namespace",
            "environments: [dev]\n    namespaceTemplate: floe",
        )
        .replace("platform-{{ .environment }}", "floe");
    assert!(problems_of(&apart).1.is_empty());
    assert_eq!(problems_of(&apart.replace("other", "shared")).1.len(), 1);
}

#[test]
fn trim_markers_are_understood() {
    let text = GOOD.replace("platform-{{ .environment }}", "platform- {{- .environment -}} ");
    assert_eq!(problems_of(&text).0.unwrap().clusters[1].namespace("prod").unwrap(), "platform-prod");
}

#[test]
fn what_is_no_mapping_is_refused() {
    assert!(only_problem("clusterMapping: [a]\n").contains("must be a map of mappings"));
    assert!(
        only_problem("clusterMapping:\n  x: 1\n")
            .starts_with("values.yaml:2 clusterMapping.x: must be a map")
    );
}

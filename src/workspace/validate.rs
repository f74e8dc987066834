//! Everything that can be said about a workspace without helm and without a cluster: the mapping's rules, the
//! schemas against the merged values of each environment, files that are no YAML, dependencies that are not built, keys
//! that no template reads, generated values that are not what their sources give.

use std::path::PathBuf;

use super::discover::{Environment, Workspace, WorkspaceChart};
use super::mapping::KEY;
use crate::base::Problem;
use crate::model::FloeHelmChart;
use crate::values::LayerSet;

/// All problems, errors first, then by file and line, with files relative to the workspace. With an environment only
/// what concerns it; one that no chart has is an error of its own.
pub fn validate(workspace: &Workspace, environment: Option<&str>) -> Vec<Problem> {
    let mut problems = workspace.problems.clone();
    if let Some(name) = environment
        && !workspace.charts.iter().any(|chart| chart.environment(name).is_some())
    {
        problems.push(Problem::error(format!("no chart here has the environment {name}")).environment(name));
    }
    for chart in &workspace.charts {
        problems.extend(chart.problems.iter().cloned());
        // Only charts that say which floe they fit keep to floe's own rules.
        if FloeHelmChart::is_claimed(&chart.chart) {
            let faults = FloeHelmChart::of(&chart.chart).err().into_iter().flatten();
            problems.extend(faults.map(|problem| placed(workspace, chart, problem)));
        }
        let chosen: Vec<&Environment> =
            chart.environments.iter().filter(|own| environment.is_none_or(|name| own.name == name)).collect();
        let mut found: Vec<Problem> = Vec::new();
        for own in &chosen {
            found.extend(in_environment(workspace, chart, own));
        }
        if chart.environments.is_empty() {
            found.extend(in_layers(workspace, chart, &[]));
        }
        // What the mapping's own rules say is not said again in the schema's words.
        found.retain(|problem| {
            let is_mapping = problem.key == KEY || problem.key.starts_with(&format!("{KEY}."));
            !(is_mapping
                && chart.problems.iter().any(|own| own.line == problem.line && own.file == problem.file))
        });
        problems.extend(super::generated::problems(workspace, chart));
        let unread = super::unread::problems(chart).into_iter();
        problems.extend(unread.map(|problem| placed(workspace, chart, problem)));
        problems.extend(merge(found));
    }
    if let Some(name) = environment {
        problems.retain(|problem| problem.environment.as_deref().is_none_or(|own| own == name));
    }
    problems.sort_by(|a, b| {
        b.severity.cmp(&a.severity).then_with(|| a.file.cmp(&b.file)).then_with(|| a.line.cmp(&b.line))
    });
    problems
}

/// What is wrong with the values of one environment.
fn in_environment(workspace: &Workspace, chart: &WorkspaceChart, environment: &Environment) -> Vec<Problem> {
    let (there, missing): (Vec<PathBuf>, Vec<PathBuf>) =
        environment.values_files.iter().cloned().partition(|file| file.exists());
    let mut problems = in_layers(workspace, chart, &there);
    // Without its generated file an environment is stale, which is said with the way out.
    if there.iter().all(|file| Some(file) == environment.generated.as_ref()) {
        let own = missing.iter().filter(|file| Some(*file) != environment.generated.as_ref());
        problems.extend(own.map(|file| {
            let words = format!("is not there, {} has the chart's defaults only", environment.name);
            Problem::warning(words).at(workspace.shown(file), None)
        }));
    }
    problems.into_iter().map(|problem| problem.environment(&environment.name)).collect()
}

/// What is wrong with one list of values files on top of the chart's own.
fn in_layers(workspace: &Workspace, chart: &WorkspaceChart, files: &[PathBuf]) -> Vec<Problem> {
    // Nothing is edited here: all texts come from disk.
    let layers = LayerSet::for_environment(&chart.chart, files, &|_| None);
    let mut problems: Vec<Problem> = layers.problems().to_vec();
    // Values of which a part could not be read would only give problems that are not there.
    if problems.is_empty() {
        let merged = layers.merge();
        problems.extend(merged.problems().iter().cloned());
        problems.extend(chart.schema.check(&merged.value, &|path| merged.locate(path)));
        problems.retain(|problem| !layers.is_about_cipher(problem));
    }
    problems.into_iter().map(|problem| placed(workspace, chart, problem)).collect()
}

/// Layers name files relative to their chart.
fn placed(workspace: &Workspace, chart: &WorkspaceChart, mut problem: Problem) -> Problem {
    problem.file = problem
        .file
        .map(|file| if file.is_absolute() { workspace.shown(&file) } else { chart.shown.join(file) });
    problem
}

/// The same problem in several environments is one problem of all of them.
pub fn merge(found: Vec<Problem>) -> Vec<Problem> {
    let mut merged: Vec<Problem> = Vec::new();
    for problem in found {
        let same = merged.iter_mut().find(|known| {
            (known.severity, &known.file, known.line, &known.key, &known.message)
                == (problem.severity, &problem.file, problem.line, &problem.key, &problem.message)
        });
        match same {
            Some(known) if known.environment != problem.environment => known.environment = None,
            Some(_) => {}
            None => merged.push(problem),
        }
    }
    merged
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use super::*;
    use crate::base::Severity;
    use crate::workspace::discover;
    use tempfile::TempDir;

    const VALUES: &str = "clusterMapping:\n  all:\n    cluster: shared\n    environments: [dev, prod]\nreplicas: 1\nport: 80\n";
    const SCHEMA: &str = r#"{"properties": {"replicas": {"type": "integer", "minimum": 1}, "port": {"type": "integer"},
        "clusterMapping": {"additionalProperties": {"properties": {"environments": {"minItems": 1}}}}}}"#;

    fn folder(changes: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        let files = [
            ("Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n"),
            ("values.yaml", VALUES),
            ("values.schema.json", SCHEMA),
            ("values-dev.yaml", "global:\n  environment: dev\n"),
            ("values-prod.yaml", "global:\n  environment: prod\nreplicas: 3\n"),
        ];
        for (name, text) in files.iter().chain(changes) {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn told(changes: &[(&str, &str)], environment: Option<&str>) -> Vec<String> {
        let folder = folder(changes);
        let workspace = discover(folder.path()).unwrap();
        validate(&workspace, environment).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_good_workspace_has_no_problems() {
        assert_eq!(told(&[], None), Vec::<String>::new());
        assert_eq!(told(&[], Some("prod")), Vec::<String>::new());
    }

    #[test]
    fn a_value_that_does_not_fit_is_told_at_the_line_that_sets_it() {
        let bad = [("values-prod.yaml", "global:\n  environment: prod\n\nreplicas: -1\n")];
        assert_eq!(told(&bad, None), ["values-prod.yaml:4 replicas: must be at least 1"]);
        assert_eq!(told(&bad, Some("prod")).len(), 1);
        assert_eq!(told(&bad, Some("dev")), Vec::<String>::new());
    }

    #[test]
    fn a_fault_of_the_defaults_is_told_once_for_all_environments() {
        let folder = folder(&[("values.yaml", &VALUES.replace("port: 80", "port: x"))]);
        let problems = validate(&discover(folder.path()).unwrap(), None);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert_eq!((problems[0].line, &problems[0].environment), (Some(6), &None));
    }

    #[test]
    fn text_that_is_no_yaml_is_told_once_and_hides_nothing_else() {
        let problems = told(
            &[("values-dev.yaml", "a: [\n"), ("values-prod.yaml", "global:\n  environment: qa\n")],
            None,
        );
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("values-dev.yaml:"), "{problems:?}");
        assert!(problems[1].contains("says qa, but this file is for prod"), "{problems:?}");
    }

    #[test]
    fn the_mapping_is_told_in_its_own_words_only() {
        let bad = VALUES.replace("[dev, prod]", "[]");
        let problems = told(&[("values.yaml", &bad)], None);
        let errors: Vec<_> = problems.iter().filter(|problem| problem.contains("clusterMapping")).collect();
        assert_eq!(errors.len(), 1, "{problems:?}");
        assert!(errors[0].contains("must name at least one environment"), "{problems:?}");
    }

    #[test]
    fn an_environment_that_nobody_has_and_one_without_a_file() {
        assert_eq!(told(&[], Some("qa")), ["no chart here has the environment qa"]);
        let folder = folder(&[]);
        fs::remove_file(folder.path().join("values-dev.yaml")).unwrap();
        let problems = validate(&discover(folder.path()).unwrap(), None);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].severity, Severity::Warning);
        assert_eq!(
            problems[0].to_string(),
            "values-dev.yaml: is not there, dev has the chart's defaults only"
        );
    }
}

//! `floe-tui validate`: everything that can be said without helm and without a cluster.

use serde_json::json;

use super::args::{Global, Validate};
use super::setup::{Setup, redactor_of};
use super::{FAILED, OK, out};
use crate::base::redact::Redactor;
use crate::base::{Error, KeyPath, Problem, Result, Severity};
use crate::workspace::{self, Workspace};

pub(super) fn run(global: Global, args: &Validate) -> Result<u8> {
    // What is wrong with the settings is told too.
    Setup::new(global)?;
    let workspace = workspace::discover(&args.dir)?;
    if workspace.charts.is_empty() && workspace.broken.is_empty() {
        return Err(Error::new("there is no chart here")
            .at(args.dir.display().to_string())
            .next("name a chart's folder, or one that holds charts"));
    }
    let mut problems = workspace::validate(&workspace, args.env.as_deref());
    hide(&workspace, &mut problems);
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let warnings = problems.len() - errors;
    if args.json {
        out::json(
            &json!({"valid": errors == 0, "problems": problems, "errors": errors, "warnings": warnings}),
        );
    } else {
        for problem in &problems {
            out::line(&words(problem));
        }
        out::line(&summary(&workspace, args.env.as_deref(), errors, warnings));
    }
    Ok(if errors > 0 { FAILED } else { OK })
}

/// As compilers write it, so that editors find the place: `values-prod.yaml:12: a.b: must be at least 1`.
pub(super) fn words(problem: &Problem) -> String {
    let mut words = String::new();
    if let Some(file) = &problem.file {
        words.push_str(&file.display().to_string());
        if let Some(line) = problem.line {
            words.push_str(&format!(":{line}"));
        }
        words.push_str(": ");
    }
    if problem.severity == Severity::Warning {
        words.push_str("warning: ");
    }
    if !problem.key.is_empty() {
        words.push_str(&format!("{}: ", problem.key));
    }
    words.push_str(&problem.message);
    if let Some(environment) = &problem.environment
        && !words.contains(environment.as_str())
    {
        words.push_str(&format!(" (in {environment})"));
    }
    words
}

fn summary(workspace: &Workspace, environment: Option<&str>, errors: usize, warnings: usize) -> String {
    let count = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let charts = count(workspace.charts.len(), "chart");
    let environments = match environment {
        Some(name) => name.to_owned(),
        None => count(workspace.charts.iter().map(|chart| chart.environments.len()).sum(), "environment"),
    };
    let verdict = match (errors, warnings) {
        (0, 0) => "no problems".to_owned(),
        (errors, 0) => count(errors, "error"),
        (0, warnings) => count(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", count(errors, "error"), count(warnings, "warning")),
    };
    format!("{charts}, {environments}: {verdict}")
}

/// What is said of a secret's value must not quote it.
fn hide(workspace: &Workspace, problems: &mut [Problem]) {
    for chart in &workspace.charts {
        let names = Redactor::new().with_paths(chart.schema.secret_paths());
        let is_secret =
            |problem: &Problem| KeyPath::parse(&problem.key).is_some_and(|path| names.is_secret(&path));
        if !problems.iter().any(is_secret) {
            continue;
        }
        let redactor = chart.environments.iter().fold(Redactor::new(), |redactor, environment| {
            redactor_of(chart, &environment.values_files, redactor)
        });
        let redactor = redactor_of(chart, &[], redactor);
        for problem in problems.iter_mut().filter(|problem| is_secret(problem)) {
            problem.message = redactor.text(&problem.message);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_editors_expect() {
        let problem = Problem::error("must be at least 1")
            .at("values-prod.yaml", Some(12))
            .key("a.b")
            .environment("prod");
        assert_eq!(words(&problem), "values-prod.yaml:12: a.b: must be at least 1");
        let problem = Problem::warning("is not there").at("x.yaml", None).environment("qa");
        assert_eq!(words(&problem), "x.yaml: warning: is not there (in qa)");
    }
}

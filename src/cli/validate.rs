//! `floe-tui validate [DIR] [--env E] [--json]`.

use std::path::Path;

use serde::Serialize;

use super::args::ValidateArgs;
use super::{ERROR, OK, context, out};
use crate::base::{Problem, Result, Severity};
use crate::workspace;

#[derive(Serialize)]
struct Report<'p> {
    valid: bool,
    problems: &'p [Problem],
}

pub(super) fn run(args: &ValidateArgs) -> Result<u8> {
    let dir = args.dir.as_deref().unwrap_or(Path::new("."));
    let workspace = context::open(dir)?;
    let mut problems = workspace::validate(&workspace, args.env.as_deref());
    for (folder, error) in &workspace.broken {
        let place = workspace.shown(folder).join("Chart.yaml");
        if !problems.iter().any(|known| known.file.as_ref() == Some(&place)) {
            problems.push(Problem::error(error.to_string()).at(place, None));
        }
    }
    let valid = !problems.iter().any(|problem| problem.severity == Severity::Error);
    if args.json {
        out::json(&Report { valid, problems: &problems })?;
    } else {
        for problem in &problems {
            out::line(&line(problem));
        }
        let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
        let warnings = problems.len() - errors;
        let charts: Vec<&str> = workspace.charts.iter().map(|chart| chart.name.as_str()).collect();
        out::note(&match (errors, warnings) {
            (0, 0) => format!("valid: {}", charts.join(", ")),
            (0, _) => format!("valid, with {warnings} warning{}: {}", plural(warnings), charts.join(", ")),
            _ => format!("{errors} error{}, {warnings} warning{}", plural(errors), plural(warnings)),
        });
    }
    Ok(if valid { OK } else { ERROR })
}

/// `values-prod.yaml:12: dagster.webserver.replicas: must be at least 1`, as compilers write it.
fn line(problem: &Problem) -> String {
    let mut text = String::new();
    if let Some(file) = &problem.file {
        text = file.display().to_string();
        if let Some(line) = problem.line {
            text = format!("{text}:{line}");
        }
        text.push_str(": ");
    }
    if problem.severity == Severity::Warning {
        text.push_str("warning: ");
    }
    if !problem.key.is_empty() {
        text.push_str(&problem.key);
        text.push_str(": ");
    }
    text.push_str(&problem.message);
    text
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_reads_as_compilers_write_it() {
        let problem =
            Problem::error("must be at least 1").at("values-prod.yaml", Some(12)).key("web.replicas");
        assert_eq!(line(&problem), "values-prod.yaml:12: web.replicas: must be at least 1");
        assert_eq!(line(&Problem::warning("odd").at("Chart.yaml", None)), "Chart.yaml: warning: odd");
    }
}

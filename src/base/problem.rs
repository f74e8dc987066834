//! A finding about a file: the thing behind every `file:line: message`, in the rooms and headless alike.

use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// How much a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing; nothing is refused because of it.
    Warning,
    /// Plans are refused while it stands.
    Error,
}

/// One finding. `Display` gives `values-prod.yaml:12 dagster.webserver.replicas: must be at least 1`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct Problem {
    pub severity: Severity,
    /// The file as the user knows it: relative to the chart or workspace.
    pub file: Option<PathBuf>,
    /// Counted from 1.
    pub line: Option<usize>,
    /// The values key, in the notation of `yaml::KeyPath`; empty where there is none.
    pub key: String,
    /// Lower case, no full stop.
    pub message: String,
    /// The logical environment it holds for; `None` for all.
    pub environment: Option<String>,
}

impl Problem {
    /// An error without a place; fill the rest by struct update or the builder methods.
    pub fn error(message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            file: None,
            line: None,
            key: String::new(),
            message: message.into(),
            environment: None,
        }
    }

    /// As [`Problem::error`], as a warning.
    pub fn warning(message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(message) }
    }

    /// Says where.
    #[must_use]
    pub fn at(mut self, file: impl Into<PathBuf>, line: Option<usize>) -> Self {
        self.file = Some(file.into());
        self.line = line;
        self
    }

    /// Says which key.
    #[must_use]
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    /// Says for which environment.
    #[must_use]
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = Some(environment.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        if let Some(file) = &self.file {
            write!(f, "{}", file.display())?;
            if let Some(line) = self.line {
                write!(f, ":{line}")?;
            }
            separator = " ";
        }
        if !self.key.is_empty() {
            write!(f, "{separator}{}", self.key)?;
            separator = " ";
        }
        if separator.is_empty() { write!(f, "{}", self.message) } else { write!(f, ": {}", self.message) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_names_file_line_and_key() {
        let problem = Problem::error("must be at least 1")
            .at("values-prod.yaml", Some(12))
            .key("dagster.webserver.replicas");
        assert_eq!(problem.to_string(), "values-prod.yaml:12 dagster.webserver.replicas: must be at least 1");
        assert_eq!(Problem::error("no chart here").to_string(), "no chart here");
    }
}

//! One error type for everything a user may read: what happened, where, what to do next, and the words of
//! whoever refused (helm, the API server, the operating system), kept unchanged below ours.

use std::fmt;

/// What every fallible function of this crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A failure told to the user. Cheap to clone, so that it can live in the state and on several screens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// What happened, one sentence without a full stop, starting in lower case.
    pub what: String,
    /// Where: a file with its line, a key, an object, a context.
    pub place: Option<String>,
    /// What the user can do next, one sentence.
    pub next: Option<String>,
    /// The words of the program or server that refused, unchanged (already neutralised and redacted).
    pub cause: Option<String>,
}

impl Error {
    /// An error that says only what happened; add the rest with the builder methods.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), place: None, next: None, cause: None }
    }

    /// Says where: `values-prod.yaml:12`, `Deployment floe-dev/web`, `context nonprod-admin`.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// Says what to do next.
    #[must_use]
    pub fn next(mut self, next: impl Into<String>) -> Self {
        self.next = Some(next.into());
        self
    }

    /// Keeps the words of whoever refused.
    #[must_use]
    pub fn because(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// The lines for a dialog or a log: what and where, then the cause, then what to do.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![self.headline()];
        if let Some(cause) = &self.cause {
            lines.extend(cause.lines().map(|line| format!("  {line}")));
        }
        if let Some(next) = &self.next {
            lines.push(format!("→ {next}"));
        }
        lines
    }

    /// What and where on one line.
    pub fn headline(&self) -> String {
        match &self.place {
            Some(place) => format!("{place}: {}", self.what),
            None => self.what.clone(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.lines().join("\n"))
    }
}

impl std::error::Error for Error {}

/// Adds our words to somebody else's error.
pub trait Context<T> {
    /// Says what we were doing when it failed.
    fn context(self, what: impl Into<String>) -> Result<T>;
    /// Says what we were doing and where.
    fn context_at(self, what: impl Into<String>, place: impl fmt::Display) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl Into<String>) -> Result<T> {
        self.map_err(|cause| Error::new(what).because(cause))
    }

    fn context_at(self, what: impl Into<String>, place: impl fmt::Display) -> Result<T> {
        self.map_err(|cause| Error::new(what).at(place.to_string()).because(cause))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_top_down() {
        let error =
            Error::new("cannot save").at("values.yaml").because("read-only file system").next("save a copy");
        assert_eq!(error.to_string(), "values.yaml: cannot save\n  read-only file system\n→ save a copy");
    }
}

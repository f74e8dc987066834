//! Go's template errors: one line that names template, line, column and node, and inside it the error of the template
//! that was called, and so on. Helm 3 prints the line, helm 4 takes it apart again and prints a line for each level,
//! so the levels are kept.

use std::fmt;

/// What kind of failure the outermost level is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// Go's `ExecError`: it happened while a template ran.
    Execution,
    /// Anything else: no such template, a parse error.
    Other,
    /// One of our own limits; not an error of helm's.
    Limit,
}

/// A failure of a template. Its text is the concatenation of its levels, so a deep chain stays small.
#[derive(Debug, Clone)]
pub struct Fault {
    kind: FaultKind,
    /// Outermost last: each what it says before the level inside it.
    levels: Vec<String>,
}

impl Fault {
    /// A failure that is its own words.
    pub fn other(words: impl Into<String>) -> Self {
        Self { kind: FaultKind::Other, levels: vec![words.into()] }
    }

    /// A failure of a running template.
    pub fn execution(words: impl Into<String>) -> Self {
        Self { kind: FaultKind::Execution, levels: vec![words.into()] }
    }

    /// A limit of ours.
    pub fn limit(words: impl Into<String>) -> Self {
        Self { kind: FaultKind::Limit, levels: vec![words.into()] }
    }

    /// The same failure with a level around it.
    #[must_use]
    pub fn inside(mut self, kind: FaultKind, words: impl Into<String>) -> Self {
        if !self.is_limit() {
            self.kind = kind;
        }
        self.levels.push(words.into());
        self
    }

    pub fn is_limit(&self) -> bool {
        self.kind == FaultKind::Limit
    }

    pub fn kind(&self) -> FaultKind {
        self.kind
    }

    /// The texts of the levels as `errors.Unwrap` gives them, outermost first. Wrapped errors whose text is the same
    /// are given once.
    pub fn chain(&self) -> Vec<String> {
        let mut texts: Vec<String> = Vec::with_capacity(self.levels.len());
        for words in &self.levels {
            let inner = texts.last().map_or("", String::as_str);
            texts.push(format!("{words}{inner}"));
        }
        texts.reverse();
        texts
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.levels.iter().rev().try_for_each(|words| f.write_str(words))
    }
}

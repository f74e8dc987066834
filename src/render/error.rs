//! Why a rendering failed: helm's words unchanged, and the template lines that they name. The four shapes below
//! were printed by helm 3.21.4 and 4.2.4.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

use crate::base::Error;

/// A line of a template that helm's words name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct TemplatePlace {
    /// As helm names it: the chart's name, then the path inside the chart (`floe/templates/web.yaml`).
    pub file: PathBuf,
    /// Counted from 1; `None` when helm names only the file (the output was no YAML).
    pub line: Option<usize>,
    /// Counted from 1.
    pub column: Option<usize>,
}

impl TemplatePlace {
    /// The path inside the chart: without the chart's name in front.
    pub fn in_chart(&self) -> &Path {
        let mut parts = self.file.components();
        parts.next();
        parts.as_path()
    }
}

impl fmt::Display for TemplatePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        if let Some(column) = self.column {
            write!(f, ":{column}")?;
        }
        Ok(())
    }
}

/// A failed rendering.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenderError {
    /// What is shown: our sentence, the place, helm's words.
    pub error: Error,
    /// The template lines that helm names, outermost first; the last one is where it broke.
    pub places: Vec<TemplatePlace>,
    /// Helm looked at the chart and said no, instead of not getting that far.
    pub refused: bool,
}

impl RenderError {
    /// A failure that is not about the chart: no helm, time-out, a file that cannot be read.
    pub fn other(error: Error) -> Self {
        Self { error, places: Vec::new(), refused: false }
    }

    /// Reads helm's words (its standard error, already redacted and neutralised).
    pub fn from_helm(words: &str) -> Self {
        let places = places(words);
        let kept = words.trim();
        let kept = kept.strip_suffix("Use --debug flag to render out invalid YAML").unwrap_or(kept).trim();
        let mut error = Error::new(headline(kept)).because(kept);
        if let Some(place) = places.last() {
            error = error.at(place.to_string());
        }
        Self { error, places, refused: words.contains("Error: ") }
    }

    /// Where it broke, if helm named a template.
    pub fn place(&self) -> Option<&TemplatePlace> {
        self.places.last()
    }
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for RenderError {}

impl From<RenderError> for Error {
    fn from(error: RenderError) -> Self {
        error.error
    }
}

impl From<Error> for RenderError {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

fn headline(words: &str) -> &'static str {
    let lower = words.to_ascii_lowercase();
    if lower.contains("parse error at (") {
        "the template cannot be parsed"
    } else if lower.contains("yaml parse error on") || lower.contains("error converting yaml to json") {
        "the template's output is not YAML"
    } else if lower.contains("values don't meet the specifications of the schema") {
        "the values do not fit the chart's schema"
    } else if lower.contains("missing in charts/") {
        "a dependency is not built"
    } else {
        "the chart does not render"
    }
}

/// All template lines in helm's words, in order, without repeats.
fn places(words: &str) -> Vec<TemplatePlace> {
    // A path below templates/ (also of a subchart), then `:line` and `:column` where helm knows them.
    static PLACE: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r#"([A-Za-z0-9_.\-]+(?:/[^\s:/()"<>]+)*?/templates/[^\s:()"<>]+)(?::(\d+))?(?::(\d+))?"#)
            .ok()
    });
    let Some(pattern) = PLACE.as_ref() else { return Vec::new() };
    let mut found: Vec<TemplatePlace> = Vec::new();
    for hit in pattern.captures_iter(words) {
        let number = |group| hit.get(group).and_then(|digits| digits.as_str().parse().ok());
        let place = TemplatePlace { file: PathBuf::from(&hit[1]), line: number(2), column: number(3) };
        // `executing "x/templates/y.yaml"` repeats the file without its line.
        let known =
            found.iter().any(|other| other == &place || (place.line.is_none() && other.file == place.file));
        if !known {
            found.push(place);
        }
    }
    found
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn place_of(words: &str) -> String {
        RenderError::from_helm(words).place().unwrap().to_string()
    }

    #[test]
    fn helm_names_the_template_in_four_shapes() {
        assert_eq!(
            place_of(
                "Error: template: demo/templates/bad.yaml:6:8: executing \"demo/templates/bad.yaml\" at <include \"nope\" .>: error calling include: template: no template \"nope\""
            ),
            "demo/templates/bad.yaml:6:8"
        );
        assert_eq!(
            place_of(
                "Error: demo/templates/bad.yaml:6:15\n  executing \"demo/templates/bad.yaml\" at <.Values.a>:"
            ),
            "demo/templates/bad.yaml:6:15"
        );
        assert_eq!(
            place_of("Error: parse error at (demo/templates/bad.yaml:6): unexpected \"}\" in if"),
            "demo/templates/bad.yaml:6"
        );
        assert_eq!(
            place_of(
                "Error: YAML parse error on demo/templates/bad.yaml: error converting YAML to JSON: yaml: line 6: x"
            ),
            "demo/templates/bad.yaml"
        );
    }

    #[test]
    fn the_innermost_place_counts_and_subcharts_keep_their_path() {
        let error = RenderError::from_helm(
            "Error: template: up/templates/a.yaml:3:4: executing \"up/templates/a.yaml\" at <include \"x\" .>: error calling include: template: up/charts/sub/templates/_h.tpl:9:2: executing",
        );
        assert_eq!(error.places.len(), 2);
        assert_eq!(error.place().unwrap().in_chart(), Path::new("charts/sub/templates/_h.tpl"));
        assert_eq!(error.error.place.as_deref(), Some("up/charts/sub/templates/_h.tpl:9:2"));
    }

    #[test]
    fn helms_words_stay() {
        let error = RenderError::from_helm(
            "Error: execution error at (d/templates/b.yaml:6:8): boom\n\nUse --debug flag to render out invalid YAML\n",
        );
        assert_eq!(
            error.error.cause.as_deref(),
            Some("Error: execution error at (d/templates/b.yaml:6:8): boom")
        );
        assert!(RenderError::from_helm("Error: no such file").place().is_none());
    }
}

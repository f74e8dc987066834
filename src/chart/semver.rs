//! Versions and constraints as Helm's own library for them reads them: `v1.2` is a version, `>=1.2 <2 || ~3` a
//! constraint, and a prerelease is met only by a constraint that names one. Used for dependencies, `kubeVersion` and
//! the templates' `semverCompare`.

use std::cmp::Ordering;
use std::fmt;
use std::sync::LazyLock;

use regex::{Captures, Regex};

/// Longer texts are refused, as the library does.
const LONGEST_VERSION: usize = 256;
const LONGEST_CONSTRAINT: usize = 512;
const MOST_ALTERNATIVES: usize = 32;

/// The shape of a version inside a constraint: parts may be wildcards.
const PARTIAL: &str = r"v?([0-9|xX*]+)(\.[0-9|xX*]+)?(\.[0-9|xX*]+)?(-(?:[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?(\+(?:[0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?";
const OPERATORS: &str = r"=||!=|>|<|>=|=>|<=|=<|~|~>|\^";

fn pattern(text: &str) -> Option<Regex> {
    Regex::new(text).ok()
}

static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(
        r"^v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?(?:\+([0-9A-Za-z\-]+(?:\.[0-9A-Za-z\-]+)*))?$",
    )
});
static RANGE: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(&format!(r"\s*({PARTIAL})\s+-\s+({PARTIAL})\s*")));
static ALTERNATIVE: LazyLock<Option<Regex>> = LazyLock::new(|| {
    pattern(&format!(
        r"^(?:\s*(?:{OPERATORS})\s*(?:{PARTIAL})\s*)(?:(?:\s+|,\s*)(?:{OPERATORS})\s*(?:{PARTIAL})\s*)*$"
    ))
});
/// Longest operators first: the alternation above would stop at `>` of `>=`.
static TERM: LazyLock<Option<Regex>> =
    LazyLock::new(|| pattern(&format!(r"(!=|>=|=>|<=|=<|~>|=|>|<|~|\^|)\s*({PARTIAL})")));

/// Releases of the library that read or say something differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum Library {
    /// 3.2 and 3.3: every term of an alternative must name a prerelease for one to meet it; errors begin with a capital.
    V3_2,
    /// 3.4: one term of an alternative is enough.
    V3_4,
    /// 3.5: limits on lengths, and constraints in errors are quoted.
    #[default]
    V3_5,
}

impl Library {
    /// Words that 3.4 began to write small.
    fn words(self, large: &'static str, small: &'static str) -> &'static str {
        if self == Self::V3_2 { large } else { small }
    }
}

/// A version; `v1.2` counts as 1.2.0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub major: u64,
    pub minor: u64,
    pub patch: u64,
    /// After the `-`; empty when there is none.
    pub prerelease: String,
    /// After the `+`; empty when there is none.
    pub metadata: String,
    /// As it was written.
    pub original: String,
}

impl Version {
    /// Reads a version.
    ///
    /// # Errors
    /// The library's words: `invalid semantic version`, …
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::parse_by(Library::default(), text)
    }

    /// As [`Version::parse`], by a release of the library.
    ///
    /// # Errors
    /// As [`Version::parse`].
    pub fn parse_by(library: Library, text: &str) -> Result<Self, String> {
        if text.len() > LONGEST_VERSION && library >= Library::V3_5 {
            return Err(format!("version string is too long (max {LONGEST_VERSION} bytes)"));
        }
        let found = VERSION.as_ref().and_then(|pattern| pattern.captures(text));
        let parts =
            found.ok_or_else(|| library.words("Invalid Semantic Version", "invalid semantic version"))?;
        let number = |index: usize| {
            let digits = parts.get(index).map_or("0", |part| part.as_str());
            digits.parse::<u64>().map_err(|_| {
                let lead = library.words("Error parsing version segment", "error parsing version segment");
                format!("{lead}: strconv.ParseUint: parsing \"{digits}\": value out of range")
            })
        };
        let words = |index: usize| parts.get(index).map_or("", |part| part.as_str()).to_owned();
        let version = Self {
            major: number(1)?,
            minor: number(2)?,
            patch: number(3)?,
            prerelease: words(4),
            metadata: words(5),
            original: text.to_owned(),
        };
        let leads_with_zero =
            |part: &str| part.len() > 1 && part.starts_with('0') && part.bytes().all(|b| b.is_ascii_digit());
        if version.prerelease.split('.').any(leads_with_zero) {
            return Err(library
                .words("Version segment starts with 0", "version segment starts with 0")
                .to_owned());
        }
        Ok(version)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.prerelease.is_empty() {
            write!(f, "-{}", self.prerelease)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.precedence(other))
    }
}

impl Version {
    /// Semantic versioning's order: metadata does not count.
    pub fn precedence(&self, other: &Self) -> Ordering {
        (self.major, self.minor, self.patch)
            .cmp(&(other.major, other.minor, other.patch))
            .then_with(|| compare_prereleases(&self.prerelease, &other.prerelease))
    }
}

fn compare_prereleases(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order != Ordering::Equal {
            return order;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// No operator or `=`: exact, or as tilde when parts are missing.
    Equal,
    Not,
    Greater,
    Less,
    AtLeast,
    AtMost,
    Tilde,
    Caret,
}

/// How much of a version a term leaves open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Patch,
    Minor,
    /// `*`
    All,
}

#[derive(Debug, Clone)]
struct Term {
    operator: Operator,
    version: Version,
    open: Open,
}

/// A constraint: alternatives of terms that must all hold.
#[derive(Debug, Clone)]
pub struct Constraint {
    alternatives: Vec<Vec<Term>>,
    library: Library,
}

impl Constraint {
    /// Reads a constraint; an empty one is met by every release.
    ///
    /// # Errors
    /// The library's words: `improper constraint: "…"`.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::parse_by(Library::default(), text)
    }

    /// As [`Constraint::parse`], by a release of the library.
    ///
    /// # Errors
    /// As [`Constraint::parse`].
    pub fn parse_by(library: Library, text: &str) -> Result<Self, String> {
        let is_limited = library >= Library::V3_5;
        if is_limited && text.len() > LONGEST_CONSTRAINT {
            return Err(format!("constraint string is too long (max {LONGEST_CONSTRAINT} bytes)"));
        }
        let text = with_ranges_as_terms(text);
        let parts: Vec<&str> = text.split("||").collect();
        if is_limited && parts.len() > MOST_ALTERNATIVES {
            return Err(format!("too many constraint groups (max {MOST_ALTERNATIVES})"));
        }
        let alternatives =
            parts.into_iter().map(|part| alternative(library, part)).collect::<Result<_, _>>()?;
        Ok(Self { alternatives, library })
    }

    /// Whether a version meets it.
    pub fn check(&self, version: &Version) -> bool {
        let is_release = version.prerelease.is_empty();
        self.alternatives.iter().any(|terms| {
            let names_one = terms.iter().any(Term::names_a_prerelease);
            terms.iter().all(|term| {
                let is_heard = is_release
                    || if self.library >= Library::V3_4 {
                        names_one
                    } else {
                        // `!=` of a whole version never looked.
                        term.names_a_prerelease()
                            || (term.operator == Operator::Not && term.open == Open::Nothing)
                    };
                is_heard && term.check(version)
            })
        })
    }
}

/// `1.2 - 1.4` means `>= 1.2, <= 1.4`.
fn with_ranges_as_terms(text: &str) -> String {
    match RANGE.as_ref() {
        Some(range) => range
            .replace_all(text, |found: &Captures<'_>| {
                let part = |index: usize| found.get(index).map_or("", |part| part.as_str());
                format!(">= {}, <= {} ", part(1), part(7))
            })
            .into_owned(),
        None => text.to_owned(),
    }
}

fn alternative(library: Library, text: &str) -> Result<Vec<Term>, String> {
    let improper = || {
        if library >= Library::V3_5 {
            format!("improper constraint: {text:?}")
        } else {
            format!("improper constraint: {text}")
        }
    };
    if text.is_empty() {
        let version = Version::parse("0.0.0")?;
        return Ok(vec![Term { operator: Operator::Equal, version, open: Open::All }]);
    }
    if !ALTERNATIVE.as_ref().is_some_and(|pattern| pattern.is_match(text)) {
        return Err(improper());
    }
    let terms = TERM.as_ref().ok_or_else(improper)?;
    terms.captures_iter(text).map(|found| term(library, &found)).collect()
}

fn term(library: Library, found: &Captures<'_>) -> Result<Term, String> {
    let part = |index: usize| found.get(index).map_or("", |part| part.as_str());
    let is_open = |part: &str| matches!(part.trim_start_matches('.'), "" | "x" | "X" | "*");
    let operator = match part(1) {
        "!=" => Operator::Not,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        ">=" | "=>" => Operator::AtLeast,
        "<=" | "=<" => Operator::AtMost,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => Operator::Equal,
    };
    let (major, minor, patch, prerelease) = (part(3), part(4), part(5), part(6));
    let (text, open) = if is_open(major) {
        (format!("0.0.0{prerelease}"), Open::All)
    } else if is_open(minor) {
        (format!("{major}.0.0{prerelease}"), Open::Minor)
    } else if is_open(patch) {
        (format!("{major}{minor}.0{prerelease}"), Open::Patch)
    } else {
        (part(2).to_owned(), Open::Nothing)
    };
    let failed = |_| library.words("constraint Parser Error", "constraint parser error");
    let version = Version::parse_by(library, &text).map_err(failed)?;
    Ok(Term { operator, version, open })
}

impl Term {
    fn names_a_prerelease(&self) -> bool {
        !self.version.prerelease.is_empty()
    }

    fn check(&self, version: &Version) -> bool {
        let order = version.precedence(&self.version);
        match self.operator {
            Operator::Equal if self.open == Open::Nothing => order.is_eq(),
            Operator::Equal | Operator::Tilde => self.tilde(version),
            Operator::Not => !self.covers(version),
            Operator::Less => order.is_lt(),
            Operator::AtLeast => order.is_ge(),
            Operator::Greater => match self.open {
                Open::Nothing | Open::All => order.is_gt(),
                Open::Minor => version.major > self.version.major,
                Open::Patch => (version.major, version.minor) > (self.version.major, self.version.minor),
            },
            Operator::AtMost => match self.open {
                Open::Nothing => order.is_le(),
                Open::Minor => version.major <= self.version.major,
                Open::Patch | Open::All => {
                    (version.major, version.minor) <= (self.version.major, self.version.minor)
                }
            },
            Operator::Caret => order.is_ge() && self.caret(version),
        }
    }

    /// At least the version, and no higher than its last given part allows.
    fn tilde(&self, version: &Version) -> bool {
        let base = &self.version;
        if version.precedence(base).is_lt() {
            return false;
        }
        // `~0.0.0` and `*` are met by everything.
        if (base.major, base.minor, base.patch) == (0, 0, 0)
            && !matches!(self.open, Open::Minor | Open::Patch)
        {
            return true;
        }
        version.major == base.major && (version.minor == base.minor || self.open == Open::Minor)
    }

    /// Not past the first part that is not zero.
    fn caret(&self, version: &Version) -> bool {
        let base = &self.version;
        if base.major > 0 || self.open == Open::Minor {
            return version.major == base.major;
        }
        if version.major > 0 {
            return false;
        }
        if base.minor > 0 || self.open == Open::Patch {
            return version.minor == base.minor;
        }
        version.minor == 0 && version.patch == base.patch
    }

    /// What `!=` excludes.
    fn covers(&self, version: &Version) -> bool {
        let base = &self.version;
        match self.open {
            Open::Nothing | Open::All => version.precedence(base).is_eq(),
            Open::Minor => version.major == base.major,
            Open::Patch => {
                (version.major, version.minor) == (base.major, base.minor)
                    && compare_prereleases(&version.prerelease, &base.prerelease).is_eq()
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn meets(constraint: &str, version: &str) -> bool {
        Constraint::parse(constraint).unwrap().check(&Version::parse(version).unwrap())
    }

    #[test]
    fn what_meets_a_constraint() {
        for (constraint, yes, no) in [
            ("", "1.2.3", "1.2.3-rc.1"),
            ("*", "4.5.6", "4.5.6-rc.1"),
            ("1.2.3", "v1.2.3", "1.2.4"),
            ("=1.2", "1.2.9", "1.3.0"),
            ("1", "1.9.9", "2.0.0"),
            ("1.x", "1.9.9", "2.0.0"),
            (">=1.25.0-0", "1.30.1-gke.100", "1.24.9"),
            (">= 1.2, < 3.0.0 || >= 4.2.3", "4.2.3", "3.9.0"),
            (">1.2", "1.3.0", "1.2.9"),
            (">11", "12.0.0", "11.1.0"),
            ("<=11", "11.9.0", "12.0.0"),
            ("<=1.1", "1.1.9", "1.2.0"),
            ("!=1.2.x", "1.3.0", "1.2.7"),
            ("!=4", "5.0.0", "4.5.6"),
            ("~1.2.3", "1.2.9", "1.3.0"),
            ("~1", "1.9.0", "2.0.0"),
            ("~>2.0.0", "2.0.9", "2.1.0"),
            ("^1.2.3", "1.9.0", "2.0.0"),
            ("^0.2.3", "0.2.9", "0.3.0"),
            ("^0.0.3", "0.0.3", "0.0.4"),
            ("^0.0", "0.0.9", "0.1.0"),
            ("^0", "0.9.0", "1.0.0"),
            ("1.2 - 1.4.5", "1.4.5", "1.4.6"),
            ("1.2.3-beta.2 - 1.5", "1.2.3-beta.10", "1.2.3-beta.1"),
            ("=>17.5", "17.5.0", "17.4.9"),
        ] {
            assert!(meets(constraint, yes), "{yes} meets {constraint}");
            assert!(!meets(constraint, no), "{no} does not meet {constraint}");
        }
    }

    #[test]
    fn order() {
        let sorted =
            ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2", "1.0.0-beta.11", "1.0.0"];
        for pair in sorted.windows(2) {
            let [a, b] = [0, 1].map(|at| Version::parse(pair[at]).unwrap());
            assert!(a < b, "{a} < {b}");
        }
        assert!(Version::parse("1.0+a").unwrap().precedence(&Version::parse("v1").unwrap()).is_eq());
    }

    #[test]
    fn each_release_in_its_way() {
        let by = |library, constraint: &str| {
            let constraint = Constraint::parse_by(library, constraint).unwrap();
            constraint.check(&Version::parse("1.5.0-rc.1").unwrap())
        };
        for (constraint, before, since) in [
            (">=1.2.0-0 <2.0.0", false, true),
            (">=1.2.0-0 <2.0.0-0", true, true),
            (">=1.2.0", false, false),
            ("!=1.2.0", true, false),
            ("!=1.2", false, false),
        ] {
            assert_eq!(by(Library::V3_2, constraint), before, "{constraint}");
            assert_eq!(by(Library::V3_4, constraint), since, "{constraint}");
        }
        let version = Version::parse_by(Library::V3_2, "one").unwrap_err();
        let constraint = Constraint::parse_by(Library::V3_4, "what").unwrap_err();
        assert_eq!([version, constraint], ["Invalid Semantic Version", "improper constraint: what"]);
        assert!(Constraint::parse_by(Library::V3_4, &"1 ".repeat(300)).is_ok());
    }

    #[test]
    fn what_is_none() {
        assert_eq!(Version::parse("one").unwrap_err(), "invalid semantic version");
        assert_eq!(Version::parse("1.0.0-01").unwrap_err(), "version segment starts with 0");
        assert_eq!(Constraint::parse("what").unwrap_err(), "improper constraint: \"what\"");
        assert!(Constraint::parse(">= 1.2 foo").is_err() && Constraint::parse(&"1 ".repeat(300)).is_err());
        assert_eq!(Version::parse("v1.2").unwrap().to_string(), "1.2.0");
    }
}

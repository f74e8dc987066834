//! `.helmignore` by helm's own rules, which are not git's: the first rule that fits decides, a negated rule ignores
//! everything that it does not fit, a slash inside anchors to the chart's folder, there is no `**`.

use std::path::Path;

#[derive(Debug, Clone)]
struct Rule {
    pattern: Vec<char>,
    negates: bool,
    folders_only: bool,
    /// Against the whole path instead of the name.
    anchored: bool,
}

/// The rules of one file.
#[derive(Debug, Clone, Default)]
pub(super) struct Ignore {
    rules: Vec<Rule>,
}

impl Ignore {
    /// Reads the rules; those that helm refuses are left out.
    pub(super) fn parse(text: &str) -> Self {
        let rules =
            text.trim_start_matches('\u{feff}').lines().filter_map(|line| Self::rule(line).ok().flatten());
        Self { rules: rules.collect() }.with_defaults()
    }

    /// Reads the rules as helm does.
    ///
    /// # Errors
    /// One that helm refuses, in its words.
    pub(super) fn strict(text: &str) -> Result<Self, String> {
        let mut rules = Vec::new();
        for line in text.trim_start_matches('\u{feff}').lines() {
            rules.extend(Self::rule(line)?);
        }
        Ok(Self { rules }.with_defaults())
    }

    /// What helm adds: hidden files among the templates.
    pub(super) fn with_defaults(mut self) -> Self {
        self.rules.extend(Self::rule("templates/.?*").ok().flatten());
        self
    }

    fn rule(line: &str) -> Result<Option<Rule>, String> {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        if line.contains("**") {
            return Err("double-star (**) syntax is not supported".to_owned());
        }
        if !is_pattern(&line.chars().collect::<Vec<_>>()) {
            return Err("syntax error in pattern".to_owned());
        }
        let (negates, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (folders_only, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
        let anchored = line.contains('/');
        let pattern = line.strip_prefix('/').unwrap_or(line).chars().collect();
        Ok(Some(Rule { pattern, negates, folders_only, anchored }))
    }

    /// Whether a file or folder is left out; `inside` is its path in the chart.
    pub(super) fn ignores(&self, inside: &Path, is_folder: bool) -> bool {
        let (Some(whole), Some(name)) = (inside.to_str(), inside.file_name().and_then(|n| n.to_str())) else {
            return false;
        };
        for rule in &self.rules {
            let text: Vec<char> = if rule.anchored { whole.chars() } else { name.chars() }.collect();
            let fits = || matches(&rule.pattern, &text);
            if rule.negates {
                if (rule.folders_only && !is_folder) || !fits() {
                    return true;
                }
            } else if (!rule.folders_only || is_folder) && fits() {
                return true;
            }
        }
        false
    }
}

/// Whether Go's `filepath.Match` takes it.
fn is_pattern(pattern: &[char]) -> bool {
    let mut at = 0;
    while let Some(c) = pattern.get(at) {
        at += 1;
        match c {
            '\\' if at == pattern.len() => return false,
            '\\' => at += 1,
            '[' => match class(pattern, at, '\0') {
                Some((_, end)) => at = end,
                None => return false,
            },
            _ => {}
        }
    }
    true
}

/// Whether a character is in the class that begins after the bracket, and where the class ends.
fn class(pattern: &[char], mut at: usize, c: char) -> Option<(bool, usize)> {
    let negated = pattern.get(at) == Some(&'^');
    at += usize::from(negated);
    let mut found = false;
    let mut count = 0;
    loop {
        if pattern.get(at) == Some(&']') && count > 0 {
            return Some((found != negated, at + 1));
        }
        let one = |at: &mut usize| -> Option<char> {
            match pattern.get(*at)? {
                '-' | ']' => return None,
                '\\' => *at += 1,
                _ => {}
            }
            let c = *pattern.get(*at)?;
            *at += 1;
            pattern.get(*at).map(|_| c)
        };
        let low = one(&mut at)?;
        let high = if pattern.get(at) == Some(&'-') {
            at += 1;
            one(&mut at)?
        } else {
            low
        };
        found |= (low..=high).contains(&c);
        count += 1;
    }
}

/// Go's `filepath.Match`: `*` and `?` do not cross slashes.
fn matches(pattern: &[char], text: &[char]) -> bool {
    let Some(first) = pattern.first() else { return text.is_empty() };
    match first {
        '*' => {
            let rest = pattern.get(1..).unwrap_or_default();
            let end = text.iter().position(|c| *c == '/').unwrap_or(text.len());
            (0..=end).any(|skip| matches(rest, text.get(skip..).unwrap_or_default()))
        }
        '[' => match text.first() {
            Some(c) if *c != '/' => class(pattern, 1, *c).is_some_and(|(fits, end)| {
                fits && matches(pattern.get(end..).unwrap_or_default(), text.get(1..).unwrap_or_default())
            }),
            _ => false,
        },
        _ => {
            let (wanted, length) = match first {
                '?' => (None, 1),
                '\\' => (pattern.get(1).copied(), 2),
                c => (Some(*c), 1),
            };
            let fits = text.first().is_some_and(|c| wanted.map_or(*c != '/', |wanted| wanted == *c));
            fits && matches(pattern.get(length..).unwrap_or_default(), text.get(1..).unwrap_or_default())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_that_fits_decides() {
        let ignore = Ignore::parse("# comment\n*.md\ntests/\n/ci/*.yaml\n[ab]?.txt\nx\\*y\n");
        let table = [
            ("NOTES.md", false, true),
            ("docs/README.md", false, true),
            ("tests", true, true),
            ("tests", false, false),
            ("ci/a.yaml", false, true),
            ("templates/ci/a.yaml", false, false),
            ("b1.txt", false, true),
            ("c1.txt", false, false),
            ("x*y", false, true),
            ("xay", false, false),
            ("templates/.hidden", false, true),
            ("templates/.dir", true, true),
            (".hidden", false, false),
        ];
        for (path, folder, expected) in table {
            assert_eq!(ignore.ignores(Path::new(path), folder), expected, "{path}");
        }
    }

    #[test]
    fn a_rule_that_takes_back_ignores_everything_else() {
        let ignore = Ignore::parse("!*.yaml\n");
        assert!(ignore.ignores(Path::new("x.txt"), false));
        assert!(!ignore.ignores(Path::new("a.yaml"), false));
        for bad in ["a/**/b", "a[", "[]a]", "a\\"] {
            assert!(Ignore::strict(bad).is_err(), "{bad}");
        }
    }
}

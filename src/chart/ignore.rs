//! `.helmignore`: shell patterns, one a line, `!` takes back, a slash at the end means folders, a slash inside
//! anchors to the chart's folder. Helm has no `**`.

use std::path::Path;

use regex::Regex;

#[derive(Debug, Clone)]
struct Rule {
    pattern: Regex,
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
    pub(super) fn parse(text: &str) -> Self {
        let rules = text
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .filter_map(|line| {
                let (negates, line) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
                let (folders_only, line) = line.strip_suffix('/').map_or((false, line), |rest| (true, rest));
                let anchored = line.contains('/');
                let pattern = glob(line.trim_start_matches('/'))?;
                Some(Rule { pattern, negates, folders_only, anchored })
            })
            .collect();
        Self { rules }
    }

    /// The last rule that fits decides.
    pub(super) fn ignores(&self, inside: &Path, is_folder: bool) -> bool {
        let (Some(whole), Some(name)) = (inside.to_str(), inside.file_name().and_then(|n| n.to_str())) else {
            return false;
        };
        let fits = |rule: &&Rule| {
            (!rule.folders_only || is_folder)
                && rule.pattern.is_match(if rule.anchored { whole } else { name })
        };
        self.rules.iter().rev().find(fits).is_some_and(|rule| !rule.negates)
    }
}

fn glob(pattern: &str) -> Option<Regex> {
    let mut text = String::from("^");
    for c in pattern.chars() {
        match c {
            '*' => text.push_str("[^/]*"),
            '?' => text.push_str("[^/]"),
            '[' | ']' => text.push(c),
            c => text.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    text.push('$');
    Regex::new(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_that_fits_decides() {
        let ignore = Ignore::parse("# comment\n*.md\n!README.md\ntests/\n/ci/*.yaml\n");
        let table = [
            ("NOTES.md", false, true),
            ("README.md", false, false),
            ("tests", true, true),
            ("tests", false, false),
            ("ci/a.yaml", false, true),
            ("templates/ci/a.yaml", false, false),
        ];
        for (path, folder, expected) in table {
            assert_eq!(ignore.ignores(Path::new(path), folder), expected, "{path}");
        }
    }
}

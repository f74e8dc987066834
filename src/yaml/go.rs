//! What go-yaml says about text that is no YAML: our reader finds the same faults, in other words and with other
//! ways to count lines.

use super::YamlError;

impl YamlError {
    /// As helm prints it: `yaml: line 3: did not find expected key`.
    pub fn in_go_words(&self, text: &str) -> String {
        let (line, words) = self.translated(text);
        match line {
            0 => format!("yaml: {words}"),
            line => format!("yaml: line {line}: {words}"),
        }
    }

    /// The line as go-yaml counts it, 0 for none, and its words. Its scanner names the line it is on, its parser the
    /// line before; neither knows the first.
    fn translated(&self, text: &str) -> (usize, String) {
        let ours = self.message.as_str();
        let scanner = if self.line > 1 { self.line } else { 0 };
        let parser = self.line.saturating_sub(1);
        let has = |part: &str| ours.contains(part);
        let breaks = text.matches('\n').count();
        let is_control = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
        if text.contains(is_control) {
            return (0, "control characters are not allowed".to_owned());
        }
        if has("unclosed bracket") {
            let close = if has("'['") { ']' } else { '}' };
            let last = text.trim_end().chars().next_back().unwrap_or(' ');
            let words = if matches!(last, '[' | '{' | ',' | ':') {
                "did not find expected node content".to_owned()
            } else {
                format!("did not find expected ',' or '{close}'")
            };
            // The end is a line of its own.
            return (text.lines().count(), words);
        }
        if has("unclosed quote") || (has("quoted scalar") && !has("trailing content")) {
            return (if breaks == 0 { 0 } else { breaks + 1 }, "found unexpected end of stream".to_owned());
        }
        if has("unknown anchor") {
            let line = text.lines().nth(self.line.saturating_sub(1)).unwrap_or_default();
            let rest: String = line.chars().skip(self.column.saturating_sub(1)).collect();
            let is_name = |c: &char| c.is_ascii_alphanumeric() || *c == '_' || *c == '-';
            let name: String = rest.trim_start_matches('*').chars().take_while(is_name).collect();
            return (0, format!("unknown anchor '{name}' referenced"));
        }
        if let Some((value, wanted)) = ours.split_once(" is not ") {
            let tag = match wanted {
                "null" => "null",
                "a boolean" => "bool",
                "an integer" => "int",
                "a number" => "float",
                _ => return (scanner, ours.to_owned()),
            };
            return (0, format!("cannot decode !!str {value} as a !!{tag}"));
        }
        for (part, line, words) in [
            ("mapping values are not allowed", scanner, "mapping values are not allowed in this context"),
            ("simple key expected", self.line + 1, "could not find expected ':'"),
            ("did not find expected key", parser, "did not find expected key"),
            ("trailing content", parser, "did not find expected key"),
            ("misplaced bracket", parser, "did not find expected key"),
            ("comment or line break", scanner, "did not find expected comment or line break"),
            ("unexpected character", scanner, "found character that cannot start any token"),
            ("tabs disallowed", scanner, "found character that cannot start any token"),
            (
                "block sequence entries are not allowed",
                scanner,
                "block sequence entries are not allowed in this context",
            ),
        ] {
            if has(part) {
                return (line, words.to_owned());
            }
        }
        (scanner, ours.to_owned())
    }
}

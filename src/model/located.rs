//! Configuration with the line of every key, so that a wrong value can be pointed at. TOML is read leniently: what
//! can be understood is used, the rest is reported.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::base::Problem;
use crate::yaml::{KeyPath, Parsed, Spans};

/// A document with the line of every key.
#[derive(Debug, Clone, Default)]
pub struct Located {
    /// As the user knows the file.
    pub file: PathBuf,
    /// The document; an empty map when it could not be read at all.
    pub value: Value,
    /// What is wrong with the document as such, and what [`Located`]'s readers found wrong.
    pub problems: Vec<Problem>,
    lines: Lines,
}

#[derive(Debug, Clone)]
enum Lines {
    Toml(HashMap<KeyPath, usize>),
    Yaml(Box<Spans>),
}

impl Default for Lines {
    fn default() -> Self {
        Self::Toml(HashMap::new())
    }
}

impl Located {
    /// Reads TOML; syntax errors become warnings with their line, and what stands around them is still used.
    pub fn toml(file: &Path, text: &str) -> Self {
        let (table, errors) = DeTable::parse_recoverable(text);
        let starts: Vec<usize> =
            std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        let line_of = |at: usize| starts.partition_point(|start| *start <= at);
        let problems = errors
            .iter()
            .map(|error| {
                Problem::warning(format!("not TOML: {}", error.message()))
                    .at(file, error.span().map(|span| line_of(span.start)))
            })
            .collect();
        let mut lines = HashMap::new();
        let value = table_value(table.get_ref(), &KeyPath::root(), &line_of, &mut lines);
        Self { file: file.to_owned(), value, problems, lines: Lines::Toml(lines) }
    }

    /// A YAML document that was already read.
    pub fn yaml(file: &Path, parsed: Parsed) -> Self {
        Self {
            file: file.to_owned(),
            value: parsed.value,
            problems: Vec::new(),
            lines: Lines::Yaml(Box::new(parsed.spans)),
        }
    }

    /// The line of a key, or of the nearest key above it.
    pub fn line(&self, path: &KeyPath) -> Option<usize> {
        let mut path = path.clone();
        loop {
            let line = match &self.lines {
                Lines::Toml(lines) => lines.get(&path).copied(),
                Lines::Yaml(spans) => spans.line(&path),
            };
            if line.is_some() {
                return line;
            }
            path = path.parent()?;
        }
    }

    /// Puts a place on a problem.
    pub fn place(&self, problem: Problem, path: &KeyPath) -> Problem {
        problem.at(&self.file, self.line(path)).key(path.to_string())
    }

    /// Notes a warning about a key.
    pub fn warn(&mut self, path: &KeyPath, message: impl Into<String>) {
        let problem = self.place(Problem::warning(message), path);
        self.problems.push(problem);
    }

    /// The map at a path; a warning when something else stands there.
    pub fn map(&mut self, path: &KeyPath) -> Map<String, Value> {
        match path.get(&self.value) {
            None => Map::new(),
            Some(Value::Object(map)) => map.clone(),
            Some(_) => {
                self.warn(path, "must be a table");
                Map::new()
            }
        }
    }

    /// The text at a path; a warning when something else stands there, or nothing between the quotes.
    pub fn text(&mut self, path: &KeyPath) -> Option<String> {
        match path.get(&self.value)? {
            Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
            Value::String(_) => {
                self.warn(path, "must not be empty");
                None
            }
            _ => {
                self.warn(path, "must be text in quotes");
                None
            }
        }
    }

    /// The switch at a path; a warning when something else stands there.
    pub fn switch(&mut self, path: &KeyPath) -> Option<bool> {
        if let Value::Bool(set) = path.get(&self.value)? {
            return Some(*set);
        }
        self.warn(path, "must be true or false");
        None
    }

    /// One text or a list of texts; a warning for everything else.
    pub fn texts(&mut self, path: &KeyPath) -> Option<Vec<String>> {
        let texts = match path.get(&self.value)? {
            Value::String(text) => Some(vec![text.clone()]),
            Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
            _ => None,
        };
        if texts.is_none() {
            self.warn(path, "must be a list of texts in quotes");
        }
        texts
    }

    /// Warns about every key of a map that is not known.
    pub fn only(&mut self, path: &KeyPath, known: &[&str]) {
        for key in self.map(path).keys().filter(|key| !known.contains(&key.as_str())) {
            self.warn(&path.key(key), format!("unknown key, known are {}", known.join(", ")));
        }
    }
}

/// Converts a table, keys in the order of the file.
fn table_value(
    table: &DeTable<'_>,
    path: &KeyPath,
    line_of: &dyn Fn(usize) -> usize,
    lines: &mut HashMap<KeyPath, usize>,
) -> Value {
    let mut entries: BTreeMap<usize, (&str, &Spanned<DeValue<'_>>)> = BTreeMap::new();
    for (key, value) in table {
        entries.insert(key.span().start, (key.get_ref(), value));
    }
    let mut map = Map::new();
    for (at, (key, value)) in entries {
        let path = path.key(key);
        lines.insert(path.clone(), line_of(at));
        map.insert(key.to_owned(), any_value(value, &path, line_of, lines));
    }
    Value::Object(map)
}

fn any_value(
    value: &Spanned<DeValue<'_>>,
    path: &KeyPath,
    line_of: &dyn Fn(usize) -> usize,
    lines: &mut HashMap<KeyPath, usize>,
) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).map_or(Value::Null, Value::from)
        }
        DeValue::Float(number) => number.as_str().parse::<f64>().map_or(Value::Null, Value::from),
        DeValue::Boolean(set) => Value::Bool(*set),
        DeValue::Datetime(time) => Value::String(time.to_string()),
        DeValue::Array(items) => Value::Array(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    let path = path.index(index);
                    lines.insert(path.clone(), line_of(item.span().start));
                    any_value(item, &path, line_of, lines)
                })
                .collect(),
        ),
        DeValue::Table(table) => table_value(table, path, line_of, lines),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &str = "theme = \"dark\"\nmouse = 3\n\n[clusters]\nb = \"x\"\na = \"y\"\n";

    #[test]
    fn keys_keep_order_and_lines() {
        let located = Located::toml(Path::new("config.toml"), TEXT);
        assert!(located.problems.is_empty());
        let keys: Vec<_> = located.value["clusters"].as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, ["b", "a"]);
        assert_eq!(located.line(&KeyPath::of(["clusters", "a"])), Some(6));
        assert_eq!(located.line(&KeyPath::of(["clusters", "a", "deeper"])), Some(6));
        assert_eq!(located.line(&KeyPath::of(["mouse"])), Some(2));
    }

    #[test]
    fn wrong_types_are_warned_at_their_line() {
        let mut located = Located::toml(Path::new("config.toml"), TEXT);
        assert_eq!(located.switch(&KeyPath::of(["mouse"])), None);
        assert_eq!(located.problems[0].to_string(), "config.toml:2 mouse: must be true or false");
        located.only(&KeyPath::root(), &["theme", "clusters"]);
        assert_eq!(
            located.problems[1].to_string(),
            "config.toml:2 mouse: unknown key, known are theme, clusters"
        );
    }

    #[test]
    fn a_syntax_error_leaves_the_rest_in_use() {
        let located =
            Located::toml(Path::new("c.toml"), "theme = \"dark\"\nmouse = = 1\n[clusters]\na = \"b\"\n");
        assert_eq!(located.value["theme"], "dark");
        assert_eq!(located.value["clusters"]["a"], "b");
        assert_eq!(located.problems[0].line, Some(2));
    }

    proptest! {
        #[test]
        fn any_text_is_answered(text in "([a-c\\[\\]=\"' .\n1]){0,60}") {
            let _ = Located::toml(Path::new("c.toml"), &text);
        }
    }
}

//! Values schemas: a chart's own and those of its subcharts, checked as helm checks them (each chart on its
//! section of the merged values), told in plain words, and described key by key for whoever edits.

pub mod entry;
mod words;

use std::path::PathBuf;

use jsonschema::{Retrieve, Uri, Validator};
use serde_json::{Map, Value};

use crate::base::Problem;
use crate::chart::Chart;
use crate::yaml::{KeyPath, is_same};

pub use entry::{Entry, Kind};
pub use words::nearest;

/// One chart's schema and where its values live in the merge: the root for the chart itself, its name or alias
/// for a subchart.
#[derive(Debug)]
struct Part {
    section: KeyPath,
    schema: Value,
    validator: Validator,
    /// Each key is judged by itself: nothing asks for other keys, or how many there are.
    is_by_key: bool,
}

impl Part {
    fn of(section: KeyPath, schema: Value, validator: Validator) -> Self {
        const BY_KEY: [&str; 9] = [
            "$schema",
            "$id",
            "title",
            "description",
            "type",
            "properties",
            "additionalProperties",
            "$defs",
            "definitions",
        ];
        let is_by_key = schema.as_object().is_some_and(|map| map.keys().all(|key| BY_KEY.contains(&&**key)));
        Self { section, schema, validator, is_by_key }
    }

    /// Whether values fit, where other values perhaps are known to, and which keys perhaps differ.
    fn fits(&self, values: &Value, valid: Option<&Value>, edited: Option<&[KeyPath]>) -> bool {
        let reaches = |path: &KeyPath| path.starts_with(&self.section) || self.section.starts_with(path);
        if valid.is_some() && edited.is_some_and(|edited| !edited.iter().any(reaches)) {
            return true;
        }
        let Some(values) = self.section.get(values) else { return true };
        match (values, valid.and_then(|valid| self.section.get(valid))) {
            (Value::Object(values), Some(Value::Object(valid))) if self.is_by_key => {
                let place = self.section.0.len();
                let leads_to = |path: &KeyPath, key: &str| path.0.get(place).is_none_or(|at| at.is_key(key));
                let is_edited =
                    |key: &str| edited.is_none_or(|edited| edited.iter().any(|path| leads_to(path, key)));
                let is_new = |key: &String, value: &Value| {
                    is_edited(key) && valid.get(key).is_none_or(|valid| !is_same(value, valid))
                };
                let new = values.iter().filter(|(key, value)| is_new(key, value));
                let new: Map<String, Value> = new.map(|(key, value)| (key.clone(), value.clone())).collect();
                new.is_empty() || self.validator.is_valid(&Value::Object(new))
            }
            _ => self.validator.is_valid(values),
        }
    }
}

/// The schemas of a chart and its subcharts, compiled once.
#[derive(Debug, Default)]
pub struct ChartSchema {
    parts: Vec<Part>,
}

/// Where a key is set: the winning file (as the user knows it) and line.
pub type Locate<'a> = dyn Fn(&KeyPath) -> Option<(PathBuf, usize)> + 'a;

/// Schemas of a workspace never fetch anything: what refers elsewhere is said to.
struct Offline;

impl Retrieve for Offline {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Value, Box<dyn std::error::Error + Send + Sync>> {
        Err(format!("{uri} is outside of the chart; schemas here are not fetched").into())
    }
}

impl ChartSchema {
    /// Compiles schema texts, each with its section and the file to name in a problem. A schema that cannot be
    /// used is a problem and checks nothing.
    pub fn compile<'a>(texts: impl IntoIterator<Item = (KeyPath, PathBuf, &'a str)>) -> (Self, Vec<Problem>) {
        let mut parts = Vec::new();
        let mut problems = Vec::new();
        for (section, file, text) in texts {
            let schema: Value = match serde_json::from_str(text) {
                Ok(schema) => schema,
                Err(error) => {
                    let message = format!("this schema is not JSON: {error}");
                    problems.push(Problem::error(message).at(file, Some(error.line())));
                    continue;
                }
            };
            match jsonschema::options().with_retriever(Offline).build(&schema) {
                Ok(validator) => parts.push(Part::of(section, schema, validator)),
                Err(error) => problems.push(
                    Problem::error(format!("this schema cannot be used: {error}"))
                        .at(file, None)
                        .key(error.instance_path().to_string()),
                ),
            }
        }
        // The outer chart first: what it says of a key counts before what a subchart says.
        parts.sort_by_key(|part| part.section.0.len());
        (Self { parts }, problems)
    }

    /// The schemas of a chart and of all its subcharts.
    pub fn load(chart: &Chart) -> (Self, Vec<Problem>) {
        let mut texts = Vec::new();
        collect(chart, &KeyPath::root(), &mut texts);
        Self::compile(texts)
    }

    /// Whether no chart here ships a schema.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether [`ChartSchema::check`] would find nothing; cheaper, and more so after other values that are `valid`, and
    /// from which these ones differ at the `edited` keys only.
    pub fn is_valid(&self, values: &Value, valid: Option<&Value>, edited: Option<&[KeyPath]>) -> bool {
        self.parts.iter().all(|part| part.fits(values, valid, edited))
    }

    /// Checks merged values. Sections whose subchart is disabled hold no values and are skipped, as helm does.
    pub fn check(&self, values: &Value, locate: &Locate) -> Vec<Problem> {
        let mut problems: Vec<Problem> = Vec::new();
        for part in &self.parts {
            let Some(section) = part.section.get(values) else { continue };
            for error in part.validator.iter_errors(section) {
                let inside = KeyPath::from_pointer(error.instance_path().as_str(), section);
                for (relative, message) in words::tell(&error, &inside, &part.schema) {
                    let path = KeyPath(part.section.0.iter().chain(&relative.0).cloned().collect());
                    let mut problem = Problem::error(message).key(path.to_string());
                    // A missing key has no line: its nearest parent that is set has one.
                    let mut here = Some(path);
                    while let Some(path) = here {
                        if let Some((file, line)) = locate(&path) {
                            problem = problem.at(file, Some(line));
                            break;
                        }
                        here = path.parent();
                    }
                    if !problems.contains(&problem) {
                        problems.push(problem);
                    }
                }
            }
        }
        problems
    }

    /// What is known of a key; `None` where no schema says anything.
    pub fn describe(&self, path: &KeyPath) -> Option<Entry> {
        self.parts
            .iter()
            .filter(|part| path.starts_with(&part.section))
            .filter_map(|part| {
                let inside = KeyPath(path.0.get(part.section.0.len()..)?.to_vec());
                entry::describe(&part.schema, &inside)
            })
            .reduce(Entry::or)
    }

    /// The keys that a schema offers below `path`, in the schema's order.
    pub fn keys(&self, path: &KeyPath) -> Vec<String> {
        let mut keys: Vec<String> = Vec::new();
        for part in self.parts.iter().filter(|part| path.starts_with(&part.section)) {
            let Some(inside) = path.0.get(part.section.0.len()..) else { continue };
            for key in entry::keys(&part.schema, &KeyPath(inside.to_vec())) {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        keys
    }

    /// Paths that a schema marks as secret (`writeOnly`, `format: password`). Keys of free maps and list items
    /// are left out: key names decide there.
    pub fn secret_paths(&self) -> Vec<KeyPath> {
        let mut secret = Vec::new();
        for part in &self.parts {
            for path in entry::secrets(&part.schema) {
                secret.push(KeyPath(part.section.0.iter().chain(&path.0).cloned().collect()));
            }
        }
        secret
    }
}

fn collect<'c>(chart: &'c Chart, section: &KeyPath, texts: &mut Vec<(KeyPath, PathBuf, &'c str)>) {
    if let Some((file, text)) = &chart.schema {
        texts.push((section.clone(), file.clone(), text));
    }
    for dependency in &chart.dependencies {
        if let Some(below) = &dependency.chart {
            collect(below, &section.key(dependency.key()), texts);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema(text: &Value) -> ChartSchema {
        let text = text.to_string();
        let (schema, problems) =
            ChartSchema::compile([(KeyPath::root(), "values.schema.json".into(), &*text)]);
        assert_eq!(problems, []);
        schema
    }

    fn messages(schema: &ChartSchema, values: &Value) -> Vec<String> {
        schema.check(values, &|_| None).iter().map(ToString::to_string).collect()
    }

    fn replicas() -> ChartSchema {
        schema(&json!({
            "$schema": "http://json-schema.org/draft-07/schema#",
            "type": "object",
            "additionalProperties": false,
            "required": ["mode"],
            "properties": {
                "replicas": {"type": "integer", "minimum": 1, "maximum": 20},
                "mode": {"$ref": "#/definitions/mode"},
                "name": {"type": ["string", "null"], "pattern": "^[a-z]+$", "maxLength": 5},
            },
            "definitions": {"mode": {"enum": ["fast", "slow"]}}
        }))
    }

    #[test]
    fn plain_words() {
        let schema = replicas();
        let table = [
            (json!({"mode": "fast", "replicas": -1}), "replicas: must be at least 1"),
            (json!({"mode": "fast", "replicas": 21}), "replicas: must be at most 20"),
            (json!({"mode": "fast", "replicas": "3"}), "replicas: must be an integer, is the string \"3\""),
            (json!({"mode": "fats"}), "mode: must be fast or slow (did you mean fast?)"),
            (json!({}), "mode: is required"),
            (json!({"mode": "fast", "replcas": 1}), "replcas: is not a known key (did you mean replicas?)"),
            (json!({"mode": "fast", "name": "toolong"}), "name: must be at most 5 characters long"),
            (json!({"mode": "fast", "name": "A"}), "name: must match ^[a-z]+$"),
        ];
        for (values, expected) in table {
            assert_eq!(messages(&schema, &values), [expected], "{values}");
        }
        assert!(messages(&schema, &json!({"mode": "slow", "replicas": 3, "name": null})).is_empty());
    }

    #[test]
    fn after_valid_values_only_what_is_new_is_looked_at_where_keys_do_not_ask_for_each_other() {
        let by_key = json!({"type": "object", "additionalProperties": false,
            "properties": {"a": {"type": "integer"}, "b": {"required": ["c"], "additionalProperties": {"type": "string"}}}});
        let mut asking = by_key.clone();
        asking["required"] = json!(["a"]);
        let all = [
            json!({}),
            json!({"a": 1}),
            json!({"a": "x"}),
            json!({"a": 1, "b": {"c": "x"}}),
            json!({"a": 2, "b": {}}),
            json!({"b": {"c": "y", "d": 1}}),
            json!({"a": 1, "z": null}),
        ];
        for (text, is_by_key) in [(by_key, true), (asking, false)] {
            let schema = schema(&text);
            assert_eq!(schema.parts[0].is_by_key, is_by_key);
            for valid in all.iter().filter(|values| schema.is_valid(values, None, None)) {
                for values in &all {
                    let is_valid = schema.is_valid(values, None, None);
                    assert_eq!(
                        schema.is_valid(values, Some(valid), None),
                        is_valid,
                        "{values} after {valid}"
                    );
                    assert_eq!(messages(&schema, values).is_empty(), is_valid);
                }
            }
        }
    }

    #[test]
    fn a_problem_stands_where_the_key_is_set_or_at_its_parent() {
        let schema = schema(
            &json!({"properties": {"a": {"required": ["b"], "properties": {"c": {"type": "boolean"}}}}}),
        );
        let locate = |path: &KeyPath| {
            let line = match path.to_string().as_str() {
                "a" => 3,
                "a.c" => 7,
                _ => return None,
            };
            Some((PathBuf::from("values-prod.yaml"), line))
        };
        let problems = schema.check(&json!({"a": {"c": 1}}), &locate);
        let told: Vec<String> = problems.iter().map(ToString::to_string).collect();
        assert!(
            told.contains(&"values-prod.yaml:7 a.c: must be true or false, is the number 1".to_owned()),
            "{told:?}"
        );
        assert!(told.contains(&"values-prod.yaml:3 a.b: is required".to_owned()), "{told:?}");
    }

    #[test]
    fn what_may_be_left_out_is_told_as_if_it_had_to_be_there() {
        let schema = schema(&json!({"properties": {"a": {"properties": {"b": {"anyOf": [
            {"type": "null"}, {"required": ["c"], "properties": {"c": {"type": "integer"}}, "type": "object"}]}}}}}));
        assert_eq!(messages(&schema, &json!({"a": {"b": {}}})), ["a.b.c: is required"]);
        assert_eq!(
            messages(&schema, &json!({"a": {"b": {"c": "x"}}})),
            ["a.b.c: must be an integer, is the string \"x\""]
        );
        assert_eq!(messages(&schema, &json!({"a": {"b": 1}})), ["a.b: must be a map, is the number 1"]);
        assert!(messages(&schema, &json!({"a": {"b": null}})).is_empty());
    }

    #[test]
    fn a_subchart_is_checked_on_its_section_and_only_when_it_has_one() {
        let sub = json!({"properties": {"port": {"type": "integer"}}}).to_string();
        let (schema, _) = ChartSchema::compile([(KeyPath::of(["db"]), "values.schema.json".into(), &*sub)]);
        assert_eq!(messages(&schema, &json!({"db": {"port": "x"}})).len(), 1);
        assert!(messages(&schema, &json!({"port": "x"})).is_empty());
        assert!(schema.describe(&KeyPath::of(["db", "port"])).is_some());
    }

    #[test]
    fn a_broken_schema_is_a_problem_and_a_foreign_reference_is_not_fetched() {
        for text in ["{", r#"{"$ref": "https://example.com/schema.json"}"#, r#"{"type": "nonsense"}"#] {
            let (schema, problems) =
                ChartSchema::compile([(KeyPath::root(), "values.schema.json".into(), text)]);
            assert!(schema.is_empty());
            assert_eq!(problems.len(), 1, "{text}");
        }
    }
}

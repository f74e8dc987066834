//! The artifact as the generator sees it: read, its credentials taken out and replaced by references to Secrets, then
//! checked. Nothing behind this file ever sees a credential, so nothing behind it can write one.

use std::path::Path;

use serde_json::{Map, Value};

use crate::base::{Error, Hash, Problem, credential};
use crate::model::json::Json;
use crate::model::{CompiledArtifacts, Frozen, artifacts, job};
use crate::yaml::{KeyPath, Segment};

/// A credential that was taken out of the artifact: where it stood, and where it has to be instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// The artifact's field.
    pub field: KeyPath,
    /// The variable that stands in its place.
    pub variable: String,
    /// The Secret that has to hold it.
    pub secret: String,
    /// The key in that Secret.
    pub key: String,
}

/// A compiled artifact without its credentials.
#[derive(Debug, Clone)]
pub struct Artifact {
    /// For lines only: its text still has everything.
    json: Json,
    /// The document with references in place of credentials.
    pub value: Value,
    /// The same, typed.
    pub model: Frozen<CompiledArtifacts>,
    /// What was taken out, in the order of the document.
    pub taken: Vec<Taken>,
    /// Variables that the document reads and that are no credentials, with their fields.
    pub variables: Vec<(String, KeyPath)>,
    /// Of the document without its credentials: the same for the same content, however it is written.
    pub hash: Hash,
    known: Vec<String>,
}

impl Artifact {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong, each with its line: no JSON, too large, another contract version, unknown fields, broken rules, a
    /// credential that no reference can stand for. No message holds a credential.
    pub fn read(file: &Path) -> Result<Self, Vec<Problem>> {
        Self::of(Json::read(file).map_err(|error| vec![told(&error, file)])?)
    }

    /// As [`Artifact::read`], of a document.
    ///
    /// # Errors
    /// As there.
    pub fn of(json: Json) -> Result<Self, Vec<Problem>> {
        if !json.value.is_object() {
            let (file, line) = json.locate(&KeyPath::root());
            return Err(vec![Problem::error("is no map: not what floe compile writes").at(file, Some(line))]);
        }
        artifacts::check_version(&json.value).map_err(|error| {
            let (file, line) = json.locate(&KeyPath::of(["version"]));
            vec![told(&error, &file).at(file, Some(line)).key("version")]
        })?;
        let named = json.value.pointer("/metadata/product_name").and_then(Value::as_str).unwrap_or("product");
        let mut cleaner = Cleaner {
            json: &json,
            product: job::valid_name(named, 40),
            taken: Vec::new(),
            variables: Vec::new(),
            known: Vec::new(),
            problems: Vec::new(),
        };
        let value = cleaner.clean(&KeyPath::root(), &json.value, false);
        let Cleaner { taken, variables, known, problems, .. } = cleaner;
        if !problems.is_empty() {
            return Err(problems);
        }
        let model = Frozen::read(&value, &|path| Some(json.locate(path)))?;
        let hash = Hash::of(value.to_string());
        Ok(Self { json, value, model, taken, variables, hash, known })
    }

    /// File and line of a field.
    pub fn locate(&self, field: &KeyPath) -> (std::path::PathBuf, usize) {
        self.json.locate(field)
    }

    /// The file as the user knows it.
    pub fn file(&self) -> &Path {
        &self.json.file
    }

    /// The product's name as a part of Kubernetes' names.
    pub fn product(&self) -> String {
        job::valid_name(&self.model.metadata.product_name, 40)
    }

    /// Whether a field is or holds a credential.
    pub fn holds_credential(&self, field: &KeyPath) -> bool {
        self.taken.iter().any(|taken| taken.field.starts_with(field))
    }

    /// Whether a text holds a credential of this artifact: the last look at what is about to be written. Short words that
    /// look like no credential may be ordinary words elsewhere.
    pub fn leaks_into(&self, text: &str) -> bool {
        self.known.iter().any(|known| text.contains(known.as_str()))
    }
}

/// An error as a problem of a file; the place of ours ends in `:line`.
fn told(error: &Error, file: &Path) -> Problem {
    let mut words = error.what.clone();
    for more in [&error.cause, &error.next].into_iter().flatten() {
        words.push_str(if words.contains(": ") { "; " } else { ": " });
        words.push_str(more);
    }
    let line = error.place.as_deref().and_then(|place| place.rsplit_once(':')?.1.parse().ok());
    Problem::error(words).at(file, line)
}

/// What may stand in a part of the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Zone {
    /// Fields of the contract: a reference would be taken literally.
    Fixed,
    /// Settings that programs of the product read: `${NAME}` stands for a variable.
    Free,
    /// dbt's profiles: `{{ env_var('NAME') }}` does.
    Dbt,
    /// What a receiver of telemetry asks for.
    Authentication,
}

impl Zone {
    fn of(path: &KeyPath) -> Self {
        let keys: Vec<&str> = path
            .0
            .iter()
            .map(|segment| match segment {
                Segment::Key(key) => key.as_str(),
                Segment::Index(_) => "[]",
            })
            .collect();
        match keys.as_slice() {
            ["dbt_profiles", _, ..] => Self::Dbt,
            ["observability", "telemetry", "authentication", "api_key" | "bearer_token"] => {
                Self::Authentication
            }
            ["plugins", _, "config", _, ..]
            | ["governance" | "enforcement_result" | "quality_config", _, ..]
            | ["data_contracts", "[]", _, ..]
            | ["transforms", "models", "[]", "quality_checks", "[]", ..] => Self::Free,
            _ => Self::Fixed,
        }
    }
}

struct Cleaner<'a> {
    json: &'a Json,
    product: String,
    taken: Vec<Taken>,
    variables: Vec<(String, KeyPath)>,
    known: Vec<String>,
    problems: Vec<Problem>,
}

impl Cleaner<'_> {
    /// A copy without credentials. `inherited`: what holds this is one, whatever its parts are called.
    fn clean(&mut self, path: &KeyPath, value: &Value, inherited: bool) -> Value {
        let zone = Zone::of(path);
        let named =
            is_credential_key(path, value) || (inherited && !credential::names_a_secret(&path.name()));
        match value {
            Value::Object(map) => {
                let mut clean = Map::new();
                for (key, value) in map {
                    if credential::is_in(key) || (key.len() > 30 && credential::is_random(key)) {
                        self.refuse(
                            path,
                            "has a key that looks like a credential: take it out of the artifact",
                        );
                        continue;
                    }
                    // `{name: DB_PASSWORD, value: …}` as in a container's environment.
                    let is_variable = key == "value"
                        && map.get("name").and_then(Value::as_str).is_some_and(credential::is_name);
                    let below = path.key(key);
                    let value = self.clean(&below, value, (named && zone != Zone::Fixed) || is_variable);
                    clean.insert(key.clone(), value);
                }
                Value::Object(clean)
            }
            Value::Array(items) => Value::Array(
                items.iter().enumerate().map(|(at, item)| self.clean(&path.index(at), item, named)).collect(),
            ),
            Value::String(text) if text.is_empty() => value.clone(),
            Value::String(text) => self.text(path, zone, text, named),
            Value::Number(number) if named && zone != Zone::Fixed => {
                self.take(path, zone, &number.to_string())
            }
            _ => value.clone(),
        }
    }

    fn text(&mut self, path: &KeyPath, zone: Zone, text: &str, named: bool) -> Value {
        if zone == Zone::Authentication {
            return self.take(path, zone, text);
        }
        if zone != Zone::Fixed
            && let Some(variable) = credential::variable(text)
        {
            if named || credential::is_name(variable) || variable.starts_with("DBT_ENV_SECRET_") {
                let key = job::valid_name(variable, 200);
                let secret = self.secret_of(zone);
                self.taken.push(Taken { field: path.clone(), variable: variable.to_owned(), secret, key });
            } else {
                self.variables.push((variable.to_owned(), path.clone()));
            }
            return text.into();
        }
        let looks = credential::is_in(text) || (zone != Zone::Fixed && credential::is_random(text));
        if !named && !looks {
            return text.into();
        }
        if zone == Zone::Fixed {
            self.refuse(
                path,
                "holds a credential, and nothing can stand for it here: take it out of the artifact",
            );
            return Value::Null;
        }
        self.take(path, zone, text)
    }

    fn secret_of(&self, zone: Zone) -> String {
        let what = match zone {
            Zone::Dbt => "dbt",
            Zone::Authentication => "telemetry",
            Zone::Free | Zone::Fixed => "artifacts",
        };
        format!("{}-{what}", self.product)
    }

    /// Puts a reference in place of a credential.
    fn take(&mut self, path: &KeyPath, zone: Zone, text: &str) -> Value {
        if text.chars().count() >= 12 || (text.len() >= 8 && credential::is_in(text)) {
            self.known.push(text.to_owned());
        }
        let skipped = match zone {
            Zone::Dbt => 1,
            Zone::Authentication => 3,
            Zone::Free | Zone::Fixed => 0,
        };
        let words: Vec<String> = path.0[skipped..]
            .iter()
            .map(|segment| match segment {
                Segment::Key(key) => key.clone(),
                Segment::Index(index) => index.to_string(),
            })
            .collect();
        let key = job::valid_name(&words.join("-"), 120);
        let secret = self.secret_of(zone);
        // Two fields whose names differ in what Kubernetes does not take.
        let mut unique = key.clone();
        let mut number = 1;
        while self.taken.iter().any(|taken| taken.secret == secret && taken.key == unique) {
            number += 1;
            unique = format!("{key}-{number}");
        }
        let stem = if zone == Zone::Dbt { "DBT_ENV_SECRET" } else { "FLOE_SECRET" };
        let variable = format!("{stem}_{}", unique.replace('-', "_").to_uppercase());
        let reference = if zone == Zone::Dbt {
            format!("{{{{ env_var('{variable}') }}}}")
        } else {
            format!("${{{variable}}}")
        };
        self.taken.push(Taken { field: path.clone(), variable, secret, key: unique });
        reference.into()
    }

    fn refuse(&mut self, path: &KeyPath, words: &str) {
        let (file, line) = self.json.locate(path);
        self.problems.push(Problem::error(words).at(file, Some(line)).key(path.to_string()));
    }
}

/// Whether the last key of a path says that it is a credential. A map called `auth` is how one authenticates, of which
/// not everything is secret.
fn is_credential_key(path: &KeyPath, value: &Value) -> bool {
    let Some(Segment::Key(key)) = path.0.last() else { return false };
    credential::is_name(key) && !(value.is_object() && key.eq_ignore_ascii_case("auth"))
}

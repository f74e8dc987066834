//! What is going to be written, key by key, each with the field it comes from.

use std::path::PathBuf;

use serde_json::{Map, Value};

use super::Wish;
use super::source::Artifact;
use crate::values;
use crate::yaml::{KeyPath, Segment};

/// The document that a key comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Document {
    Artifact,
    Mapping,
    Spec,
}

/// The field that a key comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) document: Document,
    pub(super) path: KeyPath,
}

impl Field {
    /// A field of the artifact.
    pub(super) fn artifact(path: &str) -> Self {
        Self { document: Document::Artifact, path: KeyPath::parse(path).unwrap_or_default() }
    }

    pub(super) fn at(path: KeyPath) -> Self {
        Self { document: Document::Artifact, path }
    }

    pub(super) fn mapping(path: KeyPath) -> Self {
        Self { document: Document::Mapping, path }
    }

    pub(super) fn spec(path: &str) -> Self {
        Self { document: Document::Spec, path: KeyPath::parse(path).unwrap_or_default() }
    }
}

/// One key with its value.
#[derive(Debug, Clone)]
pub(super) struct Assignment {
    pub(super) key: KeyPath,
    pub(super) value: Value,
    pub(super) from: Field,
}

/// A Secret that has to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needed {
    /// Its name.
    pub name: String,
    /// Its keys, each with what has to be in it.
    pub keys: Vec<(String, String)>,
}

impl Needed {
    /// The command that makes it, without values: each is read from a file.
    pub fn command(&self, namespace: &str) -> String {
        let keys: Vec<String> =
            self.keys.iter().map(|(key, _)| format!(" --from-file={key}={key}.txt")).collect();
        format!("kubectl --namespace {namespace} create secret generic {}{}", self.name, keys.concat())
    }
}

/// The draft of one environment's values.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub(super) assignments: Vec<Assignment>,
    pub(super) needed: Vec<Needed>,
}

impl Draft {
    /// Sets a key below a section; a later one wins, maps are merged.
    pub(super) fn set(&mut self, section: &KeyPath, key: &str, value: impl Into<Value>, from: Field) {
        let below = KeyPath::parse(key).unwrap_or_default();
        self.put(join(section, &below), value, from);
    }

    pub(super) fn put(&mut self, key: KeyPath, value: impl Into<Value>, from: Field) {
        self.assignments.push(Assignment { key, value: value.into(), from });
    }

    /// Notes that a key of a Secret has to exist.
    pub(super) fn need(&mut self, secret: &str, key: &str, about: impl Into<String>) {
        let at = self.needed.iter().position(|needed| needed.name == secret).unwrap_or_else(|| {
            self.needed.push(Needed { name: secret.to_owned(), keys: Vec::new() });
            self.needed.len() - 1
        });
        let keys = &mut self.needed[at].keys;
        if !keys.iter().any(|(known, _)| known == key) {
            keys.push((key.to_owned(), about.into()));
        }
    }

    /// All keys over each other.
    pub(super) fn value(&self) -> Map<String, Value> {
        let mut root = Map::new();
        for assignment in &self.assignments {
            let mut value = assignment.value.clone();
            for segment in assignment.key.0.iter().rev() {
                if let Segment::Key(key) = segment {
                    value = Value::Object([(key.clone(), value)].into_iter().collect());
                }
            }
            if let Value::Object(map) = value {
                values::overlay(&mut root, &map);
            }
        }
        root
    }

    /// The field that a key, or the first key below it, comes from. What is inside a value that was taken over whole is
    /// inside its field as well.
    pub(super) fn origin(&self, key: &KeyPath) -> Option<Field> {
        if let Some(found) = self.assignments.iter().rev().find(|own| key.starts_with(&own.key)) {
            let inside = &key.0[found.key.0.len()..];
            let path = KeyPath(found.from.path.0.iter().chain(inside).cloned().collect());
            return Some(Field { document: found.from.document, path });
        }
        self.assignments.iter().find(|own| own.key.starts_with(key)).map(|own| own.from.clone())
    }
}

/// File and line of a field.
pub(super) fn locate(wish: &Wish, site: &super::Site, field: &Field) -> Option<(PathBuf, usize)> {
    match field.document {
        Document::Artifact => Some(wish.artifact.locate(&field.path)),
        Document::Mapping => Some((site.mapping_file.to_owned(), site.cluster.line.unwrap_or(1))),
        Document::Spec => {
            let document = &wish.spec?.document;
            document.line(&field.path).map(|line| (document.file.clone(), line))
        }
    }
}

/// The field as the user knows it: only as deep as it is in its document.
pub(super) fn shown(artifact: &Artifact, field: &Field) -> String {
    let mut path = field.path.clone();
    if field.document == Document::Artifact {
        while path.get(&artifact.value).is_none() {
            match path.parent() {
                Some(parent) => path = parent,
                None => break,
            }
        }
    }
    path.to_string()
}

/// A path below a section.
pub(super) fn join(section: &KeyPath, below: &KeyPath) -> KeyPath {
    KeyPath(section.0.iter().chain(&below.0).cloned().collect())
}

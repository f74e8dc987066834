//! JSON that other programs wrote: read whole or refused with its line, never with a key twice, never deeper or larger
//! than a document of that kind can be, and with the line of every field for whoever has to point at one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize as _, Deserializer};
use serde_json::{Map, Number, Value};

use crate::base::{Context as _, Error, Result, atomic, credential};
use crate::yaml::{KeyPath, Segment};

/// The largest document that is opened: eight times what a `ConfigMap` could carry.
pub const MAX: u64 = 8 * 1024 * 1024;

/// A document with its text, so that a field can be pointed at.
#[derive(Debug, Clone)]
pub struct Json {
    /// As the user knows the file.
    pub file: PathBuf,
    /// What stands in it; keys keep their order.
    pub value: Value,
    text: Arc<str>,
}

impl Json {
    /// Reads a file of at most [`MAX`] bytes.
    ///
    /// # Errors
    /// It cannot be read, is too large, no UTF-8, or as [`Json::parse`] says.
    pub fn read(file: &Path) -> Result<Self> {
        let bytes = atomic::read_bytes(file, MAX)?;
        let text = String::from_utf8(bytes)
            .map_err(|error| error.utf8_error())
            .context_at("not UTF-8 text", file.display())?;
        Self::parse(file, text)
    }

    /// Reads a text.
    ///
    /// # Errors
    /// It is no JSON, holds a key twice in one map, or nests deeper than 128 levels.
    pub fn parse(file: &Path, text: impl Into<Arc<str>>) -> Result<Self> {
        let text = text.into();
        let body = text.trim_start_matches('\u{feff}');
        let mut reader = serde_json::Deserializer::from_str(body);
        let value = Node.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
        let value = value.map_err(|error| {
            // The parser's own words carry the place a second time.
            let words = error.to_string();
            let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(words, _)| words);
            let what = if words.contains("recursion limit") {
                "nests deeper than 128 levels".to_owned()
            } else if error.is_data() {
                words.to_owned()
            } else {
                format!("not valid JSON: {words}")
            };
            Error::new(what)
                .at(format!("{}:{}", file.display(), error.line()))
                .next("let floe compile write the file again, and do not edit it by hand")
        })?;
        Ok(Self { file: file.to_owned(), value, text })
    }

    /// The text as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line (from 1) of a field, or of the nearest one above it that is there.
    pub fn line(&self, path: &KeyPath) -> usize {
        let bytes = self.text.trim_start_matches('\u{feff}').as_bytes();
        let at = Scan { bytes, at: 0 }.find(&path.0);
        memchr::memchr_iter(b'\n', &bytes[..at.min(bytes.len())]).count() + 1
    }

    /// File and line of a field: what a problem about it names.
    pub fn locate(&self, path: &KeyPath) -> (PathBuf, usize) {
        (self.file.clone(), self.line(path))
    }
}

/// Builds a value and refuses what `serde_json` would silently put over each other.
struct Node;

impl<'de> DeserializeSeed<'de> for Node {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> std::result::Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("a number that is not finite"))
    }

    fn visit_str<E>(self, value: &str) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> std::result::Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> std::result::Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> std::result::Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Node)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key_seed(Key)? {
            if map.contains_key(&key) {
                // Not quoted in full: a key may be anything, even what nobody may see.
                let shown: String = key.chars().take(40).filter(|c| !c.is_control()).collect();
                let shown = if credential::is_in(&key) { "…" } else { &shown };
                return Err(A::Error::custom(format!("the key {shown} stands twice in one map")));
            }
            let value = entries.next_value_seed(Node)?;
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }
}

struct Key;

impl<'de> DeserializeSeed<'de> for Key {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> std::result::Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}

/// Walks over a text that is known to be JSON.
struct Scan<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl Scan<'_> {
    /// The byte where the last segment that is there stands.
    fn find(&mut self, path: &[Segment]) -> usize {
        self.blanks();
        let mut found = self.at;
        for segment in path {
            let there = match segment {
                Segment::Key(name) => self.entry(name),
                Segment::Index(index) => self.item(*index),
            };
            match there {
                Some(at) => found = at,
                None => break,
            }
        }
        found
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blanks(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    /// Steps over one byte with the blanks around it.
    fn take(&mut self, byte: u8) -> bool {
        self.blanks();
        let there = self.peek() == Some(byte);
        if there {
            self.at += 1;
            self.blanks();
        }
        there
    }

    /// Goes to the value of a key; gives where the key stands.
    fn entry(&mut self, name: &str) -> Option<usize> {
        self.take(b'{').then_some(())?;
        while self.peek() == Some(b'"') {
            let start = self.at;
            self.string();
            let key: Option<String> = std::str::from_utf8(&self.bytes[start..self.at])
                .ok()
                .and_then(|key| serde_json::from_str(key).ok());
            self.take(b':').then_some(())?;
            if key.as_deref() == Some(name) {
                return Some(start);
            }
            self.value();
            self.take(b',').then_some(())?;
        }
        None
    }

    /// Goes to an item of a list; gives where it stands.
    fn item(&mut self, index: usize) -> Option<usize> {
        self.take(b'[').then_some(())?;
        for _ in 0..index {
            self.value();
            self.take(b',').then_some(())?;
        }
        (self.peek() != Some(b']')).then_some(self.at)
    }

    fn string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.peek() {
            self.at += match byte {
                b'\\' => 2,
                _ => 1,
            };
            if byte == b'"' {
                break;
            }
        }
    }

    /// Steps over a whole value.
    fn value(&mut self) {
        let mut depth = 0usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.string();
                    if depth == 0 {
                        return;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' if depth == 0 => return,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Json> {
        Json::parse(Path::new("a.json"), text)
    }

    #[test]
    fn every_field_has_its_line() {
        let text = "\u{feff}{\n  \"a\": {\"b\": [1,\n    {\"c d\": \"x\\\"}\"}, [2]\n  ]},\n  \"e\\u0066\": null\n}\n";
        let json = parsed(text).unwrap();
        let line = |path: &str| json.line(&KeyPath::parse(path).unwrap());
        assert_eq!(
            (line(""), line("a"), line("a.b[0]"), line("a.b[1].c d"), line("a.b[2][0]")),
            (1, 2, 2, 3, 3)
        );
        assert_eq!(line("ef"), 5);
        // What is not there is pointed at by what holds it.
        assert_eq!((line("a.b[7].x"), line("a.b[1].none"), line("none")), (2, 3, 1));
        assert_eq!(json.value["ef"], Value::Null);
    }

    #[test]
    fn what_is_broken_names_its_line() {
        let error = |text: &str| parsed(text).unwrap_err().to_string();
        assert!(
            error("{\n \"a\": 1,\n \"a\": 2}").contains("a.json:3: the key a stands twice"),
            "{}",
            error("{\"a\":1,\"a\":2}")
        );
        assert!(error("{\n\"a\": }").starts_with("a.json:2: not valid JSON"));
        assert!(error("{} x").contains("trailing"));
        assert!(error("").contains("not valid JSON"));
        assert!(error(&"[".repeat(100_000)).contains("deeper than 128"));
        assert!(error(&format!("{{\"k\": {}}}", "{\"a\":".repeat(200))).contains("deeper than 128"));
        assert!(error("{\"a\": 1e999}").contains("a.json:1"));
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("huge.json");
        let handle = std::fs::File::create(&file).unwrap();
        // Sparse: it takes no room, and reading it would.
        handle.set_len(100 * 1024 * 1024).unwrap();
        let error = Json::read(&file).unwrap_err().to_string();
        assert!(error.contains("larger than 8 MiB"), "{error}");
    }
}

//! The address of a value inside a document: `dagster.webserver.replicas`, `env[0].name`, `labels["a.b/c"]`.

use std::fmt;

use serde_json::Value;

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Segment {
    /// A key of a map.
    Key(String),
    /// A place in a list, from 0.
    Index(usize),
}

impl Segment {
    /// Whether it is this key of a map.
    pub fn is_key(&self, key: &str) -> bool {
        matches!(self, Self::Key(own) if own == key)
    }
}

/// What is left of the paths that begin with this key of a map.
pub fn below<'p>(paths: &[&'p [Segment]], key: &str) -> Vec<&'p [Segment]> {
    let begins = paths.iter().filter_map(|path| path.split_first().filter(|(first, _)| first.is_key(key)));
    begins.map(|(_, rest)| rest).collect()
}

/// A path from the document's root; empty is the root itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct KeyPath(pub Vec<Segment>);

impl KeyPath {
    /// The document itself.
    pub fn root() -> Self {
        Self::default()
    }

    /// A path of map keys only.
    pub fn of<S: Into<String>>(keys: impl IntoIterator<Item = S>) -> Self {
        Self(keys.into_iter().map(|key| Segment::Key(key.into())).collect())
    }

    /// Reads the notation that `Display` writes; also accepts helm's `a.b[0]` and `a\.b` for a dot in a key.
    /// `None` when brackets or quotes do not close or an index is not a number.
    pub fn parse(text: &str) -> Option<Self> {
        let mut segments = Vec::new();
        let mut key = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' => key.push(chars.next()?),
                '.' => {
                    if !key.is_empty() {
                        segments.push(Segment::Key(std::mem::take(&mut key)));
                    }
                }
                '[' => {
                    if !key.is_empty() {
                        segments.push(Segment::Key(std::mem::take(&mut key)));
                    }
                    if chars.peek() == Some(&'"') {
                        chars.next();
                        let mut quoted = String::new();
                        loop {
                            match chars.next()? {
                                '\\' => quoted.push(chars.next()?),
                                '"' => break,
                                c => quoted.push(c),
                            }
                        }
                        if chars.next()? != ']' {
                            return None;
                        }
                        segments.push(Segment::Key(quoted));
                    } else {
                        let mut digits = String::new();
                        loop {
                            match chars.next()? {
                                ']' => break,
                                c => digits.push(c),
                            }
                        }
                        segments.push(Segment::Index(digits.parse().ok()?));
                    }
                }
                c => key.push(c),
            }
        }
        if !key.is_empty() {
            segments.push(Segment::Key(key));
        }
        Some(Self(segments))
    }

    /// This path with one more key.
    #[must_use]
    pub fn key(&self, key: impl Into<String>) -> Self {
        let mut path = self.clone();
        path.0.push(Segment::Key(key.into()));
        path
    }

    /// This path with one more index.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.0.push(Segment::Index(index));
        path
    }

    /// The path without its last step; `None` for the root.
    pub fn parent(&self) -> Option<Self> {
        let (_, parent) = self.0.split_last()?;
        Some(Self(parent.to_vec()))
    }

    /// The last step as a person reads it: a key, or `[2]`; empty for the root.
    pub fn name(&self) -> String {
        match self.0.last() {
            Some(Segment::Key(key)) => key.clone(),
            Some(Segment::Index(index)) => format!("[{index}]"),
            None => String::new(),
        }
    }

    /// Whether `self` is `other` or lies below it.
    pub fn starts_with(&self, other: &Self) -> bool {
        self.0.starts_with(&other.0)
    }

    /// The value at this path, if there is one.
    pub fn get<'v>(&self, root: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(root, |value, segment| match segment {
            Segment::Key(key) => value.as_object()?.get(key),
            Segment::Index(index) => value.as_array()?.get(*index),
        })
    }

    /// From a JSON pointer (`/a/b/0`); numbers become indexes only where `root` holds a list there.
    pub fn from_pointer(pointer: &str, root: &Value) -> Self {
        let mut path = Self::root();
        let mut here = Some(root);
        for part in pointer.split('/').skip(1) {
            let part = part.replace("~1", "/").replace("~0", "~");
            if let (Some(Value::Array(list)), Ok(index)) = (here, part.parse::<usize>()) {
                path.0.push(Segment::Index(index));
                here = list.get(index);
            } else {
                here = here.and_then(|value| value.as_object()).and_then(|map| map.get(&part));
                path.0.push(Segment::Key(part));
            }
        }
        path
    }
}

/// Whether a key can stand in the dotted notation without quotes.
fn is_plain(key: &str) -> bool {
    !key.is_empty() && !key.contains(['.', '[', ']', '"', '\\'])
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if is_plain(key) => {
                    if i > 0 {
                        f.write_str(".")?;
                    }
                    f.write_str(key)?;
                }
                Segment::Key(key) => {
                    write!(f, "[\"{}\"]", key.replace('\\', "\\\\").replace('"', "\\\""))?;
                }
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn notation() {
        let path = KeyPath::of(["a", "b.c"]).index(2).key("d");
        assert_eq!(path.to_string(), "a[\"b.c\"][2].d");
        assert_eq!(KeyPath::parse("a[\"b.c\"][2].d"), Some(path));
        assert_eq!(KeyPath::parse("a[0"), None);
    }

    #[test]
    fn pointer_knows_lists_from_maps() {
        let root = serde_json::json!({"list": [{"0": true}]});
        let path = KeyPath::from_pointer("/list/0/0", &root);
        assert_eq!(path.to_string(), "list[0].0");
        assert_eq!(path.get(&root), Some(&Value::Bool(true)));
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(keys in prop::collection::vec("[ -~]{1,6}", 1..5)) {
            let path = KeyPath::of(keys);
            prop_assert_eq!(KeyPath::parse(&path.to_string()), Some(path));
        }
    }
}

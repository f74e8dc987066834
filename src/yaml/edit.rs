//! Edits that change only what they must: comments, order, quoting and line ends of everything else stay as they
//! are, byte for byte.
//!
//! An edit is at most a few splices of the text, placed by the same parse that gives the values helm sees, so a
//! key means here what it means to helm (`8080:`, `on:`, the last of duplicates). Behind it stands a guard: the
//! result is read again and must hold exactly the old values with this one edit applied, and no more lines may
//! have changed than the value has. What fails the guard is refused, and the text editor is the place for it.

mod splice;

use std::fmt;

use serde_json::{Map, Value};

use super::read::{Parsed, kind_name, parse};
use super::{KeyPath, Segment};
use crate::base::Error;

/// Why an edit was not made; the text is unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Lower case, no full stop: `image is shared: line 12 uses it as *default`.
    pub reason: String,
    /// Where to look, counted from 1.
    pub line: Option<usize>,
}

impl Refused {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), line: None }
    }

    pub(super) fn at(mut self, line: usize) -> Self {
        self.line = Some(line);
        self
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for Refused {}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let error = Self::new(format!("not edited: {}", refused.reason)).next("edit it as text");
        match refused.line {
            Some(line) => error.at(format!("line {line}")),
            None => error,
        }
    }
}

/// The text with `value` at `path`. Parents that are missing (or null) are created, an index equal to a list's
/// length appends, a map over a map or a list over a list changes only what differs. The same value again returns
/// the text unchanged.
pub fn set(text: &str, path: &KeyPath, value: &Value) -> Result<String, Refused> {
    let before = parsed(text)?;
    let expected = set_in(normal(before.value.clone()), &path.0, value)
        .map_err(|reason| Refused::new(format!("{path}: {reason}")))?;
    let mut steps = Vec::new();
    match path.get(&before.value) {
        Some(old) => differences(path, old, value, &mut steps),
        None => steps.push(Step::Set(path.clone(), value.clone())),
    }
    run(text, before, &steps, &expected)
}

/// The text without `path`. A map or list that loses its last entry becomes `{}` or `[]` (a key left empty would
/// mean null, which deletes the chart's default). Nothing at the path is not an error.
pub fn remove(text: &str, path: &KeyPath) -> Result<String, Refused> {
    let before = parsed(text)?;
    if path.get(&before.value).is_none() {
        return Ok(text.to_owned());
    }
    let mut expected = normal(before.value.clone());
    remove_in(&mut expected, &path.0);
    run(text, before, &[Step::Remove(path.clone())], &expected)
}

/// `value` at `path` in a value tree, as [`set`] does it in text.
///
/// # Errors
/// Something on the way is neither a map nor a list with such a place.
pub fn applied(root: Value, path: &KeyPath, value: &Value) -> Result<Value, String> {
    set_in(root, &path.0, value).map_err(|reason| format!("{path}: {reason}"))
}

enum Step {
    Set(KeyPath, Value),
    Remove(KeyPath),
}

fn parsed(text: &str) -> Result<Parsed, Refused> {
    parse(text).map_err(|error| Refused::new(format!("not valid YAML: {}", error.message)).at(error.line))
}

/// An empty file and an empty map are the same values.
fn normal(value: Value) -> Value {
    if value.is_null() { Value::Object(Map::new()) } else { value }
}

/// The steps that turn one value into another, each as small as possible; what is removed from a list goes from
/// its end, so that indexes stay right.
fn differences(path: &KeyPath, old: &Value, new: &Value, steps: &mut Vec<Step>) {
    match (old, new) {
        _ if old == new => {}
        (Value::Object(before), Value::Object(after)) if !before.is_empty() && !after.is_empty() => {
            for (key, value) in after {
                match before.get(key) {
                    Some(old) => differences(&path.key(key), old, value, steps),
                    None => steps.push(Step::Set(path.key(key), value.clone())),
                }
            }
            // Removed last: a map never stands empty in between.
            for key in before.keys().filter(|key| !after.contains_key(*key)) {
                steps.push(Step::Remove(path.key(key)));
            }
        }
        (Value::Array(before), Value::Array(after)) if !before.is_empty() && !after.is_empty() => {
            for (index, (old, value)) in before.iter().zip(after).enumerate() {
                differences(&path.index(index), old, value, steps);
            }
            for (index, value) in after.iter().enumerate().skip(before.len()) {
                steps.push(Step::Set(path.index(index), value.clone()));
            }
            for index in (after.len()..before.len()).rev() {
                steps.push(Step::Remove(path.index(index)));
            }
        }
        _ => steps.push(Step::Set(path.clone(), new.clone())),
    }
}

/// Applies the steps one after the other, then holds the result against what was meant.
fn run(text: &str, before: Parsed, steps: &[Step], expected: &Value) -> Result<String, Refused> {
    let crlf = crate::base::atomic::LineEnding::of(text) == crate::base::atomic::LineEnding::CrLf;
    let mut now = text.to_owned();
    let mut document = before;
    for step in steps {
        let splices = match step {
            Step::Set(path, value) => splice::set(&document, path, value)?,
            Step::Remove(path) => splice::remove(&document, path)?,
        };
        let allowed = splices.iter().map(|splice| splice.lines(&now)).sum::<usize>() + 1;
        let next = splice::apply(&now, splices, crlf)
            .ok_or_else(|| Refused::new("the change does not fit this text"))?;
        if changed_lines(&now, &next) > allowed {
            return Err(Refused::new("the change would touch other lines"));
        }
        document = parse(&next).map_err(|error| {
            Refused::new(format!("the change would break the file: {}", error.message)).at(error.line)
        })?;
        now = next;
        // A key written twice: what was hidden must go too.
        if let Step::Remove(path) = step
            && matches!(path.0.last(), Some(Segment::Key(_)))
        {
            while path.get(&document.value).is_some() {
                let splices = splice::remove(&document, path)?;
                now = splice::apply(&now, splices, crlf)
                    .ok_or_else(|| Refused::new("the change does not fit this text"))?;
                document = parsed(&now)?;
            }
        }
    }
    if normal(document.value) != *expected {
        return Err(Refused::new("the change would also change other values"));
    }
    Ok(now)
}

/// How many lines of either text lie between the common beginning and the common end.
fn changed_lines(old: &str, new: &str) -> usize {
    let (old, new): (Vec<_>, Vec<_>) = (old.split('\n').collect(), new.split('\n').collect());
    let most = old.len().min(new.len());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old.iter().rev().zip(new.iter().rev()).take(most - head).take_while(|(a, b)| a == b).count();
    (old.len() - head - tail).max(new.len() - head - tail)
}

fn set_in(root: Value, path: &[Segment], value: &Value) -> Result<Value, String> {
    let Some((segment, rest)) = path.split_first() else { return Ok(value.clone()) };
    match (segment, root) {
        (Segment::Key(key), Value::Object(mut map)) => {
            let old = map.get_mut(key).map_or(Value::Null, Value::take);
            map.insert(key.clone(), set_in(old, rest, value)?);
            Ok(Value::Object(map))
        }
        (Segment::Key(key), Value::Null) => {
            Ok(Value::Object(std::iter::once((key.clone(), set_in(Value::Null, rest, value)?)).collect()))
        }
        (Segment::Index(index), Value::Array(mut list)) if *index < list.len() => {
            let old = list[*index].take();
            list[*index] = set_in(old, rest, value)?;
            Ok(Value::Array(list))
        }
        (Segment::Index(index), Value::Array(mut list)) if *index == list.len() => {
            list.push(set_in(Value::Null, rest, value)?);
            Ok(Value::Array(list))
        }
        (Segment::Index(0), Value::Null) => Ok(Value::Array(vec![set_in(Value::Null, rest, value)?])),
        (Segment::Index(index), Value::Array(list)) => {
            Err(format!("the list has {} items, there is no place for item {index}", list.len()))
        }
        (Segment::Index(_), other) => Err(format!("there is {} where a list is needed", kind_name(&other))),
        (Segment::Key(_), other) => Err(format!("there is {} where a map is needed", kind_name(&other))),
    }
}

fn remove_in(root: &mut Value, path: &[Segment]) {
    match (path, root) {
        ([Segment::Key(key)], Value::Object(map)) => {
            map.shift_remove(key);
        }
        ([Segment::Index(index)], Value::Array(list)) if *index < list.len() => {
            list.remove(*index);
        }
        ([Segment::Key(key), rest @ ..], Value::Object(map)) => {
            if let Some(child) = map.get_mut(key) {
                remove_in(child, rest);
            }
        }
        ([Segment::Index(index), rest @ ..], Value::Array(list)) => {
            if let Some(child) = list.get_mut(*index) {
                remove_in(child, rest);
            }
        }
        ([], root) => *root = Value::Object(Map::new()),
        _ => {}
    }
}

#[cfg(test)]
#[path = "edit/tests.rs"]
mod tests;

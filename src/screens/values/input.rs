//! Editing a value in place: the text of the field, what it means as a value, and the text of the file it
//! makes. Every keystroke is a complete edit of the document, so that problems and consequences follow typing.

use std::path::PathBuf;
use std::sync::Arc;

use serde_json::Value;

use crate::base::{Error, Result};
use crate::schema::{Entry, Kind};
use crate::session::{EnvironmentView, Session};
use crate::ui::input::{self, LineEdit};
use crate::yaml::{self, KeyPath, Segment};

/// A field that is open.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub environment: String,
    pub path: KeyPath,
    pub file: PathBuf,
    pub line: LineEdit,
    /// Allowed values, when the schema names them.
    pub choices: Vec<String>,
    /// Whether the document holds an edit made by this field.
    applied: bool,
    /// The typed text is not shown.
    pub secret: bool,
    /// Why the present text makes no value.
    pub error: Option<String>,
    entry: Entry,
}

impl Field {
    /// Opens a field on a key of an environment, with the value it has now.
    pub(super) fn open(session: &Session, view: &EnvironmentView, path: &KeyPath) -> Result<Self> {
        let file = view.own.clone().ok_or_else(|| {
            Error::new(format!("{} has no values file to write to", view.name))
                .next("name one in floe-tui.toml, or map the environment in clusterMapping")
        })?;
        let value = path.get(&view.merged.value).cloned().unwrap_or(Value::Null);
        let mut entry = session.chart().and_then(|loaded| loaded.schema.describe(path)).unwrap_or_default();
        if entry.kinds.is_empty() && !value.is_null() {
            entry.kinds.push(Kind::of(&value));
        }
        let mut choices: Vec<String> = entry.options.iter().map(plain).collect();
        if choices.is_empty() && entry.kinds.contains(&Kind::Boolean) {
            choices = vec!["true".to_owned(), "false".to_owned()];
        }
        let text = if session.redactor.is_secret(path) { String::new() } else { plain(&value) };
        Ok(Self {
            environment: view.name.clone(),
            path: path.clone(),
            file,
            line: LineEdit::replacing(text),
            secret: session.redactor.is_secret(path),
            choices,
            applied: false,
            error: None,
            entry,
        })
    }

    /// The next or previous allowed value; for numbers one less or one more. `true` when the text changed.
    pub(super) fn step(&mut self, forward: bool) -> bool {
        let next = if self.choices.is_empty() {
            let bound = |value: &Option<Value>| value.as_ref().and_then(Value::as_f64);
            let by = if forward { -1 } else { 1 };
            input::step(self.line.text(), by, bound(&self.entry.minimum), bound(&self.entry.maximum))
        } else {
            input::cycle(&self.choices, self.line.text(), if forward { 1 } else { -1 }).map(str::to_owned)
        };
        match next {
            Some(text) if text != self.line.text() => {
                self.line.set(text);
                true
            }
            _ => false,
        }
    }

    /// The one line that says what fits.
    pub(super) fn hint(&self) -> String {
        self.entry.headline()
    }

    /// What the text means, by the schema's type; without one, as YAML reads it.
    fn value(&self) -> Result<Value, String> {
        let text = self.line.text().trim();
        if let Some(option) = self.entry.options.iter().find(|option| plain(option) == text) {
            return Ok(option.clone());
        }
        let kinds = &self.entry.kinds;
        let only_text = !kinds.is_empty() && kinds.iter().all(|kind| *kind == Kind::String);
        if only_text {
            return Ok(Value::String(self.line.text().to_owned()));
        }
        let read = yaml::read(text).map_err(|error| error.message)?;
        if kinds.contains(&Kind::String) && !kinds.contains(&Kind::of(&read)) {
            return Ok(Value::String(self.line.text().to_owned()));
        }
        Ok(read)
    }

    /// Puts the present text into the document, in place of what this field put there before.
    pub(super) fn apply(&mut self, session: &mut Session) {
        self.retract(session);
        self.error = None;
        if self.line.text().trim().is_empty() && !self.entry.kinds.contains(&Kind::String) {
            self.error = Some("type a value, or Esc and Delete to unset the key".to_owned());
            return;
        }
        match self.value() {
            Err(message) => self.error = Some(message),
            Ok(value) => match set(session, &self.environment, &self.path, &value) {
                Ok(Some((file, text))) => {
                    session.documents.edit(&format!("set {}", self.path), [(file, text)]);
                    self.applied = true;
                }
                Ok(None) => {}
                Err(error) => self.error = Some(error.headline()),
            },
        }
    }

    /// Takes back what this field put into the document.
    pub(super) fn retract(&mut self, session: &mut Session) {
        if self.applied {
            session.documents.undo(&self.file);
            self.applied = false;
        }
    }
}

/// A value as the field shows it.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The text of the environment's own file with a key set; `None` when it has that value there already.
pub(super) fn set(
    session: &Session,
    environment: &str,
    path: &KeyPath,
    value: &Value,
) -> Result<Option<(PathBuf, Arc<str>)>> {
    let view = session.environments.iter().find(|view| view.name == environment);
    let Some((view, file)) = view.and_then(|view| Some((view, view.own.clone()?))) else {
        return Err(Error::new(format!("{environment} has no values file")));
    };
    let text = session.text(&file).unwrap_or_else(|| Arc::from(""));
    let own = yaml::read(&text).map_err(|error| {
        Error::new(format!("the file is not valid YAML: {}", error.message))
            .at(format!("{}:{}", file.display(), error.line))
            .next("correct it in the text editor (E)")
    })?;
    if path.get(&own) == Some(value) {
        return Ok(None);
    }
    let (path, value) = whole_list(path, value, &own, &view.merged.value);
    if let Some(over) = session.generated_over(view, &path) {
        let name = crate::screens::relative(session, &over.file);
        return Err(Error::new(format!("{path} is generated: {name} would win over this edit"))
            .next("change what it is generated from, or name a file after it in floe-tui.toml"));
    }
    let edited = yaml::edit::set(&text, &path, &value).map_err(|refused| {
        Error::new(format!("cannot set this key without touching more: {refused}"))
            .at(file.display().to_string())
            .next("edit the text instead (E)")
    })?;
    Ok(Some((file, Arc::from(edited))))
}

/// What a line `path: value` makes of the environment's own file; `None` when it has that value already.
///
/// # Errors
/// The line has no path or no YAML value, or the file cannot be edited without touching more.
pub(super) fn added(
    session: &Session,
    environment: &str,
    line: &str,
) -> Result<Option<(KeyPath, PathBuf, Arc<str>)>> {
    let form = || Error::new("a new key is written as path: value").next("for example dagster.extraEnv: []");
    let (key, value) =
        line.split_once(": ").or_else(|| Some((line.strip_suffix(':')?, ""))).ok_or_else(form)?;
    let path = KeyPath::parse(key.trim()).filter(|path| !path.0.is_empty()).ok_or_else(form)?;
    let value = yaml::read(value.trim())
        .map_err(|error| Error::new("this is no YAML value").at(value.trim()).because(error.message))?;
    Ok(set(session, environment, &path, &value)?.map(|(file, text)| (path, file, text)))
}

/// The text of the environment's own file without a key.
pub(super) fn unset(
    session: &Session,
    environment: &str,
    path: &KeyPath,
) -> Result<Option<(PathBuf, Arc<str>)>> {
    let file = session
        .environments
        .iter()
        .find(|view| view.name == environment)
        .and_then(|view| view.own.clone())
        .ok_or_else(|| Error::new(format!("{environment} has no values file")))?;
    let text = session.text(&file).unwrap_or_else(|| Arc::from(""));
    let own = yaml::read(&text).unwrap_or_default();
    if path.get(&own).is_none() {
        return Ok(None);
    }
    let edited = yaml::edit::remove(&text, path).map_err(|refused| {
        Error::new(format!("cannot remove this key without touching more: {refused}"))
            .at(file.display().to_string())
            .next("edit the text instead (E)")
    })?;
    Ok(Some((file, Arc::from(edited))))
}

/// Helm replaces lists whole: a change of one item of an inherited list copies the list into the file first.
fn whole_list(path: &KeyPath, value: &Value, own: &Value, merged: &Value) -> (KeyPath, Value) {
    let Some(at) = path.0.iter().position(|segment| matches!(segment, Segment::Index(_))) else {
        return (path.clone(), value.clone());
    };
    let list = KeyPath(path.0.iter().take(at).cloned().collect());
    if list.get(own).is_some() {
        return (path.clone(), value.clone());
    }
    let mut copy = list.get(merged).cloned().unwrap_or_default();
    let below = path.0.iter().skip(at).try_fold(&mut copy, |value, segment| match segment {
        Segment::Key(key) => value.get_mut(key),
        Segment::Index(index) => value.get_mut(index),
    });
    if let Some(place) = below {
        *place = value.clone();
    }
    (list, copy)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn one_item_of_an_inherited_list_brings_the_whole_list() {
        let merged = json!({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]});
        let path = KeyPath::of(["env"]).index(1).key("value");
        let (set, value) = whole_list(&path, &json!("3"), &json!({}), &merged);
        assert_eq!(set.to_string(), "env");
        assert_eq!(value, json!([{"name": "A", "value": "1"}, {"name": "B", "value": "3"}]));
        let (set, _) = whole_list(&path, &json!("3"), &merged, &merged);
        assert_eq!(set, path);
    }
}

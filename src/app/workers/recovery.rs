//! The recovery log: unsaved edits of a workspace, at most a second behind, gone once they are saved. No secret is
//! in it: only lines that differ from the file are written down, a changed value under a secret key is put back to
//! what the file holds, and the key is named.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use similar::{DiffOp, TextDiff};

use crate::base::hash::Hash;
use crate::base::redact::Redactor;
use crate::base::{Error, Result, atomic};
use crate::session::{Message, Unsaved};
use crate::yaml::{self, KeyPath};

use super::Shared;

/// The edits of one file as they are written down.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Kept {
    path: PathBuf,
    /// Hash of the file that the lines are counted in, as hex; empty for a file that did not exist.
    base: String,
    parts: Vec<Part>,
    left_out: Vec<String>,
}

/// A stretch of the edited text.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Part {
    /// So many lines of the file, from this one, counted from 0.
    Same { from: usize, count: usize },
    /// What the file does not hold.
    New(String),
}

impl Kept {
    fn of(edit: Unsaved) -> Self {
        let (old, text) = (lines(&edit.saved), lines(&edit.text));
        let diff = TextDiff::from_slices(&old, &text);
        let new =
            |from: usize, count: usize| Part::New(text.iter().skip(from).take(count).copied().collect());
        let part = |op: &DiffOp| match *op {
            DiffOp::Equal { old_index, len, .. } => Some(Part::Same { from: old_index, count: len }),
            DiffOp::Insert { new_index, new_len, .. } | DiffOp::Replace { new_index, new_len, .. } => {
                Some(new(new_index, new_len))
            }
            DiffOp::Delete { .. } => None,
        };
        let parts = diff.ops().iter().filter_map(part).collect();
        Self { path: edit.path, base: edit.base, parts, left_out: edit.left_out }
    }

    /// The edited text again; `None` when the file is not the one that the lines are counted in any more.
    fn restore(self) -> Option<Unsaved> {
        let saved = std::fs::read(&self.path).unwrap_or_default();
        if !self.base.is_empty() && Hash::of(&saved).hex() != self.base {
            return None;
        }
        let saved = String::from_utf8(saved).ok()?;
        let lines = lines(&saved);
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Same { from, count } => text.extend(lines.get(*from..from + count)?.iter().copied()),
                Part::New(new) => text.push_str(new),
            }
        }
        Some(Unsaved { path: self.path, base: self.base, saved: saved.into(), text, left_out: self.left_out })
    }
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn file(shared: &Shared) -> PathBuf {
    let root = Hash::of(shared.given.root.as_os_str().as_encoded_bytes()).hex();
    let name: String = root.chars().take(16).collect();
    shared.folders.state.join("recovery").join(format!("{name}.json"))
}

/// Writes the edits down, or removes the log when there are none.
pub(super) async fn keep(shared: Shared, edits: Vec<Unsaved>) {
    let (path, redactor) = (file(&shared), shared.redactor());
    let kept = tokio::task::spawn_blocking(move || write(&path, edits, &redactor)).await;
    let result =
        kept.unwrap_or_else(|error| Err(Error::new("the recovery log was not written").because(error)));
    if let Err(error) = result {
        shared.answer(Message::Failed(error)).await;
    }
}

fn write(path: &Path, edits: Vec<Unsaved>, redactor: &Redactor) -> Result<()> {
    if edits.is_empty() {
        return match std::fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Error::new("cannot remove the recovery log")
                    .at(path.display().to_string())
                    .because(error))
            }
            _ => Ok(()),
        };
    }
    if let Some(folder) = path.parent() {
        crate::base::folders::Folders::ensure(folder)?;
    }
    let edits: Vec<Kept> = edits.into_iter().map(|edit| Kept::of(without_secrets(edit, redactor))).collect();
    let text = serde_json::to_string(&edits)
        .map_err(|error| Error::new("cannot write the recovery log").because(error))?;
    atomic::write_private(path, text.as_bytes())?;
    Ok(())
}

/// Where the log of an earlier run waits for an answer, so that new edits do not write over it.
fn set_aside(shared: &Shared) -> PathBuf {
    file(shared).with_extension("offered.json")
}

/// What an earlier run left, or an even earlier one whose question was never answered.
pub(super) async fn load(shared: Shared) {
    let (log, aside) = (file(&shared), set_aside(&shared));
    let found = tokio::task::spawn_blocking(move || {
        if log.exists() {
            std::fs::rename(&log, &aside).ok()?;
        }
        let text = std::fs::read_to_string(aside).ok()?;
        serde_json::from_str::<Vec<Kept>>(&text).ok()
    })
    .await;
    let mut unsaved = Vec::new();
    for kept in found.ok().flatten().unwrap_or_default() {
        let path = kept.path.clone();
        if let Some(edit) = kept.restore() {
            unsaved.push(edit);
        } else {
            let error = Error::new("unsaved edits of an earlier run do not fit: the file changed since")
                .at(path.display().to_string())
                .next(format!("the edited lines are in {}", set_aside(&shared).display()));
            shared.answer(Message::Failed(error)).await;
        }
    }
    if !unsaved.is_empty() {
        shared.answer(Message::Unsaved(unsaved)).await;
    }
}

/// Edits that were taken back are in the log again; those that were not are kept as a file of their own.
pub(super) async fn answered(shared: Shared, taken: bool) {
    let aside = set_aside(&shared);
    if taken {
        // The log itself is written a moment later; until then the old one stays.
        tokio::time::sleep(super::RECOVERY_PAUSE * 2).await;
        let _ = std::fs::remove_file(aside);
        return;
    }
    let kept = aside.with_extension(format!("{}.kept", jiff::Timestamp::now().as_second()));
    if std::fs::rename(&aside, &kept).is_ok() {
        shared.answer(Message::Said(format!("the edits stay in {}", kept.display()))).await;
    }
}

/// The edit with every changed secret put back to what the file holds.
fn without_secrets(mut edit: Unsaved, redactor: &Redactor) -> Unsaved {
    let saved = yaml::read(&edit.saved).unwrap_or_default();
    let Ok(edited) = yaml::read(&edit.text) else {
        // Text that cannot be parsed cannot be told apart: lines of secret-like keys are masked.
        let masked = redactor.text(&edit.text);
        if masked != edit.text {
            edit.left_out.push("values of secret-like keys (the text is not valid YAML)".to_owned());
            edit.text = masked;
        }
        return edit;
    };
    let mut secrets = Vec::new();
    collect(&edited, &KeyPath::root(), redactor, &mut secrets);
    for path in secrets {
        let (now, before) = (path.get(&edited), path.get(&saved));
        if now == before {
            continue;
        }
        let text = match before {
            Some(before) => yaml::edit::set(&edit.text, &path, before),
            None => yaml::edit::remove(&edit.text, &path),
        };
        edit.left_out.push(path.to_string());
        if let Ok(text) = text {
            edit.text = text;
        } else {
            // It cannot be taken out alone: the whole edit of this file is left out.
            edit.left_out = vec!["the whole edit: a secret cannot be taken out of it".to_owned()];
            edit.text = edit.saved.to_string();
            return edit;
        }
    }
    edit
}

fn collect(value: &Value, path: &KeyPath, redactor: &Redactor, found: &mut Vec<KeyPath>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                collect(value, &path.key(key.clone()), redactor, found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, &path.index(index), redactor, found);
            }
        }
        _ if redactor.is_secret(path) => found.push(path.clone()),
        _ => {}
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;

    #[test]
    fn a_changed_secret_is_left_out_and_named() {
        let edit = Unsaved {
            path: "values.yaml".into(),
            base: String::new(),
            saved: Arc::from("db:\n  password: old-one # kept\nreplicas: 1\n"),
            text: "db:\n  password: planted-canary # kept\nreplicas: 3\ntoken: second-canary\n".to_owned(),
            left_out: Vec::new(),
        };
        let kept = without_secrets(edit, &Redactor::new());
        assert_eq!(kept.text, "db:\n  password: old-one # kept\nreplicas: 3\n");
        assert_eq!(kept.left_out, ["db.password", "token"]);
    }

    #[test]
    fn only_lines_that_the_file_does_not_hold_are_written_down_and_fit_this_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("values.yaml");
        let saved = "db:\n  password: planted-canary\nreplicas: 1\nlast: 1";
        std::fs::write(&path, saved).unwrap();
        let edit = Unsaved {
            path: path.clone(),
            base: Hash::of(saved.as_bytes()).hex(),
            saved: Arc::from(saved),
            text: "first: 0\ndb:\n  password: planted-canary\nreplicas: 3\nlast: 1".to_owned(),
            left_out: Vec::new(),
        };
        let written =
            serde_json::to_string(&Kept::of(without_secrets(edit.clone(), &Redactor::new()))).unwrap();
        assert!(written.contains("replicas: 3") && !written.contains("planted-canary"), "{written}");
        let read = || serde_json::from_str::<Kept>(&written).unwrap();
        assert_eq!(read().restore(), Some(edit));
        std::fs::write(&path, "another: text\n").unwrap();
        assert_eq!(read().restore(), None);
    }

    #[test]
    fn text_that_is_not_yaml_keeps_no_secret_either() {
        let edit = Unsaved {
            path: "values.yaml".into(),
            base: String::new(),
            saved: Arc::from(""),
            text: "a: [\npassword: planted-canary\n".to_owned(),
            left_out: Vec::new(),
        };
        let kept = without_secrets(edit, &Redactor::new());
        assert!(!kept.text.contains("planted-canary") && !kept.left_out.is_empty());
    }
}

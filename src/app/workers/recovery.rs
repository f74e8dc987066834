//! The recovery log: unsaved edits of a workspace, at most a second behind, gone once they are saved. No secret is
//! in it: a changed value under a secret key is put back to what the file holds and the key is named, and of lines
//! that hold a secret in the file only their place in it is written down.
//!
//! The log of an earlier run is set aside under a name of its own until it is answered for. Edits that are taken back
//! are in the new log; only the write of that removes the old one, so that at no moment neither is there.

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
    /// So many lines of the file, from this one, counted from 0; and what they said, for when the file is another by
    /// then. A line with a secret is `None`.
    Same {
        from: usize,
        count: usize,
        #[serde(default)]
        said: Vec<Option<String>>,
    },
    /// What the file does not hold.
    New(String),
}

impl Kept {
    fn of(edit: Unsaved, redactor: &Redactor) -> Self {
        let (old, text) = (lines(&edit.saved), lines(&edit.text));
        let plain = plain(&edit.saved, redactor);
        let diff = TextDiff::from_slices(&old, &text);
        let new =
            |from: usize, count: usize| Part::New(text.iter().skip(from).take(count).copied().collect());
        let part = |op: &DiffOp| match *op {
            DiffOp::Equal { old_index, len, .. } => Some(Part::Same {
                from: old_index,
                count: len,
                said: plain.iter().skip(old_index).take(len).cloned().collect(),
            }),
            DiffOp::Insert { new_index, new_len, .. } | DiffOp::Replace { new_index, new_len, .. } => {
                Some(new(new_index, new_len))
            }
            DiffOp::Delete { .. } => None,
        };
        let parts = diff.ops().iter().filter_map(part).collect();
        Self { path: edit.path, base: edit.base, parts, left_out: edit.left_out }
    }

    /// The edited text again, whatever the file holds now; `None` when a line with a secret is needed that the file
    /// does not hold any more.
    fn restore(&self) -> Option<Unsaved> {
        let saved = String::from_utf8(std::fs::read(&self.path).unwrap_or_default()).ok()?;
        let is_same = self.base.is_empty() || Hash::of(saved.as_bytes()).hex() == self.base;
        let lines = lines(&saved);
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::New(new) => text.push_str(new),
                Part::Same { from, count, .. } if is_same => {
                    text.extend(lines.get(*from..from + count)?.iter().copied());
                }
                Part::Same { count, said, .. } => {
                    for line in said {
                        text.push_str(line.as_deref()?);
                    }
                    // Written by an earlier version, without what the lines said.
                    if said.len() != *count {
                        return None;
                    }
                }
            }
        }
        Some(Unsaved {
            path: self.path.clone(),
            base: self.base.clone(),
            saved: saved.into(),
            text,
            left_out: self.left_out.clone(),
        })
    }
}

/// The lines of a file as far as they may be written down: none that lies under a secret key or shows a secret, and
/// none at all of what is no YAML.
fn plain(text: &str, redactor: &Redactor) -> Vec<Option<String>> {
    let known = yaml::parse(text).ok();
    let is_secret = |number: usize| {
        let Some(parsed) = &known else { return true };
        let mut path = parsed.spans.path_at(number);
        loop {
            if redactor.is_secret(&path) {
                return true;
            }
            match path.parent() {
                Some(parent) => path = parent,
                None => return false,
            }
        }
    };
    let fits = |number: usize, line: &str| !is_secret(number) && redactor.text(line) == line;
    lines(text)
        .into_iter()
        .enumerate()
        .map(|(index, line)| fits(index + 1, line).then(|| line.to_owned()))
        .collect()
}

fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').collect()
}

fn file(shared: &Shared) -> PathBuf {
    let root = Hash::of(shared.given.root.as_os_str().as_encoded_bytes()).hex();
    let name: String = root.chars().take(16).collect();
    shared.folders.state.join("recovery").join(format!("{name}.json"))
}

/// Writes the edits down, or removes the log when there are none; then the logs whose edits are in it go.
pub(super) async fn keep(shared: Shared, edits: Vec<Unsaved>, taken: Vec<PathBuf>) {
    let (path, redactor) = (file(&shared), shared.redactor());
    let kept = tokio::task::spawn_blocking(move || {
        write(&path, edits, &redactor)?;
        for aside in taken {
            let _ = std::fs::remove_file(aside);
        }
        Ok(())
    })
    .await;
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
    let edits: Vec<Kept> =
        edits.into_iter().map(|edit| Kept::of(without_secrets(edit, redactor), redactor)).collect();
    let text = serde_json::to_string(&edits)
        .map_err(|error| Error::new("cannot write the recovery log").because(error))?;
    atomic::write_private(path, text.as_bytes())?;
    Ok(())
}

/// How the names of logs end that wait for an answer.
const ASIDE: &str = "offered.json";

/// What an earlier run left, and even earlier ones whose question was never answered, oldest first.
pub(super) async fn load(shared: Shared) {
    let log = file(&shared);
    let found = tokio::task::spawn_blocking(move || set_aside(&log)).await;
    for (aside, kept) in found.unwrap_or_default() {
        let (restored, lost): (Vec<_>, Vec<_>) =
            kept.into_iter().map(|kept| (kept.restore(), kept.path)).partition(|(edit, _)| edit.is_some());
        for (_, path) in &lost {
            let error = Error::new(
                "unsaved edits of an earlier run do not fit: the file changed since, where secrets were",
            )
            .at(path.display().to_string())
            .next(format!("the edited lines are in {}", aside.display()));
            shared.answer(Message::Failed(error)).await;
        }
        let edits: Vec<Unsaved> = restored.into_iter().filter_map(|(edit, _)| edit).collect();
        // What could not be offered stays in its file.
        let aside = if lost.is_empty() { aside } else { kept_aside(&aside).unwrap_or(aside) };
        if !edits.is_empty() {
            shared.answer(Message::Unsaved { aside, edits }).await;
        }
    }
}

/// Gives the log of the last run a name of its own, and reads all that wait.
fn set_aside(log: &Path) -> Vec<(PathBuf, Vec<Kept>)> {
    if log.exists() {
        let at = jiff::Timestamp::now().as_nanosecond();
        let _ = std::fs::rename(log, log.with_extension(format!("{at}-{}.{ASIDE}", std::process::id())));
    }
    let (Some(folder), Some(stem)) = (log.parent(), log.file_stem().and_then(|stem| stem.to_str())) else {
        return Vec::new();
    };
    let mut waiting: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            name.starts_with(&format!("{stem}.")) && name.ends_with(ASIDE)
        })
        .collect();
    waiting.sort();
    let read = |path: PathBuf| {
        let kept = serde_json::from_str(&std::fs::read_to_string(&path).ok()?).ok()?;
        Some((path, kept))
    };
    waiting.into_iter().filter_map(read).collect()
}

fn kept_aside(aside: &Path) -> Option<PathBuf> {
    let kept = aside.with_extension("kept");
    std::fs::rename(aside, &kept).ok().map(|()| kept)
}

/// Edits that were not taken back are kept as a file of their own.
pub(super) async fn declined(shared: Shared, aside: PathBuf) {
    if let Some(kept) = kept_aside(&aside) {
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
        let written = serde_json::to_string(&Kept::of(
            without_secrets(edit.clone(), &Redactor::new()),
            &Redactor::new(),
        ))
        .unwrap();
        assert!(written.contains("replicas: 3") && !written.contains("planted-canary"), "{written}");
        let read = || serde_json::from_str::<Kept>(&written).unwrap();
        assert_eq!(read().restore(), Some(edit));
        std::fs::write(&path, "another: text\n").unwrap();
        assert_eq!(
            read().restore(),
            None,
            "a secret that the file does not hold any more cannot be given back"
        );
    }

    #[test]
    fn edits_fit_a_file_that_changed_when_they_need_no_secret_of_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("values.yaml");
        let saved = "a: 1\nb: 1\n";
        let edit = Unsaved {
            path: path.clone(),
            base: Hash::of(saved.as_bytes()).hex(),
            saved: Arc::from(saved),
            text: "a: 1\nb: 2\n".to_owned(),
            left_out: Vec::new(),
        };
        std::fs::write(&path, "a: 5\nb: 1\n").unwrap();
        let back = Kept::of(edit, &Redactor::new()).restore().unwrap();
        assert_eq!((back.text.as_str(), &*back.saved), ("a: 1\nb: 2\n", "a: 5\nb: 1\n"));
    }

    #[test]
    fn logs_that_were_never_answered_for_are_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("root.json");
        for run in ["first", "second"] {
            let kept = Kept {
                path: run.into(),
                base: String::new(),
                parts: vec![Part::New(format!("{run}\n"))],
                left_out: Vec::new(),
            };
            std::fs::write(&log, serde_json::to_string(&[kept]).unwrap()).unwrap();
            set_aside(&log);
        }
        let found = set_aside(&log);
        let paths: Vec<_> = found.iter().map(|(_, kept)| kept[0].path.display().to_string()).collect();
        assert_eq!(paths, ["first", "second"]);
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

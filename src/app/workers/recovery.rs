//! The recovery log: unsaved edits of a workspace, at most a second behind, gone once they are saved. No secret is
//! in it: a changed value under a secret key is put back to what the file holds, and the key is named.

use std::path::PathBuf;

use serde_json::Value;

use crate::base::hash::Hash;
use crate::base::redact::Redactor;
use crate::base::{Error, Result, atomic};
use crate::session::{Message, Unsaved};
use crate::yaml::{self, KeyPath};

use super::Shared;

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

fn write(path: &std::path::Path, edits: Vec<Unsaved>, redactor: &Redactor) -> Result<()> {
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
    let edits: Vec<Unsaved> = edits.into_iter().map(|edit| without_secrets(edit, redactor)).collect();
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
        serde_json::from_str::<Vec<Unsaved>>(&text).ok()
    })
    .await;
    let unsaved = found.ok().flatten().unwrap_or_default();
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

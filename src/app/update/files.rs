//! Files and their edits, for every room: saving, undoing, handing over to the operator's editor, and what to do
//! about a file that changed on disk or edits that an earlier run left.

use std::path::{Path, PathBuf};

use crate::app::model::Model;
use crate::base::redact::Redactor;
use crate::session::{Ask, Choice, Document, Effect, Goto, Session, Then, Unsaved};
use crate::ui::{Rich, Role};

impl Model {
    /// The operator's editor sees the disk: what is not saved would be in its way.
    pub(super) fn hand_over(&mut self) -> Vec<Effect> {
        let Some(path) = self.session.focused_file.clone() else {
            self.session.say("no file has the focus here");
            return Vec::new();
        };
        if self.session.documents.get(&path).is_some_and(Document::is_dirty) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.session.warn(format!(
                "{name} has unsaved edits that your editor would not see: save (s) or undo (u) them first"
            ));
            return Vec::new();
        }
        vec![Effect::OpenEditor { path, line: self.session.focused_line }]
    }

    pub(super) fn save_focused(&mut self) -> Vec<Effect> {
        let dirty: Vec<PathBuf> = self.session.documents.dirty().map(|d| d.path.clone()).collect();
        let focused = self.session.focused_file.clone().filter(|path| dirty.contains(path));
        match (focused, dirty.as_slice()) {
            (Some(path), _) => self.save(&path),
            (None, []) => {
                self.session.say("nothing to save");
                Vec::new()
            }
            (None, [only]) => self.save(&only.clone()),
            (None, _) => self.ask_save_all(),
        }
    }

    pub(super) fn save(&mut self, path: &Path) -> Vec<Effect> {
        match self.session.documents.get(path) {
            Some(document) if document.theirs.is_some() => {
                ask_conflict(&mut self.session, path);
                Vec::new()
            }
            Some(document) => {
                let (text, expect) = (document.text.clone(), document.disk);
                self.session.disk_moves();
                vec![Effect::Save { path: path.to_owned(), text, expect }]
            }
            None => Vec::new(),
        }
    }

    pub(super) fn ask_save_all(&mut self) -> Vec<Effect> {
        let (paths, choices): (Vec<PathBuf>, Vec<Choice>) =
            self.session.documents.dirty().map(|document| self.unsaved_choice(document)).unzip();
        if paths.is_empty() {
            self.session.say("nothing to save");
        } else {
            let title = "Save: Space marks, Enter saves the marked".to_owned();
            self.session.ask(Ask::Mark { title, choices }, Then::SaveMarked(paths));
        }
        Vec::new()
    }

    /// A file of the list to save, with the lines that would be written and those that would go.
    pub(super) fn unsaved_choice(&self, document: &Document) -> (PathBuf, Choice) {
        let lines = document.changed_lines();
        let added = lines.iter().filter(|line| line.added).count();
        let root = &self.session.given.root;
        let name = document.path.strip_prefix(root).unwrap_or(&document.path).display().to_string();
        // What was just typed may be a secret that the redactor has not learned from the disk.
        let redactor = Redactor::clone(&self.session.redactor);
        let redactor = [&document.saved, &document.text]
            .into_iter()
            .filter_map(|text| crate::yaml::read(text).ok())
            .fold(redactor, |redactor, values| redactor.learn(&values));
        let digits = lines.iter().map(|line| line.number).max().unwrap_or(1).to_string().len();
        let shown = lines.iter().map(|line| {
            let (role, mark) = if line.added { (Role::Added, '+') } else { (Role::Removed, '-') };
            let text = crate::base::text::neutralise(&redactor.text(&line.text)).into_owned();
            Rich::of(Role::Gutter, format!("{:>digits$} ", line.number)).then(role, format!("{mark} {text}"))
        });
        let detail = format!("+{added} -{} lines", lines.len() - added);
        (document.path.clone(), Choice::new(name).detail(detail).current(true).lines(shown.collect()))
    }

    pub(super) fn undo(&mut self, back: bool) -> Vec<Effect> {
        let path = self.session.focused_file.clone().or_else(|| {
            let mut dirty = self.session.documents.dirty();
            dirty.next().map(|document| document.path.clone()).filter(|_| dirty.next().is_none())
        });
        let Some(path) = path else {
            self.session.say("no file has the focus here");
            return Vec::new();
        };
        // The generated file beside an environment's own has no cursor of its own: the newer of their edits is meant.
        let view = self.session.environment().filter(|view| view.own.as_ref() == Some(&path));
        let generated = view.iter().filter_map(|view| view.generated.as_ref());
        let newest = self.session.documents.newest(generated.chain([&path]), back).cloned();
        let path = newest.unwrap_or(path);
        let done = if back { self.session.documents.undo(&path) } else { self.session.documents.redo(&path) };
        let word = if back { "undid" } else { "redid" };
        match done {
            Some((what, files)) => {
                let names: Vec<String> = files
                    .iter()
                    .filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()))
                    .collect();
                self.session.say(format!("{word} {what} in {}", names.join(", ")));
            }
            None => self.session.say(format!("nothing to {}", if back { "undo" } else { "redo" })),
        }
        Vec::new()
    }

    /// 0 ours, 1 theirs, 2 both in the editor with marks.
    pub(super) fn resolve_conflict(&mut self, path: &Path, choice: usize) -> Vec<Effect> {
        let Some(document) = self.session.documents.get(path) else { return Vec::new() };
        let Some(theirs) = document.theirs.clone() else { return Vec::new() };
        let ours = document.text.clone();
        self.session.documents.keep_ours(path);
        match choice {
            0 => self.save(path),
            1 => {
                self.session.documents.edit("taking the file from disk", [(path.to_owned(), theirs.0)]);
                Vec::new()
            }
            _ => {
                let both = crate::session::document::both_with_marks(&ours, &theirs.0);
                self.session.documents.edit("merging with the file on disk", [(path.to_owned(), both)]);
                self.session.goto = Some(Goto::Line { file: path.to_owned(), line: 1 });
                Vec::new()
            }
        }
    }
}

pub(super) fn ask_conflict(session: &mut Session, path: &Path) {
    let name = path.strip_prefix(&session.given.root).unwrap_or(path).display().to_string();
    let choices = vec![
        Choice::new("save ours").detail("write the edited text over what is on disk now"),
        Choice::new("take theirs").detail("the edits stay one undo away"),
        Choice::new("both, with marks").detail("open the text with both versions where they differ"),
    ];
    let title = format!("{name} changed on disk while it was edited here");
    session.ask(Ask::Choose { title, choices }, Then::Conflict(path.to_owned()));
}

/// Offers what an earlier run left unsaved.
pub(super) fn ask_recover(session: &mut Session, aside: &Path, unsaved: &[Unsaved]) -> Vec<Effect> {
    // What was saved after all is no loss.
    let differs = |edit: &&Unsaved| {
        session.documents.get(&edit.path).is_none_or(|document| *document.text != *edit.text)
    };
    let unsaved: Vec<Unsaved> = unsaved.iter().filter(differs).cloned().collect();
    if unsaved.is_empty() {
        session.keep_again();
        return vec![Effect::UnsavedAnswered { aside: aside.to_owned(), taken: true }];
    }
    let mut body = vec!["An earlier run ended with edits that were not saved:".to_owned()];
    for edit in &unsaved {
        let name = edit.path.strip_prefix(&session.given.root).unwrap_or(&edit.path).display().to_string();
        let disk =
            session.documents.get(&edit.path).and_then(|document| document.disk).map(|hash| hash.hex());
        let moved = if disk.unwrap_or_default() == edit.base {
            ""
        } else {
            "  (the file changed since: saving asks which to keep)"
        };
        body.push(format!("  {name}{moved}"));
        if !edit.left_out.is_empty() {
            body.push(format!("    secret, so not kept: {}", edit.left_out.join(", ")));
        }
    }
    body.push("Taken back they are unsaved edits again: look at them, save or undo them.".to_owned());
    let ask = Ask::Confirm {
        title: "Unsaved edits".to_owned(),
        body,
        deed: "Take the edits back".to_owned(),
        typed: None,
    };
    session.ask(ask, Then::Recover { aside: aside.to_owned(), edits: unsaved });
    Vec::new()
}

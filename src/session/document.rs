//! The text of values files is the truth: one [`Document`] per file for all rooms, with its undo steps and with
//! what the disk held when it was read. Nothing here touches the disk; loading and saving are effects.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::base::hash::Hash;

/// One undoable edit.
#[derive(Debug, Clone)]
struct Step {
    /// The text before the edit (in `undo`) or after it (in `redo`).
    text: Arc<str>,
    /// What the edit did, for "undid …".
    what: String,
    /// Steps of several documents with one number are undone together.
    transaction: u64,
}

/// A file being edited.
#[derive(Debug, Clone)]
pub struct Document {
    /// Absolute.
    pub path: PathBuf,
    /// What the disk held when it was last read or written by us; `None` for a file that does not exist yet.
    pub disk: Option<Hash>,
    /// The text on disk, for the list of changed lines.
    pub saved: Arc<str>,
    /// The text as edited.
    pub text: Arc<str>,
    /// What somebody else wrote to the file while it had unsaved edits: text and hash. Saving waits for a choice.
    pub theirs: Option<(Arc<str>, Option<Hash>)>,
    undo: Vec<Step>,
    redo: Vec<Step>,
    /// Typing since the last pause is one step: the time of the last keystroke's step in milliseconds.
    typing_since: Option<i64>,
}

/// Typing pauses shorter than this join the same undo step.
const TYPING_PAUSE_MS: i64 = 700;

impl Document {
    fn new(path: PathBuf, text: Arc<str>, disk: Option<Hash>) -> Self {
        Self {
            path,
            disk,
            saved: text.clone(),
            text,
            theirs: None,
            undo: Vec::new(),
            redo: Vec::new(),
            typing_since: None,
        }
    }

    /// Whether the text differs from the disk's.
    pub fn is_dirty(&self) -> bool {
        self.text != self.saved
    }

    /// Whether there is something to undo.
    pub fn can_undo(&self) -> bool {
        !self.undo.is_empty()
    }

    /// Added and removed lines against the saved text, in the order of the text.
    pub fn changed_lines(&self) -> Vec<ChangedLine> {
        let diff = similar::TextDiff::from_lines(&*self.saved, &*self.text);
        let changed = |change: similar::Change<&str>| {
            let (added, index) = match change.tag() {
                similar::ChangeTag::Insert => (true, change.new_index()),
                similar::ChangeTag::Delete => (false, change.old_index()),
                similar::ChangeTag::Equal => return None,
            };
            let text = change.value().trim_end_matches(['\r', '\n']).to_owned();
            Some(ChangedLine { added, number: index.unwrap_or_default() + 1, text })
        };
        diff.iter_all_changes().filter_map(changed).collect()
    }
}

/// A line that an edit added or removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedLine {
    pub added: bool,
    /// From 1; of the edited text when added, of the saved one when removed.
    pub number: usize,
    /// Without its line end.
    pub text: String,
}

/// All files of the session by absolute path.
#[derive(Debug, Clone, Default)]
pub struct Documents {
    by_path: BTreeMap<PathBuf, Document>,
    transaction: u64,
    /// Counts every change of any text; results of background work carry the number they were computed for.
    generation: u64,
}

impl Documents {
    /// The number of the present state of all texts.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The document of a path, if it was loaded or created.
    pub fn get(&self, path: &Path) -> Option<&Document> {
        self.by_path.get(path)
    }

    /// All documents in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = &Document> {
        self.by_path.values()
    }

    /// Those with unsaved edits.
    pub fn dirty(&self) -> impl Iterator<Item = &Document> {
        self.iter().filter(|document| document.is_dirty())
    }

    /// Takes what the disk holds. A clean document follows the disk; one with unsaved edits keeps them and is
    /// marked as in conflict.
    pub fn loaded(&mut self, path: &Path, text: Arc<str>, disk: Option<Hash>) {
        match self.by_path.get_mut(path) {
            Some(document) if document.disk == disk => {}
            Some(document) if document.is_dirty() => {
                if document.text == text {
                    document.saved = text;
                    document.disk = disk;
                    document.theirs = None;
                } else {
                    document.theirs = Some((text, disk));
                }
            }
            // What was undoable stays so: reading the disk must never cost a step back.
            Some(document) => {
                self.transaction += 1;
                let before = std::mem::replace(&mut document.text, text.clone());
                document.saved = text;
                document.disk = disk;
                document.theirs = None;
                if before != document.text {
                    let what = "the change on disk".to_owned();
                    document.undo.push(Step { text: before, what, transaction: self.transaction });
                    document.redo.clear();
                }
                document.typing_since = None;
                self.generation += 1;
            }
            None => {
                self.by_path.insert(path.to_owned(), Document::new(path.to_owned(), text, disk));
                self.generation += 1;
            }
        }
    }

    /// Notes that a file is not on disk any more; says whether it has unsaved edits. Those are kept, and saving makes the
    /// file anew. Without any its text goes, one undo step away.
    pub fn gone(&mut self, path: &Path) -> Option<bool> {
        let document = self.by_path.get_mut(path).filter(|document| document.disk.is_some())?;
        let dirty = document.is_dirty();
        document.disk = None;
        document.theirs = None;
        document.saved = Arc::from("");
        if !dirty && !document.text.is_empty() {
            self.transaction += 1;
            let text = std::mem::replace(&mut document.text, Arc::from(""));
            let what = "the deletion on disk".to_owned();
            document.undo.push(Step { text, what, transaction: self.transaction });
            document.redo.clear();
            document.typing_since = None;
        }
        self.generation += 1;
        Some(dirty)
    }

    /// Notes that `text` was written.
    pub fn saved(&mut self, path: &Path, text: Arc<str>, disk: Hash) {
        if let Some(document) = self.by_path.get_mut(path) {
            document.saved = text;
            document.disk = Some(disk);
            document.theirs = None;
            self.generation += 1;
        }
    }

    /// Notes that a save was refused because the disk holds something else.
    pub fn conflicts(&mut self, path: &Path, text: Arc<str>, disk: Option<Hash>) {
        if let Some(document) = self.by_path.get_mut(path) {
            document.theirs = Some((text, disk));
        }
    }

    /// Notes that the edited text was made on another state of the file than the disk holds, by the hash it had then:
    /// saving asks which to keep.
    pub fn moved_since(&mut self, path: &Path, base: &str) {
        if let Some(document) = self.by_path.get_mut(path)
            && document.disk.is_some_and(|disk| disk.hex() != base)
            && document.is_dirty()
        {
            document.theirs = Some((document.saved.clone(), document.disk));
        }
    }

    /// Ends a conflict: from now on our text is an edit of what the disk holds.
    pub fn keep_ours(&mut self, path: &Path) {
        if let Some(document) = self.by_path.get_mut(path)
            && let Some((text, disk)) = document.theirs.take()
        {
            document.saved = text;
            document.disk = disk;
            self.generation += 1;
        }
    }

    /// Replaces the texts of one or several files as one undo step. `what` completes "undid …".
    pub fn edit(&mut self, what: &str, edits: impl IntoIterator<Item = (PathBuf, Arc<str>)>) {
        self.transaction += 1;
        for (path, text) in edits {
            let transaction = self.transaction;
            let document =
                self.by_path.entry(path.clone()).or_insert_with(|| Document::new(path, Arc::from(""), None));
            if document.text == text {
                continue;
            }
            let before = std::mem::replace(&mut document.text, text);
            document.undo.push(Step { text: before, what: what.to_owned(), transaction });
            document.redo.clear();
            document.typing_since = None;
            self.generation += 1;
        }
    }

    /// Replaces the text of one file while somebody types: keystrokes close together are one undo step.
    pub fn type_text(&mut self, path: &Path, text: Arc<str>, now_ms: i64) {
        let Some(document) = self.by_path.get_mut(path) else { return };
        if document.text == text {
            return;
        }
        let joins = document.typing_since.is_some_and(|last| now_ms - last < TYPING_PAUSE_MS);
        let before = std::mem::replace(&mut document.text, text);
        if !joins || document.undo.is_empty() {
            self.transaction += 1;
            document.undo.push(Step {
                text: before,
                what: "typing".to_owned(),
                transaction: self.transaction,
            });
        }
        document.redo.clear();
        document.typing_since = Some(now_ms);
        self.generation += 1;
    }

    /// Undoes the last edit of `path` with everything that was edited together with it.
    /// Gives what was undone and in which files; `None` when there is nothing.
    pub fn undo(&mut self, path: &Path) -> Option<(String, Vec<PathBuf>)> {
        let transaction = self.by_path.get(path)?.undo.last()?.transaction;
        Some(self.step(transaction, true))
    }

    /// Redoes what [`Documents::undo`] undid last in `path`.
    pub fn redo(&mut self, path: &Path) -> Option<(String, Vec<PathBuf>)> {
        let transaction = self.by_path.get(path)?.redo.last()?.transaction;
        Some(self.step(transaction, false))
    }

    /// The one of some files whose last step to undo, or to redo, is the newest.
    pub fn newest<'p>(
        &self,
        paths: impl IntoIterator<Item = &'p PathBuf>,
        back: bool,
    ) -> Option<&'p PathBuf> {
        let newest = |path: &PathBuf| {
            let document = self.by_path.get(path)?;
            let step = if back { document.undo.last() } else { document.redo.last() };
            step.map(|step| step.transaction)
        };
        let steps = paths.into_iter().filter_map(|path| Some((newest(path)?, path)));
        steps.max_by_key(|(transaction, _)| *transaction).map(|(_, path)| path)
    }

    fn step(&mut self, transaction: u64, back: bool) -> (String, Vec<PathBuf>) {
        let mut what = String::new();
        let mut paths = Vec::new();
        for document in self.by_path.values_mut() {
            let (from, to) = if back {
                (&mut document.undo, &mut document.redo)
            } else {
                (&mut document.redo, &mut document.undo)
            };
            if from.last().is_some_and(|step| step.transaction == transaction)
                && let Some(mut step) = from.pop()
            {
                std::mem::swap(&mut step.text, &mut document.text);
                what.clone_from(&step.what);
                paths.push(document.path.clone());
                to.push(step);
                document.typing_since = None;
            }
        }
        self.generation += 1;
        (what, paths)
    }
}

/// Two versions in one text, with marks where they differ; what is the same stands once.
pub fn both_with_marks(ours: &str, theirs: &str) -> Arc<str> {
    let diff = similar::TextDiff::from_lines(ours, theirs);
    let mut both = String::new();
    let push = |both: &mut String, line: &str| {
        both.push_str(line);
        if !line.ends_with('\n') {
            both.push('\n');
        }
    };
    for op in diff.ops() {
        if op.tag() == similar::DiffTag::Equal {
            diff.iter_changes(op).for_each(|change| both.push_str(change.value()));
            continue;
        }
        both.push_str("<<<<<<< edited here\n");
        diff.iter_changes(op)
            .filter(|change| change.tag() == similar::ChangeTag::Delete)
            .for_each(|change| push(&mut both, change.value()));
        both.push_str("=======\n");
        diff.iter_changes(op)
            .filter(|change| change.tag() == similar::ChangeTag::Insert)
            .for_each(|change| push(&mut both, change.value()));
        both.push_str(">>>>>>> on disk\n");
    }
    Arc::from(both)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn loaded(texts: &[(&str, &str)]) -> Documents {
        let mut documents = Documents::default();
        for (path, text) in texts {
            documents.loaded(Path::new(path), Arc::from(*text), Some(Hash::of(text.as_bytes())));
        }
        documents
    }

    fn text(documents: &Documents, path: &str) -> String {
        documents.get(Path::new(path)).unwrap().text.to_string()
    }

    #[test]
    fn an_edit_over_two_files_is_undone_whole() {
        let mut documents = loaded(&[("a", "1"), ("b", "1")]);
        documents.edit("promote", [("a".into(), Arc::from("2")), ("b".into(), Arc::from("2"))]);
        documents.edit("set x", [("b".into(), Arc::from("3"))]);
        assert_eq!(documents.undo(Path::new("b")).unwrap().0, "set x");
        let (what, paths) = documents.undo(Path::new("b")).unwrap();
        assert_eq!((what.as_str(), paths.len()), ("promote", 2));
        assert_eq!(text(&documents, "a"), "1");
        documents.redo(Path::new("a")).unwrap();
        assert_eq!((text(&documents, "a"), text(&documents, "b")), ("2".into(), "2".into()));
    }

    #[test]
    fn typing_is_one_step_until_a_pause() {
        let mut documents = loaded(&[("a", "")]);
        for (i, typed) in ["r", "re", "rep"].into_iter().enumerate() {
            documents.type_text(Path::new("a"), Arc::from(typed), 100 * i64::try_from(i).unwrap());
        }
        documents.type_text(Path::new("a"), Arc::from("repl"), 5_000);
        documents.undo(Path::new("a"));
        assert_eq!(text(&documents, "a"), "rep");
        documents.undo(Path::new("a"));
        assert_eq!(text(&documents, "a"), "");
        assert!(documents.undo(Path::new("a")).is_none());
    }

    #[test]
    fn a_change_on_disk_never_takes_unsaved_text() {
        let mut documents = loaded(&[("a", "old")]);
        documents.edit("set", [("a".into(), Arc::from("mine"))]);
        documents.loaded(Path::new("a"), Arc::from("theirs"), Some(Hash::of(b"theirs")));
        let document = documents.get(Path::new("a")).unwrap();
        assert!(document.theirs.is_some() && &*document.text == "mine");
        documents.keep_ours(Path::new("a"));
        let document = documents.get(Path::new("a")).unwrap();
        assert!(document.is_dirty() && document.disk == Some(Hash::of(b"theirs")));
    }

    #[test]
    fn a_clean_document_follows_the_disk_and_keeps_its_steps() {
        let mut documents = loaded(&[("a", "old")]);
        documents.edit("set", [("a".into(), Arc::from("mine"))]);
        documents.saved(Path::new("a"), Arc::from("mine"), Hash::of(b"mine"));
        documents.loaded(Path::new("a"), Arc::from("theirs"), Some(Hash::of(b"theirs")));
        assert_eq!(text(&documents, "a"), "theirs");
        assert_eq!(documents.undo(Path::new("a")).unwrap().0, "the change on disk");
        assert_eq!(documents.undo(Path::new("a")).unwrap().0, "set");
        assert_eq!(text(&documents, "a"), "old");
    }

    #[test]
    fn a_deleted_file_loses_its_text_and_no_edit() {
        let mut documents = loaded(&[("a", "old"), ("b", "old")]);
        documents.edit("set", [("b".into(), Arc::from("mine"))]);
        assert_eq!(documents.gone(Path::new("a")), Some(false));
        assert_eq!(documents.gone(Path::new("b")), Some(true));
        assert_eq!((text(&documents, "a"), text(&documents, "b")), (String::new(), "mine".into()));
        assert_eq!(documents.gone(Path::new("b")), None, "told once");
        let dirty: Vec<_> =
            documents.dirty().map(|document| (document.path.clone(), document.disk)).collect();
        assert_eq!(dirty, [(PathBuf::from("b"), None)]);
        assert_eq!(documents.undo(Path::new("a")).unwrap().0, "the deletion on disk");
        assert_eq!(text(&documents, "a"), "old");
    }

    #[test]
    fn both_versions_stand_where_they_differ_only() {
        let both = both_with_marks("a: 1\nb: 2\n", "a: 1\nb: 3\n");
        assert_eq!(&*both, "a: 1\n<<<<<<< edited here\nb: 2\n=======\nb: 3\n>>>>>>> on disk\n");
    }
}

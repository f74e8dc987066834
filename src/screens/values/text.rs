//! The text pane of Values: the file that sets the key under the cursor, or the one that is typed in. What is
//! shown hides secrets; the text that is typed in is the document itself, as it will be saved.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::session::{Action, Command, Session};
use crate::ui::chrome::Pane;
use crate::ui::editor::{Edited, Editor, EditorState};
use crate::ui::{Rich, Role};
use crate::yaml::Spans;

use super::{Focus, Look, Values};

/// Colours of a file's lines.
type Colours = Vec<Vec<(std::ops::Range<usize>, Role)>>;

/// Larger texts are not coloured: a key press must stay instant.
const COLOURED: usize = 256 * 1024;

/// The pane's own state.
#[derive(Debug, Default)]
pub(super) struct TextPane {
    pub editor: EditorState,
    pub file: Option<PathBuf>,
    pub typing: bool,
    /// The document's text that the editor was made for, and whether secrets are hidden in it.
    shown: Option<(Arc<str>, bool)>,
    colours: Colours,
}

impl TextPane {
    /// Shows a file at a line, counted from 1, with secrets hidden.
    pub(super) fn show(&mut self, session: &Session, file: &Path, line: Option<usize>) {
        let text = session.text(file).unwrap_or_default();
        if self.file.as_deref() != Some(file) {
            self.file = Some(file.to_owned());
            self.shown = None;
        }
        self.take(session, &text);
        if let Some(line) = line {
            self.editor.go_to(line.saturating_sub(1), 0);
        }
    }

    /// Takes the text of the document if it is another one than is shown.
    fn take(&mut self, session: &Session, text: &Arc<str>) {
        let hidden = !self.typing;
        let known =
            |(shown, was): &(Arc<str>, bool)| *was == hidden && (Arc::ptr_eq(shown, text) || shown == text);
        if self.shown.as_ref().is_some_and(known) {
            return;
        }
        if hidden {
            self.editor.set_text(&session.redactor.text(text));
        } else {
            self.editor.set_text(text);
        }
        self.shown = Some((text.clone(), hidden));
        self.colour();
    }

    fn colour(&mut self) {
        let text = self.editor.text();
        self.colours = if text.len() < COLOURED { crate::screens::highlight(&text) } else { Vec::new() };
    }

    /// After an undo, a reload or an edit elsewhere: the editor follows the document.
    pub(super) fn sync(&mut self, session: &Session) {
        let Some(file) = self.file.clone() else { return };
        if let Some(text) = session.text(&file) {
            self.take(session, &text);
        } else if self.typing && session.documents.get(&file).is_none() {
            self.take(session, &Arc::from(""));
        }
    }

    /// The line under the cursor, counted from 1.
    pub(super) fn line(&self) -> Option<usize> {
        self.file.as_ref().map(|_| self.editor.cursor().0 + 1)
    }

    /// Moves in the text without typing.
    pub(super) fn command(&mut self, command: Command) {
        let (line, column) = self.editor.cursor();
        match command {
            Command::Up => self.editor.go_to(line.saturating_sub(1), column),
            Command::Down => self.editor.go_to(line + 1, column),
            Command::PageUp => self.editor.go_to(line.saturating_sub(10), column),
            Command::PageDown => self.editor.go_to(line + 10, column),
            Command::Top => self.editor.go_to(0, 0),
            Command::Bottom => self.editor.go_to(usize::MAX, 0),
            Command::Left => self.editor.go_to(line, column.saturating_sub(8)),
            Command::Right => self.editor.go_to(line, column + 8),
            _ => {}
        }
    }
}

impl Values {
    pub(super) fn in_editor(&mut self, session: &mut Session, action: &Action) {
        let changed = match action {
            Action::Command(Command::EditorLeave) => {
                self.text.typing = false;
                self.focus = Focus::Tree;
                self.followed = None;
                false
            }
            Action::Text(key) => self.text.editor.key(*key) == Edited::Changed,
            Action::Paste(text) => self.text.editor.paste(text),
            _ => false,
        };
        if changed && let Some(file) = self.text.file.clone() {
            let text: Arc<str> = self.text.editor.text().into();
            if session.documents.get(&file).is_none() {
                session.documents.edit("typing", [(file, text.clone())]);
            } else {
                session.documents.type_text(&file, text.clone(), session.now.as_millisecond());
            }
            self.text.shown = Some((text, false));
            self.text.colour();
        }
    }

    pub(super) fn start_typing(&mut self, session: &mut Session, file: Option<PathBuf>, line: Option<usize>) {
        let own = session.environments.get(self.column).and_then(|view| view.own.clone());
        let Some(file) = file.or(own) else {
            session.say("this environment has no values file to write to");
            return;
        };
        if !session.is_values_file(&file) {
            let shown = crate::screens::relative(session, &file);
            let place = line.map_or(shown.clone(), |line| format!("{shown}:{line}"));
            session.say(format!("{place} is in no values file: edit it in your own editor"));
            return;
        }
        let line = line.or_else(|| {
            let node = self.node()?;
            let text = session.text(&file)?;
            Spans::of(&text).line(&node.path)
        });
        if session.is_generated(&file) {
            let name = crate::screens::relative(session, &file);
            session.say(format!(
                "{name} is generated, so it is shown, not edited: Enter on a key says where to change it"
            ));
        } else {
            self.text.typing = true;
        }
        self.text.show(session, &file, line);
        self.focus = Focus::Text;
        // What is shown stays until the cursor moves.
        self.followed = Some(self.here(session));
    }

    pub(super) fn view_text(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let Some(file) = self.text.file.clone() else {
            Pane::new("Text").draw(frame.buffer_mut(), area, look.theme);
            return;
        };
        let document = session.documents.get(&file);
        let name = crate::screens::relative(session, &file);
        let mut title = Rich::of(Role::Text, name.clone());
        if document.is_some_and(crate::session::Document::is_dirty) {
            title.push(Role::Changed, " *");
        }
        if document.is_none_or(|document| document.disk.is_none()) {
            title.push(Role::Muted, " (new)");
        }
        let mut pane = Pane::new(title).focused(self.focus == Focus::Text).zoomed(look.zoomed);
        let views = &session.environments;
        let stale = views.iter().any(|view| view.generated.as_ref() == Some(&file) && view.stale.is_some());
        if document.is_some_and(|document| document.theirs.is_some()) {
            pane = pane.note(Rich::of(Role::Warn, "changed on disk"));
        } else if stale {
            pane = pane.note(Rich::of(Role::Warn, "stale"));
        } else if session.is_generated(&file) {
            pane = pane.note(Rich::of(Role::Muted, "generated"));
        }
        let inner = pane.draw(frame.buffer_mut(), area, look.theme);
        self.drawn.text = inner;
        let lines: HashSet<usize> = session
            .environments
            .iter()
            .flat_map(|view| &view.problems)
            .filter(|problem| {
                problem.file.as_ref().is_some_and(|f| f.display().to_string() == name || file.ends_with(f))
            })
            .filter_map(|problem| problem.line)
            .collect();
        let signs = |line: usize| lines.contains(&(line + 1)).then_some((Role::Bad, "!"));
        let editor = Editor {
            tokens: &self.text.colours,
            signs: Some(&signs),
            search: None,
            focused: self.text.typing || self.focus == Focus::Text,
        };
        editor.draw(frame.buffer_mut(), inner, &mut self.text.editor, look.theme);
    }
}

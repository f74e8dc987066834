//! What is typed after `/`: a filter over rows, a search in a text.

use crossterm::event::KeyEvent;

use crate::session::{Action, Command};
use crate::ui::filter::summary;
use crate::ui::input::LineEdit;
use crate::ui::{Filter, Rich, Role};

/// One filter with the line it is typed in.
#[derive(Debug, Clone, Default)]
pub(super) struct Search {
    line: LineEdit,
    pub(super) filter: Filter,
    /// It is being typed.
    pub(super) typing: bool,
}

impl Search {
    /// Takes what is typed. `true` when the filter changed.
    pub(super) fn update(&mut self, action: &Action) -> bool {
        let changed = match action {
            Action::Text(key) => self.key(*key),
            Action::Paste(text) => self.line.paste(text),
            Action::Command(Command::FilterKeep) => {
                self.typing = false;
                false
            }
            Action::Command(Command::FilterClear) => {
                self.clear();
                true
            }
            _ => false,
        };
        if changed {
            self.filter = Filter::parse(self.line.text());
        }
        changed
    }

    fn key(&mut self, key: KeyEvent) -> bool {
        self.line.key(key)
    }

    pub(super) fn start(&mut self) {
        self.typing = true;
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.filter.is_empty()
    }

    /// At the right end of a pane's title: the line while it is typed, `12 of 80` after that.
    pub(super) fn note(&self, shown: usize, all: usize) -> Option<Rich> {
        if self.typing {
            let typed = self.line.line(24.min(self.line.text().chars().count() + 1), true, false);
            return Some(Rich::of(Role::Key, "/").join(typed));
        }
        summary(&self.filter, shown, all).map(|words| Rich::of(Role::Match, words))
    }

    /// As [`Search::note`], for a text: what is searched, and the keys to go on.
    pub(super) fn text_note(&self) -> Option<Rich> {
        if self.typing {
            return self.note(0, 0);
        }
        (!self.is_empty())
            .then(|| Rich::of(Role::Match, format!("/{}", self.filter.text())).then(Role::Muted, "  n next"))
    }
}

//! How the tree of Values looks: the columns there is room for, the field that is open, the faces.

use std::collections::HashSet;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::screens::Look;
use crate::session::{Command, Document, Session};
use crate::ui::chrome::Pane;
use crate::ui::face::Face;
use crate::ui::filter::summary;
use crate::ui::input::Input;
use crate::ui::table::{Column, Table};
use crate::ui::{Rich, Role};

use super::input::Field;
use super::tree::TreeRows;
use super::{Focus, Values};

impl Values {
    pub(super) fn view_tree(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let theme = look.theme;
        let focused = self.focus == Focus::Tree;
        let mut pane = Pane::new("Values").focused(focused).zoomed(look.zoomed);
        let leaves = self.nodes.iter().filter(|node| !node.branch).count();
        let shown =
            self.visible.iter().filter(|(i, _)| self.nodes.get(*i).is_some_and(|n| !n.branch)).count();
        if self.filtering {
            pane = pane
                .note(Rich::of(Role::Key, "/").then(Role::Text, self.filter.text()).then(Role::Cursor, " "));
        } else if let Some(words) = summary(&self.filter, shown, leaves) {
            pane = pane.note(Rich::of(Role::Match, words));
        } else if self.only_differing {
            pane = pane.note(Rich::of(Role::Match, format!("only differing: {shown} of {leaves}")));
        }
        let columns = self.columns(session, area.width);
        let hidden = session.environments.len() - columns.len();
        let mut foot = Rich::default();
        if hidden > 0 {
            let words = format!("{hidden} environment{} hidden", if hidden == 1 { "" } else { "s" });
            foot.push(Role::Muted, words);
        }
        let stale = session.environments.iter().filter(|view| view.stale.is_some()).count();
        if stale > 0 {
            let key = session.keymap.hint(Command::Generate).unwrap_or_default();
            foot.push(Role::Muted, if hidden > 0 { " · " } else { "" });
            foot.push(Role::Warn, format!("{} {stale} stale ", theme.glyphs.warn));
            foot = foot.then(Role::Key, key).then(Role::KeyLabel, " generate");
        }
        if !foot.pieces.is_empty() {
            pane = pane.foot(foot);
        }
        let mut inner = pane.draw(frame.buffer_mut(), area, theme);
        if session.environments.is_empty() {
            let face = match (&session.workspace, session.workspace.error()) {
                (_, Some(error)) => Face::Failed { error, hint: Some(("r", "read again")) },
                (crate::session::Fetched::Awaited { since }, _) => Face::Loading {
                    what: "reading the workspace",
                    since: crate::screens::elapsed(*since, session.now),
                },
                _ => Face::Empty {
                    why: "this chart has no environments: nothing maps them and there is no values-<env>.yaml",
                    hint: Some(("3", "map environments to clusters")),
                },
            };
            face.draw(frame.buffer_mut(), inner, theme);
            return;
        }
        if let Some(field) = &self.field {
            let height = 3.min(inner.height);
            let line = Rect { y: inner.bottom() - height, height, ..inner };
            inner.height -= height;
            Self::view_field(session, field, frame, line, look);
        }
        let problems: HashSet<String> = session
            .environments
            .iter()
            .flat_map(|view| view.problems.iter().map(|problem| problem.key.clone()))
            .collect();
        let unread: HashSet<String> = session
            .trace()
            .iter()
            .flat_map(|traced| &traced.unread)
            .filter(|key| !key.dormant)
            .map(|key| key.path.to_string())
            .collect();
        let rows = TreeRows {
            nodes: &self.nodes,
            visible: &self.visible,
            environments: &session.environments,
            columns: &columns,
            filter: &self.filter,
            redactor: &session.redactor,
            problems: &problems,
            unread: &unread,
        };
        let heads = heads(session, &columns);
        self.drawn_columns.clone_from(&columns);
        let cursor = columns.iter().position(|column| *column == self.column).map(|i| i + 1);
        let mut table = Table::new(&heads, &rows).focused(focused).cursor_column(cursor);
        table.marked_column = cursor;
        self.drawn.tree = inner;
        if self.visible.is_empty() {
            Face::Empty { why: "no key matches", hint: Some(("Esc", "clear the filter")) }.draw(
                frame.buffer_mut(),
                inner,
                theme,
            );
        } else {
            table.draw(frame.buffer_mut(), inner, &mut self.list, theme);
        }
    }

    /// The columns there is room for: the target's, then those that differ somewhere, then the rest.
    fn columns(&self, session: &Session, width: u16) -> Vec<usize> {
        let all = session.environments.len();
        let room = usize::from(width.saturating_sub(24) / 8).max(1);
        if all <= room {
            return (0..all).collect();
        }
        let differs = |i: &usize| {
            let (Some(a), Some(b)) = (session.environments.get(*i), session.environments.get(self.column))
            else {
                return false;
            };
            self.node().is_some_and(|node| node.path.get(&a.merged.value) != node.path.get(&b.merged.value))
        };
        let mut chosen = vec![self.column];
        chosen.extend((0..all).filter(|i| *i != self.column && differs(i)));
        chosen.extend((0..all).filter(|i| *i != self.column && !differs(i)));
        chosen.truncate(room);
        chosen.sort_unstable();
        chosen
    }

    fn view_field(session: &Session, field: &Field, frame: &mut Frame, area: Rect, look: &Look) {
        let problem = session
            .environments
            .iter()
            .filter(|view| view.name == field.environment)
            .flat_map(|view| &view.problems)
            .find(|problem| problem.key == field.path.to_string())
            .map(ToString::to_string);
        let input = Input {
            prompt: &format!("{} @ {}", field.path.name(), field.environment),
            line: &field.line,
            choices: &field.choices,
            hint: &field.hint(),
            error: field.error.as_deref().or(problem.as_deref()),
            secret: field.secret,
            focused: true,
        };
        input.draw(frame.buffer_mut(), area, look.theme);
    }
}

/// The head of every column that is shown.
pub(super) fn heads(session: &Session, columns: &[usize]) -> Vec<Column> {
    let mut heads = vec![Column::fill("", 22)];
    heads.extend(columns.iter().filter_map(|i| session.environments.get(*i)).map(|view| {
        let dirty = view.files.iter().any(|f| session.documents.get(f).is_some_and(Document::is_dirty));
        let mark = if dirty { "*" } else { "" };
        Column::fit(format!("{}{mark}", view.name), 5, 12).right()
    }));
    heads
}

//! The mouse in Values: rows and columns of the tree, the cursor of the text, scrolling in every pane.

use std::collections::HashSet;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::Position;

use crate::session::Session;
use crate::ui::table::Table;

use super::tree::TreeRows;
use super::view::heads;
use super::{Focus, Values};

/// Rows a turn of the wheel moves.
const WHEEL: isize = 3;

impl Values {
    pub(super) fn mouse(&mut self, session: &mut Session, mouse: MouseEvent) {
        let at = Position::new(mouse.column, mouse.row);
        let drawn = self.drawn;
        let wheel = match mouse.kind {
            MouseEventKind::ScrollDown => WHEEL,
            MouseEventKind::ScrollUp => -WHEEL,
            MouseEventKind::Down(MouseButton::Left) => return self.click(session, at),
            _ => return,
        };
        if drawn.text.contains(at) {
            self.text.editor.scroll(wheel);
        } else if self.text.typing {
            // Rows do not move away under somebody who types.
        } else if drawn.tree.contains(at) {
            self.step(wheel);
        } else if drawn.detail.contains(at) {
            self.detail_offset = self.detail_offset.saturating_add_signed(wheel);
        }
    }

    fn click(&mut self, session: &mut Session, at: Position) {
        let drawn = self.drawn;
        if drawn.text.contains(at) {
            self.focus = Focus::Text;
            self.text.editor.click(drawn.text, at.x, at.y);
            return;
        }
        if self.text.typing {
            self.text.typing = false;
            self.followed = None;
        }
        if drawn.detail.contains(at) {
            self.focus = Focus::Detail;
        } else if drawn.tree.contains(at) {
            self.focus = Focus::Tree;
            let (row, column) = self.hit(session, at);
            if let Some(column) = column {
                self.go_to_column(session, column);
            }
            let Some(row) = row else { return };
            let again = row == self.list.index();
            let keys = self.keys();
            self.list.put(keys.as_slice(), row);
            // A click on the name of the row that has the cursor folds it.
            if again
                && column.is_none()
                && let Some(node) = self.node().filter(|node| node.branch)
            {
                self.folds.toggle(&node.key.clone());
            }
        }
    }

    /// Row and environment's column under a cell of the tree.
    fn hit(&self, session: &Session, at: Position) -> (Option<usize>, Option<usize>) {
        let heads = heads(session, &self.drawn_columns);
        let problems = HashSet::new();
        let rows = TreeRows {
            nodes: &self.nodes,
            visible: &self.visible,
            environments: &session.environments,
            columns: &self.drawn_columns,
            filter: &self.filter,
            redactor: &session.redactor,
            problems: &problems,
            unread: &problems,
        };
        let table = Table::new(&heads, &rows);
        let row = table.row_at(self.drawn.tree, at.y, &self.list);
        let column = table.column_at(self.drawn.tree, at.x, &self.list);
        let column = column.filter(|column| *column > 0);
        (row, column.and_then(|column| self.drawn_columns.get(column - 1).copied()))
    }
}

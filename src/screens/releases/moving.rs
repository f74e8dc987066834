//! Moving in rows and texts, the same in every view.

use crate::session::Command;
use crate::ui::ListState;
use crate::ui::text_view::{Lines, TextState};

/// Moves a cursor. `false` for commands that do not move.
pub(super) fn rows(cursor: &mut ListState, keys: &[String], command: Command) -> bool {
    match command {
        Command::Up => cursor.step(keys, -1),
        Command::Down => cursor.step(keys, 1),
        Command::PageUp => cursor.page(keys, -1),
        Command::PageDown => cursor.page(keys, 1),
        Command::Top => cursor.first(keys),
        Command::Bottom => cursor.last(keys),
        _ => return false,
    }
    true
}

/// Scrolls a text. `false` for commands that do not.
pub(super) fn text(state: &mut TextState, lines: &(impl Lines + ?Sized), command: Command) -> bool {
    match command {
        Command::Up => state.scroll(lines, -1),
        Command::Down => state.scroll(lines, 1),
        Command::PageUp => state.page(lines, -1),
        Command::PageDown => state.page(lines, 1),
        Command::Top => state.first(lines),
        Command::Bottom => state.last(lines),
        Command::Left => state.shift(-8),
        Command::Right => state.shift(8),
        Command::Wrap => state.wrap = !state.wrap,
        _ => return false,
    }
    true
}

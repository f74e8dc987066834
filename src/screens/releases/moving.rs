//! Moving in rows, the same in every view.

use crate::session::Command;
use crate::ui::ListState;

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

//! The line below a table that says more of the row under the cursor.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::ui::theme::Theme;
use crate::ui::{Rich, Role};

/// The table's part of an area, and what is left for the line below it, if anything is.
pub(super) fn split(area: Rect) -> (Rect, Option<Rect>) {
    match area.height {
        0..6 => (area, None),
        height => {
            (Rect { height: height - 2, ..area }, Some(Rect { y: area.bottom() - 2, height: 2, ..area }))
        }
    }
}

/// Draws the line, under a rule.
pub(super) fn draw(frame: &mut Frame, foot: Rect, words: &Rich, theme: &Theme) {
    let rule = theme.glyphs.border.horizontal_top.repeat(usize::from(foot.width));
    Rich::of(Role::Border, rule).draw(frame.buffer_mut(), (foot.x, foot.y), foot.width, theme, None);
    words.draw(frame.buffer_mut(), (foot.x, foot.y + 1), foot.width, theme, None);
}

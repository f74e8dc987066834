//! The five faces every pane owes besides its normal one: loading, empty, failed, stale, too small.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::rich::Rich;
use super::text;
use super::theme::{Role, Theme};
use crate::base::Error;

/// Nothing blinks under this: a face for loading is blank until then.
pub const PATIENCE: Duration = Duration::from_millis(200);

/// Why a pane does not show its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Face<'a> {
    /// What is awaited, and for how long already.
    Loading { what: &'a str, since: Duration },
    /// Why there is nothing, and the key that changes it with its label.
    Empty { why: &'a str, hint: Option<(&'a str, &'a str)> },
    /// What, why, what next; and the key that does it.
    Failed { error: &'a Error, hint: Option<(&'a str, &'a str)> },
    /// What does not fit.
    TooSmall { hidden: &'a str },
}

impl Face<'_> {
    /// Draws the face into the inside of a pane.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, theme: &Theme) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let lines = self.lines(area, theme);
        let height = u16::try_from(lines.len()).unwrap_or(u16::MAX);
        let failed = matches!(self, Face::Failed { .. });
        let top = if failed { 0 } else { area.height.saturating_sub(height) / 3 };
        for (line, y) in lines.iter().zip(area.y + top..area.bottom()) {
            let wide = u16::try_from(line.width()).unwrap_or(u16::MAX).min(area.width);
            let x =
                if failed { area.x + u16::from(area.width > 20) } else { area.x + (area.width - wide) / 2 };
            line.draw(buf, (x, y), area.right() - x, theme, None);
        }
    }

    fn lines(&self, area: Rect, theme: &Theme) -> Vec<Rich> {
        let limit = usize::from(area.width.saturating_sub(2).max(1));
        let hint_line = |hint: &Option<(&str, &str)>| {
            hint.map(|(key, label)| Rich::of(Role::Key, key).then(Role::KeyLabel, format!(" {label}")))
        };
        match self {
            Face::Loading { since, .. } if *since < PATIENCE => Vec::new(),
            Face::Loading { what, since } => {
                let spinner = theme.glyphs.spin(since.as_millis());
                let mut line = Rich::of(Role::Busy, format!("{spinner} ")).then(Role::Text, *what);
                if since.as_secs() > 0 {
                    line.push(Role::Muted, format!("  {}", text::duration(since.as_secs())));
                }
                vec![line]
            }
            Face::Empty { why, hint } => {
                let mut lines: Vec<Rich> =
                    text::wrap(why, limit).into_iter().map(|line| Rich::of(Role::Muted, line)).collect();
                if let Some(line) = hint_line(hint) {
                    lines.push(Rich::default());
                    lines.push(line);
                }
                lines
            }
            Face::Failed { error, hint } => {
                let mut lines = Vec::new();
                let headline = format!("{} {}", theme.glyphs.bad, error.headline());
                lines.extend(text::wrap(&headline, limit).into_iter().map(|line| Rich::of(Role::Bad, line)));
                let mut tail = Vec::new();
                if let Some(next) = &error.next {
                    let next = text::wrap(&format!("{} {next}", theme.glyphs.arrow), limit);
                    tail.extend(next.into_iter().map(Rich::from));
                }
                tail.extend(hint_line(hint));
                let mut cause: Vec<Rich> = Vec::new();
                for line in error.cause.iter().flat_map(|cause| cause.lines()) {
                    let wrapped = text::wrap(&format!("  {line}"), limit);
                    cause.extend(wrapped.into_iter().map(|line| Rich::of(Role::Muted, line)));
                }
                // What to do next matters more than the whole cause: that is cut first, and says so.
                let room = usize::from(area.height).saturating_sub(lines.len() + tail.len());
                if cause.len() > room {
                    let hidden = cause.len() + 1 - room.max(1);
                    cause.truncate(room.saturating_sub(1));
                    if room > 0 {
                        let more =
                            format!("  {} {} more", theme.glyphs.ellipsis, text::count(hidden, "line"));
                        cause.push(Rich::of(Role::Muted, more));
                    }
                }
                let gap = usize::from(area.height) > lines.len() + cause.len() + tail.len();
                lines.extend(cause);
                if gap && !tail.is_empty() {
                    lines.push(Rich::default());
                }
                lines.extend(tail);
                lines
            }
            Face::TooSmall { hidden } => {
                let words = format!("too small for {hidden}");
                text::wrap(&words, limit).into_iter().map(|line| Rich::of(Role::Muted, line)).collect()
            }
        }
    }
}

/// The note of a pane whose content is old: `stale, 3m`. Draw the content dimmed beside it.
pub fn stale(seconds: u64) -> Rich {
    Rich::of(Role::Warn, format!("stale, {}", text::age(seconds)))
}

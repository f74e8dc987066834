//! The help above a room: its keys by section, with what they do. Two columns when there is room.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::dialog::overlay;
use super::rich::Rich;
use super::table::scrollbar;
use super::text;
use super::theme::{Role, Theme};

/// One key with what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelpRow {
    pub keys: String,
    pub title: String,
    pub help: String,
}

/// Keys that belong together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    pub title: String,
    pub rows: Vec<HelpRow>,
}

/// Draws the help over `area`; `offset` is the first line shown and is clamped here.
pub fn draw(
    buf: &mut Buffer,
    area: Rect,
    title: &str,
    sections: &[Section],
    offset: &mut usize,
    theme: &Theme,
) {
    let area = area.intersection(buf.area);
    let width = area.width.saturating_sub(4).min(110);
    let inner = usize::from(width.saturating_sub(4));
    let lines = lines(sections, inner);
    let height = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2);
    let height = height.min(area.height.saturating_sub(2).max(area.height.min(5)));
    let foot = Rich::of(Role::Key, "Esc").then(Role::KeyLabel, " close");
    let inside = overlay(buf, area, (width, height), &Rich::of(Role::Title, title), &foot, theme);
    let room = usize::from(inside.height);
    *offset = (*offset).min(lines.len().saturating_sub(room));
    for (line, y) in lines.iter().skip(*offset).zip(inside.top()..inside.bottom()) {
        let x = inside.x + u16::from(inside.width > 2);
        line.draw(buf, (x, y), inside.width.saturating_sub(2), theme, Some(Role::Overlay));
    }
    if lines.len() > room && inside.width > 0 {
        let bar = Rect { x: inside.right() - 1, width: 1, ..inside };
        scrollbar(buf, bar, lines.len(), *offset, theme);
    }
}

fn lines(sections: &[Section], width: usize) -> Vec<Rich> {
    let rows = sections.iter().flat_map(|section| &section.rows);
    let keys = rows.clone().map(|row| text::width(&row.keys)).max().unwrap_or(0).min(width / 3);
    let titles = rows.map(|row| text::width(&row.title)).max().unwrap_or(0).min(width / 3);
    let mut lines = Vec::new();
    for section in sections.iter().filter(|section| !section.rows.is_empty()) {
        if !lines.is_empty() {
            lines.push(Rich::default());
        }
        lines.push(Rich::of(Role::Title, &section.title));
        for row in &section.rows {
            let fill = |text: &str, to: usize| " ".repeat(to.saturating_sub(text::width(text)) + 2);
            let head = Rich::of(Role::Key, format!("  {}", row.keys))
                .then(Role::Text, fill(&row.keys, keys))
                .then(Role::Text, &row.title)
                .then(Role::Text, fill(&row.title, titles));
            // The long words wrap under themselves, or vanish where nothing sensible is left of them.
            let room = width.saturating_sub(head.width());
            if room < 16 {
                lines.push(head);
                continue;
            }
            let indent = head.width();
            for (index, part) in text::wrap(&row.help, room).into_iter().enumerate() {
                let before = if index == 0 { head.clone() } else { Rich::from(" ".repeat(indent)) };
                lines.push(before.then(Role::Muted, part));
            }
        }
    }
    lines
}

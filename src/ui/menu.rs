//! A list to choose from above the screen: environments, themes, copies, the palette. Its owner filters and moves;
//! here is how it looks.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::dialog::overlay;
use super::rich::Rich;
use super::table::scrollbar;
use super::theme::{Role, Theme};

/// Lines at most that a detail takes under the list.
const FOOT: usize = 3;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MenuRow {
    pub label: String,
    /// Byte ranges of the label that the typed filter matched.
    pub matched: Vec<Range<usize>>,
    /// Beside the label, muted.
    pub detail: String,
    /// At the right end: the key that does the same.
    pub key: String,
    /// The present choice.
    pub current: bool,
    /// Whether it is ticked, in lists where several can be.
    pub ticked: Option<bool>,
}

/// A list of choices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Menu<'a> {
    pub title: &'a str,
    /// What the filter left, in the order to show.
    pub rows: &'a [MenuRow],
    /// How many there are without the filter.
    pub total: usize,
    pub cursor: usize,
    /// What was typed to filter.
    pub typed: &'a str,
    /// Under the list, more about its rows; scrolls on its own.
    pub below: &'a [Rich],
    /// First line of it that is shown; clamped while drawing.
    pub offset: usize,
}

/// Where the parts of a menu were drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Places {
    pub rows: Rect,
    /// The row that stands at the top of `rows`.
    pub first: usize,
    /// Where `below` is; empty without it.
    pub below: Rect,
    /// First line of `below` that is shown.
    pub offset: usize,
}

impl Menu<'_> {
    /// Draws the list over `area`. Gives where its parts are, for the mouse.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, theme: &Theme) -> Places {
        let area = area.intersection(buf.area);
        let widest = |text: fn(&MenuRow) -> usize| self.rows.iter().map(text).max().unwrap_or(0);
        let labels = widest(|row| super::text::width(&row.label));
        let details = widest(|row| super::text::width(&row.detail));
        let keys = widest(|row| super::text::width(&row.key));
        let title = super::text::width(self.title) + 6;
        let lines = self.below.iter().map(Rich::width).max().unwrap_or(0) + 4;
        let want = u16::try_from((labels + details + keys + 12).max(title).max(lines)).unwrap_or(u16::MAX);
        let width = want
            .clamp(40, if self.below.is_empty() { 90 } else { 120 })
            .min(area.width.saturating_sub(2).max(area.width.min(20)));
        let below = if self.below.is_empty() { 0 } else { self.below.len() + 1 };
        let foot = self.foot(usize::from(width).saturating_sub(2), labels, keys);
        let lines = self.total + below + usize::from(foot);
        let height = u16::try_from(lines).unwrap_or(u16::MAX).saturating_add(4);
        let height = height.clamp(6, area.height.max(6)).min(area.height.saturating_sub(2).max(5));
        let count = if self.rows.len() == self.total {
            Rich::of(Role::Muted, format!("{}", self.total))
        } else {
            Rich::of(Role::Muted, format!("{} of {}", self.rows.len(), self.total))
        };
        let title = Rich::of(Role::Title, self.title);
        let inside = overlay(buf, area, (width, height), &title, &count, theme);
        if inside.height < 2 || inside.width < 4 {
            return Places { rows: Rect { height: 0, ..inside }, ..Places::default() };
        }
        let prompt = Rich::of(Role::Key, format!("{} ", theme.glyphs.right_more))
            .then(Role::Text, self.typed)
            .then(Role::Cursor, " ");
        let prompt = if self.typed.is_empty() { prompt.then(Role::Muted, " type to filter") } else { prompt };
        prompt.draw(buf, (inside.x + 1, inside.y), inside.width - 1, theme, Some(Role::Overlay));
        let gap = u16::from(inside.height > 4);
        let list = Rect { y: inside.y + 1 + gap, height: inside.height - 1 - gap, ..inside };
        let (list, lower) = if foot > 0 && list.height > foot + 2 {
            self.draw_detail(buf, Rect { y: list.bottom() - foot, height: foot, ..list }, theme);
            (Rect { height: list.height - foot, ..list }, Rect { height: 0, ..list })
        } else {
            self.divide(list)
        };
        let room = usize::from(list.height);
        let first = self.cursor.saturating_sub(room / 2).min(self.rows.len().saturating_sub(room));
        if self.rows.is_empty() {
            Rich::of(Role::Muted, "nothing matches").draw(
                buf,
                (list.x + 2, list.y),
                list.width.saturating_sub(2),
                theme,
                Some(Role::Overlay),
            );
        }
        let bar = u16::from(self.rows.len() > room);
        for (place, (row, y)) in self.rows.iter().skip(first).zip(list.top()..list.bottom()).enumerate() {
            let here = first + place == self.cursor;
            let line = Rect { y, height: 1, width: list.width - bar, ..list };
            draw_row(buf, line, row, here, labels, theme);
        }
        if bar == 1 {
            let column = Rect { x: list.right() - 1, width: 1, ..list };
            scrollbar(buf, column, self.rows.len(), first, theme);
        }
        let offset = self.draw_below(buf, lower, theme);
        Places { rows: list, first, below: lower, offset }
    }

    /// Lines under the list for the row under the cursor, with the rule above them: none where every detail fits
    /// beside its label. As many for every row, so that nothing moves with the cursor.
    fn foot(&self, inner: usize, labels: usize, keys: usize) -> u16 {
        let beside = inner.saturating_sub(labels + keys + 7);
        let cut = |row: &&MenuRow| super::text::width(&row.detail) > beside;
        if !self.below.is_empty() || !self.rows.iter().any(|row| cut(&row)) {
            return 0;
        }
        let lines = |row: &MenuRow| super::text::wrap(&row.detail, inner.saturating_sub(2)).len();
        let most = self.rows.iter().filter(cut).map(lines).max().unwrap_or(0);
        u16::try_from(most.min(FOOT)).unwrap_or(0) + 1
    }

    /// What the row under the cursor says, whole.
    fn draw_detail(&self, buf: &mut Buffer, area: Rect, theme: &Theme) {
        let rule = theme.glyphs.border.horizontal_top.repeat(usize::from(area.width));
        Rich::of(Role::Border, rule).draw(buf, (area.x, area.y), area.width, theme, Some(Role::Overlay));
        let Some(row) = self.rows.get(self.cursor) else { return };
        let room = area.width.saturating_sub(2);
        for (line, y) in
            super::text::wrap(&row.detail, usize::from(room)).iter().zip(area.y + 1..area.bottom())
        {
            Rich::of(Role::Text, line).draw(buf, (area.x + 1, y), room, theme, Some(Role::Overlay));
        }
    }

    /// The list gets what it needs up to a third, the rest is for what stands below it.
    fn divide(&self, whole: Rect) -> (Rect, Rect) {
        let wanted = u16::try_from(self.total).unwrap_or(u16::MAX);
        let upper = wanted.min((whole.height / 3).max(2));
        if self.below.is_empty() || whole.height < upper + 3 {
            return (whole, Rect { height: 0, ..whole });
        }
        let lower = Rect { y: whole.y + upper + 1, height: whole.height - upper - 1, ..whole };
        (Rect { height: upper, ..whole }, lower)
    }

    fn draw_below(&self, buf: &mut Buffer, area: Rect, theme: &Theme) -> usize {
        if area.is_empty() {
            return 0;
        }
        let room = usize::from(area.height);
        let offset = self.offset.min(self.below.len().saturating_sub(room));
        let rule = theme.glyphs.border.horizontal_top.repeat(usize::from(area.width));
        Rich::of(Role::Border, rule).draw(buf, (area.x, area.y - 1), area.width, theme, Some(Role::Overlay));
        let bar = u16::from(self.below.len() > room);
        for (line, y) in self.below.iter().skip(offset).zip(area.top()..area.bottom()) {
            let width = area.width.saturating_sub(2 + bar);
            line.draw(buf, (area.x + 1, y), width, theme, Some(Role::Overlay));
        }
        if bar == 1 {
            let column = Rect { x: area.right() - 1, width: 1, ..area };
            scrollbar(buf, column, self.below.len(), offset, theme);
        }
        offset
    }
}

fn draw_row(buf: &mut Buffer, line: Rect, row: &MenuRow, here: bool, labels: usize, theme: &Theme) {
    let ground = if here { Role::Selection } else { Role::Overlay };
    buf.set_style(line, theme.style(ground));
    let mark = match row.ticked {
        Some(true) => format!("{} ", theme.glyphs.ticked),
        Some(false) => format!("{} ", theme.glyphs.unticked),
        None if row.current => format!("{} ", theme.glyphs.dot),
        None => "  ".to_owned(),
    };
    let left = if here { theme.glyphs.cursor } else { " " };
    let mut rich = Rich::of(Role::Accent, left).then(Role::Accent, mark);
    rich = rich.join(Rich::from(row.label.as_str()).mark(&row.matched, Role::Match));
    let pad = labels.saturating_sub(super::text::width(&row.label)) + 2;
    rich.push(Role::Text, " ".repeat(pad));
    rich.push(Role::Muted, &row.detail);
    let key_width = u16::try_from(super::text::width(&row.key)).unwrap_or(u16::MAX);
    let room = line.width.saturating_sub(key_width + 2);
    rich.draw(buf, (line.x, line.y), room, theme, Some(ground));
    if key_width > 0 && line.width > key_width + 1 {
        let at = (line.right() - 1 - key_width, line.y);
        Rich::of(Role::Key, &row.key).draw(buf, at, key_width, theme, Some(ground));
    }
}

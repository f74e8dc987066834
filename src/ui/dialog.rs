//! Boxes above the screen, and the one that asks before a deed. What a key does to a dialog is its owner's;
//! here is how it looks: cancel first, the deed spelled out on its button, the name to type when there is one.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::chrome::{border, ground};
use super::layout::centred;
use super::rich::Rich;
use super::table::scrollbar;
use super::text;
use super::theme::{Role, Theme};

/// Draws an empty box of at most `width` x `height` (borders included) in the middle of `area`, with a title
/// and a foot on its borders; gives the inside.
pub fn overlay(
    buf: &mut Buffer,
    area: Rect,
    (width, height): (u16, u16),
    title: &Rich,
    foot: &Rich,
    theme: &Theme,
) -> Rect {
    let outer = centred(area.intersection(buf.area), width, height);
    ground(buf, outer, Role::Overlay, theme);
    if outer.width < 4 || outer.height < 3 {
        return outer;
    }
    border(buf, outer, &theme.glyphs.border_focus, Role::BorderFocus, theme);
    let line = outer.width - 2;
    if !title.is_empty() {
        let title = Rich::of(Role::Title, " ").join(title.clone()).then(Role::Title, " ");
        title.draw(buf, (outer.x + 1, outer.y), line, theme, None);
    }
    if !foot.is_empty() {
        let foot = Rich::of(Role::Muted, " ").join(foot.clone()).then(Role::Muted, " ");
        let wide = u16::try_from(foot.width()).unwrap_or(u16::MAX).min(line);
        foot.draw(buf, (outer.right() - 1 - wide, outer.bottom() - 1), wide, theme, None);
    }
    Rect { x: outer.x + 1, y: outer.y + 1, width: outer.width - 2, height: outer.height - 2 }
}

/// A question before a deed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dialog<'a> {
    pub title: &'a str,
    /// Wrapped to the width of the box; scrolls when it is longer than the screen.
    pub body: &'a [Rich],
    /// The deed, on its button: `Upgrade: 2 restarts, 1 recreate`.
    pub deed: &'a str,
    /// The name that has to be typed, and what was typed so far.
    pub typed: Option<(&'a str, &'a str)>,
    /// Whether the deed's button has the focus; it never has it at first.
    pub on_deed: bool,
    /// Destroys something: the button is drawn as bad.
    pub danger: bool,
}

impl Dialog<'_> {
    /// Draws the box over `area`; `offset` is the first body line shown and is clamped here.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, offset: &mut usize, theme: &Theme) {
        let area = area.intersection(buf.area);
        let width = area.width.saturating_sub(4).min(76);
        let inner_width = usize::from(width.saturating_sub(4)).max(1);
        let body: Vec<Rich> = self.body.iter().flat_map(|line| wrap_rich(line, inner_width)).collect();
        let below: u16 = if self.typed.is_some() { 4 } else { 2 };
        let height = u16::try_from(body.len()).unwrap_or(u16::MAX).saturating_add(below + 2);
        let height = height.min(area.height.saturating_sub(2).max(area.height.min(5)));
        let title = Rich::of(Role::Title, self.title);
        let inside = overlay(buf, area, (width, height), &title, &Rich::default(), theme);
        if inside.is_empty() {
            return;
        }
        // The buttons matter most: in a tiny terminal the body shrinks first.
        let buttons_y = inside.bottom() - 1;
        let below = below.min(inside.height);
        let room = usize::from(inside.height - below);
        *offset = (*offset).min(body.len().saturating_sub(room));
        let x = inside.x + u16::from(inside.width > 10);
        let text_width = inside.width.saturating_sub(2);
        for (line, y) in body.iter().skip(*offset).take(room).zip(inside.y..) {
            line.draw(buf, (x, y), text_width, theme, Some(Role::Overlay));
        }
        if body.len() > room && room > 0 {
            let bar = Rect { x: inside.right() - 1, width: 1, y: inside.y, height: inside.height - below };
            scrollbar(buf, bar, body.len(), *offset, theme);
        }
        if let Some((wanted, typed)) = self.typed.filter(|_| inside.height >= 3) {
            let mut line = Rich::of(Role::Muted, "type ").then(Role::Title, wanted).then(Role::Muted, ": ");
            line.push(if typed == wanted { Role::Good } else { Role::Text }, typed);
            line.push(Role::Cursor, " ");
            line.draw(buf, (x, buttons_y - 2), text_width, theme, Some(Role::Overlay));
        }
        self.draw_buttons(buf, (x, buttons_y), text_width, theme);
    }

    fn draw_buttons(&self, buf: &mut Buffer, at: (u16, u16), width: u16, theme: &Theme) {
        let ready = self.typed.is_none_or(|(wanted, typed)| wanted == typed);
        let mark = |on: bool| if on { theme.glyphs.closed } else { " " };
        let deed_role = match (self.on_deed, ready, self.danger) {
            (true, ..) => Role::Selection,
            (_, false, _) => Role::Muted,
            (_, _, true) => Role::Bad,
            _ => Role::Text,
        };
        let cancel_role = if self.on_deed { Role::Text } else { Role::Selection };
        let (cancel_key, deed_key) = if self.typed.is_some() { ("Esc", "Enter") } else { ("Enter", "y") };
        let (cancel_key, deed_key) = if self.on_deed { ("Esc", "Enter") } else { (cancel_key, deed_key) };
        let mut line = Rich::of(cancel_role, format!("{}Cancel ", mark(!self.on_deed)));
        line.push(Role::Key, format!(" {cancel_key}"));
        line.push(Role::Text, "   ");
        line.push(deed_role, format!("{}{} ", mark(self.on_deed), self.deed));
        line.push(if ready { Role::Key } else { Role::Muted }, format!(" {deed_key}"));
        line.draw(buf, at, width, theme, None);
    }
}

/// Breaks a line into lines of at most `limit` cells; roles stay, breaks are at spaces where possible.
pub fn wrap_rich(line: &Rich, limit: usize) -> Vec<Rich> {
    if line.width() <= limit {
        return vec![line.clone()];
    }
    if let [(role, own)] = line.pieces.as_slice() {
        return text::wrap(own, limit).into_iter().map(|part| Rich::of(*role, part)).collect();
    }
    let starts = text::row_starts(&line.text(), limit);
    let ends = starts.iter().skip(1).copied().chain([line.width()]);
    starts.iter().zip(ends).map(|(from, to)| line.slice(*from, (to - from).min(limit))).collect()
}

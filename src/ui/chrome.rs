//! What frames every room: the header that says where a key would act, the names of the rooms, the hints of the
//! footer, and the frame of a pane.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::rich::Rich;
use super::text::{self, Cut};
use super::theme::{Role, Theme};

/// What happens to a part of the header when space is short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shorten {
    /// Shown whole as long as there is any room: environment, namespace.
    Never,
    /// Shortened in the middle, down to so many cells; dropped, the highest number first, when all that is
    /// shortened is still too long. Number 0 is never dropped.
    Middle(u16, u8),
    /// Dropped, the highest number first, before a context becomes hard to read: helm's version.
    Drop(u8),
    /// Dropped, in one order with the shortened ones, only when there is no other way: the count of unsaved files.
    Late(u8),
}

/// One part of the header, with the separator that precedes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub lead: &'static str,
    pub text: String,
    pub role: Role,
    pub shorten: Shorten,
}

impl Part {
    /// A part that is never shortened.
    pub fn fixed(lead: &'static str, text: impl Into<String>) -> Self {
        Self { lead, text: text.into(), role: Role::Header, shorten: Shorten::Never }
    }

    /// A part that is shortened in the middle, and the last to go: the context.
    pub fn middle(lead: &'static str, text: impl Into<String>) -> Self {
        Self { shorten: Shorten::Middle(8, 1), ..Self::fixed(lead, text) }
    }

    /// A name that the rest lets guess: shortened in the middle, and dropped before the context is.
    pub fn name(lead: &'static str, text: impl Into<String>) -> Self {
        Self { shorten: Shorten::Middle(8, 3), ..Self::fixed(lead, text) }
    }

    /// A part that is dropped.
    pub fn spare(lead: &'static str, text: impl Into<String>, order: u8) -> Self {
        Self { shorten: Shorten::Drop(order), ..Self::fixed(lead, text) }
    }

    /// A part that is dropped after names and before the context.
    pub fn late(lead: &'static str, text: impl Into<String>) -> Self {
        Self { shorten: Shorten::Late(2), ..Self::fixed(lead, text) }
    }

    /// In another role.
    #[must_use]
    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }
}

/// The header line. A protected target reverses it and adds the word.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Header {
    pub left: Vec<Part>,
    pub right: Vec<Part>,
    pub protected: bool,
}

impl Header {
    /// Draws one line.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, theme: &Theme) {
        let area = Rect { height: area.height.min(1), ..area }.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let ground = if self.protected { Role::Protected } else { Role::Header };
        buf.set_style(area, theme.style(ground));
        let mut left = self.left.clone();
        let mut right = self.right.clone();
        if self.protected {
            left.insert(0, Part::fixed("", "PROTECTED"));
            if let Some(second) = left.get_mut(1).filter(|part| part.lead.is_empty()) {
                second.lead = "  ";
            }
        }
        let room = usize::from(area.width).saturating_sub(2);
        fit(&mut left, &mut right, room);
        let line = |parts: &[Part]| {
            let mut rich = Rich::default();
            for (index, part) in parts.iter().enumerate() {
                let lead = if index == 0 { "" } else { part.lead };
                if self.protected {
                    rich.push(Role::Protected, format!("{lead}{}", part.text));
                } else {
                    rich.push(Role::Muted, lead);
                    rich.push(part.role, &part.text);
                }
            }
            rich
        };
        let (left, right) = (line(&left), line(&right));
        let x = area.x + 1.min(area.width - 1);
        let used = left.draw(buf, (x, area.y), area.width.saturating_sub(1), theme, None);
        let wide = u16::try_from(right.width()).unwrap_or(u16::MAX);
        if wide > 0 && used.saturating_add(wide).saturating_add(4) <= area.width {
            right.draw(buf, (area.right() - 1 - wide, area.y), wide, theme, None);
        }
    }
}

/// A context of so many cells is easily read.
const READABLE: usize = 16;
/// A context of so many cells is still recognised.
const RECOGNISED: usize = 12;

fn parts_width(parts: &[Part]) -> usize {
    let cells = parts
        .iter()
        .enumerate()
        .map(|(i, p)| text::width(&p.text) + if i == 0 { 0 } else { text::width(p.lead) });
    cells.sum()
}

/// Both sides with the gap between them.
fn total(left: &[Part], right: &[Part]) -> usize {
    parts_width(left) + parts_width(right) + if right.is_empty() { 0 } else { 2 }
}

/// Drops parts, the highest number first, until the rest fits into `room` with what is shortened kept at
/// `readable` cells.
fn drop_spare(
    left: &mut Vec<Part>,
    right: &mut Vec<Part>,
    room: usize,
    readable: usize,
    order: impl Fn(&Part) -> Option<u8>,
) {
    loop {
        let slack: usize = left.iter().chain(right.iter()).map(|part| give(part, readable)).sum();
        if total(left, right) <= room + slack {
            return;
        }
        let Some(next) = left.iter().chain(right.iter()).filter_map(&order).max() else { return };
        left.retain(|part| order(part) != Some(next));
        right.retain(|part| order(part) != Some(next));
    }
}

/// Makes both sides fit into `room`: drops what is spare while the rest would not be readable, then what is left
/// of least importance, and shortens what may be shortened, the widest first. Nothing is left as a bare ellipsis.
fn fit(left: &mut Vec<Part>, right: &mut Vec<Part>, room: usize) {
    let spare = |part: &Part| match part.shorten {
        Shorten::Drop(order) => Some(order),
        _ => None,
    };
    let late = |part: &Part| match part.shorten {
        Shorten::Middle(_, order) | Shorten::Late(order) if order > 0 => Some(order),
        _ => None,
    };
    // As long as something is spare, what is shortened stays readable.
    drop_spare(left, right, room, READABLE, spare);
    drop_spare(left, right, room, 0, late);
    let whole: Vec<String> = left.iter().chain(right.iter()).map(|part| part.text.clone()).collect();
    let mut wide: Vec<usize> = whole.iter().map(|text| text::width(text)).collect();
    let least = |part: &Part, wide: usize| wide.saturating_sub(give(part, 0));
    let floor: Vec<usize> =
        left.iter().chain(right.iter()).zip(&wide).map(|(part, wide)| least(part, *wide)).collect();
    let context: Vec<bool> =
        left.iter().chain(right.iter()).map(|part| late(part).is_some_and(|order| order == 1)).collect();
    for _ in 0..total(left, right).saturating_sub(room) {
        // The context first, as long as it can be recognised.
        let first = |i: usize| context[i] && wide[i] > RECOGNISED;
        let widest = (0..wide.len()).filter(|i| wide[*i] > floor[*i]).max_by_key(|i| (first(*i), wide[*i]));
        let Some(widest) = widest else { break };
        wide[widest] -= 1;
    }
    for ((part, whole), wide) in left.iter_mut().chain(right.iter_mut()).zip(whole).zip(wide) {
        part.text = text::elide(&whole, wide, Cut::Middle, "…").into_owned();
    }
}

/// What a part can give, kept at `readable` cells at least.
fn give(part: &Part, readable: usize) -> usize {
    match part.shorten {
        Shorten::Middle(least, _) => text::width(&part.text).saturating_sub(readable.max(usize::from(least))),
        _ => 0,
    }
}

/// One room in the row of rooms: its key, its name, and a mark (`●` unsaved, a count of problems).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tab {
    pub key: String,
    pub name: String,
    pub badge: Option<(Role, String)>,
}

/// The row of rooms. Without space only the current one keeps its name.
pub fn tabs(buf: &mut Buffer, area: Rect, tabs: &[Tab], current: usize, theme: &Theme) {
    let area = Rect { height: area.height.min(1), ..area }.intersection(buf.area);
    if area.is_empty() {
        return;
    }
    let build = |names: bool| {
        let mut line = Rich::default();
        for (index, tab) in tabs.iter().enumerate() {
            let here = index == current;
            let (key, name) =
                if here { (Role::Selection, Role::Selection) } else { (Role::Key, Role::KeyLabel) };
            line.push(key, format!(" {}", tab.key));
            if names || here {
                line.push(name, format!(" {}", tab.name));
            }
            if let Some((role, badge)) = &tab.badge {
                line.push(name, " ");
                line.push(if here { Role::Selection } else { *role }, badge);
            }
            line.push(name, " ");
        }
        line
    };
    let full = build(true);
    let line = if full.width() <= usize::from(area.width) { full } else { build(false) };
    line.draw(buf, (area.x, area.y), area.width, theme, None);
}

/// Which tab stands at a column of the line that [`tabs`] draws.
pub fn tab_at(area: Rect, tabs: &[Tab], current: usize, x: u16) -> Option<usize> {
    let width = |index: usize, names: bool| {
        let tab = tabs.get(index)?;
        let name = if names || index == current { text::width(&tab.name) + 1 } else { 0 };
        let badge = tab.badge.as_ref().map_or(0, |(_, badge)| text::width(badge) + 1);
        Some(text::width(&tab.key) + name + badge + 2)
    };
    let full: usize = (0..tabs.len()).filter_map(|index| width(index, true)).sum();
    let names = full <= usize::from(area.width);
    let at = usize::from(x.checked_sub(area.x)?);
    let mut end = 0;
    (0..tabs.len()).find(|index| {
        end += width(*index, names).unwrap_or(0);
        at < end
    })
}

/// A key and what it does, for the footer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    pub key: String,
    pub label: String,
    /// Stands out: the next natural step.
    pub strong: bool,
}

impl Hint {
    /// A hint of ordinary weight.
    pub fn new(key: impl Into<String>, label: impl Into<String>) -> Self {
        Self { key: key.into(), label: label.into(), strong: false }
    }
}

/// The footer. The first hints are the most important; those that do not fit are left out from the end, and
/// the very last one (help) always stays.
pub fn footer(buf: &mut Buffer, area: Rect, hints: &[Hint], theme: &Theme) {
    let area = Rect { height: area.height.min(1), ..area }.intersection(buf.area);
    let (Some((last, rest)), false) = (hints.split_last(), area.is_empty()) else { return };
    let cells = |hint: &Hint| text::width(&hint.key) + text::width(&hint.label) + 1;
    let room = usize::from(area.width).saturating_sub(1);
    let mut shown: Vec<&Hint> = Vec::new();
    let mut used = cells(last);
    for hint in rest {
        if used + cells(hint) + 2 > room {
            break;
        }
        used += cells(hint) + 2;
        shown.push(hint);
    }
    shown.push(last);
    let mut line = Rich::of(Role::KeyLabel, " ");
    for (index, hint) in shown.into_iter().enumerate() {
        if index > 0 {
            line.push(Role::KeyLabel, "  ");
        }
        line.push(Role::Key, &hint.key);
        line.push(if hint.strong { Role::Text } else { Role::KeyLabel }, format!(" {}", hint.label));
    }
    line.draw(buf, (area.x, area.y), area.width, theme, None);
}

/// The frame of a pane.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pane {
    pub title: Rich,
    /// At the right end of the upper border: counts, ages, `12 of 80`.
    pub note: Rich,
    /// On the lower border: `paused, 214 new`, `order changed, r`.
    pub foot: Rich,
    pub focused: bool,
    /// Without borders, for copying with the terminal's own selection.
    pub zoomed: bool,
}

impl Pane {
    /// A pane with a title.
    pub fn new(title: impl Into<Rich>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Whether it has the focus.
    #[must_use]
    pub fn focused(mut self, focused: bool) -> Self {
        self.focused = focused;
        self
    }

    /// With something at the right end of the title line.
    #[must_use]
    pub fn note(mut self, note: impl Into<Rich>) -> Self {
        self.note = note.into();
        self
    }

    /// With something on the lower border.
    #[must_use]
    pub fn foot(mut self, foot: impl Into<Rich>) -> Self {
        self.foot = foot.into();
        self
    }

    /// Without borders: one title line, then content.
    #[must_use]
    pub fn zoomed(mut self, zoomed: bool) -> Self {
        self.zoomed = zoomed;
        self
    }

    /// Draws the frame and gives what is left inside. The ground is cleared. Tiny panes lose their frame first.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, theme: &Theme) -> Rect {
        let area = area.intersection(buf.area);
        ground(buf, area, Role::Text, theme);
        if area.is_empty() {
            return area;
        }
        let framed = !self.zoomed && area.height >= 3 && area.width >= 8;
        if !framed {
            if area.height < 3 {
                return area;
            }
            // Without a lower border its words stand beside the note.
            let between = if self.note.is_empty() || self.foot.is_empty() { "" } else { "  " };
            let note = self.note.clone().then(Role::Text, between).join(self.foot.clone());
            self.draw_title(buf, Rect { height: 1, ..area }, &note, theme);
            return Rect { y: area.y + 1, height: area.height - 1, ..area };
        }
        let (set, role) = if self.focused {
            (&theme.glyphs.border_focus, Role::BorderFocus)
        } else {
            (&theme.glyphs.border, Role::Border)
        };
        border(buf, area, set, role, theme);
        let line = Rect { x: area.x + 1, width: area.width - 2, height: 1, y: area.y };
        self.draw_title(buf, line, &self.note, theme);
        if !self.foot.is_empty() && line.width > 4 {
            let foot = padded(&self.foot);
            let wide = u16::try_from(foot.width()).unwrap_or(u16::MAX).min(line.width - 1);
            foot.draw(buf, (line.right() - wide, area.bottom() - 1), wide, theme, None);
        }
        Rect { x: area.x + 1, y: area.y + 1, width: area.width - 2, height: area.height - 2 }
    }

    fn draw_title(&self, buf: &mut Buffer, line: Rect, note: &Rich, theme: &Theme) {
        let mut title = self.title.clone();
        for (role, _) in &mut title.pieces {
            if *role == Role::Text {
                *role = if self.focused { Role::Title } else { Role::Muted };
            }
        }
        let mark = if self.focused { theme.glyphs.closed } else { " " };
        let title = Rich::of(Role::BorderFocus, mark).join(title).then(Role::Text, " ");
        let note = if note.is_empty() { Rich::default() } else { padded(note) };
        let note_width = u16::try_from(note.width()).unwrap_or(u16::MAX);
        let both = title.width() + note.width() < usize::from(line.width);
        let for_title = if both { line.width - note_width } else { line.width };
        title.draw(buf, (line.x, line.y), for_title, theme, None);
        if both {
            note.draw(buf, (line.right() - note_width, line.y), note_width, theme, None);
        }
    }
}

fn padded(rich: &Rich) -> Rich {
    Rich::of(Role::Text, " ").join(rich.clone()).then(Role::Text, " ")
}

/// Clears an area to the ground of a role.
pub fn ground(buf: &mut Buffer, area: Rect, role: Role, theme: &Theme) {
    let style = theme.style(role);
    let area = area.intersection(buf.area);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            if let Some(cell) = buf.cell_mut((x, y)) {
                cell.reset();
                cell.set_style(style);
            }
        }
    }
}

/// Draws a box.
pub fn border(
    buf: &mut Buffer,
    area: Rect,
    set: &ratatui::symbols::border::Set<'_>,
    role: Role,
    theme: &Theme,
) {
    let area = area.intersection(buf.area);
    if area.width < 2 || area.height < 2 {
        return;
    }
    let style = theme.style(role);
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    let mut put = |x: u16, y: u16, symbol: &str| {
        if let Some(cell) = buf.cell_mut((x, y)) {
            cell.set_symbol(symbol).set_style(style);
        }
    };
    for x in area.left() + 1..right {
        put(x, area.y, set.horizontal_top);
        put(x, bottom, set.horizontal_bottom);
    }
    for y in area.top() + 1..bottom {
        put(area.x, y, set.vertical_left);
        put(right, y, set.vertical_right);
    }
    put(area.x, area.y, set.top_left);
    put(right, area.y, set.top_right);
    put(area.x, bottom, set.bottom_left);
    put(right, bottom, set.bottom_right);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(header: &Header, width: u16) -> String {
        let area = Rect::new(0, 0, width, 1);
        let mut buf = Buffer::empty(area);
        header.draw(&mut buf, area, &Theme::default());
        (0..width).map(|x| buf[(x, 0)].symbol().to_owned()).collect::<String>().trim().to_owned()
    }

    fn header(protected: bool) -> Header {
        let left = vec![
            Part::name("", "floe-platform"),
            Part::fixed(" · ", "staging"),
            Part::spare(" → ", "aks-shared-nonprod", 2),
            Part::middle(" ", "(nonprod-deployer)"),
            Part::fixed(" / ", "floe-staging"),
            Part::late("   ", "1 unsaved"),
        ];
        Header { left, right: vec![Part::spare("", "helm 4.2.4", 3)], protected }
    }

    #[test]
    fn a_narrow_header_shortens_then_drops_and_never_touches_environment_or_namespace() {
        for width in 30..=140 {
            for protected in [false, true] {
                let shown = shown(&header(protected), width);
                let kept = if protected { 44 } else { 0 };
                if width >= kept {
                    assert!(
                        shown.contains("staging") && shown.contains("/ floe-staging"),
                        "{width}: {shown}"
                    );
                }
                let bare = shown.split([' ', '(', ')']).any(|word| word == "…");
                assert!(!bare && !shown.ends_with('…') || width < kept, "{width}: {shown}");
            }
        }
        assert_eq!(shown(&header(false), 60), "floe-…form · staging (nonp…yer) / floe-staging   1 unsaved");
        assert_eq!(shown(&header(false), 40), "staging (nonpro…ployer) / floe-staging");
    }

    #[test]
    fn what_stands_on_the_lower_border_is_told_without_one_too() {
        let area = Rect::new(0, 0, 60, 4);
        let pane = Pane::new("Diff").note("3 of 80").foot("verified with helm 4.2.4");
        for (zoomed, line) in [(false, 3), (true, 0)] {
            let mut buf = Buffer::empty(area);
            pane.clone().zoomed(zoomed).draw(&mut buf, area, &Theme::default());
            let row = |y: u16| (0..60).map(|x| buf[(x, y)].symbol().to_owned()).collect::<String>();
            assert!(row(line).contains("verified with helm 4.2.4"), "{zoomed}: {}", row(line));
            assert!(row(0).contains("3 of 80"));
        }
    }
}

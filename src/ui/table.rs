//! Rows in columns, with the cursor kept by identity. Also what a tree is drawn with: a row may have a depth and a
//! fold mark in its first column. Only the visible rows are asked for and drawn.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::list::{Keys, ListState};
use super::rich::Rich;
use super::text::{self, Cut};
use super::theme::{Role, Theme};

/// Where a cell's text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// Names.
    #[default]
    Left,
    /// Numbers and times.
    Right,
}

/// How wide a column gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// Exactly so many cells.
    Fixed(u16),
    /// As wide as its widest visible cell, between the two.
    Fit { min: u16, max: u16 },
    /// A share of what the others leave, never under the minimum.
    Fill { min: u16, share: u16 },
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub title: String,
    pub size: Size,
    pub align: Align,
    /// Where a cell that is too long is cut.
    pub cut: Cut,
    /// Columns with the highest number vanish first when there is no room; 0 never vanishes.
    pub spare: u8,
}

impl Column {
    /// A left-aligned column that shares what is left.
    pub fn fill(title: impl Into<String>, min: u16) -> Self {
        Self {
            title: title.into(),
            size: Size::Fill { min, share: 1 },
            align: Align::Left,
            cut: Cut::End,
            spare: 0,
        }
    }

    /// A left-aligned column as wide as its content.
    pub fn fit(title: impl Into<String>, min: u16, max: u16) -> Self {
        Self { size: Size::Fit { min, max }, ..Self::fill(title, min) }
    }

    /// A left-aligned column of one width.
    pub fn fixed(title: impl Into<String>, width: u16) -> Self {
        Self { size: Size::Fixed(width), ..Self::fill(title, width) }
    }

    /// Numbers and times stand right.
    #[must_use]
    pub fn right(mut self) -> Self {
        self.align = Align::Right;
        self
    }

    /// Where long cells are cut.
    #[must_use]
    pub fn cut(mut self, cut: Cut) -> Self {
        self.cut = cut;
        self
    }

    /// Vanishes when there is no room, the highest number first.
    #[must_use]
    pub fn spare(mut self, order: u8) -> Self {
        self.spare = order;
        self
    }
}

/// Whether a row can be folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fold {
    #[default]
    Leaf,
    Open,
    Closed,
}

/// One row: a cell for each column. `depth` and `fold` draw a tree in the first column.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Row {
    pub cells: Vec<Rich>,
    pub depth: u16,
    /// `None` in flat tables: no place is kept for a fold mark.
    pub fold: Option<Fold>,
    /// Greyed as a whole: stale or hidden by a condition.
    pub dim: bool,
}

impl Row {
    /// A flat row.
    pub fn new(cells: impl IntoIterator<Item = Rich>) -> Self {
        Self { cells: cells.into_iter().collect(), ..Self::default() }
    }

    /// A row of a tree.
    pub fn tree(depth: usize, fold: Fold, cells: impl IntoIterator<Item = Rich>) -> Self {
        let depth = u16::try_from(depth).unwrap_or(u16::MAX);
        Self { cells: cells.into_iter().collect(), depth, fold: Some(fold), dim: false }
    }

    /// Greyed as a whole.
    #[must_use]
    pub fn dimmed(mut self, dim: bool) -> Self {
        self.dim = dim;
        self
    }
}

/// Where rows come from. Implement it over the model for big lists; small ones use [`Listed`].
pub trait Rows: Keys {
    /// The row at a position.
    fn row(&self, index: usize) -> Row;
}

/// Rows that are already there, with their keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed(pub Vec<(String, Row)>);

impl Keys for Listed {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn key(&self, index: usize) -> std::borrow::Cow<'_, str> {
        self.0.get(index).map_or("".into(), |(key, _)| key.as_str().into())
    }
}

impl Rows for Listed {
    fn row(&self, index: usize) -> Row {
        self.0.get(index).map(|(_, row)| row.clone()).unwrap_or_default()
    }
}

/// A table over `rows`. Fill what differs from `Table::new`.
pub struct Table<'a> {
    pub columns: &'a [Column],
    pub rows: &'a dyn Rows,
    /// Only the focused pane shows a full cursor.
    pub focused: bool,
    pub header: bool,
    /// The column rows are sorted by, and whether it descends.
    pub sort: Option<(usize, bool)>,
    /// The column of the cell cursor, in matrices.
    pub cursor_column: Option<usize>,
    /// A column whose title stands out: the current target.
    pub marked_column: Option<usize>,
}

impl<'a> Table<'a> {
    /// A table with a header row.
    pub fn new(columns: &'a [Column], rows: &'a dyn Rows) -> Self {
        Self {
            columns,
            rows,
            focused: true,
            header: true,
            sort: None,
            cursor_column: None,
            marked_column: None,
        }
    }

    /// Whether this pane has the focus.
    #[must_use]
    pub fn focused(mut self, focused: bool) -> Self {
        self.focused = focused;
        self
    }

    /// Without the header row.
    #[must_use]
    pub fn headless(mut self) -> Self {
        self.header = false;
        self
    }

    /// With a cell cursor in a column.
    #[must_use]
    pub fn cursor_column(mut self, column: Option<usize>) -> Self {
        self.cursor_column = column;
        self
    }

    /// With a sort mark.
    #[must_use]
    pub fn sorted(mut self, column: usize, descending: bool) -> Self {
        self.sort = Some((column, descending));
        self
    }

    /// Draws header, rows and scroll bar. One cell left of every row is the cursor mark.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, state: &mut ListState, theme: &Theme) {
        let area = area.intersection(buf.area);
        state.sync(self.rows);
        if area.is_empty() {
            return;
        }
        let header = u16::from(self.header && area.height > 1);
        let body = Rect { y: area.y + header, height: area.height - header, width: area.width, ..area };
        let count = self.rows.len();
        let visible = state.scroll(count, usize::from(body.height));
        state.draw_in(body);
        let rows: Vec<Row> = visible.clone().map(|index| self.rows.row(index)).collect();
        let bar = u16::from(count > usize::from(body.height) && area.width > 12);
        let places = self.places(&rows, area.width.saturating_sub(1 + bar));
        if header == 1 {
            self.draw_header(buf, area, &places, theme);
        }
        for (line, (index, row)) in visible.zip(rows.iter()).enumerate() {
            let y = body.y + u16::try_from(line).unwrap_or(0);
            let selected = index == state.index();
            let ground = match (selected, self.focused) {
                (true, true) => Some(Role::Selection),
                (true, false) => Some(Role::SelectionIdle),
                _ => None,
            };
            if let Some(ground) = ground {
                let across = Rect { y, height: 1, width: area.width - bar, ..area };
                buf.set_style(across, theme.style(ground));
            }
            if selected && self.focused {
                let mark = Rich::of(Role::Accent, theme.glyphs.cursor);
                mark.draw(buf, (area.x, y), 1, theme, ground);
            }
            self.draw_row(buf, (area.x + 1, y), row, &places, theme, ground);
        }
        if bar == 1 {
            let column = Rect { x: area.right() - 1, width: 1, ..body };
            scrollbar(buf, column, count, state.offset(), theme);
        }
    }

    /// The row of the body at screen line `y`, for the mouse.
    pub fn row_at(&self, area: Rect, y: u16, state: &ListState) -> Option<usize> {
        let header = u16::from(self.header && area.height > 1);
        let line = y.checked_sub(area.y + header).filter(|_| y < area.bottom())?;
        Some(state.offset() + usize::from(line)).filter(|index| *index < self.rows.len())
    }

    /// The column at screen column `x`, for the mouse.
    pub fn column_at(&self, area: Rect, x: u16, state: &ListState) -> Option<usize> {
        let header = u16::from(self.header && area.height > 1);
        let height = usize::from(area.height - header.min(area.height));
        let count = self.rows.len();
        let visible = state.offset().min(count)..(state.offset() + height).min(count);
        let rows: Vec<Row> = visible.map(|index| self.rows.row(index)).collect();
        let bar = u16::from(count > height && area.width > 12);
        let at = x.checked_sub(area.x + 1)?;
        let places = self.places(&rows, area.width.saturating_sub(1 + bar));
        places.iter().rposition(|(start, width)| *width > 0 && *start <= at)
    }

    /// Start and width of each column inside the rows; width 0 for columns that vanished.
    fn places(&self, rows: &[Row], room: u16) -> Vec<(u16, u16)> {
        let mut shown: Vec<bool> = vec![true; self.columns.len()];
        let content: Vec<u16> =
            (0..self.columns.len()).map(|index| self.content_width(rows, index)).collect();
        // What has little to say does not hold its minimum against columns that have more.
        let least = |index: usize| match self.columns[index].size {
            Size::Fixed(width) => width,
            Size::Fit { min, .. } => min,
            Size::Fill { min, .. } => min.min(content[index]),
        };
        let wanted = |index: usize| match self.columns[index].size {
            Size::Fit { min, max } => content[index].clamp(min, max.max(min)),
            Size::Fixed(_) | Size::Fill { .. } => least(index),
        };
        // A column that can be spared goes before another is cut.
        loop {
            let columns = (0..self.columns.len()).filter(|index| shown[*index]);
            let need: u16 = columns.map(|index| wanted(index).saturating_add(1)).sum();
            if need <= room.saturating_add(1) {
                break;
            }
            let spare = self.columns.iter().enumerate().filter(|(i, column)| shown[*i] && column.spare > 0);
            let Some((index, _)) = spare.max_by_key(|(_, column)| column.spare) else { break };
            shown[index] = false;
        }
        let mut widths: Vec<u16> =
            (0..self.columns.len()).map(|index| if shown[index] { wanted(index) } else { 0 }).collect();
        let gaps = u16::try_from(shown.iter().filter(|shown| **shown).count().saturating_sub(1)).unwrap_or(0);
        let mut used = widths.iter().sum::<u16>().saturating_add(gaps);
        // Columns that took more than their minimum give back first; then the last ones are cut.
        for index in (0..self.columns.len()).rev() {
            let over = used.saturating_sub(room);
            let give = over.min(widths[index].saturating_sub(least(index)));
            widths[index] -= give;
            used -= give;
        }
        let left = room.saturating_sub(used);
        let shares = |index: usize| match self.columns[index].size {
            Size::Fill { share, .. } if shown[index] => share.max(1),
            _ => 0,
        };
        let total: u16 = (0..self.columns.len()).map(shares).sum();
        let mut rest = left;
        let fills: Vec<usize> = (0..self.columns.len()).filter(|index| shares(*index) > 0).collect();
        for (place, index) in fills.iter().enumerate() {
            let part = u32::from(left) * u32::from(shares(*index)) / u32::from(total.max(1));
            let grant = if place + 1 == fills.len() { rest } else { u16::try_from(part).unwrap_or(rest) };
            widths[*index] += grant;
            rest -= grant;
        }
        let mut at = 0u16;
        let mut places = Vec::with_capacity(widths.len());
        for (index, width) in widths.into_iter().enumerate() {
            let width = width.min(room.saturating_sub(at));
            places.push((at, width));
            if shown[index] {
                at = at.saturating_add(width + 1).min(room);
            }
        }
        places
    }

    /// The widest of a column's title and cells.
    fn content_width(&self, rows: &[Row], index: usize) -> u16 {
        let sort = if self.sort.is_some_and(|(sorted, _)| sorted == index) { 2 } else { 0 };
        let title = if self.header { text::width(&self.columns[index].title) + sort } else { 0 };
        let widest = rows.iter().map(|row| Self::cell_width(row, index)).max().unwrap_or(0);
        u16::try_from(widest.max(title)).unwrap_or(u16::MAX)
    }

    fn cell_width(row: &Row, index: usize) -> usize {
        let own = row.cells.get(index).map_or(0, Rich::width);
        if index == 0 && row.fold.is_some() { own + usize::from(row.depth) * 2 + 2 } else { own }
    }

    fn draw_header(&self, buf: &mut Buffer, area: Rect, places: &[(u16, u16)], theme: &Theme) {
        for (index, (column, (x, width))) in self.columns.iter().zip(places).enumerate() {
            let role = if self.marked_column == Some(index) { Role::Accent } else { Role::ColumnHead };
            let mut title = Rich::of(role, &column.title);
            if let Some((sorted, descending)) = self.sort.filter(|(sorted, _)| *sorted == index) {
                debug_assert_eq!(sorted, index);
                let mark = if descending { theme.glyphs.descending } else { theme.glyphs.ascending };
                title.push(role, format!(" {mark}"));
            }
            let inset = if index == 0 && self.is_tree() { 2.min(*width) } else { 0 };
            let at = (area.x + 1 + x + inset, area.y);
            cell(buf, at, width - inset, &title, column.align, column.cut, theme, None);
        }
    }

    fn is_tree(&self) -> bool {
        !self.rows.is_empty() && self.rows.row(0).fold.is_some()
    }

    fn draw_row(
        &self,
        buf: &mut Buffer,
        (x, y): (u16, u16),
        row: &Row,
        places: &[(u16, u16)],
        theme: &Theme,
        ground: Option<Role>,
    ) {
        for (index, (column, (start, width))) in self.columns.iter().zip(places).enumerate() {
            let empty = Rich::default();
            let content = row.cells.get(index).unwrap_or(&empty);
            let (mut at, mut room) = (x + start, *width);
            if index == 0
                && let Some(fold) = row.fold
            {
                let indent = (row.depth.saturating_mul(2)).min(room / 2);
                let mark = match fold {
                    Fold::Leaf => " ",
                    Fold::Open => theme.glyphs.open,
                    Fold::Closed => theme.glyphs.closed,
                };
                at += indent;
                room -= indent;
                Rich::of(Role::Gutter, mark).draw(buf, (at, y), room, theme, ground);
                let inset = 2.min(room);
                at += inset;
                room -= inset;
            }
            let dimmed;
            let content = if row.dim {
                dimmed = Rich::of(Role::Muted, content.text());
                &dimmed
            } else {
                content
            };
            let cursor = self.focused && ground.is_some() && self.cursor_column == Some(index) && room > 0;
            let ground = if cursor {
                buf.set_style(Rect { x: at, y, width: room, height: 1 }, theme.style(Role::Cursor));
                Some(Role::Cursor)
            } else {
                ground
            };
            let plain = cursor.then(|| Rich::of(Role::Cursor, content.text()));
            let content = plain.as_ref().unwrap_or(content);
            cell(buf, (at, y), room, content, column.align, column.cut, theme, ground);
        }
    }
}

#[allow(clippy::too_many_arguments)] // one place, one call a cell; a struct would only rename them
fn cell(
    buf: &mut Buffer,
    (x, y): (u16, u16),
    width: u16,
    content: &Rich,
    align: Align,
    cut: Cut,
    theme: &Theme,
    ground: Option<Role>,
) {
    let fitted = content.elide(usize::from(width), cut, theme.glyphs.ellipsis);
    let own = u16::try_from(fitted.width()).unwrap_or(width).min(width);
    let shift = if align == Align::Right { width - own } else { 0 };
    fitted.draw(buf, (x + shift, y), width - shift, theme, ground);
}

/// A one-cell wide scroll bar: a thumb as long as the visible share.
pub(crate) fn scrollbar(buf: &mut Buffer, column: Rect, count: usize, offset: usize, theme: &Theme) {
    let height = usize::from(column.height);
    if height == 0 || count <= height || column.intersection(buf.area).is_empty() {
        return;
    }
    let thumb = (height * height / count).max(1);
    let start = (offset * (height - thumb)).checked_div(count - height).unwrap_or(0).min(height - thumb);
    for (line, y) in (column.top()..column.bottom()).enumerate() {
        let on = (start..start + thumb).contains(&line);
        let (mark, role) =
            if on { (theme.glyphs.thumb, Role::Muted) } else { (theme.glyphs.track, Role::Border) };
        Rich::of(role, mark).draw(buf, (column.x, y), 1, theme, None);
    }
}

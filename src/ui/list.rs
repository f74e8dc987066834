//! The cursor and scroll state of everything that has rows. The cursor is kept by identity: when rows come, go
//! or move, it stays on its row, and the row stays where it is on the screen.

use std::borrow::Cow;

use ratatui::layout::{Position, Rect};

/// Rows by position, each with a key that stays when the rows around it change.
pub trait Keys {
    /// How many rows there are.
    fn len(&self) -> usize;
    /// The identity of a row; unique among the rows.
    fn key(&self, index: usize) -> Cow<'_, str>;
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: AsRef<str>> Keys for [T] {
    fn len(&self) -> usize {
        <[T]>::len(self)
    }

    fn key(&self, index: usize) -> Cow<'_, str> {
        self.get(index).map_or(Cow::Borrowed(""), |key| Cow::Borrowed(key.as_ref()))
    }
}

/// Cursor and scroll offset of a list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListState {
    key: Option<String>,
    index: usize,
    offset: usize,
    height: usize,
    /// Where the last frame drew the rows, for the mouse.
    drawn: Rect,
}

impl ListState {
    /// Notes where the rows are drawn.
    pub fn draw_in(&mut self, area: Rect) {
        self.drawn = area;
    }

    /// The row of `rows` that the last frame drew at a place of the screen.
    pub fn hit(&self, rows: &(impl Keys + ?Sized), at: Position) -> Option<usize> {
        let line = at.y.checked_sub(self.drawn.y).filter(|_| self.drawn.contains(at))?;
        Some(self.offset + usize::from(line)).filter(|index| *index < rows.len())
    }

    /// Puts the cursor on the row that was drawn there. `Some(true)` when it was on that row before.
    pub fn click(&mut self, rows: &(impl Keys + ?Sized), at: Position) -> Option<bool> {
        let index = self.hit(rows, at)?;
        let again = self.key.as_deref() == Some(&*rows.key(index));
        self.put(rows, index);
        Some(again)
    }

    /// The key under the cursor.
    pub fn selected(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// The row under the cursor, as of the last [`ListState::sync`].
    pub fn index(&self) -> usize {
        self.index
    }

    /// The first row on the screen.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Puts the cursor on a row that may not be there yet.
    pub fn select(&mut self, key: impl Into<String>) {
        self.key = Some(key.into());
    }

    /// Finds the cursor's row again. A row that is gone hands the cursor to the one in its place.
    pub fn sync(&mut self, rows: &(impl Keys + ?Sized)) {
        let count = rows.len();
        if count == 0 {
            // The key is kept: rows that are being reloaded come back under the cursor.
            self.index = 0;
            self.offset = 0;
            return;
        }
        let found = self.key.as_deref().and_then(|wanted| {
            if self.index < count && rows.key(self.index) == wanted {
                return Some(self.index);
            }
            (0..count).find(|index| rows.key(*index) == wanted)
        });
        match found {
            Some(index) => {
                let line = self.index.saturating_sub(self.offset);
                if index != self.index {
                    self.offset = index.saturating_sub(line);
                }
                self.index = index;
            }
            None => self.put(rows, self.index.min(count - 1)),
        }
    }

    /// Puts the cursor on a row by position.
    pub fn put(&mut self, rows: &(impl Keys + ?Sized), index: usize) {
        if rows.is_empty() {
            return;
        }
        self.index = index.min(rows.len() - 1);
        self.key = Some(rows.key(self.index).into_owned());
    }

    /// Moves the cursor by rows, stopping at the ends.
    pub fn step(&mut self, rows: &(impl Keys + ?Sized), by: isize) {
        self.sync(rows);
        self.put(rows, self.index.saturating_add_signed(by));
    }

    /// Moves by pages of the last drawn height.
    pub fn page(&mut self, rows: &(impl Keys + ?Sized), pages: isize) {
        let height = isize::try_from(self.height.saturating_sub(1).max(1)).unwrap_or(1);
        self.step(rows, pages.saturating_mul(height));
    }

    /// To the first row.
    pub fn first(&mut self, rows: &(impl Keys + ?Sized)) {
        self.put(rows, 0);
    }

    /// To the last row.
    pub fn last(&mut self, rows: &(impl Keys + ?Sized)) {
        self.put(rows, rows.len().saturating_sub(1));
    }

    /// Makes the cursor visible in `height` rows with a margin, and gives the visible range.
    pub fn scroll(&mut self, count: usize, height: usize) -> std::ops::Range<usize> {
        self.height = height;
        if height == 0 || count == 0 {
            return 0..0;
        }
        let margin = 2.min((height - 1) / 2);
        if self.index < self.offset + margin {
            self.offset = self.index.saturating_sub(margin);
        } else if self.index + margin >= self.offset + height {
            self.offset = self.index + margin + 1 - height;
        }
        self.offset = self.offset.min(count.saturating_sub(height));
        self.offset..(self.offset + height).min(count)
    }
}

/// Holds the order of rows while the operator reads: a new order waits until it is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HeldOrder {
    keys: Vec<String>,
    pending: bool,
}

impl HeldOrder {
    /// The order to show `wanted` in, as positions in it: known rows where they were, new ones at the end.
    pub fn arrange(&mut self, wanted: &[impl AsRef<str>]) -> Vec<usize> {
        use std::collections::HashMap;
        if self.keys.is_empty() {
            self.keys = wanted.iter().map(|key| key.as_ref().to_owned()).collect();
            self.pending = false;
            return (0..wanted.len()).collect();
        }
        let places: HashMap<&str, usize> =
            self.keys.iter().enumerate().map(|(place, key)| (key.as_str(), place)).collect();
        let mut order: Vec<usize> = (0..wanted.len()).collect();
        // Stable: rows that are new keep the wanted order among themselves.
        order.sort_by_key(|index| places.get(wanted[*index].as_ref()).copied().unwrap_or(usize::MAX));
        self.pending = order.iter().enumerate().any(|(place, index)| place != *index);
        self.keys = order.iter().map(|index| wanted[*index].as_ref().to_owned()).collect();
        order
    }

    /// Whether a better order waits: say `order changed, r`.
    pub fn pending(&self) -> bool {
        self.pending
    }

    /// Takes the new order at the next [`HeldOrder::arrange`].
    pub fn accept(&mut self) {
        self.keys.clear();
        self.pending = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_stays_on_its_row_and_the_row_on_its_line() {
        let mut state = ListState::default();
        let before: Vec<String> = (0..50).map(|n| format!("row-{n}")).collect();
        state.select("row-20");
        state.sync(before.as_slice());
        state.scroll(50, 10);
        let line = state.index() - state.offset();
        let mut after = before.clone();
        after.splice(0..0, ["new-1".to_owned(), "new-2".to_owned()]);
        state.sync(after.as_slice());
        state.scroll(52, 10);
        assert_eq!(state.selected(), Some("row-20"));
        assert_eq!(state.index(), 22);
        assert_eq!(state.index() - state.offset(), line);
    }

    #[test]
    fn a_row_that_went_hands_the_cursor_to_its_place() {
        let mut state = ListState::default();
        state.select("b");
        state.sync(["a", "b", "c"].as_slice());
        state.sync(["a", "c"].as_slice());
        assert_eq!(state.selected(), Some("c"));
        state.sync(["a"].as_slice());
        assert_eq!(state.selected(), Some("a"));
    }

    #[test]
    fn a_reload_through_nothing_keeps_the_cursor() {
        let mut state = ListState::default();
        state.select("b");
        state.sync(["a", "b"].as_slice());
        state.sync(<[&str]>::as_ref(&[]));
        state.sync(["x", "a", "b"].as_slice());
        assert_eq!(state.selected(), Some("b"));
    }

    #[test]
    fn steps_stop_at_the_ends() {
        let rows = ["a", "b", "c"];
        let mut state = ListState::default();
        state.step(rows.as_slice(), 1);
        assert_eq!(state.selected(), Some("b"));
        state.step(rows.as_slice(), 99);
        assert_eq!(state.selected(), Some("c"));
        state.step(rows.as_slice(), -99);
        assert_eq!(state.selected(), Some("a"));
    }

    #[test]
    fn a_new_order_waits_until_it_is_asked_for() {
        let mut order = HeldOrder::default();
        assert_eq!(order.arrange(&["a", "b", "c"]), [0, 1, 2]);
        assert!(!order.pending());
        assert_eq!(order.arrange(&["c", "new", "a", "b"]), [2, 3, 0, 1]);
        assert!(order.pending());
        order.accept();
        assert_eq!(order.arrange(&["c", "new", "a", "b"]), [0, 1, 2, 3]);
        assert!(!order.pending());
    }

    #[test]
    fn a_row_that_left_does_not_count_as_a_new_order() {
        let mut order = HeldOrder::default();
        order.arrange(&["a", "b", "c"]);
        assert_eq!(order.arrange(&["a", "c"]), [0, 1]);
        assert!(!order.pending());
    }
}

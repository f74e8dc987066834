//! The last few of what was made, found again by what it was made from. For keys that only equality tells apart; what
//! has a hash and a weight is kept by [`super::recent`].

use std::collections::VecDeque;

/// Rows, least lately used first.
#[derive(Debug)]
pub struct Latest<T, const MOST: usize> {
    rows: VecDeque<T>,
}

impl<T, const MOST: usize> Default for Latest<T, MOST> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const MOST: usize> Latest<T, MOST> {
    /// Without rows.
    pub const fn new() -> Self {
        Self { rows: VecDeque::new() }
    }

    /// The row that fits; it stays longer for having been asked for.
    pub fn find(&mut self, fits: impl Fn(&T) -> bool) -> Option<&T> {
        let row = self.rows.iter().rposition(fits).and_then(|at| self.rows.remove(at))?;
        self.rows.push_back(row);
        self.rows.back()
    }

    /// All rows, those that were asked for last first.
    pub fn latest(&self) -> impl Iterator<Item = &T> {
        self.rows.iter().rev()
    }

    /// Keeps a row, in the place of the one that was not asked for the longest.
    pub fn keep(&mut self, row: T) {
        if self.rows.len() >= MOST {
            self.rows.pop_front();
        }
        self.rows.push_back(row);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_stays() {
        let mut latest: Latest<u32, 3> = Latest::new();
        (1..=3).for_each(|row| latest.keep(row));
        assert_eq!(latest.find(|row| *row == 1), Some(&1));
        latest.keep(4);
        assert_eq!(
            [1, 2, 3, 4].map(|wanted| latest.find(|row| *row == wanted).is_some()),
            [true, false, true, true]
        );
    }
}

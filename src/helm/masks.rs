//! What is random in renderings, by the files that drew it. Whether something is random shows only when everything is
//! rendered once more under other random values; while somebody edits, the files that draw stay nearly always as they
//! were, and so does what is random in them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use crate::manifest::{Mask, Side};
use crate::render::{Output, RanFile};

/// Masks remembered: saved and edited of a dozen environments.
const REMEMBERED: usize = 32;

/// Oldest first.
#[derive(Debug, Default)]
pub(super) struct Masks(Mutex<VecDeque<Row>>);

#[derive(Debug)]
struct Row {
    side: Side,
    /// The files that called a random or clock function, as they ran.
    files: Vec<Arc<RanFile>>,
    mask: Mask,
}

impl Masks {
    /// What is random in a rendering: nothing where nobody draws, what is known of the same files, else what `look` finds.
    pub(super) fn of(&self, output: &Output, side: &Side, look: impl FnOnce() -> Mask) -> Mask {
        if !output.unstable {
            return Mask::default();
        }
        // Where files change what all share, what is random in one may show in another.
        if output.changed {
            return look();
        }
        let files: Vec<Arc<RanFile>> = output.files.iter().filter(|file| file.unstable).cloned().collect();
        let rows = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut rows = rows();
            let is_same = |row: &Row| {
                row.side == *side
                    && row.files.len() == files.len()
                    && row.files.iter().zip(&files).all(|(one, other)| Arc::ptr_eq(one, other))
            };
            if let Some(row) = rows.iter().position(is_same).and_then(|at| rows.remove(at)) {
                let mask = row.mask.clone();
                rows.push_back(row);
                return mask;
            }
        }
        let mask = look();
        let mut rows = rows();
        if rows.len() >= REMEMBERED {
            rows.pop_front();
        }
        rows.push_back(Row { side: side.clone(), files, mask: mask.clone() });
        mask
    }
}

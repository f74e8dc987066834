//! What is random in renderings, by the files that drew it. Whether something is random shows only when everything is
//! rendered once more under other random values; while somebody edits, the files that draw stay nearly always as they
//! were, and so does what is random in them.

use std::sync::{Arc, Mutex, PoisonError};

use crate::base::latest::Latest;
use crate::manifest::{Mask, Side};
use crate::render::{Output, RanFile};

/// Masks remembered: saved and edited of a dozen environments.
const REMEMBERED: usize = 32;

#[derive(Debug, Default)]
pub(super) struct Masks(Mutex<Latest<Row, REMEMBERED>>);

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
        let is_same = |row: &Row| {
            row.side == *side
                && row.files.len() == files.len()
                && row.files.iter().zip(&files).all(|(one, other)| Arc::ptr_eq(one, other))
        };
        let known = rows().find(is_same).map(|row| row.mask.clone());
        known.unwrap_or_else(|| {
            let mask = look();
            rows().keep(Row { side: side.clone(), files: files.clone(), mask: mask.clone() });
            mask
        })
    }
}

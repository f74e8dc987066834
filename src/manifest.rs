//! Rendered and live objects: documents, identity, what differs between two sets of them, and what each
//! difference would do to what runs.
//!
//! Everything works on parsed values; the texts of a [`Change`] are written anew from them, so that comments,
//! quoting and key order of templates never show as changes.

pub mod consequence;
pub mod diff;
pub mod document;
pub mod fields;
pub mod live;
pub mod mask;
pub mod noise;
pub mod object;
mod quantity;
mod rules;
mod summary;
pub mod text;

pub use consequence::Consequence;
pub use diff::{Change, ChangeKind, ChangeSet, DiffOptions, Group, Redact, Side, Written, diff};
pub use document::{of_output, parse, parse_from};
pub use fields::{FieldChange, FieldPath, Step};
pub use live::{live_side, normalise_live};
pub use mask::{Mask, mask_unstable};
pub use object::{Hook, HookEvent, Object, ObjectId, ObjectKey, short_kind};
pub use text::{DiffLine, Hunk, LineKind, Span, text_diff};

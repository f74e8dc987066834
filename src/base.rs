//! What every room stands on. Nothing here knows Helm, Kubernetes or the screen.

pub mod atomic;
pub mod credential;
pub mod derived;
pub mod error;
pub mod folders;
pub mod hash;
pub mod latest;
pub mod lock;
pub mod path;
pub mod problem;
pub mod recent;
pub mod redact;
pub mod starts;
pub mod text;
pub mod time;
pub mod who;

pub use error::{Context, Error, Result};
pub use hash::Hash;
pub use path::{KeyPath, Segment};
pub use problem::{Problem, Severity};

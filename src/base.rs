//! What every room stands on. Nothing here knows Helm, Kubernetes or the screen.

pub mod error;
pub mod problem;

pub use error::{Error, Result};
pub use problem::{Problem, Severity};

//! The helm program and what it leaves in the cluster: finding it, its versions, exact arguments, running it,
//! rendering by it, release records, and what its errors mean.

pub mod argv;
mod compare;
pub mod errors;
pub mod judge;
mod masks;
pub mod overlay;
pub mod preview;
pub mod program;
pub mod record;
pub mod release;
pub mod renderer;
pub mod run;

pub use compare::Difference;
pub use errors::{Failure, explain};
pub use judge::{Outcome, Report, Verdict};
pub use preview::{By, Loaded, Prepared, Previewer, Refused, Source};
pub use program::{Helm, Major};
pub use release::ReleaseRef;

//! The helm program and what it leaves in the cluster: finding it, its versions, exact arguments, running it,
//! rendering by it, release records, and what its errors mean.

pub mod argv;
pub mod errors;
pub mod overlay;
pub mod program;
pub mod record;
pub mod release;
pub mod renderer;
pub mod run;

pub use errors::{Failure, explain};
pub use program::{Helm, Major};
pub use release::ReleaseRef;

//! What changes a cluster: a plan that shows every consequence, a supervisor that outlives us, a journal that
//! survives a crash, and the ways out of a stuck release.
//!
//! ```text
//! PlanRequest ── plan::Planner ──▶ Plan ── launch ──▶ supervisor (own session) ──▶ helm (own process group)
//!                                                          │ journal.jsonl, exit.json
//!                        OperationView ◀── journal::Tail ──┘
//! ```

pub mod jobs;
pub mod journal;
pub mod launch;
pub mod life;
pub mod outcome;
pub mod plan;
pub mod process;
pub mod recovery;
pub mod request;
pub mod spec;
pub mod store;
pub mod supervisor;
pub mod view;

pub use crate::helm::ReleaseRef;
pub use jobs::{Deed, JobDone, JobPlan, JobPlanner, JobRequest};
pub use journal::{JournalEntry, JournalKind, Stream};
pub use life::Life;
pub use outcome::{Outcome, Verdict};
pub use plan::{Check, CheckLevel, Plan, Planner};
pub use recovery::Way;
pub use request::{ChartSource, Options, PlanRequest, Verb};
pub use spec::{OperationId, OperationSpec, Step};
pub use store::Store;
pub use view::{OperationState, OperationView};

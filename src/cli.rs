//! The headless twins: the same validation, renderings, differences, plans and operations as in the rooms, for
//! scripts and for wherever there is no terminal. One file a command; what they share is below.
//!
//! Results go to the standard output, everything else (warnings, errors, progress beside `--json`) to the standard
//! error. Exit codes: 0 ok or no change, 1 error, 2 changes, 3 degraded, 4 pending, 64 usage.

mod apply;
pub mod args;
mod changes;
mod confirm;
mod diff;
mod explain;
mod follow;
mod generate;
mod jobs;
mod observe;
mod out;
mod plan;
mod render;
mod rendering;
mod schema;
mod setup;
mod status;
mod validate;
mod verify;

use crate::base::{Context as _, Error, Result};
use crate::operations::supervisor;
use args::{Command, Global};

pub use args::Args;

/// Everything is as it should be, or nothing would change.
pub const OK: u8 = 0;
/// It could not be done.
pub const FAILED: u8 = 1;
/// There are changes.
pub const CHANGES: u8 = 2;
/// What runs is not healthy.
pub const DEGRADED: u8 = 3;
/// Still at work, or still rolling out.
pub const PENDING: u8 = 4;
/// The arguments make no sense (`EX_USAGE`; clap's own 2 means changes here).
pub const USAGE: u8 = 64;

/// Reads the arguments. `Err` is the exit code after help, version or a usage error was printed.
pub fn parse() -> Result<Args, u8> {
    args::read(std::env::args_os()).map_err(|error| {
        // Nobody reads it any more: there is nobody to tell.
        let _ = error.print();
        if error.use_stderr() { USAGE } else { OK }
    })
}

/// Runs one command to its end and returns its exit code.
pub fn run(command: Command, global: Global) -> u8 {
    if let Command::Supervise { folder } = command {
        // Without a runtime: its parts must not be in the way of what outlives everything.
        return supervisor::supervise(&folder).map_or_else(|error| fail(&error, false), |()| OK);
    }
    let json = command.is_json();
    let code = wait_for(dispatch(command, global)).unwrap_or_else(|error| fail(&error, json));
    out::finish(code)
}

/// Runs what opens when no command is given (the rooms), prints what is left to say afterwards, and returns the exit
/// code. The rooms are handed in, because nothing here may use them.
pub fn open(rooms: impl Future<Output = Result<Vec<String>>>) -> u8 {
    match wait_for(rooms) {
        Ok(words) => {
            for line in words {
                out::line(&line);
            }
            out::finish(OK)
        }
        Err(error) => fail(&error, false),
    }
}

fn wait_for<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?;
    let result = runtime.block_on(work);
    // Neither a credential program that hangs nor a cluster that does not answer keeps us from ending.
    runtime.shutdown_background();
    result
}

async fn dispatch(command: Command, global: Global) -> Result<u8> {
    match command {
        Command::Validate(args) => validate::run(global, &args),
        Command::Render(args) => render::run(global, args).await,
        Command::Verify(args) => verify::run(global, args).await,
        Command::Diff(args) => diff::run(global, args).await,
        Command::Explain(args) => explain::run(global, args).await,
        Command::Plan(args) => plan::run(global, args).await,
        Command::Apply(args) => apply::run(global, args).await,
        Command::Status(args) => status::run(global, args).await,
        Command::Generate(args) => generate::run(global, &args),
        Command::Schema(args) => schema::run(&args),
        Command::Jobs(args) => jobs::run(global, args).await,
        Command::Supervise { .. } => Ok(FAILED),
    }
}

/// Tells an error that ended the program, and gives its exit code.
fn fail(error: &Error, json: bool) -> u8 {
    if json {
        out::json(&serde_json::json!({"error": {
            "what": error.what, "place": error.place, "cause": error.cause, "next": error.next,
        }}));
    }
    out::error(error);
    FAILED
}

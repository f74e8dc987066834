//! The headless twins of the rooms: the same plans, the same state machine, the same words, without a terminal.
//!
//! Exit codes: 0 ok or no change, 1 error, 2 changes, 3 degraded, 4 pending, 64 usage.

mod apply;
pub mod args;
mod context;
mod diff;
mod follow;
mod out;
mod plan;
mod render;
mod status;
mod validate;

use std::path::Path;

use args::{Command, Global};

use crate::base::Result;

/// Everything is fine, or nothing differs.
pub const OK: u8 = 0;
/// Something failed, or was refused.
pub const ERROR: u8 = 1;
/// Something differs or would change.
pub const CHANGES: u8 = 2;
/// The command line is wrong.
pub const USAGE: u8 = 64;

/// Runs a command to its end and gives the exit code; errors are printed.
pub fn run(command: &Command, global: &Global) -> u8 {
    if let Command::Supervise { folder } = command {
        return supervise(folder);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(dispatch(command, global));
            // A cluster that does not answer must not keep us from ending.
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(crate::base::Error::new("cannot start").because(error)),
    };
    result.unwrap_or_else(|error| {
        out::error(&error);
        ERROR
    })
}

/// Runs what the binary opens when no command is given (the terminal UI), prints what is left to say afterwards, and
/// gives the exit code. The UI itself is handed in, because nothing here may use it.
pub fn open(ui: impl Future<Output = Result<Vec<String>>>) -> u8 {
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            out::error(&crate::base::Error::new("cannot start").because(error));
            return ERROR;
        }
    };
    let result = runtime.block_on(ui);
    runtime.shutdown_background();
    match result {
        Ok(words) => {
            for line in words {
                out::line(&line);
            }
            OK
        }
        Err(error) => {
            out::error(&error);
            ERROR
        }
    }
}

async fn dispatch(command: &Command, global: &Global) -> Result<u8> {
    match command {
        Command::Validate(args) => validate::run(args),
        Command::Render(args) => render::run(args, global).await,
        Command::Diff(args) => diff::run(args, global).await,
        Command::Plan(args) => plan::run(args, global).await,
        Command::Apply(args) => apply::run(args, global).await,
        Command::Status(args) => status::run(args, global).await,
        Command::Supervise { .. } => Ok(ERROR),
    }
}

/// The hidden subcommand: synchronous, without a runtime, and quiet, because nobody listens.
fn supervise(folder: &Path) -> u8 {
    match crate::operations::supervisor::supervise(folder) {
        Ok(()) => OK,
        Err(error) => {
            out::error(&error);
            ERROR
        }
    }
}

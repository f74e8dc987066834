//! The credential program of a context, for running in the foreground.

use std::process::Command;

use crate::base::{Error, Result};
use crate::cluster::Kubeconfig;
use crate::session::Given;

/// The command that logs in to a context.
///
/// # Errors
/// The kubeconfig cannot be read, or names no program for this context.
pub(super) fn command(given: &Given, context: &str) -> Result<Command> {
    let kubeconfig = Kubeconfig::read(given.kubeconfig.as_deref())?;
    let login = kubeconfig.login(context).ok_or_else(|| {
        Error::new("the kubeconfig names no login program for this context")
            .at(format!("context {context}"))
            .next("renew its credentials outside of floe-tui; they are read again at the next try")
    })?;
    let mut command = Command::new(&login.program);
    command.args(&login.arguments).envs(login.environment.iter().map(|(name, value)| (name, value)));
    Ok(command)
}

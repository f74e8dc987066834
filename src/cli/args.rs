//! The command line.

// What stands here is shown as the program's help, where backticks are only noise.
#![allow(clippy::doc_markdown)]

use std::path::PathBuf;
use std::time::Duration;

use clap::error::ErrorKind;
use clap::{Args as ClapArgs, Parser, Subcommand};

use crate::operations::Verb;
use crate::workspace::user;

/// The terminal UI that platform operators open before they change what Helm runs on Kubernetes.
///
/// Without a command it opens the terminal UI on DIR. Exit codes of the commands: 0 ok or no change, 1 error,
/// 2 changes, 3 degraded, 4 pending, 64 usage.
#[derive(Debug, Parser)]
#[command(name = "floe-tui", version, disable_help_subcommand = true)]
pub struct Args {
    /// The folder of one chart, or one that holds charts (charts/*/Chart.yaml) [default: here]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Clone, Default, ClapArgs)]
pub struct Global {
    /// The kubeconfig [default: KUBECONFIG, then ~/.kube/config]
    #[arg(long, value_name = "PATH", global = true)]
    pub kubeconfig: Option<PathBuf>,
    /// The helm program, 3.12 or newer [default: the first in PATH]
    #[arg(long, value_name = "PATH", global = true)]
    pub helm: Option<PathBuf>,
    /// The theme: a name, or a path to one
    #[arg(long, value_name = "THEME", global = true)]
    pub theme: Option<String>,
    /// The configuration file [default: config.toml in the configuration folder]
    #[arg(long, value_name = "PATH", global = true)]
    pub config: Option<PathBuf>,
    /// Refuse everything that changes a cluster
    #[arg(long, global = true)]
    pub read_only: bool,
}

/// The headless commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check values against the schemas and the cluster mapping; problems as file:line: message
    Validate(ValidateArgs),
    /// Print the manifests of a chart
    Render(RenderArgs),
    /// Show what differs between two environments, or between an environment and what is deployed
    Diff(DiffArgs),
    /// Show the exact command of an operation, what it would change, and what speaks against it
    Plan(PlanArgs),
    /// Do an operation and wait for its outcome
    Apply(ApplyArgs),
    /// Show the health of every component of a release
    Status(StatusArgs),
    /// Run an operation that was written down (floe-tui starts this itself)
    #[command(name = "__supervise", hide = true)]
    Supervise {
        /// The operation's folder.
        folder: PathBuf,
    },
}

/// `validate`.
#[derive(Debug, ClapArgs)]
pub struct ValidateArgs {
    /// The folder of a chart or of charts [default: here]
    pub dir: Option<PathBuf>,
    /// Only this environment
    #[arg(long, value_name = "ENV")]
    pub env: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `render`.
#[derive(Debug, ClapArgs)]
pub struct RenderArgs {
    /// The chart's folder
    pub chart: PathBuf,
    /// A values file, after those of the environment; may be repeated, the last one wins
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    pub values: Vec<PathBuf>,
    /// The environment whose values files are used
    #[arg(long, value_name = "ENV")]
    pub env: Option<String>,
    /// The release's name [default: the environment's, else the chart's name]
    #[arg(long, value_name = "NAME")]
    pub release: Option<String>,
    /// The namespace [default: the environment's, else default]
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
}

/// `diff`.
#[derive(Debug, ClapArgs)]
pub struct DiffArgs {
    /// The folder of a chart or of charts
    pub dir: PathBuf,
    /// The environment to look at
    #[arg(long, value_name = "ENV")]
    pub env: String,
    /// What to compare it with: another environment, or `deployed`
    #[arg(long, value_name = "ENV|deployed")]
    pub against: String,
    /// The chart, when several have the environment
    #[arg(long, value_name = "NAME")]
    pub chart: Option<String>,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// What `plan` and `apply` share.
#[derive(Debug, ClapArgs)]
pub struct OperationArgs {
    /// The folder of a chart or of charts
    pub dir: PathBuf,
    /// The environment
    #[arg(long, value_name = "ENV")]
    pub env: String,
    /// install, upgrade, rollback, test or uninstall [default: install, or upgrade if the release exists]
    #[arg(long, value_name = "OPERATION", value_parser = verb)]
    pub operation: Option<Verb>,
    /// The revision that a rollback goes back to [default: the one before]
    #[arg(long, value_name = "N")]
    pub revision: Option<u32>,
    /// The chart, when several have the environment
    #[arg(long, value_name = "NAME")]
    pub chart: Option<String>,
    /// How long to wait, such as 90s or 10m [default: as configured, else 10m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Let helm end when everything is sent, without waiting for it to be ready
    #[arg(long)]
    pub no_wait: bool,
    /// Let helm undo what failed
    #[arg(long)]
    pub rollback_on_failure: bool,
    /// Let helm create the namespace (install)
    #[arg(long)]
    pub create_namespace: bool,
    /// Run the release's tests afterwards
    #[arg(long)]
    pub test: bool,
    /// Keep the release's history (uninstall)
    #[arg(long)]
    pub keep_history: bool,
    /// As JSON
    #[arg(long)]
    pub json: bool,
}

/// `plan`.
#[derive(Debug, ClapArgs)]
pub struct PlanArgs {
    #[command(flatten)]
    pub operation: OperationArgs,
}

/// `apply`.
#[derive(Debug, ClapArgs)]
pub struct ApplyArgs {
    #[command(flatten)]
    pub operation: OperationArgs,
    /// Really do it
    #[arg(long)]
    pub yes: bool,
    /// The name of a protected target, as RELEASE@ENV
    #[arg(long, value_name = "RELEASE@ENV")]
    pub confirm: Option<String>,
}

/// `status`.
#[derive(Debug, ClapArgs)]
pub struct StatusArgs {
    /// The folder of a chart or of charts
    pub dir: PathBuf,
    /// The environment
    #[arg(long, value_name = "ENV")]
    pub env: String,
    /// The chart, when several have the environment
    #[arg(long, value_name = "NAME")]
    pub chart: Option<String>,
    /// As JSON: a PlatformDeployment with its DeployedComponents
    #[arg(long)]
    pub json: bool,
}

fn verb(word: &str) -> Result<Verb, String> {
    Verb::parse(word).ok_or_else(|| {
        let words: Vec<&str> = Verb::ALL.into_iter().map(Verb::word).collect();
        format!("must be one of {}", words.join(", "))
    })
}

fn duration(text: &str) -> Result<Duration, String> {
    user::duration(text)
        .filter(|found| !found.is_zero())
        .ok_or_else(|| "must be a time such as 10m, 90s or 1h30m".to_owned())
}

/// Reads the command line. `Err` is the exit code after help, version or a usage error was printed.
pub fn parse() -> Result<Args, u8> {
    Args::try_parse().map_err(|error| {
        // Nobody is left to tell when even this cannot be printed.
        let _ = error.print();
        match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => super::OK,
            _ => super::USAGE,
        }
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_definitions_hold() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_folder_or_a_command() {
        let args = Args::try_parse_from(["floe-tui", "charts", "--read-only"]).unwrap();
        assert_eq!((args.dir, args.global.read_only), (Some("charts".into()), true));
        let args = Args::try_parse_from([
            "floe-tui",
            "apply",
            ".",
            "--env",
            "dev",
            "--operation",
            "rollback",
            "--timeout",
            "1m30s",
            "--helm",
            "/h",
        ])
        .unwrap();
        assert_eq!(args.global.helm, Some("/h".into()));
        let Some(Command::Apply(apply)) = args.command else { unreachable!("{args:?}") };
        assert_eq!(apply.operation.operation, Some(Verb::Rollback));
        assert_eq!(apply.operation.timeout, Some(Duration::from_secs(90)));
        assert!(!apply.yes);
    }
}

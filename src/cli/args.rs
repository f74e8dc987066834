//! The command line.

// What stands here is shown as the program's help, where backticks are only noise.
#![allow(clippy::doc_markdown)]

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use clap::error::ErrorKind;
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::operations::Verb;
use crate::operations::launch::SUBCOMMAND;
use crate::workspace::user;

const AFTER: &str = "Without a command the rooms open on DIR.\n\n\
    Exit codes: 0 ok or no change, 1 error, 2 changes, 3 degraded, 4 pending, 64 usage.";

/// See every consequence of a Helm change before it happens, do it with your own helm, see the truth while it happens.
#[derive(Debug, Parser)]
#[command(name = "floe-tui", version, after_help = AFTER)]
pub struct Args {
    /// A chart, or a folder that holds charts [default: here]
    pub dir: Option<PathBuf>,
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// What every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Global {
    /// The kubeconfig, instead of KUBECONFIG or ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The helm program, instead of the one in PATH
    #[arg(long, global = true, value_name = "PATH")]
    pub helm: Option<PathBuf>,
    /// The theme: a name or a file
    #[arg(long, global = true, value_name = "NAME")]
    pub theme: Option<String>,
    /// The configuration, instead of config.toml in the configuration folder
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Refuse everything that changes a cluster
    #[arg(long, global = true)]
    pub read_only: bool,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Check values against the schemas, and the cluster mapping
    Validate(Validate),
    /// Print the manifests as helm renders them
    Render(Render),
    /// Render with this program's engine and with helm, and say whether both are the same
    Verify(Verify),
    /// Say why: which lines a key reaches, or which keys feed a line
    Explain(Explain),
    /// Say what an environment has that another one, the deployed revision or the live cluster has not
    Diff(Diff),
    /// Say what an operation would do: the exact command, its changes, every reason not to run it
    Plan(Plan),
    /// Do it, show it while it happens, and judge what came of it
    Apply(Apply),
    /// Tell how a release and its components do
    Status(Status),
    /// Make values files from compiled artifacts, without credentials
    Generate(Generate),
    /// Print the JSON Schema of an entity of the domain model, or the names of all
    Schema(Schema),
    /// Tell what a release runs on a schedule or once, how the last runs went, and what runs next; or run, retry,
    /// suspend and resume
    Jobs(Jobs),
    #[command(name = SUBCOMMAND, hide = true)]
    Supervise { folder: PathBuf },
}

impl Command {
    /// Whether the result is read by a program.
    pub fn is_json(&self) -> bool {
        match self {
            Self::Validate(args) => args.json,
            Self::Verify(args) => args.json,
            Self::Explain(args) => args.json,
            Self::Diff(args) => args.json,
            Self::Plan(args) => args.json,
            Self::Apply(args) => args.json,
            Self::Status(args) => args.json,
            Self::Generate(args) => args.json,
            Self::Jobs(args) => args.json || args.deed.as_ref().is_some_and(|deed| deed.args().json),
            Self::Render(_) | Self::Schema(_) | Self::Supervise { .. } => false,
        }
    }
}

#[derive(Debug, clap::Args)]
pub struct Validate {
    /// A chart, or a folder that holds charts
    #[arg(default_value = ".")]
    pub dir: PathBuf,
    /// Only what concerns this environment
    #[arg(long, value_name = "E")]
    pub env: Option<String>,
    /// Print the problems as JSON
    #[arg(long)]
    pub json: bool,
}

/// What is rendered.
#[derive(Debug, clap::Args)]
pub struct Rendering {
    /// The chart's folder
    pub chart: PathBuf,
    /// A values file after the chart's and the environment's, lowest first; may be repeated
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    pub values: Vec<PathBuf>,
    /// A value after all files, as helm's --set; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// With the values files, release and namespace of this environment
    #[arg(long, value_name = "E")]
    pub env: Option<String>,
    /// The release's name [default: the environment's, else the chart's]
    #[arg(long, value_name = "N")]
    pub release: Option<String>,
    /// The namespace [default: the environment's, else default]
    #[arg(long, value_name = "NS")]
    pub namespace: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct Render {
    #[command(flatten)]
    pub rendering: Rendering,
    /// What renders: this program's own engine as your helm would, or that helm
    #[arg(long, value_name = "WHICH", value_parser = ["own", "helm"], default_value = "own")]
    pub engine: String,
}

#[derive(Debug, clap::Args)]
pub struct Explain {
    #[command(flatten)]
    pub rendering: Rendering,
    /// The key: dagster.webserver.replicas
    #[arg(required_unless_present = "line", conflicts_with = "line")]
    pub key: Option<String>,
    /// A line instead: KIND/NAME:LINE, or the number of a line that render prints
    #[arg(long, value_name = "PLACE")]
    pub line: Option<String>,
    /// Print the answer as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Verify {
    #[command(flatten)]
    pub rendering: Rendering,
    /// Print the result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Diff {
    #[command(flatten)]
    pub place: Place,
    /// Another environment, `deployed` (the revision that runs) or `live` (the cluster's objects)
    #[arg(long, value_name = "B")]
    pub against: String,
    /// Leave out checksums and the chart's own labels, and count them
    #[arg(long)]
    pub hide_noise: bool,
    /// Print the changes as JSON
    #[arg(long)]
    pub json: bool,
}

/// An environment of a chart.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// A chart, or a folder that holds charts
    pub dir: PathBuf,
    /// The environment
    #[arg(long, value_name = "E")]
    pub env: String,
    /// The chart, when several have the environment
    #[arg(long, value_name = "NAME")]
    pub chart: Option<String>,
}

/// An operation on an environment.
#[derive(Debug, clap::Args)]
pub struct Operation {
    #[command(flatten)]
    pub place: Place,
    /// What to do [default: upgrade, or install where there is no release]
    #[arg(long, value_name = "O", value_parser = verbs())]
    pub operation: Option<Verb>,
    /// The revision that a rollback goes back to [default: the one before]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub revision: Option<u32>,
    /// How long helm may take: 90s, 10m, 1h30m [default: the configuration's, else 10m]
    #[arg(long, value_name = "T", value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Do not wait until the objects are ready
    #[arg(long)]
    pub no_wait: bool,
    /// Run the release's tests afterwards
    #[arg(long)]
    pub test: bool,
    /// Let helm undo what failed
    #[arg(long)]
    pub rollback_on_failure: bool,
    /// Let helm create the namespace (install)
    #[arg(long)]
    pub create_namespace: bool,
    /// Keep the release's history (uninstall)
    #[arg(long)]
    pub keep_history: bool,
}

#[derive(Debug, clap::Args)]
pub struct Plan {
    #[command(flatten)]
    pub operation: Operation,
    /// Print the plan as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Apply {
    #[command(flatten)]
    pub operation: Operation,
    #[command(flatten)]
    pub answer: Answer,
    /// Print the outcome as JSON, and the progress on the standard error
    #[arg(long)]
    pub json: bool,
}

/// What is answered before it is asked.
#[derive(Debug, clap::Args)]
pub struct Answer {
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
    /// What a protected environment wants to hear
    #[arg(long, value_name = "RELEASE@ENV")]
    pub confirm: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct Status {
    #[command(flatten)]
    pub place: Place,
    /// Print the deployment as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Jobs {
    #[command(subcommand)]
    pub deed: Option<JobsDeed>,
    #[command(flatten)]
    pub place: Option<Place>,
    /// Print the jobs as JSON
    #[arg(long)]
    pub json: bool,
}

/// What can be done to a job.
#[derive(Debug, Subcommand)]
pub enum JobsDeed {
    /// Run a schedule now: a Job from the CronJob's template
    Run(NewRun),
    /// Try a failed job again: run its schedule now, or make a new Job from its spec
    Retry(NewRun),
    /// Suspend a schedule: it starts nothing until it is resumed
    Suspend(OneJob),
    /// Resume a schedule
    Resume(OneJob),
}

impl JobsDeed {
    /// What all of them take.
    pub fn args(&self) -> &OneJob {
        match self {
            Self::Run(args) | Self::Retry(args) => &args.job,
            Self::Suspend(args) | Self::Resume(args) => args,
        }
    }

    /// How long the end is waited for, if it is.
    pub fn wait(&self) -> Option<Duration> {
        match self {
            Self::Run(args) | Self::Retry(args) => {
                args.wait.then(|| args.timeout.unwrap_or(Duration::from_mins(10)))
            }
            Self::Suspend(_) | Self::Resume(_) => None,
        }
    }
}

/// What makes a run.
#[derive(Debug, clap::Args)]
pub struct NewRun {
    #[command(flatten)]
    pub job: OneJob,
    /// Wait until the run has ended; exit code 3 when it failed, 4 when it still runs
    #[arg(long)]
    pub wait: bool,
    /// How long to wait: 90s, 10m, 1h30m [default: 10m]
    #[arg(long, value_name = "T", value_parser = duration, requires = "wait")]
    pub timeout: Option<Duration>,
}

#[derive(Debug, clap::Args)]
pub struct OneJob {
    /// The name of the CronJob, or of the run that failed
    pub name: String,
    #[command(flatten)]
    pub place: Place,
    /// Only say what would be done; exit code 2 if anything
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub answer: Answer,
    /// Print plan and result as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Generate {
    /// What floe compile wrote: compiled_artifacts.json [default: what floe-tui.toml names for the chart, with its other
    /// sources and its output]
    #[arg(long, value_name = "FILE", requires = "env")]
    pub artifacts: Option<PathBuf>,
    /// An environment; may be repeated [default: without --artifacts all of them]
    #[arg(long, value_name = "E")]
    pub env: Vec<String>,
    /// The chart that gets the values: floe-platform, floe-jobs, or one that contains them [default: the one that is here]
    #[arg(long, value_name = "DIR")]
    pub chart: Option<PathBuf>,
    /// A values file over what is generated, lowest first; may be repeated
    #[arg(short = 'f', long = "values", value_name = "FILE")]
    pub values: Vec<PathBuf>,
    /// A value over everything else, as helm reads it; may be repeated
    #[arg(long, value_name = "K=V")]
    pub set: Vec<String>,
    /// manifest.yaml: environments in the order of promotion
    #[arg(long, value_name = "FILE")]
    pub manifest: Option<PathBuf>,
    /// floe.yaml: the product's schedule
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,
    /// One job for each model, or a single one that keeps dbt's order: per-model or single [default: per-model]
    #[arg(long, value_name = "HOW", value_parser = ["per-model", "single"], hide_possible_values = true)]
    pub jobs: Option<String>,
    /// Write a file, or with several environments files CHART-E.yaml in a folder [default: the standard output]
    #[arg(long, value_name = "FILE|DIR")]
    pub output: Option<PathBuf>,
    /// Only say what --output would change; exit code 2 if anything
    #[arg(long)]
    pub dry_run: bool,
    /// Print values, origins, Secrets and problems as JSON
    #[arg(long)]
    pub json: bool,
}

#[derive(Debug, clap::Args)]
pub struct Schema {
    /// The entity, for example CompiledArtifacts [default: list the names]
    pub entity: Option<String>,
}

fn verbs() -> impl clap::builder::TypedValueParser<Value = Verb> {
    PossibleValuesParser::new(Verb::ALL.map(Verb::word))
        .try_map(|word| Verb::parse(&word).ok_or("not an operation"))
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    user::duration(text).ok_or("not a time like 90s, 10m or 1h30m, at most a day")
}

/// Reads arguments, the program's name first.
pub(super) fn read(args: impl IntoIterator<Item = OsString>) -> Result<Args, clap::Error> {
    let args = Args::try_parse_from(args)?;
    let conflict = |words: String| Err(Args::command().error(ErrorKind::ArgumentConflict, words));
    let operation = match &args.command {
        Some(_) if args.dir.is_some() => {
            return conflict("the folder of a command comes after the command".to_owned());
        }
        Some(Command::Plan(plan)) => Some(&plan.operation),
        Some(Command::Apply(apply)) => Some(&apply.operation),
        _ => None,
    };
    if let Some(operation) = operation {
        let verb = operation.operation;
        if operation.revision.is_some() && verb != Some(Verb::Rollback) {
            return conflict("--revision belongs to --operation rollback".to_owned());
        }
        if operation.test && matches!(verb, Some(Verb::Test | Verb::Uninstall)) {
            return conflict("--test belongs to install, upgrade and rollback".to_owned());
        }
    }
    Ok(args)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Args, clap::Error> {
        read(line.split_whitespace().map(OsString::from))
    }

    #[test]
    fn the_definition_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn flags_for_all_stand_anywhere() {
        for line in
            ["floe-tui --helm /h --read-only plan d --env e", "floe-tui plan d --env e --helm /h --read-only"]
        {
            let args = parsed(line).unwrap();
            assert!(args.global.read_only && args.global.helm == Some("/h".into()), "{line}");
            assert!(matches!(args.command, Some(Command::Plan(_))), "{line}");
        }
        assert_eq!(parsed("floe-tui charts").unwrap().dir, Some("charts".into()));
    }

    #[test]
    fn an_operation_is_read_whole() {
        let args =
            parsed("floe-tui apply d --env e --operation rollback --revision 3 --timeout 1m30s --no-wait")
                .unwrap();
        let Some(Command::Apply(apply)) = args.command else { panic!("not an apply") };
        let operation = apply.operation;
        assert_eq!((operation.operation, operation.revision), (Some(Verb::Rollback), Some(3)));
        assert_eq!(operation.timeout, Some(Duration::from_secs(90)));
        assert!(operation.no_wait && !apply.answer.yes);
    }

    #[test]
    fn render_and_verify_take_the_same() {
        let line = "c -f a.yaml -f b.yaml --env e --set x=1 --set y=2 --release r --namespace n";
        for command in ["render", "verify"] {
            let args = parsed(&format!("floe-tui {command} {line}")).unwrap();
            let rendering = match args.command {
                Some(Command::Render(render)) => {
                    assert_eq!(render.engine, "own");
                    render.rendering
                }
                Some(Command::Verify(verify)) => verify.rendering,
                _ => panic!("not {command}"),
            };
            assert_eq!((rendering.values.len(), rendering.set.len()), (2, 2));
        }
        assert!(parsed("floe-tui render c --engine other").is_err());
    }

    #[test]
    fn jobs_are_listed_or_one_is_dealt_with() {
        let Some(Command::Jobs(list)) = parsed("floe-tui jobs charts --env dev --json").unwrap().command
        else {
            panic!("no list")
        };
        assert!(list.deed.is_none() && list.json && list.place.unwrap().env == "dev");
        let line = "floe-tui jobs retry load-1 charts --env dev --chart floe-jobs --dry-run --read-only";
        let args = parsed(line).unwrap();
        assert!(args.global.read_only);
        let Some(Command::Jobs(jobs)) = args.command else { panic!("no deed") };
        let Some(deed) = jobs.deed else { panic!("no retry") };
        assert!(matches!(deed, JobsDeed::Retry(_)) && deed.wait().is_none());
        let one = deed.args();
        assert_eq!((one.name.as_str(), one.place.env.as_str()), ("load-1", "dev"));
        assert!(one.dry_run && !one.answer.yes && jobs.place.is_none());
        let Some(Command::Jobs(jobs)) =
            parsed("floe-tui jobs run x d --env e --wait --timeout 90s").unwrap().command
        else {
            panic!("no run")
        };
        assert_eq!(jobs.deed.and_then(|deed| deed.wait()), Some(Duration::from_secs(90)));
        assert!(parsed("floe-tui jobs run x d --env e --timeout 90s").is_err());
        assert!(parsed("floe-tui jobs suspend x d --env e --wait").is_err());
        for line in
            ["floe-tui jobs", "floe-tui jobs charts", "floe-tui jobs run", "floe-tui jobs run x charts"]
        {
            assert!(parsed(line).unwrap_err().use_stderr(), "{line}");
        }
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for line in [
            "floe-tui charts plan d --env e",
            "floe-tui plan d --env e --operation upgrade --revision 2",
            "floe-tui apply d --env e --operation uninstall --test",
            "floe-tui apply d --env e --timeout soon",
            "floe-tui apply d --env e --operation explode",
            "floe-tui diff d --env e",
        ] {
            assert!(parsed(line).unwrap_err().use_stderr(), "{line}");
        }
    }
}

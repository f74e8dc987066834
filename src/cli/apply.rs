//! `floe-tui apply DIR --env E --operation O --yes`: plan, launch, follow, judge. Leaving it never touches helm.

use serde_json::json;

use super::args::{ApplyArgs, Global};
use super::follow::{Followed, Follower};
use super::{ERROR, USAGE, out, plan};
use crate::base::{Error, Result};
use crate::cluster::Connection;
use crate::cluster::releases::Driver;
use crate::operations::outcome::Verdict;
use crate::operations::{Plan, Planner, Store, Verb};

/// The exit code after leaving a running operation.
const PENDING: u8 = 4;

pub(super) async fn run(args: &ApplyArgs, global: &Global) -> Result<u8> {
    let json = args.operation.json;
    let (plan, planner) = plan::make(&args.operation, global).await?;
    if !json {
        plan::print(&plan);
        out::line("");
    }
    if plan.is_blocked() {
        if json {
            out::json(&json!({"plan": plan::as_json(&plan), "outcome": null}))?;
        }
        plan::refuse(&plan);
        return Ok(ERROR);
    }
    if let Some(code) = unconfirmed(args, &plan) {
        return Ok(code);
    }
    let id = planner.launch(&plan).await?;
    if !json {
        out::line(&format!("operation {id}"));
    }
    let store = Store::new(&planner.folders);
    let connection = Connection::open(&planner.kubeconfig, &plan.request.release.context).await?;
    let mut follower = Follower::new(connection.clone(), planner.redactor.clone(), json);
    match follower.follow(store.tail(&id)?).await? {
        Followed::Detached => {
            out::note(&format!(
                "detached: helm goes on with {}; come back with `floe-tui status {} --env {}`, or open floe-tui: Run \
                 shows it",
                plan.request.target_words(),
                args.operation.dir.display(),
                args.operation.env
            ));
            Ok(PENDING)
        }
        Followed::Over(outcome) => {
            store.mark_seen(&id)?;
            if plan.request.verb == Verb::Test || plan.request.options.test_after {
                tests(&planner, &connection, &plan, json).await;
            }
            if json {
                out::json(&json!({"operation": id, "plan": plan::as_json(&plan), "outcome": outcome}))?;
            } else {
                out::line("");
            }
            let good = matches!(outcome.verdict, Verdict::Good | Verdict::Pending);
            if !json || !good {
                let say = |text: &str| if good { out::line(text) } else { out::note(text) };
                say(&outcome.headline);
                for detail in &outcome.details {
                    say(&format!("  {detail}"));
                }
                if let Some(next) = &outcome.next {
                    say(&format!("→ {next}"));
                }
            }
            Ok(outcome.verdict.exit_code())
        }
    }
}

/// Says what is missing before anything is done, and the exit code for it.
fn unconfirmed(args: &ApplyArgs, plan: &Plan) -> Option<u8> {
    let wanted = plan.confirm_words();
    let confirm = wanted.as_ref().map(|words| format!(" --confirm {words}")).unwrap_or_default();
    if !args.yes {
        out::note(&format!("nothing was done; to really do it: --yes{confirm}"));
        return Some(USAGE);
    }
    let wanted = wanted?;
    match args.confirm.as_deref() {
        Some(given) if given == wanted => None,
        Some(given) => {
            out::note(&format!(
                "nothing was done: --confirm {given} names another target; this one is {wanted}"
            ));
            Some(USAGE)
        }
        None => {
            out::note(&format!("nothing was done: this target is protected; add --confirm {wanted}"));
            Some(USAGE)
        }
    }
}

/// What each test came to, from the release's record.
async fn tests(planner: &Planner, connection: &Connection, plan: &Plan, quiet: bool) {
    let result: Result<()> = async {
        let release = &plan.request.release;
        let driver = Driver::from_env().map_err(|name| Error::new(format!("HELM_DRIVER={name}")))?;
        let history = connection.history(driver, &release.namespace, &release.release).await?;
        let Some(row) = history.first() else { return Ok(()) };
        let record = connection.record(driver, &release.namespace, &row.storage).await?;
        for hook in record.hooks.iter().filter(|hook| hook.is_test()) {
            if !quiet {
                out::line(&format!("test {} {}: {}", hook.kind, hook.name, hook.last_run.phase.word()));
            }
        }
        Ok(())
    }
    .await;
    if let Err(error) = result {
        out::note(&format!("warning: the tests' results could not be read with {}: {error}", planner.helm));
    }
}

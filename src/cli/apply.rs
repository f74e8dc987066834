//! `floe-tui apply`: plan, confirm, do it in a supervisor of its own, show what happens, and judge what came of it.

use serde_json::json;

use super::args::{Apply, Global};
use super::confirm::Deed;
use super::follow::{End, Follower, Leave};
use super::plan::{self, Made};
use super::setup::Setup;
use super::{FAILED, PENDING, observe, out};
use crate::base::Result;
use crate::cluster::Connection;
use crate::cluster::objects::{ObjectsSnapshot, Wanted};
use crate::operations::outcome::{Verdict, Witness, judge};
use crate::operations::{OperationId, OperationView, Outcome, Store, Verb};

pub(super) async fn run(global: Global, args: Apply) -> Result<u8> {
    let setup = Setup::new(global)?;
    let made = plan::make(&setup, &args.operation, true).await?;
    if !args.json {
        plan::print(&made.plan);
    }
    if made.plan.is_blocked() {
        if args.json {
            out::json(&json!({"plan": plan::data(&made.plan), "verdict": Verdict::Failed}));
        }
        plan::blocked(&made.plan);
        return Ok(FAILED);
    }
    let request = &made.plan.request;
    let deed = Deed {
        words: made.plan.deed(),
        target: request.target_words(),
        name: request.name_words(),
        protected: request.protected,
    };
    if let Some(code) = deed.unless_confirmed(&args.answer, args.json) {
        return Ok(code);
    }
    let release = made.plan.request.release.clone();
    let connection = setup.connect(&made.planner.kubeconfig, &release).await?;
    let wanted: Vec<Wanted> = made.plan.objects.iter().map(Wanted::from).collect();
    let mut follower = Follower::new(
        connection.clone(),
        made.redactor.clone(),
        made.plan.request.verb,
        &release.namespace,
        wanted,
        args.json,
    )
    .await;
    let store = Store::new(&setup.folders);
    let mut leave = Leave::new()?;
    let id = made.planner.launch(&made.plan).await?;
    match follower.follow(&store, &id, &mut leave).await? {
        End::Detached(view) => {
            detached(&args, &id, &view);
            Ok(PENDING)
        }
        End::Over(view) => {
            let snapshot = follower.snapshots.borrow().clone();
            let witness = witness(&connection, &made, &snapshot).await;
            let outcome = judge(&view, &witness);
            // It was looked at: the rooms need not announce it.
            let _ = store.mark_seen(&id);
            if made.plan.request.verb == Verb::Test || made.plan.request.options.test_after {
                tests(&connection, &made, args.json).await;
            }
            tell(&args, &id, &outcome);
            Ok(outcome.verdict.exit_code())
        }
    }
}

/// What the cluster says after helm ended.
async fn witness(connection: &Connection, made: &Made, snapshot: &ObjectsSnapshot) -> Witness {
    let request = &made.plan.request;
    let mut witness = Witness::default();
    match observe::history(connection, &request.release).await {
        Ok(history) => {
            witness.looked = true;
            witness.last = history.first().map(|row| (row.revision, row.status));
        }
        Err(error) => {
            out::note(&format!("warning: the release's records were not read: {}", error.headline()));
        }
    }
    if request.verb == Verb::Uninstall {
        return witness;
    }
    if snapshot.fault().is_none() {
        witness.look(snapshot);
        witness.remarks = witness.remarks.iter().map(|remark| made.redactor.text(remark)).collect();
    }
    if let Some(cause) = observe::cause(connection, snapshot, &made.redactor).await {
        witness.cause = Some(std::iter::once(cause.line).chain(cause.more).collect::<Vec<_>>().join("\n"));
    }
    witness
}

/// What each test came to, from the release's record.
async fn tests(connection: &Connection, made: &Made, aside: bool) {
    let release = &made.plan.request.release;
    let record = async {
        let history = observe::history(connection, release).await?;
        match history.first() {
            Some(row) => observe::record(connection, release, row).await.map(Some),
            None => Ok(None),
        }
    };
    match record.await {
        Ok(record) => {
            for hook in record.iter().flat_map(|record| &record.hooks).filter(|hook| hook.is_test()) {
                let line = format!("test {} {}: {}", hook.kind, hook.name, hook.last_run.phase.word());
                if aside { out::note(&line) } else { out::line(&line) }
            }
        }
        Err(error) => out::note(&format!("warning: the tests' results were not read: {}", error.headline())),
    }
}

fn detached(args: &Apply, id: &OperationId, view: &OperationView) {
    let pid = view.helm().map_or_else(|| "helm".to_owned(), |(pid, _)| format!("helm (pid {pid})"));
    if args.json {
        out::json(&json!({"operation": id.as_str(), "verdict": Verdict::Pending, "headline": "detached",
            "pid": view.helm().map(|(pid, _)| pid)}));
    }
    out::note(&format!("detached: {pid} goes on with {}; nothing was stopped", view.spec.title()));
    let place = &args.operation.place;
    out::note(&format!("→ see how it does: floe-tui status {} --env {}", place.dir.display(), place.env));
}

fn tell(args: &Apply, id: &OperationId, outcome: &Outcome) {
    if args.json {
        let mut data = serde_json::to_value(outcome).unwrap_or_default();
        data["operation"] = id.as_str().into();
        out::json(&data);
        return;
    }
    let say = |line: &str| match outcome.verdict {
        Verdict::Failed | Verdict::Interrupted => out::note(line),
        Verdict::Good | Verdict::Degraded | Verdict::Pending => out::line(line),
    };
    let word = match outcome.verdict {
        Verdict::Failed | Verdict::Interrupted => "error: ",
        Verdict::Good | Verdict::Degraded | Verdict::Pending => "",
    };
    say(&format!("{word}{}", outcome.headline));
    for line in outcome.details.iter().flat_map(|detail| detail.lines()) {
        say(&format!("  {line}"));
    }
    if let Some(next) = &outcome.next {
        say(&format!("→ {next}"));
    }
}

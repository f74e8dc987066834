//! `floe-tui plan DIR --env E --operation O`: everything that the plan in Run shows.

use serde_json::json;

use super::args::{Global, OperationArgs, PlanArgs};
use super::context::{self, Context};
use super::{CHANGES, ERROR, OK, diff, out};
use crate::base::Result;
use crate::cluster::Connection;
use crate::cluster::releases::Driver;
use crate::operations::{CheckLevel, Plan, Planner, Verb};

pub(super) async fn run(args: &PlanArgs, global: &Global) -> Result<u8> {
    let (plan, _) = make(&args.operation, global).await?;
    if args.operation.json {
        out::json(&as_json(&plan))?;
    } else {
        print(&plan);
    }
    if plan.is_blocked() {
        refuse(&plan);
        return Ok(ERROR);
    }
    Ok(if plan.changes.is_empty() { OK } else { CHANGES })
}

/// Works out the plan that the arguments ask for.
pub(super) async fn make(args: &OperationArgs, global: &Global) -> Result<(Plan, Planner)> {
    let mut context = Context::new(global)?;
    let workspace = context::open(&args.dir)?;
    let kubeconfig = context.kubeconfig()?;
    let place = context.place(&workspace, args.chart.as_deref(), &args.env, Some(&kubeconfig))?;
    context.learn(&place);
    let planner = context.planner(&kubeconfig).await?;
    let verb = if let Some(verb) = args.operation {
        verb
    } else {
        let release = context::release_of(&place.target)?;
        let connection = Connection::open(&kubeconfig, &release.context).await?;
        let exists = match Driver::from_env() {
            Ok(driver) => !connection.history(driver, &release.namespace, &release.release).await?.is_empty(),
            Err(_) => false,
        };
        if exists { Verb::Upgrade } else { Verb::Install }
    };
    let request = context.request(&place, verb, args)?;
    let plan = planner.plan(&request, &context::verdict(&workspace, &place)).await?;
    Ok((plan, planner))
}

/// The plan as text.
pub(super) fn print(plan: &Plan) {
    let release = &plan.request.release;
    out::line(&format!("{} {}", plan.request.verb.title(), plan.request.target_words()));
    let identity =
        plan.identity.as_ref().map(|identity| format!(" ({})", identity.short())).unwrap_or_default();
    out::line(&format!("  context {}{identity}, namespace {}", release.context, release.namespace));
    out::line(&format!("  with {}", plan.helm));
    for command in plan.commands() {
        out::line(&format!("  $ {command}"));
    }
    out::line("");
    if plan.request.verb != Verb::Test {
        out::line(&format!("Changes: {}", plan.changes.headline()));
        diff::print(&plan.changes);
        out::line("");
    }
    out::line("Checks:");
    for check in &plan.checks {
        out::line(&out::check(check));
    }
    if !plan.ways.is_empty() {
        out::line("");
        out::line("Ways out:");
        for way in &plan.ways {
            out::line(&format!("- {}: {}", way.title, way.why));
            for caveat in &way.caveats {
                out::line(&format!("    but {caveat}"));
            }
        }
    }
}

/// Why a plan may not run, on standard error.
pub(super) fn refuse(plan: &Plan) {
    out::note(&format!("refused: {} {}", plan.request.verb, plan.request.target_words()));
    for check in plan.checks.iter().filter(|check| check.level == CheckLevel::Blocked) {
        out::note(&out::check(check));
    }
}

/// The plan as JSON; objects in clear are left out.
pub(super) fn as_json(plan: &Plan) -> serde_json::Value {
    let request = &plan.request;
    json!({
        "operation": request.verb,
        "environment": request.environment,
        "release": request.release,
        "protected": request.protected,
        "revision": request.revision,
        "helm": plan.helm.version.to_string(),
        "commands": plan.commands(),
        "argv": plan.steps.iter().map(|step| &step.argv).collect::<Vec<_>>(),
        "identity": plan.identity,
        "lastRevision": plan.last.as_ref().map(|last| json!({"revision": last.revision, "status": last.status})),
        "headline": plan.changes.headline(),
        "changes": plan.changes,
        "incomplete": plan.incomplete,
        "blocked": plan.is_blocked(),
        "checks": plan.checks,
    })
}

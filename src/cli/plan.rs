//! `floe-tui plan`: what an operation would do, without doing it. `apply` begins with the same plan.

use std::sync::Arc;

use serde_json::json;

use super::args::{self, Global, Operation};
use super::setup::{Place, Setup};
use super::{CHANGES, FAILED, OK, changes, observe, out};
use crate::base::redact::Redactor;
use crate::base::{Error, Result};
use crate::cluster::Identity;
use crate::operations::plan::ValuesVerdict;
use crate::operations::{ChartSource, Check, Options, Plan, PlanRequest, Planner, Verb, Way};
use crate::workspace::{self, Confirm};

pub(super) async fn run(global: Global, args: args::Plan) -> Result<u8> {
    let setup = Setup::new(global)?;
    let made = make(&setup, &args.operation, false).await?;
    if args.json {
        out::json(&data(&made.plan));
    } else {
        print(&made.plan);
    }
    Ok(if made.plan.is_blocked() {
        blocked(&made.plan);
        FAILED
    } else if made.plan.is_empty() {
        OK
    } else {
        CHANGES
    })
}

/// A plan with what it was made with.
pub(super) struct Made {
    pub(super) plan: Plan,
    pub(super) planner: Planner,
    pub(super) redactor: Redactor,
}

/// Works out the plan of the arguments.
pub(super) async fn make(setup: &Setup, args: &Operation, writes: bool) -> Result<Made> {
    let place = Place::find(&args.place)?;
    let redactor = place.redactor(&[&place.environment]);
    let (helm, renderer) = setup.helm(&redactor).await?;
    let kubeconfig = setup.kubeconfig()?;
    let (target, release) = place.target(&kubeconfig, &setup.settings)?;
    let verb = if let Some(verb) = args.operation {
        verb
    } else {
        let connection = setup.connect(&kubeconfig, &release).await?;
        let there = !observe::history(&connection, &release).await?.is_empty();
        if there { Verb::Upgrade } else { Verb::Install }
    };
    let chart = place.chart();
    let metadata = &chart.chart.metadata;
    let request = PlanRequest {
        environment: Some(target.environment.clone()),
        protected: target.protected || setup.settings.confirm == Confirm::Always,
        chart: Some(ChartSource {
            dir: chart.dir.clone(),
            values: target.values_files.clone(),
            unreadable: place.environment.unreadable.clone(),
            label: format!("{}-{}", metadata.name, metadata.version),
        }),
        revision: args.revision,
        options: Options {
            timeout: args.timeout.unwrap_or(setup.settings.timeout),
            wait: !args.no_wait,
            rollback_on_failure: args.rollback_on_failure,
            create_namespace: args.create_namespace,
            test_after: args.test,
            keep_history: args.keep_history,
        },
        ..PlanRequest::new(verb, release)
    };
    let verdict = ValuesVerdict {
        problems: workspace::validate(&place.workspace, Some(&target.environment)),
        secret_paths: chart.schema.secret_paths(),
    };
    let planner = Planner {
        helm,
        kubeconfig: Arc::new(kubeconfig),
        kubeconfig_path: setup.kubeconfig.clone(),
        renderer,
        redactor: Arc::new(redactor.clone()),
        folders: setup.folders.clone(),
        read_only: writes && setup.read_only,
    };
    let plan = planner.plan(&request, &verdict).await?;
    Ok(Made { plan, planner, redactor })
}

/// The whole plan, for a person.
pub(super) fn print(plan: &Plan) {
    for line in lines(plan) {
        out::line(&line);
    }
    if !plan.changes.is_empty() {
        out::line("changes, worst first:");
        changes::print(&plan.changes, true);
    }
    out::line(&match plan.request.verb {
        Verb::Test => plan.deed(),
        _ => format!("{}: {}", plan.request.verb.title(), changes::headline_of(&plan.changes)),
    });
}

fn lines(plan: &Plan) -> Vec<String> {
    let release = &plan.request.release;
    let identity = plan.identity.as_ref().map_or_else(|| "not asked".to_owned(), Identity::short);
    let mut lines = vec![
        format!("{} {}", plan.request.verb.title(), plan.request.target_words()),
        format!("  context {}, namespace {}, cluster {identity}", release.context, release.namespace),
        format!("  {} ({})", plan.helm, plan.helm.path.display()),
    ];
    if let Some(last) = &plan.last {
        lines.push(format!("  last revision {}, {}", last.revision, last.status));
    }
    lines.push("command:".to_owned());
    lines.extend(plan.commands().into_iter().map(|command| format!("  {command}")));
    lines.push("checks:".to_owned());
    lines.extend(plan.checks.iter().flat_map(Check::lines));
    lines
}

/// Why it may not run, on the standard error.
pub(super) fn blocked(plan: &Plan) {
    for check in plan.blockers() {
        let mut error = Error::new(check.title.clone());
        error.cause.clone_from(&check.detail);
        error.next.clone_from(&check.next);
        out::error(&error);
    }
    for way in &plan.ways {
        out::note(&way_words(way));
    }
}

fn way_words(way: &Way) -> String {
    let mut words = format!("way out: {}: {}", way.title, way.why);
    for caveat in &way.caveats {
        words.push_str(&format!("; {caveat}"));
    }
    words
}

/// The whole plan, for a program.
pub(super) fn data(plan: &Plan) -> serde_json::Value {
    let request = &plan.request;
    json!({
        "operation": request.verb,
        "chart": request.chart.as_ref().map(|chart| &chart.label),
        "environment": request.environment,
        "context": request.release.context,
        "namespace": request.release.namespace,
        "releaseName": request.release.release,
        "protected": request.protected,
        "confirm": plan.confirm_words(),
        "cluster": plan.identity,
        "helm": plan.helm.version.to_string(),
        "lastRevision": plan.last.as_ref().map(|last| json!({"revision": last.revision, "status": last.status})),
        "commands": plan.commands(),
        "blocked": plan.is_blocked(),
        "incomplete": plan.incomplete,
        "checks": plan.checks,
        "headline": plan.changes.headline(),
        "changes": plan.changes.changes,
        "unchanged": plan.changes.unchanged,
        "unstable": plan.changes.unstable,
    })
}

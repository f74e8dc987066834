//! What the cluster says to a plan before it runs: who it is, what the release's history is, whether we may do what
//! the plan does, and what the server would make of each object.

use std::collections::BTreeSet;

use futures::StreamExt as _;
use futures::future::BoxFuture;
use jiff::Timestamp;

use super::checks::{CheckLevel, Checks};
use super::{Facts, Planner};
use crate::base::folders::Folders;
use crate::cluster::access::{Ask, DryRun, Refusal, RefusalKind};
use crate::cluster::releases::{Driver, RevisionRow};
use crate::cluster::{Connection, Fault, Pinned, Pins};
use crate::helm::Major;
use crate::helm::record::{ApplyMethod, Status};
use crate::manifest::{ChangeKind, ChangeSet, Consequence, Object};
use crate::operations::request::{PlanRequest, Verb};
use crate::yaml::Value;

/// Objects that are tried on the server; a larger plan says that it tried so many.
const TRIED: usize = 300;

/// Dry runs at a time.
const AT_A_TIME: usize = 8;

/// Asks the cluster who it is and what it holds. What cannot be asked is said in the checks.
pub(super) async fn ask(planner: &Planner, request: &PlanRequest, checks: &mut Checks) -> Facts {
    let release = &request.release;
    let mut facts = Facts::default();
    let connection = match Connection::open(&planner.kubeconfig, &release.context).await {
        Ok(connection) => connection,
        Err(fault) => {
            checks.error(CheckLevel::Blocked, &fault.into());
            return facts;
        }
    };
    let identity = match connection.identity(Some(&release.namespace)).await {
        Ok(identity) => identity,
        Err(fault) => {
            checks.error(CheckLevel::Blocked, &fault.into());
            return facts;
        }
    };
    pin(&planner.folders, &connection, &identity, checks);
    facts.identity = Some(identity);
    match connection.namespace_exists(&release.namespace).await {
        Ok(exists) => facts.namespace = Some(exists),
        Err(Fault::Forbidden { .. }) => {
            let title = format!("whether the namespace {} exists may not be asked", release.namespace);
            checks.add(CheckLevel::Note, title);
        }
        Err(fault) => checks.error(CheckLevel::Warning, &fault.into()),
    }
    match Driver::from_env() {
        Ok(driver) => {
            facts.driver = Some(driver);
            match connection.history(driver, &release.namespace, &release.release).await {
                Ok(history) => facts.history = Some(history),
                Err(Fault::Forbidden { cause, .. }) => {
                    let title = format!(
                        "{} may not read the release's records in {}",
                        release.context, release.namespace
                    );
                    let check = checks.add(CheckLevel::Blocked, title);
                    check.detail = Some(cause);
                    check.next = Some(format!("helm needs list and get on {} there", driver.plural()));
                }
                Err(fault) => checks.error(CheckLevel::Blocked, &fault.into()),
            }
        }
        // What the release is, and whether it moves before the launch, would both be unknown.
        Err(fault) => checks.error(CheckLevel::Blocked, &fault.into()),
    }
    facts.connection = Some(connection);
    facts
}

/// Pins a cluster at its first use and refuses another one under a pinned context.
pub(in crate::operations) fn pin(
    folders: &Folders,
    connection: &Connection,
    found: &crate::cluster::Identity,
    checks: &mut Checks,
) {
    let context = connection.context();
    let mut pins = match Pins::load(&folders.state) {
        Ok(pins) => pins,
        Err(error) => return checks.error(CheckLevel::Blocked, &error),
    };
    match pins.check(context, found) {
        Pinned::New => match pins.pin(context, connection.server(), found, Timestamp::now()) {
            Ok(_) => {
                let title = format!("first use of {context}: the cluster is pinned as {}", found.short());
                checks.add(CheckLevel::Note, title);
            }
            Err(error) => checks.error(CheckLevel::Blocked, &error),
        },
        Pinned::Matches { weak } => {
            let title = format!("{context} leads to the pinned cluster ({})", found.short());
            checks.add(CheckLevel::Ok, title);
            if weak {
                checks.add(
                    CheckLevel::Note,
                    "the pin is weak: without the right to read kube-system it stands on the cluster's CA",
                );
            }
            if let Err(error) = pins.learn(context, found) {
                checks.error(CheckLevel::Note, &error);
            }
        }
        Pinned::Mismatch { expected, found } => {
            checks.add(CheckLevel::Blocked, expected.difference(context, &found)).next =
                Some("find out why; if it is meant, pin it anew in Clusters".to_owned());
        }
    }
}

/// Fetches the records that the plan compares with.
pub(super) async fn records(request: &PlanRequest, facts: &mut Facts, checks: &mut Checks) {
    let (Some(connection), Some(history), Some(driver)) = (&facts.connection, &facts.history, facts.driver)
    else {
        return;
    };
    let current = history.iter().find(|row| row.status == Status::Deployed).or_else(|| history.first());
    let target = request.revision.and_then(|revision| history.iter().find(|row| row.revision == revision));
    let last = history.first().filter(|last| current.is_some_and(|row| row.revision != last.revision));
    let target = target.filter(|_| request.verb == Verb::Rollback);
    let mut found = [None, None, None];
    for (slot, row) in found.iter_mut().zip([current, last, target]) {
        let Some(row) = row else { continue };
        match connection.record(driver, &request.release.namespace, &row.storage).await {
            Ok(record) => *slot = Some(std::sync::Arc::new(record)),
            Err(fault @ Fault::Unreadable { .. }) => {
                let newest = history.first().is_some_and(|newest| newest.revision == row.revision);
                unreadable(connection, driver, row, newest, &fault, checks);
            }
            Err(fault) => checks.error(CheckLevel::Warning, &fault.into()),
        }
    }
    let [current, last, target] = found;
    facts.current = current;
    facts.last = last;
    facts.target = target;
}

/// A record that is no record: helm skips it when it reads, and fails when it wants to write one of that number.
fn unreadable(
    connection: &Connection,
    driver: Driver,
    row: &RevisionRow,
    newest: bool,
    fault: &Fault,
    checks: &mut Checks,
) {
    let RevisionRow { namespace, storage, revision, .. } = row;
    let level = if newest { CheckLevel::Blocked } else { CheckLevel::Warning };
    let check = checks.add(level, format!("the record of revision {revision} cannot be read, nor can helm"));
    check.detail = Some(fault.to_string());
    let kind = driver.plural().trim_end_matches('s');
    let kubectl = format!("kubectl --context {} -n {namespace}", connection.context());
    check.next = Some(format!(
        "back it up and remove it, the revision before is the last one then: {kubectl} get {kind} {storage} -o yaml > \
         {storage}.yaml && {kubectl} delete {kind} {storage}"
    ));
}

/// Asks for our rights and lets the server try every object that is added or changed.
pub(super) async fn objects(
    planner: &Planner,
    request: &PlanRequest,
    facts: &Facts,
    new: &[Object],
    changes: &mut ChangeSet,
    checks: &mut Checks,
) {
    let Some(connection) = &facts.connection else { return };
    let brings_crds = new.iter().any(|object| object.id.kind == "CustomResourceDefinition");
    rights(connection, request, facts, changes, brings_crds, checks).await;
    if request.verb.needs_chart() || request.verb == Verb::Rollback {
        if facts.namespace == Some(false) {
            checks.add(
                CheckLevel::Note,
                "the server could not try the objects: their namespace does not exist yet",
            );
            return;
        }
        try_all(planner, connection, request, facts, new, changes, checks).await;
    }
}

async fn rights(
    connection: &Connection,
    request: &PlanRequest,
    facts: &Facts,
    changes: &ChangeSet,
    brings_crds: bool,
    checks: &mut Checks,
) {
    let namespace = &request.release.namespace;
    let mut asks: BTreeSet<(String, String, String, Option<String>)> = BTreeSet::new();
    let records = facts.driver.unwrap_or_default().plural();
    for verb in ["create", "update", "list"] {
        asks.insert((verb.to_owned(), String::new(), records.to_owned(), Some(namespace.clone())));
    }
    if request.options.create_namespace && facts.namespace == Some(false) {
        asks.insert(("create".to_owned(), String::new(), "namespaces".to_owned(), None));
    }
    if request.verb == Verb::Test {
        asks.insert(("create".to_owned(), String::new(), "pods".to_owned(), Some(namespace.clone())));
    }
    let mut missing: BTreeSet<String> = BTreeSet::new();
    for change in &changes.changes {
        let verb = match change.kind {
            ChangeKind::Added => "create",
            ChangeKind::Changed => "patch",
            ChangeKind::Removed => "delete",
        };
        match connection.served(&change.id.api_version, &change.id.kind).await {
            Ok(served) => {
                let own = change.id.namespace.clone().unwrap_or_else(|| namespace.clone());
                let place = served.namespaced.then_some(own);
                asks.insert((verb.to_owned(), served.resource.group, served.resource.plural, place));
            }
            Err(Fault::NotServed { api_version, kind }) => {
                missing.insert(format!("{kind} of {api_version}"));
            }
            Err(fault) => {
                checks.error(CheckLevel::Warning, &fault.into());
                return;
            }
        }
    }
    for kind in missing {
        let level = if brings_crds || request.verb == Verb::Uninstall {
            CheckLevel::Warning
        } else {
            CheckLevel::Blocked
        };
        checks.add(level, format!("the cluster does not serve {kind}")).next =
            Some("install its CRD first, or use an API version that this cluster has".to_owned());
    }
    let asks: Vec<Ask> = asks
        .into_iter()
        .map(|(verb, group, resource, namespace)| Ask { verb, group, resource, namespace })
        .collect();
    may(connection, &asks, checks).await;
}

/// Whether we may do all of this.
pub(in crate::operations) async fn may(connection: &Connection, asks: &[Ask], checks: &mut Checks) {
    match connection.can_i(asks).await {
        Ok(answers) => {
            let mut allowed = 0;
            for answer in answers {
                if answer.allowed {
                    allowed += 1;
                    continue;
                }
                let place = match &answer.ask.namespace {
                    Some(namespace) => format!("in {namespace}"),
                    None => "in the whole cluster".to_owned(),
                };
                let group = if answer.ask.group.is_empty() {
                    String::new()
                } else {
                    format!(".{}", answer.ask.group)
                };
                let title = format!(
                    "{} may not {} {}{group} {place}",
                    connection.context(),
                    answer.ask.verb,
                    answer.ask.resource
                );
                let check = checks.add(CheckLevel::Blocked, title);
                check.detail = Some(answer.reason).filter(|reason| !reason.is_empty());
                check.next = Some("ask for the right, or use a context that has it".to_owned());
            }
            if allowed == asks.len() {
                let title = match allowed {
                    1 => "the right that it needs is there".to_owned(),
                    more => format!("all {more} rights that it needs are there"),
                };
                checks.add(CheckLevel::Ok, title);
            }
        }
        Err(fault) => checks.error(CheckLevel::Warning, &fault.into()),
    }
}

async fn try_all(
    planner: &Planner,
    connection: &Connection,
    request: &PlanRequest,
    facts: &Facts,
    new: &[Object],
    changes: &mut ChangeSet,
    checks: &mut Checks,
) {
    let touched: Vec<(&Object, bool)> = new
        .iter()
        .filter(|object| object.hook.is_none())
        .filter_map(|object| {
            let change = changes.changes.iter().find(|change| change.id.key() == object.id.key())?;
            Some((object, change.kind == ChangeKind::Added))
        })
        .collect();
    if touched.is_empty() {
        return;
    }
    // helm 3 and releases made by it do not ask who owns a field: neither does the trial then.
    let server_side = planner.helm.major == Major::Four
        && facts.current.as_ref().is_none_or(|record| record.apply_method == ApplyMethod::ServerSide);
    let namespace = &request.release.namespace;
    // Boxed by hand: the compiler cannot see that a borrowing closure's future is `Send` for every lifetime.
    let mut trials: Vec<BoxFuture<'_, _>> = Vec::new();
    for (object, added) in touched.iter().copied().take(TRIED) {
        trials.push(Box::pin(async move {
            (object, added, connection.dry_run(&object.value, namespace, !server_side).await)
        }));
    }
    let mut results: Vec<_> = futures::stream::iter(trials).buffer_unordered(AT_A_TIME).collect().await;
    results.sort_by(|a, b| a.0.id.cmp(&b.0.id));
    let (mut accepted, mut untried) = (0, 0);
    for (object, added, result) in results {
        match result {
            Ok(DryRun { outcome, warnings }) => {
                for warning in warnings {
                    checks.add(CheckLevel::Warning, format!("{}: {warning}", object.id.short()));
                }
                match outcome {
                    Ok(live) => {
                        accepted += 1;
                        owner(request, object, added, &live, changes, checks);
                    }
                    // Some kinds (role bindings) look their old self up even when there is none yet.
                    Err(refusal) if added && names_itself_missing(object, &refusal) => untried += 1,
                    Err(refusal) => refused(object, &refusal, changes, checks),
                }
            }
            Err(fault) => {
                let title = format!("the server could not try {}", object.id.short());
                checks.add(CheckLevel::Warning, title).detail = Some(fault.to_string());
            }
        }
    }
    if accepted + untried == touched.len() {
        let but = if untried == 0 { String::new() } else { format!(", {untried} cannot be tried before") };
        checks
            .add(CheckLevel::Ok, format!("the server accepts {accepted} of {} objects{but}", touched.len()));
    } else if touched.len() > TRIED {
        let title = format!("only {TRIED} of {} objects were tried on the server", touched.len());
        checks.add(CheckLevel::Note, title);
    }
}

/// Whether the refusal only says that the object, which is to be made, is not there.
fn names_itself_missing(object: &Object, refusal: &Refusal) -> bool {
    refusal.kind == RefusalKind::Other
        && refusal.message.ends_with(&format!("\"{}\" not found", object.id.name))
}

fn refused(object: &Object, refusal: &Refusal, changes: &mut ChangeSet, checks: &mut Checks) {
    let fields = refusal.fields.join(", ");
    let (level, consequence, title, next) = match refusal.kind {
        RefusalKind::Immutable => (
            CheckLevel::Blocked,
            Consequence::Immutable,
            format!("a field that cannot change: {fields}"),
            "remove the object first (its data may be at risk), or keep the field as it is",
        ),
        RefusalKind::Conflict => (
            CheckLevel::Warning,
            Consequence::Conflict,
            format!("{} manages {fields}", refusal.manager.as_deref().unwrap_or("somebody else")),
            "helm will refuse it: leave the field to its owner, or give it back",
        ),
        RefusalKind::Quota => (
            CheckLevel::Warning,
            Consequence::None,
            "the quota does not allow it".to_owned(),
            "lower requests or ask for more quota",
        ),
        RefusalKind::Admission if refusal.message.contains("does not support dry run") => (
            CheckLevel::Note,
            Consequence::None,
            "a webhook does not take part in trials".to_owned(),
            "what it says shows only when helm runs",
        ),
        RefusalKind::Admission => (
            CheckLevel::Blocked,
            Consequence::None,
            "a policy refuses it".to_owned(),
            "change what the policy names",
        ),
        RefusalKind::Forbidden => (
            CheckLevel::Blocked,
            Consequence::None,
            "we may not do this".to_owned(),
            "ask for the right, or use a context that has it",
        ),
        RefusalKind::NoNamespace => (
            CheckLevel::Warning,
            Consequence::None,
            "its namespace does not exist".to_owned(),
            "create the namespace first",
        ),
        // Told once for its kind already.
        RefusalKind::NotServed => return,
        RefusalKind::Invalid => (
            CheckLevel::Blocked,
            Consequence::None,
            format!(
                "it is not valid{}",
                if fields.is_empty() { String::new() } else { format!(": {fields}") }
            ),
            "correct the values or the template behind it",
        ),
        RefusalKind::Other => {
            (CheckLevel::Warning, Consequence::None, "the server refuses it".to_owned(), "see its words")
        }
    };
    changes.annotate(&object.id, consequence, refusal.message.clone());
    let check = checks.add(level, format!("{}: {title}", object.id.short()));
    check.detail = Some(refusal.message.clone());
    check.next = Some(next.to_owned());
}

/// The tools that keep an object as they read it elsewhere, and what of theirs it belongs to.
pub(in crate::operations) fn keepers(live: &Value) -> Vec<(&'static str, &str)> {
    let text = |pointer: &str| live.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    let argo = text("/metadata/annotations/argocd.argoproj.io~1tracking-id")
        .or_else(|| text("/metadata/labels/argocd.argoproj.io~1instance"))
        .or_else(|| text("/metadata/annotations/argocd.argoproj.io~1instance"));
    let flux = text("/metadata/labels/kustomize.toolkit.fluxcd.io~1name")
        .or_else(|| text("/metadata/labels/helm.toolkit.fluxcd.io~1name"));
    [("Argo CD", argo), ("Flux", flux)].into_iter().filter_map(|(tool, of)| Some((tool, of?))).collect()
}

/// Whether an object that is there already belongs to this release.
fn owner(
    request: &PlanRequest,
    object: &Object,
    added: bool,
    live: &Value,
    changes: &mut ChangeSet,
    checks: &mut Checks,
) {
    let text = |pointer: &str| live.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty());
    for (tool, owner) in keepers(live) {
        let title = format!("{} belongs to {tool}: {owner}", object.id.short());
        changes.annotate(&object.id, Consequence::Conflict, format!("belongs to {tool}: {owner}"));
        checks.add(CheckLevel::Blocked, title).next =
            Some(format!("change it where {tool} reads it; {tool} would undo what is done here"));
    }
    // Only what is stored has a version: an object that the trial would create has none.
    if text("/metadata/resourceVersion").is_none() {
        return;
    }
    let of = (
        text("/metadata/annotations/meta.helm.sh~1release-name"),
        text("/metadata/annotations/meta.helm.sh~1release-namespace"),
    );
    let release = &request.release;
    // One of ours that lost its annotations is still ours; one that names another release is not.
    if of == (Some(&release.release), Some(&release.namespace)) || (!added && of.0.is_none()) {
        return;
    }
    let whose = match of {
        (Some(name), namespace) => format!("the release {}/{name}", namespace.unwrap_or("?")),
        (None, _) => match text("/metadata/labels/app.kubernetes.io~1managed-by") {
            Some(manager) if manager != "Helm" => format!("{manager}, by its label"),
            _ => "nobody's release".to_owned(),
        },
    };
    changes.annotate(&object.id, Consequence::Conflict, format!("exists already and is {whose}"));
    let title = format!("{} exists already and belongs to {whose}", object.id.short());
    checks.add(CheckLevel::Blocked, title).next =
        Some("remove or rename it; helm takes it over only with --take-ownership".to_owned());
}

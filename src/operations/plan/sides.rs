//! The two sides of a plan: what is there and what would be, for each verb.

use std::path::PathBuf;

use super::checks::{CheckLevel, Checks};
use super::{Facts, Planner};
use crate::base::{Hash, Result, atomic};
use crate::helm::record::Record;
use crate::helm::{Prepared, preview};
use crate::manifest::{self, ChangeSet, DiffOptions, Object, Side};
use crate::operations::request::{PlanRequest, Verb};
use crate::render::{DryRun, RenderCluster, Request, ValuesSource};

/// What a plan compares.
#[derive(Debug, Default)]
pub(super) struct Sides {
    pub(super) changes: ChangeSet,
    /// What would be there.
    pub(super) new: Vec<Object>,
    /// What is watched while it runs.
    pub(super) objects: Vec<Object>,
    pub(super) incomplete: Option<String>,
}

pub(super) async fn sides(
    planner: &Planner,
    request: &PlanRequest,
    facts: &Facts,
    checks: &mut Checks,
) -> Sides {
    match work(planner, request, facts, checks).await {
        Ok(sides) => sides,
        Err(error) => {
            checks.error(CheckLevel::Blocked, &error);
            Sides { incomplete: Some("what would change is not known".to_owned()), ..Sides::default() }
        }
    }
}

async fn work(planner: &Planner, request: &PlanRequest, facts: &Facts, checks: &mut Checks) -> Result<Sides> {
    let mut sides = Sides::default();
    let current = facts.current.as_deref().map(objects_of).transpose()?;
    let side = Side { namespace: Some(request.release.namespace.clone()), release: None };
    let mut options = DiffOptions {
        old: side.clone(),
        new: side,
        redact: Some(planner.redact(&[])),
        ..DiffOptions::default()
    };
    match request.verb {
        Verb::Install | Verb::Upgrade => {
            let rendered = rendered(planner, request, facts, &mut sides).await?;
            for warning in &rendered.warnings {
                checks.add(CheckLevel::Note, format!("helm: {warning}"));
            }
            options.mask = rendered.mask;
            let new = rendered.objects.to_vec();
            let old = match (request.verb, &facts.last) {
                (Verb::Upgrade, Some(_)) => there(request, facts, &new, &options.old, &mut sides).await?,
                (Verb::Upgrade, None) => current.unwrap_or_default(),
                _ => Vec::new(),
            };
            if request.verb == Verb::Upgrade && facts.current.is_none() {
                sides.incomplete =
                    Some("the deployed revision could not be read: everything shows as added".to_owned());
            }
            sides.changes = manifest::diff(&old, &new, &options);
            sides.objects.clone_from(&new);
            sides.new = new;
        }
        Verb::Rollback => {
            let Some(target) = &facts.target else { return Ok(sides) };
            let new = objects_of(target)?;
            let old = there(request, facts, &new, &options.old, &mut sides).await?;
            sides.changes = manifest::diff(&old, &new, &options);
            sides.objects.clone_from(&new);
            sides.new = new;
        }
        Verb::Uninstall => {
            // What a failed upgrade brought goes as well.
            let old = match &facts.last {
                Some(last) => objects_of(last)?,
                None => current.unwrap_or_default(),
            };
            let kept: Vec<Object> = old.iter().filter(|object| object.is_kept()).cloned().collect();
            if !kept.is_empty() {
                let names: Vec<String> = kept.iter().map(|object| object.id.short()).collect();
                checks.add(CheckLevel::Note, format!("stays by its policy: {}", names.join(", ")));
            }
            if old.iter().any(|object| object.id.kind == "StatefulSet") {
                checks.add(CheckLevel::Note, "the claims of stateful sets stay, with their data");
            }
            options.skip_hooks = true;
            sides.changes = manifest::diff(&old, &kept, &options);
            sides.objects = old;
        }
        Verb::Test => {
            sides.objects = current.unwrap_or_default();
            let tests: Vec<String> = sides
                .objects
                .iter()
                .filter(|object| object.hook.as_ref().is_some_and(manifest::Hook::is_test))
                .map(|object| object.id.short())
                .collect();
            if tests.is_empty() {
                checks.add(CheckLevel::Warning, "the deployed revision has no tests");
            } else {
                checks.add(CheckLevel::Note, format!("runs {}", tests.join(", ")));
            }
        }
    }
    if let Some(why) = &sides.incomplete {
        checks.add(CheckLevel::Warning, format!("the preview is incomplete: {why}"));
    }
    Ok(sides)
}

/// Everything of a record: its manifest, hooks and tests.
fn objects_of(record: &Record) -> Result<Vec<Object>> {
    let mut objects = manifest::parse(&record.manifest)?;
    for hook in &record.hooks {
        objects.extend(manifest::parse_from(&hook.manifest, Some(&hook.path))?);
    }
    Ok(objects)
}

/// What is really there, as far as the charts say anything about it: the live objects of the new side and of the last
/// revision, with that revision's hooks. Where the live ones may not be read, the last revision as it was rendered.
async fn there(
    request: &PlanRequest,
    facts: &Facts,
    new: &[Object],
    side: &Side,
    sides: &mut Sides,
) -> Result<Vec<Object>> {
    let last = facts.last.as_deref().or(facts.current.as_deref());
    let last = last.map(objects_of).transpose()?.unwrap_or_default();
    let Some(connection) = &facts.connection else { return Ok(last) };
    // Reduced to what the last revision rendered: what it set and the new side does not set is a change as well.
    let mut named: Vec<Object> = last.iter().filter(|object| object.hook.is_none()).cloned().collect();
    let fresh = new.iter().filter(|object| {
        object.hook.is_none() && !last.iter().any(|other| other.id.key() == object.id.key())
    });
    named.extend(fresh.cloned());
    let mut live = Vec::new();
    for (_, result) in connection.live_of(&named, &request.release.namespace).await {
        match result {
            Ok(object) => live.extend(object),
            Err(fault) => {
                sides.incomplete = Some(format!(
                    "what is really there could not be read ({fault}), so it is compared with the last revision"
                ));
                return Ok(last);
            }
        }
    }
    let mut old = manifest::live_side(&named, &live, side);
    old.extend(last.into_iter().filter(|object| object.hook.is_some()));
    Ok(old)
}

/// The saved files rendered by helm, which will do it; with the cluster's answers where it gives any.
async fn rendered(
    planner: &Planner,
    request: &PlanRequest,
    facts: &Facts,
    sides: &mut Sides,
) -> Result<Prepared> {
    let side = Side { namespace: Some(request.release.namespace.clone()), release: None };
    let Some(chart) = &request.chart else { return Ok(Prepared::of(Vec::new(), side)) };
    let release = &request.release;
    let mut ask = Request::new(&chart.dir, &release.release, &release.namespace);
    ask.values = crate::values::readable(&chart.values).map(ValuesSource::File).collect();
    ask.is_upgrade = request.verb == Verb::Upgrade;
    if facts.connection.is_some() && planner.helm.renders_with_cluster() {
        ask.dry_run = DryRun::Server;
        ask.cluster = Some(RenderCluster {
            kubeconfig: planner.kubeconfig_path.clone(),
            context: release.context.clone(),
        });
        match preview::twice(&*planner.renderer, &ask, side.clone()).await {
            Ok(prepared) => return Ok(prepared),
            Err(error) => {
                sides.incomplete =
                    Some(format!("rendered without the cluster, because with it {}", error.error.headline()));
            }
        }
        ask.dry_run = DryRun::Client;
        ask.cluster = None;
    } else {
        sides.incomplete = Some("rendered without the cluster: lookups find nothing".to_owned());
    }
    Ok(preview::twice(&*planner.renderer, &ask, side).await?)
}

/// The files that a plan stands on, with what they hold now.
pub(super) fn files(request: &PlanRequest) -> Vec<(PathBuf, Option<Hash>)> {
    let Some(chart) = &request.chart else { return Vec::new() };
    let own =
        ["Chart.yaml", "Chart.lock", "values.yaml", "values.schema.json"].map(|name| chart.dir.join(name));
    let mut paths: Vec<PathBuf> = own.into_iter().chain(chart.values.iter().cloned()).collect();
    collect(&chart.dir.join("templates"), &mut paths);
    collect(&chart.dir.join("charts"), &mut paths);
    paths
        .into_iter()
        .map(|path| {
            let hash = atomic::read_bytes(&path, atomic::MAX_TEXT).ok().map(Hash::of);
            (path, hash)
        })
        .collect()
}

/// The files below a folder, a bounded number of them.
fn collect(folder: &std::path::Path, paths: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    let mut entries: Vec<_> = entries.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        if paths.len() > 5_000 {
            return;
        }
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => collect(&entry.path(), paths),
            Ok(_) => paths.push(entry.path()),
            Err(_) => {}
        }
    }
}

//! The reasons for and against a plan, and those that need no further question to the cluster.

use std::path::PathBuf;

use super::Facts;
use crate::base::{Error, Problem, Severity};
use crate::chart::{Chart, DependencyState};
use crate::cluster::Identity;
use crate::helm::record::Status;
use crate::helm::{Helm, ReleaseRef};
use crate::operations::request::{PlanRequest, Verb};
use crate::operations::store::Store;

/// How much a check matters. The order is worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckLevel {
    /// The plan may not run.
    Blocked,
    /// It may run, and this may go wrong.
    Warning,
    /// Worth knowing.
    Note,
    /// Looked at and fine.
    Ok,
}

impl CheckLevel {
    /// The word beside the colour.
    pub fn word(self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Warning => "warning",
            Self::Note => "note",
            Self::Ok => "ok",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Check {
    pub level: CheckLevel,
    /// One line.
    pub title: String,
    /// The words of whoever refused, or more to read; several lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl Check {
    /// As a person reads it: the level and the title, then why and what to do, where it matters.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("  {:<8}{}", self.level.word(), self.title)];
        if self.level < CheckLevel::Note {
            let detail = self.detail.iter().flat_map(|detail| detail.lines());
            lines.extend(detail.map(|line| format!("          {line}")));
            lines.extend(self.next.iter().map(|next| format!("          → {next}")));
        }
        lines
    }
}

/// Collects checks.
#[derive(Debug, Default)]
pub(in crate::operations) struct Checks(Vec<Check>);

impl Checks {
    pub(in crate::operations) fn add(&mut self, level: CheckLevel, title: impl Into<String>) -> &mut Check {
        let at = self.0.len();
        self.0.push(Check { level, title: title.into(), detail: None, next: None });
        &mut self.0[at]
    }

    pub(in crate::operations) fn error(&mut self, level: CheckLevel, error: &Error) {
        let check = self.add(level, error.headline());
        check.detail.clone_from(&error.cause);
        check.next.clone_from(&error.next);
    }

    /// Worst first, otherwise in the order they were made.
    pub(in crate::operations) fn sorted(mut self) -> Vec<Check> {
        self.0.sort_by_key(|check| check.level);
        self.0
    }

    /// Whether anything may be changed at all.
    pub(in crate::operations) fn read_only(&mut self, read_only: bool) {
        if read_only {
            self.add(CheckLevel::Blocked, "floe-tui was started with --read-only").next =
                Some("start it without --read-only to change a cluster".to_owned());
        }
    }

    /// What the request itself tells.
    pub(super) fn request(&mut self, request: &PlanRequest, helm: &Helm, read_only: bool) {
        self.read_only(read_only);
        for warning in helm.warnings() {
            self.add(CheckLevel::Warning, warning);
        }
        if !request.unsaved.is_empty() {
            let names: Vec<String> = request
                .unsaved
                .iter()
                .filter_map(|file| Some(file.file_name()?.to_string_lossy().into_owned()))
                .collect();
            self.add(
                CheckLevel::Warning,
                format!("it uses what is saved: unsaved edits are not part of it: {}", names.join(", ")),
            )
            .next = Some("save them (S) and plan again, or go on with what is saved".to_owned());
        }
        if !request.verb.needs_chart() {
            return;
        }
        let Some(source) = &request.chart else {
            self.add(CheckLevel::Blocked, format!("there is no chart to {} from", request.verb)).next =
                Some("open the folder of the chart, and select an environment of it".to_owned());
            return;
        };
        for path in std::iter::once(&source.dir).chain(&source.values) {
            if path.to_str().is_none() {
                self.add(CheckLevel::Blocked, format!("this path is not UTF-8: {}", path.display()));
            }
        }
        for why in &source.unreadable {
            self.add(CheckLevel::Blocked, why.words.clone()).next = Some(
                "run helm with it yourself, or take it out of floe-tui.toml if it is not used".to_owned(),
            );
        }
        let declared = |path: &PathBuf| source.unreadable.iter().any(|why| why.file.as_ref() == Some(path));
        let own = source.dir.join("values.yaml");
        for path in std::iter::once(&own).chain(&source.values).filter(|path| !declared(path)) {
            let text = std::fs::read_to_string(path).unwrap_or_default();
            if let Some(by) = crate::values::encryption_of(&text) {
                let name = path.file_name().unwrap_or_default().to_string_lossy();
                self.add(
                    CheckLevel::Blocked,
                    format!("{name} is encrypted with {by}: what helm would get is not known"),
                )
                .next =
                    Some("decrypt it into a file that floe-tui.toml names for this environment".to_owned());
            }
        }
        match Chart::load(&source.dir) {
            Ok(chart) => self.dependencies(&chart),
            Err(error) => self.error(CheckLevel::Blocked, &error),
        }
    }

    fn dependencies(&mut self, chart: &Chart) {
        for dependency in chart.dependencies.iter().filter(|dependency| dependency.state.is_bad()) {
            let level = match dependency.state {
                DependencyState::Stale(_) => CheckLevel::Warning,
                _ => CheckLevel::Blocked,
            };
            let title = format!("dependency {}: {}", dependency.name, dependency.state.words());
            self.add(level, title).next = Some("build the dependencies (helm dependency build)".to_owned());
        }
    }

    /// Problems of values and mapping, in the same words as everywhere.
    pub(super) fn problems(&mut self, request: &PlanRequest, problems: &[Problem]) {
        let saved: Vec<String> = problems.iter().map(ToString::to_string).collect();
        for problem in request.unsaved_problems.iter().filter(|_| request.verb.needs_chart()) {
            let words = problem.to_string();
            if !saved.contains(&words) {
                self.add(CheckLevel::Blocked, format!("{words} (not saved yet)")).next =
                    Some("correct it, or undo it (u), then plan again".to_owned());
            }
        }
        let applies = |problem: &&Problem| match (&problem.environment, &request.environment) {
            (Some(of), Some(environment)) => of == environment,
            _ => true,
        };
        for problem in problems.iter().filter(applies) {
            let level = match problem.severity {
                Severity::Error if request.verb.needs_chart() => CheckLevel::Blocked,
                Severity::Error => CheckLevel::Warning,
                Severity::Warning => CheckLevel::Note,
            };
            self.add(level, problem.to_string());
        }
    }

    /// Whether the release is in a state that the verb can start from.
    pub(super) fn history(&mut self, request: &PlanRequest, facts: &Facts) {
        let Some(history) = &facts.history else { return };
        let last = history.first();
        let has = |status| history.iter().any(|row| row.status == status);
        match (request.verb, last) {
            (Verb::Install, None) => {
                self.add(CheckLevel::Ok, "the name is free");
            }
            (Verb::Install, Some(last)) => {
                let title =
                    format!("the release exists already: revision {} is {}", last.revision, last.status);
                self.add(CheckLevel::Blocked, title).next = Some(match last.status {
                    Status::Uninstalled => {
                        "its history was kept: roll back to bring it back, or uninstall it again first"
                            .to_owned()
                    }
                    Status::PendingInstall => {
                        "its install was cut off: uninstall it, or roll back to revision 1".to_owned()
                    }
                    Status::Failed if !has(Status::Deployed) => {
                        "upgrade it, or uninstall it and install again".to_owned()
                    }
                    _ => "upgrade it instead".to_owned(),
                });
            }
            (_, None) => {
                self.add(CheckLevel::Blocked, "there is no such release").next =
                    Some("install it, or check context and namespace".to_owned());
            }
            (Verb::Upgrade, Some(last)) if last.status.is_pending() => {
                let title = format!(
                    "revision {} is {}: an operation is at work or was cut off",
                    last.revision, last.status
                );
                self.add(CheckLevel::Blocked, title).next = Some(
                    "wait if a helm may still be at work, otherwise roll back; see the ways out".to_owned(),
                );
            }
            (Verb::Upgrade, Some(last))
                if matches!(last.status, Status::Uninstalled | Status::Uninstalling) =>
            {
                let title = format!("the release is {}", last.status);
                self.add(CheckLevel::Blocked, title).next = Some(match last.status {
                    Status::Uninstalled => {
                        "roll back to bring it back, or uninstall it again and install".to_owned()
                    }
                    _ => "uninstall it again, then install".to_owned(),
                });
            }
            (Verb::Upgrade, Some(last))
                if history.iter().filter(|row| row.status == Status::Deployed).count() > 1 =>
            {
                let deployed = history.iter().filter(|row| row.status == Status::Deployed);
                let numbers: Vec<String> = deployed.map(|row| row.revision.to_string()).collect();
                let title = format!("revisions {} are all recorded as deployed", numbers.join(" and "));
                self.add(CheckLevel::Warning, title).next = Some(format!(
                    "roll back to revision {} to have one again; see the ways out",
                    last.revision
                ));
            }
            (Verb::Rollback, Some(last)) => self.rollback(request, facts, last.revision),
            (_, Some(last)) => {
                if last.status.is_pending() {
                    let title =
                        format!("revision {} is {}: a helm may still be at work", last.revision, last.status);
                    self.add(CheckLevel::Warning, title);
                } else {
                    self.add(
                        CheckLevel::Ok,
                        format!("the last revision is {}, {}", last.revision, last.status),
                    );
                }
            }
        }
    }

    fn rollback(&mut self, request: &PlanRequest, facts: &Facts, last: u32) {
        let history = facts.history.as_deref().unwrap_or_default();
        let Some(revision) = request.revision else {
            self.add(CheckLevel::Blocked, "there is no earlier revision to go back to");
            return;
        };
        match history.iter().find(|row| row.revision == revision) {
            None => {
                let kept: Vec<String> = history.iter().map(|row| row.revision.to_string()).collect();
                self.add(CheckLevel::Blocked, format!("revision {revision} is not kept")).next =
                    Some(format!("choose one of: {}", kept.join(", ")));
            }
            Some(row) => {
                if matches!(row.status, Status::Failed) || row.status.is_pending() {
                    let title = format!("revision {revision} is {}: it may never have worked", row.status);
                    self.add(CheckLevel::Warning, title);
                }
                self.add(
                    CheckLevel::Note,
                    format!(
                        "goes from revision {last} back to {revision}; CRDs, volumes and what hooks did stay"
                    ),
                );
            }
        }
    }

    /// Whether another operation of ours holds the release.
    pub(in crate::operations) fn running(
        &mut self,
        release: &ReleaseRef,
        store: &Store,
        identity: Option<&Identity>,
    ) {
        let Some(identity) = identity else { return };
        if let Some(view) = store.running_on(&identity.trust, &release.namespace, &release.release) {
            self.add(CheckLevel::Blocked, format!("{} is at work on this release", view.spec.title())).next =
                Some("wait until it is over, or interrupt it in Run".to_owned());
        }
    }

    /// Whether the namespace is there or will be made.
    pub(super) fn namespace(&mut self, request: &PlanRequest, facts: &Facts) {
        let namespace = &request.release.namespace;
        match (facts.namespace, request.options.create_namespace, request.verb) {
            (Some(false), true, Verb::Install) => {
                self.add(CheckLevel::Note, format!("helm creates the namespace {namespace}"));
            }
            (Some(false), _, _) => {
                self.add(CheckLevel::Blocked, format!("the namespace {namespace} does not exist")).next =
                    Some("create it, or switch \"create namespace\" on".to_owned());
            }
            (Some(true), _, _) => {
                self.add(CheckLevel::Ok, format!("the namespace {namespace} exists"));
            }
            (None, _, _) => {}
        }
    }

    /// Whether somebody else drives the release.
    pub(super) fn owners(&mut self, facts: &Facts) {
        let Some(record) = &facts.current else { return };
        if let Some(owner) = flux_owner(record) {
            self.add(CheckLevel::Blocked, format!("this release belongs to Flux: {owner}")).next =
                Some("change the HelmRelease; Flux would undo what is done here".to_owned());
        }
    }
}

/// Flux writes its owner into the labels of the record and of every object.
fn flux_owner(record: &crate::helm::record::Record) -> Option<String> {
    const NAME: &str = "helm.toolkit.fluxcd.io/name";
    const NAMESPACE: &str = "helm.toolkit.fluxcd.io/namespace";
    if let Some(name) = record.labels.get(NAME) {
        let namespace = record.labels.get(NAMESPACE).cloned().unwrap_or_default();
        return Some(format!("HelmRelease {namespace}/{name}"));
    }
    let value = |key: &str| {
        record.manifest.lines().find_map(|line| {
            let (found, value) = line.trim().split_once(':')?;
            (found == key).then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    let name = value(NAME)?;
    Some(format!("HelmRelease {}/{name}", value(NAMESPACE).unwrap_or_default()))
}

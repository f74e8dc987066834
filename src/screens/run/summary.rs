//! What an operation came to, and what may be done next: by all that is known, not by helm's exit alone.

use super::super::releases::applied;
use super::live;
use crate::base::Error;
use crate::operations::outcome::{self, Outcome, Verdict, Witness};
use crate::operations::recovery::{self, Known};
use crate::operations::{OperationSpec, OperationState, OperationView, PlanRequest, Verb, Way};
use crate::session::{Ask, Choice, Effect, Fetched, Session};
use crate::ui::Role;
use crate::ui::glyphs::Glyphs;

/// A step that is offered after an operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    Plan(Verb, Option<u32>),
    Release,
    History,
    Cause,
    List,
}

/// Judges an operation with everything that the session knows of its release.
pub(super) fn judge(session: &Session, view: &OperationView) -> Outcome {
    let mut outcome = outcome::judge(view, &witness(session, view));
    let back = brings_back(session, view);
    if !back.is_empty() {
        outcome.details.push("the workspace still has what was rolled back from:".to_owned());
        outcome.details.extend(back.into_iter().map(|words| format!("  {words}")));
        outcome
            .next
            .get_or_insert_with(|| "correct it in Values: the next upgrade brings it back".to_owned());
    }
    outcome
}

/// The revisions between which a rollback that is done went: left, gone back to.
fn between(view: &OperationView) -> Option<(u32, u32)> {
    let done = view.spec.verb == Verb::Rollback && view.state == OperationState::Succeeded;
    view.spec.before.zip(view.spec.revision).filter(|_| done)
}

/// What the workspace still has of what a rollback left.
fn brings_back(session: &Session, view: &OperationView) -> Vec<String> {
    let record =
        |revision: u32| session.world.records.get(&(view.spec.release.clone(), Some(revision)))?.ready();
    let found = between(view)
        .filter(|_| is_newest(session, view))
        .and_then(|(left, back)| Some((record(left)?, record(back)?)))
        .zip(applied::environment_of(session, &view.spec.release));
    found.map_or_else(Vec::new, |((left, back), place)| applied::brings_back(session, place, left, back))
}

/// The records that this needs and that nobody has asked for.
pub(super) fn ask(session: &mut Session, view: &OperationView) -> Vec<Effect> {
    let Some((left, back)) = between(view).filter(|_| is_newest(session, view)) else { return Vec::new() };
    let mut effects = Vec::new();
    for revision in [left, back] {
        let (release, since) = (view.spec.release.clone(), session.now);
        session.world.records.entry((release.clone(), Some(revision))).or_insert_with(|| {
            effects.push(Effect::FetchRecord { release, revision: Some(revision) });
            Fetched::Awaited { since }
        });
    }
    effects
}

fn witness(session: &Session, view: &OperationView) -> Witness {
    let release = &view.spec.release;
    let releases = session.world.releases.get(&release.context);
    // A list from before the end says nothing about the end, nor does one that could not be read.
    let fresh = releases.filter(|snapshot| {
        snapshot.state == crate::cluster::objects::WatchState::Live
            && snapshot.at.is_some_and(|at| view.ended.is_none_or(|ended| at >= ended))
    });
    let row = super::release_row(session, release);
    let objects = session.world.objects.get(release);
    // A later operation's objects are not this one's.
    let newest = is_newest(session, view);
    let seen = objects.filter(|snapshot| newest && snapshot.at.is_some() && !snapshot.is_loading());
    let mut witness = Witness {
        last: row.filter(|_| newest).map(|row| (row.revision, row.status)),
        looked: fresh.is_some() && newest,
        cause: seen.and_then(|snapshot| {
            let cause = live::cause(view, snapshot)?;
            Some(with_environment(&view.spec, &cause.render()))
        }),
        ..Witness::default()
    };
    if let Some(snapshot) = seen {
        witness.look(snapshot);
    }
    witness
}

/// Whether no other operation on the release came after it.
pub(super) fn is_newest(session: &Session, view: &OperationView) -> bool {
    let later =
        |other: &OperationView| other.spec.release == view.spec.release && other.spec.id > view.spec.id;
    !session.world.operations.values().any(|other| later(other))
}

/// `dev › Deployment x › …`
pub(super) fn with_environment(spec: &OperationSpec, line: &str) -> String {
    spec.environment.as_ref().map_or_else(|| line.to_owned(), |environment| format!("{environment} › {line}"))
}

/// Glyph and colour of a verdict; its words stand beside them.
pub(super) fn look_of(verdict: Verdict, glyphs: &Glyphs) -> (Role, &'static str) {
    match verdict {
        Verdict::Pending => (Role::Busy, glyphs.busy),
        Verdict::Good => (Role::Good, glyphs.good),
        Verdict::Degraded => (Role::Bad, glyphs.warn),
        Verdict::Failed => (Role::Bad, glyphs.bad),
        Verdict::Interrupted => (Role::Warn, glyphs.paused),
    }
}

/// The ways out of the state that the release is in now.
pub(super) fn ways(session: &Session, view: &OperationView) -> Vec<Way> {
    if view.is_running() || !is_newest(session, view) {
        return Vec::new();
    }
    let Some(row) = super::release_row(session, &view.spec.release) else { return Vec::new() };
    let history: Vec<Known> = row
        .history
        .iter()
        .map(|kept| Known { revision: kept.revision, status: kept.status, modified: kept.modified })
        .collect();
    recovery::ways(&history, view.spec.options.timeout, session.now)
}

/// What is offered after an operation, the most natural first.
pub(super) fn next_steps(session: &Session, view: &OperationView, outcome: &Outcome) -> Vec<(Next, Choice)> {
    let mut steps: Vec<(Next, Choice)> = Vec::new();
    let verb = view.spec.verb;
    let good = matches!(outcome.verdict, Verdict::Good | Verdict::Pending);
    let gone = verb == Verb::Uninstall && good;
    let mut plan = |verb: Verb, revision: Option<u32>, label: String, detail: String| {
        let step = Next::Plan(verb, revision);
        if !steps.iter().any(|(known, _)| *known == step) {
            steps.push((step, Choice::new(label).detail(detail)));
        }
    };
    if gone {
        plan(Verb::Install, None, "install again".to_owned(), "from what is saved".to_owned());
    } else if good && verb != Verb::Test {
        plan(Verb::Test, None, "run the tests".to_owned(), "helm test, as it is deployed now".to_owned());
    }
    for way in ways(session, view) {
        if let Some(verb) = way.verb {
            plan(verb, way.revision, way.title, way.why);
        }
    }
    if !good && verb.changes_release() && verb != Verb::Uninstall {
        let before = view.spec.before.filter(|before| *before > 0 && verb == Verb::Upgrade);
        if let Some(before) = before {
            plan(
                Verb::Rollback,
                Some(before),
                format!("roll back to revision {before}"),
                "what ran before this operation; its plan shows the diff first".to_owned(),
            );
        }
    }
    if !good {
        plan(verb, view.spec.revision, format!("{} again", verb.word()), "plans it anew".to_owned());
    }
    if verb == Verb::Test && good {
        plan(Verb::Test, None, "run the tests again".to_owned(), String::new());
    }
    if !gone {
        if !good {
            steps.insert(
                0,
                (Next::Cause, Choice::new("go to the cause").detail("the object and its log, in Releases")),
            );
        }
        steps.push((Next::History, Choice::new("history").detail("every revision; diff, then roll back")));
        steps.push((Next::Release, Choice::new("the release").detail("resources, values, events, logs")));
    }
    steps.push((Next::List, Choice::new("all operations").detail("what was run before")));
    steps
}

/// The question what to do next.
pub(super) fn question(outcome: &Outcome, steps: &[(Next, Choice)]) -> Ask {
    let choices = steps.iter().map(|(_, choice)| choice.clone()).collect();
    Ask::Choose { title: format!("{}: what next?", outcome.headline), choices }
}

/// A request about the release of an operation, with the options that were confirmed then.
///
/// # Errors
/// The verb needs a chart and this workspace does not map the release (any more).
pub(super) fn request(
    session: &mut Session,
    spec: &OperationSpec,
    verb: Verb,
    revision: Option<u32>,
) -> Result<PlanRequest, Error> {
    let mapped = session.environments.iter().any(|view| {
        Some(&view.name) == spec.environment.as_ref()
            && view.target.as_ref().is_ok_and(|target| {
                target.release == spec.release.release
                    && target.namespace == spec.release.namespace
                    && target.context.as_deref() == Some(spec.release.context.as_str())
            })
    });
    let mut request = if let Some(environment) = spec.environment.clone().filter(|_| mapped) {
        session.select_environment(&environment);
        session.plan_request(verb, revision)?
    } else if verb.needs_chart() {
        return Err(Error::new(format!(
            "{} needs the chart, and no environment here leads to this release",
            verb.word()
        ))
        .at(spec.release.to_string())
        .next("select the environment it belongs to (e), then plan from there"));
    } else {
        let mut request = PlanRequest::new(verb, spec.release.clone());
        request.environment.clone_from(&spec.environment);
        // What is not known here is taken for protected: typing a name too much does no harm.
        request.protected = spec.environment.is_some();
        request.revision = revision;
        request
    };
    request.options = spec.options.clone();
    if verb == Verb::Test {
        request.options.test_after = false;
    }
    Ok(request)
}

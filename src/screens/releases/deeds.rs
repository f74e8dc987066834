//! A deed on a job between its key and its end: the plan that is awaited, the question, and the one request.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::base::Error;
use crate::operations::{CheckLevel, JobDone, JobPlan, JobRequest, ReleaseRef};
use crate::screens::elapsed;
use crate::session::{Ask, Command, Effect, Session, Then};

/// The question whether a deed is to be done; see [`Then::Room`].
pub(super) const ASK_JOB: u16 = 3;

/// Nothing is said of what takes no longer.
const QUIET: Duration = Duration::from_millis(300);

/// One deed at a time.
#[derive(Debug, Default)]
pub(super) struct Deeds {
    generation: u64,
    /// What was asked to be planned; an answer for anything else is dropped.
    awaited: Option<(JobRequest, Timestamp)>,
    /// The plan that the open question is about.
    asked: Option<Arc<JobPlan>>,
    /// The plan that is being done.
    doing: Option<(Arc<JobPlan>, Timestamp)>,
}

impl Deeds {
    /// Asks for the plan of a deed.
    pub(super) fn plan(&mut self, session: &mut Session, request: JobRequest) -> Option<Effect> {
        if let Some((doing, _)) = &self.doing {
            session.say(format!("{} is still being done", doing.title()));
            return None;
        }
        self.generation += 1;
        self.asked = None;
        self.awaited = Some((request.clone(), session.now));
        Some(Effect::PlanJob { generation: self.generation, request: Box::new(request) })
    }

    /// Takes a plan: asks, or says why not. One for a release that is not `shown` any more is dropped.
    pub(super) fn take(
        &mut self,
        session: &mut Session,
        generation: u64,
        result: &Result<Arc<JobPlan>, Error>,
        shown: Option<&ReleaseRef>,
    ) {
        if generation != self.generation {
            return;
        }
        let Some((request, _)) = self.awaited.take() else { return };
        if shown != Some(&request.release) {
            return;
        }
        let plan = match result {
            Ok(plan) => plan,
            Err(error) => return session.fail(error),
        };
        if plan.is_blocked() {
            for error in plan.refusals() {
                session.fail(&error);
            }
            return;
        }
        if plan.nothing_to_do {
            return session.say(plan.does.clone());
        }
        let ask = Ask::Confirm {
            title: format!("{} · {}", request.deed.title(), plan.target_words()),
            body: body(plan, session),
            deed: plan.deed(),
            typed: plan.confirm_words(),
        };
        self.asked = Some(Arc::clone(plan));
        session.ask(ask, Then::Room(ASK_JOB));
    }

    /// The confirm was given, for the plan that was shown.
    pub(super) fn confirmed(&mut self, session: &mut Session) -> Option<Effect> {
        let Some(plan) = self.asked.take() else {
            session.warn("the plan changed while it was confirmed: look at it again");
            return None;
        };
        self.doing = Some((Arc::clone(&plan), session.now));
        Some(Effect::DoJob(plan))
    }

    /// What is waited for, once that takes long enough to be told.
    pub(super) fn busy(&self, now: Timestamp) -> Option<String> {
        let (words, since) = match (&self.doing, &self.awaited) {
            (Some((plan, since)), _) => (plan.title(), since),
            (None, Some((request, since))) => {
                (format!("planning: {} {}", request.deed.title(), request.subject()), since)
            }
            (None, None) => return None,
        };
        (elapsed(*since, now) >= QUIET).then_some(words)
    }

    /// Whether anything is waited for.
    pub(super) fn is_working(&self) -> bool {
        self.awaited.is_some() || self.doing.is_some()
    }

    /// It is over; what it made, and in which release.
    pub(super) fn done<'d>(
        &mut self,
        result: &'d Result<JobDone, Error>,
    ) -> Option<(ReleaseRef, &'d JobDone)> {
        let (plan, _) = self.doing.take()?;
        let done = result.as_ref().ok()?;
        done.deed.makes_a_job().then(|| (plan.request.release.clone(), done))
    }
}

/// What the question says above its buttons: where, what, what to know, and what is sent.
fn body(plan: &JobPlan, session: &Session) -> Vec<String> {
    let mut body = vec![plan.place(), String::new(), plan.does.clone(), String::new()];
    for check in plan.checks.iter().filter(|check| check.level < CheckLevel::Ok) {
        body.push(format!("{}: {}", check.level.word(), check.title));
        if check.level < CheckLevel::Note {
            body.extend(check.next.iter().map(|next| format!("  → {next}")));
        }
    }
    let fine: Vec<&str> = plan
        .checks
        .iter()
        .filter(|check| check.level == CheckLevel::Ok)
        .map(|check| check.title.as_str())
        .collect();
    body.push(format!("ok: {}", fine.join("; ")));
    body.push(String::new());
    // It may be longer than the screen.
    let key = session.keymap.hint(Command::DialogDown);
    body.push(format!("what is sent{}:", key.map(|key| format!(" ({key} reads on)")).unwrap_or_default()));
    body.extend(plan.shown.lines().map(|line| format!("  {line}")));
    body
}

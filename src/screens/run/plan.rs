//! A plan that waits for its confirm: what was asked for, what came of it, and how the operator changes it.

use std::sync::Arc;

use jiff::Timestamp;
use ratatui::layout::{Position, Rect};

use super::super::changes::Changes;
use super::fields::{self, Field};
use crate::base::Error;
use crate::operations::{Check, CheckLevel, Plan, PlanRequest, Verb};
use crate::screens::{nothing_to, relative, scroll_text};
use crate::session::{Action, Answer, Ask, Choice, Command, Effect, Session, Then};
use crate::ui::text_view::{Lines, TextState};
use crate::ui::{Filter, Rich, text};

/// Questions of a plan.
pub(super) const ASK_TIMEOUT: u16 = 1;
pub(super) const ASK_REVISION: u16 = 2;
pub(super) const ASK_WAY: u16 = 3;

/// The panes of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Focus {
    #[default]
    Options,
    Checks,
    Changes,
}

/// A plan from its request to its launch.
#[derive(Debug, Default)]
pub(super) struct Planning {
    /// What is asked for now; a plan of an older request is dimmed until the new one is there.
    pub(super) request: Option<PlanRequest>,
    pub(super) generation: u64,
    /// Since when the answer to `request` is awaited.
    pub(super) awaited: Option<Timestamp>,
    pub(super) plan: Option<Arc<Plan>>,
    /// Why not even a plan could be made.
    pub(super) error: Option<Error>,
    /// Why the launch was refused.
    pub(super) refused: Option<Error>,
    pub(super) launching: Option<Timestamp>,
    /// The generation that the open confirm is about.
    asked: Option<u64>,
    pub(super) focus: Focus,
    pub(super) field: usize,
    pub(super) checks: TextState,
    /// Where the last frame drew each pane, for the mouse.
    pub(super) areas: Vec<(Focus, Rect)>,
    pub(super) changes: Changes,
}

impl Planning {
    /// Nothing planned; the numbers of requests go on, so that an answer that is under way is known as old.
    pub(super) fn after(generation: u64) -> Self {
        Self { generation, ..Self::default() }
    }

    /// Takes a new request and asks for its plan. Focus and cursor stay when it is about the same thing.
    pub(super) fn start(&mut self, session: &Session, request: PlanRequest) -> Vec<Effect> {
        let same = self
            .request
            .as_ref()
            .is_some_and(|old| old.verb == request.verb && old.release == request.release);
        if !same {
            *self = Self::after(self.generation);
        }
        self.generation += 1;
        self.awaited = Some(session.now);
        self.error = None;
        self.refused = None;
        self.asked = None;
        self.request = Some(request.clone());
        vec![Effect::Plan { generation: self.generation, request: Box::new(request) }]
    }

    /// Takes an answer unless a newer request was made meanwhile.
    pub(super) fn take(&mut self, generation: u64, result: &Result<Arc<Plan>, Error>) {
        if generation != self.generation || self.awaited.is_none() {
            return;
        }
        self.awaited = None;
        match result {
            Ok(plan) => {
                // The planner fills in what was left open, as the revision of a rollback.
                self.request = Some(plan.request.clone());
                self.changes.set(Arc::new(plan.changes.clone()));
                self.error = None;
                self.plan = Some(plan.clone());
            }
            Err(error) => {
                self.plan = None;
                self.error = Some(error.clone());
            }
        }
    }

    /// The launch was refused: the plan stays, with the reason.
    pub(super) fn refuse(&mut self, error: &Error) {
        self.launching = None;
        self.refused = Some(error.clone());
    }

    /// The pane at a place of the screen gets the focus; `false` where there is none.
    pub(super) fn point(&mut self, at: Position) -> bool {
        let found = self.areas.iter().find(|(_, area)| area.contains(at)).copied();
        if let Some((focus, area)) = found {
            self.focus = focus;
            // The line of the border is above the first field.
            let line = usize::from(at.y.saturating_sub(area.y + 1));
            if focus == Focus::Options && at.y > area.y && line < self.fields().len() {
                self.field = line;
            }
        }
        found.is_some()
    }

    /// The fields of the present request.
    pub(super) fn fields(&self) -> &'static [Field] {
        self.request.as_ref().map_or(&[], |request| Field::of(request.verb))
    }

    fn selected(&self) -> Option<Field> {
        self.fields().get(self.field).copied()
    }

    /// Plans again from what is saved now.
    fn again(&mut self, session: &Session) -> Vec<Effect> {
        let Some(mut request) = self.request.clone() else { return Vec::new() };
        request.unsaved = unsaved(session, &request);
        request.unsaved_problems = unsaved_problems(session, &request);
        self.start(session, request)
    }

    fn change(&mut self, session: &Session, change: impl FnOnce(&mut PlanRequest) -> bool) -> Vec<Effect> {
        let Some(mut request) = self.request.clone() else { return Vec::new() };
        if self.launching.is_some() || !change(&mut request) {
            return Vec::new();
        }
        self.start(session, request)
    }

    /// Everything that a key means here; `None` when it means to leave.
    pub(super) fn update(&mut self, session: &mut Session, action: &Action) -> Option<Vec<Effect>> {
        Some(match action {
            Action::Command(command) => return self.command(session, *command),
            Action::Answered(Then::LaunchPlan, Answer::Yes) => self.launch(session),
            Action::Answered(Then::Room(ASK_TIMEOUT), Answer::Typed(text)) => {
                match fields::parse_timeout(text) {
                    Ok(timeout) => self.change(session, |request| {
                        let changed = request.options.timeout != timeout;
                        request.options.timeout = timeout;
                        changed
                    }),
                    Err(error) => {
                        session.fail(&error);
                        Vec::new()
                    }
                }
            }
            Action::Answered(Then::Room(ASK_REVISION), Answer::Chosen(row)) => {
                let revision = self.revisions(session).get(*row).map(|(revision, _)| *revision);
                self.change(session, |request| {
                    let changed = revision.is_some() && request.revision != revision;
                    request.revision = revision;
                    changed
                })
            }
            Action::Answered(Then::Room(ASK_WAY), Answer::Chosen(row)) => self.take_way(session, *row),
            _ => Vec::new(),
        })
    }

    fn command(&mut self, session: &mut Session, command: Command) -> Option<Vec<Effect>> {
        let in_changes = self.focus == Focus::Changes;
        match command {
            Command::Confirm => self.confirm(session),
            Command::PlanAgain | Command::Reload => return Some(self.again(session)),
            Command::PaneNext => self.move_focus(true),
            Command::PanePrevious => self.move_focus(false),
            Command::Back if in_changes && !self.changes.filter_text().is_empty() => {
                self.changes.filter(Filter::default());
            }
            Command::Back if in_changes && self.changes.in_text => self.changes.in_text = false,
            Command::Back if self.launching.is_some() => session.say("helm is being started"),
            Command::Back => return None,
            Command::NextHunk | Command::PreviousHunk | Command::NextObject | Command::PreviousObject => {
                // The first press only shows where reading starts.
                let reading = in_changes && self.changes.in_text;
                self.focus = Focus::Changes;
                self.changes.in_text = true;
                if reading {
                    self.changes.command(command);
                }
            }
            command if in_changes => {
                if !self.changes.command(command) {
                    nothing_to(session, command);
                }
            }
            Command::Fold if self.focus == Focus::Checks => self.ask_way(session),
            Command::Up
            | Command::Down
            | Command::PageUp
            | Command::PageDown
            | Command::Top
            | Command::Bottom
                if self.focus == Focus::Checks =>
            {
                scroll_text(&mut self.checks, &Drawn, command);
            }
            Command::Up => self.field = self.field.saturating_sub(1),
            Command::Down => self.field = (self.field + 1).min(self.fields().len().saturating_sub(1)),
            Command::Left | Command::Right => {
                if let Some(field) = self.selected() {
                    return Some(
                        self.change(session, |request| field.step(request, command == Command::Right)),
                    );
                }
            }
            Command::Fold => match self.selected() {
                Some(Field::Timeout) => self.ask_timeout(session),
                Some(Field::Revision) => self.ask_revision(session),
                Some(field) => return Some(self.change(session, |request| field.toggle(request))),
                None => {}
            },
            command => nothing_to(session, command),
        }
        Some(Vec::new())
    }

    /// Options, checks, objects, text, and around.
    fn move_focus(&mut self, forward: bool) {
        let has_changes = self.plan.as_ref().is_some_and(|plan| !plan.changes.is_empty());
        let mut order = vec![(Focus::Options, false), (Focus::Checks, false)];
        if has_changes {
            order.extend([(Focus::Changes, false), (Focus::Changes, true)]);
        }
        let here = (self.focus, self.focus == Focus::Changes && self.changes.in_text);
        let at = order.iter().position(|place| *place == here).unwrap_or(0);
        let next = if forward { at + 1 } else { at + order.len() - 1 } % order.len();
        if let Some((focus, in_text)) = order.get(next) {
            self.focus = *focus;
            self.changes.in_text = *in_text;
        }
    }

    fn ask_timeout(&self, session: &mut Session) {
        let Some(request) = &self.request else { return };
        let text = text::duration(request.options.timeout.as_secs());
        let title = "Time-out of each helm command (90s, 10m, 1h30m)".to_owned();
        session.ask(Ask::Line { title, text }, Then::Room(ASK_TIMEOUT));
    }

    /// What a rollback may go back to, newest first: the revision and its words.
    fn revisions(&self, session: &Session) -> Vec<(u32, String)> {
        let Some(request) = &self.request else { return Vec::new() };
        let Some(row) = super::release_row(session, &request.release) else { return Vec::new() };
        row.history
            .iter()
            .skip(1)
            .map(|kept| {
                let age = kept.modified.map(|at| crate::base::time::relative(at, session.now));
                (
                    kept.revision,
                    format!("{} {}", kept.status, age.map(|age| format!("{age} ago")).unwrap_or_default()),
                )
            })
            .collect()
    }

    fn ask_revision(&self, session: &mut Session) {
        let revisions = self.revisions(session);
        if revisions.is_empty() {
            session.say("the history is not known yet, or holds no earlier revision");
            return;
        }
        let now = self.request.as_ref().and_then(|request| request.revision);
        let choices = revisions
            .into_iter()
            .map(|(revision, words)| {
                Choice::new(format!("revision {revision}")).detail(words).current(now == Some(revision))
            })
            .collect();
        session.ask(Ask::Choose { title: "Roll back to".to_owned(), choices }, Then::Room(ASK_REVISION));
    }

    fn ask_way(&self, session: &mut Session) {
        let Some(plan) = self.plan.as_ref().filter(|plan| !plan.ways.is_empty()) else {
            session.say("nothing to choose here");
            return;
        };
        session.ask(super::ways_question(&plan.ways), Then::Room(ASK_WAY));
    }

    fn take_way(&mut self, session: &mut Session, row: usize) -> Vec<Effect> {
        let Some(plan) = self.plan.clone() else { return Vec::new() };
        let Some(way) = plan.ways.get(row) else { return Vec::new() };
        let Some(verb) = way.verb else {
            session.say(format!("{}: {}", way.title, way.why));
            return Vec::new();
        };
        let mut request = plan.request.clone();
        request.verb = verb;
        request.revision = way.revision;
        if !verb.needs_chart() {
            request.chart = None;
            request.unsaved.clear();
            request.unsaved_problems.clear();
        }
        self.start(session, request)
    }

    /// Why the shown plan is not what would happen now, if it is not.
    pub(super) fn stale(&self, session: &Session) -> Option<String> {
        let plan = self.plan.as_ref()?;
        let moved = plan
            .files
            .iter()
            .find(|(path, hash)| session.documents.get(path).is_some_and(|document| document.disk != *hash));
        if let Some((path, _)) = moved {
            return Some(format!("{} changed since this plan was made", relative(session, path)));
        }
        let release = &plan.request.release;
        if let Some(running) = session.world.running_on(release) {
            return Some(format!("{} is at work on this release", running.spec.title()));
        }
        let snapshot = session.world.releases.get(&release.context)?;
        if snapshot.at.is_none_or(|at| at < plan.made) {
            return None;
        }
        let row = super::release_row(session, release)?;
        let same = plan.last.as_ref().is_some_and(|last| {
            last.revision == row.revision
                && last.status == row.status
                && (row.resource_version.is_empty() || last.resource_version == row.resource_version)
        });
        (!same).then(|| format!("the release moved on: revision {} is {} now", row.revision, row.status))
    }

    /// Files with edits that came after the plan and are not part of it.
    pub(super) fn edited_since(&self, session: &Session) -> Vec<String> {
        let Some(request) = &self.request else { return Vec::new() };
        unsaved(session, request)
            .iter()
            .filter(|path| !request.unsaved.contains(path))
            .map(|path| relative(session, path))
            .collect()
    }

    fn confirm(&mut self, session: &mut Session) {
        if self.launching.is_some() {
            session.say("helm is being started");
            return;
        }
        if self.awaited.is_some() {
            session.say("the plan is still being worked out");
            return;
        }
        let Some(plan) = self.plan.clone() else {
            session.say("there is no plan: r plans again");
            return;
        };
        let refused = plan.blockers().next();
        if let Some(check) = refused {
            let next = check.next.as_ref().map(|next| format!(" ({next})")).unwrap_or_default();
            session.warn(format!("refused: {}{next}", check.title));
            self.focus = Focus::Checks;
            return;
        }
        if let Some(problem) = unsaved_problems(session, &plan.request).first() {
            session.warn(format!("refused: {problem} (not saved yet); correct it, or undo it (u)"));
            return;
        }
        if let Some(why) = self.stale(session) {
            session.warn(format!("refused: {why}; r plans again"));
            return;
        }
        self.asked = Some(self.generation);
        let ask = Ask::Confirm {
            title: format!("{} {}", plan.request.verb.title(), plan.request.target_words()),
            body: confirm_body(&plan),
            deed: plan.deed(),
            typed: plan.confirm_words(),
        };
        session.ask(ask, Then::LaunchPlan);
    }

    /// The confirm was given: for the plan that was shown, and only if nothing moved meanwhile.
    fn launch(&mut self, session: &mut Session) -> Vec<Effect> {
        let asked = self.asked.take();
        let Some(plan) = self.plan.clone() else { return Vec::new() };
        if asked != Some(self.generation) || self.awaited.is_some() || self.launching.is_some() {
            session.warn("the plan changed while it was confirmed: look at it again");
            return Vec::new();
        }
        if let Some(why) = self.stale(session) {
            session.warn(format!("nothing was started: {why}; r plans again"));
            return Vec::new();
        }
        self.launching = Some(session.now);
        self.refused = None;
        vec![Effect::Launch(Box::new(Plan::clone(&plan)))]
    }

    /// What `y` offers.
    pub(super) fn copyable(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        if let Some(plan) = &self.plan {
            let commands = plan.commands();
            let many = commands.len() > 1;
            all.extend(commands.into_iter().enumerate().map(|(i, command)| {
                (if many { format!("command {}", i + 1) } else { "command".to_owned() }, command)
            }));
            all.extend(plan.blockers().map(|check| ("why it is refused".to_owned(), words(check))));
            all.push(("what it does".to_owned(), plan.deed()));
        }
        if self.focus == Focus::Changes {
            all.extend(self.changes.selected().map(|change| ("object".to_owned(), change.id.short())));
            all.extend(self.changes.hunk_text().map(|hunk| ("hunk".to_owned(), hunk)));
        }
        all.extend(
            self.error.iter().chain(&self.refused).map(|error| ("error".to_owned(), error.to_string())),
        );
        all
    }
}

/// Checks become lines only when they are drawn, and the drawing keeps the position inside of what there is.
struct Drawn;

impl Lines for Drawn {
    fn len(&self) -> usize {
        4_096
    }

    fn line(&self, _: usize) -> Rich {
        Rich::default()
    }
}

fn words(check: &Check) -> String {
    let parts = [Some(&check.title), check.detail.as_ref(), check.next.as_ref()];
    parts.into_iter().flatten().cloned().collect::<Vec<_>>().join("\n")
}

/// The files that an install or upgrade reads and that have edits not saved now.
fn unsaved(session: &Session, request: &PlanRequest) -> Vec<std::path::PathBuf> {
    let Some(chart) = &request.chart else { return Vec::new() };
    let of_others =
        |path: &std::path::PathBuf| session.environments.iter().any(|view| view.files.contains(path));
    session
        .documents
        .dirty()
        .map(|document| document.path.clone())
        .filter(|path| chart.values.contains(path) || (path.starts_with(&chart.dir) && !of_others(path)))
        .collect()
}

/// What is wrong with them.
fn unsaved_problems(session: &Session, request: &PlanRequest) -> Vec<crate::base::Problem> {
    match (&request.chart, &request.environment) {
        (Some(chart), Some(environment)) => session.unsaved_problems(&chart.dir, environment),
        _ => Vec::new(),
    }
}

/// What the confirm says above its buttons: where, what worst, what to know.
fn confirm_body(plan: &Plan) -> Vec<String> {
    const SHOWN: usize = 6;
    let release = &plan.request.release;
    let identity =
        plan.identity.as_ref().map_or_else(|| "not known".to_owned(), crate::cluster::Identity::short);
    let mut body = vec![
        format!("context {}, namespace {}, cluster {identity}", release.context, release.namespace),
        String::new(),
    ];
    for change in plan.changes.changes.iter().take(SHOWN) {
        body.push(format!("{}: {}", change.id.short(), change.summary));
    }
    if plan.changes.changes.len() > SHOWN {
        body.push(format!("and {} more", plan.changes.changes.len() - SHOWN));
    }
    if plan.is_empty() {
        body.push(match plan.request.verb {
            Verb::Uninstall => "nothing of it is left in the cluster".to_owned(),
            _ => "no object changes; a new revision is made all the same".to_owned(),
        });
    }
    if plan.request.options.test_after && plan.steps.len() > 1 {
        body.push("then the release's tests".to_owned());
    }
    let warnings: Vec<&Check> =
        plan.checks.iter().filter(|check| check.level == CheckLevel::Warning).collect();
    if !warnings.is_empty() || plan.incomplete.is_some() {
        body.push(String::new());
    }
    body.extend(warnings.iter().map(|check| format!("warning: {}", check.title)));
    body.extend(plan.incomplete.iter().map(|why| format!("the changes are incomplete: {why}")));
    body
}

//! Run: the plan, then the operation live, then what came of it. The operation itself lives in a supervisor and in
//! its journal; this room only looks.

mod fields;
mod head;
mod live;
mod live_view;
mod objects;
mod past;
mod plan;
mod plan_view;
mod pods;
mod summary;
mod texts;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::wildcard_imports)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEvent, MouseEventKind};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use super::{Look, Room};
use crate::cluster::objects::Wanted;
use crate::cluster::releases::ReleaseRow;
use crate::helm::Major;
use crate::operations::{OperationId, OperationView, Verb, Way};
use crate::session::{
    Action, Answer, Ask, Choice, Command, Effect, Goto, Message, Place, ReleaseRef, RoomId, Session, Then,
    Watch,
};
use crate::ui::Filter;
use live::Live;
use past::Past;
use plan::{Focus, Planning};
use summary::Next;

/// The question what to do after an operation.
const ASK_NEXT: u16 = 10;

/// Seconds that an interrupt goes unanswered before a kill is offered.
const KILL_AFTER: u64 = 10;

/// Seconds that the objects of an operation stay watched after its end, wherever the user looks.
const AFTERGLOW: u64 = 30;

/// What the room shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Screen {
    #[default]
    Past,
    Plan,
    Operation,
}

/// The room's own state.
#[derive(Debug, Default)]
pub struct Run {
    screen: Screen,
    planning: Planning,
    live: Option<Live>,
    past: Past,
    filtering: bool,
    /// Operations whose result was shown, so that it is told once.
    marked: BTreeSet<OperationId>,
    /// Operations known to be at work: their end is news.
    running: BTreeSet<OperationId>,
    /// What the open question offers.
    next: Vec<Next>,
}

impl Run {
    fn show(&mut self, id: OperationId) {
        self.past.select(&id);
        if self.live.as_ref().is_none_or(|live| live.id != id) {
            self.live = Some(Live::new(id));
        }
        self.screen = Screen::Operation;
        self.filtering = false;
    }

    fn start(&mut self, session: &Session, request: crate::operations::PlanRequest) -> Vec<Effect> {
        self.screen = Screen::Plan;
        self.filtering = false;
        self.planning.start(session, request)
    }

    /// The operation that keys are about.
    fn operation<'s>(&self, session: &'s Session) -> Option<&'s Arc<OperationView>> {
        let id = match (self.screen, &self.live) {
            (Screen::Operation, Some(live)) => live.id.clone(),
            _ => self.past.selected(session)?,
        };
        session.world.operations.get(&id)
    }

    /// The release of the plan or operation that is shown.
    pub fn target(&self, session: &Session) -> Option<ReleaseRef> {
        match (self.screen, &self.planning.request) {
            (Screen::Plan, Some(request)) => Some(request.release.clone()),
            _ => self.operation(session).map(|view| view.spec.release.clone()),
        }
    }

    /// What follows from any change while the room is shown: cursors, and that a result was seen.
    fn refresh(&mut self, session: &mut Session) -> Vec<Effect> {
        if let Some(live) = &mut self.live {
            live.refresh(session);
        }
        if session.room != RoomId::Run {
            return Vec::new();
        }
        session.copyable = self.copyable(session);
        let live = self.live.as_ref().filter(|_| self.screen == Screen::Operation);
        let Some(view) = live.and_then(|live| live.view_of(session)).cloned() else { return Vec::new() };
        let mut effects = summary::ask(session, &view);
        if !view.is_running() && !view.seen && self.marked.insert(view.id()) {
            effects.push(Effect::MarkSeen(view.id()));
        }
        effects
    }

    fn copyable(&self, session: &Session) -> Vec<(String, String)> {
        if self.screen == Screen::Plan {
            return self.planning.copyable();
        }
        let Some(view) = self.operation(session) else { return Vec::new() };
        let mut all = Vec::new();
        if let Some(live) = self.live.as_ref().filter(|_| self.screen == Screen::Operation) {
            if let Some(cause) = live.cause(session) {
                all.push(("root cause".to_owned(), summary::with_environment(&view.spec, &cause.render())));
            }
            all.extend(live.selected_row(session).map(|row| ("object".to_owned(), row.title())));
            if let Some(log) = live.log_view(session) {
                let lines: Vec<&str> = log.lines.iter().map(String::as_str).collect();
                all.push(("log".to_owned(), lines.join("\n")));
            }
        }
        if !view.is_running() {
            let outcome = summary::judge(session, view);
            let mut lines = vec![outcome.headline];
            lines.extend(outcome.details);
            lines.extend(outcome.next);
            all.push(("result".to_owned(), lines.join("\n")));
        }
        for step in 0..view.spec.steps.len() {
            all.push(("command".to_owned(), view.spec.command(step)));
        }
        let output: Vec<&str> = view.lines.iter().map(|line| line.text.as_str()).collect();
        if !output.is_empty() {
            all.push(("helm's output".to_owned(), output.join("\n")));
        }
        all
    }

    fn ask_interrupt(&self, session: &mut Session) {
        let Some(view) = self.operation(session).filter(|view| view.is_running()).cloned() else {
            session.say("nothing is running here");
            return;
        };
        let major = if view.spec.helm_version.starts_with('3') { Major::Three } else { Major::Four };
        let unanswered = view.unanswered(session.now);
        let interrupt = match unanswered {
            None => Choice::new("interrupt"),
            Some(since) => Choice::new(format!("interrupt again (asked {}s ago)", since.as_secs())),
        };
        let mut choices = vec![
            Choice::new("keep waiting").detail("nothing changes").current(true),
            Choice::new("detach").detail("helm goes on without you; this room and the next start pick it up"),
            interrupt.detail(view.verb().interrupted_leaves(major)),
        ];
        if unanswered.is_some_and(|since| since.as_secs() >= KILL_AFTER) {
            choices.push(Choice::new("kill").detail(killed_leaves(view.verb())));
        }
        let title = format!("{} is at work", view.spec.title());
        session.ask(Ask::Choose { title, choices }, Then::Interrupt(view.id()));
    }

    fn ask_next(&mut self, session: &mut Session) {
        let Some(view) = self.operation(session).cloned() else { return };
        let outcome = summary::judge(session, &view);
        let steps = summary::next_steps(session, &view, &outcome);
        session.ask(summary::question(&outcome, &steps), Then::Room(ASK_NEXT));
        self.next = steps.into_iter().map(|(next, _)| next).collect();
    }

    fn take_next(&mut self, session: &mut Session, row: usize) -> Vec<Effect> {
        let Some(next) = self.next.get(row).cloned() else { return Vec::new() };
        let Some(view) = self.operation(session).cloned() else { return Vec::new() };
        match next {
            Next::Plan(verb, revision) => return self.plan_after(session, &view, verb, revision),
            Next::Release | Next::History => {
                let release = view.spec.release.clone();
                session.goto = Some(Goto::Release { release, history: next == Next::History });
            }
            Next::Cause => {
                if let Some(live) = &mut self.live {
                    live.command(session, Command::RunJump);
                }
            }
            Next::List => self.screen = Screen::Past,
        }
        Vec::new()
    }

    fn plan_after(
        &mut self,
        session: &mut Session,
        view: &OperationView,
        verb: Verb,
        revision: Option<u32>,
    ) -> Vec<Effect> {
        match summary::request(session, &view.spec, verb, revision) {
            Ok(request) => self.start(session, request),
            Err(error) => {
                session.fail(&error);
                Vec::new()
            }
        }
    }

    fn in_operation(&mut self, session: &mut Session, command: Command) -> Vec<Effect> {
        let running = self.operation(session).is_some_and(|view| view.is_running());
        let Some(live) = &mut self.live else {
            self.screen = Screen::Past;
            return Vec::new();
        };
        match command {
            Command::Enter if !running => self.ask_next(session),
            Command::Enter => live.open(session),
            Command::Filter => {
                live.focus = live::Focus::Objects;
                self.filtering = true;
            }
            Command::Back if !live.back() => self.screen = Screen::Past,
            Command::Back => {}
            command => live.command(session, command),
        }
        Vec::new()
    }

    fn in_past(&mut self, session: &mut Session, command: Command) -> Vec<Effect> {
        match command {
            Command::Enter => {
                if let Some(id) = self.past.selected(session) {
                    self.show(id);
                }
            }
            Command::RunJump | Command::RunLogs => {
                if let Some(id) = self.past.selected(session) {
                    self.show(id);
                    self.refresh(session);
                    return self.in_operation(session, command);
                }
            }
            Command::Filter => self.filtering = true,
            Command::Back if !self.past.filter.is_empty() => self.past.filter = Filter::default(),
            Command::Back if self.planning.request.is_some() => self.screen = Screen::Plan,
            command => self.past.command(session, command),
        }
        Vec::new()
    }

    fn command(&mut self, session: &mut Session, command: Command) -> Vec<Effect> {
        match command {
            Command::Interrupt => {
                self.ask_interrupt(session);
                return Vec::new();
            }
            Command::RunTests => {
                if let Some(view) = self.operation(session).cloned() {
                    return self.plan_after(session, &view, Verb::Test, None);
                }
                session.say("no operation is selected");
                return Vec::new();
            }
            _ => {}
        }
        match self.screen {
            Screen::Plan => self.in_plan(session, &Action::Command(command)),
            Screen::Operation => self.in_operation(session, command),
            Screen::Past => self.in_past(session, command),
        }
    }

    fn in_plan(&mut self, session: &mut Session, action: &Action) -> Vec<Effect> {
        if matches!(action, Action::Command(Command::Filter)) {
            self.planning.focus = Focus::Changes;
            self.planning.changes.in_text = false;
            self.filtering = true;
            return Vec::new();
        }
        let effects = self.planning.update(session, action);
        if effects.is_none() {
            self.screen = Screen::Past;
        }
        effects.unwrap_or_default()
    }

    /// The filter of what is shown.
    fn set_filter(&mut self, change: impl FnOnce(&str) -> String) {
        match (self.screen, &mut self.live) {
            (Screen::Operation, Some(live)) => live.filter = Filter::parse(&change(live.filter.text())),
            (Screen::Past, _) => self.past.filter = Filter::parse(&change(self.past.filter.text())),
            _ => {
                let text = change(self.planning.changes.filter_text());
                self.planning.changes.filter(Filter::parse(&text));
            }
        }
    }

    fn type_filter(&mut self, code: KeyCode) {
        self.set_filter(|text| {
            let mut text = text.to_owned();
            match code {
                KeyCode::Char(c) => text.push(c),
                KeyCode::Backspace => {
                    text.pop();
                }
                _ => {}
            }
            text
        });
    }

    /// A click gives the focus, the wheel scrolls what is under it. Neither confirms anything.
    fn mouse(&mut self, session: &mut Session, mouse: MouseEvent) -> Vec<Effect> {
        let at = Position::new(mouse.column, mouse.row);
        let wheel = match mouse.kind {
            MouseEventKind::ScrollDown => Some(Command::Down),
            MouseEventKind::ScrollUp => Some(Command::Up),
            MouseEventKind::Down(MouseButton::Left) => None,
            _ => return Vec::new(),
        };
        let inside = match (self.screen, &mut self.live) {
            (Screen::Plan, _) => self.planning.point(at),
            (Screen::Operation, Some(live)) => live.point(at),
            _ => true,
        };
        if self.screen == Screen::Plan && self.planning.focus == Focus::Changes && inside {
            self.planning.changes.mouse(mouse);
            return Vec::new();
        }
        if self.screen == Screen::Past && wheel.is_none() {
            return if self.past.click(session, at) {
                self.command(session, Command::Enter)
            } else {
                Vec::new()
            };
        }
        match (wheel, &mut self.live) {
            (Some(command), _) if inside => return self.command(session, command),
            (None, Some(live)) if self.screen == Screen::Operation => live.click(session, at),
            _ => {}
        }
        Vec::new()
    }

    /// An operation that was at work is over: said where it is not seen.
    fn hear_operation(&mut self, session: &mut Session, view: &OperationView) {
        if view.is_running() {
            self.running.insert(view.id());
        } else if self.running.remove(&view.id()) {
            let shown = session.room == RoomId::Run
                && self.screen == Screen::Operation
                && self.live.as_ref().is_some_and(|live| live.id == view.id());
            if !shown {
                let outcome = summary::judge(session, view);
                let words = format!("{}: {} (6 shows it)", view.spec.title(), outcome.headline);
                if outcome.verdict == crate::operations::Verdict::Good {
                    session.say(words);
                } else {
                    session.warn(words);
                }
            }
        }
    }

    fn hear_operations(&mut self, session: &mut Session, all: &[Arc<OperationView>]) {
        for view in all {
            self.hear_operation(session, view);
        }
        // What runs is what the room is for: it is shown unless the user is at something else.
        let newest = all.iter().filter(|view| view.is_running()).max_by(|a, b| a.spec.id.cmp(&b.spec.id));
        if let Some(view) = newest.filter(|_| self.screen == Screen::Past && self.live.is_none()) {
            self.show(view.id());
            if session.room != RoomId::Run {
                session.say(format!("{} is at work (6 shows it)", view.spec.title()));
            }
        }
    }
}

impl Room for Run {
    fn places(&self, _: &Session) -> Vec<Place> {
        if self.filtering {
            return vec![Place::Filter];
        }
        match self.screen {
            Screen::Plan if self.planning.plan.is_some() && self.planning.focus == Focus::Changes => {
                vec![Place::Plan, Place::Hunks, Place::Pane]
            }
            Screen::Plan => vec![Place::Plan, Place::Pane],
            Screen::Operation | Screen::Past => vec![Place::Run, Place::Pane],
        }
    }

    fn enter(&mut self, session: &mut Session) -> Vec<Effect> {
        let mut effects = match session.goto.clone() {
            Some(Goto::Plan(request)) => self.start(session, *request),
            _ => Vec::new(),
        };
        effects.extend(self.refresh(session));
        effects
    }

    fn update(&mut self, session: &mut Session, action: &Action) -> Vec<Effect> {
        let mut effects = match action {
            Action::Command(Command::FilterKeep) => {
                self.filtering = false;
                Vec::new()
            }
            Action::Command(Command::FilterClear) => {
                self.filtering = false;
                self.set_filter(|_| String::new());
                Vec::new()
            }
            Action::Text(KeyEvent { code, .. }) if self.filtering => {
                self.type_filter(*code);
                Vec::new()
            }
            Action::Paste(text) if self.filtering => {
                self.set_filter(|old| format!("{old}{}", text.lines().next().unwrap_or_default()));
                Vec::new()
            }
            Action::Mouse(mouse) => self.mouse(session, *mouse),
            Action::Command(command) => self.command(session, *command),
            Action::Answered(Then::Room(ASK_NEXT), Answer::Chosen(row)) => self.take_next(session, *row),
            Action::Answered(..) if self.screen == Screen::Plan => self.in_plan(session, action),
            _ => Vec::new(),
        };
        effects.extend(self.refresh(session));
        effects
    }

    fn hear(&mut self, session: &mut Session, message: &Message) -> Vec<Effect> {
        let mut effects = Vec::new();
        match message {
            Message::Planned { generation, result } => self.planning.take(*generation, result),
            Message::Launched(Ok(id)) => {
                self.planning = Planning::after(self.planning.generation);
                self.running.insert(id.clone());
                self.show(id.clone());
                if !session.world.operations.contains_key(id) {
                    effects.push(Effect::LoadOperations);
                }
            }
            Message::Launched(Err(error)) => self.planning.refuse(error),
            Message::Operations(all) => self.hear_operations(session, all),
            Message::Operation(view) => self.hear_operation(session, view),
            _ => {}
        }
        effects.extend(self.refresh(session));
        effects
    }

    fn watches(&self, session: &Session) -> Vec<Watch> {
        let shown = (session.room == RoomId::Run && self.screen == Screen::Operation)
            .then(|| self.live.as_ref()?.view_of(session))
            .flatten();
        let mut watches = Vec::new();
        for view in session.world.operations.values() {
            let fresh =
                view.ended.is_none_or(|ended| super::elapsed(ended, session.now).as_secs() < AFTERGLOW);
            let here = shown.is_some_and(|shown| shown.spec.id == view.spec.id);
            if (view.is_running() || fresh || here)
                && summary::is_newest(session, view)
                && !view.spec.objects.is_empty()
            {
                let ids: Arc<[Wanted]> = view.spec.objects.iter().map(Wanted::from).collect();
                watches.push(Watch::Objects { release: view.spec.release.clone(), ids });
                watches.push(releases(session, &view.spec.release));
            }
        }
        if session.room == RoomId::Run {
            if let Some(request) = self.planning.request.as_ref().filter(|_| self.screen == Screen::Plan) {
                watches.push(releases(session, &request.release));
            }
            if let Some(live) = self.live.as_ref().filter(|_| self.screen == Screen::Operation) {
                watches.extend(live.logs(session).into_iter().map(Watch::Log));
            }
        }
        watches.sort();
        watches.dedup();
        watches
    }

    fn is_working(&self, session: &Session) -> bool {
        match (self.screen, &self.live) {
            (Screen::Plan, _) => self.planning.awaited.is_some() || self.planning.launching.is_some(),
            (Screen::Operation, Some(live)) => live.view_of(session).is_none_or(|view| view.is_running()),
            _ => session.world.operations.values().any(|view| view.is_running()),
        }
    }

    fn view(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        match (self.screen, &mut self.live) {
            (Screen::Plan, _) => self.planning.view(session, frame, area, look),
            (Screen::Operation, Some(live)) => live.view(session, frame, area, look),
            _ => self.past.view(session, frame, area, look),
        }
    }
}

/// What the releases of a context tell of one.
fn release_row<'s>(session: &'s Session, release: &ReleaseRef) -> Option<&'s ReleaseRow> {
    let snapshot = session.world.releases.get(&release.context)?;
    snapshot.rows.iter().find(|row| row.name == release.release && row.namespace == release.namespace)
}

/// The watch of a context's releases: with every namespace that the workspace maps there, for those who may not
/// list the whole cluster.
fn releases(session: &Session, release: &ReleaseRef) -> Watch {
    let mut namespaces: Vec<String> = session
        .environments
        .iter()
        .filter_map(|view| view.target.as_ref().ok())
        .filter(|target| target.context.as_ref() == Some(&release.context))
        .map(|target| target.namespace.clone())
        .chain([release.namespace.clone()])
        .collect();
    namespaces.sort();
    namespaces.dedup();
    Watch::Releases { context: release.context.clone(), namespaces }
}

/// The question which way out of a stuck release to take.
fn ways_question(ways: &[Way]) -> Ask {
    let choices = ways
        .iter()
        .map(|way| {
            let caveat = way.caveats.first().map(|caveat| format!(" ({caveat})")).unwrap_or_default();
            Choice::new(&way.title).detail(format!("{}{caveat}", way.why))
        })
        .collect();
    Ask::Choose { title: "Ways out, safest first".to_owned(), choices }
}

/// What a kill leaves behind: helm cannot write its record any more.
fn killed_leaves(verb: Verb) -> &'static str {
    match verb {
        Verb::Install => {
            "the release stays pending-install and blocks the next install and upgrade until a way out is taken"
        }
        Verb::Upgrade => "the release stays pending-upgrade: roll back to the last deployed revision",
        Verb::Rollback => "the release stays pending-rollback: roll back again",
        Verb::Test => "the release keeps its revision; test pods stay behind",
        Verb::Uninstall => "the release stays uninstalling: run uninstall again",
    }
}

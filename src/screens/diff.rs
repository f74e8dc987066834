//! Diff: what one state of a target is against another, object by object, for every environment at a key press.

mod sides;
mod why;

use std::collections::BTreeMap;
use std::sync::Arc;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::base::Error;
use crate::helm::Verdict;
use crate::session::{
    Action, Answer, Command, CompareRequest, Comparison, Effect, EnvironmentView, Goto, Judged, Message,
    Place, Preview, PreviewState, Session, Side, Then,
};
use crate::ui::chrome::{Pane, Tab, tab_at, tabs};
use crate::ui::face::Face;
use crate::ui::{Filter, Rich, Role};

use super::changes::{Changes, Head};
use super::{Look, Room, elapsed};

/// The question that the room asks: which sides.
const ASK_SIDES: u16 = 1;

/// Which of the causes of a hunk is gone to.
const ASK_CAUSE: u16 = 2;

/// What came of the last comparison.
#[derive(Debug, Default)]
enum Shown {
    #[default]
    Nothing,
    Working {
        since: Timestamp,
        /// The result for an older text or selection of the same sides.
        last: Option<Arc<Comparison>>,
    },
    Ready(Arc<Comparison>),
    Failed(Error),
}

/// What a comparison came to, and what that is worth.
#[derive(Debug)]
struct Known {
    generation: u64,
    result: Result<Arc<Comparison>, Error>,
    verdict: Verdict,
}

/// The room's own state.
#[derive(Debug)]
pub struct DiffRoom {
    left: Side,
    right: Side,
    hide_noise: bool,
    generation: u64,
    /// What the running or shown comparison was asked for.
    asked: Option<(Side, Side, bool, u64, Option<String>)>,
    shown: Shown,
    changes: Changes,
    /// The preview that the changes were made from.
    preview: Option<(Arc<Preview>, bool)>,
    filtering: bool,
    /// What the chosen sides came to in each environment, for `compared_for`.
    compared: BTreeMap<String, Known>,
    compared_for: Option<(Side, Side, bool, u64)>,
    /// The comparison that runs for an environment that is not shown.
    background: Option<(u64, String)>,
    /// What was asked about a hunk, and what came of it.
    why: why::Why,
    /// Where the line of environments was drawn.
    line: Rect,
}

impl Default for DiffRoom {
    fn default() -> Self {
        Self {
            left: Side::Saved,
            right: Side::Edited,
            hide_noise: true,
            generation: 0,
            asked: None,
            shown: Shown::Nothing,
            changes: Changes::default(),
            preview: None,
            filtering: false,
            compared: BTreeMap::new(),
            compared_for: None,
            background: None,
            why: why::Why::default(),
            line: Rect::ZERO,
        }
    }
}

impl DiffRoom {
    /// Saved against edited is what the previews know already; everything else is asked for.
    fn is_preview(&self) -> bool {
        self.left == Side::Saved && self.right == Side::Edited
    }

    /// Asks for what is not known yet.
    fn refresh(&mut self, session: &Session) -> Vec<Effect> {
        if self.is_preview() {
            self.asked = None;
            let preview = session.environment().and_then(known);
            let same = match (&self.preview, &preview) {
                (Some((a, quiet)), Some(b)) => Arc::ptr_eq(a, b) && *quiet == self.hide_noise,
                (None, None) => self.changes.get().is_empty(),
                _ => false,
            };
            if !same {
                let of = |preview: &Arc<Preview>| {
                    if self.hide_noise { preview.quiet.clone() } else { preview.changes.clone() }
                };
                self.changes.set(Arc::new(preview.as_ref().map(of).unwrap_or_default()));
                self.preview = preview.map(|preview| (preview, self.hide_noise));
            }
            return Vec::new();
        }
        self.preview = None;
        let environment = session.selection.mapped.as_ref().map(|mapped| mapped.environment.clone());
        let asked = (
            self.left.clone(),
            self.right.clone(),
            self.hide_noise,
            session.documents.generation(),
            environment,
        );
        let sides = Some((asked.0.clone(), asked.1.clone(), asked.2, asked.3));
        if self.compared_for != sides {
            self.forget_others();
            self.compared_for = sides;
        }
        if self.asked.as_ref() == Some(&asked) {
            return self.compare_next(session);
        }
        if let Some(Ok(found)) =
            asked.4.as_ref().and_then(|name| Some(self.compared.get(name)?.result.clone()))
        {
            self.changes.set(Arc::new(found.changes.clone()));
            self.shown = Shown::Ready(found);
            self.asked = Some(asked);
            return self.compare_next(session);
        }
        // There is one slot: what ran for another environment is given up and asked for again later.
        self.background = None;
        // Only the text is another one: what was found for the older one stays, marked as such.
        let last = match (&self.asked, std::mem::take(&mut self.shown)) {
            (Some(before), Shown::Ready(found) | Shown::Working { last: Some(found), .. })
                if before.0 == asked.0 && before.1 == asked.1 && before.4 == asked.4 =>
            {
                Some(found)
            }
            _ => None,
        };
        self.asked = Some(asked);
        let Some(view) = session.environment() else {
            self.shown = Shown::Failed(Error::new("no environment is selected").next("choose one with e"));
            return Vec::new();
        };
        let sources = Self::source(session, view, &self.left)
            .and_then(|left| Ok((left, Self::source(session, view, &self.right)?)));
        match sources {
            Err(error) => {
                self.shown = Shown::Failed(error);
                Vec::new()
            }
            Ok((left, right)) => {
                self.generation += 1;
                self.shown = Shown::Working { since: session.now, last };
                vec![Effect::Compare(Box::new(CompareRequest {
                    generation: self.generation,
                    environment: view.name.clone(),
                    left: (self.left.clone(), left),
                    right: (self.right.clone(), right),
                    hide_noise: self.hide_noise,
                }))]
            }
        }
    }

    /// What is known of other environments is of other sides, or too old.
    fn forget_others(&mut self) {
        self.compared.clear();
        self.background = None;
    }

    /// The same sides for the next environment that is not compared yet, once nothing else is under way: the line of
    /// environments counts what it names.
    fn compare_next(&mut self, session: &Session) -> Vec<Effect> {
        let of_one = |side: &Side| matches!(side, Side::Revision(_));
        if matches!(self.shown, Shown::Working { .. })
            || self.background.is_some()
            || of_one(&self.left)
            || of_one(&self.right)
        {
            return Vec::new();
        }
        let here = session.environment().map(|view| view.name.as_str());
        for view in session.environments.iter().filter(|view| Some(view.name.as_str()) != here) {
            if self.compared.contains_key(&view.name) {
                continue;
            }
            let sources = Self::source(session, view, &self.left)
                .and_then(|left| Ok((left, Self::source(session, view, &self.right)?)));
            match sources {
                Err(error) => {
                    let known = Known { generation: 0, result: Err(error), verdict: Verdict::Pending };
                    self.compared.insert(view.name.clone(), known);
                }
                Ok((left, right)) => {
                    self.generation += 1;
                    self.background = Some((self.generation, view.name.clone()));
                    return vec![Effect::Compare(Box::new(CompareRequest {
                        generation: self.generation,
                        environment: view.name.clone(),
                        left: (self.left.clone(), left),
                        right: (self.right.clone(), right),
                        hide_noise: self.hide_noise,
                    }))];
                }
            }
        }
        Vec::new()
    }

    /// The environments with what the shown sides come to in each.
    fn tabs(&self, session: &Session, bad: &str) -> Vec<Tab> {
        if self.is_preview() {
            return environment_tabs(session, bad);
        }
        let here = session.environment().map(|view| view.name.as_str());
        let working = |name: &str| {
            let shown = Some(name) == here && matches!(self.shown, Shown::Working { .. });
            shown || self.background.as_ref().is_some_and(|(_, other)| other == name)
        };
        let badge = |name: &str| match self.compared.get(name).map(|known| &known.result) {
            _ if working(name) => Some((Role::Busy, "…".to_owned())),
            Some(Ok(found)) if found.changes.is_empty() => Some((Role::Muted, "same".to_owned())),
            Some(Ok(found)) => Some((Role::Changed, found.changes.headline())),
            Some(Err(_)) => Some((Role::Bad, bad.to_owned())),
            None => None,
        };
        let tab = |view: &EnvironmentView| Tab {
            key: String::new(),
            name: view.name.clone(),
            badge: badge(&view.name),
        };
        session.environments.iter().map(tab).collect()
    }

    fn mouse(&mut self, session: &mut Session, mouse: MouseEvent) {
        let at = Position::new(mouse.column, mouse.row);
        if mouse.kind == MouseEventKind::Down(MouseButton::Left) && self.line.contains(at) {
            let tabs = self.tabs(session, "!");
            let here = session.selection.mapped.as_ref().map(|mapped| mapped.environment.clone());
            let current = session.environments.iter().position(|view| Some(&view.name) == here.as_ref());
            let hit = tab_at(self.line, &tabs, current.unwrap_or(0), at.x);
            if let Some(name) = hit.and_then(|i| session.environments.get(i)).map(|view| view.name.clone()) {
                session.select_environment(&name);
            }
        } else {
            self.changes.mouse(mouse);
        }
    }

    fn step_environment(session: &mut Session, by: usize) {
        let count = session.environments.len();
        if count == 0 {
            return;
        }
        let here = session.environment().map(|view| view.name.clone());
        let index =
            session.environments.iter().position(|view| Some(&view.name) == here.as_ref()).unwrap_or(0);
        if let Some(view) = session.environments.get((index + by) % count) {
            let name = view.name.clone();
            session.select_environment(&name);
        }
    }
}

/// The change set of a preview, older or present.
fn known(view: &EnvironmentView) -> Option<Arc<Preview>> {
    match &view.preview {
        PreviewState::Ready(preview) | PreviewState::Working { last: Some(preview), .. } => {
            Some(preview.clone())
        }
        _ => None,
    }
}

impl Room for DiffRoom {
    fn places(&self, _: &Session) -> Vec<Place> {
        if self.filtering { vec![Place::Filter] } else { vec![Place::Hunks, Place::Diff, Place::Pane] }
    }

    fn enter(&mut self, session: &mut Session) -> Vec<Effect> {
        if let Some(Goto::Diff { left, right }) = &session.goto {
            self.left = left.clone();
            self.right = right.clone();
        }
        // What runs may have changed while another room was shown.
        let of_cluster = |side: &Side| matches!(side, Side::Deployed | Side::Live);
        if of_cluster(&self.left) || of_cluster(&self.right) {
            self.asked = None;
            self.forget_others();
        }
        self.refresh(session)
    }

    fn update(&mut self, session: &mut Session, action: &Action) -> Vec<Effect> {
        match action {
            Action::Command(Command::Sides) => self.ask_sides(session),
            Action::Answered(Then::Room(ASK_SIDES), Answer::Chosen(row)) => {
                if let Some((_, left, right)) = Self::pairs(session).into_iter().nth(*row) {
                    self.left = left;
                    self.right = right;
                }
            }
            Action::Command(Command::Why) => return self.ask_why(session),
            Action::Answered(Then::Room(ASK_CAUSE), Answer::Chosen(row)) => self.go_to_cause(session, *row),
            Action::Command(Command::Noise) => self.hide_noise = !self.hide_noise,
            Action::Command(Command::Reload) if self.is_preview() => {
                session.say("this follows the text by itself; v compares with what runs");
            }
            Action::Command(Command::Reload) => {
                self.asked = None;
                self.forget_others();
            }
            Action::Command(Command::Filter) => self.filtering = true,
            Action::Command(Command::FilterKeep) => self.filtering = false,
            Action::Command(Command::FilterClear) => {
                self.filtering = false;
                self.changes.filter(Filter::default());
            }
            Action::Text(_) | Action::Paste(_) if self.filtering => {
                let filter = super::typed_filter(&Filter::parse(self.changes.filter_text()), action);
                self.changes.filter(filter);
            }
            Action::Mouse(mouse) => self.mouse(session, *mouse),
            Action::Command(Command::Left) if !self.changes.in_text => {
                Self::step_environment(session, session.environments.len().saturating_sub(1));
            }
            Action::Command(Command::Right) if !self.changes.in_text => Self::step_environment(session, 1),
            Action::Command(Command::Back)
                if !self.changes.in_text && !self.changes.filter_text().is_empty() =>
            {
                self.changes.filter(Filter::default());
            }
            Action::Command(command) if !self.changes.command(*command) => {
                super::nothing_to(session, *command);
            }
            _ => {}
        }
        Vec::new()
    }

    fn settle(&mut self, session: &mut Session) -> Vec<Effect> {
        let effects = self.refresh(session);
        session.copyable = self.copyable();
        session.verdict = self.worth(session);
        effects
    }

    fn is_working(&self, _: &Session) -> bool {
        !self.is_preview() && matches!(self.shown, Shown::Working { .. })
    }

    fn hear(&mut self, session: &mut Session, message: &Message) -> Vec<Effect> {
        match message {
            Message::Explained { generation, result } => self.tell_why(session, *generation, result),
            Message::Compared { generation, result, verdict } => self.take(*generation, result, verdict),
            Message::Verdict { of: Judged::Comparison, generation, verdict } => {
                if let Some(known) = self.compared.values_mut().find(|known| known.generation == *generation)
                {
                    known.verdict = verdict.clone();
                }
            }
            _ => {}
        }
        Vec::new()
    }

    fn view(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let area = self.view_environments(session, frame, area, look);
        let title = Rich::of(Role::Text, format!("{} → {}", self.left, self.right));
        let title = match self.changes.filter_summary() {
            _ if self.filtering => title
                .then(Role::Key, "  /")
                .then(Role::Text, self.changes.filter_text())
                .then(Role::Cursor, " "),
            Some(words) => title.then(Role::Match, format!("  {words}")),
            None => title,
        };
        let preview = session.environment().map(|view| &view.preview);
        let notes = self.changes.get().footnotes();
        let besides = |what: &str| match notes.as_slice() {
            [] => what.to_owned(),
            notes => format!("{what} ({}; a shows noise)", notes.join(", ")),
        };
        let (nothing_edited, no_difference) =
            (besides("the edit changes no object"), besides("no difference"));
        let face = if self.is_preview() {
            match preview {
                None => {
                    Some(Face::Empty { why: "no environment is selected", hint: Some(("e", "choose one")) })
                }
                Some(PreviewState::Unchanged) => Some(Face::Empty {
                    why: "nothing is edited for this environment",
                    hint: Some(("v", "compare other sides: deployed, live, another environment")),
                }),
                Some(PreviewState::Blocked(why)) => {
                    Some(Face::Empty { why, hint: Some(("2", "see the problems in Values")) })
                }
                Some(PreviewState::Failed(error)) => Some(Face::Failed { error, hint: None }),
                Some(PreviewState::Working { since, last: None }) => {
                    Some(Face::Loading { what: "rendering both texts", since: elapsed(*since, session.now) })
                }
                Some(_) if self.changes.get().is_empty() => {
                    Some(Face::Empty { why: &nothing_edited, hint: Some(("v", "compare other sides")) })
                }
                Some(_) => None,
            }
        } else {
            match &self.shown {
                Shown::Working { since, last: None } => {
                    Some(Face::Loading { what: "comparing", since: elapsed(*since, session.now) })
                }
                Shown::Failed(error) => {
                    Some(Face::Failed { error, hint: Some(("v", "compare other sides")) })
                }
                Shown::Ready(comparison) if comparison.changes.is_empty() => {
                    Some(Face::Empty { why: &no_difference, hint: Some(("v", "compare other sides")) })
                }
                Shown::Nothing | Shown::Ready(_) | Shown::Working { .. } => None,
            }
        };
        let stale = if self.is_preview() {
            session.environment().is_some_and(|view| view.is_late(session.now))
        } else {
            matches!(self.shown, Shown::Working { .. })
        };
        let title = if stale { title.then(Role::Busy, "  of an older text") } else { title };
        let area = self.view_warnings(session, frame, area, look);
        let worth = self.worth(session).map(|verdict| session.worth(&verdict)).unwrap_or_default();
        match face {
            Some(face) => {
                let pane = Pane::new(title).foot(worth).focused(true).zoomed(look.zoomed);
                let inner = pane.draw(frame.buffer_mut(), area, look.theme);
                face.draw(frame.buffer_mut(), inner, look.theme);
            }
            None => self.changes.view(&Head { title, worth }, true, stale, frame, area, look),
        }
    }
}

impl DiffRoom {
    /// Takes a comparison: the one that is shown, one for another environment, or helm's in the place of an earlier.
    fn take(&mut self, generation: u64, result: &Result<Arc<Comparison>, Error>, verdict: &Verdict) {
        let here = self.asked.as_ref().and_then(|asked| asked.4.clone());
        let awaited = generation == self.generation && matches!(self.shown, Shown::Working { .. });
        let besides = self.background.take_if(|(own, _)| *own == generation).map(|(_, name)| name);
        let again = || {
            let known = self.compared.iter().find(|(_, known)| known.generation == generation);
            known.map(|(name, _)| name.clone())
        };
        let Some(name) = besides.or_else(again).or_else(|| here.clone().filter(|_| awaited)) else { return };
        let is_shown = Some(&name) == here.as_ref();
        let known = Known { generation, result: result.clone(), verdict: verdict.clone() };
        self.compared.insert(name, known);
        if is_shown {
            self.shown = match result {
                Ok(comparison) => {
                    self.changes.set(Arc::new(comparison.changes.clone()));
                    Shown::Ready(comparison.clone())
                }
                Err(error) => Shown::Failed(error.clone()),
            };
        }
    }

    /// What is shown is worth so much.
    fn worth(&self, session: &Session) -> Option<Verdict> {
        let view = session.environment()?;
        if self.is_preview() {
            return view.worth().cloned();
        }
        self.compared.get(&view.name).map(|known| known.verdict.clone())
    }

    fn copyable(&self) -> Vec<(String, String)> {
        let mut all = Vec::new();
        if let Some(change) = self.changes.selected() {
            all.push(("object".to_owned(), change.id.short()));
            all.push(("what it does".to_owned(), change.summary.clone()));
        }
        all.extend(self.changes.hunk_text().map(|text| ("hunk".to_owned(), text)));
        all
    }

    /// One line that counts what the edit does in every environment; `h` and `l` move along it.
    fn view_environments(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) -> Rect {
        self.line = Rect::ZERO;
        if area.height < 8 || session.environments.is_empty() {
            return area;
        }
        self.line = Rect { height: 1, ..area };
        let names = self.tabs(session, look.theme.glyphs.bad);
        let here = session.selection.mapped.as_ref().map(|mapped| mapped.environment.as_str());
        let current =
            session.environments.iter().position(|view| Some(view.name.as_str()) == here).unwrap_or(0);
        tabs(frame.buffer_mut(), Rect { height: 1, ..area }, &names, current, look.theme);
        Rect { y: area.y + 1, height: area.height - 1, ..area }
    }

    /// What makes a comparison incomplete is said above it.
    fn view_warnings(&self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) -> Rect {
        let incomplete = session.environment().map(|view| view.incomplete.clone()).unwrap_or_default();
        let incomplete = incomplete.into_iter().map(|why| format!("incomplete: {why}"));
        let compared = match &self.shown {
            Shown::Ready(comparison) if !self.is_preview() => comparison.warnings.clone(),
            _ => self.preview.as_ref().map(|(preview, _)| preview.warnings.clone()).unwrap_or_default(),
        };
        let mut lines: Vec<String> = incomplete.chain(compared).collect();
        let more = lines.len().saturating_sub(3);
        lines.truncate(3);
        if let Some(last) = lines.last_mut().filter(|_| more > 0) {
            last.push_str(&format!("  (and {more} more)"));
        }
        let height = u16::try_from(lines.len()).unwrap_or(0);
        if height == 0 || area.height < height + 6 {
            return area;
        }
        for (line, y) in lines.iter().zip(area.y..) {
            let words = Rich::of(Role::Warn, format!(" {} {line}", look.theme.glyphs.warn));
            words.draw(frame.buffer_mut(), (area.x, y), area.width, look.theme, None);
        }
        Rect { y: area.y + height, height: area.height - height, ..area }
    }
}

/// The environments with what the unsaved text does to each.
fn environment_tabs(session: &Session, bad: &str) -> Vec<Tab> {
    let tab = |view: &EnvironmentView| {
        let badge = match &view.preview {
            PreviewState::Unchanged => None,
            PreviewState::Blocked(_) | PreviewState::Failed(_) => Some((Role::Bad, bad.to_owned())),
            PreviewState::Working { .. } => Some((Role::Busy, "…".to_owned())),
            PreviewState::Ready(preview) if preview.changes.is_empty() => None,
            PreviewState::Ready(preview) => Some((Role::Changed, preview.changes.headline())),
        };
        Tab { key: String::new(), name: view.name.clone(), badge }
    };
    session.environments.iter().map(tab).collect()
}

//! How an operation looks: how far it is and what it waits for, or what came of it; then its objects, helm's words,
//! the log that speaks, events.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::head;
use super::live::{self, Focus, Live};
use super::objects;
use super::plan_view::{below, is_wide};
use super::summary;
use super::texts::{Events, Log, Output};
use crate::base::time;
use crate::cluster::health::Health;
use crate::cluster::objects::ObjectsSnapshot;
use crate::operations::{OperationView, Verb};
use crate::screens::cause::cause_in;
use crate::screens::{Look, elapsed};
use crate::session::Session;
use crate::ui::chrome::{Pane, Tab, tabs};
use crate::ui::face::{self, Face};
use crate::ui::glyphs::Glyphs;
use crate::ui::layout;
use crate::ui::table::{Column, Table};
use crate::ui::text::Cut;
use crate::ui::text_view::{Lines as _, TextView};
use crate::ui::{Rich, Role, text};

/// The least that panes keep below the summary.
const PANES: u16 = 8;

impl Live {
    /// Draws it.
    pub(super) fn view(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let Some(view) = self.view_of(session).cloned() else {
            let inner =
                Pane::new("Run").focused(true).zoomed(look.zoomed).draw(frame.buffer_mut(), area, look.theme);
            let what = "reading the operation's journal";
            Face::Loading { what, since: face::PATIENCE }.draw(frame.buffer_mut(), inner, look.theme);
            return;
        };
        self.areas.clear();
        let mut rest = area;
        if !look.zoomed {
            head::of_operation(session, &view.spec).draw(frame.buffer_mut(), area, look.theme);
            rest = below(rest, 1);
            let width = usize::from(area.width);
            let lines = if view.is_running() {
                self.running_lines(session, &view, width, look.theme.glyphs)
            } else {
                self.over_lines(session, &view, width, look.theme.glyphs)
            };
            let room = usize::from(rest.height.saturating_sub(PANES)).max(1);
            let hidden = lines.len().saturating_sub(room);
            let shown = if hidden > 0 { room.saturating_sub(1).max(1) } else { lines.len() };
            for line in lines.iter().take(shown) {
                line.draw(frame.buffer_mut(), (rest.x, rest.y), rest.width, look.theme, None);
                rest = below(rest, 1);
            }
            if hidden > 0 && shown < room {
                let more = format!(
                    "   {} {} more lines, y copies all",
                    look.theme.glyphs.ellipsis,
                    lines.len() - shown
                );
                Rich::of(Role::Muted, more).draw(
                    frame.buffer_mut(),
                    (rest.x, rest.y),
                    rest.width,
                    look.theme,
                    None,
                );
                rest = below(rest, 1);
            }
        }
        if look.zoomed {
            self.view_pane(self.focus, session, &view, frame, rest, look);
        } else if is_wide(rest) {
            self.view_wide(session, &view, frame, rest, look);
        } else {
            let rest = if rest.height >= PANES {
                self.view_tabs(session, &view, frame, rest, look);
                below(rest, 1)
            } else {
                rest
            };
            self.view_pane(self.focus, session, &view, frame, rest, look);
        }
    }

    fn view_wide(
        &mut self,
        session: &Session,
        view: &OperationView,
        frame: &mut Frame,
        area: Rect,
        look: &Look,
    ) {
        let percent = if area.width >= 160 { 50 } else { 60 };
        let Some((left, right)) = layout::columns(area, percent, 44, 40) else { return };
        let (objects, events) = layout::rows(left, 70, 6, 4).unwrap_or((left, Rect::ZERO));
        let (output, log) = layout::rows(right, 42, 4, 6).unwrap_or((right, Rect::ZERO));
        self.view_pane(Focus::Objects, session, view, frame, objects, look);
        self.view_pane(Focus::Output, session, view, frame, output, look);
        self.view_pane(Focus::Log, session, view, frame, log, look);
        self.view_pane(Focus::Events, session, view, frame, events, look);
    }

    fn view_tabs(&self, session: &Session, view: &OperationView, frame: &mut Frame, area: Rect, look: &Look) {
        let snapshot = self.snapshot(session);
        let names: Vec<Tab> = Focus::ALL
            .iter()
            .map(|focus| {
                let badge = match focus {
                    Focus::Objects => snapshot.map(|snapshot| {
                        let (good, all, _) = tally(view, snapshot);
                        let role = if good == all { Role::Good } else { Role::Busy };
                        (role, format!("{good}/{all}"))
                    }),
                    Focus::Output => Some((Role::Muted, Output::of(view).len().to_string())),
                    Focus::Log => self.log_view(session).map(|log| (Role::Muted, log.total.to_string())),
                    Focus::Events => {
                        let warnings =
                            snapshot.map_or(0, |s| s.events.iter().filter(|event| event.warning).count());
                        (warnings > 0).then(|| (Role::Warn, format!("{} {warnings}", look.theme.glyphs.warn)))
                    }
                };
                Tab { key: String::new(), name: focus.title().to_owned(), badge }
            })
            .collect();
        let current = Focus::ALL.iter().position(|focus| *focus == self.focus).unwrap_or(0);
        tabs(frame.buffer_mut(), Rect { height: 1, ..area }, &names, current, look.theme);
    }

    fn view_pane(
        &mut self,
        pane: Focus,
        session: &Session,
        view: &OperationView,
        frame: &mut Frame,
        area: Rect,
        look: &Look,
    ) {
        if area.is_empty() {
            return;
        }
        self.areas.push((pane, area));
        match pane {
            Focus::Objects => self.view_objects(session, view, frame, area, look),
            Focus::Output => self.view_output(view, frame, area, look),
            Focus::Log => self.view_log(session, view, frame, area, look),
            Focus::Events => self.view_events(session, frame, area, look),
        }
    }

    fn view_objects(
        &mut self,
        session: &Session,
        view: &OperationView,
        frame: &mut Frame,
        area: Rect,
        look: &Look,
    ) {
        let focused = self.focus == Focus::Objects;
        let mut pane = Pane::new("Objects").focused(focused).zoomed(look.zoomed);
        let snapshot = self.snapshot(session).cloned();
        let Some(snapshot) = snapshot.filter(|snapshot| snapshot.at.is_some()) else {
            let inner = pane.draw(frame.buffer_mut(), area, look.theme);
            let since = view.started.unwrap_or(view.spec.created);
            let face = if view.spec.objects.is_empty() {
                Face::Empty { why: "this operation names no objects", hint: None }
            } else if view.is_running() || elapsed(view.ended.unwrap_or(since), session.now).as_secs() < 10 {
                Face::Loading {
                    what: "asking the cluster for the objects",
                    since: elapsed(since, session.now),
                }
            } else {
                Face::Empty {
                    why: "its objects are not watched any more",
                    hint: Some(("5", "see them in Releases")),
                }
            };
            face.draw(frame.buffer_mut(), inner, look.theme);
            return;
        };
        let (good, all, word) = tally(view, &snapshot);
        let mut note =
            Rich::of(if good == all { Role::Good } else { Role::Text }, format!("{good} of {all} {word}"));
        if !self.filter.is_empty() {
            note = Rich::of(Role::Match, format!("/{}  ", self.filter.text())).join(note);
        }
        pane = pane.note(note);
        if let Some(fault) = snapshot.fault() {
            let age = snapshot
                .at
                .map_or_else(String::new, |at| format!(", {} old", time::relative(at, session.now)));
            pane = pane.foot(Rich::of(Role::Warn, format!("{}{age}", fault.word())));
        } else if self.steer && view.is_running() {
            pane = pane.foot(Rich::of(Role::Muted, "the cursor follows what blocks"));
        }
        let inner = pane.draw(frame.buffer_mut(), area, look.theme);
        if !self.dense && snapshot.rows.len() > usize::from(inner.height.saturating_sub(1)) {
            self.dense = true;
            self.folds.reset(0);
        }
        let selected = self.list.selected().map(str::to_owned);
        let rows = self.rows(session, view, &snapshot);
        // Where the cursor stood may be folded away now: its owner takes over.
        if let Some(at) =
            selected.and_then(|key| snapshot.rows.iter().position(|row| objects::key(row) == key))
            && let Some(key) = rows.shown_key(at).map(str::to_owned)
        {
            self.list.select(key);
        }
        self.list.sync(&rows);
        let columns = [
            Column::fill("object", 24).cut(Cut::Start),
            Column::fit("kind", 4, 12).spare(1),
            Column::fit("health", 13, 14),
            Column::fit("ready", 5, 7).right().spare(3),
            Column::fill("why", 12).spare(2),
            Column::fit("for", 3, 5).right().spare(4),
        ];
        Table::new(&columns, &rows).focused(focused).draw(
            frame.buffer_mut(),
            inner,
            &mut self.list,
            look.theme,
        );
    }

    fn view_output(&mut self, view: &OperationView, frame: &mut Frame, area: Rect, look: &Look) {
        let focused = self.focus == Focus::Output;
        let output = Output::of(view);
        let mut pane =
            Pane::new(format!("helm {}", view.spec.helm_version)).focused(focused).zoomed(look.zoomed);
        if view.steps.len() > 1 {
            let words = format!("step {} of {}: {}", view.step() + 1, view.steps.len(), view.verb());
            pane = pane.note(Rich::of(Role::Muted, words));
        }
        if let Some(paused) = self.output.paused(&output) {
            pane = pane.foot(Rich::of(Role::Warn, paused));
        }
        let inner = pane.draw(frame.buffer_mut(), area, look.theme);
        TextView::new(&output).focused(focused).draw(frame.buffer_mut(), inner, &mut self.output, look.theme);
    }

    fn view_log(
        &mut self,
        session: &Session,
        view: &OperationView,
        frame: &mut Frame,
        area: Rect,
        look: &Look,
    ) {
        let focused = self.focus == Focus::Log;
        let Some(log) = self.log_ref().cloned() else {
            let inner = Pane::new("Log").focused(focused).zoomed(look.zoomed).draw(
                frame.buffer_mut(),
                area,
                look.theme,
            );
            let why = if view.is_running() {
                "jobs, hooks and tests are followed here as they run"
            } else {
                "no job, hook or test of it has a log"
            };
            Face::Empty { why, hint: Some(("o", "the log of the pod under the cursor")) }.draw(
                frame.buffer_mut(),
                inner,
                look.theme,
            );
            return;
        };
        let title = Rich::of(Role::Text, log.pod.clone())
            .then(Role::Muted, " › ")
            .then(Role::Text, log.container.clone());
        let mut note = Rich::default();
        if log.previous {
            note.push(Role::Warn, "previous run");
        }
        if self.is_pinned() {
            note.push(Role::Muted, if note.is_empty() { "chosen, Esc follows" } else { ", chosen" });
        }
        let lines = session.world.log(&log);
        let mut pane = Pane::new(title).focused(focused).zoomed(look.zoomed).note(note);
        if let Some(paused) = lines.and_then(|lines| self.log.paused(&Log(lines))) {
            pane = pane.foot(Rich::of(Role::Warn, paused));
        } else if lines.is_some_and(|lines| lines.ended) {
            pane = pane.foot(Rich::of(Role::Muted, "ended"));
        }
        let inner = pane.draw(frame.buffer_mut(), area, look.theme);
        match lines {
            None => {
                let since = face::PATIENCE;
                Face::Loading { what: "reading the log", since }.draw(frame.buffer_mut(), inner, look.theme);
            }
            Some(lines) if lines.lines.is_empty() => match &lines.error {
                Some(error) => Face::Failed { error, hint: None }.draw(frame.buffer_mut(), inner, look.theme),
                None => Face::Empty { why: "it has written nothing", hint: None }.draw(
                    frame.buffer_mut(),
                    inner,
                    look.theme,
                ),
            },
            Some(lines) => {
                TextView::new(&Log(lines)).focused(focused).draw(
                    frame.buffer_mut(),
                    inner,
                    &mut self.log,
                    look.theme,
                );
            }
        }
    }

    fn view_events(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let focused = self.focus == Focus::Events;
        let snapshot = self.snapshot(session).cloned();
        let rows = snapshot.as_ref().map_or(&[][..], |snapshot| snapshot.events.as_slice());
        let events = Events { rows, now: session.now };
        let mut pane = Pane::new("Events").focused(focused).zoomed(look.zoomed);
        if !rows.is_empty() {
            pane = pane.note(Rich::of(Role::Muted, text::count(rows.len(), "event")));
        }
        if let Some(paused) = self.events.paused(&events) {
            pane = pane.foot(Rich::of(Role::Warn, paused));
        }
        let inner = pane.draw(frame.buffer_mut(), area, look.theme);
        if rows.is_empty() {
            Face::Empty { why: "no events about its objects", hint: None }.draw(
                frame.buffer_mut(),
                inner,
                look.theme,
            );
        } else {
            TextView::new(&events).focused(focused).draw(
                frame.buffer_mut(),
                inner,
                &mut self.events,
                look.theme,
            );
        }
    }

    /// How far it is, and what it waits for.
    fn running_lines(
        &self,
        session: &Session,
        view: &OperationView,
        width: usize,
        glyphs: &Glyphs,
    ) -> Vec<Rich> {
        let step = view.steps.get(view.step());
        let from = step.and_then(|step| step.started).or(view.started).unwrap_or(view.spec.created);
        let spent = elapsed(from, session.now);
        let limit = view.spec.options.timeout;
        let mut line = Rich::of(Role::Busy, format!(" {} {}", glyphs.spin(spent.as_millis()), view.verb()));
        if view.steps.len() > 1 {
            line.push(Role::Muted, format!(" {}/{}", view.step() + 1, view.steps.len()));
        }
        let bar = if width >= 110 { 24 } else { 12 };
        let done = usize::try_from(spent.as_secs()).unwrap_or(usize::MAX);
        let total = usize::try_from(limit.as_secs()).unwrap_or(usize::MAX);
        let late = spent.as_secs() * 5 > limit.as_secs() * 4;
        line.push(
            if late { Role::Warn } else { Role::Accent },
            format!("  {}", glyphs.progress(done, total, bar)),
        );
        line.push(
            Role::Text,
            format!("  {} of {}", text::duration(spent.as_secs()), text::duration(limit.as_secs())),
        );
        let quiet = elapsed(self.progress(view), session.now).as_secs();
        let role = if quiet >= 60 { Role::Warn } else { Role::Muted };
        line.push(role, format!("  last progress {} ago", text::duration(quiet)));
        let snapshot = self.snapshot(session).filter(|snapshot| snapshot.at.is_some());
        if let Some(snapshot) = snapshot {
            let (good, all, word) = tally(view, snapshot);
            line.push(Role::Muted, format!("  {good}/{all} {word}"));
        }
        let mut lines = vec![line];
        if let Some(unanswered) = view.unanswered(session.now) {
            let asked = text::duration(unanswered.as_secs());
            let kill = if unanswered.as_secs() >= super::KILL_AFTER {
                "x offers to kill it"
            } else {
                "x offers kill after 10s"
            };
            lines.push(Rich::of(
                Role::Warn,
                format!(" {} asked to stop {asked} ago, helm has not answered; {kill}", glyphs.warn),
            ));
        }
        let Some(snapshot) = snapshot else { return lines };
        match (live::cause(view, snapshot), live::blocking(view, snapshot)) {
            (Some(cause), _) => lines.extend(self.cause_lines(session, view, &cause, width, glyphs)),
            (None, Some(row)) => {
                let what = match (view.spec.verb, row.hook) {
                    (Verb::Uninstall, _) => "still there:",
                    (_, true) => "runs the hook",
                    _ => "waits for",
                };
                let mut line = Rich::of(objects::role_of(row.health), format!(" {} ", row.health.glyph()))
                    .then(Role::Muted, format!("{what} "))
                    .then(Role::Text, row.title());
                if !row.reason.is_empty() {
                    line.push(Role::Text, format!(": {}", row.reason));
                }
                if let Some(since) = row.since {
                    line.push(Role::Muted, format!("  for {}", time::relative(since, session.now)));
                }
                lines.push(line);
            }
            (None, None) => {
                let (good, all, _) = tally(view, snapshot);
                let words = match view.spec.verb {
                    Verb::Uninstall => "all its objects are gone; helm finishes".to_owned(),
                    _ if good == all => "everything is healthy; helm finishes".to_owned(),
                    _ => format!(
                        "{} not there yet: hooks run first, then helm sends them",
                        text::count(all - good, "object")
                    ),
                };
                lines.push(Rich::of(Role::Muted, format!(" {} {words}", glyphs.dot)));
            }
        }
        lines
    }

    /// The root cause with the last words of its log.
    fn cause_lines(
        &self,
        session: &Session,
        view: &OperationView,
        cause: &crate::cluster::root_cause::RootCause,
        width: usize,
        glyphs: &Glyphs,
    ) -> Vec<Rich> {
        let path: Vec<String> = view.spec.environment.iter().chain(&cause.path).cloned().collect();
        let shown = cause_in(&path, &cause.reason, width.saturating_sub(4), 3, glyphs.ellipsis);
        let mut lines = Vec::new();
        for (i, line) in shown.into_iter().enumerate() {
            let lead = if i == 0 { format!(" {} ", glyphs.bad) } else { "   ".to_owned() };
            lines.push(Rich::of(Role::Bad, format!("{lead}{line}")));
        }
        let words = self.last_words(session, cause).or_else(|| cause.event.clone());
        let mut last = Rich::default();
        if let Some(words) = words {
            last.push(Role::Muted, "   last words: ");
            last.push(Role::Text, words.lines().next().unwrap_or_default());
            let hint = text::width("   c jumps there");
            last = last.elide(width.saturating_sub(hint + 1), Cut::End, glyphs.ellipsis);
        }
        last.push(Role::Key, "   c");
        last.push(Role::KeyLabel, " jumps there");
        lines.push(last);
        lines
    }

    /// What came of it, why, and what may be done.
    fn over_lines(
        &self,
        session: &Session,
        view: &OperationView,
        width: usize,
        glyphs: &Glyphs,
    ) -> Vec<Rich> {
        let outcome = summary::judge(session, view);
        let (role, mark) = summary::look_of(outcome.verdict, glyphs);
        let wide = width.saturating_sub(4);
        let mut lines = Vec::new();
        for (i, line) in text::wrap(&outcome.headline, wide).into_iter().enumerate() {
            let lead = if i == 0 { format!(" {mark} ") } else { "   ".to_owned() };
            lines.push(Rich::of(role, format!("{lead}{line}")));
        }
        let mut facts =
            Rich::of(Role::Muted, format!("   took {}", text::duration(view.elapsed(session.now).as_secs())));
        if let Some(ended) = view.ended {
            facts.push(
                Role::Muted,
                format!(", ended {} ago at {}", time::relative(ended, session.now), time::absolute(ended)),
            );
        }
        facts.push(Role::Key, "   Enter");
        facts.push(Role::KeyLabel, " what next");
        lines.push(facts);
        let cause = self.cause(session).filter(|_| summary::is_newest(session, view));
        let told = cause.as_ref().map(|cause| summary::with_environment(&view.spec, &cause.render()));
        if let Some(cause) = cause.filter(|_| outcome.verdict != crate::operations::Verdict::Good) {
            lines.extend(self.cause_lines(session, view, &cause, width, glyphs));
        }
        for detail in outcome.details.iter().filter(|detail| Some(*detail) != told.as_ref()) {
            lines.extend(
                text::wrap(detail, wide).into_iter().map(|line| Rich::of(Role::Muted, format!("   {line}"))),
            );
        }
        if let Some(next) = &outcome.next {
            for (i, line) in text::wrap(next, wide).into_iter().enumerate() {
                let lead = if i == 0 { format!(" {} ", glyphs.arrow) } else { "   ".to_owned() };
                lines.push(Rich::of(Role::Accent, lead).then(Role::Text, line));
            }
        }
        lines
    }
}

/// The manifest's objects that are as they should be, all of them, and the word for it: healthy, or after an
/// uninstall gone.
fn tally(view: &OperationView, snapshot: &ObjectsSnapshot) -> (usize, usize, &'static str) {
    let counts = snapshot.counts();
    let all = counts.iter().map(|(_, count)| count).sum();
    let (wanted, word): (&[Health], _) = match view.spec.verb {
        Verb::Uninstall => (&[Health::Missing], "gone"),
        _ => (&[Health::Healthy, Health::Suspended], "healthy"),
    };
    let good = counts.iter().filter(|(health, _)| wanted.contains(health)).map(|(_, count)| count).sum();
    (good, all, word)
}

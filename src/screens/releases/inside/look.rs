//! How a release looks: tabs, the root cause, the view below them or why it shows nothing.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::base::Error;
use crate::screens::cause::cause_in;
use crate::screens::{Look, elapsed};
use crate::session::{Fetched, Session};
use crate::ui::chrome::Pane;
use crate::ui::face::{Face, stale};
use crate::ui::glyphs::Glyphs;
use crate::ui::{Rich, Role, text};

use super::super::logs::last_words;
use super::super::memory::{self, Memory};
use super::super::overview;
use super::super::rows::said;
use super::{Inside, Known, View};

impl Inside {
    /// Draws the release.
    pub(in super::super) fn view(
        &mut self,
        session: &Session,
        memory: &Memory,
        busy: Option<&str>,
        frame: &mut Frame,
        area: Rect,
        look: &Look,
    ) {
        let theme = look.theme;
        let release = self.release.clone();
        let known = Known::of(session, memory, &release);
        let mut pane = Pane::new(Rich::of(Role::Text, &self.title)).focused(true).zoomed(look.zoomed);
        if let Some(note) = self.note(&known) {
            pane = pane.note(note);
        }
        let busy = busy.map(|words| Rich::of(Role::Busy, words));
        if let Some(foot) = busy.or_else(|| self.foot(&known)) {
            pane = pane.foot(foot);
        }
        let inner = pane.draw(frame.buffer_mut(), area, theme);
        if inner.height < 4 || inner.width < 24 {
            Face::TooSmall { hidden: "a release" }.draw(frame.buffer_mut(), inner, theme);
            return;
        }
        let buf = frame.buffer_mut();
        let (line, names) = tabs(self.view, usize::from(inner.width), theme.glyphs);
        line.draw(buf, (inner.x, inner.y), inner.width, theme, None);
        let place = |(from, wide, view): (usize, usize, View)| {
            let cells = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
            let area =
                Rect { x: inner.x.saturating_add(cells(from)), width: cells(wide), height: 1, ..inner };
            (area.intersection(inner), view)
        };
        self.tabs = names.into_iter().map(place).collect();
        let mut top = inner.y + 1;
        for line in cause_lines(&known, usize::from(inner.width), inner.height, theme.glyphs) {
            line.draw(buf, (inner.x, top), inner.width, theme, None);
            top += 1;
        }
        let body = Rect { y: top, height: inner.bottom().saturating_sub(top), ..inner };
        if !self.face(&known, memory, frame, body, look) {
            self.view_body(&known, frame, body, look);
        }
    }

    fn view_body(&mut self, known: &Known, frame: &mut Frame, body: Rect, look: &Look) {
        let theme = look.theme;
        let search = self.search().clone();
        match self.view {
            View::Overview => self.overview.view(known, &self.applied, frame, body, theme),
            View::Components => self.components.view(known, frame, body, theme),
            View::Resources => self.resources.view(known, frame, body, theme),
            View::History => self.history.view(known, frame, body, theme),
            View::Values => self.values.view(frame, body, &search, false, theme),
            View::Manifest => self.manifest.view(frame, body, &search, true, theme),
            View::Notes => self.notes.view(frame, body, &search, false, theme),
            View::Hooks => self.hooks.view(known, frame, body, theme),
            View::Jobs => self.jobs.view(known, frame, body, theme),
            View::Events => self.events.view(known, &search, frame, body, theme),
            View::Logs => self.logs.view(known.session, &search, frame, body, theme),
        }
    }

    /// Draws why the view has nothing to show. `false` when it has.
    fn face(&self, known: &Known, memory: &Memory, frame: &mut Frame, body: Rect, look: &Look) -> bool {
        let theme = look.theme;
        let buf = frame.buffer_mut();
        let session = known.session;
        let Some(row) = known.row else {
            if let Some(fault) = memory::fault(session, &known.release.context) {
                let error = Error::from(fault.clone());
                Face::Failed { error: &error, hint: Some(("r", "try again")) }.draw(buf, body, theme);
            } else if memory.releases(&known.release.context).is_some() {
                let face = Face::Empty {
                    why: "this release is not installed",
                    hint: Some(("I", "plan the install")),
                };
                face.draw(buf, body, theme);
            } else {
                Face::Empty { why: "asking the cluster for its releases", hint: None }.draw(buf, body, theme);
            }
            return true;
        };
        let needs_record = matches!(self.view, View::Values | View::Manifest | View::Notes | View::Hooks);
        let needs_objects =
            matches!(self.view, View::Components | View::Resources | View::Jobs | View::Events);
        let record = session.world.records.get(&(known.release.clone(), Some(row.revision)));
        if known.record.is_none() && (needs_record || (needs_objects && known.objects.is_none())) {
            match record {
                Some(Fetched::Failed { error, .. }) => {
                    Face::Failed { error, hint: Some(("r", "read it again")) }.draw(buf, body, theme);
                }
                Some(Fetched::Awaited { since }) => {
                    let since = elapsed(*since, session.now);
                    Face::Loading { what: "reading the release record", since }.draw(buf, body, theme);
                }
                _ => Face::Empty { why: "the release record is not read yet", hint: None }
                    .draw(buf, body, theme),
            }
            return true;
        }
        if !needs_objects {
            return false;
        }
        let Some(objects) = known.objects.filter(|objects| objects.at.is_some()) else {
            Face::Empty { why: "looking at the objects", hint: None }.draw(buf, body, theme);
            return true;
        };
        if self.view == View::Resources && self.resources.shown().0 == 0 {
            let why = if objects.rows.is_empty() {
                "the manifest of this release names no objects"
            } else {
                "no object matches the filter"
            };
            let hint = (!objects.rows.is_empty()).then_some(("Esc", "clear the filter"));
            Face::Empty { why, hint }.draw(buf, body, theme);
            return true;
        }
        false
    }

    /// At the right end of the title: the filter, else how fresh this is.
    fn note(&self, known: &Known) -> Option<Rich> {
        let search = self.search();
        let typed = match self.view {
            View::Resources => {
                let (shown, all) = self.resources.shown();
                search.note(shown, all)
            }
            View::Events => search.note(self.events.shown.0, self.events.shown.1),
            _ => search.text_note(),
        };
        if typed.is_some() {
            return typed;
        }
        let now = known.session.now.as_second();
        if let Some(at) = known.stale {
            return Some(stale(u64::try_from(now.saturating_sub(at.as_second())).unwrap_or_default()));
        }
        let row = known.row?;
        Some(Rich::of(Role::Muted, format!("revision {} {}", row.revision, row.status)))
    }

    fn foot(&self, known: &Known) -> Option<Rich> {
        match self.view {
            View::Resources if self.resources.is_order_pending() => {
                Some(Rich::of(Role::Warn, "order changed, ").then(Role::Key, "r"))
            }
            View::History => Some(
                Rich::of(Role::Key, "Enter")
                    .then(Role::KeyLabel, " diff against the deployed one  ")
                    .then(Role::Key, "R")
                    .then(Role::KeyLabel, " roll back to it"),
            ),
            View::Logs => self.logs.foot(known.session),
            _ => None,
        }
    }
}

/// The names of the views, as many around the current one as fit; and where each stands and how wide it is.
fn tabs(current: View, width: usize, glyphs: &Glyphs) -> (Rich, Vec<(usize, usize, View)>) {
    let here = View::ALL.iter().position(|view| *view == current).unwrap_or(0);
    let wide = |view: &View| text::width(view.title()) + 2;
    let (mut first, mut last) = (here, here);
    let mut used = wide(&current) + 2;
    loop {
        let right = View::ALL.get(last + 1).filter(|view| used + wide(view) <= width);
        if let Some(view) = right {
            used += wide(view);
            last += 1;
        }
        let left =
            first.checked_sub(1).and_then(|at| View::ALL.get(at)).filter(|view| used + wide(view) <= width);
        if let Some(view) = left {
            used += wide(view);
            first -= 1;
        }
        if right.is_none() && left.is_none() {
            break;
        }
    }
    let mut line = Rich::of(Role::Gutter, if first > 0 { glyphs.left_more } else { " " });
    let mut places = Vec::new();
    for view in View::ALL.iter().take(last + 1).skip(first) {
        let role = if *view == current { Role::Selection } else { Role::KeyLabel };
        places.push((line.width(), wide(view), *view));
        line.push(role, format!(" {} ", view.title()));
    }
    line.push(Role::Gutter, if last + 1 < View::ALL.len() { glyphs.right_more } else { " " });
    (line, places)
}

/// One line that says why, and below it what the container or the cluster said last.
fn cause_lines(known: &Known, width: usize, height: u16, glyphs: &Glyphs) -> Vec<Rich> {
    let Some(cause) = &known.cause else { return Vec::new() };
    let session = known.session;
    let path: Vec<String> = cause.path.iter().map(|step| session.redactor.text(step)).collect();
    let reason = session.redactor.text(&cause.reason);
    let (room, most) = (width.saturating_sub(11), if height < 12 { 1 } else { 2 });
    let shown = cause_in(&path, &reason, room, most, glyphs.ellipsis);
    let mut lines: Vec<Rich> = Vec::with_capacity(most + 1);
    for (index, line) in shown.into_iter().enumerate() {
        let lead = if index == 0 { glyphs.bad } else { " " };
        lines.push(Rich::of(Role::Bad, format!("{lead} {line}")));
    }
    if let Some(first) = lines.first_mut() {
        let gap = width.saturating_sub(first.width() + 8);
        first.push(Role::Text, " ".repeat(gap));
        first.push(Role::Key, "c");
        first.push(Role::KeyLabel, " jumps");
    }
    let last = known.cause_log().and_then(|log| last_words(&session.world, &session.redactor, &log));
    let said = match last {
        Some(line) => Some(format!("  last words: {line}")),
        None => cause.event.as_ref().map(|event| format!("  {}", said(session, event))),
    };
    lines.extend(said.filter(|_| height >= 8).map(|line| Rich::of(Role::Muted, line)));
    lines
}

/// For the overview of a row that is not open: counts in one line.
pub(in super::super) fn summary(known: &Known, look: &Look) -> Rich {
    overview::counts(known, look.theme)
}

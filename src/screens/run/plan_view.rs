//! How a plan looks: its own target on top, whether it may run, the exact commands, the options, every check, and
//! what it would change.

use ratatui::Frame;
use ratatui::layout::Rect;

use super::super::changes;
use super::head;
use super::plan::{Focus, Planning};
use crate::operations::{Check, CheckLevel, Plan, PlanRequest};
use crate::screens::{Look, elapsed};
use crate::session::Session;
use crate::ui::chrome::{Pane, Tab, tabs};
use crate::ui::face::Face;
use crate::ui::glyphs::Glyphs;
use crate::ui::layout::SIDE_BY_SIDE;
use crate::ui::table::{Column, Listed, Row, Table};
use crate::ui::text_view::TextView;
use crate::ui::{ListState, Rich, Role, layout, text};

/// Lines of the command where there is no room for all of it.
const COLLAPSED: usize = 2;

impl Planning {
    /// Draws it.
    pub(super) fn view(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let Some(request) = self.request.clone() else { return };
        self.areas.clear();
        let mut rest = area;
        if !look.zoomed {
            let plan = self.plan.clone();
            head::of_plan(&request, plan.as_deref()).draw(frame.buffer_mut(), area, look.theme);
            rest = below(rest, 1);
            for line in self.verdict(session, usize::from(area.width), look.theme.glyphs) {
                if rest.height <= 6 {
                    break;
                }
                line.draw(frame.buffer_mut(), (rest.x, rest.y), rest.width, look.theme, None);
                rest = below(rest, 1);
            }
        }
        if self.plan.is_none() {
            let inner = Pane::new("Plan").focused(true).zoomed(look.zoomed).draw(
                frame.buffer_mut(),
                rest,
                look.theme,
            );
            let face = match (&self.error, self.awaited) {
                (Some(error), _) => Face::Failed { error, hint: Some(("r", "plan again")) },
                (None, Some(since)) => Face::Loading {
                    what: "asking the cluster and rendering",
                    since: elapsed(since, session.now),
                },
                (None, None) => Face::Empty { why: "there is no plan", hint: Some(("r", "plan again")) },
            };
            face.draw(frame.buffer_mut(), inner, look.theme);
            return;
        }
        if look.zoomed {
            self.view_focused(session, &request, frame, rest, look);
        } else if is_wide(area) {
            self.view_wide(session, &request, frame, rest, look);
        } else {
            self.view_narrow(session, &request, frame, rest, look);
        }
    }

    fn view_wide(
        &mut self,
        session: &Session,
        request: &PlanRequest,
        frame: &mut Frame,
        area: Rect,
        look: &Look,
    ) {
        let lines = self.command_lines(area.width.saturating_sub(2));
        // What it would change is what is read; the whole command is a key away.
        let most = (area.height / 8).max(4);
        let height = (u16::try_from(lines.len()).unwrap_or(most) + 2).min(most);
        let (commands, rest) = split(area, height);
        self.view_commands(&lines, frame, commands, look);
        // Options and checks beside each other, so that the changes have the whole width for list and text.
        let options = u16::try_from(self.fields().len()).unwrap_or(0) + 3;
        let wide = (rest.width / 3).clamp(40, 56);
        let plan = self.plan.clone();
        let checks = plan.map_or(0, |plan| {
            check_lines(&plan, usize::from(rest.width - wide - 2), look.theme.glyphs).len()
        });
        let checks = u16::try_from(checks).unwrap_or(u16::MAX).saturating_add(2);
        let height = options.max(checks).min((rest.height * 2 / 5).max(options));
        let (upper, lower) = split(rest, height);
        let left = Rect { width: wide, ..upper };
        let right = Rect { x: upper.x + wide, width: upper.width - wide, ..upper };
        self.view_options(request, frame, left, look);
        self.view_checks(session, frame, right, look);
        self.view_changes(session, frame, lower, look);
    }

    fn view_narrow(
        &mut self,
        session: &Session,
        request: &PlanRequest,
        frame: &mut Frame,
        area: Rect,
        look: &Look,
    ) {
        let glyphs = look.theme.glyphs;
        let names = {
            let Some(plan) = &self.plan else { return };
            let (role, mark) = match plan.checks.first().map(|check| check.level) {
                Some(CheckLevel::Blocked) => (Role::Bad, glyphs.bad),
                Some(CheckLevel::Warning) => (Role::Warn, glyphs.warn),
                _ => (Role::Good, glyphs.good),
            };
            [
                ("Options", None),
                ("Checks", Some((role, format!("{mark} {}", plan.checks.len())))),
                ("Changes", Some((Role::Changed, plan.changes.changes.len().to_string()))),
            ]
        };
        let names = names.map(|(name, badge)| Tab { key: String::new(), name: name.to_owned(), badge });
        let current = match self.focus {
            Focus::Options => 0,
            Focus::Checks => 1,
            Focus::Changes => 2,
        };
        let area = if area.height >= 12 { self.view_collapsed(frame, area, look) } else { area };
        let rest = if area.height >= 8 {
            tabs(frame.buffer_mut(), Rect { height: 1, ..area }, &names, current, look.theme);
            below(area, 1)
        } else {
            area
        };
        match self.focus {
            Focus::Options => {
                let options = u16::try_from(self.fields().len()).unwrap_or(0) + 3;
                let (upper, lower) = split(rest, options.min(rest.height));
                self.view_options(request, frame, upper, look);
                if lower.height >= 3 {
                    self.view_changes(session, frame, lower, look);
                }
            }
            Focus::Checks => self.view_checks(session, frame, rest, look),
            Focus::Changes => self.view_changes(session, frame, rest, look),
        }
    }

    fn view_focused(
        &mut self,
        session: &Session,
        request: &PlanRequest,
        frame: &mut Frame,
        area: Rect,
        look: &Look,
    ) {
        match self.focus {
            Focus::Options => self.view_options(request, frame, area, look),
            Focus::Checks => self.view_checks(session, frame, area, look),
            Focus::Changes => self.view_changes(session, frame, area, look),
        }
    }

    /// Whether it may run, in one line or a few.
    fn verdict(&self, session: &Session, width: usize, glyphs: &Glyphs) -> Vec<Rich> {
        let mut lines = Vec::new();
        let wrapped = |role: Role, mark: &str, words: &str| -> Vec<Rich> {
            let mark_width = text::width(mark) + 2;
            text::wrap(words, width.saturating_sub(mark_width + 1))
                .into_iter()
                .take(3)
                .enumerate()
                .map(|(i, line)| {
                    let lead = if i == 0 { format!(" {mark} ") } else { " ".repeat(mark_width) };
                    Rich::of(role, lead).then(role, line)
                })
                .collect()
        };
        let working = |since, words: &str| {
            let since = elapsed(since, session.now);
            Rich::of(Role::Busy, format!(" {} {words}", glyphs.spin(since.as_millis())))
                .then(Role::Muted, format!("  {}", text::duration(since.as_secs())))
        };
        if let Some(since) = self.launching {
            lines.push(working(since, "starting helm"));
            return lines;
        }
        let Some(plan) = &self.plan else { return lines };
        if let Some(error) = &self.refused {
            lines.extend(wrapped(Role::Bad, glyphs.bad, &error.headline()));
            lines.extend(error.cause.iter().flat_map(|cause| wrapped(Role::Muted, " ", cause)));
            lines.extend(error.next.iter().flat_map(|next| wrapped(Role::Text, glyphs.arrow, next)));
        } else if let Some(since) = self.awaited {
            lines.push(working(since, "working it out again"));
        } else if let Some(check) = plan.blockers().next() {
            let more = plan.blockers().count() - 1;
            let more = if more > 0 { format!(" (and {more} more)") } else { String::new() };
            lines.extend(wrapped(Role::Bad, glyphs.bad, &format!("refused: {}{more}", check.title)));
        } else if let Some(why) = self.stale(session) {
            lines.extend(wrapped(Role::Warn, glyphs.warn, &format!("out of date: {why}; r plans again")));
        } else {
            lines.push(ready(plan, glyphs));
        }
        let edited = self.edited_since(session);
        if !edited.is_empty() {
            let words =
                format!("edits since are not part of it: {} (S saves, r plans again)", edited.join(", "));
            lines.extend(wrapped(Role::Warn, glyphs.warn, &words));
        }
        if let Some(why) = &plan.incomplete {
            lines.extend(wrapped(Role::Warn, glyphs.warn, &format!("the changes are incomplete: {why}")));
        }
        lines
    }

    fn command_lines(&self, width: u16) -> Vec<Rich> {
        let Some(plan) = &self.plan else { return Vec::new() };
        let wide = usize::from(width).max(8);
        let role = if self.awaited.is_some() { Role::Muted } else { Role::Text };
        plan.commands()
            .iter()
            .flat_map(|command| {
                let lines = text::wrap(command, wide - 2);
                lines.into_iter().enumerate().map(|(i, line)| {
                    Rich::of(Role::Accent, if i == 0 { "$ " } else { "  " }).then(role, line)
                })
            })
            .collect()
    }

    /// The beginning of the command without a frame, and how much of it there is not; gives what is left below.
    fn view_collapsed(&self, frame: &mut Frame, area: Rect, look: &Look) -> Rect {
        let lines = self.command_lines(area.width.saturating_sub(1));
        let hidden = lines.len().saturating_sub(COLLAPSED);
        let shown = lines.len().min(COLLAPSED);
        for (number, (line, y)) in lines.iter().take(COLLAPSED).zip(area.y..).enumerate() {
            let more = (number + 1 == shown && hidden > 0)
                .then(|| Rich::of(Role::Muted, format!("  {}", text::count(hidden, "more line"))))
                .map(|more| more.then(Role::Key, "  y").then(Role::KeyLabel, " copies it"));
            let wide = more.as_ref().map_or(0, |more| u16::try_from(more.width()).unwrap_or(0));
            let room = area.width.saturating_sub(1 + wide);
            let used = line.draw(frame.buffer_mut(), (area.x + 1, y), room, look.theme, None);
            if let Some(more) = more {
                more.draw(frame.buffer_mut(), (area.x + 1 + used, y), wide, look.theme, None);
            }
        }
        below(area, u16::try_from(shown).unwrap_or(0))
    }

    fn view_commands(&self, lines: &[Rich], frame: &mut Frame, area: Rect, look: &Look) {
        let room = usize::from(area.height.saturating_sub(2));
        let hidden = lines.len().saturating_sub(room);
        let hint =
            if hidden > 0 { format!("{hidden} more lines, y copies it") } else { "y copies it".to_owned() };
        let count = self.plan.as_ref().map_or(1, |plan| plan.steps.len());
        let title =
            if count > 1 { format!("{count} commands, one after the other") } else { "Command".to_owned() };
        let pane = Pane::new(title).note(Rich::of(Role::Muted, hint));
        let inner = pane.draw(frame.buffer_mut(), area, look.theme);
        for (line, y) in lines.iter().zip(inner.top()..inner.bottom()) {
            line.draw(frame.buffer_mut(), (inner.x, y), inner.width, look.theme, None);
        }
    }

    fn view_options(&mut self, request: &PlanRequest, frame: &mut Frame, area: Rect, look: &Look) {
        self.areas.push((Focus::Options, area));
        let focused = self.focus == Focus::Options;
        let pane = Pane::new("Options")
            .focused(focused)
            .zoomed(look.zoomed)
            .note(Rich::of(Role::Muted, "Space changes"));
        let inner = pane.draw(frame.buffer_mut(), area, look.theme);
        let glyphs = look.theme.glyphs;
        let rows = Listed(
            self.fields()
                .iter()
                .map(|field| {
                    let value = match field.flag(request) {
                        Some(true) => Rich::of(Role::Good, format!("{} yes", glyphs.ticked)),
                        Some(false) => Rich::of(Role::Muted, format!("{} no", glyphs.unticked)),
                        None => Rich::of(Role::Changed, field.value(request)),
                    };
                    (field.title().to_owned(), Row::new([Rich::from(field.title()), value]))
                })
                .collect(),
        );
        let mut list = ListState::default();
        list.put(&rows, self.field);
        let columns = [Column::fill("", 12), Column::fit("", 4, 12)];
        let table = Rect { height: inner.height.saturating_sub(1), ..inner };
        Table::new(&columns, &rows).focused(focused).headless().draw(
            frame.buffer_mut(),
            table,
            &mut list,
            look.theme,
        );
        if let Some(field) = self.fields().get(self.field).filter(|_| inner.height > 1) {
            let at = (inner.x, inner.bottom() - 1);
            Rich::of(Role::Muted, format!(" {}", field.help())).draw(
                frame.buffer_mut(),
                at,
                inner.width,
                look.theme,
                None,
            );
        }
    }

    fn view_checks(&mut self, _: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let Some(plan) = self.plan.clone() else { return };
        self.areas.push((Focus::Checks, area));
        let focused = self.focus == Focus::Checks;
        let mut pane = Pane::new("Checks").focused(focused).zoomed(look.zoomed).note(tally(&plan.checks));
        if !plan.ways.is_empty() {
            let hint = Rich::of(Role::Key, "Space").then(Role::Accent, " chooses a way out");
            pane = pane.foot(hint);
        }
        let inner = pane.draw(frame.buffer_mut(), area, look.theme);
        let lines = check_lines(&plan, usize::from(inner.width), look.theme.glyphs);
        TextView::new(&lines).focused(focused).draw(frame.buffer_mut(), inner, &mut self.checks, look.theme);
    }

    fn view_changes(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        self.areas.push((Focus::Changes, area));
        let Some(plan) = &self.plan else { return };
        let focused = self.focus == Focus::Changes;
        let stale = self.awaited.is_some() || self.stale(session).is_some();
        if plan.changes.is_empty() {
            let pane = Pane::new("Changes").focused(focused).zoomed(look.zoomed);
            let inner = pane.draw(frame.buffer_mut(), area, look.theme);
            let why = match plan.request.verb {
                crate::operations::Verb::Test => {
                    "a test changes no object of the release; its test pods run and end"
                }
                crate::operations::Verb::Uninstall => "nothing of it is left in the cluster",
                _ => "no object changes",
            };
            Face::Empty { why, hint: None }.draw(frame.buffer_mut(), inner, look.theme);
            return;
        }
        let head = changes::Head { title: Rich::from("Changes"), ..changes::Head::default() };
        self.changes.view(&head, focused, stale, frame, area, look);
    }
}

fn ready(plan: &Plan, glyphs: &Glyphs) -> Rich {
    let warnings = plan.checks.iter().filter(|check| check.level == CheckLevel::Warning).count();
    let mut line = if warnings > 0 {
        Rich::of(Role::Warn, format!(" {} {}", glyphs.warn, text::count(warnings, "warning")))
    } else {
        Rich::of(Role::Good, format!(" {} ready", glyphs.good))
    };
    let what = if plan.is_empty() {
        "no object changes, a new revision all the same".to_owned()
    } else {
        plan.deed()
    };
    line.push(Role::Text, format!("  {what}   "));
    line.push(Role::Key, "Enter");
    line.push(Role::KeyLabel, " to confirm");
    line
}

fn look_of(level: CheckLevel, glyphs: &Glyphs) -> (Role, &'static str) {
    match level {
        CheckLevel::Blocked => (Role::Bad, glyphs.bad),
        CheckLevel::Warning => (Role::Warn, glyphs.warn),
        CheckLevel::Note => (Role::Accent, glyphs.dot),
        CheckLevel::Ok => (Role::Good, glyphs.good),
    }
}

fn tally(checks: &[Check]) -> Rich {
    let mut line = Rich::default();
    for level in [CheckLevel::Blocked, CheckLevel::Warning, CheckLevel::Note, CheckLevel::Ok] {
        let count = checks.iter().filter(|check| check.level == level).count();
        if count > 0 {
            let gap = if line.is_empty() { "" } else { ", " };
            let role = match level {
                CheckLevel::Blocked => Role::Bad,
                CheckLevel::Warning => Role::Warn,
                CheckLevel::Note | CheckLevel::Ok => Role::Muted,
            };
            line.push(role, format!("{gap}{count} {}", level.word()));
        }
    }
    line
}

/// Every check with what there is to read below it, then the ways out.
fn check_lines(plan: &Plan, width: usize, glyphs: &Glyphs) -> Vec<Rich> {
    const INDENT: usize = 10;
    let wide = width.saturating_sub(INDENT + 1).max(10);
    let mut lines = Vec::new();
    let below = |lines: &mut Vec<Rich>, role: Role, lead: &str, words: &str| {
        let lead_width = text::width(lead);
        for (i, line) in text::wrap(words, wide.saturating_sub(lead_width)).into_iter().enumerate() {
            let lead = if i == 0 { lead.to_owned() } else { " ".repeat(lead_width) };
            lines.push(Rich::of(role, format!("{:INDENT$}{lead}{line}", "")));
        }
    };
    for check in &plan.checks {
        let (role, mark) = look_of(check.level, glyphs);
        let title_role = if check.level == CheckLevel::Ok { Role::Muted } else { Role::Text };
        for (i, line) in text::wrap(&check.title, wide).into_iter().enumerate() {
            let lead = if i == 0 { format!("{mark} {:<8}", check.level.word()) } else { " ".repeat(INDENT) };
            lines.push(Rich::of(role, lead).then(title_role, line));
        }
        if let Some(detail) = &check.detail {
            below(&mut lines, Role::Muted, "", detail);
        }
        if let Some(next) = &check.next {
            below(&mut lines, Role::Accent, &format!("{} ", glyphs.arrow), next);
        }
    }
    if !plan.ways.is_empty() {
        lines.push(Rich::default());
        lines.push(Rich::of(Role::Title, "Ways out, safest first"));
        for (number, way) in plan.ways.iter().enumerate() {
            lines.push(
                Rich::of(Role::Accent, format!("{:>8}  ", number + 1)).then(Role::Text, way.title.clone()),
            );
            below(&mut lines, Role::Muted, "", &way.why);
            for caveat in &way.caveats {
                below(&mut lines, Role::Warn, &format!("{} ", glyphs.warn), caveat);
            }
        }
    }
    lines
}

/// An area without its first lines.
pub(super) fn below(area: Rect, lines: u16) -> Rect {
    let lines = lines.min(area.height);
    Rect { y: area.y + lines, height: area.height - lines, ..area }
}

/// The first `height` lines, and the rest.
pub(super) fn split(area: Rect, height: u16) -> (Rect, Rect) {
    let height = height.min(area.height);
    (Rect { height, ..area }, below(area, height))
}

/// Whether panes stand beside each other.
pub(super) fn is_wide(area: Rect) -> bool {
    layout::columns(area, 50, 44, 44).is_some() && area.width >= SIDE_BY_SIDE && area.height >= 18
}

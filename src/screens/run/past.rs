//! The operations that were run from this machine, newest first.

use std::sync::Arc;

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use super::summary;
use crate::base::time;
use crate::operations::outcome::{Verdict, Witness, judge};
use crate::operations::{OperationId, OperationView};
use crate::screens::{Look, nothing_to};
use crate::session::{Command, Session};
use crate::ui::chrome::Pane;
use crate::ui::face::Face;
use crate::ui::filter::{self, Filter};
use crate::ui::glyphs::Glyphs;
use crate::ui::list::Keys;
use crate::ui::table::{Column, Row, Rows, Table};
use crate::ui::{ListState, Rich, Role, text};

/// The list's cursor and filter.
#[derive(Debug, Default)]
pub(super) struct Past {
    list: ListState,
    pub(super) filter: Filter,
}

struct PastRows<'a> {
    views: Vec<&'a Arc<OperationView>>,
    now: Timestamp,
    glyphs: &'static Glyphs,
}

impl<'a> PastRows<'a> {
    fn of(session: &'a Session, filter: &Filter, glyphs: &'static Glyphs) -> Self {
        // Ids sort by time.
        let views = session.world.operations.values().rev().filter(|view| fits(filter, view)).collect();
        Self { views, now: session.now, glyphs }
    }
}

/// Whether an operation passes the filter: its words, or a field of it.
fn fits(filter: &Filter, view: &OperationView) -> bool {
    let (spec, state) = (&view.spec, view.state.word());
    let environment = spec.environment.as_deref().unwrap_or_default();
    let release = &spec.release;
    let whole =
        [&spec.title(), state, &release.context, &release.namespace, &spec.headline, environment].join(" ");
    let field = |name: &str| match name {
        "env" | "environment" => Some(environment.into()),
        "ns" | "namespace" => Some(release.namespace.as_str().into()),
        "ctx" | "context" => Some(release.context.as_str().into()),
        "release" | "name" => Some(release.release.as_str().into()),
        "status" | "state" => Some(state.into()),
        _ => None,
    };
    filter.matches_fields(&whole, field).is_some()
}

impl Keys for PastRows<'_> {
    fn len(&self) -> usize {
        self.views.len()
    }

    fn key(&self, index: usize) -> std::borrow::Cow<'_, str> {
        self.views.get(index).map_or("".into(), |view| view.spec.id.as_str().into())
    }
}

impl Rows for PastRows<'_> {
    fn row(&self, index: usize) -> Row {
        let Some(view) = self.views.get(index) else { return Row::default() };
        // The journal alone: the cluster may have moved on since.
        let outcome = judge(view, &Witness::default());
        let (role, mark) = match outcome.verdict {
            Verdict::Pending => {
                let since = view.elapsed(self.now);
                (Role::Busy, self.glyphs.spin(since.as_millis()))
            }
            verdict => summary::look_of(verdict, self.glyphs),
        };
        let mut title = Rich::of(
            if view.seen || view.is_running() { Role::Text } else { Role::Title },
            view.spec.title(),
        );
        if !view.seen && !view.is_running() {
            title.push(Role::Accent, " new");
        }
        let when = time::relative(view.started.unwrap_or(view.spec.created), self.now);
        let took = text::duration(view.elapsed(self.now).as_secs());
        let words = match outcome.verdict {
            Verdict::Good | Verdict::Pending => view.spec.headline.clone(),
            _ => outcome.headline,
        };
        Row::new([
            Rich::of(role, format!("{mark} {}", view.state.word())),
            title,
            Rich::of(Role::Muted, when),
            Rich::of(Role::Muted, took),
            Rich::of(Role::Text, words),
        ])
    }
}

impl Past {
    /// The operation under the cursor.
    pub(super) fn selected(&self, session: &Session) -> Option<OperationId> {
        let selected = self.list.selected();
        let rows = PastRows::of(session, &self.filter, &Glyphs::UNICODE);
        let found = rows.views.iter().find(|view| Some(view.spec.id.as_str()) == selected);
        found.or(rows.views.first()).map(|view| view.spec.id.clone())
    }

    /// Puts the cursor on one.
    pub(super) fn select(&mut self, id: &OperationId) {
        self.list.select(id.as_str());
    }

    /// Moves the cursor.
    pub(super) fn command(&mut self, session: &mut Session, command: Command) {
        let rows = PastRows::of(session, &self.filter, &Glyphs::UNICODE);
        match command {
            Command::Up => self.list.step(&rows, -1),
            Command::Down => self.list.step(&rows, 1),
            Command::PageUp => self.list.page(&rows, -1),
            Command::PageDown => self.list.page(&rows, 1),
            Command::Top => self.list.first(&rows),
            Command::Bottom => self.list.last(&rows),
            _ => {
                drop(rows);
                nothing_to(session, command);
            }
        }
    }

    /// Puts the cursor on the row under the mouse. `true` on the one that had it already.
    pub(super) fn click(&mut self, session: &Session, at: Position) -> bool {
        self.list.click(&PastRows::of(session, &self.filter, &Glyphs::UNICODE), at) == Some(true)
    }

    /// Draws the list.
    pub(super) fn view(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let rows = PastRows::of(session, &self.filter, look.theme.glyphs);
        let mut pane = Pane::new("Operations").focused(true).zoomed(look.zoomed);
        let all = session.world.operations.len();
        if let Some(filtered) = filter::summary(&self.filter, rows.len(), all) {
            pane = pane.note(Rich::of(Role::Match, filtered));
        } else if all > 0 {
            pane = pane.note(Rich::of(Role::Muted, text::count(all, "operation")));
        }
        let inner = pane.draw(frame.buffer_mut(), area, look.theme);
        if rows.is_empty() && all > 0 {
            let hint = Some(("Esc", "clear the filter"));
            Face::Empty { why: "no operation matches the filter", hint }.draw(
                frame.buffer_mut(),
                inner,
                look.theme,
            );
            return;
        }
        if rows.is_empty() {
            let where_to = session.release().map_or_else(
                || "Nothing was run from here yet, and no target is selected (e).".to_owned(),
                |release| {
                    format!(
                        "Nothing was run from here yet. I installs, U upgrades {} in {}; both show a plan first and change nothing until it is confirmed.",
                        release.release, release.namespace
                    )
                },
            );
            let hint = match session.release() {
                _ if session.given.read_only => None,
                Some(_) => Some(("I", "plan an install")),
                None => Some(("e", "choose a target")),
            };
            Face::Empty { why: &where_to, hint }.draw(frame.buffer_mut(), inner, look.theme);
            return;
        }
        self.list.sync(&rows);
        let columns = [
            Column::fit("state", 11, 14),
            Column::fit("operation", 16, 48),
            Column::fit("ago", 3, 5).right(),
            Column::fit("took", 4, 7).right().spare(2),
            Column::fill("what", 14).spare(1),
        ];
        Table::new(&columns, &rows).draw(frame.buffer_mut(), inner, &mut self.list, look.theme);
    }
}

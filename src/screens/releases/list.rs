//! The list of releases: which rows are shown in which order, the cursor, and how it looks. The order is held
//! while somebody reads; a row never moves under the cursor.

use std::collections::BTreeSet;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::screens::{Look, elapsed};
use crate::session::{Command, Fetched, Session};
use crate::ui::chrome::Pane;
use crate::ui::face::{Face, stale};
use crate::ui::list::HeldOrder;
use crate::ui::table::{Column, Listed, Row, Table};
use crate::ui::text::{self, Cut};
use crate::ui::{ListState, Rich, Role, layout};

use super::inside::{Known, summary};
use super::memory::Memory;
use super::rows::{self, Entry, Kind, Sort, age};
use super::search::Search;
use super::state::mark;

/// The list's own state.
#[derive(Debug, Default)]
pub(super) struct List {
    entries: Vec<Entry>,
    /// Positions in `entries` that pass the filter, in the held order.
    visible: Vec<usize>,
    order: HeldOrder,
    pub(super) cursor: ListState,
    pub(super) search: Search,
    sort: Sort,
    /// The order is the reader's from the first key on.
    touched: bool,
    /// Every cluster has answered once.
    settled: bool,
    /// Where the rows were drawn, for the mouse.
    area: Rect,
}

impl List {
    /// Makes the rows again after something changed; the cursor stays on its row.
    pub(super) fn refresh(&mut self, session: &Session, memory: &mut Memory, ticked: &BTreeSet<String>) {
        let mut entries = rows::entries(session, memory, ticked);
        self.sort.apply(&mut entries);
        let contexts = rows::contexts(&rows::targets(session), ticked);
        // Until every cluster has answered once, and nobody has moved, rows go where they belong.
        if !self.touched && !self.settled {
            self.order.accept();
        }
        self.settled |= !rows::is_loading(session, &contexts);
        let keys: Vec<&str> = entries.iter().map(|entry| entry.key.as_str()).collect();
        let order = self.order.arrange(&keys);
        self.visible =
            order.into_iter().filter(|at| entries.get(*at).is_some_and(|e| self.fits(e))).collect();
        self.entries = entries;
        let keys = self.keys();
        self.cursor.sync(keys.as_slice());
    }

    fn fits(&self, entry: &Entry) -> bool {
        let whole =
            [&entry.name, &entry.environment, &entry.context, &entry.namespace, &entry.word, &entry.why]
                .map(String::as_str)
                .join(" ");
        self.search
            .filter
            .matches_fields(&whole, |field| match field {
                "env" | "environment" => Some(entry.environment.as_str().into()),
                "ns" | "namespace" => Some(entry.namespace.as_str().into()),
                "ctx" | "context" => Some(entry.context.as_str().into()),
                "status" => Some(format!("{} {}", entry.status(), entry.word).into()),
                "release" | "name" => Some(entry.name.as_str().into()),
                _ => None,
            })
            .is_some()
    }

    fn keys(&self) -> Vec<String> {
        self.visible.iter().filter_map(|at| Some(self.entries.get(*at)?.key.clone())).collect()
    }

    /// The row under the cursor.
    pub(super) fn selected(&self) -> Option<&Entry> {
        let key = self.cursor.selected()?;
        self.visible.iter().filter_map(|at| self.entries.get(*at)).find(|entry| entry.key == key)
    }

    /// Every row, those that a filter hides too.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Puts the cursor on a row; a filter that hides it is cleared.
    pub(super) fn select(&mut self, key: &str) {
        let shown = self.visible.iter().filter_map(|at| self.entries.get(*at)).any(|entry| entry.key == key);
        if !shown {
            self.search.clear();
        }
        self.cursor.select(key);
    }

    /// Takes the order that waits. `false` when none did.
    pub(super) fn accept_order(&mut self) -> bool {
        let pending = self.order.pending();
        self.order.accept();
        pending
    }

    /// Moves the cursor, or changes order and filter. `false` for commands that are not the list's.
    pub(super) fn command(&mut self, command: Command) -> bool {
        let keys = self.keys();
        let rows = keys.as_slice();
        match command {
            Command::Up => self.cursor.step(rows, -1),
            Command::Down => self.cursor.step(rows, 1),
            Command::PageUp => self.cursor.page(rows, -1),
            Command::PageDown => self.cursor.page(rows, 1),
            Command::Top => self.cursor.first(rows),
            Command::Bottom => self.cursor.last(rows),
            Command::Filter => self.search.start(),
            Command::Back if !self.search.is_empty() => self.search.clear(),
            Command::SortBy => {
                self.sort = self.sort.next();
                self.order.accept();
            }
            _ => return false,
        }
        self.touched = true;
        true
    }

    /// Scrolls, or puts the cursor where the mouse was pressed. `true` on a row that had the cursor already.
    pub(super) fn wheel(&mut self, by: isize) {
        let keys = self.keys();
        self.cursor.step(keys.as_slice(), by);
        self.touched = true;
    }

    pub(super) fn click(&mut self, at: Position) -> bool {
        let keys = self.keys();
        let again = self.cursor.click(keys.as_slice(), at);
        self.touched |= again.is_some();
        again == Some(true)
    }

    /// Draws rows and, where there is room, what there is to say about the one under the cursor.
    pub(super) fn view(
        &mut self,
        session: &Session,
        memory: &Memory,
        frame: &mut Frame,
        area: Rect,
        look: &Look,
    ) {
        let split = if look.zoomed { None } else { layout::rows(area, 72, 10, 7) };
        let (upper, lower) = match split {
            Some((upper, lower)) => (upper, Some(lower)),
            None => (area, None),
        };
        self.view_rows(session, frame, upper, look);
        if let Some(lower) = lower {
            self.view_detail(session, memory, frame, lower, look);
        }
    }

    fn view_rows(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let theme = look.theme;
        let title = Rich::of(Role::Text, "Releases").then(Role::Muted, format!("  {}", self.sort.words()));
        let mut pane = Pane::new(title).focused(true).zoomed(look.zoomed);
        let note = self.search.note(self.visible.len(), self.entries.len());
        pane = match note {
            Some(note) => pane.note(note),
            None => pane.note(Rich::of(Role::Muted, text::count(self.entries.len(), "row"))),
        };
        if self.order.pending() {
            pane = pane.foot(Rich::of(Role::Warn, "order changed, ").then(Role::Key, "r"));
        } else if let Some(words) = partial(session) {
            pane = pane.foot(Rich::of(Role::Muted, words));
        }
        let inner = pane.draw(frame.buffer_mut(), area, theme);
        self.area = inner;
        let buf = frame.buffer_mut();
        if inner.height < 2 || inner.width < 20 {
            Face::TooSmall { hidden: "the list of releases" }.draw(buf, inner, theme);
            return;
        }
        if self.visible.is_empty() {
            self.face(session, |face| face.draw(buf, inner, theme));
            return;
        }
        let columns = [
            Column::fit("state", 11, 16),
            Column::fit("release", 8, 28).cut(Cut::Middle),
            Column::fit("env", 3, 12),
            Column::fit("context", 8, 26).cut(Cut::Middle).spare(4),
            Column::fit("namespace", 8, 24).cut(Cut::Middle).spare(3),
            Column::fit("rev", 3, 5).right(),
            Column::fit("status", 8, 17).spare(5),
            Column::fit("since", 5, 6).right(),
            Column::fit("workspace", 9, 12).spare(2),
            Column::fill("why", 22),
        ];
        let rows = self.visible.iter().filter_map(|at| self.entries.get(*at)).map(|entry| {
            let glyphs = theme.glyphs;
            let revision = entry.row.as_ref().map_or_else(|| "–".to_owned(), |row| row.revision.to_string());
            let since = entry.since.map_or_else(|| "–".to_owned(), |at| age(at, session.now));
            let applied = entry.applied.words();
            let applied_role = if applied == "same" { Role::Muted } else { Role::Changed };
            let why = match entry.stale {
                Some(at) if entry.kind != Kind::Cluster => {
                    format!("as of {} ago  {}", age(at, session.now), entry.why)
                }
                _ => entry.why.clone(),
            };
            let row = Row::new([
                mark(entry.tone, &entry.word, glyphs),
                Rich::from(entry.name.as_str()),
                Rich::from(entry.environment.as_str()),
                Rich::of(Role::Muted, &entry.context),
                Rich::of(Role::Muted, &entry.namespace),
                Rich::from(revision),
                Rich::of(Role::Muted, entry.status()),
                Rich::from(since),
                Rich::of(applied_role, applied),
                Rich::from(why),
            ]);
            (entry.key.clone(), row.dimmed(entry.stale.is_some() && entry.kind != Kind::Cluster))
        });
        let rows = Listed(rows.collect());
        let mut table = Table::new(&columns, &rows);
        table = match self.sort {
            Sort::Worst => table.sorted(0, false),
            Sort::Release => table.sorted(1, false),
            Sort::Environment => table.sorted(2, false),
            Sort::Cluster => table.sorted(3, false),
            Sort::Newest => table.sorted(7, false),
        };
        table.draw(buf, inner, &mut self.cursor, theme);
    }

    /// Why there are no rows.
    fn face(&self, session: &Session, draw: impl FnOnce(&Face)) {
        if !self.entries.is_empty() {
            draw(&Face::Empty {
                why: "no release matches the filter",
                hint: Some(("Esc", "clear the filter")),
            });
            return;
        }
        match (&session.workspace, &session.contexts) {
            (Fetched::Awaited { since }, _) => {
                draw(&Face::Loading { what: "reading the workspace", since: elapsed(*since, session.now) });
            }
            (_, Fetched::Awaited { since }) => {
                draw(&Face::Loading { what: "reading the kubeconfig", since: elapsed(*since, session.now) });
            }
            (_, Fetched::Failed { error, .. }) => {
                draw(&Face::Failed { error, hint: Some(("r", "read it again")) });
            }
            _ => draw(&Face::Empty {
                why: "no chart here maps an environment to a cluster, and only contexts that are mapped or chosen are asked",
                hint: Some(("Enter", "choose contexts to ask")),
            }),
        }
    }

    fn view_detail(&self, session: &Session, memory: &Memory, frame: &mut Frame, area: Rect, look: &Look) {
        let theme = look.theme;
        let entry = self.selected();
        let mut pane = Pane::new(entry.map_or_else(|| "Nothing selected".to_owned(), Entry::title));
        if let Some(at) = entry.and_then(|entry| entry.stale) {
            let seconds = session.now.as_second().saturating_sub(at.as_second());
            pane = pane.note(stale(u64::try_from(seconds).unwrap_or_default()));
        }
        let inner = pane.draw(frame.buffer_mut(), area, theme);
        let Some(entry) = entry else { return };
        let width = usize::from(inner.width.saturating_sub(2));
        let mut lines = detail(session, entry, width, look);
        if let Some(release) = entry.release.as_ref().filter(|_| entry.row.is_some()) {
            let counts = summary(&Known::of(session, memory, release), look);
            lines.insert(1, Rich::of(Role::Muted, "objects  ").join(counts));
        }
        for (line, y) in lines.iter().zip(inner.top()..inner.bottom()) {
            line.draw(frame.buffer_mut(), (inner.x + 1, y), inner.width.saturating_sub(2), theme, None);
        }
    }
}

/// Where the whole cluster may not be listed, only the mapped namespaces are seen.
fn partial(session: &Session) -> Option<String> {
    let contexts: Vec<&str> = session
        .world
        .releases
        .iter()
        .filter(|(_, snapshot)| snapshot.partial)
        .map(|(context, _)| context.as_str())
        .collect();
    (!contexts.is_empty()).then(|| format!("mapped namespaces only: {}", contexts.join(", ")))
}

/// A few lines about a row: its state and place, why, what is not applied.
fn detail(session: &Session, entry: &Entry, width: usize, look: &Look) -> Vec<Rich> {
    let glyphs = look.theme.glyphs;
    let mut first = mark(entry.tone, &entry.word, glyphs);
    if let Some(row) = &entry.row {
        first.push(Role::Muted, "  revision ");
        first.push(Role::Text, row.revision.to_string());
        first.push(Role::Muted, format!(" {}", row.status));
        if let Some(at) = row.modified {
            first.push(Role::Muted, format!("  {} ago", age(at, session.now)));
        }
        let record = entry.release.as_ref().and_then(|r| super::memory::record(session, r, row.revision));
        if let Some(record) = record {
            first.push(Role::Muted, "  chart ");
            first.push(Role::Text, rows::said(session, &record.chart.label()));
        }
    }
    let place = format!("{} / {}", entry.context, entry.namespace);
    let mut lines = vec![first];
    if entry.kind != Kind::Cluster {
        lines.push(Rich::of(Role::Muted, place));
    }
    if let Some(error) = &entry.error {
        for line in error.lines().iter().flat_map(|line| text::wrap(line, width)) {
            lines.push(Rich::of(Role::Text, line));
        }
    } else if !entry.why.is_empty() {
        let role = if entry.tone.role() == Role::Bad { Role::Bad } else { Role::Text };
        lines.extend(text::wrap(&entry.why, width).into_iter().map(|line| Rich::of(role, line)));
    }
    if let super::applied::Applied::Differs { chart, files, values } = &entry.applied {
        let mut parts: Vec<String> = Vec::new();
        if let Some((there, here)) = chart {
            parts.push(format!("chart {there} {} {here}", glyphs.arrow));
        }
        parts.extend(files.iter().cloned());
        parts.extend(values.iter().map(ToString::to_string));
        let words = format!("not applied yet: {}", parts.join(", "));
        lines.extend(text::wrap(&words, width).into_iter().map(|line| Rich::of(Role::Changed, line)));
    }
    lines
}

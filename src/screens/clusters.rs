//! Clusters: which environment lives on which cluster and in which namespace, as a grid that is edited in place and
//! checked live against the data model. Every edit is an edit of the text of `values.yaml`.

mod ask;
mod detail;
mod grid;
mod sized;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, clippy::wildcard_imports)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use super::{Look, Room, elapsed};
use crate::base::Problem;
use crate::session::{Action, Command, Effect, Fetched, Goto, Message, Place, RoomId, Session};
use crate::ui::chrome::Pane;
use crate::ui::face::Face;
use crate::ui::layout::{self, SIDE_BY_SIDE};
use crate::ui::table::{Column, Listed, Row, Table};
use crate::ui::{ListState, Rich, Role, text};
use crate::workspace::Workspace;
use ask::Pending;
use grid::{Attribute, Grid, Line};
use sized::Sized;

/// What stands in the text of a chart that maps nothing yet; `y` copies it.
const EXAMPLE: &str = "clusterMapping:
  non-prod:
    cluster: aks-shared-nonprod
    environments: [dev, qa]
    namespaceTemplate: floe-{{.environment}}
    isolation: namespace
    resources: {preset: small}
  prod:
    cluster: aks-shared-prod
    environments: [prod]
";

/// The panes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Focus {
    #[default]
    Grid,
    Problems,
}

/// Everything that the grid depends on.
#[derive(Debug, PartialEq, Eq)]
struct Stamp {
    chart: Option<PathBuf>,
    /// Which reading of the workspace, by its place in memory.
    workspace: Option<usize>,
    texts: u64,
    contexts: Vec<String>,
    chosen: BTreeMap<String, String>,
}

impl Stamp {
    fn of(session: &Session) -> Self {
        let contexts = session.contexts.ready().map_or(&[][..], Vec::as_slice);
        Self {
            chart: session.chart().map(|chart| chart.dir.clone()),
            workspace: session.workspace.ready().map(|workspace| Arc::as_ptr(workspace) as usize),
            texts: session.documents.generation(),
            contexts: contexts.iter().map(|context| context.name.clone()).collect(),
            chosen: session.settings.clusters.clone(),
        }
    }
}

/// The room's own state.
#[derive(Debug, Default)]
pub struct Clusters {
    grid: Option<Grid>,
    /// What the grid was made for.
    made_for: Option<Stamp>,
    /// Held so that another reading cannot lie at the same place in memory.
    held: Option<Arc<Workspace>>,
    rows: ListState,
    column: usize,
    focus: Focus,
    problems: ListState,
    /// What containers get by the size under the cursor.
    sized: Option<Sized>,
    /// What the open question is about.
    pending: Option<Pending>,
    /// The columns that the last frame drew and where, for the mouse.
    drawn: Drawn,
}

/// What the last frame drew.
#[derive(Debug, Default)]
struct Drawn {
    grid: Rect,
    problems: Rect,
    columns: Vec<Column>,
    /// The mapping in the first column behind the names.
    first: usize,
}

impl Clusters {
    /// Whether the cursor is on a size.
    fn is_on_size(&self) -> bool {
        matches!(self.line(), Some(Line::Attribute(Attribute::Preset | Attribute::Resources(_))))
    }

    /// Reads what containers get, where the cursor asks for it and it is not read yet.
    fn read_sizes(&mut self, session: &Session, grid: &Grid) {
        let cluster = grid.clusters().get(self.column).filter(|_| self.is_on_size());
        let Some(environment) = cluster.and_then(|cluster| sized::environment(session, cluster)) else {
            return;
        };
        if !self.sized.as_ref().is_some_and(|sized| sized.is_of(session, environment)) {
            self.sized = Sized::read(session, environment);
        }
    }

    fn line(&self) -> Option<&Line> {
        let grid = self.grid.as_ref()?;
        grid.lines
            .iter()
            .find(|line| Some(line.key().as_str()) == self.rows.selected())
            .or(grid.lines.first())
    }

    fn keys(&self) -> Vec<String> {
        self.grid.iter().flat_map(|grid| grid.lines.iter().map(Line::key)).collect()
    }

    /// Reads the mapping again if anything that it depends on is another one now.
    fn read(&mut self, session: &Session) {
        let stamp = Stamp::of(session);
        if self.made_for.as_ref() != Some(&stamp) {
            self.grid = Grid::of(session);
            self.made_for = Some(stamp);
            self.held = session.workspace.ready().cloned();
        }
    }

    /// Reads the text anew; the cursor stays on its row and column.
    fn refresh(&mut self, session: &mut Session) {
        self.read(session);
        let count = self.grid.as_ref().map_or(0, |grid| grid.clusters().len());
        self.column = self.column.min(count.saturating_sub(1));
        self.rows.sync(self.keys().as_slice());
        let problems: Vec<String> =
            self.grid.iter().flat_map(|grid| grid.problems.iter().map(ToString::to_string)).collect();
        self.problems.sync(problems.as_slice());
        if problems.is_empty() {
            self.focus = Focus::Grid;
        }
        if session.room == RoomId::Clusters {
            session.focused_file = self.grid.as_ref().map(|grid| grid.file.clone());
            session.copyable = self.copyable(session);
        }
    }

    /// The header names the environment under the cursor.
    fn follow(&self, session: &mut Session) {
        if let Some(Line::Environment(environment)) = self.line() {
            let name = environment.name.clone();
            if session.environments.iter().any(|view| view.name == name) {
                session.select_environment(&name);
            }
        }
    }

    /// The cursor goes to the environment that the header names.
    fn find(&mut self, session: &Session) {
        let Some(name) = session.selection.mapped.as_ref().map(|mapped| mapped.environment.clone()) else {
            return;
        };
        self.rows.select(format!("environment {name}"));
        let at = self
            .grid
            .as_ref()
            .and_then(|grid| grid.clusters().iter().position(|cluster| cluster.environments.contains(&name)));
        self.column = at.unwrap_or(self.column);
    }

    fn copyable(&self, session: &Session) -> Vec<(String, String)> {
        let Some(grid) = &self.grid else { return Vec::new() };
        let mut all = Vec::new();
        if grid.clusters().is_empty() {
            all.push(("an example of a mapping".to_owned(), EXAMPLE.to_owned()));
        } else if let Some(line) = self.line() {
            let cell = grid.cell(session, line, self.column, &crate::ui::glyphs::Glyphs::UNICODE);
            all.push(("cell".to_owned(), cell.text()));
        }
        if let Some((context, namespace)) = grid.context(self.column) {
            all.push(("context".to_owned(), context.to_owned()));
            all.push(("namespace".to_owned(), namespace.to_owned()));
        }
        all.extend(grid.problems.iter().map(|problem| ("problem".to_owned(), problem.to_string())));
        all
    }

    fn command(&mut self, session: &mut Session, command: Command) -> Vec<Effect> {
        match command {
            Command::CheckCluster => return self.check(session),
            Command::PinCluster => self.ask_pin(session),
            Command::Reload => {
                session.say("workspace and kubeconfig are read again");
                return vec![session.reload(), Effect::LoadContexts];
            }
            Command::PaneNext | Command::PanePrevious => {
                let some = self.grid.as_ref().is_some_and(|grid| !grid.problems.is_empty());
                self.focus = if some && self.focus == Focus::Grid { Focus::Problems } else { Focus::Grid };
            }
            Command::Back => self.focus = Focus::Grid,
            command if self.focus == Focus::Problems => self.in_problems(session, command),
            Command::Left => self.column = self.column.saturating_sub(1),
            Command::Right => self.column += 1,
            Command::Up
            | Command::Down
            | Command::PageUp
            | Command::PageDown
            | Command::Top
            | Command::Bottom => {
                let keys = self.keys();
                step(&mut self.rows, &keys, command);
                self.follow(session);
            }
            Command::Enter => return self.edit_cell(session),
            command => super::nothing_to(session, command),
        }
        Vec::new()
    }

    /// A click puts the cursor on a cell or a problem; on the one that has it already it edits, or goes there.
    fn mouse(&mut self, session: &mut Session, mouse: MouseEvent) -> Vec<Effect> {
        let at = Position::new(mouse.column, mouse.row);
        let in_problems = self.drawn.problems.contains(at);
        let wheel = match mouse.kind {
            MouseEventKind::ScrollDown => Command::Down,
            MouseEventKind::ScrollUp => Command::Up,
            MouseEventKind::Down(MouseButton::Left) => return self.click(session, at),
            _ => return Vec::new(),
        };
        if in_problems {
            self.in_problems(session, wheel);
        } else if self.drawn.grid.contains(at) {
            let keys = self.keys();
            step(&mut self.rows, &keys, wheel);
            self.follow(session);
        }
        Vec::new()
    }

    fn click(&mut self, session: &mut Session, at: Position) -> Vec<Effect> {
        if self.drawn.problems.contains(at) {
            let some = self.grid.as_ref().is_some_and(|grid| !grid.problems.is_empty());
            let known = self.focus == Focus::Problems;
            if some {
                self.focus = Focus::Problems;
            }
            let keys: Vec<String> =
                self.grid.iter().flat_map(|grid| grid.problems.iter().map(ToString::to_string)).collect();
            if self.problems.click(keys.as_slice(), at) == Some(true) && known {
                self.in_problems(session, Command::Enter);
            }
            return Vec::new();
        }
        if !self.drawn.grid.contains(at) {
            return Vec::new();
        }
        let known = self.focus == Focus::Grid;
        self.focus = Focus::Grid;
        let keys = self.keys();
        let Some(again) = self.rows.click(keys.as_slice(), at) else { return Vec::new() };
        let none = Listed::default();
        let column = Table::new(&self.drawn.columns, &none).column_at(self.drawn.grid, at.x, &self.rows);
        let column = column.and_then(|column| Some(self.drawn.first + column.checked_sub(1)?));
        let same = column.is_none_or(|column| column == self.column);
        self.column = column.unwrap_or(self.column);
        self.follow(session);
        if again && same && known && column.is_some() { self.edit_cell(session) } else { Vec::new() }
    }

    fn in_problems(&mut self, session: &mut Session, command: Command) {
        let Some(grid) = &self.grid else { return };
        let keys: Vec<String> = grid.problems.iter().map(ToString::to_string).collect();
        if command != Command::Enter {
            step(&mut self.problems, &keys, command);
            return;
        }
        let found = grid
            .problems
            .iter()
            .find(|problem| Some(problem.to_string().as_str()) == self.problems.selected());
        if let Some((problem, file)) = found.and_then(|problem| Some((problem, problem.file.clone()?))) {
            session.goto =
                Some(Goto::Line { file: absolute(session, &file), line: problem.line.unwrap_or(1) });
        }
    }
}

fn step(list: &mut ListState, keys: &[String], command: Command) {
    match command {
        Command::Up => list.step(keys, -1),
        Command::Down => list.step(keys, 1),
        Command::PageUp => list.page(keys, -1),
        Command::PageDown => list.page(keys, 1),
        Command::Top => list.first(keys),
        Command::Bottom => list.last(keys),
        _ => {}
    }
}

/// A file as problems name it, back to where it is.
fn absolute(session: &Session, file: &Path) -> PathBuf {
    session.given.root.join(file)
}

impl Room for Clusters {
    fn places(&self, _: &Session) -> Vec<Place> {
        vec![Place::Clusters, Place::Pane]
    }

    fn enter(&mut self, session: &mut Session) -> Vec<Effect> {
        self.refresh(session);
        self.find(session);
        self.refresh(session);
        Vec::new()
    }

    fn update(&mut self, session: &mut Session, action: &Action) -> Vec<Effect> {
        let effects = match action {
            Action::Command(command) => self.command(session, *command),
            Action::Answered(then, answer) => self.answered(session, then, answer),
            Action::Mouse(mouse) => self.mouse(session, *mouse),
            _ => Vec::new(),
        };
        self.refresh(session);
        effects
    }

    fn hear(&mut self, session: &mut Session, _: &Message) -> Vec<Effect> {
        if session.room == RoomId::Clusters {
            self.refresh(session);
        }
        Vec::new()
    }

    fn settle(&mut self, session: &mut Session) -> Vec<Effect> {
        // What components get by a size is read off what renders.
        session.want_trace().into_iter().collect()
    }

    fn is_working(&self, session: &Session) -> bool {
        session.world.clusters.values().any(|view| matches!(view.answer, Fetched::Awaited { .. }))
    }

    fn view(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        // The frame itself takes the answer which context is meant.
        self.read(session);
        self.drawn = Drawn::default();
        let Some(grid) = self.grid.clone() else {
            let inner = Pane::new("Clusters").focused(true).zoomed(look.zoomed).draw(
                frame.buffer_mut(),
                area,
                look.theme,
            );
            let face = match &session.workspace {
                Fetched::Awaited { since } => {
                    Face::Loading { what: "reading the workspace", since: elapsed(*since, session.now) }
                }
                Fetched::Failed { error, .. } => Face::Failed { error, hint: Some(("r", "read again")) },
                Fetched::Ready { .. } => Face::Empty {
                    why: "there is no chart in this folder, so there is nothing to map",
                    hint: Some(("5", "see the releases of the clusters")),
                },
            };
            face.draw(frame.buffer_mut(), inner, look.theme);
            return;
        };
        if grid.clusters().is_empty() {
            detail::unmapped(session, &grid, frame, area, look);
            return;
        }
        if look.zoomed {
            match self.focus {
                Focus::Grid => self.view_grid(session, &grid, frame, area, look),
                Focus::Problems => self.view_problems(&grid, frame, area, look),
            }
            return;
        }
        self.read_sizes(session, &grid);
        let wanted = u16::try_from(grid.lines.len()).unwrap_or(u16::MAX).saturating_add(3);
        if area.width >= SIDE_BY_SIDE
            && let Some((left, right)) = layout::columns(area, 62, 60, 36)
        {
            self.view_grid(session, &grid, frame, left, look);
            // Sizes are a list that wants room; the rules are said again on any other row.
            if self.is_on_size() && grid.problems.is_empty() {
                self.view_detail(session, &grid, frame, right, look);
                return;
            }
            let (upper, lower) = layout::rows(right, 50, 6, 5).unwrap_or((right, Rect::ZERO));
            self.view_detail(session, &grid, frame, upper, look);
            self.view_problems(&grid, frame, lower, look);
            return;
        }
        let least = 5.min(area.height);
        let height = wanted.min(area.height.saturating_sub(least)).max(6.min(area.height));
        let upper = Rect { height, ..area };
        let lower = Rect { y: area.y + height, height: area.height - height, ..area };
        self.view_grid(session, &grid, frame, upper, look);
        if grid.problems.is_empty() && self.focus == Focus::Grid {
            self.view_detail(session, &grid, frame, lower, look);
        } else {
            self.view_problems(&grid, frame, lower, look);
        }
    }
}

/// Cells that the first column takes, and those that a mapping wants at least.
const NAMES: u16 = 16;
const MAPPING: u16 = 24;

impl Clusters {
    fn view_grid(&mut self, session: &Session, grid: &Grid, frame: &mut Frame, area: Rect, look: &Look) {
        let focused = self.focus == Focus::Grid;
        let count = grid.clusters().len();
        let fit = usize::from(area.width.saturating_sub(NAMES + 2) / MAPPING).clamp(1, count.max(1));
        let first = (self.column + 1).saturating_sub(fit).min(count - fit);
        let name =
            grid.mapping.as_ref().map(|mapping| mapping.file.display().to_string()).unwrap_or_default();
        let dirty = session.documents.get(&grid.file).is_some_and(crate::session::Document::is_dirty);
        let mut title = Rich::from("Clusters").then(Role::Muted, format!("  {name}"));
        if dirty {
            title.push(Role::Changed, " *");
        }
        let mut pane =
            Pane::new(title).focused(focused).zoomed(look.zoomed).note(verdict(&grid.problems, look));
        if fit < count {
            pane = pane.foot(Rich::of(
                Role::Muted,
                format!("{} more to the sides, h l", text::count(count - fit, "mapping")),
            ));
        }
        let inner = pane.draw(frame.buffer_mut(), area, look.theme);
        let shown = first..first + fit;
        let rows = Listed(
            grid.lines
                .iter()
                .map(|line| {
                    let head = match line {
                        Line::Environment(environment) => {
                            let mut head = Rich::of(Role::Text, environment.name.clone());
                            if environment.protected {
                                head.push(Role::Warn, " PROTECTED");
                            }
                            head
                        }
                        Line::Attribute(attribute) => Rich::of(Role::Muted, attribute.title()),
                    };
                    let cells =
                        shown.clone().map(|column| grid.cell(session, line, column, look.theme.glyphs));
                    (line.key(), Row::new(std::iter::once(head).chain(cells)))
                })
                .collect(),
        );
        let mut columns = vec![Column::fixed("", NAMES)];
        columns.extend(
            grid.clusters()
                .iter()
                .skip(first)
                .take(fit)
                .map(|cluster| Column::fill(cluster.name.clone(), MAPPING - 2)),
        );
        let cursor = Some(self.column + 1 - first);
        let mut table = Table::new(&columns, &rows).focused(focused).cursor_column(cursor);
        table.marked_column = cursor;
        table.draw(frame.buffer_mut(), inner, &mut self.rows, look.theme);
        self.drawn = Drawn { grid: inner, problems: self.drawn.problems, columns, first };
    }

    fn view_detail(&self, session: &Session, grid: &Grid, frame: &mut Frame, area: Rect, look: &Look) {
        let Some((line, cluster)) = self.line().zip(grid.clusters().get(self.column)) else { return };
        let title = match line {
            Line::Environment(environment) => format!("{} › {}", environment.name, cluster.name),
            Line::Attribute(attribute) => format!("{} › {}", cluster.name, attribute.title()),
        };
        let pane = Pane::new(title);
        let inner = pane.clone().draw(frame.buffer_mut(), area, look.theme);
        let lines = detail::lines(
            session,
            grid,
            line,
            self.column,
            self.sized.as_ref(),
            usize::from(inner.width),
            look.theme.glyphs,
        );
        let below = lines.len().saturating_sub(usize::from(inner.height));
        if below > 0 {
            let words = format!("{} on a larger screen", text::count(below, "more line"));
            pane.foot(Rich::of(Role::Muted, words)).draw(frame.buffer_mut(), area, look.theme);
        }
        for (line, y) in lines.iter().zip(inner.top()..inner.bottom()) {
            line.draw(frame.buffer_mut(), (inner.x, y), inner.width, look.theme, None);
        }
    }

    fn view_problems(&mut self, grid: &Grid, frame: &mut Frame, area: Rect, look: &Look) {
        let focused = self.focus == Focus::Problems;
        let title = if grid.problems.is_empty() { "The rules" } else { "Problems" };
        let pane = Pane::new(title).focused(focused).zoomed(look.zoomed).note(verdict(&grid.problems, look));
        let inner = pane.draw(frame.buffer_mut(), area, look.theme);
        self.drawn.problems = inner;
        if grid.problems.is_empty() {
            let glyphs = look.theme.glyphs;
            let lines = detail::rules(usize::from(inner.width), glyphs);
            for (line, y) in lines.iter().zip(inner.top()..inner.bottom()) {
                line.draw(frame.buffer_mut(), (inner.x, y), inner.width, look.theme, None);
            }
            return;
        }
        let rows = Listed(
            grid.problems
                .iter()
                .map(|problem| {
                    let (role, mark) = match problem.severity {
                        crate::base::Severity::Error => (Role::Bad, look.theme.glyphs.bad),
                        crate::base::Severity::Warning => (Role::Warn, look.theme.glyphs.warn),
                    };
                    let words = problem.to_string();
                    (words.clone(), Row::new([Rich::of(role, mark), Rich::from(words)]))
                })
                .collect(),
        );
        let columns = [Column::fixed("", 1), Column::fill("", 10)];
        Table::new(&columns, &rows).focused(focused).headless().draw(
            frame.buffer_mut(),
            inner,
            &mut self.problems,
            look.theme,
        );
    }
}

fn verdict(problems: &[Problem], look: &Look) -> Rich {
    if problems.is_empty() {
        Rich::of(Role::Good, format!("{} valid", look.theme.glyphs.good))
    } else {
        Rich::of(Role::Bad, format!("{} {}", look.theme.glyphs.bad, text::count(problems.len(), "problem")))
    }
}

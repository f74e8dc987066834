//! Charts: what the workspace holds. A tree of charts with dependencies, templates, files, values and schema;
//! beside it the thing under the cursor, as it stands in the file or as it renders for the selected environment.

mod content;
mod tree;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crossterm::event::{MouseButton, MouseEventKind};
use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::base::Error;
use crate::helm::Verdict;
use crate::render::why::TemplateLine;
use crate::session::{Action, Command, Effect, Fetched, Goto, Judged, Message, Place, Session};
use crate::ui::chrome::Pane;
use crate::ui::face::Face;
use crate::ui::filter::summary;
use crate::ui::table::{Column, Fold, Listed, Table};
use crate::ui::text_view::{TextState, TextView};
use crate::ui::tree::{Folds, Node as TreeNode, flatten};
use crate::ui::{Filter, ListState, Rich, Role, layout};
use crate::workspace::WorkspaceChart;

use super::{Look, Room, elapsed};
use tree::{Item, Node};

/// What the rendered template is.
#[derive(Debug, Default)]
enum Rendered {
    #[default]
    Nothing,
    Working {
        since: Timestamp,
    },
    Ready(Arc<str>),
    Failed(Error),
}

/// What a rendering was asked for: chart, template, environment, state of the texts.
type Asked = (PathBuf, PathBuf, String, u64);

/// The room's own state.
#[derive(Debug)]
pub struct Charts {
    nodes: Vec<Node>,
    visible: Vec<(usize, Fold)>,
    folds: Folds,
    list: ListState,
    filter: Filter,
    filtering: bool,
    in_text: bool,
    text: TextState,
    lines: Vec<Rich>,
    /// What the lines were made for.
    shown: Option<(String, bool, u64)>,
    as_rendered: bool,
    rendered: Rendered,
    verdict: Verdict,
    asked: Option<Asked>,
    generation: u64,
    building: bool,
    area: Rect,
}

impl Default for Charts {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            visible: Vec::new(),
            folds: Folds::open_to(0),
            list: ListState::default(),
            filter: Filter::default(),
            filtering: false,
            in_text: false,
            text: TextState::default(),
            lines: Vec::new(),
            shown: None,
            as_rendered: false,
            rendered: Rendered::Nothing,
            verdict: Verdict::Pending,
            asked: None,
            generation: 0,
            building: false,
            area: Rect::ZERO,
        }
    }
}

impl Charts {
    fn node(&self) -> Option<&Node> {
        self.nodes.iter().find(|node| Some(node.key.as_str()) == self.list.selected())
    }

    fn refresh(&mut self, session: &Session) {
        let first = self.nodes.is_empty();
        self.nodes = tree::nodes(session);
        if first
            && let Some(mapped) = &session.selection.mapped
            && let Some(node) = self.nodes.iter().find(|node| node.depth == 0 && node.chart == mapped.chart)
        {
            self.list.select(node.key.clone());
            self.folds.set(&node.key, 0, true);
        }
        let matched = (!self.filter.is_empty()).then_some(());
        let fits = |index: usize| {
            self.nodes.get(index).is_some_and(|node| self.filter.matches(&node.name).is_some())
        };
        let nodes = self.nodes.iter().map(|n| TreeNode { key: &n.key, depth: n.depth, branch: n.branch });
        self.visible = flatten(nodes, &self.folds, matched.map(|()| &fits as &dyn Fn(usize) -> bool));
        // A filter puts the cursor on the first row that it names, not on a parent shown around it.
        let here = self.nodes.iter().position(|node| Some(node.key.as_str()) == self.list.selected());
        if !self.filter.is_empty()
            && !here.is_some_and(fits)
            && let Some(node) =
                self.visible.iter().find(|(i, _)| fits(*i)).and_then(|(i, _)| self.nodes.get(*i))
        {
            self.list.select(node.key.clone());
        }
        let keys = self.keys();
        self.list.sync(keys.as_slice());
    }

    fn keys(&self) -> Vec<String> {
        self.visible.iter().filter_map(|(i, _)| Some(self.nodes.get(*i)?.key.clone())).collect()
    }

    /// Makes the text of what is under the cursor, or asks for it.
    fn follow(&mut self, session: &mut Session) -> Vec<Effect> {
        let Some(node) = self.node().cloned() else {
            self.lines.clear();
            return Vec::new();
        };
        if session.selection.mapped.as_ref().is_some_and(|mapped| mapped.chart != node.chart) {
            session.select_chart(&node.chart);
        }
        let file = node.file();
        session.focused_file.clone_from(&file);
        session.focused_line = self.text.cursor(&self.lines).filter(|_| self.in_text).map(|line| line + 1);
        session.copyable = vec![("name".to_owned(), node.name.clone())];
        session.copyable.extend(file.map(|file| ("path".to_owned(), file.display().to_string())));
        if let Rendered::Failed(error) = &self.rendered
            && self.as_rendered
        {
            session.copyable.push(("error".to_owned(), error.lines().join("\n")));
        }
        let is_template = matches!(node.item, Item::Template(_));
        let effects = if self.as_rendered && is_template { self.render(session, &node) } else { Vec::new() };
        let rendered = self.as_rendered && is_template;
        session.verdict = rendered.then(|| self.verdict.clone());
        let stamp = (node.key.clone(), rendered, session.documents.generation());
        if !rendered && self.shown.as_ref() != Some(&stamp) {
            let same = self.shown.as_ref().is_some_and(|(key, was, _)| *key == node.key && !*was);
            self.lines = content::lines(session, &node);
            if !same {
                self.text = TextState::default();
            }
        }
        self.shown = Some(stamp);
        effects
    }

    fn render(&mut self, session: &Session, node: &Node) -> Vec<Effect> {
        let (Item::Template(path), Some(view)) = (&node.item, session.environment()) else {
            return Vec::new();
        };
        let asked = (node.chart.clone(), path.clone(), view.name.clone(), session.documents.generation());
        if self.asked.as_ref() == Some(&asked) {
            return Vec::new();
        }
        let Some(source) = session.render_source(view, true) else { return Vec::new() };
        self.asked = Some(asked);
        self.generation += 1;
        self.rendered = Rendered::Working { since: session.now };
        self.verdict = Verdict::Pending;
        vec![Effect::RenderTemplate {
            generation: self.generation,
            source: Box::new(source),
            template: path.clone(),
        }]
    }

    fn command(&mut self, session: &mut Session, command: Command) -> Vec<Effect> {
        let text = self.in_text;
        let keys = self.keys();
        match command {
            _ if text && super::scroll_text(&mut self.text, &self.lines, command) => {}
            Command::Up => self.list.step(keys.as_slice(), -1),
            Command::Down => self.list.step(keys.as_slice(), 1),
            Command::PageUp => self.list.page(keys.as_slice(), -1),
            Command::PageDown => self.list.page(keys.as_slice(), 1),
            Command::Top => self.list.first(keys.as_slice()),
            Command::Bottom => self.list.last(keys.as_slice()),
            Command::Left => self.fold(false),
            Command::Right => self.fold(true),
            Command::Fold => match self.node().filter(|node| node.branch).map(|node| node.key.clone()) {
                Some(key) => self.folds.toggle(&key),
                None => super::nothing_to(session, command),
            },
            Command::FoldAll => {
                let depth = if self.folds.open_to > 0 { 0 } else { usize::MAX };
                self.folds.reset(depth);
            }
            Command::Enter => return self.open(session),
            Command::Wrap => self.text.wrap = !self.text.wrap,
            Command::PaneNext | Command::PanePrevious => self.in_text = !self.in_text,
            Command::Back if self.in_text => self.in_text = false,
            Command::Back => self.filter = Filter::default(),
            Command::Filter => self.filtering = true,
            Command::FilterKeep => self.filtering = false,
            Command::FilterClear => {
                self.filtering = false;
                self.filter = Filter::default();
            }
            Command::RenderedToggle => self.toggle_rendered(session),
            Command::BuildDependencies => return self.build(session),
            Command::Reload => {
                session.say("read again from disk");
                return vec![session.reload()];
            }
            Command::EditFile => {
                let Some(node) = self.node().cloned() else { return Vec::new() };
                let file = node.file().filter(|_| matches!(node.item, Item::Values { .. }));
                match (file, &node.item) {
                    (Some(file), Item::Values { environment, .. }) => {
                        if let Some(environment) = environment {
                            session.select_environment(environment);
                        }
                        let line = self.text.cursor(&self.lines).filter(|_| self.in_text).unwrap_or(0) + 1;
                        session.goto = Some(Goto::Line { file, line });
                    }
                    _ => {
                        session.say("values files are edited here; Ctrl-E opens this one in your own editor");
                    }
                }
            }
            command => super::nothing_to(session, command),
        }
        Vec::new()
    }

    /// Between source and rendering of a template; elsewhere it says what it is for.
    fn toggle_rendered(&mut self, session: &mut Session) {
        match self.node().map(|node| &node.item) {
            Some(Item::Template(_)) if session.environment().is_none() => {
                session.say("a template renders for an environment: choose one with e");
            }
            Some(Item::Template(_)) => {
                self.as_rendered = !self.as_rendered;
                self.shown = None;
            }
            _ => session.say("v shows what a template renders to: choose one below templates"),
        }
    }

    fn fold(&mut self, open: bool) {
        let Some(node) = self.node().cloned() else { return };
        if node.branch && self.folds.is_open(&node.key, node.depth) != open {
            self.folds.toggle(&node.key);
        } else if !open {
            let index = self.nodes.iter().position(|other| other.key == node.key).unwrap_or(0);
            let parent = self.nodes.iter().take(index).rev().find(|other| other.depth < node.depth);
            if let Some(parent) = parent {
                self.list.select(parent.key.clone());
            }
        }
    }

    fn open(&mut self, session: &mut Session) -> Vec<Effect> {
        let Some(node) = self.node().cloned() else { return Vec::new() };
        match &node.item {
            Item::Values { environment: Some(environment), .. } => {
                session.select_environment(environment);
                session.goto = Some(Goto::Value(crate::yaml::KeyPath::root()));
            }
            _ if node.branch => self.folds.toggle(&node.key),
            _ => self.in_text = true,
        }
        Vec::new()
    }

    /// Opens the source of a template at a line.
    fn show_template(&mut self, session: &mut Session, at: &TemplateLine) -> Vec<Effect> {
        let Some(index) = self.template_node(session, at) else {
            session.say(format!("{at} comes from a packaged chart: there is no file to open"));
            return self.follow(session);
        };
        self.filter = Filter::default();
        self.filtering = false;
        self.as_rendered = false;
        let mut depth = usize::MAX;
        for node in self.nodes.iter().take(index + 1).rev() {
            if node.depth < depth {
                depth = node.depth;
                self.folds.set(&node.key, node.depth, true);
            }
        }
        self.list.select(self.nodes[index].key.clone());
        self.refresh(session);
        let effects = self.follow(session);
        self.in_text = true;
        self.text.go_to(&self.lines, at.line.saturating_sub(1));
        effects
    }

    /// The row of a template of the selected chart. Of a packaged subchart it is that of the same chart in the workspace.
    fn template_node(&self, session: &Session, at: &TemplateLine) -> Option<usize> {
        let chart = session.chart()?;
        let row = |file: &Path| self.nodes.iter().position(|node| node.file().is_some_and(|own| own == file));
        row(&chart.dir.join(at.inside())).or_else(|| {
            let (name, inside) = at.inside().strip_prefix("charts/")?.split_once('/')?;
            let used = chart.chart.dependencies.iter().find(|own| own.name == name)?.chart.as_ref()?;
            let same = |other: &&WorkspaceChart| {
                let metadata = &other.chart.metadata;
                metadata.name == name && metadata.version == used.metadata.version
            };
            let other = session.workspace.ready()?.charts.iter().find(same)?;
            row(&other.dir.join(inside))
        })
    }

    fn build(&mut self, session: &mut Session) -> Vec<Effect> {
        let Some(chart) = self.node().map(|node| node.chart.clone()) else { return Vec::new() };
        let found = session.workspace.ready().and_then(|w| w.charts.iter().find(|c| c.dir == chart));
        if found.is_none_or(|found| found.chart.dependencies.is_empty()) {
            session.say("this chart has no dependencies");
            return Vec::new();
        }
        self.building = true;
        session.say(format!("helm dependency build {}", super::relative(session, &chart)));
        vec![Effect::BuildDependencies { chart }]
    }

    /// A click puts the cursor on a row; on the row that has it already it opens.
    fn mouse(&mut self, session: &mut Session, action: &Action) {
        let Action::Mouse(mouse) = action else { return };
        let at = Position::new(mouse.column, mouse.row);
        let inside = self.area.contains(at);
        let keys = self.keys();
        match mouse.kind {
            MouseEventKind::ScrollDown if inside => self.list.step(keys.as_slice(), 3),
            MouseEventKind::ScrollUp if inside => self.list.step(keys.as_slice(), -3),
            MouseEventKind::ScrollDown => self.text.scroll(&self.lines, 3),
            MouseEventKind::ScrollUp => self.text.scroll(&self.lines, -3),
            MouseEventKind::Down(MouseButton::Left) if inside => {
                let known = !std::mem::take(&mut self.in_text);
                if self.list.click(keys.as_slice(), at) == Some(true) && known {
                    self.open(session);
                }
            }
            MouseEventKind::Down(MouseButton::Left) => self.in_text = true,
            _ => {}
        }
    }
}

impl Room for Charts {
    fn places(&self, _: &Session) -> Vec<Place> {
        if self.filtering { vec![Place::Filter] } else { vec![Place::Charts, Place::Pane] }
    }

    fn enter(&mut self, session: &mut Session) -> Vec<Effect> {
        self.refresh(session);
        if let Some(Goto::Template(at)) = session.goto.clone() {
            return self.show_template(session, &at);
        }
        self.follow(session)
    }

    fn update(&mut self, session: &mut Session, action: &Action) -> Vec<Effect> {
        match action {
            Action::Command(command) => self.command(session, *command),
            Action::Text(_) | Action::Paste(_) if self.filtering => {
                self.filter = super::typed_filter(&self.filter, action);
                Vec::new()
            }
            Action::Mouse(_) => {
                self.mouse(session, action);
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn settle(&mut self, session: &mut Session) -> Vec<Effect> {
        self.refresh(session);
        self.follow(session)
    }

    fn is_working(&self, _: &Session) -> bool {
        self.building || (self.as_rendered && matches!(self.rendered, Rendered::Working { .. }))
    }

    fn hear(&mut self, _: &mut Session, message: &Message) -> Vec<Effect> {
        match message {
            Message::Verdict { of: Judged::Template, generation, verdict }
                if *generation == self.generation =>
            {
                self.verdict = verdict.clone();
                Vec::new()
            }
            Message::Template { generation, result, verdict, .. } if *generation == self.generation => {
                self.verdict = verdict.clone();
                match result {
                    Ok(text) => {
                        self.lines = super::yaml_lines(text);
                        self.rendered = Rendered::Ready(text.clone());
                    }
                    Err(error) => self.rendered = Rendered::Failed(error.clone()),
                }
                Vec::new()
            }
            Message::DependenciesBuilt { .. } => {
                self.building = false;
                Vec::new()
            }
            Message::Workspace { .. } => {
                self.shown = None;
                self.asked = None;
                Vec::new()
            }
            _ => Vec::new(),
        }
    }

    fn view(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let (left, right) = if look.zoomed {
            if self.in_text { (None, Some(area)) } else { (Some(area), None) }
        } else {
            match layout::columns(area, 38, 34, 34) {
                Some((left, right)) => (Some(left), Some(right)),
                None => layout::alternate(area, 38, self.in_text),
            }
        };
        if let Some(area) = left {
            self.view_tree(session, frame, area, look);
        }
        if let Some(area) = right {
            self.view_text(session, frame, area, look);
        }
    }
}

impl Charts {
    fn view_tree(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let theme = look.theme;
        let mut pane = Pane::new("Charts").focused(!self.in_text).zoomed(look.zoomed);
        if self.filtering {
            pane = pane
                .note(Rich::of(Role::Key, "/").then(Role::Text, self.filter.text()).then(Role::Cursor, " "));
        } else if let Some(words) = summary(
            &self.filter,
            self.nodes.iter().filter(|node| self.filter.matches(&node.name).is_some()).count(),
            self.nodes.len(),
        ) {
            pane = pane.note(Rich::of(Role::Match, words));
        }
        if self.building {
            pane = pane.foot(Rich::of(Role::Busy, "building dependencies"));
        }
        let inner = pane.draw(frame.buffer_mut(), area, theme);
        self.area = inner;
        let root = session.given.root.display().to_string();
        let face = match &session.workspace {
            Fetched::Awaited { since } => {
                Some(Face::Loading { what: "reading the workspace", since: elapsed(*since, session.now) })
            }
            Fetched::Failed { error, .. } => Some(Face::Failed { error, hint: Some(("r", "read again")) }),
            Fetched::Ready { .. } if self.nodes.is_empty() => {
                let why =
                    format!("no charts in {root}: floe-tui looks for Chart.yaml there, in charts/*/ and */");
                Face::Empty { why: &why, hint: Some(("5", "see the releases of your clusters")) }.draw(
                    frame.buffer_mut(),
                    inner,
                    theme,
                );
                return;
            }
            Fetched::Ready { .. } if self.visible.is_empty() => {
                Some(Face::Empty { why: "nothing matches", hint: Some(("Esc", "clear the filter")) })
            }
            Fetched::Ready { .. } => None,
        };
        if let Some(face) = face {
            face.draw(frame.buffer_mut(), inner, theme);
            return;
        }
        let rows = Listed(
            self.visible
                .iter()
                .filter_map(|(index, fold)| {
                    let node = self.nodes.get(*index)?;
                    Some((node.key.clone(), node.row(*fold, &self.filter)))
                })
                .collect(),
        );
        let columns = [Column::fill("", 20), Column::fit("", 0, 14)];
        Table::new(&columns, &rows).headless().focused(!self.in_text).draw(
            frame.buffer_mut(),
            inner,
            &mut self.list,
            theme,
        );
    }

    fn view_text(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let node = self.node();
        let title = node.map(|node| node.title.clone()).unwrap_or_default();
        let is_template = node.is_some_and(|node| matches!(node.item, Item::Template(_)));
        let mut pane = Pane::new(title).focused(self.in_text).zoomed(look.zoomed);
        if is_template {
            let environment = session.environment().map_or("no environment", |view| view.name.as_str());
            let note = if self.as_rendered {
                format!("rendered for {environment}")
            } else {
                "source, v renders".to_owned()
            };
            pane = pane.note(Rich::of(Role::Muted, note));
            if self.as_rendered && !matches!(self.rendered, Rendered::Working { .. } | Rendered::Nothing) {
                pane = pane.foot(session.worth(&self.verdict));
            }
        }
        let inner = pane.draw(frame.buffer_mut(), area, look.theme);
        if is_template && self.as_rendered {
            match &self.rendered {
                Rendered::Working { since } => {
                    let since = elapsed(*since, session.now);
                    Face::Loading { what: "rendering it", since }.draw(frame.buffer_mut(), inner, look.theme);
                    return;
                }
                Rendered::Failed(error) => {
                    Face::Failed { error, hint: Some(("v", "show the source")) }.draw(
                        frame.buffer_mut(),
                        inner,
                        look.theme,
                    );
                    return;
                }
                Rendered::Ready(text) if text.trim().is_empty() => {
                    let why = "with these values this template renders to nothing";
                    Face::Empty { why, hint: Some(("v", "show the source")) }.draw(
                        frame.buffer_mut(),
                        inner,
                        look.theme,
                    );
                    return;
                }
                Rendered::Ready(_) | Rendered::Nothing => {}
            }
        }
        let numbered = node.is_some_and(|node| node.file().is_some() && node.item != Item::Chart);
        let mut view = TextView::new(&self.lines).focused(self.in_text);
        view.numbers = numbered;
        view.draw(frame.buffer_mut(), inner, &mut self.text, look.theme);
    }
}

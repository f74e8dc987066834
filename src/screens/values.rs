//! Values: every key of every environment, who sets it, what the schema says of it, and what the unsaved text
//! would do to each environment. Edits go to the environment's own file, in place or as text.

mod detail;
mod input;
mod tree;

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crossterm::event::{KeyCode, KeyEvent, MouseButton, MouseEventKind};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::session::{Action, Command, Effect, Goto, Place, Session};
use crate::ui::chrome::Pane;
use crate::ui::editor::{Edited, Editor, EditorState};
use crate::ui::face::Face;
use crate::ui::filter::summary;
use crate::ui::input::Input;
use crate::ui::layout;
use crate::ui::table::{Column, Fold, Table};
use crate::ui::tree::{Folds, Node as TreeNode, flatten};
use crate::ui::{Filter, ListState, Rich, Role};
use crate::yaml::{KeyPath, Spans};

use super::{Look, Room};
use input::Field;
use tree::{Node, TreeRows};

/// The panes that can have the focus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Focus {
    #[default]
    Tree,
    Text,
    Detail,
}

/// The room's own state.
#[derive(Debug)]
pub struct Values {
    nodes: Vec<Node>,
    /// What the nodes were made for.
    made_for: Option<(PathBuf, u64)>,
    visible: Vec<(usize, Fold)>,
    folds: Folds,
    list: ListState,
    /// The environment whose column the cursor is in.
    column: usize,
    filter: Filter,
    /// The filter is being typed.
    filtering: bool,
    only_differing: bool,
    focus: Focus,
    field: Option<Field>,
    /// The text pane: the file it shows and whether it is typed in.
    editor: EditorState,
    editor_file: Option<PathBuf>,
    typing: bool,
    detail_offset: usize,
    /// Where the last frame drew the tree, for the mouse.
    tree_area: Rect,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            made_for: None,
            visible: Vec::new(),
            folds: Folds::open_to(1),
            list: ListState::default(),
            column: 0,
            filter: Filter::default(),
            filtering: false,
            only_differing: false,
            focus: Focus::Tree,
            field: None,
            editor: EditorState::default(),
            editor_file: None,
            typing: false,
            detail_offset: 0,
            tree_area: Rect::ZERO,
        }
    }
}

impl Values {
    fn node(&self) -> Option<&Node> {
        self.nodes.iter().find(|node| Some(node.key.as_str()) == self.list.selected())
    }

    /// Makes nodes and rows again after a change of texts, filter or folds; keeps cursor and column in place.
    fn refresh(&mut self, session: &Session) {
        let Some(mapped) = &session.selection.mapped else { return };
        let stamp = (mapped.chart.clone(), session.documents.generation());
        if self.made_for.as_ref() != Some(&stamp) {
            if self.made_for.as_ref().is_none_or(|(chart, _)| *chart != mapped.chart) {
                self.folds = Folds::open_to(1);
            }
            self.nodes = tree::nodes(&session.environments);
            self.made_for = Some(stamp);
        }
        let matched: Option<HashSet<usize>> = (!self.filter.is_empty() || self.only_differing).then(|| {
            let fits = |node: &Node| {
                (self.filter.is_empty() || self.matches(session, node))
                    && (!self.only_differing
                        || (!node.branch && tree::differs(&session.environments, &node.path)))
            };
            self.nodes.iter().enumerate().filter(|(_, node)| fits(node)).map(|(i, _)| i).collect()
        });
        let contains = matched.as_ref().map(|set| move |index: usize| set.contains(&index));
        let nodes = self.nodes.iter().map(|n| TreeNode { key: &n.key, depth: n.depth, branch: n.branch });
        self.visible = flatten(nodes, &self.folds, contains.as_ref().map(|f| f as &dyn Fn(usize) -> bool));
        let keys: Vec<&str> =
            self.visible.iter().filter_map(|(i, _)| Some(self.nodes.get(*i)?.key.as_str())).collect();
        // A filter puts the cursor on the first key that it names, not on a parent shown around it.
        if let Some(set) = &matched {
            let on_match = self.node_index().is_some_and(|index| set.contains(&index));
            if !on_match
                && let Some(first) = self.visible.iter().map(|(i, _)| *i).find(|i| set.contains(i))
                && let Some(node) = self.nodes.get(first)
            {
                self.list.select(node.key.clone());
            }
        }
        self.list.sync(keys.as_slice());
        self.column = session
            .environments
            .iter()
            .position(|view| Some(&view.name) == session.selection.mapped.as_ref().map(|m| &m.environment))
            .unwrap_or(0);
    }

    fn node_index(&self) -> Option<usize> {
        let selected = self.list.selected()?;
        self.nodes.iter().position(|node| node.key == selected)
    }

    fn matches(&self, session: &Session, node: &Node) -> bool {
        let value = || {
            let view = session.environments.get(self.column)?;
            let value = node.path.get(&view.merged.value)?;
            (!node.branch).then(|| tree::shown(value, &node.path, &session.redactor))
        };
        let file = || {
            let view = session.environments.get(self.column)?;
            let file = view.merged.setters(&node.path).last()?.file.clone()?;
            Some(file.display().to_string())
        };
        self.filter
            .matches_fields(&node.key, |field| match field {
                "key" => Some(node.key.clone().into()),
                "value" => value().map(Into::into),
                "file" => file().map(Into::into),
                _ => None,
            })
            .is_some()
    }

    fn select(&mut self, session: &Session, path: &KeyPath) {
        let mut parent = path.parent();
        while let Some(path) = parent {
            if !path.0.is_empty() {
                self.folds.set(&path.to_string(), path.0.len() - 1, true);
            }
            parent = path.parent();
        }
        if self.filter.matches(&path.to_string()).is_none() {
            self.filter = Filter::default();
        }
        self.list.select(path.to_string());
        self.focus = Focus::Tree;
        self.refresh(session);
    }

    /// Moves to the environment of a column: the header follows.
    fn go_to_column(&mut self, session: &mut Session, column: usize) {
        if let Some(view) = session.environments.get(column) {
            let name = view.name.clone();
            session.select_environment(&name);
            self.column = column;
        }
    }

    fn step(&mut self, by: isize) {
        let keys = self.keys();
        self.list.step(keys.as_slice(), by);
    }

    fn keys(&self) -> Vec<String> {
        self.visible.iter().filter_map(|(i, _)| Some(self.nodes.get(*i)?.key.clone())).collect()
    }

    /// Shows the file and line that sets the selected key, and says what `s`, `u` and `y` act on.
    fn follow(&mut self, session: &mut Session) {
        let Some(view) = session.environments.get(self.column) else { return };
        let node = self.node().cloned();
        let winner = node.as_ref().and_then(|node| view.merged.setters(&node.path).last().cloned());
        let own = view.files.last().cloned();
        if !self.typing {
            let file = winner.as_ref().and_then(|origin| origin.file.clone()).filter(|f| f.is_absolute());
            let line = winner.as_ref().and_then(|origin| origin.line);
            let (file, line) = match file {
                Some(file) => (Some(file), line),
                None => (own.clone(), None),
            };
            if let Some(file) = file {
                self.show(session, &file, line);
            }
        }
        session.focused_file = if self.typing { self.editor_file.clone() } else { own };
        session.copyable = node
            .map(|node| {
                let value = node.path.get(&view.merged.value);
                let text = value.map(|value| tree::shown(value, &node.path, &session.redactor));
                let mut all = vec![("key".to_owned(), node.key.clone())];
                all.extend(text.map(|text| ("value".to_owned(), text)));
                all.extend(
                    view.problems
                        .iter()
                        .find(|p| p.key == node.key)
                        .map(|p| ("problem".to_owned(), p.to_string())),
                );
                all
            })
            .unwrap_or_default();
    }

    fn show(&mut self, session: &Session, file: &Path, line: Option<usize>) {
        let text = session.text(file).unwrap_or_default();
        self.editor_file = Some(file.to_owned());
        self.editor.set_text(&text);
        if let Some(line) = line {
            self.editor.go_to(line.saturating_sub(1), 0);
        }
    }

    fn open_field(&mut self, session: &mut Session) {
        let Some((node, view)) = self.node().zip(session.environments.get(self.column)) else { return };
        match Field::open(session, view, &node.path) {
            Ok(field) => self.field = Some(field),
            Err(error) => session.fail(&error),
        }
    }

    fn in_field(&mut self, session: &mut Session, action: &Action) {
        let Some(mut field) = self.field.take() else { return };
        match action {
            Action::Command(Command::InputAccept) if field.error.is_none() => {
                let still: Vec<String> = session
                    .environments
                    .iter()
                    .filter(|view| view.name == field.environment)
                    .flat_map(|view| view.problems.iter().map(ToString::to_string))
                    .collect();
                if let Some(problem) = still.first() {
                    session.warn(problem.clone());
                }
                return;
            }
            Action::Command(Command::InputCancel) => {
                field.retract(session);
                return;
            }
            Action::Command(Command::InputNext) if !field.step(true) => {}
            Action::Command(Command::InputPrevious) if !field.step(false) => {}
            Action::Text(key) if !field.line.key(*key) => {}
            Action::Paste(text) if !field.line.paste(text) => {}
            Action::Command(Command::InputNext | Command::InputPrevious)
            | Action::Text(_)
            | Action::Paste(_) => {
                field.apply(session);
            }
            _ => {}
        }
        self.field = Some(field);
    }

    fn in_editor(&mut self, session: &mut Session, action: &Action) -> Vec<Effect> {
        let changed = match action {
            Action::Command(Command::EditorLeave) => {
                self.typing = false;
                self.focus = Focus::Tree;
                false
            }
            Action::Text(key) => self.editor.key(*key) == Edited::Changed,
            Action::Paste(text) => self.editor.paste(text),
            _ => false,
        };
        if changed && let Some(file) = &self.editor_file {
            let text = self.editor.text();
            if session.documents.get(file).is_none() {
                session.documents.edit("typing", [(file.clone(), text.into())]);
            } else {
                session.documents.type_text(file, text.into(), session.now.as_millisecond());
            }
        }
        Vec::new()
    }

    fn start_typing(&mut self, session: &mut Session, file: Option<PathBuf>, line: Option<usize>) {
        let own = session.environments.get(self.column).and_then(|view| view.files.last().cloned());
        let Some(file) = file.or(own) else { return };
        let line = line.or_else(|| {
            let node = self.node()?;
            let text = session.text(&file)?;
            Spans::of(&text).line(&node.path)
        });
        self.show(session, &file, line);
        self.typing = true;
        self.focus = Focus::Text;
    }

    fn next_problem(&mut self, session: &mut Session) {
        let problems: Vec<(usize, String)> = session
            .environments
            .iter()
            .enumerate()
            .flat_map(|(column, view)| view.problems.iter().map(move |p| (column, p.key.clone())))
            .collect();
        let here = (self.column, self.list.selected().unwrap_or_default().to_owned());
        let next = problems.iter().position(|problem| *problem == here).map_or(0, |i| i + 1);
        match problems.get(next).or_else(|| problems.first()).cloned() {
            Some((column, key)) => {
                self.go_to_column(session, column);
                if let Some(path) = KeyPath::parse(&key) {
                    self.select(session, &path);
                }
            }
            None => session.say("no problems in any environment"),
        }
    }

    fn unset(&mut self, session: &mut Session) {
        let Some((node, view)) = self.node().zip(session.environments.get(self.column)) else { return };
        let (path, name) = (node.path.clone(), view.name.clone());
        match input::unset(session, &name, &path) {
            Ok(Some((file, text))) => {
                session.documents.edit(&format!("unset {path}"), [(file, text)]);
                session.say(format!("{path} is unset for {name}: the layer below wins"));
            }
            Ok(None) => session.say(format!("{path} is not set in the file of {name}")),
            Err(error) => session.fail(&error),
        }
    }

    fn command(&mut self, session: &mut Session, command: Command) -> Vec<Effect> {
        match command {
            Command::Up if self.focus == Focus::Detail => {
                self.detail_offset = self.detail_offset.saturating_sub(1);
            }
            Command::Down if self.focus == Focus::Detail => self.detail_offset += 1,
            Command::Up => self.step(-1),
            Command::Down => self.step(1),
            Command::PageUp | Command::PageDown => {
                let keys = self.keys();
                self.list.page(keys.as_slice(), if command == Command::PageUp { -1 } else { 1 });
            }
            Command::Top | Command::Bottom => {
                let keys = self.keys();
                if command == Command::Top {
                    self.list.first(keys.as_slice());
                } else {
                    self.list.last(keys.as_slice());
                }
            }
            Command::Left => self.go_to_column(session, self.column.saturating_sub(1)),
            Command::Right => {
                let last = session.environments.len().saturating_sub(1);
                self.go_to_column(session, (self.column + 1).min(last));
            }
            Command::Fold => {
                if let Some(node) = self.node().filter(|node| node.branch) {
                    self.folds.toggle(&node.key.clone());
                }
            }
            Command::FoldAll => {
                let depth = if self.folds.open_to > 1 { 1 } else { usize::MAX };
                self.folds.reset(depth);
            }
            Command::Enter => match self.node() {
                Some(node) if node.branch => self.folds.toggle(&node.key.clone()),
                Some(_) if self.focus == Focus::Text => {
                    self.start_typing(session, self.editor_file.clone(), None);
                }
                Some(_) => self.open_field(session),
                None => {}
            },
            Command::EditText => self.start_typing(session, None, None),
            Command::GoToSource => {
                let origin = self.node().and_then(|node| {
                    session.environments.get(self.column)?.merged.setters(&node.path).last().cloned()
                });
                match origin {
                    Some(origin) if origin.file.as_ref().is_some_and(|f| f.is_absolute()) => {
                        self.start_typing(session, origin.file, origin.line);
                    }
                    _ => session.say("this value comes from a packaged chart: there is no file to open"),
                }
            }
            Command::Unset => self.unset(session),
            Command::NextProblem => self.next_problem(session),
            Command::OnlyDiffering => self.only_differing = !self.only_differing,
            Command::Filter => self.filtering = true,
            Command::FilterKeep => self.filtering = false,
            Command::FilterClear => {
                self.filtering = false;
                self.filter = Filter::default();
            }
            Command::Back => {
                if self.focus != Focus::Tree {
                    self.focus = Focus::Tree;
                } else if !self.filter.is_empty() {
                    self.filter = Filter::default();
                } else {
                    self.only_differing = false;
                }
            }
            Command::PaneNext | Command::PanePrevious => {
                let order = [Focus::Tree, Focus::Detail, Focus::Text];
                let here = order.iter().position(|focus| *focus == self.focus).unwrap_or(0);
                let step = if command == Command::PaneNext { 1 } else { 2 };
                self.focus = order.get((here + step) % 3).copied().unwrap_or_default();
            }
            Command::Reload => return vec![Effect::LoadWorkspace],
            _ => {}
        }
        Vec::new()
    }

    fn mouse(&mut self, session: &Session, action: &Action) {
        let Action::Mouse(mouse) = action else { return };
        let inside = self.tree_area.contains(Position::new(mouse.column, mouse.row));
        match mouse.kind {
            MouseEventKind::ScrollDown if inside => self.step(3),
            MouseEventKind::ScrollUp if inside => self.step(-3),
            MouseEventKind::Down(MouseButton::Left) if inside => {
                let header = 1;
                let Some(line) = mouse.row.checked_sub(self.tree_area.y + header) else { return };
                let index = self.list.offset() + usize::from(line);
                let keys = self.keys();
                if index < keys.len() {
                    self.list.put(keys.as_slice(), index);
                    self.focus = Focus::Tree;
                    self.refresh(session);
                }
            }
            _ => {}
        }
    }
}

impl Room for Values {
    fn places(&self, _: &Session) -> Vec<Place> {
        if self.field.is_some() {
            vec![Place::Input]
        } else if self.filtering {
            vec![Place::Filter]
        } else if self.typing {
            vec![Place::Editor]
        } else {
            vec![Place::Values, Place::Pane]
        }
    }

    fn enter(&mut self, session: &mut Session) -> Vec<Effect> {
        self.refresh(session);
        match session.goto.clone() {
            Some(Goto::Value(path)) => self.select(session, &path),
            Some(Goto::Line { file, line }) => self.start_typing(session, Some(file), Some(line)),
            _ => {}
        }
        self.follow(session);
        Vec::new()
    }

    fn update(&mut self, session: &mut Session, action: &Action) -> Vec<Effect> {
        let effects = if self.field.is_some() {
            self.in_field(session, action);
            Vec::new()
        } else if self.typing {
            self.in_editor(session, action)
        } else {
            match action {
                Action::Command(command) => self.command(session, *command),
                Action::Text(KeyEvent { code, .. }) if self.filtering => {
                    let mut text = self.filter.text().to_owned();
                    match code {
                        KeyCode::Char(c) => text.push(*c),
                        KeyCode::Backspace => {
                            text.pop();
                        }
                        _ => {}
                    }
                    self.filter = Filter::parse(&text);
                    Vec::new()
                }
                Action::Mouse(_) => {
                    self.mouse(session, action);
                    Vec::new()
                }
                _ => Vec::new(),
            }
        };
        let mut all = session.refresh_environments();
        all.extend(effects);
        self.refresh(session);
        self.follow(session);
        all
    }

    fn hear(&mut self, session: &mut Session, _: &crate::session::Message) -> Vec<Effect> {
        if session.room == crate::session::RoomId::Values {
            let effects = session.refresh_environments();
            self.refresh(session);
            return effects;
        }
        Vec::new()
    }

    fn view(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let (left, right) = match layout::columns(area, 56, 34, 30) {
            Some((left, right)) if !look.zoomed => (Some(left), Some(right)),
            _ if self.focus == Focus::Detail => (None, Some(area)),
            _ => (Some(area), None),
        };
        if let Some(left) = left {
            let split = if look.zoomed { None } else { layout::rows(left, 62, 8, 5) };
            match split {
                Some((upper, lower)) => {
                    self.view_tree(session, frame, upper, look);
                    self.view_text(session, frame, lower, look);
                }
                None if self.focus == Focus::Text => self.view_text(session, frame, left, look),
                None => self.view_tree(session, frame, left, look),
            }
        }
        if let Some(right) = right {
            let node = self.node().cloned();
            detail::view(
                session,
                node.as_ref(),
                self.column,
                self.focus == Focus::Detail,
                &mut self.detail_offset,
                frame,
                right,
                look,
            );
        }
    }
}

impl Values {
    fn view_tree(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let theme = look.theme;
        let focused = self.focus == Focus::Tree;
        let mut pane = Pane::new("Values").focused(focused).zoomed(look.zoomed);
        let leaves = self.nodes.iter().filter(|node| !node.branch).count();
        let shown =
            self.visible.iter().filter(|(i, _)| self.nodes.get(*i).is_some_and(|n| !n.branch)).count();
        if self.filtering {
            pane = pane
                .note(Rich::of(Role::Key, "/").then(Role::Text, self.filter.text()).then(Role::Cursor, " "));
        } else if let Some(words) = summary(&self.filter, shown, leaves) {
            pane = pane.note(Rich::of(Role::Match, words));
        } else if self.only_differing {
            pane = pane.note(Rich::of(Role::Match, format!("only differing: {shown} of {leaves}")));
        }
        let columns = self.columns(session, area.width);
        let hidden = session.environments.len() - columns.len();
        if hidden > 0 {
            pane = pane.foot(Rich::of(Role::Muted, format!("{hidden} columns alike, hidden")));
        }
        let mut inner = pane.draw(frame.buffer_mut(), area, theme);
        if session.environments.is_empty() {
            let face = match (&session.workspace, session.workspace.error()) {
                (_, Some(error)) => Face::Failed { error, hint: Some(("r", "read again")) },
                (crate::session::Fetched::Awaited { since }, _) => Face::Loading {
                    what: "reading the workspace",
                    since: super::elapsed(*since, session.now),
                },
                _ => Face::Empty {
                    why: "this chart has no environments: nothing maps them and there is no values-<env>.yaml",
                    hint: Some(("3", "map environments to clusters")),
                },
            };
            face.draw(frame.buffer_mut(), inner, theme);
            return;
        }
        if let Some(field) = &self.field {
            let height = 3.min(inner.height);
            let line = Rect { y: inner.bottom() - height, height, ..inner };
            inner.height -= height;
            Self::view_field(session, field, frame, line, look);
        }
        let problems: HashSet<String> = session
            .environments
            .iter()
            .flat_map(|view| view.problems.iter().map(|problem| problem.key.clone()))
            .collect();
        let rows = TreeRows {
            nodes: &self.nodes,
            visible: &self.visible,
            environments: &session.environments,
            columns: &columns,
            filter: &self.filter,
            redactor: &session.redactor,
            problems: &problems,
        };
        let mut heads = vec![Column::fill("", 16)];
        heads.extend(columns.iter().filter_map(|i| session.environments.get(*i)).map(|view| {
            let dirty = view.files.iter().any(|f| {
                session.documents.get(f).is_some_and(super::super::session::document::Document::is_dirty)
            });
            let mark = if dirty { "*" } else { "" };
            Column::fit(format!("{}{mark}", view.name), 5, 18).right()
        }));
        let cursor = columns.iter().position(|column| *column == self.column).map(|i| i + 1);
        let mut table = Table::new(&heads, &rows).focused(focused).cursor_column(cursor);
        table.marked_column = cursor;
        self.tree_area = inner;
        if self.visible.is_empty() {
            Face::Empty { why: "no key matches", hint: Some(("Esc", "clear the filter")) }.draw(
                frame.buffer_mut(),
                inner,
                theme,
            );
        } else {
            table.draw(frame.buffer_mut(), inner, &mut self.list, theme);
        }
    }

    /// The columns there is room for: the target's, then those that differ somewhere, then the rest.
    fn columns(&self, session: &Session, width: u16) -> Vec<usize> {
        let all = session.environments.len();
        let room = usize::from(width.saturating_sub(24) / 8).max(1);
        if all <= room {
            return (0..all).collect();
        }
        let differs = |i: &usize| {
            let (Some(a), Some(b)) = (session.environments.get(*i), session.environments.get(self.column))
            else {
                return false;
            };
            self.node().is_some_and(|node| node.path.get(&a.merged.value) != node.path.get(&b.merged.value))
        };
        let mut chosen = vec![self.column];
        chosen.extend((0..all).filter(|i| *i != self.column && differs(i)));
        chosen.extend((0..all).filter(|i| *i != self.column && !differs(i)));
        chosen.truncate(room);
        chosen.sort_unstable();
        chosen
    }

    fn view_field(session: &Session, field: &Field, frame: &mut Frame, area: Rect, look: &Look) {
        let problem = session
            .environments
            .iter()
            .filter(|view| view.name == field.environment)
            .flat_map(|view| &view.problems)
            .find(|problem| problem.key == field.path.to_string())
            .map(ToString::to_string);
        let input = Input {
            prompt: &format!("{} @ {}", field.path.name(), field.environment),
            line: &field.line,
            choices: &field.choices,
            hint: &field.hint(),
            error: field.error.as_deref().or(problem.as_deref()),
            secret: field.secret,
            focused: true,
        };
        input.draw(frame.buffer_mut(), area, look.theme);
    }

    fn view_text(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        let Some(file) = self.editor_file.clone() else {
            Pane::new("Text").draw(frame.buffer_mut(), area, look.theme);
            return;
        };
        let document = session.documents.get(&file);
        let dirty = document.is_some_and(crate::session::Document::is_dirty);
        let name = super::relative(session, &file);
        let mut title = Rich::of(Role::Text, name);
        if dirty {
            title.push(Role::Changed, " *");
        }
        if document.is_none_or(|document| document.disk.is_none()) {
            title.push(Role::Muted, " (new)");
        }
        let pane = Pane::new(title).focused(self.focus == Focus::Text).zoomed(look.zoomed);
        let inner = pane.draw(frame.buffer_mut(), area, look.theme);
        let text = self.editor.text();
        let tokens = super::highlight(&text);
        let relative = super::relative(session, &file);
        let lines: HashSet<usize> = session
            .environments
            .iter()
            .flat_map(|view| &view.problems)
            .filter(|problem| {
                problem
                    .file
                    .as_ref()
                    .is_some_and(|f| f.display().to_string() == relative || file.ends_with(f))
            })
            .filter_map(|problem| problem.line)
            .collect();
        let signs = |line: usize| lines.contains(&(line + 1)).then_some((Role::Bad, "!"));
        let editor = Editor { tokens: &tokens, signs: Some(&signs), search: None, focused: self.typing };
        editor.draw(frame.buffer_mut(), inner, &mut self.editor, look.theme);
    }
}

//! Values: every key of every environment, who sets it, what the schema says of it, and what the unsaved text
//! would do to each environment. Edits go to the environment's own file, in place or as text.

mod detail;
mod explain;
mod input;
mod mouse;
mod text;
mod tree;
mod view;

use std::collections::HashSet;
use std::path::PathBuf;

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::base::Problem;
use crate::session::{Action, Answer, Ask, Command, Effect, Goto, Place, Session, Then};
use crate::ui::layout;
use crate::ui::table::Fold;
use crate::ui::tree::{Folds, Node as TreeNode, flatten};
use crate::ui::{Filter, ListState};
use crate::yaml::{KeyPath, Segment};

use super::{Look, Room};
use detail::Readers;
use input::Field;
use text::TextPane;
use tree::Node;

/// The questions that the room asks: which key to add, where to go from what a key reaches.
const ASK_KEY: u16 = 1;
const ASK_PLACE: u16 = 2;

/// Key, column, read of the workspace, trace.
type Asked = (String, usize, usize, usize);

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
    /// A key that was just added: the cursor goes there once the tree has it.
    wanted: Option<KeyPath>,
    text: TextPane,
    /// What the text pane was brought to last: key, column, state of the texts.
    followed: Option<(String, usize, u64)>,
    /// Who reads the key under the cursor, and what that was looked up in.
    readers: Option<(Asked, Readers)>,
    detail_offset: usize,
    /// Where the last frame drew the panes, for the mouse.
    drawn: Drawn,
    /// The environments that had a column there.
    drawn_columns: Vec<usize>,
}

/// Geometry of the last frame.
#[derive(Debug, Clone, Copy, Default)]
struct Drawn {
    tree: Rect,
    text: Rect,
    detail: Rect,
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
            wanted: None,
            text: TextPane::default(),
            followed: None,
            readers: None,
            detail_offset: 0,
            drawn: Drawn::default(),
            drawn_columns: Vec::new(),
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
        let own = view.own.clone();
        let here = self.here(session);
        let moved = self.followed.as_ref() != Some(&here);
        if moved && self.followed.as_ref().is_none_or(|(key, _, _)| *key != here.0) {
            self.detail_offset = 0;
        }
        if moved && !self.text.typing {
            self.followed = Some(here);
            let file = winner.as_ref().and_then(|origin| origin.file.clone()).filter(|f| f.is_absolute());
            let line = winner.as_ref().and_then(|origin| origin.line);
            let (file, line) = match file {
                Some(file) => (Some(file), line),
                None => (own.clone(), None),
            };
            if let Some(file) = file {
                self.text.show(session, &file, line);
            }
        }
        let in_text = self.text.typing || self.focus == Focus::Text;
        session.focused_line = if in_text || self.text.file == own { self.text.line() } else { None };
        session.focused_file = if in_text { self.text.file.clone() } else { own };
        session.copyable = node
            .map(|node| {
                let value = node.path.get(&view.merged.value);
                let text = value.map(|value| tree::shown(value, &node.path, &session.redactor));
                let mut all = vec![("key".to_owned(), node.key.clone())];
                all.extend(text.map(|text| ("value".to_owned(), text)));
                all.extend(winner.map(|origin| ("place".to_owned(), origin.place())));
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

    fn open_field(&mut self, session: &mut Session) {
        let Some((node, view)) = self.node().zip(session.environments.get(self.column)) else { return };
        if let Some(over) = session.generated_over(view, &node.path) {
            let lines = session.generated_words(view, &node.path, &over);
            return session.read(format!("{} is generated", node.key), lines);
        }
        let value = node.path.get(&view.merged.value);
        if value.and_then(serde_json::Value::as_str).is_some_and(|text| text.contains('\n')) {
            let file = view.merged.setters(&node.path).last().and_then(|origin| origin.file.clone());
            session.say("a value of several lines is edited as text");
            return self.start_typing(session, file.filter(|file| file.is_absolute()), None);
        }
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

    /// Goes to the next problem, or to the one before, around the ends.
    fn step_problem(&mut self, session: &mut Session, forward: bool) {
        let problems: Vec<(usize, Problem)> = session
            .environments
            .iter()
            .enumerate()
            .flat_map(|(column, view)| {
                view.problems.iter().chain(&view.stale).map(move |problem| (column, problem.clone()))
            })
            .collect();
        let here = (self.column, self.list.selected().unwrap_or_default());
        let at = |(column, problem): &(usize, Problem)| (*column, problem.key.as_str()) == here;
        let count = problems.len();
        let next = if forward {
            problems.iter().rposition(at).map_or(0, |i| (i + 1) % count)
        } else {
            problems.iter().position(at).map_or(count, |i| i + count).saturating_sub(1) % count.max(1)
        };
        match problems.get(next).cloned() {
            Some((column, problem)) => {
                self.go_to_column(session, column);
                match KeyPath::parse(&problem.key).filter(|path| !path.0.is_empty()) {
                    Some(path) => self.select(session, &path),
                    None => self.go_to_problem(session, &problem),
                }
                session.say(problem.to_string());
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
            Ok(None) => {
                let view = session.environments.iter().find(|view| view.name == name);
                let over = view.and_then(|view| session.generated_over(view, &path));
                session.say(match over {
                    Some(_) => format!("{path} is generated for {name}: Enter says where to change it"),
                    None => format!("{path} is not set in the file of {name}"),
                });
            }
            Err(error) => session.fail(&error),
        }
    }

    /// Asks for a key that no file has yet; the path of the section under the cursor stands there already.
    fn ask_key(&self, session: &mut Session) {
        let Some(view) = session.environments.get(self.column) else { return };
        let section = self.node().and_then(|node| {
            let is_map = node.path.get(&view.merged.value).is_some_and(serde_json::Value::is_object);
            if is_map { Some(node.path.clone()) } else { node.path.parent() }
        });
        let text = match section {
            Some(path) if !path.0.is_empty() && !matches!(path.0.last(), Some(Segment::Index(_))) => {
                format!("{path}.")
            }
            _ => String::new(),
        };
        let title = format!("New key for {}: path: value", view.name);
        session.ask(Ask::Line { title, text }, Then::Room(ASK_KEY));
    }

    fn add_key(&mut self, session: &mut Session, line: &str) {
        let Some(name) = session.environments.get(self.column).map(|view| view.name.clone()) else { return };
        match input::added(session, &name, line) {
            Ok(Some((path, file, text))) => {
                session.documents.edit(&format!("adding {path}"), [(file, text)]);
                // The new row exists after the next refresh; the cursor waits for it there.
                self.wanted = Some(path);
            }
            Ok(None) => session.say("it has that value already"),
            Err(error) => session.fail(&error),
        }
    }

    /// A problem without a key is one of the text: there it is shown.
    fn go_to_problem(&mut self, session: &Session, problem: &Problem) {
        let Some((chart, file)) = session.chart().zip(problem.file.as_ref()) else { return };
        // Generated files lie outside of the chart.
        let root = session.given.root.join(file);
        let is_ours = session.documents.get(&root).is_some() || session.is_generated(&root);
        let file = if is_ours { root } else { chart.dir.join(file) };
        self.text.show(session, &file, problem.line);
        self.followed = Some(self.here(session));
        self.focus = Focus::Text;
    }

    /// Key, column and state of the texts.
    fn here(&self, session: &Session) -> (String, usize, u64) {
        let key = self.list.selected().unwrap_or_default().to_owned();
        (key, self.column, session.documents.generation())
    }

    /// Looks through the templates once a key, not once a frame.
    fn look_up_readers(&mut self, session: &Session) {
        let Some(node) = self.node() else { return };
        let read =
            session.workspace.ready().map_or(0, |workspace| std::sync::Arc::as_ptr(workspace) as usize);
        let traced = session.traced.as_ref().map_or(0, |traced| std::sync::Arc::as_ptr(traced) as usize);
        let asked = (node.key.clone(), self.column, read, traced);
        if self.readers.as_ref().is_some_and(|(of, _)| *of == asked) {
            return;
        }
        let output = session.environments.get(self.column).and_then(|view| session.traced_output(&view.name));
        let found = match (output, session.chart()) {
            _ if node.branch => Readers::default(),
            (Some(output), _) => {
                let places = output.read_at(&node.path).iter().map(ToString::to_string).collect();
                Readers { known: true, places }
            }
            (None, Some(loaded)) => Readers { known: false, places: loaded.chart.mentions(&node.path) },
            (None, None) => Readers::default(),
        };
        self.readers = Some((asked, found));
    }

    fn command(&mut self, session: &mut Session, command: Command) -> Vec<Effect> {
        match command {
            Command::Up if self.focus == Focus::Detail => {
                self.detail_offset = self.detail_offset.saturating_sub(1);
            }
            Command::Down if self.focus == Focus::Detail => self.detail_offset += 1,
            Command::Up
            | Command::Down
            | Command::PageUp
            | Command::PageDown
            | Command::Top
            | Command::Bottom
            | Command::Left
            | Command::Right
                if self.focus == Focus::Text =>
            {
                self.text.command(command);
            }
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
            Command::Fold => match self.node().filter(|node| node.branch).map(|node| node.key.clone()) {
                Some(key) => self.folds.toggle(&key),
                None => super::nothing_to(session, command),
            },
            Command::FoldAll => {
                let depth = if self.folds.open_to > 1 { 1 } else { usize::MAX };
                self.folds.reset(depth);
            }
            Command::Enter if self.focus == Focus::Text => {
                let line = self.text.line();
                self.start_typing(session, self.text.file.clone(), line);
            }
            Command::Enter => match self.node() {
                Some(node) if node.branch => self.folds.toggle(&node.key.clone()),
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
            Command::Explain => self.explain(session),
            Command::Generate => match session.generate() {
                Ok(effect) => {
                    session.say("generating for all environments");
                    return vec![effect];
                }
                Err(error) => session.fail(&error),
            },
            Command::Unset => self.unset(session),
            Command::AddKey => self.ask_key(session),
            Command::NextProblem => self.step_problem(session, true),
            Command::PreviousProblem => self.step_problem(session, false),
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
            Command::Reload => {
                session.say("read again from disk");
                return vec![session.reload()];
            }
            command => super::nothing_to(session, command),
        }
        Vec::new()
    }
}

impl Room for Values {
    fn places(&self, _: &Session) -> Vec<Place> {
        if self.field.is_some() {
            vec![Place::Input]
        } else if self.filtering {
            vec![Place::Filter]
        } else if self.text.typing {
            vec![Place::Editor]
        } else {
            vec![Place::Values, Place::Pane]
        }
    }

    fn enter(&mut self, session: &mut Session) -> Vec<Effect> {
        self.refresh(session);
        self.followed = None;
        match session.goto.clone() {
            Some(Goto::Value(path)) => self.select(session, &path),
            Some(Goto::Line { file, line }) => self.start_typing(session, Some(file), Some(line)),
            _ => {}
        }
        self.follow(session);
        Vec::new()
    }

    fn update(&mut self, session: &mut Session, action: &Action) -> Vec<Effect> {
        if self.field.is_some() {
            self.in_field(session, action);
            Vec::new()
        } else if self.text.typing && !matches!(action, Action::Mouse(_) | Action::Answered(..)) {
            self.in_editor(session, action);
            Vec::new()
        } else {
            match action {
                Action::Command(command) => self.command(session, *command),
                Action::Text(_) | Action::Paste(_) if self.filtering => {
                    self.filter = super::typed_filter(&self.filter, action);
                    Vec::new()
                }
                Action::Answered(Then::Room(ASK_KEY), Answer::Typed(line)) => {
                    self.add_key(session, line);
                    Vec::new()
                }
                Action::Answered(Then::Room(ASK_PLACE), Answer::Chosen(row)) => {
                    self.go_to_reached(session, *row);
                    Vec::new()
                }
                Action::Mouse(mouse) => {
                    self.mouse(session, *mouse);
                    Vec::new()
                }
                _ => Vec::new(),
            }
        }
    }

    fn settle(&mut self, session: &mut Session) -> Vec<Effect> {
        self.refresh(session);
        if let Some(path) = self.wanted.take() {
            self.select(session, &path);
        }
        self.follow(session);
        self.text.sync(session);
        self.look_up_readers(session);
        session.verdict = session.environments.get(self.column).and_then(|view| view.worth().cloned());
        session.want_trace().into_iter().chain(session.want_generated()).collect()
    }

    fn view(&mut self, session: &Session, frame: &mut Frame, area: Rect, look: &Look) {
        self.drawn = Drawn::default();
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
            let none = Readers::default();
            let readers = self.readers.as_ref().map_or(&none, |(_, readers)| readers);
            let detail = detail::Detail {
                session,
                node: node.as_ref(),
                column: self.column,
                focused: self.focus == Focus::Detail,
                readers,
            };
            self.drawn.detail = right;
            detail.view(&mut self.detail_offset, frame, right, look);
        }
    }
}

//! The rows of the Charts tree: every chart, and below it what it is made of.

use std::path::{Path, PathBuf};

use crate::chart::{Chart, DependencyState};
use crate::session::Session;
use crate::ui::table::{Fold, Row};
use crate::ui::{Filter, Rich, Role};
use crate::workspace::WorkspaceChart;

/// What a row stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    Chart,
    Broken(String),
    Group,
    /// The dependency's key in the values.
    Dependency(String),
    /// Path inside the chart.
    Template(PathBuf),
    File(PathBuf),
    Values {
        path: PathBuf,
        environment: Option<String>,
    },
    Schema(PathBuf),
}

/// One row.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// Identity: the chart's folder and the place inside.
    pub key: String,
    pub name: String,
    /// For the pane beside it.
    pub title: String,
    pub depth: usize,
    pub branch: bool,
    /// The chart's folder.
    pub chart: PathBuf,
    pub item: Item,
    /// At the right: state, count, mark of unsaved edits.
    pub badge: Option<(Role, String)>,
}

impl Node {
    /// The file behind the row, absolute; `None` for what is not one.
    pub(super) fn file(&self) -> Option<PathBuf> {
        match &self.item {
            Item::Template(path) | Item::File(path) | Item::Schema(path) | Item::Values { path, .. } => {
                Some(self.chart.join(path))
            }
            Item::Chart => Some(self.chart.join("Chart.yaml")),
            _ => None,
        }
    }

    /// As the table draws it.
    pub(super) fn row(&self, fold: Fold, filter: &Filter) -> Row {
        let role = match self.item {
            Item::Chart => Role::Title,
            Item::Broken(_) => Role::Bad,
            Item::Group => Role::Muted,
            _ => Role::Text,
        };
        let mut name = Rich::of(role, &self.name);
        if !filter.is_empty()
            && let Some(ranges) = filter.matches(&self.name)
        {
            name = name.mark(&ranges, Role::Match);
        }
        let badge = self.badge.as_ref().map(|(role, text)| Rich::of(*role, text)).unwrap_or_default();
        Row::tree(self.depth, fold, [name, badge])
    }
}

/// All rows, depth first.
pub(super) fn nodes(session: &Session) -> Vec<Node> {
    let Some(workspace) = session.workspace.ready() else { return Vec::new() };
    let mut nodes = Vec::new();
    for chart in &workspace.charts {
        chart_nodes(session, chart, &mut nodes);
    }
    for (folder, error) in &workspace.broken {
        let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        nodes.push(Node {
            key: folder.display().to_string(),
            title: name.clone(),
            name,
            depth: 0,
            branch: false,
            chart: folder.clone(),
            item: Item::Broken(error.to_string()),
            badge: Some((Role::Bad, "cannot be read".to_owned())),
        });
    }
    nodes
}

fn chart_nodes(session: &Session, found: &WorkspaceChart, nodes: &mut Vec<Node>) {
    let chart = &found.chart;
    let dir = &found.dir;
    let node =
        |key: &str, name: String, depth: usize, branch: bool, item: Item, badge: Option<(Role, String)>| {
            Node {
                key: format!("{}#{key}", dir.display()),
                title: if key.is_empty() { name.clone() } else { key.to_owned() },
                name,
                depth,
                branch,
                chart: dir.clone(),
                item,
                badge,
            }
        };
    let problems = found.problems.len() + chart.problems.len();
    let badge = match chart.stale_dependency() {
        Some(dependency) if dependency.state == DependencyState::Missing => {
            Some((Role::Bad, "missing".to_owned()))
        }
        Some(_) => Some((Role::Warn, "stale".to_owned())),
        None if problems > 0 => {
            Some((Role::Bad, format!("{problems} problem{}", if problems == 1 { "" } else { "s" })))
        }
        None => Some((Role::Muted, chart.metadata.version.clone())),
    };
    nodes.push(node("", found.name.clone(), 0, true, Item::Chart, badge));
    if !chart.dependencies.is_empty() {
        let count = Some((Role::Muted, chart.dependencies.len().to_string()));
        nodes.push(node("dependencies", "dependencies".to_owned(), 1, true, Item::Group, count));
        let selected = session.selection.mapped.as_ref().is_some_and(|mapped| mapped.chart == *dir);
        let values = session.environment().filter(|_| selected).map(|view| &view.merged.value);
        for dependency in &chart.dependencies {
            let on = values.map(|values| dependency.is_enabled(values));
            let badge = match (&dependency.state, on) {
                (DependencyState::Current, Some(false)) => (Role::Muted, "off here".to_owned()),
                (DependencyState::Current, _) => (Role::Good, "current".to_owned()),
                (DependencyState::Missing, _) => (Role::Bad, "missing".to_owned()),
                (DependencyState::Stale(_), _) => (Role::Warn, "stale".to_owned()),
                (DependencyState::WrongVersion { .. }, _) => (Role::Bad, "wrong version".to_owned()),
                (DependencyState::Unreadable(_), _) => (Role::Bad, "unreadable".to_owned()),
                (DependencyState::Undeclared, _) => (Role::Muted, "undeclared".to_owned()),
            };
            let key = dependency.key().to_owned();
            let item = Item::Dependency(key.clone());
            nodes.push(node(&format!("dependencies/{key}"), key.clone(), 2, false, item, Some(badge)));
        }
    }
    values_nodes(session, found, &node, nodes);
    if chart.schema.is_some() {
        let path = PathBuf::from("values.schema.json");
        nodes.push(node(
            "values.schema.json",
            "values.schema.json".to_owned(),
            1,
            false,
            Item::Schema(path),
            None,
        ));
    }
    template_nodes(chart, &node, nodes);
    for path in chart.files.paths().filter(|path| is_other(path)) {
        let name = path.display().to_string();
        nodes.push(node(&name, name.clone(), 1, false, Item::File(path.to_owned()), None));
    }
}

type MakeNode<'a> = dyn Fn(&str, String, usize, bool, Item, Option<(Role, String)>) -> Node + 'a;

fn values_nodes(session: &Session, found: &WorkspaceChart, node: &MakeNode, nodes: &mut Vec<Node>) {
    let mark = |path: &Path| {
        let dirty = session.documents.get(path).is_some_and(crate::session::Document::is_dirty);
        dirty.then(|| (Role::Changed, "unsaved".to_owned()))
    };
    if found.chart.values.is_some() {
        let path = PathBuf::from("values.yaml");
        let badge = mark(&found.dir.join(&path));
        let item = Item::Values { path, environment: None };
        nodes.push(node("values.yaml", "values.yaml".to_owned(), 1, false, item, badge));
    }
    for environment in &found.environments {
        for file in &environment.values_files {
            let inside = file.strip_prefix(&found.dir).unwrap_or(file);
            let is_outside = inside == file.as_path();
            let name = if is_outside {
                crate::screens::relative(session, file)
            } else {
                inside.display().to_string()
            };
            let badge = match mark(file) {
                Some(badge) => Some(badge),
                None if environment.generated.as_ref() == Some(file) && session.text(file).is_some() => {
                    Some((Role::Muted, "generated".to_owned()))
                }
                None if !file.exists() && session.documents.get(file).is_none() => {
                    Some((Role::Muted, "new".to_owned()))
                }
                None if !environment.mapped => Some((Role::Warn, "not mapped".to_owned())),
                None => None,
            };
            let item = Item::Values { path: inside.to_owned(), environment: Some(environment.name.clone()) };
            nodes.push(node(&name, name.clone(), 1, false, item, badge));
        }
    }
}

fn template_nodes(chart: &Chart, node: &MakeNode, nodes: &mut Vec<Node>) {
    let templates: Vec<&Path> = chart.templates().collect();
    if templates.is_empty() {
        return;
    }
    let count = Some((Role::Muted, templates.len().to_string()));
    nodes.push(node("templates", "templates".to_owned(), 1, true, Item::Group, count));
    let mut open: Vec<PathBuf> = vec![PathBuf::from("templates")];
    for path in templates {
        let folder = path.parent().unwrap_or(Path::new("templates"));
        while open.len() > 1 && !open.last().is_some_and(|last| folder.starts_with(last)) {
            open.pop();
        }
        let known = open.last().cloned().unwrap_or_default();
        let mut here = known.clone();
        for part in folder.strip_prefix(&known).into_iter().flat_map(Path::components) {
            here = here.join(part);
            let name = part.as_os_str().to_string_lossy().into_owned();
            nodes.push(node(&here.display().to_string(), name, open.len() + 1, true, Item::Group, None));
            open.push(here.clone());
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let item = if path.extension().is_some_and(|e| e == "yaml" || e == "yml") && !name.starts_with('_') {
            Item::Template(path.to_owned())
        } else {
            Item::File(path.to_owned())
        };
        nodes.push(node(&path.display().to_string(), name, open.len() + 1, false, item, None));
    }
}

/// Files that have no place of their own in the tree.
fn is_other(path: &Path) -> bool {
    let name = path.to_string_lossy();
    !path.starts_with("templates")
        && name != "values.yaml"
        && name != "values.schema.json"
        && !(path.parent() == Some(Path::new("")) && name.starts_with("values-"))
        && name != ".helmignore"
}

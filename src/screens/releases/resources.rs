//! The objects of a release as a tree by owner: workload, replica set, pod, container; each with its health, why
//! and since when. Objects that are not well stand first; the order is held while somebody reads.

use std::collections::HashSet;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::cluster::Health;
use crate::cluster::health::{ContainerRow, ContainerState};
use crate::cluster::objects::{ObjectRow, ObjectsSnapshot};
use crate::session::{Command, LogRef};
use crate::ui::list::HeldOrder;
use crate::ui::table::{Column, Fold, Listed, Row, Size, Table};
use crate::ui::text::Cut;
use crate::ui::theme::Theme;
use crate::ui::tree::{Folds, Node as TreeNode, flatten};
use crate::ui::{ListState, Rich, Role};

use super::inside::{Known, Wish};
use super::logs::Source;
use super::moving;
use super::rows::{age, said};
use super::search::Search;
use super::state::{Tone, mark};

#[derive(Debug, Clone)]
struct Node {
    key: String,
    depth: usize,
    branch: bool,
    /// Position among the snapshot's rows.
    row: usize,
    /// Position among the row's containers.
    container: Option<usize>,
}

/// The view's own state.
#[derive(Debug)]
pub(super) struct Resources {
    nodes: Vec<Node>,
    visible: Vec<(usize, Fold)>,
    folds: Folds,
    order: HeldOrder,
    pub(super) cursor: ListState,
}

impl Default for Resources {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            visible: Vec::new(),
            folds: Folds::open_to(usize::MAX),
            order: HeldOrder::default(),
            cursor: ListState::default(),
        }
    }
}

/// The identity of an object among those of a release.
pub(super) fn key(row: &ObjectRow) -> String {
    let group = row.api_version.split_once('/').map_or("", |(group, _)| group);
    format!("{group}/{}/{}/{}", row.kind, row.namespace, row.name)
}

/// The identity of a container.
pub(super) fn container_key(row: &ObjectRow, container: &str) -> String {
    format!("{}#{container}", key(row))
}

impl Resources {
    /// Makes the tree again; the cursor stays on its row.
    pub(super) fn sync(&mut self, known: &Known, search: &Search) {
        let Some(objects) = known.objects else {
            self.nodes.clear();
            self.visible.clear();
            return;
        };
        if objects.is_loading() {
            self.order.accept();
        }
        self.nodes = self.nodes(objects);
        let matched: Option<HashSet<usize>> = (!search.is_empty()).then(|| {
            let fits = |node: &Node| objects.rows.get(node.row).is_some_and(|row| fits(search, row, node));
            self.nodes.iter().enumerate().filter(|(_, node)| fits(node)).map(|(index, _)| index).collect()
        });
        let contains = matched.as_ref().map(|set| move |index: usize| set.contains(&index));
        let nodes = self.nodes.iter().map(|n| TreeNode { key: &n.key, depth: n.depth, branch: n.branch });
        self.visible = flatten(nodes, &self.folds, contains.as_ref().map(|f| f as &dyn Fn(usize) -> bool));
        let keys = self.keys();
        self.cursor.sync(keys.as_slice());
    }

    fn nodes(&mut self, objects: &ObjectsSnapshot) -> Vec<Node> {
        let mut roots: Vec<usize> =
            objects.rows.iter().enumerate().filter(|(_, row)| row.depth == 0).map(|(at, _)| at).collect();
        // Stable: those of one health keep the snapshot's order.
        roots.sort_by_key(|at| objects.rows.get(*at).map(|row| (row.hook, row.health)));
        let keys: Vec<String> = roots.iter().filter_map(|at| objects.rows.get(*at).map(key)).collect();
        let order = self.order.arrange(&keys);
        let mut nodes = Vec::new();
        for root in order.into_iter().filter_map(|place| roots.get(place)) {
            let below = objects.rows.iter().enumerate().skip(root + 1).take_while(|(_, row)| row.depth > 0);
            for (at, row) in objects.rows.get(*root).map(|row| (*root, row)).into_iter().chain(below) {
                push(&mut nodes, objects, at, row);
            }
        }
        nodes
    }

    fn keys(&self) -> Vec<String> {
        self.visible.iter().filter_map(|(at, _)| Some(self.nodes.get(*at)?.key.clone())).collect()
    }

    fn selected(&self) -> Option<&Node> {
        let key = self.cursor.selected()?;
        self.nodes.iter().find(|node| node.key == key)
    }

    /// The object under the cursor, and the container if it is on one.
    pub(super) fn object<'k>(&self, known: &Known<'k>) -> Option<(&'k ObjectRow, Option<&'k ContainerRow>)> {
        let node = self.selected()?;
        let row = known.objects?.rows.get(node.row)?;
        Some((row, node.container.and_then(|at| row.containers.get(at))))
    }

    /// Puts the cursor on an object or container, opening what holds it.
    pub(super) fn select(&mut self, key: &str) {
        let object = key.split('#').next().unwrap_or(key);
        let mut open: Vec<String> = Vec::new();
        for node in &self.nodes {
            open.truncate(node.depth);
            if node.key == key || node.key == object {
                for (depth, above) in open.iter().enumerate() {
                    self.folds.set(above, depth, true);
                }
                if node.key == object {
                    self.folds.set(object, node.depth, true);
                }
            }
            open.push(node.key.clone());
        }
        self.cursor.select(key);
    }

    pub(super) fn accept_order(&mut self) -> bool {
        let pending = self.order.pending();
        self.order.accept();
        pending
    }

    pub(super) fn is_order_pending(&self) -> bool {
        self.order.pending()
    }

    /// How many rows are shown, of how many.
    pub(super) fn shown(&self) -> (usize, usize) {
        (self.visible.len(), self.nodes.len())
    }

    /// `true` on the row that had the cursor already.
    pub(super) fn click(&mut self, at: Position) -> bool {
        let keys = self.keys();
        self.cursor.click(keys.as_slice(), at) == Some(true)
    }

    pub(super) fn command(&mut self, known: &Known, command: Command) -> Wish {
        let keys = self.keys();
        if moving::rows(&mut self.cursor, &keys, command) {
            return Wish::Nothing;
        }
        let node = self.selected().cloned();
        match (command, node) {
            (Command::Fold, Some(node)) if node.branch => self.folds.toggle(&node.key),
            (Command::Left, Some(node)) if node.branch => self.folds.set(&node.key, node.depth, false),
            (Command::Right, Some(node)) if node.branch => self.folds.set(&node.key, node.depth, true),
            (Command::FoldAll, _) => {
                let depth = if self.folds.open_to == 0 { usize::MAX } else { 0 };
                self.folds.reset(depth);
            }
            (Command::Enter, Some(node)) => {
                let pod =
                    known.objects.and_then(|o| o.rows.get(node.row)).is_some_and(|row| row.kind == "Pod");
                if pod || !node.branch {
                    return self.logs(known);
                }
                self.folds.toggle(&node.key);
            }
            (Command::ShowLogs, _) => return self.logs(known),
            _ => return Wish::Unhandled,
        }
        Wish::Nothing
    }

    /// The logs of what is under the cursor: a container's, or those of all pods below.
    fn logs(&self, known: &Known) -> Wish {
        let (Some(node), Some(objects)) = (self.selected(), known.objects) else { return Wish::Nothing };
        let Some(row) = objects.rows.get(node.row) else { return Wish::Nothing };
        let only = node.container.and_then(|at| row.containers.get(at)).map(|c| c.name.as_str());
        let mut sources = sources_below(known, objects, node.row);
        sources.retain(|source| only.is_none_or(|only| source.log.container == only));
        if sources.is_empty() {
            return Wish::Say(format!("{} has no pods, so there are no logs", row.title()));
        }
        Wish::Logs(sources)
    }

    pub(super) fn view(&mut self, known: &Known, frame: &mut Frame, area: Rect, theme: &Theme) {
        let Some(objects) = known.objects else { return };
        let columns = [
            Column { size: Size::Fill { min: 24, share: 3 }, ..Column::fill("object", 24).cut(Cut::Middle) },
            Column::fit("health", 9, 13),
            Column::fit("ready", 5, 7).right(),
            Column::fit("restarts", 8, 8).right().spare(3),
            Column::fit("since", 5, 6).right().spare(1),
            Column { size: Size::Fill { min: 24, share: 2 }, ..Column::fill("why", 24) },
        ];
        let rows = self.visible.iter().filter_map(|(at, fold)| {
            let node = self.nodes.get(*at)?;
            let row = objects.rows.get(node.row)?;
            let container = node.container.and_then(|at| row.containers.get(at));
            // What only repeats what stands below says it quietly.
            let repeats = objects.children(node.row).any(|(_, child)| child.reason == row.reason);
            let cells = container.map_or_else(
                || object_cells(known, row, repeats, theme),
                |container| container_cells(known, container, theme),
            );
            Some((node.key.clone(), Row::tree(node.depth, *fold, cells).dimmed(!row.new_revision)))
        });
        let rows = Listed(rows.collect());
        Table::new(&columns, &rows).draw(frame.buffer_mut(), area, &mut self.cursor, theme);
    }
}

fn push(nodes: &mut Vec<Node>, objects: &ObjectsSnapshot, at: usize, row: &ObjectRow) {
    // One container that does well says nothing that its pod does not say.
    let containers = row.containers.len() > 1 || row.containers.iter().any(|c| c.problem.is_some());
    let branch = objects.children(at).next().is_some() || containers;
    nodes.push(Node { key: key(row), depth: row.depth, branch, row: at, container: None });
    if containers {
        nodes.extend(row.containers.iter().enumerate().map(|(index, container)| Node {
            key: container_key(row, &container.name),
            depth: row.depth + 1,
            branch: false,
            row: at,
            container: Some(index),
        }));
    }
}

fn fits(search: &Search, row: &ObjectRow, node: &Node) -> bool {
    let container = node.container.and_then(|at| row.containers.get(at)).map_or("", |c| c.name.as_str());
    let whole = format!("{} {} {} {container}", row.kind, row.name, row.reason);
    search
        .filter
        .matches_fields(&whole, |field| match field {
            "kind" => Some(row.kind.as_str().into()),
            "name" => Some(row.name.as_str().into()),
            "health" => Some(row.health.word().into()),
            "ns" => Some(row.namespace.as_str().into()),
            _ => None,
        })
        .is_some()
}

fn object_cells(known: &Known, row: &ObjectRow, repeats: bool, theme: &Theme) -> [Rich; 6] {
    let ready = match row.replicas {
        Some(replicas) => format!("{}/{}", replicas.ready, replicas.desired),
        None if row.kind == "Pod" => {
            let own = row.containers.iter().filter(|container| !container.init);
            let (all, ready) = own.fold((0, 0), |(all, ready), c| (all + 1, ready + usize::from(c.ready)));
            format!("{ready}/{all}")
        }
        None => String::new(),
    };
    let mut title = Rich::of(Role::Muted, format!("{} ", row.kind)).then(Role::Text, &row.name);
    if row.hook && row.depth == 0 {
        title.push(Role::Muted, "  hook");
    }
    let quiet = row.health == Health::Healthy || repeats;
    [
        title,
        mark(Tone::from(row.health), row.health.word(), theme.glyphs),
        Rich::from(ready),
        count(row.restarts()),
        Rich::of(
            Role::Muted,
            row.since.or(row.created).map(|at| age(at, known.session.now)).unwrap_or_default(),
        ),
        Rich::of(if quiet { Role::Muted } else { Role::Text }, said(known.session, &row.reason)),
    ]
}

fn container_cells(known: &Known, container: &ContainerRow, theme: &Theme) -> [Rich; 6] {
    let (tone, word) = match (&container.problem, container.state) {
        (Some(_), _) => (Tone::Bad, "degraded"),
        (None, Some(ContainerState::Running)) if container.ready => (Tone::Good, "running"),
        (None, Some(ContainerState::Running)) => (Tone::Busy, "running"),
        (None, Some(ContainerState::Waiting)) => (Tone::Busy, "waiting"),
        (None, Some(ContainerState::Terminated)) => (Tone::Good, "ended"),
        (None, None) => (Tone::Unknown, "unknown"),
    };
    let lead = if container.init { "init container " } else { "container " };
    let why = container.problem.clone().unwrap_or_else(|| container.image.clone());
    let role = if container.problem.is_some() { Role::Text } else { Role::Muted };
    [
        Rich::of(Role::Muted, lead).then(Role::Text, &container.name),
        mark(tone, word, theme.glyphs),
        Rich::of(
            Role::Text,
            if container.init {
                ""
            } else if container.ready {
                "yes"
            } else {
                "no"
            },
        ),
        count(container.restarts),
        Rich::of(Role::Muted, container.since.map(|at| age(at, known.session.now)).unwrap_or_default()),
        Rich::of(role, said(known.session, &why)),
    ]
}

fn count(number: i64) -> Rich {
    match number {
        0 => Rich::default(),
        number => Rich::of(Role::Warn, number.to_string()),
    }
}

/// The logs of an object: its own, and those of all pods below it.
pub(super) fn sources_below(known: &Known, objects: &ObjectsSnapshot, at: usize) -> Vec<Source> {
    let depth = objects.rows.get(at).map_or(0, |row| row.depth);
    let below = objects.rows.iter().skip(at + 1).take_while(|row| row.depth > depth);
    objects.rows.get(at).into_iter().chain(below).flat_map(|row| sources(known, row)).collect()
}

/// The containers of a pod whose logs can be read, the one with a problem first.
pub(super) fn sources(known: &Known, row: &ObjectRow) -> Vec<Source> {
    if row.kind != "Pod" {
        return Vec::new();
    }
    let mut containers: Vec<&ContainerRow> = row.containers.iter().collect();
    containers.sort_by_key(|container| (container.problem.is_none(), container.init));
    containers
        .into_iter()
        .map(|container| Source {
            log: LogRef {
                context: known.release.context.clone(),
                namespace: row.namespace.clone(),
                pod: row.name.clone(),
                container: container.name.clone(),
                // A container that waits to be started again said its last words in the life before.
                previous: container.state == Some(ContainerState::Waiting)
                    && container.last_terminated.is_some(),
            },
            note: container.problem.clone().or_else(|| row.phase.clone()).unwrap_or_default(),
        })
        .collect()
}

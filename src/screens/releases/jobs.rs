//! Jobs and schedules of the release: what runs, what ran and how, and what runs next.

use jiff::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::base::time;
use crate::cluster::health::{Batch, Run, RunPhase};
use crate::cluster::objects::jobs::{JobRows, RunRow};
use crate::cluster::objects::{ObjectRow, ObjectsSnapshot};
use crate::operations::Deed;
use crate::session::Command;
use crate::ui::face::Face;
use crate::ui::glyphs::Glyphs;
use crate::ui::table::{Column, Fold, Listed, Row, Size, Table};
use crate::ui::text::{Cut, count};
use crate::ui::theme::Theme;
use crate::ui::tree::{Folds, Node as TreeNode, flatten};
use crate::ui::{ListState, Rich, Role};

use super::foot;
use super::inside::{Known, Wish};
use super::moving;
use super::resources::{key, sources_below};
use super::rows::{age, said};
use super::state::{Tone, mark};

/// Runs of a schedule whose outcome stands in its row.
const OUTCOMES: usize = 5;

/// The view's own state.
#[derive(Debug)]
pub(super) struct Jobs {
    cursor: ListState,
    folds: Folds,
    /// A run that was made here and is not seen yet: namespace and name.
    expected: Option<(String, String)>,
}

/// The object that a deed is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) kind: String,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
}

impl From<&ObjectRow> for Target {
    fn from(row: &ObjectRow) -> Self {
        Self {
            kind: row.kind.clone(),
            namespace: row.namespace.clone(),
            name: row.name.clone(),
            uid: row.uid.clone(),
        }
    }
}

impl Default for Jobs {
    /// Runs are shown below their schedules.
    fn default() -> Self {
        Self { cursor: ListState::default(), folds: Folds::open_to(1), expected: None }
    }
}

/// A row of the list.
struct Node<'k> {
    at: usize,
    row: &'k ObjectRow,
    batch: &'k Batch,
    depth: usize,
    key: String,
    /// Of a schedule its runs, of a job its retries, newest first.
    runs: Vec<RunRow<'k>>,
}

fn nodes<'k>(known: &Known<'k>) -> Vec<Node<'k>> {
    let mut nodes = Vec::new();
    for JobRows { at, row, batch, runs } in known.objects.map(ObjectsSnapshot::jobs).unwrap_or_default() {
        let below = runs.clone();
        nodes.push(Node { at, row, batch, depth: 0, key: key(row), runs });
        nodes.extend(below.into_iter().map(|RunRow { at, row, batch, .. }| Node {
            at,
            row,
            batch,
            depth: 1,
            key: key(row),
            runs: Vec::new(),
        }));
    }
    nodes
}

impl Jobs {
    fn shown<'k>(&self, known: &Known<'k>) -> Vec<(Node<'k>, Fold)> {
        let nodes = nodes(known);
        let tree = nodes.iter().map(|node| TreeNode {
            key: &node.key,
            depth: node.depth,
            branch: !node.runs.is_empty(),
        });
        let visible = flatten(tree, &self.folds, None);
        let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
        visible.into_iter().filter_map(|(at, fold)| Some((nodes.get_mut(at)?.take()?, fold))).collect()
    }

    fn keys(&self, known: &Known) -> Vec<String> {
        self.shown(known).into_iter().map(|(node, _)| node.key).collect()
    }

    /// The object under the cursor.
    pub(super) fn selected<'k>(&self, known: &Known<'k>) -> Option<&'k ObjectRow> {
        self.node(known).map(|node| node.row)
    }

    fn node<'k>(&self, known: &Known<'k>) -> Option<Node<'k>> {
        let key = self.cursor.selected()?;
        nodes(known).into_iter().find(|node| node.key == key)
    }

    /// What a command means at the cursor, and about which object: a schedule, or the run that failed. On a run of a
    /// schedule the others mean that schedule.
    pub(super) fn deed(&self, known: &Known, command: Command) -> Option<(Deed, Target)> {
        let node = self.node(known)?;
        let objects = known.objects?;
        let above = node.row.parent.and_then(|parent| objects.rows.get(parent));
        let schedule = [Some(node.row), above].into_iter().flatten().find_map(|row| {
            let schedule = row.batch.as_ref()?.schedule()?;
            Some((row, schedule)).filter(|(row, _)| !row.uid.is_empty())
        });
        let failed = |run: &Run| run.phase == RunPhase::Failed;
        match command {
            Command::RunJob => schedule.map(|(row, _)| (Deed::Run, row.into())),
            Command::SuspendJob => schedule.map(|(row, schedule)| {
                let deed = if schedule.suspended { Deed::Resume } else { Deed::Suspend };
                (deed, row.into())
            }),
            Command::RetryJob => {
                let row = match node.batch {
                    Batch::Run(run) => Some(node.row).filter(|_| failed(run)),
                    Batch::Schedule(_) => node.runs.first().filter(|run| failed(run.run)).map(|run| run.row),
                };
                row.map(|row| (Deed::Retry, row.into()))
            }
            _ => None,
        }
    }

    /// The cursor goes to this run as soon as it is there.
    pub(super) fn expect(&mut self, namespace: &str, name: &str) {
        self.expected = Some((namespace.to_owned(), name.to_owned()));
    }

    /// Takes the cursor to the run that is expected.
    pub(super) fn sync(&mut self, known: &Known) {
        let Some((namespace, name)) = &self.expected else { return };
        let mut above: Option<String> = None;
        for node in nodes(known) {
            if node.row.kind == "Job" && node.row.namespace == *namespace && node.row.name == *name {
                if let Some(above) = above.filter(|_| node.depth > 0) {
                    self.folds.set(&above, 0, true);
                }
                self.cursor.select(node.key);
                self.expected = None;
                return;
            }
            if node.depth == 0 {
                above = Some(node.key);
            }
        }
    }

    /// `true` on the row that had the cursor already.
    pub(super) fn click(&mut self, known: &Known, at: Position) -> bool {
        let keys = self.keys(known);
        self.cursor.click(keys.as_slice(), at) == Some(true)
    }

    pub(super) fn command(&mut self, known: &Known, command: Command) -> Wish {
        let keys = self.keys(known);
        if moving::rows(&mut self.cursor, &keys, command) {
            return Wish::Nothing;
        }
        let node = self.node(known);
        match (command, node) {
            (Command::Fold, Some(node)) if node.depth == 0 => self.folds.toggle(&node.key),
            (Command::Left, Some(node)) if node.depth == 0 => self.folds.set(&node.key, 0, false),
            (Command::Right, Some(node)) if node.depth == 0 => self.folds.set(&node.key, 0, true),
            (Command::FoldAll, _) => {
                let depth = if self.folds.open_to == 0 { usize::MAX } else { 0 };
                self.folds.reset(depth);
            }
            (Command::Enter | Command::ShowLogs, Some(node)) => return logs(known, &node),
            (Command::RunJob | Command::RetryJob | Command::SuspendJob, _) => {
                return match self.deed(known, command) {
                    Some((deed, target)) => Wish::Job(deed, target),
                    None => Wish::Unhandled,
                };
            }
            _ => return Wish::Unhandled,
        }
        Wish::Nothing
    }

    pub(super) fn view(&mut self, known: &Known, frame: &mut Frame, area: Rect, theme: &Theme) {
        let shown = self.shown(known);
        if shown.is_empty() {
            let face = Face::Empty { why: "this release has neither jobs nor schedules", hint: None };
            face.draw(frame.buffer_mut(), area, theme);
            return;
        }
        let columns = [
            Column { size: Size::Fill { min: 18, share: 2 }, ..Column::fill("job", 18).cut(Cut::Middle) },
            Column::fit("state", 9, 12),
            Column::fit("schedule", 8, 30).spare(3),
            Column::fit("last", 4, 6).right(),
            Column::fit("took", 4, 8).right().spare(1),
            Column::fit("next", 4, 9).right(),
            Column::fit("runs", 4, 5).spare(2),
            Column::fill("why", 16),
        ];
        let rows = shown.into_iter().map(|(node, fold)| {
            let cells = cells(known, &node, theme);
            (node.key, Row::tree(node.depth, fold, cells))
        });
        let rows = Listed(rows.collect());
        let (list, table_foot) = foot::split(area);
        Table::new(&columns, &rows).draw(frame.buffer_mut(), list, &mut self.cursor, theme);
        if let (Some(below), Some(node)) = (table_foot, self.node(known)) {
            let words = Rich::of(Role::Muted, detail(&node, known.session.now));
            foot::draw(frame, below, &words, theme);
        }
    }
}

fn cells(known: &Known, node: &Node, theme: &Theme) -> [Rich; 8] {
    let now = known.session.now;
    let ago = |at: Option<Timestamp>| Rich::from(at.map(|at| age(at, now)).unwrap_or_default());
    let took = |run: &Run| Rich::from(run.took(now).map(time::duration).unwrap_or_default());
    let why = Rich::of(Role::Muted, said(known.session, &node.row.reason));
    let name = Rich::from(said(known.session, &node.row.name));
    match node.batch {
        Batch::Run(run) => [
            name,
            mark(tone(run.phase), run.phase.word(), theme.glyphs),
            Rich::default(),
            ago(run.started.or(node.row.created)),
            took(run),
            Rich::default(),
            outcomes(&node.runs, theme.glyphs),
            why,
        ],
        Batch::Schedule(schedule) => {
            let running = node.runs.iter().any(|run| run.run.phase.is_at_work());
            let (tone, word) = match Tone::from(node.row.health) {
                _ if running => (Tone::Busy, "running"),
                Tone::Good => (Tone::Good, "waiting"),
                tone => (tone, node.row.health.word()),
            };
            [
                name,
                mark(tone, word, theme.glyphs),
                Rich::of(Role::Muted, said(known.session, &schedule.to_string())),
                ago(schedule.last_scheduled),
                node.runs.first().map(|run| took(run.run)).unwrap_or_default(),
                Rich::from(schedule.next(now).map(|next| until(next, now)).unwrap_or_default()),
                outcomes(&node.runs, theme.glyphs),
                why,
            ]
        }
    }
}

/// `in 5h12m`.
fn until(next: Timestamp, now: Timestamp) -> String {
    std::time::Duration::try_from(next.duration_since(now)).map_or_else(|_| "now".to_owned(), time::duration)
}

/// How the last runs went, newest first.
fn outcomes(runs: &[RunRow], glyphs: &Glyphs) -> Rich {
    runs.iter().take(OUTCOMES).fold(Rich::default(), |line, run| {
        let tone = tone(run.run.phase);
        line.then(tone.role(), tone.glyph(glyphs))
    })
}

fn tone(phase: RunPhase) -> Tone {
    match phase {
        RunPhase::Pending | RunPhase::Running => Tone::Busy,
        RunPhase::Suspended => Tone::Paused,
        RunPhase::Failed => Tone::Bad,
        RunPhase::Succeeded => Tone::Good,
    }
}

/// The times of what is under the cursor, whole.
fn detail(node: &Node, now: Timestamp) -> String {
    let when = |word: &str, at: Option<Timestamp>| at.map(|at| format!("{word} {}", time::absolute(at)));
    let parts = match node.batch {
        Batch::Run(run) => vec![
            when("started", run.started),
            when("ended", run.ended),
            usize::try_from(run.failed)
                .ok()
                .filter(|failed| *failed > 0)
                .map(|failed| format!("{} failed", count(failed, "pod"))),
        ],
        Batch::Schedule(schedule) => vec![
            when("next run", schedule.next(now)),
            schedule.suspended.then(|| "suspended: nothing runs by itself".to_owned()),
            when("last success", schedule.last_successful),
        ],
    };
    parts.into_iter().flatten().collect::<Vec<_>>().join("   ")
}

/// The logs of a run's pods; of a schedule, those of its newest run.
fn logs(known: &Known, node: &Node) -> Wish {
    let Some(objects) = known.objects else { return Wish::Nothing };
    let at = match node.batch {
        Batch::Run(_) => Some(node.at),
        Batch::Schedule(_) => node.runs.first().map(|run| run.at),
    };
    let found = at.map(|at| sources_below(known, objects, at)).unwrap_or_default();
    if found.is_empty() {
        Wish::Say(format!("{} has no pods now", node.row.title()))
    } else {
        Wish::Logs(found)
    }
}

//! A set of changes on the screen: objects with consequence on one side, hunks on the other. Used by Diff and by a
//! plan in Run, so that a change reads the same wherever it stands.

use std::sync::Arc;

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::manifest::{Change, ChangeKind, ChangeSet, Consequence, LineKind, ObjectId, text_diff};
use crate::session::Command;
use crate::ui::chrome::Pane;
use crate::ui::diff_view::{DiffLine, DiffObject, DiffState, DiffView, Hunk, Side};
use crate::ui::table::{Column, Listed, Row, Table};
use crate::ui::text::Cut;
use crate::ui::{Filter, ListState, Rich, Role, layout};
use crate::yaml::{KeyPath, Spans};

use super::Look;

/// What stands around the list.
#[derive(Debug, Default)]
pub(super) struct Head {
    pub title: Rich,
    /// What the changes are worth, on the lower border.
    pub worth: Rich,
}

/// More lines of one hunk say nothing more about where it comes from.
const MOST_FIELDS: usize = 200;

/// What is asked about a hunk.
#[derive(Debug)]
pub(super) struct HunkFields {
    pub object: ObjectId,
    /// Where the hunk is.
    pub path: String,
    /// They are fields of the object after the change.
    pub is_after: bool,
    /// Each with the text of its line.
    pub fields: Vec<(KeyPath, String)>,
}

/// The two panes and their cursors.
#[derive(Debug, Default)]
pub(super) struct Changes {
    set: Arc<ChangeSet>,
    objects: Vec<DiffObject>,
    rows: Listed,
    list: ListState,
    diff: DiffState,
    filter: Filter,
    /// Where the last frame drew list and text, for the mouse.
    list_area: Rect,
    text_area: Rect,
    /// The text has the focus, or is the one that is shown where only one fits.
    pub in_text: bool,
}

impl Changes {
    /// Shows another set; cursors stay on their objects where these still are.
    pub(super) fn set(&mut self, set: Arc<ChangeSet>) {
        if Arc::ptr_eq(&self.set, &set) {
            return;
        }
        self.objects = objects(&set);
        self.set = set;
        self.refresh();
    }

    /// What is shown.
    pub(super) fn get(&self) -> &Arc<ChangeSet> {
        &self.set
    }

    /// Narrows the list.
    pub(super) fn filter(&mut self, filter: Filter) {
        self.filter = filter;
        self.refresh();
    }

    /// The filter.
    pub(super) fn filter_text(&self) -> &str {
        self.filter.text()
    }

    /// `/web  3 of 14`, when there is a filter.
    pub(super) fn filter_summary(&self) -> Option<String> {
        crate::ui::filter::summary(&self.filter, self.rows.0.len(), self.set.changes.len())
    }

    /// The mouse: the wheel scrolls, a click puts the cursor and the focus there. `false` when it hit nothing.
    pub(super) fn mouse(&mut self, mouse: MouseEvent) -> bool {
        let at = Position::new(mouse.column, mouse.row);
        let (in_list, in_text) = (self.list_area.contains(at), self.text_area.contains(at));
        match mouse.kind {
            MouseEventKind::ScrollDown if in_list => self.step(3),
            MouseEventKind::ScrollUp if in_list => self.step(-3),
            MouseEventKind::ScrollDown if in_text => self.diff.scroll(3),
            MouseEventKind::ScrollUp if in_text => self.diff.scroll(-3),
            MouseEventKind::Down(MouseButton::Left) if in_text => self.in_text = true,
            MouseEventKind::Down(MouseButton::Left) if in_list => {
                self.in_text = false;
                let index = self.list.offset() + usize::from(at.y - self.list_area.y);
                if index < self.rows.0.len() {
                    self.list.put(&self.rows, index);
                    self.follow_list();
                }
            }
            _ => return false,
        }
        true
    }

    fn refresh(&mut self) {
        self.rows = Listed(
            self.set
                .changes
                .iter()
                .filter(|change| self.filter.is_empty() || matches(&self.filter, change))
                .map(|change| (key(change), row(change)))
                .collect(),
        );
        self.list.sync(&self.rows);
        self.follow_list();
    }

    fn follow_list(&mut self) {
        if let Some(key) = self.list.selected().map(str::to_owned) {
            self.diff.select(&self.objects, &key);
        }
    }

    fn follow_text(&mut self) {
        if let Some((object, _)) = self.diff.position(&self.objects)
            && let Some(object) = self.objects.get(object)
        {
            self.list.select(object.key.clone());
            self.list.sync(&self.rows);
        }
    }

    /// The change under the cursor.
    pub(super) fn selected(&self) -> Option<&Change> {
        let selected = self.list.selected()?;
        self.set.changes.iter().find(|change| key(change) == selected)
    }

    /// Text of the hunk under the cursor, for copying.
    pub(super) fn hunk_text(&self) -> Option<String> {
        let (object, hunk) = self.diff.position(&self.objects)?;
        let hunk = self.objects.get(object)?.hunks.get(hunk)?;
        let mark = |side: Side| match side {
            Side::Both => ' ',
            Side::Before => '-',
            Side::After => '+',
        };
        let mut text = String::new();
        for line in &hunk.lines {
            text.push(mark(line.side));
            text.push_str(&line.text.text());
            text.push('\n');
        }
        Some(text)
    }

    /// The fields of the hunk under the cursor: those that are there after, or, when none is, those that were before.
    pub(super) fn hunk_fields(&self) -> Option<HunkFields> {
        let (object, hunk) = self.diff.position(&self.objects)?;
        let key_of = &self.objects.get(object)?.key;
        let change = self.set.changes.iter().find(|change| key(change) == *key_of)?;
        let (before, after) = (change.before.as_deref().unwrap_or(""), change.after.as_deref().unwrap_or(""));
        // Not the hunk that is drawn: the same change in several objects is drawn in the first alone.
        let hunk = text_diff(before, after).into_iter().nth(hunk)?;
        let is_after = hunk.counts().0 > 0;
        let (kind, text) = if is_after { (LineKind::Added, after) } else { (LineKind::Removed, before) };
        let spans = Spans::of(text);
        let fields =
            hunk.lines.iter().filter(|line| line.kind == kind).take(MOST_FIELDS).filter_map(|line| {
                let number = if is_after { line.new_no } else { line.old_no };
                Some((spans.path_at(number?), line.text()))
            });
        let fields = fields.collect();
        Some(HunkFields { object: change.id.clone(), path: hunk.path, is_after, fields })
    }

    /// Handles what moves inside the two panes; `false` when the command means nothing here.
    pub(super) fn command(&mut self, command: Command) -> bool {
        match command {
            Command::NextHunk => {
                self.diff.step_hunk(&self.objects, true);
                self.follow_text();
            }
            Command::PreviousHunk => {
                self.diff.step_hunk(&self.objects, false);
                self.follow_text();
            }
            Command::Fold => self.diff.toggle_reviewed(&self.objects),
            Command::FoldAll => self.diff.toggle_fold(&self.objects),
            Command::Enter if !self.in_text => self.in_text = true,
            Command::Back if self.in_text => self.in_text = false,
            Command::PaneNext | Command::PanePrevious => self.in_text = !self.in_text,
            Command::Up if self.in_text => self.diff.scroll(-1),
            Command::Down if self.in_text => self.diff.scroll(1),
            Command::Left if self.in_text => self.diff.shift(-4),
            Command::Right if self.in_text => self.diff.shift(4),
            Command::PageUp if self.in_text => self.diff.page(-1),
            Command::PageDown if self.in_text => self.diff.page(1),
            Command::PreviousObject | Command::Up => self.step(-1),
            Command::NextObject | Command::Down => self.step(1),
            Command::PageUp => {
                self.list.page(&self.rows, -1);
                self.follow_list();
            }
            Command::PageDown => {
                self.list.page(&self.rows, 1);
                self.follow_list();
            }
            Command::Top => {
                self.list.first(&self.rows);
                self.follow_list();
            }
            Command::Bottom => {
                self.list.last(&self.rows);
                self.follow_list();
            }
            _ => return false,
        }
        true
    }

    fn step(&mut self, by: isize) {
        self.list.step(&self.rows, by);
        self.follow_list();
    }

    /// Draws list and text, side by side where there is room.
    pub(super) fn view(
        &mut self,
        head: &Head,
        focused: bool,
        stale: bool,
        frame: &mut Frame,
        area: Rect,
        look: &Look,
    ) {
        (self.list_area, self.text_area) = (Rect::ZERO, Rect::ZERO);
        let (list, text) = if look.zoomed {
            if self.in_text { (None, Some(area)) } else { (Some(area), None) }
        } else {
            layout::alternate(area, 40, self.in_text)
        };
        if let Some(area) = list {
            let count = Rich::of(Role::Muted, self.set.headline());
            let notes = Rich::of(Role::Muted, self.set.footnotes().join(", "));
            let between = if notes.is_empty() || head.worth.is_empty() { "" } else { " · " };
            let foot = notes.then(Role::Muted, between).join(head.worth.clone());
            let pane = Pane::new(head.title.clone())
                .note(count)
                .foot(foot)
                .focused(focused && !self.in_text)
                .zoomed(look.zoomed);
            let inner = pane.draw(frame.buffer_mut(), area, look.theme);
            self.list_area = inner;
            // Names of one release begin alike, so they are cut at the start.
            let name = Column::fit("object", 16, (inner.width / 2).max(16)).cut(Cut::Start);
            let columns =
                [Column::fit("", 1, 1), Column::fit("kind", 6, 14), name, Column::fill("consequence", 14)];
            let rows = if stale { dimmed(&self.rows) } else { self.rows.clone() };
            Table::new(&columns, &rows).focused(focused && !self.in_text).headless().draw(
                frame.buffer_mut(),
                inner,
                &mut self.list,
                look.theme,
            );
        }
        if let Some(area) = text {
            let object = self.diff.position(&self.objects).and_then(|(object, _)| self.objects.get(object));
            let title = object.map_or_else(Rich::default, |object| object.title.clone());
            let note = Rich::of(Role::Muted, self.diff.summary(&self.objects).unwrap_or_default());
            let pane = Pane::new(title).note(note).focused(focused && self.in_text).zoomed(look.zoomed);
            let inner = pane.draw(frame.buffer_mut(), area, look.theme);
            self.text_area = inner;
            let view = DiffView { objects: &self.objects, focused: focused && self.in_text, titles: true };
            view.draw(frame.buffer_mut(), inner, &mut self.diff, look.theme);
        }
    }
}

fn dimmed(rows: &Listed) -> Listed {
    Listed(rows.0.iter().map(|(key, row)| (key.clone(), row.clone().dimmed(true))).collect())
}

fn key(change: &Change) -> String {
    format!("{}/{}/{}", change.id.kind, change.id.namespace.as_deref().unwrap_or_default(), change.id.name)
}

fn matches(filter: &Filter, change: &Change) -> bool {
    let whole = format!("{} {} {}", change.id.kind, change.id.name, change.summary);
    filter
        .matches_fields(&whole, |field| match field {
            "kind" => Some(change.id.kind.clone().into()),
            "name" => Some(change.id.name.clone().into()),
            "what" => Some(change.consequence.word().into()),
            _ => None,
        })
        .is_some()
}

/// The colour of a consequence; its word stands beside it.
pub(super) fn role_of(consequence: Consequence) -> Role {
    match consequence {
        Consequence::DataAtRisk | Consequence::Immutable | Consequence::Conflict => Role::Bad,
        Consequence::Recreate | Consequence::RollingRestart => Role::Warn,
        Consequence::Scale | Consequence::InPlace | Consequence::HookRuns => Role::Changed,
        Consequence::None => Role::Muted,
    }
}

fn row(change: &Change) -> Row {
    let (role, mark) = match change.kind {
        ChangeKind::Added => (Role::Added, "+"),
        ChangeKind::Removed => (Role::Removed, "-"),
        ChangeKind::Changed => (Role::Changed, "~"),
    };
    let summary = Rich::of(role_of(change.consequence), &change.summary);
    Row::new([
        Rich::of(role, mark),
        Rich::of(Role::Muted, &change.id.kind),
        Rich::of(Role::Text, &change.id.name),
        summary,
    ])
}

/// The hunks of every changed object. The same hunk in several objects is shown once, in the first.
fn objects(set: &ChangeSet) -> Vec<DiffObject> {
    let groups = set.groups();
    let repeated = |index: usize| {
        groups.iter().find(|group| group.members.contains(&index)).and_then(|group| {
            let label = group.label()?;
            let first = *group.members.first()?;
            // The lines stand once, in the first; the others name it.
            Some(if first == index {
                (true, label)
            } else {
                let shown = set.changes.get(first).map(|change| change.id.name.as_str()).unwrap_or_default();
                (false, format!("{label}, shown in {shown}"))
            })
        })
    };
    set.changes
        .iter()
        .enumerate()
        .map(|(index, change)| {
            let (before, after) =
                (change.before.as_deref().unwrap_or(""), change.after.as_deref().unwrap_or(""));
            let note = repeated(index);
            let hunks = text_diff(before, after)
                .into_iter()
                .enumerate()
                .map(|(number, hunk)| Hunk {
                    key: format!("{number}:{}", hunk.path),
                    path: hunk.path.clone(),
                    note: note.as_ref().map(|(_, label)| label.clone()).unwrap_or_default(),
                    lines: match &note {
                        Some((false, _)) => Vec::new(),
                        _ => hunk.lines.iter().map(line).collect(),
                    },
                })
                .collect();
            let mut title = Rich::of(Role::Title, format!("{} {}", change.id.kind, change.id.name))
                .then(role_of(change.consequence), format!("  {}", change.summary));
            for note in &change.notes {
                title.push(Role::Muted, format!("  {note}"));
            }
            DiffObject { key: key(change), title, hunks }
        })
        .collect()
}

fn line(line: &crate::manifest::DiffLine) -> DiffLine {
    let (side, plain, word) = match line.kind {
        LineKind::Context => (Side::Both, Role::Text, Role::Text),
        LineKind::Added => (Side::After, Role::Added, Role::AddedWord),
        LineKind::Removed => (Side::Before, Role::Removed, Role::RemovedWord),
    };
    let mut text = Rich::default();
    for span in &line.spans {
        text.push(if span.emphasised { word } else { plain }, &span.text);
    }
    DiffLine { side, before: line.old_no, after: line.new_no, text }
}

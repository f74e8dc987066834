//! Hooks and tests of the last revision: when each runs, and how its last run went.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::base::time;
use crate::helm::record::{HookPhase, HookRecord, HookRun};
use crate::session::Command;
use crate::ui::face::Face;
use crate::ui::table::{Column, Listed, Row, Table};
use crate::ui::theme::Theme;
use crate::ui::{ListState, Rich, Role};

use super::inside::{Known, Wish};
use super::moving;
use super::resources::sources_below;
use super::rows::{age, said};
use super::state::{Tone, mark};

/// The view's own state.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    cursor: ListState,
}

fn key(hook: &HookRecord) -> String {
    format!("{}/{}", hook.kind, hook.name)
}

fn hooks<'k>(known: &Known<'k>) -> Vec<&'k HookRecord> {
    let mut hooks: Vec<&HookRecord> =
        known.record.map(|record| record.hooks.iter().collect()).unwrap_or_default();
    hooks.sort_by_key(|hook| (hook.is_test(), hook.weight));
    hooks
}

impl Hooks {
    pub(super) fn selected<'k>(&self, known: &Known<'k>) -> Option<&'k HookRecord> {
        let wanted = self.cursor.selected()?;
        hooks(known).into_iter().find(|hook| key(hook) == wanted)
    }

    /// `true` on the row that had the cursor already.
    pub(super) fn click(&mut self, known: &Known, at: Position) -> bool {
        let keys: Vec<String> = hooks(known).into_iter().map(key).collect();
        self.cursor.click(keys.as_slice(), at) == Some(true)
    }

    pub(super) fn command(&mut self, known: &Known, command: Command) -> Wish {
        let keys: Vec<String> = hooks(known).into_iter().map(key).collect();
        if moving::rows(&mut self.cursor, &keys, command) {
            return Wish::Nothing;
        }
        match command {
            Command::Enter | Command::ShowLogs => match self.selected(known) {
                Some(hook) => logs(known, hook),
                None => Wish::Nothing,
            },
            _ => Wish::Unhandled,
        }
    }

    pub(super) fn view(&mut self, known: &Known, frame: &mut Frame, area: Rect, theme: &Theme) {
        let hooks = hooks(known);
        if hooks.is_empty() {
            let face = Face::Empty { why: "this revision has neither hooks nor tests", hint: None };
            face.draw(frame.buffer_mut(), area, theme);
            return;
        }
        let columns = [
            Column::fit("name", 12, 40).cut(crate::ui::text::Cut::Middle),
            Column::fit("kind", 3, 16),
            Column::fit("event", 6, 34),
            Column::fit("weight", 6, 6).right().spare(2),
            Column::fit("last run", 9, 14),
            Column::fit("ago", 3, 5).right(),
            Column::fit("took", 4, 8).right(),
            Column::fill("deleted", 10).spare(1),
        ];
        let rows = hooks.into_iter().map(|hook| {
            let run = &hook.last_run;
            let row = Row::new([
                Rich::from(said(known.session, &hook.name)),
                Rich::of(Role::Muted, said(known.session, &hook.kind)),
                Rich::from(said(known.session, &hook.events.join(", "))),
                Rich::of(Role::Muted, hook.weight.to_string()),
                mark(Tone::from(run.phase), run.phase.word(), theme.glyphs),
                Rich::from(run.started.map(|at| age(at, known.session.now)).unwrap_or_default()),
                Rich::from(took(run, known)),
                Rich::of(Role::Muted, said(known.session, &hook.delete_policies.join(", "))),
            ]);
            (key(hook), row)
        });
        let rows = Listed(rows.collect());
        Table::new(&columns, &rows).draw(frame.buffer_mut(), area, &mut self.cursor, theme);
    }
}

fn took(run: &HookRun, known: &Known) -> String {
    let end = match run.phase {
        HookPhase::Running => Some(known.session.now),
        _ => run.completed,
    };
    run.started
        .zip(end)
        .and_then(|(start, end)| Duration::try_from(end.duration_since(start)).ok())
        .map(time::duration)
        .unwrap_or_default()
}

/// The logs of a hook's pods, as long as they are there.
fn logs(known: &Known, hook: &HookRecord) -> Wish {
    let Some(objects) = known.objects else { return Wish::Nothing };
    let root =
        objects.rows.iter().position(|row| row.depth == 0 && row.kind == hook.kind && row.name == hook.name);
    let Some(root) = root else {
        return Wish::Say(format!(
            "{} {} is gone: its delete policy removed it, and its logs with it",
            hook.kind, hook.name
        ));
    };
    let found = sources_below(known, objects, root);
    if found.is_empty() { Wish::Say(format!("{} has no pods now", hook.name)) } else { Wish::Logs(found) }
}

//! The components of the release: its workloads, each with how many are wanted, ready and available, and how it does.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::cluster::objects::components::Component;
use crate::session::Command;
use crate::ui::face::Face;
use crate::ui::table::{Column, Listed, Row, Size, Table};
use crate::ui::text::Cut;
use crate::ui::theme::Theme;
use crate::ui::{ListState, Rich, Role};

use super::foot;
use super::inside::{Known, Wish};
use super::moving;
use super::resources::{key, sources_below};
use super::rows::said;
use super::state::{Tone, mark};

/// The view's own state.
#[derive(Debug, Default)]
pub(super) struct Components {
    cursor: ListState,
}

fn rows<'k>(known: &Known<'k>) -> Vec<Component<'k>> {
    let mut rows =
        known.objects.map(|objects| objects.components(&known.release.release)).unwrap_or_default();
    // Stable: those of one health keep the snapshot's order.
    rows.sort_by_key(|component| component.row.health);
    rows
}

impl Components {
    /// The component under the cursor.
    pub(super) fn selected<'k>(&self, known: &Known<'k>) -> Option<Component<'k>> {
        let selected = self.cursor.selected()?;
        rows(known).into_iter().find(|component| key(component.row) == selected)
    }

    fn keys(known: &Known) -> Vec<String> {
        rows(known).iter().map(|component| key(component.row)).collect()
    }

    /// `true` on the row that had the cursor already.
    pub(super) fn click(&mut self, known: &Known, at: Position) -> bool {
        self.cursor.click(Self::keys(known).as_slice(), at) == Some(true)
    }

    /// `Enter` goes to its objects, `l` to the logs of its pods.
    pub(super) fn command(&mut self, known: &Known, command: Command) -> Wish {
        if moving::rows(&mut self.cursor, &Self::keys(known), command) {
            return Wish::Nothing;
        }
        let Some((component, objects)) = self.selected(known).zip(known.objects) else {
            return Wish::Unhandled;
        };
        match command {
            Command::Enter => Wish::Jump(key(component.row)),
            Command::ShowLogs => {
                let at = objects.rows.iter().position(|row| std::ptr::eq(row, component.row));
                let sources = at.map(|at| sources_below(known, objects, at)).unwrap_or_default();
                if sources.is_empty() {
                    Wish::Say(format!("{} has no pods, so there are no logs", component.row.title()))
                } else {
                    Wish::Logs(sources)
                }
            }
            _ => Wish::Unhandled,
        }
    }

    pub(super) fn view(&mut self, known: &Known, frame: &mut Frame, area: Rect, theme: &Theme) {
        let shown = rows(known);
        if shown.is_empty() {
            let face = Face::Empty { why: "this release has no workloads", hint: None };
            face.draw(frame.buffer_mut(), area, theme);
            return;
        }
        let columns = [
            Column {
                size: Size::Fill { min: 16, share: 2 },
                ..Column::fill("component", 16).cut(Cut::Middle)
            },
            Column::fit("type", 4, 11),
            Column::fit("desired", 7, 7).right(),
            Column::fit("ready", 5, 5).right(),
            Column::fit("available", 9, 9).right(),
            Column::fit("health", 9, 13),
            Column { size: Size::Fill { min: 12, share: 3 }, ..Column::fill("why", 12) },
        ];
        let rows = shown.iter().map(|component| {
            let (model, row) = (&component.model, component.row);
            let counts = model.replicas;
            let short = |count: i64| {
                let role = if count < counts.desired { Role::Warn } else { Role::Text };
                Rich::of(role, count.to_string())
            };
            let cells = [
                Rich::from(said(known.session, &model.name)),
                Rich::of(Role::Muted, model.kind.word()),
                Rich::from(counts.desired.to_string()),
                short(counts.ready),
                short(counts.available),
                mark(Tone::from(row.health), row.health.word(), theme.glyphs),
                Rich::of(Role::Muted, said(known.session, &row.reason)),
            ];
            (key(row), Row::new(cells))
        });
        let rows = Listed(rows.collect());
        let (list, table_foot) = foot::split(area);
        Table::new(&columns, &rows).draw(frame.buffer_mut(), list, &mut self.cursor, theme);
        if let (Some(below), Some(component)) = (table_foot, self.selected(known)) {
            let row = component.row;
            let words = Rich::of(Role::Text, said(known.session, &row.title()))
                .then(Role::Muted, format!("   {}", said(known.session, &row.reason)));
            foot::draw(frame, below, &words, theme);
        }
    }
}

//! What controllers and kubelets say about the objects of a release, newest first.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};

use crate::base::time;
use crate::cluster::events::EventRow;
use crate::session::Command;
use crate::ui::face::Face;
use crate::ui::table::{Column, Listed, Row, Table};
use crate::ui::theme::Theme;
use crate::ui::{ListState, Rich, Role, layout, text};

use super::inside::{Known, Wish};
use super::moving;
use super::rows::{age, said};
use super::search::Search;

/// The view's own state.
#[derive(Debug, Default)]
pub(super) struct Events {
    cursor: ListState,
    /// Shown and all, for the pane's note.
    pub(super) shown: (usize, usize),
}

fn key(event: &EventRow) -> String {
    format!("{} {} {} {} {}", event.uid, event.kind, event.name, event.reason, event.message)
}

fn rows<'k>(known: &Known<'k>, search: &Search) -> Vec<&'k EventRow> {
    let Some(objects) = known.objects else { return Vec::new() };
    let fits = |event: &&EventRow| {
        let whole = format!("{} {} {} {}", event.kind, event.name, event.reason, event.message);
        search
            .filter
            .matches_fields(&whole, |field| match field {
                "kind" => Some(event.kind.as_str().into()),
                "name" => Some(event.name.as_str().into()),
                "reason" => Some(event.reason.as_str().into()),
                "type" => Some(if event.warning { "warning" } else { "normal" }.into()),
                _ => None,
            })
            .is_some()
    };
    objects.events.iter().filter(fits).collect()
}

impl Events {
    pub(super) fn selected<'k>(&self, known: &Known<'k>, search: &Search) -> Option<&'k EventRow> {
        let wanted = self.cursor.selected()?;
        rows(known, search).into_iter().find(|event| key(event) == wanted)
    }

    /// `true` on the row that had the cursor already.
    pub(super) fn click(&mut self, known: &Known, search: &Search, at: Position) -> bool {
        let keys: Vec<String> = rows(known, search).into_iter().map(key).collect();
        self.cursor.click(keys.as_slice(), at) == Some(true)
    }

    pub(super) fn command(&mut self, known: &Known, search: &Search, command: Command) -> Wish {
        let keys: Vec<String> = rows(known, search).into_iter().map(key).collect();
        if moving::rows(&mut self.cursor, &keys, command) {
            return Wish::Nothing;
        }
        match (command, self.selected(known, search)) {
            (Command::Enter, Some(event)) => {
                let row = known
                    .objects
                    .and_then(|o| o.rows.iter().find(|row| row.uid == event.uid && !row.uid.is_empty()));
                match row {
                    Some(row) => Wish::Jump(super::resources::key(row)),
                    None => Wish::Say(format!("{} {} is gone", event.kind, event.name)),
                }
            }
            _ => Wish::Unhandled,
        }
    }

    pub(super) fn view(
        &mut self,
        known: &Known,
        search: &Search,
        frame: &mut Frame,
        area: Rect,
        theme: &Theme,
    ) {
        let events = rows(known, search);
        self.shown = (events.len(), known.objects.map_or(0, |objects| objects.events.len()));
        let buf = frame.buffer_mut();
        if events.is_empty() {
            let (why, hint) = if search.is_empty() {
                ("no events: the cluster keeps them for an hour or so", None)
            } else {
                ("no event matches", Some(("Esc", "clear the filter")))
            };
            Face::Empty { why, hint }.draw(buf, area, theme);
            return;
        }
        let (upper, lower) = match layout::rows(area, 75, 5, 4) {
            Some((upper, lower)) => (upper, Some(lower)),
            None => (area, None),
        };
        let columns = [
            Column::fit("last", 4, 5).right(),
            Column::fit("count", 5, 5).right().spare(2),
            Column::fit("reason", 8, 22),
            Column::fit("object", 12, 44).cut(text::Cut::Middle),
            Column::fill("message", 16),
        ];
        let listed = events.iter().map(|event| {
            let role = if event.warning { Role::Warn } else { Role::Text };
            let row = Row::new([
                Rich::from(event.at.map(|at| age(at, known.session.now)).unwrap_or_default()),
                Rich::of(Role::Muted, event.count.to_string()),
                Rich::of(
                    role,
                    if event.warning {
                        format!("{} {}", theme.glyphs.warn, event.reason)
                    } else {
                        event.reason.clone()
                    },
                ),
                Rich::of(Role::Muted, format!("{} ", event.kind)).then(Role::Text, &event.name),
                Rich::from(said(known.session, &event.message)),
            ]);
            (key(event), row)
        });
        let listed = Listed(listed.collect());
        Table::new(&columns, &listed).draw(buf, upper, &mut self.cursor, theme);
        let (Some(lower), Some(event)) = (lower, self.selected(known, search)) else { return };
        let mut lines = Vec::new();
        let rule = theme.glyphs.border.horizontal_top.repeat(usize::from(lower.width));
        lines.push(Rich::of(Role::Border, rule));
        let mut head = Rich::of(Role::Title, format!("{} {}", event.kind, event.name));
        if let Some(at) = event.at {
            head.push(Role::Muted, format!("   {}", time::absolute(at)));
        }
        head.push(
            Role::Muted,
            format!(
                "   {} by {}",
                text::count(usize::try_from(event.count).unwrap_or(1), "time"),
                event.source
            ),
        );
        lines.push(head);
        let message = known.session.redactor.text(&event.message);
        lines.extend(text::wrap(&message, usize::from(lower.width)).into_iter().map(Rich::from));
        for (line, y) in lines.iter().zip(lower.top()..lower.bottom()) {
            line.draw(buf, (lower.x, y), lower.width, theme, None);
        }
    }
}

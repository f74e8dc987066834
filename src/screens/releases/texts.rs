//! Values, manifest and notes: texts made once for each record and read with search, wrapping and copying.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::base::text::neutralise;
use crate::screens::{highlight, scroll_text};
use crate::session::Command;
use crate::ui::text_view::{TextState, TextView};
use crate::ui::theme::Theme;
use crate::ui::{Rich, Role};
use crate::yaml::{self, KeyPath};

use super::applied::Applied;
use super::inside::Known;
use super::search::Search;

/// A text with its position.
#[derive(Debug, Default)]
pub(super) struct Text {
    /// What the lines were made for.
    made_for: Option<String>,
    lines: Vec<Rich>,
    state: TextState,
}

impl Text {
    /// Makes the lines again if they were made for something else; the position stays.
    pub(super) fn make(&mut self, stamp: String, lines: impl FnOnce() -> Vec<Rich>) {
        if self.made_for.as_ref() != Some(&stamp) {
            self.lines = lines();
            self.made_for = Some(stamp);
        }
    }

    /// Scrolls or searches. `false` for other commands.
    pub(super) fn command(&mut self, command: Command, search: &Search) -> bool {
        match command {
            Command::NextMatch => self.find(search, true),
            Command::PreviousMatch => self.find(search, false),
            _ => return scroll_text(&mut self.state, &self.lines, command),
        }
        true
    }

    /// Goes to the next line that the search names.
    pub(super) fn find(&mut self, search: &Search, forward: bool) {
        self.state.find(&self.lines, &search.filter, forward);
    }

    /// The whole text as it is shown, for copying.
    pub(super) fn whole(&self) -> String {
        self.lines.iter().map(|line| line.text() + "\n").collect()
    }

    pub(super) fn view(
        &mut self,
        frame: &mut Frame,
        area: Rect,
        search: &Search,
        numbers: bool,
        theme: &Theme,
    ) {
        let mut view = TextView::new(&self.lines).search(&search.filter);
        view.numbers = numbers;
        view.draw(frame.buffer_mut(), area, &mut self.state, theme);
    }
}

/// The values that the revision was given, and which of them differ from the workspace.
pub(super) fn values(known: &Known, applied: &Applied) -> Vec<Rich> {
    let Some(record) = known.record else { return Vec::new() };
    let mut lines = Vec::new();
    let head = format!(
        "the values that revision {} was given (files and --set, without the chart's own)",
        record.revision
    );
    lines.push(Rich::of(Role::YamlComment, format!("# {head}")));
    match applied {
        Applied::Unknown => {}
        Applied::Same => lines.push(Rich::of(Role::YamlComment, "# the workspace has the same")),
        Applied::Differs { files, values, .. } => {
            lines.extend(
                files.iter().map(|file| Rich::of(Role::Changed, format!("# {file} is another here"))),
            );
            lines.push(Rich::of(
                Role::Changed,
                format!("# {} from the workspace:", count_differ(values.len())),
            ));
            lines.extend(values.iter().map(|path| Rich::of(Role::Changed, format!("#   {path}"))));
        }
    }
    lines.push(Rich::default());
    let empty = record.config.as_object().is_none_or(serde_json::Map::is_empty);
    if empty {
        lines.push(Rich::of(Role::Muted, "none: it runs on the chart's own values"));
        return lines;
    }
    let shown = known.session.redactor.value(&KeyPath::root(), &record.config);
    lines.extend(coloured(&neutralise(&yaml::write(&shown))));
    lines
}

fn count_differ(count: usize) -> String {
    if count == 1 { "1 value differs".to_owned() } else { format!("{count} values differ") }
}

/// The rendered objects, Secrets masked.
pub(super) fn manifest(known: &Known) -> Vec<Rich> {
    known
        .record
        .map(|record| coloured(&neutralise(&known.session.redactor.manifest(&record.manifest))))
        .unwrap_or_default()
}

/// What the chart's author says after an install.
pub(super) fn notes(known: &Known) -> Vec<Rich> {
    let Some(record) = known.record else { return Vec::new() };
    let notes = neutralise(&known.session.redactor.text(&record.notes)).into_owned();
    if notes.trim().is_empty() {
        return vec![Rich::of(Role::Muted, "the chart has no notes")];
    }
    notes.lines().map(Rich::from).collect()
}

fn coloured(text: &str) -> Vec<Rich> {
    let spans = highlight(text);
    let empty = Vec::new();
    text.lines()
        .enumerate()
        .map(|(index, line)| Rich::from_spans(line, spans.get(index).unwrap_or(&empty)))
        .collect()
}

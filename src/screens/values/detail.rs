//! The right side of Values: the schema of the key under the cursor, every layer that sets it, and what the
//! unsaved text would do to each environment.

use ratatui::Frame;
use ratatui::layout::Rect;

use crate::helm::Verdict;
use crate::manifest::ChangeKind;
use crate::screens::{Look, elapsed, relative};
use crate::session::{EnvironmentView, Preview, PreviewState, Session};
use crate::ui::chrome::Pane;
use crate::ui::glyphs::Glyphs;
use crate::ui::{Rich, Role, layout, text};
use crate::values::{LayerKind, Origin};

use super::tree::{self, Node};

/// Who reads a key.
#[derive(Debug, Default)]
pub(super) struct Readers {
    /// From a rendering; else the templates were searched for its name.
    pub known: bool,
    /// `templates/web.yaml:9`.
    pub places: Vec<String>,
}

/// What the right side shows.
pub(super) struct Detail<'a> {
    pub session: &'a Session,
    pub node: Option<&'a Node>,
    pub column: usize,
    pub focused: bool,
    /// Places in the templates that read the key, or name it as long as that is not known.
    pub readers: &'a Readers,
}

impl Detail<'_> {
    pub(super) fn view(&self, offset: &mut usize, frame: &mut Frame, area: Rect, look: &Look) {
        let session = self.session;
        let (upper, lower) = layout::rows(area, 52, 7, 6).unwrap_or((area, Rect::ZERO));
        let title = self.node.map_or_else(|| "Key".to_owned(), |node| node.key.clone());
        let pane = Pane::new(title).focused(self.focused).zoomed(look.zoomed);
        let room = pane.clone().draw(frame.buffer_mut(), upper, look.theme);
        let width = usize::from(room.width);
        let lines = self
            .node
            .map(|node| key_lines(session, node, self.column, self.readers, width))
            .unwrap_or_default();
        let height = usize::from(room.height);
        *offset = (*offset).min(lines.len().saturating_sub(height));
        let below = lines.len().saturating_sub(*offset + height);
        let inner = if below > 0 {
            let foot =
                Rich::of(Role::Muted, format!("{below} more line{}", if below == 1 { "" } else { "s" }));
            pane.foot(foot).draw(frame.buffer_mut(), upper, look.theme)
        } else {
            room
        };
        draw(&lines, *offset, frame, inner, look);
        if lower.is_empty() {
            return;
        }
        let dirty = session.documents.dirty().count();
        let title = if dirty == 0 { "If saved: nothing is edited".to_owned() } else { "If saved".to_owned() };
        let worth = session.environments.get(self.column).and_then(EnvironmentView::worth);
        let foot = worth.map(|verdict| session.worth(verdict)).unwrap_or_default();
        let inner =
            Pane::new(title).foot(foot).zoomed(look.zoomed).draw(frame.buffer_mut(), lower, look.theme);
        let lines = consequences(
            session,
            self.column,
            usize::from(inner.width),
            usize::from(inner.height),
            look.theme.glyphs,
        );
        draw(&lines, 0, frame, inner, look);
    }
}

fn draw(lines: &[Rich], offset: usize, frame: &mut Frame, area: Rect, look: &Look) {
    for (line, y) in lines.iter().skip(offset).zip(area.top()..area.bottom()) {
        line.draw(frame.buffer_mut(), (area.x, y), area.width, look.theme, None);
    }
}

fn key_lines(session: &Session, node: &Node, column: usize, readers: &Readers, width: usize) -> Vec<Rich> {
    let mut lines = Vec::new();
    let Some(view) = session.environments.get(column) else { return lines };
    for problem in view.problems.iter().filter(|problem| problem.key == node.key) {
        let words = text::wrap(&problem.to_string(), width);
        lines.extend(words.into_iter().map(|line| Rich::of(Role::Bad, line)));
    }
    let entry = session.chart().and_then(|loaded| loaded.schema.describe(&node.path));
    match &entry {
        Some(entry) => {
            let headline = entry.headline();
            if !headline.is_empty() {
                lines.extend(
                    text::wrap(&headline, width).into_iter().map(|line| Rich::of(Role::Accent, line)),
                );
            }
            if let Some(description) = &entry.description {
                lines.extend(
                    text::wrap(description, width).into_iter().map(|line| Rich::of(Role::Text, line)),
                );
            }
            if let Some(pattern) = &entry.pattern {
                lines.push(Rich::of(Role::Muted, format!("matches {pattern}")));
            }
        }
        None => lines.push(Rich::of(Role::Muted, "the schema says nothing of this key")),
    }
    lines.push(Rich::default());
    let setters = view.merged.setters(&node.path);
    let head = format!("set for {} by", view.name);
    lines.push(Rich::of(
        Role::Muted,
        if setters.is_empty() { format!("not set for {}", view.name) } else { head },
    ));
    for (index, origin) in setters.iter().enumerate().rev() {
        let wins = index + 1 == setters.len();
        let place = match (&origin.file, origin.line) {
            (Some(file), Some(line)) => format!("{}:{line}", relative(session, file)),
            (Some(file), None) => relative(session, file),
            (None, _) => origin.label.clone(),
        };
        let value = tree::shown(&origin.value, &node.path, &session.redactor);
        let place_width = text::width(&place);
        let room = width.saturating_sub(place_width + 4);
        let value = text::elide(&value, room, text::Cut::End, "…").into_owned();
        let gap = width.saturating_sub(place_width + text::width(&value) + 3);
        let role = if wins { Role::Text } else { Role::Muted };
        lines.push(
            Rich::of(Role::Accent, if wins { "▸ " } else { "  " })
                .then(role, place)
                .then(role, " ".repeat(gap))
                .then(if wins { Role::Changed } else { Role::Muted }, value),
        );
        if origin.kind == LayerKind::Generated && !node.branch {
            lines.extend(generated_lines(session, view, node, origin, width));
        }
    }
    if let Some(unread) = session.unread(&node.path) {
        let role = if unread.dormant { Role::Muted } else { Role::Warn };
        lines.extend(text::wrap(&unread.words(), width).into_iter().map(|line| Rich::of(role, line)));
        return lines;
    }
    if node.branch {
        return lines;
    }
    let word = if readers.known { "read at" } else { "named in" };
    for (index, reader) in readers.places.iter().take(4).enumerate() {
        let lead = if index == 0 { word } else { "" };
        lines.push(Rich::of(Role::Muted, format!("{lead:0$} {reader}", word.len())));
    }
    if readers.places.len() > 4 {
        let more = readers.places.len() - 4;
        lines.push(Rich::of(
            Role::Muted,
            format!("{:1$} and {more} more places, x lists them", "", word.len()),
        ));
    }
    lines
}

/// What a generated value comes from.
fn generated_lines(
    session: &Session,
    view: &EnvironmentView,
    node: &Node,
    origin: &Origin,
    width: usize,
) -> Vec<Rich> {
    let room = width.saturating_sub(4);
    let ours = origin.file.is_some() && origin.file == view.generated;
    let words = match session.generated_origin(&view.name, &node.path) {
        Some(from) if ours => {
            // Paths are told by their ends.
            let field = text::elide(&from.field, room.saturating_sub(5), text::Cut::Start, "…");
            let place = format!("{}:{}", relative(session, &from.file), from.line);
            let place = text::elide(&place, room, text::Cut::Start, "…");
            return vec![
                Rich::of(Role::Accent, format!("    from {field}")),
                Rich::of(Role::Muted, format!("    {place}")),
            ];
        }
        _ if ours && session.generated().is_none() => "from its sources: working it out",
        _ if ours => "from nothing in its sources now",
        _ => "generated; floe-tui.toml does not say from what",
    };
    let lines = text::wrap(words, room).into_iter();
    lines.map(|line| Rich::of(Role::Muted, format!("    {line}"))).collect()
}

/// A line for each environment, and below it the worst changes as far as there is room.
fn consequences(session: &Session, column: usize, width: usize, height: usize, glyphs: &Glyphs) -> Vec<Rich> {
    let name_width = session.environments.iter().map(|view| text::width(&view.name)).max().unwrap_or(0);
    // What every environment's headline leaves is shared by those that change something.
    let changing = session
        .environments
        .iter()
        .filter(|view| changes(view).is_some_and(|p| p.changes.changes.len() > 1))
        .count();
    let mut lines = Vec::new();
    if let Some(why) = session.environments.get(column).and_then(|view| view.incomplete.first()) {
        let words = text::wrap(&format!("{} incomplete: {why}", glyphs.warn), width);
        lines.extend(words.into_iter().map(|line| Rich::of(Role::Warn, line)));
    }
    if let Some(problem) = session.environments.get(column).and_then(|view| view.stale.as_ref()) {
        let words = text::wrap(&format!("{} {problem}", glyphs.warn), width);
        lines.extend(words.into_iter().map(|line| Rich::of(Role::Warn, line)));
    }
    let masked = session.environments.iter().filter(|v| changes(v).is_some_and(|p| p.changes.unstable > 0));
    let spare = height.saturating_sub(lines.len() + session.environments.len() + masked.count());
    // One line of each share says how many more there are.
    let each = spare.checked_div(changing).unwrap_or(0).saturating_sub(1);
    for (index, view) in session.environments.iter().enumerate() {
        let mut line = Rich::of(Role::Text, format!("{:name_width$}  ", view.name));
        let (stale, preview) = match &view.preview {
            PreviewState::Unchanged => {
                line.push(Role::Muted, "no change");
                lines.push(line);
                continue;
            }
            PreviewState::Blocked(why) => {
                line.push(Role::Bad, format!("{} {why}", glyphs.bad));
                lines.push(line);
                if index == column {
                    let room = width.saturating_sub(name_width + 2);
                    let words = view.problems.iter().take(3).flat_map(|p| text::wrap(&p.to_string(), room));
                    lines.extend(
                        words.map(|words| Rich::of(Role::Bad, format!("{:name_width$}  {words}", ""))),
                    );
                }
                continue;
            }
            PreviewState::Failed(error) => {
                line.push(Role::Bad, format!("{} {}", glyphs.bad, error.headline()));
                lines.push(line);
                continue;
            }
            // The engine answers before an eye could see that it is waited for.
            PreviewState::Working { last: Some(preview), .. } if !view.is_late(session.now) => {
                (false, preview)
            }
            PreviewState::Working { last: None, .. } if !view.is_late(session.now) => {
                lines.push(line);
                continue;
            }
            PreviewState::Working { since, last } => {
                let spinner = glyphs.spin(elapsed(*since, session.now).as_millis());
                line.push(Role::Busy, format!("{spinner} "));
                if let Some(preview) = last {
                    (true, preview)
                } else {
                    line.push(Role::Muted, "working it out");
                    lines.push(line);
                    continue;
                }
            }
            PreviewState::Ready(preview) => (false, preview),
        };
        if let Some(Verdict::Differs(_) | Verdict::Unknown(_)) = view.worth() {
            line.push(Role::Warn, format!("{} ", glyphs.warn));
        }
        let set = &preview.changes;
        let role = |role: Role| if stale { Role::Muted } else { role };
        match set.changes.as_slice() {
            [] => line.push(role(Role::Muted), "no change"),
            [only] => {
                let what = match only.kind {
                    ChangeKind::Added => "added".to_owned(),
                    ChangeKind::Removed => "removed".to_owned(),
                    ChangeKind::Changed => only.summary.clone(),
                };
                let room = width.saturating_sub(line.width() + only.id.kind.len() + 3);
                let name = text::elide(&only.id.name, room.max(12), text::Cut::Start, "…");
                line.push(role(Role::Text), format!("{} {name}  ", only.id.kind));
                line.push(role(Role::Changed), what);
            }
            _ => line.push(role(Role::Changed), set.headline()),
        }
        // One object's line is long: what does not fit goes to the next line.
        if line.width() > width && set.changes.len() == 1 {
            let mut pieces = line.pieces;
            let last = pieces.pop();
            lines.push(Rich { pieces });
            if let Some((role, what)) = last {
                lines.push(Rich::of(role, format!("{:name_width$}    {what}", "")));
            }
        } else {
            lines.push(line);
        }
        if set.changes.len() > 1 {
            for change in set.changes.iter().take(each) {
                lines.push(
                    Rich::of(
                        role(Role::Muted),
                        format!("{:name_width$}  {} {}  ", "", change.id.kind, change.id.name),
                    )
                    .then(role(Role::Text), change.summary.clone()),
                );
            }
            if set.changes.len() > each && each > 0 {
                lines.push(Rich::of(
                    Role::Muted,
                    format!("{:name_width$}  and {} more, d shows them", "", set.changes.len() - each),
                ));
            }
        }
        if set.unstable > 0 {
            lines.push(Rich::of(
                Role::Muted,
                format!("{:name_width$}  {} masked", "", text::count(set.unstable, "random field")),
            ));
        }
    }
    lines
}

fn changes(view: &EnvironmentView) -> Option<&Preview> {
    match &view.preview {
        PreviewState::Ready(preview) | PreviewState::Working { last: Some(preview), .. } => Some(preview),
        _ => None,
    }
}

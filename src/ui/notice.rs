//! What the program says in passing, drawn over the lower right corner. When a message fades is its owner's.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::chrome::ground;
use super::rich::Rich;
use super::text;
use super::theme::{Role, Theme};

/// How a message is drawn: a mark and a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Warn,
    Bad,
}

impl Tone {
    /// The mark and the role of it.
    pub fn mark(self, theme: &Theme) -> (Role, &'static str) {
        match self {
            Tone::Plain => (Role::Accent, theme.glyphs.good),
            Tone::Warn => (Role::Warn, theme.glyphs.warn),
            Tone::Bad => (Role::Bad, theme.glyphs.bad),
        }
    }
}

/// One message on the screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast<'a> {
    pub tone: Tone,
    pub lines: &'a [String],
    /// How often it was said in a row.
    pub count: usize,
}

/// Draws the newest messages (the last of `toasts` is the newest) upwards from the lower right corner of `area`;
/// at most a third of its height. What is hidden is counted.
pub fn toasts(buf: &mut Buffer, area: Rect, toasts: &[Toast<'_>], theme: &Theme) {
    let mut area = area.intersection(buf.area);
    if area.width > 40 && area.height > 6 {
        // Inside of the frame of the pane below, not over it.
        area.width -= 1;
        area.height -= 1;
    }
    let limit = usize::from(area.width.min(72)).saturating_sub(4);
    if toasts.is_empty() || area.height < 2 || limit < 8 {
        return;
    }
    let room = usize::from(area.height / 3).clamp(1, 8);
    let mut blocks: Vec<Rich> = Vec::new();
    let mut hidden = 0;
    for toast in toasts.iter().rev() {
        let lines = toast_lines(toast, limit, theme);
        // The newest may be cut, older ones are shown whole or counted.
        if blocks.is_empty() {
            blocks.extend(lines.into_iter().take(room));
        } else if blocks.len() + lines.len() <= room {
            blocks.splice(0..0, lines);
        } else {
            hidden += 1;
        }
    }
    if hidden > 0
        && let Some(last) = blocks.last_mut()
    {
        last.push(Role::Muted, format!("  +{hidden} more, !"));
    }
    let width = blocks.iter().map(Rich::width).max().unwrap_or(0).min(limit) + 2;
    let (width, height) =
        (u16::try_from(width).unwrap_or(area.width), u16::try_from(blocks.len()).unwrap_or(1));
    let place = Rect { x: area.right() - width, y: area.bottom() - height, width, height }.intersection(area);
    ground(buf, place, Role::Overlay, theme);
    buf.set_style(place, theme.style(Role::SelectionIdle));
    for (line, y) in blocks.iter().zip(place.top()..) {
        line.draw(buf, (place.x + 1, y), place.width - 1, theme, Some(Role::SelectionIdle));
    }
}

fn toast_lines(toast: &Toast<'_>, limit: usize, theme: &Theme) -> Vec<Rich> {
    let (role, mark) = toast.tone.mark(theme);
    let mut out = Vec::new();
    for (index, line) in toast.lines.iter().enumerate() {
        for (part, words) in text::wrap(line, limit.saturating_sub(8)).into_iter().enumerate() {
            let first = index == 0 && part == 0;
            let lead = if first { format!("{mark} ") } else { "  ".to_owned() };
            let body = if toast.tone == Tone::Bad && index == 0 { Role::Bad } else { Role::Text };
            let mut rich = Rich::of(role, lead).then(body, words);
            if first && toast.count > 1 {
                rich.push(Role::Muted, format!("  ×{}", toast.count));
            }
            out.push(rich);
        }
    }
    out
}

/// The lines of the list of all messages, wrapped to `width` cells: its caller gives the time of each as text.
pub fn message_lines(time: &str, toast: &Toast<'_>, width: usize, theme: &Theme) -> Vec<Rich> {
    let (role, mark) = toast.tone.mark(theme);
    let indent = text::width(time) + 1;
    // In a narrow window the text begins under its time.
    let hanging = if width < indent + 32 { 2 } else { indent + 2 };
    let mut out = Vec::new();
    let mut lead = Rich::of(Role::Muted, format!("{time} ")).then(role, format!("{mark} "));
    if hanging == 2 {
        out.push(std::mem::take(&mut lead));
    }
    for (index, line) in toast.lines.iter().enumerate() {
        let shade = if index == 0 { Role::Text } else { Role::Muted };
        let count =
            if index == 0 && toast.count > 1 { format!("  ×{}", toast.count) } else { String::new() };
        for part in text::wrap(&format!("{line}{count}"), width.saturating_sub(hanging)) {
            if lead.is_empty() {
                lead.push(Role::Muted, " ".repeat(hanging));
            }
            out.push(std::mem::take(&mut lead).then(shade, part));
        }
    }
    out
}

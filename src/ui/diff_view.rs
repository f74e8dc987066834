//! Changes as text: objects with hunks, three lines of context, a path on each hunk, changed words marked; moving
//! by hunk and by object, folding, marks for what was read.

use std::collections::HashSet;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use similar::{Algorithm, ChangeTag, TextDiff};

use super::rich::Rich;
use super::table::scrollbar;
use super::theme::{Role, Theme};

/// What a line of a hunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Both,
    Before,
    After,
}

/// One line of a hunk. Line numbers count from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffLine {
    pub side: Side,
    pub before: Option<usize>,
    pub after: Option<usize>,
    /// Without its line break; changed words in [`Role::AddedWord`] or [`Role::RemovedWord`].
    pub text: Rich,
}

/// Neighbouring changes with their context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hunk {
    /// Stays the same when the rest changes; what the marks hang on.
    pub key: String,
    /// Where it is: the YAML path.
    pub path: String,
    /// Muted behind the path: `same change in 14 objects`.
    pub note: String,
    pub lines: Vec<DiffLine>,
}

/// One object with its hunks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiffObject {
    pub key: String,
    pub title: Rich,
    pub hunks: Vec<Hunk>,
}

/// The hunks between two texts with `context` lines around each change. `path` names the place of a line (from 0)
/// of the after side, or of the before side where there is none after.
pub fn hunks(before: &str, after: &str, context: usize, path: impl Fn(usize, Side) -> String) -> Vec<Hunk> {
    let diff = TextDiff::configure().algorithm(Algorithm::Patience).diff_lines(before, after);
    let mut out: Vec<Hunk> = Vec::new();
    for group in diff.grouped_ops(context) {
        let mut lines = Vec::new();
        for change in group.iter().flat_map(|op| diff.iter_inline_changes(op)) {
            let (side, plain, word) = match change.tag() {
                ChangeTag::Equal => (Side::Both, Role::Text, Role::Text),
                ChangeTag::Delete => (Side::Before, Role::Removed, Role::RemovedWord),
                ChangeTag::Insert => (Side::After, Role::Added, Role::AddedWord),
            };
            let mut text = Rich::default();
            for (emphasised, value) in change.iter_strings_lossy() {
                let value = value.trim_end_matches(['\n', '\r']);
                if !value.is_empty() {
                    text.push(if emphasised { word } else { plain }, value);
                }
            }
            let number = |index: Option<usize>| index.map(|index| index + 1);
            lines.push(DiffLine {
                side,
                before: number(change.old_index()),
                after: number(change.new_index()),
                text,
            });
        }
        let place = place_of(&lines).map_or_else(String::new, |(line, side)| path(line, side));
        let twins = out.iter().filter(|hunk| hunk.path == place).count();
        let key = if twins == 0 { place.clone() } else { format!("{place}#{twins}") };
        out.push(Hunk { key, path: place, note: String::new(), lines });
    }
    out
}

/// The line (from 0) and side of the first change: a replaced line counts as its replacement.
fn place_of(lines: &[DiffLine]) -> Option<(usize, Side)> {
    let mut changed = lines.iter().skip_while(|line| line.side == Side::Both);
    let first = changed.next()?;
    let replaced = changed.find(|line| line.side != Side::Before).filter(|line| line.side == Side::After);
    let named = if first.side == Side::Before { replaced.unwrap_or(first) } else { first };
    let number = if named.side == Side::After { named.after } else { named.before };
    Some((number?.checked_sub(1)?, named.side))
}

/// Position, marks and folds of a diff.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DiffState {
    /// Object and hunk under the cursor, by key.
    object: String,
    hunk: String,
    top: usize,
    left: usize,
    reveal: bool,
    height: usize,
    reviewed: HashSet<(String, String)>,
    folded: HashSet<(String, String)>,
}

impl DiffState {
    /// Object and hunk under the cursor, as positions; the first when they are gone.
    pub fn position(&self, objects: &[DiffObject]) -> Option<(usize, usize)> {
        let object = objects.iter().position(|object| object.key == self.object);
        let object = object.or_else(|| objects.iter().position(|object| !object.hunks.is_empty()))?;
        let hunks = &objects.get(object)?.hunks;
        let hunk = hunks.iter().position(|hunk| hunk.key == self.hunk).unwrap_or(0);
        Some((object, hunk))
    }

    /// `hunk 3 of 12`, over all objects.
    pub fn summary(&self, objects: &[DiffObject]) -> Option<String> {
        let (object, hunk) = self.position(objects)?;
        let total: usize = objects.iter().map(|object| object.hunks.len()).sum();
        let before: usize = objects.iter().take(object).map(|object| object.hunks.len()).sum();
        let read = objects
            .iter()
            .flat_map(|o| o.hunks.iter().map(|h| self.is_reviewed(o, h)))
            .filter(|r| *r)
            .count();
        let read = if read > 0 { format!(", {read} reviewed") } else { String::new() };
        (total > 0).then(|| format!("hunk {} of {total}{read}", before + hunk + 1))
    }

    /// To the next or previous hunk, across objects; stops at the ends. `false` when there is none.
    pub fn step_hunk(&mut self, objects: &[DiffObject], forward: bool) -> bool {
        let all: Vec<(usize, usize)> = objects
            .iter()
            .enumerate()
            .flat_map(|(object, content)| (0..content.hunks.len()).map(move |hunk| (object, hunk)))
            .collect();
        let here = self.position(objects).and_then(|at| all.iter().position(|place| *place == at));
        let next = match (here, forward) {
            (None, _) => all.first(),
            (Some(here), true) => all.get(here + 1),
            (Some(here), false) => here.checked_sub(1).and_then(|before| all.get(before)),
        };
        next.is_some_and(|(object, hunk)| self.put(objects, *object, *hunk))
    }

    /// To the next or previous object; stops at the ends. `false` when there is none.
    pub fn step_object(&mut self, objects: &[DiffObject], forward: bool) -> bool {
        let here = self.position(objects).map_or(0, |(object, _)| object);
        let next = if forward { Some(here + 1) } else { here.checked_sub(1) };
        next.is_some_and(|object| object < objects.len() && self.put(objects, object, 0))
    }

    /// To an object by its key.
    pub fn select(&mut self, objects: &[DiffObject], key: &str) -> bool {
        let object = objects.iter().position(|object| object.key == key);
        object.is_some_and(|object| self.put(objects, object, 0))
    }

    fn put(&mut self, objects: &[DiffObject], object: usize, hunk: usize) -> bool {
        let Some(content) = objects.get(object) else { return false };
        self.object.clone_from(&content.key);
        self.hunk = content.hunks.get(hunk).map(|hunk| hunk.key.clone()).unwrap_or_default();
        self.reveal = true;
        true
    }

    /// Marks the hunk under the cursor as read or unread; a read one is folded.
    pub fn toggle_reviewed(&mut self, objects: &[DiffObject]) {
        let Some(key) = self.here(objects) else { return };
        if self.reviewed.remove(&key) {
            self.folded.remove(&key);
        } else {
            self.folded.insert(key.clone());
            self.reviewed.insert(key);
        }
    }

    /// Folds or unfolds the hunk under the cursor.
    pub fn toggle_fold(&mut self, objects: &[DiffObject]) {
        let Some(key) = self.here(objects) else { return };
        if !self.folded.remove(&key) {
            self.folded.insert(key);
        }
    }

    fn here(&self, objects: &[DiffObject]) -> Option<(String, String)> {
        let (object, hunk) = self.position(objects)?;
        Some((objects[object].key.clone(), objects[object].hunks.get(hunk)?.key.clone()))
    }

    /// Whether a hunk was marked as read.
    pub fn is_reviewed(&self, object: &DiffObject, hunk: &Hunk) -> bool {
        self.reviewed.contains(&(object.key.clone(), hunk.key.clone()))
    }

    fn is_folded(&self, object: &DiffObject, hunk: &Hunk) -> bool {
        self.folded.contains(&(object.key.clone(), hunk.key.clone()))
    }

    /// Scrolls by lines; the cursor stays on its hunk.
    pub fn scroll(&mut self, by: isize) {
        self.top = self.top.saturating_add_signed(by);
    }

    /// Scrolls by pages.
    pub fn page(&mut self, pages: isize) {
        let height = isize::try_from(self.height.saturating_sub(1).max(1)).unwrap_or(1);
        self.scroll(pages.saturating_mul(height));
    }

    /// Scrolls sideways by cells.
    pub fn shift(&mut self, by: isize) {
        self.left = self.left.saturating_add_signed(by);
    }
}

/// The diff of one or several objects.
pub struct DiffView<'a> {
    pub objects: &'a [DiffObject],
    pub focused: bool,
    /// The title line of each object; off where a list beside it names them.
    pub titles: bool,
}

enum RowOf<'a> {
    Title(&'a DiffObject),
    Head(&'a DiffObject, &'a Hunk),
    Line(&'a DiffLine),
    Gap,
}

impl DiffView<'_> {
    /// Draws the visible rows.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, state: &mut DiffState, theme: &Theme) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let here = state.position(self.objects);
        let height = usize::from(area.height);
        state.height = height;
        let mut rows: Vec<RowOf<'_>> = Vec::new();
        let mut current = (0, 0);
        for (o, object) in self.objects.iter().enumerate() {
            let title = rows.len();
            if self.titles {
                if !rows.is_empty() {
                    rows.push(RowOf::Gap);
                }
                rows.push(RowOf::Title(object));
            }
            for (h, hunk) in object.hunks.iter().enumerate() {
                let start = if h == 0 { title } else { rows.len() };
                rows.push(RowOf::Head(object, hunk));
                if !state.is_folded(object, hunk) {
                    rows.extend(hunk.lines.iter().map(RowOf::Line));
                }
                if here == Some((o, h)) {
                    current = (start, rows.len());
                }
            }
        }
        if std::mem::take(&mut state.reveal) && (current.0 < state.top || current.1 > state.top + height) {
            state.top = current.0.saturating_sub(1);
        }
        state.top = state.top.min(rows.len().saturating_sub(height));
        let bar = u16::from(rows.len() > height && area.width > 12);
        let room = area.width - bar;
        for (index, (row, y)) in rows
            .iter()
            .enumerate()
            .skip(state.top)
            .zip(area.top()..area.bottom())
            .map(|((i, r), y)| (i, (r, y)))
        {
            let line = Rect { y, height: 1, width: room, ..area };
            let inside = (current.0..current.1).contains(&index) && self.focused;
            self.draw_row(buf, line, row, inside, here, state, theme);
        }
        if bar == 1 {
            scrollbar(buf, Rect { x: area.right() - 1, width: 1, ..area }, rows.len(), state.top, theme);
        }
    }

    #[allow(clippy::too_many_arguments)] // one call for each row
    fn draw_row(
        &self,
        buf: &mut Buffer,
        line: Rect,
        row: &RowOf<'_>,
        inside: bool,
        here: Option<(usize, usize)>,
        state: &DiffState,
        theme: &Theme,
    ) {
        let at = (line.x, line.y);
        match row {
            RowOf::Gap => {}
            RowOf::Title(object) => {
                object.title.draw(buf, at, line.width, theme, None);
            }
            RowOf::Head(object, hunk) => {
                let selected = here.is_some_and(|(o, h)| {
                    self.objects[o].key == object.key
                        && self.objects[o].hunks.get(h).is_some_and(|own| own.key == hunk.key)
                });
                let ground = match (selected, self.focused) {
                    (true, true) => Some(Role::Selection),
                    (true, false) => Some(Role::SelectionIdle),
                    _ => None,
                };
                if let Some(ground) = ground {
                    buf.set_style(line, theme.style(ground));
                }
                let folded = state.is_folded(object, hunk);
                let mark = if folded { theme.glyphs.closed } else { theme.glyphs.open };
                let reviewed = state.is_reviewed(object, hunk);
                let path = if reviewed { Role::Muted } else { Role::Accent };
                let mut head = Rich::of(Role::Gutter, format!("{mark} ")).then(path, &hunk.path);
                if !hunk.note.is_empty() {
                    head.push(Role::Muted, format!("  {}", hunk.note));
                }
                if reviewed {
                    head.push(Role::Good, format!("  {} reviewed", theme.glyphs.ticked));
                }
                head.draw(buf, at, line.width, theme, ground);
            }
            RowOf::Line(own) => {
                let (sign, role) = match own.side {
                    Side::Both => (" ", Role::Text),
                    Side::Before => ("-", Role::Removed),
                    Side::After => ("+", Role::Added),
                };
                let bar = if inside { theme.glyphs.gutter } else { " " };
                let number = own.after.or(own.before).map_or_else(String::new, |number| number.to_string());
                let numbers = if line.width > 40 { 5 } else { 0 };
                let mut head = Rich::of(Role::Accent, bar);
                if numbers > 0 {
                    head.push(Role::Gutter, format!("{number:>4} "));
                }
                head.push(role, format!("{sign} "));
                let used = head.draw(buf, at, line.width, theme, None);
                let room = line.width - used;
                let cells = usize::from(room);
                let whole = own.text.width();
                let part = own.text.slice(state.left, cells);
                part.draw(buf, (at.0 + used, at.1), room, theme, None);
                if whole > state.left + cells && room > 2 {
                    let more = Rich::of(Role::Gutter, theme.glyphs.right_more);
                    more.draw(buf, (line.right() - 1, at.1), 1, theme, None);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Side::{After, Before, Both};
    use super::*;

    fn sample() -> Vec<DiffObject> {
        let before = (0..30).map(|n| format!("line {n}: old")).collect::<Vec<_>>().join("\n") + "\n";
        let after = before.replace("line 3: old", "line 3: new").replace("line 20: old\n", "");
        let path = |line: usize, side: Side| format!("{}{line}", if side == After { "a" } else { "b" });
        let own = hunks(&before, &after, 3, path);
        let object = |key: &str| DiffObject { key: key.into(), title: Rich::from(key), hunks: own.clone() };
        vec![object("Deployment web"), object("Service web")]
    }

    #[test]
    fn hunks_have_context_words_and_the_path_of_their_first_change() {
        let objects = sample();
        assert_eq!(objects[0].hunks.len(), 2);
        let (first, second) = (&objects[0].hunks[0], &objects[0].hunks[1]);
        assert_eq!((first.path.as_str(), second.path.as_str()), ("a3", "b20"));
        let sides: Vec<Side> = first.lines.iter().map(|line| line.side).collect();
        assert_eq!(sides, [Both, Both, Both, Before, After, Both, Both, Both]);
        let words: Vec<&str> = first.lines[4]
            .text
            .pieces
            .iter()
            .filter(|(role, _)| *role == Role::AddedWord)
            .map(|(_, text)| text.as_str())
            .collect();
        assert_eq!(words, ["new"]);
        assert_eq!(second.lines.iter().filter(|line| line.side == After).count(), 0);
    }

    #[test]
    fn moving_crosses_objects_and_stops_at_the_ends() {
        let objects = sample();
        let mut state = DiffState::default();
        assert_eq!(state.summary(&objects).as_deref(), Some("hunk 1 of 4"));
        for expected in ["hunk 2 of 4", "hunk 3 of 4", "hunk 4 of 4"] {
            assert!(state.step_hunk(&objects, true));
            assert_eq!(state.summary(&objects).as_deref(), Some(expected));
        }
        assert!(!state.step_hunk(&objects, true));
        assert!(state.step_object(&objects, false));
        assert_eq!(state.summary(&objects).as_deref(), Some("hunk 1 of 4"));
        assert!(!state.step_object(&objects, false));
        assert_eq!(DiffState::default().summary(&[]), None);
    }

    #[test]
    fn a_reviewed_hunk_is_marked_folded_and_counted() {
        let objects = sample();
        let mut state = DiffState::default();
        state.toggle_reviewed(&objects);
        assert_eq!(state.summary(&objects).as_deref(), Some("hunk 1 of 4, 1 reviewed"));
        assert!(state.is_reviewed(&objects[0], &objects[0].hunks[0]));
        assert!(!state.is_reviewed(&objects[1], &objects[1].hunks[0]));
        state.toggle_reviewed(&objects);
        assert_eq!(state.summary(&objects).as_deref(), Some("hunk 1 of 4"));
    }
}

//! A multi-line editor whose text belongs to somebody else: keys change its own copy and say so, the owner takes
//! the text, and gives it back when an undo or another room changed it. Its own history is off. Colours come from
//! outside as spans.

use std::ops::Range;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui_textarea::{CursorMove, TextArea};

use super::filter::Filter;
use super::rich::Rich;
use super::table::scrollbar;
use super::text;
use super::theme::{Role, Theme};

/// What a key did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edited {
    /// The key means nothing here.
    Nothing,
    /// The cursor or the selection moved.
    Moved,
    /// The text changed: take [`EditorState::text`].
    Changed,
}

/// The text being edited, its cursor and its scroll position.
#[derive(Debug, Clone, Default)]
pub struct EditorState {
    area: TextArea<'static>,
    /// Every line ends in CR LF; they are taken off while editing and put back.
    crlf: bool,
    top: usize,
    left: usize,
    size: (usize, usize),
}

impl EditorState {
    /// An editor over a text, the cursor at its start.
    pub fn new(text: &str) -> Self {
        let mut state = Self::default();
        state.load(text);
        state
    }

    /// The text with its own line ends.
    pub fn text(&self) -> String {
        self.area.lines().join(if self.crlf { "\r\n" } else { "\n" })
    }

    /// Takes a text that changed outside. The cursor stays at its line and column as far as they exist.
    pub fn set_text(&mut self, text: &str) {
        if text != self.text() {
            let (line, column) = self.cursor();
            self.load(text);
            self.go_to(line, column);
        }
    }

    fn load(&mut self, text: &str) {
        let breaks = text.matches('\n').count();
        self.crlf = breaks > 0 && text.matches("\r\n").count() == breaks;
        let mut lines: Vec<String> = text.split('\n').map(str::to_owned).collect();
        // The last line has no line end that its carriage return could belong to.
        if let Some((_, ended)) = lines.split_last_mut().filter(|_| self.crlf) {
            for line in ended {
                line.pop();
            }
        }
        self.area = TextArea::new(lines);
        self.area.set_max_histories(0);
        self.area.set_tab_length(2);
    }

    /// Line and column of the cursor, in characters, from 0.
    pub fn cursor(&self) -> (usize, usize) {
        let at = self.area.cursor();
        (at.0, at.1)
    }

    /// Puts the cursor somewhere, as far as that exists.
    pub fn go_to(&mut self, line: usize, column: usize) {
        self.area.cancel_selection();
        let cell = |number: usize| u16::try_from(number).unwrap_or(u16::MAX);
        self.area.move_cursor(CursorMove::Jump(cell(line), cell(column)));
    }

    /// The line under the cursor.
    pub fn line(&self) -> &str {
        self.area.lines().get(self.cursor().0).map_or("", String::as_str)
    }

    /// The selected text, or nothing.
    pub fn selected(&self) -> Option<String> {
        let ((first, from), (last, to)) = self.area.selection_range()?;
        let lines = self.area.lines().get(first..=last)?;
        let picked: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(index, line)| {
                let start = if index == 0 { from } else { 0 };
                let end = if first + index == last { to } else { usize::MAX };
                line.chars().skip(start).take(end.saturating_sub(start)).collect()
            })
            .collect();
        Some(picked.join("\n")).filter(|text| !text.is_empty())
    }

    /// Handles a key that the key map left to the text.
    pub fn key(&mut self, key: KeyEvent) -> Edited {
        let before = (self.cursor(), self.area.selection_range());
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let changed = match key.code {
            KeyCode::Enter => {
                self.new_line();
                true
            }
            KeyCode::BackTab => self.outdent(),
            KeyCode::PageUp | KeyCode::PageDown => {
                let page = self.size.1.saturating_sub(1).max(1);
                let (line, column) = self.cursor();
                let line = if key.code == KeyCode::PageUp { line.saturating_sub(page) } else { line + page };
                self.go_to(line.min(self.area.lines().len().saturating_sub(1)), column);
                false
            }
            // The widget's own undo, redo and clipboard: the text's owner has the history.
            KeyCode::Char('u' | 'r' | 'y' | 'c' | 'x' | 'v') if control => false,
            KeyCode::Backspace if self.in_indentation() => self.outdent(),
            KeyCode::Home => {
                self.smart_home();
                false
            }
            _ => self.area.input(key),
        };
        match (changed, before == (self.cursor(), self.area.selection_range())) {
            (true, _) => Edited::Changed,
            (false, false) => Edited::Moved,
            (false, true) => Edited::Nothing,
        }
    }

    /// Inserts a pasted text as it is.
    pub fn paste(&mut self, text: &str) -> bool {
        self.area.insert_str(text.replace("\r\n", "\n"))
    }

    /// Goes to the next or previous match, around the ends.
    pub fn find(&mut self, filter: &Filter, forward: bool) -> bool {
        let lines = self.area.lines();
        let (line, column) = self.cursor();
        let count = lines.len();
        let hit = |index: usize| -> Vec<usize> {
            let ranges = filter.matches(&lines[index]).unwrap_or_default();
            ranges.iter().map(|range| lines[index][..range.start].chars().count()).collect()
        };
        let here = hit(line);
        let in_line = if forward {
            here.iter().find(|at| **at > column)
        } else {
            here.iter().rev().find(|at| **at < column)
        };
        let found = in_line.map(|at| (line, *at)).or_else(|| {
            (1..=count).find_map(|by| {
                let index = if forward { line + by } else { line + count - by } % count;
                let hits = hit(index);
                if forward { hits.first() } else { hits.last() }.map(|at| (index, *at))
            })
        });
        if let Some((line, column)) = found {
            self.go_to(line, column);
        }
        found.is_some()
    }

    /// The line and column under a cell of `area`, for the mouse. The area is the one given to `draw`.
    pub fn click(&mut self, area: Rect, x: u16, y: u16) {
        let gutter = gutter_width(self.area.lines().len(), area.width);
        let line = self.top + usize::from(y.saturating_sub(area.y));
        let cells = self.left + usize::from(x.saturating_sub(area.x + gutter));
        let Some(text) = self.area.lines().get(line) else { return };
        let mut at = 0;
        let mut column = 0;
        for c in text.chars() {
            let wide = char_width(c);
            if at + wide > cells {
                break;
            }
            at += wide;
            column += 1;
        }
        self.go_to(line, column);
    }

    /// Scrolls without moving the cursor out of sight.
    pub fn scroll(&mut self, by: isize) {
        let last = self.area.lines().len().saturating_sub(1);
        self.top = self.top.saturating_add_signed(by).min(last);
        let (line, column) = self.cursor();
        let visible = self.top..self.top + self.size.1.max(1);
        if !visible.contains(&line) {
            let line = line.clamp(self.top, visible.end - 1);
            self.go_to(line.min(last), column);
        }
    }

    /// A new line keeps the indentation, one step deeper behind an opened mapping.
    fn new_line(&mut self) {
        let column = self.cursor().1;
        let line = self.line();
        let indent: String = line.chars().take_while(|c| *c == ' ').take(column).collect();
        let head: String = line.chars().take(column).collect();
        let opens = head.trim_end().ends_with(':') && !head.trim_start().starts_with('#');
        self.area.insert_newline();
        self.area.insert_str(if opens { format!("{indent}  ") } else { indent });
    }

    fn in_indentation(&self) -> bool {
        let column = self.cursor().1;
        !self.area.is_selecting()
            && column >= 2
            && column.is_multiple_of(2)
            && self.line().chars().take(column).all(|c| c == ' ')
    }

    /// Takes two spaces off before the cursor, or off the start of the line.
    fn outdent(&mut self) -> bool {
        let (line, column) = self.cursor();
        let spaces = self.line().chars().take_while(|c| *c == ' ').count().min(2);
        if spaces == 0 {
            return false;
        }
        self.go_to(line, 0);
        self.area.delete_str(spaces);
        self.go_to(line, column.saturating_sub(spaces));
        true
    }

    fn smart_home(&mut self) {
        let (line, column) = self.cursor();
        let indent = self.line().chars().take_while(|c| *c == ' ').count();
        self.go_to(line, if column == indent { 0 } else { indent });
    }
}

fn char_width(c: char) -> usize {
    text::width(c.encode_utf8(&mut [0; 4]))
}

fn gutter_width(lines: usize, width: u16) -> u16 {
    let digits = u16::try_from(lines.max(1).ilog10() + 1).unwrap_or(9).max(2);
    // A sign, the number, a gap; nothing in a pane too small for it.
    if width > digits + 12 { digits + 2 } else { 0 }
}

/// How the text looks.
pub struct Editor<'a> {
    /// For each line ascending byte ranges with their roles; lines without an entry are plain.
    pub tokens: &'a [Vec<(Range<usize>, Role)>],
    /// The sign beside a line: where problems are.
    pub signs: Option<&'a dyn Fn(usize) -> Option<(Role, &'static str)>>,
    pub search: Option<&'a Filter>,
    /// While typing; otherwise the line of the cursor is shown and no cursor.
    pub focused: bool,
}

impl Editor<'_> {
    /// Draws the visible lines.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, state: &mut EditorState, theme: &Theme) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let count = state.area.lines().len();
        let gutter = gutter_width(count, area.width);
        let bar = u16::from(count > usize::from(area.height) && area.width > 12);
        let width = area.width.saturating_sub(gutter + bar);
        state.size = (usize::from(width), usize::from(area.height));
        self.follow_cursor(state);
        let (cursor_line, cursor_column) = state.cursor();
        let selection = state.area.selection_range();
        for (index, y) in (state.top..count).zip(area.top()..area.bottom()) {
            let line = &state.area.lines()[index];
            let here = index == cursor_line;
            if here {
                let across = Rect { y, height: 1, width: area.width - bar, ..area };
                buf.set_style(across, theme.style(Role::CursorLine));
            }
            let ground = here.then_some(Role::CursorLine);
            if gutter > 0 {
                if let Some((role, mark)) = self.signs.and_then(|signs| signs(index)) {
                    Rich::of(role, mark).draw(buf, (area.x, y), 1, theme, ground);
                }
                let number = format!("{:>width$}", index + 1, width = usize::from(gutter - 2));
                let role = if here { Role::Text } else { Role::Gutter };
                Rich::of(role, number).draw(buf, (area.x + 1, y), gutter - 1, theme, ground);
            }
            let spans = self.tokens.get(index).map_or(&[][..], Vec::as_slice);
            let mut rich = Rich::from_spans(line, spans);
            if let Some(ranges) = self.search.filter(|f| !f.is_empty()).and_then(|f| f.matches(line)) {
                rich = rich.mark(&ranges, Role::Match);
            }
            if let Some(range) = selection.and_then(|selection| selected_bytes(selection, index, line)) {
                rich = rich.mark(std::slice::from_ref(&range), Role::Selection);
            }
            // A tab is a control character and would vanish: one cell each keeps every column.
            for (_, piece) in &mut rich.pieces {
                if piece.contains('\t') {
                    *piece = piece.replace('\t', " ");
                }
            }
            let cells = usize::from(width);
            rich.slice(state.left, cells).draw(buf, (area.x + gutter, y), width, theme, ground);
            if rich.width() > state.left + cells && width > 2 {
                let mark = Rich::of(Role::Gutter, theme.glyphs.right_more);
                mark.draw(buf, (area.x + gutter + width - 1, y), 1, theme, ground);
            }
            if here && self.focused {
                let before: usize =
                    line.chars().take(cursor_column).map(|c| char_width(c).max(usize::from(c == '\t'))).sum();
                let x = u16::try_from(before.saturating_sub(state.left)).unwrap_or(u16::MAX);
                if x < width {
                    let wide = line.chars().nth(cursor_column).map_or(1, char_width).max(1);
                    let wide = u16::try_from(wide).unwrap_or(1).min(width - x);
                    theme.put_caret(Position { x: area.x + gutter + x, y });
                    buf.set_style(
                        Rect { x: area.x + gutter + x, y, width: wide, height: 1 },
                        theme.style(Role::Cursor),
                    );
                }
            }
        }
        if bar == 1 {
            scrollbar(buf, Rect { x: area.right() - 1, width: 1, ..area }, count, state.top, theme);
        }
    }

    fn follow_cursor(&self, state: &mut EditorState) {
        let (line, column) = state.cursor();
        let (width, height) = state.size;
        let margin = 2.min(height.saturating_sub(1) / 2);
        if line < state.top + margin {
            state.top = line.saturating_sub(margin);
        } else if line + margin >= state.top + height {
            state.top = line + margin + 1 - height;
        }
        state.top = state.top.min(state.area.lines().len().saturating_sub(height));
        if line < state.top || line >= state.top + height.max(1) {
            state.top = line;
        }
        if !self.focused {
            return;
        }
        let before: usize =
            state.line().chars().take(column).map(|c| char_width(c).max(usize::from(c == '\t'))).sum();
        if before < state.left {
            state.left = before.saturating_sub(width / 4);
        } else if before + 1 >= state.left + width {
            state.left = (before + 2).saturating_sub(width);
        }
    }
}

type Positions = ((usize, usize), (usize, usize));

/// The selected bytes of a line; one past its end when the line break is selected too is left out.
fn selected_bytes(((first, from), (last, to)): Positions, index: usize, line: &str) -> Option<Range<usize>> {
    if index < first || index > last {
        return None;
    }
    let byte = |column: usize| line.char_indices().nth(column).map_or(line.len(), |(at, _)| at);
    let start = if index == first { byte(from) } else { 0 };
    let end = if index == last { byte(to) } else { line.len() };
    (start < end).then_some(start..end)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn press(state: &mut EditorState, code: KeyCode) -> Edited {
        state.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn type_text(state: &mut EditorState, text: &str) {
        for c in text.chars() {
            press(state, KeyCode::Char(c));
        }
    }

    #[test]
    fn keys_change_the_text_and_say_so() {
        let mut state = EditorState::new("replicas: 1\n");
        state.go_to(0, 10);
        assert_eq!(press(&mut state, KeyCode::Delete), Edited::Changed);
        assert_eq!(press(&mut state, KeyCode::Char('3')), Edited::Changed);
        assert_eq!(press(&mut state, KeyCode::Left), Edited::Moved);
        assert_eq!(press(&mut state, KeyCode::F(5)), Edited::Nothing);
        assert_eq!(state.text(), "replicas: 3\n");
    }

    #[test]
    fn enter_indents_as_yaml_wants_it_and_backspace_takes_a_step() {
        let mut state = EditorState::new("a:");
        state.go_to(0, 2);
        press(&mut state, KeyCode::Enter);
        type_text(&mut state, "b: 1");
        press(&mut state, KeyCode::Enter);
        assert_eq!(state.text(), "a:\n  b: 1\n  ");
        press(&mut state, KeyCode::Backspace);
        assert_eq!(state.text(), "a:\n  b: 1\n");
    }

    #[test]
    fn line_ends_survive_editing() {
        let mut state = EditorState::new("a: 1\r\nb: 2\r\n");
        state.go_to(0, 4);
        type_text(&mut state, "5");
        assert_eq!(state.text(), "a: 15\r\nb: 2\r\n");
        let mixed = "a: 1\r\nb: 2\nc: 3";
        assert_eq!(EditorState::new(mixed).text(), mixed);
    }

    #[test]
    fn a_text_changed_outside_keeps_the_cursor_and_has_no_history_of_its_own() {
        let mut state = EditorState::new("one\ntwo\nthree\n");
        state.go_to(1, 2);
        type_text(&mut state, "x");
        state.set_text("one\ntwo\nthree\n");
        assert_eq!(state.cursor(), (1, 3));
        let control = |c| KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL);
        assert_eq!(state.key(control('u')), Edited::Nothing);
        assert_eq!(state.text(), "one\ntwo\nthree\n");
    }

    #[test]
    fn a_search_goes_on_in_the_line_and_around() {
        let mut state = EditorState::new("ab ab\nx\nab");
        let filter = Filter::parse("ab");
        let mut places = Vec::new();
        for _ in 0..3 {
            assert!(state.find(&filter, true));
            places.push(state.cursor());
        }
        assert_eq!(places, [(0, 3), (2, 0), (0, 0)]);
        assert!(state.find(&filter, false));
        assert_eq!(state.cursor(), (2, 0));
    }

    #[test]
    fn a_click_finds_the_character_behind_wide_ones() {
        let mut state = EditorState::new("日本語\nabc");
        let area = Rect::new(0, 0, 40, 5);
        let mut buf = Buffer::empty(area);
        let editor = Editor { tokens: &[], signs: None, search: None, focused: true };
        editor.draw(&mut buf, area, &mut state, &Theme::default());
        state.click(area, 4 + 2, 0);
        assert_eq!(state.cursor(), (0, 1));
        state.click(area, 30, 1);
        assert_eq!(state.cursor(), (1, 3));
    }

    proptest! {
        #[test]
        fn loading_changes_no_byte(text in "[a-z:# \t\r\n日]{0,60}") {
            prop_assert_eq!(EditorState::new(&text).text(), text);
        }
    }
}

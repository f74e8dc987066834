//! One line of typing: an in-place edit, a filter, a name. Knows choices and steps, so that a value of an enum, a
//! boolean or a number needs no typing.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::rich::Rich;
use super::text;
use super::theme::{Role, Theme};

/// The line being typed, with its cursor.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LineEdit {
    text: String,
    /// In characters.
    cursor: usize,
    /// The whole text is selected: the first character typed replaces it.
    fresh: bool,
}

impl LineEdit {
    /// A line with the cursor at its end.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { cursor: text.chars().count(), text, fresh: false }
    }

    /// A line that the first typed character replaces; moving or deleting edits it instead.
    pub fn replacing(text: impl Into<String>) -> Self {
        Self { fresh: true, ..Self::new(text) }
    }

    /// The text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Replaces the text; the cursor goes to its end.
    pub fn set(&mut self, text: impl Into<String>) {
        *self = Self::new(text);
    }

    /// Handles a key. `true` when the text changed.
    pub fn key(&mut self, key: KeyEvent) -> bool {
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        let before = self.text.clone();
        let fresh = std::mem::take(&mut self.fresh);
        match key.code {
            KeyCode::Char('u') if control => self.splice(0, self.cursor, ""),
            KeyCode::Char('k') if control => self.splice(self.cursor, usize::MAX, ""),
            KeyCode::Char('w') if control => self.splice(self.word_start(), self.cursor, ""),
            KeyCode::Char('a') if control => self.cursor = 0,
            KeyCode::Char('e') if control => self.cursor = self.text.chars().count(),
            KeyCode::Char(_) if control || key.modifiers.contains(KeyModifiers::ALT) => self.fresh = fresh,
            KeyCode::Char(c) => {
                if fresh {
                    self.splice(0, usize::MAX, "");
                }
                self.splice(self.cursor, self.cursor, c.encode_utf8(&mut [0; 4]));
            }
            KeyCode::Backspace if fresh => self.splice(0, usize::MAX, ""),
            KeyCode::Backspace if self.cursor > 0 => self.splice(self.cursor - 1, self.cursor, ""),
            KeyCode::Delete => self.splice(self.cursor, self.cursor.saturating_add(1), ""),
            KeyCode::Left if control => self.cursor = self.word_start(),
            KeyCode::Left => self.cursor = self.cursor.saturating_sub(1),
            KeyCode::Right => self.cursor = (self.cursor + 1).min(self.text.chars().count()),
            KeyCode::Home => self.cursor = 0,
            KeyCode::End => self.cursor = self.text.chars().count(),
            _ => self.fresh = fresh,
        }
        self.text != before
    }

    /// Inserts the first line of a pasted text. `true` when the text changed.
    pub fn paste(&mut self, pasted: &str) -> bool {
        let line = pasted.lines().next().unwrap_or_default();
        if std::mem::take(&mut self.fresh) && !line.is_empty() {
            self.splice(0, usize::MAX, "");
        }
        self.splice(self.cursor, self.cursor, line);
        !line.is_empty()
    }

    fn word_start(&self) -> usize {
        let chars: Vec<char> = self.text.chars().take(self.cursor).collect();
        let solid = chars.iter().rposition(|c| c.is_alphanumeric()).unwrap_or(0);
        chars[..solid].iter().rposition(|c| !c.is_alphanumeric()).map_or(0, |space| space + 1)
    }

    /// Replaces the characters `from..to` and puts the cursor behind what was inserted.
    fn splice(&mut self, from: usize, to: usize, with: &str) {
        let chars: Vec<char> = self.text.chars().collect();
        let from = from.min(chars.len());
        let to = to.clamp(from, chars.len());
        self.text =
            chars[..from].iter().copied().chain(with.chars()).chain(chars[to..].iter().copied()).collect();
        self.cursor = from + with.chars().count();
    }

    /// The line with its cursor in `width` cells, scrolled so that the cursor is visible.
    pub fn line(&self, width: usize, focused: bool, secret: bool) -> Rich {
        let shown: String = if secret { "•".repeat(self.text.chars().count()) } else { self.text.clone() };
        let before: String = shown.chars().take(self.cursor).collect();
        let here: String = shown.chars().skip(self.cursor).take(1).collect();
        let after: String = shown.chars().skip(self.cursor + 1).collect();
        let role = if self.fresh { Role::Selection } else { Role::Text };
        let cursor = if focused { Role::Cursor } else { role };
        let here = if here.is_empty() { " ".to_owned() } else { here };
        let left = (text::width(&before) + text::width(&here)).saturating_sub(width);
        let line = Rich::of(role, before).then(cursor, here).then(role, after);
        line.slice(left, width)
    }
}

/// The next or previous of `choices` after `present`, around the ends; the first when it is none of them.
pub fn cycle<'a>(choices: &'a [String], present: &str, by: isize) -> Option<&'a str> {
    let count = isize::try_from(choices.len()).ok().filter(|count| *count > 0)?;
    let at = choices.iter().position(|choice| choice == present).and_then(|at| isize::try_from(at).ok());
    let next = at.map_or(0, |at| (at + by).rem_euclid(count));
    choices.get(usize::try_from(next).ok()?).map(String::as_str)
}

/// A number one step up or down, kept in its range and in its own notation. `None` when it is no number.
pub fn step(present: &str, by: i64, minimum: Option<f64>, maximum: Option<f64>) -> Option<String> {
    let present = present.trim();
    if let Ok(number) = present.parse::<i64>() {
        let mut next = number.saturating_add(by);
        if let Some(minimum) = minimum {
            next = next.max(minimum.ceil() as i64);
        }
        if let Some(maximum) = maximum {
            next = next.min(maximum.floor() as i64);
        }
        return Some(next.to_string());
    }
    let number = present.parse::<f64>().ok().filter(|number| number.is_finite())?;
    let decimals = present.split_once('.').map_or(0, |(_, digits)| digits.len());
    let unit = 10f64.powi(-i32::try_from(decimals).unwrap_or(0));
    let mut next = number + by as f64 * unit;
    next = next.max(minimum.unwrap_or(next)).min(maximum.unwrap_or(next));
    Some(format!("{next:.decimals$}"))
}

/// An edit in place: prompt, line, what is allowed, what is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Input<'a> {
    pub prompt: &'a str,
    pub line: &'a LineEdit,
    /// Allowed values; the present one is marked.
    pub choices: &'a [String],
    /// `integer 1..20, default 1`
    pub hint: &'a str,
    pub error: Option<&'a str>,
    pub secret: bool,
    pub focused: bool,
}

impl Input<'_> {
    /// Draws up to three lines: the input, the choices or the hint, the error. Gives the lines used.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, theme: &Theme) -> u16 {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return 0;
        }
        let prompt = Rich::of(Role::Key, self.prompt).then(Role::Text, " ");
        let used = prompt.draw(buf, (area.x, area.y), area.width / 2, theme, None);
        let width = area.width - used;
        self.line.line(usize::from(width), self.focused, self.secret).draw(
            buf,
            (area.x + used, area.y),
            width,
            theme,
            None,
        );
        let mut lines: Vec<Rich> = Vec::new();
        if !self.choices.is_empty() {
            let mut choices = Rich::default();
            for choice in self.choices {
                let here = choice == self.line.text();
                choices.push(if here { Role::Selection } else { Role::Muted }, format!(" {choice} "));
            }
            lines.push(choices);
        }
        if let Some(error) = self.error {
            lines.push(Rich::of(Role::Bad, format!("{} {error}", theme.glyphs.bad)));
        } else if !self.hint.is_empty() {
            lines.push(Rich::of(Role::Muted, self.hint));
        }
        let mut shown = 1;
        for (line, y) in lines.iter().zip(area.y + 1..area.bottom()) {
            line.draw(buf, (area.x, y), area.width, theme, None);
            shown += 1;
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn press(line: &mut LineEdit, code: KeyCode) -> bool {
        line.key(KeyEvent::new(code, KeyModifiers::NONE))
    }

    fn control(line: &mut LineEdit, c: char) -> bool {
        line.key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::CONTROL))
    }

    #[test]
    fn typing_edits_at_the_cursor() {
        let mut line = LineEdit::new("aä");
        press(&mut line, KeyCode::Left);
        assert!(press(&mut line, KeyCode::Char('日')));
        assert_eq!(line.text(), "a日ä");
        assert!(press(&mut line, KeyCode::Backspace));
        assert!(press(&mut line, KeyCode::Delete));
        assert!(!press(&mut line, KeyCode::Delete));
        assert_eq!(line.text(), "a");
        line.set("one.two three");
        control(&mut line, 'w');
        assert_eq!(line.text(), "one.two ");
        control(&mut line, 'u');
        assert_eq!(line.text(), "");
    }

    #[test]
    fn a_fresh_value_is_replaced_by_typing_and_kept_by_moving() {
        let mut line = LineEdit::replacing("12");
        press(&mut line, KeyCode::Char('3'));
        assert_eq!(line.text(), "3");
        let mut line = LineEdit::replacing("12");
        press(&mut line, KeyCode::End);
        press(&mut line, KeyCode::Char('3'));
        assert_eq!(line.text(), "123");
    }

    #[test]
    fn pasting_takes_one_line() {
        let mut line = LineEdit::new("a");
        assert!(line.paste("b\nrm -rf"));
        assert_eq!(line.text(), "ab");
    }

    #[test]
    fn numbers_step_in_their_range_and_notation() {
        assert_eq!(step("3", 1, None, Some(3.0)).as_deref(), Some("3"));
        assert_eq!(step("3", -1, Some(1.0), None).as_deref(), Some("2"));
        assert_eq!(step("0.5", 1, None, None).as_deref(), Some("0.6"));
        assert_eq!(step("x", 1, None, None), None);
    }

    #[test]
    fn choices_go_around() {
        let choices = ["a", "b", "c"].map(str::to_owned);
        assert_eq!(cycle(&choices, "c", 1), Some("a"));
        assert_eq!(cycle(&choices, "a", -1), Some("c"));
        assert_eq!(cycle(&choices, "other", 1), Some("a"));
        assert_eq!(cycle(&[], "a", 1), None);
    }

    #[test]
    fn a_secret_is_never_drawn() {
        let line = LineEdit::new("hunter2").line(20, true, true).text();
        assert!(!line.contains("hunter2"));
        assert!(line.starts_with("•••••••"));
    }

    #[test]
    fn the_cursor_stays_visible_in_a_narrow_line() {
        assert_eq!(LineEdit::new("abcdef").line(4, true, false).text(), "def ");
    }
}

//! Text that is read: source, manifests, logs. Follows only at its end; scrolling up pauses it, and the position
//! survives new lines, lines that fall out at the front, wrapping and being away.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::filter::Filter;
use super::rich::Rich;
use super::table::scrollbar;
use super::text;
use super::theme::{Role, Theme};

/// Where lines come from. A bounded log says how many lines it has dropped at its front.
pub trait Lines {
    /// How many lines there are now.
    fn len(&self) -> usize;
    /// One line, by position among those that are there.
    fn line(&self, index: usize) -> Rich;
    /// How many lines fell out at the front so far.
    fn dropped(&self) -> usize {
        0
    }
    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Lines for [Rich] {
    fn len(&self) -> usize {
        <[Rich]>::len(self)
    }

    fn line(&self, index: usize) -> Rich {
        self.get(index).cloned().unwrap_or_default()
    }
}

impl Lines for Vec<Rich> {
    fn len(&self) -> usize {
        <[Rich]>::len(self)
    }

    fn line(&self, index: usize) -> Rich {
        self.get(index).cloned().unwrap_or_default()
    }
}

/// Position, wrapping and following of a text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TextState {
    /// First line on the screen, counted from the very first line ever; and its first row when wrapped.
    top: (usize, usize),
    left: usize,
    /// Long lines are broken instead of cut.
    pub wrap: bool,
    /// The view stays at the end.
    follow: bool,
    /// A line that stands out: the target of a jump. Counted from the very first line ever.
    cursor: Option<usize>,
    /// How many lines had been seen when following stopped.
    seen: usize,
    size: (usize, usize),
    reveal: bool,
}

impl TextState {
    /// A view that starts at the end and follows.
    pub fn following() -> Self {
        Self { follow: true, ..Self::default() }
    }

    /// Whether it is at its end and stays there.
    pub fn is_following(&self) -> bool {
        self.follow
    }

    /// What the pane says while following is paused: `paused, 214 new`. `None` for texts that never followed.
    pub fn paused(&self, lines: &(impl Lines + ?Sized)) -> Option<String> {
        let total = lines.len() + lines.dropped();
        (!self.follow && self.seen > 0).then(|| match total.saturating_sub(self.seen) {
            0 => "paused".to_owned(),
            new => format!("paused, {new} new"),
        })
    }

    /// Scrolls by rows of the screen. Reaching the end of a text that followed follows again.
    pub fn scroll(&mut self, lines: &(impl Lines + ?Sized), by: isize) {
        let followed = self.follow || self.seen > 0;
        if self.follow && by < 0 {
            self.follow = false;
            self.seen = lines.len() + lines.dropped();
        }
        self.clamp(lines);
        let first = lines.dropped();
        for _ in 0..by.unsigned_abs() {
            if by < 0 {
                if self.top.1 > 0 {
                    self.top.1 -= 1;
                } else if self.top.0 > first {
                    self.top.0 -= 1;
                    self.top.1 = self.rows(lines, self.top.0).saturating_sub(1);
                }
            } else if self.top.1 + 1 < self.rows(lines, self.top.0) {
                self.top.1 += 1;
            } else {
                self.top = (self.top.0 + 1, 0);
            }
        }
        let end = self.end(lines);
        if by > 0 && self.top >= end {
            self.top = end;
            if followed {
                self.follow = true;
                self.seen = 0;
            }
        }
    }

    /// Scrolls by pages.
    pub fn page(&mut self, lines: &(impl Lines + ?Sized), pages: isize) {
        let height = isize::try_from(self.size.1.saturating_sub(1).max(1)).unwrap_or(1);
        self.scroll(lines, pages.saturating_mul(height));
    }

    /// Scrolls sideways by cells; wrapped text does not.
    pub fn shift(&mut self, by: isize) {
        if !self.wrap {
            self.left = self.left.saturating_add_signed(by);
        }
    }

    /// To the first line.
    pub fn first(&mut self, lines: &(impl Lines + ?Sized)) {
        if self.follow {
            self.follow = false;
            self.seen = lines.len() + lines.dropped();
        }
        self.top = (lines.dropped(), 0);
        self.left = 0;
    }

    /// To the end; a text that followed follows again.
    pub fn last(&mut self, lines: &(impl Lines + ?Sized)) {
        if self.seen > 0 {
            self.follow = true;
            self.seen = 0;
        }
        self.top = self.end(lines);
    }

    /// Puts the mark on a line (position among those there now) and shows it at the next draw.
    pub fn go_to(&mut self, lines: &(impl Lines + ?Sized), line: usize) {
        if self.follow {
            self.follow = false;
            self.seen = lines.len() + lines.dropped();
        }
        self.cursor = Some(line + lines.dropped());
        self.reveal = true;
    }

    /// The marked line, as a position among those there now.
    pub fn cursor(&self, lines: &(impl Lines + ?Sized)) -> Option<usize> {
        self.cursor?.checked_sub(lines.dropped()).filter(|line| *line < lines.len())
    }

    /// Marks the next or previous line that matches, around the ends. `false` when none does.
    pub fn find(&mut self, lines: &(impl Lines + ?Sized), filter: &Filter, forward: bool) -> bool {
        let count = lines.len();
        if count == 0 || filter.is_empty() {
            return false;
        }
        let start = self.cursor(lines).unwrap_or_else(|| {
            let top = self.top.0.saturating_sub(lines.dropped());
            if forward { top + count - 1 } else { top }
        });
        let order = (1..=count).map(|by| if forward { start + by } else { start + 2 * count - by } % count);
        let found = order.into_iter().find(|line| filter.matches(&lines.line(*line).text()).is_some());
        if let Some(line) = found {
            self.go_to(lines, line);
        }
        found.is_some()
    }

    fn rows(&self, lines: &(impl Lines + ?Sized), line: usize) -> usize {
        if !self.wrap || self.size.0 == 0 {
            return 1;
        }
        let Some(index) = line.checked_sub(lines.dropped()).filter(|index| *index < lines.len()) else {
            return 1;
        };
        let line = lines.line(index);
        if line.width() <= self.size.0 { 1 } else { text::row_starts(&line.text(), self.size.0).len() }
    }

    /// The position that shows the last line at the lower end.
    fn end(&self, lines: &(impl Lines + ?Sized)) -> (usize, usize) {
        let (first, total) = (lines.dropped(), lines.dropped() + lines.len());
        let mut room = self.size.1;
        for line in (first..total).rev() {
            let rows = self.rows(lines, line);
            if rows >= room {
                return (line, rows - room);
            }
            room -= rows;
        }
        (first, 0)
    }

    fn clamp(&mut self, lines: &(impl Lines + ?Sized)) {
        let first = lines.dropped();
        if self.top.0 < first {
            self.top = (first, 0);
        }
        let end = self.end(lines);
        if self.follow || self.top > end {
            self.top = end;
        }
    }
}

/// A text with its looks. Fill what differs from `TextView::new`.
pub struct TextView<'a> {
    pub lines: &'a dyn Lines,
    pub numbers: bool,
    pub focused: bool,
    /// Marks what it matches.
    pub search: Option<&'a Filter>,
    /// A sign in the gutter of a line: problems, owners of lines.
    pub signs: Option<&'a dyn Fn(usize) -> Option<(Role, &'static str)>>,
}

impl<'a> TextView<'a> {
    /// A text without numbers.
    pub fn new(lines: &'a dyn Lines) -> Self {
        Self { lines, numbers: false, focused: true, search: None, signs: None }
    }

    /// With line numbers.
    #[must_use]
    pub fn numbered(mut self) -> Self {
        self.numbers = true;
        self
    }

    /// Whether this pane has the focus.
    #[must_use]
    pub fn focused(mut self, focused: bool) -> Self {
        self.focused = focused;
        self
    }

    /// With matches marked.
    #[must_use]
    pub fn search(mut self, filter: &'a Filter) -> Self {
        self.search = Some(filter);
        self
    }

    /// Draws the visible part.
    pub fn draw(&self, buf: &mut Buffer, area: Rect, state: &mut TextState, theme: &Theme) {
        let area = area.intersection(buf.area);
        if area.is_empty() {
            return;
        }
        let (count, dropped) = (self.lines.len(), self.lines.dropped());
        let bar = u16::from(count > usize::from(area.height) && area.width > 12);
        let digits = (dropped + count).max(1).ilog10() + 1;
        let wanted = u16::try_from(digits.max(2)).unwrap_or(9) + 1;
        let sign = u16::from(self.signs.is_some() && area.width > 4);
        let gutter = if self.numbers && area.width > wanted + 8 { wanted } else { 0 } + sign;
        let text_width = area.width.saturating_sub(gutter + bar);
        state.size = (usize::from(text_width), usize::from(area.height));
        state.clamp(self.lines);
        if std::mem::take(&mut state.reveal)
            && let Some(cursor) = state.cursor
        {
            let height = usize::from(area.height);
            if cursor < state.top.0 || cursor >= state.top.0 + height.saturating_sub(1).max(1) {
                state.top = (cursor.saturating_sub(height / 3).max(dropped), 0);
                state.clamp(self.lines);
            }
        }
        let (mut line, mut row) = state.top;
        let mut y = area.y;
        while y < area.bottom() {
            let Some(index) = line.checked_sub(dropped).filter(|index| *index < count) else { break };
            let mut content = self.lines.line(index);
            if let Some(ranges) =
                self.search.filter(|f| !f.is_empty()).and_then(|f| f.matches(&content.text()))
            {
                content = content.mark(&ranges, Role::Match);
            }
            let starts = if state.wrap {
                text::row_starts(&content.text(), usize::from(text_width).max(1))
            } else {
                vec![0]
            };
            let rows = starts.len();
            let here = state.cursor == Some(line);
            while row < rows && y < area.bottom() {
                if here {
                    let role = if self.focused { Role::Selection } else { Role::SelectionIdle };
                    buf.set_style(Rect { y, height: 1, width: area.width - bar, ..area }, theme.style(role));
                }
                let ground = here.then_some(if self.focused { Role::Selection } else { Role::SelectionIdle });
                if let Some((role, mark)) = self.signs.filter(|_| row == 0).and_then(|signs| signs(index)) {
                    Rich::of(role, mark).draw(buf, (area.x, y), sign, theme, ground);
                }
                if gutter > sign && row == 0 {
                    let number = format!("{:>width$}", line + 1, width = usize::from(gutter - sign - 1));
                    Rich::of(Role::Gutter, number).draw(
                        buf,
                        (area.x + sign, y),
                        gutter - sign,
                        theme,
                        ground,
                    );
                }
                let from = starts.get(row).copied().unwrap_or_default();
                let cells = starts.get(row + 1).map_or(usize::MAX, |next| next - from);
                let part = (from, cells.min(usize::from(text_width)));
                Self::draw_part(buf, (area.x + gutter, y), &content, part, text_width, state, theme, ground);
                row += 1;
                y += 1;
            }
            line += 1;
            row = 0;
        }
        if bar == 1 {
            let column = Rect { x: area.right() - 1, width: 1, ..area };
            scrollbar(buf, column, count, state.top.0 - dropped, theme);
        }
    }

    #[allow(clippy::too_many_arguments)] // one call, the values are computed once a line
    fn draw_part(
        buf: &mut Buffer,
        at: (u16, u16),
        content: &Rich,
        (from, cells): (usize, usize),
        width: u16,
        state: &TextState,
        theme: &Theme,
        ground: Option<Role>,
    ) {
        let wide = usize::from(width);
        if state.wrap {
            content.slice(from, cells).draw(buf, at, width, theme, ground);
            return;
        }
        let all = content.width();
        let mut part = content.slice(state.left, wide);
        // What is cut off is said: at the left by a mark over the first cell, at the right by the ellipsis.
        if state.left > 0 && all > 0 && wide > 2 {
            part = Rich::of(Role::Gutter, theme.glyphs.left_more).join(part.slice(1, wide - 1));
        }
        if all > state.left + wide && wide > 2 {
            let mark = theme.glyphs.right_more;
            part = part.slice(0, wide - text::width(mark)).then(Role::Gutter, mark);
        }
        part.draw(buf, at, width, theme, ground);
    }
}

/// Byte ranges with roles for one line; what highlighters give.
pub type Spans = Vec<(Range<usize>, Role)>;

#[cfg(test)]
mod tests {
    use super::*;

    struct Log {
        dropped: usize,
        count: usize,
    }

    impl Lines for Log {
        fn len(&self) -> usize {
            self.count
        }
        fn line(&self, index: usize) -> Rich {
            Rich::from(format!("line {}", self.dropped + index))
        }
        fn dropped(&self) -> usize {
            self.dropped
        }
    }

    fn first_row(log: &Log, state: &mut TextState) -> String {
        let area = Rect::new(0, 0, 12, 4);
        let mut buf = Buffer::empty(area);
        TextView::new(log).draw(&mut buf, area, state, &Theme::default());
        (0..9).map(|x| buf[(x, 0)].symbol().to_owned()).collect::<String>().trim_end().to_owned()
    }

    #[test]
    fn it_follows_at_the_end_and_pauses_when_scrolled_up() {
        let mut state = TextState::following();
        let mut log = Log { dropped: 0, count: 10 };
        assert_eq!(first_row(&log, &mut state), "line 6");
        log.count = 12;
        assert_eq!(first_row(&log, &mut state), "line 8");
        state.scroll(&log, -3);
        assert_eq!(first_row(&log, &mut state), "line 5");
        log.count = 226;
        assert_eq!(first_row(&log, &mut state), "line 5");
        assert_eq!(state.paused(&log).as_deref(), Some("paused, 214 new"));
        state.last(&log);
        assert!(state.is_following());
        assert_eq!(first_row(&log, &mut state), "line 222");
        assert_eq!(state.paused(&log), None);
    }

    #[test]
    fn scrolling_down_to_the_end_follows_again() {
        let mut state = TextState::following();
        let log = Log { dropped: 0, count: 10 };
        first_row(&log, &mut state);
        state.scroll(&log, -2);
        assert!(!state.is_following());
        state.scroll(&log, 2);
        assert!(state.is_following());
    }

    #[test]
    fn wrapped_text_breaks_between_words() {
        let lines = vec![Rich::from("connection refused by host"), Rich::from("abcdefghijklmnopqrst")];
        let mut state = TextState { wrap: true, ..TextState::default() };
        let area = Rect::new(0, 0, 12, 6);
        let mut buf = Buffer::empty(area);
        TextView::new(&lines).draw(&mut buf, area, &mut state, &Theme::default());
        let rows: Vec<String> = (0..6)
            .map(|y| (0..12).map(|x| buf[(x, y)].symbol()).collect::<String>().trim_end().to_owned())
            .collect();
        assert_eq!(rows, ["connection", "refused by", "host", "abcdefghijkl", "mnopqrst", ""]);
    }

    #[test]
    fn lines_that_fall_out_at_the_front_do_not_move_the_text() {
        let mut state = TextState::following();
        let mut log = Log { dropped: 0, count: 100 };
        first_row(&log, &mut state);
        state.scroll(&log, -10);
        assert_eq!(first_row(&log, &mut state), "line 86");
        log.dropped = 50;
        assert_eq!(first_row(&log, &mut state), "line 86");
        log.dropped = 90;
        assert_eq!(first_row(&log, &mut state), "line 90");
    }

    #[test]
    fn a_search_goes_around_the_ends() {
        let mut state = TextState::default();
        let lines: Vec<Rich> = ["a", "b1", "c", "b2"].map(Rich::from).to_vec();
        let filter = Filter::parse("b");
        for expected in [1, 3, 1] {
            assert!(state.find(&lines, &filter, true));
            assert_eq!(state.cursor(&lines), Some(expected));
        }
        assert!(state.find(&lines, &filter, false));
        assert_eq!(state.cursor(&lines), Some(3));
        assert!(!state.find(&lines, &Filter::parse("zzz"), true));
    }

    #[test]
    fn wrapped_lines_scroll_row_by_row() {
        let mut state = TextState { wrap: true, ..TextState::default() };
        let lines: Vec<Rich> = vec![Rich::from("abcdefghij"), Rich::from("x"), Rich::from("y")];
        let area = Rect::new(0, 0, 4, 2);
        let rows = |state: &mut TextState| {
            let mut buf = Buffer::empty(area);
            TextView::new(&lines).draw(&mut buf, area, state, &Theme::default());
            (0..2)
                .map(|y| (0..4).map(|x| buf[(x, y)].symbol().to_owned()).collect::<String>())
                .collect::<Vec<_>>()
        };
        assert_eq!(rows(&mut state), ["abcd", "efgh"]);
        state.scroll(&lines, 1);
        assert_eq!(rows(&mut state), ["efgh", "ij  "]);
        state.scroll(&lines, 9);
        assert_eq!(rows(&mut state), ["x   ", "y   "]);
    }
}

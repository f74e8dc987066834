//! One line of text whose pieces have roles instead of colours. What every widget draws.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Position;

use super::text::{self, Cut};
use super::theme::{Role, Theme};

/// A line of pieces. Build it by `Rich::of(Role::Bad, "failed").then(Role::Text, " since 3m")`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rich {
    pub pieces: Vec<(Role, String)>,
}

impl Rich {
    /// One piece.
    pub fn of(role: Role, text: impl Into<String>) -> Self {
        Self { pieces: vec![(role, text.into())] }
    }

    /// Adds a piece at the end.
    #[must_use]
    pub fn then(mut self, role: Role, text: impl Into<String>) -> Self {
        self.pieces.push((role, text.into()));
        self
    }

    /// Adds a piece at the end.
    pub fn push(&mut self, role: Role, text: impl Into<String>) {
        self.pieces.push((role, text.into()));
    }

    /// Adds another line's pieces at the end.
    #[must_use]
    pub fn join(mut self, other: Rich) -> Self {
        self.pieces.extend(other.pieces);
        self
    }

    /// A line coloured by spans over it: byte ranges with roles, ascending; the rest is plain text.
    pub fn from_spans(line: &str, spans: &[(Range<usize>, Role)]) -> Self {
        let mut rich = Rich::default();
        let mut at = 0;
        for (range, role) in spans {
            let (start, end) = (range.start.max(at).min(line.len()), range.end.min(line.len()));
            if let Some(plain) = line.get(at..start).filter(|plain| !plain.is_empty()) {
                rich.push(Role::Text, plain);
            }
            if let Some(piece) = line.get(start..end).filter(|piece| !piece.is_empty()) {
                rich.push(*role, piece);
            }
            at = end.max(at);
        }
        if let Some(rest) = line.get(at..).filter(|rest| !rest.is_empty()) {
            rich.push(Role::Text, rest);
        }
        rich
    }

    /// The text alone.
    pub fn text(&self) -> String {
        self.pieces.iter().map(|(_, text)| text.as_str()).collect()
    }

    /// Width in cells.
    pub fn width(&self) -> usize {
        self.pieces.iter().map(|(_, text)| text::width(text)).sum()
    }

    /// Whether nothing is there to draw.
    pub fn is_empty(&self) -> bool {
        self.pieces.iter().all(|(_, text)| text.is_empty())
    }

    /// Gives `role` to the byte ranges (of [`Rich::text`]) of a match.
    #[must_use]
    pub fn mark(&self, ranges: &[Range<usize>], role: Role) -> Self {
        if ranges.is_empty() {
            return self.clone();
        }
        let mut out = Rich::default();
        let mut start = 0;
        for (own, piece) in &self.pieces {
            let mut at = 0;
            for range in ranges {
                let from = range.start.saturating_sub(start).clamp(at, piece.len());
                let to = range.end.saturating_sub(start).clamp(from, piece.len());
                if let (Some(before), Some(inside)) = (piece.get(at..from), piece.get(from..to))
                    && !inside.is_empty()
                {
                    if !before.is_empty() {
                        out.push(*own, before);
                    }
                    out.push(role, inside);
                    at = to;
                }
            }
            if let Some(rest) = piece.get(at..).filter(|rest| !rest.is_empty()) {
                out.push(*own, rest);
            }
            start += piece.len();
        }
        out
    }

    /// Cuts to `limit` cells with an ellipsis.
    #[must_use]
    pub fn elide(&self, limit: usize, cut: Cut, ellipsis: &str) -> Self {
        if self.width() <= limit {
            return self.clone();
        }
        if let [(role, text)] = self.pieces.as_slice() {
            return Rich::of(*role, text::elide(text, limit, cut, ellipsis));
        }
        let mark = text::width(ellipsis);
        if limit < mark {
            return Rich::default();
        }
        let room = limit - mark;
        let (head, tail) = match cut {
            Cut::End => (room, 0),
            Cut::Middle => (room - room / 2, room / 2),
            Cut::Start => (0, room),
        };
        let last = self.pieces.last().map_or(Role::Text, |(role, _)| *role);
        self.slice(0, head).then(last, ellipsis).join(self.slice(self.width() - tail, tail))
    }

    /// The cells `from..from + limit`. A wide character cut by an edge becomes blanks.
    #[must_use]
    pub fn slice(&self, from: usize, limit: usize) -> Self {
        let mut out = Rich::default();
        let end = from.saturating_add(limit);
        let mut at = 0;
        for (role, piece) in &self.pieces {
            let wide = text::width(piece);
            if at >= end {
                break;
            }
            if at + wide > from {
                if at >= from && at + wide <= end {
                    out.push(*role, piece.as_str());
                } else {
                    let mut kept = String::new();
                    let mut column = at;
                    for (symbol, cells) in text::graphemes(piece) {
                        if column >= from && column + cells <= end {
                            kept.push_str(&symbol);
                        } else if column < end && column + cells > from {
                            let visible = (column + cells).min(end) - column.max(from);
                            kept.extend(std::iter::repeat_n(' ', visible));
                        }
                        column += cells;
                    }
                    out.push(*role, kept);
                }
            }
            at += wide;
        }
        out
    }

    /// Draws at `x`, `y` in at most `limit` cells, cut at the end with an ellipsis; on `ground` when given.
    /// Gives the cells used. Places outside of the buffer are left alone.
    pub fn draw(
        &self,
        buf: &mut Buffer,
        (x, y): (u16, u16),
        limit: u16,
        theme: &Theme,
        ground: Option<Role>,
    ) -> u16 {
        let line = self.elide(usize::from(limit), Cut::End, theme.glyphs.ellipsis);
        let end = x.saturating_add(limit).min(buf.area.right());
        if y < buf.area.top() || y >= buf.area.bottom() || x < buf.area.left() {
            return 0;
        }
        let mut at = x;
        for (role, piece) in &line.pieces {
            if at >= end {
                break;
            }
            let style = ground.map_or_else(|| theme.style(*role), |ground| theme.on(*role, ground));
            // On a ground of its own it is the cell of a table, not a place in a text.
            if *role == Role::Cursor && ground != Some(Role::Cursor) {
                theme.put_caret(Position { x: at, y });
            }
            at = buf.set_stringn(at, y, piece, usize::from(end - at), style).0;
        }
        at - x
    }
}

impl From<&str> for Rich {
    fn from(text: &str) -> Self {
        Rich::of(Role::Text, text)
    }
}

impl From<String> for Rich {
    fn from(text: String) -> Self {
        Rich::of(Role::Text, text)
    }
}

impl From<(Role, &str)> for Rich {
    fn from((role, text): (Role, &str)) -> Self {
        Rich::of(role, text)
    }
}

impl From<(Role, String)> for Rich {
    fn from((role, text): (Role, String)) -> Self {
        Rich::of(role, text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line() -> Rich {
        Rich::of(Role::Bad, "failed").then(Role::Text, " since ").then(Role::Muted, "3m")
    }

    #[test]
    fn spans_colour_a_line_and_bad_spans_do_no_harm() {
        let rich = Rich::from_spans("key: 12", &[(0..3, Role::YamlKey), (5..7, Role::YamlNumber)]);
        let expected = Rich::of(Role::YamlKey, "key").then(Role::Text, ": ").then(Role::YamlNumber, "12");
        assert_eq!(rich, expected);
        let torn = Rich::from_spans("日本", &[(1..2, Role::Bad), (2..99, Role::Good)]);
        assert!(torn.width() <= 4);
    }

    #[test]
    fn marks_split_pieces_where_the_match_lies() {
        let marked = line().mark(std::slice::from_ref(&(4..9)), Role::Match);
        assert_eq!(marked.text(), line().text());
        let roles: Vec<(Role, &str)> =
            marked.pieces.iter().map(|(role, text)| (*role, text.as_str())).collect();
        assert_eq!(
            roles,
            [
                (Role::Bad, "fail"),
                (Role::Match, "ed"),
                (Role::Match, " si"),
                (Role::Text, "nce "),
                (Role::Muted, "3m")
            ]
        );
    }

    #[test]
    fn a_long_line_is_cut_across_pieces() {
        assert_eq!(line().elide(10, Cut::End, "…").text(), "failed si…");
        assert_eq!(line().elide(9, Cut::Middle, "…").text(), "fail…e 3m");
        assert_eq!(line().elide(6, Cut::Start, "…").text(), "…ce 3m");
        assert_eq!(line().slice(5, 4).text(), "d si");
        assert_eq!(Rich::from("日本").slice(1, 3).text(), " 本");
    }
}

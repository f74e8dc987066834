//! Text that fits: widths in terminal cells, cuts with an ellipsis at the least telling end, relative ages.

use std::borrow::Cow;

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

/// Where a text that is too long loses its letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cut {
    /// `dagster-webser…`: names that differ at their start.
    #[default]
    End,
    /// `aks-sh…prod`: names that differ at both ends.
    Middle,
    /// `…/templates/web.yaml`: paths.
    Start,
}

/// The graphemes of a text with their widths; control characters are not among them.
pub fn graphemes(text: &str) -> impl Iterator<Item = (String, usize)> + '_ {
    let span = Span::raw(text);
    let symbols: Vec<(String, usize)> = span
        .styled_graphemes(Style::default())
        .map(|grapheme| (grapheme.symbol.to_owned(), grapheme.symbol.width()))
        .collect();
    symbols.into_iter()
}

/// Width in cells.
pub fn width(text: &str) -> usize {
    if text.is_ascii() { text.bytes().filter(|byte| !byte.is_ascii_control()).count() } else { text.width() }
}

/// Cuts to at most `limit` cells, the ellipsis included.
pub fn elide<'a>(text: &'a str, limit: usize, cut: Cut, ellipsis: &str) -> Cow<'a, str> {
    if width(text) <= limit {
        return Cow::Borrowed(text);
    }
    let mark = width(ellipsis);
    if limit < mark {
        return Cow::Borrowed("");
    }
    let room = limit - mark;
    let (head, tail) = match cut {
        Cut::End => (room, 0),
        Cut::Middle => (room - room / 2, room / 2),
        Cut::Start => (0, room),
    };
    let pieces: Vec<(String, usize)> = graphemes(text).collect();
    let mut out = take(pieces.iter(), head);
    out.push_str(ellipsis);
    let mut end: Vec<&str> = Vec::new();
    let mut used = 0;
    for (symbol, wide) in pieces.iter().rev() {
        if used + wide > tail {
            break;
        }
        used += wide;
        end.push(symbol);
    }
    out.extend(end.into_iter().rev());
    Cow::Owned(out)
}

fn take<'a>(pieces: impl Iterator<Item = &'a (String, usize)>, limit: usize) -> String {
    let mut used = 0;
    let mut out = String::new();
    for (symbol, wide) in pieces {
        if used + wide > limit {
            break;
        }
        used += wide;
        out.push_str(symbol);
    }
    out
}

/// Tabs become spaces up to the next stop of `stop` cells, for text that is drawn cell by cell.
pub fn expand_tabs(text: &str, stop: usize) -> Cow<'_, str> {
    if !text.contains('\t') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + stop);
    for (index, part) in text.split('\t').enumerate() {
        if index > 0 {
            let here = width(&out);
            out.extend(std::iter::repeat_n(' ', stop - here % stop));
        }
        out.push_str(part);
    }
    Cow::Owned(out)
}

/// An age in one unit, for lists: `now`, `12s`, `3m`, `5h`, `2d`.
pub fn age(seconds: u64) -> String {
    match seconds {
        0 => "now".to_owned(),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// A duration that is watched while it runs: `8s`, `2m05s`, `1h02m`.
pub fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// `1 object`, `2 objects`; `plural` only adds the s, for everything else write it out.
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Breaks a text into lines of at most `limit` cells, at spaces where it can. Line breaks in it are kept, and
/// the indentation of a line is repeated on its continuation.
pub fn wrap(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let indent: String = paragraph.chars().take_while(|c| *c == ' ').collect();
        let indent = if width(&indent) * 2 < limit { indent } else { String::new() };
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split_inclusive(' ') {
            let solid = width(word.trim_end());
            if used > width(&indent) && used + solid > limit {
                lines.push(line.trim_end().to_owned());
                line.clone_from(&indent);
                used = width(&indent);
            }
            for (symbol, wide) in graphemes(word) {
                if used + wide > limit {
                    if symbol == " " {
                        continue;
                    }
                    lines.push(std::mem::take(&mut line));
                    line.clone_from(&indent);
                    used = width(&indent);
                }
                line.push_str(&symbol);
                used += wide;
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// The cells at which the rows of a text begin when it is broken to `limit` cells: behind a space where there is
/// one, inside of a word only where the word alone is longer than a row. The first is always 0.
pub fn row_starts(text: &str, limit: usize) -> Vec<usize> {
    let limit = limit.max(1);
    let mut starts = vec![0];
    let (mut row, mut at) = (0, 0);
    for word in text.split_inclusive(' ') {
        let solid = width(word.trim_end_matches(' '));
        if at > row && solid > 0 && solid <= limit && at + solid > row + limit {
            row = at;
            starts.push(row);
        }
        for (symbol, wide) in graphemes(word) {
            // Blanks at the end of a row are not carried to the next.
            if symbol != " " && at + wide > row + limit {
                row = at;
                starts.push(row);
            }
            at += wide;
        }
    }
    starts
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cut_shows_an_ellipsis_where_the_text_tells_least() {
        assert_eq!(elide("short", 5, Cut::End, "…"), "short");
        assert_eq!(elide("dagster-webserver", 8, Cut::End, "…"), "dagster…");
        assert_eq!(elide("aks-shared-nonprod", 9, Cut::Middle, "…"), "aks-…prod");
        assert_eq!(elide("templates/web.yaml", 9, Cut::Start, "…"), "…web.yaml");
        assert_eq!(elide("日本語", 5, Cut::End, "…"), "日本…");
        assert_eq!(elide("日本語", 4, Cut::End, "…"), "日…");
        assert_eq!(elide("anything", 0, Cut::End, "…"), "");
        assert_eq!(elide("anything", 1, Cut::Middle, "…"), "…");
    }

    #[test]
    fn ages_have_one_unit_and_durations_two() {
        let ages: Vec<String> = [0, 59, 60, 3_599, 3_600, 172_799, 172_800].map(age).to_vec();
        assert_eq!(ages, ["now", "59s", "1m", "59m", "1h", "47h", "2d"]);
        assert_eq!([8, 125, 3_720].map(duration), ["8s", "2m05s", "1h02m"]);
    }

    #[test]
    fn text_wraps_at_words_and_keeps_its_indentation() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("  one two three", 8), ["  one", "  two", "  three"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a\n\nb", 8), ["a", "", "b"]);
    }

    #[test]
    fn rows_begin_at_words_and_long_words_are_broken_where_they_stand() {
        assert_eq!(row_starts("one two three", 8), [0, 8]);
        assert_eq!(row_starts("at abcdefghijkl", 8), [0, 8]);
        assert_eq!(row_starts("one   two", 4), [0, 6]);
        assert_eq!(row_starts("日本語 日本", 6), [0, 7]);
        assert_eq!(row_starts("", 6), [0]);
    }

    #[test]
    fn tabs_reach_the_next_stop() {
        assert_eq!(expand_tabs("a\tb", 4), "a   b");
        assert_eq!(expand_tabs("abcd\tb", 4), "abcd    b");
    }

    proptest! {
        #[test]
        fn a_cut_never_exceeds_its_limit(text in "\\PC{0,40}", limit in 0usize..30) {
            for cut in [Cut::End, Cut::Middle, Cut::Start] {
                prop_assert!(width(&elide(&text, limit, cut, "…")) <= limit);
            }
        }

        #[test]
        fn wrapping_loses_no_letter(text in "[a-zäß日 ]{0,60}", limit in 2usize..20) {
            let lines = wrap(&text, limit);
            prop_assert!(lines.iter().all(|line| width(line) <= limit));
            let letters = |text: &str| text.chars().filter(|c| *c != ' ').collect::<String>();
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}

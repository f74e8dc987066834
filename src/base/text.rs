//! Text from elsewhere made safe and made to fit: no terminal control, no hidden direction, no silent cut.

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The mark of a cut.
pub const ELLIPSIS: &str = "…";

/// Removes everything that could drive a terminal or reorder the line: escape sequences whole (colours, titles,
/// links), C0 and C1 controls, bidirectional controls, line separators. Tabs become spaces to the next multiple
/// of 8, `\r\n` becomes `\n`, other text stays as it is.
pub fn neutralise(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_harmful) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::with_capacity(text.len());
    let mut column = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        rest = match c {
            '\n' => {
                clean.push(c);
                column = 0;
                after
            }
            '\t' => {
                let spaces = 8 - column % 8;
                clean.extend(std::iter::repeat_n(' ', spaces));
                column += spaces;
                after
            }
            '\r' => {
                // A lone carriage return is a progress bar that overwrites its line: keep the words apart.
                if !after.starts_with('\n') && !after.is_empty() {
                    clean.push(' ');
                    column += 1;
                }
                after
            }
            '\u{2028}' | '\u{2029}' => {
                clean.push(' ');
                column += 1;
                after
            }
            '\u{1b}' => skip_escape(after),
            '\u{9b}' => skip_csi(after),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(after),
            c if is_harmful(c) => after,
            c => {
                clean.push(c);
                column += c.width().unwrap_or(0);
                after
            }
        };
    }
    Cow::Owned(clean)
}

fn is_harmful(c: char) -> bool {
    matches!(c,
        '\0'..='\u{9}' | '\u{b}'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// What follows an ESC, without the sequence it starts.
fn skip_escape(after: &str) -> &str {
    let mut chars = after.chars();
    match chars.next() {
        Some('[') => skip_csi(chars.as_str()),
        Some(']' | 'P' | 'X' | '^' | '_') => skip_string(chars.as_str()),
        // ESC, intermediates, one final character: character sets, keypad modes, reset.
        Some(' '..='/') => {
            let rest = chars.as_str().trim_start_matches(|c| matches!(c, ' '..='/'));
            let mut chars = rest.chars();
            if matches!(chars.next(), Some('0'..='~')) { chars.as_str() } else { rest }
        }
        Some('0'..='~') => chars.as_str(),
        _ => after,
    }
}

/// A control sequence: parameters, intermediates, one final character; a broken one is dropped up to its break.
fn skip_csi(after: &str) -> &str {
    let rest = after.trim_start_matches(|c| matches!(c, ' '..='?'));
    let mut chars = rest.chars();
    if matches!(chars.next(), Some('@'..='~')) { chars.as_str() } else { rest }
}

/// A control string (title, link, device string) up to its terminator. One that is never terminated is shown
/// as the text it holds, so that nothing can hide the rest of a log.
fn skip_string(after: &str) -> &str {
    for (at, c) in after.char_indices().take(4096) {
        match c {
            '\u{7}' | '\u{9c}' => return &after[at + c.len_utf8()..],
            '\u{1b}' if after[at + 1..].starts_with('\\') => return &after[at + 2..],
            '\n' => return after,
            _ => {}
        }
    }
    after
}

/// Neutralised, and on one line: line breaks and the indentation after them become one space.
pub fn one_line(text: &str) -> String {
    let clean = neutralise(text);
    clean.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

/// The width of text in terminal cells.
pub fn width(text: &str) -> usize {
    text.width()
}

/// Cuts at the end so that the result, ellipsis included, has at most `width` cells.
pub fn elide_end(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    if width == 0 {
        return Cow::Borrowed("");
    }
    Cow::Owned(format!("{}{ELLIPSIS}", prefix(text, width - 1)))
}

/// Cuts at the start: for paths, whose end tells most.
pub fn elide_start(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    if width == 0 {
        return Cow::Borrowed("");
    }
    Cow::Owned(format!("{ELLIPSIS}{}", suffix(text, width - 1)))
}

/// Cuts in the middle: for contexts and image names, whose two ends tell most.
pub fn elide_middle(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return Cow::Borrowed(text);
    }
    if width == 0 {
        return Cow::Borrowed("");
    }
    let head = (width - 1).div_ceil(2);
    Cow::Owned(format!("{}{ELLIPSIS}{}", prefix(text, head), suffix(text, width - 1 - head)))
}

fn prefix(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > width {
            return &text[..at];
        }
    }
    text
}

fn suffix(text: &str, width: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > width {
            return &text[at + c.len_utf8()..];
        }
    }
    text
}

/// What the system says about a file, as Go writes it: `no such file or directory`.
pub fn go_io(error: &std::io::Error) -> String {
    let words = error.to_string();
    let words = words.split_once(" (os error").map_or(words.as_str(), |(words, _)| words);
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_go_and_words_stay() {
        let cases = [
            ("plain ünïcode 日本", "plain ünïcode 日本"),
            ("\x1b[1;31mred\x1b[0m text", "red text"),
            ("\x1b]0;owned\x07title", "title"),
            ("\x1b]8;;http://evil\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\u{9b}2Jcleared", "cleared"),
            ("\x1bPdevice\x1b\\after", "after"),
            ("\x1b]0;never ends\nnext line", "0;never ends\nnext line"),
            ("a\tb", "a       b"),
            ("one\r\ntwo\rthree\r", "one\ntwo three"),
            ("rtl \u{202e}cba\u{2066}", "rtl cba"),
            ("bell\x07 nul\0 del\x7f", "bell nul del"),
            ("\x1b(Bset \x1bcreset", "set reset"),
        ];
        for (dirty, clean) in cases {
            assert_eq!(neutralise(dirty), clean, "{dirty:?}");
        }
        assert!(matches!(neutralise("clean\nlines"), Cow::Borrowed(_)));
    }

    #[test]
    fn cuts_are_marked_and_fit() {
        assert_eq!(elide_end("deployment", 7), "deploy…");
        assert_eq!(elide_start("charts/floe/values.yaml", 12), "…values.yaml");
        assert_eq!(elide_middle("aks-shared-nonprod-admin", 11), "aks-s…admin");
        assert_eq!(elide_end("日本語", 5), "日本…");
        assert_eq!(elide_end("日本語", 4), "日…");
        assert_eq!(elide_end("x", 0), "");
        assert_eq!(one_line("a\n   b\n\n\tc"), "a b c");
    }

    proptest! {
        #[test]
        fn nothing_harmful_survives(text in any::<String>(), controls in "[\\x00-\\x1f\\x1b\\[\\]0-9;mH\u{80}-\u{9f}\u{202a}-\u{202e}]{0,40}") {
            for input in [&text, &controls] {
                let clean = neutralise(input);
                prop_assert!(!clean.chars().any(is_harmful), "{clean:?}");
                prop_assert_eq!(neutralise(&clean), clean.as_ref());
            }
        }

        #[test]
        fn cuts_never_exceed(text in "[a-z日本é ]{0,30}", cells in 0usize..20) {
            for cut in [elide_end(&text, cells), elide_middle(&text, cells), elide_start(&text, cells)] {
                prop_assert!(width(&cut) <= cells);
            }
        }
    }
}

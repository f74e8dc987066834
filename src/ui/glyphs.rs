//! The marks on the screen and their plain ASCII stand-ins for locales that are not UTF-8.

use ratatui::symbols::border;

/// One set of marks.
#[derive(Debug, PartialEq, Eq)]
pub struct Glyphs {
    pub ellipsis: &'static str,
    pub open: &'static str,
    pub closed: &'static str,
    pub cursor: &'static str,
    pub good: &'static str,
    pub busy: &'static str,
    pub warn: &'static str,
    pub bad: &'static str,
    pub paused: &'static str,
    pub unknown: &'static str,
    pub missing: &'static str,
    pub dot: &'static str,
    pub ascending: &'static str,
    pub descending: &'static str,
    pub arrow: &'static str,
    pub bar: &'static str,
    pub gutter: &'static str,
    pub thumb: &'static str,
    pub track: &'static str,
    pub left_more: &'static str,
    pub right_more: &'static str,
    /// `[x]` and `[ ]` as the locale has them.
    pub ticked: &'static str,
    pub unticked: &'static str,
    pub spinner: &'static [&'static str],
    pub border: border::Set<'static>,
    pub border_focus: border::Set<'static>,
    /// Filled and empty part of a progress bar.
    pub full: &'static str,
    pub empty: &'static str,
}

const ASCII_BORDER: border::Set<'static> = border::Set {
    top_left: "+",
    top_right: "+",
    bottom_left: "+",
    bottom_right: "+",
    vertical_left: "|",
    vertical_right: "|",
    horizontal_top: "-",
    horizontal_bottom: "-",
};

const ASCII_BORDER_FOCUS: border::Set<'static> =
    border::Set { horizontal_top: "=", horizontal_bottom: "=", ..ASCII_BORDER };

impl Glyphs {
    pub const UNICODE: Glyphs = Glyphs {
        ellipsis: "…",
        open: "▾",
        closed: "▸",
        cursor: "▌",
        good: "●",
        busy: "◐",
        warn: "▲",
        bad: "✗",
        paused: "‖",
        unknown: "?",
        missing: "○",
        dot: "·",
        ascending: "↑",
        descending: "↓",
        arrow: "→",
        bar: "│",
        gutter: "▎",
        thumb: "▐",
        track: " ",
        left_more: "‹",
        right_more: "›",
        ticked: "☑",
        unticked: "☐",
        spinner: &["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"],
        border: border::ROUNDED,
        border_focus: border::THICK,
        full: "█",
        empty: "░",
    };

    pub const ASCII: Glyphs = Glyphs {
        ellipsis: "~",
        open: "v",
        closed: ">",
        cursor: ">",
        good: "o",
        busy: "*",
        warn: "!",
        bad: "x",
        paused: "=",
        unknown: "?",
        missing: "-",
        dot: "-",
        ascending: "^",
        descending: "v",
        arrow: "->",
        bar: "|",
        gutter: "|",
        thumb: "#",
        track: "|",
        left_more: "<",
        right_more: ">",
        ticked: "x",
        unticked: "_",
        spinner: &["|", "/", "-", "\\"],
        border: ASCII_BORDER,
        border_focus: ASCII_BORDER_FOCUS,
        full: "#",
        empty: ".",
    };

    /// What the locale of the environment can show.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> &'static Glyphs {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .iter()
            .find_map(|name| variable(name).filter(|value| !value.is_empty()))
            .unwrap_or_default()
            .to_ascii_lowercase();
        // An empty locale is what containers and ssh give; their terminals read UTF-8. Only a locale that names
        // something else, and the Linux console with its small font, get ASCII.
        let other = !locale.is_empty() && !locale.contains("utf-8") && !locale.contains("utf8");
        if other || variable("TERM").as_deref() == Some("linux") { &Self::ASCII } else { &Self::UNICODE }
    }

    /// The spinner's frame after `millis` milliseconds.
    pub fn spin(&self, millis: u128) -> &'static str {
        let frames = self.spinner;
        let index = usize::try_from(millis / 100).unwrap_or(0) % frames.len().max(1);
        frames.get(index).copied().unwrap_or("")
    }

    /// A bar of `width` cells, `done` of `total` filled; never full before it is done.
    pub fn progress(&self, done: usize, total: usize, width: usize) -> String {
        let filled = (done.min(total) * width).checked_div(total).unwrap_or(0);
        format!("{}{}", self.full.repeat(filled), self.empty.repeat(width - filled))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> &'static Glyphs {
        Glyphs::detect(|name| {
            pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        })
    }

    #[test]
    fn the_locale_decides() {
        assert_eq!(with(&[("LANG", "de_DE.UTF-8")]), &Glyphs::UNICODE);
        assert_eq!(with(&[("LC_ALL", "C"), ("LANG", "de_DE.UTF-8")]), &Glyphs::ASCII);
        assert_eq!(with(&[("LC_ALL", ""), ("LANG", "C.utf8")]), &Glyphs::UNICODE);
        assert_eq!(with(&[("LANG", "C.UTF-8"), ("TERM", "linux")]), &Glyphs::ASCII);
        assert_eq!(with(&[]), &Glyphs::UNICODE);
    }

    #[test]
    fn a_bar_is_full_only_when_done() {
        assert_eq!(Glyphs::ASCII.progress(0, 0, 4), "....");
        assert_eq!(Glyphs::ASCII.progress(99, 100, 4), "###.");
        assert_eq!(Glyphs::ASCII.progress(7, 5, 4), "####");
    }

    #[test]
    fn the_spinner_turns_every_100_ms() {
        assert_eq!(Glyphs::ASCII.spin(99), "|");
        assert_eq!(Glyphs::ASCII.spin(100), "/");
        assert_eq!(Glyphs::ASCII.spin(400), "|");
    }
}

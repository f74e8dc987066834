//! How many colours a terminal has, how a theme shrinks to fit, and whether its background is dark.

use ratatui::style::Color;

/// The colours a terminal can show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    /// Only modifiers: `NO_COLOR`, or a terminal without colours.
    None,
    /// The sixteen named colours.
    Ansi16,
    /// The 6x6x6 cube and the greys.
    Ansi256,
    /// 24 bit.
    True,
}

impl Depth {
    /// What the environment promises; `variable` looks a variable up.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Self {
        if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            return Depth::None;
        }
        let term = variable("TERM").unwrap_or_default();
        let colours = variable("COLORTERM").unwrap_or_default();
        if term == "dumb" {
            return Depth::None;
        }
        if matches!(colours.as_str(), "truecolor" | "24bit") || term.ends_with("-direct") {
            return Depth::True;
        }
        if variable("WT_SESSION").is_some() || term.contains("kitty") || term.contains("ghostty") {
            return Depth::True;
        }
        if term.contains("256") {
            return Depth::Ansi256;
        }
        Depth::Ansi16
    }

    /// The nearest colour this depth can show; `None` where there is no colour at all.
    pub fn fit(self, colour: Color) -> Option<Color> {
        match (self, colour) {
            (Depth::None, _) => None,
            (Depth::Ansi256, Color::Rgb(r, g, b)) => Some(Color::Indexed(nearest_256(r, g, b))),
            (Depth::Ansi16, Color::Rgb(r, g, b)) => Some(nearest_16(r, g, b)),
            (Depth::Ansi16, Color::Indexed(index)) if index > 15 => {
                let (r, g, b) = rgb_of_index(index);
                Some(nearest_16(r, g, b))
            }
            (_, colour) => Some(colour),
        }
    }
}

const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

const ANSI: [(Color, (u8, u8, u8)); 16] = [
    (Color::Black, (0, 0, 0)),
    (Color::Red, (205, 49, 49)),
    (Color::Green, (13, 188, 121)),
    (Color::Yellow, (210, 180, 40)),
    (Color::Blue, (36, 114, 200)),
    (Color::Magenta, (188, 63, 188)),
    (Color::Cyan, (17, 168, 205)),
    (Color::Gray, (200, 200, 200)),
    (Color::DarkGray, (102, 102, 102)),
    (Color::LightRed, (241, 76, 76)),
    (Color::LightGreen, (35, 209, 139)),
    (Color::LightYellow, (245, 245, 67)),
    (Color::LightBlue, (59, 142, 234)),
    (Color::LightMagenta, (214, 112, 214)),
    (Color::LightCyan, (41, 184, 219)),
    (Color::White, (255, 255, 255)),
];

fn distance(a: (u8, u8, u8), b: (u8, u8, u8)) -> u32 {
    // Weighted by how much the eye sees of each channel.
    let d = |x: u8, y: u8| u32::from(x.abs_diff(y)).pow(2);
    2 * d(a.0, b.0) + 4 * d(a.1, b.1) + 3 * d(a.2, b.2)
}

fn rgb_of_index(index: u8) -> (u8, u8, u8) {
    match index {
        0..=15 => ANSI[usize::from(index)].1,
        16..=231 => {
            let i = usize::from(index - 16);
            (STEPS[i / 36], STEPS[i / 6 % 6], STEPS[i % 6])
        }
        232..=255 => {
            let grey = 8 + 10 * (index - 232);
            (grey, grey, grey)
        }
    }
}

fn nearest_256(r: u8, g: u8, b: u8) -> u8 {
    (16..=255u8).min_by_key(|index| distance(rgb_of_index(*index), (r, g, b))).unwrap_or(15)
}

fn nearest_16(r: u8, g: u8, b: u8) -> Color {
    // Hue first: a pastel must become its colour, not grey; only nearly grey colours become greys.
    let spread = r.max(g).max(b) - r.min(g).min(b);
    let grey = |colour: &Color| matches!(colour, Color::Black | Color::Gray | Color::DarkGray | Color::White);
    let candidates = ANSI.iter().filter(|(colour, _)| (spread < 40) == grey(colour));
    candidates.min_by_key(|(_, rgb)| distance(*rgb, (r, g, b))).map_or(Color::White, |(colour, _)| *colour)
}

/// Whether the terminal's own background is dark or light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Background {
    Dark,
    Light,
}

/// What to send to ask a terminal for its background colour.
pub const BACKGROUND_QUERY: &str = "\x1b]11;?\x1b\\";

impl Background {
    /// Reads the answer to [`BACKGROUND_QUERY`]: `ESC ] 11 ; rgb:RRRR/GGGG/BBBB` ended by BEL or `ESC \`,
    /// anywhere in `reply`. `None` when there is no complete answer in it.
    pub fn parse(reply: &[u8]) -> Option<Self> {
        let text = String::from_utf8_lossy(reply);
        let start = text.find("]11;")? + 4;
        let rest = &text[start..];
        let end = rest.find(['\x07', '\x1b'])?;
        let colour = rest[..end].strip_prefix("rgb:").or_else(|| rest[..end].strip_prefix("rgba:"))?;
        let mut channels = colour.split('/').map(|channel| {
            let value = u32::from_str_radix(channel, 16).ok()?;
            let full = 16u32.checked_pow(u32::try_from(channel.len()).ok()?)?.checked_sub(1)?;
            (full > 0).then(|| f64::from(value) / f64::from(full))
        });
        let (r, g, b) = (channels.next()??, channels.next()??, channels.next()??);
        let luminance = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        Some(if luminance > 0.5 { Background::Light } else { Background::Dark })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Depth {
        Depth::detect(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_environment_decides_the_depth() {
        assert_eq!(with(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(with(&[("TERM", "xterm-256color")]), Depth::Ansi256);
        assert_eq!(with(&[("TERM", "linux")]), Depth::Ansi16);
        assert_eq!(with(&[("TERM", "dumb")]), Depth::None);
        assert_eq!(with(&[("TERM", "xterm"), ("COLORTERM", "truecolor"), ("NO_COLOR", "1")]), Depth::None);
        assert_eq!(with(&[("TERM", "xterm"), ("NO_COLOR", "")]), Depth::Ansi16);
    }

    #[test]
    fn colours_shrink_to_their_neighbours() {
        assert_eq!(Depth::Ansi256.fit(Color::Rgb(255, 0, 0)), Some(Color::Indexed(196)));
        assert_eq!(Depth::Ansi16.fit(Color::Rgb(250, 120, 130)), Some(Color::LightRed));
        assert_eq!(Depth::Ansi16.fit(Color::Rgb(30, 32, 40)), Some(Color::Black));
        assert_eq!(Depth::None.fit(Color::Red), None);
        assert_eq!(Depth::True.fit(Color::Rgb(1, 2, 3)), Some(Color::Rgb(1, 2, 3)));
    }

    #[test]
    fn the_background_is_read_from_every_usual_answer() {
        assert_eq!(Background::parse(b"\x1b]11;rgb:1e1e/1e1e/2e2e\x07"), Some(Background::Dark));
        assert_eq!(Background::parse(b"\x1b]11;rgb:ffff/fafa/f0f0\x1b\\"), Some(Background::Light));
        assert_eq!(Background::parse(b"j\x1b]11;rgb:ff/ff/ff\x1b\\k"), Some(Background::Light));
        assert_eq!(Background::parse(b"\x1b]11;rgb:1e1e/1e1e"), None);
        assert_eq!(Background::parse(b"\x1b]11;nonsense\x07"), None);
        assert_eq!(Background::parse(b""), None);
    }
}

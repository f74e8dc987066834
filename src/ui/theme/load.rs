//! Theme files: TOML with `inherits`, a `[palette]` of named colours and `[roles]`. Anything wrong in one is a
//! warning, and the role keeps what it inherits.

use std::collections::BTreeMap;
use std::path::Path;

use ratatui::style::{Color, Modifier, Style};
use toml::{Table, Value};

use super::{Background, Depth, Role, Theme};

const BUILT_IN: &[(&str, &str)] = &[
    ("dark", include_str!("../../../themes/dark.toml")),
    ("light", include_str!("../../../themes/light.toml")),
    ("terminal", include_str!("../../../themes/terminal.toml")),
    ("cvd-safe", include_str!("../../../themes/cvd-safe.toml")),
    ("cvd-safe-light", include_str!("../../../themes/cvd-safe-light.toml")),
    ("high-contrast", include_str!("../../../themes/high-contrast.toml")),
    ("mono", include_str!("../../../themes/mono.toml")),
];

/// A theme and what was wrong with its file.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub theme: Theme,
    /// One sentence each, with the theme's name and key.
    pub warnings: Vec<String>,
}

/// All themes: those built in, and those of the user's folder, which win over built-in ones of the same name.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    sources: BTreeMap<String, String>,
    warnings: Vec<String>,
}

impl Catalogue {
    /// The themes shipped with the program.
    pub fn built_in() -> Self {
        let sources = BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        Self { sources, warnings: Vec::new() }
    }

    /// The built-in themes and every `*.toml` of `folder`. A folder that is not there is no problem.
    pub fn with_folder(folder: &Path) -> Self {
        let mut catalogue = Self::built_in();
        let Ok(entries) = std::fs::read_dir(folder) else { return catalogue };
        for path in entries.flatten().map(|entry| entry.path()) {
            let is_theme = path.extension().is_some_and(|extension| extension == "toml");
            let Some(name) = path.file_stem().and_then(|stem| stem.to_str()).filter(|_| is_theme) else {
                continue;
            };
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    catalogue.sources.insert(name.to_owned(), text);
                }
                Err(error) => {
                    catalogue.warnings.push(format!("theme {}: cannot be read: {error}", path.display()));
                }
            }
        }
        catalogue
    }

    /// Every name, sorted.
    pub fn names(&self) -> Vec<&str> {
        self.sources.keys().map(String::as_str).collect()
    }

    /// The name to start with: what was asked for; without colours `mono`; else by the background, and while
    /// that is unknown the terminal's own colours.
    pub fn choose(requested: Option<&str>, depth: Depth, background: Option<Background>) -> &str {
        match (requested, depth, background) {
            (Some(name), _, _) if name != "auto" => name,
            (_, Depth::None, _) => "mono",
            // Sixteen colours are the terminal's own anyway, and those it has chosen to fit its background.
            (_, Depth::Ansi16, _) | (_, _, None) => "terminal",
            (_, _, Some(Background::Dark)) => "dark",
            (_, _, Some(Background::Light)) => "light",
        }
    }

    /// Loads a theme for a terminal of `depth`. An unknown name gives the terminal's own colours and a warning.
    pub fn load(&self, name: &str, depth: Depth) -> Loaded {
        let mut warnings = self.warnings.clone();
        let mut chain = Vec::new();
        let mut next = Some(name.to_owned());
        while let Some(current) = next.take() {
            if chain.iter().any(|(seen, _)| *seen == current) {
                warnings.push(format!("theme {name}: inherits itself through {current}"));
                break;
            }
            let Some(source) = self.sources.get(&current) else {
                let known = self.names().join(", ");
                warnings.push(format!("there is no theme {current}; there are {known}"));
                if chain.is_empty() {
                    next = Some("terminal".to_owned()).filter(|fallback| *fallback != current);
                }
                continue;
            };
            match source.parse::<Table>() {
                Ok(table) => {
                    next = table.get("inherits").and_then(Value::as_str).map(str::to_owned);
                    chain.push((current, table));
                }
                Err(error) => {
                    warnings.push(format!("theme {current}: {}", error.message()));
                    next = Some("terminal".to_owned()).filter(|fallback| *fallback != current);
                }
            }
        }
        let theme = build(name, &chain, depth, &mut warnings);
        Loaded { theme, warnings }
    }
}

fn build(name: &str, chain: &[(String, Table)], depth: Depth, warnings: &mut Vec<String>) -> Theme {
    let mut palette: BTreeMap<&str, &str> = BTreeMap::new();
    let mut styles = vec![Style::default(); Role::ALL.len()];
    for (file, table) in chain.iter().rev() {
        for (key, value) in table {
            match (key.as_str(), value) {
                ("inherits", Value::String(_)) | ("palette" | "roles", Value::Table(_)) => {}
                _ => warnings.push(format!("theme {file}: {key} is not known here")),
            }
        }
        for (colour, value) in table.get("palette").and_then(Value::as_table).into_iter().flatten() {
            match value.as_str() {
                Some(text) => {
                    palette.insert(colour, text);
                }
                None => warnings.push(format!("theme {file}: palette {colour} is not a text")),
            }
        }
    }
    // The whole palette first: a child that changes a colour changes every role of its parents that uses it.
    for (file, table) in chain.iter().rev() {
        for (key, value) in table.get("roles").and_then(Value::as_table).into_iter().flatten() {
            let Some(role) = Role::named(key) else {
                warnings.push(format!("theme {file}: there is no role {key}"));
                continue;
            };
            match style_of(value, &palette, depth) {
                Ok(style) => styles[role as usize] = style,
                Err(reason) => warnings.push(format!("theme {file}: {key}: {reason}")),
            }
        }
    }
    Theme::new(name, styles)
}

fn style_of(value: &Value, palette: &BTreeMap<&str, &str>, depth: Depth) -> Result<Style, String> {
    let colour = |value: &Value| -> Result<Option<Color>, String> {
        let text = value.as_str().ok_or("a colour is a text")?;
        Ok(depth.fit(colour_of(text, palette, 0)?))
    };
    match value {
        Value::String(_) => Ok(Style { fg: colour(value)?, ..Style::default() }),
        Value::Table(table) => {
            let mut style = Style::default();
            for (key, value) in table {
                match key.as_str() {
                    "fg" => style.fg = colour(value)?,
                    "bg" => style.bg = colour(value)?,
                    "modifiers" => {
                        for name in value.as_array().ok_or("modifiers is a list")? {
                            style = style.add_modifier(modifier(name)?);
                        }
                    }
                    other => return Err(format!("{other} is none of fg, bg, modifiers")),
                }
            }
            Ok(style)
        }
        _ => Err("is a colour or a table of fg, bg, modifiers".to_owned()),
    }
}

fn modifier(value: &Value) -> Result<Modifier, String> {
    match value.as_str() {
        Some("bold") => Ok(Modifier::BOLD),
        Some("dim") => Ok(Modifier::DIM),
        Some("italic") => Ok(Modifier::ITALIC),
        Some("underlined") => Ok(Modifier::UNDERLINED),
        Some("reversed") => Ok(Modifier::REVERSED),
        Some("crossed-out") => Ok(Modifier::CROSSED_OUT),
        _ => Err(format!("there is no modifier {value}")),
    }
}

fn colour_of(text: &str, palette: &BTreeMap<&str, &str>, nesting: u8) -> Result<Color, String> {
    if nesting > 8 {
        return Err(format!("the palette names {text} in a circle"));
    }
    if let Some(named) = palette.get(text).filter(|named| **named != text) {
        return colour_of(named, palette, nesting + 1);
    }
    if let Some(hex) = text.strip_prefix('#') {
        let number = u32::from_str_radix(hex, 16).ok().filter(|_| hex.len() == 6);
        let [_, r, g, b] = number.ok_or_else(|| format!("{text} is not #rrggbb"))?.to_be_bytes();
        return Ok(Color::Rgb(r, g, b));
    }
    if let Ok(index) = text.parse::<u8>() {
        return Ok(Color::Indexed(index));
    }
    let colour = match text {
        "default" => Color::Reset,
        "black" => Color::Black,
        "red" => Color::Red,
        "green" => Color::Green,
        "yellow" => Color::Yellow,
        "blue" => Color::Blue,
        "magenta" => Color::Magenta,
        "cyan" => Color::Cyan,
        "gray" => Color::Gray,
        "bright-black" => Color::DarkGray,
        "bright-red" => Color::LightRed,
        "bright-green" => Color::LightGreen,
        "bright-yellow" => Color::LightYellow,
        "bright-blue" => Color::LightBlue,
        "bright-magenta" => Color::LightMagenta,
        "bright-cyan" => Color::LightCyan,
        "white" => Color::White,
        _ => return Err(format!("there is no colour {text}")),
    };
    Ok(colour)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn catalogue(name: &str, text: &str) -> Catalogue {
        let mut catalogue = Catalogue::built_in();
        catalogue.sources.insert(name.to_owned(), text.to_owned());
        catalogue
    }

    #[test]
    fn every_file_in_themes_is_built_in_and_loads_without_a_warning_at_every_depth() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("themes");
        let mut files = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            for depth in [Depth::None, Depth::Ansi16, Depth::Ansi256, Depth::True] {
                let loaded = Catalogue::built_in().load(&name, depth);
                assert_eq!(loaded.warnings, Vec::<String>::new(), "{name} at {depth:?}");
                for role in Role::ALL.iter().filter(|role| **role != Role::Text) {
                    let style = loaded.theme.style(*role);
                    let plain = style == Style::default();
                    let may_be_plain = matches!(name.as_str(), "mono" | "terminal") || depth == Depth::None;
                    assert!(!plain || may_be_plain, "{name}: {} has no style", role.name());
                }
            }
            files += 1;
        }
        assert_eq!(files, BUILT_IN.len());
    }

    #[test]
    fn what_must_be_told_apart_differs_even_without_colours() {
        for name in Catalogue::built_in().names() {
            let depths: &[Depth] =
                if name == "mono" { &[Depth::None] } else { &[Depth::Ansi16, Depth::True] };
            for depth in depths {
                let theme = Catalogue::built_in().load(name, *depth).theme;
                let pairs = [
                    (Role::Selection, Role::Text),
                    (Role::Selection, Role::SelectionIdle),
                    (Role::Border, Role::BorderFocus),
                    (Role::Protected, Role::Header),
                    (Role::Key, Role::KeyLabel),
                    (Role::Bad, Role::Good),
                    (Role::Added, Role::Removed),
                    (Role::Match, Role::Text),
                ];
                for (a, b) in pairs {
                    assert_ne!(theme.style(a), theme.style(b), "{name} {depth:?}: {a:?} {b:?}");
                }
            }
        }
    }

    #[test]
    fn without_colours_no_colour_is_left() {
        let theme = Catalogue::built_in().load("dark", Depth::None).theme;
        for role in Role::ALL {
            assert_eq!((theme.style(*role).fg, theme.style(*role).bg), (None, None));
        }
    }

    #[test]
    fn a_child_changes_a_palette_colour_of_its_parent() {
        let text = "inherits = \"dark\"\n[palette]\nblue = \"#010203\"\n[roles]\nbad = { fg = \"9\", modifiers = [\"bold\"] }\n";
        let loaded = catalogue("mine", text).load("mine", Depth::True);
        assert_eq!(loaded.warnings, Vec::<String>::new());
        assert_eq!(loaded.theme.style(Role::Accent).fg, Some(Color::Rgb(1, 2, 3)));
        let bad = Style::default().fg(Color::Indexed(9)).add_modifier(Modifier::BOLD);
        assert_eq!(loaded.theme.style(Role::Bad), bad);
        assert_eq!(loaded.theme.style(Role::Good), Theme::built_in("dark").style(Role::Good));
    }

    #[test]
    fn wrong_entries_warn_and_keep_what_was_inherited() {
        let text = "inherits = \"dark\"\nfoo = 1\n[roles]\nbad = \"#12\"\nnope = \"red\"\ngood = \"blau\"\n";
        let loaded = catalogue("mine", text).load("mine", Depth::True);
        assert_eq!(
            loaded.warnings,
            [
                "theme mine: foo is not known here",
                "theme mine: bad: #12 is not #rrggbb",
                "theme mine: good: there is no colour blau",
                "theme mine: there is no role nope",
            ]
        );
        assert_eq!(loaded.theme.style(Role::Bad), Theme::built_in("dark").style(Role::Bad));
    }

    #[test]
    fn circles_broken_files_and_unknown_names_fall_back() {
        let circle = catalogue("a", "inherits = \"a\"").load("a", Depth::True);
        assert_eq!(circle.warnings, ["theme a: inherits itself through a"]);
        let palette =
            catalogue("p", "[palette]\nx = \"y\"\ny = \"x\"\n[roles]\nbad = \"x\"\n").load("p", Depth::True);
        assert_eq!(palette.warnings.len(), 1);
        let broken = catalogue("b", "[roles").load("b", Depth::True);
        assert_eq!(broken.warnings.len(), 1);
        assert_eq!(broken.theme.style(Role::Bad), Theme::default().style(Role::Bad));
        let unknown = Catalogue::built_in().load("nope", Depth::True);
        assert!(unknown.warnings[0].starts_with("there is no theme nope; there are cvd-safe"));
        assert_eq!(unknown.theme.style(Role::Bad), Theme::default().style(Role::Bad));
    }

    #[test]
    fn a_user_folder_adds_and_replaces_themes() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mine.toml"), "inherits = \"dark\"").unwrap();
        std::fs::write(folder.path().join("notes.txt"), "no theme").unwrap();
        let catalogue = Catalogue::with_folder(folder.path());
        assert!(catalogue.names().contains(&"mine"));
        assert!(!catalogue.names().contains(&"notes"));
        assert_eq!(Catalogue::with_folder(Path::new("/nowhere")).names(), Catalogue::built_in().names());
    }

    #[test]
    fn the_start_theme_follows_the_wish_then_no_color_then_the_background() {
        use Background::{Dark, Light};
        assert_eq!(Catalogue::choose(Some("cvd-safe"), Depth::None, None), "cvd-safe");
        assert_eq!(Catalogue::choose(Some("auto"), Depth::None, Some(Dark)), "mono");
        assert_eq!(Catalogue::choose(None, Depth::True, Some(Dark)), "dark");
        assert_eq!(Catalogue::choose(None, Depth::Ansi256, Some(Light)), "light");
        assert_eq!(Catalogue::choose(None, Depth::True, None), "terminal");
        assert_eq!(Catalogue::choose(None, Depth::Ansi16, Some(Dark)), "terminal");
    }
}

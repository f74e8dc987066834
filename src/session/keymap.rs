//! From a key press to a command: pure look-up in a table made from the defaults and the user's configuration.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::command::{Command, Place, TABLE};

/// A key as the configuration writes it: `q`, `Ctrl-S`, `Shift-Tab`, `PageUp`, `Space`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key {
    code: KeyCode,
    modifiers: KeyModifiers,
}

const NAMED: &[(&str, KeyCode)] = &[
    ("Enter", KeyCode::Enter),
    ("Esc", KeyCode::Esc),
    ("Tab", KeyCode::Tab),
    ("Space", KeyCode::Char(' ')),
    ("Backspace", KeyCode::Backspace),
    ("Delete", KeyCode::Delete),
    ("Insert", KeyCode::Insert),
    ("Up", KeyCode::Up),
    ("Down", KeyCode::Down),
    ("Left", KeyCode::Left),
    ("Right", KeyCode::Right),
    ("Home", KeyCode::Home),
    ("End", KeyCode::End),
    ("PageUp", KeyCode::PageUp),
    ("PageDown", KeyCode::PageDown),
];

impl Key {
    /// Reads the notation; `None` for a name it does not know.
    pub fn parse(text: &str) -> Option<Self> {
        let mut modifiers = KeyModifiers::NONE;
        let mut rest = text;
        loop {
            let (modifier, tail) = match rest.split_once('-') {
                Some(("Ctrl", tail)) if !tail.is_empty() => (KeyModifiers::CONTROL, tail),
                Some(("Alt", tail)) if !tail.is_empty() => (KeyModifiers::ALT, tail),
                Some(("Shift", tail)) if !tail.is_empty() => (KeyModifiers::SHIFT, tail),
                _ => break,
            };
            modifiers |= modifier;
            rest = tail;
        }
        let named = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(rest)).map(|(_, code)| *code);
        let code = match named {
            Some(code) => code,
            None => {
                if let Some(n) = rest.strip_prefix('F').and_then(|n| n.parse::<u8>().ok()) {
                    KeyCode::F(n)
                } else {
                    let mut chars = rest.chars();
                    let c = chars.next()?;
                    if chars.next().is_some() {
                        return None;
                    }
                    KeyCode::Char(c)
                }
            }
        };
        Some(Self { code, modifiers }.normal())
    }

    /// One shape for what terminals report in several: shifted letters, `BackTab`, control letters in upper case.
    fn normal(self) -> Self {
        let Self { mut code, mut modifiers } = self;
        modifiers &= KeyModifiers::CONTROL | KeyModifiers::ALT | KeyModifiers::SHIFT;
        match code {
            KeyCode::BackTab => {
                code = KeyCode::Tab;
                modifiers |= KeyModifiers::SHIFT;
            }
            KeyCode::Char(c) if modifiers.contains(KeyModifiers::CONTROL) => {
                code = KeyCode::Char(c.to_ascii_lowercase());
                modifiers -= KeyModifiers::SHIFT;
            }
            KeyCode::Char(c) if modifiers.contains(KeyModifiers::SHIFT) => {
                code = KeyCode::Char(c.to_uppercase().next().unwrap_or(c));
                modifiers -= KeyModifiers::SHIFT;
            }
            _ => {}
        }
        Self { code, modifiers }
    }
}

impl From<KeyEvent> for Key {
    fn from(event: KeyEvent) -> Self {
        Self { code: event.code, modifiers: event.modifiers }.normal()
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (modifier, name) in
            [(KeyModifiers::CONTROL, "Ctrl"), (KeyModifiers::ALT, "Alt"), (KeyModifiers::SHIFT, "Shift")]
        {
            if self.modifiers.contains(modifier) {
                write!(f, "{name}-")?;
            }
        }
        match self.code {
            KeyCode::Char(' ') => f.write_str("Space"),
            KeyCode::Char(c) if self.modifiers.contains(KeyModifiers::CONTROL) => {
                write!(f, "{}", c.to_ascii_uppercase())
            }
            KeyCode::Char(c) => write!(f, "{c}"),
            KeyCode::F(n) => write!(f, "F{n}"),
            code => match NAMED.iter().find(|(_, known)| *known == code) {
                Some((name, _)) => f.write_str(name),
                None => write!(f, "{code:?}"),
            },
        }
    }
}

/// All bindings. Made once at the start, read at every key press.
#[derive(Debug, Clone, Default)]
pub struct Keymap {
    commands: HashMap<(Place, Key), Command>,
    keys: HashMap<Command, Vec<Key>>,
}

impl Keymap {
    /// The defaults, with the user's keys (command id to key names) in place of a command's own; what cannot be
    /// used is said and left out, never fatal.
    pub fn new(user: &BTreeMap<String, Vec<String>>) -> (Self, Vec<String>) {
        let mut warnings = Vec::new();
        let mut keymap = Self::default();
        for id in user.keys().filter(|id| Command::by_id(id).is_none()) {
            warnings
                .push(format!("keys.\"{id}\": there is no such command; the palette (`:`) names them all"));
        }
        // The user's keys first: a default that collides with one of them gives way.
        for user_first in [true, false] {
            for info in TABLE.iter().filter(|info| user.contains_key(info.id) == user_first) {
                let names: Vec<&str> = match user.get(info.id) {
                    Some(names) => names.iter().map(String::as_str).collect(),
                    None => info.keys.to_vec(),
                };
                for name in names {
                    let Some(key) = Key::parse(name) else {
                        warnings.push(format!("keys.\"{}\": `{name}` is not a key", info.id));
                        continue;
                    };
                    match keymap.commands.get(&(info.place, key)) {
                        Some(other) if user_first => warnings.push(format!(
                            "keys.\"{}\": {key} already means \"{}\"",
                            info.id,
                            other.info().title
                        )),
                        Some(_) => {}
                        None => {
                            keymap.commands.insert((info.place, key), info.command);
                            keymap.keys.entry(info.command).or_default().push(key);
                        }
                    }
                }
            }
        }
        (keymap, warnings)
    }

    /// The command for a key, given the places it is pressed in, innermost first. `None` is text where the
    /// innermost place takes text, and nothing elsewhere.
    pub fn resolve(&self, places: &[Place], event: KeyEvent) -> Option<Command> {
        let key = Key::from(event);
        for place in places {
            if let Some(command) = self.commands.get(&(*place, key)) {
                return Some(*command);
            }
            if place.is_modal() {
                return None;
            }
        }
        None
    }

    /// The keys of a command as the footer and help show them; empty when it has none.
    pub fn keys(&self, command: Command) -> Vec<String> {
        self.keys.get(&command).map(|keys| keys.iter().map(ToString::to_string).collect()).unwrap_or_default()
    }

    /// The first key of a command, for a hint.
    pub fn hint(&self, command: Command) -> Option<String> {
        self.keys.get(&command).and_then(|keys| keys.first()).map(ToString::to_string)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn press(name: &str) -> KeyEvent {
        let key = Key::parse(name).unwrap();
        KeyEvent::new(key.code, key.modifiers)
    }

    #[test]
    fn every_default_key_reads_and_writes_the_same() {
        for info in TABLE {
            for key in info.keys {
                assert_eq!(Key::parse(key).unwrap().to_string(), *key, "{}", info.id);
            }
        }
    }

    #[test]
    fn defaults_have_no_collision_within_a_place() {
        let (keymap, warnings) = Keymap::new(&BTreeMap::new());
        assert!(warnings.is_empty(), "{warnings:?}");
        let bound: usize = TABLE.iter().map(|info| info.keys.len()).sum();
        assert_eq!(keymap.commands.len(), bound);
    }

    #[test]
    fn typing_never_becomes_a_command_of_the_room() {
        let (keymap, _) = Keymap::new(&BTreeMap::new());
        let typing = [Place::Editor, Place::Values, Place::Pane, Place::Everywhere];
        assert_eq!(keymap.resolve(&typing, press("q")), None);
        assert_eq!(keymap.resolve(&typing, press("Ctrl-Z")), Some(Command::EditorUndo));
        let rooms = [Place::Values, Place::Pane, Place::Everywhere];
        assert_eq!(keymap.resolve(&rooms, press("Ctrl-Z")), Some(Command::Suspend));
        assert_eq!(keymap.resolve(&rooms, press("q")), Some(Command::Quit));
    }

    #[test]
    fn the_user_wins_and_mistakes_are_said() {
        let user = BTreeMap::from([
            ("quit".to_owned(), vec!["Q".to_owned()]),
            ("nonsense".to_owned(), vec!["x".to_owned()]),
            ("save".to_owned(), vec!["Hyper-S".to_owned()]),
        ]);
        let (keymap, warnings) = Keymap::new(&user);
        let rooms = [Place::Everywhere];
        assert_eq!(keymap.resolve(&rooms, press("Q")), Some(Command::Quit));
        assert_eq!(keymap.resolve(&rooms, press("q")), None);
        assert_eq!(warnings.len(), 2, "{warnings:?}");
    }

    #[test]
    fn terminals_differ_in_how_they_report_a_key() {
        let back_tab = KeyEvent::new(KeyCode::BackTab, KeyModifiers::SHIFT);
        assert_eq!(Key::from(back_tab), Key::parse("Shift-Tab").unwrap());
        let shifted = KeyEvent::new(KeyCode::Char('g'), KeyModifiers::SHIFT);
        assert_eq!(Key::from(shifted), Key::parse("G").unwrap());
    }
}

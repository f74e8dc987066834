//! The pins: which cluster each context meant when it was first used. Kept in the state folder; everything that
//! writes asks here first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::identity::{Identity, Likeness};
use crate::base::error::Context as _;
use crate::base::lock::Lock;
use crate::base::{Error, Result, atomic};

/// The file in the state folder.
pub const FILE: &str = "pins.toml";

/// One pin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pin {
    /// When it was pinned.
    pub at: Timestamp,
    /// The server's address then; shown, not compared (addresses change).
    #[serde(default)]
    pub server: String,
    #[serde(flatten)]
    pub identity: Identity,
}

/// What the pins say of a cluster that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pinned {
    /// Never used before: pin it.
    New,
    /// It is the one. `weak` if no UID proves it.
    Matches { weak: bool },
    /// The context points elsewhere now: nothing may be written until it is pinned anew.
    Mismatch { expected: Box<Identity>, found: Box<Identity> },
}

/// All pins, by context.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pins {
    path: PathBuf,
    pins: BTreeMap<String, Pin>,
}

#[derive(Default, Serialize, Deserialize)]
struct File {
    #[serde(default)]
    contexts: BTreeMap<String, Pin>,
}

impl Pins {
    /// Reads the pins of a state folder; an absent file has none. A broken one is an error: taking it for empty
    /// would pin anew in silence.
    pub fn load(state: &Path) -> Result<Self> {
        let path = state.join(FILE);
        let pins = match std::fs::read_to_string(&path) {
            Ok(text) => {
                let file: File = toml::from_str(&text).map_err(|error| {
                    Error::new("cannot read the pinned clusters")
                        .at(path.display().to_string())
                        .because(error)
                        .next("correct the file, or delete it to pin every cluster anew")
                })?;
                file.contexts
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(error).context_at("cannot read the pinned clusters", path.display()),
        };
        Ok(Self { path, pins })
    }

    /// The pin of a context.
    pub fn get(&self, context: &str) -> Option<&Pin> {
        self.pins.get(context)
    }

    /// Compares what was found under a context with its pin.
    pub fn check(&self, context: &str, found: &Identity) -> Pinned {
        let Some(pin) = self.pins.get(context) else { return Pinned::New };
        match pin.identity.compare(found) {
            Likeness::Same => Pinned::Matches { weak: false },
            Likeness::Likely => Pinned::Matches { weak: true },
            Likeness::Different => {
                Pinned::Mismatch { expected: Box::new(pin.identity.clone()), found: Box::new(found.clone()) }
            }
        }
    }

    /// Pins a context at first use, or anew by the operator's will, and saves. Returns what is pinned.
    pub fn pin(&mut self, context: &str, server: &str, found: &Identity, at: Timestamp) -> Result<&Pin> {
        // Another floe-tui may have pinned since: its pins stay.
        let _lock = self.lock()?;
        self.pins = Self::load(&self.folder())?.pins;
        let pin = Pin { at, server: server.to_owned(), identity: found.clone() };
        self.pins.insert(context.to_owned(), pin);
        self.save()?;
        self.pins.get(context).ok_or_else(|| Error::new("the pin was lost"))
    }

    /// Adds what a later look tells (a namespace's UID, a UID that could not be read before). Refused silently
    /// when it does not match: then nothing is learned.
    pub fn learn(&mut self, context: &str, found: &Identity) -> Result<()> {
        let _lock = self.lock()?;
        self.pins = Self::load(&self.folder())?.pins;
        let Some(pin) = self.pins.get_mut(context) else { return Ok(()) };
        if pin.identity.compare(found) == Likeness::Different {
            return Ok(());
        }
        let before = pin.identity.clone();
        pin.identity.learn(found);
        if pin.identity == before { Ok(()) } else { self.save() }
    }

    /// Held while the file is read, changed and written.
    fn lock(&self) -> Result<Lock> {
        let folder = self.folder();
        std::fs::create_dir_all(&folder).context_at("cannot save the pinned clusters", folder.display())?;
        Lock::acquire(&self.path.with_extension("lock"))
    }

    fn folder(&self) -> PathBuf {
        self.path.parent().map(Path::to_owned).unwrap_or_default()
    }

    fn save(&self) -> Result<()> {
        let text = toml::to_string(&File { contexts: self.pins.clone() })
            .context("cannot save the pinned clusters")?;
        atomic::write_private(&self.path, text.as_bytes())?;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn identity(uid: &str) -> Identity {
        Identity { uid: Some(uid.to_owned()), trust: "t".to_owned(), namespaces: BTreeMap::new() }
    }

    #[test]
    fn a_context_that_moved_is_a_mismatch_until_pinned_anew() {
        let dir = tempfile::tempdir().unwrap();
        let at = Timestamp::UNIX_EPOCH;
        let mut pins = Pins::load(dir.path()).unwrap();
        assert_eq!(pins.check("prod", &identity("a")), Pinned::New);
        pins.pin("prod", "https://s", &identity("a"), at).unwrap();

        let mut again = Pins::load(dir.path()).unwrap();
        assert_eq!(again, pins);
        assert_eq!(again.check("prod", &identity("a")), Pinned::Matches { weak: false });
        assert_eq!(
            again.check("prod", &identity("b")),
            Pinned::Mismatch { expected: Box::new(identity("a")), found: Box::new(identity("b")) }
        );
        again.pin("prod", "https://s", &identity("b"), at).unwrap();
        assert_eq!(again.check("prod", &identity("b")), Pinned::Matches { weak: false });
        let mode = std::fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn two_programs_keep_each_others_pins_and_a_weak_pin_grows() {
        let dir = tempfile::tempdir().unwrap();
        let (mut one, mut two) = (Pins::load(dir.path()).unwrap(), Pins::load(dir.path()).unwrap());
        let weak = Identity { uid: None, ..identity("") };
        one.pin("a", "", &weak, Timestamp::UNIX_EPOCH).unwrap();
        two.pin("b", "", &identity("b"), Timestamp::UNIX_EPOCH).unwrap();
        let mut both = Pins::load(dir.path()).unwrap();
        assert!(both.get("a").unwrap().identity.is_weak() && both.get("b").is_some());
        both.learn("a", &identity("x")).unwrap();
        assert_eq!(
            Pins::load(dir.path()).unwrap().check("a", &identity("y")),
            Pinned::Mismatch { expected: Box::new(identity("x")), found: Box::new(identity("y")) }
        );
    }

    #[test]
    fn a_broken_file_is_an_error_and_not_an_empty_one() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join(FILE), "contexts = 3").unwrap();
        assert!(Pins::load(dir.path()).unwrap_err().to_string().contains("pin every cluster anew"));
    }
}

//! The question before a deed: asked where somebody can answer, else answered by `--yes`, and on a protected target by
//! its name.

use std::io::IsTerminal as _;

use super::args::Answer;
use super::{FAILED, USAGE, out};
use crate::base::{Error, Result};

/// What is about to be done.
pub(super) struct Deed {
    /// `Upgrade: 2 restarts`.
    pub(super) words: String,
    /// `floe @ prod`.
    pub(super) target: String,
    /// `floe@prod`.
    pub(super) name: String,
    /// Whether the name has to be given.
    pub(super) protected: bool,
}

impl Deed {
    /// Asks, or sees that it was answered beforehand; the exit code when it was not.
    pub(super) fn unless_confirmed(&self, answer: &Answer, json: bool) -> Option<u8> {
        let interactive = std::io::stdin().is_terminal() && std::io::stderr().is_terminal() && !json;
        let error = self.confirm(answer, interactive).err()?;
        out::error(&error);
        // A script that did not say what it has to say was called wrongly; a person may think again.
        Some(if interactive { FAILED } else { USAGE })
    }

    /// A protected target wants its name, from whoever it is.
    fn confirm(&self, answer: &Answer, interactive: bool) -> Result<()> {
        let Self { words, target, name, protected } = self;
        if let Some(given) = &answer.confirm {
            return if given == name {
                Ok(())
            } else {
                Err(Error::new(format!("nothing was done: --confirm names {given}, the target is {name}"))
                    .next("check what you are about to change"))
            };
        }
        match (*protected, interactive) {
            (true, true) => {
                out::ask(&format!("{target} is protected. {words}. Type {name} to go on: "));
                if typed() == *name {
                    Ok(())
                } else {
                    Err(Error::new("nothing was done: that is not its name"))
                }
            }
            (true, false) => Err(Error::new(format!("nothing was done: {target} is protected"))
                .next(format!("add --confirm {name}"))),
            (false, _) if answer.yes => Ok(()),
            (false, true) => {
                out::ask(&format!("{words} on {target}? [y/N] "));
                if typed() == "y" { Ok(()) } else { Err(Error::new("nothing was done")) }
            }
            (false, false) => {
                Err(Error::new("nothing was done: nobody can be asked").next("add --yes to do it"))
            }
        }
    }
}

fn typed() -> String {
    let mut line = String::new();
    // Whatever cannot be read is no yes.
    let _ = std::io::stdin().read_line(&mut line);
    line.trim().to_owned()
}

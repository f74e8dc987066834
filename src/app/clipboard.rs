//! Copying without a display server: to tmux when inside of it, else through the terminal by OSC 52, else into a
//! file that only the user can read. Which of them it was is told.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::terminal::Terminal;
use crate::base::error::Context;
use crate::base::{Error, Result};

/// Terminals drop longer sequences silently (xterm and others stop at 100 kB).
const OSC52_LIMIT: usize = 74_994;

/// Where a copy went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    Tmux,
    Terminal,
    File(PathBuf),
}

impl Way {
    /// For the notice: ` to tmux`, ` by the terminal (OSC 52)`, ` to /…/copied.txt`.
    pub fn words(&self) -> String {
        match self {
            Way::Tmux => " to tmux".to_owned(),
            Way::Terminal => " by the terminal (OSC 52)".to_owned(),
            Way::File(path) => format!(" to {}", path.display()),
        }
    }
}

/// Copies `text`; `folder` is where a file goes if nothing else works.
pub fn copy(terminal: &mut Terminal, text: &str, folder: &Path) -> Result<Way> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    if variable("TMUX").is_some() && tmux(text).is_ok() {
        return Ok(Way::Tmux);
    }
    let knows = !matches!(variable("TERM").as_deref(), None | Some("dumb" | "linux"))
        && variable("TERM_PROGRAM").as_deref() != Some("Apple_Terminal");
    if knows && text.len() <= OSC52_LIMIT && terminal.write(osc52(text).as_bytes()).is_ok() {
        return Ok(Way::Terminal);
    }
    file(text, folder).map(Way::File)
}

fn osc52(text: &str) -> String {
    format!("\x1b]52;c;{}\x1b\\", BASE64_STANDARD.encode(text))
}

fn tmux(text: &str) -> Result<()> {
    let mut child = Command::new("tmux")
        .args(["load-buffer", "-w", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .context("cannot run tmux")?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(text.as_bytes()).context("cannot write to tmux")?;
    }
    let status = child.wait().context("cannot wait for tmux")?;
    if status.success() { Ok(()) } else { Err(Error::new("tmux refused the copy")) }
}

fn file(text: &str, folder: &Path) -> Result<PathBuf> {
    let path = folder.join("copied.txt");
    std::fs::create_dir_all(folder).context_at("cannot make the folder", folder.display())?;
    // Made anew, so that an older file's mode or a link planted there cannot open it to others.
    match std::fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).context_at("cannot replace the older copy", path.display());
        }
        _ => {}
    }
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    let mut file = opened.context_at("cannot write the copy", path.display())?;
    file.write_all(text.as_bytes()).context_at("cannot write the copy", path.display())?;
    Ok(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_copy_by_file_is_the_users_alone_and_replaces_the_last_one() {
        let folder = tempfile::tempdir().unwrap();
        for text in ["first", "second"] {
            let path = file(text, folder.path()).unwrap();
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn the_sequence_carries_the_text_in_base64() {
        assert_eq!(osc52("hi"), "\x1b]52;c;aGk=\x1b\\");
    }

    #[test]
    fn each_way_says_where_it_went() {
        assert_eq!(Way::Tmux.words(), " to tmux");
        assert_eq!(Way::File(PathBuf::from("/x/copied.txt")).words(), " to /x/copied.txt");
    }
}

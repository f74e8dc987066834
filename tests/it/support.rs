//! What the tests and the measuring program share: running planes, copied workspaces, a terminal to drive.
#![allow(dead_code, reason = "tests, pictures and measurements each use a part of it")]

pub mod keys;
pub mod operator;
pub mod process;
pub mod pty;
pub mod random;
pub mod sandbox;
pub mod svg;
pub mod workspace;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The folder of the package.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program under test.
pub fn program() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_floe-tui"))
}

/// All files of the repository, relative to [`root`], as git sees them: tracked, and new ones that are not ignored.
/// Without git (an unpacked archive) everything except what builds leave behind.
pub fn repository_files() -> Vec<PathBuf> {
    let git = std::process::Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard", "-z"])
        .current_dir(root())
        .output();
    if let Ok(output) = git
        && output.status.success()
    {
        let mut files: Vec<PathBuf> = String::from_utf8_lossy(&output.stdout)
            .split('\0')
            .filter(|name| !name.is_empty())
            .map(PathBuf::from)
            .filter(|file| root().join(file).is_file())
            .collect();
        files.sort();
        files.dedup();
        return files;
    }
    let mut files = Vec::new();
    walk(root(), &mut |file| {
        files.push(file.strip_prefix(root()).expect("below the root").to_owned());
    });
    files.sort();
    files
}

/// Calls `found` with every file below a folder, except in `target` and `.git`.
pub fn walk(folder: &Path, found: &mut dyn FnMut(&Path)) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries {
        let path = entry.expect("a folder's entry").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && name != ".git" {
                walk(&path, found);
            }
        } else {
            found(&path);
        }
    }
}

/// Replaces what stands between `<!-- NAME -->` and `<!-- /NAME -->` in the README, or fails the test when it differs.
/// `UPDATE=1 cargo test --test it house::` writes it.
pub fn generated(file: &str, name: &str, wanted: &str) {
    // Two of them may be of one file.
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let path = root().join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{file}: {error}"));
    let (open, close) = (format!("<!-- {name} -->\n"), format!("<!-- /{name} -->"));
    let start = text.find(&open).unwrap_or_else(|| panic!("{file}: no `{}`", open.trim())) + open.len();
    let end = text[start..].find(&close).unwrap_or_else(|| panic!("{file}: no `{close}`")) + start;
    if text[start..end] == *wanted {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{}{wanted}{}", &text[..start], &text[end..]))
            .expect("a writable README");
        return;
    }
    panic!(
        "{file}: `{name}` is not what the program says; `UPDATE=1 cargo test --test it house::` writes:\n{wanted}"
    );
}

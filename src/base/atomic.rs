//! Files that are read whole and written whole: never half a file, never over somebody else's change.

use std::fs::{self, File, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Context, Error, Hash, Result};

/// The largest text file that is opened; a values file beyond this is not something a person edits.
pub const MAX_TEXT: u64 = 32 * 1024 * 1024;

/// Mode of a new file that anyone may read.
pub const PUBLIC: u32 = 0o644;
/// Mode of a new file that only its owner may read.
pub const PRIVATE: u32 = 0o600;

/// How lines end in a file; decided by the first line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LineEnding {
    #[default]
    Lf,
    CrLf,
}

impl LineEnding {
    /// What the first line of `text` ends with; [`LineEnding::Lf`] when there is only one line.
    pub fn of(text: &str) -> Self {
        match text.find('\n') {
            Some(at) if text[..at].ends_with('\r') => Self::CrLf,
            _ => Self::Lf,
        }
    }

    /// The bytes of the line end.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
        }
    }
}

/// A text file as it was read.
#[derive(Debug, Clone)]
pub struct FileText {
    /// The content, unchanged: a byte order mark and the line ends are still there.
    pub text: Arc<str>,
    /// Of the bytes on disk; what a later [`write()`] expects to find.
    pub hash: Hash,
    /// Permission bits, e.g. `0o644`.
    pub mode: u32,
    pub line_ending: LineEnding,
}

/// Why a file was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SaveError {
    /// Somebody else wrote (or removed, or created) the file since it was read.
    ChangedOnDisk {
        path: PathBuf,
        /// What is there now; `None` when the file is gone.
        found: Option<Hash>,
    },
    /// The operating system refused.
    Io(Error),
}

impl std::fmt::Display for SaveError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Error::from(self.clone()).fmt(f)
    }
}

impl std::error::Error for SaveError {}

impl From<SaveError> for Error {
    fn from(error: SaveError) -> Self {
        match error {
            SaveError::ChangedOnDisk { path, found } => Error::new(match found {
                Some(_) => "not saved: the file changed on disk since it was read",
                None => "not saved: the file was removed since it was read",
            })
            .at(path.display().to_string())
            .next("reload it, save over it, or save as another file"),
            SaveError::Io(error) => error,
        }
    }
}

/// Reads a text file. Errors: missing, unreadable, not a regular file, not UTF-8, larger than [`MAX_TEXT`].
pub fn read(path: &Path) -> Result<FileText> {
    let (bytes, mode) = read_capped(path, MAX_TEXT)?;
    let hash = Hash::of(&bytes);
    let text = String::from_utf8(bytes).map_err(|error| {
        Error::new("not UTF-8 text").at(path.display().to_string()).because(error.utf8_error())
    })?;
    let line_ending = LineEnding::of(&text);
    Ok(FileText { text: text.into(), hash, mode, line_ending })
}

/// Reads at most `max` bytes of a regular file; a larger file, a pipe or a device is an error, never a hang.
pub fn read_bytes(path: &Path, max: u64) -> Result<Vec<u8>> {
    read_capped(path, max).map(|(bytes, _)| bytes)
}

fn read_capped(path: &Path, max: u64) -> Result<(Vec<u8>, u32)> {
    let place = path.display();
    // Asked before opening: opening a pipe without a writer would wait for ever.
    let before = fs::metadata(path).context_at("cannot read", place)?;
    if !before.is_file() {
        return Err(Error::new("not a regular file").at(path.display().to_string()));
    }
    let too_large = || {
        Error::new(format!("larger than {} MiB, which is the limit for this kind of file", max / 1024 / 1024))
            .at(path.display().to_string())
    };
    if before.len() > max {
        return Err(too_large());
    }
    let place = path.display();
    let file = File::open(path).context_at("cannot read", &place)?;
    let mode = file.metadata().context_at("cannot read", &place)?.permissions().mode() & 0o7777;
    let mut bytes = Vec::with_capacity(usize::try_from(before.len()).unwrap_or(0));
    file.take(max + 1).read_to_end(&mut bytes).context_at("cannot read", &place)?;
    if bytes.len() as u64 > max {
        return Err(too_large());
    }
    Ok((bytes, mode))
}

/// The hash of what is on disk now; `None` when there is no such file.
pub fn hash_on_disk(path: &Path) -> Result<Option<Hash>> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        _ => Ok(Some(Hash::of(read_bytes(path, MAX_TEXT)?))),
    }
}

/// Replaces a file's content: temporary file in the same folder, fsync, rename. An existing file keeps its
/// mode, a symlink its target; a new file gets [`PUBLIC`]. With `expect` the file on disk must still have that
/// hash, otherwise [`SaveError::ChangedOnDisk`]. Returns the new hash.
pub fn write(path: &Path, bytes: &[u8], expect: Option<Hash>) -> Result<Hash, SaveError> {
    replace(path, bytes, expect, PUBLIC, false)
}

/// As [`write()`] without an expectation, and the file ends up readable by its owner only, also if it was not.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<Hash, SaveError> {
    replace(path, bytes, None, PRIVATE, true)
}

/// Writes a file that must not exist yet; one that does is [`SaveError::ChangedOnDisk`].
pub fn create(path: &Path, bytes: &[u8]) -> Result<Hash, SaveError> {
    let temporary = temporary(path, bytes, PUBLIC)?;
    match temporary.persist_noclobber(path) {
        Ok(_) => {
            sync_folder(path);
            Ok(Hash::of(bytes))
        }
        Err(error) if error.error.kind() == std::io::ErrorKind::AlreadyExists => {
            Err(SaveError::ChangedOnDisk { path: path.to_owned(), found: hash_on_disk(path).unwrap_or(None) })
        }
        Err(error) => Err(refused(path, &error.error)),
    }
}

fn replace(
    path: &Path,
    bytes: &[u8],
    expect: Option<Hash>,
    new_mode: u32,
    force_mode: bool,
) -> Result<Hash, SaveError> {
    let target = resolve(path).map_err(|error| refused(path, &error))?;
    if let Some(expected) = expect {
        let found = hash_on_disk(&target).map_err(SaveError::Io)?;
        if found != Some(expected) {
            return Err(SaveError::ChangedOnDisk { path: path.to_owned(), found });
        }
    }
    let mode = match fs::metadata(&target) {
        Ok(found) if !force_mode => {
            // A rename would replace even a file its owner write-protected: the mode is a wish to respect.
            if found.permissions().readonly() {
                return Err(SaveError::Io(
                    Error::new("not saved: the file is read-only")
                        .at(path.display().to_string())
                        .next("make it writable or save as another file"),
                ));
            }
            found.permissions().mode() & 0o7777
        }
        _ => new_mode,
    };
    temporary(&target, bytes, mode)?.persist(&target).map_err(|error| refused(path, &error.error))?;
    sync_folder(&target);
    Ok(Hash::of(bytes))
}

/// Follows symlinks, also to a target that does not exist yet, so that the link itself survives.
fn resolve(path: &Path) -> std::io::Result<PathBuf> {
    let mut here = path.to_owned();
    for _ in 0..40 {
        match fs::read_link(&here) {
            Ok(target) => here = here.parent().unwrap_or(Path::new("")).join(target),
            Err(_) => return Ok(here),
        }
    }
    Err(std::io::Error::other("too many levels of symbolic links"))
}

fn temporary(target: &Path, bytes: &[u8], mode: u32) -> Result<tempfile::NamedTempFile, SaveError> {
    let folder = folder_of(target);
    let mut file = tempfile::Builder::new()
        .prefix(".floe-tui-")
        .tempfile_in(folder)
        .map_err(|error| refused(target, &error))?;
    file.write_all(bytes)
        .and_then(|()| file.as_file().set_permissions(Permissions::from_mode(mode)))
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| refused(target, &error))?;
    Ok(file)
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The rename itself survives a power cut only when the folder is synced; a file system that cannot is fine.
fn sync_folder(path: &Path) {
    if let Ok(folder) = File::open(folder_of(path)) {
        let _ = folder.sync_all();
    }
}

fn refused(path: &Path, error: &std::io::Error) -> SaveError {
    let next = match error.kind() {
        std::io::ErrorKind::PermissionDenied | std::io::ErrorKind::ReadOnlyFilesystem => {
            "make the folder writable or save somewhere else"
        }
        std::io::ErrorKind::StorageFull => "free some space and save again",
        _ => "nothing was changed on disk; try again or save somewhere else",
    };
    SaveError::Io(Error::new("not saved").at(path.display().to_string()).because(error).next(next))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn keeps_mode_and_link_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("values.yaml");
        let link = folder.path().join("link.yaml");
        fs::write(&file, "a: 1\r\n").unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o640)).unwrap();
        symlink("values.yaml", &link).unwrap();
        let read_back = read(&link).unwrap();
        assert_eq!((read_back.mode, read_back.line_ending), (0o640, LineEnding::CrLf));
        let hash = write(&link, b"a: 2\r\n", Some(read_back.hash)).unwrap();
        assert_eq!(read(&file).unwrap().hash, hash);
        assert_eq!(read(&file).unwrap().mode, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(names(folder.path()), ["link.yaml", "values.yaml"]);
    }

    #[test]
    fn refuses_when_the_file_moved_on() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("values.yaml");
        fs::write(&file, "a: 1\n").unwrap();
        let seen = read(&file).unwrap().hash;
        fs::write(&file, "a: 9\n").unwrap();
        let refused = write(&file, b"a: 2\n", Some(seen)).unwrap_err();
        assert_eq!(refused, SaveError::ChangedOnDisk { path: file.clone(), found: Some(Hash::of("a: 9\n")) });
        fs::remove_file(&file).unwrap();
        assert!(matches!(
            write(&file, b"a: 2\n", Some(seen)),
            Err(SaveError::ChangedOnDisk { found: None, .. })
        ));
        assert!(create(&file, b"new\n").is_ok());
        assert!(matches!(create(&file, b"newer\n"), Err(SaveError::ChangedOnDisk { .. })));
        assert_eq!(fs::read_to_string(&file).unwrap(), "new\n");
    }

    #[test]
    fn modes_of_new_files() {
        let folder = tempfile::tempdir().unwrap();
        let (public, private) = (folder.path().join("a"), folder.path().join("b"));
        write(&public, b"x", None).unwrap();
        fs::write(&private, "old").unwrap();
        write_private(&private, b"x").unwrap();
        assert_eq!(read(&public).unwrap().mode, PUBLIC);
        assert_eq!(read(&private).unwrap().mode, PRIVATE);
    }

    #[test]
    fn odd_files_are_errors_and_never_hang() {
        let folder = tempfile::tempdir().unwrap();
        assert!(read(folder.path()).unwrap_err().what.contains("not a regular file"));
        assert!(read(&folder.path().join("none")).unwrap_err().what.contains("cannot read"));
        let binary = folder.path().join("binary");
        fs::write(&binary, [0xff, 0xfe]).unwrap();
        assert_eq!(read(&binary).unwrap_err().what, "not UTF-8 text");
        assert!(read_bytes(&binary, 1).unwrap_err().what.contains("larger than"));
        let missing_folder = folder.path().join("no/such/values.yaml");
        assert!(matches!(write(&missing_folder, b"x", None), Err(SaveError::Io(_))));
    }
}

//! Locks between processes: advisory, on a file, released by the kernel however the holder ends.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::{Context, Result};

/// A held lock; dropping it (or dying) releases it. The file stays, so that its inode never changes hands.
#[derive(Debug)]
pub struct Lock {
    file: File,
    path: PathBuf,
}

impl Lock {
    /// Takes the lock, waiting for the holder as long as it takes.
    pub fn acquire(path: &Path) -> Result<Self> {
        loop {
            let file = open(path)?;
            match flock(&file, FlockOperation::LockExclusive) {
                Ok(()) if is_same_file(&file, path) => return Ok(Self { file, path: path.to_owned() }),
                // Somebody removed the file while we waited: the lock we hold protects nothing.
                Ok(()) | Err(Errno::INTR) => {}
                Err(error) => return Err(error).context_at("cannot lock", path.display()),
            }
        }
    }

    /// Takes the lock if it is free; `None` when somebody holds it.
    pub fn try_acquire(path: &Path) -> Result<Option<Self>> {
        loop {
            let file = open(path)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) if is_same_file(&file, path) => return Ok(Some(Self { file, path: path.to_owned() })),
                Ok(()) | Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => return Ok(None),
                Err(error) => return Err(error).context_at("cannot lock", path.display()),
            }
        }
    }

    /// Whether somebody holds the lock now. Takes nothing and creates nothing.
    pub fn is_held(path: &Path) -> bool {
        let Ok(file) = File::open(path) else { return false };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => false,
            Err(error) => error == Errno::WOULDBLOCK,
        }
    }

    /// Leaves a note in the lock file (who holds it), for [`Lock::note_in`].
    pub fn note(&mut self, note: &str) -> Result<()> {
        let place = self.path.display().to_string();
        self.file
            .set_len(0)
            .and_then(|()| self.file.rewind())
            .and_then(|()| self.file.write_all(note.as_bytes()))
            .context_at("cannot write into the lock file", place)
    }

    /// The note of the last holder; empty when there is none.
    pub fn note_in(path: &Path) -> String {
        let mut note = String::new();
        if let Ok(file) = File::open(path) {
            let _ = file.take(64 * 1024).read_to_string(&mut note);
        }
        note
    }

    /// The locked file.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

fn open(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .context_at("cannot open the lock file", path.display())
}

fn is_same_file(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(there)) => (held.dev(), held.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("release.lock");
        assert!(!Lock::is_held(&path));
        let mut lock = Lock::try_acquire(&path).unwrap().unwrap();
        lock.note("pid 7").unwrap();
        assert!(Lock::try_acquire(&path).unwrap().is_none());
        assert!(Lock::is_held(&path));
        assert_eq!(Lock::note_in(&path), "pid 7");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        drop(lock);
        assert!(!Lock::is_held(&path));
        assert!(Lock::try_acquire(&path).unwrap().is_some());
    }

    #[test]
    fn waiting_gets_it_after_release() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("release.lock");
        let held = Lock::acquire(&path).unwrap();
        let waiter = {
            let path = path.clone();
            std::thread::spawn(move || Lock::acquire(&path).map(|_| ()))
        };
        drop(held);
        waiter.join().unwrap().unwrap();
    }
}

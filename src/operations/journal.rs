//! The journal of an operation: JSON lines that one supervisor appends and anybody reads. What is in it is already
//! redacted and neutralised. A line that is cut (the writer died, or is writing) is never an entry.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::base::{Context as _, Result};

/// The most that is read of a journal at once.
const CHUNK: u64 = 4 * 1024 * 1024;

/// Where a line of helm's came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    Stdout,
    Stderr,
}

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalEntry {
    pub at: Timestamp,
    #[serde(flatten)]
    pub kind: JournalKind,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum JournalKind {
    /// The supervisor holds the release's lock.
    Started { supervisor: u32 },
    /// A step's helm runs. `start` identifies the process together with its pid.
    Helm { step: usize, pid: u32, start: Option<String> },
    /// A line of helm's.
    Output { step: usize, stream: Stream, line: String },
    /// So many lines were not kept: helm wrote more than a journal holds.
    Dropped { step: usize, lines: u64 },
    /// Somebody asked helm to stop.
    InterruptAsked { step: usize },
    /// Somebody had helm killed.
    KillAsked { step: usize },
    /// A step's helm ended; without a code a signal ended it.
    StepEnded { step: usize, code: Option<i32>, signal: Option<i32> },
    /// helm did not start at all.
    StepFailed { step: usize, error: String },
    /// The operation is over. `code` is the last helm's.
    Ended { code: Option<i32>, signal: Option<i32> },
}

/// Appends entries. Each is one write, so that a reader sees whole lines.
#[derive(Debug)]
pub struct Writer {
    file: File,
}

impl Writer {
    /// Opens a journal for its only writer.
    pub fn open(path: &Path) -> Result<Self> {
        let file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .context_at("cannot write the operation's journal", path.display())?;
        Ok(Self { file })
    }

    /// Appends one entry.
    pub fn write(&mut self, kind: JournalKind) -> Result<()> {
        self.write_all([kind])
    }

    /// Appends several with one write.
    pub fn write_all(&mut self, kinds: impl IntoIterator<Item = JournalKind>) -> Result<()> {
        let at = Timestamp::now();
        let mut bytes = Vec::new();
        for kind in kinds {
            serde_json::to_writer(&mut bytes, &JournalEntry { at, kind })
                .context("cannot write the operation's journal")?;
            bytes.push(b'\n');
        }
        self.file.write_all(&bytes).context("cannot write the operation's journal")
    }

    /// Makes what was written survive a power cut.
    pub fn sync(&self) {
        let _ = self.file.sync_data();
    }
}

/// Reads a journal from where it stopped last.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    offset: u64,
    /// The beginning of a line whose end is not written yet.
    rest: Vec<u8>,
}

impl Reader {
    /// From the beginning. The file need not exist yet.
    pub fn new(path: PathBuf) -> Self {
        Self { path, offset: 0, rest: Vec::new() }
    }

    /// The entries since the last call. Lines that are no entries (a newer floe-tui's, a broken disk's) are left
    /// out. Errors: unreadable.
    pub fn read(&mut self) -> Result<Vec<JournalEntry>> {
        let mut entries = Vec::new();
        let place = self.path.display().to_string();
        let mut file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(entries),
            Err(error) => return Err(error).context_at("cannot read the operation's journal", place),
        };
        file.seek(SeekFrom::Start(self.offset)).context_at("cannot read the operation's journal", &place)?;
        loop {
            let mut bytes = Vec::new();
            let count = (&file)
                .take(CHUNK)
                .read_to_end(&mut bytes)
                .context_at("cannot read the operation's journal", &place)?;
            if count == 0 {
                return Ok(entries);
            }
            self.offset += count as u64;
            self.rest.extend_from_slice(&bytes);
            let Some(end) = self.rest.iter().rposition(|byte| *byte == b'\n') else { continue };
            let rest = self.rest.split_off(end + 1);
            let whole = std::mem::replace(&mut self.rest, rest);
            entries.extend(
                whole
                    .split(|byte| *byte == b'\n')
                    .filter(|line| !line.is_empty())
                    .filter_map(|line| serde_json::from_slice(line).ok()),
            );
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn line(text: &str) -> JournalKind {
        JournalKind::Output { step: 0, stream: Stream::Stderr, line: text.to_owned() }
    }

    #[test]
    fn what_is_written_is_read_once_and_halves_are_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal.jsonl");
        let mut reader = Reader::new(path.clone());
        assert!(reader.read().unwrap().is_empty());
        let mut writer = Writer::open(&path).unwrap();
        writer.write(line("one")).unwrap();
        writer.write(JournalKind::Ended { code: Some(0), signal: None }).unwrap();
        assert_eq!(reader.read().unwrap().len(), 2);
        assert!(reader.read().unwrap().is_empty());
        let mut raw = OpenOptions::new().append(true).open(&path).unwrap();
        raw.write_all(b"{\"at\":\"2026-01-01T00:00:00Z\",\"event\":\"out").unwrap();
        assert!(reader.read().unwrap().is_empty());
        raw.write_all(b"put\",\"step\":1,\"stream\":\"stdout\",\"line\":\"two\"}\nnot json\n").unwrap();
        let entries = reader.read().unwrap();
        assert_eq!(entries.len(), 1);
        assert_eq!(
            entries[0].kind,
            JournalKind::Output { step: 1, stream: Stream::Stdout, line: "two".to_owned() }
        );
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

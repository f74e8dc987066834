//! The process that outlives us: runs helm, writes the journal, holds the release's lock. It is our own binary,
//! re-executed by a hidden subcommand in a session of its own, so that neither a closed terminal nor our end
//! reaches helm.
//!
//! It is synchronous on purpose: two reader threads and a loop are all it takes, and nothing here may stall.

use std::io::{BufReader, PipeReader, Read};
use std::os::fd::AsRawFd as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use rustix::process::Signal;

use super::journal::{JournalKind, Stream, Writer};
use super::process;
use super::spec::{OperationSpec, Step};
use super::store::{Exit, Store, read_spec};
use crate::base::lock::Lock;
use crate::base::redact::Redactor;
use crate::base::{Context as _, Error, KeyPath, Result, atomic, text};
use crate::helm::argv;

/// How often requests (`interrupt`, `kill`) are looked for.
const LOOK: Duration = Duration::from_millis(100);

/// Lines of helm's that a journal keeps; the rest is counted.
const MOST_LINES: u64 = 50_000;

/// The longest line that is kept, in bytes.
const LONGEST_LINE: usize = 16 * 1024;

/// How long outputs may stay open after helm ended: somebody that helm started may hold them.
const LINGER: Duration = Duration::from_secs(2);

/// Runs the operation of a folder to its end. Errors (nothing was run): unreadable, already supervised, or another
/// operation holds the release; they are also left in the folder for whoever launched.
pub fn supervise(folder: &Path) -> Result<()> {
    // Fails only when we lead a session already, which is what is wanted.
    let _ = rustix::process::setsid();
    run_here(folder)
}

fn run_here(folder: &Path) -> Result<()> {
    match prepare(folder) {
        Ok((mut run, _locks)) => run.all(),
        Err(error) => {
            let json = serde_json::json!({"what": error.what, "cause": error.cause, "next": error.next});
            let _ = atomic::write_private(&folder.join("refused"), json.to_string().as_bytes());
            Err(error)
        }
    }
}

fn prepare(folder: &Path) -> Result<(Run, (Lock, Lock))> {
    let spec = read_spec(folder)?;
    let store = Store::at(
        folder.parent().map(Path::to_owned).ok_or_else(|| Error::new("an operation needs a folder"))?,
    );
    let alive = take(&folder.join("alive.lock"))?
        .ok_or_else(|| Error::new("this operation is already supervised").at(spec.title()))?;
    if folder.join("journal.jsonl").exists() {
        return Err(Error::new("this operation was already run").at(spec.title()));
    }
    let path = store.release_lock(&spec.cluster_key, &spec.release.namespace, &spec.release.release);
    let mut release = take(&path)?.ok_or_else(|| {
        Error::new(format!("another operation holds the release: {}", Lock::note_in(&path)))
            .at(spec.release.to_string())
            .next("wait until it is over, or interrupt it in the room Run")
    })?;
    release.note(spec.id.as_str())?;
    let mut journal = Writer::open(&folder.join("journal.jsonl"))?;
    journal.write(JournalKind::Started { supervisor: std::process::id() })?;
    let filter = Filter::new(&spec);
    Ok((Run { folder: folder.to_owned(), spec, journal, filter, lines: 0 }, (alive, release)))
}

/// Takes a lock that must be free. Whoever only looks whether it is held holds it for an instant: one refusal is
/// none.
fn take(path: &Path) -> Result<Option<Lock>> {
    for _ in 0..20 {
        if let Some(lock) = Lock::try_acquire(path)? {
            return Ok(Some(lock));
        }
        std::thread::sleep(Duration::from_millis(15));
    }
    Ok(None)
}

/// Makes helm's lines fit to be kept.
struct Filter {
    redactor: Redactor,
    /// Inside a private key that spans lines.
    in_key: [bool; 2],
}

impl Filter {
    /// Learns the secrets of the values that the operation was planned with. A file that cannot be read any more
    /// adds none: key names and known shapes are still masked.
    fn new(spec: &OperationSpec) -> Self {
        let paths = spec.secret_paths.iter().filter_map(|path| KeyPath::parse(path));
        let mut redactor = Redactor::new().with_paths(paths);
        for file in &spec.values {
            if let Ok(file) = atomic::read(file)
                && let Ok(value) = crate::yaml::read(&file.text)
            {
                redactor = redactor.learn(&value);
            }
        }
        Self { redactor, in_key: [false; 2] }
    }

    fn line(&mut self, stream: Stream, bytes: &[u8]) -> String {
        let raw = String::from_utf8_lossy(bytes);
        let clean = text::neutralise(raw.trim_end_matches(['\n', '\r'])).into_owned();
        let in_key = &mut self.in_key[usize::from(stream == Stream::Stderr)];
        let begins = clean.contains("-----BEGIN ") && clean.contains("PRIVATE KEY-----");
        if begins || *in_key {
            *in_key = !clean.contains("-----END ");
            return "‹secret: private key›".to_owned();
        }
        self.redactor.text(&clean)
    }
}

struct Run {
    folder: PathBuf,
    spec: OperationSpec,
    journal: Writer,
    filter: Filter,
    lines: u64,
}

enum Said {
    Line(Stream, Vec<u8>),
    Closed,
}

/// How a step ended.
enum StepEnd {
    Exit(ExitStatus),
    NotStarted,
}

impl Run {
    fn all(&mut self) -> Result<()> {
        let mut exit = Exit { at: Timestamp::now(), code: None, signal: None };
        for index in 0..self.spec.steps.len() {
            let step = self.spec.steps[index].clone();
            if index > 0 && self.is_asked("interrupt") {
                exit.code = None;
                exit.signal = Some(Signal::INT.as_raw());
                break;
            }
            match self.step(index, &step)? {
                StepEnd::Exit(status) => {
                    exit.code = status.code();
                    exit.signal = status.signal();
                }
                StepEnd::NotStarted => exit.code = Some(127),
            }
            if exit.code != Some(0) {
                break;
            }
        }
        exit.at = Timestamp::now();
        self.journal.sync();
        let json = serde_json::to_vec(&exit).context("cannot write the exit")?;
        atomic::write_private(&self.folder.join("exit.json"), &json)?;
        self.journal.write(JournalKind::Ended { code: exit.code, signal: exit.signal })
    }

    fn step(&mut self, index: usize, step: &Step) -> Result<StepEnd> {
        let (mut child, stdout, stderr) = match self.spawn(step) {
            Ok(started) => started,
            Err(error) => {
                self.journal.write(JournalKind::StepFailed { step: index, error: error.to_string() })?;
                return Ok(StepEnd::NotStarted);
            }
        };
        let pid = child.id();
        let start = process::start_time(pid);
        self.journal.write(JournalKind::Helm { step: index, pid, start: start.clone() })?;
        let (tx, rx) = sync_channel(1024);
        read_lines(Stream::Stdout, stdout, tx.clone());
        read_lines(Stream::Stderr, stderr, tx);
        let status = self.attend(index, &mut child, &rx)?;
        self.journal.write(JournalKind::StepEnded {
            step: index,
            code: status.code(),
            signal: status.signal(),
        })?;
        Ok(StepEnd::Exit(status))
    }

    fn spawn(&self, step: &Step) -> Result<(Child, PipeReader, PipeReader)> {
        let (stdout, to_stdout) = output().context("cannot make a pipe for helm")?;
        let (stderr, to_stderr) = output().context("cannot make a pipe for helm")?;
        let mut command = Command::new(&self.spec.program);
        command
            .args(&step.argv)
            .current_dir(&self.spec.folder)
            .stdin(Stdio::null())
            .stdout(to_stdout)
            .stderr(to_stderr)
            .env("NO_COLOR", "1")
            .process_group(0);
        for (variable, _) in std::env::vars_os() {
            if argv::is_scrubbed(&variable.to_string_lossy()) {
                command.env_remove(variable);
            }
        }
        // The command holds our copies of the writing ends until it is dropped: the readers would never see an end.
        let child = command.spawn().context_at("cannot start helm", self.spec.program.display())?;
        Ok((child, stdout, stderr))
    }

    /// Writes what helm says and does what is asked, until helm is gone and has said everything.
    fn attend(&mut self, index: usize, child: &mut Child, rx: &Receiver<Said>) -> Result<ExitStatus> {
        let mut open = 2;
        let mut ended: Option<(ExitStatus, Instant)> = None;
        let mut sent = [false; 2];
        let mut dropped = 0;
        loop {
            match rx.recv_timeout(LOOK) {
                Ok(first) => {
                    let mut batch = Vec::new();
                    for said in std::iter::once(first).chain(rx.try_iter().take(512)) {
                        match said {
                            Said::Closed => open -= 1,
                            Said::Line(..) if self.lines >= MOST_LINES => dropped += 1,
                            Said::Line(stream, bytes) => {
                                self.lines += 1;
                                let line = self.filter.line(stream, &bytes);
                                batch.push(JournalKind::Output { step: index, stream, line });
                            }
                        }
                    }
                    // A full disk must not end what watches over helm.
                    let _ = self.journal.write_all(batch);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    open = 0;
                    if ended.is_none() {
                        std::thread::sleep(LOOK);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            if ended.is_none()
                && let Some(status) = child.try_wait().context("cannot wait for helm")?
            {
                ended = Some((status, Instant::now()));
            }
            if let Some((status, at)) = ended
                && (open <= 0 || at.elapsed() > LINGER)
            {
                if dropped > 0 {
                    self.journal.write(JournalKind::Dropped { step: index, lines: dropped })?;
                }
                return Ok(status);
            }
            if ended.is_none() {
                self.heed(index, child.id(), &mut sent)?;
            }
        }
    }

    /// Passes on what was asked, once each.
    fn heed(&mut self, index: usize, pid: u32, sent: &mut [bool; 2]) -> Result<()> {
        if !sent[0] && self.is_asked("interrupt") {
            sent[0] = true;
            self.journal.write(JournalKind::InterruptAsked { step: index })?;
            process::signal(pid, None, Signal::INT);
        }
        if !sent[1] && self.is_asked("kill") {
            sent[1] = true;
            self.journal.write(JournalKind::KillAsked { step: index })?;
            process::signal(pid, None, Signal::KILL);
        }
        Ok(())
    }

    fn is_asked(&self, what: &str) -> bool {
        self.folder.join(what).exists()
    }
}

/// A pipe for what helm says. Nothing unredacted is ever on disk, so it stays a pipe; but when its only reader dies, the
/// next word kills the writer (SIGPIPE), in the middle of a rollout. So helm gets an end that can be read as well: as
/// long as helm lives its words have a reader, and a supervisor that is killed takes nobody along. What was said then
/// is lost; beyond what a pipe holds (64 KiB, more than helm says) helm would wait, and can be interrupted.
fn output() -> std::io::Result<(PipeReader, Stdio)> {
    let (reader, writer) = std::io::pipe()?;
    // Elsewhere than on Linux a pipe cannot be opened again.
    let both =
        std::fs::File::options().read(true).write(true).open(format!("/proc/self/fd/{}", writer.as_raw_fd()));
    Ok((reader, both.map_or_else(|_| Stdio::from(writer), Stdio::from)))
}

fn read_lines(stream: Stream, from: impl Read + Send + 'static, tx: SyncSender<Said>) {
    std::thread::spawn(move || {
        let mut from = BufReader::new(from);
        let mut line = Vec::new();
        while let Ok(true) = next_line(&mut from, &mut line) {
            if tx.send(Said::Line(stream, std::mem::take(&mut line))).is_err() {
                return;
            }
        }
        let _ = tx.send(Said::Closed);
    });
}

/// Reads a line into `line`, at most [`LONGEST_LINE`] bytes of it; `false` at the end.
fn next_line(from: &mut impl std::io::BufRead, line: &mut Vec<u8>) -> std::io::Result<bool> {
    let mut any = false;
    loop {
        let buffer = match from.fill_buf() {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            buffer => buffer?,
        };
        if buffer.is_empty() {
            return Ok(any);
        }
        any = true;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let take = end.unwrap_or(buffer.len());
        let room = LONGEST_LINE.saturating_sub(line.len());
        line.extend_from_slice(&buffer[..take.min(room)]);
        let used = end.map_or(take, |end| end + 1);
        from.consume(used);
        if end.is_some() {
            return Ok(true);
        }
    }
}

#[cfg(test)]
#[path = "supervisor_tests.rs"]
mod tests;

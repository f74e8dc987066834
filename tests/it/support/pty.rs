//! A terminal that drives the real program: a pty, a screen model, answers to what programs ask terminals.
//!
//! Nothing here sleeps: a wait blocks on the reader thread's signal and looks at the screen after each change.

use std::ffi::OsString;
use std::io::{Read, Write};
use std::num::NonZeroU16;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::fs::{Mode, OFlags};
use vt100::{MouseProtocolMode, Parser, Screen};

use super::{keys, program};

/// How long a screen may take to show what was asked for when nothing slow is behind it. Generous, because CI
/// machines are slow and it costs nothing when the screen is right.
pub const SOON: Duration = Duration::from_secs(20);

/// What the program asked the terminal, and what it gave to the clipboard.
#[derive(Default)]
struct Ears {
    answers: Vec<u8>,
    clipboard: Vec<Vec<u8>>,
    background: Option<&'static str>,
}

impl vt100::Callbacks for Ears {
    fn copy_to_clipboard(&mut self, _: &mut Screen, _: &[u8], data: &[u8]) {
        self.clipboard.push(data.to_vec());
    }

    fn unhandled_csi(
        &mut self,
        screen: &mut Screen,
        i1: Option<u8>,
        _: Option<u8>,
        params: &[&[u16]],
        c: char,
    ) {
        let first = params.first().and_then(|p| p.first()).copied().unwrap_or(0);
        match (i1, c, first) {
            // Where is the cursor? Ratatui asks before an inline viewport, crossterm on `position()`.
            (None, 'n', 6) => {
                let (row, column) = screen.cursor_position();
                self.answers.extend(format!("\x1b[{};{}R", row + 1, column + 1).bytes());
            }
            (None, 'n', 5) => self.answers.extend(b"\x1b[0n"),
            // What are you? A VT220 with colours; programs use it as the end of other questions.
            (None, 'c', _) => self.answers.extend(b"\x1b[?62;22c"),
            _ => {}
        }
    }

    fn unhandled_osc(&mut self, _: &mut Screen, params: &[&[u8]]) {
        if let ([b"11", b"?"], Some(colour)) = (params, self.background) {
            self.answers.extend(format!("\x1b]11;{colour}\x1b\\").bytes());
        }
    }
}

struct State {
    parser: Parser<Ears>,
    raw: Vec<u8>,
    /// Reads of output so far; a wait sleeps until it moves.
    changes: u64,
    closed: bool,
    exit: Option<portable_pty::ExitStatus>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// How to start a program in a terminal.
pub struct Start {
    command: CommandBuilder,
    rows: u16,
    columns: u16,
    background: Option<&'static str>,
    name: String,
}

impl Start {
    /// The program under test, with nothing of the test's own environment.
    pub fn program() -> Self {
        Self::command(program())
    }

    /// Any program (a shell, for suspend and resume), with nothing of the test's own environment.
    pub fn command(path: &Path) -> Self {
        let mut command = CommandBuilder::new(path);
        command.env_clear();
        for (name, value) in
            [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("LANG", "C.UTF-8"), ("TZ", "UTC")]
        {
            command.env(name, value);
        }
        command.env("PATH", "/usr/local/bin:/usr/bin:/bin");
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { command, rows: 40, columns: 120, background: Some("rgb:1e1e/1e1e/2e2e"), name }
    }

    pub fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        for arg in args {
            self.command.arg(arg.into());
        }
        self
    }

    pub fn env(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.command.env(name, value.into());
        self
    }

    pub fn envs<V: Into<OsString>>(mut self, all: impl IntoIterator<Item = (String, V)>) -> Self {
        for (name, value) in all {
            self = self.env(&name, value);
        }
        self
    }

    pub fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    pub fn folder(mut self, folder: &Path) -> Self {
        self.command.cwd(folder);
        self
    }

    /// Columns and rows, as people say it: 80 by 24.
    pub fn size(mut self, columns: u16, rows: u16) -> Self {
        (self.columns, self.rows) = (columns, rows);
        self
    }

    /// A terminal that does not answer the question for its background colour.
    pub fn silent_about_colours(mut self) -> Self {
        self.background = None;
        self
    }

    /// Starts it.
    #[track_caller]
    pub fn open(self) -> Terminal {
        let pair = native_pty_system().openpty(pty_size(self.columns, self.rows)).expect("a pty");
        let mut child =
            pair.slave.spawn_command(self.command).unwrap_or_else(|error| panic!("{}: {error}", self.name));
        drop(pair.slave);
        let mut reader = pair.master.try_clone_reader().expect("a reader of the pty");
        let writer = Arc::new(Mutex::new(pair.master.take_writer().expect("a writer of the pty")));
        let ears = Ears { background: self.background, ..Ears::default() };
        let parser = Parser::new_with_callbacks(cells(self.rows), cells(self.columns), 0, ears);
        let shared = Arc::new(Shared {
            state: Mutex::new(State { parser, raw: Vec::new(), changes: 0, closed: false, exit: None }),
            changed: Condvar::new(),
        });
        let pid = child.process_id().expect("a pid");

        let (listener, answering) = (Arc::clone(&shared), Arc::clone(&writer));
        std::thread::spawn(move || {
            let mut buffer = [0; 16 * 1024];
            loop {
                // Linux reports the end of a pty as an error.
                let count = reader.read(&mut buffer).unwrap_or(0);
                let mut state = listener.lock();
                state.changes += 1;
                if count == 0 {
                    state.closed = true;
                    listener.changed.notify_all();
                    return;
                }
                state.raw.extend_from_slice(&buffer[..count]);
                state.parser.process(&buffer[..count]);
                let answers = std::mem::take(&mut state.parser.callbacks_mut().answers);
                drop(state);
                listener.changed.notify_all();
                if !answers.is_empty() {
                    let mut writer = answering.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    let _ = writer.write_all(&answers).and_then(|()| writer.flush());
                }
            }
        });
        let waiter = Arc::clone(&shared);
        std::thread::spawn(move || {
            let exit = child.wait().ok();
            let mut state = waiter.lock();
            state.exit = exit;
            state.changes += 1;
            drop(state);
            waiter.changed.notify_all();
        });
        Terminal { shared, writer, master: pair.master, pid, escape_sent: false, name: self.name }
    }
}

/// A running program and its screen. Dropping it kills the program.
pub struct Terminal {
    shared: Arc<Shared>,
    writer: Arc<Mutex<Box<dyn Write + Send>>>,
    master: Box<dyn MasterPty + Send>,
    pid: u32,
    /// An escape byte followed at once by another key would read as Alt and that key.
    escape_sent: bool,
    name: String,
}

impl Terminal {
    /// Presses one key, in the notation of the key table.
    #[track_caller]
    pub fn press(&mut self, key: &str) -> &mut Self {
        self.send(&keys::bytes(key));
        self.escape_sent = key == "Esc";
        self
    }

    /// Presses several keys, one after the other.
    #[track_caller]
    pub fn press_all(&mut self, keys: &[&str]) -> &mut Self {
        for key in keys {
            self.press(key);
        }
        self
    }

    /// Types text, as fast as a terminal can deliver it.
    #[track_caller]
    pub fn type_text(&mut self, text: &str) -> &mut Self {
        self.send(text.as_bytes());
        self
    }

    /// Pastes text: bracketed if the program asked for that.
    #[track_caller]
    pub fn paste(&mut self, text: &str) -> &mut Self {
        if self.screen().bracketed_paste() {
            self.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
        } else {
            self.send(text.as_bytes());
        }
        self
    }

    /// Clicks the left button on a cell, counted from 0, in the SGR encoding.
    #[track_caller]
    pub fn click(&mut self, column: u16, row: u16) -> &mut Self {
        let (column, row) = (column + 1, row + 1);
        self.send(format!("\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m").as_bytes());
        self
    }

    /// Writes bytes as the keyboard would.
    #[track_caller]
    pub fn send(&mut self, bytes: &[u8]) {
        if std::mem::take(&mut self.escape_sent) {
            self.wait_until_read();
        }
        let mut writer = self.writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Err(error) = writer.write_all(bytes).and_then(|()| writer.flush()) {
            drop(writer);
            panic!("{}: keyboard gone: {error}\n{}", self.name, self.picture());
        }
    }

    /// Until the program has taken all keys from the terminal.
    fn wait_until_read(&self) {
        let Some(name) = self.master.tty_name() else { return };
        let Ok(tty) =
            rustix::fs::open(name, OFlags::RDONLY | OFlags::NOCTTY | OFlags::NONBLOCK, Mode::empty())
        else {
            return;
        };
        let start = Instant::now();
        // The kernel hands keys over in its own time: none to see is taken for read only after a while.
        let (mut seen, late) = (false, Duration::from_millis(50));
        while start.elapsed() < SOON {
            let waiting = rustix::io::ioctl_fionread(&tty).unwrap_or(0) > 0;
            if !waiting && (seen || start.elapsed() > late) {
                return;
            }
            seen |= waiting;
            std::thread::park_timeout(Duration::from_millis(1));
        }
    }

    /// Waits until the screen is as asked, and gives it; fails the test with the screen otherwise.
    #[track_caller]
    pub fn wait_for(&self, what: &str, limit: Duration, wanted: impl Fn(&Screen) -> bool) -> Screen {
        let end = Instant::now() + limit;
        let mut state = self.shared.lock();
        loop {
            if wanted(state.parser.screen()) {
                return state.parser.screen().clone();
            }
            let left = end.saturating_duration_since(Instant::now());
            let ended = state.closed;
            if left.is_zero() || ended {
                drop(state);
                let why =
                    if ended { "the program ended".to_owned() } else { format!("not within {limit:?}") };
                panic!("{}: {why}: waiting for {what}\n{}", self.name, self.picture());
            }
            state = self
                .shared
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until a text is somewhere on the screen (within one row).
    #[track_caller]
    pub fn wait_text(&self, text: &str) -> Screen {
        self.wait_for(&format!("`{text}`"), SOON, |screen| has(screen, text))
    }

    /// The same with a limit of its own.
    #[track_caller]
    pub fn wait_text_within(&self, text: &str, limit: Duration) -> Screen {
        self.wait_for(&format!("`{text}`"), limit, |screen| has(screen, text))
    }

    /// Waits until a text is nowhere on the screen.
    #[track_caller]
    pub fn wait_gone(&self, text: &str) -> Screen {
        self.wait_for(&format!("`{text}` to go"), SOON, |screen| !has(screen, text))
    }

    /// Waits until all texts are on the screen, in any place.
    #[track_caller]
    pub fn wait_all(&self, texts: &[&str], limit: Duration) -> Screen {
        self.wait_for(&format!("all of {texts:?}"), limit, |screen| {
            texts.iter().all(|text| has(screen, text))
        })
    }

    /// Waits until the program has written something since [`Terminal::changes`] said `before`.
    #[track_caller]
    pub fn wait_change(&self, before: u64, limit: Duration) {
        let end = Instant::now() + limit;
        let mut state = self.shared.lock();
        while state.changes == before {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(state);
                panic!("{}: nothing written within {limit:?}\n{}", self.name, self.picture());
            }
            state = self
                .shared
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .0;
        }
    }

    /// Waits until the program has written nothing for a while: for pictures, never for a test's verdict.
    pub fn wait_quiet(&self, quiet: Duration, limit: Duration) -> Screen {
        let end = Instant::now() + limit;
        let mut state = self.shared.lock();
        loop {
            let seen = state.changes;
            let (next, timeout) = self
                .shared
                .changed
                .wait_timeout(state, quiet)
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            state = next;
            if (timeout.timed_out() && state.changes == seen) || Instant::now() > end || state.closed {
                return state.parser.screen().clone();
            }
        }
    }

    /// Waits for the program's end and gives its exit status.
    #[track_caller]
    pub fn wait_exit(&self, limit: Duration) -> portable_pty::ExitStatus {
        let end = Instant::now() + limit;
        let mut state = self.shared.lock();
        loop {
            if let Some(exit) = state.exit.clone()
                && state.closed
            {
                return exit;
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(state);
                panic!("{}: no end within {limit:?}\n{}", self.name, self.picture());
            }
            state = self
                .shared
                .changed
                .wait_timeout(state, left)
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .0;
        }
    }

    /// Fails the test unless the terminal is as a shell expects it: main screen, cursor, no mouse, no paste mode.
    #[track_caller]
    pub fn assert_restored(&self) {
        let screen = self.screen();
        let wrong: Vec<&str> = [
            (screen.alternate_screen(), "still on the alternate screen"),
            (screen.hide_cursor(), "the cursor is hidden"),
            (screen.mouse_protocol_mode() != MouseProtocolMode::None, "the mouse is still captured"),
            (screen.bracketed_paste(), "bracketed paste is still on"),
        ]
        .into_iter()
        .filter_map(|(is, what)| is.then_some(what))
        .collect();
        assert!(wrong.is_empty(), "{}: {wrong:?}\n{}", self.name, self.picture());
        // What the screen model does not track: focus reports and pushed keyboard flags.
        let raw = self.raw();
        for (on, off, what) in [
            ("\x1b[?1004h", "\x1b[?1004l", "focus reports are still on"),
            ("\x1b[>1u", "\x1b[<1u", "keyboard enhancement is still on"),
        ] {
            let (on, off) = (last(&raw, on), last(&raw, off));
            assert!(on.is_none() || off > on, "{}: {what}", self.name);
        }
    }

    /// Changes the size of the terminal.
    pub fn resize(&mut self, columns: u16, rows: u16) {
        // The model first: what the program draws for the new size must find it.
        self.shared.lock().parser.set_size(cells(rows), cells(columns));
        self.master.resize(pty_size(columns, rows)).expect("a resize");
    }

    /// Sends a signal to the program.
    pub fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(self.pid.cast_signed()).expect("a pid");
        let _ = rustix::process::kill_process(pid, signal);
    }

    /// Kills the program without a chance to clean up.
    pub fn kill(&self) {
        self.signal(rustix::process::Signal::KILL);
    }

    /// The program's process.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// The screen as it is now.
    pub fn screen(&self) -> Screen {
        self.shared.lock().parser.screen().clone()
    }

    /// Everything the program wrote, escape sequences included.
    pub fn raw(&self) -> String {
        String::from_utf8_lossy(&self.shared.lock().raw).into_owned()
    }

    /// What the program put on the clipboard by OSC 52, still in base64.
    pub fn clipboard(&self) -> Vec<String> {
        let state = self.shared.lock();
        state.parser.callbacks().clipboard.iter().map(|b| String::from_utf8_lossy(b).into_owned()).collect()
    }

    /// Number of reads of output so far: to see that an idle program does not draw.
    pub fn changes(&self) -> u64 {
        self.shared.lock().changes
    }

    /// The screen's text, right-trimmed rows.
    pub fn screen_text(&self) -> String {
        text(&self.screen())
    }

    /// The screen in a frame, for messages.
    pub fn picture(&self) -> String {
        let screen = self.screen();
        let width = usize::from(screen.size().1.get());
        let line = "-".repeat(width);
        let rows: Vec<String> = rows(&screen).into_iter().map(|row| format!("|{row}")).collect();
        format!("+{line}\n{}\n+{line}", rows.join("\n"))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if self.shared.lock().exit.is_none() {
            self.kill();
        }
    }
}

/// The rows of a screen without trailing blanks.
pub fn rows(screen: &Screen) -> Vec<String> {
    screen.rows(0, screen.size().1.get()).map(|row| row.trim_end().to_owned()).collect()
}

/// The text of a screen.
pub fn text(screen: &Screen) -> String {
    rows(screen).join("\n")
}

/// Whether a text stands within one row of the screen.
pub fn has(screen: &Screen, text: &str) -> bool {
    rows(screen).iter().any(|row| row.contains(text))
}

/// The first row that holds a text.
pub fn row_with(screen: &Screen, text: &str) -> Option<String> {
    rows(screen).into_iter().find(|row| row.contains(text))
}

/// Whether one row holds all of these texts.
pub fn has_row(screen: &Screen, texts: &[&str]) -> bool {
    rows(screen).iter().any(|row| texts.iter().all(|text| row.contains(text)))
}

fn last(text: &str, part: &str) -> Option<usize> {
    text.rfind(part)
}

fn cells(count: u16) -> NonZeroU16 {
    NonZeroU16::new(count).expect("a terminal has rows and columns")
}

fn pty_size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

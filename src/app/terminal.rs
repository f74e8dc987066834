//! The terminal as a guest leaves it: everything that was switched on is switched off again, exactly once, on
//! every way out: the end, an error, a panic in any thread, a signal, the hand-over to another program.

use std::io::{self, IsTerminal, Stdout, Write};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

use crossterm::event::{
    DisableBracketedPaste, DisableMouseCapture, EnableBracketedPaste, EnableMouseCapture,
    KeyboardEnhancementFlags, PopKeyboardEnhancementFlags, PushKeyboardEnhancementFlags,
};
use crossterm::terminal::{
    BeginSynchronizedUpdate, EndSynchronizedUpdate, EnterAlternateScreen, LeaveAlternateScreen, SetTitle,
    disable_raw_mode, enable_raw_mode,
};
use crossterm::{cursor, execute, queue};
use ratatui::Frame;
use ratatui::backend::{Backend, ClearType, CrosstermBackend, TestBackend};
use ratatui::buffer::Buffer;
use rustix::process::{Signal, getpgrp, getsid, kill_current_process_group};

use super::input::Input;
use crate::base::error::Context;
use crate::base::{Error, Result, starts};
use crate::ui::theme::Background;
use crate::ui::theme::depth::BACKGROUND_QUERY;

const RAW: u8 = 1;
const SCREEN: u8 = 1 << 1;
const MOUSE: u8 = 1 << 2;
const PASTE: u8 = 1 << 3;
const KEYS: u8 = 1 << 4;
const TITLE: u8 = 1 << 5;

/// What is switched on right now. Process-wide, because the panic hook has nothing else to go by.
static ON: AtomicU8 = AtomicU8::new(0);
/// A panic has restored the terminal: nothing may draw on it any more.
static PANICKED: AtomicBool = AtomicBool::new(false);

/// How long a terminal may take to tell its background colour.
const BACKGROUND_PATIENCE: Duration = Duration::from_millis(100);

/// The screen the program draws on, entered while it lives.
#[derive(Debug)]
pub struct Terminal {
    surface: Surface,
    mouse: bool,
    title: String,
}

#[derive(Debug)]
enum Surface {
    Real(ratatui::Terminal<CrosstermBackend<Stdout>>),
    Memory(ratatui::Terminal<TestBackend>),
}

impl Terminal {
    /// Takes the terminal over. `mouse` captures the mouse.
    pub fn enter(mouse: bool) -> Result<Self> {
        if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
            return Err(Error::new("there is no terminal to draw on")
                .next("use the headless commands: floe-tui validate, render, diff, plan, apply, status"));
        }
        let backend = CrosstermBackend::new(io::stdout());
        let inner = ratatui::Terminal::new(backend).context("cannot read the size of the terminal")?;
        let mut terminal = Self { surface: Surface::Real(inner), mouse, title: "floe-tui".to_owned() };
        terminal.switch_on()?;
        Ok(terminal)
    }

    /// A screen in memory, for tests of whole flows.
    pub fn in_memory(width: u16, height: u16) -> Self {
        let inner = match ratatui::Terminal::new(TestBackend::new(width, height)) {
            Ok(inner) => inner,
            Err(never) => match never {},
        };
        Self { surface: Surface::Memory(inner), mouse: false, title: String::new() }
    }

    /// What a screen in memory shows; `None` for a real one.
    pub fn buffer(&self) -> Option<&Buffer> {
        match &self.surface {
            Surface::Memory(inner) => Some(inner.backend().buffer()),
            Surface::Real(_) => None,
        }
    }

    /// Draws one frame. Fails once a panic has given the terminal back.
    pub fn draw(&mut self, view: impl FnOnce(&mut Frame<'_>)) -> Result<()> {
        match &mut self.surface {
            Surface::Memory(inner) => {
                let _ = inner.draw(view);
                Ok(())
            }
            Surface::Real(inner) => {
                if panicked() {
                    return Err(Error::new("a part of the program failed; the report is in the log"));
                }
                // Terminals that know synchronised updates show the frame whole; the others ignore it.
                queue!(io::stdout(), BeginSynchronizedUpdate).context("cannot write to the terminal")?;
                let drawn = inner.draw(view).map(|_| ()).context("cannot draw");
                execute!(io::stdout(), EndSynchronizedUpdate).context("cannot write to the terminal")?;
                drawn
            }
        }
    }

    /// Where a screen in memory shows the terminal's own cursor.
    #[cfg(test)]
    pub(super) fn caret(&self) -> Option<ratatui::layout::Position> {
        match &self.surface {
            Surface::Memory(inner) => {
                Some(inner.backend()).filter(|own| own.cursor_visible()).map(TestBackend::cursor_position)
            }
            Surface::Real(_) => None,
        }
    }

    /// Forgets what is on the screen, so that the next frame draws every cell.
    pub fn clear(&mut self) -> Result<()> {
        match &mut self.surface {
            Surface::Memory(inner) => {
                let _ = inner.clear();
                Ok(())
            }
            Surface::Real(inner) => {
                // Not `inner.clear()`: that asks the terminal where its cursor is and waits for the answer.
                inner.backend_mut().clear_region(ClearType::All).context("cannot clear the terminal")?;
                inner.swap_buffers();
                Ok(())
            }
        }
    }

    /// Captures the mouse or gives it back for selecting text.
    pub fn capture_mouse(&mut self, on: bool) -> Result<()> {
        self.mouse = on;
        if matches!(self.surface, Surface::Memory(_)) {
            return Ok(());
        }
        let mut out = io::stdout();
        if on {
            ON.fetch_or(MOUSE, Ordering::SeqCst);
            execute!(out, EnableMouseCapture).context("cannot capture the mouse")
        } else {
            ON.fetch_and(!MOUSE, Ordering::SeqCst);
            execute!(out, DisableMouseCapture).context("cannot release the mouse")
        }
    }

    /// Names the window. The name before is put back at the end.
    pub fn set_title(&mut self, title: &str) -> Result<()> {
        self.title = title.chars().filter(|c| !c.is_control()).collect();
        match self.surface {
            Surface::Memory(_) => Ok(()),
            Surface::Real(_) => execute!(io::stdout(), SetTitle(&self.title)).context("cannot set the title"),
        }
    }

    /// Writes an escape sequence of our own (the clipboard's) to a real terminal.
    pub(super) fn write(&mut self, sequence: &[u8]) -> Result<()> {
        match self.surface {
            Surface::Memory(_) => Err(Error::new("there is no terminal")),
            Surface::Real(_) => {
                let mut out = io::stdout();
                out.write_all(sequence).and_then(|()| out.flush()).context("cannot write to the terminal")
            }
        }
    }

    /// Asks for the background colour, after the first frame and before input is read: at most 100 ms. Keys
    /// typed meanwhile go to `input`. `None` when the terminal does not answer.
    pub fn background(&mut self, input: &mut Input) -> Option<Background> {
        if matches!(self.surface, Surface::Memory(_)) || !asks_background(|name| std::env::var(name).ok()) {
            return None;
        }
        input.pause();
        // Every terminal answers the second question, those without an answer to the first one too: no waiting.
        let asked = self.write(format!("{BACKGROUND_QUERY}\x1b[c").as_bytes());
        let reply = asked.ok().and_then(|()| read_reply().ok()).unwrap_or_default();
        input.resume();
        input.typed(&without_replies(&reply));
        Background::parse(&reply)
    }

    /// Stops the program as Ctrl-Z does elsewhere; returns when it is continued.
    pub fn suspend(&mut self, input: &mut Input) -> Result<()> {
        if matches!(self.surface, Surface::Memory(_)) {
            return Ok(());
        }
        // Without a shell above nobody could continue us.
        if getsid(None).is_ok_and(|session| session == getpgrp()) {
            return Err(Error::new("cannot suspend: there is no shell to return to"));
        }
        input.pause();
        restore();
        let stopped = starts::between(|| kill_current_process_group(Signal::TSTP)).context("cannot suspend");
        self.resume()?;
        input.resume();
        stopped
    }

    /// Takes the terminal over again after the program was stopped and continued.
    pub fn resume(&mut self) -> Result<()> {
        if matches!(self.surface, Surface::Memory(_)) {
            return Ok(());
        }
        // The shell may have changed any mode meanwhile: switch everything off and on.
        restore();
        self.switch_on()?;
        self.clear()
    }

    /// Gives the terminal to another program in the foreground until it ends: an editor, a login.
    pub async fn hand_over(&mut self, input: &mut Input, command: Command) -> Result<ExitStatus> {
        let name = command.get_program().to_string_lossy().into_owned();
        let real = matches!(self.surface, Surface::Real(_));
        // A live event stream would steal the other program's keys.
        input.pause();
        if real {
            restore();
        }
        let ended = tokio::process::Command::from(command).status().await;
        if real {
            self.resume()?;
        }
        input.resume();
        ended.context(format!("cannot run {name}"))
    }

    fn switch_on(&mut self) -> Result<()> {
        let mut out = io::stdout();
        // Each flag is set before its sequence is written: undoing what was never on does no harm, the other way
        // round does.
        ON.fetch_or(RAW, Ordering::SeqCst);
        enable_raw_mode().context("cannot switch the terminal to raw mode")?;
        ON.fetch_or(TITLE | SCREEN | PASTE, Ordering::SeqCst);
        out.write_all(b"\x1b[22;0t").context("cannot write to the terminal")?;
        queue!(out, SetTitle(&self.title), EnterAlternateScreen, EnableBracketedPaste, cursor::Hide)
            // A block on the cell that is drawn as the cursor would invert it back on some terminals.
            .and_then(|()| queue!(out, cursor::SetCursorStyle::SteadyBar))
            .context("cannot write to the terminal")?;
        if knows_keyboard_flags(|name| std::env::var(name).ok()) {
            ON.fetch_or(KEYS, Ordering::SeqCst);
            let flags = KeyboardEnhancementFlags::DISAMBIGUATE_ESCAPE_CODES;
            queue!(out, PushKeyboardEnhancementFlags(flags)).context("cannot write to the terminal")?;
        }
        if self.mouse {
            ON.fetch_or(MOUSE, Ordering::SeqCst);
            queue!(out, EnableMouseCapture).context("cannot write to the terminal")?;
        }
        out.flush().context("cannot write to the terminal")
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if matches!(self.surface, Surface::Real(_)) {
            restore();
        }
    }
}

/// Switches off what is on, in reverse order. Does nothing the second time.
pub fn restore() {
    let on = ON.swap(0, Ordering::SeqCst);
    if on == 0 {
        return;
    }
    let mut out = io::stdout();
    let mut failed = false;
    let mut note = |result: io::Result<()>| failed |= result.is_err();
    if on & MOUSE != 0 {
        note(queue!(out, DisableMouseCapture));
    }
    if on & KEYS != 0 {
        note(queue!(out, PopKeyboardEnhancementFlags));
    }
    if on & PASTE != 0 {
        note(queue!(out, DisableBracketedPaste));
    }
    if on & SCREEN != 0 {
        let shape = cursor::SetCursorStyle::DefaultUserShape;
        note(queue!(out, EndSynchronizedUpdate, shape, LeaveAlternateScreen, cursor::Show));
    }
    if on & TITLE != 0 {
        note(out.write_all(b"\x1b[23;0t"));
    }
    note(out.flush());
    if on & RAW != 0 {
        note(disable_raw_mode());
    }
    if failed {
        tracing::warn!("the terminal could not be restored completely");
    }
}

/// Whether a panic has given the terminal back.
pub fn panicked() -> bool {
    PANICKED.load(Ordering::SeqCst)
}

/// Installs the one panic hook of the process: the terminal first, then the log, then whatever was there before.
pub fn install_panic_hook() {
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |report| {
        PANICKED.store(true, Ordering::SeqCst);
        restore();
        let trace = std::backtrace::Backtrace::force_capture();
        tracing::error!(%report, %trace, "a part of the program failed");
        previous(report);
    }));
}

/// Asking every terminal whether it knows the protocol costs a round trip before the first frame; those that do
/// say so in the environment.
fn knows_keyboard_flags(variable: impl Fn(&str) -> Option<String>) -> bool {
    let term = variable("TERM").unwrap_or_default();
    let program = variable("TERM_PROGRAM").unwrap_or_default();
    let by_term = ["kitty", "ghostty", "foot", "alacritty", "wezterm"].iter().any(|name| term.contains(name));
    let by_program = ["WezTerm", "ghostty", "kitty", "rio"].contains(&program.as_str());
    by_term || by_program
}

fn asks_background(variable: impl Fn(&str) -> Option<String>) -> bool {
    !matches!(variable("TERM").as_deref(), None | Some("" | "dumb" | "linux"))
}

/// Reads what the terminal answers, until the answer to the device question or the time is over.
fn read_reply() -> io::Result<Vec<u8>> {
    use rustix::termios::{OptionalActions, SpecialCodeIndex, tcgetattr, tcsetattr};
    let stdin = io::stdin();
    let before = tcgetattr(&stdin)?;
    let mut patient = before.clone();
    // A read returns with what is there, or with nothing after a tenth of a second.
    patient.special_codes[SpecialCodeIndex::VMIN] = 0;
    patient.special_codes[SpecialCodeIndex::VTIME] = 1;
    tcsetattr(&stdin, OptionalActions::Now, &patient)?;
    let end = Instant::now() + BACKGROUND_PATIENCE;
    let mut reply = Vec::new();
    let mut chunk = [0u8; 256];
    while Instant::now() < end && !has_device_answer(&reply) {
        match rustix::io::read(&stdin, &mut chunk) {
            Ok(0) => break,
            Ok(count) => reply.extend_from_slice(&chunk[..count]),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => break,
        }
    }
    tcsetattr(&stdin, OptionalActions::Now, &before)?;
    Ok(reply)
}

/// Start and end of the answer to the device question, `ESC [ ? … c`.
fn device_answer(reply: &[u8]) -> Option<(usize, usize)> {
    let start = reply.windows(3).position(|window| window == b"\x1b[?")?;
    let rest = reply.get(start + 3..)?;
    let length = rest.iter().position(|byte| !matches!(byte, b'0'..=b'9' | b';'))?;
    (rest.get(length) == Some(&b'c')).then_some((start, start + 3 + length + 1))
}

fn has_device_answer(reply: &[u8]) -> bool {
    device_answer(reply).is_some()
}

/// What was typed between the answers.
fn without_replies(reply: &[u8]) -> Vec<u8> {
    let mut rest = reply.to_vec();
    if let Some((start, end)) = device_answer(&rest) {
        rest.drain(start..end);
    }
    if let Some(start) = rest.windows(5).position(|window| window == b"\x1b]11;") {
        let tail = &rest[start + 2..];
        let end = tail.iter().position(|byte| matches!(byte, 0x07 | 0x1b)).map(|at| {
            let two = tail.get(at) == Some(&0x1b) && tail.get(at + 1) == Some(&b'\\');
            start + 2 + at + if two { 2 } else { 1 }
        });
        rest.drain(start..end.unwrap_or(rest.len()));
    }
    rest
}

#[cfg(test)]
mod pty;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn keys_typed_between_the_answers_are_kept() {
        let reply = b"j\x1b]11;rgb:1e1e/1e1e/2e2e\x1b\\2\x1b[?62;22c/";
        assert!(has_device_answer(reply));
        assert_eq!(without_replies(reply), b"j2/");
        assert_eq!(without_replies(b"\x1b]11;rgb:ff/ff/ff\x07x"), b"x");
        assert_eq!(without_replies(b"x\x1b]11;rgb:ff"), b"x");
        assert_eq!(without_replies(b"\x1b[A"), b"\x1b[A");
        assert!(!has_device_answer(b"\x1b[?62;"));
    }

    #[test]
    fn only_terminals_that_know_the_flags_get_them() {
        assert!(knows_keyboard_flags(env(&[("TERM", "xterm-kitty")])));
        assert!(knows_keyboard_flags(env(&[("TERM", "xterm-256color"), ("TERM_PROGRAM", "WezTerm")])));
        assert!(!knows_keyboard_flags(env(&[("TERM", "xterm-256color")])));
        assert!(!asks_background(env(&[("TERM", "linux")])));
        assert!(asks_background(env(&[("TERM", "screen-256color")])));
    }

    #[test]
    fn a_screen_in_memory_shows_what_was_drawn_and_touches_no_terminal() {
        let mut terminal = Terminal::in_memory(10, 2);
        terminal
            .draw(|frame| frame.buffer_mut().set_string(0, 0, "hello", ratatui::style::Style::default()))
            .unwrap();
        assert_eq!(terminal.buffer().unwrap()[(4, 0)].symbol(), "o");
        terminal.capture_mouse(true).unwrap();
        terminal.resume().unwrap();
        drop(terminal);
        assert_eq!(ON.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn another_program_gets_the_terminal_and_its_end_is_told() {
        let mut terminal = Terminal::in_memory(10, 2);
        let (_sender, receiver) = tokio::sync::mpsc::channel(1);
        let mut input = Input::from_channel(receiver);
        let mut command = Command::new("sh");
        command.args(["-c", "exit 3"]);
        let status = terminal.hand_over(&mut input, command).await.unwrap();
        assert_eq!(status.code(), Some(3));
        let missing = terminal.hand_over(&mut input, Command::new("/no/such/editor")).await;
        assert!(missing.unwrap_err().to_string().starts_with("cannot run /no/such/editor"));
    }
}

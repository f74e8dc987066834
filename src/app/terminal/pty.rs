//! The guard on a real terminal: this test binary runs itself inside a pty, plays one case, and the terminal is
//! looked at from outside.

#![allow(clippy::unwrap_used, clippy::panic)]

use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

use super::*;
use crate::app::input::InputEvent;

const CASE: &str = "FLOE_TUI_PTY_CASE";
/// Put behind everything the program wrote, once it has ended.
const ENDED: &[u8] = b"\0ended\0";
const PATIENCE: Duration = Duration::from_secs(30);

/// What the program under test does; runs only inside of [`Session`].
#[tokio::test]
#[ignore = "the inner half of the tests here"]
async fn inner() {
    let Ok(case) = std::env::var(CASE) else { return };
    install_panic_hook();
    let mut terminal = Terminal::enter(true).unwrap();
    let mut input = Input::from_terminal().unwrap();
    show(&mut terminal, "READY");
    match case.as_str() {
        "keys" => loop {
            match input.next().await.unwrap() {
                InputEvent::Ends => {
                    show(&mut terminal, "ENDING");
                    break;
                }
                InputEvent::Key(key) if key.code == crossterm::event::KeyCode::Char('q') => break,
                InputEvent::Key(key) => show(&mut terminal, &format!("KEY {:?}", key.code)),
                InputEvent::Paste(text) => show(&mut terminal, &format!("PASTE {text:?}")),
                _ => {}
            }
        },
        "panic" => {
            let failed = std::thread::spawn(|| panic!("on purpose")).join();
            assert!(failed.is_err());
            assert!(terminal.draw(|_| {}).is_err(), "nothing may be drawn after a panic");
        }
        "hand-over" => {
            let mut command = Command::new("sh");
            command.args(["-c", "echo GIVE; read line; echo \"GOT $line\"; read line"]);
            let status = terminal.hand_over(&mut input, command).await.unwrap();
            assert!(status.success());
            show(&mut terminal, "BACK");
            let event = input.next().await.unwrap();
            assert!(matches!(event, InputEvent::Key(_)), "{event:?}");
        }
        "background" => {
            let background = terminal.background(&mut input);
            let key = input.next().await.unwrap();
            show(&mut terminal, &format!("{background:?} {}", matches!(key, InputEvent::Key(_))));
            input.next().await.unwrap();
        }
        other => panic!("no case {other}"),
    }
}

fn show(terminal: &mut Terminal, text: &str) {
    let words = text.to_owned();
    terminal
        .draw(|frame| frame.buffer_mut().set_string(0, 0, words, ratatui::style::Style::default()))
        .unwrap();
}

/// What the terminal shows and every byte it got, with a bell for news.
type Shared = (Mutex<(vt100::Parser, Vec<u8>)>, Condvar);

/// A pty with the inner half running in it.
struct Session {
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    screen: Arc<Shared>,
    modes: String,
}

impl Session {
    fn start(case: &str) -> Self {
        let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, ..PtySize::default() }).unwrap();
        let modes = format!("{:?}", pair.master.get_termios());
        let mut command = CommandBuilder::new(std::env::current_exe().unwrap());
        command.args([
            "--exact",
            "app::terminal::pty::inner",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ]);
        command.env(CASE, case);
        command.env("TERM", "xterm-256color");
        command.env("RUST_BACKTRACE", "0");
        let child = pair.slave.spawn_command(command).unwrap();
        let screen = Arc::new((
            Mutex::new((vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0), Vec::new())),
            Condvar::new(),
        ));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let shared = Arc::clone(&screen);
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut chunk) {
                let mut state = shared.0.lock().unwrap();
                state.0.process(&chunk[..count]);
                state.1.extend_from_slice(&chunk[..count]);
                shared.1.notify_all();
            }
            // The last holder of the pty is gone: the program has ended.
            shared.0.lock().unwrap().1.extend_from_slice(ENDED);
            shared.1.notify_all();
        });
        Self { master: pair.master, writer, child, screen, modes }
    }

    fn wait(&self, what: &str, mut seen: impl FnMut(&vt100::Screen, &[u8]) -> bool) {
        let state = self.screen.0.lock().unwrap();
        let (state, late) = self
            .screen
            .1
            .wait_timeout_while(state, PATIENCE, |state| !seen(state.0.screen(), &state.1))
            .unwrap();
        assert!(!late.timed_out(), "never saw {what}; the screen is:\n{}", state.0.screen().contents());
    }

    fn wait_text(&self, text: &str) {
        self.wait(text, |screen, _| screen.contents().contains(text));
    }

    fn send(&mut self, bytes: &[u8]) {
        self.writer.write_all(bytes).unwrap();
        self.writer.flush().unwrap();
    }

    fn wait_entered(&self) {
        self.wait("an entered screen", |screen, _| {
            screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste()
        });
        self.wait_text("READY");
    }

    /// Everything that was switched on is off: the screen, the cursor, the mouse, pastes, the line mode.
    fn wait_restored(&self) {
        self.wait("a restored screen", |screen, _| {
            !screen.alternate_screen()
                && !screen.hide_cursor()
                && !screen.bracketed_paste()
                && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
    }

    fn finish(mut self) -> String {
        self.wait("the end of the program", |_, bytes| bytes.ends_with(ENDED));
        let status = self.child.wait().unwrap();
        self.wait_restored();
        let text = self.screen.0.lock().unwrap().0.screen().contents();
        assert!(status.success(), "{text}");
        assert_eq!(format!("{:?}", self.master.get_termios()), self.modes, "the line modes are as they were");
        text
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Does nothing to a program that has ended; one that hangs must not outlive its test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn leaving_restores_everything_and_a_paste_is_one_text() {
    let mut session = Session::start("keys");
    session.wait_entered();
    session.wait("the mouse", |screen, _| screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None);
    session.send(b"\x1b[200~y\rq\x1b[201~");
    session.wait_text("PASTE \"y\\nq\"");
    session.send(b"\x1b[B");
    session.wait_text("KEY Down");
    session.send(b"q");
    session.finish();
}

#[test]
fn a_polite_kill_is_an_orderly_end() {
    let session = Session::start("keys");
    session.wait_entered();
    let pid = session
        .child
        .process_id()
        .and_then(|pid| rustix::process::Pid::from_raw(i32::try_from(pid).ok()?))
        .unwrap();
    rustix::process::kill_process(pid, Signal::TERM).unwrap();
    session.finish();
}

#[test]
fn a_panic_in_a_worker_gives_the_terminal_back_before_it_is_told() {
    let session = Session::start("panic");
    let text = session.finish();
    assert!(text.contains("on purpose"), "{text}");
}

#[test]
fn another_program_gets_every_key_and_then_the_screen_comes_back() {
    let mut session = Session::start("hand-over");
    session.wait_text("GIVE");
    session.wait_restored();
    session.send(b"hello\r");
    session.wait_text("GOT hello");
    session.send(b"\r");
    session.wait_text("BACK");
    session.wait("the screen again", |screen, _| screen.alternate_screen() && screen.hide_cursor());
    session.send(b"x");
    session.finish();
}

#[test]
fn the_background_is_asked_for_and_a_key_typed_meanwhile_is_kept() {
    let mut session = Session::start("background");
    session.wait("the question", |_, bytes| {
        bytes.windows(BACKGROUND_QUERY.len()).any(|window| window == BACKGROUND_QUERY.as_bytes())
    });
    session.send(b"j\x1b]11;rgb:ffff/ffff/ffff\x1b\\\x1b[?62;22c");
    session.wait("the answer or its lack", |screen, _| screen.contents().contains("true"));
    let text = session.screen.0.lock().unwrap().0.screen().contents();
    // On a busy machine the answer may come after the 100 ms: then it must be ignored, not typed.
    assert!(text.contains("Some(Light) true") || text.contains("None true"), "{text}");
    session.send(b"x");
    session.finish();
}

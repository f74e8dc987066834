//! What comes from outside while the program runs: keys, pastes, the mouse, sizes, signals. One stream, which can
//! be paused while another program has the terminal.

use std::collections::VecDeque;
use std::future::pending;

use crossterm::event::{
    Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEvent, MouseEventKind,
};
use futures::{FutureExt, StreamExt};
use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::base::Result;
use crate::base::error::Context;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InputEvent {
    Key(KeyEvent),
    /// A bracketed paste: text, never commands.
    Paste(String),
    Mouse(MouseEvent),
    Resized,
    /// The program was stopped and continued by somebody: the terminal has to be taken over again.
    Resumed,
    /// The terminal is gone or the program was asked to end.
    Ends,
}

/// The stream of input.
#[derive(Debug)]
pub struct Input {
    source: Source,
    queue: VecDeque<InputEvent>,
    paused: bool,
    late: LateReply,
}

#[derive(Debug)]
enum Source {
    Terminal(Box<FromTerminal>),
    Channel(mpsc::Receiver<InputEvent>),
}

#[derive(Debug)]
struct FromTerminal {
    /// `None` while paused: a live stream would read the other program's keys. Made at the first wait only: a
    /// stream that is dropped before it was ever polled leaves crossterm a wake-up that can hide the next key.
    events: Option<EventStream>,
    signals: Signals,
}

#[derive(Debug)]
struct Signals {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
    quit: Signal,
    resume: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("cannot listen for signals");
        Ok(Self {
            terminate: listen(SignalKind::terminate())?,
            hang_up: listen(SignalKind::hangup())?,
            // In raw mode these two come from outside only; while another program has the terminal its Ctrl-C
            // reaches us too and must not end us.
            interrupt: listen(SignalKind::interrupt())?,
            quit: listen(SignalKind::quit())?,
            resume: listen(SignalKind::from_raw(Number::CONT.as_raw()))?,
        })
    }

    async fn next(&mut self) -> InputEvent {
        tokio::select! {
            _ = self.terminate.recv() => InputEvent::Ends,
            _ = self.hang_up.recv() => InputEvent::Ends,
            _ = self.interrupt.recv() => InputEvent::Ends,
            _ = self.quit.recv() => InputEvent::Ends,
            _ = self.resume.recv() => InputEvent::Resumed,
        }
    }

    /// Forgets what was meant for the program that had the terminal; a request to end us stays.
    fn forget(&mut self) {
        let _ = self.interrupt.recv().now_or_never();
        let _ = self.quit.recv().now_or_never();
        let _ = self.resume.recv().now_or_never();
    }
}

impl Input {
    /// The input of the terminal. Needs a running tokio runtime.
    pub fn from_terminal() -> Result<Self> {
        let source = Source::Terminal(Box::new(FromTerminal { events: None, signals: Signals::new()? }));
        Ok(Self { source, queue: VecDeque::new(), paused: false, late: LateReply::default() })
    }

    /// Input that a test sends. When the sender is gone, the input ends.
    pub fn from_channel(receiver: mpsc::Receiver<InputEvent>) -> Self {
        Self {
            source: Source::Channel(receiver),
            queue: VecDeque::new(),
            paused: false,
            late: LateReply::default(),
        }
    }

    /// Waits for the next event. Cancel-safe.
    pub async fn next(&mut self) -> Result<InputEvent> {
        loop {
            if let Some(event) = self.queue.pop_front() {
                return Ok(event);
            }
            if self.paused {
                pending::<()>().await;
            }
            match &mut self.source {
                Source::Channel(receiver) => return Ok(receiver.recv().await.unwrap_or(InputEvent::Ends)),
                Source::Terminal(terminal) => {
                    let FromTerminal { events, signals } = &mut **terminal;
                    let events = events.get_or_insert_with(EventStream::new);
                    tokio::select! {
                        event = signals.next() => return Ok(event),
                        event = events.next() => match event {
                            Some(Ok(event)) => {
                                let late = &mut self.late;
                                self.queue.extend(translate(event).filter(|event| late.passes(event)));
                            }
                            // The terminal is closed: nobody is left to tell.
                            Some(Err(_)) | None => return Ok(InputEvent::Ends),
                        },
                    }
                }
            }
        }
    }

    /// The next event if one is there already. Looks with the caller's own waker: crossterm keeps the first waker
    /// that it sees until a key comes, and one that wakes nobody would lose that key.
    pub async fn try_next(&mut self) -> Option<InputEvent> {
        let mut next = std::pin::pin!(self.next());
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(match next.as_mut().poll(context) {
                std::task::Poll::Ready(event) => event.ok(),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }

    /// Stops reading: another program gets the terminal.
    pub fn pause(&mut self) {
        self.paused = true;
        if let Source::Terminal(terminal) = &mut self.source {
            terminal.events = None;
        }
    }

    /// Reads again.
    pub fn resume(&mut self) {
        self.paused = false;
        if let Source::Terminal(terminal) = &mut self.source {
            terminal.signals.forget();
        }
    }

    /// Takes bytes that were typed while something else was read from the terminal.
    pub fn typed(&mut self, bytes: &[u8]) {
        self.queue.extend(keys_of(bytes).into_iter().map(InputEvent::Key));
    }
}

/// Swallows the terminal's answer about its colours when it comes after we stopped waiting (a slow line): it
/// reaches us as `Alt-]`, letters, and `Alt-\` or `Ctrl-G`, and must not be taken for keys.
#[derive(Debug, Default)]
struct LateReply {
    inside: bool,
}

impl LateReply {
    fn passes(&mut self, event: &InputEvent) -> bool {
        let InputEvent::Key(key) = event else { return true };
        let alt = key.modifiers.contains(KeyModifiers::ALT);
        let control = key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            KeyCode::Char(']') if alt => {
                self.inside = true;
                false
            }
            KeyCode::Char('\\') if alt && self.inside => {
                self.inside = false;
                false
            }
            KeyCode::Char('g') if control && self.inside => {
                self.inside = false;
                false
            }
            KeyCode::Char(c)
                if self.inside && !alt && !control && (c.is_ascii_hexdigit() || "rg:;/".contains(c)) =>
            {
                false
            }
            _ => {
                self.inside = false;
                true
            }
        }
    }
}

fn translate(event: Event) -> Option<InputEvent> {
    match event {
        Event::Key(key) => (key.kind != KeyEventKind::Release).then_some(InputEvent::Key(key)),
        Event::Paste(text) => Some(InputEvent::Paste(text.replace("\r\n", "\n").replace('\r', "\n"))),
        // Every cell the mouse crosses would be an event; nothing here reacts to hovering.
        Event::Mouse(mouse) => (mouse.kind != MouseEventKind::Moved).then_some(InputEvent::Mouse(mouse)),
        Event::Resize(..) => Some(InputEvent::Resized),
        Event::FocusGained | Event::FocusLost => None,
    }
}

/// The keys of plain bytes: text, control keys and arrows; what is anything else is left out.
fn keys_of(bytes: &[u8]) -> Vec<KeyEvent> {
    let text = String::from_utf8_lossy(bytes);
    let mut keys = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let plain = |code| KeyEvent::new(code, KeyModifiers::NONE);
        let key = match c {
            '\x1b' if matches!(chars.peek(), Some('[' | 'O')) => {
                chars.next();
                let mut last = chars.next();
                while last.is_some_and(|c| matches!(c, '0'..='9' | ';' | '?' | '<' | '>')) {
                    last = chars.next();
                }
                match last {
                    Some('A') => plain(KeyCode::Up),
                    Some('B') => plain(KeyCode::Down),
                    Some('C') => plain(KeyCode::Right),
                    Some('D') => plain(KeyCode::Left),
                    _ => continue,
                }
            }
            '\x1b' => plain(KeyCode::Esc),
            '\r' | '\n' => plain(KeyCode::Enter),
            '\t' => plain(KeyCode::Tab),
            '\x7f' | '\x08' => plain(KeyCode::Backspace),
            '\x01'..='\x1a' => {
                let letter = char::from(c as u8 + b'a' - 1);
                KeyEvent::new(KeyCode::Char(letter), KeyModifiers::CONTROL)
            }
            c if c.is_control() => continue,
            c if c.is_uppercase() => KeyEvent::new(KeyCode::Char(c), KeyModifiers::SHIFT),
            c => plain(KeyCode::Char(c)),
        };
        keys.push(key);
    }
    keys
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn key(c: char) -> InputEvent {
        InputEvent::Key(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE))
    }

    #[tokio::test]
    async fn a_channel_gives_its_events_and_ends() {
        let (sender, receiver) = mpsc::channel(4);
        let mut input = Input::from_channel(receiver);
        assert_eq!(input.try_next().await, None);
        sender.send(key('j')).await.unwrap();
        assert_eq!(input.next().await.unwrap(), key('j'));
        input.pause();
        sender.send(key('k')).await.unwrap();
        assert_eq!(input.try_next().await, None, "a paused input reads nothing");
        input.resume();
        assert_eq!(input.try_next().await, Some(key('k')));
        drop(sender);
        assert_eq!(input.next().await.unwrap(), InputEvent::Ends);
    }

    #[test]
    fn typed_bytes_become_the_keys_they_were() {
        let codes: Vec<KeyCode> = keys_of(b"j2\x1b[B\rQ\x1b").into_iter().map(|key| key.code).collect();
        let expected = [
            KeyCode::Char('j'),
            KeyCode::Char('2'),
            KeyCode::Down,
            KeyCode::Enter,
            KeyCode::Char('Q'),
            KeyCode::Esc,
        ];
        assert_eq!(codes, expected);
        assert_eq!(keys_of(b"\x10"), [KeyEvent::new(KeyCode::Char('p'), KeyModifiers::CONTROL)]);
        assert_eq!(keys_of("日".as_bytes()).len(), 1);
    }

    #[test]
    fn a_late_answer_of_the_terminal_is_not_typed() {
        let mut late = LateReply::default();
        let with = |c, modifiers| InputEvent::Key(KeyEvent::new(KeyCode::Char(c), modifiers));
        let mut events = vec![key('j'), with(']', KeyModifiers::ALT)];
        events.extend("11;rgb:1e1e/1e1e/2e2e".chars().map(key));
        events.push(with('\\', KeyModifiers::ALT));
        events.extend([
            key('1'),
            with(']', KeyModifiers::ALT),
            key('1'),
            with('g', KeyModifiers::CONTROL),
            key('g'),
        ]);
        let passed: Vec<InputEvent> = events.into_iter().filter(|event| late.passes(event)).collect();
        assert_eq!(passed, [key('j'), key('1'), key('g')]);
    }

    #[test]
    fn pastes_have_plain_line_ends_and_hovering_is_no_event() {
        assert_eq!(translate(Event::Paste("a\r\nb\rc".into())), Some(InputEvent::Paste("a\nb\nc".into())));
        let hover =
            MouseEvent { kind: MouseEventKind::Moved, column: 1, row: 1, modifiers: KeyModifiers::NONE };
        assert_eq!(translate(Event::Mouse(hover)), None);
    }
}

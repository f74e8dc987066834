//! The only place that prints. What others said is neutralised; a reader that went away (`| head`) ends nothing: the
//! rest is dropped and the exit code stays what it is.

use std::io::{ErrorKind, Write};
use std::sync::{Mutex, PoisonError};

use crate::base::{Error, text};

/// Why the standard output took no more, unless its reader just went away.
static FAULT: Mutex<Option<String>> = Mutex::new(None);

/// A line of the result.
pub(super) fn line(words: &str) {
    raw(&format!("{}\n", text::neutralise(words)));
}

/// A piece of the result as it is: for what another program reads.
pub(super) fn raw(words: &str) {
    let mut stdout = std::io::stdout().lock();
    if let Err(error) = stdout.write_all(words.as_bytes()).and_then(|()| stdout.flush())
        && error.kind() != ErrorKind::BrokenPipe
    {
        FAULT.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error.to_string());
    }
}

/// The result as data.
pub(super) fn json(value: &serde_json::Value) {
    raw(&format!("{value:#}\n"));
}

/// A line beside the result.
pub(super) fn note(words: &str) {
    let mut stderr = std::io::stderr().lock();
    // Nobody reads it: there is nobody to tell.
    let _ = stderr.write_all(format!("{}\n", text::neutralise(words)).as_bytes());
}

/// A question: a line without its end, beside the result.
pub(super) fn ask(words: &str) {
    let mut stderr = std::io::stderr().lock();
    let _ = stderr.write_all(text::neutralise(words).as_bytes()).and_then(|()| stderr.flush());
}

/// An error, with what to do.
pub(super) fn error(error: &Error) {
    for (index, words) in error.lines().iter().enumerate() {
        note(&if index == 0 { format!("error: {words}") } else { words.clone() });
    }
}

/// The exit code, or a failure when the result could not be written.
pub(super) fn finish(code: u8) -> u8 {
    let fault = FAULT.lock().unwrap_or_else(PoisonError::into_inner).take();
    match fault {
        None => code,
        Some(cause) => {
            error(&Error::new("the result could not be written to the standard output").because(cause));
            super::FAILED
        }
    }
}

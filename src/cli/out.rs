//! What headless commands print. A reader that went away (`| head`) ends nothing.

use std::io::Write as _;

use serde::Serialize;

use crate::base::Error;
use crate::operations::{Check, CheckLevel};

/// A line on standard output.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Text on standard output as it is.
pub(super) fn raw(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// A line on standard error.
pub(super) fn note(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// A failure on standard error.
pub(super) fn error(error: &Error) {
    note(&format!("error: {error}"));
}

/// A value as JSON on standard output.
pub(super) fn json(value: &impl Serialize) -> crate::base::Result<()> {
    let text = serde_json::to_string_pretty(value)
        .map_err(|cause| Error::new("cannot write JSON").because(cause))?;
    line(&text);
    Ok(())
}

/// A check in lines: a mark and its title, the detail and what to do indented.
pub(super) fn check(check: &Check) -> String {
    let mark = match check.level {
        CheckLevel::Blocked => "✗ blocked:",
        CheckLevel::Warning => "! warning:",
        CheckLevel::Note => "· note:",
        CheckLevel::Ok => "✓",
    };
    let mut text = format!("{mark} {}", check.title);
    for detail in check.detail.iter().flat_map(|detail| detail.lines()) {
        text.push_str("\n    ");
        text.push_str(detail);
    }
    if let Some(next) = &check.next {
        text.push_str("\n  → ");
        text.push_str(next);
    }
    text
}

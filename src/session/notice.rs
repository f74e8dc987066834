//! What the program tells the user in passing. Notices fade, errors stay until dismissed, repeats are counted;
//! all of them stay readable under `!`.

use jiff::Timestamp;

use crate::base::Error;

/// How a message is shown and how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Fades.
    Notice,
    /// Fades later.
    Warning,
    /// Stays until dismissed.
    Error,
}

/// One message of the session.
#[derive(Debug, Clone)]
pub struct Notice {
    pub level: Level,
    /// The first line is what a toast shows; all lines are in the list of messages.
    pub lines: Vec<String>,
    /// When it was said last.
    pub at: Timestamp,
    /// How often in a row.
    pub count: usize,
    pub dismissed: bool,
}

/// How long a notice stays on the screen, seconds.
const NOTICE_SECONDS: i64 = 6;
const WARNING_SECONDS: i64 = 15;
/// The list is bounded; the oldest go first.
const KEPT: usize = 500;

impl Notice {
    /// Whether it is still on the screen at `now`.
    pub fn is_shown(&self, now: Timestamp) -> bool {
        let age = now.as_second() - self.at.as_second();
        !self.dismissed
            && match self.level {
                Level::Notice => age < NOTICE_SECONDS,
                Level::Warning => age < WARNING_SECONDS,
                Level::Error => true,
            }
    }
}

/// All messages, oldest first.
#[derive(Debug, Clone, Default)]
pub struct Notices {
    all: Vec<Notice>,
}

impl Notices {
    /// Says something in passing.
    pub fn say(&mut self, now: Timestamp, text: impl Into<String>) {
        self.push(now, Level::Notice, vec![text.into()]);
    }

    /// Says something that deserves a longer look.
    pub fn warn(&mut self, now: Timestamp, text: impl Into<String>) {
        self.push(now, Level::Warning, vec![text.into()]);
    }

    /// Shows a failure until it is dismissed.
    pub fn fail(&mut self, now: Timestamp, error: &Error) {
        self.push(now, Level::Error, error.lines());
    }

    fn push(&mut self, now: Timestamp, level: Level, lines: Vec<String>) {
        match self.all.last_mut() {
            Some(last) if last.level == level && last.lines == lines => {
                last.count += 1;
                last.at = now;
                last.dismissed = false;
            }
            _ => self.all.push(Notice { level, lines, at: now, count: 1, dismissed: false }),
        }
        if self.all.len() > KEPT {
            self.all.remove(0);
        }
    }

    /// Every message, oldest first.
    pub fn all(&self) -> &[Notice] {
        &self.all
    }

    /// What is on the screen at `now`, oldest first.
    pub fn shown(&self, now: Timestamp) -> impl Iterator<Item = &Notice> {
        self.all.iter().filter(move |notice| notice.is_shown(now))
    }

    /// Takes the oldest shown message off the screen; it stays in the list.
    pub fn dismiss(&mut self, now: Timestamp) -> bool {
        match self.all.iter_mut().find(|notice| notice.is_shown(now)) {
            Some(notice) => {
                notice.dismissed = true;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notices_fade_errors_stay_repeats_count() {
        let start = Timestamp::UNIX_EPOCH;
        let later = Timestamp::from_second(60).unwrap_or(start);
        let mut notices = Notices::default();
        notices.say(start, "saved");
        notices.fail(start, &Error::new("cannot save"));
        notices.fail(start, &Error::new("cannot save"));
        assert_eq!(notices.shown(start).count(), 2);
        let left: Vec<_> = notices.shown(later).collect();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].count, 2);
        assert!(notices.dismiss(later) && !notices.dismiss(later));
        assert_eq!(notices.all().len(), 2);
    }
}

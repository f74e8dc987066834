//! The texts beside a running operation, as lines that follow at their end: helm's output, a container's log, events.

use crate::base::time;
use crate::cluster::events::EventRow;
use crate::operations::{OperationView, Stream};
use crate::session::LogView;
use crate::ui::text_view::Lines;
use crate::ui::{Rich, Role, text};
use jiff::Timestamp;

/// What stands in a line of the output.
#[derive(Debug, Clone, Copy)]
enum Item {
    /// The command of a step.
    Command(usize),
    Line(usize),
    /// How a step ended.
    End(usize),
}

/// helm's output, each step under its exact command.
pub(super) struct Output<'a> {
    view: &'a OperationView,
    items: Vec<Item>,
}

impl<'a> Output<'a> {
    /// The output as it stands.
    pub(super) fn of(view: &'a OperationView) -> Self {
        let mut items = Vec::with_capacity(view.lines.len() + 4);
        let mut at = 0;
        for (number, step) in view.steps.iter().enumerate() {
            if step.started.is_none() && number > 0 {
                break;
            }
            items.push(Item::Command(number));
            while view.lines.get(at).is_some_and(|line| line.step == number) {
                items.push(Item::Line(at));
                at += 1;
            }
            if step.ended.is_some() {
                items.push(Item::End(number));
            }
        }
        Self { view, items }
    }
}

impl Lines for Output<'_> {
    fn len(&self) -> usize {
        self.items.len()
    }

    fn line(&self, index: usize) -> Rich {
        match self.items.get(index) {
            Some(Item::Command(step)) => {
                Rich::of(Role::Accent, "$ ").then(Role::Muted, self.view.spec.command(*step))
            }
            Some(Item::Line(at)) => self.view.lines.get(*at).map_or_else(Rich::default, |line| {
                let lower = line.text.to_ascii_lowercase();
                let role = match line.stream {
                    _ if lower.starts_with("error") => Role::Bad,
                    _ if lower.starts_with("warning")
                        || lower.starts_with('w') && lower.contains("warning") =>
                    {
                        Role::Warn
                    }
                    Stream::Stdout | Stream::Stderr => Role::Text,
                };
                Rich::of(role, line.text.clone())
            }),
            Some(Item::End(step)) => self.view.steps.get(*step).map_or_else(Rich::default, |step| {
                let took = match (step.started, step.ended) {
                    (Some(from), Some(until)) => {
                        let seconds = until.as_second().saturating_sub(from.as_second());
                        text::duration(u64::try_from(seconds).unwrap_or(0))
                    }
                    _ => "-".to_owned(),
                };
                match (&step.error, step.code, step.signal) {
                    (Some(error), _, _) => Rich::of(Role::Bad, format!("helm did not start: {error}")),
                    (None, Some(0), _) => Rich::of(Role::Good, format!("ended well after {took}")),
                    (None, Some(code), _) => {
                        Rich::of(Role::Bad, format!("ended with exit {code} after {took}"))
                    }
                    (None, None, signal) => {
                        let by =
                            signal.map_or_else(|| "a signal".to_owned(), |signal| format!("signal {signal}"));
                        Rich::of(Role::Bad, format!("ended by {by} after {took}"))
                    }
                }
            }),
            None => Rich::default(),
        }
    }

    fn dropped(&self) -> usize {
        usize::try_from(self.view.lost).unwrap_or(usize::MAX)
    }
}

/// A container's log.
pub(super) struct Log<'a>(pub(super) &'a LogView);

impl Lines for Log<'_> {
    fn len(&self) -> usize {
        self.0.lines.len()
    }

    fn line(&self, index: usize) -> Rich {
        self.0.lines.get(index).map_or_else(Rich::default, |line| Rich::from(line.as_str()))
    }

    fn dropped(&self) -> usize {
        self.0.total.saturating_sub(self.0.lines.len())
    }
}

/// Events, the newest last.
pub(super) struct Events<'a> {
    pub(super) rows: &'a [EventRow],
    pub(super) now: Timestamp,
}

impl Lines for Events<'_> {
    fn len(&self) -> usize {
        self.rows.len()
    }

    fn line(&self, index: usize) -> Rich {
        let Some(row) = self.rows.iter().rev().nth(index) else { return Rich::default() };
        let age = row.at.map_or_else(|| "-".to_owned(), |at| time::relative(at, self.now));
        let mut line = Rich::of(Role::Muted, format!("{age:>4} "));
        line.push(if row.warning { Role::Warn } else { Role::Muted }, format!("{} ", row.reason));
        line.push(Role::Text, format!("{} {}: ", row.kind, row.name));
        let message = row.message.lines().next().unwrap_or_default();
        line.push(if row.warning { Role::Text } else { Role::Muted }, message);
        if row.count > 1 {
            line.push(Role::Muted, format!(" ({}x)", row.count));
        }
        line
    }
}

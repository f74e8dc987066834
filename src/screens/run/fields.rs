//! What the operator may choose about a plan, as fields: each change is a new request, and so a new plan.

use std::time::Duration;

use crate::base::Error;
use crate::operations::{PlanRequest, Verb};
use crate::ui::text;

/// The longest time-out that can be typed.
const LONGEST: Duration = Duration::from_hours(24);

/// What `h` and `l` step through, seconds.
const TIMEOUTS: [u64; 8] = [60, 120, 300, 600, 900, 1_200, 1_800, 3_600];

/// One field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Revision,
    Timeout,
    Wait,
    RollbackOnFailure,
    CreateNamespace,
    TestAfter,
    KeepHistory,
}

impl Field {
    /// The fields of a verb, in the order of the screen.
    pub(super) fn of(verb: Verb) -> &'static [Self] {
        match verb {
            Verb::Install => {
                &[Self::Timeout, Self::Wait, Self::RollbackOnFailure, Self::CreateNamespace, Self::TestAfter]
            }
            Verb::Upgrade => &[Self::Timeout, Self::Wait, Self::RollbackOnFailure, Self::TestAfter],
            Verb::Rollback => &[Self::Revision, Self::Timeout, Self::Wait, Self::TestAfter],
            Verb::Test => &[Self::Timeout],
            Verb::Uninstall => &[Self::Timeout, Self::Wait, Self::KeepHistory],
        }
    }

    /// The words beside the value.
    pub(super) fn title(self) -> &'static str {
        match self {
            Self::Revision => "back to revision",
            Self::Timeout => "time-out",
            Self::Wait => "wait until ready",
            Self::RollbackOnFailure => "roll back on failure",
            Self::CreateNamespace => "create namespace",
            Self::TestAfter => "run tests after",
            Self::KeepHistory => "keep history",
        }
    }

    /// What it means, one line.
    pub(super) fn help(self) -> &'static str {
        match self {
            Self::Revision => "Space chooses another one of the history",
            Self::Timeout => "for each helm command; h l step, Space types one",
            Self::Wait => "helm ends when the objects are ready, not before",
            Self::RollbackOnFailure => "helm undoes what failed by itself",
            Self::CreateNamespace => "helm creates the namespace if it is missing",
            Self::TestAfter => "a second step: helm test, if the first ends well",
            Self::KeepHistory => "the revisions stay readable after the uninstall",
        }
    }

    /// The switch behind it; `None` for what is no switch.
    pub(super) fn flag(self, request: &PlanRequest) -> Option<bool> {
        let options = &request.options;
        match self {
            Self::Revision | Self::Timeout => None,
            Self::Wait => Some(options.wait),
            Self::RollbackOnFailure => Some(options.rollback_on_failure),
            Self::CreateNamespace => Some(options.create_namespace),
            Self::TestAfter => Some(options.test_after),
            Self::KeepHistory => Some(options.keep_history),
        }
    }

    /// Its value in words.
    pub(super) fn value(self, request: &PlanRequest) -> String {
        match (self, self.flag(request)) {
            (_, Some(on)) => if on { "yes" } else { "no" }.to_owned(),
            (Self::Revision, None) => {
                request.revision.map_or_else(|| "the one before".to_owned(), |revision| revision.to_string())
            }
            (_, None) => text::duration(request.options.timeout.as_secs()),
        }
    }

    /// Flips a switch; `false` for what is no switch.
    pub(super) fn toggle(self, request: &mut PlanRequest) -> bool {
        let options = &mut request.options;
        let flag = match self {
            Self::Revision | Self::Timeout => return false,
            Self::Wait => &mut options.wait,
            Self::RollbackOnFailure => &mut options.rollback_on_failure,
            Self::CreateNamespace => &mut options.create_namespace,
            Self::TestAfter => &mut options.test_after,
            Self::KeepHistory => &mut options.keep_history,
        };
        *flag = !*flag;
        true
    }

    /// One step up or down; `false` when nothing changed.
    pub(super) fn step(self, request: &mut PlanRequest, up: bool) -> bool {
        match (self, self.flag(request)) {
            (_, Some(on)) => on != up && self.toggle(request),
            (Self::Timeout, None) => {
                let now = request.options.timeout.as_secs();
                let next = if up {
                    TIMEOUTS.iter().find(|seconds| **seconds > now)
                } else {
                    TIMEOUTS.iter().rev().find(|seconds| **seconds < now)
                };
                if let Some(seconds) = next {
                    request.options.timeout = Duration::from_secs(*seconds);
                }
                next.is_some()
            }
            _ => false,
        }
    }
}

/// Reads a time-out as it is typed: `90s`, `10m`, `1h30m`, or seconds alone.
pub(super) fn parse_timeout(text: &str) -> Result<Duration, Error> {
    let wrong = || {
        Error::new(format!("\"{}\" is no time-out", text.trim()))
            .next("write it as 90s, 10m or 1h30m, up to 24h")
    };
    let text = text.trim();
    let duration = if let Ok(seconds) = text.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let parsed: jiff::SignedDuration = text.parse().map_err(|_| wrong())?;
        Duration::try_from(parsed).map_err(|_| wrong())?
    };
    let whole = Duration::from_secs(duration.as_secs());
    if whole.is_zero() || whole > LONGEST || whole != duration { Err(wrong()) } else { Ok(whole) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::helm::ReleaseRef;

    fn request(verb: Verb) -> PlanRequest {
        let release =
            ReleaseRef { context: "c".to_owned(), namespace: "n".to_owned(), release: "r".to_owned() };
        PlanRequest::new(verb, release)
    }

    #[test]
    fn time_outs_are_read_as_people_write_them() {
        for (text, seconds) in [("90s", 90), (" 10m ", 600), ("1h30m", 5_400), ("45", 45), ("24h", 86_400)] {
            assert_eq!(parse_timeout(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        for text in ["", "0", "soon", "-5m", "25h", "500ms", "1.5s"] {
            assert!(parse_timeout(text).is_err(), "{text}");
        }
    }

    #[test]
    fn steps_stop_at_the_ends_and_switches_flip() {
        let mut request = request(Verb::Install);
        assert!(Field::Timeout.step(&mut request, true));
        assert_eq!(Field::Timeout.value(&request), "15m00s");
        request.options.timeout = Duration::from_secs(61);
        assert!(Field::Timeout.step(&mut request, false));
        assert_eq!(request.options.timeout.as_secs(), 60);
        assert!(!Field::Timeout.step(&mut request, false));
        for field in Field::of(Verb::Install).iter().filter(|field| **field != Field::Timeout) {
            let before = field.flag(&request);
            assert!(field.toggle(&mut request));
            assert_ne!(field.flag(&request), before);
            assert!(!field.step(&mut request, before == Some(false)), "already there");
        }
    }

    #[test]
    fn every_verb_has_the_fields_that_mean_something_to_it() {
        assert!(!Field::of(Verb::Test).contains(&Field::Wait));
        assert!(Field::of(Verb::Install).contains(&Field::CreateNamespace));
        assert!(!Field::of(Verb::Upgrade).contains(&Field::CreateNamespace));
        assert!(Field::of(Verb::Rollback).contains(&Field::Revision));
        assert!(Field::of(Verb::Uninstall).contains(&Field::KeepHistory));
    }
}

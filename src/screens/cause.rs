//! A root cause in the lines there are: names give way before the reason does, because the reason is what is read.

use std::borrow::Cow;

use crate::ui::text::{self, Cut};

/// Cells that a shortened step keeps: the kind and enough of a name to tell it from its neighbours.
const STEP: usize = 24;

/// `Deployment web › Pod web-1 › container web: CrashLoopBackOff`, wrapped to at most `lines` lines of `room` cells.
/// Steps are shortened in their middles, then left out between the first and the last,
/// then all but the last; then the end is cut.
pub(super) fn cause_in(
    path: &[String],
    reason: &str,
    room: usize,
    lines: usize,
    ellipsis: &str,
) -> Vec<String> {
    let joined = |steps: &[Cow<str>]| format!("{}: {reason}", steps.join(" › "));
    let whole: Vec<Cow<str>> = path.iter().map(|step| Cow::from(step.as_str())).collect();
    let cut = |step: usize| -> Vec<Cow<str>> {
        path.iter().map(|name| text::elide(name, step, Cut::Middle, ellipsis)).collect()
    };
    let shorter = cut(STEP);
    let ends: Vec<Cow<str>> = match shorter.as_slice() {
        [first, _, .., last] => vec![first.clone(), Cow::from(ellipsis), last.clone()],
        few => few.to_vec(),
    };
    let last = ends[ends.len().saturating_sub(1)..].to_vec();
    let gentle = (STEP..STEP * 2).rev().step_by(4).map(cut);
    for steps in std::iter::once(whole).chain(gentle).chain([shorter, ends, last.clone()]) {
        let wrapped = text::wrap(&joined(&steps), room);
        if wrapped.len() <= lines {
            return wrapped;
        }
    }
    let words = joined(&last);
    if lines <= 1 {
        return vec![text::elide(&words, room, Cut::End, ellipsis).into_owned()];
    }
    let mut wrapped = text::wrap(&words, room);
    wrapped.truncate(lines);
    if let Some(last) = wrapped.last_mut() {
        *last = text::elide(&format!("{last}{ellipsis}"), room, Cut::End, ellipsis).into_owned();
    }
    wrapped
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path() -> Vec<String> {
        [
            "Deployment floe-platform-dagster-webserver",
            "Pod floe-platform-dagster-webserver-5f5f5854cf-pq5f7",
            "container dagster-webserver",
        ]
        .map(str::to_owned)
        .to_vec()
    }

    #[test]
    fn the_reason_stays_where_names_do_not_fit() {
        for (room, lines) in [(200, 1), (69, 2), (69, 3), (69, 1), (40, 2)] {
            let shown = cause_in(&path(), "CrashLoopBackOff, 3 restarts", room, lines, "…");
            assert!(shown.len() <= lines, "{shown:?}");
            assert!(shown.iter().all(|line| text::width(line) <= room), "{shown:?}");
            assert!(shown.join(" ").contains("CrashLoopBackOff"), "{room}x{lines}: {shown:?}");
        }
    }

    #[test]
    fn what_fits_is_whole() {
        let shown = cause_in(&path(), "CrashLoopBackOff", 200, 1, "…");
        assert_eq!(shown, [format!("{}: CrashLoopBackOff", path().join(" › "))]);
    }
}

//! How times and durations read: relative in lists, absolute with their zone in details.

use jiff::{Timestamp, tz::TimeZone};

/// An age in one unit, as in `kubectl`: `12s`, `3m`, `5h`, `12d`, `2y`. A time to come counts as `0s`.
pub fn relative(then: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second().saturating_sub(then.as_second()).max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        86_400..63_072_000 => format!("{}d", seconds / 86_400),
        _ => format!("{}y", seconds / 31_536_000),
    }
}

/// How long something took or has been taking, in two units at most: `850ms`, `12s`, `2m05s`, `1h03m`, `40d01h`.
pub fn duration(duration: std::time::Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => format!("{}ms", duration.as_millis()),
        1..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..172_800 => format!("{}h{:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// Date, time and zone of this machine: `2026-11-21 11:03:55 UTC`.
pub fn absolute(then: Timestamp) -> String {
    absolute_in(then, TimeZone::system())
}

/// As [`absolute`], in a given zone.
pub fn absolute_in(then: Timestamp, zone: TimeZone) -> String {
    then.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// Reads an RFC 3339 time as Kubernetes and helm write it; `None` for anything else.
pub fn parse(text: &str) -> Option<Timestamp> {
    text.parse().ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn ages() {
        let now = parse("2026-11-21T11:00:00Z").unwrap();
        let age = |text| relative(parse(text).unwrap(), now);
        assert_eq!(age("2026-11-21T10:59:48Z"), "12s");
        assert_eq!(age("2026-11-21T10:56:30Z"), "3m");
        assert_eq!(age("2026-11-19T11:00:00Z"), "2d");
        assert_eq!(age("2023-11-19T11:00:00Z"), "3y");
        assert_eq!(age("2026-11-21T12:00:00Z"), "0s");
    }

    #[test]
    fn durations_and_dates() {
        assert_eq!(duration(Duration::from_millis(850)), "850ms");
        assert_eq!(duration(Duration::from_secs(125)), "2m05s");
        assert_eq!(duration(Duration::from_mins(63)), "1h03m");
        assert_eq!(duration(Duration::from_hours(961)), "40d01h");
        let then = parse("2026-11-21T11:03:55.5Z").unwrap();
        assert_eq!(absolute_in(then, TimeZone::UTC), "2026-11-21 11:03:55 UTC");
    }
}

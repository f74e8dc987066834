//! Go's way to write times: a layout is an example, the moment of 2006-01-02 15:04:05 MST written as wanted. And Go's
//! durations: `1h2m3.5s`.

use std::fmt::Write as _;

use jiff::Zoned;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// What a piece of a layout stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    LongMonth,
    Month,
    NumMonth,
    ZeroMonth,
    LongWeekday,
    Weekday,
    Day,
    UnderDay,
    ZeroDay,
    UnderYearDay,
    ZeroYearDay,
    Hour,
    Hour12,
    ZeroHour12,
    Minute,
    ZeroMinute,
    Second,
    ZeroSecond,
    LongYear,
    Year,
    Pm,
    LowerPm,
    Zone,
    /// Offset: with colon, with seconds, hours only, `Z` for UTC.
    Offset {
        colon: bool,
        seconds: bool,
        short: bool,
        z: bool,
    },
    /// Fraction of a second with its separator: digits, and whether zeros at the end go.
    Fraction {
        separator: char,
        digits: usize,
        trimmed: bool,
    },
}

/// Longer examples first where one begins another.
const PIECES: &[(&str, Piece)] = &[
    ("January", Piece::LongMonth),
    ("Jan", Piece::Month),
    ("Monday", Piece::LongWeekday),
    ("Mon", Piece::Weekday),
    ("MST", Piece::Zone),
    ("2006", Piece::LongYear),
    ("__2", Piece::UnderYearDay),
    ("_2006", Piece::UnderDay),
    ("_2", Piece::UnderDay),
    ("002", Piece::ZeroYearDay),
    ("01", Piece::ZeroMonth),
    ("02", Piece::ZeroDay),
    ("03", Piece::ZeroHour12),
    ("04", Piece::ZeroMinute),
    ("05", Piece::ZeroSecond),
    ("06", Piece::Year),
    ("15", Piece::Hour),
    ("1", Piece::NumMonth),
    ("2", Piece::Day),
    ("3", Piece::Hour12),
    ("4", Piece::Minute),
    ("5", Piece::Second),
    ("PM", Piece::Pm),
    ("pm", Piece::LowerPm),
    ("-07:00:00", Piece::Offset { colon: true, seconds: true, short: false, z: false }),
    ("-070000", Piece::Offset { colon: false, seconds: true, short: false, z: false }),
    ("-07:00", Piece::Offset { colon: true, seconds: false, short: false, z: false }),
    ("-0700", Piece::Offset { colon: false, seconds: false, short: false, z: false }),
    ("-07", Piece::Offset { colon: false, seconds: false, short: true, z: false }),
    ("Z07:00:00", Piece::Offset { colon: true, seconds: true, short: false, z: true }),
    ("Z070000", Piece::Offset { colon: false, seconds: true, short: false, z: true }),
    ("Z07:00", Piece::Offset { colon: true, seconds: false, short: false, z: true }),
    ("Z0700", Piece::Offset { colon: false, seconds: false, short: false, z: true }),
    ("Z07", Piece::Offset { colon: false, seconds: false, short: true, z: true }),
];

/// The first piece of a layout: the text before it, the piece, the rest.
fn next(layout: &str) -> Option<(&str, Piece, &str)> {
    layout.char_indices().find_map(|(at, c)| {
        let (before, rest) = layout.split_at(at);
        if matches!(c, '.' | ',') {
            let digit = rest.chars().nth(1).filter(|c| matches!(c, '0' | '9'))?;
            let digits = rest.chars().skip(1).take_while(|c| *c == digit).count();
            let after = rest.get(1 + digits..)?;
            if after.starts_with(|c: char| c.is_ascii_digit()) {
                return None;
            }
            return Some((before, Piece::Fraction { separator: c, digits, trimmed: digit == '9' }, after));
        }
        let (example, piece) = PIECES.iter().find(|(example, _)| rest.starts_with(example))?;
        // `Janet` is a name, no month.
        let after = rest.get(example.len()..)?;
        if *example == "Jan" && after.starts_with(|c: char| c.is_ascii_lowercase()) {
            return None;
        }
        // An underscore before the year is an underscore.
        if *example == "_2006" {
            return Some((layout.get(..=at)?, Piece::LongYear, after));
        }
        Some((before, *piece, after))
    })
}

/// A time in a layout.
pub(super) fn format(time: &Zoned, layout: &str) -> String {
    let mut out = String::with_capacity(layout.len() + 8);
    let mut rest = layout;
    while let Some((before, piece, after)) = next(rest) {
        out.push_str(before);
        write_piece(time, piece, &mut out);
        rest = after;
    }
    out.push_str(rest);
    out
}

fn write_piece(time: &Zoned, piece: Piece, out: &mut String) {
    let month =
        usize::try_from(time.month() - 1).ok().and_then(|at| MONTHS.get(at)).copied().unwrap_or_default();
    let weekday = usize::try_from(time.weekday().to_monday_zero_offset())
        .ok()
        .and_then(|at| DAYS.get(at))
        .copied()
        .unwrap_or_default();
    let short = |name: &'static str| name.get(..3).unwrap_or_default();
    let hour12 = match time.hour() % 12 {
        0 => 12,
        hour => hour,
    };
    // Writing to a String cannot fail.
    let _ = match piece {
        Piece::LongMonth => write!(out, "{month}"),
        Piece::Month => write!(out, "{}", short(month)),
        Piece::NumMonth => write!(out, "{}", time.month()),
        Piece::ZeroMonth => write!(out, "{:02}", time.month()),
        Piece::LongWeekday => write!(out, "{weekday}"),
        Piece::Weekday => write!(out, "{}", short(weekday)),
        Piece::Day => write!(out, "{}", time.day()),
        Piece::UnderDay => write!(out, "{:2}", time.day()),
        Piece::ZeroDay => write!(out, "{:02}", time.day()),
        Piece::UnderYearDay => write!(out, "{:3}", time.day_of_year()),
        Piece::ZeroYearDay => write!(out, "{:03}", time.day_of_year()),
        Piece::Hour => write!(out, "{:02}", time.hour()),
        Piece::Hour12 => write!(out, "{hour12}"),
        Piece::ZeroHour12 => write!(out, "{hour12:02}"),
        Piece::Minute => write!(out, "{}", time.minute()),
        Piece::ZeroMinute => write!(out, "{:02}", time.minute()),
        Piece::Second => write!(out, "{}", time.second()),
        Piece::ZeroSecond => write!(out, "{:02}", time.second()),
        Piece::LongYear => write!(out, "{:04}", time.year()),
        Piece::Year => write!(out, "{:02}", time.year().rem_euclid(100)),
        Piece::Pm => write!(out, "{}", if time.hour() >= 12 { "PM" } else { "AM" }),
        Piece::LowerPm => write!(out, "{}", if time.hour() >= 12 { "pm" } else { "am" }),
        Piece::Zone => write!(out, "{}", zone_name(time)),
        Piece::Offset { colon, seconds, short, z } => {
            write_offset(time.offset().seconds(), [colon, seconds, short, z], out);
            Ok(())
        }
        Piece::Fraction { separator, digits, trimmed } => {
            let all = format!("{:09}", time.subsec_nanosecond());
            let shown = all.get(..digits.min(9)).unwrap_or(&all);
            let shown = if trimmed { shown.trim_end_matches('0') } else { shown };
            if shown.is_empty() { Ok(()) } else { write!(out, "{separator}{shown}") }
        }
    };
}

fn zone_name(time: &Zoned) -> String {
    let info = time.time_zone().to_offset_info(time.timestamp());
    let name = info.abbreviation().to_owned();
    // Go knows fixed offsets by their numbers only.
    if name.starts_with(['+', '-']) {
        let mut out = String::new();
        let seconds = time.offset().seconds();
        let whole_hours = seconds % 3600 == 0;
        write_offset(seconds, [false, false, whole_hours, false], &mut out);
        return out;
    }
    name
}

fn write_offset(offset: i32, [colon, seconds, short, z]: [bool; 4], out: &mut String) {
    if z && offset == 0 {
        out.push('Z');
        return;
    }
    let (sign, size) = (if offset < 0 { '-' } else { '+' }, offset.unsigned_abs());
    let mut parts = vec![size / 3600];
    if !short {
        parts.push(size / 60 % 60);
    }
    if seconds {
        parts.push(size % 60);
    }
    let parts: Vec<String> = parts.iter().map(|part| format!("{part:02}")).collect();
    out.push(sign);
    out.push_str(&parts.join(if colon { ":" } else { "" }));
}

/// Reads a text written in a layout; a layout without a zone means the local one.
pub(super) fn parse(layout: &str, text: &str) -> Result<Zoned, String> {
    Parser { layout, text, ..Parser::default() }.run()
}

#[derive(Default)]
struct Parser<'a> {
    layout: &'a str,
    text: &'a str,
    year: Option<i16>,
    month: Option<i8>,
    day: Option<i8>,
    year_day: Option<i16>,
    hour: i8,
    minute: i8,
    second: i8,
    nanosecond: i32,
    afternoon: Option<bool>,
    offset: Option<i32>,
    utc: bool,
}

impl<'a> Parser<'a> {
    fn run(mut self) -> Result<Zoned, String> {
        let (layout, text) = (self.layout, self.text);
        let fault = |part: &str, rest: &str| {
            format!("parsing time {text:?} as {layout:?}: cannot parse {rest:?} as {part:?}")
        };
        let (mut pattern, mut rest) = (layout, text);
        while let Some((before, piece, after)) = next(pattern) {
            let example = pattern.get(before.len()..pattern.len() - after.len()).unwrap_or_default();
            rest = rest.strip_prefix(before).ok_or_else(|| fault(before, rest))?;
            rest = self.piece(piece, rest).ok_or_else(|| fault(example, rest))?;
            // Go takes a fraction after the seconds even where the layout has none.
            if matches!(piece, Piece::Second | Piece::ZeroSecond)
                && !matches!(next(after), Some(("", Piece::Fraction { .. }, _)))
                && let Some((nanosecond, after)) = fraction(rest)
            {
                (self.nanosecond, rest) = (nanosecond, after);
            }
            pattern = after;
        }
        rest = rest.strip_prefix(pattern).ok_or_else(|| fault(pattern, rest))?;
        if !rest.is_empty() {
            return Err(format!("parsing time {text:?}: extra text: {rest:?}"));
        }
        self.finish().ok_or_else(|| format!("parsing time {text:?}: value out of range"))
    }

    fn piece(&mut self, piece: Piece, text: &'a str) -> Option<&'a str> {
        let digits = |least, most| number(text, least, most);
        Some(match piece {
            Piece::LongMonth | Piece::Month => {
                let (at, rest) = named(text, &MONTHS, piece == Piece::Month)?;
                self.month = Some(i8::try_from(at).ok()? + 1);
                rest
            }
            Piece::LongWeekday | Piece::Weekday => named(text, &DAYS, piece == Piece::Weekday)?.1,
            Piece::NumMonth => self.store(digits(1, 2)?, |parser, n| parser.month = Some(n))?,
            Piece::ZeroMonth => self.store(digits(2, 2)?, |parser, n| parser.month = Some(n))?,
            Piece::Day => self.store(digits(1, 2)?, |parser, n| parser.day = Some(n))?,
            Piece::UnderDay => {
                let found = number(text.trim_start_matches(' '), 1, 2)?;
                self.store(found, |parser, n| parser.day = Some(n))?
            }
            Piece::ZeroDay => self.store(digits(2, 2)?, |parser, n| parser.day = Some(n))?,
            Piece::UnderYearDay | Piece::ZeroYearDay => {
                let (n, rest) = number(text.trim_start_matches(' '), 1, 3)?;
                self.year_day = Some(i16::try_from(n).ok()?);
                rest
            }
            Piece::Hour => self.store(digits(2, 2)?, |parser, n| parser.hour = n)?,
            Piece::Hour12 => self.store(digits(1, 2)?, |parser, n| parser.hour = n)?,
            Piece::ZeroHour12 => self.store(digits(2, 2)?, |parser, n| parser.hour = n)?,
            Piece::Minute => self.store(digits(1, 2)?, |parser, n| parser.minute = n)?,
            Piece::ZeroMinute => self.store(digits(2, 2)?, |parser, n| parser.minute = n)?,
            Piece::Second => self.store(digits(1, 2)?, |parser, n| parser.second = n)?,
            Piece::ZeroSecond => self.store(digits(2, 2)?, |parser, n| parser.second = n)?,
            Piece::LongYear => {
                let (n, rest) = digits(4, 4)?;
                self.year = Some(i16::try_from(n).ok()?);
                rest
            }
            Piece::Year => {
                let (n, rest) = digits(2, 2)?;
                self.year = Some(i16::try_from(if n >= 69 { 1900 + n } else { 2000 + n }).ok()?);
                rest
            }
            Piece::Pm | Piece::LowerPm => {
                let (word, rest) = text.split_at_checked(2)?;
                self.afternoon = Some(match (word, piece) {
                    ("PM", Piece::Pm) | ("pm", Piece::LowerPm) => true,
                    ("AM", Piece::Pm) | ("am", Piece::LowerPm) => false,
                    _ => return None,
                });
                rest
            }
            Piece::Zone => {
                let end = text.find(|c: char| !c.is_ascii_uppercase()).unwrap_or(text.len());
                self.utc |= text.get(..end)? == "UTC";
                text.get(end.max(3)..)?
            }
            Piece::Offset { colon, seconds, short, z } => self.offset(text, [colon, seconds, short, z])?,
            Piece::Fraction { digits, trimmed, .. } => match fraction(text) {
                Some((nanosecond, rest)) if trimmed || text.len() - rest.len() == digits + 1 => {
                    self.nanosecond = nanosecond;
                    rest
                }
                _ if trimmed => text,
                _ => return None,
            },
        })
    }

    fn store(&mut self, (n, rest): (i32, &'a str), set: impl Fn(&mut Self, i8)) -> Option<&'a str> {
        set(self, i8::try_from(n).ok()?);
        Some(rest)
    }

    fn offset(&mut self, text: &'a str, [colon, seconds, short, z]: [bool; 4]) -> Option<&'a str> {
        if z && let Some(rest) = text.strip_prefix('Z') {
            self.utc = true;
            return Some(rest);
        }
        let sign = match text.chars().next()? {
            '+' => 1,
            '-' => -1,
            _ => return None,
        };
        let (hours, mut rest) = number(text.get(1..)?, 2, 2)?;
        let mut offset = hours * 3600;
        for unit in [60, 1].into_iter().take(usize::from(!short) + usize::from(seconds)) {
            if colon {
                rest = rest.strip_prefix(':')?;
            }
            let (n, after) = number(rest, 2, 2)?;
            offset += n * unit;
            rest = after;
        }
        self.offset = Some(sign * offset);
        Some(rest)
    }

    fn finish(self) -> Option<Zoned> {
        let hour = match self.afternoon {
            Some(true) if self.hour < 12 => self.hour + 12,
            Some(false) if self.hour == 12 => 0,
            _ => self.hour,
        };
        let time = Time::new(hour, self.minute, self.second, self.nanosecond).ok()?;
        let year = self.year.unwrap_or(0);
        let date = match self.year_day {
            Some(day) => Date::new(year, 1, 1).ok()?.with().day_of_year(day).build().ok()?,
            None => Date::new(year, self.month.unwrap_or(1), self.day.unwrap_or(1)).ok()?,
        };
        let zone = match self.offset {
            Some(seconds) => TimeZone::fixed(Offset::from_seconds(seconds).ok()?),
            None if self.utc => TimeZone::UTC,
            None => TimeZone::system(),
        };
        DateTime::from_parts(date, time).to_zoned(zone).ok()
    }
}

fn number(text: &str, least: usize, most: usize) -> Option<(i32, &str)> {
    let digits = text.bytes().take(most).take_while(u8::is_ascii_digit).count();
    if digits < least {
        return None;
    }
    let (number, rest) = text.split_at(digits);
    Some((number.parse().ok()?, rest))
}

fn named<'a>(text: &'a str, names: &[&str], short: bool) -> Option<(usize, &'a str)> {
    names.iter().enumerate().find_map(|(at, name)| {
        let name = if short { name.get(..3)? } else { name };
        let head = text.get(..name.len())?;
        head.eq_ignore_ascii_case(name).then(|| (at, text.get(name.len()..).unwrap_or_default()))
    })
}

/// A dot or comma and digits: nanoseconds.
fn fraction(text: &str) -> Option<(i32, &str)> {
    let digits = text.strip_prefix(['.', ','])?;
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    let (shown, rest) = digits.split_at(count);
    let nine: String = shown.chars().chain("000000000".chars()).take(9).collect();
    (count > 0).then_some((nine.parse().ok()?, rest))
}

/// Go's `time.ParseDuration`, in nanoseconds.
pub(super) fn parse_duration(text: &str) -> Result<i64, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    let (negative, mut rest) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(invalid());
    }
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (digits, after) = rest.split_at(end);
        let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
        if whole.is_empty() && places.is_empty() || places.contains('.') {
            return Err(invalid());
        }
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let size: i128 = match unit {
            "ns" => 1,
            "us" | "µs" | "μs" => 1_000,
            "ms" => 1_000_000,
            "s" => 1_000_000_000,
            "m" => 60_000_000_000,
            "h" => 3_600_000_000_000,
            "" => return Err(format!("time: missing unit in duration {text:?}")),
            unit => return Err(format!("time: unknown unit {unit:?} in duration {text:?}")),
        };
        let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| invalid())? };
        let places = places.get(..places.len().min(18)).unwrap_or_default();
        let scale = 10_i128.pow(u32::try_from(places.len()).unwrap_or(0));
        let part: i128 = if places.is_empty() { 0 } else { places.parse().map_err(|_| invalid())? };
        total = whole
            .checked_mul(size)
            .and_then(|whole| total.checked_add(whole))
            .map(|total| total + part * size / scale)
            .ok_or_else(invalid)?;
        rest = after;
    }
    i64::try_from(if negative { -total } else { total }).map_err(|_| invalid())
}

/// Go's `Duration.String`.
pub(super) fn format_duration(nanoseconds: i64) -> String {
    let size = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let decimal = |size: u64, unit: u64| {
        let width = unit.ilog10() as usize;
        let places = format!("{:0width$}", size % unit);
        let places = places.trim_end_matches('0');
        if unit == 1 || places.is_empty() {
            format!("{}", size / unit)
        } else {
            format!("{}.{places}", size / unit)
        }
    };
    let body = match size {
        0 => return "0s".to_owned(),
        size if size < 1_000 => format!("{size}ns"),
        size if size < 1_000_000 => format!("{}µs", decimal(size, 1_000)),
        size if size < 1_000_000_000 => format!("{}ms", decimal(size, 1_000_000)),
        size => {
            let minutes = size / 60_000_000_000;
            let seconds = decimal(size % 60_000_000_000, 1_000_000_000);
            match (minutes / 60, minutes % 60) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            }
        }
    };
    format!("{sign}{body}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn times_by_example() {
        let time: Zoned = "2026-03-05T09:07:08.12-05:00[America/New_York]".parse().unwrap();
        for (layout, text) in [
            ("2006-01-02T15:04:05Z07:00", "2026-03-05T09:07:08-05:00"),
            ("Mon Jan _2 3:4:5PM 06 MST", "Thu Mar  5 9:7:8AM 26 EST"),
            ("Monday, January 2 002 .000 .999", "Thursday, March 5 064 .120 .12"),
            ("20060102150405 -0700 -07", "20260305090708 -0500 -05"),
            ("_2006 Janet", "_2026 Janet"),
        ] {
            assert_eq!(format(&time, layout), text);
        }
        let back = parse("2006-01-02 15:04:05 -0700", "2026-03-05 09:07:08.12 -0500").unwrap();
        assert_eq!(back.timestamp(), time.timestamp());
        assert_eq!(
            parse("2006-01-02", "yesterday").unwrap_err(),
            r#"parsing time "yesterday" as "2006-01-02": cannot parse "yesterday" as "2006""#
        );
    }

    #[test]
    fn durations() {
        for (text, nanoseconds, shown) in [
            ("1h30m", 5_400_000_000_000, "1h30m0s"),
            ("-1.5s", -1_500_000_000, "-1.5s"),
            ("2m3.25s", 123_250_000_000, "2m3.25s"),
            ("1500us", 1_500_000, "1.5ms"),
            ("0", 0, "0s"),
        ] {
            assert_eq!(parse_duration(text), Ok(nanoseconds));
            assert_eq!(format_duration(nanoseconds), shown);
        }
        assert_eq!(parse_duration("3").unwrap_err(), "time: missing unit in duration \"3\"");
    }
}

//! sprig's dates: Go's `time.Time`, durations and zones. The clock stands still during a session.

use std::any::Any as StdAny;
use std::borrow::Cow;
use std::rc::Rc;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, Zoned};

use super::{Called, args_error, layout};
use crate::render::encode::toml::Clock;
use crate::render::template::Context;
use crate::render::template::function::{FnError, Function, Type};
use crate::render::template::value::{Object, Value};

use Type::{Any, Str as Text};

/// Go's `time.Time`, and what it is in TOML.
#[derive(Clone)]
struct GoTime(Zoned, Clock);

const TIME: Type = Type::Object("time.Time");

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("now", &[], |context, _| {
        let now = context.now();
        Ok(made(now.to_zoned(TimeZone::system())))
    }),
    Function::new("date", &[Text, Any], |context, args| match args {
        [Value::Str(layout), date] => Ok(in_zone(context, &layout.text(), date, "Local")),
        _ => Err(args_error()),
    }),
    Function::new("dateInZone", &[Text, Any, Text], date_in_zone),
    Function::new("date_in_zone", &[Text, Any, Text], date_in_zone),
    Function::new("htmlDate", &[Any], |context, args| match args {
        [date] => Ok(in_zone(context, "2006-01-02", date, "Local")),
        _ => Err(args_error()),
    }),
    Function::new("htmlDateInZone", &[Any, Text], |context, args| match args {
        [date, Value::Str(zone)] => Ok(in_zone(context, "2006-01-02", date, &zone.text())),
        _ => Err(args_error()),
    }),
    Function::new("dateModify", &[Text, TIME], |_, args| modified(args).or_else(|_| unmodified(args))),
    Function::new("date_modify", &[Text, TIME], |_, args| modified(args).or_else(|_| unmodified(args))),
    Function::new("mustDateModify", &[Text, TIME], |_, args| modified(args)),
    Function::new("must_date_modify", &[Text, TIME], |_, args| modified(args)),
    Function::new("toDate", &[Text, Text], |_, args| to_date(args).or_else(|_| Ok(made(zero())))),
    Function::new("mustToDate", &[Text, Text], |_, args| to_date(args)),
    Function::new("unixEpoch", &[TIME], |_, args| {
        Ok(Value::from(time(args.first())?.timestamp().as_second().to_string()))
    }),
    Function::new("ago", &[Any], ago),
    Function::new("duration", &[Any], duration),
    Function::new("durationRound", &[Any], duration_round),
];

const METHODS: &[Function] = &[
    Function::new("Format", &[Text], |_, args| match args {
        [this, Value::Str(layout)] => Ok(Value::from(layout::format(time(Some(this))?, &layout.text()))),
        _ => Err(args_error()),
    }),
    Function::new("Unix", &[], |_, args| Ok(Value::Int64(time(args.first())?.timestamp().as_second()))),
    Function::new("UnixNano", &[], |_, args| {
        let nanoseconds = time(args.first())?.timestamp().as_nanosecond();
        Ok(Value::Int64(i64::try_from(nanoseconds).unwrap_or(i64::MAX)))
    }),
    Function::new("Year", &[], |_, args| Ok(Value::Int(i64::from(time(args.first())?.year())))),
    Function::new("Day", &[], |_, args| Ok(Value::Int(i64::from(time(args.first())?.day())))),
    Function::new("Hour", &[], |_, args| Ok(Value::Int(i64::from(time(args.first())?.hour())))),
    Function::new("Minute", &[], |_, args| Ok(Value::Int(i64::from(time(args.first())?.minute())))),
    Function::new("Second", &[], |_, args| Ok(Value::Int(i64::from(time(args.first())?.second())))),
    Function::new("YearDay", &[], |_, args| Ok(Value::Int(i64::from(time(args.first())?.day_of_year())))),
    Function::new("UTC", &[], |_, args| Ok(made(time(args.first())?.with_time_zone(TimeZone::UTC)))),
    Function::new("Local", &[], |_, args| Ok(made(time(args.first())?.with_time_zone(TimeZone::system())))),
];

impl Object for GoTime {
    fn go_type(&self) -> Cow<'static, str> {
        "time.Time".into()
    }

    fn field(&self, _: &[u8]) -> Option<Value> {
        None
    }

    fn method(&self, name: &[u8]) -> Option<&'static Function> {
        METHODS.iter().find(|method| method.name.as_bytes() == name)
    }

    fn string(&self) -> Option<String> {
        let zone = match self.1 {
            Clock::Absolute => {
                return Some(layout::format(&self.0, "2006-01-02 15:04:05.999999999 -0700 MST"));
            }
            Clock::LocalDateTime => "datetime-local",
            Clock::LocalDate => "date-local",
            Clock::LocalTime => "time-local",
        };
        Some(format!("{} {zone}", layout::format(&self.0, "2006-01-02 15:04:05.999999999 -0700")))
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    fn plain(&self) -> Value {
        Value::from(layout::format(&self.0, "2006-01-02T15:04:05.999999999Z07:00"))
    }

    fn json_fields(&self) -> Option<Vec<(&'static str, Value)>> {
        None
    }

    fn toml(&self) -> Option<String> {
        let layout = match self.1 {
            Clock::Absolute => "2006-01-02T15:04:05.999999999Z07:00",
            Clock::LocalDateTime => "2006-01-02T15:04:05.999999999",
            Clock::LocalDate => "2006-01-02",
            Clock::LocalTime => "15:04:05.999999999",
        };
        Some(layout::format(&self.0, layout))
    }

    fn equals(&self, other: &dyn Object) -> bool {
        other.as_any().downcast_ref::<Self>().is_some_and(|other| self.0 == other.0)
    }

    fn as_any(&self) -> &dyn StdAny {
        self
    }
}

fn made(time: Zoned) -> Value {
    Value::Object(Rc::new(GoTime(time, Clock::Absolute)))
}

/// A time that TOML holds; one without an offset is of this machine's zone.
pub(super) fn of_toml(at: DateTime, offset: i32, clock: Clock) -> Value {
    let zone = match clock {
        Clock::Absolute if offset == 0 => TimeZone::UTC,
        Clock::Absolute => TimeZone::fixed(Offset::from_seconds(offset).unwrap_or(Offset::UTC)),
        _ => TimeZone::fixed(TimeZone::system().to_offset(Timestamp::now())),
    };
    let time = at.to_zoned(zone).unwrap_or_default();
    Value::Object(Rc::new(GoTime(time, clock)))
}

fn time(value: Option<&Value>) -> Result<&Zoned, FnError> {
    value.and_then(Value::as_object::<GoTime>).map(|time| &time.0).ok_or_else(args_error)
}

/// Go's zero time.
fn zero() -> Zoned {
    jiff::civil::date(1, 1, 1).to_zoned(TimeZone::UTC).unwrap_or_default()
}

/// What sprig takes for a date: a time, seconds since 1970, and for anything else the clock.
fn date_of(context: &mut Context, value: &Value) -> Zoned {
    let seconds = match value {
        Value::Int(seconds) | Value::Int64(seconds) => Some(*seconds),
        _ => None,
    };
    match (value.as_object::<GoTime>(), seconds) {
        (Some(time), _) => time.0.clone(),
        (None, Some(seconds)) => Timestamp::from_second(seconds).unwrap_or_default().to_zoned(TimeZone::UTC),
        (None, None) => context.now().to_zoned(TimeZone::UTC),
    }
}

fn in_zone(context: &mut Context, layout: &str, date: &Value, zone: &str) -> Value {
    let zone = match zone {
        "Local" => TimeZone::system(),
        // A zone that nobody knows is UTC, for sprig as here.
        name => TimeZone::get(name).unwrap_or(TimeZone::UTC),
    };
    let date = date_of(context, date).with_time_zone(zone);
    Value::from(layout::format(&date, layout))
}

fn date_in_zone(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(layout), date, Value::Str(zone)] = args else { return Err(args_error()) };
    Ok(in_zone(context, &layout.text(), date, &zone.text()))
}

fn modified(args: &[Value]) -> Called {
    let [Value::Str(by), date] = args else { return Err(args_error()) };
    let nanoseconds = layout::parse_duration(&by.text())?;
    let date = time(Some(date))?;
    date.checked_add(SignedDuration::from_nanos(nanoseconds))
        .map(made)
        .map_err(|error| error.to_string().into())
}

fn unmodified(args: &[Value]) -> Called {
    args.get(1).cloned().ok_or_else(args_error)
}

fn to_date(args: &[Value]) -> Called {
    let [Value::Str(layout), Value::Str(text)] = args else { return Err(args_error()) };
    Ok(made(layout::parse(&layout.text(), &text.text())?))
}

fn ago(context: &mut Context, args: &[Value]) -> Called {
    let [date] = args else { return Err(args_error()) };
    let (date, now) = (date_of(context, date), context.now());
    let nanoseconds = now.as_nanosecond() - date.timestamp().as_nanosecond();
    let seconds = (nanoseconds + 500_000_000 * nanoseconds.signum()) / 1_000_000_000;
    Ok(Value::from(layout::format_duration(i64::try_from(seconds * 1_000_000_000).unwrap_or(i64::MAX))))
}

fn duration(_: &mut Context, args: &[Value]) -> Called {
    let seconds: i64 = match args {
        [Value::Int64(seconds)] => *seconds,
        [Value::Str(text)] => text.text().parse().unwrap_or(0),
        _ => 0,
    };
    Ok(Value::from(layout::format_duration(seconds.wrapping_mul(1_000_000_000))))
}

const SECOND: u64 = 1_000_000_000;

fn duration_round(context: &mut Context, args: &[Value]) -> Called {
    let nanoseconds = match args {
        [Value::Int64(nanoseconds)] => *nanoseconds,
        [Value::Str(text)] => layout::parse_duration(&text.text()).unwrap_or(0),
        [date] if date.as_object::<GoTime>().is_some() => {
            let (date, now) = (date_of(context, date), context.now());
            i64::try_from(now.as_nanosecond() - date.timestamp().as_nanosecond()).unwrap_or(i64::MAX)
        }
        _ => 0,
    };
    let size = nanoseconds.unsigned_abs();
    let units = [
        ("y", 365 * 86_400 * SECOND),
        ("mo", 30 * 86_400 * SECOND),
        ("d", 86_400 * SECOND),
        ("h", 3_600 * SECOND),
        ("m", 60 * SECOND),
        ("s", SECOND),
    ];
    let found = units.iter().find(|(_, unit)| size > *unit);
    Ok(Value::from(found.map_or_else(|| "0s".to_owned(), |(name, unit)| format!("{}{name}", size / unit))))
}

//! sprig's arithmetic: `int64` where Go has integers, decimals with sixteen places of a quotient where it has floats.

use super::cast::{float, integer};
use super::{Called, args_error};
use crate::render::template::Context;
use crate::render::template::function::{FnError, Function, Type};
use crate::render::template::value::{List, ListKind, Value};

use Type::{Any, Float, Int};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("add", &[], |_, args| Ok(folded(Some(0), args, i64::wrapping_add))).rest(Any),
    Function::new("add1", &[Any], |_, args| Ok(folded(Some(1), args, i64::wrapping_add))),
    Function::new("sub", &[Any, Any], |_, args| Ok(folded(None, args, i64::wrapping_sub))),
    Function::new("mul", &[Any], |_, args| Ok(folded(None, args, i64::wrapping_mul))).rest(Any),
    Function::new("div", &[Any, Any], |_, args| divided(args, i64::wrapping_div)),
    Function::new("mod", &[Any, Any], |_, args| divided(args, i64::wrapping_rem)),
    Function::new("max", &[Any], |_, args| Ok(folded(None, args, i64::max))).rest(Any),
    Function::new("biggest", &[Any], |_, args| Ok(folded(None, args, i64::max))).rest(Any),
    Function::new("min", &[Any], |_, args| Ok(folded(None, args, i64::min))).rest(Any),
    Function::new("addf", &[], |_, args| decimal(Some(0.0), args, Decimal::plus)).rest(Any),
    Function::new("add1f", &[Any], |_, args| decimal(Some(1.0), args, Decimal::plus)),
    Function::new("subf", &[Any], |_, args| decimal(None, args, Decimal::minus)).rest(Any),
    Function::new("mulf", &[Any], |_, args| decimal(None, args, Decimal::times)).rest(Any),
    Function::new("divf", &[Any], |_, args| match args {
        [_, divisors @ ..] if divisors.iter().any(|divisor| float(divisor) == 0.0) => {
            Err("decimal division by 0".into())
        }
        args => decimal(None, args, Decimal::over),
    })
    .rest(Any),
    Function::new("maxf", &[Any], |_, args| Ok(foldedf(args, maximum))).rest(Any),
    Function::new("minf", &[Any], |_, args| Ok(foldedf(args, minimum))).rest(Any),
    Function::new("floor", &[Any], |_, args| one(args, f64::floor)),
    Function::new("ceil", &[Any], |_, args| one(args, f64::ceil)),
    Function::new("round", &[Any, Int], round).rest(Float),
    Function::new("until", &[Int], |context, args| match args {
        [Value::Int(stop)] => steps(context, 0, *stop, if *stop < 0 { -1 } else { 1 }).map(ints),
        _ => Err(args_error()),
    }),
    Function::new("untilStep", &[Int, Int, Int], |context, args| match args {
        [Value::Int(start), Value::Int(stop), Value::Int(step)] => {
            steps(context, *start, *stop, *step).map(ints)
        }
        _ => Err(args_error()),
    }),
    Function::new("seq", &[], seq).rest(Int),
];

fn folded(first: Option<i64>, args: &[Value], join: fn(i64, i64) -> i64) -> Value {
    let numbers = first.into_iter().chain(args.iter().map(integer));
    Value::Int64(numbers.reduce(join).unwrap_or(0))
}

fn divided(args: &[Value], divide: fn(i64, i64) -> i64) -> Called {
    let [a, b] = args else { return Err(args_error()) };
    match integer(b) {
        0 => Err("runtime error: integer divide by zero".into()),
        divisor => Ok(Value::Int64(divide(integer(a), divisor))),
    }
}

fn foldedf(args: &[Value], join: fn(f64, f64) -> f64) -> Value {
    Value::Float(args.iter().map(float).reduce(join).unwrap_or(0.0))
}

/// Go's `math.Max`: what is no number stays so.
fn maximum(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

fn minimum(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

fn one(args: &[Value], change: fn(f64) -> f64) -> Called {
    let [number] = args else { return Err(args_error()) };
    Ok(Value::Float(change(float(number))))
}

#[allow(clippy::cast_possible_truncation, reason = "places beyond an i32 are infinite anyway")]
fn round(_: &mut Context, args: &[Value]) -> Called {
    let (number, places, on) = match args {
        [number, Value::Int(places)] => (number, *places, 0.5),
        [number, Value::Int(places), Value::Float(on), ..] => (number, *places, *on),
        _ => return Err(args_error()),
    };
    let power = 10_f64.powi(places.clamp(-400, 400) as i32);
    let shifted = power * float(number);
    let rounded = if shifted.fract() >= on { shifted.ceil() } else { shifted.floor() };
    Ok(Value::Float(rounded / power))
}

/// From `start` to before `stop`; nothing where the step leads away from it.
fn steps(context: &mut Context, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, FnError> {
    let leads_away = if stop < start { step >= 0 } else { step <= 0 };
    if leads_away || start == stop {
        return Ok(Vec::new());
    }
    let count = start.abs_diff(stop).div_ceil(step.unsigned_abs());
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    context.charge(count.saturating_mul(size_of::<Value>()))?;
    Ok(std::iter::successors(Some(start), |n| n.checked_add(step)).take(count).collect())
}

fn ints(numbers: Vec<i64>) -> Value {
    let items = numbers.into_iter().map(Value::Int).collect();
    Value::List(List::new(ListKind::Ints, items).into())
}

fn seq(context: &mut Context, args: &[Value]) -> Called {
    let numbers: Vec<i64> = args.iter().filter_map(Value::as_int).collect();
    let (start, step, end) = match numbers[..] {
        [end] => (1, None, end),
        [start, end] => (start, None, end),
        [start, step, end] => (start, Some(step), end),
        _ => return Ok(Value::str("")),
    };
    let direction = if end < start { -1 } else { 1 };
    if end < start && step.is_some_and(|step| step > 0) {
        return Ok(Value::str(""));
    }
    let numbers = steps(context, start, end.saturating_add(direction), step.unwrap_or(direction))?;
    let words: Vec<String> = numbers.iter().map(i64::to_string).collect();
    Ok(Value::str(words.join(" ")))
}

/// A decimal number as sprig's library computes with: `digits` times ten to the power of `exponent`.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    exponent: i32,
}

/// What a number with more than 38 digits is told.
const TOO_LONG: &str = "the result has more digits than floe-tui computes with";

impl Decimal {
    /// The shortest decimal that reads as the float.
    fn of(number: f64) -> Option<Self> {
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let (whole, places) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let digits = format!("{whole}{places}").parse().ok()?;
        let exponent = exponent.parse::<i32>().ok()?.checked_sub(i32::try_from(places.len()).ok()?)?;
        Some(Self { digits, exponent })
    }

    fn to_float(self) -> f64 {
        format!("{}e{}", self.digits, self.exponent).parse().unwrap_or(0.0)
    }

    fn scaled(self, exponent: i32) -> Option<i128> {
        let power = u32::try_from(self.exponent.checked_sub(exponent)?).ok()?;
        self.digits.checked_mul(10_i128.checked_pow(power)?)
    }

    fn aligned(self, other: Self, join: fn(i128, i128) -> Option<i128>) -> Option<Self> {
        let exponent = self.exponent.min(other.exponent);
        Some(Self { digits: join(self.scaled(exponent)?, other.scaled(exponent)?)?, exponent })
    }

    fn plus(self, other: Self) -> Option<Self> {
        self.aligned(other, i128::checked_add)
    }

    fn minus(self, other: Self) -> Option<Self> {
        self.aligned(other, i128::checked_sub)
    }

    fn times(self, other: Self) -> Option<Self> {
        let digits = self.digits.checked_mul(other.digits)?;
        Some(Self { digits, exponent: self.exponent.checked_add(other.exponent)? })
    }

    /// To sixteen places, half away from zero.
    fn over(self, other: Self) -> Option<Self> {
        const PLACES: i32 = 16;
        // One digit more than is kept decides the rounding.
        let exponent = -(PLACES + 1);
        let dividend = Self { exponent: self.exponent.checked_sub(other.exponent)?, ..self };
        let quotient = if dividend.exponent >= exponent {
            dividend.scaled(exponent)?.checked_div(other.digits)?
        } else {
            let power = u32::try_from(exponent - dividend.exponent).ok()?;
            dividend.digits.checked_div(other.digits)?.checked_div(10_i128.checked_pow(power)?)?
        };
        let digits = (quotient + 5 * quotient.signum()) / 10;
        Some(Self { digits, exponent: -PLACES })
    }
}

fn decimal(first: Option<f64>, args: &[Value], join: fn(Decimal, Decimal) -> Option<Decimal>) -> Called {
    let mut numbers = first.into_iter().chain(args.iter().map(float));
    let Some(first) = numbers.next() else { return Err(args_error()) };
    let mut result = Decimal::of(first).ok_or(TOO_LONG)?;
    for number in numbers {
        let number = Decimal::of(number).ok_or(TOO_LONG)?;
        result = join(result, number).ok_or(TOO_LONG)?;
    }
    Ok(Value::Float(result.to_float()))
}

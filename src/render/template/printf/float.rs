//! Floats: Go's `strconv.FormatFloat`, and `fmt` around it.

use super::super::value::Value;
use super::Printer;

/// Go's `strconv.FormatFloat(value, verb, precision, 64)` for `e`, `E`, `f`, `g` and `G`; without a precision the
/// shortest text that reads back the same.
pub fn format(value: f64, verb: char, precision: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match verb {
        'e' | 'E' => {
            let text = match precision {
                Some(precision) => format!("{value:.precision$e}"),
                None => format!("{value:e}"),
            };
            exponent(&text, verb)
        }
        'f' => match precision {
            Some(precision) => format!("{value:.precision$}"),
            None => format!("{value}"),
        },
        _ => general(value, verb, precision),
    }
}

/// Rust writes `1.5e6` and `1e-7`, Go `1.5e+06` and `1e-07`.
fn exponent(text: &str, verb: char) -> String {
    let Some((mantissa, power)) = text.split_once('e') else { return text.to_owned() };
    let (sign, digits) = match power.strip_prefix('-') {
        Some(digits) => ('-', digits),
        None => ('+', power),
    };
    let e = if verb == 'E' || verb == 'G' { 'E' } else { 'e' };
    format!("{mantissa}{e}{sign}{digits:0>2}")
}

fn general(value: f64, verb: char, precision: Option<usize>) -> String {
    let shortest = precision.is_none();
    let significant = precision.unwrap_or(0).max(1);
    let scientific = match precision {
        None => format!("{value:e}"),
        Some(_) => format!("{value:.*e}", significant - 1),
    };
    let Some((mantissa, power)) = scientific.split_once('e') else { return scientific };
    let power: i32 = power.parse().unwrap_or_default();
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count();
    let trimmed = mantissa.trim_end_matches('0').trim_end_matches('.');
    let meaningful = trimmed.bytes().filter(u8::is_ascii_digit).count().max(1);
    // Go: the threshold is the precision, at least the digits before the point when those are all there are.
    let mut threshold = if shortest { 6 } else { i32::try_from(significant).unwrap_or(i32::MAX) };
    if !shortest {
        let count = i32::try_from(meaningful).unwrap_or(i32::MAX);
        if threshold > count && count > power {
            threshold = count;
        }
    }
    let _ = digits;
    if power < -4 || power >= threshold {
        let mantissa = if shortest { mantissa } else { trimmed_mantissa(mantissa) };
        return exponent(&format!("{mantissa}e{power}"), verb);
    }
    if shortest {
        return format!("{value}");
    }
    let after = usize::try_from(i32::try_from(significant).unwrap_or(i32::MAX) - 1 - power).unwrap_or(0);
    let text = format!("{value:.after$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

fn trimmed_mantissa(mantissa: &str) -> &str {
    if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa }
}

impl Printer<'_> {
    pub(super) fn float(&mut self, value: &Value, n: f64, verb: char) {
        let (format_verb, default) = match verb {
            'v' => ('g', None),
            'g' | 'G' => (verb, None),
            'f' | 'e' | 'E' => (verb, Some(6)),
            'F' => ('f', Some(6)),
            _ => return self.bad_verb(value, verb),
        };
        let precision = self.flags.precision.or(default);
        let mut text = format(n, format_verb, precision);
        if !text.starts_with(['+', '-']) {
            text.insert(0, '+');
        }
        if self.flags.space && text.starts_with('+') && !self.flags.plus {
            text.replace_range(..1, " ");
        }
        let flags = self.flags;
        if n.is_nan() || n.is_infinite() {
            if n.is_nan() && !flags.space && !flags.plus {
                text.remove(0);
            } else if n.is_infinite() && text.starts_with('+') && !flags.plus {
                // Go keeps the sign of infinity.
            }
            self.flags.zero = false;
            self.pad(text.as_bytes());
            self.flags.zero = flags.zero;
            return;
        }
        if flags.sharp {
            text = with_point(&text, verb, precision);
        }
        if flags.plus || !text.starts_with('+') {
            if let (true, false, Some(width)) = (flags.zero, flags.minus, flags.width)
                && width > text.len()
            {
                self.out.push(text.as_bytes()[0]);
                self.padding(width - text.len());
                self.out.extend_from_slice(&text.as_bytes()[1..]);
                return;
            }
            self.pad(text.as_bytes());
        } else {
            self.pad(&text.as_bytes()[1..]);
        }
    }
}

/// `%#g`: a decimal point always, trailing zeros kept.
fn with_point(text: &str, verb: char, precision: Option<usize>) -> String {
    let (number, tail) = match text.find(['e', 'E']) {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    let mut number = number.to_owned();
    let mut missing = if matches!(verb, 'v' | 'g' | 'G') { precision.unwrap_or(6) } else { 0 };
    let mut seen = false;
    for digit in number.bytes().skip(1).filter(u8::is_ascii_digit) {
        seen |= digit != b'0';
        if seen {
            missing = missing.saturating_sub(1);
        }
    }
    if !number.contains('.') {
        if number.len() == 2 && number.ends_with('0') {
            missing = missing.saturating_sub(1);
        }
        number.push('.');
    }
    number.push_str(&"0".repeat(missing));
    number + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_gos() {
        for (value, verb, precision, text) in [
            (1.0, 'g', None, "1"),
            (1_000_000.0, 'g', None, "1e+06"),
            (999_999.0, 'g', None, "999999"),
            (1_234_567.5, 'g', None, "1.2345675e+06"),
            (0.0001, 'g', None, "0.0001"),
            (0.000_01, 'g', None, "1e-05"),
            (1e21, 'g', None, "1e+21"),
            (-0.0, 'g', None, "-0"),
            (100.0, 'g', Some(3), "100"),
            (1234.5, 'g', Some(3), "1.23e+03"),
            (0.1, 'f', Some(6), "0.100000"),
            (2.5, 'f', Some(0), "2"),
            (12345.678, 'e', Some(3), "1.235e+04"),
            (f64::INFINITY, 'g', None, "+Inf"),
        ] {
            assert_eq!(format(value, verb, precision), text, "{value} %{verb}");
        }
    }
}

//! Numbers as Go's `strconv` reads them: prefixes, underscores, hexadecimal floats.

/// Go's `strconv.ParseInt(text, 0, 64)` without its range: sign and magnitude.
pub fn go_int(text: &[u8]) -> Option<(bool, u64)> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (radix, digits, prefixed) = match digits {
        [b'0', b'x' | b'X', rest @ ..] => (16, rest, true),
        [b'0', b'b' | b'B', rest @ ..] => (2, rest, true),
        [b'0', b'o' | b'O', rest @ ..] => (8, rest, true),
        [b'0', rest @ ..] if !rest.is_empty() => (8, rest, true),
        _ => (10, digits, false),
    };
    let mut value = 0_u64;
    let mut last_was_digit = prefixed;
    let mut any = false;
    for byte in digits {
        if *byte == b'_' {
            if !last_was_digit {
                return None;
            }
            last_was_digit = false;
            continue;
        }
        let digit = char::from(*byte).to_digit(radix)?;
        value = value.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))?;
        last_was_digit = true;
        any = true;
    }
    (any && last_was_digit).then_some((negative, value))
}

/// Go's `strconv.ParseFloat(text, 64)`. `None` for what is no number and for what is too large.
pub fn go_float(text: &str) -> Option<f64> {
    let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_hex = plain.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("0x"));
    if !underscores_separate_digits(plain, is_hex) {
        return None;
    }
    let digits = plain.replace('_', "");
    let size = if is_hex {
        hex_float(digits.get(2..)?)?
    } else {
        let is_word = !digits.contains(|c: char| c.is_ascii_digit());
        // A sign belongs to an infinity, not to NaN, and there is one sign only.
        if digits.starts_with(['+', '-'])
            || (is_word && plain.len() < text.len() && digits.eq_ignore_ascii_case("nan"))
        {
            return None;
        }
        digits.parse().ok().filter(|size: &f64| size.is_finite() || is_word)?
    };
    Some(if text.starts_with('-') { -size } else { size })
}

/// Whether each underscore stands between two digits, or between the prefix and a digit.
fn underscores_separate_digits(plain: &str, is_hex: bool) -> bool {
    let (mut after_digit, mut after_underscore) = (is_hex, false);
    for c in plain.chars().skip(if is_hex { 2 } else { 0 }) {
        let is_digit = if is_hex { c.is_ascii_hexdigit() } else { c.is_ascii_digit() };
        if (c == '_' && !after_digit) || (after_underscore && !is_digit) {
            return false;
        }
        after_digit = is_digit;
        after_underscore = c == '_';
    }
    !after_underscore
}

/// The part after `0x`: digits, perhaps with a point, and the exponent of 2 that Go wants.
fn hex_float(digits: &str) -> Option<f64> {
    let (mantissa, exponent) = digits.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut size = 0_u64;
    let mut power = exponent_of(exponent)?;
    for (index, c) in whole.chars().chain(fraction.chars()).enumerate() {
        let digit = u64::from(c.to_digit(16)?);
        let is_whole = index < whole.len();
        if size >> 60 == 0 {
            size = size << 4 | digit;
            power -= if is_whole { 0 } else { 4 };
        } else {
            // No room: what is lost is remembered in the lowest bit, which rounding looks at.
            size |= u64::from(digit != 0);
            power += if is_whole { 4 } else { 0 };
        }
    }
    scaled(size, power)
}

/// An exponent; what is beyond every float stays beyond.
fn exponent_of(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let size = digits.parse::<i64>().unwrap_or(i64::MAX).min(1_000_000);
    Some(if text.starts_with('-') { -size } else { size })
}

/// `size * 2^power`, rounded once, half to even; `None` when it is too large.
#[allow(clippy::cast_precision_loss, reason = "at most 53 bits are left")]
fn scaled(size: u64, power: i64) -> Option<f64> {
    const LOWEST: i64 = -1022;
    if size == 0 {
        return Some(0.0);
    }
    let bits = 64 - i64::from(size.leading_zeros());
    let top = power + bits - 1;
    // Below the lowest exponent bits are fewer.
    let kept = 53 - (LOWEST - top).max(0);
    let lost = bits - kept;
    let (size, power) = match u32::try_from(lost) {
        Err(_) | Ok(0) => (size, power),
        Ok(lost) if lost > 64 => return Some(0.0),
        Ok(lost) => {
            let rounded = size.checked_shr(lost).unwrap_or(0);
            let rest = size - rounded.checked_shl(lost).unwrap_or(0);
            let half = 1_u64 << (lost - 1);
            let up = rest > half || (rest == half && rounded & 1 == 1);
            (rounded + u64::from(up), power + i64::from(lost))
        }
    };
    let half = i32::try_from(power / 2).ok()?;
    let rest = i32::try_from(power - power / 2).ok()?;
    let scaled = size as f64 * 2_f64.powi(half) * 2_f64.powi(rest);
    scaled.is_finite().then_some(scaled)
}

#[cfg(test)]
#[allow(clippy::float_cmp, clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn floats_are_gos() {
        // Each as `strconv.ParseFloat` gives it.
        let table = [
            ("0x1p60", Some(1_152_921_504_606_846_976.0)),
            ("0X1.8P1", Some(3.0)),
            ("-0x.8p0", Some(-0.5)),
            ("0x1p-1074", Some(5e-324)),
            ("0x1p-1075", Some(0.0)),
            ("0x1.8p-1075", Some(5e-324)),
            ("0x1.fffffffffffff8p0", Some(2.0)),
            ("0x1.fffffffffffff7p0", Some(1.999_999_999_999_999_8)),
            ("0x1.00000000000008000000001p0", Some(1.000_000_000_000_000_2)),
            ("0x1.fffffffffffffp1023", Some(f64::MAX)),
            ("0x1p1024", None),
            ("0x1p", None),
            ("0x1", None),
            ("0xp1", None),
            ("0x_1p4", Some(16.0)),
            ("0x1_p4", None),
            ("1_23.50_0_0e+1_2", Some(1.235e14)),
            ("1__2", None),
            ("_1", None),
            ("1_", None),
            ("1_.5", None),
            ("+Inf", Some(f64::INFINITY)),
            ("-infinity", Some(f64::NEG_INFINITY)),
            ("+nan", None),
            ("--1", None),
            ("1e400", None),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("", None),
            (".", None),
        ];
        for (text, wanted) in table {
            assert_eq!(go_float(text), wanted, "{text}");
        }
        assert!(go_float("NaN").unwrap().is_nan());
    }
}

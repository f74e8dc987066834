//! Integers of `fmt`.

use super::super::quote;
use super::super::value::Value;
use super::Printer;

impl Printer<'_> {
    pub(super) fn integer(
        &mut self,
        value: &Value,
        magnitude: u64,
        negative: bool,
        signed: bool,
        verb: char,
    ) {
        let radix = match verb {
            'v' if self.flags.sharp_v && !signed => {
                let shown = format!("{magnitude:#x}");
                return self.pad(shown.as_bytes());
            }
            'v' | 'd' => 10,
            'b' => 2,
            'o' | 'O' => 8,
            'x' | 'X' => 16,
            'c' => return self.pad(character(magnitude, negative).to_string().as_bytes()),
            'q' => {
                let shown = quote::quoted_char(character(magnitude, negative), self.flags.plus);
                return self.pad(shown.as_bytes());
            }
            'U' => return self.unicode(if negative { magnitude.wrapping_neg() } else { magnitude }),
            _ => return self.bad_verb(value, verb),
        };
        let flags = self.flags;
        let mut digits = 0;
        if let Some(precision) = flags.precision {
            digits = precision;
            if precision == 0 && magnitude == 0 {
                self.flags.zero = false;
                self.padding(flags.width.unwrap_or(0));
                self.flags.zero = flags.zero;
                return;
            }
        } else if let (true, false, Some(width)) = (flags.zero, flags.minus, flags.width) {
            digits = width;
            if negative || flags.plus || flags.space {
                digits = digits.saturating_sub(1);
            }
        }
        let mut shown = match radix {
            2 => format!("{magnitude:b}"),
            8 => format!("{magnitude:o}"),
            16 if verb == 'X' => format!("{magnitude:X}"),
            16 => format!("{magnitude:x}"),
            _ => magnitude.to_string(),
        };
        if shown.len() < digits {
            shown.insert_str(0, &"0".repeat(digits - shown.len()));
        }
        if flags.sharp {
            match radix {
                2 => shown.insert_str(0, "0b"),
                8 if !shown.starts_with('0') => shown.insert(0, '0'),
                16 => shown.insert_str(0, if verb == 'X' { "0X" } else { "0x" }),
                _ => {}
            }
        }
        if verb == 'O' {
            shown.insert_str(0, "0o");
        }
        if negative {
            shown.insert(0, '-');
        } else if flags.plus {
            shown.insert(0, '+');
        } else if flags.space {
            shown.insert(0, ' ');
        }
        self.flags.zero = false;
        self.pad(shown.as_bytes());
        self.flags.zero = flags.zero;
    }

    fn unicode(&mut self, code: u64) {
        let digits = self.flags.precision.unwrap_or(4).max(4);
        let mut shown = format!("U+{code:0digits$X}");
        let c = u32::try_from(code).ok().and_then(char::from_u32);
        if let (true, Some(c)) = (self.flags.sharp, c.filter(|c| quote::is_print(*c))) {
            shown.push_str(&format!(" '{c}'"));
        }
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(shown.as_bytes());
        self.flags.zero = zero;
    }
}

fn character(magnitude: u64, negative: bool) -> char {
    let code = if negative { None } else { u32::try_from(magnitude).ok() };
    code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

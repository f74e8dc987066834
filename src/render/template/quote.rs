//! Go's string literals: read (`strconv.Unquote`) and written (`strconv.Quote`).

use std::fmt::Write as _;

/// Go's `%q`: double quotes, what cannot be printed escaped.
pub fn quoted(bytes: &[u8]) -> String {
    quoted_as(bytes, '"', false)
}

/// As [`quoted`], everything beyond ASCII escaped (`%+q`).
pub fn quoted_ascii(bytes: &[u8]) -> String {
    quoted_as(bytes, '"', true)
}

/// A character constant (`%q` of a number).
pub fn quoted_char(c: char, ascii: bool) -> String {
    let mut buffer = [0; 4];
    quoted_as(c.encode_utf8(&mut buffer).as_bytes(), '\'', ascii)
}

fn quoted_as(bytes: &[u8], quote: char, ascii: bool) -> String {
    let mut out = String::with_capacity(bytes.len() + 2);
    out.push(quote);
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            escape(c, quote, ascii, &mut out);
        }
        for byte in chunk.invalid() {
            let _ = write!(out, "\\x{byte:02x}");
        }
    }
    out.push(quote);
    out
}

fn escape(c: char, quote: char, ascii: bool, out: &mut String) {
    match c {
        c if c == quote || c == '\\' => {
            out.push('\\');
            out.push(c);
        }
        '\x07' => out.push_str("\\a"),
        '\x08' => out.push_str("\\b"),
        '\x0c' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\x0b' => out.push_str("\\v"),
        c if (c.is_ascii() || !ascii) && is_print(c) => out.push(c),
        c if c < ' ' || c == '\x7f' => {
            let _ = write!(out, "\\x{:02x}", u32::from(c));
        }
        c if u32::from(c) < 0x1_0000 => {
            let _ = write!(out, "\\u{:04x}", u32::from(c));
        }
        c => {
            let _ = write!(out, "\\U{:08x}", u32::from(c));
        }
    }
}

/// Go's `strconv.IsPrint`, as far as it can be told without its tables: letters, marks, numbers, punctuation, symbols
/// and the ASCII space.
pub fn is_print(c: char) -> bool {
    !matches!(
        c,
        '\0'..='\x1f'
            | '\x7f'..='\u{a0}'
            | '\u{ad}'
            | '\u{600}'..='\u{605}'
            | '\u{61c}'
            | '\u{6dd}'
            | '\u{70f}'
            | '\u{1680}'
            | '\u{180e}'
            | '\u{2000}'..='\u{200f}'
            | '\u{2028}'..='\u{202f}'
            | '\u{205f}'..='\u{206f}'
            | '\u{3000}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{feff}'
            | '\u{fff0}'..='\u{fffb}'
            | '\u{fffe}'
            | '\u{ffff}'
            | '\u{e0000}'..='\u{e00ff}'
            | '\u{f0000}'..='\u{10ffff}'
    )
}

/// As `%.10q` cuts: the first characters, never inside one.
pub fn first_chars(bytes: &[u8], count: usize) -> &[u8] {
    let mut left = count;
    let mut at = 0;
    while at < bytes.len() && left > 0 {
        at += char_length(&bytes[at..]);
        left -= 1;
    }
    &bytes[..at]
}

/// The length of the first character as Go decodes it: 1 for a byte that is no UTF-8.
pub fn char_length(bytes: &[u8]) -> usize {
    let window = &bytes[..bytes.len().min(4)];
    let valid = match std::str::from_utf8(window) {
        Ok(valid) => valid,
        Err(error) => std::str::from_utf8(&window[..error.valid_up_to()]).unwrap_or_default(),
    };
    valid.chars().next().map_or(1, char::len_utf8)
}

/// The value of a literal with its quotes; `None` where Go says `invalid syntax`.
pub fn unquoted(literal: &[u8]) -> Option<Vec<u8>> {
    let (quote, inner) = match literal {
        [first, inner @ .., last] if first == last => (*first, inner),
        _ => return None,
    };
    match quote {
        b'`' => {
            if inner.contains(&b'`') {
                return None;
            }
            Some(inner.iter().copied().filter(|byte| *byte != b'\r').collect())
        }
        b'"' | b'\'' => {
            let mut out = Vec::with_capacity(inner.len());
            let mut rest = inner;
            let mut chars = 0;
            while !rest.is_empty() {
                let (piece, length) = unquoted_char(rest, quote)?;
                match piece {
                    Piece::Byte(byte) => out.push(byte),
                    Piece::Char(c) => {
                        let mut buffer = [0; 4];
                        out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                    }
                }
                chars += 1;
                rest = &rest[length..];
            }
            (quote == b'"' || chars == 1).then_some(out)
        }
        _ => None,
    }
}

/// One character of a literal.
pub enum Piece {
    /// A byte by `\x` or octal, or one that is no UTF-8.
    Byte(u8),
    Char(char),
}

/// Go's `strconv.UnquoteChar`: the first character of a literal's inside, and how many bytes it takes.
pub fn unquoted_char(text: &[u8], quote: u8) -> Option<(Piece, usize)> {
    let first = *text.first()?;
    if first == quote || first == b'\n' {
        return None;
    }
    if !first.is_ascii() {
        let length = char_length(text);
        let piece = match std::str::from_utf8(&text[..length]).ok().and_then(|text| text.chars().next()) {
            Some(c) => Piece::Char(c),
            // Go decodes U+FFFD here and writes it.
            None => Piece::Char(char::REPLACEMENT_CHARACTER),
        };
        return Some((piece, length));
    }
    if first != b'\\' {
        return Some((Piece::Char(char::from(first)), 1));
    }
    let simple = |c: char| Some((Piece::Char(c), 2));
    match *text.get(1)? {
        b'a' => simple('\x07'),
        b'b' => simple('\x08'),
        b'f' => simple('\x0c'),
        b'n' => simple('\n'),
        b'r' => simple('\r'),
        b't' => simple('\t'),
        b'v' => simple('\x0b'),
        b'\\' => simple('\\'),
        c @ (b'\'' | b'"') if c == quote => simple(char::from(c)),
        b'x' => {
            let value = digits(text.get(2..4)?, 16)?;
            Some((Piece::Byte(u8::try_from(value).ok()?), 4))
        }
        b'u' => Some((Piece::Char(char::from_u32(digits(text.get(2..6)?, 16)?)?), 6)),
        b'U' => Some((Piece::Char(char::from_u32(digits(text.get(2..10)?, 16)?)?), 10)),
        b'0'..=b'7' => {
            let value = digits(text.get(1..4)?, 8)?;
            Some((Piece::Byte(u8::try_from(value).ok()?), 4))
        }
        _ => None,
    }
}

fn digits(text: &[u8], radix: u32) -> Option<u32> {
    text.iter().try_fold(0_u32, |value, byte| {
        let digit = char::from(*byte).to_digit(radix)?;
        value.checked_mul(radix)?.checked_add(digit)
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_gos() {
        for (literal, value) in [
            (&br#""a\tb\"c\\""#[..], &b"a\tb\"c\\"[..]),
            (br#""\x41\101\u00e9""#, "AA\u{e9}".as_bytes()),
            (b"`raw \\n`", b"raw \\n"),
            (br"'x'", b"x"),
        ] {
            assert_eq!(unquoted(literal).unwrap(), value);
        }
        for bad in [&br#""\q""#[..], br#""\'""#, b"'xy'", b"\"open"] {
            assert_eq!(unquoted(bad), None);
        }
        assert_eq!(quoted("a\"\n\u{1}é\u{200b}😀".as_bytes()), r#""a\"\n\x01é\u200b😀""#);
        assert_eq!(quoted(b"\xff"), r#""\xff""#);
        assert_eq!(quoted_ascii("é😀".as_bytes()), r#""\u00e9\U0001f600""#);
    }
}

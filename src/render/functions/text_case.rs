//! sprig's functions that change the shape of words: case, joints, line width.

use super::strings::{is_space, map};
use super::{Called, args_error};
use crate::render::template::Context;
use crate::render::template::function::{FnError, Function, Type};
use crate::render::template::value::{Str, Value};

use Type::{Int, Str as Text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("upper", &[Text], |_, args| by_char(args, |c| single(c.to_uppercase(), c))),
    Function::new("lower", &[Text], |_, args| by_char(args, |c| single(c.to_lowercase(), c))),
    Function::new("title", &[Text], |_, args| words(args, is_separator, to_title)),
    Function::new("untitle", &[Text], |_, args| words(args, is_space, |c| single(c.to_lowercase(), c))),
    Function::new("swapcase", &[Text], swapcase),
    Function::new("snakecase", &[Text], |_, args| map_text(args, |text| with_connector(text, '_'))),
    Function::new("kebabcase", &[Text], |_, args| map_text(args, |text| with_connector(text, '-'))),
    Function::new("camelcase", &[Text], |_, args| map_text(args, pascal_case)),
    Function::new("initials", &[Text], initials),
    Function::new("nospace", &[Text], |_, args| map(args, without_space)),
    Function::new("wrap", &[Int, Text], |_, args| match args {
        [Value::Int(width), Value::Str(text)] => Ok(Value::str(wrapped(text, *width, b"\n", false))),
        _ => Err(args_error()),
    }),
    Function::new("wrapWith", &[Int, Text, Text], |_, args| match args {
        [Value::Int(width), Value::Str(end), Value::Str(text)] => {
            let end: &[u8] = if end.is_empty() { b"\n" } else { end };
            Ok(Value::str(wrapped(text, *width, end, true)))
        }
        _ => Err(args_error()),
    }),
    Function::new("abbrev", &[Int, Text], |_, args| match args {
        [Value::Int(width), Value::Str(text)] => abbreviated(text, 0, *width),
        _ => Err(args_error()),
    }),
    Function::new("abbrevboth", &[Int, Int, Text], |_, args| match args {
        [Value::Int(left), Value::Int(right), Value::Str(text)] if *left <= 0 || *right >= 7 => {
            abbreviated(text, *left, *right)
        }
        [_, _, text] => Ok(text.clone()),
        _ => Err(args_error()),
    }),
];

/// Go maps a character to one character: where Unicode's full mapping gives several, it keeps the character.
fn single(mut mapped: impl Iterator<Item = char>, c: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

fn to_title(c: char) -> char {
    single(c.to_uppercase(), c)
}

fn map_text(args: &[Value], change: impl Fn(&str) -> String) -> Called {
    map(args, |bytes| change(&String::from_utf8_lossy(bytes)).into_bytes())
}

fn by_char(args: &[Value], change: impl Fn(char) -> char) -> Called {
    map_text(args, |text| text.chars().map(&change).collect())
}

/// Go's `isSeparator`: what `strings.Title` takes for the end of a word.
fn is_separator(c: char) -> bool {
    if c.is_ascii() { !c.is_ascii_alphanumeric() && c != '_' } else { !c.is_alphanumeric() && is_space(c) }
}

/// Changes the first character of each word.
fn words(args: &[Value], is_gap: impl Fn(char) -> bool, change: impl Fn(char) -> char) -> Called {
    map_text(args, |text| {
        let mut after_gap = true;
        let mut shaped = |c: char| {
            let first = std::mem::replace(&mut after_gap, is_gap(c)) && !is_gap(c);
            if first { change(c) } else { c }
        };
        text.chars().map(&mut shaped).collect()
    })
}

fn swapcase(_: &mut Context, args: &[Value]) -> Called {
    map_text(args, |text| {
        let mut after_space = true;
        let mut swapped = |c: char| {
            let first = after_space;
            after_space = false;
            if c.is_uppercase() {
                single(c.to_lowercase(), c)
            } else if c.is_lowercase() {
                if first { to_title(c) } else { single(c.to_uppercase(), c) }
            } else {
                after_space = is_space(c);
                c
            }
        };
        text.chars().map(&mut swapped).collect()
    })
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || is_space(c)
}

fn pascal_case(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    // Leading joints stay.
    let mut current = loop {
        match chars.next() {
            Some(c) if is_connector(c) => out.push(c),
            Some(c) => break c,
            None => return out,
        }
    };
    let mut word_is_upper = current.is_uppercase();
    current = single(current.to_uppercase(), current);
    for mut next in chars {
        let previous = current;
        if is_connector(next) && is_connector(previous) {
            out.push(previous);
        } else if is_connector(previous) {
            word_is_upper = next.is_uppercase();
            next = single(next.to_uppercase(), next);
        } else {
            if word_is_upper {
                word_is_upper = next.is_uppercase();
                next = single(next.to_lowercase(), next);
            }
            out.push(previous);
        }
        current = next;
    }
    out.push(current);
    out
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Number,
    /// Begins with a capital.
    Capital,
    Lower,
    Connector,
    Punctuation,
    Other,
}

fn kind_of(c: char) -> Word {
    if is_connector(c) {
        Word::Connector
    } else if is_punctuation(c) {
        Word::Punctuation
    } else if c.is_uppercase() {
        Word::Capital
    } else if c.is_alphabetic() && (c.is_lowercase() || c.is_ascii()) {
        Word::Lower
    } else if c.is_numeric() {
        Word::Number
    } else {
        Word::Other
    }
}

/// Unicode's category P within ASCII and Latin-1; the rest of it does not occur in names.
fn is_punctuation(c: char) -> bool {
    (c.is_ascii_punctuation() && !"$+<=>^`|~".contains(c)) || "¡§«¶·»¿".contains(c)
}

/// A text as words of one kind; `HTTPServer` is `HTTP` and `Server`.
fn split_words(text: &str) -> Vec<(Word, String)> {
    let chars: Vec<char> = text.chars().collect();
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(&first) = chars.get(at) {
        let kind = kind_of(first);
        let run =
            |from: usize, want: Word| chars.iter().skip(from).take_while(|c| kind_of(**c) == want).count();
        let length = match kind {
            Word::Capital => match run(at, Word::Capital) {
                1 => 1 + run(at + 1, Word::Lower),
                // The last capital belongs to the word that it begins.
                capitals if run(at + capitals, Word::Lower) > 0 => capitals - 1,
                capitals => capitals,
            },
            kind => run(at, kind),
        };
        words.push((kind, chars.iter().skip(at).take(length).collect()));
        at += length;
    }
    words
}

fn with_connector(text: &str, connector: char) -> String {
    let words = split_words(text);
    let kind = |at: usize| words.get(at).map(|(kind, _)| *kind);
    let mut out = String::with_capacity(text.len() + 8);
    let write = |at: usize, out: &mut String| {
        let Some((kind, word)) = words.get(at) else { return };
        match kind {
            Word::Capital => out.extend(word.chars().map(|c| single(c.to_lowercase(), c))),
            Word::Connector => out.extend(word.chars().map(|_| connector)),
            _ => out.push_str(word),
        }
    };
    let stands_apart = |at: usize| kind(at).is_some_and(|k| k != Word::Connector && k != Word::Punctuation);
    // Numbers swallow the small letters and numbers that follow them.
    let swallow = |mut at: usize, out: &mut String| {
        while matches!(kind(at), Some(Word::Lower | Word::Number)) {
            write(at, out);
            at += 1;
        }
        if stands_apart(at) {
            out.push(connector);
        }
        at
    };
    let mut at = 0;
    while at + 1 < words.len() {
        let current = kind(at);
        write(at, &mut out);
        at += 1;
        match current {
            Some(Word::Number) => at = swallow(at, &mut out),
            Some(Word::Connector | Word::Punctuation) | None => {}
            Some(_) if kind(at) != Some(Word::Number) => {
                if stands_apart(at) {
                    out.push(connector);
                }
            }
            Some(_) if at + 1 == words.len() => {}
            Some(_) if kind(at + 1) == Some(Word::Lower) => {
                out.push(connector);
                write(at, &mut out);
                at = swallow(at + 1, &mut out);
            }
            Some(_) => {
                write(at, &mut out);
                at += 1;
                if stands_apart(at) {
                    out.push(connector);
                }
            }
        }
    }
    write(at, &mut out);
    out
}

fn initials(_: &mut Context, args: &[Value]) -> Called {
    // Byte by byte, as the library has it.
    map(args, |bytes| {
        let mut after_gap = true;
        let firsts = bytes.iter().map(|byte| char::from(*byte)).filter(|c| {
            let gap = is_space(*c);
            std::mem::replace(&mut after_gap, gap) && !gap
        });
        firsts.collect::<String>().into_bytes()
    })
}

fn without_space(bytes: &[u8]) -> Vec<u8> {
    // Byte by byte, as the library has it: what is no ASCII comes out as Latin-1.
    bytes.iter().map(|byte| char::from(*byte)).filter(|c| !is_space(*c)).collect::<String>().into_bytes()
}

/// Lines of at most `width` bytes where spaces allow it; `cut` also cuts words that are longer.
fn wrapped(text: &[u8], width: i64, end: &[u8], cut: bool) -> Vec<u8> {
    let width = usize::try_from(width.max(1)).unwrap_or(usize::MAX);
    let mut out = Vec::with_capacity(text.len() + text.len() / width * end.len());
    let mut rest = text;
    while rest.len() > width {
        if let [b' ', after @ ..] = rest {
            rest = after;
            continue;
        }
        let space = rest.iter().take(width + 1).rposition(|byte| *byte == b' ');
        let next_space = || rest.iter().skip(width).position(|byte| *byte == b' ').map(|at| at + width);
        let (line, skip) = match space {
            Some(at) => (at, 1),
            None if cut => (width, 0),
            None => match next_space() {
                Some(at) => (at, 1),
                None => break,
            },
        };
        out.extend_from_slice(rest.get(..line).unwrap_or_default());
        out.extend_from_slice(end);
        rest = rest.get(line + skip..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

fn abbreviated(text: &Str, left: i64, width: i64) -> Called {
    const DOTS: &[u8] = b"...";
    let Some(width) = usize::try_from(width).ok().filter(|width| *width >= 4) else {
        return Ok(Value::Str(text.clone()));
    };
    if text.len() <= width {
        return Ok(Value::Str(text.clone()));
    }
    let kept = width - DOTS.len();
    let slice = |from: usize, to: usize| {
        text.get(from..to).ok_or_else(|| FnError::from("runtime error: slice bounds out of range"))
    };
    let left = usize::try_from(left).unwrap_or(0).min(text.len() - kept);
    if left <= 4 {
        return Ok(Value::str([slice(0, kept)?, DOTS].concat()));
    }
    if left + kept < text.len() {
        // Dots on both sides.
        let inner = slice(left, left + kept - DOTS.len())?;
        return Ok(Value::str([DOTS, inner, DOTS].concat()));
    }
    Ok(Value::str([DOTS, slice(text.len() - kept, text.len())?].concat()))
}

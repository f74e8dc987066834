//! sprig's functions on text. Positions and lengths are bytes, as in Go.

use super::cast::{text, texts};
use super::{Called, args_error};
use crate::render::template::Context;
use crate::render::template::function::{FnError, Function, Reads, Type};
use crate::render::template::value::{Str, Value};
use crate::render::template::{printf, quote};

use Type::{Any, Int, Str as Text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("hello", &[], |_, _| Ok(Value::str("Hello!"))),
    Function::new("trim", &[Text], |_, args| map(args, |text| trim_space(text).to_vec())),
    Function::new("trimall", &[Text, Text], trim_all),
    Function::new("trimAll", &[Text, Text], trim_all),
    Function::new("trimSuffix", &[Text, Text], |_, args| {
        with(args, |suffix, text| text.strip_suffix(&**suffix).unwrap_or(text).to_vec())
    }),
    Function::new("trimPrefix", &[Text, Text], |_, args| {
        with(args, |prefix, text| text.strip_prefix(&**prefix).unwrap_or(text).to_vec())
    }),
    Function::new("contains", &[Text, Text], |_, args| test(args, |part, text| find(text, part).is_some())),
    Function::new("hasPrefix", &[Text, Text], |_, args| test(args, |part, text| text.starts_with(part))),
    Function::new("hasSuffix", &[Text, Text], |_, args| test(args, |part, text| text.ends_with(part))),
    Function::new("replace", &[Text, Text, Text], replace),
    Function::new("trunc", &[Int, Text], trunc),
    Function::new("substr", &[Int, Int, Text], substr),
    Function::new("repeat", &[Int, Text], repeat),
    Function::new("indent", &[Int, Text], |context, args| indent(context, args, "")),
    Function::new("nindent", &[Int, Text], |context, args| indent(context, args, "\n")),
    Function::new("quote", &[], quote_all).rest(Any),
    Function::new("squote", &[], squote_all).rest(Any),
    Function::new("cat", &[], cat).rest(Any),
    Function::new("plural", &[Text, Text, Int], plural),
    Function::new("join", &[Text, Any], join),
    Function::new("split", &[Text, Text], |_, args| match args {
        [Value::Str(separator), Value::Str(text)] => Ok(numbered(pieces(text, separator, None))),
        _ => Err(args_error()),
    }),
    Function::new("splitn", &[Text, Int, Text], |_, args| match args {
        [Value::Str(separator), Value::Int(count), Value::Str(text)] => {
            Ok(numbered(pieces(text, separator, Some(*count))))
        }
        _ => Err(args_error()),
    }),
    Function::new("splitList", &[Text, Text], |_, args| match args {
        [Value::Str(separator), Value::Str(text)] => Ok(Value::strings(pieces(text, separator, None))),
        _ => Err(args_error()),
    }),
    Function::new("sortAlpha", &[Any], sort_alpha).reads(Reads::Deep),
];

/// Nothing more than these counts as space for Go's `strings.TrimSpace` within ASCII; beyond it Unicode decides.
pub(super) fn is_space(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\u{b}' | '\u{c}' | '\r' | ' ' | '\u{85}' | '\u{a0}')
        || (!c.is_ascii() && c.is_whitespace())
}

/// Applies a function to the only argument.
pub(super) fn map(args: &[Value], change: impl Fn(&[u8]) -> Vec<u8>) -> Called {
    let [Value::Str(text)] = args else { return Err(args_error()) };
    Ok(Value::str(change(text)))
}

fn with(args: &[Value], change: impl Fn(&Str, &[u8]) -> Vec<u8>) -> Called {
    let [Value::Str(option), Value::Str(text)] = args else { return Err(args_error()) };
    Ok(Value::str(change(option, text)))
}

fn test(args: &[Value], holds: impl Fn(&[u8], &[u8]) -> bool) -> Called {
    let [Value::Str(part), Value::Str(text)] = args else { return Err(args_error()) };
    Ok(Value::Bool(holds(part, text)))
}

/// The characters of bytes with their places; what is no UTF-8 counts byte by byte.
pub(super) fn chars(bytes: &[u8]) -> impl Iterator<Item = (usize, Result<char, u8>)> + '_ {
    let mut at = 0;
    bytes.utf8_chunks().flat_map(move |chunk| {
        let start = at;
        let invalid_at = start + chunk.valid().len();
        at = invalid_at + chunk.invalid().len();
        chunk.valid().char_indices().map(move |(offset, c)| (start + offset, Ok(c))).chain(
            chunk.invalid().iter().enumerate().map(move |(offset, byte)| (invalid_at + offset, Err(*byte))),
        )
    })
}

fn trim_by(bytes: &[u8], drop: impl Fn(Result<char, u8>) -> bool) -> &[u8] {
    let mut kept = chars(bytes).filter(|(_, c)| !drop(*c));
    let Some((start, first)) = kept.next() else { return &[] };
    let (at, last) = kept.last().unwrap_or((start, first));
    let end = at + last.map_or(1, char::len_utf8);
    bytes.get(start..end).unwrap_or_default()
}

fn trim_space(bytes: &[u8]) -> &[u8] {
    trim_by(bytes, |c| c.is_ok_and(is_space))
}

fn trim_all(_: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(cut), Value::Str(text)] = args else { return Err(args_error()) };
    let set: Vec<Result<char, u8>> = chars(cut).map(|(_, c)| c).collect();
    Ok(Value::str(trim_by(text, |c| set.contains(&c))))
}

/// Where `part` stands first.
pub(super) fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    if part.is_empty() {
        return Some(0);
    }
    text.windows(part.len()).position(|window| window == part)
}

fn replace(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(old), Value::Str(new), Value::Str(text)] = args else { return Err(args_error()) };
    let mut out = Vec::with_capacity(text.len());
    if old.is_empty() {
        // Go puts the new text before every character and at the end.
        let starts: Vec<usize> = chars(text).map(|(at, _)| at).chain([text.len()]).collect();
        context.charge(starts.len().saturating_mul(new.len()))?;
        for pair in starts.windows(2) {
            out.extend_from_slice(new);
            out.extend_from_slice(text.get(pair[0]..pair[1]).unwrap_or_default());
        }
        out.extend_from_slice(new);
        return Ok(Value::str(out));
    }
    let mut rest: &[u8] = text;
    while let Some(at) = find(rest, old) {
        let (before, after) = rest.split_at(at);
        context.charge(new.len())?;
        out.extend_from_slice(before);
        out.extend_from_slice(new);
        rest = after.get(old.len()..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    Ok(Value::str(out))
}

fn trunc(_: &mut Context, args: &[Value]) -> Called {
    let [Value::Int(length), Value::Str(text)] = args else { return Err(args_error()) };
    let size = usize::try_from(length.unsigned_abs()).unwrap_or(usize::MAX);
    let kept = match size {
        _ if *length < 0 => text.len().checked_sub(size).filter(|at| *at > 0).and_then(|at| text.get(at..)),
        size => text.get(..size),
    };
    Ok(Value::str(kept.unwrap_or(text)))
}

fn substr(_: &mut Context, args: &[Value]) -> Called {
    let [Value::Int(start), Value::Int(end), Value::Str(text)] = args else { return Err(args_error()) };
    let length = i64::try_from(text.len()).unwrap_or(i64::MAX);
    // What sprig slices; a negative end or one past the text means to the end, but only with a start.
    let (from, to) = match (*start, *end) {
        (start, end) if start < 0 => (0, end),
        (start, end) if !(0..=length).contains(&end) => (start, length),
        both => both,
    };
    let range = usize::try_from(from).ok().zip(usize::try_from(to).ok());
    let kept = range.and_then(|(from, to)| text.get(from..to));
    kept.map(Value::str).ok_or_else(|| {
        let bounds = if to < 0 {
            format!("[:{to}]")
        } else if to > length {
            format!("[:{to}] with length {length}")
        } else {
            format!("[{from}:{to}]")
        };
        format!("runtime error: slice bounds out of range {bounds}").into()
    })
}

fn repeat(context: &mut Context, args: &[Value]) -> Called {
    let [Value::Int(count), Value::Str(text)] = args else { return Err(args_error()) };
    let count = usize::try_from(*count).map_err(|_| FnError::from("strings: negative Repeat count"))?;
    context.charge(text.len().saturating_mul(count))?;
    Ok(Value::str(text.repeat(count)))
}

fn indent(context: &mut Context, args: &[Value], before: &str) -> Called {
    let [Value::Int(spaces), Value::Str(text)] = args else { return Err(args_error()) };
    let spaces = usize::try_from(*spaces).map_err(|_| FnError::from("strings: negative Repeat count"))?;
    let lines = text.split(|byte| *byte == b'\n').count();
    context.charge(spaces.saturating_mul(lines).saturating_add(text.len()))?;
    let pad = vec![b' '; spaces];
    let mut out = Vec::with_capacity(before.len() + text.len() + spaces * lines);
    out.extend_from_slice(before.as_bytes());
    for (number, line) in text.split(|byte| *byte == b'\n').enumerate() {
        if number > 0 {
            out.push(b'\n');
        }
        out.extend_from_slice(&pad);
        out.extend_from_slice(line);
    }
    Ok(Value::str(out))
}

fn spaced(args: &[Value], word: impl Fn(&Value) -> Vec<u8>) -> Called {
    let words: Vec<Vec<u8>> = args.iter().filter(|value| !value.is_nil()).map(word).collect();
    Ok(Value::str(words.join(&b' ')))
}

fn quote_all(_: &mut Context, args: &[Value]) -> Called {
    spaced(args, |value| quote::quoted(&text(value)).into_bytes())
}

fn squote_all(_: &mut Context, args: &[Value]) -> Called {
    spaced(args, |value| [b"'", printf::sprint(value).as_slice(), b"'"].concat())
}

fn cat(_: &mut Context, args: &[Value]) -> Called {
    spaced(args, printf::sprint)
}

fn plural(_: &mut Context, args: &[Value]) -> Called {
    match args {
        [one, _, Value::Int(1)] => Ok(one.clone()),
        [_, many, Value::Int(_)] => Ok(many.clone()),
        _ => Err(args_error()),
    }
}

fn join(_: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(separator), list] = args else { return Err(args_error()) };
    let words = texts(list);
    let words: Vec<&[u8]> = words.iter().map(|word| &**word).collect();
    Ok(Value::str(words.join(&**separator)))
}

/// Go's `strings.SplitN`: an empty separator splits into characters.
fn pieces(text: &[u8], separator: &[u8], count: Option<i64>) -> Vec<Str> {
    let most = match count {
        Some(0) => return Vec::new(),
        Some(n) if n > 0 => usize::try_from(n).unwrap_or(usize::MAX),
        _ => usize::MAX,
    };
    let mut found = Vec::new();
    let mut rest = text;
    if separator.is_empty() {
        while !rest.is_empty() && found.len() + 1 < most {
            let end = chars(rest).nth(1).map_or(rest.len(), |(at, _)| at);
            let (first, after) = rest.split_at(end);
            found.push(Str::from(first));
            rest = after;
        }
        if !rest.is_empty() {
            found.push(Str::from(rest));
        }
        return found;
    }
    while found.len() + 1 < most {
        let Some(at) = find(rest, separator) else { break };
        let (first, after) = rest.split_at(at);
        found.push(Str::from(first));
        rest = after.get(separator.len()..).unwrap_or_default();
    }
    found.push(Str::from(rest));
    found
}

/// sprig's `split`: a map with the keys `_0`, `_1`, ….
fn numbered(pieces: Vec<Str>) -> Value {
    Value::map_of_strings(pieces.into_iter().enumerate().map(|(number, piece)| (format!("_{number}"), piece)))
}

fn sort_alpha(_: &mut Context, args: &[Value]) -> Called {
    let [list] = args else { return Err(args_error()) };
    let mut words = texts(list);
    words.sort();
    Ok(Value::strings(words))
}

//! sprig's regular expressions. Go and Rust share RE2's syntax but for a few signs, which are translated.

use std::cell::RefCell;
use std::collections::HashMap;

use regex::bytes::{Captures, NoExpand, Regex, RegexBuilder};

use super::{Called, args_error};
use crate::render::template::Context;
use crate::render::template::function::{FnError, Function, Type};
use crate::render::template::value::{List, ListKind, Str, Value};

use Type::{Int, Str as Text};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("regexMatch", &[Text, Text], |_, args| {
        // A pattern that is none matches nothing.
        matches(args).or(Ok(Value::Bool(false)))
    }),
    Function::new("mustRegexMatch", &[Text, Text], |_, args| matches(args)),
    Function::new("regexFind", &[Text, Text], |_, args| find(args).map_err(panicked(args))),
    Function::new("mustRegexFind", &[Text, Text], |_, args| find(args)),
    Function::new("regexFindAll", &[Text, Text, Int], |_, args| find_all(args).map_err(panicked(args))),
    Function::new("mustRegexFindAll", &[Text, Text, Int], |_, args| find_all(args)),
    Function::new("regexReplaceAll", &[Text, Text, Text], |context, args| {
        replace(context, args, false).map_err(panicked(args))
    }),
    Function::new("mustRegexReplaceAll", &[Text, Text, Text], |context, args| replace(context, args, false)),
    Function::new("regexReplaceAllLiteral", &[Text, Text, Text], |context, args| {
        replace(context, args, true).map_err(panicked(args))
    }),
    Function::new("mustRegexReplaceAllLiteral", &[Text, Text, Text], |context, args| {
        replace(context, args, true)
    }),
    Function::new("regexSplit", &[Text, Text, Int], |_, args| split(args).map_err(panicked(args))),
    Function::new("mustRegexSplit", &[Text, Text, Int], |_, args| split(args)),
    Function::new("regexQuoteMeta", &[Text], |_, args| match args {
        [Value::Str(text)] => Ok(Value::str(quoted(text))),
        _ => Err(args_error()),
    }),
];

/// How large a compiled pattern may become.
const SIZE: usize = 4 << 20;
/// How many compiled patterns are kept.
const KEPT: usize = 256;

/// Go's `MustCompile` names the pattern in its panic.
fn panicked(args: &[Value]) -> impl Fn(FnError) -> FnError {
    let pattern = args.first().and_then(Value::as_str).map(Str::text).unwrap_or_default().into_owned();
    move |error| match error {
        FnError::Words(words) if words.starts_with("error parsing regexp") => {
            let quoted =
                if pattern.contains(['`', '\n']) { format!("{pattern:?}") } else { format!("`{pattern}`") };
            format!("regexp: Compile({quoted}): {words}").into()
        }
        other => other,
    }
}

fn compiled(pattern: &Str) -> Result<Regex, FnError> {
    thread_local! {
        static COMPILED: RefCell<HashMap<Str, Regex>> = RefCell::default();
    }
    COMPILED.with_borrow_mut(|kept| {
        if let Some(regex) = kept.get(pattern) {
            return Ok(regex.clone());
        }
        let text = pattern.text();
        let regex = RegexBuilder::new(&translated(&text)?).size_limit(SIZE).build().map_err(|error| {
            let cause = match &error {
                regex::Error::CompiledTooBig(_) => "expression too large".to_owned(),
                other => cause_of(&other.to_string()),
            };
            // Go names the group that it does not know, not the whole pattern.
            let at = text.find("(?").filter(|_| cause.contains("Perl syntax")).unwrap_or(0);
            let end = if cause.contains("Perl syntax") { (at + 3).min(text.len()) } else { text.len() };
            let shown = text.get(at..end).unwrap_or(&text);
            FnError::from(format!("error parsing regexp: {cause}: `{shown}`"))
        })?;
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(pattern.clone(), regex.clone());
        Ok(regex)
    })
}

/// Go's word for the fault that Rust's library found.
fn cause_of(words: &str) -> String {
    let last = words.lines().last().unwrap_or_default().trim_start_matches("error: ");
    for (ours, gos) in [
        ("unclosed group", "missing closing )"),
        ("unopened group", "unexpected )"),
        ("unclosed character class", "missing closing ]"),
        ("repetition operator missing expression", "missing argument to repetition operator"),
        ("incomplete escape", "trailing backslash at end of expression"),
        ("unrecognized escape", "invalid escape sequence"),
        ("look-around", "invalid or unsupported Perl syntax"),
        ("invalid character class range", "invalid character class range"),
    ] {
        if last.contains(ours) {
            return gos.to_owned();
        }
    }
    last.to_owned()
}

/// Go's pattern as Rust's library reads it: classes are ASCII, `\Q…\E` quotes, brackets in a class stand for themselves.
fn translated(pattern: &str) -> Result<String, FnError> {
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    let mut in_class = false;
    // The repetition that has just been read: Go takes no second one but `?`.
    let mut repetition = "";
    while let Some(c) = rest.chars().next() {
        if let Some(quote) = rest.strip_prefix(r"\Q") {
            let (inner, after) = quote.split_once(r"\E").unwrap_or((quote, ""));
            out.push_str(&regex::escape(inner));
            rest = after;
            continue;
        }
        let operator = if in_class { "" } else { repetition_at(rest) };
        if !operator.is_empty() {
            if !repetition.is_empty() {
                return Err(format!(
                    "error parsing regexp: invalid nested repetition operator: `{repetition}{operator}`"
                )
                .into());
            }
            let lazy = rest.get(operator.len()..).is_some_and(|after| after.starts_with('?'));
            repetition = rest.get(..operator.len() + usize::from(lazy)).unwrap_or(operator);
            out.push_str(repetition);
            rest = rest.get(repetition.len()..).unwrap_or_default();
            continue;
        }
        repetition = "";
        if c == '\\' {
            let Some(escaped) = rest.chars().nth(1) else {
                out.push('\\');
                break;
            };
            match (escaped, in_class) {
                ('d', true) => out.push_str("0-9"),
                ('w', true) => out.push_str("0-9A-Za-z_"),
                ('s', true) => out.push_str(r"\t\n\f\r "),
                ('d', false) => out.push_str("[0-9]"),
                ('w', false) => out.push_str("[0-9A-Za-z_]"),
                ('s', false) => out.push_str(r"[\t\n\f\r ]"),
                ('D', _) => out.push_str("[^0-9]"),
                ('W', _) => out.push_str("[^0-9A-Za-z_]"),
                ('S', _) => out.push_str(r"[^\t\n\f\r ]"),
                ('b', false) => out.push_str(r"(?-u:\b)"),
                ('B', false) => out.push_str(r"(?-u:\B)"),
                // Rust reads these as the borders of words.
                ('<' | '>', _) => out.push(escaped),
                _ => out.extend(['\\', escaped]),
            }
            rest = rest.get(1 + escaped.len_utf8()..).unwrap_or_default();
            continue;
        }
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '[' if !in_class => {
                in_class = true;
                out.push('[');
                for first in ["^", "]"] {
                    if let Some(after) = rest.strip_prefix(first) {
                        out.push_str(if first == "]" { r"\]" } else { first });
                        rest = after;
                    }
                }
            }
            '[' if rest.starts_with(':') && rest.contains(":]") => {
                let (name, after) = rest.split_once(":]").unwrap_or((rest, ""));
                out.extend(["[", name, ":]"]);
                rest = after;
            }
            '[' | '&' | '~' if in_class => out.extend(['\\', c]),
            ']' if in_class => {
                in_class = false;
                out.push(']');
            }
            c => out.push(c),
        }
    }
    Ok(out)
}

/// The repetition that a text begins with: `*`, `+`, `?`, `{2,3}`; empty when there is none.
fn repetition_at(text: &str) -> &str {
    match text.chars().next() {
        Some('*' | '+' | '?') => text.get(..1).unwrap_or_default(),
        Some('{') => {
            let end = text.find('}').map_or(0, |at| at + 1);
            let inner = text.get(1..end.saturating_sub(1)).unwrap_or_default();
            let counts = inner.split(',').all(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
            let is_one =
                counts && inner.starts_with(|c: char| c.is_ascii_digit()) && inner.matches(',').count() < 2;
            if is_one { text.get(..end).unwrap_or_default() } else { "" }
        }
        _ => "",
    }
}

fn matches(args: &[Value]) -> Called {
    let [Value::Str(pattern), Value::Str(text)] = args else { return Err(args_error()) };
    Ok(Value::Bool(compiled(pattern)?.is_match(text)))
}

fn find(args: &[Value]) -> Called {
    let [Value::Str(pattern), Value::Str(text)] = args else { return Err(args_error()) };
    Ok(Value::str(compiled(pattern)?.find(text).map_or(&b""[..], |found| found.as_bytes())))
}

/// Go's "at most n": a negative number means all.
fn at_most(count: i64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn find_all(args: &[Value]) -> Called {
    let [Value::Str(pattern), Value::Str(text), Value::Int(count)] = args else { return Err(args_error()) };
    let regex = compiled(pattern)?;
    let found: Vec<Str> =
        regex.find_iter(text).take(at_most(*count)).map(|found| Str::from(found.as_bytes())).collect();
    if found.is_empty() {
        return Ok(Value::List(List::nil(ListKind::Strings).into()));
    }
    Ok(Value::strings(found))
}

fn replace(context: &mut Context, args: &[Value], literal: bool) -> Called {
    let [Value::Str(pattern), Value::Str(text), Value::Str(new)] = args else { return Err(args_error()) };
    let regex = compiled(pattern)?;
    context.charge(text.len().saturating_add(1).saturating_mul(new.len().saturating_add(1)))?;
    let replaced = if literal {
        regex.replace_all(text, NoExpand(new))
    } else {
        regex.replace_all(text, |found: &Captures<'_>| {
            let mut out = Vec::new();
            found.expand(new, &mut out);
            out
        })
    };
    Ok(Value::str(replaced.into_owned()))
}

fn split(args: &[Value]) -> Called {
    let [Value::Str(pattern), Value::Str(text), Value::Int(count)] = args else { return Err(args_error()) };
    let regex = compiled(pattern)?;
    let most = match *count {
        0 => return Ok(Value::List(List::nil(ListKind::Strings).into())),
        count => at_most(count),
    };
    if !pattern.is_empty() && text.is_empty() {
        return Ok(Value::strings([""]));
    }
    let mut pieces: Vec<Str> = Vec::new();
    let mut start = 0;
    let mut end = 0;
    for found in regex.find_iter(text) {
        if pieces.len() + 1 >= most {
            break;
        }
        end = found.start();
        // An empty match at the very start splits nothing off.
        if found.end() != 0 {
            pieces.push(Str::from(text.get(start..end).unwrap_or_default()));
        }
        start = found.end();
    }
    if end != text.len() {
        pieces.push(Str::from(text.get(start..).unwrap_or_default()));
    }
    Ok(Value::strings(pieces))
}

/// Go's `regexp.QuoteMeta`.
fn quoted(text: &[u8]) -> Vec<u8> {
    let special = |byte: u8| br"\.+*?()|[]{}^$".contains(&byte);
    text.iter().flat_map(|byte| special(*byte).then_some(b'\\').into_iter().chain([*byte])).collect()
}

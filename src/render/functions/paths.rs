//! Go's `path` and, the same on Unix, `path/filepath`.

use super::strings::map;
use super::{Called, args_error};
use crate::render::template::Context;
use crate::render::template::function::{Function, Type};
use crate::render::template::value::Value;

use Type::Str as Text;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("base", &[Text], |_, args| map(args, base)),
    Function::new("dir", &[Text], |_, args| map(args, dir)),
    Function::new("clean", &[Text], |_, args| map(args, clean)),
    Function::new("ext", &[Text], |_, args| map(args, ext)),
    Function::new("isAbs", &[Text], is_abs),
    Function::new("osBase", &[Text], |_, args| map(args, base)),
    Function::new("osDir", &[Text], |_, args| map(args, dir)),
    Function::new("osClean", &[Text], |_, args| map(args, clean)),
    Function::new("osExt", &[Text], |_, args| map(args, ext)),
    Function::new("osIsAbs", &[Text], is_abs),
];

fn is_abs(_: &mut Context, args: &[Value]) -> Called {
    let [Value::Str(path)] = args else { return Err(args_error()) };
    Ok(Value::Bool(path.starts_with(b"/")))
}

/// The last element; `.` for nothing, `/` for slashes only.
fn base(path: &[u8]) -> Vec<u8> {
    if path.is_empty() {
        return b".".to_vec();
    }
    match path.split(|byte| *byte == b'/').rfind(|part| !part.is_empty()) {
        Some(last) => last.to_vec(),
        None => b"/".to_vec(),
    }
}

/// All but the last element, cleaned.
fn dir(path: &[u8]) -> Vec<u8> {
    let end = path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    clean(path.get(..end).unwrap_or_default())
}

fn ext(path: &[u8]) -> Vec<u8> {
    let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or_default();
    let dot = last.iter().rposition(|byte| *byte == b'.');
    dot.and_then(|at| last.get(at..)).unwrap_or_default().to_vec()
}

/// Without double slashes, `.` and what `..` takes back.
pub(super) fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut kept: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." if kept.last().is_some_and(|last| *last != b"..") => {
                kept.pop();
            }
            b".." if rooted => {}
            part => kept.push(part),
        }
    }
    let joined = kept.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}

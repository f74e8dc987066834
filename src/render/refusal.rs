//! A template's failure in helm's words: helm 3 prints Go's line, helm 4 takes it apart into one line a level.

use super::profile::Profile;
use super::template::builtins::{WARN_END, WARN_START};
use super::template::errors::{Fault, FaultKind};

/// What helm says about a file that cannot be parsed.
pub fn parse(words: &str) -> String {
    let tokens: Vec<&str> = words.split(": ").collect();
    match tokens.as_slice() {
        [_, location, .., last] => format!("parse error at ({location}): {last}"),
        [_, last] => format!("parse error at ({last}): {last}"),
        _ => words.to_owned(),
    }
}

/// What helm says about a file that failed while it ran.
pub fn execution(profile: Profile, file: &str, fault: &Fault) -> String {
    let words = fault.to_string();
    if fault.kind() != FaultKind::Execution {
        return words;
    }
    let mut tokens = words.splitn(3, ": ");
    let (Some(_), Some(location), Some(rest)) = (tokens.next(), tokens.next(), tokens.next()) else {
        return format!("execution error in ({file}): {words}");
    };
    if let (Some(start), Some(end)) = (rest.find(WARN_START), rest.rfind(WARN_END))
        && start < end
    {
        return format!("execution error at ({location}): {}", &rest[start + WARN_START.len()..end]);
    }
    if !profile.is_four() {
        return words;
    }
    let mut out = String::new();
    let mut last: Option<Level<'_>> = None;
    let chain = fault.chain();
    for text in &chain {
        let Some(level) = level(text) else { return words };
        if last.as_ref() == Some(&level) {
            continue;
        }
        if !level.location.is_empty() {
            out.push_str(level.location);
            out.push_str("\n  ");
        }
        if !level.executed.is_empty() {
            out.push_str(&level.executed);
            out.push_str("\n    ");
        }
        if !level.message.is_empty() {
            out.push_str(level.message);
            out.push('\n');
        }
        last = Some(level);
    }
    out.trim().to_owned()
}

#[derive(Debug, PartialEq, Eq)]
struct Level<'t> {
    location: &'t str,
    executed: String,
    message: &'t str,
}

/// Helm's `parseTemplateExecErrorString`.
fn level(text: &str) -> Option<Level<'_>> {
    let rest = text.strip_prefix("template: ")?;
    if rest.starts_with("no template ") {
        return Some(Level { location: "", executed: String::new(), message: text });
    }
    executing(rest).or_else(|| {
        let at = rest.rfind(": ")?;
        Some(Level { location: &rest[..at], executed: String::new(), message: without_next(&rest[at + 2..]) })
    })
}

fn executing(rest: &str) -> Option<Level<'_>> {
    let (location, after) = rest.split_once(": executing ")?;
    let after = after.strip_prefix('"')?;
    let (name, after) = after.split_once('"')?;
    let (place, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
    Some(Level {
        location,
        executed: format!("executing \"{name}\" at <{place}>:"),
        message: without_next(message),
    })
}

/// Without the next level, which is told by itself.
fn without_next(message: &str) -> &str {
    message.find(" template:").map_or(message, |at| &message[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested() -> Fault {
        Fault::other("template: no template \"gone\" associated with template \"gotpl\"")
            .inside(
                FaultKind::Execution,
                "template: a/templates/_h.tpl:2:3: executing \"h\" at <include \"gone\" .>: error calling include: ",
            )
            .inside(
                FaultKind::Execution,
                "template: a/templates/x.yaml:1:3: executing \"a/templates/x.yaml\" at <include \"h\" .>: error calling include: ",
            )
    }

    #[test]
    fn each_helm_in_its_way() {
        assert!(
            execution(Profile::THREE, "a/templates/x.yaml", &nested())
                .starts_with("template: a/templates/x.yaml:1:3: ")
        );
        assert_eq!(
            execution(Profile::FOUR, "a/templates/x.yaml", &nested()),
            "a/templates/x.yaml:1:3\n  executing \"a/templates/x.yaml\" at <include \"h\" .>:\n    error calling include:\n\
             a/templates/_h.tpl:2:3\n  executing \"h\" at <include \"gone\" .>:\n    error calling include:\n\
             template: no template \"gone\" associated with template \"gotpl\""
        );
        let failed = Fault::other(format!("{WARN_START}say\nmore{WARN_END}")).inside(
            FaultKind::Execution,
            "template: a/t.yaml:1:3: executing \"a/t.yaml\" at <fail \"x\">: error calling fail: ",
        );
        assert_eq!(
            execution(Profile::FOUR, "a/t.yaml", &failed),
            "execution error at (a/t.yaml:1:3): say\nmore"
        );
        assert_eq!(
            parse("template: a/t.yaml:3: unexpected EOF"),
            "parse error at (a/t.yaml:3): unexpected EOF"
        );
    }
}

//! How differences are printed: object by object, worst first, what happens to each, then the lines that differ.

use super::out;
use crate::manifest::{Change, ChangeKind, ChangeSet, LineKind, text_diff};

/// Prints changes; with `lines` also the text that differs, once for objects with the same change.
pub(super) fn print(changes: &ChangeSet, lines: bool) {
    for words in lines_of(changes, lines) {
        out::line(&words);
    }
}

fn lines_of(changes: &ChangeSet, lines: bool) -> Vec<String> {
    let mut printed = Vec::new();
    for group in changes.groups() {
        for index in &group.members {
            let change = &changes.changes[*index];
            printed.push(headline(change));
            printed.extend(
                change.notes.iter().map(|note| format!("    note: {}", crate::base::text::one_line(note))),
            );
        }
        if !lines {
            continue;
        }
        if let Some(label) = group.label() {
            printed.push(format!("    {label}:"));
        }
        if let Some(change) = group.members.first().map(|index| &changes.changes[*index])
            && let (Some(before), Some(after)) = (&change.before, &change.after)
        {
            for hunk in text_diff(before, after) {
                printed.push(format!("    @@ {}", hunk.path).trim_end().to_owned());
                printed.extend(hunk.lines.iter().map(|line| {
                    let mark = match line.kind {
                        LineKind::Context => ' ',
                        LineKind::Added => '+',
                        LineKind::Removed => '-',
                    };
                    format!("    {mark} {}", line.text()).trim_end().to_owned()
                }));
            }
        }
    }
    printed
}

fn headline(change: &Change) -> String {
    let mark = match change.kind {
        ChangeKind::Added => '+',
        ChangeKind::Removed => '-',
        ChangeKind::Changed => '~',
    };
    let hook = if change.hook { " (hook)" } else { "" };
    format!("{mark} {}{hook}: {}", change.id.short(), change.summary)
}

/// `2 restarts, 1 added (3 unstable masked)`.
pub(super) fn headline_of(changes: &ChangeSet) -> String {
    let notes = changes.footnotes();
    let tail = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    format!("{}{tail}", changes.headline())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::manifest::{DiffOptions, Object, diff};
    use serde_json::json;

    fn object(name: &str, replicas: u32) -> Object {
        Object::from_value(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas}}))
        .unwrap()
    }

    #[test]
    fn the_same_change_is_shown_once() {
        let old = [object("a", 1), object("b", 1), object("c", 1)];
        let new = [object("a", 2), object("b", 2), object("d", 1)];
        let changes = diff(&old, &new, &DiffOptions::default());
        let printed = lines_of(&changes, true);
        let count = |part: &str| printed.iter().filter(|line| line.contains(part)).count();
        assert_eq!(count("scale 1 to 2"), 2, "{printed:#?}");
        assert_eq!(count("+   replicas: 2"), 1, "{printed:#?}");
        assert_eq!(count("same change in 2 objects"), 1, "{printed:#?}");
        assert!(printed.iter().any(|line| line.starts_with("- Deployment c: ")), "{printed:#?}");
        assert!(printed.iter().any(|line| line.starts_with("+ Deployment d: ")), "{printed:#?}");
        assert!(lines_of(&changes, false).iter().all(|line| !line.contains("replicas: ")));
    }
}

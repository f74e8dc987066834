//! A values file read again after an edit: only the top-level keys around the edit are read, all others are as they were.
//! What a key of a block map holds ends where the next key begins, as long as nothing (an anchor, a tag, a marker
//! between documents) reaches further; such texts are read as a whole.

use serde_json::{Map, Value};

use super::plain;
use super::read::Parsed;
use super::spans::Spans;

/// A text as it is now, from one that was read before and is the same for the most part. `None` where it has to be read
/// as a whole.
pub(super) fn read(text: &str, before: &Parsed) -> Option<Parsed> {
    let old = &**before.spans.text();
    let (start, end) = edited(old.as_bytes(), text.as_bytes());
    if start + end < text.len() / 2 {
        return None;
    }
    let Value::Object(known) = &before.value else { return None };
    // The first key that is touched: its own first byte is as it was.
    let first = before.starts.partition_point(|at| *at < start).checked_sub(1)?;
    // The first one after the edit, and after a line break that is as it was.
    let next = before.starts.partition_point(|at| *at <= old.len() - end);
    let from = before.starts[first];
    let to = before.starts.get(next).map_or(text.len(), |at| text.len() - (old.len() - at));
    let middle = text.get(from..to)?;
    if middle.lines().any(|line| ["---", "...", "%"].iter().any(|mark| line.starts_with(mark))) {
        return None;
    }
    let (Value::Object(own), starts) = plain::read_alone(middle)? else { return None };
    if starts.first() != Some(&0) {
        return None;
    }
    let entry = |(key, value): (&String, &Value)| (key.clone(), value.clone());
    let mut value: Map<String, Value> = known.iter().take(first).map(entry).collect();
    value.extend(own);
    value.extend(known.iter().skip(next).map(entry));
    let mut all = before.starts[..first].to_vec();
    all.extend(starts.iter().map(|at| from + at));
    all.extend(before.starts[next..].iter().map(|at| text.len() - (old.len() - at)));
    // A key that is written twice counts where it stands last.
    (value.len() == all.len()).then(|| Parsed {
        value: Value::Object(value),
        spans: Spans::of(text),
        starts: all,
    })
}

/// How many bytes two texts have in common at their starts, and behind that at their ends.
fn edited(old: &[u8], new: &[u8]) -> (usize, usize) {
    const CHUNK: usize = 64;
    let chunks = old.chunks_exact(CHUNK).zip(new.chunks_exact(CHUNK)).take_while(|(a, b)| a == b).count();
    let pairs = old[chunks * CHUNK..].iter().zip(&new[chunks * CHUNK..]);
    let start = chunks * CHUNK + pairs.take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[start..], &new[start..]);
    let chunks = old.rchunks_exact(CHUNK).zip(new.rchunks_exact(CHUNK)).take_while(|(a, b)| a == b).count();
    let (old, new) = (&old[..old.len() - chunks * CHUNK], &new[..new.len() - chunks * CHUNK]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    (start, chunks * CHUNK + end)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::super::read::parse_values;
    use super::*;

    fn again(old: &str, new: &str) -> Option<Parsed> {
        read(new, &parse_values(old).unwrap())
    }

    /// Whether the quick way was taken; then it gave what reading all gives.
    #[track_caller]
    fn is_quick(old: &str, new: &str) -> bool {
        let Some(quick) = again(old, new) else { return false };
        let whole = parse_values(new).unwrap();
        assert_eq!(quick.value.to_string(), whole.value.to_string(), "{old:?} → {new:?}");
        assert_eq!(quick.starts, whole.starts, "{old:?} → {new:?}");
        true
    }

    #[test]
    fn an_edit_inside_a_key_is_read_alone() {
        let old = "# head\na: 1\nb:\n  c: [1,\n    2]\n  d: |\n    text\n\n# note\ne:\n- x: 1\n- y\nf: 'g'\n";
        for (from, to) in [
            ("    text\n", "    text\n    more\n"),
            ("    2]", "    2, 3]"),
            ("- x: 1", "- x: 17"),
            ("b:\n", "b:\n  new: {}\n"),
            ("f: 'g'", "f: 'gh'"),
            ("f: 'g'\n", "f: 'g'\nh: 1\n"),
            ("# note\n", "# noted\n"),
            // Of the key before it.
            ("e:\n", "  x: 1\ne:\n"),
            ("- y\n", "- y\n- z\nz: 1\n"),
        ] {
            assert!(is_quick(old, &old.replacen(from, to, 1)), "{from:?} → {to:?}");
        }
    }

    #[test]
    fn what_reaches_further_is_read_as_a_whole() {
        let old = "a: 1\nb:\n  c: 2\nd:\n  e: 3\nf: 4\n";
        for (from, to) in [
            ("c: 2", "c: &x 2"),
            ("c: 2", "c: \"2"),
            ("c: 2", "c: {2"),
            ("  c: 2\n", "  c: 2\n---\n"),
            ("  c: 2\n", "  c: 2\n...\n"),
            ("  c: 2\n", "  c: 2\nf: 1\n"),
            ("b:\n", "b\n"),
            ("d:\n  e: 3", "d\n  e: 3"),
        ] {
            assert!(!is_quick(old, &old.replacen(from, to, 1)), "{from:?} → {to:?}");
        }
        for old in ["{a: 1,\nb: 2}\n", "a: 1\n? b\n: 2\n", "a: &x 1\nb: *x\n", "a: 1\na: 2\n", ""] {
            assert!(!is_quick(old, &format!("{old}c: 3\n")), "{old:?}");
        }
    }

    #[test]
    fn after_any_edit_the_same_as_read_as_a_whole() {
        const LINES: &str = "([a-d]: |[a-d]:\n|  [a-d]: |- |  - |  |\\[|\\]|\\{|\\}|, |\n|'|\"|&x |\\*x|\\||>|#|\\? |---\n|\\.\\.\\.\n|%|[a-z0-9.~]{1,4}|\t){0,5}";
        let quick = AtomicUsize::new(0);
        let config = ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() };
        let old = prop::collection::vec(
            ("[a-j]", "(1|x|\\[y, z\\]|\n  k: 1|\n- 1\n- 2|\\|\n  text|'q'|\"d\")"),
            1..6,
        );
        let strategy = (old, any::<prop::sample::Index>(), 0..4_usize, LINES);
        proptest!(config, |((old, at, gone, new) in strategy)| {
            let old: Vec<String> = old.iter().map(|(key, value)| format!("{key}: {value}\n")).collect();
            let old = old.concat();
            let at = at.index(old.len() + 1);
            let edited = format!("{}{new}{}", &old[..at], &old[(at + gone).min(old.len())..]);
            let Some(found) = again(&old, &edited) else { return Ok(()) };
            quick.fetch_add(1, Ordering::Relaxed);
            let whole = parse_values(&edited);
            prop_assert!(whole.is_ok(), "{old:?} → {edited:?}: {whole:?}");
            let whole = whole.unwrap();
            prop_assert_eq!(found.value.to_string(), whole.value.to_string(), "{:?} → {:?}", old, edited);
            prop_assert_eq!(found.starts, whole.starts, "{:?} → {:?}", old, edited);
        });
        assert!(quick.into_inner() > 200, "edits are read alone");
    }
}

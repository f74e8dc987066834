//! Each case is what a person would have typed; the properties hold for any edit of any of the texts.

#![allow(clippy::unwrap_used, clippy::panic, clippy::needless_pass_by_value)]

use super::*;
use crate::yaml::read;
use crate::yaml::write::tests::any_value;
use proptest::prelude::*;
use serde_json::json;

const VALUES: &str = "# Platform values.\n\nglobal:\n  environment: dev   # logical name\n\n# -- Web\nweb:\n  replicas: 1\n  image:\n    repository: 'repo/web'\n    tag: \"1.0\"\n  resources: {}\n  args: [a, \"b\"]\n  env:\n  - name: A\n    value: \"x\"\n  - name: B\n    value: y\n  script: |\n    echo one\n    echo two\n\n  # trailing thoughts\n\nflat: {a: 1, b: {c: 2}}\nempty:\n8080: port\ndup: 1\ndup: 2\nlist:\n  - 1\n  - 2 # two\nlast: end\n";

fn path(text: &str) -> KeyPath {
    KeyPath::parse(text).unwrap()
}

/// The lines that went and the lines that came, in order.
fn delta(old: &str, new: &str) -> (Vec<String>, Vec<String>) {
    let diff = similar::TextDiff::from_lines(old, new);
    let (mut gone, mut came) = (Vec::new(), Vec::new());
    for change in diff.iter_all_changes() {
        let line = change.value().trim_end_matches('\n').to_owned();
        match change.tag() {
            similar::ChangeTag::Delete => gone.push(line),
            similar::ChangeTag::Insert => came.push(line),
            similar::ChangeTag::Equal => {}
        }
    }
    (gone, came)
}

#[track_caller]
fn sets(at: &str, value: Value, gone: &[&str], came: &[&str]) {
    for crlf in [false, true] {
        let text = if crlf { VALUES.replace('\n', "\r\n") } else { VALUES.to_owned() };
        let after = set(&text, &path(at), &value).unwrap_or_else(|refused| panic!("{at}: {refused}"));
        assert_eq!(after.matches("\r\n").count() == after.matches('\n').count(), crlf);
        let (old, new) = (text.replace('\r', ""), after.replace('\r', ""));
        assert_eq!(
            delta(&old, &new),
            (gone.iter().map(ToString::to_string).collect(), came.iter().map(ToString::to_string).collect()),
            "{at}\n{new}"
        );
        assert_eq!(path(at).get(&read(&after).unwrap()), Some(&value));
    }
}

#[track_caller]
fn removes(at: &str, gone: &[&str], came: &[&str]) {
    let after = remove(VALUES, &path(at)).unwrap_or_else(|refused| panic!("{at}: {refused}"));
    assert_eq!(
        delta(VALUES, &after),
        (gone.iter().map(ToString::to_string).collect(), came.iter().map(ToString::to_string).collect()),
        "{at}\n{after}"
    );
}

#[test]
fn scalars_keep_their_quotes_and_comments() {
    sets("web.replicas", json!(3), &["  replicas: 1"], &["  replicas: 3"]);
    sets(
        "global.environment",
        json!("prod"),
        &["  environment: dev   # logical name"],
        &["  environment: prod   # logical name"],
    );
    sets(
        "web.image.repository",
        json!("other/it's"),
        &["    repository: 'repo/web'"],
        &["    repository: 'other/it''s'"],
    );
    sets("web.image.tag", json!("2.0"), &["    tag: \"1.0\""], &["    tag: \"2.0\""]);
    sets("web.image.tag", json!(2), &["    tag: \"1.0\""], &["    tag: 2"]);
    sets("last", json!("on"), &["last: end"], &["last: \"on\""]);
    sets("empty", json!(1), &["empty:"], &["empty: 1"]);
    sets("8080", json!("x"), &["8080: port"], &["8080: x"]);
    sets("dup", json!(3), &["dup: 2"], &["dup: 3"]);
    sets("web.env[1].value", json!("z"), &["    value: y"], &["    value: z"]);
    sets("flat.b.c", json!("a, b"), &["flat: {a: 1, b: {c: 2}}"], &["flat: {a: 1, b: {c: \"a, b\"}}"]);
    sets("web.script", json!("echo one\necho 2\n"), &["    echo two"], &["    echo 2"]);
    sets(
        "web.script",
        json!("short"),
        &["  script: |", "    echo one", "    echo two"],
        &["  script: short"],
    );
    sets("last", json!("a\nb\n"), &["last: end"], &["last: |", "  a", "  b"]);
    assert_eq!(set(VALUES, &path("web.replicas"), &json!(1)).unwrap(), VALUES);
}

#[test]
fn new_keys_stand_where_they_belong() {
    sets("global.region", json!("eu"), &[], &["  region: eu"]);
    sets("web.image.pullPolicy", json!("Always"), &[], &["    pullPolicy: Always"]);
    sets(
        "web.resources.limits.cpu",
        json!("100m"),
        &["  resources: {}"],
        &["  resources:", "    limits:", "      cpu: 100m"],
    );
    sets("flat.d", json!([1]), &["flat: {a: 1, b: {c: 2}}"], &["flat: {a: 1, b: {c: 2}, d: [1]}"]);
    sets("empty.a.b", json!(true), &[], &["  a:", "    b: true"]);
    sets(
        "brand.new",
        json!({"x": [1, {"k": "z"}]}),
        &[],
        &["brand:", "  new:", "    x:", "      - 1", "      - k: z"],
    );
    sets("web.args[2]", json!("c"), &["  args: [a, \"b\"]"], &["  args: [a, \"b\", c]"]);
    sets("web.env[2]", json!({"name": "C", "value": "1"}), &[], &["  - name: C", "    value: \"1\""]);
    sets("web.env[0].extra", json!(1), &[], &["    extra: 1"]);
    sets("list[2]", json!(3), &[], &["  - 3"]);
}

#[test]
fn whole_maps_and_lists_change_only_where_they_differ() {
    sets(
        "web.image",
        json!({"repository": "repo/web", "tag": "1.1", "digest": "x"}),
        &["    tag: \"1.0\""],
        &["    tag: \"1.1\"", "    digest: x"],
    );
    sets("list", json!([1, 5]), &["  - 2 # two"], &["  - 5 # two"]);
    sets("list", json!([1]), &["  - 2 # two"], &[]);
    sets("list", json!([]), &["list:", "  - 1", "  - 2 # two"], &["list: [] # two"]);
    sets(
        "web.image",
        json!("inline"),
        &["  image:", "    repository: 'repo/web'", "    tag: \"1.0\""],
        &["  image: inline"],
    );
    sets("web.replicas", json!({"min": 1}), &["  replicas: 1"], &["  replicas:", "    min: 1"]);
}

#[test]
fn removed_keys_leave_the_rest() {
    removes("web.replicas", &["  replicas: 1"], &[]);
    removes("web.image", &["  image:", "    repository: 'repo/web'", "    tag: \"1.0\""], &[]);
    removes(
        "global.environment",
        &["global:", "  environment: dev   # logical name"],
        &["global: {}   # logical name"],
    );
    removes("web.env[0]", &["  - name: A", "    value: \"x\""], &[]);
    removes("web.env[0].name", &["  - name: A", "    value: \"x\""], &["  - value: \"x\""]);
    removes("flat.a", &["flat: {a: 1, b: {c: 2}}"], &["flat: {b: {c: 2}}"]);
    removes("flat.b", &["flat: {a: 1, b: {c: 2}}"], &["flat: {a: 1}"]);
    removes("flat.b.c", &["flat: {a: 1, b: {c: 2}}"], &["flat: {a: 1, b: {}}"]);
    removes("dup", &["dup: 1", "dup: 2"], &[]);
    removes("web.script", &["  script: |", "    echo one", "    echo two"], &[]);
    removes("last", &["last: end"], &[]);
    removes("nothing.here", &[], &[]);
}

#[test]
fn files_without_content_and_without_a_final_line_break() {
    let set = |text: &str, at: &str, value: Value| set(text, &path(at), &value).unwrap();
    assert_eq!(set("", "a.b", json!(1)), "a:\n  b: 1\n");
    assert_eq!(set("# note", "a", json!(1)), "# note\na: 1\n");
    assert_eq!(set("# note\r\n", "a", json!(1)), "# note\r\na: 1\r\n");
    assert_eq!(set("{}\n", "a", json!(1)), "a: 1\n");
    assert_eq!(set("\u{feff}a: 1\n", "b", json!(2)), "\u{feff}a: 1\nb: 2\n");
    assert_eq!(set("a: 1", "b", json!(2)), "a: 1\nb: 2");
    assert_eq!(set("---\na: 1\n# end\n", "b", json!(2)), "---\na: 1\nb: 2\n# end\n");
    assert_eq!(set("a: # c\n  b: 1\n", "a", json!(5)), "a: 5 # c\n");
    assert_eq!(set("a: null\n", "a.b", json!(5)), "a:\n  b: 5\n");
    assert_eq!(set("a:\n- x\n", "a[0]", json!({"k": 1, "l": 2})), "a:\n- k: 1\n  l: 2\n");
    assert_eq!(remove("a: 1\nb: 2", &path("b")).unwrap(), "a: 1");
    assert_eq!(remove("# c\na: 1\n", &path("a")).unwrap(), "# c\n");
    assert_eq!(remove("\u{feff}a: 1\nb: 2\n", &path("a")).unwrap(), "\u{feff}b: 2\n");
}

#[test]
fn what_is_shared_or_strange_is_refused_with_its_reason() {
    let text = "base: &b\n  x: 1\nuse: *b\nmix:\n  <<: *b\n  w: 1\ntag: !!str 1\nlone: &l {z: 1}\n";
    let why = |at: &str, value: Value| set(text, &path(at), &value).unwrap_err();
    assert_eq!(
        why("base.x", json!(2)),
        Refused { reason: "base is shared: line 3 uses it as *b".into(), line: Some(1) }
    );
    assert_eq!(why("use.x", json!(2)).reason, "use is *b, written at line 2 for several places");
    assert!(why("tag", json!(2)).reason.contains("carries the tag str"));
    assert_eq!(set(text, &path("lone.z"), &json!(2)).unwrap(), text.replace("z: 1", "z: 2"));
    // Over a merged key an own one is written, which is what a person would do.
    assert_eq!(set(text, &path("mix.x"), &json!(2)).unwrap(), text.replace("  w: 1\n", "  w: 1\n  x: 2\n"));
    assert!(remove(text, &path("mix.x")).unwrap_err().reason.contains("merge key"));
    assert!(
        set("a: 1\n", &path("a.b"), &json!(1))
            .unwrap_err()
            .reason
            .contains("an integer where a map is needed")
    );
    assert!(set("a: [1]\n", &path("a[5]"), &json!(1)).unwrap_err().reason.contains("has 1 items"));
    let broken = set("a: [1\nb: 2\n", &path("b"), &json!(1)).unwrap_err();
    assert!(broken.reason.starts_with("not valid YAML"), "{broken}");
}

#[test]
fn a_line_of_a_megabyte_is_edited() {
    let mut text = String::new();
    for section in 0..2_500 {
        text.extend([format!("section{section}:\n  # what it is\n  enabled: true\n  name: \"name-{section}\"\n  nested:\n    deep:\n      value: {section}\n      list: [a, b, c]\n  text: some longer text that fills the line up to eighty characters or so\n  more: another line of text that makes this file as large as it must be for this test, and then some\n  again: and another line of text that makes this file as large as it must be for this test, and more\n")]);
    }
    assert!(text.len() > 1_000_000);
    let after = set(&text, &path("section1200.nested.deep.value"), &json!(-1)).unwrap();
    assert_eq!(delta(&text, &after), (vec!["      value: 1200".into()], vec!["      value: -1".into()]));
}

/// Every path of a value, containers included.
fn paths(at: &KeyPath, value: &Value, found: &mut Vec<KeyPath>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                found.push(at.key(key));
                paths(&at.key(key), value, found);
            }
        }
        Value::Array(list) => {
            for (index, value) in list.iter().enumerate() {
                found.push(at.index(index));
                paths(&at.index(index), value, found);
            }
        }
        _ => {}
    }
}

/// Every values file of the repository's charts and fixtures.
fn values_files() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut pending = vec![root.join("charts"), root.join("tests/fixtures/charts")];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if path.is_dir() {
                pending.push(path);
            } else if name.starts_with("values") && path.extension().is_some_and(|end| end == "yaml") {
                found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(found.len() >= 8, "only {} values files", found.len());
    found
}

#[test]
fn every_leaf_of_the_real_files_changes_one_line_and_changes_back() {
    let mut edited = 0;
    for (file, text) in values_files() {
        let Ok(before) = read(&text) else { continue };
        let spans = crate::yaml::Spans::of(&text);
        let mut all = vec![];
        paths(&KeyPath::root(), &before, &mut all);
        // What a merge key brings is overridden by a line of its own: another case, above.
        all.retain(|at| spans.get(at).is_some_and(|place| !place.shared));
        for at in all {
            let old = at.get(&before).unwrap();
            let new = match old {
                Value::Bool(flag) => Value::Bool(!flag),
                Value::Number(number) => json!(number.as_i64().unwrap_or(0) + 1),
                Value::String(text) if !text.contains('\n') => Value::String(format!("{text}x")),
                _ => continue,
            };
            match set(&text, &at, &new) {
                Ok(after) => {
                    let (gone, came) = delta(&text, &after);
                    assert_eq!((gone.len(), came.len()), (1, 1), "{file} {at}: {gone:?} {came:?}");
                    assert!(set(&after, &at, old).unwrap() == text, "{file} {at}");
                    edited += 1;
                }
                // Only what is shared may be refused.
                Err(refused) => assert!(text.contains('&'), "{file} {at}: {refused}"),
            }
        }
    }
    assert!(edited > 200, "only {edited} edits");
}

#[test]
fn every_key_of_the_real_files_can_be_removed_and_none_added_twice() {
    for (file, text) in values_files() {
        let Ok(before) = read(&text) else { continue };
        let mut all = vec![];
        paths(&KeyPath::root(), &before, &mut all);
        for at in all.iter().step_by(7) {
            match remove(&text, at) {
                Ok(after) => {
                    // A list's later items move up, so the path may still be there.
                    let key = matches!(at.0.last(), Some(Segment::Key(_)));
                    assert!(!key || at.get(&read(&after).unwrap()).is_none(), "{file} {at}");
                    assert!(delta(&text, &after).1.len() <= 1, "{file} {at}");
                }
                Err(refused) => assert!(text.contains('&'), "{file} {at}: {refused}"),
            }
            if at.get(&before).is_some_and(Value::is_object) {
                let new = at.key("zzAdded");
                let after = set(&text, &new, &json!("here"))
                    .unwrap_or_else(|refused| panic!("{file} {new}: {refused}"));
                assert_eq!(delta(&text, &after).1.len().max(1), delta(&text, &after).1.len(), "{file} {new}");
                // Back again is the very same text, unless the map was empty and had to be opened.
                if at.get(&before).unwrap().as_object().is_some_and(|map| !map.is_empty()) {
                    assert!(remove(&after, &new).unwrap() == text, "{file} {new}");
                }
            }
        }
    }
}

/// A second reader of the same YAML, from another crate: what both say is what the file says.
#[test]
fn another_reader_sees_the_same_values() {
    let options = serde_saphyr::options! {
        duplicate_keys: serde_saphyr::DuplicateKeyPolicy::LastWins,
        legacy_octal_numbers: true,
    };
    let mut compared = 0;
    for (file, text) in values_files() {
        let (Ok(ours), Ok(theirs)) =
            (read(&text), serde_saphyr::from_str_with_options::<Value>(&text, options.clone()))
        else {
            continue;
        };
        assert_eq!(ours, theirs, "{file}");
        compared += 1;
    }
    assert!(compared >= 8, "only {compared} files");
}

fn comments(text: &str) -> Vec<&str> {
    text.lines().filter(|line| line.trim_start().starts_with('#')).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn any_set_is_exact(pick in any::<prop::sample::Index>(), value in any_value(), added in "[a-z]{1,5}", deep in any::<bool>(), crlf in any::<bool>()) {
        let text = if crlf { VALUES.replace('\n', "\r\n") } else { VALUES.to_owned() };
        let before = read(&text).unwrap();
        let mut all = vec![];
        paths(&KeyPath::root(), &before, &mut all);
        let mut at = pick.get(&all).clone();
        if deep {
            at = at.key(added);
        }
        match set(&text, &at, &value) {
            Ok(after) => {
                let expected = set_in(before.clone(), &at.0, &value).unwrap();
                prop_assert_eq!(&read(&after).unwrap(), &expected, "{} in {}", at, after);
                // Comment lines survive in their order, except inside a map or list that was replaced whole.
                if at.get(&before).is_none_or(|old| !old.is_object() && !old.is_array()) {
                    prop_assert_eq!(comments(&text), comments(&after).into_iter().filter(|line| comments(&text).contains(line)).collect::<Vec<_>>());
                }
                if crlf {
                    prop_assert_eq!(after.matches('\n').count(), after.matches("\r\n").count());
                }
                // The way back is exact for values: what was set can be set again to what it was.
                if let Some(old) = at.get(&before) {
                    let back = set(&after, &at, old).unwrap();
                    prop_assert_eq!(read(&back).unwrap(), before);
                }
            }
            Err(refused) => prop_assert!(deep, "{at} = {value}: {refused}"),
        }
    }

    #[test]
    fn any_scalar_edit_touches_one_line(pick in any::<prop::sample::Index>(), number in any::<i16>(), word in "[a-z]{1,8}", text_wanted in any::<bool>()) {
        let before = read(VALUES).unwrap();
        let mut all = vec![];
        paths(&KeyPath::root(), &before, &mut all);
        all.retain(|at| !matches!(at.get(&before), Some(Value::Object(_) | Value::Array(_))) && at.to_string() != "web.script");
        let at = pick.get(&all);
        let value = if text_wanted { Value::from(word) } else { Value::from(number) };
        let after = set(VALUES, at, &value).unwrap();
        let (gone, came) = delta(VALUES, &after);
        prop_assert!(gone.len() == came.len() && came.len() <= 1, "{at}: {gone:?} {came:?}");
    }

    #[test]
    fn any_removal_is_exact(pick in any::<prop::sample::Index>()) {
        let before = read(VALUES).unwrap();
        let mut all = vec![];
        paths(&KeyPath::root(), &before, &mut all);
        let at = pick.get(&all);
        let after = remove(VALUES, at).unwrap();
        let mut expected = before;
        remove_in(&mut expected, &at.0);
        prop_assert_eq!(read(&after).unwrap(), expected);
        prop_assert!(delta(VALUES, &after).1.len() <= 1, "{at}: {after}");
    }

    #[test]
    fn chains_of_edits_on_generated_documents(start in any_value(), edits in prop::collection::vec((any::<prop::sample::Index>(), any_value(), any::<bool>()), 1..6)) {
        let mut text = crate::yaml::write(&json!({ "root": start }));
        for (pick, value, removing) in edits {
            let now = read(&text).unwrap();
            let mut all = vec![path("root")];
            paths(&KeyPath::root(), &now, &mut all);
            let at = pick.get(&all);
            let (result, expected) = if removing {
                let mut expected = now.clone();
                remove_in(&mut expected, &at.0);
                (remove(&text, at), expected)
            } else {
                (set(&text, at, &value), set_in(now.clone(), &at.0, &value).unwrap_or(now.clone()))
            };
            match result {
                Ok(after) => {
                    prop_assert_eq!(normal(read(&after).unwrap()), normal(expected), "{} in\n{}\nto\n{}", at, text, after);
                    text = after;
                }
                Err(refused) => prop_assert!(false, "{} := {} (remove {}) in\n{}\n{}", at, value, removing, text, refused),
            }
        }
    }
}

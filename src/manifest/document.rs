//! Splitting a manifest into documents as helm does, and reading them into objects.

use std::sync::Arc;

use serde_json::Value;

use super::object::Object;
use crate::base::{Error, Result};
use crate::yaml;

/// The objects of a manifest in its order; documents without content are left out and lists are expanded.
///
/// Fails with the manifest's line and the template when a document is not YAML or no Kubernetes object.
pub fn parse(text: &str) -> Result<Vec<Object>> {
    parse_from(text, None)
}

/// As [`parse`], for text whose template is known from elsewhere (a hook in a release record).
pub fn parse_from(text: &str, source: Option<&str>) -> Result<Vec<Object>> {
    let mut objects = Vec::new();
    for document in split(text) {
        let source = document.source.or(source).map(str::to_owned);
        let place = |line: usize| match &source {
            Some(source) => format!("{source} (line {line} of the manifest)"),
            None => format!("line {line} of the manifest"),
        };
        let value = yaml::read(document.text).map_err(|error| {
            Error::new("the manifest is not YAML")
                .at(place(document.first_line + error.line.saturating_sub(1)))
                .because(&error.message)
        })?;
        if value.is_null() {
            continue;
        }
        let refused = |what: &str| {
            Error::new(what)
                .at(place(document.first_line))
                .next("look at the template that renders this document")
        };
        if let Some(items) = list_items(&value) {
            for item in items {
                let text = yaml::write(item);
                let object = Object::read(item.clone(), Arc::from(text), source.clone(), document.first_line)
                    .ok_or_else(|| refused("an item of the list has no kind or no name"))?;
                objects.push(object);
            }
            continue;
        }
        let object = Object::read(value, Arc::from(document.text), source.clone(), document.first_line)
            .ok_or_else(|| refused("a document has no kind or no name"))?;
        objects.push(object);
    }
    Ok(objects)
}

/// The items of `kind: List` and of typed lists such as `ConfigMapList`; a kind of its own that merely ends in
/// "List" has a name and is left alone.
fn list_items(value: &Value) -> Option<&Vec<Value>> {
    let kind = value.get("kind")?.as_str()?;
    let named = value.pointer("/metadata/name").is_some();
    if kind.ends_with("List") && !named { value.get("items")?.as_array() } else { None }
}

/// One document of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Document<'t> {
    source: Option<&'t str>,
    text: &'t str,
    /// Where `text` begins, from 1.
    first_line: usize,
}

/// Splits at lines that begin with `---`. Inside a block scalar of a map every line is indented, so such a line
/// always separates; helm splits at the same places.
fn split(text: &str) -> Vec<Document<'_>> {
    let mut documents = Vec::new();
    let mut start = 0;
    let mut start_line = 1;
    let mut offset = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let rest = line.strip_prefix("---");
        if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            documents.extend(document(&text[start..offset], start_line));
            if rest.trim().is_empty() || rest.trim_start().starts_with('#') {
                start = offset + line.len();
                start_line = index + 2;
            } else {
                // `--- {a: b}`: the content begins on the marker's line.
                start = offset + 3;
                start_line = index + 1;
            }
        }
        offset += line.len();
    }
    documents.extend(document(&text[start..], start_line));
    documents
}

/// Takes leading blank lines and comments off; `None` when nothing else is there.
fn document(text: &str, first_line: usize) -> Option<Document<'_>> {
    let mut source = None;
    let mut skipped = 0;
    let mut lines = 0;
    for line in text.split_inclusive('\n') {
        let trimmed = line.trim();
        if let Some(path) = trimmed.strip_prefix("# Source:") {
            source = Some(path.trim());
        } else if !trimmed.is_empty() && !trimmed.starts_with('#') {
            break;
        }
        skipped += line.len();
        lines += 1;
    }
    let body = text[skipped..].trim_end();
    if body.is_empty() { None } else { Some(Document { source, text: body, first_line: first_line + lines }) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::format_push_string)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TWO: &str = "---\n# Source: floe/templates/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: |\n    one\n    ---\n    two\n---\n# Source: floe/templates/b.yaml\n\napiVersion: v1\nkind: Service\nmetadata:\n  name: b\n";

    #[test]
    fn documents_keep_source_and_line() {
        let objects = parse(TWO).unwrap();
        assert_eq!(objects.len(), 2);
        assert_eq!(objects[0].source.as_deref(), Some("floe/templates/a.yaml"));
        assert_eq!(objects[0].first_line, 3);
        assert_eq!(objects[0].value["data"]["x"], "one\n---\ntwo\n");
        assert_eq!(objects[1].id.short(), "Service b");
        assert_eq!(objects[1].first_line, 15);
        assert!(objects[1].text.starts_with("apiVersion"));
    }

    #[test]
    fn empty_documents_windows_line_ends_and_markers_with_content() {
        assert!(parse("").unwrap().is_empty());
        assert!(parse("---\n---\n# only a comment\n---\n").unwrap().is_empty());
        let objects = parse("---\r\nkind: A\r\nmetadata: {name: a}\r\n--- # next\r\nkind: B\r\nmetadata: {name: b}\r\n--- {kind: C, metadata: {name: c}}\n").unwrap();
        let kinds: Vec<_> = objects.iter().map(|object| object.id.kind.as_str()).collect();
        assert_eq!(kinds, ["A", "B", "C"]);
    }

    #[test]
    fn lists_are_expanded() {
        let objects =
            parse("kind: List\nitems:\n- {kind: A, metadata: {name: a}}\n- {kind: B, metadata: {name: b}}\n")
                .unwrap();
        assert_eq!(objects.len(), 2);
        let crd = parse("kind: AllowList\nmetadata: {name: x}\nitems: []\n").unwrap();
        assert_eq!(crd[0].id.kind, "AllowList");
    }

    #[test]
    fn errors_name_template_and_line() {
        let error = parse("---\n# Source: f/templates/x.yaml\nkind: A\nmetadata: {name: [}\n").unwrap_err();
        assert!(error.place.as_deref().unwrap().starts_with("f/templates/x.yaml (line 4"), "{error}");
        let error = parse("---\nkind: A\n").unwrap_err();
        assert_eq!(error.what, "a document has no kind or no name");
        assert_eq!(error.place.as_deref(), Some("line 2 of the manifest"));
    }

    proptest! {
        #[test]
        fn as_many_objects_as_were_written(names in prop::collection::vec("[a-z]{1,8}", 0..6), blank in 0usize..3) {
            let mut text = String::new();
            for name in &names {
                text.push_str("---\n");
                text.push_str(&"\n".repeat(blank));
                text.push_str(&format!("# Source: c/templates/{name}.yaml\nkind: Thing\nmetadata:\n  name: {name:?}\n"));
            }
            let objects = parse(&text).unwrap();
            prop_assert_eq!(objects.len(), names.len());
            for (object, name) in objects.iter().zip(&names) {
                prop_assert_eq!(&object.id.name, name);
                let line = text.lines().nth(object.first_line - 1);
                prop_assert_eq!(line, object.text.lines().next());
            }
        }

        #[test]
        fn any_text_is_answered(text in "(---|# Source: x|kind: A|metadata: \\{name: a\\}|[ -~]{0,10}|\n){0,12}") {
            let _ = parse(&text);
        }
    }
}

//! Splitting a manifest into documents as helm does, and reading them into objects.

use std::sync::Arc;

use serde_json::Value;

use super::object::Object;
use crate::base::{Error, Result};
use crate::render::Output;
use crate::render::manifests;
use crate::yaml;

/// The objects of a manifest in its order; documents without content are left out and lists are expanded.
///
/// Fails with the manifest's line and the template when a document is not YAML or no Kubernetes object.
pub fn parse(text: &str) -> Result<Vec<Object>> {
    parse_from(text, None)
}

/// As [`parse`], for text whose template is known from elsewhere (a hook in a release record).
pub fn parse_from(text: &str, source: Option<&str>) -> Result<Vec<Object>> {
    objects_in(text, source, read).map_err(|unread| unread.error(0))
}

/// The objects of what the engine printed: as [`parse`] gives them, without reading any document again where that can
/// be. What two renderings share, their objects share.
///
/// # Errors
/// As [`parse`].
pub fn of_output(output: &Output) -> Result<Vec<Object>> {
    match &output.printed {
        Some(printed) => of_printed(printed),
        None => parse(output.manifest()),
    }
}

fn of_printed(printed: &[Arc<manifests::Document>]) -> Result<Vec<Object>> {
    let mut objects = Vec::with_capacity(printed.len());
    for (index, document) in printed.iter().enumerate() {
        let found = document.derived.get_or_make(|| of_document(document));
        match &*found {
            Ok(found) => objects.extend(found.iter().cloned()),
            Err(unread) => {
                let (_, first_lines) = manifests::joined(&[], printed);
                return Err(unread.error(first_lines[index] - 1));
            }
        }
    }
    Ok(objects)
}

fn of_document(rendered: &manifests::Document) -> Result<Vec<Object>, Unread> {
    // What only helm 3 leaves together is read apart.
    let is_one = !rendered.content.starts_with("---") && !rendered.content.contains("\n---");
    objects_in(&rendered.content, Some(&rendered.source), |text| {
        if is_one { objects_of(rendered.value.clone(), text) } else { read(text) }
    })
}

/// Why a text is not read: where in it, and what is wrong.
#[derive(Debug)]
struct Unread {
    source: Option<String>,
    /// Of the document and in the document, from 1.
    lines: (usize, usize),
    fault: Fault,
}

#[derive(Debug)]
enum Fault {
    Yaml(String),
    Object(&'static str),
}

impl Unread {
    /// For a text that has so many lines of the manifest before it.
    fn error(&self, before: usize) -> Error {
        let (document, line) = self.lines;
        let place = |line: usize| match &self.source {
            Some(source) => format!("{source} (line {line} of the manifest)"),
            None => format!("line {line} of the manifest"),
        };
        match &self.fault {
            Fault::Yaml(message) => Error::new("the manifest is not YAML")
                .at(place(before + document + line.saturating_sub(1)))
                .because(message),
            Fault::Object(what) => Error::new(*what)
                .at(place(before + document))
                .next("look at the template that renders this document"),
        }
    }
}

/// Reads the documents of a text; `source` is the template of those that do not name one.
fn objects_in(
    text: &str,
    source: Option<&str>,
    read: impl Fn(&str) -> Result<Vec<Object>, (usize, Fault)>,
) -> Result<Vec<Object>, Unread> {
    let mut objects = Vec::new();
    for document in split(text) {
        let source = document.source.or(source);
        let found = read(document.text).map_err(|(line, fault)| Unread {
            source: source.map(str::to_owned),
            lines: (document.first_line, line),
            fault,
        })?;
        objects.extend(found.into_iter().map(|object| object.of_template(source)));
    }
    Ok(objects)
}

/// The objects of one document, as if it were all there is; nothing for one without content.
fn read(document: &str) -> Result<Vec<Object>, (usize, Fault)> {
    let value = yaml::read(document).map_err(|error| (error.line, Fault::Yaml(error.message)))?;
    objects_of(Arc::new(value), document)
}

fn objects_of(value: Arc<Value>, text: &str) -> Result<Vec<Object>, (usize, Fault)> {
    if value.is_null() {
        return Ok(Vec::new());
    }
    let Some(items) = list_items(&value) else {
        let object = Object::read(value, Arc::from(text), None);
        return Ok(vec![object.ok_or((1, Fault::Object("a document has no kind or no name")))?]);
    };
    let item = |item: &Value| {
        let object = Object::from_value(item.clone());
        object.ok_or((1, Fault::Object("an item of the list has no kind or no name")))
    };
    items.iter().map(item).collect()
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
    let (mut start, mut start_line) = (0, 1);
    // Where lines were counted up to, and how many there are before.
    let (mut counted, mut before) = (0, 0);
    let first = text.starts_with("---").then_some(0);
    let others = memchr::memmem::find_iter(text.as_bytes(), b"\n---").map(|at| at + 1);
    for marker in first.into_iter().chain(others) {
        let rest = text[marker + 3..].split_inclusive('\n').next().unwrap_or_default();
        if !(rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            continue;
        }
        documents.extend(document(&text[start..marker], start_line));
        before += memchr::memchr_iter(b'\n', &text.as_bytes()[counted..marker]).count();
        counted = marker;
        if rest.trim().is_empty() || rest.trim_start().starts_with('#') {
            (start, start_line) = (marker + 3 + rest.len(), before + 2);
        } else {
            // `--- {a: b}`: the content begins on the marker's line.
            (start, start_line) = (marker + 3, before + 1);
        }
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
    use crate::render::Profile;
    use crate::render::manifests::Reading;
    use proptest::prelude::*;

    const TWO: &str = "---\n# Source: floe/templates/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  x: |\n    one\n    ---\n    two\n---\n# Source: floe/templates/b.yaml\n\napiVersion: v1\nkind: Service\nmetadata:\n  name: b\n";

    #[test]
    fn documents_keep_source_and_line() {
        let objects = parse(TWO).unwrap();
        assert_eq!(objects.len(), 2);
        let first_lines: Vec<usize> = split(TWO).iter().map(|document| document.first_line).collect();
        assert_eq!(first_lines, [3, 15]);
        assert_eq!(objects[0].source.as_deref(), Some("floe/templates/a.yaml"));
        assert_eq!(objects[0].value["data"]["x"], "one\n---\ntwo\n");
        assert_eq!(objects[1].id.short(), "Service b");
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
    fn what_the_engine_printed_is_read_once_and_gives_what_reading_it_all_gives() {
        let printed = |profile: Profile, files: &[&str]| {
            let mut read = |text: &str| Reading::of(profile, text);
            let file = |(index, text): (usize, &&str)| {
                let name = format!("c/templates/{index}.yaml").into();
                manifests::documents(profile, &name, text, &mut read).unwrap()
            };
            let documents: Vec<_> = files.iter().enumerate().flat_map(file).collect();
            let printed = manifests::sort(profile, &documents).printed(false);
            (manifests::joined(&[], &printed).0, printed)
        };
        let hook = "kind: Job\nmetadata:\n  name: j\n  annotations: {helm.sh/hook: pre-install}\n";
        let files = [
            "# a comment\n\nkind: B\nmetadata: {name: b}\n---\n# nothing\n--- \n{kind: A, metadata: {name: a}}\n\n\n",
            "kind: List\nitems:\n- {kind: A, metadata: {name: one}}\n- {kind: A, metadata: {name: two}}\n",
            "# Source: other/templates/z.yaml\n\nkind: Service\nmetadata: {name: s}\n\n\n",
            hook,
        ];
        // Helm 3 cuts at fewer places.
        let dashes = "\n---\nkind: A\nmetadata: {name: d}\n--- # x\nkind: A\nmetadata: {name: e}\n";
        for profile in [Profile::FOUR, Profile::THREE] {
            for files in [&files[..], &[dashes, hook], &[hook], &[]] {
                let (manifest, printed) = printed(profile, files);
                assert_eq!(of_printed(&printed).unwrap(), parse(&manifest).unwrap(), "{manifest}");
                // What is wrong in one of them would be told at the same line.
                let (_, first_lines) = manifests::joined(&[], &printed);
                let lines = printed.iter().zip(first_lines).flat_map(|(document, first_line)| {
                    split(&document.content).into_iter().map(move |own| own.first_line + first_line - 1)
                });
                let whole = split(&manifest);
                assert!(lines.eq(whole.iter().map(|document| document.first_line)), "{manifest}");
            }
        }
        let (manifest, printed) = printed(Profile::FOUR, &[hook, "\n\nkind: A\n"]);
        assert_eq!(of_printed(&printed).unwrap_err(), parse(&manifest).unwrap_err());
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
            for ((object, document), name) in objects.iter().zip(split(&text)).zip(&names) {
                prop_assert_eq!(&object.id.name, name);
                let line = text.lines().nth(document.first_line - 1);
                prop_assert_eq!(line, object.text.lines().next());
            }
        }

        #[test]
        fn any_text_is_answered(text in "(---|# Source: x|kind: A|metadata: \\{name: a\\}|[ -~]{0,10}|\n){0,12}") {
            let _ = parse(&text);
        }
    }
}

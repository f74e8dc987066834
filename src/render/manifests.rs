//! From the templates' outputs to what helm prints: documents split, hooks taken out, sorted by kind, joined under
//! `# Source:` lines.

use std::sync::Arc;

use serde_json::Value as Json;

use super::encode::read::kind_of;
use super::objects::chart::text;
use super::profile::{Profile, Splitting};
use crate::base::derived::Derived;
use crate::yaml;

/// A document of one template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The template: chart, then the path inside it.
    pub source: Arc<str>,
    pub content: Arc<str>,
    /// Where it begins in what the template wrote, in bytes.
    pub start: usize,
    pub head: Head,
    /// The content, read; equal documents share it.
    pub value: Arc<Json>,
    /// For which events it is a hook; `None` for an object of the release.
    pub hooks: Option<Vec<String>>,
    /// Its objects.
    pub derived: Derived,
}

/// Sorted documents, as helm prints them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sorted {
    pub manifests: Vec<Arc<Document>>,
    pub hooks: Vec<Arc<Document>>,
}

/// What a document says, read once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    pub head: Head,
    pub value: Arc<Json>,
}

impl Reading {
    /// Reads a document.
    ///
    /// # Errors
    /// It is no YAML, or its head has the wrong shape; in helm's words, without the file.
    pub fn of(profile: Profile, content: &str) -> Result<Self, String> {
        let value = yaml::read(content)
            .map_err(|error| format!("error converting YAML to JSON: {}", error.in_go_words(content)))?;
        let package = if profile.is_four() { "util" } else { "releaseutil" };
        let head = Head::of(&value, package).map_err(|words| {
            format!("error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {words}")
        })?;
        Ok(Self { head, value: Arc::new(value) })
    }
}

/// What the head of a document says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    pub kind: String,
    pub name: String,
    /// Empty where the document names none.
    pub namespace: String,
    /// The value of `helm.sh/hook`.
    pub hook: Option<String>,
}

impl Head {
    fn of(json: &Json, package: &str) -> Result<Self, String> {
        let head = match json {
            Json::Null => return Ok(Self::default()),
            Json::Object(head) => head,
            other => return Err(format!("{} into Go value of type {package}.SimpleHead", kind_of(other))),
        };
        let string = |value: Option<&Json>, field: &str| match value {
            None | Some(Json::Null) => Ok(String::new()),
            Some(value) => text(Some(value)).ok_or_else(|| {
                format!("{} into Go struct field SimpleHead.{field} of type string", kind_of(value))
            }),
        };
        string(head.get("apiVersion"), "apiVersion")?;
        let kind = string(head.get("kind"), "kind")?;
        let (mut hook, mut name, mut namespace) = (None, String::new(), String::new());
        match head.get("metadata") {
            None | Some(Json::Null) => {}
            Some(Json::Object(metadata)) => {
                name = string(metadata.get("name"), "metadata.name")?;
                namespace = text(metadata.get("namespace")).unwrap_or_default();
                match metadata.get("annotations") {
                    None | Some(Json::Null) => {}
                    Some(Json::Object(annotations)) => {
                        for value in annotations.values() {
                            string(Some(value), "metadata.annotations")?;
                        }
                        hook = annotations
                            .get("helm.sh/hook")
                            .map(|value| text(Some(value)).unwrap_or_default());
                    }
                    Some(other) => {
                        return Err(format!(
                            "{} into Go struct field .metadata.annotations of type map[string]string",
                            kind_of(other)
                        ));
                    }
                }
            }
            Some(other) => {
                return Err(format!(
                    "{} into Go struct field SimpleHead.metadata of type struct {{ Name string \"json:\\\"name\\\"\"; \
                     Annotations map[string]string \"json:\\\"annotations\\\"\" }}",
                    kind_of(other)
                ));
            }
        }
        Ok(Self { kind, name, namespace, hook })
    }
}

/// Helm's `SplitManifests`: at lines that begin with `---`.
pub fn split(profile: Profile, text: &str) -> Vec<&str> {
    match profile.splitting() {
        Splitting::Trimmed => return split_greedily(text.trim()).map(str::trim).collect(),
        Splitting::Greedy => {
            let documents = split_greedily(text.trim_start());
            return documents.filter(|document| !document.trim().is_empty()).map(str::trim_start).collect();
        }
        Splitting::Lines => {}
    }
    let text = text.trim_start();
    let mut documents = Vec::new();
    let mut start = 0;
    let mut line = 0;
    loop {
        let rest = &text[line..];
        if let Some(after) = rest.strip_prefix("---") {
            documents.push(&text[start..line]);
            let after = after.trim_start_matches([' ', '\t']);
            start = text.len() - after.len();
        }
        match text[line.max(start)..].find('\n') {
            Some(end) => line = line.max(start) + end + 1,
            None => break,
        }
    }
    documents.push(&text[start..]);
    let documents = documents.into_iter();
    documents.filter(|document| !document.trim().is_empty()).map(str::trim_start).collect()
}

/// Before 4.2.4 the dashes take all white space around them, so that dashes after blank lines are none.
fn split_greedily(text: &str) -> impl Iterator<Item = &str> {
    const SPACE: [char; 5] = [' ', '\t', '\n', '\r', '\u{c}'];
    let mut documents = Vec::new();
    let mut start = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find("---").map(|found| at + found) {
        let before = &text[start..found];
        if found == 0 || before.ends_with('\n') {
            documents.push(before.trim_end_matches(SPACE));
            let after = text[found + 3..].trim_start_matches(SPACE);
            start = text.len() - after.len();
            at = start;
        } else {
            at = found + 3;
        }
    }
    documents.push(&text[start..]);
    documents.into_iter().filter(|document| !document.is_empty())
}

const EVENTS: &[&str] = &[
    "pre-install",
    "post-install",
    "pre-delete",
    "post-delete",
    "pre-upgrade",
    "post-upgrade",
    "pre-rollback",
    "post-rollback",
    "test",
    "test-success",
];

/// The documents of one template, as helm's `SortManifests` takes it apart. `read` reads a document, perhaps from
/// memory.
///
/// # Errors
/// A document is no YAML, in helm's words.
pub fn documents(
    profile: Profile,
    file: &Arc<str>,
    content: &str,
    read: &mut dyn FnMut(&str) -> Result<Reading, String>,
) -> Result<Vec<Arc<Document>>, String> {
    let base = file.rsplit('/').next().unwrap_or(file);
    if base.starts_with('_') || content.trim().is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for document in split(profile, content) {
        let Reading { head, value } =
            read(document).map_err(|words| format!("YAML parse error on {file}: {words}"))?;
        let hooks = head
            .hook
            .as_ref()
            .map(|hook| hook.split(',').map(|event| event.trim().to_lowercase()).collect::<Vec<_>>());
        // An event that helm does not know drops the document.
        if hooks.iter().flatten().any(|event| !EVENTS.contains(&event.as_str())) {
            continue;
        }
        let start = document.as_ptr() as usize - content.as_ptr() as usize;
        found.push(Arc::new(Document {
            source: file.clone(),
            content: Arc::from(document),
            start,
            head,
            value,
            hooks,
            derived: Derived::default(),
        }));
    }
    Ok(found)
}

/// Helm's `SortManifests`: documents (in the order of their files' names) by kind, hooks apart.
pub fn sort<'d>(profile: Profile, documents: impl IntoIterator<Item = &'d Arc<Document>>) -> Sorted {
    let mut sorted = Sorted::default();
    for document in documents {
        let into = if document.hooks.is_some() { &mut sorted.hooks } else { &mut sorted.manifests };
        into.push(document.clone());
    }
    let kinds = profile.kinds();
    let rank = |document: &Arc<Document>| {
        let kind = &document.head.kind;
        let known = kinds.iter().position(|known| known == kind);
        (known.unwrap_or(usize::MAX), if known.is_none() { kind.clone() } else { String::new() })
    };
    sorted.manifests.sort_by_cached_key(rank);
    sorted.hooks.sort_by_cached_key(rank);
    sorted
}

impl Sorted {
    /// What helm prints of them, in its order.
    pub fn printed(self, skip_tests: bool) -> Vec<Arc<Document>> {
        let is_test = |event: &String| event == "test" || event == "test-success";
        let is_left_out =
            |document: &Arc<Document>| skip_tests && document.hooks.iter().flatten().any(is_test);
        let hooks = self.hooks.into_iter().filter(|document| !is_left_out(document));
        self.manifests.into_iter().chain(hooks).collect()
    }
}

/// What `helm template` prints: CRDs (file and text), then documents, hooks last; and the lines, from 1, on which the
/// documents' contents begin.
pub fn joined(crds: &[(String, String)], documents: &[Arc<Document>]) -> (String, Vec<usize>) {
    let size: usize = documents.iter().map(|d| d.content.len() + d.source.len() + 16).sum();
    let mut out = Page { text: String::with_capacity(size), lines: 0 };
    for (file, text) in crds {
        out.push(file, text);
    }
    let hooks = documents.iter().position(|document| document.hooks.is_some()).unwrap_or(documents.len());
    let (manifests, hooks) = documents.split_at(hooks);
    let mut first_lines = Vec::with_capacity(documents.len());
    first_lines.extend(manifests.iter().map(|document| out.push(&document.source, &document.content)));
    out.trim();
    first_lines.extend(hooks.iter().map(|document| out.push(&document.source, &document.content)));
    (out.text, first_lines)
}

struct Page {
    text: String,
    /// How many are there already.
    lines: usize,
}

impl Page {
    /// Returns the line on which the content begins.
    fn push(&mut self, source: &str, content: &str) -> usize {
        for part in ["---\n# Source: ", source, "\n", content, "\n"] {
            self.text.push_str(part);
        }
        let first_line = self.lines + 3;
        self.lines += 3 + memchr::memchr_iter(b'\n', content.as_bytes()).count();
        first_line
    }

    /// Leaves one line break at the end of what is there.
    fn trim(&mut self) {
        let end = self.text.trim_end().len();
        let is_break = |byte: &&u8| **byte == b'\n';
        self.lines -= self.text.as_bytes()[end..].iter().filter(is_break).count();
        self.text.truncate(end);
        self.text.push('\n');
        self.lines += 1;
    }
}

/// Helm's `--show-only`: the documents of these templates (shell patterns), in the order they were asked for.
///
/// # Errors
/// A template has no document, in helm's words.
pub fn only(profile: Profile, printed: &str, wanted: &[String]) -> Result<String, String> {
    let documents = split(profile, printed);
    let path = |document: &str| {
        let line = document.lines().find_map(|line| line.find("# Source: ").map(|at| &line[at + 10..]))?;
        let (_, path) = line.split_once('/')?;
        Some(path.to_owned())
    };
    let mut out = String::new();
    for pattern in wanted {
        let mut found = false;
        for document in &documents {
            if path(document).is_some_and(|path| matches(pattern, &path)) {
                out.push_str(&format!("---\n{document}\n"));
                found = true;
            }
        }
        if !found {
            return Err(format!("could not find template {pattern} in chart"));
        }
    }
    Ok(out)
}

/// Go's `filepath.Match` for patterns without classes.
fn matches(pattern: &str, path: &str) -> bool {
    fn fits(pattern: &[u8], path: &[u8]) -> bool {
        match (pattern.first(), path.first()) {
            (None, None) => true,
            (Some(b'*'), _) => {
                fits(&pattern[1..], path)
                    || path.first().is_some_and(|c| *c != b'/' && fits(pattern, &path[1..]))
            }
            (Some(b'?'), Some(c)) if *c != b'/' => fits(&pattern[1..], &path[1..]),
            (Some(b'\\'), Some(c)) if pattern.get(1) == Some(c) => fits(&pattern[2..], &path[1..]),
            (Some(a), Some(b)) if a == b => fits(&pattern[1..], &path[1..]),
            _ => false,
        }
    }
    fits(pattern.as_bytes(), path.as_bytes())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_cut_at_dashes() {
        let text = "\n---\na: 1\n---  \n---\nb: '---'\n  ---\n--- c: 1\n\n";
        assert_eq!(split(Profile::FOUR, text), ["a: 1\n", "b: '---'\n  ---\n", "c: 1\n\n"]);
        assert_eq!(split(Profile::THREE, text), ["a: 1", "---\nb: '---'\n  ---", "c: 1"]);
        let greedy = Profile::of(&"4.2.3".parse().unwrap());
        assert_eq!(split(greedy, text), ["a: 1", "---\nb: '---'\n  ---", "c: 1\n\n"]);
        for profile in [Profile::FOUR, Profile::THREE, greedy] {
            assert_eq!(split(profile, "---"), [""; 0]);
        }
    }

    #[test]
    fn kinds_in_helms_order_and_hooks_apart() {
        let file = "kind: Service\n---\nkind: Zeta\n---\nkind: Alpha\n---\nkind: ConfigMap\nmetadata: {annotations: {helm.sh/hook: 'Test, pre-install'}}\n---\nkind: Job\nmetadata: {annotations: {helm.sh/hook: crd-install}}\n---\nkind: Secret\n";
        let mut read = |text: &str| Reading::of(Profile::FOUR, text);
        let mut found = documents(Profile::FOUR, &"c/templates/a.yaml".into(), file, &mut read).unwrap();
        assert!(found.iter().all(|document| file[document.start..].starts_with(&*document.content)));
        found.extend(documents(Profile::FOUR, &"c/templates/_h.tpl".into(), "x: [", &mut read).unwrap());
        let sorted = sort(Profile::FOUR, &found);
        let kinds: Vec<&str> = sorted.manifests.iter().map(|document| &*document.head.kind).collect();
        assert_eq!(kinds, ["Secret", "Service", "Alpha", "Zeta"]);
        assert_eq!(sorted.hooks[0].hooks.as_deref().unwrap(), ["test", "pre-install"]);
        let without_tests = joined(&[], &sorted.clone().printed(true)).0;
        assert_eq!(without_tests.matches("# Source: c/templates/a.yaml").count(), 4);
        let documents = sorted.printed(false);
        let (printed, first_lines) = joined(&[], &documents);
        assert_eq!((documents.len(), first_lines.len()), (5, 5));
        let lines: Vec<&str> = printed.lines().collect();
        for (document, first_line) in documents.iter().zip(first_lines) {
            assert_eq!(lines[first_line - 1], document.content.lines().next().unwrap());
        }
        assert!(
            only(Profile::FOUR, &printed, &["templates/*.yaml".to_owned()]).unwrap().contains("kind: Zeta")
        );
        assert!(
            only(Profile::FOUR, &printed, &["templates/b.yaml".to_owned()]).unwrap_err().contains("b.yaml")
        );
    }
}

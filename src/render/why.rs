//! Knowing why: which keys feed a printed line, by which template lines, and which lines a key reaches.
//!
//! The answers come from what a rendering with trace left behind (`template::trace`). Templates copy text around
//! (`include … | nindent 4`), so a line is followed into the template that made it by its text. Where that fails,
//! everything that the action read counts: an answer names too many keys rather than too few.

mod lines;

use std::sync::Arc;

use self::lines::Lines;
use super::Output;
use super::engine::RanFile;
use super::manifests::Document;
use super::places::Key;
use super::template::trace::{Event, FileTrace, Read};
use crate::yaml::{KeyPath, Spans};

/// A line of a template.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TemplateLine {
    /// The file, chart first: `floe-platform/templates/web.yaml`.
    pub template: Arc<str>,
    /// Counted from 1.
    pub line: usize,
}

impl TemplateLine {
    /// The path inside the chart that was rendered: `templates/web.yaml`, `charts/sub/templates/web.yaml`.
    pub fn inside(&self) -> &str {
        self.template.split_once('/').map_or(&self.template, |(_, inside)| inside)
    }
}

impl std::fmt::Display for TemplateLine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.inside(), self.line)
    }
}

/// What a key does to a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    /// It is in it: another value, another text.
    Feeds,
    /// It decides whether, or how often, the line is there.
    Decides,
}

impl Role {
    /// `feeds`, `decides`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Feeds => "feeds",
            Self::Decides => "decides",
        }
    }
}

/// What of a key's value was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Extent {
    /// The value, where it is a scalar; else whether there is anything.
    Itself,
    /// Which keys are in it, and those that are scalars.
    Children,
    /// All of it.
    Whole,
}

/// A key that was read for a line.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyUse {
    pub role: Role,
    /// In the merged values of the rendered chart.
    pub path: KeyPath,
    /// Where it was read.
    pub at: TemplateLine,
    /// What of it.
    pub extent: Extent,
    /// No layer sets it.
    pub absent: bool,
}

impl KeyUse {
    /// Whether another value at a path, or of something in it, may show here.
    fn touches(&self, path: &KeyPath) -> bool {
        self.path.starts_with(path)
            || (path.starts_with(&self.path)
                && match self.extent {
                    Extent::Itself => false,
                    Extent::Children => path.0.len() == self.path.0.len() + 1,
                    Extent::Whole => true,
                })
    }
}

/// Why a printed line is as it is.
#[derive(Debug, Clone)]
pub struct LineWhy {
    pub document: Arc<Document>,
    /// The line in the document, counted from 1.
    pub line: usize,
    /// Where it was written: the template of the document first, then what that included.
    pub templates: Vec<TemplateLine>,
    /// Each once, those that feed it first.
    pub keys: Vec<KeyUse>,
    /// Something random, or the clock, is in it.
    pub unstable: bool,
}

/// A printed line that depends on a key.
#[derive(Debug, Clone)]
pub struct ReachedLine {
    pub document: Arc<Document>,
    /// The line in the document, counted from 1.
    pub line: usize,
    pub role: Role,
}

/// What a key reaches.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Where it is read, each place once, whether that shows or not.
    pub read_at: Vec<TemplateLine>,
    /// In the order of the files, then of their lines.
    pub lines: Vec<ReachedLine>,
}

impl Output {
    /// Why a line (counted from 1) of printed manifests is there: of [`Rendered::manifest`](super::Rendered::manifest),
    /// whole or with some templates only. `None` for separators, and without a trace.
    pub fn why(&self, manifest: &str, line: usize) -> Option<LineWhy> {
        // helm prints `---`, `# Source:` and the document.
        let lines: Vec<&str> = manifest.lines().collect();
        let marker = lines.get(..line)?.iter().rposition(|text| text.starts_with("---"))?;
        let source = lines.get(marker + 1)?.strip_prefix("# Source: ")?;
        let first = marker + 2;
        let inside = (line - 1).checked_sub(first)?;
        let end = lines[first..].iter().position(|text| text.starts_with("---"));
        let body = &lines[first..end.map_or(lines.len(), |end| first + end)];
        let fits =
            |document: &&Arc<Document>| document.content.trim_end().lines().eq(trimmed(body).iter().copied());
        let file = self.files.iter().find(|file| *file.name == *source)?;
        let document = file.documents().iter().find(fits)?;
        self.why_in(file, document, inside + 1)
    }

    /// Why a line (counted from 1) of an object is there, by the template, kind and name of the object.
    pub fn why_object(&self, source: &str, kind: &str, name: &str, line: usize) -> Option<LineWhy> {
        let file = self.files.iter().find(|file| *file.name == *source)?;
        let fits = |document: &&Arc<Document>| document.head.kind == kind && document.head.name == name;
        let document = file.documents().iter().find(fits)?;
        self.why_in(file, document, line)
    }

    /// Why a field of an object is as it is: of its line, and of a value over several lines (a script, a configuration) of
    /// the line that reads `text`. The nearest field above it counts where it is not written. `None` when no such object
    /// is rendered.
    pub fn why_field(&self, kind: &str, name: &str, path: &KeyPath, text: &str) -> Option<LineWhy> {
        let fits = |document: &&Arc<Document>| document.head.kind == kind && document.head.name == name;
        let found = self.files.iter().find_map(|file| Some((file, file.documents().iter().find(fits)?)));
        let (file, document) = found?;
        let place = Spans::of(&document.content).nearest(path)?;
        let mut lines = document.content.lines().take(place.last_line).enumerate().skip(place.line - 1);
        let same = lines.find(|(_, line)| line.trim() == text.trim());
        self.why_in(file, document, same.map_or(place.line, |(at, _)| at + 1))
    }

    fn why_in(&self, file: &RanFile, document: &Arc<Document>, line: usize) -> Option<LineWhy> {
        let trace = file.trace.as_deref()?;
        let before = file.output.get(..document.start)?.bytes().filter(|byte| *byte == b'\n').count();
        let places = self.places.read();
        let lines = Lines::of(trace, &places, self.merged.as_deref());
        let found = lines.of_file(before + line - 1)?;
        Some(LineWhy {
            document: document.clone(),
            line,
            templates: found.templates,
            keys: found.keys.into_iter().collect(),
            unstable: found.unstable,
        })
    }

    /// What a key of the merged values reaches, and everything in it when it is a map. Without a trace only whether
    /// something reads it can be told: see [`Output::reads`].
    pub fn reach(&self, path: &KeyPath) -> Reach {
        let mut reach = Reach::default();
        let Some(merged) = self.merged.as_deref() else { return reach };
        let paths = merged.reached(path);
        let places = self.places.read();
        let keys: Vec<Key> = paths.iter().map(|path| Key::of(path, &places)).collect();
        for file in &self.files {
            let hits = |read: &Read| keys.iter().any(|key| key.read_by(read, &places));
            let (Some(trace), true) = (file.trace.as_deref(), file.reads.iter().any(hits)) else { continue };
            read_at(trace, &hits, &mut reach.read_at);
            let lines = Lines::of(trace, &places, Some(merged));
            for document in file.documents() {
                let before = file.output[..document.start].bytes().filter(|byte| *byte == b'\n').count();
                for at in 0..document.content.trim_end().lines().count() {
                    let Some(found) = lines.of_file(before + at) else { continue };
                    let touches = |used: &&KeyUse| paths.iter().any(|path| used.touches(path));
                    if let Some(used) = found.keys.iter().find(touches) {
                        let document = document.clone();
                        reach.lines.push(ReachedLine { document, line: at + 1, role: used.role });
                    }
                }
            }
        }
        reach.read_at.sort();
        reach.read_at.dedup();
        reach
    }

    /// Where a key, something in it or everything around it is read: each place once. Needs a trace.
    pub fn read_at(&self, path: &KeyPath) -> Vec<TemplateLine> {
        let Some(merged) = self.merged.as_deref() else { return Vec::new() };
        let places = self.places.read();
        let keys: Vec<Key> = merged.reached(path).iter().map(|path| Key::of(path, &places)).collect();
        let hits = |read: &Read| keys.iter().any(|key| key.read_by(read, &places));
        let mut found = Vec::new();
        for file in self.files.iter().filter(|file| file.reads.iter().any(hits)) {
            if let Some(trace) = file.trace.as_deref() {
                read_at(trace, &hits, &mut found);
            }
        }
        found.sort();
        found.dedup();
        found
    }

    /// Whether any template looked at a key, at something in it, or at everything around it.
    pub fn reads(&self, path: &KeyPath) -> bool {
        let Some(merged) = self.merged.as_deref() else { return false };
        let places = self.places.read();
        let keys: Vec<Key> = merged.reached(path).iter().map(|path| Key::of(path, &places)).collect();
        let hits = |read: &Read| keys.iter().any(|key| key.read_by(read, &places));
        self.files.iter().any(|file| file.reads.iter().any(hits))
    }
}

fn trimmed<'l, 't>(lines: &'l [&'t str]) -> &'l [&'t str] {
    let end = lines.iter().rposition(|line| !line.trim().is_empty()).map_or(0, |last| last + 1);
    &lines[..end]
}

/// The places of the innermost actions that read what fits.
fn read_at(trace: &FileTrace, fits: &dyn Fn(&Read) -> bool, found: &mut Vec<TemplateLine>) {
    let mut ids = Vec::new();
    for (event, owner) in trace.events.iter().zip(lines::owners(trace)) {
        if matches!(event, Event::Read(read) if fits(read)) {
            ids.push(owner as usize);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    found.extend(ids.into_iter().filter_map(|id| lines::place(trace, id)));
}

#[cfg(test)]
mod tests;

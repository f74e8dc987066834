//! `floe-tui explain`: what a key reaches, or which keys feed a printed line, with the places of both.

use std::sync::Arc;

use serde_json::{Value, json};

use super::args::{Explain, Global};
use super::rendering::Asked;
use super::setup::Setup;
use super::{FAILED, OK, out};
use crate::base::redact::Redactor;
use crate::base::{Error, KeyPath, Result};
use crate::render::Output;
use crate::render::manifests::Document;
use crate::render::why::{LineWhy, Role};
use crate::values::{Merged, Origin};

pub(super) async fn run(global: Global, args: Explain) -> Result<u8> {
    let setup = Setup::new(global)?;
    let asked = Asked::find(&setup, args.rendering)?;
    let previewer = setup.previewer(&asked.redactor).await;
    let output = previewer.traced(&asked.source).await?;
    let Some(merged) = output.merged.clone() else { return Ok(FAILED) };
    let told = Told { output: &output, merged: &merged, redactor: &asked.redactor, json: args.json };
    match (args.key, args.line) {
        (_, Some(line)) => told.line(&line),
        (Some(key), None) => told.key(&key),
        (None, None) => Err(Error::new("nothing to explain").next("name a key, or a line with --line")),
    }
}

struct Told<'t> {
    output: &'t Output,
    merged: &'t Merged,
    redactor: &'t Redactor,
    json: bool,
}

impl Told<'_> {
    fn key(&self, key: &str) -> Result<u8> {
        let path = KeyPath::parse(key).ok_or_else(|| {
            Error::new("this is no key").at(key.to_owned()).next("write it as a.b.c, a list's item as a[0]")
        })?;
        let setters = self.merged.setters(&path);
        let reach = self.output.reach(&path);
        let is_read = self.output.reads(&path);
        if setters.is_empty() && !is_read {
            return Err(Error::new("no layer sets this key and no template reads it").at(path.to_string()));
        }
        if self.json {
            let lines: Vec<Value> = reach
                .lines
                .iter()
                .map(|line| {
                    let mut value = document(&line.document);
                    value["line"] = json!(line.line);
                    value["text"] = json!(self.text(&line.document, line.line));
                    value["role"] = json!(line.role.word());
                    value
                })
                .collect();
            let read_at: Vec<String> = reach.read_at.iter().map(ToString::to_string).collect();
            let layers: Vec<Value> = setters.iter().rev().map(|origin| self.layer(&path, origin)).collect();
            out::json(&json!({
                "key": path.to_string(), "read": is_read, "layers": layers, "read_at": read_at, "lines": lines,
            }));
            return Ok(OK);
        }
        out::line(&path.to_string());
        for (index, origin) in setters.iter().rev().enumerate() {
            let mark = if index == 0 { "set by" } else { "   and" };
            out::line(&format!("  {mark} {}  {}", origin.place(), self.shown(&path, &origin.value)));
        }
        if setters.is_empty() {
            out::line("  no layer sets it");
        }
        for (index, at) in reach.read_at.iter().enumerate() {
            out::line(&format!("  {} {at}", if index == 0 { "read at" } else { "       " }));
        }
        if !is_read {
            out::line("  no template reads it with these values");
        } else if reach.lines.is_empty() {
            out::line("  reaches no line with these values");
        }
        let mut last: Option<Arc<Document>> = None;
        for line in &reach.lines {
            if !last.as_ref().is_some_and(|last| Arc::ptr_eq(last, &line.document)) {
                out::line(&format!("  reaches {}", name(&line.document)));
                last = Some(line.document.clone());
            }
            let decides = if line.role == Role::Decides { "  (whether it is there)" } else { "" };
            out::line(&format!("  {:>7}  {}{decides}", line.line, self.text(&line.document, line.line)));
        }
        Ok(OK)
    }

    fn line(&self, place: &str) -> Result<u8> {
        let why = self.find(place).ok_or_else(|| {
            Error::new("there is no such line")
                .at(place.to_owned())
                .next("write KIND/NAME:LINE, or the number of a line that `floe-tui render` prints")
        })?;
        let text = self.text(&why.document, why.line);
        let templates: Vec<String> = why.templates.iter().map(ToString::to_string).collect();
        if self.json {
            let keys: Vec<Value> = why
                .keys
                .iter()
                .map(|used| {
                    let layers: Vec<Value> =
                        self.merged.setters(&used.path).iter().rev().map(|origin| self.layer(&used.path, origin)).collect();
                    json!({
                        "key": used.path.to_string(), "role": used.role.word(), "read_at": used.at.to_string(),
                        "absent": used.absent, "layers": layers,
                    })
                })
                .collect();
            let mut value = document(&why.document);
            value["line"] = json!(why.line);
            value["text"] = json!(text);
            value["templates"] = json!(templates);
            value["keys"] = json!(keys);
            value["random"] = json!(why.unstable);
            out::json(&value);
            return Ok(OK);
        }
        out::line(&format!("{}:{}  {text}", name(&why.document), why.line));
        out::line(&format!("  written by {}", templates.join(", in it ")));
        if why.unstable {
            out::line("  something random, or the time, is in it");
        }
        if why.keys.is_empty() {
            out::line("  no key has a part in it");
        }
        for used in &why.keys {
            let winner = self.merged.setters(&used.path).pop();
            let value = match &winner {
                Some(origin) => format!("{}  {}", self.shown(&used.path, &origin.value), origin.place()),
                None => "not set".to_owned(),
            };
            out::line(&format!("  {:7} {}  {value}  (read at {})", used.role.word(), used.path, used.at));
        }
        Ok(OK)
    }

    /// `Deployment/web:12`, or a line of all that is printed.
    fn find(&self, place: &str) -> Option<LineWhy> {
        if let Ok(line) = place.parse() {
            return self.output.why(self.output.manifest(), line);
        }
        let (object, line) = place.rsplit_once(':')?;
        let (kind, name) = object.split_once('/')?;
        let line = line.parse().ok()?;
        self.output.files.iter().find_map(|file| self.output.why_object(&file.name, kind, name, line))
    }

    fn layer(&self, path: &KeyPath, origin: &Origin) -> Value {
        json!({
            "layer": origin.label, "line": origin.line, "value": self.redactor.value(path, &origin.value),
        })
    }

    fn shown(&self, path: &KeyPath, value: &Value) -> String {
        crate::base::text::one_line(&self.redactor.value(path, value).to_string())
    }

    /// A line of a document, without what is secret.
    fn text(&self, document: &Document, line: usize) -> String {
        let shown = self.redactor.manifest(&document.content);
        if shown.lines().count() != document.content.lines().count() {
            return "…".to_owned();
        }
        shown.lines().nth(line.saturating_sub(1)).unwrap_or_default().to_owned()
    }
}

fn name(document: &Document) -> String {
    let head = &document.head;
    if head.name.is_empty() { document.source.to_string() } else { format!("{}/{}", head.kind, head.name) }
}

fn document(document: &Document) -> Value {
    let head = &document.head;
    json!({"template": &*document.source, "kind": head.kind, "name": head.name, "namespace": head.namespace})
}

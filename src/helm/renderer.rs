//! Rendering by the operator's own helm: exactly what an install would send, at the price of a process. At most two
//! run at a time, equal requests are answered from memory, and a dropped rendering leaves no process behind.

use std::collections::VecDeque;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use super::argv::{self, Template};
use super::overlay::Overlay;
use super::program::Helm;
use super::run::{self, Call};
use crate::base::redact::Redactor;
use crate::base::{Context as _, Error, Hash, Result, text};
use crate::render::{DryRun, RenderError, Rendered, Renderer, Rendering, Request, ValuesSource};
use crate::yaml::{self, Value};

/// Renderings at a time: each is a process with some 100 MB.
const AT_A_TIME: usize = 2;

/// Renderings remembered, and the bytes they may have together.
const REMEMBERED: usize = 64;
const REMEMBERED_BYTES: usize = 64 * 1024 * 1024;

/// Files of a chart looked at before its renderings are not remembered any more.
const FILES: usize = 20_000;

/// Renders with a helm program.
#[derive(Debug)]
pub struct CliRenderer {
    helm: Arc<Helm>,
    /// Where overlays of unsaved chart files go.
    runtime: PathBuf,
    /// For helm's words; manifests are not redacted here.
    redactor: Arc<Redactor>,
    permits: Semaphore,
    memory: Mutex<Memory>,
}

#[derive(Debug, Default)]
struct Memory {
    /// Oldest first.
    rows: VecDeque<(Hash, Arc<Rendered>)>,
    bytes: usize,
}

impl Memory {
    fn get(&mut self, key: &Hash) -> Option<Arc<Rendered>> {
        let at = self.rows.iter().position(|(other, _)| other == key)?;
        let row = self.rows.remove(at)?;
        let found = row.1.clone();
        self.rows.push_back(row);
        Some(found)
    }

    fn put(&mut self, key: Hash, rendered: Arc<Rendered>) {
        self.bytes += rendered.manifest.len();
        self.rows.push_back((key, rendered));
        while self.rows.len() > REMEMBERED || self.bytes > REMEMBERED_BYTES {
            let Some((_, old)) = self.rows.pop_front() else { break };
            self.bytes -= old.manifest.len();
        }
    }
}

impl CliRenderer {
    /// Renders with this helm; `runtime` is the program's runtime folder.
    pub fn new(helm: Arc<Helm>, runtime: PathBuf, redactor: Arc<Redactor>) -> Self {
        Self { helm, runtime, redactor, permits: Semaphore::new(AT_A_TIME), memory: Mutex::default() }
    }

    async fn work(&self, request: &Request) -> Result<Rendered, RenderError> {
        let key_of = || key(request, &self.helm);
        let key = key_of();
        if let Some(key) = &key
            && let Some(found) = self.remembered(key)
        {
            return Ok((*found).clone());
        }
        let _permit =
            self.permits.acquire().await.map_err(|error| Error::new("rendering has ended").because(error))?;
        let rendered = self.run(request).await?;
        // What changed on disk meanwhile is not what was asked for.
        if let Some(key) = key
            && key_of().as_ref() == Some(&key)
        {
            let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
            memory.put(key, Arc::new(rendered.clone()));
        }
        Ok(rendered)
    }

    fn remembered(&self, key: &Hash) -> Option<Arc<Rendered>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner).get(key)
    }

    async fn run(&self, request: &Request) -> Result<Rendered, RenderError> {
        let overlay = if request.overlay.is_empty() {
            None
        } else {
            Some(Overlay::new(&self.runtime, &request.chart_dir, &request.overlay)?)
        };
        let chart = overlay.as_ref().map_or_else(|| request.chart_dir.clone(), Overlay::chart);
        let (values, stdin) = sources(&request.values)?;
        let server = match (request.dry_run, &request.cluster) {
            (DryRun::Client, _) => None,
            (DryRun::Server, None) => {
                return Err(Error::new("no cluster was named to render against").into());
            }
            (DryRun::Server, Some(_)) if !self.helm.renders_with_cluster() => {
                return Err(Error::new(format!("{} cannot render against a cluster", self.helm))
                    .next("update helm to 3.13 or newer")
                    .into());
            }
            (DryRun::Server, Some(cluster)) => {
                Some((cluster.kubeconfig.as_deref(), cluster.context.as_str()))
            }
        };
        let what = Template {
            release: &request.release,
            namespace: &request.namespace,
            values,
            set: &request.set,
            given: &request.given,
            is_upgrade: request.is_upgrade,
            include_crds: request.include_crds,
            skip_tests: request.skip_tests,
            show_only: &request.show_only,
            kube_version: request.kube_version.as_deref(),
            api_versions: &request.api_versions,
            server,
        };
        let mut call = Call::new(&self.helm.path, argv::template(&chart, &what));
        call.stdin = stdin;
        call.timeout = request.timeout;
        let output = run::run(&call).await?;
        let words = self.redactor.text(&text::neutralise(&output.stderr));
        // helm names the overlay's folder; the operator knows the chart's.
        let words = words.replace(&chart.display().to_string(), &request.chart_dir.display().to_string());
        if !output.success() {
            return Err(RenderError::from_helm(&words));
        }
        if output.cut {
            return Err(Error::new(format!(
                "the rendering is larger than {} MiB",
                run::OUTPUT_LIMIT / 1024 / 1024
            ))
            .into());
        }
        Ok(Rendered { manifest: strip_pull_lines(output.stdout), notes: None, warnings: warnings(&words) })
    }
}

impl Renderer for CliRenderer {
    fn render<'a>(&'a self, request: &'a Request) -> Rendering<'a> {
        Box::pin(self.work(request))
    }
}

/// The paths for `-f`, and what goes through the standard input.
type Sources = (Vec<PathBuf>, Option<Arc<[u8]>>);

/// What `-f` gets. Text that is not saved never becomes a file: one document goes through the standard input; when
/// there are several, everything from the first to the last of them is merged as helm would, and goes there.
fn sources(values: &[ValuesSource]) -> Result<Sources> {
    let inline = |source: &ValuesSource| matches!(source, ValuesSource::Inline { .. });
    let first = values.iter().position(inline);
    let last = values.iter().rposition(inline);
    let (Some(first), Some(last)) = (first, last) else {
        return Ok((values.iter().map(path_of).collect(), None));
    };
    let document: Arc<[u8]> = match &values[first] {
        ValuesSource::Inline { text, .. } if first == last => Arc::from(text.as_bytes()),
        _ => {
            let mut merged = Value::Object(serde_json::Map::new());
            for source in &values[first..=last] {
                merge(&mut merged, document(source)?);
            }
            Arc::from(merged.to_string().into_bytes())
        }
    };
    let mut paths: Vec<PathBuf> = values[..first].iter().map(path_of).collect();
    paths.push(PathBuf::from("-"));
    paths.extend(values[last + 1..].iter().map(path_of));
    Ok((paths, Some(document)))
}

fn path_of(source: &ValuesSource) -> PathBuf {
    match source {
        ValuesSource::File(path) | ValuesSource::Inline { name: path, .. } => path.clone(),
    }
}

fn document(source: &ValuesSource) -> Result<Value> {
    let (name, content) = match source {
        ValuesSource::Inline { name, text } => (name, text.clone()),
        ValuesSource::File(path) => (path, crate::base::atomic::read(path)?.text),
    };
    yaml::read(&content).context_at("this is not YAML", name.display())
}

/// As helm merges values files: maps into each other, everything else replaces, `null` stays.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (key, value) in from {
                match into.get_mut(&key) {
                    Some(old) if old.is_object() && value.is_object() => merge(old, value),
                    _ => {
                        into.insert(key, value);
                    }
                }
            }
        }
        // An empty document.
        (_, Value::Null) => {}
        (into, from) => *into = from,
    }
}

/// helm 4.2.1 and newer print what they pull in front of the manifests.
fn strip_pull_lines(manifest: String) -> String {
    let is_pull = |line: &str| line.starts_with("Pulled:") || line.starts_with("Digest:");
    if !manifest.lines().next().is_some_and(is_pull) {
        return manifest;
    }
    manifest.split_inclusive('\n').skip_while(|line| is_pull(line)).collect()
}

/// helm's warnings, without those that our own overlay of links causes.
fn warnings(words: &str) -> Vec<String> {
    words
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.contains("found symbolic link in path"))
        .map(str::to_owned)
        .collect()
}

/// What decides the result, as one hash; `None` when it must not be remembered: the cluster may answer differently
/// any time, and a chart of very many files costs more to look at than to render.
fn key(request: &Request, helm: &Helm) -> Option<Hash> {
    if request.dry_run == DryRun::Server {
        return None;
    }
    let mut stamp = format!("{request:?}\n{helm}\n{}\n", helm.path.display());
    let mut left = FILES;
    push_stamps(&request.chart_dir, &mut stamp, &mut left)?;
    for source in &request.values {
        if let ValuesSource::File(path) = source {
            push_stamp(path, &mut stamp);
        }
    }
    Some(Hash::of(stamp))
}

fn push_stamps(folder: &Path, stamp: &mut String, left: &mut usize) -> Option<()> {
    if !folder.is_dir() {
        push_stamp(folder, stamp);
        return Some(());
    }
    let mut entries: Vec<_> = fs::read_dir(folder).ok()?.flatten().collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        *left = left.checked_sub(1)?;
        // Links are followed as helm does, but not into folders: they could lead in a circle.
        let kind = entry.file_type().ok()?;
        if kind.is_dir() {
            push_stamps(&entry.path(), stamp, left)?;
        } else if kind.is_symlink() && entry.path().is_dir() {
            return None;
        } else {
            push_stamp(&entry.path(), stamp);
        }
    }
    Some(())
}

fn push_stamp(path: &Path, stamp: &mut String) {
    use std::fmt::Write as _;
    let _ = match fs::metadata(path) {
        Ok(found) => writeln!(
            stamp,
            "{}\t{}\t{}\t{}.{}\t{}",
            path.display(),
            found.len(),
            found.ino(),
            found.mtime(),
            found.mtime_nsec(),
            found.ctime_nsec()
        ),
        Err(_) => writeln!(stamp, "{}\tmissing", path.display()),
    };
}

#[cfg(test)]
#[path = "renderer_tests.rs"]
mod tests;

//! What helm refuses about a chart before it renders, in its words: `LoadDir`, `LoadFiles`, `LoadArchiveFiles` and
//! `Validate` of helm's loaders. [`Chart::load`](super::Chart::load) reads the same charts leniently, for looking at
//! and mending them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::files::LIMITS;
use super::ignore::Ignore;
use super::semver::Version;
use crate::base::text::go_io;
use crate::yaml;

/// Files by their paths inside the chart.
type Files = BTreeMap<String, Vec<u8>>;

const MARK: &[u8] = b"\xef\xbb\xbf";

/// What versions of helm's loader do differently.
#[derive(Debug, Clone, Copy)]
pub struct Loader {
    /// Helm 4.
    pub four: bool,
    pub names: Names,
    /// Two dependencies of one name or alias are refused.
    pub refuses_twins: bool,
    /// What failed, when it was a subchart.
    pub unpacking: &'static str,
}

/// Which names a chart may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Names {
    Any,
    /// No path.
    NoSlash,
    /// Neither `.` nor `..` either.
    NoDots,
}

/// Why a chart is not loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// Helm refuses it, too: its words after `Error: `.
    Helm(String),
    /// One of our own limits, which helm does not have.
    Limit(String),
}

impl Fault {
    fn inside(self, lead: impl std::fmt::Display) -> Self {
        match self {
            Self::Helm(words) => Self::Helm(format!("{lead}: {words}")),
            Self::Limit(words) => Self::Limit(format!("{lead}: {words}")),
        }
    }
}

impl From<String> for Fault {
    fn from(words: String) -> Self {
        Self::Helm(words)
    }
}

impl From<&str> for Fault {
    fn from(words: &str) -> Self {
        Self::Helm(words.to_owned())
    }
}

/// Whether helm loads a chart folder.
///
/// # Errors
/// It does not, or it is more than the engine takes.
pub fn check(dir: &Path, loader: Loader) -> Result<(), Fault> {
    let four = loader.four;
    let dir = std::path::absolute(dir).map_err(|error| go_io(&error))?;
    if four {
        let file = dir.join("Chart.yaml");
        let name = file.display().to_string();
        let bytes = std::fs::read(&file)
            .map_err(|error| format!("unable to detect chart at {name}: open {name}: {}", go_io(&error)))?;
        let base =
            table(&bytes, "loader.chartBase").map_err(|words| format!("cannot load Chart.yaml: {words}"))?;
        match base.get("apiVersion") {
            None | Some(Value::Null) => {}
            Some(Value::String(version)) if matches!(version.as_str(), "" | "v1" | "v2") => {}
            Some(_) => return Err("unsupported chart version".into()),
        }
    }
    let ignore = match std::fs::read(dir.join(".helmignore")) {
        Ok(bytes) => Ignore::strict(&String::from_utf8_lossy(&bytes))?,
        Err(_) => Ignore::default().with_defaults(),
    };
    let mut walk = Walk { dir: &dir, ignore, files: Files::new(), total: 0, links: Vec::new() };
    walk.folder(&dir)?;
    load(walk.files, loader, 0).map(|_| ())
}

struct Walk<'d> {
    dir: &'d Path,
    ignore: Ignore,
    files: Files,
    total: u64,
    /// Folders that we are in by way of a link.
    links: Vec<PathBuf>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path) -> Result<(), Fault> {
        let entries = std::fs::read_dir(folder)
            .map_err(|error| format!("open {}: {}", folder.display(), go_io(&error)))?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths.iter().try_for_each(|path| self.entry(path))
    }

    fn entry(&mut self, path: &Path) -> Result<(), Fault> {
        let Some(inside) = path.strip_prefix(self.dir).ok().and_then(Path::to_str) else { return Ok(()) };
        let name = path.display();
        let words = |error: std::io::Error| format!("lstat {name}: {}", go_io(&error));
        let mut meta = std::fs::symlink_metadata(path).map_err(words)?;
        let is_link = meta.is_symlink();
        if is_link {
            let gone = |error: std::io::Error| {
                let target = std::fs::read_link(path).unwrap_or_default();
                let target = path.parent().unwrap_or(path).join(target);
                format!("error evaluating symlink {name}: lstat {}: {}", target.display(), go_io(&error))
            };
            meta = std::fs::metadata(path).map_err(gone)?;
        }
        if self.ignore.ignores(Path::new(inside), meta.is_dir()) {
            return Ok(());
        }
        if meta.is_dir() {
            if inside.matches('/').count() >= LIMITS.depth {
                let deep = format!("the chart's folders nest more than {} deep: {inside}", LIMITS.depth);
                return Err(Fault::Limit(deep));
            }
            let real = path.canonicalize().map_err(words)?;
            if is_link && (self.links.contains(&real) || path.starts_with(&real)) {
                return Err(Fault::Limit(format!("the link {name} leads into itself")));
            }
            self.links.push(real);
            let done = self.folder(path);
            self.links.pop();
            return done;
        }
        if !meta.is_file() {
            return Err(format!("cannot load irregular file {name} as it has file mode type bits set").into());
        }
        if meta.len() > LIMITS.file {
            let base = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let limit = LIMITS.file;
            return Err(format!("chart file {base:?} is larger than the maximum file size {limit}").into());
        }
        self.total += meta.len();
        if self.files.len() >= LIMITS.files || self.total > LIMITS.total {
            let most = format!("the chart has more than {} files or {} bytes", LIMITS.files, LIMITS.total);
            return Err(Fault::Limit(most));
        }
        let bytes = std::fs::read(path)
            .map_err(|error| format!("error reading {inside}: open {name}: {}", go_io(&error)))?;
        let bytes = bytes.strip_prefix(MARK).map(<[u8]>::to_vec).unwrap_or(bytes);
        self.files.insert(inside.to_owned(), bytes);
        Ok(())
    }
}

/// The files of an archive, without its top folder.
///
/// # Errors
/// Helm refuses it, or it is more than the engine takes.
pub(super) fn unpacked(bytes: &[u8], four: bool) -> Result<Files, Fault> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(if bytes.is_empty() { "EOF" } else { "gzip: invalid header" }.into());
    }
    let cut = |_: std::io::Error| "unexpected EOF".to_owned();
    let too_large = || {
        let word = if four { "size" } else { "file size" };
        Fault::Helm(format!("decompressed chart is larger than the maximum {word} {}", LIMITS.total))
    };
    // One byte more than is allowed, so that too much is seen.
    let stream = flate2::read::GzDecoder::new(bytes).take(LIMITS.total + (1 << 20));
    let mut tar = tar::Archive::new(stream);
    let mut files = Files::new();
    let mut left = LIMITS.total;
    for entry in tar.entries().map_err(cut)? {
        let mut entry = entry.map_err(cut)?;
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() || kind.is_pax_local_extensions() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if name.ends_with('/') {
            continue;
        }
        let separator = if name.contains('\\') { '\\' } else { '/' };
        let (top, inside) = name.split_once(separator).unwrap_or((&name, ""));
        let inside = inside.replace(separator, "/");
        if inside.starts_with('/') {
            return Err("chart illegally contains absolute paths".into());
        }
        let Some(inside) = cleaned(&inside) else {
            return Err("chart illegally references parent directory".into());
        };
        if inside.is_empty() {
            let words = format!("chart illegally contains content outside the base directory: {name:?}");
            return Err(words.into());
        }
        let mut letters = inside.bytes();
        if letters.next().is_some_and(|c| c.is_ascii_alphabetic())
            && letters.next() == Some(b':')
            && letters.next() == Some(b'/')
        {
            return Err("chart contains illegally named files".into());
        }
        if top == "Chart.yaml" {
            return Err("chart yaml not in base directory".into());
        }
        let size = entry.size();
        if size > left {
            return Err(too_large());
        }
        if size > LIMITS.file {
            let limit = LIMITS.file;
            return Err(format!(
                "decompressed chart file {name:?} is larger than the maximum file size {limit}"
            )
            .into());
        }
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(cut)?;
        left = left.saturating_sub(content.len() as u64);
        if left == 0 {
            return Err(too_large());
        }
        if files.len() >= LIMITS.files {
            return Err(Fault::Limit(format!("the archive has more than {} files", LIMITS.files)));
        }
        let content = content.strip_prefix(MARK).map(<[u8]>::to_vec).unwrap_or(content);
        files.insert(inside, content);
    }
    if files.is_empty() {
        return Err("no files in chart archive".into());
    }
    Ok(files)
}

/// Go's `path.Clean` for a relative path; `None` when it leads out.
fn cleaned(path: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn read(bytes: &[u8]) -> Result<Value, String> {
    let text = String::from_utf8_lossy(bytes);
    yaml::read(&text).map_err(|error| format!("error converting YAML to JSON: {}", error.in_go_words(&text)))
}

/// A document that must be a map for a Go type.
fn table(bytes: &[u8], go_type: &str) -> Result<Value, String> {
    let value = read(bytes)?;
    let is = match &value {
        Value::Object(_) | Value::Null => return Ok(value),
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
    };
    let words = format!("json: cannot unmarshal {is} into Go value of type {go_type}");
    Err(format!("error unmarshaling JSON: while decoding JSON: {words}"))
}

/// Whether a file of values can be read: a map, or nothing; helm 4 reads all documents of it.
///
/// # Errors
/// Why it cannot, in helm's words.
pub fn values(bytes: &[u8], four: bool) -> Result<(), String> {
    let of = |bytes: &[u8]| table(bytes, "map[string]interface {}").map(|_| ());
    if !four {
        return of(bytes);
    }
    let text = String::from_utf8_lossy(bytes);
    for document in yaml::documents(&text) {
        of(document.as_bytes()).map_err(|words| format!("cannot unmarshal yaml document: {words}"))?;
    }
    Ok(())
}

/// Helm's `LoadFiles`: gives the chart's name.
fn load(files: Files, loader: Loader, depth: usize) -> Result<String, Fault> {
    let four = loader.four;
    let package = if four { "v2" } else { "chart" };
    let metadata_type = format!("{package}.Metadata");
    let mut metadata = None;
    if let Some(bytes) = files.get("Chart.yaml") {
        let read =
            table(bytes, &metadata_type).map_err(|words| format!("cannot load Chart.yaml: {words}"))?;
        metadata = Some(if read.is_null() { Value::Object(serde_json::Map::new()) } else { read });
    }
    for (name, bytes) in &files {
        let read = match name.as_str() {
            "Chart.lock" | "requirements.lock" => table(bytes, &format!("{package}.Lock")).map(|_| ()),
            "requirements.yaml" => table(bytes, &metadata_type).map(|read| {
                if let (Some(metadata), Some(list)) = (&mut metadata, read.get("dependencies")) {
                    metadata["dependencies"] = list.clone();
                }
            }),
            "values.yaml" => values(bytes, four),
            _ => continue,
        };
        read.map_err(|words| format!("cannot load {name}: {words}"))?;
    }
    let Some(metadata) = metadata else { return Err("Chart.yaml file is missing".into()) };
    validate(&metadata, loader).map_err(|words| format!("validation: {words}"))?;
    let chart = text(&metadata, "name");
    if depth > LIMITS.depth {
        return Err(Fault::Limit(format!("charts nest more than {} deep", LIMITS.depth)));
    }
    let mut below: BTreeMap<String, Files> = BTreeMap::new();
    for (name, bytes) in files {
        let Some(inside) = name.strip_prefix("charts/") else { continue };
        if Path::new(&name).extension().is_some_and(|end| end == "prov") {
            continue;
        }
        let (sub, rest) = inside.split_once('/').unwrap_or((inside, ""));
        if !sub.starts_with(['_', '.']) {
            below.entry(sub.to_owned()).or_default().insert(rest.to_owned(), bytes);
        }
    }
    for (sub, mut files) in below {
        let loaded = if Path::new(&sub).extension().is_some_and(|end| end == "tgz") {
            let Some(bytes) = files.get("") else {
                let first = files.keys().next().cloned().unwrap_or_default();
                return Err(format!(
                    "error {} tar in {chart}: expected {sub}, got {sub}/{first}",
                    loader.unpacking
                )
                .into());
            };
            unpacked(bytes, four).and_then(|files| load(files, loader, depth + 1))
        } else {
            files.remove("");
            load(files, loader, depth + 1)
        };
        loaded.map_err(|fault| fault.inside(format_args!("error {} {sub} in {chart}", loader.unpacking)))?;
    }
    Ok(chart)
}

/// A scalar as Go's string.
fn text(map: &Value, key: &str) -> String {
    match map.get(key) {
        None | Some(Value::Null | Value::Array(_) | Value::Object(_)) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Helm's `Metadata.Validate`.
fn validate(metadata: &Value, loader: Loader) -> Result<(), String> {
    let (name, version, kind) = (text(metadata, "name"), text(metadata, "version"), text(metadata, "type"));
    if name.is_empty() {
        return Err("chart.metadata.name is required".to_owned());
    }
    if matches!(name.as_str(), "." | "..") && loader.names >= Names::NoDots {
        return Err(format!("chart.metadata.name {name:?} is not allowed"));
    }
    if name.contains('/') && loader.names >= Names::NoSlash {
        return Err(format!("chart.metadata.name {name:?} is invalid"));
    }
    if version.is_empty() {
        return Err("chart.metadata.version is required".to_owned());
    }
    if Version::parse(&version).is_err() {
        return Err(format!("chart.metadata.version {version:?} is invalid"));
    }
    if !matches!(kind.as_str(), "" | "application" | "library") {
        return Err("chart.metadata.type must be application or library".to_owned());
    }
    let items = |key: &str| metadata.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    if items("maintainers").iter().any(Value::is_null) {
        return Err("maintainers must not contain empty or null nodes".to_owned());
    }
    let mut keys: Vec<String> = Vec::new();
    for dependency in items("dependencies") {
        if dependency.is_null() {
            return Err("dependencies must not contain empty or null nodes".to_owned());
        }
        let (name, alias) = (text(&dependency, "name"), text(&dependency, "alias"));
        if !alias.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-') {
            return Err(format!("dependency {name:?} has disallowed characters in the alias"));
        }
        let key = if alias.is_empty() { name } else { alias };
        if loader.refuses_twins && keys.contains(&key) {
            return Err(format!("more than one dependency with name or alias {key:?}"));
        }
        keys.push(key);
    }
    Ok(())
}

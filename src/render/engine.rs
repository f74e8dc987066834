//! Rendering in this process: what `helm template` would print, without running it.
//!
//! A rendering runs on a thread of its own with a large stack, because templates may nest deeply.
//!
//! | file | what |
//! |---|---|
//! | `memory` | what is remembered between renderings, and whether it still holds |
//! | `prepared` | a chart with one choice of subcharts: parsed templates, compiled schemas |
//! | `deep` | the threads it runs on, and the queue for them |
//! | `files` | runs the files: after an edit only those that it reaches, many of them side by side |

mod deep;
mod files;
mod memory;
mod prepared;

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use super::manifests::{self, Document, Reading};
use super::objects::capabilities::KubeVersion;
use super::places::Table;
use super::profile::Profile;
use super::template::Session;
use super::template::ast::Tree;
use super::template::trace::Level;
use super::template::value::Value;
use super::{DryRun, RenderError, Rendered, Request, ValuesSource, units};
use crate::base::{Error, text as plain};
use crate::chart::semver::{Constraint, Library, Version};
use crate::chart::{Chart, DependencyState, strict};
use crate::values::{LayerSet, Merged, SetForm};

pub use files::RanFile;
use files::{Baseline, Work};
use memory::Memory;
use prepared::Prepared;

/// How a rendering ended when it did not print manifests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Helm refuses, too: its words after `Error: `, and whether it adds its hint on `--debug`.
    Helm { words: String, hint: bool },
    /// Helm may well render it; the engine cannot: why.
    Unsupported(String),
    /// One of the engine's limits: which.
    Limit(String),
}

impl Refusal {
    fn early(words: impl Into<String>) -> Self {
        Self::Helm { words: words.into(), hint: false }
    }

    fn late(words: impl Into<String>) -> Self {
        Self::Helm { words: words.into(), hint: true }
    }

    /// What helm prints to its standard error, where it refuses, too.
    pub fn printed(&self) -> Option<String> {
        match self {
            Self::Helm { words, hint: false } => Some(format!("Error: {words}\n")),
            Self::Helm { words, hint: true } => {
                Some(format!("Error: {words}\n\nUse --debug flag to render out invalid YAML\n"))
            }
            Self::Unsupported(_) | Self::Limit(_) => None,
        }
    }
}

impl From<strict::Fault> for Refusal {
    fn from(fault: strict::Fault) -> Self {
        match fault {
            strict::Fault::Helm(words) => Self::early(words),
            strict::Fault::Limit(which) => Self::Limit(which),
        }
    }
}

impl From<Refusal> for RenderError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Helm { words, .. } => Self::from_helm(&plain::neutralise(&format!("Error: {words}"))),
            Refusal::Unsupported(why) => {
                Error::new("this chart cannot be rendered without helm").because(why).into()
            }
            Refusal::Limit(why) => Error::new("the rendering was stopped").because(why).into(),
        }
    }
}

/// What a rendering made.
#[derive(Debug, Default)]
pub struct Output {
    /// Joined when somebody asks for it.
    manifest: OnceLock<String>,
    /// What helm prints of `NOTES.txt`.
    pub notes: Option<String>,
    /// What helm warns about.
    pub warnings: Vec<String>,
    /// All documents that are printed, in their order; `None` where more or less than the templates' is printed.
    pub printed: Option<Vec<Arc<Document>>>,
    /// Files in the order in which helm runs them.
    pub files: Vec<Arc<RanFile>>,
    /// What was rendered, with unsaved texts; those of its values are in `merged`.
    pub chart: Option<Arc<Chart>>,
    /// The values they saw.
    pub merged: Option<Arc<Merged>>,
    prepared: Option<Arc<Prepared>>,
    /// The paths of the places that were read.
    pub places: Table,
    /// Somebody changed a map that all templates share: what a file wrote may depend on what other files read.
    pub changed: bool,
    /// How many files ran; of the others it was known what they write.
    pub ran: usize,
    /// A random or clock function was called: rendered under [`Engine::other`], something may come out differently.
    pub unstable: bool,
}

impl Output {
    /// The manifests as helm prints them: documents with `# Source:` lines, hooks included. Not redacted.
    pub fn manifest(&self) -> &str {
        self.manifest.get_or_init(|| manifests::joined(&[], self.printed.as_deref().unwrap_or_default()).0)
    }

    /// What helm prints, and nothing else.
    pub fn into_rendered(self) -> Rendered {
        self.manifest();
        let manifest = self.manifest.into_inner().unwrap_or_default();
        Rendered { manifest, notes: self.notes, warnings: self.warnings }
    }

    /// All templates that the chart has here, those that did not run included.
    pub fn trees(&self) -> impl Iterator<Item = &Arc<Tree>> {
        self.prepared.iter().flat_map(|prepared| &prepared.files).flat_map(|file| file.trees.iter())
    }
}

/// Renders charts as one version of helm does. Cheap to clone; clones share what they remember.
#[derive(Debug, Clone)]
pub struct Engine {
    profile: Profile,
    session: Session,
    memory: Arc<Mutex<Memory>>,
}

impl Engine {
    /// An engine for a helm version; `session` keeps random values and the clock the same.
    pub fn new(profile: Profile, session: Session) -> Self {
        Self { profile, session, memory: Arc::default() }
    }

    /// The same engine with another clock and other random values. What it renders differently is unstable.
    #[must_use]
    pub fn other(&self) -> Self {
        Self { profile: self.profile, session: self.session.other(), memory: self.memory.clone() }
    }

    pub fn profile(&self) -> Profile {
        self.profile
    }

    /// Renders, on a thread that has the stack for it. `trace` keeps what is needed to say where lines come from.
    ///
    /// # Errors
    /// Helm would refuse, or the engine cannot tell.
    pub fn render(&self, request: &Request, trace: bool) -> Result<Output, Refusal> {
        let (engine, request) = (self.clone(), request.clone());
        deep::run(move || {
            let chart = engine.memory().folder(&request.chart_dir, engine.profile.loader())?;
            engine.work(&chart, &request, trace)
        })
    }

    /// As [`Engine::render`], of a chart that was loaded before: none of its files is read again.
    ///
    /// # Errors
    /// As [`Engine::render`].
    pub fn render_loaded(
        &self,
        chart: &Arc<Chart>,
        request: &Request,
        trace: bool,
    ) -> Result<Output, Refusal> {
        let (engine, chart, request) = (self.clone(), chart.clone(), request.clone());
        deep::run(move || engine.work(&chart, &request, trace))
    }

    /// Runs something on a thread that renders, when its turn comes: as many as there are processors work at a time. What
    /// it renders there runs at once, no other thread has to wake up.
    ///
    /// # Errors
    /// There is no thread.
    pub fn queue(work: impl FnOnce() + Send + 'static) -> Result<(), Refusal> {
        deep::queue(work)
    }

    /// Renders everything the next time.
    #[cfg(test)]
    fn forget_results(&self) {
        self.memory().forget_results();
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, chart: &Arc<Chart>, request: &Request, trace: bool) -> Result<Output, Refusal> {
        let work = self.prepare(chart, request, trace)?;
        let Work { chart, prepared, merged, places, .. } = &*work;
        let ran = work.run()?;
        let next = Arc::new(work.next_baseline(&ran));
        self.memory().keep_baseline(chart, next, |known| known.is_of(request, &self.session));
        let files: Vec<Arc<RanFile>> = ran.files.into_iter().flatten().collect();
        let output = self.finish(prepared, &files, request)?;
        let is_deprecated = chart.metadata.deprecated;
        Ok(Output {
            warnings: is_deprecated.then(|| "this chart is deprecated".to_owned()).into_iter().collect(),
            unstable: files.iter().any(|file| file.unstable),
            files,
            prepared: Some(prepared.clone()),
            merged: Some(merged.clone()),
            chart: Some(chart.clone()),
            places: places.clone(),
            changed: ran.changed,
            ran: ran.count,
            ..output
        })
    }

    /// Everything that comes before the templates: helm's checks, the values, what is known of the chart.
    fn prepare(&self, chart: &Arc<Chart>, request: &Request, trace: bool) -> Result<Arc<Work>, Refusal> {
        if request.dry_run == DryRun::Server {
            return Err(Refusal::Unsupported("the cluster is asked by helm only".to_owned()));
        }
        let (defaults, texts) = unsaved(chart, &request.overlay);
        let chart = self
            .memory()
            .with_texts(chart, &texts)
            .ok_or_else(|| Refusal::Unsupported("unsaved changes of the chart's metadata".to_owned()))?;
        self.check_installable(&chart)?;
        let is_nearer = |known: &Baseline| known.is_of(request, &self.session);
        let last = self.memory().baseline(&chart, is_nearer, is_nearer);
        let layers = self.layers(&chart, request, defaults)?;
        let (merged, edited) = match &last {
            // What is traced is looked at, in the order of the chart's keys.
            _ if trace => (layers.merge(), None),
            Some(last) => layers.merge_after(&last.values),
            None => (layers.merge_in_any_order(), None),
        };
        let merged = Arc::new(self.mergeable(&chart, merged)?);
        let kube = self.kube(request)?;
        let prepared = self.prepared(&chart, &merged);
        let (places, documents, baseline) = {
            let mut memory = self.memory();
            let places = memory.places();
            let serves = |known: &Baseline| known.serves(&prepared, request, &places);
            let baseline = memory.baseline(&chart, serves, is_nearer);
            (places, memory.documents.clone(), baseline)
        };
        let is_last = |known: &Arc<Baseline>| last.as_ref().is_some_and(|last| Arc::ptr_eq(last, known));
        let edited = edited.filter(|_| baseline.as_ref().is_some_and(is_last));
        let valid = baseline.as_ref().map(|known| &known.values.value);
        prepared.check(&chart, &merged, valid, edited.as_deref())?;
        // A baseline was rendered for the same version.
        if baseline.is_none()
            && let Some(wanted) = chart.metadata.kube_version.as_deref().filter(|wanted| !wanted.is_empty())
            && !is_within(self.profile.semver(), wanted, &kube.normalized)
        {
            return Err(Refusal::late(format!(
                "chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {}",
                kube.version
            )));
        }
        let templates = prepared.templates.as_ref().map_err(Clone::clone)?.clone();
        Ok(Arc::new(Work {
            engine: self.clone(),
            chart,
            prepared,
            templates,
            merged,
            request: request.clone(),
            kube,
            places,
            documents,
            baseline,
            edited,
            level: if trace { Level::Pieces } else { Level::Reads },
        }))
    }

    fn prepared(&self, chart: &Arc<Chart>, merged: &Merged) -> Arc<Prepared> {
        let sections = merged.enabled_sections();
        let mut memory = self.memory();
        if let Some(known) = memory.prepared(chart, |known| known.sections == sections) {
            return known;
        }
        let new = Arc::new(Prepared::of(chart, merged, self.profile, &mut memory));
        memory.keep_prepared(chart, &new);
        new
    }

    /// `--kube-version`, else what this helm assumes.
    fn kube(&self, request: &Request) -> Result<KubeVersion, Refusal> {
        if let Some(version) = &request.kube_version {
            return KubeVersion::parse(version, self.profile)
                .map_err(|words| Refusal::early(format!("invalid kube version '{version}': {words}")));
        }
        let (major, minor) = self.profile.kube();
        KubeVersion::parse(&format!("v{major}.{minor}.0"), self.profile).map_err(Refusal::early)
    }

    /// Helm's checks before it reads values.
    fn check_installable(&self, chart: &Chart) -> Result<(), Refusal> {
        match chart.metadata.kind.as_deref() {
            None | Some("" | "application") => {}
            Some(kind) => return Err(Refusal::early(format!("{kind} charts are not installable"))),
        }
        let mut missing = Vec::new();
        for dependency in &chart.dependencies {
            match &dependency.state {
                DependencyState::Missing => missing.push(dependency.name.as_str()),
                // What is there in another version is rendered as if it were not declared.
                DependencyState::WrongVersion { .. }
                | DependencyState::Unreadable(_)
                | DependencyState::Current
                | DependencyState::Stale(_)
                | DependencyState::Undeclared => {}
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", ");
        let lead = self.profile.missing_dependencies();
        Err(Refusal::early(format!(
            "{lead}: found in Chart.yaml, but missing in charts/ directory: {missing}"
        )))
    }

    /// `defaults` is the unsaved text of the chart's own file of values.
    fn layers(
        &self,
        chart: &Chart,
        request: &Request,
        defaults: Option<Unsaved>,
    ) -> Result<LayerSet, Refusal> {
        let mut files = Vec::new();
        let mut inline: HashMap<PathBuf, Arc<str>> = defaults.into_iter().collect();
        for source in &request.values {
            match source {
                ValuesSource::File(path) => {
                    let name = path.display();
                    let bytes = std::fs::read(path)
                        .map_err(|error| Refusal::early(format!("open {name}: {}", plain::go_io(&error))))?;
                    strict::values(&bytes, self.profile.is_four())
                        .map_err(|words| Refusal::early(format!("failed to parse {name}: {words}")))?;
                    files.push(path.clone());
                }
                ValuesSource::Inline { name, text } => {
                    inline.insert(name.clone(), text.clone());
                    files.push(name.clone());
                }
            }
        }
        // Helm 3 reads the first document of a file only.
        let first = |text: Arc<str>| {
            if self.profile.is_four() {
                return text;
            }
            match crate::yaml::documents(&text).as_slice() {
                [first, _, ..] => Arc::from(*first),
                _ => text,
            }
        };
        let texts = |path: &std::path::Path| {
            let on_disk = || {
                let read = || String::from_utf8(std::fs::read(path).ok()?).ok();
                let text = if self.profile.is_four() { None } else { read() };
                text.filter(|text| text.contains("\n---")).map(Arc::from)
            };
            inline.get(path).cloned().or_else(on_disk).map(first)
        };
        let layers = LayerSet::for_environment(chart, &files, &texts).with_rules(self.profile.rules());
        if let Some(problem) = layers.problems().first() {
            return Err(Refusal::early(problem.to_string()));
        }
        let set = request.set.iter().map(|argument| (SetForm::Typed, argument.clone()));
        let set: Vec<(SetForm, String)> = set.chain(request.given.iter().cloned()).collect();
        let is_object = |(form, argument): &&(SetForm, String)| {
            *form == SetForm::Json && argument.trim_start().starts_with('{')
        };
        if let Some((_, argument)) = set.iter().find(is_object).filter(|_| !self.profile.is_four()) {
            return Err(Refusal::early(format!("failed parsing --set-json data {argument}")));
        }
        layers.with_set(&set).map_err(Refusal::early)
    }

    /// Helm's words where layers cannot be merged.
    fn mergeable(&self, chart: &Chart, merged: Merged) -> Result<Merged, Refusal> {
        match merged.problems().first() {
            Some(problem) => {
                let words = mismatch(problem, &merged);
                // Helm 4 merges once more where a chart declares dependencies, and says that it was there.
                let declares = self.profile.is_four() && !chart.metadata.dependencies.is_empty();
                let lead = if declares { "chart dependencies processing failed: " } else { "" };
                Err(Refusal::early(format!("{lead}{words}")))
            }
            None => Ok(merged),
        }
    }

    /// The documents of a file, or helm's words about one of them.
    fn documents<'f>(&self, file: &'f RanFile) -> &'f Result<Vec<Arc<Document>>, String> {
        file.documents.get_or_init(|| {
            let mut read = |text: &str| {
                let known = self.memory().reading(text);
                known.unwrap_or_else(|| {
                    let reading = Reading::of(self.profile, text);
                    self.memory().keep_reading(text, &reading);
                    reading
                })
            };
            manifests::documents(self.profile, &file.name, &file.output, &mut read)
        })
    }

    /// What is printed of what the files wrote.
    fn finish(
        &self,
        prepared: &Prepared,
        files: &[Arc<RanFile>],
        request: &Request,
    ) -> Result<Output, Refusal> {
        let notes_name = format!("{}/templates/NOTES.txt", prepared.unit.path);
        let notes = files.iter().find(|file| *file.name == *notes_name).map(|file| file.output.to_string());
        let mut sources: Vec<&Arc<RanFile>> =
            files.iter().filter(|file| !file.name.ends_with("NOTES.txt")).collect();
        sources.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        let mut documents = Vec::new();
        for file in sources {
            let found = self.documents(file).as_ref().map_err(|words| Refusal::late(words.as_str()))?;
            documents.extend(found);
        }
        let documents = manifests::sort(self.profile, documents).printed(request.skip_tests);
        let mut crds = Vec::new();
        if request.include_crds {
            prepared.unit.crds(self.profile.crds_have_paths(), &mut crds);
        }
        if crds.is_empty() && request.show_only.is_empty() {
            return Ok(Output { notes, printed: Some(documents), ..Output::default() });
        }
        let (mut manifest, _) = manifests::joined(&crds, &documents);
        if !request.show_only.is_empty() {
            let wanted: Vec<String> =
                request.show_only.iter().map(|path| path.to_string_lossy().into_owned()).collect();
            manifest = manifests::only(self.profile, &manifest, &wanted).map_err(Refusal::early)?;
        }
        Ok(Output { notes, manifest: manifest.into(), ..Output::default() })
    }
}

/// A file in its chart, and what it is to hold.
type Unsaved = (PathBuf, Arc<str>);

/// Unsaved texts of a chart: that of its own values, and the others. The first one decides values only, so that what is
/// known of the chart holds; where the chart has no such file yet, it is one of the others.
fn unsaved<'t>(chart: &Chart, texts: &'t [Unsaved]) -> (Option<Unsaved>, Cow<'t, [Unsaved]>) {
    let is_values = |(path, _): &&Unsaved| path.as_os_str() == "values.yaml";
    let (Some((file, _)), Some((_, text))) = (&chart.values, texts.iter().find(is_values)) else {
        return (None, Cow::Borrowed(texts));
    };
    let others = texts.iter().filter(|row| !is_values(row)).cloned().collect();
    (Some((file.clone(), text.clone())), Cow::Owned(others))
}

/// Helm's words for a subchart's section that is no table: Go's complaint about a verb that does not fit.
fn mismatch(problem: &crate::base::Problem, merged: &Merged) -> String {
    let path = crate::yaml::KeyPath::parse(&problem.key).unwrap_or_default();
    let Some(value) = merged.get(&path) else { return problem.to_string() };
    let is_given =
        merged.setters(&path).last().is_some_and(|origin| origin.kind == crate::values::LayerKind::Set);
    let value = match value.as_i64().filter(|_| is_given) {
        Some(int) => Value::Int64(int),
        None => super::encode::read::value(value),
    };
    let shown = super::template::printf::sprintf(b"%t", &[value]);
    let name = problem.key.rsplit('.').next().unwrap_or_default();
    format!("type mismatch on {name}: {}", String::from_utf8_lossy(&shown))
}

/// Whether a version of Kubernetes fits; what cannot be read does not.
fn is_within(library: Library, constraint: &str, version: &str) -> bool {
    match (Constraint::parse_by(library, constraint), Version::parse_by(library, version)) {
        (Ok(constraint), Ok(version)) => constraint.check(&version),
        _ => false,
    }
}

#[cfg(test)]
mod tests;

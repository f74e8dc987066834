//! Rendering in this process: what `helm template` would print, without running it.
//!
//! A rendering runs on a thread of its own with a large stack, because templates may nest deeply. Parsed templates
//! and the heads of documents are remembered between renderings by their content.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, Mutex, PoisonError};

use super::manifests::{self, Head, Sorted};
use super::objects::capabilities::{Capabilities, KubeVersion};
use super::profile::Profile;
use super::template::ast::Tree;
use super::template::function::Function;
use super::template::trace::Trace;
use super::template::value::{Map, MapKind, Value};
use super::template::{Context, Session, Templates, limits, parser};
use super::units::{self, File, Origins, Scopes, Shared, Unit};
use super::{DryRun, RenderError, Rendered, Renderer, Rendering, Request, ValuesSource, functions, refusal};
use crate::base::{Error, text as plain};
use crate::chart::semver::{Constraint, Version};
use crate::chart::{Chart, DependencyState};
use crate::schema::ChartSchema;
use crate::values::{LayerSet, Merged};

/// Parsed templates remembered, in bytes of their texts.
const PARSED: usize = 64 * 1024 * 1024;

/// Documents whose heads are remembered, in bytes.
const HEADS: usize = 64 * 1024 * 1024;

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
    pub rendered: Rendered,
    /// Files in the order they ran, with what they wrote.
    pub files: Vec<(String, String)>,
    pub trace: Trace,
    pub origins: Origins,
    /// A random or clock function was called: rendered under [`Engine::other`], something may come out differently.
    pub unstable: bool,
}

/// The trees of a text, or Go's words about it.
type Parsed = Result<Arc<[Arc<Tree>]>, String>;

#[derive(Debug, Default)]
struct Memory {
    /// By the template's name and text.
    parsed: HashMap<(String, Arc<[u8]>), Parsed>,
    parsed_bytes: usize,
    heads: HashMap<Arc<str>, Result<Head, String>>,
    heads_bytes: usize,
}

/// Renders charts as one version of helm does.
#[derive(Debug)]
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
        on_a_deep_stack(|| {
            let chart = Chart::load(&request.chart_dir).map_err(|error| Refusal::early(error.to_string()))?;
            self.work(Cow::Owned(chart), request, trace)
        })
    }

    /// As [`Engine::render`], of a chart that was loaded before: none of its files is read again.
    ///
    /// # Errors
    /// As [`Engine::render`].
    pub fn render_loaded(&self, chart: &Chart, request: &Request, trace: bool) -> Result<Output, Refusal> {
        on_a_deep_stack(|| self.work(Cow::Borrowed(chart), request, trace))
    }

    fn work(&self, mut chart: Cow<'_, Chart>, request: &Request, trace: bool) -> Result<Output, Refusal> {
        if request.dry_run == DryRun::Server {
            return Err(Refusal::Unsupported("the cluster is asked by helm only".to_owned()));
        }
        if !request.overlay.is_empty() && !units::overlay(chart.to_mut(), &request.overlay) {
            return Err(Refusal::Unsupported("unsaved changes of the chart's metadata".to_owned()));
        }
        self.render_chart(&chart, request, trace)
    }

    fn render_chart(&self, chart: &Chart, request: &Request, trace: bool) -> Result<Output, Refusal> {
        self.check_installable(chart)?;
        let merged = self.values(chart, request)?;
        let unit = Unit::of(chart, &merged);
        let kube = self.kube(request)?;
        check_schema(chart, &unit, &merged)?;
        if let Some(wanted) = chart.metadata.kube_version.as_deref().filter(|wanted| !wanted.is_empty())
            && !is_within(wanted, &kube.normalized)
        {
            return Err(Refusal::late(format!(
                "chart requires kubeVersion: {wanted} which is incompatible with Kubernetes {}",
                kube.version
            )));
        }
        let shared = Shared {
            profile: self.profile,
            release: release(request),
            capabilities: Value::Object(Rc::new(Capabilities::new(
                self.profile,
                kube,
                &request.api_versions,
            ))),
        };
        let scopes = Scopes::of(&unit, &shared, &merged);
        let ran = self.execute(&unit, &scopes, request, trace)?;
        let mut output = self.finish(chart, &unit, &ran.files, request)?;
        output.files = ran.files;
        output.trace = ran.trace;
        output.unstable = ran.unstable;
        output.origins = scopes.origins;
        Ok(output)
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
                DependencyState::WrongVersion { .. } | DependencyState::Unreadable(_) => {
                    return Err(Refusal::Unsupported(format!(
                        "the dependency {}: {}",
                        dependency.name,
                        dependency.state.words()
                    )));
                }
                DependencyState::Current | DependencyState::Stale(_) | DependencyState::Undeclared => {}
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        let missing = missing.join(", ");
        Err(Refusal::early(if self.profile.is_four() {
            format!(
                "an error occurred while checking for chart dependencies. You may need to run 'helm dependency build' \
                 to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {missing}"
            )
        } else {
            format!(
                "An error occurred while checking for chart dependencies. You may need to run `helm dependency build` \
                 to fetch missing dependencies: found in Chart.yaml, but missing in charts/ directory: {missing}"
            )
        }))
    }

    fn values(&self, chart: &Chart, request: &Request) -> Result<Merged, Refusal> {
        let mut files = Vec::new();
        let mut inline: HashMap<PathBuf, Arc<str>> = HashMap::new();
        for source in &request.values {
            match source {
                ValuesSource::File(path) => {
                    if !path.is_file() {
                        let words = format!("open {}: no such file or directory", path.display());
                        return Err(Refusal::early(words));
                    }
                    files.push(path.clone());
                }
                ValuesSource::Inline { name, text } => {
                    inline.insert(name.clone(), text.clone());
                    files.push(name.clone());
                }
            }
        }
        let texts = |path: &std::path::Path| inline.get(path).cloned();
        let layers = LayerSet::for_environment(chart, &files, &texts).with_rules(self.profile.rules());
        if let Some(problem) = layers.problems().first() {
            return Err(Refusal::early(problem.to_string()));
        }
        let layers = layers
            .with_set(&request.set)
            .map_err(|error| Refusal::early(format!("failed parsing --set data: {error}")))?;
        let merged = layers.merge();
        match merged.problems().first() {
            Some(problem) => Err(Refusal::early(problem.to_string())),
            None => Ok(merged),
        }
    }

    fn parsed(&self, file: &File) -> Parsed {
        let mut memory = self.memory.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (file.name.clone(), file.text.clone());
        if let Some(parsed) = memory.parsed.get(&key) {
            return parsed.clone();
        }
        let profile = self.profile;
        let find = |name: &str| functions::find(name).filter(|_| profile.has_function(name));
        let parsed = parser::parse(&file.name, file.text.clone(), &find).map(Arc::from);
        memory.parsed_bytes += file.text.len();
        if memory.parsed_bytes > PARSED {
            memory.parsed.clear();
            memory.parsed_bytes = file.text.len();
        }
        memory.parsed.insert(key, parsed.clone());
        parsed
    }

    fn execute(
        &self,
        unit: &Unit<'_>,
        scopes: &Scopes,
        request: &Request,
        trace: bool,
    ) -> Result<Ran, Refusal> {
        let mut files = Vec::new();
        unit.templates(&mut files);
        // Deep paths first, then backwards by name: a chart's own definitions come after its subcharts'.
        files.sort_by_key(|file| std::cmp::Reverse((file.name.matches('/').count(), file.name.clone())));
        let mut templates = Templates::default();
        for file in &files {
            match self.parsed(file) {
                Ok(trees) => templates.add(&trees),
                Err(words) => {
                    if let Some(name) = functions::missing(&words) {
                        return Err(Refusal::Unsupported(format!("{}: the function {name}", file.name)));
                    }
                    return Err(Refusal::late(refusal::parse(&words)));
                }
            }
        }
        let find: fn(&str) -> Option<&'static Function> = functions::find;
        let mut context =
            Context::new(Arc::new(templates), find, self.session.clone(), request.timeout, trace);
        let mut rendered = Vec::with_capacity(files.len());
        for file in &files {
            let base = file.name.rsplit('/').next().unwrap_or(&file.name);
            if base.starts_with('_') {
                continue;
            }
            let Some(scope) = scopes.by_unit.get(&file.unit) else { continue };
            let template = Map::new(
                MapKind::Values(self.profile.values_type()),
                [
                    ("Name", Value::str(&file.name)),
                    ("BasePath", Value::str(format!("{}/templates", file.unit))),
                ],
            );
            scope.insert("Template", Value::Map(Rc::new(template)));
            match context.run(file.name.as_bytes(), Value::Map(scope.clone())) {
                Ok(out) => {
                    let out = super::template::without_no_value(out);
                    rendered.push((file.name.clone(), out.to_string()));
                }
                Err(fault) if fault.is_limit() => {
                    return Err(Refusal::Limit(format!("{}: {fault}", file.name)));
                }
                Err(fault) => {
                    if let Some(name) = functions::missing(&fault.to_string()) {
                        return Err(Refusal::Unsupported(format!("{}: the function {name}", file.name)));
                    }
                    return Err(Refusal::late(refusal::execution(self.profile, &file.name, &fault)));
                }
            }
        }
        let (trace, unstable) = (std::mem::take(&mut context.trace), context.is_unstable());
        Ok(Ran { files: rendered, trace, unstable })
    }

    fn finish(
        &self,
        chart: &Chart,
        unit: &Unit<'_>,
        files: &[(String, String)],
        request: &Request,
    ) -> Result<Output, Refusal> {
        let notes_name = format!("{}/templates/NOTES.txt", unit.path);
        let notes = files.iter().find(|(name, _)| *name == notes_name).map(|(_, text)| text.clone());
        let mut sources: Vec<(&str, &str)> = files
            .iter()
            .filter(|(name, _)| !name.ends_with("NOTES.txt"))
            .map(|(name, text)| (name.as_str(), text.as_str()))
            .collect();
        sources.sort_unstable();
        let memory = RefCell::new(self.memory.lock().unwrap_or_else(PoisonError::into_inner));
        let mut head = |document: &str| {
            let mut memory = memory.borrow_mut();
            if let Some(head) = memory.heads.get(document) {
                return head.clone();
            }
            let head = Head::read(self.profile, document);
            memory.heads_bytes += document.len();
            if memory.heads_bytes > HEADS {
                memory.heads.clear();
                memory.heads_bytes = document.len();
            }
            memory.heads.insert(Arc::from(document), head.clone());
            head
        };
        let sorted: Sorted = manifests::sort(self.profile, sources, &mut head).map_err(Refusal::late)?;
        let mut crds = Vec::new();
        if request.include_crds {
            unit.crds(&mut crds);
        }
        let mut manifest = manifests::joined(&crds, &sorted, request.skip_tests);
        if !request.show_only.is_empty() {
            let wanted: Vec<String> =
                request.show_only.iter().map(|path| path.to_string_lossy().into_owned()).collect();
            manifest = manifests::only(self.profile, &manifest, &wanted).map_err(Refusal::early)?;
        }
        let mut warnings = Vec::new();
        if chart.metadata.deprecated {
            warnings.push("this chart is deprecated".to_owned());
        }
        Ok(Output { rendered: Rendered { manifest, notes, warnings }, ..Output::default() })
    }
}

/// What the templates made.
struct Ran {
    files: Vec<(String, String)>,
    trace: Trace,
    unstable: bool,
}

/// Runs on a thread that has the stack for deeply nested templates.
fn on_a_deep_stack<T: Send>(work: impl FnOnce() -> Result<T, Refusal> + Send) -> Result<T, Refusal> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("render".to_owned()).stack_size(limits::STACK);
        let work = thread.spawn_scoped(scope, work);
        let work = work.map_err(|error| Refusal::Unsupported(format!("no thread to render on: {error}")))?;
        work.join().unwrap_or_else(|_| Err(Refusal::Unsupported("the engine broke down".to_owned())))
    })
}

/// Whether a version of Kubernetes fits; what cannot be read does not.
fn is_within(constraint: &str, version: &str) -> bool {
    match (Constraint::parse(constraint), Version::parse(version)) {
        (Ok(constraint), Ok(version)) => constraint.check(&version),
        _ => false,
    }
}

fn release(request: &Request) -> Value {
    Value::map([
        ("Name", Value::str(&request.release)),
        ("Namespace", Value::str(&request.namespace)),
        ("IsUpgrade", Value::Bool(request.is_upgrade)),
        ("IsInstall", Value::Bool(!request.is_upgrade)),
        ("Revision", Value::Int(1)),
        ("Service", Value::str("Helm")),
    ])
}

/// The schemas of the chart and of the subcharts that take part. Our words for each problem: helm's come from its
/// schema library.
fn check_schema(chart: &Chart, unit: &Unit<'_>, merged: &Merged) -> Result<(), Refusal> {
    fn takes_part<'c>(unit: &Unit<'c>, texts: &mut Vec<(crate::yaml::KeyPath, PathBuf, &'c str)>) {
        if let Some((file, text)) = &unit.chart.schema {
            texts.push((unit.section.clone(), file.clone(), text));
        }
        unit.children.iter().for_each(|child| takes_part(child, texts));
    }
    let mut texts = Vec::new();
    takes_part(unit, &mut texts);
    if texts.is_empty() {
        return Ok(());
    }
    let (schema, problems) = ChartSchema::compile(texts);
    if let Some(problem) = problems.first() {
        return Err(Refusal::Unsupported(problem.to_string()));
    }
    let problems = schema.check(&merged.value, &|path| merged.locate(path));
    if problems.is_empty() {
        return Ok(());
    }
    let mut words = format!(
        "values don't meet the specifications of the schema(s) in the following chart(s):\n{}:\n",
        chart.metadata.name
    );
    for problem in problems {
        words.push_str(&format!("- {problem}\n"));
    }
    Err(Refusal::early(words))
}

/// The engine behind the trait of everything that renders.
#[derive(Debug)]
pub struct EngineRenderer {
    engine: Arc<Engine>,
}

impl EngineRenderer {
    pub fn new(engine: Arc<Engine>) -> Self {
        Self { engine }
    }
}

impl Renderer for EngineRenderer {
    fn render<'a>(&'a self, request: &'a Request) -> Rendering<'a> {
        let (engine, request) = (self.engine.clone(), request.clone());
        Box::pin(async move {
            let work = tokio::task::spawn_blocking(move || engine.render(&request, false));
            let done = work.await.map_err(|error| Error::new("the rendering broke off").because(error))?;
            done.map(|output| output.rendered).map_err(RenderError::from)
        })
    }
}

//! What renders everything that is only looked at: the engine, as the helm that was found would; that helm where the
//! engine cannot, or where the cluster is asked. The rooms and the headless commands prepare the sides of their
//! comparisons here.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::Semaphore;

use super::Helm;
use super::judge::{Judged, Verdict};
use super::masks::Masks;
use super::renderer::CliRenderer;
use crate::base::latest::Latest;
use crate::base::{Error, Hash, Result};
use crate::chart::Chart;
use crate::manifest::{self, ChangeSet, DiffOptions, Mask, Object, Side};
use crate::render::{
    DryRun, Engine, Output, Profile, Refusal, RenderCluster, RenderError, Rendered, Renderer, Request,
    Session, ValuesSource,
};

/// Prepared sides remembered: saved and edited of a dozen environments.
const REMEMBERED: usize = 24;

/// What is to be rendered, with what is in memory of it already.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    pub request: Request,
    /// The chart as it was loaded; else it is read from `request.chart_dir`.
    pub chart: Option<Loaded>,
    /// What the files of `request.values` hold, where it is known.
    pub texts: Vec<(PathBuf, Arc<str>)>,
}

/// A chart that was read before. Equal when it is the same reading.
#[derive(Debug, Clone)]
pub struct Loaded(pub Arc<Chart>);

impl PartialEq for Loaded {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Source {
    /// Everything is read from the disk.
    pub fn of(request: Request) -> Self {
        Self { request, chart: None, texts: Vec::new() }
    }

    /// The request with the texts in the place of their files.
    pub(super) fn in_memory(&self) -> Request {
        let mut request = self.request.clone();
        for source in &mut request.values {
            let ValuesSource::File(path) = source else { continue };
            if let Some((name, text)) = self.texts.iter().find(|(known, _)| known == path) {
                *source = ValuesSource::Inline { name: name.clone(), text: text.clone() };
            }
        }
        request
    }

    /// Whether the engine reads no file for it, so that equal sources give equal results.
    fn reads_nothing(&self) -> bool {
        let known = |source: &ValuesSource| match source {
            ValuesSource::File(path) => self.texts.iter().any(|(known, _)| known == path),
            ValuesSource::Inline { .. } => true,
        };
        self.chart.is_some() && self.request.values.iter().all(known)
    }

    fn render(&self, engine: &Engine) -> Result<Output, Refusal> {
        self.render_with(engine, false)
    }

    fn render_with(&self, engine: &Engine, trace: bool) -> Result<Output, Refusal> {
        let request = self.in_memory();
        match &self.chart {
            Some(Loaded(chart)) => engine.render_loaded(chart, &request, trace),
            None => engine.render(&request, trace),
        }
    }

    fn side(&self) -> Side {
        Side { namespace: Some(self.request.namespace.clone()), release: Some(self.request.release.clone()) }
    }
}

/// Who rendered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    Engine,
    /// The helm program, and why the engine cannot.
    Helm(String),
    /// The helm program, because the engine gives something else.
    Judge,
    /// The helm program with the cluster's answers.
    Cluster,
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    pub objects: Arc<[Object]>,
    /// What is random in it.
    pub mask: Mask,
    pub side: Side,
    /// What helm warned about, and why it is not what it should be.
    pub warnings: Vec<String>,
    pub by: By,
    /// The other side's hooks have no counterpart here: a live cluster, the manifest of a record.
    pub without_hooks: bool,
}

impl Prepared {
    /// A side that was not rendered.
    pub fn of(objects: Vec<Object>, side: Side) -> Self {
        let (mask, warnings) = (Mask::default(), Vec::new());
        Self { objects: objects.into(), mask, side, warnings, by: By::Cluster, without_hooks: false }
    }

    /// What it is worth as far as is known when it was just made.
    pub fn verdict(&self) -> Verdict {
        match &self.by {
            By::Engine => Verdict::Pending,
            By::Helm(why) => Verdict::ByHelm(format!("the engine cannot: {why}")),
            By::Judge => Verdict::ByHelm("the engine gives something else".to_owned()),
            By::Cluster => Verdict::ByHelm(String::new()),
        }
    }

    /// What is different after `before`. Of the options only noise and redaction are the caller's.
    pub fn compare(before: &Self, after: &Self, options: DiffOptions) -> ChangeSet {
        let options = DiffOptions {
            mask: before.mask.clone().with(after.mask.clone()),
            old: before.side.clone(),
            new: after.side.clone(),
            skip_hooks: before.without_hooks || after.without_hooks,
            ..options
        };
        manifest::diff(&before.objects, &after.objects, &options)
    }

    /// What is different after `before`: all of it, and without noise.
    pub fn compare_both(before: &Self, after: &Self, options: DiffOptions) -> (ChangeSet, ChangeSet) {
        let quiet = Self::compare(before, after, DiffOptions { hide_noise: true, ..options.clone() });
        let all = if quiet.hidden == 0 {
            quiet.clone()
        } else {
            Self::compare(before, after, DiffOptions { hide_noise: false, ..options })
        };
        (all, quiet)
    }
}

/// Why the engine gave nothing.
#[derive(Debug)]
pub enum Refused {
    /// Only helm can tell: why.
    Cannot(String),
    /// There is nothing to see, with helm neither.
    Failed(Error),
}

impl From<Refusal> for Refused {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Unsupported(why) => Self::Cannot(why),
            Refusal::Limit(why) => Self::Cannot(format!("it stops at a limit, {why}")),
            refusal @ Refusal::Helm { .. } => Self::Failed(RenderError::from(refusal).error),
        }
    }
}

/// Renders what is looked at. Cheap to clone; clones share what they remember.
#[derive(Debug, Clone)]
pub struct Previewer {
    pub(super) shared: Arc<Shared>,
    /// `None` as long as none was found.
    pub(super) helm: Option<(Arc<Helm>, Arc<CliRenderer>)>,
}

#[derive(Debug)]
pub(super) struct Shared {
    engine: Engine,
    /// The same with other random values.
    other: Engine,
    session: Session,
    masks: Masks,
    memory: Mutex<Latest<(Source, Arc<Prepared>), REMEMBERED>>,
    /// Hashes of charts' contents.
    contents: Mutex<Vec<(Weak<Chart>, Hash)>>,
    /// What helm's printings came to.
    pub(super) verdicts: Mutex<HashMap<Hash, Judged>>,
    /// One helm at a time runs to judge.
    pub(super) judging: Semaphore,
}

impl Shared {
    fn new(profile: Profile, session: Session) -> Self {
        let engine = Engine::new(profile, session.clone());
        Self {
            other: engine.other(),
            engine,
            session,
            masks: Masks::default(),
            memory: Mutex::default(),
            contents: Mutex::default(),
            verdicts: Mutex::default(),
            judging: Semaphore::new(1),
        }
    }
}

impl Default for Previewer {
    /// Without a helm, as the newest known one would.
    fn default() -> Self {
        let shared = Shared::new(Profile::FOUR, Session::default());
        Self { shared: Arc::new(shared), helm: None }
    }
}

impl Previewer {
    /// With the helm that was found, in its profile. Random values stay what they were.
    #[must_use]
    pub fn with_helm(&self, helm: Arc<Helm>, renderer: Arc<CliRenderer>) -> Self {
        let profile = Profile::of(&helm.version);
        let shared = Shared::new(profile, self.shared.session.clone());
        Self { shared: Arc::new(shared), helm: Some((helm, renderer)) }
    }

    /// How the engine renders.
    pub fn profile(&self) -> Profile {
        self.shared.engine.profile()
    }

    /// The helm program.
    ///
    /// # Errors
    /// None was found (yet).
    pub fn helm(&self) -> Result<(Arc<Helm>, Arc<CliRenderer>)> {
        self.helm
            .clone()
            .ok_or_else(|| Error::new("helm is not there yet").next("install helm, or name it with --helm"))
    }

    /// The helm program, for what the engine cannot do.
    ///
    /// # Errors
    /// None was found (yet).
    pub fn helm_because(&self, why: &str) -> Result<(Arc<Helm>, Arc<CliRenderer>)> {
        self.helm.clone().ok_or_else(|| {
            Error::new("this chart cannot be rendered without helm")
                .because(format!("the engine cannot: {why}"))
                .next("install helm, or name it with --helm")
        })
    }

    /// By the engine; where only helm can, by helm.
    ///
    /// # Errors
    /// The chart does not render, or helm is needed and not there.
    pub async fn prepare(&self, source: &Source) -> Result<Arc<Prepared>> {
        match self.by_engine(source).await {
            Ok(prepared) => Ok(prepared),
            Err(Refused::Cannot(why)) => self.by_helm(source, By::Helm(why)).await,
            Err(Refused::Failed(error)) => Err(error),
        }
    }

    /// By the engine alone, within milliseconds.
    ///
    /// # Errors
    /// The chart does not render, or only helm can tell.
    pub async fn by_engine(&self, source: &Source) -> Result<Arc<Prepared>, Refused> {
        if let Some(found) = self.remembered(source) {
            return Ok(found);
        }
        let (shared, own) = (self.shared.clone(), source.clone());
        let prepared = Self::blocking(move || shared.prepare(&own)).await.map_err(Refused::Failed)??;
        let prepared = Arc::new(prepared);
        if source.reads_nothing() {
            let mut memory = self.shared.memory.lock().unwrap_or_else(PoisonError::into_inner);
            memory.keep((source.clone(), prepared.clone()));
        }
        Ok(prepared)
    }

    /// The manifests as the engine prints them.
    ///
    /// # Errors
    /// As [`Previewer::by_engine`].
    pub async fn render(&self, source: &Source) -> Result<Rendered, Refused> {
        let (shared, own) = (self.shared.clone(), source.clone());
        let output = Self::blocking(move || own.render(&shared.engine)).await;
        output.map_err(Refused::Failed)?.map(Output::into_rendered).map_err(Refused::from)
    }

    /// What the engine makes, with what is needed to say why.
    ///
    /// # Errors
    /// The chart does not render, or only helm can render it, which does not say why.
    pub async fn traced(&self, source: &Source) -> Result<Output> {
        let (shared, own) = (self.shared.clone(), source.clone());
        let output = Self::blocking(move || own.render_with(&shared.engine, true)).await?;
        output.map_err(|refusal| match refusal.into() {
            Refused::Cannot(why) => {
                Error::new("only helm can render this chart, and helm keeps no trace").because(why)
            }
            Refused::Failed(error) => error,
        })
    }

    /// What the engine prints, and under other random values where there are any.
    pub(super) async fn printed(&self, source: &Source) -> Result<Result<Vec<String>, Refusal>> {
        let (shared, own) = (self.shared.clone(), source.clone());
        Self::blocking(move || {
            let output = own.render(&shared.engine)?;
            let again = output.unstable.then(|| own.render(&shared.other).ok()).flatten();
            let all = std::iter::once(output).chain(again);
            Ok(all.map(|output| output.into_rendered().manifest).collect())
        })
        .await
    }

    /// Runs on a thread that renders, unless nobody waits for it any more when its turn comes.
    async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (tell, answer) = tokio::sync::oneshot::channel();
        let queued = Engine::queue(move || {
            if !tell.is_closed() {
                drop(tell.send(work()));
            }
        });
        queued.map_err(|refusal| RenderError::from(refusal).error)?;
        answer.await.map_err(|error| Error::new("the rendering broke off").because(error))
    }

    fn remembered(&self, source: &Source) -> Option<Arc<Prepared>> {
        let mut memory = self.shared.memory.lock().unwrap_or_else(PoisonError::into_inner);
        memory.find(|(known, _)| known == source).map(|(_, prepared)| prepared.clone())
    }

    /// By helm, twice, so that what is random shows.
    ///
    /// # Errors
    /// There is no helm, or it refuses.
    pub async fn by_helm(&self, source: &Source, by: By) -> Result<Arc<Prepared>> {
        let (_, renderer) = match &by {
            By::Helm(why) => self.helm_because(why)?,
            By::Engine | By::Judge | By::Cluster => self.helm()?,
        };
        let mut prepared =
            twice(&*renderer, &source.request, source.side()).await.map_err(|error| error.error)?;
        match &by {
            By::Helm(why) => {
                prepared.warnings.insert(0, format!("rendered by helm, because the engine cannot: {why}"));
            }
            By::Judge => {
                prepared
                    .warnings
                    .insert(0, "the engine gives something else: this is what helm gives".to_owned());
            }
            By::Engine | By::Cluster => {}
        }
        prepared.by = by;
        Ok(Arc::new(prepared))
    }

    /// With the cluster's answers (`lookup` finds stored passwords) where helm can ask `cluster`; else without them,
    /// which the warnings say.
    ///
    /// # Errors
    /// The chart does not render.
    pub async fn with_cluster(
        &self,
        source: &Source,
        cluster: Option<RenderCluster>,
    ) -> Result<Arc<Prepared>> {
        let asks = |(helm, _): &(Arc<Helm>, _)| helm.renders_with_cluster();
        let mut why = "values that the chart looks up there may differ".to_owned();
        if let Some(cluster) = cluster
            && self.helm.as_ref().is_some_and(asks)
        {
            let mut source = source.clone();
            source.request.dry_run = DryRun::Server;
            source.request.cluster = Some(cluster);
            match self.by_helm(&source, By::Cluster).await {
                Ok(prepared) => return Ok(prepared),
                Err(error) => why = format!("with it {}", error.headline()),
            }
        }
        let mut prepared = (*self.prepare(source).await?).clone();
        prepared.warnings.insert(0, format!("rendered without the cluster: {why}"));
        Ok(Arc::new(prepared))
    }

    /// The hash of a chart's contents.
    pub(super) fn contents(&self, chart: &Arc<Chart>) -> Hash {
        let mut contents = self.shared.contents.lock().unwrap_or_else(PoisonError::into_inner);
        contents.retain(|(known, _)| known.strong_count() > 0);
        let same = |known: &Weak<Chart>| known.upgrade().is_some_and(|known| Arc::ptr_eq(&known, chart));
        if let Some((_, hash)) = contents.iter().find(|(known, _)| same(known)) {
            return *hash;
        }
        let hash = content_hash(chart);
        contents.push((Arc::downgrade(chart), hash));
        hash
    }
}

/// The hash of everything that a chart and its subcharts hold.
pub(super) fn content_hash(chart: &Chart) -> Hash {
    fn add(chart: &Chart, all: &mut Vec<u8>) {
        for path in chart.files.paths() {
            all.extend_from_slice(path.as_os_str().as_encoded_bytes());
            let bytes = chart.files.bytes(path).map(|bytes| Hash::of(&**bytes));
            all.extend_from_slice(bytes.unwrap_or_else(|| Hash::of("")).bytes());
        }
        for dependency in &chart.dependencies {
            all.extend_from_slice(format!("\n{} {:?}\n", dependency.key(), dependency.state).as_bytes());
            if let Some(chart) = &dependency.chart {
                add(chart, all);
            }
        }
    }
    let mut all = Vec::new();
    add(chart, &mut all);
    Hash::of(all)
}

impl Shared {
    fn prepare(&self, source: &Source) -> Result<Prepared, Refused> {
        let output = source.render(&self.engine)?;
        let side = source.side();
        let objects = manifest::of_output(&output).map_err(Refused::Failed)?;
        let mask = self.masks.of(&output, &side, || {
            // Under other random values the chart may even refuse; then nothing is known to be random.
            let again = source.render(&self.other).ok().and_then(|again| manifest::of_output(&again).ok());
            again.map(|again| Mask::of(&objects, &again, &side)).unwrap_or_default()
        });
        let warnings = output.warnings;
        Ok(Prepared { mask, warnings, by: By::Engine, ..Prepared::of(objects, side) })
    }
}

/// Two looks at the same thing, so that what is random shows.
///
/// # Errors
/// The chart does not render, or what comes out are no objects.
pub async fn twice(renderer: &dyn Renderer, request: &Request, side: Side) -> Result<Prepared, RenderError> {
    let again = Request { sample: 1, ..request.clone() };
    let (first, second) = tokio::try_join!(renderer.render(request), renderer.render(&again))?;
    let (objects, others) = (manifest::parse(&first.manifest)?, manifest::parse(&second.manifest)?);
    let mask = Mask::of(&objects, &others, &side);
    Ok(Prepared { mask, warnings: first.warnings, ..Prepared::of(objects, side) })
}

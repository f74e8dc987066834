//! Running the files of a chart: all of them in helm's order, or after an edit only those whose reads it hits. What
//! another file does never matters to a file, unless somebody changes a map that all share (`set` on `.Values`): then
//! everything runs again in order, now and as long as that is so. Where many files are to run and processors are idle,
//! they run side by side.

use std::collections::HashMap;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::super::functions;
use super::super::manifests::Document;
use super::super::objects::capabilities::{Capabilities, KubeVersion};
use super::super::places::{Changes, Table};
use super::super::refusal;
use super::super::template::limits::Used;
use super::super::template::trace::{FileTrace, Level, Read};
use super::super::template::value::{Map, MapKind, Value};
use super::super::template::{Context, Documents, Session, Templates, without_no_value};
use super::super::units::{self, Shared};
use super::super::{Request, SetForm, ValuesSource};
use super::prepared::{Prepared, PreparedFile};
use super::{Engine, Refusal, deep};
use crate::chart::Chart;
use crate::values::Merged;
use crate::yaml::KeyPath;

/// What running one file gave.
#[derive(Debug)]
pub struct RanFile {
    /// `chart/templates/web.yaml`.
    pub name: Arc<str>,
    /// All that it wrote.
    pub output: Arc<str>,
    /// What of the values it read, sorted.
    pub reads: Vec<Read>,
    /// Its pieces, when the rendering was asked for them.
    pub trace: Option<Arc<FileTrace>>,
    /// A random or clock function was called.
    pub unstable: bool,
    used: Used,
    pub(super) documents: OnceLock<Result<Vec<Arc<Document>>, String>>,
}

impl RanFile {
    /// The documents in it, in its order; none where one of them is no YAML.
    pub fn documents(&self) -> &[Arc<Document>] {
        self.documents.get().and_then(|found| found.as_deref().ok()).unwrap_or_default()
    }
}

/// A result that others can be made from.
#[derive(Debug)]
pub(super) struct Baseline {
    prepared: Arc<Prepared>,
    ways: Ways,
    seed: [u8; 32],
    pub(super) values: Arc<Merged>,
    files: Vec<Option<Arc<RanFile>>>,
    /// Somebody changed what all share.
    changed: bool,
    places: Table,
}

/// What decides the output beside chart, values and session.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ways {
    release: String,
    namespace: String,
    is_upgrade: bool,
    kube_version: Option<String>,
    api_versions: Vec<String>,
    /// Decides the types of numbers, beside their values.
    set: Vec<String>,
    given: Vec<(SetForm, String)>,
    /// Not what is in them: that is compared as values.
    sources: Vec<PathBuf>,
}

impl Ways {
    fn of(request: &Request) -> Self {
        let name = |source: &ValuesSource| match source {
            ValuesSource::File(path) | ValuesSource::Inline { name: path, .. } => path.clone(),
        };
        Self {
            release: request.release.clone(),
            namespace: request.namespace.clone(),
            is_upgrade: request.is_upgrade,
            kube_version: request.kube_version.clone(),
            api_versions: request.api_versions.clone(),
            set: request.set.clone(),
            given: request.given.clone(),
            sources: request.values.iter().map(name).collect(),
        }
    }

    /// Whether the same values give the same output.
    fn fits(&self, other: &Self) -> bool {
        Self { sources: Vec::new(), ..self.clone() } == Self { sources: Vec::new(), ..other.clone() }
    }
}

impl Baseline {
    /// Whether a rendering can be made from it.
    pub(super) fn serves(&self, prepared: &Arc<Prepared>, request: &Request, places: &Table) -> bool {
        !self.changed
            && Arc::ptr_eq(&self.prepared, prepared)
            && self.places.is_same(places)
            && self.ways.fits(&Ways::of(request))
    }

    /// Whether it is of the same values files, with the same random values.
    pub(super) fn is_of(&self, request: &Request, session: &Session) -> bool {
        self.seed == session.seed && self.ways == Ways::of(request)
    }
}

/// Fewer files than this run one after the other: what another thread has to prepare would take longer.
const MANY: usize = 16;

/// Threads at most: each has its own values.
const SIDE_BY_SIDE: usize = 4;

/// One rendering of a prepared chart.
pub(super) struct Work {
    pub(super) engine: Engine,
    pub(super) chart: Arc<Chart>,
    pub(super) prepared: Arc<Prepared>,
    pub(super) templates: Arc<Templates>,
    pub(super) merged: Arc<Merged>,
    pub(super) request: Request,
    pub(super) kube: KubeVersion,
    pub(super) places: Table,
    pub(super) level: Level,
    pub(super) documents: Documents,
    pub(super) baseline: Option<Arc<Baseline>>,
    /// The keys outside of which the values are those of `baseline`, where that is known.
    pub(super) edited: Option<Vec<KeyPath>>,
}

/// What came of it.
pub(super) struct Ran {
    /// By the chart's files; partials have none.
    pub(super) files: Vec<Option<Arc<RanFile>>>,
    pub(super) changed: bool,
    /// How many files ran; the others are as they were.
    pub(super) count: usize,
}

/// By the chart's files: what is known of them.
pub(super) type Known = Vec<Option<Arc<RanFile>>>;

impl Work {
    /// Runs what has to run.
    pub(super) fn run(self: &Arc<Self>) -> Result<Ran, Refusal> {
        let blank = || vec![None; self.prepared.files.len()];
        let Some(baseline) = &self.baseline else { return self.files(&blank()) };
        let values = (&baseline.values.value, &self.merged.value);
        let changes = Changes::within(self.edited.as_deref(), values, &self.places.read());
        if changes.root_emptied {
            return self.files(&blank());
        }
        let same_session = baseline.seed == self.engine.session.seed;
        let is_usable = |file: &&Arc<RanFile>| {
            (same_session || !file.unstable)
                && (self.level < Level::Pieces || file.trace.is_some())
                && (changes.is_empty() || !file.reads.iter().any(|read| changes.hit(read)))
        };
        let known: Known =
            baseline.files.iter().map(|file| file.as_ref().filter(is_usable).cloned()).collect();
        if self.left(&known) == 0 {
            return Ok(Ran { files: known, changed: false, count: 0 });
        }
        let ran = self.files(&known)?;
        // What ran now changed something that those which did not run might have seen.
        if ran.changed { self.files(&blank()) } else { Ok(ran) }
    }

    /// How many files are to run.
    fn left(&self, known: &Known) -> usize {
        let files = self.prepared.files.iter().zip(known);
        files.filter(|(file, known)| !file.is_partial && known.is_none()).count()
    }

    /// Runs all files that are not known.
    fn files(self: &Arc<Self>, known: &Known) -> Result<Ran, Refusal> {
        let changes_shared = &self.prepared.changes_shared;
        if self.left(known) >= MANY && !changes_shared.load(Ordering::Relaxed) {
            let threads = SIDE_BY_SIDE.min(1 + deep::idle_processors());
            if threads > 1
                && let Some(ran) = self.side_by_side(known, threads)
            {
                return ran;
            }
        }
        let ran = self.in_order(known)?;
        if ran.changed {
            changes_shared.store(true, Ordering::Relaxed);
        }
        Ok(ran)
    }

    /// One after the other, in helm's order.
    pub(super) fn in_order(&self, known: &Known) -> Result<Ran, Refusal> {
        let mut runner = Runner::new(self, 1);
        let mut files = vec![None; self.prepared.files.len()];
        let mut count = 0;
        for ((file, known), slot) in self.prepared.files.iter().zip(known).zip(&mut files) {
            *slot = match known {
                Some(known) => Some(runner.skip(file, known)?),
                None => runner.run(file)?,
            };
            count += usize::from(known.is_none() && slot.is_some());
        }
        Ok(Ran { files, changed: runner.context.trace.changed, count })
    }

    /// On so many threads, this one among them; `None` where it must be done in order.
    pub(super) fn side_by_side(
        self: &Arc<Self>,
        known: &Known,
        threads: usize,
    ) -> Option<Result<Ran, Refusal>> {
        let (work, known) = (self.clone(), known.clone());
        let queue = Arc::new(Queue { work, known, threads, next: AtomicUsize::new(0) });
        let others: Vec<_> = (1..threads)
            .map(|_| {
                let queue = queue.clone();
                deep::start(move || queue.take_part())
            })
            .collect();
        let mut parts = vec![queue.take_part()];
        for other in others {
            // What a thread took that is gone is missing.
            parts.push(other.and_then(deep::Answer::wait).ok()?);
        }
        if parts.iter().any(|part| part.in_vain) {
            return None;
        }
        let mut files = queue.known.clone();
        let mut refused: Option<(usize, Refusal)> = None;
        let mut count = 0;
        for (index, ran) in parts.into_iter().flat_map(|part| part.files) {
            match ran {
                Ok(ran) => {
                    count += usize::from(ran.is_some());
                    files[index] = ran;
                }
                Err(refusal) if refused.as_ref().is_none_or(|(first, _)| index < *first) => {
                    refused = Some((index, refusal));
                }
                Err(_) => {}
            }
        }
        // Each thread looked at its own files: together they may be too much.
        let mut sum = self.context(1);
        let first = refused.as_ref().map_or(files.len(), |(first, _)| *first);
        for (file, ran) in self.prepared.files.iter().zip(&files).take(first) {
            if let Some(ran) = ran
                && let Err(fault) = sum.skip_file(ran.used)
            {
                return Some(Err(limited(file, &fault)));
            }
        }
        Some(refused.map_or(Ok(Ran { files, changed: false, count }), |(_, refusal)| Err(refusal)))
    }

    /// What one of so many threads works with; they share the memory.
    fn context(&self, threads: usize) -> Context {
        let session = self.engine.session.clone();
        Context::new(self.templates.clone(), functions::find, session, self.request.timeout, self.level)
            .with_documents(self.documents.clone())
            .with_profile(self.engine.profile)
            .with_share(threads)
    }

    /// What the next rendering can be made from.
    pub(super) fn next_baseline(&self, ran: &Ran) -> Baseline {
        Baseline {
            prepared: self.prepared.clone(),
            ways: Ways::of(&self.request),
            seed: self.engine.session.seed,
            values: self.merged.clone(),
            files: ran.files.clone(),
            changed: ran.changed,
            places: self.places.clone(),
        }
    }
}

/// The files that threads take side by side, in helm's order: when one of them fails, all before it have been taken.
struct Queue {
    work: Arc<Work>,
    known: Known,
    threads: usize,
    next: AtomicUsize,
}

/// What a file gave; partials give nothing.
type Given = Result<Option<Arc<RanFile>>, Refusal>;

/// What one thread did.
#[derive(Default)]
struct Part {
    /// By their places in helm's order.
    files: Vec<(usize, Given)>,
    /// Somebody changed what all share, or would have needed more memory than the share of one thread.
    in_vain: bool,
}

impl Queue {
    fn take_part(&self) -> Part {
        let mut part = Part::default();
        let mut runner = None;
        loop {
            let index = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = self.work.prepared.files.get(index) else { break };
            if file.is_partial || self.known[index].is_some() {
                continue;
            }
            let ran = runner.get_or_insert_with(|| Runner::new(&self.work, self.threads)).run(file);
            if ran.is_err() {
                self.next.store(self.work.prepared.files.len(), Ordering::Relaxed);
            }
            if let Ok(Some(ran)) = &ran {
                // Documents are read here, because this thread is not the only one.
                self.work.engine.documents(ran);
            }
            part.files.push((index, ran));
        }
        part.in_vain = runner.is_some_and(|runner| runner.context.trace.changed || runner.context.is_short());
        part
    }
}

/// One thread at work: values are not shared between threads.
struct Runner<'w> {
    work: &'w Work,
    /// Of the charts, by path.
    scopes: HashMap<String, Rc<Map>>,
    context: Context,
}

impl<'w> Runner<'w> {
    /// One of so many threads.
    fn new(work: &'w Work, threads: usize) -> Self {
        let request = &work.request;
        let profile = work.engine.profile;
        let release = Value::map([
            ("Name", Value::str(&request.release)),
            ("Namespace", Value::str(&request.namespace)),
            ("IsUpgrade", Value::Bool(request.is_upgrade)),
            ("IsInstall", Value::Bool(!request.is_upgrade)),
            ("Revision", Value::Int(1)),
            ("Service", Value::str("Helm")),
        ]);
        let capabilities = Capabilities::new(profile, work.kube.clone(), &request.api_versions);
        let shared = Shared {
            profile,
            release: release.in_scope(),
            capabilities: Value::Object(Rc::new(capabilities)),
        };
        let scopes = units::scopes(&work.prepared.unit, &shared, &work.merged, &work.places);
        Self { work, scopes, context: work.context(threads) }
    }

    /// Counts a file that need not run.
    fn skip(&mut self, file: &PreparedFile, known: &Arc<RanFile>) -> Result<Arc<RanFile>, Refusal> {
        self.context.skip_file(known.used).map_err(|fault| limited(file, &fault))?;
        Ok(known.clone())
    }

    /// Runs a file; partials and what lies in no chart that takes part give nothing.
    fn run(&mut self, file: &PreparedFile) -> Given {
        let Some(scope) = self.scopes.get(&file.unit).filter(|_| !file.is_partial) else {
            return Ok(None);
        };
        let profile = self.work.engine.profile;
        let template =
            [("Name", Value::str(&*file.name)), ("BasePath", Value::str(format!("{}/templates", file.unit)))];
        let template = Value::Map(Rc::new(Map::new(MapKind::Values(profile.values_type()), template)));
        scope.insert("Template", template.in_scope());
        let begun = self.context.begin_file(&file.name);
        let output = match self.context.run(file.name.as_bytes(), Value::Map(scope.clone())) {
            Ok(output) => without_no_value(output),
            Err(fault) if fault.is_limit() => return Err(limited(file, &fault)),
            Err(fault) => return Err(Refusal::late(refusal::execution(profile, &file.name, &fault))),
        };
        let (used, unstable) = self.context.end_file(begun);
        let (reads, trace) = self.context.trace.take_file();
        Ok(Some(Arc::new(RanFile {
            name: file.name.clone(),
            output: Arc::from(output.to_string()),
            reads,
            trace: trace.map(Arc::new),
            unstable,
            used,
            documents: OnceLock::new(),
        })))
    }
}

fn limited(file: &PreparedFile, words: &dyn std::fmt::Display) -> Refusal {
    Refusal::Limit(format!("{}: {words}", file.name))
}

//! Running the files of a chart: all of them in helm's order, or after an edit only those whose reads it hits. What
//! another file does never matters to a file, unless somebody changes a map that all share (`set` on `.Values`): then
//! everything runs again in order, now and as long as that is so.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::{Arc, OnceLock};

use super::super::functions;
use super::super::manifests::Document;
use super::super::objects::capabilities::{Capabilities, KubeVersion};
use super::super::places::{Changes, Table};
use super::super::profile::Profile;
use super::super::refusal;
use super::super::template::limits::Used;
use super::super::template::trace::{FileTrace, Level, Read};
use super::super::template::value::{Map, MapKind, Value};
use super::super::template::{Context, Documents, Session, Templates, without_no_value};
use super::super::units::{self, Shared};
use super::super::{Request, SetForm, ValuesSource};
use super::Refusal;
use super::prepared::Prepared;
use crate::values::Merged;

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
    values: Arc<Merged>,
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

/// One rendering of a prepared chart.
pub(super) struct Work<'w> {
    pub(super) prepared: &'w Arc<Prepared>,
    pub(super) templates: &'w Arc<Templates>,
    pub(super) merged: &'w Arc<Merged>,
    pub(super) request: &'w Request,
    pub(super) profile: Profile,
    pub(super) session: &'w Session,
    pub(super) kube: &'w KubeVersion,
    pub(super) places: &'w Table,
    pub(super) level: Level,
    pub(super) documents: Documents,
}

/// What came of it.
pub(super) struct Ran {
    /// By the chart's files; partials have none.
    pub(super) files: Vec<Option<Arc<RanFile>>>,
    pub(super) changed: bool,
    /// How many files ran; the others are as they were.
    pub(super) count: usize,
}

impl Work<'_> {
    /// Runs what has to run.
    pub(super) fn run(&self, baseline: Option<&Baseline>) -> Result<Ran, Refusal> {
        let blank = || vec![None; self.prepared.files.len()];
        let Some(baseline) = baseline else { return self.files(&blank()) };
        let changes = Changes::between(&baseline.values.value, &self.merged.value, &self.places.read());
        if changes.root_emptied {
            return self.files(&blank());
        }
        let same_session = baseline.seed == self.session.seed;
        let is_usable = |file: &&Arc<RanFile>| {
            (same_session || !file.unstable)
                && (self.level < Level::Pieces || file.trace.is_some())
                && (changes.is_empty() || !file.reads.iter().any(|read| changes.hit(read)))
        };
        let known: Vec<_> =
            baseline.files.iter().map(|file| file.as_ref().filter(is_usable).cloned()).collect();
        let is_whole =
            self.prepared.files.iter().zip(&known).all(|(file, known)| file.is_partial || known.is_some());
        if is_whole {
            return Ok(Ran { files: known, changed: false, count: 0 });
        }
        let ran = self.files(&known)?;
        // What ran now changed something that those which did not run might have seen.
        if ran.changed { self.files(&blank()) } else { Ok(ran) }
    }

    fn scopes(&self) -> std::collections::HashMap<String, Rc<Map>> {
        let request = self.request;
        let release = Value::map([
            ("Name", Value::str(&request.release)),
            ("Namespace", Value::str(&request.namespace)),
            ("IsUpgrade", Value::Bool(request.is_upgrade)),
            ("IsInstall", Value::Bool(!request.is_upgrade)),
            ("Revision", Value::Int(1)),
            ("Service", Value::str("Helm")),
        ]);
        let capabilities = Capabilities::new(self.profile, self.kube.clone(), &request.api_versions);
        let shared = Shared {
            profile: self.profile,
            release: release.in_scope(),
            capabilities: Value::Object(Rc::new(capabilities)),
        };
        units::scopes(&self.prepared.unit, &shared, self.merged, self.places)
    }

    /// Runs all files that are not known, in helm's order.
    fn files(&self, known: &[Option<Arc<RanFile>>]) -> Result<Ran, Refusal> {
        let scopes = self.scopes();
        let mut context = Context::new(
            self.templates.clone(),
            functions::find,
            self.session.clone(),
            self.request.timeout,
            self.level,
        )
        .with_documents(self.documents.clone())
        .with_profile(self.profile);
        let mut files = vec![None; self.prepared.files.len()];
        let mut count = 0;
        for ((file, known), slot) in self.prepared.files.iter().zip(known).zip(&mut files) {
            if file.is_partial {
                continue;
            }
            let Some(scope) = scopes.get(&file.unit) else { continue };
            let limited = |words: &dyn std::fmt::Display| Refusal::Limit(format!("{}: {words}", file.name));
            let template = [
                ("Name", Value::str(&*file.name)),
                ("BasePath", Value::str(format!("{}/templates", file.unit))),
            ];
            let template =
                Value::Map(Rc::new(Map::new(MapKind::Values(self.profile.values_type()), template)));
            scope.insert("Template", template.in_scope());
            if let Some(known) = known {
                context.skip_file(known.used).map_err(|fault| limited(&fault))?;
                *slot = Some(known.clone());
                continue;
            }
            count += 1;
            let begun = context.begin_file(&file.name);
            let output = match context.run(file.name.as_bytes(), Value::Map(scope.clone())) {
                Ok(output) => without_no_value(output),
                Err(fault) if fault.is_limit() => return Err(limited(&fault)),
                Err(fault) => {
                    return Err(Refusal::late(refusal::execution(self.profile, &file.name, &fault)));
                }
            };
            let (used, unstable) = context.end_file(begun);
            let (reads, trace) = context.trace.take_file();
            *slot = Some(Arc::new(RanFile {
                name: file.name.clone(),
                output: Arc::from(output.to_string()),
                reads,
                trace: trace.map(Arc::new),
                unstable,
                used,
                documents: OnceLock::new(),
            }));
        }
        Ok(Ran { files, changed: context.trace.changed, count })
    }

    /// What the next rendering can be made from.
    pub(super) fn baseline(&self, ran: &Ran) -> Baseline {
        Baseline {
            prepared: self.prepared.clone(),
            ways: Ways::of(self.request),
            seed: self.session.seed,
            values: self.merged.clone(),
            files: ran.files.clone(),
            changed: ran.changed,
            places: self.places.clone(),
        }
    }
}

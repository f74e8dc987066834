//! The rows of the list: every mapped target of every chart, every other release of the contexts that these lead
//! to, and every cluster that does not answer. Worst first, each with why and since when.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use jiff::Timestamp;

use crate::base::{Error, text};
use crate::cluster::Health;
use crate::cluster::objects::WatchState;
use crate::cluster::releases::ReleaseRow;
use crate::helm::record::Status;
use crate::session::{Fetched, Mapped, ReleaseRef, Session};
use crate::ui;
use crate::workspace::{self, Target};

use super::applied::Applied;
use super::memory::{self, Memory};
use super::state::Tone;

/// What a row stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// A target of a chart of the workspace, whether or not it is installed.
    Mapped(Mapped),
    /// A release that no chart here maps.
    Foreign,
    /// A context that does not answer as hoped.
    Cluster,
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    /// Stays when anything about the row changes.
    pub(super) key: String,
    pub(super) kind: Kind,
    /// `None` for clusters, and while the context is not known.
    pub(super) release: Option<ReleaseRef>,
    pub(super) name: String,
    pub(super) environment: String,
    /// The context, or the cluster's shared name while there is none.
    pub(super) context: String,
    pub(super) namespace: String,
    pub(super) row: Option<ReleaseRow>,
    /// Smaller is worse.
    pub(super) rank: u8,
    pub(super) tone: Tone,
    pub(super) word: String,
    pub(super) why: String,
    pub(super) since: Option<Timestamp>,
    pub(super) applied: Applied,
    /// What is shown was seen last at this time.
    pub(super) stale: Option<Timestamp>,
    /// What went wrong, whole, for the detail below the list.
    pub(super) error: Option<Error>,
}

impl Entry {
    fn set(&mut self, rank: u8, tone: Tone, word: &str) {
        self.rank = rank;
        self.tone = tone;
        word.clone_into(&mut self.word);
    }

    fn because(&mut self, why: &str) {
        why.clone_into(&mut self.why);
    }

    /// helm's word, or a dash.
    pub(super) fn status(&self) -> String {
        self.row.as_ref().map_or_else(|| "–".to_owned(), |row| row.status.to_string())
    }

    /// `floe @ dev`, `floe in floe-dev`, `context nonprod`.
    pub(super) fn title(&self) -> String {
        match self.kind {
            Kind::Mapped(_) => format!("{} @ {}", self.name, self.environment),
            Kind::Foreign => format!("{} in {}", self.name, self.namespace),
            Kind::Cluster => format!("context {}", self.context),
        }
    }
}

/// A target with what the list needs of it.
#[derive(Debug, Clone)]
pub(super) struct Planned {
    pub(super) mapped: Mapped,
    pub(super) target: Result<Target, Error>,
    pub(super) files: Vec<PathBuf>,
}

impl Planned {
    /// Where its release is, when the context is known.
    pub(super) fn release(&self) -> Option<ReleaseRef> {
        crate::session::release_of(self.target.as_ref().ok()?)
    }
}

/// Every mapped target of the workspace, charts and environments in their order.
pub(super) fn targets(session: &Session) -> Vec<Planned> {
    let Some(workspace) = session.workspace.ready() else { return Vec::new() };
    let contexts = session.contexts.ready().map_or(&[][..], Vec::as_slice);
    let mut found = Vec::new();
    for chart in &workspace.charts {
        let Some(mapping) = &chart.mapping else { continue };
        for environment in &chart.environments {
            if mapping.of(&environment.name).is_some() {
                found.push(Planned {
                    mapped: Mapped { chart: chart.dir.clone(), environment: environment.name.clone() },
                    target: workspace::resolve(chart, environment, contexts, &session.settings),
                    files: environment.values_files.clone(),
                });
            }
        }
    }
    found
}

/// The contexts to ask, each with the namespaces to fall back to.
pub(super) fn contexts(targets: &[Planned], ticked: &BTreeSet<String>) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for target in targets.iter().filter_map(|planned| planned.target.as_ref().ok()) {
        if let Some(context) = &target.context {
            all.entry(context.clone()).or_default().insert(target.namespace.clone());
        }
    }
    for context in ticked {
        all.entry(context.clone()).or_default();
    }
    all.into_iter().map(|(context, namespaces)| (context, namespaces.into_iter().collect())).collect()
}

/// All rows, in no particular order.
pub(super) fn entries(session: &Session, memory: &mut Memory, ticked: &BTreeSet<String>) -> Vec<Entry> {
    let targets = targets(session);
    let contexts = contexts(&targets, ticked);
    let mut entries = Vec::new();
    let mut mapped_releases = BTreeSet::new();
    for planned in &targets {
        let entry = mapped(session, memory, planned);
        mapped_releases.extend(entry.release.clone());
        entries.push(entry);
    }
    for context in contexts.keys() {
        entries.extend(cluster(session, memory, context));
        let rows: Vec<ReleaseRow> =
            memory.releases(context).map(|(snapshot, _)| snapshot.rows.clone()).unwrap_or_default();
        for row in rows {
            let release = ReleaseRef {
                context: context.clone(),
                namespace: row.namespace.clone(),
                release: row.name.clone(),
            };
            if !mapped_releases.contains(&release) {
                entries.push(foreign(session, memory, &release, row));
            }
        }
    }
    entries
}

fn mapped(session: &Session, memory: &mut Memory, planned: &Planned) -> Entry {
    let mut entry = Entry {
        key: format!("target {} {}", planned.mapped.chart.display(), planned.mapped.environment),
        kind: Kind::Mapped(planned.mapped.clone()),
        release: planned.release(),
        name: planned.target.as_ref().map(|target| target.release.clone()).unwrap_or_default(),
        environment: planned.mapped.environment.clone(),
        context: String::new(),
        namespace: String::new(),
        row: None,
        rank: 30,
        tone: Tone::Unknown,
        word: "loading".to_owned(),
        why: String::new(),
        since: None,
        applied: Applied::Unknown,
        stale: None,
        error: None,
    };
    let target = match &planned.target {
        Ok(target) => target,
        Err(error) => {
            entry.why.clone_from(&error.what);
            entry.error = Some(error.clone());
            entry.set(25, Tone::Warn, "unmapped");
            return entry;
        }
    };
    entry.context = target.context.clone().unwrap_or_else(|| target.cluster.clone());
    entry.namespace.clone_from(&target.namespace);
    let Some(release) = entry.release.clone() else {
        match &session.contexts {
            Fetched::Awaited { .. } => {}
            Fetched::Failed { error, .. } => {
                entry.why.clone_from(&error.what);
                entry.error = Some(error.clone());
                entry.set(25, Tone::Warn, "no kubeconfig");
            }
            Fetched::Ready { .. } => {
                let error = target.context().err();
                entry.why = error.as_ref().map(|error| error.what.clone()).unwrap_or_default();
                entry.error = error;
                entry.set(25, Tone::Warn, "no context");
            }
        }
        return entry;
    };
    match memory.row(&release).cloned() {
        Some(row) => {
            entry.applied = memory.applied(session, &planned.mapped, &planned.files, &release, &row);
            judge(session, memory, &mut entry, &release, row);
        }
        None => absent(session, memory, &mut entry, &release),
    }
    entry
}

/// No release is there, or it cannot be said.
fn absent(session: &Session, memory: &Memory, entry: &mut Entry, release: &ReleaseRef) {
    let unseen = session.world.releases.get(&release.context).and_then(|snapshot| {
        let here = |namespace: &Option<String>| namespace.as_ref().is_none_or(|n| *n == release.namespace);
        let exact = |namespace: &Option<String>| namespace.as_ref() == Some(&release.namespace);
        // The cluster-wide refusal says nothing about a namespace that was listed by itself.
        snapshot
            .unseen
            .iter()
            .find(|unseen| if snapshot.partial { exact(&unseen.namespace) } else { here(&unseen.namespace) })
    });
    let fault = unseen.map(|unseen| &unseen.fault).or_else(|| memory::fault(session, &release.context));
    if session.world.running_on(release).is_some() {
        running(entry);
    } else if let Some(fault) = fault {
        let error = Error::from(fault.clone());
        entry.set(24, Tone::Unknown, fault.word());
        entry.why.clone_from(&error.what);
        entry.error = Some(error);
    } else if memory.releases(&release.context).is_some() {
        entry.set(80, Tone::Missing, "not installed");
        entry.because("I plans the install");
    }
}

fn foreign(session: &Session, memory: &Memory, release: &ReleaseRef, row: ReleaseRow) -> Entry {
    let mut entry = Entry {
        key: format!("release {release}"),
        kind: Kind::Foreign,
        name: release.release.clone(),
        environment: "–".to_owned(),
        context: release.context.clone(),
        namespace: release.namespace.clone(),
        release: Some(release.clone()),
        row: None,
        rank: 30,
        tone: Tone::Unknown,
        word: String::new(),
        why: String::new(),
        since: None,
        applied: Applied::Unknown,
        stale: None,
        error: None,
    };
    judge(session, memory, &mut entry, release, row);
    entry
}

fn running(entry: &mut Entry) {
    entry.set(12, Tone::Busy, "running");
    entry.because("an operation is at work, 6 shows it");
}

/// The state of a release that exists.
fn judge(session: &Session, memory: &Memory, entry: &mut Entry, release: &ReleaseRef, row: ReleaseRow) {
    entry.since = row.modified;
    entry.stale = memory.releases(&release.context).and_then(|(_, stale)| stale);
    entry.set(60, Tone::from(row.status), row.status.word());
    let description = memory::record(session, release, row.revision)
        .map(|record| said(session, &record.description))
        .filter(|description| !description.is_empty());
    match row.status {
        Status::Failed => {
            entry.rank = 0;
            let runs =
                row.deployed.map(|revision| format!("; revision {revision} is deployed")).unwrap_or_default();
            let what = description.unwrap_or_else(|| format!("revision {} failed", row.revision));
            entry.why = format!("{what}{runs}");
        }
        Status::PendingInstall | Status::PendingUpgrade | Status::PendingRollback => {
            let seconds = row.modified.map(|at| session.now.as_second().saturating_sub(at.as_second()));
            let limit = i64::try_from(session.settings.timeout.as_secs()).unwrap_or(i64::MAX);
            let age = row.modified.map_or_else(|| "?".to_owned(), |at| age(at, session.now));
            if seconds.is_some_and(|seconds| seconds < limit) {
                entry.set(10, Tone::Busy, "pending");
                entry.why = format!("{} since {age}: a helm elsewhere may be at work", row.status);
            } else {
                entry.set(1, Tone::Warn, "stuck");
                entry.why =
                    format!("{} since {age}: helm refuses an upgrade, Enter shows the ways out", row.status);
            }
        }
        Status::Uninstalling => {
            entry.rank = 13;
            entry.because("an uninstall is under way, or was cut off");
        }
        Status::Unknown => entry.rank = 20,
        Status::Superseded => {
            entry.rank = 14;
            entry.why = format!("revision {} is superseded and nothing newer is kept", row.revision);
        }
        Status::Uninstalled => {
            entry.rank = 85;
            entry.because("uninstalled, its history is kept");
        }
        Status::Deployed => {
            if matches!(entry.applied, Applied::Differs { .. }) {
                entry.rank = 50;
            }
            lift_health(session, memory, entry, release);
        }
    }
    if session.world.running_on(release).is_some() {
        running(entry);
    }
    entry.row = Some(row);
}

/// What runs says more than helm's word.
fn lift_health(session: &Session, memory: &Memory, entry: &mut Entry, release: &ReleaseRef) {
    let Some(observed) = memory.observed(release) else { return };
    entry.set(entry.rank, Tone::from(observed.health), observed.health.word());
    entry.because(&session.redactor.text(&observed.line));
    match observed.health {
        Health::Degraded | Health::Missing => entry.rank = 2,
        Health::Progressing => entry.rank = 11,
        Health::Unknown => entry.rank = 21,
        Health::Suspended => entry.rank = 40,
        Health::Healthy => {}
    }
    let seconds = session.now.as_second().saturating_sub(observed.at.as_second());
    if seconds > 60 {
        let seen = format!("seen {} ago", age(observed.at, session.now));
        entry.why = if entry.why.is_empty() { seen } else { format!("{} ({seen})", entry.why) };
    }
}

/// A row of its own for a context that does not answer, or answers in part.
fn cluster(session: &Session, memory: &Memory, context: &str) -> Option<Entry> {
    let fault = memory::fault(session, context)?;
    let error = Error::from(fault.clone()).at_if_none(context);
    Some(Entry {
        key: format!("cluster {context}"),
        kind: Kind::Cluster,
        release: None,
        name: "(cluster)".to_owned(),
        environment: "–".to_owned(),
        context: context.to_owned(),
        namespace: "–".to_owned(),
        row: None,
        rank: 5,
        tone: Tone::Bad,
        word: fault.word().to_owned(),
        why: error.cause.as_ref().map_or_else(|| error.what.clone(), |cause| text::one_line(cause)),
        since: None,
        applied: Applied::Unknown,
        stale: memory.releases(context).and_then(|(_, stale)| stale),
        error: Some(error),
    })
}

trait AtIfNone {
    fn at_if_none(self, place: &str) -> Self;
}

impl AtIfNone for Error {
    fn at_if_none(self, place: &str) -> Self {
        if self.place.is_some() { self } else { self.at(format!("context {place}")) }
    }
}

/// An age in one unit.
pub(super) fn age(then: Timestamp, now: Timestamp) -> String {
    ui::text::age(u64::try_from(now.as_second().saturating_sub(then.as_second())).unwrap_or_default())
}

/// One line of helm's or the cluster's that may be shown.
pub(super) fn said(session: &Session, words: &str) -> String {
    text::one_line(&session.redactor.text(words))
}

/// What the rows are sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sort {
    #[default]
    Worst,
    Release,
    Environment,
    Cluster,
    Newest,
}

impl Sort {
    /// The next one, around the end.
    pub(super) fn next(self) -> Self {
        match self {
            Self::Worst => Self::Release,
            Self::Release => Self::Environment,
            Self::Environment => Self::Cluster,
            Self::Cluster => Self::Newest,
            Self::Newest => Self::Worst,
        }
    }

    /// `worst first`, `by release`.
    pub(super) fn words(self) -> &'static str {
        match self {
            Self::Worst => "worst first",
            Self::Release => "by release",
            Self::Environment => "by environment",
            Self::Cluster => "by cluster",
            Self::Newest => "newest first",
        }
    }

    /// Puts rows in order.
    pub(super) fn apply(self, entries: &mut [Entry]) {
        entries.sort_by(|a, b| self.compare(a, b).then_with(|| place(a).cmp(&place(b))));
    }

    fn compare(self, a: &Entry, b: &Entry) -> Ordering {
        match self {
            Self::Worst => a.rank.cmp(&b.rank).then_with(|| foreign_last(a).cmp(&foreign_last(b))),
            Self::Release => a.name.cmp(&b.name),
            Self::Environment => {
                foreign_last(a).cmp(&foreign_last(b)).then_with(|| a.environment.cmp(&b.environment))
            }
            Self::Cluster => a.context.cmp(&b.context).then_with(|| a.namespace.cmp(&b.namespace)),
            Self::Newest => b.since.cmp(&a.since),
        }
    }
}

fn foreign_last(entry: &Entry) -> bool {
    !matches!(entry.kind, Kind::Mapped(_))
}

fn place(entry: &Entry) -> (&str, &str, &str, &str) {
    (&entry.context, &entry.namespace, &entry.name, &entry.environment)
}

/// Whether the last answer of every context is there.
pub(super) fn is_loading(session: &Session, contexts: &BTreeMap<String, Vec<String>>) -> bool {
    contexts.keys().any(|context| {
        session.world.releases.get(context).is_none_or(|snapshot| snapshot.state == WatchState::Loading)
    })
}

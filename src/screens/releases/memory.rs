//! What was seen last. The session holds the newest answer of each watch; an answer that says "unreachable" or
//! "still loading" carries no rows, and what was on the screen before stays there with its age.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;

use crate::chart::Chart;
use crate::cluster::objects::{ObjectsSnapshot, Wanted, WatchState};
use crate::cluster::releases::{ReleaseRow, ReleasesSnapshot};
use crate::cluster::{Fault, Health, root_cause};
use crate::helm::record::Record;
use crate::manifest;
use crate::operations::life::Watched;
use crate::session::{Effect, Fetched, Mapped, Message, ReleaseRef, Session};

use super::applied::{self, Applied};

/// Records asked for in the list: the selected row's, those of mapped targets, and of what failed.
const RECORDS: usize = 24;

/// The last live answer about the releases of a context.
#[derive(Debug, Clone)]
struct Seen {
    snapshot: Arc<ReleasesSnapshot>,
    /// Until when it was live.
    until: Timestamp,
    live: bool,
}

/// The health that was observed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Observed {
    pub(super) health: Health,
    /// The root cause or what everything waits for.
    pub(super) line: String,
    pub(super) at: Timestamp,
}

/// The texts' generation, the release with its revision and record, the chart as it was read: and what came of them.
type Compared = (u64, ReleaseRef, u32, String, Option<Arc<Chart>>, Applied);

/// What the room remembers about the world.
#[derive(Debug, Default)]
pub(super) struct Memory {
    seen: BTreeMap<String, Seen>,
    observed: HashMap<ReleaseRef, Observed>,
    /// How records of releases changed while they were watched.
    watched: HashMap<ReleaseRef, Watched>,
    /// Which record was asked for, at which version of its object.
    asked: HashMap<(ReleaseRef, u32), String>,
    wanted: HashMap<(ReleaseRef, u32), Arc<[Wanted]>>,
    /// By target: for which texts, which record and which look at the chart.
    applied: HashMap<Mapped, Compared>,
}

impl Memory {
    /// Takes from an answer what has to outlive the next one.
    pub(super) fn hear(&mut self, session: &Session, message: &Message) {
        match message {
            Message::Releases { context, snapshot } => self.hear_releases(session, context, snapshot),
            Message::Objects { release, snapshot } if !snapshot.is_loading() => {
                self.observed.insert(release.clone(), observe(snapshot, session.now));
            }
            Message::Record { release, revision: Some(revision), result: Ok(record) } => {
                self.wanted.insert((release.clone(), *revision), wanted(record));
            }
            _ => {}
        }
    }

    fn hear_releases(&mut self, session: &Session, context: &str, snapshot: &Arc<ReleasesSnapshot>) {
        if snapshot.state == WatchState::Live {
            self.watch(session, context, snapshot);
            let seen = Seen { snapshot: snapshot.clone(), until: session.now, live: true };
            self.seen.insert(context.to_owned(), seen);
        } else if let Some(seen) = self.seen.get_mut(context)
            && std::mem::take(&mut seen.live)
        {
            seen.until = session.now;
        }
    }

    /// What changed since the list before; the first one is no change.
    fn watch(&mut self, session: &Session, context: &str, after: &ReleasesSnapshot) {
        let Some(before) = self.seen.get(context) else { return };
        for (before, row) in Watched::compare(&before.snapshot.rows, &after.rows) {
            let release = ReleaseRef {
                context: context.to_owned(),
                namespace: row.namespace.clone(),
                release: row.name.clone(),
            };
            self.watched.entry(release).or_default().look(before, &row.history, session.now);
        }
    }

    /// What was seen of the records of a release while they were watched.
    pub(super) fn watched(&self, release: &ReleaseRef) -> Option<&Watched> {
        self.watched.get(release)
    }

    /// The releases of a context as seen last, and since when that is old; `None` when nothing was seen yet.
    pub(super) fn releases(&self, context: &str) -> Option<(&ReleasesSnapshot, Option<Timestamp>)> {
        let seen = self.seen.get(context)?;
        Some((&seen.snapshot, (!seen.live).then_some(seen.until)))
    }

    /// The row of a release as seen last.
    pub(super) fn row(&self, release: &ReleaseRef) -> Option<&ReleaseRow> {
        let (snapshot, _) = self.releases(&release.context)?;
        snapshot.rows.iter().find(|row| row.namespace == release.namespace && row.name == release.release)
    }

    /// The health of a release as observed last.
    pub(super) fn observed(&self, release: &ReleaseRef) -> Option<&Observed> {
        self.observed.get(release)
    }

    /// What the manifest and the hooks of a revision name; `None` until its record was read.
    pub(super) fn wanted(&self, release: &ReleaseRef, revision: u32) -> Option<Arc<[Wanted]>> {
        self.wanted.get(&(release.clone(), revision)).cloned()
    }

    /// Asks for the record of a revision, unless that was asked for since it was written last.
    pub(super) fn ask(
        &mut self,
        session: &mut Session,
        release: &ReleaseRef,
        revision: u32,
        version: &str,
    ) -> Option<Effect> {
        let key = (release.clone(), revision);
        if self.asked.get(&key).is_some_and(|asked| asked == version) {
            return None;
        }
        self.asked.insert(key, version.to_owned());
        let since = session.now;
        session.world.records.entry((release.clone(), Some(revision))).or_insert(Fetched::Awaited { since });
        Some(Effect::FetchRecord { release: release.clone(), revision: Some(revision) })
    }

    /// Asks for the records that the list needs, the most urgent first.
    pub(super) fn ask_all(&mut self, session: &mut Session, releases: &[ReleaseRef]) -> Vec<Effect> {
        let mut effects = Vec::new();
        for release in releases.iter().take(RECORDS) {
            let Some((revision, version)) =
                self.row(release).map(|row| (row.revision, row.resource_version.clone()))
            else {
                continue;
            };
            effects.extend(self.ask(session, release, revision, &version));
        }
        effects
    }

    /// Records are asked for again, also those that failed.
    pub(super) fn forget_asked(&mut self) {
        self.asked.clear();
    }

    /// Whether the workspace differs from what a mapped target runs on. Worked out once for each text and record.
    pub(super) fn applied(
        &mut self,
        session: &Session,
        mapped: &Mapped,
        files: &[PathBuf],
        release: &ReleaseRef,
        row: &ReleaseRow,
    ) -> Applied {
        let generation = session.documents.generation();
        let Some(record) = record(session, release, row.revision) else { return Applied::Unknown };
        let charts = session.workspace.ready().map(|workspace| &workspace.charts[..]).unwrap_or_default();
        let chart = charts.iter().find(|chart| chart.dir == mapped.chart).map(|chart| &chart.chart);
        let version = &row.resource_version;
        if let Some((made, of, revision, at, read, applied)) = self.applied.get(mapped)
            && (*made, of, *revision, at) == (generation, release, row.revision, version)
            && read.as_ref().map(Arc::as_ptr) == chart.map(Arc::as_ptr)
        {
            return applied.clone();
        }
        let applied = applied::compare(session, files, chart.map(Arc::as_ref), record);
        self.applied.insert(
            mapped.clone(),
            (generation, release.clone(), row.revision, version.clone(), chart.cloned(), applied.clone()),
        );
        applied
    }
}

/// The record of a revision, if it was read.
pub(super) fn record<'s>(
    session: &'s Session,
    release: &ReleaseRef,
    revision: u32,
) -> Option<&'s Arc<Record>> {
    session.world.records.get(&(release.clone(), Some(revision)))?.ready()
}

/// The fault of a context's releases now, if there is one.
pub(super) fn fault<'s>(session: &'s Session, context: &str) -> Option<&'s Fault> {
    session.world.releases.get(context)?.state.fault()
}

fn observe(snapshot: &ObjectsSnapshot, now: Timestamp) -> Observed {
    // The reason first: the end of a column is what is cut.
    let cause = root_cause(&snapshot.rows, &snapshot.events)
        .map(|cause| format!("{}: {}", cause.reason, cause.path.join(" › ")));
    let blocking = || snapshot.blocking().map(|row| format!("{}: {}", row.reason, row.title()));
    Observed { health: snapshot.health(), line: cause.or_else(blocking).unwrap_or_default(), at: now }
}

/// What should exist by a record. A manifest that cannot be read names nothing.
fn wanted(record: &Record) -> Arc<[Wanted]> {
    let want = |object: &manifest::Object, hook: bool| Wanted {
        api_version: object.id.api_version.clone(),
        kind: object.id.kind.clone(),
        namespace: object.id.namespace.clone(),
        name: object.id.name.clone(),
        hook,
    };
    let objects = manifest::parse(&record.manifest).unwrap_or_default();
    let mut wanted: Vec<Wanted> = objects.iter().map(|object| want(object, false)).collect();
    for hook in &record.hooks {
        let objects = manifest::parse_from(&hook.manifest, Some(&hook.path)).unwrap_or_default();
        wanted.extend(objects.iter().map(|object| want(object, true)));
    }
    wanted.into()
}

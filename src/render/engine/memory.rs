//! What is remembered between renderings: charts with their parsed templates and compiled schemas, documents read,
//! and for each way of rendering the last results. Whatever is on disk is looked at again before it is used.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::super::manifests::Reading;
use super::super::places::Table;
use super::super::template::Documents;
use super::super::template::ast::Tree;
use super::Refusal;
use super::files::Baseline;
use super::prepared::Prepared;
use crate::base::recent::Recent;
use crate::chart::strict::{self, Loader};
use crate::chart::{Chart, files};

/// Parsed templates remembered, in bytes of their texts.
const PARSED: usize = 64 * 1024 * 1024;

/// Documents remembered, in bytes of their texts; what was read of them takes some times that.
const READINGS: usize = 8 * 1024 * 1024;

/// Charts remembered: those of a workspace, and some with unsaved texts.
const CHARTS: usize = 16;

/// Charts remembered with unsaved texts: the latest few of an edited template.
const UNSAVED: usize = 3;

/// Ways to switch the subcharts of one chart.
const PREPARED: usize = 8;

/// Last results of a chart: a few environments, saved and edited.
const BASELINES: usize = 16;

/// A change so shortly before it was looked at may be followed by another one with the same time.
const RACY: Duration = Duration::from_secs(2);

/// The trees of a text, or Go's words about it.
pub(super) type Parsed = Result<Arc<[Arc<Tree>]>, String>;

#[derive(Debug, Default)]
pub(super) struct Memory {
    /// By the template's name and text.
    parsed: Recent<(String, Arc<[u8]>), Parsed, PARSED>,
    readings: Recent<Arc<str>, Result<Reading, String>, READINGS>,
    /// Most recently used last.
    folders: Vec<(PathBuf, Stamp, Arc<Chart>)>,
    charts: Vec<ChartMemory>,
    places: Table,
    pub(super) documents: Documents,
}

/// What is remembered of one chart with one set of unsaved texts.
#[derive(Debug)]
struct ChartMemory {
    chart: Arc<Chart>,
    overlay: Vec<(PathBuf, Arc<str>)>,
    /// The chart with the unsaved texts.
    whole: Arc<Chart>,
    /// By what switches the subcharts: the sections of those that take part.
    prepared: Vec<Arc<Prepared>>,
    baselines: Vec<Arc<Baseline>>,
}

impl Memory {
    /// The chart of a folder as it is now.
    pub(super) fn folder(&mut self, dir: &Path, loader: Loader) -> Result<Arc<Chart>, Refusal> {
        let stamp = Stamp::of(dir);
        let known = self.folders.iter().position(|(folder, ..)| folder == dir);
        let known = known.map(|at| self.folders.remove(at));
        if let (Some((_, then, chart)), Some(stamp)) = (&known, &stamp)
            && then.entries == stamp.entries
            && then.is_settled()
        {
            let chart = chart.clone();
            self.folders.extend(known);
            return Ok(chart);
        }
        strict::check(dir, loader)?;
        let loaded = Chart::load(dir).map_err(|error| Refusal::early(error.to_string()))?;
        // What is the same stays the same, with all that is known of it.
        let chart = match known {
            Some((_, _, chart)) if chart.is_same(&loaded) => chart,
            _ => Arc::new(loaded),
        };
        if let Some(stamp) = stamp {
            if self.folders.len() >= CHARTS {
                self.folders.remove(0);
            }
            self.folders.push((dir.to_owned(), stamp, chart.clone()));
        }
        Ok(chart)
    }

    fn chart(&mut self, chart: &Arc<Chart>, overlay: &[(PathBuf, Arc<str>)]) -> Option<&mut ChartMemory> {
        let fits = |memory: &ChartMemory| Arc::ptr_eq(&memory.chart, chart) && memory.overlay == overlay;
        // The latest one goes to the end, where it stays longest.
        let at = self.charts.iter().position(fits)?;
        let memory = self.charts.remove(at);
        self.charts.push(memory);
        self.charts.last_mut()
    }

    /// A chart with unsaved texts; `None` when they decide more than files' contents.
    pub(super) fn with_texts(
        &mut self,
        chart: &Arc<Chart>,
        overlay: &[(PathBuf, Arc<str>)],
    ) -> Option<Arc<Chart>> {
        if let Some(memory) = self.chart(chart, overlay) {
            return Some(memory.whole.clone());
        }
        let mut whole = chart.clone();
        if !overlay.is_empty() && !super::units::overlay(Arc::make_mut(&mut whole), overlay) {
            return None;
        }
        let is_unsaved = |memory: &&ChartMemory| !memory.overlay.is_empty();
        let oldest = if self.charts.iter().filter(is_unsaved).count() >= UNSAVED {
            self.charts.iter().position(|memory| is_unsaved(&memory))
        } else {
            (self.charts.len() >= CHARTS).then_some(0)
        };
        if let Some(oldest) = oldest {
            self.charts.remove(oldest);
        }
        self.charts.push(ChartMemory {
            chart: chart.clone(),
            overlay: overlay.to_vec(),
            whole: whole.clone(),
            prepared: Vec::new(),
            baselines: Vec::new(),
        });
        Some(whole)
    }

    #[cfg(test)]
    pub(super) fn forget_results(&mut self) {
        self.charts.iter_mut().for_each(|memory| memory.baselines.clear());
    }

    fn of_whole(&mut self, whole: &Arc<Chart>) -> Option<&mut ChartMemory> {
        self.charts.iter_mut().rev().find(|memory| Arc::ptr_eq(&memory.whole, whole))
    }

    pub(super) fn prepared(
        &mut self,
        whole: &Arc<Chart>,
        fits: impl Fn(&Prepared) -> bool,
    ) -> Option<Arc<Prepared>> {
        self.of_whole(whole)?.prepared.iter().find(|prepared| fits(prepared)).cloned()
    }

    pub(super) fn keep_prepared(&mut self, whole: &Arc<Chart>, prepared: &Arc<Prepared>) {
        let Some(memory) = self.of_whole(whole) else { return };
        if memory.prepared.len() >= PREPARED {
            memory.prepared.remove(0);
        }
        memory.prepared.push(prepared.clone());
    }

    /// The numbers of places; a full table makes way for a new one.
    pub(super) fn places(&mut self) -> Table {
        if self.places.is_full() {
            self.places = Table::default();
            self.charts.iter_mut().for_each(|memory| memory.baselines.clear());
        }
        self.places.clone()
    }

    /// The result that is likely to be nearest: the latest of the same values files, else the latest.
    pub(super) fn baseline(
        &mut self,
        whole: &Arc<Chart>,
        fits: impl Fn(&Baseline) -> bool,
        is_nearer: impl Fn(&Baseline) -> bool,
    ) -> Option<Arc<Baseline>> {
        let known = &self.of_whole(whole)?.baselines;
        let fitting = || known.iter().rev().filter(|baseline| fits(baseline));
        fitting().find(|baseline| is_nearer(baseline)).or_else(|| fitting().next()).cloned()
    }

    /// Keeps a result in the place of those that `replaces` says.
    pub(super) fn keep_baseline(
        &mut self,
        whole: &Arc<Chart>,
        baseline: Arc<Baseline>,
        replaces: impl Fn(&Baseline) -> bool,
    ) {
        let Some(memory) = self.of_whole(whole) else { return };
        memory.baselines.retain(|known| !replaces(known));
        if memory.baselines.len() >= BASELINES {
            memory.baselines.remove(0);
        }
        memory.baselines.push(baseline);
    }

    pub(super) fn parsed(&mut self, name: &str, text: &Arc<[u8]>, parse: impl FnOnce() -> Parsed) -> Parsed {
        let key = (name.to_owned(), text.clone());
        if let Some(parsed) = self.parsed.get(&key) {
            return parsed;
        }
        let parsed = parse();
        self.parsed.insert(key, parsed.clone(), text.len());
        parsed
    }

    pub(super) fn reading(&mut self, document: &str) -> Option<Result<Reading, String>> {
        self.readings.get(document)
    }

    pub(super) fn keep_reading(&mut self, document: &str, reading: &Result<Reading, String>) {
        self.readings.insert(Arc::from(document), reading.clone(), document.len());
    }
}

/// What a chart's folder looked like: names, sizes, times and numbers of all its files.
#[derive(Debug)]
struct Stamp {
    entries: Vec<(PathBuf, [i64; 6])>,
    taken: SystemTime,
}

impl Stamp {
    /// `None` where the folder cannot be looked at, or holds more than a chart may.
    fn of(dir: &Path) -> Option<Self> {
        let taken = SystemTime::now();
        let mut entries = Vec::new();
        let mut pending = vec![(dir.to_owned(), 0)];
        while let Some((folder, depth)) = pending.pop() {
            for entry in std::fs::read_dir(&folder).ok()?.flatten() {
                let path = entry.path();
                if path.ends_with(".git") {
                    continue;
                }
                let Ok(metadata) = std::fs::metadata(&path) else { continue };
                if metadata.is_dir() && depth < 2 * files::LIMITS.depth {
                    pending.push((path.clone(), depth + 1));
                }
                entries.push((path, numbers(&metadata)));
                if entries.len() > 2 * files::LIMITS.files {
                    return None;
                }
            }
        }
        entries.sort_unstable();
        Some(Self { entries, taken })
    }

    /// Nothing changed so shortly before it was taken that another change could look the same.
    fn is_settled(&self) -> bool {
        let Some(limit) = self.taken.checked_sub(RACY) else { return false };
        let Ok(limit) = limit.duration_since(SystemTime::UNIX_EPOCH) else { return false };
        let limit = i64::try_from(limit.as_secs()).unwrap_or_default();
        self.entries.iter().all(|(_, [_, _, modified, _, changed, _])| *modified < limit && *changed < limit)
    }
}

fn numbers(metadata: &Metadata) -> [i64; 6] {
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    // The time of a folder changes with its list of names, which is looked at itself.
    let size = if metadata.is_dir() { -1 } else { number(metadata.len()) };
    [
        size,
        number(metadata.ino()),
        metadata.mtime(),
        metadata.mtime_nsec(),
        metadata.ctime(),
        metadata.ctime_nsec(),
    ]
}

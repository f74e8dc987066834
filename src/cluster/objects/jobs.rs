//! The jobs among the objects of a release: schedules with their runs, and jobs of their own.

use super::{ObjectRow, ObjectsSnapshot};
use crate::cluster::health::{Batch, Run};

/// A `CronJob` or a `Job` that the manifest names.
#[derive(Debug, Clone)]
pub struct JobRows<'s> {
    /// Where its row is in the snapshot.
    pub at: usize,
    pub row: &'s ObjectRow,
    pub batch: &'s Batch,
    /// The runs of a schedule that are still there, newest first.
    pub runs: Vec<RunRow<'s>>,
}

/// A run of a schedule.
#[derive(Debug, Clone, Copy)]
pub struct RunRow<'s> {
    /// Where its row is in the snapshot.
    pub at: usize,
    pub row: &'s ObjectRow,
    pub batch: &'s Batch,
    pub run: &'s Run,
}

impl ObjectsSnapshot {
    /// What runs and ran, as the snapshot has it; hooks and tests are not jobs of the release.
    pub fn jobs(&self) -> Vec<JobRows<'_>> {
        let own = self.rows.iter().enumerate().filter(|(_, row)| row.depth == 0 && !row.hook);
        own.filter_map(|(at, row)| Some(JobRows { at, row, batch: row.batch.as_ref()?, runs: self.runs(at) }))
            .collect()
    }

    fn runs(&self, schedule: usize) -> Vec<RunRow<'_>> {
        let mut runs: Vec<RunRow> = self
            .children(schedule)
            .filter_map(|(at, row)| match row.batch.as_ref()? {
                batch @ Batch::Run(run) => Some(RunRow { at, row, batch, run }),
                Batch::Schedule(_) => None,
            })
            .collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.row.created));
        runs
    }
}

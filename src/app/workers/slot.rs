//! One slot a job, latest wins: a newer wish for the same slot ends the one that waits or runs. Dropping a task
//! drops its future, and with it the helm child or the connection that it held.

use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::time::Duration;

use tokio::task::{AbortHandle, JoinSet};

/// The running tasks by slot.
#[derive(Debug)]
pub(super) struct Slots<K> {
    running: HashMap<K, AbortHandle>,
    tasks: JoinSet<()>,
}

impl<K: Eq + Hash> Default for Slots<K> {
    fn default() -> Self {
        Self { running: HashMap::new(), tasks: JoinSet::new() }
    }
}

impl<K: Eq + Hash> Slots<K> {
    /// Starts `work` after `pause`, in place of what the slot holds. A pause lets a burst of key presses pass.
    pub(super) fn start(
        &mut self,
        slot: K,
        pause: Duration,
        work: impl Future<Output = ()> + Send + 'static,
    ) {
        self.reap();
        let handle = self.tasks.spawn(async move {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            work.await;
        });
        if let Some(older) = self.running.insert(slot, handle) {
            older.abort();
        }
    }

    /// Waits until the tasks of these slots are done.
    pub(super) async fn finish(&mut self, which: impl Fn(&K) -> bool) {
        while self.running.iter().any(|(slot, handle)| which(slot) && !handle.is_finished()) {
            if self.tasks.join_next().await.is_none() {
                return;
            }
        }
    }

    /// Forgets finished tasks; gives the words of those that died by a fault of ours.
    pub(super) fn reap(&mut self) -> Vec<String> {
        let mut died = Vec::new();
        while let Some(result) = self.tasks.try_join_next() {
            if let Err(error) = result
                && error.is_panic()
            {
                died.push(error.to_string());
            }
        }
        self.running.retain(|_, handle| !handle.is_finished());
        died
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use tokio::sync::mpsc;

    #[tokio::test(start_paused = true)]
    async fn only_the_latest_of_a_burst_runs() {
        let (tx, mut rx) = mpsc::unbounded_channel();
        let mut slots = Slots::default();
        for n in 0..5 {
            let tx = tx.clone();
            slots.start("preview", Duration::from_millis(100), async move { tx.send(n).unwrap() });
        }
        drop(tx);
        assert_eq!(rx.recv().await, Some(4));
        assert_eq!(rx.recv().await, None);
    }

    #[tokio::test]
    async fn a_task_that_dies_is_reported_and_the_others_live() {
        let mut slots = Slots::default();
        slots.start("bad", Duration::ZERO, async { panic!("a fault of ours") });
        let mut died = Vec::new();
        while died.is_empty() {
            tokio::task::yield_now().await;
            died = slots.reap();
        }
        let (tx, mut rx) = mpsc::unbounded_channel();
        slots.start("good", Duration::ZERO, async move { tx.send(()).unwrap() });
        assert_eq!(rx.recv().await, Some(()));
    }
}

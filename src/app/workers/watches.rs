//! The wanted watches against the running ones. A watch that is not wanted any more lingers for a moment, so
//! that a key press back and forth does not connect anew.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::session::Watch;

/// How long an unwanted watch lives on.
pub(super) const LINGER: Duration = Duration::from_millis(300);

#[derive(Debug)]
struct Running {
    token: CancellationToken,
    /// Since when nobody wants it.
    unwanted: Option<Instant>,
}

/// The running watches.
#[derive(Debug, Default)]
pub(super) struct Watches {
    running: BTreeMap<Watch, Running>,
}

impl Watches {
    /// Ends what has not been wanted for [`LINGER`]; gives the watches to start, each with the token that ends it.
    pub(super) fn reconcile(&mut self, wanted: &[Watch], now: Instant) -> Vec<(Watch, CancellationToken)> {
        for (watch, running) in &mut self.running {
            if wanted.contains(watch) {
                running.unwanted = None;
            } else if running.unwanted.is_none() {
                running.unwanted = Some(now);
            }
        }
        self.running.retain(|_, running| {
            let keep = running.unwanted.is_none_or(|since| now.duration_since(since) < LINGER);
            if !keep {
                running.token.cancel();
            }
            keep
        });
        let mut started = Vec::new();
        for watch in wanted {
            if !self.running.contains_key(watch) {
                let token = CancellationToken::new();
                self.running.insert(watch.clone(), Running { token: token.clone(), unwanted: None });
                started.push((watch.clone(), token));
            }
        }
        started
    }

    /// Whether one lingers, so that somebody has to come back for it.
    pub(super) fn lingers(&self) -> bool {
        self.running.values().any(|running| running.unwanted.is_some())
    }

    /// Ends those that match, so that the next reconcile starts them anew: after a login, a new kubeconfig.
    pub(super) fn restart(&mut self, matches: impl Fn(&Watch) -> bool) {
        self.running.retain(|watch, running| {
            let ends = matches(watch);
            if ends {
                running.token.cancel();
            }
            !ends
        });
    }
}

impl Drop for Watches {
    fn drop(&mut self) {
        for running in self.running.values() {
            running.token.cancel();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_survives_a_short_absence_only() {
        let start = Instant::now();
        let wanted = [Watch::Files];
        let mut watches = Watches::default();
        let started = watches.reconcile(&wanted, start);
        assert_eq!(started.len(), 1);
        assert!(watches.reconcile(&[], start).is_empty() && watches.lingers());
        assert!(watches.reconcile(&wanted, start + LINGER / 2).is_empty(), "it was still running");
        watches.reconcile(&[], start + LINGER);
        watches.reconcile(&[], start + LINGER * 2);
        assert!(started.iter().all(|(_, token)| token.is_cancelled()));
        assert_eq!(watches.reconcile(&wanted, start + LINGER * 2).len(), 1);
    }
}

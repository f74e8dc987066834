//! What stops a template that would never end, fill the memory or overflow the stack. Each limit is far above what
//! charts do, and says so when it is met.

use std::time::{Duration, Instant};

use super::errors::Fault;

/// Values nest at most so deep in whatever walks over them.
pub const NESTING: usize = 1_000;

/// Templates call each other at most so deep; helm's own limit is 1,000 for each name.
const DEPTH: usize = 4_000;

/// The stack that `DEPTH` needs, in bytes; a rendering runs on a thread of its own with so much. Memory is used
/// only as far as the stack grows.
pub const STACK: usize = 512 * 1024 * 1024;

/// Nodes, iterations and calls.
const STEPS: u64 = 200_000_000;

/// What one function may make at once, and all of them together, in bytes.
const AT_ONCE: usize = 256 * 1024 * 1024;
const ALTOGETHER: usize = 4 * 1024 * 1024 * 1024;

/// All output, in bytes.
const OUTPUT: usize = 512 * 1024 * 1024;

/// What a part of a rendering used: steps, bytes that functions made, bytes written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Used {
    steps: u64,
    made: usize,
    written: usize,
}

/// What one rendering has used.
#[derive(Debug)]
pub(super) struct Budget {
    steps: u64,
    made: usize,
    written: usize,
    depth: usize,
    deadline: Instant,
    timeout: Duration,
    /// Among how many threads the memory is divided.
    shares: usize,
}

impl Budget {
    pub(super) fn new(timeout: Duration) -> Self {
        let deadline = Instant::now() + timeout;
        Self { steps: 0, made: 0, written: 0, depth: 0, deadline, timeout, shares: 1 }
    }

    /// One of so many shares of the memory.
    pub(super) fn share(&mut self, of: usize) {
        self.shares = of;
    }

    /// It would be less than too much if the memory were not divided.
    pub(super) fn is_short(&self) -> bool {
        self.shares > 1 && (self.made > ALTOGETHER / self.shares || self.written > OUTPUT / self.shares)
    }

    /// What was used since `before`.
    pub(super) fn since(&self, before: Used) -> Used {
        Used {
            steps: self.steps - before.steps,
            made: self.made - before.made,
            written: self.written - before.written,
        }
    }

    /// Counts what was used another time as if it were used now.
    pub(super) fn again(&mut self, used: Used) -> Result<(), Box<Fault>> {
        self.steps = self.steps.saturating_add(used.steps);
        self.charge_all(used.made)?;
        self.written(used.written)?;
        self.check_steps()
    }

    pub(super) fn step(&mut self) -> Result<(), Box<Fault>> {
        self.steps += 1;
        self.check_steps()?;
        if self.steps.is_multiple_of(4096) { self.in_time() } else { Ok(()) }
    }

    pub(super) fn in_time(&self) -> Result<(), Box<Fault>> {
        if Instant::now() > self.deadline {
            return limit(format!("the templates take longer than {:?}", self.timeout));
        }
        Ok(())
    }

    fn check_steps(&self) -> Result<(), Box<Fault>> {
        if self.steps > STEPS {
            return limit(format!("the templates take more than {STEPS} steps"));
        }
        Ok(())
    }

    pub(super) fn charge(&mut self, bytes: usize) -> Result<(), Box<Fault>> {
        if bytes > AT_ONCE {
            return limit(format!("a function would make {} MiB at once", bytes / 1024 / 1024));
        }
        self.charge_all(bytes)
    }

    fn charge_all(&mut self, bytes: usize) -> Result<(), Box<Fault>> {
        self.made = self.made.saturating_add(bytes);
        if self.made > ALTOGETHER / self.shares {
            return limit(format!(
                "the templates' functions make more than {} MiB",
                ALTOGETHER / 1024 / 1024
            ));
        }
        Ok(())
    }

    pub(super) fn written(&mut self, bytes: usize) -> Result<(), Box<Fault>> {
        self.written = self.written.saturating_add(bytes);
        if self.written > OUTPUT / self.shares {
            return limit(format!("the templates write more than {} MiB", OUTPUT / 1024 / 1024));
        }
        Ok(())
    }

    pub(super) fn enter(&mut self) -> Result<(), Box<Fault>> {
        self.depth += 1;
        if self.depth > DEPTH {
            return limit(format!("the templates call each other more than {DEPTH} levels deep"));
        }
        Ok(())
    }

    pub(super) fn leave(&mut self) {
        self.depth = self.depth.saturating_sub(1);
    }
}

fn limit<T>(words: String) -> Result<T, Box<Fault>> {
    Err(Box::new(Fault::limit(words)))
}

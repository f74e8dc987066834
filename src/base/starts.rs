//! Other programs are never being started while this one is stopped (Ctrl-Z).
//!
//! Between the two halves of a start (clone and exec) the new process still belongs to our process group. The signal that
//! stops the group would stop it there, and the thread that waits for its exec could not be stopped any more: the shell
//! would wait for us for ever. So a stop waits until no start is under way, and no start begins meanwhile.

use std::sync::{PoisonError, RwLock};

static GATE: RwLock<()> = RwLock::new(());

/// Starts a program: `start` calls `spawn` and returns what that returns.
pub fn start<T>(start: impl FnOnce() -> T) -> T {
    let _open = GATE.read().unwrap_or_else(PoisonError::into_inner);
    start()
}

/// Does what must not meet a start, as sending a signal to the whole process group.
pub fn between<T>(act: impl FnOnce() -> T) -> T {
    let _closed = GATE.write().unwrap_or_else(PoisonError::into_inner);
    act()
}

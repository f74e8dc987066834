//! Threads with a stack for templates that nest deeply. They stay for the next rendering and end when none comes: while
//! somebody types, starting a thread and touching a fresh stack would take as long as the rendering.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use super::Refusal;
use crate::render::template::limits;

/// An idle thread ends after so long, and gives back what its stack has grown to.
const IDLE: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Threads {
    waiting: VecDeque<Job>,
    idle: usize,
}

static THREADS: Mutex<Threads> = Mutex::new(Threads { waiting: VecDeque::new(), idle: 0 });
static WORK: Condvar = Condvar::new();

fn threads() -> MutexGuard<'static, Threads> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Runs on such a thread and waits for it.
pub(super) fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let (tell, answer) = mpsc::sync_channel(1);
    // Nobody waits for the answer any more only when this thread is gone.
    let job: Job = Box::new(move || drop(tell.send(work())));
    {
        let mut threads = threads();
        threads.waiting.push_back(job);
        if threads.idle < threads.waiting.len() {
            let thread = thread::Builder::new().name("render".to_owned()).stack_size(limits::STACK);
            if let Err(error) = thread.spawn(work_off) {
                threads.waiting.pop_back();
                return Err(Refusal::Unsupported(format!("no thread to render on: {error}")));
            }
        } else {
            WORK.notify_one();
        }
    }
    // A job that panics takes its thread and the channel's end with it.
    answer.recv().unwrap_or_else(|_| Err(Refusal::Unsupported("the engine broke down".to_owned())))
}

fn work_off() {
    let mut threads = threads();
    loop {
        if let Some(job) = threads.waiting.pop_front() {
            drop(threads);
            job();
            threads = self::threads();
            continue;
        }
        threads.idle += 1;
        let (woken, waited) = WORK.wait_timeout(threads, IDLE).unwrap_or_else(PoisonError::into_inner);
        threads = woken;
        threads.idle -= 1;
        if waited.timed_out() && threads.waiting.is_empty() {
            return;
        }
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn many_at_once_each_get_their_own_answer_and_a_panic_harms_only_its_own() {
        let ask = |number: usize| {
            thread::spawn(move || {
                let answer =
                    run(move || if number.is_multiple_of(5) { panic!("as it should") } else { Ok(number) });
                match answer {
                    Ok(found) => assert_eq!(found, number),
                    Err(refusal) => {
                        assert_eq!(refusal, Refusal::Unsupported("the engine broke down".to_owned()));
                        assert!(number.is_multiple_of(5));
                    }
                }
            })
        };
        for _ in 0..4 {
            let asked: Vec<_> = (0..20).map(ask).collect();
            for thread in asked {
                assert!(thread.join().is_ok());
            }
        }
    }
}

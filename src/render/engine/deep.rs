//! Threads with a stack for templates that nest deeply. They stay for the next rendering and end when none comes: while
//! somebody types, starting a thread and touching a fresh stack would take as long as the rendering.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Condvar, LazyLock, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use super::Refusal;
use crate::render::template::limits;

/// An idle thread ends after so long, and gives back what its stack has grown to.
const IDLE: Duration = Duration::from_secs(5);

type Job = Box<dyn FnOnce() + Send>;

struct Threads {
    waiting: VecDeque<Job>,
    idle: usize,
    busy: usize,
    /// What waits for its turn, and how many threads take turns.
    queue: VecDeque<Job>,
    turns: usize,
}

static THREADS: Mutex<Threads> =
    Mutex::new(Threads { waiting: VecDeque::new(), idle: 0, busy: 0, queue: VecDeque::new(), turns: 0 });
static WORK: Condvar = Condvar::new();

fn threads() -> MutexGuard<'static, Threads> {
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

static PROCESSORS: LazyLock<usize> = LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));

/// Processors for which there is no rendering.
pub(super) fn idle_processors() -> usize {
    let threads = threads();
    PROCESSORS.saturating_sub(threads.busy + threads.waiting.len())
}

/// What a thread will answer.
pub(super) struct Answer<T>(mpsc::Receiver<T>);

impl<T> Answer<T> {
    pub(super) fn wait(self) -> Result<T, Refusal> {
        // A job that panics takes its thread and the channel's end with it.
        self.0.recv().map_err(|_| Refusal::Unsupported("the engine broke down".to_owned()))
    }
}

thread_local! {
    /// This is such a thread.
    static IS_DEEP: Cell<bool> = const { Cell::new(false) };
}

/// Runs on such a thread and waits for it; at once where this is one.
pub(super) fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    if IS_DEEP.get() { work() } else { start(work)?.wait()? }
}

/// Runs on such a thread.
pub(super) fn start<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<Answer<T>, Refusal> {
    let (tell, answer) = mpsc::sync_channel(1);
    // Nobody waits for the answer any more only when this thread is gone.
    let job: Job = Box::new(move || drop(tell.send(work())));
    {
        let mut threads = threads();
        threads.waiting.push_back(job);
        if threads.idle < threads.waiting.len() {
            let thread = thread::Builder::new().name("render".to_owned()).stack_size(limits::STACK);
            if let Err(error) = thread.spawn(work_off) {
                let job = threads.waiting.pop_back();
                // It may count itself out.
                drop(threads);
                drop(job);
                return Err(Refusal::Unsupported(format!("no thread to render on: {error}")));
            }
        } else {
            WORK.notify_one();
        }
    }
    Ok(Answer(answer))
}

/// Runs on such a thread, as soon as fewer than there are processors are at work that was queued: more would only wait for
/// each other. A thread that is done goes on with the next, so that none has to wake up for it.
pub(super) fn queue(work: impl FnOnce() + Send + 'static) -> Result<(), Refusal> {
    {
        let mut threads = threads();
        if threads.turns >= *PROCESSORS {
            threads.queue.push_back(Box::new(work));
            return Ok(());
        }
        threads.turns += 1;
    }
    take_turns(Box::new(work))
}

fn take_turns(first: Job) -> Result<(), Refusal> {
    let turns = Turns;
    start(move || {
        let _turns = turns;
        first();
        while let Some(next) = next_in_turn() {
            next();
        }
    })
    .map(drop)
}

fn next_in_turn() -> Option<Job> {
    threads().queue.pop_front()
}

/// Counts a thread that takes turns; when it breaks down, another one goes on.
struct Turns;

impl Drop for Turns {
    fn drop(&mut self) {
        let mut threads = threads();
        match threads.queue.pop_front() {
            Some(next) => {
                drop(threads);
                // Without a thread its answer is gone, as that of the one that broke down.
                drop(take_turns(next));
            }
            None => threads.turns -= 1,
        }
    }
}

/// Counts a busy thread, also while it breaks down.
struct Busy;

impl Drop for Busy {
    fn drop(&mut self) {
        threads().busy -= 1;
    }
}

fn work_off() {
    IS_DEEP.set(true);
    let mut threads = threads();
    loop {
        if let Some(job) = threads.waiting.pop_front() {
            threads.busy += 1;
            drop(threads);
            let busy = Busy;
            job();
            drop(busy);
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
    fn what_is_queued_runs_few_at_a_time_and_a_panic_holds_nobody_up() {
        use std::sync::Arc;
        use std::sync::atomic::{AtomicUsize, Ordering};
        let (at_work, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (tell, answers) = mpsc::channel();
        for number in 0..50_usize {
            let (at_work, most, tell) = (at_work.clone(), most.clone(), tell.clone());
            let queued = queue(move || {
                most.fetch_max(at_work.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                thread::yield_now();
                at_work.fetch_sub(1, Ordering::SeqCst);
                assert!(!number.is_multiple_of(7), "as it should");
                assert!(tell.send(number).is_ok());
            });
            assert_eq!(queued, Ok(()));
        }
        drop(tell);
        let mut found: Vec<usize> = answers.iter().collect();
        found.sort_unstable();
        assert_eq!(found, (0..50_usize).filter(|number| !number.is_multiple_of(7)).collect::<Vec<_>>());
        assert!(most.load(Ordering::SeqCst) <= *PROCESSORS);
    }

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

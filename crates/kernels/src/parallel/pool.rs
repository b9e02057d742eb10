//! Threads that wait for work.
//!
//! One job runs at a time. Its caller publishes it, works on its tasks itself, and at the end waits
//! only for those helpers that have joined: a helper that the system was slow to wake costs nothing.
//! Helpers wait actively for a while after a job, since layers follow each other closely, and then
//! sleep.
//!
//! Each thread begins with a share of its own, of neighbouring tasks, and then helps with the others:
//! the tasks of one call that touch what those of the last did mostly find it in their core's
//! caches, which cores may not share.
//!
//! Joining is decided by one word, the [`Gate`]: a job's number, whether it may be joined, and how
//! many have. A helper touches a job only between its entry there and its report of being done,
//! and the caller, whose stack the job lives on, closes the gate and waits for those reports.
//!
//! A helper that is woken on the processor that its caller works on would wait there for a tick of
//! the clock, which is longer than most jobs take: [`Placement`] keeps helpers off it.
//!
//! After `fork` the child has none of these threads. It forgets the pool (whose locks may be held
//! by threads that are no more) and makes another when it needs one.

use super::placement::Placement;
use super::{InTask, cores};
use smallvec::SmallVec;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::null_mut;
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence};
use std::sync::{Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::time::{Duration, Instant};

/// How long a helper waits actively for the next job, and a caller for its helpers: about what it
/// costs to put a thread to sleep and wake it.
const ACTIVE_WAIT: Duration = Duration::from_micros(50);

/// The tasks of one call.
struct Job<'a> {
    task: &'a (dyn Fn(usize) + Sync),
    /// One for each thread that may come.
    shares: SmallVec<[Share; 4]>,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

/// Neighbouring tasks, on a cache line of their own.
#[repr(align(64))]
struct Share {
    next: AtomicUsize,
    end: usize,
}

impl<'a> Job<'a> {
    fn new(tasks: usize, threads: usize, task: &'a (dyn Fn(usize) + Sync)) -> Self {
        let (least, more) = (tasks / threads, tasks % threads);
        let start = |nth: usize| nth * least + nth.min(more);
        let share = |nth| Share { next: AtomicUsize::new(start(nth)), end: start(nth + 1) };
        Self { task, shares: (0..threads).map(share).collect(), panic: Mutex::new(None) }
    }

    /// Does the tasks of one share, then what is left of the others, until none is left.
    fn work(&self, share: usize) {
        let _in_task = InTask::enter();
        let (before, from) = self.shares.split_at(share.min(self.shares.len()));
        for share in from.iter().chain(before) {
            loop {
                let index = share.next.fetch_add(1, Ordering::Relaxed);
                if index >= share.end {
                    break;
                }
                if let Err(payload) = catch_unwind(AssertUnwindSafe(|| (self.task)(index))) {
                    lock(&self.panic).get_or_insert(payload);
                }
            }
        }
    }
}

/// A job's number, whether it may be joined, how many have joined.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Gate(u64);

impl Gate {
    const OPEN: u64 = 1 << 16;

    fn number(self) -> u64 {
        self.0 >> 17
    }
    fn is_open(self) -> bool {
        self.0 & Self::OPEN != 0
    }
    fn joined(self) -> usize {
        (self.0 & (Self::OPEN - 1)) as usize
    }
    fn next_job(self) -> Self {
        Self((self.number() + 1) << 17 | Self::OPEN)
    }
}

struct Pool {
    placement: Placement,
    busy: AtomicBool,
    gate: AtomicU64,
    /// The job that the gate is open for, and how many may join it.
    job: AtomicPtr<()>,
    most_helpers: AtomicUsize,
    /// Helpers that are done with the job.
    done: AtomicUsize,
    spawned: AtomicUsize,
    sleepers: AtomicUsize,
    sleep: Mutex<()>,
    wake: Condvar,
    caller_sleeps: AtomicBool,
    caller_wake: Condvar,
}

static POOL: AtomicPtr<Pool> = AtomicPtr::new(null_mut());

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn forget_pool_after_fork() {
    #[cfg(unix)]
    {
        extern "C" fn in_child() {
            POOL.store(null_mut(), Ordering::Relaxed);
            crate::buffer::after_fork();
        }
        static REGISTER: Once = Once::new();
        // SAFETY: the handler only touches atomics, which is allowed between fork and exec.
        REGISTER.call_once(|| unsafe {
            libc::pthread_atfork(None, None, Some(in_child));
        });
    }
}

fn pool() -> &'static Pool {
    let mut pool = POOL.load(Ordering::Acquire);
    if pool.is_null() {
        forget_pool_after_fork();
        let new = Box::into_raw(Box::new(Pool {
            placement: Placement::new(),
            busy: AtomicBool::new(false),
            gate: AtomicU64::new(0),
            job: AtomicPtr::new(null_mut()),
            most_helpers: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            spawned: AtomicUsize::new(0),
            sleepers: AtomicUsize::new(0),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
            caller_sleeps: AtomicBool::new(false),
            caller_wake: Condvar::new(),
        }));
        pool = match POOL.compare_exchange(null_mut(), new, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => new,
            Err(other) => {
                // SAFETY: made above and shared with nobody.
                drop(unsafe { Box::from_raw(new) });
                other
            }
        };
    }
    // SAFETY: a pool that was published is never freed.
    unsafe { &*pool }
}

/// Runs the tasks on the calling thread and up to `helpers` others. False, and nothing is done, if
/// the pool is taken by another caller.
pub(super) fn run(tasks: usize, helpers: usize, task: &(dyn Fn(usize) + Sync)) -> bool {
    let pool = pool();
    if pool.busy.swap(true, Ordering::Acquire) {
        return false;
    }
    let job = Job::new(tasks, helpers + 1, task);
    pool.spawn_up_to(helpers);
    pool.open(&job, helpers);
    job.work(0);
    pool.close();
    pool.busy.store(false, Ordering::Release);
    if let Some(payload) = job.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
        resume_unwind(payload);
    }
    true
}

/// Whether threads may wait actively: not where that takes the core of one that works.
fn may_wait_actively(threads: usize) -> bool {
    threads <= cores()
}

/// Waits actively until the condition holds or [`ACTIVE_WAIT`] is over; whether it holds.
fn wait_actively(condition: impl Fn() -> bool) -> bool {
    let start = Instant::now();
    loop {
        for _ in 0..32 {
            if condition() {
                return true;
            }
            std::hint::spin_loop();
        }
        if start.elapsed() > ACTIVE_WAIT {
            return false;
        }
    }
}

impl Pool {
    fn gate(&self) -> Gate {
        Gate(self.gate.load(Ordering::Acquire))
    }

    /// Called by the one who holds `busy`. Where the system gives no more threads, there are fewer.
    fn spawn_up_to(&'static self, helpers: usize) {
        while self.spawned.load(Ordering::Relaxed) < helpers {
            let thread = std::thread::Builder::new().name("flambeau".into());
            if thread.spawn(move || self.help()).is_err() {
                return;
            }
            self.spawned.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn open(&self, job: &Job<'_>, helpers: usize) {
        self.placement.caller_is_here();
        self.job.store((&raw const *job).cast_mut().cast(), Ordering::Relaxed);
        self.most_helpers.store(helpers.min(usize::from(u16::MAX)), Ordering::Relaxed);
        self.done.store(0, Ordering::Relaxed);
        // Either a helper that goes to sleep sees the gate open, or this sees the sleeper.
        self.gate.store(self.gate().next_job().0, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        let sleepers = self.sleepers.load(Ordering::SeqCst);
        if sleepers > 0 {
            let _sleep = lock(&self.sleep);
            for _ in 0..sleepers.min(helpers) {
                self.wake.notify_one();
            }
        }
    }

    /// Lets nobody join any more, and waits for those who have.
    fn close(&self) {
        let joined = Gate(self.gate.fetch_and(!Gate::OPEN, Ordering::SeqCst)).joined();
        let all_done = || self.done.load(Ordering::Acquire) == joined;
        let active = may_wait_actively(self.spawned.load(Ordering::Relaxed) + 1);
        if all_done() || active && wait_actively(all_done) {
            return;
        }
        let mut sleep = lock(&self.sleep);
        self.caller_sleeps.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        while !all_done() {
            sleep = self.caller_wake.wait(sleep).unwrap_or_else(PoisonError::into_inner);
        }
        self.caller_sleeps.store(false, Ordering::Relaxed);
    }

    /// Whether there is a job that a helper who was last at job `last` may join.
    fn has_job(&self, last: u64) -> bool {
        self.lets_in(self.gate(), last)
    }

    fn lets_in(&self, gate: Gate, last: u64) -> bool {
        gate.is_open() && gate.number() != last && gate.joined() < self.most_helpers.load(Ordering::Relaxed)
    }

    /// A helper's life.
    fn help(&self) {
        self.placement.helper_is_here();
        let mut last = 0;
        loop {
            self.wait_for_job(last);
            let gate = self.gate();
            let enter = || self.gate.compare_exchange(gate.0, gate.0 + 1, Ordering::AcqRel, Ordering::Relaxed);
            if !self.lets_in(gate, last) || enter().is_err() {
                continue;
            }
            last = gate.number();
            // SAFETY: the helper was let in while the gate was open, so the caller, on whose stack
            // the job is, waits for the report below; the pointer was stored before the opening.
            let job = unsafe { &*self.job.load(Ordering::Relaxed).cast::<Job<'_>>() };
            job.work(1 + gate.joined());
            self.done.fetch_add(1, Ordering::SeqCst);
            fence(Ordering::SeqCst);
            if self.caller_sleeps.load(Ordering::SeqCst) {
                let _sleep = lock(&self.sleep);
                self.caller_wake.notify_all();
            }
        }
    }

    fn wait_for_job(&self, last: u64) {
        let active = may_wait_actively(self.spawned.load(Ordering::Relaxed) + 1);
        if self.has_job(last) || active && wait_actively(|| self.has_job(last)) {
            return;
        }
        let mut sleep = lock(&self.sleep);
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        while !self.has_job(last) {
            sleep = self.wake.wait(sleep).unwrap_or_else(PoisonError::into_inner);
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }
}

use super::*;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

/// The number of threads is the process's, so tests that set it take turns.
static TURN: Mutex<()> = Mutex::new(());

fn with_threads(count: usize, test: impl FnOnce()) {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let before = threads();
    set_threads(count);
    test();
    set_threads(before);
}

fn add(sum: &AtomicU64, number: u64) {
    sum.fetch_add(number, Ordering::Relaxed);
}

#[test]
fn each_task_runs_once() {
    for count in [1, 2, 3, 8] {
        with_threads(count, || {
            for tasks in [0, 1, 2, 7, 1000] {
                let times: Vec<AtomicU64> = (0..tasks).map(|_| AtomicU64::new(0)).collect();
                for round in 1..=50 {
                    run(tasks, |task| {
                        times[task].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(times.iter().all(|times| times.load(Ordering::Relaxed) == round));
                }
            }
        });
    }
}

#[test]
fn calls_from_tasks_and_from_other_threads_end() {
    with_threads(3, || {
        let sum = AtomicU64::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        run(5, |_| run(4, |task| add(&sum, task as u64)));
                    }
                });
            }
        });
        assert_eq!(sum.into_inner(), 4 * 50 * 5 * 6);
    });
}

#[test]
fn a_panic_reaches_the_caller_and_the_pool_lives_on() {
    with_threads(2, || {
        let ran = AtomicU64::new(0);
        let result = std::panic::catch_unwind(|| {
            run(64, |task| {
                ran.fetch_add(1, Ordering::Relaxed);
                assert_ne!(task, 13, "thirteen");
            });
        });
        assert!(result.is_err());
        // Tasks behind the one that panicked run only if they were on another thread.
        let before = ran.load(Ordering::Relaxed);
        assert!((14..=64).contains(&before), "{before}");
        run(64, |_| add(&ran, 1));
        assert_eq!(ran.into_inner(), before + 64);
    });
}

#[test]
fn a_forked_child_gets_a_pool_of_its_own() {
    with_threads(2, || {
        run(16, |_| {});
        // SAFETY: the child calls nothing but `run` and `_exit`; the pool's own locks, which a
        // thread may have held, are forgotten.
        unsafe {
            let child = libc::fork();
            assert!(child >= 0, "fork");
            if child == 0 {
                let sum = AtomicU64::new(0);
                run(16, |task| add(&sum, task as u64));
                libc::_exit(i32::from(sum.into_inner() != 120));
            }
            let mut status = 0;
            assert_eq!(libc::waitpid(child, &mut status, 0), child);
            assert_eq!(status, 0, "the child's sum");
        }
    });
}

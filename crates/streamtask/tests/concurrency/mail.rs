//! Callbacks of one mailbox run in order, each once, never two at a time, and without locks.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use shuttle::thread;

use crate::mailbox::Mailbox;
use crate::model::{check, check_all, check_all_if_full};
use crate::people::{Notes, one_of};
use crate::queue::{Executor, Job, serial};
use crate::sync::assert_no_lock_is_held;

const COUNT: usize = 4000;

/// What has run, in order.
#[derive(Clone, Default)]
struct Log(Arc<Lines>);

#[derive(Default)]
struct Lines {
    is_running: AtomicBool,
    notes: Notes<u32>,
}

impl Log {
    /// A job that writes a line.
    fn job(&self, line: u32) -> impl FnOnce() + Send + 'static {
        let log = self.clone();
        move || log.write(line)
    }

    fn write(&self, line: u32) {
        assert_no_lock_is_held("a job ran");
        let others = self.0.is_running.swap(true, Ordering::SeqCst);
        assert!(!others, "two jobs run at a time");
        self.0.notes.note(line);
        self.0.is_running.store(false, Ordering::SeqCst);
    }

    /// All lines, once there are so many.
    fn wait(&self, count: usize) -> Vec<u32> {
        self.0.notes.wait_until(|lines| lines.len() >= count)
    }
}

/// A thread for each job; what panics, panics there.
fn concurrent() -> Executor {
    Arc::new(|job| {
        assert_no_lock_is_held("an executor was called");
        thread::spawn(|| catch_unwind(AssertUnwindSafe(job)).map_err(drop));
    })
}

/// Runs each job at once. Legal, if not advisable: then callbacks may run inside calls.
fn inline() -> Executor {
    Arc::new(|job| {
        assert_no_lock_is_held("an executor was called");
        job();
    })
}

/// One of them.
fn any_executor() -> Executor {
    one_of::<fn() -> Executor>(&[concurrent, serial, inline])()
}

/// Two threads put two jobs each in.
fn two_put_in() {
    let (mailbox, log) = (Mailbox::new(any_executor()), Log::default());
    let threads = [10, 20].map(|first| {
        let (mailbox, log) = (mailbox.clone(), log.clone());
        thread::spawn(move || {
            for line in [first, first + 1] {
                mailbox.put(log.job(line));
                mailbox.kick();
            }
        })
    });
    let lines = log.wait(4);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    let of = |first| lines.iter().filter(|line| **line / 10 * 10 == first).collect::<Vec<_>>();
    assert_eq!((of(10), of(20)), (vec![&10, &11], vec![&20, &21]), "{lines:?}");
}

#[test]
fn jobs_of_two_threads_run_in_order() {
    check(COUNT, two_put_in);
}

/// Who puts a job in and who kicks need not be the same.
pub(crate) fn put_by_one_and_kicked_by_another() {
    let (mailbox, log) = (Mailbox::new(concurrent()), Log::default());
    mailbox.put(log.job(1));
    let ours = mailbox.clone();
    let kicks = thread::spawn(move || ours.kick());
    mailbox.put(log.job(2));
    mailbox.kick();
    assert_eq!(log.wait(2), [1, 2]);
    kicks.join().unwrap();
}

#[test]
fn whoever_kicks_every_job_runs() {
    check(COUNT, put_by_one_and_kicked_by_another);
}

fn one_put_in_by_each_of_two() {
    let (mailbox, log) = (Mailbox::new(inline()), Log::default());
    let (ours, theirs) = (mailbox.clone(), log.clone());
    let other = thread::spawn(move || {
        ours.put(theirs.job(2));
        ours.kick();
    });
    mailbox.put(log.job(1));
    mailbox.kick();
    other.join().unwrap();
    let mut lines = log.wait(2);
    lines.sort_unstable();
    assert_eq!(lines, [1, 2]);
}

fn one_put_in_and_kicked_by_two() {
    let (mailbox, log) = (Mailbox::new(inline()), Log::default());
    mailbox.put(log.job(1));
    let ours = mailbox.clone();
    let kicks = thread::spawn(move || ours.kick());
    mailbox.kick();
    kicks.join().unwrap();
    assert_eq!(log.wait(1), [1]);
}

#[test]
fn a_job_that_two_kick_runs_in_every_order() {
    check_all(one_put_in_and_kicked_by_two);
}

#[test]
fn jobs_of_two_threads_run_in_every_order() {
    check_all_if_full(COUNT, one_put_in_by_each_of_two);
}

/// A job that panics stops neither those behind it nor those put in meanwhile.
fn panics() {
    let (mailbox, log) = (Mailbox::new(any_executor()), Log::default());
    let (ours, theirs) = (mailbox.clone(), log.clone());
    mailbox.put(|| resume_unwind(Box::new("on purpose")));
    mailbox.put(log.job(1));
    mailbox.put(|| resume_unwind(Box::new("on purpose")));
    let other = thread::spawn(move || {
        ours.put(theirs.job(2));
        let _ = catch_unwind(AssertUnwindSafe(|| ours.kick()));
    });
    let _ = catch_unwind(AssertUnwindSafe(|| mailbox.kick()));
    let mut lines = log.wait(2);
    other.join().unwrap();
    assert!(matches!(lines[..], [1, 2] | [2, 1]));
    mailbox.put(log.job(3));
    mailbox.kick();
    lines = log.wait(3);
    assert_eq!(lines[2], 3);
}

#[test]
fn a_job_that_panics_stops_nothing() {
    check(COUNT, panics);
}

/// A job puts another one in.
fn puts_more_in() {
    let (mailbox, log) = (Mailbox::new(any_executor()), Log::default());
    let (ours, theirs) = (mailbox.clone(), log.clone());
    mailbox.put(move || {
        ours.put(theirs.job(3));
        ours.kick();
        theirs.write(1);
    });
    mailbox.put(log.job(2));
    let kicks = thread::spawn(move || mailbox.kick());
    assert_eq!(log.wait(3), [1, 2, 3]);
    kicks.join().unwrap();
}

#[test]
fn a_job_that_puts_one_in_is_not_overtaken_by_it() {
    check(COUNT, puts_more_in);
}

/// Somebody kicks while unwinding: that is not the job's panic.
struct KicksWhenDropped(Mailbox);

impl Drop for KicksWhenDropped {
    fn drop(&mut self) {
        self.0.kick();
    }
}

#[test]
fn a_kick_of_somebody_who_unwinds_is_as_any_other() {
    check(COUNT, || {
        let spawns = concurrent();
        // The first job runs where it is kicked, all others on threads.
        let is_first = AtomicBool::new(true);
        let executor: Executor =
            Arc::new(move |job| match is_first.swap(false, Ordering::SeqCst) {
                true => job(),
                false => spawns(job),
            });
        let (mailbox, log) = (Mailbox::new(executor), Log::default());
        mailbox.put(log.job(1));
        let ours = mailbox.clone();
        let unwinds = thread::spawn(move || {
            let kick = KicksWhenDropped(ours);
            let _ = catch_unwind(AssertUnwindSafe(|| {
                let _kick = kick;
                resume_unwind(Box::new("on purpose"));
            }));
        });
        log.wait(1);
        for line in [2, 3, 4] {
            mailbox.put(log.job(line));
            mailbox.kick();
        }
        assert_eq!(log.wait(4), [1, 2, 3, 4]);
        unwinds.join().unwrap();
    });
}

/// What an executor that is no more does to a job: it drops it, or panics.
fn a_mailbox_goes_on_behind(first: fn(Job)) {
    let (log, had_one) = (Log::default(), AtomicBool::new(false));
    let mailbox = Mailbox::new(Arc::new(move |job| match had_one.swap(true, Ordering::SeqCst) {
        true => job(),
        false => first(job),
    }));
    for line in [1, 2] {
        mailbox.put(log.job(line));
        let _ = catch_unwind(AssertUnwindSafe(|| mailbox.kick()));
    }
    assert_eq!(log.wait(2), [1, 2]);
}

#[test]
fn a_job_that_an_executor_drops_stops_nothing() {
    check_all(|| a_mailbox_goes_on_behind(drop));
    check_all(|| a_mailbox_goes_on_behind(|_| resume_unwind(Box::new("on purpose"))));
}

//! A channel of jobs: in order, one at a time, on the delegate queue.
//!
//! Every task has a [`Mailbox`]. Jobs are put in while the task's lock is held, so that their order is the
//! order of events; they run on the session's executor, whatever that does. What they do is others' to say:
//! callbacks of operations run as they are, and what happened is told by [`dispatch`](crate::dispatch).

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::queue::{Executor, Job};
use crate::sync::{AtomicBool, Mutex, lock};

/// The callbacks of one task, in order.
#[derive(Clone)]
pub(crate) struct Mailbox(Arc<Inner>);

struct Inner {
    executor: Executor,
    /// Whether anything was put in since the last kick: operations ask for every one of them.
    is_full: AtomicBool,
    jobs: Mutex<Jobs>,
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    is_running: bool,
}

impl Mailbox {
    pub(crate) fn new(executor: Executor) -> Self {
        Mailbox(Arc::new(Inner {
            executor,
            is_full: AtomicBool::new(false),
            jobs: Mutex::default(),
        }))
    }

    /// Puts a job in. It runs after [`Mailbox::kick`].
    pub(crate) fn put(&self, job: impl FnOnce() + Send + 'static) {
        lock(&self.0.jobs).waiting.push_back(Box::new(job));
        self.0.is_full.store(true, Ordering::Release);
    }

    /// Sees to it that what was put in runs. Call it without locks: it calls the user's executor.
    pub(crate) fn kick(&self) {
        if !self.0.is_full.load(Ordering::Acquire) {
            return;
        }
        let mut jobs = lock(&self.0.jobs);
        self.0.is_full.store(false, Ordering::Release);
        if jobs.waiting.is_empty() || std::mem::replace(&mut jobs.is_running, true) {
            return;
        }
        drop(jobs);
        let turn = Turn(Some(self.clone()));
        (self.0.executor)(Box::new(move || turn.begin()));
    }

    fn run(&self) {
        let mut panicked = None;
        while let Some(job) = self.next() {
            // Should a callback panic, the next ones still get their turn.
            panicked = catch_unwind(AssertUnwindSafe(job)).err().or(panicked);
        }
        // What it means is the executor's to say.
        if let Some(panic) = panicked {
            resume_unwind(panic);
        }
    }

    /// The next job. With none, whoever puts another one in finds nobody running.
    fn next(&self) -> Option<Job> {
        let mut jobs = lock(&self.0.jobs);
        let job = jobs.waiting.pop_front();
        jobs.is_running = job.is_some();
        job
    }
}

/// A mailbox's turn on the executor; whoever runs its jobs says when it ends.
struct Turn(Option<Mailbox>);

impl Turn {
    fn begin(mut self) {
        if let Some(mailbox) = self.0.take() {
            mailbox.run();
        }
    }
}

impl Drop for Turn {
    /// An executor may drop what it was given, as those of a runtime that was shut down do. Nobody runs then,
    /// and the next kick asks it again.
    fn drop(&mut self) {
        if let Some(mailbox) = &self.0 {
            lock(&mailbox.0.jobs).is_running = false;
        }
    }
}

//! From what happened to who hears of it: jobs, in order, on the delegate queue.
//!
//! Every task has a [`Mailbox`]. Jobs are put in while the task's lock is held, so that their order is the
//! order of events; they run on the session's executor, one at a time, whatever the executor does.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::delegate::Job;
use crate::lock;

/// What runs jobs.
pub(crate) type Executor = Arc<dyn Fn(Job) + Send + Sync>;

/// The callbacks of one task, in order.
#[derive(Clone)]
pub(crate) struct Mailbox(Arc<Inner>);

struct Inner {
    executor: Executor,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    is_running: bool,
}

impl Mailbox {
    pub(crate) fn new(executor: Executor) -> Self {
        Mailbox(Arc::new(Inner { executor, state: Mutex::default() }))
    }

    /// Puts a job in. It runs after [`Mailbox::kick`].
    pub(crate) fn put(&self, job: impl FnOnce() + Send + 'static) {
        lock(&self.0.state).jobs.push_back(Box::new(job));
    }

    /// Sees to it that what was put in runs. Call it without locks: it calls the user's executor.
    pub(crate) fn kick(&self) {
        let mut state = lock(&self.0.state);
        if state.jobs.is_empty() || std::mem::replace(&mut state.is_running, true) {
            return;
        }
        drop(state);
        let mailbox = self.clone();
        (self.0.executor)(Box::new(move || mailbox.run()));
    }

    fn run(&self) {
        // Should a callback panic, the next ones still get their turn.
        let _again = Again(self);
        loop {
            let mut state = lock(&self.0.state);
            match state.jobs.pop_front() {
                Some(job) => {
                    drop(state);
                    job();
                }
                None => return state.is_running = false,
            }
        }
    }
}

struct Again<'a>(&'a Mailbox);

impl Drop for Again<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            lock(&self.0.0.state).is_running = false;
            self.0.kick();
        }
    }
}

/// A serial queue whose thread comes with the first job and goes when none has come for a while.
pub(crate) fn serial() -> Executor {
    let queue = Arc::new(SerialQueue::default());
    Arc::new(move |job| queue.clone().push(job))
}

#[derive(Default)]
struct SerialQueue {
    state: Mutex<State>,
    came: Condvar,
}

/// How long the thread of a serial queue waits for the next job.
const LINGER: Duration = Duration::from_millis(200);

impl SerialQueue {
    fn push(self: Arc<Self>, job: Job) {
        let mut state = lock(&self.state);
        state.jobs.push_back(job);
        if std::mem::replace(&mut state.is_running, true) {
            return self.came.notify_one();
        }
        drop(state);
        let queue = self.clone();
        let thread = std::thread::Builder::new().name("streamtask-delegate".into());
        if thread.spawn(move || queue.run()).is_err() {
            // No thread can be had. Running the jobs here is better than never.
            self.run();
        }
    }

    fn run(&self) {
        while let Some(job) = self.next() {
            // A panic is the callback's; it is reported as any thread's is, and the queue goes on.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(job));
        }
    }

    fn next(&self) -> Option<Job> {
        let mut state = lock(&self.state);
        loop {
            if let Some(job) = state.jobs.pop_front() {
                return Some(job);
            }
            let waited = self.came.wait_timeout(state, LINGER);
            let (again, timeout) = waited.unwrap_or_else(std::sync::PoisonError::into_inner);
            state = again;
            if timeout.timed_out() && state.jobs.is_empty() {
                state.is_running = false;
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn callbacks_of_one_task_stay_in_order_on_a_concurrent_executor() {
        let executor: Executor = Arc::new(|job| {
            std::thread::spawn(job);
        });
        let mailbox = Mailbox::new(executor);
        let (sender, receiver) = mpsc::channel();
        for number in 0..1000 {
            let sender = sender.clone();
            mailbox.put(move || sender.send(number).expect("the test listens"));
            mailbox.kick();
        }
        drop(sender);
        assert!(receiver.iter().eq(0..1000));
    }

    #[test]
    fn a_callback_that_panics_does_not_stop_the_next() {
        let mailbox = Mailbox::new(serial());
        let (sender, receiver) = mpsc::channel();
        mailbox.put(|| std::panic::resume_unwind(Box::new("on purpose")));
        mailbox.put(move || sender.send(()).expect("the test listens"));
        mailbox.kick();
        receiver.recv().expect("the second callback ran");
    }
}

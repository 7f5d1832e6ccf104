//! Where callbacks run: a serial queue of the session's own, or any executor of the user's.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use crate::sync::{Condvar, Mutex, lock, thread};

/// Something to run on a delegate queue.
pub type Job = Box<dyn FnOnce() + Send>;

/// Where callbacks run: a serial queue of the session's own, or any executor.
///
/// ```
/// use streamtask::{DelegateQueue, Job};
///
/// // On the thread of a user interface, say, which takes jobs from a channel.
/// let (sender, jobs) = std::sync::mpsc::channel::<Job>();
/// let queue = DelegateQueue::executor(move |job| sender.send(job).expect("the interface runs"));
/// # drop(queue);
/// for job in jobs {
///     job();
/// }
/// ```
#[derive(Clone, Default)]
pub struct DelegateQueue(Kind);

#[derive(Clone, Default)]
enum Kind {
    #[default]
    Serial,
    Executor(Executor),
}

impl DelegateQueue {
    /// A queue of the session's own: one callback at a time, on a thread that comes and goes with work.
    pub fn serial() -> Self {
        DelegateQueue(Kind::Serial)
    }

    /// Runs callbacks through `execute`, which is handed each job and sees to it that it is run once, now or
    /// later; a job that it drops takes its callbacks along. It is called by whoever uses the library: where
    /// callers hold a lock that callbacks take, it must not run jobs at once but hand them on, to another thread
    /// or an event loop. Jobs may run side by side: the callbacks of one task stay in order all the same. When a
    /// callback panics, the rest of its job still runs, and the job panics at its end.
    pub fn executor(execute: impl Fn(Job) + Send + Sync + 'static) -> Self {
        DelegateQueue(Kind::Executor(Arc::new(execute)))
    }

    pub(crate) fn into_executor(self) -> Executor {
        match self.0 {
            Kind::Serial => serial(),
            Kind::Executor(execute) => execute,
        }
    }
}

impl fmt::Debug for DelegateQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Serial => "DelegateQueue::serial",
            Kind::Executor(_) => "DelegateQueue::executor",
        })
    }
}

/// What runs jobs.
pub(crate) type Executor = Arc<dyn Fn(Job) + Send + Sync>;

/// A serial queue whose thread comes with the first job and goes when none has come for a while.
pub(crate) fn serial() -> Executor {
    let queue = Arc::new(SerialQueue::default());
    Arc::new(move |job| queue.clone().push(job))
}

#[derive(Default)]
struct SerialQueue {
    jobs: Mutex<Jobs>,
    came: Condvar,
}

/// How long the thread of a serial queue waits for the next job.
const LINGER: Duration = Duration::from_millis(200);

impl SerialQueue {
    fn push(self: Arc<Self>, job: Job) {
        let mut jobs = lock(&self.jobs);
        jobs.waiting.push_back(job);
        if std::mem::replace(&mut jobs.is_running, true) {
            return self.came.notify_one();
        }
        drop(jobs);
        let queue = self.clone();
        let thread = thread::Builder::new().name("streamtask-delegate".into());
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
        let mut jobs = lock(&self.jobs);
        loop {
            if let Some(job) = jobs.waiting.pop_front() {
                return Some(job);
            }
            let waited = self.came.wait_timeout(jobs, LINGER);
            let (again, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            jobs = again;
            if timeout.timed_out() && jobs.waiting.is_empty() {
                jobs.is_running = false;
                return None;
            }
        }
    }
}

#[derive(Default)]
struct Jobs {
    waiting: VecDeque<Job>,
    is_running: bool,
}

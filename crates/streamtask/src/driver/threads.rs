//! Threads for work that may block, apart from every runtime's own, so that what waits starves nobody.
//!
//! A thread that has nothing to do waits a while for more, so that work in many pieces does not cost a thread
//! each. There is no queue in front of them: work that can get no thread is refused at once.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;
use std::time::Duration;

use crate::sync::{Condvar, Mutex, lock, thread};

pub(super) type Work = Box<dyn FnOnce() + Send>;

/// How long a thread waits for more to do.
const PATIENCE: Duration = Duration::from_millis(500);

pub(super) struct Threads {
    crew: Mutex<Crew>,
    came: Condvar,
}

struct Crew {
    /// Never more than there are threads waiting.
    work: VecDeque<Work>,
    waiting: usize,
}

impl Threads {
    pub(super) const fn new() -> Self {
        let crew = Crew { work: VecDeque::new(), waiting: 0 };
        Threads { crew: Mutex::new(crew), came: Condvar::new() }
    }

    /// Whether there is a thread for it.
    pub(super) fn run(&'static self, work: Work) -> bool {
        let mut crew = lock(&self.crew);
        if crew.waiting > crew.work.len() {
            crew.work.push_back(work);
            self.came.notify_one();
            return true;
        }
        drop(crew);
        let thread = thread::Builder::new().name("streamtask-handshake".into());
        thread.spawn(|| self.serve(work)).is_ok()
    }

    fn serve(&self, first: Work) {
        let mut next = Some(first);
        while let Some(work) = next {
            let _ = catch_unwind(AssertUnwindSafe(work));
            next = self.wait();
        }
    }

    fn wait(&self) -> Option<Work> {
        let mut crew = lock(&self.crew);
        crew.waiting += 1;
        let is_idle = |crew: &mut Crew| crew.work.is_empty();
        let waited = self.came.wait_timeout_while(crew, PATIENCE, is_idle);
        crew = waited.unwrap_or_else(PoisonError::into_inner).0;
        crew.waiting -= 1;
        crew.work.pop_front()
    }
}

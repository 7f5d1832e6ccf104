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
    state: Mutex<State>,
    came: Condvar,
}

struct State {
    /// Never more than there are threads waiting.
    work: VecDeque<Work>,
    waiting: usize,
}

impl Threads {
    pub(super) const fn new() -> Self {
        let state = State { work: VecDeque::new(), waiting: 0 };
        Threads { state: Mutex::new(state), came: Condvar::new() }
    }

    /// Whether there is a thread for it.
    pub(super) fn run(&'static self, work: Work) -> bool {
        let mut state = lock(&self.state);
        if state.waiting > state.work.len() {
            state.work.push_back(work);
            self.came.notify_one();
            return true;
        }
        drop(state);
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
        let mut state = lock(&self.state);
        state.waiting += 1;
        let is_idle = |state: &mut State| state.work.is_empty();
        let waited = self.came.wait_timeout_while(state, PATIENCE, is_idle);
        state = waited.unwrap_or_else(PoisonError::into_inner).0;
        state.waiting -= 1;
        state.work.pop_front()
    }
}

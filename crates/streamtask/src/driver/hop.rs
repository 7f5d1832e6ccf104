//! Threads for handshakes that wait for somebody's answer.
//!
//! Apart from every runtime's own threads, so that open questions starve nobody. A thread that has nothing
//! to do waits a while for the next step, so that a handshake in many pieces does not cost one each. There
//! is no queue in front of them: a step that can get no thread fails at once.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use streamtask_proto::{Error, ErrorKind, HandshakeStep, Input};

use super::shared::Shared;
use crate::lock;

type Work = Box<dyn FnOnce() + Send>;

/// How long a thread waits for more to do.
const PATIENCE: Duration = Duration::from_millis(500);

struct Threads {
    state: Mutex<State>,
    came: Condvar,
}

struct State {
    /// Never more than there are threads waiting.
    work: VecDeque<Work>,
    waiting: usize,
}

static THREADS: Threads = Threads {
    state: Mutex::new(State { work: VecDeque::new(), waiting: 0 }),
    came: Condvar::new(),
};

/// Makes a step of the handshake where it may block, and hands it back to its task. Call it without locks.
pub(super) fn make(shared: Arc<Shared>, mut step: Box<HandshakeStep>) {
    let task = shared.clone();
    let work = move || {
        // A panic below us must not leave the task waiting for ever.
        let input = match catch_unwind(AssertUnwindSafe(|| step.run())) {
            Ok(()) => Input::Stepped(step),
            Err(_) => failed(ErrorKind::Unknown, "the TLS library panicked"),
        };
        task.input(input);
    };
    if !THREADS.run(Box::new(work)) {
        shared
            .input(failed(ErrorKind::ResourceExhausted, "no thread can be had for the handshake"));
    }
}

fn failed(kind: ErrorKind, why: &str) -> Input {
    Input::ConnectFailed(Error::new(kind).detail(why))
}

impl Threads {
    /// Whether there is a thread for it.
    fn run(&'static self, work: Work) -> bool {
        let mut state = lock(&self.state);
        if state.waiting > state.work.len() {
            state.work.push_back(work);
            self.came.notify_one();
            return true;
        }
        drop(state);
        let thread = std::thread::Builder::new().name("streamtask-handshake".into());
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

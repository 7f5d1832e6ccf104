//! The driver, file by file, with a place for faults between [`Attention`](attention::Attention) and the rest.

#[path = "../../../src/driver/after.rs"]
mod after;
#[path = "../../../src/driver/answer.rs"]
mod answer;
#[path = "../../../src/driver/attention.rs"]
mod attention_itself;
#[path = "../../../src/driver/handover.rs"]
mod handover;
#[path = "../../../src/driver/hop.rs"]
mod hop;
#[path = "../../../src/driver/lead.rs"]
mod lead;
#[path = "../../../src/driver/listener.rs"]
mod listener;
#[path = "../../../src/driver/news.rs"]
mod news;
#[path = "../../../src/driver/opening.rs"]
mod opening;
#[path = "../../../src/driver/operations.rs"]
mod operations;
#[path = "../../../src/driver/pump.rs"]
mod pump;
#[path = "../../../src/driver/run.rs"]
mod run;
#[path = "../../../src/driver/shared.rs"]
mod shared;
#[path = "../../../src/driver/slots.rs"]
mod slots;
#[path = "../../../src/driver/telling.rs"]
mod telling;
#[path = "../../../src/driver/threads.rs"]
mod threads;
#[path = "../../../src/driver/waiters.rs"]
mod waiters;

mod attention;
mod exhaustive;

use std::future::Future;
use std::sync::{Arc, LazyLock};

use tokio::runtime::{Builder, Runtime};

pub(crate) use answer::Answer;
pub(crate) use listener::Listener;
pub(crate) use news::{Hear, News};
pub(crate) use operations::Enqueued;
pub(crate) use shared::{Setting, Shared};

/// What is spawned when a task is resumed.
pub(crate) fn driver_of(shared: Arc<Shared>) -> impl Future<Output = ()> {
    run::Driver::new(shared)
}

/// How many listen to a task.
pub(crate) fn listeners(shared: &Arc<Shared>) -> usize {
    shared.lock().listeners.len()
}

/// A task has a runtime once it is resumed; here nothing is spawned on it.
pub(crate) fn give_runtime(shared: &Shared) {
    static IDLE: LazyLock<Runtime> = LazyLock::new(|| {
        Builder::new_current_thread().build().expect("a runtime that is never run")
    });
    let _ = shared.runtime.set(IDLE.handle().clone());
}

/// The handshakes' threads.
pub(crate) struct Pool(threads::Threads);

impl Pool {
    pub(crate) fn new() -> Self {
        Pool(threads::Threads::new())
    }

    pub(crate) fn run(&'static self, work: impl FnOnce() + Send + 'static) -> bool {
        self.0.run(Box::new(work))
    }
}

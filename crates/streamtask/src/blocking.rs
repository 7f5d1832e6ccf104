//! Waiting on a thread, with a runtime around it or without.
//!
//! A leaf: everything that blocks (`wait`, captured streams as std's `Read` and `Write`) comes through
//! here. What is waited for moves without this thread, or not at all: here nothing is driven but the
//! future.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use tokio::runtime::Handle;
use tokio::task::block_in_place;

/// Polls `future` on this thread until it is ready.
///
/// On a worker of a runtime with several threads the worker's other tasks go on elsewhere meanwhile.
///
/// # Panics
/// Where the thread that would wait is the one that what is waited for may need: inside of a runtime with
/// a single thread, or of a `LocalSet`. Threads of `spawn_blocking` are outside.
#[track_caller]
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    if Handle::try_current().is_err() {
        return park(future);
    }
    // Of the runtimes around a thread, tokio alone knows whether it drives one, and it only says so here.
    let mut may_block = false;
    let waited = catch_unwind(AssertUnwindSafe(|| {
        block_in_place(|| {
            may_block = true;
            park(future)
        })
    }));
    match waited {
        Ok(output) => output,
        Err(panic) if may_block => resume_unwind(panic),
        Err(_) => panic!("{ADVICE}"),
    }
}

const ADVICE: &str = "waiting here would stop the only thread that can bring what is waited for: \
                      .await it, or wait on a thread of its own (spawn_blocking)";

fn park<F: Future>(future: F) -> F::Output {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut cx = Context::from_waker(&waker);
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut cx) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

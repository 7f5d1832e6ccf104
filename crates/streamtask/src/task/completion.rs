//! The end of a task, as a future.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use streamtask_proto::Error;

use crate::blocking::block_on;
use crate::driver::Shared;

/// Ready when its task is over. Dropping it changes nothing; it does not keep the task alive.
#[must_use = "a future does nothing unless it is polled"]
pub struct Completion {
    shared: Arc<Shared>,
    /// Under which it waits, once it does.
    key: Option<u64>,
}

impl Completion {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Completion { shared, key: None }
    }

    /// Blocks until the task is over. Needs no runtime.
    ///
    /// # Errors
    /// What ended the task.
    ///
    /// # Panics
    /// Where [`Operation::wait`](crate::Operation::wait) does.
    #[track_caller]
    pub fn wait(self) -> Result<(), Error> {
        block_on(self)
    }
}

impl Future for Completion {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Cloned before the lock is taken: that runs the executor's code.
        let mine = cx.waker().clone();
        let this = &mut *self;
        let mut state = this.shared.lock();
        match state.ended.clone() {
            Some(result) => {
                state.drop_later(mine);
                Poll::Ready(result)
            }
            None => {
                if let Some(before) = state.completions.put(&mut this.key, mine) {
                    state.drop_later(before);
                }
                Poll::Pending
            }
        }
    }
}

impl Drop for Completion {
    fn drop(&mut self) {
        let Some(key) = self.key else { return };
        let mut state = self.shared.lock();
        if let Some(waker) = state.completions.remove(key) {
            state.drop_later(waker);
        }
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Completion")
    }
}

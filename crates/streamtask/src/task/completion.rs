//! The end of a task, as a future.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use streamtask_proto::Error;

use super::operation::block_on;
use crate::driver::Shared;

/// Ready when its task is over. Dropping it changes nothing; it does not keep the task alive.
#[must_use = "a future does nothing unless it is polled"]
pub struct Completion(Arc<Shared>);

impl Completion {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Completion(shared)
    }

    /// Blocks until the task is over. Needs no runtime.
    ///
    /// # Errors
    /// What ended the task.
    pub fn wait(self) -> Result<(), Error> {
        block_on(self)
    }
}

impl Future for Completion {
    type Output = Result<(), Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.0.lock();
        if let Some(result) = &state.ended {
            return Poll::Ready(result.clone());
        }
        if !state.completions.iter().any(|waker| waker.will_wake(cx.waker())) {
            state.completions.push(cx.waker().clone());
        }
        Poll::Pending
    }
}

impl fmt::Debug for Completion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Completion")
    }
}

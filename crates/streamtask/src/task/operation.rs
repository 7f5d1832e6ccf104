//! What a call returns: a future, or something to wait for, or to hang a callback on.

use std::fmt;
use std::future::{Future, poll_fn};
use std::marker::PhantomData;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};

use streamtask_proto::tls::TlsInfo;
use streamtask_proto::{Call, Error, OpId, ReadData};
use tokio::task::coop::cooperative;

use crate::blocking::block_on;
use crate::driver::{Answer, Enqueued, Shared};
use crate::{InputStream, OutputStream};

/// An operation of a task, enqueued when it was called.
///
/// Take its result by awaiting it, by [waiting](Operation::wait) for it, or with
/// [a callback](Operation::on_complete). It goes on whether it is polled or not.
///
/// **Dropping** it takes a read back (its bytes stay first in line); a write or a barrier stands. Who means
/// that says [`detach`](Operation::detach).
///
/// ```no_run
/// # use std::time::Duration;
/// # async fn example(task: streamtask::StreamTask) -> Result<(), streamtask::Error> {
/// let limit = Duration::from_secs(5);
/// // Enqueued by these calls, in this order; the clocks of both run from here on.
/// let (first, second) = (task.read_until("\n", 512, limit), task.read_until("\n", 512, limit));
/// task.write("one\ntwo\n", limit).detach(); // it is sent whether anybody waits for it or not
/// let first = first.await?.data; // inside a runtime
/// let second = std::thread::spawn(|| second.wait()); // on any other thread
/// task.read_data(1.., None).on_complete(|read| println!("{read:?}")); // or not at all
/// # drop((first, second));
/// # Ok(())
/// # }
/// ```
#[must_use = "its result tells whether it was done; `detach()` if nobody wants to know"]
pub struct Operation<T> {
    stage: Stage,
    result: PhantomData<fn() -> T>,
}

enum Stage {
    /// It was done when the call returned.
    Done(Arc<Shared>, Result<Answer, Error>),
    UnderWay {
        shared: Arc<Shared>,
        id: OpId,
        is_read: bool,
    },
    Taken,
}

/// What an operation can come to.
pub trait OperationResult: Sized + sealed::Sealed {}

mod sealed {
    /// Keeps the results to those that operations have.
    pub trait Sealed: Sized {
        fn from_answer(answer: super::Answer) -> Self;
    }
}

use sealed::Sealed;

/// The core answers an operation in its own kind; anything else is a fault of ours.
const KIND: &str = "an operation is answered in its own kind";

impl Sealed for () {
    fn from_answer(_: Answer) -> Self {}
}

impl Sealed for ReadData {
    fn from_answer(answer: Answer) -> Self {
        match answer {
            Answer::Read(data) => data,
            Answer::Done | Answer::Secured(_) | Answer::Captured(_) => unreachable!("{KIND}"),
        }
    }
}

impl Sealed for TlsInfo {
    fn from_answer(answer: Answer) -> Self {
        match answer {
            Answer::Secured(info) => info,
            Answer::Done | Answer::Read(_) | Answer::Captured(_) => unreachable!("{KIND}"),
        }
    }
}

impl Sealed for (InputStream, OutputStream) {
    fn from_answer(answer: Answer) -> Self {
        match answer {
            Answer::Captured(handover) => handover.take(),
            Answer::Done | Answer::Read(_) | Answer::Secured(_) => unreachable!("{KIND}"),
        }
    }
}

impl<T: Sealed> OperationResult for T {}

impl<T: OperationResult> Operation<T> {
    pub(crate) fn begin(shared: &Arc<Shared>, call: Call) -> Self {
        let is_read = matches!(call, Call::Read(..));
        let stage = match shared.enqueue(call) {
            Enqueued::Done(result) => Stage::Done(shared.clone(), result),
            Enqueued::UnderWay(id) => Stage::UnderWay { shared: shared.clone(), id, is_read },
        };
        Operation { stage, result: PhantomData }
    }

    /// Blocks until it is over. Needs no runtime; on a thread of a runtime that has several, the other
    /// tasks of that thread go on elsewhere.
    ///
    /// # Errors
    /// Those of the call.
    ///
    /// # Panics
    /// Inside of an asynchronous function on a runtime with a single thread, or of a `LocalSet`: that thread
    /// would wait for itself. Await it there, or wait in `spawn_blocking`. (What cannot be noticed: on a delegate
    /// queue, waiting for what takes another callback of that queue never ends.)
    #[track_caller]
    pub fn wait(self) -> Result<T, Error> {
        block_on(self)
    }

    /// Lets it go on, and nobody wants to know what it comes to: a write or a barrier stands, a read takes its
    /// bytes and throws them away. Streams that were captured go to the delegate.
    pub fn detach(self)
    where
        T: 'static,
    {
        match &self.stage {
            Stage::UnderWay { is_read: true, .. } | Stage::Done(_, Ok(Answer::Read(_))) => {
                self.on_complete(drop);
            }
            Stage::UnderWay { .. } | Stage::Done(..) | Stage::Taken => drop(self),
        }
    }

    /// Runs `callback` with the result on the session's delegate queue, in order with the other callbacks
    /// of its task; never inside this call.
    pub fn on_complete(mut self, callback: impl FnOnce(Result<T, Error>) + Send + 'static) {
        let callback = |result: Result<Answer, Error>| callback(result.map(T::from_answer));
        match std::mem::replace(&mut self.stage, Stage::Taken) {
            Stage::UnderWay { shared, id, is_read } => {
                shared.call(id, is_read, Box::new(callback));
            }
            Stage::Done(shared, result) => {
                shared.look_at(&result);
                shared.mailbox.put(move || callback(result));
                shared.mailbox.kick();
            }
            Stage::Taken => {}
        }
    }
}

impl<T: OperationResult> Future for Operation<T> {
    type Output = Result<T, Error>;

    /// # Panics
    /// When polled again after it was ready.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // A loop over operations that are done at once must let other tasks have their turn.
        pin!(cooperative(poll_fn(|cx| self.poll_result(cx)))).poll(cx)
    }
}

impl<T: OperationResult> Operation<T> {
    fn poll_result(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, Error>> {
        let result = match std::mem::replace(&mut self.stage, Stage::Taken) {
            Stage::Done(shared, result) => {
                shared.look_at(&result);
                result
            }
            Stage::UnderWay { shared, id, is_read } => match shared.poll(id, is_read, cx.waker()) {
                Some(result) => result,
                None => {
                    self.stage = Stage::UnderWay { shared, id, is_read };
                    return Poll::Pending;
                }
            },
            Stage::Taken => panic!("an operation was polled after it was ready"),
        };
        Poll::Ready(result.map(T::from_answer))
    }
}

impl<T> Drop for Operation<T> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Taken) {
            Stage::UnderWay { shared, id, is_read } => shared.abandon_operation(id, is_read),
            Stage::Done(shared, Ok(Answer::Read(read))) => shared.give_back(read),
            Stage::Done(_, _) | Stage::Taken => {}
        }
    }
}

impl<T> fmt::Debug for Operation<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.stage {
            Stage::Done(..) => "Operation (done)",
            Stage::UnderWay { .. } => "Operation (under way)",
            Stage::Taken => "Operation (taken)",
        })
    }
}

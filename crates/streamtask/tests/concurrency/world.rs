//! A connected task, its driver's thread, and the peer.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

use bytes::Bytes;
use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::sync::mpsc;
use shuttle::thread;
use streamtask_proto::tls::Ask;
use streamtask_proto::{Call, Error, Input, Options, ReadData, ReadKind, Stream, Target, Timeout};

use crate::dispatch::Dispatch;
use crate::driver::{Setting, Shared, driver_of, give_runtime};
use crate::fault;
use crate::mailbox::Mailbox;
use crate::net::Peer;
use crate::net::linger::Manner;
use crate::people::{Kind, Sleeper, await_it, poll_once};
use crate::queue::Executor;
use crate::session::SessionInner;
use crate::sync::{Mutex, assert_no_lock_is_held};
use crate::task::TaskInner;
use crate::task::completion::Completion;
use crate::task::events::Events;
use crate::task::operation::{Operation, OperationResult};
use crate::{InputStream, OutputStream, SessionDelegate};

pub(crate) type Read = Operation<ReadData>;
pub(crate) type Write = Operation<()>;

/// Long over when anybody looks at a clock again.
pub(crate) const AT_ONCE: Duration = Duration::from_nanos(1);

/// A task that was resumed, and who may use it.
#[derive(Clone)]
pub(crate) struct Task(Arc<TaskInner>);

/// The thread of a runtime that drives a task until it is over.
pub(crate) struct Runtime {
    thread: thread::JoinHandle<()>,
    sleeper: Arc<Sleeper>,
    is_shut_down: Arc<AtomicBool>,
}

impl Runtime {
    fn run(driver: impl Future<Output = ()> + Send + 'static) -> Self {
        let sleeper = Sleeper::new(Kind::Runtime);
        let is_shut_down = Arc::new(AtomicBool::new(false));
        let (ours, is_over) = (sleeper.clone(), is_shut_down.clone());
        let thread = thread::spawn(move || {
            let mut driver = pin!(driver);
            let or_shut_down = poll_fn(|cx| match is_over.load(Ordering::SeqCst) {
                true => Poll::Ready(()),
                false => driver.as_mut().poll(cx),
            });
            ours.block_on(or_shut_down);
        });
        Runtime { thread, sleeper, is_shut_down }
    }

    /// Waits until the task is over and its driver, too.
    pub(crate) fn join(self) {
        self.thread.join().expect("the driver ends with its task");
    }

    /// Drops the driver, whatever it is at.
    pub(crate) fn shut_down(self) {
        self.is_shut_down.store(true, Ordering::SeqCst);
        self.sleeper.waker().wake();
        self.thread.join().expect("the driver can be dropped at any time");
    }
}

impl Task {
    /// Resumed, in a session without a delegate.
    pub(crate) fn to(peer: &Peer) -> (Self, Runtime) {
        Self::told(peer, None)
    }

    /// The same in a session with one, which hears on threads of its own.
    pub(crate) fn told(_: &Peer, delegate: Option<Arc<dyn SessionDelegate>>) -> (Self, Runtime) {
        let (never, others) = (Timeout::NEVER, Options::default());
        let options = Options { timeout_for_request: never, timeout_for_resource: never, ..others };
        let target = Target::new("127.0.0.1", 1).expect("an address");
        let stream = Stream::new(Instant::now(), target.clone(), options, None);
        let task = task(target, stream, delegate);
        let shared = &task.shared;
        give_runtime(shared);
        shared.input(Input::Resume);
        assert!(shared.wants_driver());
        let runtime = Runtime::run(driver_of(shared.clone()));
        (Task(task), runtime)
    }

    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.0.shared
    }

    /// Who asks its delegates during a handshake.
    pub(crate) fn asker(&self) -> Arc<dyn Ask> {
        self.0.asker.clone()
    }

    /// A read of so many bytes.
    pub(crate) fn read(&self, count: usize) -> Read {
        self.read_within(count, Timeout::NEVER)
    }

    pub(crate) fn read_within(&self, count: usize, timeout: impl Into<Timeout>) -> Read {
        let kind = ReadKind::Data { min: count, max: count };
        Operation::begin(&self.0.shared, Call::Read(kind, timeout.into()))
    }

    /// A write of bytes that mind where they are dropped.
    pub(crate) fn write(&self, bytes: &'static [u8]) -> Write {
        self.write_within(bytes, Timeout::NEVER)
    }

    pub(crate) fn write_within(&self, bytes: &'static [u8], timeout: impl Into<Timeout>) -> Write {
        let bytes = Bytes::from_owner(Lent(bytes));
        Operation::begin(&self.0.shared, Call::Write(bytes, timeout.into()))
    }

    pub(crate) fn close_write(&self) -> Operation<()> {
        Operation::begin(&self.0.shared, Call::CloseWrite)
    }

    pub(crate) fn close_read(&self) -> Operation<()> {
        Operation::begin(&self.0.shared, Call::CloseRead)
    }

    pub(crate) fn capture(&self) -> Operation<(InputStream, OutputStream)> {
        Operation::begin(&self.0.shared, Call::Capture)
    }

    pub(crate) fn suspend(&self) {
        self.0.shared.input(Input::Suspend);
    }

    pub(crate) fn resume(&self) {
        self.0.shared.input(Input::Resume);
    }

    /// As if its last handle were dropped.
    pub(crate) fn abandon(&self) {
        self.0.shared.input_of(|| Input::Abandoned(true));
    }

    pub(crate) fn cancel(&self) {
        self.0.shared.input(Input::Cancel);
    }

    pub(crate) fn events(&self) -> Events {
        Events::new(&self.0.shared)
    }

    pub(crate) fn completion(&self) -> Completion {
        Completion::new(self.0.shared.clone())
    }
}

/// A task as its session makes it, and keeps it: here that is up to who has it.
fn task(
    target: Target,
    stream: Stream,
    delegate: Option<Arc<dyn SessionDelegate>>,
) -> Arc<TaskInner> {
    let setting = Setting {
        number: 1,
        target,
        is_told: delegate.is_some(),
        tolerate_truncation: false,
        resolver: Arc::default(),
        manner: Manner,
    };
    let session = SessionInner::new(delegate);
    let mailbox = Mailbox::new(a_thread_each());
    Arc::new_cyclic(|task| {
        let dispatch = Dispatch::new(task);
        let shared = Shared::new(setting, stream, mailbox, dispatch.clone());
        TaskInner { number: 1, session, shared, asker: dispatch, delegate: Mutex::default() }
    })
}

/// Memory of a caller's.
struct Lent(&'static [u8]);

impl AsRef<[u8]> for Lent {
    fn as_ref(&self) -> &[u8] {
        self.0
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        assert_no_lock_is_held("lent memory was dropped");
    }
}

/// An executor that runs each job on a thread of its own, and minds where it is called.
pub(crate) fn a_thread_each() -> Executor {
    Arc::new(|job| {
        assert_no_lock_is_held("an executor was called");
        thread::spawn(job);
    })
}

/// An operation that was polled once.
pub(crate) enum Polled<T: OperationResult> {
    Done(Result<T, Error>),
    Held(Operation<T>),
}

impl<T: OperationResult> Polled<T> {
    pub(crate) fn once(mut operation: Operation<T>) -> Self {
        match poll_once(&mut operation) {
            Poll::Ready(result) => Polled::Done(result),
            Poll::Pending => Polled::Held(operation),
        }
    }

    /// Awaits what is not done yet.
    pub(crate) fn finish(self) -> Result<T, Error> {
        match self {
            Polled::Done(result) => result,
            Polled::Held(operation) => await_it(operation),
        }
    }

    /// The same by way of a callback.
    pub(crate) fn finish_by_callback(self) -> Result<T, Error>
    where
        T: Send + 'static,
    {
        match self {
            Polled::Done(result) => result,
            Polled::Held(operation) => heard(&called(operation)),
        }
    }
}

/// The bytes of a read that went well.
pub(crate) fn bytes(read: Result<ReadData, Error>) -> Vec<u8> {
    read.expect("it is read").data.to_vec()
}

/// Ends the task, and its driver's thread with it.
pub(crate) fn end(task: &Task, driver: Runtime) {
    fault::rest();
    task.cancel();
    driver.join();
}

/// The result of an operation by way of a callback.
pub(crate) fn called<T: OperationResult + Send + 'static>(
    operation: Operation<T>,
) -> mpsc::Receiver<Result<T, Error>> {
    let (sender, receiver) = mpsc::channel();
    operation.on_complete(move |result| {
        assert_no_lock_is_held("a callback ran");
        // Not everybody who hangs a callback on waits for it.
        let _ = sender.send(result);
    });
    receiver
}

/// What the callback was given, once it has run.
pub(crate) fn heard<T>(callback: &mpsc::Receiver<T>) -> T {
    callback.recv().expect("the callback runs before it is dropped")
}

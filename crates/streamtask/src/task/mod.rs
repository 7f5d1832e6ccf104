//! The stream task, as its users hold it.
//!
//! This file is the base that all tasks have (`URLSessionTask`); [`stream`] adds what a stream task can
//! do. What calls return and what a task ends in stand beside it.

pub(crate) mod completion;
pub(crate) mod events;
pub(crate) mod into_bytes;
pub(crate) mod operation;
pub(crate) mod progress;
mod stream;

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use streamtask_proto::tls::{Ask, TlsInfo};
use streamtask_proto::{Error, ErrorKind, Host, Input, TaskState};

use crate::delegate::SessionDelegate;
use crate::driver::Shared;
use crate::session::SessionInner;
use crate::{Attempt, Completion, Events, Progress, Session, driver, lock, runtime};

/// One raw stream, from its name to its end (`URLSessionStreamTask`).
///
/// Tasks are made by a [`Session`]: [suspended](Session::stream_task), so that all may be queued first, or
/// [resumed](Session::connect).
///
/// ```no_run
/// # async fn example() -> Result<(), streamtask::Error> {
/// let task = streamtask::Session::shared().connect("example.org", 7)?;
/// task.write("hello", None).await?;
/// assert_eq!(task.read_exact(5, None).await?.data, "hello");
/// # Ok(())
/// # }
/// ```
///
/// Cheap to clone; clones are the same task, and equal. **Dropping** the last one lets what is queued run
/// to its end, then closes the connection cleanly ([`Session::all_tasks`] can still hand it out
/// meanwhile).
pub struct StreamTask(Arc<TaskInner>);

/// A task: what is its own and never the connection's, and what it shares with its driver.
///
/// Its session keeps it until it is over.
///
/// Nobody makes a task without a session:
/// ```compile_fail,E0599
/// let task = streamtask::StreamTask::default();
/// ```
/// ```compile_fail,E0423
/// let make = streamtask::StreamTask;
/// ```
pub(crate) struct TaskInner {
    pub(crate) number: u64,
    pub(crate) session: Arc<SessionInner>,
    pub(crate) shared: Arc<Shared>,
    /// Who asks its delegate during a handshake.
    asker: Arc<dyn Ask>,
    pub(crate) delegate: Mutex<Option<Arc<dyn SessionDelegate>>>,
    description: Mutex<Option<String>>,
    earliest_begin_date: Mutex<Option<SystemTime>>,
    priority: AtomicU32,
    handles: AtomicUsize,
}

impl TaskInner {
    pub(crate) fn new(
        number: u64,
        session: Arc<SessionInner>,
        shared: Arc<Shared>,
        asker: Arc<dyn Ask>,
    ) -> Self {
        TaskInner {
            number,
            session,
            shared,
            asker,
            delegate: Mutex::default(),
            description: Mutex::default(),
            earliest_begin_date: Mutex::default(),
            priority: AtomicU32::new(Priority::DEFAULT.0.to_bits()),
            handles: AtomicUsize::new(0),
        }
    }
}

/// How much a task matters, from 0 to 1: a hint, which may be changed at any time.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Priority(f32);

impl Priority {
    /// 0.25
    pub const LOW: Priority = Priority(0.25);
    /// 0.5
    pub const DEFAULT: Priority = Priority(0.5);
    /// 0.75
    pub const HIGH: Priority = Priority(0.75);

    /// Any number; what lies outside of 0…1 is brought to the nearer end, what is none to the default.
    pub fn new(value: f32) -> Self {
        match value.is_nan() {
            true => Priority::DEFAULT,
            false => Priority(value.clamp(0.0, 1.0)),
        }
    }

    /// From 0 to 1.
    pub fn value(self) -> f32 {
        self.0
    }
}

impl StreamTask {
    /// A (further) handle of a task.
    pub(crate) fn handle(task: Arc<TaskInner>) -> Self {
        if task.handles.fetch_add(1, Ordering::AcqRel) == 0 {
            task.shared.lock().stream.handle(std::time::Instant::now(), Input::Abandoned(false));
        }
        StreamTask(task)
    }

    /// Its number, unique in its session, from 1 on. (`taskIdentifier`)
    pub fn identifier(&self) -> u64 {
        self.0.number
    }

    /// The session that made it, which every handle of the task keeps alive.
    pub fn session(&self) -> Session {
        Session::from_inner(self.0.session.clone())
    }

    /// The host it was made for, if it was made for one.
    pub fn host(&self) -> Option<&str> {
        self.0.shared.target.host().map(|host| &**host.name())
    }

    /// The port it was made for, if it was made for one.
    pub fn port(&self) -> Option<u16> {
        self.0.shared.target.host().map(Host::port)
    }

    /// Where it stands. It is suspended until [`resume`](Self::resume) has been called as often as
    /// [`suspend`](Self::suspend), and once more. (`state`)
    pub fn state(&self) -> TaskState {
        self.0.shared.task_state()
    }

    /// Starts the task, or takes one `suspend` back; once more than needed is harmless. (`resume()`)
    ///
    /// The connection is opened now, before the first operation, by the tokio runtime around this call or
    /// else by the library's own.
    pub fn resume(&self) {
        let begins = !self.0.shared.lock().stream.has_begun();
        if begins {
            self.0.session.task_begins(self.identifier());
            self.ask_the_delegate();
        }
        self.0.shared.input(Input::Resume);
        if self.0.shared.wants_driver() {
            match runtime::handle() {
                Ok(runtime) => driver::spawn(self.0.shared.clone(), &runtime),
                Err(error) => self.0.shared.input(Input::Failed(error)),
            }
        }
    }

    /// From now on questions of TLS go to the delegate there is.
    fn ask_the_delegate(&self) {
        let has_own = lock(&self.0.delegate).is_some();
        let has_any = has_own || self.0.session.has_delegate();
        let asker = has_any.then(|| self.0.asker.clone());
        self.0.shared.lock().stream.set_asker(asker, !has_own);
    }

    /// Pauses both lanes: nothing is read, written or completed, and no time passes for timeouts. The
    /// connection stays; a handshake under way runs to its end. Nests with `resume`. (`suspend()`)
    pub fn suspend(&self) {
        self.0.shared.input(Input::Suspend);
    }

    /// Ends the task at once: every operation fails as cancelled, reads first, then the delegate hears
    /// `did_complete`. May be called from anywhere, callbacks included, and more than once. (`cancel()`)
    pub fn cancel(&self) {
        self.0.shared.input(Input::Cancel);
    }

    /// A future that is ready when the task is over: well, if it was closed or its streams were captured, or with
    /// the error that ended it.
    pub fn completion(&self) -> Completion {
        Completion::new(self.0.shared.clone())
    }

    /// What happens from now on, as a stream, for those who do not want a delegate.
    pub fn events(&self) -> Events {
        Events::new(&self.0.shared)
    }

    /// The error that ended it; none while it is under way, and none if it ended well or its streams were
    /// captured. A reset or a failed send that left the other direction open is no end. (`error`)
    pub fn error(&self) -> Option<Error> {
        self.0.shared.lock().stream.error().cloned()
    }

    /// The hint that [`set_priority`](Self::set_priority) gave, or [`Priority::DEFAULT`]. (`priority`)
    pub fn priority(&self) -> Priority {
        Priority(f32::from_bits(self.0.priority.load(Ordering::Relaxed)))
    }

    /// Hints how much it matters beside others. Nothing depends on it yet.
    pub fn set_priority(&self, priority: Priority) {
        self.0.priority.store(priority.0.to_bits(), Ordering::Relaxed);
    }

    /// Its progress: of unknown length until it ends. (`progress`)
    pub fn progress(&self) -> Progress {
        Progress::new(self.0.clone())
    }

    /// Application bytes that the operating system has taken, or under TLS the encryption.
    /// (`countOfBytesSent`)
    pub fn bytes_sent(&self) -> u64 {
        self.0.shared.lock().stream.byte_counts().0
    }

    /// Application bytes that reads have brought, without those that came back because nobody looked at
    /// them. (`countOfBytesReceived`)
    pub fn bytes_received(&self) -> u64 {
        self.0.shared.lock().stream.byte_counts().1
    }

    /// Bytes of writes that wait for the operating system, or under TLS for the encryption.
    pub fn queued_bytes(&self) -> usize {
        self.0.shared.lock().stream.queued_bytes()
    }

    /// A label of the program's own, which the library does not look at. (`taskDescription`)
    pub fn description(&self) -> Option<String> {
        lock(&self.0.description).clone()
    }

    /// Replaces the label; may be called at any time.
    pub fn set_description(&self, description: impl Into<String>) {
        *lock(&self.0.description) = Some(description.into());
    }

    /// The delegate that [`set_delegate`](Self::set_delegate) gave it, until the task is over; not the
    /// session's. (`delegate`)
    pub fn delegate(&self) -> Option<Arc<dyn SessionDelegate>> {
        lock(&self.0.delegate).clone()
    }

    /// Gives it a delegate of its own, which hears of it instead of the session's: to be called between
    /// [`Session::stream_task`](crate::Session::stream_task) and the first [`resume`](Self::resume).
    ///
    /// ```no_run
    /// # struct Careful;
    /// # impl streamtask::SessionDelegate for Careful {}
    /// # fn main() -> Result<(), streamtask::Error> {
    /// let task = streamtask::Session::shared().stream_task("example.org", 993)?;
    /// task.set_delegate(Careful)?;
    /// task.resume();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] once it was resumed.
    pub fn set_delegate(&self, delegate: impl SessionDelegate) -> Result<(), Error> {
        let mut state = self.0.shared.lock();
        if state.stream.has_begun() {
            let why = "a task's delegate is set before it is resumed";
            return Err(Error::new(ErrorKind::InvalidArgument).with_detail(why));
        }
        state.is_told = true;
        let before = lock(&self.0.delegate).replace(Arc::new(delegate));
        // A delegate is user code even when it is dropped: not under a lock.
        drop(state);
        drop(before);
        Ok(())
    }

    /// Kept and not acted on: it concerns background sessions. (`earliestBeginDate`)
    pub fn earliest_begin_date(&self) -> Option<SystemTime> {
        *lock(&self.0.earliest_begin_date)
    }

    /// Sets that date.
    pub fn set_earliest_begin_date(&self, date: Option<SystemTime>) {
        *lock(&self.0.earliest_begin_date) = date;
    }

    /// This end's address, once connected, none at a path; after the end only if it was asked for before.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.0.shared.lock().local_address()
    }

    /// The other end's address, once connected; none at a path, and the first proxy's where there are proxies.
    pub fn remote_address(&self) -> Option<SocketAddr> {
        self.0.shared.lock().remote
    }

    /// The attempts to connect, in the order in which they were made: each with its address, its times and what
    /// became of it. There is one for each address that was tried; looking a name up is none, and neither is
    /// what a proxy is asked for: where there are proxies, the addresses are those of the nearest ones.
    pub fn attempts(&self) -> Vec<Attempt> {
        self.0.shared.lock().stream.attempts()
    }

    /// What the latest handshake agreed on; stays when TLS was stopped.
    pub fn tls_info(&self) -> Option<TlsInfo> {
        self.0.shared.lock().stream.tls_info().cloned()
    }

    /// Whether the stream is under TLS now.
    pub fn is_secure(&self) -> bool {
        self.0.shared.lock().stream.is_secure()
    }
}

impl Clone for StreamTask {
    fn clone(&self) -> Self {
        Self::handle(self.0.clone())
    }
}

impl Drop for StreamTask {
    fn drop(&mut self) {
        if self.0.handles.fetch_sub(1, Ordering::AcqRel) == 1 {
            // Another one may have been made meanwhile: whoever has the lock sees how many there are.
            let handles = &self.0.handles;
            self.0.shared.input_of(|| Input::Abandoned(handles.load(Ordering::Acquire) == 0));
        }
    }
}

impl PartialEq for StreamTask {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for StreamTask {}

impl Hash for StreamTask {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl fmt::Display for StreamTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state() {
            TaskState::Running => "running",
            TaskState::Suspended => "suspended",
            TaskState::Canceling => "canceling",
            TaskState::Completed => "completed",
        };
        write!(f, "stream task {} to {} ({state})", self.identifier(), self.0.shared.target)
    }
}

impl fmt::Debug for StreamTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamTask")
            .field("identifier", &self.identifier())
            .field("target", &self.0.shared.target)
            .field("state", &self.state())
            .field("description", &self.description())
            .field("error", &self.error())
            .finish_non_exhaustive()
    }
}

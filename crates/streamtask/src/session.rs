//! A group of tasks with one configuration, one delegate and one memory of TLS sessions.

use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use streamtask_proto::tls::TlsConfig;
use streamtask_proto::{Error, ErrorKind, Input, Stream, Target, TaskState};

use crate::delegate::SessionDelegate;
use crate::dispatch::Dispatch;
use crate::driver::{Setting, Shared};
use crate::lingering::{Lingerer, Lingerers};
use crate::mailbox::Mailbox;
use crate::net::linger::Manner;
use crate::queue::{DelegateQueue, Executor};
use crate::registry::Registry;
use crate::resolve::Resolver;
use crate::task::TaskInner;
use crate::{Configuration, Finished, Lingering, StreamTask, lock};

/// A group of tasks (`URLSession`). Cheap to clone; clones are the same session.
///
/// Dropping a session does not end its tasks. Its delegate is held until the session is
/// [invalidated](Session::finish_tasks_and_invalidate) and its last task is over, or until the session
/// and all its tasks are gone.
///
/// ```no_run
/// # fn main() -> Result<(), streamtask::Error> {
/// use streamtask::{Configuration, Session};
///
/// let session = Session::new(Configuration::default().alpn(["imap"]))?;
/// let tasks = ["one.example", "two.example"].map(|host| session.connect(host, 143));
/// for task in tasks {
///     task?.close();
/// }
/// session.finished().wait(); // before the program ends: what was written has arrived
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session(Arc<SessionInner>);

pub(crate) struct SessionInner {
    configuration: Configuration,
    executor: Executor,
    queue: DelegateQueue,
    tls: TlsConfig,
    resolver: Arc<Resolver>,
    delegate: Mutex<Option<Arc<dyn SessionDelegate>>>,
    registry: Mutex<Registry>,
    description: Mutex<Option<String>>,
    mailbox: Mailbox,
    lingerers: Arc<Lingerers>,
    /// Tasks that were resumed and are not over.
    under_way: Arc<Lingerers>,
    /// Tasks that are over: they leave when no lock is held.
    ended: Mutex<Vec<Lingerer>>,
    /// How many questions of handshakes wait for an answer.
    pub(crate) questions: AtomicUsize,
    is_shared: bool,
}

impl Session {
    /// A session without a delegate, whose callbacks run on a [serial queue](DelegateQueue::serial) of its own.
    /// The configuration is copied: later changes have no effect. (`URLSession(configuration:)`)
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when the configuration makes no sense.
    pub fn new(configuration: Configuration) -> Result<Self, Error> {
        Self::make(configuration, None, DelegateQueue::serial(), false)
    }

    /// A session that tells `delegate` on `queue` what happens.
    /// (`URLSession(configuration:delegate:delegateQueue:)`)
    ///
    /// # Errors
    /// As [`Session::new`].
    pub fn with_delegate(
        configuration: Configuration,
        delegate: impl SessionDelegate,
        queue: DelegateQueue,
    ) -> Result<Self, Error> {
        Self::make(configuration, Some(Arc::new(delegate)), queue, false)
    }

    /// The session that everybody may use, with the default configuration and no delegate. Invalidating
    /// it has no effect. (`URLSession.shared`)
    pub fn shared() -> Self {
        static SHARED: OnceLock<Session> = OnceLock::new();
        let make = || Self::make(Configuration::default(), None, DelegateQueue::serial(), true);
        SHARED.get_or_init(|| make().expect("the default configuration makes sense")).clone()
    }

    fn make(
        configuration: Configuration,
        delegate: Option<Arc<dyn SessionDelegate>>,
        queue: DelegateQueue,
        is_shared: bool,
    ) -> Result<Self, Error> {
        let executor = queue.clone().into_executor();
        Ok(Session(Arc::new(SessionInner {
            tls: configuration.tls()?,
            resolver: Arc::new(configuration.resolver.clone()),
            configuration,
            mailbox: Mailbox::new(executor.clone()),
            executor,
            queue,
            delegate: Mutex::new(delegate),
            registry: Mutex::default(),
            description: Mutex::default(),
            lingerers: Arc::default(),
            under_way: Arc::default(),
            ended: Mutex::default(),
            questions: AtomicUsize::new(0),
            is_shared,
        })))
    }

    pub(crate) fn from_inner(inner: Arc<SessionInner>) -> Self {
        Session(inner)
    }

    /// A task to `host`, by name or address, and `port`. It is suspended: nothing touches the network
    /// before [`StreamTask::resume`]. (`streamTask(withHostName:port:)`)
    ///
    /// # Errors
    /// [`ErrorKind::InvalidEndpoint`] for port 0 or a host that cannot be one;
    /// [`ErrorKind::SessionInvalidated`] after the session was invalidated.
    pub fn stream_task(&self, host: &str, port: u16) -> Result<StreamTask, Error> {
        self.task_to(Target::new(host, port)?)
    }

    /// A task to who listens at `path` on this machine, suspended. All that a stream task can do it can do there,
    /// TLS included: the server is then known as `localhost`, unless
    /// [`SecureOptions`](crate::SecureOptions) name it.
    ///
    /// ```no_run
    /// # async fn example() -> Result<(), streamtask::Error> {
    /// let task = streamtask::Session::shared().stream_task_at_path("/run/docker.sock")?;
    /// task.resume();
    /// task.write("GET /_ping HTTP/1.0\r\n\r\n", None).await?;
    /// let status = task.read_until("\r\n", 512, None).await?;
    /// # drop(status);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Foundation has no such task.
    ///
    /// # Errors
    /// [`ErrorKind::SessionInvalidated`] after the session was invalidated. A path where nobody listens is
    /// found out when the task is resumed.
    #[cfg(unix)]
    pub fn stream_task_at_path(
        &self,
        path: impl AsRef<std::path::Path>,
    ) -> Result<StreamTask, Error> {
        self.task_to(Target::at_path(path.as_ref()))
    }

    fn task_to(&self, target: Target) -> Result<StreamTask, Error> {
        let number = lock(&self.0.registry).number().ok_or_else(invalidated)?;
        let task = self.0.task(number, target);
        if !lock(&self.0.registry).enter(number, task.clone()) {
            return Err(invalidated());
        }
        let task = StreamTask::handle(task);
        if let Some(delegate) = self.0.delegate() {
            delegate.did_create_task(self, &task);
        }
        Ok(task)
    }

    /// The same, [resumed](StreamTask::resume): it connects now.
    ///
    /// # Errors
    /// As [`stream_task`](Self::stream_task). It returns before the connection is made and nothing has to wait for
    /// that: if connecting fails, everything that is called on the task fails with the reason, and so does its
    /// [`completion`](StreamTask::completion).
    ///
    /// # Examples
    /// ```no_run
    /// # async fn example() -> Result<(), streamtask::Error> {
    /// let task = streamtask::Session::shared().connect("example.org", 7)?;
    /// task.write("hello", None).await?;
    /// assert_eq!(task.read_exact(5, None).await?.data, "hello");
    /// # Ok(())
    /// # }
    /// ```
    pub fn connect(&self, host: &str, port: u16) -> Result<StreamTask, Error> {
        let task = self.stream_task(host, port)?;
        task.resume();
        Ok(task)
    }

    /// The tasks that are under way: resumed at least once and not over. (`allTasks`)
    pub fn all_tasks(&self) -> Vec<StreamTask> {
        let tasks = lock(&self.0.registry).tasks();
        tasks.into_iter().filter(is_under_way).map(StreamTask::handle).collect()
    }

    /// The task under way with this [identifier](StreamTask::identifier).
    pub fn task(&self, identifier: u64) -> Option<StreamTask> {
        let task = lock(&self.0.registry).task(identifier)?;
        is_under_way(&task).then(|| StreamTask::handle(task))
    }

    /// Allows no more tasks; those there are run on. After the last one the delegate hears
    /// `did_become_invalid` and is let go. Returns at once. (`finishTasksAndInvalidate`)
    ///
    /// An idle stream does not end by itself: see [`Session::invalidate_and_cancel`].
    pub fn finish_tasks_and_invalidate(&self) {
        if self.0.is_shared {
            return;
        }
        let is_over = lock(&self.0.registry).invalidate();
        if is_over {
            self.0.become_invalid();
            self.0.kick();
        }
    }

    /// The same, and cancels every task. (`invalidateAndCancel`)
    pub fn invalidate_and_cancel(&self) {
        if self.0.is_shared {
            return;
        }
        let (is_over, tasks) = {
            let mut registry = lock(&self.0.registry);
            (registry.invalidate(), registry.tasks())
        };
        for task in tasks {
            task.shared.input(Input::Cancel);
        }
        if is_over {
            self.0.become_invalid();
            self.0.kick();
        }
    }

    /// A future that is ready when no task is under way any more and no connection is being closed. So a
    /// program ends without losing writes that stand:
    ///
    /// ```no_run
    /// # async fn example(session: streamtask::Session) -> Result<(), streamtask::Error> {
    /// let task = session.connect("logs.example.org", 514)?;
    /// task.write("<14>I was here\n", None).detach();
    /// task.close();
    /// session.finished().await;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// A task ends when it is [closed](StreamTask::close) or [cancelled](StreamTask::cancel), or when what is
    /// queued is done and nobody holds it any more; one that is neither is waited for without end. In
    /// [`Session::shared`] those are everybody's.
    pub fn finished(&self) -> Finished {
        Finished::new(Lingering::new(self.0.under_way.clone()), self.lingering())
    }

    /// A future that is ready when no connection of the session is being closed: a task can be over before all
    /// that it wrote has arrived.
    pub fn lingering(&self) -> Lingering {
        Lingering::new(self.0.lingerers.clone())
    }

    /// Forgets what the session has stored, then runs `done` on the delegate queue. Streams that are
    /// under way are not affected, and today there is nothing stored. (`reset(completionHandler:)`)
    pub fn reset(&self, done: impl FnOnce() + Send + 'static) {
        self.0.mailbox.put(done);
        self.0.mailbox.kick();
    }

    /// Writes to disk what is to be kept, then runs `done` on the delegate queue. Streams that are under
    /// way are not affected, and today there is nothing to write. (`flush(completionHandler:)`)
    pub fn flush(&self, done: impl FnOnce() + Send + 'static) {
        self.0.mailbox.put(done);
        self.0.mailbox.kick();
    }

    /// What the session was made with. It cannot be changed any more. (`configuration`)
    pub fn configuration(&self) -> &Configuration {
        &self.0.configuration
    }

    /// The delegate it was made with; none once the session is invalid, which lets it go. (`delegate`)
    pub fn delegate(&self) -> Option<Arc<dyn SessionDelegate>> {
        self.0.delegate()
    }

    /// The queue on which the delegate's methods and the callbacks of operations and events run.
    /// (`delegateQueue`)
    pub fn delegate_queue(&self) -> &DelegateQueue {
        &self.0.queue
    }

    /// A label of the program's own, which the library does not look at. (`sessionDescription`)
    pub fn description(&self) -> Option<String> {
        lock(&self.0.description).clone()
    }

    /// Replaces the label; may be called at any time.
    pub fn set_description(&self, description: impl Into<String>) {
        *lock(&self.0.description) = Some(description.into());
    }
}

fn is_under_way(task: &Arc<TaskInner>) -> bool {
    let has_begun = task.shared.lock().stream.has_begun();
    has_begun && matches!(task.shared.task_state(), TaskState::Running | TaskState::Suspended)
}

fn invalidated() -> Error {
    ErrorKind::SessionInvalidated.into()
}

impl SessionInner {
    pub(crate) fn delegate(&self) -> Option<Arc<dyn SessionDelegate>> {
        lock(&self.delegate).clone()
    }

    pub(crate) fn has_delegate(&self) -> bool {
        lock(&self.delegate).is_some()
    }

    /// A task, which nobody knows yet.
    fn task(self: &Arc<Self>, number: u64, target: Target) -> Arc<TaskInner> {
        let options = self.configuration.options();
        let stream = Stream::new(Instant::now(), target.clone(), options, Some(self.tls.clone()));
        let setting = Setting {
            number,
            target,
            is_told: self.has_delegate(),
            tolerate_truncation: self.configuration.tolerate_truncation,
            resolver: self.resolver.clone(),
            manner: Manner::new(self.configuration.linger, self.lingerers.clone()),
        };
        let mailbox = Mailbox::new(self.executor.clone());
        Arc::new_cyclic(|task| {
            let dispatch = Dispatch::new(task);
            let shared = Shared::new(setting, stream, mailbox, dispatch.clone());
            TaskInner::new(number, self.clone(), shared, dispatch)
        })
    }

    /// A task is resumed for the first time. Call it without locks.
    pub(crate) fn task_begins(&self, number: u64) {
        let under_way = self.under_way.enter();
        let before = lock(&self.registry).begin(number, under_way);
        drop(before);
    }

    /// A task has had its last message. What follows for the session needs a [`kick`](Self::kick).
    pub(crate) fn task_ended(self: &Arc<Self>, number: u64) {
        let (under_way, is_over) = lock(&self.registry).leave(number);
        lock(&self.ended).extend(under_way);
        if is_over {
            self.become_invalid();
        }
    }

    /// The session's last message; then the delegate is let go.
    fn become_invalid(self: &Arc<Self>) {
        let inner = self.clone();
        self.mailbox.put(move || {
            let delegate = lock(&inner.delegate).take();
            if let Some(delegate) = delegate {
                delegate.did_become_invalid(&Session(inner), None);
            }
        });
    }

    /// Runs what the session has to say. Call it without locks.
    pub(crate) fn kick(&self) {
        let ended = std::mem::take(&mut *lock(&self.ended));
        drop(ended);
        self.mailbox.kick();
    }
}

impl PartialEq for Session {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Session {}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("description", &self.description())
            .field("tasks", &lock(&self.0.registry).tasks().len())
            .field("has_delegate", &self.delegate().is_some())
            .finish_non_exhaustive()
    }
}

//! What these tests share: sessions, a delegate that takes notes, and guards against hanging.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::mpsc;
use std::task::Poll;
use std::time::Duration;

use streamtask::{
    Configuration, DelegateQueue, Error, ErrorKind, EventKind, Events, InputStream, Limit,
    OutputStream, ReadData, Session, SessionDelegate, StreamTask,
};
use streamtask_testkit::{Server, silent};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// Longer than anything here takes: what reaches it hangs.
pub(crate) const GUARD: Duration = Duration::from_secs(20);
/// A timeout that is meant to be reached.
pub(crate) const SHORT: Duration = Duration::from_millis(100);
/// More than the sockets of both ends hold while nobody reads.
pub(crate) const STUCK: usize = 24 << 20;

pub(crate) fn session() -> Session {
    session_of(Configuration::default())
}

pub(crate) fn session_of(configuration: Configuration) -> Session {
    Session::new(configuration).expect("the configuration makes sense")
}

/// A suspended task of `session` to `server`.
pub(crate) fn task_in(session: &Session, server: &Server) -> StreamTask {
    session.stream_task("127.0.0.1", server.port()).expect("a task can be made")
}

/// A task to `server` in a session of its own, resumed.
pub(crate) fn resumed(server: &Server) -> StreamTask {
    let task = task_in(&session(), server);
    task.resume();
    task
}

/// Awaits what must come soon.
pub(crate) async fn soon<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(GUARD, future).await.expect("it comes within the guard's time")
}

/// What happens next.
pub(crate) async fn next_kind(events: &mut Events) -> Option<EventKind> {
    soon(events.next()).await.map(|event| event.kind)
}

/// Awaits an operation that must do well.
pub(crate) async fn done<T>(future: impl Future<Output = Result<T, Error>>) -> T {
    soon(future).await.expect("it does well")
}

/// Awaits what must fail, and says with which kind.
pub(crate) async fn failed<T>(future: impl Future<Output = Result<T, Error>>) -> ErrorKind {
    match soon(future).await {
        Ok(_) => panic!("it should have failed"),
        Err(error) => error.kind(),
    }
}

/// Runs a blocking test body, which must end soon.
pub(crate) fn within<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    let thread = std::thread::spawn(move || {
        // Should the body panic, the sender is dropped and joining tells.
        let _ = sender.send(body());
    });
    match receiver.recv_timeout(GUARD) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => panic!("it hangs"),
        Err(mpsc::RecvTimeoutError::Disconnected) => match thread.join() {
            Err(panic) => std::panic::resume_unwind(panic),
            Ok(()) => unreachable!("a body that ends well sends"),
        },
    }
}

/// Polls once.
pub(crate) async fn is_pending<F: Future + Unpin>(future: &mut F) -> bool {
    poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx).is_pending())).await
}

/// Looks again and again until it is so.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    soon(async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

/// Waits until another task of the same library has lived through a timeout of this length, so that any
/// timeout begun before and no longer would have been noticed too.
pub(crate) async fn outlive(time: Duration) {
    let server = silent();
    let task = resumed(&server);
    let late = failed(task.read_data(1..=1, time)).await;
    assert_eq!(late, ErrorKind::TimedOut(Limit::Read));
}

pub(crate) fn kind(error: Option<Error>) -> Option<ErrorKind> {
    error.map(|error| error.kind())
}

pub(crate) fn text(read: &ReadData) -> &str {
    std::str::from_utf8(&read.data).expect("the tests send text")
}

/// The same bytes each time, without a period that a mistake could fit.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as u8
    };
    (0..length).map(|_| next()).collect()
}

/// The serial queue, one that runs jobs where they come up, and one with a thread for each.
pub(crate) fn queues() -> [DelegateQueue; 3] {
    let threads = DelegateQueue::executor(|job| drop(std::thread::spawn(job)));
    [DelegateQueue::serial(), DelegateQueue::executor(|job| job()), threads]
}

/// What a [`Notes`] delegate, or a callback, wrote down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Created,
    ReadClosed,
    WriteClosed,
    Completed(Option<ErrorKind>),
    Streams,
    Invalid,
    /// An operation's callback.
    Done(&'static str, Option<ErrorKind>),
    /// Something of the test's own.
    Mark(&'static str),
}

type Reaction = Box<dyn Fn(Said, &StreamTask) + Send + Sync>;

/// A delegate that writes down what it is told.
pub(crate) struct Notes {
    pub(crate) pad: Pad,
    reaction: Option<Reaction>,
}

/// Where notes are written.
#[derive(Clone)]
pub(crate) struct Pad(UnboundedSender<Said>);

/// Where notes are read.
pub(crate) struct Heard(UnboundedReceiver<Said>);

pub(crate) fn notes() -> (Notes, Heard) {
    let (sender, receiver) = unbounded_channel();
    (Notes { pad: Pad(sender), reaction: None }, Heard(receiver))
}

/// A session with a delegate that takes notes.
pub(crate) fn noted(queue: DelegateQueue) -> (Session, Pad, Heard) {
    let (notes, heard) = notes();
    let pad = notes.pad.clone();
    let session = Session::with_delegate(Configuration::default(), notes, queue);
    (session.expect("the configuration makes sense"), pad, heard)
}

impl Notes {
    /// Does this too, after writing down, inside of the callback.
    pub(crate) fn and(
        mut self,
        react: impl Fn(Said, &StreamTask) + Send + Sync + 'static,
    ) -> Notes {
        self.reaction = Some(Box::new(react));
        self
    }

    fn say(&self, said: Said, task: Option<&StreamTask>) {
        self.pad.write(said);
        if let (Some(react), Some(task)) = (&self.reaction, task) {
            react(said, task);
        }
    }
}

impl Pad {
    pub(crate) fn write(&self, said: Said) {
        // A test that has seen enough reads no more.
        let _ = self.0.send(said);
    }

    /// A callback for an operation that writes its end down under `name`.
    pub(crate) fn callback<T>(
        &self,
        name: &'static str,
    ) -> impl FnOnce(Result<T, Error>) + Send + 'static {
        let pad = self.clone();
        move |result| pad.write(Said::Done(name, result.err().map(|error| error.kind())))
    }
}

impl Heard {
    pub(crate) async fn next(&mut self) -> Said {
        soon(self.0.recv()).await.expect("somebody still writes")
    }

    /// Everything up to and with `last`.
    pub(crate) async fn up_to(&mut self, last: Said) -> Vec<Said> {
        let mut all = vec![self.next().await];
        while all.last() != Some(&last) {
            all.push(self.next().await);
        }
        all
    }

    /// Everything that was written before the session's queue has come to this point.
    pub(crate) async fn so_far(&mut self, session: &Session, pad: &Pad) -> Vec<Said> {
        let (mark, pad) = (Said::Mark("so far"), pad.clone());
        session.flush(move || pad.write(mark));
        let mut all = self.up_to(mark).await;
        all.pop();
        all
    }
}

impl SessionDelegate for Notes {
    fn did_become_invalid(&self, _: &Session, error: Option<&Error>) {
        assert!(error.is_none());
        self.say(Said::Invalid, None);
    }

    fn did_create_task(&self, _: &Session, task: &StreamTask) {
        self.say(Said::Created, Some(task));
    }

    fn did_complete(&self, _: &Session, task: &StreamTask, error: Option<&Error>) {
        self.say(Said::Completed(error.map(Error::kind)), Some(task));
    }

    fn read_closed(&self, _: &Session, task: &StreamTask) {
        self.say(Said::ReadClosed, Some(task));
    }

    fn write_closed(&self, _: &Session, task: &StreamTask) {
        self.say(Said::WriteClosed, Some(task));
    }

    fn did_become_streams(&self, _: &Session, task: &StreamTask, _: InputStream, _: OutputStream) {
        self.say(Said::Streams, Some(task));
    }
}

/// Runs `body` in a process of its own: what it counts is disturbed by no other test. `name` is the path
/// of the test that calls.
#[cfg(target_os = "linux")]
pub(crate) fn alone(name: &str, body: impl FnOnce()) {
    const IS_ALONE: &str = "STREAMTASK_TEST_IS_ALONE";
    if std::env::var_os(IS_ALONE).is_some() {
        return body();
    }
    let program = std::env::current_exe().expect("a test is a program");
    let mut command = std::process::Command::new(program);
    let output = command.args(["--exact", name]).env(IS_ALONE, "yes").output();
    let output = output.expect("the test runs again");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

/// Looks again and again, without a runtime, until it is so.
#[cfg(target_os = "linux")]
pub(crate) fn settle(is_so: impl Fn() -> bool) {
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < GUARD, "it does not settle");
        std::thread::yield_now();
    }
}

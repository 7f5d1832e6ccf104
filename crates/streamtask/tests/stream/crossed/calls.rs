//! What is called, and what is done with what the call returns.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use streamtask::{
    Completion, Duplex, Error, ErrorKind, Event, EventKind, Events, StreamTask, Timeout,
};
use tokio::sync::oneshot;

use crate::support::text;

/// What is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    Exact,
    Line,
    Write,
    CloseRead,
    CloseWrite,
    Start,
    Stop,
    Capture,
    Cancel,
    Completion,
    Events,
}

pub(super) const CALLS: [Call; 11] = [
    Call::Exact,
    Call::Line,
    Call::Write,
    Call::CloseRead,
    Call::CloseWrite,
    Call::Start,
    Call::Stop,
    Call::Capture,
    Call::Cancel,
    Call::Completion,
    Call::Events,
];

/// What is done with what the call returns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Awaited,
    /// Waited for, on a thread of its own.
    Waited,
    CalledBack,
    /// Polled once, then held until everything else is over.
    Held,
    /// Polled once, then polled by another task.
    Moved,
    /// Polled once, then given a callback.
    PolledAndCalledBack,
    /// Polled by an executor whose wakers own what it runs.
    Owned,
    PolledAndDropped,
    Dropped,
}

const OF_OPERATIONS: &[Form] = &[
    Form::Awaited,
    Form::Waited,
    Form::CalledBack,
    Form::Held,
    Form::Moved,
    Form::PolledAndCalledBack,
    Form::Owned,
    Form::PolledAndDropped,
    Form::Dropped,
];

/// Nobody can be called back by these.
const OF_COMPLETIONS: &[Form] = &[
    Form::Awaited,
    Form::Waited,
    Form::Held,
    Form::Moved,
    Form::Owned,
    Form::PolledAndDropped,
    Form::Dropped,
];

const OF_EVENTS: &[Form] =
    &[Form::Awaited, Form::Held, Form::Moved, Form::Owned, Form::PolledAndDropped, Form::Dropped];

/// What returns nothing has one form.
const OF_THE_REST: &[Form] = &[Form::Dropped];

/// What was said in the end.
#[derive(Debug)]
pub(super) enum Outcome {
    Read { text: String, is_secure: bool },
    Done,
    Captured(Duplex),
    Happened(Vec<&'static str>),
}

pub(super) type Told = Result<Outcome, ErrorKind>;

/// The end of a call, for whoever still wants it.
pub(super) type Ending = Pin<Box<dyn Future<Output = Option<Told>> + Send>>;

impl Call {
    pub(super) fn forms(self) -> &'static [Form] {
        match self {
            Call::CloseRead | Call::CloseWrite | Call::Cancel => OF_THE_REST,
            Call::Completion => OF_COMPLETIONS,
            Call::Events => OF_EVENTS,
            _ => OF_OPERATIONS,
        }
    }

    pub(super) fn is_read(self) -> bool {
        matches!(self, Call::Exact | Call::Line)
    }

    /// Whether its end is the task's.
    pub(super) fn ends_with_the_task(self) -> bool {
        matches!(self, Call::Completion | Call::Events)
    }

    pub(super) fn make(self, task: &StreamTask, form: Form) -> Ending {
        let never = Timeout::NEVER;
        match self {
            Call::Exact => operation!(task.read_exact(2, never), form, read),
            Call::Line => operation!(task.read_until("\n", 100, never), form, read),
            Call::Write => operation!(task.write(WORDS, never), form, |()| Outcome::Done),
            Call::Start => operation!(task.start_secure_connection(), form, |_| Outcome::Done),
            Call::Stop => operation!(task.stop_secure_connection(), form, |()| Outcome::Done),
            Call::Capture => operation!(task.capture_streams(), form, |(input, output)| {
                let joined: Result<Duplex, _> = streamtask::InputStream::join(input, output);
                Outcome::Captured(joined.expect("halves of one connection"))
            }),
            Call::CloseRead => {
                task.close_read();
                silent()
            }
            Call::CloseWrite => {
                task.close_write();
                silent()
            }
            Call::Cancel => {
                task.cancel();
                silent()
            }
            Call::Completion => complete(task.completion(), form),
            Call::Events => listen(task.events(), form),
        }
    }
}

/// What a write says.
pub(super) const WORDS: &str = "xyz\n";

fn read(read: streamtask::ReadData) -> Outcome {
    Outcome::Read { text: text(&read).to_owned(), is_secure: read.is_secure }
}

fn silent() -> Ending {
    Box::pin(ready(None))
}

fn told<T>(result: Result<T, Error>, outcome: impl FnOnce(T) -> Outcome) -> Option<Told> {
    Some(result.map(outcome).map_err(|error| error.kind()))
}

/// Polls once, with a waker that wakes nobody.
pub(super) fn once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Does with an operation what the form says. The library seals what operations may come to, so this is
/// no function over all of them.
macro_rules! operation {
    ($operation:expr, $form:expr, $outcome:expr) => {{
        let (mut operation, outcome) = ($operation, $outcome);
        let known = match $form {
            Form::Held | Form::Moved | Form::PolledAndCalledBack | Form::PolledAndDropped => {
                once(&mut operation)
            }
            _ => Poll::Pending,
        };
        match (known, $form) {
            (Poll::Ready(result), _) => Box::pin(ready(told(result, outcome))) as Ending,
            (_, Form::Waited) => {
                let thread = tokio::task::spawn_blocking(|| operation.wait());
                Box::pin(async move { told(thread.await.expect("no panic"), outcome) })
            }
            (_, Form::CalledBack | Form::PolledAndCalledBack) => {
                let (sender, heard) = oneshot::channel();
                operation.on_complete(|result| drop(sender.send(result)));
                Box::pin(async move { told(heard.await.expect("it is called"), outcome) })
            }
            (_, Form::PolledAndDropped | Form::Dropped) => {
                drop(operation);
                Box::pin(ready(None))
            }
            (_, form) => go_on(operation, form, outcome),
        }
    }};
}

use operation;

/// The forms that every future has, once it was polled where it has to be.
fn go_on<T: Send + 'static>(
    future: impl Future<Output = Result<T, Error>> + Send + 'static,
    form: Form,
    outcome: impl FnOnce(T) -> Outcome + Send + 'static,
) -> Ending {
    match form {
        Form::Awaited | Form::Moved => {
            let task = tokio::spawn(future);
            Box::pin(async move { told(task.await.expect("no panic"), outcome) })
        }
        Form::Owned => {
            let result = Owner::run(future);
            Box::pin(async move { told(result.await.expect("it runs to its end"), outcome) })
        }
        Form::Held => Box::pin(async move { told(future.await, outcome) }),
        other => unreachable!("{other:?} has been seen to"),
    }
}

fn complete(mut completion: Completion, form: Form) -> Ending {
    let is_polled = matches!(form, Form::Held | Form::Moved | Form::PolledAndDropped);
    let known = if is_polled { once(&mut completion) } else { Poll::Pending };
    match (known, form) {
        (Poll::Ready(result), _) => Box::pin(ready(told(result, |()| Outcome::Done))),
        (_, Form::Waited) => {
            let thread = tokio::task::spawn_blocking(|| completion.wait());
            Box::pin(async move { told(thread.await.expect("no panic"), |()| Outcome::Done) })
        }
        (_, Form::PolledAndDropped | Form::Dropped) => {
            drop(completion);
            silent()
        }
        (_, form) => go_on(completion, form, |()| Outcome::Done),
    }
}

fn listen(mut events: Events, form: Form) -> Ending {
    let is_polled = matches!(form, Form::Held | Form::Moved | Form::PolledAndDropped);
    let first = match is_polled {
        true => once(&mut Box::pin(events.next())),
        false => Poll::Pending,
    };
    if let Form::PolledAndDropped | Form::Dropped = form {
        drop(events);
        return silent();
    }
    let all = async move {
        let mut all = Vec::new();
        if let Poll::Ready(first) = first {
            match first {
                Some(first) => all.push(name(&first)),
                None => return Ok(all),
            }
        }
        while let Some(event) = events.next().await {
            all.push(name(&event));
        }
        Ok(all)
    };
    go_on(all, form, Outcome::Happened)
}

pub(super) fn name(event: &Event) -> &'static str {
    match &event.kind {
        EventKind::Connected => "connected",
        EventKind::Secured(_) => "secured",
        EventKind::Unsecured => "unsecured",
        EventKind::ReadClosed => "read closed",
        EventKind::WriteClosed => "write closed",
        EventKind::Finished(Ok(())) => "finished",
        EventKind::Finished(Err(_)) => "failed",
        other => panic!("unexpected {other:?}"),
    }
}

/// Runs a future where it is woken: its waker is the one thing that owns it.
struct Owner<T>(Mutex<Running<T>>);

struct Running<T> {
    future: Option<Pin<Box<dyn Future<Output = T> + Send>>>,
    /// It was woken while it was polled.
    is_woken: bool,
    done: Option<oneshot::Sender<T>>,
}

impl<T: Send + 'static> Owner<T> {
    fn run(future: impl Future<Output = T> + Send + 'static) -> oneshot::Receiver<T> {
        let (sender, done) = oneshot::channel();
        let running =
            Running { future: Some(Box::pin(future)), is_woken: false, done: Some(sender) };
        Arc::new(Owner(Mutex::new(running))).wake();
        done
    }
}

impl<T: Send + 'static> Wake for Owner<T> {
    fn wake(self: Arc<Self>) {
        let mut running = self.0.lock().expect("nobody panics under it");
        running.is_woken = true;
        // Whoever polls it now polls it again.
        let Some(mut future) = running.future.take() else { return };
        let waker = Waker::from(self.clone());
        while std::mem::take(&mut running.is_woken) {
            drop(running);
            let polled = future.as_mut().poll(&mut Context::from_waker(&waker));
            running = self.0.lock().expect("nobody panics under it");
            if let Poll::Ready(result) = polled {
                let done = running.done.take();
                drop(running);
                drop(future);
                return drop(done.expect("it ends once").send(result));
            }
        }
        running.future = Some(future);
    }
}

//! What delegates hear, in which order, on which queue.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::ThreadId;

use streamtask::{
    Configuration, DelegateQueue, Error, ErrorKind, InputStream, OutputStream, Session,
    SessionDelegate, StreamTask, TaskState,
};
use streamtask_testkit::{echo, free_port, half_closer, silent, sink};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::*;

#[tokio::test]
async fn a_delegate_hears_of_a_life_in_order() {
    for queue in queues() {
        let server = half_closer();
        let (session, pad, mut heard) = noted(queue);
        let task = task_in(&session, &server);
        task.write("x", GUARD).on_complete(pad.callback("write"));
        task.read_exact(1, GUARD).on_complete(pad.callback("read"));
        task.read_data(1..=1, GUARD).on_complete(pad.callback("end"));
        task.close_write();
        task.resume();
        session.finish_tasks_and_invalidate();
        let all = [
            Said::Created,
            Said::Done("write", None),
            Said::WriteClosed,
            Said::Done("read", None),
            Said::Done("end", None),
            Said::ReadClosed,
            Said::Completed(None),
            Said::Invalid,
        ];
        assert_eq!(heard.up_to(Said::Invalid).await, all);
    }
}

#[tokio::test]
async fn the_making_of_a_task_is_told_inside_the_call() {
    // A queue that never runs anything.
    let (session, _pad, mut heard) = noted(DelegateQueue::executor(drop));
    let server = silent();
    let before = std::thread::current().id();
    let seen: Arc<Mutex<Vec<(u64, ThreadId)>>> = Arc::default();
    let (notes, _heard) = notes();
    let shelf = seen.clone();
    let notes = notes.and(move |said, task| {
        assert_eq!((said, task.state()), (Said::Created, TaskState::Suspended));
        shelf.lock().unwrap().push((task.identifier(), std::thread::current().id()));
    });
    let other = Session::with_delegate(Configuration::default(), notes, DelegateQueue::serial());
    let task = task_in(&other.unwrap(), &server);
    assert_eq!(*seen.lock().unwrap(), [(task.identifier(), before)]);
    drop(task_in(&session, &server));
    assert_eq!(heard.next().await, Said::Created);
}

#[tokio::test]
async fn a_tasks_own_delegate_hears_in_place_of_the_sessions() {
    let server = half_closer();
    let (session, pad, mut of_session) = noted(Default::default());
    let task = task_in(&session, &server);
    let (own, mut of_task) = notes();
    task.set_delegate(own).expect("it was not resumed yet");
    assert!(task.delegate().is_some());
    task.close_write();
    let read = task.read_data(1..=1, GUARD);
    task.resume();
    assert!(done(read).await.at_eof);
    let all = of_task.up_to(Said::Completed(None)).await;
    assert_eq!(all, [Said::WriteClosed, Said::ReadClosed, Said::Completed(None)]);
    assert_eq!(of_session.so_far(&session, &pad).await, [Said::Created]);
    until(|| task.delegate().is_none()).await;
}

#[tokio::test]
async fn a_tasks_delegate_cannot_be_changed_once_it_was_resumed() {
    let server = silent();
    let task = resumed(&server);
    task.suspend();
    let refused = task.set_delegate(notes().0).expect_err("it was resumed");
    assert_eq!(refused.kind(), ErrorKind::InvalidArgument);
    assert!(task.delegate().is_none());
}

/// Notes when callbacks overlap.
#[derive(Default)]
struct Watch {
    running: AtomicUsize,
    faults: AtomicUsize,
}

impl Watch {
    /// One callback.
    fn run(&self) {
        if self.running.fetch_add(1, Ordering::SeqCst) > 0 {
            self.faults.fetch_add(1, Ordering::SeqCst);
        }
        std::thread::yield_now();
        self.running.fetch_sub(1, Ordering::SeqCst);
    }
}

thread_local! {
    static CALLING: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// Makes a call during which no callback may run on this thread.
fn calling<T>(call: impl FnOnce() -> T) -> T {
    CALLING.set(true);
    let result = call();
    CALLING.set(false);
    result
}

fn assert_not_inside_a_call() {
    assert!(!CALLING.get(), "a callback ran inside of a call");
}

#[tokio::test]
async fn callbacks_never_run_inside_the_calling_function() {
    for queue in [DelegateQueue::serial(), queues()[2].clone()] {
        let (notes, mut heard) = notes();
        let pad = notes.pad.clone();
        let notes = notes.and(|said, _| {
            if said != Said::Created {
                assert_not_inside_a_call();
            }
        });
        let session = Session::with_delegate(Configuration::default(), notes, queue).unwrap();
        let task = session.stream_task("127.0.0.1", free_port()).unwrap();
        let read = || {
            let note = pad.callback("read");
            task.read_exact(1, GUARD).on_complete(move |read| {
                assert_not_inside_a_call();
                note(read);
            });
        };
        calling(read);
        calling(|| task.resume());
        calling(|| task.cancel());
        calling(|| task.close_write());
        calling(|| session.invalidate_and_cancel());
        calling(read);
        let mut all = Vec::new();
        while all.len() < 5 {
            all.push(heard.next().await);
        }
        assert!(all.contains(&Said::Invalid) && all.contains(&Said::Created), "{all:?}");
        let is_read = |said: &&Said| matches!(said, Said::Done("read", Some(_)));
        assert_eq!(all.iter().filter(is_read).count(), 2, "{all:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_concurrent_executor_keeps_the_order_of_each_task() {
    let server = echo();
    let (session, _pad, _heard) = noted(queues()[2].clone());
    let mut tasks = Vec::new();
    for _ in 0..8 {
        let task = task_in(&session, &server);
        task.resume();
        let (sender, numbers) = mpsc::channel();
        let watch = Arc::new(Watch::default());
        for number in 0..100 {
            drop(task.write("x", GUARD));
            let (sender, watch) = (sender.clone(), watch.clone());
            task.read_exact(1, GUARD).on_complete(move |read| {
                watch.run();
                sender.send(read.map(|_| number)).expect("the test listens");
            });
        }
        tasks.push((task, numbers, watch));
    }
    for (task, numbers, watch) in tasks {
        let numbers = numbers.iter().map(|number| number.expect("it is read"));
        assert!(tokio::task::block_in_place(|| numbers.eq(0..100)), "{task}");
        assert_eq!(watch.faults.load(Ordering::SeqCst), 0, "two callbacks of {task} at once");
    }
}

#[tokio::test]
async fn a_callback_that_panics_stops_nothing() {
    let server = echo();
    let (session, pad, mut heard) = noted(Default::default());
    let task = task_in(&session, &server);
    task.resume();
    task.write("ab", GUARD).on_complete(|_| std::panic::resume_unwind(Box::new("on purpose")));
    task.read_exact(1, GUARD).on_complete(pad.callback("read"));
    assert_eq!(heard.up_to(Said::Done("read", None)).await.len(), 2);
    assert_eq!(text(&done(task.read_exact(1, GUARD)).await), "b");
}

#[tokio::test]
async fn callbacks_that_panic_inside_a_call_stop_nothing_behind_them() {
    let server = echo();
    let (session, _pad, mut heard) = noted(queues()[1].clone());
    let task = task_in(&session, &server);
    task.resume();
    for _ in 0..2 {
        let panics = |_| std::panic::resume_unwind(Box::new("on purpose"));
        task.read_exact(1, GUARD).on_complete(panics);
    }
    let cancels = std::panic::AssertUnwindSafe(|| task.cancel());
    assert!(std::panic::catch_unwind(cancels).is_err(), "whoever runs them hears of it");
    heard.up_to(Said::Completed(Some(ErrorKind::Cancelled))).await;
}

#[tokio::test]
async fn the_completion_can_be_awaited_by_many_before_and_after() {
    let server = silent();
    let task = resumed(&server);
    let (first, second, waited) = (task.completion(), task.completion(), task.completion());
    let waiting = tokio::task::spawn_blocking(move || waited.wait());
    let mut third = task.completion();
    assert!(is_pending(&mut third).await);
    drop(third);
    task.cancel();
    assert_eq!(failed(first).await, ErrorKind::Cancelled);
    assert_eq!(failed(second).await, ErrorKind::Cancelled);
    assert!(soon(waiting).await.unwrap().expect_err("it was cancelled").is_cancelled());
    assert_eq!(failed(task.completion()).await, ErrorKind::Cancelled);
}

/// A delegate that keeps the streams it is given.
struct Keeper(Pad, tokio::sync::mpsc::UnboundedSender<(InputStream, OutputStream)>);

impl SessionDelegate for Keeper {
    fn did_become_streams(
        &self,
        _: &Session,
        task: &StreamTask,
        input: InputStream,
        output: OutputStream,
    ) {
        assert_eq!(task.state(), TaskState::Completed);
        self.0.write(Said::Streams);
        self.1.send((input, output)).expect("the test listens");
    }

    fn did_complete(&self, _: &Session, _: &StreamTask, error: Option<&Error>) {
        self.0.write(Said::Completed(error.map(Error::kind)));
    }

    fn did_become_invalid(&self, _: &Session, _: Option<&Error>) {
        self.0.write(Said::Invalid);
    }
}

/// When a capture that nobody waits for is dropped.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Dropped {
    BeforeResume,
    AtOnce,
    WhenItIsDone,
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_nobody_waits_for_go_to_the_delegate_as_the_last_message() {
    for queue in queues() {
        for dropped in [Dropped::BeforeResume, Dropped::AtOnce, Dropped::WhenItIsDone] {
            for is_own in [false, true] {
                give_streams_away(queue.clone(), dropped, is_own).await;
            }
        }
    }
}

async fn give_streams_away(queue: DelegateQueue, dropped: Dropped, is_own: bool) {
    let server = echo();
    let (notes, mut heard) = notes();
    let (sender, mut streams) = tokio::sync::mpsc::unbounded_channel();
    let mut keeper = Some(Keeper(notes.pad.clone(), sender));
    let session = match is_own {
        true => Session::with_delegate(Configuration::default(), notes, queue),
        false => Session::with_delegate(Configuration::default(), keeper.take().unwrap(), queue),
    };
    let session = session.expect("the configuration makes sense");
    let task = task_in(&session, &server);
    if let Some(keeper) = keeper {
        task.set_delegate(keeper).expect("it was not resumed yet");
    }
    capture(&task, dropped).await;
    session.finish_tasks_and_invalidate();
    let all = heard.up_to(Said::Invalid).await;
    let all: Vec<_> = all.into_iter().filter(|said| *said != Said::Created).collect();
    assert_eq!(all, [Said::Streams, Said::Invalid], "{dropped:?} {is_own}");
    let (mut input, mut output) = soon(streams.recv()).await.expect("they were given");
    let mut answer = [0; 2];
    soon(async {
        AsyncWriteExt::write_all(&mut output, b"hi").await.unwrap();
        AsyncReadExt::read_exact(&mut input, &mut answer).await.unwrap();
    })
    .await;
    assert_eq!(&answer, b"hi");
}

async fn capture(task: &StreamTask, dropped: Dropped) {
    if dropped == Dropped::BeforeResume {
        drop(task.capture_streams());
    }
    task.resume();
    if dropped == Dropped::BeforeResume {
        return;
    }
    done(task.write("", GUARD)).await;
    let operation = task.capture_streams();
    if dropped == Dropped::WhenItIsDone {
        done(task.completion()).await;
    }
    drop(operation);
}

#[tokio::test]
async fn streams_that_are_waited_for_come_without_another_word() {
    let (server, received) = sink();
    let (session, pad, mut heard) = noted(Default::default());
    let task = task_in(&session, &server);
    task.resume();
    let (input, mut output) = done(task.capture_streams()).await;
    done(task.completion()).await;
    assert_eq!((task.state(), kind(task.error())), (TaskState::Completed, None));
    assert_eq!(session.all_tasks(), []);
    assert_eq!(failed(task.read_exact(1, GUARD)).await, ErrorKind::NotConnected);
    task.cancel();
    soon(output.write_all(b"mine")).await.unwrap();
    drop((input, output));
    assert_eq!(soon(received.next()).await, b"mine");
    assert_eq!(heard.so_far(&session, &pad).await, [Said::Created]);
    session.finish_tasks_and_invalidate();
    assert_eq!(heard.next().await, Said::Invalid);
}

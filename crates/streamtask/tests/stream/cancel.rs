//! Cancelling: at any time, from anywhere, once for everybody.

use std::sync::{Arc, Mutex};

use streamtask::{Configuration, DelegateQueue, ErrorKind, Session, StreamTask, TaskState};
use streamtask_testkit::{Server, echo, free_port, half_closer, silent};
use tokio::sync::mpsc::unbounded_channel;

use crate::support::*;

const CANCELLED: Option<ErrorKind> = Some(ErrorKind::Cancelled);

/// Queues operations that nothing will complete, each with a callback; the order is that of cancelling.
fn queue_up(task: &StreamTask, pad: &Pad) -> [&'static str; 7] {
    task.write(pattern(STUCK), GUARD).on_complete(pad.callback("write 1"));
    task.read_exact(10, GUARD).on_complete(pad.callback("read 1"));
    task.write("", GUARD).on_complete(pad.callback("write 2"));
    task.read_until("\n", 10, GUARD).on_complete(pad.callback("read 2"));
    task.write("x", GUARD).on_complete(pad.callback("write 3"));
    task.read_data(1..=1, GUARD).on_complete(pad.callback("read 3"));
    task.capture_streams().on_complete(pad.callback("capture"));
    ["read 1", "read 2", "read 3", "write 1", "write 2", "write 3", "capture"]
}

/// Cancels in some way, and checks who hears of it, and in which order.
async fn check(server: &Server, queue: DelegateQueue, cancel: impl FnOnce(&StreamTask)) {
    let (session, pad, mut heard) = noted(queue);
    let task = task_in(&session, server);
    assert_eq!(heard.next().await, Said::Created);
    let names = queue_up(&task, &pad);
    cancel(&task);
    assert!(matches!(task.state(), TaskState::Canceling | TaskState::Completed));
    let late = [task.read_exact(1, GUARD), task.read_exact(0, GUARD)];
    for name in names {
        assert_eq!(heard.next().await, Said::Done(name, CANCELLED));
    }
    assert_eq!(heard.next().await, Said::Completed(CANCELLED));
    for late in late {
        assert_eq!(failed(late).await, ErrorKind::Cancelled);
    }
    assert_eq!(failed(task.completion()).await, ErrorKind::Cancelled);
    assert_eq!(failed(task.write("late", GUARD)).await, ErrorKind::Cancelled);
    assert_eq!(task.state(), TaskState::Completed);
    assert_eq!(task.error().map(|error| error.code()), Some(-999));
    task.cancel();
    task.resume();
    assert_eq!(task.state(), TaskState::Completed);
    assert_eq!(heard.so_far(&session, &pad).await, []);
}

#[tokio::test]
async fn a_task_that_was_never_resumed_is_cancelled() {
    let server = silent();
    for queue in queues() {
        check(&server, queue, StreamTask::cancel).await;
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_task_that_is_connecting_is_cancelled() {
    let server = silent();
    for queue in queues() {
        let cancel = |task: &StreamTask| {
            task.resume();
            task.cancel();
        };
        check(&server, queue, cancel).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_task_is_cancelled_from_another_thread() {
    let server = silent();
    for queue in queues() {
        let cancel = |task: &StreamTask| {
            task.resume();
            let task = task.clone();
            let begun = std::time::Instant::now();
            let cancelling = std::thread::spawn(move || {
                // On the way: its first write has begun.
                while task.bytes_sent() == 0 && begun.elapsed() < GUARD {
                    std::thread::yield_now();
                }
                assert_ne!(task.bytes_sent(), 0);
                task.cancel();
            });
            tokio::task::block_in_place(|| cancelling.join()).expect("it cancels");
        };
        check(&server, queue, cancel).await;
    }
}

#[tokio::test]
async fn a_suspended_task_is_cancelled() {
    let server = silent();
    for queue in queues() {
        let cancel = |task: &StreamTask| {
            task.resume();
            task.suspend();
            task.suspend();
            task.cancel();
            task.cancel();
        };
        check(&server, queue, cancel).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connected_task_that_is_cancelled_closes_its_connection() {
    let (server, received) = streamtask_testkit::sink();
    let task = resumed(&server);
    done(task.write("some", GUARD)).await;
    let mut parked = task.read_exact(1, GUARD);
    assert!(is_pending(&mut parked).await);
    task.suspend();
    task.cancel();
    assert_eq!(failed(parked).await, ErrorKind::Cancelled);
    assert_eq!(soon(received.next()).await, b"some");
}

#[tokio::test]
async fn cancelling_after_the_end_changes_nothing() {
    let server = half_closer();
    let (session, pad, mut heard) = noted(Default::default());
    let task = task_in(&session, &server);
    task.resume();
    task.close_write();
    assert!(done(task.read_data(1..=1, GUARD)).await.at_eof);
    done(task.completion()).await;
    task.cancel();
    heard.up_to(Said::Completed(None)).await;
    assert_eq!(heard.so_far(&session, &pad).await, []);
    assert_eq!((task.state(), kind(task.error())), (TaskState::Completed, None));
    done(task.completion()).await;
}

#[tokio::test]
async fn a_cancelled_task_is_canceling_until_its_delegate_has_heard() {
    let (sender, mut jobs) = unbounded_channel();
    let queue = DelegateQueue::executor(move |job| drop(sender.send(job)));
    let (session, _pad, mut heard) = noted(queue);
    let task = task_in(&session, &echo());
    assert_eq!(heard.next().await, Said::Created);
    task.cancel();
    assert_eq!(task.state(), TaskState::Canceling);
    assert_eq!(session.all_tasks(), []);
    let job = soon(jobs.recv()).await.expect("the queue gets a job");
    assert_eq!(task.state(), TaskState::Canceling);
    job();
    assert_eq!(heard.next().await, Said::Completed(CANCELLED));
    assert_eq!(task.state(), TaskState::Completed);
}

/// Where [`cancel_from_inside`] cancels.
const PLACES: [Said; 7] = [
    Said::Created,
    Said::WriteClosed,
    Said::ReadClosed,
    Said::Completed(None),
    Said::Done("write", None),
    Said::Done("read", None),
    Said::Done("end", None),
];

#[tokio::test(flavor = "multi_thread")]
async fn any_callback_may_cancel() {
    for queue in queues() {
        for place in PLACES {
            soon(cancel_from_inside(place, queue.clone())).await;
        }
    }
}

async fn cancel_from_inside(place: Said, queue: DelegateQueue) {
    let server = half_closer();
    let (notes, mut heard) = notes();
    let pad = notes.pad.clone();
    let notes = notes.and(move |said, task| {
        if said == place {
            task.cancel();
        }
    });
    let session = Session::with_delegate(Configuration::default(), notes, queue).unwrap();
    let task = task_in(&session, &server);
    /// A callback that writes down and, perhaps, cancels.
    fn note<T>(
        name: &'static str,
        place: Said,
        pad: &Pad,
        task: &StreamTask,
    ) -> impl FnOnce(Result<T, streamtask::Error>) + Send + 'static {
        let (write_down, task) = (pad.callback(name), task.clone());
        move |result| {
            if place == Said::Done(name, None) {
                task.cancel();
            }
            write_down(result);
        }
    }
    task.write("x", GUARD).on_complete(note("write", place, &pad, &task));
    task.read_exact(1, GUARD).on_complete(note("read", place, &pad, &task));
    task.read_exact(1, GUARD).on_complete(note("end", place, &pad, &task));
    task.close_write();
    task.resume();
    let _ = task.completion().await;
    let is_end = |said: &&Said| matches!(said, Said::Completed(_));
    let is_done = |said: &&Said| matches!(said, Said::Done(..));
    let mut all = Vec::new();
    while !all.iter().any(|said| is_end(&said)) || all.iter().filter(is_done).count() < 3 {
        all.push(heard.next().await);
    }
    all.extend(heard.so_far(&session, &pad).await);
    assert_eq!(all.iter().filter(is_end).count(), 1, "{place:?}: {all:?}");
    for name in ["write", "read", "end"] {
        let is_it = |said: &&Said| matches!(said, Said::Done(done, _) if *done == name);
        assert_eq!(all.iter().filter(is_it).count(), 1, "{place:?}: {all:?}");
    }
    match place {
        // Over before anything was queued: what was answered later came later.
        Said::Created => assert_eq!(all[1], Said::Completed(CANCELLED)),
        _ => assert!(matches!(all.last(), Some(Said::Completed(_))), "{place:?}: {all:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_while_connecting_fails_tells_everybody_once() {
    let port = free_port();
    for round in 0..200 {
        let (session, pad, mut heard) = noted(Default::default());
        let task = session.stream_task("127.0.0.1", port).unwrap();
        task.read_exact(1, GUARD).on_complete(pad.callback("read"));
        task.write("x", GUARD).on_complete(pad.callback("write"));
        task.resume();
        let other = task.clone();
        let cancelling = std::thread::spawn(move || {
            (0..round).for_each(|_| std::thread::yield_now());
            other.cancel();
        });
        let kind = failed(task.completion()).await;
        assert!(matches!(kind, ErrorKind::Cancelled | ErrorKind::CannotConnect), "{kind:?}");
        let end = Said::Completed(Some(kind));
        let all =
            [Said::Created, Said::Done("read", Some(kind)), Said::Done("write", Some(kind)), end];
        assert_eq!(heard.up_to(end).await, all);
        cancelling.join().expect("it cancels");
        assert_eq!(heard.so_far(&session, &pad).await, []);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operation_that_completes_while_the_task_is_cancelled_keeps_its_result() {
    let server = echo();
    let results = Arc::new(Mutex::new(Vec::new()));
    for _ in 0..100 {
        let task = resumed(&server);
        done(task.write("x", GUARD)).await;
        let read = task.read_exact(1, GUARD);
        let other = task.clone();
        let cancelling = tokio::spawn(async move { other.cancel() });
        let result = soon(read).await;
        soon(cancelling).await.expect("it cancels");
        assert_eq!(failed(task.completion()).await, ErrorKind::Cancelled);
        // Either the byte or the cancellation, and the count agrees.
        assert_eq!(task.bytes_received(), u64::from(result.is_ok()));
        results.lock().unwrap().push(result.map(|read| read.data).map_err(|error| error.kind()));
    }
    for result in results.lock().unwrap().iter() {
        assert!(matches!(result, Ok(data) if data == "x") || *result == Err(ErrorKind::Cancelled));
    }
}

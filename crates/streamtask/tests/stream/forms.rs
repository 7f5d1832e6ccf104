//! The forms of an operation: awaited, waited for, called back, held and not polled.

use std::sync::{Arc, mpsc};

use streamtask::{Error, ReadData, StreamTask, Timeout};
use streamtask_testkit::{Server, echo, half_closer};
use tokio::sync::{Notify, oneshot};
use tokio::task::{JoinHandle, yield_now};

use crate::support::*;

async fn exchange(task: &StreamTask) {
    for line in ["one\n", "two\n"] {
        done(task.write(line, GUARD)).await;
        assert_eq!(text(&done(task.read_until("\n", 64, GUARD)).await), line);
    }
}

#[tokio::test]
async fn operations_are_awaited_on_a_runtime_with_one_thread() {
    exchange(&resumed(&echo())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_are_awaited_on_a_runtime_with_threads() {
    let server = echo();
    let tasks = (0..8).map(|_| resumed(&server));
    let exchanges: Vec<_> =
        tasks.map(|task| tokio::spawn(async move { exchange(&task).await })).collect();
    for exchange in exchanges {
        soon(exchange).await.expect("it goes well");
    }
}

#[test]
fn operations_are_waited_for_without_any_runtime() {
    within(|| {
        let server = half_closer();
        let task = resumed(&server);
        let read = task.read_exact(4, GUARD);
        task.write("ping", GUARD).wait().expect("it is written");
        task.close_write();
        assert_eq!(text(&read.wait().expect("it is read")), "ping");
        assert!(task.read_data(1..=1, GUARD).wait().expect("it has ended").at_eof);
        task.completion().wait().expect("it ends well");
        server.finish();
    });
}

#[test]
fn a_task_resumed_without_a_runtime_can_be_awaited_in_one() {
    let server = echo();
    let task = resumed(&server);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(exchange(&task));
}

#[test]
fn a_task_ends_with_the_runtime_that_runs_it() {
    let server = echo();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let task = task_in(&session(), &server);
    let read = task.read_exact(1, Timeout::NEVER);
    runtime.block_on(async {
        task.resume();
        done(task.write("", GUARD)).await;
    });
    drop(runtime);
    within(move || {
        assert!(read.wait().expect_err("nobody runs it").is_cancelled());
        assert!(task.completion().wait().expect_err("nobody runs it").is_cancelled());
    });
}

#[tokio::test]
async fn callbacks_come_in_the_order_of_their_lane_and_never_inside_the_call() {
    for queue in [streamtask::DelegateQueue::serial(), queues()[2].clone()] {
        let (session, pad, mut heard) = noted(queue);
        let server = echo();
        let task = task_in(&session, &server);
        assert_eq!(heard.next().await, Said::Created);
        task.resume();
        let here = std::thread::current().id();
        let names = ["a", "b", "c", "d", "e", "f", "g", "h"];
        for name in names {
            drop(task.write(name, GUARD));
            let note = pad.callback(name);
            task.read_exact(1, GUARD).on_complete(move |read: Result<ReadData, Error>| {
                assert_ne!(std::thread::current().id(), here);
                assert_eq!(text(read.as_ref().expect("it is read")), name);
                note(read);
            });
        }
        for name in names {
            assert_eq!(heard.next().await, Said::Done(name, None));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn all_forms_mix_on_one_task() {
    let server = echo();
    let (session, pad, mut heard) = noted(Default::default());
    let task = task_in(&session, &server);
    task.resume();
    let called = task.read_exact(1, GUARD);
    let waited = task.read_exact(1, GUARD);
    let awaited = task.read_exact(1, GUARD);
    called.on_complete(pad.callback("read"));
    let waiting = tokio::task::spawn_blocking(move || waited.wait());
    let writing = task.clone();
    tokio::task::spawn_blocking(move || writing.write("a", GUARD).wait()).await.unwrap().unwrap();
    task.write("b", GUARD).on_complete(pad.callback("write"));
    done(task.write("c", GUARD)).await;
    assert_eq!(text(&done(awaited).await), "c");
    assert_eq!(text(&soon(waiting).await.unwrap().unwrap()), "b");
    let mut all = [heard.next().await, heard.next().await, heard.next().await];
    all[1..].sort_by_key(|said| matches!(said, Said::Done("write", _)));
    assert_eq!(all, [Said::Created, Said::Done("read", None), Said::Done("write", None)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_and_a_writer_in_tasks_of_their_own_miss_no_wake_up() {
    let server = echo();
    let task = resumed(&server);
    let all = pattern(4 << 20);
    let (writing, sent) = (task.clone(), all.clone());
    let writer = tokio::spawn(async move {
        for piece in sent.chunks(10_000) {
            // Some are polled to their end, some once, some never.
            let mut write = writing.write(piece.to_vec(), GUARD);
            match piece[0] % 3 {
                0 => done(write).await,
                1 => drop(is_pending(&mut write).await),
                _ => {}
            }
        }
        writing.close_write();
    });
    let reader = tokio::spawn(async move {
        let mut bytes = Vec::new();
        loop {
            let dropped = task.read_data(1..=20_000, GUARD);
            yield_now().await;
            drop(dropped);
            let read = done(task.read_data(1..=5_000, GUARD)).await;
            bytes.extend_from_slice(&read.data);
            if read.at_eof {
                return bytes;
            }
        }
    });
    soon(writer).await.expect("it writes");
    assert!(soon(reader).await.expect("it reads") == all);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_is_held_and_never_polled_holds_nothing_else_up() {
    let server = echo();
    let task = resumed(&server);
    let held = task.read_exact(1, GUARD);
    done(task.write("abc", GUARD)).await;
    assert_eq!(text(&done(task.read_exact(2, GUARD)).await), "bc");
    done(task.write("more", GUARD)).await;
    assert_eq!(text(&done(task.read_exact(4, GUARD)).await), "more");
    assert_eq!(text(&done(held).await), "a");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_goes_on_whether_it_is_polled_or_not() {
    let server = echo();
    let task = resumed(&server);
    done(task.write("abc", GUARD)).await;
    let held = task.read_exact(3, GUARD);
    until(|| task.bytes_received() == 3).await;
    assert_eq!(text(&done(held).await), "abc");
    let late = task.read_exact(1, SHORT);
    outlive(3 * SHORT).await;
    // Its time is over, so the byte is for the next one.
    let next = task.read_exact(1, GUARD);
    done(task.write("d", GUARD)).await;
    assert_eq!(text(&done(next).await), "d");
    assert!(soon(late).await.expect_err("it is late").is_timeout());
}

/// Holds an operation that was polled once, in a task that waits for something else.
#[expect(clippy::async_yields_async, reason = "what was held comes back as it is")]
async fn hold<F: Future + Unpin + Send + 'static>(mut future: F) -> impl FnOnce() -> JoinHandle<F> {
    let (release, released) = oneshot::channel::<()>();
    let (begun, began) = oneshot::channel();
    let holding = tokio::spawn(async move {
        assert!(is_pending(&mut future).await);
        let _ = begun.send(());
        let _ = released.await;
        future
    });
    soon(began).await.expect("it was polled");
    move || {
        drop(release);
        holding
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_polled_once_and_is_held_goes_on() {
    let (go, (sender, received)) = (Arc::new(Notify::new()), oneshot::channel());
    let (told, sender) = (go.clone(), Arc::new(std::sync::Mutex::new(Some(sender))));
    let server = Server::start(move |mut conn| {
        let (told, sender) = (told.clone(), sender.lock().unwrap().take());
        async move {
            // Until it is held nobody reads, or it might be done before.
            told.notified().await;
            let heard = conn.read_to_end().await?;
            sender.expect("one connection").send(heard).expect("the test listens");
            Ok(())
        }
    });
    let (session, _pad, _heard) = noted(Default::default());
    let task = task_in(&session, &server);
    task.resume();
    done(task.write("", GUARD)).await;
    let release = hold(task.write(pattern(STUCK), GUARD)).await;
    task.close_write();
    // Nobody polls anything now.
    go.notify_one();
    assert!(soon(received).await.expect("all of it") == pattern(STUCK));
    done(soon(release()).await.expect("it was held")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_read_that_was_polled_once_and_is_held_does_not_hold_a_barrier_up() {
    let go = Arc::new(Notify::new());
    let told = go.clone();
    let server = Server::start(move |mut conn| {
        let told = told.clone();
        async move {
            told.notified().await;
            conn.write("abc").await?;
            conn.wait_closed().await.map(drop)
        }
    });
    let task = resumed(&server);
    done(task.write("", GUARD)).await;
    let release = hold(task.read_exact(3, GUARD)).await;
    let mut capture = task.capture_streams();
    assert!(is_pending(&mut capture).await);
    // It waits for the read, which waits for bytes that its own holder does not poll for.
    go.notify_one();
    done(capture).await;
    assert_eq!(text(&done(soon(release()).await.expect("it was held")).await), "abc");
}

#[test]
fn many_threads_wait_on_one_task() {
    within(|| {
        let server = echo();
        let task = resumed(&server);
        let (sender, bytes) = mpsc::channel();
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (task, sender) = (task.clone(), sender.clone());
                std::thread::spawn(move || {
                    for _ in 0..50 {
                        task.write("x", GUARD).wait().expect("it is written");
                        let read = task.read_exact(1, GUARD).wait().expect("it is read");
                        sender.send(read.data).expect("the test listens");
                    }
                })
            })
            .collect();
        drop(sender);
        assert_eq!(bytes.iter().filter(|data| data == "x").count(), 400);
        for thread in threads {
            thread.join().expect("it goes well");
        }
    });
}

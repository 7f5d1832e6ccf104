//! `wait` and its kin on every kind of thread: where waiting works, and where it says that it cannot.

use std::io::{Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};

use streamtask::{Duplex, StreamTask};
use streamtask_testkit::{echo, silent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{LocalSet, spawn_blocking};

use crate::support::*;

fn single() -> Runtime {
    Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// A runtime whose only worker has to be lent out whenever somebody waits on it.
fn with_one_worker() -> Runtime {
    Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}

async fn captured(task: StreamTask) -> Duplex {
    let (input, output) = done(task.capture_streams()).await;
    input.join(output).expect("halves of one connection")
}

/// What a call says when it panics instead of waiting.
fn refusal<T>(call: impl FnOnce() -> T) -> String {
    let panic = catch_unwind(AssertUnwindSafe(call)).err().expect("it does not wait");
    panic
        .downcast_ref::<String>()
        .cloned()
        .or_else(|| panic.downcast_ref().map(|s: &&str| s.to_string()))
        .expect("it has words")
}

/// Tries everything that waits, and holds what it says.
async fn all_refuse_to_wait() {
    let server = echo();
    let task = resumed(&server);
    let mut streams = captured(resumed(&server)).await.into_blocking();
    let words = [
        refusal(|| task.read_exact(4, GUARD).wait()),
        refusal(|| task.write("ping", GUARD).wait()),
        refusal(|| task.completion().wait()),
        refusal(|| streams.read(&mut [0])),
        refusal(|| streams.write(b"x")),
        refusal(|| streams.shutdown()),
    ];
    for said in words {
        assert!(said.contains(".await it") && said.contains("spawn_blocking"), "{said}");
    }
    // The write stands, the read was taken back.
    assert_eq!(text(&done(task.read_exact(4, GUARD)).await), "ping");
}

/// Everything that waits, on a thread where it may.
fn all_wait(task: StreamTask, streams: Duplex) {
    let mut streams = streams.into_blocking();
    let read = task.read_exact(4, GUARD);
    task.write("ping", GUARD).wait().expect("it is written");
    assert_eq!(text(&read.wait().expect("it is read")), "ping");
    streams.write_all(b"pong").expect("it is written");
    let mut answer = [0; 4];
    streams.read_exact(&mut answer).expect("it is read");
    assert_eq!(&answer, b"pong");
    streams.shutdown().expect("the sending side ends");
    assert_eq!(streams.read_to_end(&mut Vec::new()).expect("the peer ends too"), 0);
    task.cancel();
    assert!(task.completion().wait().expect_err("it was cancelled").is_cancelled());
}

#[tokio::test]
async fn waiting_on_the_only_thread_of_a_runtime_says_what_to_write_instead() {
    all_refuse_to_wait().await;
}

#[test]
fn waiting_in_a_task_of_a_runtime_with_a_single_thread_says_so_too() {
    within(|| {
        single().block_on(async { tokio::spawn(all_refuse_to_wait()).await }).expect("no panic")
    });
}

#[test]
fn waiting_in_a_local_set_says_so_too_on_both_kinds_of_runtimes() {
    within(|| {
        for runtime in [single(), with_one_worker()] {
            let set = LocalSet::new();
            let local =
                set.run_until(async { tokio::task::spawn_local(all_refuse_to_wait()).await });
            runtime.block_on(local).expect("no panic");
        }
    });
}

#[test]
fn a_wait_that_would_be_over_at_once_is_refused_all_the_same() {
    // Else the mistake would show only when the network is slow.
    within(|| {
        single().block_on(async {
            let task = resumed(&silent());
            task.cancel();
            assert!(refusal(|| task.write("x", GUARD).wait()).contains(".await it"));
        });
    });
}

#[tokio::test]
async fn threads_for_blocking_beside_a_runtime_with_a_single_thread_may_wait() {
    let server = echo();
    let (task, streams) = (resumed(&server), captured(resumed(&server)).await);
    soon(spawn_blocking(|| all_wait(task, streams))).await.expect("no panic");
}

#[test]
fn threads_for_blocking_beside_a_local_set_may_wait() {
    within(|| {
        single().block_on(LocalSet::new().run_until(async {
            let server = echo();
            let (task, streams) = (resumed(&server), captured(resumed(&server)).await);
            soon(spawn_blocking(|| all_wait(task, streams))).await.expect("no panic");
        }));
    });
}

#[test]
fn the_main_future_of_a_runtime_with_threads_may_wait() {
    within(|| {
        with_one_worker().block_on(async {
            let server = echo();
            let (task, streams) = (resumed(&server), captured(resumed(&server)).await);
            all_wait(task, streams);
        });
    });
}

#[test]
fn a_worker_that_waits_lets_the_worker_s_other_tasks_go_on() {
    within(|| {
        with_one_worker().block_on(async {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
            let port = listener.local_addr().expect("an address").port();
            // The peers live on the very worker that waits for them.
            tokio::spawn(async move {
                while let Ok((mut peer, _)) = listener.accept().await {
                    tokio::spawn(async move {
                        let (mut input, mut output) = peer.split();
                        tokio::io::copy(&mut input, &mut output).await
                    });
                }
            });
            let waiting = tokio::spawn(async move {
                let connect = || {
                    let task = session().stream_task("127.0.0.1", port).expect("a task");
                    task.resume();
                    task
                };
                let (input, output) = connect().capture_streams().wait().expect("the streams");
                all_wait(connect(), input.join(output).expect("halves of one connection"));
            });
            soon(waiting).await.expect("no panic");
        });
    });
}

#[test]
fn a_thread_that_only_knows_a_runtime_may_wait() {
    within(|| {
        let (runtime, server) = (with_one_worker(), echo());
        let _known = runtime.enter();
        let (input, output) = resumed(&server).capture_streams().wait().expect("the streams");
        all_wait(resumed(&server), input.join(output).expect("halves of one connection"));
    });
}

#[tokio::test]
async fn captured_streams_still_go_on_after_a_wait_that_was_refused() {
    let server = echo();
    let mut streams = captured(resumed(&server)).await.into_blocking();
    let _ = refusal(|| streams.read(&mut [0]));
    let mut streams = streams.into_inner();
    AsyncWriteExt::write_all(&mut streams, b"ping").await.expect("it is written");
    let mut answer = [0; 4];
    soon(AsyncReadExt::read_exact(&mut streams, &mut answer)).await.expect("it is read");
    assert_eq!(&answer, b"ping");
}

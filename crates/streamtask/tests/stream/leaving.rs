//! How tasks leave their connections: what was written arrives, and what a done read brought is not lost.

use streamtask::{EofKind, ErrorKind, Session, TaskState};
use streamtask_testkit::Server;
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::yield_now;

use crate::layers::{LAYERS, Layer, Signal, configuration};
use crate::support::*;

const UPLOAD: usize = 3 << 20;

/// A peer that greets and is not listened to, and hands out what it got up to the client's clean end.
fn listener(layer: Layer, begin: &Signal) -> (Server, UnboundedReceiver<Vec<u8>>) {
    let (sender, received) = unbounded_channel();
    let begin = begin.clone();
    let server = Server::start(move |mut conn| {
        let (sender, begin) = (sender.clone(), begin.clone());
        async move {
            layer.accept(&mut conn).await?;
            conn.write("220 who is not listened to\r\n").await?;
            begin.wait().await;
            for _ in 0..10 {
                yield_now().await;
            }
            let _ = sender.send(conn.read_to_end().await?);
            Ok(())
        }
    });
    (server, received)
}

async fn secured(layer: Layer, session: &Session, port: u16) -> streamtask::StreamTask {
    let task = session.stream_task("127.0.0.1", port).expect("a task can be made");
    task.resume();
    layer.secure(&task).await;
    task
}

/// The ways to be done with a task that has written.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// The last handle is dropped behind a write that is done.
    Dropped,
    /// The last handle is dropped behind a write that is not.
    DroppedAtOnce,
    Closed,
    /// Half-closed before, for a read that was given up.
    HalfClosed,
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_written_arrives_whichever_way_a_task_ends() {
    let all = pattern(UPLOAD);
    for layer in LAYERS {
        let (begin, session) = (Signal::new(), session_of(configuration()));
        begin.give();
        let (server, mut received) = listener(layer, &begin);
        for round in 0..25 {
            for way in [Way::Dropped, Way::DroppedAtOnce, Way::Closed, Way::HalfClosed] {
                let task = secured(layer, &session, server.port()).await;
                let write = task.write(all.clone(), GUARD);
                match way {
                    Way::Dropped => done(write).await,
                    Way::DroppedAtOnce => drop(write),
                    Way::Closed => {
                        done(write).await;
                        task.close_read();
                        task.close_write();
                        done(task.completion()).await;
                    }
                    Way::HalfClosed => {
                        done(write).await;
                        task.close_write();
                        drop(task.read_exact(1_000, GUARD));
                    }
                }
                drop(task);
                let got = soon(received.recv()).await.expect("the peer has seen the end");
                assert!(got == all, "{layer:?}, {way:?}, {round}: {} bytes", got.len());
            }
        }
        soon(session.lingering()).await;
        server.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_reads_only_when_the_task_is_over_gets_all() {
    let all = pattern(200_000);
    for layer in LAYERS {
        for closes in [false, true] {
            let (begin, session) = (Signal::new(), session_of(configuration()));
            let (server, mut received) = listener(layer, &begin);
            let task = secured(layer, &session, server.port()).await;
            done(task.write(all.clone(), GUARD)).await;
            let completion = task.completion();
            if closes {
                task.close_read();
                task.close_write();
            }
            drop(task);
            // It does not wait for the peer.
            done(completion).await;
            begin.give();
            assert!(soon(received.recv()).await.expect("the end") == all, "{layer:?}, {closes}");
            soon(session.lingering()).await;
            server.finish();
        }
    }
}

#[tokio::test]
async fn cancelling_closes_at_once() {
    for layer in LAYERS {
        let (begin, session) = (Signal::new(), session_of(configuration()));
        let (server, _received) = listener(layer, &begin);
        let task = secured(layer, &session, server.port()).await;
        done(task.write("not read", GUARD)).await;
        task.cancel();
        assert_eq!(failed(task.completion()).await, ErrorKind::Cancelled);
        assert!(!is_pending(&mut session.lingering()).await);
        drop(server);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resets_behind_the_end_of_a_task_harm_nobody() {
    for layer in LAYERS {
        let session = session_of(configuration());
        let server = Server::start(move |mut conn| async move {
            layer.accept(&mut conn).await?;
            let _ = conn.write("greeting").await;
            let _ = conn.read().await;
            conn.reset();
            Ok(())
        });
        for _ in 0..50 {
            let task = secured(layer, &session, server.port()).await;
            // The reset may come before the write has ended.
            let _ = soon(task.write(vec![7; 30_000], GUARD)).await;
        }
        soon(session.lingering()).await;
        server.finish();
    }
}

#[tokio::test]
async fn a_peer_that_does_nothing_is_left_at_the_limit() {
    for layer in LAYERS {
        let session = session_of(configuration().linger(SHORT));
        let begin = Signal::new();
        let (server, _received) = listener(layer, &begin);
        let task = secured(layer, &session, server.port()).await;
        done(task.write(vec![7; 30_000], GUARD)).await;
        let completion = task.completion();
        drop(task);
        done(completion).await;
        soon(session.lingering()).await;
        drop(server);
    }
}

#[tokio::test]
async fn what_comes_behind_a_closed_read_side_cuts_no_write_off() {
    for layer in LAYERS {
        let (go, said) = (Signal::new(), Signal::new());
        let (told, tell) = (go.clone(), said.clone());
        let (sender, mut received) = unbounded_channel();
        let server = Server::start(move |mut conn| {
            let (go, said, sender) = (told.clone(), tell.clone(), sender.clone());
            async move {
                layer.accept(&mut conn).await?;
                go.wait().await;
                conn.write("nobody reads this").await?;
                said.give();
                let _ = sender.send(conn.read_to_end().await?);
                Ok(())
            }
        });
        let task = secured(layer, &session_of(configuration()), server.port()).await;
        task.close_read();
        done(task.write("before ", GUARD)).await;
        go.give();
        soon(said.wait()).await;
        done(task.write("behind", GUARD)).await;
        task.close_write();
        done(task.completion()).await;
        assert_eq!(soon(received.recv()).await.expect("the end"), b"before behind", "{layer:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn no_descriptor_of_a_task_is_left_when_nothing_lingers() {
    alone("leaving::no_descriptor_of_a_task_is_left_when_nothing_lingers", || {
        let count = || std::fs::read_dir("/proc/self/fd").expect("Linux has it").count();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let ((server, _received), session) =
                (streamtask_testkit::sink(), session_of(configuration()));
            let close_some = async || {
                for _ in 0..20 {
                    let task = secured(Layer::Clear, &session, server.port()).await;
                    done(task.write(vec![7; 30_000], GUARD)).await;
                    let completion = task.completion();
                    drop(task);
                    done(completion).await;
                }
                soon(session.lingering()).await;
            };
            close_some().await;
            let before = count();
            close_some().await;
            until(|| count() <= before).await;
        });
    });
}

/// Says this, and then nothing until the client ends.
fn talker(layer: Layer, says: &'static str) -> Server {
    Server::start(move |mut conn| async move {
        layer.accept(&mut conn).await?;
        conn.write(says).await?;
        conn.read_to_end().await.map(drop)
    })
}

#[tokio::test]
async fn a_done_read_that_is_dropped_behind_a_capture_comes_first_in_the_captured_stream() {
    for layer in LAYERS {
        let server = talker(layer, "abcdefghi");
        let task = secured(layer, &session_of(configuration()), server.port()).await;
        let reads = [3, 2].map(|length| task.read_exact(length, GUARD));
        until(|| task.bytes_received() == 5).await;
        let capture = task.capture_streams();
        drop(reads);
        let (mut input, _output) = done(capture).await;
        let mut all = [0; 9];
        soon(input.read_exact(&mut all)).await.expect("it is all there");
        assert_eq!(&all, b"abcdefghi", "{layer:?}");
    }
}

#[tokio::test]
async fn a_captured_stream_that_waits_is_woken_for_what_comes_back() {
    let server = talker(Layer::Clear, "abc");
    let task = secured(Layer::Clear, &session_of(configuration()), server.port()).await;
    let read = task.read_exact(3, GUARD);
    until(|| task.bytes_received() == 3).await;
    let (mut input, _output) = done(task.capture_streams()).await;
    let reading = tokio::spawn(async move {
        let mut all = [0; 3];
        input.read_exact(&mut all).await.map(|_| all)
    });
    yield_now().await;
    drop(read);
    assert_eq!(&soon(reading).await.expect("no panic").expect("it is there"), b"abc");
    assert_eq!(task.state(), TaskState::Completed);
}

#[tokio::test]
async fn bytes_behind_which_the_captured_stream_has_read_are_gone_with_their_read() {
    let server = talker(Layer::Clear, "abcdef");
    let task = secured(Layer::Clear, &session_of(configuration()), server.port()).await;
    let read = task.read_exact(3, GUARD);
    until(|| task.bytes_received() == 3).await;
    let (mut input, output) = done(task.capture_streams()).await;
    let mut one = [0];
    soon(input.read_exact(&mut one)).await.expect("it is there");
    drop(read);
    drop(output);
    let mut rest = Vec::new();
    soon(input.read_to_end(&mut rest)).await.expect("a clean end");
    assert_eq!((&one, &rest[..]), (b"d", &b"ef"[..]));
    assert_eq!(input.eof(), Some(EofKind::Fin));
    drop(server);
}

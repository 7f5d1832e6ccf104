//! Closing captured streams: what was written arrives, whatever lies unread and however late the peer reads.

use std::sync::Arc;

use streamtask::{Configuration, Session, SessionDelegate};
use streamtask_testkit::{Conn, Server, silent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::yield_now;

use crate::layers::{LAYERS, Layer, Signal, configuration, stuff};
use crate::support::*;

const UPLOAD: usize = 3 << 20;

/// A peer that greets and is not listened to, begins to read when it is told to, reads slowly, and hands
/// out what it got up to the client's clean end.
fn listener(layer: Layer, begin: &Signal) -> (Server, UnboundedReceiver<Vec<u8>>) {
    let (sender, received) = unbounded_channel();
    let begin = begin.clone();
    let server = Server::start(move |mut conn| {
        let (sender, begin) = (sender.clone(), begin.clone());
        async move {
            layer.accept(&mut conn).await?;
            conn.write("220 who is not listened to\r\n").await?;
            begin.wait().await;
            let _ = sender.send(slowly(&mut conn).await?);
            Ok(())
        }
    });
    (server, received)
}

async fn slowly(conn: &mut Conn) -> std::io::Result<Vec<u8>> {
    let mut all = Vec::new();
    while all.len() < UPLOAD / 2 {
        match conn.read().await? {
            bytes if bytes.is_empty() => break,
            bytes => all.extend_from_slice(&bytes),
        }
        for _ in 0..10 {
            yield_now().await;
        }
    }
    // This one tells close_notify from a cut.
    all.extend_from_slice(&conn.read_to_end().await?);
    Ok(all)
}

fn session() -> Session {
    session_of(configuration())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_arrives_whole_when_its_streams_are_dropped_right_behind_it() {
    let all = pattern(UPLOAD);
    for layer in LAYERS {
        let (begin, session) = (Signal::new(), session());
        begin.give();
        let (server, mut received) = listener(layer, &begin);
        for round in 0..100 {
            let mut streams = layer.captured(&session, server.port()).await;
            soon(streams.write_all(&all)).await.expect("it is written");
            if round % 2 == 1 {
                soon(AsyncWriteExt::shutdown(&mut streams)).await.expect("it ends");
            }
            drop(streams);
            let got = soon(received.recv()).await.expect("the peer has seen the end");
            assert!(got == all, "{layer:?}, {round}: {} bytes, right or not", got.len());
        }
        soon(session.lingering()).await;
        server.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_reads_only_when_all_is_dropped_gets_all_that_was_taken() {
    for layer in LAYERS {
        for _ in 0..10 {
            let (begin, session) = (Signal::new(), session());
            let (server, mut received) = listener(layer, &begin);
            let mut streams = layer.captured(&session, server.port()).await;
            // Under TLS a part of it is still ours then: the socket has no room for it.
            let count = stuff(&mut streams);
            drop(streams);
            begin.give();
            let got = soon(received.recv()).await.expect("the peer has seen the end");
            assert_eq!(got.len(), count, "{layer:?}");
            soon(session.lingering()).await;
            server.finish();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_end_leaves_with_the_output_alone_whether_anybody_reads_or_not() {
    for layer in LAYERS {
        let (begin, session) = (Signal::new(), session());
        let (server, mut received) = listener(layer, &begin);
        let mut streams = layer.captured(&session, server.port()).await;
        let count = stuff(&mut streams);
        let (mut input, output) = streams.split();
        drop(output);
        begin.give();
        let got = soon(received.recv()).await.expect("the peer has seen the end");
        assert_eq!(got.len(), count, "{layer:?}");
        let mut greeting = String::new();
        let mut line = [0; 28];
        soon(AsyncReadExt::read_exact(&mut input, &mut line))
            .await
            .expect("it was not thrown away");
        greeting.push_str(std::str::from_utf8(&line).expect("text"));
        assert_eq!(greeting, "220 who is not listened to\r\n");
        drop(input);
        soon(session.lingering()).await;
        server.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn dropping_the_input_first_cuts_nothing_off() {
    for layer in LAYERS {
        let (begin, session) = (Signal::new(), session());
        let (server, mut received) = listener(layer, &begin);
        let mut streams = layer.captured(&session, server.port()).await;
        let count = stuff(&mut streams);
        let (input, output) = streams.split();
        drop(input);
        drop(output);
        begin.give();
        let got = soon(received.recv()).await.expect("the peer has seen the end");
        assert_eq!(got.len(), count, "{layer:?}");
        soon(session.lingering()).await;
        server.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_answers_before_it_reads_on_is_heard_out() {
    for layer in LAYERS {
        let session = session();
        let (sender, mut received) = unbounded_channel();
        let server = Server::start(move |mut conn| {
            let sender = sender.clone();
            async move {
                layer.accept(&mut conn).await?;
                let mut count = 0;
                loop {
                    let bytes = conn.read().await?;
                    if bytes.is_empty() {
                        break;
                    }
                    count += bytes.len();
                    conn.write([&bytes[..], &bytes[..]].concat()).await?;
                }
                let _ = sender.send(count);
                Ok(())
            }
        });
        let mut streams = layer.captured(&session, server.port()).await;
        let count = stuff(&mut streams);
        drop(streams);
        assert_eq!(soon(received.recv()).await, Some(count), "{layer:?}");
        soon(session.lingering()).await;
        server.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn resets_while_closing_harm_nobody() {
    for layer in LAYERS {
        let session = session();
        let server = Server::start(move |mut conn| async move {
            layer.accept(&mut conn).await?;
            let _ = conn.write("greeting").await;
            let _ = conn.read().await;
            conn.reset();
            Ok(())
        });
        for _ in 0..50 {
            let mut streams = layer.captured(&session, server.port()).await;
            soon(streams.write_all(&[7; 30_000])).await.expect("the socket takes it");
            drop(streams);
        }
        soon(session.lingering()).await;
        server.finish();
    }
}

#[tokio::test]
async fn a_peer_that_does_nothing_is_waited_for_as_long_as_configured_and_no_longer() {
    for layer in LAYERS {
        let session = session_of(configuration().linger(SHORT));
        let server = Server::start(move |mut conn| async move {
            layer.accept(&mut conn).await?;
            conn.wait_finish().await;
            Ok(())
        });
        let mut streams = layer.captured(&session, server.port()).await;
        stuff(&mut streams);
        drop(streams);
        let mut lingering = session.lingering();
        assert!(is_pending(&mut lingering).await);
        soon(lingering).await;
    }
}

#[tokio::test]
async fn nothing_of_the_session_is_held_by_what_lingers() {
    struct Delegate(#[allow(dead_code)] Arc<()>);
    impl SessionDelegate for Delegate {}
    let held = Arc::new(());
    let server = silent();
    let delegate = Delegate(held.clone());
    let session = Session::with_delegate(Configuration::default(), delegate, Default::default());
    let session = session.expect("the configuration makes sense");
    let mut streams = Layer::Clear.captured(&session, server.port()).await;
    stuff(&mut streams);
    drop(streams);
    let mut lingering = session.lingering();
    assert!(is_pending(&mut lingering).await);
    drop(session);
    until(|| Arc::strong_count(&held) == 1).await;
    assert!(is_pending(&mut lingering).await);
    drop(server);
    soon(lingering).await;
}

#[test]
fn lingering_is_waited_for_without_a_runtime_too() {
    within(|| {
        let (session, server) = (session_of(Configuration::default().linger(SHORT)), silent());
        session.lingering().wait();
        let task = task_in(&session, &server);
        task.resume();
        let (_, output) = task.capture_streams().wait().expect("the streams");
        let mut output = output.into_blocking();
        std::io::Write::write_all(&mut output, b"unread").expect("the socket takes it");
        drop(output);
        session.lingering().wait();
    });
}

#[test]
#[cfg(target_os = "linux")]
fn no_descriptor_is_left_when_nothing_lingers() {
    alone("closing::no_descriptor_is_left_when_nothing_lingers", || {
        let count = || std::fs::read_dir("/proc/self/fd").expect("Linux has it").count();
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(async {
            let (server, session) =
                (streamtask_testkit::resetter(), session_of(configuration().linger(SHORT)));
            let quiet = silent();
            let close_some = async || {
                for port in [server.port(), quiet.port()].repeat(20) {
                    let mut streams = Layer::Clear.captured(&session, port).await;
                    let _ = streams.write_all(&[7; 30_000]).await;
                    drop(streams);
                }
                soon(session.lingering()).await;
            };
            close_some().await;
            let (before, theirs) = (count(), quiet.connections());
            close_some().await;
            // The quiet server is in this process too, and keeps its ends.
            let kept = quiet.connections() - theirs;
            until(|| count() <= before + kept).await;
        });
    });
}

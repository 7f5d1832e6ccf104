//! Captured streams while they live: two halves at once, resets, broken TLS, and whose code runs where.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use streamtask::{InputStream, OutputStream, StreamStatus};
use streamtask_testkit::{Conn, Server, echo};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::sync::watch;

use crate::layers::{LAYERS, Layer, Signal, configuration, stuff};
use crate::support::*;

async fn halves(layer: Layer, server: &Server) -> (InputStream, OutputStream) {
    layer.captured(&session_of(configuration()), server.port()).await.split()
}

/// Everything up to the end, and how it ended.
async fn read_all(input: &mut InputStream) -> (Vec<u8>, io::Result<usize>) {
    let mut all = Vec::new();
    let end = soon(input.read_to_end(&mut all)).await;
    (all, end)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_does_not_take_the_writers_place() {
    const LENGTH: usize = 10 << 20;
    for layer in LAYERS {
        let server = Server::start(move |mut conn| async move {
            layer.accept(&mut conn).await?;
            loop {
                let bytes = conn.read().await?;
                if bytes.is_empty() {
                    return conn.half_close().await;
                }
                conn.write(bytes).await?;
            }
        });
        for _ in 0..3 {
            let (mut input, mut output) = halves(layer, &server).await;
            let writing = tokio::spawn(async move {
                output.write_all(&pattern(LENGTH)).await.expect("it is written");
                output.shutdown().await.expect("it ends");
            });
            let (all, end) = read_all(&mut input).await;
            assert!(all == pattern(LENGTH), "{layer:?}: {} bytes, {end:?}", all.len());
            soon(writing).await.expect("no panic");
        }
        server.finish();
    }
}

#[tokio::test]
async fn what_was_written_and_not_flushed_leaves_while_somebody_reads() {
    let orders = LAYERS.into_iter().flat_map(|layer| [(layer, false), (layer, true)]);
    for (layer, reads_first) in orders {
        let (tell, told) = watch::channel(0);
        let server = Server::start(move |mut conn| {
            let mut told = told.clone();
            async move {
                layer.accept(&mut conn).await?;
                let count = *told.wait_for(|count| *count > 0).await.expect("it is told");
                conn.read_exact(count).await?;
                conn.write("answer").await
            }
        });
        let (mut input, mut output) = halves(layer, &server).await;
        let mut answer = [0; 6];
        let mut reading = Box::pin(input.read_exact(&mut answer));
        if reads_first {
            assert!(is_pending(&mut reading).await);
        }
        tell.send_replace(stuff(&mut output));
        soon(reading).await.expect("it comes");
        assert_eq!(&answer, b"answer", "{layer:?}");
    }
}

/// Sends one byte, and resets when something lies unread that is to destroy the end.
async fn say_and_reset(mut conn: Conn, layer: Layer, go: Signal) -> io::Result<()> {
    layer.accept(&mut conn).await?;
    conn.write("x").await?;
    go.wait().await;
    conn.reset();
    Ok(())
}

/// Writes until the reset is known.
async fn write_until_it_fails(output: &mut OutputStream) -> io::ErrorKind {
    soon(async {
        loop {
            if let Err(error) = output.write_all(&[7; 40_000]).await {
                return error.kind();
            }
            tokio::task::yield_now().await;
        }
    })
    .await
}

#[tokio::test]
async fn behind_a_reset_there_is_no_clean_end_for_anybody() {
    for layer in LAYERS {
        let go = Signal::new();
        let theirs = go.clone();
        let server = Server::start(move |conn| say_and_reset(conn, layer, theirs.clone()));
        let (mut input, mut output) = halves(layer, &server).await;
        go.give();
        // The failed write takes the socket's error with it.
        assert_eq!(write_until_it_fails(&mut output).await, io::ErrorKind::ConnectionReset);
        assert_eq!(output.status(), StreamStatus::Error);
        let (all, end) = read_all(&mut input).await;
        // What had come is there where the system keeps it.
        assert!(all == b"x" || (all.is_empty() && !cfg!(target_os = "linux")), "{all:?}");
        assert_eq!(end.expect_err("no end").kind(), io::ErrorKind::ConnectionReset, "{layer:?}");
        for _ in 0..3 {
            let again = soon(input.read(&mut [0])).await.expect_err("still no end");
            assert_eq!(again.kind(), io::ErrorKind::ConnectionReset);
        }
        assert_eq!((input.status(), input.eof()), (StreamStatus::Error, None));
    }
}

#[tokio::test]
async fn a_reset_that_the_reader_sees_first_stays_one() {
    for (layer, is_stuck) in LAYERS.into_iter().flat_map(|layer| [(layer, false), (layer, true)]) {
        let go = Signal::new();
        let theirs = go.clone();
        let server = Server::start(move |conn| say_and_reset(conn, layer, theirs.clone()));
        let (mut input, mut output) = halves(layer, &server).await;
        if is_stuck {
            // Under TLS something is left to send then, and that fails inside of a read.
            stuff(&mut output);
        }
        go.give();
        let (all, end) = read_all(&mut input).await;
        assert!(all == b"x" || (all.is_empty() && !cfg!(target_os = "linux")), "{all:?}");
        assert_eq!(end.expect_err("no end").kind(), io::ErrorKind::ConnectionReset, "{layer:?}");
        for _ in 0..3 {
            let again = soon(input.read(&mut [0])).await.expect_err("still no end");
            assert_eq!(again.kind(), io::ErrorKind::ConnectionReset);
        }
    }
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn an_end_that_came_before_the_pipe_broke_stays_clean() {
    for layer in LAYERS {
        let server = Server::start(move |mut conn| async move {
            layer.accept(&mut conn).await?;
            conn.write("bye").await?;
            conn.half_close().await
        });
        let (mut input, mut output) = halves(layer, &server).await;
        server.finish();
        assert_eq!(write_until_it_fails(&mut output).await, io::ErrorKind::BrokenPipe);
        let (all, end) = read_all(&mut input).await;
        assert_eq!((&all[..], end.expect("a clean end")), (&b"bye"[..], 3), "{layer:?}");
        assert_eq!(input.status(), StreamStatus::AtEnd);
    }
}

#[tokio::test]
async fn what_came_before_a_broken_record_is_read_before_the_error_which_stays() {
    for layer in &LAYERS[1..] {
        let go = Signal::new();
        let told = go.clone();
        let server = Server::start(move |mut conn| {
            let go = told.clone();
            async move {
                layer.accept(&mut conn).await?;
                go.wait().await;
                conn.hold();
                conn.write("whole").await?;
                conn.write_raw(b"\x17\x03\x03\x00\x20no record that anybody could open").await?;
                conn.release().await?;
                // The alert comes behind it.
                let alert = conn.read_to_end().await.expect_err("no clean end").to_string();
                assert!(alert.contains("alert"), "{alert}");
                Ok(())
            }
        });
        let (mut input, output) = halves(*layer, &server).await;
        go.give();
        let (all, end) = read_all(&mut input).await;
        assert_eq!(all, b"whole", "{layer:?}");
        let kind = end.expect_err("an error").kind();
        for _ in 0..3 {
            assert_eq!(soon(input.read(&mut [0])).await.expect_err("an error").kind(), kind);
        }
        assert_eq!(input.status(), StreamStatus::Error);
        drop((input, output));
        tokio::task::spawn_blocking(move || server.finish()).await.expect("it heard the alert");
    }
}

/// A waker that uses the streams whenever it is woken or dropped.
struct Nosy {
    input: Arc<InputStream>,
    wakes: Arc<AtomicUsize>,
}

impl Wake for Nosy {
    fn wake(self: Arc<Self>) {
        let _ = self.input.status();
        self.wakes.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Nosy {
    fn drop(&mut self) {
        let _ = self.input.available();
    }
}

#[test]
fn wakers_are_woken_and_dropped_where_they_may_use_the_streams() {
    within(|| {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        let go = Signal::new();
        let told = go.clone();
        let server = Server::start(move |mut conn| {
            let go = told.clone();
            async move {
                go.wait().await;
                conn.wait_closed().await.map(drop)
            }
        });
        let (input, mut output) = runtime.block_on(halves(Layer::Clear, &server));
        let (input, wakes) = (Arc::new(input), Arc::new(AtomicUsize::new(0)));
        let waker = || Waker::from(Arc::new(Nosy { input: input.clone(), wakes: wakes.clone() }));
        let mut write = |waker: Waker| {
            let mut cx = Context::from_waker(&waker);
            AsyncWrite::poll_write(Pin::new(&mut output), &mut cx, &[b'!'; 40_000])
        };
        while write(waker()).is_ready() {}
        // Each takes the place of the one before, which is dropped.
        for _ in 0..10 {
            assert!(write(waker()).is_pending());
        }
        go.give();
        while wakes.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        assert_eq!(wakes.load(Ordering::SeqCst), 1, "the last one, once");
        assert!(write(waker()).is_ready());
    });
}

#[tokio::test]
async fn a_reader_that_always_finds_something_lets_others_have_their_turn() {
    let server = Server::start(|mut conn| async move {
        while conn.write(vec![7; 256 << 10]).await.is_ok() {}
        Ok(())
    });
    let (mut input, _output) = halves(Layer::Clear, &server).await;
    let others = Arc::new(AtomicUsize::new(0));
    let counted = others.clone();
    let other = tokio::spawn(async move {
        loop {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    let mut count = 0;
    poll_fn(|cx| {
        let mut memory = [0; 64 << 10];
        while count < 512 << 20 {
            let mut into = ReadBuf::new(&mut memory);
            match AsyncRead::poll_read(Pin::new(&mut input), cx, &mut into) {
                Poll::Ready(read) => read.expect("it reads"),
                Poll::Pending => return Poll::Pending,
            }
            count += into.filled().len();
        }
        Poll::Ready(())
    })
    .await;
    assert!(others.load(Ordering::Relaxed) > 10, "it is {others:?}");
    other.abort();
}

#[tokio::test]
async fn the_traits_of_futures_io_stand_beside_tokios() {
    use futures_util::io::{AsyncReadExt, AsyncWriteExt};
    let server = echo();
    let (input, output) = done(resumed(&server).capture_streams()).await;
    let (mut input, mut output) = (input.compat(), output.compat());
    let talk = async {
        output.write_all(b"ping").await?;
        output.flush().await?;
        let mut answer = [0; 4];
        input.read_exact(&mut answer).await?;
        output.close().await?;
        let mut rest = Vec::new();
        input.read_to_end(&mut rest).await?;
        Ok::<_, io::Error>((answer, rest))
    };
    assert_eq!(soon(talk).await.expect("it talks"), (*b"ping", vec![]));
    // And back again.
    let _ = input.into_inner().join(output.into_inner()).expect("halves of one connection");
}

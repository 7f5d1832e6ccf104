//! Peers that end right behind their last byte, where the kernel's races are real: over and over, in clear
//! text and under TLS, on both kinds of runtime.
//!
//! What a peer has said is had in full, whatever becomes of what it is sent; an end is clean only where the
//! peer's was; and what a write has completed arrives at a peer that reads. `STREAMTASK_RACES=1000` says how
//! often each is run.

use std::future::Future;
use std::io;

use streamtask::{EofKind, ErrorKind, StreamTask, Timeout};
use streamtask_testkit::{Conn, Server};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::layers::{LAYERS, Layer, configuration};
use crate::support::*;

fn times() -> usize {
    std::env::var("STREAMTASK_RACES").ok().and_then(|times| times.parse().ok()).unwrap_or(20)
}

/// How the peer ends, right behind what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// close_notify and FIN, when the client has ended.
    Polite,
    /// close_notify and FIN at once; then it reads on.
    Early,
    /// It closes at once over whatever it has not read: FIN, or a reset.
    Rude,
    /// A FIN at once without close_notify; then it reads on.
    Cut,
    /// A reset at once.
    Reset,
}

const ENDINGS: [Ending; 5] =
    [Ending::Polite, Ending::Early, Ending::Rude, Ending::Cut, Ending::Reset];

const WORDS: &str = "221 2.0.0 closing, and then some more words\r\n";

impl Ending {
    /// Hears a line, says its words and ends.
    async fn play(self, mut conn: Conn, layer: Layer) -> io::Result<()> {
        layer.accept(&mut conn).await?;
        conn.read_exact(6).await?;
        if let Ending::Polite = self {
            conn.read_to_end().await?;
        }
        conn.write(WORDS).await?;
        match self {
            Ending::Polite => conn.half_close().await,
            Ending::Early => {
                conn.half_close().await?;
                conn.wait_closed().await.map(drop)
            }
            Ending::Cut => {
                conn.half_close_raw().await?;
                conn.wait_closed().await.map(drop)
            }
            Ending::Rude if layer != Layer::Clear => {
                let said = conn.send_close_notify().await;
                drop(conn);
                said
            }
            Ending::Rude => Ok(()),
            Ending::Reset => {
                conn.reset();
                Ok(())
            }
        }
    }

    fn server(self, layer: Layer) -> Server {
        Server::start(move |conn| async move {
            match self.play(conn, layer).await {
                // The client may be faster: its end is none of the server's failures here.
                Err(error) if is_gone(&error) => Ok(()),
                played => played,
            }
        })
    }

    /// Whether the end that a reader was told can be this one's.
    fn allows(self, layer: Layer, end: Result<EofKind, ErrorKind>) -> bool {
        let clean = match layer {
            Layer::Clear => EofKind::Fin,
            _ => EofKind::CloseNotify,
        };
        match self {
            Ending::Polite | Ending::Early => end == Ok(clean),
            // Unread input turns the FIN into a reset; close_notify had come whole before.
            Ending::Rude if layer == Layer::Clear => {
                end == Ok(clean) || end == Err(ErrorKind::ConnectionLost)
            }
            Ending::Rude => end == Ok(clean) || end == Err(ErrorKind::ConnectionLost),
            Ending::Cut if layer == Layer::Clear => end == Ok(EofKind::Fin),
            Ending::Cut => end == Err(ErrorKind::Truncated),
            Ending::Reset => end == Err(ErrorKind::ConnectionLost),
        }
    }
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    matches!(error.kind(), BrokenPipe | ConnectionReset | UnexpectedEof)
}

/// What the client does besides reading to the end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Client {
    /// A line, and the end of what it says.
    Quits,
    /// A line, more behind it, and the end of what it says.
    TalksOn,
    /// The same, with all calls made at once.
    Queues,
    /// The same, with a read that is dropped and one that is polled once and held in between.
    Fumbles,
}

const CLIENTS: [Client; 4] = [Client::Quits, Client::TalksOn, Client::Queues, Client::Fumbles];

impl Client {
    async fn play(self, task: &StreamTask) -> (Vec<u8>, Result<EofKind, ErrorKind>) {
        let line = task.write("QUIT\r\n", GUARD);
        match self {
            Client::Quits => {
                let _ = soon(line).await;
                task.close_write();
            }
            Client::TalksOn => {
                let _ = soon(line).await;
                let _ = soon(task.write("more", GUARD)).await;
                task.close_write();
            }
            Client::Queues => {
                drop((line, task.write("more", Timeout::NEVER)));
                task.close_write();
            }
            Client::Fumbles => {
                drop(task.read_exact(1, GUARD));
                let mut held = task.read_exact(3, GUARD);
                let is_held = is_pending(&mut held).await;
                drop((line, task.write("more", Timeout::NEVER)));
                task.close_write();
                if is_held {
                    drop(held);
                } else {
                    // It was done at once; its bytes are not to be had twice.
                    return self.rest(task, b"221".to_vec()).await;
                }
            }
        }
        self.rest(task, Vec::new()).await
    }

    async fn rest(
        self,
        task: &StreamTask,
        mut got: Vec<u8>,
    ) -> (Vec<u8>, Result<EofKind, ErrorKind>) {
        loop {
            match soon(task.read_data(1..=7, GUARD)).await {
                Ok(read) => {
                    got.extend_from_slice(&read.data);
                    if let Some(end) = read.eof {
                        return (got, Ok(end));
                    }
                }
                Err(error) => return (got, Err(error.kind())),
            }
        }
    }
}

/// Runs `body` on a runtime of each kind.
fn on_both<F: Future<Output = ()>>(body: impl Fn() -> F) {
    let single = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    single.block_on(body());
    let multi = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    multi.unwrap().block_on(body());
}

#[test]
fn a_peers_last_words_are_had_in_full_however_it_ends() {
    on_both(|| async {
        let session = session_of(configuration());
        for layer in LAYERS {
            for ending in ENDINGS {
                let server = ending.server(layer);
                for client in CLIENTS {
                    for round in 0..times() {
                        let task = session.stream_task("127.0.0.1", server.port().into()).unwrap();
                        task.resume();
                        layer.secure(&task).await;
                        let (got, end) = client.play(&task).await;
                        let case = format!("{layer:?} {ending:?} {client:?}, round {round}");
                        assert_eq!(String::from_utf8_lossy(&got), WORDS, "{case}: {end:?}");
                        assert!(ending.allows(layer, end), "{case}: {end:?}");
                    }
                }
            }
        }
    });
}

#[test]
fn captured_streams_hear_a_peers_last_words_too() {
    on_both(|| async {
        let session = session_of(configuration());
        for layer in LAYERS {
            for ending in ENDINGS {
                let server = ending.server(layer);
                for round in 0..times() {
                    let mut stream = layer.captured(&session, server.port()).await;
                    let _ = soon(stream.write_all(b"QUIT\r\n")).await;
                    let _ = soon(stream.write_all(b"more")).await;
                    let _ = soon(stream.shutdown()).await;
                    let mut got = Vec::new();
                    let end = soon(stream.read_to_end(&mut got)).await;
                    let case = format!("{layer:?} {ending:?}, round {round}");
                    assert_eq!(String::from_utf8_lossy(&got), WORDS, "{case}: {end:?}");
                    match ending {
                        Ending::Polite | Ending::Early => assert!(end.is_ok(), "{case}: {end:?}"),
                        Ending::Cut => assert_eq!(end.is_ok(), layer == Layer::Clear, "{case}"),
                        Ending::Reset => assert!(end.is_err(), "{case}: a reset is no end"),
                        Ending::Rude => {}
                    }
                }
            }
        }
    });
}

/// Ways to say something and go without listening.
#[derive(Clone, Copy, Debug)]
enum Sender {
    Drops,
    DropsAtOnce,
    ClosesBoth,
    Captures,
}

const SENDERS: [Sender; 4] =
    [Sender::Drops, Sender::DropsAtOnce, Sender::ClosesBoth, Sender::Captures];

#[test]
fn what_a_client_says_that_does_not_listen_arrives() {
    let all = pattern(300_000);
    on_both(|| async {
        let session = session_of(configuration());
        for layer in LAYERS {
            let (sender, mut received) = tokio::sync::mpsc::unbounded_channel();
            let server = Server::start(move |mut conn| {
                let sender = sender.clone();
                async move {
                    layer.accept(&mut conn).await?;
                    conn.write("220 nobody listens\r\n").await?;
                    let _ = sender.send(conn.read_to_end().await?);
                    conn.write("226 nobody listens\r\n").await
                }
            });
            for way in SENDERS {
                for round in 0..times() {
                    say(way, layer, &session, server.port(), &all).await;
                    let got = soon(received.recv()).await.expect("the server is there");
                    assert!(got == all, "{layer:?} {way:?}, round {round}: {} bytes", got.len());
                }
            }
            soon(session.lingering()).await;
        }
    });
}

async fn say(way: Sender, layer: Layer, session: &streamtask::Session, port: u16, all: &[u8]) {
    if let Sender::Captures = way {
        let mut stream = layer.captured(session, port).await;
        return soon(stream.write_all(all)).await.expect("it is taken");
    }
    let task = session.stream_task("127.0.0.1", port.into()).unwrap();
    task.resume();
    layer.secure(&task).await;
    let write = task.write(all.to_vec(), Timeout::NEVER);
    match way {
        Sender::Drops => done(write).await,
        Sender::ClosesBoth => {
            drop(write);
            task.close_read();
            task.close_write();
            done(task.completion()).await;
        }
        Sender::DropsAtOnce | Sender::Captures => drop(write),
    }
}

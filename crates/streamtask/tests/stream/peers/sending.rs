//! Clients that only send: what they have written arrives at whoever reads, and the end behind it.

use std::io;

use streamtask::{ErrorKind, Session, StreamTask, Timeout};
use streamtask_testkit::{Conn, Server, Version};
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::peer::{GREETING, is_gone};
use super::{Context, on_both, times};
use crate::layers::{Layer, Signal, configuration};
use crate::support::*;

/// What a peer does while a client sends that does not listen. All of them read to the client's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listener {
    /// Greets, and ends when the client has.
    Greets,
    /// Greets, and has much more to say first.
    Talks,
    /// Says its end first, under TLS with close_notify.
    EndsFirst,
    /// Sends back what it gets.
    Echoes,
    /// Reads only when the client's task is over.
    Waits,
    /// Resets behind the client's end.
    Resets,
}

const LISTENERS: [Listener; 6] = [
    Listener::Greets,
    Listener::Talks,
    Listener::EndsFirst,
    Listener::Echoes,
    Listener::Waits,
    Listener::Resets,
];

/// What fits into the sockets of both ends, so that a write is over though nobody reads yet.
const UPLOAD: usize = 150_000;

impl Listener {
    fn serve(self, layer: Layer, is_over: &Signal) -> (Server, UnboundedReceiver<Vec<u8>>) {
        let (sender, heard) = unbounded_channel();
        let is_over = is_over.clone();
        let server = Server::start(move |mut conn| {
            let (sender, is_over) = (sender.clone(), is_over.clone());
            async move {
                layer.accept(&mut conn).await?;
                let _ = sender.send(self.play(conn, &is_over).await?);
                Ok(())
            }
        });
        (server, heard)
    }

    async fn play(self, mut conn: Conn, is_over: &Signal) -> io::Result<Vec<u8>> {
        say(&mut conn, GREETING.into()).await?;
        match self {
            Listener::Greets | Listener::Resets => {}
            Listener::Talks => say(&mut conn, vec![b'.'; 100_000]).await?,
            Listener::EndsFirst => unless_gone(conn.half_close().await)?,
            Listener::Waits => is_over.wait().await,
            Listener::Echoes => return echo(&mut conn).await,
        }
        let heard = conn.read_to_end().await?;
        if let Listener::Resets = self {
            conn.reset();
        }
        Ok(heard)
    }
}

/// A client of which all has come may be gone before it is told anything.
async fn say(conn: &mut Conn, bytes: Vec<u8>) -> io::Result<()> {
    unless_gone(conn.write(bytes).await)
}

fn unless_gone(said: io::Result<()>) -> io::Result<()> {
    match said {
        Err(error) if is_gone(&error) => Ok(()),
        said => said,
    }
}

async fn echo(conn: &mut Conn) -> io::Result<Vec<u8>> {
    let mut heard = Vec::new();
    loop {
        match conn.read().await? {
            bytes if bytes.is_empty() => break,
            bytes => {
                heard.extend_from_slice(&bytes);
                say(conn, bytes).await?;
            }
        }
    }
    // Only this one tells close_notify from a cut.
    conn.read_to_end().await?;
    Ok(heard)
}

/// Ways to send and go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// Drops the task behind a write that is done.
    Drops,
    /// Drops the task with the write.
    DropsAtOnce,
    /// Drops the task as soon as it is resumed: everything is queued.
    DropsQueued,
    /// Closes both sides and waits for the end.
    ClosesBoth,
    /// Closes the reading side before it writes.
    ClosesReadFirst,
    /// Half-closes, gives a read up and drops the task.
    HalfCloses,
    /// Drops captured streams.
    Captures,
    /// Shuts captured streams down and drops them.
    CapturesAndShuts,
}

const WAYS: [Way; 8] = [
    Way::Drops,
    Way::DropsAtOnce,
    Way::DropsQueued,
    Way::ClosesBoth,
    Way::ClosesReadFirst,
    Way::HalfCloses,
    Way::Captures,
    Way::CapturesAndShuts,
];

impl Way {
    /// Sends `all` and is gone. The task is over when this is, and how it ended comes back.
    async fn send(
        self,
        layer: Layer,
        session: &Session,
        port: u16,
        all: &[u8],
    ) -> Result<(), ErrorKind> {
        let task = session.stream_task("127.0.0.1", port).expect("a task can be made");
        let completion = task.completion();
        if let Way::DropsQueued = self {
            if layer != Layer::Clear {
                drop(task.start_secure_connection());
            }
            drop(task.write(all.to_vec(), Timeout::NEVER));
            task.resume();
        } else {
            task.resume();
            layer.secure(&task).await;
            self.send_on(&task, all).await;
        }
        drop(task);
        soon(completion).await.map_err(|error| error.kind())
    }

    async fn send_on(self, task: &StreamTask, all: &[u8]) {
        let write = || task.write(all.to_vec(), Timeout::NEVER);
        match self {
            Way::Drops => done(write()).await,
            Way::DropsAtOnce => drop(write()),
            Way::DropsQueued => unreachable!("it calls everything before"),
            Way::ClosesBoth => {
                drop(write());
                task.close_read();
                task.close_write();
            }
            Way::ClosesReadFirst => {
                task.close_read();
                done(write()).await;
                task.close_write();
            }
            Way::HalfCloses => {
                drop(write());
                task.close_write();
                drop(task.read_exact(1_000_000, GUARD));
            }
            Way::Captures | Way::CapturesAndShuts => {
                let (_input, mut output) = done(task.capture_streams()).await;
                soon(output.write_all(all)).await.expect("it is taken");
                if let Way::CapturesAndShuts = self {
                    soon(output.shutdown()).await.expect("it is taken");
                }
            }
        }
    }
}

pub(super) fn all(layer: Layer, times: usize) {
    let all = pattern(UPLOAD);
    on_both(|| async {
        for listener in LISTENERS {
            let session = session_of(configuration());
            for way in WAYS {
                for round in 0..times {
                    let context = Context::new((layer, listener, way, round));
                    let is_over = Signal::new();
                    let (server, mut heard) = listener.serve(layer, &is_over);
                    // A few bytes take other ways than many.
                    let sent = &all[..[UPLOAD, 5, 20_000][round % 3]];
                    let completion = way.send(layer, &session, server.port(), sent).await;
                    context.note(completion);
                    // A read, if only for a moment, may meet the reset.
                    let may_be_lost = (listener, way) == (Listener::Resets, Way::HalfCloses);
                    let is_lost = completion == Err(ErrorKind::ConnectionLost) && may_be_lost;
                    assert!(completion == Ok(()) || is_lost);
                    is_over.give();
                    let heard = soon(heard.recv()).await.expect("its end was clean");
                    context.note(heard.len());
                    assert!(heard == sent, "every byte arrives");
                    soon(session.lingering()).await;
                }
            }
        }
    });
}

#[test]
fn what_is_sent_and_not_listened_to_arrives_in_clear_text() {
    all(Layer::Clear, times());
}

#[test]
fn what_is_sent_and_not_listened_to_arrives_under_tls_1_2() {
    all(Layer::Secure(Version::Tls12), times());
}

#[test]
fn what_is_sent_and_not_listened_to_arrives_under_tls_1_3() {
    all(Layer::Secure(Version::Tls13), times());
}

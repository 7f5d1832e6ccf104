//! Ties stdin and stdout to a peer, byte for byte, both ways at once.
//!
//! Each way moves one piece at a time and waits until it is taken, so that a slow end slows the other
//! down instead of filling memory.

use std::cell::Cell;
use std::io::{self, IsTerminal};
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use crate::report::Failure;
use crate::stdio::{self, Reader, Stdin};

/// What the peer says.
pub(crate) trait Source {
    /// The next bytes; none at the end.
    async fn read(&mut self) -> Result<Bytes, Failure>;
}

/// What the peer is told.
pub(crate) trait Sink {
    /// Sends all of `data`.
    async fn write(&mut self, data: Bytes) -> Result<(), Failure>;
    /// Says that there will be no more.
    async fn end(&mut self) -> Result<(), Failure>;
}

/// Runs until the peer's end. The end of stdin only closes our direction.
///
/// A peer that has ended may still be listening, so it is sent what stdin has at hand. Stdin itself need
/// not end: it may be somebody who waits for the peer.
pub(crate) async fn relay(mut source: impl Source, sink: &mut impl Sink) -> Result<(), Failure> {
    let upload = Cell::new(Upload::Waiting { pieces: 0 });
    let up = send(sink, &upload);
    let down = receive(&mut source);
    tokio::pin!(up, down);
    let sent = tokio::select! {
        biased;
        received = &mut down => return match received? {
            End::Stdout => Ok(()),
            End::Peer => what_is_at_hand(up, &upload).await,
        },
        sent = &mut up => sent,
    };
    match sent {
        // Why it hung up, the peer may have said before.
        Err(Stop::Peer(failure)) => down.await.and(Err(failure)),
        Err(Stop::Stdin(error)) => Err(stdin_failed(&error)),
        Ok(()) => down.await.map(drop),
    }
}

/// Where the way from stdin to the peer stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Upload {
    /// For stdin; so many pieces have been sent.
    Waiting {
        pieces: u64,
    },
    Sending,
}

/// Why there is nothing more to show.
enum End {
    Peer,
    /// Nobody reads our output any more.
    Stdout,
}

/// Why the way to the peer ended before stdin did.
enum Stop {
    Stdin(io::Error),
    Peer(Failure),
}

/// Goes on for as long as stdin gives something.
async fn what_is_at_hand(
    mut up: Pin<&mut impl Future<Output = Result<(), Stop>>>,
    upload: &Cell<Upload>,
) -> Result<(), Failure> {
    // What a person would type next is not at hand.
    while !io::stdin().is_terminal() {
        let before = upload.get();
        match timeout(PATIENCE, &mut up).await {
            Ok(Ok(())) => break,
            Ok(Err(Stop::Peer(failure))) => return Err(failure),
            Ok(Err(Stop::Stdin(error))) => return Err(stdin_failed(&error)),
            Err(_) if before == upload.get() && before != Upload::Sending => break,
            Err(_) => {}
        }
    }
    Ok(())
}

async fn send(sink: &mut impl Sink, upload: &Cell<Upload>) -> Result<(), Stop> {
    let mut stdin = Stdin::new();
    for pieces in 1.. {
        let data = stdin.read().await.map_err(Stop::Stdin)?;
        if data.is_empty() {
            break;
        }
        upload.set(Upload::Sending);
        sink.write(data).await.map_err(Stop::Peer)?;
        upload.set(Upload::Waiting { pieces });
    }
    sink.end().await.map_err(Stop::Peer)
}

async fn receive(source: &mut impl Source) -> Result<End, Failure> {
    loop {
        let data = source.read().await?;
        if data.is_empty() {
            return Ok(End::Peer);
        }
        if stdio::write(data).await? == Reader::Gone {
            return Ok(End::Stdout);
        }
    }
}

fn stdin_failed(error: &io::Error) -> Failure {
    Failure::local("reading stdin", error)
}

/// How long stdin may be silent behind the peer's end: as long as socat waits (its option -t).
const PATIENCE: Duration = Duration::from_millis(500);

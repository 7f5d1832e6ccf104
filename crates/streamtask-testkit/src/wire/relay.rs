//! One relayed connection: two pumps, one per direction, and how it ends.
//!
//! Its place: a task of [`accept`](super::accept). FIN is passed on per direction; anything that
//! ends a side otherwise resets the other.

use std::io;
use std::net::{Shutdown, SocketAddr};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task;
use tokio::time;

use super::Heard;
use super::cut::Cutter;
use super::gate::Gate;
use crate::port;

/// How long a sender must be quiet to have paused: loopback gaps are microseconds.
const PAUSE: Duration = Duration::from_millis(20);
/// How much is gathered before a pause at most.
const GATHERED: usize = 1 << 20;
/// How much is read at a time.
const ROOM: usize = 16_384;

/// Connects to the target and relays until both directions have ended, or one goes wrong.
pub(super) async fn run(
    client: TcpStream,
    target: SocketAddr,
    cuts: [Cutter; 2],
    heard: Heard,
    gate: Gate,
) {
    let mut server = None;
    let ended = tokio::select! {
        biased;
        () = gate.clone().reset() => Err(io::ErrorKind::ConnectionReset.into()),
        ended = carry(&client, &mut server, target, cuts, &heard, &gate) => ended,
    };
    if ended.is_err() {
        for side in [Some(client), server].into_iter().flatten() {
            // A side that has gone already has nothing left to reset.
            let _ = port::reset_on_drop(&side);
        }
    }
}

async fn carry(
    client: &TcpStream,
    server: &mut Option<TcpStream>,
    target: SocketAddr,
    [there, back]: [Cutter; 2],
    heard: &Heard,
    gate: &Gate,
) -> io::Result<()> {
    let server = &*server.insert(TcpStream::connect(target).await?);
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    tokio::try_join!(
        pump(client, server, there, Some(heard), gate.clone()),
        pump(server, client, back, None, gate.clone()),
    )?;
    Ok(())
}

/// Carries one direction up to and including its FIN.
async fn pump(
    from: &TcpStream,
    to: &TcpStream,
    mut cutter: Cutter,
    heard: Option<&Heard>,
    mut gate: Gate,
) -> io::Result<()> {
    loop {
        gate.flowing().await;
        let bytes = gather(from, &cutter).await?;
        if bytes.is_empty() {
            break;
        }
        if let Some(heard) = heard {
            heard.add(&bytes);
        }
        let mut rest = &bytes[..];
        while !rest.is_empty() {
            let (piece, behind) = rest.split_at(cutter.next(rest.len()));
            send(to, piece, &mut gate).await?;
            rest = behind;
        }
    }
    gate.flowing().await;
    // An error says that the other side has gone; the other pump finds out how.
    let _ = socket2::SockRef::from(to).shutdown(Shutdown::Write);
    Ok(())
}

/// What is to be cut next; nothing at FIN.
async fn gather(from: &TcpStream, cutter: &Cutter) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let first = read(from, &mut bytes).await?;
    if first == 0 || !matches!(cutter, Cutter::Join) {
        return Ok(bytes);
    }
    while bytes.len() < GATHERED {
        match time::timeout(PAUSE, read(from, &mut bytes)).await {
            // A FIN is found again by the next read.
            Err(_) | Ok(Ok(0)) => break,
            Ok(more) => drop(more?),
        }
    }
    Ok(bytes)
}

async fn read(from: &TcpStream, to: &mut Vec<u8>) -> io::Result<usize> {
    to.reserve(ROOM);
    loop {
        from.readable().await?;
        match from.try_read_buf(to) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            other => return other,
        }
    }
}

/// Sends one piece, in one send if the socket takes it.
async fn send(to: &TcpStream, piece: &[u8], gate: &mut Gate) -> io::Result<()> {
    let mut rest = piece;
    while !rest.is_empty() {
        gate.flowing().await;
        to.writable().await?;
        // Nothing is awaited from here to the send, so that a stall holds once it is confirmed.
        if gate.is_stalled() {
            continue;
        }
        match to.try_write(rest) {
            Ok(sent) => rest = &rest[sent..],
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
    // Gives the receiver a chance to see this piece before the next one joins it.
    task::yield_now().await;
    Ok(())
}

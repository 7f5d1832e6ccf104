//! The two directions of an accepted connection, as the relay wants them.

use std::io;
use std::net::SocketAddr;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::relay::{Sink, Source};
use crate::report::{Exit, Failure};

/// As much as is read at once: a few TLS records.
const MOST_AT_ONCE: usize = 64 << 10;

/// What the peer says.
pub(super) struct Incoming<R> {
    stream: R,
    address: SocketAddr,
    buffer: BytesMut,
}

impl<R> Incoming<R> {
    pub(super) fn new(stream: R, address: SocketAddr) -> Self {
        Incoming { stream, address, buffer: BytesMut::new() }
    }
}

impl<R: AsyncRead + Unpin> Source for Incoming<R> {
    async fn read(&mut self) -> Result<Bytes, Failure> {
        self.buffer.reserve(MOST_AT_ONCE);
        let read = self.stream.read_buf(&mut self.buffer).await;
        read.map_err(|error| lost("reading from", self.address, &error))?;
        Ok(self.buffer.split().freeze())
    }
}

/// What the peer is told.
pub(super) struct Outgoing<W> {
    stream: W,
    address: SocketAddr,
    state: State,
}

/// Whether anything is on its way that could be lost.
#[derive(Clone, Copy)]
pub(super) enum State {
    Silent,
    Written,
}

impl<W> Outgoing<W> {
    pub(super) fn new(stream: W, address: SocketAddr) -> Self {
        Outgoing { stream, address, state: State::Silent }
    }

    pub(super) fn state(&self) -> State {
        self.state
    }
}

impl<W: AsyncWrite + Unpin> Sink for Outgoing<W> {
    async fn write(&mut self, data: Bytes) -> Result<(), Failure> {
        self.state = State::Written;
        let written = async {
            self.stream.write_all(&data).await?;
            self.stream.flush().await
        };
        let written = written.await;
        written.map_err(|error| lost("writing to", self.address, &error))
    }

    async fn end(&mut self) -> Result<(), Failure> {
        let ended = self.stream.shutdown().await;
        ended.map_err(|error| lost("ending the stream to", self.address, &error))
    }
}

/// The connection broke while something was done with it.
pub(super) fn lost(what: &str, address: SocketAddr, error: &io::Error) -> Failure {
    let next = "take what came as incomplete; the other end may say why it hung up";
    Failure::explained(Exit::Lost, format!("{what} {address}"), error, next)
}

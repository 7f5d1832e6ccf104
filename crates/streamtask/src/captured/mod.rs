//! The two streams of a task that was captured, for any other API.
//!
//! They share one socket and the task's pipe, so bytes that were received and not read come first and
//! TLS goes on: [`link`] joins them, [`connection`] moves the bytes, [`halves`] knows who waits. Tokio's
//! traits stand in [`traits`], other people's in [`adapters`]. How the connection is closed is
//! [`net::linger`](crate::net::linger)'s.

mod adapters;
mod connection;
mod halves;
mod link;
mod traits;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use streamtask_proto::{EofKind, Pipe, ReadData};

pub use adapters::{Blocking, Compat};

use crate::net::linger::Closer;
use crate::net::socket::Socket;
use halves::Half;
use link::Link;

/// The receiving half of a captured task.
///
/// Dropping it stops receiving. With the second half the connection is closed: what was written leaves,
/// then close_notify under TLS and FIN, and what the peer still sends is thrown away until it ends too
/// (see [`Configuration::linger`](crate::Configuration::linger)).
///
/// Captured streams have no deadlines of their own: whoever wants one wraps a call in `tokio::time::timeout`.
pub struct InputStream(Arc<Link>);

/// The sending half of a captured task.
///
/// Dropping it ends the sending side, under TLS with close_notify, behind everything that was written.
/// With the second half the connection is closed, as [`InputStream`] says.
pub struct OutputStream(Arc<Link>);

/// Both halves as one, for whatever wants a single stream.
///
/// ```no_run
/// # async fn example(task: streamtask::StreamTask) -> Result<(), Box<dyn std::error::Error>> {
/// let (input, output) = task.capture_streams().await?;
/// let mut stream = input.join(output).map_err(|_| "halves of two connections")?;
/// let mut other = tokio::net::TcpStream::connect("localhost:8080").await?;
/// tokio::io::copy_bidirectional(&mut stream, &mut other).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Duplex {
    input: InputStream,
    output: OutputStream,
}

/// Where a captured stream stands (`Stream.Status`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StreamStatus {
    /// It can be used.
    Open,
    /// An input stream has given its last byte.
    AtEnd,
    /// It was closed.
    Closed,
    /// It failed.
    Error,
}

/// Where reads that were done before the capture give their bytes back, if nobody looked at them.
#[derive(Clone)]
pub(crate) struct Returns(Arc<Link>);

pub(crate) fn streams(
    socket: Socket,
    pipe: Pipe,
    tolerates_truncation: bool,
    closer: Closer,
) -> (InputStream, OutputStream) {
    let link = Link::new(socket, pipe, tolerates_truncation, closer);
    (InputStream(link.clone()), OutputStream(link))
}

impl InputStream {
    /// Where it stands. It is at its end when the end has been read.
    pub fn status(&self) -> StreamStatus {
        self.0.with(|connection| connection.status(Half::Input))
    }

    /// How many bytes can be read without waiting, at least.
    pub fn available(&self) -> usize {
        self.0.with(|connection| connection.available())
    }

    /// How the stream ended, once that is known.
    pub fn eof(&self) -> Option<EofKind> {
        self.0.with(|connection| connection.end())
    }

    /// This end's address.
    ///
    /// # Errors
    /// Those of the system.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        self.0.with(|connection| connection.local_address())
    }

    /// Joins the two halves of one connection.
    ///
    /// # Errors
    /// The two halves, when they are not of one connection.
    pub fn join(self, output: OutputStream) -> Result<Duplex, (InputStream, OutputStream)> {
        match Arc::ptr_eq(&self.0, &output.0) {
            true => Ok(Duplex { input: self, output }),
            false => Err((self, output)),
        }
    }

    pub(crate) fn returns(&self) -> Returns {
        Returns(self.0.clone())
    }
}

impl OutputStream {
    /// Where it stands. It is closed as soon as it was told to shut down.
    pub fn status(&self) -> StreamStatus {
        self.0.with(|connection| connection.status(Half::Output))
    }
}

impl Duplex {
    /// The two halves again, each with what it had: nothing is lost by joining and splitting.
    pub fn split(self) -> (InputStream, OutputStream) {
        (self.input, self.output)
    }
}

impl Returns {
    /// The bytes of `read` are first in line again, unless what stood behind them has been read. Call it
    /// without locks: it may wake the reader.
    pub(crate) fn give_back(&self, read: ReadData, is_last: bool) {
        self.0.give_back(read, is_last);
    }
}

impl Drop for InputStream {
    fn drop(&mut self) {
        self.0.leave(Half::Input);
    }
}

impl Drop for OutputStream {
    fn drop(&mut self) {
        self.0.leave(Half::Output);
    }
}

impl fmt::Debug for InputStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InputStream")
            .field("status", &self.status())
            .field("available", &self.available())
            .finish()
    }
}

impl fmt::Debug for OutputStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputStream").field("status", &self.status()).finish()
    }
}

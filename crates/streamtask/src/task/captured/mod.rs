//! The two streams of a task that was captured, for any other API.
//!
//! They share one socket and the task's pipe, so bytes that were received and not read come first and
//! TLS goes on. That they implement everybody's traits stands in `traits`.

mod traits;

use std::fmt;
use std::io;
use std::net::{Shutdown, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

use socket2::SockRef;
use streamtask_proto::{EofKind, Error, ErrorKind, Pipe};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;

use crate::lock;

/// The receiving half of a captured task.
///
/// Dropping it stops receiving; the socket is closed when both halves are gone.
pub struct InputStream(Arc<Mutex<Connection>>);

/// The sending half of a captured task.
///
/// Dropping it ends the sending side, under TLS with close_notify, as far as the socket takes it at once;
/// shut it down before to be sure. The socket is closed when both halves are gone.
pub struct OutputStream(Arc<Mutex<Connection>>);

/// Both halves as one.
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

struct Connection {
    socket: TcpStream,
    pipe: Pipe,
    tolerates_truncation: bool,
    input: StreamStatus,
    output: StreamStatus,
}

pub(crate) fn streams(
    socket: TcpStream,
    pipe: Pipe,
    tolerates_truncation: bool,
) -> (InputStream, OutputStream) {
    let connection = Arc::new(Mutex::new(Connection {
        socket,
        pipe,
        tolerates_truncation,
        input: StreamStatus::Open,
        output: StreamStatus::Open,
    }));
    (InputStream(connection.clone()), OutputStream(connection))
}

impl InputStream {
    /// Where it stands. It is at its end when the end has been read.
    pub fn status(&self) -> StreamStatus {
        lock(&self.0).input
    }

    /// How many bytes can be read without waiting.
    pub fn available(&self) -> usize {
        lock(&self.0).pipe.readable().len()
    }

    /// How the stream ended, once that is known.
    pub fn eof(&self) -> Option<EofKind> {
        lock(&self.0).pipe.end()
    }

    /// This end's address.
    ///
    /// # Errors
    /// Those of the system.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        lock(&self.0).socket.local_addr()
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
}

impl OutputStream {
    /// Where it stands.
    pub fn status(&self) -> StreamStatus {
        lock(&self.0).output
    }
}

impl Duplex {
    /// The two halves again.
    pub fn split(self) -> (InputStream, OutputStream) {
        (self.input, self.output)
    }
}

impl Connection {
    /// Puts what is readable into `into`; nothing at the end.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        into: &mut dyn FnMut(&[u8]) -> usize,
    ) -> Poll<io::Result<()>> {
        loop {
            if !self.pipe.readable().is_empty() {
                let taken = into(self.pipe.readable());
                self.pipe.take(taken);
                return Poll::Ready(Ok(()));
            }
            if let Some(end) = self.pipe.end() {
                return Poll::Ready(self.ended(end));
            }
            let received = pin!(self.socket.read_buf(self.pipe.receive_buffer())).poll(cx);
            let decoded = match ready!(received) {
                Ok(0) => {
                    self.pipe.received_end();
                    Ok(())
                }
                Ok(count) => self.pipe.received(count).map_err(io::Error::from),
                Err(error) => Err(error),
            };
            // TLS may have something to answer; what does not go out now goes with the next write.
            let _ = self.poll_flush(&mut Context::from_waker(Waker::noop()));
            if let Err(error) = decoded {
                self.input = StreamStatus::Error;
                return Poll::Ready(Err(error));
            }
        }
    }

    fn ended(&mut self, end: EofKind) -> io::Result<()> {
        if end == EofKind::Truncated && !self.tolerates_truncation {
            self.input = StreamStatus::Error;
            return Err(Error::new(ErrorKind::Truncated).into());
        }
        self.input = StreamStatus::AtEnd;
        Ok(())
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        if self.output != StreamStatus::Open {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        ready!(self.poll_flush(cx))?;
        if !self.pipe.is_secure() {
            let written = Pin::new(&mut self.socket).poll_write(cx, data);
            return self.note(written);
        }
        let piece = &data[..data.len().min(MOST_AT_ONCE)];
        self.pipe.encrypt(piece).map_err(io::Error::from)?;
        // Encrypted is taken: what the socket does not take now is kept and goes first next time.
        if let Poll::Ready(Err(error)) = self.poll_flush(cx) {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(piece.len()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.pipe.pending().is_empty() {
            let written = Pin::new(&mut self.socket).poll_write(cx, self.pipe.pending());
            let count = ready!(self.note(written))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.pipe.sent(count);
        }
        Poll::Ready(Ok(()))
    }

    fn note(&mut self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Err(_)) = &written {
            self.output = StreamStatus::Error;
        }
        written
    }

    fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.output == StreamStatus::Closed {
            return Poll::Ready(Ok(()));
        }
        self.pipe.close_notify().map_err(io::Error::from)?;
        ready!(self.poll_flush(cx))?;
        self.output = StreamStatus::Closed;
        Poll::Ready(SockRef::from(&self.socket).shutdown(Shutdown::Write))
    }
}

/// As much as fits a few TLS records: what a writer gets back as taken must be kept until it is sent.
const MOST_AT_ONCE: usize = 64 << 10;

impl Drop for InputStream {
    fn drop(&mut self) {
        lock(&self.0).input = StreamStatus::Closed;
    }
}

impl Drop for OutputStream {
    fn drop(&mut self) {
        let mut connection = lock(&self.0);
        if connection.output == StreamStatus::Open {
            let _ = connection.poll_shutdown(&mut Context::from_waker(Waker::noop()));
        }
    }
}

impl fmt::Debug for InputStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let connection = lock(&self.0);
        f.debug_struct("InputStream")
            .field("status", &connection.input)
            .field("available", &connection.pipe.readable().len())
            .finish()
    }
}

impl fmt::Debug for OutputStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutputStream").field("status", &lock(&self.0).output).finish()
    }
}

//! The socket of captured streams and the pipe above it, and how far each direction has come.
//!
//! Everything here happens under the lock of [`link`](super::link); whom the socket wakes is known to
//! [`halves`](super::halves).

use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use streamtask_proto::{EofKind, Error, ErrorKind, Pipe, ReadData};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::coop::unconstrained;

use super::StreamStatus;
use super::halves::{Half, Halves, Readiness};
use crate::net::linger::Closer;
use crate::net::socket::Socket;

pub(super) struct Connection {
    socket: Socket,
    pipe: Pipe,
    halves: Arc<Halves>,
    readable: Waker,
    writable: Waker,
    tolerates_truncation: bool,
    /// How many of its halves are held.
    held: usize,
    has_fin: bool,
    input: Receiving,
    output: Sending,
}

/// The receiving direction.
enum Receiving {
    Open,
    /// The end has been told.
    AtEnd,
    Failed(Failure),
}

/// The sending direction.
enum Sending {
    Open,
    /// No more writes; what was written, close_notify and FIN leave.
    Ending,
    /// FIN was sent.
    Ended,
    /// The socket failed.
    Failed(io::Error),
}

/// What receiving failed of: told again to whoever reads again.
enum Failure {
    Stream(Error),
    Socket(io::Error),
}

impl Connection {
    pub(super) fn new(
        socket: Socket,
        pipe: Pipe,
        halves: Arc<Halves>,
        tolerates_truncation: bool,
    ) -> Self {
        Connection {
            socket,
            pipe,
            readable: halves.waker(Readiness::Readable),
            writable: halves.waker(Readiness::Writable),
            halves,
            tolerates_truncation,
            held: 2,
            has_fin: false,
            input: Receiving::Open,
            output: Sending::Open,
        }
    }

    /// Hands out what can be read without the socket: bytes first, then how they ended.
    pub(super) fn deliver(
        &mut self,
        into: &mut dyn FnMut(&[u8]) -> usize,
    ) -> Option<io::Result<()>> {
        if !self.pipe.readable().is_empty() {
            let taken = into(self.pipe.readable());
            self.pipe.take(taken);
            return Some(Ok(()));
        }
        if let Receiving::Failed(failure) = &self.input {
            return Some(Err(failure.error()));
        }
        self.pipe.end().map(|end| self.ended(end))
    }

    fn ended(&mut self, end: EofKind) -> io::Result<()> {
        if end == EofKind::Truncated && !self.tolerates_truncation {
            let failure = Failure::Stream(Error::new(ErrorKind::Truncated));
            let error = failure.error();
            self.input = Receiving::Failed(failure);
            return Err(error);
        }
        self.input = Receiving::AtEnd;
        Ok(())
    }

    /// Receives once, if there is nothing to hand out; what came may not be enough to hand anything out.
    pub(super) fn poll_read(
        &mut self,
        into: &mut dyn FnMut(&[u8]) -> usize,
    ) -> Poll<Option<io::Result<()>>> {
        // Bytes may have been given back before anybody knew whom to wake for them.
        if let Some(delivered) = self.deliver(into) {
            return Poll::Ready(Some(delivered));
        }
        ready!(self.poll_receive());
        Poll::Ready(self.deliver(into))
    }

    fn poll_receive(&mut self) -> Poll<()> {
        // What the peer is waiting for must not wait for the peer.
        self.flush_beside();
        let mut cx = Context::from_waker(&self.readable);
        let receiving = self.socket.read_buf(self.pipe.receive_buffer());
        match ready!(pin!(unconstrained(receiving)).poll(&mut cx)) {
            Ok(0) => self.received_end(),
            Ok(count) => {
                if let Err(error) = self.pipe.received(count) {
                    self.input = Receiving::Failed(Failure::Stream(error));
                }
            }
            Err(error) => self.input = Receiving::Failed(Failure::Socket(error)),
        }
        self.flush_beside();
        Poll::Ready(())
    }

    /// A failed send takes the socket's error with it, and the next receive looks like FIN. Only where the
    /// peer's FIN had come first, sending fails as a broken pipe.
    fn received_end(&mut self) {
        self.has_fin = true;
        match &self.output {
            Sending::Failed(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.input = Receiving::Failed(Failure::Socket(again(error)));
            }
            Sending::Failed(_) | Sending::Open | Sending::Ending | Sending::Ended => {
                self.pipe.received_end();
            }
        }
    }

    /// The reader sends what there is: answers of TLS, or what a writer has left behind. If that fails,
    /// what came is still to be read.
    fn flush_beside(&mut self) {
        if !matches!(self.output, Sending::Failed(_)) {
            let _ = self.poll_flush();
        }
    }

    pub(super) fn poll_write(&mut self, data: &[u8]) -> Poll<io::Result<usize>> {
        if !matches!(self.output, Sending::Open) {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        ready!(self.poll_flush())?;
        if !self.pipe.is_secure() {
            return self.poll_send(Some(data));
        }
        let piece = &data[..data.len().min(MOST_AT_ONCE)];
        self.pipe.encrypt(piece).map_err(io::Error::from)?;
        // Encrypted is taken: what the socket does not take now is kept and goes first next time.
        if let Poll::Ready(Err(error)) = self.poll_flush() {
            return Poll::Ready(Err(error));
        }
        Poll::Ready(Ok(piece.len()))
    }

    pub(super) fn poll_flush(&mut self) -> Poll<io::Result<()>> {
        if self.pipe.pending().is_empty() {
            return Poll::Ready(Ok(()));
        }
        // Said before the socket is asked: whoever wrote it may not wait for it.
        self.halves.set_rest(true);
        while !self.pipe.pending().is_empty() {
            let count = ready!(self.poll_send(None))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.pipe.sent(count);
        }
        self.halves.set_rest(false);
        Poll::Ready(Ok(()))
    }

    /// Offers the socket `data`, or else what is pending.
    fn poll_send(&mut self, data: Option<&[u8]>) -> Poll<io::Result<usize>> {
        let mut cx = Context::from_waker(&self.writable);
        let sending = self.socket.write(data.unwrap_or(self.pipe.pending()));
        let sent = pin!(unconstrained(sending)).poll(&mut cx);
        if let Poll::Ready(Err(error)) = &sent {
            self.output = Sending::Failed(again(error));
        }
        sent
    }

    /// Ends the sending direction, under TLS with close_notify.
    pub(super) fn poll_end(&mut self) -> Poll<io::Result<()>> {
        match &self.output {
            Sending::Ended => return Poll::Ready(Ok(())),
            Sending::Failed(error) => return Poll::Ready(Err(again(error))),
            Sending::Open | Sending::Ending => {}
        }
        self.output = Sending::Ending;
        self.pipe.close_notify().map_err(io::Error::from)?;
        ready!(self.poll_flush())?;
        self.output = Sending::Ended;
        // A peer that is gone already (it may answer close_notify with a reset) has nothing left to be told.
        let _ = self.socket.shutdown_write();
        Poll::Ready(Ok(()))
    }

    /// One of the halves is gone; says how many are left.
    pub(super) fn leave(&mut self) -> usize {
        self.held -= 1;
        self.held
    }

    /// Closes the connection, when what was written and close_notify have left.
    pub(super) fn close(mut self, closer: &Closer) {
        let is_dead = matches!(self.output, Sending::Failed(_))
            || matches!(self.input, Receiving::Failed(Failure::Socket(_)));
        if is_dead {
            return;
        }
        // Of TLS that has failed there is no close_notify, but its alert is pending.
        let _ = self.pipe.close_notify();
        closer.close(self.socket, self.pipe.pending(), self.has_fin);
    }

    /// Puts the bytes of a read back that was done before the capture and not looked at.
    pub(super) fn give_back(&mut self, read: ReadData, is_last: bool) {
        self.pipe.give_back(read, is_last);
        if matches!(self.input, Receiving::AtEnd) {
            self.input = Receiving::Open;
        }
    }

    /// How much can be read at once.
    pub(super) fn available(&self) -> usize {
        self.pipe.readable().len()
    }

    pub(super) fn end(&self) -> Option<EofKind> {
        self.pipe.end()
    }

    pub(super) fn local_address(&self) -> io::Result<SocketAddr> {
        self.socket.local_address()
    }

    pub(super) fn status(&self, half: Half) -> StreamStatus {
        match half {
            Half::Input => self.input.status(),
            Half::Output => self.output.status(),
        }
    }
}

impl Receiving {
    fn status(&self) -> StreamStatus {
        match self {
            Receiving::Open => StreamStatus::Open,
            Receiving::AtEnd => StreamStatus::AtEnd,
            Receiving::Failed(_) => StreamStatus::Error,
        }
    }
}

impl Sending {
    fn status(&self) -> StreamStatus {
        match self {
            Sending::Open => StreamStatus::Open,
            Sending::Ending | Sending::Ended => StreamStatus::Closed,
            Sending::Failed(_) => StreamStatus::Error,
        }
    }
}

impl Failure {
    fn error(&self) -> io::Error {
        match self {
            Failure::Stream(error) => error.clone().into(),
            Failure::Socket(error) => again(error),
        }
    }
}

/// The same error once more.
fn again(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(number) => io::Error::from_raw_os_error(number),
        None => error.kind().into(),
    }
}

/// As much as fits a few TLS records: what a writer gets back as taken must be kept until it is sent.
const MOST_AT_ONCE: usize = 64 << 10;

//! A socket on its way out: what still moves in each direction, and when that is all.
//!
//! Words that cannot leave are cut off and FIN follows: whoever has any is under TLS, where the peer sees
//! the missing close_notify. It waits for nothing itself; [`linger`](super::linger) does, and knows for how long.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::socket::Socket;
use super::sys::{NO_SIGNAL, unacknowledged};

/// A socket on its way out.
pub(super) struct Leaving {
    socket: Socket,
    words: Vec<u8>,
    sent: usize,
    ours: Side,
    theirs: Side,
    /// How many bytes of theirs may still be thrown away.
    patience: usize,
}

/// One direction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Open,
    /// FIN has passed.
    Ended,
}

/// What lies in the socket for us.
enum Unread {
    Nothing,
    Bytes,
    /// FIN or an error: there is nothing, and nothing will come.
    End,
}

impl Leaving {
    pub(super) fn new(socket: Socket, words: Vec<u8>, has_fin: bool, patience: usize) -> Self {
        let theirs = if has_fin { Side::Ended } else { Side::Open };
        Leaving { socket, words, sent: 0, ours: Side::Open, theirs, patience }
    }

    /// Does what can be done without waiting, and says whether nothing is at stake any more.
    pub(super) fn is_over_at_once(&mut self) -> bool {
        // Asked before FIN is on its way, which is not acknowledged in the same instant.
        let has_arrived = self.words.is_empty() && unacknowledged(&self.socket) == Some(0);
        if self.send_now().is_err() {
            return true;
        }
        if self.ours == Side::Open {
            return false;
        }
        // FIN has left before this look: should bytes come behind it, the peer knows the end all the same.
        match self.unread() {
            Unread::End => true,
            Unread::Nothing => has_arrived,
            Unread::Bytes => false,
        }
    }

    fn send_now(&mut self) -> io::Result<()> {
        while self.sent < self.words.len() {
            // The system is asked: a readiness that the runtime has not seen must not cut words off.
            match self.socket.system().send_with_flags(&self.words[self.sent..], NO_SIGNAL) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.sent += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.end();
        Ok(())
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.sent < self.words.len() {
            let rest = &self.words[self.sent..];
            match ready!(Pin::new(&mut self.socket).poll_write(cx, rest))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                count => self.sent += count,
            }
        }
        self.end();
        Poll::Ready(Ok(()))
    }

    /// FIN goes behind everything that was written.
    fn end(&mut self) {
        if self.ours == Side::Open {
            self.ours = Side::Ended;
            // Where it was sent before, or nobody is there to be told, there is nothing to do.
            let _ = self.socket.shutdown_write();
        }
    }

    fn unread(&self) -> Unread {
        if self.theirs == Side::Ended {
            return Unread::End;
        }
        match self.socket.system().peek(&mut [MaybeUninit::uninit()]) {
            Ok(0) => Unread::End,
            Ok(_) => Unread::Bytes,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Unread::Nothing,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Unread::Bytes,
            Err(_) => Unread::End,
        }
    }

    /// Throws away what comes, until the peer's FIN or the end of patience.
    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut memory = [MaybeUninit::uninit(); AT_ONCE];
        while self.theirs == Side::Open && self.patience > 0 {
            let mut bytes = ReadBuf::uninit(&mut memory);
            ready!(Pin::new(&mut self.socket).poll_read(cx, &mut bytes))?;
            self.discarded(bytes.filled().len());
        }
        Poll::Ready(Ok(()))
    }

    fn discarded(&mut self, count: usize) {
        self.patience = self.patience.saturating_sub(count);
        if count == 0 {
            self.theirs = Side::Ended;
        }
    }

    /// Moves both directions as far as they go now; ready when there is nothing more to wait for.
    ///
    /// Both at once: a peer may read only when it has got rid of what it writes.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = self.poll_send(cx)?;
        let discarded = self.poll_discard(cx)?;
        ready!(sent);
        ready!(discarded);
        Poll::Ready(Ok(()))
    }

    /// How many bytes of ours have not arrived, as far as that is known.
    pub(super) fn left(&self) -> usize {
        self.words.len() - self.sent + unacknowledged(&self.socket).unwrap_or(0)
    }

    /// The last attempt: FIN, even behind a part, and nothing left unread that is there by now.
    pub(super) fn give_up(&mut self) {
        let _ = self.send_now();
        self.end();
        let mut memory = [0; AT_ONCE];
        while self.theirs == Side::Open && self.patience > 0 {
            // The system is asked here too.
            match self.socket.read_now(&mut memory) {
                Ok(count) => self.discarded(count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }
}

/// How much is thrown away at once.
const AT_ONCE: usize = 16 << 10;

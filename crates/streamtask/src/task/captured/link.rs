//! What the two halves of captured streams share: the connection behind its lock, and who waits for it.
//!
//! A poll leaves its waker with [`waiters`](super::waiters) first, then looks at the
//! [`connection`](super::connection) under the lock, so that no code of the user's runs there.

use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use streamtask_proto::{Pipe, ReadData};
use tokio::net::TcpStream;
use tokio::task::coop::poll_proceed;

use super::connection::Connection;
use super::waiters::{Half, Readiness, Waiters};
use crate::lock;

pub(super) struct Link {
    connection: Mutex<Connection>,
    waiters: Arc<Waiters>,
}

impl Link {
    pub(super) fn new(socket: TcpStream, pipe: Pipe, tolerates_truncation: bool) -> Arc<Self> {
        let waiters = Arc::<Waiters>::default();
        let connection = Connection::new(socket, pipe, waiters.clone(), tolerates_truncation);
        Arc::new(Link { connection: Mutex::new(connection), waiters })
    }

    /// Looks at the connection.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Connection) -> T) -> T {
        look(&mut lock(&self.connection))
    }

    /// Puts what is readable into `into`; nothing at the end.
    pub(super) fn poll_read(
        &self,
        cx: &mut Context<'_>,
        into: &mut dyn FnMut(&[u8]) -> usize,
    ) -> Poll<io::Result<()>> {
        if let Some(delivered) = self.with(|connection| connection.deliver(into)) {
            return Poll::Ready(delivered);
        }
        loop {
            let turn = self.poll(Half::Input, cx, |connection| connection.poll_read(into));
            if let Some(delivered) = ready!(turn) {
                return Poll::Ready(delivered);
            }
        }
    }

    /// Does something that may have to wait for room.
    pub(super) fn poll_output<T>(
        &self,
        cx: &mut Context<'_>,
        turn: impl FnOnce(&mut Connection) -> Poll<T>,
    ) -> Poll<T> {
        self.poll(Half::Output, cx, turn)
    }

    /// One turn of a half, which is woken when another may do better.
    ///
    /// Tokio's budget is asked for here: it wakes at once whoever has used it up, which must not happen
    /// under the lock.
    fn poll<T>(
        &self,
        half: Half,
        cx: &mut Context<'_>,
        turn: impl FnOnce(&mut Connection) -> Poll<T>,
    ) -> Poll<T> {
        let budget = ready!(poll_proceed(cx));
        self.waiters.wait(half, cx.waker());
        let done = self.with(turn);
        if done.is_ready() {
            budget.made_progress();
            self.waiters.leave(half);
        }
        done
    }

    /// The bytes of a read that was done before the capture come back, for whoever reads.
    pub(super) fn give_back(&self, read: ReadData, is_last: bool) {
        self.with(|connection| connection.give_back(read, is_last));
        self.waiters.wake(Readiness::Readable);
    }

    /// A half is dropped. Without its output, the peer hears the end as far as that leaves at once.
    pub(super) fn leave(&self, half: Half) {
        self.waiters.leave(half);
        if half == Half::Output {
            let _ = self.with(Connection::poll_end);
        }
    }
}

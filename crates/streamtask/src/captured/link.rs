//! What the two halves of captured streams share: the connection behind its lock, and who waits for it.
//!
//! A poll leaves its waker with [`halves`](super::halves) first, then looks at the
//! [`connection`](super::connection) under the lock, so that no code of the user's runs there. It also
//! sees to the end: of the sending direction when its half is dropped, of the connection with the last.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use streamtask_proto::{Pipe, ReadData};
use tokio::task::coop::poll_proceed;

use super::connection::Connection;
use super::halves::{Half, Halves, Readiness};
use crate::lock;
use crate::net::linger::Closer;
use crate::net::socket::Socket;

pub(super) struct Link {
    /// `None` when both halves are gone, and the connection with them.
    connection: Mutex<Option<Connection>>,
    halves: Arc<Halves>,
    closer: Closer,
}

impl Link {
    pub(super) fn new(
        socket: Socket,
        pipe: Pipe,
        tolerates_truncation: bool,
        closer: Closer,
    ) -> Arc<Self> {
        let halves = Arc::<Halves>::default();
        let connection = Connection::new(socket, pipe, halves.clone(), tolerates_truncation);
        Arc::new(Link { connection: Mutex::new(Some(connection)), halves, closer })
    }

    /// Looks at the connection. Only a half may call: it keeps it.
    pub(super) fn with<T>(&self, look: impl FnOnce(&mut Connection) -> T) -> T {
        look(lock(&self.connection).as_mut().expect("a half keeps the connection"))
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
        self.halves.wait(half, cx.waker());
        let done = self.with(turn);
        if done.is_ready() {
            budget.made_progress();
            self.halves.leave(half);
        }
        done
    }

    /// The bytes of a read that was done before the capture come back, for whoever reads.
    pub(super) fn give_back(&self, read: ReadData, is_last: bool) {
        if let Some(connection) = &mut *lock(&self.connection) {
            connection.give_back(read, is_last);
        }
        self.halves.wake(Readiness::Readable);
    }

    /// A half is dropped. The last one closes the connection; without its output, the peer hears the end.
    pub(super) fn leave(self: &Arc<Self>, half: Half) {
        self.halves.leave(half);
        let mut slot = lock(&self.connection);
        let Some(connection) = &mut *slot else { return };
        if connection.leave() > 0 {
            let must_wait = half == Half::Output && connection.poll_end().is_pending();
            drop(slot);
            if must_wait {
                self.end_beside();
            }
        } else if let Some(connection) = slot.take() {
            drop(slot);
            connection.close(&self.closer);
            // It may be what ends the output, which is done with.
            self.halves.wake(Readiness::Writable);
        }
    }

    /// What was written and the end leave even if nobody reads, in place of the half that is gone.
    fn end_beside(self: &Arc<Self>) {
        let link = self.clone();
        self.closer.runtime.spawn(poll_fn(move |cx| {
            link.halves.wait(Half::Output, cx.waker());
            let done = match &mut *lock(&link.connection) {
                Some(connection) => connection.poll_end().map(drop),
                None => Poll::Ready(()),
            };
            if done.is_ready() {
                link.halves.leave(Half::Output);
            }
            done
        }));
    }
}

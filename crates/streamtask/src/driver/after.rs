//! What is left to do when a task's lock has been let go.
//!
//! No user code runs under the lock: wakers are woken and dropped here, so is memory that callers had lent.
//! Nor does anything that can block: threads are spawned here.

use std::task::Waker;

use streamtask_proto::{HandshakeStep, Lent};

/// Collected while the lock is held, carried out behind it.
#[derive(Default)]
pub(super) struct After {
    pub(super) wakes: Wakers,
    pub(super) drops: Wakers,
    /// Memory on its way back to its owners.
    pub(super) lent: Lent,
    /// A step of the handshake that may block.
    pub(super) step: Option<Box<HandshakeStep>>,
    /// Whether the driver is to look.
    pub(super) driver: bool,
    /// Whether the session has something to say.
    pub(super) session: bool,
}

/// Some wakers. One, as a round trip has it, costs no allocation.
#[derive(Default)]
pub(super) struct Wakers {
    one: Option<Waker>,
    more: Vec<Waker>,
}

impl Wakers {
    pub(super) fn put(&mut self, waker: Waker) {
        match self.one {
            None => self.one = Some(waker),
            Some(_) => self.more.push(waker),
        }
    }

    pub(super) fn put_some(&mut self, waker: Option<Waker>) {
        waker.into_iter().for_each(|waker| self.put(waker));
    }

    pub(super) fn wake(self) {
        self.one.into_iter().chain(self.more).for_each(Waker::wake);
    }
}

//! What is left to do when a task's lock has been let go.
//!
//! No user code runs under the lock: wakers are woken and dropped here. Nor does anything that can block:
//! threads are spawned here.

use std::task::Waker;

use streamtask_proto::{Event, HandshakeStep, ReadData, Target};

use crate::captured::Returns;
use crate::lingering::Lingerer;
use crate::net::linger::Closer;
use crate::net::socket::Socket;
use crate::trace;

/// Collected while the lock is held, carried out behind it.
#[derive(Default)]
pub(super) struct After {
    pub(super) wakes: Wakers,
    pub(super) drops: Wakers,
    /// A socket that is to be let go gently.
    pub(super) parting: Option<Parting>,
    /// What comes back to streams that were captured.
    pub(super) returned: Option<Return>,
    /// A step of the handshake that may block.
    pub(super) step: Option<Box<HandshakeStep>>,
    /// What happened, for those who trace.
    pub(super) traced: Vec<Event>,
    /// Somebody waits for a task that nobody has resumed.
    pub(super) is_forgotten: bool,
    /// Whether the driver is to look.
    pub(super) driver: bool,
    /// Whether the task is over and nobody has to hear of it first.
    pub(super) is_over: bool,
}

/// A socket, and what is still to be said on it.
pub(super) struct Parting {
    pub(super) closer: Closer,
    /// Taken under the lock: whoever sees the end of the task sees that its socket lingers.
    pub(super) lingerer: Lingerer,
    pub(super) socket: Socket,
    pub(super) words: Vec<u8>,
}

/// A read that nobody looked at, and where its bytes belong now.
pub(super) struct Return {
    pub(super) to: Returns,
    pub(super) read: ReadData,
    pub(super) is_last: bool,
}

impl After {
    pub(super) fn is_empty(&self) -> bool {
        let has_more = self.driver || self.is_over || self.step.is_some();
        let has_bytes = self.parting.is_some() || self.returned.is_some();
        let has_news = !self.traced.is_empty() || self.is_forgotten;
        !has_more && !has_bytes && !has_news && self.wakes.is_empty() && self.drops.is_empty()
    }

    /// Whether the task is over, which comes last. `make` makes a step of the handshake.
    pub(super) fn carry_out(
        self,
        number: u64,
        target: &Target,
        make: impl FnOnce(Box<HandshakeStep>),
    ) -> bool {
        // What is ours comes first: those who are woken may look for it.
        if let Some(Parting { closer, lingerer, socket, words }) = self.parting {
            closer.close_as(lingerer, socket, words, false);
        }
        if let Some(Return { to, read, is_last }) = self.returned {
            to.give_back(read, is_last);
        }
        if let Some(step) = self.step {
            make(step);
        }
        for event in &self.traced {
            trace::happened(number, target, event);
        }
        if self.is_forgotten {
            trace::is_waited_for_unresumed(number, target);
        }
        self.wakes.wake();
        drop(self.drops);
        self.is_over
    }
}

/// Some wakers. One, as a round trip has it, costs no allocation.
#[derive(Default)]
pub(super) struct Wakers {
    one: Option<Waker>,
    more: Vec<Waker>,
}

impl Wakers {
    fn is_empty(&self) -> bool {
        self.one.is_none()
    }

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

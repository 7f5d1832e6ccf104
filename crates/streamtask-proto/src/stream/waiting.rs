//! What a task waits for, until when, and what it gives back while nothing comes.

use std::time::Instant;

use super::Stream;
use super::barriers::Phase;
use crate::buffer::LEAST;
use crate::deadlines::Deadline;
use crate::{Timeout, Wait};

impl Stream {
    pub(super) fn wait(&self) -> Wait {
        let is_over = self.life.is_over();
        let is_acting = self.is_acting();
        // A handshake runs to its end even in a suspended task.
        let is_answering = matches!(self.barriers.phase(), Some(Phase::Handshake(_)));
        Wait {
            until: self.clock.instant(self.earliest).filter(|_| !is_over),
            receive: !is_over && (is_acting || self.pipe.is_handshaking()) && self.wants_bytes(),
            send: !is_over && (is_acting || is_answering) && self.has_bytes(),
            sweep: matches!(self.barriers.phase(), Some(Phase::Sweep(_))),
        }
    }

    fn has_bytes(&self) -> bool {
        if self.writes.is_empty() || self.pipe.is_secure() {
            return !self.pipe.pending().is_empty();
        }
        !self.pipe.pending().is_empty()
            || (self.writes.failure().is_none() && self.writes.has_bytes(self.barriers.hold()))
    }

    fn wants_bytes(&self) -> bool {
        if self.broken.is_some() || self.pipe.has_fin() {
            return false;
        }
        match self.barriers.phase() {
            Some(Phase::Sweep(_)) => true,
            // A step that is out asks somebody; what comes meanwhile may wait in the kernel.
            Some(Phase::Handshake(_)) => !self.pipe.is_stepping(),
            Some(Phase::AwaitClose(_)) => self.pipe.readable().len() < STOP_BACKLOG,
            Some(Phase::FlushWrite) | None => {
                let is_ended = self.pipe.end().is_some();
                let hold = self.barriers.hold();
                !is_ended && (self.reads.has_before(hold) || self.is_dying())
            }
        }
    }

    /// Whether writing has failed, so that what the peer still said should be had before it is gone.
    pub(super) fn is_dying(&self) -> bool {
        self.writes.failure().is_some_and(|error| !error.is_timeout())
    }

    /// Notes a deadline, so that waiting knows of it.
    pub(super) fn deadline(&mut self, now: Instant, timeout: Timeout) -> Deadline {
        if timeout == Timeout::NEVER {
            return Deadline::NEVER;
        }
        let deadline = self.clock.deadline(now, timeout);
        self.earliest = self.earliest.min(deadline);
        deadline
    }

    /// Grown buffers are looked at again after a while.
    pub(super) fn note_load(&mut self, now: Instant) {
        self.rest.1 = Load::Busy;
        if self.rest.0 == Deadline::NEVER && self.pipe.capacity() > GROWN {
            self.rest.0 = self.deadline(now, REST);
        }
    }

    /// Gives grown buffers back if nothing has come for a while.
    pub(super) fn rest(&mut self, now: Instant) {
        self.rest.0 = Deadline::NEVER;
        match std::mem::replace(&mut self.rest.1, Load::Idle) {
            Load::Busy => self.rest.0 = self.deadline(now, REST),
            Load::Idle => self.pipe.rest(),
        }
    }
}

/// Whether bytes have come since somebody last looked.
#[derive(Clone, Copy)]
pub(super) enum Load {
    Idle,
    Busy,
}

/// Buffers over this are given back when a connection falls idle.
const GROWN: usize = 4 * LEAST;
/// How long a connection has nothing to receive before it counts as idle.
const REST: Timeout = Timeout::seconds(1);
/// How much a peer may still send under TLS while its close_notify is awaited and nobody reads.
const STOP_BACKLOG: usize = 1 << 20;

//! What a task waits for, until when, and what it gives back while nothing comes.

use std::time::Instant;

use super::Stream;
use super::barriers::Phase;
use super::reads::ReadSide;
use crate::buffer::LEAST;
use crate::deadlines::{Deadline, Term};
use crate::{Timeout, Wait};

impl Stream {
    pub(super) fn wait(&self) -> Wait {
        let is_over = self.life.is_over();
        if !is_over && self.way.is_proxying() {
            return self.wait_for_proxy();
        }
        let is_acting = self.is_acting();
        // A handshake runs to its end even in a suspended task, our Finished with it.
        let receives = is_acting || self.pipe.is_handshaking();
        let sends = is_acting || self.barriers.is_handshaking() || self.is_finishing;
        Wait {
            until: self.next_moment().filter(|_| !is_over),
            receive: !is_over && receives && self.wants_bytes(),
            send: !is_over && sends && self.has_bytes(),
            sweep: is_acting && matches!(self.barriers.phase(), Some(Phase::Sweep { .. })),
        }
    }

    fn wait_for_proxy(&self) -> Wait {
        Wait {
            until: self.next_moment(),
            receive: !self.pipe.has_fin(),
            send: !self.pipe.pending().is_empty(),
            sweep: false,
        }
    }

    /// The race goes on in a suspended task, too, as its attempts do.
    fn next_moment(&self) -> Option<Instant> {
        let limit = self.clock.instant(self.earliest);
        limit.into_iter().chain(self.way.until()).min()
    }

    fn has_bytes(&self) -> bool {
        if self.writes.is_shut() {
            return false;
        }
        // Under TLS what can be encrypted is encrypted by now, and pending.
        let takes_writes = !self.pipe.is_secure() && self.writes.failure().is_none();
        !self.pipe.pending().is_empty()
            || (takes_writes && self.writes.has_bytes(self.holds().writes))
    }

    fn wants_bytes(&self) -> bool {
        if self.pipe.has_fin() || self.broken.is_some() {
            return false;
        }
        match self.barriers.phase() {
            // What comes while somebody is asked may wait in the kernel.
            Some(Phase::Sweep { .. } | Phase::Asking(_)) => false,
            Some(Phase::Handshake(_)) => !self.pipe.is_stepping(),
            Some(Phase::AwaitClose(_) | Phase::FlushWrite(_)) | None => {
                self.pipe.end().is_none() && (self.has_reader() || self.takes_in_unasked())
            }
        }
    }

    fn has_reader(&self) -> bool {
        self.reads.has_before(self.holds().reads)
    }

    /// Whether bytes are wanted though nobody reads: the peer's close_notify comes behind them, or what the
    /// peer said before it broke the connection off should be had before it is gone, or a peer may have to
    /// get rid of them before it reads on, where nobody will read them here.
    fn takes_in_unasked(&self) -> bool {
        let is_stopping = matches!(self.barriers.phase(), Some(Phase::AwaitClose(_)));
        let is_dying = self.writes.send_failure().is_some();
        let is_left = (self.abandoned || self.reads_no_more()) && !self.writes.is_empty();
        (is_stopping || is_dying || is_left) && self.pipe.inbox().len() < MOST_UNASKED
    }

    /// Whether what comes from now on is for nobody.
    pub(super) fn reads_no_more(&self) -> bool {
        self.reads.side() != ReadSide::Open && self.reads.is_empty()
    }

    /// Nobody holds the task, and more lies unread than is kept for somebody who might take it up again:
    /// nobody will read here any more. The peer has to be rid of it, lest it takes nothing of what is still to
    /// be sent.
    pub(super) fn give_up_reading(&mut self) {
        let is_at_work = self.is_acting() && self.reads.is_empty() && !self.is_idle();
        let is_too_much = self.pipe.inbox().len() >= MOST_UNASKED;
        // Behind a close_read it is thrown away already, unless a start has to judge it.
        let is_kept = match self.reads.side() {
            ReadSide::Open => true,
            ReadSide::Closing => self.barriers.starts_secure(),
            ReadSide::Closed => false,
        };
        if is_at_work && is_too_much && is_kept {
            self.reads.set_side(ReadSide::Closed);
            self.tell_read_closed();
        }
    }

    /// Behind a close_read, once the reads before it are done, what comes is taken in for what stands behind
    /// it, and is itself for nobody. Only a start of TLS has to see the clear text that was there before it.
    pub(super) fn throw_away_unread(&mut self) {
        let is_judged = self.barriers.starts_secure() && !self.pipe.is_secure();
        if self.reads_no_more() && !is_judged {
            self.pipe.inbox_mut().throw_away();
        }
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

    /// The limit of an operation that is called now.
    pub(super) fn term(&mut self, now: Instant, length: Timeout) -> Term {
        Term { end: self.deadline(now, length), length }
    }

    /// Grown buffers are looked at again after a while.
    pub(super) fn note_load(&mut self, now: Instant) {
        match &mut self.memory {
            Memory::Grown { is_idle, .. } => *is_idle = false,
            Memory::Small if self.pipe.capacity() > GROWN => {
                let look = self.deadline(now, PATIENCE);
                self.memory = Memory::Grown { look, is_idle: false };
            }
            Memory::Small => {}
        }
    }

    /// Gives grown buffers back if nothing has come for a while.
    pub(super) fn look_at_memory(&mut self, now: Instant) {
        self.memory = match self.memory {
            Memory::Grown { is_idle: false, .. } => {
                Memory::Grown { look: self.deadline(now, PATIENCE), is_idle: true }
            }
            Memory::Grown { is_idle: true, .. } | Memory::Small => {
                self.pipe.shrink();
                Memory::Small
            }
        };
    }
}

/// How much memory the buffers hold.
#[derive(Clone, Copy, Default)]
pub(super) enum Memory {
    /// What a connection at rest holds.
    #[default]
    Small,
    /// More: when it is looked at again, and whether nothing has come since it was looked at.
    Grown { look: Deadline, is_idle: bool },
}

impl Memory {
    pub(super) fn deadline(self) -> Deadline {
        match self {
            Memory::Small => Deadline::NEVER,
            Memory::Grown { look, .. } => look,
        }
    }
}

/// Buffers over this are given back when a connection falls idle.
const GROWN: usize = 4 * LEAST;
/// How long a connection has nothing to receive before it counts as idle.
const PATIENCE: Timeout = Timeout::seconds(1);
/// How much is taken in while nobody reads (A36); then TCP holds the peer back.
const MOST_UNASKED: usize = 1 << 20;

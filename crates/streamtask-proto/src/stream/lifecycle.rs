//! The life of a task: made, opening, open, over. Its pauses, and its limits in time.

use std::time::{Duration, Instant};

use super::Stream;
use super::barriers::Phase;
use super::late::late;
use super::writes::WriteSide;
use crate::deadlines::Deadline;
use crate::{Call, Error, ErrorKind, Limit, Outcome, TaskState};

/// How far a task has come.
#[derive(Debug)]
pub(super) enum Life {
    /// Never resumed.
    New,
    /// The connection is being made.
    Opening(Deadline),
    /// The connection stands.
    Open,
    /// It has ended, well or not.
    Finished(Result<(), Error>),
    /// Its streams were handed over.
    Captured,
}

impl Life {
    pub(super) fn is_over(&self) -> bool {
        matches!(self, Life::Finished(_) | Life::Captured)
    }

    /// What an operation gets from a task that is over (spec, 1.9); `None` while it is not, and for reads:
    /// what came and was not read is still there.
    pub(super) fn answer(&self, operation: &Call) -> Option<Result<Outcome, Error>> {
        match (self, operation) {
            (Life::New | Life::Opening(_) | Life::Open, _) => None,
            (Life::Finished(_) | Life::Captured, Call::CloseRead | Call::CloseWrite) => {
                Some(Ok(Outcome::Done))
            }
            (Life::Finished(_), Call::Read(..)) => None,
            (Life::Finished(Err(error)), _) => Some(Err(error.clone())),
            (Life::Finished(Ok(())) | Life::Captured, _) => {
                Some(Err(ErrorKind::NotConnected.into()))
            }
        }
    }
}

impl Stream {
    /// Where the task stands. A cancelled task that its delegate has not heard of is the driver's to name.
    pub fn state(&self) -> TaskState {
        match (&self.life, self.suspensions) {
            (Life::Finished(_) | Life::Captured, _) => TaskState::Completed,
            (_, 0) => TaskState::Running,
            (_, _) => TaskState::Suspended,
        }
    }

    /// How the task ended, if it failed.
    pub fn error(&self) -> Option<&Error> {
        match &self.life {
            Life::Finished(Err(error)) => Some(error),
            Life::Finished(Ok(())) | Life::Captured => None,
            Life::New | Life::Opening(_) | Life::Open => None,
        }
    }

    /// Whether nothing will ever happen again.
    pub fn is_over(&self) -> bool {
        self.life.is_over()
    }

    /// Whether the task was ever resumed.
    pub fn has_begun(&self) -> bool {
        !matches!(self.life, Life::New)
    }

    /// Whether the connection does not stand yet.
    pub fn is_opening(&self) -> bool {
        matches!(self.life, Life::New | Life::Opening(_))
    }

    /// Whether operations may go on.
    pub(super) fn is_acting(&self) -> bool {
        matches!(self.life, Life::Open) && self.suspensions == 0
    }

    pub(super) fn resume(&mut self, now: Instant) {
        if self.life.is_over() || self.suspensions == 0 {
            return;
        }
        self.suspensions -= 1;
        if self.suspensions > 0 {
            return;
        }
        self.clock.run(now);
        if let Life::New = self.life {
            self.resource_deadline = self.deadline(now, self.options.timeout_for_resource);
            self.set_out(now);
        }
    }

    pub(super) fn suspend(&mut self, now: Instant) {
        if self.life.is_over() {
            return;
        }
        self.suspensions = self.suspensions.saturating_add(1);
        self.clock.stop(now);
    }

    pub(super) fn tick(&mut self, now: Instant) {
        self.time_passes_on_the_way(now);
        let time = self.clock.at(now);
        if self.life.is_over() || !self.earliest.is_past(time) {
            return;
        }
        match self.limit(time) {
            Some(limit) => self.fail(self.over_limit(limit)),
            None => self.expire(time),
        }
        if self.memory.deadline().is_past(time) {
            self.look_at_memory(now);
        }
        self.earliest = self.next_deadline();
    }

    /// The limit of the whole task, or of what it is at, that has been reached.
    fn limit(&self, time: Duration) -> Option<Limit> {
        if self.resource_deadline.is_past(time) {
            return Some(Limit::Resource);
        }
        match (&self.life, self.barriers.phase()) {
            (Life::Opening(deadline), _) if deadline.is_past(time) => Some(Limit::Connect),
            (_, Some(Phase::Handshake(deadline))) if deadline.is_past(time) => {
                Some(Limit::SecureStart)
            }
            (_, Some(Phase::AwaitClose(deadline))) if deadline.is_past(time) => {
                Some(Limit::SecureStop)
            }
            _ => None,
        }
    }

    fn expire(&mut self, time: Duration) {
        if let Some(Phase::FlushWrite(deadline)) = self.barriers.phase()
            && deadline.is_past(time)
        {
            // The rest of a write that was cut off does not leave: FIN goes without it.
            self.pipe.forget_pending();
            self.barriers.set_phase(Phase::FlushWrite(Deadline::NEVER));
        }
        let at = self.at();
        if self.options.timeout_is_fatal
            && let Some(length) = self.reads.first_over(time)
        {
            return self.fail(late(Limit::Read, length, at.unwrap_or("which is fatal here")));
        }
        for (read, error) in self.reads.expire(time, at, self.pipe.inbox().first().len()) {
            self.complete_lent(read, Err(error));
        }
        for (write, error) in self.writes.expire(time, at) {
            self.complete_lent(write, Err(error));
        }
        if let WriteSide::Poisoned(error) = self.writes.side() {
            // Later writes are told when it was.
            let error = self.placed(error.clone());
            self.writes.set_side(WriteSide::Poisoned(error));
            self.tell_write_closed();
        }
    }

    fn next_deadline(&self) -> Deadline {
        let opening = match self.life {
            Life::Opening(deadline) => deadline,
            Life::New | Life::Open | Life::Finished(_) | Life::Captured => Deadline::NEVER,
        };
        let lanes = self.reads.earliest_deadline().min(self.writes.earliest_deadline());
        let phases = self.barriers.deadline().min(self.resource_deadline);
        opening.min(lanes).min(phases).min(self.memory.deadline())
    }

    /// The deadline of a phase that begins now.
    pub(super) fn phase_deadline(&mut self, now: Instant) -> Deadline {
        self.deadline(now, self.options.timeout_for_request)
    }
}

//! The life of a task: made, opening, open, over. And its pauses.

use std::time::Instant;

use super::Stream;
use super::barriers::Phase;
use super::reads::{End, ReadSide};
use super::writes::{Poisoned, WriteSide};
use crate::deadlines::Deadline;
use crate::{
    Closing, Error, ErrorKind, Event, Limit, Operation, Outcome, Output, TaskState, Timeout,
};

/// How far a task has come.
#[derive(Debug)]
pub(super) enum Life {
    /// Never resumed.
    New,
    /// The driver is making the connection.
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

    /// What an operation gets from a task that is over (spec, 1.9); `None` while it is not.
    pub(super) fn answer(&self, operation: &Operation) -> Option<Result<Outcome, Error>> {
        match (self, operation) {
            (Life::New | Life::Opening(_) | Life::Open, _) => None,
            (Life::Finished(_) | Life::Captured, Operation::CloseRead | Operation::CloseWrite) => {
                Some(Ok(Outcome::Done))
            }
            (Life::Finished(Err(error)), _) => Some(Err(error.clone())),
            // What came back from a dropped read, and then the end, again and again.
            (Life::Finished(Ok(())), Operation::Read(..)) => None,
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
            self.life = Life::Opening(self.deadline(now, self.options.timeout_for_request));
            self.resource_deadline = self.deadline(now, self.options.timeout_for_resource);
            self.outputs.push_back(Output::Connect);
        }
    }

    pub(super) fn suspend(&mut self, now: Instant) {
        if self.life.is_over() {
            return;
        }
        self.suspensions = self.suspensions.saturating_add(1);
        self.clock.stop(now);
    }

    pub(super) fn connected(&mut self) {
        if let Life::Opening(_) = self.life {
            self.life = Life::Open;
            self.tell(Event::Connected);
        }
    }

    pub(super) fn tick(&mut self, now: Instant) {
        let time = self.clock.at(now);
        if self.life.is_over() || !self.earliest.is_past(time) {
            return;
        }
        let limit = match (&self.life, self.barriers.phase()) {
            _ if self.resource_deadline.is_past(time) => Some(Limit::Resource),
            (Life::Opening(deadline), _) if deadline.is_past(time) => Some(Limit::Connect),
            (_, Some(Phase::Handshake(deadline))) if deadline.is_past(time) => {
                Some(Limit::SecureStart)
            }
            (_, Some(Phase::AwaitClose(deadline))) if deadline.is_past(time) => {
                Some(Limit::SecureStop)
            }
            _ => None,
        };
        match limit {
            Some(limit) => self.fail(ErrorKind::TimedOut(limit).into()),
            None => self.expire(time),
        }
        if self.rest.0.is_past(time) {
            self.rest(now);
        }
        self.earliest = self.next_deadline();
    }

    fn expire(&mut self, time: std::time::Duration) {
        for (id, error) in self.reads.expire(time) {
            self.complete(id, Err(error.clone()));
            if self.options.timeout_is_fatal {
                return self.fail(error);
            }
        }
        let (late, poisoned) = self.writes.expire(time);
        for (id, error) in late {
            self.complete(id, Err(error));
        }
        if let Poisoned::Yes(error) = poisoned {
            self.writes.set_side(WriteSide::Failed(error));
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
        opening.min(lanes).min(phases).min(self.rest.0)
    }

    /// Writing has become impossible. What the peer said before may still be read.
    pub(super) fn send_failed(&mut self, error: Error) {
        if !self.barriers.is_empty() {
            return self.fail(error);
        }
        for id in self.writes.drain() {
            self.complete(id, Err(error.clone()));
        }
        // What could not be sent of our own making never will be.
        self.pipe.sent(self.pipe.pending().len());
        self.writes.set_side(WriteSide::Failed(error));
        self.tell_write_closed();
    }

    pub(super) fn tell_write_closed(&mut self) {
        if !std::mem::replace(&mut self.told_write_closed, true) {
            self.tell(Event::WriteClosed);
        }
    }

    pub(super) fn tell_read_closed(&mut self) {
        if !std::mem::replace(&mut self.told_read_closed, true) {
            self.tell(Event::ReadClosed);
        }
    }

    /// What follows once the lanes have come to rest: ends are announced, and perhaps this was the last.
    pub(super) fn settle(&mut self) {
        if self.life.is_over() {
            return;
        }
        if self.abandoned && (self.is_idle() || !self.has_begun()) {
            return self.close_abandoned();
        }
        if !self.is_acting() {
            return;
        }
        let end = self.end();
        if matches!(end, Some(End::Eof(_))) && self.reads.is_empty() {
            self.tell_read_closed();
        }
        self.end_if_all_is_done(end);
    }

    fn end_if_all_is_done(&mut self, end: Option<End>) {
        let dead = match (&self.broken, self.writes.failure()) {
            (Some(error), _) => Some(error.clone()),
            // After a failed write even an orderly end is only the rest of the failure.
            (None, Some(error)) if end.is_some() && self.is_dying() => Some(error.clone()),
            (None, _) => None,
        };
        if let Some(error) = dead
            && (self.pipe.readable().is_empty() || self.reads.has_before(u64::MAX))
        {
            return self.fail(error);
        }
        let lanes_are_over = self.writes.is_over() && self.reads.is_over();
        if lanes_are_over && self.is_idle() && self.pipe.pending().is_empty() {
            let result = match (self.writes.failure(), end) {
                (Some(error), _) => Err(error.clone()),
                (None, Some(End::Broken(error))) if self.reads.side() != ReadSide::Closed => {
                    Err(error)
                }
                (None, _) => Ok(()),
            };
            self.finish(result);
        }
    }

    fn is_idle(&self) -> bool {
        self.reads.is_empty() && self.writes.is_empty() && self.barriers.is_empty()
    }

    /// Nobody holds the task any more and nothing is queued: it ends as if it had been closed.
    fn close_abandoned(&mut self) {
        match self.life {
            // It can never be resumed again, so it never did anything, nor what was queued.
            Life::New => self.fail(ErrorKind::Cancelled.into()),
            Life::Opening(_) => self.finish(Ok(())),
            Life::Open => {
                let said = match self.writes.side() {
                    WriteSide::Open => self.pipe.close_notify(),
                    WriteSide::Closing | WriteSide::Closed | WriteSide::Failed(_) => Ok(()),
                };
                self.finish(said);
            }
            Life::Finished(_) | Life::Captured => {}
        }
    }

    /// Ends the task: everything queued completes with `error`, reads first, in order.
    pub(super) fn fail(&mut self, error: Error) {
        if self.life.is_over() {
            return;
        }
        let error = error.at(self.target.to_string());
        let lanes: Vec<_> = self.reads.drain().chain(self.writes.drain()).collect();
        for id in lanes.into_iter().chain(self.barriers.drain()) {
            self.complete(id, Err(error.clone()));
        }
        self.finish(Err(error));
    }

    fn finish(&mut self, result: Result<(), Error>) {
        let result = result.map_err(|error| error.at(self.target.to_string()));
        self.outputs.push_back(Output::Close(Closing::AtOnce));
        self.tell(Event::Finished(result.clone()));
        self.life = Life::Finished(result);
    }

    /// Hands the pipe over; the task is over without another word.
    pub(super) fn hand_over(&mut self) {
        let pipe = std::mem::replace(&mut self.pipe, crate::Pipe::new());
        self.outputs.push_back(Output::Captured(Box::new(pipe)));
        self.life = Life::Captured;
    }

    /// The deadline of a phase that begins now.
    pub(super) fn phase_deadline(&mut self, now: Instant) -> Deadline {
        let timeout: Timeout = self.options.timeout_for_request;
        self.deadline(now, timeout)
    }
}

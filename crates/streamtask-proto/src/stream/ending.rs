//! How a task ends: failed, closed on both sides, dropped by all, or handed over.

use std::time::Instant;

use super::lifecycle::Life;
use super::reads::Behind;
use super::writes::WriteSide;
use super::{Stream, lent};
use crate::{Closing, EofKind, Error, ErrorKind, Event, EventKind, Layer, OpId, Outcome, Output};

impl Stream {
    /// Writing has become impossible, and nothing more: what the peer has said is still to be read.
    pub(super) fn send_failed(&mut self, error: Error) {
        // Whoever learns of it later is told when it was.
        let error = self.placed(error);
        self.pipe.forget_pending();
        if error.casts_doubt_on_the_end() && self.doubt.is_none() {
            self.doubt = Some(error.clone());
        }
        if self.writes.is_shut() {
            return;
        }
        for write in self.writes.drain() {
            self.complete_lent(write, Err(error.clone()));
        }
        self.writes.set_side(WriteSide::Failed(error));
        self.tell_write_closed();
    }

    /// The stream is broken from now on; the first reason stays.
    pub(super) fn break_off(&mut self, error: Error) {
        if self.broken.is_none() {
            self.broken = Some(self.placed(error));
        }
    }

    /// The peer's FIN; but once a send was answered by a reset, or has failed otherwise, no end is clean.
    pub(super) fn received_end(&mut self, now: Instant) {
        self.pipe.received_end();
        if self.converse(now) {
            return;
        }
        if self.broken.is_none() {
            self.broken = self.doubt.clone().or_else(|| self.cut_off_handshake());
        }
    }

    pub(super) fn tell_write_closed(&mut self) {
        if !std::mem::replace(&mut self.told_write_closed, true) {
            self.tell(EventKind::WriteClosed);
        }
    }

    pub(super) fn tell_read_closed(&mut self) {
        if !std::mem::replace(&mut self.told_read_closed, true) {
            self.tell(EventKind::ReadClosed);
        }
    }

    /// What follows once the lanes have come to rest: ends are announced, and perhaps this was the last.
    pub(super) fn settle(&mut self) {
        if self.life.is_over() {
            return;
        }
        if self.is_opening() {
            // What has come is a proxy's, and no concern of anybody who reads.
            if self.abandoned {
                self.settle_abandoned();
            }
            return;
        }
        if self.is_acting() && self.is_end_known() && self.reads.is_empty() {
            self.tell_read_closed();
        }
        if self.abandoned {
            self.give_up_reading();
            self.settle_abandoned();
        }
        self.throw_away_unread();
        if !self.is_acting() {
            return;
        }
        if self.writes.is_over() && self.reads.is_over() && self.is_idle() {
            self.finish(self.result_of_both_sides(), Closing::Lingering);
        }
    }

    /// Whether the peer has said its last byte, read or not.
    fn is_end_known(&self) -> bool {
        match self.behind_all() {
            Behind::End(_) | Behind::Failure(_) => true,
            Behind::More | Behind::Switch => false,
        }
    }

    /// Somebody has looked at a read that told the end. That of a layer which TLS has left was not the
    /// stream's.
    pub(super) fn see_end(&mut self, layer: Layer) {
        if layer == self.pipe.inbox().layer() {
            self.reads.see_end();
        }
    }

    fn result_of_both_sides(&self) -> Result<(), Error> {
        match (self.writes.failure(), self.behind()) {
            (Some(error), _) => Err(error.clone()),
            (None, Behind::Failure(error)) if self.reads.is_end_seen() => Err(error),
            (None, _) => Ok(()),
        }
    }

    pub(super) fn is_idle(&self) -> bool {
        self.is_nothing_queued() && self.pipe.pending().is_empty()
    }

    fn is_nothing_queued(&self) -> bool {
        self.reads.is_empty() && self.writes.is_empty() && self.barriers.is_empty()
    }

    /// Nobody holds the task any more. With nothing queued it ends as if it had been closed; what is queued
    /// runs on, unless nobody is left who could resume it.
    fn settle_abandoned(&mut self) {
        let cancelled = || Error::from(ErrorKind::Cancelled);
        match self.life {
            Life::New => self.fail(cancelled()),
            Life::Opening(_) | Life::Open if !self.is_nothing_queued() => {
                if self.suspensions > 0 {
                    self.fail_closing(cancelled(), Closing::Lingering);
                }
            }
            Life::Opening(_) => self.finish(Ok(()), Closing::AtOnce),
            Life::Open => {
                let said = match self.writes.side() {
                    WriteSide::Open => self.pipe.close_notify(),
                    WriteSide::Closing | WriteSide::Closed => Ok(()),
                    WriteSide::Poisoned(error) | WriteSide::Failed(error) => Err(error.clone()),
                };
                self.finish(said, Closing::Lingering);
            }
            Life::Finished(_) | Life::Captured => {}
        }
    }

    /// The stream is broken: nothing will come, and nothing can leave.
    pub(super) fn fail_broken(&mut self, error: Error) {
        if self.life.is_over() {
            return;
        }
        self.complete_all(&error);
        match error.kind() {
            // Ended by this side, though it came up in a handshake.
            ErrorKind::Cancelled | ErrorKind::ResourceExhausted => {}
            _ => {
                self.tell_read_closed();
                self.tell_write_closed();
            }
        }
        self.finish(Err(error), Closing::AtOnce);
    }

    /// Ends the task: everything queued completes with `error`, reads first, in order.
    pub(super) fn fail(&mut self, error: Error) {
        self.fail_closing(error, Closing::AtOnce);
    }

    fn fail_closing(&mut self, error: Error, closing: Closing) {
        if self.life.is_over() {
            return;
        }
        self.complete_all(&error);
        self.finish(Err(error), closing);
    }

    fn complete_all(&mut self, error: &Error) {
        self.leave_the_way();
        let is_for_nobody =
            matches!(error.kind(), ErrorKind::Cancelled | ErrorKind::UnexpectedClearText { .. });
        if is_for_nobody {
            self.pipe.inbox_mut().discard();
        }
        let hold = if self.is_acting() { self.holds().reads } else { 0 };
        for (read, answer) in self.reads.fail(&mut self.pipe, hold, error) {
            self.complete_lent(read, answer.map(Outcome::Read));
        }
        if self.barriers.starts_secure() {
            // Whoever reads from now on counts on TLS.
            self.pipe.inbox_mut().seal_clear_text();
            self.pipe.inbox_mut().discard_clear_text();
        }
        for write in self.writes.drain() {
            self.complete_lent(write, Err(error.clone()));
        }
        for id in self.barriers.drain() {
            self.complete(id, Err(error.clone()));
        }
    }

    fn finish(&mut self, result: Result<(), Error>, closing: Closing) {
        let result = result.map_err(|error| self.placed(error));
        self.leave_the_way();
        self.outputs.push_back(Output::Close(closing));
        self.tell(EventKind::Finished(result.clone()));
        self.life = Life::Finished(result);
    }

    /// Hands the pipe over; the task is over without another word.
    pub(super) fn hand_over(&mut self) {
        let pipe = std::mem::replace(&mut self.pipe, crate::Pipe::new());
        self.outputs.push_back(Output::Captured(Box::new(pipe)));
        self.life = Life::Captured;
    }

    /// What stands behind the bytes that may be read.
    pub(super) fn behind(&self) -> Behind {
        match self.pipe.inbox().is_behind_a_switch() {
            true => Behind::Switch,
            false => self.behind_all(),
        }
    }

    /// What stands behind all bytes that are there.
    fn behind_all(&self) -> Behind {
        let is_strict = self.options.strict_barriers;
        match self.pipe.end() {
            None => Behind::More,
            Some(EofKind::CloseNotify) if self.barriers.is_stop_imminent(is_strict) => {
                Behind::Switch
            }
            // While TLS is being switched, an end is the switch's failure and so the whole task's; and what
            // is broken has no end of its own.
            Some(_) if self.barriers.is_switching() || self.broken.is_some() => Behind::More,
            Some(EofKind::Truncated) if !self.options.tolerate_truncation => {
                let error = Error::from(ErrorKind::Truncated);
                Behind::Failure(error.ending(self.pipe.inbox().layer()))
            }
            Some(kind) => Behind::End(kind),
        }
    }

    pub(super) fn complete_lent(&mut self, done: lent::Done, result: Result<Outcome, Error>) {
        self.lent.put(done.lent);
        self.complete(done.id, result);
    }

    pub(super) fn complete(&mut self, id: OpId, result: Result<Outcome, Error>) {
        let placed = result.map_err(|error| self.placed(error));
        self.outputs.push_back(Output::Complete(id, placed));
    }

    /// The same with where and when it happened.
    pub(super) fn placed(&self, error: Error) -> Error {
        error.with_endpoint(self.target.to_string()).with_when(self.now)
    }

    pub(super) fn tell(&mut self, kind: EventKind) {
        self.outputs.push_back(Output::Event(Event { kind, when: self.now }));
    }
}

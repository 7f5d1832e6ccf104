//! What the barriers do when their turn has come: switch TLS on and off, close sides, hand over.
//!
//! This is where bytes could be lost, doubled or injected, so every switch states what must hold before
//! it and leaves every byte with one owner, the pipe.

use std::time::Instant;

use super::barriers::{Barrier, BarrierKind, Phase};
use super::reads::ReadSide;
use super::writes::WriteSide;
use super::{Stream, UnreadClearText};
use crate::deadlines::Deadline;
use crate::tls::SecureOptions;
use crate::{EofKind, Error, ErrorKind, EventKind, HandshakeStep, OpId, Outcome, Output};

impl Stream {
    /// Begins the barrier whose turn has come.
    pub(super) fn begin_barriers(&mut self, now: Instant) {
        if self.barriers.is_empty() {
            return;
        }
        let mut barriers = std::mem::take(&mut self.barriers);
        let ready = barriers.take_ready(|barrier| self.is_ready(barrier));
        self.barriers = barriers;
        if let Some(barrier) = ready {
            self.stirred = true;
            self.begin(now, barrier);
        }
    }

    /// Whether everything that this barrier waits for is done.
    fn is_ready(&self, barrier: &Barrier) -> bool {
        let no_reads = !self.reads.has_before(barrier.seq);
        let no_writes = !self.writes.has_before(barrier.seq);
        let all_sent = self.pipe.pending().is_empty();
        let has_failed = self.writes.failure().is_some();
        let is_strict = self.options.strict_barriers;
        match barrier.kind {
            BarrierKind::CloseRead => no_reads && no_writes,
            BarrierKind::CloseWrite => no_writes && (no_reads || !is_strict),
            BarrierKind::StartSecure(_) => {
                no_writes && all_sent && (no_reads || self.may_carry_reads_across())
            }
            // Where nothing can be written any more, nothing is gained by waiting for what is stuck.
            BarrierKind::StopSecure => {
                no_writes && (all_sent || has_failed) && (no_reads || !is_strict)
            }
            BarrierKind::Capture => no_reads && no_writes && (all_sent || has_failed),
        }
    }

    /// A parked read has no byte yet, so nothing of it could end up on the wrong side of a start. Where
    /// nothing can be sent there will be no start, and reads get what came before its failure.
    fn may_carry_reads_across(&self) -> bool {
        let is_parked = self.pipe.inbox().is_empty();
        is_parked && !self.options.strict_barriers && self.writes.failure().is_none()
    }

    fn begin(&mut self, now: Instant, Barrier { id, seq, kind }: Barrier) {
        match kind {
            BarrierKind::CloseRead => {
                self.reads.set_side(ReadSide::Closed);
                self.tell_read_closed();
                self.complete(id, Ok(Outcome::Done));
            }
            BarrierKind::CloseWrite => {
                let deadline = match self.writes.side() {
                    WriteSide::Poisoned(_) => self.phase_deadline(now),
                    WriteSide::Open
                    | WriteSide::Closing
                    | WriteSide::Closed
                    | WriteSide::Failed(_) => Deadline::NEVER,
                };
                self.barriers.begin(id, seq, Phase::FlushWrite(deadline));
                self.begin_close_write();
            }
            BarrierKind::StartSecure(options) => match self.info.clone() {
                Some(info) if self.pipe.is_secure() => {
                    self.complete(id, Ok(Outcome::Secured(info)));
                }
                _ => {
                    self.barriers.begin(id, seq, Phase::Sweep { options, discarded: 0 });
                    self.begin_start();
                }
            },
            BarrierKind::StopSecure if !self.pipe.is_secure() => {
                self.complete(id, Ok(Outcome::Done));
            }
            BarrierKind::StopSecure => {
                let deadline = self.phase_deadline(now);
                self.barriers.begin(id, seq, Phase::AwaitClose(deadline));
                self.begin_stop();
            }
            BarrierKind::Capture => self.capture(id),
        }
    }

    fn begin_close_write(&mut self) {
        // Behind a write that was cut off, close_notify would call the stream whole.
        if self.writes.failure().is_none()
            && let Err(error) = self.pipe.close_notify()
        {
            self.send_failed(error);
        }
    }

    /// A stream that cannot switch to TLS must not go on in clear text: what is queued behind counts on it.
    fn begin_start(&mut self) {
        self.pipe.inbox_mut().seal_clear_text();
        if let Some(error) = self.writes.failure().cloned() {
            return self.fail(error);
        }
        if self.writes.is_over() || self.reads.side() == ReadSide::Closed {
            let why = "TLS cannot start on a stream of which this end has closed a side";
            return self.fail(Error::new(ErrorKind::NotConnected).with_detail(why));
        }
        self.judge_clear_text();
    }

    /// The stop of a stream that can send no close_notify only waits for what the peer still says.
    fn begin_stop(&mut self) {
        if self.writes.failure().is_none()
            && let Err(error) = self.pipe.close_notify()
        {
            self.send_failed(error);
        }
    }

    fn capture(&mut self, id: OpId) {
        match self.writes.failure().cloned() {
            Some(error) => self.complete(id, Err(error)),
            None => {
                self.hand_over();
                self.complete(id, Ok(Outcome::Captured(())));
            }
        }
    }

    /// Sees whether the barrier being carried out is done.
    pub(super) fn carry_active(&mut self) {
        match self.barriers.phase() {
            Some(Phase::FlushWrite(_)) => self.flush_write(),
            Some(Phase::AwaitClose(_)) => self.await_close(),
            Some(Phase::Handshake(_)) => self.await_handshake(),
            Some(Phase::Sweep { .. }) if self.pipe.has_fin() => {
                self.lost("the connection ended before TLS could start");
            }
            Some(Phase::Sweep { .. } | Phase::Asking(_)) | None => {}
        }
    }

    fn flush_write(&mut self) {
        if let Some(error) = self.writes.send_failure().cloned() {
            return self.end_barrier(Err(error));
        }
        if !self.pipe.pending().is_empty() {
            return;
        }
        if self.writes.failure().is_none() {
            self.writes.set_side(WriteSide::Closed);
        }
        self.outputs.push_back(Output::ShutdownWrite);
        self.tell_write_closed();
        self.end_barrier(Ok(Outcome::Done));
    }

    /// Both close_notifys have passed, and ours is out: clear text again.
    fn await_close(&mut self) {
        let Some(end) = self.pipe.end() else { return };
        if let Some(error) = self.writes.failure().cloned() {
            return self.fail_broken(error);
        }
        match end {
            EofKind::CloseNotify if self.pipe.pending().is_empty() => {
                debug_assert!(self.pipe.has_sent_close(), "stopping begins with our close_notify");
                self.pipe.stop_secure();
                self.reads.change_layer();
                self.tell(EventKind::Unsecured);
                self.end_barrier(Ok(Outcome::Done));
            }
            EofKind::CloseNotify => {}
            EofKind::Fin | EofKind::Truncated => {
                self.lost("the connection ended before the peer's close_notify");
            }
        }
    }

    fn await_handshake(&mut self) {
        if let Some(info) = self.pipe.info() {
            self.info = Some(info.clone());
            self.is_finishing = !self.pipe.pending().is_empty();
            self.tell(EventKind::Secured(info.clone()));
            self.end_barrier(Ok(Outcome::Secured(info)));
        } else if !self.pipe.is_stepping() && self.pipe.end().is_some() {
            self.lost(CUT_OFF);
        }
    }

    /// Clear text that nobody has read when TLS is to start was not meant for what comes after it: somebody
    /// may have injected it.
    pub(super) fn judge_clear_text(&mut self) {
        let Some(Phase::Sweep { discarded, .. }) = self.barriers.phase_mut() else { return };
        let unread = self.pipe.inbox().clear_text();
        if unread == 0 {
            return;
        }
        *discarded += unread;
        let found = *discarded;
        match self.options.unread_clear_text {
            UnreadClearText::Discard if found <= MOST_DISCARDED => {
                self.pipe.inbox_mut().discard_clear_text();
            }
            UnreadClearText::Discard | UnreadClearText::Fail => {
                self.fail(ErrorKind::UnexpectedClearText { bytes: found }.into());
            }
        }
    }

    /// The socket has no clear text left: TLS may begin.
    pub(super) fn drained(&mut self, now: Instant) {
        if let Some(Phase::Sweep { options, .. }) = self.barriers.phase_mut() {
            let options = std::mem::take(options);
            self.begin_handshake(now, options);
        }
    }

    fn begin_handshake(&mut self, now: Instant, options: SecureOptions) {
        let Some(tls) = &self.tls else {
            let why = "this session has no TLS";
            return self.fail(Error::new(ErrorKind::SecureConnectionFailed).with_detail(why));
        };
        let asker = self.asker.clone();
        let begun =
            self.pipe.start_secure(tls, options, self.target.server_name(), asker, self.may_resume);
        match begun {
            Ok(()) => {
                self.reads.change_layer();
                let deadline = self.phase_deadline(now);
                self.barriers.set_phase(Phase::Handshake(deadline));
            }
            Err(error) => self.fail(error),
        }
    }

    /// Bytes have been through TLS, or would have if that could not block.
    pub(super) fn decoded(&mut self, result: Result<(), Error>) {
        if self.writes.is_shut() {
            // TLS may have something to answer that can no longer be sent.
            self.pipe.forget_pending();
        }
        match result {
            Err(error) => self.break_off(error),
            Ok(()) => {
                if let Some(step) = self.pipe.next_step() {
                    self.outputs.push_back(Output::Step(step));
                }
            }
        }
    }

    pub(super) fn stepped(&mut self, now: Instant, step: HandshakeStep) {
        if self.life.is_over() {
            return;
        }
        self.answered(now);
        let result = self.pipe.stepped(step);
        self.decoded(result);
    }

    /// The time that an answer takes is not the peer's.
    pub(super) fn asked(&mut self, now: Instant) {
        if let Some(Phase::Handshake(deadline)) = self.barriers.phase() {
            let rests = Phase::Asking(deadline.pause(self.clock.at(now)));
            self.barriers.set_phase(rests);
        }
    }

    pub(super) fn answered(&mut self, now: Instant) {
        if let Some(Phase::Asking(paused)) = self.barriers.phase() {
            let deadline = paused.resume(self.clock.at(now));
            self.earliest = self.earliest.min(deadline);
            self.barriers.set_phase(Phase::Handshake(deadline));
        }
    }

    /// The stream ended where a switch needed it.
    fn lost(&mut self, why: &str) {
        let error = self.broken.take().unwrap_or_else(|| self.loss(why));
        self.fail_broken(error);
    }

    fn loss(&self, why: &str) -> Error {
        let error = match self.writes.failure() {
            Some(error) => error.clone(),
            None => Error::new(ErrorKind::ConnectionLost),
        };
        error.with_detail(why)
    }

    /// The peer's FIN before the handshake was over is what ended it, whatever fails while the task is
    /// suspended.
    pub(super) fn cut_off_handshake(&self) -> Option<Error> {
        let is_under_way = matches!(self.barriers.phase(), Some(Phase::Handshake(_)));
        let is_cut_off = is_under_way && self.pipe.info().is_none() && !self.pipe.is_stepping();
        is_cut_off.then(|| self.loss(CUT_OFF))
    }

    fn end_barrier(&mut self, result: Result<Outcome, Error>) {
        self.stirred = true;
        if let Some(id) = self.barriers.end() {
            self.complete(id, result);
        }
    }
}

const CUT_OFF: &str = "the connection ended during the TLS handshake";

/// How much unread clear text is thrown away before TLS: a greeting or a few, and no more.
const MOST_DISCARDED: usize = 64 << 10;

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
use crate::{Error, ErrorKind, Event, HandshakeStep, Outcome, Output};

impl Stream {
    pub(super) fn carry_barriers(&mut self, now: Instant) {
        if self.barriers.is_empty() {
            return;
        }
        self.carry_active();
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
        // A parked read has no byte yet, so nothing of it could end up on the wrong side of a switch.
        let parked = self.pipe.readable().is_empty() && !self.options.strict_barriers;
        match barrier.kind {
            BarrierKind::CloseRead => no_reads && no_writes,
            BarrierKind::CloseWrite => no_writes && (no_reads || !self.options.strict_barriers),
            BarrierKind::StartSecure(_) | BarrierKind::StopSecure => {
                no_writes && all_sent && (no_reads || parked)
            }
            BarrierKind::Capture => no_reads && no_writes && all_sent,
        }
    }

    fn begin(&mut self, now: Instant, Barrier { id, seq, kind }: Barrier) {
        match kind {
            BarrierKind::CloseRead => {
                self.reads.set_side(ReadSide::Closed);
                self.tell_read_closed();
                self.complete(id, Ok(Outcome::Done));
            }
            BarrierKind::CloseWrite => {
                self.barriers.begin(id, seq, Phase::FlushWrite);
                self.begin_close_write();
            }
            BarrierKind::StartSecure(options) => match self.info.clone() {
                Some(info) if self.pipe.is_secure() => {
                    self.complete(id, Ok(Outcome::Secured(info)))
                }
                _ => {
                    self.barriers.begin(id, seq, Phase::Sweep(options));
                    self.begin_start();
                }
            },
            BarrierKind::StopSecure if !self.pipe.is_secure() => {
                self.complete(id, Ok(Outcome::Done))
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
            self.fail(error);
        }
    }

    /// A stream that cannot switch to TLS must not go on in clear text: what is queued behind counts on it.
    fn begin_start(&mut self) {
        if let Some(error) = self.broken.as_ref().or(self.writes.failure()).cloned() {
            return self.fail(error);
        }
        let is_whole = matches!(self.writes.side(), WriteSide::Open)
            && self.reads.side() == ReadSide::Open
            && self.pipe.end().is_none();
        if !is_whole {
            let why = "TLS cannot start on a stream of which a side is closed";
            self.fail(Error::new(ErrorKind::NotConnected).detail(why));
        }
    }

    fn begin_stop(&mut self) {
        if let Some(error) = self.broken.as_ref().or(self.writes.failure()).cloned() {
            return self.fail(error);
        }
        if let Err(error) = self.pipe.close_notify() {
            self.fail(error);
        }
    }

    fn capture(&mut self, id: crate::OpId) {
        match self.writes.failure().cloned() {
            Some(error) => self.complete(id, Err(error)),
            None => {
                self.hand_over();
                self.complete(id, Ok(Outcome::Done));
            }
        }
    }

    /// Sees whether the barrier being carried out is done.
    fn carry_active(&mut self) {
        match self.barriers.phase() {
            Some(Phase::FlushWrite) if self.pipe.pending().is_empty() => self.closed_write(),
            Some(Phase::AwaitClose(_)) => self.await_close(),
            Some(Phase::Handshake(_)) => self.await_handshake(),
            Some(Phase::Sweep(_)) if self.broken.is_some() || self.pipe.has_fin() => {
                self.lost("the connection ended before TLS could start");
            }
            Some(Phase::FlushWrite | Phase::Sweep(_)) | None => {}
        }
    }

    fn closed_write(&mut self) {
        if self.writes.failure().is_none() {
            self.writes.set_side(WriteSide::Closed);
        }
        self.outputs.push_back(Output::ShutdownWrite);
        self.tell_write_closed();
        self.end_barrier(Ok(Outcome::Done));
    }

    /// Both close_notifys have passed, and ours is out: clear text again.
    fn await_close(&mut self) {
        let is_closed = self.pipe.end() == Some(crate::EofKind::CloseNotify);
        if is_closed && self.pipe.pending().is_empty() {
            debug_assert!(self.pipe.has_sent_close(), "stopping begins with our close_notify");
            self.pipe.stop_secure();
            self.reads.change_layer();
            self.tell(Event::Unsecured);
            self.end_barrier(Ok(Outcome::Done));
        } else if !is_closed && (self.pipe.has_fin() || self.broken.is_some()) {
            self.lost("the connection ended before the peer's close_notify");
        }
    }

    fn await_handshake(&mut self) {
        if let Some(info) = self.pipe.info() {
            self.info = Some(info.clone());
            self.tell(Event::Secured(info.clone()));
            self.end_barrier(Ok(Outcome::Secured(info)));
        } else if !self.pipe.is_stepping() && (self.pipe.has_fin() || self.broken.is_some()) {
            self.lost("the connection ended during the TLS handshake");
        }
    }

    /// The socket has no clear text left: TLS may begin.
    pub(super) fn drained(&mut self, now: Instant) {
        let Some(active) = self.barriers.active() else { return };
        let (Phase::Sweep(options), seq) = (&active.phase, active.seq) else { return };
        let options: SecureOptions = options.clone();
        let unread = self.pipe.readable().len();
        if unread > 0 && self.reads.has_before(seq) {
            // A read from before the barrier has part of its bytes: it is not parked any more.
            return;
        }
        match self.options.unread_clear_text {
            UnreadClearText::Fail if unread > 0 => {
                self.fail(ErrorKind::UnexpectedClearText { bytes: unread }.into());
            }
            UnreadClearText::Fail | UnreadClearText::Discard => {
                self.pipe.discard_readable();
                self.begin_handshake(now, options);
            }
        }
    }

    fn begin_handshake(&mut self, now: Instant, options: SecureOptions) {
        let Some(tls) = &self.tls else {
            let why = "this session has no TLS";
            return self.fail(Error::new(ErrorKind::SecureConnectionFailed).detail(why));
        };
        let asker = self.asker.clone();
        let begun =
            self.pipe.start_secure(tls, options, self.target.host(), asker, self.may_resume);
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
    pub(super) fn decoded(&mut self, now: Instant, result: Result<(), Error>) {
        match result {
            Err(error) => self.decode_failed(error),
            Ok(()) => {
                if let Some(step) = self.pipe.next_step() {
                    // The time that an answer takes is not the peer's.
                    self.barriers.set_phase(Phase::Handshake(Deadline::NEVER));
                    self.outputs.push_back(Output::Step(step));
                } else if let Some(Phase::Handshake(Deadline::NEVER)) = self.barriers.phase() {
                    let deadline = self.phase_deadline(now);
                    self.barriers.set_phase(Phase::Handshake(deadline));
                }
            }
        }
    }

    /// The peer broke TLS. What came whole before it is still the reader's; the rest is over.
    fn decode_failed(&mut self, error: Error) {
        match self.barriers.phase() {
            None | Some(Phase::FlushWrite) => self.broken = self.broken.take().or(Some(error)),
            Some(Phase::Sweep(_) | Phase::Handshake(_) | Phase::AwaitClose(_)) => self.fail(error),
        }
    }

    pub(super) fn stepped(&mut self, now: Instant, step: HandshakeStep) {
        if self.life.is_over() {
            return;
        }
        let result = self.pipe.stepped(step);
        self.decoded(now, result);
    }

    fn lost(&mut self, why: &str) {
        let error = match &self.broken {
            Some(error) => error.clone(),
            None => Error::new(ErrorKind::ConnectionLost),
        };
        self.fail(error.detail(why));
    }

    fn end_barrier(&mut self, result: Result<Outcome, Error>) {
        self.stirred = true;
        if let Some(id) = self.barriers.end() {
            self.complete(id, result);
        }
    }
}

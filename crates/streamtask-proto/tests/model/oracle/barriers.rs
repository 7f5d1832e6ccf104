//! Barriers: closes, switches and capture, one at a time.

use streamtask_proto::ErrorKind;

use super::parts::{Active, Barrier, End, Out, Over, ReadSide, WriteSide};
use super::{Model, NEVER};
use crate::words::{Answer, Call, Op, REQUEST, Said};

impl Model {
    /// One step of one barrier: what it lets go, goes before the next.
    pub(super) fn do_barriers(&mut self) {
        if !self.is_acting() {
            return;
        }
        match self.active {
            Active::None => self.begin_next(),
            Active::CloseWrite { op, .. } => self.go_on_closing(op),
            Active::Stop { op, .. } => self.go_on_stopping(op),
            Active::Sweep { .. } | Active::Handshake { .. } | Active::Secured { .. } => {}
        }
    }

    /// Begins the first barrier if it is ready; a close_write passes close_reads.
    fn begin_next(&mut self) {
        for at in 0..self.barriers.len() {
            let barrier = self.barriers[at];
            let may_pass = at == 0 || barrier.call == Call::CloseWrite;
            if may_pass && self.is_ready(barrier) {
                self.barriers.remove(at);
                return self.begin(barrier);
            }
            if barrier.call != Call::CloseRead {
                return;
            }
        }
    }

    fn is_ready(&self, barrier: Barrier) -> bool {
        let has_reads = self.reads.iter().any(|read| read.op < barrier.op);
        let has_writes = self.writes.iter().any(|write| write.op < barrier.op);
        let is_sent = self.out.is_empty();
        // What is stuck behind a failed write side will never matter.
        let is_done = is_sent || self.write_failure().is_some();
        let is_strict = self.rules.is_strict;
        let may_park = self.unread() == 0 && self.write_failure().is_none() && !is_strict;
        match barrier.call {
            Call::CloseRead => !has_reads && !has_writes,
            Call::CloseWrite => !(has_writes || is_strict && has_reads),
            Call::Start => !has_writes && is_sent && (!has_reads || may_park),
            Call::Stop => !has_writes && is_done && !(is_strict && has_reads),
            Call::Capture => !has_reads && !has_writes && is_done,
            Call::Read { .. } | Call::Exact { .. } | Call::Until { .. } | Call::Write { .. } => {
                unreachable!("no barrier")
            }
        }
    }

    fn begin(&mut self, Barrier { op, call }: Barrier) {
        match call {
            Call::CloseRead => {
                self.read_side = ReadSide::Closed;
                self.tell_read_closed();
                self.answer(op, Answer::Done);
            }
            Call::CloseWrite => self.begin_close_write(op),
            Call::Start => self.begin_start(op),
            Call::Stop => self.begin_stop(op),
            Call::Capture => self.begin_capture(op),
            Call::Read { .. } | Call::Exact { .. } | Call::Until { .. } | Call::Write { .. } => {
                unreachable!("no barrier")
            }
        }
    }

    fn begin_close_write(&mut self, op: Op) {
        match self.write_side {
            WriteSide::Failed { kind, .. } => return self.answer(op, Answer::Failed(kind)),
            WriteSide::Open if self.is_secure() => self.out.push_back(Out::CloseNotify),
            WriteSide::Open
            | WriteSide::Poisoned(_)
            | WriteSide::Closed
            | WriteSide::ClosedPoisoned(_) => {}
        }
        let is_poisoned = matches!(self.write_side, WriteSide::Poisoned(_));
        let deadline = if is_poisoned { self.time + REQUEST } else { NEVER };
        self.active = Active::CloseWrite { op, deadline };
    }

    /// What was sent while the task was suspended is told before anything that comes behind.
    pub(super) fn check_closing(&mut self) {
        if let (Active::CloseWrite { op, .. }, true) = (self.active, self.is_acting()) {
            self.go_on_closing(op);
        }
    }

    fn go_on_closing(&mut self, op: Op) {
        if !self.out.is_empty() {
            return;
        }
        self.active = Active::None;
        self.write_side = match self.write_side {
            WriteSide::Failed { kind, .. } => return self.answer(op, Answer::Failed(kind)),
            WriteSide::Poisoned(kind) | WriteSide::ClosedPoisoned(kind) => {
                WriteSide::ClosedPoisoned(kind)
            }
            WriteSide::Open | WriteSide::Closed => WriteSide::Closed,
        };
        self.said.push(Said::Fin);
        self.send_fin();
        self.tell_write_closed();
        self.answer(op, Answer::Done);
    }

    fn begin_start(&mut self, op: Op) {
        if self.is_secure() {
            return self.answer(op, Answer::Secured);
        }
        self.active = Active::Sweep { op, discarded: 0 };
        self.layer_mut().is_sealed = true;
        let is_closed = self.read_side == ReadSide::Closed || self.write_side == WriteSide::Closed;
        if let Some(kind) = self.write_failure() {
            return self.fail(kind);
        }
        if is_closed {
            return self.fail(ErrorKind::NotConnected);
        }
        let unread = self.layer().bytes.len();
        self.active = Active::Sweep { op, discarded: unread };
        self.layer_mut().bytes.clear();
        if unread > 0 && !self.rules.discards || unread > 64 * 1024 {
            self.fail(ErrorKind::UnexpectedClearText { bytes: 0 });
        } else if self.layer().end.is_some() {
            self.break_down(ErrorKind::ConnectionLost);
        }
    }

    fn begin_stop(&mut self, op: Op) {
        if !self.is_secure() {
            return self.answer(op, Answer::Done);
        }
        if self.write_side == WriteSide::Open {
            self.out.push_back(Out::CloseNotify);
        }
        self.active = Active::Stop { op, deadline: self.time + REQUEST };
    }

    fn go_on_stopping(&mut self, op: Op) {
        match self.layer().end {
            None => {}
            Some(End::CloseNotify) if !self.out.is_empty() => {}
            Some(End::CloseNotify) => self.unsecured(op),
            Some(End::Fin | End::Truncated) => self.break_down(ErrorKind::ConnectionLost),
        }
    }

    /// A stop whose close_notify could not leave fails the task with the stream's end, whatever end it is.
    pub(super) fn check_stop(&mut self) {
        if let (Active::Stop { .. }, true) = (self.active, self.is_acting())
            && let (Some(_), Some(kind)) = (self.layer().end, self.write_failure())
        {
            self.break_down(kind);
        }
    }

    fn begin_capture(&mut self, op: Op) {
        if let Some(kind) = self.write_failure() {
            return self.answer(op, Answer::Failed(kind));
        }
        self.answer(op, Answer::Done);
        let unread = self.layers.iter().flat_map(|layer| layer.bytes.iter().copied());
        let unread = (self.read_side != ReadSide::Closed).then(|| unread.collect());
        self.said.push(Said::Captured { unread, is_secure: self.is_secure() });
        self.over = Some(Over::Captured);
    }
}

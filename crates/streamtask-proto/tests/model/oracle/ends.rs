//! How a task ends.

use streamtask_proto::ErrorKind;

use super::Model;
use super::incoming::TAKEN_IN;
use super::parts::{Active, Link, Out, Over, ReadSide, WriteSide};
use super::reads::Verdict;
use crate::peer::Seen;
use crate::words::{Answer, Call, Said, Told};

/// What a failure does besides failing.
#[derive(Clone, Copy, Debug, Default)]
struct Closing {
    /// Whether delegates hear that both sides are closed.
    is_broken: bool,
    lingers: bool,
}

impl Model {
    /// What is broken fails the task as soon as that may be told.
    pub(super) fn check_broken(&mut self) {
        if let Some(kind) = self.broken.filter(|_| self.is_acting()) {
            self.break_down(kind);
        }
    }

    /// The task fails by what it was told or by its own decision.
    pub(super) fn fail(&mut self, kind: ErrorKind) {
        self.fail_and_close(kind, Closing::default());
    }

    /// The task fails by what the peer did: neither direction will ever work again.
    pub(super) fn break_down(&mut self, kind: ErrorKind) {
        self.fail_and_close(kind, Closing { is_broken: true, lingers: false });
    }

    /// Reads, writes and barriers fail, in this order; then come the events.
    fn fail_and_close(&mut self, kind: ErrorKind, closing: Closing) {
        let is_start_due = self.is_start_due();
        if matches!(kind, ErrorKind::Cancelled | ErrorKind::UnexpectedClearText { .. }) {
            self.layers.iter_mut().for_each(|layer| layer.bytes.clear());
        }
        self.fail_reads(kind);
        self.fail_writes(kind);
        self.fail_barriers(kind);
        if is_start_due {
            for layer in self.layers.iter_mut().filter(|layer| !layer.is_secure) {
                layer.bytes.clear();
                layer.is_sealed = true;
            }
        }
        if closing.is_broken {
            self.tell_read_closed_now();
            self.tell_write_closed();
        }
        self.finish(Over::Failed(kind), closing.lingers);
    }

    fn fail_reads(&mut self, kind: ErrorKind) {
        for read in std::mem::take(&mut self.reads) {
            let verdict = match self.is_acting() && self.may_go(read.op) {
                true => self.look_left_over(read.call),
                false => Verdict::Wait,
            };
            match verdict {
                Verdict::Bytes { layer, count, eof } => self.take(read.op, layer, count, eof),
                Verdict::Fails(own) => self.fail_read(read.op, own),
                Verdict::Wait => self.fail_read(read.op, kind),
            }
        }
    }

    fn fail_barriers(&mut self, kind: ErrorKind) {
        match std::mem::replace(&mut self.active, Active::None) {
            Active::None => {}
            Active::CloseWrite { op, .. }
            | Active::Sweep { op, .. }
            | Active::Handshake { op, .. }
            | Active::Secured { op }
            | Active::Stop { op, .. } => self.answer(op, Answer::Failed(kind)),
        }
        for barrier in std::mem::take(&mut self.barriers) {
            self.answer(barrier.op, Answer::Failed(kind));
        }
    }

    fn finish(&mut self, over: Over, lingers: bool) {
        let result = match over {
            Over::Well => Ok(()),
            Over::Failed(kind) => Err(kind),
            Over::Captured => unreachable!("captured tasks do not finish"),
        };
        self.tell(Told::Finished(result));
        self.said.push(Said::Close { lingers });
        self.over = Some(over);
    }

    /// Both sides are done with: the task is complete.
    pub(super) fn check_end(&mut self) {
        let seen = self.seen_end.filter(|(layer, _)| *layer + 1 == self.layers.len());
        let is_read_done = self.read_side == ReadSide::Closed || seen.is_some();
        let is_write_done = self.write_side != WriteSide::Open;
        let is_done = self.is_idle() && self.out.is_empty() && is_read_done && is_write_done;
        if !self.is_acting() || !is_done {
            return;
        }
        let over = match (self.write_failure(), seen) {
            (Some(kind), _) => Over::Failed(kind),
            (None, Some((_, true))) => Over::Failed(ErrorKind::Truncated),
            (None, _) => Over::Well,
        };
        self.finish(over, true);
    }

    /// Nobody holds the task any more.
    pub(super) fn check_abandoned(&mut self) {
        match self.is_abandoned && !self.is_over() {
            false => {}
            true if !self.has_begun => self.fail(ErrorKind::Cancelled),
            true if self.is_idle() => {
                if self.is_secure() && self.write_side == WriteSide::Open {
                    self.out.push_back(Out::CloseNotify);
                }
                let over = self.write_failure().map_or(Over::Well, Over::Failed);
                self.finish(over, self.link == Link::Up);
            }
            true if !self.is_running() => self
                .fail_and_close(ErrorKind::Cancelled, Closing { is_broken: false, lingers: true }),
            true => {}
        }
    }

    /// Once close_read is called and no read waits, what is unread is for nobody; but what was clear text when
    /// TLS is to start has to be judged.
    pub(super) fn throw_away(&mut self) {
        let is_for_nobody = self.read_side != ReadSide::Open && self.reads.is_empty();
        let is_judged = !self.is_secure() && self.is_start_due();
        if is_for_nobody && !is_judged {
            self.layers.iter_mut().for_each(|layer| layer.bytes.clear());
        }
    }

    fn is_start_due(&self) -> bool {
        matches!(self.active, Active::Sweep { .. } | Active::Handshake { .. })
            || self.barriers.iter().any(|barrier| barrier.call == Call::Start)
    }

    /// With nobody left who could read, a peer that has more to say than is taken in must be able to read on.
    pub(super) fn check_forsaken(&mut self) {
        let is_full = self.is_acting() && self.reads.is_empty() && self.unread() >= TAKEN_IN;
        let is_at_work = self.is_abandoned && !self.is_idle();
        // Behind a close_read it is thrown away already, unless a start has to judge it.
        let is_kept = match self.read_side {
            ReadSide::Open => true,
            ReadSide::Called => self.barriers.iter().any(|barrier| barrier.call == Call::Start),
            ReadSide::Closed => false,
        };
        if is_at_work && is_full && is_kept {
            self.read_side = ReadSide::Closed;
            self.tell_read_closed_now();
        }
    }

    /// What had not left when the task ended cleanly leaves, and FIN behind it.
    pub(crate) fn linger(&mut self) {
        if !self.out.is_empty() {
            self.flush_out();
        }
        if self.out.is_empty() {
            self.send_fin();
        }
    }

    /// A FIN behind the first one is none.
    pub(super) fn send_fin(&mut self) {
        if !std::mem::replace(&mut self.is_fin_sent, true) && self.player.wire.is_up() {
            self.reach(vec![Seen::Fin], true);
        }
    }

    /// Nothing may be read of what a task left behind that was cancelled or fed clear text.
    pub(super) fn is_left_dead(&self) -> bool {
        matches!(
            self.over,
            Some(Over::Failed(ErrorKind::Cancelled | ErrorKind::UnexpectedClearText { .. }))
        )
    }

    pub(super) fn tell_read_closed_now(&mut self) {
        if !std::mem::replace(&mut self.is_read_closed_told, true) {
            self.tell(Told::ReadClosed);
        }
    }

    pub(super) fn tell_write_closed(&mut self) {
        if !std::mem::replace(&mut self.is_write_closed_told, true) {
            self.tell(Told::WriteClosed);
        }
    }
}

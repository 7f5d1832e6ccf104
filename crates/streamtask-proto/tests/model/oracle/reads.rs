//! Reads: what one may take, of what came.

use streamtask_proto::{EofKind, ErrorKind};

use super::Model;
use super::parts::{Active, End, ReadSide, Taken};
use crate::words::{Answer, Call, Op};

/// What becomes of a read, against what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Wait,
    Bytes { layer: usize, count: usize, eof: Option<End> },
    Fails(ErrorKind),
}

impl Model {
    /// Completes reads in order as long as the first has enough.
    pub(super) fn do_reads(&mut self) {
        while self.is_acting() {
            let Some(read) = self.reads.first().copied() else { return };
            if !self.may_go(read.op) {
                return;
            }
            match self.look(read.call, self.is_stop_imminent()) {
                Verdict::Wait => return,
                Verdict::Bytes { layer, count, eof } => self.take(read.op, layer, count, eof),
                Verdict::Fails(kind) => self.fail_read(read.op, kind),
            }
            self.reads.remove(0);
        }
    }

    /// Whether no barrier holds the read `op`.
    pub(super) fn may_go(&self, op: Op) -> bool {
        match self.active {
            Active::Sweep { .. } | Active::Handshake { .. } | Active::Secured { .. } => {
                return false;
            }
            Active::Stop { op: stop, .. } if self.rules.is_strict && stop < op => return false,
            Active::None | Active::CloseWrite { .. } | Active::Stop { .. } => {}
        }
        !self.barriers.iter().any(|barrier| {
            barrier.op < op
                && match barrier.call {
                    Call::Start | Call::Capture => true,
                    Call::Stop => self.rules.is_strict,
                    _ => false,
                }
        })
    }

    /// What `call` would get now.
    pub(super) fn look(&self, call: Call, is_stop_imminent: bool) -> Verdict {
        let (at, is_last) = self.front();
        let layer = &self.layers[at];
        let length = layer.bytes.len();
        let all = |eof| match call {
            Call::Read { .. } => Verdict::Bytes { layer: at, count: length, eof: Some(eof) },
            // All that was asked for, or an error; what came is for others.
            _ => Verdict::Fails(ErrorKind::UnexpectedEnd),
        };
        let is_cut = layer.end == Some(End::Truncated) && !self.rules.tolerates;
        match self.enough(call) {
            // An end that is a failure answers who wants nothing, too.
            Some(Ok(0)) if is_cut => return Verdict::Fails(ErrorKind::Truncated),
            // That the end stands behind it is for the next read.
            Some(Ok(count)) => return Verdict::Bytes { layer: at, count, eof: None },
            Some(Err(kind)) => return Verdict::Fails(kind),
            None => {}
        }
        match layer.end {
            _ if !is_last => all(End::CloseNotify),
            None => Verdict::Wait,
            Some(End::CloseNotify) if is_stop_imminent && length == 0 => Verdict::Wait,
            // An end without close_notify is no end for a stop of TLS: it fails the task.
            Some(End::Fin | End::Truncated) if matches!(self.active, Active::Stop { .. }) => {
                Verdict::Wait
            }
            Some(_) if is_cut => Verdict::Fails(ErrorKind::Truncated),
            Some(end) => all(end),
        }
    }

    /// What `call` would get of what a task left behind: only what satisfies it.
    pub(super) fn look_left_over(&self, call: Call) -> Verdict {
        match self.enough(call) {
            Some(Ok(0)) | None => Verdict::Wait,
            Some(Ok(count)) => Verdict::Bytes { layer: self.front().0, count, eof: None },
            Some(Err(kind)) => Verdict::Fails(kind),
        }
    }

    /// The layer that a read looks at, and whether it is the last.
    fn front(&self) -> (usize, bool) {
        let is_gone = |at: usize| self.layers[at].is_switched && self.layers[at].bytes.is_empty();
        let at = (0..self.layers.len()).find(|at| !is_gone(*at)).expect("the last is not switched");
        (at, at + 1 == self.layers.len())
    }

    /// How many bytes `call` takes of the first layer if that has enough for it.
    fn enough(&self, call: Call) -> Option<Result<usize, ErrorKind>> {
        let bytes = &self.layers[self.front().0].bytes;
        match call {
            Call::Read { max: 0, .. } => Some(Ok(0)),
            Call::Read { min, max, .. } => {
                (bytes.len() >= min.max(1)).then(|| Ok(bytes.len().min(max)))
            }
            Call::Exact { length, .. } => (bytes.len() >= length).then_some(Ok(length)),
            Call::Until { is_pair, max, .. } => {
                let delimiter = if is_pair { &b"\n\n"[..] } else { &b"\n"[..] };
                let start: Vec<u8> = bytes.iter().copied().take(max).collect();
                let found = start.windows(delimiter.len()).position(|piece| piece == delimiter);
                match found {
                    Some(at) => Some(Ok(at + delimiter.len())),
                    None if bytes.len() >= max => Some(Err(ErrorKind::DelimiterNotFound)),
                    None => None,
                }
            }
            _ => unreachable!("only reads are looked at"),
        }
    }

    /// Takes bytes for the read `op` and answers it.
    pub(super) fn take(&mut self, op: Op, at: usize, count: usize, eof: Option<End>) {
        let layer = &mut self.layers[at];
        let data: Vec<u8> = layer.bytes.drain(..count).collect();
        layer.taken += count;
        let answer = Answer::Read {
            data: data.clone(),
            eof: eof.map(|end| match end {
                End::Fin => EofKind::Fin,
                End::CloseNotify => EofKind::CloseNotify,
                End::Truncated => EofKind::Truncated,
            }),
            is_secure: layer.is_secure,
        };
        let end = eof.map(|_| (at, false));
        let upto = layer.taken;
        self.read_done(op, answer, Taken { data, layer: at, upto, end });
    }

    /// Fails the read `op` alone.
    pub(super) fn fail_read(&mut self, op: Op, kind: ErrorKind) {
        let last = self.layers.len() - 1;
        let end = match kind {
            ErrorKind::Truncated => Some((last, true)),
            ErrorKind::UnexpectedEnd => Some((self.front().0, false)),
            _ => None,
        };
        let taken = Taken { data: Vec::new(), layer: last, upto: self.layer().taken, end };
        self.read_done(op, Answer::Failed(kind), taken);
    }

    fn read_done(&mut self, op: Op, answer: Answer, taken: Taken) {
        self.answer(op, answer);
        match self.kept.contains(&op) {
            true => drop(self.unlooked.insert(op, taken)),
            false => self.to_look_at.push(taken),
        }
    }

    pub(super) fn see_end(&mut self, taken: &Taken) {
        // The end of an earlier layer, looked at late, is no news.
        self.seen_end = self.seen_end.max(taken.end);
    }

    pub(crate) fn look_at(&mut self, op: Op) {
        if let Some(taken) = self.unlooked.remove(&op) {
            self.see_end(&taken);
            self.go();
        }
    }

    pub(crate) fn drop_read(&mut self, op: Op) {
        self.reads.retain(|read| read.op != op);
        if let Some(taken) = self.unlooked.remove(&op) {
            self.give_back(taken);
        }
        self.go();
    }

    /// Bytes go back where they came from if nothing behind them was taken.
    fn give_back(&mut self, taken: Taken) {
        self.given_back.push(taken);
        while let Some(at) = self.given_back.iter().position(|taken| self.fits(taken)) {
            let taken = self.given_back.remove(at);
            let layer = &mut self.layers[taken.layer];
            layer.taken -= taken.data.len();
            taken.data.into_iter().rev().for_each(|byte| layer.bytes.push_front(byte));
        }
        if self.unlooked.is_empty() {
            self.given_back.clear();
        }
    }

    fn fits(&self, taken: &Taken) -> bool {
        if self.is_left_dead() {
            return false;
        }
        let is_end = self.layers[taken.layer].taken == taken.upto;
        let is_last_taken = self.layers[taken.layer + 1..].iter().all(|layer| layer.taken == 0);
        is_end && is_last_taken && !self.layers[taken.layer].is_sealed
    }

    /// Says once that nothing more comes.
    pub(super) fn tell_read_closed(&mut self) {
        let is_known = match self.layer().end {
            None => false,
            Some(End::CloseNotify) => !self.is_stop_imminent(),
            Some(End::Fin | End::Truncated) => true,
        };
        let is_due = self.reads.is_empty() && is_known || self.read_side == ReadSide::Closed;
        if self.is_acting() && is_due {
            self.tell_read_closed_now();
        }
    }
}

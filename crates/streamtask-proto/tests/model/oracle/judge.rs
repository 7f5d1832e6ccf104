//! Calls, judged when they are called.

use streamtask_proto::ErrorKind;

use super::parts::{Active, Barrier, End, Over, Read, ReadSide, Write, WriteSide};
use super::reads::Verdict;
use super::{Model, NEVER};
use crate::words::{Answer, Call, Op, written};

/// What a call gets at once.
enum Judged {
    As(Answer),
    Reads { layer: usize, count: usize, eof: Option<End> },
}

impl Verdict {
    /// Where nothing more will come: who would have to wait fails.
    fn judged(self, kind: ErrorKind) -> Judged {
        match self {
            Verdict::Bytes { layer, count, eof } => Judged::Reads { layer, count, eof },
            Verdict::Fails(kind) => Judged::As(Answer::Failed(kind)),
            Verdict::Wait => Judged::As(Answer::Failed(kind)),
        }
    }
}

impl Model {
    pub(crate) fn call(&mut self, op: Op, call: Call) {
        let answer = match self.over {
            Some(Over::Failed(kind)) => Some(self.judge_failed(call, kind)),
            Some(Over::Well) => Some(self.judge_ended(call)),
            Some(Over::Captured) => Some(Judged::As(match call {
                Call::CloseRead | Call::CloseWrite => Answer::Done,
                _ => Answer::Failed(ErrorKind::NotConnected),
            })),
            None => self.judge_running(call).map(Judged::As),
        };
        match answer {
            Some(Judged::As(answer)) => self.answer(op, answer),
            Some(Judged::Reads { layer, count, eof }) => self.take(op, layer, count, eof),
            None => {
                self.queue(op, call);
                self.go();
            }
        }
    }

    fn judge_failed(&self, call: Call, kind: ErrorKind) -> Judged {
        let failed = Judged::As(Answer::Failed(kind));
        match call {
            Call::CloseRead | Call::CloseWrite => Judged::As(Answer::Done),
            Call::Read { max: 0, .. } | Call::Exact { length: 0, .. } => failed,
            // After close_read nothing is read any more, however the task ended.
            Call::Read { .. } | Call::Exact { .. } | Call::Until { .. }
                if self.read_side != ReadSide::Open =>
            {
                failed
            }
            Call::Read { .. } | Call::Exact { .. } | Call::Until { .. } if is_senseless(call) => {
                failed
            }
            Call::Read { .. } | Call::Exact { .. } | Call::Until { .. } => {
                self.look_left_over(call).judged(kind)
            }
            Call::Write { .. } | Call::Start | Call::Stop | Call::Capture => failed,
        }
    }

    fn judge_ended(&self, call: Call) -> Judged {
        let closed = ErrorKind::NotConnected;
        match call {
            Call::CloseRead | Call::CloseWrite => Judged::As(Answer::Done),
            Call::Read { .. } | Call::Exact { .. } | Call::Until { .. } if is_senseless(call) => {
                Judged::As(Answer::Failed(ErrorKind::InvalidArgument))
            }
            Call::Read { .. } | Call::Exact { .. } | Call::Until { .. }
                if self.read_side == ReadSide::Open =>
            {
                self.look(call, false).judged(closed)
            }
            _ => Judged::As(Answer::Failed(closed)),
        }
    }

    fn judge_running(&mut self, call: Call) -> Option<Answer> {
        if self.barriers.iter().any(|barrier| barrier.call == Call::Capture) {
            return Some(Answer::Failed(ErrorKind::NotConnected));
        }
        let closed = Some(Answer::Failed(ErrorKind::NotConnected));
        match call {
            Call::Read { .. } | Call::Exact { .. } | Call::Until { .. } if is_senseless(call) => {
                Some(Answer::Failed(ErrorKind::InvalidArgument))
            }
            Call::Read { .. } | Call::Exact { .. } | Call::Until { .. }
                if self.read_side != ReadSide::Open =>
            {
                closed
            }
            Call::Write { .. } => match self.write_failure() {
                Some(kind) => Some(Answer::Failed(kind)),
                None => closed.filter(|_| self.is_close_write_called),
            },
            Call::CloseRead if self.read_side != ReadSide::Open => Some(Answer::Done),
            // A write side that has failed says so as often as it is closed.
            Call::CloseWrite if self.write_failure().is_some() => None,
            Call::CloseWrite if self.is_close_write_called => Some(Answer::Done),
            Call::Stop if self.rules.stops_not => Some(Answer::Done),
            Call::Read { .. }
            | Call::Exact { .. }
            | Call::Until { .. }
            | Call::CloseRead
            | Call::CloseWrite
            | Call::Start
            | Call::Stop
            | Call::Capture => None,
        }
    }

    fn queue(&mut self, op: Op, call: Call) {
        match call {
            Call::Read { timeout, .. }
            | Call::Exact { timeout, .. }
            | Call::Until { timeout, .. } => {
                let deadline = self.deadline(timeout);
                self.reads.push(Read { op, call, deadline });
            }
            Call::Write { length, timeout } => self.writes.push(Write {
                op,
                bytes: written(op, length),
                taken: 0,
                is_encrypted: false,
                deadline: self.deadline(timeout),
            }),
            Call::CloseRead => {
                self.read_side = ReadSide::Called;
                self.barriers.push(Barrier { op, call });
            }
            Call::CloseWrite => {
                self.is_close_write_called = true;
                self.barriers.push(Barrier { op, call });
            }
            Call::Start | Call::Stop | Call::Capture => self.barriers.push(Barrier { op, call }),
        }
    }

    fn deadline(&self, timeout: u64) -> u64 {
        match timeout {
            0 => NEVER,
            timeout => self.time + timeout,
        }
    }

    /// What fails writes, if something does.
    pub(super) fn write_failure(&self) -> Option<ErrorKind> {
        match self.write_side {
            WriteSide::Poisoned(kind)
            | WriteSide::ClosedPoisoned(kind)
            | WriteSide::Failed { kind, .. } => Some(kind),
            WriteSide::Open | WriteSide::Closed => None,
        }
    }

    /// Whether a stop of TLS makes the peer's close_notify a switch rather than an end.
    pub(super) fn is_stop_imminent(&self) -> bool {
        if matches!(self.active, Active::Stop { .. }) {
            return true;
        }
        let stop = self.barriers.iter().position(|barrier| barrier.call == Call::Stop);
        let close = self.barriers.iter().position(|barrier| barrier.call == Call::CloseRead);
        match (stop, close) {
            _ if self.rules.is_strict => false,
            (None, _) => false,
            (Some(_), None) => true,
            (Some(stop), Some(close)) => stop < close,
        }
    }
}

fn is_senseless(call: Call) -> bool {
    match call {
        Call::Read { min, max, .. } => min > max,
        Call::Until { is_pair, max, .. } => max < 1 + usize::from(is_pair),
        _ => false,
    }
}

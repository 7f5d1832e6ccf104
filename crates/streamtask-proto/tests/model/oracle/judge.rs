//! Calls, judged when they are called.

use streamtask_proto::ErrorKind;

use super::reads::Verdict;
use super::{Active, Barrier, Model, NEVER, Over, Read, ReadSide, Write, WriteSide};
use crate::words::{Answer, Call, Lane, Op, written};

impl Model {
    pub(crate) fn call(&mut self, op: Op, call: Call) {
        let answer = match self.over {
            Some(Over::Failed(kind)) => self.judge_failed(op, call, kind),
            Some(Over::Well) => self.judge_ended(op, call),
            Some(Over::Captured) => Some(match call {
                Call::CloseRead | Call::CloseWrite => Answer::Done,
                _ => Answer::Failed(ErrorKind::NotConnected),
            }),
            None => self.judge_running(call),
        };
        match answer {
            Some(answer) => self.finish_call(op, call, answer),
            None => {
                self.queue(op, call);
                self.go();
            }
        }
    }

    /// An answer at once. One from a read that took bytes has been said already.
    fn finish_call(&mut self, op: Op, call: Call, answer: Answer) {
        match call.lane() {
            Lane::Read if matches!(answer, Answer::Read { .. }) => {}
            Lane::Read | Lane::Write | Lane::Barrier => self.answer(op, answer),
        }
    }

    fn judge_failed(&mut self, op: Op, call: Call, kind: ErrorKind) -> Option<Answer> {
        let failed = Answer::Failed(kind);
        Some(match call {
            Call::CloseRead | Call::CloseWrite => Answer::Done,
            Call::Read { max: 0, .. } => failed,
            // After close_read nothing is read any more, however the task ended.
            Call::Read { .. } | Call::Until { .. } if self.read_side != ReadSide::Open => failed,
            Call::Read { .. } | Call::Until { .. } if is_senseless(call) => failed,
            Call::Read { .. } | Call::Until { .. } => match self.look_left_over(call) {
                Verdict::Bytes { layer, count, eof } => self.take(op, layer, count, eof),
                Verdict::Fails(kind) => Answer::Failed(kind),
                Verdict::Wait => failed,
            },
            Call::Write { .. } | Call::Start | Call::Stop | Call::Capture => failed,
        })
    }

    fn judge_ended(&mut self, op: Op, call: Call) -> Option<Answer> {
        let closed = Answer::Failed(ErrorKind::NotConnected);
        Some(match call {
            Call::CloseRead | Call::CloseWrite => Answer::Done,
            Call::Read { .. } | Call::Until { .. } if is_senseless(call) => {
                Answer::Failed(ErrorKind::InvalidArgument)
            }
            Call::Read { .. } | Call::Until { .. } if self.read_side != ReadSide::Open => closed,
            Call::Read { .. } | Call::Until { .. } => match self.look(call, false) {
                Verdict::Bytes { layer, count, eof } => self.take(op, layer, count, eof),
                Verdict::Fails(kind) => Answer::Failed(kind),
                Verdict::Wait => closed,
            },
            Call::Write { .. } | Call::Start | Call::Stop | Call::Capture => closed,
        })
    }

    fn judge_running(&mut self, call: Call) -> Option<Answer> {
        if self.barriers.iter().any(|barrier| barrier.call == Call::Capture) {
            return Some(Answer::Failed(ErrorKind::NotConnected));
        }
        let closed = Some(Answer::Failed(ErrorKind::NotConnected));
        match call {
            Call::Read { .. } | Call::Until { .. } if is_senseless(call) => {
                Some(Answer::Failed(ErrorKind::InvalidArgument))
            }
            Call::Read { .. } | Call::Until { .. } if self.read_side != ReadSide::Open => closed,
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
            Call::Read { timeout, .. } | Call::Until { timeout, .. } => {
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

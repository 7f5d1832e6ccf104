//! Limits in time. Task time stands still while the task does not run.

use streamtask_proto::{ErrorKind, Limit};

use super::parts::{Active, Link};
use super::{Model, NEVER};
use crate::words::{Answer, RESOURCE};

impl Model {
    pub(crate) fn advance(&mut self, milliseconds: u64) {
        if !self.is_running() || self.is_over() {
            return;
        }
        self.time += milliseconds;
        match self.phase() {
            Some((deadline, limit)) if deadline <= self.time => {
                self.fail(ErrorKind::TimedOut(limit));
            }
            _ => self.expire(),
        }
        self.go();
    }

    /// The limit of the task that comes first, the greater ones before the smaller.
    fn phase(&self) -> Option<(u64, Limit)> {
        if RESOURCE <= self.time {
            return Some((RESOURCE, Limit::Resource));
        }
        match (self.link, self.active) {
            (Link::Connecting { deadline }, _) => Some((deadline, Limit::Connect)),
            (_, Active::Handshake { asked: Some(_), .. }) => None,
            (_, Active::Handshake { deadline, .. }) => Some((deadline, Limit::SecureStart)),
            (_, Active::Stop { deadline, .. }) => Some((deadline, Limit::SecureStop)),
            _ => None,
        }
    }

    fn expire(&mut self) {
        let now = self.time;
        if let Active::CloseWrite { op, deadline } = self.active
            && deadline <= now
        {
            // What was cut off is given up: FIN goes without it.
            self.out.clear();
            self.active = Active::CloseWrite { op, deadline: NEVER };
        }
        let late = |deadline: u64| deadline <= now;
        let reads: Vec<_> = self.reads.iter().filter(|read| late(read.deadline)).copied().collect();
        let kind = ErrorKind::TimedOut(Limit::Read);
        if self.rules.is_fatal && !reads.is_empty() {
            return self.fail(kind);
        }
        self.reads.retain(|read| !late(read.deadline));
        for read in reads {
            self.fail_read(read.op, kind);
        }
        self.expire_writes();
    }

    fn expire_writes(&mut self) {
        let kind = ErrorKind::TimedOut(Limit::Write);
        let now = self.time;
        let mut late = self.writes.iter().filter(|write| write.deadline <= now);
        if late.any(|write| write.taken > 0 || write.is_encrypted) {
            return self.poison(kind);
        }
        while let Some(at) = self.writes.iter().position(|write| write.deadline <= now) {
            let write = self.writes.remove(at);
            self.answer(write.op, Answer::Failed(kind));
        }
    }

    /// When time matters next, as the length of task time until then.
    pub(crate) fn next_deadline(&self) -> Option<u64> {
        if !self.is_running() || self.is_over() {
            return None;
        }
        let lanes = self.reads.iter().map(|read| read.deadline);
        let lanes = lanes.chain(self.writes.iter().map(|write| write.deadline));
        let phase = self.phase().map(|(deadline, _)| deadline);
        let closing = match self.active {
            Active::CloseWrite { deadline, .. } => deadline,
            _ => NEVER,
        };
        let next =
            lanes.chain(phase).chain([closing, RESOURCE]).min().filter(|next| *next != NEVER);
        next.map(|next| next.saturating_sub(self.time))
    }
}

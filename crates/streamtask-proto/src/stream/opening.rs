//! The way to a connection, as far as the task is concerned: begun at its first resume, over when it stands.

use std::net::SocketAddr;
use std::time::Instant;

use super::Stream;
use super::lifecycle::Life;
use crate::link::race::Happened;
use crate::link::way::Step;
use crate::{Error, EventKind, Output};

impl Stream {
    pub(super) fn set_out(&mut self, now: Instant) {
        self.life = Life::Opening(self.deadline(now, self.options.timeout_for_request));
        self.way.begin(now, &self.target, self.options.race.clone());
        self.go_on();
    }

    /// Something has happened on the way. On no other task does it mean anything.
    pub(super) fn travel(&mut self, now: Instant, happened: Happened) {
        if let Life::Opening(_) = self.life {
            self.way.handle(now, happened);
            self.go_on();
        }
    }

    pub(super) fn resolved(
        &mut self,
        now: Instant,
        number: u32,
        result: Result<Vec<SocketAddr>, Error>,
    ) {
        if let Life::Opening(_) = self.life {
            self.way.resolved(now, number, result);
            self.go_on();
        }
    }

    fn go_on(&mut self) {
        while let Some(step) = self.way.poll(self.now) {
            match step {
                Step::Resolve(lookup) => self.outputs.push_back(Output::Resolve(lookup)),
                Step::Attempt(number, address) => {
                    self.outputs.push_back(Output::Attempt { number, address });
                }
                Step::Arrive(number) => {
                    self.outputs.push_back(Output::Adopt(number));
                    self.life = Life::Open;
                    self.tell(EventKind::Connected);
                }
                Step::GiveUp(error) => self.fail(error),
            }
        }
    }
}

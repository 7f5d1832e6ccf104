//! The way to a connection, as far as the task is concerned: begun at its first resume, over when it stands.

use std::net::SocketAddr;
use std::time::Instant;

use super::Stream;
use super::lifecycle::Life;
use crate::link::way::Step;
use crate::{Error, EventKind, Output, Pipe};

impl Stream {
    pub(super) fn set_out(&mut self, now: Instant) {
        self.life = Life::Opening(self.deadline(now, self.options.timeout_for_request));
        let options = self.options.race.clone();
        self.way.begin(now, &self.target, &self.options.proxies, options);
        self.go_on(now);
    }

    fn is_on_its_way(&self) -> bool {
        matches!(self.life, Life::Opening(_))
    }

    pub(super) fn resolved(
        &mut self,
        now: Instant,
        number: u32,
        result: Result<Vec<SocketAddr>, Error>,
    ) {
        if self.is_on_its_way() {
            self.way.resolved(now, number, result);
            self.go_on(now);
        }
    }

    pub(super) fn attempted(&mut self, now: Instant, number: u32, result: Result<(), Error>) {
        if self.is_on_its_way() {
            self.way.attempted(now, number, result);
            self.go_on(now);
        }
    }

    pub(super) fn time_passes_on_the_way(&mut self, now: Instant) {
        if self.is_on_its_way() && self.way.until().is_some_and(|until| until <= now) {
            self.way.time_passed(now);
            self.go_on(now);
        }
    }

    /// What has come is a proxy's. `false` where there is none to talk to.
    pub(super) fn converse(&mut self, now: Instant) -> bool {
        let is_proxys = self.is_on_its_way();
        if is_proxys {
            self.way.read(now, &mut self.pipe);
            self.go_on(now);
        }
        is_proxys
    }

    /// The connection to a proxy has failed. Else the error comes back: it is the stream's own.
    pub(super) fn broke_on_the_way(&mut self, now: Instant, error: Error) -> Option<Error> {
        if !self.is_on_its_way() {
            return Some(error);
        }
        self.way.broke(now, error);
        self.go_on(now);
        None
    }

    /// A task that ends before its connection stands has heard nothing of its peer's, and says no more to proxies.
    pub(super) fn leave_the_way(&mut self) {
        if self.is_opening() {
            self.pipe = Pipe::new();
            self.way.leave(self.now);
        }
    }

    fn go_on(&mut self, now: Instant) {
        while let Some(step) = self.way.poll() {
            match step {
                Step::Resolve(lookup) => self.outputs.push_back(Output::Resolve(lookup)),
                Step::Attempt(number, address) => {
                    self.outputs.push_back(Output::Attempt { number, address });
                }
                Step::Adopt(number) => {
                    self.outputs.push_back(Output::Adopt(number));
                    // Nothing of an earlier connection is left.
                    self.pipe = Pipe::new();
                    self.way.talk(now, &mut self.pipe);
                }
                Step::Disconnect => self.outputs.push_back(Output::Disconnect),
                Step::Arrive => {
                    self.pipe.begin_here();
                    self.life = Life::Open;
                    self.tell(EventKind::Connected);
                }
                Step::GiveUp(error) => self.fail(error),
            }
        }
    }
}

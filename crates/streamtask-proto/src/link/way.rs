//! How far a task has come on its way from its target to an open connection.
//!
//! Today a way is one [`race`](super::race). What stands between the race and the open pipe, such as a proxy,
//! becomes a phase of its own here, and hands on what it has read and not understood.

use std::net::SocketAddr;
use std::time::Instant;

use super::race::{Attempt, Happened, Race, RaceOptions, Wish};
use crate::{Address, AddressFamily, Error, Host, Lookup, Target};

/// The way of one task.
#[derive(Debug, Default)]
pub(crate) struct Way(Phase);

#[derive(Debug, Default)]
enum Phase {
    /// Not begun.
    #[default]
    Before,
    /// Names are looked up, addresses tried.
    Racing(Box<Racing>),
    /// There: a connection stands, or none will. What was tried is kept.
    Over(Vec<Attempt>),
}

#[derive(Debug)]
struct Racing {
    race: Race,
    /// Whose addresses are asked for; nobody's, where there is only one.
    host: Option<Host>,
}

/// What is to be done next.
pub(crate) enum Step {
    Resolve(Lookup),
    Attempt(u32, Address),
    /// The connection stands: it is this one.
    Arrive(u32),
    GiveUp(Error),
}

impl Way {
    pub(crate) fn begin(&mut self, now: Instant, target: &Target, options: RaceOptions) {
        let known = |address| Race::to_address(now, options.clone(), address);
        let (race, host) = match target {
            Target::Path(path) => (known(Address::Path(path.clone())), None),
            Target::Host(host) => match host.address() {
                Some(address) => (known(Address::Ip(address)), None),
                None => (Race::for_name(now, options), Some(host.clone())),
            },
        };
        self.0 = Phase::Racing(Box::new(Racing { race, host }));
    }

    /// A lookup has come to something.
    pub(crate) fn resolved(
        &mut self,
        now: Instant,
        number: u32,
        result: Result<Vec<SocketAddr>, Error>,
    ) {
        match number {
            V6 => self.handle(now, Happened::Resolved(AddressFamily::V6, result)),
            V4 => self.handle(now, Happened::Resolved(AddressFamily::V4, result)),
            _ => {}
        }
    }

    pub(crate) fn handle(&mut self, now: Instant, happened: Happened) {
        if let Phase::Racing(racing) = &mut self.0 {
            racing.race.handle(now, happened);
        }
    }

    pub(crate) fn poll(&mut self, now: Instant) -> Option<Step> {
        let Phase::Racing(racing) = &mut self.0 else { return None };
        match racing.race.poll()? {
            Wish::Resolve(family) => racing.lookup(family).map(Step::Resolve),
            Wish::Attempt(number, address) => Some(Step::Attempt(number, address)),
            Wish::Adopt(number) => {
                self.leave(now);
                Some(Step::Arrive(number))
            }
            Wish::GiveUp(error) => {
                self.leave(now);
                Some(Step::GiveUp(error))
            }
        }
    }

    /// Nothing more is tried; what was is kept.
    pub(crate) fn leave(&mut self, now: Instant) {
        self.0 = match std::mem::take(&mut self.0) {
            Phase::Racing(racing) => Phase::Over(racing.race.into_attempts(now)),
            left @ (Phase::Before | Phase::Over(_)) => left,
        };
    }

    /// When time next matters.
    pub(crate) fn until(&self) -> Option<Instant> {
        match &self.0 {
            Phase::Racing(racing) => racing.race.until(),
            Phase::Before | Phase::Over(_) => None,
        }
    }

    /// What was tried, in this order.
    pub(crate) fn attempts(&self) -> &[Attempt] {
        match &self.0 {
            Phase::Before => &[],
            Phase::Racing(racing) => racing.race.attempts(),
            Phase::Over(attempts) => attempts,
        }
    }
}

impl Racing {
    fn lookup(&self, family: AddressFamily) -> Option<Lookup> {
        let host = self.host.as_ref()?;
        let number = match family {
            AddressFamily::V6 => V6,
            AddressFamily::V4 => V4,
        };
        Some(Lookup { number, host: host.name().clone(), port: host.port(), family })
    }
}

/// The names of the two lookups.
const V6: u32 = 6;
const V4: u32 = 4;

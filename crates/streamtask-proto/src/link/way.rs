//! How far a task has come on its way from its target to an open connection.
//!
//! Today a way is one [`race`](super::race). What stands between the race and the open pipe, such as a proxy,
//! becomes a phase of its own here, and hands on what it has read and not understood.

use std::net::SocketAddr;
use std::time::Instant;

use super::race::{Attempt, Happened, Race, RaceOptions, Wish};
use crate::{AddressFamily, Error, Target};

/// The way of one task.
#[derive(Debug, Default)]
pub(crate) struct Way(Phase);

#[derive(Debug, Default)]
enum Phase {
    /// Not begun.
    #[default]
    Before,
    /// Names are looked up, addresses tried.
    Racing(Box<Race>),
    /// There: a connection stands, or none will. What was tried is kept.
    Over(Vec<Attempt>),
}

/// What is to be done next.
pub(crate) enum Step {
    Resolve(AddressFamily),
    Attempt(u32, SocketAddr),
    /// The connection stands: it is this one.
    Arrive(u32),
    GiveUp(Error),
}

impl Way {
    pub(crate) fn begin(&mut self, now: Instant, target: &Target, options: RaceOptions) {
        let race = match target.address() {
            Some(address) => Race::to_addresses(now, options, vec![address]),
            None => Race::for_name(now, options),
        };
        self.0 = Phase::Racing(Box::new(race));
    }

    pub(crate) fn handle(&mut self, now: Instant, happened: Happened) {
        if let Phase::Racing(race) = &mut self.0 {
            race.handle(now, happened);
        }
    }

    pub(crate) fn poll(&mut self, now: Instant) -> Option<Step> {
        let Phase::Racing(race) = &mut self.0 else { return None };
        Some(match race.poll()? {
            Wish::Resolve(family) => Step::Resolve(family),
            Wish::Attempt(number, address) => Step::Attempt(number, address),
            Wish::Adopt(number) => {
                self.leave(now);
                Step::Arrive(number)
            }
            Wish::GiveUp(error) => {
                self.leave(now);
                Step::GiveUp(error)
            }
        })
    }

    /// Nothing more is tried; what was is kept.
    pub(crate) fn leave(&mut self, now: Instant) {
        self.0 = match std::mem::take(&mut self.0) {
            Phase::Racing(race) => Phase::Over(race.into_attempts(now)),
            left @ (Phase::Before | Phase::Over(_)) => left,
        };
    }

    /// When time next matters.
    pub(crate) fn until(&self) -> Option<Instant> {
        match &self.0 {
            Phase::Racing(race) => race.until(),
            Phase::Before | Phase::Over(_) => None,
        }
    }

    /// What was tried, in this order.
    pub(crate) fn attempts(&self) -> &[Attempt] {
        match &self.0 {
            Phase::Before => &[],
            Phase::Racing(race) => race.attempts(),
            Phase::Over(attempts) => attempts,
        }
    }
}

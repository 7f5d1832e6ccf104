//! How far a task has come on its way from its target to an open connection.
//!
//! A way is a list of [`route`](super::route)s, tried in turn: a [`race`](super::race) to the first proxy of each,
//! or to the target; then one proxy after the other is asked for the next ([`proxy`](crate::proxy)), the last for
//! the target. The [`Pipe`] owns what was read and not understood from
//! the first hop on, so what comes behind the last proxy's answer is there for the application.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Instant;

use super::failures::{Failures, Reached};
use super::naming::Naming;
use super::race::{Attempt, Happened, Race, RaceOptions, Wish};
use super::route::{Chain, Route};
use crate::proxy::{Challenge, Handshake, Reply};
use crate::{Address, AddressFamily, Error, ErrorKind, Host, Limit, Lookup, Pipe, Proxy, Target};

/// The way of one task.
#[derive(Debug, Default)]
pub(crate) struct Way {
    phase: Phase,
    options: RaceOptions,
    routes: VecDeque<Route>,
    /// What was tried in races that are over.
    trail: Vec<Attempt>,
    /// What was tried in vain.
    failures: Failures,
    /// Until when this route has its turn, if there is another one.
    turn: Option<Instant>,
    /// How many questions were asked.
    lookups: u32,
    steps: VecDeque<Step>,
}

#[derive(Debug, Default)]
enum Phase {
    /// Not begun.
    #[default]
    Before,
    /// A proxy that takes no names is to be given addresses.
    Naming(Naming, Asked),
    /// Addresses are asked for and tried.
    Racing(Box<Race>, Asked),
    /// A connection to the first proxy stands, and nothing was said on it yet.
    Reached,
    /// This proxy of the chain is being asked.
    Proxying { hop: usize, handshake: Handshake },
    /// There, or lost.
    Over,
}

/// Whose addresses are asked for, and under which number the first of two questions is.
#[derive(Debug)]
struct Asked {
    host: Option<Host>,
    number: u32,
}

/// What is to be done next.
#[derive(Debug)]
pub(crate) enum Step {
    Resolve(Lookup),
    Attempt(u32, Address),
    /// Bytes go over this connection from now on.
    Adopt(u32),
    /// That connection is of no use any more.
    Disconnect,
    /// The connection leads to the target.
    Arrive,
    GiveUp(Error),
}

impl Way {
    /// Sets out. Without chains the way is direct; a path is never behind a proxy.
    pub(crate) fn begin(
        &mut self,
        now: Instant,
        target: &Target,
        chains: &[Chain],
        options: RaceOptions,
    ) {
        let direct = [Chain::default()];
        let chains = match target {
            Target::Host(_) if !chains.is_empty() => chains,
            Target::Host(_) | Target::Path(_) => &direct,
        };
        self.routes = chains.iter().map(|chain| Route::new(target, chain)).collect();
        self.options = options;
        self.take_route(now);
    }

    /// The next thing to be done.
    pub(crate) fn poll(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    /// When time next matters.
    pub(crate) fn until(&self) -> Option<Instant> {
        let of_phase = match &self.phase {
            Phase::Naming(naming, _) => naming.until(),
            Phase::Racing(race, _) => race.until(),
            Phase::Reached | Phase::Proxying { .. } => None,
            Phase::Before | Phase::Over => return None,
        };
        of_phase.into_iter().chain(self.turn).min()
    }

    /// What was tried, in this order.
    pub(crate) fn attempts(&self) -> impl Iterator<Item = &Attempt> {
        let going = match &self.phase {
            Phase::Racing(race, _) => race.attempts(),
            Phase::Before
            | Phase::Naming(..)
            | Phase::Reached
            | Phase::Proxying { .. }
            | Phase::Over => &[],
        };
        self.trail.iter().chain(going)
    }

    /// Whether a proxy's words are awaited, or the connection to send ours on.
    pub(crate) fn is_proxying(&self) -> bool {
        matches!(self.phase, Phase::Proxying { .. })
    }

    /// Nothing more is tried; what was is kept.
    pub(crate) fn leave(&mut self, now: Instant) {
        self.end_phase(now, Phase::Over);
        self.routes.clear();
    }

    /// A lookup has come to something.
    pub(crate) fn resolved(
        &mut self,
        now: Instant,
        number: u32,
        result: Result<Vec<SocketAddr>, Error>,
    ) {
        let family = |asked: &Asked| match number.checked_sub(asked.number) {
            Some(0) => Some(AddressFamily::V6),
            Some(1) => Some(AddressFamily::V4),
            Some(_) | None => None,
        };
        match &mut self.phase {
            Phase::Racing(race, asked) => {
                if let Some(family) = family(asked) {
                    race.handle(now, Happened::Resolved(family, result));
                }
            }
            Phase::Naming(naming, asked) => {
                if let Some(family) = family(asked) {
                    naming.resolved(family, result);
                }
            }
            Phase::Before | Phase::Reached | Phase::Proxying { .. } | Phase::Over => {}
        }
        self.go_on(now);
    }

    /// An attempt has come to something.
    pub(crate) fn attempted(&mut self, now: Instant, number: u32, result: Result<(), Error>) {
        if let (Phase::Racing(race, _), Some(number)) =
            (&mut self.phase, (number as usize).checked_sub(self.trail.len()))
        {
            let number = number as u32;
            race.handle(
                now,
                match result {
                    Ok(()) => Happened::Connected(number),
                    Err(error) => Happened::Failed(number, error),
                },
            );
        }
        self.go_on(now);
    }

    pub(crate) fn time_passed(&mut self, now: Instant) {
        if self.turn.is_some_and(|turn| turn <= now) {
            return self.turn_over(now);
        }
        match &mut self.phase {
            Phase::Racing(race, _) => race.handle(now, Happened::TimePassed),
            Phase::Naming(naming, _) => naming.time_passed(now),
            Phase::Before | Phase::Reached | Phase::Proxying { .. } | Phase::Over => {}
        }
        self.go_on(now);
    }

    /// Bytes have come from the proxy, or its end.
    pub(crate) fn read(&mut self, now: Instant, pipe: &mut Pipe) {
        while let Phase::Proxying { hop, handshake } = &mut self.phase {
            let hop = *hop;
            match handshake.read(pipe.readable()) {
                Ok(Reply::NotYet) if pipe.end().is_some() => {
                    let why = "it closed the connection before it had answered";
                    let error = Error::new(ErrorKind::ProxyAnswerInvalid).with_detail(why);
                    return self.hop_failed(now, hop, error);
                }
                Ok(Reply::NotYet) => return,
                Ok(Reply::Next { taken, say }) => {
                    pipe.skip(taken);
                    pipe.say(&say);
                }
                Ok(Reply::Through { taken }) => {
                    pipe.skip(taken);
                    self.pass(now, hop, pipe);
                }
                Ok(Reply::Again(challenge)) => return self.ask_again(now, hop, challenge),
                Err(error) => return self.hop_failed(now, hop, error),
            }
        }
    }

    /// The connection to the proxy has failed.
    pub(crate) fn broke(&mut self, now: Instant, error: Error) {
        if let Phase::Proxying { hop, .. } = self.phase {
            self.hop_failed(now, hop, error);
        }
    }

    /// A connection that was adopted is there to be talked on.
    pub(crate) fn talk(&mut self, now: Instant, pipe: &mut Pipe) {
        if let Phase::Reached = self.phase {
            self.ask(now, 0, pipe);
        }
    }

    /// This route has had its time, and there is another one.
    fn turn_over(&mut self, now: Instant) {
        let length = self.options.turn;
        let late = Error::new(ErrorKind::TimedOut(Limit::Connect));
        let late = late.with_detail(format!("no way through after {length}"));
        match self.phase {
            Phase::Proxying { hop, .. } => {
                self.steps.push_back(Step::Disconnect);
                let late = self.routes.front().map(|route| route.asking(hop, late.clone()));
                late.into_iter().for_each(|late| self.route_failed(now, Reached::Proxy, late));
            }
            Phase::Before
            | Phase::Naming(..)
            | Phase::Racing(..)
            | Phase::Reached
            | Phase::Over => {
                let late = self.routes.front().map(|route| route.at_first(late.clone()));
                late.into_iter().for_each(|late| self.route_failed(now, Reached::Nobody, late));
            }
        }
    }

    fn take_route(&mut self, now: Instant) {
        let has_another = self.routes.len() > 1;
        let length = self.options.turn.duration().filter(|_| has_another);
        self.turn = length.and_then(|length| now.checked_add(length));
        let Some(route) = self.routes.front() else { return self.lose(now) };
        let Some(host) = route.named_here().cloned() else { return self.connect(now) };
        let takes_six = route.takes_six();
        let number = self.ask_for(&host, takes_six);
        let naming = Naming::new(now, &self.options, takes_six);
        self.phase = Phase::Naming(naming, Asked { host: Some(host), number });
    }

    /// The questions whose answers are of use, the preferred one first. Says under which number they begin.
    fn ask_for(&mut self, host: &Host, takes_six: bool) -> u32 {
        let number = self.lookups;
        self.lookups += 2;
        let families = [self.options.preferred, self.options.preferred.other()];
        let is_of_use = |family: &AddressFamily| takes_six || *family == AddressFamily::V4;
        for family in families.into_iter().filter(is_of_use) {
            self.steps.push_back(Step::Resolve(lookup(host, number, family)));
        }
        number
    }

    /// To the first proxy, or to the target.
    fn connect(&mut self, now: Instant) {
        let Some(route) = self.routes.front() else { return self.lose(now) };
        let to = route.first_hop();
        let options = self.options.clone();
        let known = |address| Race::to_address(now, options.clone(), address);
        let (race, host) = match to {
            Target::Path(path) => (known(Address::Path(path)), None),
            Target::Host(host) => match host.address() {
                Some(address) => (known(Address::Ip(address)), None),
                None => (Race::for_name(now, options), Some(host)),
            },
        };
        let number = self.lookups;
        self.lookups += 2;
        self.phase = Phase::Racing(Box::new(race), Asked { host, number });
        self.go_on(now);
    }

    /// Carries out what the machine of this phase wishes.
    fn go_on(&mut self, now: Instant) {
        match &mut self.phase {
            Phase::Naming(naming, _) => match naming.result() {
                Some(Ok(addresses)) => self.named(now, addresses),
                Some(Err(error)) => self.route_failed(now, Reached::Nobody, error),
                None => {}
            },
            Phase::Racing(race, asked) => {
                let offset = self.trail.len() as u32;
                while let Some(wish) = race.poll() {
                    match wish {
                        Wish::Resolve(family) => {
                            let step = asked
                                .host
                                .as_ref()
                                .map(|host| Step::Resolve(lookup(host, asked.number, family)));
                            self.steps.extend(step);
                        }
                        Wish::Attempt(number, address) => {
                            self.steps.push_back(Step::Attempt(offset + number, address));
                        }
                        Wish::Adopt(number) => return self.connected(now, offset + number),
                        Wish::GiveUp(error) => {
                            let error = match self.routes.front() {
                                Some(route) => route.at_first(error),
                                None => error,
                            };
                            return self.route_failed(now, Reached::Nobody, error);
                        }
                    }
                }
            }
            Phase::Before | Phase::Reached | Phase::Proxying { .. } | Phase::Over => {}
        }
    }

    fn named(&mut self, now: Instant, addresses: Vec<SocketAddr>) {
        let Some(route) = self.routes.front_mut() else { return };
        match route.take_addresses(addresses) {
            Ok(()) => self.connect(now),
            Err(error) => self.route_failed(now, Reached::Nobody, error),
        }
    }

    fn connected(&mut self, now: Instant, number: u32) {
        self.steps.push_back(Step::Adopt(number));
        self.end_phase(now, Phase::Reached);
        if self.proxy(0).is_none() {
            self.arrive();
        }
    }

    fn arrive(&mut self) {
        self.phase = Phase::Over;
        self.routes.clear();
        self.steps.push_back(Step::Arrive);
    }

    /// The proxy at `hop` has connected to what it was asked for.
    fn pass(&mut self, now: Instant, hop: usize, pipe: &mut Pipe) {
        match self.proxy(hop + 1) {
            Some(_) => self.ask(now, hop + 1, pipe),
            None => self.arrive(),
        }
    }

    /// Asks the proxy at `hop` for the next one, or for the target.
    fn ask(&mut self, now: Instant, hop: usize, pipe: &mut Pipe) {
        let Some(route) = self.routes.front_mut() else { return };
        match route.handshake(hop) {
            Ok((handshake, hello)) => {
                pipe.say(&hello);
                self.phase = Phase::Proxying { hop, handshake };
            }
            Err(error) => self.hop_failed(now, hop, error),
        }
    }

    /// The proxy at `hop` wants to know who asks: all begins anew, and then it is told.
    fn ask_again(&mut self, now: Instant, hop: usize, challenge: Challenge) {
        if let Some(route) = self.routes.front_mut() {
            route.tell_who_asks(hop, challenge);
        }
        self.steps.push_back(Step::Disconnect);
        self.connect(now);
    }

    fn hop_failed(&mut self, now: Instant, hop: usize, error: Error) {
        self.steps.push_back(Step::Disconnect);
        let Some(route) = self.routes.front_mut() else { return self.lose(now) };
        let error = route.asking(hop, error);
        match route.has_another_destination(hop, error.kind()) {
            true => {
                self.failures.note(Reached::Proxy, error);
                self.connect(now);
            }
            false => self.route_failed(now, Reached::Proxy, error),
        }
    }

    fn route_failed(&mut self, now: Instant, reached: Reached, error: Error) {
        self.failures.note(reached, error);
        self.end_phase(now, Phase::Over);
        self.routes.pop_front();
        self.take_route(now);
    }

    fn lose(&mut self, now: Instant) {
        self.end_phase(now, Phase::Over);
        if let Some(error) = std::mem::take(&mut self.failures).furthest() {
            self.steps.push_back(Step::GiveUp(error));
        }
    }

    fn end_phase(&mut self, now: Instant, next: Phase) {
        if let Phase::Racing(race, _) = std::mem::replace(&mut self.phase, next) {
            self.trail.extend(race.into_attempts(now));
        }
    }

    fn proxy(&self, hop: usize) -> Option<&Proxy> {
        self.routes.front()?.proxy(hop)
    }
}

fn lookup(host: &Host, first: u32, family: AddressFamily) -> Lookup {
    let number = match family {
        AddressFamily::V6 => first,
        AddressFamily::V4 => first + 1,
    };
    Lookup { number, host: host.name().clone(), port: host.port(), family }
}

//! How far a task has come on its way from its target to an open connection.
//!
//! A way is a list of [`route`](super::route)s, tried in turn: a [`race`](super::race) to the first proxy of each,
//! or to the target; then one proxy after the other is asked for the next ([`proxy`](crate::proxy)), the last for
//! the target. The [`Pipe`] owns what was read and not understood from the first hop on, so what comes behind the
//! last proxy's answer is there for the application.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use super::attempt::Attempt;
use super::failures::{Failures, Reached};
use super::naming::Naming;
use super::options::{Chain, ProxyOptions, RaceOptions};
use super::questions::Questions;
use super::race::{Happened, Race, Wish};
use super::route::Route;
use crate::proxy::{Challenge, Handshake, Reply};
use crate::{
    Address, AddressFamily, Error, ErrorKind, Limit, Lookup, Pipe, Proxy, Target, Timeout,
};

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
    /// How long a route has its turn while there is another one, and until when this one has it.
    length: Option<Duration>,
    turn: Option<Instant>,
    /// How many questions were asked.
    asked: u32,
    steps: VecDeque<Step>,
}

#[derive(Debug, Default)]
enum Phase {
    /// Not begun.
    #[default]
    Before,
    /// A proxy that takes no names is to be given addresses.
    Naming(Naming, Questions),
    /// Addresses are asked for and tried.
    Racing(Box<Race>, Questions),
    /// A connection to the first proxy stands, and nothing was said on it yet.
    Reached,
    /// This proxy of the chain is being asked.
    Proxying { hop: usize, handshake: Handshake },
    /// There, or lost.
    Over,
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
    /// Sets out. Without chains the way is direct, as it is to whoever is exempt; no path is behind a proxy.
    pub(crate) fn begin(
        &mut self,
        now: Instant,
        target: &Target,
        proxies: &ProxyOptions,
        options: RaceOptions,
    ) {
        let direct = [Chain::default()];
        let chains = match target {
            Target::Host(host) if !proxies.chains.is_empty() && !proxies.except.exempts(host) => {
                &proxies.chains
            }
            Target::Host(_) | Target::Path(_) => direct.as_slice(),
        };
        self.length = proxies.turn.duration();
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
        match &mut self.phase {
            Phase::Racing(race, questions) => {
                if let Some(family) = questions.family(number) {
                    race.handle(now, Happened::Resolved(family, result));
                }
            }
            Phase::Naming(naming, questions) => {
                if let Some(family) = questions.family(number) {
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
            let happened = match result {
                Ok(()) => Happened::Connected(number),
                Err(error) => Happened::Failed(number, error),
            };
            race.handle(now, happened);
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
        let late = Error::new(ErrorKind::TimedOut(Limit::Connect))
            .with_detail(format!("no way through after {}", Timeout::from(self.length)));
        let Some(route) = self.routes.front() else { return };
        match self.phase {
            Phase::Proxying { hop, .. } => {
                let late = route.asking(hop, late);
                self.steps.push_back(Step::Disconnect);
                self.route_failed(now, Reached::Proxy, late);
            }
            Phase::Naming(..) | Phase::Racing(..) | Phase::Reached => {
                let late = route.at_first(late);
                self.route_failed(now, Reached::Nobody, late);
            }
            Phase::Before | Phase::Over => {}
        }
    }

    fn take_route(&mut self, now: Instant) {
        let has_another = self.routes.len() > 1;
        let length = self.length.filter(|_| has_another);
        self.turn = length.and_then(|length| now.checked_add(length));
        let Some(route) = self.routes.front() else { return self.lose(now) };
        let Some(host) = route.named_here().cloned() else { return self.connect(now) };
        let takes_six = route.takes_six();
        let questions = Questions::new(Some(host), &mut self.asked);
        let families = [self.options.preferred, self.options.preferred.other()];
        let is_of_use = |family: &AddressFamily| takes_six || *family == AddressFamily::V4;
        let lookups = families.into_iter().filter(is_of_use);
        self.steps.extend(lookups.filter_map(|family| questions.lookup(family)).map(Step::Resolve));
        self.phase = Phase::Naming(Naming::new(now, &self.options, takes_six), questions);
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
        let questions = Questions::new(host, &mut self.asked);
        self.phase = Phase::Racing(Box::new(race), questions);
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
            Phase::Racing(race, questions) => {
                let offset = self.trail.len() as u32;
                while let Some(wish) = race.poll() {
                    match wish {
                        Wish::Resolve(family) => {
                            self.steps.extend(questions.lookup(family).map(Step::Resolve));
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

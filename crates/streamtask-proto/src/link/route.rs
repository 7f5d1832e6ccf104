//! One way to try: a chain of proxies, and what each of them is asked for.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::options::Chain;
use crate::proxy::{Asked, Challenge, Destination, Handshake};
use crate::{Error, ErrorKind, Host, Proxy, Target};

/// One way to try.
#[derive(Debug)]
pub(super) struct Route {
    target: Target,
    chain: Chain,
    /// What the last proxy is asked for; one after the other, each on a new connection.
    destinations: VecDeque<Destination>,
    /// Which proxies have asked who we are, what they wanted to hear, and how often that was answered.
    asked: Vec<(usize, Challenge, u32)>,
}

impl Route {
    pub(super) fn new(target: &Target, chain: &Chain) -> Self {
        Route {
            target: target.clone(),
            chain: chain.clone(),
            destinations: target.host().map(Destination::of).into_iter().collect(),
            asked: Vec::new(),
        }
    }

    /// The host whose addresses are needed before anything is connected to: the last proxy takes no names.
    pub(super) fn named_here(&self) -> Option<&Host> {
        let is_here = self.chain.last().is_some_and(|last| last.kind().resolves_here());
        self.target.host().filter(|host| is_here && host.address().is_none())
    }

    /// Whether the last proxy can be asked for addresses of IPv6.
    pub(super) fn takes_six(&self) -> bool {
        self.chain.last().is_some_and(Proxy::takes_six)
    }

    /// These are its addresses.
    pub(super) fn take_addresses(&mut self, addresses: Vec<SocketAddr>) -> Result<(), Error> {
        let takes_six = self.takes_six();
        let is_taken = |address: &SocketAddr| takes_six || address.ip().to_canonical().is_ipv4();
        let taken = addresses.into_iter().filter(is_taken).map(Destination::Address);
        self.destinations = taken.collect();
        match self.destinations.is_empty() {
            false => Ok(()),
            true => {
                let why = "it has no address that the proxy can be asked for";
                Err(Error::new(ErrorKind::CannotFindHost).with_detail(why))
            }
        }
    }

    /// What is connected to.
    pub(super) fn first_hop(&self) -> Target {
        match self.chain.first() {
            Some(proxy) => Target::Host(proxy.place().clone()),
            None => self.target.clone(),
        }
    }

    pub(super) fn proxy(&self, hop: usize) -> Option<&Proxy> {
        self.chain.get(hop)
    }

    /// Asks the proxy at `hop` for the next one, or for the target.
    pub(super) fn handshake(&mut self, hop: usize) -> Result<(Handshake, Vec<u8>), Error> {
        let nowhere = || Error::new(ErrorKind::Unknown).with_detail("there is nothing to ask for");
        let to = match self.chain.get(hop + 1) {
            Some(next) => Destination::of(next.place()),
            None => self.destinations.front().cloned().ok_or_else(nowhere)?,
        };
        let times = self.asked.iter().filter(|(by, ..)| *by == hop).count();
        let last = self.asked.iter_mut().rfind(|(by, ..)| *by == hop);
        let asked = last.map(|(_, challenge, uses)| {
            *uses += 1;
            Asked { challenge: challenge.clone(), uses: *uses, times }
        });
        let proxy = self.chain.get(hop).ok_or_else(nowhere)?;
        Handshake::new(proxy, &to, asked)
    }

    /// The proxy at `hop` has asked who we are: next time it is told.
    pub(super) fn tell_who_asks(&mut self, hop: usize, challenge: Challenge) {
        self.asked.push((hop, challenge, 0));
    }

    /// Whether the proxy at `hop`, which has failed so, can be asked for something else.
    pub(super) fn has_another_destination(&mut self, hop: usize, kind: ErrorKind) -> bool {
        let is_last = hop + 1 == self.chain.len();
        let may_differ = matches!(kind, ErrorKind::CannotConnect | ErrorKind::ProxyRefused);
        self.destinations.pop_front();
        is_last && may_differ && !self.destinations.is_empty()
    }

    /// The same error with the proxy that could not be connected to, if there is one.
    pub(super) fn at_first(&self, error: Error) -> Error {
        match self.proxy(0) {
            Some(proxy) => by(format!("the proxy {proxy}"), error),
            None => error,
        }
    }

    /// The same error with the proxy that was asked, and for which other one, if it was.
    pub(super) fn asking(&self, hop: usize, error: Error) -> Error {
        match (self.proxy(hop), self.proxy(hop + 1)) {
            (Some(proxy), Some(next)) => by(format!("the proxy {proxy}, asked for {next}"), error),
            (Some(proxy), None) => by(format!("the proxy {proxy}"), error),
            (None, _) => error,
        }
    }
}

fn by(proxy: String, error: Error) -> Error {
    let detail = match error.detail() {
        Some(detail) => format!("{proxy}: {detail}"),
        None => format!("{proxy}: {}", error.kind()),
    };
    error.with_detail(detail)
}

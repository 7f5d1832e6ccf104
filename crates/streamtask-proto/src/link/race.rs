//! Which addresses are asked for, and in what order they are tried: Happy Eyeballs (RFC 8305).
//!
//! A machine of state × input: answers, outcomes and time go in, wishes come out. It opens nothing and looks
//! nothing up; whoever carries its wishes out says what came of them. What happens on a connection that stands
//! is no part of the race: its timers are about TCP alone.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use super::attempt::Attempt;
use super::failures::worst;
use super::options::{AddressFamily, RaceOptions};
use crate::{Address, Error, ErrorKind};

/// What happened outside.
#[derive(Debug)]
pub(crate) enum Happened {
    Resolved(AddressFamily, Result<Vec<SocketAddr>, Error>),
    Connected(u32),
    Failed(u32, Error),
    TimePassed,
}

/// What is to be done outside.
#[derive(Debug)]
pub(crate) enum Wish {
    Resolve(AddressFamily),
    /// Connect to this address, under this number.
    Attempt(u32, Address),
    /// This one goes on, the others are dropped. The last wish.
    Adopt(u32),
    /// There is nothing left to try. The last wish.
    GiveUp(Error),
}

/// The race for one name, or for one address.
#[derive(Debug)]
pub(crate) struct Race {
    options: RaceOptions,
    state: State,
    /// Those of V6, then those of V4.
    answers: [Answer; 2],
    /// Of which family the last attempt was.
    last: Option<AddressFamily>,
    /// What was tried, in this order.
    attempts: Vec<Attempt>,
    wishes: VecDeque<Wish>,
}

/// What became of asking for one family.
#[derive(Debug)]
enum Answer {
    /// Until then it may come.
    Awaited(Option<Instant>),
    /// These are left to try.
    Came(VecDeque<Address>),
    Failed(Error),
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// No address is known.
    Resolving,
    /// Only of the family that is liked less: the other one has until then.
    Holding(Instant),
    /// Attempts are made, the next one then.
    Racing(Instant),
    /// Won or lost.
    Over,
}

impl Race {
    /// The race for a name, of which nothing is known yet.
    pub(crate) fn for_name(now: Instant, options: RaceOptions) -> Self {
        let limit = options.lookup_timeout.duration().and_then(|limit| now.checked_add(limit));
        let first = options.preferred;
        Race {
            state: State::Resolving,
            answers: [Answer::Awaited(limit), Answer::Awaited(limit)],
            last: None,
            attempts: Vec::new(),
            // One right behind the other, that of the family that is liked better first (RFC 8305, 3).
            wishes: VecDeque::from([Wish::Resolve(first), Wish::Resolve(first.other())]),
            options,
        }
    }

    /// The race to the one address there is.
    pub(crate) fn to_address(now: Instant, options: RaceOptions, address: Address) -> Self {
        let mut race = Race::for_name(now, options);
        race.wishes.clear();
        let address = match address {
            Address::Ip(address) => Address::Ip(plain(address)),
            Address::Path(path) => Address::Path(path),
        };
        race.answers = [Answer::Came([address].into()), Answer::Came(VecDeque::new())];
        race.race_on(now);
        race
    }

    /// The next thing to be done outside.
    pub(crate) fn poll(&mut self) -> Option<Wish> {
        self.wishes.pop_front()
    }

    /// When time next matters.
    pub(crate) fn until(&self) -> Option<Instant> {
        let timer = match self.state {
            State::Over => return None,
            State::Resolving => None,
            State::Holding(until) => Some(until),
            State::Racing(next) => self.has_more().then_some(next),
        };
        let limits = self.answers.iter().filter_map(|answer| match answer {
            Answer::Awaited(limit) => *limit,
            Answer::Came(_) | Answer::Failed(_) => None,
        });
        limits.chain(timer).min()
    }

    /// What was tried: nothing of it goes on.
    pub(crate) fn into_attempts(mut self, now: Instant) -> Vec<Attempt> {
        self.attempts.iter_mut().for_each(|attempt| _ = attempt.ended.get_or_insert(now));
        self.attempts
    }

    /// What was tried, in this order.
    pub(crate) fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    pub(crate) fn handle(&mut self, now: Instant, happened: Happened) {
        match (self.state, happened) {
            // Resolving: left as soon as an address is known, or none will be.
            (State::Resolving, Happened::Resolved(family, result)) => {
                self.take_answer(family, result);
                self.begin_or_wait(now);
            }
            (State::Resolving, Happened::TimePassed) => {
                self.stop_waiting(now);
                self.begin_or_wait(now);
            }

            // Holding: left when the family that is liked better has answered, or has had its time.
            (State::Holding(_), Happened::Resolved(family, result)) => {
                self.take_answer(family, result);
                self.begin_or_wait(now);
            }
            (State::Holding(until), Happened::TimePassed) => {
                self.stop_waiting(now);
                match until <= now {
                    true => self.race_on(now),
                    false => self.begin_or_wait(now),
                }
            }

            // Racing: left when somebody is there, or nobody is left.
            (State::Racing(_), Happened::Resolved(family, result)) => {
                self.take_answer(family, result);
                self.look_for_more(now);
            }
            (State::Racing(_), Happened::Connected(number)) => self.win(now, number),
            (State::Racing(_), Happened::Failed(number, error)) => {
                self.note_failure(now, number, error);
                // A failure cuts the delay short (draft-ietf-happy-happyeyeballs-v3).
                self.race_on(now);
            }
            (State::Racing(next), Happened::TimePassed) => {
                self.stop_waiting(now);
                match next <= now {
                    true => self.race_on(now),
                    false => self.look_for_more(now),
                }
            }

            // What was not begun has no outcome, and what is over changes no more.
            (
                State::Resolving | State::Holding(_),
                Happened::Connected(_) | Happened::Failed(..),
            )
            | (
                State::Over,
                Happened::Resolved(..)
                | Happened::Connected(_)
                | Happened::Failed(..)
                | Happened::TimePassed,
            ) => {}
        }
    }

    /// Nothing was tried yet: begins, or waits for an answer that is worth it.
    fn begin_or_wait(&mut self, now: Instant) {
        let preferred = self.options.preferred;
        let is_settled = !self.is_awaited(preferred) || self.is_known(preferred);
        match (is_settled && self.has_more(), self.state) {
            (true, _) => self.race_on(now),
            (false, State::Resolving) if self.has_more() => {
                self.state = State::Holding(later(now, self.options.resolution_delay));
            }
            (false, _) if !self.has_more() && !self.is_anything_awaited() => self.lose(),
            (false, _) => {}
        }
    }

    /// Makes the next attempt now, if there is an address for it.
    fn race_on(&mut self, now: Instant) {
        match self.take_next() {
            Some(address) => {
                let number = self.attempts.len() as u32;
                let tried = address.clone();
                self.attempts.push(Attempt {
                    address: tried,
                    began: now,
                    ended: None,
                    is_connected: false,
                    error: None,
                });
                self.state = State::Racing(later(now, self.options.attempt_delay.max(LEAST_DELAY)));
                self.wishes.push_back(Wish::Attempt(number, address));
            }
            None => {
                self.state = State::Racing(now);
                self.give_up_if_nothing_is_left();
            }
        }
    }

    /// More addresses may have come: with nobody under way there is nothing to wait for.
    fn look_for_more(&mut self, now: Instant) {
        match self.is_under_way() {
            true => {}
            false => self.race_on(now),
        }
    }

    fn give_up_if_nothing_is_left(&mut self) {
        if !self.is_under_way() && !self.is_anything_awaited() {
            self.lose();
        }
    }

    fn win(&mut self, now: Instant, number: u32) {
        if let Some(winner) = self.attempts.get_mut(number as usize)
            && winner.ended.is_none()
        {
            (winner.ended, winner.is_connected) = (Some(now), true);
            self.state = State::Over;
            self.wishes.push_back(Wish::Adopt(number));
        }
    }

    fn lose(&mut self) {
        self.state = State::Over;
        let unresolved = self.answers.iter().filter_map(|answer| match answer {
            Answer::Failed(error) => Some(error),
            Answer::Awaited(_) | Answer::Came(_) => None,
        });
        self.wishes.push_back(Wish::GiveUp(worst(&self.attempts, unresolved)));
    }

    fn note_failure(&mut self, now: Instant, number: u32, error: Error) {
        if let Some(attempt) = self.attempts.get_mut(number as usize)
            && attempt.ended.is_none()
        {
            attempt.ended = Some(now);
            attempt.error = Some(error);
        }
    }

    /// Only the first answer counts; no address is tried twice.
    fn take_answer(&mut self, family: AddressFamily, result: Result<Vec<SocketAddr>, Error>) {
        if !self.is_awaited(family) {
            return;
        }
        self.answers[family as usize] = match result {
            Ok(addresses) => {
                let mut new = VecDeque::new();
                for address in addresses.into_iter().map(plain).map(Address::Ip) {
                    let is_tried = self.attempts.iter().any(|known| known.address == address);
                    if !is_tried && !new.contains(&address) {
                        new.push_back(address);
                    }
                }
                Answer::Came(new)
            }
            Err(error) => Answer::Failed(error),
        };
    }

    /// Answers that have had their time will not come.
    fn stop_waiting(&mut self, now: Instant) {
        for answer in &mut self.answers {
            if let Answer::Awaited(Some(limit)) = answer
                && *limit <= now
            {
                let length = self.options.lookup_timeout;
                let why = format!("the name was not resolved within {length}");
                *answer = Answer::Failed(Error::new(ErrorKind::DnsLookupFailed).with_detail(why));
            }
        }
    }

    /// The families take turns (RFC 8305, 4), the one that is liked better first.
    fn take_next(&mut self) -> Option<Address> {
        let wanted = self.last.map_or(self.options.preferred, AddressFamily::other);
        [wanted, wanted.other()].into_iter().find_map(|family| {
            let Answer::Came(left) = &mut self.answers[family as usize] else { return None };
            let next = left.pop_front()?;
            self.last = Some(family);
            Some(next)
        })
    }

    fn has_more(&self) -> bool {
        self.is_known(AddressFamily::V6) || self.is_known(AddressFamily::V4)
    }

    fn is_known(&self, family: AddressFamily) -> bool {
        matches!(&self.answers[family as usize], Answer::Came(left) if !left.is_empty())
    }

    fn is_awaited(&self, family: AddressFamily) -> bool {
        matches!(self.answers[family as usize], Answer::Awaited(_))
    }

    fn is_anything_awaited(&self) -> bool {
        self.is_awaited(AddressFamily::V6) || self.is_awaited(AddressFamily::V4)
    }

    fn is_under_way(&self) -> bool {
        self.attempts.iter().any(|attempt| attempt.ended.is_none())
    }
}

/// No delay between attempts is shorter (RFC 8305, 8).
const LEAST_DELAY: Duration = Duration::from_millis(10);

/// An IPv4 address in IPv6's clothes (RFC 4291, 2.5.5.2) is dialled as what it is: where the system keeps the
/// two apart, as Windows does, a socket of IPv6 reaches no IPv4.
fn plain(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        ip @ IpAddr::V4(_) => SocketAddr::new(ip, address.port()),
        IpAddr::V6(_) => address,
    }
}

/// That moment, or one that nobody lives to see.
fn later(now: Instant, delay: Duration) -> Instant {
    const YEAR: Duration = Duration::from_secs(365 * 86_400);
    now.checked_add(delay).unwrap_or(now + YEAR)
}

#[cfg(test)]
#[path = "race_tests.rs"]
mod tests;

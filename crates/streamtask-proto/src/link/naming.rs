//! All addresses of a name, for a proxy that takes no names: nothing is tried before both families (or the
//! one that is of use) have answered, or have had their time.

use std::net::SocketAddr;
use std::time::Instant;

use super::failures::worse;
use super::options::RaceOptions;
use crate::{AddressFamily, Error, ErrorKind};

/// The question, and what has been answered.
#[derive(Debug)]
pub(crate) struct Naming {
    answers: [Option<Result<Vec<SocketAddr>, Error>>; 2],
    until: Option<Instant>,
    preferred: AddressFamily,
}

impl Naming {
    /// Without `takes_six`, IPv4 alone is asked for.
    pub(crate) fn new(now: Instant, options: &RaceOptions, takes_six: bool) -> Self {
        let limit = options.lookup_timeout.duration();
        Naming {
            answers: [(!takes_six).then(|| Ok(Vec::new())), None],
            until: limit.and_then(|limit| now.checked_add(limit)),
            preferred: options.preferred,
        }
    }

    pub(crate) fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Only the first answer counts.
    pub(crate) fn resolved(
        &mut self,
        family: AddressFamily,
        result: Result<Vec<SocketAddr>, Error>,
    ) {
        self.answers[family as usize].get_or_insert(result);
    }

    pub(crate) fn time_passed(&mut self, now: Instant) {
        if self.until.is_some_and(|until| until <= now) {
            for answer in &mut self.answers {
                answer.get_or_insert_with(|| {
                    let why = "the name was not resolved in time";
                    Err(Error::new(ErrorKind::DnsLookupFailed).with_detail(why))
                });
            }
        }
    }

    /// The addresses, those of the preferred family first, once both have answered.
    pub(crate) fn result(&mut self) -> Option<Result<Vec<SocketAddr>, Error>> {
        let [Some(_), Some(_)] = &self.answers else { return None };
        let mut addresses = Vec::new();
        let mut error = None;
        for family in [self.preferred, self.preferred.other()] {
            match self.answers[family as usize].take() {
                Some(Ok(more)) => addresses.extend(more),
                Some(Err(why)) => {
                    error = Some(match error {
                        Some(first) => worse(first, why),
                        None => why,
                    });
                }
                None => {}
            }
        }
        Some(match (addresses.is_empty(), error) {
            (true, Some(error)) => Err(error),
            (true, None) => {
                Err(Error::new(ErrorKind::CannotFindHost).with_detail("it has no address"))
            }
            (false, _) => Ok(addresses),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naming(takes_six: bool) -> Naming {
        #[allow(clippy::disallowed_methods)] // any starting point will do
        Naming::new(Instant::now(), &RaceOptions::default(), takes_six)
    }

    fn four() -> SocketAddr {
        ([192, 0, 2, 1], 25).into()
    }

    #[test]
    fn both_families_are_waited_for_and_the_preferred_one_is_first() {
        let six: SocketAddr = "[2001:db8::1]:25".parse().expect("an address");
        let mut naming = naming(true);
        naming.resolved(AddressFamily::V4, Ok(vec![four()]));
        assert!(naming.result().is_none());
        naming.resolved(AddressFamily::V6, Ok(vec![six]));
        assert_eq!(naming.result().and_then(Result::ok), Some(vec![six, four()]));
    }

    #[test]
    fn where_only_ipv4_is_of_use_nobody_waits_for_ipv6() {
        let mut naming = naming(false);
        naming.resolved(AddressFamily::V4, Ok(vec![four()]));
        assert_eq!(naming.result().and_then(Result::ok), Some(vec![four()]));
    }

    #[test]
    fn of_two_failures_the_one_counts_that_may_go_better_later() {
        let mut naming = naming(true);
        naming.resolved(AddressFamily::V6, Err(ErrorKind::CannotFindHost.into()));
        naming.resolved(AddressFamily::V4, Err(ErrorKind::DnsLookupFailed.into()));
        let failed = naming.result().and_then(Result::err).map(|error| error.kind());
        assert_eq!(failed, Some(ErrorKind::DnsLookupFailed));
    }

    #[test]
    fn what_has_not_come_in_time_has_failed() {
        let mut naming = naming(true);
        naming.resolved(AddressFamily::V6, Ok(vec![]));
        let until = naming.until().expect("there is a limit");
        naming.time_passed(until);
        let failed = naming.result().and_then(Result::err).map(|error| error.kind());
        assert_eq!(failed, Some(ErrorKind::DnsLookupFailed));
    }
}

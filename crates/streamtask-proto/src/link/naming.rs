//! All addresses of a name, for a proxy that takes no names: nothing is tried before both families have
//! answered, or have had their time.

use std::net::SocketAddr;
use std::time::Instant;

use super::race::RaceOptions;
use crate::{AddressFamily, Error, ErrorKind};

/// The question, and what has been answered.
#[derive(Debug)]
pub(crate) struct Naming {
    answers: [Option<Result<Vec<SocketAddr>, Error>>; 2],
    until: Option<Instant>,
    preferred: AddressFamily,
}

impl Naming {
    pub(crate) fn new(now: Instant, options: &RaceOptions) -> Self {
        let limit = options.lookup_timeout.duration();
        Naming {
            answers: [None, None],
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
                Some(Err(why)) => error = error.or(Some(why)),
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

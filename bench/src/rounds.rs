//! Takes turns, so that what disturbs the machine disturbs both candidates alike.

use crate::Outcome;
use crate::clock::Sample;

/// Who does the work.
#[derive(Clone, Copy)]
pub(crate) enum Candidate {
    Ours,
    Peer,
}

/// What both took for the same work, one right after the other.
pub(crate) struct Round {
    pub(crate) ours: Sample,
    pub(crate) peer: Sample,
}

/// Lets both work in turn, `count` times, after once to warm up.
///
/// # Errors
/// The first of `work`'s.
pub(crate) fn alternate(
    count: u32,
    mut work: impl FnMut(Candidate) -> Outcome<Sample>,
) -> Outcome<Vec<Round>> {
    let mut round = || Ok(Round { ours: work(Candidate::Ours)?, peer: work(Candidate::Peer)? });
    round()?;
    (0..count).map(|_| round()).collect()
}

//! Which of many failures stands for the whole, and how the others are named beside it.
//!
//! The one that came furthest says most: what happened on a connection over what happened on the way to one,
//! and that over what happened to a name. Among equals it is the one that a person can do something about.

use std::cmp::Ordering;

use super::attempt::Attempt;
use crate::{Error, ErrorKind};

/// The error of attempts that have all failed; without any, that of a name that was not found.
pub(super) fn worst<'a>(
    attempts: &[Attempt],
    unresolved: impl Iterator<Item = &'a Error>,
) -> Error {
    let errors = attempts.iter().filter_map(|attempt| attempt.error.as_ref());
    // Of equals the first: it was liked better.
    let attempted = errors.rev().max_by_key(|error| rank(error.kind()));
    match (attempted, unresolved.max_by_key(|error| rank(error.kind()))) {
        (Some(error), _) => error.clone().with_detail(listed(attempts)),
        (None, Some(error)) => error.clone(),
        (None, None) => Error::new(ErrorKind::CannotFindHost).with_detail("it has no address"),
    }
}

/// One address, whose error is told as the cause; or each with what it came to.
fn listed(attempts: &[Attempt]) -> String {
    match attempts {
        [only] => format!("tried {}", only.address),
        _ => so_far(attempts.iter()).unwrap_or_default(),
    }
}

/// Each address with what it came to so far, if any was tried.
pub(crate) fn so_far<'a>(attempts: impl Iterator<Item = &'a Attempt>) -> Option<String> {
    let told: Vec<String> = attempts.map(Attempt::to_string).collect();
    (!told.is_empty()).then(|| format!("tried {}", told.join(", ")))
}

/// How far a way had come when it failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reached {
    Nobody,
    Proxy,
}

/// What several ways have come to.
#[derive(Debug, Default)]
pub(super) struct Failures(Vec<(Reached, Error)>);

impl Failures {
    pub(super) fn note(&mut self, reached: Reached, error: Error) {
        self.0.push((reached, error));
    }

    /// What came furthest stands for all, and says what became of the others.
    pub(super) fn furthest(self) -> Option<Error> {
        let all: Vec<String> = self.0.iter().map(|(_, error)| told(error)).collect();
        let further =
            |(before, first): (Reached, Error), (reached, error)| match before.cmp(&reached) {
                Ordering::Equal => (before, worse(first, error)),
                Ordering::Greater => (before, first),
                Ordering::Less => (reached, error),
            };
        let (_, best) = self.0.into_iter().reduce(further)?;
        let own = told(&best);
        let others: Vec<&String> = all.iter().filter(|other| **other != own).collect();
        let list = others.iter().fold(own, |list, other| format!("{list}; {other}"));
        Some(if others.is_empty() { best } else { best.with_detail(list) })
    }
}

fn told(error: &Error) -> String {
    error.detail().map_or_else(|| error.kind().to_string(), str::to_owned)
}

/// The one of two that tells more; of equals the first.
pub(super) fn worse(first: Error, second: Error) -> Error {
    match rank(second.kind()) > rank(first.kind()) {
        true => second,
        false => first,
    }
}

/// How much a failure tells about the whole.
fn rank(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::ProxyRefused
        | ErrorKind::ProxyAuthenticationRequired
        | ErrorKind::ProxyAnswerInvalid => 6,
        // Says nothing about the others: they might have been reached.
        ErrorKind::ResourceExhausted => 5,
        ErrorKind::CannotConnect => 4,
        ErrorKind::TimedOut(_) => 3,
        // Often of one family alone.
        ErrorKind::NotConnectedToInternet => 2,
        // It might be there another time.
        ErrorKind::DnsLookupFailed => 1,
        _ => 0,
    }
}

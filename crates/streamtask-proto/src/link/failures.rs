//! Which of many failures stands for the whole, and how the others are named beside it.
//!
//! The one that came furthest says most: what happened on a connection over what happened on the way to one,
//! and that over what happened to a name. Among equals it is the one that a person can do something about.

use std::error::Error as _;
use std::io;

use super::race::Attempt;
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
    let each = |attempt: &Attempt| match &attempt.error {
        Some(error) if attempts.len() > 1 => format!("{}: {}", attempt.address, why(error)),
        Some(_) | None => attempt.address.to_string(),
    };
    format!("tried {}", attempts.iter().map(each).collect::<Vec<_>>().join(", "))
}

/// The system's word for it, or ours.
fn why(error: &Error) -> String {
    match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(source) => source.kind().to_string(),
        None => error.kind().to_string(),
    }
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

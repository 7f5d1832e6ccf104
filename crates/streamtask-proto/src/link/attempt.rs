//! One attempt to connect, and how it is told.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Instant;

use crate::{Address, Error};

/// One attempt to connect.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Attempt {
    /// Where to.
    pub address: Address,
    /// When it began.
    pub began: Instant,
    /// When it came to something: it connected, it failed, another one was there first, or the task ended. `None`
    /// while it is under way.
    pub ended: Option<Instant>,
    /// Whether it connected. One that did not and has no error was left for another.
    pub is_connected: bool,
    /// Why it failed, if it did.
    pub error: Option<Error>,
}

/// The address, and what it came to: `192.0.2.1:25: connection refused`.
impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.address)?;
        match (&self.error, self.ended) {
            (Some(error), _) => f.write_str(&why(error)),
            (None, _) if self.is_connected => f.write_str("connected"),
            (None, Some(_)) => f.write_str("left for another"),
            (None, None) => f.write_str("no answer"),
        }
    }
}

/// The system's word for it, or ours.
fn why(error: &Error) -> String {
    match error.source().and_then(|source| source.downcast_ref::<io::Error>()) {
        Some(source) => source.kind().to_string(),
        None => error.kind().to_string(),
    }
}

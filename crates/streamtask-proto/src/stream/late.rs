//! The words of a limit in time that was reached: how long it was, and what there was to wait for.

use std::fmt;

use super::Stream;
use super::barriers::Phase;
use super::lifecycle::Life;
use crate::link::failures::so_far;
use crate::{Error, ErrorKind, Limit, Timeout};

/// The error of an operation, or of what the task was at, that took longer than `length`.
pub(super) fn late(limit: Limit, length: Timeout, meanwhile: impl fmt::Display) -> Error {
    Error::new(ErrorKind::TimedOut(limit)).with_detail(format!("after {length}, {meanwhile}"))
}

impl Stream {
    /// The error of a limit that the configuration sets.
    pub(super) fn over_limit(&self, limit: Limit) -> Error {
        if limit == Limit::Resource {
            let length = self.options.timeout_for_resource;
            return late(limit, length, self.at().unwrap_or("still open"));
        }
        // What the task was at, the limit itself says.
        let length = self.options.timeout_for_request;
        let tried = match limit {
            Limit::Connect => so_far(self.way.attempts()),
            _ => None,
        };
        let tried = tried.map(|tried| format!(", {tried}")).unwrap_or_default();
        Error::new(ErrorKind::TimedOut(limit)).with_detail(format!("after {length}{tried}"))
    }

    /// What the task is at, if operations have to wait for it.
    pub(super) fn at(&self) -> Option<&'static str> {
        match (&self.life, self.barriers.phase()) {
            (Life::Opening(_), _) if self.way.is_proxying() => Some("still asking a proxy"),
            (Life::New | Life::Opening(_), _) => Some("still connecting"),
            (_, Some(Phase::Sweep { .. } | Phase::Handshake(_))) => Some("still starting TLS"),
            (_, Some(Phase::Asking(_))) => Some("a challenge still unanswered"),
            (_, Some(Phase::AwaitClose(_))) => Some("still waiting for the peer's close_notify"),
            (_, Some(Phase::FlushWrite(_)) | None) => None,
        }
    }
}

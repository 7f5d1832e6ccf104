//! What happens to tasks, told to `tracing` (feature `tracing`, on by default).
//!
//! Events have the target `streamtask`, the fields `task` (its number) and `to` (its endpoint), and as message
//! one of: `connected`, `secured` (with `version` and `cipher`), `unsecured`, `read closed`, `write closed`,
//! `finished` and `failed` (with `error`), all at the level *debug*. At *warn* there is one: an operation of a
//! task that nobody has resumed is waited for. When nobody listens, nothing of this costs more than one look
//! at a number.
//!
//! Subscribers are code of the user's, so none of it is called under a lock.

use streamtask_proto::{Event, EventKind, Target};

/// Whether somebody may want to know. Asks nobody.
#[cfg(feature = "tracing")]
pub(crate) fn is_on() -> bool {
    tracing::level_filters::LevelFilter::current() >= tracing::Level::DEBUG
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn is_on() -> bool {
    false
}

#[cfg(feature = "tracing")]
pub(crate) fn happened(task: u64, to: &Target, event: &Event) {
    use tracing::debug;
    match &event.kind {
        EventKind::Connected => debug!(target: "streamtask", task, %to, "connected"),
        EventKind::Secured(info) => {
            let (version, cipher) = (info.version(), info.cipher_suite_name());
            debug!(target: "streamtask", task, %to, %version, cipher, "secured");
        }
        EventKind::Unsecured => debug!(target: "streamtask", task, %to, "unsecured"),
        EventKind::ReadClosed => debug!(target: "streamtask", task, %to, "read closed"),
        EventKind::WriteClosed => debug!(target: "streamtask", task, %to, "write closed"),
        EventKind::Finished(Ok(())) => debug!(target: "streamtask", task, %to, "finished"),
        EventKind::Finished(Err(error)) => {
            debug!(target: "streamtask", task, %to, %error, "failed");
        }
        _ => {}
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn happened(_: u64, _: &Target, _: &Event) {}

/// Somebody waits for a task that nobody has resumed: perhaps somebody else will, but it is more likely that
/// it was forgotten.
#[cfg(feature = "tracing")]
pub(crate) fn is_waited_for_unresumed(task: u64, to: &Target) {
    tracing::warn!(target: "streamtask", task, %to, "waited for, but never resumed: call resume()");
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn is_waited_for_unresumed(_: u64, _: &Target) {}

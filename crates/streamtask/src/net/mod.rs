//! What the operating system has to do for a stream: names, connections, trust.
//!
//! Everything that differs between systems ends here.

pub(crate) mod key_log;
mod leaving;
pub(crate) mod linger;
pub(crate) mod local;
pub(crate) mod names;
pub(crate) mod platform;
pub(crate) mod socket;
mod sys;
pub(crate) mod tcp;

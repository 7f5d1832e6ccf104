//! What the operating system has to do for a stream: names, connections, trust.
//!
//! Everything that differs between systems ends here. Races, proxies and services will join `tcp`.

pub(crate) mod key_log;
mod leaving;
pub(crate) mod linger;
pub(crate) mod platform;
mod sys;
pub(crate) mod tcp;

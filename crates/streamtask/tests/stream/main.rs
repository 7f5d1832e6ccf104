//! Stream tasks in clear text, over real sockets: one module per topic.

mod base;
mod cancel;
mod captured;
mod closing;
mod crossed;
mod delegate;
mod drops;
mod ends;
mod errors;
mod events;
mod forms;
mod invalidation;
mod lanes;
mod layers;
mod leaks;
mod leaving;
#[cfg(unix)]
mod local;
mod manners;
mod pauses;
#[cfg(target_os = "linux")]
mod peers;
mod proxies;
mod race;
mod session;
#[cfg(target_os = "linux")]
mod silence;
mod stress;
mod support;
mod timeouts;
mod waiting;
mod waking;

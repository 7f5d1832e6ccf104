//! From a target to an open pipe.
//!
//! [`way`] says how far a task has come; names and addresses are the [`race`]'s, or [`naming`]'s for proxies that
//! take no names, and which of many failures stands for all is decided in [`failures`]. When the connection stands, the [`Pipe`] owns every
//! byte of it.

mod attempt;
pub(crate) mod failures;
mod inbox;
mod naming;
mod options;
mod pipe;
mod questions;
mod race;
mod route;
pub(crate) mod way;

pub use attempt::Attempt;
pub use options::{AddressFamily, Chain, ProxyOptions, RaceOptions};
pub use pipe::{EofKind, HandshakeStep, Pipe, Transmit};

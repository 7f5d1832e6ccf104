//! From a target to an open pipe.
//!
//! [`way`] says how far a task has come; the names and addresses of a target are the [`race`]'s, and which of
//! its failures stands for all is decided in [`failures`]. When the connection stands, the [`Pipe`] owns every
//! byte of it.

mod failures;
mod inbox;
mod pipe;
pub(crate) mod race;
pub(crate) mod way;

pub use pipe::{EofKind, HandshakeStep, Pipe, Transmit};
pub use race::{AddressFamily, Attempt, RaceOptions};

//! From a target to an open pipe.
//!
//! Today the link is the [`Pipe`] alone: the driver opens the connection. Races and proxies come in as
//! phases before it, each handing its left-over bytes on.

mod inbox;
mod pipe;

pub use pipe::{EofKind, HandshakeStep, Pipe, Transmit};

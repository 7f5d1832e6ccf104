//! The server that both candidates talk to, in a process of its own.
//!
//! [`process`] starts it and learns where it listens, [`listen`] is what it does there, and
//! [`manners`] is what clients may ask of it.

mod listen;
pub(crate) mod manners;
mod process;
mod tls;

pub(crate) use listen::serve;
pub(crate) use process::{Server, Site};
pub(crate) use tls::provider;

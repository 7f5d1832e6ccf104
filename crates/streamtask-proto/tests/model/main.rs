//! The oracle: an independent model of the specification, held against the core.
//!
//! `oracle` foretells, `world` runs the core against rustls, `lockstep` compares the two after every
//! step. `sequences` makes every short sequence of calls, `random` long ones out of bytes.

mod far;
mod lockstep;
mod oracle;
mod peer;
mod random;
mod sequences;
#[allow(dead_code)] // only its certificates are needed here
#[path = "../contract/server.rs"]
mod server;
mod text;
mod words;
mod world;

mod runs;
mod shrink;

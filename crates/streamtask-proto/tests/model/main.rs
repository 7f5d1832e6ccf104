//! The oracle: an independent model of the specification, held against the core.
//!
//! `oracle` foretells, `world` runs the core against rustls, `lockstep` compares the two after every
//! step. `sequences` makes every short sequence of calls, `random` long ones out of bytes.

mod credentials;
mod cuts;
mod far;
mod lockstep;
mod oracle;
mod peer;
mod peers;
mod random;
mod runs;
mod sequences;
mod shrink;
mod text;
mod wire;
mod words;
mod world;

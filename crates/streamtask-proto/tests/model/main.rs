//! The oracle: an independent model of the specification, held against the core.
//!
//! `oracle` foretells, `world` runs the core against rustls, `lockstep` compares the two after every
//! step. `sequences` makes every short sequence of calls, `random` long ones out of bytes.

mod cases;
mod compare;
mod credentials;
mod cuts;
mod far;
mod fuzz;
mod lockstep;
mod much;
mod oracle;
mod peer;
mod peers;
mod random;
mod report;
mod returns;
mod runs;
mod sequences;
mod shrink;
mod text;
mod wire;
mod words;
mod world;

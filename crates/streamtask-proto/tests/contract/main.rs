//! The contract of the core, rule by rule, over arbitrary operations and arbitrary cuts of the bytes.
//!
//! No socket and no clock: a client machine, a server made of rustls' own server side, and a wire
//! between them that cuts as it is told.

mod ends;
mod layers;
mod lines;
mod looks;
mod proxies;
mod rules;
mod server;
mod switching;
mod timing;
mod wishes;
mod world;

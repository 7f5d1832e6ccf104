//! What acts on the core's decisions: sockets, timers, wake-ups.
//!
//! [`shared`] holds everything of one task behind one lock, [`operations`] and [`telling`] are what is
//! done under it, [`after`] what is left until it is let go. [`pump`] carries the core's wishes out, and
//! [`run`] is the spawned future that does so when nobody else does: whoever polls an operation drives
//! the connection himself, so that a round trip costs no second task switch ([`attention`]).

mod after;
mod answer;
mod attention;
mod handover;
mod hop;
mod lead;
mod operations;
mod pump;
mod run;
mod shared;
mod slots;
mod telling;
mod threads;
mod waiters;

pub(crate) use answer::Answer;
pub(crate) use operations::Enqueued;
pub(crate) use run::spawn;
pub(crate) use shared::Shared;

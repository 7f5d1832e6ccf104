//! The pure core of streamtask: everything that can be decided without a socket.
//!
//! It never sees a socket, a clock, a thread or the environment. Bytes, time and answers go in; bytes,
//! wishes and completions come out:
//!
//! ```text
//!            Input                      Output
//!   calls ─────────►  ┌─────────────┐ ────────►  Complete(op, result)
//!   bytes ─────────►  │   Stream    │ ────────►  Event(…)
//!   time  ─────────►  │ reads·writes│ ────────►  Attempt · ShutdownWrite · Step · … (wishes)
//!                     │  barriers   │ ────────►  Wait(until when, for what)
//!                     │    pipe     │
//!                     └─────────────┘
//! ```
//!
//! # The contract
//! Handle one input, then poll until the answer is [`Output::Wait`]:
//! `stream.handle(now, input)`, then `stream.poll()`. And for whoever does:
//!
//! 1. Every operation completes exactly once.
//! 2. Reads complete in order, writes complete in order, the two lanes are independent. (What times out
//!    or is withdrawn leaves its lane early.)
//! 3. A barrier begins when what it waits for is done, and what it holds back waits.
//! 4. After a failure every operation, queued or later, completes with the same error, except reads that
//!    what came before it satisfies, or makes impossible (a `read_until` whose bytes lack the delimiter).
//! 5. What is delivered does not depend on how the incoming bytes were cut.
//! 6. No byte is lost, doubled or reordered across a switch: clear → TLS → clear → TLS → captured.
//! 7. In clear text a byte is never copied between the socket's buffer and the user; nothing allocates
//!    per byte; a queue of small writes becomes one system call and one TLS record.
//!
//! Each rule has tests of that name in `tests/`.

mod buffer;
mod deadlines;
mod error;
mod kind;
mod link;
mod proxy;
mod stream;
mod target;
pub mod tls;
mod words;

pub use deadlines::Timeout;
pub use error::Error;
pub use kind::{ErrorKind, Fault, Limit};
pub use link::{
    AddressFamily, Attempt, Chain, EofKind, HandshakeStep, Pipe, ProxyOptions, RaceOptions,
    Transmit,
};
pub use proxy::{NoProxy, Proxy, ProxyKind};
pub use stream::{Lent, Options, Stream, UnreadClearText};
pub use target::{Address, Host, Target};
pub use words::{
    Call, Closing, Event, EventKind, Input, Layer, Lookup, OpId, Outcome, Output, ReadData,
    ReadKind, TaskState, Wait,
};

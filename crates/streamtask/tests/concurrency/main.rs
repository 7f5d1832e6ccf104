//! The library under a scheduler that tries the orders in which threads can meet.
//!
//! What is checked is the library's own code, included file by file: all of the driver, the mailbox, the
//! dispatch to delegates, the queues, the questions, and what users wait with. Another is only what lies around it:
//!
//! - [`sync`]: locks that count who holds them, and waits that end when the scheduler likes;
//! - [`net`]: a socket that a script speaks through;
//! - [`session`], [`task`], [`captured`], [`lingering`] and [`blocking`]: as much as is asked of them;
//! - `driver/attention.rs`, which passes everything on to the library's unless a [`fault`] is planted.
//!
//! [`people`] are those who wait, [`world`] is a connected task, [`model`] says how many orders are tried.
//!
//! Not here: TLS (nobody makes a handshake's step), timers (limits are over at once or never come), and
//! orderings of memory weaker than the sequential one.

#[allow(unreachable_pub)]
mod captured;
#[path = "../../src/challenge.rs"]
#[allow(dead_code, unreachable_pub)]
mod challenge;
#[path = "../../src/delegate.rs"]
#[allow(dead_code, unreachable_pub)]
mod delegate;
#[path = "../../src/dispatch/mod.rs"]
mod dispatch;
#[allow(dead_code, unreachable_pub)]
mod driver;
#[path = "../../src/mailbox.rs"]
mod mailbox;
#[path = "../../src/queue.rs"]
#[allow(dead_code, unreachable_pub)]
mod queue;
#[path = "../../src/resolve.rs"]
#[allow(dead_code, unreachable_pub)]
mod resolve;
#[allow(dead_code, unreachable_pub)]
mod session;
mod sync;
#[allow(dead_code, unreachable_pub)]
mod task;
#[path = "../../src/trace.rs"]
mod trace;

mod blocking;
mod fault;
mod lingering;
mod model;
mod net;
mod people;
mod world;

mod capturing;
mod forms;
mod listening;
mod mail;
mod planted;
mod question;
mod threads;
mod waking;

use captured::{InputStream, OutputStream};
use challenge::Challenge;
use delegate::SessionDelegate;
use session::Session;
use streamtask_proto::{Error, Event};
use sync::lock;
use task::StreamTask;

//! A TCP relay between client and server that re-cuts, stalls or resets what passes.
//!
//! Its place: between a client under test and any server, on real sockets. [`relay`] carries one
//! connection, [`cut`] decides where to cut, [`gate`] stops and ends; the bytes stay as they are.

mod accept;
mod cut;
mod gate;
mod relay;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::mpsc::unbounded_channel;

pub use cut::Cut;

use crate::background::Background;
use crate::port;

/// A relay on 127.0.0.1 with a thread of its own. FIN is passed on per direction, RST as RST.
///
/// Dropping it closes the listener and all its connections.
pub struct Wire {
    port: u16,
    orders: UnboundedSender<Order>,
    heard: Heard,
    _background: Background,
}

/// What clients have said, for tests that look at the wire itself. Clones share it.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<u8>>>);

impl Heard {
    fn add(&self, bytes: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
    }
}

/// What the test tells the relay; `done` hangs up when the order holds.
struct Order {
    what: What,
    done: mpsc::Sender<()>,
}

#[derive(Clone, Copy)]
enum What {
    Stall,
    Resume,
    Reset,
}

impl Wire {
    /// Listens on a port the system picks and relays each connection to `target`, cut as told.
    ///
    /// A client is reset when the target does not take the connection.
    pub fn start(target: SocketAddr, cut: Cut) -> Wire {
        let listener = port::listener();
        let port = listener.local_addr().expect("a bound socket has an address").port();
        let (orders, inbox) = unbounded_channel();
        let heard = Heard::default();
        let theirs = heard.clone();
        let work = move || accept::run(listener, target, cut, theirs, inbox);
        Wire { port, orders, heard, _background: Background::start("testkit wire", work) }
    }

    /// The port clients connect to.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What clients have sent so far, clear text and records as they came; at least all that the
    /// target has seen of it. Meant for one connection: several are mixed as they come.
    pub fn heard(&self) -> Vec<u8> {
        self.heard.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Stops forwarding, in both directions; when this returns, nothing more gets through.
    pub fn stall(&self) {
        self.order(What::Stall);
    }

    /// Goes on forwarding; what has come in between is not lost.
    pub fn resume(&self) {
        self.order(What::Resume);
    }

    /// Resets both sides of all connections; done when this returns.
    pub fn reset(&self) {
        self.order(What::Reset);
    }

    fn order(&self, what: What) {
        let (done, is_done) = mpsc::channel();
        self.orders.send(Order { what, done }).expect("the relay runs until it is dropped");
        // Nothing is sent: the answer is the hanging up.
        let _ = is_done.recv();
    }
}

//! A listener that runs a script for each connection.
//!
//! Its place: the peer of most tests. It accepts, counts, and keeps what went wrong; what is said
//! on a connection is the script's, through [`Conn`].

mod accept;

use std::any::Any;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

use crate::Conn;
use crate::background::{Background, Work};
use crate::port;

/// How long [`Server::finish`] waits: far beyond any script, well below a CI job's patience.
const GUARD: Duration = Duration::from_secs(30);

/// A server on 127.0.0.1 with a thread of its own.
///
/// Dropping it closes the listener and drops running scripts with their connections. It does not
/// panic then; a script's panic is printed to stderr.
pub struct Server {
    addr: SocketAddr,
    ledger: Arc<Ledger>,
    finishing: watch::Sender<bool>,
    background: Background,
}

/// What the server knows of its connections.
#[derive(Default)]
struct Ledger {
    accepted: AtomicUsize,
    ended: AtomicUsize,
    failures: Mutex<Vec<Failure>>,
}

/// How a script can fail.
enum Failure {
    Error(io::Error),
    Panic(Box<dyn Any + Send>),
}

impl Server {
    /// Listens on a port the system picks and runs the script for each accepted connection.
    ///
    /// The port is open when this returns. A script that returns drops its [`Conn`] and so closes.
    pub fn start<F, Fut>(script: F) -> Server
    where
        F: Fn(Conn) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = port::listener();
        let addr = listener.local_addr().expect("a bound socket has an address");
        let ledger = Arc::<Ledger>::default();
        let (finishing, finish) = watch::channel(false);
        let theirs = ledger.clone();
        let work = move || accept::run(listener, Arc::new(script), theirs, finish);
        let background = Background::start("testkit server", work);
        Server { addr, ledger, finishing, background }
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.addr.port()
    }

    /// The address it listens on.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// How many connections were accepted so far.
    pub fn connections(&self) -> usize {
        self.ledger.accepted.load(Ordering::SeqCst)
    }

    /// Takes what has connected by now, waits until all scripts have ended, and closes.
    ///
    /// It blocks the thread: call it when the client's side needs that thread no more.
    ///
    /// # Panics
    /// With a script's panic; when a script returned an error; when scripts still run after 30 s.
    pub fn finish(self) {
        self.finishing.send_replace(true);
        if self.background.wait(GUARD) == Work::Running {
            let ended = self.ledger.ended.load(Ordering::SeqCst);
            let running = self.connections() - ended;
            panic!("after {GUARD:?}, {running} of {} scripts still run", self.connections());
        }
        match self.ledger.take_failures().into_iter().next() {
            None => {}
            Some(Failure::Panic(payload)) => panic::resume_unwind(payload),
            Some(Failure::Error(error)) => panic!("a script of the server failed: {error}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.background.stop();
        for failure in self.ledger.take_failures() {
            match failure {
                Failure::Panic(payload) => {
                    eprintln!("testkit: a script panicked: {}", message(&*payload));
                }
                // Scripts often fail because the test did; then the error may be the reason.
                Failure::Error(error) if thread::panicking() => {
                    eprintln!("testkit: a script failed: {error}");
                }
                Failure::Error(_) => {}
            }
        }
    }
}

impl Ledger {
    fn fail(&self, failure: Failure) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
    }

    fn take_failures(&self) -> Vec<Failure> {
        std::mem::take(&mut *self.failures.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn message(payload: &(dyn Any + Send)) -> &str {
    let text = payload.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| payload.downcast_ref::<&str>().copied()).unwrap_or("without a message")
}

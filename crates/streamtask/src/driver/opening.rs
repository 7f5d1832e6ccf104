//! The errands of a task on its way: lookups and attempts, side by side, as the core asks for them.
//!
//! It knows nothing of their order and of what they are for. Resolvers are user code, so all of this is polled
//! and dropped without the task's lock.

use std::error::Error as _;
use std::future::Future;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use streamtask_proto::{Address, Error, ErrorKind, Lookup};

use super::shared::Shared;
use crate::net::socket::Socket;
use crate::net::{local, tcp};
use crate::resolve::Resolving;

/// What the core asks for.
pub(super) enum Errand {
    Resolve(Lookup),
    Attempt(u32, Address),
}

/// What came of it.
pub(super) enum Brought {
    Resolved(u32, Result<Vec<SocketAddr>, Error>),
    Attempted(u32, Result<Connected, Error>),
}

/// A connection that stands, and with whom.
pub(super) struct Connected {
    pub(super) socket: Socket,
    pub(super) address: Address,
}

/// All that is under way.
#[derive(Default)]
pub(super) struct Opening {
    lookups: Vec<(u32, Resolving)>,
    attempts: Vec<Attempt>,
}

struct Attempt {
    number: u32,
    address: Address,
    connecting: Pin<Box<dyn Future<Output = Result<Socket, Error>> + Send>>,
}

impl Opening {
    pub(super) fn take_on(&mut self, errand: Errand, shared: &Shared) {
        match errand {
            Errand::Resolve(lookup) => {
                let resolver = shared.resolver.clone();
                let Lookup { number, host, port, family } = lookup;
                let ask = move || resolver.resolve(&host, port, family);
                self.lookups.push((number, Box::pin(async move { ask().await })));
            }
            Errand::Attempt(number, address) => {
                let connecting = Box::pin(connect(address.clone()));
                self.attempts.push(Attempt { number, address, connecting });
            }
        }
    }

    /// Something that came, if anything did.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Option<Brought> {
        for place in 0..self.attempts.len() {
            if let Poll::Ready(result) = self.attempts[place].connecting.as_mut().poll(cx) {
                let Attempt { number, address, .. } = self.attempts.swap_remove(place);
                let connected = result.map(|socket| Connected { socket, address });
                return Some(Brought::Attempted(number, connected));
            }
        }
        for place in 0..self.lookups.len() {
            if let Poll::Ready(result) = poll_lookup(&mut self.lookups[place].1, cx) {
                let (number, _) = self.lookups.swap_remove(place);
                return Some(Brought::Resolved(number, result));
            }
        }
        None
    }
}

async fn connect(address: Address) -> Result<Socket, Error> {
    match address {
        Address::Ip(address) => tcp::connect(address).await,
        Address::Path(path) => local::connect(&path).await,
    }
}

/// A resolver that panics has answered, and nothing else is lost with it.
fn poll_lookup(
    lookup: &mut Resolving,
    cx: &mut Context<'_>,
) -> Poll<Result<Vec<SocketAddr>, Error>> {
    let poll = AssertUnwindSafe(|| lookup.as_mut().poll(cx));
    let polled = catch_unwind(poll).unwrap_or_else(|_| {
        let why = "the resolver panicked";
        Poll::Ready(Err(Error::new(ErrorKind::DnsLookupFailed).with_detail(why)))
    });
    polled.map_err(plain)
}

/// The same error with its cause in words, unless that is the system's own: a resolver's is user code even when it
/// is dropped, and errors are dropped under the lock.
fn plain(error: Error) -> Error {
    let cause = error.source().filter(|cause| {
        let system = cause.downcast_ref::<std::io::Error>();
        system.is_none_or(|system| system.get_ref().is_some())
    });
    let Some(cause) = cause.map(ToString::to_string) else { return error };
    let detail = error.detail().map(|detail| format!("{detail}: {cause}"));
    Error::new(error.kind()).with_detail(detail.unwrap_or(cause))
}

//! What a sink has taken in, one connection after the other.
//!
//! Its place: the test's end of [`sink`](crate::sink). It waits for both kinds of tests, those
//! with a runtime and those without.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;

/// How long [`Received::take`] waits: as long as a server does to finish.
const GUARD: Duration = Duration::from_secs(30);

/// The bytes of ended connections, in the order they ended. Clones share them.
///
/// Dropping it loses what was not taken, and nothing else.
#[derive(Clone, Default)]
pub struct Received(Arc<Shelf>);

#[derive(Default)]
struct Shelf {
    ended: Mutex<VecDeque<Vec<u8>>>,
    blocked: Condvar,
    /// Permits are kept, one is enough: each waiter looks again and passes it on.
    waiting: Notify,
}

impl Received {
    /// Takes all bytes of the next ended connection; blocks until there is one.
    ///
    /// # Panics
    /// When no connection has ended after 30 s.
    pub fn take(&self) -> Vec<u8> {
        let ended = self.lock();
        let (mut ended, _) = self
            .0
            .blocked
            .wait_timeout_while(ended, GUARD, |ended| ended.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        ended.pop_front().expect("a connection to the sink ends within 30 s")
    }

    /// Takes all bytes of the next ended connection, for tests that must not block.
    pub async fn next(&self) -> Vec<u8> {
        loop {
            let added = self.0.waiting.notified();
            let next = self.lock().pop_front();
            match next {
                Some(bytes) => return bytes,
                None => added.await,
            }
        }
    }

    pub(crate) fn add(&self, bytes: Vec<u8>) {
        self.lock().push_back(bytes);
        self.0.blocked.notify_all();
        // Waiters registered by now, and the one that comes next.
        self.0.waiting.notify_waiters();
        self.0.waiting.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Vec<u8>>> {
        self.0.ended.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

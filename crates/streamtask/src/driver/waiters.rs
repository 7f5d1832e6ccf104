//! Those who wait for something that happens once, each under a key of its own.

use std::task::Waker;

use super::after::Wakers;

/// Wakers, one for each who waits, however often and from wherever they poll.
#[derive(Default)]
pub(crate) struct Waiters {
    wakers: Vec<(u64, Waker)>,
    next: u64,
}

impl Waiters {
    pub(crate) fn is_empty(&self) -> bool {
        self.wakers.is_empty()
    }

    /// Keeps `waker` for the one with this key, who gets one at first. What they had left before comes back,
    /// to be dropped without locks.
    pub(crate) fn put(&mut self, key: &mut Option<u64>, waker: Waker) -> Option<Waker> {
        let key = *key.get_or_insert_with(|| {
            self.next += 1;
            self.next
        });
        match self.wakers.iter_mut().find(|(known, _)| *known == key) {
            Some((_, known)) => Some(std::mem::replace(known, waker)),
            None => {
                self.wakers.push((key, waker));
                None
            }
        }
    }

    /// The one with this key waits no more.
    pub(crate) fn remove(&mut self, key: u64) -> Option<Waker> {
        let place = self.wakers.iter().position(|(known, _)| *known == key)?;
        Some(self.wakers.swap_remove(place).1)
    }

    /// It has happened.
    pub(super) fn drain(&mut self, into: &mut Wakers) {
        self.wakers.drain(..).for_each(|(_, waker)| into.put(waker));
    }
}

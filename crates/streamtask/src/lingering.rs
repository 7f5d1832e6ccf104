//! How many tasks of a session are under way and how many of its connections are being closed, each counted by
//! [`Lingerers`] of its own, and who waits for the last of them.
//!
//! A leaf, which holds nothing of the session: connections outlive it while they close. How they close
//! stands in [`net::linger`](crate::net::linger).

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::mem::take;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker, ready};

use crate::blocking::block_on;
use crate::lock;

/// Ready when no connection of the session is being closed any more.
///
/// A task is over before its connection is: what it wrote is still on its way to the peer then (see
/// [`Configuration::linger`](crate::Configuration::linger)). A program that is about to end waits for it
/// here, when its tasks are over and its captured streams dropped; a connection that begins to close
/// later is not waited for.
///
/// A peer that takes nothing more is left at [`linger`](crate::Configuration::linger); one that goes on
/// taking what was written, however slowly, is waited for.
///
/// Connections close on the runtime that ran their task: while that stands still, so does this. Dropping
/// it changes nothing.
#[must_use = "a future does nothing unless it is polled"]
pub struct Lingering {
    lingerers: Arc<Lingerers>,
    key: Option<u64>,
}

impl Lingering {
    pub(crate) fn new(lingerers: Arc<Lingerers>) -> Self {
        Lingering { lingerers, key: None }
    }

    /// Blocks until then. Needs no runtime.
    ///
    /// # Panics
    /// Where [`Operation::wait`](crate::Operation::wait) does.
    #[track_caller]
    pub fn wait(self) {
        block_on(self);
    }
}

impl Future for Lingering {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.lingerers.poll(&mut this.key, cx.waker())
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.lingerers.forget(key);
        }
    }
}

impl fmt::Debug for Lingering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lingering").field("count", &self.lingerers.count()).finish()
    }
}

/// Ready when no task of the session is under way any more and no connection is being closed.
///
/// Tasks under way are those of [`Session::all_tasks`](crate::Session::all_tasks). Dropping it changes
/// nothing.
#[must_use = "a future does nothing unless it is polled"]
#[derive(Debug)]
pub struct Finished {
    tasks: Lingering,
    connections: Lingering,
}

impl Finished {
    pub(crate) fn new(tasks: Lingering, connections: Lingering) -> Self {
        Finished { tasks, connections }
    }

    /// Blocks until then. Needs no runtime.
    ///
    /// # Panics
    /// Where [`Operation::wait`](crate::Operation::wait) does.
    #[track_caller]
    pub fn wait(self) {
        block_on(self);
    }
}

impl Future for Finished {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // A task leaves its connection behind before it is over.
        ready!(Pin::new(&mut self.tasks).poll(cx));
        Pin::new(&mut self.connections).poll(cx)
    }
}

/// What is still there of one session: its tasks under way, or its connections that are being closed.
#[derive(Default)]
pub(crate) struct Lingerers(Mutex<Count>);

#[derive(Default)]
struct Count {
    count: usize,
    next_key: u64,
    /// One for each that waits, however often it is polled.
    wakers: BTreeMap<u64, Waker>,
}

/// One of them, until this is dropped.
pub(crate) struct Lingerer(Arc<Lingerers>);

/// Wakers are other people's code: they are cloned, woken and dropped without the lock.
impl Lingerers {
    pub(crate) fn enter(self: &Arc<Self>) -> Lingerer {
        lock(&self.0).count += 1;
        Lingerer(self.clone())
    }

    pub(crate) fn count(&self) -> usize {
        lock(&self.0).count
    }

    fn leave(&self) {
        let mut state = lock(&self.0);
        state.count -= 1;
        let woken = match state.count {
            0 => take(&mut state.wakers),
            _ => BTreeMap::new(),
        };
        drop(state);
        woken.into_values().for_each(Waker::wake);
    }

    fn poll(&self, key: &mut Option<u64>, waker: &Waker) -> Poll<()> {
        let waker = waker.clone();
        let mut state = lock(&self.0);
        if state.count == 0 {
            let known = key.take().and_then(|key| state.wakers.remove(&key));
            drop(state);
            drop(known);
            return Poll::Ready(());
        }
        let key = *key.get_or_insert_with(|| state.new_key());
        let known = state.wakers.insert(key, waker);
        drop(state);
        drop(known);
        Poll::Pending
    }

    fn forget(&self, key: u64) {
        let known = lock(&self.0).wakers.remove(&key);
        drop(known);
    }
}

impl Count {
    fn new_key(&mut self) -> u64 {
        self.next_key += 1;
        self.next_key
    }
}

impl Drop for Lingerer {
    fn drop(&mut self) {
        self.0.leave();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    /// Counts its wakes, and looks at the lingerers from inside.
    struct Nosy(Arc<Lingerers>, AtomicUsize);

    impl Wake for Nosy {
        fn wake(self: Arc<Self>) {
            self.0.count();
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Drop for Nosy {
        fn drop(&mut self) {
            self.0.count();
        }
    }

    fn nosy(lingerers: &Arc<Lingerers>) -> (Arc<Nosy>, Waker) {
        let nosy = Arc::new(Nosy(lingerers.clone(), AtomicUsize::new(0)));
        (nosy.clone(), nosy.into())
    }

    fn poll(lingering: &mut Lingering, waker: &Waker) -> Poll<()> {
        Pin::new(lingering).poll(&mut Context::from_waker(waker))
    }

    #[test]
    fn the_last_to_leave_wakes_all_who_wait_and_nobody_twice() {
        let lingerers = Arc::<Lingerers>::default();
        let both = [lingerers.enter(), lingerers.enter()];
        let mut waiting = [0, 1, 2].map(|_| Lingering::new(lingerers.clone()));
        let wakers = [0, 1, 2].map(|_| nosy(&lingerers));
        for (lingering, (_, waker)) in waiting.iter_mut().zip(&wakers) {
            assert!(poll(lingering, waker).is_pending());
        }
        let [first, last] = both;
        drop(first);
        assert!(wakers.iter().all(|(nosy, _)| nosy.1.load(Ordering::Relaxed) == 0));
        drop(last);
        assert!(wakers.iter().all(|(nosy, _)| nosy.1.load(Ordering::Relaxed) == 1));
        for (lingering, (_, waker)) in waiting.iter_mut().zip(&wakers) {
            assert!(poll(lingering, waker).is_ready());
        }
    }

    #[test]
    fn whoever_polls_again_and_again_is_known_by_its_last_waker_only() {
        let lingerers = Arc::<Lingerers>::default();
        let entered = lingerers.enter();
        let mut lingering = Lingering::new(lingerers.clone());
        for _ in 0..100 {
            let (seen, waker) = nosy(&lingerers);
            assert!(poll(&mut lingering, &waker).is_pending());
            drop(waker);
            assert_eq!(Arc::strong_count(&seen), 2, "the test's and the one that waits");
            assert_eq!(lock(&lingerers.0).wakers.len(), 1);
        }
        drop(lingering);
        assert!(lock(&lingerers.0).wakers.is_empty());
        drop(entered);
    }

    #[test]
    fn nobody_waits_where_nothing_lingers() {
        let lingerers = Arc::<Lingerers>::default();
        Lingering::new(lingerers.clone()).wait();
        drop(lingerers.enter());
        Lingering::new(lingerers).wait();
    }
}

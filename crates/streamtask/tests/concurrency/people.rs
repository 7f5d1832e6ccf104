//! Those who use the library: threads that sleep until they are woken, with wakers that mind.
//!
//! A waker of a user's runs the user's code when it is woken, cloned and dropped, and says so by panicking
//! when that happens under a lock. A runtime's own waker may be cloned and dropped anywhere.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Waker};

use shuttle::rand::{Rng, thread_rng};
use shuttle::sync::{Condvar, Mutex, MutexGuard};

use crate::fault::{Fault, is_planted};
use crate::net;
use crate::sync::assert_no_lock_is_held;

/// A lock of the model's own: not counted, and taken whatever happened to others.
pub(crate) fn hold<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The scheduler's choice, so that a schedule repeats it.
pub(crate) fn one_of<T: Copy>(choices: &[T]) -> T {
    choices[thread_rng().gen_range(0..choices.len())]
}

/// What was noted, in order, for one who waits until it is enough.
pub(crate) struct Notes<T> {
    notes: Mutex<Vec<T>>,
    more: Condvar,
}

impl<T> Default for Notes<T> {
    fn default() -> Self {
        Notes { notes: Mutex::default(), more: Condvar::new() }
    }
}

impl<T: Clone> Notes<T> {
    pub(crate) fn note(&self, note: T) {
        hold(&self.notes).push(note);
        self.more.notify_all();
    }

    pub(crate) fn so_far(&self) -> Vec<T> {
        hold(&self.notes).clone()
    }

    pub(crate) fn wait_until(&self, is_enough: impl Fn(&[T]) -> bool) -> Vec<T> {
        let mut notes = hold(&self.notes);
        while !is_enough(&notes) {
            notes = self.more.wait(notes).unwrap_or_else(PoisonError::into_inner);
        }
        notes.clone()
    }
}

/// Somebody who sleeps until woken.
pub(crate) struct Sleeper {
    kind: Kind,
    is_awake: Mutex<bool>,
    woken: Condvar,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    User,
    Runtime,
}

impl Sleeper {
    pub(crate) fn new(kind: Kind) -> Arc<Self> {
        Arc::new(Sleeper { kind, is_awake: Mutex::new(false), woken: Condvar::new() })
    }

    /// Sleeps until woken, once for each sleep.
    pub(crate) fn sleep(&self) {
        let mut is_awake = hold(&self.is_awake);
        while !std::mem::take(&mut *is_awake) {
            is_awake = self.woken.wait(is_awake).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn wake(&self) {
        assert_no_lock_is_held("a waker was woken");
        let is_lost = is_planted(Fault::OnlyTheSocketWakesTheDriver) && !net::is_telling();
        if self.kind == Kind::Runtime && is_lost {
            return;
        }
        *hold(&self.is_awake) = true;
        self.woken.notify_one();
    }

    fn mind(&self, what: &str) {
        if self.kind == Kind::User {
            assert_no_lock_is_held(what);
        }
    }

    pub(crate) fn waker(self: &Arc<Self>) -> Waker {
        raw::waker(self.clone())
    }

    /// Polls until it is ready, asleep in between.
    pub(crate) fn block_on<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        let waker = self.waker();
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut Context::from_waker(&waker)) {
                Poll::Ready(output) => return output,
                Poll::Pending => self.sleep(),
            }
        }
    }
}

/// Polls with a waker of one's own until it is ready.
pub(crate) fn await_it<F: Future>(future: F) -> F::Output {
    Sleeper::new(Kind::User).block_on(future)
}

/// Polls once, with a waker of one's own that nobody sleeps behind.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    let waker = Sleeper::new(Kind::User).waker();
    pin!(future).poll(&mut Context::from_waker(&waker))
}

/// `std::task::Wake` does not hear of clones.
#[expect(unsafe_code, reason = "only a table of functions hears of a waker's clones")]
mod raw {
    use super::*;

    const TABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop);

    pub(super) fn waker(sleeper: Arc<Sleeper>) -> Waker {
        // SAFETY: the functions of the table keep the count of the Arc that the pointer came from.
        unsafe { Waker::new(Arc::into_raw(sleeper).cast(), &TABLE) }
    }

    /// SAFETY of all of them: `data` came from `Arc::into_raw` and counts as one reference.
    unsafe fn clone(data: *const ()) -> RawWaker {
        let sleeper = unsafe { Arc::from_raw(data.cast::<Sleeper>()) };
        sleeper.mind("a waker was cloned");
        std::mem::forget(sleeper.clone());
        RawWaker::new(Arc::into_raw(sleeper).cast(), &TABLE)
    }

    unsafe fn wake(data: *const ()) {
        unsafe { Arc::from_raw(data.cast::<Sleeper>()) }.wake();
    }

    unsafe fn wake_by_ref(data: *const ()) {
        let sleeper = unsafe { Arc::from_raw(data.cast::<Sleeper>()) };
        sleeper.wake();
        std::mem::forget(sleeper);
    }

    unsafe fn drop(data: *const ()) {
        unsafe { Arc::from_raw(data.cast::<Sleeper>()) }.mind("a waker was dropped");
    }
}

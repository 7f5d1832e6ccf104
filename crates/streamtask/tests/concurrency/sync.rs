//! The scheduler's locks, in the place of `src/sync.rs`.
//!
//! They count what each thread holds, so that user code can tell that it runs under a lock. Timed waits may
//! end at any moment: there is no clock here, and whatever takes long enough happens.

use std::cell::Cell;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::Ordering;
use std::sync::{Arc, LockResult, PoisonError};
use std::time::Duration;

use shuttle::sync::atomic;

use crate::fault::{Fault, is_planted};

pub(crate) use shuttle::sync::atomic::AtomicUsize;

shuttle::thread_local! {
    /// How many of the library's locks this thread holds.
    static HELD: Cell<usize> = Cell::new(0);
}

/// Where user code runs, no lock of ours is held.
pub(crate) fn assert_no_lock_is_held(what: &str) {
    let held = HELD.try_with(Cell::get).unwrap_or(0);
    // A second panic would hide the first.
    assert!(held == 0 || std::thread::panicking(), "{what} under a lock");
}

pub(crate) struct Mutex<T>(shuttle::sync::Mutex<T>);

pub(crate) struct MutexGuard<'a, T> {
    mutex: &'a Mutex<T>,
    /// `None` only while it is dropped.
    guard: Option<shuttle::sync::MutexGuard<'a, T>>,
}

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Mutex(shuttle::sync::Mutex::new(value))
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    let guard = mutex.0.lock().unwrap_or_else(PoisonError::into_inner);
    HELD.with(|held| held.set(held.get() + 1));
    MutexGuard { mutex, guard: Some(guard) }
}

const HELD_UNTIL_DROPPED: &str = "it is held until it is dropped";

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.guard.as_ref().expect(HELD_UNTIL_DROPPED)
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.guard.as_mut().expect(HELD_UNTIL_DROPPED)
    }
}

impl<T> Drop for MutexGuard<'_, T> {
    fn drop(&mut self) {
        self.guard = None;
        let _ = HELD.try_with(|held| held.set(held.get() - 1));
    }
}

/// A flag, which can be planted not to change.
pub(crate) struct AtomicBool(atomic::AtomicBool);

impl AtomicBool {
    pub(crate) const fn new(value: bool) -> Self {
        AtomicBool(atomic::AtomicBool::new(value))
    }

    pub(crate) fn load(&self, ordering: Ordering) -> bool {
        self.0.load(ordering)
    }

    pub(crate) fn store(&self, value: bool, ordering: Ordering) {
        if !is_planted(Fault::FlagIsNotRaised) {
            self.0.store(value, ordering);
        }
    }

    pub(crate) fn swap(&self, value: bool, ordering: Ordering) -> bool {
        match is_planted(Fault::FlagIsNotRaised) {
            true => self.0.load(ordering),
            false => self.0.swap(value, ordering),
        }
    }
}

/// Whether timed waits end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Time {
    Passes,
    StandsStill,
}

thread_local! {
    static TIME: Cell<Time> = const { Cell::new(Time::Passes) };
}

/// For the rest of this run.
pub(crate) fn time(time: Time) {
    TIME.set(time);
}

/// Those who wait without a limit are the scheduler's; those with one can give up at any moment.
pub(crate) struct Condvar {
    untimed: shuttle::sync::Condvar,
    timed: std::sync::Mutex<Vec<Arc<Notified>>>,
}

#[derive(Default)]
struct Notified(std::sync::atomic::AtomicBool);

impl Notified {
    fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

pub(crate) struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    pub(crate) fn timed_out(&self) -> bool {
        self.0
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Condvar::new()
    }
}

impl Condvar {
    pub(crate) const fn new() -> Self {
        Condvar { untimed: shuttle::sync::Condvar::new(), timed: std::sync::Mutex::new(Vec::new()) }
    }

    pub(crate) fn wait<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
    ) -> LockResult<MutexGuard<'a, T>> {
        let ours = guard.guard.take().expect(HELD_UNTIL_DROPPED);
        let ours = self.untimed.wait(ours).unwrap_or_else(PoisonError::into_inner);
        guard.guard = Some(ours);
        Ok(guard)
    }

    pub(crate) fn wait_timeout<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        _: Duration,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let mutex = guard.mutex;
        let notified = Arc::new(Notified::default());
        self.timed().push(notified.clone());
        drop(guard);
        // The scheduler comes back to this thread when it likes: then the time is over.
        shuttle::thread::yield_now();
        while !notified.is_set() && TIME.get() == Time::StandsStill {
            shuttle::thread::yield_now();
        }
        // Whoever tells from here on tells nobody, although the lock is still to be had.
        self.timed().retain(|other| !Arc::ptr_eq(other, &notified));
        Ok((lock(mutex), WaitTimeoutResult(!notified.is_set())))
    }

    /// As the standard library's: who has waited long enough looks once more.
    pub(crate) fn wait_timeout_while<'a, T>(
        &self,
        mut guard: MutexGuard<'a, T>,
        limit: Duration,
        mut condition: impl FnMut(&mut T) -> bool,
    ) -> LockResult<(MutexGuard<'a, T>, WaitTimeoutResult)> {
        let mut is_over = false;
        loop {
            if !condition(&mut guard) {
                return Ok((guard, WaitTimeoutResult(false)));
            }
            if is_over {
                return Ok((guard, WaitTimeoutResult(true)));
            }
            let (again, result) = self.wait_timeout(guard, limit)?;
            guard = again;
            is_over = result.timed_out();
        }
    }

    pub(crate) fn notify_one(&self) {
        if is_planted(Fault::NoticesAreLost) {
            return;
        }
        let first = self.timed().iter().find(|notified| !notified.is_set()).cloned();
        match first {
            Some(notified) => notified.set(),
            None => self.untimed.notify_one(),
        }
    }

    pub(crate) fn notify_all(&self) {
        if is_planted(Fault::NoticesAreLost) {
            return;
        }
        self.timed().iter().for_each(|notified| notified.set());
        self.untimed.notify_all();
    }

    /// Never held where the scheduler can change threads.
    fn timed(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Notified>>> {
        self.timed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(crate) mod thread {
    use super::*;

    pub(crate) use shuttle::thread::JoinHandle;

    thread_local! {
        /// How many more threads can be had.
        static LEFT: Cell<usize> = const { Cell::new(usize::MAX) };
    }

    /// For the rest of this run so many threads can be had through [`Builder`].
    pub(crate) fn allow(count: usize) {
        LEFT.set(count);
    }

    /// Threads, while there are any.
    #[derive(Default)]
    pub(crate) struct Builder(shuttle::thread::Builder);

    impl Builder {
        pub(crate) fn new() -> Self {
            Builder::default()
        }

        pub(crate) fn name(self, name: String) -> Self {
            Builder(self.0.name(name))
        }

        pub(crate) fn spawn<T: Send + 'static>(
            self,
            run: impl FnOnce() -> T + Send + 'static,
        ) -> std::io::Result<JoinHandle<T>> {
            match LEFT.replace(LEFT.get().saturating_sub(1)) {
                0 => Err(std::io::ErrorKind::WouldBlock.into()),
                _ => self.0.spawn(run),
            }
        }
    }
}

//! Locks, and what else threads wait for each other with.
//!
//! `tests/concurrency` includes the files that take these from here and puts others in the place of this one:
//! a scheduler of its own, which tries the orders in which threads can meet.

pub(crate) use std::sync::atomic::{AtomicBool, AtomicUsize};
pub(crate) use std::sync::{Condvar, Mutex, MutexGuard};
pub(crate) use std::thread;

use std::sync::PoisonError;

/// Locks, whatever happened to others: every state behind our locks is whole between statements.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

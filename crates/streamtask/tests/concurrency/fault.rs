//! Faults planted on purpose, to see that the models find them.

use std::cell::Cell;

use crate::sync;

/// A way to go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The lead goes back to the driver, who is not told of what only the operation was.
    DebtIsForgottenAtSettling,
    /// The same when nobody polls the operation any more.
    DebtIsForgottenAtGivingUp,
    /// The lead stays with a read although somebody else waits.
    LeadStaysWithTheRead,
    /// A waker that comes back from the lead is dropped.
    WakerIsDroppedAtSettling,
    /// Whoever sleeps over an operation is not woken when it is done.
    SleeperIsForgotten,
    /// An operation that is polled again keeps no waker.
    OnlyTheFirstPollCounts,
    /// Nothing but the socket wakes the driver.
    OnlyTheSocketWakesTheDriver,
    /// A waker is dropped where it is taken out, under the lock.
    WakerIsDroppedUnderTheLock,
    /// Nobody hears of what condition variables tell.
    NoticesAreLost,
    /// Whoever puts a job into a mailbox leaves no word.
    FlagIsNotRaised,
}

thread_local! {
    /// A model runs on one real thread.
    static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
    static IS_AT_REST: Cell<bool> = const { Cell::new(false) };
}

pub(crate) fn plant(fault: Option<Fault>) {
    FAULT.set(fault);
}

/// Another run begins.
pub(crate) fn begin() {
    IS_AT_REST.set(false);
    sync::thread::allow(usize::MAX);
    sync::time(sync::Time::Passes);
}

/// What a run is about is behind it: tidying up always works.
pub(crate) fn rest() {
    IS_AT_REST.set(true);
}

pub(crate) fn is_planted(fault: Fault) -> bool {
    FAULT.get() == Some(fault) && !IS_AT_REST.get()
}

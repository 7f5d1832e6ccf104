//! Whom a socket's readiness to be read wakes.
//!
//! The socket always knows the same waker, a [`Lead`]. It leads to the driver, who serves everybody, except
//! when a single operation waits and nothing else does: then it leads straight to whoever polls that
//! operation, which saves a task switch a round trip. Nobody else can be hurt when such an operation is then
//! held and not polled; should somebody else begin to wait, the driver looks after what the operation has
//! not ([`Lead::to_driver`]). Writes that have to wait are always the driver's.
//!
//! Who waits is judged in `attention`; sockets are for `pump`.

use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::sync::{Mutex, lock};

/// The way from the socket to whoever waits.
pub(super) struct Lead(Mutex<To>);

#[derive(Default)]
struct To {
    driver: Option<Waker>,
    /// The one who polls the only operation that waits.
    operation: Option<Waker>,
    /// Whether that one was woken.
    is_owed: bool,
}

impl Lead {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Lead(Mutex::default()))
    }

    /// The driver has (another) waker. The one it had before is to be dropped without locks, as all that
    /// the methods here give back.
    pub(super) fn set_driver(&self, waker: &Waker) -> Option<Waker> {
        let mut to = lock(&self.0);
        match &to.driver {
            Some(known) if known.will_wake(waker) => None,
            Some(_) | None => to.driver.replace(waker.clone()),
        }
    }

    /// From now on readiness wakes whoever polls the only operation that waits.
    pub(super) fn to_operation(&self, waker: Waker) -> Option<Waker> {
        lock(&self.0).operation.replace(waker)
    }

    /// From now on readiness wakes the driver.
    pub(super) fn to_driver(&self) -> Left {
        let mut to = lock(&self.0);
        Left { waker: to.operation.take(), is_owed: std::mem::take(&mut to.is_owed) }
    }
}

/// What an operation leaves behind when the lead goes back to the driver.
#[derive(Default)]
pub(super) struct Left {
    /// To be dropped without locks.
    pub(super) waker: Option<Waker>,
    /// Whether the socket has become ready and only the operation was told. Unless its caller looks now, the
    /// driver has to.
    pub(super) is_owed: bool,
}

impl Wake for Lead {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let mut to = lock(&self.0);
        let waker = match to.operation.take() {
            Some(operation) => {
                to.is_owed = true;
                Some(operation)
            }
            // A task's waker of the runtime's own, so that cloning it runs nobody's code.
            None => to.driver.clone(),
        };
        drop(to);
        waker.into_iter().for_each(Waker::wake);
    }
}

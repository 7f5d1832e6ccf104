//! Whom a socket's readiness wakes.
//!
//! The socket always knows the same waker, one for each direction. Where it leads changes with who is
//! waiting: to the read at the head of the lane while somebody polls it, else to the driver. So no
//! wake-up is lost when an operation is dropped or completed by somebody else. Nor when a read is polled
//! once and then held: whatever waits for that read, a barrier or another read, wakes the driver too.
//! Writes are always the driver's, once they have to wait: they go on whoever holds them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Wake, Waker};

use crate::lock;

/// One direction's way from the socket to whoever waits.
pub(super) struct Lead {
    /// The operation that is followed, so that forgetting another costs no lock. Changes under the task's.
    followed: AtomicU64,
    to: Mutex<To>,
}

/// No operation has this name: the generations do not reach it before the slots do.
const NOBODY: u64 = u64::MAX;

#[derive(Default)]
struct To {
    operation: Option<(u64, Waker)>,
    driver: Option<Waker>,
    /// Whether others wait too: then so does the driver, in case the one at the head is not polled.
    is_crowded: bool,
}

impl Lead {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Lead { followed: AtomicU64::new(NOBODY), to: Mutex::default() })
    }

    /// The driver has (another) waker.
    pub(super) fn set_driver(&self, waker: &Waker) {
        let mut to = lock(&self.to);
        match &mut to.driver {
            Some(known) => known.clone_from(waker),
            None => to.driver = Some(waker.clone()),
        }
    }

    /// The operation `id` is being waited for by `waker`.
    pub(super) fn follow(&self, id: u64, waker: &Waker) {
        self.followed.store(id, Ordering::Relaxed);
        let mut to = lock(&self.to);
        match &mut to.operation {
            Some((known, old)) if *known == id => old.clone_from(waker),
            Some(_) => {
                to.operation = Some((id, waker.clone()));
                to.is_crowded = true;
            }
            None => to.operation = Some((id, waker.clone())),
        }
    }

    /// Something waits for the operation that is followed.
    pub(super) fn share(&self) {
        lock(&self.to).is_crowded = true;
    }

    /// Nobody waits for `id` any more.
    pub(super) fn forget(&self, id: u64) {
        if self.followed.load(Ordering::Relaxed) != id {
            return;
        }
        self.followed.store(NOBODY, Ordering::Relaxed);
        let mut to = lock(&self.to);
        if to.operation.as_ref().is_some_and(|(known, _)| *known == id) {
            to.operation = None;
            to.is_crowded = false;
        }
    }
}

impl Wake for Lead {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let to = lock(&self.to);
        let operation = to.operation.as_ref().map(|(_, waker)| waker.clone());
        let needs_driver = to.is_crowded || operation.is_none();
        let driver = to.driver.clone().filter(|_| needs_driver);
        drop(to);
        for waker in operation.into_iter().chain(driver) {
            waker.wake();
        }
    }
}

//! Who sleeps over what, and whom the socket's readiness wakes for it.
//!
//! A waker is in one place: in its operation's slot, or, if that operation is a read that waits alone, at the
//! end of the [`Lead`]. Which of the two is computed from what waits, and computed again whenever the task's
//! lock is let go ([`Attention::settle`]); there is no flag to be forgotten. Nothing here runs user code:
//! wakers are moved, and those that are not needed come back.

use std::task::Waker;

use streamtask_proto::OpId;

use super::lead::{Lead, Left};
use super::slots::Slots;

/// The operations of a task, and who sleeps over them.
pub(super) struct Attention<T> {
    pub(super) slots: Slots<T>,
    /// The read to whose poller the lead goes.
    led: Option<OpId>,
}

/// Whether anything but operations waits for what happens: listeners, delegates, those who wait for the end.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    Nobody,
    Somebody,
}

/// What came of looking at who waits.
pub(super) struct Settled {
    /// Whether the driver has to look at the socket.
    pub(super) needs_driver: bool,
    /// To be dropped without locks.
    pub(super) unused: Option<Waker>,
}

impl<T> Default for Attention<T> {
    fn default() -> Self {
        Attention { slots: Slots::default(), led: None }
    }
}

impl<T> Attention<T> {
    /// Whether one operation waits and nothing else: then nobody needs the driver for it.
    fn is_one_alone(&self, audience: Audience) -> bool {
        audience == Audience::Nobody && self.slots.under_way() == 1
    }

    /// Somebody has polled `id` in vain, with `waker`. An unneeded waker comes back.
    pub(super) fn watch(
        &mut self,
        lead: &Lead,
        id: OpId,
        is_read: bool,
        audience: Audience,
        waker: Waker,
    ) -> Option<Waker> {
        if is_read && self.is_one_alone(audience) {
            self.led = Some(id);
            lead.to_operation(waker)
        } else {
            self.slots.watch(id, waker)
        }
    }

    /// Nobody sleeps over `id` any more.
    pub(super) fn unwatch(&mut self, lead: &Lead, id: OpId) -> Left {
        if self.led != Some(id) {
            return Left { waker: self.slots.take_waker(id), is_owed: false };
        }
        self.led = None;
        lead.to_driver()
    }

    /// Before the task's lock is let go: if a read does not wait alone any more, its waker goes back to its
    /// slot, and the driver looks where only the read was told.
    pub(super) fn settle(&mut self, lead: &Lead, audience: Audience) -> Settled {
        match self.led.filter(|_| !self.is_one_alone(audience)) {
            None => Settled { needs_driver: false, unused: None },
            Some(id) => {
                let left = self.unwatch(lead, id);
                let unused = left.waker.and_then(|waker| self.slots.watch(id, waker));
                Settled { needs_driver: left.is_owed, unused }
            }
        }
    }
}

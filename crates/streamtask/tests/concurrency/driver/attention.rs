//! Stands between `src/driver/attention.rs` and the rest of the driver, and can plant a fault there.

use std::ops::{Deref, DerefMut};
use std::task::Waker;

use streamtask_proto::OpId;

use super::attention_itself as itself;
use super::lead::{Lead, Left};
use crate::fault::{Fault, is_planted};

pub(super) use itself::{Audience, Settled};

pub(super) struct Attention<T> {
    itself: itself::Attention<T>,
    polled: Vec<OpId>,
    /// Dropped with the task, without locks.
    forgotten: Vec<Waker>,
}

impl<T> Default for Attention<T> {
    fn default() -> Self {
        let itself = itself::Attention::default();
        Attention { itself, polled: Vec::new(), forgotten: Vec::new() }
    }
}

impl<T> Deref for Attention<T> {
    type Target = itself::Attention<T>;

    fn deref(&self) -> &Self::Target {
        &self.itself
    }
}

impl<T> DerefMut for Attention<T> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.itself
    }
}

impl<T> Attention<T> {
    pub(super) fn watch(
        &mut self,
        lead: &Lead,
        id: OpId,
        is_read: bool,
        audience: Audience,
        waker: Waker,
    ) -> Option<Waker> {
        if is_planted(Fault::OnlyTheFirstPollCounts) && self.polled.contains(&id) {
            return Some(waker);
        }
        self.polled.push(id);
        self.itself.watch(lead, id, is_read, audience, waker)
    }

    pub(super) fn unwatch(&mut self, lead: &Lead, id: OpId) -> Left {
        let mut left = self.itself.unwatch(lead, id);
        if is_planted(Fault::DebtIsForgottenAtGivingUp) {
            left.is_owed = false;
        }
        if is_planted(Fault::WakerIsDroppedUnderTheLock) {
            left.waker = None;
        }
        if is_planted(Fault::SleeperIsForgotten) {
            self.forgotten.extend(left.waker.take());
        }
        left
    }

    pub(super) fn settle(&mut self, lead: &Lead, audience: Audience) -> Settled {
        if is_planted(Fault::LeadStaysWithTheRead) {
            return Settled { needs_driver: false, unused: None };
        }
        let mut settled = self.itself.settle(lead, audience);
        if is_planted(Fault::DebtIsForgottenAtSettling) {
            settled.needs_driver = false;
        }
        if is_planted(Fault::WakerIsDroppedAtSettling) && audience == Audience::Somebody {
            let polled = std::mem::take(&mut self.polled);
            self.forgotten.extend(polled.iter().filter_map(|id| self.itself.slots.take_waker(*id)));
        }
        settled
    }
}

//! Where results wait for those who asked.
//!
//! One slot for each operation under way, reused when it is collected: an operation allocates nothing.
//! Wakers are only moved here, never woken, cloned or dropped: the task's lock is held.

use std::task::Waker;

use streamtask_proto::OpId;

/// Somebody who is called with a result.
pub(crate) type Callback<T> = Box<dyn FnOnce(T) + Send>;

enum Slot<T> {
    /// Nobody's; the next free one.
    Free(Option<u32>),
    /// Under way, and perhaps polled.
    Waiting(Option<Waker>),
    /// Under way; its result is for a callback.
    Callback(Callback<T>),
    /// Under way; nobody wants its result.
    Detached,
    /// Done, not collected yet.
    Ready(T),
}

impl<T> Slot<T> {
    fn is_under_way(&self) -> bool {
        match self {
            Slot::Waiting(_) | Slot::Callback(_) | Slot::Detached => true,
            Slot::Free(_) | Slot::Ready(_) => false,
        }
    }
}

/// What becomes of a result.
pub(crate) enum Claim<T> {
    /// It waits in its slot.
    Kept,
    /// It is for this callback.
    Callback(Callback<T>, T),
    /// Nobody wants it.
    Unclaimed(T),
}

pub(crate) struct Slots<T> {
    slots: Vec<(u32, Slot<T>)>,
    free: Option<u32>,
    under_way: usize,
}

impl<T> Default for Slots<T> {
    fn default() -> Self {
        Slots { slots: Vec::new(), free: None, under_way: 0 }
    }
}

impl<T> Slots<T> {
    /// A slot for a new operation.
    pub(crate) fn open(&mut self) -> OpId {
        let index = match self.free {
            Some(index) => {
                if let Slot::Free(next) = self.slots[index as usize].1 {
                    self.free = next;
                }
                index
            }
            None => {
                self.slots.push((0, Slot::Free(None)));
                (self.slots.len() - 1) as u32
            }
        };
        let (generation, slot) = &mut self.slots[index as usize];
        *slot = Slot::Waiting(None);
        self.under_way += 1;
        OpId(u64::from(*generation) << 32 | u64::from(index))
    }

    /// How many operations are under way.
    pub(crate) fn under_way(&self) -> usize {
        self.under_way
    }

    fn get(&mut self, id: OpId) -> Option<&mut Slot<T>> {
        let (generation, slot) = self.slots.get_mut(id.0 as u32 as usize)?;
        (u64::from(*generation) == id.0 >> 32).then_some(slot)
    }

    /// Frees a slot. Its old name means nothing from now on.
    fn close(&mut self, id: OpId) -> Option<Slot<T>> {
        self.get(id)?;
        let index = id.0 as u32;
        let (generation, slot) = &mut self.slots[index as usize];
        *generation = generation.wrapping_add(1);
        let closed = std::mem::replace(slot, Slot::Free(self.free.replace(index)));
        self.under_way -= usize::from(closed.is_under_way());
        Some(closed)
    }

    /// An operation is done. Whoever sleeps over it was [taken out](Self::take_waker) before.
    pub(crate) fn complete(&mut self, id: OpId, result: T) -> Claim<T> {
        if let Some(slot @ Slot::Waiting(_)) = self.get(id) {
            *slot = Slot::Ready(result);
            self.under_way -= 1;
            return Claim::Kept;
        }
        match self.close(id) {
            Some(Slot::Callback(callback)) => Claim::Callback(callback, result),
            _ => Claim::Unclaimed(result),
        }
    }

    /// The result, if it is there.
    pub(crate) fn collect(&mut self, id: OpId) -> Option<T> {
        match self.get(id)? {
            Slot::Ready(_) => match self.close(id)? {
                Slot::Ready(result) => Some(result),
                _ => None,
            },
            _ => None,
        }
    }

    /// Nobody sleeps over it any more: whoever did is to be woken, or polls again.
    pub(crate) fn take_waker(&mut self, id: OpId) -> Option<Waker> {
        match self.get(id)? {
            Slot::Waiting(waker) => waker.take(),
            _ => None,
        }
    }

    /// Somebody has polled in vain.
    pub(crate) fn watch(&mut self, id: OpId, waker: Waker) -> Option<Waker> {
        match self.get(id) {
            Some(Slot::Waiting(known)) => known.replace(waker),
            _ => Some(waker),
        }
    }

    /// The result is for a callback. If it is there already, the callback comes back with it.
    pub(crate) fn call(&mut self, id: OpId, callback: Callback<T>) -> Option<(Callback<T>, T)> {
        match self.collect(id) {
            Some(result) => Some((callback, result)),
            None => {
                if let Some(slot) = self.get(id) {
                    *slot = Slot::Callback(callback);
                }
                None
            }
        }
    }

    /// Nobody will ask for it again; it goes on. What was done and not collected comes back.
    pub(crate) fn detach(&mut self, id: OpId) -> Option<T> {
        let done = self.collect(id);
        if done.is_none()
            && let Some(slot) = self.get(id)
        {
            *slot = Slot::Detached;
        }
        done
    }

    /// The operation is taken back. What was done and not collected comes back.
    pub(crate) fn withdraw(&mut self, id: OpId) -> Option<T> {
        match self.close(id)? {
            Slot::Ready(result) => Some(result),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_name_means_nothing_in_a_reused_slot() {
        let mut slots = Slots::<u8>::default();
        let old = slots.open();
        assert!(matches!(slots.complete(old, 7), Claim::Kept));
        assert!(slots.collect(old).is_some());
        let new = slots.open();
        assert_eq!(old.0 as u32, new.0 as u32, "the slot is reused");
        assert!(slots.collect(old).is_none());
        assert!(slots.withdraw(old).is_none());
        assert_eq!(slots.under_way(), 1);
        assert!(matches!(slots.complete(new, 7), Claim::Kept));
        assert!(slots.collect(new).is_some());
    }

    #[test]
    fn a_result_without_an_owner_is_unclaimed() {
        let mut slots = Slots::<u8>::default();
        let id = slots.open();
        assert!(slots.detach(id).is_none());
        assert_eq!(slots.under_way(), 1, "it goes on");
        assert!(matches!(slots.complete(id, 7), Claim::Unclaimed(_)));
        assert_eq!(slots.under_way(), 0);
    }

    #[test]
    fn only_what_is_not_done_counts_as_under_way() {
        let mut slots = Slots::<u8>::default();
        let ids: Vec<_> = (0..5).map(|_| slots.open()).collect();
        assert_eq!(slots.under_way(), 5);
        let _ = slots.complete(ids[0], 7);
        let _ = slots.withdraw(ids[1]);
        let _ = slots.call(ids[2], Box::new(|_| {}));
        let _ = slots.complete(ids[2], 7);
        assert_eq!(slots.under_way(), 2);
        let _ = slots.collect(ids[0]);
        let _ = slots.detach(ids[3]);
        let _ = slots.complete(ids[3], 7);
        assert_eq!(slots.under_way(), 1);
    }
}

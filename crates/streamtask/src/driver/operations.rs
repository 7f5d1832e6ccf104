//! Operations on their way: taken in, polled, given a callback, dropped, completed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::Instant;

use streamtask_proto::{Call, Input, OpId, ReadData};

use super::after::Return;
use super::answer::{Answer, Answered};
use super::shared::{Shared, State};
use super::slots::{Callback, Claim};

/// What became of a call.
pub(crate) enum Enqueued {
    /// It was done inside the call.
    Done(Answered),
    UnderWay(OpId),
}

impl Shared {
    /// Takes an operation in, in the order of calls. What can be done at once is done at once.
    pub(crate) fn enqueue(self: &Arc<Self>, operation: Call) -> Enqueued {
        match operation {
            Call::Read(..) => self.enqueue_read(operation),
            _ => self.enqueue_other(operation),
        }
    }

    fn enqueue_read(self: &Arc<Self>, operation: Call) -> Enqueued {
        let mut state = self.lock();
        if let Call::Read(kind, _) = &operation
            && let Some(read) = state.stream.read_at_once(kind)
        {
            self.uncollected.fetch_add(1, Ordering::Relaxed);
            return Enqueued::Done(Ok(Answer::Read(read)));
        }
        let now = Instant::now();
        let id = state.attention.slots.open();
        state.stream.handle(now, Input::Enqueue(id, operation));
        // It goes on even if nobody polls it: from here on the socket and the timer know of it.
        self.pump(&mut state, now);
        // A read that is done by now still counts as not looked at.
        state.attention.slots.collect(id).map_or(Enqueued::UnderWay(id), Enqueued::Done)
    }

    fn enqueue_other(self: &Arc<Self>, operation: Call) -> Enqueued {
        let now = Instant::now();
        let mut state = self.lock();
        let id = state.attention.slots.open();
        state.stream.handle(now, Input::Enqueue(id, operation));
        if !self.is_queueing.swap(true, Ordering::Relaxed) {
            self.pump(&mut state, now);
        } else if state.stream.has_outputs() {
            // Refused at once; anything else waits for what is queued before it.
            self.carry_out(&mut state);
        }
        match state.attention.slots.collect(id) {
            Some(result) => Enqueued::Done(result),
            None => {
                state.wake_driver();
                Enqueued::UnderWay(id)
            }
        }
    }

    /// The result of `id`, driving the connection to get it.
    pub(crate) fn poll(
        self: &Arc<Self>,
        id: OpId,
        is_read: bool,
        waker: &Waker,
    ) -> Option<Answered> {
        // Cloning and dropping run the executor's code: what is declared before the lock is taken is dropped
        // after it was let go.
        let mut mine = Some(waker.clone());
        let _before;
        let now = Instant::now();
        let mut state = self.lock();
        self.is_queueing.store(false, Ordering::Relaxed);
        // This very poll looks at the result, so nothing that it does has to wake its task.
        _before = state.unwatch(&self.lead, id).waker;
        let mut result = self.collect(&mut state, id, is_read, now);
        if result.is_none() {
            self.pump(&mut state, now);
            result = self.collect(&mut state, id, is_read, now);
        }
        if result.is_none() {
            state.note_waiting();
            mine = mine.and_then(|waker| state.watch(&self.lead, id, is_read, waker));
        }
        drop((state, mine));
        result
    }

    fn collect(
        self: &Arc<Self>,
        state: &mut State,
        id: OpId,
        is_read: bool,
        now: Instant,
    ) -> Option<Answered> {
        let result = state.attention.slots.collect(id)?;
        if is_read {
            self.looked_at(state, &result, now);
        }
        Some(result)
    }

    /// The result of `id` goes to `callback`, on the delegate queue.
    pub(crate) fn call(self: &Arc<Self>, id: OpId, is_read: bool, callback: Callback<Answered>) {
        let mut state = self.lock();
        self.give_up(&mut state, id);
        if let Some((callback, result)) = state.attention.slots.call(id, callback) {
            if is_read {
                self.looked_at(&mut state, &result, Instant::now());
            }
            self.mailbox.put(move || callback(result));
        }
    }

    /// Nobody waits for `id` any more: a read is withdrawn, anything else stands.
    pub(crate) fn abandon_operation(self: &Arc<Self>, id: OpId, is_read: bool) {
        let mut state = self.lock();
        self.give_up(&mut state, id);
        let unwanted = if is_read {
            self.withdraw(&mut state, id);
            None
        } else {
            state.attention.slots.detach(id)
        };
        drop(state);
        // Captured streams go to the delegate here, without the lock.
        drop(unwanted);
    }

    /// Nobody polls `id` any more; the driver looks instead.
    fn give_up(&self, state: &mut State, id: OpId) {
        let left = state.unwatch(&self.lead, id);
        state.after.drops.put_some(left.waker);
        if left.is_owed {
            state.wake_driver();
        }
    }

    fn withdraw(self: &Arc<Self>, state: &mut State, id: OpId) {
        match state.attention.slots.withdraw(id) {
            Some(Ok(Answer::Read(read))) => self.take_back(state, read),
            Some(_) => {}
            None => {
                let now = Instant::now();
                state.stream.handle(now, Input::Withdraw(id));
                // A barrier may have waited for nothing else.
                self.pump(state, now);
            }
        }
    }

    /// Somebody looks at what was answered inside its call.
    pub(crate) fn look_at(self: &Arc<Self>, result: &Answered) {
        self.is_queueing.store(false, Ordering::Relaxed);
        self.collected(result);
        if let Some(end) = told_end(result) {
            self.see_end(&mut self.lock(), end, Instant::now());
        }
    }

    fn looked_at(self: &Arc<Self>, state: &mut State, result: &Answered, now: Instant) {
        self.collected(result);
        if let Some(end) = told_end(result) {
            self.see_end(state, end, now);
        }
    }

    fn collected(&self, result: &Answered) {
        if let Ok(Answer::Read(_)) = result {
            self.uncollected.fetch_sub(1, Ordering::Relaxed);
        }
    }

    /// Only an end that somebody has looked at is one that the application knows of.
    fn see_end(self: &Arc<Self>, state: &mut State, end: Input, now: Instant) {
        state.stream.handle(now, end);
        self.carry_out(state);
    }

    fn has_looked_at_all(&self) -> bool {
        self.uncollected.load(Ordering::Relaxed) == 0
    }

    /// Puts the bytes of a read that was answered inside its call back.
    pub(crate) fn give_back(self: &Arc<Self>, read: ReadData) {
        self.take_back(&mut self.lock(), read);
    }

    /// What a read had brought and nobody looked at belongs to the stream, wherever that has gone.
    fn take_back(self: &Arc<Self>, state: &mut State, read: ReadData) {
        self.uncollected.fetch_sub(1, Ordering::Relaxed);
        let is_last = self.has_looked_at_all();
        if let Some(to) = state.returns.clone() {
            state.after.returned = Some(Return { to, read, is_last });
            return;
        }
        let now = Instant::now();
        state.stream.handle(now, Input::Return { read, is_last });
        self.pump(state, now);
    }

    /// Notes the result of an operation for whoever wants it.
    pub(super) fn complete(self: &Arc<Self>, state: &mut State, id: OpId, result: Answered) {
        let is_read = matches!(result, Ok(Answer::Read(_)));
        let end = told_end(&result);
        let sleeper = state.unwatch(&self.lead, id);
        state.after.wakes.put_some(sleeper.waker);
        match state.attention.slots.complete(id, result) {
            Claim::Kept => {
                self.uncollected.fetch_add(usize::from(is_read), Ordering::Relaxed);
            }
            Claim::Callback(callback, result) => {
                if let Some(end) = end {
                    // A callback looks at what it is given.
                    state.stream.handle(Instant::now(), end);
                }
                self.mailbox.put(move || callback(result));
            }
            // Streams find their way to the delegate when they are dropped, without the lock.
            Claim::Unclaimed(Ok(Answer::Captured(handover))) => self.mailbox.put(|| drop(handover)),
            Claim::Unclaimed(_) => {}
        }
    }
}

/// What the core is to be told when somebody looks at a read that says there will be no more.
fn told_end(result: &Answered) -> Option<Input> {
    match result {
        Ok(Answer::Read(read)) => read.at_eof.then(|| Input::EndSeen(read.layer())),
        Ok(Answer::Done | Answer::Secured(_) | Answer::Captured(_)) => None,
        Err(error) => error.ends().map(Input::EndSeen),
    }
}

//! Operations on their way: taken in, polled, given a callback, dropped, completed.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::Instant;

use streamtask_proto::{Error, Input, OpId, Operation, ReadData};

use super::shared::{Shared, State};
use super::slots::{Answer, Callback, Claim};

/// What became of a call.
pub(crate) enum Enqueued {
    /// It was done inside the call.
    Done(Result<Answer, Error>),
    UnderWay(OpId),
}

impl Shared {
    /// Takes an operation in, in the order of calls. What can be done at once is done at once.
    pub(crate) fn enqueue(self: &Arc<Self>, operation: Operation) -> Enqueued {
        match operation {
            Operation::Read(..) => self.enqueue_read(operation),
            _ => self.enqueue_other(operation),
        }
    }

    fn enqueue_read(self: &Arc<Self>, operation: Operation) -> Enqueued {
        let mut state = self.lock();
        if let Operation::Read(kind, _) = &operation
            && let Some(read) = state.stream.read_at_once(kind)
        {
            self.uncollected.fetch_add(1, Ordering::Relaxed);
            return Enqueued::Done(Ok(Answer::Read(read)));
        }
        let now = Instant::now();
        let id = state.slots.open();
        state.stream.handle(now, Input::Enqueue(id, operation));
        // It goes on even if nobody polls it: from here on the socket and the timer know of it.
        self.pump(&mut state, now);
        state.arm();
        // A read that is done by now still counts as not looked at.
        let result = state.slots.collect(id);
        drop(state);
        self.mailbox.kick();
        result.map_or(Enqueued::UnderWay(id), Enqueued::Done)
    }

    fn enqueue_other(self: &Arc<Self>, operation: Operation) -> Enqueued {
        let now = Instant::now();
        let mut state = self.lock();
        let id = state.slots.open();
        state.stream.handle(now, Input::Enqueue(id, operation));
        if !state.is_queueing {
            state.is_queueing = true;
            self.pump(&mut state, now);
        } else if state.stream.has_outputs() {
            // Refused at once; anything else waits for what is queued before it.
            self.carry_out(&mut state);
        }
        let result = state.slots.collect(id);
        if result.is_none() {
            state.wake_driver();
        }
        drop(state);
        self.mailbox.kick();
        result.map_or(Enqueued::UnderWay(id), Enqueued::Done)
    }

    /// The result of `id`, driving the connection to get it.
    ///
    /// A read `is_fresh` when it has just been tried by its call: then the socket is not asked again, and
    /// knows whom to wake anyway.
    pub(crate) fn poll(
        self: &Arc<Self>,
        id: OpId,
        is_read: bool,
        is_fresh: bool,
        waker: &Waker,
    ) -> Option<Result<Answer, Error>> {
        let mut state = self.lock();
        state.is_queueing = false;
        if let Some(result) = self.collect(&mut state, id, is_read) {
            return Some(result);
        }
        if !is_fresh {
            state.slots.unwatch(id);
            self.pump(&mut state, Instant::now());
        }
        let result = self.collect(&mut state, id, is_read);
        if result.is_none() {
            state.slots.watch(id, waker);
            if is_read {
                self.read_lead.follow(id.0, waker);
            }
            state.arm();
        }
        drop(state);
        self.mailbox.kick();
        result
    }

    fn collect(&self, state: &mut State, id: OpId, is_read: bool) -> Option<Result<Answer, Error>> {
        let result = state.slots.collect(id)?;
        self.looked_at(is_read && result.is_ok());
        Some(result)
    }

    /// The result of `id` goes to `callback`, on the delegate queue.
    pub(crate) fn call(self: &Arc<Self>, id: OpId, is_read: bool, callback: Callback) {
        let mut state = self.lock();
        if let Some((callback, result)) = state.slots.call(id, callback) {
            self.looked_at(is_read && result.is_ok());
            self.mailbox.put(move || callback(result));
        }
        state.wake_driver();
        drop(state);
        self.mailbox.kick();
    }

    /// Nobody waits for `id` any more: a read is withdrawn, anything else stands.
    pub(crate) fn abandon_operation(self: &Arc<Self>, id: OpId, is_read: bool) {
        let mut state = self.lock();
        let unwanted = if is_read {
            self.read_lead.forget(id.0);
            let collected = state.slots.withdraw(id);
            self.looked_at(matches!(collected, Some(Ok(_))));
            let input = match collected {
                Some(Ok(Answer::Read(read))) => {
                    Input::Return { read, is_last: self.has_looked_at_all() }
                }
                Some(_) | None => Input::Withdraw(id),
            };
            state.stream.handle(Instant::now(), input);
            self.carry_out(&mut state);
            None
        } else {
            state.slots.detach(id)
        };
        // Whoever was woken for it will not drive any more.
        state.wake_driver();
        drop(state);
        self.mailbox.kick();
        // Captured streams go to the delegate here, without the lock.
        drop(unwanted);
    }

    /// Somebody looks at a read that was answered inside its call.
    pub(crate) fn look_at(&self, result: &Result<Answer, Error>) {
        self.looked_at(matches!(result, Ok(Answer::Read(_))));
    }

    fn looked_at(&self, is_read: bool) {
        if is_read {
            self.uncollected.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn has_looked_at_all(&self) -> bool {
        self.uncollected.load(Ordering::Relaxed) == 0
    }

    /// Puts the bytes of a read that was answered inside its call back.
    pub(crate) fn give_back(self: &Arc<Self>, read: ReadData) {
        let mut state = self.lock();
        self.looked_at(true);
        let is_last = self.has_looked_at_all();
        state.stream.handle(Instant::now(), Input::Return { read, is_last });
        self.carry_out(&mut state);
        drop(state);
        self.mailbox.kick();
    }

    /// Notes the result of an operation for whoever wants it.
    pub(super) fn complete(
        self: &Arc<Self>,
        state: &mut State,
        id: OpId,
        result: Result<Answer, Error>,
    ) {
        let is_read = matches!(result, Ok(Answer::Read(_)));
        match state.slots.complete(id, result) {
            Claim::Kept(waker) => {
                self.uncollected.fetch_add(usize::from(is_read), Ordering::Relaxed);
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
            Claim::Callback(callback, result) => self.mailbox.put(move || callback(result)),
            // Streams find their way to the delegate when they are dropped, without the lock.
            Claim::Unclaimed(Ok(Answer::Captured(handover))) => self.mailbox.put(|| drop(handover)),
            Claim::Unclaimed(_) => {}
        }
        self.read_lead.forget(id.0);
    }
}

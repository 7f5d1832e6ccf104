//! What happened, to those who listen and to the delegate; and the last words of a task.

use std::sync::Arc;

use streamtask_proto::{Error, Event, EventKind};

use super::handover::{Giver, Streams};
use super::shared::{Shared, State};
use crate::task::events::Listener;
use crate::trace;
use crate::{InputStream, OutputStream, lock};

impl Giver for Shared {
    fn handed_over(self: Arc<Self>, unwanted: Option<Streams>) {
        if let Some((input, output)) = unwanted {
            let shared = self.clone();
            self.mailbox.put(move || shared.offer_streams(input, output));
        }
        // A job of its own: should the delegate panic, the session forgets the task all the same.
        let shared = self.clone();
        self.mailbox.put(move || shared.leave_told());
        self.mailbox.kick();
    }
}

impl Shared {
    /// On the delegate queue: nobody kept the capture operation, so the delegate gets the streams.
    fn offer_streams(self: &Arc<Self>, input: InputStream, output: OutputStream) {
        if let Some(delegate) = self.delegate() {
            let (session, task) = self.handles();
            delegate.did_become_streams(&session, &task, input, output);
        }
    }

    /// What happened, to those who listen and to the delegate.
    pub(super) fn tell(self: &Arc<Self>, state: &mut State, event: Event) {
        if trace::is_on() {
            state.after.traced.push(event.clone());
        }
        for listener in &state.listeners {
            state.after.wakes.put_some(listener.hear(event.clone()));
        }
        if state.has_delegate {
            let told = event.clone();
            self.tell_delegate(state, move |delegate, session, task| {
                delegate.did_happen(session, task, &told);
            });
        }
        match event.kind {
            EventKind::ReadClosed => self.tell_delegate(state, |delegate, session, task| {
                delegate.read_closed(session, task);
            }),
            EventKind::WriteClosed => self.tell_delegate(state, |delegate, session, task| {
                delegate.write_closed(session, task);
            }),
            EventKind::Finished(result) => {
                let error = result.clone().err();
                self.end(state, result);
                if state.has_delegate {
                    // Two jobs: should the delegate panic, the session forgets the task all the same.
                    let (first, then) = (self.clone(), self.clone());
                    self.mailbox.put(move || first.announce(error));
                    self.mailbox.put(move || then.leave_told());
                } else {
                    self.leave(state);
                }
            }
            _ => {}
        }
    }

    fn tell_delegate(
        self: &Arc<Self>,
        state: &State,
        tell: impl FnOnce(&dyn crate::SessionDelegate, &crate::Session, &crate::StreamTask)
        + Send
        + 'static,
    ) {
        if state.has_delegate {
            let shared = self.clone();
            self.mailbox.put(move || {
                if let Some(delegate) = shared.delegate() {
                    let (session, task) = shared.handles();
                    tell(&*delegate, &session, &task);
                }
            });
        }
    }

    /// Events for `listener`, from now on.
    pub(crate) fn listen(self: &Arc<Self>, listener: &Arc<Listener>) {
        let mut state = self.lock();
        match state.ended {
            None => state.listeners.push(listener.clone()),
            Some(_) => listener.hear_no_more().map_or((), |waker| state.after.wakes.put(waker)),
        }
    }

    /// No more of them.
    pub(crate) fn stop_listening(self: &Arc<Self>, listener: &Arc<Listener>) {
        self.lock().listeners.retain(|known| !Arc::ptr_eq(known, listener));
    }

    /// The task is over, well or not.
    pub(super) fn end(&self, state: &mut State, result: Result<(), Error>) {
        state.ended = Some(result);
        for listener in std::mem::take(&mut state.listeners) {
            state.after.wakes.put_some(listener.hear_no_more());
        }
        if let Some(question) = state.question.take() {
            question.give(crate::challenge::Given {
                disposition: crate::Disposition::Cancel,
                credential: None,
                reason: None,
            });
        }
        state.completions.drain(&mut state.after.wakes);
        state.wake_driver();
    }

    /// On the delegate queue: the last message of the task, then perhaps that of the session.
    fn announce(self: &Arc<Self>, error: Option<Error>) {
        let delegate = self.delegate();
        self.lock().is_announced = true;
        if let Some(delegate) = delegate {
            let (session, task) = self.handles();
            delegate.did_complete(&session, &task, error.as_ref());
        }
    }

    /// The session forgets the task, and may have its last message.
    fn leave(&self, state: &mut State) {
        state.is_announced = true;
        self.session.task_ended(self.particulars.number);
        state.after.session = true;
    }

    /// The last word was had: the task lets its delegate go, and perhaps the session has its last message.
    fn leave_told(self: &Arc<Self>) {
        // Taken out first: a delegate is user code even when it is dropped.
        let delegate = lock(&self.particulars.delegate).take();
        drop(delegate);
        self.leave(&mut self.lock());
    }
}

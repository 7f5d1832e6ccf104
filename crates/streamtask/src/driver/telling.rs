//! What happened, to those who listen and to the delegate; and the last words of a task.

use std::sync::Arc;

use streamtask_proto::{Error, Event};

use super::shared::{Shared, State};
use crate::{InputStream, OutputStream, lock};

impl Shared {
    /// On the delegate queue: nobody kept the capture operation, so the delegate gets the streams.
    pub(super) fn offer_streams(self: &Arc<Self>, input: InputStream, output: OutputStream) {
        if let Some(delegate) = self.delegate() {
            let (session, task) = self.handles();
            delegate.did_become_streams(&session, &task, input, output);
        }
    }

    /// What happened, to those who listen and to the delegate.
    pub(super) fn tell(self: &Arc<Self>, state: &mut State, event: Event) {
        state.listeners.retain(|listener| listener.send(event.clone()).is_ok());
        match event {
            Event::ReadClosed => self.tell_delegate(|delegate, session, task| {
                delegate.read_closed(session, task);
            }),
            Event::WriteClosed => self.tell_delegate(|delegate, session, task| {
                delegate.write_closed(session, task);
            }),
            Event::Finished(result) => {
                let error = result.clone().err();
                self.end(state, result);
                if self.delegate().is_some() {
                    let shared = self.clone();
                    self.mailbox.put(move || shared.announce(error));
                } else {
                    self.leave(state);
                }
            }
            _ => {}
        }
    }

    fn tell_delegate(
        self: &Arc<Self>,
        tell: impl FnOnce(&dyn crate::SessionDelegate, &crate::Session, &crate::StreamTask)
        + Send
        + 'static,
    ) {
        if self.delegate().is_some() {
            let shared = self.clone();
            self.mailbox.put(move || {
                if let Some(delegate) = shared.delegate() {
                    let (session, task) = shared.handles();
                    tell(&*delegate, &session, &task);
                }
            });
        }
    }

    /// The task is over, well or not.
    pub(super) fn end(&self, state: &mut State, result: Result<(), Error>) {
        state.ended = Some(result);
        state.listeners.clear();
        if let Some(question) = state.question.take() {
            question.give(crate::challenge::Given {
                disposition: crate::Disposition::Cancel,
                credential: None,
            });
        }
        for waker in state.completions.drain(..) {
            waker.wake();
        }
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
        self.leave_told();
    }

    /// The session forgets the task.
    fn leave(&self, state: &mut State) {
        state.is_announced = true;
        self.session.task_ended(self.identity.number);
    }

    /// The last word was had: the task lets its delegate go, and perhaps the session has its last message.
    pub(super) fn leave_told(self: &Arc<Self>) {
        // Taken out first: a delegate is user code even when it is dropped.
        let delegate = lock(&self.identity.delegate).take();
        drop(delegate);
        self.leave(&mut self.lock());
        self.session.kick();
    }
}

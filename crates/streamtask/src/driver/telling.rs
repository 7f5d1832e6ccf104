//! What happened, to those who listen and to whoever stands above; and the last words of a task.

use std::sync::Arc;

use streamtask_proto::{Error, Event, EventKind};

use super::handover::{Giver, Streams};
use super::listener::Listener;
use super::news::News;
use super::shared::{Shared, State};
use crate::trace;

impl Giver for Shared {
    fn handed_over(self: Arc<Self>, unwanted: Option<Streams>) {
        if let Some(streams) = unwanted {
            self.say(News::Unwanted(streams));
        }
        self.say(News::Over);
        self.mailbox.kick();
    }
}

impl Shared {
    /// Puts it where it is heard, in order with the callbacks of operations.
    fn say(&self, news: News) {
        let above = self.above.clone();
        self.mailbox.put(move || above.hear(news));
    }

    /// What happened, to those who listen and to whoever stands above.
    pub(super) fn tell(&self, state: &mut State, event: Event) {
        if trace::is_on() {
            state.after.traced.push(event.clone());
        }
        for listener in &state.listeners {
            state.after.wakes.put_some(listener.hear(event.clone()));
        }
        let is_told = state.is_told;
        if is_told {
            self.say(News::Happened(event.clone()));
        }
        if let EventKind::Finished(result) = event.kind {
            self.end(state, result);
            match is_told {
                // A word of its own: should a callback panic, the task is forgotten all the same.
                true => self.say(News::Over),
                false => (state.is_announced, state.after.is_over) = (true, true),
            }
        }
    }

    /// Everybody who is told has heard of the end, or is about to.
    pub(crate) fn announced(self: &Arc<Self>) {
        self.lock().is_announced = true;
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
            question.withdraw();
        }
        state.completions.drain(&mut state.after.wakes);
        state.wake_driver();
    }
}

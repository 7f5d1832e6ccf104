//! Where events wait for one who listens to a task.

use std::collections::VecDeque;
use std::task::{Poll, Waker};

use streamtask_proto::Event;

use crate::sync::{Mutex, lock};

/// Where events wait for the one who listens.
#[derive(Default)]
pub(crate) struct Listener(Mutex<Heard>);

#[derive(Default)]
struct Heard {
    events: VecDeque<Event>,
    is_over: bool,
    waker: Option<Waker>,
}

impl Listener {
    /// Takes an event in. Whoever sleeps over it comes back, to be woken without locks.
    pub(crate) fn hear(&self, event: Event) -> Option<Waker> {
        let mut heard = lock(&self.0);
        heard.events.push_back(event);
        heard.waker.take()
    }

    /// There will be no more.
    pub(crate) fn hear_no_more(&self) -> Option<Waker> {
        let mut heard = lock(&self.0);
        heard.is_over = true;
        heard.waker.take()
    }

    pub(crate) fn poll(&self, waker: &Waker) -> Poll<Option<Event>> {
        // Cloning and dropping wakers runs the executor's code, which must find no lock taken.
        let mine = waker.clone();
        let mut heard = lock(&self.0);
        let (polled, unused) = match heard.events.pop_front() {
            Some(event) => (Poll::Ready(Some(event)), Some(mine)),
            None if heard.is_over => (Poll::Ready(None), Some(mine)),
            None => (Poll::Pending, heard.waker.replace(mine)),
        };
        drop(heard);
        drop(unused);
        polled
    }

    /// How many events wait.
    pub(crate) fn waiting(&self) -> usize {
        lock(&self.0).events.len()
    }
}

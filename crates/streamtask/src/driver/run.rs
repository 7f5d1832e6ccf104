//! The spawned future of a task: carries errands out, keeps time, and drives when nobody else does.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use streamtask_proto::Input;
use tokio::runtime::Handle;
use tokio::time::{Sleep, sleep_until};

use super::opening::{Brought, Opening};
use super::pump::runtime_is_gone;
use super::shared::{Shared, State};

/// Spawns the driver of a task that has just been resumed for the first time.
pub(crate) fn spawn(shared: Arc<Shared>, runtime: &Handle) {
    let _ = shared.runtime.set(runtime.clone());
    runtime.spawn(Driver::new(shared));
}

pub(super) struct Driver {
    shared: Arc<Shared>,
    /// Until the connection stands.
    opening: Option<Opening>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Future for Driver {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let shared = self.shared.clone();
        loop {
            let brought = self.opening.as_mut().and_then(|opening| opening.poll(cx));
            let mine = cx.waker().clone();
            let mut state = shared.lock();
            self.register(&mut state, mine);
            let has_more = brought.is_some();
            if let Some(brought) = brought {
                take_in(&shared, &mut state, brought);
            }
            let driven = self.drive(&mut state, cx);
            let errands = std::mem::take(&mut state.errands);
            let is_opening = state.stream.is_opening();
            let has_adopted = std::mem::take(&mut state.has_adopted);
            drop(state);
            if driven.is_ready() {
                return driven;
            }
            if has_adopted || !is_opening {
                // What lost the race is dropped here, without the lock.
                self.opening = is_opening.then(Opening::default);
            }
            let Some(opening) = &mut self.opening else { return Poll::Pending };
            if errands.is_empty() && !has_more {
                return Poll::Pending;
            }
            errands.into_iter().for_each(|errand| opening.take_on(errand, &shared));
        }
    }
}

impl Driver {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Driver { shared, opening: Some(Opening::default()), timer: None }
    }

    /// Whoever needs the driver from now on finds its waker.
    fn register(&self, state: &mut State, waker: Waker) {
        if let Some(before) = self.shared.lead.set_driver(&waker) {
            state.drop_later(before);
        }
        if let Some(before) = state.driver.replace(waker) {
            state.drop_later(before);
        }
    }

    /// Pumps, keeps the timer at the core's next moment, and ends with the task.
    fn drive(&mut self, state: &mut State, cx: &mut Context<'_>) -> Poll<()> {
        self.shared.is_queueing.store(false, Ordering::Relaxed);
        loop {
            let now = Instant::now();
            // What can be done by now is in time.
            self.shared.pump(state, now);
            if state.until.is_some_and(|until| until <= now) {
                state.stream.handle(now, Input::Tick);
                self.shared.pump(state, now);
            }
            if state.ended.is_some() {
                return Poll::Ready(());
            }
            if self.poll_timer(state, now, cx).is_pending() {
                return Poll::Pending;
            }
        }
    }

    fn poll_timer(&mut self, state: &mut State, now: Instant, cx: &mut Context<'_>) -> Poll<()> {
        if state.armed.is_none_or(|armed| state.until.is_some_and(|until| until < armed)) {
            state.armed = state.until;
            match (state.until, &mut self.timer) {
                (None, _) => self.timer = None,
                (Some(until), Some(timer)) => timer.as_mut().reset(until.into()),
                (Some(until), None) => {
                    // The first operations have closer deadlines than connecting has. Moving a timer
                    // closer wakes a sleeping runtime; being early once costs less.
                    let first = until.min(now + FIRST);
                    state.armed = Some(first);
                    self.timer = Some(Box::pin(sleep_until(first.into())));
                }
            }
        }
        let Some(timer) = &mut self.timer else { return Poll::Pending };
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        state.armed = None;
        Poll::Ready(())
    }
}

fn take_in(shared: &Arc<Shared>, state: &mut State, brought: Brought) {
    let input = match brought {
        Brought::Resolved(number, result) => Input::Resolved(number, result),
        Brought::Attempted(number, result) => {
            Input::Attempted(number, result.map(|connected| state.connected = Some(connected)))
        }
    };
    state.stream.handle(Instant::now(), input);
    shared.carry_out(state);
    // If it was not adopted, nobody has a use for it.
    state.connected = None;
}

impl Drop for Driver {
    /// If the runtime goes before the task, the task ends, so that nobody waits for ever.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.driver.take().into_iter().for_each(|waker| state.drop_later(waker));
        if state.ended.is_none() {
            state.stream.handle(Instant::now(), Input::Failed(runtime_is_gone()));
            self.shared.carry_out(&mut state);
        }
    }
}

/// How far ahead a task's first timer is set, at most.
const FIRST: Duration = Duration::from_secs(10);

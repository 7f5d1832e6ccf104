//! The tasks of a session, from their making to their last message.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::lingering::Lingerer;
use crate::task::TaskInner;

/// Which tasks there are, and whether there may be more.
#[derive(Default)]
pub(crate) struct Registry {
    tasks: BTreeMap<u64, Entry>,
    last: u64,
    phase: Phase,
}

/// A task, and that it is under way once it is.
struct Entry {
    task: Arc<TaskInner>,
    under_way: Option<Lingerer>,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Phase {
    #[default]
    Open,
    /// No new tasks; the last one to end ends the session.
    Invalidated,
    /// The delegate has heard the last of it.
    Over,
}

impl Registry {
    /// A number for a new task, from 1 on, never used before; `None` once invalidated.
    pub(crate) fn number(&mut self) -> Option<u64> {
        (self.phase == Phase::Open).then(|| {
            self.last += 1;
            self.last
        })
    }

    /// Takes a task in, unless the session has been invalidated meanwhile.
    pub(crate) fn enter(&mut self, number: u64, task: Arc<TaskInner>) -> bool {
        let is_open = self.phase == Phase::Open;
        if is_open {
            self.tasks.insert(number, Entry { task, under_way: None });
        }
        is_open
    }

    /// A task is resumed for the first time. What it was under way by before comes back, to be dropped
    /// without locks.
    pub(crate) fn begin(&mut self, number: u64, under_way: Lingerer) -> Option<Lingerer> {
        match self.tasks.get_mut(&number) {
            Some(entry) => entry.under_way.replace(under_way),
            None => Some(under_way),
        }
    }

    /// Lets a task go; what it was under way by is to be dropped without locks. `true` if the session is over
    /// with it.
    pub(crate) fn leave(&mut self, number: u64) -> (Option<Lingerer>, bool) {
        let entry = self.tasks.remove(&number);
        (entry.and_then(|entry| entry.under_way), self.is_over_now())
    }

    /// Allows no more tasks. `true` if the session is over with that.
    pub(crate) fn invalidate(&mut self) -> bool {
        if self.phase == Phase::Open {
            self.phase = Phase::Invalidated;
        }
        self.is_over_now()
    }

    /// True once.
    fn is_over_now(&mut self) -> bool {
        let is_over = self.phase == Phase::Invalidated && self.tasks.is_empty();
        if is_over {
            self.phase = Phase::Over;
        }
        is_over
    }

    /// The tasks in the order of their making.
    pub(crate) fn tasks(&self) -> Vec<Arc<TaskInner>> {
        self.tasks.values().map(|entry| entry.task.clone()).collect()
    }

    pub(crate) fn task(&self, number: u64) -> Option<Arc<TaskInner>> {
        self.tasks.get(&number).map(|entry| entry.task.clone())
    }
}

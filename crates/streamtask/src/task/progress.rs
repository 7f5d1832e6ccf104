//! How far a task is, as far as that can be known of a stream.

use std::fmt;
use std::sync::Arc;

use streamtask_proto::Input;

use super::TaskInner;

/// The progress of a task (`Progress`): bytes so far, of an unknown total until it is over.
///
/// Dropping it changes nothing.
#[derive(Clone)]
pub struct Progress(Arc<TaskInner>);

impl Progress {
    pub(crate) fn new(task: Arc<TaskInner>) -> Self {
        Progress(task)
    }

    /// Bytes sent and received so far.
    pub fn completed_unit_count(&self) -> i64 {
        let (sent, received) = self.0.shared.lock().stream.byte_counts();
        i64::try_from(sent.saturating_add(received)).unwrap_or(i64::MAX)
    }

    /// As many as were completed once the task is over; −1, unknown, before.
    pub fn total_unit_count(&self) -> i64 {
        match self.is_finished() {
            true => self.completed_unit_count(),
            false => -1,
        }
    }

    /// Whether the total is unknown.
    pub fn is_indeterminate(&self) -> bool {
        !self.is_finished()
    }

    /// Whether the task is over.
    pub fn is_finished(&self) -> bool {
        self.0.shared.lock().ended.is_some()
    }

    /// Cancels the task.
    pub fn cancel(&self) {
        self.0.shared.input(Input::Cancel);
    }

    /// Suspends the task.
    pub fn pause(&self) {
        self.0.shared.input(Input::Suspend);
    }

    /// Takes one `pause` or `suspend` back.
    pub fn resume(&self) {
        crate::StreamTask::handle(self.0.clone()).resume();
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Progress")
            .field("completed_unit_count", &self.completed_unit_count())
            .field("total_unit_count", &self.total_unit_count())
            .finish()
    }
}

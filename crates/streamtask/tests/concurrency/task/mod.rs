//! As much of a task as is asked of it. What users wait with is the library's own.

#[path = "../../../src/task/completion.rs"]
pub(crate) mod completion;
#[path = "../../../src/task/events.rs"]
pub(crate) mod events;
#[path = "../../../src/task/operation.rs"]
pub(crate) mod operation;

use std::sync::Arc;

use streamtask_proto::tls::Ask;

use crate::SessionDelegate;
use crate::driver::Shared;
use crate::session::SessionInner;
use crate::sync::Mutex;

/// What delegates are handed.
pub struct StreamTask(Arc<TaskInner>);

impl StreamTask {
    pub(crate) fn handle(task: Arc<TaskInner>) -> Self {
        StreamTask(task)
    }
}

pub(crate) struct TaskInner {
    pub(crate) number: u64,
    pub(crate) session: Arc<SessionInner>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) asker: Arc<dyn Ask>,
    pub(crate) delegate: Mutex<Option<Arc<dyn SessionDelegate>>>,
}

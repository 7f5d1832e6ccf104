//! As much of a task as its driver asks for. What users wait with is the library's own.

#[path = "../../../src/task/asker.rs"]
mod asker;
pub(crate) mod captured;
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
use crate::sync::Mutex;

/// What delegates are handed.
pub struct StreamTask(Arc<Shared>);

impl StreamTask {
    pub(crate) fn handle(shared: Arc<Shared>) -> Self {
        StreamTask(shared)
    }
}

pub(crate) struct Particulars {
    pub(crate) number: u64,
    pub(crate) delegate: Mutex<Option<Arc<dyn SessionDelegate>>>,
}

impl Particulars {
    pub(crate) fn new(number: u64) -> Self {
        Particulars { number, delegate: Mutex::default() }
    }
}

/// Who asks a task's delegates during a handshake.
pub(crate) fn asker_of(shared: &Arc<Shared>) -> Option<Arc<dyn Ask>> {
    asker::asker(shared)
}

//! The streams of a captured task on their way to whoever takes them.

use std::fmt;
use std::sync::Arc;

use crate::{InputStream, OutputStream};

/// Both streams of a task.
pub(super) type Streams = (InputStream, OutputStream);

/// Two streams that somebody must get: the caller of the capture, or else the delegate.
///
/// With that the session forgets the task. Drop it without the task's lock.
pub struct Handover {
    giver: Arc<dyn Giver>,
    streams: Option<Streams>,
}

/// Whose streams they were.
pub(super) trait Giver: Send + Sync {
    /// It is over: the caller took the streams, or did not want them.
    fn handed_over(self: Arc<Self>, unwanted: Option<Streams>);
}

impl Handover {
    pub(super) fn new(giver: Arc<dyn Giver>, streams: Streams) -> Self {
        Handover { giver, streams: Some(streams) }
    }

    /// The caller takes them.
    pub(crate) fn take(mut self) -> Streams {
        self.streams.take().expect("they are taken once, and with that the handover is over")
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        self.giver.clone().handed_over(self.streams.take());
    }
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handover").field(&self.streams).finish()
    }
}

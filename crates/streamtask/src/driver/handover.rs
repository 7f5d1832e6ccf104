//! The streams of a captured task on their way to whoever takes them.

use std::fmt;
use std::sync::Arc;

use super::shared::Shared;
use crate::{InputStream, OutputStream};

/// Two streams that somebody must get: the caller of the capture, or else the delegate.
///
/// With that the session forgets the task. So dropping it gives the streams to the delegate; drop it
/// without the task's lock.
pub struct Handover {
    shared: Arc<Shared>,
    streams: Option<(InputStream, OutputStream)>,
}

impl Handover {
    pub(super) fn new(shared: Arc<Shared>, streams: (InputStream, OutputStream)) -> Self {
        Handover { shared, streams: Some(streams) }
    }

    /// The caller takes them.
    pub(crate) fn take(mut self) -> (InputStream, OutputStream) {
        self.streams.take().expect("they are taken once, and with that the handover is over")
    }
}

impl Drop for Handover {
    fn drop(&mut self) {
        let (shared, unwanted) = (self.shared.clone(), self.streams.take());
        if let Some((input, output)) = unwanted {
            let shared = shared.clone();
            self.shared.mailbox.put(move || shared.offer_streams(input, output));
        }
        // A job of its own: should the delegate panic, the session forgets the task all the same.
        self.shared.mailbox.put(move || shared.leave_told());
        self.shared.mailbox.kick();
    }
}

impl fmt::Debug for Handover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handover").field(&self.streams).finish()
    }
}

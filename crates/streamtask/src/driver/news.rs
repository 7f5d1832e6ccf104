//! What a task's driver says to whoever stands above it: plain words, in order, and no more than that.
//!
//! The driver knows no session, no delegate and no public task. It puts its words into the task's mailbox, and
//! there, on the delegate queue, somebody hears them: [`dispatch`](crate::dispatch).

use streamtask_proto::Event;

use super::handover::Streams;

/// What there is to say.
pub(crate) enum News {
    /// Something happened. Said only of tasks that are [told](super::Setting::is_told) of.
    Happened(Event),
    /// Nobody has taken the streams of a capture.
    Unwanted(Streams),
    /// All was said: the task can be forgotten.
    Over,
}

/// Who hears it, one piece after the other and never under a lock.
pub(crate) trait Hear: Send + Sync {
    fn hear(&self, news: News);
}

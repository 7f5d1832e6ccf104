//! What happens to a task, as a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use streamtask_proto::Event;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use crate::driver::Shared;

/// The events of one task, from when it was asked for; the last is [`Event::Finished`], or none when the
/// streams were captured.
///
/// Few events happen in the life of a task, so they are never dropped. Dropping the stream changes
/// nothing for the task.
#[derive(Debug)]
pub struct Events(UnboundedReceiver<Event>);

impl Events {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        let (sender, receiver) = unbounded_channel();
        shared.listen(sender);
        Events(receiver)
    }

    /// The next event; `None` behind the last.
    ///
    /// *Cancel safety.* Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.0.poll_recv(cx)
    }
}

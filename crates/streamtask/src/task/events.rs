//! What happens to a task, as a stream.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use futures_core::Stream;
use streamtask_proto::Event;

use crate::blocking::block_on;
use crate::driver::{Listener, Shared};
use crate::sync::{Mutex, lock};

/// The events of one task, from when it was asked for; the last is
/// [`EventKind::Finished`](crate::EventKind::Finished), or none when the streams were captured.
///
/// Few events happen in the life of a task, so they are never dropped. Dropping the stream changes
/// nothing for the task.
///
/// ```no_run
/// # async fn example(task: streamtask::StreamTask) {
/// use streamtask::EventKind;
///
/// let mut events = task.events();
/// while let Some(event) = events.next().await {
///     match event.kind {
///         EventKind::Secured(tls) => println!("{} with {}", tls.version(), tls.cipher_suite_name()),
///         EventKind::Finished(Err(error)) => println!("it failed: {error}"),
///         other => println!("{other:?}, at {:?}", event.when),
///     }
/// }
/// # }
/// ```
pub struct Events {
    shared: Arc<Shared>,
    listener: Arc<Listener>,
}

impl Events {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        let listener = Arc::new(Listener::default());
        shared.listen(&listener);
        Events { shared: shared.clone(), listener }
    }

    /// The next event; `None` behind the last.
    ///
    /// *Cancel safety.* Dropping the future loses no event.
    pub async fn next(&mut self) -> Option<Event> {
        poll_fn(|cx| self.listener.poll(cx.waker())).await
    }

    /// Blocks until the next event; `None` behind the last. Needs no runtime.
    ///
    /// # Panics
    /// Where [`Operation::wait`](crate::Operation::wait) does.
    #[track_caller]
    pub fn wait_next(&mut self) -> Option<Event> {
        block_on(pin!(self.next()))
    }

    /// Runs `callback` with each event on the session's delegate queue, in order with the other callbacks of
    /// its task, until the last; never inside this call.
    pub fn on_event(self, callback: impl FnMut(Event) + Send + 'static) {
        let caller = Caller { events: self, callback: Mutex::new(Some(callback)) };
        Arc::new(caller).wake();
    }
}

/// Who is woken when something happens, and passes it on where callbacks run.
struct Caller<F> {
    events: Events,
    /// Out while it runs: no lock is held meanwhile.
    callback: Mutex<Option<F>>,
}

impl<F: FnMut(Event) + Send + 'static> Wake for Caller<F> {
    fn wake(self: Arc<Self>) {
        let mailbox = &self.events.shared.mailbox;
        let caller = self.clone();
        mailbox.put(move || caller.pass_on());
        mailbox.kick();
    }
}

impl<F: FnMut(Event) + Send + 'static> Caller<F> {
    /// Jobs of one task never run two at once, so the callback is in its place.
    fn pass_on(self: Arc<Self>) {
        let Some(mut callback) = lock(&self.callback).take() else { return };
        let waker = Waker::from(self.clone());
        loop {
            match self.events.listener.poll(&waker) {
                Poll::Ready(Some(event)) => callback(event),
                Poll::Ready(None) => return,
                Poll::Pending => break,
            }
        }
        *lock(&self.callback) = Some(callback);
    }
}

impl Stream for Events {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.listener.poll(cx.waker())
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.shared.stop_listening(&self.listener);
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("waiting", &self.listener.waiting()).finish_non_exhaustive()
    }
}

//! Whom a session tells what happens.

use std::sync::Arc;

use crate::{Challenge, Error, Event, InputStream, OutputStream, Session, StreamTask};

/// Hears of everything that happens in a session (`URLSessionDelegate`, `URLSessionTaskDelegate` and
/// `URLSessionStreamDelegate` in one). Every method has a default; implement what you need.
///
/// All methods but [`did_create_task`](Self::did_create_task) run on the session's [`DelegateQueue`](crate::DelegateQueue),
/// those of one task always in order and never two at once. They may call anything, `cancel` included.
/// They may block, which holds up the other callbacks of a serial queue: do not wait there for what takes another
/// callback of that queue, such as a start of TLS whose challenge this delegate answers. It would never come.
///
/// A task can have a delegate of its own ([`StreamTask::set_delegate`]), which then hears of this task instead of
/// the session's. Challenges alone go to both: first to the session's
/// [`did_receive_challenge`](Self::did_receive_challenge), then to
/// [`task_did_receive_challenge`](Self::task_did_receive_challenge) of the task's and of the session's, until
/// somebody keeps them.
///
/// ```
/// use streamtask::{Challenge, Configuration, DelegateQueue, Error, Session, SessionDelegate, StreamTask};
///
/// struct Printer;
///
/// impl SessionDelegate for Printer {
///     // Nobody vouches for printers: trust whom the platform trusts, and the printer's own certificate.
///     fn did_receive_challenge(&self, _: &Session, challenge: Challenge) -> Option<Challenge> {
///         match challenge.server_trust() {
///             Some(trust) if trust.sha256().to_string() == known() => {
///                 challenge.use_credential(streamtask::Credential::Trust);
///                 None
///             }
///             _ => Some(challenge), // the default decides
///         }
///     }
///
///     fn did_complete(&self, _: &Session, task: &StreamTask, error: Option<&Error>) {
///         println!("{}: {error:?}", task.identifier());
///     }
/// }
/// # fn known() -> &'static str { "" }
///
/// # fn main() -> Result<(), Error> {
/// let session = Session::with_delegate(Configuration::default(), Printer, DelegateQueue::serial())?;
/// # Ok(())
/// # }
/// ```
#[allow(unused_variables)]
pub trait SessionDelegate: Send + Sync + 'static {
    /// The last message of a session: it was invalidated and its last task is over.
    /// (`urlSession(_:didBecomeInvalidWithError:)`)
    fn did_become_invalid(&self, session: &Session, error: Option<&Error>) {}

    /// A server asks to be trusted, or asks who we are.
    /// (`urlSession(_:didReceive:completionHandler:)`)
    ///
    /// Keep the challenge and answer it at any time from any thread, or hand it back: then it goes to
    /// [`task_did_receive_challenge`](Self::task_did_receive_challenge). Dropping it cancels the task.
    fn did_receive_challenge(&self, session: &Session, challenge: Challenge) -> Option<Challenge> {
        Some(challenge)
    }

    /// A task was made. Runs inside the call that makes it, not on the delegate queue.
    /// (`urlSession(_:didCreateTask:)`)
    fn did_create_task(&self, session: &Session, task: &StreamTask) {}

    /// The task waits until there is a network. (`urlSession(_:taskIsWaitingForConnectivity:)`)
    ///
    /// Not sent yet.
    fn task_is_waiting_for_connectivity(&self, session: &Session, task: &StreamTask) {}

    /// As [`did_receive_challenge`](Self::did_receive_challenge), for one task. Handing it back here asks
    /// for default handling. (`urlSession(_:task:didReceive:completionHandler:)`)
    fn task_did_receive_challenge(
        &self,
        session: &Session,
        task: &StreamTask,
        challenge: Challenge,
    ) -> Option<Challenge> {
        Some(challenge)
    }

    /// Everything that happens to a task, in order: it is connected, secured and what that agreed
    /// on, in clear text again, closed on one side or the other, finished. The methods for some of these come
    /// right behind it. What [`Events`](crate::Events) brings to those who ask, this brings to a delegate.
    ///
    /// Foundation has no such method.
    fn did_happen(&self, session: &Session, task: &StreamTask, event: &Event) {}

    /// The statistics of a task are complete. (`urlSession(_:task:didFinishCollecting:)`)
    ///
    /// Not sent yet.
    fn did_finish_collecting_metrics(
        &self,
        session: &Session,
        task: &StreamTask,
        metrics: &TaskMetrics,
    ) {
    }

    /// The last message of a task that was not captured, or whose streams nobody took.
    /// (`urlSession(_:task:didCompleteWithError:)`)
    fn did_complete(&self, session: &Session, task: &StreamTask, error: Option<&Error>) {}

    /// The read side is closed: the peer has sent its last byte, or `close_read` was carried out. Bytes
    /// may still be buffered: read until the end to be sure. (`urlSession(_:readClosedFor:)`)
    fn read_closed(&self, session: &Session, task: &StreamTask) {}

    /// The write side is closed: `close_write` was carried out, the peer made writing impossible, or a write was
    /// cut off by its timeout.
    /// (`urlSession(_:writeClosedFor:)`)
    fn write_closed(&self, session: &Session, task: &StreamTask) {}

    /// There is a better way to the peer now. (`urlSession(_:betterRouteDiscoveredFor:)`)
    ///
    /// Not sent yet.
    fn better_route_discovered(&self, session: &Session, task: &StreamTask) {}

    /// The last message of a task whose streams were captured and whose caller did not wait for them:
    /// had it kept the [`Operation`](crate::Operation), they would be its result. Dropping them closes
    /// the connection. (`urlSession(_:streamTask:didBecome:outputStream:)`)
    ///
    /// By default they are dropped, and [`did_complete`](Self::did_complete) is the last message.
    fn did_become_streams(
        &self,
        session: &Session,
        task: &StreamTask,
        input: InputStream,
        output: OutputStream,
    ) {
        drop((input, output));
        self.did_complete(session, task, None);
    }
}

/// A delegate that the program keeps a hold of, too.
impl<D: SessionDelegate + ?Sized> SessionDelegate for Arc<D> {
    fn did_become_invalid(&self, session: &Session, error: Option<&Error>) {
        (**self).did_become_invalid(session, error);
    }

    fn did_receive_challenge(&self, session: &Session, challenge: Challenge) -> Option<Challenge> {
        (**self).did_receive_challenge(session, challenge)
    }

    fn did_create_task(&self, session: &Session, task: &StreamTask) {
        (**self).did_create_task(session, task);
    }

    fn task_is_waiting_for_connectivity(&self, session: &Session, task: &StreamTask) {
        (**self).task_is_waiting_for_connectivity(session, task);
    }

    fn task_did_receive_challenge(
        &self,
        session: &Session,
        task: &StreamTask,
        challenge: Challenge,
    ) -> Option<Challenge> {
        (**self).task_did_receive_challenge(session, task, challenge)
    }

    fn did_happen(&self, session: &Session, task: &StreamTask, event: &Event) {
        (**self).did_happen(session, task, event);
    }

    fn did_finish_collecting_metrics(
        &self,
        session: &Session,
        task: &StreamTask,
        metrics: &TaskMetrics,
    ) {
        (**self).did_finish_collecting_metrics(session, task, metrics);
    }

    fn did_complete(&self, session: &Session, task: &StreamTask, error: Option<&Error>) {
        (**self).did_complete(session, task, error);
    }

    fn read_closed(&self, session: &Session, task: &StreamTask) {
        (**self).read_closed(session, task);
    }

    fn write_closed(&self, session: &Session, task: &StreamTask) {
        (**self).write_closed(session, task);
    }

    fn better_route_discovered(&self, session: &Session, task: &StreamTask) {
        (**self).better_route_discovered(session, task);
    }

    fn did_become_streams(
        &self,
        session: &Session,
        task: &StreamTask,
        input: InputStream,
        output: OutputStream,
    ) {
        (**self).did_become_streams(session, task, input, output);
    }
}

/// The statistics of a task (`URLSessionTaskMetrics`). Nothing is collected yet.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TaskMetrics {}

//! From a task's plain news to the delegates and the session that have to hear of it.
//!
//! [`Dispatch`] stands above the driver, which says what happened, and calls whoever is concerned: on the
//! delegate queue, in the order of the [`mailbox`](crate::mailbox), and never under a lock. It also asks a
//! handshake's questions ([`asking`]).

mod asking;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Weak};

use streamtask_proto::{Event, EventKind};

use crate::driver::{Hear, News};
use crate::task::TaskInner;
use crate::{Session, SessionDelegate, StreamTask, lock};

/// Who hears of a task, for its delegate and its session. Both keep the task until it is over.
pub(crate) struct Dispatch(Weak<TaskInner>);

impl Dispatch {
    pub(crate) fn new(task: &Weak<TaskInner>) -> Arc<Self> {
        Arc::new(Dispatch(task.clone()))
    }
}

impl Hear for Dispatch {
    fn hear(&self, news: News) {
        let Some(task) = self.0.upgrade() else { return };
        match news {
            News::Happened(event) => {
                if let EventKind::Finished(_) = event.kind {
                    task.shared.announced();
                }
                if let Some(delegate) = delegate(&task) {
                    tell(&task, &*delegate, &event);
                }
            }
            News::Unwanted((input, output)) => {
                if let Some(delegate) = delegate(&task) {
                    let (session, task) = handles(&task);
                    delegate.did_become_streams(&session, &task, input, output);
                }
            }
            News::Over => forget(&task),
        }
    }
}

/// The task's own delegate, or else the session's.
fn delegate(task: &TaskInner) -> Option<Arc<dyn SessionDelegate>> {
    lock(&task.delegate).clone().or_else(|| task.session.delegate())
}

/// What delegates are handed.
fn handles(task: &Arc<TaskInner>) -> (Session, StreamTask) {
    (Session::from_inner(task.session.clone()), StreamTask::handle(task.clone()))
}

/// Everything that happens, and right behind it what Foundation has a method for.
fn tell(told: &Arc<TaskInner>, delegate: &dyn SessionDelegate, event: &Event) {
    let (session, task) = &handles(told);
    // Should one callback panic, the next one is made all the same.
    let first = catch_unwind(AssertUnwindSafe(|| delegate.did_happen(session, task, event)));
    match &event.kind {
        EventKind::ReadClosed => delegate.read_closed(session, task),
        EventKind::WriteClosed => delegate.write_closed(session, task),
        EventKind::Finished(result) => {
            delegate.did_complete(session, task, result.as_ref().err());
        }
        _ => {}
    }
    if let Err(panic) = first {
        resume_unwind(panic);
    }
}

/// The last word was had: the task lets its delegate go, the session the task, and perhaps has its own last
/// message.
fn forget(task: &Arc<TaskInner>) {
    let delegate = lock(&task.delegate).take();
    drop(delegate);
    task.session.task_ended(task.number);
    task.session.kick();
}

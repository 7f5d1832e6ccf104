//! Everything of one task behind one lock.
//!
//! The order in which calls get the lock is the order of operations. The lock is never held while user
//! code runs: callbacks are put into the mailbox and kicked off afterwards, wakers are only woken.

use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::Waker;
use std::time::Instant;

use streamtask_proto::{Error, ErrorKind, Event, Input, Stream, Target, TaskState};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;

use super::handover::Handover;
use super::lead::Lead;
use super::slots::Slots;
use crate::dispatch::Mailbox;
use crate::lock;
use crate::session::SessionInner;
use crate::task::Identity;

/// One task, shared by its handles, its operations and its driver.
pub(crate) struct Shared {
    pub(crate) identity: Identity,
    pub(crate) target: Target,
    pub(crate) session: Arc<SessionInner>,
    pub(crate) mailbox: Mailbox,
    pub(super) read_lead: Arc<Lead>,
    pub(super) write_lead: Arc<Lead>,
    pub(super) read_waker: Waker,
    pub(super) write_waker: Waker,
    /// Completed reads that nobody has looked at.
    pub(super) uncollected: AtomicUsize,
    state: Mutex<State>,
}

/// What the lock guards.
pub(crate) struct State {
    pub(crate) stream: Stream,
    pub(super) socket: Option<TcpStream>,
    pub(super) slots: Slots,
    /// Streams for the capture operation that is about to complete.
    pub(super) captured: Option<Handover>,
    pub(super) driver: Option<Waker>,
    /// Whether the core has asked for a connection and nobody makes it yet.
    pub(super) wants_driver: bool,
    /// When time next matters to the core, as it last said.
    pub(super) until: Option<Instant>,
    /// Until when the driver sleeps.
    pub(super) armed: Option<Instant>,
    /// Whether a write has gone straight to the socket since anybody last looked: the next ones are
    /// gathered, because their caller is queueing.
    pub(super) is_queueing: bool,
    pub(super) listeners: Vec<UnboundedSender<Event>>,
    /// How the task ended, once it has.
    pub(crate) ended: Option<Result<(), Error>>,
    /// Whether the delegate has been told.
    pub(crate) is_announced: bool,
    pub(crate) completions: Vec<Waker>,
    /// The question that is open, to be withdrawn when the task ends.
    pub(crate) question: Option<Arc<crate::challenge::Answer>>,
    local: Option<std::net::SocketAddr>,
    pub(crate) remote: Option<std::net::SocketAddr>,
}

impl Shared {
    pub(crate) fn new(
        identity: Identity,
        target: Target,
        session: Arc<SessionInner>,
        stream: Stream,
    ) -> Arc<Self> {
        let (read_lead, write_lead) = (Lead::new(), Lead::new());
        Arc::new(Shared {
            identity,
            target,
            mailbox: Mailbox::new(session.executor.clone()),
            session,
            read_waker: read_lead.clone().into(),
            write_waker: write_lead.clone().into(),
            read_lead,
            write_lead,
            uncollected: AtomicUsize::new(0),
            state: Mutex::new(State {
                stream,
                socket: None,
                slots: Slots::default(),
                captured: None,
                driver: None,
                wants_driver: false,
                until: None,
                armed: None,
                is_queueing: false,
                listeners: Vec::new(),
                ended: None,
                is_announced: false,
                completions: Vec::new(),
                question: None,
                local: None,
                remote: None,
            }),
        })
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Whether a driver is to be spawned; says so once.
    pub(crate) fn wants_driver(&self) -> bool {
        std::mem::take(&mut self.lock().wants_driver)
    }

    /// Feeds the core and carries out what follows.
    pub(crate) fn input(self: &Arc<Self>, input: Input) {
        self.input_of(|| input);
    }

    /// The same with what is found out under the lock.
    pub(crate) fn input_of(self: &Arc<Self>, input: impl FnOnce() -> Input) {
        let now = Instant::now();
        let mut state = self.lock();
        state.stream.handle(now, input());
        self.pump(&mut state, now);
        state.wake_driver();
        drop(state);
        self.mailbox.kick();
    }

    /// The task's own delegate, or else the session's.
    pub(crate) fn delegate(&self) -> Option<Arc<dyn crate::SessionDelegate>> {
        lock(&self.identity.delegate).clone().or_else(|| self.session.delegate())
    }

    /// What delegates are handed.
    pub(crate) fn handles(self: &Arc<Self>) -> (crate::Session, crate::StreamTask) {
        (crate::Session::from_inner(self.session.clone()), crate::StreamTask::handle(self.clone()))
    }

    pub(crate) fn listen(&self, listener: UnboundedSender<Event>) {
        let mut state = self.lock();
        if state.ended.is_none() {
            state.listeners.push(listener);
        }
    }

    /// Foundation's state: a cancelled task is *canceling* until its delegate has heard of it.
    pub(crate) fn task_state(&self) -> TaskState {
        let state = self.lock();
        match &state.ended {
            Some(Err(error)) if error.kind() == ErrorKind::Cancelled && !state.is_announced => {
                TaskState::Canceling
            }
            Some(_) => TaskState::Completed,
            None => state.stream.state(),
        }
    }

    pub(crate) fn weak(self: &Arc<Self>) -> Weak<Self> {
        Arc::downgrade(self)
    }
}

impl State {
    /// This end's address. Few ask, so the system is asked only then.
    pub(crate) fn local_address(&mut self) -> Option<std::net::SocketAddr> {
        let asked = self.socket.as_ref().and_then(|socket| socket.local_addr().ok());
        self.local = asked.or(self.local);
        self.local
    }

    pub(super) fn wake_driver(&self) {
        if let Some(driver) = &self.driver {
            driver.wake_by_ref();
        }
    }

    /// The driver sleeps no longer than the core allows.
    pub(super) fn arm(&mut self) {
        if let Some(until) = self.until
            && self.armed.is_none_or(|armed| until < armed)
        {
            self.wake_driver();
        }
    }
}

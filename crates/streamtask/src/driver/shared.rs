//! Everything of one task behind one lock.
//!
//! The order in which calls get the lock is the order of operations. The lock is never held while user
//! code runs: callbacks are put into the mailbox and kicked off afterwards, wakers are only woken.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::task::Waker;
use std::time::Instant;

use streamtask_proto::{
    Error, ErrorKind, Event, Input, OpId, Operation, ReadData, Stream, Target, TaskState,
};
use tokio::net::TcpStream;
use tokio::sync::mpsc::UnboundedSender;

use super::handover::Handover;
use super::lead::Lead;
use super::slots::{Answer, Callback, Claim, Slots};
use crate::dispatch::Mailbox;
use crate::session::SessionInner;
use crate::task::Identity;
use crate::{InputStream, OutputStream, lock};

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
    uncollected: AtomicUsize,
    state: Mutex<State>,
}

/// What became of a call.
pub(crate) enum Enqueued {
    /// It was done inside the call.
    Done(Result<Answer, Error>),
    UnderWay(OpId),
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
    listeners: Vec<UnboundedSender<Event>>,
    /// How the task ended, once it has.
    pub(crate) ended: Option<Result<(), Error>>,
    /// Whether the delegate has been told.
    pub(crate) is_announced: bool,
    pub(crate) completions: Vec<Waker>,
    /// The question that is open, to be withdrawn when the task ends.
    pub(crate) question: Option<Arc<crate::challenge::Answer>>,
    pub(crate) local: Option<std::net::SocketAddr>,
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

    /// Takes an operation in, in the order of calls. What can be done at once is done at once.
    pub(crate) fn enqueue(self: &Arc<Self>, operation: Operation) -> Enqueued {
        match operation {
            Operation::Read(..) => self.enqueue_read(operation),
            _ => self.enqueue_other(operation),
        }
    }

    fn enqueue_read(self: &Arc<Self>, operation: Operation) -> Enqueued {
        let mut state = self.lock();
        if let Operation::Read(kind, _) = &operation
            && let Some(read) = state.stream.read_at_once(kind)
        {
            self.uncollected.fetch_add(1, Ordering::Relaxed);
            return Enqueued::Done(Ok(Answer::Read(read)));
        }
        let now = Instant::now();
        let id = state.slots.open();
        state.stream.handle(now, Input::Enqueue(id, operation));
        // It goes on even if nobody polls it: from here on the socket and the timer know of it.
        self.pump(&mut state, now);
        state.arm();
        // A read that is done by now still counts as not looked at.
        let result = state.slots.collect(id);
        drop(state);
        self.mailbox.kick();
        result.map_or(Enqueued::UnderWay(id), Enqueued::Done)
    }

    fn enqueue_other(self: &Arc<Self>, operation: Operation) -> Enqueued {
        let now = Instant::now();
        let mut state = self.lock();
        let id = state.slots.open();
        state.stream.handle(now, Input::Enqueue(id, operation));
        if !state.is_queueing {
            state.is_queueing = true;
            self.pump(&mut state, now);
        } else if state.stream.has_outputs() {
            // Refused at once; anything else waits for what is queued before it.
            self.carry_out(&mut state);
        }
        let result = state.slots.collect(id);
        if result.is_none() {
            state.wake_driver();
        }
        drop(state);
        self.mailbox.kick();
        result.map_or(Enqueued::UnderWay(id), Enqueued::Done)
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

    /// The result of `id`, driving the connection to get it.
    pub(crate) fn poll(
        self: &Arc<Self>,
        id: OpId,
        is_read: bool,
        waker: &Waker,
    ) -> Option<Result<Answer, Error>> {
        let mut state = self.lock();
        state.is_queueing = false;
        if let Some(result) = self.collect(&mut state, id, is_read) {
            return Some(result);
        }
        let now = Instant::now();
        self.pump(&mut state, now);
        let result = self.collect(&mut state, id, is_read);
        if result.is_none() {
            state.slots.watch(id, waker);
            if is_read {
                self.read_lead.follow(id.0, waker);
            }
            state.arm();
        }
        drop(state);
        self.mailbox.kick();
        result
    }

    fn collect(&self, state: &mut State, id: OpId, is_read: bool) -> Option<Result<Answer, Error>> {
        let result = state.slots.collect(id)?;
        self.looked_at(is_read && result.is_ok());
        Some(result)
    }

    /// The result of `id` goes to `callback`, on the delegate queue.
    pub(crate) fn call(self: &Arc<Self>, id: OpId, is_read: bool, callback: Callback) {
        let mut state = self.lock();
        if let Some((callback, result)) = state.slots.call(id, callback) {
            self.looked_at(is_read && result.is_ok());
            self.mailbox.put(move || callback(result));
        }
        state.wake_driver();
        drop(state);
        self.mailbox.kick();
    }

    /// Nobody waits for `id` any more: a read is withdrawn, anything else stands.
    pub(crate) fn abandon_operation(self: &Arc<Self>, id: OpId, is_read: bool) {
        let mut state = self.lock();
        let unwanted = if is_read {
            self.read_lead.forget(id.0);
            let collected = state.slots.withdraw(id);
            self.looked_at(matches!(collected, Some(Ok(_))));
            let input = match collected {
                Some(Ok(Answer::Read(read))) => {
                    Input::Return { read, is_last: self.has_looked_at_all() }
                }
                Some(_) | None => Input::Withdraw(id),
            };
            state.stream.handle(Instant::now(), input);
            self.carry_out(&mut state);
            None
        } else {
            state.slots.detach(id)
        };
        // Whoever was woken for it will not drive any more.
        state.wake_driver();
        drop(state);
        self.mailbox.kick();
        // Captured streams go to the delegate here, without the lock.
        drop(unwanted);
    }

    /// Somebody looks at a read that was answered inside its call.
    pub(crate) fn look_at(&self, result: &Result<Answer, Error>) {
        self.looked_at(matches!(result, Ok(Answer::Read(_))));
    }

    fn looked_at(&self, is_read: bool) {
        if is_read {
            self.uncollected.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn has_looked_at_all(&self) -> bool {
        self.uncollected.load(Ordering::Relaxed) == 0
    }

    /// Puts the bytes of a read that was answered inside its call back.
    pub(crate) fn give_back(self: &Arc<Self>, read: ReadData) {
        let mut state = self.lock();
        self.looked_at(true);
        let is_last = self.has_looked_at_all();
        state.stream.handle(Instant::now(), Input::Return { read, is_last });
        self.carry_out(&mut state);
        drop(state);
        self.mailbox.kick();
    }

    /// Notes the result of an operation for whoever wants it.
    pub(super) fn complete(
        self: &Arc<Self>,
        state: &mut State,
        id: OpId,
        result: Result<Answer, Error>,
    ) {
        let is_read = matches!(result, Ok(Answer::Read(_)));
        match state.slots.complete(id, result) {
            Claim::Kept(waker) => {
                self.uncollected.fetch_add(usize::from(is_read), Ordering::Relaxed);
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
            Claim::Callback(callback, result) => self.mailbox.put(move || callback(result)),
            // Streams find their way to the delegate when they are dropped, without the lock.
            Claim::Unclaimed(Ok(Answer::Captured(handover))) => self.mailbox.put(|| drop(handover)),
            Claim::Unclaimed(_) => {}
        }
        self.read_lead.forget(id.0);
    }

    /// On the delegate queue: nobody kept the capture operation, so the delegate gets the streams.
    pub(super) fn offer_streams(self: &Arc<Self>, input: InputStream, output: OutputStream) {
        if let Some(delegate) = self.delegate() {
            let (session, task) = self.handles();
            delegate.did_become_streams(&session, &task, input, output);
        }
    }

    /// What happened, to those who listen and to the delegate.
    pub(super) fn tell(self: &Arc<Self>, state: &mut State, event: Event) {
        state.listeners.retain(|listener| listener.send(event.clone()).is_ok());
        match event {
            Event::ReadClosed => self.tell_delegate(|delegate, session, task| {
                delegate.read_closed(session, task);
            }),
            Event::WriteClosed => self.tell_delegate(|delegate, session, task| {
                delegate.write_closed(session, task);
            }),
            Event::Finished(result) => {
                let error = result.clone().err();
                self.end(state, result);
                if self.delegate().is_some() {
                    let shared = self.clone();
                    self.mailbox.put(move || shared.announce(error));
                } else {
                    self.leave(state);
                }
            }
            _ => {}
        }
    }

    fn tell_delegate(
        self: &Arc<Self>,
        tell: impl FnOnce(&dyn crate::SessionDelegate, &crate::Session, &crate::StreamTask)
        + Send
        + 'static,
    ) {
        if self.delegate().is_some() {
            let shared = self.clone();
            self.mailbox.put(move || {
                if let Some(delegate) = shared.delegate() {
                    let (session, task) = shared.handles();
                    tell(&*delegate, &session, &task);
                }
            });
        }
    }

    /// The task is over, well or not.
    pub(super) fn end(&self, state: &mut State, result: Result<(), Error>) {
        state.ended = Some(result);
        state.listeners.clear();
        if let Some(question) = state.question.take() {
            question.give(crate::challenge::Given {
                disposition: crate::Disposition::Cancel,
                credential: None,
            });
        }
        for waker in state.completions.drain(..) {
            waker.wake();
        }
        state.wake_driver();
    }

    /// On the delegate queue: the last message of the task, then perhaps that of the session.
    fn announce(self: &Arc<Self>, error: Option<Error>) {
        let delegate = self.delegate();
        self.lock().is_announced = true;
        if let Some(delegate) = delegate {
            let (session, task) = self.handles();
            delegate.did_complete(&session, &task, error.as_ref());
        }
        self.leave_told();
    }

    /// The session forgets the task.
    fn leave(&self, state: &mut State) {
        state.is_announced = true;
        self.session.task_ended(self.identity.number);
    }

    /// The last word was had: the task lets its delegate go, and perhaps the session has its last message.
    pub(super) fn leave_told(self: &Arc<Self>) {
        // Taken out first: a delegate is user code even when it is dropped.
        let delegate = lock(&self.identity.delegate).take();
        drop(delegate);
        self.leave(&mut self.lock());
        self.session.kick();
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
    pub(super) fn wake_driver(&self) {
        if let Some(driver) = &self.driver {
            driver.wake_by_ref();
        }
    }

    /// The driver sleeps no longer than the core allows.
    fn arm(&mut self) {
        if let Some(until) = self.until
            && self.armed.is_none_or(|armed| until < armed)
        {
            self.wake_driver();
        }
    }
}

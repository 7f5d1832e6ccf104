//! Everything of one task behind one lock.
//!
//! The order in which calls get the lock is the order of operations. No user code runs while it is held:
//! callbacks are put into the mailbox, and wakers and lent memory into [`After`], which [`Locked`] carries
//! out when it lets the lock go. There it is also decided who is woken, computed from what waits.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, OnceLock};
use std::task::Waker;
use std::time::Instant;

use streamtask_proto::{Error, ErrorKind, Input, OpId, Stream, Target, TaskState};
use tokio::runtime::Handle;

use super::after::After;
use super::answer::Answered;
use super::attention::{Attention, Audience};
use super::handover::Handover;
use super::hop;
use super::lead::{Lead, Left};
use super::listener::Listener;
use super::news::{Hear, News};
use super::opening::{Connected, Errand};
use super::waiters::Waiters;
use crate::captured::Returns;
use crate::challenge::Question;
use crate::mailbox::Mailbox;
use crate::net::linger::{Closer, Manner};
use crate::net::socket::Socket;
use crate::resolve::Resolver;
use crate::sync::{AtomicBool, AtomicUsize, Mutex, MutexGuard, lock};

/// What a task is to its driver from the beginning on.
pub(crate) struct Setting {
    /// Its number, for those who trace.
    pub(crate) number: u64,
    pub(crate) target: Target,
    /// Whether whoever stands above wants to hear of all that happens, as soon as it does.
    pub(crate) is_told: bool,
    pub(crate) tolerate_truncation: bool,
    /// Who knows its addresses.
    pub(crate) resolver: Arc<Resolver>,
    /// How its connection is closed.
    pub(crate) manner: Manner,
}

/// One task, shared by its handles, its operations and its driver.
pub(crate) struct Shared {
    pub(crate) number: u64,
    pub(crate) target: Target,
    pub(crate) mailbox: Mailbox,
    /// Who hears what there is to say.
    pub(super) above: Arc<dyn Hear>,
    pub(super) resolver: Arc<Resolver>,
    pub(super) tolerate_truncation: bool,
    manner: Manner,
    pub(super) lead: Arc<Lead>,
    pub(super) read_waker: Waker,
    /// Completed reads that nobody has looked at.
    pub(super) uncollected: AtomicUsize,
    /// Whether a write or a barrier was queued since anybody last looked at a result: the next ones are
    /// gathered, because their caller is queueing. Should threads disagree, one write more goes on its own.
    pub(super) is_queueing: AtomicBool,
    /// What runs the task, once it was resumed.
    pub(super) runtime: OnceLock<Handle>,
    state: Mutex<State>,
}

/// What the lock guards.
pub(crate) struct State {
    pub(crate) stream: Stream,
    pub(super) socket: Option<Socket>,
    pub(super) attention: Attention<Answered>,
    /// Streams for the capture operation that is about to complete.
    pub(super) captured: Option<Handover>,
    /// Where bytes belong that come back after the capture.
    pub(super) returns: Option<Returns>,
    /// The driver, unless it was woken from here and has not looked since.
    pub(super) driver: Option<Waker>,
    /// What the core has asked for on the way to a connection and nobody does yet.
    pub(super) errands: Vec<Errand>,
    /// Whether there is a driver, to whom they are left.
    is_driven: bool,
    /// The connection that an attempt has just made, should it be adopted.
    pub(super) connected: Option<Connected>,
    /// Whether that has happened, and the driver has not dropped the others yet.
    pub(super) has_adopted: bool,
    /// When time next matters to the core, as it last said.
    pub(super) until: Option<Instant>,
    /// Until when the driver sleeps.
    pub(super) armed: Option<Instant>,
    /// Whether somebody waited before the task was resumed, and that was told.
    is_waited_for_unresumed: bool,
    pub(crate) listeners: Vec<Arc<Listener>>,
    /// Those who wait for the end.
    pub(crate) completions: Waiters,
    /// Whether all that happens is said, as soon as it does.
    pub(crate) is_told: bool,
    /// How the task ended, once it has.
    pub(crate) ended: Option<Result<(), Error>>,
    /// Whether everybody who is told has heard of the end.
    pub(crate) is_announced: bool,
    /// The question that is open, to be withdrawn when the task ends.
    pub(crate) question: Option<Arc<Question>>,
    pub(super) after: After,
    local: Option<std::net::SocketAddr>,
    pub(crate) remote: Option<std::net::SocketAddr>,
}

impl Shared {
    /// A task that is told of in `mailbox`, where `above` hears.
    pub(crate) fn new(
        setting: Setting,
        stream: Stream,
        mailbox: Mailbox,
        above: Arc<dyn Hear>,
    ) -> Arc<Self> {
        let Setting { number, target, is_told, tolerate_truncation, resolver, manner } = setting;
        let lead = Lead::new();
        Arc::new(Shared {
            number,
            target,
            mailbox,
            above,
            resolver,
            tolerate_truncation,
            manner,
            read_waker: lead.clone().into(),
            lead,
            uncollected: AtomicUsize::new(0),
            is_queueing: AtomicBool::new(false),
            runtime: OnceLock::new(),
            state: Mutex::new(State {
                stream,
                socket: None,
                attention: Attention::default(),
                captured: None,
                returns: None,
                driver: None,
                errands: Vec::new(),
                is_driven: false,
                connected: None,
                has_adopted: false,
                until: None,
                armed: None,
                is_waited_for_unresumed: false,
                listeners: Vec::new(),
                completions: Waiters::default(),
                is_told,
                ended: None,
                is_announced: false,
                question: None,
                after: After::default(),
                local: None,
                remote: None,
            }),
        })
    }

    pub(crate) fn lock(self: &Arc<Self>) -> Locked<'_> {
        Locked { shared: self, state: Some(lock(&self.state)) }
    }

    /// Whether a driver is to be spawned; says so once.
    pub(crate) fn wants_driver(self: &Arc<Self>) -> bool {
        let mut state = self.lock();
        !state.errands.is_empty() && !std::mem::replace(&mut state.is_driven, true)
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
    }

    /// Foundation's state: a cancelled task is *canceling* until its end is announced.
    pub(crate) fn task_state(self: &Arc<Self>) -> TaskState {
        let state = self.lock();
        match &state.ended {
            Some(Err(error)) if error.kind() == ErrorKind::Cancelled && !state.is_announced => {
                TaskState::Canceling
            }
            Some(_) => TaskState::Completed,
            None => state.stream.state(),
        }
    }

    /// What closes the connection, for there is none before there is a runtime.
    pub(super) fn closer(&self) -> Option<Closer> {
        self.runtime.get().map(|runtime| self.manner.closer(runtime.clone()))
    }
}

impl State {
    /// This end's address. Few ask, so the system is asked only then.
    pub(crate) fn local_address(&mut self) -> Option<std::net::SocketAddr> {
        let asked = self.socket.as_ref().and_then(|socket| socket.local_address().ok());
        self.local = asked.or(self.local);
        self.local
    }

    /// The driver is to do this.
    pub(super) fn put_errand(&mut self, errand: Errand) {
        self.errands.push(errand);
        self.wake_driver();
    }

    /// The connection was to a proxy, and is of no use any more.
    pub(super) fn disconnect(&mut self) {
        (self.socket, self.remote) = (None, None);
    }

    /// The connection that has just been made is the task's.
    pub(super) fn adopt(&mut self) {
        if let Some(Connected { socket, address }) = self.connected.take() {
            self.has_adopted = true;
            self.remote = address.ip();
            self.socket = Some(socket);
        }
    }

    /// Drops a waker when the lock is free.
    pub(crate) fn drop_later(&mut self, waker: Waker) {
        self.after.drops.put(waker);
    }

    /// Somebody waits in vain. If nobody has resumed the task, that is told once.
    pub(super) fn note_waiting(&mut self) {
        if !self.stream.has_begun() && !std::mem::replace(&mut self.is_waited_for_unresumed, true) {
            self.after.is_forgotten = true;
        }
    }

    /// The driver is to look, as soon as the lock is free.
    pub(super) fn wake_driver(&mut self) {
        self.after.driver = true;
    }

    fn audience(&self) -> Audience {
        // While a proxy is asked, what comes is for nobody who waits for an operation.
        let is_nobody = !self.is_told
            && !self.stream.is_opening()
            && self.listeners.is_empty()
            && self.completions.is_empty();
        if is_nobody { Audience::Nobody } else { Audience::Somebody }
    }

    /// Somebody has polled `id` in vain, with `waker`. An unneeded waker comes back.
    pub(super) fn watch(
        &mut self,
        lead: &Lead,
        id: OpId,
        is_read: bool,
        waker: Waker,
    ) -> Option<Waker> {
        let audience = self.audience();
        self.attention.watch(lead, id, is_read, audience, waker)
    }

    /// Nobody sleeps over `id` any more.
    pub(super) fn unwatch(&mut self, lead: &Lead, id: OpId) -> Left {
        self.attention.unwatch(lead, id)
    }

    /// Before the lock is let go: sees to it that whoever waits will be woken.
    fn settle(&mut self, lead: &Lead) {
        let audience = self.audience();
        let settled = self.attention.settle(lead, audience);
        self.after.driver |= settled.needs_driver;
        self.after.drops.put_some(settled.unused);
        // The driver sleeps no longer than the core allows.
        let is_late = |until| self.armed.is_none_or(|armed| until < armed);
        if std::mem::take(&mut self.after.driver) || self.until.is_some_and(is_late) {
            self.after.wakes.put_some(self.driver.take());
        }
    }
}

/// A task's lock. When it is let go, what was put off until then is carried out.
pub(crate) struct Locked<'a> {
    shared: &'a Arc<Shared>,
    /// `None` only while it is dropped.
    state: Option<MutexGuard<'a, State>>,
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        self.state.as_ref().expect("it is held until it is dropped")
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.state.as_mut().expect("it is held until it is dropped")
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let shared = self.shared;
        self.settle(&shared.lead);
        let after = (!self.after.is_empty()).then(|| std::mem::take(&mut self.after));
        let lent = self.stream.take_lent();
        self.state = None;
        let is_over = after.is_some_and(|after| {
            after.carry_out(shared.number, &shared.target, |step| {
                let shared = shared.clone();
                hop::make(step, move |input| shared.input(input));
            })
        });
        drop(lent);
        shared.mailbox.kick();
        if is_over {
            shared.above.hear(News::Over);
        }
    }
}

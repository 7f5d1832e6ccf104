//! The words of a scenario and of what comes of it, alike for the model and for the core.

use streamtask_proto::{EofKind, ErrorKind, TaskState};

use crate::peer::{Act, Peer};
use crate::wire::Loss;

/// How an operation is named here: the number of its call.
pub(crate) type Op = usize;

/// One run: who the other end is, how the task is configured, and what is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Scenario {
    pub(crate) peer: Peer,
    pub(crate) rules: Rules,
    pub(crate) steps: Vec<Step>,
}

/// The options of the task, as far as they matter here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    pub(crate) is_tls12: bool,
    pub(crate) is_strict: bool,
    pub(crate) is_fatal: bool,
    pub(crate) tolerates: bool,
    pub(crate) discards: bool,
    pub(crate) stops_not: bool,
    /// Whether the connection stands only when a step says so.
    pub(crate) connects_late: bool,
    /// Whether a read is first tried on the short way, as the library does.
    pub(crate) reads_at_once: bool,
    /// Whether what comes is cut anywhere.
    pub(crate) cuts_in: bool,
    /// Whether the socket takes what leaves in pieces.
    pub(crate) cuts_out: bool,
    /// Whether steps of the handshake are made outside of the core.
    pub(crate) blocks: bool,
    /// Whether in every round it receives before it sends.
    pub(crate) receives_first: bool,
}

/// The limits of every task here, in milliseconds.
pub(crate) const REQUEST: u64 = 60_000;
pub(crate) const RESOURCE: u64 = 400_000;

/// Something that is done to a task, or happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Call(Call),
    /// The read of that call is dropped: withdrawn if it waits, given back if it was done.
    Drop(Op),
    /// The read of that call, done before, is looked at only now.
    Look(Op),
    Suspend,
    Resume,
    Cancel,
    Abandon(bool),
    Advance(u64),
    /// The connection that was asked for stands, or is refused.
    Connect(bool),
    /// From here on sends fail.
    FailSends(Loss),
    /// The step of the handshake that is out asks somebody, or got its answer.
    Asked(bool),
    /// The peer does something of its own accord.
    Peer(Act),
    /// Bytes move, once each way.
    Round,
    /// One attempt to send what there is, or to receive.
    Send,
    Receive,
    /// Bytes move until nothing moves any more.
    Settle,
}

/// A call of an operation. Timeouts are milliseconds, 0 is never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Read {
        min: usize,
        max: usize,
        timeout: u64,
    },
    /// Until a line feed; `is_pair` asks for two in a row.
    Exact {
        length: usize,
        timeout: u64,
    },
    Until {
        is_pair: bool,
        max: usize,
        timeout: u64,
    },
    Write {
        length: usize,
        timeout: u64,
    },
    CloseRead,
    CloseWrite,
    Start,
    Stop,
    Capture,
}

impl Call {
    pub(crate) fn lane(self) -> Lane {
        match self {
            Call::Read { .. } | Call::Exact { .. } | Call::Until { .. } => Lane::Read,
            Call::Write { .. } => Lane::Write,
            Call::CloseRead | Call::CloseWrite | Call::Start | Call::Stop | Call::Capture => {
                Lane::Barrier
            }
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lane {
    Read,
    Write,
    Barrier,
}

/// What the bytes of the `length`-long write of call `op` are: capital letters, so that none looks like TLS.
pub(crate) fn written(op: Op, length: usize) -> Vec<u8> {
    (0..length).map(|at| b'A' + ((op * 7 + at) % 26) as u8).collect()
}

/// One thing that a task says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Answer(Op, Answer),
    Event(Told),
    Close {
        lingers: bool,
    },
    Fin,
    /// What was unread goes along, unless it was for nobody any more.
    Captured {
        unread: Option<Vec<u8>>,
        is_secure: bool,
    },
}

/// How an operation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Read { data: Vec<u8>, eof: Option<EofKind>, is_secure: bool },
    Done,
    Secured,
    Failed(ErrorKind),
}

/// What delegates hear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Connected,
    Secured,
    Unsecured,
    ReadClosed,
    WriteClosed,
    Finished(Result<(), ErrorKind>),
}

/// Where a task stands between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stand {
    pub(crate) state: TaskState,
    pub(crate) is_secure: bool,
}

/// How many unread bytes there were is not foretold.
pub(crate) fn plain(kind: ErrorKind) -> ErrorKind {
    match kind {
        ErrorKind::UnexpectedClearText { .. } => ErrorKind::UnexpectedClearText { bytes: 0 },
        kind => kind,
    }
}

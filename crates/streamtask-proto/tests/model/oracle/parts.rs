//! What a task is made of, as the model keeps it.

use std::collections::VecDeque;

use streamtask_proto::ErrorKind;

use crate::words::{Call, Op};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Not,
    Connecting { deadline: u64 },
    Up,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Over {
    Well,
    Failed(ErrorKind),
    Captured,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) op: Op,
    pub(super) call: Call,
    pub(super) deadline: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) op: Op,
    pub(super) bytes: Vec<u8>,
    pub(super) taken: usize,
    pub(super) is_encrypted: bool,
    pub(super) deadline: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Barrier {
    pub(super) op: Op,
    pub(super) call: Call,
}

/// The barrier whose turn it is. It is no longer in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Active {
    None,
    CloseWrite {
        op: Op,
        /// Only behind a write that was cut off.
        deadline: u64,
    },
    Sweep {
        op: Op,
        discarded: usize,
    },
    Handshake {
        op: Op,
        deadline: u64,
        /// When the question was put whose answer is awaited.
        asked: Option<u64>,
    },
    /// Its handshake has succeeded, and nobody was told yet.
    Secured {
        op: Op,
    },
    Stop {
        op: Op,
        deadline: u64,
    },
}

/// What came under one layer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Layer {
    pub(super) is_secure: bool,
    pub(super) bytes: VecDeque<u8>,
    /// How many bytes of it reads have taken.
    pub(super) taken: usize,
    pub(super) end: Option<End>,
    /// Whether another layer has followed.
    pub(super) is_switched: bool,
    /// Whether a start of TLS has begun: what was read in clear before never comes back.
    pub(super) is_sealed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Fin,
    CloseNotify,
    Truncated,
}

/// What a read took, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) data: Vec<u8>,
    pub(super) layer: usize,
    /// How many bytes of the layer were taken with it.
    pub(super) upto: usize,
    /// The layer whose end it told, and whether as an error.
    pub(super) end: Option<(usize, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadSide {
    Open,
    Called,
    Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WriteSide {
    Open,
    Closed,
    /// A write was cut short by its timeout.
    Poisoned(ErrorKind),
    ClosedPoisoned(ErrorKind),
    Failed {
        kind: ErrorKind,
        /// Whether the connection itself was lost: then no end is clean any more.
        is_lost: bool,
    },
}

/// What lies on the way to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Clear(Vec<u8>),
    Secure(Vec<u8>),
    CloseNotify,
    Refusal,
    /// The server's flights of the handshake.
    First,
    Second,
    Fin,
    /// The connection is lost.
    Loss,
}

/// What TLS has to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Out {
    Hello,
    Flight,
    Secure { op: Op, bytes: Vec<u8> },
    CloseNotify,
}

/// Whether a task wants to receive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Thirst {
    Must,
    May,
    MustNot,
}

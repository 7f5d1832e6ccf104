//! What becomes of what the client sends, and how a connection is lost.

use std::io;

use streamtask_proto::{Error, ErrorKind, Limit};

/// How a connection fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Loss {
    Reset,
    /// The peer's end had come first (EPIPE): what it said before is whole.
    Broken,
    /// The system gave up on a silent peer (ETIMEDOUT).
    GaveUp,
    /// The system does not let it out (EPERM); the connection itself is well.
    Denied,
}

impl Loss {
    pub(crate) fn kind(self) -> ErrorKind {
        match self {
            Loss::Reset | Loss::Broken => ErrorKind::ConnectionLost,
            Loss::GaveUp => ErrorKind::TimedOut(Limit::Network),
            Loss::Denied => ErrorKind::Unknown,
        }
    }

    /// What the socket says.
    pub(crate) fn error(self) -> Error {
        let source = match self {
            Loss::Reset => io::ErrorKind::ConnectionReset,
            Loss::Broken => io::ErrorKind::BrokenPipe,
            Loss::GaveUp => io::ErrorKind::TimedOut,
            Loss::Denied => io::ErrorKind::PermissionDenied,
        };
        Error::new(self.kind()).caused_by(io::Error::from(source))
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Wire {
    state: State,
    /// How many bytes are still taken, if not all.
    room: Option<usize>,
    /// How much of one record has been taken: never all of it.
    part: usize,
}

/// Less than any record of TLS.
const PART: usize = 6;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Up,
    Closed {
        has_answered: bool,
    },
    /// By the network or the peer; the system tells the reason once.
    Lost {
        how: Loss,
        is_told: bool,
    },
    /// Made to fail by the test.
    Cut {
        how: Loss,
    },
}

/// What becomes of one attempt to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// So many bytes are taken, and the peer sees them or not.
    Taken {
        count: usize,
        is_seen: bool,
    },
    /// So many bytes of a record, which says nothing yet.
    Part {
        count: usize,
    },
    Blocked,
    Fails {
        how: Loss,
    },
}

impl Wire {
    /// What becomes of `count` bytes. Ciphertext is taken whole, or not so much that it says anything.
    pub(crate) fn fate(&mut self, count: usize, is_cipher: bool) -> Fate {
        match self.state {
            State::Up => self.fit(count, is_cipher),
            State::Closed { has_answered: false } => {
                self.state = State::Closed { has_answered: true };
                Fate::Taken { count, is_seen: false }
            }
            State::Closed { has_answered: true } => Fate::Fails { how: Loss::Broken },
            State::Lost { how, is_told } => {
                self.state = State::Lost { how, is_told: true };
                Fate::Fails { how: if is_told { Loss::Broken } else { how } }
            }
            State::Cut { how } => Fate::Fails { how },
        }
    }

    fn fit(&mut self, count: usize, is_cipher: bool) -> Fate {
        let Some(room) = self.room else {
            self.part = 0;
            return Fate::Taken { count, is_seen: true };
        };
        let taken = if is_cipher { room.min(PART - self.part) } else { room.min(count) };
        self.room = Some(room - taken);
        match (taken, is_cipher) {
            (0, _) => Fate::Blocked,
            (count, false) => Fate::Taken { count, is_seen: true },
            (count, true) => {
                self.part += count;
                Fate::Part { count }
            }
        }
    }

    pub(crate) fn limit(&mut self, room: Option<usize>) {
        self.room = room;
    }

    /// The peer ends both directions: what the client sends is answered by a reset.
    pub(crate) fn close(&mut self) {
        self.state = State::Closed { has_answered: false };
    }

    /// The connection is lost; behind the peer's end only who sends can tell.
    pub(crate) fn lose(&mut self, how: Loss, has_ended: bool) {
        self.state = match has_ended {
            true => State::Closed { has_answered: true },
            false => State::Lost { how, is_told: false },
        };
    }

    /// The client reads the end of what there is. How the connection was lost, which is told only once.
    pub(crate) fn tell_loss(&mut self) -> Option<Loss> {
        match self.state {
            State::Lost { how, is_told: false } => {
                self.state = State::Lost { how, is_told: true };
                Some(how)
            }
            State::Lost { .. } | State::Up | State::Closed { .. } | State::Cut { .. } => None,
        }
    }

    pub(crate) fn cut(&mut self, how: Loss) {
        self.state = State::Cut { how };
    }

    /// Whether nothing the peer does arrives; a test that cuts the sends leaves that alone.
    pub(crate) fn is_broken(&self) -> bool {
        matches!(self.state, State::Lost { .. })
    }

    /// Whether the peer sees a FIN.
    pub(crate) fn is_up(&self) -> bool {
        self.state == State::Up
    }
}

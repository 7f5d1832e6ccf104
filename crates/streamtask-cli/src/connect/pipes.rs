//! The two directions of a task, as the relay wants them.

use bytes::Bytes;
use streamtask::{Error, StreamTask, Timeout};

use crate::relay::{Sink, Source};
use crate::report::Failure;

/// As much as is read at once: a few TLS records.
const MOST_AT_ONCE: usize = 64 << 10;

/// What the peer says.
pub(super) struct FromPeer<'a> {
    task: &'a StreamTask,
    endpoint: &'a str,
    state: State,
}

enum State {
    Open,
    /// The last bytes have been given.
    Ended,
}

impl<'a> FromPeer<'a> {
    pub(super) fn new(task: &'a StreamTask, endpoint: &'a str) -> Self {
        FromPeer { task, endpoint, state: State::Open }
    }
}

impl Source for FromPeer<'_> {
    async fn read(&mut self) -> Result<Bytes, Failure> {
        if let State::Ended = self.state {
            return Ok(Bytes::new());
        }
        let failure = |error: Error| Failure::of(&error, format!("reading from {}", self.endpoint));
        let read = self.task.read_data(1..=MOST_AT_ONCE, Timeout::NEVER).await.map_err(failure)?;
        if read.at_eof {
            self.state = State::Ended;
        }
        Ok(read.data)
    }
}

/// What the peer is told.
pub(super) struct ToPeer<'a> {
    task: &'a StreamTask,
    endpoint: &'a str,
}

impl<'a> ToPeer<'a> {
    pub(super) fn new(task: &'a StreamTask, endpoint: &'a str) -> Self {
        ToPeer { task, endpoint }
    }
}

impl Sink for ToPeer<'_> {
    async fn write(&mut self, data: Bytes) -> Result<(), Failure> {
        let failure = |error: Error| Failure::of(&error, format!("writing to {}", self.endpoint));
        self.task.write(data, Timeout::NEVER).await.map_err(failure)
    }

    async fn end(&mut self) -> Result<(), Failure> {
        self.task.close_write();
        Ok(())
    }
}

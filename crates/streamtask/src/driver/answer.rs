//! How an operation went, as the library tells it.

use streamtask_proto::tls::TlsInfo;
use streamtask_proto::{Error, Outcome, ReadData};

use super::handover::Handover;

/// How an operation went well.
#[derive(Debug)]
pub enum Answer {
    Read(ReadData),
    Done,
    Secured(TlsInfo),
    Captured(Handover),
}

/// How an operation went.
pub(crate) type Answered = Result<Answer, Error>;

impl From<Outcome> for Answer {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Read(data) => Answer::Read(data),
            Outcome::Secured(info) => Answer::Secured(info),
            Outcome::Done => Answer::Done,
        }
    }
}

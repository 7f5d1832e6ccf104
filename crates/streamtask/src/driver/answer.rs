//! How an operation went, as the library tells it.

use streamtask_proto::{Error, Outcome};

use super::handover::Handover;

/// How an operation went well: as the core has it, with the streams of a capture.
pub(crate) type Answer = Outcome<Handover>;

/// How an operation went.
pub(crate) type Answered = Result<Answer, Error>;

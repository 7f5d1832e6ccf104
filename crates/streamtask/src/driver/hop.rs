//! Steps of the handshake that wait for somebody's answer, made on threads of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use streamtask_proto::{Error, ErrorKind, HandshakeStep, Input};

use super::threads::Threads;

static THREADS: Threads = Threads::new();

/// Makes a step of the handshake where it may block, and has `answer` hand it back to its task, wherever that
/// is. Call it without locks.
pub(super) fn make(
    mut step: Box<HandshakeStep>,
    answer: impl FnOnce(Input) + Clone + Send + 'static,
) {
    let here = answer.clone();
    let work = move || {
        // A panic below us must not leave the task waiting for ever.
        answer(match catch_unwind(AssertUnwindSafe(|| step.run())) {
            Ok(()) => Input::Stepped(step),
            Err(_) => failed(ErrorKind::Unknown, "the TLS library panicked"),
        });
    };
    if !THREADS.run(Box::new(work)) {
        here(failed(ErrorKind::ResourceExhausted, "no thread can be had for the handshake"));
    }
}

fn failed(kind: ErrorKind, why: &str) -> Input {
    Input::Failed(Error::new(kind).with_detail(why))
}

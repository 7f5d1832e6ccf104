//! Steps of the handshake that wait for somebody's answer, made on threads of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use streamtask_proto::{Error, ErrorKind, HandshakeStep, Input};

use super::shared::Shared;
use super::threads::Threads;

static THREADS: Threads = Threads::new();

/// Makes a step of the handshake where it may block, and hands it back to its task. Call it without locks.
pub(super) fn make(shared: Arc<Shared>, mut step: Box<HandshakeStep>) {
    let task = shared.clone();
    let work = move || {
        // A panic below us must not leave the task waiting for ever.
        let input = match catch_unwind(AssertUnwindSafe(|| step.run())) {
            Ok(()) => Input::Stepped(step),
            Err(_) => failed(ErrorKind::Unknown, "the TLS library panicked"),
        };
        task.input(input);
    };
    if !THREADS.run(Box::new(work)) {
        shared
            .input(failed(ErrorKind::ResourceExhausted, "no thread can be had for the handshake"));
    }
}

fn failed(kind: ErrorKind, why: &str) -> Input {
    Input::Failed(Error::new(kind).with_detail(why))
}

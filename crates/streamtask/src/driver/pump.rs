//! Carries the core's wishes out, and moves bytes between it and the socket until neither can go on.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::BufMut;
use streamtask_proto::{Closing, Error, ErrorKind, Input, Output, Pipe, Stream, Transmit, Wait};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::task::coop::unconstrained;

use super::after::Parting;
use super::handover::Handover;
use super::opening::Errand;
use super::shared::{Shared, State};
use crate::captured;
use crate::net::socket::Socket;
use crate::net::tcp::connection_error;

impl Shared {
    /// Does what can be done now. While the peer keeps up that may be much, and others wait for the lock (a
    /// `cancel`, for one): after some of it the driver goes on.
    pub(super) fn pump(self: &Arc<Self>, state: &mut State, now: Instant) {
        for _ in 0..MOST_MOVES {
            let wait = self.carry_out(state);
            state.until = wait.until;
            if let Moved::Nothing = self.transfer(state, wait, now) {
                return;
            }
        }
        self.carry_out(state);
        state.wake_driver();
    }

    /// Carries out what the core wishes, without waiting for the socket.
    pub(super) fn carry_out(self: &Arc<Self>, state: &mut State) -> Wait {
        loop {
            match state.stream.poll() {
                Output::Complete(id, result) => {
                    let mut streams = || state.captured.take().expect("they came right before");
                    let answer = result.map(|outcome| outcome.with_streams(&mut streams));
                    self.complete(state, id, answer);
                }
                Output::Event(event) => self.tell(state, event),
                Output::Step(step) => state.after.step = Some(step),
                Output::ShutdownWrite => shutdown_write(state),
                Output::Close(Closing::AtOnce) => close_at_once(state),
                Output::Close(Closing::Lingering) => self.close_lingering(state),
                Output::Captured(pipe) => self.capture(state, *pipe),
                Output::Wait(wait) => return wait,
                Output::Resolve(lookup) => state.put_errand(Errand::Resolve(lookup)),
                Output::Attempt { number, address } => {
                    state.put_errand(Errand::Attempt(number, address));
                }
                Output::Adopt(_) => state.adopt(),
                Output::Disconnect => state.disconnect(),
            }
        }
    }

    /// Lets the socket go in such a way that what was written arrives, as soon as the lock is free.
    fn close_lingering(&self, state: &mut State) {
        let (Some(socket), Some(closer)) = (state.socket.take(), self.closer()) else { return };
        let words = match state.stream.transmit() {
            Transmit::One(words) => words.to_vec(),
            // Only clear text comes in pieces, and nothing of it is left when a task ends well.
            Transmit::Many(_) => Vec::new(),
        };
        let lingerer = closer.enter();
        state.after.parting = Some(Parting { closer, lingerer, socket, words });
    }

    /// The socket and the pipe leave the task; it is over without another word.
    fn capture(self: &Arc<Self>, state: &mut State, pipe: Pipe) {
        let tolerates = self.tolerate_truncation;
        if let (Some(socket), Some(closer)) = (state.socket.take(), self.closer()) {
            let streams = captured::streams(socket, pipe, tolerates, closer);
            state.returns = Some(streams.0.returns());
            state.captured = Some(Handover::new(self.clone(), streams));
        }
        self.end(state, Ok(()));
    }

    /// Moves bytes once in each direction, as far as the core wants and the socket can.
    fn transfer(&self, state: &mut State, wait: Wait, now: Instant) -> Moved {
        let State { stream, socket: Some(socket), driver, .. } = state else {
            return Moved::Nothing;
        };
        let mut moved = Moved::Nothing;
        if wait.send {
            // Writes that have to wait are always the driver's.
            let waker = driver.as_ref().unwrap_or(Waker::noop());
            if let Some(input) = send(stream, socket, waker) {
                stream.handle(now, input);
                moved = Moved::Something;
            }
        }
        if wait.sweep {
            let input = sweep(stream, socket);
            stream.handle(now, input);
            return Moved::Something;
        }
        if wait.receive
            && let Some(input) = receive(stream, socket, &self.read_waker)
        {
            stream.handle(now, input);
            moved = Moved::Something;
        }
        moved
    }
}

/// How often bytes are moved in one go: a few megabytes at the most.
const MOST_MOVES: usize = 16;

enum Moved {
    Something,
    Nothing,
}

/// Offers the socket what there is; `None` if it takes nothing now and will wake.
fn send(stream: &Stream, socket: &mut Socket, waker: &Waker) -> Option<Input> {
    let transmit = stream.transmit();
    let sent = poll_now(waker, |cx| match &transmit {
        Transmit::One(bytes) => Pin::new(&mut *socket).poll_write(cx, bytes),
        Transmit::Many(pieces) => Pin::new(&mut *socket).poll_write_vectored(cx, pieces),
    })?;
    Some(match sent {
        Ok(0) => Input::SendFailed(connection_error(io::ErrorKind::WriteZero.into())),
        Ok(count) => Input::Sent(count),
        Err(error) => Input::SendFailed(connection_error(error)),
    })
}

/// Takes what the socket has; `None` if it has nothing now and will wake.
fn receive(stream: &mut Stream, socket: &mut Socket, waker: &Waker) -> Option<Input> {
    let buffer = stream.receive_buffer();
    // Not a bare attempt: tokio's own way of reading knows from a short read that there is no more.
    poll_now(waker, |cx| pin!(socket.read_buf(buffer)).poll(cx)).map(received)
}

/// Polls without tokio's budget: where that is used up, tokio wakes the waker at once, and here the task's
/// lock is held. [`Operation`](crate::Operation) keeps to the budget instead.
fn poll_now<T>(waker: &Waker, poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Option<T> {
    match pin!(unconstrained(poll_fn(poll))).poll(&mut Context::from_waker(waker)) {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

/// Takes clear text that is there already.
fn sweep(stream: &mut Stream, socket: &Socket) -> Input {
    let mut bytes = [0; 4096];
    match socket.read_now(&mut bytes) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Input::Drained,
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Input::Tick,
        Ok(count) => {
            stream.receive_buffer().put_slice(&bytes[..count]);
            received(Ok(count))
        }
        failed => received(failed),
    }
}

fn received(result: io::Result<usize>) -> Input {
    match result {
        Ok(0) => Input::ReceivedEnd,
        Ok(count) => Input::Received(count),
        Err(error) => Input::ReceiveFailed(connection_error(error)),
    }
}

fn shutdown_write(state: &mut State) {
    if let Some(socket) = &state.socket {
        // A peer that is gone already has nothing left to be told.
        let _ = socket.shutdown_write();
    }
}

/// Closes the socket at once. Last words (an alert, perhaps) go along if the socket takes them.
fn close_at_once(state: &mut State) {
    let Some(socket) = state.socket.take() else { return };
    if let Transmit::One(last @ [_, ..]) = state.stream.transmit() {
        let _ = socket.try_write(last);
        // FIN goes right behind them, lest unread bytes turn the close into a reset that overtakes them.
        let _ = socket.shutdown_write();
    }
}

/// The error of a task whose runtime went away under it.
pub(super) fn runtime_is_gone() -> Error {
    Error::new(ErrorKind::Cancelled).with_detail("its runtime was shut down")
}

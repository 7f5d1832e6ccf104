//! Carries the core's wishes out, and moves bytes between it and the socket until neither can go on.

use std::io::{self, Read};
use std::net::Shutdown;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use bytes::BufMut;
use socket2::SockRef;
use streamtask_proto::{
    Error, ErrorKind, HandshakeStep, Input, Output, Pipe, Stream, Transmit, Wait,
};
use tokio::io::{AsyncReadExt, AsyncWrite};
use tokio::net::TcpStream;

use super::handover::Handover;
use super::hop;
use super::shared::{Shared, State};
use super::slots::Answer;
use crate::net::tcp::connection_error;
use crate::task::captured;

impl Shared {
    /// Does everything that can be done now.
    pub(super) fn pump(self: &Arc<Self>, state: &mut State, now: Instant) {
        loop {
            let wait = self.carry_out(state);
            state.until = wait.until;
            if let Moved::Nothing = self.transfer(state, wait, now) {
                if state.stream.has_barriers() {
                    self.read_lead.share();
                }
                return;
            }
        }
    }

    /// Carries out what the core wishes, without waiting for the socket.
    pub(super) fn carry_out(self: &Arc<Self>, state: &mut State) -> Wait {
        loop {
            match state.stream.poll() {
                Output::Complete(id, result) => {
                    let captured = state.captured.take_if(|_| result.is_ok());
                    let answer = result.map(|outcome| match captured {
                        Some(handover) => Answer::Captured(handover),
                        None => Answer::from(outcome),
                    });
                    self.complete(state, id, answer);
                }
                Output::Event(event) => self.tell(state, event),
                Output::Step(step) => self.step(step),
                Output::ShutdownWrite => shutdown(state, Shutdown::Write),
                Output::Close(_) => close(state),
                Output::Captured(pipe) => self.capture(state, *pipe),
                Output::Wait(wait) => return wait,
                Output::Connect => state.wants_driver = true,
                _ => {}
            }
        }
    }

    /// Makes a step of the handshake where it may block.
    fn step(self: &Arc<Self>, mut step: Box<HandshakeStep>) {
        let shared = self.clone();
        hop::run(move || {
            // A panic below us must not leave the task waiting for ever.
            let run = AssertUnwindSafe(|| step.run());
            let input = match std::panic::catch_unwind(run) {
                Ok(()) => Input::Stepped(step),
                Err(_) => Input::ConnectFailed(
                    Error::new(ErrorKind::Unknown).detail("the TLS library panicked"),
                ),
            };
            shared.input(input);
        });
    }

    /// The socket and the pipe leave the task; it is over without another word.
    fn capture(self: &Arc<Self>, state: &mut State, pipe: Pipe) {
        let tolerates = self.session.configuration.tolerate_truncation;
        if let Some(socket) = state.socket.take() {
            let streams = captured::streams(socket, pipe, tolerates);
            state.captured = Some(Handover::new(self.clone(), streams));
        }
        self.end(state, Ok(()));
    }

    /// Moves bytes once in each direction, as far as the core wants and the socket can.
    fn transfer(&self, state: &mut State, wait: Wait, now: Instant) -> Moved {
        let State { stream, socket: Some(socket), .. } = state else { return Moved::Nothing };
        let mut moved = Moved::Nothing;
        if wait.send
            && let Some(input) = send(stream, socket, &self.write_waker)
        {
            stream.handle(now, input);
            moved = Moved::Something;
        }
        if wait.sweep {
            let input = sweep(stream, socket);
            let is_drained = matches!(input, Input::Drained);
            stream.handle(now, input);
            // Once drained, either TLS begins, or a read must have the rest of its bytes first.
            if !is_drained || stream.has_outputs() || stream.is_handshaking() {
                return Moved::Something;
            }
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

enum Moved {
    Something,
    Nothing,
}

/// Offers the socket what there is; `None` if it takes nothing now and will wake.
fn send(stream: &Stream, socket: &mut TcpStream, waker: &Waker) -> Option<Input> {
    let mut cx = Context::from_waker(waker);
    let sent = match stream.transmit() {
        Transmit::One(bytes) => Pin::new(socket).poll_write(&mut cx, bytes),
        Transmit::Many(pieces) => Pin::new(socket).poll_write_vectored(&mut cx, &pieces),
    };
    match sent {
        Poll::Pending => None,
        Poll::Ready(Ok(0)) => {
            let closed = io::Error::from(io::ErrorKind::WriteZero);
            Some(Input::SendFailed(connection_error(closed)))
        }
        Poll::Ready(Ok(count)) => Some(Input::Sent(count)),
        Poll::Ready(Err(error)) => Some(Input::SendFailed(connection_error(error))),
    }
}

/// Takes what the socket has; `None` if it has nothing now and will wake.
fn receive(stream: &mut Stream, socket: &mut TcpStream, waker: &Waker) -> Option<Input> {
    let mut cx = Context::from_waker(waker);
    let buffer = stream.receive_buffer();
    match pin!(socket.read_buf(buffer)).poll(&mut cx) {
        Poll::Pending => None,
        Poll::Ready(result) => Some(received(result)),
    }
}

/// Asks the kernel itself: a readiness that has not been seen yet must not hide bytes.
fn sweep(stream: &mut Stream, socket: &TcpStream) -> Input {
    let mut bytes = [0; 4096];
    match (&*SockRef::from(socket)).read(&mut bytes) {
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

fn shutdown(state: &mut State, how: Shutdown) {
    if let Some(socket) = &state.socket {
        // A peer that is gone already has nothing left to be told.
        let _ = SockRef::from(socket).shutdown(how);
    }
}

/// Closes the socket. Last words (an alert, a close_notify) go along if the socket takes them at once.
fn close(state: &mut State) {
    let Some(mut socket) = state.socket.take() else { return };
    if let Transmit::One(last @ [_, ..]) = state.stream.transmit() {
        let mut cx = Context::from_waker(Waker::noop());
        let _ = Pin::new(&mut socket).poll_write(&mut cx, last);
        // FIN goes right behind them, lest unread bytes turn the close into a reset that overtakes them.
        let _ = SockRef::from(&socket).shutdown(Shutdown::Write);
    }
}

/// The error of a task whose runtime went away under it.
pub(super) fn runtime_is_gone() -> Error {
    Error::new(ErrorKind::Cancelled).detail("its runtime was shut down")
}

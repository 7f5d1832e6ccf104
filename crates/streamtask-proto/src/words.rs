//! The words in which a driver and the core talk: inputs, outputs, and names for operations.
//!
//! Nothing is decided here; [`Stream`](crate::Stream) does.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::tls::{SecureOptions, TlsInfo};
use crate::{Address, AddressFamily, EofKind, Error, HandshakeStep, Pipe, Timeout};

/// The driver's name for an operation. The core only hands it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OpId(pub u64);

/// What happened outside.
pub enum Input {
    /// Somebody called an operation of the task.
    Enqueue(OpId, Call),
    /// The future of a read was dropped: the read leaves, its bytes stay first in line.
    Withdraw(OpId),
    /// A read was completed and its future dropped before it was looked at: its bytes go back.
    Return {
        /// What the read had brought.
        read: ReadData,
        /// Whether no other completed read waits to be looked at.
        is_last: bool,
    },
    /// Somebody has looked at a read that told the end of this layer, by [`at_eof`](ReadData::at_eof) or by
    /// an error that [ends](Error::ends) it: only now does the application know of it.
    EndSeen(Layer),
    /// `resume()`.
    Resume,
    /// `suspend()`.
    Suspend,
    /// `cancel()`.
    Cancel,
    /// The last handle of the task is gone (`true`), or one was made again (`false`).
    Abandoned(bool),
    /// What the lookup of this number, asked for by [`Output::Resolve`], came to.
    Resolved(u32, Result<Vec<SocketAddr>, Error>),
    /// What the attempt of this number, asked for by [`Output::Attempt`], came to.
    Attempted(u32, Result<(), Error>),
    /// Something outside failed that the task cannot go on without, such as the library below it, which
    /// panicked.
    Failed(Error),
    /// The socket put so many bytes into [`Stream::receive_buffer`](crate::Stream::receive_buffer).
    Received(usize),
    /// The socket has no more for now: asked for while [`Wait::sweep`].
    Drained,
    /// The peer's FIN.
    ReceivedEnd,
    /// The socket failed while receiving.
    ReceiveFailed(Error),
    /// The socket took so many of the bytes of [`Stream::transmit`](crate::Stream::transmit).
    Sent(usize),
    /// The socket failed while sending.
    SendFailed(Error),
    /// A step of the handshake has been made.
    Stepped(Box<HandshakeStep>),
    /// The step that is out asks somebody: until [`Input::Answered`] the handshake's limit rests.
    Asked,
    /// The question was answered.
    Answered,
    /// Time has passed.
    Tick,
}

/// An operation, as called.
pub enum Call {
    /// `read_data`, `read_until`, `read_exact`.
    Read(ReadKind, Timeout),
    /// `write`.
    Write(Bytes, Timeout),
    /// `close_read`.
    CloseRead,
    /// `close_write`.
    CloseWrite,
    /// `start_secure_connection`.
    StartSecure(SecureOptions),
    /// `stop_secure_connection`.
    StopSecure,
    /// `capture_streams`.
    Capture,
}

/// When a read has enough.
#[derive(Clone, Debug)]
pub enum ReadKind {
    /// At least `min` bytes, at most `max`; less only at the end of the stream.
    Data {
        /// 0 counts as 1.
        min: usize,
        /// 0 reads nothing, once connected.
        max: usize,
    },
    /// So many bytes or, at the end of the stream, none and an error.
    Exact {
        /// 0 reads nothing, once connected.
        length: usize,
    },
    /// Up to and with `delimiter`, which must come within `max` bytes; at the end of the stream none and an
    /// error.
    Until {
        /// Not empty.
        delimiter: Bytes,
        /// The delimiter counts too.
        max: usize,
    },
}

impl ReadKind {
    /// What the caller had lent: its memory may be given up only where user code may run.
    pub(crate) fn into_lent(self) -> Bytes {
        match self {
            ReadKind::Until { delimiter, .. } => delimiter,
            ReadKind::Data { .. } | ReadKind::Exact { .. } => Bytes::new(),
        }
    }
}

impl Call {
    /// As [`ReadKind::into_lent`].
    pub(crate) fn into_lent(self) -> Bytes {
        match self {
            Call::Read(kind, _) => kind.into_lent(),
            Call::Write(bytes, _) => bytes,
            Call::CloseRead
            | Call::CloseWrite
            | Call::StartSecure(_)
            | Call::StopSecure
            | Call::Capture => Bytes::new(),
        }
    }
}

/// How an operation went well. `C` is what a capture brings: the core knows only that it was done.
#[derive(Clone, Debug)]
pub enum Outcome<C = ()> {
    /// Bytes, or the end.
    Read(ReadData),
    /// It is done, and there is nothing to say about it.
    Done,
    /// TLS is up.
    Secured(TlsInfo),
    /// The streams were handed over, by [`Output::Captured`] right before.
    Captured(C),
}

impl Outcome {
    /// The same with the streams, if they were captured.
    pub fn with_streams<C>(self, streams: impl FnOnce() -> C) -> Outcome<C> {
        match self {
            Outcome::Read(read) => Outcome::Read(read),
            Outcome::Done => Outcome::Done,
            Outcome::Secured(info) => Outcome::Secured(info),
            Outcome::Captured(()) => Outcome::Captured(streams()),
        }
    }
}

/// What a read brought.
#[derive(Clone)]
#[non_exhaustive]
pub struct ReadData {
    /// The bytes, in order. Empty only at the end, or when nothing was asked for.
    pub data: Bytes,
    /// Whether the end of the stream is why there is no more: less than the minimum came, perhaps nothing.
    /// A read that got its minimum does not say whether the end stands behind it; the next one does.
    /// There will never be more, unless TLS is being stopped: then only TLS ends here, and clear text
    /// follows.
    pub at_eof: bool,
    /// How it ended, if it did.
    pub eof: Option<EofKind>,
    /// Whether `data` came under TLS, and if there is none, whether the end did. A read never brings bytes
    /// of two layers.
    pub is_secure: bool,
    /// Where in the stream `data` ends, should it have to go back.
    pub(crate) place: Place,
}

/// One stretch of the stream, between two switches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Layer(pub(crate) u32);

/// A place in the stream: how many bytes reads have taken up to it, and under which layer it lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) layer: Layer,
    pub(crate) taken: u64,
}

impl ReadData {
    /// Under which layer it was read.
    pub fn layer(&self) -> Layer {
        self.place.layer
    }

    pub(crate) fn new(data: Bytes, eof: Option<EofKind>, is_secure: bool, place: Place) -> Self {
        ReadData { data, at_eof: eof.is_some(), eof, is_secure, place }
    }
}

impl fmt::Debug for ReadData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadData")
            .field("data", &self.data)
            .field("eof", &self.eof)
            .field("is_secure", &self.is_secure)
            .finish()
    }
}

/// What the core wishes or tells.
#[derive(Debug)]
pub enum Output {
    /// An operation is over.
    Complete(OpId, Result<Outcome, Error>),
    /// Something that delegates like to know.
    Event(Event),
    /// Look a name up.
    Resolve(Lookup),
    /// Connect to this address. Attempts go on side by side until one is adopted.
    Attempt {
        /// The attempt's name.
        number: u32,
        /// Where to.
        address: Address,
    },
    /// The connection that this attempt has made is the task's; all other attempts are to be dropped.
    Adopt(u32),
    /// The connection that was adopted is of no use any more: close it at once. Others may be asked for.
    Disconnect,
    /// Make this step of the handshake on a thread that may block, and hand it back.
    Step(Box<HandshakeStep>),
    /// Send FIN.
    ShutdownWrite,
    /// The task is over: close the socket.
    Close(Closing),
    /// The task is over and this is what its streams go on with, together with the socket.
    Captured(Box<Pipe>),
    /// Nothing more until something of this happens.
    Wait(Wait),
}

/// A question for the addresses of one family.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The question's name.
    pub number: u32,
    /// The host's.
    pub host: Arc<str>,
    /// What is to be connected to.
    pub port: u16,
    /// Which addresses.
    pub family: AddressFamily,
}

/// How a socket is to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closing {
    /// Now. What [`Stream::transmit`](crate::Stream::transmit) still has (an alert, perhaps) goes along if
    /// the socket takes it at once.
    AtOnce,
    /// As a step of the protocol: what [`Stream::transmit`](crate::Stream::transmit) still has must leave,
    /// FIN goes behind it, and what the peer still says is thrown away until its own FIN.
    Lingering,
}

/// What to wait for. A task that is over waits for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait {
    /// The next moment at which time matters.
    pub until: Option<Instant>,
    /// Whether incoming bytes are wanted.
    pub receive: bool,
    /// Whether there are bytes to send.
    pub send: bool,
    /// Say [`Input::Drained`] as soon as the socket itself (not a cached readiness) has no bytes.
    pub sweep: bool,
}

/// Something that happened to a task, and when.
///
/// Events are told in the order in which they happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Event {
    /// What happened.
    pub kind: EventKind,
    /// When it did: no earlier than the event before.
    pub when: Instant,
}

/// What can happen to a task.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum EventKind {
    /// The connection stands.
    Connected,
    /// TLS is up.
    Secured(TlsInfo),
    /// TLS was stopped cleanly; the stream goes on in clear text.
    Unsecured,
    /// The peer has sent its last byte, or `close_read` was carried out.
    ReadClosed,
    /// `close_write` was carried out, or writing has become impossible: the peer made it so, or a write was
    /// cut off by its timeout.
    WriteClosed,
    /// The last event: how the task ended.
    Finished(Result<(), Error>),
}

/// The states of a task, with Foundation's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TaskState {
    /// It does what it is asked to.
    Running = 0,
    /// It was never resumed, or was suspended.
    Suspended = 1,
    /// It was cancelled and its delegate has not heard of it yet.
    Canceling = 2,
    /// It is over, well or not.
    Completed = 3,
}

/// Shows how long a write is and never what it says: that may be a password.
impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Read(kind, timeout) => f.debug_tuple("Read").field(kind).field(timeout).finish(),
            Call::Write(bytes, timeout) => {
                f.debug_tuple("Write").field(&bytes.len()).field(timeout).finish()
            }
            Call::CloseRead => f.write_str("CloseRead"),
            Call::CloseWrite => f.write_str("CloseWrite"),
            Call::StartSecure(options) => f.debug_tuple("StartSecure").field(options).finish(),
            Call::StopSecure => f.write_str("StopSecure"),
            Call::Capture => f.write_str("Capture"),
        }
    }
}

/// Shows how long what comes back is and never what it says.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Input::Enqueue(id, operation) => {
                f.debug_tuple("Enqueue").field(id).field(operation).finish()
            }
            Input::Withdraw(id) => f.debug_tuple("Withdraw").field(id).finish(),
            Input::Return { read, is_last } => f
                .debug_struct("Return")
                .field("read", &read.data.len())
                .field("is_last", is_last)
                .finish(),
            Input::EndSeen(layer) => f.debug_tuple("EndSeen").field(layer).finish(),
            Input::Resume => f.write_str("Resume"),
            Input::Suspend => f.write_str("Suspend"),
            Input::Cancel => f.write_str("Cancel"),
            Input::Abandoned(abandoned) => f.debug_tuple("Abandoned").field(abandoned).finish(),
            Input::Resolved(number, result) => {
                f.debug_tuple("Resolved").field(number).field(result).finish()
            }
            Input::Attempted(number, result) => {
                f.debug_tuple("Attempted").field(number).field(result).finish()
            }
            Input::Failed(error) => f.debug_tuple("Failed").field(error).finish(),
            Input::Received(count) => f.debug_tuple("Received").field(count).finish(),
            Input::Drained => f.write_str("Drained"),
            Input::ReceivedEnd => f.write_str("ReceivedEnd"),
            Input::ReceiveFailed(error) => f.debug_tuple("ReceiveFailed").field(error).finish(),
            Input::Sent(count) => f.debug_tuple("Sent").field(count).finish(),
            Input::SendFailed(error) => f.debug_tuple("SendFailed").field(error).finish(),
            Input::Stepped(_) => f.write_str("Stepped"),
            Input::Asked => f.write_str("Asked"),
            Input::Answered => f.write_str("Answered"),
            Input::Tick => f.write_str("Tick"),
        }
    }
}

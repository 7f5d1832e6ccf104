//! The stream task of a URL session: one object for the whole life of a raw stream.
//!
//! A [`StreamTask`] connects to a host, takes queued reads and writes with their own deadlines, starts
//! TLS in place and stops it again, half-closes, asks a delegate for trust, and hands its two streams on
//! to any other API. It is Foundation's `URLSessionStreamTask` for Linux, macOS and Windows, with
//! Foundation's names in Rust spelling.
//!
//! ```no_run
//! use std::time::Duration;
//! use streamtask::{Configuration, Session, Timeout};
//!
//! # async fn example() -> Result<(), streamtask::Error> {
//! let session = Session::new(Configuration::default().timeout_for_request(Duration::from_secs(20)))?;
//! let task = session.stream_task("imap.example.org", 143)?;           // suspended; nothing touches the network yet
//! task.resume();
//! let greeting = task.read_data(1..=4096, Duration::from_secs(30)).await?;    // .data: Bytes, .at_eof: bool
//! task.write("a1 STARTTLS\r\n", Duration::from_secs(30)).await?;             // anything that turns into Bytes
//! let reply = task.read_data(1..=4096, Duration::from_secs(30)).await?;
//! let tls = task.start_secure_connection().await?;                    // may also be dropped: barriers stand
//! task.write("a2 CAPABILITY\r\n", Timeout::NEVER).await?;
//! task.stop_secure_connection().await?;                               // clear text again, same socket
//! task.close_write();                                                 // a barrier, not a wait
//! let (input, output) = task.capture_streams().await?;
//! # Ok(())
//! # }
//! ```
//!
//! # Order
//! An operation is enqueued **by the call**, in the order of calls. Reads and writes are two independent
//! lanes; closing, switching TLS and capturing are barriers between them. What a call returns, an
//! [`Operation`], is a future; it can also be [waited for](Operation::wait) without any runtime, or be
//! given [a callback](Operation::on_complete). Operations queued before [`StreamTask::resume`] run after
//! it.
//!
//! # Dropping
//! Reads withdraw, writes and barriers stand: dropping the operation of a read takes the read back and
//! loses no byte; dropping that of anything else changes nothing. Dropping the last handle of a task lets
//! what is queued run to its end, then closes the connection cleanly: what was written arrives, even if the
//! peer has said something that nobody read. That goes on behind the end of the task
//! ([`Configuration::linger`]). The end of the program, or of the runtime, ends all of it: whoever has written
//! something waits for [`Session::finished`] first. A suspended task
//! that is dropped with something queued ends as cancelled: nobody could resume it. While what is queued runs
//! on, 1 MiB of what the peer says is kept for a handle that [`Session::all_tasks`] might hand out; with more
//! the read side is given up.
//!
//! # Runtimes
//! With a tokio runtime around [`StreamTask::resume`], that runtime runs the task; it needs its I/O and
//! time drivers. A runtime with a single thread runs it only while somebody is in its `block_on`: whoever
//! waits on another thread waits for that, too. Without a runtime, a background runtime of the library's
//! does, started on first need.

mod blocking;
mod challenge;
mod config;
mod delegate;
mod dispatch;
mod driver;
mod lingering;
mod net;
mod queue;
mod registry;
mod runtime;
mod session;
mod sync;
mod task;

/// The version of `bytes` whose [`Bytes`](bytes::Bytes) reads bring and writes take.
pub use bytes;

pub use challenge::{
    AuthenticationMethod, Challenge, Credential, Disposition, ProtectionSpace, ServerTrust,
};
pub use config::{Configuration, Roots};
pub use delegate::{SessionDelegate, TaskMetrics};
pub use lingering::{Finished, Lingering};
pub use queue::{DelegateQueue, Job};
/// Certificates and keys in DER, as `rustls-pki-types` has them.
pub use rustls::pki_types::{CertificateDer as Certificate, PrivateKeyDer as PrivateKey};
pub use session::Session;
pub use streamtask_proto::tls::{Identity, Pin, SecureOptions, Sha256, TlsInfo, TlsVersion};
pub use streamtask_proto::{
    EofKind, Error, ErrorKind, Event, Fault, Limit, ReadData, TaskState, Timeout, UnreadClearText,
};
pub use task::captured::{Blocking, Compat, Duplex, InputStream, OutputStream, StreamStatus};
pub use task::completion::Completion;
pub use task::events::Events;
pub use task::into_bytes::IntoBytes;
pub use task::operation::Operation;
pub use task::progress::Progress;
pub use task::{Priority, StreamTask};

use sync::lock;

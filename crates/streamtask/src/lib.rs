//! The stream task of a URL session: one object for the whole life of a raw stream.
//!
//! A [`StreamTask`] connects to a host, takes queued reads and writes with their own deadlines, starts
//! TLS in place and stops it again, half-closes, asks a delegate for trust, and hands its two streams on
//! to any other API. It is Foundation's `URLSessionStreamTask` for Linux, macOS and Windows, with
//! Foundation's names in Rust spelling.
//!
//! # Connect and talk
//! ```no_run
//! use std::time::Duration;
//! use streamtask::{Error, ErrorKind, Session};
//!
//! # async fn example() -> Result<(), Error> {
//! let limit = Duration::from_secs(30);
//! let task = Session::shared().connect("imap.example.org", 143)?;
//! let greeting = task.read_until("\r\n", 8192, limit).await?.data;
//! task.write("a1 STARTTLS\r\n", limit).await?;
//! let reply = task.read_until("\r\n", 8192, limit).await?.data;
//! if !reply.starts_with(b"a1 OK") {
//!     return Err(Error::new(ErrorKind::SecureConnectionFailed).with_detail("it has no STARTTLS"));
//! }
//! let tls = task.start_secure_connection().await?;
//! task.write("a2 LOGOUT\r\n", limit).await?;
//! task.close();
//! Session::shared().finished().await; // before the program ends: what was written has arrived
//! # Ok(())
//! # }
//! ```
//!
//! # Whom to trust
//! By default, whom the platform trusts. A device that nobody vouches for is known by what it shows:
//!
//! ```
//! # fn example() -> Result<(), streamtask::Error> {
//! use streamtask::{Configuration, Pin, Session};
//!
//! // openssl x509 -in server.pem -noout -fingerprint -sha256
//! let shown = "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";
//! let session = Session::new(Configuration::default().pin(Pin::Certificate(shown.parse()?)))?;
//! # Ok(())
//! # }
//! ```
//!
//! Anything else a [delegate](SessionDelegate) decides, from any thread and at any time.
//!
//! # Without a runtime
//! ```no_run
//! # fn example() -> Result<(), streamtask::Error> {
//! let task = streamtask::Session::shared().connect("localhost", 7)?;
//! // Both are under way at once, each with its own deadline.
//! let answer = task.read_exact(5, std::time::Duration::from_secs(1));
//! task.write("hello", None).wait()?;
//! assert_eq!(answer.wait()?.data, "hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Callbacks
//! ```no_run
//! # fn example(task: streamtask::StreamTask) {
//! task.read_until("\n", 8192, None).on_complete(|line| match line {
//!     Ok(line) => println!("{:?}", line.data),
//!     Err(error) => eprintln!("{error}"),
//! });
//! task.events().on_event(|event| println!("{event:?}"));
//! # }
//! ```
//!
//! # Errors
//! An [`Error`] has a [kind](ErrorKind) to match on, says [whose fault](Fault) it was, and reads as a
//! sentence:
//!
//! ```no_run
//! # async fn example(task: streamtask::StreamTask) {
//! use streamtask::Fault;
//!
//! if let Err(error) = task.start_secure_connection().await {
//!     match error.fault() {
//!         // imap.example.org:993: the server's certificate has expired (it was valid until …)
//!         Fault::Trust => eprintln!("do not go on: {error}"),
//!         Fault::Network | Fault::Time => eprintln!("try again later: {error}"),
//!         _ => eprintln!("{error}"),
//!     }
//! }
//! # }
//! ```
//!
//! # Any other API
//! ```no_run
//! # async fn example(task: streamtask::StreamTask) -> Result<(), Box<dyn std::error::Error>> {
//! let (mut input, mut output) = task.capture_streams().await?;
//! tokio::io::copy(&mut input, &mut output).await?; // tokio's traits, decrypted
//! let (input, output) = (input.into_blocking(), output.compat()); // or std's, or those of futures-io
//! # Ok(())
//! # }
//! ```
//!
//! More is in the repository's `examples`. Who knows Foundation finds every member's name in
//! [`foundation`].
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
//! A task lives on behind the peer's end, too, until this side has [closed](StreamTask::close) or nobody holds
//! it.
//!
//! # Sockets
//! Each has `TCP_NODELAY`: small writes are gathered here, so that the system need not wait for more.
//!
//! # Runtimes
//! With a tokio runtime around [`StreamTask::resume`], that runtime runs the task; it needs its I/O and
//! time drivers. A runtime with a single thread runs it only while somebody is in its `block_on`: whoever
//! waits on another thread waits for that, too. Without a runtime, a background runtime of the library's
//! does, started on first need.

mod blocking;
mod captured;
mod challenge;
mod config;
mod delegate;
mod dispatch;
mod driver;
pub mod foundation;
mod lingering;
mod mailbox;
mod net;
mod queue;
mod registry;
mod resolve;
mod roots;
mod runtime;
mod session;
mod sync;
mod task;
mod trace;

/// The version of `bytes` whose [`Bytes`](bytes::Bytes) reads bring and writes take.
pub use bytes;

pub use captured::{Blocking, Compat, Duplex, InputStream, OutputStream, StreamStatus};
pub use challenge::{
    AuthenticationMethod, Challenge, Credential, Disposition, ProtectionSpace, ServerTrust,
};
pub use config::Configuration;
pub use delegate::{SessionDelegate, TaskMetrics};
pub use lingering::{Finished, Lingering};
pub use queue::{DelegateQueue, Job};
pub use resolve::{Resolve, Resolver, Resolving};
pub use roots::Roots;
/// Certificates and keys in DER, as `rustls-pki-types` has them; signatures call them `CertificateDer` and
/// `PrivateKeyDer`.
pub use rustls::pki_types::{CertificateDer as Certificate, PrivateKeyDer as PrivateKey};
pub use session::Session;
pub use streamtask_proto::tls::{Identity, Pin, SecureOptions, Sha256, TlsInfo, TlsVersion};
pub use streamtask_proto::{
    Address, AddressFamily, Attempt, EofKind, Error, ErrorKind, Event, EventKind, Fault, Limit,
    NoProxy, Proxy, ProxyKind, ReadData, TaskState, Timeout, UnreadClearText,
};
pub use task::completion::Completion;
pub use task::events::Events;
pub use task::into_bytes::IntoBytes;
pub use task::operation::Operation;
pub use task::progress::Progress;
pub use task::{Priority, StreamTask};

use sync::lock;

//! What a stream task can do: read, write, close, switch TLS, hand its streams over.

use std::ops::{Bound, RangeBounds};

use streamtask_proto::tls::{SecureOptions, TlsInfo};
use streamtask_proto::{Call, ReadData, ReadKind, Timeout};

use crate::{InputStream, IntoBytes, Operation, OutputStream, StreamTask};

impl StreamTask {
    /// Reads as many bytes as the range allows: `1..=4096` is from 1 to 4096, `1..` has no upper limit.
    /// (`readData(ofMinLength:maxLength:timeout:)`)
    ///
    /// It completes as soon as the minimum is there; more comes along if it is there too, up to the
    /// maximum, for which no memory is set aside. Fewer come only at the end of the stream, and only then
    /// [`at_eof`](ReadData::at_eof) is set: with a minimum of 1 the end comes as a read without a byte, in
    /// clear text as under TLS, however the segments fell. After the end reads go on completing with
    /// nothing. A minimum of 0 counts as 1; a maximum of 0 reads nothing.
    ///
    /// *Ordering.* Reads complete in the order of calls, independently of writes. No read joins bytes from
    /// before and behind a switch of TLS: it ends there, and
    /// [`is_secure`](ReadData::is_secure) says under which layer its bytes came.
    ///
    /// *Timeout.* Its time begins with the call, or with the first [`resume`](Self::resume) if that comes
    /// later; connecting, switching TLS (with the time in which a challenge waits for its answer) and the
    /// reads before it count. It rests while the task is suspended.
    ///
    /// *Cancel safety.* Dropping the operation takes the read back: its bytes go to the next read, and so does
    /// the end if it saw that. There are two exceptions. A completed read that is dropped after the result of
    /// a later one was taken has lost its place, and its bytes are lost: drop the later ones too. And clear
    /// text does not come back once TLS has started.
    ///
    /// # Errors
    /// [`TimedOut(Limit::Read)`](crate::Limit::Read): only this read; what had come stays first in line.
    /// [`Truncated`](crate::ErrorKind::Truncated): TLS ended without close_notify.
    /// [`NotConnected`](crate::ErrorKind::NotConnected): after `close_read` or at the end of the task.
    /// [`InvalidArgument`](crate::ErrorKind::InvalidArgument): minimum over maximum.
    /// Else whatever ended the task. What came before a failure stays readable behind it, for reads that it
    /// satisfies (not after `cancel`, nor where clear text lay unread when TLS was to start).
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(task: streamtask::StreamTask) -> Result<(), streamtask::Error> {
    /// use streamtask::{ErrorKind, Limit};
    ///
    /// loop {
    ///     match task.read_data(1..=16_384, Duration::from_secs(60)).await {
    ///         Ok(read) if read.at_eof => break,
    ///         Ok(read) => println!("{} bytes", read.data.len()),
    ///         Err(error) if error.kind() == ErrorKind::TimedOut(Limit::Read) => {
    ///             println!("nothing for a minute"); // only this read has failed: the next one goes on
    ///         }
    ///         Err(error) => return Err(error),
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "a read whose operation is dropped is taken back"]
    pub fn read_data(
        &self,
        length: impl RangeBounds<usize>,
        timeout: impl Into<Timeout>,
    ) -> Operation<ReadData> {
        let (min, max) = bounds(&length);
        self.read(ReadKind::Data { min, max }, timeout.into())
    }

    /// Reads up to and with `delimiter`, which must come within `max` bytes, itself included: that, or an
    /// error. Otherwise as [`read_data`](Self::read_data).
    ///
    /// # Errors
    /// [`UnexpectedEnd`](crate::ErrorKind::UnexpectedEnd) when the stream ends before the delimiter has come
    /// (or, while TLS is being stopped, when TLS does); what came stays first in line, and `read_data` brings
    /// it. [`DelimiterNotFound`](crate::ErrorKind::DelimiterNotFound) when `max` bytes are there without it;
    /// they stay first in line. Else as `read_data`.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # async fn example(task: streamtask::StreamTask) -> Result<(), streamtask::Error> {
    /// let line = task.read_until("\r\n", 998, Duration::from_secs(30)).await?.data;
    /// assert!(line.ends_with(b"\r\n")); // always: there is no half a line
    /// # Ok(())
    /// # }
    /// ```
    #[must_use = "a read whose operation is dropped is taken back"]
    pub fn read_until(
        &self,
        delimiter: impl IntoBytes,
        max: usize,
        timeout: impl Into<Timeout>,
    ) -> Operation<ReadData> {
        self.read(ReadKind::Until { delimiter: delimiter.into_shared_bytes(), max }, timeout.into())
    }

    /// Reads `length` bytes: all of them, or an error. Otherwise as [`read_data`](Self::read_data).
    ///
    /// # Errors
    /// [`UnexpectedEnd`](crate::ErrorKind::UnexpectedEnd) when the stream ends before they have come (or,
    /// while TLS is being stopped, when TLS does); those that came stay first in line, and `read_data` brings
    /// them. Else as `read_data`.
    #[must_use = "a read whose operation is dropped is taken back"]
    pub fn read_exact(&self, length: usize, timeout: impl Into<Timeout>) -> Operation<ReadData> {
        self.read(ReadKind::Exact { length }, timeout.into())
    }

    fn read(&self, kind: ReadKind, timeout: Timeout) -> Operation<ReadData> {
        Operation::begin(&self.0.shared, Call::Read(kind, timeout))
    }

    /// Writes all of `data`. (`write(_:timeout:)`)
    ///
    /// It completes when the operating system has the last byte, not when the peer has it. Small writes
    /// that are queued behind each other travel together. An empty write completes when those before it
    /// have. What may be queued has no limit but
    /// [`Configuration::write_queue_limit`](crate::Configuration::write_queue_limit).
    ///
    /// *Ordering.* Bytes reach the wire in the order of calls, independently of reads.
    ///
    /// *Timeout.* Its time begins with the call, or with the first [`resume`](Self::resume) if that comes
    /// later; connecting, switching TLS (with the time in which a challenge waits for its answer) and the
    /// writes before it count. It rests while the task is suspended.
    ///
    /// *Cancel safety.* Dropping the operation changes nothing: the write stands.
    ///
    /// # Errors
    /// [`TimedOut(Limit::Write)`](crate::Limit::Write): if none of it was sent, only this write failed; if
    /// part of it was, later writes fail with the same error, and reads go on. Under TLS what was encrypted
    /// counts as sent: it may still wait for the socket, and leaves in any case.
    /// [`ConnectionLost`](crate::ErrorKind::ConnectionLost): nothing can be sent any more. That closes this
    /// side only: what the peer has said can still be read.
    /// [`NotConnected`](crate::ErrorKind::NotConnected): after `close_write` or at the end of the task.
    /// [`WriteQueueFull`](crate::ErrorKind::WriteQueueFull): too much waits; nothing of this write is sent.
    /// Else whatever made writing impossible.
    pub fn write(&self, data: impl IntoBytes, timeout: impl Into<Timeout>) -> Operation<()> {
        Operation::begin(&self.0.shared, Call::Write(data.into_shared_bytes(), timeout.into()))
    }

    /// Stops receiving, when the reads and writes queued before are done. A barrier, not a wait; later
    /// reads fail. What lies unread by then is thrown away. The connection is not told, so that nothing resets
    /// it: what the peer still says waits, or is thrown away where that lets it read on. (`closeRead()`)
    pub fn close_read(&self) {
        drop(Operation::<()>::begin(&self.0.shared, Call::CloseRead));
    }

    /// Ends the sending side (under TLS with close_notify first), when the writes queued before are done.
    /// A barrier, not a wait: reads are not affected and do not hold it up, later writes fail.
    /// (`closeWrite()`)
    pub fn close_write(&self) {
        drop(Operation::<()>::begin(&self.0.shared, Call::CloseWrite));
    }

    /// Closes both sides, when what is queued is done: [`close_write`](Self::close_write) and
    /// [`close_read`](Self::close_read). With that the task is over, and its
    /// [`completion`](Self::completion) comes. A read that waits for bytes is waited for: whoever keeps one
    /// drops its operation, gives it a limit, or lets the peer end it. [`cancel`](Self::cancel) ends everything
    /// at once instead.
    ///
    /// A task lives on behind the peer's end until this side has closed too, or nobody holds it any more.
    pub fn close(&self) {
        self.close_write();
        self.close_read();
    }

    /// Starts TLS on the stream as it is, for the task's host. (`startSecureConnection()`)
    ///
    /// A barrier: it begins when the writes queued before are done (and reads that have some of their
    /// bytes; a read that has none yet is carried across, and gets what TLS brings), and what is queued
    /// after it waits and travels encrypted. Called before `resume`, it gives TLS from the first byte. On a
    /// stream that is under TLS it changes nothing, and completes with what was agreed on. What is queued
    /// before it comes to the same as if it had not been called, and nothing that is queued behind it changes
    /// what it comes to.
    ///
    /// Await the server's go-ahead before calling this. Queued together with the read of a greeting, the start
    /// does not wait for that read, which has no byte yet; the greeting is unread clear text then, and the task
    /// fails. ([`Configuration::strict_barriers`](crate::Configuration::strict_barriers) waits for the read.)
    ///
    /// *Cancel safety.* Dropping the operation changes nothing: the barrier stands.
    ///
    /// # Errors
    /// The limit is [`Configuration::timeout_for_request`](crate::Configuration::timeout_for_request), from
    /// the moment it begins; the time in which a challenge waits for its answer does not count. The task
    /// fails with any of these, and nothing queued behind ever leaves in clear text:
    /// [`UnexpectedClearText`](crate::ErrorKind::UnexpectedClearText): bytes lay unread before TLS, perhaps
    /// injected (see [`Configuration::unread_clear_text`](crate::Configuration::unread_clear_text)).
    /// The `Certificate…` kinds: the server is not trusted.
    /// [`ServerRejected`](crate::ErrorKind::ServerRejected): the delegate refused it. The `ClientCertificate…`
    /// kinds: it does not trust us; in TLS 1.3 a server may say that only behind the handshake, and then the
    /// next read fails with it. [`Cancelled`](crate::ErrorKind::Cancelled): a challenge was cancelled.
    /// [`TimedOut(Limit::SecureStart)`](crate::Limit::SecureStart).
    /// [`SecureConnectionFailed`](crate::ErrorKind::SecureConnectionFailed): the handshake failed otherwise.
    /// Whatever ended the task before is told as it is.
    pub fn start_secure_connection(&self) -> Operation<TlsInfo> {
        self.start_secure_connection_with(SecureOptions::default())
    }

    /// The same with a server name or application protocols of its own.
    ///
    /// ```no_run
    /// # async fn example(task: streamtask::StreamTask) -> Result<(), streamtask::Error> {
    /// // Connected to an address, verified as the name that it was found under.
    /// let options = streamtask::SecureOptions::default().server_name("mail.example.org").alpn(["imap"]);
    /// let tls = task.start_secure_connection_with(options).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn start_secure_connection_with(&self, options: SecureOptions) -> Operation<TlsInfo> {
        Operation::begin(&self.0.shared, Call::StartSecure(options))
    }

    /// Stops TLS: the stream goes on in clear text on the same socket. (`stopSecureConnection()`)
    ///
    /// A barrier for writes: those queued before travel under TLS, then close_notify is sent and the peer's
    /// is awaited; those queued after wait. Reads go on meanwhile, in order. One that has some bytes and not
    /// enough when the peer's close_notify comes ends there; one that has none goes on in clear text. What
    /// the peer sent behind its close_notify is the first clear text; no byte is lost. With nobody reading,
    /// 1 MiB is taken in; more is held back until somebody does. On a stream in clear text it changes
    /// nothing. TLS may be started again later.
    ///
    /// Sharp: what follows can be read and changed by anybody on the way. FTP's `CCC` is its use.
    ///
    /// *Cancel safety.* Dropping the operation changes nothing: the barrier stands.
    ///
    /// # Errors
    /// The task fails with any of them, and no byte is ever sent in clear text:
    /// [`TimedOut(Limit::SecureStop)`](crate::Limit::SecureStop): the peer did not answer;
    /// [`ConnectionLost`](crate::ErrorKind::ConnectionLost): the connection ended first. What came under TLS
    /// stays readable.
    pub fn stop_secure_connection(&self) -> Operation<()> {
        Operation::begin(&self.0.shared, Call::StopSecure)
    }

    /// Hands the two streams over, when everything queued before is done. (`captureStreams()`)
    ///
    /// The task is over with that, and says no more. Bytes that were received and not read are the first
    /// that the input stream gives. Under TLS the streams carry decrypted data. The session counts the task
    /// as under way until its streams are taken out of the operation.
    ///
    /// *Cancel safety.* Dropping the operation changes nothing: the barrier stands, and the streams go to
    /// [`SessionDelegate::did_become_streams`](crate::SessionDelegate::did_become_streams).
    ///
    /// # Errors
    /// Whatever ended the task first, or made writing impossible.
    ///
    /// ```no_run
    /// # async fn example(task: streamtask::StreamTask) -> Result<(), Box<dyn std::error::Error>> {
    /// use tokio::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// task.start_secure_connection().await?;
    /// let (mut input, mut output) = task.capture_streams().await?;
    /// output.write_all(b"GET / HTTP/1.0\r\n\r\n").await?;
    /// output.shutdown().await?;
    /// let mut page = Vec::new();
    /// input.read_to_end(&mut page).await?; // an error if the connection was cut off
    /// # Ok(())
    /// # }
    /// ```
    pub fn capture_streams(&self) -> Operation<(InputStream, OutputStream)> {
        Operation::begin(&self.0.shared, Call::Capture)
    }
}

/// The least and the most that a range holds.
fn bounds(length: &impl RangeBounds<usize>) -> (usize, usize) {
    let min = match length.start_bound() {
        Bound::Included(&least) => least,
        Bound::Excluded(&below) => below.saturating_add(1),
        Bound::Unbounded => 0,
    };
    let max = match length.end_bound() {
        Bound::Included(&most) => most,
        Bound::Excluded(&above) => above.saturating_sub(1),
        Bound::Unbounded => usize::MAX,
    };
    (min, max)
}

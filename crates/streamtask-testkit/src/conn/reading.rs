//! Reading: what came, in clear text or out of TLS.
//!
//! Its place: one concern of [`Conn`]. All reads are loops over `advance`, the only place where
//! bytes come from the socket to the script.

use std::io;

use tokio::io::AsyncReadExt;

use super::Conn;
use super::inbox::{ROOM, Readable};
use super::session::Goodbye;

/// What one step of reading brought.
pub(super) enum Progress {
    /// There may be more to read now.
    Step,
    /// The peer has ended the stream: FIN in clear text, close_notify in TLS.
    End,
    /// FIN in TLS without a close_notify.
    Truncated,
}

impl Conn {
    /// Reads at least one byte; nothing at the end, be it FIN or close_notify.
    ///
    /// # Errors
    /// When the connection was reset or a record does not open.
    pub async fn read(&mut self) -> io::Result<Vec<u8>> {
        while self.available() == 0 {
            match self.advance().await? {
                Progress::Step => {}
                Progress::End | Progress::Truncated => break,
            }
        }
        Ok(self.inbox.take(self.available()))
    }

    /// Reads exactly this many bytes.
    ///
    /// # Errors
    /// `UnexpectedEof` when the stream ends before; those of [`Conn::read`].
    pub async fn read_exact(&mut self, n: usize) -> io::Result<Vec<u8>> {
        while self.available() < n {
            self.step().await?;
        }
        Ok(self.inbox.take(n))
    }

    /// Reads up to the next LF and gives the line without CRLF or LF; bad UTF-8 is replaced.
    ///
    /// # Errors
    /// `UnexpectedEof` when the stream ends before the line does; those of [`Conn::read`].
    pub async fn read_line(&mut self) -> io::Result<String> {
        let end = loop {
            match self.inbox.line_end(self.readable_bytes()) {
                Some(end) => break end,
                None => self.step().await?,
            }
        };
        let line = self.inbox.take(end);
        let line = line.strip_suffix(b"\n").unwrap_or(&line);
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        Ok(String::from_utf8_lossy(line).into_owned())
    }

    /// Reads until FIN or, in TLS, until the close_notify.
    ///
    /// # Errors
    /// `UnexpectedEof` for a FIN without a close_notify in TLS; those of [`Conn::read`].
    pub async fn read_to_end(&mut self) -> io::Result<Vec<u8>> {
        loop {
            match self.advance().await? {
                Progress::Step => {}
                Progress::End => return Ok(self.inbox.take(self.available())),
                Progress::Truncated => return Err(ended()),
            }
        }
    }

    /// One step that must not find the end.
    pub(super) async fn step(&mut self) -> io::Result<()> {
        match self.advance().await? {
            Progress::Step => Ok(()),
            Progress::End | Progress::Truncated => Err(ended()),
        }
    }

    /// Opens a record that is there, or waits for bytes from the socket.
    pub(super) async fn advance(&mut self) -> io::Result<Progress> {
        let at_end = match &self.session {
            None => Progress::End,
            Some(session) if session.theirs() == Goodbye::Said => return Ok(Progress::End),
            Some(_) => Progress::Truncated,
        };
        if self.session.is_some()
            && let Some(record) = self.inbox.record()
        {
            self.open(&record).await?;
            return Ok(Progress::Step);
        }
        match self.fill().await? {
            0 => Ok(at_end),
            _ => Ok(Progress::Step),
        }
    }

    /// Reads from the socket into the inbox; 0 at FIN.
    pub(super) async fn fill(&mut self) -> io::Result<usize> {
        self.inbox.wire.reserve(ROOM);
        let count = self.stream.read_buf(&mut self.inbox.wire).await?;
        self.inbox.count(count);
        Ok(count)
    }

    fn available(&self) -> usize {
        self.inbox.len(self.readable_bytes())
    }

    fn readable_bytes(&self) -> Readable {
        if self.session.is_some() { Readable::Opened } else { Readable::All }
    }
}

fn ended() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the client has ended the stream")
}

//! The peer's end of the socket: bytes in clear text or under TLS, switched in place.
//!
//! rustls is shown one record at a time and nothing behind the client's close_notify, so what is left in
//! the buffer then is clear text. (tokio-rustls cannot do that: it reads whatever the socket has.)

use std::io::{self, Read, Write};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A socket and what is known of the bytes on it.
pub(super) struct Wire {
    socket: TcpStream,
    /// As it came.
    received: BytesMut,
    /// Ready to be read.
    readable: BytesMut,
    layer: Layer,
    heard: Heard,
}

/// What the client has said, in bytes without TLS around them.
#[derive(Clone, Copy, Default)]
pub(super) struct Heard {
    pub(super) clear: usize,
    pub(super) secure: usize,
}

enum Layer {
    Clear,
    Tls(Box<ServerConnection>),
    /// The client's close_notify has come.
    Closed,
}

impl Wire {
    pub(super) fn new(socket: TcpStream) -> Self {
        Wire {
            socket,
            received: BytesMut::new(),
            readable: BytesMut::new(),
            layer: Layer::Clear,
            heard: Heard::default(),
        }
    }

    pub(super) fn heard(&self) -> Heard {
        self.heard
    }

    pub(super) fn is_secure(&self) -> bool {
        matches!(self.layer, Layer::Tls(_))
    }

    /// The next line without its CRLF; `None` at the end.
    pub(super) async fn line(&mut self) -> io::Result<Option<String>> {
        loop {
            if let Some(end) = self.readable.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.readable.split_to(end + 2);
                return Ok(Some(String::from_utf8_lossy(&line[..end]).into_owned()));
            }
            if !self.advance().await? {
                return Ok(None);
            }
        }
    }

    /// The next bytes, at most `most`.
    pub(super) async fn bytes(&mut self, most: usize) -> io::Result<Bytes> {
        while self.readable.is_empty() {
            if !self.advance().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let count = self.readable.len().min(most);
        Ok(self.readable.split_to(count).freeze())
    }

    pub(super) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sealed = match &mut self.layer {
            Layer::Tls(tls) => {
                tls.writer().write_all(bytes)?;
                outgoing(tls)?
            }
            Layer::Clear | Layer::Closed => bytes.to_vec(),
        };
        self.socket.write_all(&sealed).await
    }

    /// The server's side of a handshake.
    pub(super) async fn start_tls(&mut self, config: Arc<ServerConfig>) -> io::Result<()> {
        let mut tls = ServerConnection::new(config).map_err(invalid)?;
        // What is written is sent at once, so the buffer never holds more than one write.
        tls.set_buffer_limit(None);
        self.layer = Layer::Tls(Box::new(tls));
        while matches!(&self.layer, Layer::Tls(tls) if tls.is_handshaking()) {
            if !self.advance().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Says `last` under TLS, ends TLS, and says `first` in clear text, all in one write; then waits for
    /// the client to end TLS too.
    pub(super) async fn stop_tls(&mut self, last: &[u8], first: &[u8]) -> io::Result<()> {
        if let Layer::Tls(tls) = &mut self.layer {
            tls.writer().write_all(last)?;
            tls.send_close_notify();
            let sealed = outgoing(tls)?;
            self.socket.write_all(&[&sealed[..], first].concat()).await?;
        }
        while self.is_secure() {
            if !self.advance().await? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        self.layer = Layer::Clear;
        Ok(())
    }

    /// Ends the stream.
    pub(super) async fn end(&mut self) -> io::Result<()> {
        self.socket.shutdown().await
    }

    /// Makes more readable, or waits for it; false at the end.
    async fn advance(&mut self) -> io::Result<bool> {
        match &mut self.layer {
            Layer::Clear if !self.received.is_empty() => {
                self.heard.clear += self.received.len();
                self.readable.unsplit(self.received.split());
                return Ok(true);
            }
            Layer::Tls(_) => {
                if let Some(record) = next_record(&self.received) {
                    let record = self.received.split_to(record);
                    self.open(&record).await?;
                    return Ok(true);
                }
            }
            Layer::Clear | Layer::Closed => {}
        }
        Ok(self.socket.read_buf(&mut self.received).await? > 0)
    }

    /// Opens one record, and sends what that calls for.
    async fn open(&mut self, mut record: &[u8]) -> io::Result<()> {
        let Layer::Tls(tls) = &mut self.layer else { return Ok(()) };
        let mut state = tls.process_new_packets().map_err(invalid)?;
        while !record.is_empty() && !state.peer_has_closed() {
            tls.read_tls(&mut record)?;
            state = tls.process_new_packets().map_err(invalid)?;
            let start = self.readable.len();
            self.readable.resize(start + state.plaintext_bytes_to_read(), 0);
            tls.reader().read_exact(&mut self.readable[start..])?;
            self.heard.secure += self.readable.len() - start;
        }
        let answer = outgoing(tls)?;
        if state.peer_has_closed() {
            self.layer = Layer::Closed;
        }
        self.socket.write_all(&answer).await
    }
}

/// The length of the first record, header and all, if it is whole (RFC 8446, 5.1).
fn next_record(received: &[u8]) -> Option<usize> {
    let header = received.first_chunk::<5>()?;
    let length = 5 + usize::from(u16::from_be_bytes([header[3], header[4]]));
    (received.len() >= length).then_some(length)
}

fn outgoing(tls: &mut ServerConnection) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    while tls.wants_write() {
        tls.write_tls(&mut bytes)?;
    }
    Ok(bytes)
}

fn invalid(error: rustls::Error) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

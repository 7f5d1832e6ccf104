//! The other end of the world's wire: rustls' own server side, told what to do by a script.

use std::collections::VecDeque;
use std::io::{Read, Write};

use rustls::ServerConnection;

use crate::credentials::server_config;
use crate::oracle::{Arrival, Next};
use crate::peer::{Act, Emit, Player, Seen};
use crate::wire::{Fate, Loss};

/// A peer with real bytes.
pub(crate) struct Far {
    pub(crate) player: Player,
    layer: Layer,
    is_tls12: bool,
    /// From the client, not decoded yet.
    raw: Vec<u8>,
    /// To the client.
    out: VecDeque<u8>,
    /// What `out` is made of.
    parcels: VecDeque<Parcel>,
    end: Option<Next>,
    /// Whether it has said its end: nothing follows that.
    has_ended: bool,
    /// How many bytes have come under TLS.
    pub(crate) decrypted: usize,
}

enum Layer {
    Clear,
    Asked { hello: Vec<u8> },
    Tls { server: Box<ServerConnection>, has_closed: bool },
}

/// Bytes that say something together: clear text each by itself, TLS as a whole.
#[derive(Debug)]
struct Parcel {
    is_clear: bool,
    left: usize,
    is_begun: bool,
}

impl Far {
    pub(crate) fn new(player: Player, is_tls12: bool) -> Self {
        Far {
            player,
            layer: Layer::Clear,
            is_tls12,
            raw: Vec::new(),
            out: VecDeque::new(),
            parcels: VecDeque::new(),
            end: None,
            has_ended: false,
            decrypted: 0,
        }
    }

    pub(crate) fn accept(&mut self) {
        let emits = self.player.accept();
        self.emit(emits);
    }

    pub(crate) fn act(&mut self, act: Act) {
        let emits = self.player.act(act);
        self.emit(emits);
    }

    /// One attempt of the client to send.
    pub(crate) fn take(&mut self, bytes: &[u8], is_cipher: bool) -> Fate {
        let fate = self.player.wire.fate(bytes.len(), is_cipher);
        let taken = match fate {
            Fate::Taken { count, is_seen: true } | Fate::Part { count } => count,
            Fate::Taken { is_seen: false, .. } | Fate::Blocked | Fate::Fails { .. } => return fate,
        };
        self.raw.extend_from_slice(&bytes[..taken]);
        self.decode();
        fate
    }

    pub(crate) fn take_fin(&mut self) {
        if self.player.wire.is_up() {
            let emits = self.player.see(Seen::Fin);
            self.emit(emits);
        }
    }

    pub(crate) fn next(&self) -> Next {
        match (self.out.is_empty(), self.end) {
            (false, _) => Next::Bytes,
            (true, None) => Next::Nothing,
            (true, Some(end)) => end,
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.out.len()
    }

    /// Whether the client has a part of something that says nothing yet.
    pub(crate) fn is_amid(&self) -> bool {
        self.parcels.front().is_some_and(|parcel| parcel.is_begun && !parcel.is_clear)
    }

    /// Gives at most so many bytes, and says what has arrived with them.
    pub(crate) fn give(&mut self, most: usize) -> (Vec<u8>, Vec<Arrival>) {
        let bytes: Vec<u8> = self.out.drain(..most.min(self.out.len())).collect();
        let mut left = bytes.len();
        let mut arrivals = Vec::new();
        while left > 0 {
            let parcel = self.parcels.front_mut().expect("bytes belong to parcels");
            let part = left.min(parcel.left);
            parcel.left -= part;
            parcel.is_begun = true;
            left -= part;
            match (parcel.is_clear, parcel.left) {
                (true, _) => arrivals.push(Arrival::Clear(part)),
                (false, 0) => arrivals.push(Arrival::Whole),
                (false, _) => {}
            }
            if parcel.left == 0 {
                self.parcels.pop_front();
            }
        }
        (bytes, arrivals)
    }

    /// The client reads the end. How the connection was lost, if it was.
    pub(crate) fn give_end(&mut self) -> Option<Loss> {
        self.end.take().filter(|end| *end == Next::Loss)?;
        self.player.wire.tell_loss()
    }

    fn decode(&mut self) {
        while let Some(seen) = self.next_seen() {
            self.flush();
            let emits = self.player.see(seen);
            self.emit(emits);
        }
        self.flush();
    }

    /// The next thing among what came, as long as one layer goes.
    fn next_seen(&mut self) -> Option<Seen> {
        if self.raw.is_empty() {
            return None;
        }
        match &mut self.layer {
            Layer::Clear if self.raw[0] == 22 => {
                let hello = record(&mut self.raw)?;
                self.layer = Layer::Asked { hello };
                Some(Seen::Hello)
            }
            Layer::Clear => Some(Seen::Clear(std::mem::take(&mut self.raw))),
            Layer::Asked { .. } | Layer::Tls { has_closed: true, .. } => {
                Some(Seen::Stray(std::mem::take(&mut self.raw)))
            }
            Layer::Tls { .. } => self.next_secure(),
        }
    }

    fn next_secure(&mut self) -> Option<Seen> {
        let Layer::Tls { server, has_closed } = &mut self.layer else { return None };
        let mut data = Vec::new();
        while let Some(record) = record(&mut self.raw) {
            let was_shaking = server.is_handshaking();
            let state = match feed(server, &record, &mut data) {
                Ok(state) => state,
                Err(error) => return Some(Seen::Stray(error.to_string().into_bytes())),
            };
            *has_closed = state;
            if was_shaking && !server.is_handshaking() {
                return Some(Seen::Handshaken);
            }
            if *has_closed {
                break;
            }
        }
        self.decrypted += data.len();
        match (data.is_empty(), *has_closed) {
            (true, true) => Some(Seen::CloseNotify),
            (true, false) => None,
            (false, false) => Some(Seen::Secure(data)),
            (false, true) => {
                // First the data; the close_notify is seen when nothing else is left of it.
                let emits = self.player.see(Seen::Secure(data));
                self.emit(emits);
                Some(Seen::CloseNotify)
            }
        }
    }

    fn emit(&mut self, emits: Vec<Emit>) {
        for emit in emits {
            match (emit, &mut self.layer) {
                (Emit::Clear(bytes), _) => {
                    self.flush();
                    self.pack(true, bytes);
                }
                (Emit::Refuse, _) => self.pack(false, vec![21, 3, 3, 0, 2, 1, 0]),
                (Emit::Fin, _) => self.end(Next::Fin),
                (Emit::Loss, _) => self.end(Next::Loss),
                (Emit::EndTls, _) => self.layer = Layer::Clear,
                (Emit::BeginTls, Layer::Asked { hello }) => {
                    let config = server_config(self.is_tls12);
                    let server = ServerConnection::new(config).expect("a server's configuration");
                    let mut server = Box::new(server);
                    server.set_buffer_limit(None);
                    feed(&mut server, hello, &mut Vec::new()).expect("a good ClientHello");
                    self.layer = Layer::Tls { server, has_closed: false };
                }
                (Emit::Secure(bytes), Layer::Tls { server, .. }) => {
                    // It takes nothing any more once it had an alert, or none of it was TLS.
                    let _ = server.writer().write_all(&bytes);
                }
                (Emit::CloseNotify, Layer::Tls { server, .. }) => server.send_close_notify(),
                (emit, _) => unreachable!("{emit:?} in another layer"),
            }
            self.flush();
        }
    }

    fn end(&mut self, end: Next) {
        self.end = Some(end);
        self.has_ended = true;
    }

    /// What TLS has to say is one parcel.
    fn flush(&mut self) {
        let Layer::Tls { server, .. } = &mut self.layer else { return };
        let mut bytes = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut bytes).expect("memory can be written");
        }
        self.pack(false, bytes);
    }

    fn pack(&mut self, is_clear: bool, bytes: Vec<u8>) {
        if !bytes.is_empty() && !self.has_ended {
            self.parcels.push_back(Parcel { is_clear, left: bytes.len(), is_begun: false });
            self.out.extend(bytes);
        }
    }
}

/// Whether the client's close_notify has come with it.
fn feed(
    server: &mut ServerConnection,
    mut record: &[u8],
    data: &mut Vec<u8>,
) -> Result<bool, rustls::Error> {
    let mut has_closed = false;
    while !record.is_empty() {
        server.read_tls(&mut record).expect("a slice can be read");
        let state = server.process_new_packets()?;
        let mut plain = vec![0; state.plaintext_bytes_to_read()];
        server.reader().read_exact(&mut plain).expect("announced bytes are there");
        data.append(&mut plain);
        has_closed |= state.peer_has_closed();
    }
    Ok(has_closed)
}

/// The first record of `raw`, if it is whole.
fn record(raw: &mut Vec<u8>) -> Option<Vec<u8>> {
    let &[_, _, _, high, low] = raw.first_chunk::<5>()?;
    let length = 5 + usize::from(u16::from_be_bytes([high, low]));
    (raw.len() >= length).then(|| raw.drain(..length).collect())
}

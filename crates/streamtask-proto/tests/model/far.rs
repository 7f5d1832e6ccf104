//! The other end of the world's wire: rustls' own server side, told what to do by a script.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::{Arc, OnceLock};

use rustls::{ServerConfig, ServerConnection};
use streamtask_proto::tls::{TlsConfig, TlsVersion};

use crate::oracle::Next;
use crate::peer::{Act, Emit, Fate, Player, Seen};
use crate::server::pki;

/// A peer with real bytes.
pub(crate) struct Far {
    pub(crate) player: Player,
    layer: Layer,
    is_tls12: bool,
    /// From the client, not decoded yet.
    raw: Vec<u8>,
    /// To the client.
    out: VecDeque<u8>,
    end: Option<Next>,
    /// Whether it has said its end: nothing follows that.
    has_ended: bool,
}

enum Layer {
    Clear,
    Asked { hello: Vec<u8> },
    Tls { server: Box<ServerConnection>, has_closed: bool },
}

impl Far {
    pub(crate) fn new(player: Player, is_tls12: bool) -> Self {
        let out = VecDeque::new();
        Far {
            player,
            layer: Layer::Clear,
            is_tls12,
            raw: Vec::new(),
            out,
            end: None,
            has_ended: false,
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
        if let Fate::Taken { count, is_seen: true } = fate {
            self.raw.extend_from_slice(&bytes[..count]);
            self.decode();
        }
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

    pub(crate) fn give(&mut self, most: usize) -> Vec<u8> {
        self.out.drain(..most.min(self.out.len())).collect()
    }

    /// The client reads the end. Whether that is a reset.
    pub(crate) fn give_end(&mut self) -> bool {
        self.end.take() == Some(Next::Reset) && self.player.wire.tell_reset()
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
                let hello = record(&mut self.raw).expect("a ClientHello comes whole");
                self.layer = Layer::Asked { hello };
                Some(Seen::Hello)
            }
            Layer::Clear => Some(Seen::Clear(std::mem::take(&mut self.raw))),
            Layer::Asked { .. } => Some(Seen::Stray(std::mem::take(&mut self.raw))),
            Layer::Tls { has_closed: true, .. } => Some(Seen::Stray(std::mem::take(&mut self.raw))),
            Layer::Tls { server, has_closed } => {
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
        }
    }

    fn emit(&mut self, emits: Vec<Emit>) {
        for emit in emits {
            match (emit, &mut self.layer) {
                (Emit::Clear(bytes), _) => {
                    self.flush();
                    self.out.extend(bytes);
                }
                (Emit::Refuse, _) => self.out.extend([21, 3, 3, 0, 2, 1, 0]),
                (Emit::Fin, _) => self.end(Next::Fin),
                (Emit::Reset, _) => self.end(Next::Reset),
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
                    server.writer().write_all(&bytes).expect("TLS takes bytes");
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

    fn flush(&mut self) {
        let mut void = VecDeque::new();
        let out = if self.has_ended { &mut void } else { &mut self.out };
        if let Layer::Tls { server, .. } = &mut self.layer {
            while server.wants_write() {
                server.write_tls(out).expect("memory can be written");
            }
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

pub(crate) fn client_config() -> TlsConfig {
    static CONFIG: OnceLock<TlsConfig> = OnceLock::new();
    CONFIG.get_or_init(|| pki().client()).clone()
}

fn server_config(is_tls12: bool) -> Arc<ServerConfig> {
    static CONFIGS: OnceLock<[Arc<ServerConfig>; 2]> = OnceLock::new();
    let make = |version| {
        let mut config = (*pki().server(version)).clone();
        // Sessions that come back have other flights than the model's.
        config.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        Arc::new(config)
    };
    let configs = CONFIGS.get_or_init(|| [make(TlsVersion::Tls13), make(TlsVersion::Tls12)]);
    configs[usize::from(is_tls12)].clone()
}

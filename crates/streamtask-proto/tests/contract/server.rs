//! The other end: speaks clear text or TLS in place, and shares no code with the client.

use std::io::{Read, Write};
use std::sync::{Arc, OnceLock};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};
use streamtask_proto::tls::{TlsConfig, TlsSettings, TlsVersion, provider};

/// A server whose application is the test: bytes in, bytes out.
pub(crate) struct Server {
    tls: Option<ServerConnection>,
    version: TlsVersion,
    /// From the client, not decoded yet.
    pub(crate) wire: Vec<u8>,
    /// From the client, decoded.
    pub(crate) received: Vec<u8>,
    /// To the client.
    pub(crate) out: Vec<u8>,
    /// Whether the client's close_notify has come.
    pub(crate) client_closed: bool,
    /// How many TLS records of application data have come.
    pub(crate) records: usize,
}

impl Server {
    pub(crate) fn new(version: TlsVersion) -> Self {
        Server {
            tls: None,
            version,
            wire: Vec::new(),
            received: Vec::new(),
            out: Vec::new(),
            client_closed: false,
            records: 0,
        }
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) {
        match &mut self.tls {
            Some(tls) => {
                tls.set_buffer_limit(None);
                tls.writer().write_all(bytes).expect("TLS takes bytes");
            }
            None => self.out.extend_from_slice(bytes),
        }
        self.flush();
    }

    /// From now on what comes is TLS.
    pub(crate) fn start_tls(&mut self) {
        let config = pki().server(self.version);
        self.tls = Some(ServerConnection::new(config).expect("a server's configuration"));
        self.client_closed = false;
        self.decode();
    }

    /// Asks for new keys on both sides (RFC 8446, 4.6.3).
    pub(crate) fn update_keys(&mut self) {
        let tls = self.tls.as_mut().expect("TLS is on");
        tls.refresh_traffic_keys().expect("TLS 1.3 can");
        self.flush();
    }

    pub(crate) fn send_close_notify(&mut self) {
        self.tls.as_mut().expect("TLS is on").send_close_notify();
        self.flush();
    }

    /// From now on what comes, and what is left, is clear text.
    pub(crate) fn end_tls(&mut self) {
        self.tls = None;
        self.decode();
    }

    pub(crate) fn is_handshaking(&self) -> bool {
        self.tls.as_ref().is_some_and(|tls| tls.is_handshaking())
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.wire.extend_from_slice(bytes);
        self.decode();
    }

    fn decode(&mut self) {
        let Some(tls) = &mut self.tls else {
            return self.received.append(&mut self.wire);
        };
        while !self.client_closed {
            let Some(&[kind, _, _, high, low]) = self.wire.first_chunk::<5>() else { break };
            let length = 5 + usize::from(u16::from_be_bytes([high, low]));
            if self.wire.len() < length {
                break;
            }
            self.records += usize::from(kind == 23);
            let record: Vec<u8> = self.wire.drain(..length).collect();
            let mut rest = &record[..];
            while !rest.is_empty() {
                tls.read_tls(&mut rest).expect("a slice can be read");
                let state = tls.process_new_packets().expect("the client speaks TLS");
                let mut plain = vec![0; state.plaintext_bytes_to_read()];
                tls.reader().read_exact(&mut plain).expect("announced bytes are there");
                self.received.append(&mut plain);
                self.client_closed |= state.peer_has_closed();
            }
        }
        self.flush();
    }

    fn flush(&mut self) {
        if let Some(tls) = &mut self.tls {
            while tls.wants_write() {
                tls.write_tls(&mut self.out).expect("a vector can be written");
            }
        }
    }
}

/// The certificates of this test run.
pub(crate) struct Pki {
    root: CertificateDer<'static>,
    leaf: CertificateDer<'static>,
    key: Vec<u8>,
}

pub(crate) fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(|| {
        let ca_key = rcgen::KeyPair::generate().expect("a key");
        let mut ca = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = ca.self_signed(&ca_key).expect("a root").der().clone();
        let issuer = rcgen::Issuer::new(ca, ca_key);
        let key = rcgen::KeyPair::generate().expect("a key");
        let names = vec!["server.test".to_owned()];
        let leaf = rcgen::CertificateParams::new(names).expect("parameters");
        let leaf = leaf.signed_by(&key, &issuer).expect("a leaf").der().clone();
        Pki { root, leaf, key: key.serialize_der() }
    })
}

impl Pki {
    pub(crate) fn server(&self, version: TlsVersion) -> Arc<ServerConfig> {
        let versions: &[_] = match version {
            TlsVersion::Tls12 => &[&rustls::version::TLS12],
            _ => &[&rustls::version::TLS13],
        };
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(self.key.clone()));
        let config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions)
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![self.leaf.clone()], key)
            .expect("a certificate");
        Arc::new(config)
    }

    pub(crate) fn client(&self) -> TlsConfig {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.root.clone()).expect("a root");
        let verifier =
            rustls::client::WebPkiServerVerifier::builder_with_provider(roots.into(), provider())
                .build()
                .expect("a verifier");
        TlsConfig::new(TlsSettings {
            minimum: TlsVersion::Tls12,
            maximum: TlsVersion::Tls13,
            alpn: Vec::new(),
            verifier,
            verifier_blocks: false,
            identity: None,
            key_log: None,
        })
        .expect("settings that make sense")
    }
}

//! What the tests of the engine share: a client, a server, certificates.

use std::sync::{Arc, OnceLock};

use bytes::BytesMut;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig, ServerConnection};

use crate::Error;
use crate::buffer::Outgoing;
use crate::tls::engine::Engine;
use crate::tls::{Ask, SecureOptions, TlsConfig, TlsInfo, TlsSettings, TlsVersion, provider};

pub(super) const VERSIONS: [TlsVersion; 2] = [TlsVersion::Tls12, TlsVersion::Tls13];

pub(super) const HOST: &str = "server.test";

/// A root and a server's pair.
pub(super) struct Pki {
    pub(super) root: CertificateDer<'static>,
    leaf: CertificateDer<'static>,
    key: Vec<u8>,
}

pub(super) fn pki() -> &'static Pki {
    static PKI: OnceLock<Pki> = OnceLock::new();
    PKI.get_or_init(|| {
        let ca_key = rcgen::KeyPair::generate().expect("a key");
        let mut ca = rcgen::CertificateParams::new(Vec::new()).expect("parameters");
        ca.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = ca.self_signed(&ca_key).expect("a root").der().clone();
        let issuer = rcgen::Issuer::new(ca, ca_key);
        let key = rcgen::KeyPair::generate().expect("a key");
        let leaf = rcgen::CertificateParams::new(vec![HOST.to_owned()]).expect("parameters");
        let leaf = leaf.signed_by(&key, &issuer).expect("a leaf").der().clone();
        Pki { root, leaf, key: key.serialize_der() }
    })
}

/// Trusts `root` alone.
pub(super) fn verifier(root: CertificateDer<'static>) -> Arc<dyn ServerCertVerifier> {
    let mut roots = RootCertStore::empty();
    roots.add(root).expect("a root");
    WebPkiServerVerifier::builder_with_provider(roots.into(), provider())
        .build()
        .expect("a verifier")
}

/// What the clients of one session share.
pub(super) fn config(verifier: Arc<dyn ServerCertVerifier>) -> TlsConfig {
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

/// An engine and its buffers.
pub(super) struct Client {
    pub(super) engine: Engine,
    wire: BytesMut,
    plain: BytesMut,
    out: Outgoing,
}

impl Client {
    /// One that trusts the tests' root; its ClientHello is there to be sent.
    pub(super) fn new() -> Self {
        Self::with(&config(verifier(pki().root.clone())), None)
    }

    pub(super) fn with(config: &TlsConfig, asker: Option<Arc<dyn Ask>>) -> Self {
        let may_resume = asker.is_none();
        let engine = Engine::new(config, SecureOptions::default(), HOST, asker, may_resume)
            .expect("a name that can be verified");
        let (wire, plain, out) = (BytesMut::new(), BytesMut::new(), Outgoing::default());
        let mut client = Client { engine, wire, plain, out };
        client.take(&[]).expect("a ClientHello");
        client
    }

    /// Takes what came from the server.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.wire.extend_from_slice(bytes);
        self.engine.receive(&mut self.wire, &mut self.plain, &mut self.out)
    }

    /// What goes to the server.
    pub(super) fn say(&mut self) -> Vec<u8> {
        let said = self.out.pending().to_vec();
        self.out.sent(said.len());
        said
    }

    pub(super) fn info(&self) -> TlsInfo {
        self.engine.info().expect("the handshake is done")
    }
}

/// A server that speaks one version.
pub(super) struct Server(pub(super) ServerConnection);

impl Server {
    pub(super) fn new(version: TlsVersion) -> Self {
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(pki().key.clone()));
        let config = builder(version)
            .with_no_client_auth()
            .with_single_cert(vec![pki().leaf.clone()], key)
            .expect("a certificate");
        Self::with(config)
    }

    pub(super) fn with(config: ServerConfig) -> Self {
        Server(ServerConnection::new(Arc::new(config)).expect("a server"))
    }

    /// Takes what came from the client and says what follows.
    pub(super) fn answer(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        while !bytes.is_empty() {
            self.0.read_tls(&mut bytes).expect("a slice can be read");
            // Whether the client is content shows in what it says, alerts included.
            let _ = self.0.process_new_packets();
        }
        let mut out = Vec::new();
        while self.0.wants_write() {
            self.0.write_tls(&mut out).expect("a vector can be written");
        }
        out
    }
}

pub(super) fn builder(
    version: TlsVersion,
) -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[version.rustls()])
        .expect("a version")
}

/// Lets both talk until neither has a word left.
pub(super) fn converse(client: &mut Client, server: &mut Server) -> Result<(), Error> {
    loop {
        let said = client.say();
        let answer = server.answer(&said);
        if said.is_empty() && answer.is_empty() {
            return Ok(());
        }
        client.take(&answer)?;
    }
}

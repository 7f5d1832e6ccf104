//! What is known of a secure connection.

use std::fmt;
use std::sync::Arc;

use rustls::SupportedCipherSuite;
use rustls::pki_types::CertificateDer;

use super::TlsVersion;
use super::binding::{self, Secrets};

/// What a finished handshake agreed on. Cheap to clone; stays valid after TLS was stopped.
#[derive(Clone)]
pub struct TlsInfo(Arc<Facts>);

pub(crate) struct Facts {
    pub(crate) version: TlsVersion,
    pub(crate) suite: SupportedCipherSuite,
    pub(crate) alpn: Option<Vec<u8>>,
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) server_name: String,
    pub(crate) resumed: bool,
    pub(crate) secrets: Secrets,
}

impl TlsInfo {
    pub(crate) fn new(facts: Facts) -> Self {
        TlsInfo(Arc::new(facts))
    }

    /// The version.
    pub fn version(&self) -> TlsVersion {
        self.0.version
    }

    /// The cipher suite's number, as in `negotiatedTLSCipherSuite`.
    pub fn cipher_suite(&self) -> u16 {
        self.0.suite.suite().into()
    }

    /// The cipher suite's name in the registry.
    pub fn cipher_suite_name(&self) -> String {
        format!("{:?}", self.0.suite.suite())
    }

    /// The application protocol, if one was agreed on (RFC 7301).
    pub fn alpn(&self) -> Option<&[u8]> {
        self.0.alpn.as_deref()
    }

    /// The peer's chain, the leaf first.
    pub fn peer_certificates(&self) -> &[CertificateDer<'static>] {
        &self.0.chain
    }

    /// The name that was asked for; it was verified unless pins or a delegate trusted the server whatever its
    /// name.
    pub fn server_name(&self) -> &str {
        &self.0.server_name
    }

    /// Whether an earlier session was resumed; then nobody was asked about trust.
    pub fn is_resumed(&self) -> bool {
        self.0.resumed
    }

    /// Keying material that both ends can derive and nobody else (RFC 8446, 7.5; RFC 5705).
    ///
    /// `None` for a length or a label that the key schedule cannot do, and in TLS 1.2 with a server that
    /// does not speak extended master secret: its keys are bound to nothing (RFC 7627, 5.4).
    pub fn export_keying_material(
        &self,
        label: &[u8],
        context: Option<&[u8]>,
        length: usize,
    ) -> Option<Vec<u8>> {
        self.0.secrets.export(self.0.suite, label, context, length)
    }

    /// The `tls-exporter` channel binding (RFC 9266): 32 bytes, or `None` where nothing can be exported.
    pub fn tls_exporter(&self) -> Option<Vec<u8>> {
        self.export_keying_material(b"EXPORTER-Channel-Binding", Some(b""), 32)
    }

    /// The `tls-server-end-point` channel binding (RFC 5929): a hash of the peer's leaf certificate.
    pub fn tls_server_end_point(&self) -> Option<Vec<u8>> {
        binding::server_end_point(self.0.chain.first()?)
    }
}

impl fmt::Debug for TlsInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsInfo")
            .field("version", &self.version())
            .field("cipher_suite", &self.cipher_suite_name())
            .field("alpn", &self.alpn().map(String::from_utf8_lossy))
            .field("server_name", &self.server_name())
            .field("resumed", &self.is_resumed())
            .finish_non_exhaustive()
    }
}

//! What the server side of TLS wants: certificate, versions, ALPN, client certificates.
//!
//! Its place: made by a test, handed to [`Conn::start_tls`](crate::Conn::start_tls), which alone
//! runs the sessions. One settings value is one rustls configuration, so its clones share tickets.

use std::sync::Arc;
use std::sync::OnceLock;

use rustls::ServerConfig;
use rustls::SupportedProtocolVersion;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::CertificateDer;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::{CertifiedKey, SingleCertAndKey};

use crate::small_rsa::signing_key;
use crate::{Authority, Certificate};

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

/// The server's settings of TLS. Dropping the last clone forgets the sessions clients may resume.
#[derive(Clone)]
#[must_use]
pub struct TlsSettings {
    certificate: Certificate,
    version: Option<Version>,
    alpn: Vec<Vec<u8>>,
    clients: Clients,
    /// Shared by clones made after the last setter, so that they resume each other's sessions.
    built: Arc<OnceLock<Arc<ServerConfig>>>,
}

/// What the server does about client certificates.
#[derive(Clone)]
enum Clients {
    Unasked,
    Requested(CertificateDer<'static>),
    Required(CertificateDer<'static>),
}

impl TlsSettings {
    /// Serves this certificate in both versions, without ALPN, without asking for clients'.
    pub fn new(certificate: &Certificate) -> Self {
        Self {
            certificate: certificate.clone(),
            version: None,
            alpn: Vec::new(),
            clients: Clients::Unasked,
            built: Arc::default(),
        }
    }

    /// Speaks only this version.
    pub fn version(self, version: Version) -> Self {
        Self { version: Some(version), built: Arc::default(), ..self }
    }

    /// Offers these application protocols, the preferred one first.
    pub fn alpn(self, protocols: &[&str]) -> Self {
        let alpn = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        Self { alpn, built: Arc::default(), ..self }
    }

    /// Turns away clients without a certificate of this authority.
    pub fn require_client(self, authority: &Authority) -> Self {
        Self { clients: Clients::Required(authority.der()), built: Arc::default(), ..self }
    }

    /// Asks for a certificate of this authority, and lets clients without one pass.
    pub fn request_client(self, authority: &Authority) -> Self {
        Self { clients: Clients::Requested(authority.der()), built: Arc::default(), ..self }
    }

    /// The rustls configuration: built at the first call, the same one from then on.
    pub fn config(&self) -> Arc<ServerConfig> {
        self.built.get_or_init(|| Arc::new(self.build())).clone()
    }

    fn build(&self) -> ServerConfig {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(self.versions())
            .expect("aws-lc-rs speaks both versions")
            .with_client_cert_verifier(self.verifier())
            // Unchecked: some tests want certificates that rustls itself would not serve.
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(CertifiedKey::new(
                self.certificate.chain(),
                signing_key(self.certificate.key()),
            ))));
        config.alpn_protocols = self.alpn.clone();
        // The session cache for TLS 1.2 ids is on by default; stateless tickets are not, and with
        // them a client may resume as often as it likes.
        config.ticketer = aws_lc_rs::Ticketer::new().expect("the system gives random bytes");
        config
    }

    fn versions(&self) -> &'static [&'static SupportedProtocolVersion] {
        match self.version {
            None => rustls::ALL_VERSIONS,
            Some(Version::Tls12) => ONLY_12,
            Some(Version::Tls13) => ONLY_13,
        }
    }

    fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        let (root, must) = match &self.clients {
            Clients::Unasked => return WebPkiClientVerifier::no_client_auth(),
            Clients::Requested(root) => (root, false),
            Clients::Required(root) => (root, true),
        };
        let mut roots = rustls::RootCertStore::empty();
        roots.add(root.clone()).expect("an authority's certificate is a root");
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider());
        let builder = if must { builder } else { builder.allow_unauthenticated() };
        builder.build().expect("there is a root")
    }
}

static ONLY_12: &[&SupportedProtocolVersion] = &[&rustls::version::TLS12];
static ONLY_13: &[&SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// Named here and never installed: the process default belongs to the code under test.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

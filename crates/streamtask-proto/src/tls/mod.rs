//! TLS in place: one rustls connection as a transformer of bytes, and the questions it asks.
//!
//! [`TlsConfig`] is made once for a session and shared by its tasks; `engine` is the only file that
//! drives rustls. The rest answers what rustls asks while it runs: `trust` (who is the peer, who are
//! we), `resumption` (what may be remembered), `context` (for which connection). No I/O happens here:
//! verifiers that read files or ask the system are made by the driver and handed in.

mod binding;
mod context;
mod der;
pub(crate) mod engine;
mod failure;
mod hello;
mod identity;
mod info;
mod named;
mod pin;
mod possession;
mod question;
mod record;
mod resumption;
mod rsa;
mod tap;
mod trust;
mod x509;

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ClientConfig, Resumption};
use rustls::crypto::CryptoProvider;
use rustls::{KeyLog, SupportedProtocolVersion};

pub use identity::Identity;
pub use info::TlsInfo;
pub use named::NamedRoots;
pub use pin::{Pin, PinnedServers, Sha256};
pub use question::{Ask, IdentityAnswer, IdentityQuestion, TrustAnswer, TrustQuestion};

use crate::{Error, ErrorKind};

/// A version of TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum TlsVersion {
    /// RFC 5246.
    Tls12,
    /// RFC 8446.
    Tls13,
}

impl TlsVersion {
    /// The number on the wire, as in `negotiatedTLSProtocolVersion`.
    pub fn number(self) -> u16 {
        match self {
            TlsVersion::Tls12 => 0x0303,
            TlsVersion::Tls13 => 0x0304,
        }
    }

    fn rustls(self) -> &'static SupportedProtocolVersion {
        match self {
            TlsVersion::Tls12 => &rustls::version::TLS12,
            TlsVersion::Tls13 => &rustls::version::TLS13,
        }
    }
}

impl fmt::Display for TlsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TlsVersion::Tls12 => "TLS 1.2",
            TlsVersion::Tls13 => "TLS 1.3",
        })
    }
}

/// What one `start_secure_connection` may choose for itself; the rest is the session's.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SecureOptions {
    /// The name to ask for (SNI) and to verify, instead of the task's host.
    pub server_name: Option<String>,
    /// The application protocols to offer (RFC 7301), instead of the configuration's.
    pub alpn: Option<Vec<Vec<u8>>>,
}

impl SecureOptions {
    /// Asks for and verifies this name instead of the task's host.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Offers these application protocols, most wanted first.
    pub fn alpn<P: Into<Vec<u8>>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.alpn = Some(protocols.into_iter().map(Into::into).collect());
        self
    }
}

/// What a session says about TLS, before it is checked.
pub struct TlsSettings {
    /// The lowest version to accept.
    pub minimum: TlsVersion,
    /// The highest version to offer.
    pub maximum: TlsVersion,
    /// Application protocols to offer.
    pub alpn: Vec<Vec<u8>>,
    /// The evaluation that is called *default handling*.
    pub verifier: Arc<dyn ServerCertVerifier>,
    /// Whether that evaluation may block, so that it must not run on a thread that serves others.
    pub verifier_blocks: bool,
    /// The certificate to show to a server that asks for one.
    pub identity: Option<Identity>,
    /// Where secrets are written for debugging. That may block, so such handshakes run like those whose
    /// verifier does.
    pub key_log: Option<Arc<dyn KeyLog>>,
}

/// What all handshakes of one session share.
///
/// One verifier and one resolver, or tickets would never match: rustls binds them to their `Arc`s.
#[derive(Clone)]
pub struct TlsConfig {
    client: Arc<ClientConfig>,
    blocks: Arc<dyn Fn() -> bool + Send + Sync>,
}

impl TlsConfig {
    /// Checks the settings and makes what handshakes share.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when the versions are the wrong way round or the provider cannot
    /// do them.
    pub fn new(settings: TlsSettings) -> Result<Self, Error> {
        let refuse = |why: &str| Error::new(ErrorKind::InvalidArgument).with_detail(why);
        let versions: Vec<_> = [TlsVersion::Tls13, TlsVersion::Tls12]
            .into_iter()
            .filter(|version| (settings.minimum..=settings.maximum).contains(version))
            .map(TlsVersion::rustls)
            .collect();
        if versions.is_empty() {
            return Err(refuse("the lowest TLS version lies above the highest"));
        }
        let mut client = ClientConfig::builder_with_provider(provider())
            .with_protocol_versions(&versions)
            .map_err(|error| refuse("the TLS provider has no such version").caused_by(error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(trust::SessionVerifier::new(
                settings.verifier,
            )))
            .with_client_cert_resolver(Arc::new(trust::SessionResolver::new(settings.identity)));
        let blocks = settings.verifier_blocks || settings.key_log.is_some();
        client.alpn_protocols = settings.alpn;
        client.key_log = Arc::new(tap::SecretTap::new(settings.key_log));
        client.resumption = Resumption::store(Arc::new(resumption::TrustedSessions::new()));
        Ok(TlsConfig { client: Arc::new(client), blocks: Arc::new(move || blocks) })
    }

    /// The same for a verifier that may block while `is_blocking` says so, for example until it has loaded
    /// its roots. Asked at the beginning of each handshake.
    pub fn blocking_while(self, is_blocking: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let always = self.blocks;
        TlsConfig { blocks: Arc::new(move || always() || is_blocking()), ..self }
    }
}

impl fmt::Debug for TlsConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsConfig")
            .field("alpn", &self.client.alpn_protocols)
            .finish_non_exhaustive()
    }
}

/// The cryptography of this build. Always named, never the process's default.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

#[cfg(test)]
mod tests;

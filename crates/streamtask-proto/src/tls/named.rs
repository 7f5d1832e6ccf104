//! A leaf that is itself one of the roots that somebody named.
//!
//! What `openssl req -x509` makes says that it may vouch for others, and webpki lets no such certificate
//! be a server's own. But whoever names it as a root means this very certificate.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};

use super::x509::{self, Validity};

/// Trusts a leaf that was named, under its name and its dates, and else whom another verifier trusts.
///
/// No purpose and no chain is asked of a leaf that was named, as its owner could issue any other.
#[derive(Debug)]
pub struct NamedRoots {
    named: Vec<CertificateDer<'static>>,
    others: Arc<dyn ServerCertVerifier>,
}

impl NamedRoots {
    /// Trusts the certificates in `named` when they are a server's own; `others` decides about the rest,
    /// and about what they issued.
    pub fn new(named: Vec<CertificateDer<'static>>, others: Arc<dyn ServerCertVerifier>) -> Self {
        NamedRoots { named, others }
    }
}

impl ServerCertVerifier for NamedRoots {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.others.verify_server_cert(leaf, intermediates, name, ocsp, now) {
            Err(_) if self.named.contains(leaf) => verify_named(leaf, name, now),
            evaluated => evaluated,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.others.verify_tls12_signature(message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.others.verify_tls13_signature(message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.others.supported_verify_schemes()
    }
}

fn verify_named(
    leaf: &CertificateDer<'_>,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<ServerCertVerified, Error> {
    let Validity { not_before, not_after } =
        x509::validity(leaf).ok_or(CertificateError::BadEncoding)?;
    if now < not_before {
        return Err(CertificateError::NotValidYetContext { time: now, not_before }.into());
    }
    if now > not_after {
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    verify_server_name(&ParsedCertificate::try_from(leaf)?, name)?;
    Ok(ServerCertVerified::assertion())
}

//! Whom the platform trusts, asked for only when a certificate is there to be evaluated.
//!
//! Loading a system's roots takes tens of milliseconds: sessions that speak clear text do not pay for it,
//! and those that use the platform's roots as they are share one load. The handshake that loads them runs
//! where blocking is allowed.

use std::sync::{Arc, OnceLock};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::Verifier;
use streamtask_proto::tls::provider;

/// The platform's evaluation, with extra roots or none.
#[derive(Debug)]
pub(crate) struct PlatformVerifier {
    extra: Vec<CertificateDer<'static>>,
    own: OnceLock<Result<Arc<Verifier>, Error>>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// The platform's roots as they are.
static SHARED: OnceLock<Result<Arc<Verifier>, Error>> = OnceLock::new();

impl PlatformVerifier {
    pub(crate) fn new(extra: Vec<CertificateDer<'static>>) -> Self {
        let algorithms = provider().signature_verification_algorithms;
        PlatformVerifier { extra, own: OnceLock::new(), algorithms }
    }

    /// Whether the next evaluation may block, so that it must not run under anybody's lock. On Linux only
    /// loading the roots does; elsewhere the system is asked each time.
    pub(crate) fn may_block(&self) -> bool {
        !cfg!(target_os = "linux") || self.place().get().is_none()
    }

    fn verifier(&self) -> Result<Arc<Verifier>, Error> {
        self.place().get_or_init(|| self.load().map(Arc::new)).clone()
    }

    fn place(&self) -> &OnceLock<Result<Arc<Verifier>, Error>> {
        match self.extra.is_empty() {
            true => &SHARED,
            false => &self.own,
        }
    }

    fn load(&self) -> Result<Verifier, Error> {
        match self.extra.is_empty() {
            true => Verifier::new(provider()),
            false => self.with_extra(),
        }
    }

    #[cfg(not(target_os = "android"))]
    fn with_extra(&self) -> Result<Verifier, Error> {
        Verifier::new_with_extra_roots(self.extra.iter().cloned(), provider())
    }

    #[cfg(target_os = "android")]
    fn with_extra(&self) -> Result<Verifier, Error> {
        Err(Error::General("extra roots are not supported on this platform".into()))
    }
}

impl ServerCertVerifier for PlatformVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.verifier()?.verify_server_cert(leaf, intermediates, name, ocsp, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, leaf, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, leaf, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn an_evaluation_may_block_until_the_roots_are_loaded() {
        let extra = vec![CertificateDer::from(b"not to be parsed before it is needed".to_vec())];
        let verifier = PlatformVerifier::new(extra);
        assert!(verifier.may_block());
        let leaf = CertificateDer::from(b"no certificate".to_vec());
        let name = ServerName::try_from("localhost").expect("a name");
        let evaluated = verifier.verify_server_cert(&leaf, &[], &name, &[], UnixTime::now());
        assert!(evaluated.is_err());
        assert!(!verifier.may_block());
    }
}

//! Who is the peer, and who are we: the two questions of a handshake.
//!
//! The verifier and the resolver of a session pass each question to the connection's [`Ask`], if it has
//! one, and block until it answers; the driver therefore runs such handshakes on a thread of their own.
//! Until the answer rustls has neither a Finished nor a client certificate to send, so none can leave,
//! and a "no" becomes a proper alert. Rust's TLS asks for the identity (on CertificateRequest) before it
//! knows the chain; the identity is never *sent* before trust is given.

use std::fmt;
use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};

use super::context::GivenUp;
use super::question::{IdentityAnswer, IdentityQuestion, TrustAnswer, TrustQuestion};
use super::{Identity, TlsVersion, context, failure, possession};

/// The one verifier of a session.
pub(crate) struct SessionVerifier {
    default: Arc<dyn ServerCertVerifier>,
    /// What checks bare keys, once the evaluation was overruled.
    bare: WebPkiSupportedAlgorithms,
}

impl SessionVerifier {
    pub(crate) fn new(default: Arc<dyn ServerCertVerifier>) -> Self {
        let bare = super::provider().signature_verification_algorithms;
        SessionVerifier { default, bare }
    }
}

impl ServerCertVerifier for SessionVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if context::with(|context| context.given_up.is_some()).unwrap_or(false) {
            return Err(refused());
        }
        let evaluation = self.default.verify_server_cert(leaf, intermediates, name, ocsp, now);
        // The asker is cloned out, because it may block and must find the context free.
        let Some(asker) = context::with(|context| context.asker.clone()).flatten() else {
            return evaluation;
        };
        let chain = std::iter::once(leaf).chain(intermediates);
        let question = TrustQuestion {
            chain: chain.map(|certificate| certificate.clone().into_owned()).collect(),
            server_name: name.to_str().into_owned(),
            evaluation: evaluation
                .as_ref()
                .map(drop)
                .map_err(|error| failure::judged(error.clone())),
        };
        match asker.server_trust(question) {
            TrustAnswer::Default => evaluation,
            TrustAnswer::Accept => {
                context::with(|context| context.overruled = evaluation.is_err());
                Ok(ServerCertVerified::assertion())
            }
            TrustAnswer::Reject(why) => {
                give_up(GivenUp::Refused(why));
                Err(refused())
            }
            TrustAnswer::Cancel(why) => {
                give_up(GivenUp::Cancelled(why));
                Err(refused())
            }
            TrustAnswer::Unasked => {
                give_up(GivenUp::Unasked);
                Err(refused())
            }
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match is_overruled() {
            true => possession::verify(TlsVersion::Tls12, &self.bare, message, leaf, signed),
            false => self.default.verify_tls12_signature(message, leaf, signed),
        }
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        match is_overruled() {
            true => possession::verify(TlsVersion::Tls13, &self.bare, message, leaf, signed),
            false => self.default.verify_tls13_signature(message, leaf, signed),
        }
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.default.supported_verify_schemes()
    }
}

/// Whether somebody has trusted this connection's peer against the evaluation.
fn is_overruled() -> bool {
    context::with(|context| context.overruled).unwrap_or(false)
}

fn give_up(why: GivenUp) {
    context::with(|context| context.given_up = Some(why));
}

/// The error whose alert says that the application refused (access_denied).
fn refused() -> rustls::Error {
    CertificateError::ApplicationVerificationFailure.into()
}

impl fmt::Debug for SessionVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SessionVerifier").field(&self.default).finish()
    }
}

/// The one chooser of client certificates of a session.
#[derive(Debug)]
pub(crate) struct SessionResolver {
    configured: Option<Identity>,
}

impl SessionResolver {
    pub(crate) fn new(configured: Option<Identity>) -> Self {
        SessionResolver { configured }
    }

    /// Asks, when nothing is configured and somebody can be asked.
    fn ask(&self, issuers: &[&[u8]]) -> Option<Identity> {
        let asker = context::with(|context| context.asker.clone()).flatten()?;
        let names = issuers.iter().map(|name| name.to_vec()).collect();
        match asker.client_identity(IdentityQuestion { distinguished_names: names }) {
            IdentityAnswer::Use(identity) => {
                context::with(|context| context.has_own_identity = true);
                Some(identity)
            }
            IdentityAnswer::Continue => None,
            // There is no way to say so from here: the verifier, which comes next, does.
            IdentityAnswer::Cancel(why) => {
                give_up(GivenUp::Cancelled(why));
                None
            }
            IdentityAnswer::Unasked => {
                give_up(GivenUp::Unasked);
                None
            }
        }
    }
}

impl ResolvesClientCert for SessionResolver {
    fn resolve(&self, issuers: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let identity = self.configured.clone().or_else(|| self.ask(issuers))?;
        let key = identity.certified();
        // A key that cannot sign what the server accepts is like no key.
        key.key.choose_scheme(schemes)?;
        context::with(|context| context.showed_identity = true);
        Some(key)
    }

    fn has_certs(&self) -> bool {
        true
    }
}

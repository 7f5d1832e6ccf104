//! What is still checked once somebody has trusted the peer against the evaluation, and for whom.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::sign::{CertifiedKey, Signer, SigningKey, SingleCertAndKey};
use rustls::{SignatureAlgorithm, SignatureScheme};

use super::support::{Client, HOST, Server, VERSIONS, builder, config, converse, pki, verifier};
use crate::tls::{
    Ask, IdentityAnswer, IdentityQuestion, TlsConfig, TlsVersion, TrustAnswer, TrustQuestion,
    provider,
};
use crate::{Error, ErrorKind};

/// Gives this answer to a question about somebody whom the evaluation refuses.
struct Answer(TrustAnswer);

impl Ask for Answer {
    fn server_trust(&self, question: TrustQuestion) -> TrustAnswer {
        assert!(question.evaluation.is_err(), "the evaluation refuses what webpki cannot read");
        self.0.clone()
    }

    fn client_identity(&self, _: IdentityQuestion) -> IdentityAnswer {
        IdentityAnswer::Continue
    }
}

/// A certificate with an extension that nobody knows and everybody must understand.
fn unreadable(key: &rcgen::KeyPair) -> CertificateDer<'static> {
    let mut params = rcgen::CertificateParams::new(vec![HOST.to_owned()]).expect("a name");
    let mut unknown =
        rcgen::CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32473, 1], vec![5, 0]);
    unknown.set_criticality(true);
    params.custom_extensions.push(unknown);
    params.self_signed(key).expect("signed").der().clone()
}

fn signing_key(key: &rcgen::KeyPair) -> Arc<dyn SigningKey> {
    let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    provider().key_provider.load_private_key(der).expect("a key")
}

fn server(version: TlsVersion, leaf: CertificateDer<'static>, key: Arc<dyn SigningKey>) -> Server {
    let certified = CertifiedKey::new(vec![leaf], key);
    Server::with(
        builder(version)
            .with_client_cert_verifier(WebPkiClientVerifier::no_client_auth())
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified))),
    )
}

fn shared() -> TlsConfig {
    config(verifier(pki().root.clone()))
}

fn handshake(config: &TlsConfig, answer: TrustAnswer, mut server: Server) -> Result<(), Error> {
    let mut client = Client::with(config, Some(Arc::new(Answer(answer))));
    converse(&mut client, &mut server)?;
    assert!(!client.engine.is_handshaking() && !server.0.is_handshaking());
    Ok(())
}

fn keys() -> Vec<rcgen::KeyPair> {
    let kinds = [
        &rcgen::PKCS_ECDSA_P256_SHA256,
        &rcgen::PKCS_ECDSA_P384_SHA384,
        &rcgen::PKCS_ECDSA_P521_SHA512,
        &rcgen::PKCS_ED25519,
        &rcgen::PKCS_RSA_SHA256,
    ];
    kinds.map(|kind| rcgen::KeyPair::generate_for(kind).expect("a key")).into()
}

#[test]
fn every_kind_of_key_is_checked_without_its_certificate() {
    for key in keys() {
        for version in VERSIONS {
            let server = server(version, unreadable(&key), signing_key(&key));
            let trusted = handshake(&shared(), TrustAnswer::Accept, server);
            assert!(trusted.is_ok(), "{version} {:?}: {trusted:?}", key.algorithm());
        }
    }
}

#[test]
fn a_peer_without_the_key_is_refused_whoever_trusts_its_certificate() {
    for (key, other) in keys().iter().zip(keys()) {
        for version in VERSIONS {
            let server = server(version, unreadable(key), signing_key(&other));
            let error = handshake(&shared(), TrustAnswer::Accept, server).expect_err("no proof");
            assert_eq!(error.kind(), ErrorKind::CertificateUntrusted, "{version}");
        }
    }
}

#[test]
fn an_override_holds_for_its_connection_alone() {
    let (config, key) = (shared(), rcgen::KeyPair::generate().expect("a key"));
    let server = |version| server(version, unreadable(&key), signing_key(&key));
    for version in VERSIONS {
        handshake(&config, TrustAnswer::Accept, server(version)).expect("it was trusted");
        for answer in [TrustAnswer::Default, TrustAnswer::Reject(None)] {
            let error = handshake(&config, answer, server(version)).expect_err("nobody did");
            let kinds = [ErrorKind::CertificateUntrusted, ErrorKind::ServerRejected];
            assert!(kinds.contains(&error.kind()), "{version} {error:?}");
        }
        let mut alone = Client::with(&config, None);
        let error = converse(&mut alone, &mut server(version)).expect_err("nobody was asked");
        assert_eq!(error.kind(), ErrorKind::CertificateUntrusted, "{version}");
    }
}

/// Signs with PKCS #1, which TLS 1.3 forbids in a handshake.
#[derive(Debug)]
struct Stubborn(Arc<dyn SigningKey>);

impl SigningKey for Stubborn {
    fn choose_scheme(&self, _: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        self.0.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        self.0.algorithm()
    }
}

#[test]
fn the_older_padding_is_good_for_the_older_version_alone() {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).expect("a key");
    let server = |version| server(version, unreadable(&key), Arc::new(Stubborn(signing_key(&key))));
    handshake(&shared(), TrustAnswer::Accept, server(TlsVersion::Tls12)).expect("it is allowed");
    let refused = handshake(&shared(), TrustAnswer::Accept, server(TlsVersion::Tls13));
    assert_eq!(refused.expect_err("forbidden").kind(), ErrorKind::SecureConnectionFailed);
}

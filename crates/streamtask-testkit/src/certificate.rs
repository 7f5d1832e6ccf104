//! A certificate with its key, as a peer presents it.
//!
//! Its place: what [`Authority`](crate::Authority) issues and [`TlsSettings`](crate::TlsSettings)
//! serves; clients under test take it as their identity. It verifies nothing.

use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate chain (the leaf alone) and its private key. Dropping it forgets the key.
#[derive(Clone)]
pub struct Certificate {
    der: CertificateDer<'static>,
    pem: String,
    key_der: Vec<u8>,
    key_pem: String,
}

impl Certificate {
    /// Makes a certificate for these DNS names and IP addresses that vouches for itself.
    pub fn self_signed(names: &[&str]) -> Self {
        let key = key_pair();
        let signed = end_entity(names).self_signed(&key).expect("a P-256 key signs anything");
        Self::from_parts(&signed, &key)
    }

    /// The chain in DER, the leaf first; the root is left out, as servers do.
    pub fn chain(&self) -> Vec<CertificateDer<'static>> {
        vec![self.der.clone()]
    }

    /// The private key in PKCS #8.
    pub fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key_der.clone()).into()
    }

    /// The chain in PEM, the leaf first.
    pub fn chain_pem(&self) -> String {
        self.pem.clone()
    }

    /// The private key in PKCS #8, as PEM.
    pub fn key_pem(&self) -> String {
        self.key_pem.clone()
    }

    pub(crate) fn from_parts(signed: &rcgen::Certificate, key: &KeyPair) -> Self {
        Self {
            der: signed.der().clone(),
            pem: signed.pem(),
            key_der: key.serialize_der(),
            key_pem: key.serialize_pem(),
        }
    }
}

/// What a leaf for these names says; the first name is its common name too.
pub(crate) fn end_entity(names: &[&str]) -> CertificateParams {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, names.first().map_or("nameless", String::as_str));
    let mut params = CertificateParams::new(names).expect("names of tests are ASCII");
    params.distinguished_name = subject;
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params
}

/// A fresh P-256 key: the quickest that every TLS peer accepts.
pub(crate) fn key_pair() -> KeyPair {
    KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("the system gives random bytes")
}

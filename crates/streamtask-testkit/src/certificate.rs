//! A certificate with its key, as a peer presents it.
//!
//! Its place: what [`Authority`](crate::Authority) issues and [`TlsSettings`](crate::TlsSettings)
//! serves; clients under test take it as their identity. It verifies nothing.

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use rustls::pki_types::pem::PemObject;
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

    /// Makes one that vouches for itself and says that it may vouch for others too (CA:TRUE), as
    /// `openssl req -x509` does.
    pub fn self_signed_root(names: &[&str]) -> Self {
        Self::root(end_entity(names))
    }

    /// The same, ended in 2001.
    pub fn self_signed_root_expired(names: &[&str]) -> Self {
        let mut params = end_entity(names);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        Self::root(params)
    }

    /// The same, to begin in 2200.
    pub fn self_signed_root_not_yet_valid(names: &[&str]) -> Self {
        let mut params = end_entity(names);
        params.not_before = date_time_ymd(2200, 1, 1);
        params.not_after = date_time_ymd(2201, 1, 1);
        Self::root(params)
    }

    fn root(mut params: CertificateParams) -> Self {
        // openssl's have no purpose in them: they are for everything.
        params.extended_key_usages.clear();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = key_pair();
        let signed = params.self_signed(&key).expect("a P-256 key signs anything");
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

    /// Takes a certificate and its key from one PEM text of this crate.
    pub(crate) fn from_fixture(pem: &str) -> Self {
        let key = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes()).expect("a key is in it");
        let begin = pem.find("-----BEGIN PRIVATE KEY").expect("the key comes last");
        Self {
            der: CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate is in it"),
            pem: pem[..begin].to_owned(),
            key_der: key.secret_pkcs8_der().to_vec(),
            key_pem: pem[begin..].to_owned(),
        }
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

//! A throw-away root authority and what it issues.
//!
//! Its place: the trust anchor a test gives to the client, or to a server that asks clients for
//! certificates. The issued pair itself is [`Certificate`]'s; intermediates are nobody's.

use std::sync::atomic::{AtomicUsize, Ordering};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, date_time_ymd,
};
use rustls::pki_types::CertificateDer;

use crate::certificate::{Certificate, end_entity, key_pair};

/// A root authority with a P-256 key, made on the spot. Dropping it forgets the key.
pub struct Authority {
    root: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// Makes a root with a fresh key; two authorities never trust each other's certificates.
    pub fn new() -> Self {
        let key = key_pair();
        let params = root_params();
        let root = params.self_signed(&key).expect("the parameters of the root are fixed");
        Self { root, issuer: Issuer::new(params, key) }
    }

    /// The root certificate in DER.
    pub fn der(&self) -> CertificateDer<'static> {
        self.root.der().clone()
    }

    /// The root certificate in PEM.
    pub fn pem(&self) -> String {
        self.root.pem()
    }

    /// Issues a certificate for these DNS names and IP addresses, valid now.
    pub fn issue(&self, names: &[&str]) -> Certificate {
        self.sign(end_entity(names))
    }

    /// Issues a certificate that ended in 2001.
    pub fn issue_expired(&self, names: &[&str]) -> Certificate {
        let mut params = end_entity(names);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2001, 1, 1);
        self.sign(params)
    }

    /// Issues a certificate that begins in 2200.
    pub fn issue_not_yet_valid(&self, names: &[&str]) -> Certificate {
        let mut params = end_entity(names);
        params.not_before = date_time_ymd(2200, 1, 1);
        params.not_after = date_time_ymd(2201, 1, 1);
        self.sign(params)
    }

    /// Issues a certificate for a client of this name, which is its common name and its DNS name.
    pub fn issue_client(&self, name: &str) -> Certificate {
        let mut params = end_entity(&[name]);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        self.sign(params)
    }

    fn sign(&self, mut params: CertificateParams) -> Certificate {
        // OpenSSL's strict mode wants the issuer's key named; rcgen leaves it out otherwise.
        params.use_authority_key_identifier_extension = true;
        let key = key_pair();
        let signed = params.signed_by(&key, &self.issuer).expect("a P-256 root signs anything");
        Certificate::from_parts(&signed, &key)
    }
}

impl Default for Authority {
    fn default() -> Self {
        Self::new()
    }
}

fn root_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, root_name());
    params
}

/// Each root has a name of its own: verifiers look a root up by name, and a stranger of the same
/// name would count as a forger (DecryptError) in place of an unknown (UnknownCA).
fn root_name() -> String {
    static MADE: AtomicUsize = AtomicUsize::new(0);
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    format!("streamtask testkit root {}.{number}", std::process::id())
}

//! Certificates made on the spot, and what servers of ours do with one.

use std::sync::Arc;

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// A certificate chain, the leaf first, and the key to it.
pub(crate) struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

impl Certificate {
    /// Makes one that vouches for itself, for these names and addresses.
    pub(crate) fn make(subject: &str, names: &[&str]) -> Result<Made, rcgen::Error> {
        let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        let mut params = CertificateParams::new(names)?;
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, subject);
        // P-256: the quickest that every peer accepts.
        let key = KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let signed = params.self_signed(&key)?;
        let certificate = Certificate {
            chain: vec![signed.der().clone()],
            key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        };
        Ok(Made { certificate, pem: signed.pem() })
    }

    /// Takes a chain and a key in PEM.
    pub(crate) fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, streamtask::Error> {
        let chain = streamtask::Roots::certificates_from_pem(chain)?;
        let key = streamtask::Identity::private_key_from_pem(key)?;
        Ok(Certificate { chain, key })
    }

    /// The certificate itself; those that lead to its root left out.
    pub(crate) fn leaf(&self) -> &CertificateDer<'static> {
        // Both ways of making one see to it that there is a first.
        &self.chain[0]
    }

    /// What a server needs to show it.
    pub(crate) fn into_server(self) -> Result<Arc<ServerConfig>, rustls::Error> {
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(self.chain, self.key)?;
        Ok(Arc::new(config))
    }
}

/// A certificate that was made here.
pub(crate) struct Made {
    pub(crate) certificate: Certificate,
    /// The certificate alone, to be trusted elsewhere.
    pub(crate) pem: String,
}

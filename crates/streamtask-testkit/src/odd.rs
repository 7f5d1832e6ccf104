//! Certificates that strict parsers refuse, which people meet on printers, cameras and old appliances.
//!
//! Its place: what a client that was told to trust anything should still be able to talk to. Those that no
//! library here can make were made once with openssl; each file says how.

use rcgen::CustomExtension;

use crate::certificate::{Certificate, end_entity, key_pair};

impl Certificate {
    /// X.509 version 1: without extensions, so without a name that counts.
    pub fn version_1() -> Self {
        Self::from_fixture(include_str!("../fixtures/version-1.pem"))
    }

    /// X.509 version 1 with an RSA key of 2048 bits.
    pub fn version_1_rsa() -> Self {
        Self::from_fixture(include_str!("../fixtures/version-1-rsa.pem"))
    }

    /// An RSA key of 1024 bits.
    pub fn rsa_1024() -> Self {
        Self::from_fixture(include_str!("../fixtures/rsa-1024.pem"))
    }

    /// Self-signed, with an extension that nobody knows and everybody must understand.
    pub fn with_unknown_critical_extension(names: &[&str]) -> Self {
        let mut params = end_entity(names);
        // Under the arc for documentation (RFC 5612): NULL, and critical.
        let mut unknown =
            CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 32473, 1], vec![5, 0]);
        unknown.set_criticality(true);
        params.custom_extensions.push(unknown);
        let key = key_pair();
        let signed = params.self_signed(&key).expect("a P-256 key signs anything");
        Self::from_parts(&signed, &key)
    }
}

//! Channel bindings: what ties a login to this very TLS session.
//!
//! `tls-exporter` (RFC 9266) and other keying material (RFC 8446, 7.5; RFC 5705), and
//! `tls-server-end-point` (RFC 5929). The rustls we drive has no exporter on its unbuffered connections,
//! so the secret is tapped at its key log (see `tap`) and expanded with rustls' own key
//! schedule primitives. rustls 0.24 has one; then this file keeps only the end-point hash.

use rustls::SupportedCipherSuite;
use rustls::crypto::tls13::OkmBlock;
use zeroize::Zeroizing;

use super::hello::Facts;
use super::x509;

/// What keying material is derived from. Wiped from memory when it is dropped.
#[derive(Clone, Default)]
pub(crate) enum Secrets {
    #[default]
    None,
    /// The exporter master secret (RFC 8446, 7.5).
    Tls13(Zeroizing<Vec<u8>>),
    /// The master secret, and the randoms of client and server (RFC 5705).
    Tls12 { master: Zeroizing<Vec<u8>>, randoms: [Vec<u8>; 2] },
}

impl Secrets {
    pub(crate) fn tls13(secret: &[u8]) -> Self {
        Secrets::Tls13(Zeroizing::new(secret.to_vec()))
    }

    /// Without extended master secret the same master secret may be shared with somebody else's
    /// connection, and nothing may be bound to it (RFC 7627, 5.4).
    pub(crate) fn tls12(master: &[u8], client_random: &[u8], hello: Option<&Facts>) -> Self {
        match hello {
            Some(Facts { random, extended_master_secret: true }) => Secrets::Tls12 {
                master: Zeroizing::new(master.to_vec()),
                randoms: [client_random.to_vec(), random.to_vec()],
            },
            Some(Facts { extended_master_secret: false, .. }) | None => Secrets::None,
        }
    }

    /// Derives `length` bytes for `label`. `None` before a handshake is done, or for a length that the
    /// key schedule cannot give.
    pub(crate) fn export(
        &self,
        suite: SupportedCipherSuite,
        label: &[u8],
        context: Option<&[u8]>,
        length: usize,
    ) -> Option<Vec<u8>> {
        match (self, suite) {
            (Secrets::Tls13(secret), SupportedCipherSuite::Tls13(suite)) => {
                let hash = suite.common.hash_provider;
                let nothing = hash.start().finish();
                let derived = expand(suite, secret, label, nothing.as_ref(), hash.output_len())?;
                let derived = Zeroizing::new(derived);
                let context = hash.hash(context.unwrap_or_default());
                expand(suite, &derived, b"exporter", context.as_ref(), length)
            }
            (Secrets::Tls12 { master, randoms }, SupportedCipherSuite::Tls12(suite)) => {
                let mut seed = randoms.concat();
                if let Some(context) = context {
                    seed.extend_from_slice(&u16::try_from(context.len()).ok()?.to_be_bytes());
                    seed.extend_from_slice(context);
                }
                let mut out = vec![0; length];
                suite.prf_provider.for_secret(&mut out, master, label, &seed);
                Some(out)
            }
            _ => None,
        }
    }
}

/// HKDF-Expand-Label (RFC 8446, 7.1).
fn expand(
    suite: &rustls::Tls13CipherSuite,
    secret: &[u8],
    label: &[u8],
    context: &[u8],
    length: usize,
) -> Option<Vec<u8>> {
    const PREFIX: &[u8] = b"tls13 ";
    let expander = suite.hkdf_provider.expander_for_okm(&OkmBlock::new(secret));
    let length_field = u16::try_from(length).ok()?.to_be_bytes();
    let label_length = u8::try_from(PREFIX.len() + label.len()).ok()?;
    let context_length = u8::try_from(context.len()).ok()?;
    let mut out = vec![0; length];
    let info: [&[u8]; 6] =
        [&length_field, &[label_length], PREFIX, label, &[context_length], context];
    expander.expand_slice(&info, &mut out).ok()?;
    Some(out)
}

/// The hash of a leaf certificate that `tls-server-end-point` binds to.
///
/// The hash is that of the certificate's signature, with MD5 and SHA-1 replaced by SHA-256; `None` where
/// RFC 5929 defines none (Ed25519) or the signature is of an unknown kind.
pub(crate) fn server_end_point(leaf: &[u8]) -> Option<Vec<u8>> {
    use aws_lc_rs::digest::{SHA256, SHA384, SHA512, digest};
    let hash = match x509::signature_algorithm(leaf)? {
        // sha1/sha256/sha384/sha512WithRSAEncryption (RFC 8017, appendix C; RFC 4055, 5)
        [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, last] => match last {
            4 | 5 | 11 => &SHA256,
            12 => &SHA384,
            13 => &SHA512,
            _ => return None,
        },
        // ecdsa-with-SHA1 and ecdsa-with-SHA256/384/512 (RFC 5758, 3.2)
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x01] => &SHA256,
        [0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, last] => match last {
            2 => &SHA256,
            3 => &SHA384,
            4 => &SHA512,
            _ => return None,
        },
        _ => return None,
    };
    Some(digest(hash, leaf).as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_extended_master_secret_nothing_is_bound_to_the_master_secret() {
        let hello = |extended_master_secret| Facts { random: [2; 32], extended_master_secret };
        let made = |hello: Option<Facts>| Secrets::tls12(&[1; 48], &[3; 32], hello.as_ref());
        let Secrets::Tls12 { master, randoms } = made(Some(hello(true))) else {
            panic!("RFC 7627 was spoken");
        };
        assert_eq!((&master[..], randoms), (&[1; 48][..], [vec![3; 32], vec![2; 32]]));
        assert!(matches!(made(Some(hello(false))), Secrets::None));
        assert!(matches!(made(None), Secrets::None), "an unknown ServerHello promises nothing");
    }

    #[test]
    fn what_is_secret_is_wiped_when_it_is_dropped() {
        // Freed memory cannot be looked at safely; that the types wipe themselves can.
        fn assert_wiped<T: zeroize::ZeroizeOnDrop>(_: &T) {}
        match (Secrets::tls13(&[1]), Secrets::tls12(&[1], &[2], None)) {
            (Secrets::Tls13(secret), _) => assert_wiped(&secret),
            (_, Secrets::Tls12 { master, .. }) => assert_wiped(&master),
            (Secrets::None | Secrets::Tls12 { .. }, Secrets::None | Secrets::Tls13(_)) => {}
        }
    }
}

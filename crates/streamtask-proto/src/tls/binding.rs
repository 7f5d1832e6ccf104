//! Channel bindings: what ties a login to this very TLS session.
//!
//! `tls-exporter` (RFC 9266) and other keying material (RFC 8446, 7.5; RFC 5705), and
//! `tls-server-end-point` (RFC 5929). The rustls we drive has no exporter on its unbuffered connections,
//! so the secret is tapped at its key log (see `tap`) and expanded with rustls' own key
//! schedule primitives. rustls 0.24 has one; then this file keeps only the end-point hash.

use rustls::SupportedCipherSuite;
use rustls::crypto::tls13::OkmBlock;

/// What keying material is derived from.
#[derive(Clone, Default)]
pub(crate) enum Secrets {
    #[default]
    None,
    /// The exporter master secret (RFC 8446, 7.5).
    Tls13(Vec<u8>),
    /// The master secret and both randoms (RFC 5705).
    Tls12 { master: Vec<u8>, client_random: Vec<u8>, server_random: Vec<u8> },
}

impl Secrets {
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
                let derived = expand(
                    suite,
                    secret,
                    label,
                    hash.start().finish().as_ref(),
                    hash.output_len(),
                )?;
                let context = hash.hash(context.unwrap_or_default());
                expand(suite, &derived, b"exporter", context.as_ref(), length)
            }
            (
                Secrets::Tls12 { master, client_random, server_random },
                SupportedCipherSuite::Tls12(suite),
            ) => {
                let mut seed = [client_random.as_slice(), server_random].concat();
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
    let hash = match signature_algorithm(leaf)? {
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

/// The object identifier of a certificate's signature (RFC 5280, 4.1: SEQUENCE { tbs, algorithm, … }).
fn signature_algorithm(certificate: &[u8]) -> Option<&[u8]> {
    let (0x30, body, _) = der(certificate)? else { return None };
    let (0x30, _tbs, rest) = der(body)? else { return None };
    let (0x30, algorithm, _) = der(rest)? else { return None };
    let (0x06, identifier, _) = der(algorithm)? else { return None };
    Some(identifier)
}

/// Splits one DER value off: its tag, its contents and what follows.
fn der(input: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = input.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        let (bytes, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
        if bytes.len() > 4 {
            return None;
        }
        length = bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
        rest = after;
    }
    let (contents, after) = rest.split_at_checked(length)?;
    Some((tag, contents, after))
}

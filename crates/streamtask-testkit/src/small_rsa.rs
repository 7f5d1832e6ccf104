//! Signs with RSA keys that no library of today would touch.
//!
//! Its place: what [`TlsSettings`](crate::TlsSettings) falls back to for a key that rustls refuses. Slow,
//! leaky and deterministic: good for tests alone.

use std::fmt;
use std::sync::Arc;

use num_bigint::BigUint;
use rustls::crypto::hash::Hash;
use rustls::pki_types::PrivateKeyDer;
use rustls::sign::{Signer, SigningKey};
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

/// A private key of any size.
#[derive(Clone)]
pub(crate) struct SmallRsa {
    modulus: BigUint,
    exponent: BigUint,
    scheme: SignatureScheme,
}

impl SmallRsa {
    /// Takes a key in PKCS #8.
    pub(crate) fn new(key: &PrivateKeyDer<'_>) -> Option<Self> {
        // PrivateKeyInfo: version, algorithm, OCTET STRING with an RSAPrivateKey (RFC 5208, 5).
        let (_version, rest) = value(value(key.secret_der())?.0)?;
        let (_algorithm, rest) = value(rest)?;
        // RSAPrivateKey: version, modulus, public exponent, private exponent (RFC 8017, A.1.2).
        let (_version, rest) = value(value(value(rest)?.0)?.0)?;
        let (modulus, rest) = value(rest)?;
        let (_public, rest) = value(rest)?;
        let (exponent, _primes) = value(rest)?;
        Some(Self {
            modulus: BigUint::from_bytes_be(modulus),
            exponent: BigUint::from_bytes_be(exponent),
            scheme: SignatureScheme::RSA_PSS_SHA256,
        })
    }

    fn length(&self) -> usize {
        self.modulus.bits().div_ceil(8) as usize
    }

    /// EMSA-PKCS1-v1_5 (RFC 8017, 9.2).
    fn pkcs1(&self, info: &[u8], digest: &[u8]) -> Vec<u8> {
        let padding = self.length() - 3 - info.len() - digest.len();
        [&[0, 1][..], &vec![0xff; padding], &[0], info, digest].concat()
    }

    /// EMSA-PSS (RFC 8017, 9.1.1), with a salt as long as the hash that is all zeros.
    fn pss(&self, hash: &dyn Hash, digest: &[u8]) -> Vec<u8> {
        let salt = vec![0; hash.output_len()];
        let bits = self.modulus.bits() as usize - 1;
        let length = bits.div_ceil(8);
        let tag = hash.hash(&[&[0; 8][..], digest, &salt].concat());
        let padding = length - 2 * hash.output_len() - 2;
        let data = [&vec![0; padding][..], &[1], &salt].concat();
        let mut masked: Vec<u8> = (0_u32..)
            .flat_map(|count| {
                hash.hash(&[tag.as_ref(), &count.to_be_bytes()].concat()).as_ref().to_vec()
            })
            .zip(&data)
            .map(|(mask, byte)| mask ^ byte)
            .collect();
        masked[0] &= 0xff >> (8 * length - bits);
        [&masked[..], tag.as_ref(), &[0xbc]].concat()
    }
}

impl SigningKey for SmallRsa {
    fn choose_scheme(&self, offered: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
        let known = [
            SignatureScheme::RSA_PSS_SHA384,
            SignatureScheme::RSA_PSS_SHA256,
            SignatureScheme::RSA_PKCS1_SHA384,
            SignatureScheme::RSA_PKCS1_SHA256,
        ];
        let scheme = known.into_iter().find(|scheme| offered.contains(scheme))?;
        Some(Box::new(Self { scheme, ..self.clone() }))
    }

    fn algorithm(&self) -> SignatureAlgorithm {
        SignatureAlgorithm::RSA
    }
}

impl Signer for SmallRsa {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Error> {
        let hash = match self.scheme {
            SignatureScheme::RSA_PSS_SHA384 | SignatureScheme::RSA_PKCS1_SHA384 => sha384(),
            _ => sha256(),
        };
        let digest = hash.hash(message);
        let encoded = match self.scheme {
            SignatureScheme::RSA_PKCS1_SHA384 => self.pkcs1(&SHA384_INFO, digest.as_ref()),
            SignatureScheme::RSA_PKCS1_SHA256 => self.pkcs1(&SHA256_INFO, digest.as_ref()),
            _ => self.pss(hash, digest.as_ref()),
        };
        let signed = BigUint::from_bytes_be(&encoded).modpow(&self.exponent, &self.modulus);
        let signed = signed.to_bytes_be();
        Ok([vec![0; self.length() - signed.len()], signed].concat())
    }

    fn scheme(&self) -> SignatureScheme {
        self.scheme
    }
}

impl fmt::Debug for SmallRsa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmallRsa").field("bits", &self.modulus.bits()).finish_non_exhaustive()
    }
}

/// Any key: one that rustls takes, or a small one of RSA.
pub(crate) fn signing_key(key: PrivateKeyDer<'static>) -> Arc<dyn SigningKey> {
    match rustls::crypto::aws_lc_rs::sign::any_supported_type(&key) {
        Ok(known) => known,
        Err(_) => Arc::new(SmallRsa::new(&key).expect("a key in PKCS #8")),
    }
}

/// The contents of one DER value, and what follows it.
fn value(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (&[_tag, first], rest) = input.split_first_chunk::<2>()?;
    let count = if first & 0x80 == 0 { 0 } else { usize::from(first & 0x7f) };
    let (long, rest) = rest.split_at_checked(count)?;
    let length = match count {
        0 => usize::from(first),
        _ => long.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
    };
    rest.split_at_checked(length)
}

fn sha256() -> &'static dyn Hash {
    let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256;
    suite.tls13().expect("of TLS 1.3").common.hash_provider
}

fn sha384() -> &'static dyn Hash {
    let suite = rustls::crypto::aws_lc_rs::cipher_suite::TLS13_AES_256_GCM_SHA384;
    suite.tls13().expect("of TLS 1.3").common.hash_provider
}

/// What stands before the digest in a DigestInfo (RFC 8017, 9.2, note 1).
const SHA256_INFO: [u8; 19] = [
    0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
    0x00, 0x04, 0x20,
];
const SHA384_INFO: [u8; 19] = [
    0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05,
    0x00, 0x04, 0x30,
];

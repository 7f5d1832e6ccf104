//! The proof that the peer holds the key of its certificate, whatever else is wrong with that.
//!
//! Once somebody has overruled the evaluation, the certificate only carries a key: nothing asks which
//! version it has or what extensions. rustls' own checks read the certificate with webpki, which refuses
//! what it would not trust; here the bare key is enough. Without an override rustls' own checks stand.

use std::fmt;
use std::sync::Arc;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::SignatureVerificationAlgorithm;
use rustls::{
    CertificateError, DigitallySignedStruct, Error, OtherError, PeerMisbehaved, SignatureScheme,
};

use super::x509::{self, PublicKey};
use super::{TlsVersion, rsa};

/// Checks that `signed` is a signature of `message` with the key in `leaf`.
///
/// # Errors
/// [`Uncheckable`] where nobody can tell.
pub(super) fn verify(
    version: TlsVersion,
    algorithms: &WebPkiSupportedAlgorithms,
    message: &[u8],
    leaf: &[u8],
    signed: &DigitallySignedStruct,
) -> Result<HandshakeSignatureValid, Error> {
    if version == TlsVersion::Tls13 && is_of_tls12_alone(signed.scheme) {
        return Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into());
    }
    let key = x509::public_key(leaf).ok_or(Uncheckable::NoKey)?;
    let verifies = match Kind::of(key)? {
        Kind::SmallRsa(small) => small.verifies(signed.scheme, message, signed.signature()),
        Kind::Known(algorithm) => {
            let mut candidates = candidates(version, algorithms, signed.scheme)?.iter();
            let fits = candidates.find(|known| known.public_key_alg_id().as_ref() == algorithm);
            let fits = fits.ok_or(Uncheckable::Scheme(signed.scheme))?;
            fits.verify_signature(key.bits, message, signed.signature()).is_ok()
        }
    };
    match verifies {
        true => Ok(HandshakeSignatureValid::assertion()),
        false => Err(CertificateError::BadSignature.into()),
    }
}

/// Who can check signatures of a key.
enum Kind<'a> {
    /// We ourselves.
    SmallRsa(rsa::Key),
    /// The provider, if it knows this algorithm.
    Known(&'a [u8]),
}

impl<'a> Kind<'a> {
    fn of(key: PublicKey<'a>) -> Result<Self, Uncheckable> {
        // Some leave the NULL out, which RFC 3279 forbids.
        let is_rsa = key.algorithm == RSA || RSA.strip_suffix(&[5, 0]) == Some(key.algorithm);
        if !is_rsa {
            return Ok(Kind::Known(key.algorithm));
        }
        let read = rsa::Key::read(key.bits).ok_or(Uncheckable::NoKey)?;
        match read.bits() {
            FEWEST_BITS..=2047 => Ok(Kind::SmallRsa(read)),
            2048..=8192 => Ok(Kind::Known(RSA)),
            bits => Err(Uncheckable::RsaBits(bits)),
        }
    }
}

/// The provider's ways to check this scheme. In TLS 1.3 a scheme says which curve it is for; in TLS 1.2 it
/// does not (RFC 8446, 4.2.3).
fn candidates(
    version: TlsVersion,
    algorithms: &WebPkiSupportedAlgorithms,
    scheme: SignatureScheme,
) -> Result<&'static [&'static dyn SignatureVerificationAlgorithm], Error> {
    let offered = algorithms.mapping.iter().find(|(offered, _)| *offered == scheme);
    match (version, offered) {
        (TlsVersion::Tls12, Some((_, all))) => Ok(all),
        (TlsVersion::Tls13, Some((_, all))) => Ok(&all[..1]),
        (_, None) => Err(PeerMisbehaved::SignedHandshakeWithUnadvertisedSigScheme.into()),
    }
}

/// RFC 8446, 4.2.3: no PKCS #1 in a handshake. SHA-1 is not offered in either version.
fn is_of_tls12_alone(scheme: SignatureScheme) -> bool {
    matches!(
        scheme,
        SignatureScheme::RSA_PKCS1_SHA256
            | SignatureScheme::RSA_PKCS1_SHA384
            | SignatureScheme::RSA_PKCS1_SHA512
    )
}

/// Why nobody can tell whether the peer holds the key.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Uncheckable {
    /// There is none to be found.
    NoKey,
    /// Nothing here checks RSA keys of this size.
    RsaBits(usize),
    /// Nothing here checks this with a key of that kind.
    Scheme(SignatureScheme),
}

impl fmt::Display for Uncheckable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the key of the server's certificate cannot be checked: ")?;
        match self {
            Uncheckable::NoKey => f.write_str("there is none that can be read"),
            Uncheckable::RsaBits(bits) => write!(f, "RSA with {bits} bits"),
            Uncheckable::Scheme(scheme) => write!(f, "{scheme:?} does not go with it"),
        }
    }
}

impl std::error::Error for Uncheckable {}

impl From<Uncheckable> for Error {
    fn from(why: Uncheckable) -> Self {
        CertificateError::Other(OtherError(Arc::new(why))).into()
    }
}

/// rsaEncryption with its NULL (RFC 3279, 2.3.1).
const RSA: &[u8] = &[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 13, 1, 1, 1, 5, 0];
/// Below this, keys have been broken in public (RSA-250: 829 bits, 2020), and holding one proves nothing.
const FEWEST_BITS: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    /// An RSA key of so many bits, all of them ones.
    fn rsa_key(bits: usize) -> Vec<u8> {
        let (bytes, top) = (bits.div_ceil(8), bits % 8);
        let mut modulus = vec![0xff; bytes];
        if top != 0 {
            modulus[0] = (1 << top) - 1;
        }
        let long = |tag: u8, contents: &[u8]| {
            let length = u16::try_from(contents.len()).expect("short").to_be_bytes();
            let head = match length {
                [0, low @ ..=0x7f] => vec![tag, low],
                [0, low] => vec![tag, 0x81, low],
                [high, low] => vec![tag, 0x82, high, low],
            };
            [&head[..], contents].concat()
        };
        let sign: &[u8] = if top == 0 { &[0] } else { &[] };
        let modulus = long(2, &[sign, &modulus].concat());
        long(0x30, &[&modulus[..], &[2, 3, 1, 0, 1]].concat())
    }

    #[test]
    fn what_nobody_can_check_is_said_with_its_reason() {
        for bits in [512, 768, 1023, 8193, 16384] {
            let bits_of = rsa_key(bits);
            let why = Kind::of(PublicKey { algorithm: RSA, bits: &bits_of }).err();
            assert_eq!(why, Some(Uncheckable::RsaBits(bits)));
            let words = why.expect("a reason").to_string();
            assert!(
                words.ends_with(&format!("cannot be checked: RSA with {bits} bits")),
                "{words}"
            );
        }
        let broken = PublicKey { algorithm: RSA, bits: &[1, 2, 3] };
        assert_eq!(Kind::of(broken).err(), Some(Uncheckable::NoKey));
    }

    #[test]
    fn the_size_of_an_rsa_key_says_who_checks_it() {
        for (bits, is_small) in [(1024, true), (2047, true), (2048, false), (8192, false)] {
            let key = rsa_key(bits);
            for algorithm in [RSA, &RSA[..RSA.len() - 2]] {
                let kind = Kind::of(PublicKey { algorithm, bits: &key }).expect("checkable");
                assert_eq!(matches!(kind, Kind::SmallRsa(_)), is_small, "{bits} bits");
            }
        }
    }
}

//! Servers that are known by what they show: the SHA-256 of a certificate, or of the key in it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, OtherError, SignatureScheme};

use super::{TlsVersion, possession, x509};
use crate::{Error, ErrorKind};

/// The SHA-256 of something, shown as browsers and openssl do: `BA:78:16:…`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sha256([u8; 32]);

/// What a server must show to be trusted.
///
/// ```
/// # use streamtask_proto::tls as streamtask;
/// # fn main() -> Result<(), streamtask_proto::Error> {
/// use streamtask::Pin;
///
/// // What `openssl x509 -in server.pem -noout -fingerprint -sha256` prints behind its `=`.
/// let pin = Pin::Certificate(
///     "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD"
///         .parse()?,
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Pin {
    /// This very certificate.
    Certificate(Sha256),
    /// A certificate of this key, which may be renewed: its SubjectPublicKeyInfo in DER (RFC 7469, 2.4, which
    /// writes the same hash in base64; here it is read in hexadecimal). [`Sha256::of_public_key`] takes it from
    /// a certificate.
    PublicKey(Sha256),
}

impl Sha256 {
    /// The hash of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Sha256(hash)
    }

    /// The hash of the public key in a certificate (DER), unless it has none that can be found.
    pub fn of_public_key(certificate: &[u8]) -> Option<Self> {
        x509::public_key_info(certificate).map(Sha256::of)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Sha256 {
    fn from(hash: [u8; 32]) -> Self {
        Sha256(hash)
    }
}

impl FromStr for Sha256 {
    type Err = Error;

    /// 64 hexadecimal digits, with colons between the bytes or without.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`]: anything else.
    fn from_str(text: &str) -> Result<Self, Error> {
        let why = "a SHA-256 is 64 hexadecimal digits, with or without colons between the bytes";
        let invalid = || Error::new(ErrorKind::InvalidArgument).with_detail(why);
        let step = if text.contains(':') { 3 } else { 2 };
        if !text.is_ascii() || text.len() != 32 * step - (step - 2) {
            return Err(invalid());
        }
        let mut hash = [0; 32];
        for (index, byte) in hash.iter_mut().enumerate() {
            let place = index * step;
            let is_parted = step == 2 || index == 0 || text.as_bytes()[place - 1] == b':';
            let digits = &text[place..place + 2];
            if !is_parted || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(invalid());
            }
            *byte = u8::from_str_radix(digits, 16).map_err(|_| invalid())?;
        }
        Ok(Sha256(hash))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let colon = if index > 0 { ":" } else { "" };
            write!(f, "{colon}{byte:02X}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Pin {
    fn fits(&self, leaf: &[u8]) -> bool {
        match self {
            Pin::Certificate(hash) => *hash == Sha256::of(leaf),
            Pin::PublicKey(hash) => Sha256::of_public_key(leaf).is_some_and(|own| own == *hash),
        }
    }
}

/// Trusts a server that shows what is pinned, and nobody else. Its names, its dates and who issued it are
/// not looked at: whoever pinned it meant this one. That it holds the key is proved as ever.
#[derive(Debug)]
pub struct PinnedServers {
    pins: Vec<Pin>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl PinnedServers {
    /// Trusts whoever shows one of `pins`.
    pub fn new(pins: Vec<Pin>) -> Arc<Self> {
        let algorithms = super::provider().signature_verification_algorithms;
        Arc::new(PinnedServers { pins, algorithms })
    }
}

impl ServerCertVerifier for PinnedServers {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match self.pins.iter().any(|pin| pin.fits(leaf)) {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(NotPinned(Sha256::of(leaf)).into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        possession::verify(TlsVersion::Tls12, &self.algorithms, message, leaf, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        possession::verify(TlsVersion::Tls13, &self.algorithms, message, leaf, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Another certificate than those pinned.
#[derive(Debug)]
pub(super) struct NotPinned(Sha256);

impl fmt::Display for NotPinned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "it is none of those pinned; its SHA-256 is {}", self.0)
    }
}

impl std::error::Error for NotPinned {}

impl From<NotPinned> for rustls::Error {
    fn from(error: NotPinned) -> Self {
        CertificateError::Other(OtherError(Arc::new(error))).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // FIPS 180-2, B.1
    const OF_ABC: &str = "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:\
                          B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD";

    #[test]
    fn a_hash_is_read_as_it_is_shown() {
        let hash = Sha256::of(b"abc");
        assert_eq!(hash.to_string(), OF_ABC);
        let plain = OF_ABC.replace(':', "").to_lowercase();
        for text in [OF_ABC, &plain] {
            assert_eq!(text.parse::<Sha256>().expect("a hash"), hash);
        }
        assert_eq!(Sha256::from(*hash.as_bytes()), hash);
    }

    #[test]
    fn what_is_no_hash_is_refused() {
        let long = format!("{OF_ABC}:00");
        let sign = OF_ABC.replace("BA:", "+A:");
        let shifted = OF_ABC.replacen("BA:7", "BA7:", 1);
        let wide = "é".repeat(32);
        for text in ["", "BA:78", &OF_ABC[..62], &long, &sign, &shifted, &wide] {
            let error = text.parse::<Sha256>().expect_err(text);
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
    }

    #[test]
    fn a_renewed_certificate_has_the_same_key_and_another_hash() {
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).expect("a key");
        let of = |name: &str| {
            let params = rcgen::CertificateParams::new(vec![name.into()]).expect("a name");
            params.self_signed(&key).expect("signed").der().to_vec()
        };
        let (old, new) = (of("a.test"), of("b.test"));
        let by_key = Pin::PublicKey(Sha256::of_public_key(&old).expect("it has a key"));
        let by_certificate = Pin::Certificate(Sha256::of(&old));
        assert!(by_key.fits(&old) && by_key.fits(&new));
        assert!(by_certificate.fits(&old) && !by_certificate.fits(&new));
        use rcgen::PublicKeyData;
        assert_eq!(Sha256::of_public_key(&old), Some(Sha256::of(&key.subject_public_key_info())));
    }
}

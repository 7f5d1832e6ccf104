//! Who we are: a certificate chain and its key.

use std::fmt;
use std::sync::Arc;

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::{Error, ErrorKind};

/// A client certificate and its private key, ready to sign.
#[derive(Clone)]
pub struct Identity(Arc<CertifiedKey>);

impl Identity {
    /// Reads a chain (the leaf first) and a key in PEM: PKCS #8, PKCS #1 or SEC 1, not encrypted. Both may be the
    /// same text.
    ///
    /// ```no_run
    /// # use streamtask_proto::tls as streamtask;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::fs::read;
    /// use streamtask::Identity;
    ///
    /// let identity = Identity::from_pem(read("me.pem")?, read("me.key")?)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when there is no certificate or no key in it, the key is encrypted,
    /// or they do not match. It says which.
    pub fn from_pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self, Error> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_ref())
            .collect::<Result<_, _>>()
            .map_err(|error| invalid("the chain is not PEM").caused_by(error))?;
        Self::from_der(chain, Self::private_key_from_pem(key)?)
    }

    /// Reads the first private key in PEM, for [`Identity::from_der`] or a server's own use.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when there is none, or it is encrypted.
    pub fn private_key_from_pem(pem: impl AsRef<[u8]>) -> Result<PrivateKeyDer<'static>, Error> {
        let pem = pem.as_ref();
        PrivateKeyDer::from_pem_slice(pem).map_err(|error| {
            let why = match is_encrypted(pem) {
                true => ENCRYPTED,
                false => "no private key in the PEM",
            };
            invalid(why).caused_by(error)
        })
    }

    /// Takes a chain (the leaf first) and a key in DER.
    ///
    /// # Errors
    /// As [`Identity::from_pem`].
    pub fn from_der(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, Error> {
        if chain.is_empty() {
            return Err(invalid("there is no certificate in the chain"));
        }
        let certified = CertifiedKey::from_der(chain, key, &super::provider())
            .map_err(|error| invalid("the key does not fit the certificate").caused_by(error))?;
        Ok(Identity(Arc::new(certified)))
    }

    /// The chain, the leaf first.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0.cert
    }

    pub(crate) fn certified(&self) -> Arc<CertifiedKey> {
        self.0.clone()
    }
}

/// Whether a key in `pem` needs a password: PKCS #8 says so in its label (RFC 7468, 11), the older form
/// in a header (RFC 1421, 4.6.1.1).
fn is_encrypted(pem: &[u8]) -> bool {
    pem.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).any(|line| {
        line == b"-----BEGIN ENCRYPTED PRIVATE KEY-----"
            || line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED")
    })
}

const ENCRYPTED: &str = "the private key is encrypted; decrypt it first, for example with \
                         openssl pkey -in encrypted.pem -out key.pem";

fn invalid(why: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument).with_detail(why)
}

impl fmt::Debug for Identity {
    /// Shows the length of the chain and never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.0.cert.len()).finish_non_exhaustive()
    }
}

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
    /// Reads a chain (the leaf first) and a key in PEM. Both may be the same text.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when there is no certificate or no key in it, or they do not match.
    pub fn from_pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Self, Error> {
        let chain: Vec<_> = CertificateDer::pem_slice_iter(chain.as_ref())
            .collect::<Result<_, _>>()
            .map_err(|error| invalid("the chain is not PEM").caused_by(error))?;
        let key = PrivateKeyDer::from_pem_slice(key.as_ref())
            .map_err(|error| invalid("no private key in the PEM").caused_by(error))?;
        Self::from_der(chain, key)
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

fn invalid(why: &str) -> Error {
    Error::new(ErrorKind::InvalidArgument).detail(why)
}

impl fmt::Debug for Identity {
    /// Shows the length of the chain and never the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("certificates", &self.0.cert.len()).finish_non_exhaustive()
    }
}

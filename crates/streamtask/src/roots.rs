//! Whom a session trusts, as its configuration says it.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use streamtask_proto::tls::provider;
use streamtask_proto::{Error, ErrorKind};

/// Whom to trust.
///
/// A server whose own certificate is one of those named here is trusted under its name and its dates, even
/// if it says that it is for something else (`openssl req -x509` makes such) or was issued by somebody
/// unknown.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Roots {
    /// Whom the platform trusts.
    #[default]
    Platform,
    /// Whom the platform trusts, and these.
    Extra(Vec<CertificateDer<'static>>),
    /// These and nobody else.
    Only(Vec<CertificateDer<'static>>),
}

impl Roots {
    pub(crate) fn named(&self) -> &[CertificateDer<'static>] {
        match self {
            Roots::Platform => &[],
            Roots::Extra(named) | Roots::Only(named) => named,
        }
    }

    /// Reads certificates in PEM, to be used with [`Roots::Extra`] or [`Roots::Only`].
    ///
    /// ```no_run
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use streamtask::{Configuration, Roots, Session};
    ///
    /// let ours = Roots::certificates_from_pem(std::fs::read("our-authority.pem")?)?;
    /// let session = Session::new(Configuration::default().roots(Roots::Extra(ours)))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] when it holds no certificate.
    pub fn certificates_from_pem(
        pem: impl AsRef<[u8]>,
    ) -> Result<Vec<CertificateDer<'static>>, Error> {
        let invalid = |why: &str| Error::new(ErrorKind::InvalidArgument).with_detail(why);
        let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_ref())
            .collect::<Result<_, _>>()
            .map_err(|error| invalid("the certificates are not PEM").caused_by(error))?;
        match certificates.is_empty() {
            true => Err(invalid("there is no certificate in the PEM")),
            false => Ok(certificates),
        }
    }
}

/// Trusts what these roots have issued.
pub(crate) fn only(
    roots: &[CertificateDer<'static>],
) -> Result<Arc<dyn ServerCertVerifier>, Error> {
    let invalid = |why: &str| Error::new(ErrorKind::InvalidArgument).with_detail(why);
    let mut store = RootCertStore::empty();
    for root in roots {
        store
            .add(root.clone())
            .map_err(|error| invalid("a root cannot be used").caused_by(error))?;
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider())
        .build()
        .map(|verifier| verifier as Arc<dyn ServerCertVerifier>)
        .map_err(|error| invalid("there is no root").caused_by(error))
}

//! TLS for the listening end: a certificate from files, or one made on the spot.

use std::path::Path;

use rustls::pki_types::CertificateDer;
use tokio_rustls::TlsAcceptor;

use crate::args::ListenArgs;
use crate::certificate::{Certificate, Made};
use crate::files;
use crate::report::{Exit, Failure};

/// What a secured listener shows.
pub(super) struct Secured {
    pub(super) acceptor: TlsAcceptor,
    pub(super) leaf: CertificateDer<'static>,
}

impl Secured {
    /// Reads or makes the certificate, and saves one that was made if told to.
    pub(super) fn new(args: &ListenArgs) -> Result<Self, Failure> {
        let certificate = match (&args.cert, &args.key) {
            (Some(chain), Some(key)) => read(chain, key)?,
            _ => make(args)?,
        };
        let leaf = certificate.leaf().clone();
        let config = certificate.into_server().map_err(|error| {
            let next = "check that --key belongs to --cert";
            Failure::new(Exit::Usage, "using the certificate", error.to_string(), next)
        })?;
        Ok(Secured { acceptor: config.into(), leaf })
    }
}

fn read(chain: &Path, key: &Path) -> Result<Certificate, Failure> {
    Certificate::from_pem(&files::read(chain)?, &files::read(key)?).map_err(|error| {
        Failure::of(&error, format!("reading {} and {}", chain.display(), key.display()))
    })
}

fn make(args: &ListenArgs) -> Result<Certificate, Failure> {
    let names = ["localhost", "127.0.0.1", "::1", args.host.as_str()];
    // The address to listen on is a good name too, unless it only means "any".
    let is_new = !names[..3].contains(&names[3]) && !matches!(names[3], "0.0.0.0" | "::" | "[::]");
    let names = &names[..if is_new { 4 } else { 3 }];
    let Made { certificate, pem } = Certificate::make("localhost", names)
        .map_err(|error| Failure::local("making a certificate", &error))?;
    if let Some(path) = &args.write_ca {
        files::write(path, &pem)?;
    }
    Ok(certificate)
}

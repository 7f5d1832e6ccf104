//! Files that options name. What is wrong with them is wrong with the command line.

use std::path::Path;

use streamtask::{Identity, Roots};

use crate::report::{Exit, Failure};

/// Reads roots to trust, in PEM.
pub(crate) fn roots(path: &Path) -> Result<Roots, Failure> {
    let pem = read(path)?;
    Roots::certificates_from_pem(pem)
        .map(Roots::Only)
        .map_err(|error| Failure::of(&error, format!("reading {}", path.display())))
}

/// Reads a certificate chain and its key, in PEM.
pub(crate) fn identity(chain: &Path, key: &Path) -> Result<Identity, Failure> {
    let tried = || format!("reading {} and {}", chain.display(), key.display());
    Identity::from_pem(read(chain)?, read(key)?).map_err(|error| Failure::of(&error, tried()))
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| trouble("reading", path, &error))
}

/// Writes a file.
pub(crate) fn write(path: &Path, contents: &str) -> Result<(), Failure> {
    std::fs::write(path, contents).map_err(|error| trouble("writing", path, &error))
}

fn trouble(what: &str, path: &Path, error: &std::io::Error) -> Failure {
    let tried = format!("{what} {}", path.display());
    Failure::new(Exit::Usage, tried, error.to_string(), "check the path and its permissions")
}

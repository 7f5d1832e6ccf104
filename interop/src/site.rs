//! The place of one run: its folder, its certificates, its ports.

use std::cell::Cell;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::pki::Pki;
use crate::rights::Rights;
use crate::trouble::{Attempt, Context};

/// Ports are looked for from here on, below those that the system gives to clients (32768 on
/// Linux): a client that polls a port of its own range can end up connected to itself.
const FIRST_PORT: u16 = 20_100;

/// What servers are started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Means {
    /// The packages that are wanted, all of them.
    Fetched,
    /// Whatever this machine has.
    Installed,
}

/// The place of one run. Dropping it deletes its folder, unless it is to be kept.
pub(crate) struct Site {
    pub(crate) rights: Rights,
    pub(crate) means: Means,
    pub(crate) pki: Pki,
    folder: PathBuf,
    next_port: Cell<u16>,
    keeps: bool,
}

impl Site {
    /// Makes the folder and the certificates.
    pub(crate) fn set_up(rights: Rights, means: Means, keeps: bool) -> Attempt<Self> {
        // Short: Unix sockets live in it, and their paths may have no more than 107 bytes.
        let folder = std::env::temp_dir().join(format!("st-interop-{}", std::process::id()));
        make_open(&folder)?;
        let pki = Pki::make(&folder.join("pki"))?;
        Ok(Site { rights, means, pki, folder, next_port: Cell::new(FIRST_PORT), keeps })
    }

    /// A new folder for one server.
    pub(crate) fn folder(&self, server: &str) -> Attempt<PathBuf> {
        let folder = self.folder.join(server);
        make_open(&folder)?;
        Ok(folder)
    }

    /// A port that is free now and was not given away before.
    pub(crate) fn port(&self) -> Attempt<u16> {
        loop {
            let port = self.next_port.get();
            self.next_port.set(port.checked_add(1).ok_or("no port is left")?);
            if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
                return Ok(port);
            }
        }
    }
}

/// A file of a package, at its place.
pub(crate) fn packaged(path: &str) -> Attempt<&Path> {
    match Path::new(path) {
        path if path.exists() => Ok(path),
        _ => Err(format!("{path} is not there").into()),
    }
}

/// Makes a folder that servers with users of their own may enter, whatever our umask is.
fn make_open(folder: &Path) -> Attempt {
    fs::create_dir(folder).doing(|| format!("making {}", folder.display()))?;
    Ok(fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?)
}

impl Drop for Site {
    fn drop(&mut self) {
        if self.keeps {
            println!("kept: {}", self.folder.display());
        } else if let Err(error) = fs::remove_dir_all(&self.folder) {
            eprintln!("{} stays: {error}", self.folder.display());
        }
    }
}

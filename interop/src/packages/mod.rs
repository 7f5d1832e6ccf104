//! Installs what is missing: on Debian and what descends from it, as root.

mod apt;
mod policy;
mod unpack;

use std::path::Path;

pub(crate) use unpack::root as unpacked_root;

use crate::rights::Rights;
use crate::trouble::Attempt;
use policy::NoAutostart;

/// What is installed as packages are: the servers that can stand side by side, and what this
/// program calls itself.
const PACKAGES: [&str; 7] =
    ["dovecot-imapd", "dovecot-pop3d", "iproute2", "openssl", "postfix", "python3", "util-linux"];

/// Brings in what is missing, or says why it cannot.
pub(crate) fn what_is_missing(cache: &Path, rights: Rights) -> Attempt {
    if rights != Rights::Root {
        println!("install: nothing, without root; what is there is used");
        return Ok(());
    }
    if !apt::is_there() {
        println!("install: nothing, there is no apt-get; what is there is used");
        return Ok(());
    }
    as_root(cache)
}

fn as_root(cache: &Path) -> Attempt {
    let is_unpacked = unpack::is_complete(cache);
    if is_unpacked && missing(cache)?.is_empty() {
        return Ok(());
    }
    apt::update()?;
    if !is_unpacked {
        unpack::fetch(cache)?;
    }
    let missing = missing(cache)?;
    if missing.is_empty() {
        return Ok(());
    }
    println!("install: {}", missing.join(" "));
    let _no_autostart = NoAutostart::begin()?;
    apt::install(&missing)
}

/// The packages that are not installed, with the libraries of those that were only unpacked.
fn missing(cache: &Path) -> Attempt<Vec<String>> {
    let mut packages: Vec<String> = PACKAGES.iter().map(|&name| name.into()).collect();
    packages.extend(unpack::libraries(cache)?);
    packages.retain(|package| !apt::has(package));
    Ok(packages)
}

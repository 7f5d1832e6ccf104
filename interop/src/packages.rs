//! The programs that are tried against, as Debian's packages bring them.

use std::path::Path;

use streamtask_unpack::{Fetched, Unpacked};

use crate::trouble::Attempt;

/// What is wanted. Debian lets a machine have one FTP server; two are wanted, so they are asked for apart.
const PACKAGES: [&[&str]; 2] = [
    &["dovecot-imapd", "dovecot-pop3d", "iproute2", "openssl", "postfix", "pure-ftpd", "python3"],
    &["proftpd-core", "proftpd-mod-crypto"],
];
/// Postfix's, whose own it makes when it is installed.
const ACCOUNTS: [&str; 2] = ["postfix", "postdrop"];

/// Brings in what is missing.
pub(crate) fn fetch(cache: &Path) -> Attempt {
    if Unpacked::in_folder(cache).fetch(&PACKAGES)? == Fetched::NoApt {
        println!("fetch:   nothing, there is no apt-get; what is installed is used");
    }
    Ok(())
}

/// Whether there is anything to put in its place.
pub(crate) fn are_there(cache: &Path) -> bool {
    Unpacked::in_folder(cache).is_complete()
}

/// Whether this is a system whose packages these are.
pub(crate) fn can_be_fetched() -> bool {
    Unpacked::can_fetch()
}

/// Puts what was fetched where its packages want it, for this run alone.
pub(crate) fn lay_over(cache: &Path) -> Attempt {
    Unpacked::in_folder(cache).lay_over(&ACCOUNTS)
}

//! The programs that are tried against, as Debian's packages bring them.

use std::path::Path;

use streamtask_unpack::{Fetched, Unpacked};

use crate::trouble::Attempt;

/// What is wanted. Debian lets a machine have one FTP server; two are wanted, so they are asked for apart, and so
/// are the proxies.
const PACKAGES: [&[&str]; 3] = [
    &["dovecot-imapd", "dovecot-pop3d", "iproute2", "openssl", "postfix", "pure-ftpd", "python3"],
    &["proftpd-core", "proftpd-mod-crypto"],
    &[
        "dante-server",
        "microsocks",
        "ncat",
        "openssh-client",
        "openssh-server",
        "squid",
        "tinyproxy-bin",
    ],
];
/// Those that Postfix and OpenSSH make when they are installed.
const ACCOUNTS: [&str; 3] = ["postfix", "postdrop", "sshd"];

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

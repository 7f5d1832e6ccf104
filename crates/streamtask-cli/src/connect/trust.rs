//! `--insecure`: says yes to every certificate, and says so.

use std::io::Write;

use anstyle::{AnsiColor, Style};
use streamtask::{Challenge, Credential, Session, SessionDelegate, StreamTask};

use crate::certificate::fingerprint;
use crate::subject::{Names, names};
use crate::text::printable;

/// A delegate that trusts anybody.
pub(super) struct AcceptAnything;

impl SessionDelegate for AcceptAnything {
    fn task_did_receive_challenge(
        &self,
        _: &Session,
        _: &StreamTask,
        challenge: Challenge,
    ) -> Option<Challenge> {
        let Some(trust) = challenge.server_trust() else { return Some(challenge) };
        if let Err(error) = &trust.evaluation {
            let leaf = trust.certificates.first().map_or(&[][..], |leaf| leaf);
            warn(&trust.server_name, leaf, error);
        }
        challenge.use_credential(Credential::Trust);
        None
    }
}

/// With stderr gone there is nobody left to be warned.
fn warn(name: &str, leaf: &[u8], error: &rustls::Error) {
    let mut stderr = anstream::stderr().lock();
    let error = printable(error.to_string().as_bytes());
    let warning = format!("{YELLOW}warning:{YELLOW:#} --insecure: {name} could be anybody");
    let _ = writeln!(stderr, "{warning} ({error})");
    if let Some(Names { subject, issuer }) = names(leaf) {
        let _ = writeln!(stderr, "  it says it is {subject}, issued by {issuer}");
    }
    let _ = writeln!(stderr, "  SHA-256 {}", fingerprint(leaf));
}

const YELLOW: Style = AnsiColor::Yellow.on_default().bold();

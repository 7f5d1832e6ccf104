//! `--insecure`: says yes to every certificate, and says so.

use anstyle::{AnsiColor, Style};
use streamtask::{Challenge, Credential, Error, ServerTrust, Session, SessionDelegate, StreamTask};

use crate::stdio;
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
            warn(trust, error);
        }
        challenge.use_credential(Credential::Trust);
        None
    }
}

fn warn(trust: &ServerTrust, error: &Error) {
    let (error, name) = (printable(error.to_string().as_bytes()), &trust.server_name);
    let warning = format!("{YELLOW}warning:{YELLOW:#} --insecure: {name} could be anybody");
    let leaf = trust.certificates.first().map_or(&[][..], |leaf| leaf);
    let identity = names(leaf).map_or_else(String::new, |Names { subject, issuer }| {
        format!("  it says it is {subject}, issued by {issuer}\n")
    });
    stdio::tell(&format!("{warning} ({error})\n{identity}  SHA-256 {}\n", trust.sha256()));
}

const YELLOW: Style = AnsiColor::Yellow.on_default().bold();
